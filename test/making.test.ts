import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { BorrowTimeout, ObjectPool, PoolExhausted } from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, Failed, type Gate, scripted, slow, Thing } from "./support/scripted.ts"

/** What a borrower got: the number of its thing, and it keeps the lease for as long as it runs. */
const keep = <A extends { readonly n: number }, D, E>(pool: ObjectPool<A, D, E>) =>
  Effect.uninterruptibleMask((restore) => restore(Effect.map(pool.borrow, (lease) => lease)))

describe("room", () => {
  it.effect("objects being made, held and destroyed together never exceed the maximum", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "slow", release: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })
      const work = pool.with((lease) => Effect.andThen(Effect.sleep("500 millis"), lease.invalidate))

      const fibers = yield* Effect.forEach(Array.from({ length: 6 }), () => start(work))
      for (let step = 0; step < 100; step++) {
        const stats = yield* balanced(pool)
        const alive = script.things.filter((thing) => thing.destroyed === 0).length
        assert.isAtMost(alive + stats.making, 2)
        yield* TestClock.adjust("100 millis")
      }

      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 1, 1, 1])
    })))

  it.effect("an object that is being destroyed occupies room until that has ended", () =>
    late(Effect.gen(function*() {
      const script = scripted({ release: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 1 } })

      yield* pool.with((lease) => lease.invalidate)
      const next = yield* start(pool.with((lease) => Effect.succeed(lease.object.n)))
      yield* TestClock.adjust("999 millis")
      const during = yield* balanced(pool)
      yield* TestClock.adjust("1 millis")

      assert.deepInclude(during, { size: 1, invalid: 1, making: 0, waiting: 1 })
      assert.strictEqual(yield* Fiber.join(next), 2)
    })))

  it.effect("resting objects occupy room", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 1 } })

      yield* pool.with((lease) => lease.rest("1 hour"))
      const refused = yield* Effect.flip(Effect.scoped(pool.tryBorrow))

      assert.instanceOf(refused, PoolExhausted)
      assert.deepInclude(yield* balanced(pool), { size: 1, dormant: 1, making: 0 })
    }))

  it.effect("what detaches leaves its room to the next at once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 1 } })

      const detached = yield* pool.with((lease) => lease.detach)
      const next = yield* pool.borrow

      assert.strictEqual(next.object.n, 2)
      assert.strictEqual(detached.destroyed, 0)
      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1 })
    }))
})

