/**
 * Detection: when an object is asked for its status, by whom, and what its answer does (promises 15, 16 and 18).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { ObjectPool, type PooledObject, type PoolOptions, Selector, Status } from "../src/index.ts"
import { make, settle } from "./support/borrowers.ts"
import { timers } from "./support/observed.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

const now = { startImmediately: true } as const

/** What is Unknown stays so until somebody asks. */
const retry = Schedule.spaced("Infinity")

type Options<A> = Omit<PoolOptions<A, undefined, never, never, never>, "pack" | "detectStatus">

/** A detector that answers what it is told to, after `takes`, and notes whom it was asked about. */
const detector = <A>(answer: (object: A) => Status.Answer = () => "Available") => {
  const state = { answer, takes: 0 as Duration.Input, asked: [] as Array<A>, detecting: 0, most: 0, interrupted: 0 }
  const detectStatus = ({ object }: PooledObject<A, unknown>) =>
    Effect.suspend(() => {
      state.asked.push(object)
      state.most = Math.max(state.most, ++state.detecting)
      return Effect.sleep(state.takes).pipe(
        Effect.map(() => state.answer(object)),
        Effect.onInterrupt(() => Effect.sync(() => state.interrupted++)),
        Effect.ensuring(Effect.sync(() => state.detecting--))
      )
    })
  return { state, detectStatus }
}

/** A pool whose detector does what `ask` does. */
const asking = <A>(ask: (pooled: PooledObject<A>) => unknown, options: Options<A>) =>
  ObjectPool.make({ ...options, detectStatus: ask as (pooled: PooledObject<A>) => Status.Answer })

const statuses = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map((pooled): Status => pooled.status))

const only = (object: string) => ({ where: (pooled: PooledObject<string>) => pooled.object === object })

