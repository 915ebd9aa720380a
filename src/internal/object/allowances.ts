/**
 * The allowances of one object: what is taken from them, and until when the object rests since one has nothing left.
 *
 * Invariant, after each step: an object of which an allowance has nothing left is not lendable, and its rest lasts until
 * all have something left.
 */
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import type { AllowanceState } from "../../Allowance.ts"
import { moment } from "../state/pooled.ts"
import type { checks } from "../state/validation.ts"
import { Bucket } from "../structures/counters/bucket.ts"
import { type Count, countAnew, type Counter } from "../structures/counters/counter.ts"
import { Sliding } from "../structures/counters/sliding.ts"
import { Fixed, Reset } from "../structures/counters/windows.ts"
import type { Deadlines } from "../structures/deadlines.ts"

type Checks = ReturnType<typeof checks>

interface Clocks {
  readonly deadlines: Deadlines
  readonly moments: Deadlines
}

/** A limit, as the user's options say; `begin` makes the counter of one object. */
export interface Limit {
  readonly name: string
  readonly unit: "leases" | "cost"
  readonly limit: number
  /** Each facet has a count of its own. */
  readonly facet: boolean
  readonly clock: Counter["clock"]
  readonly begin: () => Counter
}

const keys = ["limit", "name", "unit", "per", "window", "resets", "facet"]

/** The limits that an option, or a function of the user's, says. Throws `InvalidPoolOptions`. */
export const toLimits = (check: Checks, given: unknown): ReadonlyArray<Limit> => {
  const limits = (Array.isArray(given) ? given : [given]).map((each) => toLimit(check, each))
  const names = limits.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) check.refuse("allowance.name", twice, "another for each", "text")
  return limits
}

/** Can an object of these limits bear a cost, of a borrow that is of a facet perhaps? */
export const bears = (limits: ReadonlyArray<Limit>, cost: number, facet: string | undefined): boolean =>
  limits.every((each) => each.unit !== "cost" || cost <= each.limit || (each.facet && facet === undefined))

const toLimit = (check: Checks, given: unknown): Limit => {
  if (given === undefined) return check.refuse("allowance", given, "an allowance, or a list of such")
  const allowance = check.known("allowance", given, keys)
  const limit = check.whole("allowance.limit", allowance["limit"], 1, 0)
  if (limit === 0) check.refuse("allowance.limit", undefined, "a whole number, at least 1")
  const unit = check.one("allowance.unit", allowance["unit"], ["leases", "cost"]) ?? "leases"
  const { begin, time } = toTime(check, allowance, limit)
  return {
    name: check.text("allowance.name", allowance["name"], `${unit} ${time}`),
    unit,
    limit,
    facet: check.flag("allowance.facet", allowance["facet"], false),
    clock: allowance["resets"] === undefined ? "monotonic" : "wall",
    begin
  }
}

const toTime = (check: Checks, { per, resets, window }: Record<string, unknown>, limit: number) => {
  if (resets === undefined) {
    const millis = check.duration("allowance.per", per, 0)
    if (millis === 0 || millis === Infinity) check.refuse("allowance.per", per, "a duration, or resets")
    const Kind = { sliding: Sliding, bucket: Bucket, fixed: Fixed }[
      check.one("allowance.window", window, ["sliding", "bucket", "fixed"]) ?? "sliding"
    ]
    return { time: `per ${Duration.format(Duration.millis(millis))}`, begin: () => new Kind(limit, millis) }
  }
  if (!Cron.isCron(resets)) return check.refuse("allowance.resets", resets, "a Cron")
  if (per !== undefined || window !== undefined) {
    check.refuse("allowance.resets", resets, "either this, or per and window")
  }
  const next = (after: number): number => Cron.next(resets, after).getTime()
  try {
    next(0)
  } catch {
    check.refuse("allowance.resets", resets, "a Cron that fires again")
  }
  return { time: "until reset", begin: () => new Reset(limit, orNever(next)) }
}

/** What is counted of the allowance of a name. */
export interface Counted extends Count {
  readonly name: string
}

