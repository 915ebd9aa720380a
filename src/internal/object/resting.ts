/**
 * Rest: an object that is asked to rest is `Dormant` when it is free, and takes no new leases while it is lent. After that
 * it is detected, where there is a detector, and lent again.
 *
 * Each function is one synchronous step.
 */
import type { PooledObject } from "../../PooledObject.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { askSelector, changed, Note, note, offer } from "../state/notes.ts"
import type { Request } from "../state/waiters.ts"
import { slice } from "../structures/deadlines.ts"
import { rested, tell } from "../watching/events.ts"
import type { Allowances } from "./allowances.ts"
import { detectable, reserve } from "./condition.ts"
import { least } from "./dozing.ts"
import { facetsOf, reckonFacet } from "./facets.ts"
import { marked } from "./leaving.ts"
import { asleep, type End, isOver, Rest, resting, type RestOrigin } from "./rest.ts"

export const restOf = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Rest<A, D> =>
  entry.rest ??= new Rest(core, entry, () => over(core, entry))

/** An object is plainly "Dormant": the detector is asked about it again after `dormantFor`, or before. */
export const doze = <A, D>(core: Core<A, D>, entry: Entry<A, D>, origin: RestOrigin): void => {
  const rest = restOf(core, entry)
  rest.origin = origin
  rest.dozesSince = core.deadlines.now()
  rest.doze = rest.dozesSince + core.options.detection.dormantFor
}

/** Detects dozing objects for the waiters: see {@link Dozing}. `since`: this goes on with a pass that began then. */
export const askDozing = <A, D>(core: Core<A, D>, since?: number): void => {
  const now = core.deadlines.now()
  let asked = 0
  for (const rest of [...core.dozing.members]) {
    if (core.waiters.size === 0) return
    // the object is being detected, or rests until a known time as well, or is to leave
    if (!core.dozing.members.has(rest) || detectable(core, rest.entry) === undefined) continue
    const again = rest.dozesSince + least
    if (again > now) {
      // an object of this pass has set the deadline itself, as it answered; so have those that come after it
      if (since === undefined || rest.dozesSince < since) core.dozing.by(again)
      return
    }
    rest.stop()
    core.detector!.start(reserve(core, rest.entry, "Dormant", () => {}), false)
    // other fibers get their turn in between
    if (++asked % 16 === 0 && core.deadlines.now() - now > slice) {
      return core.dispatcher.scheduleTask(() => askDozing(core, since ?? now), 0)
    }
  }
}

/** Puts an object to sleep if a rest that was asked for is not over. `unsure`: it is to be detected before it is lent. */
export const rests = <A, D>(core: Core<A, D>, entry: Entry<A, D>, unsure = false): boolean => {
  const { rest } = entry
  if (rest === undefined) return false
  recount(entry, rest)
  if (!rest.lasts) return false
  rest.isUnsure ||= unsure
  sleep(core, entry)
  return true
}

/** Makes an object `Dormant` until its rest is over, or keeps it so for longer. */
export const sleep = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.doubted || entry.status === "Unknown") entry.rest!.isUnsure = true
  entry.doubted = false
  core.registry.move(entry, "Dormant")
  entry.rest!.wait()
  if (core.feed !== undefined) rested(core, entry.rest!, entry.allowances)
  changed(core)
  wentToRest(core)
}

/** The rest of an object is over, by one of the clocks. */
const over = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const rest = entry.rest!
  recount(entry, rest)
  // the rest lasts by the other clock, or the wall clock has been set back
  if (rest.lasts) {
    rest.wait()
    return wentToRest(core)
  }
  if (entry.status === "Dormant") wakeUp(core, entry)
  else if (entry.benched) unbench(core, entry)
}

/** Ends the rest of a `Dormant` object: by detection, where there is a detector. */
const wakeUp = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const rest = entry.rest!
  const { wakesUnasked } = rest
  rest.forget()
  if (core.feed !== undefined && !asleep(entry)) tell(core, { _tag: "Woke", objectId: entry.id })
  rouse(core, entry, wakesUnasked)
}

/** What the allowances of an object say is read anew: a window that was seen to be over is, whatever the clock says later. */
const recount = <A, D>({ allowances }: Entry<A, D>, rest: Rest<A, D>): void => {
  if (allowances === undefined || (rest.spentUntil === -Infinity && rest.spentMoment === -Infinity)) return
  const { monotonic, wall } = allowances.opensAt
  rest.spentUntil = monotonic
  rest.spentMoment = wall
}

/** A lent object takes no new leases while it rests. */
export const bench = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.benched = entry.status === "Borrowed" && asleep(entry)
  if (!entry.benched) return
  entry.rest!.wait()
  wentToRest(core)
}

