/**
 * The state of one pool, and what every part of the pool needs.
 *
 * A state change is one synchronous step; JavaScript runs one at a time, so there is no lock. Effects begin where a step
 * ends: the user's code runs in fibers of the pool, whose ends call back into a new step.
 *
 * Within a step the user's code runs as well: `where`, a weight, `leaseTimeout`, a hook, the first steps of `acquire`,
 * also a clock, a random source, a tracer or a logger of the user's. Such code may use the pool, and it may interrupt a
 * waiter, whose fiber takes its leave before the call returns. So the books come first: what belongs together is written
 * in one stretch in which nothing of the user's is called, and each stretch ends with books that are right. A grant is such
 * a stretch: the object is lent, the lease is its borrower's, and the borrower waits no more, before anybody is told, or
 * any object is listed or replaced. What was known before a call of the user's code is looked at again after it.
 *
 * Invariants, at the end of every step:
 * - For each listed object and each waiter that may have it, something is being detected or chosen for that waiter.
 *   So a newcomer may take what is listed without asking the queue.
 * - `size + making <= max`.
 * - Nothing is on offer, and no note is left but those that are put off.
 * - `leases` is the number of open leases, and `owners`, where there are any, says how many each borrower has.
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import type { InvalidPoolOptions, PoolClosed, PoolExhausted, PoolStats } from "../../PoolError.ts"
import type { Creation, Creator } from "../making/creator.ts"
import type { Destroyer } from "../object/destroyer.ts"
import type { Detector } from "../object/detector.ts"
import type { Dozing } from "../object/dozing.ts"
import type { Memory } from "../object/memory.ts"
import { type AsyncContext, callIn, start } from "../structures/asking.ts"
import type { Deadline, Deadlines, Moments } from "../structures/deadlines.ts"
import type { Held, Hold } from "../structures/hold.ts"
import type { Suspended } from "../waiting/outcome.ts"
import type { Overload } from "../waiting/overload.ts"
import type { Feed } from "../watching/events.ts"
import type { Durations, Timings } from "../watching/timings.ts"
import type { Classes } from "./classes.ts"
import type { Entry } from "./entry.ts"
import type { Owners } from "./owners.ts"
import type { Pace } from "./pace.ts"
import type { Registry } from "./registry.ts"
import type { Remote } from "./remote.ts"
import type { Place } from "./room.ts"
import type { Resolved } from "./settings.ts"
import type { Waiter, Waiters } from "./waiters.ts"

/** The life of the pool itself. */
type Life =
  | { readonly _tag: "Open" }
  | {
    readonly _tag: "Closing"
    /** The waiters are served first; nobody may join them. */
    serving: boolean
    givingUp: boolean
    /** The work of closing: the first job is under way, the others follow in turn. */
    readonly jobs: Array<Iterator<() => void>>
  }
  | { readonly _tag: "Closed" }

/** The pools of many keys, as those see them who look at all of them as one: see `whole.ts`. */
export interface Many<A, D> {
  /** What the keys have in common, and the pool of each key that is awake. */
  readonly parts: () => Iterable<Core<A, D>>
  /** The keys that are known: what each is called by number, and its pool if that is awake. */
  readonly known: Iterable<{ readonly key: unknown; readonly number: number; readonly core: Core<A, D> | undefined }>
  readonly size: number
  readonly rotate: Effect.Effect<void, PoolClosed>
  readonly detect: Effect.Effect<void, PoolClosed>
  readonly suspend: Effect.Effect<void, PoolClosed>
  readonly resume: Effect.Effect<void, PoolClosed>
  readonly resize: (size: unknown) => Effect.Effect<void, InvalidPoolOptions | PoolClosed>
}

/** Somebody who waits for a state of the whole pool. */
export interface Watcher {
  /** Has the state come? Then this resumes who waits for it, and watches no more, unless somebody waits anew meanwhile. */
  readonly look: () => void
  /** An attempt to make an object has failed, and none is under way. */
  readonly failed: ((cause: Cause.Cause<unknown>) => void) | undefined
  readonly closed: () => void
}

/** What is counted since the pool was built, beside the totals that users are shown. */
export interface Tallies {
  readonly refusals: Record<PoolExhausted["reason"], number>
  /** Verdicts of the judge, other than "Available". */
  readonly verdicts: Record<"Dormant" | "Unknown" | "Invalid", number>
  /** How often the body of a `with` was run again, on another object. */
  failovers: number
}

