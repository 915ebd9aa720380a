/**
 * What happens after everybody has stopped waiting for it is seen all the same: in the log, in the events, and in the totals
 * (promises 20, 21, 22).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool, type PoolEvent } from "../src/index.ts"
import { make, settle, start, state } from "./support/borrowers.ts"
import { keptBooks } from "./support/ledger.ts"
import { late, logs } from "./support/observed.ts"
import { balanced } from "./support/scripted.ts"

/** Makes an object that takes a minute, whatever its time, and that is destroyed as said. */
const stubborn = (destroy: Effect.Effect<void>) =>
  Effect.uninterruptible(
    Effect.acquireRelease(Effect.as(Effect.sleep("1 minute"), "late"), () => destroy)
  )

const broken = Effect.die(new Error("cannot be destroyed"))

const tags = (events: ReadonlyArray<PoolEvent>) => events.map(({ _tag }) => _tag)

describe("an object that is made after its time", () => {
  for (
    const [how, destroy, last, line] of [
      ["is destroyed", Effect.void, "Destroyed", undefined],
      [
        "cannot be destroyed",
        broken,
        "DestroyFailed",
        /Destroying an object failed, which was made when nobody.*cannot be/s
      ],
      [
        "is not destroyed in time",
        Effect.never,
        "DestroyFailed",
        /Destroying an object failed, which was made when nobody.*longer than hookTimeout/s
      ]
    ] as const
  ) {
    it.effect(`and ${how} is told of, logged and counted like any other`, () =>
      late(Effect.gen(function*() {
        const { lines, within } = logs()
        const pool = yield* within(make({
          acquire: stubborn(destroy),
          size: { max: 1 },
          creation: { timeout: "5 seconds" },
          hookTimeout: "5 seconds"
        }))
        const { ledger } = yield* keptBooks(pool)
        const borrower = yield* start(Effect.scoped(pool.borrow))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(state(borrower), "BorrowTimeout")
        yield* TestClock.adjust("60 seconds")
        yield* settle

        assert.deepStrictEqual(tags(ledger.events), [
          "AcquireFailed",
          "WaiterTimedOut",
          "Acquired",
          "StatusChanged",
          "Evicted",
          last
        ])
        assert.deepStrictEqual(ledger.mistakes, [])
        const stats = yield* balanced(pool)
        assert.deepInclude(stats.totals, { made: 1, destroyed: 1, borrowed: 0 })
        assert.deepInclude(stats, { size: 0, making: 0 })
        if (line === undefined) assert.deepStrictEqual(lines, [])
        else assert.match(lines.join(), line)
      })))
  }

  it.effect("occupies its room until it is destroyed, and is lent to nobody", () =>
    late(Effect.gen(function*() {
      let n = 0
      const pool = yield* make({
        acquire: Effect.suspend(() => ++n === 1 ? stubborn(Effect.sleep("1 second")) : Effect.succeed("in time")),
        size: { max: 1 },
        creation: { timeout: "5 seconds" },
        borrowTimeout: "Infinity"
      })
      yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(pool.with(({ object }) => Effect.succeed(object)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([state(second), n], ["waits", 1])
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(n, 1)
      yield* TestClock.adjust("1 millis")
      yield* settle

      assert.deepStrictEqual([state(second), n], ["ok", 2])
    })))

  it.effect("in a pool that has closed meanwhile is counted, and what goes wrong is logged", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(
        ObjectPool.make({ acquire: stubborn(broken), size: { min: 1 }, hookTimeout: "5 seconds" })
      )
      yield* start(pool.close)
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude((yield* balanced(pool)).totals, { made: 0, destroyed: 0 })
      yield* TestClock.adjust("1 minute")
      yield* settle

      assert.match(lines.join(), /Destroying an object failed, which was made when nobody.*cannot be destroyed/s)
      const { size, totals } = yield* balanced(pool)
      assert.deepStrictEqual([size, totals.made, totals.destroyed], [0, 1, 1])
    })))
})

describe("an object that is made although closing has interrupted that", () => {
  for (
    const [how, destroy, last] of [["is", Effect.void, "Destroyed"], ["cannot be", broken, "DestroyFailed"]] as const
  ) {
    it.effect(`and ${how} destroyed is told of, logged and counted like any other`, () =>
      late(Effect.gen(function*() {
        const { lines, within } = logs()
        const pool = yield* within(
          ObjectPool.make({ acquire: stubborn(destroy), size: { min: 1 }, hookTimeout: "10 minutes" })
        )
        const { ledger } = yield* keptBooks(pool)
        yield* TestClock.adjust("1 second")
        yield* start(pool.close)
        yield* TestClock.adjust("1 minute")
        yield* settle

        assert.deepStrictEqual([tags(ledger.events).filter((tag) => tag === last).length, ledger.mistakes], [1, []])
        assert.deepInclude((yield* balanced(pool)).totals, { made: 1, destroyed: 1 })
        assert.strictEqual(lines.join().includes("cannot be destroyed"), how === "cannot be")
      })))
  }
})

describe("what goes wrong", () => {
  it.effect("with destroying an object that was given up is logged", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      const release = () => Effect.uninterruptible(Effect.andThen(Effect.sleep("1 minute"), broken))
      const pool = yield* within(make({ objects: [] as Array<string>, hookTimeout: "5 seconds" }))
      yield* pool.add("a", { release })
      yield* pool.remove("a")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(lines.length, 1)
      yield* TestClock.adjust("55 seconds")

      assert.match(lines[1]!, /after it had been given up.*cannot be destroyed/s)
    })))

  it.effect("with destroying an object that was given up, and ends by being interrupted, is no news", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(make({ objects: [] as Array<string>, hookTimeout: "5 seconds" }))
      yield* pool.add("a", { release: () => Effect.never })
      yield* pool.remove("a")
      yield* TestClock.adjust("5 seconds")
      yield* settle

      assert.strictEqual(lines.length, 1)
    })))

  for (const time of ["in time", "too late"] as const) {
    it.effect(`with cleaning up after what failed ${time}, and was given up, is logged`, () =>
      late(Effect.gen(function*() {
        const { lines, within } = logs()
        const partly = Effect.andThen(
          Effect.addFinalizer(() => Effect.andThen(Effect.sleep("1 minute"), broken)),
          time === "in time" ? Effect.fail("no") : Effect.never
        )
        const pool = yield* within(
          make({
            acquire: partly as Effect.Effect<string, string, Scope.Scope>,
            size: { max: 1 },
            creation: { timeout: "1 second" },
            hookTimeout: "5 seconds"
          })
        )
        const borrower = yield* start(Effect.scoped(pool.borrow))
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(state(borrower), time === "in time" ? "no" : "BorrowTimeout")
        assert.strictEqual(lines.length, 1)
        assert.deepInclude(yield* balanced(pool), { making: 0 })
        yield* TestClock.adjust("55 seconds")
        yield* settle

        assert.match(lines[1]!, /cannot be destroyed/)
      })))
  }

  it.effect("with cleaning up after what failed too late is logged, and frees the room", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      let n = 0
      const partly = Effect.andThen(Effect.addFinalizer(() => broken), Effect.never)
      const pool = yield* within(
        make({
          acquire: Effect.suspend(() => ++n === 1 ? partly : Effect.succeed("a")),
          size: { max: 1 },
          creation: { timeout: "1 second" }
        })
      )
      yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("1 second")

      assert.match(lines.join(), /cannot be destroyed/)
      assert.strictEqual(yield* pool.with(({ object }) => Effect.succeed(object)), "a")
    })))
})
