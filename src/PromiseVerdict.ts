/**
 * What is concluded of an object from how the work under its lease has ended, for those who have no Effect.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { isLeft } from "./internal/promise/settled.ts"
import type { PooledObject } from "./PooledObject.ts"
import type { Status } from "./Status.ts"
import { Verdict as OfExits } from "./Verdict.ts"

/**
 * Judges an object by how the function that `with` has called has settled, as `Promise.allSettled` says it.
 *
 * @category models
 * @since 0.1.0
 */
export type PromiseJudge<in A, in D> = (
  settled: PromiseSettledResult<unknown>,
  pooled: PooledObject<A, D>
) => Status.Answer | undefined

/**
 * Verdicts that a pool knows.
 *
 * **Details**
 *
 * `outlier` takes an object out that fails again and again: after `after` failures in a row (default 5) for which `when`
 * holds (default: all) it rests for `rest` (default 30 seconds), doubling with each time in a row, to 5 minutes where `rest` is
 * not longer, with a jitter of a tenth. A function whose caller's signal had fired before it rejected says nothing of its
 * object. No more than `most` (default 0.5) of the objects of the pool, but at least one, rest by it at once: the
 * next one is spared until there is room. A success ends the row. It is a judge itself, and may be called by one of yours.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const Verdict: {
  /** Lets an object rest on which work fails again and again. */
  readonly outlier: (options?: {
    readonly when?: ((reason: unknown) => boolean) | undefined
    readonly after?: number | undefined
    readonly rest?: Duration.Input | undefined
    readonly most?: number | undefined
  }) => PromiseJudge<unknown, unknown>
} = {
  outlier: (options) => {
    const when = options?.when
    const judge = OfExits.outlier(
      typeof when === "function" ? { ...options, when: (cause) => when(Cause.squash(cause)) } : options as {}
    )
    return (settled, pooled) => {
      if (isLeft(settled)) return undefined
      if (settled.status === "rejected") return judge(Exit.fail(settled.reason), pooled)
      if (settled.status === "fulfilled") return judge(Exit.void, pooled)
      throw new TypeError("`Verdict.outlier` was asked about what has not settled")
    }
  }
}
