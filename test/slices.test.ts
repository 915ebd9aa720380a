/**
 * A pool that holds very much closes in slices: others get their turn in between, and nothing is granted or lost (promise 24).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { hold, settle, start, state } from "./support/borrowers.ts"
import { costly } from "./support/clocks.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"

const n = 500
const many = Array.from({ length: n })

type Pool = ObjectPool<Thing, undefined, unknown>

/** A pool of which everything is lent, and what it logs. With a toll each slice of it is as short as can be. */
const busy = (options: object = {}) =>
  Effect.gen(function*() {
    const { clock, toll } = yield* costly
    const { acquire, things } = scripted()
    const { lines, within } = logs()
    const pool: Pool = yield* within(Effect.provideService(
      ObjectPool.make({
        acquire,
        size: { max: n },
        borrowTimeout: "Infinity",
        closing: { timeout: "5 minutes" },
        ...options
      }),
      Clock.Clock,
      clock
    ))
    const held = yield* Effect.forEach(many, () => hold(pool.borrow))
    return { pool, things, lines, toll, held }
  })

const queue = (pool: Pool, length = n) => Effect.forEach(Array.from({ length }), () => start(hold(pool.borrow)))

/** What a count goes through, turn after turn, until it is 0. */
const course = (count: Effect.Effect<number>) =>
  Effect.gen(function*() {
    const seen = [yield* count]
    while (seen.at(-1)! > 0 && seen.length < 10_000) {
      yield* Effect.yieldNow
      seen.push(yield* count)
    }
    return new Set(seen)
  })

/** How fibers have ended, all of them. */
const endings = <A, E>(fibers: ReadonlyArray<Fiber.Fiber<A, E>>) =>
  Effect.map(Effect.forEach(fibers, (fiber) => Fiber.await(fiber)), () => new Set(fibers.map(state)))

const once = (things: ReadonlyArray<Thing>) =>
  assert.deepStrictEqual(things.filter(({ destroyed }) => destroyed !== 1), [], "each is destroyed once")

const scene = <E>(title: string, body: Effect.Effect<unknown, E, Scope.Scope>) => it.effect(title, () => late(body))

describe("a pool with very many waiters and leases", () => {
  scene(
    "fails those who wait in slices",
    Effect.gen(function*() {
      const { held, pool, toll } = yield* busy()
      const waiters = yield* queue(pool)
      toll.millis = 5
      const closing = yield* start(pool.close)
      const waiting = yield* course(Effect.map(pool.stats, (stats) => stats.waiting))
      yield* settle

      assert.isAbove(waiting.size, 3)
      assert.deepStrictEqual([...yield* endings(waiters)], ["PoolClosed"])
      assert.strictEqual(state(closing), "waits")
      for (const { release } of held) yield* release
    })
  )

  scene(
    "fails who comes in between at once, and grants nothing of what comes back to those who wait still",
    Effect.gen(function*() {
      const { held, pool, things, toll } = yield* busy()
      const waiters = yield* queue(pool)
      toll.millis = 5
      yield* start(pool.close)
      assert.isAbove((yield* pool.stats).waiting, 0)

      assert.strictEqual(state(yield* start(pool.borrow)), "PoolClosed")
      yield* held[0]!.release
      yield* held[1]!.lease.invalidate
      yield* held[1]!.release
      assert.strictEqual((yield* balanced(pool)).totals.borrowed, n)
      yield* settle

      assert.deepStrictEqual([...yield* endings(waiters)], ["PoolClosed"])
      toll.millis = 0
      for (const { release } of held) yield* release
      yield* settle
      once(things)
    })
  )

  scene(
    "lets those who wait still leave, by their deadline or an interruption",
    Effect.gen(function*() {
      const { held, pool, toll } = yield* busy({ borrowTimeout: "1 second" })
      const waiters = yield* queue(pool)
      toll.millis = 5
      yield* start(pool.close)
      const last = waiters.at(-1)!
      assert.strictEqual(state(last), "waits")
      yield* Fiber.interrupt(last)
      yield* TestClock.adjust("1 second")

      const seen = yield* endings(waiters)
      assert.isTrue(seen.has("interrupted") && seen.has("PoolClosed"), [...seen].join())
      for (const each of seen) assert.include(["interrupted", "PoolClosed", "BorrowTimeout"], each)
      assert.strictEqual((yield* balanced(pool)).waiting, 0)
      for (const { release } of held) yield* release
    })
  )

  scene(
    "revokes leases in slices when their time is over; one that comes back in between is not counted among them",
    Effect.gen(function*() {
      const { held, lines, pool, things, toll } = yield* busy()
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("4 minutes")
      toll.millis = 60_000
      // the deadline fires, and its first slice is done
      while ((yield* pool.stats).leases === n) yield* Effect.yieldNow
      const open = (yield* pool.leases).length
      assert.isAbove(open, n / 2)
      yield* held.at(-1)!.release
      const leases = yield* course(Effect.map(pool.stats, (stats) => stats.leases))
      yield* settle
      yield* Fiber.join(closing)

      assert.isAbove(leases.size, 3)
      once(things)
      assert.match(lines.join(), new RegExp(`Closing revoked ${n - 1} lease`))
    })
  )

  scene(
    "is not closed before all slices are done, though nothing is left in it",
    Effect.gen(function*() {
      const { held, pool, things, toll } = yield* busy()
      const waiters = yield* queue(pool)
      toll.millis = 5
      const closing = yield* start(pool.close)
      for (const { release } of held) yield* release
      if ((yield* pool.stats).waiting > 0) assert.strictEqual(state(closing), "waits")
      yield* settle
      yield* Fiber.join(closing)

      assert.deepStrictEqual([...yield* endings(waiters)], ["PoolClosed"])
      once(things)
    })
  )

  scene(
    "whose closing is asked for by each of them is closed once",
    Effect.gen(function*() {
      const { pool, things, toll } = yield* busy({ closing: { timeout: 0 } })
      toll.millis = 5
      const closing = yield* Effect.forEach(many, () => start(pool.close))
      yield* settle
      for (const fiber of closing) yield* Fiber.join(fiber)

      once(things)
      assert.deepInclude(yield* balanced(pool), { size: 0, leases: 0 })
    })
  )
})

describe("closing from inside a body, where leases have no time to come back,", () => {
  for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
    it.effect(`${leaseTimeout === "Infinity" ? "without" : "with"} a lease time-out: what the body answers stands`, () =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        const pool = yield* ObjectPool.make({ acquire, closing: { timeout: 0 } })
        const answer = yield* pool.with(
          (lease) =>
            Effect.andThen(pool.close, Effect.map(Effect.flip(lease.expired), ({ reason }) => [reason, things.length])),
          { leaseTimeout }
        )

        assert.deepStrictEqual(answer, ["Closed", 1])
      }))
  }
})
