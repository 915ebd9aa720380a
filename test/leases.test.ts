/**
 * Leases: their clock, their end, and what they may do before and after it (promises 11 to 13).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Lease, type LeaseExpired, ObjectPool, Selector, type Status } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { costly, counting, skewed } from "./support/clocks.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

const now = { startImmediately: true } as const

/** Milliseconds since the test began. */
const at = (moment: DateTime.Utc | undefined) => moment && DateTime.toEpochMillis(moment)

const statuses = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map((pooled): Status => pooled.status))

const reason = <A, R>(effect: Effect.Effect<A, LeaseExpired, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

const name = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: (error): string => error._tag, onSuccess: () => "ok" })

/** Borrows in a scope of its own, which the caller closes when it likes. */
const borrowIn = <A, E, R>(borrow: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    return { lease: yield* Scope.provide(borrow, scope), scope }
  })

const finalizers = (scope: Scope.Scope): number => scope.state._tag === "Open" ? (scope.state.finalizers?.size ?? 1) : 0

describe("the clock of a lease", () => {
  it.effect("starts when the lease is granted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "10 seconds" })
      yield* TestClock.adjust("5 seconds")
      const lease = yield* pool.borrow

      assert.strictEqual(at(lease.borrowedAt), 5000)
      assert.strictEqual(at(lease.expiresAt), 15_000)
      const ended = yield* Effect.forkChild(lease.expired, now)
      yield* TestClock.adjust(9999)
      assert.isUndefined(ended.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* reason(Fiber.join(ended)), "Expired")
    }))

  it.effect("starts for a waiter when it is served, not when it began to wait", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const first = yield* pool.borrow
      const waiter = yield* Effect.forkChild(pool.borrowWith({ leaseTimeout: "10 seconds" }), now)
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
        const { lease } = yield* borrowIn(pool.borrow)
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
        const unlucky = yield* Effect.forkChild(pool.borrow, now)
        const next = yield* Effect.forkChild(pool.borrow, now)
        yield* first.release

        const exit = yield* Fiber.await(unlucky)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.strictEqual((yield* Fiber.join(next)).object, "a")
      }))
  }
})