/** Another object rests: there may be nothing that could serve a waiter in time. */
const wentToRest = <A, D>(core: Core<A, D>): void => {
  if (core.waiters.size > 0) note(core, Note.resting)
}

/** The rest of a busy object is over: a lent one takes new leases, by way of a detection where there is a detector. */
const unbench = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { benched, detection } = entry
  const rest = entry.rest!
  const { wakesUnasked } = rest
  rest.forget()
  bench(core, entry)
  if (!benched || entry.benched) return
  // the answer of a detection that is under way will do
  if (detection !== undefined) detection.woken = true
  else if (wakesUnasked) marked(core, entry)
  else lendAgain(core, entry)
}

export const lendAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.detector === undefined || detectable(core, entry) === undefined) return marked(core, entry)
  core.detector.start(reserve(core, entry, "Borrowed", () => {}), false)
}

/** An object rests no more: it is detected, where there is a detector, or available; so it is where it was but spent. */
export const rouse = <A, D>(core: Core<A, D>, entry: Entry<A, D>, spent = false): void => {
  if (rests(core, entry)) return
  if (core.detector === undefined || spent) {
    core.registry.move(entry, "Available")
    offer(core, entry, false)
  } else {
    core.detector.start(reserve(core, entry, "Available", () => {}), false)
  }
}

/** An object is to rest: a lent one when it comes back; where it is shared, it takes no new leases from now on. */
export const restLater = <A, D>(core: Core<A, D>, entry: Entry<A, D>, end: End): void => {
  if (isOver(core, end)) return
  const rest = restOf(core, entry)
  rest.extend(end, "Asked")
  // an object that is being detected while it is lent is benched when the detection has ended
  if (entry.status !== "Borrowed" || core.options.sharing === 1 || entry.asked) return
  bench(core, entry)
  marked(core, entry)
}

/** A lease is granted: it takes of the allowances of its object, which takes no more leases where that was the last. */
export const spend = <A, D>(
  core: Core<A, D>,
  lease: ActiveLease<A, D>,
  allowances: Allowances,
  { cost, facet }: Request<A, D>
): void => {
  const { entry } = lease
  const taken = lease.taken = allowances.begin(cost, facet)
  // all is counted before others are told that the object rests: functions of the user's may be called then
  const spends = allowances.spend(taken)
  if (
    facet !== undefined && allowances.perFacet.length > 0 && facetsOf(core, entry).of(facet).allowances.spend(taken)
  ) {
    reckonFacet(core, entry, facet)
  }
  entry.memory?.touch()
  if (spends) reckon(core, entry)
}

/** What is left of the allowances of an object has changed: it rests until all have something left, or no more. */
export const reckon = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { allowances } = entry
  if (allowances === undefined || entry.status === "Invalid") return
  entry.memory?.touch()
  const opens = allowances.opensAt
  if (entry.rest === undefined && opens.monotonic === -Infinity && opens.wall === -Infinity) return
  const rest = restOf(core, entry)
  rest.spentUntil = opens.monotonic
  rest.spentMoment = opens.wall
  restsOn(core, entry)
}

/** The time that an object rests has changed, perhaps to none. */
const restsOn = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  switch (entry.status) {
    case "Available":
    case "Unknown":
      rests(core, entry)
      break
    case "Dormant":
      over(core, entry)
      break
    case "Borrowed":
      if (core.options.sharing > 1 && !entry.asked) benchAgain(core, entry)
      break
    // the rest is looked at when it is known where the object goes
    case "Pending":
    case "Invalid":
  }
}

/** A shared object takes no new leases as long as it rests. */
const benchAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.benched && !asleep(entry)) return unbench(core, entry)
  bench(core, entry)
  marked(core, entry)
}

/** Has all objects that are `target` rest: a free one now, a busy one when it is free. */
export const rest = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>, end: End): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    restNow(core, entry, end)
  }
  askSelector(core)
  return found
}

/** Has one object rest: a free one now, a busy one when it is free. */
export const restNow = <A, D>(core: Core<A, D>, entry: Entry<A, D>, end: End): void => {
  restLater(core, entry, end)
  if (!resting(entry)) return
  if (entry.status === "Dormant" || entry.status === "Available" || entry.status === "Unknown") sleep(core, entry)
}

/**
 * Ends a rest: that of a `Dormant` object now, also while it is detected; that of a busy object before it has begun; that of
 * a facet.
 */
export const wake = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.facets?.wakeAll() === true) found = true
    if (entry.status === "Dormant") {
      found = true
      wakeUp(core, entry)
    } else if (sleepsOn(entry)) {
      found = true
      // the answer of the detection that is under way will do
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

/** Is an object `Dormant` again if the detection under way is dropped? */
const sleepsOn = <A, D>({ detection }: Entry<A, D>): boolean => detection?.before === "Dormant" && !detection.woken
