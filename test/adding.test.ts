/** What an object is added with: its data, and what destroys it. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { InvalidPoolOptions, ObjectPool } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { make, settle } from "./support/borrowers.ts"

const refusal = <A, E>(exit: Exit.Exit<A, E>): string => {
  const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  assert.instanceOf(defect, InvalidPoolOptions)
  return defect.message
}

describe("the data of an added object", () => {
  it.effect("is laid over the usual data, where both are records, each object having its own", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        data: (name: string) => ({ name, weight: 1, tags: ["usual"] }),
        objects: ["a"]
      })
      const given = { weight: 3 }
      const [b, c] = yield* pool.addAll(["b", "c"], { data: given })

      assert.deepStrictEqual(b!.data, { name: "b", weight: 3, tags: ["usual"] })
      assert.deepStrictEqual(c!.data, { name: "c", weight: 3, tags: ["usual"] })
      assert.notStrictEqual(b!.data, c!.data)
      assert.deepStrictEqual(given, { weight: 3 })
      assert.deepStrictEqual((yield* pool.get("a"))!.data, { name: "a", weight: 1, tags: ["usual"] })
    }))

  it.effect("takes the place of the usual data, where either is no record, as it is", () =>
    Effect.gen(function*() {
      class Weight {
        readonly #kilos: number
        constructor(kilos: number) {
          this.#kilos = kilos
        }
        get kilos() {
          return this.#kilos
        }
      }
      const weighed = yield* make<string, Weight>({ data: () => new Weight(1) })
      const heavy = new Weight(3)
      assert.strictEqual((yield* weighed.add("a", { data: heavy })).data, heavy)
      const record = { kilos: 4 } as Weight
      assert.strictEqual((yield* weighed.add("b", { data: record })).data, record)

      const listed = yield* make<string, ReadonlyArray<number>>({ data: [1, 2] })
      assert.deepStrictEqual((yield* listed.add("a", { data: [3] })).data, [3])
      const plain = yield* make<string, { n: number } | null | undefined>({ data: null })
      const n = { n: 1 }
      assert.strictEqual((yield* plain.add("a", { data: n })).data, n)
      const falsy = yield* make<string, number>({ data: 7 })
      assert.strictEqual((yield* falsy.add("a", { data: 0 })).data, 0)
    }))

  it("is laid over the usual data in a promise pool", async () => {
    await using pool = PromisePool.make({ data: (name: string) => ({ name, weight: 1 }) })

    assert.deepStrictEqual((await pool.add("a", { data: { weight: 2 } })).data, { name: "a", weight: 2 })
    assert.deepStrictEqual(pool.addSync("b").data, { name: "b", weight: 1 })
  })
})

describe("data that is an effect is refused by name", () => {
  const effect = Effect.succeed(1)
  const says = /option `data` is an object.*a value, or a function that makes one, and no effect/

  it.effect("in the options", () =>
    Effect.gen(function*() {
      assert.match(refusal(yield* Effect.exit(ObjectPool.make({ objects: ["a"], data: effect as never }))), says)
      assert.throws(() => PromisePool.make({ objects: ["a"], data: effect as never }), says)
    }))

  it.effect("where a function answers with it, to whoever has the object made or added", () =>
    Effect.gen(function*() {
      const data = (() => effect) as never
      assert.match(refusal(yield* Effect.exit(ObjectPool.make({ objects: ["a"], data }))), says)
      const pool = yield* make<string>({ acquire: Effect.succeed("a"), data })
      assert.match(refusal(yield* Effect.exit(Effect.scoped(pool.borrow))), says)
      assert.match(refusal(yield* Effect.exit(pool.add("b"))), says)
    }))

  it.effect("of an added object", () =>
    Effect.gen(function*() {
      const pool = yield* make<string, number>({ data: 1 })
      assert.match(refusal(yield* Effect.exit(pool.add("a", { data: effect as never }))), says)
      assert.strictEqual((yield* pool.stats).size, 0)
    }))
})

describe("what destroys an added object", () => {
  it.effect("is run once when that leaves, by its name and by its former one", () =>
    Effect.gen(function*() {
      const destroyed: Array<string> = []
      const destroy = (object: string) =>
        Effect.sync(() => {
          destroyed.push(object)
        })
      const pool = yield* make<string>({})
      yield* pool.add("a", { destroy })
      yield* pool.addAll(["b", "c"], { release: destroy })
      for (const object of ["a", "b"]) yield* pool.remove(object)
      yield* settle
      assert.deepStrictEqual(destroyed, ["a", "b"])
      yield* pool.close
      assert.deepStrictEqual(destroyed, ["a", "b", "c"])
    }))

  it.effect("is refused where it is given by both names, or is no function", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({})
      const destroy = () => Effect.void
      assert.match(
        refusal(yield* Effect.exit(pool.add("a", { destroy, release: destroy }))),
        /option `release` is a function.*left out where `destroy` is given, which is its new name/
      )
      assert.match(
        refusal(yield* Effect.exit(pool.add("a", { destroy: 1 as never }))),
        /option `destroy` is 1.*a function/
      )
      assert.strictEqual((yield* pool.stats).size, 0)
    }))
})
