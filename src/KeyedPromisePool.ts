/**
 * A pool for each key, and one ceiling over all of them, for code that has no Effect: see `KeyedPool`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Keyed } from "./internal/pool/keyed.ts"
import { keyedOf } from "./internal/pool/keyedOperations.ts"
import { operations } from "./internal/pool/operations.ts"
import { toName } from "./internal/pool/options.ts"
import { keyedKeys, toOptions } from "./internal/promise/callbacks.ts"
import { services } from "./internal/promise/clock.ts"
import { FullLease } from "./internal/promise/lease.ts"
import { logging } from "./internal/promise/logging.ts"
import { Running } from "./internal/promise/running.ts"
import { checks } from "./internal/state/validation.ts"
import { shows } from "./internal/structures/picture.ts"
import { type KeyedEvent, type KeyedObject, KeyedPool, type KeyedSize } from "./KeyedPool.ts"
import type { ObjectPool } from "./ObjectPool.ts"
import type { PooledObject, PromiseAddedObject } from "./PooledObject.ts"
import type { PoolStats } from "./PoolError.ts"
import type { BorrowOptions, PoolOptions } from "./PoolOptions.ts"
import type { PackedLease, PromiseLease } from "./PromiseLease.ts"
import type {
  Awaitable,
  PromiseAddOptions,
  PromiseBorrowOptions,
  PromisePoolOptions,
  PromiseWithOptions
} from "./PromiseOptions.ts"
import { attempt, Promised } from "./PromisePool.ts"
import type { PromiseJudge } from "./PromiseVerdict.ts"
import type { PromiseSelf } from "./Self.ts"
import type { Status } from "./Status.ts"

/**
 * A lease of an object of one key among many.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedPromiseLease<out K, out A, out D = undefined, out P = A> extends PromiseLease<A, D, P> {
  readonly pooled: KeyedObject<K, A, D>
}

/**
 * Everything that promise pools by key are made from: the options of a promise pool, whose functions are given the key.
 * `classes` are over all keys: `most`, `reserve` and `weight` are of the leases of all keys together.
 *
 * @category options
 * @since 0.1.0
 */
export interface KeyedPromiseOptions<K, A, D = undefined, P = A, C extends string = never> extends
  Omit<
    PromisePoolOptions<A, D, P, C>,
    | "acquire"
    | "objects"
    | "remember"
    | "size"
    | "data"
    | "allowance"
    | "leaseTimeout"
    | "pack"
    | "judge"
    | "detectStatus"
    | "onBorrow"
    | "onRelease"
  >
{
  /** Makes an object of a key: see `PromisePoolOptions`. One that throws, or rejects, for one key does so for nobody else. */
  readonly acquire?: ((key: K, signal: AbortSignal, self: PromiseSelf) => Awaitable<A>) | undefined
  readonly size?: KeyedSize | undefined
  /**
   * How long a key is known that has no object, no lease, and nobody who waits. A borrow meanwhile finds it as it was.
   *
   * @default `"10 minutes"`
   */
  readonly idleKeys?: Duration.Input | undefined
  /** Data of each object, or what makes it. */
  readonly data?: D | ((object: A, key: NoInfer<K>) => D) | undefined
  /** How much an object of a key may be used in a time: see `PromisePoolOptions`. */
  readonly allowance?: PoolOptions<A, D, never, never, never>["allowance"]
  /** How long one lease may last: the same for all, or asked for each lease. */
  readonly leaseTimeout?:
    | Duration.Input
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => Duration.Input)
    | undefined
  /** Makes what a borrower gets of its lease. */
  readonly pack?:
    | ((lease: KeyedPromiseLease<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => Awaitable<P>)
    | undefined
  /** What the end of a lease says of its object: see `PromisePoolOptions`. */
  readonly judge?: PromiseJudge<NoInfer<A>, NoInfer<D>> | undefined
  /** Tells what an object is doing: see `PromisePoolOptions`. */
  readonly detectStatus?:
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => Awaitable<Status.Answer>)
    | undefined
  /** Prepares an object before it is lent. One that it throws for, or rejects, is destroyed. */
  readonly onBorrow?:
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => unknown)
    | undefined
  /** Cleans an object that has come back. One that it throws for, or rejects, is destroyed. */
  readonly onRelease?:
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>, signal: AbortSignal) => unknown)
    | undefined
}

