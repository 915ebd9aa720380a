/**
 * What can be done for one waiter: grant it an object, by way of a detection or a hook where that is needed. Each is one
 * synchronous step.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { hold } from "../lease/holding.ts"
import { ActiveLease } from "../lease/lease.ts"
import { bequeath } from "../making/making.ts"
import { reserve } from "../object/condition.ts"
import { isRefusal } from "../object/detector.ts"
import { cleanUp, hookFailed, prepared } from "../object/freeing.ts"
import { Hook } from "../object/hook.ts"
import { heed, retire } from "../object/replacing.ts"
import { resting } from "../object/rest.ts"
import { type Core, lendable, lends } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { changed, offer } from "../state/notes.ts"
import { isBefore, type Request, type Waiter } from "../state/waiters.ts"
import { type AsyncContext, callIn } from "../structures/asking.ts"
import { fail, resumeSoon, unqueue, waited } from "../waiting/outcome.ts"
import { backsOff, noteRefusal, refillFailed } from "../waiting/patience.ts"
import { tell } from "../watching/events.ts"
import { watch } from "../watching/overdue.ts"

/** It was made, and has never been lent. */
export const isFresh = <A, D>(entry: Entry<A, D>): boolean => entry.scope !== undefined && entry.borrowCount === 0

/** Must a borrower have it detected first? */
export const stale = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.detector !== undefined && core.options.detection.trustFor !== undefined &&
  // asked before each borrow, or not at all yet: no clock is read
  (core.options.detection.trustFor === 0 || entry.trustedUntil === undefined ||
    core.deadlines.now() >= entry.trustedUntil)

/** How long a lease would last, in milliseconds. It may throw, or use the pool, as the user's function does. */
export const lasting = <A, D>(
  { options: { leaseTimeout } }: Core<A, D>,
  entry: Entry<A, D>,
  request: Request<A, D>,
  context?: AsyncContext
): number =>
  request.leaseTimeout ?? entry.leaseTimeout ?? (leaseTimeout && callIn(context, leaseTimeout, entry)) ?? Infinity

/**
 * Grants a lease of a lendable object, perhaps to one that waits. `now`: the wall clock. Where it is shared it may be lent
 * on: {@link lendOn} follows, or it is offered.
 */
export const take = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  timeout: number,
  fiberId: number,
  now: number,
  waiter?: Waiter<A, D>
): ActiveLease<A, D> => {
  const lease = new ActiveLease(core, entry, fiberId, timeout, now)
  // from here to the move nothing of the user's is called
  if (waiter !== undefined) {
    waiter.lease = lease
    lease.holder = waiter
  }
  entry.prepared = false
  entry.borrowedAtMillis = now
  entry.borrowCount++
  core.totals.borrowed++
  hold(core, lease)
  // from now on whoever is called may end it
  if (core.feed !== undefined) borrowed(core, lease, waiter)
  if (lease.expiry !== undefined) lease.begin(lease.expiry)
  if (entry.limits !== undefined && entry.borrowCount >= entry.limits.mostBorrows) retire(core, [entry], "MaxBorrows")
  return lease
}

/** What is shared and has room for another lease goes to those who wait, in their order, or is listed. */
export const lendOn = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.options.sharing === 1 || entry.slot !== -1 || entry.status !== "Borrowed" || !lendable(core, entry)) return
  // the user's selector is asked for those who wait by whoever has had it asked for this one
  if (core.waiters.size === 0 || core.options.policy.kind === "custom") core.registry.list(entry)
  else offer(core, entry, true)
}

const borrowed = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, waiter: Waiter<A, D> | undefined): void => {
  const { entry } = lease
  tell(core, {
    _tag: "Borrowed",
    objectId: entry.id,
    leaseId: lease.id,
    waited: waiter === undefined ? Duration.zero : waited(core, waiter),
    phase: waiter === undefined
      ? "AtOnce"
      : entry.scope !== undefined && entry.borrowCount === 1
      ? "Acquiring"
      : waiter.detection !== undefined
      ? "Detecting"
      : "Waiting"
  })
}

/** What an operator sees of a lease that was waited for. */
const observe = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, lease: ActiveLease<A, D>): void => {
  if (waiter.fiber !== undefined) watch(lease, waiter.fiber, waiter.request.site)
  if (core.timings === undefined && waiter.trace === undefined) return
  const millis = core.deadlines.now() - waiter.since
  core.timings?.wait.add(millis)
  waiter.trace?.served(lease, millis)
}

/**
 * May this waiter have the object? One whose `where` rejects what was made for it is a misfit; one that another was served
 * before is not asked, and is none. A `where` that throws is a defect of its borrower.
 */
export const fits = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.lane === undefined) return false
  const { where } = waiter.request
  try {
    if (where === undefined) return true
    // it may have ended the wait
    if (callIn(waiter.context, where, entry.pooled)) return waiter.lane !== undefined
    if (waiter.made === entry) waiter.misfit = true
    return false
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
}

/**
 * Serves a waiter. `false`: it could not be, and is none any more; or the object cannot be lent any more. Where it is
 * shared, {@link lendOn} follows, or it is offered.
 */
