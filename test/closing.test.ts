import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { LeaseExpired, ObjectPool, PoolClosed, type PooledObject, Selector, Status } from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, type Gate, scripted, slow, type Thing } from "./support/scripted.ts"

/** Has a fiber ended? */
const ended = (fiber: Fiber.Fiber<unknown, unknown>): boolean => fiber.pollUnsafe() !== undefined

/** Closes, letting so much time pass; fails if that was not enough. */
const closeWithin = (
  pool: { readonly close: Effect.Effect<void> },
  time: `${number} ${"second" | "seconds" | "minute"}` | 0
) =>
  Effect.gen(function*() {
    const closing = yield* start(pool.close)
    yield* TestClock.adjust(time)
    assert.isTrue(ended(closing), `close should have ended within ${time}`)
  })

const nothing = { size: 0, making: 0, leases: 0, waiting: 0, pending: 0, borrowed: 0, invalid: 0 }

describe("after close", () => {
  it.effect("every operation fails at once with PoolClosed, or has nothing to do", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, objects: [], name: "Sessions" })
      const thing = yield* pool.with((lease) => Effect.succeed(lease.object))
      const [record] = yield* pool.objects
      yield* pool.close

      const failures = yield* Effect.forEach([
        Effect.scoped(pool.borrow),
        Effect.scoped(pool.borrowWith({ timeout: 0 })),
        Effect.scoped(pool.borrowWith({ timeout: "Infinity", priority: 9, where: () => true })),
        Effect.scoped(pool.tryBorrow),
        pool.with(() => Effect.die("ran")),
        pool.add(thing),
        pool.addAll([thing]),
        pool.addAll([]),
        pool.detect
      ], (operation: Effect.Effect<unknown, unknown>) => Effect.flip(operation))

      assert.isTrue(failures.every((failure) => failure instanceof PoolClosed && failure.pool === "Sessions"))
      assert.isFalse(yield* pool.remove(thing))
      assert.isFalse(yield* pool.remove(record!))
      assert.isFalse(yield* pool.rest(thing, "1 second"))
      assert.isFalse(yield* pool.wake(record!))
      assert.deepStrictEqual(yield* pool.objects, [])
      assert.deepStrictEqual(yield* pool.leases, [])
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("borrowing fails from the moment that closing begins", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const lease = yield* pool.borrow

      const closing = yield* start(pool.close)
      const failure = yield* Effect.flip(pool.borrow)
      const detect = yield* Effect.flip(pool.detect)
      yield* lease.release
      yield* Fiber.join(closing)

      assert.instanceOf(failure, PoolClosed)
      assert.instanceOf(detect, PoolClosed)
    }))

  it.effect("closing twice, or by two fibers at once, is closing once", () =>
    Effect.gen(function*() {
      const script = scripted({ release: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { min: 2 } })

      const first = yield* start(pool.close)
      yield* TestClock.adjust("500 millis")
      const second = yield* start(pool.close)
      assert.isFalse(ended(first) || ended(second))
      yield* TestClock.adjust("500 millis")
      assert.isTrue(ended(first) && ended(second))
      yield* pool.close

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
    }))

  it.effect("closing an empty pool does not suspend", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })

      Effect.runSync(pool.close)

      assert.deepInclude(yield* balanced(pool), nothing)
    }))
})

