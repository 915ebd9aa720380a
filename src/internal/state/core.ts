/**
 * The state of one pool, and what every part of it needs.
 *
 * A state change is one synchronous step; JavaScript runs one at a time, so there is no lock. Effects begin where a step
 * ends: the user's code runs in fibers of the pool, whose ends call back into a new step.
 *
 * Within a step the user's code runs as well: `where`, a weight, `leaseTimeout`, a hook, the first steps of `acquire`, also
 * a clock, a random source, a tracer or a logger of the user's. It may use the pool, and it may interrupt who waits: that
 * fiber takes its leave before the call returns. So the books come first: what belongs together is written in one stretch
 * in which nothing of the user's is called, and each stretch ends with books that are right. A grant is one: the object is
 * lent, its lease is its borrower's, and that waits no more, before anybody is told, anything is listed, or replaced. What
 * was known before such a call is looked at again after it.
 *
 * Invariants, at the end of every step:
 * - For each listed object and each waiter that may have it, something is being detected or chosen for that waiter.
 *   So a newcomer may take what is listed without asking the queue.
 * - `size + making <= max`.
 * - `leases` is the number of open leases, and `owners`, where there are any, says how many each borrower has.
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import type { PoolStats } from "../../PoolError.ts"
import type { Creation, Creator } from "../making/creator.ts"
import type { Destroyer } from "../object/destroyer.ts"
import type { Detector } from "../object/detector.ts"
import type { Dozing } from "../object/dozing.ts"
import { type AsyncContext, callIn, start } from "../structures/asking.ts"
import type { Deadline, Deadlines, Moments } from "../structures/deadlines.ts"
import type { Feed } from "../watching/events.ts"
import type { Timings } from "../watching/timings.ts"
import type { Entry } from "./entry.ts"
import type { Owners } from "./owners.ts"
import type { Pace } from "./pace.ts"
import type { Registry } from "./registry.ts"
import type { Resolved } from "./settings.ts"
import type { Waiter, Waiters } from "./waiters.ts"

/** The life of the pool itself. */
type Life =
  | { readonly _tag: "Open" }
  | {
    readonly _tag: "Closing"
    /** Those who wait are served first; nobody may join them. */
    serving: boolean
    givingUp: boolean
    /** What is being done, and what is to be done then. */
    readonly jobs: Array<Iterator<() => void>>
  }
  | { readonly _tag: "Closed" }

/** Somebody who waits for a state of the whole pool. */
export interface Watcher {
  /** Has it come? Then this resumes who waits, and answers `true`. */
  readonly look: () => boolean
  /** An attempt to make an object has failed, and none is under way. */
  readonly failed: ((cause: Cause.Cause<unknown>) => void) | undefined
  readonly closed: () => void
}

export interface Core<A, D> {
  readonly options: Resolved<A, D>
  readonly context: Context.Context<never>
  /** The asynchronous context of its builder, where the runtime has such. */
  readonly home: AsyncContext | undefined
  /** Runs an effect with the context of the pool: see {@link fork}. */
  readonly run: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  readonly clock: Clock.Clock
  readonly random: (typeof Random.Random)["Service"]
  readonly dispatcher: Scheduler.SchedulerDispatcher
  readonly deadlines: Deadlines
  /** Deadlines on the wall clock. */
  readonly moments: Moments
  readonly dozing: Dozing<A, D>
  readonly registry: Registry<A, D>
  readonly waiters: Waiters<A, D>
  readonly detector: Detector<A, D> | undefined
  readonly creator: Creator<A, D> | undefined
  readonly destroyer: Destroyer<A, D>

  life: Life
  /** No new leases; the rest goes on. */
  suspended: boolean
  /** Changed by `resize`. */
  readonly size: { min: number; max: number }
  /** Since a `resize` there may be more objects than `size.max`. */
  crowded: boolean
  leases: number
  owners: Owners | undefined
  lastLeaseId: number
  /** Those who listen to what happens; absent where nobody does. */
  feed: Feed | undefined
  /** What is measured; absent where nobody does. */
  timings: Timings | undefined
  readonly totals: { -readonly [K in keyof PoolStats["totals"]]: number }
  /** Waiters with an outcome, whose fibers are resumed by a task: it is on its way exactly while there are any. */
  readonly awake: Array<Waiter<A, D>>
  waking: boolean
  /** Monotonic: until when any object at all may be lent without a detection. */
  trustedUntil: number
  /** The waiter for whom the user's selector is being asked. */
  choosing: Waiter<A, D> | undefined
  /** The fiber of its answer, where that takes time. */
  chooser: Fiber.Fiber<unknown, unknown> | undefined
  /** The fibers of what never ends by itself. */
  readonly background: Set<Fiber.Fiber<unknown, unknown>>
  /**
   * What detects all objects once in a while, and looks by itself now and then whether anybody waits for what it finds.
   * `look`: somebody begins to, without a deadline that holds the pool; or ends.
   */
  sweeper: { readonly look: () => void } | undefined
  /** The fibers of the user's selector. */
  readonly choosers: Set<Fiber.Fiber<unknown, unknown>>
  /** What came back last, and has not been offered to the user's selector. */
  returned: Entry<A, D> | undefined
  /** What has been noted, and what of it waits for a turn of its own: written by `notes.ts`, and by the turn. */
  notes: number
  notesPutOff: number
  /** The turn is working notes off. */
  turning: boolean
  /** Rounds of failures to refill the minimum in a row, and when the next attempt may be made. */
  readonly refill: { failures: number; readonly deadline: Deadline }
  /**
   * What follows a failure to make an object: one attempt a turn, until one succeeds. The turns follow from `creation.retry`;
   * without that, and after a defect, each borrower that is due is told at once, and the turns back off.
   */
  readonly retry: {
    readonly pace: Pace | undefined
    failing: boolean
    waits: boolean
    /** When the next attempt may be made, while it waits. */
    readonly next: Deadline
    /** The attempt of this turn, while it is under way. */
    attempt: Creation<A, D> | undefined
    /** Failed turns in a row. */
    turns: number
    /** What the last attempt has failed with. */
    failure: unknown
  }
  /** What is done when it has closed. */
  readonly onClosed: Set<() => void>
  /** Those who wait in `ready`, `drain` and `rotate`: each is asked whether it has what it waits for. */
  readonly watchers: Set<Watcher>

