/** What effect's exporters make of a pool arrives where it is read, and says what the pool says. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { createServer } from "node:http"
import { ObjectPool, PoolMetrics, type PoolStats } from "../../src/index.ts"
import { collector, ownRegistry, parsePrometheus } from "../support/telemetry.ts"

/** A pool whose name an exporter has to escape, after some work; with what its counts are then. */
const worked = Effect.gen(function*() {
  const pool = yield* ObjectPool.make({
    name: "keys \"of\" C:\\",
    acquire: Effect.sleep("2 millis"),
    size: { min: 1, max: 4 },
    maxWaiters: 20,
    detectStatus: () => "Available",
    detection: { onBorrow: true }
  })
  yield* PoolMetrics.register(pool)
  yield* Effect.forEach(
    Array.from({ length: 100 }, (_, i) => i),
    (i) => Effect.exit(pool.with(() => Effect.sleep("1 millis"), { timeout: i % 10 === 9 ? 0 : "1 minute" })),
    { concurrency: 30, discard: true }
  )
  yield* Effect.scoped(pool.borrow)
  return { pool, stats: yield* pool.stats }
})

const states = ["pending", "available", "borrowed", "dormant", "unknown", "invalid"] as const

/** How often each histogram has counted, and every number besides, as the pool's counts have it. */
const expected = (
  { leases, making, max, min, totals, waiting, ...stats }: PoolStats
): Record<string, number | undefined> => ({
  ...Object.fromEntries(states.map((state) => [`size ${state}`, stats[state]])),
  max,
  min,
  making,
  leases,
  overdue: 0,
  "pending_requests": waiting,
  timeouts_total: totals.timedOut,
  "refusals_total NoneAvailable": 0,
  "refusals_total WaitersFull": totals.exhausted,
  "refusals_total Suspended": 0,
  "refusals_total Resting": 0,
  "refusals_total CostTooHigh": 0,
  "refusals_total Overloaded": 0,
  "refusals_total NoRoom": 0,
  expirations_total: totals.expired,
  made_total: totals.made,
  destroyed_total: totals.destroyed,
  "failovers_total": 0,
  suspended: 0,
  "wait_time": totals.borrowed,
  "use_time": totals.borrowed,
  "create_time": totals.made
})

describe("Prometheus", () => {
  it.live("scrapes text that is sound, and says what the pool counts", () =>
    ownRegistry(Effect.gen(function*() {
      const { stats } = yield* worked
      const server = createServer()
      yield* Layer.build(
        HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" }))
        )
      )
      const address = server.address() as { readonly port: number }
      const response = yield* HttpClient.get(`http://127.0.0.1:${address.port}/metrics`)
      const families = parsePrometheus(yield* response.text)

      const found: Record<string, number | undefined> = {}
      for (const [name, { samples, type }] of families) {
        for (const { labels, name: sample, value } of samples) {
          assert.strictEqual(labels["pool_name"], "keys \"of\" C:\\")
          const short = name.slice("pool_object_".length)
          if (type !== "histogram") found[`${short} ${labels["state"] ?? labels["reason"] ?? ""}`.trim()] = value
          else if (sample === `${name}_count`) found[short] = value
        }
      }
      const { detect_time: detected, ...others } = found
      assert.deepStrictEqual(others, expected(stats))
      assert.isAtLeast(detected!, stats.totals.borrowed)
      assert.isAbove(stats.totals.exhausted + stats.totals.timedOut, 0)
    })).pipe(Effect.provide(FetchHttpClient.layer)))

  it.live("has buckets that grow to the count, and a sum that lies within them", () =>
    ownRegistry(Effect.gen(function*() {
      yield* worked
      const families = parsePrometheus(yield* PrometheusMetrics.format())

      for (const name of ["wait_time", "use_time", "create_time", "detect_time"]) {
        const { samples } = families.get(`pool_object_${name}`)!
        const value = (suffix: string) => samples.find((sample) => sample.name.endsWith(suffix))!.value
        const buckets = samples.filter((sample) => sample.name.endsWith("_bucket"))
        const bounds = buckets.map(({ labels }) => labels["le"] === "+Inf" ? Infinity : Number(labels["le"]))
        assert.deepStrictEqual(bounds, bounds.toSorted((a, b) => a - b))
        let least = 0
        let most = 0
        let below = 0
        for (const [i, { value }] of buckets.entries()) {
          assert.isAtLeast(value, below)
          least += (value - below) * (bounds[i - 1] ?? 0)
          most += (value - below) * bounds[i]! || 0
          below = value
        }
        assert.strictEqual(below, value("_count"))
        assert.isAtLeast(value("_sum"), least, name)
        assert.isAtMost(value("_sum"), most, name)
      }
    })))
})

