/**
 * A `pack` at work when its lease ends: it is interrupted, and nothing that it has made is handed out (promises 2, 6, 11, 24).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type BorrowOptions, type Lease, ObjectPool } from "../src/index.ts"
import { hold, make, named, settle, start, state } from "./support/borrowers.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, scripted } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

/** A `pack` that takes its time, and what has become of it. */
const slowly = (millis: number) => {
  const seen = { interrupted: 0, opened: 0, closed: 0 }
  const pack = (lease: Lease<string>) =>
    Effect.andThen(
      Effect.acquireRelease(
        Effect.sync(() => seen.opened++),
        () => Effect.sync(() => seen.closed++)
      ),
      Effect.onInterrupt(Effect.as(Effect.sleep(millis), lease.object), () => Effect.sync(() => seen.interrupted++))
    )
  return { pack, seen }
}

type Pool = ObjectPool<string, undefined, never, string>

/** The ways to borrow: each keeps what it gets. */
const ways: ReadonlyArray<
  readonly [string, (pool: Pool, options?: BorrowOptions<string>) => Effect.Effect<never, unknown>]
> = [
  ["borrow", (pool, options = {}) => Effect.scoped(Effect.andThen(pool.borrowWith(options), Effect.never))],
  ["tryBorrow", (pool, options = {}) => Effect.scoped(Effect.andThen(pool.tryBorrowWith(options), Effect.never))],
  ["with", (pool, options = {}) => pool.with(() => Effect.never, options)]
]

const everywhere: ReadonlyArray<
  readonly [string, <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>]
> = [
  ["", (effect) => effect],
  [", in an uninterruptible region", Effect.uninterruptible]
]

for (const [way, take] of ways) {
  for (const [where, region] of everywhere) {
    describe(`\`${way}\`${where}, while \`pack\` is at work`, () => {
      it.effect("fails with LeaseExpired when its lease expires", () =>
        Effect.gen(function*() {
          yield* settle
          const { pack, seen } = slowly(200)
          const pool = yield* make({ objects: ["a"], pack })
          const fiber = yield* start(region(take(pool, { leaseTimeout: "50 millis", timeout: "1 minute" })))
          yield* TestClock.adjust("50 millis")

          assert.strictEqual(state(fiber), "LeaseExpired Expired")
          assert.deepStrictEqual(seen, { interrupted: 1, opened: 1, closed: 1 })
          assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
        }))

      it.effect("fails with LeaseExpired when its lease is revoked", () =>
        Effect.gen(function*() {
          yield* settle
          const { pack, seen } = slowly(200)
          const pool = yield* make({ objects: ["a"], pack })
          const fiber = yield* start(region(take(pool)))
          yield* pool.revoke((yield* pool.leases)[0]!)
          yield* settle

          assert.strictEqual(state(fiber), "LeaseExpired Revoked")
          assert.deepStrictEqual(seen, { interrupted: 1, opened: 1, closed: 1 })
          assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
        }))

      it.effect("fails with LeaseExpired when another lease of its object detaches that", () =>
        Effect.gen(function*() {
          yield* settle
          const { acquire } = scripted()
          const { pack, seen } = slowly(200)
          const leases: Array<Lease<unknown>> = []
          const pool = yield* make({
            acquire: Effect.as(acquire, "a"),
            sharing: 2,
            size: { max: 1 },
            pack: (lease) => {
              leases.push(lease)
              return leases.length === 1 ? lease.object : pack(lease as Lease<string>)
            }
          })
          yield* hold(pool.borrow)
          const fiber = yield* start(region(take(pool as Pool)))
          yield* Effect.scoped(leases[0]!.detach)
          yield* settle

          assert.strictEqual(state(fiber), "LeaseExpired Revoked")
          assert.deepStrictEqual(seen, { interrupted: 1, opened: 1, closed: 1 })
          assert.deepInclude(yield* balanced(pool), { size: 0, leases: 0 })
        }))

      it.effect("fails with LeaseExpired when the pool has closed", () =>
        late(Effect.gen(function*() {
          yield* settle
          const { pack, seen } = slowly(200)
          const pool = yield* ObjectPool.make({ objects: ["a"], pack, closing: { timeout: "50 millis" } })
          const fiber = yield* start(region(take(pool)))
          const closing = yield* start(pool.close)
          yield* TestClock.adjust("50 millis")

          assert.deepStrictEqual([state(fiber), state(closing)], ["LeaseExpired Closed", "ok"])
          assert.deepStrictEqual(seen, { interrupted: 1, opened: 1, closed: 1 })
        })))
    })
  }

  describe(`\`${way}\`, and its \`pack\``, () => {
    it.effect("that hangs ends with the lease, though its deadline was long before", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"], pack: () => Effect.never, borrowTimeout: "1 second" })
        const fiber = yield* start(take(pool as Pool, { leaseTimeout: "1 minute" }))
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(state(fiber), "waits", "what `pack` does is not bounded by the deadline of the borrow")
        yield* TestClock.adjust("1 second")

        assert.strictEqual(state(fiber), "LeaseExpired Expired")
      }))

    it.effect("that cannot be interrupted ends before the object is lent on, and what it answers is dropped", () =>
      Effect.gen(function*() {
        let packs = 0
        const pool = yield* make({
          objects: ["a"],
          pack: (lease) => Effect.uninterruptible(Effect.as(Effect.sleep(packs++ === 0 ? "1 second" : 0), lease.object))
        })
        const fiber = yield* start(take(pool, { leaseTimeout: "50 millis" }))
        const next = yield* start(pool.with(() => Effect.void))
        yield* TestClock.adjust("999 millis")
        assert.deepStrictEqual([state(fiber), state(next), packs], ["waits", "waits", 1])
        yield* TestClock.adjust("1 millis")
        yield* settle

        assert.deepStrictEqual([state(fiber), state(next), packs], ["LeaseExpired Expired", "ok", 2])
      }))

    for (const how of ["release", "detach", "close"] as const) {
      it.effect(`which ends its own lease by \`${how}\` has nothing to hand out`, () =>
        late(Effect.gen(function*() {
          const { acquire, things } = scripted()
          let close: Effect.Effect<void> = Effect.void
          const pool = yield* ObjectPool.make({
            acquire,
            pack: (lease) => Effect.as(how === "close" ? close : lease[how], lease.object)
          })
          close = pool.close
          const fiber = yield* start(take(pool as never))
          yield* settle

          assert.strictEqual(state(fiber), `LeaseExpired ${how === "close" ? "Closed" : "Released"}`)
          assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [how === "release" ? 0 : 1])
        })))
    }

    it.effect("that fails has failed with that, and closes what it has opened", () =>
      Effect.gen(function*() {
        let closed = 0
        const pool = yield* make({
          objects: ["a"],
          pack: () => Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => closed++)), Effect.fail("no"))
        })
        const fiber = yield* start(take(pool as never, { leaseTimeout: "1 minute" }))

        assert.deepStrictEqual([state(fiber), closed], ["no", 1])
        assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
      }))

    it.effect(
      "in any window of its expiry hands out nothing that has been released",
      () =>
        sweep((window) =>
          Effect.scoped(Effect.gen(function*() {
            const seen = { opened: 0, closed: 0 }
            const pool = yield* make({
              objects: ["a"],
              onLeaseExpired: "return",
              pack: (lease) =>
                Effect.as(
                  Effect.acquireRelease(
                    Effect.repeat(Effect.sync(() => ++seen.opened), { times: 2 }),
                    () => Effect.sync(() => seen.closed++),
                    { interruptible: true }
                  ),
                  lease.object
                )
            })
            let handed = false
            const body = way === "with"
              ? pool.with(() => Effect.sync(() => handed = seen.closed === 0))
              : Effect.scoped(Effect.map(pool.borrow, () => handed = seen.closed === 0))
            const fiber = yield* start(Effect.exit(body))
            yield* Effect.repeat(Effect.yieldNow, { times: window.yields })
            for (const lease of yield* pool.leases) yield* pool.revoke(lease)
            const exit = yield* Fiber.join(fiber)

            const ended = Exit.isSuccess(exit)
              ? handed
              : (Cause.squash(exit.cause) as { readonly _tag?: string })._tag === "LeaseExpired"
            assert.isTrue(ended, String(exit))
            assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
          })).pipe(named(window))
        )
    )
  })
}

