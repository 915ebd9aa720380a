/**
 * Declares a pool as a tag: the pool is a `Layer`, borrowing is `yield* Connections.borrow` anywhere it is provided.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { configured } from "./internal/pool/configured.ts"
import type { AnyOptions } from "./internal/pool/options.ts"
import * as Site from "./internal/structures/site.ts"
import type { Lease } from "./Lease.ts"
import { assemble, type ObjectPool, type Operations } from "./ObjectPool.ts"
import type { InvalidPoolOptions } from "./PoolError.ts"
import type { DataRequired, Declared, PoolOptions, PoolSettings, RememberedIn, SettingsOf } from "./PoolOptions.ts"

/**
 * The type-level record of `PoolService<Self, A, { error, data, pack, classes }>()`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolTypes {
  /** What `acquire` and `pack` may fail with. */
  readonly error?: unknown
  /** The data of each object. */
  readonly data?: unknown
  /** What a borrower gets. */
  readonly pack?: unknown
  /** The names of the classes of borrowers. */
  readonly classes?: string
}

/**
 * @category utility types
 * @since 0.1.0
 */
export declare namespace PoolTypes {
  /**
   * @category utility types
   * @since 0.1.0
   */
  export type Error<T> = T extends { readonly error: infer E } ? E : never
  /**
   * @category utility types
   * @since 0.1.0
   */
  export type Data<T> = T extends { readonly data: infer D } ? D : undefined
  /**
   * @category utility types
   * @since 0.1.0
   */
  export type Pack<A, T> = T extends { readonly pack: infer P } ? P : Lease<A, Data<T>>
  /**
   * @category utility types
   * @since 0.1.0
   */
  export type Classes<T> = T extends { readonly classes: infer C extends string } ? C : never
}

/**
 * A tag declared by its interface: the layer comes later, and another one in tests.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolClass<
  in out Self,
  in out Id extends string,
  in out A,
  in out D,
  in out E,
  in out P,
  in out C extends string = never
> extends Context.ServiceClass<Self, Id, ObjectPool<A, D, E, P, C>>, Operations<Self, A, D, E, P, C> {
  /** The pool, from options in code. Options that make no sense are a defect, an `InvalidPoolOptions`. */
  readonly layer: <
    RA = never,
    RP = never,
    RS = never,
    RD = never,
    RB = never,
    RR = never,
    K extends string = never
  >(
    options: PoolOptions<A, D, E, E, P, RA, RP, RS, RD, RB, RR, K, C> & Declared<A, D, P, C>
  ) => Layer.Layer<Self, never, Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>>
  /**
   * The same, with settings (plain data, each a `Config`) read from the environment and laid over the options: a setting
   * replaces only its own key.
   */
  readonly layerConfig: <
    RA = never,
    RP = never,
    RS = never,
    RD = never,
    RB = never,
    RR = never,
    K extends string = never
  >(
    options: PoolOptions<A, D, E, E, P, RA, RP, RS, RD, RB, RR, K, C> & Declared<A, D, P, C>,
    settings: Config.Wrap<SettingsOf<C>>
  ) => Layer.Layer<
    Self,
    Config.ConfigError | InvalidPoolOptions,
    Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>
  >
}

/**
 * A tag declared by its options: everything is inferred, and `layer` is a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolClassWithLayer<
  in out Self,
  in out Id extends string,
  in out A,
  in out D,
  in out E,
  in out P,
  in out R,
  in out C extends string = never
> extends Context.ServiceClass<Self, Id, ObjectPool<A, D, E, P, C>>, Operations<Self, A, D, E, P, C> {
  /** The pool, from the options of the declaration. */
  readonly layer: Layer.Layer<Self, never, R>
  /** The same, with settings read from the environment and laid over the options: see {@link PoolClass}. */
  readonly layerConfig: (
    settings: Config.Wrap<SettingsOf<C>>
  ) => Layer.Layer<Self, Config.ConfigError | InvalidPoolOptions, R>
}

type MissingSelf = "Missing `Self`: write `class Keys extends PoolService<Keys, ApiKey>()(\"app/Keys\") {}`"
type MissingObject = "Give `acquire` or `objects`, or name the object: `PoolService<Keys, ApiKey>()(\"app/Keys\")`"
type NotAnnotated =
  "A callback needs its parameter annotated here: `Effect.fnUntraced(function*(pooled: PooledObject<ApiKey>) {…})`, or `(pooled) => Effect.gen(…)`"
type UnknownType = "The third type parameter knows `error`, `data`, `pack` and `classes`"

/**
 * What `PoolService<Self, A, T>()` gives.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeclarePool<Self, A, T> {
  <const Id extends string>(
    id: Id
  ): PoolClass<Self, Id, A, PoolTypes.Data<T>, PoolTypes.Error<T>, PoolTypes.Pack<A, T>, PoolTypes.Classes<T>>
}

/**
 * What `PoolService<Self>()` gives.
 *
 * @category models
 * @since 0.1.0
 */
export interface InferPool<Self> {
  <
    const Id extends string,
    A,
    D = undefined,
    EA = never,
    EP = never,
    P = Lease<A, D>,
    RA = never,
    RP = never,
    RS = never,
    RD = never,
    RB = never,
    RR = never,
    K extends string = never,
    C extends string = never
  >(
    id: Id,
    options: PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, K, C> & DataRequired<NoInfer<D>>
  ): [Self] extends [never] ? MissingSelf
    : [unknown] extends [A] ? MissingObject
    : [unknown] extends [RA | RP | RS | RD | RB | RR] ? NotAnnotated
    : PoolClassWithLayer<
      Self,
      Id,
      A,
      D,
      EA | EP,
      P,
      Exclude<RA | RP, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>,
      C
    >
}

