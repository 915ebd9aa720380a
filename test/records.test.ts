/** The records of objects, found by the objects. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { PoolService } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { hold, make, settle } from "./support/borrowers.ts"

describe("the record of an object", () => {
  it.effect("is found by the object, whatever that is doing, until it leaves", () =>
    Effect.gen(function*() {
      const pool = yield* make<object>({})
      const object = {}
      assert.deepStrictEqual([yield* pool.has(object), yield* pool.get(object)], [false, undefined])
      const added = yield* pool.add(object, { destroy: () => Effect.sleep("1 second") })
      const { release } = yield* hold(pool.borrow)

      assert.strictEqual(yield* pool.get(object), added)
      assert.strictEqual(yield* pool.get(added), added)
      assert.isTrue(yield* pool.has(object))

      yield* pool.remove(object)
      assert.isTrue(yield* pool.has(object))
      yield* release
      yield* settle
      assert.deepStrictEqual((yield* pool.objects).length, 1)
      assert.deepStrictEqual([yield* pool.has(object), yield* pool.get(added)], [false, undefined])
      yield* TestClock.adjust("1 second")
    }))

  it.effect("is that of what joined last, where several are equal, and tells 0 from -0", () =>
    Effect.gen(function*() {
      const pool = yield* make<number | undefined>({ objects: [0, 0, NaN, undefined, 0] })
      const records = yield* pool.objects

      assert.strictEqual(yield* pool.get(0), records[4])
      assert.strictEqual(yield* pool.get(NaN), records[2])
      assert.strictEqual(yield* pool.get(undefined), records[3])
      assert.isFalse(yield* pool.has(-0))
      yield* pool.add(-0)
      assert.strictEqual(yield* pool.get(0), records[4])
      yield* pool.remove(records[4]!)
      assert.strictEqual(yield* pool.get(0), records[1])
    }))

  it.effect("is found of a made object, on the tag, and not in a pool that has closed", () =>
    Effect.gen(function*() {
      class Things extends PoolService<Things, object>()("test/Things") {}
      const of = Effect.gen(function*() {
        const object = yield* Things.with((lease) => Effect.succeed(lease.object))
        const record = yield* Things.get(object)
        assert.strictEqual(record?.object, object)
        assert.isTrue(yield* Things.has(record!))
        yield* Things.close
        assert.deepStrictEqual([yield* Things.has(object), yield* Things.get(record!)], [false, undefined])
      })
      yield* Effect.provide(of, Things.layer({ acquire: Effect.sync(() => ({})) }))
    }))

  it("is found in a promise pool, which answers plainly", async () => {
    await using pool = PromisePool.make({ objects: ["a"] })

    assert.deepStrictEqual([pool.has("a"), pool.has("b")], [true, false])
    assert.strictEqual(pool.get("a"), pool.objects()[0])
    assert.isUndefined(pool.get("b"))
  })
})
