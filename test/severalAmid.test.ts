/**
 * Borrowers of several, while other things go on: what happens to the pool, to an object, or to a lease meanwhile.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { ObjectPool, type PoolEvent } from "../src/index.ts"
import { hold, make, only, serves, settle, start, state } from "./support/borrowers.ts"

/** Borrows several, and keeps them until it is interrupted. */
const keepAll = <A, E, R>(borrow: Effect.Effect<A, E, R>) => start(Effect.scoped(Effect.andThen(borrow, Effect.never)))

describe("borrowMany", () => {
  it.effect("has what it had together when the pool was suspended as the pool is resumed, and no more", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"] })
      const [one, two, three] = [yield* hold(pool.borrow), yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const all = yield* keepAll(pool.borrowMany(2))
      yield* one.release
      // the last one comes back in the step that suspends the pool
      Effect.runSync(Effect.andThen(two.release, pool.suspend))
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 1, waiting: 1 })
      yield* pool.resume
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 3, waiting: 0 })
      yield* three.release
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 2, waiting: 0 })
      yield* Fiber.interrupt(all)
      yield* serves(pool, 3)
    }))

  it.effect("tells of each lease how long its borrower has waited, and for what", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const told: Array<PoolEvent> = []
      yield* start(Stream.runForEach(pool.events, (event) => Effect.sync(() => told.push(event))))
      const busy = yield* hold(pool.borrow)
      yield* keepAll(pool.borrowMany(2))
      yield* TestClock.adjust("3 seconds")
      yield* busy.release
      yield* settle
      const borrowed = told.flatMap((event) =>
        event._tag === "Borrowed" ? [[Duration.toMillis(event.waited), event.phase]] : []
      )
      assert.deepStrictEqual(borrowed, [[0, "AtOnce"], [3000, "Waiting"], [3000, "Waiting"]])
    }))

  it.effect("is not lent what was told to rest, or to leave, while it was set aside, and others had a lease of it", () =>
    Effect.gen(function*() {
      for (const mark of ["rest", "invalidate"] as const) {
        const pool = yield* make({ objects: ["a", "b"], sharing: 2 })
        const shared = yield* hold(pool.borrowWith(only("a")))
        const other = yield* hold(pool.borrowWith(only("b")))
        yield* hold(pool.borrowWith(only("b")))
        yield* keepAll(pool.borrowMany(2))
        yield* mark === "rest" ? shared.lease.rest("1 hour") : shared.lease.invalidate
        yield* other.release
        yield* settle
        assert.deepInclude(yield* pool.stats, { leases: 2, waiting: 1 }, mark)
      }
    }))

  it.effect("is lent what rested for its facet, while it was set aside, when that has woken", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 2 })
      const shared = yield* hold(pool.borrowWith({ ...only("a"), facet: "slow" }))
      const other = yield* hold(pool.borrowWith(only("b")))
      yield* hold(pool.borrowWith(only("b")))
      yield* keepAll(pool.borrowMany(2, { facet: "slow", timeout: "3 hours" }))
      yield* shared.lease.rest("1 hour", "slow")
      yield* other.release
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 2, waiting: 1 })
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* pool.stats, { leases: 4, waiting: 0 })
    }))

  it.effect("leaves to others what it was lent, and is shared, also where a selector of the user's own chooses", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, select: (available) => available[0] })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      yield* keepAll(pool.borrowMany(1))
      yield* keepAll(pool.borrow)
      // both come back before anybody is resumed
      Effect.runSync(Effect.andThen(one.release, two.release))
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 2, waiting: 0 })
    }))

  it.effect("counts as one who waits, and as one who is served, for an overload", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], overload: { target: 100 }, borrowTimeout: "10 seconds" })
      const ends: Array<string> = []
      const use = Effect.onExit(
        pool.withMany(2, () => Effect.sleep(100)),
        (exit) => Effect.sync(() => ends.push(Exit.isSuccess(exit) ? "ok" : tagOf(exit.cause)))
      )
      // three come for each that can be served
      for (let i = 0; i < 300; i++) {
        yield* start(use)
        yield* TestClock.adjust(33)
      }
      yield* TestClock.adjust("20 seconds")
      assert.isAbove(ends.filter((end) => end === "PoolExhausted").length, 150)
      assert.notInclude(ends.slice(150), "BorrowTimeout")
    }))

  it.effect("says by its own wait, and by no other, whether the pool is overloaded", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        overload: { target: 200, interval: 500 },
        borrowTimeout: "10 seconds"
      })
      yield* TestClock.adjust("1 hour")
      const use = pool.withMany(2, () => Effect.sleep(50))
      // two are always waiting, for 100 millis each
      const all = [yield* start(use), yield* start(use), yield* start(use)]
      for (let i = 0; i < 100; i++) {
        yield* TestClock.adjust(50)
        all.push(yield* start(use))
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(new Set(all.map(state)), new Set(["ok"]))
    }))

  it.effect("lets what is set aside go on, where it has gone as another, of a higher priority, is asked about that", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const busy = yield* hold(pool.borrowWith(only("b")))
      const all = yield* keepAll(pool.borrowMany(2))
      let asked = 0
      const where = ({ object }: { readonly object: string }) => {
        if (object === "b") return true
        if (asked++ > 0) return false
        all.interruptUnsafe()
        return true
      }
      const first = yield* start(hold(pool.borrowWith({ priority: 1, where })))
      yield* settle
      assert.deepStrictEqual([state(all), state(first)], ["interrupted", "waits"])
      yield* busy.release
      yield* settle
      assert.strictEqual((yield* Fiber.join(first)).lease.object, "b")
      yield* (yield* Fiber.join(first)).release
      yield* serves(pool, 2)
    }))
})

