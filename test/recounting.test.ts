/** What a lease has taken counts from later on: as a server has counted it, whose answer has come since. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import type { PooledObject } from "../src/index.ts"
import { hold, make, start, state } from "./support/borrowers.ts"

const requests = { limit: 3, per: "1 minute", name: "requests" } as const
const tokens = { limit: 1000, per: "1 minute", unit: "cost", name: "tokens" } as const

const left = ({ allowances }: PooledObject<unknown>) => allowances.map((each) => each.left)

/** Borrows as often as can be at once, and gives back. */
const drain = (pool: { readonly tryBorrow: Effect.Effect<unknown, unknown, Scope.Scope> }) =>
  Effect.gen(function*() {
    let served = 0
    while ((yield* Effect.exit(Effect.scoped(pool.tryBorrow)))._tag === "Success") served++
    return served
  })

describe("what a lease has taken, when it is recounted,", () => {
  it.effect("counts from then on, and no more from the grant", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [requests, tokens], sharing: 3 })
      const { lease } = yield* hold(pool.borrowWith({ cost: 100 }))
      yield* TestClock.adjust("10 seconds")
      yield* lease.recount
      assert.deepStrictEqual(left(lease.pooled), [2, 900])
      yield* TestClock.adjust("59999 millis")
      assert.deepStrictEqual(left(lease.pooled), [2, 900])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(left(lease.pooled), [3, 1000])
    }))

  it.effect("is so with all that was charged since, and can be given back", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [requests, tokens] })
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 100 }))
      yield* TestClock.adjust("10 seconds")
      yield* lease.charge(200)
      yield* TestClock.adjust("10 seconds")
      yield* release
      yield* lease.recount
      yield* TestClock.adjust("55 seconds")
      assert.deepStrictEqual(left(lease.pooled), [2, 700])
      yield* lease.charge(-250)
      assert.deepStrictEqual(left(lease.pooled), [2, 950])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(left(lease.pooled), [3, 1000])
    }))

  it.effect("counts again where it had counted no more: the object takes no leases then", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { limit: 1, per: "1 minute" }, sharing: 2 })
      const { lease } = yield* hold(pool.borrow)
      yield* TestClock.adjust("61 seconds")
      yield* lease.recount
      assert.strictEqual(yield* drain(pool), 0)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* drain(pool), 1)
    }))

  it.effect("lets nobody in meanwhile: who waits is served when it counts no more", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { limit: 1, per: "1 minute" }, sharing: 2 })
      const { lease } = yield* hold(pool.borrow)
      const waiter = yield* start(hold(pool.borrowWith({ timeout: "Infinity" })))
      yield* TestClock.adjust("30 seconds")
      yield* lease.recount
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual(state(waiter), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(waiter), "ok")
    }))

  for (const window of ["bucket", "fixed"] as const) {
    it.effect(`is no more than before: ${window}`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"], allowance: { ...tokens, window } })
        const { lease, release } = yield* hold(pool.borrowWith({ cost: 600 }))
        yield* release
        yield* lease.recount
        assert.deepStrictEqual(left(lease.pooled), [400])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(left(lease.pooled), [1000])
        yield* lease.recount
        assert.deepStrictEqual(left(lease.pooled), [400])
      }))
  }

  it.effect("is nothing where there is no allowance", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { lease } = yield* hold(pool.borrow)
      yield* lease.recount
      assert.deepStrictEqual(left(lease.pooled), [])
    }))
})