describe("who waits", () => {
  it.effect("waiters fail at once, though a lease is still open", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const waiters = yield* Effect.forEach(
        [1, 2, 3],
        (priority) => start(Effect.scoped(pool.borrowWith({ priority })))
      )

      const closing = yield* start(pool.close)
      yield* TestClock.adjust(0)
      const failures = yield* Effect.forEach(waiters, (waiter) => Effect.flip(Fiber.join(waiter)))

      assert.isTrue(failures.every((failure) => failure instanceof PoolClosed))
      assert.isFalse(ended(closing))
      yield* lease.release
      yield* Fiber.join(closing)
    }))

  it.effect("a waiter for whom something is made, detected or chosen fails at once as well", () =>
    Effect.gen(function*() {
      const slowly = scripted({ acquire: "slow", detect: "slow" })
      const making = yield* ObjectPool.make({ acquire: slowly.acquire })
      const detecting = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => Effect.as(Effect.sleep(slow), "Available" as const),
        detection: { onAdd: false }
      })
      const choosing = yield* ObjectPool.make({
        objects: ["a"],
        select: ([first]) => Effect.as(Effect.sleep(slow), first)
      })

      for (const pool of [making, detecting, choosing]) {
        const borrow: Effect.Effect<unknown, unknown, Scope.Scope> = pool.borrow
        const waiter = yield* start(Effect.scoped(borrow))
        assert.isFalse(ended(waiter))
        yield* closeWithin(pool, 0)

        assert.instanceOf(yield* Effect.flip(Fiber.join(waiter)), PoolClosed)
        assert.deepInclude(yield* pool.stats, nothing)
      }
    }))

  it.effect("no selector is asked for the waiters of a pool that closes", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        select: (available) => ++asked === 1 ? Effect.as(Effect.sleep(slow), available[0]) : available[0]
      })
      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(Effect.scoped(pool.borrow))

      yield* closeWithin(pool, 0)

      assert.instanceOf(yield* Effect.flip(Fiber.join(first)), PoolClosed)
      assert.instanceOf(yield* Effect.flip(Fiber.join(second)), PoolClosed)
      assert.strictEqual(asked, 1)
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("no waiter is served from a detection that closing ends", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        detection: { onAdd: false },
        detectStatus: () => ++asked === 1 ? Effect.as(Effect.sleep(slow), "Available" as const) : "Available",
        select: ([first]) => first
      })
      const waiters = yield* Effect.forEach([1, 2, 3], () => start(Effect.scoped(pool.borrow)))
      yield* Effect.yieldNow

      const closing = yield* start(pool.close)
      yield* TestClock.adjust(0)

      const tags = waiters.map((waiter) => Exit.isFailure(waiter.pollUnsafe()!) ? "failed" : "served")
      assert.isAtLeast(tags.filter((tag) => tag === "failed").length, 1)
      assert.isTrue(ended(closing))
      assert.strictEqual((yield* pool.stats).totals.borrowed, tags.filter((tag) => tag === "served").length)
    }))
})

describe("open leases", () => {
  it.effect("open leases have closing.timeout, then they are revoked", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const script = scripted()
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, closing: { timeout: "10 seconds" } }))
      const lease = yield* pool.borrow
      const watcher = yield* start(lease.expired)

      const closing = yield* start(pool.close)
      yield* TestClock.adjust("9999 millis")
      assert.isFalse(ended(closing) || ended(watcher))
      assert.strictEqual(lease.object.destroyed, 0)
      yield* TestClock.adjust("1 millis")

      const failure = yield* Effect.flip(Fiber.join(watcher))
      assert.instanceOf(failure, LeaseExpired)
      assert.strictEqual(failure.reason, "Closed")
      assert.isTrue(ended(closing))
      assert.strictEqual(lease.object.destroyed, 1)
      assert.strictEqual(lines.length, 1)
      yield* lease.release
      assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Closed")
      assert.strictEqual((yield* Effect.flip(lease.detach)).reason, "Closed")
      assert.strictEqual(lease.object.destroyed, 1)
    }))

  it.effect("close ends when the last lease comes back, if that is sooner", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })
      const work = yield* start(pool.with(() => Effect.as(Effect.sleep("3 seconds"), "done")))

      const closing = yield* start(pool.close)
      yield* TestClock.adjust("2999 millis")
      assert.isFalse(ended(closing))
      yield* TestClock.adjust("1 millis")

      assert.isTrue(ended(closing))
      assert.strictEqual(yield* Fiber.join(work), "done")
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))

  it.effect("a closing.timeout of zero revokes at once", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const script = scripted()
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, closing: { timeout: 0 } }))
      const borrower = yield* start(Effect.scoped(Effect.flatMap(pool.borrow, (lease) => lease.expired)))

      yield* closeWithin(pool, 0)

      const failure = yield* Effect.flip(Fiber.join(borrower))
      assert.instanceOf(failure, LeaseExpired)
      assert.strictEqual(failure.reason, "Closed")
      assert.strictEqual(script.things[0]!.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("a body under a lease time-out is interrupted when its lease is revoked", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const pool = yield* within(ObjectPool.make({
        objects: ["a"],
        leaseTimeout: "1 hour",
        closing: { timeout: "1 second" }
      }))
      let cleaned = false
      const body = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          cleaned = true
        }))
      const work = yield* start(pool.with(() => body))

      yield* closeWithin(pool, "1 second")

      const failure = yield* Effect.flip(Fiber.join(work))
      assert.instanceOf(failure, LeaseExpired)
      assert.strictEqual(failure.reason, "Closed")
      assert.isTrue(cleaned)
    }))

  it.effect("a rest or an invalidation of a lease that comes back late is moot: the object is destroyed once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })
      const one = yield* pool.borrow
      const two = yield* pool.borrow

      const closing = yield* start(pool.close)
      yield* one.rest("1 hour")
      yield* two.invalidate
      yield* one.release
      yield* two.release
      yield* Fiber.join(closing)

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
    }))

  it.effect("a lease that is detached while the pool closes keeps its object", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })
      const lease = yield* pool.borrow

      const closing = yield* start(pool.close)
      const thing = yield* lease.detach
      yield* Fiber.join(closing)

      assert.strictEqual(thing.destroyed, 0)
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("a lease whose time is over while the pool closes is taken back then", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, leaseTimeout: "2 seconds" })
      const lease = yield* pool.borrow

      yield* closeWithin(pool, "2 seconds")

      assert.strictEqual((yield* Effect.flip(lease.expired)).reason, "Expired")
      assert.strictEqual(lease.object.destroyed, 1)
    }))
})

