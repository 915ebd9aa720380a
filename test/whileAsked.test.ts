/** What happens while a `where` is asked about what nobody has listed yet. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { ObjectPool } from "../src/index.ts"
import { hold, make, start } from "./support/borrowers.ts"

/** One object is lent, and one waits for it who is interrupted as its own `where` is asked. */
const leavingWhileAsked = (onBorrow: boolean) =>
  Effect.gen(function*() {
    const pool: ObjectPool<string> = yield* make({
      objects: ["a"],
      detectStatus: () => "Available",
      detection: { onBorrow }
    })
    const { release } = yield* hold(pool.borrow)
    const leaves: Fiber.Fiber<unknown, unknown> = yield* start(hold(pool.borrowWith({
      where: () => {
        leaves.interruptUnsafe()
        return true
      }
    })))
    return { leaves, pool, release }
  })

describe("while a `where` is asked about what has come back,", () => {
  for (const priority of [0, 1, -1]) {
    it.effect(`a borrower of priority ${priority} that comes is served with it`, () =>
      Effect.gen(function*() {
        let borrower: Fiber.Fiber<unknown, unknown> | undefined
        const pool: ObjectPool<string> = yield* make({ objects: ["a"] })
        const { release } = yield* hold(pool.borrow)
        const where = () => {
          borrower ??= Effect.runFork(Effect.scoped(Effect.andThen(pool.borrowWith({ priority }), Effect.never)))
          return false
        }
        yield* start(hold(pool.borrowWith({ where })))

        yield* release

        assert.deepInclude(yield* pool.stats, { available: 0, borrowed: 1, waiting: 1 })
      }))
  }

  it.effect("and has it detected, and so lent, it is neither detected nor offered once more", () =>
    Effect.gen(function*() {
      let armed = true
      const pool: ObjectPool<string> = yield* make({
        acquire: Effect.as(Effect.sleep("1 second"), "a"),
        sharing: 2,
        detectStatus: () => "Available",
        detection: { onAdd: false }
      })
      const where = () => {
        if (armed) {
          armed = false
          Effect.runFork(pool.detect)
        }
        return true
      }
      yield* start(hold(pool.borrowWith({ where })))

      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* pool.stats, { available: 0, borrowed: 1, leases: 1 })
    }))

  for (const onBorrow of [true, false]) {
    it.effect(`its borrower leaves: the next is served with it, detected ${onBorrow ? "first" : "or not"}`, () =>
      Effect.gen(function*() {
        const { leaves, pool, release } = yield* leavingWhileAsked(onBorrow)
        yield* start(hold(pool.borrow))

        yield* release
        yield* TestClock.adjust(0)

        assert.isDefined(leaves.pollUnsafe())
        assert.deepInclude(yield* pool.stats, { available: 0, borrowed: 1, waiting: 0 })
      }))

    it.effect(`its borrower leaves, and nobody else waits: it is there for who comes then, detected ${onBorrow ? "first" : "or not"}`, () =>
      Effect.gen(function*() {
        const { pool, release } = yield* leavingWhileAsked(onBorrow)

        yield* release
        yield* hold(pool.borrowWith({ timeout: 0 }))

        assert.deepInclude(yield* pool.stats, { available: 0, borrowed: 1, waiting: 0 })
      }))
  }
})
