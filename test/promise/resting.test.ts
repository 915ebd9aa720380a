/** Resting without Effect. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import { InvalidPoolOptions, PromisePool } from "../../src/promise.ts"
import { failure, idle } from "../support/promises.ts"

describe("a lease", () => {
  it("rests its object until a moment of the wall clock", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const moment = new Date(Date.now() + 3_600_000)
    const lease = pool.borrowSync()
    lease.restUntil(moment)
    lease.releaseSync()

    assert.strictEqual(lease.pooled.status, "Dormant")
    assert.strictEqual(DateTime.toEpochMillis(lease.pooled.wakesAt!), moment.getTime())
    assert.isTrue(pool.wake("a"))
    idle(pool)
  })

  it("throws what says that something is no duration, or no moment, and does not rest its object", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const lease = pool.borrowSync()
    for (const wrong of [() => lease.rest(NaN), () => lease.restUntil(NaN), () => pool.rest("a", -5)]) {
      assert.instanceOf(await failure(wrong), InvalidPoolOptions)
    }
    lease.releaseSync()
    assert.strictEqual(lease.pooled.status, "Available")
    idle(pool)
  })
})
