/**
 * The classes of borrowers: how much each may have, and whose turn it is.
 *
 * Whose turn it is, is start-time fair queueing (P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing", ACM SIGCOMM 1996):
 * the next lease of a class would start at its `pass`, or now, if that is later; the class whose lease would start first is
 * the next, and a lease moves its class on by 1 / weight. So a class that did not wait, or could not be served, has nothing in
 * hand from that time when it comes again.
 *
 * Invariants, at the end of every step:
 * - `open` counts the open leases of a class, `aside` the objects that are set aside for its waiters, `bound` those that
 *   `onBorrow` is preparing for them. All three were within `most`, and of the reserve of the class, or left the other classes
 *   what they had coming of theirs, when they were counted in.
 * - Each of them has moved its class on; what came to nothing has moved it back.
 * - `time` never goes back. It is when the lease started that was granted last.
 * - Where something was withheld from a waiter for its class, and the class has room now, `Note.withheld` is left.
 */
import type { PoolStats } from "../../PoolError.ts"
import { type Core, lendable, population } from "./core.ts"
import type { ClassLimits } from "./settings.ts"
import type { Request, Waiter, Waiters } from "./waiters.ts"

/** One class. Those who name none are one as well. */
export class BorrowerClass<A, D> implements ClassLimits {
  readonly name: string | undefined
  readonly reserve: number
  readonly most: number
  readonly weight: number
  /** The waiters of the class. */
  readonly queue: Waiters<A, D>
  open = 0
  aside = 0
  bound = 0
  /** How many waiters an object is being made, detected or prepared for: written by `ClassedWaiters`. */
  underway = 0
  /** When the next lease would start, if the class had waited all the time. */
  pass = 0
  /** Something was withheld from a waiter, since its class had no room. */
  withheld = false
  // since the pool was built
  borrowed = 0
  exhausted = 0
  timedOut = 0

  constructor({ most, name, reserve, weight }: ClassLimits, queue: Waiters<A, D>) {
    this.name = name
    this.reserve = reserve
    this.most = most
    this.weight = weight
    this.queue = queue
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
    const { queue: { expecting }, reserve } = this
    return Math.max(0, reserve - this.has - expecting)
  }
}

export class Classes<A, D> {
  /** The last is that of those who name none. */
  readonly all: ReadonlyArray<BorrowerClass<A, D>>
  /** Something is withheld from a class. */
  withheld = false
  private readonly core: () => Core<A, D>
  /** Those that have something in reserve. */
  private readonly reserving: ReadonlyArray<BorrowerClass<A, D>>
  /** How many objects are set aside. */
  private aside = 0
  private time = 0

  constructor(core: () => Core<A, D>, limits: ReadonlyArray<ClassLimits>, queue: () => Waiters<A, D>) {
    this.core = core
    this.all = limits.map((each) => new BorrowerClass(each, queue()))
    this.reserving = this.all.filter(({ reserve }) => reserve > 0)
  }

  of({ classAt }: Pick<Request<A, D>, "classAt">): BorrowerClass<A, D> {
    return this.all[classAt!]!
  }

  /** The counts of each class that has a name. */
  stats(): NonNullable<PoolStats["classes"]> {
    const stats: Record<string, NonNullable<PoolStats["classes"]>[string]> = {}
    for (const { borrowed, exhausted, most, name, open, queue, reserve, timedOut, weight } of this.all) {
      if (name === undefined) continue
      stats[name] = {
        leases: open,
        waiting: queue.size,
        reserve,
        ...most !== Infinity && { most },
        weight,
        totals: { borrowed, timedOut, exhausted }
      }
    }
    return stats
  }

  // how much

  /** May a class be given one object more, which can be lent? `paid`: as many of what it has are for that. */
  mayHave(one: BorrowerClass<A, D>, paid = 0): boolean {
    const has = one.has - paid
    return (has < one.most && this.leaves(one, has)) || this.withhold(one)
  }

  /** May a waiter be given an object that can be lent? */
  mayServe({ paid, request }: Waiter<A, D>): boolean {
    return this.mayHave(this.of(request), paid)
  }

  /** May an object be made, detected, or lent at once for a borrower of a class, beside what is under way for others? */
  mayBegin(one: BorrowerClass<A, D>): boolean {
    return this.hasRoom(one) || this.withhold(one)
  }

  /** The same for a waiter, which may have something under way. */
  mayBeginFor(waiter: Waiter<A, D>): boolean {
    const one = this.of(waiter.request)
    return this.hasRoom(one, isUnderway(waiter) ? 1 : 0) || this.withhold(one)
  }

  /** May a waiter be given what is set aside for one of another class, which keeps what it has in reserve? */
  mayTakeOver(waiter: Waiter<A, D>, another: BorrowerClass<A, D>): boolean {
    const one = this.of(waiter.request)
    if (another.has <= another.reserve) return false
    // as if it were on offer
    another.aside--
    this.aside--
    const may = this.hasRoom(one, isUnderway(waiter) ? 1 : 0)
    another.aside++
    this.aside++
    return may
  }

