/**
 * What has gone wrong with pools by key elsewhere, played here: rooms that are full, keys that starve others, room that
 * nobody is told of.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { start, state } from "./support/borrowers.ts"
import { agree, calm, keep, letGo, make, outcome, type Pool, use, world } from "./support/keyed.ts"

/** A lease that is not waited for: `"ok"`, or why there is none. */
const attempt = (pool: Pool, key: string) => outcome(Effect.scoped(pool.tryBorrow(key)))

/** Somebody of a key begins anew whenever the last lease is over, for ever. */
const busily = (pool: Pool, key: string) => start(Effect.forever(pool.with(key, () => Effect.sleep("1 second"))))

describe("Room that is full", () => {
  it.effect("is so for every key, and free for each when an object is back that may go", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5, 2))
      const kept = yield* Effect.forEach(["a", "a", "b", "b", "c"], (key) => keep(pool, key))
      yield* calm
      assert.strictEqual((yield* pool.stats).leases, 5)
      for (const key of ["a", "b", "c", "d"]) assert.strictEqual(yield* attempt(pool, key), "PoolExhausted")
      yield* letGo(kept[0]!)

      // `b` has its own limit still
      for (const key of ["a", "c", "d", "e"]) assert.strictEqual(yield* attempt(pool, key), "ok")
      assert.strictEqual(yield* attempt(pool, "b"), "PoolExhausted")
      assert.strictEqual((yield* pool.stats).size, 5)
    }))

  it.effect("serves more keys than it has places, each at once, by the objects used least recently", () =>
    Effect.gen(function*() {
      const there = world(3, 1)
      const pool = yield* make(there)
      for (const key of ["a", "b", "c", "d", "e"]) yield* use(pool, key)
      assert.deepStrictEqual(there.gone, ["a1", "b2"])
      yield* use(pool, "c")
      yield* use(pool, "f")

      // `c` was used again since: it is there, and `d` is not
      assert.deepStrictEqual(there.gone, ["a1", "b2", "d4"])
      assert.strictEqual(yield* use(pool, "c"), "c3")
      assert.strictEqual(yield* use(pool, "a"), "a7")
    }))

  it.effect("has the oldest go for several borrowers at once, of whatever key they are, and spares the others", () =>
    Effect.gen(function*() {
      const there = world(12)
      const pool = yield* make(there)
      // three of each, those of `a` before those of `b`
      for (const key of ["a", "b", "c", "d"]) {
        const kept = yield* Effect.forEach([1, 2, 3], () => keep(pool, key))
        yield* calm
        for (const fiber of kept) yield* letGo(fiber)
      }
      yield* Effect.forEach(["x", "y", "x", "z"], (key) => keep(pool, key))
      yield* calm

      assert.deepStrictEqual(there.gone, ["a1", "a2", "a3", "b4"])
      assert.strictEqual((yield* pool.stats).leases, 4)
    }))

  it.effect("is kept to while borrowers of many keys come, hold, give up and break what they have, at random", () =>
    Effect.gen(function*() {
      const there = world(5, 3)
      there.script.acquire = () => Effect.sleep(2)
      there.script.destroy = () => Effect.sleep(1)
      const pool = yield* make(there)
      let seed = 7
      const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
      const users = yield* Effect.forEach(Array.from({ length: 300 }), () => {
        const [key, begins, lasts, what] = [`k${random(9)}`, random(300), random(12), random(10)]
        const patience = what === 0 ? random(20) : 30_000
        const body = pool.with(
          key,
          (lease) => Effect.andThen(Effect.sleep(lasts), what === 1 ? lease.invalidate : Effect.void),
          { timeout: patience }
        )
        return start(outcome(Effect.delay(body, begins)))
      })
      yield* TestClock.adjust("1 minute")

      const ends = yield* Effect.forEach(users, Fiber.join)
      assert.sameMembers([...new Set(ends)], ["ok", "BorrowTimeout"])
      assert.strictEqual(there.most, 5)
      agree(yield* pool.stats, yield* Effect.forEach(yield* pool.keys, pool.statsOf))
      assert.strictEqual((yield* pool.stats).waiting, 0)
    }))
})

