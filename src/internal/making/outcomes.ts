/**
 * What follows when an object has been made, could not be, or was too late.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { isRefusal, type Outcome } from "../object/detector.ts"
import { introduce, join, type Prepared } from "../object/joining.ts"
import { fitIn } from "../object/replacing.ts"
import { type Core, fork, stays } from "../state/core.ts"
import { type Entry, isSpoilt } from "../state/entry.ts"
import { lookAt, onceOffered, roomFreed } from "../state/notes.ts"
import type { Pace } from "../state/pace.ts"
import type { Waiter } from "../state/waiters.ts"
import { span } from "../structures/times.ts"
import { fail } from "../waiting/outcome.ts"
import { backOff, noteRefusal, refillFailed } from "../waiting/patience.ts"
import { tell } from "../watching/events.ts"
import { report } from "../watching/log.ts"
import type { Creation } from "./creator.ts"
import { disown, failOldest } from "./making.ts"

/** An object has been made: it joins, and goes to the oldest waiter that may have it. */
export const made = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  object: A,
  prepared: Prepared<D>,
  scope: Scope.Closeable
): void => {
  if (creation.abandoned) return destroyStray(core, Scope.close(scope, Exit.void))
  core.totals.made++
  recovered(core)
  core.deadlines.cancel(core.retry.next)
  creation.phase = "Detecting"
  let waiter: Waiter<A, D> | undefined
  const entry = join(core, object, prepared, { scope })
  creation.link?.join(core, entry)
  const took = core.deadlines.now() - creation.began
  core.creations.add(took)
  if (core.feed !== undefined) tell(core, { _tag: "Acquired", objectId: entry.id, took: span(took) })
  // `rotate` was called while it was being made
  if (creation.old) {
    entry.why ??= "Rotated"
    core.registry.retire(entry)
  }
  introduce(core, entry, {
    urgent: creation.owner !== undefined,
    // before the object is offered: if it serves another waiter, this one inherits the creation of that one
    settling: () => {
      waiter = disown(core, creation)
      // a waiter that inherited the creation concludes nothing from the object
      if (waiter !== undefined && waiter === creation.begunFor) waiter.made = entry
    },
    ended: (entry, outcome) => onceOffered(core, entry, () => arrived(core, creation, waiter, entry, outcome))
  })
  if (entry.status !== "Pending") return
  // `acquire` has ended, and with it its turn, though the first detection of the object goes on
  creation.owner?.trace?.enter(creation.owner.phase)
  roomFreed(core)
}

/** A made object has been detected, and has gone to whoever may have it: perhaps not to the waiter that it was made for. */
const arrived = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  waiter: Waiter<A, D> | undefined,
  entry: Entry<A, D>,
  outcome: Outcome | undefined
): void => {
  // `onBorrow` may be running for the object already
  const usable = entry.status === "Available" || entry.status === "Borrowed" || entry.hook !== undefined
  const refused = isRefusal(outcome) || isSpoilt(entry)
  if (usable) core.refill.failures = 0
  else if (waiter === undefined && refused && entry.status === "Invalid") refillFailed(core)
  if (waiter?.lane !== undefined) {
    learn(core, creation, waiter, outcome, refused)
    lookAt(core, waiter)
  }
  if (core.crowded) fitIn(core, entry)
  // after a success, other attempts may begin
  roomFreed(core)
}

/** A waiter has not been served by what was made for it: it remembers that, and why, where that was begun for it. */
const learn = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  waiter: Waiter<A, D>,
  outcome: Outcome | undefined,
  refused: boolean
): void => {
  if (outcome?._tag === "Failed") waiter.troubled.lastFailure = outcome.failure
  // a waiter that inherited the creation has nothing to conclude from what it made
  if (waiter !== creation.begunFor) return
  if (refused) noteRefusal(core, waiter)
  if (!waiter.request.queues) waiter.misfit = true
}

/** Making an object has failed, and its room is free. */
export const failed = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  // a closing pool has interrupted the creation
  if (creation.interrupted) creationEnded(core, creation, cause)
  if (creation.abandoned) return
  const { attempt, failing } = core.retry
  const waiter = disown(core, creation)
  // an `acquire` that interrupts itself has not interrupted its borrower
  const failure = Cause.hasInterruptsOnly(cause) ? Cause.die(Cause.squash(cause)) : cause
  acquireFailed(core, creation, failure)
  const error = Cause.findErrorOption(failure)
  const retried = core.retry.pace !== undefined && Option.isSome(error)
  core.retry.failure = Cause.squash(failure)
  if (retried) retryLater(core, core.retry.pace!, error.value, failure)
  else {
    // before anybody is told. Attempts that were under way when the first failed cause no other turn; nor does the minimum
    if (failing ? attempt === creation : creation.begunFor !== undefined) backOff(core)
    if (stays(core)) giveUp(core, failure, waiter)
  }
  notReady(core, failure)
  if (waiter?.lane !== undefined) {
    waiter.troubled.lastFailure = Cause.squash(failure)
    leaveUnlessQueued(core, waiter, core.retry.waits ? failure : undefined)
  }
  roomFreed(core)
}

/** Making an object takes too long: it is interrupted, but its room is free only when it has ended. */
export const late = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  const waiter = disown(core, creation)
  acquireFailed(core, creation, tookTooLong)
  if (stays(core)) giveUp(core, "late", waiter)
  notReady(core, tookTooLong)
  if (waiter !== undefined) leaveUnlessQueued(core, waiter, undefined)
  // the room is not free yet: but the next attempt may have its turn, and watchers need not wait for this creation
  roomFreed(core)
}

