/**
 * Borrows from within a function of the user's that the pool calls as it hands an object out: what has to wait for the end
 * of that does not keep them from what they may have (promises 4, 5 and 6).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ObjectPool } from "../src/index.ts"
import { ending, hold, make, only, settle, start, state } from "./support/borrowers.ts"
import { but } from "./support/clocks.ts"

type Pool = ObjectPool<string>

/** One waits for "a", who may have nothing else, and calls `within` when it comes back, in the midst of that. */
const asBack = <A>(pool: Pool, within: () => A) =>
  Effect.gen(function*() {
    const { release } = yield* hold(pool.borrowWith({ where: ({ object }) => object === "a" }))
    let answer: A | undefined
    const waiter = yield* start(hold(pool.borrowWith({
      where: ({ object }) => {
        if (object !== "a") return false
        answer ??= within()
        return true
      }
    })))
    yield* release
    yield* settle
    assert.strictEqual(state(waiter), "ok")
    return answer!
  })

/** Objects that are made at once: the second is made for the one who waits, and stays free. */
const named = () => {
  const names = ["a", "b", "c", "d"]
  return Effect.sync(() => names.shift()!)
}

const now = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> => Effect.runSync(Effect.exit(effect))

const another = { where: ({ object }: { readonly object: string }) => object !== "b" }

describe("within a `where` that is asked about what has come back,", () => {
  for (const [how, timeout] of [["that cannot be suspended", "1 second"], ["that has no time", 0]] as const) {
    for (const onBorrow of [false, true]) {
      it.effect(`a borrow ${how} is lent what is free, detected ${onBorrow ? "first" : "or not"}`, () =>
        Effect.gen(function*() {
          const pool: Pool = yield* make({
            objects: ["a", "b"],
            detectStatus: () => "Available",
            detection: { onBorrow }
          })
          const got = yield* asBack(pool, () => now(Effect.scoped(pool.borrowWith({ timeout }))))
          assert.strictEqual(ending(got), "ok")
        }))
    }
  }

  it.effect("a borrow that cannot be suspended is lent what is made at once", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({ acquire: named(), size: { max: 3 } })
      const got = yield* asBack(pool, () => now(Effect.scoped(pool.borrowWith(another))))
      assert.strictEqual(ending(got), "ok")
      assert.strictEqual((yield* pool.stats).totals.made, 3)
    }))

  it.effect("a borrow that does not queue has one object made at once, and is lent that", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({ acquire: named(), size: { max: 3 } })
      const got = yield* asBack(pool, () => Effect.runFork(hold(pool.tryBorrowWith(another))))
      assert.strictEqual(state(got), "ok")
      const { borrowed, totals } = yield* pool.stats
      assert.deepStrictEqual([borrowed, totals.made], [2, 3])
      yield* Fiber.interrupt(got)
    }))

  it.effect("of those who come, the first in the queue has what nobody else may have", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({ objects: ["a"] })
      const { release } = yield* hold(pool.borrow)
      const come: Array<Fiber.Fiber<unknown, unknown>> = []
      yield* start(hold(pool.borrowWith({
        where: () => {
          if (come.length === 0) {
            for (const priority of [2, 1]) come.push(Effect.runFork(hold(pool.borrowWith({ priority }))))
          }
          return false
        }
      })))
      yield* release
      yield* settle
      assert.deepStrictEqual(come.map(state), ["ok", "waits"])
    }))

  it.effect("what comes back then is lent, though the clock of the pool throws", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let throws = false
      const fails = but(clock, {
        currentTimeMillisUnsafe: () => {
          if (throws) {
            throws = false
            throw new Error("no time")
          }
          return clock.currentTimeMillisUnsafe()
        }
      })
      const pool: Pool = yield* Effect.provideService(make({ objects: ["a", "b"] }), Clock.Clock, fails)
      const [a, b] = [yield* hold(pool.borrowWith(only("a"))), yield* hold(pool.borrowWith(only("b")))]
      yield* start(hold(pool.borrowWith({
        where: ({ object }) => {
          if (object !== "a") return false
          Effect.runSync(b.release)
          throws = true
          return true
        }
      })))
      const next = yield* start(hold(pool.borrowWith(only("b"))))
      yield* Effect.exit(a.release)
      yield* settle
      assert.strictEqual(state(next), "ok")
    }))

  it.effect("what leaves before it is its turn to be offered is lent to nobody, also when the pool lends again", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({ objects: ["a", "b", "c"] })
      const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (object) => hold(pool.borrowWith(only(object))))
      const asked: Array<string> = []
      const waiter = yield* start(hold(pool.borrowWith({
        where: ({ object }) => {
          asked.push(object)
          if (object === "a") { for (const { release } of [b!, c!]) Effect.runSync(release) }
          if (object === "b") { for (const change of [pool.remove("c"), pool.suspend]) now(change) }
          return false
        }
      })))
      yield* a!.release
      yield* Fiber.interrupt(waiter)
      yield* pool.resume

      const got = yield* Effect.forEach([1, 2], () => Effect.map(pool.tryBorrow, ({ object }) => object))
      assert.sameMembers(got, ["a", "b"])
      assert.notInclude(asked, "c")
      assert.strictEqual((yield* Effect.flip(pool.tryBorrow))._tag, "PoolExhausted")
      assert.deepInclude(yield* pool.stats, { size: 2, borrowed: 2, available: 0 })
    }))

  it.effect("what is offered anew is offered to the first in the queue, who would not have it before", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({ objects: ["a"] })
      const { release } = yield* hold(pool.borrow)
      let isAnew = false
      const first = yield* start(hold(pool.borrowWith({ where: () => isAnew })))
      const second = yield* start(hold(pool.borrowWith({
        where: () => {
          if (!isAnew) { for (const change of [pool.rest("a", "1 hour"), pool.wake("a")]) now(change) }
          isAnew = true
          return true
        }
      })))
      yield* release
      yield* settle
      assert.deepStrictEqual([state(first), state(second)], ["ok", "waits"])
    }))
})
