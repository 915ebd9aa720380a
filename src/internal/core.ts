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
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import { BorrowTimeout, LeaseExpired, PoolClosed, PoolExhausted, type PoolStats } from "../PoolError.ts"
import { type AsyncContext, callIn, start } from "./asking.ts"
import type { Creation, Creator } from "./creation.ts"
import { type Deadline, type Deadlines, type Moments, slice } from "./deadlines.ts"
import type { Destroyer } from "./destruction.ts"
import type { Detector } from "./detection.ts"
import type { Dozing } from "./dozing.ts"
import { type Feed, span } from "./events.ts"
import type { ActiveLease } from "./lease.ts"
import type { Resolved } from "./options.ts"
import type { Pace } from "./pacing.ts"
import type { Entry, Registry } from "./registry.ts"
import * as Site from "./site.ts"
import { limitStacks } from "./stacks.ts"
import type { Timings } from "./timings.ts"
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
  /** The fibers of the user's selector. */
  readonly choosers: Set<Fiber.Fiber<unknown, unknown>>
  /** What came back last, and has not been offered to the user's selector. */
  returned: Entry<A, D> | undefined
  /** Set while waiters are given something to be made. */
  filling: boolean
  /** Set while old objects are let go. */
  replacing: boolean
  /** Rounds of failures to refill the minimum in a row, and when the next attempt may be made. */
  readonly refill: { failures: number; readonly deadline: Deadline; running: boolean }
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

  // the ways from one part to another, so that no two import each other
  /** An `Available` object that is not listed goes to a waiter, or is listed. */
  readonly offer: (entry: Entry<A, D>, fresh: boolean) => void
  /** A waiter may be served, or given something to be made. */
  readonly advance: (waiter: Waiter<A, D>) => void
  /** A waiter waits again, after what it was granted was taken back: it is asked what can be done for it, as when it came. */
  readonly attend: (waiter: Waiter<A, D>) => void
  /** The deadline of a waiter has passed. */
  readonly expire: (waiter: Waiter<A, D>) => void
  /** The fiber of a waiter has been interrupted. */
  readonly leave: (waiter: Waiter<A, D>) => Effect.Effect<void>
  /** The user's selector is asked for those who wait. */
  readonly consider: () => void
  /** An object that came back while the detector was asked about it goes where its last lease sends it. */
  readonly cameBack: (entry: Entry<A, D>) => void
  /** An object is leaving: another may have to take its place. */
  readonly leaving: () => void
  /** What is available, lent or old has changed. */
  readonly changed: () => void
  /** Room has become free. */
  readonly roomFreed: () => void
  /** Something has ended that a closing pool waits for. */
  readonly settled: () => void
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

/** How many more are resumed in one task, whose outcome was decided by those who were resumed. */
const chain = 256

/** Resumes waiters in a task of their own, in order: never within the step that decided their outcome. */
export const wake = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  // not suspended yet: it sees the outcome when the step ends
  if (waiter.resume === undefined) return
  // with an outcome that was taken back before it was resumed
  if (waiter.awake) return
  waiter.awake = true
  core.awake.push(waiter)
  if (core.waking) return
  core.waking = true
  core.dispatcher.scheduleTask(() => resumeAwake(core), 0)
}

/**
 * One that is resumed may give back at once what the next waits for: that one is resumed in the same task. Each fiber may
 * run on to its end, so that others get their turn in between.
 */
const resumeAwake = <A, D>(core: Core<A, D>): void => {
  const { awake } = core
  const most = awake.length + chain
  let begun = 0
  let next = 0
  while (next < awake.length && next < most) {
    const waiter = awake[next++]!
    waiter.awake = false
    // one that was interrupted since has nothing to resume, and one that waits again has no outcome
    if (waiter.resume !== undefined && waiter.lane === undefined) {
      try {
        deliver(core, waiter, waiter.resume)
      } catch (defect) {
        core.threw(defect)
      }
    }
    if (next % 16 !== 0) continue
    // no clock is read where there are few
    const now = core.deadlines.now()
    if (begun === 0) begun = now
    else if (now - begun >= slice) break
  }
  awake.splice(0, next)
  core.waking = awake.length > 0
  if (core.waking) core.dispatcher.scheduleTask(() => resumeAwake(core), 0)
}

