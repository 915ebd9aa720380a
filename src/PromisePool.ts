/**
 * The pool for code that has no Effect: the same pool, with promises and plain answers.
 *
 * **Details**
 *
 * What fails rejects, or throws, with the typed error itself: `error instanceof BorrowTimeout`. What answers with a promise
 * never throws, whatever it is given: nonsense, an unknown option included, is an `InvalidPoolOptions`. Methods that end in
 * `Sync` never wait; those that cannot have to wait, such as `stats` and `remove`, answer plainly and serve both kinds of
 * code.
 *
 * The stack of an error has the call that has failed; that of one who has waited, where he awaits it, as far as the runtime
 * has asynchronous stacks. `captureBorrowSite` says it for every borrow, at a price.
 *
 * The timers of a pool do not keep its process alive, except while somebody waits for it: in `borrow`, `with`, `add`,
 * `ready`, `drain`, `close` and the like. An open lease does not.
 *
 * In tests, a pool follows the timers of the test runner: it asks for the global `setTimeout` whenever it needs it, also
 * where a pool is older than the runner's. With each comes what the runner measures time by, as far as it replaces that:
 * `process.hrtime`, `performance`, else `Date`. Where it replaces `setTimeout` alone, time passes as timers fire. Waiters
 * are served, and promises settle, without a tick. As long as `setTimeout` is the true one, all durations run on the
 * monotonic clock of the system, whatever is done to `Date`.
 *
 * **Gotchas**
 *
 * A program may have two copies of this package, as where two of its dependencies bring one each: an error of one is no
 * instance of the other's class. In all of them its `_tag`, and its `name`, is that of its class.
 *
 * **Example** (Telling errors apart, whichever copy they are of)
 *
 * ```ts
 * import { PromisePool } from "effect-object-pool/promise"
 *
 * const pool = PromisePool.make({ objects: ["a"] })
 * const lease = await pool.borrow()
 *
 * const outcome = await pool.borrow({ timeout: 0 }).catch((error) => error?._tag === "BorrowTimeout" ? "busy" : "broken")
 *
 * outcome // => "busy"
 * await lease.release()
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { store } from "./internal/pool/assemble.ts"
import { toName, toObjects } from "./internal/pool/options.ts"
import { checkNow, toAddOptions, toRequest } from "./internal/promise/asked.ts"
import { atOnce, type Attempt } from "./internal/promise/atOnce.ts"
import { Body } from "./internal/promise/body.ts"
import { type Begun, PromiseDesk } from "./internal/promise/borrowing.ts"
import { keys, toOptions } from "./internal/promise/callbacks.ts"
import { Alive, services } from "./internal/promise/clock.ts"
import { FullLease } from "./internal/promise/lease.ts"
import { lending, lendingMany } from "./internal/promise/lending.ts"
import { logging } from "./internal/promise/logging.ts"
import { located, Running } from "./internal/promise/running.ts"
import { toStore } from "./internal/promise/storing.ts"
import { type Core, coreOf } from "./internal/state/core.ts"
import { checks } from "./internal/state/validation.ts"
import { shows } from "./internal/structures/picture.ts"
import * as Site from "./internal/structures/site.ts"
import type { Lease } from "./Lease.ts"
import { ObjectPool } from "./ObjectPool.ts"
import type { PooledObject, PromiseAddedObject } from "./PooledObject.ts"
import type { PoolStats } from "./PoolError.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import type { AddOptions, BorrowOptions, DataRequired } from "./PoolOptions.ts"
import type { PackedLease, PromiseLease } from "./PromiseLease.ts"
import type {
  PromiseAddOptions,
  PromiseBorrowOptions,
  PromisePoolOptions,
  PromiseWithOptions
} from "./PromiseOptions.ts"

/**
 * A pool for code that has no Effect. `L` is the lease that a borrower gets, `C` are the names of its classes of borrowers.
 *
 * **Details**
 *
 * In a closed pool `has`, `remove`, `rest`, `wake`, `reconsider` and `revoke` answer `false`, and `get` `undefined`. `stats`,
 * `objects` and `leases` show what is left, `events` has ended, and so has `close`. All others reject with `PoolClosed`, or
 * throw it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromisePool<
  in out A,
  in out D = undefined,
  out L extends PackedLease<unknown> = PromiseLease<A, D>,
  in C extends string = never
> extends AsyncDisposable {
  readonly name: string
  /**
   * Takes a lease: at once, or in the order of arrival, while an object is made if there is room. Rejects with
   * `BorrowTimeout`, `PoolExhausted`, `PoolClosed`, what a callback failed with, or the reason of `options.signal`.
   *
   * **Gotchas**
   *
   * What `pack` does comes after the borrow: it is bounded by `options.signal` and the lease time-out, not by
   * `borrowTimeout`. A lease that is over before `pack` has settled rejects with `LeaseExpired`.
   */
  readonly borrow: (options?: PromiseBorrowOptions<A, D, C>) => Promise<L>
  /**
   * Borrows, runs `f`, and gives back when that has settled or thrown. Rejects with what `borrow` or `f` do.
   *
   * **Details**
   *
   * When the lease expires the pool takes the object back at once, the signal of `f` fires, and this rejects with
   * `LeaseExpired`. When `options.signal` fires this rejects with its reason, and so does the signal of `f` fire; but the
   * object comes back only when `f` has settled, or its lease expires. What becomes of `f` after that is dropped.
   *
   * **Gotchas**
   *
   * `f` is given its signal however it is written: with rest parameters, bound, or wrapped. In Node 20, where to make one
   * takes microseconds, and in Bun, it is spared where nobody can tell: for an arrow function as `(object) => …`. The
   * pool does not know that it is `f` who calls: `drain` and `close` within it wait for its own lease. Whoever needs the
   * lease itself borrows it, or has `pack: (lease) => lease`.
   */
  readonly with: <B>(
    f: (object: L["object"], signal: AbortSignal) => B,
    options?: PromiseWithOptions<A, D, C>
  ) => Promise<Awaited<B>>
  /**
   * Takes `n` leases at once, all or nothing, each of another object. What may be had, and comes free, is set aside for this
   * borrower and for nobody else, up to its deadline; those behind wait, but those who can be served by what it cannot use.
   * Two borrowers of several never wait for each other. Rejects with what `borrow` does, and with `InvalidPoolOptions` where
   * `n` is no whole number from 1 to `size.max`, or more than the class of the borrower may ever have.
   */
  readonly borrowMany: (n: number, options?: PromiseBorrowOptions<A, D, C>) => Promise<ReadonlyArray<L>>
  /** `borrowMany`, runs `f` with all the objects, and gives them back when that has settled or thrown: as `with` does. */
  readonly withMany: <B>(
    n: number,
    f: (objects: ReadonlyArray<L["object"]>, signal: AbortSignal) => B,
    options?: PromiseBorrowOptions<A, D, C>
  ) => Promise<Awaited<B>>
  /**
   * Takes a lease without waiting: of what is lendable, or can be made at once. Throws `PoolExhausted` when there is
   * nothing; and `NotSynchronous` when it would have to wait for a callback: what that makes or finds is for the next. A
   * `timeout` is refused: there is nothing that it could bound.
   */
  readonly borrowSync: (options?: Omit<BorrowOptions<A, D, C>, "timeout">) => L
  /**
   * Puts an object in, and resolves when its first detection has ended: with its record, by which the object may tell the
   * pool what it learns of itself. Rejects with `DuplicateObject`, `PoolFull` or `PoolClosed`.
   */
  readonly add: (object: A, options?: PromiseAddOptions<A, D>) => Promise<PromiseAddedObject<A, D>>
  /** Puts objects in, all or none. */
  readonly addAll: (
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ) => Promise<ReadonlyArray<PromiseAddedObject<A, D>>>
  /** Puts an object in without waiting. Where the detector makes it wait it throws `NotSynchronous`, and the object is out again. */
  readonly addSync: (object: A, options?: PromiseAddOptions<A, D>) => PromiseAddedObject<A, D>
  /** Puts objects in without waiting, all or none: but one that somebody was lent meanwhile leaves when it comes back. */
  readonly addAllSync: (
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ) => ReadonlyArray<PromiseAddedObject<A, D>>
  /** Takes an object out; a lent one when it comes back. Answers whether it was in the pool. */
  readonly remove: (object: A | PooledObject<A, D>) => boolean
  /** Is an object in the pool? One that is being destroyed is not any more. */
  readonly has: (object: A | PooledObject<A, D>) => boolean
  /** The record of an object that is in the pool: of several that are equal, the one that joined last. No walk over all. */
  readonly get: (object: A | PooledObject<A, D>) => PooledObject<A, D> | undefined
  /** Detects every object that is not lent and does not rest until a known time. Rejects with `PoolClosed`. */
  readonly detect: () => Promise<void>
  /** The same, without waiting: an object whose detector makes it wait stays as it was, and this throws `NotSynchronous`. */
  readonly detectSync: () => void
  /** Benches an object from outside a lease. Answers whether it is in the pool. */
  readonly rest: (object: A | PooledObject<A, D>, duration: Duration.Input) => boolean
  /** Ends the rest of an object, and those of its facets. Answers whether there was one to end. */
  readonly wake: (object: A | PooledObject<A, D>) => boolean
  /**
   * Says that what a weight, a selector of your own or a `where` goes by has changed for an object, as when its weight has
   * been raised: where it can be lent, its weight is read now, and it is offered anew to those who wait. Answers whether it
   * is in the pool.
   */
  readonly reconsider: (object: A | PooledObject<A, D>) => boolean
  /**
   * Takes a lease back before its time, or all those of an object: an operator's way to end what holds on to it. The signal
   * of the lease, and of a body of `with`, fires with a `LeaseExpired`, whose `reason` is `"Revoked"`; `with` rejects with
   * it, and so does a `borrow` whose `pack` is still at work. `onLeaseExpired` says what becomes of the object. A borrower
   * that does not have its lease in hand yet goes on waiting.
   *
   * Answers whether there was a lease to take back: `false` for one that is over, or of another pool, and for an object
   * that is not lent, or not in the pool. Throws a `TypeError` on anything but a lease or a record.
   */
  readonly revoke: (target: PromiseLease<A, D, unknown> | PooledObject<A, D>) => boolean
  /** Resolves when `size.min` objects can be lent, or are; rejects with what making one failed with, or `PoolClosed`. */
  readonly ready: () => Promise<void>
  /** Another size. Throws `InvalidPoolOptions` or `PoolClosed`. */
  readonly resize: (size: {
    readonly min?: number | undefined
    readonly max?: number | "Infinity" | undefined
    readonly spare?: number | undefined
  }) => void
  /** Replaces every made object. Resolves when no old one is idle. */
  readonly rotate: () => Promise<void>
  /** No new leases: borrowers wait. Throws `PoolClosed`. */
  readonly suspend: () => void
  /** Ends a suspension. Throws `PoolClosed`. */
  readonly resume: () => void
  /** Suspends, and resolves when every lease is back, or `resume` is called. */
  readonly drain: () => Promise<void>
  /** The counts at this instant. */
  readonly stats: () => PoolStats
  /** The live records of the objects, the oldest first; those that are being destroyed included. Each time a list of them all. */
  readonly objects: () => ReadonlyArray<PooledObject<A, D>>
  /** The open leases, the oldest first: a walk over all objects, and a list. `stats().leases` counts them. */
  readonly leases: () => ReadonlyArray<PromiseLease<A, D>>
  /**
   * What happens from now on, until the pool is closed: `for await (const event of pool.events())`. Who listens does not
   * keep the process alive.
   */
  readonly events: () => AsyncIterable<PoolEvent>
  /**
   * Closes the pool: waiters fail with `PoolClosed`, open leases have `closing.timeout` and are then revoked, objects are
   * destroyed. Resolves when nothing is left. Idempotent.
   */
  readonly close: () => Promise<void>
}

