/** Metrics say what the pool's own counts say, when they are asked; and go with the pool. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool, PoolMetrics, PoolService } from "../../src/index.ts"
import { hold, make, start } from "../support/borrowers.ts"
import { scripted } from "../support/scripted.ts"
import { histogram, ownRegistry, series } from "../support/telemetry.ts"

class Keys extends PoolService<Keys, string>()("app/Keys") {}

/** Counts of nothing, but those that are named. */
const none = {
  "pool.object.size pending": 0,
  "pool.object.size available": 0,
  "pool.object.size borrowed": 0,
  "pool.object.size dormant": 0,
  "pool.object.size unknown": 0,
  "pool.object.size invalid": 0,
  "pool.object.min": 0,
  "pool.object.making": 0,
  "pool.object.leases": 0,
  "pool.object.overdue": 0,
  "pool.object.pending_requests": 0,
  "pool.object.timeouts_total": 0,
  "pool.object.suspended": 0,
  "pool.object.refusals_total NoneAvailable": 0,
  "pool.object.refusals_total WaitersFull": 0,
  "pool.object.refusals_total Suspended": 0,
  "pool.object.refusals_total Resting": 0,
  "pool.object.refusals_total CostTooHigh": 0,
  "pool.object.refusals_total Overloaded": 0,
  "pool.object.refusals_total NoRoom": 0,
  "pool.object.expirations_total": 0,
  "pool.object.made_total": 0,
  "pool.object.destroyed_total": 0,
  "pool.object.failovers_total": 0
}

describe("gauges and counters", () => {
  it.effect("say what the pool counts, when they are read", () =>
    ownRegistry(Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, size: { max: 2 }, maxWaiters: 1, leaseTimeout: "1 minute" })
      yield* PoolMetrics.register(pool)
      const of = { ...none, "pool.object.max": 2 }
      assert.deepStrictEqual(yield* series, of)

      yield* start(hold(pool.borrow))
      assert.deepStrictEqual(yield* series, { ...of, "pool.object.making": 1, "pool.object.pending_requests": 1 })

      yield* TestClock.adjust("1 second")
      const made = { ...of, "pool.object.made_total": 1, "pool.object.leases": 1, "pool.object.size borrowed": 1 }
      assert.deepStrictEqual(yield* series, made)

      yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      yield* start(hold(pool.borrowWith({ timeout: "2 seconds" })))
      yield* Effect.exit(pool.borrow)
      yield* TestClock.adjust("2 seconds")
      const full = {
        ...of,
        "pool.object.made_total": 2,
        "pool.object.leases": 2,
        "pool.object.size borrowed": 2,
        "pool.object.timeouts_total": 1,
        "pool.object.refusals_total WaitersFull": 1
      }
      assert.deepStrictEqual(yield* series, full)

      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* series, {
        ...of,
        "pool.object.made_total": 2,
        "pool.object.destroyed_total": 2,
        "pool.object.expirations_total": 2,
        "pool.object.timeouts_total": 1,
        "pool.object.refusals_total WaitersFull": 1
      })
    })))

  it.effect("name the state of each object", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["available", "Dormant", "Unknown", "never"],
        detectStatus: ({ object }) =>
          object === "never"
            ? Effect.never
            : Effect.succeed(object === "available" ? "Available" : object as "Dormant"),
        detection: { timeout: "Infinity", retry: spaced }
      })
      yield* PoolMetrics.register(pool)

      assert.deepStrictEqual(yield* series, {
        ...none,
        "pool.object.size pending": 1,
        "pool.object.size available": 1,
        "pool.object.size dormant": 1,
        "pool.object.size unknown": 1
      })
    })))

  it.effect("have a maximum where the pool has one, or gets one", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* PoolMetrics.register(pool)
      assert.notProperty(yield* series, "pool.object.max")

      yield* pool.resize({ max: 3 })
      yield* series
      assert.strictEqual((yield* series)["pool.object.max"], 3)
      yield* pool.resize({ max: 4 })
      assert.strictEqual((yield* series)["pool.object.max"], 4)
    })))

  it.effect("have the name of the pool, the attributes of who registers, and their units", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"] })
      yield* Effect.provideService(PoolMetrics.register(pool), Metric.CurrentMetricAttributes, { shard: "7" })

      for (const { attributes, description, id } of yield* Metric.snapshot) {
        assert.strictEqual(attributes!["pool.name"], "keys", id)
        assert.strictEqual(attributes!["shard"], "7", id)
        assert.match(attributes!["unit"]!, /^(s|\{[a-z]+\})$/, id)
        assert.match(description!, /^The /, id)
        assert.strictEqual(attributes!["state"] !== undefined, id === "pool.object.size", id)
      }
    })))
})

