import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { BorrowTimeout, ObjectPool, PoolClosed, PoolExhausted } from "../src/index.ts"
import { hold, keep, make, settle, start, state } from "./support/borrowers.ts"
import { late, quietly } from "./support/observed.ts"
import { balanced, Failed, type Gate, scripted, slow, timed } from "./support/scripted.ts"

const every = Schedule.spaced("100 millis")
const twice = Schedule.upTo(every, { times: 2 })

/** An `acquire` that cannot be interrupted, and takes 60 seconds; what it does then is said, what happened is counted. */
const stubborn = (end: "ok" | "fail" | "die" = "ok", release: Effect.Effect<void> = Effect.void) => {
  const counts = { begun: 0, made: 0, destroyed: 0 }
  const acquire = Effect.acquireRelease(
    Effect.suspend(() => {
      counts.begun++
      return Effect.andThen(
        Effect.sleep("60 seconds"),
        Effect.suspend(() => {
          if (end === "fail") return Effect.fail("refused" as const)
          if (end === "die") return Effect.die("broken")
          return Effect.succeed({ n: ++counts.made })
        })
      )
    }),
    () =>
      Effect.andThen(
        release,
        Effect.sync(() => {
          counts.destroyed++
        })
      )
  )
  return { acquire, counts }
}

describe("creation.concurrency", () => {
  it.effect("bounds how many objects are made at once; the others wait for their turn", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { max: 5 }, creation: { concurrency: 2 } })
      const got: Array<unknown> = []

      for (let i = 0; i < 5; i++) yield* keep(pool.borrow, got)
      assert.deepInclude(yield* balanced(pool), { making: 2, waiting: 5 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { making: 2, waiting: 3 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 1 })
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(got, script.things)
    }))

  it.effect("bounds the refill of the minimum as well", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 3 }, creation: { concurrency: 1 } })
      const sizes: Array<number> = []

      for (let i = 0; i < 4; i++) {
        const stats = yield* balanced(pool)
        assert.isAtMost(stats.making, 1)
        sizes.push(stats.size)
        yield* TestClock.adjust(slow)
      }

      assert.deepStrictEqual(sizes, [0, 1, 2, 3])
    }))

  it.effect("a tryBorrow whose creation would be one too many is refused", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, creation: { concurrency: 1 } })
      yield* keep(pool.borrow)

      const failure = yield* Effect.flip(Effect.scoped(pool.tryBorrow))

      assert.instanceOf(failure, PoolExhausted)
      assert.strictEqual(failure.reason, "NoneAvailable")
    }))

  it.effect("one whose waiter has left keeps its turn until it has ended", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, creation: { concurrency: 1 } })
      const leaver = yield* keep(pool.borrow)
      yield* TestClock.adjust("500 millis")

      yield* Fiber.interrupt(leaver)
      const got: Array<unknown> = []
      yield* keep(pool.borrow, got)
      assert.strictEqual(script.counts.acquiring, 1)
      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(got, [script.things[0]])
    }))
})

