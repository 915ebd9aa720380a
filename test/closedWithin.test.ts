/**
 * Leases whose pool is closed from inside their bodies, or before their borrowers are resumed (promises 11 and 24).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { hold, reason, start, tag } from "./support/borrowers.ts"
import { scripted } from "./support/scripted.ts"

describe("closing from inside a body", () => {
  for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
    const what = leaseTimeout === "Infinity" ? "without" : "with"
    it.effect(`${what} a lease time-out: what the body answers stands, and its lease is revoked`, () =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        const pool = yield* ObjectPool.make({ acquire })
        const body = pool.with((lease) =>
          Effect.gen(function*() {
            const expired = yield* start(reason(lease.expired))
            yield* pool.close
            assert.strictEqual(yield* Fiber.join(expired), "Closed")
            assert.strictEqual(yield* reason(lease.renew), "Closed")
            assert.strictEqual(things[0]!.destroyed, 1)
            yield* Effect.sleep("1 hour")
            return "answer"
          }), { leaseTimeout })
        const fiber = yield* start(body)
        yield* TestClock.adjust("1 hour")

        assert.strictEqual(yield* Fiber.join(fiber), "answer")
        assert.strictEqual(things[0]!.destroyed, 1)
      }))
  }

  it.effect("from another fiber, the body has `closing.timeout`, then is interrupted where it has a time-out", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: "5 seconds" } })
      const body = yield* start(pool.with(() => Effect.never, { leaseTimeout: "1 minute" }))
      const closing = yield* start(pool.close)
      yield* TestClock.adjust(4999)
      assert.isUndefined(body.pollUnsafe())
      yield* TestClock.adjust(1)

      const error = yield* Effect.flip(Fiber.join(body))
      assert.strictEqual(error._tag === "LeaseExpired" && error.reason, "Closed")
      yield* Fiber.join(closing)
    }))

  it.effect("a body whose first step lets another fiber close the pool is interrupted as well", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: 0 } })
      const go = yield* Deferred.make<void>()
      const closing = yield* start(Effect.andThen(Deferred.await(go), pool.close))
      // the fiber that closes is resumed within the step of the body
      const body = yield* start(
        pool.with(() => Effect.andThen(Deferred.succeed(go, undefined), Effect.never), { leaseTimeout: "1 minute" })
      )
      yield* Fiber.join(closing)
      yield* TestClock.adjust("1 hour")

      assert.isDefined(body.pollUnsafe(), "the body has ended")
      yield* Fiber.interrupt(body)
    }))
})

describe("a lease that is revoked before its borrower is resumed", () => {
  /** The waiter is served and the pool closed in one step: its fiber has not run in between. */
  const revoked = <A, E, R>(use: (pool: ObjectPool<string, undefined, never, string>) => Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const opened = { packs: 0, closed: 0 }
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        closing: { timeout: 0 },
        pack: (lease) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              opened.packs++
              return lease.object
            }),
            () =>
              Effect.sync(() => {
                opened.closed++
              })
          )
      })
      const scope = yield* Scope.make()
      yield* Scope.provide(pool.borrow, scope)
      const waiter = yield* start(Effect.exit(use(pool)))
      yield* Effect.andThen(Scope.close(scope, Exit.void), pool.close)
      return { exit: yield* Fiber.join(waiter), opened }
    })

  it.effect("leaves nothing open that `pack` made, under `borrow`", () =>
    Effect.gen(function*() {
      const { opened } = yield* revoked((pool) => Effect.scoped(pool.borrow))
      assert.strictEqual(opened.packs, opened.closed)
    }))

  it.effect("leaves nothing open that `pack` made, under `with`", () =>
    Effect.gen(function*() {
      for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
        const { opened } = yield* revoked((pool) => pool.with(() => Effect.void, { leaseTimeout }))
        assert.strictEqual(opened.packs, opened.closed)
      }
    }))

  it.effect("does not let a body run on an object that is gone", () =>
    Effect.gen(function*() {
      for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
        const ran: Array<string> = []
        const note = (name: string) => () => Effect.sync(() => ran.push(name))
        const { exit } = yield* revoked((pool) => pool.with(note("packed"), { leaseTimeout }))
        assert.isTrue(Exit.isFailure(exit), "the borrower fails")

        const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: 0 } })
        const { lease } = yield* hold(pool.borrow)
        const waiter = yield* start(tag(pool.with(note("plain"), { leaseTimeout })))
        yield* Effect.andThen(lease.release, pool.close)
        assert.include(["LeaseExpired", "PoolClosed"], yield* Fiber.join(waiter))
        assert.deepStrictEqual(ran, [])
      }
    }))
})
