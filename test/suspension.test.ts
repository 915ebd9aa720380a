import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import {
  BorrowTimeout,
  ObjectPool,
  PoolClosed,
  type PooledObject,
  PoolExhausted,
  Selector,
  type Status
} from "../src/index.ts"
import { hold, make, serves, settle as turn, start, state } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"
import { late, quietly } from "./support/observed.ts"
import { balanced, type Gate, scripted, slow, Thing } from "./support/scripted.ts"

/** Lets everything happen that is due now, and what follows from that. */
const settle = Effect.repeat(turn, { times: 5 })
const first = (available: ReadonlyArray<PooledObject<Thing>>) => available[0]

const selectors = [
  ["a built-in selector", Selector.roundRobin],
  ["the user's own selector", first],
  [
    "an asynchronous selector",
    (available: ReadonlyArray<PooledObject<Thing>>) => Effect.as(Effect.yieldNow, available[0])
  ]
] as const

describe("suspend", () => {
  for (const [how, select] of selectors) {
    describe(`with ${how}`, () => {
      it.effect("borrowers wait, and resume serves them in order", () =>
        Effect.gen(function*() {
          const script = scripted()
          const pool = yield* make({ acquire: script.acquire, select, size: { min: 2, max: 2 } })
          const served: Array<number> = []
          const work = (n: number) =>
            pool.with(() => Effect.andThen(Effect.sync(() => served.push(n)), Effect.yieldNow))
          yield* pool.suspend

          const workers = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => start(work(n)))
          yield* TestClock.adjust("10 seconds")
          assert.deepInclude(yield* balanced(pool), { waiting: 5, available: 2, leases: 0 })
          yield* pool.resume
          yield* settle

          assert.isTrue(workers.every((worker) => state(worker) === "ok"))
          assert.deepStrictEqual(served, [1, 2, 3, 4, 5])
        }))

      it.effect("borrowers fail under their own deadlines", () =>
        Effect.gen(function*() {
          const pool = yield* make({ objects: [new Thing(1)], select, borrowTimeout: "3 seconds" })
          yield* pool.suspend

          const long = yield* start(Effect.scoped(pool.borrow))
          const short = yield* start(Effect.scoped(pool.borrowWith({ timeout: "1 second" })))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([long, short].map(state), ["waits", "BorrowTimeout"])
          yield* TestClock.adjust("2 seconds")

          const failure = yield* Effect.flip(Fiber.join(long))
          assert.instanceOf(failure, BorrowTimeout)
          assert.strictEqual(failure.phase, "Waiting")
          assert.deepInclude(yield* balanced(pool), { waiting: 0, available: 1 })
        }))

      it.effect("a tryBorrow fails with Suspended, one with a time-out of zero with BorrowTimeout, at once", () =>
        Effect.gen(function*() {
          const pool = yield* make({ objects: [new Thing(1)], select })
          yield* pool.suspend

          const tried = yield* start(Effect.scoped(pool.tryBorrow))
          const zero = yield* start(Effect.scoped(pool.borrowWith({ timeout: 0 })))
          yield* settle

          assert.deepStrictEqual([tried, zero].map(state), ["PoolExhausted Suspended", "BorrowTimeout"])
          assert.deepInclude(yield* balanced(pool), { waiting: 0, available: 1 })
        }))

      it.effect("what comes back is kept for the oldest of those who wait", () =>
        Effect.gen(function*() {
          const script = scripted()
          const pool = yield* make({ acquire: script.acquire, select, size: { max: 1 } })
          const held = yield* hold(pool.borrow)
          const before = yield* start(hold(pool.borrow))
          yield* pool.suspend
          const after = yield* start(hold(pool.borrow))

          yield* held.release
          yield* settle
          assert.deepStrictEqual([before, after].map(state), ["waits", "waits"])
          yield* pool.resume
          yield* settle

          assert.deepStrictEqual([before, after].map(state), ["ok", "waits"])
          assert.strictEqual(script.counts.acquiring, 1)
        }))

      it.effect("nothing is made for a waiter for whom something came back meanwhile", () =>
        Effect.gen(function*() {
          const script = scripted()
          const pool = yield* make({ acquire: script.acquire, select, size: { max: 1 } })
          const held = yield* hold(pool.borrow)
          const waiter = yield* start(hold(pool.borrow))
          yield* pool.suspend
          yield* held.release
          yield* pool.resize({ max: 2 })

          yield* pool.resume
          yield* settle

          assert.strictEqual(state(waiter), "ok")
          assert.strictEqual(script.counts.acquiring, 1)
        }))

      it.effect("maxWaiters bounds those who wait for the end of it", () =>
        Effect.gen(function*() {
          const pool = yield* make({ objects: [new Thing(1)], select, maxWaiters: 1 })
          yield* pool.suspend

          const borrowers = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))
          yield* settle
          assert.deepStrictEqual(borrowers.map(state), ["waits", "PoolExhausted WaitersFull"])
          yield* pool.resume
          yield* settle

          assert.deepStrictEqual(borrowers.map(state), ["ok", "PoolExhausted WaitersFull"])
        }))

      it.effect("a waiter that is interrupted meanwhile is gone; the next is served", () =>
        Effect.gen(function*() {
          const pool = yield* make({ objects: [new Thing(1)], select })
          yield* pool.suspend
          const [one, two] = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]

          yield* Fiber.interrupt(one)
          yield* pool.resume
          yield* settle

          assert.deepStrictEqual([one, two].map(state), ["interrupted", "ok"])
        }))
    })
  }

  it.effect("adding, detecting and upkeep go on", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { every: "10 seconds" },
        size: { min: 2, max: 5 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* pool.suspend

      yield* pool.add(new Thing(101))
      yield* pool.detect
      assert.strictEqual(script.counts.detected, 6)
      yield* TestClock.adjust("59 seconds")
      assert.isAtLeast(script.counts.detected, 15)
      yield* TestClock.adjust("1 second")
      yield* pool.remove(script.things[2]!)
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 0, leases: 0 })
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed).slice(0, 3), [1, 1, 1])
    }))

  it.effect("leases that are open go on, and end as they would", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)], leaseTimeout: "10 seconds" })
      const held = yield* hold(pool.borrow)
      yield* pool.suspend

      yield* TestClock.adjust("5 seconds")
      yield* held.lease.renew
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude(yield* balanced(pool), { leases: 1 })
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* balanced(pool), { leases: 0, available: 1 })
    }))

  it.effect("what is being made for a waiter is made, and lent when the pool resumes", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire })
      const borrower = yield* start(hold(pool.borrow))
      const trying = yield* start(hold(pool.tryBorrow))
      yield* pool.suspend

      yield* TestClock.adjust(slow)
      assert.deepStrictEqual([borrower, trying].map(state), ["waits", "PoolExhausted Suspended"])
      assert.deepInclude(yield* balanced(pool), { available: 2, making: 0, waiting: 1 })
      yield* pool.resume
      yield* settle

      assert.strictEqual(state(borrower), "ok")
      assert.strictEqual(script.counts.acquiring, 2)
    }))

  it.effect("one that does not queue leaves as the pool is suspended while it waits for the user's selector", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        select: (available: ReadonlyArray<PooledObject<string>>) => Effect.as(Effect.sleep(slow), available[0])
      })
      const chosen = yield* start(hold(pool.borrow))
      const trying = yield* start(hold(pool.tryBorrow))
      const waiting = yield* start(hold(pool.borrow))

      yield* pool.suspend
      yield* settle
      assert.deepStrictEqual([chosen, trying, waiting].map(state), ["waits", "PoolExhausted Suspended", "waits"])

      yield* pool.resume
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([chosen, waiting].map(state), ["ok", "ok"])
    }))

  it.effect("nothing is made for those who wait before the pool resumes", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire })
      yield* pool.suspend

      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(script.counts.acquiring, 0)
      yield* pool.resume
      yield* settle

      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok", "ok"])
      assert.strictEqual(script.counts.acquiring, 3)
    }))

  it.effect("an object whose onBorrow was running when the pool was suspended is cleaned up, or lent on resume", () =>
    Effect.gen(function*() {
      const hooks: Array<string> = []
      const pool = yield* make({
        objects: [new Thing(1)],
        onBorrow: () => Effect.andThen(Effect.sleep(slow), Effect.sync(() => hooks.push("borrow"))),
        onRelease: () => Effect.sync(() => hooks.push("release"))
      })
      const borrower = yield* start(hold(pool.borrow))
      yield* pool.suspend

      yield* TestClock.adjust("5 seconds")
      yield* pool.resume
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual(state(borrower), "ok")
      yield* (yield* Fiber.join(borrower)).release
      yield* settle
      assert.strictEqual(
        hooks.filter((hook) => hook === "borrow").length,
        hooks.filter((hook) => hook === "release").length
      )
      assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
    }))

  it.effect("is idempotent, and so is resume", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)] })

      yield* pool.suspend
      yield* pool.suspend
      assert.instanceOf(yield* Effect.flip(Effect.scoped(pool.tryBorrow)), PoolExhausted)
      yield* pool.resume
      yield* pool.resume

      Effect.runSync(pool.with(() => Effect.void))
    }))

  it.effect("suspend, resume and drain fail with PoolClosed once the pool is closed", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)] })
      yield* pool.close

      for (const operation of [pool.suspend, pool.resume, pool.drain]) {
        assert.instanceOf(yield* Effect.flip(operation), PoolClosed)
      }
    }))

  it.effect("a borrower is served by retries that were put off meanwhile", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "fail" : "ok" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: Schedule.spaced("1 second") } })
      const borrower = yield* start(hold(pool.borrow))
      yield* pool.suspend
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(script.counts.acquiring, 1)

      yield* pool.resume
      yield* settle

      assert.strictEqual(state(borrower), "ok")
    }))
})

