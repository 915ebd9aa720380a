/**
 * One pool for many processes: hosted by one of them, borrowed from by all.
 *
 * @since 0.1.0
 */
import type { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcServer from "effect/rpc/RpcServer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Claims } from "./internal/cluster/claims.ts"
import { define, type Definition } from "./internal/cluster/definition.ts"
import { clustered, gatewayed, hosted, type HostOptions, type Make } from "./internal/cluster/hosting.ts"
import * as Runners from "./internal/cluster/runners.ts"
import { local, member, remote } from "./internal/cluster/services.ts"
import * as Sockets from "./internal/cluster/sockets.ts"
import { coreOf } from "./internal/state/core.ts"
import type { Lease } from "./Lease.ts"
import { ObjectPool } from "./ObjectPool.ts"
import type { PooledObject } from "./PooledObject.ts"
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
import { PoolMetrics, type PoolMetricsOptions } from "./PoolMetrics.ts"
import type { Declared, PoolOptions, RememberedIn } from "./PoolOptions.ts"
import type {
  HeldLease,
  PooledPicture,
  PoolUnavailable,
  SharedAddOptions,
  SharedBorrowOptions,
  SharedLease
} from "./SharedLease.ts"

/**
 * Every operation of a shared pool. `S` is what reaching the pool needs: nothing on the pool itself, the tag on the tag.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedOperations<out S, in out A, in out D, out E, in out N, in C extends string = never> {
  /**
   * Takes a lease; it is given back when the scope closes.
   *
   * **Details**
   *
   * It waits at the host in the order of arrival there. Where the connection is lost meanwhile, it goes on to the next host
   * under its own deadline. Where there is none by then, it fails with `PoolUnavailable`; where the token or the schemas are
   * wrong, at once.
   *
   * **Gotchas**
   *
   * Nothing interrupts what is done with the object when the lease is lost: prefer `with`, or race the work with
   * `lease.expired`.
   */
  readonly borrow: Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>
  /** `borrow`, with a time-out, a need, a priority, a lease time-out, a cost, an affinity, a facet or a class of its own. */
  readonly borrowWith: (
    options: SharedBorrowOptions<N, C>
  ) => Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>
  /** Takes a lease without queueing behind other borrowers, or fails with `PoolExhausted`. */
  readonly tryBorrow: Effect.Effect<SharedLease<A, D>, E | BorrowError | PoolUnavailable, S | Scope.Scope>
  /**
   * Borrows, runs, gives back. When the lease is over before that, as by being lost, `f` is interrupted, does nothing more but
   * its finalizers, and the effect fails with `LeaseExpired`.
   *
   * **Details**
   *
   * Where the pool is in another process, `f` runs in a child fiber, and the lease is looked at before each step of it: also
   * after the process was frozen, the first thing that `f` would have done is not done.
   *
   * **Gotchas**
   *
   * What is no effect, such as what goes on in a promise, is not stopped: hand it the `AbortSignal` of `Effect.tryPromise`.
   * What was sent before the lease was lost may arrive later: hand `lease.fence` to the guarded system.
   */
  readonly with: <B, E1, R1>(
    f: (borrowed: SharedLease<A, D>) => Effect.Effect<B, E1, R1>,
    options?: SharedBorrowOptions<N, C>
  ) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | PoolUnavailable, S | R1>
  /**
   * Puts an object in: a copy of it, by the schema. One that is in the pool already, by what the schema makes of it, is
   * refused, but for primitives. It is not repeated when the answer is lost: then it fails with `PoolUnavailable`, and the
   * object may be in the pool.
   */
  readonly add: (
    object: A,
    options?: SharedAddOptions<D>
  ) => Effect.Effect<PooledPicture<D>, DuplicateObject | PoolFull | PoolClosed | PoolUnavailable, S>
  /** Puts objects in, all or none. */
  readonly addAll: (
    objects: Iterable<A>,
    options?: SharedAddOptions<D>
  ) => Effect.Effect<ReadonlyArray<PooledPicture<D>>, DuplicateObject | PoolFull | PoolClosed | PoolUnavailable, S>
  /** Takes an object out: the one of a picture, or every one that its schema makes the same of. Was there any? */
  readonly remove: (object: A | PooledPicture<D>) => Effect.Effect<boolean, PoolUnavailable, S>
  /** Benches an object from outside a lease. Was it in the pool? */
  readonly rest: (object: A | PooledPicture<D>, duration: Duration.Input) => Effect.Effect<boolean, PoolUnavailable, S>
  /** Ends the rest of an object now. Was there one to end? */
  readonly wake: (object: A | PooledPicture<D>) => Effect.Effect<boolean, PoolUnavailable, S>
  /** Detects every object that is not lent and does not rest until a known time. */
  readonly detect: Effect.Effect<void, PoolClosed | PoolUnavailable, S>
  /** The counts at this instant. */
  readonly stats: Effect.Effect<PoolStats, PoolUnavailable, S>
  /** Pictures of the objects, the oldest first. */
  readonly objects: Effect.Effect<ReadonlyArray<PooledPicture<D>>, PoolUnavailable, S>
  /** The open leases, the oldest first: which process has them. */
  readonly leases: Effect.Effect<ReadonlyArray<HeldLease>, PoolUnavailable, S>
  /** What happens from now on, until the pool is closed; fails when the connection is lost. */
  readonly events: Stream.Stream<PoolEvent, PoolUnavailable, S>
  /** Another `size.min`, `size.max` or `size.spare`. */
  readonly resize: (
    size: {
      readonly min?: number | undefined
      readonly max?: number | "Infinity" | undefined
      readonly spare?: number | undefined
    }
  ) => Effect.Effect<void, InvalidPoolOptions | PoolClosed | PoolUnavailable, S>
  /** Replaces every made object. */
  readonly rotate: Effect.Effect<void, PoolClosed | PoolUnavailable, S>
  /** No new leases: borrowers wait under their deadlines, `tryBorrow` fails. */
  readonly suspend: Effect.Effect<void, PoolClosed | PoolUnavailable, S>
  /** Ends a suspension. */
  readonly resume: Effect.Effect<void, PoolClosed | PoolUnavailable, S>
  /**
   * Suspends, and waits until every lease is back: from another process also those of whoever asks.
   */
  readonly drain: Effect.Effect<void, PoolClosed | PoolUnavailable, S>
}

