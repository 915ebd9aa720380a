/**
 * The condition of an object: being detected, doubted, resting, waking. How it comes back is in `freeing.ts`.
 *
 * Each function is one synchronous step. One that frees an object ends with `core.offer`, one that frees room with
 * `core.roomFreed`, both after the bookkeeping.
 */
import type { PooledObject } from "../../PooledObject.ts"
import type { Status } from "../../Status.ts"
import { type Core, lends, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { changed } from "../state/notes.ts"
import { Pace } from "../state/pace.ts"
import { moment } from "../state/pooled.ts"
import { make as makeDeadline, slice } from "../structures/deadlines.ts"
import { span } from "../structures/times.ts"
import { tell } from "../watching/events.ts"
import { type Before, Detection, type Outcome } from "./detector.ts"
import { least } from "./dozing.ts"
import { discard, evict, marked } from "./leaving.ts"
import { excess } from "./replacing.ts"
import { asleep, type End, endOf, isOver, Rest, resting } from "./rest.ts"

/**
 * Asks the detector about a listed object in this very step, if it answers plainly: `true`, and listed, where the object
 * may be lent. It is {@link seize}d while it is asked. Otherwise nothing has changed, or what it said is kept for the
 * detection that follows in this turn: it would be old news for any other.
 */
export const vouchedFor = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean => {
  if (!core.detector!.answersNow) return false
  seize(core, entry)
  const available = core.detector!.saysAvailable(entry)
  if (!available) core.dispatcher.scheduleTask(() => entry.told = undefined, 0)
  const lent = entry.asked
  entry.asked = false
  // the user's function may have used the pool: what it has asked for comes first
  if (entry.status === "Pending" || entry.status === "Borrowed") {
    if (available) {
      if (core.feed !== undefined) toldBy(core, entry, answeredAvailable, 0)
      if (core.timings !== undefined) core.timings.detect.add(0)
      trust(core, entry)
    }
    // somebody may have begun to wait
    if (entry.status === "Borrowed") marked(core, entry, available)
    else if (lent) core.cameBack(entry)
    else if (leaves(core, entry)) dismiss(core, entry)
    else if (!rests(core, entry)) {
      core.registry.move(entry, "Available")
      core.offer(entry, available)
    }
  }
  // what was begun while it was asked
  core.detector!.advance()
  return available && entry.slot !== -1 && lends(core)
}

const trust = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.detectedAtMillis = core.clock.currentTimeMillisUnsafe()
  const { trustFor } = core.options.detection
  // asked before each borrow, it is never trusted: no other clock is read
  if (!trustFor) return
  entry.trustedUntil = core.trustedUntil = core.deadlines.now() + trustFor
  if (entry.slot !== -1) core.registry.trusted?.add(entry)
}

/**
 * Takes an object for a detection, so that nobody else takes it meanwhile. It is `Pending` then. One that is shared and
 * lent stays `Borrowed`, since its leases go on; it takes no new ones.
 */
const seize = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
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
    conclude(core, detection, outcome)
    ended(outcome)
  })
  detection.before = entry.open > 0 ? "Borrowed" : before
  // first, since who is told of the move may have the object taken out
  entry.detection = detection
  seize(core, entry)
  return detection
}

const answeredAvailable: Outcome = { _tag: "Answered", answer: "Available" }

/** A rest whose time has passed is none. */
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
      // it rests on if nobody wants the answer any more
      if (entry.status === "Dormant" || entry.benched) entry.rest!.stop()
      seize(core, entry)
      // what is lendable has changed: not within the step of the detector
      core.dispatcher.scheduleTask(core.consider, 0)
      return true
    },
    (outcome) => {
      if (detection.before !== undefined) conclude(core, detection, outcome)
      ended(outcome)
    }
  )
  return detection
}

/** The status of an object that may be detected without being asked for by a borrower. */
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

/** It is settled what becomes of a lent object when it comes back, whatever a detector says. */
const bound = <A, D>(entry: Entry<A, D>): boolean => entry.condemned || entry.retired || entry.fate !== "return"

/** Carries out what a detection said. */
const conclude = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const { entry } = detection
  if (core.feed !== undefined || core.timings !== undefined) detected(core, detection, outcome)
  const lent = entry.asked
  entry.asked = false
  // a closing pool has given it up
  if (entry.status !== "Pending" && !(lent && entry.status === "Borrowed")) return
  const unknown = outcome._tag === "Failed" || (outcome._tag === "Answered" && outcome.answer === "Unknown")
  if (outcome._tag !== "Dropped") {
    trust(core, entry)
    if (!unknown) entry.pace = undefined
    entry.doubted = false
    // what it was plainly "Dormant" for is over
    if (entry.rest !== undefined) entry.rest.doze = -Infinity
  }
  if (lent) return inUse(core, detection, outcome)
  // the user's clock may have had it taken out
  if (entry.status !== "Pending") return
  if (leaves(core, entry)) return dismiss(core, entry)
  if (outcome._tag === "Dropped") return detection.woken ? rouse(core, entry) : restore(core, entry, detection.before!)
  if (outcome._tag === "Failed") return doubt(core, entry, outcome.failure)
  carryOut(core, entry, outcome.answer)
}

