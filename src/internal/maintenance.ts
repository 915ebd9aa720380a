/**
 * What the pool does by itself. Each job is small, and can be asked for at any time: it does what there is to do.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { PoolClosed } from "../PoolError.ts"
import { closed, type Core, fork, hasRoom, report } from "./core.ts"
import { Creation } from "./creation.ts"
import type { Outcome } from "./detection.ts"
import { detectable, join, whenFree } from "./lifecycle.ts"
import type { Entry } from "./registry.ts"
import { backOffFor, disown, failOldest, refused } from "./serving.ts"
import type { Waiter } from "./waiters.ts"

/** Makes what is missing of `size.min`. Failures put it off: 100 millis, doubling to 30 seconds. */
export const refill = <A, D>(core: Core<A, D>): void => {
  // making may end at once, and come back here: the outer loop goes on
  if (core.creator === undefined || core.life._tag !== "Open" || core.refill.running) return
  core.refill.running = true
  while (missing(core) && hasRoom(core) && core.refill.deadline.index === -1) {
    core.creator.begin(new Creation(undefined))
  }
  core.refill.running = false
}

const missing = <A, D>(core: Core<A, D>): boolean =>
  core.registry.size - core.registry.counts.Invalid + core.creator!.making < core.options.min

/** One step for each round of attempts, however many of them fail. */
const refillFailed = <A, D>(core: Core<A, D>): void => {
  if (core.refill.deadline.index !== -1) return
  core.refill.failures++
  core.deadlines.set(core.refill.deadline, core.deadlines.now() + backOffFor(core.refill.failures))
}

/** An object has been made: it joins, and goes to the oldest waiter that may have it. */
export const made = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  object: A,
  data: D,
  scope: Scope.Closeable
): void => {
  if (creation.abandoned) {
    fork(core, Scope.close(scope, Exit.void))
    return
  }
  core.totals.made++
  creation.phase = "Detecting"
  let waiter: Waiter<A, D> | undefined
  join(core, object, data, { scope }, {
    urgent: creation.owner !== undefined,
    // before it is offered: if it serves another waiter, what is made for that one is made for this one then
    settling: () => {
      waiter = disown(core, creation)
    },
    ended: (entry, outcome) => arrived(core, creation, waiter, entry, outcome)
  })
}

/** What was made has been detected, and has gone to whoever may have it: it may have been another. */
const arrived = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  waiter: Waiter<A, D> | undefined,
  entry: Entry<A, D>,
  outcome: Outcome | undefined
): void => {
  const usable = entry.status === "Available" || entry.status === "Borrowed"
  if (usable) core.refill.failures = 0
  else if (waiter === undefined && entry.status === "Invalid") refillFailed(core)
  if (waiter?.lane === undefined) return
  if (outcome?._tag === "Failed") waiter.lastFailure = outcome.failure
  // one that inherited it has nothing to conclude from what it made
  if (waiter === creation.begunFor) {
    if (!usable) refused(core, waiter)
    if (!waiter.request.queues || (usable && waiter.request.where !== undefined)) waiter.misfit = true
  }
  core.advance(waiter)
}

/** Making an object has failed, and its room is free: the next waiter gets the next attempt. */
export const failed = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  if (creation.abandoned) return
  if (core.life._tag !== "Open") return core.settled()
  const waiter = disown(core, creation)
  // an `acquire` that interrupts itself has not interrupted its borrower
  const failure = Cause.hasInterruptsOnly(cause) ? Cause.die(Cause.squash(cause)) : cause
  if (!failOldest(core, failure)) {
    refillFailed(core)
    report(core, "Making an object failed, and nobody was waiting for it", { cause: failure })
  }
  // one that does not queue leaves; the others are given the next attempt in turn
  if (waiter !== undefined && !waiter.request.queues) {
    waiter.misfit = true
    core.advance(waiter)
  }
  core.roomFreed()
}

/** A line in the log for an object whose destruction did not end well. */
export const destroyFailed = <A, D>(core: Core<A, D>, entry: Entry<A, D>, cause: Cause.Cause<unknown>): void =>
  report(core, "Destroying an object failed", { cause, entry })

/** Detects every object that is not lent and does not rest until a known time. Each waits for its turn. */
export const detectAll = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.suspend(() => {
    if (core.life._tag !== "Open") return closed(core)
    const { concurrency } = core.options
    const all = Effect.forEach([...core.registry.entries], (entry) => detectOne(core, entry), {
      concurrency,
      discard: true
    })
    return Effect.flatMap(all, () => core.life._tag === "Open" ? Effect.void : closed(core))
  })

const detectOne = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (core.detector === undefined || detectable(core, entry) === undefined) return resume(Effect.void)
    const { detector } = core
    const detection = whenFree(core, entry, () => resume(Effect.void))
    detector.start(detection, false)
    return Effect.sync(() => detector.drop(detection))
  })
