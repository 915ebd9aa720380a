/**
 * The classes of borrowers: how much each may have, and whose turn it is.
 *
 * Whose turn it is, is start-time fair queueing (P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing", ACM SIGCOMM 1996):
 * the next lease of a class would start at its `pass`, or now, if that is later; the class whose lease would start first is
 * the next, and a lease moves its class on by 1 / weight. So a class that did not wait, or could not be served, has nothing in
 * hand from that time when it comes again.
 *
 * What a class has is in its {@link Account}: one for the pools of all keys, where there are many. The pool of each key has
 * a queue of its own for each class.
 *
 * Invariants, at the end of every step:
 * - `open` counts the open leases of a class, `aside` the objects that are set aside for its waiters, `bound` those that
 *   `onBorrow` is preparing for them; of all keys, where there are many. All three were within `most`, and of the reserve of
 *   the class, or left the other classes what they had coming of theirs, when they were counted in.
 * - Each of them has moved its class on; what came to nothing has moved it back.
 * - `waiting`, `underway` and `expecting` of an account are the sums of those of the queues of its class.
 * - `time` never goes back. It is when the lease started that was granted last.
 * - Where something was withheld from a waiter for its class, and the class has room now, `Note.withheld` is left.
 * - Of many keys, those whose objects are listed while their waiters were withheld from them are in `held`.
 */
import type { PoolStats } from "../../PoolError.ts"
import { type Core, lendable, population } from "./core.ts"
import type { ClassLimits } from "./settings.ts"
import type { Request, Waiter, Waiters } from "./waiters.ts"

/** What there is for all classes. */
interface Whole {
  /** How many leases could begin, of what can be lent now or made: no more than `enough` are counted. */
  readonly places: (enough: number) => number
  /** How many leases there may ever be at once. */
  readonly most: () => number
}

/** What one class has. Those who name none are one as well. */
export class Account implements ClassLimits {
  readonly name: string | undefined
  readonly reserve: number
  readonly most: number
  readonly weight: number
  /** Its place among the classes. */
  readonly at: number
  open = 0
  aside = 0
  bound = 0
  /** How many wait; how many an object is being made, detected or prepared for; how many one is being made for. */
  waiting = 0
  underway = 0
  expecting = 0
  /** When the next lease would start, if the class had waited all the time. */
  pass = 0
  /** Something was withheld from a waiter, since its class had no room. */
  withheld = false
  /** Of many keys, those from whose waiters objects may have been withheld that are listed. */
  readonly held = new Set<BorrowerClass<never, never>>()
  // since the pool was built
  borrowed = 0
  exhausted = 0
  timedOut = 0

  constructor({ most, name, reserve, weight }: ClassLimits, at: number) {
    this.name = name
    this.reserve = reserve
    this.most = most
    this.weight = weight
    this.at = at
  }

  /** A lease begins: only `lease/holding.ts` calls this. */
  begins(): void {
    this.open++
    this.borrowed++
  }

  /** What the class has, or is about to be given. */
  get has(): number {
    return this.open + this.aside + this.bound
  }

  /** What the class still has coming of its reserve, beyond what is being made for it. */
  get owed(): number {
    return Math.max(0, this.reserve - this.has - this.expecting)
  }
}

/** What all classes have. */
export class Accounts {
  /** The last is that of those who name none. */
  readonly all: ReadonlyArray<Account>
  whole: Whole
  /** Something is withheld from a class. */
  withheld = false
  /** How many objects are set aside. */
  aside = 0
  /** How many objects are `Available`, of all keys: written by the registries, where there are many. */
  available = 0
  /** Are there many keys? */
  isOfKeys = false
  /** Those that have something in reserve. */
  private readonly reserving: ReadonlyArray<Account>
  private time = 0

  constructor(limits: ReadonlyArray<ClassLimits>, whole: Whole) {
    this.all = limits.map((each, at) => new Account(each, at))
    this.reserving = this.all.filter(({ reserve }) => reserve > 0)
    this.whole = whole
  }

