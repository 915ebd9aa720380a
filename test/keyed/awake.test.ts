/**
 * A key whose pool is about to fall asleep, as it has nothing, while an operation of it begins.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { start } from "../support/borrowers.ts"
import { calm, make, outcome, type Pool, world } from "../support/keyed.ts"

const operations: Record<string, (pool: Pool) => Effect.Effect<unknown, { readonly _tag: string } | string>> = {
  borrow: (pool) => Effect.scoped(pool.borrow("a")),
  borrowWith: (pool) => Effect.scoped(pool.borrowWith("a", { priority: 1 })),
  tryBorrow: (pool) => Effect.scoped(pool.tryBorrow("a")),
  with: (pool) => pool.with("a", () => Effect.void),
  failover: (pool) => pool.with("a", () => Effect.void, { failover: 1 }),
  borrowMany: (pool) => Effect.scoped(pool.borrowMany("a", 2)),
  withMany: (pool) => pool.withMany("a", 2, () => Effect.void),
  add: (pool) => pool.add("a", { key: "a", id: 99 }),
  ready: (pool) => pool.ready("a")
}

describe("A key that has nothing is awake as long as an operation of it is under way", () => {
  for (const [name, operation] of Object.entries(operations)) {
    it.effect(`${name}, wherever its fiber yields`, () =>
      Effect.gen(function*() {
        for (const ops of [5, 6, 7, 9, 12, 16]) {
          for (let before = 0; before < 16; before++) {
            yield* Effect.gen(function*() {
              const pool = yield* make(world(4))
              const fiber = yield* start(Effect.gen(function*() {
                // it has no object, nor anybody who waits: the key is looked at as this step is over
                yield* Effect.orDie(pool.resizeKey("a", { max: 3 }))
                for (let i = 0; i < before; i++) yield* Effect.void
                return yield* outcome(operation(pool))
              }))
              yield* calm
              assert.strictEqual(yield* Fiber.join(fiber), "ok", `${ops} operations, ${before} before`)
            }).pipe(Effect.scoped, Effect.provideService(Scheduler.MaxOpsBeforeYield, ops))
          }
        }
      }))
  }
})
