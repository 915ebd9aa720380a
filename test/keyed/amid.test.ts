/** Keys beside everything else that a pool may do: closing, bad input, slow ends, great numbers. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { InvalidPoolOptions, KeyedPool } from "../../src/index.ts"
import { start, state } from "../support/borrowers.ts"
import { calm, keep, letGo, make, outcome, use, world } from "../support/keyed.ts"

const defect = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)

describe("bad input of a pool of many keys", () => {
  it.effect("a minimum that nothing makes is refused, by options and by `resize`", () =>
    Effect.gen(function*() {
      const refused = yield* defect(KeyedPool.make({ size: { perKey: { min: 1 } } }))
      assert.instanceOf(refused, InvalidPoolOptions)
      assert.strictEqual(refused.option, "size.perKey.min")

      const pool = yield* KeyedPool.make<string, object>({})
      const failed = yield* Effect.flip(pool.resize({ perKey: { min: 1 } }))
      assert.strictEqual((failed as InvalidPoolOptions).option, "size.perKey.min")
    }))

  it.effect("data that is an effect is refused, of whatever key", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        acquire: (key: string) => Effect.succeed({ key }),
        data: ((_: object, key: string) => key === "bad" ? Effect.succeed(1) : 1) as never
      })
      assert.strictEqual(yield* pool.with("good", (lease) => Effect.succeed(lease.data)), 1)
      assert.instanceOf(yield* defect(pool.with("bad", () => Effect.void)), InvalidPoolOptions)
      assert.strictEqual(yield* pool.with("good", (lease) => Effect.succeed(lease.data)), 1)
    }))

  it.effect("keys of every kind are told apart, and one that cannot be hashed is a defect of who asks", () =>
    Effect.gen(function*() {
      const acquire = (key: unknown) => Effect.succeed({ key })
      const pool = yield* KeyedPool.make({ acquire, size: { max: 100 } })
      const symbol = Symbol("a")
      const f = () => {}
      const keys: ReadonlyArray<unknown> = [
        null,
        "",
        "null",
        0,
        "0",
        false,
        1n,
        symbol,
        f,
        "__proto__",
        [],
        {},
        Infinity
      ]
      for (const key of keys) {
        assert.strictEqual(yield* pool.with(key, (lease) => Effect.succeed(lease.object.key)), key)
      }
      for (const key of keys) yield* pool.with(key, () => Effect.void)
      assert.strictEqual((yield* pool.stats).totals.made, keys.length)
      assert.strictEqual(yield* pool.with(-0, (lease) => Effect.succeed(lease.object.key)), 0)

      const spoiled = {
        [Hash.symbol]() {
          throw new Error("no hash")
        }
      }
      assert.match(String(yield* defect(pool.with(spoiled, () => Effect.void))), /no hash/)
      yield* pool.with("", () => Effect.void)
    }))
})

describe("closing a pool of many keys", () => {
  it.effect("serves those who wait for room first, where it is to, each in its turn", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there, { closing: { waiters: "serve", timeout: "1 minute" } })
      const held = yield* keep(pool, "a")
      yield* calm
      const waits = [yield* start(use(pool, "b")), yield* start(use(pool, "c")), yield* start(use(pool, "a"))]
      const closing = yield* start(pool.close)
      yield* calm
      assert.deepStrictEqual(waits.map(state), ["waits", "waits", "waits"])
      assert.strictEqual(yield* outcome(use(pool, "d")), "PoolClosed")

      yield* letGo(held)
      yield* calm
      assert.deepStrictEqual(waits.map(state), ["ok", "ok", "ok"])
      assert.strictEqual(state(closing), "ok")
      assert.strictEqual(there.all, 0)
    }))

  it.effect("forgets the keys that have nothing at once", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(1))
      yield* use(pool, "a")
      yield* use(pool, "b")
      yield* calm
      assert.lengthOf(yield* pool.keys, 2)
      yield* pool.close
      assert.deepStrictEqual(yield* pool.keys, [])
      assert.strictEqual((yield* pool.stats).totals.made, 2)
    }))

  it.effect("while keys are being made: those end, and who waits is told", () =>
    Effect.gen(function*() {
      const there = world(5)
      there.script.acquire = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      const waits = yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (key) => start(outcome(use(pool, key))))
      yield* calm
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("2 seconds")
      yield* calm
      for (const each of waits) assert.strictEqual(yield* Fiber.join(each), "PoolClosed")
      assert.strictEqual(state(closing), "ok")
      assert.strictEqual(there.all, 0)
    }))

  it.effect("of one key while its borrower waits for the room of another leaves that room to the next", () =>
    Effect.gen(function*() {
      const there = world(1)
      there.script.destroy = () => Effect.sleep("1 second")
      const pool = yield* make(there)
      yield* use(pool, "a")
      const b = yield* start(outcome(use(pool, "b")))
      const c = yield* start(outcome(use(pool, "c")))
      yield* calm
      assert.isTrue(yield* pool.forget("b"))
      assert.strictEqual(yield* Fiber.join(b), "PoolClosed")
      yield* TestClock.adjust("1 second")
      yield* calm
      assert.strictEqual(yield* Fiber.join(c), "ok")
    }))
})

describe("what goes for another key, slowly", () => {
  it.effect("its borrower times out as one who waits, and what is made later goes to whoever waits then", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there, { borrowTimeout: "1 second" })
      yield* use(pool, "a")
      there.script.destroy = () => Effect.sleep("3 seconds")
      const b = yield* start(Effect.flip(pool.with("b", () => Effect.void)))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(b)
      assert.strictEqual(typeof error === "string" ? error : error._tag, "BorrowTimeout")
      const c = yield* start(pool.with("c", () => Effect.void, { timeout: "10 seconds" }))
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(state(c), "waits")
      yield* TestClock.adjust("1500 millis")
      yield* calm
      assert.strictEqual(state(c), "ok")
    }))
})

describe("limits and rests of one key", () => {
  it.effect("hold up no other: what rests keeps its room, what is spent goes on resting", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there, {
        allowance: { limit: 1, per: "1 minute", name: "requests" },
        borrowTimeout: "5 seconds"
      } as never)
      yield* use(pool, "a")
      yield* use(pool, "b")
      const c = yield* outcome(use(pool, "c")).pipe(start)
      yield* TestClock.adjust("5 seconds")
      assert.include(["BorrowTimeout", "PoolExhausted"], yield* Fiber.join(c))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* outcome(use(pool, "c")), "ok")
    }))
})

describe("5 000 of everything", () => {
  it.live("keys that wait for one room are served in turn, and none is left behind", () =>
    Effect.gen(function*() {
      const n = 5000
      const pool = yield* KeyedPool.make({
        acquire: (key: number) => Effect.acquireRelease(Effect.succeed(key), () => Effect.void),
        size: { max: 50 },
        borrowTimeout: "Infinity"
      })
      const order: Array<number> = []
      yield* Effect.forEach(Array.from({ length: n }, (_, i) => i), (key) =>
        pool.with(key, () => Effect.sync(() => order.push(key))), { concurrency: "unbounded", discard: true })
      assert.lengthOf(order, n)
      assert.deepInclude(yield* pool.stats, { leases: 0, waiting: 0, making: 0 })
    }), { tags: ["large"] })

  it.live(
    "objects of one key go one by one for those of another, without a walk over all of them",
    () =>
      Effect.gen(function*() {
        const n = 5000
        const pool = yield* KeyedPool.make({
          acquire: (key: string) => Effect.acquireRelease(Effect.succeed({ key }), () => Effect.void),
          size: { max: n },
          borrowTimeout: "Infinity"
        })
        const all = (key: string) =>
          Effect.gen(function*() {
            const scope = yield* Scope.make()
            for (let i = 0; i < n; i++) yield* Scope.provide(pool.borrow(key), scope)
            yield* Scope.close(scope, Exit.void)
          })
        yield* all("a")
        yield* all("b")
        assert.deepInclude(yield* pool.stats, { leases: 0 })
        assert.strictEqual((yield* pool.statsOf("b"))!.available, n)
        yield* pool.resize({ max: 1 })
        yield* Effect.repeat(Effect.andThen(Effect.sleep(5), pool.stats), { until: ({ size }) => size === 1 })
      }),
    { tags: ["large"] }
  )

  it.live("keys are suspended, resumed, resized and closed", () =>
    Effect.gen(function*() {
      const n = 5000
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(
        KeyedPool.make({
          acquire: (key: number) => Effect.acquireRelease(Effect.succeed({ key }), () => Effect.void),
          size: { max: n }
        }),
        scope
      )
      for (let i = 0; i < n; i++) yield* pool.with(i, () => Effect.void)
      yield* pool.suspend
      yield* pool.resume
      yield* pool.rotate
      yield* pool.resize({ max: 10 })
      yield* pool.close
      assert.strictEqual((yield* pool.stats).size, 0)
    }), { tags: ["large"] })
})