describe("creation.timeout", () => {
  it.effect("is 30 seconds: then the oldest waiter fails with BorrowTimeout, and the next gets the next attempt", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "never" : "ok" })
      const pool = yield* make({ acquire: script.acquire, size: { max: 1 }, borrowTimeout: "Infinity" })
      const first = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("10 seconds")
      const second = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("19999 millis")
      assert.deepStrictEqual([first, second].map(state), ["waits", "waits"])
      yield* TestClock.adjust(1)
      const failure = yield* Effect.flip(Fiber.join(first))

      assert.instanceOf(failure, BorrowTimeout)
      assert.strictEqual(failure.phase, "Acquiring")
      assert.strictEqual(state(second), "ok")
      assert.deepInclude(yield* balanced(pool), { making: 0, size: 1, waiting: 0 })
    }))

  it.effect("fails the waiter at once, but frees the room only when the creation has really ended", () =>
    late(Effect.gen(function*() {
      const { acquire, counts } = stubborn()
      const pool = yield* make({
        acquire,
        size: { max: 1 },
        creation: { timeout: "5 seconds" },
        borrowTimeout: "Infinity"
      })
      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([first, second].map(state), ["BorrowTimeout", "waits"])
      assert.deepInclude(yield* balanced(pool), { making: 1, size: 0, waiting: 1 })
      yield* TestClock.adjust("54999 millis")
      assert.strictEqual(counts.begun, 1)
      yield* TestClock.adjust(1)

      assert.strictEqual(counts.begun, 2)
      assert.deepInclude(yield* balanced(pool), { making: 1, size: 0, waiting: 1 })
    })))

  it.effect("what is made too late is destroyed once, and lent to nobody", () =>
    late(Effect.gen(function*() {
      const { acquire, counts } = stubborn()
      const pool = yield* make({ acquire, creation: { timeout: "5 seconds" } })
      const borrower = yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("2 minutes")

      assert.strictEqual(state(borrower), "BorrowTimeout")
      assert.deepInclude(counts, { made: 1, destroyed: 1 })
      const { totals, ...stats } = yield* balanced(pool)
      assert.deepInclude(totals, { borrowed: 0, timedOut: 1 })
      assert.strictEqual(totals.made, totals.destroyed)
      assert.deepInclude(stats, { size: 0, making: 0 })
    })))

  for (const end of ["fail", "die"] as const) {
    it.effect(`a creation that is too late and then ${end}s fails nobody else`, () =>
      late(Effect.gen(function*() {
        const { acquire } = stubborn(end)
        const pool = yield* quietly(
          make({ acquire, size: { max: 1 }, creation: { timeout: "5 seconds" }, borrowTimeout: "Infinity" })
        )
        const first = yield* start(Effect.scoped(pool.borrow))
        const second = yield* start(Effect.scoped(pool.borrow))

        yield* TestClock.adjust("61 seconds")

        assert.deepStrictEqual([first, second].map(state), ["BorrowTimeout", "waits"])
        assert.deepInclude(yield* balanced(pool), { making: 1, size: 0, waiting: 1 })
        assert.deepInclude((yield* pool.stats).totals, { made: 0, destroyed: 0 })
      })))
  }

  it.effect("a destroy of a late object that hangs is given up after hookTimeout, as any other", () =>
    late(Effect.gen(function*() {
      const { acquire, counts } = stubborn("ok", Effect.never)
      const pool = yield* quietly(make({ acquire, size: { max: 1 }, creation: { timeout: "5 seconds" } }))
      yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(counts.made, 1)
      yield* TestClock.adjust("10 seconds")

      assert.deepInclude(yield* balanced(pool), { making: 0, size: 0 })
    })))

  for (const when of ["at once", "later"] as const) {
    it.effect(`what has failed ${when} and cannot clean up is given up after hookTimeout: its borrower fails with E`, () =>
      late(Effect.gen(function*() {
        let n = 0
        const broken = Effect.andThen(
          Effect.addFinalizer(() => Effect.never),
          Effect.andThen(when === "at once" ? Effect.void : Effect.sleep("1 second"), Effect.fail("no"))
        )
        const pool = yield* quietly(make({
          acquire: Effect.suspend(() => ++n === 1 ? broken : Effect.succeed(n)),
          size: { max: 1 },
          hookTimeout: "3 seconds"
        }))
        const first = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(state(first), "waits")
        const second = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("2100 millis")

        assert.deepStrictEqual([first, second].map(state), ["no", "ok"])
        assert.deepInclude(yield* balanced(pool), { making: 0, size: 1 })
      })))
  }

  it.effect("a waiter whose own creation is in time does not wait longer because another was late", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "never" : "slow" })
      const pool = yield* make({ acquire: script.acquire, creation: { timeout: "5 seconds" } })
      const first = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("4500 millis")
      const second = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([first, second].map(state), ["BorrowTimeout", "ok"])
      assert.strictEqual(script.counts.acquiring, 2)
    }))

  it.effect("a tryBorrow whose creation takes too long fails with BorrowTimeout", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* make({ acquire: script.acquire, creation: { timeout: "5 seconds" } })
      const borrower = yield* start(Effect.scoped(pool.tryBorrow))

      yield* TestClock.adjust("5 seconds")

      assert.strictEqual(state(borrower), "BorrowTimeout")
      assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 0 })
    }))

  it.effect("that is infinite never ends a creation", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* make({
        acquire: script.acquire,
        creation: { timeout: "Infinity" },
        borrowTimeout: "Infinity"
      })
      const borrower = yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("30 days")

      assert.strictEqual(state(borrower), "waits")
      assert.deepInclude(yield* balanced(pool), { making: 1 })
    }))

  it.effect("of a pool that closes meanwhile: what is made after all is destroyed", () =>
    late(Effect.gen(function*() {
      const { acquire, counts } = stubborn()
      const pool = yield* quietly(make({ acquire, creation: { timeout: "5 seconds" } }))
      yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("5 seconds")

      const closing = yield* start(pool.close)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(state(closing), "ok", "given up after hookTimeout")
      yield* TestClock.adjust("1 minute")

      assert.deepInclude(counts, { made: 1, destroyed: 1 })
    })))
})