describe("the caller", () => {
  it.effect("an interrupted caller stops waiting, and the pool goes on closing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow

      const caller = yield* start(pool.close)
      yield* Fiber.interrupt(caller)
      assert.instanceOf(yield* Effect.flip(pool.borrow), PoolClosed)
      const other = yield* start(pool.close)
      yield* lease.release
      yield* Fiber.join(other)

      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("a borrower that closes the pool does not wait for its own leases", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })

      const lease = yield* pool.borrow
      const other = yield* pool.borrow
      yield* pool.close

      assert.strictEqual((yield* Effect.flip(lease.expired)).reason, "Closed")
      assert.strictEqual((yield* Effect.flip(other.expired)).reason, "Closed")
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
    }))

  it.effect("closing from inside a body lets the body go on, and its answer stands", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })

      const answer = yield* pool.with((lease) =>
        Effect.andThen(pool.close, Effect.map(Effect.flip(lease.expired), (failure) => failure.reason))
      )

      assert.strictEqual(answer, "Closed")
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("closing from inside a body under a lease time-out lets the body go on", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, leaseTimeout: "1 minute" })

      const work = yield* start(
        pool.with(() => Effect.as(Effect.andThen(pool.close, Effect.sleep("2 minutes")), "done"))
      )
      yield* TestClock.adjust("2 minutes")

      assert.isTrue(ended(work))
      assert.strictEqual(yield* Fiber.join(work), "done")
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))

  it.effect("closing from inside nested bodies waits for none of them", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"] })

      const work = yield* start(
        pool.with(() => Effect.scoped(Effect.andThen(pool.borrow, pool.with(() => Effect.as(pool.close, "done")))))
      )
      yield* TestClock.adjust(0)

      assert.isTrue(ended(work))
      assert.strictEqual(yield* Fiber.join(work), "done")
    }))

  it.effect("closing from inside nested bodies under lease time-outs waits for none of them", () =>
    late(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], leaseTimeout: "1 hour" })

      const work = yield* start(pool.with(() => pool.with(() => Effect.as(pool.close, "done"))))
      yield* TestClock.adjust("1 second")

      assert.isTrue(ended(work))
      assert.strictEqual(yield* Fiber.join(work), "done")
    })))

  it.effect("a detector, a selector, an acquire or a release that closes its own pool ends it", () =>
    Effect.gen(function*() {
      const { within } = logs()
      let close: Effect.Effect<void> = Effect.void
      const closing = Effect.suspend(() => close)
      const script = scripted()
      const pools = [
        ObjectPool.make({
          objects: ["a"],
          detection: { onAdd: false },
          detectStatus: () => Effect.as(closing, "Available" as const)
        }),
        ObjectPool.make({ objects: ["a"], select: ([first]) => Effect.as(closing, first) }),
        ObjectPool.make({ acquire: Effect.andThen(closing, script.acquire) }),
        ObjectPool.make({
          acquire: Effect.acquireRelease(Effect.succeed("a"), () => closing, { interruptible: true })
        }),
        ObjectPool.make({ objects: ["a"], pack: () => closing })
      ]
      for (const make of pools) {
        const pool: ObjectPool<unknown, undefined, unknown, unknown> = yield* within(
          make as Effect.Effect<ObjectPool<unknown, undefined, unknown, unknown>, never, Scope.Scope>
        )
        close = pool.close

        const borrower = yield* start(Effect.exit(pool.with(() => Effect.void)))
        yield* TestClock.adjust("1 second")
        yield* closeWithin(pool, "1 minute")

        assert.isTrue(ended(borrower))
        assert.deepInclude(yield* pool.stats, nothing)
      }
    }))

  it.effect("closing the scope of the pool closes the pool", () =>
    Effect.gen(function*() {
      const script = scripted()
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(ObjectPool.make({ acquire: script.acquire, size: { min: 3 } }), scope)

      yield* Scope.close(scope, Exit.void)

      assert.instanceOf(yield* Effect.flip(pool.borrow), PoolClosed)
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1])
    }))

  it.effect("a pool that is built in a closed scope is closed", () =>
    Effect.gen(function*() {
      const script = scripted()
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)

      const pool = yield* Scope.provide(ObjectPool.make({ acquire: script.acquire, size: { min: 2 } }), scope)
      yield* TestClock.adjust(0)

      assert.instanceOf(yield* Effect.flip(pool.borrow), PoolClosed)
      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("a scope that holds the pool and then a lease closes both in order", () =>
    Effect.gen(function*() {
      const script = scripted()
      const order: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ acquire: script.acquire })
        yield* pool.borrow
        yield* Effect.addFinalizer(() => Effect.sync(() => order.push(`destroyed ${script.things[0]!.destroyed}`)))
      }))

      assert.deepStrictEqual(order, ["destroyed 0"])
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))
})

