/**
 * Several objects of one key at once, under the ceiling of all keys (promises 45 to 47, and 49).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { KeyedPool } from "../../src/index.ts"
import { start, state } from "../support/borrowers.ts"
import { calm, keep, letGo, make, outcome, type Pool, use, world } from "../support/keyed.ts"
import { sweepInPieces } from "../support/sweep.ts"

/** Borrows several of a key in a fiber of its own, and keeps them until it is let go. */
const keepMany = (pool: Pool, key: string, n: number, options: Parameters<Pool["borrowMany"]>[2] = {}) =>
  start(Effect.scoped(Effect.andThen(pool.borrowMany(key, n, options), Effect.never)))

const leasesOf = (pool: Pool, key: string) => Effect.map(pool.statsOf(key), (stats) => stats?.leases ?? 0)

/** How many leases there are of each key. */
const leases = (pool: Pool, ...keys: ReadonlyArray<string>) => Effect.forEach(keys, (key) => leasesOf(pool, key))

/** Leaves so many objects of a key idle. */
const leave = (pool: Pool, key: string, n: number) => Effect.andThen(pool.withMany(key, n, () => Effect.void), calm)

describe("`borrowMany` of a key", () => {
  it.effect("grants n at once of one key, each of another object, and has idle objects of other keys go for them at the same time", () =>
    Effect.gen(function*() {
      const there = world(4)
      there.script.destroy = () => Effect.sleep("1 second")
      there.script.acquire = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      const idle = yield* start(
        Effect.forEach(["x", "y", "x"], (key) => pool.with(key, () => Effect.sleep("9 seconds")), {
          concurrency: 3
        })
      )
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(state(idle), "ok")
      const all = yield* start(
        pool.withMany("a", 4, (leases) =>
          Effect.succeed(
            new Set(leases.map(({ object }) => `${object.key}${object.id}`)).size
          ))
      )
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual(all.pollUnsafe(), Exit.succeed(4))
      assert.lengthOf(there.gone, 3)
    }))

  it.effect("gives nothing to anybody before it has all; at its deadline all of that goes on, also to other keys", () =>
    Effect.gen(function*() {
      const there = world(3)
      const pool = yield* make(there)
      const busy = yield* keep(pool, "x")
      const several = yield* start(outcome(Effect.scoped(pool.borrowMany("a", 3, { timeout: "1 second" }))))
      const own = yield* keep(pool, "a")
      const other = yield* keep(pool, "b")
      yield* calm
      assert.deepInclude(yield* pool.statsOf("a"), { available: 2, leases: 0, waiting: 2 })
      assert.deepStrictEqual(yield* leases(pool, "a", "b"), [0, 0])
      yield* TestClock.adjust("1 second")
      yield* calm

      assert.strictEqual(yield* Fiber.join(several), "BorrowTimeout")
      assert.deepStrictEqual(yield* leases(pool, "a", "b", "x"), [1, 1, 1])
      for (const fiber of [busy, own, other]) yield* letGo(fiber)
    }))

  it.effect("two borrowers of several of different keys never deadlock: the first to come has what is set aside for the other", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there)
      const busy = [yield* keep(pool, "x"), yield* keep(pool, "y"), yield* keep(pool, "x"), yield* keep(pool, "y")]
      const order: Array<string> = []
      const several = (key: string) =>
        start(pool.withMany(key, 3, (leases) => Effect.sync(() => order.push(`${leases.length} of ${key}`))))
      const [one, other] = [yield* several("a"), yield* several("b")]
      for (const fiber of busy) {
        yield* letGo(fiber)
        yield* calm
      }

      assert.deepStrictEqual(order, ["3 of a", "3 of b"])
      assert.deepStrictEqual([state(one), state(other)], ["ok", "ok"])
    }))

  it.effect("what comes back to its key, and is set aside for one who has come later, is idle for the first to come", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there)
      const ofB = yield* Effect.forEach([1, 2, 3, 4], () => keep(pool, "b"))
      const one = yield* keepMany(pool, "a", 3)
      const other = yield* keepMany(pool, "b", 3)
      yield* calm
      for (const fiber of ofB.slice(0, 2)) yield* letGo(fiber)
      yield* calm
      // each of them has gone for the other key
      assert.deepInclude(yield* pool.statsOf("a"), { available: 2 })
      assert.deepInclude(yield* pool.statsOf("b"), { available: 0, leases: 2 })
      yield* letGo(ofB[2]!)
      yield* calm
      assert.deepStrictEqual(yield* leases(pool, "a", "b"), [3, 1])
      yield* letGo(one)
      yield* letGo(ofB[3]!)
      yield* calm
      assert.deepStrictEqual(yield* leases(pool, "a", "b"), [0, 3])
      yield* letGo(other)
    }))

  it.effect("keeps its place among all keys until it has all, though some is made for it already", () =>
    Effect.gen(function*() {
      const there = world(3)
      there.script.acquire = (key) => key === "a" ? Effect.sleep("1 second") : Effect.void
      const pool = yield* make(there)
      const busy = [yield* keep(pool, "x"), yield* keep(pool, "y"), yield* keep(pool, "z")]
      const several = yield* keepMany(pool, "a", 2)
      const later = yield* keep(pool, "b")
      yield* calm
      for (const fiber of busy.slice(0, 2)) {
        yield* letGo(fiber)
        yield* calm
      }
      assert.deepInclude(yield* pool.statsOf("a"), { making: 2 })
      assert.strictEqual(yield* leasesOf(pool, "b"), 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* leasesOf(pool, "a"), 2)
      for (const fiber of [busy[2]!, several, later]) yield* letGo(fiber)
    }))

  it.effect("has no more objects of other keys go than it lacks", () =>
    Effect.gen(function*() {
      const there = world(6)
      there.script.destroy = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      yield* leave(pool, "x", 5)
      const first = yield* keep(pool, "a")
      const all = yield* keepMany(pool, "a", 3)
      yield* calm
      // what comes back is one that need not be made
      yield* letGo(first)
      yield* TestClock.adjust("5 seconds")
      yield* calm
      assert.strictEqual(yield* leasesOf(pool, "a"), 3)
      assert.isAtMost(there.gone.length, 3)
      const stats = yield* pool.statsOf("x")
      assert.strictEqual(stats?.available, 5 - there.gone.length)
      yield* letGo(all)
    }))

  it.effect("takes nothing that is set aside for one who has come before, nor of a minimum, nor from one who has all", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there, { size: { max: 4, perKey: { min: 1, max: 3 } } })
      const first = yield* keep(pool, "b")
      const elder = yield* keepMany(pool, "a", 3)
      yield* calm
      const younger = yield* keepMany(pool, "c", 2)
      yield* calm
      assert.deepStrictEqual(yield* leases(pool, "a", "b", "c"), [3, 1, 0])
      yield* letGo(elder)
      yield* calm
      // one of the two keys keeps its minimum
      assert.deepStrictEqual(yield* leases(pool, "a", "b", "c"), [0, 1, 2])
      assert.strictEqual((yield* pool.statsOf("a"))?.size, 1)
      for (const fiber of [first, younger]) yield* letGo(fiber)
    }))

  it.effect("serves a borrower of a higher priority of its key before, and two keys with priorities still never wait for each other", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there)
      const busy = [yield* keep(pool, "x"), yield* keep(pool, "y"), yield* keep(pool, "x"), yield* keep(pool, "y")]
      const order: Array<string> = []
      const several = (key: string, priority: number) =>
        start(pool.withMany(key, 3, () => Effect.sync(() => order.push(`${key}${priority}`)), { priority }))
      yield* several("a", 0)
      yield* several("b", 0)
      yield* several("a", 5)
      yield* several("b", 5)
      for (const fiber of busy) {
        yield* letGo(fiber)
        yield* calm
      }
      yield* calm

      assert.lengthOf(order, 4)
      assert.isBelow(order.indexOf("a5"), order.indexOf("a0"))
      assert.isBelow(order.indexOf("b5"), order.indexOf("b0"))
    }))

  it.effect("waits for nobody of another key because of one of a higher priority, who has no use for what is set aside", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(4))
      const busy = yield* keep(pool, "x")
      const elder = yield* keepMany(pool, "a", 4)
      const other = yield* keepMany(pool, "b", 3)
      yield* calm
      assert.deepInclude(yield* pool.statsOf("a"), { available: 3 })
      // room is asked for this one first, and it comes last of all
      const choosy = yield* keepMany(pool, "a", 2, { priority: 5, where: ({ id }) => id > 100 })
      yield* calm

      assert.strictEqual(yield* leasesOf(pool, "b"), 3)
      for (const fiber of [other, choosy, busy, elder]) yield* letGo(fiber)
    }))

  for (const n of [0, -1, 1.5, NaN, Infinity, "2", null, undefined]) {
    it.effect(`refuses ${String(n)} at once, with a typed failure`, () =>
      Effect.gen(function*() {
        const pool = yield* make(world(3))
        const several = [pool.borrowMany("a", n as number), pool.withMany("a", n as number, () => Effect.void)]
        for (const borrow of several) {
          assert.deepInclude(
            yield* Effect.flip(Effect.scoped(borrow as Effect.Effect<unknown, unknown, Scope.Scope>)),
            {
              _tag: "InvalidPoolOptions",
              option: "n"
            }
          )
        }
        assert.deepInclude(yield* pool.stats, { size: 0, waiting: 0 })
      }))
  }

  it.effect("refuses more than its key, or the whole, can ever have, at once", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(4), { size: { max: 4, perKey: { max: 2 } } })
      const failure = (key: string, n: number) => Effect.flip(Effect.scoped(pool.borrowMany(key, n)))
      assert.deepInclude(yield* failure("a", 3), { option: "n", allowed: "at most size.perKey.max, 2" })
      yield* pool.resizeKey("b", { min: 0, max: 9 })
      assert.deepInclude(yield* failure("b", 5), { option: "n", allowed: "at most size.max, 4" })
      assert.strictEqual(yield* pool.withMany("b", 4, (all) => Effect.succeed(all.length)), 4)
    }))

  it.effect("refuses more than the minimums of other keys leave it, with `NoRoom`", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(4), { size: { max: 4, perKey: { min: 1 } } })
      for (const key of ["x", "y"]) yield* use(pool, key)
      yield* calm
      const failure = yield* Effect.flip(pool.withMany("a", 3, () => Effect.void))
      assert.deepInclude(failure, { _tag: "PoolExhausted", reason: "NoRoom" })
      assert.strictEqual(yield* pool.withMany("a", 2, (all) => Effect.succeed(all.length)), 2)
    }))

  it.effect("is refused, with `NoRoom`, when a `resize` leaves it fewer than it wants; what was set aside for it goes on", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(4))
      const busy = yield* keep(pool, "x")
      const ofWhole = yield* start(outcome(pool.withMany("a", 4, () => Effect.void)))
      yield* calm
      yield* pool.resize({ max: 3 })
      yield* calm
      assert.strictEqual(yield* Fiber.join(ofWhole), "PoolExhausted")
      assert.strictEqual((yield* pool.stats).size, 3)

      const ofKey = yield* start(outcome(pool.withMany("a", 3, () => Effect.void)))
      yield* calm
      yield* pool.resizeKey("a", { max: 2 })
      yield* calm
      assert.strictEqual(yield* Fiber.join(ofKey), "PoolExhausted")
      assert.strictEqual(yield* use(pool, "b").pipe(Effect.as("ok")), "ok")
      yield* letGo(busy)
    }))

  it.effect("fails with `PoolClosed` when its key is forgotten, or all is closed: what was set aside for it is room for others", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(3))
      const busy = yield* keep(pool, "x")
      const several = yield* start(outcome(pool.withMany("a", 3, () => Effect.void)))
      const other = yield* keepMany(pool, "b", 2)
      yield* calm
      assert.deepInclude(yield* pool.statsOf("a"), { available: 2 })
      assert.isTrue(yield* pool.forget("a"))
      yield* calm
      assert.strictEqual(yield* Fiber.join(several), "PoolClosed")
      assert.strictEqual(yield* leasesOf(pool, "b"), 2)
      const last = yield* start(outcome(pool.withMany("c", 2, () => Effect.void)))
      yield* calm
      yield* start(pool.close)
      yield* calm
      assert.strictEqual(yield* Fiber.join(last), "PoolClosed")
      for (const fiber of [busy, other]) yield* letGo(fiber)
    }))

  it.effect("is lent by a tag, packed, and gives back one by one", () =>
    Effect.gen(function*() {
      class Tenants extends KeyedPool.Service<Tenants, string, { readonly of: string }>()("Tenants") {}
      const program = Effect.gen(function*() {
        const [one, two] = yield* Tenants.borrowMany("acme", 2)
        yield* one!.release
        const stats = yield* Tenants.statsOf("acme")
        assert.deepInclude(stats, { leases: 1, available: 1 })
        assert.strictEqual(two!.object.of, "acme")
        return yield* Tenants.withMany("globex", 1, ([lease]) => Effect.succeed(lease!.pooled.key))
      })
      const layer = Tenants.layer({ acquire: (of) => Effect.succeed({ of }), size: { max: 3 } })
      assert.strictEqual(yield* Effect.provide(Effect.scoped(program), layer), "globex")
    }))
})

