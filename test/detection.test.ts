/**
 * Detection: when an object is asked for its status, and what its answer does (promises 15, 16 and 18).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../src/index.ts"
import { only, start, statuses } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"
import { asking, detector, retry } from "./support/detectors.ts"
import { balanced, scripted } from "./support/scripted.ts"

describe("when an object is detected", () => {
  it.effect("each that joins is, and `add` ends when it was", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>((object) => object === "bad" ? "Invalid" : "Available")
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      const one = yield* start(pool.add("b"))
      const more = yield* start(pool.addAll(["c", "bad"]))
      assert.deepStrictEqual(state.asked, ["a", "b", "c", "bad"])
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending", "Pending", "Pending"])
      assert.isUndefined(one.pollUnsafe())
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Fiber.join(one)).status, "Available")
      assert.deepStrictEqual((yield* Fiber.join(more)).map((pooled) => pooled.status), ["Available", "Invalid"])
      assert.strictEqual((yield* balanced(pool)).size, 3)
    }))

  it.effect("one that was made is, before its waiter gets it, and not once more for the waiter", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus } = scripted({ detect: "slow" })
      const pool = yield* ObjectPool.make({ acquire, detectStatus, detection: { onBorrow: true } })
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust(999)
      assert.isUndefined(waiter.pollUnsafe())
      yield* TestClock.adjust(1)

      assert.strictEqual((yield* Fiber.join(waiter)).object.n, 1)
      assert.strictEqual(counts.detected, 1)
    }))

  it.effect("with `onAdd: false` it is not when it joins, but when it is lent", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onAdd: false } })
      yield* pool.add("b")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
      assert.deepStrictEqual(state.asked, [])
      assert.isUndefined((yield* pool.objects)[0]!.detectedAt)

      const lease = yield* pool.borrow
      assert.deepStrictEqual(state.asked, [lease.object])
    }))

  it.effect("by default a borrow trusts a detection for 500 millis, counted from its end", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      yield* TestClock.adjust(1499)
      yield* Effect.scoped(pool.borrow)
      assert.strictEqual(state.asked.length, 1)
      yield* TestClock.adjust(1)
      const waiter = yield* start(pool.borrow)
      assert.strictEqual(state.asked.length, 2)
      yield* TestClock.adjust("1 second")

      yield* Fiber.join(waiter)
      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.detectedAt && DateTime.toEpochMillis(pooled!.detectedAt), 2500)
    }))

  for (
    const [onBorrow, asked] of [
      [true, [2, 3, 4]],
      [false, [1, 1, 1]],
      [{ trustFor: 0 }, [2, 3, 4]],
      [{ trustFor: "1 minute" }, [1, 1, 2]],
      [{ trustFor: "Infinity" }, [1, 1, 1]]
    ] as const
  ) {
    it.effect(`onBorrow ${JSON.stringify(onBorrow)} detects before the borrows that it says`, () =>
      Effect.gen(function*() {
        const { detectStatus, state } = detector<string>()
        const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onBorrow } })
        yield* pool.with(() => Effect.void)
        assert.strictEqual(state.asked.length, asked[0])
        yield* pool.with(() => Effect.void)
        assert.strictEqual(state.asked.length, asked[1])
        yield* TestClock.adjust("2 minutes")
        yield* pool.with(() => Effect.void)
        assert.strictEqual(state.asked.length, asked[2])
      }))
  }

  it.effect("onRelease detects what comes back; the borrower does not wait, and the next borrow trusts it", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus,
        detection: { onBorrow: true, onRelease: true }
      })
      const lease = yield* pool.borrow
      state.takes = "1 second"
      state.asked = []
      yield* lease.release
      assert.deepStrictEqual(yield* statuses(pool), ["Pending"])
      const waiter = yield* start(pool.borrow)
      yield* TestClock.adjust("1 second")

      yield* Fiber.join(waiter)
      assert.deepStrictEqual(state.asked, ["a"])
    }))

  it.effect("onRelease: what the detector refuses on its return is not lent again", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      let refuses = false
      const pool = yield* ObjectPool.make({
        acquire,
        detectStatus: () => refuses ? "Invalid" : "Available",
        detection: { onRelease: true }
      })
      const first = yield* pool.borrow
      refuses = true
      yield* first.release
      refuses = false
      assert.strictEqual((yield* pool.borrow).object, things[1])
      yield* Effect.yieldNow
      assert.strictEqual(things[0]!.destroyed, 1)
    }))
})

describe("what an answer does", () => {
  for (
    const [answer, status] of [
      ["Available", "Available"],
      ["Dormant", "Dormant"],
      ["Unknown", "Unknown"],
      ["Invalid", undefined],
      [Status.dormant("1 hour"), "Dormant"],
      [Status.dormant("Infinity"), "Dormant"],
      [Status.dormant(0), "Available"],
      [Status.dormantUntil(DateTime.makeUnsafe(1000)), "Dormant"],
      [Status.dormantUntil(DateTime.makeUnsafe(0)), "Available"]
    ] as ReadonlyArray<[Status.Answer, Status | undefined]>
  ) {
    for (const kind of ["plain", "effect", "late"] as const) {
      it.effect(`${JSON.stringify(answer)}, ${kind}: ${status ?? "gone"}`, () =>
        Effect.gen(function*() {
          const later = Effect.as(Effect.yieldNow, answer)
          const pool = yield* asking(
            () => kind === "plain" ? answer : kind === "effect" ? Effect.succeed(answer) : later,
            { objects: ["a"] }
          )
          yield* Effect.yieldNow
          yield* Effect.yieldNow

          assert.deepStrictEqual(yield* statuses(pool), status === undefined ? [] : [status])
          yield* balanced(pool)
        }))
    }
  }

  const loop: Record<string, unknown> = {}
  loop["self"] = loop
  const failures: ReadonlyArray<[string, () => unknown]> = [
    ["fails", () => Effect.fail("down")],
    ["dies", () => Effect.die("bug")],
    ["throws", () => {
      throw new Error("bug")
    }],
    ["turns out to be no effect", () => Effect.suspend(() => undefined as unknown as Effect.Effect<never>)],
    ["interrupts itself", () => Effect.interrupt],
    ["interrupts itself later", () => Effect.andThen(Effect.yieldNow, Effect.interrupt)],
    ["answers undefined", () => undefined],
    ["answers null", () => null],
    ["answers a number", () => 200],
    ["answers a boolean", () => true],
    ["answers an unknown word", () => "available"],
    ["answers \"Borrowed\"", () => "Borrowed"],
    ["answers \"Pending\"", () => Effect.succeed("Pending")],
    ["answers a symbol", () => Symbol("Available")],
    ["answers a function", () => () => "Available"],
    ["answers a promise", () => Promise.resolve("Available")],
    ["answers an array", () => ["Available"]],
    ["answers an object", () => Effect.succeed({})],
    ["answers an object without a prototype", () => Object.create(null)],
    ["answers an object without a prototype, as an effect", () => Effect.succeed(Object.create(null))],
    ["answers an object whose toString throws", () => ({
      toString() {
        throw new Error("no words")
      }
    })],
    ["answers an object whose _tag throws", () => ({
      until: 1,
      get _tag() {
        throw new Error("no tag")
      }
    })],
    ["answers an object whose _tag throws, late", () =>
      Effect.as(Effect.yieldNow, {
        until: 1,
        get _tag() {
          throw new Error("no tag")
        }
      })],
    ["answers a circle", () => loop],
    ["answers a rest until a number", () => ({ _tag: "Rest", until: 5 })],
    ["answers a rest until a word", () => ({ _tag: "Rest", until: "5 seconds" })],
    ["answers a rest without a time", () => ({ _tag: "Rest" })],
    ["makes a rest of nonsense", () => Status.dormant("a while" as "1 second")]
  ]
  for (const [what, ask] of failures) {
    it.effect(`a detector that ${what} leaves the object Unknown, and the pool serves on`, () =>
      Effect.gen(function*() {
        let broken = true
        const pool = yield* asking(() => broken ? ask() : "Available", {
          objects: ["a"],
          detection: { onAdd: false, concurrency: 1 }
        })
        const first = yield* start(pool.borrowWith({ timeout: "1 second" }))
        yield* TestClock.adjust("1 second")
        const exit = yield* Fiber.await(first)
        assert.isTrue(Exit.isFailure(exit))
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.strictEqual((error as { readonly _tag?: string })._tag, "BorrowTimeout")
        assert.isString((error as Error).message)
        assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])

        broken = false
        yield* pool.detect
        assert.strictEqual((yield* pool.borrow).object, "a")
        yield* balanced(pool)
      }))
  }

  it.effect("every detection that ends is shown as `detectedAt`, whatever it said; it is asked about as Pending", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const pool = yield* asking<string>((pooled) => {
        seen.push(pooled.status)
        return Effect.fail("down")
      }, { objects: ["a"], detection: { retry } })
      yield* TestClock.adjust("1 second")
      yield* pool.detect

      assert.deepStrictEqual(seen, ["Pending", "Pending"])
      assert.strictEqual(DateTime.toEpochMillis((yield* pool.objects)[0]!.detectedAt!), 1000)
    }))

  it.effect("the last failure of a detection is told by the BorrowTimeout of its borrower", () =>
    Effect.gen(function*() {
      const pool = yield* asking(() => Effect.fail("down"), { objects: ["a"], detection: { onAdd: false } })
      const waiter = yield* start(Effect.flip(pool.borrow))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(waiter)

      assert.isTrue(error._tag === "BorrowTimeout" && error.lastFailure === "down" && error.phase === "Waiting")
      assert.include(error.message, "last failure: down")
    }))

  it.effect("so is that of what was made for it", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 }, detectStatus: () => Effect.fail("down") })
      const waiter = yield* start(Effect.flip(pool.borrow))
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(waiter)

      assert.isTrue(error._tag === "BorrowTimeout" && error.lastFailure === "down", error.message)
    }))

  it.effect("a detector without a failure is not asked again for an object that is gone", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Invalid")
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onAdd: false } })
      const exit = yield* Effect.exit(pool.borrowWith({ timeout: "1 second" })).pipe(
        start,
        Effect.tap(() => TestClock.adjust("1 second")),
        Effect.flatMap(Fiber.join)
      )

      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(state.asked, ["a"])
      assert.deepStrictEqual(yield* statuses(pool), [])
    }))
})

describe("the time of a detection", () => {
  for (const [timeout, millis] of [[undefined, 5000], ["1 second", 1000]] as const) {
    it.effect(`is ${millis} millis: then it is interrupted, and the object Unknown`, () =>
      Effect.gen(function*() {
        const { detectStatus, state } = detector<string>()
        state.takes = "Infinity"
        const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { timeout } })
        yield* TestClock.adjust(millis - 1)
        assert.deepStrictEqual(yield* statuses(pool), ["Pending"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
        assert.strictEqual(state.interrupted, 1)
      }))
  }

  it.effect("may be \"Infinity\"", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 day"
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { timeout: "Infinity" } })
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("is over for a detector that cannot be interrupted and never ends; a late answer is dropped", () =>
    Effect.gen(function*() {
      const pool = yield* asking(
        () => Effect.uninterruptible(Effect.as(Effect.sleep("1 minute"), "Available")),
        { objects: ["a"], detection: { retry } }
      )
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      yield* balanced(pool)
    }))

  it.effect("frees the turn of a detector that never ends", () =>
    Effect.gen(function*() {
      const pool = yield* asking(
        ({ object }) => object === "a" ? Effect.uninterruptible(Effect.never) : "Available",
        { objects: ["a", "b"], detection: { concurrency: 1 } }
      )
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending"])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown", "Available"])
    }))

  it.effect("is over before the next one begins: a detector is interrupted first", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "Infinity"
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus, detection: { concurrency: 1, retry } })
      const waiter = yield* start(Effect.flip(pool.borrow))
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(yield* statuses(pool), ["Unknown", "Unknown"])
      assert.deepStrictEqual([state.most, state.interrupted], [1, 2])
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.join(waiter))._tag, "BorrowTimeout")
    }))

  it.effect("counts from the turn of a detection, not from when it was asked for", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "4 seconds"
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c"],
        detectStatus,
        detection: { concurrency: 1 }
      })
      yield* TestClock.adjust("12 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available", "Available"])
    }))

  it.effect("an answer in the very turn that it is over counts once", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "5 seconds"
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus, detection: { concurrency: 1 } })
      yield* TestClock.adjust("10 seconds")

      const seen = yield* statuses(pool)
      assert.isTrue(seen.every((status) => status === "Available" || status === "Unknown"), seen.join())
      assert.deepStrictEqual(state.asked, ["a", "b"])
      yield* balanced(pool)
    }))
})

describe("the turns of detections", () => {
  it.effect("at most `concurrency` run at once, whoever asked", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<number>()
      const pool = yield* ObjectPool.make({
        objects: Array.from({ length: 10 }, (_, i) => i),
        detectStatus,
        detection: { concurrency: 3, onBorrow: true, onRelease: true }
      })
      state.most = 0
      state.takes = "1 second"
      yield* start(pool.addAll([100, 101, 102, 103]))
      yield* start(pool.detect)
      yield* start(pool.detect)
      for (let i = 0; i < 6; i++) yield* start(pool.with(() => Effect.sleep(100)))
      yield* pool.rest(100, "3 seconds")
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state.most, 3)
      const { available, size } = yield* balanced(pool)
      assert.deepStrictEqual([available, size], [14, 14])
    }))

  it.effect("10 by default", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<number>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: Array.from({ length: 25 }, (_, i) => i), detectStatus })
      assert.strictEqual(state.asked.length, 10)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state.asked.length, 20)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* balanced(pool)).available, 25)
      assert.strictEqual(state.most, 10)
    }))

  it.effect("a borrower's detection goes before those in the background", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["d"],
        detectStatus,
        detection: { concurrency: 1, onBorrow: true }
      })
      state.takes = "1 second"
      state.asked = []
      yield* start(pool.addAll(["a", "b", "c"]))
      const borrower = yield* start(pool.borrowWith(only("d")))
      yield* TestClock.adjust("2 seconds")

      assert.strictEqual((yield* Fiber.join(borrower)).object, "d")
      assert.deepStrictEqual(state.asked, ["a", "d", "b"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(state.asked, ["a", "d", "b", "c"])
    }))

  it.effect("a borrower's detection goes before the next ones of a `detect` that is under way", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c", "d"],
        detectStatus,
        detection: { concurrency: 1, onBorrow: true }
      })
      state.takes = "1 second"
      state.asked = []
      yield* start(pool.detect)
      const borrower = yield* start(pool.borrowWith(only("d")))
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual(state.asked.slice(0, 2), ["a", "d"])
      assert.strictEqual((yield* Fiber.join(borrower)).object, "d")
      yield* TestClock.adjust("2 seconds")
    }))

  it.effect("borrowers' detections have their turns in order of arrival", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c", "d"],
        detectStatus,
        detection: { concurrency: 1, onBorrow: true }
      })
      state.takes = "1 second"
      state.asked = []
      const borrow = (object: string) =>
        start(Effect.andThen(pool.with(() => Effect.void, only(object)), pool.with(() => Effect.void)))
      yield* Effect.forEach(["a", "b", "c", "d"], borrow)
      yield* TestClock.adjust("4 seconds")

      assert.deepStrictEqual(state.asked.slice(0, 4), ["a", "b", "c", "d"])
      yield* TestClock.adjust("10 seconds")
      yield* balanced(pool)
    }))

  it.effect("so does that of an object made for a borrower", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted({ detect: "slow" })
      const asked: Array<string> = []
      const pool = yield* ObjectPool.make({
        acquire,
        detectStatus: (pooled) => {
          asked.push(pooled.object.n === 1 ? "made" : "added")
          return detectStatus(pooled)
        },
        detection: { concurrency: 1 }
      })
      script.detect = "slow"
      const thing = (n: number) => Object.assign(Object.create(null), { n, destroyed: 0, users: 0 })
      yield* start(pool.addAll([thing(7), thing(8), thing(9)]))
      yield* start(pool.borrowWith({ where: (pooled) => pooled.object.n === 1 }))
      yield* TestClock.adjust("4 seconds")

      assert.deepStrictEqual(asked, ["added", "made", "added", "added"])
    }))
})

describe("detection.retry that takes time to answer", () => {
  const slowly = Schedule.modifyDelay(Schedule.forever, () => Effect.as(Effect.sleep("1 second"), "1 second"))

  it.effect("is not forgotten where it answers during a detection that is then dropped", () =>
    Effect.gen(function*() {
      let n = 0
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => ++n === 1 ? Effect.fail("no") : n === 2 ? Effect.never : "Available",
        detection: { retry: slowly }
      })
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("1500 millis")
      yield* Fiber.interrupt(detecting)
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("delays nobody else's time, where the object rests by then", () =>
    Effect.gen(function*() {
      let n = 0
      const first = Schedule.modifyDelay(
        Schedule.forever,
        () => Effect.as(++n === 1 ? Effect.void : Effect.sleep("100 millis"), "300 millis")
      )
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => "Unknown",
        detection: { retry: first },
        waitsForResting: true
      })
      yield* TestClock.adjust("50 millis")
      // doubted again before it was to be asked again
      yield* pool.detect
      yield* pool.rest("a", "1 hour")
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      const waiter = yield* start(
        Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "360 millis" })))
      )
      yield* TestClock.adjust("359 millis")
      assert.isUndefined(waiter.pollUnsafe())
      yield* TestClock.adjust("1 millis")

      assert.strictEqual(waiter.pollUnsafe()?._tag, "Success")
    }))

  it.effect("ends with the pool", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const pool = yield* within(
        ObjectPool.make({ objects: ["a"], detectStatus: () => Effect.fail("no"), detection: { retry: slowly } })
      )
      assert.strictEqual(counts.sleeping, 1)
      yield* pool.close
      yield* TestClock.adjust(0)

      assert.strictEqual(counts.sleeping, 0)
    }))
})
