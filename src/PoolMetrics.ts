/**
 * The metrics of a pool, for `effect/observability`: what OpenTelemetry knows of a connection pool, under `pool.object`.
 *
 * **Details**
 *
 * Every series has the attribute `pool.name`, beside those of `Metric.CurrentMetricAttributes`. Durations are seconds.
 *
 * | Metric | Kind | |
 * | --- | --- | --- |
 * | `pool.object.count` | gauge | objects, by `state`: `pending`, `available`, `borrowed`, `dormant`, `unknown`, `invalid` |
 * | `pool.object.max`, `pool.object.min` | gauge | `size.max`, where there is one, and `size.min` |
 * | `pool.object.making` | gauge | objects that are being made, and are in no `state` yet |
 * | `pool.object.leases` | gauge | open leases |
 * | `pool.object.pending_requests` | gauge | fibers that wait in a borrow |
 * | `pool.object.timeouts` | counter | borrows that failed with `BorrowTimeout` |
 * | `pool.object.refusals` | counter | borrows that failed with `PoolExhausted` |
 * | `pool.object.expirations` | counter | leases that have expired |
 * | `pool.object.made`, `pool.object.destroyed` | counter | objects that the pool has made, and those of them that it has destroyed |
 * | `pool.object.wait_time` | histogram | from a borrow to its lease; at once is 0 |
 * | `pool.object.use_time` | histogram | from a lease to its end, in whole milliseconds |
 * | `pool.object.create_time` | histogram | making an object |
 * | `pool.object.detect_time` | histogram | asking the detector, whether it answered or failed |
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { type Core, coreOf, stats } from "./internal/state/core.ts"
import * as Scopes from "./internal/structures/scope.ts"
import { boundaries, Timings } from "./internal/watching/timings.ts"
import type { ObjectPool } from "./ObjectPool.ts"
import type { PoolStats } from "./PoolError.ts"

/**
 * Shows a pool in the metric registry of its environment.
 *
 * **When to use**
 *
 * Where `PrometheusMetrics` or `Otlp` of `effect/observability`, or another exporter of effect's metrics, runs.
 *
 * **Details**
 *
 * Counts are read from the pool when the metrics are read; nothing is updated meanwhile. Histograms count from the
 * registration on: one number is raised where a lease ends, nothing where one begins at once. The series vanish when the
 * pool has closed, or with the scope or layer before that. A pool without this pays nothing for it.
 *
 * **Gotchas**
 *
 * Two pools of one name have one series: the later takes the place of the earlier. Tell them apart by
 * `Metric.CurrentMetricAttributes`. What is no pool of this library, such as a double made by `Layer.mock`, has no metrics.
 *
 * **Example** (Reading the metrics of a pool as Prometheus does)
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { PrometheusMetrics } from "effect/observability"
 * import { PoolMetrics, PoolService } from "effect-object-pool"
 *
 * class Licences extends PoolService<Licences, string>()("app/Licences") {}
 * const LicencesLayer = PoolMetrics.layer(Licences).pipe(
 *   Layer.provideMerge(Licences.layer({ objects: ["A-1", "A-2"] }))
 * )
 *
 * const program = Licences.with(() => PrometheusMetrics.format()).pipe(
 *   Effect.map((text) => text.split("\n").find((line) => line.includes("borrowed"))),
 *   Effect.provide(LicencesLayer)
 * )
 *
 * await Effect.runPromise(program) // => 'pool_object_count{pool_name="app/Licences",state="borrowed"} 1'
 * ```
 *
 * @category metrics
 * @since 0.1.0
 */
export const PoolMetrics: {
  /** Shows the pool of a tag, as long as the layer lives. */
  readonly layer: <Self, A, D, E, P>(tag: Context.Key<Self, ObjectPool<A, D, E, P>>) => Layer.Layer<never, never, Self>
  /** Shows a pool until the scope closes. A pool that is closing is not shown. */
  readonly register: <A, D, E, P>(pool: ObjectPool<A, D, E, P>) => Effect.Effect<void, never, Scope.Scope>
} = {
  layer: (tag) => Layer.effectDiscard(Effect.flatMap(tag, register)),
  register: (pool) => register(pool)
}

const register = (pool: object): Effect.Effect<void, never, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const core = coreOf(pool)
    if (core !== undefined && core.life._tag === "Open") {
      show(core, fiber.context, Context.getUnsafe(fiber.context, Scope.Scope))
    }
    return Effect.void
  })

/** In one step: it is shown, and is sure to be hidden. */
const show = (core: Core<never, never>, context: Context.Context<never>, scope: Scope.Scope): void => {
  const timings = core.timings ??= new Timings(core.totals)
  timings.users++
  const series = new Series(core, context)
  fill(series, timings)
  const hide = () => {
    if (series.remove() && --timings.users === 0) core.timings = undefined
  }
  core.onClosed.add(hide)
  const end = Effect.sync(() => {
    hide()
    core.onClosed.delete(hide)
  })
  if (!Scopes.add(scope, series, () => end)) Effect.runSync(end)
}