describe("creation.retry", () => {
  it.effect("on a dead back end there is one attempt a turn, however many wait", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { max: 20 },
        creation: { retry: Schedule.exponential("100 millis") },
        borrowTimeout: "Infinity"
      })

      const borrowers = yield* Effect.forEach(Array.from({ length: 20 }), () => start(Effect.scoped(pool.borrow)))
      yield* TestClock.adjust("3100 millis")

      assert.deepStrictEqual(script.attempts, [0, 100, 300, 700, 1500, 3100])
      assert.isTrue(borrowers.every((borrower) => state(borrower) === "waits"))
      assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 20 })
    }))

  it.effect("a success resets it, and lets all the others be tried at once", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { max: 4 },
        creation: { retry: Schedule.exponential("100 millis") }
      })
      const borrowers = yield* Effect.forEach(Array.from({ length: 4 }), () => start(hold(pool.borrow)))

      yield* TestClock.adjust("299 millis")
      script.script.acquire = "ok"
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok", "ok", "ok"])
      assert.deepStrictEqual(script.attempts, [0, 100, 300, 300, 300, 300])
      script.script.acquire = "fail"
      const { lease, release } = yield* Fiber.join(borrowers[0]!)
      yield* lease.invalidate
      yield* release
      yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("300 millis")

      assert.deepStrictEqual(script.attempts.slice(6), [300, 400, 600])
    }))

  it.effect("once done the oldest waiter fails with E, and the next gets the next attempt, under a new one", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: twice }, borrowTimeout: "Infinity" })
      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("199 millis")
      assert.deepStrictEqual([first, second].map(state), ["waits", "waits"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([first, second].map(state), ["Failed", "waits"])
      yield* TestClock.adjust("200 millis")

      assert.instanceOf(yield* Effect.flip(Fiber.join(first)), Failed)
      assert.deepStrictEqual([first, second].map(state), ["Failed", "Failed"])
      assert.deepStrictEqual(script.attempts, [0, 100, 200, 200, 300, 400])
      assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 0, size: 0 })
    }))

  it.effect(
    "a schedule that is done at once fails each waiter with its own attempt, without deep stacks",
    () =>
      Effect.gen(function*() {
        const script = yield* timed({ acquire: "fail" })
        const pool = yield* make({ acquire: script.acquire, size: { max: 1 }, creation: { retry: Schedule.recurs(0) } })
        yield* pool.suspend
        const borrowers = yield* Effect.forEach(Array.from({ length: 3000 }), () => start(Effect.scoped(pool.borrow)))

        yield* pool.resume
        yield* settle

        assert.isTrue(borrowers.every((borrower) => state(borrower) === "Failed"))
        assert.strictEqual(script.attempts.length, 3000)
      }),
    { tags: "large" }
  )

  for (const [what, failing] of [["defects", Effect.die("broken")], ["time-outs", Effect.never]] as const) {
    it.effect(`${what} are not retried`, () =>
      Effect.gen(function*() {
        let attempts = 0
        const acquire: Effect.Effect<number, "refused"> = Effect.suspend(() => {
          attempts++
          return failing
        })
        const pool = yield* make({ acquire, creation: { retry: every, timeout: "1 second" } })
        const borrower = yield* start(Effect.scoped(pool.borrow))

        yield* TestClock.adjust("10 seconds")

        assert.strictEqual(state(borrower), what === "defects" ? "broken" : "BorrowTimeout")
        assert.strictEqual(attempts, 1)
      }))
  }

  it.effect("several creations in flight cause one step of it when they fail together", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const acquire = Effect.andThen(Effect.sleep("1 second"), script.acquire)
      const pool = yield* make({ acquire, creation: { retry: Schedule.exponential("100 millis") } })
      const borrowers = yield* Effect.forEach(Array.from({ length: 5 }), () => start(Effect.scoped(pool.borrow)))

      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { making: 0, waiting: 5 })
      yield* TestClock.adjust("99 millis")
      assert.deepInclude(yield* balanced(pool), { making: 0 })
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* balanced(pool), { making: 1 })
      yield* TestClock.adjust("1200 millis")

      assert.deepStrictEqual(script.attempts, [1000, 1000, 1000, 1000, 1000, 2100])
      assert.isTrue(borrowers.every((borrower) => state(borrower) === "waits"))
      assert.deepInclude(yield* balanced(pool), { making: 1 })
    }))

  it.effect("one that was in flight when another failed and succeeds resets it at once", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: (n): Gate => n === 1 ? "fail" : n === 2 ? "slow" : "ok" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: Schedule.spaced("10 seconds") } })
      yield* pool.suspend
      const borrowers = yield* Effect.forEach(Array.from({ length: 2 }), () => start(hold(pool.borrow)))
      yield* pool.resume
      yield* TestClock.adjust("9 seconds")

      assert.isAtMost(borrowers.filter((borrower) => state(borrower) === "waits").length, 2)
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok"])
      assert.strictEqual(script.attempts[0], 0)
      assert.strictEqual(script.attempts[1], 10_000)
    }))

  it.effect("a creation that hangs does not keep the next attempt from being made", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: (n): Gate => n === 1 ? "never" : n === 2 ? "fail" : "ok" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: every, timeout: "Infinity" } })
      const first = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      const second = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(script.attempts.slice(0, 3), [0, 1000, 1100])
      // what hangs counts for the second now
      assert.deepStrictEqual([first, second].map(state), ["ok", "waits"])
    }))

  it.effect("a tryBorrow fails with its own failure, at once; nobody else fails", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: every } })

      const failure = yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      const within = yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      yield* TestClock.adjust("100 millis")
      const again = yield* Effect.flip(Effect.scoped(pool.tryBorrow))

      assert.instanceOf(failure, Failed)
      assert.instanceOf(within, PoolExhausted)
      assert.instanceOf(again, Failed)
      assert.strictEqual(script.counts.acquiring, 2)
    }))

  it.effect("a borrower comes in between two attempts and waits for the next, under its own deadline", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: Schedule.spaced("10 seconds") } })
      const first = yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("1 second")
      const brief = yield* start(Effect.scoped(pool.borrowWith({ timeout: "2 seconds" })))

      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual([first, brief].map(state), ["waits", "BorrowTimeout"])
      assert.deepStrictEqual(script.attempts, [0])
    }))

  it.effect("the BorrowTimeout of a borrower that waited for attempts that failed tells the last failure", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: every }, borrowTimeout: "1 second" })
      const borrower = yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("1 second")
      const failure = yield* Effect.flip(Fiber.join(borrower))

      assert.instanceOf(failure, BorrowTimeout)
      assert.instanceOf(failure.lastFailure, Failed)
    }))

  it.effect("a waiter is served by what comes back between two attempts", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, creation: { retry: Schedule.spaced("10 seconds") } })
      const held = yield* hold(pool.borrow)
      script.script.acquire = "fail"
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(borrower), "waits")

      yield* held.release
      yield* settle

      assert.strictEqual(state(borrower), "ok")
      assert.strictEqual((yield* Fiber.join(borrower)).lease.object, script.things[0])
    }))

  it.effect("heals the minimum under the same schedule", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: (n): Gate => n < 4 ? "fail" : "ok" })
      const pool = yield* quietly(make({
        acquire: script.acquire,
        size: { min: 3 },
        creation: { retry: Schedule.exponential("1 second") }
      }))

      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(script.attempts, [0, 1000, 3000, 7000, 7000, 7000])
      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3, making: 0 })
    }))

  it.effect("the minimum and the waiters share one attempt a turn", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 3 }, creation: { retry: every } }))
      for (let i = 0; i < 3; i++) yield* keep(pool.borrow)

      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(script.attempts, [0, 100, 200, 300, 400, 500])
    }))

  it.effect("a waiter that leaves between two attempts has nothing made for it any more", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: every } })
      const borrower = yield* keep(pool.borrow)
      yield* TestClock.adjust("150 millis")

      yield* Fiber.interrupt(borrower)
      yield* TestClock.adjust("1 minute")

      assert.deepStrictEqual(script.attempts, [0, 100])
      assert.deepInclude(yield* balanced(pool), { waiting: 0, making: 0 })
    }))

  it.effect("a pool that is closed between two attempts makes no other", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: "fail" })
      const pool = yield* make({ acquire: script.acquire, creation: { retry: every } })
      const borrower = yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("150 millis")

      yield* pool.close
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state(borrower), "PoolClosed")
      assert.deepStrictEqual(script.attempts, [0, 100])
    }))

  it.effect("is given the failure of each attempt", () =>
    Effect.gen(function*() {
      let n = 0
      const acquire: Effect.Effect<string, number> = Effect.suspend(() => Effect.fail(++n))
      const retry = Schedule.while(every, ({ input }) => Effect.succeed(input !== 3))
      const pool = yield* make({ acquire, creation: { retry } })
      const borrower = yield* start(Effect.flip(Effect.scoped(pool.borrow)))

      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(borrower), 3)
    }))
})

