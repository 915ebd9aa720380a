/**
 * What the calls of a promise pool are given, looked at before it is believed.
 */
import * as Effect from "effect/Effect"
import type { AddOptions, BorrowOptions } from "../../PoolOptions.ts"
import type { PromiseAddOptions, PromiseWithOptions } from "../../PromiseOptions.ts"
import { borrowKeys, withKeys } from "../state/validation.ts"
import { destroying } from "./callbacks.ts"
import type { Running } from "./running.ts"

const nowKeys = borrowKeys.filter((key) => key !== "timeout")
const keys = [...borrowKeys, "signal"]
const withSignalKeys = [...withKeys, "signal"]
const addKeys = ["data", "leaseTimeout", "destroy"]

/** What a borrow is asked for. Throws `InvalidPoolOptions`. */
export const toRequest = <A, D>(
  { check }: Running,
  options: PromiseWithOptions<A, D> | undefined,
  operation: "borrow" | "with" = "borrow"
): PromiseWithOptions<A, D> => {
  if (options === undefined) return {}
  check.known("", options, operation === "with" ? withSignalKeys : keys)
  const { signal } = options
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    check.refuse("signal", signal, "an AbortSignal")
  }
  return options
}

/** Throws `InvalidPoolOptions` where a borrow that does not wait is asked for what it has not. */
export const checkNow = <A, D>({ check }: Running, options: BorrowOptions<A, D> | undefined): void => {
  if (options !== undefined) check.known("", options, nowKeys)
}

/** How objects are added. They are not destroyed once `refused` holds: then they are their owner's, as before. */
export const toAddOptions = <A, D>(
  running: Running,
  hookTimeout: number,
  options: PromiseAddOptions<A, D> = {},
  refused = () => false
): AddOptions<A, D> => {
  running.check.known("", options, addKeys)
  const { data, destroy, leaseTimeout } = options
  running.check.call("destroy", destroy)
  const destroyed = destroy && destroying(running, destroy, hookTimeout)
  return { data, leaseTimeout, destroy: destroyed && ((object: A) => refused() ? Effect.void : destroyed(object)) }
}
