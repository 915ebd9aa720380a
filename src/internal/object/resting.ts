/**
 * Rest: an object that is asked to rest is `Dormant` when it is free, or is lent to nobody else where it is lent; then it
 * is detected, where there is a detector, and lent again.
 *
 * Each function is one synchronous step.
 */
import type { PooledObject } from "../../PooledObject.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { changed, offer } from "../state/notes.ts"
import { moment } from "../state/pooled.ts"
import { slice } from "../structures/deadlines.ts"
import { tell } from "../watching/events.ts"
import { detectable, reserve } from "./condition.ts"
import { least } from "./dozing.ts"
import { marked } from "./leaving.ts"
import { asleep, type End, isOver, Rest, resting } from "./rest.ts"

export const restOf = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Rest<A, D> =>
  entry.rest ??= new Rest(core, entry, () => over(core, entry))

/** It is plainly "Dormant": it is asked about again when that is over, or before. */
export const doze = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
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
export const sleep = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
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
export const bench = <A, D>(entry: Entry<A, D>): void => {
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

export const lendAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.detector === undefined || detectable(core, entry) === undefined) return marked(core, entry)
  core.detector.start(reserve(core, entry, "Borrowed", () => {}), false)
}

/** It rests no more: it is detected, where there is a detector, or available. */
export const rouse = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (rests(core, entry)) return
  if (core.detector === undefined) {
    core.registry.move(entry, "Available")
    offer(core, entry, false)
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
