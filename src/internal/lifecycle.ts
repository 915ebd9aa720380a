/**
 * The life of an object outside a lease: joining, being detected, resting, waking, coming back, leaving.
 *
 * Each function is one synchronous step. One that frees an object ends with `core.offer`, one that frees room with
 * `core.roomFreed`, both after the bookkeeping.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { PooledObject } from "../PooledObject.ts"
import type { Status } from "../Status.ts"
import type { Core } from "./core.ts"
import * as Deadlines from "./deadlines.ts"
import { Detection, type Outcome } from "./detection.ts"
import type { Entry, Origin } from "./registry.ts"

/** What follows the first detection of an object, or its joining if there is none: perhaps before `join` returns. */
export interface Joining<A, D> {
  /** A borrower waits for it. */
  readonly urgent: boolean
  /** It is about to be offered, or to leave. */
  readonly settling?: () => void
  readonly ended: (entry: Entry<A, D>, outcome: Outcome | undefined) => void
}

/** Takes an object in. */
export const join = <A, D>(
  core: Core<A, D>,
  object: A,
  data: D,
  origin: Origin,
  { ended, settling, urgent }: Joining<A, D>
): Entry<A, D> => {
  const entry = core.registry.join(object, data, origin, core.clock.currentTimeMillisUnsafe())
  if (core.detector !== undefined && core.options.onAdd && core.life._tag === "Open") {
    const detection = reserve(core, entry, "Available", (outcome) => ended(entry, outcome), settling)
    core.detector.start(detection, urgent)
    return entry
  }
  settling?.()
  if (core.life._tag === "Open") {
    core.registry.move(entry, "Available")
    core.offer(entry, false)
  } else {
    evict(core, entry)
  }
  ended(entry, undefined)
  return entry
}

/** What an object is when its detection is dropped. */
type Before = "Available" | "Dormant" | "Unknown"

/**
 * A detection of an object that is `Pending` from now on, so that nobody else takes it while it waits for its turn. The
 * caller starts it.
 */
export const reserve = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  before: Before,
  ended: (outcome: Outcome) => void,
  settling?: () => void
): Detection<A, D> => {
  if (entry.status !== "Pending") core.registry.move(entry, "Pending")
  const detection = new Detection(core.detector!, entry, () => true, (outcome) => {
    settling?.()
    conclude(core, entry, before, outcome)
    ended(outcome)
  })
  entry.detection = detection
  return detection
}

/**
 * A detection that takes its object only when its turn comes; it ends as `Dropped` at once if the object is lent, or rests
 * until a known time, by then.
 */
export const whenFree = <A, D>(core: Core<A, D>, entry: Entry<A, D>, ended: () => void): Detection<A, D> => {
  let before: Before | undefined
  return new Detection(
    core.detector!,
    entry,
    () => {
      before = detectable(core, entry)
      if (before === undefined) return false
      if (before === "Dormant") core.deadlines.cancel(entry.waking!)
      core.registry.move(entry, "Pending")
      // what is lendable has changed: not within the step of the detector
      core.dispatcher.scheduleTask(core.consider, 0)
      return true
    },
    (outcome) => {
      if (before !== undefined) conclude(core, entry, before, outcome)
      ended()
    }
  )
}

/** The status of an object that may be detected without being asked for by a borrower. */
export const detectable = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Before | undefined => {
  switch (entry.status) {
    case "Available":
    case "Unknown":
      return entry.status
    case "Dormant":
      return entry.restsUntil > core.deadlines.now() ? undefined : entry.status
    default:
      return undefined
  }
}

/** Carries out what a detection said. */
const conclude = <A, D>(core: Core<A, D>, entry: Entry<A, D>, before: Before, outcome: Outcome): void => {
  // a closing pool has given it up
  if (entry.status !== "Pending") return
  if (outcome._tag !== "Dropped") {
    entry.detectedAtMillis = core.clock.currentTimeMillisUnsafe()
    entry.trustedUntil = core.trustedUntil = core.deadlines.now() + (core.options.trustFor ?? 0)
  }
  if (entry.condemned || core.life._tag !== "Open") return evict(core, entry)
  if (outcome._tag === "Dropped") return restore(core, entry, before)
  if (outcome._tag === "Failed") {
    if (resting(core, entry)) return sleep(core, entry, entry.restsUntil)
    return core.registry.move(entry, "Unknown")
  }
  answered(core, entry, outcome.answer)
}

const restore = <A, D>(core: Core<A, D>, entry: Entry<A, D>, before: Before): void => {
  if (before === "Dormant") return sleep(core, entry, Math.max(entry.waking?.due ?? -Infinity, entry.restsUntil))
  if (resting(core, entry)) return sleep(core, entry, entry.restsUntil)
  core.registry.move(entry, before)
  if (before === "Available") core.offer(entry, false)
}

