/**
 * Borrowing (promises 1 to 10).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import {
  type BorrowOptions,
  BorrowTimeout,
  type Lease,
  ObjectPool,
  type PooledObject,
  Selector,
  Status
} from "../src/index.ts"
import { ending, hold, keep, make, serves, settle, start, state, use } from "./support/borrowers.ts"
import { costly } from "./support/clocks.ts"
import { balanced, Failed, scripted, slow, Thing } from "./support/scripted.ts"

const exactly = <A>(object: A): BorrowOptions<A> => ({ where: (pooled) => Object.is(pooled.object, object) })

const timeout = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, BorrowTimeout)
    return error
  })

describe("1. an object", () => {
  it.effect("is lent to one borrower at a time", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 3 } })

      yield* Effect.forEach(
        Array.from({ length: 50 }),
        (_, i) => i % 2 === 0 ? pool.with(use(3)) : Effect.scoped(Effect.flatMap(pool.borrow, use(2))),
        { concurrency: "unbounded", discard: true }
      )

      assert.strictEqual(things.length, 3)
      yield* serves(pool, 3)
    }))

  it.effect("is given back once, however often and in whatever way its lease is ended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const first = yield* hold(pool.borrow)
      yield* first.lease.release
      const second = yield* hold(pool.borrow)

      yield* first.lease.release
      yield* first.release
      yield* first.release

      assert.strictEqual((yield* balanced(pool)).leases, 1)
      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
      yield* second.release
      yield* serves(pool, 1)
    }))

  it.effect("is given back once when a finalizer of its scope releases it, before or after", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })

      yield* Effect.scoped(Effect.gen(function*() {
        const early: { lease?: Lease<string> } = {}
        yield* Effect.addFinalizer(() => early.lease!.release)
        early.lease = yield* pool.borrow
        const late = yield* pool.borrow
        yield* Effect.addFinalizer(() => late.release)
        yield* Effect.addFinalizer(() => early.lease!.release)
      }))

      yield* serves(pool, 2)
    }))

  it.effect("is lent on once when its lease is released in the finalizer of another lease", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(pool.borrow, scope)
      yield* Scope.addFinalizer(scope, first.release)
      yield* Scope.provide(pool.borrow, scope)
      const got: Array<string> = []
      yield* Effect.forEach([1, 2, 3], () => keep(pool.borrow, got))

      yield* Scope.close(scope, Exit.void)
      yield* settle

      assert.deepStrictEqual(got.toSorted(), ["a", "b"])
      assert.strictEqual((yield* balanced(pool)).waiting, 1)
    }))
})

describe("2. a borrow that gets nothing loses nothing:", () => {
  const failures: ReadonlyArray<[string, BorrowOptions<Thing>, string]> = [
    ["that times out", { timeout: "1 second" }, "BorrowTimeout"],
    ["that may not wait", { timeout: 0 }, "BorrowTimeout"],
    ["whose `where` throws", {
      where: () => {
        throw new Error("where")
      }
    }, "Error: where"],
    ["whose options make no sense", { priority: NaN }, "InvalidPoolOptions"]
  ]
  for (const [what, options, expected] of failures) {
    it.effect(`one ${what}`, () =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        const pool = yield* make({ acquire, size: { max: 2 } })
        const lent = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
        const waiter = yield* start(hold(pool.borrowWith(options)))
        yield* TestClock.adjust("1 second")
        const next = yield* start(hold(pool.borrow))

        yield* lent[0].release
        yield* settle

        assert.strictEqual(state(waiter), expected)
        yield* (yield* Fiber.join(next)).release
        yield* lent[1].release
        yield* serves(pool, 2)
        assert.strictEqual(things.length, 2)
      }))
  }

  it.effect("one that is interrupted as its object is granted", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const got: Array<string> = []
      const waiter = yield* keep(pool.borrow)
      yield* keep(pool.borrow, got)

      yield* lent.release
      assert.strictEqual((yield* pool.stats).leases, 1)
      yield* Fiber.interrupt(waiter)
      yield* settle

      assert.strictEqual(state(waiter), "interrupted")
      assert.deepStrictEqual(got, ["a"])
    }))

  it.effect("one whose time-out is due in the turn of its grant", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      yield* pool.rest("a", "1 second")
      const waiter = yield* start(hold(pool.borrowWith({ timeout: "1 second" })))
      const next = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("1 second")

      const granted = [waiter, next].filter((fiber) => state(fiber) === "ok")
      assert.strictEqual(granted.length, 1)
      yield* (yield* Fiber.join(granted[0]!)).release
      yield* settle
      assert.strictEqual(state(next), "ok")
      assert.strictEqual((yield* balanced(pool)).totals.timedOut, state(waiter) === "ok" ? 0 : 1)
    }))
})

describe("3. the interruption of a borrow", () => {
  it.effect("is prompt while its object is being made, even by what cannot be interrupted; the object is kept", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: Effect.uninterruptible(acquire) })
      const waiter = yield* start(hold(pool.borrow))

      yield* Fiber.interrupt(waiter)

      assert.deepInclude(yield* balanced(pool), { waiting: 0, making: 1 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { making: 0, available: 1 })
      assert.strictEqual(things[0]!.destroyed, 0)
    }))

  it.effect("is prompt while an object is being detected for it, and the detection is dropped", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, script } = scripted()
      const pool = yield* make({ acquire, detectStatus, detection: { onBorrow: true, onAdd: false } })
      yield* (yield* hold(pool.borrow)).release
      script.detect = "never"
      const waiter = yield* start(hold(pool.borrow))
      assert.deepInclude(yield* balanced(pool), { pending: 1, waiting: 1 })

      yield* Fiber.interrupt(waiter)

      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 0 })
      assert.strictEqual(counts.detecting, 0)
    }))

  it.effect("is prompt while a detection that cannot be interrupted is under way for it", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted()
      const pool = yield* make({
        acquire,
        detectStatus: (pooled) => Effect.uninterruptible(detectStatus(pooled)),
        detection: { onBorrow: true, onAdd: false }
      })
      yield* (yield* hold(pool.borrow)).release
      script.detect = "slow"
      const waiter = yield* start(hold(pool.borrow))

      yield* Fiber.interrupt(waiter)

      assert.deepInclude(yield* balanced(pool), { pending: 1, waiting: 0 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { available: 1 })
    }))

  it.effect("is prompt while the selector takes its time, and the next borrower is asked for", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make({
        objects: ["a"],
        select: (available) =>
          ++asked === 1 ? Effect.as(Effect.uninterruptible(Effect.sleep(slow)), available[0]) : available[0]
      })
      const waiter = yield* start(hold(pool.borrow))
      const next = yield* start(hold(pool.borrow))

      yield* Fiber.interrupt(waiter)
      yield* settle

      assert.strictEqual(state(next), "ok")
      yield* (yield* Fiber.join(next)).release
      yield* TestClock.adjust(slow)
      yield* serves(pool, 1)
    }))

  it.effect("frees the selector even where it comes in the first step of the selector's effect", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      let times = 0
      const pool = yield* make({
        objects: ["a"],
        select: (available) =>
          ++times === 2 ? Effect.andThen(Deferred.succeed(asked, undefined), Effect.never) : available[0]
      })
      const lent = yield* hold(pool.borrow)
      const waiter = yield* start(hold(pool.borrow))
      // resumed within that very step
      yield* start(Effect.andThen(Deferred.await(asked), Effect.sync(() => waiter.interruptUnsafe())))

      yield* lent.release
      yield* settle

      assert.strictEqual(state(waiter), "interrupted")
      yield* serves(pool, 1)
    }))
})

describe("4. the queue", () => {
  it.effect("serves 2000 waiters in order of arrival", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "Infinity" })
      const lent = yield* hold(pool.borrow)
      const order: Array<number> = []
      const waiters = yield* Effect.forEach(
        Array.from({ length: 2000 }, (_, i) => i),
        (i) => start(pool.with(() => Effect.sync(() => order.push(i))))
      )
      assert.strictEqual((yield* balanced(pool)).waiting, 2000)

      yield* lent.release
      yield* Fiber.joinAll(waiters)

      assert.deepStrictEqual(order, Array.from({ length: 2000 }, (_, i) => i))
    }))

  it.effect("serves a higher priority first, and in order of arrival within one", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const order: Array<string> = []
      const priorities = [0, 5, -1, 0, 5, Infinity, -Infinity, 0.5]
      const waiters = yield* Effect.forEach(
        priorities,
        (priority, i) => start(pool.with(() => Effect.sync(() => order.push(`${priority} #${i}`)), { priority }))
      )

      yield* lent.release
      yield* Fiber.joinAll(waiters)

      assert.deepStrictEqual(order, ["Infinity #5", "5 #1", "5 #4", "0.5 #7", "0 #0", "0 #3", "-1 #2", "-Infinity #6"])
    }))

  it.effect("lets no newcomer take what an earlier waiter may have", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const waiter = yield* keep(pool.borrow)

      // granted, but not resumed yet
      yield* lent.release

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
      assert.strictEqual(
        ending(yield* Effect.exit(hold(pool.borrowWith({ timeout: 0, priority: 9 })))),
        "BorrowTimeout"
      )
      assert.strictEqual(state(waiter), "waits")
      assert.strictEqual((yield* balanced(pool)).leases, 1)
    }))

  it.effect("gives what a newcomer had detected to an earlier waiter that may have it", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted()
      const pool = yield* make({
        acquire,
        detectStatus,
        size: { max: 2 },
        detection: { onAdd: false, onBorrow: true }
      })
      yield* Effect.flatMap(Effect.all([hold(pool.borrow), hold(pool.borrow)]), ([a, b]) =>
        Effect.andThen(a.release, b.release))
      const got: Array<number> = []
      script.detect = (thing) =>
        thing.n === 1 ? "never" : "slow"
      yield* start(pool.with((lease) => Effect.andThen(Effect.sync(() => got.push(lease.object.n)), Effect.never), {
        where: ({ object }) => object.n === 1 || got.length === 0
      }))
      yield* start(pool.with((lease) => Effect.sync(() => got.push(-lease.object.n))))
      yield* TestClock.adjust(slow)

      // whichever was asked about the one that never answers: the oldest got the other
      assert.deepStrictEqual(got, [2])
    }))

  it.effect("passes over a waiter that rejects the object, which keeps its turn", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const lent = { a: yield* hold(pool.borrowWith(exactly("a"))), b: yield* hold(pool.borrowWith(exactly("b"))) }
      const got: Array<string> = []
      const picky = yield* start(hold(pool.borrowWith(exactly("b"))))
      yield* keep(pool.borrow, got)
      const last = yield* start(hold(pool.borrow))

      yield* lent.a.release
      yield* settle
      assert.deepStrictEqual([state(picky), got, state(last)], ["waits", ["a"], "waits"])

      yield* lent.b.release
      yield* settle
      assert.deepStrictEqual([state(picky), state(last)], ["ok", "waits"])
      yield* (yield* Fiber.join(picky)).release
    }))

  it.effect("gives the turn of one that leaves to the next", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.forEach([1, 2, 3, 4], (i) =>
        start(hold(pool.borrowWith({ timeout: i === 2 ? "1 second" : "1 minute" }))))

      yield* Fiber.interrupt(waiters[0]!)
      yield* TestClock.adjust("1 second")
      yield* lent.release
      yield* settle

      assert.deepStrictEqual(waiters.map(state), ["interrupted", "BorrowTimeout", "ok", "waits"])
    }))

  it.effect("survives a `where` that makes other waiters leave while it is asked", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const others: Array<Fiber.Fiber<unknown, unknown>> = []
      const meddler = yield* start(hold(pool.borrowWith({
        where: () => {
          for (const other of others) other.interruptUnsafe()
          return false
        }
      })))
      others.push(yield* keep(pool.borrow), yield* keep(pool.borrow))
      const last = yield* keep(pool.borrow)

      const got = yield* pool.stats
      yield* lent.release
      yield* settle

      assert.strictEqual(got.waiting, 4)
      assert.deepStrictEqual([meddler, ...others, last].map(state), ["waits", "interrupted", "interrupted", "waits"])
      assert.deepInclude(yield* balanced(pool), { waiting: 1, leases: 1 })
    }))
})

describe("5. a waiter", () => {
  it.effect("takes what comes back first, while its own object is still being made", () =>
    Effect.gen(function*() {
      const { acquire, script, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 2 } })
      const lent = yield* hold(pool.borrow)
      script.acquire = "never"
      const waiter = yield* start(hold(pool.borrow))
      assert.strictEqual((yield* balanced(pool)).making, 1)

      yield* lent.release
      yield* settle

      assert.strictEqual((yield* Fiber.join(waiter)).lease.object, things[0])
      yield* (yield* Fiber.join(waiter)).release
    }))

  it.effect("gets what is made, if it is the oldest that may have it", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted({ acquire: (n) => n === 1 ? "never" : "slow" })
      const pool = yield* make({ acquire, size: { max: 2 } })
      const oldest = yield* start(hold(pool.borrow))
      const next = yield* start(hold(pool.borrow))

      yield* TestClock.adjust(slow)

      assert.strictEqual((yield* Fiber.join(oldest)).lease.object, things[0])
      assert.strictEqual(state(next), "waits")
      yield* (yield* Fiber.join(oldest)).release
      yield* settle
      yield* (yield* Fiber.join(next)).release
    }))

  it.effect("counts on the creation of the one that was served by its own: none is begun beyond need", () =>
    Effect.gen(function*() {
      const { acquire, counts } = scripted({ acquire: (n) => n === 1 ? "never" : "slow" })
      const pool = yield* make({ acquire, maxWaiters: 0 })
      yield* keep(pool.borrow)
      const next = yield* start(hold(pool.borrowWith({ timeout: "3 seconds" })))

      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 1, leases: 1 })
      assert.strictEqual(counts.acquiring, 2)

      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* timeout(Fiber.join(next))).phase, "Acquiring")
    }))

  it.effect("with a `where` has one object made, and nothing more until it is served", () =>
    Effect.gen(function*() {
      const { acquire, counts } = scripted()
      const pool = yield* make({ acquire, size: { max: 5 } })
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 3 })))
      yield* settle
      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 1 })
      assert.strictEqual(counts.acquiring, 1)

      const got: Array<Thing> = []
      yield* keep(pool.borrow, got)
      yield* keep(pool.borrow, got)
      assert.deepStrictEqual([got.map(({ n }) => n), state(picky), counts.acquiring], [[1, 2], "waits", 2])

      yield* keep(pool.borrow, got)
      yield* settle
      assert.strictEqual(state(picky), "ok")
      assert.deepInclude(yield* balanced(pool), { leases: 4, waiting: 0 })
    }))

  it.effect("with a `where` still has an object made when the first one made went to another", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, size: { max: 1 } })
      const first = yield* start(hold(pool.borrow))
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 2 })))
      yield* TestClock.adjust(slow)
      const lent = yield* Fiber.join(first)

      yield* lent.lease.invalidate
      yield* lent.release
      yield* TestClock.adjust(slow)

      assert.strictEqual((yield* Fiber.join(picky)).lease.object.n, 2)
      yield* (yield* Fiber.join(picky)).release
    }))

  it.effect("whose `where` throws fails with that defect, and the object goes to the next", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const faulty = yield* start(hold(pool.borrowWith({
        where: () => {
          throw new Error("where")
        }
      })))
      const got: Array<string> = []
      yield* keep(pool.borrow, got)

      yield* lent.release
      yield* settle

      assert.deepStrictEqual([state(faulty), got], ["Error: where", ["a"]])
    }))

  it.effect("whose `where` takes the object out of the pool fails, and nobody is offered it again", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const lent = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const meddler = yield* start(hold(pool.borrowWith({
        where: ({ object }) => Effect.runSync(pool.remove(object))
      })))

      yield* lent[0].release
      yield* settle
      yield* Fiber.interrupt(meddler)
      yield* lent[1].release

      yield* serves(pool, 1)
    }))

  it.effect("whose `where` lends the very object to another does not get it as well", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const pool = yield* make({ objects: ["a"], detectStatus: () => "Available", detection: { onBorrow: true } })
      let asked = 0
      let released = false
      const meddler = yield* start(hold(pool.borrowWith({
        where: () => {
          // the second time it is asked for the waiter; the third time by the borrow within
          if (++asked !== 2) return released
          Effect.runSync(Scope.provide(pool.borrow, scope))
          return true
        }
      })))
      yield* settle

      assert.strictEqual(state(meddler), "waits")
      assert.deepInclude(yield* balanced(pool), { leases: 1, borrowed: 1, available: 0 })
      released = true
      yield* Scope.close(scope, Exit.void)
      yield* settle
      yield* (yield* Fiber.join(meddler)).release
      yield* serves(pool, 1)
    }))

  it.effect("whose `pack` fails gives the object back", () =>
    Effect.gen(function*() {
      let broken = true
      const released: Array<string> = []
      const pool = yield* make({
        objects: ["a"],
        pack: (lease) =>
          Effect.gen(function*() {
            yield* Effect.addFinalizer(() => Effect.sync(() => released.push(lease.object)))
            return broken ? yield* new Failed({ step: "pack" }) : lease.object
          })
      })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.borrow))), "Failed")
      assert.strictEqual(ending(yield* Effect.exit(pool.with(Effect.succeed))), "Failed")
      assert.deepStrictEqual(released, ["a", "a"])
      broken = false
      yield* serves(pool, 1)
    }))

  it.effect("whose `pack` throws, or is interrupted, gives the object back", () =>
    Effect.gen(function*() {
      let pack: (lease: Lease<string>) => Effect.Effect<string> = () => {
        throw new Error("pack")
      }
      const pool = yield* make({ objects: ["a"], pack: (lease) => pack(lease) })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.borrow))), "Error: pack")
      assert.strictEqual(ending(yield* Effect.exit(pool.with(Effect.succeed))), "Error: pack")
      pack = () => Effect.never
      for (const borrow of [pool.with(Effect.succeed), Effect.scoped(pool.borrow)]) {
        yield* Effect.flatMap(start(borrow), Fiber.interrupt)
      }
      pack = (lease) => Effect.succeed(lease.object)
      yield* serves(pool, 1)
    }))

  it.effect("counts in `stats.waiting`, whatever it waits for", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "never", detect: "never" })
      const detecting = yield* make({ acquire, objects: [], detectStatus, size: { max: 1 } })
      yield* keep(detecting.borrow)
      yield* keep(detecting.borrow)
      yield* keep(detecting.borrowWith({ where: () => false }))
      assert.strictEqual((yield* balanced(detecting)).waiting, 3)

      const choosing = yield* make({ objects: ["a"], select: () => Effect.never })
      yield* keep(choosing.borrow)
      yield* keep(choosing.tryBorrow)
      assert.strictEqual((yield* balanced(choosing)).waiting, 2)
    }))
})

describe("6. the deadline", () => {
  const phases = [
    ["Waiting", {}, { where: () => false }],
    ["Acquiring", { acquire: "never" }, {}],
    ["Detecting", { detect: "never" }, {}]
  ] as const
  for (const [phase, script, options] of phases) {
    it.effect(`ends a borrow that is ${phase}`, () =>
      Effect.gen(function*() {
        const { acquire, detectStatus } = scripted(script)
        const pool = yield* make({ acquire, detectStatus })
        const waiter = yield* start(hold(pool.borrowWith({ ...options, timeout: "2 seconds" })))

        yield* TestClock.adjust(1999)
        assert.strictEqual(state(waiter), "waits")
        yield* TestClock.adjust(1)

        const error = yield* timeout(Fiber.join(waiter))
        assert.deepStrictEqual([error.phase, Duration.toMillis(error.waited), error.held], [phase, 2000, 0])
        assert.deepInclude(yield* balanced(pool), { waiting: 0 })
        assert.strictEqual((yield* pool.stats).totals.timedOut, 1)
      }))
  }

  it.effect("covers waiting, making and detecting together", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 } })
      const first = yield* start(hold(pool.borrowWith({ timeout: 2001 })))
      const second = yield* start(hold(pool.borrowWith({ timeout: 1999 })))

      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual([state(first), state(second)], ["ok", "BorrowTimeout"])
      yield* (yield* Fiber.join(first)).release
    }))

  it.effect("is the pool's `borrowTimeout` where the borrow names none; \"Infinity\" waits", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "2 seconds" })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.all([
        start(hold(pool.borrow)),
        start(pool.with(() => Effect.void)),
        start(hold(pool.borrowWith({ priority: 1 }))),
        start(pool.with(() => Effect.void, { timeout: "Infinity" }))
      ])

      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(waiters.map((waiter) => state<unknown, unknown>(waiter)), [
        "BorrowTimeout",
        "BorrowTimeout",
        "BorrowTimeout",
        "waits"
      ])
      yield* TestClock.adjust("365 days")
      yield* lent.release
      yield* Fiber.join(waiters[3])
    }))

  it.effect("of zero lends what is lendable, after a detection that does not suspend, and makes nothing", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, script } = scripted()
      const pool = yield* make({ acquire, detectStatus, size: { max: 2 }, detection: { onBorrow: true } })
      const now = hold(pool.borrowWith({ timeout: 0 }))
      assert.strictEqual((yield* timeout(now)).phase, "Waiting")
      assert.strictEqual(counts.acquiring, 0)
      yield* (yield* hold(pool.borrow)).release

      yield* (yield* now).release
      script.detect = "slow"
      const error = yield* timeout(now)

      assert.deepStrictEqual([error.phase, Duration.toMillis(error.waited)], ["Detecting", 0])
      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 0, making: 0 })
    }))

  it.effect("tells how many leases the waiting fiber holds itself", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      yield* hold(pool.borrow)
      const other = yield* keep(pool.borrow)

      const error = yield* timeout(hold(pool.borrowWith({ timeout: 0 })))

      assert.strictEqual(error.held, 1)
      assert.include(error.message, "holds 1 lease of this pool itself")
      yield* Fiber.interrupt(other)
      for (const lease of yield* pool.leases) yield* lease.release
    }))

  it.effect("tells the last failure that the borrow has seen", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted()
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 }, detection: { onBorrow: true } })
      yield* (yield* hold(pool.borrow)).release
      script.detect = "fail"

      const waiter = yield* start(hold(pool.borrowWith({ timeout: "1 second" })))
      yield* TestClock.adjust("1 second")

      const error = yield* timeout(Fiber.join(waiter))
      assert.deepStrictEqual([error.phase, error.lastFailure], ["Waiting", new Failed({ step: "detect" })])
    }))

  it.effect("tells the failure of detecting what was made for it", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ detect: "fail" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 } })

      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("30 seconds")

      assert.deepStrictEqual((yield* timeout(Fiber.join(waiter))).lastFailure, new Failed({ step: "detect" }))
    }))

  it.effect("of 5000 borrows over 5000 lent objects passes without delay", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: Array.from({ length: 5000 }, (_, i) => i) })
      yield* Effect.forEach(Array.from({ length: 5000 }), () => hold(pool.borrow), { discard: true })
      const waiters = yield* Effect.forEach(Array.from({ length: 5000 }), () => start(hold(pool.borrow)))

      yield* TestClock.adjust("30 seconds")
      yield* Fiber.awaitAll(waiters)

      assert.deepStrictEqual(new Set(waiters.map(state)), new Set(["BorrowTimeout"]))
    }), 5000)
})

describe("6. tryBorrow", () => {
  it.effect("lends what is lendable", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })

      assert.strictEqual((yield* pool.tryBorrow).object, "a")
    }))

  it.effect("makes for itself, and waits for that", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, maxWaiters: 0 })
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust(slow)

      yield* (yield* Fiber.join(borrower)).release
    }))

  it.effect("detects for itself, one after the other, and then makes", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, script } = scripted()
      const pool = yield* make({
        acquire,
        detectStatus,
        size: { max: 3 },
        detection: { onBorrow: true, onAdd: false, retry: Schedule.spaced("Infinity") }
      })
      yield* Effect.flatMap(Effect.all([hold(pool.borrow), hold(pool.borrow)]), ([a, b]) =>
        Effect.andThen(a.release, b.release))
      const before = counts.detected
      script.detect = (thing) =>
        thing.n < 3 ? "never" : "ok"
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust("10 seconds")

      const { lease, release } = yield* Fiber.join(borrower)
      assert.deepStrictEqual([lease.object.n, counts.detected - before], [3, 3])
      yield* release
    }))

  it.effect("is within `borrowTimeout`", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({ acquire, borrowTimeout: "1 second" })
      const borrower = yield* start(hold(pool.tryBorrow))

      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* timeout(Fiber.join(borrower))).phase, "Acquiring")
    }))

  it.effect("tryBorrowWith has a condition and times of its own, and does not queue either", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({ acquire, objects: [new Thing(-1), new Thing(-2)], size: { max: 3 } })

      const lease = yield* pool.tryBorrowWith({ where: ({ object }) => object.n === -2, leaseTimeout: "1 minute" })
      const making = yield* start(
        hold(pool.tryBorrowWith({ where: ({ object }) => object.n > 0, timeout: "1 second" }))
      )
      const refused = yield* Effect.exit(hold(pool.tryBorrowWith({ where: ({ object }) => object.n > 0 })))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(lease.object.n, -2)
      assert.isDefined(lease.expiresAt)
      assert.strictEqual((yield* timeout(Fiber.join(making))).phase, "Acquiring")
      assert.strictEqual(ending(refused), "PoolExhausted NoneAvailable")
    }))

  it.effect("never queues: without an object, and without room, it fails at once", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 } })
      const lent = yield* hold(pool.borrow)

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")

      assert.strictEqual((yield* balanced(pool)).totals.exhausted, 1)
      yield* lent.release
    }))

  it.effect("fails where what it had made goes to an older waiter", () =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size: { max: 2 } })
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 2 })))
      yield* keep(pool.borrowWith({ where: ({ object }) => object.n === 1 }))
      script.acquire = "slow"
      const borrower = yield* start(hold(pool.tryBorrow))
      assert.strictEqual(state(borrower), "waits")

      yield* TestClock.adjust(slow)

      assert.deepStrictEqual([state(picky), state(borrower)], ["ok", "PoolExhausted NoneAvailable"])
    }))

  it.effect("fails with what making its object failed with", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "fail" })
      const pool = yield* make({ acquire })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "Failed")
    }))

  it.effect("fails where what it had made, or detected, is refused by the detector", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ detect: "fail" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 3 } })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")

      assert.deepInclude(yield* balanced(pool), { unknown: 1, waiting: 0 })
    }))

  it.effect("does not wait for what was begun for another", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "never" })
      const pool = yield* make({
        acquire: acquire as Effect.Effect<Thing | string, Failed, Scope.Scope>,
        objects: ["mute"],
        size: { max: 3 },
        detectStatus: ({ object }) => object === "mute" ? Effect.never : "Available",
        detection: { onAdd: false, onBorrow: true, timeout: "1 second" }
      })
      const other = yield* start(hold(pool.borrowWith(exactly<Thing | string>("good"))))
      const borrower = yield* start(hold(pool.tryBorrow))
      // serves the other, whose creation is left without a waiter; the pool is full now
      yield* pool.add("good")
      yield* settle
      assert.strictEqual(state(other), "ok")

      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(borrower), "PoolExhausted NoneAvailable")
    }))
})

describe("7. `with` returns the object when its body", () => {
  const bodies: ReadonlyArray<[string, (lease: Lease<string>) => Effect.Effect<unknown, unknown>, string]> = [
    ["succeeds", () => Effect.succeed(1), "ok"],
    ["fails", () => Effect.fail("no"), "no"],
    ["dies", () => Effect.die("oh"), "oh"],
    ["interrupts itself", () => Effect.interrupt, "interrupted"],
    ["throws before it returns an effect", () => {
      throw new Error("early")
    }, "Error: early"],
    ["releases the lease itself", (lease) => lease.release, "ok"]
  ]
  for (const [what, body, expected] of bodies) {
    it.effect(what, () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        const bracket = pool.with(body)

        assert.strictEqual(ending(yield* Effect.exit(bracket)), expected)
        // as one that waited, and with the body in a child fiber
        const lent = yield* hold(pool.borrow)
        const waiter = yield* start(bracket)
        const limited = yield* start(pool.with(body, { leaseTimeout: "1 minute" }))
        yield* lent.release
        assert.strictEqual(ending(yield* Fiber.await(waiter)), expected)
        assert.strictEqual(ending(yield* Fiber.await(limited)), expected)
        yield* serves(pool, 1)
      }))
  }

  it.effect("is interrupted, when its finalizers have ended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const borrower = yield* start(pool.with(() => Effect.ensuring(Effect.never, Effect.sleep("1 second"))))
      yield* settle
      const interrupted = yield* start(Fiber.interrupt(borrower))
      yield* settle
      assert.strictEqual((yield* balanced(pool)).borrowed, 1)

      yield* TestClock.adjust("1 second")

      yield* Fiber.join(interrupted)
      yield* serves(pool, 1)
    }))

  it.effect("has run, each time that one and the same effect is run", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const bracket = pool.with((lease) => Effect.as(Effect.yieldNow, lease.object))

      const got = yield* Effect.all([bracket, bracket, bracket, bracket], { concurrency: "unbounded" })

      assert.deepStrictEqual(got.toSorted().slice(0, 1).concat(got.toSorted().slice(-1)), ["a", "b"])
      yield* serves(pool, 2)
    }))
})

describe("8. maxWaiters", () => {
  it.effect("refuses the newcomer, whatever its priority; those who wait keep their places", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], maxWaiters: 2 })
      const lent = yield* hold(pool.borrow)
      const order: Array<number> = []
      const waiters = yield* Effect.forEach([1, 2], (i) => start(pool.with(() => Effect.sync(() => order.push(i)))))

      const refused = yield* Effect.exit(hold(pool.borrowWith({ priority: 10 })))

      assert.strictEqual(ending(refused), "PoolExhausted WaitersFull")
      assert.strictEqual((yield* balanced(pool)).totals.exhausted, 1)
      yield* lent.release
      yield* Fiber.joinAll(waiters)
      assert.deepStrictEqual(order, [1, 2])
    }))

  it.effect("of 0 lends what is lendable, and lets those wait for whom something is made or detected", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({
        acquire,
        detectStatus,
        size: { max: 2 },
        maxWaiters: 0,
        detection: { onAdd: false, onBorrow: true }
      })
      const borrowers = yield* Effect.all([
        start(hold(pool.borrow)),
        start(hold(pool.borrow)),
        start(hold(pool.borrow))
      ])
      assert.deepStrictEqual(borrowers.map(state), ["waits", "waits", "PoolExhausted WaitersFull"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(borrowers.map(state).slice(0, 2), ["ok", "ok"])
      yield* (yield* Fiber.join(borrowers[0])).release

      const again = yield* start(hold(pool.borrow))
      assert.strictEqual(state(again), "waits")
      yield* TestClock.adjust(slow)

      yield* (yield* Fiber.join(again)).release
      yield* (yield* Fiber.join(borrowers[1])).release
    }))

  it.effect("does not turn out one that was let in when nothing is made for it any more", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, size: { max: 1 }, maxWaiters: 0 })
      const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 2 })))
      yield* TestClock.adjust(slow)

      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 1 })
      assert.strictEqual(state(picky), "waits")
    }))

  it.effect("does not matter to a borrow that may not wait: that is a BorrowTimeout", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ maxWaiters: 0 })

      assert.strictEqual(ending(yield* Effect.exit(hold(pool.borrowWith({ timeout: 0 })))), "BorrowTimeout")
    }))

  it.effect("frees a place when a waiter leaves", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], maxWaiters: 1 })
      const lent = yield* hold(pool.borrow)

      for (let i = 0; i < 3; i++) {
        const waiter = yield* start(hold(pool.borrow))
        assert.strictEqual(state(waiter), "waits")
        yield* Fiber.interrupt(waiter)
      }

      yield* lent.release
      yield* serves(pool, 1)
    }))
})

describe("9. falsy values", () => {
  const falsy = [0, -0, "", null, undefined, false, NaN, 0n]

  it.effect("are objects like any other", () =>
    Effect.gen(function*() {
      const pool = yield* make<unknown>({ objects: falsy })
      const got: Array<unknown> = []
      for (const object of falsy) yield* keep(pool.borrowWith(exactly<unknown>(object)), got)
      assert.deepStrictEqual(got, falsy)
      const waiters = yield* Effect.forEach(falsy, (object) => keep(pool.borrowWith(exactly<unknown>(object))))

      for (const lease of yield* pool.leases) yield* lease.release
      yield* settle

      assert.deepInclude(yield* balanced(pool), { waiting: 0, leases: falsy.length })
      yield* Effect.forEach(waiters, Fiber.interrupt)
      for (const object of falsy) {
        assert.isTrue(yield* pool.remove(object), String(object))
        assert.isFalse(yield* pool.remove(object), String(object))
      }
    }))

  it.effect("may be made, selected, and equal to one another", () =>
    Effect.gen(function*() {
      const pool = yield* make<undefined>({
        acquire: Effect.undefined,
        size: { max: 3 },
        select: (available) => available[0],
        detectStatus: ({ object }) => object === undefined ? "Available" : "Invalid"
      })

      yield* serves(pool, 3)
      assert.strictEqual((yield* pool.stats).totals.made, 3)
    }))

  it.effect("are data, and what is packed, like any other", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [0], data: false, pack: (lease) => lease.data })

      assert.strictEqual(yield* pool.with(Effect.succeed), false)
    }))
})

describe("10. without anything asynchronous, runSync works:", () => {
  const all = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) => {
    Effect.runSync(pool.with(() => Effect.void))
    Effect.runSync(pool.with(() => Effect.void, { timeout: 0, where: () => true, priority: 2 }))
    Effect.runSync(Effect.scoped(pool.borrow))
    Effect.runSync(Effect.scoped(pool.borrowWith({ timeout: 0 })))
    Effect.runSync(Effect.scoped(pool.tryBorrow))
    assert.deepInclude(Effect.runSync(balanced(pool)), { leases: 0, waiting: 0, available: 1 })
  }
  const choose = (available: ReadonlyArray<PooledObject<string>>) => available[0]
  const options: ReadonlyArray<[string, Partial<Parameters<typeof ObjectPool.make<string>>[0]>]> = [
    ["nothing else configured", {}],
    ["a detector that answers plainly", {
      detectStatus: () => "Available",
      detection: { onBorrow: true, onRelease: true }
    }],
    ["a detector that answers with an effect", {
      detectStatus: () => Effect.succeed("Available"),
      detection: { onBorrow: true, onRelease: true }
    }],
    ["a rest that is over", { detectStatus: () => Status.dormant(0), detection: { onBorrow: true } }],
    ["each selector: random", { select: Selector.random }],
    ["each selector: roundRobin", { select: Selector.roundRobin }],
    ["each selector: leastRecentlyUsed", { select: Selector.leastRecentlyUsed }],
    ["each selector: mostRecentlyUsed", { select: Selector.mostRecentlyUsed }],
    ["each selector: leastBorrowed", { select: Selector.leastBorrowed }],
    ["each selector: weighted", { select: { weight: () => 1 } }],
    ["a selector of one's own", { select: choose }],
    ["a selector that answers with an effect", { select: (available) => Effect.sync(() => choose(available)) }],
    ["a lease time-out under `borrow`", { leaseTimeout: () => "Infinity" }]
  ]
  for (const [what, more] of options) {
    it(`${what}`, () => {
      const scope = Scope.makeUnsafe()
      const added = Effect.runSync(Scope.provide(ObjectPool.make<string>({ objects: ["a"], ...more }), scope))
      const made = Effect.runSync(
        Scope.provide(ObjectPool.make<string>({ acquire: Effect.succeed("a"), size: { max: 1 }, ...more }), scope)
      )

      all(added)
      all(made)

      Effect.runSync(Scope.close(scope, Exit.void))
    })
  }

  it("what is packed plainly, or with an effect", () => {
    const released: Array<string> = []
    const pool = Effect.runSync(Scope.provide(
      ObjectPool.make({
        objects: ["a"],
        pack: ({ object }) =>
          Effect.acquireRelease(Effect.succeed(object), () => Effect.sync(() => released.push(object)))
      }),
      Scope.makeUnsafe()
    ))

    all(pool)

    assert.strictEqual(released.length, 5)
  })

  it.effect("a pool that was built by runSync wakes its waiters and its timers like any other", () =>
    Effect.gen(function*() {
      const context = yield* Effect.context<Scope.Scope>()
      const pool = Effect.runSyncWith(context)(ObjectPool.make({ objects: ["a"] }))
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.all([
        start(hold(pool.borrowWith({ timeout: "1 second" }))),
        start(hold(pool.borrow))
      ])

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.map(state), ["BorrowTimeout", "waits"])
      yield* lent.release
      yield* (yield* Fiber.join(waiters[1])).release
    }))
})

describe("a scope", () => {
  it.effect("whose lease is released while it closes leaves the next lease of that object alone", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const [one, other] = [yield* Scope.make(), yield* Scope.make()]
      const [latch, otherLatch] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
      const first = yield* Scope.provide(pool.borrow, one)
      yield* Scope.addFinalizer(one, Effect.andThen(first.release, latch.await))
      const closing = yield* Effect.forkChild(Scope.close(one, Exit.void), { startImmediately: true })
      const second = yield* Scope.provide(pool.borrow, other)
      yield* Scope.addFinalizer(other, otherLatch.await)
      const otherClosing = yield* Effect.forkChild(Scope.close(other, Exit.void), { startImmediately: true })

      yield* latch.open
      yield* Fiber.join(closing)
      assert.deepStrictEqual((yield* pool.leases).map(({ id }) => id), [second.id])
      yield* otherLatch.open
      yield* Fiber.join(otherClosing)

      assert.deepStrictEqual(yield* pool.leases, [])
    }))

  it.effect("that is closed already gives back at once what is borrowed in it", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)

      const lease = yield* Scope.provide(pool.borrow, scope)

      assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Released")
      yield* serves(pool, 1)
    }))

  it.effect("that is closed while the borrow waits gives back at once what is granted", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const scope = yield* Scope.make()
      const waiter = yield* start(Scope.provide(pool.borrow, scope))
      yield* Scope.close(scope, Exit.void)

      yield* lent.release
      yield* Fiber.join(waiter)

      yield* serves(pool, 1)
    }))

  it.effect("that is closed already releases what is packed in it", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const pool = yield* make({
        objects: ["a"],
        pack: () =>
          Effect.acquireRelease(Effect.sync(() => log.push("packed")), () => Effect.sync(() => log.push("unpacked")))
      })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)

      yield* Effect.exit(Scope.provide(pool.borrow, scope))

      assert.strictEqual(
        log.filter((line) => line === "packed").length,
        log.filter((line) => line === "unpacked").length
      )
    }))

  it.effect("keeps nothing of a lease that was released early", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const scope = yield* Scope.make()

      for (let i = 0; i < 100; i++) yield* (yield* Scope.provide(pool.borrow, scope)).release

      assert.strictEqual(scope.state._tag, "Empty")
      yield* Scope.close(scope, Exit.void)
    }))
})

describe("re-entrancy:", () => {
  it.effect("callbacks may use the pool that calls them", () =>
    Effect.gen(function*() {
      const calls: Record<string, number> = {}
      let quiet = false
      const use = (name: string): boolean => {
        if (quiet) return true
        calls[name] = (calls[name] ?? 0) + 1
        Effect.runSync(balanced(pool))
        Effect.runSync(pool.add(name))
        Effect.runSync(pool.with(() => pool.stats, { ...exactly(name), timeout: 0 }))
        return Effect.runSync(pool.remove(name))
      }
      const pool: ObjectPool<string> = yield* make<string>({
        acquire: Effect.sync(() => use("acquire") ? "made" : ""),
        size: { max: 4 },
        data: (object) => {
          if (object === "made") use("data")
          return undefined
        },
        detectStatus: ({ object }) => {
          if (object === "made") use("detectStatus")
          return "Available"
        },
        detection: { onBorrow: true, onRelease: true },
        leaseTimeout: ({ object }) => {
          if (object === "made") use("leaseTimeout")
          return "Infinity"
        },
        pack: (lease) => {
          if (lease.object === "made") use("pack")
          return lease
        }
      })
      const where = ({ object }: PooledObject<string>) => object === "made" && use("where")

      yield* (yield* hold(pool.borrowWith(exactly("made")))).release
      yield* pool.with(() => Effect.void, { where })

      assert.sameMembers(Object.keys(calls), ["acquire", "data", "detectStatus", "leaseTimeout", "pack", "where"])
      quiet = true
      yield* serves(pool, 4)
    }))

  it.effect("a selector may look at the pool that asks it, and rest or remove what it does not choose", () =>
    Effect.gen(function*() {
      const pool: ObjectPool<string> = yield* make({
        objects: ["a", "b", "c"],
        select: (available) => {
          Effect.runSync(balanced(pool))
          if (available.length === 3) {
            Effect.runSync(pool.rest("b", "1 second"))
            Effect.runSync(pool.remove("c"))
          }
          return available[0]
        }
      })

      assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a")

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, dormant: 1 })
    }))

  it.effect("what makes an object may borrow another one", () =>
    Effect.gen(function*() {
      const pool: ObjectPool<string> = yield* make<string>({
        objects: ["template"],
        acquire: Effect.suspend(() => pool.with((lease) => Effect.succeed(`${lease.object}'`), exactly("template")))
          .pipe(
            Effect.orDie
          ),
        size: { max: 3 }
      })

      const lease = yield* pool.borrowWith({ where: ({ object }) => object !== "template" })

      assert.strictEqual(lease.object, "template'")
    }))

  it.effect("what destroys an object may borrow another one", () =>
    Effect.gen(function*() {
      let made = 0
      const used: Array<number> = []
      const pool: ObjectPool<number> = yield* make({
        acquire: Effect.acquireRelease(
          Effect.sync(() => ++made),
          () => Effect.ignore(pool.with((lease) => Effect.sync(() => used.push(lease.object)), { timeout: "1 second" }))
        ),
        size: { max: 2 }
      })
      const lent = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])

      yield* lent[0].lease.invalidate
      yield* lent[0].release
      yield* lent[1].release
      yield* settle

      assert.deepStrictEqual(used, [2])
      yield* serves(pool, 2)
    }))

  it.effect("a finalizer that runs as a lease ends may borrow", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "1 second" })
      const got: Array<string> = []
      const borrow = pool.with((lease) => Effect.sync(() => got.push(lease.object)))

      yield* Effect.scoped(Effect.andThen(Effect.addFinalizer(() => Effect.orDie(borrow)), pool.borrow))
      yield* Effect.ensuring(pool.with(() => Effect.void), Effect.orDie(borrow))

      assert.deepStrictEqual(got, ["a", "a"])
    }))
})

describe("the stack does not grow with the number of", () => {
  const many = 20_000

  const failing = (size: { readonly min?: number; readonly max: number }) =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size, borrowTimeout: "Infinity", creation: { retry: Schedule.recurs(0) } })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.forEach(Array.from({ length: many }), () => start(hold(pool.borrow)))
      script.acquire = "fail"
      yield* lent.lease.invalidate
      yield* lent.release
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(new Set(waiters.map(state)), new Set(["Failed"]))
      script.acquire = "ok"
      yield* TestClock.adjust("1 minute")
      yield* serves(pool, 1)
    })

  it.effect("waiters that fail as nothing can be made", () => failing({ max: 1 }))

  it.effect("waiters that fail as nothing can be made, with a minimum to keep", () => failing({ min: 1, max: 1 }))

  it.effect("waiters that are told at once, and take long: others run in between, and their order is kept", () =>
    Effect.gen(function*() {
      const { clock, toll } = yield* costly
      const pool = yield* Effect.provideService(make({ objects: ["a"] }), Clock.Clock, clock)
      const lease = yield* hold(pool.borrow)
      const ended: Array<number> = []
      for (let i = 0; i < 200; i++) {
        yield* start(Effect.ensuring(Effect.ignore(Effect.scoped(pool.borrow)), Effect.sync(() => ended.push(i))))
      }
      toll.millis = 1
      const seen = new Set<number>()
      yield* Effect.forkChild(
        Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => seen.add(ended.length))))
      )

      yield* Effect.forkChild(pool.close)
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })

      assert.deepStrictEqual(ended, Array.from({ length: 200 }, (_, i) => i))
      assert.isAtLeast(seen.size, 4)
      yield* lease.release
    }))

  it.effect("older waiters that cannot use what is made", () =>
    Effect.gen(function*() {
      const { acquire, script } = scripted()
      const pool = yield* make({ acquire, size: { max: 3000 }, borrowTimeout: "1 minute" })
      const picky = Effect.forEach(Array.from({ length: 2000 }), () =>
        start(hold(pool.borrowWith({ where: () => false }))))
      const waiters = yield* picky
      script.acquire = "fail"

      const last = yield* start(hold(pool.borrowWith({
        where: () =>
          false
      })))
      yield* TestClock.adjust("2 minutes")

      const ends = new Set([last, ...waiters].map(state))
      assert.isTrue([...ends].every((end) => end === "Failed" || end === "BorrowTimeout"), [...ends].join())
    }))

  it.effect("objects destroyed at once", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { min: many, max: many } })
      yield* pool.ready
      assert.strictEqual((yield* balanced(pool)).available, many)

      yield* pool.close

      assert.isTrue(things.every((thing) => thing.destroyed === 1))
    }))

  it.effect("waiters that give what they get straight on", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const lent = yield* hold(pool.borrow)
      const waiters = yield* Effect.forEach(Array.from({ length: many }), () => start(Effect.scoped(pool.borrow)))

      yield* lent.release

      yield* Fiber.joinAll(waiters)
    }))
})
