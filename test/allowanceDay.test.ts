/** Days of a key with 8 requests a minute and 500 a day, which begins at midnight, where a day has 23 hours, or 25. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { make, start } from "./support/borrowers.ts"
import { skewed } from "./support/clocks.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const allowance = [
  { limit: 8, per: "1 minute", name: "of the minute" },
  { limit: 500, resets: Cron.parseUnsafe("0 0 * * *", "Europe/Berlin"), name: "of the day" }
] as const

/** From midnight to midnight, in Berlin. */
const days = {
  "23": { begins: Date.parse("2026-03-28T23:00:00Z"), ends: Date.parse("2026-03-29T22:00:00Z") },
  "25": { begins: Date.parse("2026-10-24T22:00:00Z"), ends: Date.parse("2026-10-25T23:00:00Z") }
}

/** A pool whose wall clock can be set, and the times at which it has lent to one who borrows as often as can be. */
const lending = (begins: number) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(begins)
    const { clock, skew } = yield* skewed
    const pool = yield* Effect.provideService(
      make({ objects: ["key"], allowance, waitsForResting: true }),
      Clock.Clock,
      clock
    )
    const times: Array<number> = []
    const note = Effect.map(Clock.currentTimeMillis, (millis) => {
      times.push(millis)
    })
    const borrower = yield* start(Effect.forever(pool.with(() => note, { timeout: "Infinity" })))
    /** Lets time go by, in steps in which a wall clock is looked at. */
    const pass = (millis: number) => Effect.repeat(TestClock.adjust(10 * second), { times: millis / (10 * second) - 1 })
    return { pool, skew, times, pass, stop: Fiber.interrupt(borrower) }
  })

/** Within a hundredth of the time that 500 take, if 8 are lent a minute. */
const atMost = 500 / 8 * minute * 1.01

const mostWithin = (times: ReadonlyArray<number>, window: number): number => {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= window) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

describe("a key with limits of a minute and of a day", () => {
  for (const [hours, { begins, ends }] of Object.entries(days)) {
    it.effect(`is lent 8 times in a minute and 500 times in a day of ${hours} hours, neither more nor less`, () =>
      Effect.gen(function*() {
        const { pass, pool, stop, times } = yield* lending(begins - 2 * hour)
        yield* pass(ends - begins + 4 * hour)
        yield* stop

        const within = (from: number, to: number) => times.filter((at) => at >= from && at < to)
        const whole = within(begins, ends)
        assert.deepStrictEqual(
          [within(0, begins).length, whole.length, within(ends, Infinity).length],
          [500, 500, 500]
        )
        assert.strictEqual(mostWithin(times, minute), 8)
        // while there is something of the day left, all of each minute is used
        assert.isAtMost(whole.at(-1)! - whole[0]!, atMost)
        // the day ends when it ends in Berlin
        assert.isAtMost(within(ends, Infinity)[0]! - ends, 10 * second)
        const [key] = yield* pool.objects
        const [, day] = key!.allowances
        assert.strictEqual(DateTime.toEpochMillis(day!.fullAt!), ends + 24 * hour)
      }))

    it.effect(`is so in a day of ${hours} hours though the wall clock is set by an hour, forth and back`, () =>
      Effect.gen(function*() {
        const { pass, skew, stop, times } = yield* lending(begins)
        for (const [until, skewedBy] of [[0.5, 1], [3, 0], [5, -1], [9, 0], [12, 1], [15, 0]] as const) {
          yield* pass(until * hour - (yield* Clock.currentTimeMillis) + begins)
          skew.millis = skewedBy * hour
        }
        yield* pass(ends + 2 * hour - (yield* Clock.currentTimeMillis))
        yield* stop

        // no reset is lost, none comes twice
        assert.deepStrictEqual(
          [times.filter((at) => at < ends).length, times.filter((at) => at >= ends).length],
          [500, 500]
        )
        // nor is any of the minute, which goes by another clock
        assert.strictEqual(mostWithin(times, minute), 8)
        assert.isAtMost(times[499]! - times[0]!, atMost)
      }))
  }

  it.effect("rests for as long as it was told to, and is full when the wall clock says so, however that is set", () =>
    Effect.gen(function*() {
      const { begins, ends } = days["25"]
      const { pass, pool, skew, stop, times } = yield* lending(begins)
      yield* pass(2 * hour)
      const spent = times.length
      // an hour before the reset the key is told to rest until half an hour after it, and the clock is set beyond the reset, and back
      yield* pass(ends - begins - 3 * hour)
      yield* pool.rest("key", "90 minutes")
      skew.millis = hour
      yield* pass(hour / 2)
      skew.millis = -hour
      yield* pass(hour / 2)
      skew.millis = 0
      assert.strictEqual(times.length, spent)
      yield* pass(hour / 2 - 10 * second)
      assert.strictEqual(times.length, spent)
      yield* pass(10 * second)
      assert.strictEqual(times.length, spent + 8)
      yield* stop
    }))
})
