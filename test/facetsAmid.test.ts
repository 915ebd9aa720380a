/** A facet that goes to rest amid what is done for its borrowers, and one that is woken: promise 34. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { Status } from "../src/index.ts"
import { hold, make, start, state } from "./support/borrowers.ts"

describe("a facet that goes to rest", () => {
  it.effect("as its detector says is not lent to the borrower for whom that was asked, and chosen", () =>
    Effect.gen(function*() {
      let answer: Status.Answer = "Available"
      const pool = yield* make<string>({
        objects: ["a"],
        select: (available) => available[0],
        detectStatus: () => Effect.sync(() => answer),
        detection: { onBorrow: true },
        waitsForResting: true
      })
      answer = Status.dormant("10 seconds", "large")
      const waiting = yield* start(hold(pool.borrowWith({ facet: "large" })))
      yield* pool.with(() => Effect.void, { facet: "small" })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(state(waiting), "waits")
    }))

  it.effect("while its object is prepared is not lent to the borrower for whom that is", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        onBorrow: () => Effect.sleep("1 second"),
        allowance: { limit: 10, per: "1 minute", unit: "cost", facet: true },
        waitsForResting: true
      })
      const first = yield* start(hold(pool.borrowWith({ facet: "large" })))
      yield* TestClock.adjust("1 second")
      const { lease, release } = yield* Fiber.join(first)
      yield* release
      const waiting = yield* start(hold(pool.borrowWith({ facet: "large", timeout: "2 minutes" })))
      yield* TestClock.adjust("500 millis")
      // the server has counted too
      yield* lease.charge(100)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(waiting), "waits")
    }))
})

describe("a facet that rests", () => {
  it.effect("is woken with its object, and who waits for it is served; what its allowance says stands", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        allowance: { limit: 1, per: "1 minute", facet: true },
        waitsForResting: true
      })
      const [pooled] = yield* pool.objects
      assert.isFalse(yield* pool.wake("a"))
      yield* pool.with((lease) => lease.rest("Infinity", "large"))
      yield* pool.with((lease) => lease.rest("1 hour", "spent"), { facet: "spent" })
      const large = yield* start(hold(pool.borrowWith({ facet: "large", timeout: "1 hour" })))
      assert.strictEqual(state(large), "waits")
      assert.isTrue(yield* pool.wake("a"))
      yield* TestClock.adjust(0)
      assert.strictEqual(state(large), "ok")
      assert.isFalse(yield* pool.wake("a"))
      assert.deepStrictEqual(pooled!.facets.map(({ name }) => name).toSorted(), ["large", "spent"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(pooled!.facets, [])
    }))
})

describe("a shared object", () => {
  it.effect("that is woken while it is cleaned up rests for what it has spent, and takes all its leases then", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        sharing: 2,
        allowance: { limit: 2, per: "1 minute" },
        onRelease: () => Effect.sleep("1 second"),
        borrowTimeout: 0
      })
      const [pooled] = yield* pool.objects
      yield* Effect.all([pool.with(() => Effect.yieldNow), pool.with(() => Effect.yieldNow)], { concurrency: 2 })
      assert.strictEqual(pooled!.status, "Pending")
      yield* pool.wake("a")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([pooled!.status, pooled!.wakesAt], ["Available", undefined])
      yield* hold(pool.borrow)
      yield* hold(pool.borrow)
    }))
})
