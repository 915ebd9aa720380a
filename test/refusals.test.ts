/**
 * Fresh objects that the detector refuses: a few within one borrow, and then nothing spins (promise 16).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, type PooledObject, Selector, Status } from "../src/index.ts"
import { make, settle, start } from "./support/borrowers.ts"
import { retry } from "./support/detectors.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"

describe("fresh objects that the detector refuses", () => {
  const attempts = (
    answer: Status.Answer | "fail",
    options: { readonly min?: number; readonly max?: number },
    creation?: Schedule.Schedule<unknown>
  ) =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const { acquire } = scripted()
      const pool = yield* ObjectPool.make({
        acquire: Effect.andThen(
          Effect.flatMap(Clock.currentTimeMillis, (millis) => Effect.sync(() => times.push(millis))),
          acquire
        ),
        size: { max: 10, ...options },
        creation: { retry: creation },
        detectStatus: () => answer === "fail" ? Effect.fail("down") : answer,
        detection: { retry }
      })
      return { pool, times }
    })

  it.effect("a rest that is over already is no refusal: the minimum is refilled at once", () =>
    Effect.gen(function*() {
      let made = 0
      let asked = 0
      const pool = yield* make({
        acquire: Effect.sync(() => ++made),
        size: { min: 2, max: 2 },
        detectStatus: () => Status.dormantUntil(DateTime.makeUnsafe(0)),
        detection: { onAdd: false, onBorrow: true }
      })
      // it changes its mind during the detection
      yield* Effect.exit(pool.with(() => Effect.void, { where: () => asked++ === 0, timeout: 0 }))
      yield* pool.remove(2)
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("are three at most within one borrow; then one after 100 millis, doubling to 30 seconds", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {})
      yield* start(Effect.exit(pool.borrowWith({ timeout: "Infinity" })))
      yield* TestClock.adjust("3 minutes")

      const delays = times.slice(3).map((time, i) => time - times[i + 2]!)
      assert.deepStrictEqual(times.slice(0, 3), [0, 0, 0])
      assert.deepStrictEqual(delays.slice(0, 9), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600])
      assert.isTrue(delays.length > 10 && delays.slice(9).every((delay) => delay === 30_000), delays.join())
      yield* balanced(pool)
    }))

  it.effect("are three at most within one borrow; then they follow creation.retry, each borrower in its own time", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {}, Schedule.spaced("7 seconds"))
      const borrow = Effect.exit(pool.borrowWith({ timeout: "Infinity" }))
      yield* start(borrow)
      yield* TestClock.adjust("1 second")
      yield* start(borrow)
      yield* TestClock.adjust("20 seconds")

      assert.deepStrictEqual(times, [0, 0, 0, 1000, 1000, 1000, 7000, 8000, 14_000, 15_000, 21_000])
    }))

  for (
    const [what, retry] of [
      ["is done", Schedule.upTo(Schedule.spaced("7 seconds"), { times: 1 })],
      ["cannot be asked", Schedule.while(Schedule.spaced("7 seconds"), () => Effect.die("no failure of making"))]
    ] as const
  ) {
    it.effect(`come after 100 millis, doubling, where creation.retry ${what}`, () =>
      Effect.gen(function*() {
        const { pool, times } = yield* attempts("Invalid", {}, retry)
        yield* start(Effect.exit(pool.borrowWith({ timeout: "Infinity" })))
        yield* TestClock.adjust("7750 millis")

        assert.deepStrictEqual(
          times.slice(3),
          what === "is done" ? [7000, 7200, 7600] : [100, 300, 700, 1500, 3100, 6300]
        )
      }))
  }

  for (const select of [Selector.random, (available: ReadonlyArray<PooledObject<Thing>>) => available.at(-1)]) {
    const whose = typeof select === "function" ? "a selector of the user's own" : "a built-in selector"
    it.effect(`are three at most for each of several borrowers, with ${whose}, also when they joined undetected`, () =>
      Effect.gen(function*() {
        const script = scripted()
        const pool = yield* ObjectPool.make({
          acquire: script.acquire,
          select,
          detectStatus: () => "Invalid",
          detection: { onAdd: false }
        })
        for (let i = 0; i < 3; i++) yield* start(Effect.exit(pool.borrow))
        yield* TestClock.adjust(50)

        assert.strictEqual(script.things.length, 9)
        yield* TestClock.adjust(50)
        assert.strictEqual(script.things.length, 12)
      }))
  }

  it.effect("are counted for each borrow anew", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {})
      for (let i = 1; i <= 3; i++) {
        const borrower = yield* start(pool.borrow)
        yield* TestClock.adjust(50)
        assert.strictEqual(times.length, 3 * i)
        yield* Fiber.interrupt(borrower)
      }
    }))

  for (const answer of ["Dormant", "Unknown", "fail"] as const) {
    it.effect(`occupy the room that there is when they are ${answer === "fail" ? "not detected" : answer}`, () =>
      Effect.gen(function*() {
        const { pool, times } = yield* attempts(answer, { max: 5 })
        yield* start(Effect.exit(pool.borrowWith({ timeout: "20 seconds" })))
        yield* TestClock.adjust("20 seconds")

        assert.deepStrictEqual(times, [0, 0, 0, 100, 300])
        assert.strictEqual((yield* balanced(pool)).size, 5)
      }))
  }

  it.effect("are not made without end to refill the minimum", () =>
    Effect.gen(function*() {
      const { times } = yield* attempts("Invalid", { min: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times, [0, 100, 300, 700])
    }))

  it.effect("do not keep the borrower from an object that comes back", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      let refuses = false
      const pool = yield* ObjectPool.make({ acquire, detectStatus: () => refuses ? "Invalid" : "Available" })
      const first = yield* pool.borrow
      refuses = true
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust(50)
      assert.isUndefined(waiter.pollUnsafe())
      yield* first.release

      assert.strictEqual((yield* Fiber.join(waiter)).object, first.object)
    }))
})
