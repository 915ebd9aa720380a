/** Borrowers of several, and a pool that closes and serves who waits before. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { KeyedPool, type Lease } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"

const closing = { waiters: "serve", timeout: "1 minute" } as const

describe("a pool that closes, and serves who waits before", () => {
  it.effect("serves the last of them who borrows several, and closes when he has given back", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], closing })
      const held = yield* hold(pool.borrowMany(2))
      const several = yield* start(hold(pool.borrowMany(2)))
      const all = yield* start(pool.withMany(3, (leases) => Effect.succeed(leases.length)))
      const close = yield* start(pool.close)
      yield* settle
      assert.deepStrictEqual([state(several), state(all), state(close)], ["waits", "waits", "waits"])
      yield* held.release
      yield* settle
      assert.deepStrictEqual([state(several), state(all), state(close)], ["ok", "waits", "waits"])
      yield* (yield* Fiber.join(several)).release
      yield* settle
      assert.deepStrictEqual([state(several), state(all), state(close)], ["ok", "ok", "ok"])
      assert.strictEqual(yield* Fiber.join(all), 3)
    }))

  it.effect("closes at once when he leaves for whom all has been set aside", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], closing })
      const held = yield* hold(pool.borrow)
      const several = yield* start(hold(pool.borrowMany(2)))
      const close = yield* start(pool.close)
      yield* settle
      // it has all by then, and has not been resumed
      Effect.runSync(held.release)
      several.interruptUnsafe()
      yield* settle
      assert.deepStrictEqual([state(several), state(close)], ["interrupted", "ok"])
    }))

  it.effect("has the others' turn when he lacks again what has been set aside for him", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], closing })
      const held = yield* hold(pool.borrow)
      const several = yield* start(hold(pool.borrowMany(2, { timeout: "10 seconds" })))
      const close = yield* start(pool.close)
      yield* settle
      Effect.runSync(Effect.andThen(held.release, pool.remove("a")))
      yield* settle
      assert.deepStrictEqual([state(several), state(close)], ["waits", "waits"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([state(several), state(close)], ["BorrowTimeout", "ok"])
    }))

  it.effect("so do pools by key", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        acquire: (key: string) => Effect.succeed({ key }),
        size: { max: 3 },
        closing
      })
      const held = yield* hold(pool.borrowMany("a", 2))
      const count = (leases: ReadonlyArray<Lease<unknown>>) => Effect.succeed(leases.length)
      const waiting = [yield* start(pool.withMany("a", 3, count)), yield* start(pool.withMany("b", 2, count))]
      const close = yield* start(pool.close)
      yield* settle
      yield* held.release
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([...waiting.map(state), state(close)], ["ok", "ok", "ok"])
    }))
})
