/** What is known makes sense to the pool that reads it, and a store that is slow or hangs costs what it costs alone. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, type Judge, type Lease, ObjectPool, Verdict } from "../src/index.ts"
import { statuses } from "./support/borrowers.ts"
import { at, but, skewed, unhurried } from "./support/clocks.ts"
import { complaints, memory } from "./support/stores.ts"

type Store = ReturnType<typeof memory>

interface Options {
  readonly objects?: ReadonlyArray<string>
  readonly allowance?: Allowance | ReadonlyArray<Allowance>
  readonly judge?: Judge<string, undefined>
  readonly hookTimeout?: string
}

/** A pool that is closed before the test ends. */
const open = (store: Store, { hookTimeout = "5 seconds", ...options }: Options = {}) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const pool = yield* Scope.provide(
      store.within(ObjectPool.make({
        name: "keys",
        objects: ["a"],
        borrowTimeout: 0,
        closing: { timeout: 0 },
        remember: { key: (object: string) => object },
        hookTimeout: hookTimeout as "5 seconds",
        ...options
      })),
      scope
    )
    return { pool, close: Scope.close(scope, Exit.void) }
  })

type Pool = Effect.Success<ReturnType<typeof open>>["pool"]

const seen = (pool: Pool) =>
  Effect.map(pool.objects, (objects) =>
    objects.map(({ allowances, failures, status, wakesAt }) => ({
      status,
      failures,
      wakesAt: at(wakesAt),
      allowances: allowances.map(({ fullAt, left }) => [left, at(fullAt)])
    })))

/** Closes a pool, opens it again, and answers what was seen of it before and after, and what has been logged. */
const across = (options: Options, live: (pool: Pool) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const store = memory()
    const told = complaints()
    const before = yield* open(store, options)
    yield* Effect.orDie(live(before.pool))
    const known = yield* seen(before.pool)
    yield* before.close
    const after = yield* open(store, options).pipe(told.within)
    const remembered = yield* seen(after.pool)
    yield* after.close
    return { known, remembered, told: told.messages }
  })

const lend = (pool: Pool, use: (lease: Lease<string>) => Effect.Effect<unknown, unknown> = () => Effect.void) =>
  Effect.exit(pool.with(use))

describe("what is known makes sense to the next pool", () => {
  const daily = { limit: 2, resets: Cron.parseUnsafe("30 * * * *", "UTC") }

  it.effect("of a quota, though the wall clock has been set back since it began", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("10 hours")
      for (const back of [1, 10, 31, 45, 60, 590]) {
        const { clock, skew } = yield* skewed
        const { known, remembered, told } = yield* across({ allowance: daily }, (pool) =>
          Effect.gen(function*() {
            yield* lend(pool)
            yield* lend(pool)
            skew.millis = -60_000 * back
          })).pipe(Effect.provideService(Clock.Clock, clock))
        assert.deepStrictEqual(told, [], `${back} minutes`)
        assert.deepStrictEqual(remembered, known, `${back} minutes`)
      }
    }))

  it.effect("of a quota that is used up again, though the wall clock was set back after its end", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("10 hours")
      const { clock, skew } = yield* skewed
      const { known, remembered } = yield* across({ allowance: daily }, (pool) =>
        Effect.gen(function*() {
          yield* lend(pool)
          yield* TestClock.adjust("40 minutes")
          yield* seen(pool)
          skew.millis = -3_600_000
          yield* lend(pool)
        })).pipe(Effect.provideService(Clock.Clock, clock))
      assert.deepStrictEqual(remembered, known)
    }))

  it.effect("of an outlier that rests for ever", () =>
    Effect.gen(function*() {
      const judge = Verdict.outlier({ after: 1, rest: "Infinity" })
      const { known, remembered, told } = yield* across({ judge }, (pool) => lend(pool, () => Effect.fail("500")))
      assert.deepStrictEqual(told, [])
      assert.deepStrictEqual(remembered, known)
      assert.strictEqual(remembered[0]!.status, "Dormant")
    }))

  for (const window of ["sliding", "bucket", "fixed"] as const) {
    const allowance: Allowance = { limit: 5, per: "1 minute", unit: "cost", window }
    it.effect(`of a server that names a moment of another age, in a ${window} window`, () =>
      Effect.gen(function*() {
        const { remembered, told } = yield* across({ allowance }, (pool) =>
          lend(pool, (lease) => lease.report({ remaining: 0, resetsAt: 8.64e15 })))
        assert.deepStrictEqual(told, [])
        assert.strictEqual(remembered[0]!.status, "Dormant")
      }))
    it.effect(`of a debt without measure, in a ${window} window`, () =>
      Effect.gen(function*() {
        const { remembered, told } = yield* across({ allowance }, (pool) =>
          lend(pool, (lease) => Effect.repeat(lease.charge(Number.MAX_SAFE_INTEGER), { times: 3 })))
        assert.deepStrictEqual(told, [])
        assert.strictEqual(remembered[0]!.status, "Dormant")
      }))
  }

  it.effect("of a take in the moment before, on a clock that tells fractions", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 100; i++) {
        const nanos = BigInt(Math.floor(i * 1_234_567.891))
        const fractions = Effect.updateService(Clock.Clock, (clock) =>
          but(clock, { monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + nanos }))
        const { remembered, told } = yield* fractions(across({ allowance: { limit: 2, per: "7 seconds" } }, lend))
        assert.deepStrictEqual(told, [])
        assert.strictEqual(remembered[0]!.allowances[0]![0], 1)
      }
    }))
})

describe("a store", () => {
  it.effect("that is slow, and answers, is waited for by as many objects as there are", () =>
    Effect.gen(function*() {
      const store = memory()
      const objects = Array.from({ length: 200 }, (_, i) => `${i}`)
      const before = yield* open(store, { objects, hookTimeout: "1 second" })
      yield* Effect.forEach(objects, (object) => before.pool.rest(object, "1 hour"))
      yield* before.close
      store.before = () => Effect.sleep("900 millis")
      const told = complaints()
      const { close, pool } = yield* open(store, { objects, hookTimeout: "1 second" }).pipe(told.within)
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(new Set(yield* statuses(pool)), new Set(["Dormant"]))
      assert.deepStrictEqual(told.messages, [])
      store.before = () => Effect.void
      yield* close
    }))

  it.effect("that hangs keeps nobody longer than hookTimeout, however many there are", () =>
    Effect.gen(function*() {
      const store = memory()
      store.before = () => Effect.never
      const objects = Array.from({ length: 3000 }, (_, i) => `${i}`)
      const { close, pool } = yield* open(store, { objects, hookTimeout: "1 second" }).pipe(complaints().within)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(new Set(yield* statuses(pool)), new Set(["Pending"]))
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(new Set(yield* statuses(pool)), new Set(["Available"]))
      store.before = () => Effect.void
      yield* close
    }).pipe(unhurried))

  it.effect("that never ends what it was given for many keys takes what it is given for others", () =>
    Effect.gen(function*() {
      const store = memory()
      const hung = Array.from({ length: 40 }, (_, i) => `hung ${i}`)
      store.before = (method, key) =>
        method === "set" && key.includes("hung") ? Effect.uninterruptible(Effect.never) : Effect.void
      const { pool } = yield* open(store, { objects: [...hung, "well"], hookTimeout: "2 seconds" }).pipe(
        complaints().within
      )
      for (const object of [...hung, "well"]) yield* pool.rest(object, "1 hour")
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual([...store.entries.keys()], ["keys/well"])
    }))
})
