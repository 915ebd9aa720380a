/**
 * Borrowing: each object has one borrower, and a borrow that gets nothing loses nothing (promises 1 to 3, 7, 9 and 10).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type BorrowOptions, type Lease, ObjectPool, type PooledObject, Selector, Status } from "../src/index.ts"
import { ending, hold, keep, make, only, serves, settle, start, state, use } from "./support/borrowers.ts"
import type { Thing } from "./support/scripted.ts"
import { balanced, scripted, slow } from "./support/scripted.ts"

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

describe("9. falsy values", () => {
  const falsy = [0, -0, "", null, undefined, false, NaN, 0n]

  it.effect("are objects like any other", () =>
    Effect.gen(function*() {
      const pool = yield* make<unknown>({ objects: falsy })
      const got: Array<unknown> = []
      for (const object of falsy) yield* keep(pool.borrowWith(only<unknown>(object)), got)
      assert.deepStrictEqual(got, falsy)
      const waiters = yield* Effect.forEach(falsy, (object) => keep(pool.borrowWith(only<unknown>(object))))

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