describe("when an object is detected", () => {
  it.effect("each that joins is, and `add` ends when it was", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>((object) => object === "bad" ? "Invalid" : "Available")
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      const one = yield* Effect.forkChild(pool.add("b"), now)
      const more = yield* Effect.forkChild(pool.addAll(["c", "bad"]), now)
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
      const waiter = yield* Effect.forkChild(pool.borrow, now)
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
      const waiter = yield* Effect.forkChild(pool.borrow, now)
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
      const waiter = yield* Effect.forkChild(pool.borrow, now)
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
        const first = yield* Effect.forkChild(pool.borrowWith({ timeout: "1 second" }), now)
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
      const waiter = yield* Effect.forkChild(Effect.flip(pool.borrow), now)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(waiter)

      assert.isTrue(error._tag === "BorrowTimeout" && error.lastFailure === "down" && error.phase === "Waiting")
      assert.include(error.message, "last failure: down")
    }))

  it.effect("so is that of what was made for it", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 }, detectStatus: () => Effect.fail("down") })
      const waiter = yield* Effect.forkChild(Effect.flip(pool.borrow), now)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(waiter)

      assert.isTrue(error._tag === "BorrowTimeout" && error.lastFailure === "down", error.message)
    }))

  it.effect("a detector without a failure is not asked again for an object that is gone", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Invalid")
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onAdd: false } })
      const exit = yield* Effect.exit(pool.borrowWith({ timeout: "1 second" })).pipe(
        Effect.forkChild(now),
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
      const waiter = yield* Effect.forkChild(Effect.flip(pool.borrow), now)
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

describe("an object that is being detected", () => {
  it.effect("is not lent; another one is, at once", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onBorrow: false } })
      state.takes = "Infinity"
      yield* Effect.forkChild(pool.add("b"), now)

      for (let i = 0; i < 20; i++) assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Pending"])
    }))

  for (
    const [said, answer] of [
      ["Available", "Available"],
      ["Invalid", "Invalid"],
      ["Dormant", "Dormant"],
      ["Unknown", "Unknown"],
      ["a rest", Status.dormant("1 hour")],
      ["nonsense", "Nonsense" as Status.Answer],
      ["by throwing", undefined]
    ] as const
  ) {
    it.effect(`a detector that answers plainly is asked once for each borrow: ${said}`, () =>
      Effect.gen(function*() {
        const asked: Array<string> = []
        let answers: typeof answer = "Available"
        const pool = yield* ObjectPool.make({
          objects: ["a", "b"],
          detectStatus: ({ object, status }): Status.Answer => {
            asked.push(`${object} ${status}`)
            if (object !== "a") return "Available"
            if (answers === undefined) throw new Error("broken")
            return answers
          },
          select: Selector.leastRecentlyUsed,
          detection: { onAdd: false, onBorrow: true, retry }
        })
        // what it answered at first decides whether it is asked in the step of the borrow
        yield* pool.with(() => Effect.void)
        yield* pool.with(() => Effect.void)
        answers = answer
        asked.length = 0
        const got = yield* pool.with((lease) => Effect.succeed(lease.object))

        assert.strictEqual(got, answer === "Available" ? "a" : "b")
        assert.deepStrictEqual(asked, answer === "Available" ? ["a Pending"] : ["a Pending", "b Pending"])
        const status = (yield* pool.objects).find((pooled) => pooled.object === "a")?.status
        assert.strictEqual(
          status,
          answer === "Available" || answer === "Dormant" || answer === "Unknown"
            ? answer
            : said === "Invalid"
            ? undefined
            : said === "a rest"
            ? "Dormant"
            : "Unknown"
        )
      }))
  }

  it.effect("what a detector has said in the step of a borrow is not told to a detection that comes later", () =>
    Effect.gen(function*() {
      let asked = 0
      let rests = false
      const pool: ObjectPool<string> = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: (pooled): Status.Answer => {
          asked++
          if (!rests) return "Available"
          rests = false
          Effect.runSync(pool.rest(pooled, "1 hour"))
          return "Invalid"
        },
        detection: { onBorrow: true },
        borrowTimeout: "2 hours"
      })
      yield* pool.with(() => Effect.void)
      rests = true
      const borrower = yield* Effect.forkChild(pool.with(() => Effect.void), now)
      yield* TestClock.adjust("59 minutes")
      const before = asked
      yield* TestClock.adjust("1 minute")

      assert.isDefined(borrower.pollUnsafe())
      assert.strictEqual(asked, before + 1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a borrow begun by a detector that answers plainly has its own detection, where one at a time is asked", () =>
    Effect.gen(function*() {
      let nested: Fiber.Fiber<unknown, unknown> | undefined
      let arm = false
      const only = (object: string) => ({ where: (pooled: PooledObject<string>) => pooled.object === object })
      const pool: ObjectPool<string> = yield* ObjectPool.make({
        objects: ["a", "b"],
        detection: { onBorrow: true, concurrency: 1 },
        detectStatus: (): Status.Answer => {
          if (arm) {
            arm = false
            nested = Effect.runFork(pool.with(() => Effect.void, only("b")))
          }
          return "Available"
        }
      })
      yield* pool.with(() => Effect.void, only("a"))
      arm = true
      yield* pool.with(() => Effect.void, only("a"))
      yield* TestClock.adjust(0)

      assert.isDefined(nested!.pollUnsafe())
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("a detector that answers now plainly and now by an effect is asked once for each borrow", () =>
    Effect.gen(function*() {
      let asked = 0
      let run = 0
      const later = Effect.as(Effect.sync(() => run++), "Available" as const)
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => asked++ % 2 === 0 ? "Available" as const : later,
        detection: { onAdd: false, onBorrow: true }
      })
      for (let i = 0; i < 10; i++) yield* pool.with(() => Effect.void)

      assert.deepStrictEqual([asked, run], [10, 5])
    }))

  it.effect("delays its borrower only: the next one has another object detected, or takes it", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        detectStatus,
        select: Selector.roundRobin,
        detection: { onBorrow: true }
      })
      state.takes = "3 seconds"
      const first = yield* Effect.forkChild(pool.borrow, now)
      state.takes = "1 second"
      const second = yield* Effect.forkChild(Effect.scoped(pool.borrow), now)
      yield* TestClock.adjust("1 second")
      // the first answer serves the oldest
      assert.strictEqual((yield* Fiber.join(first)).object, "b")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(second)).object, "a")
    }))

  it.effect("does not delay a borrower for whom another one is lendable without being asked", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["stale"],
        detectStatus,
        select: Selector.leastRecentlyUsed,
        detection: { onBorrow: { trustFor: "1 second" } }
      })
      yield* TestClock.adjust("10 seconds")
      yield* pool.add("trusted")
      state.takes = "Infinity"
      const borrower = yield* Effect.forkChild(pool.borrow, now)
      yield* Effect.yieldNow

      assert.isDefined(borrower.pollUnsafe(), "it does not wait")
      assert.strictEqual((yield* Fiber.join(borrower)).object, "trusted")
    }))

  it.effect("one that comes back meanwhile, and may be trusted, serves its borrower", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        detectStatus,
        detection: { onBorrow: { trustFor: "10 seconds" } }
      })
      yield* TestClock.adjust("9 seconds")
      yield* pool.detect
      const first = yield* pool.borrowWith(only("a"))
      yield* TestClock.adjust("2 seconds")
      state.takes = "Infinity"
      yield* Effect.forkChild(pool.rest("b", "1 second"), now)
      yield* TestClock.adjust("1 second")
      // "b" wakes, and is being detected
      const waiter = yield* Effect.forkChild(pool.borrow, now)
      yield* first.release

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))

  it.effect("leaves when it is removed: the detection is interrupted, its answer dropped", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, detectStatus })
      const adding = yield* Effect.forkChild(pool.add("a"), now)
      assert.isTrue(yield* pool.remove("a"))
      const pooled = yield* Fiber.join(adding)

      assert.strictEqual(state.interrupted, 1)
      assert.strictEqual(pooled.status, "Invalid")
      assert.isUndefined(pooled.detectedAt)
      assert.strictEqual((yield* balanced(pool)).size, 0)
      yield* pool.add("b").pipe(Effect.forkChild(now), Effect.tap(() => TestClock.adjust("1 second")))
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("leaves when it is removed, even where the detector cannot be interrupted, when its time is over", () =>
    Effect.gen(function*() {
      const pool = yield* asking(() => Effect.uninterruptible(Effect.never), { objects: ["a"] })
      assert.isTrue(yield* pool.remove("a"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* pool.stats).size, 0)
    }))

  it.effect("leaves when it is removed while it waits for its turn", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"], detectStatus, detection: { concurrency: 1 } })
      assert.isTrue(yield* pool.remove("b"))
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending"])
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual(state.asked, ["a", "c"])
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  for (
    const [answer, wakesAt] of [
      ["Available", 60_000],
      ["Unknown", 60_000],
      ["Dormant", 60_000],
      [Status.dormant("10 seconds"), 60_000],
      [Status.dormant("2 minutes"), 121_000],
      ["Invalid", undefined]
    ] as ReadonlyArray<[Status.Answer, number | undefined]>
  ) {
    it.effect(`rests, if it is asked to, when it has answered ${JSON.stringify(answer)}: ${wakesAt ?? "gone"}`, () =>
      Effect.gen(function*() {
        const { detectStatus, state } = detector<string>(() => answer)
        state.takes = "1 second"
        const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
        assert.isTrue(yield* pool.rest("a", "1 minute"))
        assert.deepStrictEqual(yield* statuses(pool), ["Pending"])
        yield* TestClock.adjust("1 second")

        const [pooled] = yield* pool.objects
        assert.strictEqual(pooled?.status, wakesAt && "Dormant")
        assert.strictEqual(pooled && DateTime.toEpochMillis(pooled.wakesAt!), wakesAt)
      }))
  }

  it.effect("does not rest where the rest was ended before it began", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      yield* pool.rest("a", "1 minute")
      assert.isTrue(yield* pool.wake("a"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("is gone when the pool closes: the detection is interrupted, and those who wait for it end", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "Infinity"
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, detectStatus })
      const adding = yield* Effect.forkChild(pool.add("a"), now)
      const waiter = yield* Effect.forkChild(Effect.flip(pool.borrow), now)
      yield* pool.close

      assert.strictEqual((yield* Fiber.join(adding)).status, "Invalid")
      assert.strictEqual((yield* Fiber.join(waiter))._tag, "PoolClosed")
      assert.strictEqual(state.interrupted, 1)
    }))
})