/**
 * What has been said of an object that was lent when it was asked about counts for those who would borrow it, and when it
 * comes back. Its leases go on. It may have come back meanwhile.
 */
const inUse = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const { entry } = detection
  if (outcome._tag === "Failed") doubtInUse(core, entry, outcome.failure)
  else if (outcome._tag === "Answered") {
    const { answer } = outcome
    if (answer === "Invalid") discard(core, entry, "Detected")
    else if (answer === "Unknown") doubtInUse(core, entry, undefined)
    else if (answer === "Dormant") doze(core, entry)
    else if (answer !== "Available") restOf(core, entry).extend(endOf(core, answer))
  }
  if (entry.status === "Pending") return core.cameBack(entry)
  // it has left, or it leaves
  if (entry.status !== "Borrowed") return
  if (outcome._tag === "Dropped") {
    if (detection.woken && !asleep(entry)) return lendAgain(core, entry)
    if (entry.doubted) resumeSchedule(core, entry)
  }
  bench(entry)
  marked(core, entry, outcome._tag !== "Dropped")
}

const detected = <A, D>(core: Core<A, D>, detection: Detection<A, D>, outcome: Outcome): void => {
  const millis = core.deadlines.now() - detection.began
  if (outcome._tag !== "Dropped") core.timings?.detect.add(millis)
  if (core.feed !== undefined) toldBy(core, detection.entry, outcome, millis)
}

/** Tells what a detection has said. */
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

const restore = <A, D>(core: Core<A, D>, entry: Entry<A, D>, before: Before): void => {
  if (before === "Dormant") return sleep(core, entry)
  if (rests(core, entry)) return
  core.registry.move(entry, before)
  entry.doubted = false
  if (before === "Available") return core.offer(entry, false)
  // its schedule has not moved on
  resumeSchedule(core, entry)
}

/** An object is `Unknown`: it is detected again when its schedule says so, or leaves when that is done. */
const doubt = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  if (rests(core, entry)) return
  core.registry.move(entry, "Unknown")
  changed(core)
  askLater(core, entry, failure)
}

/** The same of one that is lent: it takes no new leases until then. */
const doubtInUse = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  entry.doubted = true
  askLater(core, entry, failure)
}

/** One that was doubted while it was lent has come back: it is `Unknown`, and its schedule is what it was. */
export const staysUnknown = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.doubted = false
  if (entry.status !== "Pending") core.registry.move(entry, "Pending")
  core.registry.move(entry, "Unknown")
  resumeSchedule(core, entry)
  changed(core)
}

/** It is asked again when its schedule said so before. */
const resumeSchedule = <A, D>(core: Core<A, D>, { retrying }: Entry<A, D>): void => {
  if (retrying !== undefined) core.deadlines.set(retrying, retrying.due)
}

const askLater = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  const pace = entry.pace ??= new Pace(core.options.detection.retry(entry))
  pace.next(core, failure, (delay) => {
    if (entry.pace !== pace) return
    if (delay === undefined && entry.status === "Unknown") return evict(core, entry, "Unknown")
    if (delay === undefined && entry.doubted) return discard(core, entry, "Unknown")
    entry.retrying ??= makeDeadline(() => askAgain(core, entry))
    const due = core.deadlines.now() + (delay ?? 0)
    if (entry.status === "Unknown" || entry.doubted) return core.deadlines.set(entry.retrying, due)
    // while it is being detected, its time is kept for the case that this is dropped; the one before may still wait
    core.deadlines.cancel(entry.retrying)
    entry.retrying.due = due
  })
}

const askAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const inUse = entry.doubted && detectable(core, entry) === "Borrowed"
  if (entry.status !== "Unknown" && !inUse) return
  core.detector!.start(reserve(core, entry, "Unknown", () => {}), false)
}

/** Must it leave, now that it is free? */
export const leaves = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  entry.condemned || (core.crowded && entry.scope !== undefined && excess(core) > 0) || !stays(core)

/** It must leave: now. */
export const dismiss = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void =>
  evict(core, entry, stays(core) ? "Resized" : "Closed")

const carryOut = <A, D>(core: Core<A, D>, entry: Entry<A, D>, answer: Status.Answer): void => {
  switch (answer) {
    case "Invalid":
      return evict(core, entry, "Detected")
    case "Unknown":
      return doubt(core, entry, undefined)
    case "Dormant":
      doze(core, entry)
      return sleep(core, entry)
    case "Available":
      break
    default:
      restOf(core, entry).extend(endOf(core, answer))
  }
  if (rests(core, entry)) return
  core.registry.move(entry, "Available")
  core.offer(entry, true)
}

const restOf = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Rest<A, D> =>
  entry.rest ??= new Rest(core, entry, () => over(core, entry))