  private hasRoom(one: BorrowerClass<A, D>, own = 0): boolean {
    const has = one.open + one.aside + one.underway - own
    return has < one.most && this.leaves(one, has)
  }

  private withhold(one: BorrowerClass<A, D>): false {
    this.withheld = one.withheld = true
    return false
  }

  /**
   * Is there as much as the others have coming, after one more of a class that has some? It may have its own reserve in any
   * case: where there is not enough for those of all, each would leave the others what none of them may have.
   */
  private leaves(one: BorrowerClass<A, D>, has: number): boolean {
    if (has < one.reserve) return true
    const owed = this.owedBeside(one)
    return owed === 0 || this.places(owed + 1) > owed
  }

  private owedBeside(one: BorrowerClass<A, D>): number {
    let owed = 0
    for (const other of this.reserving) if (other !== one) owed += other.owed
    return owed
  }

  /** How many leases could begin, of what can be lent now or made: no more than `enough` are counted. */
  private places(enough: number): number {
    const { creator, options: { capacity, sharing }, registry, size } = this.core()
    const room = creator === undefined ? 0 : Math.max(0, size.max - population(this.core()))
    if (sharing === 1) return registry.counts.Available - this.aside + room
    let places = room === 0 || capacity !== undefined ? room : room * sharing
    for (const entry of registry.entries) {
      if (places >= enough) break
      // what is set aside is one lease of a shared object
      if (entry.keeper !== undefined) places += entry.capacity - entry.open - 1
      else if (lendable(entry)) places += entry.capacity - entry.open
    }
    return places
  }

  /** How many leases a borrower of a class could ever have, in a pool of this size. */
  ceiling(one: BorrowerClass<A, D>): number {
    const { options: { sharing }, size } = this.core()
    let ceiling = size.max * sharing
    for (const other of this.all) if (other !== one) ceiling -= other.reserve
    return Math.min(one.most, ceiling)
  }

  /** How many objects more may be made for a waiter that wants some, beside what is under way for others? */
  roomFor(waiter: Waiter<A, D>, wanted: number): number {
    const one = this.of(waiter.request)
    const own = isUnderway(waiter) ? 1 : 0
    const owed = this.owedBeside(one)
    const has = one.open + one.aside + one.underway - own
    const spare = owed === 0 ? Infinity : this.places(owed + wanted) - owed
    return Math.max(0, Math.min(wanted, one.most - has, Math.max(one.reserve - has, spare)))
  }

  /** The classes from which something was withheld, and that have room by now. */
  released(): ReadonlyArray<BorrowerClass<A, D>> {
    this.withheld = false
    const released = this.all.filter((one) => one.withheld && one.queue.size > 0 && this.hasRoom(one))
    for (const one of this.all) {
      one.withheld &&= one.queue.size > 0 && !released.includes(one)
      this.withheld ||= one.withheld
    }
    return released
  }

  // whose turn

  /** The classes with waiters, in their turn. `tentative`: what is under way counts as if it were lent. */
  inTurn(tentative: boolean): Array<BorrowerClass<A, D>> {
    const waiting = this.all.filter(({ queue }) => queue.size > 0)
    if (waiting.length < 2) return waiting
    const start = (one: BorrowerClass<A, D>) =>
      Math.max(one.pass, this.time) + (tentative ? one.underway / one.weight : 0)
    return waiting.sort((one, other) =>
      start(one) - start(other) || one.queue.lead!.arrival - other.queue.lead!.arrival
    )
  }

  /** A lease is granted, or an object is prepared or set aside for one. */
  charge(one: BorrowerClass<A, D>): void {
    this.time = Math.max(one.pass, this.time)
    one.pass = this.time + 1 / one.weight
  }

  private refund(one: BorrowerClass<A, D>): void {
    one.pass -= 1 / one.weight
  }

  // what is counted of each

  /** An object is about to be prepared for a waiter. */
  bind(waiter: Waiter<A, D>): void {
    const one = this.of(waiter.request)
    this.charge(one)
    one.bound++
    waiter.paid++
  }

  /** A waiter is given an object: perhaps that which was prepared for it. */
  pay(waiter: Waiter<A, D>): void {
    const one = this.of(waiter.request)
    if (waiter.paid === 0) return this.charge(one)
    waiter.paid--
    one.bound--
  }

  /** What is prepared for a waiter is not for it any more. */
  unbind(waiter: Waiter<A, D>): void {
    if (waiter.paid === 0) return
    const one = this.of(waiter.request)
    waiter.paid--
    one.bound--
    this.refund(one)
  }

  /** An object is set aside for a waiter. */
  keep(waiter: Waiter<A, D>): void {
    this.pay(waiter)
    this.of(waiter.request).aside++
    this.aside++
  }

  /** An object is set aside for a waiter no more. `lent`: it is lent to it. */
  release({ request }: Waiter<A, D>, lent: boolean): void {
    const one = this.of(request)
    one.aside--
    this.aside--
    if (!lent) this.refund(one)
  }
}

/** Is an object being made, detected or prepared for a waiter? */
export const isUnderway = <A, D>({ creation, detection }: Waiter<A, D>): boolean =>
  creation !== undefined || detection !== undefined