describe("the minimum", () => {
  it.effect("is made from the moment that the pool is built, nobody asking", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 3, max: 5 } })

      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3, making: 0, min: 3, max: 5 })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(script.counts.acquiring, 3)
    }))

  it.effect("counts the objects that the pool is given", () =>
    Effect.gen(function*() {
      const script = scripted()
      const things = scripted()
      const given = yield* Effect.scoped(things.acquire)
      const pool = yield* make({ acquire: script.acquire, objects: [given], size: { min: 3, max: 5 } })

      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3 })
      assert.strictEqual(script.counts.acquiring, 2)
    }))

  it.effect("is made again after each eviction, a lease that is detached included", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 2, max: 5 } })
      const scope = yield* Scope.make()

      yield* pool.with((lease) => lease.invalidate)
      yield* settle
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
      yield* pool.with((lease) => Scope.provide(lease.detach, scope))
      yield* settle
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
      yield* pool.remove(script.things[script.things.length - 1]!)
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
      assert.strictEqual(script.counts.acquiring, 5)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("a creation that takes too long does not stop the refill: another follows, after a back-off", () =>
    Effect.gen(function*() {
      const script = yield* timed({ acquire: (n): Gate => n === 1 ? "never" : "ok" })
      const pool = yield* quietly(
        make({ acquire: script.acquire, size: { min: 1 }, creation: { timeout: "5 seconds" } })
      )

      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(script.attempts, [0, 5100])
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0 })
    }))
})