const tagOf = (cause: Cause.Cause<{ readonly _tag: string }>): string => {
  const failure = Cause.squash(cause)
  return typeof failure === "object" && failure !== null && "_tag" in failure ? String(failure._tag) : String(failure)
}

describe("withMany", () => {
  it.effect("drains the pool from within its body, whose own leases are not waited for", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"] })
      const body = yield* start(pool.withMany(2, () => Effect.andThen(pool.drain, pool.resume)))
      yield* settle
      assert.strictEqual(state(body), "ok")
      yield* serves(pool, 3)
    }))

  for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
    it.effect(`closes the pool from within its body, whose answer stands, where a lease lasts ${leaseTimeout}`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"], closing: { timeout: "10 seconds" } })
        const body = yield* start(pool.withMany(2, () => Effect.as(pool.close, "done"), { leaseTimeout }))
        yield* settle
        assert.deepStrictEqual(body.pollUnsafe(), Exit.succeed("done"))
        assert.deepInclude(yield* pool.stats, { leases: 0, size: 0 })
      }))
  }

  it.effect("keeps its objects until its body has ended, though a lease is over before", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], onLeaseExpired: "return" })
      const body = Effect.onExit(Effect.never, () => Effect.sleep("1 second"))
      const several = yield* start(pool.withMany(2, () => body, { leaseTimeout: "1 minute" }))
      const next = yield* start(hold(pool.borrowMany(2, { timeout: "1 hour" })))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([state(several), state(next)], ["waits", "waits"])
      assert.deepInclude(yield* pool.stats, { leases: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(several), state(next)], ["LeaseExpired Expired", "ok"])
    }))

  it.effect("runs on to its end in a pool whose time to close is over, where its leases have no limit", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], closing: { timeout: "1 second" } })
      const endless = yield* start(pool.withMany(2, () => Effect.as(Effect.sleep("1 minute"), "done")))
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(closing), state(endless)], ["ok", "waits"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(endless.pollUnsafe(), Exit.succeed("done"))
    }))
})