/** It is plainly "Dormant": it is asked about again when that is over, or before. */
const doze = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const rest = restOf(core, entry)
  rest.dozesSince = core.deadlines.now()
  rest.doze = rest.dozesSince + core.options.detection.dormantFor
}

/** Asks about those that are plainly "Dormant", for those who wait: see {@link Dozing}. `since`: it goes on. */
export const askDozing = <A, D>(core: Core<A, D>, since?: number): void => {
  const now = core.deadlines.now()
  let asked = 0
  for (const rest of [...core.dozing.members]) {
    if (core.waiters.size === 0) return
    // it is asked about, or rests until a known time as well, or is to leave
    if (!core.dozing.members.has(rest) || detectable(core, rest.entry) === undefined) continue
    const again = rest.dozesSince + least
    if (again > now) {
      // what has been asked by this has seen to itself; the others have been asked later
      if (since === undefined || rest.dozesSince < since) core.dozing.by(again)
      return
    }
    rest.stop()
    core.detector!.start(reserve(core, rest.entry, "Dormant", () => {}), false)
    // others get their turn in between
    if (++asked % 16 === 0 && core.deadlines.now() - now > slice) {
      return core.dispatcher.scheduleTask(() => askDozing(core, since ?? now), 0)
    }
  }
}

/** Puts an object to sleep if a rest that was asked for is not over. */
export const rests = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean => {
  if (!asleep(entry)) return false
  sleep(core, entry)
  return true
}

/** Makes an object `Dormant` until its rest is over, or keeps it so for longer. */
const sleep = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.doubted = false
  core.registry.move(entry, "Dormant")
  entry.rest!.wait()
  if (core.feed !== undefined) {
    const until = moment(entry.wakesAtMillis)
    tell(core, { _tag: "Rested", objectId: entry.id, ...until && { until } })
  }
  changed(core)
}

/** A rest is over, by one of the clocks. */
const over = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  // the other one has yet to say so, or this one has been set back
  if (asleep(entry)) return entry.rest!.wait()
  if (entry.status === "Dormant") wakeUp(core, entry)
  else if (entry.benched) unbench(core, entry)
}

/** Ends the rest of a `Dormant` object: by detection, where there is a detector. */
const wakeUp = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.rest!.forget()
  if (core.feed !== undefined) tell(core, { _tag: "Woke", objectId: entry.id })
  rouse(core, entry)
}

/** A lent object takes no new leases while it rests. */
const bench = <A, D>(entry: Entry<A, D>): void => {
  entry.benched = asleep(entry)
  if (entry.benched) entry.rest!.wait()
}

/** The rest of a busy object is over; a lent one is lent on, by way of a detection where there is a detector. */
const unbench = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { benched, detection } = entry
  entry.rest!.forget()
  entry.benched = false
  if (!benched) return
  // an answer that is under way is as good as another
  if (detection !== undefined) detection.woken = true
  else lendAgain(core, entry)
}

const lendAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.detector === undefined || detectable(core, entry) === undefined) return marked(core, entry)
  core.detector.start(reserve(core, entry, "Borrowed", () => {}), false)
}

/** It rests no more: it is detected, where there is a detector, or available. */
const rouse = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (rests(core, entry)) return
  if (core.detector === undefined) {
    core.registry.move(entry, "Available")
    core.offer(entry, false)
  } else {
    core.detector.start(reserve(core, entry, "Available", () => {}), false)
  }
}

/** An object is to rest; a lent one when it comes back, and, where it is shared, for those who do not have it. */
export const restLater = <A, D>(core: Core<A, D>, entry: Entry<A, D>, end: End): void => {
  if (isOver(core, end)) return
  const rest = restOf(core, entry)
  rest.extend(end)
  // what is asked about is benched when that has ended
  if (entry.status !== "Borrowed" || core.options.sharing === 1 || entry.asked) return
  bench(entry)
  marked(core, entry)
}

/** Rests every free object of a kind now, and a busy one when it is free. */
export const rest = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>, end: End): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    restLater(core, entry, end)
    if (!resting(entry)) continue
    if (entry.status === "Dormant" || entry.status === "Available" || entry.status === "Unknown") sleep(core, entry)
  }
  core.consider()
  return found
}

/** Ends a rest: of a `Dormant` object now, also while it is asked about, of a busy one before it has begun. */
export const wake = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Dormant") {
      found = true
      wakeUp(core, entry)
    } else if (sleepsOn(entry)) {
      found = true
      // an answer that is under way is as good as another
      entry.detection!.woken = true
      entry.rest!.forget()
      if (core.feed !== undefined) tell(core, { _tag: "Woke", objectId: entry.id })
    } else if (entry.status !== "Invalid" && (entry.benched || resting(entry))) {
      found = true
      unbench(core, entry)
    }
  }
  return found
}

/** It is `Dormant` again if the detection under way is dropped. */
const sleepsOn = <A, D>({ detection }: Entry<A, D>): boolean => detection?.before === "Dormant" && !detection.woken
