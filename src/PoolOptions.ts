/**
 * What a pool is made from: the options, their defaults, and what is refused.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type * as Schedule from "effect/Schedule"
import type { Allowance } from "./Allowance.ts"
import type { Lease } from "./Lease.ts"
import type { PooledObject } from "./PooledObject.ts"
import type { Select } from "./Selector.ts"
import type { Self } from "./Self.ts"
import type { Status } from "./Status.ts"
import type { Judge } from "./Verdict.ts"

/**
 * The part of the options that is plain data: what `layerConfig` can read from the environment.
 *
 * **Details**
 *
 * Durations are `Duration.Input`; `"Infinity"` means never. A duration of zero is refused except where it is said to mean
 * something. What bounds a number of things may be `Infinity` or `"Infinity"`: no bound.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolSettings {
  readonly size?: {
    /**
     * How many objects to keep: made in the background from the start, and again when one leaves.
     *
     * @default `0`
     */
    readonly min?: number | undefined
    /**
     * The most objects that there are at once, those being made or destroyed included.
     *
     * @default `10`; without `acquire` no maximum
     */
    readonly max?: number | "Infinity" | undefined
    /**
     * How many idle objects to keep ready beyond those that are lent, as far as `max` lets: made in the background as others
     * are borrowed. Idle and age limits leave that many. What rests, or is `Unknown`, is not ready.
     *
     * @default `0`
     */
    readonly spare?: number | undefined
  } | undefined
  /**
   * How many leases one object may carry at once. One that carries some is detected like one that is free, while they go on.
   *
   * @default `1`
   */
  readonly sharing?: number | "Infinity" | undefined
  /**
   * How many fibers may wait for whom nothing is being made or detected; the next one fails with `PoolExhausted`.
   * 0: nobody waits in the queue.
   *
   * @default no bound
   */
  readonly maxWaiters?: number | "Infinity" | undefined
  /**
   * What is done where more come than can be served, so that not all who are served have waited as long as they can.
   *
   * When the shortest wait of an `interval` was longer than `target`, the pool is overloaded until nobody waits any more: as
   * others are served, those who have waited longer than `target` fail with `PoolExhausted`, `reason: "Overloaded"`; and of
   * each priority the newest is served first. That is CoDel with adaptive LIFO: K. Nichols, V. Jacobson, "Controlling Queue
   * Delay", ACM Queue 10(5), 2012; B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015; as a `queue_target` and a
   * `queue_interval` in db_connection, of Elixir's Ecto.
   *
   * @default none
   */
  readonly overload?: {
    /** How long a borrower may wait in a pool that keeps up. */
    readonly target: Duration.Input
    /**
     * How long the shortest wait has to be longer than that: longer than a burst that the pool gets over.
     *
     * @default 20 times `target`
     */
    readonly interval?: Duration.Input | undefined
  } | undefined
  /**
   * May a borrower wait though everything that it may have rests until known times beyond its deadline, while nothing is
   * being made, nor could be? Then an object that is added, or woken, may serve it in time. Else it fails at
   * once, with `PoolExhausted`, `reason: "Resting"`, whose `retryAfter` says when to come back.
   *
   * @default `false`
   */
  readonly waitsForResting?: boolean | undefined
  /**
   * How long a borrow may take, making and detecting included. Zero: lend at once or fail.
   *
   * @default `"30 seconds"`
   */
  readonly borrowTimeout?: Duration.Input | undefined
  /**
   * How long a lease lasts.
   *
   * @default none
   */
  readonly leaseTimeout?: Duration.Input | undefined
  /**
   * How long a lease may be held before it is logged, and told as `LeaseOverdue`: once, with the span of its borrower, or
   * its fiber, or `"a promise"`. It counts from the grant until the object is back; `renew` does not change it.
   *
   * @default never
   */
  readonly leaseWarning?: Duration.Input | undefined
  /**
   * The warning, and the stack of an error of a borrow, also say where the object was borrowed: at the call of `with` or
   * `borrowWith`, or where `borrow` was read, on the pool or its tag. That is where the effect was made, which may not be
   * where it runs. Each borrow costs some microseconds more. Without it the warning says where the borrower's span began,
   * if that is known; an error of a borrow that did not wait, who ran the step that it failed in.
   *
   * @default `false`
   */
  readonly captureBorrowSite?: boolean | undefined
  /**
   * What becomes of an object whose lease has expired, or was revoked: it is destroyed, detected, or lent on unchecked.
   *
   * @default `"detect"` with a detector; else `"destroy"` for made objects, `"return"` for added ones
   */
  readonly onLeaseExpired?: "destroy" | "detect" | "return" | undefined
  /**
   * How long `onBorrow` and `onRelease` may take before the object leaves; and destroying an object, before it is given up
   * and its room is free. How long the store of `remember` may take to read, and to write.
   *
   * @default `"5 seconds"`
   */
  readonly hookTimeout?: Duration.Input | undefined
  readonly detection?: {
    /**
     * Detect an object when it joins.
     *
     * @default `true`
     */
    readonly onAdd?: boolean | undefined
    /**
     * Detect an object before it is lent: always, never, or unless it was detected within the trust window. Zero: always.
     * Those who wait for one answer share it.
     *
     * @default `{ trustFor: "500 millis" }`
     */
    readonly onBorrow?: boolean | { readonly trustFor: Duration.Input } | undefined
    /**
     * Detect an object when it comes back; the borrower does not wait for it.
     *
     * @default `false`
     */
    readonly onRelease?: boolean | undefined
    /**
     * Detect idle, resting, unknown and shared objects once in this time, spread over it.
     *
     * @default never
     */
    readonly every?: Duration.Input | undefined
    /**
     * How many detections run at once in the pool, whoever asked; bounds destroying as well.
     *
     * @default `10`
     */
    readonly concurrency?: number | "Infinity" | undefined
    /**
     * After this time a detection is interrupted, and the object `Unknown`.
     *
     * @default `"5 seconds"`
     */
    readonly timeout?: Duration.Input | undefined
    /**
     * When a plain `"Dormant"`, without a time, is detected again. Where somebody waits, it is whatever this says detected
     * again before his deadline: at half of what is left, and again, but not more often than each 100 milliseconds.
     *
     * @default `"30 seconds"`
     */
    readonly dormantFor?: Duration.Input | undefined
  } | undefined
  readonly creation?: {
    /**
     * How many objects are made at once, within `size.max`.
     *
     * @default as many as there is use for
     */
    readonly concurrency?: number | "Infinity" | undefined
    /**
     * After this time making an object is interrupted, and the oldest waiter fails with `BorrowTimeout`.
     *
     * @default `"30 seconds"`
     */
    readonly timeout?: Duration.Input | undefined
  } | undefined
  /** When made objects are replaced. Added objects are never evicted by it. */
  readonly lifetime?: {
    /**
     * Age limit since creation.
     *
     * @default none
     */
    readonly timeToLive?: Duration.Input | undefined
    /**
     * Age limit since the last lease, or since creation; it evicts only above `size.min`.
     *
     * @default none
     */
    readonly idleTimeToLive?: Duration.Input | undefined
    /**
     * How often an object is lent before it leaves.
     *
     * @default no limit
     */
    readonly maxBorrows?: number | "Infinity" | undefined
    /**
     * Shortens each limit of an object by a factor drawn once from (1 − jitter, 1]. From 0 to below 1.
     *
     * @default `0.1`
     */
    readonly jitter?: number | undefined
  } | undefined
  readonly closing?: {
    /**
     * What becomes of those who wait when the pool closes: they fail, or are served first.
     *
     * @default `"fail"`
     */
    readonly waiters?: "fail" | "serve" | undefined
    /**
     * How long `close` waits for open leases before they are over. Zero: not at all. Then the body of a `with` whose lease
     * has a time-out is interrupted; one without goes on without its object, and its answer stands.
     *
     * @default `"30 seconds"`
     */
    readonly timeout?: Duration.Input | undefined
  } | undefined
}

