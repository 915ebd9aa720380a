import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import type { ObjectPool, PooledObject } from "../src/index.ts"
import { hold, keep, make, serves, settle, start, state } from "./support/borrowers.ts"
import { counting, timers } from "./support/clocks.ts"
import { late, quietly } from "./support/observed.ts"
import { balanced, type Gate, inside, scripted, slow, Thing } from "./support/scripted.ts"

/** Uses an object, and puts it back. */
const touch = <D, E, P>(pool: ObjectPool<Thing, D, E, P>) => pool.with(() => Effect.void)

/** Lets time pass in steps of a second; gives what was seen after each. */
const watch = <A, E, R>(seconds: number, look: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: seconds }), () => Effect.andThen(TestClock.adjust("1 second"), look))

/** A `Random` that draws these, in turn. */
const drawing = (draws: ReadonlyArray<number>) => {
  let n = 0
  return Effect.provideService(Random.Random, {
    nextIntUnsafe: () => 0,
    nextDoubleUnsafe: () => draws[n++ % draws.length]!
  })
}

describe("timeToLive", () => {
  it.effect("an idle object leaves when its time is over, and not before", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { timeToLive: "1 minute", jitter: 0 } })
      yield* touch(pool)

      yield* TestClock.adjust("59999 millis")
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
      yield* TestClock.adjust(1)

      assert.deepInclude(yield* balanced(pool), { size: 0 })
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1])
      assert.deepInclude((yield* pool.stats).totals, { made: 1, destroyed: 1 })
    }))

  it.effect("counts from the creation, however often it is used", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { timeToLive: "1 minute", jitter: 0 } })
      yield* touch(pool)

      const sizes = yield* watch(59, Effect.andThen(touch(pool), inside(pool)))
      yield* TestClock.adjust("1 second")

      assert.isTrue(sizes.every((numbers) => numbers.length === 1 && numbers[0] === 1))
      assert.deepStrictEqual(yield* inside(pool), [])
    }))

  it.effect("one that is lent past its time leaves when it comes back; its borrower is left alone", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { timeToLive: "1 minute", jitter: 0 } })
      const held = yield* hold(pool.borrow)

      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1, leases: 1 })
      assert.strictEqual(script.things[0]!.destroyed, 0)
      yield* held.release
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 0 })
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))

  it.effect("one that is lent past its time and shared is lent to nobody else", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        sharing: 3,
        size: { max: 2 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      const held = yield* hold(pool.borrow)
      yield* TestClock.adjust("1 minute")

      const other = yield* hold(pool.borrow)
      yield* held.release
      yield* settle

      assert.deepStrictEqual([held.lease.object.n, other.lease.object.n], [1, 2])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0])
    }))

  it.effect("the replacement is lendable before the old one goes, where there is room", () =>
    Effect.gen(function*() {
      const script = scripted({
        acquire: (n): Gate => n === 1 ? "ok" : "slow",
        detect: (thing) => thing.n === 1 ? "ok" : "slow"
      })
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        size: { min: 1, max: 2 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })

      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 1 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, pending: 1 })
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(yield* inside(pool), [2])
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
    }))

  it.effect("an old object may be lent while its replacement is being made", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* TestClock.adjust("1 minute")

      const n = Effect.runSync(pool.with((lease) => Effect.succeed(lease.object.n)))

      assert.strictEqual(n, 1)
      yield* TestClock.adjust(slow)
      assert.deepStrictEqual(yield* inside(pool), [2])
    }))

  for (const what of ["acquire", "detect"] as const) {
    it.effect(`all that are old at once are replaced, and there never are fewer to lend, where ${what} takes time`, () =>
      Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({
          acquire: script.acquire,
          detectStatus: script.detectStatus,
          detection: { concurrency: 1 },
          creation: { concurrency: 2 },
          size: { min: 3, max: 6 },
          lifetime: { timeToLive: "1 minute", jitter: 0 }
        })
        yield* TestClock.adjust("59 seconds")

        script.script[what] = "slow"
        const stats = yield* watch(6, balanced(pool))

        assert.deepStrictEqual(stats.map(({ available }) => available), [3, 3, 3, 3, 3, 3])
        assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
      }))
  }

  it.effect("with room for one more they are replaced one after another", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 3 ? "ok" : "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 3, max: 4 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* TestClock.adjust("60 seconds")

      const stats = yield* watch(4, balanced(pool))

      assert.deepStrictEqual(stats.map(({ available }) => available), [3, 3, 3, 3])
      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
    }))

  it.effect("where the minimum is the maximum the size dips by one at a time, and is refilled at once", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 3 ? "ok" : "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 3, max: 3 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* TestClock.adjust("60 seconds")
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 1 })

      const stats = yield* watch(3, balanced(pool))

      assert.deepStrictEqual(stats.map(({ available }) => available), [2, 2, 3])
      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
    }))

  it.effect("one whose successor is busy for a moment goes when that is free again", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        onRelease: () => Effect.sleep(slow),
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* TestClock.adjust("30 seconds")
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      yield* one.release
      yield* TestClock.adjust("29500 millis")
      yield* two.release

      yield* TestClock.adjust("500 millis")
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, pending: 1, making: 0 })
      yield* TestClock.adjust("500 millis")

      assert.deepStrictEqual(yield* inside(pool), [2])
    }))

  it.effect("an old object stays for as long as making its replacement fails", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* quietly(make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      }))
      script.script.acquire = "fail"
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })

      script.script.acquire = "ok"
      yield* TestClock.adjust("30 seconds")

      assert.deepStrictEqual(yield* inside(pool), [2])
    }))

  it.effect("an old object stays while another, which must leave, is still lent: that one does not count", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 2, max: 3 },
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.invalidate
      const other = script.things.find((thing) => thing !== lease.object)!

      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* balanced(pool), { size: 3, borrowed: 1, available: 2 })
      assert.strictEqual(other.destroyed, 0)
      yield* release
      yield* settle

      assert.strictEqual(other.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("one whose detection is under way leaves when that has ended, and is lent to nobody", () =>
    Effect.gen(function*() {
      const script = scripted({ detect: (_, n): Gate => n === 1 ? "ok" : "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        lifetime: { timeToLive: "1 minute", jitter: 0 }
      })
      yield* touch(pool)
      yield* TestClock.adjust("59500 millis")
      const borrower = yield* start(hold(pool.borrow))

      yield* TestClock.adjust("5 seconds")

      assert.strictEqual(state(borrower), "ok")
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0])
      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1, waiting: 0 })
    }))

  it.effect("a resting object leaves when its time is over", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { timeToLive: "1 minute", jitter: 0 } })
      yield* pool.with((lease) => lease.rest("1 hour"))

      yield* TestClock.adjust("1 minute")

      assert.deepInclude(yield* balanced(pool), { size: 0, dormant: 0 })
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))
})

