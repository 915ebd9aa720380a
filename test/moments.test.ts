/**
 * Rests until a moment follow the wall clock, wherever it is set; rests of a duration do not (promises 17 and 27).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { TestClock } from "effect/testing"
import { InvalidPoolOptions, Status } from "../src/index.ts"
import { hold, make, start, state } from "./support/borrowers.ts"
import { at, counting, skewed } from "./support/clocks.ts"

const hour = 3_600_000

/** A pool without a detector, whose wall clock can be set. */
const plain = Effect.gen(function*() {
  const { clock, skew } = yield* skewed
  const pool = yield* Effect.provideService(make({ objects: ["a"], waitsForResting: true }), Clock.Clock, clock)
  const [pooled] = yield* pool.objects
  const restUntil = Effect.fnUntraced(function*(moment: Status.Moment) {
    const { lease, release } = yield* hold(pool.borrow)
    yield* lease.restUntil(moment)
    yield* release
  })
  return { pool, pooled: pooled!, skew, restUntil }
})

/** A pool whose detector answers what it is told to, and whose wall clock can be set. */
const detected = (answer: Status.Answer) =>
  Effect.gen(function*() {
    const { clock, skew } = yield* skewed
    const script = { answer, asked: 0 }
    const pool = yield* Effect.provideService(
      make({
        objects: ["a"],
        detectStatus: () => {
          script.asked++
          return script.answer
        }
      }),
      Clock.Clock,
      clock
    )
    const [pooled] = yield* pool.objects
    return { pool, pooled: pooled!, script, skew }
  })

