/** What of an object rests, or is counted, for some of its borrowers only: promise 34. */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type PoolEvent, PoolExhausted, Status } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"

describe("a facet that rests", () => {
  it.effect("keeps its object from its own borrowers only, and serves who waits the moment it is over", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], sharing: 10 })
      const { lease, release } = yield* hold(pool.borrowWith({ facet: "large" }))
      yield* lease.rest("20 seconds", "large")
      const able = (facet?: string) =>
        Effect.map(
          Effect.exit(Effect.scoped(pool.tryBorrowWith(facet === undefined ? {} : { facet }))),
          ({ _tag }) => _tag === "Success"
        )
      assert.deepStrictEqual([yield* able("large"), yield* able("small"), yield* able()], [false, true, true])
      assert.deepStrictEqual(
        lease.pooled.facets.map(({ name, until }) => [name, until && DateTime.toEpochMillis(until)]),
        [["large", 20_000]]
      )
      yield* release
      assert.strictEqual(lease.pooled.status, "Available")

      const waiting = yield* start(pool.with(() => Effect.void, { facet: "large" }))
      yield* TestClock.adjust("19999 millis")
      assert.deepStrictEqual([state(waiting), yield* able("small")], ["waits", true])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual(lease.pooled.facets, [])
    }))

  it.effect("lets its borrowers have another object, in their order", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"] })
      const one = yield* hold(pool.borrow)
      yield* one.lease.rest("1 hour", "large")
      const other = yield* hold(pool.borrow)
      const large = yield* start(hold(pool.borrowWith({ facet: "large" })))
      const any = yield* start(hold(pool.borrow))
      yield* one.release
      yield* settle
      assert.deepStrictEqual([state(large), state(any)], ["waits", "ok"])
      yield* other.release
      yield* settle
      assert.strictEqual((yield* Fiber.join(large)).lease.object, other.lease.object)
    }))

  it.effect("beyond the deadline of its borrower refuses him at once, and again when the last object rests for it", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], borrowTimeout: "10 seconds" })
      const { lease, release } = yield* hold(pool.borrow)
      const waiting = yield* start(Effect.flip(pool.with(() => Effect.void, { facet: "large" })))
      yield* lease.restUntil(30_000, "large")
      yield* settle
      const errors = [yield* Fiber.join(waiting), yield* Effect.flip(pool.with(() => Effect.void, { facet: "large" }))]
      for (const error of errors) {
        assert.instanceOf(error, PoolExhausted)
        assert.deepStrictEqual([error.reason, error.retryAfter], ["Resting", Duration.seconds(30)])
      }
      yield* release
      yield* pool.with(() => Effect.void, { facet: "small" })
    }))

  it.effect("may be said by a judge, or a detector, and is told", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        judge: () => Status.dormant("5 seconds", "judged"),
        detectStatus: () => Status.dormant("3 seconds", "detected"),
        detection: { onBorrow: false }
      })
      const events: Array<PoolEvent> = []
      yield* start(Stream.runForEach(pool.events, (event) => Effect.sync(() => events.push(event))))
      const [pooled] = yield* pool.objects
      assert.deepStrictEqual(pooled!.facets.map(({ name }) => name), ["detected"])
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual(pooled!.facets.map(({ name }) => name), ["detected", "judged"])
      assert.strictEqual(pooled!.status, "Available")
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(
        events.flatMap((event) =>
          event._tag === "Rested" || event._tag === "Woke" ? [`${event._tag} ${event.facet}`] : []
        ),
        ["Rested judged", "Woke detected", "Woke judged"]
      )
    }))

  it.effect("that is no text is a defect", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"] })
      assert.include(String(yield* Effect.exit(pool.with(() => Effect.void, { facet: 3 as never }))), "facet")
      const { lease } = yield* hold(pool.borrow)
      assert.include(String(yield* Effect.exit(lease.rest("1 second", {} as never))), "facet")
    }))

  it.effect("takes memory only while it rests", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"] })
      const { lease } = yield* hold(pool.borrow)
      for (let i = 0; i < 5000; i++) {
        yield* lease.rest("1 second", `facet ${i}`)
        if (i % 50 === 0) yield* TestClock.adjust("1 second")
      }
      assert.isAtMost(lease.pooled.facets.length, 50)
    }))
})

describe("an allowance of each facet", () => {
  it.effect("has a count for each, beside those of the object", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        allowance: [
          { limit: 2, per: "1 minute", facet: true, name: "of each" },
          { limit: 5, per: "1 minute", name: "of all" }
        ]
      })
      const times = (facet?: string) =>
        Effect.gen(function*() {
          let served = 0
          const options = facet === undefined ? {} : { facet }
          while ((yield* Effect.exit(Effect.scoped(pool.tryBorrowWith(options))))._tag === "Success") served++
          return served
        })
      assert.deepStrictEqual([yield* times("x"), yield* times("y"), yield* times("x"), yield* times()], [2, 2, 0, 1])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* times("x"), yield* times()], [2, 3])
    }))

  it.effect("is charged, given back to, and reported, by the leases of that facet", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        allowance: { limit: 100, per: "1 minute", facet: true, unit: "cost", name: "tokens" }
      })
      const able = (facet: string) =>
        Effect.map(Effect.exit(Effect.scoped(pool.tryBorrowWith({ facet, cost: 0 }))), ({ _tag }) => _tag === "Success")
      const { lease, release } = yield* hold(pool.borrowWith({ facet: "x", cost: 10 }))
      yield* release
      yield* lease.charge(90)
      assert.deepStrictEqual([yield* able("x"), yield* able("y")], [false, true])
      yield* lease.charge(-50)
      assert.isTrue(yield* able("x"))
      yield* lease.report({ name: "tokens", remaining: 0 })
      assert.deepStrictEqual([yield* able("x"), yield* able("y")], [false, true])
    }))
})