describe("what is interrupted of borrowers of several of many keys", () => {
  for (
    const [kind, script] of Object.entries({
      "is made and destroyed at once": () => Effect.void,
      "takes turns to be made and destroyed": () => Effect.yieldNow
    })
  ) {
    sweepInPieces(
      `leaves nothing behind, in any window, where an object ${kind}`,
      (window) =>
        Effect.scoped(Effect.gen(function*() {
          const there = world(4)
          there.script.acquire = there.script.destroy = script
          const pool = yield* make(there)
          const busy = yield* start(pool.with("x", () => Effect.repeat(Effect.yieldNow, { times: 5 })))
          const elder = yield* start(pool.withMany("b", 3, () => Effect.yieldNow))
          const all = yield* start(pool.withMany("a", 3, () => Effect.yieldNow))
          const behind = yield* start(pool.withMany("b", 3, () => Effect.yieldNow))
          yield* window.interrupt(all)
          for (let i = 0; i < 3; i++) yield* calm
          const states = [busy, elder, behind].map(state)
          assert.deepStrictEqual(states, ["ok", "ok", "ok"], String(window))
          assert.strictEqual(yield* pool.withMany("c", 4, (leases) => Effect.succeed(leases.length)), 4, String(window))
          const { leases, making, waiting } = yield* pool.stats
          assert.deepStrictEqual({ leases, making, waiting }, { leases: 0, making: 0, waiting: 0 }, String(window))
        }))
    )
  }

  it.effect("is nothing where the body has begun: its leases end with it, and serve the next", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(2))
      const latch = yield* Latch.make()
      const all = yield* start(pool.withMany("a", 2, () => latch.await))
      const other = yield* keepMany(pool, "b", 2)
      yield* calm
      assert.deepStrictEqual(yield* leases(pool, "a", "b"), [2, 0])
      yield* Fiber.interrupt(all)
      yield* calm
      assert.deepStrictEqual(yield* leases(pool, "a", "b"), [0, 2])
      yield* letGo(other)
    }))
})
