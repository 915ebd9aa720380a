/**
 * A plain "Dormant", without a time, is asked about again before the deadline of one who waits for it (promise 17).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { DetectionOptions, Status } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { counting } from "./support/clocks.ts"
import { balanced } from "./support/scripted.ts"

/** A pool of one object that dozes, and when it was asked about. */
const dozing = (detection: DetectionOptions = {}, sharing = 1) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const script = { answer: "Dormant" as Status.Answer, takes: 0 as Duration.Input, asked: [] as Array<number> }
    const pool = yield* make({
      objects: ["a"],
      sharing,
      detection,
      detectStatus: () => {
        script.asked.push(clock.currentTimeMillisUnsafe())
        return script.takes === 0 ? script.answer : Effect.delay(Effect.sync(() => script.answer), script.takes)
      }
    })
    const [pooled] = yield* pool.objects
    if (detection.onAdd !== false) script.asked = []
    return { pool, pooled: pooled!, script }
  })

describe("an object that is plainly \"Dormant\"", () => {
  it.effect("when it is found so at a borrow, and is fine again soon, is lent well before the deadline", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing({ onAdd: false })
      const borrower = yield* start(hold(pool.borrow))
      assert.deepStrictEqual(script.asked, [0])
      yield* TestClock.adjust("10 millis")
      script.answer = "Available"
      yield* TestClock.adjust("14989 millis")
      assert.strictEqual(state(borrower), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("is asked about at half of what is left, but not more often than each 100 millis", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing()
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(state(borrower), "BorrowTimeout")
      assert.deepStrictEqual(script.asked.slice(0, 5), [15_000, 22_500, 26_250, 28_125, 29_062.5].map(Math.ceil))
      const before = script.asked.filter((at) => at < 30_000)
      assert.isTrue(before.every((at, i) => i === 0 || at - before[i - 1]! >= 100), before.join())
      assert.isAbove(before.at(-1)!, 29_700)
      // and then as `dormantFor` says
      assert.isAtMost(script.asked.length - before.length, 1)
    }))

  for (
    const [timeout, asked] of [[80, []], [100, []], [150, [100]], [250, [125, 225]], [500, [250, 375, 475]]] as const
  ) {
    it.effect(`is asked about ${asked.length} times for one who has ${timeout} millis`, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* dozing()
        const borrower = yield* start(hold(pool.borrowWith({ timeout })))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([state(borrower), script.asked], ["BorrowTimeout", [...asked]])
      }))
  }

  for (const dormantFor of ["1 hour", "Infinity"] as const) {
    it.effect(`is so whatever \`dormantFor\` says: ${dormantFor}`, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* dozing({ dormantFor })
        const borrower = yield* start(hold(pool.borrowWith({ timeout: "10 seconds" })))
        script.answer = "Available"
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(state(borrower), "ok")
      }))
  }

  it.effect("is left alone while nobody waits, or whoever waits has no deadline", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing({ dormantFor: "Infinity" })
      yield* TestClock.adjust("1 hour")
      const borrower = yield* start(hold(pool.borrowWith({ timeout: "Infinity" })))
      const gone = yield* start(hold(pool.borrowWith({ timeout: "10 seconds" })))
      yield* Fiber.interrupt(gone)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([state(borrower), script.asked.length], ["waits", 1])
    }))

  it.effect("is asked about for whoever has the least time, and again for the others", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing()
      yield* start(hold(pool.borrowWith({ timeout: "20 seconds" })))
      yield* start(hold(pool.borrowWith({ timeout: "4 seconds" })))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(script.asked, [2000, 3000])
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(script.asked.slice(2), [3500, 3750, 3875, 3975, 11_988])
    }))

  it.effect("which it becomes while somebody waits, is asked about for that one", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing({ onBorrow: false })
      script.answer = "Available"
      yield* pool.detect
      const { release } = yield* hold(pool.borrow)
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("10 seconds")
      yield* release
      yield* settle
      assert.strictEqual(state(borrower), "ok")
      yield* (yield* Fiber.join(borrower)).release

      yield* pool.suspend
      const next = yield* start(hold(pool.borrow))
      script.answer = "Dormant"
      yield* pool.detect
      yield* pool.resume
      script.answer = "Available"
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(state(next), "ok")
    }))

  it.effect("and rests until a known time as well is left alone until then", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing()
      yield* pool.rest("a", "1 hour")
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([state(borrower), script.asked], ["BorrowTimeout", []])
    }))

  it.effect("is not asked about twice at once, however long its detector takes", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* dozing({ timeout: "Infinity" })
      script.takes = "8 seconds"
      const borrower = yield* start(hold(pool.borrow))
      yield* start(hold(pool.borrowWith({ timeout: "6 seconds" })))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual([pooled.status, script.asked], ["Pending", [3000]])
      script.answer = "Available"
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual([state(borrower), script.asked], ["ok", [3000]])
    }))

  it.effect("is as it was when that is asked for by somebody else, and nobody wants the answer any more", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing()
      const borrower = yield* start(hold(pool.borrow))
      script.takes = "1 hour"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("1 second")
      script.takes = 0
      yield* Fiber.interrupt(detecting)
      script.answer = "Available"
      yield* TestClock.adjust("14 seconds")
      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("while it is shared and lent, is asked about too", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* dozing({ onBorrow: false }, 2)
      script.answer = "Available"
      yield* pool.detect
      yield* hold(pool.borrow)
      script.answer = "Dormant"
      yield* pool.detect
      const borrower = yield* start(hold(pool.borrow))
      script.answer = "Available"
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(state(borrower), "ok")
      assert.deepInclude(yield* balanced(pool), { leases: 2, borrowed: 1 })
    }))

  it.effect("that is removed, or whose pool closes, is asked about no more", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const { pool, script } = yield* Effect.provideService(dozing(), Clock.Clock, clock)
      const borrower = yield* start(hold(pool.borrow))
      yield* pool.remove("a")
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual([state(borrower), script.asked], ["waits", []])
      yield* pool.close
      assert.strictEqual(counts.sleeping, 0)
    }))
})

describe("many that are plainly \"Dormant\"", () => {
  it.effect("are asked about only as long as anybody waits, and share one timer", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      let asked = 0
      let answer: Status.Answer = "Dormant"
      const objects = Array.from({ length: 5000 }, (_, i) => i)
      const pool = yield* Effect.provideService(
        make({
          objects,
          detectStatus: () => {
            asked++
            return answer
          }
        }),
        Clock.Clock,
        clock
      )
      asked = 0
      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrowWith({ timeout: "20 seconds" }))))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(asked, objects.length)
      answer = "Available"
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok", "ok"])
      assert.deepStrictEqual([asked, counts.most], [objects.length + 3, 1])
    }))
})
