/** Times, for those who have no `DateTime`. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import { PromisePool, type Status } from "../../src/promise.ts"

const start = new Date("2026-01-01T00:00:00.000Z")
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)

beforeEach(() => void vi.useFakeTimers({ now: start }))
afterEach(() => void vi.useRealTimers())

describe("the dates of a lease", () => {
  it("are those of its `DateTime`s, and move with `renew`", async () => {
    const pool = PromisePool.make({ objects: ["a"], leaseTimeout: "1 minute" })
    const lease = await pool.borrow()

    assert.deepStrictEqual(lease.dates, { borrowedAt: at(0), expiresAt: at(60) })
    assert.deepStrictEqual(lease.dates.expiresAt, DateTime.toDate(lease.expiresAt!))

    await vi.advanceTimersByTimeAsync(30_000)
    lease.renew()

    assert.deepStrictEqual(lease.dates, { borrowedAt: at(0), expiresAt: at(90) })
  })

  it("have no end where the lease has none", async () => {
    const pool = PromisePool.make({ objects: ["a"] })

    assert.deepStrictEqual((await pool.borrow()).dates, { borrowedAt: at(0), expiresAt: undefined })
  })
})

describe("the dates of a record", () => {
  it("are those of its `DateTime`s, at the moment they are read", async () => {
    const pool = PromisePool.make({
      objects: ["a"],
      detectStatus: async (): Promise<Status.Answer> => "Available",
      detection: { onBorrow: false }
    })
    await vi.advanceTimersByTimeAsync(1000)
    const [pooled] = pool.objects()
    const none = { detectedAt: undefined, borrowedAt: undefined, releasedAt: undefined, wakesAt: undefined }

    assert.deepStrictEqual(pooled!.dates, { ...none, addedAt: at(0), detectedAt: at(0) })

    const lease = pool.borrowSync()
    await vi.advanceTimersByTimeAsync(1000)
    lease.rest("1 minute")
    lease.releaseSync()

    assert.deepStrictEqual(pooled!.dates, {
      addedAt: at(0),
      detectedAt: at(0),
      borrowedAt: at(1),
      releasedAt: at(2),
      wakesAt: at(62)
    })
    assert.deepStrictEqual(pooled!.dates.wakesAt, DateTime.toDate(pooled!.wakesAt!))
  })

  it("have no waking where that is beyond all dates", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const lease = pool.borrowSync()
    lease.rest("Infinity")
    lease.releaseSync()

    assert.strictEqual(pool.objects()[0]!.status, "Dormant")
    assert.isUndefined(pool.objects()[0]!.dates.wakesAt)
  })

  it("can be cloned, and are whoever's who has read them", () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const { dates } = pool.objects()[0]!
    dates.addedAt.setTime(0)

    assert.deepStrictEqual(structuredClone(pool.objects()[0]!.dates).addedAt, at(0))
  })
})
