/**
 * What is concluded of an object from how the work under its lease has ended.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { makeOutlier, type Outlier } from "./internal/object/outliers.ts"
import type { PooledObject } from "./PooledObject.ts"
import type { Status } from "./Status.ts"

/**
 * Judges an object by the exit of the body of `with`, or of the scope that a lease was borrowed in; `release` is a success.
 * It answers as a detector would, plainly; `undefined` says nothing of the object.
 *
 * @category models
 * @since 0.1.0
 */
export type Judge<in A, in D> = (
  exit: Exit.Exit<unknown, unknown>,
  pooled: PooledObject<A, D>
) => Status.Answer | undefined

/**
 * Verdicts that a pool knows.
 *
 * **Details**
 *
 * `outlier` takes an object out that fails again and again, as proxies do with a host: after `after` failures in a row
 * (default 5) that `when` accepts (default: every failure that is no interruption) it rests for `rest` (default 30 seconds),
 * doubling with each time in a row, to 5 minutes where `rest` is not longer, with a jitter of a tenth. No more than `most` (default 0.5) of the objects
 * of the pool, but at least one, rest by it at once: the next one is spared until there is room. A success ends the row.
 *
 * It is a judge itself, and may be called by one of yours: `(exit, pooled) => limited(exit) ?? outlier(exit, pooled)`. It
 * counts for the pool that asks, and only while that does.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const Verdict: {
  /** Lets an object rest on which work fails again and again. */
  readonly outlier: (options?: {
    readonly when?: ((cause: Cause.Cause<unknown>) => boolean) | undefined
    readonly after?: number | undefined
    readonly rest?: Duration.Input | undefined
    readonly most?: number | undefined
  }) => Judge<unknown, unknown>
} = {
  outlier: (options) =>
    makeOutlier(options as Outlier, (exit) => Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))
}
