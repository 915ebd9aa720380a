/**
 * What cannot be made for a while is not tried for each borrower: the first failure is told at once, then there is one
 * attempt a turn, until one succeeds (promise 21).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { BorrowTimeout, PoolExhausted } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { hold, make, serves, settle, start, state } from "./support/borrowers.ts"
import { unhurried } from "./support/clocks.ts"
import { logs, quietly } from "./support/observed.ts"
import { failure, turn } from "./support/promises.ts"
import { balanced, Failed, type Gate, timed } from "./support/scripted.ts"

describe("while nothing can be made", () => {
  it.effect("6 000 borrowers in a second have a few attempts made, not one each", () =>
    Effect.gen(function*() {
      const { acquire, attempts, counts, script } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire })
      const borrowers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 1000; i++) {
        for (let j = 0; j < 6; j++) borrowers.push(yield* start(pool.with(() => Effect.void)))
        yield* TestClock.adjust(1)
      }

      assert.deepStrictEqual(attempts, [0, 100, 300, 700])
      assert.strictEqual(borrowers.filter((each) => state(each) === "Failed").length, 4)
      script.acquire = "ok"
      yield* TestClock.adjust("500 millis")

      assert.isFalse(borrowers.map(state).includes("waits"))
      assert.isAtMost(counts.acquiring, 14)
    }).pipe(unhurried), { tags: "large" })

  it.effect("turns are 100 millis apart, then twice as long, up to a second; the oldest is told of each failure", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire, borrowTimeout: "Infinity" })
      const borrowers = yield* Effect.forEach(Array.from({ length: 9 }), () => start(hold(pool.borrow)))

      yield* TestClock.adjust("5500 millis")

      assert.deepStrictEqual(attempts, [0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500])
      assert.deepStrictEqual(borrowers.map(state), Array.from({ length: 9 }, () => "Failed"))
      assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 0 })
    }))

  it.effect("one that comes later has its attempt at once, where its turn has come already, and is told of it", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire })
      for (const millis of [0, 100, 200, 400, 5000]) {
        yield* TestClock.adjust(millis)
        assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.borrow)), Failed)
      }

      assert.deepStrictEqual(attempts, [0, 100, 300, 700, 5700])
    }))

  it.effect("a success lets all the others be tried at once, and begins anew", () =>
    Effect.gen(function*() {
      const { acquire, attempts, script } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire, size: { max: 4 } })
      const borrowers = yield* Effect.forEach(Array.from({ length: 6 }), () => start(hold(pool.borrow)))
      yield* TestClock.adjust("299 millis")
      script.acquire = "ok"

      yield* TestClock.adjust(1)
      assert.deepStrictEqual(borrowers.map(state), ["Failed", "Failed", "ok", "ok", "ok", "ok"])
      assert.deepStrictEqual(attempts, [0, 100, 300, 300, 300, 300])

      script.acquire = "fail"
      const { lease, release } = yield* Fiber.join(borrowers[2]!)
      yield* lease.invalidate
      yield* release
      yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(attempts.slice(6), [300, 400, 600])
    }))

  it.effect("those that were in flight when the first failed are told each, and cause no other turn", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* make({
        acquire: Effect.andThen(Effect.sleep("1 second"), acquire),
        borrowTimeout: "Infinity"
      })
      const borrowers = yield* Effect.forEach(Array.from({ length: 12 }), () => start(hold(pool.borrow)))

      yield* TestClock.adjust("1 second")
      assert.strictEqual(borrowers.filter((each) => state(each) === "Failed").length, 10)
      yield* TestClock.adjust("1100 millis")
      assert.strictEqual(borrowers.filter((each) => state(each) === "Failed").length, 11)
      yield* TestClock.adjust("1200 millis")

      assert.deepStrictEqual(attempts.slice(9), [1000, 2100, 3300])
      assert.isFalse(borrowers.map(state).includes("waits"))
    }))

  it.effect("an attempt that hangs does not keep the next from being made a second later", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: (n): Gate => n === 1 ? "fail" : n === 2 ? "never" : "ok" })
      const pool = yield* make({ acquire })
      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))

      yield* TestClock.adjust("1099 millis")
      assert.deepStrictEqual(borrowers.map(state), ["Failed", "waits", "waits"])
      yield* TestClock.adjust(1)

      // what hangs counts for the third now
      assert.deepStrictEqual(borrowers.map(state), ["Failed", "ok", "waits"])
      assert.deepStrictEqual(attempts, [0, 100, 1100])
    }))

  it.effect("defects are told at once, and back off as failures do; with a schedule as well", () =>
    Effect.gen(function*() {
      for (const creation of [{}, { retry: Schedule.spaced("10 seconds") }]) {
        let attempts = 0
        const acquire: Effect.Effect<string, "refused"> = Effect.suspend(() =>
          ++attempts < 3 ? Effect.die("broken") : Effect.succeed("a")
        )
        const pool = yield* make({ acquire, creation })
        const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
        yield* settle
        assert.deepStrictEqual(borrowers.map(state), ["broken", "waits", "waits"])

        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(borrowers.map(state), ["broken", "broken", "waits"])
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual(borrowers.map(state), ["broken", "broken", "ok"])
      }
    }))

  it.effect("time-outs have taken their time: the next attempt is made at once", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: (n): Gate => n === 1 ? "never" : "ok" })
      const pool = yield* make({ acquire, size: { max: 1 }, creation: { timeout: "1 second" } })
      const borrowers = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([borrowers.map(state), attempts], [["BorrowTimeout", "ok"], [0, 1000]])
    }))

  it.effect("a schedule that ends at once has one made for each", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire, creation: { retry: Schedule.recurs(0) } })
      for (let i = 0; i < 20; i++) assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.borrow)), Failed)

      assert.strictEqual(attempts.length, 20)
    }))

  it.effect("one that does not queue is refused between two turns, and told of its own attempt in its turn", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire })

      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.tryBorrow)), Failed)
      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.tryBorrow)), PoolExhausted)
      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.borrowWith({ timeout: 0 }))), BorrowTimeout)
      yield* TestClock.adjust("100 millis")
      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.tryBorrow)), Failed)

      assert.deepStrictEqual(attempts, [0, 100])
    }))

  it.effect("who has waited for a turn that did not come is told what the last attempt has failed with", () =>
    Effect.gen(function*() {
      for (const creation of [{}, { retry: Schedule.spaced("300 millis") }]) {
        const { acquire, script } = yield* timed({ acquire: "fail" })
        const pool = yield* make({ acquire, creation, size: { max: 1 } })
        const brief = (timeout: "50 millis" | "1 second") =>
          Effect.gen(function*() {
            const fiber = yield* start(Effect.flip(Effect.scoped(pool.borrowWith({ timeout, priority: -1 }))))
            yield* TestClock.adjust(timeout)
            const told = yield* Fiber.join(fiber)
            assert.instanceOf(told, BorrowTimeout)
            return told.lastFailure
          })
        yield* start(hold(pool.borrow))
        yield* settle
        assert.instanceOf(yield* brief("50 millis"), Failed)

        script.acquire = "ok"
        yield* TestClock.adjust("1 second")
        yield* start(hold(pool.borrow))
        assert.isUndefined(yield* brief("1 second"))
      }
    }))

  it.effect("what comes back serves those who wait for their turn", () =>
    Effect.gen(function*() {
      const { acquire, script } = yield* timed()
      const pool = yield* make({ acquire, size: { max: 2 } })
      const held = yield* hold(pool.borrow)
      script.acquire = "fail"
      const borrowers = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))
      yield* settle
      assert.deepStrictEqual(borrowers.map(state), ["Failed", "waits"])

      yield* held.release
      yield* settle

      assert.deepStrictEqual(borrowers.map(state), ["Failed", "ok"])
    }))

  it.effect("failures to refill the minimum keep no borrower waiting, and the two share their turns after that", () =>
    Effect.gen(function*() {
      const { acquire, attempts, script } = yield* timed({ acquire: "fail" })
      const pool = yield* quietly(make({ acquire, size: { min: 1 } }))
      yield* TestClock.adjust("750 millis")
      assert.deepStrictEqual(attempts, [0, 100, 300, 700])

      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.borrow)), Failed)
      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(state(next), "Failed")
      assert.deepStrictEqual(attempts.slice(4), [750, 850])

      script.acquire = "ok"
      yield* TestClock.adjust("1 minute")
      yield* serves(pool, 1)
    }))

  it.effect("borrowers that leave before their attempts fail do not have one made each", () =>
    Effect.gen(function*() {
      const { acquire, attempts } = yield* timed({ acquire: "fail" })
      const pool = yield* quietly(
        make({ acquire: Effect.andThen(Effect.sleep("10 millis"), acquire), size: { max: 2 } })
      )
      for (let i = 0; i < 500; i++) {
        yield* start(Effect.ignore(Effect.scoped(pool.borrowWith({ timeout: "1 millis" }))))
        yield* TestClock.adjust("2 millis")
      }

      assert.isAtMost(attempts.length, 8)
    }))
})

describe("a promise pool", () => {
  it("has a few attempts made while nothing can be, not one for each", async () => {
    let attempts = 0
    const pool = PromisePool.make({
      acquire: async () => {
        attempts++
        throw new Error("refused")
      }
    })
    const first = await failure(pool.borrow())
    const borrowers = Array.from({ length: 1000 }, () => failure(pool.borrow({ timeout: 20 })))
    for (let i = 0; i < 10; i++) await turn()

    assert.strictEqual((first as Error).message, "refused")
    // more of them have their turn where all of this takes long
    assert.isBelow(attempts, 100)
    const told = await borrowers[0]
    assert.instanceOf(told, BorrowTimeout)
    assert.strictEqual((told.lastFailure as Error).message, "refused")
    await Promise.all(borrowers)
    await pool.close()
  })
})

describe("an outage of a pool with a minimum", () => {
  it.effect("costs one attempt at a time, and all of the minimum is made when it is over", () =>
    Effect.gen(function*() {
      let down = true
      let open = 0
      let most = 0
      const attempts: Array<number> = []
      const acquire = Effect.gen(function*() {
        attempts.push(yield* Clock.currentTimeMillis)
        open++
        if (attempts.length > 4) most = Math.max(most, open)
        yield* Effect.sleep("10 millis")
        open--
        return yield* down ? Effect.fail("down") : Effect.succeed({})
      })
      const { within } = logs()
      const pool = yield* within(make({ acquire, size: { min: 4, max: 8 } }))
      yield* TestClock.adjust("20 seconds")
      // nobody knew of it when the first four were begun
      assert.strictEqual(attempts.filter((at) => at === 0).length, 4)
      assert.strictEqual(most, 1)
      down = false
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual((yield* pool.stats).available, 4)
    }))

  it.effect("is told to who waits in `ready`, and is no line in the log then", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const failure = yield* within(Effect.gen(function*() {
        const pool = yield* make({ acquire: Effect.andThen(Effect.sleep(1), Effect.fail("down")), size: { min: 2 } })
        const ready = yield* start(Effect.flip(pool.ready))
        yield* TestClock.adjust("1 millis")
        return yield* Fiber.join(ready)
      }))
      assert.strictEqual(failure, "down")
      assert.deepStrictEqual(lines, [])
    }))

  it.effect("is the phase in which a borrow has timed out, also between two attempts", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const pool = yield* within(
        make({ acquire: Effect.andThen(Effect.sleep(1), Effect.fail("down")), size: { max: 2 } })
      )
      yield* start(Effect.ignore(pool.with(() => Effect.void)))
      yield* TestClock.adjust("1 millis")
      const waiting = yield* start(Effect.flip(pool.with(() => Effect.void, { timeout: "50 millis" })))
      yield* TestClock.adjust("50 millis")
      const error = yield* Fiber.join(waiting)
      assert.deepInclude(error, { _tag: "BorrowTimeout", phase: "Acquiring", lastFailure: "down" })
    }))
})
