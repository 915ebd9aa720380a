/**
 * A pool for each key, and one ceiling over all of them: sessions for each tenant, browsers for each proxy, connections for
 * each host.
 *
 * **When to use**
 *
 * Use where objects of one key are of no use to another, and there are more keys than there can be objects. Where every key
 * has one object that all share, effect's `RcMap` is enough.
 *
 * **Details**
 *
 * Each key has an ordinary pool, made when the key is first borrowed, from the same options; all that those say of a pool
 * is said of the pool of each key, but for `size.max`. Objects of all keys, those being made and destroyed included, never
 * exceed `size.max`. Where that is full, the object of another key that has been idle longest goes for a borrower, and what
 * is made takes its room when it has ended; no object of a key's minimum does, nor one that is lent, rests, is being
 * detected, or was added. Room that becomes free goes to whoever has waited longest and may use it, of all keys; an object
 * that comes back serves its own key first. Within a key, priorities and the order of arrival are those of a pool. `classes`
 * of borrowers are over all keys: an object that comes back goes for another key where it is the turn of a class that waits
 * only there.
 *
 * Keys are compared as effect's `Equal` compares: primitives by their value, records, arrays and `Data` by what is in them,
 * anything else by identity. `undefined` and `NaN` are refused. A record must not be changed while it is a key.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Allowance } from "./Allowance.ts"
import { configured } from "./internal/pool/configured.ts"
import { keyedOperations, resolveKeyed } from "./internal/pool/keyedOperations.ts"
import { toName } from "./internal/pool/options.ts"
import { list } from "./internal/state/pools.ts"
import * as Scopes from "./internal/structures/scope.ts"
import * as Site from "./internal/structures/site.ts"
import type { Lease } from "./Lease.ts"
import type { AddedObject, PooledObject } from "./PooledObject.ts"
import type {
  BorrowError,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolFull,
  PoolStats
} from "./PoolError.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import type { AddOptions, BorrowOptions, ClassOptions, PoolOptions, PoolSettings, WithOptions } from "./PoolOptions.ts"
import type { PoolTypes } from "./PoolService.ts"
import type { Self } from "./Self.ts"
import type { Status } from "./Status.ts"

/**
 * The record of an object of one key among many.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedObject<out K, out A, out D = undefined> extends PooledObject<A, D> {
  /** Whose it is. Ids are unique, and grow, over all keys. */
  readonly key: K
}

/**
 * A lease of an object of one key among many.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedLease<out K, out A, out D = undefined> extends Lease<A, D> {
  readonly pooled: KeyedObject<K, A, D>
}

/**
 * An event of one key; without a `key`, of the whole.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyedEvent<K> = PoolEvent & { readonly key?: K }

/**
 * How much room there is, and how much of it each key may have.
 *
 * @category options
 * @since 0.1.0
 */
export interface KeyedSize {
  /**
   * The most objects that there are at once, of all keys, those being made or destroyed included.
   *
   * @default `10`; without `acquire` no maximum
   */
  readonly max?: number | "Infinity" | undefined
  readonly perKey?: {
    /**
     * How many objects to keep for each key: made in the background from its first borrow on, and again when one leaves. They
     * go for no other key; and a key that keeps some is never forgotten.
     *
     * @default `0`
     */
    readonly min?: number | undefined
    /**
     * The most objects of one key.
     *
     * @default as many as there is room for
     */
    readonly max?: number | "Infinity" | undefined
  } | undefined
}

/**
 * The part of the options that is plain data: what `layerConfig` can read from the environment.
 *
 * @category options
 * @since 0.1.0
 */
export interface KeyedSettings extends Omit<PoolSettings, "size"> {
  readonly size?: KeyedSize | undefined
  /**
   * How long a key is known that has no object, no lease, and nobody who waits. A borrow meanwhile finds it as it was: its
   * totals, its size, and how long attempts wait after failures. It costs some hundred bytes until then.
   *
   * @default `"10 minutes"`
   */
  readonly idleKeys?: Duration.Input | undefined
}

/**
 * Everything that pools by key are made from: the options of a pool, whose functions are given the key.
 *
 * **Details**
 *
 * `classes` are over all keys: `most`, `reserve` and `weight` are of the leases of all keys together.
 *
 * @category options
 * @since 0.1.0
 */
export interface KeyedOptions<
  K,
  A,
  D,
  EA,
  EP,
  P,
  RA = never,
  RP = never,
  RS = never,
  RD = never,
  RB = never,
  RR = never,
  C extends string = never