  /** The counts of each class that has a name. */
  stats(): NonNullable<PoolStats["classes"]> {
    const stats: Record<string, NonNullable<PoolStats["classes"]>[string]> = {}
    for (const { borrowed, exhausted, most, name, open, reserve, timedOut, waiting, weight } of this.all) {
      if (name === undefined) continue
      const counts = {
        leases: open,
        waiting,
        reserve,
        ...most !== Infinity && { most },
        weight,
        totals: { borrowed, timedOut, exhausted }
      }
      // a name may be `__proto__`
      Object.defineProperty(stats, name, { value: counts, writable: true, enumerable: true, configurable: true })
    }
    return stats
  }

  // how much

  /** May an object be made, detected, or lent at once for a borrower of a class, beside what is under way for others? */
  mayBegin(one: Account): boolean {
    return this.hasRoom(one) || this.withhold(one)
  }

  /** Is there less than a class has coming of its reserve? */
  isShort(one: Account): boolean {
    const { owed } = one
    return owed > 0 && this.whole.places(owed) < owed
  }

  hasRoom(one: Account, own = 0): boolean {
    const has = one.open + one.aside + one.underway - own
    return has < one.most && this.leaves(one, has)
  }

  /** Has a class room for one more, and no other? Or for none, but for what is under way for it. */
  hasLast(one: Account): boolean {
    const next = one.open + one.aside + one.underway + 1
    if (next >= one.most) return true
    if (next < one.reserve) return false
    const owed = this.owedBeside(one)
    return owed > 0 && this.whole.places(owed + 2) <= owed + 1
  }

  withhold(one: Account): false {
    this.withheld = one.withheld = true
    return false
  }

  /**
   * Is there as much as the others have coming, after one more of a class that has some? It may have its own reserve in any
   * case: where there is not enough for those of all, each would leave the others what none of them may have.
   */
  leaves(one: Account, has: number): boolean {
    if (has < one.reserve) return true
    const owed = this.owedBeside(one)
    return owed === 0 || this.whole.places(owed + 1) > owed
  }

  owedBeside(one: Account): number {
    let owed = 0
    for (const other of this.reserving) if (other !== one) owed += other.owed
    return owed
  }

  /** How many leases a borrower of a class could ever have, in a pool of this size. */
  ceiling(one: Account): number {
    let ceiling = this.whole.most()
    for (const other of this.all) if (other !== one) ceiling -= other.reserve
    return Math.min(one.most, ceiling)
  }

  // whose turn

  /** When the next lease of a class would start. `tentative`: what is under way counts as if it were lent. */
  start(one: Account, tentative: boolean): number {
    return this.pass(one) + (tentative ? one.underway / one.weight : 0)
  }

  /**
   * Of many keys, what is under way for a class cannot serve another in its stead, and others are served until it has come:
   * then it has one lease in hand.
   */
  private pass(one: Account): number {
    if (!this.isOfKeys) return Math.max(one.pass, this.time)
    return one.underway > 0 ? one.pass : Math.max(one.pass, this.time - 1 / one.weight)
  }

  /** Some more wait of a class, or fewer; and an object is under way for some more, or fewer. */
  follow(one: Account, waiting: number, underway: number): void {
    if (this.isOfKeys && one.underway === 0) {
      one.pass = one.waiting === 0
        ? Math.max(one.pass, this.time)
        : this.pass(one)
    }
    one.waiting += waiting
    one.underway += underway
  }

  /** The classes with waiters of any key, in their turn. Of those that would start at once, that which came first. */
  inTurn(arrival: (one: Account) => number): Array<Account> {
    const waiting = this.all.filter((one) => one.waiting > 0)
    if (waiting.length < 2) return waiting
    return waiting.sort((one, other) =>
      this.start(one, true) - this.start(other, true) || (arrival(one) < arrival(other) ? -1 : 1)
    )
  }