describe("expiry under `with`", () => {
  it.effect("interrupts the body, and the effect fails with LeaseExpired when its finalizers have run", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const log: Array<string> = []
      const body = yield* Effect.forkChild(
        pool.with(() =>
          Effect.onInterrupt(
            Effect.never,
            () => Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => log.push("finalizer")))
          )
        ),
        now
      )
      const next = yield* Effect.forkChild(pool.with(() => Effect.sync(() => log.push("next"))), now)
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust(1)

      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
      yield* Fiber.join(next)
      assert.deepStrictEqual(log, ["finalizer", "next"])
    }))

  it.effect("names the lease and the object", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(Effect.flip(pool.with(() => Effect.never)), now)
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(body)

      assert.strictEqual(error._tag === "LeaseExpired" && error.reason, "Expired")
      assert.match(error.message, /"keys": lease 1 of object 1 .* its time is over/)
      assert.strictEqual(error.stats.totals.expired, 1)
    }))

  it.effect("the body runs in a child fiber where there is a lease time-out, and only there", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const fiberId = Effect.withFiber((fiber) => Effect.succeed(fiber.id))
      const own = yield* fiberId

      assert.strictEqual(yield* pool.with(() => fiberId), own)
      assert.strictEqual(yield* pool.with(() => fiberId, { leaseTimeout: "Infinity" }), own)
      assert.notStrictEqual(yield* pool.with(() => fiberId, { leaseTimeout: "1 second" }), own)
    }))

  it.effect("does not touch a body that ends before", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(pool.with(() => Effect.as(Effect.sleep(999), "done")), now)
      yield* TestClock.adjust("1 hour")

      assert.strictEqual(yield* Fiber.join(body), "done")
      assert.strictEqual((yield* pool.stats).totals.expired, 0)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("waits for a body that cannot be interrupted, then fails with LeaseExpired", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(
        pool.with(() => Effect.uninterruptible(Effect.sleep("5 seconds"))),
        now
      )
      const next = yield* Effect.forkChild(pool.with((lease) => Effect.succeed(lease.id)), now)
      yield* TestClock.adjust(4999)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust(1)

      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
      assert.strictEqual(yield* Fiber.join(next), 2)
    }))

  it.effect("works where `with` itself is in an uninterruptible region", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(Effect.uninterruptible(pool.with(() => Effect.never)), now)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a body that ends in the turn of its expiry has one outcome, and gives back once", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      for (const early of [true, false]) {
        const turn = Effect.sleep("1 second")
        const body = yield* Effect.forkChild(
          early ? Effect.flatMap(Effect.yieldNow, () => pool.with(() => turn)) : pool.with(() => turn),
          now
        )
        yield* Effect.yieldNow
        const next = yield* Effect.forkChild(pool.with(() => Effect.succeed("next")), now)
        yield* TestClock.adjust("1 second")
        assert.include(["ok", "LeaseExpired"], yield* name(Fiber.join(body)))
        assert.strictEqual(yield* Fiber.join(next), "next")
      }
      const { available, borrowed, leases } = yield* balanced(pool)
      assert.deepStrictEqual([available, borrowed, leases], [1, 0, 0])
    }))

  it.effect("an interruption of the borrower interrupts the body in its child fiber", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      let interrupted = false
      const body = yield* Effect.forkChild(
        pool.with(() =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              interrupted = true
            }))
        ),
        now
      )
      yield* Fiber.interrupt(body)

      assert.isTrue(interrupted)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* pool.stats).totals.expired, 0)
    }))

  it.effect("a failure, a defect and a throw of the body come through the child fiber", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })

      assert.strictEqual(yield* Effect.flip(pool.with(() => Effect.fail("failed" as const))), "failed")
      for (
        const body of [
          () => Effect.die("boom"),
          (): Effect.Effect<void> => {
            throw "boom"
          }
        ]
      ) {
        const exit = yield* Effect.exit(pool.with(body))
        assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === "boom")
      }
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a body that waits for a second object leaves the queue, and its first goes on", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(pool.with(() => pool.with(() => Effect.void)), now)
      yield* Effect.yieldNow
      assert.strictEqual((yield* pool.stats).waiting, 1)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
      const { available, waiting } = yield* balanced(pool)
      assert.deepStrictEqual([available, waiting], [1, 0])
    }))

  it.effect("interrupts a `pack` that is still at work, and closes what it has opened", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 second",
        pack: () => Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => log.push("closed"))), Effect.never)
      })
      const body = yield* Effect.forkChild(pool.with(() => Effect.void), now)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
      assert.deepStrictEqual(log, ["closed"])
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a synchronous body with a lease time-out does not suspend", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const context = yield* Effect.context()

      assert.strictEqual(Effect.runSyncWith(context)(pool.with((lease) => Effect.succeed(lease.object))), "a")
    }))
})

describe("expiry under `borrow`", () => {
  it.effect("ends the lease for all who wait in `expired`, and the object goes to the next", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const lease = yield* pool.borrow
      const one = yield* Effect.forkChild(reason(lease.expired), now)
      const two = yield* Effect.forkChild(reason(lease.expired), now)
      const left = yield* Effect.forkChild(lease.expired, now)
      yield* Fiber.interrupt(left)
      const next = yield* Effect.forkChild(pool.borrowWith({ leaseTimeout: "Infinity" }), now)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(one), "Expired")
      assert.strictEqual(yield* Fiber.join(two), "Expired")
      assert.strictEqual((yield* Fiber.join(next)).id, 2)
      assert.strictEqual(yield* reason(lease.expired), "Expired")
    }))

  it.effect("takes the lease's finalizer out of the scope", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const { scope } = yield* borrowIn(pool.borrow)
      assert.strictEqual(finalizers(scope), 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(finalizers(scope), 0)

      const next = yield* pool.borrow
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual((yield* pool.leases).map((lease) => lease.id), [next.id])
    }))

  it.effect("does not come for a lease that was released in the same turn", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      // one sleeps before the timer of the lease is set, one after
      for (const first of [true, false]) {
        const leased = yield* Deferred.make<Lease<string>>()
        const releasing = Effect.andThen(
          Effect.sleep("1 second"),
          Effect.flatMap(Deferred.await(leased), (lease) => lease.release)
        )
        const early = first ? yield* Effect.forkChild(releasing, now) : undefined
        const { lease } = yield* borrowIn(pool.borrowWith({ leaseTimeout: "1 second" }))
        yield* Deferred.succeed(leased, lease)
        const fiber = early ?? (yield* Effect.forkChild(releasing, now))
        const next = yield* Effect.forkChild(pool.with((next) => Effect.succeed(next.id - lease.id)), now)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)

        assert.strictEqual(yield* Fiber.join(next), 1)
        assert.strictEqual(yield* reason(lease.renew), first ? "Released" : "Expired")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      }
    }))

  it.effect("closes what `pack` made, and the object goes on when that is closed", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 second",
        pack: (lease) =>
          Effect.as(
            Effect.addFinalizer((exit) =>
              Effect.andThen(Effect.sleep(lease.id === 1 ? "1 second" : 0), Effect.sync(() => log.push(exit._tag)))
            ),
            lease.object
          )
      })
      assert.strictEqual(yield* pool.borrow, "a")
      const next = yield* Effect.forkChild(pool.borrowWith({ leaseTimeout: "Infinity" }), now)
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual(log, [])
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust(1)

      assert.deepStrictEqual(log, ["Failure"])
      assert.strictEqual(yield* Fiber.join(next), "a")
    }))

  it.effect("does not come while the scope of a released `pack` is closing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 second",
        pack: (lease) => Effect.as(Effect.addFinalizer(() => Effect.sleep("1 minute")), lease)
      })
      const { lease, scope } = yield* borrowIn(pool.borrow)
      const releasing = yield* Effect.forkChild(lease.release, now)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(releasing)

      assert.strictEqual((yield* pool.stats).totals.expired, 0)
      assert.strictEqual(yield* reason(lease.renew), "Released")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))
})

