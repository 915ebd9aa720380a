/**
 * The allowances of one object: what is taken from them, and until when the object rests since one has nothing left.
 *
 * Invariant, after each step: an object of which an allowance has nothing left is not lendable, and its rest lasts until
 * all have something left.
 */
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import type { AllowanceReport, AllowanceState } from "../../Allowance.ts"
import { moment } from "../state/pooled.ts"
import type { checks } from "../state/validation.ts"
import { Bucket, type Counter, Fixed, Reset, Sliding } from "../structures/counters.ts"
import type { Deadlines } from "../structures/deadlines.ts"
import { aMoment, toMoment } from "../structures/times.ts"

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

/** The highest cost that an object of these limits can bear. */
export const mostCost = (limits: ReadonlyArray<Limit>): number =>
  Math.min(Infinity, ...limits.filter(({ unit }) => unit === "cost").map(({ limit }) => limit))

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
  return { time: "until reset", begin: () => new Reset(limit, next) }
}

/** What one lease has taken, beside one unit of each allowance of leases. */
export interface Taken {
  readonly monotonic: number
  readonly wall: number
  cost: number
  /** An allowance has nothing left since then. */
  readonly spends: boolean
  /** The facet that the lease is of, and what it has taken of that. */
  readonly facet: { readonly name: string; readonly allowances: Allowances } | undefined
}

export class Allowances {
  private readonly clocks: Clocks
  private readonly all: ReadonlyArray<Limit & { readonly counter: Counter }>
  private readonly mostCost: number
  /** The limits that are counted for each facet. */
  readonly perFacet: ReadonlyArray<Limit>
  private readonly byWall: boolean

  constructor(clocks: Clocks, limits: ReadonlyArray<Limit>, perFacet: ReadonlyArray<Limit> = []) {
    this.clocks = clocks
    this.perFacet = perFacet
    this.all = limits.map((limit) => ({ ...limit, counter: limit.begin() }))
    this.mostCost = mostCost([...limits, ...perFacet])
    this.byWall = this.all.some(({ counter }) => counter.clock === "wall")
  }

  /** May a borrow of this cost ever have the object? */
  fits(cost: number): boolean {
    return cost <= this.mostCost
  }

  /** A lease is granted. */
  spend(cost: number, facet?: Taken["facet"]): Taken {
    // a clock is read only where a counter goes by it
    const monotonic = this.clocks.deadlines.now()
    const wall = this.byWall ? this.clocks.moments.now() : NaN
    let spends = false
    for (const { counter, unit } of this.all) {
      const left = counter.take(unit === "leases" ? 1 : cost, counter.clock === "wall" ? wall : monotonic)
      if (left <= 0) spends = true
    }
    return { monotonic, wall, cost, facet, spends }
  }

  /** A lease takes `change` more; less than 0 is given back. */
  charge(taken: Taken, change: number, named: string | undefined): void {
    for (const { counter, name, unit } of this.all) {
      if (named === undefined ? unit !== "cost" : name !== named) continue
      const now = this.now(counter)
      if (change > 0) counter.take(change, now)
      else counter.giveBack(-change, taken[counter.clock], now)
    }
  }

  /** A server has said what is left of an allowance. */
  report(check: Checks, report: AllowanceReport): void {
    const { name, remaining, resetsAt } = report
    const found = this.named(check, name)
    if (remaining !== undefined && !(typeof remaining === "number" && Math.abs(remaining) < Infinity)) {
      check.refuse("report.remaining", remaining, "a number", "text")
    }
    const { counter } = found
    const now = this.now(counter)
    const moment = resetsAt === undefined
      ? undefined
      : toMoment(resetsAt) ?? check.refuse("report.resetsAt", resetsAt, aMoment, "text")
    const until = moment === undefined || counter.clock === "wall" ? moment : now + (moment - this.clocks.moments.now())
    counter.report({ left: remaining, until }, now)
  }

  has(name: string): boolean {
    return this.all.some((each) => each.name === name)
  }

  /** The allowance of a name; the only one, where there is no name. */
  named(check: Checks, name: string | undefined): { readonly counter: Counter } {
    const found = name === undefined && this.all.length === 1
      ? this.all[0]
      : this.all.find((each) => each.name === name)
    if (found !== undefined) return found
    const names = this.all.map((each) => JSON.stringify(each.name)).join(", ")
    return check.refuse("allowance", name, this.all.length === 0 ? "none: the object has no allowance" : names, "text")
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

  private now(counter: Counter): number {
    return counter.clock === "wall" ? this.clocks.moments.now() : this.clocks.deadlines.now()
  }

  private shown(counter: Counter, at: number) {
    const { deadlines, moments } = this.clocks
    return moment(counter.clock === "wall" ? at : Math.round(moments.now() + (at - deadlines.now())))
  }
}