/**
 * The detection of objects, with what is more than plain data.
 *
 * @category options
 * @since 0.1.0
 */
export interface DetectionOptions extends Omit<NonNullable<PoolSettings["detection"]>, "every"> {
  /**
   * Detect idle, resting, unknown and shared objects again and again: at an interval, or as a schedule says.
   *
   * @default never
   */
  readonly every?: Duration.Input | Schedule.Schedule<unknown> | undefined
  /**
   * When an `Unknown` object is detected again; each object has its own state of it. When it is done, the object is
   * `Invalid`.
   *
   * @default exponential from 100 ms, jittered, at most 30 s; 5 times for a made object, for ever for an added one
   */
  readonly retry?: Schedule.Schedule<unknown> | undefined
}

/**
 * The making of objects, with what is more than plain data.
 *
 * @category options
 * @since 0.1.0
 */
export interface CreationOptions<in E> extends NonNullable<PoolSettings["creation"]> {
  /**
   * When `acquire` is tried again after a failure: one schedule for the whole pool, one attempt a turn, however many
   * wait; a success resets it. When it is done, the oldest waiter fails. Time-outs and defects are not retried.
   *
   * Without it a failure is told to the oldest waiter at once, and the next attempt waits 100 millis, doubling to a second,
   * until one succeeds: in an outage there is one attempt a turn, however many wait; those that wait longer than
   * `borrowTimeout` fail with a `BorrowTimeout` that has the last failure. So it is after a defect, also where there is a
   * schedule. A time-out is told at once, and has taken its time: the next attempt follows it. A schedule that is done at
   * once, `Schedule.recurs(0)`, has an attempt made for each borrower.
   *
   * @default none
   */
  readonly retry?: Schedule.Schedule<unknown, E> | undefined
}

