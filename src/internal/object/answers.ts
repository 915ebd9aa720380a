/**
 * What a detector has said of an object, carried out: also of one that was lent while it was asked about.
 *
 * Each function is one synchronous step.
 */
import type { Status } from "../../Status.ts"
import { type Core, lends } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { offer } from "../state/notes.ts"
import { span } from "../structures/times.ts"
import { tell } from "../watching/events.ts"
import { answeredAvailable, seize } from "./condition.ts"
import type { Detection, Outcome } from "./detector.ts"
import { doubt, doubtInUse, resumeSchedule } from "./doubting.ts"
import { restFacet } from "./facets.ts"
import { cameBack } from "./freeing.ts"
import { discard, evict, marked } from "./leaving.ts"
import { dismiss, leaves } from "./replacing.ts"
import { asleep, endOf, type RestOrigin } from "./rest.ts"
import { bench, doze, lendAgain, restOf, rests, rouse, sleep } from "./resting.ts"

/**
 * Asks the detector about a listed object in this very step, if the detector answers plainly. `true`: the object may be
 * lent, and is listed. It is {@link seize}d meanwhile. Otherwise nothing has changed, or the answer is kept for the
 * detection of the object that follows at once: for a later one it would be old news.
 */
export const vouchedFor = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean => {
  if (!core.detector!.answersNow) return false
  seize(core, entry)
  const available = core.detector!.saysAvailable(entry)
  if (!available) core.dispatcher.scheduleTask(() => entry.told = undefined, 0)
  const lent = entry.asked
  entry.asked = false
  // what the detector answers in this step will do for an object that asks for it in the same
  if (entry.status === "Pending" && entry.fate === "detect") entry.fate = "return"
  // `detectStatus` may have used the pool: what it has asked for comes first
  if (entry.status === "Pending" || entry.status === "Borrowed") {
    if (available) vouch(core, entry)
    putBack(core, entry, lent, available)
  }
  // detections that were begun while the detector was asked had to wait for their turn
  core.detector!.advance()
  return available && entry.slot !== -1 && lends(core)
}

/** An object has been found `Available` in the step that asked. */
const vouch = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.feed !== undefined) toldBy(core, entry, answeredAvailable, 0)
  if (core.timings !== undefined) core.timings.detect.add(0)
  trust(core, entry)
}

/** An object that was {@link seize}d goes where it belongs now. `lent`: it had leases when it was seized. */
const putBack = <A, D>(core: Core<A, D>, entry: Entry<A, D>, lent: boolean, available: boolean): void => {
  // somebody may have begun to wait
  if (entry.status === "Borrowed") marked(core, entry, available)
  else if (lent) cameBack(core, entry)
  else if (leaves(core, entry)) dismiss(core, entry)
  else if (!rests(core, entry, !available)) {
    core.registry.move(entry, "Available")
    offer(core, entry, available)
  }
}

const trust = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.detectedAtMillis = core.clock.currentTimeMillisUnsafe()
  const { trustFor } = core.options.detection
  // where the detector is asked before each borrow, its answer is never trusted: no other clock is read
  if (!trustFor) return
  entry.trustedUntil = core.trustedUntil = core.deadlines.now() + trustFor
  if (entry.slot !== -1) core.registry.trusted?.add(entry)
}

/** Carries out what a detection said of an object that was seized for it. */
export const conclude = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const { entry } = detection
  if (core.feed !== undefined || core.timings !== undefined) detected(core, detection, outcome)
  const lent = entry.asked
  entry.asked = false
  // a closing pool has given the object up
  if (entry.status !== "Pending" && !(lent && entry.status === "Borrowed")) return
  if (outcome._tag !== "Dropped") renew(core, entry, outcome)
  if (lent) return inUse(core, detection, outcome)
  // a clock of the user's may have had the object taken out
  if (entry.status !== "Pending") return
  if (leaves(core, entry)) return dismiss(core, entry)
  if (outcome._tag === "Dropped") return restore(core, detection)
  if (outcome._tag === "Failed") return doubt(core, entry, outcome.failure)
  carryOut(core, entry, outcome.answer)
}

/** The detector, or the judge, has found an object `Available`. `tried`: one on trial is on trial no more. */
export const succeeded = <A, D>(entry: Entry<A, D>, tried = true): void => {
  if (entry.failures === 0 && entry.onTrial === 0) return
  entry.failures = 0
  if (tried) entry.onTrial = 0
  entry.memory?.touch()
}

