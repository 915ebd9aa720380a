/** What an object, or a pool, says of itself while something is under way, or over. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { hold, make, settle, start } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"

describe("wakesAt", () => {
  it.effect("of a lent object is none while it is being detected, as that of another is", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        detectStatus: () => ++asked === 1 ? "Dormant" as const : Effect.never,
        detection: { onAdd: false, every: "10 seconds", dormantFor: "15 seconds", timeout: "1 hour", onBorrow: false }
      })
      const { lease } = yield* hold(pool.borrow)
      yield* TestClock.adjust("10 seconds")
      assert.isDefined(lease.pooled.wakesAt)

      yield* TestClock.adjust("20 seconds")

      assert.strictEqual(asked, 2)
      assert.isUndefined(lease.pooled.wakesAt)
    }))
})

describe("one who drains, and is told that the pool closes,", () => {
  it.effect("may give back the last lease: nothing goes on afterwards", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const pool = yield* within(
        ObjectPool.make({ objects: ["a"], detectStatus: () => "Available", detection: { every: "1 second" } })
      )
      const { release } = yield* hold(pool.borrow)
      yield* start(Effect.ensuring(Effect.exit(pool.drain), release))

      yield* start(pool.close)
      yield* settle
      const before = counts.sleeps
      yield* TestClock.adjust("10 seconds")

      assert.deepInclude(yield* pool.stats, { size: 0, leases: 0 })
      assert.strictEqual(counts.sleeps, before)
    }))
})