/** A lease is granted in the step that asks for the next reset: a clock that is set beyond all dates does not end that. */
const orNever = (next: (after: number) => number) => (after: number): number => {
  try {
    return next(after)
  } catch {
    return Infinity
  }
}

/** What has been taken at once. */
interface Part {
  readonly at: number
  amount: number
}

/** So many charges of a lease are told apart; more count as one with the charge before, from the time of that on. */
const mostParts = 32

/** What one lease has taken: one unit of each allowance of leases, its cost of the others, and what was charged since. */
export interface Taken {
  readonly monotonic: number
  /** Where a counter goes by it. */
  readonly wall: number | undefined
  readonly cost: number
  readonly facet: string | undefined
  /** By the names of the allowances, the latest last; none of those of which nothing was charged, or given back. */
  charged: Map<string, Array<Part>> | undefined
}

export class Allowances {
  private readonly clocks: Clocks
  private readonly all: ReadonlyArray<Limit & { readonly counter: Counter }>
  private readonly limits: ReadonlyArray<Limit>
  /** The limits that are counted for each facet. */
  readonly perFacet: ReadonlyArray<Limit>
  private readonly byWall: boolean

  /** `limits`: those of the object, and of its facets. `facet`: it is those of one facet that are counted. */
  constructor(clocks: Clocks, limits: ReadonlyArray<Limit>, facet = false) {
    this.clocks = clocks
    this.limits = limits
    this.perFacet = limits.filter((limit) => limit.facet)
    this.all = limits.filter((limit) => limit.facet === facet).map((limit) => ({ ...limit, counter: limit.begin() }))
    this.byWall = limits.some(({ clock }) => clock === "wall")
  }

  /** May a borrow of this cost ever have the object? */
  fits(cost: number, facet: string | undefined): boolean {
    return bears(this.limits, cost, facet)
  }

  /** A lease is granted now: {@link spend} follows. */
  begin(cost: number, facet: string | undefined): Taken {
    // the wall clock is read only where a counter goes by it
    const wall = this.byWall ? this.clocks.moments.now() : undefined
    return { monotonic: this.clocks.deadlines.now(), wall, cost, facet, charged: undefined }
  }

  /** A lease takes what it takes as it is granted. `true`: an allowance has nothing left. */
  spend(taken: Taken): boolean {
    let spends = false
    for (const { counter, unit } of this.all) {
      const left = counter.take(unit === "leases" ? 1 : taken.cost, takenAt(taken, counter.clock))
      if (left <= 0) spends = true
    }
    return spends
  }

  /** A lease takes `change` more; less than 0 is given back, at most what it has taken of each allowance, the latest first. */
  charge(taken: Taken, change: number, named: string | undefined): void {
    for (const limit of this.all) {
      if (named === undefined ? limit.unit !== "cost" : limit.name !== named) continue
      const now = this.now(limit.counter)
      const parts = partsOf(taken, limit)
      if (change > 0) {
        limit.counter.take(change, now)
        const last = parts.at(-1)
        if (last !== undefined && (last.at === now || parts.length === mostParts)) last.amount += change
        else parts.push({ at: now, amount: change })
      } else giveBack(limit.counter, parts, -change, now)
    }
  }

  /** What a lease has taken counts from now on. What a server has said since may have counted it, too: it counts twice then. */
  recount(taken: Taken): void {
    for (const limit of this.all) {
      const now = this.now(limit.counter)
      const parts = partsOf(taken, limit)
      const amount = parts.reduce((sum, part) => sum + part.amount, 0)
      if (amount === 0) continue
      giveBack(limit.counter, parts, amount, now)
      limit.counter.take(amount, now)
      parts.splice(0, Infinity, { at: now, amount })
    }
  }

  /** A server has said of the allowance of a name, or of the only one, what is left, until a moment. */
  report(named: string | undefined, left: number | undefined, moment: number | undefined): void {
    for (const { counter, name } of this.all) {
      if (named !== undefined && name !== named) continue
      const now = this.now(counter)
      const isMoment = moment === undefined || counter.clock === "wall"
      counter.report({ left, until: isMoment ? moment : now + (moment - this.clocks.moments.now()) }, now)
    }
  }