/**
 * Everything a pool is made from.
 *
 * **Details**
 *
 * `RA`, `RP`, `RS`, `RD`, `RB` and `RR` are what `acquire`, `pack`, `select`, `detectStatus`, `onBorrow` and `onRelease`
 * need: one parameter each, since a shared one does not infer a union. Only `acquire` and `pack` have a scope of their own.
 * `K` is what the key of `remember` answers, `never` where that is not given: else the pool needs a `KeyValueStore`. `C` are
 * the names of the `classes`.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolOptions<
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
  K extends string = never,
  C extends string = never
> extends Omit<PoolSettings, "leaseTimeout" | "detection" | "creation" | "sharing"> {
  /**
   * How many leases one object may carry at once: the same for all, or asked once for each, when it joins. One that carries
   * some is detected like one that is free, while they go on.
   *
   * @default `1`
   */
  readonly sharing?:
    | number
    | "Infinity"
    | ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => number | "Infinity")
    | undefined
  /**
   * Makes an object; its scope closes when the object is destroyed. Without it the pool holds only what is added. It
   * runs in a fiber of the pool: a borrower that leaves does not interrupt it, and what it makes goes to the next. What
   * cannot be interrupted, as the first part of an `Effect.acquireRelease` without `{ interruptible: true }`, outlasts
   * `creation.timeout`, and keeps its room until it has ended.
   *
   * A function is given what the object may tell the pool of itself, now and later: see `Self`.
   */
  readonly acquire?: Effect.Effect<A, EA, RA> | ((self: Self) => Effect.Effect<A, EA, RA>) | undefined
  /** Added at start, and left to their owner. */
  readonly objects?: Iterable<A> | undefined
  /** Data of each object, or what makes it. Name it before the callbacks that read it: TypeScript infers from top to bottom. */
  readonly data?: D | ((object: A) => D) | undefined
  /**
   * Which lendable object a borrower gets.
   *
   * @default `Selector.random`
   */
  readonly select?: Select<A, D, RS> | undefined
  /**
   * What each object may be lent for: how many leases, or how much of what they cost, in a time. A function is asked once,
   * when the object joins.
   *
   * @default no limit
   */
  readonly allowance?:
    | Allowance
    | ReadonlyArray<Allowance>
    | ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => Allowance | ReadonlyArray<Allowance>)
    | undefined
  /**
   * The classes of borrowers, by name: how much each may have of the pool, and how they take turns. See `ClassOptions`.
   *
   * A borrower says its class by the `class` of its options. Who names none belongs to none of them: he has no reserve and no
   * maximum, and those who name none take turns with the classes as one of weight 1. No class is served ahead of its turn:
   * a `priority` counts among the borrowers of a class.
   *
   * @default none
   */
  readonly classes?: { readonly [Name in C]: ClassOptions } | undefined
  /**
   * Writes what the pool knows of its objects to the `KeyValueStore` of its context: rests until known times, allowances, and
   * `failures`; and reads it before an object that joins is lent for the first time. So it outlives the process. See
   * `Remember`.
   *
   * @default nothing is remembered
   */
  readonly remember?: Remember<A, K> | undefined
  /**
   * How long a lease lasts, for each object.
   *
   * @default none
   */
  readonly leaseTimeout?:
    | Duration.Input
    | ((pooled: PooledObject<A, NoInfer<D>>) => Duration.Input)
    | undefined
  /**
   * What a borrower gets, made under the lease; its scope ends with the lease.
   *
   * @default the lease itself
   */
  readonly pack?: ((lease: Lease<A, NoInfer<D>>) => P | Effect.Effect<P, EP, RP>) | undefined
  /**
   * Asks what an object's status is, plainly or with an effect. One that fails, dies, or takes longer than
   * `detection.timeout` leaves the object `Unknown`.
   *
   * While it is asked about, an object's `status` is `Pending`, whatever it was before. One that is shared and lent stays
   * `Borrowed`: its leases go on, and it takes no new ones until there is an answer. That counts for those who would borrow
   * it: it rests until its time, is asked again by `detection.retry`, or leaves when its last lease ends.
   */
  readonly detectStatus?:
    | ((pooled: PooledObject<A, NoInfer<D>>) => Status.Answer | Effect.Effect<Status.Answer, unknown, RD>)
    | undefined
  /**
   * Judges an object as a lease of it ends, by the exit of the body of `with`, or of the scope: plainly, within that step.
   * What it answers is carried out as what a detector answers; `"Available"` is a success, `undefined` says nothing. What
   * the borrower has said itself by `invalidate` or `rest` stands. A lease that expires, or is revoked, is not judged. One
   * that throws, or answers no status, says nothing, and that is logged. See `Verdict`.
   *
   * @default none
   */
  readonly judge?: Judge<NoInfer<A>, NoInfer<D>> | undefined
  readonly detection?: DetectionOptions | undefined
  readonly creation?: CreationOptions<NoInfer<EA>> | undefined
  /**
   * Prepares an object for its borrower: after detection, before the lease; with `sharing`, at the first lease. One that
   * fails, or takes longer than `hookTimeout`, has the object leave, and the borrower gets another. What was prepared for one
   * that has left meanwhile is cleaned up, and prepared anew for the next.
   *
   * It runs with the services of the pool, but in the asynchronous context of its borrower, where the runtime has such, as
   * `where`, a `leaseTimeout`, and a selector of your own do: `AsyncLocalStorage` answers what it does there. The other
   * callbacks run in the asynchronous context of whoever has built the pool.
   */
  readonly onBorrow?:
    | ((pooled: PooledObject<A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RB>)
    | undefined
  /**
   * Cleans an object up after its borrower; with `sharing`, after the last. It runs in the pool: it neither delays the
   * borrower nor changes its result. One that fails, or takes longer than `hookTimeout`, has the object leave.
   */
  readonly onRelease?:
    | ((pooled: PooledObject<A, NoInfer<D>>) => void | Effect.Effect<void, unknown, RR>)
    | undefined
}

