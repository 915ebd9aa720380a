/**
 * Detectors that answer at once, and detectors that use the pool that asks them (promises 10 and 16).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { ObjectPool } from "../src/index.ts"
import { type PooledObject, Selector } from "../src/index.ts"
import { start, statuses } from "./support/borrowers.ts"
import { asking, detector, type Options, retry } from "./support/detectors.ts"
import { balanced } from "./support/scripted.ts"

describe("a detector that does not suspend", () => {
  for (const kind of ["plain", "effect"] as const) {
    it.effect(`(${kind}) does not suspend the borrower, nor \`add\``, () =>
      Effect.gen(function*() {
        let asked = 0
        const pool = yield* asking(() => {
          asked++
          return kind === "plain" ? "Available" : Effect.succeed("Available")
        }, { objects: ["a"], detection: { onBorrow: true, onRelease: true } })
        const run = Effect.runSyncWith(yield* Effect.context())

        assert.strictEqual(run(pool.with((lease) => Effect.succeed(lease.object))), "a")
        assert.strictEqual(run(Effect.scoped(Effect.map(pool.borrow, (lease) => lease.object))), "a")
        assert.strictEqual(run(Effect.scoped(Effect.map(pool.tryBorrow, (lease) => lease.object))), "a")
        assert.strictEqual(run(pool.with(() => Effect.succeed(1), { timeout: 0 })), 1)
        assert.strictEqual(run(pool.add("b")).status, "Available")
        assert.strictEqual(asked, 1 + 4 * 2 + 1)
      }))
  }

  it.effect(
    "passes over any number of objects that it refuses, without growing the stack",
    () =>
      Effect.gen(function*() {
        const n = 20_000
        const pool = yield* asking<number>(({ object }) => object === n - 1 ? "Available" : "Unknown", {
          objects: Array.from({ length: n }, (_, i) => i),
          select: Selector.leastRecentlyUsed,
          detection: { onAdd: false }
        })
        const run = Effect.runSyncWith(yield* Effect.context())

        assert.strictEqual(run(pool.with((lease) => Effect.succeed(lease.object))), n - 1)
        assert.strictEqual((yield* balanced(pool)).unknown, n - 1)
      }),
    { tags: "large" }
  )

  it.effect("that waited for their turn is asked without growing the stack", () =>
    Effect.gen(function*() {
      const n = 20_000
      const { detectStatus, state } = detector<number>()
      const pool = yield* asking<number>(
        (pooled) => pooled.object === 0 ? detectStatus(pooled) : "Available",
        { objects: [], detection: { concurrency: 1 } }
      )
      state.takes = "1 second"
      yield* start(pool.addAll(Array.from({ length: n }, (_, i) => i)))
      assert.strictEqual((yield* pool.stats).pending, n)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* balanced(pool)).available, n)
    }), { tags: "large" })
})

describe("a detector that calls the pool", () => {
  const calling = <A, E>(
    call: (pool: ObjectPool<string>, pooled: PooledObject<string>) => Effect.Effect<A, E>,
    options: Options<string> = {}
  ) =>
    Effect.gen(function*() {
      let built = false
      const pool: ObjectPool<string> = yield* asking<string>(
        (pooled) => built ? Effect.as(call(pool, pooled), "Available") : "Available",
        { objects: ["a"], ...options }
      )
      built = true
      return pool
    })

  it.effect("may read it", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => Effect.all([pool.stats, pool.objects, pool.leases]))
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("may remove the object that it is asked about", () =>
    Effect.gen(function*() {
      for (const first of [Effect.void, Effect.yieldNow]) {
        const pool = yield* calling((pool, pooled) => Effect.andThen(first, pool.remove(pooled)))
        yield* pool.detect
        assert.strictEqual((yield* balanced(pool)).size, 0)
      }
    }))

  it.effect("may have it rest", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool, pooled) => pool.rest(pooled, "1 minute"))
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      yield* TestClock.adjust("1 minute")
      // it is asked again, and rests again
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
    }))

  it.effect("may detect, without asking about itself for ever", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => pool.detect, { objects: ["a", "b"], detection: { concurrency: 1, retry } })
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("1 minute")

      assert.isDefined(detecting.pollUnsafe())
      const { pending, size } = yield* balanced(pool)
      assert.deepStrictEqual([pending, size], [0, 2])
    }))

  it.effect("may close it", () =>
    Effect.gen(function*() {
      for (const first of [Effect.void, Effect.yieldNow]) {
        const pool = yield* calling((pool) => Effect.andThen(first, pool.close))
        const exit = yield* Effect.exit(pool.detect)
        assert.isTrue(Exit.isFailure(exit))
        yield* pool.close
        assert.strictEqual((yield* balanced(pool)).size, 0)
      }
    }))

  it.effect("may borrow another object", () =>
    Effect.gen(function*() {
      const pool = yield* calling(
        (pool, pooled) => pooled.object === "a" ? pool.with(() => Effect.void) : Effect.void,
        { objects: ["a", "b"], detection: { onBorrow: false } }
      )
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("that borrows its own object ends with its time", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => pool.with(() => Effect.void))
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("5 seconds")

      yield* Fiber.join(detecting)
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      assert.strictEqual((yield* balanced(pool)).waiting, 0)
    }))
})
