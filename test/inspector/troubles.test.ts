/** What is wrong, in plain words. The time is that of the test. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../../src/index.ts"
import type { Frame } from "../../src/internal/inspection/frame.ts"
import { Hub } from "../../src/internal/inspection/hub.ts"
import { nameOfFailure } from "../../src/internal/inspection/words.ts"
import { keep, make, start } from "../support/borrowers.ts"
import { coreOf } from "../support/inspector.ts"

/** Somebody who looks: what is wrong with a pool, as of now. */
const looking = Effect.gen(function*() {
  const hub = new Hub(
    { actions: false, describe: () => "", describeFailure: nameOfFailure },
    yield* Clock.Clock,
    yield* Effect.context<never>()
  )
  yield* Effect.addFinalizer(() => hub.close)
  const frame = () => JSON.parse(hub.whole.text) as Frame
  frame()
  yield* TestClock.adjust(300)
  const wrong = (pool: string) =>
    frame().troubles.filter(({ name }) => name === pool).map(({ severity, text }) => `${severity}: ${text}`)
  return { frame, hub, wrong }
})

describe("what is wrong with a pool", () => {
  it.effect("nothing, where nothing is", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "fine", objects: ["a", "b"] })
      yield* pool.borrow
      const { wrong } = yield* looking
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(wrong("fine"), [])
    }))

  it.effect("leases that are held ten times as long as is usual", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "late", objects: ["a", "b", "c"] })
      const { wrong } = yield* looking
      yield* start(Effect.repeat(pool.with(() => Effect.sleep(200)), { times: 29 }))
      yield* TestClock.adjust("10 seconds")
      yield* keep(pool.borrow)
      yield* keep(pool.borrow)
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(wrong("late"), [])
      yield* TestClock.adjust("39 seconds")

      assert.lengthOf(wrong("late"), 1)
      assert.match(
        wrong("late")[0]!,
        /^bad: 2 of 2 leases are overdue, oldest 41 s, borrowed at 00:00:10 UTC by fiber #\d+ \(object \d\)$/
      )
    }))

  it.effect("of a pool that is not known yet, leases of more than a minute", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "slow", objects: ["a"] })
      const { wrong } = yield* looking
      yield* keep(pool.borrow)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(wrong("slow"), [])
      yield* TestClock.adjust("1 second")

      assert.match(wrong("slow")[0]!, /^bad: 1 of 1 lease is overdue, lent for 61 s, /)
    }))

  it.effect("leases that the pool itself has warned of, and where they were borrowed", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "warned",
        objects: ["a"],
        leaseWarning: "5 seconds",
        captureBorrowSite: true
      })
      const { wrong } = yield* looking
      yield* keep(pool.borrow)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(wrong("warned"), [])
      yield* TestClock.adjust("2 seconds")

      assert.match(wrong("warned")[0]!, /overdue, lent for 6\.0 s, borrowed at .*troubles\.test\.ts:\d+/)
    }))

  it.effect("a factory that fails again and again, until it does not", () =>
    Effect.gen(function*() {
      let fails = true
      const refused = Object.assign(new Error("secret"), { code: "ECONNREFUSED" })
      const pool = yield* make({
        name: "broken",
        acquire: Effect.suspend(() => fails ? Effect.fail(refused) : Effect.succeed("a")),
        size: { max: 1 },
        creation: { retry: Schedule.spaced("1 second") }
      })
      const { wrong } = yield* looking
      yield* keep(pool.borrow)
      yield* TestClock.adjust("11 seconds")

      assert.deepStrictEqual(wrong("broken"), [
        "bad: the factory has failed 12 times in a row: ECONNREFUSED",
        "bad: 1 fiber waits, the longest for 11 s; there is no object"
      ])
      fails = false
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(wrong("broken"), [])
    }))

  it.effect("time-outs and refusals, for a minute", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "short", objects: ["a"], borrowTimeout: "2 seconds", maxWaiters: 2 })
      const { wrong } = yield* looking
      yield* keep(pool.borrow)
      for (let i = 0; i < 3; i++) yield* keep(pool.borrow)
      yield* TestClock.adjust("4 seconds")

      assert.deepStrictEqual(wrong("short"), [
        "bad: 2 borrows timed out in the last minute",
        "warning: 1 borrow was refused in the last minute"
      ])
      yield* TestClock.adjust("40 seconds")
      assert.lengthOf(wrong("short"), 2)
    }))

  it.effect("a fiber that may be waiting for itself", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "self", objects: ["a"] })
      const { wrong } = yield* looking
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, pool.borrow)))
      yield* TestClock.adjust("500 millis")

      assert.match(
        wrong("self")[0]!,
        /^warning: fiber #\d+ waits for an object while it holds 1 object of this pool itself/
      )
    }))

  it.effect("a pool that is suspended, empty, resting or unknown", () =>
    Effect.gen(function*() {
      const suspended = yield* make({ name: "suspended", objects: ["a"] })
      const empty = yield* make({ name: "empty", objects: [] as Array<string> })
      yield* make({ name: "resting", objects: ["a", "b"], detectStatus: () => Status.dormant("1 minute") })
      yield* make({ name: "unknown", objects: ["a"], detectStatus: () => Effect.fail({ _tag: "NoAnswer" }) })
      const { wrong } = yield* looking
      yield* suspended.suspend
      yield* keep(empty.borrow)
      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(["suspended", "empty", "resting", "unknown"].map(wrong), [
        ["note: suspended: nothing is lent"],
        ["bad: 1 fiber waits, but there is no object, and nothing that makes one"],
        ["warning: all 2 objects rest, the first wakes in 59 s"],
        ["bad: the detector cannot say how 1 of 1 object is: NoAnswer"]
      ])
    }))
})

