/**
 * Shared objects while they are lent: they are rested and detected, and their leases go on (promise 14).
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { type DetectionOptions, type PooledObject, type PoolOptions, Status } from "../src/index.ts"
import { hold, make, named, settle, start, state, use } from "./support/borrowers.ts"
import { at } from "./support/clocks.ts"
import { balanced, scripted } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

describe("a shared object that is told to rest while it is lent", () => {
  it.effect("shows when it wakes, and is lent again then, though its other leases go on", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 10 })
      const [pooled] = yield* pool.objects
      yield* hold(pool.borrow)
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("300 millis")
      yield* release
      const waiter = yield* start(hold(pool.borrow))
      assert.deepStrictEqual([pooled!.status, at(pooled!.wakesAt)], ["Borrowed", 300])
      yield* TestClock.adjust("299 millis")
      assert.strictEqual(state(waiter), "waits")
      yield* TestClock.adjust("1 millis")

      assert.deepStrictEqual([state(waiter), pooled!.wakesAt], ["ok", undefined])
      yield* hold(pool.tryBorrow)
      assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 1 })
    }))

  it.effect("by the pool, until a moment, longer, and anew: the same", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 10 })
      const [pooled] = yield* pool.objects
      const { lease } = yield* hold(pool.borrow)
      for (const round of [1, 2]) {
        const began = (yield* pool.stats).totals.borrowed === 1 ? 0 : 20_000
        yield* pool.rest("a", "5 seconds")
        yield* lease.restUntil(began + 20_000)
        yield* lease.rest("10 seconds")
        assert.strictEqual(at(pooled!.wakesAt), began + 20_000)
        const waiter = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("19999 millis")
        assert.strictEqual(state(waiter), "waits", String(round))
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(state(waiter), "ok", String(round))
      }
    }))

  it.effect("rests on, to the same time, when its last lease ends before", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("10 seconds")
      yield* TestClock.adjust("4 seconds")
      yield* release
      assert.deepStrictEqual([pooled!.status, at(pooled!.wakesAt)], ["Dormant", 10_000])
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(pooled!.status, "Available")
    }))

  it.effect("and to leave is not lent again when its rest is over", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("1 second")
      yield* lease.invalidate
      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(state(waiter), "waits")
      yield* release
      assert.strictEqual(pooled!.status, "Invalid")
    }))

  it.effect("is lent on by `wake`, and nothing follows when its time comes", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3 })
      const [pooled] = yield* pool.objects
      const { lease } = yield* hold(pool.borrow)
      yield* lease.rest("1 second")
      assert.isTrue(yield* pool.wake("a"))
      assert.isUndefined(pooled!.wakesAt)
      yield* hold(pool.tryBorrow)
      yield* pool.rest("a", "1 minute")
      yield* TestClock.adjust("2 seconds")
      yield* settle
      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
    }))
})

type Options = Omit<PoolOptions<string, undefined, never, never, never>, "pack" | "detectStatus" | "detection">

/** A pool of one object for four borrowers, whose detector takes so long, and notes what it sees. */
const asked = (detection: DetectionOptions = {}, options: Options = {}) =>
  Effect.gen(function*() {
    const script = { takes: 0 as Duration.Input, answer: "Available" as Status.Answer, seen: [] as Array<Status> }
    const pool = yield* make<string>({
      objects: ["a"],
      sharing: 4,
      ...options,
      detection: { onAdd: false, onBorrow: false, ...detection },
      detectStatus: (pooled: PooledObject<string>) => {
        script.seen.push(pooled.status)
        return script.takes === 0 ? script.answer : Effect.delay(Effect.sync(() => script.answer), script.takes)
      }
    })
    const [pooled] = yield* pool.objects
    return { pool, script, pooled: pooled! }
  })