describe("a detection whose borrower leaves", () => {
  const hung = (options: Options<string> = {}) =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onBorrow: true }, ...options })
      state.takes = "Infinity"
      return { pool, state }
    })

  it.effect("is dropped, and the object is as it was: lendable, detected when it was, not trusted any longer", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung()
      yield* TestClock.adjust("1 minute")
      const borrower = yield* Effect.forkChild(pool.borrow, now)
      assert.deepStrictEqual(yield* statuses(pool), ["Pending"])
      yield* Fiber.interrupt(borrower)

      assert.strictEqual(state.interrupted, 1)
      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.status, "Available")
      assert.strictEqual(DateTime.toEpochMillis(pooled!.detectedAt!), 0)
      state.takes = 0
      assert.strictEqual((yield* pool.borrow).object, "a")
      assert.strictEqual(state.asked.length, 3)
    }))

  it.effect("is dropped when the borrower's time is over; its phase was Detecting", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung()
      const borrower = yield* Effect.forkChild(Effect.flip(pool.borrowWith({ timeout: "1 second" })), now)
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(borrower)

      assert.isTrue(error._tag === "BorrowTimeout" && error.phase === "Detecting")
      assert.strictEqual(state.interrupted, 1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("is dropped where it waits for its turn", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung({ objects: ["a", "b"], detection: { onBorrow: true, concurrency: 1 } })
      yield* Effect.forkChild(Effect.exit(pool.borrow), now)
      const second = yield* Effect.forkChild(pool.borrow, now)
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending"])
      yield* Fiber.interrupt(second)

      assert.strictEqual(state.asked.length, 3)
      assert.sameMembers([...(yield* statuses(pool))], ["Pending", "Available"])
      yield* TestClock.adjust("30 seconds")
    }))

  it.effect("leaves the object as it was where the detector cannot be interrupted, when it ends or its time does", () =>
    Effect.gen(function*() {
      for (const takes of ["2 seconds", "Infinity"] as const) {
        let quick = true
        const pool = yield* asking(
          () => quick ? "Available" : Effect.uninterruptible(Effect.as(Effect.sleep(takes), "Invalid")),
          { objects: ["a"], detection: { onBorrow: true } }
        )
        quick = false
        const borrower = yield* Effect.forkChild(pool.borrow, now)
        // the borrower does not wait for the detector
        yield* Fiber.interrupt(borrower)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"], `a detector that takes ${takes}`)
      }
    }))

  it.effect("goes on to the next waiter, who has it detected anew", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung()
      const first = yield* Effect.forkChild(pool.borrow, now)
      const second = yield* Effect.forkChild(pool.borrow, now)
      state.takes = "1 second"
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Fiber.join(second)).object, "a")
      assert.strictEqual(state.asked.length, 3)
    }))

  it.effect("is not dropped for one that was served with another object; whoever comes next has the answer", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung({ objects: ["a"], detection: { onBorrow: { trustFor: "1 minute" } } })
      yield* TestClock.adjust("2 minutes")
      state.takes = "2 seconds"
      const first = yield* Effect.forkChild(pool.borrow, now)
      yield* Effect.forkChild(pool.add("b"), now)
      state.asked = []
      yield* TestClock.adjust("2 seconds")
      const served = (yield* Fiber.join(first)).object
      const other = yield* pool.borrow

      assert.sameMembers([served, other.object], ["a", "b"])
      assert.deepStrictEqual(state.asked, [])
      assert.strictEqual(state.interrupted, 0)
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
      yield* Effect.forkChild(pool.addAll([100, 101, 102, 103]), now)
      yield* Effect.forkChild(pool.detect, now)
      yield* Effect.forkChild(pool.detect, now)
      for (let i = 0; i < 6; i++) yield* Effect.forkChild(pool.with(() => Effect.sleep(100)), now)
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
      yield* Effect.forkChild(pool.addAll(["a", "b", "c"]), now)
      const borrower = yield* Effect.forkChild(pool.borrowWith(only("d")), now)
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
      yield* Effect.forkChild(pool.detect, now)
      const borrower = yield* Effect.forkChild(pool.borrowWith(only("d")), now)
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
        Effect.forkChild(Effect.andThen(pool.with(() => Effect.void, only(object)), pool.with(() => Effect.void)), now)
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
      yield* Effect.forkChild(pool.addAll([thing(7), thing(8), thing(9)]), now)
      yield* Effect.forkChild(pool.borrowWith({ where: (pooled) => pooled.object.n === 1 }), now)
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
      const detecting = yield* Effect.forkChild(pool.detect, now)
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
        detection: { retry: first }
      })
      yield* TestClock.adjust("50 millis")
      // doubted again before it was to be asked again
      yield* pool.detect
      yield* pool.rest("a", "1 hour")
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      const waiter = yield* Effect.forkChild(
        Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "360 millis" }))),
        now
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
      assert.strictEqual(counts.running, 1)
      yield* pool.close
      yield* TestClock.adjust(0)

      assert.strictEqual(counts.running, 0)
    }))
})