describe("what is late, and does not end", () => {
  const hangs = (n: number, ms: number) => Effect.as(Effect.uninterruptible(Effect.sleep(ms)), n)

  it.effect("keeps no attempt of creation.retry from starting, where there is room", () =>
    late(Effect.gen(function*() {
      let n = 0
      const pool = yield* quietly(make({
        acquire: Effect.suspend(() => ++n === 1 ? Effect.fail("no") : n === 2 ? hangs(n, 20_000) : Effect.succeed(n)),
        size: { max: 2 },
        creation: { timeout: "1 second", retry: every }
      }))
      const [first, second] = [yield* keep(pool.borrow), yield* keep(pool.borrow)]
      yield* TestClock.adjust("1100 millis")

      assert.deepStrictEqual([state(first), state(second)], ["BorrowTimeout", "waits"])
      assert.deepInclude(yield* balanced(pool), { leases: 1, making: 1 })
    })))

  it.effect("does not count for the minimum, nor for a rotation", () =>
    late(Effect.gen(function*() {
      let n = 0
      const pool = yield* quietly(make({
        acquire: Effect.suspend(() => ++n === 1 ? hangs(n, 3_600_000) : Effect.succeed(n)),
        size: { min: 1, max: 2 },
        creation: { timeout: "1 second" }
      }))
      yield* TestClock.adjust("500 millis")
      const rotation = yield* start(pool.rotate)
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* balanced(pool), { available: 1, making: 1 })
      assert.strictEqual(state(rotation), "ok")
    })))
})

