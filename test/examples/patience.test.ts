import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { patience } from "../../examples/apiKeys/patience.ts"
import { ObjectPool } from "../../src/index.ts"

const now = Date.UTC(2026, 0, 1)

describe("the example of API keys", () => {
  for (
    const [said, millis] of [
      ["30", 30_000],
      ["0", 1000],
      ["Thu, 01 Jan 2026 00:01:00 GMT", 60_000],
      ["Wed, 31 Dec 2025 00:00:00 GMT", 1000],
      ["Fri, 01 Jan 2100 00:00:00 GMT", 86_400_000],
      ["9".repeat(400), 86_400_000],
      ["soon", 30_000],
      ["", 30_000],
      [undefined, 30_000]
    ] as const
  ) {
    it.effect(`rests a key for ${millis} ms after Retry-After: ${said?.slice(0, 40)}`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a key"] })
        yield* pool.with((lease) => lease.rest(patience(said, now)))

        assert.strictEqual(patience(said, now), millis)
        assert.strictEqual((yield* pool.stats).dormant, 1)
      }))
  }
})
