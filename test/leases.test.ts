/**
 * Leases: their clock, their end, and what they may do before and after it (promises 11 and 12).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Lease, ObjectPool, Selector } from "../src/index.ts"
import { finalizers, hold, reason, start, statuses, tag } from "./support/borrowers.ts"
import { at, skewed } from "./support/clocks.ts"
import { balanced } from "./support/scripted.ts"

describe("the clock of a lease", () => {
  it.effect("starts when the lease is granted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "10 seconds" })
      yield* TestClock.adjust("5 seconds")
      const lease = yield* pool.borrow

      assert.strictEqual(at(lease.borrowedAt), 5000)
      assert.strictEqual(at(lease.expiresAt), 15_000)
      const ended = yield* start(lease.expired)
      yield* TestClock.adjust(9999)
      assert.isUndefined(ended.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* reason(Fiber.join(ended)), "Expired")
    }))

  it.effect("starts for a waiter when it is served, not when it began to wait", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const first = yield* pool.borrow
      const waiter = yield* start(pool.borrowWith({ leaseTimeout: "10 seconds" }))
      yield* TestClock.adjust("8 seconds")
      yield* first.release
      const lease = yield* Fiber.join(waiter)

      assert.strictEqual(at(lease.borrowedAt), 8000)
      assert.strictEqual(at(lease.expiresAt), 18_000)
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("does not run for a lease without a time-out", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* TestClock.adjust("1000 days")

      assert.isUndefined(lease.expiresAt)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
    }))

  it.effect("is the monotonic one: a jump of the wall clock neither ends a lease nor prolongs it", () =>
    Effect.gen(function*() {
      const { clock, skew } = yield* skewed
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects: ["a"], leaseTimeout: "10 seconds" }),
        Clock.Clock,
        clock
      )
      for (const jump of [3_600_000, -3_600_000]) {
        const { lease } = yield* hold(pool.borrow)
        skew.millis = jump
        yield* TestClock.adjust(9999)
        assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        assert.strictEqual(yield* reason(lease.renew), "Expired")
      }
    }))
})

describe("how long a lease lasts", () => {
  it.effect("is said by the borrow, else by what added the object, else by the pool", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["plain"], leaseTimeout: "3 seconds" })
      yield* pool.add("special", { leaseTimeout: "2 seconds" })
      const lasts = (object: string, leaseTimeout?: Duration.Input) =>
        Effect.scoped(
          Effect.map(
            pool.borrowWith({ where: (pooled) => pooled.object === object, leaseTimeout }),
            (lease) => at(lease.expiresAt)
          )
        )

      assert.strictEqual(yield* lasts("plain"), 3000)
      assert.strictEqual(yield* lasts("special"), 2000)
      assert.strictEqual(yield* lasts("plain", "1 second"), 1000)
      assert.strictEqual(yield* lasts("special", "1 second"), 1000)
      assert.isUndefined(yield* lasts("special", "Infinity"))
    }))

  it.effect("may be \"Infinity\" for an added object of a pool whose leases end", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, leaseTimeout: "3 seconds" })
      yield* pool.add("a", { leaseTimeout: "Infinity" })

      assert.isUndefined((yield* pool.borrow).expiresAt)
    }))

  it.effect("may follow from the object", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: [1, 2],
        data: (n: number) => n * 10,
        select: Selector.roundRobin,
        leaseTimeout: (pooled) => Duration.seconds(pooled.data)
      })

      assert.strictEqual(at((yield* pool.borrow).expiresAt), 10_000)
      assert.strictEqual(at((yield* pool.borrow).expiresAt), 20_000)
    }))

  it.effect("is asked of the function at each grant, and not where the borrow or the adding says it", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: () => {
          asked++
          return "1 second"
        }
      })
      yield* Effect.scoped(pool.borrow)
      yield* Effect.scoped(pool.borrow)
      assert.strictEqual(asked, 2)
      yield* Effect.scoped(pool.borrowWith({ leaseTimeout: "2 seconds" }))
      assert.strictEqual(asked, 2)
    }))

  for (
    const [what, answer] of [
      ["throws", () => {
        throw new Error("no idea")
      }],
      ["answers nonsense", () => "soon"],
      ["answers zero", () => 0],
      ["answers NaN", () => NaN]
    ] as ReadonlyArray<[string, () => Duration.Input]>
  ) {
    it.effect(`a function for it that ${what} is a defect of the borrower, and changes nothing`, () =>
      Effect.gen(function*() {
        let broken = true
        const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: () => broken ? answer() : "1 second" })

        for (
          const borrow of [
            Effect.scoped(pool.borrow),
            pool.with(() => Effect.void),
            Effect.scoped(pool.tryBorrow)
          ]
        ) {
          const exit = yield* Effect.exit<unknown, unknown, never>(borrow)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        }
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        broken = false
        assert.strictEqual((yield* pool.borrow).object, "a")
        yield* balanced(pool)
      }))

    it.effect(`a function for it that ${what} for a waiter leaves the object to the next waiter`, () =>
      Effect.gen(function*() {
        let asked = 0
        const pool = yield* ObjectPool.make({
          objects: ["a"],
          leaseTimeout: () => ++asked === 2 ? answer() : "1 second"
        })
        const first = yield* pool.borrow
        const unlucky = yield* start(pool.borrow)
        const next = yield* start(pool.borrow)
        yield* first.release

        const exit = yield* Fiber.await(unlucky)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.strictEqual((yield* Fiber.join(next)).object, "a")
      }))
  }
})

describe("renew", () => {
  it.effect("starts the lease's time anew, and `expiresAt` is live", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "10 seconds" })
      const lease = yield* pool.borrow
      for (const until of [18_000, 26_000]) {
        yield* TestClock.adjust("8 seconds")
        yield* lease.renew
        assert.strictEqual(at(lease.expiresAt), until)
      }
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      assert.strictEqual(at(lease.borrowedAt), 0)
    }))

  it.effect("saves a lease in the last turn before its end, and not after it", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const leased = yield* Deferred.make<Lease<string>>()
      const renewing = Effect.andThen(
        Effect.sleep("1 second"),
        Effect.flatMap(Deferred.await(leased), (lease) => tag(lease.renew))
      )
      const before = yield* start(renewing)
      const lease = yield* pool.borrowWith({ leaseTimeout: "1 second" })
      yield* Deferred.succeed(leased, lease)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(before), "ok")
      assert.strictEqual(at(lease.expiresAt), 2000)

      const after = yield* start(renewing)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(after), "LeaseExpired")
    }))

  it.effect("keeps the body of `with` from being interrupted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(
        pool.with((lease) => Effect.repeat(Effect.andThen(Effect.sleep(900), lease.renew), { times: 9 }))
      )
      yield* TestClock.adjust("9 seconds")

      assert.strictEqual(yield* tag(Fiber.join(body)), "ok")
    }))

  it.effect("does nothing for a lease without a time-out", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* lease.renew

      assert.isUndefined(lease.expiresAt)
    }))

  it.effect("fails after the end of the lease, with what ended it", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"], closing: { timeout: 0 } })
      const expired = yield* pool.borrowWith({ leaseTimeout: "1 second" })
      const released = yield* pool.borrow
      const { lease: revoked } = yield* hold(pool.borrow)
      yield* TestClock.adjust("1 second")
      yield* released.release
      yield* pool.close

      assert.strictEqual(yield* reason(expired.renew), "Expired")
      assert.strictEqual(yield* reason(released.renew), "Released")
      assert.strictEqual(yield* reason(revoked.renew), "Closed")
    }))
})

describe("expired", () => {
  it.effect("never ends for a lease that is released, whenever it is asked", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const { lease, scope } = yield* hold(pool.borrow)
      const before = yield* start(lease.expired)
      yield* Scope.close(scope, Exit.void)
      const after = yield* start(lease.expired)
      yield* TestClock.adjust("1 hour")
      yield* pool.close

      assert.isUndefined(before.pollUnsafe())
      assert.isUndefined(after.pollUnsafe())
    }))

  it.effect("fails with Closed when the pool revokes the lease", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: "5 seconds" } })
      const { lease } = yield* hold(pool.borrow)
      const expired = yield* start(reason(lease.expired))
      const closing = yield* start(pool.close)
      yield* Effect.yieldNow
      // the caller of `close` is another fiber than the borrower, whose lease has its time
      assert.isUndefined(expired.pollUnsafe())
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual(yield* Fiber.join(expired), "Closed")
      yield* Fiber.join(closing)
    }))
})

describe("release", () => {
  it.effect("ends the lease now, and a second one has no effect on the next lease", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const first = yield* hold(pool.borrow)
      yield* first.lease.release
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      const next = yield* pool.borrow
      yield* first.lease.release
      yield* first.lease.release
      yield* Scope.close(first.scope, Exit.void)

      assert.deepStrictEqual(yield* pool.leases, [next])
      assert.strictEqual((yield* balanced(pool)).leases, 1)
    }))

  it.effect("leaves nothing in a scope that outlives ten thousand of them", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const scope = yield* Scope.make()
      const borrow = Scope.provide(pool.borrow, scope)
      yield* borrow
      for (let i = 0; i < 10_000; i++) yield* Effect.flatMap(borrow, (lease) => lease.release)

      assert.strictEqual(finalizers(scope), 1)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("within the body of `with` gives the object back before the body ends", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      for (const leaseTimeout of ["Infinity", "1 second"] as const) {
        const log: Array<unknown> = []
        const body = pool.with((lease) =>
          Effect.gen(function*() {
            yield* lease.release
            log.push(yield* statuses(pool))
            yield* Effect.sleep("1 hour")
            return "done"
          }), { leaseTimeout })
        const fiber = yield* start(body)
        const next = yield* pool.borrow
        yield* TestClock.adjust("1 hour")

        assert.deepStrictEqual(log, [["Available"]])
        assert.strictEqual(yield* Fiber.join(fiber), "done")
        assert.deepStrictEqual(yield* pool.leases, [next])
        yield* next.release
      }
    }))

  it.effect("in a scope that is closed already ends the lease at once", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const lease = yield* Scope.provide(pool.borrow, scope)

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      assert.strictEqual(yield* reason(lease.renew), "Released")
    }))
})

describe("a stale lease", () => {
  for (const ended of ["expired", "released"] as const) {
    it.effect(`that was ${ended} has no effect on the object, nor on its next lease`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"] })
        const { lease: stale, scope } = yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
        if (ended === "released") yield* stale.release
        yield* TestClock.adjust("1 second")
        const use = Effect.all([stale.invalidate, stale.rest("1 hour"), stale.release, Scope.close(scope, Exit.void)])
        yield* use
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        const next = yield* pool.borrow
        yield* use
        assert.deepStrictEqual(yield* pool.leases, [next])
        yield* next.release

        const [pooled] = yield* pool.objects
        assert.strictEqual(pooled!.status, "Available")
        assert.strictEqual((yield* pool.borrow).object, "a")
      }))
  }

  it.effect("has no effect while the body that held it still runs its finalizers", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const seen: Array<unknown> = []
      const body = yield* start(
        pool.with((lease) =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.gen(function*() {
              yield* lease.rest("1 hour")
              yield* lease.invalidate
              yield* lease.release
              yield* Effect.sleep("5 seconds")
              seen.push(yield* statuses(pool))
            }))
        )
      )
      yield* TestClock.adjust("6 seconds")

      // still in use by the body, whatever a finalizer said
      assert.deepStrictEqual(seen, [["Borrowed"]])
      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("does not shorten, prolong or end the expiry of the next one", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "2 seconds" })
      const stale = yield* pool.borrow
      yield* TestClock.adjust("1 second")
      yield* stale.release
      const next = yield* pool.borrow
      yield* Effect.flip(stale.renew)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* pool.leases, [next])
      assert.strictEqual(at(next.expiresAt), 3000)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* pool.leases, [])
    }))
})

describe("who holds what", () => {
  it.effect("ids of leases always grow, and are never used again", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const ids: Array<number> = []
      const note = (lease: Lease<string>) => Effect.sync(() => ids.push(lease.id))
      yield* pool.with(note)
      const first = yield* pool.borrow
      yield* note(first)
      yield* pool.with(note, { leaseTimeout: "1 second" })
      yield* first.release
      yield* Effect.flatMap(pool.tryBorrow, note)

      assert.isTrue(ids.every((id, i) => i === 0 || id > ids[i - 1]!), ids.join())
    }))

  it.effect("`leases` lists the open ones, the oldest first, since when and until when", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"], leaseTimeout: "1 minute" })
      const first = yield* pool.borrow
      yield* TestClock.adjust("1 second")
      const second = yield* pool.borrow
      const third = yield* pool.borrow
      yield* second.release

      const open = yield* pool.leases
      assert.deepStrictEqual(open, [first, third])
      assert.deepStrictEqual(open.map((lease) => at(lease.borrowedAt)), [0, 1000])
      assert.deepStrictEqual(open.map((lease) => at(lease.expiresAt)), [60_000, 61_000])
      assert.deepStrictEqual(open.map((lease) => lease.pooled.status), ["Borrowed", "Borrowed"])
    }))

  it.effect("a borrow that times out says how many leases its fiber holds itself", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"], borrowTimeout: 0, closing: { timeout: 0 } })
      const held = Effect.map(Effect.flip(Effect.scoped(pool.borrow)), (error) =>
        error._tag === "BorrowTimeout" ? error.held : error._tag)
      const elsewhere = yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))

      // one by `borrow`, one by `with`, also where its body runs in a child fiber
      yield* pool.borrow
      for (const leaseTimeout of ["Infinity", "1 second"] as const) {
        assert.strictEqual(
          yield* pool.with(() =>
            held, { leaseTimeout }),
          2
        )
      }
      yield* Fiber.interrupt(elsewhere)
    }))
})
