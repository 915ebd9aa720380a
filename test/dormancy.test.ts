/**
 * Dormant objects: how they come to rest, and how they come back by themselves (promise 17).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../src/index.ts"
import { plain, start } from "./support/borrowers.ts"
import { at, counting } from "./support/clocks.ts"
import { balanced, scripted } from "./support/scripted.ts"

/** A pool with one object, whose detector answers at once what it is told to. */
const detected = (answer: Status.Answer, dormantFor?: Duration.Input) =>
  Effect.gen(function*() {
    const script = { answer, asked: 0, takes: 0 as Duration.Input }
    const pool = yield* ObjectPool.make({
      objects: ["a"],
      detectStatus: () => {
        script.asked++
        if (script.takes === 0) return script.answer
        return Effect.delay(Effect.sync(() => script.answer), script.takes)
      },
      detection: { onBorrow: false, dormantFor, retry: Schedule.spaced("Infinity") }
    })
    const [pooled] = yield* pool.objects
    return { pool, pooled: pooled!, script, status: () => pooled!.status }
  })

describe("an object whose detector says \"Dormant\"", () => {
  for (const [dormantFor, millis] of [[undefined, 30_000], ["10 seconds", 10_000]] as const) {
    it.effect(`is detected again after ${millis} millis, and shows that as \`wakesAt\``, () =>
      Effect.gen(function*() {
        const { pooled, script, status } = yield* detected("Dormant", dormantFor)
        assert.strictEqual(status(), "Dormant")
        assert.strictEqual(at(pooled.wakesAt), millis)
        yield* TestClock.adjust(millis - 1)
        assert.strictEqual(script.asked, 1)
        yield* TestClock.adjust(1)
        assert.strictEqual(script.asked, 2)
        assert.strictEqual(at(pooled.wakesAt), 2 * millis)

        script.answer = "Available"
        yield* TestClock.adjust(millis)
        assert.strictEqual(status(), "Available")
        assert.isUndefined(pooled.wakesAt)
      }))
  }

  it.effect("with `dormantFor` \"Infinity\" is detected again only when somebody asks", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Dormant", "Infinity")
      assert.isUndefined(pooled.wakesAt)
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(script.asked, 1)
      script.answer = "Available"
      yield* pool.detect
      assert.strictEqual(status(), "Available")
    }))

  it.effect("may be detected at any time, which starts its time anew", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Dormant")
      yield* TestClock.adjust("20 seconds")
      yield* pool.detect
      assert.strictEqual(script.asked, 2)
      assert.strictEqual(at(pooled.wakesAt), 50_000)
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(script.asked, 2)
      script.answer = "Available"
      yield* pool.detect
      assert.strictEqual(status(), "Available")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(script.asked, 3)
    }))
})

describe("an object that was Dormant", () => {
  for (const answer of ["Unknown", "Available"] as const) {
    it.effect(`and is ${answer} by a detection since is not woken at its old time`, () =>
      Effect.gen(function*() {
        const { pool, script, status } = yield* detected("Dormant")
        script.answer = answer
        yield* pool.detect
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual([script.asked, status()], [2, answer])
      }))
  }

  it.effect("wakes through a detection that waits for its turn, and is Pending meanwhile", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: ({ object }) => {
          asked.push(object)
          return object === "slow" ? Effect.as(Effect.sleep("4 seconds"), "Available" as const) : "Available"
        },
        detection: { concurrency: 1, onBorrow: false }
      })
      yield* pool.rest("a", "1 second")
      yield* start(pool.add("slow"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* pool.objects).map((pooled) => pooled.status), ["Pending", "Pending"])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual((yield* pool.objects).map((pooled) => pooled.status), ["Available", "Available"])
      assert.deepStrictEqual(asked, ["a", "slow", "a"])
    }))
})