/**
 * Promise pools by key, under one ceiling. `L` is the lease that a borrower gets, `C` are the names of the classes of
 * borrowers.
 *
 * **Details**
 *
 * An operation on a key does what the same operation of a `PromisePool` does. What is no key, `undefined` or `NaN`, is an
 * `InvalidPoolOptions`: thrown, or a rejection.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedPromisePool<
  in out K,
  in out A,
  in out D = undefined,
  out L extends PackedLease<unknown> = KeyedPromiseLease<K, A, D>,
  in C extends string = never
> extends AsyncDisposable {
  readonly name: string
  /** Takes a lease of an object of a key. Where the minimums of other keys fill the whole it rejects with `PoolExhausted`, `reason: "NoRoom"`. */
  readonly borrow: (key: K, options?: PromiseBorrowOptions<A, D, C>) => Promise<L>
  /** Borrows an object of a key, runs, gives back. When the lease is over before, the signal fires, and it rejects with `LeaseExpired`. */
  readonly with: <B>(
    key: K,
    f: (object: L["object"], signal: AbortSignal) => B,
    options?: PromiseWithOptions<A, D, C>
  ) => Promise<Awaited<B>>
  /**
   * Takes `n` leases of a key at once, all or nothing: see `PromisePool`. Two borrowers of several never wait for each other,
   * of whatever keys. Rejects with what `borrow` does, and with `InvalidPoolOptions` where `n` is no whole number from 1 to
   * `size.perKey.max`, or more than `size.max`.
   */
  readonly borrowMany: (key: K, n: number, options?: PromiseBorrowOptions<A, D, C>) => Promise<ReadonlyArray<L>>
  /** `borrowMany`, runs `f` with all the objects, and gives them back when that has settled or thrown: as `with` does. */
  readonly withMany: <B>(
    key: K,
    n: number,
    f: (objects: ReadonlyArray<L["object"]>, signal: AbortSignal) => B,
    options?: PromiseBorrowOptions<A, D, C>
  ) => Promise<Awaited<B>>
  /** Takes a lease without waiting. Where an object of another key would have to go for it, this throws `NotSynchronous`. */
  readonly borrowSync: (key: K, options?: Omit<BorrowOptions<A, D, C>, "timeout">) => L
  /** Puts an object in. Rejects with `PoolFull` where there is no room for it, or others wait for some. */
  readonly add: (key: K, object: A, options?: PromiseAddOptions<A, D>) => Promise<PromiseAddedObject<A, D>>
  /** Puts objects in, all or none. */
  readonly addAll: (
    key: K,
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ) => Promise<ReadonlyArray<PromiseAddedObject<A, D>>>
  /** `add`, at once: throws where it would have to wait, as for `remember` or a hook. */
  readonly addSync: (key: K, object: A, options?: PromiseAddOptions<A, D>) => PromiseAddedObject<A, D>
  /** `addAll`, at once. */
  readonly addAllSync: (
    key: K,
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ) => ReadonlyArray<PromiseAddedObject<A, D>>
  /** Takes an object of a key out, when its lease has ended. Was it in? */
  readonly remove: (key: K, object: A | PooledObject<A, D>) => boolean
  /** Is an object in the pool of a key? */
  readonly has: (key: K, object: A | PooledObject<A, D>) => boolean
  /** The record of an object of a key; none where it is not in. */
  readonly get: (key: K, object: A | PooledObject<A, D>) => KeyedObject<K, A, D> | undefined
  /** Benches an object of a key from outside a lease. Was it in? */
  readonly rest: (key: K, object: A | PooledObject<A, D>, duration: Duration.Input) => boolean
  /** Ends the rest of an object of a key now. Was there one to end? */
  readonly wake: (key: K, object: A | PooledObject<A, D>) => boolean
  /** Has the weight or rank of an object of a key read again. Was it in? */
  readonly reconsider: (key: K, object: A | PooledObject<A, D>) => boolean
  /** Takes a lease back, or all those of an object. Was there any? */
  readonly revoke: (key: K, target: PromiseLease<A, D, unknown> | PooledObject<A, D>) => boolean
  /** Resolves when the minimum of a key can be lent, or is. */
  readonly ready: (key: K) => Promise<void>
  /** Detects the objects of all keys. */
  readonly detect: () => Promise<void>
  /** Another size of the whole, and of each key that has none of its own. Throws `InvalidPoolOptions` or `PoolClosed`. */
  readonly resize: (size: KeyedSize) => void
  /** Another size of one key, until it is forgotten. */
  readonly resizeKey: (
    key: K,
    size: { readonly min?: number | undefined; readonly max?: number | "Infinity" | undefined }
  ) => void
  /** Replaces every made object of all keys. */
  readonly rotate: () => Promise<void>
  /** No new leases, of any key. Throws `PoolClosed`. */
  readonly suspend: () => void
  /** Ends a suspension. Throws `PoolClosed`. */
  readonly resume: () => void
  /** Suspends, and resolves when every lease is back, or `resume` is called. */
  readonly drain: () => Promise<void>
  /** The keys that are known. */
  readonly keys: () => ReadonlyArray<K>
  /** The counts of all keys; and by class, where there are some. */
  readonly stats: () => PoolStats
  /** The counts of one key; none where it is not known. Its `classes` are those of all keys. */
  readonly statsOf: (key: K) => PoolStats | undefined
  /** The records of all objects, key by key. */
  readonly objects: () => ReadonlyArray<KeyedObject<K, A, D>>
  /** The open leases, key by key. */
  readonly leases: () => ReadonlyArray<KeyedPromiseLease<K, A, D>>
  /** What happens from now on, of all keys, in order, until all is closed. */
  readonly events: () => AsyncIterable<KeyedEvent<K>>
  /** Closes the pool of one key, and forgets it. Answers whether it was known. */
  readonly forget: (key: K) => Promise<boolean>
  /** Closes all of them. Resolves when nothing is left. Idempotent. */
  readonly close: () => Promise<void>
}