/**
 * A shared pool, wherever its host is.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedPool<
  in out A,
  in out D = undefined,
  out E = never,
  in out N = never,
  in C extends string = never
> extends SharedOperations<never, A, D, E, N, C> {
  readonly name: string
}

/**
 * What a shared pool is made from: what any pool is, less `pack`, and how a borrower's need is met.
 *
 * **Details**
 *
 * With `remember`, objects that were added outlive the pool as well: each is written to the store, as its schema encodes it,
 * before `add` answers, and is there until it leaves a pool that does not close. So the store holds the objects themselves,
 * secrets included. Where it does not answer, `add` and `remove` fail with `PoolUnavailable`.
 *
 * @category options
 * @since 0.1.0
 */
export type SharedOptions<
  A,
  D,
  E,
  N,
  RA = never,
  RS = never,
  RD = never,
  RB = never,
  RR = never,
  K extends string = never,
  C extends string = never
> =
  & Omit<PoolOptions<A, D, E, never, Lease<A, D>, RA, never, RS, RD, RB, RR, K>, "pack" | "classes">
  & Declared<A, D, Lease<A, D>, C>
  & ([N] extends [never] ? {} : {
    /** May a borrower who asks for that have this object? Quick and pure, as a `where` is. */
    readonly meets: (pooled: PooledObject<A, D>, need: N) => boolean
  })

/**
 * What the host of a shared pool has beside that.
 *
 * @category options
 * @since 0.1.0
 */
export interface HostSettings {
  /**
   * How long a borrower holds what it has after it has last reached the host. The host waits a tenth longer. It is renewed
   * after a third of this. At least 100 milliseconds.
   *
   * @default `"10 seconds"`
   */
  readonly timeToLive?: Duration.Input | undefined
  /**
   * How long after a borrower's connection has ended the host keeps from others what that borrower holds. A process that was
   * killed has its objects with the next that much later; one that lives has as long to hear of the end, by which its leases
   * are lost.
   *
   * **Details**
   *
   * At most the rest of the time to live and its tenth: `"Infinity"` is as long as that. Then nothing has to be heard for no
   * object to have two holders, whatever is between the two.
   *
   * @default `"50 millis"`
   */
  readonly afterCut?: Duration.Input | undefined
  /** What one borrower's process may have at once. */
  readonly perBorrower?: {
    /**
     * Its leases; the next borrow fails with `PoolUnavailable`, `reason: "LeasesFull"`.
     *
     * @default `10_000`
     */
    readonly leases?: number | undefined
    /**
     * Its borrows that wait; the next one fails with `PoolExhausted`, `reason: "WaitersFull"`.
     *
     * @default `10_000`
     */
    readonly waiters?: number | undefined
  } | undefined
  /**
   * Answers the epoch of this host, once, as it starts: a whole number above that of every host of this pool before it. The
   * default grows as long as the clock of the machine is not set back between two starts.
   *
   * @default the wall clock in milliseconds
   */
  readonly epoch?: Effect.Effect<number> | undefined
  /**
   * Shows the pool in the metric registry of the host, as `PoolMetrics` does a pool of one process, and who borrows from it.
   *
   * @default none are shown
   */
  readonly metrics?: PoolMetricsOptions | undefined
}