describe("suspend, while the user's selector has yet to answer", () => {
  it.effect("refuses those beyond maxWaiters who came last: who came first keeps its place", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        maxWaiters: 2,
        select: (available) => Effect.as(Effect.sleep("1 second"), available[0])
      })
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => start(pool.with(() => Effect.void)))
      yield* pool.suspend
      yield* turn

      assert.deepStrictEqual(fibers.slice(0, 2).map(state), ["waits", "waits"])
      assert.deepStrictEqual(fibers.map(state).filter((each) => each === "waits").length, 3)
      assert.match(state(fibers[3]!), /PoolExhausted/)
      yield* pool.resume
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(fibers.slice(0, 2).map(state), ["ok", "ok"])
      yield* balanced(pool)
    }))
})

describe("drain", () => {
  it.effect("suspends, and waits until every lease is back", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire })
      const [one, two] = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      const drain = yield* start(pool.drain)

      const newcomer = yield* start(hold(pool.borrow))
      yield* (yield* Fiber.join(one)).release
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([state(drain), state(newcomer)], ["waits", "waits"])
      yield* (yield* Fiber.join(two)).release
      yield* settle

      assert.deepStrictEqual([state(drain), state(newcomer)], ["ok", "waits"])
      assert.deepInclude(yield* balanced(pool), { leases: 0, available: 2, waiting: 1 })
    }))

  it.effect("resume ends it: those who wait are served", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)] })
      yield* pool.drain
      const borrower = yield* start(hold(pool.borrow))
      assert.strictEqual(state(borrower), "waits")

      yield* pool.resume
      yield* settle

      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("resume ends it while it waits: what is lent stays so, and leases are granted again", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1), new Thing(2)] })
      const held = yield* hold(pool.borrow)
      const drain = yield* start(pool.drain)
      assert.strictEqual(state(drain), "waits")

      yield* pool.resume
      yield* settle

      assert.strictEqual(state(drain), "ok")
      assert.strictEqual((yield* balanced(pool)).leases, 1)
      yield* held.release
      yield* serves(pool, 2)
    }))

  it.effect("does not wait for leases of its caller, under borrow, with, or a lease time-out", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [1, 2, 3].map((n) => new Thing(n)) })

      const drain = yield* start(Effect.scoped(
        Effect.andThen(
          pool.borrow,
          pool.with(() => pool.with(() => pool.drain, { leaseTimeout: "1 hour" }))
        )
      ))
      yield* settle

      assert.strictEqual(state(drain), "ok")
    }))

  it.effect("waits for the others although its caller holds a lease", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1), new Thing(2)] })
      const other = yield* start(pool.with(() => Effect.sleep("5 seconds")))
      const drain = yield* start(pool.with(() => pool.drain))

      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(state(drain), "waits")
      yield* TestClock.adjust(1)

      assert.deepStrictEqual([other, drain].map(state), ["ok", "ok"])
    }))

  for (const how of ["is detached", "expires", "is shared", "is invalidated", "is of an object with a hook"] as const) {
    it.effect(`ends when the last lease ${how}`, () =>
      Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({
          acquire: script.acquire,
          ...(how === "is shared" ? { sharing: 2 } : {}),
          ...(how === "expires" ? { leaseTimeout: "5 seconds" } : {}),
          ...(how === "is of an object with a hook" ? { onRelease: () => Effect.sleep(slow) } : {})
        })
        const scope = yield* Scope.make()
        const held = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
        const drain = yield* start(pool.drain)

        for (const one of held) {
          if (how !== "expires") assert.strictEqual(state(drain), "waits")
          const { lease, release } = yield* Fiber.join(one)
          if (how === "is detached") yield* Scope.provide(lease.detach, scope)
          else if (how === "is invalidated") yield* lease.invalidate
          if (how === "expires") yield* TestClock.adjust("5 seconds")
          else yield* release
          yield* settle
        }

        assert.strictEqual(state(drain), "ok")
        yield* Scope.close(scope, Exit.void)
      }))
  }

  it.effect("that is interrupted leaves the pool suspended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)] })
      const held = yield* start(hold(pool.borrow))
      const drain = yield* start(pool.drain)

      yield* Fiber.interrupt(drain)
      yield* (yield* Fiber.join(held)).release

      const failure = yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      assert.deepInclude(failure, { _tag: "PoolExhausted", reason: "Suspended" })
      yield* pool.resume
      yield* serves(pool, 1)
    }))

  it.effect("fails with PoolClosed when the pool is closed meanwhile", () =>
    Effect.gen(function*() {
      const pool = yield* quietly(make({ objects: [new Thing(1)] }))
      yield* start(hold(pool.borrow))
      const drain = yield* start(pool.drain)

      yield* start(pool.close)
      yield* settle

      assert.strictEqual(state(drain), "PoolClosed")
    }))

  it.effect("twice at once ends twice", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)] })
      const held = yield* start(hold(pool.borrow))
      const drains = [yield* start(pool.drain), yield* start(pool.drain)]

      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.deepStrictEqual(drains.map(state), ["ok", "ok"])
    }))
})

