/**
 * However many there are, the stack does not grow (promises 5, 21 and 22).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { hold, make, serves, settle, start, state } from "./support/borrowers.ts"
import { costly } from "./support/clocks.ts"
import { balanced, scripted } from "./support/scripted.ts"

describe("the stack does not grow with the number of", { tags: "large" }, () => {
  const many = 20_000

  const failing = (size: { readonly min?: number; readonly max: number }) =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size, borrowTimeout: "Infinity", creation: { retry: Schedule.recurs(0) } })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.forEach(Array.from({ length: many }), () => start(hold(pool.borrow)))
      script.acquire = "fail"
      yield* lent.lease.invalidate
      yield* lent.release
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(new Set(waiters.map(state)), new Set(["Failed"]))
      script.acquire = "ok"
      yield* TestClock.adjust("1 minute")
      yield* serves(pool, 1)
    })

  it.effect("waiters that fail as nothing can be made", () => failing({ max: 1 }))

  it.effect("waiters that fail as nothing can be made, with a minimum to keep", () => failing({ min: 1, max: 1 }))

  it.effect("waiters that are told at once, and take long: others run in between, and their order is kept", () =>
    Effect.gen(function*() {
      const { clock, toll } = yield* costly
      const pool = yield* Effect.provideService(make({ objects: ["a"] }), Clock.Clock, clock)
      const lease = yield* hold(pool.borrow)
      const ended: Array<number> = []
      for (let i = 0; i < 200; i++) {
        yield* start(Effect.ensuring(Effect.ignore(Effect.scoped(pool.borrow)), Effect.sync(() => ended.push(i))))
      }
      toll.millis = 1
      const seen = new Set<number>()
      yield* Effect.forkChild(
        Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => seen.add(ended.length))))
      )

      yield* Effect.forkChild(pool.close)
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })

      assert.deepStrictEqual(ended, Array.from({ length: 200 }, (_, i) => i))
      assert.isAtLeast(seen.size, 4)
      yield* lease.release
    }))

  it.effect("older waiters that cannot use what is made", () =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size: { max: 3000 }, borrowTimeout: "1 minute" })
      const picky = Effect.forEach(Array.from({ length: 2000 }), () =>
        start(hold(pool.borrowWith({ where: () => false }))))
      const waiters = yield* picky
      script.acquire = "fail"

      const last = yield* start(hold(pool.borrowWith({
        where: () =>
          false
      })))
      yield* TestClock.adjust("2 minutes")
      const ends = () => new Set([last, ...waiters].map(state))
      // so many that are due have their ends in several turns
      yield* Effect.repeat(settle, { while: () => ends().has("waits"), times: 1000 })

      assert.isTrue([...ends()].every((end) => end === "Failed" || end === "BorrowTimeout"), [...ends()].join())
    }))

  it.effect("objects destroyed at once", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { min: many, max: many } })
      yield* pool.ready
      assert.strictEqual((yield* balanced(pool)).available, many)

      yield* pool.close

      assert.isTrue(things.every((thing) => thing.destroyed === 1))
    }))

  it.effect("waiters that give what they get straight on", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.forEach(Array.from({ length: many }), () => start(Effect.scoped(pool.borrow)))

      yield* lent.release

      yield* Fiber.joinAll(waiters)
    }))
})