/**
 * What a class of borrowers may have of a pool.
 *
 * **Details**
 *
 * What counts are leases: those of `borrowMany` one by one, and from when an object is set aside for it; and with `sharing`
 * each lease of an object.
 *
 * Among classes that wait, and may have more, leases are granted by weight: over any stretch in which all of them wait, each
 * gets its share, to within one lease. A class that did not wait has saved up nothing.
 *
 * @category options
 * @since 0.1.0
 */
export interface ClassOptions {
  /**
   * How many leases the class can always have: as long as it has fewer, the others leave it as many objects that can be lent,
   * or made, at once. What rests, is being detected, or is being made for others is not left. Where that is not enough for all
   * reserves, the classes that have fewer than theirs take turns. The reserves of all classes together are at most
   * `size.max`, times `sharing`.
   *
   * @default `0`
   */
  readonly reserve?: number | undefined
  /**
   * The most leases that the class has at once: its other borrowers wait, though objects be free, and none is made for them.
   * Not below `reserve`.
   *
   * @default no maximum
   */
  readonly most?: number | "Infinity" | undefined
  /**
   * How many leases the class gets for one of a class of weight 1, while both wait. From 0.001 to 1000.
   *
   * @default `1`
   */
  readonly weight?: number | undefined
}

/**
 * What `layerConfig` can read from the environment: the settings, and the numbers of the classes that the pool has.
 *
 * @category options
 * @since 0.1.0
 */