describe("closing.waiters \"serve\"", () => {
  const serve = { waiters: "serve", timeout: "30 seconds" } as const

  for (const [how, select] of selectors) {
    it.effect(`those who wait are served as leases come back, in order, with ${how}`, () =>
      late(Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({ acquire: script.acquire, select, size: { max: 1 }, closing: serve })
        const served: Array<number> = []
        const work = (n: number) =>
          pool.with(() => Effect.andThen(Effect.sync(() => served.push(n)), Effect.sleep(slow)))
        const workers = yield* Effect.forEach([1, 2, 3], (n) => start(work(n)))
        const closing = yield* start(pool.close)

        yield* TestClock.adjust("2999 millis")
        assert.strictEqual(state(closing), "waits")
        yield* TestClock.adjust(1)

        assert.deepStrictEqual(workers.map(state), ["ok", "ok", "ok"])
        assert.deepStrictEqual(served, [1, 2, 3])
        assert.strictEqual(state(closing), "ok")
        assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1])
        assert.deepInclude(yield* balanced(pool), { size: 0, leases: 0, waiting: 0 })
      })))
  }

  for (const detects of [false, true]) {
    it.effect(`those who wait are served as objects are made${detects ? " and detected" : ""}`, () =>
      late(Effect.gen(function*() {
        const script = scripted({ acquire: "slow", detect: "slow" })
        const pool = yield* make({
          acquire: script.acquire,
          closing: serve,
          ...(detects ? { detectStatus: script.detectStatus } : {})
        })
        const workers = yield* Effect.forEach([1, 2, 3], () => start(pool.with(() => Effect.sleep("5 seconds"))))
        const closing = yield* start(pool.close)

        yield* TestClock.adjust("7 seconds")

        assert.deepStrictEqual(workers.map(state), ["ok", "ok", "ok"])
        assert.strictEqual(state(closing), "ok")
        assert.strictEqual(script.counts.acquiring, 3)
        assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1])
      })))
  }

  it.effect("what is made fails: its waiter gets that, and the pool closes", () =>
    late(Effect.gen(function*() {
      let attempts = 0
      const acquire: Effect.Effect<number, "refused"> = Effect.suspend(() =>
        // an endless loop would not be seen by the clock
        ++attempts > 100 ? Effect.never : Effect.andThen(Effect.sleep(slow), Effect.fail("refused" as const))
      )
      const pool = yield* make({ acquire, size: { max: 1 }, closing: serve })
      const workers = yield* Effect.forEach([1, 2], () => start(pool.with(() => Effect.void)))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("2100 millis")

      assert.deepStrictEqual(workers.map(state), ["refused", "refused"])
      assert.strictEqual(state(closing), "ok")
      assert.strictEqual(attempts, 2)
    })))

  it.effect("what is made fails at once while the pool closes: each waiter gets one attempt, in its turn", () =>
    late(Effect.gen(function*() {
      let failing = false
      let attempts = 0
      const acquire: Effect.Effect<number, "refused"> = Effect.suspend(() => {
        if (!failing) return Effect.succeed(1)
        return ++attempts > 100 ? Effect.never : Effect.fail("refused" as const)
      })
      const pool = yield* make({ acquire, size: { max: 1 }, closing: serve })
      const held = yield* start(hold(pool.borrow))
      const workers = yield* Effect.forEach([1, 2, 3], () => start(pool.with(() => Effect.void)))
      const closing = yield* start(pool.close)

      failing = true
      const { lease, release } = yield* Fiber.join(held)
      yield* lease.invalidate
      yield* release
      yield* TestClock.adjust("300 millis")

      assert.deepStrictEqual(workers.map(state), ["refused", "refused", "refused"])
      assert.strictEqual(attempts, 3)
      assert.strictEqual(state(closing), "ok")
    })))

  it.effect("what is made takes too long: its waiter fails with BorrowTimeout", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* make({ acquire: script.acquire, creation: { timeout: "5 seconds" }, closing: serve })
      const worker = yield* start(pool.with(() => Effect.void))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("5 seconds")

      assert.deepStrictEqual([state(worker), state(closing)], ["BorrowTimeout", "ok"])
    })))

  it.effect("retries go on for those who wait", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n < 4 ? "fail" : "ok" })
      const pool = yield* make({
        acquire: script.acquire,
        creation: { retry: Schedule.spaced("1 second") },
        closing: serve
      })
      const worker = yield* start(pool.with(() => Effect.void))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("3 seconds")

      assert.deepStrictEqual([state(worker), state(closing)], ["ok", "ok"])
    })))

  it.effect("newcomers fail with PoolClosed, whatever they ask", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 1 }, closing: serve })
      const held = yield* start(hold(pool.borrow))
      const waiter = yield* start(pool.with(() => Effect.void))
      yield* start(pool.close)

      for (
        const operation of [
          Effect.scoped(pool.borrow),
          Effect.scoped(pool.tryBorrow),
          pool.with(() => Effect.void),
          pool.add(new Thing(101)),
          pool.detect,
          pool.ready,
          pool.rotate,
          pool.resize({ max: 2 }),
          pool.suspend,
          pool.resume,
          pool.drain
        ]
      ) {
        assert.instanceOf(yield* Effect.flip(operation as Effect.Effect<unknown, unknown>), PoolClosed)
      }
      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.strictEqual(state(waiter), "ok")
    })))

  it.effect("those still waiting at closing.timeout fail, and leases that are open are revoked", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* quietly(
        make({ acquire: script.acquire, size: { max: 1 }, borrowTimeout: "Infinity", closing: serve })
      )
      const held = yield* start(hold(pool.borrow))
      const waiter = yield* start(Effect.scoped(pool.borrow))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("29999 millis")
      assert.deepStrictEqual([state(waiter), state(closing)], ["waits", "waits"])
      yield* TestClock.adjust(1)

      assert.deepStrictEqual([state(waiter), state(closing)], ["PoolClosed", "ok"])
      const { lease } = yield* Fiber.join(held)
      assert.deepInclude(yield* Effect.flip(lease.expired), { reason: "Closed" })
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1])
    })))

  it.effect("those who wait keep their own deadlines, and may be interrupted", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 1 }, closing: serve })
      const held = yield* start(hold(pool.borrow))
      const brief = yield* start(Effect.scoped(pool.borrowWith({ timeout: "1 second" })))
      const leaver = yield* start(Effect.scoped(pool.borrow))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(leaver)
      yield* settle
      assert.deepStrictEqual([state(brief), state(closing)], ["BorrowTimeout", "waits"])
      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.strictEqual(state(closing), "ok")
      assert.strictEqual(script.things[0]!.destroyed, 1)
    })))

  it.effect("idle objects are kept for those who wait, and go when nobody waits any more", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const objects = [new Thing(101), new Thing(102)]
      const pool = yield* make({ acquire: script.acquire, objects, closing: serve, size: { max: 2 } })
      const held = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 101 })))
      const waiter = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 101 })))
      const closing = yield* start(pool.close)
      assert.deepInclude(yield* balanced(pool), { available: 1, borrowed: 1, waiting: 1 })

      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.strictEqual(state(waiter), "ok")
      assert.deepInclude(yield* balanced(pool), { available: 0, borrowed: 1, size: 1 })
      yield* (yield* Fiber.join(waiter)).release
      yield* settle
      assert.strictEqual(state(closing), "ok")
    })))

  it.effect("nothing is made for the minimum, and nothing is replaced", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 2, max: 2 },
        lifetime: { maxBorrows: 1 },
        closing: serve
      })
      const held = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))
      const waiter = yield* start(pool.with(() => Effect.void))
      const closing = yield* start(pool.close)

      for (const one of held) yield* (yield* Fiber.join(one)).release
      yield* settle

      assert.deepStrictEqual([state(waiter), state(closing)], ["ok", "ok"])
      assert.strictEqual(script.counts.acquiring, 3)
      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
    })))

  it.effect("a suspended pool fails those who wait at once", () =>
    late(Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)], closing: serve })
      yield* pool.suspend
      const waiter = yield* start(Effect.scoped(pool.borrow))

      const closing = yield* start(pool.close)
      yield* settle

      assert.deepStrictEqual([state(waiter), state(closing)], ["PoolClosed", "ok"])
    })))

  it.effect("nobody waits: the pool closes as it does otherwise", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 2 }, closing: serve })
      const held = yield* start(hold(pool.borrow))
      const closing = yield* start(pool.close)
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1 })
      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.strictEqual(state(closing), "ok")
    })))

  it.effect("a timeout of 0 leaves no time to serve anybody", () =>
    Effect.gen(function*() {
      const pool = yield* quietly(make({ objects: [new Thing(1)], closing: { waiters: "serve", timeout: 0 } }))
      yield* start(hold(pool.borrow))
      const waiter = yield* start(Effect.scoped(pool.borrow))

      const closing = yield* start(pool.close)
      yield* settle

      assert.deepStrictEqual([state(waiter), state(closing)], ["PoolClosed", "ok"])
    }))

  for (const leaseTimeout of [undefined, "1 hour"] as const) {
    it.effect(`closing from inside a body with ${leaseTimeout ?? "no"} lease time-out serves the others first`, () =>
      late(Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({ acquire: script.acquire, size: { max: 1 }, leaseTimeout, closing: serve })
        const inside = yield* start(pool.with(() => Effect.andThen(Effect.yieldNow, Effect.as(pool.close, "mine"))))
        const waiter = yield* start(pool.with(() => Effect.sleep("5 seconds")))

        yield* TestClock.adjust("4999 millis")
        assert.deepStrictEqual([state(inside), state(waiter)], ["waits", "waits"])
        yield* TestClock.adjust(1)

        assert.deepStrictEqual([state(inside), state(waiter)], ["ok", "ok"])
        assert.strictEqual(yield* Fiber.join(inside), "mine")
        assert.deepInclude(yield* balanced(pool), { size: 0, leases: 0 })
      })))
  }

  it.effect("a waiter that closes the pool when it is served is not waited for", () =>
    late(Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(1)], closing: serve })
      const held = yield* start(hold(pool.borrow))
      const again = yield* start(pool.with(() => pool.close))
      const closing = yield* start(pool.close)

      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.deepStrictEqual([state(again), state(closing)], ["ok", "ok"])
    })))

  it.effect("an object whose detector refuses it does not serve; the next one does", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: ({ object }) => object.n === 1 ? "Invalid" : "Available",
        detection: { onAdd: false, onBorrow: false, onRelease: true },
        size: { max: 1 },
        closing: serve
      })
      const held = yield* start(hold(pool.borrow))
      const waiter = yield* start(pool.with((lease) => Effect.succeed(lease.object.n)))
      const closing = yield* start(pool.close)

      yield* (yield* Fiber.join(held)).release
      yield* settle

      assert.strictEqual(yield* Fiber.join(waiter), 2)
      assert.strictEqual(state(closing), "ok")
    })))

  it.effect("leaves no timer and no object", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const script = scripted({ acquire: "slow" })
      const pool = yield* within(ObjectPool.make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        lifetime: { timeToLive: "1 hour", idleTimeToLive: "1 hour" },
        creation: { retry: Schedule.spaced("1 hour") },
        closing: serve
      }))
      const workers = yield* Effect.forEach([1, 2, 3, 4], () => start(pool.with(() => Effect.sleep(slow))))
      const closing = yield* start(pool.close)

      yield* TestClock.adjust("3 seconds")

      assert.isTrue(workers.every((worker) => state(worker) === "ok"))
      assert.strictEqual(state(closing), "ok")
      yield* settle
      assert.strictEqual(counts.sleeping, 0)
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
    }))
})

