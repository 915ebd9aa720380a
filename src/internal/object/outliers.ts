/**
 * Outliers: objects on which work fails again and again, and which rest for that.
 *
 * Invariant: of the objects of a pool, no more than `most` of them, or one, rest by the verdicts of one outlier at once.
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { PooledObject } from "../../PooledObject.ts"
import { Status } from "../../Status.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { Pooled } from "../state/pooled.ts"
import { checks } from "../state/validation.ts"
import { report } from "../watching/log.ts"

export interface Outlier {
  readonly when?: ((cause: Cause.Cause<unknown>) => boolean) | undefined
  readonly after?: unknown
  readonly rest?: unknown
  readonly most?: unknown
}

/** The longest rest, in milliseconds, unless the first is longer. */
const longest = 300_000

/** What an outlier knows of one object. */
export interface Row {
  /** Failures in a row. */
  failures: number
  /** Rests in a row. */
  rests: number
  /** Monotonic: until when the object rests by a verdict. */
  until: number
  /** The log has been told that the object is lent on, though it fails again and again. */
  spared: boolean
}

/** What is known of an object by all outliers. */
export interface Outlying {
  /** What an outlier begins with that has not judged the object yet. */
  readonly known: Row | undefined
  readonly rows: Array<Row>
}

const outlyingOf = <A, D>(entry: Entry<A, D>): Outlying => entry.outlying ??= { known: undefined, rows: [] }

/** The worst that is known of an object by any outlier. */
export const worst = <A, D>({ outlying }: Entry<A, D>): Row | undefined => {
  if (outlying === undefined) return undefined
  const { known, rows } = outlying
  const all = rows.length === 0 && known !== undefined ? [known] : rows
  return {
    failures: Math.max(0, ...all.map(({ failures }) => failures)),
    rests: Math.max(0, ...all.map(({ rests }) => rests)),
    until: Math.max(-Infinity, ...all.map(({ until }) => until)),
    spared: false
  }
}

/** What follows where a rest that an outlier has answered begins. */
const beginnings = new WeakMap<object, () => void>()

/** A rest begins that a judge has answered: perhaps as an outlier has. */
export const begins = (told: object): void => beginnings.get(told)?.()

const clear = <A, D>(entry: Entry<A, D>, row: Row): "Available" => {
  if (row.failures + row.rests > 0) entry.memory?.touch()
  row.failures = row.rests = 0
  row.spared = false
  return "Available"
}

const count = <A, D>(entry: Entry<A, D>, row: Row): void => {
  row.failures++
  entry.memory?.touch()
}

/** The pool that judges in this step. */
let judging: Core<unknown, unknown> | undefined = undefined

/** Has the judge of a pool called: an outlier that is called meanwhile counts for the pool. */
export const judgeIn = <A, D, B>(core: Core<A, D>, judge: () => B): B => {
  const before = judging
  judging = core as unknown as Core<unknown, unknown>
  try {
    return judge()
  } finally {
    judging = before
  }
}

/** Throws `InvalidPoolOptions`. `fails`: what is a failure, where `when` does not say. */
export const makeOutlier = (options: Outlier | undefined, fails: (exit: Exit.Exit<unknown, unknown>) => boolean) => {
  const check = checks("Verdict.outlier")
  const given = check.known("", options, ["when", "after", "rest", "most"])
  const when = check.call("when", options?.when)
  const after = check.whole("after", given["after"], 1, 5)
  const rest = check.duration("rest", given["rest"], 30_000)
  const most = toMost(check, given["most"])
  // held by the objects, which come and go
  const rows = new WeakMap<Entry<unknown, unknown>, Row>()

  const rowOf = (entry: Entry<unknown, unknown>): Row => {
    let row = rows.get(entry)
    if (row !== undefined) return row
    const { known, rows: all } = outlyingOf(entry)
    row = known === undefined ? { failures: 0, rests: 0, until: -Infinity, spared: false } : { ...known }
    rows.set(entry, row)
    all.push(row)
    return row
  }

  /** Does an object rest by a verdict? Not if it has been woken. */
  const rests = ({ rest }: Entry<unknown, unknown>, row: Row | undefined, now: number): boolean =>
    row !== undefined && row.until > now && rest !== undefined && rest.until >= row.until

  /** May another object rest? Those that are being destroyed are none any more. */
  const mayRest = ({ registry }: Core<unknown, unknown>, now: number): boolean => {
    let resting = 0
    for (const entry of registry.entries) if (rests(entry, rows.get(entry) ?? entry.outlying?.known, now)) resting++
    return resting < Math.max(1, Math.ceil(most * (registry.size - registry.counts.Invalid)))
  }

  /** The answer by which an object rests. */
  const toRest = (core: Core<unknown, unknown>, entry: Entry<unknown, unknown>, row: Row, now: number): Status.Rest => {
    const whole = Math.min(Math.max(longest, rest), rest * 2 ** row.rests)
    const millis = Math.ceil(whole * (1 - core.random.nextDoubleUnsafe() / 10))
    const answer = Status.dormant(Duration.millis(millis))
    // not before it does: the judge that has called may answer otherwise, and the borrower may have said what becomes of it
    beginnings.set(answer, () => {
      row.rests++
      row.failures = 0
      row.spared = false
      row.until = now + millis
      entry.onTrial = core.detector === undefined ? core.leaseIds.last : 0
      report(core, "An outlier rests", {
        entry,
        annotations: { rest: Duration.format(Duration.millis(millis)) }
      })
    })
    return answer
  }

  return (exit: Exit.Exit<unknown, unknown>, pooled: PooledObject<unknown, unknown>): Status.Answer | undefined => {
    if (!Exit.isExit(exit)) throw new TypeError("`Verdict.outlier` was asked about what is no exit")
    const entry = Pooled.entryOf<unknown, unknown>(pooled)
    const core = judging
    if (core === undefined || entry === undefined || !core.registry.entries.has(entry)) return undefined
    const row = rowOf(entry)
    if (Exit.isSuccess(exit)) return clear(entry, row)
    if (when === undefined ? !fails(exit) : !when(exit.cause)) return undefined
    const now = core.deadlines.now()
    // the other leases of an object that rests were begun before: what they say is known
    if (rests(entry, row, now)) return undefined
    count(entry, row)
    if (row.failures < after) return undefined
    if (mayRest(core, now)) return toRest(core, entry, row, now)
    // once for each row of failures, however long that becomes
    if (!row.spared) report(core, "An outlier is lent on, since as many rest as may", { entry })
    row.spared = true
    return undefined
  }
}

const toMost = (check: ReturnType<typeof checks>, given: unknown): number => {
  if (given === undefined) return 0.5
  return typeof given === "number" && given > 0 && given <= 1
    ? given
    : check.refuse("most", given, "a number above 0, up to 1", "text")
}