describe("`borrow` that packs", () => {
  it.effect("in a scope that is closed has nothing to hand out", () =>
    Effect.gen(function*() {
      let packs = 0
      const pool = yield* make({ objects: ["a"], pack: () => packs++ })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Effect.exit(Scope.provide(pool.borrow, scope))

      assert.deepStrictEqual([Exit.isFailure(exit) && String(Cause.squash(exit.cause)), packs], [
        "LeaseExpired: Pool \"ObjectPool\": lease 1 of object 1 has ended: it was released",
        0
      ])
      assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
    }))

  it.effect("whose scope closes meanwhile has nothing to hand out", () =>
    Effect.gen(function*() {
      const { pack, seen } = slowly(200)
      const pool = yield* make({ objects: ["a"], pack })
      const scope = yield* Scope.make()
      const fiber = yield* start(Scope.provide(pool.borrow, scope))
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("200 millis")

      assert.strictEqual(state(fiber), "LeaseExpired Released")
      assert.strictEqual(seen.closed, seen.opened)
    }))

  it.effect("whose lease expires before its fiber is resumed does not begin to pack", () =>
    Effect.gen(function*() {
      let packs = 0
      const pool = yield* make({ objects: ["a"], pack: () => packs++, closing: { timeout: 0 } })
      const holder = yield* hold(pool.borrow)
      const fiber = yield* start(hold(pool.borrow))
      yield* Effect.andThen(holder.release, pool.close)

      yield* settle
      assert.deepStrictEqual([state(fiber), packs], ["PoolClosed", 1])
    }))

  it.effect("keeps what `pack` forks, as long as its scope", () =>
    Effect.gen(function*() {
      let beats = 0
      const beat = Effect.forever(Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => beats++)))
      const pool = yield* make({
        objects: ["a"],
        leaseTimeout: "1 hour",
        pack: (lease) => Effect.as(Effect.forkScoped(beat), lease)
      })
      const { release } = yield* hold(pool.borrow)
      yield* TestClock.adjust("3 seconds")
      yield* release
      yield* TestClock.adjust("3 seconds")

      assert.strictEqual(beats, 3)
    }))

  it.effect("runs `pack` in the borrower's own fiber", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.withFiber(Effect.succeed)
      const pool = yield* make({ objects: ["a"], leaseTimeout: "1 hour", pack: () => Effect.withFiber(Effect.succeed) })

      assert.strictEqual((yield* hold(pool.borrow)).lease, fiber)
    }))

  it.effect("leaves a defect of what closes after an expiry in the log", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(make({
        objects: ["a"],
        leaseTimeout: "1 second",
        pack: (lease) => Effect.as(Effect.addFinalizer(() => Effect.die(new Error("cannot close"))), lease)
      }))
      yield* hold(pool.borrow)
      yield* TestClock.adjust("1 second")

      assert.match(lines.join(), /Closing what pack made has failed.*cannot close/s)
      assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
    }))
})