describe("a shared object in use is detected", () => {
  for (const takes of [0, "100 millis"] as const) {
    const kind = takes === 0 ? "plainly" : "by an effect"
    it.effect(`(${kind}) before each lease, with \`onBorrow: true\``, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* asked({ onBorrow: true })
        script.takes = takes
        for (const n of [1, 2, 3]) {
          const borrower = yield* start(hold(pool.borrow))
          yield* TestClock.adjust(takes)
          assert.deepStrictEqual([state(borrower), script.seen.length], ["ok", n])
        }
        assert.deepStrictEqual(script.seen, ["Pending", "Borrowed", "Borrowed"])
        assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 1 })
      }))

    it.effect(`(${kind}) before a lease when it is not trusted any more, however its leases overlap`, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* asked({ onBorrow: { trustFor: "1 second" } })
        script.takes = takes
        let valid = 0
        for (let i = 0; i < 40; i++) {
          const before = script.seen.length
          const borrower = yield* start(pool.with(() => Effect.sleep("500 millis")))
          yield* TestClock.adjust("200 millis")
          if (script.seen.length > before) valid = i
          // five borrows a second: never one whose detection is older than a second and what it takes itself
          assert.isAtMost(i - valid, 5)
          assert.notStrictEqual(state(borrower), "BorrowTimeout")
        }
        assert.isAtLeast(script.seen.length, 6)
      }))

    it.effect(`(${kind}) by \`detect\`, while its leases go on`, () =>
      Effect.gen(function*() {
        const { pool, pooled, script } = yield* asked()
        const { lease } = yield* hold(pool.borrow)
        script.takes = takes
        const detecting = yield* start(pool.detect)
        yield* TestClock.adjust(takes)
        assert.deepStrictEqual([state(detecting), script.seen, pooled.status], ["ok", ["Borrowed"], "Borrowed"])
        yield* lease.renew
        yield* hold(pool.borrow)
      }))

    it.effect(`(${kind}) by \`every\`, while its leases go on`, () =>
      Effect.gen(function*() {
        const { pool, script } = yield* asked({ every: "1 second" })
        script.takes = takes
        yield* hold(pool.borrow)
        yield* TestClock.adjust("10500 millis")
        assert.strictEqual(script.seen.length, 10)
        yield* hold(pool.borrow)
      }))
  }

  it.effect("and takes no new leases until the detector has answered", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* asked()
      yield* hold(pool.borrow)
      script.takes = "1 second"
      yield* start(pool.detect)
      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
      const waiters = yield* Effect.forEach([1, 2, 3, 4], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(waiters.map(state), ["waits", "waits", "waits", "waits"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok", "ok", "waits"])
    }))

  it.effect("for a waiter, when a lease of it ends and it is not trusted any more", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* asked({ onBorrow: true }, { sharing: 2 })
      const [first] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const waiter = yield* start(hold(pool.borrow))
      yield* first.release
      yield* settle
      assert.deepStrictEqual([state(waiter), script.seen.length], ["ok", 3])
    }))

  it.effect("but not one that is to leave, nor one that rests until a known time, nor one that is not shared", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* asked({}, { objects: ["a", "b", "c"] })
      const held = yield* Effect.forEach(
        ["a", "b", "c"],
        (object) => hold(pool.borrowWith({ where: (pooled) => pooled.object === object }))
      )
      yield* held[0]!.lease.invalidate
      yield* held[1]!.lease.rest("1 hour")
      yield* pool.detect
      assert.strictEqual(script.seen.length, 1)
      const alone = yield* asked({}, { sharing: 1 })
      yield* hold(alone.pool.borrow)
      yield* alone.pool.detect
      assert.strictEqual(alone.script.seen.length, 0)
    }))

  it.effect("and is lent on as before when nobody wants the answer any more", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked({ onBorrow: true })
      yield* hold(pool.borrow)
      script.takes = "1 hour"
      const waiter = yield* start(hold(pool.borrow))
      yield* settle
      assert.strictEqual(state(waiter), "waits")
      yield* Fiber.interrupt(waiter)
      const detecting = yield* start(pool.detect)
      yield* Fiber.interrupt(detecting)
      script.takes = 0
      yield* hold(pool.borrow)
      assert.deepStrictEqual([pooled.status, (yield* balanced(pool)).leases], ["Borrowed", 2])
    }))
})