describe("what is under way", () => {
  it.effect("creations under way are interrupted, and what they had acquired is released", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const half = Effect.acquireRelease(Effect.void, () => Effect.sync(() => events.push("released")))
      const pool = yield* ObjectPool.make({
        acquire: Effect.onInterrupt(
          Effect.andThen(half, Effect.never),
          () => Effect.sync(() => events.push("interrupted"))
        ),
        size: { min: 1 }
      })

      yield* closeWithin(pool, 0)

      assert.deepStrictEqual(events, ["interrupted", "released"])
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("what is made in spite of the interruption is destroyed", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* ObjectPool.make({ acquire: Effect.uninterruptible(script.acquire), size: { min: 2 } })

      yield* closeWithin(pool, slow)

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("a creation that cannot be interrupted is given up after hookTimeout, and what it makes then destroyed", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const script = scripted()
      const acquire = Effect.uninterruptible(Effect.andThen(Effect.sleep("1 minute"), script.acquire))
      const pool = yield* within(ObjectPool.make({ acquire, size: { min: 1 }, hookTimeout: "2 seconds" }))

      const closing = yield* start(pool.close)
      yield* TestClock.adjust("1999 millis")
      assert.isFalse(ended(closing))
      yield* TestClock.adjust("1 millis")
      assert.isTrue(ended(closing))
      assert.strictEqual(lines.length, 1)
      assert.deepInclude(yield* balanced(pool), nothing)
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(script.things[0]!.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("what hangs is given up though leases were open when closing began", () =>
    late(Effect.gen(function*() {
      const { within } = logs()
      let n = 0
      const acquire = Effect.suspend(() => ++n === 1 ? Effect.succeed("a") : Effect.uninterruptible(Effect.never))
      const pool = yield* within(ObjectPool.make({ acquire, closing: { timeout: "Infinity" } }))
      const lease = yield* pool.borrow
      const waiter = yield* start(Effect.scoped(pool.borrow))

      const closing = yield* start(pool.close)
      assert.instanceOf(yield* Effect.flip(Fiber.join(waiter)), PoolClosed)
      yield* TestClock.adjust("1 hour")
      assert.isFalse(ended(closing))
      yield* lease.release
      yield* TestClock.adjust("1 minute")

      assert.isTrue(ended(closing))
    })))

  it.effect("a detection under way is interrupted, and its object destroyed", () =>
    Effect.gen(function*() {
      const script = scripted({ detect: "never" })
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { concurrency: 1 },
        size: { min: 3 }
      })

      assert.deepInclude(yield* balanced(pool), { pending: 3 })
      yield* closeWithin(pool, 0)

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1])
      assert.strictEqual(script.counts.detecting, 0)
      assert.strictEqual(script.counts.detected, 1)
    }))

  it.effect("a detector that cannot be interrupted is given up", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const script = scripted()
      const pool = yield* within(ObjectPool.make({
        acquire: script.acquire,
        detectStatus: () => Effect.uninterruptible(Effect.never),
        detection: { timeout: "Infinity" },
        size: { min: 2 }
      }))

      yield* closeWithin(pool, "5 seconds")

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("an explicit detection ends with PoolClosed when the pool closes", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        detection: { onAdd: false, concurrency: 1 },
        detectStatus: () => Effect.never
      })

      const detecting = yield* start(pool.detect)
      yield* closeWithin(pool, 0)

      assert.isTrue(ended(detecting))
      assert.instanceOf(yield* Effect.flip(Fiber.join(detecting)), PoolClosed)
    }))

  it.effect("an add whose detection closing ends answers with a record that is Invalid", () =>
    Effect.gen(function*() {
      const released: Array<string> = []
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, detectStatus: () => Effect.never })
      const adding = yield* start(pool.add("a", { release: (object) => Effect.sync(() => released.push(object)) }))

      yield* closeWithin(pool, 0)

      assert.strictEqual((yield* Fiber.join(adding)).status, "Invalid")
      assert.deepStrictEqual(released, ["a"])
    }))

  it.effect("a destroy under way is awaited, or given up after hookTimeout", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const script = scripted({ release: (thing): Gate => thing.n === 1 ? "slow" : "never" })
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { min: 2 } }))

      const closing = yield* start(pool.close)
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { size: 1, invalid: 1 })
      yield* TestClock.adjust("3999 millis")
      assert.isFalse(ended(closing))
      yield* TestClock.adjust("1 millis")

      assert.isTrue(ended(closing))
      assert.strictEqual(lines.length, 1)
    }))

  it.effect("resting, unknown and idle objects are destroyed at once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const answers: Record<number, Status.Answer> = {
        1: "Available",
        2: Status.dormant("1 day"),
        3: "Unknown",
        4: "Dormant"
      }
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        detectStatus: ({ id }) => answers[id]!,
        size: { min: 4 }
      })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { available: 1, dormant: 2, unknown: 1 })

      yield* closeWithin(pool, 0)

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 1])
    }))

  it.effect("a pack whose scope hangs is given up", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const script = scripted()
      const pool = yield* within(ObjectPool.make({
        acquire: script.acquire,
        pack: (lease) => Effect.acquireRelease(Effect.succeed(lease), () => Effect.never)
      }))
      yield* Effect.forkDetach(Effect.scoped(pool.borrow), { startImmediately: true })
      yield* TestClock.adjust(0)

      yield* closeWithin(pool, "1 minute")

      assert.strictEqual(script.things[0]!.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), nothing)
    }))
})