describe("an object whose detector says until when", () => {
  it.effect("rests that long from its answer, and is left alone by `detect` until then", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Available")
      script.answer = Status.dormant("10 minutes")
      script.takes = "1 second"
      yield* start(pool.detect)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(at(pooled.wakesAt), 601_000)
      script.takes = 0
      script.answer = "Available"
      yield* TestClock.adjust(599_999)
      yield* pool.detect
      assert.deepStrictEqual([script.asked, status()], [2, "Dormant"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([script.asked, status()], [3, "Available"])
    }))

  it.effect("as a moment of the wall clock", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Available")
      yield* TestClock.adjust("1 minute")
      script.answer = Status.dormantUntil(DateTime.makeUnsafe(90_000))
      yield* pool.detect
      assert.strictEqual(at(pooled.wakesAt), 90_000)
      script.answer = "Available"
      yield* TestClock.adjust(29_999)
      assert.strictEqual(status(), "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(status(), "Available")
    }))

  it.effect("as a moment in another time zone", () =>
    Effect.gen(function*() {
      const moment = DateTime.makeZonedUnsafe(60_000, { timeZone: "Asia/Tokyo" })
      const { pooled } = yield* detected(Status.dormantUntil(moment))
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("is Available where that moment has passed", () =>
    Effect.gen(function*() {
      const { pool, script, status } = yield* detected("Dormant")
      yield* TestClock.adjust("1 second")
      for (const moment of [999, 1000]) {
        script.answer = Status.dormantUntil(DateTime.makeUnsafe(moment))
        yield* pool.detect
        assert.strictEqual(status(), "Available", String(moment))
      }
    }))

  it.effect("rests until `wake` where it says \"Infinity\"", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected(Status.dormant("Infinity"))
      assert.isUndefined(pooled.wakesAt)
      script.answer = "Available"
      yield* TestClock.adjust("1000 days")
      yield* pool.detect
      assert.deepStrictEqual([script.asked, status()], [1, "Dormant"])
      assert.isTrue(yield* pool.wake("a"))
      assert.deepStrictEqual([script.asked, status()], [2, "Available"])
    }))
})

describe("rest", () => {
  it.effect("benches an Available object, which comes back at its time", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      assert.isTrue(yield* pool.rest("a", "1 minute"))
      assert.strictEqual(status(), "Dormant")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
      assert.strictEqual((yield* Effect.flip(pool.borrowWith({ timeout: 0 })))._tag, "BorrowTimeout")
      yield* TestClock.adjust(59_999)
      assert.strictEqual(status(), "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* pool.borrow).object, "a")
    }))

  it.effect("benches a Borrowed one when it comes back, counted from the call", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      const lease = yield* pool.borrow
      assert.isTrue(yield* pool.rest(pooled, "1 minute"))
      assert.strictEqual(status(), "Borrowed")
      assert.isUndefined(pooled.wakesAt)
      yield* TestClock.adjust("40 seconds")
      yield* lease.release
      assert.strictEqual(status(), "Dormant")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("benches an Unknown one, which is detected at its time", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Unknown")
      assert.isTrue(yield* pool.rest("a", "1 minute"))
      assert.strictEqual(status(), "Dormant")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
      script.answer = "Available"
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([script.asked, status()], [2, "Available"])
    }))

  it.effect("benches a Pending one when it has been detected", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Available")
      script.takes = "1 second"
      yield* start(pool.detect)
      assert.strictEqual(status(), "Pending")
      assert.isTrue(yield* pool.rest("a", "1 minute"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Dormant")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("of a Dormant one: the later moment wins, in either order", () =>
    Effect.gen(function*() {
      const { pool, pooled } = yield* plain
      yield* pool.rest("a", "10 seconds")
      yield* pool.rest("a", "1 minute")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
      yield* pool.rest("a", "10 seconds")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("of a plain Dormant one makes its time known: `detect` leaves it alone until then", () =>
    Effect.gen(function*() {
      const { pool, pooled, script, status } = yield* detected("Dormant")
      yield* pool.rest("a", "2 minutes")
      assert.strictEqual(at(pooled.wakesAt), 120_000)
      script.answer = "Available"
      yield* pool.detect
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([script.asked, status()], [1, "Dormant"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([script.asked, status()], [2, "Available"])
    }))

  it.effect("shorter than the plain rest of a Dormant one does not bring it back earlier", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* detected("Dormant")
      yield* pool.rest("a", "10 seconds")
      assert.strictEqual(at(pooled.wakesAt), 30_000)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(script.asked, 1)
      yield* pool.detect
      assert.strictEqual(script.asked, 2)
    }))

  it.effect("meets the rest that a lease asked for, and the one that a detector says: the later moment wins", () =>
    Effect.gen(function*() {
      for (const [outside, lease, answer] of [[3, 2, 1], [2, 3, 1], [1, 2, 3]] as const) {
        const script: { answer: Status.Answer } = { answer: "Available" }
        const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus: () => script.answer })
        const start = yield* Clock.currentTimeMillis
        const leased = yield* pool.borrow
        yield* pool.rest("a", Duration.minutes(outside))
        yield* leased.rest(Duration.minutes(lease))
        script.answer = Status.dormant(Duration.minutes(answer))
        yield* leased.release
        const [pooled] = yield* pool.objects
        assert.strictEqual(at(pooled!.wakesAt)! - start, Math.max(outside, lease) * 60_000)
        yield* TestClock.adjust(Duration.minutes(Math.max(outside, lease)))
        // its time is over: what the detector says now is what counts
        assert.strictEqual(at(pooled!.wakesAt)! - start, (Math.max(outside, lease) + answer) * 60_000)
      }
    }))

  it.effect("of no time has no effect, and says whether the object is there", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* plain
      assert.isTrue(yield* pool.rest("a", 0))
      assert.strictEqual(status(), "Available")
      assert.isFalse(yield* pool.rest("b", "1 minute"))
      const lease = yield* pool.borrow
      yield* pool.rest("a", 0)
      yield* lease.release
      assert.strictEqual(status(), "Available")
    }))

  it.effect("of \"Infinity\" lasts until `wake`", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      yield* pool.rest("a", "Infinity")
      yield* pool.rest("a", "1 minute")
      assert.isUndefined(pooled.wakesAt)
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(status(), "Dormant")
      assert.isTrue(yield* pool.wake("a"))
      assert.strictEqual(status(), "Available")
    }))

  it.effect("of no time has no effect, now and on a later rest", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      const lease = yield* pool.borrow
      yield* lease.rest(0)
      yield* pool.rest("a", 0)
      yield* lease.release
      assert.strictEqual(status(), "Available")
      yield* pool.rest("a", 0)
      assert.strictEqual(status(), "Available")
      yield* pool.rest("a", "1 minute")
      yield* pool.rest("a", 0)
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("of nonsense is a defect of the caller, and changes nothing", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* plain
      const exit = yield* Effect.exit(pool.rest("a", "a while" as "1 second"))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(status(), "Available")
    }))

  it.effect("longer than a date can say does not break what is shown", () =>
    Effect.gen(function*() {
      const { pool, pooled } = yield* plain
      yield* pool.rest("a", Duration.millis(Number.MAX_SAFE_INTEGER))
      assert.isUndefined(pooled.wakesAt)
      assert.include(JSON.stringify(pooled), "Dormant")
    }))

  it.effect("takes every entry of an object, or the one whose record is given", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [7, 7, 7] })
      const objects = yield* pool.objects
      yield* pool.rest(objects[1]!, "1 minute")
      assert.deepStrictEqual(objects.map((pooled) => pooled.status), ["Available", "Dormant", "Available"])
      yield* pool.rest(7, "1 minute")
      assert.deepStrictEqual(objects.map((pooled) => pooled.status), ["Dormant", "Dormant", "Dormant"])
      assert.isTrue(yield* pool.wake(objects[1]!))
      assert.deepStrictEqual(objects.map((pooled) => pooled.status), ["Dormant", "Available", "Dormant"])
    }))
})