describe("A key that is exhausted", () => {
  it.effect("keeps nobody of another key waiting, however many wait for it, and for however long", () =>
    Effect.gen(function*() {
      const there = world(4, 2)
      const pool = yield* make(there, { borrowTimeout: "1 hour" })
      const crowd = yield* Effect.forEach(Array.from({ length: 30 }), () => busily(pool, "hot"))
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
        for (const key of ["b", "c", "d"]) {
          assert.strictEqual(yield* use(pool, key).pipe(Effect.map((id) => id[0])), key)
        }
      }

      assert.strictEqual((yield* pool.statsOf("hot"))?.leases, 2)
      assert.isAtLeast((yield* pool.statsOf("hot"))!.totals.borrowed, 40)
      for (const fiber of crowd) yield* letGo(fiber)
    }))

  it.effect("leaves what comes free to another that waits, as soon as nobody of its own does", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there)
      const [one, two] = yield* Effect.forEach([1, 2], () => keep(pool, "a"))
      const others = yield* Effect.forEach(["b", "c"], (key) => start(use(pool, key)))
      const own = yield* start(use(pool, "a"))
      yield* calm
      for (const fiber of [...others, own]) assert.strictEqual(state(fiber), "waits")
      yield* letGo(one!)
      yield* calm

      // one place is enough for all of them, one after the other
      for (const fiber of [...others, own]) assert.strictEqual(state(fiber), "ok")
      assert.strictEqual((yield* pool.statsOf("a"))?.leases, 1)
      yield* letGo(two!)
    }))
})

describe("Room that comes free for whoever waits", () => {
  const cases: Record<string, (pool: Pool, first: Fiber.Fiber<unknown, unknown>) => Effect.Effect<unknown, unknown>> = {
    "by an object that its borrower has broken": (pool, first) =>
      Effect.gen(function*() {
        const [lease] = yield* pool.leases
        yield* lease!.invalidate
        yield* letGo(first)
      }),
    "by a key that is forgotten": (pool) => pool.forget("a"),
    "by a lease that is taken back": (pool) => Effect.flatMap(pool.leases, ([lease]) => pool.revoke("a", lease!)),
    "by an object that its owner takes out": (pool, first) =>
      Effect.gen(function*() {
        const [object] = yield* pool.objects
        yield* start(pool.remove("a", object!))
        yield* letGo(first)
      }),
    "by more room": (pool) => pool.resize({ max: 2 })
  }
  for (const [how, frees] of Object.entries(cases)) {
    it.effect(`is told to those of other keys: ${how}`, () =>
      Effect.gen(function*() {
        const there = world(2)
        const pool = yield* make(there, { size: { max: 1 } })
        const first = yield* keep(pool, "a")
        const waiter = yield* start(use(pool, "b"))
        yield* calm
        assert.strictEqual(state(waiter), "waits")
        yield* frees(pool, first)
        yield* calm

        assert.strictEqual(state(waiter), "ok")
        yield* letGo(first)
      }))
  }

  it.effect("is told to those of other keys: by an object that its detector refuses as it comes back", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there, {
        detectStatus: (pooled) => pooled.key === "a" && pooled.borrowCount > 0 ? "Invalid" : "Available",
        detection: { onRelease: true }
      })
      const first = yield* keep(pool, "a")
      const waiter = yield* start(use(pool, "b"))
      yield* calm
      yield* letGo(first)
      yield* calm

      assert.strictEqual(yield* Fiber.join(waiter), "b2")
    }))

  it.effect("is told to those of other keys: by one that cannot be made", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.acquire = (key) => key === "broken" ? Effect.delay(Effect.fail("refused"), "1 second") : Effect.void
      const pool = yield* make(there)
      const broken = yield* start(outcome(use(pool, "broken")))
      const waiter = yield* start(use(pool, "b"))
      yield* calm
      assert.strictEqual(state(waiter), "waits")
      yield* TestClock.adjust("1 second")
      yield* calm

      assert.strictEqual(yield* Fiber.join(broken), "refused")
      assert.strictEqual(state(waiter), "ok")
    }))
})

describe("A key that can never have room", () => {
  it.effect("is refused, and served again as soon as another keeps less", () =>
    Effect.gen(function*() {
      const there = world(3)
      const pool = yield* make(there)
      yield* pool.resizeKey("a", { min: 3 })
      yield* pool.ready("a")
      assert.strictEqual(yield* outcome(use(pool, "b")), "PoolExhausted")
      yield* pool.resizeKey("a", { min: 1 })

      assert.strictEqual(yield* use(pool, "b"), "b4")
      assert.strictEqual((yield* pool.statsOf("a"))?.size, 2)
    }))

  it.effect("has its share of a room that the minimums of all would not fit in, as long as not all of them are borrowed", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there, { size: { max: 4, perKey: { min: 2 } } })
      yield* use(pool, "a")
      yield* use(pool, "b")
      yield* calm
      assert.deepStrictEqual([there.of("a"), there.of("b")], [2, 2])
      assert.strictEqual(yield* outcome(use(pool, "c")), "PoolExhausted")
      yield* pool.forget("a")
      yield* use(pool, "c")
      yield* calm
      assert.deepStrictEqual([(yield* pool.statsOf("b"))?.size, (yield* pool.statsOf("c"))?.size], [2, 2])
    }))
})
