/**
 * What can be done for one waiter: lend, detect, make, or end its wait. Each is one synchronous step.
 *
 * A waiter's outcome is set in the step that decides it, when all the bookkeeping is done; its fiber is resumed in a
 * later task.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { BorrowTimeout, PoolExhausted } from "../PoolError.ts"
import { type Core, exhausted, hasRoom, timedOut, wake } from "./core.ts"
import { Creation } from "./creation.ts"
import { make as makeDeadline } from "./deadlines.ts"
import { ActiveLease } from "./lease.ts"
import { reserve } from "./lifecycle.ts"
import type { Entry } from "./registry.ts"
import type { Request, Waiter } from "./waiters.ts"

// ------------------------------------------------------------------------------------------------------------ lending

/** Must a borrower have it detected first? */
export const stale = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.detector !== undefined && core.options.trustFor !== undefined && core.deadlines.now() >= entry.trustedUntil

/** How long a lease would last, in milliseconds. It may throw, or use the pool, as the user's function does. */
export const lasting = <A, D>(core: Core<A, D>, entry: Entry<A, D>, request: Request<A, D>): number =>
  request.leaseTimeout ?? entry.leaseTimeout ?? core.options.leaseTimeout?.(entry) ?? Infinity

/** Grants a lease of an `Available` object. */
export const take = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  timeout: number,
  fiberId: number
): ActiveLease<A, D> => {
  core.registry.move(entry, "Borrowed")
  const now = core.clock.currentTimeMillisUnsafe()
  const lease = new ActiveLease(core, entry, fiberId, timeout, now)
  entry.lease = lease
  entry.borrowedAtMillis = now
  entry.borrowCount++
  core.leases++
  core.totals.borrowed++
  return lease
}

/** May this waiter have the object? A `where` that throws is a defect of its borrower. */
export const fits = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.lane === undefined) return false
  try {
    return waiter.request.where === undefined || waiter.request.where(entry)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
}

/** Serves a waiter. `false`: it could not be, and is none any more; or the object cannot be lent any more. */
export const grant = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  let timeout: number
  try {
    timeout = lasting(core, entry, waiter.request)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
  if (waiter.lane === undefined || entry.status !== "Available") return false
  waiter.lease = take(core, entry, timeout, waiter.fiberId)
  unqueue(core, waiter)
  const creation = waiter.creation
  // a detection that was begun for it goes on: whoever comes next is glad of the answer
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) bequeath(core, creation)
  wake(core, waiter)
  return true
}

/**
 * Has an object detected for a waiter. When that has ended without serving it, something else is tried: by this
 * function, or by the caller if it ended within the call.
 */
export const detectFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  let within = true
  const detection = reserve(core, entry, "Available", (outcome) => {
    if (outcome._tag === "Failed") waiter.lastFailure = outcome.failure
    if (waiter.detection === detection) core.waiters.note(waiter, "detection", undefined)
    if (within) return
    core.consider()
    core.advance(waiter)
  })
  core.waiters.note(waiter, "detection", detection)
  core.detector!.start(detection, true)
  within = false
}

/** Lends an object to a waiter, by way of a detection where it has to be detected first. */
export const lend = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  if (stale(core, entry)) detectFor(core, waiter, entry)
  else grant(core, waiter, entry)
}

// ------------------------------------------------------------------------------------------------------------- making

const wants = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  core.creator !== undefined && core.life._tag === "Open" && waiter.lane !== undefined &&
  waiter.creation === undefined && !waiter.misfit && waiter.request.timeout !== 0 &&
  (waiter.backsOffUntil === -Infinity || core.deadlines.now() >= waiter.backsOffUntil)

/** Has an object made for a waiter that could use one, where there is room. */
export const have = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (!wants(core, waiter) || !hasRoom(core)) return
  const creation = new Creation(waiter)
  core.waiters.note(waiter, "creation", creation)
  core.creator!.begin(creation)
}

/** Its owner needs it no more: it counts for the oldest waiter that has nothing made for it, if there is one. */
const bequeath = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  creation.owner = undefined
  for (let waiter = core.waiters.first; waiter !== undefined; waiter = core.waiters.after(waiter)) {
    // one that does not queue does not wait for what was begun for another
    if (!wants(core, waiter) || !waiter.request.queues) continue
    creation.owner = waiter
    return core.waiters.note(waiter, "creation", creation)
  }
}

/** Takes a creation that has ended from its owner. */
export const disown = <A, D>(core: Core<A, D>, creation: Creation<A, D>): Waiter<A, D> | undefined => {
  const waiter = creation.owner
  if (waiter === undefined) return undefined
  creation.owner = undefined
  core.waiters.note(waiter, "creation", undefined)
  return waiter
}

/** 100 millis, doubling to 30 seconds. */
export const backOffFor = (failures: number): number => Math.min(100 * 2 ** (failures - 1), 30_000)

/** A fresh object was refused by the detector. After the third, the waiter has the next one made only after a while. */
export const refused = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  waiter.refused++
  if (waiter.refused < 3) return
  waiter.backsOffUntil = core.deadlines.now() + backOffFor(waiter.refused - 2)
  core.deadlines.set(makeDeadline(() => core.advance(waiter)), waiter.backsOffUntil)
}

// ------------------------------------------------------------------------------------------------------------- ending

const unqueue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.leave(waiter)
  core.deadlines.cancel(waiter)
}

/**
 * The waiter leaves without an object. What is being made for it goes on, and counts for nobody; what is being detected
 * for it is dropped; so is a choice.
 */
export const quit = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  unqueue(core, waiter)
  const { chooser, creation, detection } = waiter
  waiter.chooser = waiter.creation = waiter.detection = undefined
  if (creation !== undefined) creation.owner = undefined
  if (detection !== undefined) core.detector!.drop(detection)
  if (core.choosing === waiter && chooser !== undefined) {
    core.choosing = undefined
    chooser.interruptUnsafe()
    core.consider()
  }
}

export const fail = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, failure: Effect.Effect<never, unknown>): void => {
  if (waiter.lane === undefined) return
  waiter.failure = failure
  quit(core, waiter)
  wake(core, waiter)
}

export const refuse = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, reason: PoolExhausted["reason"]): void => {
  core.totals.exhausted++
  fail(core, waiter, exhausted(core, reason))
}

/** Its deadline has passed. */
export const expire = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const phase: BorrowTimeout["phase"] = waiter.detection !== undefined
    ? "Detecting"
    : waiter.creation !== undefined
    ? waiter.creation.phase
    : "Waiting"
  core.totals.timedOut++
  fail(core, waiter, timedOut(core, waiter, phase))
}

/** Making an object failed: the oldest waiter that had use for one fails with that. `false`: there is none. */
export const failOldest = <A, D>(core: Core<A, D>, cause: Cause.Cause<unknown>): boolean => {
  let waiter = core.waiters.first
  while (waiter !== undefined && waiter.misfit) waiter = core.waiters.after(waiter)
  if (waiter === undefined) return false
  const creation = waiter.creation
  fail(core, waiter, Effect.failCause(cause))
  if (creation !== undefined) bequeath(core, creation)
  return true
}
