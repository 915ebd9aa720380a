/**
 * `detect` asks about every object that is neither lent nor at rest (promises 15 and 18).
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../src/index.ts"
import { only, start, statuses } from "./support/borrowers.ts"
import { asking, detector, retry } from "./support/detectors.ts"
import { balanced } from "./support/scripted.ts"

describe("detect", () => {
  it.effect("asks about every object that is not lent and does not rest until a known time", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = {
        plain: "Dormant",
        until: Status.dormant("1 hour"),
        lost: "Unknown"
      }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const objects = ["free", "lent", "plain", "until", "rested", "lost"]
      const pool = yield* ObjectPool.make({ objects, detectStatus })
      yield* pool.borrowWith(only("lent"))
      yield* pool.rest("rested", "1 hour")
      state.asked = []
      yield* pool.detect

      assert.deepStrictEqual(state.asked, ["free", "plain", "lost"])
      assert.deepStrictEqual(
        yield* statuses(pool),
        ["Available", "Borrowed", "Dormant", "Dormant", "Dormant", "Unknown"]
      )
    }))

  it.effect("takes out the invalid ones, brings back those that are fine again, and ends when all have answered", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { lost: "Unknown" }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "lost"],
        detectStatus,
        detection: { concurrency: 2, retry }
      })
      answers["a"] = "Invalid"
      answers["lost"] = "Available"
      state.takes = "1 second"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust(1999)
      assert.isUndefined(detecting.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(detecting)

      assert.deepStrictEqual((yield* pool.objects).map((pooled) => pooled.object), ["b", "lost"])
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("passes over what has been lent when its turn comes, and lends what has not had its turn", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c"],
        detectStatus,
        detection: { concurrency: 1, onBorrow: false }
      })
      state.takes = "1 second"
      state.asked = []
      const detecting = yield* start(pool.detect)
      const lease = yield* pool.borrowWith(only("b"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(detecting)

      assert.deepStrictEqual(state.asked, ["a", "c"])
      assert.strictEqual(lease.pooled.status, "Borrowed")
    }))

  it.effect("leaves those not answered yet as they were, when it is interrupted", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { plain: "Dormant", lost: "Unknown" }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const pool = yield* ObjectPool.make({
        objects: ["a", "plain", "lost", "b"],
        detectStatus,
        detection: { concurrency: 3, retry }
      })
      yield* TestClock.adjust("10 seconds")
      state.takes = "Infinity"
      const detecting = yield* start(pool.detect)
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending", "Pending", "Available"])
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(detecting)

      assert.strictEqual(state.interrupted, 3)
      const objects = yield* pool.objects
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Dormant", "Unknown", "Available"])
      assert.deepStrictEqual(objects.map((pooled) => DateTime.toEpochMillis(pooled.detectedAt!)), [0, 0, 0, 0])
      // its time is still its time
      assert.strictEqual(DateTime.toEpochMillis(objects[1]!.wakesAt!), 30_000)
      state.takes = 0
      answers["plain"] = "Available"
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(objects[1]!.status, "Available")
    }))

  it.effect("wakes at once what would have woken during a detection that was interrupted", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Dormant")
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus,
        detection: { dormantFor: "1 second", timeout: "1 minute" }
      })
      state.takes = "Infinity"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("5 seconds")
      state.takes = 0
      state.answer = () => "Available"
      yield* Fiber.interrupt(detecting)
      yield* TestClock.adjust(0)

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("fails with PoolClosed after close, and when the pool is closed meanwhile", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus })
      state.takes = "Infinity"
      const detecting = yield* start(Effect.flip(pool.detect))
      yield* pool.close

      assert.strictEqual((yield* Fiber.join(detecting))._tag, "PoolClosed")
      assert.strictEqual((yield* Effect.flip(pool.detect))._tag, "PoolClosed")
    }))

  it.effect("asks nobody where there is no detector", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.detect
      assert.isUndefined((yield* pool.objects)[0]!.detectedAt)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("twice at the same time asks once about each object", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus })
      state.takes = "1 second"
      state.asked = []
      const both = yield* start(Effect.all([pool.detect, pool.detect], { concurrency: 2 }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(both)

      assert.deepStrictEqual(state.asked, ["a", "b"])
    }))

  it.effect("asks about any number of objects, plainly, without growing the stack", () =>
    Effect.gen(function*() {
      const n = 20_000
      let asked = 0
      const pool = yield* asking<number>(() => {
        asked++
        return "Available"
      }, { objects: Array.from({ length: n }, (_, i) => i), detection: { onAdd: false } })
      yield* pool.detect

      assert.strictEqual(asked, n)
      assert.strictEqual((yield* balanced(pool)).available, n)
    }), { tags: "large" })

  it.effect("serves a waiter with what is fine again", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Unknown")
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      const waiter = yield* start(pool.borrow)
      state.answer = () => "Available"
      yield* pool.detect

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))
})
