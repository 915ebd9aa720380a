/**
 * The room that many keys share (promises 45 to 47).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { TestClock } from "effect/testing"
import { PoolExhausted } from "../../src/index.ts"
import { start, state } from "../support/borrowers.ts"
import { agree, calm, keep, letGo, make, outcome, use, world } from "../support/keyed.ts"

describe("The objects of all keys, those being made and destroyed included, never exceed `size.max`; those of one key never its own", () => {
  it.effect("while many borrow many keys", () =>
    Effect.gen(function*() {
      const there = world(4, 2)
      there.script.acquire = () => Effect.sleep(3)
      there.script.destroy = () => Effect.sleep(5)
      const pool = yield* make(there)
      const users = yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => `k${i % 7}`),
        (key, i) => start(Effect.delay(pool.with(key, () => Effect.sleep(i % 4)), i % 5))
      )
      yield* TestClock.adjust("20 seconds")

      for (const user of users) assert.strictEqual(state(user), "ok")
      assert.strictEqual(there.most, 4)
      assert.isAtMost((yield* pool.stats).size, 4)
      agree(yield* pool.stats, yield* Effect.forEach(yield* pool.keys, pool.statsOf))
    }))

  it.effect("while an object that was given up is still being made, its room is taken", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.acquire = (key) => key === "slow" ? Effect.uninterruptible(Effect.sleep("1 minute")) : Effect.void
      const pool = yield* make(there, { creation: { timeout: "10 seconds" } })
      const slow = yield* start(outcome(use(pool, "slow")))
      const fast = yield* start(use(pool, "fast"))
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* Fiber.join(slow), "BorrowTimeout")
      assert.strictEqual(state(fast), "waits")
      yield* TestClock.adjust("50 seconds")

      assert.strictEqual(state(fast), "BorrowTimeout")
      assert.strictEqual(yield* use(pool, "fast"), "fast1")
    }))

  it.effect("an object that its owner adds takes room; where there is none, `PoolFull`", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there)
      yield* pool.add("a", { key: "a", id: 0 })
      yield* use(pool, "b")

      assert.strictEqual(yield* outcome(pool.add("c", { key: "c", id: 0 })), "PoolFull")
      assert.strictEqual((yield* pool.stats).size, 2)
    }))
})

describe("A borrower that could be served by destroying an idle object of another key above that key's minimum does not wait", () => {
  it.effect("the one idle longest goes, and what is made takes its room when it has really ended", () =>
    Effect.gen(function*() {
      const there = world(3)
      there.script.destroy = () => Effect.sleep("2 seconds")
      const pool = yield* make(there)
      for (const key of ["a", "b", "c"]) yield* use(pool, key)
      yield* use(pool, "a")
      const borrower = yield* start(use(pool, "d"))
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* pool.statsOf("b"))?.invalid, 1)
      assert.strictEqual((yield* pool.statsOf("a"))?.available, 1)
      assert.strictEqual(state(borrower), "waits")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(borrower), "d4")
      assert.deepStrictEqual(there.gone, ["b2"])
    }))

  it.effect("also where it rested as others went", () =>
    Effect.gen(function*() {
      const there = world(3)
      const pool = yield* make(there)
      const held = [yield* keep(pool, "a"), yield* keep(pool, "a"), yield* keep(pool, "a")]
      yield* calm
      for (const each of held) yield* letGo(each)
      const [first] = yield* pool.objects
      yield* pool.rest("a", first!, "1 hour")
      yield* use(pool, "b")
      assert.deepStrictEqual(there.gone, ["a2"])

      yield* pool.wake("a", first!)
      yield* use(pool, "c")
      yield* use(pool, "d")
      assert.deepStrictEqual(there.gone, ["a2", "a1", "a3"])
    }))

  it.effect("one for each borrower, and no more", () =>
    Effect.gen(function*() {
      const there = world(6)
      there.script.destroy = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      for (const key of ["a", "b", "c", "d", "e", "f"]) yield* use(pool, key)
      yield* keep(pool, "x")
      yield* keep(pool, "y")
      yield* keep(pool, "x")
      yield* TestClock.adjust("5 seconds")

      assert.deepStrictEqual(there.gone, ["a1", "b2", "c3"])
      assert.strictEqual((yield* pool.stats).leases, 3)
    }))

  it.effect("no object goes of a key that has no more than its minimum", () =>
    Effect.gen(function*() {
      const there = world(4)
      const pool = yield* make(there, { size: { max: 4, perKey: { min: 1 } } })
      yield* Effect.scoped(Effect.andThen(pool.borrow("a"), pool.borrow("a")))
      yield* use(pool, "b")
      yield* use(pool, "c")
      yield* calm
      assert.strictEqual((yield* pool.stats).size, 4)
      yield* use(pool, "d")
      yield* calm

      assert.deepStrictEqual(there.gone, ["a2"])
      assert.strictEqual(yield* outcome(pool.with("e", () => Effect.void)), "PoolExhausted")
    }))

  it.effect("an object that rests, is lent, or was added, does not go", () =>
    Effect.gen(function*() {
      const there = world(3)
      const pool = yield* make(there)
      yield* pool.with("rests", (lease) => lease.rest("1 hour"))
      yield* keep(pool, "lent")
      yield* pool.add("added", { key: "added", id: 0 })
      const borrower = yield* start(outcome(use(pool, "x")))
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(state(borrower), "waits")
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(borrower), "BorrowTimeout")
      assert.deepStrictEqual(there.gone, [])
    }))

  it.effect("`tryBorrow`, and a pool in which nobody may wait, have an idle object go as well", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.destroy = () => Effect.sleep("1 second")
      const pool = yield* make(there, { maxWaiters: 0 })
      yield* use(pool, "a")
      const trying = yield* start(Effect.scoped(Effect.map(pool.tryBorrow("b"), (lease) => lease.object.id)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(trying), 2)
      const borrowing = yield* start(use(pool, "c"))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(borrowing), "c3")
      yield* keep(pool, "c")
      assert.strictEqual(yield* outcome(Effect.scoped(pool.tryBorrow("d"))), "PoolExhausted")
      assert.strictEqual(yield* outcome(use(pool, "d")), "PoolExhausted")
    }))

  it.effect("an object that comes back idle goes for the borrower of another key who waits for room", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there)
      const first = yield* keep(pool, "a")
      yield* keep(pool, "b")
      const borrower = yield* start(use(pool, "c"))
      yield* calm
      assert.strictEqual(state(borrower), "waits")
      yield* letGo(first)
      yield* calm

      assert.strictEqual(yield* Fiber.join(borrower), "c3")
      assert.deepStrictEqual(there.gone, ["a1"])
    }))

  it.effect("a borrower that leaves before its room is there leaves it to the next", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.destroy = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      yield* use(pool, "a")
      const first = yield* start(use(pool, "b"))
      const second = yield* start(use(pool, "c"))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(second), "c2")
      assert.deepStrictEqual(there.made, ["a1", "c2"])
      // nobody is there for whom the key that was left would be made
      assert.strictEqual((yield* pool.statsOf("b"))?.size, 0)
    }))

  it.effect("an object that becomes idle goes for one whose room has gone to another who has waited longer", () =>
    Effect.gen(function*() {
      const there = world(2, 1)
      there.script.destroy = (key) => key === "c" ? Effect.sleep("1 second") : Effect.void
      const pool = yield* make(there)
      yield* use(pool, "c")
      const spoils = yield* Latch.make()
      const spoiling = yield* start(pool.with("a", (lease) => Effect.andThen(spoils.await, lease.invalidate)))
      const ofB = yield* keep(pool, "b")
      const elder = yield* keep(pool, "c")
      const younger = yield* keep(pool, "a")
      yield* calm
      yield* spoils.open
      yield* calm
      assert.strictEqual(state(spoiling), "ok")
      assert.strictEqual((yield* pool.statsOf("b"))?.leases, 1)
      yield* TestClock.adjust("1 second")
      yield* calm
      assert.deepStrictEqual([(yield* pool.statsOf("c"))?.leases, (yield* pool.statsOf("a"))?.leases], [1, 0])
      yield* letGo(ofB)
      yield* calm

      assert.strictEqual((yield* pool.statsOf("a"))?.leases, 1)
      yield* letGo(younger)
      yield* letGo(elder)
    }))

  it.effect("an object of whose destruction nobody knows the end keeps its room until it is given up", () =>
    Effect.gen(function*() {
      const there = world(3)
      there.script.destroy = (key) => key === "a" ? Effect.never : Effect.void
      const pool = yield* make(there, { hookTimeout: "5 seconds", size: { max: 2 } })
      yield* use(pool, "a")
      yield* use(pool, "b")
      const first = yield* start(use(pool, "c"))
      yield* calm
      assert.strictEqual(state(first), "waits")
      // the next has an object of its own go, whose end makes room for the one that has waited longer
      const second = yield* start(use(pool, "d"))
      yield* calm

      assert.strictEqual(yield* Fiber.join(first), "c3")
      assert.strictEqual(state(second), "waits")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(second), "d4")
    }))
})

describe("Across keys, room that becomes free goes to the one who has waited longest and may use it", () => {
  it.effect("of whatever key it is", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there)
      const first = yield* keep(pool, "a")
      const order: Array<string> = []
      const waiters = yield* Effect.forEach(["b", "c", "b", "d"], (key) =>
        start(pool.with(key, (lease) => Effect.sync(() => order.push(lease.object.key)))))
      yield* calm
      yield* letGo(first)
      yield* calm

      // what came back to its own key has served the second of that
      assert.deepStrictEqual(order, ["b", "b", "c", "d"])
      for (const waiter of waiters) {
        assert.strictEqual(state(waiter), "ok")
      }
    }))

  it.effect("what was being made for one who is served otherwise is for the next of that key, whose room goes on", () =>
    Effect.gen(function*() {
      const there = world(4)
      there.script.acquire = (key) => key === "slow" ? Effect.sleep("9 seconds") : Effect.void
      there.script.destroy = (key) => key === "x" ? Effect.sleep("1 second") : Effect.sleep("1 hour")
      const pool = yield* make(there)
      const held = yield* keep(pool, "slow")
      yield* TestClock.adjust("9 seconds")
      yield* use(pool, "x")
      yield* use(pool, "y")
      const [first, second] = [yield* keep(pool, "slow"), yield* keep(pool, "slow")]
      const other = yield* start(use(pool, "b"))
      const third = yield* keep(pool, "slow")
      yield* calm
      // the first is served by what comes back, and what is made for it is for the second
      yield* letGo(held)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(other), "ok")
      for (const fiber of [third, second, first]) yield* letGo(fiber)
      yield* TestClock.adjust("1 hour")
    }))

  it.effect("a key whose objects come back serves its own first", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there)
      const first = yield* keep(pool, "a")
      const other = yield* keep(pool, "b")
      const own = yield* keep(pool, "a")
      yield* calm
      yield* letGo(first)
      yield* calm
      assert.deepStrictEqual(there.gone, [])
      assert.strictEqual((yield* pool.statsOf("a"))?.leases, 1)
      assert.strictEqual(state(other), "waits")
      yield* letGo(own)
      yield* calm

      assert.deepStrictEqual(there.gone, ["a1"])
      assert.strictEqual((yield* pool.statsOf("b"))?.leases, 1)
    }))

  it.effect("one who waits at the limit of his key does not keep those of other keys from the room", () =>
    Effect.gen(function*() {
      const there = world(3, 1)
      const pool = yield* make(there)
      yield* keep(pool, "a")
      const exhausted = yield* Effect.forEach(Array.from({ length: 20 }), () => keep(pool, "a"))
      yield* calm

      assert.strictEqual(yield* use(pool, "b"), "b2")
      assert.strictEqual(yield* use(pool, "c"), "c3")
      assert.strictEqual(yield* use(pool, "d"), "d4")
      for (const fiber of exhausted) assert.strictEqual(state(fiber), "waits")
    }))

  it.effect("one whose key cannot be made is not waited for by the others", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.acquire = (key) => key === "broken" ? Effect.fail("broken") : Effect.void
      const pool = yield* make(there)
      const first = yield* keep(pool, "a")
      const broken = yield* Effect.forEach([1, 2, 3], () => start(outcome(use(pool, "broken"))))
      const well = yield* start(use(pool, "well"))
      yield* calm
      yield* letGo(first)
      yield* calm

      assert.strictEqual(state(broken[0]!), "ok")
      assert.strictEqual(yield* Fiber.join(well), "well2")
      yield* TestClock.adjust("30 seconds")
      for (const fiber of broken) assert.strictEqual(yield* Fiber.join(fiber), "broken")
    }))

  it.effect("one who fails with another's attempt, while room was coming to it, leaves that to the next of the key", () =>
    Effect.gen(function*() {
      const there = world(2)
      let attempts = 0
      there.script.acquire = (key) =>
        key === "a" && ++attempts === 1 ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("down")) : Effect.void
      there.script.destroy = () => Effect.sleep("5 seconds")
      const pool = yield* make(there)
      yield* use(pool, "x")
      const [first, second] = [yield* start(use(pool, "a")), yield* start(outcome(use(pool, "a")))]
      const third = yield* start(use(pool, "a"))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(second), "down")
      yield* TestClock.adjust("9 seconds")

      assert.strictEqual(state(third), "ok")
    }))

  it.effect("a borrower of a higher priority comes first in its own key", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there)
      const first = yield* keep(pool, "a")
      const order: Array<string> = []
      const take = (key: string, priority: number) =>
        start(Effect.scoped(Effect.flatMap(pool.borrowWith(key, { priority }), () =>
          Effect.sync(() => order.push(`${key}${priority}`)))))
      yield* take("b", 0)
      yield* take("c", 0)
      yield* take("b", 5)
      yield* calm
      yield* letGo(first)
      yield* calm

      // who would be served next of his key has come last: the others of that key are served by what comes back to it
      assert.deepStrictEqual(order, ["c0", "b5", "b0"])
    }))

  it.effect("a waiter whose key can never have room any more is refused as its turn comes", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(3), { size: { max: 3, perKey: { min: 1 } } })
      const held = yield* Effect.forEach(["a", "a", "b"], (key) => keep(pool, key))
      yield* calm
      const served = yield* keep(pool, "c")
      const waiting = [yield* start(Effect.flip(use(pool, "d"))), yield* start(Effect.flip(use(pool, "d")))]
      yield* calm
      assert.deepStrictEqual(waiting.map(state), ["waits", "waits"])
      yield* letGo(held[0]!)
      yield* calm

      assert.strictEqual((yield* pool.statsOf("c"))?.leases, 1)
      assert.deepStrictEqual(waiting.map(state), ["ok", "ok"])
      for (const fiber of waiting) {
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "PoolExhausted", reason: "NoRoom" })
      }
      for (const fiber of [...held, served]) yield* letGo(fiber)
    }))

  it.effect("a waiter whose key can never have room is refused at once", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there, { size: { max: 2, perKey: { min: 1 } } })
      yield* use(pool, "a")
      yield* use(pool, "b")
      const error = yield* Effect.flip(use(pool, "c"))

      assert.instanceOf(error, PoolExhausted)
      assert.strictEqual(error.reason, "NoRoom")
      assert.match(error.message, /minimums of others/)
      // the others are not shut out by it, though one of them has lost what it had
      yield* pool.with("a", (lease) => lease.invalidate)
      yield* calm
      assert.strictEqual(Exit.isSuccess(yield* Effect.exit(use(pool, "a"))), true)
    }))
})
