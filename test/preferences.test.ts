/** Which of several a borrower gets: tiers, what is left of allowances, what it prefers, what its affinity gives it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { Selector } from "../src/index.ts"
import { hold, make, start, state } from "./support/borrowers.ts"

const objectOf = ({ object }: { readonly object: string }) => Effect.succeed(object)

describe("tiers", () => {
  const rank = ({ object }: { readonly object: string }) => object.charCodeAt(0)

  it.effect("lend the lowest rank that has something, and pick within it by another selector", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["b1", "a1", "b2", "a2"],
        select: Selector.tiers(rank, Selector.roundRobin)
      })
      const got = yield* Effect.forEach([1, 2, 3, 4], () => hold(pool.borrow))
      assert.deepStrictEqual(got.map(({ lease }) => lease.object), ["a1", "a2", "b1", "b2"])
      yield* got[3]!.release
      yield* got[0]!.release
      const next = yield* hold(pool.borrow)
      assert.strictEqual(next.lease.object, "a1")
      yield* pool.remove("b2")
      yield* got[2]!.release
      assert.strictEqual(yield* pool.with(objectOf), "b1")
      assert.strictEqual(yield* pool.with(objectOf, { where: ({ object }) => object !== "a2" }), "b1")
    }))

  it.effect("read a rank again when the object becomes lendable, or `reconsider` says so", () =>
    Effect.gen(function*() {
      const ranks: Record<string, number> = { a: 1, b: 2 }
      const pool = yield* make({ objects: ["a", "b"], select: { rank: ({ object }) => ranks[object]! } })
      assert.strictEqual(yield* pool.with(objectOf), "a")
      ranks["a"] = 3
      assert.strictEqual(yield* pool.with(objectOf), "a")
      assert.strictEqual(yield* pool.with(objectOf), "b")
      ranks["b"] = 4
      yield* pool.reconsider("b")
      assert.strictEqual(yield* pool.with(objectOf), "a")
    }))

  it.effect("name the object whose rank is none, until it has one", () =>
    Effect.gen(function*() {
      let bad: unknown = NaN
      const pool = yield* make({
        objects: ["a", "b"],
        select: Selector.tiers(({ object }: { readonly object: string }) => object === "b" ? bad as number : 1)
      })
      for (bad of [NaN, "1", undefined]) {
        assert.include(String(yield* Effect.exit(pool.with(objectOf))), "The rank of object 2 is")
      }
      bad = 0
      assert.strictEqual(yield* pool.with(objectOf), "b")
      assert.throws(() => Selector.tiers(1 as never), /tiers/)
      assert.throws(() => Selector.tiers(rank, Selector.make(() => undefined)), /none of your own/)
    }))
})

describe("mostAllowance", () => {
  it.effect("lends what has the largest share left", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["small", "large"],
        select: Selector.mostAllowance,
        allowance: ({ object }) => ({ limit: object === "small" ? 2 : 8, per: "1 minute" })
      })
      const got = { small: 0, large: 0 }
      for (let i = 0; i < 10; i++) got[(yield* pool.with(objectOf)) as keyof typeof got]++
      assert.deepStrictEqual(got, { small: 2, large: 8 })
      yield* TestClock.adjust("1 minute")
      for (let i = 0; i < 5; i++) got[(yield* pool.with(objectOf)) as keyof typeof got]++
      assert.deepStrictEqual(got, { small: 3, large: 12 })
    }))
})

describe("a preference", () => {
  it.effect("is served first of what may be lent, and nobody waits for it", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b", "c"] })
      const prefer = ({ object }: { readonly object: string }) => object === "c"
      const one = yield* hold(pool.borrowWith({ prefer }))
      assert.strictEqual(one.lease.object, "c")
      const others = yield* Effect.forEach([1, 2], () => hold(pool.borrowWith({ prefer })))
      assert.deepStrictEqual(others.map(({ lease }) => lease.object).toSorted(), ["a", "b"])
      const waiting = yield* start(hold(pool.borrowWith({ prefer })))
      yield* others[0]!.release
      yield* TestClock.adjust(0)
      assert.strictEqual(state(waiting), "ok")
    }))

  it.effect("is of what fits, also for a selector of one's own", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b", "c"], select: (available) => available[0] })
      const where = ({ object }: { readonly object: string }) => object !== "a"
      assert.strictEqual(yield* pool.with(objectOf, { where, prefer: ({ object }) => object !== "b" }), "c")
      assert.strictEqual(yield* pool.with(objectOf, { where, prefer: ({ object }) => object === "a" }), "b")
    }))

  it.effect("that throws, or is none, is a defect", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"] })
      const throws = () => {
        throw new Error("broken")
      }
      assert.include(String(yield* Effect.exit(pool.with(objectOf, { prefer: throws }))), "broken")
      assert.include(String(yield* Effect.exit(pool.with(objectOf, { prefer: 3 as never }))), "prefer")
      assert.include(String(yield* Effect.exit(pool.with(objectOf, { affinity: 3 as never }))), "affinity")
      assert.strictEqual(yield* pool.with(objectOf), "a")
    }))
})

describe("affinity", () => {
  const names = Array.from({ length: 10 }, (_, i) => `${i}`)
  const texts = Array.from({ length: 2000 }, (_, i) => `conversation ${i}`)

  it.effect("gives a text the same object, spreads texts evenly, and moves only those of an object that leaves", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: names })
      const gives = Effect.forEach(texts, (affinity) => pool.with(objectOf, { affinity }))
      const before = yield* gives
      assert.deepStrictEqual(yield* gives, before)
      for (const name of names) {
        const share = before.filter((object) => object === name).length
        assert.isAbove(share, 130)
        assert.isBelow(share, 280)
      }
      yield* pool.remove("3")
      const after = yield* gives
      after.forEach((object, i) => {
        if (before[i] !== "3") assert.strictEqual(object, before[i])
      })
      yield* pool.add("new")
      const later = yield* gives
      later.forEach((object, i) => {
        if (object !== "new") assert.strictEqual(object, after[i])
      })
      assert.isAbove(later.filter((object) => object === "new").length, 100)
    }))

  it.effect("waits for nothing, and takes any text", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"] })
      for (const affinity of ["", "\0", "x".repeat(1_000_000), "\ud800", "__proto__"]) {
        const own = yield* hold(pool.borrowWith({ affinity }))
        const other = yield* hold(pool.borrowWith({ affinity }))
        assert.notStrictEqual(own.lease.object, other.lease.object)
        yield* own.release
        yield* other.release
        assert.strictEqual(yield* pool.with(objectOf, { affinity }), own.lease.object)
      }
    }))
})