describe("idleTimeToLive", () => {
  it.effect("an object that nobody uses leaves, one that is used stays", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        select: (available) => available[0],
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      yield* one.release
      yield* two.release

      yield* watch(9, touch(pool))
      assert.deepStrictEqual(yield* inside(pool), [1, 2])
      yield* watch(3, touch(pool))

      assert.deepStrictEqual(yield* inside(pool), [1])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [0, 1])
    }))

  it.effect("counts from the release", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { idleTimeToLive: "10 seconds", jitter: 0 } })
      const held = yield* hold(pool.borrow)
      yield* TestClock.adjust("25 seconds")
      yield* held.release

      yield* TestClock.adjust("9999 millis")
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
      yield* TestClock.adjust(1)

      assert.deepInclude(yield* balanced(pool), { size: 0 })
      assert.strictEqual(script.things[0]!.destroyed, 1)
    }))

  it.effect("one that was never lent leaves as well, its time after it was made", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, lifetime: { idleTimeToLive: "10 seconds", jitter: 0 } })
      const leaver = yield* keep(pool.borrow)
      yield* Effect.sync(() => leaver.interruptUnsafe())
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { size: 1 })

      yield* TestClock.adjust("9999 millis")
      assert.deepInclude(yield* balanced(pool), { size: 1 })
      yield* TestClock.adjust(1)

      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("evicts only what is above the minimum", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 2, max: 5 },
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      const held = yield* Effect.forEach(Array.from({ length: 5 }), () => hold(pool.borrow))
      for (const one of held) yield* one.release

      const stats = yield* watch(60, balanced(pool))

      assert.isTrue(stats.slice(0, 9).every(({ size }) => size === 5))
      assert.isTrue(stats.slice(9).every(({ available, size }) => size === 2 && available === 2))
      assert.strictEqual(script.counts.acquiring, 5)
      assert.deepStrictEqual(script.things.filter((thing) => thing.destroyed === 1).length, 3)
    }))

  it.effect("an object that was idle at the minimum goes later, when it is one too many", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 3 },
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      yield* TestClock.adjust("25 seconds")
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      yield* one.release
      yield* two.release
      assert.deepInclude(yield* balanced(pool), { size: 2 })

      yield* TestClock.adjust("20 seconds")

      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
    }))

  it.effect("counts from the release, not from the end of onRelease; one that a hook runs for is not idle", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        onBorrow: () => Effect.sleep("2 seconds"),
        onRelease: () => Effect.sleep("2 seconds"),
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      const first = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("9 seconds")
      yield* (yield* Fiber.join(first)).release
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude(yield* balanced(pool), { available: 1 })
      const second = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")

      assert.strictEqual((yield* Fiber.join(second)).lease.object.n, 1)
    }))

  it.effect("does not count what is to leave for the minimum", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 3 },
        lifetime: { idleTimeToLive: "10 seconds", maxBorrows: 1, jitter: 0 }
      })
      yield* hold(pool.borrow)
      yield* TestClock.adjust("100 seconds")

      assert.deepStrictEqual(yield* inside(pool), [1, 2])
    }))

  it.effect("costs one timer, however often the objects are used", () =>
    Effect.gen(function*() {
      const { clock, counts } = yield* counting
      const script = scripted()
      const pool = yield* Effect.provideService(
        make({ acquire: script.acquire, lifetime: { idleTimeToLive: "10 seconds", jitter: 0 } }),
        Clock.Clock,
        clock
      )

      for (let i = 0; i < 1000; i++) yield* touch(pool)

      assert.isAtMost(counts.sleeps, 2)
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("a lent object is not idle, however long it is lent", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { idleTimeToLive: "10 seconds", jitter: 0 } })
      const held = yield* hold(pool.borrow)

      yield* TestClock.adjust("10 minutes")

      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1 })
      assert.strictEqual(held.lease.object.destroyed, 0)
    }))

  it.effect("a background detection is no use", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { every: "1 second" },
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      yield* touch(pool)

      yield* TestClock.adjust("10 seconds")

      assert.isAtLeast(script.counts.detected, 5)
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))
})