  /** A lease is granted, or an object is prepared or set aside for one. */
  charge(one: Account): void {
    const start = this.pass(one)
    this.time = Math.max(start, this.time)
    one.pass = start + 1 / one.weight
  }
}

/** How many leases could begin of the objects of a pool, where one object may carry several: no more than `enough` are counted. */
export const leasesLeft = <A, D>({ registry }: Core<A, D>, enough: number): number => {
  let places = 0
  for (const entry of registry.entries) {
    if (places >= enough) break
    // what is set aside is one lease of a shared object
    if (entry.keeper !== undefined) places += entry.capacity - entry.open - 1
    else if (lendable(entry)) places += entry.capacity - entry.open
  }
  return places
}

/** How many leases objects could carry that are not there yet. */
export const leasesOf = <A, D>({ options: { capacity, sharing } }: Core<A, D>, objects: number): number =>
  objects === 0 || capacity !== undefined ? objects : objects * sharing

/** One pool as its classes see it. */
export const wholeOf = <A, D>(core: () => Core<A, D>): Whole => ({
  places: (enough) => {
    const { classes, creator, options: { sharing }, registry, size } = core()
    const room = creator === undefined ? 0 : Math.max(0, size.max - population(core()))
    if (sharing === 1) return registry.counts.Available - classes!.accounts.aside + room
    const places = leasesOf(core(), room)
    return places + leasesLeft(core(), enough - places)
  },
  most: () => core().size.max * core().options.sharing
})

/** The waiters of one class in the pool, and what that has. */
export class BorrowerClass<A, D> {
  readonly core: () => Core<A, D>
  readonly account: Account
  readonly queue: Waiters<A, D>
  /** How many waiters of the queue an object is being made, detected or prepared for: written by `ClassedWaiters`. */
  underway = 0

  constructor(core: () => Core<A, D>, account: Account, queue: Waiters<A, D>) {
    this.core = core
    this.account = account
    this.queue = queue
  }
}

export class Classes<A, D> {
  readonly accounts: Accounts
  /** The last is that of those who name none. */
  readonly all: ReadonlyArray<BorrowerClass<A, D>>
  private readonly core: () => Core<A, D>

  constructor(core: () => Core<A, D>, accounts: Accounts, queue: () => Waiters<A, D>) {
    this.core = core
    this.accounts = accounts
    this.all = accounts.all.map((account) => new BorrowerClass(core, account, queue()))
  }

  of({ classAt }: Pick<Request<A, D>, "classAt">): BorrowerClass<A, D> {
    return this.all[classAt!]!
  }

  // how much

  /** May a class be given one object more, which can be lent? `paid`: as many of what it has are for that. */
  mayHave(one: BorrowerClass<A, D>, paid = 0): boolean {
    const { account } = one
    const has = account.has - paid
    return (has < account.most && this.accounts.leaves(account, has)) || this.withhold(one)
  }

  /** May a waiter be given an object that can be lent? */
  mayServe({ paid, request }: Waiter<A, D>): boolean {
    return this.mayHave(this.of(request), paid)
  }

  /** See {@link Accounts.mayBegin}. */
  mayBegin(one: BorrowerClass<A, D>): boolean {
    return this.accounts.hasRoom(one.account) || this.withhold(one)
  }

  /** The same for a waiter, which may have something under way. */
  mayBeginFor(waiter: Waiter<A, D>): boolean {
    const one = this.of(waiter.request)
    return this.accounts.hasRoom(one.account, isUnderway(waiter) ? 1 : 0) || this.withhold(one)
  }

