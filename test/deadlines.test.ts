/**
 * The deadline of a borrow, and borrows that do not queue (promise 6).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ending, hold, keep, make, only, settle, start, state, timedOut } from "./support/borrowers.ts"
import { balanced, Failed, scripted, slow, Thing } from "./support/scripted.ts"

describe("6. the deadline", () => {
  const phases = [
    ["Waiting", {}, { where: () => false }],
    ["Acquiring", { acquire: "never" }, {}],
    ["Detecting", { detect: "never" }, {}]
  ] as const
  for (const [phase, script, options] of phases) {
    it.effect(`ends a borrow that is ${phase}`, () =>
      Effect.gen(function*() {
        const { acquire, detectStatus } = scripted(script)
        const pool = yield* make({ acquire, detectStatus })
        const waiter = yield* start(hold(pool.borrowWith({ ...options, timeout: "2 seconds" })))

        yield* TestClock.adjust(1999)
        assert.strictEqual(state(waiter), "waits")
        yield* TestClock.adjust(1)

        const error = yield* timedOut(Fiber.join(waiter))
        assert.deepStrictEqual([error.phase, Duration.toMillis(error.waited), error.held], [phase, 2000, 0])
        assert.deepInclude(yield* balanced(pool), { waiting: 0 })
        assert.strictEqual((yield* pool.stats).totals.timedOut, 1)
      }))
  }

  it.effect("says what the borrow was doing, also while others cannot have an object made", () =>
    Effect.gen(function*() {
      let isDown = false
      const pool = yield* make({
        acquire: Effect.suspend(() => isDown ? Effect.fail("down") : Effect.succeed(new Thing(1))),
        size: { max: 2 },
        creation: { retry: Schedule.spaced("1 second") },
        detectStatus: () => isDown ? Effect.never : "Available",
        detection: { onBorrow: true, timeout: "1 minute" },
        borrowTimeout: "5 seconds"
      })
      yield* pool.with(() => Effect.void)
      isDown = true
      const detecting = yield* start(hold(pool.borrow))
      const making = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("5 seconds")

      assert.strictEqual((yield* timedOut(Fiber.join(detecting))).phase, "Detecting")
      assert.strictEqual((yield* timedOut(Fiber.join(making))).lastFailure, "down")
    }))

  it.effect("covers waiting, making and detecting together", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 } })
      const first = yield* start(hold(pool.borrowWith({ timeout: 2001 })))
      const second = yield* start(hold(pool.borrowWith({ timeout: 1999 })))

      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual([state(first), state(second)], ["ok", "BorrowTimeout"])
      yield* (yield* Fiber.join(first)).release
    }))

  it.effect("is the pool's `borrowTimeout` where the borrow names none; \"Infinity\" waits", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "2 seconds" })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.all([
        start(hold(pool.borrow)),
        start(pool.with(() => Effect.void)),
        start(hold(pool.borrowWith({ priority: 1 }))),
        start(pool.with(() => Effect.void, { timeout: "Infinity" }))
      ])

      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(waiters.map((waiter) => state<unknown, unknown>(waiter)), [
        "BorrowTimeout",
        "BorrowTimeout",
        "BorrowTimeout",
        "waits"
      ])
      yield* TestClock.adjust("365 days")
      yield* lent.release
      yield* Fiber.join(waiters[3])
    }))

  it.effect("of zero lends what is lendable, after a detection that does not suspend, and makes nothing", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, script } = scripted()
      const pool = yield* make({ acquire, detectStatus, size: { max: 2 }, detection: { onBorrow: true } })
      const now = hold(pool.borrowWith({ timeout: 0 }))
      assert.strictEqual((yield* timedOut(now)).phase, "Waiting")
      assert.strictEqual(counts.acquiring, 0)
      yield* (yield* hold(pool.borrow)).release

      yield* (yield* now).release
      script.detect = "slow"
      const error = yield* timedOut(now)

      assert.deepStrictEqual([error.phase, Duration.toMillis(error.waited)], ["Detecting", 0])
      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 0, making: 0 })
    }))

  it.effect("tells how many leases the waiting fiber holds itself", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      yield* hold(pool.borrow)
      const other = yield* keep(pool.borrow)

      const error = yield* timedOut(hold(pool.borrowWith({ timeout: 0 })))

      assert.strictEqual(error.held, 1)
      assert.include(error.message, "holds 1 lease of this pool itself")
      yield* Fiber.interrupt(other)
      for (const lease of yield* pool.leases) yield* lease.release
    }))

  it.effect("tells the last failure that the borrow has seen", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted()
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 }, detection: { onBorrow: true } })
      yield* (yield* hold(pool.borrow)).release
      script.detect = "fail"

      const waiter = yield* start(hold(pool.borrowWith({ timeout: "1 second" })))
      yield* TestClock.adjust("1 second")

      const error = yield* timedOut(Fiber.join(waiter))
      assert.deepStrictEqual([error.phase, error.lastFailure], ["Waiting", new Failed({ step: "detect" })])
    }))

  it.effect("tells the failure of detecting what was made for it", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ detect: "fail" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 } })

      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("30 seconds")

      assert.deepStrictEqual((yield* timedOut(Fiber.join(waiter))).lastFailure, new Failed({ step: "detect" }))
    }))

  it.effect("of 5000 borrows over 5000 lent objects passes without delay", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: Array.from({ length: 5000 }, (_, i) => i) })
      yield* Effect.forEach(Array.from({ length: 5000 }), () => hold(pool.borrow), { discard: true })
      const waiters = yield* Effect.forEach(Array.from({ length: 5000 }), () => start(hold(pool.borrow)))

      // of the processor: others that are busy on the machine do not count
      const before = process.threadCpuUsage()
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.awaitAll(waiters)
      const { system, user } = process.threadCpuUsage(before)

      assert.deepStrictEqual(new Set(waiters.map(state)), new Set(["BorrowTimeout"]))
      assert.isBelow((system + user) / 1000, 4000)
    }))
})

describe("6. tryBorrow", () => {
  it.effect("lends what is lendable", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })

      assert.strictEqual((yield* pool.tryBorrow).object, "a")
    }))

  it.effect("makes for itself, and waits for that", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, maxWaiters: 0 })
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust(slow)

      yield* (yield* Fiber.join(borrower)).release
    }))

  it.effect("detects for itself, one after the other, and then makes", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, script } = scripted()
      const pool = yield* make({
        acquire,
        detectStatus,
        size: { max: 3 },
        detection: { onBorrow: true, onAdd: false, retry: Schedule.spaced("Infinity") }
      })
      yield* Effect.flatMap(Effect.all([hold(pool.borrow), hold(pool.borrow)]), ([a, b]) =>
        Effect.andThen(a.release, b.release))
      const before = counts.detected
      script.detect = (thing) =>
        thing.n < 3 ? "never" : "ok"
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust("10 seconds")

      const { lease, release } = yield* Fiber.join(borrower)
      assert.deepStrictEqual([lease.object.n, counts.detected - before], [3, 3])
      yield* release
    }))

  it.effect("is within `borrowTimeout`", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({ acquire, borrowTimeout: "1 second" })
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* timedOut(Fiber.join(borrower))).phase, "Acquiring")
    }))

  it.effect("tryBorrowWith has a condition and times of its own, and does not queue either", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({ acquire, objects: [new Thing(-1), new Thing(-2)], size: { max: 3 } })

      const lease = yield* pool.tryBorrowWith({ where: ({ object }) => object.n === -2, leaseTimeout: "1 minute" })
      const making = yield* start(
        hold(pool.tryBorrowWith({ where: ({ object }) => object.n > 0, timeout: "1 second" }))
      )
      const refused = yield* Effect.exit(hold(pool.tryBorrowWith({ where: ({ object }) => object.n > 0 })))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(lease.object.n, -2)
      assert.isDefined(lease.expiresAt)
      assert.strictEqual((yield* timedOut(Fiber.join(making))).phase, "Acquiring")
      assert.strictEqual(ending(refused), "PoolExhausted NoneAvailable")
    }))

  it.effect("never queues: without an object, and without room, it fails at once", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 } })
      const lent = yield* hold(pool.borrow)

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")

      assert.strictEqual((yield* balanced(pool)).totals.exhausted, 1)
      yield* lent.release
    }))

  it.effect("fails where what it had made goes to an older waiter", () =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size: { max: 2 } })
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 2 })))
      yield* keep(pool.borrowWith({ where: ({ object }) => object.n === 1 }))
      script.acquire = "slow"
      const borrower = yield* start(hold(pool.tryBorrow))
      assert.strictEqual(state(borrower), "waits")

      yield* TestClock.adjust(slow)

      assert.deepStrictEqual([state(picky), state(borrower)], ["ok", "PoolExhausted NoneAvailable"])
    }))

  it.effect("fails with what making its object failed with", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "fail" })
      const pool = yield* make({ acquire })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "Failed")
    }))

  it.effect("fails where what it had made, or detected, is refused by the detector", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ detect: "fail" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 3 } })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")

      assert.deepInclude(yield* balanced(pool), { unknown: 1, waiting: 0 })
    }))

  it.effect("does not wait for what was begun for another", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({
        acquire: acquire as Effect.Effect<Thing | string, Failed, Scope.Scope>,
        objects: ["mute"],
        size: { max: 3 },
        detectStatus: ({ object }) => object === "mute" ? Effect.never : "Available",
        detection: { onAdd: false, onBorrow: true, timeout: "1 second" }
      })
      const other = yield* start(hold(pool.borrowWith(only<Thing | string>("good"))))
      const borrower = yield* start(hold(pool.tryBorrow))
      // serves the other, whose creation is left without a waiter; the pool is full now
      yield* pool.add("good")
      yield* settle
      assert.strictEqual(state(other), "ok")

      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(borrower), "PoolExhausted NoneAvailable")
    }))
})
