/**
 * What is left of borrowers that have waited in vain: nothing of their key, and nothing that keeps others from free room.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { KeyedPool } from "../../src/index.ts"
import { calm, make, outcome, type Pool, type Thing, world } from "../support/keyed.ts"

const waits: Record<string, (pool: Pool) => Effect.Effect<unknown, { readonly _tag: string } | string>> = {
  borrow: (pool) => Effect.scoped(pool.borrowWith("b", { timeout: 10 })),
  with: (pool) => pool.with("b", () => Effect.void, { timeout: 10 }),
  borrowMany: (pool) => Effect.scoped(pool.borrowMany("b", 1, { timeout: 10 }))
}

describe("A key is forgotten once nobody waits for it, and it has nothing", () => {
  for (const [name, wait] of Object.entries(waits)) {
    it.effect(`after the only ${name} has waited in vain`, () =>
      Effect.gen(function*() {
        const pool = yield* make(world(1), { idleKeys: 50 })
        yield* pool.borrow("a")
        const waiter = yield* Effect.forkChild(outcome(wait(pool)), { startImmediately: true })
        yield* TestClock.adjust(20)
        assert.strictEqual(yield* Fiber.join(waiter), "BorrowTimeout")
        yield* TestClock.adjust(100)
        assert.deepStrictEqual(yield* pool.keys, ["a"])
      }))
  }

  it.effect("after a choice for the only one has ended behind that", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(2), {
        idleKeys: 50,
        lifetime: { idleTimeToLive: 20, jitter: 0 },
        select: () => Effect.uninterruptible(Effect.as(Effect.sleep(40), undefined))
      })
      const waiter = yield* Effect.forkChild(outcome(pool.with("b", () => Effect.void, { timeout: 10 })), {
        startImmediately: true
      })
      yield* TestClock.adjust(20)
      assert.strictEqual(yield* Fiber.join(waiter), "BorrowTimeout")
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(yield* pool.keys, [])
    }))
})

describe("Who has given up keeps nobody from free room", () => {
  for (const gives of ["at his deadline", "interrupted"]) {
    it.effect(`${gives}, whatever his class: an object is added`, () =>
      Effect.gen(function*() {
        const there = world(2)
        const pool = yield* KeyedPool.make({
          ...there.options,
          closing: { timeout: 0 },
          classes: { exports: { most: 2 } }
        })
        const scope = Scope.makeUnsafe()
        const lease = yield* Scope.provide(pool.borrow("a"), scope)
        yield* pool.borrow("b")
        // its key goes on: it has an object that is lent
        const waiter = yield* Effect.forkChild(
          outcome(
            pool.with("b", () => Effect.void, { class: "exports", timeout: gives === "interrupted" ? "1 hour" : 10 })
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust(20)
        yield* Fiber.interrupt(waiter)
        // now there is room, and nobody waits
        yield* lease.invalidate
        yield* Scope.close(scope, Exit.void)
        yield* calm
        const { size, waiting } = yield* pool.stats
        assert.deepStrictEqual({ size, waiting }, { size: 1, waiting: 0 })
        const thing: Thing = { key: "c", id: 99 }
        assert.strictEqual(yield* outcome(pool.add("c", thing)), "ok")
      }))
  }
})
