/**
 * Who wants an object detected while somebody is at it already, and what is asked of an object meanwhile.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { Operations, PooledObject, PoolOptions, Status } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { balanced, scripted } from "./support/scripted.ts"

type Options = Omit<PoolOptions<string, undefined, never, never, never>, "pack" | "detectStatus">

/** A pool whose detector takes so long, once it has joined, and counts what became of its runs. */
const slowly = (options: Options = {}) =>
  Effect.gen(function*() {
    const script = {
      takes: 0 as Duration.Input,
      answer: "Available" as Status.Answer,
      begun: 0,
      answered: 0,
      stubborn: false
    }
    const pool = yield* make({
      objects: ["a"],
      ...options,
      detectStatus: () => {
        script.begun++
        if (script.takes === 0) {
          script.answered++
          return script.answer
        }
        const answer = Effect.map(Effect.sleep(script.takes), () => {
          script.answered++
          return script.answer
        })
        return script.stubborn ? Effect.uninterruptible(answer) : answer
      }
    })
    const [pooled] = yield* pool.objects
    script.takes = "1 second"
    script.begun = script.answered = 0
    return { pool, script, pooled: pooled! }
  })

describe("`detect` while somebody is at it already", () => {
  it.effect("ends when the object has been detected, though the other `detect` is interrupted", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* slowly()
      const other = yield* start(pool.detect)
      yield* TestClock.adjust("400 millis")
      const detecting = yield* start(pool.detect)
      yield* Fiber.interrupt(other)
      yield* TestClock.adjust("599 millis")
      assert.deepStrictEqual([state(detecting), script.answered], ["waits", 0])
      yield* TestClock.adjust("1 millis")

      assert.deepStrictEqual([state(detecting), script.begun, script.answered], ["ok", 1, 1])
    }))

  it.effect("ends when the object has been detected, though the borrower for whom it was asked about leaves", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* slowly({ detection: { onBorrow: true } })
      const borrower = yield* start(hold(pool.borrow))
      const detecting = yield* start(pool.detect)
      yield* Fiber.interrupt(borrower)
      yield* settle
      assert.deepStrictEqual([state(detecting), pooled.status], ["waits", "Pending"])
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([state(detecting), script.answered, pooled.status], ["ok", 1, "Available"])
    }))

  it.effect("has a detector asked anew whose answer nobody wanted when it was told so", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* slowly()
      script.stubborn = true
      const other = yield* start(pool.detect)
      const gone = yield* start(Fiber.interrupt(other))
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(gone), state(detecting), script.begun], ["ok", "waits", 2])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(detecting), script.answered], ["ok", 2])
    }))

  it.effect("waits for the first detection of what joins", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* slowly({ objects: [] })
      script.takes = "1 second"
      yield* start(pool.add("b"))
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(state(detecting), "waits")
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([state(detecting), script.begun], ["ok", 1])
    }).pipe(Effect.scoped))

  it.effect("leaves the object as it was when both are interrupted", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* slowly()
      const both = yield* Effect.forEach([1, 2], () => start(pool.detect))
      assert.strictEqual(pooled.status, "Pending")
      yield* Fiber.interruptAll(both)
      assert.deepStrictEqual([pooled.status, script.begun, script.answered], ["Available", 1, 0])
    }))

  it.effect("ends when the object leaves", () =>
    Effect.gen(function*() {
      const { pool } = yield* slowly()
      const both = yield* Effect.forEach([1, 2], () => start(pool.detect))
      yield* pool.remove("a")
      yield* settle
      assert.deepStrictEqual([...both.map((each) => state(each)), (yield* balanced(pool)).size], ["ok", "ok", 0])
    }))

  it.effect("`every` does not lose its turn to a `detect` that is interrupted", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* slowly({ detection: { every: "10 seconds", onBorrow: false } })
      yield* TestClock.adjust("9500 millis")
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("600 millis")
      yield* Fiber.interrupt(detecting)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(script.answered, 1)
    }))
})

