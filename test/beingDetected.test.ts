/**
 * An object while it is being detected: nobody has it meanwhile, and nobody else waits for that (promises 2 and 15).
 */
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ObjectPool, type PooledObject, Selector, Status } from "../src/index.ts"
import { only, start, statuses } from "./support/borrowers.ts"
import { asking, detector, type Options, retry } from "./support/detectors.ts"
import { balanced } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

describe("an object that is being detected", () => {
  it.effect("is not lent; another one is, at once", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus, detection: { onBorrow: false } })
      state.takes = "Infinity"
      yield* start(pool.add("b"))

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
      const borrower = yield* start(pool.with(() => Effect.void))
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
      const first = yield* start(pool.borrow)
      state.takes = "1 second"
      const second = yield* start(Effect.scoped(pool.borrow))
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
      const borrower = yield* start(pool.borrow)
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
      yield* start(pool.rest("b", "1 second"))
      yield* TestClock.adjust("1 second")
      // "b" wakes, and is being detected
      const waiter = yield* start(pool.borrow)
      yield* first.release

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))

  it.effect("leaves when it is removed: the detection is interrupted, its answer dropped", () =>
    Effect.gen(function*() {
      const { detectStatus, state } = detector<string>()
      state.takes = "1 second"
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, detectStatus })
      const adding = yield* start(pool.add("a"))
      assert.isTrue(yield* pool.remove("a"))
      const pooled = yield* Fiber.join(adding)

      assert.strictEqual(state.interrupted, 1)
      assert.strictEqual(pooled.status, "Invalid")
      assert.isUndefined(pooled.detectedAt)
      assert.strictEqual((yield* balanced(pool)).size, 0)
      yield* pool.add("b").pipe(start, Effect.tap(() => TestClock.adjust("1 second")))
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
      const adding = yield* start(pool.add("a"))
      const waiter = yield* start(Effect.flip(pool.borrow))
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
      const borrower = yield* start(pool.borrow)
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
      const borrower = yield* start(Effect.flip(pool.borrowWith({ timeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(borrower)

      assert.isTrue(error._tag === "BorrowTimeout" && error.phase === "Detecting")
      assert.strictEqual(state.interrupted, 1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("is dropped where it waits for its turn", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung({ objects: ["a", "b"], detection: { onBorrow: true, concurrency: 1 } })
      yield* start(Effect.exit(pool.borrow))
      const second = yield* start(pool.borrow)
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
        const borrower = yield* start(pool.borrow)
        // the borrower does not wait for the detector
        yield* Fiber.interrupt(borrower)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"], `a detector that takes ${takes}`)
      }
    }))

  it.effect("goes on to the next waiter, who has it detected anew", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* hung()
      const first = yield* start(pool.borrow)
      const second = yield* start(pool.borrow)
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
      const first = yield* start(pool.borrow)
      yield* start(pool.add("b"))
      state.asked = []
      yield* TestClock.adjust("2 seconds")
      const served = (yield* Fiber.join(first)).object
      const other = yield* pool.borrow

      assert.sameMembers([served, other.object], ["a", "b"])
      assert.deepStrictEqual(state.asked, [])
      assert.strictEqual(state.interrupted, 0)
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
      const picky = yield* start(
        Effect.scoped(pool.borrowWith({ where: ({ object }) => object !== "c" }))
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
        const borrower = yield* start(pool.with(() => Effect.yieldNow))
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
        const borrower = yield* start(pool.with(() => Effect.yieldNow))
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
        const detecting = yield* start(pool.detect)
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
        const adding = yield* start(pool.add("a"))
        yield* window.interrupt(adding)

        assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a", window.toString())
      }))
    ))
})