describe("maxBorrows", () => {
  it.effect("an object is lent so many times, and then destroyed at its return", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, lifetime: { maxBorrows: 3, jitter: 0 } })
      const n = pool.with((lease) => Effect.succeed(lease.object.n))

      const lent = yield* Effect.forEach(Array.from({ length: 7 }), () => n)
      yield* settle

      assert.deepStrictEqual(lent, [1, 1, 1, 2, 2, 2, 3])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 0])
    }))

  it.effect("one that has had its last lease is lent to nobody who shares it", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, sharing: 5, lifetime: { maxBorrows: 2, jitter: 0 } })

      const held = yield* Effect.forEach(Array.from({ length: 5 }), () => hold(pool.borrow))
      assert.deepStrictEqual(held.map(({ lease }) => lease.object.n), [1, 1, 2, 2, 3])
      for (const one of held) yield* one.release
      yield* settle

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 0])
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, leases: 0 })
    }))

  it.effect("the replacement is made while the last lease is open, where there is room", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        lifetime: { maxBorrows: 1, jitter: 0 }
      })
      const held = yield* hold(pool.borrow)

      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1, making: 1 })
      yield* TestClock.adjust(slow)
      assert.deepInclude(yield* balanced(pool), { size: 2, borrowed: 1, available: 1 })
      yield* held.release
      yield* settle

      assert.deepStrictEqual(yield* inside(pool), [2])
    }))

  for (const how of ["a suspension", "a detection", "a selector", "onBorrow"] as const) {
    it.effect(`one borrower gets one lease where its object is replaced in that step, after ${how}`, () =>
      Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({
          acquire: script.acquire,
          size: { min: 1, max: 3 },
          lifetime: { maxBorrows: 1, jitter: 0 },
          ...(how === "a detection" ? { detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const) } : {}),
          ...(how === "a selector" ? { select: (all: ReadonlyArray<PooledObject<Thing>>) => all[0] } : {}),
          ...(how === "onBorrow" ? { onBorrow: () => Effect.yieldNow } : {})
        })
        yield* TestClock.adjust("1 minute")
        if (how === "a suspension") yield* pool.suspend
        const borrower = yield* start(hold(pool.borrow))
        if (how === "a suspension") yield* pool.resume
        yield* TestClock.adjust("1 second")

        assert.strictEqual(state(borrower), "ok")
        assert.deepInclude(yield* balanced(pool), { leases: 1, borrowed: 1, waiting: 0 })
        yield* (yield* borrower.pollUnsafe()!).release
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* balanced(pool), { leases: 0, borrowed: 0, size: 1, available: 1 })
      }))
  }

  it.effect("waiters are served in turn when each object may be lent once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 1, max: 2 },
        lifetime: { maxBorrows: 1, jitter: 0 }
      })
      const served: Array<number> = []
      const work = (i: number) =>
        pool.with((lease) =>
          Effect.sync(() => {
            assert.strictEqual(lease.object.users++, 0)
            served.push(i)
          })
        )
      const held = yield* hold(pool.borrow)
      const workers = yield* Effect.forEach(Array.from({ length: 50 }), (_, i) => start(work(i)))

      yield* held.release
      yield* Effect.repeat(settle, { times: 50 })

      assert.isTrue(workers.every((worker) => state(worker) === "ok"))
      assert.deepStrictEqual(served, Array.from({ length: 50 }, (_, i) => i))
      assert.deepInclude(yield* balanced(pool), { leases: 0, borrowed: 0, available: 1, size: 1 })
    }))
})

