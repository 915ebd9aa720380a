/**
 * Leases that expire: what becomes of their bodies, and of their objects; their timer (promises 11 and 13).
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
import { type Lease, ObjectPool } from "../src/index.ts"
import { finalizers, hold, make, reason, settle, start, state, statuses, tag } from "./support/borrowers.ts"
import { at, costly, counting, unhurried } from "./support/clocks.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

describe("expiry under `with`", () => {
  it.effect("interrupts the body, and the effect fails with LeaseExpired when its finalizers have run", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const log: Array<string> = []
      const body = yield* start(
        pool.with(() =>
          Effect.onInterrupt(
            Effect.never,
            () => Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => log.push("finalizer")))
          )
        )
      )
      const next = yield* start(pool.with(() => Effect.sync(() => log.push("next"))))
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      yield* TestClock.adjust(1)

      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
      yield* Fiber.join(next)
      assert.deepStrictEqual(log, ["finalizer", "next"])
    }))

  it.effect("names the lease and the object", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(Effect.flip(pool.with(() => Effect.never)))
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

  it.effect("a body that has its lease taken back, and is answered as a failure, fails with LeaseExpired", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 minute" })
      for (const answer of [Effect.fail({ _tag: "Mine" }), Effect.die("mine"), Effect.void]) {
        const body = (lease: Lease<string>) => {
          Effect.runSync(pool.revoke(lease))
          return answer
        }

        assert.strictEqual(yield* tag(pool.with(body)), "LeaseExpired")
      }
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("does not touch a body that ends before", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(pool.with(() => Effect.as(Effect.sleep(999), "done")))
      yield* TestClock.adjust("1 hour")

      assert.strictEqual(yield* Fiber.join(body), "done")
      assert.strictEqual((yield* pool.stats).totals.expired, 0)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("waits for a body that cannot be interrupted, then fails with LeaseExpired", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(
        pool.with(() => Effect.uninterruptible(Effect.sleep("5 seconds")))
      )
      const next = yield* start(pool.with((lease) => Effect.succeed(lease.id)))
      yield* TestClock.adjust(4999)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      assert.isUndefined(next.pollUnsafe())
      yield* TestClock.adjust(1)

      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
      assert.strictEqual(yield* Fiber.join(next), 2)
    }))

  it.effect("works where `with` itself is in an uninterruptible region", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const body = yield* start(Effect.uninterruptible(pool.with(() => Effect.never)))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("a body that ends in the turn of its expiry has one outcome, and gives back once", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      for (const early of [true, false]) {
        const turn = Effect.sleep("1 second")
        const body = yield* start(
          early ? Effect.flatMap(Effect.yieldNow, () => pool.with(() => turn)) : pool.with(() => turn)
        )
        yield* Effect.yieldNow
        const next = yield* start(pool.with(() => Effect.succeed("next")))
        yield* TestClock.adjust("1 second")
        assert.include(["ok", "LeaseExpired"], yield* tag(Fiber.join(body)))
        assert.strictEqual(yield* Fiber.join(next), "next")
      }
      const { available, borrowed, leases } = yield* balanced(pool)
      assert.deepStrictEqual([available, borrowed, leases], [1, 0, 0])
    }))

  it.effect("an interruption of the borrower interrupts the body in its child fiber", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      let interrupted = false
      const body = yield* start(
        pool.with(() =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              interrupted = true
            }))
        )
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
      const body = yield* start(pool.with(() => pool.with(() => Effect.void)))
      yield* Effect.yieldNow
      assert.strictEqual((yield* pool.stats).waiting, 1)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
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
      const body = yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* tag(Fiber.join(body)), "LeaseExpired")
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
      const one = yield* start(reason(lease.expired))
      const two = yield* start(reason(lease.expired))
      const left = yield* start(lease.expired)
      yield* Fiber.interrupt(left)
      const next = yield* start(pool.borrowWith({ leaseTimeout: "Infinity" }))
      yield* TestClock.adjust("1 second")

      assert.strictEqual(yield* Fiber.join(one), "Expired")
      assert.strictEqual(yield* Fiber.join(two), "Expired")
      assert.strictEqual((yield* Fiber.join(next)).id, 2)
      assert.strictEqual(yield* reason(lease.expired), "Expired")
    }))

  it.effect("takes the lease's finalizer out of the scope", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const { scope } = yield* hold(pool.borrow)
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
        const early = first ? yield* start(releasing) : undefined
        const { lease } = yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
        yield* Deferred.succeed(leased, lease)
        const fiber = early ?? (yield* start(releasing))
        const next = yield* start(pool.with((next) => Effect.succeed(next.id - lease.id)))
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
      const next = yield* start(pool.borrowWith({ leaseTimeout: "Infinity" }))
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
      const { lease, scope } = yield* hold(pool.borrow)
      const releasing = yield* start(lease.release)
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
      const body = yield* start(pool.with(() => Effect.never, { leaseTimeout: "1 second" }))
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
    }).pipe(unhurried))

  it.effect("is one where each lease ends before the one before it", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const objects = Array.from({ length: 1000 }, (_, i) => i + 1)
      const pool = yield* Effect.provideService(ObjectPool.make({ objects }), Clock.Clock, clock)
      const order: Array<number> = []
      for (const n of objects) {
        const lease = yield* pool.borrowWith({ leaseTimeout: 2000 - n })
        yield* start(Effect.onError(lease.expired, () => Effect.sync(() => order.push(n))))
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

describe("an interruption at any instant", () => {
  it.effect("of a body whose lease expires runs its finalizers once, then gives the object back once", () =>
    sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
        let finalized = 0
        const finalizer = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 3 }), Effect.sync(() => finalized++))
        const body = yield* start(pool.with(() => Effect.ensuring(Effect.never, finalizer)))
        const time = yield* start(TestClock.adjust("1 second"))
        yield* window.interrupt(body)
        yield* Fiber.join(time)

        assert.strictEqual(finalized, 1, window.toString())
        const { available, leases } = yield* balanced(pool)
        assert.deepStrictEqual([available, leases], [1, 0], window.toString())
      }))
    ))
})
