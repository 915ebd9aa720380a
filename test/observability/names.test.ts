/** How metrics are called. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { TestClock } from "effect/testing"
import { ObjectPool, PoolMetrics, type PoolMetricsOptions, PoolService } from "../../src/index.ts"
import { make, start } from "../support/borrowers.ts"
import { collector, complaints, histogram, ownRegistry, series } from "../support/telemetry.ts"

class Keys extends PoolService<Keys, string>()("app/Keys") {}

describe("names", () => {
  it.effect("are such as Prometheus wants: counters end in _total, and nothing ends as a part of a histogram", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], size: { max: 2 } })
      yield* PoolMetrics.register(pool)
      yield* PoolMetrics.register(pool, { names: { prefix: "app.sessions" } })
      yield* pool.with(() => Effect.void)

      const text = yield* PrometheusMetrics.format()

      assert.deepStrictEqual(complaints(text), [])
      assert.include(text, "app_sessions_size")
    })))

  it.effect("begin with the prefix that is chosen, and are the same otherwise", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], size: { max: 2 } })
      yield* PoolMetrics.register(pool)
      const usual = (yield* Metric.snapshot).map(({ id }) => id)
      yield* PoolMetrics.register(pool, { names: { prefix: "app.sessions" } })
      const all = (yield* Metric.snapshot).map(({ id }) => id)

      assert.deepStrictEqual(
        all.filter((id) => !usual.includes(id)),
        usual.map((id) => id.replace("pool.object.", "app.sessions."))
      )
    })))

  it.effect("may be those of the semantic conventions of OpenTelemetry, and then nothing else is shown", () =>
    ownRegistry(Effect.gen(function*() {
      const prefix = "db.client.connection"
      const layer = PoolMetrics.layer(Keys, { names: "OpenTelemetry" }).pipe(
        Layer.provideMerge(Keys.layer({ objects: ["a", "b", "c"], size: { max: 4 } }))
      )

      const shown = yield* Effect.provide(Keys.with(() => Metric.snapshot), layer)

      const found = shown.map(({ attributes, id, state }) => {
        assert.strictEqual(attributes![`${prefix}.pool.name`], "app/Keys")
        const of = attributes![`${prefix}.state`]
        const name = of === undefined ? id : `${id} ${of}`
        return [name.slice(prefix.length + 1), "sum" in state ? "histogram" : "count" in state ? state.count : "gauge"]
      })
      assert.deepStrictEqual(Object.fromEntries(found), {
        "count used": 1,
        "count idle": 2,
        "idle.min": 0,
        "idle.max": 4,
        max: 4,
        "pending_requests": 0,
        timeouts: 0,
        "create_time": "histogram",
        "wait_time": "histogram",
        "use_time": "histogram"
      })
    })))

  it.live("of OpenTelemetry arrive as sums that may fall, but for the time-outs", () =>
    ownRegistry(Effect.gen(function*() {
      const { received, url } = yield* collector
      const pool = yield* ObjectPool.make({ objects: ["a"], size: { max: 1 } })
      yield* PoolMetrics.register(pool, { names: "OpenTelemetry" })
      const flush = Effect.flatMap(OtlpExporter.Flusher, (flusher) => flusher.flush)
      yield* Effect.provide(flush, Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" } }))

      const { resourceMetrics: [resource] } = received.findLast(({ path }) => path === "/v1/metrics")!.body as {
        readonly resourceMetrics: ReadonlyArray<{
          readonly scopeMetrics: ReadonlyArray<{
            readonly metrics: ReadonlyArray<{ readonly name: string; readonly sum?: { readonly isMonotonic: boolean } }>
          }>
        }>
      }
      const sums = resource!.scopeMetrics[0]!.metrics.filter(({ sum }) => sum !== undefined)
      assert.deepStrictEqual(
        Object.fromEntries(
          sums.map(({ name, sum }) => [name.slice("db.client.connection.".length), sum!.isMonotonic])
        ),
        { count: false, "idle.max": false, "idle.min": false, max: false, "pending_requests": false, timeouts: true }
      )
    })).pipe(Effect.provide(FetchHttpClient.layer)))

  for (
    const options of [{ names: "openTelemetry" }, { names: {} }, { names: { prefix: "" } }, {
      names: { prefix: "a-b" }
    }, {
      names: { prefix: "a..b" }
    }, { prefix: "app" }]
  ) {
    it.effect(`${JSON.stringify(options)} are no names`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ name: "named", objects: ["a"] })
        const exit = yield* Effect.exit(PoolMetrics.register(pool, options as PoolMetricsOptions))
        const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
        assert.match(String(error), /^InvalidPoolOptions: Pool "named": option `(names|prefix)` is /)
      }))
  }
})

describe("what is shown", () => {
  it.effect("counts the leases that are overdue, as long as their objects are not back", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c", "d"], leaseWarning: "5 seconds", sharing: 2 })
      yield* PoolMetrics.register(pool)
      const overdue = Effect.map(series, (all) => all["pool.object.overdue"])
      const one = yield* start(pool.with(() => Effect.never))
      yield* start(pool.with(() => Effect.never))
      yield* start(Effect.delay(pool.with(() => Effect.never), "3 seconds"))

      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* overdue, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* overdue, 2)
      yield* Fiber.interrupt(one)
      assert.strictEqual(yield* overdue, 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* overdue, 2)
    })))

  it.effect("counts a lease that has expired as overdue while its body does not end", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseTimeout: "1 second" })
      yield* PoolMetrics.register(pool)
      const overdue = Effect.map(series, (all) => all["pool.object.overdue"])
      yield* start(Effect.exit(pool.with(() => Effect.uninterruptible(Effect.sleep("10 seconds")))))

      assert.strictEqual(yield* overdue, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* overdue, 1)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* overdue, 0)
    })))

  it.effect("times the making of those objects too that were made before", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ acquire: Effect.sleep("200 millis"), size: { min: 3, max: 4 } })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* pool.stats).totals.made, 3)
      yield* PoolMetrics.register(pool)

      const { count, sum } = yield* histogram("pool.object.create_time")
      assert.deepStrictEqual([count, Math.round(sum * 1000)], [3, 600])
    })))
})
