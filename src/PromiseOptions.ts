/**
 * What a promise pool is made from.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { PooledObject } from "./PooledObject.ts"
import type {
  BorrowOptions,
  ClassOptions,
  CreationOptions,
  DataGiven,
  DetectionOptions,
  PoolOptions,
  PoolSettings,
  Remember,
  WithOptions
} from "./PoolOptions.ts"
import type { PromiseLease } from "./PromiseLease.ts"
import type { PromiseJudge } from "./PromiseVerdict.ts"
import type { AnySelector, Selector } from "./Selector.ts"
import type { PromiseSelf } from "./Self.ts"
import type { Status } from "./Status.ts"

/**
 * A value, or a promise of it.
 *
 * @category models
 * @since 0.1.0
 */
export type Awaitable<B> = B | PromiseLike<B>

/**
 * Everything a promise pool is made from: the options of a pool, with functions where that has effects. A function may
 * answer plainly or with a promise; one that throws has failed as one that rejects.
 *
 * **Details**
 *
 * `acquire`, `destroy`, `pack`, `unpack`, `detectStatus`, `onBorrow`, `onRelease` and `select` are given an `AbortSignal`,
 * after what they are about, which fires when nobody waits for their answer any more: their time is over, or the pool
 * closes, or the borrower that they were called for has left. The pool goes on at once, and may call the function again
 * for another object: what is still under way, a request or a socket, is the function's to stop by its signal. Hand it on,
 * as in `fetch(url, { signal })`. A signal that has not fired by the time of the answer never does.
 *
 * What a function cannot see is not made for it: an arrow function that declares fewer plain parameters costs no signal.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromisePoolOptions<A, D = undefined, P = A, C extends string = never>
  extends Omit<PoolSettings, "leaseTimeout" | "detection" | "creation" | "sharing">
{
  /**
   * What the pool is called in errors and logs.
   *
   * @default `"PromisePool"`
   */
  readonly name?: string | undefined
  /**
   * Is told what goes wrong where nobody waits for an answer: an object that could not be destroyed, a hook that failed, a
   * lease that is held for too long, a body that failed after its borrower had left. It is called in a step of the pool, and
   * should be quick; what it throws or rejects with is nobody's.
   *
   * Without it each is a warning of the process, `process.emitWarning`, of the name `"PoolWarning"`: a line on its standard
   * error, for `process.on("warning", …)` to see, and `--disable-warning=PoolWarning` to turn off. Where the runtime has no
   * such warnings: silence. The pool never writes to the console. To silence it: `log: () => {}`.
   *
   * The lines of a pool of a layer, or of a runtime, go to the loggers that are there.
   *
   * @default warnings of the process
   */
  readonly log?: ((entry: PoolLogEntry) => unknown) | undefined
  /**
   * Makes an object. Without it the pool holds only what is added.
   *
   * The signal fires when `creation.timeout` has passed or the pool closes. What is made all the same is destroyed; the
   * room is kept until then, but no longer than `hookTimeout`: what is made after that is destroyed too, and a line in
   * the log. An object that has a `then` is taken for a promise.
   *
   * By `self` the object may tell the pool what it learns of itself, also while nobody holds it: a session that has ended,
   * a page that has crashed. It may be called at any time: `client.on("error", self.invalidate)`.
   */
  readonly acquire?: ((signal: AbortSignal, self: PromiseSelf) => Awaitable<A>) | undefined
  /**
   * Destroys what `acquire` has made. A failure, and what takes longer than `hookTimeout`, is reported and given up: the
   * signal fires then.
   */
  readonly destroy?: ((object: A, signal: AbortSignal) => unknown) | undefined
  /** Added at start, and left to their owner. */
  readonly objects?: Iterable<A> | undefined
  /** Data of each object, or what makes it. */
  readonly data?: D | ((object: A) => D) | undefined
  /**
   * Which lendable object a borrower gets.
   *
   * @default `Selector.random`
   */
  readonly select?: PromiseSelect<NoInfer<A>, NoInfer<D>> | undefined
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
   * What a borrower gets, made under the lease. The signal fires when the borrower has left, or the lease is over, before
   * that is made; `lease.signal` is for the whole of the lease.
   *
   * @default the object
   */
  readonly pack?: ((lease: PromiseLease<A, NoInfer<D>>, signal: AbortSignal) => Awaitable<P>) | undefined
  /**
   * Ends what `pack` has made, before the object is given back. A failure, and what takes longer than `hookTimeout`, is
   * reported and given up: the signal fires then.
   */
  readonly unpack?: ((packed: P, signal: AbortSignal) => unknown) | undefined
  /**
   * How many leases one object may carry at once: the same for all, or asked once for each, when it joins.
   *
   * @default `1`
   */
  readonly sharing?: PoolOptions<A, D, never, never, never>["sharing"]
  /**
   * The classes of borrowers, by name: how much each may have of the pool, and how they take turns. See `ClassOptions`. A
   * borrower says its class by the `class` of its options; who names none has no reserve and no maximum.
   *
   * @default none
   */
  readonly classes?: { readonly [Name in C]: ClassOptions } | undefined
  /**
   * What each object may be lent for: how many leases, or how much of what they cost, in a time. A function is asked once,
   * when the object joins.
   *
   * @default no limit
   */
  readonly allowance?: PoolOptions<A, D, never, never, never>["allowance"]
  /**
   * Writes what the pool knows of its objects to a store: rests until known times, allowances, and `failures`; and reads it
   * before an object that joins is lent for the first time. So it outlives the process, but for the last second: `close`
   * writes that, too. See `PromiseRemember`.
   *
   * @default nothing is remembered
   */
  readonly remember?: PromiseRemember<NoInfer<A>> | undefined
  /**
   * Asks what an object's status is. One that fails, or exceeds `detection.timeout`, leaves the object `Unknown`. While it is
   * asked about, an object's `status` is `Pending`; one that is shared and lent stays `Borrowed`, and takes no new leases.
   *
   * The signal fires when `detection.timeout` has passed, or nobody wants the answer any more: the borrower has left, or
   * the object, or the pool closes. `detection.concurrency` bounds how many are waited for: one that goes on after its
   * signal has fired is beyond that.
   */
  readonly detectStatus?:
    | ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => Awaitable<Status.Answer>)
    | undefined
  /**
   * Judges an object as a lease of it ends, by how the function that `with` has called has settled; to give a lease back is a
   * success. It answers plainly, as a detector would, or `undefined`: nothing of the object. See `Verdict`.
   *
   * @default none
   */
  readonly judge?: PromiseJudge<NoInfer<A>, NoInfer<D>> | undefined
  readonly detection?: PromiseDetectionOptions | undefined
  readonly creation?: PromiseCreationOptions | undefined
  /**
   * Prepares an object for its borrower. One that fails has the object leave, and the borrower gets another. The signal
   * fires when `hookTimeout` has passed, or the pool closes.
   */
  readonly onBorrow?: ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined
  /**
   * Cleans an object up after its borrower, who does not wait for it. One that fails has the object leave. The signal fires
   * when `hookTimeout` has passed, or the pool closes.
   */
  readonly onRelease?: ((pooled: PooledObject<A, NoInfer<D>>, signal: AbortSignal) => unknown) | undefined
}