/** A new answer takes the place of what was known of an object. */
const renew = <A, D>(core: Core<A, D>, entry: Entry<A, D>, outcome: Outcome): void => {
  const unknown = outcome._tag === "Failed" || (outcome._tag === "Answered" && outcome.answer === "Unknown")
  trust(core, entry)
  if (outcome._tag === "Answered" && outcome.answer === "Available") succeeded(entry)
  if (!unknown) entry.pace = undefined
  entry.doubted = false
  // the time of an earlier plain "Dormant" is over
  if (entry.rest !== undefined) entry.rest.doze = -Infinity
}

/**
 * Carries out what a detection said of an object that was lent when the detector was asked: the answer counts for those
 * who would share the object, and when it comes back. Its leases go on. The object may have come back meanwhile.
 */
const inUse = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const { entry } = detection
  if (outcome._tag === "Failed") doubtInUse(core, entry, outcome.failure)
  else if (outcome._tag === "Answered") carryOutInUse(core, entry, outcome.answer)
  if (entry.status === "Pending") return cameBack(core, entry)
  // the object has left, or leaves
  if (entry.status !== "Borrowed") return
  if (outcome._tag === "Dropped") {
    if (detection.woken && !asleep(entry)) return lendAgain(core, entry)
    if (entry.doubted) resumeSchedule(core, entry)
  }
  bench(core, entry)
  marked(core, entry, outcome._tag !== "Dropped")
}

/** Carries an answer out for an object that is lent: it counts for those who would share it, and when it comes back. */
export const carryOutInUse = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  answer: Status.Answer,
  why: "Detected" | "Judged" = "Detected"
): void => {
  if (answer === "Invalid") discard(core, entry, why)
  else if (answer === "Unknown") doubtInUse(core, entry, undefined)
  else if (answer === "Dormant") doze(core, entry, why)
  else if (answer !== "Available") restBy(core, entry, answer, why)
}

const detected = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const millis = core.deadlines.now() - detection.began
  if (outcome._tag !== "Dropped") core.timings?.detect.add(millis)
  if (core.feed !== undefined) toldBy(core, detection.entry, outcome, millis)
}

/** Publishes the event of a detection that has answered, or failed. */
const toldBy = <A, D>(core: Core<A, D>, entry: Entry<A, D>, outcome: Outcome, millis: number): void => {
  const known = { objectId: entry.id, took: span(millis) }
  if (outcome._tag === "Failed") tell(core, { _tag: "DetectionFailed", ...known, failure: outcome.failure })
  if (outcome._tag !== "Answered") return
  tell(core, {
    _tag: "Detected",
    ...known,
    answer: typeof outcome.answer === "string" ? outcome.answer : "Dormant"
  })
}

/** A detection was dropped: its object is what it was before, unless the rest that was asked about has been ended. */
const restore = <A, D>(core: Core<A, D>, { before, entry, woken }: Detection<A, D>): void => {
  if (woken) return rouse(core, entry)
  if (before === "Dormant") return sleep(core, entry)
  if (rests(core, entry, before === "Unknown")) return
  core.registry.move(entry, before!)
  entry.doubted = false
  if (before === "Available") return offer(core, entry, false)
  // the schedule of the `Unknown` object has not moved on
  resumeSchedule(core, entry)
}

const carryOut = <A, D>(core: Core<A, D>, entry: Entry<A, D>, answer: Status.Answer): void => {
  switch (answer) {
    case "Invalid":
      return evict(core, entry, "Detected")
    case "Unknown":
      return doubt(core, entry, undefined)
    case "Dormant":
      doze(core, entry, "Detected")
      return sleep(core, entry)
    case "Available":
      break
    default:
      restBy(core, entry, answer, "Detected")
  }
  if (rests(core, entry)) return
  core.registry.move(entry, "Available")
  offer(core, entry, true)
}

/** An object rests as an answer says: for all, or for borrowers of a facet. */
const restBy = <A, D>(core: Core<A, D>, entry: Entry<A, D>, rest: Status.Rest, origin: RestOrigin): void => {
  const end = endOf(core, rest)
  if (rest.facet === undefined) restOf(core, entry).extend(end, origin)
  else restFacet(core, entry, rest.facet, end, origin)
}