describe("while what was picked is being detected", () => {
  it.effect("a borrower gets what needs no detection only if it may have it, and nothing undetected", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c"],
        select: Selector.leastRecentlyUsed,
        detectStatus,
        detection: { onAdd: false }
      })
      yield* pool.with(() => Effect.void, only("c"))
      state.takes = "1 second"
      const picky = yield* Effect.forkChild(
        Effect.scoped(pool.borrowWith({ where: ({ object }) => object !== "c" })),
        now
      )
      assert.deepStrictEqual(state.asked, ["c", "a"])
      assert.isUndefined(picky.pollUnsafe())
      const easy = yield* Effect.scoped(pool.borrow)

      assert.strictEqual(easy.object, "c", "while b is being detected")
      assert.deepStrictEqual(state.asked, ["c", "a", "b"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(picky)).object, "a")
    }))
})

describe("fresh objects that the detector refuses", () => {
  const attempts = (
    answer: Status.Answer | "fail",
    options: { readonly min?: number; readonly max?: number },
    creation?: Schedule.Schedule<unknown>
  ) =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const { acquire } = scripted()
      const pool = yield* ObjectPool.make({
        acquire: Effect.andThen(
          Effect.flatMap(Clock.currentTimeMillis, (millis) => Effect.sync(() => times.push(millis))),
          acquire
        ),
        size: { max: 10, ...options },
        creation: { retry: creation },
        detectStatus: () => answer === "fail" ? Effect.fail("down") : answer,
        detection: { retry }
      })
      return { pool, times }
    })

  it.effect("a rest that is over already is no refusal: the minimum is refilled at once", () =>
    Effect.gen(function*() {
      let made = 0
      let asked = 0
      const pool = yield* make({
        acquire: Effect.sync(() => ++made),
        size: { min: 2, max: 2 },
        detectStatus: () => Status.dormantUntil(DateTime.makeUnsafe(0)),
        detection: { onAdd: false, onBorrow: true }
      })
      // it changes its mind during the detection
      yield* Effect.exit(pool.with(() => Effect.void, { where: () => asked++ === 0, timeout: 0 }))
      yield* pool.remove(2)
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("are three at most within one borrow; then one after 100 millis, doubling to 30 seconds", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {})
      yield* Effect.forkChild(Effect.exit(pool.borrowWith({ timeout: "Infinity" })), now)
      yield* TestClock.adjust("3 minutes")

      const delays = times.slice(3).map((time, i) => time - times[i + 2]!)
      assert.deepStrictEqual(times.slice(0, 3), [0, 0, 0])
      assert.deepStrictEqual(delays.slice(0, 9), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600])
      assert.isTrue(delays.length > 10 && delays.slice(9).every((delay) => delay === 30_000), delays.join())
      yield* balanced(pool)
    }))

  it.effect("are three at most within one borrow; then they follow creation.retry, each borrower in its own time", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {}, Schedule.spaced("7 seconds"))
      const borrow = Effect.exit(pool.borrowWith({ timeout: "Infinity" }))
      yield* Effect.forkChild(borrow, now)
      yield* TestClock.adjust("1 second")
      yield* Effect.forkChild(borrow, now)
      yield* TestClock.adjust("20 seconds")

      assert.deepStrictEqual(times, [0, 0, 0, 1000, 1000, 1000, 7000, 8000, 14_000, 15_000, 21_000])
    }))

  for (
    const [what, retry] of [
      ["is done", Schedule.upTo(Schedule.spaced("7 seconds"), { times: 1 })],
      ["cannot be asked", Schedule.while(Schedule.spaced("7 seconds"), () => Effect.die("no failure of making"))]
    ] as const
  ) {
    it.effect(`come after 100 millis, doubling, where creation.retry ${what}`, () =>
      Effect.gen(function*() {
        const { pool, times } = yield* attempts("Invalid", {}, retry)
        yield* Effect.forkChild(Effect.exit(pool.borrowWith({ timeout: "Infinity" })), now)
        yield* TestClock.adjust("7750 millis")

        assert.deepStrictEqual(
          times.slice(3),
          what === "is done" ? [7000, 7200, 7600] : [100, 300, 700, 1500, 3100, 6300]
        )
      }))
  }

  for (const select of [Selector.random, (available: ReadonlyArray<PooledObject<Thing>>) => available.at(-1)]) {
    const whose = typeof select === "function" ? "a selector of the user's own" : "a built-in selector"
    it.effect(`are three at most for each of several borrowers, with ${whose}, also when they joined undetected`, () =>
      Effect.gen(function*() {
        const script = scripted()
        const pool = yield* ObjectPool.make({
          acquire: script.acquire,
          select,
          detectStatus: () => "Invalid",
          detection: { onAdd: false }
        })
        for (let i = 0; i < 3; i++) yield* Effect.forkChild(Effect.exit(pool.borrow), now)
        yield* TestClock.adjust(50)

        assert.strictEqual(script.things.length, 9)
        yield* TestClock.adjust(50)
        assert.strictEqual(script.things.length, 12)
      }))
  }

  it.effect("are counted for each borrow anew", () =>
    Effect.gen(function*() {
      const { pool, times } = yield* attempts("Invalid", {})
      for (let i = 1; i <= 3; i++) {
        const borrower = yield* Effect.forkChild(pool.borrow, now)
        yield* TestClock.adjust(50)
        assert.strictEqual(times.length, 3 * i)
        yield* Fiber.interrupt(borrower)
      }
    }))

  for (const answer of ["Dormant", "Unknown", "fail"] as const) {
    it.effect(`occupy the room that there is when they are ${answer === "fail" ? "not detected" : answer}`, () =>
      Effect.gen(function*() {
        const { pool, times } = yield* attempts(answer, { max: 5 })
        yield* Effect.forkChild(Effect.exit(pool.borrowWith({ timeout: "20 seconds" })), now)
        yield* TestClock.adjust("20 seconds")

        assert.deepStrictEqual(times, [0, 0, 0, 100, 300])
        assert.strictEqual((yield* balanced(pool)).size, 5)
      }))
  }

  it.effect("are not made without end to refill the minimum", () =>
    Effect.gen(function*() {
      const { times } = yield* attempts("Invalid", { min: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times, [0, 100, 300, 700])
    }))

  it.effect("do not keep the borrower from an object that comes back", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      let refuses = false
      const pool = yield* ObjectPool.make({ acquire, detectStatus: () => refuses ? "Invalid" : "Available" })
      const first = yield* pool.borrow
      refuses = true
      const waiter = yield* Effect.forkChild(pool.borrow, now)
      yield* TestClock.adjust(50)
      assert.isUndefined(waiter.pollUnsafe())
      yield* first.release

      assert.strictEqual((yield* Fiber.join(waiter)).object, first.object)
    }))
})