export type SettingsOf<C extends string = never> =
  & PoolSettings
  & ([C] extends [never] ? {} : { readonly classes?: { readonly [Name in C]?: ClassOptions } | undefined })

/**
 * What a pool remembers its objects under.
 *
 * **Details**
 *
 * Each object has an entry of its own in the store, under the pool's name and its key. It is written in the background, when
 * something has changed: at once, but at most once in a second, and as the object leaves or the pool closes, which waits for
 * that no longer than `hookTimeout`. A process that is killed has lost the last second. No lease waits for the store.
 *
 * An object that joins is `Pending` until its entry has been read, no longer than `hookTimeout`. A store that takes longer, or
 * fails, and an entry that makes no sense, are lines in the log, and the object joins as new. Of very many that join at once a
 * few are read at a time, and `hookTimeout` begins anew for the others whenever the store answers. The time since the entry was
 * written has passed for it, by the wall clock; where that has been set back meanwhile, none has. A sliding window is exact up to
 * 1000 leases; of more, those of a thousandth of it last as long as the last of them.
 *
 * An object that has left is remembered until all that rests, and all that is counted, is over: one of its key that joins by
 * then goes on with that. What is over is removed from the store, unless no pool of that name is open.
 *
 * **Gotchas**
 *
 * Two pools of one name, in one store, are one to it: give each a name. Two objects of one key are refused, as
 * `DuplicateObject`; one that is leaving, or that another is to replace, hands its key on. A store whose writes are not whole
 * or nothing, such as plain files, may lose an entry when its process is killed.
 *
 * @category options
 * @since 0.1.0
 */
export interface Remember<in A, out K extends string = string> {
  /**
   * What an object is called in the store. Not a secret: the name of an API key, not the key. It is asked for once, as the
   * object joins, and must be another text for each; nothing else of the object is stored. One that throws, or answers no text,
   * fails what the object joins by.
   */
  readonly key: (object: A) => K
}

/**
 * What a pool needs for its `remember`.
 *
 * @category utility types
 * @since 0.1.0
 */
export type RememberedIn<K> = [K] extends [never] ? never : KeyValueStore

/**
 * Objects that carry data need `data` to make it: without this, a selector over data would compile where there is none.
 *
 * @category utility types
 * @since 0.1.0
 */
export type DataRequired<D> = [undefined] extends [D] ? {}
  : [D] extends [never] ? { readonly data: {} | null }
  : [D] extends [Effect.Effect<unknown, unknown, unknown>] ? { readonly data: DataIsNoEffect }
  : { readonly data: {} | null }

/** What the compiler says is missing in it. A literal type would keep the data of others from being widened. */
interface DataIsNoEffect {
  readonly "data is a value, or a function that makes one: an effect would be kept, and never run": never
}

/**
 * The data of an added object, or a part of it where it is a record.
 *
 * @category utility types
 * @since 0.1.0
 */
export type DataGiven<D> = D extends object
  ? D extends ReadonlyArray<unknown> | ((...args: never) => unknown) ? D : D | Partial<D>
  : D

/**
 * What the options of a declared tag must also have: `data`, `pack` and `classes` where they were declared.
 *
 * @category utility types
 * @since 0.1.0
 */