  /** The names that a lease may say, that is of a facet perhaps. */
  namesFor(facet: string | undefined): ReadonlyArray<string> {
    return this.limits.filter((limit) => !limit.facet || facet !== undefined).map(({ name }) => name)
  }

  /** When all allowances have something left, on each clock; `-Infinity` where they have. */
  get opensAt(): { readonly monotonic: number; readonly wall: number } {
    const opens = { monotonic: -Infinity, wall: -Infinity }
    for (const { counter } of this.all) {
      const now = this.now(counter)
      const at = counter.opensAt(now)
      if (at > now) opens[counter.clock] = Math.max(opens[counter.clock], at)
    }
    return opens
  }

  /** The allowance that has nothing left for longest; none where all have something left. */
  get spent(): string | undefined {
    let longest = 0
    let spent: string | undefined
    for (const { counter, name } of this.all) {
      const now = this.now(counter)
      const wait = counter.opensAt(now) - now
      if (wait <= longest) continue
      longest = wait
      spent = name
    }
    return spent
  }

  /** What is left of each, and when all of it is there again by its clock; `-Infinity` where it is. */
  get readings() {
    return this.all.map(({ counter, limit, name, unit }) => {
      const now = this.now(counter)
      const full = counter.fullAt(now)
      return { name, unit, limit, left: counter.left(now), full: full <= now ? -Infinity : full, counter }
    })
  }

  get states(): ReadonlyArray<AllowanceState> {
    return this.readings.map(({ counter, full, left, limit, name, unit }) => {
      return { name, unit, limit, left, fullAt: full === -Infinity ? undefined : this.shown(counter, full) }
    })
  }

  /** What is counted of each that is not full; `until`: when all of them are, on the wall clock. */
  get counted(): { readonly counts: ReadonlyArray<Counted>; readonly until: number } {
    const { deadlines, moments } = this.clocks
    const now = { monotonic: deadlines.now(), wall: moments.now() }
    const counts: Array<Counted> = []
    let until = -Infinity
    for (const { counter, name } of this.all) {
      const at = now[counter.clock]
      const count = counter.counted(at)
      if (count === undefined) continue
      counts.push({ name, ...count })
      until = Math.max(until, now.wall + counter.fullAt(at) - at)
    }
    return { counts, until }
  }

  /** Counts anew what has been counted of others of these names. `since`: when they were, on either clock. */
  countAnew(counts: ReadonlyArray<Counted>, since: { readonly monotonic: number; readonly wall: number }): void {
    for (const count of counts) {
      const counter = this.all.find(({ name }) => name === count.name)?.counter
      if (counter !== undefined) countAnew(counter, count, since[counter.clock])
    }
  }

  private now(counter: Counter): number {
    return counter.clock === "wall" ? this.clocks.moments.now() : this.clocks.deadlines.now()
  }

  private shown(counter: Counter, at: number) {
    const { deadlines, moments } = this.clocks
    return moment(counter.clock === "wall" ? at : Math.round(moments.now() + (at - deadlines.now())))
  }
}

const takenAt = ({ monotonic, wall }: Taken, clock: Counter["clock"]): number => clock === "wall" ? wall! : monotonic

const partsOf = (taken: Taken, { clock, name, unit }: Limit): Array<Part> => {
  const charged = taken.charged ??= new Map<string, Array<Part>>()
  let parts = charged.get(name)
  if (parts === undefined) {
    parts = [{ at: takenAt(taken, clock), amount: unit === "leases" ? 1 : taken.cost }]
    charged.set(name, parts)
  }
  return parts
}

const giveBack = (counter: Counter, parts: Array<Part>, amount: number, now: number): void => {
  for (let last = parts.at(-1); last !== undefined && amount > 0; last = parts.at(-1)) {
    const back = Math.min(amount, last.amount)
    counter.giveBack(back, last.at, now)
    amount -= back
    last.amount -= back
    if (last.amount === 0) parts.pop()
  }
}
