/**
 * The queue of those who wait: their order, what they are served with, and how many they may be (promises 4, 5 and 8).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import type { Lease } from "../src/index.ts"
import { ending, hold, keep, make, only, serves, settle, start, state, timedOut } from "./support/borrowers.ts"
import type { Thing } from "./support/scripted.ts"
import { balanced, Failed, scripted, slow } from "./support/scripted.ts"

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
      const lent = { a: yield* hold(pool.borrowWith(only("a"))), b: yield* hold(pool.borrowWith(only("b"))) }
      const got: Array<string> = []
      const picky = yield* start(hold(pool.borrowWith(only("b"))))
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
      assert.strictEqual((yield* timedOut(Fiber.join(next))).phase, "Acquiring")
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

  const firstOf = <P>(available: ReadonlyArray<P>): P | undefined => available[0]
  const selectors = {
    "built in": undefined,
    "the user's": firstOf,
    "the user's, which takes time": <P>(available: ReadonlyArray<P>) => Effect.as(Effect.sleep(1), firstOf(available))
  }
  for (const [which, select] of Object.entries(selectors)) {
    it.effect(`does not turn out one that was let in when what is detected for it is no good (selector: ${which})`, () =>
      Effect.gen(function*() {
        const pool = yield* make({
          objects: ["a"],
          select,
          maxWaiters: 0,
          detectStatus: () => Effect.as(Effect.sleep(10), "Invalid"),
          detection: { onAdd: false, onBorrow: true }
        })
        const borrower = yield* start(hold(pool.borrow))
        yield* TestClock.adjust(20)

        assert.deepInclude(yield* pool.stats, { size: 0, waiting: 1 })
        yield* pool.add("b")
        yield* TestClock.adjust(20)
        assert.deepInclude(yield* pool.stats, { size: 0, waiting: 1 })
        assert.strictEqual(state(borrower), "waits")
      }))
  }

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