describe("what becomes of an object whose lease has expired", () => {
  const expire = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
    Effect.gen(function*() {
      const body = yield* Effect.forkChild(pool.with(() => Effect.never, { leaseTimeout: "1 second" }), now)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(body)
    })

  for (const made of [true, false]) {
    for (const detects of [true, false]) {
      const fate = detects ? "detected" : made ? "destroyed" : "lent on"
      it.effect(`by default ${made ? "a made" : "an added"} one ${detects ? "with" : "without"} a detector is ${fate}`, () =>
        Effect.gen(function*() {
          const { acquire, counts, detectStatus, script, things } = scripted()
          const pool = yield* ObjectPool.make({
            ...(made ? { acquire } : { objects: [{ n: 0 } as Thing] }),
            ...(detects ? { detectStatus } : {}),
            detection: { onBorrow: false }
          })
          yield* pool.with(() => Effect.void)
          const before = counts.detected
          script.detect = "slow"
          yield* expire(pool)

          assert.strictEqual(counts.detected - before, detects ? 1 : 0)
          assert.strictEqual(things[0]?.destroyed ?? 0, fate === "destroyed" ? 1 : 0)
          assert.deepStrictEqual(
            yield* statuses(pool),
            fate === "detected" ? ["Pending"] : fate === "destroyed" ? [] : ["Available"]
          )
        }))
    }
  }

  it.effect("\"destroy\" takes an added object out, and runs its release", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, onLeaseExpired: "destroy" })
      const released: Array<string> = []
      yield* pool.add("a", { release: (object) => Effect.sync(() => released.push(object)) })
      yield* expire(pool)

      assert.deepStrictEqual(released, ["a"])
      assert.strictEqual((yield* pool.stats).size, 0)
    }))

  it.effect("\"return\" lends on a made object of a pool with a detector unchecked", () =>
    Effect.gen(function*() {
      const { acquire, counts, detectStatus, things } = scripted()
      const pool = yield* ObjectPool.make({
        acquire,
        detectStatus,
        detection: { onBorrow: false },
        onLeaseExpired: "return"
      })
      yield* expire(pool)

      assert.strictEqual(counts.detected, 1)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      assert.strictEqual(things[0]!.destroyed, 0)
    }))

  it.effect("\"detect\" lends on what answers \"Available\", and destroys what answers \"Invalid\"", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      let answer: "Available" | "Invalid" = "Available"
      const pool = yield* ObjectPool.make({
        acquire,
        detectStatus: () => answer,
        detection: { onBorrow: false },
        onLeaseExpired: "detect"
      })
      yield* expire(pool)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      answer = "Invalid"
      yield* expire(pool)
      assert.deepStrictEqual(yield* statuses(pool), [])
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("a mark of the lease is carried out: an invalid one is destroyed, a resting one rests", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], onLeaseExpired: "return", leaseTimeout: "1 second" })
      const [one, two] = [yield* pool.borrow, yield* pool.borrow]
      yield* one.invalidate
      yield* two.rest("1 minute")
      yield* TestClock.adjust("1 second")

      const [left] = yield* pool.objects
      assert.strictEqual((yield* pool.stats).size, 1)
      assert.strictEqual(left!.object, two.object)
      assert.strictEqual(left!.status, "Dormant")
      assert.strictEqual(at(left!.wakesAt), 60_000)
    }))
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
        Effect.flatMap(Deferred.await(leased), (lease) => name(lease.renew))
      )
      const before = yield* Effect.forkChild(renewing, now)
      const lease = yield* pool.borrowWith({ leaseTimeout: "1 second" })
      yield* Deferred.succeed(leased, lease)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(before), "ok")
      assert.strictEqual(at(lease.expiresAt), 2000)

      const after = yield* Effect.forkChild(renewing, now)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(after), "LeaseExpired")
    }))

  it.effect("keeps the body of `with` from being interrupted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* Effect.forkChild(
        pool.with((lease) => Effect.repeat(Effect.andThen(Effect.sleep(900), lease.renew), { times: 9 })),
        now
      )
      yield* TestClock.adjust("9 seconds")

      assert.strictEqual(yield* name(Fiber.join(body)), "ok")
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
      const { lease: revoked } = yield* borrowIn(pool.borrow)
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
      const { lease, scope } = yield* borrowIn(pool.borrow)
      const before = yield* Effect.forkChild(lease.expired, now)
      yield* Scope.close(scope, Exit.void)
      const after = yield* Effect.forkChild(lease.expired, now)
      yield* TestClock.adjust("1 hour")
      yield* pool.close

      assert.isUndefined(before.pollUnsafe())
      assert.isUndefined(after.pollUnsafe())
    }))

  it.effect("fails with Closed when the pool revokes the lease", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: "5 seconds" } })
      const { lease } = yield* borrowIn(pool.borrow)
      const expired = yield* Effect.forkChild(reason(lease.expired), now)
      const closing = yield* Effect.forkChild(pool.close, now)
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
      const first = yield* borrowIn(pool.borrow)
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
        const fiber = yield* Effect.forkChild(body, now)
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
        const { lease: stale, scope } = yield* borrowIn(pool.borrowWith({ leaseTimeout: "1 second" }))
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
      const body = yield* Effect.forkChild(
        pool.with((lease) =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.gen(function*() {
              yield* lease.rest("1 hour")
              yield* lease.invalidate
              yield* lease.release
              yield* Effect.sleep("5 seconds")
              seen.push(yield* statuses(pool))
            }))
        ),
        now
      )
      yield* TestClock.adjust("6 seconds")

      // still in use by the body, whatever a finalizer said
      assert.deepStrictEqual(seen, [["Borrowed"]])
      assert.strictEqual(yield* name(Fiber.join(body)), "LeaseExpired")
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