> extends
  Omit<
    PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, never, C>,
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
  >,
  Pick<KeyedSettings, "size" | "idleKeys">
{
  /** Makes an object of a key: see `PoolOptions`. One that throws, or fails, for one key does so for nobody else. */
  readonly acquire?: ((key: K, self: Self) => Effect.Effect<A, EA, RA>) | undefined
  /** Data of each object, or what makes it. */
  readonly data?: D | ((object: A, key: NoInfer<K>) => D) | undefined
  /** How much an object of a key may be used in a time: see `PoolOptions`. */
  readonly allowance?:
    | Allowance
    | ReadonlyArray<Allowance>
    | ((pooled: KeyedObject<NoInfer<K>, NoInfer<A>, NoInfer<D>>) => Allowance | ReadonlyArray<Allowance>)
    | undefined
  /** How long one lease may last: the same for all, or asked for each lease. */
  readonly leaseTimeout?:
    | Duration.Input
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => Duration.Input)
    | undefined
  /** Makes what a borrower gets of its lease. */
  readonly pack?: ((lease: KeyedLease<NoInfer<K>, A, NoInfer<D>>) => P | Effect.Effect<P, EP, RP>) | undefined
  /** What the end of a lease says of its object: see `PoolOptions`. */
  readonly judge?:
    | ((
      exit: Exit.Exit<unknown, unknown>,
      pooled: KeyedObject<NoInfer<K>, NoInfer<A>, NoInfer<D>>
    ) => Status.Answer | undefined)
    | undefined
  /** Tells what an object is doing: see `PoolOptions`. */
  readonly detectStatus?:
    | ((
      pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>
    ) => Status.Answer | Effect.Effect<Status.Answer, unknown, RD>)
    | undefined
  /** Prepares an object before it is lent. One that it fails for is destroyed. */
  readonly onBorrow?:
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RB>)
    | undefined
  /** Cleans an object that has come back. One that it fails for is destroyed. */
  readonly onRelease?:
    | ((pooled: KeyedObject<NoInfer<K>, A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RR>)
    | undefined
}

