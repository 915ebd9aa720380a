/**
 * A pool as its users see it, whether it is one for Effect or one for promises: one face for both, made of nothing but the
 * public interface.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type {
  BorrowOptions,
  Lease,
  ObjectPool,
  PooledObject,
  PoolEvent,
  PoolStats,
  WithOptions
} from "../../src/index.ts"
import type { Detached, PackedLease, PromiseLease, PromisePool, PromiseSelf } from "../../src/promise.ts"
import type { Act } from "./scenario.ts"

/** An object that knows what was done to it. */
export class Thing {
  readonly n: number
  readonly made: boolean
  /** Something destroys it: it was made, or added with a way to. */
  destroyable: boolean
  /** How often that was begun. */
  destroyed = 0
  added = 0
  detached = false
  constructor(n: number, made: boolean) {
    this.n = n
    this.made = made
    this.destroyable = made
  }
  get kind(): number {
    return this.n % 3
  }
}

export type Pooled = PooledObject<Thing, number>
type Options = BorrowOptions<Thing, number>
type Bracketing = WithOptions<Thing, number>

/** What a borrower has in its hands. */
export interface Grip {
  readonly thing: Thing
  /** Absent where a borrower is given the object alone. */
  readonly id: number | undefined
  /** On the wall clock. */
  readonly expiresAt: () => number
  readonly act: (act: Act, millis: number) => Effect.Effect<void, unknown, Scope.Scope>
  /** Calls `told` in the step in which the lease is over before its time. */
  readonly whenOver: (told: () => void) => void
}

type Body = (grip: Grip) => Effect.Effect<void, unknown>

interface AddOptions {
  readonly leaseTimeout: number | undefined
  readonly destroy: ((thing: Thing) => Effect.Effect<void>) | undefined
  /** Is given what they tell the pool of themselves with. */
  readonly told?: (selves: ReadonlyArray<PromiseSelf>) => void
}

export interface Port {
  readonly with: (body: Body, options: Bracketing) => Effect.Effect<void, unknown>
  readonly borrow: (body: Body, options: Options) => Effect.Effect<void, unknown>
  readonly tryBorrow: (body: Body, options: Options) => Effect.Effect<void, unknown>
  readonly borrowSync: (body: Body, options: Options) => Effect.Effect<void, unknown>
  readonly add: (things: ReadonlyArray<Thing>, options: AddOptions) => Effect.Effect<void, unknown>
  readonly remove: (target: Thing | Pooled) => boolean
  readonly rest: (target: Thing | Pooled, millis: number) => boolean
  readonly wake: (target: Thing | Pooled) => boolean
  readonly reconsider: (target: Thing | Pooled) => boolean
  /** Of these each fails as the pool does. */
  readonly resize: (size: { readonly min?: number | undefined; readonly max?: number | undefined }) => Ending
  readonly suspend: Ending
  readonly resume: Ending
  readonly detect: Ending
  readonly ready: Ending
  readonly rotate: Ending
  readonly drain: Ending
  readonly close: Ending
  readonly stats: () => PoolStats
  readonly objects: () => ReadonlyArray<Pooled>
  readonly leases: () => ReadonlyArray<Grip>
  readonly events: Stream.Stream<PoolEvent> | undefined
}

type Ending = Effect.Effect<void, unknown>

const moment = (at: { readonly epochMilliseconds: number } | undefined): number =>
  at === undefined ? Infinity : at.epochMilliseconds

// ------------------------------------------------------------------------------------------------------------- Effect

const gripOf = (lease: Lease<Thing, number>): Grip => ({
  thing: lease.object,
  id: lease.id,
  expiresAt: () => moment(lease.expiresAt),
  act: (act, millis) => {
    switch (act) {
      case "rest":
        return lease.rest(millis)
      case "charge":
        return lease.charge(millis % 5 - 1)
      case "facet":
        return lease.rest(millis, "x")
      default:
        return Effect.asVoid(lease[act])
    }
  },
  whenOver: (told) => {
    Effect.runFork(lease.expired).addObserver(told)
  }
})

export const effectPort = (pool: ObjectPool<Thing, number, unknown>): Port => {
  const scoped = (borrow: typeof pool.borrow, body: Body) =>
    Effect.scoped(Effect.flatMap(borrow, (lease) => body(gripOf(lease))))
  const tryBorrow = (body: Body, options: Options) => scoped(pool.tryBorrowWith(options), body)
  return {
    with: (body, options) => pool.with((lease) => body(gripOf(lease)), options),
    borrow: (body, options) => scoped(pool.borrowWith(options), body),
    tryBorrow,
    borrowSync: tryBorrow,
    add: (things, { destroy, leaseTimeout, told }) =>
      Effect.map(pool.addAll(things, { leaseTimeout, ...destroy && { destroy } }), (added) => told?.(added)),
    remove: (target) => Effect.runSync(pool.remove(target)),
    rest: (target, millis) => Effect.runSync(pool.rest(target, millis)),
    wake: (target) => Effect.runSync(pool.wake(target)),
    reconsider: (target) => Effect.runSync(pool.reconsider(target)),
    resize: pool.resize,
    suspend: pool.suspend,
    resume: pool.resume,
    detect: pool.detect,
    ready: pool.ready,
    rotate: pool.rotate,
    drain: pool.drain,
    close: pool.close,
    stats: () => Effect.runSync(pool.stats),
    objects: () => Effect.runSync(pool.objects),
    leases: () => Effect.runSync(pool.leases).map(gripOf),
    events: pool.events
  }
}