const acquireFailed = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  if (core.feed === undefined) return
  const took = span(core.deadlines.now() - creation.began)
  tell(core, { _tag: "AcquireFailed", took, failure: Cause.squash(cause) })
}

/** A creation that was late, or was given up, has ended, and what it had acquired has been released. */
export const lateEnded = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  exit: Exit.Exit<unknown, unknown>
): void => {
  creationEnded(core, creation, Exit.isFailure(exit) ? exit.cause : Cause.empty)
  if (!creation.abandoned && !creation.givenUp) roomFreed(core)
}

/** A creation has ended for which nobody waited: what it had acquired is counted, and a failure is reported. */
const creationEnded = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  const failure = Exit.isFailure(creation.released) ? creation.released.cause : undefined
  if (creation.givenUp) {
    const after = "Destroying what was made too late, or in part, failed after it had been given up"
    return failure === undefined ? undefined : report(core, after, { cause: failure })
  }
  if (creation.acquired) {
    strayed(core, core.deadlines.now() - creation.began, failure, creation.late ? "Late" : "Closed")
  }
  // the creation was to end by an interruption: only a defect is news
  if (failure === undefined && Cause.hasDies(cause)) {
    report(core, "Making an object failed when nobody waited for it any more", { cause })
  }
}

const tooLong = "Destroying what was made too late, or in part, took longer than hookTimeout, and was given up"

/** What was made too late, or only in part, does not end: its room is free, whatever becomes of it. */
export const gaveUp = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  const failure = Cause.die(new Cause.TimeoutError(tooLong))
  if (creation.acquired && (creation.late || creation.interrupted)) {
    strayed(core, core.deadlines.now() - creation.began, failure, creation.late ? "Late" : "Closed")
  } else {
    report(core, tooLong)
  }
  roomFreed(core)
}

/**
 * An object that was made when nobody waited for it any more has been destroyed, or could not be. The object never was in
 * the pool: it is counted, and the events of its life are published, when that is over.
 */
const strayed = <A, D>(
  core: Core<A, D>,
  took: number,
  failure: Cause.Cause<unknown> | undefined,
  reason: "Late" | "Closed"
): void => {
  core.totals.made++
  core.totals.destroyed++
  if (failure !== undefined) {
    report(core, "Destroying an object failed, which was made when nobody waited for it any more", { cause: failure })
  }
  if (core.feed === undefined || core.life._tag === "Closed") return
  const objectId = core.registry.nextId()
  tell(core, { _tag: "Acquired", objectId, took: span(took) })
  tell(core, { _tag: "StatusChanged", objectId, transition: "Pending -> Invalid" })
  tell(core, { _tag: "Evicted", objectId, reason })
  if (failure === undefined) tell(core, { _tag: "Destroyed", objectId })
  else tell(core, { _tag: "DestroyFailed", objectId, failure: Cause.squash(failure) })
}

/** Destroys an object that was made when nobody waited for it any more, nor did its creation. */
export const destroyStray = <A, D>(core: Core<A, D>, destroy: Effect.Effect<unknown>, took = 0): void => {
  fork(core, destroy).addObserver((exit) => strayed(core, took, Exit.isFailure(exit) ? exit.cause : undefined, "Late"))
}

/** A waiter that does not queue leaves with the failure of its own attempt; others are given the next attempt in turn. */
const leaveUnlessQueued = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  failure: Cause.Cause<unknown> | undefined
): void => {
  if (waiter.request.queues) return
  waiter.misfit = true
  if (failure !== undefined) fail(core, waiter, Effect.failCause(failure))
  lookAt(core, waiter)
}

/** One attempt has failed for good: that is for the oldest waiter; without one, for the minimum. */
const giveUp = <A, D>(core: Core<A, D>, cause: Cause.Cause<unknown> | "late", owner?: Waiter<A, D>): void => {
  if (failOldest(core, cause, owner)) return
  refillFailed(core)
  // whoever waits in `ready` is told of it
  for (const { failed } of core.watchers) if (failed !== undefined) return
  report(core, "Making an object failed, and nobody was waiting for it", {
    cause: cause === "late" ? tookTooLong : cause
  })
}

const tookTooLong = Cause.die(new Cause.TimeoutError("Making an object took longer than creation.timeout"))

/** Those who wait for the minimum are told of a failure as soon as no attempt is under way, whatever is retried later. */
const notReady = <A, D>(core: Core<A, D>, failure: Cause.Cause<unknown>): void => {
  if (core.creator!.promising > 0) return
  for (const watcher of [...core.watchers]) watcher.failed?.(failure)
}

/** The pool's schedule says when there is another attempt. Attempts that fail meanwhile cause no other step of it. */
const retryLater = <A, D>(core: Core<A, D>, pace: Pace, error: unknown, failure: Cause.Cause<unknown>): void => {
  if (core.retry.waits) return
  core.retry.failing = core.retry.waits = true
  pace.next(core, error, (delay) => {
    // another attempt has succeeded meanwhile
    if (!core.retry.waits) return
    if (delay === undefined) {
      recovered(core)
      if (stays(core)) giveUp(core, failure)
      return roomFreed(core)
    }
    core.deadlines.set(core.retry.next, core.deadlines.now() + delay)
  })
}

/** The next attempts need not wait for their turn. */
const recovered = <A, D>({ retry }: Core<A, D>): void => {
  retry.pace?.reset()
  retry.failing = retry.waits = false
  retry.turns = 0
}

/** The turn of the next attempt has come. */
export const retry = <A, D>(core: Core<A, D>): void => {
  core.retry.waits = false
  core.retry.attempt = undefined
  roomFreed(core)
}
