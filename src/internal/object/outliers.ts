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

/** The longest rest, in milliseconds. */
const longest = 300_000

/** What an outlier knows of one object. */
interface Row {
  /** Failures in a row. */
  failures: number
  /** Rests in a row. */
  rests: number
  /** Monotonic: until when the object rests by a verdict. */
  until: number
  /** The log has been told that the object is lent on, though it fails again and again. */
  spared: boolean
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
    if (row === undefined) rows.set(entry, row = { failures: 0, rests: 0, until: -Infinity, spared: false })
    return row
  }

  /** May another object rest? */
  const mayRest = ({ registry }: Core<unknown, unknown>, now: number): boolean => {
    let resting = 0
    for (const entry of registry.entries) {
      const row = rows.get(entry)
      if (row !== undefined && row.until > now && entry.rest?.known === true) resting++
    }
    return resting < Math.max(1, Math.ceil(most * registry.size))
  }

  return (exit: Exit.Exit<unknown, unknown>, pooled: PooledObject<unknown, unknown>): Status.Answer | undefined => {
    const entry = Pooled.entryOf<unknown, unknown>(pooled)
    const core = judging
    if (core === undefined || entry === undefined || !core.registry.entries.has(entry)) return undefined
    const row = rowOf(entry)
    if (Exit.isSuccess(exit)) {
      row.failures = row.rests = 0
      row.spared = false
      return "Available"
    }
    if (when === undefined ? !fails(exit) : !when(exit.cause)) return undefined
    row.failures++
    const now = core.deadlines.now()
    if (row.failures < after || row.until > now) return undefined
    if (!mayRest(core, now)) {
      // once for each row of failures, however long that becomes
      if (!row.spared) report(core, "An outlier is lent on, since as many rest as may", { entry })
      row.spared = true
      return undefined
    }
    const millis = Math.min(longest, rest * 2 ** row.rests++) * (1 - core.random.nextDoubleUnsafe() / 10)
    row.failures = 0
    row.spared = false
    row.until = now + millis
    entry.onTrial = core.detector === undefined
    report(core, "An outlier rests", {
      entry,
      annotations: { rest: Duration.format(Duration.millis(Math.round(millis))) }
    })
    return Status.dormant(Duration.millis(millis))
  }
}

const toMost = (check: ReturnType<typeof checks>, given: unknown): number => {
  if (given === undefined) return 0.5
  return typeof given === "number" && given > 0 && given <= 1
    ? given
    : check.refuse("most", given, "a number above 0, up to 1", "text")
}