describe("detect", () => {
  it.effect("asks about every object that is not lent and does not rest until a known time", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = {
        plain: "Dormant",
        until: Status.dormant("1 hour"),
        lost: "Unknown"
      }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const objects = ["free", "lent", "plain", "until", "rested", "lost"]
      const pool = yield* ObjectPool.make({ objects, detectStatus })
      yield* pool.borrowWith(only("lent"))
      yield* pool.rest("rested", "1 hour")
      state.asked = []
      yield* pool.detect

      assert.deepStrictEqual(state.asked, ["free", "plain", "lost"])
      assert.deepStrictEqual(
        yield* statuses(pool),
        ["Available", "Borrowed", "Dormant", "Dormant", "Dormant", "Unknown"]
      )
    }))

  it.effect("takes out the invalid ones, brings back those that are fine again, and ends when all have answered", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { lost: "Unknown" }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "lost"],
        detectStatus,
        detection: { concurrency: 2, retry }
      })
      answers["a"] = "Invalid"
      answers["lost"] = "Available"
      state.takes = "1 second"
      const detecting = yield* Effect.forkChild(pool.detect, now)
      yield* TestClock.adjust(1999)
      assert.isUndefined(detecting.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(detecting)

      assert.deepStrictEqual((yield* pool.objects).map((pooled) => pooled.object), ["b", "lost"])
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("passes over what has been lent when its turn comes, and lends what has not had its turn", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c"],
        detectStatus,
        detection: { concurrency: 1, onBorrow: false }
      })
      state.takes = "1 second"
      state.asked = []
      const detecting = yield* Effect.forkChild(pool.detect, now)
      const lease = yield* pool.borrowWith(only("b"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(detecting)

      assert.deepStrictEqual(state.asked, ["a", "c"])
      assert.strictEqual(lease.pooled.status, "Borrowed")
    }))

  it.effect("leaves those not answered yet as they were, when it is interrupted", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { plain: "Dormant", lost: "Unknown" }
      const { detectStatus, state } = detector<string>((object) => answers[object] ?? "Available")
      const pool = yield* ObjectPool.make({
        objects: ["a", "plain", "lost", "b"],
        detectStatus,
        detection: { concurrency: 3, retry }
      })
      yield* TestClock.adjust("10 seconds")
      state.takes = "Infinity"
      const detecting = yield* Effect.forkChild(pool.detect, now)
      assert.deepStrictEqual(yield* statuses(pool), ["Pending", "Pending", "Pending", "Available"])
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(detecting)

      assert.strictEqual(state.interrupted, 3)
      const objects = yield* pool.objects
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Dormant", "Unknown", "Available"])
      assert.deepStrictEqual(objects.map((pooled) => DateTime.toEpochMillis(pooled.detectedAt!)), [0, 0, 0, 0])
      // its time is still its time
      assert.strictEqual(DateTime.toEpochMillis(objects[1]!.wakesAt!), 30_000)
      state.takes = 0
      answers["plain"] = "Available"
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(objects[1]!.status, "Available")
    }))

  it.effect("wakes at once what would have woken during a detection that was interrupted", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Dormant")
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus,
        detection: { dormantFor: "1 second", timeout: "1 minute" }
      })
      state.takes = "Infinity"
      const detecting = yield* Effect.forkChild(pool.detect, now)
      yield* TestClock.adjust("5 seconds")
      state.takes = 0
      state.answer = () => "Available"
      yield* Fiber.interrupt(detecting)
      yield* TestClock.adjust(0)

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("fails with PoolClosed after close, and when the pool is closed meanwhile", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus })
      state.takes = "Infinity"
      const detecting = yield* Effect.forkChild(Effect.flip(pool.detect), now)
      yield* pool.close

      assert.strictEqual((yield* Fiber.join(detecting))._tag, "PoolClosed")
      assert.strictEqual((yield* Effect.flip(pool.detect))._tag, "PoolClosed")
    }))

  it.effect("asks nobody where there is no detector", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.detect
      assert.isUndefined((yield* pool.objects)[0]!.detectedAt)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("twice at the same time asks once about each object", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], detectStatus })
      state.takes = "1 second"
      state.asked = []
      const both = yield* Effect.forkChild(Effect.all([pool.detect, pool.detect], { concurrency: 2 }), now)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(both)

      assert.deepStrictEqual(state.asked, ["a", "b"])
    }))

  it.effect("asks about any number of objects, plainly, without growing the stack", () =>
    Effect.gen(function*() {
      const n = 20_000
      let asked = 0
      const pool = yield* asking<number>(() => {
        asked++
        return "Available"
      }, { objects: Array.from({ length: n }, (_, i) => i), detection: { onAdd: false } })
      yield* pool.detect

      assert.strictEqual(asked, n)
      assert.strictEqual((yield* balanced(pool)).available, n)
    }))

  it.effect("serves a waiter with what is fine again", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>(() => "Unknown")
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus })
      const waiter = yield* Effect.forkChild(pool.borrow, now)
      state.answer = () => "Available"
      yield* pool.detect

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))
})

