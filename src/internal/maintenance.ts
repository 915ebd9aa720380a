/**
 * What the pool does by itself. Each job is small, and can be asked for at any time: it does what there is to do.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { PoolClosed } from "../PoolError.ts"
import { fitIn } from "./ageing.ts"
import { catchUp, closed, type Core, fork, hasRoom, report, soon, stays, suspended } from "./core.ts"
import { Creation } from "./creation.ts"
import { isRefusal, type Outcome } from "./detection.ts"
import { span, tell } from "./events.ts"
import { detectable, introduce, join, whenFree } from "./lifecycle.ts"
import { Pace } from "./pacing.ts"
import type { Entry } from "./registry.ts"
import { backOff, begin, disown, fail, failOldest, refillFailed, refused } from "./serving.ts"
import { Turn } from "./turn.ts"
import type { Waiter } from "./waiters.ts"

// ------------------------------------------------------------------------------------------------------------- making

/**
 * Makes what is missing of `size.min`: so many at once, the others soon. Failures put it off: 100 millis, doubling to 30
 * seconds.
 */
export const refill = <A, D>(core: Core<A, D>): void => {
  // making may end at once, and come back here: the outer loop goes on
  if (core.creator === undefined || core.refill.running || !wanting(core)) return
  core.refill.running = true
  const turn = new Turn(core.deadlines)
  // what is made may serve somebody who closes the pool at once
  while (wanting(core) && hasRoom(core) && core.refill.deadline.index === -1) {
    begin(core, new Creation(undefined))
    if (!turn.over) continue
    return soon(core, () => {
      core.refill.running = false
      refill(core)
    })
  }
  core.refill.running = false
}

/** Is anything missing of the minimum, in a pool that keeps one? */
const wanting = <A, D>(core: Core<A, D>): boolean =>
  core.life._tag === "Open" &&
  core.registry.size - core.registry.counts.Invalid - core.registry.retired + core.creator!.promising <
    core.size.min

/** An object has been made: it joins, and goes to the oldest waiter that may have it. */
export const made = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  object: A,
  data: D,
  scope: Scope.Closeable
): void => {
  if (creation.abandoned) return destroyStray(core, Scope.close(scope, Exit.void))
  core.totals.made++
  recovered(core)
  core.deadlines.cancel(core.retry.next)
  creation.phase = "Detecting"
  let waiter: Waiter<A, D> | undefined
  const entry = join(core, object, data, { scope })
  if (core.feed !== undefined || core.timings !== undefined) acquired(core, creation, entry)
  // `rotate` was called while it was being made
  if (creation.old) {
    entry.why = "Rotated"
    core.registry.retire(entry)
  }
  introduce(core, entry, {
    urgent: creation.owner !== undefined,
    // before it is offered: if it serves another waiter, what is made for that one is made for this one then
    settling: () => {
      waiter = disown(core, creation)
      // one that inherited it has nothing to conclude from what it made
      if (waiter !== undefined && waiter === creation.begunFor) waiter.made = entry
    },
    ended: (entry, outcome) => arrived(core, creation, waiter, entry, outcome)
  })
  if (entry.status !== "Pending") return
  // its turn is over, though its first detection goes on
  creation.owner?.trace?.enter(creation.owner.phase)
  core.roomFreed()
}

const acquired = <A, D>(core: Core<A, D>, creation: Creation<A, D>, entry: Entry<A, D>): void => {
  const millis = core.deadlines.now() - creation.began
  core.timings?.create.add(millis)
  if (core.feed !== undefined) tell(core, { _tag: "Acquired", objectId: entry.id, took: span(millis) })
}

/** What was made has been detected, and has gone to whoever may have it: it may have been another. */
const arrived = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  waiter: Waiter<A, D> | undefined,
  entry: Entry<A, D>,
  outcome: Outcome | undefined
): void => {
  // `onBorrow` may be running for it already
  const usable = entry.status === "Available" || entry.status === "Borrowed" || entry.hook !== undefined
  const refusal = isRefusal(outcome)
  if (usable) core.refill.failures = 0
  else if (waiter === undefined && refusal && entry.status === "Invalid") refillFailed(core)
  if (waiter?.lane !== undefined) {
    if (outcome?._tag === "Failed") waiter.troubled.lastFailure = outcome.failure
    if (waiter === creation.begunFor) {
      if (refusal) refused(core, waiter)
      if (!waiter.request.queues) waiter.misfit = true
    }
    core.advance(waiter)
  }
  fitIn(core, entry)
  // a success lets the others be tried
  core.roomFreed()
}

