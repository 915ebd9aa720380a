/**
 * Whom an object is made for: a waiter that could use one, or the minimum.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { type Core, hasOwnRoom, hasRoom, lends } from "../state/core.ts"
import { Note, note } from "../state/notes.ts"
import { isBefore, type Waiter } from "../state/waiters.ts"
import { lacks } from "../waiting/aside.ts"
import { fail, runOut } from "../waiting/outcome.ts"
import { backsOff, longestTurn, waitForTurn } from "../waiting/patience.ts"
import { Creation } from "./creator.ts"

/** Could a waiter use an object that is made for it, once its class has room? */
const couldUse = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  core.creator !== undefined && lends(core) && waiter.lane !== undefined &&
  !waiter.misfit && waiter.request.timeout !== 0 && !backsOff(core, waiter)

/** Has the class of a waiter room for an object that is made for it? */
const isLet = <A, D>({ classes }: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  classes === undefined || classes.mayBeginFor(waiter)

/** Could a waiter use an object that is made for it, where none is, once its class has room? */
export const lacksOne = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.creation === undefined && couldUse(core, waiter)

/** Could a waiter use an object that is made for it, where none is? */
export const wants = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  lacksOne(core, waiter) && isLet(core, waiter)

/** Has an object made for a waiter that could use one, where there is room. */
export const have = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (!wants(core, waiter)) {
    // of all keys, whoever has waited longest is served as his class has room
    if (core.classes !== undefined) core.place?.stir()
    return
  }
  if (!hasRoom(core)) return askForRoom(core)
  const creation = new Creation(waiter)
  core.waiters.note(waiter, "creation", creation)
  // a tracer of the user's may have ended the wait
  if (creation.owner !== undefined) begin(core, creation)
}

/** Where many keys share their room, an object of another key may go for this one. */
const askForRoom = <A, D>(core: Core<A, D>): void => {
  if (core.place !== undefined && hasOwnRoom(core)) note(core, Note.room)
}

/** Starts to make an object. */
export const begin = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  core.place?.take()
  if (core.retry.failing) {
    core.retry.attempt = creation
    // where no schedule waits for its end, a creation that hangs does not keep the next from being made
    if (core.retry.pace === undefined) waitForTurn(core, longestTurn)
  }
  core.creator!.begin(creation)
}

/** The owner needs a creation no more: it counts for the oldest waiter that has nothing made for it, if there is one. */
export const bequeath = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  // it has not begun, and there is no room for it: whoever waits for some may have it
  if (core.place?.forgo(creation) === true) {
    creation.owner = undefined
    return
  }
  // while nothing is lent no waiter wants an object, but all may want one later
  if (!lends(core)) {
    creation.owner = undefined
    return
  }
  // a waiter that does not queue does not wait for a creation that was begun for another
  const heir = core.waiters.heirs!.first((waiter) =>
    waiter.request.queues && !hasOneMade(waiter) && couldUse(core, waiter) && isLet(core, waiter)
  )
  creation.owner = heir
  if (heir === undefined) return
  const { creation: reserved } = heir
  core.waiters.note(heir, "creation", creation)
  // the room that it has waited for is for whoever has waited longest now
  if (reserved === undefined) return
  reserved.owner = undefined
  core.place!.forgo(reserved)
}

/** Is an object being made for a waiter? One whose creation waits for room can do with another that has begun. */
const hasOneMade = <A, D>({ creation }: Waiter<A, D>): boolean => creation !== undefined && creation.reservedAt === -1

/** Takes a creation that has ended from its owner. */
export const disown = <A, D>(core: Core<A, D>, creation: Creation<A, D>): Waiter<A, D> | undefined => {
  if (core.retry.attempt === creation) core.retry.attempt = undefined
  const waiter = creation.owner
  if (waiter === undefined) return undefined
  creation.owner = undefined
  core.waiters.note(waiter, "creation", undefined)
  return waiter
}

/**
 * Making an object failed: the oldest waiter that could use one fails with that failure, or, where it took too long, with
 * `BorrowTimeout`. `false`: there is no such waiter. `owner`: for whom it was made, though his class may have no room for
 * another, since what is late has its own until it has ended.
 */
export const failOldest = <A, D>(
  core: Core<A, D>,
  cause: Cause.Cause<unknown> | "late",
  owner: Waiter<A, D> | undefined
): boolean => {
  const waiter = core.waiters.fitting!.first(({ misfit }) => !misfit) ?? owner
  if (waiter?.lane === undefined) return false
  const { creation } = waiter
  // one that waits for room has that no more, as the waiter leaves
  const hasBegun = hasOneMade(waiter)
  if (cause === "late") {
    runOut(core, waiter, "Acquiring")
  } else {
    fail(core, waiter, Effect.failCause(cause))
  }
  if (hasBegun) bequeath(core, creation!)
  return true
}

