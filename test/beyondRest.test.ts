/** Who is refused since everything rests, when, and what he is told; and what is known of an object that rests: promises 29 and 30. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { BorrowTimeout, PoolExhausted, type Status } from "../src/index.ts"
import { hold, make, only, settle, start, state, statuses } from "./support/borrowers.ts"
import { skewed } from "./support/clocks.ts"

const perMinute = { limit: 1, per: "1 minute", name: "requests" } as const
const tokens = { limit: 100, per: "1 minute", unit: "cost", name: "tokens" } as const

/** Why a borrow was refused, and in how many milliseconds it may be tried again. */
const refused = <A>(effect: Effect.Effect<A, unknown>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.isTrue(error instanceof PoolExhausted || error instanceof BorrowTimeout)
    const { retryAfter } = error as PoolExhausted | BorrowTimeout
    return [
      error instanceof PoolExhausted ? error.reason : "BorrowTimeout",
      retryAfter && Duration.toMillis(retryAfter)
    ]
  })

describe("a borrower who comes is refused at once", () => {
  it.effect("whatever he says that it costs, where the objects have no allowance", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "10 seconds" })
      yield* pool.rest("a", "1 minute")
      assert.deepStrictEqual(yield* refused(hold(pool.borrowWith({ cost: 5 }))), ["Resting", 60_000])
    }))

  it.effect("where an object is idle for longer than it may be, and stays since no more than the minimum are left", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: Effect.succeed("a"),
        size: { min: 1, max: 1 },
        lifetime: { idleTimeToLive: "1 minute" },
        borrowTimeout: "10 minutes"
      })
      yield* pool.rest("a", "1 hour")
      assert.deepStrictEqual(yield* refused(hold(pool.borrow)), ["Resting", 3_600_000])
    }))
})

describe("a borrower who waits is refused at once", () => {
  it.effect("as what he waits for rests longer, by what is charged", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: tokens, borrowTimeout: "70 seconds" })
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 100 }))
      yield* release
      const waiting = yield* start(refused(pool.with(() => Effect.void)))
      yield* TestClock.adjust("30 seconds")
      yield* lease.charge(100)
      yield* settle
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["Resting", 60_000])
    }))

  it.effect("as the last object is to leave that did not rest", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"], borrowTimeout: "10 seconds" })
      yield* pool.rest("a", "1 hour")
      const { lease, release } = yield* hold(pool.borrow)
      const waiting = yield* start(refused(pool.with(() => Effect.void)))
      yield* settle
      assert.strictEqual(state(waiting), "waits")
      yield* lease.invalidate
      yield* settle
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["Resting", 3_600_000])
      yield* release
      assert.deepStrictEqual(yield* refused(pool.with(() => Effect.void)), ["Resting", 3_600_000])
    }))

  it.effect("as the pool is resumed, and not before: nobody knows when that will be", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], borrowTimeout: "10 seconds" })
      yield* pool.rest("a", "1 hour")
      yield* pool.suspend
      assert.deepStrictEqual(yield* refused(Effect.scoped(pool.tryBorrow)), ["Suspended", undefined])
      const late = yield* start(refused(pool.with(() => Effect.void)))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(late), ["BorrowTimeout", undefined])
      const waiting = yield* start(refused(pool.with(() => Effect.void)))
      yield* settle
      assert.strictEqual(state(waiting), "waits")
      yield* pool.resume
      yield* settle
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["Resting", 3_590_000])
    }))

  it.effect("of a facet, as the last object rests that could serve it, though others serve those of others", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"], borrowTimeout: "10 seconds" })
      const a = yield* hold(pool.borrowWith(only<string>("a")))
      yield* a.lease.rest("1 hour", "large")
      yield* a.release
      const { lease, release } = yield* hold(pool.borrowWith(only("b")))
      const waiting = yield* start(refused(pool.with(() => Effect.void, { facet: "large" })))
      yield* lease.rest("2 hours")
      assert.strictEqual(state(waiting), "waits")
      yield* release
      yield* settle
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual(yield* Fiber.join(waiting), ["Resting", 3_600_000])
      yield* pool.with(() => Effect.void)
    }))

  it.effect("whose cost only some objects can bear, as all of those rest", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["small", "large"],
        borrowTimeout: "10 seconds",
        allowance: ({ object }) => ({ ...tokens, limit: object === "small" ? 10 : 100 })
      })
      const costly = pool.with(() => Effect.void, { cost: 50 })
      const { lease, release } = yield* hold(pool.borrowWith(only("large")))
      const waiting = yield* start(refused(costly))
      yield* lease.rest("1 hour")
      yield* release
      yield* settle
      assert.strictEqual(state(waiting), "ok")
      assert.deepStrictEqual([yield* Fiber.join(waiting), yield* refused(costly)], [
        ["Resting", 3_600_000],
        ["Resting", 3_600_000]
      ])
      yield* pool.with(() => Effect.void)
    }))
})

