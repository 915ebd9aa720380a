/**
 * What must hold of any pool, whatever its selector picks: a record of what was seen, and the checks after every step.
 * Pure: it neither runs effects nor knows how a pool works inside.
 */
import type { PooledObject, PoolStats } from "../../src/index.ts"
import type { Setup } from "./commands.ts"

/** A promise that was not kept. */
export class Broken extends Error {
  readonly rule: string
  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`)
    this.rule = rule
  }
}

export const must = (holds: boolean, rule: string, detail: () => string): void => {
  if (!holds) throw new Broken(rule, detail())
}

/** An object that knows what was done to it. */
export class Thing {
  readonly n: number
  readonly made: boolean
  readonly madeAt: number
  /** How many rotations there had been when its making began. */
  readonly generation: number
  /** It has a way to be destroyed: it was made, or added with `release`. */
  destroyable: boolean
  /** How often its destruction was begun. */
  destroyed = 0
  /** How often it left with its borrower. */
  detached = 0
  /** How often it was added. */
  added = 0
  constructor(n: number, made: boolean, madeAt: number, generation = 0) {
    this.generation = generation
    this.n = n
    this.made = made
    this.madeAt = madeAt
    this.destroyable = made
  }
  get kind(): number {
    return this.n % 3
  }
}

export type Pooled = PooledObject<Thing, undefined>

/** What the pool must know of one object. */
interface Entry {
  readonly pooled: Pooled
  /** Not lent before. */
  restsUntil: number
  /** Somebody has said that it must go: it is not lent again. */
  leaving: boolean
  /** When its last lease expired. */
  expiredAt: number
  /** When the detector found it to be no good while it was lent: leases that begin at that moment may have come before. */
  condemnedAt: number
  /** Not lent to one more before all its leases have ended, or perhaps not. */
  barred: boolean
  /** Detections that are under way. */
  asking: number
  /** When it was lent. */
  readonly takes: Array<number>
  /** What the last one said. */
  verdict: "fine" | "not fine" | "unclear"
}

export interface Held {
  readonly id: number
  readonly pooled: Pooled
  readonly borrower: Borrower
  readonly timeout: number
  expiresAt: number
  /** Its borrower has no rights any more. */
  over: boolean
  /** The pool has the object back. */
  returned: boolean
}

export interface Borrower {
  readonly n: number
  readonly since: number
  readonly until: number
  readonly priority: number
  readonly kind: number | undefined
  readonly queues: boolean
  /** Its lease is given back only when its body has ended. */
  readonly body: boolean
  state: "waits" | "holds" | "ended"
  held: Held | undefined
  /** How it ended. */
  ending: string
}

export interface View {
  readonly now: number
  readonly stats: PoolStats
  readonly objects: ReadonlyArray<Pooled>
  /** The ids of the open leases. */
  readonly leases: ReadonlyArray<number>
  /** Answers of the user's selector, and attempts to make, that are awaited. */
  readonly choosing: number
}

const custom = ["last", "slow", "picky"]

export class Model {
  readonly setup: Setup
  readonly borrowers: Array<Borrower> = []
  readonly entries = new Map<number, Entry>()
  readonly things: Array<Thing> = []
  readonly held: Array<Held> = []
  private granted: Array<Held> = []
  suspended = false
  rotations = 0
  max: number
  min: number
  added = 0
  expired = 0
  /** Failures to make, detect or prepare an object so far. */
  failures = 0
  life: "open" | "closing" | "closed" = "open"
  private population = 0
  private readonly refused = new Set<Borrower>()
  /** Something was being detected or chosen at the last check. */
  private busy = false
  private lastLease = 0

  constructor(setup: Setup) {
    this.setup = setup
    this.max = setup.acquire || setup.max !== 0 ? setup.max : Infinity
    this.min = setup.min
  }

  get waiting(): ReadonlyArray<Borrower> {
    return this.borrowers.filter((each) => each.state === "waits")
  }
  get open(): ReadonlyArray<Held> {
    return this.held.filter((each) => !each.over)
  }
  get stale(): ReadonlyArray<Held> {
    return this.held.filter((each) => each.over)
  }
  /** Leases of an object that the pool has not back. */
  private out(id: number): ReadonlyArray<Held> {
    return this.held.filter((each) => !each.returned && each.pooled.id === id)
  }
  entry(pooled: Pooled): Entry {
    let entry = this.entries.get(pooled.id)
    if (entry === undefined) {
      entry = {
        pooled,
        restsUntil: -Infinity,
        leaving: false,
        expiredAt: -1,
        condemnedAt: -Infinity,
        barred: false,
        asking: 0,
        takes: [],
        verdict: "fine"
      }
      this.entries.set(pooled.id, entry)
    }
    return entry
  }

  // ------------------------------------------------------------------------------------------------- what is observed

  grant(borrower: Borrower, lease: { id: number; pooled: Pooled }, timeout: number, now: number): Held {
    const { id, pooled } = lease
    const thing = pooled.object
    const entry = this.entry(pooled)
    const held: Held = {
      id,
      pooled,
      borrower,
      timeout,
      expiresAt: now + timeout,
      over: false,
      returned: false
    }
    const what = () => `lease ${id} of object ${pooled.id} to borrower ${borrower.n} at ${now}`
    must(borrower.state === "waits", "1 only who waits gets a lease", what)
    must(this.life !== "closed", "7 nothing is lent after close", what)
    must(!this.suspended, "25 nothing is lent while suspended", what)
    must(!this.held.some((each) => each.id === id), "1 a lease is granted once", what)
    must(this.out(pooled.id).length < this.setup.sharing, "1 at most `sharing` leases", what)
    must(thing.destroyed === 0 || !thing.made, "1 what is destroyed is not lent", what)
    must(this.wants(borrower, pooled), "4 `where` holds", what)
    must(!entry.leaving || entry.expiredAt === now || entry.condemnedAt === now, "6 what must leave is not lent", what)
    must(entry.restsUntil <= now, "6 what rests is not lent", () => `${what()}, rests until ${entry.restsUntil}`)
    must(
      this.hasLeft(entry, now),
      "28 none is lent without an allowance left",
      () => `${what()} after ${entry.takes.join()}`
    )
    entry.takes.push(now)
    const { maxBorrows = Infinity } = this.setup
    must(!thing.made || pooled.borrowCount <= maxBorrows, "6 at most `maxBorrows`", what)
    const detected = pooled.detectedAt === undefined ? -Infinity : Number(pooled.detectedAt.epochMilliseconds)
    const { onBorrow, trust } = this.setup
    // what a hook has prepared was detected before
    must(
      typeof trust !== "number" || onBorrow !== undefined || detected === now || now < detected + trust,
      "16 what is lent was detected within the trust window",
      () => `${what()}, detected at ${detected}`
    )
    // perhaps granted just before another lease of it expired
    if (entry.expiredAt === now) entry.barred = true
    borrower.state = "holds"
    borrower.held = held
    this.held.push(held)
    this.granted.push(held)
    return held
  }

  /** Is there anything left of the allowance of an object? */
  private hasLeft({ takes }: Entry, now: number): boolean {
    if (this.setup.allowance === undefined) return true
    const { limit, per, window } = this.setup.allowance
    switch (window) {
      case "sliding":
        return takes.filter((at) => at + per > now).length < limit
      case "bucket": {
        let level = limit
        takes.forEach((at, i) => {
          level = Math.min(limit, level + (at - (takes[i - 1] ?? at)) * limit / per) - 1
        })
        return Math.min(limit, level + (now - (takes.at(-1) ?? now)) * limit / per) > 1 - 1e-6
      }
      case "fixed": {
        let end = -Infinity
        let taken = 0
        for (const at of takes) {
          if (at >= end) {
            end = at + per
            taken = 0
          }
          taken++
        }
        return now >= end || taken < limit
      }
    }
  }

  /** A borrower's fiber has ended. */
  end(borrower: Borrower, ending: string): void {
    borrower.ending = ending
    borrower.state = "ended"
    const { held } = borrower
    if (held === undefined) return
    held.over = true
    this.giveBack(held)
  }

  giveBack(held: Held): void {
    if (held.returned) return
    held.over = held.returned = true
    if (this.out(held.pooled.id).length === 0) this.entry(held.pooled).barred = false
  }

  /** Time has passed: leases expire. */
  pass(now: number): void {
    for (const held of this.held) {
      if (held.over || held.expiresAt > now) continue
      this.expired++
      this.cut(held, held.expiresAt)
    }
  }

  /** The lease is over, though its borrower has not ended it. */
  cut(held: Held, at: number): void {
    held.over = true
    this.entry(held.pooled).expiredAt = at
    if (this.setup.onLeaseExpired !== "return") this.entry(held.pooled).barred = true
    const detects = this.setup.trust !== "no detector"
    const destroys = this.setup.onLeaseExpired === "destroy" ||
      (this.setup.onLeaseExpired === undefined && !detects && held.pooled.object.made)
    if (destroys) this.entry(held.pooled).leaving = true
    if (!held.borrower.body) this.giveBack(held)
  }

  /** The pool has taken everything back. */
  revoke(): void {
    for (const held of this.held) this.giveBack(held)
  }

  destroy(thing: Thing, now: number): void {
    thing.destroyed++
    const what = () => `object of thing ${thing.n} at ${now}`
    must(thing.destroyable, "5 an added object without `release` is left to its owner", what)
    must(thing.destroyed <= (thing.made ? 1 : thing.added), "5 an object is destroyed once", what)
    const lent = this.held.some((each) => !each.over && each.expiresAt > now && each.pooled.object === thing)
    must(!lent || thing.detached > 0 || this.life !== "open", "5 an object is not destroyed while it is lent", what)
  }

  // ------------------------------------------------------------------------------------------------------- the checks

  /** May this borrower have this object? */
  wants(borrower: Borrower, pooled: Pooled): boolean {
    const { kind, n } = pooled.object
    return (borrower.kind === undefined || borrower.kind === kind) && (this.setup.select !== "picky" || n % 2 === 0)
  }

  /** Does this object leave as soon as it is not lent? */
  private leaves(pooled: Pooled): boolean {
    const { leaving, verdict } = this.entry(pooled)
    return leaving || (pooled.status === "Borrowed" && verdict === "not fine")
  }

  check(view: View): void {
    this.books(view)
    this.leases(view)
    const busy = view.stats.pending + this.asking + view.choosing > 0
    this.order(busy || this.busy)
    this.busy = busy
    this.waiters(view)
    this.allowances(view)
    if (this.life === "open") this.making(view)
    this.population = view.stats.size + view.stats.making
  }

  private books({ objects, stats }: View): void {
    const { available, borrowed, dormant, invalid, pending, unknown, totals } = stats
    const what = () => JSON.stringify(stats)
    must(pending + available + borrowed + dormant + unknown + invalid === stats.size, "2 statuses sum to size", what)
    must(stats.size === objects.length, "2 size is the number of objects", what)
    for (const status of ["Pending", "Available", "Borrowed", "Dormant", "Unknown", "Invalid"] as const) {
      const n = objects.filter((each) => each.status === status).length
      must(n === stats[status.toLowerCase() as Lowercase<typeof status>], `2 so many are ${status}`, what)
    }
    const population = stats.size + stats.making
    must(population <= this.max || population <= this.population, "2 size + making is at most max", what)
    // those that leave at their return are as good as gone: also a lent one about which the detector has failed too often
    const leaving = objects.filter((each) => each.status !== "Invalid" && this.leaves(each)).length
    const hooked = pending > 0 && (this.setup.onBorrow !== undefined || this.setup.onRelease !== undefined)
    must(
      hooked || population - invalid - leaving <= this.max ||
        !objects.some((each) => each.object.made && ["Available", "Dormant", "Unknown"].includes(each.status)),
      "2 what is one too many and free leaves",
      what
    )
    const detached = this.things.filter((each) => each.made).reduce((sum, each) => sum + each.detached, 0)
    const made = objects.filter((each) => each.object.made).length
    must(totals.made - totals.destroyed - detached === made, "8 made - destroyed is what was made and is there", what)
    must(totals.added === this.added, "8 added", what)
    // at the very end of `closing.timeout` a lease may be revoked before it expires, or before its fiber has seen it
    const exact = this.life === "open"
    must(
      exact ? totals.expired === this.expired : totals.expired <= this.expired,
      "8 expired",
      () => `${what()}, expected ${this.expired}`
    )
    const endings = (tag: string) => this.borrowers.filter((each) => each.ending.startsWith(tag)).length
    must(totals.timedOut === endings("BorrowTimeout"), "8 timed out", what)
    must(totals.exhausted === endings("PoolExhausted"), "8 exhausted", what)
    const { length } = this.held
    must(
      exact ? totals.borrowed === length : totals.borrowed >= length,
      "8 leases granted",
      () => `${what()}, seen ${this.held.length}`
    )
  }

  private allowances({ now, objects, stats }: View): void {
    for (const pooled of objects) {
      if (pooled.status !== "Available") continue
      must(
        this.hasLeft(this.entry(pooled), now),
        "30 what is available has something left",
        () => `object ${pooled.id}`
      )
    }
    const staying = objects.filter((each) => each.status !== "Invalid" && !this.leaves(each)).length
    // another can be made in the room of what leaves
    const makes = this.setup.acquire && staying < this.max
    for (const borrower of this.borrowers) {
      if (borrower.ending !== "PoolExhausted Resting" || this.refused.has(borrower)) continue
      this.refused.add(borrower)
      const serves = objects.find((pooled) =>
        this.wants(borrower, pooled) && pooled.status !== "Invalid" && (makes || !this.leaves(pooled)) &&
        !(pooled.wakesAt !== undefined && Number(pooled.wakesAt.epochMilliseconds) > borrower.until)
      )
      must(
        serves === undefined && stats.making === 0,
        "34 a refusal by rest is true",
        () => `borrower ${borrower.n} until ${borrower.until}, object ${serves?.id} is ${serves?.status}`
      )
    }
  }

  private leases({ leases, objects, stats }: View): void {
    const open = this.held.filter((each) => !each.returned).map((each) => each.id).sort((a, b) => a - b)
    must(
      open.join() === leases.join(),
      "2 open leases",
      () => `expected ${open.join()}, the pool says ${leases.join()}`
    )
    must(stats.leases === leases.length, "2 leases", () => JSON.stringify(stats))
    for (const pooled of objects) {
      const lent = this.out(pooled.id).length
      must(
        (pooled.status === "Borrowed") === lent > 0,
        "2 what has a lease is borrowed",
        () => `object ${pooled.id} is ${pooled.status} with ${lent} lease(s)`
      )
    }
  }

  /** No older waiter was passed by: leases are numbered in the order of their grant. */
  private order(busy: boolean): void {
    const granted = this.granted.sort((a, b) => a.id - b.id)
    this.granted = []
    for (const held of granted) {
      must(held.id > this.lastLease, "1 the ids of leases grow", () => `${held.id} after ${this.lastLease}`)
      this.lastLease = held.id
      const { borrower, pooled } = held
      // what a hook has prepared is for the borrower that it was run for
      if (this.setup.onBorrow !== undefined) continue
      // so is what the user's own selector has chosen, though one may be free by then for whom something was detected
      const detecting = typeof this.setup.trust === "number" && (busy || this.failures > 0)
      if (custom.includes(this.setup.select) && detecting) continue
      for (const other of this.borrowers) {
        const before = other.priority > borrower.priority ||
          (other.priority === borrower.priority && other.n < borrower.n)
        if (!before || !this.wants(other, pooled)) continue
        // what was chosen for each of two who are served at once may have been detected in another order
        const chosen = custom.includes(this.setup.select) && typeof this.setup.trust === "number"
        if (chosen && granted.includes(other.held!)) continue
        // a choice that is under way is not begun anew for one that comes with a higher priority
        if (this.setup.select === "slow" && other.n > borrower.n) continue
        const passed = other.state === "waits" || (other.held !== undefined && other.held.id > held.id)
        const arrived = other.n < borrower.n || !granted.includes(other.held!)
        must(
          !passed || !arrived || other.since > borrower.since,
          "4 who came first is served first",
          () => `borrower ${borrower.n} got object ${pooled.id}, borrower ${other.n} was passed by`
        )
      }
    }
  }

  private get asking(): number {
    let asking = 0
    for (const entry of this.entries.values()) asking += entry.asking
    return asking
  }

  /** How many lent objects may have their turn with the detector as soon as another's has ended: no status shows that. */
  private aboutToBeAsked(objects: View["objects"]): number {
    if (this.asking < this.setup.concurrency) return 0
    return objects.filter(({ id, status }) =>
      status === "Borrowed" && this.entries.get(id)?.asking === 0 && this.out(id).length < this.setup.sharing
    ).length
  }

  private lendable(pooled: Pooled, now: number): boolean {
    if (pooled.status === "Available") return true
    const entry = this.entry(pooled)
    const { maxBorrows = Infinity, timeToLive = Infinity } = this.setup
    const old = pooled.object.made &&
      (pooled.object.generation < this.rotations || pooled.borrowCount >= maxBorrows ||
        now - pooled.object.madeAt >= timeToLive)
    return pooled.status === "Borrowed" && this.out(pooled.id).length < this.setup.sharing &&
      !entry.barred && !entry.leaving && !old && entry.restsUntil <= now && entry.asking === 0 &&
      this.hasLeft(entry, now) &&
      // else it may be about to be asked about: see `aboutToBeAsked`
      this.asking < this.setup.concurrency && entry.verdict === "fine"
  }

  private waiters(view: View): void {
    const { choosing, now, objects, stats } = view
    const { trust } = this.setup
    const waiting = this.waiting
    must(stats.waiting === waiting.length, "2 waiting", () => `${stats.waiting}, expected ${waiting.length}`)
    for (const borrower of waiting) {
      const what = () => `borrower ${borrower.n} at ${now}`
      must(now <= borrower.until + 1, "3 nobody waits beyond its time", what)
      const busy = stats.pending + this.asking + stats.making + choosing
      must(borrower.queues || busy > 0, "3 a `tryBorrow` does not queue", what)
      // refused three times, it waits a while before it has another one prepared
      if (this.suspended || choosing > 0 || ["fail", "never"].includes(this.setup.onBorrow ?? "")) continue
      for (const pooled of objects) {
        if (!this.wants(borrower, pooled) || !this.lendable(pooled, now)) continue
        const detected = pooled.detectedAt === undefined ? -Infinity : Number(pooled.detectedAt.epochMilliseconds)
        const isStale = typeof trust === "number" && now >= detected + trust
        const excused = stats.pending + this.asking > 0 &&
          (isStale || custom.includes(this.setup.select) || this.setup.onBorrow !== undefined)
        must(
          excused,
          "3 nobody waits while an object that it may have is lendable",
          () => `${what()}, object ${pooled.id} is ${pooled.status}`
        )
      }
    }
  }

  private making({ choosing, objects, stats }: View): void {
    const { acquire, retry, select } = this.setup
    if (!acquire || stats.size + stats.making >= this.max) return
    const simple = retry === undefined && this.failures === 0 && select !== "picky" && choosing === 0
    if (!simple) return
    const stays = stats.size - stats.invalid + stats.making
    must(
      stays >= Math.min(this.min, this.max),
      "2 the minimum is made",
      () => `${stays} of ${this.min}: ${objects.map((each) => `${each.id} ${each.status}`).join()}`
    )
    if (this.suspended) return
    const could = this.waiting.filter((each) => each.queues && each.kind === undefined).length
    must(
      could <= stats.making + stats.pending + this.asking + this.aboutToBeAsked(objects),
      "3 nobody waits while there is room to make one",
      () => `${could} wait, ${stats.making} are being made`
    )
  }
}
