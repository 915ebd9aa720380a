/**
 * Objects that are taken out for good by whoever holds them (promises 12 and 20).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { hold, reason, start, tag } from "./support/borrowers.ts"
import { balanced, scripted } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

describe("detach", () => {
  it.effect("takes a made object out for good: it is closed with the scope of the caller", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const mine = yield* Scope.make()
      const object = yield* pool.with((lease) => Scope.provide(lease.detach, mine))

      assert.strictEqual(object, things[0])
      assert.strictEqual((yield* balanced(pool)).size, 0)
      yield* pool.close
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* Scope.close(mine, Exit.void)
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("frees the room at once: a waiter has its object made while the detached one is in use", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const lease = yield* pool.borrow
      const waiter = yield* start(pool.borrow)
      yield* Effect.yieldNow
      assert.strictEqual((yield* pool.stats).waiting, 1)
      yield* lease.detach

      const next = yield* Fiber.join(waiter)
      assert.strictEqual(next.object, things[1])
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* balanced(pool)
    }))

  it.effect("leaves an added object to its owner: its release is not run", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<{}> })
      const object = {}
      let released = 0
      yield* pool.add(object, { release: () => Effect.sync(() => released++) })
      const { lease, scope } = yield* hold(pool.borrow)
      assert.strictEqual(yield* Effect.scoped(lease.detach), object)
      yield* Scope.close(scope, Exit.void)
      yield* pool.close

      assert.strictEqual(released, 0)
    }))

  it.effect("lets the object be added again", () =>
    Effect.gen(function*() {
      const object = {}
      const pool = yield* ObjectPool.make({ objects: [object] })
      const lease = yield* pool.borrow
      yield* lease.detach
      const pooled = yield* pool.add(object)

      assert.strictEqual(lease.pooled.status, "Invalid")
      assert.strictEqual(pooled.status, "Available")
      assert.strictEqual(pooled.id, 2)
    }))

  it.effect("beats `invalidate`, `rest` and `remove`", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire })
      const lease = yield* pool.borrow
      yield* Effect.all([lease.invalidate, lease.rest("1 hour"), pool.remove(lease.pooled)])
      yield* lease.detach
      yield* lease.release
      yield* TestClock.adjust("2 hours")

      assert.strictEqual(things[0]!.destroyed, 0)
      assert.strictEqual((yield* pool.stats).size, 0)
    }))

  it.effect("ends the lease: it does not expire, a second `detach` fails, `expired` never ends", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const lease = yield* pool.borrow
      const expired = yield* start(lease.expired)
      yield* lease.detach
      yield* TestClock.adjust("1 hour")

      assert.strictEqual(yield* reason(lease.detach), "Released")
      assert.strictEqual(yield* reason(lease.renew), "Released")
      assert.isUndefined(expired.pollUnsafe())
      const { leases, totals } = yield* pool.stats
      assert.deepStrictEqual([leases, totals.expired], [0, 0])
    }))

  it.effect("within a body with a lease time-out keeps it from being interrupted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(
        pool.with((lease) => Effect.scoped(Effect.andThen(lease.detach, Effect.sleep("1 minute"))))
      )
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(yield* tag(Fiber.join(body)), "ok")
    }))

  it.effect("closes what `pack` made, before it answers", () =>
    Effect.gen(function*() {
      let closed = false
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        pack: (lease) =>
          Effect.as(
            Effect.addFinalizer(() =>
              Effect.andThen(
                Effect.sleep("1 second"),
                Effect.sync(() => {
                  closed = true
                })
              )
            ),
            lease
          )
      })
      const lease = yield* pool.borrow
      const detaching = yield* start(Effect.map(lease.detach, () => closed))
      yield* TestClock.adjust("1 second")

      assert.isTrue(yield* Fiber.join(detaching))
    }))

  it.effect("is possible while the pool closes, which does not wait for the object any more", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire })
      const mine = yield* Scope.make()
      const { lease } = yield* hold(pool.borrow)
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("1 second")
      assert.isUndefined(closing.pollUnsafe())
      yield* Scope.provide(lease.detach, mine)
      yield* Fiber.join(closing)

      assert.strictEqual(things[0]!.destroyed, 0)
      yield* Scope.close(mine, Exit.void)
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("into a scope that is closed already closes the object at once", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire })
      const closed = yield* Scope.make()
      yield* Scope.close(closed, Exit.void)
      const lease = yield* pool.borrow
      yield* Scope.provide(lease.detach, closed)

      assert.strictEqual(things[0]!.destroyed, 1)
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  it.effect("fails after the end of the lease, and takes nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const expired = yield* pool.borrowWith({ leaseTimeout: "1 second" })
      const released = yield* pool.borrow
      yield* released.release
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* reason(expired.detach), "Expired")
      assert.strictEqual(yield* reason(released.detach), "Released")
      assert.strictEqual((yield* pool.stats).size, 2)
    }))
})

describe("an interruption at any instant", () => {
  it.effect("of `detach` leaves the object in the pool or with the caller, and it is closed once", () =>
    sweep((window) =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        yield* Effect.scoped(Effect.gen(function*() {
          const pool = yield* ObjectPool.make({
            acquire,
            pack: (lease) => Effect.as(Effect.addFinalizer(() => Effect.yieldNow), lease)
          })
          const fiber = yield* start(
            Effect.scoped(
              Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 2 }), pool.with((lease) => lease.detach))
            )
          )
          yield* window.interrupt(fiber)
          // what is being made goes on, and stays
          yield* Effect.repeat(Effect.yieldNow, { times: 10 })
          const { leases, size } = yield* balanced(pool)
          assert.deepStrictEqual([leases, size], [0, things.length - (things[0]?.destroyed ?? 0)], window.toString())
        }))

        assert.isTrue(things.every((thing) => thing.destroyed === 1), window.toString())
      })
    ))
})
