/** What a key keeps that has nothing, and what is left of one that was forgotten. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { KeyedPool } from "../../src/index.ts"
import { collect } from "../support/garbage.ts"

const used = Effect.gen(function*() {
  for (let i = 0; i < 3; i++) {
    yield* TestClock.adjust(1)
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    collect()
  }
  return process.memoryUsage().heapUsed
})

const touched = (n: number) =>
  Effect.gen(function*() {
    const pool = yield* KeyedPool.make({
      acquire: (key: number) => Effect.acquireRelease(Effect.succeed({ key }), () => Effect.void),
      size: { max: 10 },
      idleKeys: "1 minute"
    })
    const touch = (keys: ReadonlyArray<number>) =>
      Effect.forEach(keys, (key) => pool.with(key, (lease) => lease.invalidate), { discard: true })
    const rest = TestClock.adjust("30 seconds")
    // what is made once is made before
    yield* touch(Array.from({ length: 500 }, (_, i) => -1 - i))
    yield* rest
    yield* rest
    yield* rest
    const before = yield* used
    for (let i = 0; i < n; i += 1000) yield* touch(Array.from({ length: 1000 }, (_, k) => i + k))
    yield* TestClock.adjust("1 second")
    assert.lengthOf(yield* pool.keys, n)
    const known = (yield* used) - before
    yield* rest
    yield* rest
    assert.deepStrictEqual(yield* pool.keys, [])
    assert.strictEqual((yield* pool.stats).totals.borrowed, n + 500)
    return { known, forgotten: (yield* used) - before }
  })

describe("the heap", () => {
  it.effect(
    "has less than 2 kB of a key that has nothing, and nothing of 100 000 keys that were forgotten",
    () =>
      Effect.gen(function*() {
        const n = 100_000
        const { forgotten, known } = yield* touched(n)
        assert.isBelow(known / n, 2000)
        // a few bytes a key would be a leak
        assert.isBelow(forgotten, 1_000_000)
      }),
    { tags: ["large"] }
  )
})
