/**
 * Many objects, many leases, many who wait: what each of them costs does not depend on how many there are.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ObjectPool } from "../src/index.ts"

const range = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

describe("as many objects as a call has no arguments", () => {
  const many = 130_000

  it.effect("a borrow with a condition is served from shared ones", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: range(many), sharing: 2 })

      const lease = yield* pool.borrowWith({ where: ({ id }) => id > 1 })

      assert.isAbove(lease.object, 0)
    }))

  it.effect("the leases of one object are listed", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], sharing: many })
      yield* Effect.forEach(range(many), () => pool.borrow, { discard: true })

      const leases = yield* pool.leases

      assert.strictEqual(leases.length, many)
      assert.isTrue(leases.every(({ id }, i) => id === i + 1))
    }))
})