describe("marks", () => {
  it.effect("`invalidate` marks: the lease stays open, and the object leaves when it ends", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const lease = yield* pool.borrow
      yield* lease.invalidate
      yield* lease.invalidate
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* lease.renew
      yield* lease.release

      assert.strictEqual((yield* pool.borrow).object, things[1])
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("`invalidate` beats `rest`, whichever comes first", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const [one, two] = [yield* pool.borrow, yield* pool.borrow]
      yield* Effect.andThen(one.rest("1 hour"), one.invalidate)
      yield* Effect.andThen(two.invalidate, two.rest("1 hour"))
      yield* Effect.all([one.release, two.release])

      assert.deepStrictEqual(yield* statuses(pool), [])
    }))

  it.effect("a rest counts from the call, not from the end of the lease", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust("4 seconds")
      yield* lease.release

      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.status, "Dormant")
      assert.strictEqual(at(pooled!.wakesAt), 10_000)
      yield* TestClock.adjust(5999)
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled!.status, "Available")
    }))

  it.effect("of two rests the later moment wins, in either order", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const [one, two] = [yield* pool.borrow, yield* pool.borrow]
      yield* Effect.andThen(one.rest("10 seconds"), one.rest("5 seconds"))
      yield* Effect.andThen(two.rest("5 seconds"), two.rest("10 seconds"))
      yield* Effect.all([one.release, two.release])

      assert.deepStrictEqual((yield* pool.objects).map((pooled) => at(pooled.wakesAt)), [10_000, 10_000])
    }))

  it.effect("a rest whose time has passed when the lease ends has no effect", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      yield* lease.rest("10 seconds")
      yield* TestClock.adjust("10 seconds")
      yield* lease.release

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a rest of nonsense is a defect of the caller, and marks nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const exit = yield* Effect.exit(lease.rest("a while" as "1 second"))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      yield* lease.release

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  for (const [how, mark, left] of [["condemn", "invalidate", 0], ["rest", "rest", 1]] as const) {
    it.effect(`what \`pack\` has to end may still ${how} the object, after a release`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({
          objects: ["a"],
          pack: (lease) =>
            Effect.as(
              Effect.addFinalizer(() =>
                Effect.andThen(Effect.yieldNow, mark === "rest" ? lease.rest("1 hour") : lease.invalidate)
              ),
              lease
            )
        })

        const lease = yield* pool.with((lease) => Effect.succeed(lease))
        const { dormant, size } = yield* pool.stats
        yield* lease.invalidate

        assert.deepStrictEqual([size, dormant], [left, left])
        assert.strictEqual((yield* pool.stats).size, left)
      }))
  }

  it.effect("what `pack` has to end has no say in an object whose lease has expired", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 second",
        onLeaseExpired: "return",
        pack: (lease) => Effect.as(Effect.addFinalizer(() => lease.invalidate), lease)
      })
      yield* borrowIn(pool.borrow)

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))
})

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
      const waiter = yield* Effect.forkChild(pool.borrow, now)
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
      const { lease, scope } = yield* borrowIn(pool.borrow)
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
      const expired = yield* Effect.forkChild(lease.expired, now)
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
      const body = yield* Effect.forkChild(
        pool.with((lease) => Effect.scoped(Effect.andThen(lease.detach, Effect.sleep("1 minute")))),
        now
      )
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(yield* name(Fiber.join(body)), "ok")
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
      const detaching = yield* Effect.forkChild(Effect.map(lease.detach, () => closed), now)
      yield* TestClock.adjust("1 second")

      assert.isTrue(yield* Fiber.join(detaching))
    }))

  it.effect("is possible while the pool closes, which does not wait for the object any more", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* ObjectPool.make({ acquire })
      const mine = yield* Scope.make()
      const { lease } = yield* borrowIn(pool.borrow)
      const closing = yield* Effect.forkChild(pool.close, now)
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
      const elsewhere = yield* Effect.forkChild(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)), now)

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