/**
 * Every operation of the pools of many keys. `S` is what reaching them needs.
 *
 * **Details**
 *
 * An operation on a key does what the same operation of a pool does: see `Operations`. A key that is not known is made by a
 * borrow, by `add`, by `ready` and by `resizeKey`; the others answer as a pool that has nothing. What is no key is a defect, an
 * `InvalidPoolOptions`.
 *
 * When all is closed, what takes a key fails with `PoolClosed`, or answers as a closed pool does. `C` are the names of the
 * classes of borrowers.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedOperations<out S, in out K, in out A, in out D, out E, out P, in C extends string = never> {
  /**
   * Takes a lease of an object of a key. Where the minimums of other keys fill the whole, and the key has nothing, or the
   * reserves of other classes fill it, it fails at once, with `PoolExhausted`, `reason: "NoRoom"`.
   */
  readonly borrow: (key: K) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** `borrow`, with options of its own. */
  readonly borrowWith: (key: K, options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** Takes a lease without queueing. An idle object of another key may go for it. */
  readonly tryBorrow: (key: K) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** `tryBorrow`, with options of its own; its `timeout` counts for nothing. */
  readonly tryBorrowWith: (
    key: K,
    options: BorrowOptions<A, D, C>
  ) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** Borrows an object of a key, runs, gives back. A lease that is over before interrupts the body, and fails with `LeaseExpired`. */
  readonly with: <B, E1, R1>(
    key: K,
    f: (borrowed: P) => Effect.Effect<B, E1, R1>,
    options?: WithOptions<A, D, C>
  ) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired, S | R1>
  /**
   * Takes `n` leases of a key at once, all or nothing, each of another object: see `Operations`. Idle objects of other keys go
   * for what it lacks. What is set aside for it, until it has all, may go as well: for one of another key who has come
   * before it. So two borrowers of several never wait for each other, of whatever keys. `n` is a whole number from 1 to
   * `size.perKey.max`, and to `size.max`: another is refused at once, with `InvalidPoolOptions`. Where the minimums of other
   * keys, or a `resize`, leave it fewer, it fails with `PoolExhausted`, `reason: "NoRoom"`. Where there are `classes`, `n` is
   * 1.
   */
  readonly borrowMany: (
    key: K,
    n: number,
    options?: BorrowOptions<A, D, C>
  ) => Effect.Effect<ReadonlyArray<P>, E | BorrowError | InvalidPoolOptions, S | Scope.Scope>
  /** `borrowMany`, runs, and gives all of them back. A lease that is over before interrupts the body, and fails with `LeaseExpired`. */
  readonly withMany: <B, E1, R1>(
    key: K,
    n: number,
    f: (borrowed: ReadonlyArray<P>) => Effect.Effect<B, E1, R1>,
    options?: BorrowOptions<A, D, C>
  ) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | InvalidPoolOptions, S | R1>
  /** Puts an object in. Fails with `PoolFull` where there is no room for it, or others wait for some: nothing goes for it. */
  readonly add: <R = never>(
    key: K,
    object: A,
    options?: AddOptions<A, D, R>
  ) => Effect.Effect<AddedObject<A, D>, DuplicateObject | PoolFull | PoolClosed, S | R>
  /** Puts objects in, all or none: as `add` does. */
  readonly addAll: <R = never>(
    key: K,
    objects: Iterable<A>,
    options?: AddOptions<A, D, R>
  ) => Effect.Effect<ReadonlyArray<AddedObject<A, D>>, DuplicateObject | PoolFull | PoolClosed, S | R>
  /** Takes an object of a key out, when its lease has ended. Was it in? */
  readonly remove: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /** Is an object in the pool of a key? */
  readonly has: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /** The record of an object of a key; none where it is not in. */
  readonly get: (
    key: K,
    object: A | PooledObject<A, D>
  ) => Effect.Effect<KeyedObject<K, A, D> | undefined, never, S>
  /** Benches an object of a key from outside a lease. Was it in? */
  readonly rest: (key: K, object: A | PooledObject<A, D>, duration: Duration.Input) => Effect.Effect<boolean, never, S>
  /** Ends the rest of an object of a key now. Was there one to end? */
  readonly wake: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /** Has the weight or rank of an object of a key read again. Was it in? */
  readonly reconsider: (key: K, object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /** Takes a lease back, or all those of an object. */
  readonly revoke: (key: K, target: Lease<A, D> | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /** Waits until the minimum of a key can be lent, or is. */
  readonly ready: (key: K) => Effect.Effect<void, E | PoolClosed, S>
  /** Detects the objects of all keys, each key as its pool does. */
  readonly detect: Effect.Effect<void, PoolClosed, S>
  /**
   * Another size of the whole, and of each key that has none of its own. Where it shrinks, idle objects go, the one idle
   * longest first; those of a minimum last. Fails with `InvalidPoolOptions` where `max` is below what the classes have in
   * reserve.
   */
  readonly resize: (size: KeyedSize) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>
  /** Another size of one key, until it is forgotten. */
  readonly resizeKey: (
    key: K,
    size: { readonly min?: number | undefined; readonly max?: number | "Infinity" | undefined }
  ) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>
  /** Replaces every made object of all keys. */
  readonly rotate: Effect.Effect<void, PoolClosed, S>
  /** No new leases, of any key. */
  readonly suspend: Effect.Effect<void, PoolClosed, S>
  /** Ends a suspension, also of the keys that have come since. */
  readonly resume: Effect.Effect<void, PoolClosed, S>
  /** Suspends, and waits until every lease is back but those of the caller, or `resume` is called. */
  readonly drain: Effect.Effect<void, PoolClosed, S>
  /** The keys that are known. */
  readonly keys: Effect.Effect<ReadonlyArray<K>, never, S>
  /**
   * The counts of all keys, and `size.max`. Totals include those of keys that were forgotten. A walk over the keys that have
   * something. `classes` are of all keys.
   */
  readonly stats: Effect.Effect<PoolStats, never, S>
  /** The counts of one key; none where it is not known. Its `classes` are those of all keys, which share what they may have. */
  readonly statsOf: (key: K) => Effect.Effect<PoolStats | undefined, never, S>
  /** The records of all objects, key by key. */
  readonly objects: Effect.Effect<ReadonlyArray<KeyedObject<K, A, D>>, never, S>
  /** The open leases, key by key. */
  readonly leases: Effect.Effect<ReadonlyArray<KeyedLease<K, A, D>>, never, S>
  /** What happens from now on, of all keys, in order, until all is closed. */
  readonly events: Stream.Stream<KeyedEvent<K>, never, S>
  /**
   * Closes the pool of one key, as a pool closes, and forgets it: who waits for it fails with `PoolClosed`, and so does who
   * borrows it meanwhile. A borrow after that begins anew. Ends when nothing is left; answers whether the key was known. An
   * interruption ends the wait, not the closing.
   */
  readonly forget: (key: K) => Effect.Effect<boolean, never, S>
  /** What closing the scope does: all pools close, each as a pool does. Idempotent; ends when nothing is left. */
  readonly close: Effect.Effect<void, never, S>
}

/**
 * Pools by key, under one ceiling.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedPool<
  in out K,
  in out A,
  in out D = undefined,
  out E = never,
  out P = KeyedLease<K, A, D>,
  in C extends string = never
> extends KeyedOperations<never, K, A, D, E, P, C> {
  readonly name: string
}

/**
 * A tag of pools by key.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyedPoolClass<
  in out Self,
  in out Id extends string,
  in out K,
  in out A,
  in out D,
  in out E,
  in out P,
  in out C extends string = never
> extends Context.ServiceClass<Self, Id, KeyedPool<K, A, D, E, P, C>>, KeyedOperations<Self, K, A, D, E, P, C> {
  /** The pools, from options in code. Options that make no sense are a defect, an `InvalidPoolOptions`. */
  readonly layer: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never>(
    options: KeyedOptions<K, A, D, E, E, P, RA, RP, RS, RD, RB, RR, C> & KeyedDeclared<K, A, D, P, C>
  ) => Layer.Layer<Self, never, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR>
  /**
   * The same, with settings (plain data, each a `Config`) read from the environment and laid over the options: a setting
   * replaces only its own key.
   */
  readonly layerConfig: <RA = never, RP = never, RS = never, RD = never, RB = never, RR = never>(
    options: KeyedOptions<K, A, D, E, E, P, RA, RP, RS, RD, RB, RR, C> & KeyedDeclared<K, A, D, P, C>,
    settings: Config.Wrap<KeyedSettings>
  ) => Layer.Layer<
    Self,
    Config.ConfigError | InvalidPoolOptions,
    Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR
  >
}

/**
 * What the options of a declared tag must also have: `data`, `pack` and `classes` where they were declared.
 *
 * @category utility types
 * @since 0.1.0
 */
export type KeyedDeclared<K, A, D, P, C extends string = never> =
  & ([undefined] extends [D] ? {} : { readonly data: {} | null })
  & ([C] extends [never] ? {} : {
    /** Required, since the tag was declared with classes: see `PoolOptions`. */
    readonly classes: { readonly [Name in C]: ClassOptions }
  })
  & ([KeyedLease<K, A, D>] extends [P] ? {} : {
    /** Makes what the tag was declared to lend. */
    readonly pack: (lease: KeyedLease<K, A, D>) => unknown
  })

/**
 * @category utility types
 * @since 0.1.0
 */
export declare namespace KeyedPoolTypes {
  /**
   * @category utility types
   * @since 0.1.0
   */
  export type Pack<K, A, T> = T extends { readonly pack: infer P } ? P : KeyedLease<K, A, PoolTypes.Data<T>>
}

/**
 * Makes pools by key.
 *
 * **Example** (Sessions for each tenant)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { KeyedPool } from "effect-object-pool"
 *
 * interface Session {
 *   readonly role: string
 * }
 *
 * class Tenants extends KeyedPool.Service<Tenants, string, Session>()("app/Tenants") {}
 *
 * const TenantsLayer = Tenants.layer({
 *   acquire: (tenant) => Effect.succeed({ role: `role_of_${tenant}` }),
 *   size: { max: 50, perKey: { max: 5 } }
 * })
 *
 * const program = Tenants.with("acme", (lease) => Effect.succeed(lease.object.role))
 *
 * await Effect.runPromise(Effect.provide(program, TenantsLayer)) // => "role_of_acme"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const KeyedPool: {
  /** Declares pools by key as a tag: `class Tenants extends KeyedPool.Service<Tenants, TenantId, Session>()("app/Tenants") {}`. */
  readonly Service: <Self, K, A, T extends PoolTypes = {}>() => <const Id extends string>(
    id: Id
  ) => KeyedPoolClass<
    Self,
    Id,
    K,
    A,
    PoolTypes.Data<T>,
    PoolTypes.Error<T>,
    KeyedPoolTypes.Pack<K, A, T>,
    PoolTypes.Classes<T>
  >
  /**
   * Pools that close with the scope. They take `Clock`, `Random` and what the callbacks need from the fiber that builds them.
   * Options that make no sense are a defect, an `InvalidPoolOptions`.
   */
  readonly make: <
    K,
    A,
    D = undefined,
    EA = never,
    EP = never,
    P = KeyedLease<K, A, D>,
    RA = never,
    RP = never,
    RS = never,
    RD = never,
    RB = never,
    RR = never,
    C extends string = never
  >(
    options: KeyedOptions<K, A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, C> & { readonly name?: string | undefined }
  ) => Effect.Effect<KeyedPool<K, A, D, EA | EP, P, C>, never, Scope.Scope | RA | RP | RS | RD | RB | RR>
} = {
  Service: () => (id) => declare(id) as never,
  make: (options) =>
    Effect.withFiber((fiber) => Effect.succeed(assembleKeyed(toName(options, "KeyedPool"), options, fiber) as never))
}

