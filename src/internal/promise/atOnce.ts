/**
 * Operations that never wait: what has begun, and has not ended in the same step, is interrupted, undone and refused.
 */
import * as Exit from "effect/Exit"
import { NotSynchronous } from "../../NotSynchronous.ts"
import { PoolExhausted, type PoolStats } from "../../PoolError.ts"
import type { Begun } from "./borrowing.ts"
import type { Running } from "./running.ts"

/** Something that is not waited for. */
export interface Attempt<F> {
  readonly begin: () => F
  /** What there is to undo when it has been interrupted. */
  readonly undo: (begun: F) => void
}

/** What a borrower waits for whose pool has effects for callbacks: the counts tell. */
const whatTakesTime = (before: PoolStats, now: PoolStats): string | undefined => {
  if (now.making > before.making) return "acquire"
  if (now.leases > before.leases) return "pack"
  if (now.pending > before.pending) return "detectStatus or onBorrow"
  return now.available > 0 ? "select" : undefined
}

/** What an attempt has ended with in this step. */
export const atOnce = <B, F extends Begun<B>>(
  running: Running,
  counts: () => PoolStats,
  operation: string,
  { begin, undo }: Attempt<F> & { readonly begin: () => Begun<B> }
): B => {
  const before = counts()
  running.later = undefined
  const begun = begin()
  const exit = begun.pollUnsafe()
  if (exit !== undefined) {
    if (Exit.isSuccess(exit)) return exit.value
    throw running.failure(exit)
  }
  const stats = counts()
  // where it is but not its turn, nothing has answered
  const callback = running.later ??
    (operation !== "borrowSync" ? "detectStatus" : running.notes ? undefined : whatTakesTime(before, stats))
  begun.interruptUnsafe()
  undo(begun)
  const { name: pool } = running
  if (callback === undefined) throw new PoolExhausted({ pool, stats, reason: "NoneAvailable" })
  throw new NotSynchronous({ pool, stats, operation, callback })
}