describe("closing from inside a body", () => {
  for (const leaseTimeout of ["Infinity", "1 minute"] as const) {
    const what = leaseTimeout === "Infinity" ? "without" : "with"
    it.effect(`${what} a lease time-out: what the body answers stands, and its lease is revoked`, () =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        const pool = yield* ObjectPool.make({ acquire })
        const body = pool.with((lease) =>
          Effect.gen(function*() {
            const expired = yield* Effect.forkChild(reason(lease.expired), now)
            yield* pool.close
            assert.strictEqual(yield* Fiber.join(expired), "Closed")
            assert.strictEqual(yield* reason(lease.renew), "Closed")
            assert.strictEqual(things[0]!.destroyed, 1)
            yield* Effect.sleep("1 hour")
            return "answer"
          }), { leaseTimeout })
        const fiber = yield* Effect.forkChild(body, now)
        yield* TestClock.adjust("1 hour")

        assert.strictEqual(yield* Fiber.join(fiber), "answer")
        assert.strictEqual(things[0]!.destroyed, 1)
      }))
  }

  it.effect("from another fiber, the body has `closing.timeout`, then is interrupted where it has a time-out", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: "5 seconds" } })
      const body = yield* Effect.forkChild(pool.with(() => Effect.never, { leaseTimeout: "1 minute" }), now)
      const closing = yield* Effect.forkChild(pool.close, now)
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
      const closing = yield* Effect.forkChild(Effect.andThen(Deferred.await(go), pool.close), now)
      // the fiber that closes is resumed within the step of the body
      const body = yield* Effect.forkChild(
        pool.with(() => Effect.andThen(Deferred.succeed(go, undefined), Effect.never), { leaseTimeout: "1 minute" }),
        now
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
      const waiter = yield* Effect.forkChild(Effect.exit(use(pool)), now)
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
        const { lease } = yield* borrowIn(pool.borrow)
        const waiter = yield* Effect.forkChild(name(pool.with(note("plain"), { leaseTimeout })), now)
        yield* Effect.andThen(lease.release, pool.close)
        assert.include(["LeaseExpired", "PoolClosed"], yield* Fiber.join(waiter))
        assert.deepStrictEqual(ran, [])
      }
    }))
})