/**
 * Makes one of the objects that are missing of `size.min`, or of `size.spare`. `false`: none is, or there is no room. Failures
 * put it off: 100 millis, doubling to 30 seconds.
 */
export const refill = <A, D>(core: Core<A, D>): boolean => {
  if (!isShort(core) || !hasRoom(core)) return false
  begin(core, new Creation(undefined))
  return true
}

/** Would one of the objects that are missing of `size.min` be made now, if there is room? */
export const isShort = <A, D>(core: Core<A, D>): boolean =>
  core.creator !== undefined && wanting(core) && core.refill.deadline.index === -1 &&
  // while nothing can be made there is one attempt at a time
  (core.refill.failures === 0 || core.creator.promising === 0)

/** How many objects a waiter of several lacks, beyond the one that it may have made for itself. */
const lacksFurther = <A, D>({ classes }: Core<A, D>, waiter: Waiter<A, D>): number => {
  // one that waits no longer, or whose `where` has rejected what was made, is not made more
  if (waiter.misfit || waiter.request.timeout === 0) return 0
  const lacking = lacks(waiter)
  return Math.max(0, (classes === undefined ? lacking : classes.roomFor(waiter, lacking)) - 1)
}

/** How many objects waiters of several lack, beyond the one that each may have made for itself. */
const missing = <A, D>(core: Core<A, D>): number => {
  let missing = 0
  for (const waiter of core.waiters.several) missing += lacksFurther(core, waiter)
  return missing
}

/** How many objects are coming that are not made for one waiter. */
const comingFurther = <A, D>({ creator, place, registry, waiters }: Core<A, D>): number =>
  registry.counts.Pending + creator!.promising + (place === undefined ? 0 : place.awaiting) - waiters.expecting

/**
 * Where many keys share their room, what waiters of several lack beyond that has its turn among what waiters of other keys
 * lack: this is the first for which another object would be made.
 */
export const firstShort = <A, D>(core: Core<A, D>): Waiter<A, D> | undefined => {
  const { newestFirst, several } = core.waiters
  // where the newest is served first, what is made for none would go to one from whom the others take it again
  if (several.size === 0 || newestFirst || core.creator === undefined || !lends(core)) return undefined
  let coming = comingFurther(core)
  // each walk finds the next: no more than objects are coming
  for (let waiter = nextShort(core, undefined); waiter !== undefined; waiter = nextShort(core, waiter)) {
    coming -= lacksFurther(core, waiter)
    if (coming < 0) return waiter
  }
  return undefined
}

/** The first waiter of several, behind one, that lacks more than the one that it may have made for itself. */
const nextShort = <A, D>(core: Core<A, D>, after: Waiter<A, D> | undefined): Waiter<A, D> | undefined => {
  let next: Waiter<A, D> | undefined
  for (const waiter of core.waiters.several) {
    if (after !== undefined && !isBefore(after, waiter)) continue
    if (next !== undefined && !isBefore(waiter, next)) continue
    if (lacksFurther(core, waiter) > 0 && !backsOff(core, waiter)) next = waiter
  }
  return next
}

/** A creation that is begun for what a waiter of several lacks beyond its own one: it counts for none. */
export const furtherFor = <A, D>(waiter: Waiter<A, D>): Creation<A, D> => {
  const creation = new Creation(waiter)
  creation.owner = undefined
  return creation
}

/** Makes another object for a waiter of several. `false`: there is no room. */
export const makeFurther = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean => {
  if (!hasRoom(core)) return false
  begin(core, furtherFor(waiter))
  return true
}

/** Are objects of the minimum missing, or spare ones, in a pool that keeps some? */
const wanting = <A, D>(core: Core<A, D>): boolean => {
  const { creator, life, place, registry, size, waiters } = core
  if (life._tag !== "Open") return false
  const { counts, retired, retiredLent } = registry
  const { promising } = creator!
  if (registry.size - counts.Invalid - retired + promising < size.min) return true
  if (place === undefined && waiters.several.size > 0 && comingFurther(core) < missing(core)) return true
  if (size.spare === 0) return false
  // what is made for a waiter, or was and is being detected, is as good as lent
  return counts.Available + counts.Pending - (retired - retiredLent) + promising - waiters.expecting < size.spare
}
