/**
 * The pool's record of one object, as a user sees it.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type { AllowanceState } from "./Allowance.ts"
import type { PromiseSelf, Self } from "./Self.ts"
import type { Status } from "./Status.ts"

/**
 * The pool's record of one object: a live, read-only view. What it says is true at the moment it is read.
 *
 * **Details**
 *
 * Times are those of the wall clock of the pool. They are kept as numbers and become a `DateTime.Utc` when they are read.
 *
 * @category models
 * @since 0.1.0
 */
export interface PooledObject<out A, out D = undefined> {
  readonly object: A
  /** What the `data` option, or `add`, gave it. The pool never writes it; a mutable value or a `Ref` may be kept here. */
  readonly data: D
  /** Unique in its pool, never used again. */
  readonly id: number
  readonly status: Status
  readonly addedAt: DateTime.Utc
  /** When its last detection ended, whatever it said. */
  readonly detectedAt: DateTime.Utc | undefined
  readonly borrowedAt: DateTime.Utc | undefined
  readonly releasedAt: DateTime.Utc | undefined
  readonly borrowCount: number
  /** How many open leases of it there are now. */
  readonly leases: number
  /** Verdicts of `judge` other than `"Available"` in a row; a detection that answers that ends the row as well. */
  readonly failures: number
  /**
   * When a `Dormant` object comes back, if that is known; and when one that is shared, and was told to rest while it is
   * lent, takes new leases again.
   */
  readonly wakesAt: DateTime.Utc | undefined
  /** The same times as dates, for code that has no `DateTime`: as they are at the moment it is read. */
  readonly dates: {
    readonly addedAt: Date
    readonly detectedAt: Date | undefined
    readonly borrowedAt: Date | undefined
    readonly releasedAt: Date | undefined
    readonly wakesAt: Date | undefined
  }
  /** The facets for whose borrowers it rests, and until when; for ever where there is no time. */
  readonly facets: ReadonlyArray<{ readonly name: string; readonly until: DateTime.Utc | undefined }>
  /** What is left of its allowances, in the order in which the `allowance` option names them. */
  readonly allowances: ReadonlyArray<AllowanceState>
}

/**
 * The record of an object that was added, as its owner gets it: what the object learns of itself may be told with it, at any
 * time. It is the same record that all others see.
 *
 * @category models
 * @since 0.1.0
 */
export interface AddedObject<out A, out D = undefined> extends PooledObject<A, D>, Self {}

/**
 * The same, in the promise flavour.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromiseAddedObject<out A, out D = undefined> extends PooledObject<A, D>, PromiseSelf {}