describe("a rest until a moment", () => {
  it.effect("ends when the wall clock says so", () =>
    Effect.gen(function*() {
      const { pooled, restUntil } = yield* plain
      yield* restUntil(DateTime.makeUnsafe(60_000))
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Dormant", 60_000])
      yield* TestClock.adjust(59_999)
      assert.strictEqual(pooled.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("ends within ten seconds after the wall clock was set beyond it, for those who wait already", () =>
    Effect.gen(function*() {
      const { pool, pooled, restUntil, skew } = yield* plain
      yield* restUntil(2 * hour)
      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("15 seconds")
      skew.millis = 3 * hour
      yield* TestClock.adjust("4999 millis")
      assert.deepStrictEqual([state(waiter), at(pooled.wakesAt)], ["waits", 2 * hour])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(waiter), "ok")
    }))

  it.effect("goes on when the wall clock was set back, until that says so", () =>
    Effect.gen(function*() {
      const { pooled, restUntil, skew } = yield* plain
      yield* TestClock.adjust(hour)
      yield* restUntil(hour + 60_000)
      skew.millis = -hour
      yield* TestClock.adjust(60_000)
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Dormant", hour + 60_000])
      yield* TestClock.adjust(hour - 1)
      assert.strictEqual(pooled.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("of a detector does the same, and is left alone by `detect` while the wall clock says so", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, skew } = yield* detected(Status.dormantUntil(hour))
      script.answer = "Available"
      yield* TestClock.adjust(hour / 2)
      skew.millis = -hour
      yield* TestClock.adjust(hour)
      yield* pool.detect
      assert.deepStrictEqual([script.asked, pooled.status, at(pooled.wakesAt)], [1, "Dormant", hour])
      skew.millis = hour
      yield* pool.detect
      assert.isAbove(script.asked, 1)
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("that a wall clock has passed before the last lease ends has no effect; one that it has not has", () =>
    Effect.gen(function*() {
      const { pool, pooled, skew } = yield* plain
      for (const [jump, status] of [[3 * hour, "Available"], [-hour, "Dormant"]] as const) {
        skew.millis = 0
        const { lease, release } = yield* hold(pool.borrow)
        yield* lease.restUntil(hour)
        skew.millis = jump
        yield* TestClock.adjust(1000)
        yield* release
        assert.strictEqual(pooled.status, status)
      }
    }))

  it.effect("and a rest of a duration: the later wins, wherever the wall clock is set", () =>
    Effect.gen(function*() {
      const { pool, pooled, restUntil, skew } = yield* plain
      yield* restUntil(60_000)
      yield* pool.rest("a", "2 minutes")
      assert.strictEqual(at(pooled.wakesAt), 120_000)
      skew.millis = hour
      assert.strictEqual(at(pooled.wakesAt), hour + 120_000)
      yield* TestClock.adjust(119_999)
      assert.strictEqual(pooled.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled.status, "Available")

      yield* restUntil(hour + 180_000)
      yield* pool.rest("a", "2 minutes")
      skew.millis = 0
      yield* TestClock.adjust(hour - 1)
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Dormant", hour + 180_000])
      yield* TestClock.adjust(60_001)
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("takes a `DateTime` of any zone, a `Date`, and milliseconds", () =>
    Effect.gen(function*() {
      const { pool, pooled, restUntil } = yield* plain
      const moments = [
        DateTime.makeUnsafe(60_000),
        DateTime.makeZonedUnsafe(60_000, { timeZone: "Asia/Tokyo" }),
        DateTime.toDate(DateTime.makeUnsafe(60_000)),
        60_000
      ]
      for (const moment of moments) {
        yield* restUntil(moment)
        assert.strictEqual(at(pooled.wakesAt), 60_000)
        yield* pool.wake("a")
        assert.deepStrictEqual(Status.dormantUntil(moment), {
          _tag: "Rest",
          until: DateTime.makeUnsafe(60_000)
        })
      }
    }))

  it.effect("that has passed has no effect", () =>
    Effect.gen(function*() {
      const { pooled, restUntil, skew } = yield* plain
      skew.millis = hour
      yield* restUntil(DateTime.toDate(DateTime.makeUnsafe(hour)))
      assert.deepStrictEqual([pooled.status, pooled.wakesAt], ["Available", undefined])
    }))

  it.effect("ends by `wake`, and leaves no timer when the pool closes", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const pool = yield* Effect.provideService(make({ objects: ["a", "b"] }), Clock.Clock, clock)
      for (const _ of [1, 2]) {
        const { lease, release } = yield* hold(pool.borrow)
        yield* lease.restUntil(hour)
        yield* release
      }
      assert.isTrue(yield* pool.wake("a"))
      assert.deepStrictEqual((yield* pool.stats).available, 1)
      assert.strictEqual(counts.sleeping, 1)
      yield* pool.close
      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("costs one look at the clock every ten seconds, however much rests", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const objects = Array.from({ length: 100 }, (_, i) => i)
      const pool = yield* Effect.provideService(
        make({ objects, detectStatus: () => Status.dormantUntil(hour) }),
        Clock.Clock,
        clock
      )
      yield* TestClock.adjust(hour / 2)
      assert.deepStrictEqual([counts.sleeps, counts.most], [181, 1])
      assert.strictEqual((yield* pool.stats).dormant, 100)
    }))
})

describe("a rest of a duration", () => {
  it.effect("does not follow the wall clock; `wakesAt` does", () =>
    Effect.gen(function*() {
      const { pool, pooled, skew } = yield* plain
      yield* pool.rest("a", "1 minute")
      for (const jump of [hour, -hour]) {
        skew.millis = jump
        assert.strictEqual(at(pooled.wakesAt), jump + 60_000)
      }
      yield* TestClock.adjust(59_999)
      assert.strictEqual(pooled.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled.status, "Available")
    }))
})

describe("what is no moment, or no duration, is refused by name", () => {
  const noMoments: ReadonlyArray<readonly [unknown, string]> = [
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    [new Date(NaN), "an invalid date"],
    ["2030-01-01", "\"2030-01-01\""],
    ["https://user:secret@host/", "a text"],
    [undefined, "undefined"],
    [null, "null"],
    [Duration.seconds(1), "1s"],
    [9e15, "9000000000000000"]
  ]
  const noDurations: ReadonlyArray<readonly [unknown, string]> = [
    [NaN, "NaN"],
    [-5, "-5"],
    [-Infinity, "-Infinity"],
    ["6m12s", "\"6m12s\""],
    ["30", "\"30\""],
    ["sk-live-1234567890abcdef", "a text"],
    [new Date(0), "an object"],
    [{}, "an object"],
    [{ second: 3 }, "an object"],
    [undefined, "undefined"],
    [null, "null"]
  ]

  const refused = (effect: Effect.Effect<unknown>, option: string, value: string, allowed: string) =>
    Effect.map(Effect.exit(effect), (exit) => {
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), `${option} takes ${value}`)
      assert.instanceOf(error, InvalidPoolOptions)
      assert.deepInclude(error, { option, value, allowed })
    })

  it.effect("by `restUntil`", () =>
    Effect.gen(function*() {
      const { pool, pooled } = yield* plain
      const { lease, release } = yield* hold(pool.borrow)
      for (const [value, shown] of noMoments) {
        yield* refused(lease.restUntil(value as number), "restUntil", shown, "a DateTime, a Date, or milliseconds")
      }
      yield* release
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("by `rest`, of the lease and of the pool", () =>
    Effect.gen(function*() {
      const { pool, pooled } = yield* plain
      const { lease, release } = yield* hold(pool.borrow)
      for (const [value, shown] of noDurations) {
        const allowed = "a duration, zero or longer"
        yield* refused(lease.rest(value as number), "rest", shown, allowed)
        yield* refused(pool.rest("a", value as number), "rest", shown, allowed)
      }
      yield* release
      assert.strictEqual(pooled.status, "Available")
      assert.isUndefined(pooled.wakesAt)
    }))

  it("by `Status.dormant` and `Status.dormantUntil`, which throw", () => {
    for (const [value] of noDurations) {
      assert.throws(() => Status.dormant(value as number), /^Status\.dormant was given .+; allowed: a duration, zero/)
    }
    for (const [value] of noMoments) {
      assert.throws(
        () => Status.dormantUntil(value as number),
        /^Status\.dormantUntil was given .+; allowed: a DateTime/
      )
    }
    assert.throws(() => Status.dormant("sk-live-1234567890abcdef" as "1 second"), "given a value of type string;")
  })

  it.effect("by the detector: it has failed, and says why", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], detectStatus: () => Status.dormant(NaN) })
      assert.strictEqual((yield* pool.stats).unknown, 1)
      const waiter = yield* start(Effect.flip(pool.borrowWith({ timeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(waiter), "ok")
    }))
})