describe("a detector that does not suspend", () => {
  for (const kind of ["plain", "effect"] as const) {
    it.effect(`(${kind}) does not suspend the borrower, nor \`add\``, () =>
      Effect.gen(function*() {
        let asked = 0
        const pool = yield* asking(() => {
          asked++
          return kind === "plain" ? "Available" : Effect.succeed("Available")
        }, { objects: ["a"], detection: { onBorrow: true, onRelease: true } })
        const run = Effect.runSyncWith(yield* Effect.context())

        assert.strictEqual(run(pool.with((lease) => Effect.succeed(lease.object))), "a")
        assert.strictEqual(run(Effect.scoped(Effect.map(pool.borrow, (lease) => lease.object))), "a")
        assert.strictEqual(run(Effect.scoped(Effect.map(pool.tryBorrow, (lease) => lease.object))), "a")
        assert.strictEqual(run(pool.with(() => Effect.succeed(1), { timeout: 0 })), 1)
        assert.strictEqual(run(pool.add("b")).status, "Available")
        assert.strictEqual(asked, 1 + 4 * 2 + 1)
      }))
  }

  it.effect("passes over any number of objects that it refuses, without growing the stack", () =>
    Effect.gen(function*() {
      const n = 20_000
      const pool = yield* asking<number>(({ object }) => object === n - 1 ? "Available" : "Unknown", {
        objects: Array.from({ length: n }, (_, i) => i),
        select: Selector.leastRecentlyUsed,
        detection: { onAdd: false }
      })
      const run = Effect.runSyncWith(yield* Effect.context())

      assert.strictEqual(run(pool.with((lease) => Effect.succeed(lease.object))), n - 1)
      assert.strictEqual((yield* balanced(pool)).unknown, n - 1)
    }))

  it.effect("that waited for their turn is asked without growing the stack", () =>
    Effect.gen(function*() {
      const n = 20_000
      const { detectStatus, state } = detector<number>()
      const pool = yield* asking<number>(
        (pooled) => pooled.object === 0 ? detectStatus(pooled) : "Available",
        { objects: [], detection: { concurrency: 1 } }
      )
      state.takes = "1 second"
      yield* Effect.forkChild(pool.addAll(Array.from({ length: n }, (_, i) => i)), now)
      assert.strictEqual((yield* pool.stats).pending, n)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* balanced(pool)).available, n)
    }))
})

