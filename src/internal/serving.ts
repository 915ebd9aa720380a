/**
 * What can be done for one waiter: lend, detect, make, or end its wait. Each is one synchronous step.
 *
 * A waiter's outcome is set in the step that decides it, when all the bookkeeping is done; its fiber is resumed in a
 * later task.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PooledObject } from "../PooledObject.ts"
import type { BorrowTimeout, PoolExhausted } from "../PoolError.ts"
import { heed, retire } from "./ageing.ts"
import { type AsyncContext, callIn } from "./asking.ts"
import { type Core, exhausted, hasRoom, lendable, lends, own, timedOut, wake } from "./core.ts"
import { Creation } from "./creation.ts"
import { make as makeDeadline } from "./deadlines.ts"
import { isRefusal } from "./detection.ts"
import { span, tell } from "./events.ts"
import { Hook } from "./hooks.ts"
import { ActiveLease } from "./lease.ts"
import { reserve } from "./lifecycle.ts"
import { watch } from "./overdue.ts"
import { Pace } from "./pacing.ts"
import { Queue } from "./queue.ts"
import type { Entry } from "./registry.ts"
import { resting } from "./rest.ts"
import { cleanUp, hookFailed, prepared } from "./returning.ts"
import type { Request, Waiter } from "./waiters.ts"

// ------------------------------------------------------------------------------------------------------------ lending

/** It was made, and has never been lent. */
export const isFresh = <A, D>(entry: Entry<A, D>): boolean => entry.scope !== undefined && entry.borrowCount === 0

/** Must a borrower have it detected first? */
export const stale = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.detector !== undefined && core.options.trustFor !== undefined &&
  // asked before each borrow, or not at all yet: no clock is read
  (core.options.trustFor === 0 || entry.trustedUntil === undefined || core.deadlines.now() >= entry.trustedUntil)

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
  if (entry.lease === undefined) entry.lease = lease
  else (entry.others ??= new Queue()).add(lease)
  entry.prepared = false
  entry.borrowedAtMillis = now
  entry.borrowCount++
  core.leases++
  if (core.owners !== undefined) own(core, lease, 1)
  core.totals.borrowed++
  if (entry.open++ === 0) core.registry.move(entry, "Borrowed")
  else core.registry.unlist(entry)
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
  else core.offer(entry, true)
}

const waited = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>) => span(core.deadlines.now() - waiter.since)

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
    if (where === undefined || callIn(waiter.context, where, entry.pooled)) return true
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
  if (!entry.prepared) heed(core, entry)
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
  if (core.options.onBorrow !== undefined && entry.open === 0 && !entry.prepared) {
    prepareFor(core, waiter, entry, core.options.onBorrow)
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
  wake(core, waiter)
  observe(core, waiter, lease)
  return true
}

/**
 * Has an object detected for a waiter. When that has ended without serving it, something else is tried: by this
 * function, or by the caller if it ended within the call.
 */
export const detectFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  heed(core, entry)
  if (waiter.lane === undefined || !lendable(core, entry)) return
  let within = true
  const detection = reserve(core, entry, "Available", (outcome) => {
    if (outcome._tag === "Failed") waiter.troubled.lastFailure = outcome.failure
    // another would be made at once, for this waiter or for the minimum
    if (isFresh(entry) && isRefusal(outcome)) {
      refused(core, waiter)
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
}

/** Runs `onBorrow` for a waiter; the object is its own then, unless it has left. */
const prepareFor = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  entry: Entry<A, D>,
  onBorrow: (pooled: PooledObject<A, D>) => unknown
): void => {
  let within = true
  core.registry.move(entry, "Pending")
  const hook = new Hook(core, entry, (failure) => {
    if (waiter.detection === hook) core.waiters.note(waiter, "detection", undefined)
    if (failure !== undefined) {
      core.waiters.claims++
      waiter.troubled.lastFailure = Cause.squash(failure)
      waiter.troubled.spoilt = true
      if (waiter.lane !== undefined) refused(core, waiter)
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
      core.changed()
    }
    if (within) return
    core.consider()
    core.advance(waiter)
  }, waiter.context)
  core.waiters.note(waiter, "detection", hook)
  hook.run(onBorrow)
  within = false
}

/**
 * Is what has been detected or prepared for one waiter due to another, which comes before it, may have it, and has nothing
 * detected or prepared for it any more? That is known without a walk where none has lost that since, or has come.
 */
export const isDue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.claimed === core.waiters.claims || waiter.lane === undefined) return false
  for (let other = core.waiters.first; other !== undefined && other !== waiter;) {
    const next = core.waiters.after(other)
    if (other.detection === undefined && !holdsOff(core, other, entry) && fits(core, other, entry)) return true
    other = core.waiters.onward(next)
  }
  return false
}