  /**
   * Something that was due, called or resumed has thrown. It is reported, and stops nothing of what the pool does for others:
   * a fiber that is resumed runs on within that call, to its end perhaps, where whoever watches it may throw.
   */
  readonly threw: (defect: unknown) => void

  /** Works off what has been noted. Only `note` calls it. */
  readonly turn: () => void

  // the ways from one part to another, so that no two import each other
  /** An object that may be lent goes to a waiter, or is listed. Only `offer` calls it, where somebody waits. */
  readonly handOut: (entry: Entry<A, D>, fresh: boolean) => void
  /** A waiter may be served, or given something to be made. */
  readonly advance: (waiter: Waiter<A, D>) => void
  /** A waiter waits again, after what it was granted was taken back: it is asked what can be done for it, as when it came. */
  readonly attend: (waiter: Waiter<A, D>) => void
  /** The user's selector is asked for those who wait. */
  readonly consider: () => void
}

/** The pools that were made here: what a user holds has no brand. */
const cores = new WeakMap<object, Core<never, never>>()

export const know = <A, D>(pool: object, core: Core<A, D>): void => {
  cores.set(pool, core as unknown as Core<never, never>)
}

/** The state of a pool; none of a double of one. */
export const coreOf = (pool: object): Core<never, never> | undefined => cores.get(pool)

/** Runs effects in fibers of their own, at once. */
export const forkWith = (context: Context.Context<never>): Core<never, never>["run"] => {
  const run = Effect.runForkWith(context)
  return (effect) => start(run, effect)
}

/** Runs the user's code in a fiber of the pool, at once: in the asynchronous context of its builder, or of one borrower. */
export const fork = <A, D, B, E>(
  core: Core<A, D>,
  effect: Effect.Effect<B, E>,
  context: AsyncContext | undefined = core.home
): Fiber.Fiber<B, E> => callIn<Effect.Effect<B, E>, Fiber.Fiber<B, E>>(context, core.run, effect)

/**
 * What is due happens now, though its timer has not had its turn: a process was stopped, or another computed for long, or the
 * wall clock was set. So nothing that is over is lent, and what rests no more is. See {@link Deadlines.catchUp}.
 */
export const catchUp = <A, D>(core: Core<A, D>, all: boolean, now?: number): boolean => {
  const woken = core.moments.catchUp(all)
  return core.deadlines.catchUp(all, now) || woken
}

/** Calls each, whatever the others throw. */
export const each = <A, D>(core: Core<A, D>, functions: Iterable<() => void>): void => {
  for (const f of functions) {
    try {
      f()
    } catch (defect) {
      core.threw(defect)
    }
  }
}

/** Goes on in a turn of its own, so that other fibers have theirs before. */
export const soon = <A, D>(core: Core<A, D>, then: () => void): void =>
  core.dispatcher.scheduleTask(() => each(core, [then]), 0)

/** Suspends a fiber. Resuming it does not throw, though it runs on within that call: see `core.threw`. */
export const callback = <A, D, B, E = never>(
  core: Core<A, D>,
  register: (resume: (effect: Effect.Effect<B, E>) => void) => Effect.Effect<void> | void
): Effect.Effect<B, E> => Effect.callback<B, E>((resume) => register((effect) => each(core, [() => resume(effect)])))

export const stats = <A, D>(core: Core<A, D>): PoolStats => {
  const { counts, size } = core.registry
  const { max, min } = core.size
  const snapshot = {
    size,
    min,
    max,
    pending: counts.Pending,
    available: counts.Available,
    borrowed: counts.Borrowed,
    dormant: counts.Dormant,
    unknown: counts.Unknown,
    invalid: counts.Invalid,
    making: making(core),
    leases: core.leases,
    waiting: core.waiters.size,
    totals: { ...core.totals }
  }
  if (max !== Infinity) return snapshot
  const { max: _none, ...unbounded } = snapshot
  return unbounded
}

/** Does the pool keep its objects? One that serves those who wait before it closes does so that long. */
export const stays = <A, D>(core: Core<A, D>): boolean =>
  core.life._tag === "Open" || (core.life._tag === "Closing" && core.life.serving)

/** Does it lend? Perhaps only to those who wait already. */
export const lends = <A, D>(core: Core<A, D>): boolean => !core.suspended && stays(core)

/** May it be lent, to one borrower more? */
export const lendable = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  entry.status === "Available" ||
  (entry.status === "Borrowed" && entry.open < core.options.sharing && !entry.condemned && !entry.retired &&
    !entry.benched && !entry.asked && !entry.doubted && entry.fate === "return")

const making = <A, D>(core: Core<A, D>): number => core.creator?.making ?? 0

/** Objects, those being made included. */
export const population = <A, D>(core: Core<A, D>): number => core.registry.size + making(core)

/** Is there room for another object, and may it be made now? */
export const hasRoom = <A, D>(core: Core<A, D>): boolean =>
  population(core) < core.size.max && making(core) < core.options.creation.concurrency &&
  !core.retry.waits && !(core.retry.failing && core.retry.attempt !== undefined)