describe("a detector that calls the pool", () => {
  const calling = <A, E>(
    call: (pool: ObjectPool<string>, pooled: PooledObject<string>) => Effect.Effect<A, E>,
    options: Options<string> = {}
  ) =>
    Effect.gen(function*() {
      let built = false
      const pool: ObjectPool<string> = yield* asking<string>(
        (pooled) => built ? Effect.as(call(pool, pooled), "Available") : "Available",
        { objects: ["a"], ...options }
      )
      built = true
      return pool
    })

  it.effect("may read it", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => Effect.all([pool.stats, pool.objects, pool.leases]))
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("may remove the object that it is asked about", () =>
    Effect.gen(function*() {
      for (const first of [Effect.void, Effect.yieldNow]) {
        const pool = yield* calling((pool, pooled) => Effect.andThen(first, pool.remove(pooled)))
        yield* pool.detect
        assert.strictEqual((yield* balanced(pool)).size, 0)
      }
    }))

  it.effect("may have it rest", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool, pooled) => pool.rest(pooled, "1 minute"))
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      yield* TestClock.adjust("1 minute")
      // it is asked again, and rests again
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
    }))

  it.effect("may detect, without asking about itself for ever", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => pool.detect, { objects: ["a", "b"], detection: { concurrency: 1, retry } })
      const detecting = yield* Effect.forkChild(pool.detect, now)
      yield* TestClock.adjust("1 minute")

      assert.isDefined(detecting.pollUnsafe())
      const { pending, size } = yield* balanced(pool)
      assert.deepStrictEqual([pending, size], [0, 2])
    }))

  it.effect("may close it", () =>
    Effect.gen(function*() {
      for (const first of [Effect.void, Effect.yieldNow]) {
        const pool = yield* calling((pool) => Effect.andThen(first, pool.close))
        const exit = yield* Effect.exit(pool.detect)
        assert.isTrue(Exit.isFailure(exit))
        yield* pool.close
        assert.strictEqual((yield* balanced(pool)).size, 0)
      }
    }))

  it.effect("may borrow another object", () =>
    Effect.gen(function*() {
      const pool = yield* calling(
        (pool, pooled) => pooled.object === "a" ? pool.with(() => Effect.void) : Effect.void,
        { objects: ["a", "b"], detection: { onBorrow: false } }
      )
      yield* pool.detect
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("that borrows its own object ends with its time", () =>
    Effect.gen(function*() {
      const pool = yield* calling((pool) => pool.with(() => Effect.void))
      const detecting = yield* Effect.forkChild(pool.detect, now)
      yield* TestClock.adjust("5 seconds")

      yield* Fiber.join(detecting)
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      assert.strictEqual((yield* balanced(pool)).waiting, 0)
    }))
})

describe("an interruption at any instant", () => {
  /** A detector that takes a few turns. */
  const turns = () => {
    const state = { detecting: 0 }
    const detectStatus = () =>
      Effect.suspend(() => {
        state.detecting++
        return Effect.ensuring(
          Effect.as(Effect.repeat(Effect.yieldNow, { times: 3 }), "Available" as const),
          Effect.sync(() => state.detecting--)
        )
      })
    return { state, detectStatus }
  }

  it.effect("of a borrow that detects leaves the object lendable, and nothing running", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const { detectStatus, state } = turns()
        const pool = yield* ObjectPool.make({
          objects: ["a"],
          detectStatus,
          detection: { onAdd: false, onBorrow: true, concurrency: 1 }
        })
        const borrower = yield* Effect.forkChild(pool.with(() => Effect.yieldNow), now)
        yield* window.interrupt(borrower)

        assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a", window.toString())
        assert.deepStrictEqual(yield* statuses(pool), ["Available"], window.toString())
        assert.strictEqual(state.detecting, 0, window.toString())
      }))
    ))

  it.effect("of a borrow that is told at once leaves nothing behind; what it was told is not asked again", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const asked: Array<string> = []
        const pool = yield* ObjectPool.make({
          objects: ["a", "b"],
          // each second answer, "a" is not fit to be lent
          detectStatus: ({ object }): Status.Answer =>
            asked.push(object) % 2 === 0 && object === "a" ? Status.dormant("1 hour") : "Available",
          detection: { onBorrow: true },
          select: Selector.leastRecentlyUsed
        })
        yield* pool.with(() => Effect.void)
        const borrower = yield* Effect.forkChild(pool.with(() => Effect.yieldNow), now)
        yield* window.interrupt(borrower)
        yield* pool.with(() => Effect.void)

        assert.deepInclude(yield* pool.stats, { leases: 0, pending: 0, borrowed: 0, waiting: 0 }, window.toString())
        for (const object of ["a", "b"]) {
          const pooled = (yield* pool.objects).find((each) => each.object === object)
          if (pooled?.status === "Dormant") assert.isTrue(yield* pool.wake(object), window.toString())
        }
        assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"], window.toString())
      }))
    ))

  it.effect("of `detect` leaves every object lendable, and nothing running", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const { detectStatus, state } = turns()
        const pool = yield* ObjectPool.make({
          objects: ["a", "b", "c"],
          detectStatus,
          detection: { onAdd: false, concurrency: 2 }
        })
        const detecting = yield* Effect.forkChild(pool.detect, now)
        yield* window.interrupt(detecting)

        assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available", "Available"], window.toString())
        assert.strictEqual(state.detecting, 0, window.toString())
        yield* pool.detect
        assert.isTrue((yield* pool.objects).every((pooled) => pooled.detectedAt !== undefined), window.toString())
      }))
    ))

  it.effect("of `add` ends the wait, not the membership", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const { detectStatus } = turns()
        const pool = yield* ObjectPool.make({ objects: [] as Array<string>, detectStatus })
        const adding = yield* Effect.forkChild(pool.add("a"), now)
        yield* window.interrupt(adding)

        assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a", window.toString())
      }))
    ))
})
