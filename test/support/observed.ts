/**
 * Watches a pool from outside: what it logs, also while it closes.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { start } from "./borrowers.ts"

/** Everything that is logged by what runs within, and what it builds. */
export const logs = () => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ cause, message }) => {
    const text = Array.isArray(message) ? message.map(String).join(" ") : String(message)
    lines.push(cause.reasons.length === 0 ? text : `${text}: ${Cause.pretty(cause)}`)
  })
  return {
    lines,
    within: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger]))
  }
}

/** Runs without a log: of what goes wrong on purpose nobody has to read. */
export const quietly = <A, E, R>(effect: Effect.Effect<A, E, R>) => logs().within(effect)

/** Runs a body whose pools take their time to close: lets that time pass. */
export const late = <A, E>(body: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const exit = yield* Effect.exit(Scope.provide(body, scope))
    const closing = yield* start(Scope.close(scope, exit))
    yield* TestClock.adjust("10 minutes")
    yield* Fiber.join(closing)
    return yield* exit
  })