/** Would `onBorrow` run for a waiter that has another object prepared for it, or waits a while after three failures? */
export const holdsOff = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  core.options.onBorrow !== undefined && entry.open === 0 && !entry.prepared &&
  (waiter.detection instanceof Hook || (waiter.spoilt && backsOff(core, waiter)))

/** Lends an object to a waiter, by way of a detection where it has to be detected first. */
export const lend = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  if (stale(core, entry)) return detectFor(core, waiter, entry)
  grant(core, waiter, entry)
  lendOn(core, entry)
}

// ------------------------------------------------------------------------------------------------------------- making

/** Could it use one that is made for it? */
export const wants = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  core.creator !== undefined && lends(core) && waiter.lane !== undefined &&
  waiter.creation === undefined && !waiter.misfit && waiter.request.timeout !== 0 && !backsOff(core, waiter)

/** Three objects have been refused: it waits a while before it has another one made or prepared. */
export const backsOff = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.trouble !== undefined && waiter.trouble.backsOffUntil !== -Infinity &&
  core.deadlines.now() < waiter.trouble.backsOffUntil

/** Has an object made for a waiter that could use one, where there is room. */
export const have = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (!wants(core, waiter) || !hasRoom(core)) return
  const creation = new Creation(waiter)
  core.waiters.note(waiter, "creation", creation)
  // unless its tracer has ended the wait
  if (creation.owner !== undefined) begin(core, creation)
}

/** Starts to make an object. */
export const begin = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  if (core.retry.failing) {
    core.retry.attempt = creation
    // where no schedule waits for its end, one that hangs does not keep the next from being made
    if (core.retry.pace === undefined) waitForTurn(core, longestTurn)
  }
  core.creator!.begin(creation)
}

/** Its owner needs it no more: it counts for the oldest waiter that has nothing made for it, if there is one. */
const bequeath = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  // while nothing is lent nobody wants it, but all may want something later
  if (!lends(core)) {
    creation.owner = undefined
    return
  }
  // one that does not queue does not wait for what was begun for another
  const heir = core.waiters.heirs!.first((waiter) => waiter.request.queues && wants(core, waiter))
  creation.owner = heir
  if (heir !== undefined) core.waiters.note(heir, "creation", creation)
}

/** Takes a creation that has ended from its owner. */
export const disown = <A, D>(core: Core<A, D>, creation: Creation<A, D>): Waiter<A, D> | undefined => {
  if (core.retry.attempt === creation) core.retry.attempt = undefined
  const waiter = creation.owner
  if (waiter === undefined) return undefined
  creation.owner = undefined
  core.waiters.note(waiter, "creation", undefined)
  return waiter
}

/** 100 millis, doubling to 30 seconds. */
const backOffFor = (failures: number, most = 30_000): number => Math.min(100 * 2 ** (failures - 1), most)

/** How long one turn of attempts waits at most, where no schedule says so. In milliseconds. */
const longestTurn = 1000

const waitForTurn = <A, D>(core: Core<A, D>, millis: number): void => {
  core.retry.waits = true
  core.deadlines.set(core.retry.next, core.deadlines.now() + millis)
}

