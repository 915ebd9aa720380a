/**
 * A month in the life of a pool, on the clock of the test: its borrowers come and go, overrun their leases and are
 * interrupted; its detector flaps, its objects age and fail to be made, its operator turns the knobs. At the end the books
 * balance, nothing is lost, and nothing has grown (promises 1, 2, 17, 20, 22 to 26).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { type Lease, type ObjectPool, Status } from "../src/index.ts"
import { make, serves, start, state } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"
import { collect } from "./support/garbage.ts"
import { balanced, type Failed, scripted, Thing } from "./support/scripted.ts"

type Pool = ObjectPool<Thing, undefined, Failed>

/** Bytes in use once the garbage has been collected. */
const heap = (): number => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

const chance = (probability: number) => Effect.map(Random.next, (drawn) => drawn < probability)
const minutes = (most: number) =>
  Effect.flatMap(Random.nextIntBetween(0, most * 60), (n) => Effect.sleep(`${n} seconds`))

/** A thing is used by nobody else meanwhile; what overruns its lease is interrupted. */
const work = (most: number) => (lease: Lease<Thing>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const { object } = lease
      assert.strictEqual(object.destroyed, 0, `thing ${object.n} was destroyed`)
      assert.strictEqual(object.users++, 0, `thing ${object.n} is lent twice`)
    }),
    () =>
      Effect.gen(function*() {
        yield* minutes(most)
        if (yield* chance(0.02)) yield* lease.invalidate
        if (yield* chance(0.03)) yield* lease.rest("2 hours")
        if (yield* chance(0.05)) yield* lease.renew
        if (yield* chance(0.05)) return yield* Effect.fail("the work failed")
      }),
    () =>
      Effect.sync(() => {
        lease.object.users--
      })
  )

/** One of those who work with the pool: now and then it loses patience, takes too long, or is interrupted. */
const worker = (pool: Pool) =>
  Effect.forever(Effect.gen(function*() {
    yield* minutes(20)
    const hurried = yield* chance(0.2)
    const job = pool.with(work(20), { timeout: hurried ? "30 seconds" : "10 minutes" })
    if (yield* chance(0.9)) {
      yield* Effect.exit(job)
    } else {
      const fiber = yield* start(Effect.exit(job))
      yield* minutes(10)
      yield* Fiber.interrupt(fiber)
    }
  }))

/**
 * Whoever runs it: rotates, resizes, suspends, and drains for a break. A smaller size is half an hour old when the books are
 * looked at, on the hour: what was lent, and is one too many, has come back by then.
 */
const operator = (pool: Pool) =>
  Effect.forever(Effect.gen(function*() {
    yield* Effect.sleep("13 hours")
    yield* pool.rotate
    yield* Effect.sleep("450 minutes")
    yield* pool.resize({ max: yield* Random.nextIntBetween(4, 8) })
    yield* Effect.sleep("9 hours")
    yield* pool.drain
    yield* Effect.sleep("10 minutes")
    yield* pool.resume
    yield* Effect.sleep("260 minutes")
    yield* pool.detect
  }))

describe("a pool that is left alone for a month", () => {
  it.live("keeps its books, loses nothing, and does not grow", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const flaps = { on: true }
      const odd = (probability: number) => flaps.on ? chance(probability) : Effect.succeed(false)
      const script = scripted()
      const pool: Pool = yield* within(make({
        acquire: Effect.flatMap(
          odd(0.1),
          (fails): typeof script.acquire => {
            script.script.acquire = fails ? "fail" : "ok"
            return script.acquire
          }
        ),
        objects: [new Thing(-1), new Thing(-2)],
        size: { min: 3, max: 6 },
        leaseTimeout: "15 minutes",
        detectStatus: ({ object }) =>
          Effect.gen(function*() {
            if (yield* odd(0.02)) return Status.dormant("45 minutes")
            if (yield* odd(0.02)) return "Dormant"
            if (yield* odd(0.02)) return "Unknown"
            if (yield* odd(0.02)) return yield* Effect.fail("not reached")
            return object.n > 0 && (yield* odd(0.02)) ? "Invalid" : "Available"
          }),
        detection: { every: "20 minutes", onRelease: true, retry: Schedule.spaced("3 minutes") },
        creation: { retry: Schedule.upTo(Schedule.spaced("5 seconds"), { times: 2 }) },
        onBorrow: () => Effect.flatMap(odd(0.01), (fails) => fails ? Effect.fail("not prepared") : Effect.void),
        onRelease: () => Effect.sleep("2 seconds"),
        lifetime: { timeToLive: "1 day", idleTimeToLive: "2 hours", maxBorrows: 100 }
      }))
      const staff = yield* Effect.forEach(
        [operator(pool), ...Array.from({ length: 8 }, () => worker(pool))],
        (fiber) => start(Effect.orDie(fiber))
      )

      const day = Effect.repeat(Effect.andThen(TestClock.adjust("1 hour"), balanced(pool)), { times: 23 })
      yield* Effect.repeat(day, { times: 9 })
      const before = { heap: heap(), totals: (yield* pool.stats).totals }
      yield* Effect.repeat(day, { times: 19 })
      const growth = heap() - before.heap
      for (const fiber of staff) {
        assert.strictEqual(state(fiber), "waits", "nobody has met a defect")
        yield* Fiber.interrupt(fiber)
      }

      const { totals } = yield* balanced(pool)
      const lent = totals.borrowed - before.totals.borrowed
      assert.isAbove(lent, 5000)
      for (const count of ["made", "destroyed", "timedOut", "expired"] as const) {
        assert.isAbove(totals[count], 50, count)
      }
      // a lease that stayed would take some 1000 bytes with what hangs on it; the test itself keeps every thing
      assert.isBelow(growth, 100 * lent, "nothing stays of the leases of twenty days")

      flaps.on = false
      yield* pool.resume
      yield* pool.resize({ max: 6 })
      yield* TestClock.adjust("1 day")
      yield* serves(pool, (yield* pool.stats).size)
      yield* pool.close
      const end = yield* balanced(pool)
      assert.deepInclude(end, { size: 0, making: 0, leases: 0, waiting: 0 })
      assert.strictEqual(end.totals.destroyed, end.totals.made)
      assert.strictEqual(script.things.length, end.totals.made)
      for (const thing of script.things) assert.deepInclude(thing, { destroyed: 1, users: 0 })
      yield* TestClock.adjust("1 day")
      assert.strictEqual(counts.sleeping, 0, "no timer is left")
    }).pipe(
      Effect.provideService(Logger.CurrentLoggers, new Set()),
      Effect.scoped,
      Random.withSeed("a month"),
      Effect.provide(TestClock.layer())
    ))
})
