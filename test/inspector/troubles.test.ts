/** What is wrong, in plain words. The time is that of the test. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../../src/index.ts"
import { keep, make, start } from "../support/borrowers.ts"
import { stopped } from "../support/clocks.ts"
import { looking } from "../support/inspector.ts"

/** Somebody who looks: what is wrong with a pool, as of now. */
const watching = Effect.gen(function*() {
  const { frame, text } = yield* looking()
  yield* frame
  yield* TestClock.adjust(300)
  const wrong = (pool: string) =>
    Effect.map(
      frame,
      ({ troubles }) => troubles.filter(({ name }) => name === pool).map(({ severity, text }) => `${severity}: ${text}`)
    )
  return { frame, text, wrong }
})

describe("what is wrong with a pool", () => {
  it.effect("nothing, where nothing is", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "fine", objects: ["a", "b"] })
      yield* pool.borrow
      const { wrong } = yield* watching
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(yield* wrong("fine"), [])
    }))

  it.effect("leases that are held ten times as long as is usual", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "late", objects: ["a", "b", "c"] })
      const { wrong } = yield* watching
      yield* start(Effect.repeat(pool.with(() => Effect.sleep(200)), { times: 29 }))
      yield* TestClock.adjust("10 seconds")
      yield* keep(pool.borrow)
      yield* keep(pool.borrow)
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(yield* wrong("late"), [])
      yield* TestClock.adjust("39 seconds")

      assert.lengthOf(yield* wrong("late"), 1)
      assert.match(
        (yield* wrong("late"))[0]!,
        /^bad: 2 of 2 leases are overdue, oldest 41 s, borrowed at 00:00:10 UTC by fiber #\d+ \(object \d\)$/
      )
    }))

  it.effect("of a pool that is not known yet, leases of more than a minute", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "slow", objects: ["a"] })
      const { wrong } = yield* watching
      yield* keep(pool.borrow)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* wrong("slow"), [])
      yield* TestClock.adjust("1 second")

      assert.match((yield* wrong("slow"))[0]!, /^bad: 1 of 1 lease is overdue, lent for 61 s, /)
    }))

  it.effect("leases that the pool itself has warned of, and where they were borrowed", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        name: "warned",
        objects: ["a"],
        leaseWarning: "5 seconds",
        captureBorrowSite: true
      })
      const { wrong } = yield* watching
      yield* keep(pool.borrow)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(yield* wrong("warned"), [])
      yield* TestClock.adjust("2 seconds")

      assert.match((yield* wrong("warned"))[0]!, /overdue, lent for 6\.0 s, borrowed at .*troubles\.test\.ts:\d+/)
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
      const { wrong } = yield* watching
      yield* keep(pool.borrow)
      yield* TestClock.adjust("11 seconds")

      assert.deepStrictEqual(yield* wrong("broken"), [
        "bad: the factory has failed 12 times in a row: ECONNREFUSED",
        "bad: 1 fiber waits, the longest for 11 s; there is no object"
      ])
      fails = false
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* wrong("broken"), [])
    }))

  it.effect("time-outs and refusals, for a minute", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "short", objects: ["a"], borrowTimeout: "2 seconds", maxWaiters: 2 })
      const { wrong } = yield* watching
      yield* keep(pool.borrow)
      for (let i = 0; i < 3; i++) yield* keep(pool.borrow)
      yield* TestClock.adjust("4 seconds")

      assert.deepStrictEqual(yield* wrong("short"), [
        "bad: 2 borrows timed out in the last minute",
        "warning: 1 borrow was refused in the last minute: too many wait"
      ])
      yield* TestClock.adjust("40 seconds")
      assert.lengthOf(yield* wrong("short"), 2)
    }))

  it.effect("a fiber that may be waiting for itself", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "self", objects: ["a"] })
      const { wrong } = yield* watching
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, pool.borrow)))
      yield* TestClock.adjust("500 millis")

      assert.match(
        (yield* wrong("self"))[0]!,
        /^warning: fiber #\d+ waits for an object while it holds 1 object of this pool itself/
      )
    }))

  it.effect("a pool that is suspended, empty, resting or unknown", () =>
    Effect.gen(function*() {
      const suspended = yield* make({ name: "suspended", objects: ["a"] })
      const empty = yield* make({ name: "empty", objects: [] as Array<string> })
      yield* make({ name: "resting", objects: ["a", "b"], detectStatus: () => Status.dormant("1 minute") })
      yield* make({ name: "unknown", objects: ["a"], detectStatus: () => Effect.fail({ _tag: "NoAnswer" }) })
      const { wrong } = yield* watching
      yield* suspended.suspend
      yield* keep(empty.borrow)
      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(yield* Effect.forEach(["suspended", "empty", "resting", "unknown"], wrong), [
        ["note: suspended: nothing is lent"],
        ["bad: 1 fiber waits, but there is no object, and nothing that makes one"],
        ["warning: all 2 objects rest, the first wakes in 59 s (detected)"],
        ["bad: the detector cannot say how 1 of 1 object is: NoAnswer"]
      ])
    }))
})

