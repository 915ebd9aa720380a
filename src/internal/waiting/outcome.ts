/**
 * The end of a wait: a lease, a failure, or an interruption.
 *
 * The outcome of a waiter is set in the step that decides it, when all the bookkeeping is done; its fiber is resumed in a
 * later task.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { BorrowTimeout, PoolExhausted } from "../../PoolError.ts"
import { ActiveLease, end } from "../lease/lease.ts"
import { type Core, population } from "../state/core.ts"
import { classOf, closed, exhausted, timedOut } from "../state/failures.ts"
import { admits, askSelector, settled } from "../state/notes.ts"
import { type Request, Waiter } from "../state/waiters.ts"
import { slice } from "../structures/deadlines.ts"
import { span } from "../structures/times.ts"
import { tell } from "../watching/events.ts"
import { letGo } from "./aside.ts"
import { restsFor } from "./rests.ts"

/** How many more waiters are resumed in one task, whose outcome was decided by those who were resumed before. */
const mostInChain = 256

/** Resumes waiters in a task of their own, in order: never within the step that decided their outcome. */
const wakeSoon = <A, D>(core: Core<A, D>, waiter: Suspended<A, D>): void => {
  // the waiter is in the list already, with an outcome that was taken back before it was resumed
  if (waiter.awake) return
  waiter.awake = true
  core.awake.push(waiter)
  if (core.waking) return
  core.waking = true
  core.dispatcher.scheduleTask(() => resumeAwake(core), 0)
}

/**
 * Resumes fibers whose waiters have an outcome. One of them may give back at once the object that the next waits for, which is
 * resumed in the same task. Since each fiber may run on to its end, this stops in between for others to get their turn.
 */
const resumeAwake = <A, D>(core: Core<A, D>): void => {
  const { awake } = core
  const most = awake.length + mostInChain
  let begun = 0
  let next = 0
  while (next < awake.length && next < most) {
    const waiter = awake[next++]!
    waiter.awake = false
    // a waiter that was interrupted since has nothing to resume, and one that waits again has no outcome
    if (waiter.resume !== undefined && waiter.lane === undefined) {
      try {
        waiter.deliver(waiter.resume)
      } catch (defect) {
        core.threw(defect)
      }
    }
    if (next % 16 !== 0) continue
    // where few waiters are resumed, no clock is read
    const now = core.deadlines.now()
    if (begun === 0) begun = now
    else if (now - begun >= slice) break
  }
  awake.splice(0, next)
  core.waking = awake.length > 0
  if (core.waking) core.dispatcher.scheduleTask(() => resumeAwake(core), 0)
}

/** What a wait has ended with: a lease, or the failure that its borrower goes on with. */
export const outcomeOf = <A, D>(waiter: Waiter<A, D>): ActiveLease<A, D> | Effect.Effect<never, unknown> => {
  const { lease } = waiter
  waiter.forget()
  if (lease === undefined) return waiter.failure!
  lease.holder = undefined
  // the pool was closed before the borrower was resumed with its lease: it has waited in vain
  return lease.over === "Closed" ? closed(waiter.core, waiter) : lease
}

export const waited = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>) => span(core.deadlines.now() - waiter.since)

export const unqueue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.leave(waiter)
  if (waiter.paid > 0) core.classes!.unbind(waiter)
  core.deadlines.cancel(waiter)
  if (waiter.trouble?.backingOff !== undefined) core.deadlines.cancel(waiter.trouble.backingOff)
  if (core.place !== undefined) core.place.left(waiter)
  // a closing pool may have served its last waiter
  if (core.life._tag === "Closing" && core.life.serving) core.dispatcher.scheduleTask(() => settled(core), 0)
}

/**
 * The waiter leaves without an object. Its creation goes on, and counts for nobody; its detection is dropped; so is a
 * choice of the user's selector.
 */
const quit = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  unqueue(core, waiter)
  const { creation, detection } = waiter
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) {
    creation.owner = undefined
    core.place?.forgo(creation)
  }
  detection?.drop()
  letGo(core, waiter)
  const { chooser } = core
  if (core.choosing === waiter && chooser !== undefined) {
    core.choosing = core.chooser = undefined
    chooser.interruptUnsafe()
    askSelector(core)
  }
  // what was under way for the waiter counted for its class
  if (core.classes !== undefined) admits(core)
}