type PoolTag<Self, A, D, E, P, C extends string = never> = Context.Service<Self, ObjectPool<A, D, E, P, C>>

/**
 * Makes promise pools.
 *
 * **Example** (Borrowing)
 *
 * ```ts
 * import { PromisePool } from "effect-object-pool/promise"
 *
 * await using pool = PromisePool.make({ acquire: async () => new URL("http://127.0.0.1"), size: { max: 4 } })
 *
 * const host = await pool.with((url) => url.hostname, { timeout: "3 seconds" })
 *
 * host // => "127.0.0.1"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const PromisePool: {
  /** A pool of its own. Throws `InvalidPoolOptions`, also where there are no options. */
  readonly make: {
    <A, D = undefined, C extends string = never>(
      options: PromisePoolOptions<A, D, A, C> & { readonly pack?: undefined } & DataRequired<NoInfer<D>>
    ): PromisePool<A, D, PromiseLease<A, D>, C>
    <A, D = undefined, P = A, C extends string = never>(
      options: PromisePoolOptions<A, D, P, C> & DataRequired<NoInfer<D>>
    ): PromisePool<A, D, PromiseLease<A, D, P>, C>
  }
  /**
   * The pool of a layer, which is built now; `close` closes all of it. Rejects with what the layer fails with. No timer of
   * the layer keeps the process alive, once it is built.
   */
  readonly fromLayer: {
    <Self, A, D, E, LE, C extends string = never>(
      tag: PoolTag<Self, A, D, E, Lease<A, D>, C>,
      layer: Layer.Layer<Self, LE>
    ): Promise<PromisePool<A, D, PromiseLease<A, D>, C>>
    <Self, A, D, E, P, LE, C extends string = never>(
      tag: PoolTag<Self, A, D, E, P, C>,
      layer: Layer.Layer<Self, LE>
    ): Promise<PromisePool<A, D, PackedLease<P>, C>>
  }
  /**
   * The pool that a runtime has already, with the runtime's clock and its timers. `close` closes it for everybody;
   * `await using` does nothing: it is the runtime's. Rejects with what building the runtime fails with.
   */
  readonly fromRuntime: {
    <Self, A, D, E, RE, C extends string = never>(
      tag: PoolTag<Self, A, D, E, Lease<A, D>, C>,
      runtime: ManagedRuntime.ManagedRuntime<NoInfer<Self>, RE>
    ): Promise<PromisePool<A, D, PromiseLease<A, D>, C>>
    <Self, A, D, E, P, RE, C extends string = never>(
      tag: PoolTag<Self, A, D, E, P, C>,
      runtime: ManagedRuntime.ManagedRuntime<NoInfer<Self>, RE>
    ): Promise<PromisePool<A, D, PackedLease<P>, C>>
  }
} = {
  make: <A, D, P>(options: PromisePoolOptions<A, D, P>) => {
    const name = toName(options, "PromisePool")
    const lines = logging(checks(name).call("log", options.log))
    const running = new Running(name, Context.merge(services, lines), true)
    const scope = Scope.makeUnsafe()
    const inner = toOptions(options, running, keys)
    const given = toStore(checks(name), options, running)
    // what its callbacks need is nothing: they are functions
    const bare = ObjectPool.make(inner as never) as Effect.Effect<
      ObjectPool<A, D, unknown, unknown>,
      never,
      Scope.Scope
    >
    const made = given === undefined ? bare : Effect.provideService(bare, store, given as KeyValueStore)
    const pool = running.now(Scope.provide(made, scope))
    return new Promised(pool, running, Scope.close(scope, Exit.void)) as never
  },
  fromLayer: async <Self, A, D, E, P, LE, C extends string>(
    tag: PoolTag<Self, A, D, E, P, C>,
    layer: Layer.Layer<Self, LE>
  ) => {
    const runtime = ManagedRuntime.make(Layer.provide(layer, Layer.succeedContext(services)))
    return over(tag, runtime, services, runtime.disposeEffect) as never
  },
  fromRuntime: <Self, A, D, E, P, RE, C extends string>(
    tag: PoolTag<Self, A, D, E, P, C>,
    runtime: ManagedRuntime.ManagedRuntime<Self, RE>
  ) => over(tag, runtime, Context.empty(), undefined) as never
}

