/**
 * What a lease says of its object, and what that comes to when it ends (promises 12 and 17).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { hold, statuses } from "./support/borrowers.ts"
import { at } from "./support/clocks.ts"
import { scripted } from "./support/scripted.ts"

describe("marks", () => {
  it.effect("`invalidate` marks: the lease stays open, and the object leaves when it ends", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const lease = yield* pool.borrow
      yield* lease.invalidate
      yield* lease.invalidate
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* lease.renew
      yield* lease.release

      assert.strictEqual((yield* pool.borrow).object, things[1])
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("`invalidate` beats `rest`, whichever comes first", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const [one, two] = [yield* pool.borrow, yield* pool.borrow]
      yield* Effect.andThen(one.rest("1 hour"), one.invalidate)
      yield* Effect.andThen(two.invalidate, two.rest("1 hour"))
      yield* Effect.all([one.release, two.release])

      assert.deepStrictEqual(yield* statuses(pool), [])
    }))

  it.effect("a rest counts from the call, not from the end of the lease", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust("4 seconds")
      yield* lease.release

      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.status, "Dormant")
      assert.strictEqual(at(pooled!.wakesAt), 10_000)
      yield* TestClock.adjust(5999)
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled!.status, "Available")
    }))

  it.effect("of two rests the later moment wins, in either order", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const [one, two] = [yield* pool.borrow, yield* pool.borrow]
      yield* Effect.andThen(one.rest("10 seconds"), one.rest("5 seconds"))
      yield* Effect.andThen(two.rest("5 seconds"), two.rest("10 seconds"))
      yield* Effect.all([one.release, two.release])

      assert.deepStrictEqual((yield* pool.objects).map((pooled) => at(pooled.wakesAt)), [10_000, 10_000])
    }))

  it.effect("a rest whose time has passed when the lease ends has no effect", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      yield* TestClock.adjust("10 seconds")
      yield* lease.release

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a rest of nonsense is a defect of the caller, and marks nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const exit = yield* Effect.exit(lease.rest("a while" as "1 second"))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      yield* lease.release

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  for (const [how, mark, left] of [["condemn", "invalidate", 0], ["rest", "rest", 1]] as const) {
    it.effect(`what \`pack\` has to end may still ${how} the object, after a release`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({
          objects: ["a"],
          pack: (lease) =>
            Effect.as(
              Effect.addFinalizer(() =>
                Effect.andThen(Effect.yieldNow, mark === "rest" ? lease.rest("1 hour") : lease.invalidate)
              ),
              lease
            )
        })

        const lease = yield* pool.with((lease) => Effect.succeed(lease))
        const { dormant, size } = yield* pool.stats
        yield* lease.invalidate

        assert.deepStrictEqual([size, dormant], [left, left])
        assert.strictEqual((yield* pool.stats).size, left)
      }))
  }

  it.effect("what `pack` has to end has no say in an object whose lease has expired", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 second",
        onLeaseExpired: "return",
        pack: (lease) => Effect.as(Effect.addFinalizer(() => lease.invalidate), lease)
      })
      yield* hold(pool.borrow)

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))
})
