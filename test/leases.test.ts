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
import { counting, skewed } from "./support/clocks.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"

const now = { startImmediately: true } as const

/** Milliseconds since the test began. */
const at = (moment: DateTime.Utc | undefined) => moment && DateTime.toEpochMillis(moment)

const statuses = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map((pooled): Status => pooled.status))

const reason = <A, R>(effect: Effect.Effect<A, LeaseExpired, R>) => Effect.map(Effect.flip(effect), (error) => error.reason)

const name = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: (error): string => error._tag, onSuccess: () => "ok" })

/** Borrows in a scope of its own, which the caller closes when it likes. */
const borrowIn = <A, E, R>(borrow: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    return { lease: yield* Scope.provide(borrow, scope), scope }
  })

const finalizers = (scope: Scope.Scope): number =>
  scope.state._tag === "Open" ? (scope.state.finalizers?.size ?? 1) : 0

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
        assert.isUndefined(yield* Effect.timeoutOption(lease.expired, 0).pipe(Effect.map((o) => o.valueOrUndefined)))
        assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
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

        for (const borrow of [Effect.scoped(pool.borrow), pool.with(() => Effect.void), Effect.scoped(pool.tryBorrow)]) {
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
            Effect.addFinalizer((exit) => Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => log.push(exit._tag)))),
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