/** An attempt has failed that no schedule has tried again: there is one a turn from now on. 100 millis, doubling to a second. */
export const backOff = <A, D>(core: Core<A, D>): void => {
  core.retry.failing = true
  waitForTurn(core, backOffFor(++core.retry.turns, longestTurn))
}

/** The minimum could not be refilled: one step of the back-off for each round of attempts, however many of them fail. */
export const refillFailed = <A, D>(core: Core<A, D>): void => {
  if (core.refill.deadline.index !== -1) return
  core.refill.failures++
  core.deadlines.set(core.refill.deadline, core.deadlines.now() + backOffFor(core.refill.failures))
}

/**
 * A fresh object was refused by the detector. After the third, the waiter has the next one made only after a while: as
 * `creation.retry` says, where that is given and not done yet, else after 100 millis, doubling to 30 seconds.
 */
export const refused = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const trouble = waiter.troubled
  trouble.refused++
  if (trouble.refused < 3) return
  const { retry } = core.options.creation
  const usual = backOffFor(trouble.refused - 2)
  if (retry === undefined) return pause(core, waiter, usual)
  // until the schedule has answered
  trouble.backsOffUntil = Infinity
  trouble.pace ??= new Pace(retry)
  trouble.pace.next(core, trouble.lastFailure, (delay) => pause(core, waiter, delay ?? usual))
}

const pause = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, millis: number): void => {
  if (waiter.lane === undefined) return
  const trouble = waiter.troubled
  trouble.backsOffUntil = core.deadlines.now() + millis
  trouble.backingOff ??= makeDeadline(() => {
    core.waiters.lookAgain(waiter)
    core.consider()
    core.advance(waiter)
  })
  core.deadlines.set(trouble.backingOff, trouble.backsOffUntil)
}

// ------------------------------------------------------------------------------------------------------------- ending

const unqueue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.leave(waiter)
  core.deadlines.cancel(waiter)
  if (waiter.trouble?.backingOff !== undefined) core.deadlines.cancel(waiter.trouble.backingOff)
  // a closing pool may have served the last one
  if (core.life._tag === "Closing" && core.life.serving) core.dispatcher.scheduleTask(core.settled, 0)
}

/**
 * The waiter leaves without an object. What is being made for it goes on, and counts for nobody; what is being detected
 * for it is dropped; so is a choice.
 */
export const quit = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  unqueue(core, waiter)
  const { creation, detection } = waiter
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) creation.owner = undefined
  detection?.drop()
  const { chooser } = core
  if (core.choosing === waiter && chooser !== undefined) {
    core.choosing = core.chooser = undefined
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
  if (core.feed !== undefined) tell(core, { _tag: "WaiterRefused", reason })
  fail(core, waiter, exhausted(core, waiter, reason))
}

/** Its deadline has passed. */
export const expire = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => runOut(core, waiter, waiter.phase)

/** A borrow has taken too long. */
const runOut = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, phase: BorrowTimeout["phase"]): void => {
  core.totals.timedOut++
  if (core.feed !== undefined) tell(core, { _tag: "WaiterTimedOut", waited: waited(core, waiter), phase })
  fail(core, waiter, timedOut(core, waiter, phase))
}

/**
 * Making an object failed: the oldest waiter that had use for one fails with that, or, where it took too long, with
 * `BorrowTimeout`. `false`: there is none.
 */
export const failOldest = <A, D>(core: Core<A, D>, cause: Cause.Cause<unknown> | "late"): boolean => {
  const waiter = core.waiters.fitting!.first(({ misfit }) => !misfit)
  if (waiter === undefined) return false
  const creation = waiter.creation
  if (cause === "late") {
    runOut(core, waiter, "Acquiring")
  } else {
    fail(core, waiter, Effect.failCause(cause))
  }
  if (creation !== undefined) bequeath(core, creation)
  return true
}