  /** May a waiter be given what is set aside for one of another class, which keeps what it has in reserve? */
  mayTakeOver(waiter: Waiter<A, D>, another: BorrowerClass<A, D>): boolean {
    const { account } = another
    if (account.has <= account.reserve) return false
    // as if it were on offer
    account.aside--
    this.accounts.aside--
    const may = this.accounts.hasRoom(this.of(waiter.request).account, isUnderway(waiter) ? 1 : 0)
    account.aside++
    this.accounts.aside++
    return may
  }

  private withhold(one: BorrowerClass<A, D>): false {
    if (this.core().place !== undefined) one.account.held.add(one as unknown as BorrowerClass<never, never>)
    return this.accounts.withhold(one.account)
  }

  /** What is listed is withheld from all who wait, until it is known whose turn it is, of all keys. */
  hold(): void {
    for (const one of this.all) if (one.queue.size > 0) this.withhold(one)
  }

  /** How many objects more may be made for a waiter that wants some, beside what is under way for others? */
  roomFor(waiter: Waiter<A, D>, wanted: number): number {
    const one = this.of(waiter.request).account
    const own = isUnderway(waiter) ? 1 : 0
    const owed = this.accounts.owedBeside(one)
    const has = one.open + one.aside + one.underway - own
    const spare = owed === 0 ? Infinity : this.accounts.whole.places(owed + wanted) - owed
    return Math.max(0, Math.min(wanted, one.most - has, Math.max(one.reserve - has, spare)))
  }

  /** Of one pool, the classes from which something was withheld, and that have room by now. */
  released(): ReadonlyArray<BorrowerClass<A, D>> {
    const { accounts } = this
    accounts.withheld = false
    const released = this.all.filter(({ account, queue }) =>
      account.withheld && queue.size > 0 && accounts.hasRoom(account)
    )
    for (const one of this.all) {
      one.account.withheld &&= one.queue.size > 0 && !released.includes(one)
      accounts.withheld ||= one.account.withheld
    }
    return released
  }

  // whose turn

  /** The classes with waiters in the pool, in their turn: see {@link Accounts.start}. */
  inTurn(tentative: boolean): Array<BorrowerClass<A, D>> {
    const { accounts } = this
    const waiting = this.all.filter(({ queue }) => queue.size > 0)
    if (waiting.length < 2) return waiting
    return waiting.sort((one, other) =>
      accounts.start(one.account, tentative) - accounts.start(other.account, tentative) ||
      one.queue.lead!.arrival - other.queue.lead!.arrival
    )
  }

  private refund({ account }: BorrowerClass<A, D>): void {
    account.pass -= 1 / account.weight
  }

  // what is counted of each

  /** An object is about to be prepared for a waiter. */
  bind(waiter: Waiter<A, D>): void {
    const { account } = this.of(waiter.request)
    this.accounts.charge(account)
    account.bound++
    waiter.paid++
  }

  /** A waiter is given an object: perhaps that which was prepared for it. */
  pay(waiter: Waiter<A, D>): void {
    const { account } = this.of(waiter.request)
    if (waiter.paid === 0) return this.accounts.charge(account)
    waiter.paid--
    account.bound--
  }

  /** What is prepared for a waiter is not for it any more. */
  unbind(waiter: Waiter<A, D>): void {
    if (waiter.paid === 0) return
    const one = this.of(waiter.request)
    waiter.paid--
    one.account.bound--
    this.refund(one)
  }

  /** An object is set aside for a waiter. */
  keep(waiter: Waiter<A, D>): void {
    this.pay(waiter)
    this.of(waiter.request).account.aside++
    this.accounts.aside++
  }

  /** An object is set aside for a waiter no more. `lent`: it is lent to it. */
  release({ request }: Waiter<A, D>, lent: boolean): void {
    const one = this.of(request)
    one.account.aside--
    this.accounts.aside--
    if (!lent) this.refund(one)
  }
}

/** Is an object being made, detected or prepared for a waiter? */
export const isUnderway = <A, D>({ creation, detection }: Waiter<A, D>): boolean =>
  creation !== undefined || detection !== undefined
