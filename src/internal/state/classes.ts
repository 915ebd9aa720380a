/**
 * The classes of borrowers of one pool: a queue for each, beside what the class has of all pools, which is in its account.
 */
import type { Account, Accounts, Whole } from "./accounts.ts"
import { type Core, lendable, population } from "./core.ts"
import type { Request, Waiter, Waiters } from "./waiters.ts"

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