/** Not where the pool is at hand: whatever a series is read by would hold it. */
const fill = (series: Series, timings: Timings): void => {
  for (const state of states) {
    series.gauge(["count", "{object}", "The number of objects", (stats) => stats[state]], state)
  }
  for (const gauge of gauges) series.gauge(gauge)
  for (const counter of counters) series.counter(counter)
  for (const histogram of histograms) series.histogram(histogram, timings)
}

type Read<State> = readonly [name: string, unit: string, description: string, read: State]

const states = ["pending", "available", "borrowed", "dormant", "unknown", "invalid"] as const

const gauges: ReadonlyArray<Read<(stats: PoolStats) => number>> = [
  ["min", "{object}", "The number of objects to keep", (stats) => stats.min],
  ["making", "{object}", "The number of objects that are being made", (stats) => stats.making],
  ["leases", "{lease}", "The number of open leases", (stats) => stats.leases],
  ["pending_requests", "{request}", "The number of fibers that wait in a borrow", (stats) => stats.waiting]
]

const counters: ReadonlyArray<Read<keyof PoolStats["totals"]>> = [
  ["timeouts", "{timeout}", "The number of borrows that took too long", "timedOut"],
  ["refusals", "{request}", "The number of borrows that were refused", "exhausted"],
  ["expirations", "{lease}", "The number of leases that have expired", "expired"],
  ["made", "{object}", "The number of objects that the pool has made", "made"],
  ["destroyed", "{object}", "The number of objects that the pool has made and destroyed", "destroyed"]
]

const histograms: ReadonlyArray<Read<(timings: Timings) => Metric.HistogramState>> = [
  ["wait_time", "s", "The time from a borrow to its lease", (timings) => timings.waited],
  ["use_time", "s", "The time from a lease to its end", (timings) => timings.use.state()],
  ["create_time", "s", "The time it took to make an object", (timings) => timings.create.state()],
  ["detect_time", "s", "The time it took to detect an object", (timings) => timings.detect.state()]
]

const prefix = "pool.object."

/**
 * The series of one pool in one registry, which holds them. They hold the pool weakly, so that one that is dropped without
 * being closed goes; and then so do they.
 */
class Series {
  private readonly core: WeakRef<Core<never, never>>
  private readonly name: string
  /** What a registration needs, made anew: all that the builder has may hold the pool. */
  private readonly context: Context.Context<never>
  private readonly registrations = new Set<Metric.Registration>()
  private bounded = false

  constructor(core: Core<never, never>, context: Context.Context<never>) {
    this.core = new WeakRef(core)
    this.name = core.options.name
    const attributes = Context.get(context, Metric.CurrentMetricAttributes)
    this.context = Context.make(Metric.CurrentMetricAttributes, attributes).pipe(
      Context.add(Metric.MetricRegistry, Context.get(context, Metric.MetricRegistry))
    )
    dropped.register(core, this)
    this.bound(core)
  }

  gauge([name, unit, description, read]: Read<(stats: PoolStats) => number>, state?: string): void {
    const metric = Metric.gauge(prefix + name, { description, attributes: { unit } })
    this.pull(metric, () => ({ value: this.read(read) }), state === undefined ? {} : { state })
  }

  counter([name, unit, description, total]: Read<keyof PoolStats["totals"]>): void {
    const metric = Metric.counter(prefix + name, { description, attributes: { unit }, incremental: true })
    this.pull(metric, () => ({ count: this.read((stats) => stats.totals[total]), incremental: true }))
  }

  histogram(
    [name, unit, description, state]: Read<(timings: Timings) => Metric.HistogramState>,
    timings: Timings
  ): void {
    const metric = Metric.histogram(prefix + name, { description, attributes: { unit }, boundaries })
    this.pull(metric, () => state(timings))
  }

  /** `false`: they have been removed before. */
  remove(): boolean {
    const some = this.registrations.size > 0
    for (const registration of this.registrations) registration.remove()
    this.registrations.clear()
    return some
  }

  private read(read: (stats: PoolStats) => number): number {
    const core = this.core.deref()
    // it has been dropped, and nobody has been told yet
    if (core === undefined) return 0
    this.bound(core)
    return read(stats(core))
  }

  /** A pool without a maximum may get one, by `resize`: it is shown from the next reading on. */
  private bound(core: Core<never, never>): void {
    if (this.bounded || core.size.max === Infinity) return
    this.bounded = true
    this.gauge(["max", "{object}", "The most objects that there may be", (stats) => stats.max!])
  }

  /** A series whose value is asked for when it is read. What effect calls unstable is used here, and nowhere else. */
  private pull<State>(metric: Metric.Metric<never, State>, get: () => State, attributes: Attributes = {}): void {
    const context = Context.add(this.context, Metric.CurrentMetricAttributes, {
      ...Context.get(this.context, Metric.CurrentMetricAttributes),
      "pool.name": this.name,
      ...attributes
    })
    this.registrations.add(Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} }))
  }
}

const dropped = new FinalizationRegistry<Series>((series) => series.remove())

type Attributes = Metric.Metric.AttributeSet