describe("a borrower is not refused", () => {
  it.effect("while an object is about to leave, and another can be made for its facet", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make<string>({
        acquire: Effect.sync(() => `made ${++made}`),
        size: { max: 1 },
        sharing: 2,
        borrowTimeout: "10 seconds"
      })
      for (const facet of ["large", undefined]) {
        const { lease, release } = yield* hold(pool.borrow)
        if (facet === undefined) yield* lease.rest("1 hour")
        else yield* lease.rest("1 hour", facet)
        yield* lease.invalidate
        const waiting = yield* start(
          pool.with(({ object }) => Effect.succeed(object), facet === undefined ? {} : { facet })
        )
        yield* settle
        assert.strictEqual(state(waiting), "waits")
        yield* release
        assert.strictEqual(yield* Fiber.join(waiting), `made ${made}`)
      }
    }))

  it.effect("while an object is being destroyed, and another can be made for its facet", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make({
        acquire: Effect.acquireRelease(
          Effect.sync(() => `made ${++made}`),
          (name) => name === "made 2" ? Effect.sleep("2 seconds") : Effect.void
        ),
        size: { max: 2 },
        borrowTimeout: "10 seconds"
      })
      const one = yield* hold(pool.borrow)
      const other = yield* hold(pool.borrow)
      yield* one.lease.rest("1 hour", "large")
      yield* one.release
      yield* other.lease.invalidate
      yield* other.release
      const waiting = yield* start(pool.with(({ object }) => Effect.succeed(object), { facet: "large" }))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), "made 3")
    }))

  it.effect("where the time of an object ends before its rest, and another will take its place", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make<string>({
        acquire: Effect.sync(() => `made ${++made}`),
        size: { max: 1 },
        lifetime: { timeToLive: "10 minutes", jitter: 0 },
        borrowTimeout: "11 minutes"
      })
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("1 hour")
      yield* release
      assert.deepStrictEqual(yield* refused(pool.with(() => Effect.void, { timeout: "1 second" })), [
        "Resting",
        600_000
      ])
      const waiting = yield* start(pool.with(({ object }) => Effect.succeed(object)))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(state(waiting), "ok")
      assert.strictEqual(yield* Fiber.join(waiting), "made 2")
    }))
})

describe("an object whose allowance is spent", () => {
  /** A pool whose detector answers what it is told to, and counts. */
  const detecting = (options: object) =>
    Effect.gen(function*() {
      const says = { asked: 0, answer: "Available" as Status.Answer }
      const pool = yield* make<string>({
        objects: ["a"],
        allowance: perMinute,
        detectStatus: () => {
          says.asked++
          return says.answer
        },
        detection: { onBorrow: false },
        ...options
      })
      says.asked = 0
      return { pool, says }
    })

  it.effect("while nobody knows whether it may be lent is detected as it wakes", () =>
    Effect.gen(function*() {
      const { pool, says } = yield* detecting({ allowance: tokens })
      const { lease, release } = yield* hold(pool.borrow)
      yield* release
      says.answer = "Unknown"
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      yield* lease.charge(200)
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      says.answer = "Invalid"
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* statuses(pool), [])
    }))

  it.effect("while the detector could not tell is detected as it wakes", () =>
    Effect.gen(function*() {
      const { pool } = yield* detecting({ allowance: tokens })
      const { lease, release } = yield* hold(pool.borrow)
      yield* release
      let asked = 0
      const other = yield* make<string>({
        objects: ["a"],
        allowance: tokens,
        detectStatus: () =>
          Effect.suspend(() =>
            asked++ === 0 ? Effect.succeed("Available" as const) : Effect.delay(Effect.fail("no"), 1000)
          ),
        detection: { onBorrow: false }
      })
      const b = yield* hold(other.borrow)
      yield* b.release
      yield* start(other.detect)
      yield* TestClock.adjust("500 millis")
      yield* b.lease.charge(200)
      yield* lease.charge(200)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual([yield* statuses(other), asked], [["Dormant"], 2])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* statuses(other), asked], [["Pending"], 3])
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  for (
    const [why, options] of [
      ["after a lease that has expired", { leaseTimeout: "1 second" }],
      ["after each release", { detection: { onBorrow: false, onRelease: true } }]
    ] as const
  ) {
    it.effect(`is detected as it wakes, where it is ${why}`, () =>
      Effect.gen(function*() {
        const { pool, says } = yield* detecting(options)
        yield* pool.with(() => Effect.sleep("2 seconds")).pipe(Effect.exit, start)
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([yield* statuses(pool), says.asked], [["Dormant"], 0])
        says.answer = "Invalid"
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([yield* statuses(pool), says.asked], [[], 1])
      }))
  }

  it.effect("is detected as it wakes, though the rest that was asked for was ended before", () =>
    Effect.gen(function*() {
      const { pool, says } = yield* detecting({})
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("1 hour")
      yield* release
      yield* pool.wake("a")
      assert.deepStrictEqual([yield* statuses(pool), says.asked], [["Dormant"], 0])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* statuses(pool), says.asked], [["Available"], 1])
    }))

  for (const lent of [false, true]) {
    it.effect(`is not lent before the reset that was told, once the clock has been set over it and back: ${lent}`, () =>
      Effect.gen(function*() {
        const { clock, skew } = yield* skewed
        const allowance = { limit: 2, resets: Cron.parseUnsafe("0 0 * * *", "UTC") }
        const pool = yield* Effect.provideService(make({ objects: ["a"], allowance }), Clock.Clock, clock)
        const times = (n: number) => Effect.repeat(pool.with(() => Effect.void), { times: n - 1 })
        const attempt = Effect.map(Effect.exit(Effect.scoped(pool.tryBorrow)), ({ _tag }) => _tag)
        yield* times(1)
        const { release } = yield* hold(pool.borrow)
        if (!lent) yield* release
        skew.millis = 86_400_000
        yield* TestClock.adjust("20 seconds")
        if (lent) yield* release
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        skew.millis = 0
        yield* TestClock.adjust("20 seconds")
        // as the clock has said that the day is over, it is; the next one lasts until the midnight after
        yield* times(2)
        assert.deepStrictEqual([yield* statuses(pool), yield* attempt], [["Dormant"], "Failure"])
        yield* TestClock.adjust("24 hours")
        assert.strictEqual(yield* attempt, "Failure")
        yield* TestClock.adjust("24 hours")
        assert.strictEqual(yield* attempt, "Success")
      }))
  }
})