describe("what is said of a shared object in use", () => {
  it.effect("\"Invalid\": it takes no new leases, and leaves when its last one ends", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked()
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      script.answer = "Invalid"
      yield* pool.detect
      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
      yield* one.release
      assert.strictEqual(pooled.status, "Borrowed")
      yield* other.release
      assert.strictEqual(pooled.status, "Invalid")
    }))

  it.effect("a rest: it shows when it wakes, and is asked about again then, by whoever it is lent to", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked()
      yield* hold(pool.borrow)
      script.answer = Status.dormant("10 seconds")
      yield* pool.detect
      const waiter = yield* start(hold(pool.borrow))
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt), state(waiter)], ["Borrowed", 10_000, "waits"])
      yield* pool.detect
      script.answer = "Available"
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual([state(waiter), script.seen.length], ["waits", 1])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([state(waiter), script.seen.length, pooled.wakesAt], ["ok", 2, undefined])
    }))

  it.effect("a plain \"Dormant\": the same, and it may be asked about before", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked({ dormantFor: "10 seconds" })
      yield* hold(pool.borrow)
      script.answer = "Dormant"
      yield* pool.detect
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Borrowed", 10_000])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([script.seen.length, at(pooled.wakesAt)], [2, 20_000])
      const interrupted = yield* start(pool.detect)
      yield* Fiber.interrupt(interrupted)
      assert.strictEqual(at(pooled.wakesAt), 20_000)
      script.answer = "Available"
      yield* pool.detect
      yield* hold(pool.borrow)
    }))

  it.effect("a rest, when its last lease ends before: it is Dormant to the same time", () =>
    Effect.gen(function*() {
      for (const answer of ["Dormant", Status.dormant("10 seconds")] as const) {
        const { pool, pooled, script } = yield* asked({ dormantFor: "10 seconds" })
        const { release } = yield* hold(pool.borrow)
        script.answer = answer
        yield* pool.detect
        const due = at(pooled.wakesAt)!
        yield* release
        assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Dormant", due])
        script.answer = "Available"
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(pooled.status, "Available")
      }
    }))

  for (const how of ["\"Unknown\"", "nothing in time"] as const) {
    it.effect(`${how}: it takes no new leases, and is asked again by its schedule`, () =>
      Effect.gen(function*() {
        const { pool, pooled, script } = yield* asked({ retry: Schedule.spaced("2 seconds"), timeout: "1 second" })
        yield* hold(pool.borrow)
        script.answer = "Unknown"
        if (how !== "\"Unknown\"") script.takes = "1 hour"
        yield* start(pool.detect)
        yield* TestClock.adjust("1 second")
        script.answer = "Available"
        script.takes = 0
        const waiter = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("900 millis")
        assert.deepStrictEqual([pooled.status, state(waiter), script.seen.length], ["Borrowed", "waits", 1])
        yield* TestClock.adjust("1100 millis")
        assert.deepStrictEqual([state(waiter), script.seen.length], ["ok", 2])
      }))
  }

  it.effect("\"Unknown\", when its last lease ends before: it is Unknown, and its schedule goes on", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked({ retry: Schedule.spaced("2 seconds") }, { onRelease: () => {} })
      const { release } = yield* hold(pool.borrow)
      script.answer = "Unknown"
      yield* pool.detect
      yield* TestClock.adjust("1 second")
      yield* release
      assert.strictEqual(pooled.status, "Unknown")
      script.answer = "Available"
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(pooled.status, "Unknown")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(pooled.status, "Available")
    }))

  it.effect("\"Unknown\", and its schedule is done: it leaves when its last lease ends", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked({ retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 1 }) })
      const { release } = yield* hold(pool.borrow)
      script.answer = "Unknown"
      yield* pool.detect
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([script.seen.length, pooled.status], [2, "Borrowed"])
      yield* release
      assert.strictEqual(pooled.status, "Invalid")
    }))

  it.effect("\"Unknown\": a detection of it that is interrupted does not take its schedule away", () =>
    Effect.gen(function*() {
      const { pool, script } = yield* asked({ retry: Schedule.spaced("2 seconds") })
      yield* hold(pool.borrow)
      script.answer = "Unknown"
      yield* pool.detect
      script.takes = "5 seconds"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("3 seconds")
      script.takes = 0
      script.answer = "Available"
      yield* Fiber.interrupt(detecting)
      yield* settle
      yield* hold(pool.borrow)
      assert.strictEqual(script.seen.length, 3)
    }))

  it.effect("it rests, and is woken: it is asked about, and then lent on", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked()
      const { lease } = yield* hold(pool.borrow)
      yield* lease.rest("1 hour")
      assert.isTrue(yield* pool.wake("a"))
      assert.deepStrictEqual([script.seen, pooled.wakesAt], [["Borrowed"], undefined])
      yield* hold(pool.borrow)

      script.answer = "Dormant"
      yield* pool.detect
      script.answer = "Available"
      script.takes = "1 second"
      const detecting = yield* start(pool.detect)
      assert.isTrue(yield* pool.wake("a"))
      assert.isFalse(yield* pool.wake("a"))
      script.takes = 0
      yield* Fiber.interrupt(detecting)
      yield* hold(pool.borrow)
      assert.strictEqual(script.seen.length, 4)
    }))

  it.effect("told to rest while it is asked about: it rests, whatever is answered", () =>
    Effect.gen(function*() {
      const { pool, pooled, script } = yield* asked()
      const { lease } = yield* hold(pool.borrow)
      script.takes = "1 second"
      yield* start(pool.detect)
      yield* lease.rest("10 seconds")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled.status, at(pooled.wakesAt)], ["Borrowed", 10_000])
      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
    }))
})

