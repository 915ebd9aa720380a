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
import type { BorrowerClass } from "./classes.ts"
import type { ClassLimits } from "./settings.ts"

/** What there is for all classes. */
export interface Whole {
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