describe("a success of creation.retry", () => {
  it.effect("ends the wait for the next attempt", () =>
    Effect.gen(function*() {
      let n = 0
      const pool = yield* make({
        acquire: Effect.suspend(() => {
          if (++n === 1) return Effect.andThen(Effect.sleep("1 second"), Effect.fail("no"))
          return Effect.as(Effect.sleep(n === 2 ? "2 seconds" : "1 second"), n)
        }),
        size: { max: 3 },
        creation: { retry: Schedule.spaced("1 hour") }
      })
      const borrowers = [yield* keep(pool.borrow), yield* keep(pool.borrow)]
      yield* TestClock.adjust("3 seconds")

      assert.deepStrictEqual(borrowers.map(state), ["waits", "waits"])
      assert.deepInclude(yield* balanced(pool), { leases: 2, waiting: 0 })
    }))
})

describe("an attempt of creation.retry that takes too long", () => {
  it.effect("fails its waiter, and leaves the next attempt to the next", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "fail" : n === 2 ? "never" : "ok" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { max: 1 },
        creation: { retry: every, timeout: "5 seconds" }
      })
      const [first, second] = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]

      yield* TestClock.adjust("5099 millis")
      assert.deepStrictEqual([first, second].map(state), ["waits", "waits"])
      yield* TestClock.adjust(1)

      assert.deepStrictEqual([first, second].map(state), ["BorrowTimeout", "ok"])
    }))
})