/**
 * Where texts are kept by keys. A `Map` is one, so is a client of Redis or Keyv; a function may answer plainly or with a promise.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromiseStore {
  /** The text of a key; `undefined`, or `null`, where there is none. */
  get(key: string): Awaitable<string | null | undefined>
  /** Whole or nothing: of a store that is killed as it writes, the entry may make no sense, and the object joins as new. */
  set(key: string, value: string): unknown
  /** Without it, what is over becomes an empty text. */
  delete?(key: string): unknown
}

/**
 * What a promise pool remembers its objects under, and where: see `Remember`, which says how.
 *
 * **Details**
 *
 * What has been promised is waited for until it has settled: an object is not written again by then. One that takes longer than
 * `hookTimeout` is a line in the log. Where `get` answers with a promise, `borrowSync` and `addSync` cannot have the object yet.
 *
 * **Example** (A rest that outlives its pool)
 *
 * ```ts
 * import { PromisePool } from "effect-object-pool/promise"
 *
 * const store = new Map<string, string>()
 * const open = () => PromisePool.make({ name: "keys", objects: ["primary"], remember: { key: (name) => name, store } })
 *
 * const before = open()
 * before.rest("primary", "1 minute")
 * await before.close()
 *
 * await using after = open()
 *
 * after.get("primary")?.status // => "Dormant"
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseRemember<in A> extends Remember<A> {
  readonly store: PromiseStore
}

/**
 * How something that has failed is tried again, in plain numbers. A number alone is `times`.
 *
 * **Example** (Three more attempts, after 200, 400 and 800 milliseconds)
 *
 * ```ts
 * import { PromisePool } from "effect-object-pool/promise"
 *
 * let attempts = 0
 * const pool = PromisePool.make({
 *   acquire: async () => {
 *     if (++attempts < 3) throw new Error("not yet")
 *     return attempts
 *   },
 *   creation: { retry: { times: 3, delay: "200 millis" } }
 * })
 *
 * const made = await pool.with((n) => n)
 *
 * made // => 3
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseRetry {
  /** How often, at most; `"Infinity"`: until it succeeds. 0: never. */
  readonly times: number | "Infinity"
  /**
   * How long it is until the first time.
   *
   * @default `"100 millis"`
   */
  readonly delay?: Duration.Input | undefined
  /**
   * How much longer it is from each time to the next. 1: always the same.
   *
   * @default `2`
   */
  readonly factor?: number | undefined
  /**
   * How long it is at most.
   *
   * @default `"30 seconds"`, or `delay` where that is longer
   */
  readonly maxDelay?: Duration.Input | undefined
}