describe("how many are made", () => {
  it.effect("as many are being made as there are waiters, within the maximum", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 3 } })

      yield* start(keep(pool))
      yield* start(keep(pool))
      const two = yield* balanced(pool)
      yield* start(keep(pool))
      yield* start(keep(pool))
      const three = yield* balanced(pool)

      assert.deepInclude(two, { making: 2, waiting: 2 })
      assert.deepInclude(three, { making: 3, waiting: 4 })
    }))

  it.effect("a hung creation keeps neither another creation nor a waiter from going on", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "never" : "ok" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })

      const first = yield* start(keep(pool))
      yield* TestClock.adjust("1 second")
      const second = yield* start(pool.with((lease) => Effect.succeed(lease.object.n)))
      yield* TestClock.adjust("1 second")
      const early = yield* Fiber.join(first)
      const waiting = yield* balanced(pool)
      yield* early.release

      assert.strictEqual(early.object.n, 1)
      assert.deepInclude(waiting, { making: 1, waiting: 1 })
      assert.strictEqual(yield* Fiber.join(second), 1)
    }))

  it.effect("a creation whose waiter has left goes on, does not count for the others, and its object is kept", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 5 } })

      const leaver = yield* start(keep(pool))
      yield* Fiber.interrupt(leaver)
      const left = yield* balanced(pool)
      const stayer = yield* start(keep(pool))
      const both = yield* balanced(pool)
      yield* TestClock.adjust(slow)
      yield* Fiber.join(stayer)

      assert.deepInclude(left, { making: 1, waiting: 0 })
      assert.deepInclude(both, { making: 2, waiting: 1 })
      assert.deepInclude(yield* balanced(pool), { size: 2, borrowed: 1, available: 1, making: 0 })
    }))

  it.effect("what is made goes to the oldest waiter, whoever it was begun for", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "slow" : "ok" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })

      const order: Array<string> = []
      const borrow = (name: string) => start(Effect.tap(keep(pool), () => Effect.sync(() => order.push(name))))
      yield* borrow("first")
      yield* borrow("second")
      yield* TestClock.adjust(0)
      const soon = [...order]
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(soon, ["first"])
      assert.deepStrictEqual(order, ["first", "second"])
      assert.strictEqual(script.things.length, 2)
    }))

  it.effect("a creation whose waiter was served by a return counts for the next waiter", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })

      const held = yield* pool.borrow
      const first = yield* start(keep(pool))
      const second = yield* start(keep(pool))
      yield* held.release
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* Fiber.join(first)).object.n, 1)
      assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 1 })
      yield* TestClock.adjust(slow)

      assert.strictEqual((yield* Fiber.join(second)).object.n, 2)
      assert.strictEqual(script.counts.acquiring, 2)
    }))

  it.effect("a waiter that has inherited a creation has no other begun when room becomes free", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 2 } })

      const held = yield* pool.borrow
      const first = yield* start(keep(pool))
      yield* start(keep(pool))
      yield* held.release
      yield* TestClock.adjust(0)
      yield* (yield* Fiber.join(first)).detach

      assert.deepInclude(yield* balanced(pool), { size: 0, making: 1, waiting: 1 })
    }))

  it.effect("objects that were given or added count toward the minimum", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({
        objects: [new Thing(-1), new Thing(-2)],
        acquire: script.acquire,
        size: { min: 3 }
      })

      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3 })
      yield* pool.add(new Thing(-3))
      yield* pool.remove(script.things[0]!)
      yield* TestClock.adjust(0)

      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3 })
      assert.strictEqual(script.counts.acquiring, 1)
    }))

  it.effect("a waiter with a condition has one object made, and a misfit goes to the others", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 5 } })

      const choosy = yield* start(
        Effect.scoped(pool.borrowWith({ where: ({ object }) => object.n > 99, timeout: "1 second" }))
      )
      yield* TestClock.adjust("900 millis")
      const stats = yield* balanced(pool)
      yield* TestClock.adjust("100 millis")
      const timedOut = yield* Effect.flip(Fiber.join(choosy))

      assert.deepInclude(stats, { size: 1, available: 1, making: 0, waiting: 1 })
      assert.instanceOf(timedOut, BorrowTimeout)
      assert.strictEqual(timedOut.phase, "Waiting")
    }))

  it.effect("an object that is made at once does not suspend the borrower", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })

      const n = Effect.runSync(pool.with((lease) => Effect.succeed(lease.object.n)))

      assert.strictEqual(n, 1)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0 })
    }))

  it.effect("an acquire that borrows from its own pool gets another object", () =>
    Effect.gen(function*() {
      const things: Array<number> = []
      let nested: Effect.Effect<unknown, unknown> = Effect.void
      const acquire = Effect.suspend(() => {
        const n = things.push(things.length)
        return Effect.as(n === 1 ? Effect.ignore(nested) : Effect.void, n)
      })
      const pool = yield* ObjectPool.make({ acquire, size: { max: 2 } })
      nested = pool.with((lease) => Effect.succeed(lease.object))

      yield* pool.with(() => Effect.void)
      yield* TestClock.adjust(0)

      assert.isAtMost(things.length, 2)
      assert.deepInclude(yield* balanced(pool), { borrowed: 0, waiting: 0, making: 0 })
    }))
})

