/**
 * How the function that `with` has called has settled, as a judge is told.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"

/** What a function has rejected with whose caller had left. */
class Left extends Context.Service<Left, { readonly reason: unknown }>()("effect-object-pool/Left") {}

/**
 * How a function has ended that nobody waited for any more: that says nothing of its object, as an interruption does not.
 */
export const left = (reason: unknown): Exit.Exit<never> =>
  Exit.failCause(Cause.annotate(Cause.interrupt(), Context.make(Left, { reason })))

/** Those of functions whose callers had left. */
const leftOver = new WeakSet<PromiseSettledResult<unknown>>()

/** What a judge is asked about. */
export const toSettled = (exit: Exit.Exit<unknown, unknown>): PromiseSettledResult<unknown> => {
  if (Exit.isSuccess(exit)) return { status: "fulfilled", value: exit.value }
  const { cause } = exit
  if (!Cause.hasInterruptsOnly(cause)) return { status: "rejected", reason: Cause.squash(cause) }
  const known = cause.reasons[0]!.annotations.get(Left.key) as Left["Service"] | undefined
  const settled: PromiseSettledResult<unknown> = {
    status: "rejected",
    reason: known === undefined ? Cause.squash(cause) : known.reason
  }
  leftOver.add(settled)
  return settled
}

/** Has its caller left before it settled so? */
export const isLeft = (settled: PromiseSettledResult<unknown>): boolean => leftOver.has(settled)
