/**
 * What a borrower without Effect holds.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { AllowanceReport } from "./Allowance.ts"
import type { PooledObject } from "./PooledObject.ts"
import type { Status } from "./Status.ts"

/**
 * The right to use what was borrowed, until it is given back. Of a tag whose `pack` says what a borrower gets, this is all
 * that a lease can do.
 *
 * **Details**
 *
 * Giving back is idempotent, and never fails. A member may be taken off the lease and called bare: `on("close",
 * lease.releaseSync)`. Printed, a lease shows its ids, its status and its times, never the object. `await using lease = await pool.borrow()` gives back at the end of the block
 * and waits for it, `using lease = pool.borrowSync()` does not wait.
 *
 * **Gotchas**
 *
 * A lease that is forgotten is never given back: use `with`, `using`, or a lease time-out.
 *
 * @category models
 * @since 0.1.0
 */
export interface PackedLease<out P> extends AsyncDisposable, Disposable {
  /** The object; or what `pack` made of it. */
  readonly object: P
  /**
   * Gives the object back. Resolves when it is back: at once, but for what `pack` has made, which ends first. That of a
   * lease that is over already resolves at once.
   */
  readonly release: () => Promise<void>
  /** The same, without waiting for what `pack` has made to end. */
  readonly releaseSync: () => void
}

/**
 * A lease with all its rights. What is said of `Lease` holds here: once it is over, everything is without effect on the
 * object and on its next lease; only `renew` and `detach` then fail, with `LeaseExpired`, whose `reason` says why.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromiseLease<out A, out D = undefined, out P = A> extends PackedLease<P> {
  readonly data: D
  readonly pooled: PooledObject<A, D>
  /** Unique in its pool, never used again, always growing: a fencing token. */
  readonly id: number
  readonly borrowedAt: DateTime.Utc
  /** When the lease expires; `undefined` without a lease time-out. Moves with `renew`. */
  readonly expiresAt: DateTime.Utc | undefined
  /** `borrowedAt` and `expiresAt` as dates: as they are at the moment it is read. */
  readonly dates: { readonly borrowedAt: Date; readonly expiresAt: Date | undefined }
  /** Fires when the lease expires, or is revoked, by `revoke` or as the pool closes; its reason is a `LeaseExpired`. */
  readonly signal: AbortSignal
  /** Condemns the object: it leaves the pool when the lease ends. */
  readonly invalidate: () => void
  /**
   * The object rests until this long from now; carried out when the lease ends. One that is shared takes no new leases at
   * once, and again when the time has passed. What is no duration, or a negative one, throws `InvalidPoolOptions`. With a
   * `facet` it rests at once, and for borrowers of that facet only.
   */
  readonly rest: (duration: Duration.Input, facet?: string) => void
  /** `rest`, until the wall clock says so: also after it was set, or after a night in which the machine slept. */
  readonly restUntil: (moment: Status.Moment, facet?: string) => void
  /**
   * Takes more of the allowances whose `unit` is `"cost"`, or of the one that is named; with a negative cost it gives back,
   * at most what the lease has taken of each, the latest first, as far as that still counts. It counts also after the lease
   * is over, as long as the object is in the pool. What is no finite number throws `InvalidPoolOptions`.
   */
  readonly charge: (cost: number, name?: string) => void
  /**
   * What the lease has taken of its allowances counts from now on, and no more from when it was taken: for when the answer
   * of a server has come, which has counted the request at some time since the grant. It counts also after the lease is over.
   */
  readonly recount: () => void
  /** Believes what a server has said of an allowance: how much is left, and when all of it is there again. */
  readonly report: (report: AllowanceReport) => void
  /** Starts the lease time-out anew. Throws `LeaseExpired` once the lease is over. */
  readonly renew: () => void
  /** Takes the object out of the pool for good. Rejects with `LeaseExpired` once the lease is over. */
  readonly detach: () => Promise<Detached<A>>
}

/**
 * An object that is its holder's, and no pool's any more.
 *
 * @category models
 * @since 0.1.0
 */
export interface Detached<out A> extends AsyncDisposable {
  readonly object: A
  /** Destroys the object as the pool would have; one that was added is left as it is. Idempotent, never fails. */
  readonly destroy: () => Promise<void>
}