describe("the timer of leases", () => {
  it.effect("is not there in a pool without lease time-outs", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const pool = yield* Effect.provideService(ObjectPool.make({ objects: ["a", "b"] }), Clock.Clock, clock)
      yield* pool.with(() => Effect.void)
      yield* Effect.scoped(pool.borrow)
      yield* Effect.flatMap(pool.tryBorrow, (lease) => lease.renew)

      assert.strictEqual(counts.sleeps, 0)
    }))

  it.effect("is one, however many leases there are", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const objects = Array.from({ length: 5000 }, (_, i) => i)
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects, leaseTimeout: "10 seconds" }),
        Clock.Clock,
        clock
      )
      const leases = yield* Effect.forEach(objects, () => pool.borrow)
      assert.deepStrictEqual([counts.sleeps, counts.most], [1, 1])
      yield* TestClock.adjust("5 seconds")
      for (const lease of leases) yield* lease.renew
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* pool.stats).leases, 5000)
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual((yield* pool.stats).totals.expired, 5000)
      assert.strictEqual(counts.most, 1)
      assert.isAtMost(counts.sleeps, 4)
      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("is one where each lease ends before the one before it", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const objects = Array.from({ length: 1000 }, (_, i) => i + 1)
      const pool = yield* Effect.provideService(ObjectPool.make({ objects }), Clock.Clock, clock)
      const order: Array<number> = []
      for (const n of objects) {
        const lease = yield* pool.borrowWith({ leaseTimeout: 2000 - n })
        yield* Effect.forkChild(Effect.onError(lease.expired, () => Effect.sync(() => order.push(n))), now)
      }
      assert.strictEqual(counts.sleeping, 1)
      assert.isAtMost(counts.most, 2)
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual(order, objects.toReversed())
      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("lasts as long as the longest duration there is", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: Duration.millis(Number.MAX_SAFE_INTEGER) })
      const lease = yield* pool.borrow
      yield* TestClock.adjust("1000 days")
      // further away than a date can say
      assert.isUndefined(lease.expiresAt)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
    }))
})

describe("an interruption at any instant", () => {
  it.effect("of a body whose lease expires runs its finalizers once, then gives the object back once", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
        let finalized = 0
        const finalizer = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 3 }), Effect.sync(() => finalized++))
        const body = yield* Effect.forkChild(pool.with(() => Effect.ensuring(Effect.never, finalizer)), now)
        const time = yield* Effect.forkChild(TestClock.adjust("1 second"), now)
        yield* window.interrupt(body)
        yield* Fiber.join(time)

        assert.strictEqual(finalized, 1, window.toString())
        const { available, leases } = yield* balanced(pool)
        assert.deepStrictEqual([available, leases], [1, 0], window.toString())
      }))
    ))

  it.effect("of `detach` leaves the object in the pool or with the caller, and it is closed once", () =>
    sweep((window) =>
      Effect.gen(function*() {
        const { acquire, things } = scripted()
        yield* Effect.scoped(Effect.gen(function*() {
          const pool = yield* ObjectPool.make({
            acquire,
            pack: (lease) => Effect.as(Effect.addFinalizer(() => Effect.yieldNow), lease)
          })
          const fiber = yield* Effect.forkChild(
            Effect.scoped(
              Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 2 }), pool.with((lease) => lease.detach))
            ),
            now
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

describe("a lease that expires before its fiber is resumed", () => {
  it.effect("is the borrower's, and over: giving it back does not end the lease of who has the object then", () =>
    Effect.gen(function*() {
      const { clock, toll } = yield* costly
      const pool = yield* Effect.provideService(
        make({ objects: ["a"], onLeaseExpired: "return" }),
        Clock.Clock,
        clock
      )
      const holder = yield* hold(pool.borrow)
      const first = yield* start(hold(pool.borrowWith({ leaseTimeout: "5 millis" })))
      const second = yield* start(hold(pool.borrow))
      // its time is over as soon as it is granted
      toll.millis = 10
      yield* holder.release
      toll.millis = 0
      yield* settle

      const stale = yield* Fiber.join(first)
      assert.isDefined(yield* Effect.flip(stale.lease.renew))
      yield* stale.release

      assert.strictEqual(state(second), "ok")
      assert.deepInclude(yield* balanced(pool), { leases: 1, borrowed: 1 })
    }))
})