type AnyKeyed = KeyedPool<unknown, unknown, unknown, unknown, unknown>

/**
 * Builds pools by key in one step, in the scope of the fiber. Throws `InvalidPoolOptions`.
 */
const assembleKeyed = (name: string, options: object, fiber: Fiber.Fiber<unknown, unknown>): AnyKeyed => {
  const keyed = resolveKeyed(name, options, fiber.context)
  const scope = Context.getUnsafe(fiber.context, Scope.Scope)
  list(keyed.root)
  if (!Scopes.add(scope, keyed.root, () => keyed.close)) keyed.root.run(keyed.close)
  return keyedOperations(keyed) as AnyKeyed
}

const declare = (id: string): unknown => {
  const tag = Context.Service<AnyKeyed, AnyKeyed>()(id)
  const layer = (options: object) =>
    Layer.effect(tag, Effect.withFiber((fiber) => Effect.succeed(assembleKeyed(id, options, fiber))))
  const layerConfig = (options: object, settings: Config.Wrap<KeyedSettings>) =>
    configured(tag, options, settings, (options, fiber) => assembleKeyed(id, options, fiber))
  return Object.assign(tag, accessors(tag), { layer, layerConfig })
}

/** Every operation, on the tag. */
const accessors = (
  tag: Context.Service<AnyKeyed, AnyKeyed>
): KeyedOperations<AnyKeyed, unknown, unknown, unknown, unknown, unknown> => {
  const reach = <B, E, R>(f: (pool: AnyKeyed) => Effect.Effect<B, E, R>) =>
    Effect.withFiber<B, E, R | AnyKeyed>((fiber) =>
      f(Context.getUnsafe(fiber.context as Context.Context<AnyKeyed>, tag))
    )
  const reachFrom = <B, E, R>(operation: Function, f: (pool: AnyKeyed) => Effect.Effect<B, E, R>) =>
    reach(Site.handing(Site.ofTag(operation), f))
  const operations: KeyedOperations<AnyKeyed, unknown, unknown, unknown, unknown, unknown> = {
    borrow: (key) => reachFrom(operations.borrow, (pool) => pool.borrow(key)),
    borrowWith: (key, options) => reachFrom(operations.borrowWith, (pool) => pool.borrowWith(key, options)),
    tryBorrow: (key) => reachFrom(operations.tryBorrow, (pool) => pool.tryBorrow(key)),
    tryBorrowWith: (key, options) => reachFrom(operations.tryBorrowWith, (pool) => pool.tryBorrowWith(key, options)),
    with: (key, f, options) => reachFrom(operations.with, (pool) => pool.with(key, f, options)),
    borrowMany: (key, n, options) => reachFrom(operations.borrowMany, (pool) => pool.borrowMany(key, n, options)),
    withMany: (key, n, f, options) => reachFrom(operations.withMany, (pool) => pool.withMany(key, n, f, options)),
    add: (key, object, options) => reach((pool) => pool.add(key, object, options)),
    addAll: (key, objects, options) => reach((pool) => pool.addAll(key, objects, options)),
    remove: (key, object) => reach((pool) => pool.remove(key, object)),
    has: (key, object) => reach((pool) => pool.has(key, object)),
    get: (key, object) => reach((pool) => pool.get(key, object)),
    rest: (key, object, duration) => reach((pool) => pool.rest(key, object, duration)),
    wake: (key, object) => reach((pool) => pool.wake(key, object)),
    reconsider: (key, object) => reach((pool) => pool.reconsider(key, object)),
    revoke: (key, target) => reach((pool) => pool.revoke(key, target)),
    ready: (key) => reach((pool) => pool.ready(key)),
    detect: reach((pool) => pool.detect),
    resize: (size) => reach((pool) => pool.resize(size)),
    resizeKey: (key, size) => reach((pool) => pool.resizeKey(key, size)),
    rotate: reach((pool) => pool.rotate),
    suspend: reach((pool) => pool.suspend),
    resume: reach((pool) => pool.resume),
    drain: reach((pool) => pool.drain),
    keys: reach((pool) => pool.keys),
    stats: reach((pool) => pool.stats),
    statsOf: (key) => reach((pool) => pool.statsOf(key)),
    objects: reach((pool) => pool.objects),
    leases: reach((pool) => pool.leases),
    events: Stream.unwrap(Effect.map(tag, (pool) => pool.events)),
    forget: (key) => reach((pool) => pool.forget(key)),
    close: reach((pool) => pool.close)
  }
  return operations
}