export const fail = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, failure: Effect.Effect<never, unknown>): void => {
  if (waiter.lane === undefined) return
  waiter.failure = failure
  quit(core, waiter)
  resumeSoon(waiter)
}

/** `retryAfter`: in how many milliseconds the waiter could be served, where that is known. */
export const refuse = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  reason: PoolExhausted["reason"],
  retryAfter?: number
): void => {
  core.totals.exhausted++
  if (core.classes !== undefined) core.classes.of(waiter.request).account.exhausted++
  core.tallies.refusals[reason]++
  if (core.feed !== undefined) tell(core, { _tag: "WaiterRefused", reason, ...classOf(core, waiter) })
  fail(core, waiter, exhausted(core, waiter, reason, retryAfter))
}

/** A waiter whose wait ends by its deadline, or as its borrower gives up, if nothing else has ended it. */
export abstract class Waiting<A, D> extends Waiter<A, D> {
  fire(): void {
    timeOut(this.core, this)
  }
  leave(): Effect.Effect<void> {
    return withdraw(this.core, this)
  }
}

/** The waiter of a fiber that is suspended. */
export class Suspended<A, D> extends Waiting<A, D> {
  /** Ties the lease to `holder`, which gives it back, in the step that resumes the fiber; that goes on with the answer. */
  readonly accept: (lease: ActiveLease<A, D>, holder: unknown) => Effect.Effect<unknown, unknown>
  readonly holder: unknown
  /** The waiter has an outcome, and a task that resumes its fiber is scheduled. */
  awake = false

  constructor(
    core: Core<A, D>,
    request: Request<A, D>,
    fiber: Fiber.Fiber<unknown, unknown>,
    accept: (lease: ActiveLease<A, D>, holder: unknown) => Effect.Effect<unknown, unknown>,
    holder: unknown
  ) {
    super(core, request, fiber)
    this.accept = accept
    this.holder = holder
  }
  resumeSoon(): void {
    wakeSoon(this.core, this)
  }
  /** Hands the fiber the outcome. */
  deliver(resume: NonNullable<Waiter<A, D>["resume"]>): void {
    const outcome = outcomeOf(this)
    resume(outcome instanceof ActiveLease ? this.accept(outcome, this.holder) : outcome)
  }
}

/** A borrower that is not suspended yet sees the outcome when the step ends. */
export const resumeSoon = <A, D>(waiter: Waiter<A, D>): void => {
  if (waiter.resume !== undefined) waiter.resumeSoon()
}

/** The waiter's deadline has passed. */
export const timeOut = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void =>
  runOut(core, waiter, waiter.phase === "Waiting" && lacksObjects(core) ? "Acquiring" : waiter.phase)

/** Is it for objects that could not be made that nobody is served: in an outage, or while one that is given up ends? */
const lacksObjects = <A, D>(core: Core<A, D>): boolean =>
  core.creator !== undefined &&
  ((core.retry.failing && population(core) < core.size.max) || (core.creator.making > 0 && core.registry.size === 0))

/** A borrow has taken too long. */
export const runOut = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, phase: BorrowTimeout["phase"]): void => {
  core.totals.timedOut++
  if (core.classes !== undefined) core.classes.of(waiter.request).account.timedOut++
  if (core.feed !== undefined) {
    tell(core, { _tag: "WaiterTimedOut", waited: waited(core, waiter), phase, ...classOf(core, waiter) })
  }
  const rests = restsFor(core, waiter)
  // a `where` of the user's may have ended the wait
  if (waiter.lane !== undefined) fail(core, waiter, timedOut(core, waiter, phase, rests))
}

/** The borrower has given up: in the queue, or after the grant of a lease that it has not been resumed with. */
const withdraw = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): Effect.Effect<void> => {
  waiter.resume = undefined
  if (waiter.lane !== undefined) quit(core, waiter)
  waiter.forget()
  letGo(core, waiter)
  const { lease } = waiter
  // the work that goes on under the lease gives it back
  if (lease === undefined || (lease.holder !== undefined && lease.holder !== waiter)) return Effect.void
  return end(lease, Exit.void, false) ?? Effect.void
}
