/**
 * What a promise pool is made from.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { PooledObject } from "./PooledObject.ts"
import type { BorrowOptions, CreationOptions, DetectionOptions, PoolSettings } from "./PoolOptions.ts"
import type { PromiseLease } from "./PromiseLease.ts"
import type { AnySelector, Selector } from "./Selector.ts"
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
 * @category options
 * @since 0.1.0
 */
export interface PromisePoolOptions<A, D = undefined, P = A>
  extends Omit<PoolSettings, "leaseTimeout" | "detection" | "creation">
{
  /** In errors and logs. Default `"PromisePool"`. */
  readonly name?: string | undefined
  /**
   * Makes an object. Without it the pool holds only what is added.
   *
   * The signal fires when `creation.timeout` has passed or the pool closes. What is made all the same is destroyed; the
   * room is kept until then, but no longer than `hookTimeout`: what is made after that is destroyed too, and a line in
   * the log. An object that has a `then` is taken for a promise.
   */
  readonly acquire?: ((signal: AbortSignal) => Awaitable<A>) | undefined
  /** Destroys what `acquire` has made. A failure, and what takes longer than `hookTimeout`, is reported and given up. */
  readonly destroy?: ((object: NoInfer<A>) => unknown) | undefined
  /** Added at start, and left to their owner. */
  readonly objects?: Iterable<A> | undefined
  /** Data of each object, or what makes it. */
  readonly data?: D | ((object: NoInfer<A>) => D) | undefined
  /** Which lendable object a borrower gets. Default `Selector.random`. */
  readonly select?: PromiseSelect<NoInfer<A>, NoInfer<D>> | undefined
  /** How long a lease lasts, for each object. Default: until it is released. */
  readonly leaseTimeout?:
    | Duration.Input
    | ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => Duration.Input)
    | undefined
  /** What a borrower gets, made under the lease. Default: the object. */
  readonly pack?: ((lease: PromiseLease<NoInfer<A>, NoInfer<D>>) => Awaitable<P>) | undefined
  /**
   * Ends what `pack` has made, before the object is given back. A failure, and what takes longer than `hookTimeout`, is
   * reported and given up.
   */
  readonly unpack?: ((packed: NoInfer<P>) => unknown) | undefined
  /**
   * Asks what an object's status is. One that fails, or exceeds `detection.timeout`, leaves the object `Unknown`. While it is
   * asked about, an object's `status` is `Pending`; one that is shared and lent stays `Borrowed`, and takes no new leases.
   */
  readonly detectStatus?: ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => Awaitable<Status.Answer>) | undefined
  readonly detection?: DetectionOptions | undefined
  readonly creation?: CreationOptions<unknown> | undefined
  /** Prepares an object for its borrower. One that fails has the object leave, and the borrower gets another. */
  readonly onBorrow?: ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => unknown) | undefined
  /** Cleans an object up after its borrower, who does not wait for it. One that fails has the object leave. */
  readonly onRelease?: ((pooled: PooledObject<NoInfer<A>, NoInfer<D>>) => unknown) | undefined
}

/**
 * What the `select` option takes: a selector, `{ weight }`, or a function that answers one of the lendable objects, or
 * none.
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
  | ((available: ReadonlyArray<PooledObject<A, D>>) => Awaitable<PooledObject<A, D> | undefined>)

/**
 * How one borrow differs from the pool's rule, and what ends its wait.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseBorrowOptions<in A, in D = undefined> extends BorrowOptions<A, D> {
  /** Aborted, the borrow rejects with its reason, and nothing is lost. */
  readonly signal?: AbortSignal | undefined
}

/**
 * How one added object differs from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseAddOptions<in A, out D = undefined> {
  /** Instead of what the `data` option makes. */
  readonly data?: D | undefined
  /** Instead of the pool's `leaseTimeout`. */
  readonly leaseTimeout?: Duration.Input | undefined
  /** Destroys the object when it leaves the pool; without it the object is left to its owner. */
  readonly destroy?: ((object: A) => unknown) | undefined
}