/** As much of OTLP/JSON as is looked at. */
interface Metrics {
  readonly resourceMetrics: ReadonlyArray<{
    readonly scopeMetrics: ReadonlyArray<{
      readonly metrics: ReadonlyArray<
        & {
          readonly name: string
          readonly unit: string
          readonly description: string
        }
        & Record<
          "gauge" | "sum" | "histogram",
          {
            readonly isMonotonic?: boolean
            readonly aggregationTemporality?: number
            readonly dataPoints: ReadonlyArray<{
              readonly attributes: ReadonlyArray<
                { readonly key: string; readonly value: { readonly stringValue: string } }
              >
              readonly asDouble?: number
              readonly count?: number
              readonly bucketCounts?: ReadonlyArray<number>
              readonly explicitBounds?: ReadonlyArray<number>
            }>
          } | undefined
        >
      >
    }>
  }>
}

interface Spans {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{
      readonly spans: ReadonlyArray<{
        readonly name: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly events: ReadonlyArray<{ readonly name: string }>
        readonly attributes: ReadonlyArray<{ readonly key: string }>
      }>
    }>
  }>
}

describe("OTLP", () => {
  it.live("brings a collector the metrics, with their units and kinds", () =>
    ownRegistry(Effect.gen(function*() {
      const { received, url } = yield* collector
      const { stats } = yield* worked
      const flush = Effect.flatMap(OtlpExporter.Flusher, (flusher) => flusher.flush)
      yield* Effect.provide(flush, Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" } }))

      const body = received.findLast(({ path }) => path === "/v1/metrics")!.body as Metrics
      const found: Record<string, number | undefined> = {}
      for (
        const { description, gauge, histogram, name, sum, unit } of body.resourceMetrics[0]!.scopeMetrics[0]!.metrics
      ) {
        const short = name.slice("pool.object.".length)
        assert.notStrictEqual(description, "")
        assert.strictEqual(unit, units[short] ?? "{object}", name)
        for (
          const { asDouble, attributes, bucketCounts, count, explicitBounds } of (gauge ?? sum ?? histogram)!.dataPoints
        ) {
          const of = Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]))
          assert.strictEqual(of["pool.name"], "keys \"of\" C:\\")
          found[`${short} ${of["state"] ?? of["reason"] ?? ""}`.trim()] = asDouble ?? count!
          if (histogram !== undefined) {
            assert.strictEqual(bucketCounts!.length, explicitBounds!.length + 1)
            assert.strictEqual(bucketCounts!.reduce((a, b) => a + b, 0), count)
          }
        }
        if (sum !== undefined) assert.deepInclude(sum, { isMonotonic: true, aggregationTemporality: 2 })
      }
      const { detect_time: detected, ...others } = found
      assert.deepStrictEqual(others, expected(stats))
      assert.isAtLeast(detected!, stats.totals.borrowed)
    })).pipe(Effect.provide(FetchHttpClient.layer)))

  it.live("brings it the span of a borrow that waits, below that of its caller", () =>
    ownRegistry(Effect.gen(function*() {
      const { received, url } = yield* collector
      yield* Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ acquire: Effect.sleep("2 millis") })
        const twice = Effect.andThen(pool.with(() => Effect.void), pool.with(() => Effect.void))
        yield* Effect.withSpan(twice, "caller")
        yield* Effect.flatMap(OtlpExporter.Flusher, (flusher) => flusher.flush)
      }).pipe(Effect.scoped, Effect.provide(Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" } })))

      const spans = received.filter(({ path }) => path === "/v1/traces").flatMap(({ body }) =>
        (body as Spans).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      )
      const [caller] = spans.filter(({ name }) => name === "caller")
      const borrows = spans.filter(({ name }) => name === "objectpool.borrow")
      assert.deepStrictEqual(
        borrows.map(({ events, parentSpanId }) => [events.map(({ name }) => name), parentSpanId]),
        [
          [["acquiring"], caller!.spanId]
        ]
      )
      const attributes = ["pool.name", "pool.object", "pool.lease", "pool.wait_ms"]
      for (const span of [caller, borrows[0]]) assert.includeMembers(span!.attributes.map(({ key }) => key), attributes)
    })).pipe(Effect.provide(FetchHttpClient.layer)))
})

const units: Readonly<Record<string, string>> = {
  leases: "{lease}",
  overdue: "{lease}",
  "pending_requests": "{request}",
  timeouts_total: "{timeout}",
  refusals_total: "{request}",
  "failovers_total": "{request}",
  suspended: "{pool}",
  expirations_total: "{lease}",
  "wait_time": "s",
  "use_time": "s",
  "create_time": "s",
  "detect_time": "s"
}