describe("where closing gives up a detector that cannot be interrupted", () => {
  const ways: ReadonlyArray<
    [string, (pool: Operations<never, string, undefined, never, unknown>) => Effect.Effect<unknown, unknown>]
  > = [
    ["`add` ends when the pool does, with PoolClosed", (pool) => pool.add("b")],
    ["`addAll` ends when the pool does, with PoolClosed", (pool) => pool.addAll(["b", "c"])],
    ["`detect` ends when the pool does, with PoolClosed", (pool) => pool.detect]
  ]
  for (const [what, way] of ways) {
    it.effect(what, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* slowly({ hookTimeout: "100 millis", detection: { timeout: "1 second" } })
        script.takes = "Infinity"
        script.stubborn = true
        const asking = yield* start(way(pool))
        const joined = yield* start(pool.detect)
        const closing = yield* start(pool.close)
        yield* TestClock.adjust("99 millis")
        assert.deepStrictEqual([state(asking), state(joined), state(closing)], ["waits", "waits", "waits"])
        yield* TestClock.adjust("1 millis")

        assert.deepStrictEqual([state(asking), state(joined), state(closing)], ["PoolClosed", "PoolClosed", "ok"])
      }))
  }
})

describe("`wake` while it is asked whether the object still rests", () => {
  it.effect("ends the rest: interrupted, that leaves the object awake", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* slowly({ detection: { dormantFor: "1 hour" } })
      script.takes = 0
      script.answer = "Dormant"
      yield* pool.detect
      script.answer = "Available"
      script.takes = "2 seconds"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* pool.wake("a"))
      assert.isFalse(yield* pool.wake("a"))
      script.takes = "1 second"
      yield* Fiber.interrupt(detecting)
      assert.strictEqual(pooled.status, "Pending")
      yield* TestClock.adjust("1 second")

      assert.strictEqual(pooled.status, "Available")
      yield* hold(pool.borrow)
    }))

  it.effect("ends the rest: what is answered is what counts", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* slowly({ detection: { dormantFor: "1 hour" } })
      script.takes = 0
      script.answer = "Dormant"
      yield* pool.detect
      script.takes = "1 second"
      for (const answer of ["Dormant", "Available"] as const) {
        script.answer = answer
        const detecting = yield* start(pool.detect)
        assert.isTrue(yield* pool.wake(pooled))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([state(detecting), pooled.status], ["ok", answer])
      }
      assert.strictEqual(script.begun, 3)
    }))

  it.effect("a rest that is asked for after it stands", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* slowly({ detection: { dormantFor: "1 hour" } })
      script.takes = 0
      script.answer = "Dormant"
      yield* pool.detect
      script.takes = "1 second"
      const detecting = yield* start(pool.detect)
      yield* pool.wake("a")
      yield* pool.rest("a", "1 minute")
      yield* Fiber.interrupt(detecting)
      assert.strictEqual(pooled.status, "Dormant")
    }))
})

describe("what is asked of an object while a hook runs", () => {
  const hooked = (hook: "onBorrow" | "onRelease") =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 }, [hook]: () => Effect.sleep("1 second") })
      const borrower = yield* start(hold(pool.borrow))
      if (hook === "onRelease") yield* (yield* Fiber.join(borrower)).release
      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.status, "Pending")
      return { pool, things, pooled: pooled! }
    })
  type Pool = Effect.Success<ReturnType<typeof hooked>>["pool"]

  const ways: ReadonlyArray<[string, (pool: Pool, pooled: PooledObject<unknown>) => Effect.Effect<unknown, unknown>]> =
    [
      ["remove", (pool, pooled) => pool.remove(pooled as never)],
      ["rotate", (pool) => pool.rotate]
    ]
  for (const [name, way] of ways) {
    it.effect(`\`${name}\` during \`onRelease\`: it leaves, and is not lent on to who waits`, () =>
      Effect.gen(function*() {
        const { pool, pooled, things } = yield* hooked("onRelease")
        yield* start(way(pool, pooled))
        const waiter = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(waiter)).lease.object, things[1])
        assert.strictEqual(things[0]!.destroyed, 1)
      }))
  }

  it.effect("`rest` during `onRelease`: it rests, and `wake` ends that before it has begun", () =>
    Effect.gen(function*() {
      const { pool, pooled } = yield* hooked("onRelease")
      yield* pool.rest(pooled, "1 minute")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pooled.status, "Dormant")
      yield* pool.wake(pooled)
      yield* (yield* hold(pool.borrow)).release
      yield* pool.rest(pooled, "1 minute")
      assert.isTrue(yield* pool.wake(pooled))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pooled.status, "Available")
    }))
})