export type Declared<A, D, P, C extends string = never> =
  & DataRequired<D>
  & ([C] extends [never] ? {} : {
    /** Required, since the tag was declared with classes: see `PoolOptions`. */
    readonly classes: { readonly [Name in C]: ClassOptions }
  })
  & ([Lease<A, D>] extends [P] ? {} : {
    /** Required, since the tag was declared with a lease of its own: see `PoolOptions`. */
    readonly pack: (lease: Lease<A, D>) => unknown
  })

/**
 * How one borrow differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface BorrowOptions<in A, in D = undefined, out C extends string = never> {
  /**
   * How long this borrow may take. Zero lends what is lendable without suspending, else fails with `BorrowTimeout`.
   *
   * @default `borrowTimeout`
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Only an object for which this holds. It should be quick and pure: it is asked for every candidate, so that a borrow costs the
   * more the more objects are lendable: some 0.1 µs for each, and what it takes itself; and a waiter is asked about each object
   * that comes back, until one fits it.
   */
  readonly where?: ((pooled: PooledObject<A, D>) => boolean) | undefined
  /**
   * Of what may be lent now, those for which this holds come first. Nobody waits for one. It costs what `where` costs, and is
   * not asked about what comes back to who waits.
   *
   * @default none
   */
  readonly prefer?: ((pooled: PooledObject<A, D>) => boolean) | undefined
  /**
   * Of what may be lent now, and is preferred where there is a `prefer`, the object that this text gives itself to: the same
   * text gets the same object as often as it can, as where one remembers what was asked of it before. When an object leaves, no
   * text moves but its own. Nobody waits for one.
   *
   * @default none
   */
  readonly affinity?: string | undefined
  /**
   * Higher first; waiting does not raise it.
   *
   * @default `0`
   */
  readonly priority?: number | undefined
  /**
   * How long this lease lasts.
   *
   * @default what `add` or the pool says
   */
  readonly leaseTimeout?: Duration.Input | undefined
  /**
   * What of an object the borrower is about to use: a model of a provider, a route of a host. It gets no object that rests for
   * that facet, and the lease counts for the allowances of the facet. It costs what a `where` costs.
   *
   * @default none
   */
  readonly facet?: string | undefined
  /**
   * How much the lease takes of each allowance whose `unit` is `"cost"`: zero or more. What is not known before is taken by
   * `lease.charge` afterwards.
   *
   * @default `1`
   */
  readonly cost?: number | undefined
  /**
   * The class of the borrower, where the pool has `classes`. Who names none has no reserve and no maximum.
   *
   * @default none of them
   */
  readonly class?: C | undefined
}

/**
 * How one `with` differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface WithOptions<in A, in D = undefined, out C extends string = never> extends BorrowOptions<A, D, C> {
  /**
   * How often the body runs again, each time on an object that this call has not had: when it has failed, and the verdict on
   * its object was not `"Available"`, or when its lease has expired. Each borrow has a `timeout` of its own, and a new place
   * in the queue. Where there is no other object within that, the last failure of the body stands. An interruption or a
   * defect of the body ends the call. A whole number.
   *
   * @default `0`
   */
  readonly failover?: number | undefined
}

/**
 * How one added object differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface AddOptions<in out A, in out D = undefined, out R = never> {
  /**
   * The data of this object. Where both this and what the `data` option makes are plain records, this is laid over that:
   * `{ ...usual, ...given }`; an instance of a class takes its place, and so does anything else.
   *
   * @default what the `data` option makes
   */
  readonly data?: DataGiven<D> | undefined
  /**
   * How long a lease of this object lasts.
   *
   * @default `leaseTimeout` of the pool
   */
  readonly leaseTimeout?: Duration.Input | undefined
  /**
   * Destroys the object when it leaves the pool; without it the object is left to its owner. What takes longer than
   * `hookTimeout` is given up.
   */
  readonly destroy?: ((object: A) => Effect.Effect<void, never, R>) | undefined
  /** @deprecated The former name of `destroy`: the `release` of a lease gives back. Both together are refused. */
  readonly release?: ((object: A) => Effect.Effect<void, never, R>) | undefined
}