/**
 * The detection of objects of a promise pool.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseDetectionOptions extends Omit<DetectionOptions, "retry"> {
  /**
   * When an `Unknown` object is detected again, each by itself: so many times, or by a record, or a `Schedule` of Effect.
   * After the last time the object is `Invalid`.
   *
   * @default as in `DetectionOptions`
   */
  readonly retry?: number | "Infinity" | PromiseRetry | DetectionOptions["retry"]
}

/**
 * The making of objects of a promise pool.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseCreationOptions extends Omit<CreationOptions<unknown>, "retry"> {
  /**
   * When `acquire` is tried again after a failure: so many times, or by a record, or a `Schedule` of Effect. It is one for
   * the whole pool, however many wait, and begins anew after a success; after the last time the oldest waiter fails. A
   * failure that comes after `creation.timeout` is not retried.
   *
   * @default none
   */
  readonly retry?: number | "Infinity" | PromiseRetry | CreationOptions<unknown>["retry"]
}

/**
 * A line of the log of a promise pool: about the pool, and perhaps about one object or lease of it.
 *
 * **Example** (As other loggers want it)
 *
 * ```ts
 * import { PromisePool } from "effect-object-pool/promise"
 *
 * const lines: Array<string> = []
 * const pool = PromisePool.make({
 *   name: "keys",
 *   acquire: () => ({}),
 *   destroy: () => Promise.reject(new Error("in use")),
 *   // with pino: `({ annotations, cause, level, message }) => logger[level]({ ...annotations, err: cause }, message)`
 *   log: ({ annotations, cause, level, message }) => void lines.push(`${level} ${annotations.pool}: ${message}: ${cause}`)
 * })
 * await pool.with(() => {})
 * await pool.close()
 *
 * lines // => ["warn keys: Destroying an object failed: Error: in use"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolLogEntry {
  /** The pool itself warns alone. */
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
  readonly date: Date
  /** What was thrown, or rejected with: anything at all. Absent where nothing was. */
  readonly cause?: unknown
  /** The name of the pool, the ids of the object and of the lease, and what else there is to say. */
  readonly annotations: {
    readonly pool: string
    readonly object?: number
    readonly lease?: number
    readonly [name: string]: unknown
  }
}

/**
 * What the `select` option takes: a selector, `{ weight }`, `{ rank }`, or a function that answers one of the lendable objects, or
 * none. The signal of a function fires when the borrower that it chooses for has left.
 *
 * @category models
 * @since 0.1.0
 */
export type PromiseSelect<A, D> =
  | AnySelector
  | Selector<A, D>
  | {
    /** How much of the chance an object has: see `Selector.weighted`. */
    readonly weight: (pooled: PooledObject<A, D>) => number
  }
  | {
    /** The lowest comes first: see `Selector.tiers`. */
    readonly rank: (pooled: PooledObject<A, D>) => number
    readonly within?: AnySelector | Selector<A, D> | undefined
  }
  | ((
    available: ReadonlyArray<PooledObject<A, D>>,
    signal: AbortSignal
  ) => Awaitable<PooledObject<A, D> | undefined>)

/**
 * How one borrow differs from the pool's rule, and what ends its wait.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseBorrowOptions<in A, in D = undefined, out C extends string = never>
  extends BorrowOptions<A, D, C>
{
  /** Aborted, the borrow rejects with its reason, and nothing is lost. */
  readonly signal?: AbortSignal | undefined
}

/**
 * How one `with` differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseWithOptions<in A, in D = undefined, out C extends string = never>
  extends PromiseBorrowOptions<A, D, C>, Pick<WithOptions<A, D>, "failover">
{}

/**
 * How one added object differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseAddOptions<in A, in out D = undefined> {
  /**
   * Instead of what the `data` option makes. Where both are plain records, what is given here is laid over that:
   * `{ ...usual, ...given }`; an instance of a class takes its place, and so does anything else.
   */
  readonly data?: DataGiven<D> | undefined
  /** Instead of the pool's `leaseTimeout`. */
  readonly leaseTimeout?: Duration.Input | undefined
  /**
   * Destroys the object when it leaves the pool; without it the object is left to its owner. The signal fires when
   * `hookTimeout` has passed.
   */
  readonly destroy?: ((object: A, signal: AbortSignal) => unknown) | undefined
}
