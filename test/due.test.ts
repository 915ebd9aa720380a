/**
 * What is due is due to the next borrower, though its timer had no turn: the process was stopped, or something else computed
 * for long, or the wall clock was set (promise 27).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { type ObjectPool, type Operations, Selector, Status } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { skewed, stopped, unhurried } from "./support/clocks.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"

/** Builds with a clock that can go on while no timer does. */
const frozen = Effect.map(stopped, ({ clock, readings, skew }) => ({
  readings,
  /** So much time passes in which nothing has its turn. */
  freeze: (millis: number) => {
    skew.millis += millis
  },
  within: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideService(effect, Clock.Clock, clock)
}))

type Pool = Operations<never, Thing, undefined, unknown, { readonly object: Thing }>

/** The ways to borrow without waiting. */
const ways: Record<string, (pool: Pool) => Effect.Effect<Thing, unknown>> = {
  borrow: (pool) => Effect.scoped(Effect.map(pool.borrow, ({ object }) => object)),
  with: (pool) => pool.with(({ object }) => Effect.succeed(object)),
  tryBorrow: (pool) => Effect.scoped(Effect.map(pool.tryBorrow, ({ object }) => object)),
  "borrow, for one of them": (pool) =>
    Effect.scoped(Effect.map(pool.borrowWith({ where: () => true }), ({ object }) => object))
}

describe("an object past its limit is not lent", () => {
  for (const limit of ["idleTimeToLive", "timeToLive"] as const) {
    for (const [name, way] of Object.entries(ways)) {
      it.effect(`\`${limit}\`: \`${name}\` gets a fresh one`, () =>
        Effect.gen(function*() {
          const { freeze, within } = yield* frozen
          const { acquire, things } = scripted()
          const pool = yield* within(make({ acquire, lifetime: { [limit]: "500 millis", jitter: 0 } }))
          yield* (yield* hold(pool.borrow)).release
          freeze(499)
          assert.strictEqual(yield* way(pool), things[0])
          freeze(2000)
          assert.strictEqual(yield* way(pool), things[1])
          yield* settle
          assert.strictEqual(things[0]!.destroyed, 1)
          yield* balanced(pool)
        }))
    }
  }

  for (const select of ["built in", "the user's"] as const) {
    it.effect(`nor to one who waits, as it comes back (selector: ${select})`, () =>
      Effect.gen(function*() {
        const { freeze, within } = yield* frozen
        const { acquire, things } = scripted()
        const pool = yield* within(make({
          acquire,
          size: { max: 1 },
          select: select === "built in" ? Selector.random : (all) => all[0],
          lifetime: { timeToLive: "500 millis", jitter: 0 }
        }))
        const first = yield* hold(pool.borrow)
        const waiter = yield* start(hold(pool.borrow))
        freeze(501)
        yield* first.release
        yield* settle
        assert.strictEqual((yield* Fiber.join(waiter)).lease.object, things[1])
      }))
  }

  it.effect("but for what an idle limit leaves at the minimum", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const { acquire, things } = scripted()
      const pool = yield* within(
        make({ acquire, size: { min: 1 }, lifetime: { idleTimeToLive: "1 second", jitter: 0 } })
      )
      freeze(5000)
      assert.strictEqual((yield* hold(pool.borrow)).lease.object, things[0])
      assert.strictEqual((yield* balanced(pool)).size, 1)
    }))

  it.effect("nor is it detected for a borrower first", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const { acquire, counts, detectStatus, things } = scripted({ detect: "slow" })
      const pool = yield* within(make({
        acquire,
        detectStatus,
        detection: { onAdd: false, onBorrow: true },
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      }))
      yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("2 seconds")
      freeze(11_000)
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([(yield* Fiber.join(borrower)).lease.object, counts.detected], [things[1]!, 2])
    }))
})