export const grant = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  // what was prepared in time is lent
  if (!entry.prepared && entry.limits !== undefined) heed(core, entry)
  if (waiter.lane === undefined || !lendable(core, entry)) return false
  let timeout: number
  try {
    timeout = lasting(core, entry, waiter.request, waiter.context)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
  const now = core.clock.currentTimeMillisUnsafe()
  // a function of the user's may have used the pool, or ended the wait
  if (waiter.lane === undefined || !lends(core) || !lendable(core, entry)) return false
  if (needsHook(core, entry)) {
    prepareFor(core, waiter, entry)
    return true
  }
  // no waiter any more before anything else may be offered; its lease is its own before anything of the user's is called
  unqueue(core, waiter)
  const lease = take(core, entry, timeout, waiter.fiberId, now, waiter)
  // whoever was called has had it taken back: it waits again, and what is under way for it is its own
  if (waiter.lease !== lease) return false
  const creation = waiter.creation
  // a detection that was begun for it goes on: whoever comes next is glad of the answer
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) bequeath(core, creation)
  resumeSoon(core, waiter)
  observe(core, waiter, lease)
  return true
}

/**
 * Has an object detected for a waiter. When that has ended without serving it, something else is tried: by this
 * function, or by the caller if it ended within the call. `false`: the waiter is none any more, or the object cannot be
 * lent any more.
 */
export const detectFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (entry.limits !== undefined) heed(core, entry)
  if (waiter.lane === undefined || !lendable(core, entry)) return false
  let within = true
  const detection = reserve(core, entry, "Available", (outcome) => {
    if (outcome._tag === "Failed") waiter.troubled.lastFailure = outcome.failure
    // another would be made at once, for this waiter or for the minimum
    if (isFresh(entry) && isRefusal(outcome)) {
      noteRefusal(core, waiter)
      refillFailed(core)
    }
    if (waiter.detection === detection) {
      core.waiters.note(waiter, "detection", undefined)
      core.waiters.claims++
    }
    if (within) return
    core.consider()
    core.advance(waiter)
  })
  core.waiters.note(waiter, "detection", detection)
  core.detector!.start(detection, true)
  within = false
  return true
}

/** Runs `onBorrow` for a waiter; the object is its own then, unless it has left. */
const prepareFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  let within = true
  core.registry.move(entry, "Pending")
  const hook = new Hook(core, entry, (failure) => {
    if (waiter.detection === hook) core.waiters.note(waiter, "detection", undefined)
    if (failure !== undefined) {
      core.waiters.claims++
      waiter.troubled.lastFailure = Cause.squash(failure)
      waiter.troubled.spoilt = true
      if (waiter.lane !== undefined) noteRefusal(core, waiter)
      if (entry.scope !== undefined) refillFailed(core)
      hookFailed(core, entry, failure)
    } else if (prepared(core, entry)) {
      // else it is cleaned up again: for another it is prepared anew, as that one's own
      const its = lends(core) && !resting(entry) && !isDue(core, waiter, entry)
      if (its && grant(core, waiter, entry)) lendOn(core, entry)
      else {
        core.waiters.claims++
        cleanUp(core, entry)
      }
      changed(core)
    }
    if (within) return
    core.consider()
    core.advance(waiter)
  }, waiter.context)
  core.waiters.note(waiter, "detection", hook)
  hook.run(core.options.onBorrow!)
  within = false
}

/**
 * Is what has been detected or prepared for one waiter due to another, which comes before it, may have it, and has nothing
 * detected or prepared for it any more? That is known without a walk where none has lost that since, or has come.
 */
export const isDue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.claimed === core.waiters.claims || waiter.lane === undefined) return false
  for (let other = core.waiters.free!.first(isFree); other !== undefined && isBefore(other, waiter);) {
    const next = core.waiters.after(other)
    if (other.detection === undefined && !holdsOff(core, other, entry) && fits(core, other, entry)) return true
    other = core.waiters.onward(next)
  }
  return false
}

/** Nothing is being detected or prepared for it. */
export const isFree = <A, D>({ detection }: Waiter<A, D>): boolean => detection === undefined

/** Nothing is being prepared for it. */
export const isUnprepared = <A, D>({ detection }: Waiter<A, D>): boolean => !(detection instanceof Hook)

/** Does `onBorrow` run before an object is lent? Not where another has a lease of it, or its waiter has had it prepared. */
export const needsHook = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.options.onBorrow !== undefined && entry.open === 0 && !entry.prepared

/** Has `onBorrow` failed for a waiter so often that it waits a while? */
export const waitsAWhile = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.spoilt && backsOff(core, waiter)

/** Would `onBorrow` run for a waiter that has another object prepared for it, or waits a while after three failures? */
export const holdsOff = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  needsHook(core, entry) && (waiter.detection instanceof Hook || waitsAWhile(core, waiter))

/** Lends an object to a waiter, by way of a detection where it has to be detected first. */
export const lend = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  if (stale(core, entry)) return void detectFor(core, waiter, entry)
  grant(core, waiter, entry)
  lendOn(core, entry)
}