describe("wake", () => {
  it.effect("ends the rest of a Dormant object now; its time does not come again", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      yield* pool.rest("a", "1 minute")
      assert.isTrue(yield* pool.wake("a"))
      assert.strictEqual(status(), "Available")
      assert.isUndefined(pooled.wakesAt)
      const lease = yield* pool.borrow
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(status(), "Borrowed")
      yield* lease.release
      assert.strictEqual(status(), "Available")
    }))

  it.effect("goes through detection where there is a detector, also until a known time", () =>
    Effect.gen(function*() {
      for (const answer of ["Dormant", Status.dormant("1 day")] as const) {
        const { pool, script, status } = yield* detected(answer)
        script.answer = "Available"
        script.takes = "1 second"
        assert.isTrue(yield* pool.wake("a"))
        assert.deepStrictEqual([script.asked, status()], [2, "Pending"])
        yield* TestClock.adjust("1 second")
        assert.strictEqual(status(), "Available")
      }
    }))

  it.effect("leaves the next rest to the detector: an earlier one may follow", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* detected(Status.dormant("1 day"))
      script.answer = Status.dormant("1 minute")
      yield* pool.wake("a")
      assert.strictEqual(at(pooled.wakesAt), 60_000)
    }))

  it.effect("ends the rest of a Borrowed object before it has begun", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* plain
      const lease = yield* pool.borrow
      yield* lease.rest("1 minute")
      assert.isTrue(yield* pool.wake("a"))
      assert.isFalse(yield* pool.wake("a"))
      yield* lease.release
      assert.strictEqual(status(), "Available")
    }))

  it.effect("has nothing to end for one that is Available, Borrowed, Pending, Unknown, or not there", () =>
    Effect.gen(function*() {
      const { pool } = yield* plain
      assert.isFalse(yield* pool.wake("a"))
      yield* pool.borrow
      assert.isFalse(yield* pool.wake("a"))
      assert.isFalse(yield* pool.wake("b"))
      const unknown = yield* detected("Unknown")
      assert.isFalse(yield* unknown.pool.wake("a"))
      assert.deepStrictEqual([unknown.script.asked, unknown.status()], [1, "Unknown"])
      unknown.script.takes = "1 second"
      yield* start(unknown.pool.detect)
      assert.isFalse(yield* unknown.pool.wake("a"))
      yield* TestClock.adjust("1 second")
    }))
})

