/**
 * Shared objects while they are lent: they are rested and detected, and their leases go on (promise 14).
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { balanced } from "./support/scripted.ts"

const at = (moment: DateTime.Utc | undefined) => moment && DateTime.toEpochMillis(moment)

describe("a shared object that is told to rest while it is lent", () => {
  it.effect("shows when it wakes, and is lent again then, though its other leases go on", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 10 })
      const [pooled] = yield* pool.objects
      yield* hold(pool.borrow)
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("300 millis")
      yield* release
      const waiter = yield* start(hold(pool.borrow))
      assert.deepStrictEqual([pooled!.status, at(pooled!.wakesAt)], ["Borrowed", 300])
      yield* TestClock.adjust("299 millis")
      assert.strictEqual(state(waiter), "waits")
      yield* TestClock.adjust("1 millis")

      assert.deepStrictEqual([state(waiter), pooled!.wakesAt], ["ok", undefined])
      yield* hold(pool.tryBorrow)
      assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 1 })
    }))

  it.effect("by the pool, until a moment, longer, and anew: the same", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 10 })
      const [pooled] = yield* pool.objects
      const { lease } = yield* hold(pool.borrow)
      for (const round of [1, 2]) {
        const began = (yield* pool.stats).totals.borrowed === 1 ? 0 : 20_000
        yield* pool.rest("a", "5 seconds")
        yield* lease.restUntil(began + 20_000)
        yield* lease.rest("10 seconds")
        assert.strictEqual(at(pooled!.wakesAt), began + 20_000)
        const waiter = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("19999 millis")
        assert.strictEqual(state(waiter), "waits", String(round))
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(state(waiter), "ok", String(round))
      }
    }))

  it.effect("rests on, to the same time, when its last lease ends before", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("10 seconds")
      yield* TestClock.adjust("4 seconds")
      yield* release
      assert.deepStrictEqual([pooled!.status, at(pooled!.wakesAt)], ["Dormant", 10_000])
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(pooled!.status, "Available")
    }))

  it.effect("and to leave is not lent again when its rest is over", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("1 second")
      yield* lease.invalidate
      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(state(waiter), "waits")
      yield* release
      assert.strictEqual(pooled!.status, "Invalid")
    }))

  it.effect("is lent on by `wake`, and nothing follows when its time comes", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3 })
      const [pooled] = yield* pool.objects
      const { lease } = yield* hold(pool.borrow)
      yield* lease.rest("1 second")
      assert.isTrue(yield* pool.wake("a"))
      assert.isUndefined(pooled!.wakesAt)
      yield* hold(pool.tryBorrow)
      yield* pool.rest("a", "1 minute")
      yield* TestClock.adjust("2 seconds")
      yield* settle
      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
    }))
})