const over = async <Self, A, D, E, P, RE, C extends string>(
  tag: PoolTag<Self, A, D, E, P, C>,
  runtime: ManagedRuntime.ManagedRuntime<Self, RE>,
  services: Context.Context<never>,
  disposal: Effect.Effect<void> | undefined
) => {
  // the clock of a layer may be a quiet one
  const alive = new Alive()
  alive.count(1)
  try {
    const context = await runtime.context()
    const pool = Context.get(context, tag)
    const all = Context.merge(services, context as Context.Context<never>)
    return new Promised(pool, new Running(pool.name, all, false), disposal)
  } finally {
    alive.count(-1)
  }
}

/** A function that runs under a lease. */
type Used<A, B> = (object: A, signal: AbortSignal) => B

/**
 * What is thrown on the way to a promise is its rejection.
 *
 * @internal
 */
export const attempt = <B>(begin: () => Promise<B>): Promise<B> => {
  try {
    return begin()
  } catch (error) {
    return Promise.reject(located(error))
  }
}

/**
 * A pool whose operations are run. They may be taken off it and called bare; whoever prints or clones it sees its picture,
 * and nothing that it reaches.
 *
 * @internal
 */
export class Promised<A, D, E, P> implements PromisePool<A, D, PackedLease<unknown>> {
  readonly #pool: ObjectPool<A, D, E, P>
  readonly #running: Running
  /** Absent where borrowing takes a fiber: for `pack`, a tracer, or a double of a pool. */
  readonly #desk: PromiseDesk<A, D> | undefined
  /** Milliseconds. A double of a pool has none. */
  readonly #hookTimeout: number
  /** Ends what was made for the pool; absent where that is not its own. */
  readonly #disposal: Effect.Effect<void> | undefined

