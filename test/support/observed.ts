/**
 * Watches a pool from outside: what it logs, and which timers of it are running.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"

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

/** Counts the sleeps that are going on, of what is built within. */
export const timers = () => {
  const counts = { started: 0, running: 0 }
  return {
    counts,
    within: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Clock.clockWith((clock) => {
        const counting: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
          sleep: (duration: Parameters<Clock.Clock["sleep"]>[0]) =>
            Effect.suspend(() => {
              counts.started++
              counts.running++
              return Effect.ensuring(
                clock.sleep(duration),
                Effect.sync(() => {
                  counts.running--
                })
              )
            })
        })
        return Effect.provideService(effect, Clock.Clock, counting)
      })
  }
}

/** Runs a body whose pools take their time to close: lets that time pass. */
export const late = <A, E>(body: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const exit = yield* Effect.exit(Scope.provide(body, scope))
    const closing = yield* Effect.forkChild(Scope.close(scope, exit), { startImmediately: true })
    yield* TestClock.adjust("10 minutes")
    yield* Fiber.join(closing)
    return yield* exit
  })
