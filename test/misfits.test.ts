/**
 * A waiter whose `where` rejects what was made for it has nothing more made; one that was merely overtaken has (promises 5,
 * 19 and 21).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { logs } from "./support/observed.ts"
import { balanced } from "./support/scripted.ts"

const any = () => true

/** The first attempt fails after 50 milliseconds; the others as `next` says. */
const slowToFail = (next: Effect.Effect<number, string>) => {
  const attempts: Array<number> = []
  const acquire = Effect.suspend(() => {
    const n = attempts.push(attempts.length + 1)
    return n === 1 ? Effect.andThen(Effect.sleep("50 millis"), Effect.fail("refused")) : Effect.as(next, n)
  })
  return { attempts, acquire }
}

describe("a waiter whose object went to another", () => {
  for (const where of [undefined, any]) {
    const how = where === undefined ? "without `where`" : "with a `where` that fits"

    it.effect(`is told of a failure to make its own, ${how}`, () =>
      Effect.gen(function*() {
        const { acquire, attempts } = slowToFail(Effect.succeed(0))
        const pool = yield* make({ acquire })
        const [first, second] = [
          yield* start(hold(pool.borrowWith({ where }))),
          yield* start(hold(pool.borrowWith({ where })))
        ]
        yield* settle
        assert.deepStrictEqual([state(first), state(second), attempts.length], ["ok", "waits", 2])

        yield* TestClock.adjust("50 millis")

        assert.deepStrictEqual([state(first), state(second)], ["ok", "refused"])
        assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 0, borrowed: 1 })
      }))

    it.effect(`has another made, where nothing else is under way for it, ${how}`, () =>
      Effect.gen(function*() {
        let made = 0
        const pool = yield* make({
          acquire: Effect.delay(Effect.sync(() => ++made), "100 millis"),
          creation: { concurrency: 1 }
        })
        const first = yield* start(hold(pool.borrowWith({ where })))
        const high = yield* start(hold(pool.borrowWith({ where, priority: 1 })))

        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual([state(first), state(high)], ["waits", "ok"])
        yield* TestClock.adjust("100 millis")

        assert.strictEqual((yield* Fiber.join(first)).lease.object, 2)
      }))
  }

  it.effect("does not starve because one of a higher priority came first, and its creation then failed", () =>
    Effect.gen(function*() {
      let n = 0
      const outcomes = [
        Effect.as(Effect.sleep("10 millis"), 1),
        Effect.andThen(Effect.sleep("50 millis"), Effect.fail("refused")),
        Effect.succeed(3)
      ]
      const pool = yield* make({ acquire: Effect.suspend(() => outcomes[n++]!) })
      const low = yield* start(hold(pool.borrowWith({ where: any, timeout: "10 seconds" })))
      const high = yield* start(pool.with((lease) => lease.invalidate, { where: any, priority: 1 }))
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual([state(low), state(high), (yield* pool.stats).size], ["waits", "ok", 0])

      yield* TestClock.adjust("40 millis")

      assert.strictEqual(state(low), "refused")
    }))

  it.effect("has as many made as others took, and is served in the end", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make({
        acquire: Effect.delay(Effect.sync(() => ++made), "100 millis"),
        size: { max: 8 },
        creation: { concurrency: 1 }
      })
      const low = yield* start(hold(pool.borrowWith({ where: any })))
      for (let i = 0; i < 3; i++) {
        yield* start(hold(pool.borrowWith({ where: any, priority: 1 })))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(state(low), "waits")
      }

      yield* TestClock.adjust("100 millis")

      assert.deepStrictEqual([state(low), made], ["ok", 4])
    }))
})

describe("a waiter whose `where` rejects what was made for it", () => {
  it.effect("has nothing more made, though one before it was asked first", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make({ acquire: Effect.sync(() => ++made) })
      const picky = [
        yield* start(hold(pool.borrowWith({ where: ({ object }) => object > 99 }))),
        yield* start(hold(pool.borrowWith({ where: ({ object }) => object > 99 })))
      ]

      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual([picky.map(state), made], [["waits", "waits"], 2])
      assert.deepInclude(yield* balanced(pool), { available: 2, making: 0, waiting: 2 })
    }))

  it.effect("is one only once that has come to it: what another took before counts when it comes back", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* logs().within(make({
        acquire: Effect.delay(Effect.sync(() => ++made), "100 millis"),
        creation: { concurrency: 1 },
        size: { max: 3 }
      }))
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object > 99 })))
      const high = yield* start(hold(pool.borrowWith({ priority: 1 })))
      yield* TestClock.adjust("150 millis")
      assert.deepStrictEqual([state(high), (yield* pool.stats).making], ["ok", 1])

      yield* TestClock.adjust("50 millis")
      yield* (yield* Fiber.join(high)).release
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual([state(picky), made], ["waits", 2])
    }))
})
