/**
 * `overload`, under three times the load that a pool serves, for a minute.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ObjectPool, type PoolOptions } from "../src/index.ts"

const patience = 2000
const target = 200

/** Four objects, each lent for 200 millis: 20 a second are served, 60 come. How long each has waited that was served. */
const load = (overload: PoolOptions<string, undefined, never, never, never>["overload"]) =>
  Effect.scoped(Effect.gen(function*() {
    const pool = yield* ObjectPool.make({ objects: ["a", "b", "c", "d"], borrowTimeout: patience, overload })
    const waits: Array<number> = []
    const ends: Record<string, number> = {}
    const one = Effect.gen(function*() {
      const come = yield* Clock.currentTimeMillis
      yield* pool.with(() =>
        Effect.gen(function*() {
          waits.push((yield* Clock.currentTimeMillis) - come)
          yield* Effect.sleep(200)
        })
      )
    }).pipe(
      Effect.catchTags({
        BorrowTimeout: () => Effect.sync(() => ends["late"] = (ends["late"] ?? 0) + 1),
        PoolExhausted: ({ reason }) => Effect.sync(() => ends[reason] = (ends[reason] ?? 0) + 1)
      })
    )
    for (let i = 0; i < 60_000 / 50; i++) {
      for (let j = 0; j < 3; j++) yield* Effect.forkChild(one, { startImmediately: true })
      yield* TestClock.adjust(50)
    }
    const served = waits.length
    yield* TestClock.adjust(patience + 1000)
    assert.deepInclude(yield* pool.stats, { leases: 0, waiting: 0, available: 4 })
    return { ends, served, waits }
  }))

const median = (numbers: ReadonlyArray<number>) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!

describe("three times the load that a pool serves, for a minute", () => {
  it.effect("has each who is served wait its whole patience, and no less with overload while as many are served", () =>
    Effect.gen(function*() {
      const without = yield* load(undefined)
      const within = yield* load({ target, interval: 1000 })

      const settled = without.waits.slice(200)
      assert.isAtLeast(Math.min(...settled), 0.9 * patience)
      assert.isBelow(median(within.waits), 2 * target)
      assert.isAtLeast(within.served, without.served)
      assert.isAbove(within.ends["Overloaded"]!, 2000)
      assert.isUndefined(without.ends["Overloaded"])
    }))
})
