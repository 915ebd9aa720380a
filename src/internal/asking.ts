/**
 * Calling the user's functions, and looking at what they answer.
 *
 * They answer plainly or with an effect. To ask which may throw: an answer may be a `Proxy` that has been revoked. So it is
 * asked in one place, where that is as if the function had thrown.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** What a function has answered. */
export type Answer =
  | { readonly _tag: "Plain"; readonly value: unknown }
  | { readonly _tag: "Effect"; readonly effect: Effect.Effect<unknown, unknown> }
  /** It has thrown, or what it answered cannot be looked at. */
  | { readonly _tag: "Threw"; readonly defect: unknown }

export const ask = <I>(f: (input: I) => unknown, input: I): Answer => {
  try {
    const value = f(input)
    return Effect.isEffect(value)
      ? { _tag: "Effect", effect: value as Effect.Effect<unknown, unknown> }
      : { _tag: "Plain", value }
  } catch (defect) {
    return { _tag: "Threw", defect }
  }
}

/** Runs an effect by `run`; one that cannot even be begun has died. */
export const start = <B, E>(
  run: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>,
  effect: Effect.Effect<B, E>
): Fiber.Fiber<B, E> => {
  try {
    return run(effect)
  } catch (defect) {
    return run(Effect.die(defect))
  }
}
