/**
 * `size.spare`: idle objects that are kept ready beyond those that are lent; and capacities that differ by object.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { InvalidPoolOptions, Selector } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"

const slow = Effect.sync(() => {
  let made = 0
  const acquire = Effect.delay(Effect.sync(() => ++made), "1 second")
  return { acquire, made: () => made }
})

describe("size.spare", () => {
  it.effect("has the borrower after a burst not wait for acquire", () =>
    Effect.gen(function*() {
      const { acquire } = yield* slow
      const pool = yield* make({ acquire, size: { max: 10, spare: 2 } })
      yield* TestClock.adjust("1 second")
      const burst = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      assert.deepInclude(yield* pool.stats, { borrowed: 2, available: 0, making: 2 })
      yield* TestClock.adjust("1 second")

      const [next] = [yield* hold(pool.borrowWith({ timeout: 0 }))]

      assert.deepInclude(yield* pool.stats, { borrowed: 3, available: 1, making: 1 })
      for (const { release } of [...burst, next]) yield* release
      yield* TestClock.adjust("1 hour")
      // what has come back is more than enough
      assert.deepInclude(yield* pool.stats, { size: 5, available: 5, making: 0 })
    }))

  it.effect("is kept within size.max, and beside size.min", () =>
    Effect.gen(function*() {
      const { acquire } = yield* slow
      const pool = yield* make({ acquire, size: { min: 3, max: 4, spare: 2 } })
      yield* TestClock.adjust("1 second")
      const seen = [(yield* pool.stats).size]
      for (let i = 0; i < 4; i++) {
        yield* hold(pool.borrow)
        yield* TestClock.adjust("10 seconds")
        seen.push((yield* pool.stats).size)
      }
      assert.deepStrictEqual(seen, [3, 3, 4, 4, 4])
    }))

  it.effect("counts neither what is made for who waits, nor what rests", () =>
    Effect.gen(function*() {
      const { acquire } = yield* slow
      const pool = yield* make({ acquire, size: { max: 10, spare: 1 } })
      const waiters = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      assert.deepInclude(yield* pool.stats, { making: 3, waiting: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* pool.stats, { borrowed: 2, available: 1, making: 0 })
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok"])
      const idle = (yield* pool.objects).find(({ status }) => status === "Available")!

      yield* pool.rest(idle, "1 hour")
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* pool.stats, { borrowed: 2, dormant: 1, available: 1 })
    }))

  it.effect("loses nothing by a borrower that leaves while one is made for it", () =>
    Effect.gen(function*() {
      const { acquire, made } = yield* slow
      const pool = yield* make({ acquire, size: { max: 10, spare: 1 } })
      const waiter = yield* start(hold(pool.borrow))
      yield* Fiber.interrupt(waiter)
      yield* TestClock.adjust("1 minute")
      yield* hold(pool.borrow)
      yield* TestClock.adjust("1 minute")
      // the one that was begun for the borrower serves as a spare one
      assert.strictEqual(made(), 2)
      assert.deepInclude(yield* pool.stats, { borrowed: 1, available: 1 })
    }))

  it.effect("is what idle limits leave", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: Effect.succeed("a"),
        size: { max: 10, spare: 2 },
        lifetime: { idleTimeToLive: "1 minute", jitter: 0 }
      })
      const held = yield* Effect.all(Array.from({ length: 6 }, () => hold(pool.borrow)))
      for (const { release } of held) yield* release
      assert.deepInclude(yield* pool.stats, { available: 8 })

      yield* TestClock.adjust("1 hour")

      assert.deepInclude(yield* pool.stats, { size: 2, available: 2 })
    }))

  it.effect("is there while old ones are replaced", () =>
    Effect.gen(function*() {
      const { acquire } = yield* slow
      const pool = yield* make({ acquire, size: { max: 3, spare: 1 } })
      yield* TestClock.adjust("1 second")
      const [old] = yield* pool.objects

      yield* start(pool.rotate)
      yield* TestClock.adjust("999 millis")
      const during = yield* pool.stats
      yield* TestClock.adjust("1 second")

      assert.deepInclude(during, { available: 1, making: 1 })
      assert.deepInclude(yield* pool.stats, { size: 1, available: 1 })
      assert.notStrictEqual((yield* pool.objects)[0]!.id, old!.id)
    }))

  it.effect("follows resize", () =>
    Effect.gen(function*() {
      const pool = yield* make({ acquire: Effect.succeed("a"), size: { max: 5 } })
      yield* pool.resize({ spare: 3 })
      yield* settle
      assert.deepInclude(yield* pool.stats, { available: 3 })
      const refused = yield* Effect.flip(pool.resize({ spare: 6 }))
      assert.deepInclude(refused, { option: "size.spare", allowed: "at most size.max, 5" })
    }))

  for (
    const [spare, options] of [[-1, {}], [0.5, {}], [NaN, {}], [11, {}], [1, {
      acquire: undefined,
      objects: ["a"]
    }]] as const
  ) {
    it.effect(`refuses ${spare}${"objects" in options ? " where nothing can be made" : ""}`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(make({ acquire: Effect.succeed("a"), ...options, size: { max: 10, spare } }))
        const defect = Exit.isFailure(exit) && Cause.squash(exit.cause)
        assert.instanceOf(defect, InvalidPoolOptions)
        assert.strictEqual((defect as InvalidPoolOptions).option, "size.spare")
      }))
  }
})

describe("a capacity for each object", () => {
  const capacities = { small: 1, large: 3, endless: "Infinity" } as const
  type Name = keyof typeof capacities

  it.effect("has each object carry as many leases as it may, and leases says how many", () =>
    Effect.gen(function*() {
      const asked: Array<Name> = []
      const pool = yield* make<Name>({
        objects: ["small", "large"],
        sharing: ({ object }) => {
          asked.push(object)
          return capacities[object]
        }
      })
      const held = yield* Effect.all(Array.from({ length: 4 }, () => hold(pool.borrow)))
      const fifth = yield* start(hold(pool.borrow))
      yield* settle
      const counts = () => Effect.map(pool.objects, (all) => all.map(({ leases, object }) => [object, leases]))

      assert.deepStrictEqual(yield* counts(), [["small", 1], ["large", 3]])
      assert.strictEqual(state(fifth), "waits")
      yield* held.find(({ lease }) => lease.object === "large")!.release
      yield* settle
      assert.strictEqual(state(fifth), "ok")
      assert.deepStrictEqual(asked, ["small", "large"])
      yield* pool.add("endless")
      yield* Effect.all(Array.from({ length: 20 }, () => hold(pool.borrow)))
      assert.deepStrictEqual((yield* counts())[2], ["endless", 20])
    }))

  it.effect("lets a rank put the least loaded first", () =>
    Effect.gen(function*() {
      const pool = yield* make<Name>({
        objects: ["small", "large"],
        sharing: ({ object }) => capacities[object],
        select: Selector.tiers((pooled) => pooled.leases)
      })
      const got = yield* Effect.all(
        Array.from({ length: 4 }, () => Effect.map(hold(pool.borrow), ({ lease }) => lease.object))
      )
      assert.sameMembers(got.slice(0, 2), ["small", "large"])
      assert.deepStrictEqual(got.slice(2), ["large", "large"])
    }))

  for (const answer of [0, -1, 1.5, NaN, undefined, "3"]) {
    it.effect(`is refused where it is ${String(answer)}`, () =>
      Effect.gen(function*() {
        const pool = yield* make<string>({ sharing: () => answer as number })
        const exit = yield* Effect.exit(pool.add("a"))
        const defect = Exit.isFailure(exit) && Cause.squash(exit.cause)
        assert.instanceOf(defect, InvalidPoolOptions)
        assert.strictEqual((defect as InvalidPoolOptions).option, "sharing")
        assert.deepInclude(yield* pool.stats, { size: 0 })
      }))
  }

  it("is the same in the promise flavour, and so are spare ones", async () => {
    await using pool = PromisePool.make({
      acquire: () => ({}),
      size: { max: 4, spare: 1 },
      sharing: () => 2
    })
    const leases = await Promise.all([pool.borrow(), pool.borrow(), pool.borrow()])
    const carried = pool.objects().map(({ leases }) => leases)
    const { available, making } = pool.stats()
    for (const lease of leases) await lease.release()

    assert.strictEqual(carried.reduce((sum, leases) => sum + leases, 0), 3)
    assert.isTrue(carried.every((leases) => leases <= 2))
    assert.strictEqual(available + making, 1)
  })
})