describe("what comes back while the pool is suspended", () => {
  it.effect("goes to the oldest waiter, though something is being detected for it", () =>
    Effect.gen(function*() {
      let answer: Effect.Effect<Status.Answer> = Effect.succeed("Available")
      const pool = yield* make<string>({
        objects: ["a", "b"],
        detectStatus: () => Effect.suspend(() => answer),
        detection: { onBorrow: { trustFor: "1 minute" }, onAdd: false, timeout: "Infinity" }
      })
      const one = yield* hold(pool.borrow)
      answer = Effect.never
      const older = yield* start(hold(pool.borrow))
      const younger = yield* start(hold(pool.borrow))
      yield* settle
      yield* pool.suspend
      yield* one.release
      yield* pool.resume
      yield* settle
      assert.deepStrictEqual([older, younger].map(state), ["ok", "waits"])
      assert.strictEqual((yield* Fiber.join(older)).lease.object, one.lease.object)
    }))
})

describe("a selector of the user's own", () => {
  it.effect("is asked about what may be lent as the pool resumes, whatever is being detected", () =>
    Effect.gen(function*() {
      let answer: Effect.Effect<Status.Answer> = Effect.succeed("Available")
      let wanted = "a"
      const pool = yield* make<string>({
        objects: ["a", "b"],
        select: (available) => available.find(({ object }) => object === wanted),
        detectStatus: () => Effect.suspend(() => answer),
        detection: { onBorrow: { trustFor: "1 minute" }, timeout: "Infinity" }
      })
      yield* TestClock.adjust("2 minutes")
      yield* Effect.scoped(pool.borrow)
      wanted = "b"
      answer = Effect.never
      // the other one may be lent without a detection, but was not chosen
      const waiting = yield* start(hold(pool.borrow))
      yield* pool.suspend
      yield* pool.resume
      yield* settle
      assert.strictEqual(state(waiting), "waits")
    }))
})