describe("looking", () => {
  it.effect("it costs nothing any more when nobody has looked for 5 minutes; the next look begins anew", () =>
    Effect.gen(function*() {
      const { clock, readings } = yield* stopped
      const pool = yield* Effect.provideService(make({ name: "watched", objects: ["a"] }), Clock.Clock, clock)
      // what is told is told with its time
      const cost = Effect.gen(function*() {
        const before = readings.wall
        yield* pool.with(() => Effect.void)
        return readings.wall - before
      })
      const alone = yield* cost
      const { frame } = yield* watching
      assert.isAbove(yield* cost, alone)
      yield* TestClock.adjust("299 seconds")
      assert.isAbove(yield* cost, alone)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* cost, alone)

      assert.lengthOf((yield* frame).seconds, 0)
      yield* TestClock.adjust(300)
      assert.isAbove(yield* cost, alone)
    }))

  it.effect("the seconds that were are kept as long as somebody comes back", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "history", objects: ["a"] })
      const { frame } = yield* watching
      yield* start(Effect.forever(Effect.andThen(pool.with(() => Effect.void), Effect.sleep(100))))
      yield* TestClock.adjust("4 minutes")

      const { changed, seconds: all } = yield* frame
      const seconds = all.find(({ pool }) => changed.find(({ id }) => id === pool)?.name === "history")
      assert.isAtLeast(seconds!.borrows.length, 239)
      assert.deepStrictEqual([...new Set(seconds!.borrows.slice(2))], [10])
      assert.deepStrictEqual(seconds!.minute, { seconds: 60, borrows: 600, p50: 0, p99: 0, timeouts: 0 })
    }))

  it.effect("a pool that is closed is not shown any more, and one that is new is", () =>
    Effect.gen(function*() {
      const { frame } = yield* watching
      const names = Effect.map(frame, ({ changed }) => changed.map(({ name }) => name))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* make({ name: "passing", objects: ["a"] })
        assert.include(yield* names, "passing")
      }))

      assert.notInclude(yield* names, "passing")
    }))

  it.effect("of more than 1 000 objects each is a letter, and the longest held come in detail", () =>
    Effect.gen(function*() {
      const pool = yield* make({ name: "many", objects: Array.from({ length: 25_000 }, (_, i) => i) })
      for (let i = 0; i < 300; i++) yield* pool.borrow
      const { frame, text } = yield* watching

      const picture = (yield* frame).changed.find(({ name }) => name === "many")!

      assert.isBelow((yield* text).length, 60_000)
      assert.deepStrictEqual(picture.objects.cells?.runs, [1, 20_000])
      assert.strictEqual(picture.objects.cells?.letters.length, 20_000)
      assert.strictEqual(picture.objects.beyond, 5000)
      assert.isAtMost(picture.objects.rows.length, 200)
    }))
})