const answered = <A, D>(core: Core<A, D>, entry: Entry<A, D>, answer: Status.Answer): void => {
  switch (answer) {
    case "Invalid":
      return evict(core, entry)
    case "Unknown":
      if (resting(core, entry)) return sleep(core, entry, entry.restsUntil)
      return core.registry.move(entry, "Unknown")
    case "Dormant":
      return sleep(core, entry, Math.max(core.deadlines.now() + core.options.dormantFor, entry.restsUntil))
    case "Available":
      break
    default:
      entry.restsUntil = Math.max(entry.restsUntil, until(core, answer))
  }
  if (resting(core, entry)) return sleep(core, entry, entry.restsUntil)
  core.registry.move(entry, "Available")
  core.offer(entry, true)
}

/** The monotonic time that a rest ends. */
const until = <A, D>(core: Core<A, D>, rest: Status.Rest): number =>
  core.deadlines.now() + (Duration.isDuration(rest.until)
    ? Duration.toMillis(rest.until)
    : DateTime.toEpochMillis(rest.until) - core.clock.currentTimeMillisUnsafe())

/** The monotonic time that a rest from now ends. Throws on what is no duration. */
export const restUntil = <A, D>(core: Core<A, D>, duration: Duration.Input): number =>
  core.deadlines.now() + Duration.toMillis(Duration.fromInputUnsafe(duration))

/** Not on the path of an object that never was asked to rest: no clock is read for it. */
const resting = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  entry.restsUntil !== -Infinity && entry.restsUntil > core.deadlines.now()

/** Makes an object `Dormant` until a monotonic time, or keeps it so for longer. */
const sleep = <A, D>(core: Core<A, D>, entry: Entry<A, D>, due: number): void => {
  core.registry.move(entry, "Dormant")
  entry.waking ??= Deadlines.make(() => wakeUp(core, entry))
  entry.wakesAtMillis = core.clock.currentTimeMillisUnsafe() + (due - core.deadlines.now())
  core.deadlines.set(entry.waking, due)
}

/** Ends the rest of a `Dormant` object: by detection, where there is a detector. */
const wakeUp = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.waking !== undefined) core.deadlines.cancel(entry.waking)
  entry.restsUntil = -Infinity
  if (core.detector === undefined) {
    core.registry.move(entry, "Available")
    core.offer(entry, false)
  } else {
    core.detector.start(reserve(core, entry, "Available", () => {}), false)
  }
}

/** The lease of an object is over, and its borrower has nothing to do with what follows. */
export const giveBack = <A, D>(core: Core<A, D>, entry: Entry<A, D>, expired: boolean): void => {
  // a closing pool has given it up
  if (entry.status !== "Borrowed") return
  entry.lease = undefined
  core.leases--
  core.registry.used(entry, core.clock.currentTimeMillisUnsafe())
  const fate = expired ? core.options.onLeaseExpired(entry) : core.options.onRelease ? "detect" : "return"
  if (entry.condemned || fate === "destroy" || core.life._tag !== "Open") return evict(core, entry)
  if (resting(core, entry)) return sleep(core, entry, entry.restsUntil)
  if (fate === "detect" && core.detector !== undefined) {
    return core.detector.start(reserve(core, entry, "Available", () => {}), false)
  }
  core.registry.move(entry, "Available")
  core.offer(entry, false)
}

/** Rests every free object of a kind now, and a busy one when it is free. */
export const rest = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>, due: number): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    entry.restsUntil = Math.max(entry.restsUntil, due)
    if (!resting(core, entry)) continue
    if (entry.status === "Dormant") sleep(core, entry, Math.max(entry.waking!.due, entry.restsUntil))
    else if (entry.status === "Available" || entry.status === "Unknown") sleep(core, entry, entry.restsUntil)
  }
  core.consider()
  return found
}

/** Ends a rest: of a `Dormant` object now, of a busy one before it has begun. */
export const wake = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Dormant") {
      found = true
      wakeUp(core, entry)
    } else if (entry.status !== "Invalid" && resting(core, entry)) {
      found = true
      entry.restsUntil = -Infinity
    }
  }
  return found
}

/** Takes every object of a kind out: a free one now, a busy one when it is free. */
export const remove = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    entry.condemned = true
    if (entry.detection !== undefined) core.detector!.drop(entry.detection)
    else if (entry.status !== "Borrowed") evict(core, entry)
  }
  core.consider()
  return found
}

/** An object leaves: it is `Invalid` until it is destroyed. */
export const evict = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.waking !== undefined) core.deadlines.cancel(entry.waking)
  core.registry.move(entry, "Invalid")
  core.destroyer.destroy(entry)
  core.leaving()
}

/** An object is destroyed, or given up: its room is free. */
export const gone = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.scope !== undefined) core.totals.destroyed++
  core.registry.drop(entry)
  core.roomFreed()
}

/** A lent object leaves with its borrower: it is not destroyed. */
export const depart = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.lease = undefined
  core.leases--
  core.registry.move(entry, "Invalid")
  core.registry.drop(entry)
  core.roomFreed()
}