// ----------------------------------------------------------------------------------------------------------- promises

/**
 * An effect for a promise that a signal aborts. What it resolves with is kept in that very step: the fiber may be
 * interrupted before it goes on. What comes although it was aborted is let go.
 */
const awaiting = <B>(
  begin: (signal: AbortSignal) => Promise<B>,
  keep: (value: B) => void = () => {},
  letGo: (late: B) => unknown = () => {}
): Effect.Effect<void, unknown> =>
  Effect.callback((resume) => {
    const controller = new AbortController()
    let aborted = false
    begin(controller.signal).then(
      (value) => {
        if (aborted) return void letGo(value)
        keep(value)
        resume(Effect.void)
      },
      (reason) => aborted ? undefined : resume(Effect.fail(reason))
    )
    return Effect.sync(() => {
      aborted = true
      controller.abort(new Error("aborted"))
    })
  })

/** What throws fails. */
const attempt = <B>(f: () => B): Effect.Effect<B, unknown> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (error) {
      return Effect.fail(error)
    }
  })

const gripOfPromise = (lease: PromiseLease<Thing, number>): Grip => ({
  thing: lease.pooled.object,
  id: lease.id,
  expiresAt: () => moment(lease.expiresAt),
  act: (act, millis) => {
    switch (act) {
      case "rest":
        return attempt(() => lease.rest(millis))
      case "charge":
        return attempt(() => lease.charge(millis % 5 - 1))
      case "facet":
        return attempt(() => lease.rest(millis, "x"))
      case "detach":
        return Effect.suspend(() => {
          let detached: Detached<Thing> | undefined
          const keep = (value: Detached<Thing>) => {
            detached = value
          }
          return Effect.andThen(
            Effect.addFinalizer(() => detached === undefined ? Effect.void : Effect.promise(detached.destroy)),
            awaiting(() => lease.detach(), keep, (late) => late.destroy())
          )
        })
      case "release":
        return awaiting(() => lease.release())
      default:
        return attempt(() => lease[act]())
    }
  },
  whenOver: (told) => lease.signal.addEventListener("abort", told)
})

type Packed = PackedLease<PromiseLease<Thing, number> | Thing>

const packed = (object: PromiseLease<Thing, number> | Thing, lease?: PromiseLease<Thing, number>): Grip => {
  if (!(object instanceof Thing)) return gripOfPromise(object)
  if (lease !== undefined) return gripOfPromise(lease)
  return { thing: object, id: undefined, expiresAt: () => Infinity, act: () => Effect.void, whenOver: () => {} }
}

/** A pool with or without `pack`: what that makes is the lease. */
export const promisePort = (
  pool: PromisePool<Thing, number, PackedLease<PromiseLease<Thing, number> | Thing>>
): Port => {
  type Lend = (keep: (lease: Packed) => void) => Effect.Effect<void, unknown>
  const held = (lend: Lend, body: Body): Effect.Effect<void, unknown> =>
    Effect.suspend(() => {
      let lease: Packed | undefined
      const lent = lend((granted) => {
        lease = granted
      })
      const use = Effect.suspend(() => body(packed(lease!.object, lease as PromiseLease<never, never>)))
      return Effect.onExit(
        Effect.andThen(lent, use),
        () => lease === undefined ? Effect.void : Effect.promise(lease.release)
      )
    })
  const borrowSync = (body: Body, { timeout: _timeout, ...options }: Options) =>
    held((keep) => attempt(() => keep(pool.borrowSync(options))), body)
  return {
    with: (body, options) =>
      awaiting((signal) =>
        pool.with(
          (object, over) => {
            const grip = packed(object)
            const whenOver = grip.id === undefined
              ? (told: () => void) => over.addEventListener("abort", told)
              : grip.whenOver
            return Effect.runPromiseExit(body({ ...grip, whenOver }), { signal: over }).then((exit) => {
              // one that is told to stop stops
              if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) throw Cause.squash(exit.cause)
            })
          },
          { ...options, signal }
        )
      ),
    borrow: (body, options) =>
      held((keep) => awaiting((signal) => pool.borrow({ ...options, signal }), keep, (late) => late.release()), body),
    tryBorrow: borrowSync,
    borrowSync,
    add: (things, { destroy, leaseTimeout, told }) =>
      awaiting(() =>
        pool.addAll(things, {
          leaseTimeout,
          ...destroy && { destroy: (thing: Thing) => Effect.runPromise(destroy(thing)) }
        }), told),
    remove: (target) => pool.remove(target),
    rest: (target, millis) => pool.rest(target, millis),
    wake: (target) => pool.wake(target),
    reconsider: (target) => pool.reconsider(target),
    resize: (size) => attempt(() => pool.resize(size)),
    suspend: attempt(() => pool.suspend()),
    resume: attempt(() => pool.resume()),
    detect: awaiting(() => pool.detect()),
    ready: awaiting(() => pool.ready()),
    rotate: awaiting(() => pool.rotate()),
    drain: awaiting(() => pool.drain()),
    close: awaiting(() => pool.close()),
    stats: () => pool.stats(),
    objects: () => pool.objects(),
    leases: () => pool.leases().map(gripOfPromise),
    events: undefined
  }
}
