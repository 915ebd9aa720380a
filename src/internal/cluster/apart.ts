import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/**
 * Runs an effect in a fiber of its own, and waits for its end, but after an interruption for nothing: what is asked over a
 * connection that is cut off may take long to be given up, and must not hold up who has given it up.
 */
export const apart = <A, E>(
  effect: Effect.Effect<A, E>,
  begun?: (fiber: Fiber.Fiber<A, E>) => void
): Effect.Effect<A, E> =>
  Effect.withFiber((parent) =>
    Effect.callback((resume) => {
      const fiber = Effect.runForkWith(parent.context)(effect)
      begun?.(fiber)
      fiber.addObserver(resume)
      return Effect.sync(() => fiber.interruptUnsafe(parent.id))
    })
  )
