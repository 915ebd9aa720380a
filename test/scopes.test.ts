/**
 * The scope of a borrow: what it gives back, and when (promises 1 and 12).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import { ObjectPool } from "../src/index.ts"
import { hold, make, serves, start } from "./support/borrowers.ts"

describe("a scope", () => {
  it.effect("whose lease is released while it closes leaves the next lease of that object alone", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const [one, other] = [yield* Scope.make(), yield* Scope.make()]
      const [latch, otherLatch] = [Latch.makeUnsafe(), Latch.makeUnsafe()]
      const first = yield* Scope.provide(pool.borrow, one)
      yield* Scope.addFinalizer(one, Effect.andThen(first.release, latch.await))
      const closing = yield* start(Scope.close(one, Exit.void))
      const second = yield* Scope.provide(pool.borrow, other)
      yield* Scope.addFinalizer(other, otherLatch.await)
      const otherClosing = yield* start(Scope.close(other, Exit.void))

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