describe("looking", () => {
  it.effect("it costs nothing any more when nobody has looked for 5 minutes; the next look begins anew", () =>
    Effect.gen(function*() {
      yield* ObjectPool.make({ name: "watched", objects: ["a"] })
      assert.isUndefined(coreOf("watched").feed)
      const { frame } = yield* looking
      assert.isDefined(coreOf("watched").feed)
      yield* TestClock.adjust("299 seconds")
      assert.isDefined(coreOf("watched").feed)
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(coreOf("watched").feed)

      assert.lengthOf(frame().seconds, 0)
      yield* TestClock.adjust(300)
      assert.isDefined(coreOf("watched").feed)
    }))

  it.effect("the seconds that were are kept as long as somebody comes back", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "history", objects: ["a"] })
      const { frame } = yield* looking
      yield* start(Effect.forever(Effect.andThen(pool.with(() => Effect.void), Effect.sleep(100))))
      yield* TestClock.adjust("4 minutes")

      const seconds = frame().seconds.find(({ pool }) =>
        frame().changed.find(({ id }) => id === pool)?.name === "history"
      )
      assert.isAtLeast(seconds!.borrows.length, 239)
      assert.deepStrictEqual([...new Set(seconds!.borrows.slice(2))], [10])
      assert.deepStrictEqual(seconds!.minute, { seconds: 60, borrows: 600, p50: 0, p99: 0, timeouts: 0 })
    }))

  it.effect("a pool that is closed is not shown any more, and one that is new is", () =>
    Effect.gen(function*() {
      const { frame } = yield* looking
      const names = () => frame().changed.map(({ name }) => name)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* make({ name: "passing", objects: ["a"] })
        assert.include(names(), "passing")
      }))

      assert.notInclude(names(), "passing")
    }))

  it.effect("of more than 1 000 objects each is a letter, and the longest held come in detail", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "many", objects: Array.from({ length: 25_000 }, (_, i) => i) })
      for (let i = 0; i < 300; i++) yield* pool.borrow
      const { hub } = yield* looking

      const text = hub.whole.text
      const picture = (JSON.parse(text) as Frame).changed.find(({ name }) => name === "many")!

      assert.isBelow(text.length, 60_000)
      assert.deepStrictEqual(picture.objects.cells?.runs, [1, 20_000])
      assert.strictEqual(picture.objects.cells?.letters.length, 20_000)
      assert.strictEqual(picture.objects.beyond, 5000)
      assert.isAtMost(picture.objects.rows.length, 200)
    }))
})