/**
 * Makes promise pools by key.
 *
 * **Example** (A browser for each proxy)
 *
 * ```ts
 * import { KeyedPromisePool } from "effect-object-pool/promise"
 *
 * await using pool = KeyedPromisePool.make({
 *   acquire: async (host: string) => new URL(`http://${host}`),
 *   size: { max: 20, perKey: { max: 4 } }
 * })
 *
 * const port = await pool.with("127.0.0.1:8080", (url) => url.port)
 *
 * port // => "8080"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const KeyedPromisePool: {
  /** Throws `InvalidPoolOptions`, also where there are no options. */
  readonly make: {
    <K, A, D = undefined, C extends string = never>(
      options: KeyedPromiseOptions<K, A, D, A, C> & { readonly pack?: undefined }
    ): KeyedPromisePool<K, A, D, KeyedPromiseLease<K, A, D>, C>
    <K, A, D = undefined, P = A, C extends string = never>(
      options: KeyedPromiseOptions<K, A, D, P, C>
    ): KeyedPromisePool<K, A, D, KeyedPromiseLease<K, A, D, P>, C>
  }
} = {
  make: <K, A, D, P>(options: KeyedPromiseOptions<K, A, D, P>) => {
    const name = toName(options, "KeyedPromisePool")
    const lines = logging(checks(name).call("log", options.log))
    const running = new Running(name, Context.merge(services, lines), true)
    const scope = Scope.makeUnsafe()
    const { remember: _none, ...inner } = toOptions(options as never, running, keyedKeys)
    // what its callbacks need is nothing: they are functions
    const made = KeyedPool.make(inner as never) as Effect.Effect<AnyKeyed<K, A, D>, never, Scope.Scope>
    return new KeyedPromised(running.now(Scope.provide(made, scope)), running, Scope.close(scope, Exit.void)) as never
  }
}

type AnyKeyed<K, A, D> = KeyedPool<K, A, D, unknown, unknown>

/** Pools by key whose operations are run: each by the pool of its key, as a promise pool. */
class KeyedPromised<K, A, D> {
  readonly #pool: AnyKeyed<K, A, D>
  readonly #keyed: Keyed<K, A, D>
  readonly #running: Running
  readonly #disposal: Effect.Effect<void>

  constructor(pool: AnyKeyed<K, A, D>, running: Running, disposal: Effect.Effect<void>) {
    this.#pool = pool
    this.#keyed = keyedOf(pool) as unknown as Keyed<K, A, D>
    this.#running = running
    this.#disposal = disposal
    // functions cannot be cloned
    for (const name of Object.keys(this)) Object.defineProperty(this, name, { enumerable: false })
  }

  get name(): string {
    return this.#pool.name
  }