/**
 * A tag of a shared pool: the program that borrows is the same, whichever layer is provided.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedPoolClass<
  in out Self,
  in out Id extends string,
  in out A,
  in out D,
  in out E,
  in out N,
  in out C extends string = never
> extends Context.ServiceClass<Self, Id, SharedPool<A, D, E, N, C>>, SharedOperations<Self, A, D, E, N, C> {
  /** In this process alone: the pool as it is. Options that make no sense are a defect, an `InvalidPoolOptions`. */
  readonly layer: <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(
    options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C>
  ) => Layer.Layer<Self, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K>>
  /**
   * This process is the host: others borrow from it by `layerRemote`. Two pools of one name at one server are refused.
   *
   * **Details**
   *
   * As its scope closes it grants nothing more, has its waiters go on to the next host, and lets leases end within
   * `closing.timeout`.
   */
  readonly layerServer: SharedServer<A, D, E, N, C>
  /**
   * This runner of a cluster may be the host: one of them is, and another when that has stopped or died. Every runner of a
   * cluster needs the `layerHost` of each of its pools, and the same options.
   *
   * **Details**
   *
   * As its scope closes it grants nothing more, has its waiters go on to the next host, and lets leases end within
   * `closing.timeout`. A host that has died without a word is followed by another `lockExpiration` after it was last heard
   * of: by then every lease of it is over at its borrower. A `timeToLive` that is too long for that is a defect, an
   * `InvalidPoolOptions`. The epoch is counted in the cluster's database, and what is remembered is there, too: rests,
   * allowances, and objects that were added, for the next host. One that another has followed writes nothing of that any more.
   */
  readonly layerHost: <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(
    options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C> & Omit<HostSettings, "epoch">
  ) => Layer.Layer<never, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | Sharding | Claims>
  /** Borrows within the cluster. The layer is there at once; whoever borrows waits for the host. */
  readonly layerClient: Layer.Layer<Self, never, Sharding>
  /** Another process is the host. The layer is there at once; whoever borrows waits for the connection. */
  readonly layerRemote: Layer.Layer<Self, never, RpcClient.Protocol>
}

/**
 * A server of a shared pool: its host, or without options a gateway to the host that a cluster has.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedServer<A, D, E, N, C extends string = never> {
  <RA = never, RS = never, RD = never, RB = never, RR = never, K extends string = never>(
    options: SharedOptions<A, D, E, N, RA, RS, RD, RB, RR, K, C> & HostSettings
  ): Layer.Layer<never, never, Exclude<RA, Scope.Scope> | RS | RD | RB | RR | RememberedIn<K> | RpcServer.Protocol>
  (): Layer.Layer<never, never, RpcServer.Protocol | Sharding>
}

/**
 * What a shared pool is declared by: the schemas of what travels, of which none may need services, and what its borrowers may
 * call themselves.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedSchemas<A, D, E, N, C extends string = never> {
  /** What travels to the borrower, once for each lease. */
  readonly object: Schema.Codec<A, unknown>
  /** The data of each object. */
  readonly data?: Schema.Codec<D, unknown> | undefined
  /** What `acquire` may fail with. */
  readonly error?: Schema.Codec<E, unknown> | undefined
  /** What a borrower may ask for; `meets` answers on the host. */
  readonly need?: Schema.Codec<N, unknown> | undefined
  /** The names of the classes of borrowers; how much each may have, the `classes` of the host say. At most 256 characters. */
  readonly classes?: ReadonlyArray<C> | undefined
}

type MissingSelf =
  "Missing `Self`: write `class Keys extends SharedPool.Service<Keys>()(\"app/Keys\", { object: ApiKey }) {}`"

type Made<A, D, E> = Effect.Effect<ObjectPool<A, D, E>, never, Scope.Scope>

const declare = <A, D, E, N, C extends string>(id: string, schemas: SharedSchemas<A, D, E, N, C>) => {
  const tag = Context.Service<SharedPool<A, D, E, N, C>, SharedPool<A, D, E, N, C>>()(id)
  const definition: Definition<A, D, E, N> = define(id, schemas)
  const make: Make<A, D, E> = (options, shown) => {
    const made = ObjectPool.make({ ...options, name: id } as never) as Made<A, D, E>
    return shown === undefined ? made : Effect.tap(made, (pool) => {
      coreOf(pool)!.remote = shown.remote
      return shown.metrics === undefined ? Effect.void : PoolMetrics.register(pool, shown.metrics)
    })
  }
  return Object.assign(tag, accessors(tag), {
    layer: (options: HostOptions<A, D, E, N>) => Layer.effect(tag, local(definition, options, make)),
    layerServer: (options?: HostOptions<A, D, E, N>) =>
      Layer.effectDiscard(options === undefined ? gatewayed(id) : hosted(definition, options, make)),
    layerHost: (options: HostOptions<A, D, E, N>) => clustered(definition, options, make),
    layerClient: Layer.effect(tag, member(definition)),
    layerRemote: Layer.effect(tag, remote(definition))
  })
}