/** Making an object has failed, and its room is free. */
export const failed = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  // a closing pool has ended it
  if (creation.interrupted) ended(core, creation, cause)
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
    // before anybody is told. Those that were in flight when the first failed cause no other turn; nor does the minimum
    if (failing ? attempt === creation : creation.begunFor !== undefined) backOff(core)
    if (stays(core)) giveUp(core, failure)
  }
  notReady(core, failure)
  if (waiter?.lane !== undefined) {
    waiter.troubled.lastFailure = Cause.squash(failure)
    leaveUnlessQueued(core, waiter, core.retry.waits ? failure : undefined)
  }
  core.roomFreed()
}

/** Making an object takes too long: it is interrupted, but its room is free only when it has ended. */
export const late = <A, D>(core: Core<A, D>, creation: Creation<A, D>): void => {
  const waiter = disown(core, creation)
  acquireFailed(core, creation, tookTooLong)
  if (stays(core)) giveUp(core, "late")
  notReady(core, tookTooLong)
  if (waiter !== undefined) leaveUnlessQueued(core, waiter, undefined)
  // not its own room: but the turn of the next attempt has come, and who watches need not wait for this one
  core.roomFreed()
}

const acquireFailed = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  if (core.feed === undefined) return
  const took = span(core.deadlines.now() - creation.began)
  tell(core, { _tag: "AcquireFailed", took, failure: Cause.squash(cause) })
}

/** What was late, or was given up, has ended, and what it had acquired has been released. */
export const lateEnded = <A, D>(
  core: Core<A, D>,
  creation: Creation<A, D>,
  exit: Exit.Exit<unknown, unknown>
): void => {
  ended(core, creation, Exit.isFailure(exit) ? exit.cause : Cause.empty)
  if (!creation.abandoned && !creation.givenUp) core.roomFreed()
}

/** Nobody has waited for how a creation ends: what it had acquired is counted, and what went wrong is told. */
const ended = <A, D>(core: Core<A, D>, creation: Creation<A, D>, cause: Cause.Cause<unknown>): void => {
  const failure = Exit.isFailure(creation.released) ? creation.released.cause : undefined
  if (creation.givenUp) {
    const after = "Destroying what was made too late, or in part, failed after it had been given up"
    return failure === undefined ? undefined : report(core, after, { cause: failure })
  }
  if (creation.acquired) {
    strayed(core, core.deadlines.now() - creation.began, failure, creation.late ? "Late" : "Closed")
  }
  // an interruption is how it was to end
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
  core.roomFreed()
}

/**
 * What was made when nobody waited for it any more has been destroyed, or could not be. It never was in the pool: it is
 * counted, and its life is told, when that is over.
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

/** Destroys what was made when nobody waited for it any more, and no creation did either. */
export const destroyStray = <A, D>(core: Core<A, D>, destroy: Effect.Effect<unknown>, took = 0): void => {
  fork(core, destroy).addObserver((exit) => strayed(core, took, Exit.isFailure(exit) ? exit.cause : undefined, "Late"))
}

/** One that does not queue leaves with its own failure; the others are given the next attempt in turn. */
const leaveUnlessQueued = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  failure: Cause.Cause<unknown> | undefined
): void => {
  if (waiter.request.queues) return
  waiter.misfit = true
  if (failure !== undefined) fail(core, waiter, Effect.failCause(failure))
  core.advance(waiter)
}