/**
 * Declares a pool as a tag, in two forms.
 *
 * **Details**
 *
 * By its interface, with the layer later: `class Keys extends PoolService<Keys, ApiKey, { error: VaultError }>()("app/Keys") {}`,
 * then `Keys.layer(options)`. By its options, everything inferred:
 * `class Sessions extends PoolService<Sessions>()("app/Sessions", options) {}`, then `Sessions.layer`. The tag has every
 * operation of the pool as a static member. Its id is the pool's name in errors and logs.
 *
 * **Gotchas**
 *
 * Each call of `layer` makes a layer of its own, and so a pool of its own: keep it in a constant, and provide it once.
 * `layer` is taken: a layer of your own as a static member needs another name, such as `live`.
 *
 * **Example** (Declaring a pool)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { PoolService } from "effect-object-pool"
 *
 * class Licences extends PoolService<Licences, string>()("app/Licences") {}
 * const LicencesLayer = Licences.layer({ objects: ["A-1", "A-2"] })
 *
 * const program = Licences.with((lease) => Effect.succeed(lease.object.slice(0, 2)))
 *
 * await Effect.runPromise(Effect.provide(program, LicencesLayer)) // => "A-"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const PoolService: <Self = never, A = never, T extends PoolTypes = {}>() => [A] extends [never] ? InferPool<Self>
  : [Exclude<keyof T, keyof PoolTypes>] extends [never] ? DeclarePool<Self, A, T>
  : (id: string) => UnknownType = () => declare as never

type AnyPool = ObjectPool<unknown, unknown, unknown, unknown>

const declare = (id: string, options?: AnyOptions<unknown, unknown>): unknown => {
  const tag = Context.Service<AnyPool, AnyPool>()(id)
  const layer = (options: AnyOptions<unknown, unknown>) =>
    Layer.effect(tag, Effect.withFiber((fiber) => Effect.succeed(assemble(id, options, fiber))))
  const layerConfig = (options: AnyOptions<unknown, unknown>, settings: Config.Wrap<PoolSettings>) =>
    configured(tag, options, settings, (options, fiber) => assemble(id, options, fiber))
  // some are made when they are read: they are not to be read here
  const complete = Object.defineProperties(tag, Object.getOwnPropertyDescriptors(accessors(tag)))
  return Object.assign(complete, {
    layer: options === undefined ? layer : layer(options),
    layerConfig: options === undefined
      ? layerConfig
      : (settings: Config.Wrap<PoolSettings>) => layerConfig(options, settings)
  })
}

/** Every operation of the pool, on the tag. */
const accessors = (tag: Context.Service<AnyPool, AnyPool>): Operations<AnyPool, unknown, unknown, unknown, unknown> => {
  const reach = <B, E, R>(f: (pool: AnyPool) => Effect.Effect<B, E, R>) =>
    Effect.withFiber<B, E, R | AnyPool>((fiber) => f(Context.getUnsafe(fiber.context as Context.Context<AnyPool>, tag)))
  const reachFrom = <B, E, R>(site: Site.Site | undefined, f: (pool: AnyPool) => Effect.Effect<B, E, R>) =>
    reach(Site.handing(site, f))
  const operations: Operations<AnyPool, unknown, unknown, unknown, unknown> = {
    borrow: reachFrom(undefined, (pool) => pool.borrow),
    borrowWith: (options) => reachFrom(Site.ofTag(operations.borrowWith), (pool) => pool.borrowWith(options)),
    tryBorrow: reachFrom(undefined, (pool) => pool.tryBorrow),
    tryBorrowWith: (options) => reachFrom(Site.ofTag(operations.tryBorrowWith), (pool) => pool.tryBorrowWith(options)),
    with: (f, options) => reachFrom(Site.ofTag(operations.with), (pool) => pool.with(f, options)),
    borrowMany: (n, options) => reachFrom(Site.ofTag(operations.borrowMany), (pool) => pool.borrowMany(n, options)),
    withMany: (n, f, options) => reachFrom(Site.ofTag(operations.withMany), (pool) => pool.withMany(n, f, options)),
    add: (object, options) => reach((pool) => pool.add(object, options)),
    addAll: (objects, options) => reach((pool) => pool.addAll(objects, options)),
    remove: (object) => reach((pool) => pool.remove(object)),
    has: (object) => reach((pool) => pool.has(object)),
    get: (object) => reach((pool) => pool.get(object)),
    detect: reach((pool) => pool.detect),
    rest: (object, duration) => reach((pool) => pool.rest(object, duration)),
    wake: (object) => reach((pool) => pool.wake(object)),
    reconsider: (object) => reach((pool) => pool.reconsider(object)),
    revoke: (target) => reach((pool) => pool.revoke(target)),
    ready: reach((pool) => pool.ready),
    resize: (size) => reach((pool) => pool.resize(size)),
    rotate: reach((pool) => pool.rotate),
    suspend: reach((pool) => pool.suspend),
    resume: reach((pool) => pool.resume),
    drain: reach((pool) => pool.drain),
    stats: reach((pool) => pool.stats),
    objects: reach((pool) => pool.objects),
    leases: reach((pool) => pool.leases),
    events: Stream.unwrap(Effect.map(tag, (pool) => pool.events)),
    close: reach((pool) => pool.close)
  }
  for (const name of ["borrow", "tryBorrow"] as const) {
    const usual = operations[name]
    Site.property(operations, name, (get) => {
      const site = Site.ofTag(get)
      return site === undefined ? usual : reachFrom(site, (pool) => pool[name])
    })
  }
  return operations
}