const spaced = Schedule.spaced("Infinity")

describe("histograms", () => {
  it.effect("of the wait: those who were served at once, and those who waited", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.with(() => Effect.void)
      yield* PoolMetrics.register(pool)

      yield* pool.with(() => Effect.void)
      yield* Effect.scoped(pool.borrow)
      yield* start(pool.with(() => Effect.sleep("200 millis")))
      yield* start(pool.with(() => Effect.void))
      yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("200 millis")

      assert.deepStrictEqual(yield* histogram("pool.object.wait_time"), {
        counts: { 0.001: 3, 0.25: 2 },
        count: 5,
        sum: 0.4,
        min: 0,
        max: 0.2
      })
    })))

  it.effect("of the wait: not those who were not served", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      yield* PoolMetrics.register(pool)
      yield* start(hold(pool.borrow))
      yield* start(Effect.exit(Effect.scoped(pool.borrowWith({ timeout: "1 second" }))))
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* histogram("pool.object.wait_time"), { count: 1, sum: 0 })
    })))

  it.effect("of the use: by scopes, bodies, releases, expiries, and detachment", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], sharing: 2 })
      yield* PoolMetrics.register(pool)

      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.sleep("4 millis"))))
      yield* start(pool.with(() => Effect.sleep("30 millis")))
      yield* start(hold(pool.borrowWith({ leaseTimeout: "90 millis" })))
      yield* start(hold(Effect.tap(pool.borrow, (lease) => Effect.delay(lease.release, "2 seconds"))))
      yield* TestClock.adjust("10 seconds")
      const lease = yield* pool.borrowWith({ where: ({ object }) => object === "a" })
      yield* pool.borrowWith({ where: ({ object }) => object === "a" })
      yield* TestClock.adjust("1 hour")
      yield* lease.detach

      assert.deepStrictEqual(yield* histogram("pool.object.use_time"), {
        counts: { 0.005: 1, 0.05: 1, 0.1: 1, 2.5: 1, Infinity: 2 },
        count: 6,
        sum: 7202.124,
        min: 0.004,
        max: 3600
      })
      assert.strictEqual((yield* pool.stats).totals.borrowed, 6)
    })))

  it.effect("of making and detecting: what was made, what was answered, and what failed", () =>
    ownRegistry(Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted({ acquire: "fail", detect: "slow" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 }, detection: { timeout: "20 seconds" } })
      yield* PoolMetrics.register(pool)

      yield* Effect.exit(Effect.scoped(pool.borrow))
      script.acquire = "slow"
      const borrower = yield* start(Effect.scoped(pool.borrow))
      // the next attempt has its turn after 100 millis
      yield* TestClock.adjust("2.1 seconds")
      yield* Fiber.join(borrower)
      script.detect = "never"
      yield* start(pool.detect)
      yield* TestClock.adjust("20 seconds")

      assert.deepInclude(yield* histogram("pool.object.create_time"), { counts: { 1: 1 }, count: 1, sum: 1 })
      assert.deepInclude(yield* histogram("pool.object.detect_time"), { counts: { 1: 1, 30: 1 }, count: 2, sum: 21 })
    })))

  it.effect("of detecting: not what nobody wants to know any more", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => Effect.never,
        detection: { onAdd: false, timeout: "Infinity" }
      })
      yield* PoolMetrics.register(pool)
      const borrower = yield* start(Effect.scoped(pool.borrow))
      yield* Fiber.interrupt(borrower)

      assert.deepInclude(yield* histogram("pool.object.detect_time"), { count: 0 })
      assert.strictEqual((yield* pool.stats).available, 1)
    })))

  it.effect("of detecting: a plain answer takes no time", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        detectStatus: () => "Available",
        detection: { onBorrow: true }
      })
      yield* PoolMetrics.register(pool)
      yield* pool.with(() => Effect.void)

      assert.deepInclude(yield* histogram("pool.object.detect_time"), { count: 1, sum: 0, max: 0 })
    })))

  it.effect("are empty where nothing has happened", () =>
    ownRegistry(Effect.gen(function*() {
      yield* PoolMetrics.register(yield* ObjectPool.make({ objects: ["a"] }))
      for (const name of ["wait_time", "use_time", "create_time", "detect_time"]) {
        assert.deepStrictEqual(yield* histogram(`pool.object.${name}`), {
          counts: {},
          count: 0,
          sum: 0,
          min: 0,
          max: 0
        })
      }
    })))

  it.effect("take a clock that was set back for no time", () =>
    ownRegistry(Effect.gen(function*() {
      yield* TestClock.setTime(1_000_000)
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* PoolMetrics.register(pool)
      yield* pool.with(() => TestClock.setTime(0))

      assert.deepInclude(yield* histogram("pool.object.use_time"), { count: 1, sum: 0, min: 0 })
    })))
})

