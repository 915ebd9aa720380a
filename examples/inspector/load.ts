/** A load that rises and falls, so that there is something to see. */
import { Clock, Effect, Layer } from "effect"
import { ApiKeys, Connections, Renderers } from "./pools.ts"

/** Begins a job again and again, `rate` times a second; what becomes of one does not concern the next. */
const arrivals = <R>(rate: (seconds: number) => number, job: Effect.Effect<unknown, unknown, R>) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    while (true) {
      yield* Effect.forkChild(Effect.ignore(job))
      const now = yield* Clock.currentTimeMillis
      yield* Effect.sleep(1000 / rate((now - began) / 1000))
    }
  })

/** From one rush to the next. */
const wave = (seconds: number, period: number, low: number, high: number) =>
  low + (high - low) * (1 - Math.cos(2 * Math.PI * seconds / period)) / 2

export const Load = Layer.effectDiscard(Effect.forkScoped(Effect.all([
  // 24 connections serve some 130 a second
  arrivals((seconds) => wave(seconds, 40, 12, 165), Connections.query),
  arrivals(() => 1 / 9, Connections.forget),
  arrivals((seconds) => wave(seconds, 25, 5, 38), ApiKeys.ask),
  arrivals((seconds) => wave(seconds, 30, 1, 8), Renderers.render)
], { concurrency: "unbounded" })))
