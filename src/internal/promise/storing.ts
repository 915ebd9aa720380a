/**
 * A store whose functions answer plainly or with promises, as the pool wants it: with effects.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { PromisePoolOptions, PromiseStore } from "../../PromiseOptions.ts"
import type { Store } from "../object/memory.ts"
import type { checks } from "../state/validation.ts"
import { isRecord } from "../structures/times.ts"
import { call } from "./callbacks.ts"
import type { Running } from "./running.ts"

type Checks = ReturnType<typeof checks>

/** The store of the options; none where nothing is remembered. Throws `InvalidPoolOptions`. */
export const toStore = <A, D, P>(
  check: Checks,
  { remember }: PromisePoolOptions<A, D, P>,
  running: Running
): Store | undefined => {
  if (remember === undefined) return undefined
  const given: unknown = check.known("remember", remember, ["key", "store"])["store"]
  if (!isRecord(given)) return check.refuse("remember.store", given, "a store: `get`, `set`, and perhaps `delete`")
  const methods = given as Readonly<Record<string, unknown>>
  for (const name of ["get", "set"]) {
    if (typeof methods[name] !== "function") check.refuse(`remember.store.${name}`, methods[name], "a function")
  }
  check.call("remember.store.delete", methods["delete"])
  const store = given as PromiseStore
  return {
    get: (key) =>
      Effect.map(
        call(() => {
          const got = store.get(key)
          if (Predicate.isPromiseLike(got)) running.later = "remember"
          return got
        }),
        (text) => text ?? undefined
      ),
    // what has been promised goes on: no other write of the object overtakes it
    set: (key, value) => Effect.uninterruptible(call(() => store.set(key, value))),
    remove: (key) =>
      Effect.uninterruptible(call(() => store.delete === undefined ? store.set(key, "") : store.delete(key)))
  } as Store
}
