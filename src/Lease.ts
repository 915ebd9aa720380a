/**
 * What a borrower holds.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AllowanceReport } from "./Allowance.ts"
import type { PooledObject } from "./PooledObject.ts"
import type { LeaseExpired } from "./PoolError.ts"
import type { Status } from "./Status.ts"

/**
 * The right to use one object for a while.
 *
 * **Details**
 *
 * A lease ends when its scope closes, when `release` runs, when its time is over (it *expires*), or when the pool takes it
 * back before that (it is *revoked*): by `revoke`, as another lease of a shared object detaches that, or as the pool closes.
 * Everything here is idempotent, and without effect on the object or on its next
 * lease once this lease is over; only `renew` and `detach` then fail, with `LeaseExpired`, whose `reason` says why. While
 * what `pack` has made is ended after a release, `invalidate` and `rest` still count: it may be then that the object turns
 * out to be broken.
 *
 * **Gotchas**
 *
 * Nothing stops a borrower from using `lease.object` after the lease is over. Where that must not do harm, hand
 * `lease.id` to the guarded system as a fencing token: it always grows.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lease<out A, out D = undefined> {
  readonly object: A
  readonly data: D
  readonly pooled: PooledObject<A, D>
  /** Unique in its pool, never used again, always growing. */
  readonly id: number
  readonly borrowedAt: DateTime.Utc
  /** When the lease expires; `undefined` without a lease time-out. Moves with `renew`. */
  readonly expiresAt: DateTime.Utc | undefined
  /** Gives the object back now, before the scope closes. */
  readonly release: Effect.Effect<void>
  /** Condemns the object: it leaves the pool when the lease ends, and is not lent on. Beats `rest`. */
  readonly invalidate: Effect.Effect<void>
  /**
   * The object rests until this long from now; carried out when the lease ends, unless the time has passed by then. One
   * that is shared takes no new leases at once, and again when the time has passed. Of two rests the later wins. What is
   * no duration, or a negative one, is a defect, an `InvalidPoolOptions`.
   *
   * With a `facet`, it rests at once, and for borrowers of that facet only.
   */
  readonly rest: (duration: Duration.Input, facet?: string) => Effect.Effect<void>
  /** `rest`, until the wall clock says so: also after it was set, or after a night in which the machine slept. */
  readonly restUntil: (moment: Status.Moment, facet?: string) => Effect.Effect<void>
  /**
   * Takes more of the allowances whose `unit` is `"cost"`, or of the one that is named; with a negative cost it gives back,
   * at most what the lease has taken of each, the latest first, as far as that still counts. It counts also after the lease
   * is over, as long as the object is in the pool. What is no finite number is a defect, an `InvalidPoolOptions`.
   */
  readonly charge: (cost: number, name?: string) => Effect.Effect<void>
  /**
   * What the lease has taken of its allowances counts from now on, and no more from when it was taken: for when the answer
   * of a server has come, which has counted the request at some time since the grant. It counts also after the lease is over.
   */
  readonly recount: Effect.Effect<void>
  /**
   * Believes what a server has said of an allowance: how much is left, and when all of it is there again. A later report
   * replaces an earlier one; one whose moment has passed, or that says that more was left until an earlier moment, is older,
   * and dropped; one that says neither changes nothing.
   */
  readonly report: (report: AllowanceReport) => Effect.Effect<void>
  /** Starts the lease time-out anew. Without one it does nothing. */
  readonly renew: Effect.Effect<void, LeaseExpired>
  /**
   * The object leaves the pool for good, and its room is free at once; what made it is closed with the scope of the
   * caller. The `release` of an added object is not run. Where it is shared, its other leases are revoked.
   */
  readonly detach: Effect.Effect<A, LeaseExpired, Scope.Scope>
  /** Fails when the lease expires or is revoked; otherwise it never ends. Race it with the work. */
  readonly expired: Effect.Effect<never, LeaseExpired>
}