describe("jitter", () => {
  /** When the objects of a pool leave, in seconds, given what is drawn. */
  const ends = (
    draws: ReadonlyArray<number>,
    jitter: number | undefined,
    limit: "timeToLive" | "idleTimeToLive" = "timeToLive"
  ) =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* drawing(draws)(make({
        acquire: script.acquire,
        select: (available) => available[0],
        lifetime: { [limit]: "100 seconds", jitter }
      }))
      const held = yield* Effect.forEach(draws, () => hold(pool.borrow))
      for (const one of held) yield* one.release
      const left: Array<number> = []
      for (let second = 1; second <= 100; second++) {
        yield* TestClock.adjust("1 second")
        const { size } = yield* pool.stats
        while (left.length < draws.length - size) left.push(second)
      }
      return left
    })

  it.effect("is 10 per cent: each object's limit is shortened by a factor of its own", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ends([0, 0.5, 0.99], undefined), [91, 95, 100])
    }))

  it.effect("of a half draws from above a half to the whole", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ends([0, 0.5, 0.999], 0.5), [51, 75, 100])
    }))

  it.effect("shortens an idle limit as well", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ends([0, 0.5, 0.999], 0.5, "idleTimeToLive"), [51, 75, 100])
    }))

  it.effect("of 0 shortens nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ends([0, 0.5, 0.99], 0), [100, 100, 100])
    }))

  it.effect("is drawn once, for all the limits of an object", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* drawing([0.5, 0.25])(make({
        acquire: script.acquire,
        lifetime: { timeToLive: "100 seconds", maxBorrows: 10, jitter: 0.8 }
      }))
      const n = pool.with((lease) => Effect.succeed(lease.object.n))

      // a factor of 0.6, then of 0.8
      const lent = yield* Effect.forEach(Array.from({ length: 14 }), () => n)
      yield* settle
      assert.deepStrictEqual(lent, [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2])
      yield* n
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* inside(pool), [3])
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(yield* inside(pool), [])
    }))

  it.effect("is reproducible under a seed, within its bounds, and spreads", () =>
    Effect.gen(function*() {
      const run = Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({
          acquire: script.acquire,
          size: { max: 50 },
          lifetime: { timeToLive: "100 seconds", jitter: 0.5 }
        }).pipe(Random.withSeed("seed"))
        const held = yield* Effect.forEach(Array.from({ length: 50 }), () => hold(pool.borrow))
        for (const one of held) yield* one.release
        return yield* watch(100, Effect.map(pool.stats, ({ size }) => size))
      })
      const [first, second] = [yield* run, yield* run]

      assert.deepStrictEqual(first, second)
      assert.deepStrictEqual([first[49], first[99]], [50, 0])
      assert.isAtLeast(new Set(first).size, 20)
    }))
})