/** Hands a waiter its outcome. */
export const deliver = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  resume: NonNullable<typeof waiter.resume>
): void => {
  const { lease } = waiter
  waiter.forget()
  if (lease === undefined) return resume(waiter.failure!)
  lease.holder = undefined
  // the pool was closed before this fiber was resumed with it: it has waited in vain
  if (lease.over === "Closed") return resume(closed(core, waiter))
  resume(waiter.accept(lease, waiter.holder))
}

/**
 * What is due happens now, though its timer has not had its turn: a process was stopped, or another computed for long, or the
 * wall clock was set. So nothing that is over is lent, and what rests no more is. See {@link Deadlines.catchUp}.
 */
export const catchUp = <A, D>(core: Core<A, D>, all: boolean, now?: number): boolean => {
  const woken = core.moments.catchUp(all)
  return core.deadlines.catchUp(all, now) || woken
}

/**
 * What a waiter was granted is taken back before it has been resumed with it: it waits again, in its place and under its
 * deadline. {@link Core.attend} follows, when the bookkeeping is done. In a pool that closes it has waited in vain.
 */
export const requeue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  waiter.lease = undefined
  if (!stays(core)) {
    waiter.failure = closed(core, waiter)
    return
  }
  core.waiters.rejoin(waiter)
  const { timeout } = waiter.request
  if (timeout !== Infinity) core.deadlines.set(waiter, waiter.since + timeout)
}