describe("what rests no more is lent", () => {
  const way: Record<string, (pool: ObjectPool<string>) => Effect.Effect<string, unknown>> = {
    "with a time-out of 0": (pool) => Effect.map(hold(pool.borrowWith({ timeout: 0 })), ({ lease }) => lease.object),
    "by tryBorrow": (pool) => Effect.map(hold(pool.tryBorrow), ({ lease }) => lease.object),
    "to one who may wait, at once": (pool) => pool.with(({ object }) => Effect.succeed(object)),
    "where the time is on": (pool) => Effect.sync(() => Effect.runSync(Effect.scoped(pool.borrow)).object)
  }
  for (const [name, borrow] of Object.entries(way)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { freeze, within } = yield* frozen
        const pool = yield* within(make({ objects: ["a"] }))
        yield* pool.rest("a", "1 second")
        freeze(999)
        assert.strictEqual(state(yield* start(hold(pool.borrowWith({ timeout: 0 })))), "BorrowTimeout")
        freeze(1)
        assert.strictEqual(yield* borrow(pool), "a")
        yield* TestClock.adjust("1 hour")
        yield* balanced(pool)
      }))
  }

  it.effect("through its detector, which is asked then", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      let asked = 0
      const pool = yield* within(make({
        objects: ["a"],
        detectStatus: () => ++asked === 1 ? Status.dormant("1 second") : "Available"
      }))
      freeze(1000)
      yield* hold(pool.borrowWith({ timeout: 0 }))
      assert.strictEqual(asked, 2)
    }))

  it.effect("a shared one that was benched while it is lent as well", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const pool = yield* within(make({ objects: ["a"], sharing: 2 }))
      const { lease } = yield* hold(pool.borrow)
      yield* lease.rest("1 second")
      freeze(1000)
      yield* hold(pool.borrowWith({ timeout: 0 }))
    }))

  it.effect("the oldest who waits gets it, not the newcomer", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const pool = yield* within(make({ objects: ["a"] }))
      yield* pool.rest("a", "1 second")
      const waiter = yield* start(hold(pool.borrow))
      freeze(1000)
      const late = yield* start(hold(pool.borrowWith({ timeout: 0 })))
      yield* settle
      assert.deepStrictEqual([state(waiter), state(late)], ["ok", "BorrowTimeout"])
    }))

  it.effect("after the wall clock was set: to the next borrower, and shown by `stats`, `objects` and `detect`", () =>
    Effect.gen(function*() {
      const looks: ReadonlyArray<(pool: ObjectPool<string>) => Effect.Effect<unknown, unknown>> = [
        (pool) => hold(pool.borrowWith({ timeout: 0 })),
        (pool) => Effect.map(pool.stats, ({ available }) => assert.strictEqual(available, 1)),
        (pool) => Effect.map(pool.objects, ([pooled]) => assert.strictEqual(pooled!.status, "Available")),
        (pool) => pool.detect
      ]
      for (const look of looks) {
        const { clock, skew } = yield* skewed
        const pool = yield* Effect.provideService(make({ objects: ["a"] }), Clock.Clock, clock)
        const { lease, release } = yield* hold(pool.borrow)
        yield* lease.restUntil((yield* Clock.currentTimeMillis) + 3_600_000)
        yield* release
        skew.millis = 3_600_000
        yield* look(pool)
        assert.notStrictEqual(lease.pooled.status, "Dormant")
      }
    }))
})

describe("a lease whose time is over", () => {
  it.effect("is over to the next borrower, who gets its object where that is lent on unchecked", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const pool = yield* within(make({ objects: ["a"], leaseTimeout: "1 second", onLeaseExpired: "return" }))
      const { lease } = yield* hold(pool.borrow)
      freeze(1000)
      yield* hold(pool.borrowWith({ timeout: 0 }))
      assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Expired")
    }))

  it.effect("is neither renewed nor lets its object be detached", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const pool = yield* within(make({ objects: ["a", "b"], leaseTimeout: "1 second", onLeaseExpired: "return" }))
      const [one, other] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      freeze(999)
      yield* one.lease.renew
      freeze(999)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(other.lease.detach))).reason, "Expired")
      yield* one.lease.renew
      freeze(1001)
      assert.strictEqual((yield* Effect.flip(one.lease.renew)).reason, "Expired")
      assert.deepInclude(yield* pool.stats, { size: 2, leases: 0 })
    }))

  it.effect("keeps a shared object that is to be destroyed for it from being lent on", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const { acquire, things } = scripted()
      const pool = yield* within(make({ acquire, sharing: 3, onLeaseExpired: "destroy" }))
      yield* hold(pool.borrow)
      yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
      freeze(1000)
      assert.strictEqual((yield* hold(pool.borrow)).lease.object, things[1])
    }))
})