describe("nothing is left behind", () => {
  it.effect("no timer of the pool runs after close", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const quiet = logs()
      const script = scripted({
        acquire: (n): Gate => n % 3 === 0 ? "slow" : n % 5 === 0 ? "fail" : "ok",
        release: "slow"
      })
      const pool = yield* within(quiet.within(ObjectPool.make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        leaseTimeout: "20 seconds",
        size: { min: 4, max: 6 },
        detection: { onRelease: true }
      })))
      const work = pool.with((lease) => Effect.andThen(Effect.sleep("200 millis"), lease.rest("1 hour")))
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => start(Effect.exit(work)))
      yield* TestClock.adjust("700 millis")

      yield* closeWithin(pool, "1 minute")

      assert.isAbove(counts.sleeps, 0)
      assert.strictEqual(counts.sleeping, 0)
      assert.isTrue(fibers.every(ended))
      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
      assert.deepInclude(yield* balanced(pool), nothing)
    }))

  it.effect("closing waits for the end of a selector that is being asked", () =>
    late(Effect.gen(function*() {
      let cleaned = false
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        select: () =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.andThen(
              Effect.sleep(slow),
              Effect.sync(() => {
                cleaned = true
              })
            ))
      })
      yield* start(Effect.scoped(Effect.ignore(pool.borrow)))

      const closing = yield* start(pool.close)
      yield* TestClock.adjust("999 millis")
      assert.isFalse(ended(closing))
      yield* TestClock.adjust("1 millis")

      assert.isTrue(cleaned)
      assert.isTrue(ended(closing))
    })))

  it.effect("closing when a detector has been given up waits no more for it", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const pool = yield* within(ObjectPool.make({
        objects: ["a"],
        detectStatus: () => Effect.uninterruptible(Effect.never)
      }))
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* balanced(pool), { unknown: 1 })

      yield* closeWithin(pool, 0)

      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("a pool that never needed one has no timer", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const script = scripted()
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { min: 2 } }))

      yield* pool.with(() => Effect.void)
      assert.strictEqual(counts.sleeps, 0)
      yield* pool.close

      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("nothing is left, and nothing destroyed twice, at whatever moment the pool is closed", () =>
    Effect.gen(function*() {
      for (let moment = 0; moment < 60; moment++) {
        const { counts, within } = timers()
        const quiet = logs()
        const gate = (n: number, salt: number): Gate =>
          (["ok", "slow", "ok", "fail", "never", "slow", "ok"] as const)[(n * salt + moment) % 7]!
        const script = scripted({
          acquire: (n) => gate(n, 3),
          detect: (_, n) => gate(n, 5),
          release: (thing) => thing.n % 5 === 4 ? "never" : thing.n % 3 === 0 ? "slow" : "ok"
        })
        const slowly = ([first]: ReadonlyArray<PooledObject<Thing>>) => Effect.as(Effect.sleep("20 millis"), first)
        const pool = yield* within(quiet.within(ObjectPool.make({
          acquire: script.acquire,
          detectStatus: script.detectStatus,
          detection: { onRelease: true, concurrency: 2, timeout: "2 seconds", dormantFor: "300 millis" },
          size: { min: 2, max: 5 },
          borrowTimeout: "3 seconds",
          ...(moment % 2 === 0 ? { leaseTimeout: "900 millis" } : {}),
          select: moment % 3 === 0 ? slowly : Selector.roundRobin,
          closing: { timeout: moment % 4 === 0 ? 0 : "2 seconds" }
        })))
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        for (let step = 0; step < moment; step++) {
          const work = pool.with((lease) =>
            Effect.andThen(
              Effect.sleep(`${(step * 97) % 1500} millis`),
              step % 7 === 0 ? lease.invalidate : step % 5 === 0 ? lease.rest("400 millis") : Effect.void
            )
          )
          fibers.push(yield* start(Effect.exit(work)))
          if (step % 6 === 5) fibers[step - 3]!.interruptUnsafe()
          if (step % 8 === 7) fibers.push(yield* start(Effect.exit(pool.detect)))
          yield* TestClock.adjust(`${(step * 41) % 90} millis`)
        }

        yield* closeWithin(pool, "1 minute")

        assert.deepInclude(yield* balanced(pool), nothing, `at ${moment}`)
        assert.strictEqual(counts.sleeping, 0, `timers at ${moment}`)
        assert.strictEqual(script.counts.destroying, script.things.length, `at ${moment}`)
        for (const thing of script.things) {
          assert.strictEqual(thing.destroyed, thing.n % 5 === 4 ? 0 : 1, `thing ${thing.n} at ${moment}`)
        }
        yield* TestClock.adjust("1 minute")
        assert.isTrue(fibers.every(ended), `fibers at ${moment}`)
      }
    }))

  it.effect(
    "a close that interrupts 10 000 creations neither overflows the stack nor loses one",
    () =>
      Effect.gen(function*() {
        const script = scripted({ acquire: "never" })
        const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 10_000 } })
        const waiters = yield* Effect.forEach(Array.from({ length: 10_000 }), () => start(Effect.scoped(pool.borrow)))

        yield* closeWithin(pool, 0)

        const exits = yield* Effect.forEach(waiters, (waiter) => Fiber.await(waiter))
        assert.isTrue(exits.every((exit) => Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause)))
        assert.deepInclude(yield* balanced(pool), nothing)
      }),
    { tags: "large" }
  )
})