export interface Core<A, D> {
  readonly options: Resolved<A, D>
  readonly context: Context.Context<never>
  /** The asynchronous context of the pool's builder, where the runtime has such. */
  readonly home: AsyncContext | undefined
  /** Runs an effect with the context of the pool: see {@link fork}. */
  readonly run: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  readonly clock: Clock.Clock
  readonly random: (typeof Random.Random)["Service"]
  readonly dispatcher: Scheduler.SchedulerDispatcher
  /** Counts those who depend on the pool: waiters, watchers, listeners, and deadlines that are not upkeep. */
  readonly hold: Hold
  /** See {@link heldBy}. */
  held: Held<object> | undefined
  readonly deadlines: Deadlines
  /** Deadlines on the wall clock. */
  readonly moments: Moments
  readonly dozing: Dozing<A, D>
  readonly registry: Registry<A, D>
  readonly waiters: Waiters<A, D>
  /** What the classes of borrowers may have; absent where there are none. */
  readonly classes: Classes<A, D> | undefined
  /** Tells whether more come than can be served; absent where nobody asks. */
  readonly overload: Overload<A, D> | undefined
  readonly detector: Detector<A, D> | undefined
  readonly creator: Creator<A, D> | undefined
  readonly destroyer: Destroyer<A, D>
  /** What is written to a store; absent where nothing is. */
  readonly memory: Memory<A, D> | undefined

  /** Where the pool is one of many that share their room: its place there. */
  place: Place<unknown, A, D> | undefined
  /** Where this is what the pools of many keys have in common: those. */
  many: Many<A, D> | undefined

  life: Life
  /** `suspend` was called: no lease begins; detecting, making and destroying go on. */
  suspended: boolean
  /** The bounds on the number of objects: as in the options, until `resize` changes them. */
  readonly size: { min: number; max: number; spare: number }
  /** Since a `resize` there may be more objects than `size.max`. */
  crowded: boolean
  leases: number
  owners: Owners | undefined
  /** The id of the newest lease: of those of all keys, where there are many. */
  readonly leaseIds: { last: number }
  /** Those who listen to what happens; absent where nobody does. */
  feed: Feed | undefined
  /** The times of waits, leases and detections; absent where nobody measures them. */
  timings: Timings | undefined
  /** Who borrows by a connection; absent: nobody can. */
  remote?: Remote
  readonly creations: Durations
  readonly totals: { -readonly [K in keyof PoolStats["totals"]]: number }
  readonly tallies: Tallies
  /** Waiters with an outcome, whose fibers are resumed by a task. `waking`: that task is scheduled. */
  readonly awake: Array<Suspended<A, D>>
  waking: boolean
  /** Monotonic: until when any object at all may be lent without a detection. */
  trustedUntil: number
  /** The waiter for whom the user's selector is being asked. */
  choosing: Waiter<A, D> | undefined
  /** The fiber that runs the effect which the selector has answered for that waiter, where the answer takes time. */
  chooser: Fiber.Fiber<unknown, unknown> | undefined
  /** The fibers that never end by themselves: a closing pool interrupts them. */
  readonly background: Set<Fiber.Fiber<unknown, unknown>>
  /** What detects all objects once in a while. Its fiber does not hold it. */
  sweeper: object | undefined
  /** The fibers that run the user's selector: a closing pool waits for them. */
  readonly choosers: Set<Fiber.Fiber<unknown, unknown>>
  /** The object that came back last, if it has not been offered to the user's selector yet. */
  returned: Entry<A, D> | undefined
  /** The objects on offer, the first one first, and what follows those offers: written by `notes.ts` and the turn. */
  readonly offers: Array<Entry<A, D> | (() => void)>
  /** The kinds of notes that are left, and those that are put off: written by `notes.ts` and the turn. */
  notes: number
  notesPutOff: number
  /** The turn is working notes off. */
  turning: boolean
  /** How the minimum is refilled. */
  readonly refill: {
    /** How many rounds in a row have failed, and when the next round may begin. */
    failures: number
    readonly deadline: Deadline
    /** How many objects have gone in a row before anybody has had them; when the last has, and what was newest then. */
    lost: number
    lostAt: number
    lostBefore: number
  }
  /**
   * What follows a failure to make an object: one attempt in each turn, until one succeeds. The turns follow from
   * `creation.retry`; without that, and after a defect, each borrower that is due is told at once, and the turns back off.
   */
  readonly retry: {
    readonly pace: Pace | undefined
    failing: boolean
    waits: boolean
    /** When the next attempt to make an object may begin, while `waits` is set. */
    readonly next: Deadline
    /** The creation that is this turn's attempt, while it is under way. */
    attempt: Creation<A, D> | undefined
    /** Failed turns in a row. */
    turns: number
    /** What the last creation that failed has failed with. */
    failure: unknown
  }
  /** Called once each when the pool has closed. */
  readonly onClosed: Set<() => void>
  /** Those who wait in `ready`, `drain` and `rotate`: each is asked whether the state that it waits for has come. */
  readonly watchers: Set<Watcher>