describe("what was to be tried again", () => {
  it.effect("is: an Unknown object is detected for a borrower who does not wait", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      let asked = 0
      const pool = yield* within(make({
        objects: ["a"],
        detectStatus: () => ++asked === 1 ? "Unknown" : "Available",
        detection: { retry: Schedule.spaced("1 second") }
      }))
      freeze(1000)
      yield* hold(pool.borrowWith({ timeout: 0 }))
    }))

  it.effect("is: an object is made for a borrower who does not queue", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const { acquire } = scripted({ acquire: (n) => n === 1 ? "fail" : "ok" })
      const pool = yield* within(make({ acquire, creation: { retry: Schedule.spaced("1 second") } }))
      yield* start(Effect.exit(hold(pool.borrowWith({ timeout: "10 millis" }))))
      freeze(1000)
      yield* hold(pool.tryBorrow)
    }))
})

describe("where very much is due at once", () => {
  const n = 5000
  const sleepers = Effect.gen(function*() {
    const { freeze, within } = yield* frozen
    const objects = Array.from({ length: n }, (_, i) => i)
    const pool = yield* within(
      make({ objects, detectStatus: () => Status.dormant("1 second"), detection: { onBorrow: false } })
    )
    return { freeze, pool }
  })
  const left = (pool: ObjectPool<number>) =>
    Effect.map(pool.objects, (objects) => objects.filter(({ status }) => status === "Dormant").length)

  it.effect("a borrower who may wait has no more of it happen than others can wait for", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const objects = Array.from({ length: n }, (_, i) => i)
      const pool = yield* within(make({ objects }))
      const pooled = yield* pool.objects
      for (const object of objects) yield* pool.rest(object, "1 second")
      freeze(1000)
      yield* hold(pool.borrow)
      const dormant = pooled.filter(({ status }) => status === "Dormant").length
      assert.isAtLeast(dormant, n - 512)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* left(pool), 0)
    }).pipe(unhurried))

  it.effect("a borrower who does not wait has all of it happen", () =>
    Effect.gen(function*() {
      const { freeze, pool } = yield* sleepers
      assert.strictEqual(yield* left(pool), n)
      freeze(1000)
      assert.strictEqual(state(yield* start(hold(pool.borrowWith({ timeout: 0 })))), "BorrowTimeout")
      // each was asked again, and rests anew
      const [last] = (yield* pool.objects).slice(-1)
      assert.strictEqual(Number(last!.detectedAt!.epochMilliseconds), 1000)
    }))

  it.effect("what borrows as it happens does not grow the stack", () =>
    Effect.gen(function*() {
      const { freeze, within } = yield* frozen
      const objects = Array.from({ length: n }, (_, i) => i)
      let awake = false
      let borrowed = 0
      const pool: ObjectPool<number> = yield* within(make({
        objects,
        detectStatus: () => {
          if (!awake) return Status.dormant("1 second")
          borrowed++
          Effect.runSync(Effect.exit(Effect.scoped(pool.borrowWith({ timeout: 0 }))))
          return "Available" as const
        },
        detection: { onBorrow: false }
      }))
      freeze(1000)
      awake = true
      yield* hold(pool.borrowWith({ timeout: 0 }))
      assert.strictEqual(borrowed, n)
      assert.deepInclude(yield* balanced(pool), { available: n - 1, borrowed: 1 })
    }), { tags: "large" })
})

describe("a borrow of what is free", () => {
  const readings = (options: object) =>
    Effect.gen(function*() {
      const { readings, within } = yield* frozen
      const { acquire } = scripted()
      const pool = yield* within(make({ acquire, ...options }))
      yield* pool.with(() => Effect.void)
      readings.monotonic = readings.wall = 0
      yield* pool.with(() => Effect.void)
      return readings
    })

  it.effect("reads no clock but for what is shown where nothing of this is configured, and another one where it is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* readings({}), { monotonic: 0, wall: 2 })
      // of a lease with a time-out, to set it; nothing waits
      assert.deepStrictEqual(yield* readings({ leaseTimeout: "1 minute" }), { monotonic: 1, wall: 2 })
      assert.deepStrictEqual(yield* readings({ lifetime: { timeToLive: "1 hour" } }), { monotonic: 1, wall: 2 })
      assert.deepStrictEqual(yield* readings({ lifetime: { maxBorrows: 100 } }), { monotonic: 0, wall: 2 })
      // and to note since when it is idle
      assert.deepStrictEqual(yield* readings({ lifetime: { idleTimeToLive: "1 hour" } }), { monotonic: 2, wall: 2 })
    }))
})
