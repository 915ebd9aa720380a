/**
 * Verdicts: what the user's judge concludes of an object from how the work under its lease has ended.
 *
 * Each lease that its borrower has ended is judged once, in the step in which it ends. What the borrower has asked for
 * itself comes before what the judge says.
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type { Status } from "../../Status.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Core } from "../state/core.ts"
import { report } from "../watching/log.ts"
import { carryOutInUse, succeeded } from "./answers.ts"
import { toAnswer } from "./detector.ts"
import { marked } from "./leaving.ts"
import { begins, judgeIn } from "./outliers.ts"
import type { End } from "./rest.ts"
import { bench, restOf } from "./resting.ts"

export const judge = <A, D>(
  lease: ActiveLease<A, D>,
  ask: NonNullable<Core<A, D>["options"]["judge"]>,
  exit: Exit.Exit<unknown, unknown>
): void => {
  const { core, entry } = lease
  try {
    const told: unknown = judgeIn(core, () => ask(exit, entry.pooled))
    if (told === undefined) return
    // a rejection that nobody hears ends the process
    if (Predicate.isPromiseLike(told)) Promise.resolve(told).catch(() => {})
    const answer = toAnswer(told)
    if (answer === undefined) throw new TypeError("It has answered what is no status")
    lease.verdict = answer
    if (conclude(lease, answer) && typeof answer === "object") begins(told as object)
  } catch (defect) {
    report(core, "A judge says nothing of an object, since it has failed", { cause: Cause.die(defect), entry, lease })
  }
}

/** Carries a verdict out. `false`: the object does not rest by it. */
const conclude = <A, D>({ core, entry, id, isMarked }: ActiveLease<A, D>, answer: Status.Answer): boolean => {
  if (answer === "Available") {
    // one that was lent before has not been tried
    succeeded(entry, id > entry.onTrial)
    return false
  }
  entry.failures++
  core.tallies.verdicts[typeof answer === "string" ? answer : "Dormant"]++
  entry.memory?.touch()
  // what the borrower has said itself stands; and the judge may have had the object taken out
  if (isMarked || entry.status !== "Borrowed") return false
  if (core.detector !== undefined) carryOutInUse(core, entry, answer, "Judged")
  else if (answer === "Dormant") restOf(core, entry).extend(dormant(core), "Judged")
  // nobody could ask again about an object that is in doubt
  else if (answer !== "Unknown") carryOutInUse(core, entry, answer, "Judged")
  if (core.options.sharing > 1 && !entry.asked) {
    bench(core, entry)
    marked(core, entry)
  }
  return true
}

/** Where there is no detector, a plain "Dormant" is a rest as long as one would wait to ask that again. */
const dormant = <A, D>(core: Core<A, D>): End => ({
  clock: "monotonic",
  at: core.deadlines.now() + core.options.detection.dormantFor
})