describe("ready", () => {
  it.effect("waits until the minimum can be lent", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        size: { min: 2 },
        creation: { concurrency: 1 }
      })
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust("2999 millis")
      assert.strictEqual(state(ready), "waits")
      assert.deepInclude(yield* balanced(pool), { available: 1, pending: 1 })
      yield* TestClock.adjust(1)

      assert.strictEqual(state(ready), "ok")
    }))

  it.effect("is at once where the minimum is 0, or is there, lent or not", () =>
    Effect.gen(function*() {
      const script = scripted()
      const none = yield* make({ acquire: scripted({ acquire: "never" }).acquire })
      const pool = yield* make({ acquire: script.acquire, size: { min: 2 } })
      yield* hold(pool.borrow)

      Effect.runSync(none.ready)
      Effect.runSync(pool.ready)
    }))

  it.effect("fails with the failure of an attempt as soon as none is under way", () =>
    Effect.gen(function*() {
      let n = 0
      const acquire = Effect.suspend(() => {
        const mine = ++n
        return Effect.andThen(Effect.sleep(1000 + mine * 20), Effect.fail(`refused ${mine}` as const))
      })
      const pool = yield* quietly(make({ acquire, size: { min: 3 } }))
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust("1059 millis")
      assert.strictEqual(state(ready), "waits")
      yield* TestClock.adjust(1)
      assert.strictEqual(state(ready), "refused 3")

      assert.strictEqual(yield* Effect.flip(Fiber.join(ready)), "refused 3")
    }))

  it.effect("fails with a failure that came at once, when the pool was built, at the next attempt", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "fail" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 1 } }))
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust("100 millis")

      assert.instanceOf(yield* Effect.flip(Fiber.join(ready)), Failed)
    }))

  it.effect("dies with the defect of an attempt", () =>
    Effect.gen(function*() {
      const acquire: Effect.Effect<number> = Effect.andThen(Effect.sleep(slow), Effect.die("broken"))
      const pool = yield* quietly(make({ acquire, size: { min: 1 } }))
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(ready.pollUnsafe(), Exit.die("broken"))
    }))

  it.effect("fails where making hangs, when creation.timeout is over", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 1 } }))
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(state(ready), "waits")
      yield* TestClock.adjust("200 millis")

      assert.notInclude(["waits", "ok"], state(ready))
    }))

  it.effect("with a retry fails at the first failed attempt all the same", () =>
    Effect.gen(function*() {
      const acquire = Effect.andThen(Effect.sleep(slow), Effect.fail("refused" as const))
      const pool = yield* quietly(
        make({ acquire, size: { min: 2 }, creation: { retry: Schedule.upTo(every, { times: 5 }) } })
      )
      const ready = yield* start(pool.ready)

      yield* TestClock.adjust("999 millis")
      assert.strictEqual(state(ready), "waits")
      yield* TestClock.adjust(1)

      assert.strictEqual(state(ready), "refused")
    }))

  it.effect("with a retry, asked again and again, ends well when an attempt within the schedule does", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n < 4 ? "fail" : "ok" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 2 }, creation: { retry: every } }))
      const ready = yield* start(Effect.retry(pool.ready, { times: 2 }))

      yield* TestClock.adjust("300 millis")

      assert.strictEqual(state(ready), "ok")
      assert.deepInclude(yield* balanced(pool), { available: 2 })
    }))

  it.effect("one that has failed does not keep the next from succeeding", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n < 3 ? "fail" : "ok" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 1 } }))
      const first = yield* start(pool.ready)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(state(first), "Failed")

      const second = yield* start(pool.ready)
      yield* TestClock.adjust("200 millis")

      assert.strictEqual(state(second), "ok")
    }))

  it.effect("fails with PoolClosed when the pool is closed, before or meanwhile", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 1 } })
      const ready = yield* start(pool.ready)

      yield* start(pool.close)
      yield* settle

      assert.strictEqual(state(ready), "PoolClosed")
      assert.instanceOf(yield* Effect.flip(pool.ready), PoolClosed)
    })))

  it.effect("that is interrupted ends, and leaves the making alone", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 1 } })
      const ready = yield* start(pool.ready)

      yield* Fiber.interrupt(ready)
      yield* TestClock.adjust(slow)

      assert.strictEqual(state(ready), "interrupted")
      assert.deepInclude(yield* balanced(pool), { available: 1, making: 0 })
    }))

  it.effect("ends when a smaller minimum is there already", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "never" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 2 } })
      const ready = yield* start(pool.ready)
      assert.strictEqual(state(ready), "waits")

      yield* pool.resize({ min: 1 })
      yield* settle

      assert.strictEqual(state(ready), "ok")
    }))

  it.effect("does not count objects that rest", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 1 } })
      yield* pool.rest(script.things[0]!, "1 minute")
      const ready = yield* start(pool.ready)

      assert.strictEqual(state(ready), "waits")
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state(ready), "ok")
    }))
})

describe("a pool without acquire", () => {
  it.effect("is ready, and needs nothing to be so", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, creation: { timeout: "1 second" } })

      Effect.runSync(pool.ready)
    }))
})
