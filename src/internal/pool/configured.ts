/**
 * Options over which settings are laid that are read from the environment.
 */
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { InvalidPoolOptions } from "../../PoolError.ts"
import { isPlain } from "../structures/record.ts"

/** A layer of what `build` makes of options with settings laid over them. That what it throws makes no sense is a failure. */
export const configured = <I, S, O extends object, T extends object>(
  tag: Context.Key<I, S>,
  options: O,
  settings: Config.Wrap<T>,
  build: (options: O, fiber: Fiber.Fiber<unknown, unknown>) => S
): Layer.Layer<I, Config.ConfigError | InvalidPoolOptions> =>
  Layer.effect(
    tag,
    Effect.flatMap(Config.unwrap(settings), (read) =>
      Effect.withFiber((fiber) => {
        try {
          return Effect.succeed(build(overlay(options, read), fiber))
        } catch (error) {
          return error instanceof InvalidPoolOptions ? Effect.fail(error) : Effect.die(error)
        }
      }))
  )

/** Lays settings over options: a setting replaces only its own key. */
const overlay = <O extends object>(options: O, settings: object): O => {
  const merged = { ...options } as Record<string, unknown>
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined) continue
    const below = merged[key]
    merged[key] = isPlain(value) && isPlain(below) ? overlay(below, value) : value
  }
  return merged as O
}