  /**
   * A deadline, a callback or a resumed fiber has thrown. The defect is reported, and stops nothing of what the pool does
   * for others: a resumed fiber runs on within the call, perhaps to its end, where whoever watches the fiber may throw.
   */
  readonly threw: (defect: unknown) => void

  /** Works off the notes: see `pool/turn.ts`. Only `notes.ts` calls this. */
  readonly turn: () => void
}

/** The cores of the pools that were made here: the record of operations that a user holds has no brand. */
const cores = new WeakMap<object, Core<never, never>>()

export const know = <A, D>(pool: object, core: Core<A, D>): void => {
  cores.set(pool, core as unknown as Core<never, never>)
}

/** The core of a pool; `undefined` for a test double. */
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
 * Fires the deadlines that are due, though the timer has not had its turn: the process was stopped, or another fiber
 * computed for long, or the wall clock was set. So no object whose time is over is lent, and an object whose rest is over
 * may be. See {@link Deadlines.catchUp}.
 */
export const catchUp = <A, D>(core: Core<A, D>, all: boolean, now?: number): boolean => {
  const woken = core.moments.catchUp(all)
  return core.deadlines.catchUp(all, now) || woken
}

/** What whoever reaches the pool by it keeps, without holding the pool. */
export const heldBy = <A, D>(core: Core<A, D>): Held<object> => core.held ??= core.hold.of<object>(core)

/** Calls each function, whatever the others throw. */
export const each = <A, D>(core: Core<A, D>, functions: Iterable<() => void>): void => {
  for (const f of functions) {
    try {
      f()
    } catch (defect) {
      core.threw(defect)
    }
  }
}

/** Calls `then` in a later task, so that other fibers have their turn before. */
export const soon = <A, D>(core: Core<A, D>, then: () => void): void =>
  core.dispatcher.scheduleTask(() => each(core, [then]), 0)

/** Suspends a fiber. Resuming the fiber does not throw, though it runs on within that call: see `core.threw`. */
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
    ...core.classes && { classes: core.classes.accounts.stats() },
    totals: { ...core.totals }
  }
  if (max !== Infinity) return snapshot
  const { max: _none, ...unbounded } = snapshot
  return unbounded
}

/** Does the pool keep its objects? A pool that serves its waiters before it closes keeps them until then. */
export const stays = <A, D>(core: Core<A, D>): boolean =>
  core.life._tag === "Open" || (core.life._tag === "Closing" && core.life.serving)

/** Does the pool lend? Perhaps only to those who wait already. */
export const lends = <A, D>(core: Core<A, D>): boolean => !core.suspended && stays(core)

/** May an object be lent, to one borrower more? */
export const lendable = <A, D>(entry: Entry<A, D>): boolean => entry.keeper === undefined && mayCarry(entry)

/** The same of one that may be set aside. */
export const mayCarry = <A, D>(entry: Entry<A, D>): boolean =>
  entry.status === "Available" ||
  (entry.status === "Borrowed" && entry.open < entry.capacity && !entry.condemned && !entry.retired &&
    !entry.benched && !entry.asked && !entry.doubted && entry.onTrial === 0 && entry.fate === "return")

const making = <A, D>(core: Core<A, D>): number => core.creator?.making ?? 0

/** How many objects there are, those being made included. */
export const population = <A, D>(core: Core<A, D>): number => core.registry.size + making(core)

/**
 * May it be that everything rests, and nothing is being made, nor could be, now or as an object leaves? Those that are lent may
 * have room, though they rest, or come back: they are looked at one by one; so is everything for a choosy borrower, whom
 * what does not rest may not serve.
 */
export const mayAllRest = <A, D>(core: Core<A, D>, choosy = false): boolean => {
  const { condemned, counts, going, size } = core.registry
  const there = size - counts.Invalid
  if (there === 0) return false
  const rest = counts.Dormant + (core.options.sharing > 1 ? counts.Borrowed : 0)
  if (!choosy && rest < there - condemned) return false
  return core.creator === undefined || (making(core) === 0 && there - going >= core.size.max)
}

/** Is there room for another object, and may making one begin now? */
export const hasRoom = <A, D>(core: Core<A, D>): boolean =>
  hasOwnRoom(core) && (core.place === undefined || core.place.admits)

/** The same, as far as it is for the pool alone to say. */
export const hasOwnRoom = <A, D>(core: Core<A, D>): boolean => {
  const awaiting = core.place === undefined ? 0 : core.place.awaiting
  return population(core) + awaiting < core.size.max && making(core) + awaiting < core.options.creation.concurrency &&
    mayAttempt(core, awaiting)
}

/** May another attempt to make an object begin now? While they fail, there is one a turn. */
export const mayAttempt = <A, D>({ retry }: Core<A, D>, awaiting = 0): boolean =>
  !retry.waits && !(retry.failing && (retry.attempt !== undefined || awaiting > 0))