describe("failures", () => {
  it.effect("a failed creation fails the oldest waiter, and the next one gets the next attempt", () =>
    Effect.gen(function*() {
      let n = 0
      const acquire = Effect.suspend(() =>
        ++n === 1 ? Effect.andThen(Effect.sleep(slow), Effect.fail("refused" as const)) : Effect.succeed(n)
      )
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })

      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(pool.with((lease) => Effect.succeed(lease.object)))
      yield* TestClock.adjust(slow)

      assert.strictEqual(yield* Effect.flip(Fiber.join(first)), "refused")
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(second), 2)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0 })
    }))

  it.effect("a failure that was begun for a younger waiter fails the oldest, whose creation goes to the younger", () =>
    Effect.gen(function*() {
      let n = 0
      const acquire = Effect.suspend(() =>
        ++n === 1 ? Effect.as(Effect.sleep(slow), 1) : Effect.fail("refused" as const)
      )
      const pool = yield* ObjectPool.make({ acquire, size: { max: 2 } })

      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(pool.with((lease) => Effect.succeed(lease.object)))
      yield* TestClock.adjust(slow)

      assert.strictEqual(yield* Effect.flip(Fiber.join(first)), "refused")
      assert.strictEqual(yield* Fiber.join(second), 1)
      assert.strictEqual(n, 2)
    }))

  it.effect("a creation that dies kills the oldest waiter with that defect", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ acquire: Effect.die("broken") as Effect.Effect<number>, size: { max: 1 } })

      const exit = yield* Effect.exit(pool.with(() => Effect.void))

      assert.deepStrictEqual(exit, Exit.die("broken"))
      assert.deepInclude(yield* balanced(pool), { size: 0, making: 0, waiting: 0 })
    }))

  it.effect("the room of a failed creation is free when what it had half acquired has been released", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const half = Effect.acquireRelease(
        Effect.sync(() => {
          events.push("acquired")
        }),
        () => Effect.andThen(Effect.sleep(slow), Effect.sync(() => events.push("released")))
      )
      const pool = yield* ObjectPool.make({ acquire: Effect.andThen(half, Effect.fail("refused")), size: { max: 1 } })

      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("999 millis")
      assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 2 })
      assert.deepStrictEqual(events, ["acquired"])
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Effect.flip(Fiber.join(first)), "refused")
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(events, ["acquired", "released", "acquired"])
      yield* TestClock.adjust(slow)

      assert.strictEqual(yield* Effect.flip(Fiber.join(second)), "refused")
      assert.deepInclude(yield* balanced(pool), { size: 0, making: 0, waiting: 0 })
    }))

  it.effect("data that throws is a defect of the waiter; the object is destroyed, and its room is free", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        data: (thing) => {
          if (thing.n === 1) throw new Error("no data")
          return thing.n * 10
        },
        size: { max: 1 }
      })

      const exit = yield* Effect.exit(pool.with(() => Effect.void))
      yield* TestClock.adjust("100 millis")
      const data = yield* pool.with((lease) => Effect.succeed(lease.data))

      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(data, 20)
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0])
    }))

  it.effect("a release of what was half acquired that dies does not hide why the creation failed", () =>
    Effect.gen(function*() {
      const half = Effect.acquireRelease(Effect.void, () => Effect.die("release"))
      const pool = yield* ObjectPool.make({ acquire: Effect.andThen(half, Effect.fail("refused")), size: { max: 1 } })

      const cause = yield* Effect.flip(Effect.sandbox(pool.with(() => Effect.void)))

      assert.include(Cause.pretty(cause), "refused")
      assert.include(Cause.pretty(cause), "release")
      assert.deepInclude(yield* balanced(pool), { size: 0, making: 0 })
    }))

  it.effect("an acquire that interrupts itself fails its waiter, and does not interrupt it", () =>
    Effect.gen(function*() {
      let n = 0
      const acquire = Effect.suspend(() => ++n === 1 ? Effect.interrupt : Effect.succeed(n))
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })

      const exit = yield* Effect.exit(pool.with(() => Effect.void))
      yield* TestClock.adjust("100 millis")
      const next = yield* pool.with((lease) => Effect.succeed(lease.object))

      assert.isTrue(Exit.isFailure(exit))
      assert.isFalse(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.strictEqual(next, 2)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0, waiting: 0 })
    }))

  it.effect("a creation that fails with nobody waiting is logged", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const acquire = Effect.andThen(Effect.sleep(slow), Effect.fail("refused"))
      const pool = yield* within(ObjectPool.make({ acquire, name: "Keys" }))

      const leaver = yield* start(Effect.scoped(pool.borrow))
      yield* Fiber.interrupt(leaver)
      yield* TestClock.adjust(slow)

      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], "refused")
      assert.deepInclude(yield* balanced(pool), { making: 0 })
    }))

  it.effect("a borrow that ran out of time while its object was being made says so", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "never" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, borrowTimeout: "3 seconds" })

      const borrower = yield* start(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("3 seconds")
      const failure = yield* Effect.flip(Fiber.join(borrower))

      assert.instanceOf(failure, BorrowTimeout)
      assert.strictEqual(failure.phase, "Acquiring")
      assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 0 })
    }))

  it.effect(
    "each of many waiters gets its own attempt under a schedule that ends at once, without deep stacks",
    () =>
      Effect.gen(function*() {
        const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "fail" })
        const pool = yield* ObjectPool.make({
          acquire: script.acquire,
          size: { max: 1 },
          creation: { retry: Schedule.recurs(0) }
        })
        const held = yield* pool.borrow
        const waiters = yield* Effect.forEach(Array.from({ length: 20_000 }), () => start(Effect.scoped(pool.borrow)))

        yield* held.invalidate
        yield* held.release
        const failures = yield* Effect.forEach(waiters, (waiter) => Effect.flip(Fiber.join(waiter)))

        assert.isTrue(failures.every((failure) => failure instanceof Failed))
        assert.strictEqual(script.counts.acquiring, 20_001)
        assert.deepInclude(yield* balanced(pool), { size: 0, making: 0, waiting: 0 })
      }),
    { tags: "large" }
  )

  it.effect("each of many waiters is served when what was made is invalidated at once", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* ObjectPool.make({ acquire: Effect.sync(() => ++made), size: { max: 1 } })
      const held = yield* pool.borrow
      const work = pool.with((lease) => Effect.as(lease.invalidate, lease.object))
      const waiters = yield* Effect.forEach(Array.from({ length: 5_000 }), () => start(work))

      yield* held.invalidate
      yield* held.release
      const got = yield* Fiber.joinAll(waiters)

      assert.deepStrictEqual(got, Array.from({ length: 5_000 }, (_, i) => i + 2))
    }), { tags: "large" })

  it.effect("many objects can be made at once", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 20_000 } })

      const waiters = yield* Effect.forEach(Array.from({ length: 20_000 }), () => start(keep(pool)))
      yield* TestClock.adjust(slow)
      const leases = yield* Fiber.joinAll(waiters)

      assert.strictEqual(new Set(leases.map((lease) => lease.object.n)).size, 20_000)
      assert.deepInclude(yield* balanced(pool), { size: 20_000, making: 0, waiting: 0, borrowed: 20_000 })
    }), { tags: "large" })
})

