/** What has failed is tried again, as plain numbers say. */
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as Schedule from "effect/Schedule"
import { InvalidPoolOptions, PromisePool, type PromisePoolOptions, type Status } from "../../src/promise.ts"
import { failure, refused } from "../support/promises.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Retry = NonNullable<PromisePoolOptions<number>["creation"]>["retry"]

/** How long it was from each attempt to the next, in milliseconds, until a borrower has failed or time is up. */
const delays = async (retry: Retry, up = 1_000_000) => {
  const at: Array<number> = []
  const pool = PromisePool.make({
    acquire: async (): Promise<number> => {
      at.push(Date.now())
      throw refused
    },
    creation: { retry },
    borrowTimeout: "Infinity"
  })
  let over = false
  const failed = failure(pool.borrow()).then((error) => {
    over = true
    return error
  })
  for (let gone = 0; gone < up && !over; gone += 50) await vi.advanceTimersByTimeAsync(50)
  if (over) assert.strictEqual(await failed, refused)
  await pool.close()
  return { over, delays: at.slice(1).map((time, i) => time - at[i]!) }
}

describe("creation.retry", () => {
  it("as a number is how often, each time after twice as long, from 100 milliseconds", async () => {
    assert.deepStrictEqual(await delays(3), { over: true, delays: [100, 200, 400] })
    assert.deepStrictEqual(await delays(0), { over: true, delays: [] })
  })

  it("as a record says the delay, how it grows, and where that ends", async () => {
    const growing = await delays({ times: 4, delay: 50, factor: 3, maxDelay: "1 second" })
    const even = await delays({ times: 3, delay: "1 second", factor: 1 })
    const longer = await delays({ times: 2, delay: "1 minute" })

    assert.deepStrictEqual(growing, { over: true, delays: [50, 150, 450, 1000] })
    assert.deepStrictEqual(even, { over: true, delays: [1000, 1000, 1000] })
    assert.deepStrictEqual(longer, { over: true, delays: [60_000, 60_000] })
  })

  it("is half a minute at most, and may go on for ever", async () => {
    for (const times of ["Infinity", Infinity] as const) {
      const { delays: waits, over } = await delays({ times, delay: "10 seconds" }, 140_000)

      assert.deepStrictEqual([over, waits], [false, [10_000, 20_000, 30_000, 30_000, 30_000]])
    }
    assert.isFalse((await delays("Infinity", 5000)).over)
  })

  it("may be a schedule", async () => {
    assert.deepStrictEqual(await delays(Schedule.upTo(Schedule.spaced(500), { times: 2 })), {
      over: true,
      delays: [500, 500]
    })
  })

  it("is refused by name where it makes no sense, as the pool is made", () => {
    const nonsense: ReadonlyArray<readonly [retry: unknown, option: string, allowed: string]> = [
      [-1, "creation.retry", "a whole number, at least 0"],
      [1.5, "creation.retry", "a whole number, at least 0"],
      [NaN, "creation.retry", "a whole number, at least 0"],
      ["3", "creation.retry", "a number, a record with times, or a schedule"],
      [[], "creation.retry", "a number, a record with times, or a schedule"],
      [true, "creation.retry", "a number, a record with times, or a schedule"],
      [{}, "creation.retry.times", "a whole number, at least 0"],
      [{ times: "3" }, "creation.retry.times", "a whole number, at least 0"],
      [{ times: 3, delay: 0 }, "creation.retry.delay", "a duration longer than zero"],
      [{ times: 3, delay: NaN }, "creation.retry.delay", "a duration longer than zero"],
      [{ times: 3, factor: 0.5 }, "creation.retry.factor", "a number, at least 1"],
      [{ times: 3, factor: Infinity }, "creation.retry.factor", "a number, at least 1"],
      [{ times: 3, factor: "2" }, "creation.retry.factor", "a number, at least 1"],
      [{ times: 3, delay: 100, maxDelay: 99 }, "creation.retry.maxDelay", "at least creation.retry.delay"],
      [{ times: 3, retries: 3 }, "creation.retry.retries", "only times, delay, factor, maxDelay"]
    ]
    for (const [retry, option, allowed] of nonsense) {
      try {
        PromisePool.make({ acquire: () => 1, creation: { retry: retry as never } })
        assert.fail(`${option} is taken`)
      } catch (error) {
        assert.instanceOf(error, InvalidPoolOptions)
        assert.deepStrictEqual([error.option, error.allowed], [option, allowed])
      }
    }
  })
})

describe("detection.retry", () => {
  it("as numbers says when an unknown object is detected again, and when it is given up", async () => {
    const at: Array<number> = []
    const pool = PromisePool.make({
      objects: [1],
      detectStatus: async (): Promise<Status.Answer> => {
        at.push(Date.now())
        throw refused
      },
      detection: { retry: { times: 2, delay: "1 second" } }
    })
    await vi.advanceTimersByTimeAsync(60_000)

    assert.deepStrictEqual(at.slice(1).map((time, i) => time - at[i]!), [1000, 2000])
    assert.strictEqual(pool.stats().size, 0)
    assert.throws(
      () => PromisePool.make({ objects: [1], detectStatus: () => "Available", detection: { retry: { times: -1 } } }),
      InvalidPoolOptions,
      "detection.retry.times"
    )
  })
})