/** One attempt has failed for good: that is for the oldest waiter; without one, for the minimum. */
const giveUp = <A, D>(core: Core<A, D>, cause: Cause.Cause<unknown> | "late"): void => {
  if (failOldest(core, cause)) return
  refillFailed(core)
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

/** The shared schedule says when there is another attempt. Others that fail meanwhile cause no other step of it. */
const retryLater = <A, D>(core: Core<A, D>, pace: Pace, error: unknown, failure: Cause.Cause<unknown>): void => {
  if (core.retry.waits) return
  core.retry.failing = core.retry.waits = true
  pace.next(core, error, (delay) => {
    // another attempt has succeeded meanwhile
    if (!core.retry.waits) return
    if (delay === undefined) {
      recovered(core)
      if (stays(core)) giveUp(core, failure)
      return core.roomFreed()
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
  core.roomFreed()
}

// ---------------------------------------------------------------------------------------------------------- detecting

/** Detects every object that is not lent and does not rest until a known time. Each waits for its turn. */
export const detectAll = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.suspend(() => {
    if (core.life._tag !== "Open") return closed(core)
    catchUp(core, true)
    const { concurrency } = core.options
    const all = Effect.forEach([...core.registry.entries], (entry) => detectOne(core, entry), {
      concurrency,
      discard: true
    })
    return Effect.flatMap(all, () => core.life._tag === "Open" ? Effect.void : closed(core))
  })

const detectOne = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Effect.Effect<void> =>
  suspended(core, (resume) => {
    let ended = false
    const end = () => {
      ended = true
      core.onClosed.delete(end)
      resume(Effect.void)
    }
    const giveUp = seeTo(core, entry, end)
    if (ended) return
    // closing gives up a detector that does not end
    core.onClosed.add(end)
    return Effect.sync(() => {
      core.onClosed.delete(end)
      giveUp()
    })
  })

/**
 * Has an object detected, by whoever is at it already; `ended` at once where there is nothing to ask. A detection that is
 * dropped has answered nobody: then it is asked anew. What is returned says that nobody wants the answer any more.
 *
 * This comes to an end. What is dropped although it is wanted belongs to an object that leaves, or has been lent; or to a
 * pool that does not keep its objects.
 */
const seeTo = <A, D>(core: Core<A, D>, entry: Entry<A, D>, ended: () => void): () => void => {
  let unwanted = false
  let giveUp: () => void
  const told = (outcome: Outcome): void => {
    if (unwanted) return
    if (outcome._tag === "Dropped") ask()
    else ended()
  }
  const ask = (): void => {
    const { detector } = core
    if (detector === undefined || !stays(core)) return ended()
    if (entry.detection !== undefined) {
      giveUp = entry.detection.follow(told)
      return
    }
    if (detectable(core, entry) === undefined) return ended()
    const detection = whenFree(core, entry, told)
    giveUp = () => detection.drop()
    detector.start(detection, false)
  }
  ask()
  return () => {
    unwanted = true
    giveUp()
  }
}

/** Detects every free object once in a while, spread over the time that a pass takes. */
export const watch = <A, D>(core: Core<A, D>, every: number | Schedule.Schedule<unknown>): Effect.Effect<void> => {
  // what has not had its turn since the last pass is not asked twice
  const asked = new Set<Entry<A, D>>()
  if (typeof every === "number") return Effect.forever(pass(core, every, asked), { disableYield: true })
  const pace = new Pace(every)
  const next: Effect.Effect<void> = Effect.callback((resume) =>
    pace.next(core, undefined, (delay) => {
      resume(delay === undefined ? Effect.void : Effect.andThen(pass(core, delay, asked), next))
    })
  )
  return next
}

/** In how many steps a pass is spread. */
const steps = 100

const pass = <A, D>(core: Core<A, D>, millis: number, asked: Set<Entry<A, D>>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const entries = [...core.registry.entries]
    const slices = Math.max(1, Math.min(entries.length, steps))
    const rest = core.clock.sleep(Duration.millis(millis / slices))
    return Effect.forEach(
      Array.from({ length: slices }, (_, i) => i),
      (i) =>
        Effect.andThen(rest, () => {
          const end = Math.floor((i + 1) * entries.length / slices)
          for (let j = Math.floor(i * entries.length / slices); j < end; j++) askInTurn(core, entries[j]!, asked)
          return Effect.void
        }),
      { discard: true }
    )
  })

const askInTurn = <A, D>(core: Core<A, D>, entry: Entry<A, D>, asked: Set<Entry<A, D>>): void => {
  if (asked.has(entry)) return
  asked.add(entry)
  seeTo(core, entry, () => asked.delete(entry))
}