describe("the minimum", () => {
  it.effect("objects are made in the background from the start, and again when one leaves", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { min: 2, max: 5 } })

      assert.deepInclude(yield* balanced(pool), { size: 0, making: 2 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 0 })
      yield* pool.remove(script.things[0]!)
      yield* TestClock.adjust(slow)

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 0 })
      assert.strictEqual(script.things.length, 3)
    }))

  it.effect("a slow destroy delays the refill only where there is no room for it", () =>
    late(Effect.gen(function*() {
      const script = scripted({ release: "slow" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { min: 1, max: 2 } })
      const tight = yield* ObjectPool.make({ acquire: scripted({ release: "slow" }).acquire, size: { min: 1, max: 1 } })

      yield* pool.with((lease) => lease.invalidate)
      yield* tight.with((lease) => lease.invalidate)
      yield* TestClock.adjust(0)

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, invalid: 1 })
      assert.deepInclude(yield* balanced(tight), { size: 1, available: 0, invalid: 1, making: 0 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(tight), { size: 1, available: 1, invalid: 0 })
    })))

  it.effect("refilling backs off from 100 millis, doubling to 30 seconds, while it fails", () =>
    Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      const attempts: Array<number> = []
      const acquire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        attempts.push(now - start)
        return Effect.fail("refused")
      })
      const { within } = logs()
      yield* within(ObjectPool.make({ acquire, size: { min: 1 } }))

      yield* TestClock.adjust("2 minutes")

      assert.deepStrictEqual(attempts.slice(0, 9), [0, 100, 300, 700, 1500, 3100, 6300, 12_700, 25_500])
      assert.deepStrictEqual(attempts.slice(9), [51_100, 81_100, 111_100])
    }))

  it.effect("refilling several objects backs off as refilling one does", () =>
    Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      const attempts: Array<number> = []
      const acquire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        attempts.push(now - start)
        return Effect.andThen(Effect.sleep(10), Effect.fail("refused"))
      })
      const { within } = logs()
      yield* within(ObjectPool.make({ acquire, size: { min: 8 } }))

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([...new Set(attempts)].slice(0, 4), [0, 110, 320, 730])
    }))

  it.effect("a success resets the back-off", () =>
    Effect.gen(function*() {
      const start = yield* Clock.currentTimeMillis
      const attempts: Array<number> = []
      const script = scripted({ acquire: (n): Gate => n === 4 ? "ok" : "fail" })
      const acquire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        attempts.push(now - start)
        return script.acquire
      })
      const { within } = logs()
      const pool = yield* within(ObjectPool.make({ acquire, size: { min: 1 } }))

      yield* TestClock.adjust("1 second")
      yield* pool.remove(script.things[0]!)
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(attempts, [0, 100, 300, 700, 1000, 1100, 1300, 1700])
    }))

  it.effect("a waiter does not wait for the back-off of the refill", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n < 5 ? "fail" : "ok" })
      const { within } = logs()
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { min: 1 } }))
      yield* TestClock.adjust("1 second")

      const n = Effect.runSync(pool.with(() => Effect.succeed(script.counts.acquiring)))

      assert.strictEqual(n, 5)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(script.counts.acquiring, 5)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
    }))

  it.effect("objects that the detector refuses are not made in a row for the minimum", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        detectStatus: () => "Invalid",
        size: { min: 1 }
      })

      yield* TestClock.adjust("1 second")

      assert.isAtMost(script.counts.acquiring, 5)
      assert.deepInclude(yield* balanced(pool), { size: 0, making: 0 })
    })))
})