describe("a Dormant object and its waiters", () => {
  it.effect("a waiter that waits only for it is served at its wake", () =>
    Effect.gen(function*() {
      const { pool } = yield* plain
      yield* pool.rest("a", "10 seconds")
      const first = yield* start(pool.borrow)
      const second = yield* start(pool.borrow)
      yield* TestClock.adjust(9999)
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust(1)

      const lease = yield* Fiber.join(first)
      assert.isUndefined(second.pollUnsafe())
      yield* lease.release
      assert.strictEqual((yield* Fiber.join(second)).object, "a")
    }))

  it.effect("a waiter is served by the detection at its wake, and is not asked for once more", () =>
    Effect.gen(function*() {
      const script = { answer: "Dormant" as Status.Answer, asked: 0 }
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => Effect.delay(Effect.sync(() => (script.asked++, script.answer)), "1 second"),
        detection: { onBorrow: true, dormantFor: "10 seconds" }
      })
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust("11 seconds")
      script.answer = "Available"
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
      assert.strictEqual(script.asked, 2)
    }))

  it.effect("a waiter is served when it is woken from outside", () =>
    Effect.gen(function*() {
      const { pool } = yield* plain
      yield* pool.rest("a", "Infinity")
      const waiter = yield* start(pool.borrow)
      yield* pool.wake("a")
      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))

  it.effect("one that was made for a waiter, and is Dormant at first, serves it at its wake", () =>
    Effect.gen(function*() {
      const { acquire, counts } = scripted()
      let answer: Status.Answer = Status.dormant("10 seconds")
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 }, detectStatus: () => answer })
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust(9999)
      assert.strictEqual((yield* pool.stats).dormant, 1)
      answer = "Available"
      yield* TestClock.adjust(1)

      assert.strictEqual((yield* Fiber.join(waiter)).object.n, 1)
      assert.strictEqual(counts.acquiring, 1)
    }))

  it.effect("it occupies its room: nothing is made in its place", () =>
    Effect.gen(function*() {
      const { acquire, counts } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      yield* lease.release
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust(9999)
      assert.strictEqual(counts.acquiring, 1)
      assert.strictEqual((yield* balanced(pool)).dormant, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Fiber.join(waiter)).object, lease.object)
    }))

  it.effect("another one is made where there is room", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 2 } })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      yield* lease.release
      assert.strictEqual((yield* pool.borrow).object, things[1])
      yield* balanced(pool)
    }))
})

describe("a Dormant object that leaves", () => {
  it.effect("does so at once when it is removed, and does not come back at its time", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire })
      const [lease, other] = [yield* pool.borrow, yield* pool.borrow]
      yield* Effect.all([lease.rest("10 seconds"), lease.release, other.rest("20 seconds"), other.release])
      assert.isTrue(yield* pool.remove(lease.pooled))
      yield* TestClock.adjust("20 seconds")

      assert.strictEqual(things[0]!.destroyed, 1)
      assert.strictEqual(lease.pooled.status, "Invalid")
      // and the time of the other one does
      assert.strictEqual(other.pooled.status, "Available")
      assert.strictEqual((yield* balanced(pool)).size, 1)
    }))

  it.effect("does so when the pool closes, which does not wait for its time and leaves no timer", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const { acquire, things } = scripted()
      const pool = yield* Effect.provideService(ObjectPool.make({ acquire }), Clock.Clock, clock)
      for (const duration of ["1 hour", "Infinity"] as const) {
        const lease = yield* pool.borrow
        yield* lease.rest(duration)
        yield* lease.release
      }
      assert.strictEqual(counts.sleeping, 1)
      yield* pool.close

      assert.deepStrictEqual(things.map((thing) => thing.destroyed), [1, 1])
      yield* Effect.yieldNow
      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("is destroyed when the detection at its wake refuses it", () =>
    Effect.gen(function*() {
      const { pool, script, status } = yield* detected("Dormant")
      script.answer = "Invalid"
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(status(), "Invalid")
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))
})

describe("the time of many", () => {
  it.effect("thousands that rest share one timer, and each wakes at its own time", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const n = 2000
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects: Array.from({ length: n }, (_, i) => i + 1) }),
        Clock.Clock,
        clock
      )
      const objects = yield* pool.objects
      for (const pooled of objects) yield* pool.rest(pooled, pooled.object * 10)
      assert.strictEqual(counts.most, 1)
      yield* TestClock.adjust(1000 * 10)

      assert.isTrue(objects.every(({ object, status }) => status === (object <= 1000 ? "Available" : "Dormant")))
      const { available, dormant } = yield* balanced(pool)
      assert.deepStrictEqual([available, dormant], [1000, 1000])
    }))

  it.effect("those that rest do not delay those that do not", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      yield* pool.rest("a", "1 hour")
      for (let i = 0; i < 20; i++) assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "b")
    }))
})