  borrow = (key: K, options?: PromiseBorrowOptions<A, D>): Promise<PackedLease<unknown>> =>
    attempt(() => this.#of(key).borrow(options))
  with = <B>(
    key: K,
    f: (object: never, signal: AbortSignal) => B,
    options?: PromiseWithOptions<A, D>
  ): Promise<Awaited<B>> => attempt(() => this.#of(key).with(f, options))
  borrowMany = (
    key: K,
    n: number,
    options?: PromiseBorrowOptions<A, D>
  ): Promise<ReadonlyArray<PackedLease<unknown>>> => attempt(() => this.#of(key).borrowMany(n, options))
  withMany = <B>(
    key: K,
    n: number,
    f: (objects: never, signal: AbortSignal) => B,
    options?: PromiseBorrowOptions<A, D>
  ): Promise<Awaited<B>> => attempt(() => this.#of(key).withMany(n, f, options))
  borrowSync = (key: K, options?: Omit<BorrowOptions<A, D>, "timeout">): PackedLease<unknown> =>
    this.#of(key).borrowSync(options)

  add = (key: K, object: A, options?: PromiseAddOptions<A, D>): Promise<PromiseAddedObject<A, D>> =>
    attempt(() => this.#of(key).add(object, options))
  addAll = (
    key: K,
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ): Promise<ReadonlyArray<PromiseAddedObject<A, D>>> => attempt(() => this.#of(key).addAll(objects, options))
  addSync = (key: K, object: A, options?: PromiseAddOptions<A, D>): PromiseAddedObject<A, D> =>
    this.#of(key).addSync(object, options)
  addAllSync = (
    key: K,
    objects: Iterable<A>,
    options?: PromiseAddOptions<A, D>
  ): ReadonlyArray<PromiseAddedObject<A, D>> => this.#of(key).addAllSync(objects, options)

  remove = (key: K, object: A | PooledObject<A, D>): boolean => this.#find(key)?.remove(object) ?? false
  has = (key: K, object: A | PooledObject<A, D>): boolean => this.#find(key)?.has(object) ?? false
  get = (key: K, object: A | PooledObject<A, D>): PooledObject<A, D> | undefined => this.#find(key)?.get(object)
  rest = (key: K, object: A | PooledObject<A, D>, duration: Duration.Input): boolean =>
    this.#find(key)?.rest(object, duration) ?? false
  wake = (key: K, object: A | PooledObject<A, D>): boolean => this.#find(key)?.wake(object) ?? false
  reconsider = (key: K, object: A | PooledObject<A, D>): boolean => this.#find(key)?.reconsider(object) ?? false
  revoke = (key: K, target: PromiseLease<A, D, unknown> | PooledObject<A, D>): boolean =>
    this.#find(key)?.revoke(target) ?? false
  ready = (key: K): Promise<void> => attempt(() => this.#of(key).ready())

  detect = (): Promise<void> => this.#running.promise(this.#pool.detect)
  resize = (size: KeyedSize): void => this.#running.now(this.#pool.resize(size))
  resizeKey = (key: K, size: Parameters<AnyKeyed<K, A, D>["resizeKey"]>[1]): void =>
    this.#running.now(this.#pool.resizeKey(key, size))
  rotate = (): Promise<void> => this.#running.promise(this.#pool.rotate)
  suspend = (): void => this.#running.now(this.#pool.suspend)
  resume = (): void => this.#running.now(this.#pool.resume)
  drain = (): Promise<void> => this.#running.promise(this.#pool.drain)
  keys = (): ReadonlyArray<K> => this.#running.now(this.#pool.keys)
  stats = (): PoolStats => this.#running.now(this.#pool.stats)
  statsOf = (key: K): PoolStats | undefined => this.#running.now(this.#pool.statsOf(key))
  objects = (): ReadonlyArray<KeyedObject<K, A, D>> => this.#running.now(this.#pool.objects)
  leases = (): ReadonlyArray<PromiseLease<A, D>> =>
    this.#running.now(this.#pool.leases).map((lease) => FullLease.of(this.#running, lease))
  events = (): AsyncIterable<KeyedEvent<K>> => Stream.toAsyncIterableWith(this.#pool.events, this.#running.context)
  forget = (key: K): Promise<boolean> => this.#running.promise(this.#pool.forget(key))
  close = (): Promise<void> => this.#running.promise(Effect.andThen(this.#pool.close, this.#disposal))
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The pool of a key, which is made if it is not there. Throws `PoolClosed`, and on what is no key. */
  #of(key: K): Promised<A, D, unknown, unknown> {
    const core = this.#keyed.of(key)
    if (core === undefined) return this.#running.now(this.#keyed.closedFailure)
    return this.#view(core)
  }

  #find(key: K): Promised<A, D, unknown, unknown> | undefined {
    const core = this.#keyed.find(key)
    return core && this.#view(core)
  }

  #view(core: NonNullable<ReturnType<Keyed<K, A, D>["find"]>>): Promised<A, D, unknown, unknown> {
    return this.#keyed.with(
      core,
      "promised",
      (core) => new Promised(operations(core) as ObjectPool<A, D, unknown, unknown>, this.#running, undefined)
    )
  }

  static {
    shows(this.prototype, (self) => ({ _id: "KeyedPromisePool", name: self.name, stats: self.stats() }))
  }
}
