import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { ObjectPool, Selector, type Status } from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { but, timers } from "./support/clocks.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, type Gate, scripted, slow } from "./support/scripted.ts"

describe("stats", () => {
  it.effect("each status is counted once, as it is now", () =>
    late(Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { rests: "Dormant", unknown: "Unknown" }
      const pool = yield* ObjectPool.make({
        objects: ["idle", "lent", "rests", "unknown", "asked", "leaves"],
        detectStatus: ({ object }) => object === "asked" ? Effect.never : answers[object] ?? "Available",
        select: Selector.roundRobin
      })
      yield* pool.add("slow", { release: () => Effect.sleep(slow) })
      yield* pool.remove("slow")
      yield* pool.remove("leaves")
      yield* pool.borrowWith({ where: ({ object }) => object === "lent" })

      assert.deepStrictEqual(yield* balanced(pool), {
        size: 6,
        min: 0,
        pending: 1,
        available: 1,
        borrowed: 1,
        dormant: 1,
        unknown: 1,
        invalid: 1,
        making: 0,
        leases: 1,
        waiting: 0,
        totals: { borrowed: 1, added: 7, made: 0, destroyed: 0, timedOut: 0, exhausted: 0, expired: 0 }
      })
    })))

  it.effect("the statuses of the records sum to the stats, whatever happens", () =>
    late(Effect.gen(function*() {
      const { within } = logs()
      const gates: ReadonlyArray<Gate> = ["ok", "slow", "fail", "ok"]
      const script = scripted({
        acquire: (n) => gates[n % 4]!,
        detect: (_, n) => gates[(n * 7) % 4]!,
        release: (thing) => gates[thing.n % 4]!
      })
      const pool = yield* within(ObjectPool.make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { onRelease: true, onBorrow: true },
        leaseTimeout: "700 millis",
        borrowTimeout: "2 seconds",
        maxWaiters: 3,
        size: { min: 2, max: 5 }
      }))
      const endings = [
        Effect.void,
        Effect.sleep("300 millis"),
        Effect.sleep("1 second"),
        Effect.die("body"),
        Effect.interrupt
      ]

      for (let step = 0; step < 200; step++) {
        const { n, ending } = { n: step % 11, ending: endings[step % endings.length]! }
        const fiber = yield* start(Effect.exit(pool.with((lease) =>
          Effect.andThen(n === 3 ? lease.rest("400 millis") : n === 5 ? lease.invalidate : Effect.void, ending)
        )))
        if (n === 7) {
          fiber.interruptUnsafe()
        }
        if (n === 9) {
          yield* pool.remove(script.things.at(-1)!)
        }
        yield* TestClock.adjust(`${(step * 37) % 120} millis`)
        const stats = yield* balanced(pool)
        const records = yield* pool.objects
        for (const status of ["Pending", "Available", "Borrowed", "Dormant", "Unknown", "Invalid"] as const) {
          const count = records.filter((record) =>
            record.status === status
          ).length
          assert.strictEqual(stats[status.toLowerCase() as Lowercase<typeof status>], count, `${status} at ${step}`)
        }
        assert.strictEqual((yield* pool.leases).length, stats.leases)
      }
    })))

  it.effect("every fiber that is suspended in a borrow is counted as waiting", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        size: { max: 1 }
      })
      const waiting = Effect.map(balanced(pool), (stats) => stats.waiting)

      const first = yield* start(Effect.scoped(pool.borrow))
      const second = yield* start(Effect.scoped(pool.borrow))
      const third = yield* start(Effect.scoped(pool.tryBorrow))
      assert.strictEqual(yield* waiting, 2)
      yield* TestClock.adjust(slow)
      assert.strictEqual(yield* waiting, 2)
      yield* Fiber.interrupt(second)
      assert.strictEqual(yield* waiting, 1)
      yield* TestClock.adjust(slow)

      assert.strictEqual(yield* waiting, 0)
      assert.isTrue([first, third].every((fiber) => fiber.pollUnsafe() !== undefined))
    })))

  it.effect("the totals say what has happened since the pool was built", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        objects: [],
        leaseTimeout: "1 second",
        size: { max: 2 }
      })

      yield* pool.with(() => Effect.void)
      yield* pool.with((lease) => lease.invalidate)
      yield* pool.add(script.things[1]!)
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))
      yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      yield* Effect.flip(Effect.scoped(pool.borrowWith({ timeout: 0 })))
      const late = yield* start(Effect.scoped(pool.borrowWith({ timeout: "10 millis" })))
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Effect.flip(Fiber.join(late)))._tag, "BorrowTimeout")
      const { borrowed, destroyed, ...rest } = (yield* balanced(pool)).totals
      assert.strictEqual(borrowed, 4)
      assert.isAtLeast(destroyed, 1)
      assert.deepStrictEqual(rest, { added: 1, made: script.things.length, timedOut: 2, exhausted: 1, expired: 2 })
    })))

  it.effect("added counts the objects given at start, destroyed only what was made", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [1, 2] })
      yield* pool.addAll([3, 4], { release: () => Effect.void })

      yield* Effect.forEach([1, 2, 3, 4], (n) => pool.remove(n))
      yield* TestClock.adjust(0)

      assert.deepInclude((yield* balanced(pool)).totals, { added: 4, made: 0, destroyed: 0 })
    }))

  it.effect("an add that is refused is not counted", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [1], size: { max: 2 } })

      yield* Effect.flip(pool.addAll([2, 3]))
      yield* Effect.exit(pool.add(2, { leaseTimeout: "-1 seconds" }))

      assert.deepInclude(yield* balanced(pool), { size: 1 })
      assert.deepInclude((yield* pool.stats).totals, { added: 1 })
    }))

  it.effect("stats, objects and leases that were read are not changed by what happens later", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [1, 2] })
      const stats = yield* pool.stats
      const objects = yield* pool.objects
      const leases = yield* pool.leases

      yield* pool.borrow
      yield* pool.remove(2)

      assert.deepInclude(stats, { size: 2, available: 2, leases: 0 })
      assert.strictEqual(stats.totals.borrowed, 0)
      assert.strictEqual(objects.length, 2)
      assert.strictEqual(leases.length, 0)
    }))

  it.effect("leases and objects are listed the oldest first", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"] })
      const take = (name: string) => pool.borrowWith({ where: ({ object }) => object === name })

      yield* take("c")
      yield* take("a")
      yield* take("b")

      assert.deepStrictEqual((yield* pool.leases).map(({ object }) => object), ["c", "a", "b"])
      assert.deepStrictEqual((yield* pool.objects).map(({ object }) => object), ["a", "b", "c"])
    }))
})