describe("a pool that closes", () => {
  for (const answer of ["never", "fail"] as const) {
    it.effect(`does not ask again about a shared object in use, whose detector has answered: ${answer}`, () =>
      Effect.gen(function*() {
        let asked = 0
        const pool = yield* make({
          objects: ["a"],
          sharing: 2,
          detectStatus: () => asked++ === 0 ? "Available" : answer === "never" ? Effect.never : Effect.fail("no idea"),
          detection: { retry: Schedule.spaced("1 second") },
          closing: { timeout: "30 seconds" }
        })
        yield* hold(pool.borrow)
        yield* TestClock.adjust("1 second")
        yield* start(hold(pool.borrowWith({ timeout: "10 seconds" })))
        yield* TestClock.adjust("40 seconds")
        const before = asked
        assert.isAbove(before, 2)
        const closing = yield* start(pool.close)
        yield* TestClock.adjust("29 seconds")
        assert.deepStrictEqual([state(closing), asked], ["waits", before])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([state(closing), (yield* pool.stats).size], ["ok", 0])
      }))
  }
})

describe("a shared object whose last lease ends while it is asked about", () => {
  const returning = (answer: Status.Answer, options: Options = {}) =>
    Effect.gen(function*() {
      const it = yield* asked({ dormantFor: "10 seconds" }, options)
      const { lease, release } = yield* hold(it.pool.borrow)
      it.script.takes = "1 second"
      it.script.answer = answer
      yield* start(it.pool.detect)
      return { ...it, lease, release }
    })

  for (
    const [answer, status] of [
      ["Available", "Available"],
      ["Dormant", "Dormant"],
      [Status.dormant("1 hour"), "Dormant"],
      ["Invalid", "Invalid"],
      ["Unknown", "Unknown"]
    ] as const
  ) {
    it.effect(`is Pending until the detector has answered ${JSON.stringify(answer)}, then ${status}`, () =>
      Effect.gen(function*() {
        const ran: Array<Status> = []
        const { pool, pooled, release, script } = yield* returning(answer, {
          onRelease: (pooled) => {
            ran.push(pooled.status)
          }
        })
        yield* release
        assert.deepInclude(yield* balanced(pool), { leases: 0, borrowed: 0, pending: 1 })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([pooled.status, script.seen.length], [status, 1])
        assert.deepStrictEqual(ran, status === "Invalid" ? [] : ["Pending"])
        yield* balanced(pool)
      }))
  }

  it.effect("and that is to leave leaves at once", () =>
    Effect.gen(function*() {
      const { lease, pool, release } = yield* returning("Available")
      yield* lease.invalidate
      yield* release
      yield* settle
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  it.effect("goes to who waits", () =>
    Effect.gen(function*() {
      const { pool, release } = yield* returning("Available")
      const waiter = yield* start(hold(pool.borrow))
      yield* release
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(waiter), "ok")
    }))

  it.effect("in a pool that closes leaves with it", () =>
    Effect.gen(function*() {
      const { pool } = yield* returning("Available")
      yield* pool.close
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))
})

describe("interruption", () => {
  it.effect("of a borrower for whom a shared object in use is asked about loses nothing, in any window", () =>
    sweep((window) =>
      Effect.gen(function*() {
        const { acquire } = scripted()
        const pool = yield* make({
          acquire,
          size: { max: 1 },
          sharing: 2,
          detection: { onBorrow: true },
          detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const)
        })
        const first = yield* start(pool.with(() => Effect.repeat(Effect.yieldNow, { times: 12 })))
        const victim = yield* Effect.forkChild(pool.with(() => Effect.yieldNow))
        const next = yield* Effect.forkChild(pool.with(() => Effect.yieldNow))
        yield* window.interrupt(victim)
        yield* Effect.repeat(Effect.yieldNow, { times: 200 })
        assert.deepStrictEqual([first, next].map(state), ["ok", "ok"])
        assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, pending: 0, available: 1 })
        yield* pool.with(use())
      }).pipe(Effect.scoped, named(window))
    ))
})