describe("metrics vanish", () => {
  it.effect("when the pool has closed, not while it is closing", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], closing: { timeout: "1 minute" } })
      yield* PoolMetrics.register(pool)
      const lease = yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.sleep("10 seconds"))))

      yield* start(pool.close)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual((yield* series)["pool.object.leases"], 1)

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* series, {})
      assert.isDefined(lease.pollUnsafe())
    })))

  it.effect("although the fiber that has closed the pool was interrupted", () =>
    ownRegistry(Effect.gen(function*() {
      const { acquire } = scripted({ release: "slow" })
      const pool = yield* make({ acquire, size: { min: 1 } })
      yield* PoolMetrics.register(pool)

      const closing = yield* start(pool.close)
      yield* Fiber.interrupt(closing)
      assert.notDeepEqual(yield* series, {})

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* series, {})
    })))

  it.effect("with the scope that has registered them, and the pool goes on", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const scope = yield* Scope.make()
      yield* Scope.provide(PoolMetrics.register(pool), scope)
      assert.notDeepEqual(yield* series, {})

      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* series, {})
      assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a")

      yield* Scope.provide(PoolMetrics.register(pool), scope)
      assert.deepStrictEqual(yield* series, {})
    })))

  it.effect("with their layer, which is above that of the pool", () =>
    ownRegistry(Effect.gen(function*() {
      const layer = PoolMetrics.layer(Keys).pipe(Layer.provideMerge(Keys.layer({ objects: ["a"] })))

      const shown = yield* Effect.provide(Keys.with(() => series), layer)

      assert.strictEqual(shown["pool.object.size borrowed"], 1)
      assert.deepStrictEqual(yield* series, {})
    })))

  it.effect("and those of a later registration count from its beginning", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      for (let i = 0; i < 2; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* PoolMetrics.register(pool)
          yield* pool.with(() => Effect.void)
          assert.strictEqual((yield* histogram("pool.object.use_time")).count, 1)
        }))
      }
    })))

  it.effect("without a fiber that is left behind", () =>
    ownRegistry(Effect.gen(function*() {
      const fibers = { started: 0, ended: 0 }
      const counting: Metric.FiberRuntimeMetricsService = {
        recordFiberStart: () => void fibers.started++,
        recordFiberEnd: () => void fibers.ended++
      }
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects: ["a"] }),
        Metric.FiberRuntimeMetrics,
        counting
      )
      yield* Effect.scoped(PoolMetrics.register(pool))
      assert.deepStrictEqual(fibers, { started: 0, ended: 0 })

      yield* PoolMetrics.register(pool)
      yield* pool.close
      assert.deepStrictEqual(fibers, { started: 0, ended: 0 })
    })))

  it.effect("one registration at a time: the other goes on to count", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const scope = yield* Scope.make()
      yield* ownRegistry(Scope.provide(PoolMetrics.register(pool), scope))
      yield* ownRegistry(Effect.gen(function*() {
        yield* PoolMetrics.register(pool)
        yield* pool.with(() => Effect.void)
        yield* Scope.close(scope, Exit.void)
        yield* pool.with(() => Effect.void)

        assert.strictEqual((yield* histogram("pool.object.use_time")).count, 2)
      }))
    }))
})

describe("registering", () => {
  it.effect("a pool that is closing, or closed, does nothing", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.sleep("1 second"))))
      yield* start(pool.close)
      yield* PoolMetrics.register(pool)
      assert.deepStrictEqual(yield* series, {})
      yield* TestClock.adjust("1 second")
      yield* PoolMetrics.register(pool)
      assert.deepStrictEqual(yield* series, {})
    })))

  it.effect("a double of a pool does nothing", () =>
    ownRegistry(Effect.gen(function*() {
      const double = Layer.mock(Keys, { name: "double" })
      const shown = yield* Effect.provide(series, Layer.provideMerge(PoolMetrics.layer(Keys), double))
      assert.deepStrictEqual(shown, {})
    })))
})