  constructor(pool: ObjectPool<A, D, E, P>, running: Running, disposal: Effect.Effect<void> | undefined) {
    this.#pool = pool
    this.#running = running
    this.#disposal = disposal
    const core = coreOf(pool) as unknown as Core<A, D> | undefined
    this.#hookTimeout = core?.options.hookTimeout ?? Infinity
    if (core !== undefined && core.options.pack === undefined && !running.traced) {
      this.#desk = new PromiseDesk(running, core)
    }
    // functions cannot be cloned
    for (const name of Object.keys(this)) Object.defineProperty(this, name, { enumerable: false })
  }

  get name(): string {
    return this.#pool.name
  }

  borrow = (options?: PromiseBorrowOptions<A, D>): Promise<PackedLease<unknown>> =>
    attempt(() => {
      if (options === undefined && this.#desk !== undefined) return this.#desk.borrow(this.borrow, undefined, undefined)
      const { signal, ...request } = toRequest(this.#running, options)
      if (this.#desk !== undefined) return this.#desk.borrow(this.borrow, request, signal)
      const lent = this.#from(
        this.borrow,
        (pool) => options === undefined ? pool.borrow : pool.borrowWith(request)
      )
      const { begin, undo } = lending(this.#running, lent)
      return this.#running.ending(begin, {
        signal,
        abort: (fiber) => {
          fiber?.interruptUnsafe()
          if (fiber !== undefined) undo(fiber)
        }
      })
    })

  borrowSync = (options?: Omit<BorrowOptions<A, D>, "timeout">): PackedLease<unknown> => {
    checkNow(this.#running, options)
    if (this.#desk === undefined) {
      // it does not wait: its time is not limited
      const request = { ...options, timeout: Infinity }
      return this.#atOnce(
        "borrowSync",
        lending(this.#running, this.#from(this.borrowSync, (pool) => pool.tryBorrowWith(request)))
      )
    }
    const lent = this.#desk.borrowNow(this.borrowSync, options)
    return typeof lent === "function" ? this.#atOnce("borrowSync", { begin: lent, undo: () => {} }) : lent
  }

  with = <B>(
    f: (object: never, signal: AbortSignal) => B,
    options?: PromiseWithOptions<A, D>
  ): Promise<Awaited<B>> =>
    attempt(() => {
      if (typeof f !== "function") throw new TypeError("`with` was given no function")
      const desk = this.#desk
      if (options === undefined && desk !== undefined) {
        return desk.with(this.with, f as Used<A, B>, undefined, undefined)
      }
      const { failover, signal, ...request } = toRequest(this.#running, options, "with")
      // another object is borrowed by a fiber
      const again = this.#running.check.whole("failover", failover, 0, 0) > 0
      if (desk !== undefined && !again) return desk.with(this.with, f as Used<A, B>, request, signal)
      const body = new Body(this.#running, f, signal, again)
      const run = this.#from(
        this.with,
        (pool) =>
          pool.with(
            (borrowed) => body.run(borrowed),
            options === undefined ? undefined : again ? { ...request, failover } : request
          )
      )
      return this.#running.ending(() => this.#running.fork(run), body)
    })

  borrowMany = (n: number, options?: PromiseBorrowOptions<A, D>): Promise<ReadonlyArray<PackedLease<unknown>>> =>
    attempt(() => {
      const { signal, ...request } = toRequest(this.#running, options)
      const { begin, undo } = lendingMany(
        this.#running,
        this.#from(this.borrowMany, (pool) => pool.borrowMany(n, request))
      )
      return this.#running.ending(begin, {
        signal,
        abort: (fiber) => {
          fiber?.interruptUnsafe()
          if (fiber !== undefined) undo(fiber)
        }
      })
    })

  withMany = <B>(
    n: number,
    f: (objects: never, signal: AbortSignal) => B,
    options?: PromiseBorrowOptions<A, D>
  ): Promise<Awaited<B>> =>
    attempt(() => {
      if (typeof f !== "function") throw new TypeError("`withMany` was given no function")
      const { signal, ...request } = toRequest(this.#running, options)
      const body = new Body(this.#running, f, signal, false, true)
      const run = this.#from(this.withMany, (pool) => pool.withMany(n, (borrowed) => body.run(borrowed), request))
      return this.#running.ending(() => this.#running.fork(run), body)
    })

  add = (object: A, options?: PromiseAddOptions<A, D>): Promise<PromiseAddedObject<A, D>> =>
    attempt(() => this.#running.promise(this.#pool.add(object, this.#toAddOptions(options))))
  addAll = (
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ): Promise<ReadonlyArray<PromiseAddedObject<A, D>>> =>
    attempt(() => this.#running.promise(this.#pool.addAll(objects, this.#toAddOptions(options))))

  addSync = (object: A, options?: PromiseAddOptions<A, D>): PromiseAddedObject<A, D> =>
    this.#addAtOnce("addSync", [object], options)[0]!
  addAllSync = (objects: Iterable<A>, options?: PromiseAddOptions<A, D>): ReadonlyArray<PromiseAddedObject<A, D>> =>
    this.#addAtOnce("addAllSync", toObjects(this.name, objects), options)

  remove = (object: A | PooledObject<A, D>): boolean => this.#running.now(this.#pool.remove(object))
  has = (object: A | PooledObject<A, D>): boolean => this.#running.now(this.#pool.has(object))
  get = (object: A | PooledObject<A, D>): PooledObject<A, D> | undefined => this.#running.now(this.#pool.get(object))
  detect = (): Promise<void> =>
    this.#running.promise(Effect.provideService(this.#pool.detect, Scheduler.PreventSchedulerYield, false))
  detectSync = (): void =>
    this.#atOnce("detectSync", { begin: () => this.#running.fork(this.#pool.detect), undo: () => {} })
  rest = (object: A | PooledObject<A, D>, duration: Duration.Input): boolean =>
    this.#running.now(this.#pool.rest(object, duration))
  wake = (object: A | PooledObject<A, D>): boolean => this.#running.now(this.#pool.wake(object))
  reconsider = (object: A | PooledObject<A, D>): boolean => this.#running.now(this.#pool.reconsider(object))
  revoke = (target: PromiseLease<A, D, unknown> | PooledObject<A, D>): boolean =>
    this.#running.now(this.#pool.revoke(FullLease.leaseOf(target) ?? target as PooledObject<A, D>))
  ready = (): Promise<void> => this.#running.promise(this.#pool.ready)
  resize = (size: {
    readonly min?: number | undefined
    readonly max?: number | "Infinity" | undefined
    readonly spare?: number | undefined
  }): void => this.#running.now(this.#pool.resize(size))
  rotate = (): Promise<void> => this.#running.promise(this.#pool.rotate)
  suspend = (): void => this.#running.now(this.#pool.suspend)
  resume = (): void => this.#running.now(this.#pool.resume)
  drain = (): Promise<void> => this.#running.promise(this.#pool.drain)
  stats = (): PoolStats => this.#running.now(this.#pool.stats)
  objects = (): ReadonlyArray<PooledObject<A, D>> => this.#running.now(this.#pool.objects)
  leases = (): ReadonlyArray<PromiseLease<A, D>> =>
    this.#running.now(this.#pool.leases).map((lease) => FullLease.of(this.#running, lease))

  events = (): AsyncIterable<PoolEvent> => Stream.toAsyncIterableWith(this.#pool.events, this.#running.context)

  close = (): Promise<void> => this.#running.promise(Effect.andThen(this.#pool.close, this.#disposal ?? Effect.void))
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposal !== undefined) await this.close()
  }

  /** An effect of the pool, which is asked for it by who has called `operation`, a function that is on the stack. */
  #from<B>(operation: Function, get: (pool: ObjectPool<A, D, E, P>) => B): B {
    return Site.handing(Site.ofTag(operation), get)(this.#pool)
  }

  #addAtOnce(
    operation: string,
    objects: ReadonlyArray<A>,
    options: PromiseAddOptions<A, D> | undefined
  ): ReadonlyArray<PromiseAddedObject<A, D>> {
    let refused = false
    return this.#atOnce(operation, {
      begin: () => this.#running.fork(this.#pool.addAll(objects, this.#toAddOptions(options, () => refused))),
      // they are their owner's, as before
      undo: () => {
        refused = true
        const there = [...this.objects()].reverse()
        for (const object of objects) {
          const i = there.findIndex((pooled) => pooled.status !== "Invalid" && Object.is(pooled.object, object))
          if (i !== -1) this.remove(there.splice(i, 1)[0]!)
        }
      }
    })
  }

  #toAddOptions(options: PromiseAddOptions<A, D> | undefined, refused?: () => boolean): AddOptions<A, D> {
    return toAddOptions(this.#running, this.#hookTimeout, options, refused)
  }

  #atOnce<B, F extends Begun<B>>(operation: string, attempt: Attempt<F> & { readonly begin: () => Begun<B> }): B {
    return atOnce(this.#running, this.stats, operation, attempt)
  }

  /** Its counts, for those who only look: a double of a pool may have none. */
  #counts(): { readonly suspended?: boolean | undefined; readonly stats?: PoolStats } {
    try {
      return { suspended: coreOf(this.#pool)?.suspended, stats: this.stats() }
    } catch {
      return {}
    }
  }

  static {
    shows(this.prototype, (self) => ({ _id: "PromisePool", name: self.name, ...self.#counts() }))
  }
}