describe("limits together", () => {
  it.effect("whichever is reached first counts", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        lifetime: { timeToLive: "1 minute", idleTimeToLive: "20 seconds", maxBorrows: 50, jitter: 0 }
      })
      const n = pool.with((lease) => Effect.succeed(lease.object.n))

      for (let i = 0; i < 49; i++) assert.strictEqual(yield* n, 1)
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(yield* n, 1)
      assert.strictEqual(yield* n, 2)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* n, 3)
      yield* watch(59, n)
      assert.strictEqual(script.counts.acquiring, 4)
      yield* TestClock.adjust("30 seconds")

      assert.deepStrictEqual(yield* inside(pool), [])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 1])
    }))

  it.effect(
    "a pool that makes, lends and evicts for an hour keeps its books and its minimum",
    () =>
      late(Effect.gen(function*() {
        const script = scripted({ acquire: "slow", release: "slow" })
        const pool = yield* make({
          acquire: script.acquire,
          size: { min: 2, max: 6 },
          lifetime: { timeToLive: "47 seconds", idleTimeToLive: "13 seconds", maxBorrows: 7, jitter: 0.3 }
        })
        const work = pool.with((lease) =>
          Effect.suspend(() => {
            assert.deepStrictEqual([lease.object.destroyed, lease.object.users++], [0, 0])
            return Effect.andThen(
              Effect.sleep("700 millis"),
              Effect.sync(() => lease.object.users--)
            )
          })
        )
        const workers = yield* Effect.forEach(
          [1, 2, 3, 5],
          (pause) => start(Effect.forever(Effect.andThen(work, Effect.sleep(pause * 400))))
        )

        for (let i = 0; i < 3600; i++) {
          yield* TestClock.adjust("1 second")
          yield* balanced(pool)
        }

        assert.deepStrictEqual(workers.map(state), ["waits", "waits", "waits", "waits"])
        for (const worker of workers) worker.interruptUnsafe()
        yield* TestClock.adjust("100 millis")
        assert.isTrue(script.things.every((thing) => thing.destroyed <= 1))
        assert.isAtLeast(script.things.length, 100)
        yield* serves(pool, 6)
      })),
    { tags: "large" }
  )
})

describe("objects that were added", () => {
  it.effect("are never evicted, whatever the limits", () =>
    Effect.gen(function*() {
      const script = scripted()
      const mine = [new Thing(101), new Thing(102)]
      const pool = yield* make({
        acquire: script.acquire,
        objects: [mine[0]!],
        lifetime: { timeToLive: "10 seconds", idleTimeToLive: "5 seconds", maxBorrows: 2, jitter: 0 }
      })
      yield* pool.add(mine[1]!)

      for (let i = 0; i < 10; i++) yield* touch(pool)
      yield* TestClock.adjust("1 hour")
      for (let i = 0; i < 10; i++) yield* touch(pool)

      assert.deepStrictEqual(yield* inside(pool), [101, 102])
      assert.strictEqual(script.counts.acquiring, 0)
    }))

  it.effect("fill the minimum, and made ones beside them leave when they are idle", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        objects: [new Thing(101)],
        size: { min: 1 },
        lifetime: { idleTimeToLive: "5 seconds", jitter: 0 }
      })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      yield* one.release
      yield* two.release

      yield* TestClock.adjust("5 seconds")

      assert.deepStrictEqual(yield* inside(pool), [101])
    }))
})

describe("closing a pool with limits", () => {
  it.effect("leaves no timer", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const script = scripted()
      const pool = yield* within(make({
        acquire: script.acquire,
        size: { min: 2 },
        creation: { timeout: "1 hour" },
        lifetime: { timeToLive: "1 hour", idleTimeToLive: "30 minutes", maxBorrows: 7 }
      }))
      for (let i = 0; i < 10; i++) yield* touch(pool)
      yield* settle
      assert.isAtLeast(counts.sleeping, 1)

      yield* pool.close
      yield* settle

      assert.strictEqual(counts.sleeping, 0)
      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
    }))

  it.effect("a pool without limits has no timer at all", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const script = scripted()
      const pool = yield* within(make({ acquire: script.acquire, size: { min: 2 } }))

      for (let i = 0; i < 10; i++) yield* touch(pool)
      yield* settle

      assert.strictEqual(counts.sleeping, 0)
    }))

  it.effect("an object that left by itself leaves no timer", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const script = scripted()
      const pool = yield* within(make({
        acquire: script.acquire,
        lifetime: { timeToLive: "1 hour", idleTimeToLive: "30 minutes" }
      }))
      yield* pool.with((lease) => lease.invalidate)
      yield* settle
      assert.deepInclude(yield* balanced(pool), { size: 0 })

      yield* TestClock.adjust("1 hour")

      assert.strictEqual(counts.sleeping, 0)
    }))
})