/** Every operation of the pool, on the tag. */
const accessors = <Self, A, D, E, N, C extends string>(
  tag: Context.Key<Self, SharedPool<A, D, E, N, C>>
): SharedOperations<Self, A, D, E, N, C> => {
  const reach = <B, F, R>(f: (pool: SharedPool<A, D, E, N, C>) => Effect.Effect<B, F, R>) =>
    Effect.withFiber<B, F, R | Self>((fiber) => f(Context.getUnsafe(fiber.context as Context.Context<Self>, tag)))
  return {
    borrow: reach((pool) => pool.borrow),
    borrowWith: (options) => reach((pool) => pool.borrowWith(options)),
    tryBorrow: reach((pool) => pool.tryBorrow),
    with: (f, options) => reach((pool) => pool.with(f, options)),
    add: (object, options) => reach((pool) => pool.add(object, options)),
    addAll: (objects, options) => reach((pool) => pool.addAll(objects, options)),
    remove: (object) => reach((pool) => pool.remove(object)),
    rest: (object, duration) => reach((pool) => pool.rest(object, duration)),
    wake: (object) => reach((pool) => pool.wake(object)),
    detect: reach((pool) => pool.detect),
    stats: reach((pool) => pool.stats),
    objects: reach((pool) => pool.objects),
    leases: reach((pool) => pool.leases),
    events: Stream.unwrap(reach((pool) => Effect.succeed(pool.events))),
    resize: (size) => reach((pool) => pool.resize(size)),
    rotate: reach((pool) => pool.rotate),
    suspend: reach((pool) => pool.suspend),
    resume: reach((pool) => pool.resume),
    drain: reach((pool) => pool.drain)
  }
}

/**
 * Declares a pool that processes share, and connects them.
 *
 * **When to use**
 *
 * Use where several processes need the same scarce objects, and each with a pool of its own would not see the whole:
 * licences, rate-limited keys, accounts.
 *
 * **Example** (In one process, as in tests)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SharedPool } from "effect-object-pool/cluster"
 *
 * class Licences extends SharedPool.Service<Licences>()("app/Licences", { object: Schema.String }) {}
 *
 * const program = Licences.with((lease) => Effect.succeed(lease.object.length))
 *
 * await Effect.runPromise(Effect.provide(program, Licences.layer({ objects: ["A-1"] }))) // => 3
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const SharedPool: {
  /** Declares a shared pool as a tag. Its id is the pool's name, by which borrowers find it at a server. */
  readonly Service: <Self = never>() => <
    const Id extends string,
    A,
    D = undefined,
    E = never,
    N = never,
    C extends string = never
  >(
    id: Id,
    schemas: SharedSchemas<A, D, E, N, C>
  ) => [Self] extends [never] ? MissingSelf : SharedPoolClass<Self, Id, A, D, E, N, C>
  /** A server for pools, on a socket of Node: the transport for `layerServer`. One without a token listens on this machine alone. */
  readonly layerSocketServer: typeof Sockets.layerServer
  /** The connection of a borrower, on a socket of Node: the transport for `layerRemote`. It is made anew whenever it is lost. */
  readonly layerSocket: typeof Sockets.layerClient
  /** Who may borrow by a transport of the program's own: beside that of a server, in place of `layerSocketServer`. */
  readonly layerAccess: typeof Sockets.layerAccess
  /** What a borrower shows by a transport of the program's own: beside that, in place of `layerSocket`. */
  readonly layerPass: typeof Sockets.layerPass
  /** A runner of a cluster, that may be the host of pools: for `layerHost` and `layerClient`. */
  readonly layerCluster: typeof Runners.layerCluster
  /** A member of a cluster that hosts nothing: for `layerClient`. */
  readonly layerClusterClient: typeof Runners.layerClusterClient
} = {
  Service: () => declare as never,
  layerSocketServer: Sockets.layerServer,
  layerSocket: Sockets.layerClient,
  layerAccess: Sockets.layerAccess,
  layerPass: Sockets.layerPass,
  layerCluster: Runners.layerCluster,
  layerClusterClient: Runners.layerClusterClient
}