describe("time", () => {
  it.effect("shown times are those of the wall clock of the fiber that built the pool", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000)
      const pool = yield* ObjectPool.make({ objects: ["a"], detectStatus: () => "Available", leaseTimeout: "1 minute" })
      const millis = (time: DateTime.Utc | undefined) => time && DateTime.toEpochMillis(time)

      yield* TestClock.adjust("1 second")
      const lease = yield* pool.borrow
      yield* TestClock.adjust("1 second")
      yield* lease.release
      yield* pool.rest("a", "10 seconds")

      const { addedAt, borrowedAt, detectedAt, releasedAt, wakesAt } = lease.pooled
      assert.deepStrictEqual([addedAt, detectedAt, borrowedAt, releasedAt, wakesAt].map(millis), [
        1_000_000,
        1_001_000,
        1_001_000,
        1_002_000,
        1_012_000
      ])
      assert.strictEqual(millis(lease.borrowedAt), 1_001_000)
    }))

  it.effect("deadlines keep to the monotonic clock when the wall clock jumps", () =>
    Effect.gen(function*() {
      let jump = 0
      const clock = yield* Clock.Clock
      const jumping = but(clock, {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + jump,
        currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + jump)
      })
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects: ["a"], leaseTimeout: "10 seconds" }),
        Clock.Clock,
        jumping
      )

      const lease = yield* pool.borrow
      const watcher = yield* start(Effect.flip(lease.expired))
      jump = 3_600_000
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(watcher.pollUnsafe())
      jump = -3_600_000
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Fiber.join(watcher)).reason, "Expired")
    }))

  it.effect("the clock is that of the fiber that built the pool, not of those that use it", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.borrow

      const waiter = yield* start(within(Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "1 second" })))))
      yield* TestClock.adjust("1 second")

      assert.strictEqual((yield* Fiber.join(waiter))._tag, "BorrowTimeout")
      assert.strictEqual(counts.sleeps, 0)
    }))
})

describe("chance", () => {
  const draws = (seed: string) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: Array.from({ length: 50 }, (_, i) => i) })
      const drawn: Array<number> = []
      for (let i = 0; i < 30; i++) drawn.push(yield* pool.with((lease) => Effect.succeed(lease.object)))
      return drawn
    }).pipe(Effect.scoped, Random.withSeed(seed))

  it.effect("what a seed decides is reproduced by it", () =>
    Effect.gen(function*() {
      const one = yield* draws("one")

      assert.deepStrictEqual(yield* draws("one"), one)
      assert.notDeepEqual(yield* draws("two"), one)
      assert.isAbove(new Set(one).size, 10)
    }))

  it.effect("chance is that of the fiber that built the pool, not of those that use it", () =>
    Effect.gen(function*() {
      const make = Random.withSeed(ObjectPool.make({ objects: Array.from({ length: 50 }, (_, i) => i) }), "builder")
      const run = (user: string) =>
        Effect.gen(function*() {
          const pool = yield* make
          return yield* Effect.replicateEffect(pool.with((lease) => Effect.succeed(lease.object)), 20).pipe(
            Random.withSeed(user)
          )
        })

      assert.deepStrictEqual(yield* run("this one"), yield* run("that one"))
    }))

  it.effect("a whole run is reproduced under a test clock and a seed", () =>
    Effect.gen(function*() {
      const run = Effect.gen(function*() {
        const events: Array<string> = []
        const script = scripted({ acquire: (n): Gate => n % 4 === 0 ? "slow" : n % 7 === 0 ? "fail" : "ok" })
        const quiet = logs()
        const pool = yield* quiet.within(ObjectPool.make({
          acquire: script.acquire,
          size: { min: 2, max: 4 },
          leaseTimeout: "800 millis",
          onLeaseExpired: "return"
        }))
        for (let i = 0; i < 60; i++) {
          const work = pool.with((lease) =>
            Effect.andThen(
              Effect.sleep(`${(i * 53) % 1000} millis`),
              Effect.sync(() => events.push(`${i}:${lease.object.n}`))
            )
          )
          yield* start(
            Effect.catchCause(work, (cause) => Effect.sync(() => events.push(`${i}!${cause.reasons.length}`)))
          )
          yield* TestClock.adjust("70 millis")
        }
        yield* TestClock.adjust("1 minute")
        return events
      }).pipe(Effect.scoped, Random.withSeed("seed"))

      const first = yield* run

      assert.isAbove(first.length, 50)
      assert.deepStrictEqual(yield* run, first)
    }))
})
