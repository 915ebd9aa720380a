/**
 * Whose a lease is: for `drain`, `close` and `BorrowTimeout` (promises 11, 24), and what it costs to ask.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type BorrowTimeout, ObjectPool } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { late } from "./support/observed.ts"

const heldBy = <A, E, R>(borrow: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(borrow), (error) => (error as BorrowTimeout).held)

const ends: ReadonlyArray<readonly ["drain" | "close", (pool: ObjectPool<string>) => Effect.Effect<void, unknown>]> = [
  ["drain", (pool) => pool.drain],
  ["close", (pool) => pool.close]
]

describe("what a body under a lease time-out forks, and does not wait for,", () => {
  const forks = {
    forkDetach: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkDetach(effect, { startImmediately: true }),
    forkIn: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.flatMap(Scope.make(), (scope) => Effect.forkIn(effect, scope, { startImmediately: true })),
    forkChild: <A, E, R>(effect: Effect.Effect<A, E, R>) => start(effect)
  }

  for (const [name, fork] of Object.entries(forks)) {
    for (const [end, run] of ends) {
      it.effect(`by \`${name}\`, is a borrower of its own: \`${end}\` there waits for the body's lease`, () =>
        late(Effect.gen(function*() {
          const pool = yield* ObjectPool.make({
            objects: ["a"],
            leaseTimeout: "1 hour",
            closing: { timeout: "1 minute" }
          })
          let forked: Fiber.Fiber<void, unknown> | undefined
          const body = yield* start(pool.with(() =>
            Effect.andThen(
              Effect.map(fork(run(pool)), (fiber) => forked = fiber),
              Effect.sleep("10 seconds")
            )
          ))
          yield* TestClock.adjust("9 seconds")
          assert.deepStrictEqual([state(forked!), state(body)], ["waits", "waits"])
          yield* TestClock.adjust("1 second")
          yield* settle

          assert.strictEqual(state(body), "ok")
          if (name !== "forkChild") assert.strictEqual(state(forked!), "ok")
        })))

      it.effect(`by \`${name}\`, and which borrows: \`${end}\` in the body waits for that lease`, () =>
        late(Effect.gen(function*() {
          const pool = yield* ObjectPool.make({
            objects: ["a", "b"],
            leaseTimeout: "1 hour",
            closing: { timeout: "1 minute" }
          })
          const ended: Array<string> = []
          const note = (what: string) => Effect.sync(() => ended.push(what))
          const body = yield* start(pool.with(() =>
            Effect.gen(function*() {
              yield* fork(pool.with(() => Effect.andThen(Effect.sleep("10 seconds"), note("forked"))))
              yield* run(pool)
              yield* note(end)
            })
          ))
          yield* TestClock.adjust("10 seconds")
          yield* settle

          assert.deepStrictEqual([state(body), ended], ["ok", ["forked", end]])
        })))

      // a child ends with its body
      if (name === "forkChild") continue
      it.effect(`by \`${name}\`, and the one who has forked it, are two: \`${end}\` there waits for the lease of this`, () =>
        late(Effect.gen(function*() {
          const pool = yield* ObjectPool.make({
            objects: ["a"],
            leaseTimeout: "1 hour",
            closing: { timeout: "1 minute" }
          })
          const go = yield* Deferred.make<void>()
          const forker = yield* start(Effect.gen(function*() {
            const forked = yield* pool.with(() => fork(Effect.andThen(Deferred.await(go), run(pool))))
            const { lease, release } = yield* hold(pool.borrow)
            yield* Deferred.succeed(go, undefined)
            yield* Effect.sleep("10 seconds")
            const before = [state(forked), (yield* start(lease.expired)).pollUnsafe()]
            yield* release
            yield* Fiber.join(forked)
            return before
          }))
          yield* TestClock.adjust("10 seconds")

          assert.deepStrictEqual(yield* Fiber.join(forker), ["waits", undefined])
        })))
    }
  }

  it.effect("does not carry its ancestors: a chain of jobs leaves no trace", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseTimeout: "1 hour" })
      const done = yield* Deferred.make<void>()
      const keys = Effect.withFiber((fiber) => Effect.succeed([...fiber.context.mapUnsafe.keys()].join()))
      const seen = new Set([yield* keys])
      const job = (left: number): Effect.Effect<void, unknown> =>
        pool.with(() =>
          Effect.gen(function*() {
            seen.add(yield* keys)
            if (left === 0) yield* Deferred.succeed(done, undefined)
            else yield* Effect.forkDetach(job(left - 1))
          })
        )
      yield* job(300)
      yield* Deferred.await(done)

      assert.strictEqual(seen.size, 1, "each has the context of the first")
    }))
})

describe("the fibers that run bodies under lease time-outs, one within the other,", () => {
  for (const [end, run] of ends) {
    it.effect(`are one borrower: \`${end}\` in the innermost waits for none of their leases`, () =>
      late(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a", "b", "c", "d"], leaseTimeout: "1 hour" })
        const nested = pool.with(() =>
          Effect.scoped(Effect.andThen(
            pool.borrow,
            pool.with(() => pool.with(() => Effect.as(run(pool), "done"), { leaseTimeout: "Infinity" }))
          ))
        )
        const fiber = yield* start(nested)
        yield* settle

        assert.strictEqual(state(fiber), "ok")
      })))
  }

  it.effect("are one borrower of each pool that they borrow from", () =>
    late(Effect.gen(function*() {
      const [one, other] = [
        yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 hour" }),
        yield* ObjectPool.make({ objects: ["b"], leaseTimeout: "1 hour" })
      ]
      const fiber = yield* start(one.with(() => other.with(() => Effect.andThen(one.close, other.close))))
      yield* settle

      assert.strictEqual(state(fiber), "ok")
    })))

  it.effect("leave what they have borrowed into a scope that outlives them to the one they ran for", () =>
    late(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], leaseTimeout: "1 hour" })
      const fiber = yield* start(Effect.scoped(Effect.gen(function*() {
        yield* pool.with(() => pool.borrow)
        yield* pool.close
      })))
      yield* settle

      assert.strictEqual(state(fiber), "ok")
    })))

  it.effect("say in a BorrowTimeout how many leases they have together", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], leaseTimeout: "1 hour" })
      const held = yield* pool.with(() => pool.with(() => heldBy(pool.with(() => Effect.void, { timeout: 0 }))))

      assert.strictEqual(held, 2)
    }))
})

describe("how many leases a borrower has", () => {
  it.effect("is right whatever has begun and ended since it was asked before", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], sharing: 2 })
      const all = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => hold(pool.borrow))
      const asked = heldBy(pool.with(() => Effect.void, { timeout: 0 }))
      assert.strictEqual(yield* asked, 6)
      yield* all[0]!.release
      const other = yield* start(hold(pool.borrow))
      assert.strictEqual(yield* asked, 5)
      yield* (yield* Fiber.join(other)).release
      yield* Effect.scoped(all[1]!.lease.detach)
      const rest = yield* Effect.forEach(Array.from({ length: (yield* pool.stats).size * 2 }), () =>
        Effect.exit(hold(pool.tryBorrow)))

      assert.strictEqual(yield* asked, (yield* pool.stats).leases)
      assert.isAtLeast(rest.length, 2)
    }))
})