/** What a line in the log is about, beside the pool. */
interface Detail<A, D> {
  readonly cause?: Cause.Cause<unknown>
  readonly entry?: Entry<A, D>
  readonly lease?: ActiveLease<A, D>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A line in the log: about one lease, one object, or the whole pool. */
export const report = <A, D>(core: Core<A, D>, message: string, detail: Detail<A, D> = {}): void => {
  const { annotations, cause, entry, lease } = detail
  fork(
    core,
    Effect.annotateLogs(cause === undefined ? Effect.logWarning(message) : Effect.logWarning(message, cause), {
      pool: core.options.name,
      ...(entry === undefined ? {} : { object: entry.id }),
      ...(lease === undefined ? {} : { lease: lease.id }),
      ...annotations
    })
  )
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
export const suspended = <A, D, B, E = never>(
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

/** A class of errors, and what its constructor is given. */
type Kind<E, Fields> = (new(fields: Fields) => E) & { readonly identifier: string }

/**
 * Fails with an error that is made as its class makes it, but for two things that would cost several times all the rest
 * of a time-out. Its fields are not checked by the schema, whose constructor would leave the rest to this base as well:
 * they are right by their types. And its stack is where the borrow has come from, if it has said so; or else that of the step,
 * unless it has waited: made in a task of the pool's own, that would tell nothing.
 */
const failWith = <A, D, E extends Error, Fields extends object>(
  kind: Kind<E, Fields>,
  fields: Fields,
  waiter: Waiter<A, D> | undefined
): Effect.Effect<never, E> => {
  const limit = limitStacks(0)
  const error = Reflect.construct(Data.Error, [{ _tag: kind.identifier, ...fields }], kind) as unknown as E
  limitStacks(limit)
  const site = waiter?.request.site ?? (waiter?.resume === undefined ? Site.ofStep(failWith) : undefined)
  if (site !== undefined) Site.tellOf(error, site)
  return Effect.fail(error)
}

export const closed = <A, D>(core: Core<A, D>, waiter?: Waiter<A, D>): Effect.Effect<never, PoolClosed> =>
  Effect.suspend(() => failWith(PoolClosed, { pool: core.options.name, stats: stats(core) }, waiter))

export const exhausted = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  reason: PoolExhausted["reason"]
): Effect.Effect<never, PoolExhausted> =>
  Effect.suspend(() => failWith(PoolExhausted, { pool: core.options.name, stats: stats(core), reason }, waiter))

export const timedOut = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  phase: BorrowTimeout["phase"]
): Effect.Effect<never, BorrowTimeout> => {
  const waited = span(core.deadlines.now() - waiter.since)
  const lastFailure = waiter.trouble?.lastFailure ?? (core.retry.failing ? core.retry.failure : undefined)
  return Effect.withFiber((fiber) => {
    const fields = { pool: core.options.name, stats: stats(core), waited, phase, held: held(core, fiber) }
    return failWith(
      BorrowTimeout,
      lastFailure === undefined ? fields : { ...fields, lastFailure },
      waiter
    )
  })
}

export const leaseExpired = <A, D>(
  core: Core<A, D>,
  lease: ActiveLease<A, D>,
  reason: LeaseExpired["reason"]
): Effect.Effect<never, LeaseExpired> =>
  Effect.suspend(() =>
    failWith(LeaseExpired, {
      pool: core.options.name,
      stats: stats(core),
      leaseId: lease.id,
      objectId: lease.entry.id,
      reason
    }, undefined)
  )

/** Open leases, in no order. */
const openLeases = <A, D>(core: Core<A, D>): Array<ActiveLease<A, D>> => {
  const open: Array<ActiveLease<A, D>> = []
  for (const { lease, others } of core.registry.entries) {
    if (lease !== undefined) open.push(lease)
    if (others !== undefined) { for (const other of others) open.push(other) }
  }
  return open
}

/** Open leases, in order of their id. */
export const leases = <A, D>(core: Core<A, D>): Array<ActiveLease<A, D>> => openLeases(core).sort((a, b) => a.id - b.id)

/** Fibers that run what goes on under a lease, while another waits for it: in whose name. */
const standIns = new Map<number, number>()

/** In whose name a fiber borrows: its own; or that of the borrower for whom it stands in. */
export const nameOf = (fiber: Fiber.Fiber<unknown, unknown>): number =>
  standIns.size === 0 ? fiber.id : standIns.get(fiber.id) ?? fiber.id

/**
 * A fiber borrows in the name of another that waits for it, until {@link standDown}. What is forked there, and goes on by
 * itself, does not.
 */
export const standIn = (fiber: Fiber.Fiber<unknown, unknown>, above: Fiber.Fiber<unknown, unknown>): void => {
  standIns.set(fiber.id, nameOf(above))
}

export const standDown = (fiber: Fiber.Fiber<unknown, unknown>): void => {
  standIns.delete(fiber.id)
}

/**
 * How many open leases each borrower has. Kept only while it is asked for: built by a walk over the objects, and dropped
 * when more leases have begun or ended since than that walk saw, so that asking costs no more than they did.
 */
class Owners {
  private readonly counts = new Map<number, number>()
  private readonly cost: number
  private changes = 0

  constructor(open: ReadonlyArray<{ readonly owner: number }>, cost: number) {
    this.cost = cost
    for (const { owner } of open) this.add(owner, 1)
  }
  of(owner: number): number {
    this.changes = 0
    return this.counts.get(owner) ?? 0
  }
  /** `false`: nobody has asked for long. */
  note(owner: number, change: 1 | -1): boolean {
    this.add(owner, change)
    return ++this.changes <= this.cost
  }
  private add(owner: number, change: number): void {
    const count = (this.counts.get(owner) ?? 0) + change
    if (count === 0) this.counts.delete(owner)
    else this.counts.set(owner, count)
  }
}

/** A lease has begun, or ended. Only where there are owners. */
export const own = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, change: 1 | -1): void => {
  if (!core.owners!.note(lease.owner, change)) core.owners = undefined
}

/** How many open leases one fiber has. */
export const held = <A, D>(core: Core<A, D>, fiber: Fiber.Fiber<unknown, unknown>): number => {
  if (core.leases === 0) return 0
  core.owners ??= new Owners(openLeases(core), core.registry.size + core.leases)
  return core.owners.of(nameOf(fiber))
}
