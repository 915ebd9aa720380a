/**
 * Taking an object for a detection, so that nobody else takes it meanwhile. What the answer leads to is in `answers.ts`.
 */
import { type Core, soon } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { askSelector } from "../state/notes.ts"
import { type Before, Detection, type Outcome } from "./detector.ts"
import { endOf, isOver, resting } from "./rest.ts"

/**
 * Takes an object for a detection, so that nobody else takes it meanwhile. The object is `Pending` then. A shared one that
 * is lent stays `Borrowed`, since its leases go on; it takes no new ones.
 */
export const seize = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.open > 0) {
    entry.asked = true
    core.registry.unlist(entry)
  } else if (entry.status !== "Pending") {
    core.registry.move(entry, "Pending")
  }
}

/** A detection that takes its object at once, while it waits for its turn. The caller starts it. */
export const reserve = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  before: Before,
  ended: (outcome: Outcome) => void,
  settling?: () => void
): Detection<A, D> => {
  const detection = new Detection(core.detector!, entry, () => true, (told) => {
    const outcome = restsNot(core, told) ? answeredAvailable : told
    settling?.()
    core.detector!.concluded(detection, outcome)
    ended(outcome)
  })
  detection.before = entry.open > 0 ? "Borrowed" : before
  // before the move: whoever is told of that may have the object taken out, which looks for its detection
  entry.detection = detection
  seize(core, entry)
  return detection
}

export const answeredAvailable: Outcome = { _tag: "Answered", answer: "Available" }

/** Is the answer a rest whose time has passed? That is none. */
const restsNot = <A, D>(core: Core<A, D>, outcome: Outcome): boolean =>
  outcome._tag === "Answered" && typeof outcome.answer !== "string" && isOver(core, endOf(core, outcome.answer))

/**
 * A detection that takes its object only when its turn comes; it ends as `Dropped` at once if the object is lent, rests
 * until a known time, or is being detected, by then.
 */
export const whenFree = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  ended: (outcome: Outcome) => void
): Detection<A, D> => {
  const detection = new Detection(
    core.detector!,
    entry,
    () => {
      detection.before = detectable(core, entry)
      if (detection.before === undefined) return false
      // the object rests on if the detection is dropped
      if (entry.status === "Dormant" || entry.benched) entry.rest!.stop()
      seize(core, entry)
      // what is lendable has changed; the user's selector is not asked within the detector's step
      if (core.options.policy.kind === "custom") soon(core, () => askSelector(core))
      return true
    },
    (outcome) => {
      if (detection.before !== undefined) core.detector!.concluded(detection, outcome)
      ended(outcome)
    }
  )
  return detection
}

/** The status of an object that may be detected though no borrower asks for it; `undefined` for any other. */
export const detectable = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Before | undefined => {
  switch (entry.status) {
    case "Available":
    case "Unknown":
      return entry.status
    case "Dormant":
      return resting(entry) ? undefined : entry.status
    case "Borrowed":
      return core.options.sharing > 1 && !entry.asked && !bound(entry) && !resting(entry) ? entry.status : undefined
    default:
      return undefined
  }
}

/** Is it settled what becomes of a lent object when it comes back, whatever the detector says? */
const bound = <A, D>(entry: Entry<A, D>): boolean => entry.condemned || entry.retired || entry.fate !== "return"
