/**
 * The metrics of a pool, for `effect/observability`: what OpenTelemetry knows of a connection pool, under `pool.object`.
 *
 * **Details**
 *
 * Every series has the attribute `pool.name`, beside those of `Metric.CurrentMetricAttributes`. Durations are seconds.
 *
 * | Metric | Kind | |
 * | --- | --- | --- |
 * | `pool.object.size` | gauge | objects, by `state`: `pending`, `available`, `borrowed`, `dormant`, `unknown`, `invalid`; their sum is `stats.size` |
 * | `pool.object.max`, `pool.object.min` | gauge | `size.max`, where there is one, and `size.min` |
 * | `pool.object.making` | gauge | objects that are being made, and are in no `state` yet |
 * | `pool.object.leases` | gauge | open leases |
 * | `pool.object.overdue` | gauge | those of them that are held longer than `leaseWarning`, or have expired and are not given back yet |
 * | `pool.object.pending_requests` | gauge | fibers that wait in a borrow |
 * | `pool.object.suspended` | gauge | 1 while the pool is suspended |
 * | `pool.object.timeouts_total` | counter | borrows that failed with `BorrowTimeout` |
 * | `pool.object.refusals_total` | counter | borrows that failed with `PoolExhausted`, by `reason` |
 * | `pool.object.expirations_total` | counter | leases that have expired |
 * | `pool.object.made_total`, `pool.object.destroyed_total` | counter | objects that the pool has made, and those of them that it has destroyed |
 * | `pool.object.verdicts_total` | counter | verdicts of `judge` against an object, by `verdict`: `Dormant`, `Unknown`, `Invalid` |
 * | `pool.object.failovers_total` | counter | bodies of `with` that were run again on another object |
 * | `pool.object.borrowers` | gauge | processes that are connected, of a pool that others borrow from |
 * | `pool.object.borrower.leases` | gauge | their open leases, by `borrower`; of more than 100 processes the sum |
 * | `pool.object.class.leases`, `pool.object.class.pending_requests` | gauge | open leases, and fibers that wait, by `class` |
 * | `pool.object.lost_total` | counter | leases that have ended with the connection of their borrower, or by its silence |
 * | `pool.object.takeovers_total` | counter | how often this process has become the host of the pool |
 * | `pool.object.allowance.left`, `pool.object.allowance.limit` | gauge | what is left of an allowance, less than 0 for a debt, and its limit, by `allowance` and `object`; of a pool of more than 100 objects the sums, by `allowance` |
 * | `pool.object.key.size`, `pool.object.key.leases`, `pool.object.key.pending_requests` | gauge | objects, leases, and fibers that wait, by `key`, of a `KeyedPool` that knows no more than 100 keys; those of all keys are above |
 * | `pool.object.wait_time` | histogram | from a borrow to its lease; at once is 0 |
 * | `pool.object.use_time` | histogram | from a lease to its end, in whole milliseconds |
 * | `pool.object.create_time` | histogram | making an object |
 * | `pool.object.detect_time` | histogram | asking the detector, whether it answered or failed |
 *
 * `names: { prefix: "app.sessions" }` has `app.sessions` in place of `pool.object`. `names: "OpenTelemetry"` has the names of
 * its semantic conventions for connection pools instead, and shows no more than they have a name for:
 *
 * | Metric | Kind | |
 * | --- | --- | --- |
 * | `db.client.connection.count` | sum | objects, by `db.client.connection.state`: `used` is lent, `idle` is not; those that are being destroyed are neither |
 * | `db.client.connection.max`, `.idle.max` | sum | `size.max`, where there is one |
 * | `db.client.connection.idle.min` | sum | `size.min` |
 * | `db.client.connection.pending_requests` | sum | fibers that wait in a borrow |
 * | `db.client.connection.timeouts` | counter | borrows that failed with `BorrowTimeout` |
 * | `db.client.connection.create_time`, `.wait_time`, `.use_time` | histogram | as above |
 *
 * The pool is their attribute `db.client.connection.pool.name`. These are names for OTLP: what goes on to Prometheus from
 * there gives them the endings that it wants. A pool that is registered twice is shown by both.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { type Core, coreOf, stats } from "./internal/state/core.ts"
import { parts, wholeStats } from "./internal/state/whole.ts"
import * as Scopes from "./internal/structures/scope.ts"
import { nameOfKey } from "./internal/watching/keys.ts"
import {
  type PartValue,
  readAllowances,
  readBorrowers,
  readClasses,
  type Reading,
  type Readings,
  readKeys,
  type Value,
  type Vocabulary,
  vocabularyOf
} from "./internal/watching/metrics.ts"
import { boundaries, Timings } from "./internal/watching/timings.ts"
import type { KeyedPool } from "./KeyedPool.ts"
import type { ObjectPool } from "./ObjectPool.ts"
import { InvalidPoolOptions, type PoolStats } from "./PoolError.ts"

/**
 * How the metrics of a pool are called.
 *
 * @category options
 * @since 0.1.0
 */
export interface PoolMetricsOptions {
  /**
   * `{ prefix: "app.sessions" }`: what each name begins with, in words of letters, digits and `_` with dots between.
   * `"OpenTelemetry"`: the names of its semantic conventions for connection pools. Anything else is a defect, an
   * `InvalidPoolOptions`.
   *
   * @default { prefix: "pool.object" }
   */
  readonly names?: { readonly prefix: string } | "OpenTelemetry" | undefined
  /**
   * What a key is called in `pool.object.key.*`, of a pool of many keys. Keys that are called the same are added up; those
   * that are called nothing are `other`.
   *
   * @default a number as it is, and a text of up to 24 letters, digits and `_ . : -`; a key that is anything else may be a secret
   */
  readonly describeKey?: ((key: unknown) => string | undefined) | undefined
}

/**
 * Shows a pool in the metric registry of its environment.
 *
 * **When to use**
 *
 * Where `PrometheusMetrics` or `Otlp` of `effect/observability`, or another exporter of effect's metrics, runs.
 *
 * **Details**
 *
 * Counts are read from the pool when the metrics are read; nothing is updated meanwhile. Of the histograms `create_time`
 * counts from the beginning of the pool, so that what `size.min` made before is in it; the others count from the
 * registration on: one number is raised where a lease ends, nothing where one begins at once. An object or an allowance
 * that is new is shown from the next reading on; no more than 1000 of them are. The series vanish when the
 * pool has closed, or with the scope or layer before that. A pool without this pays nothing for a borrow.
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
 * await Effect.runPromise(program) // => 'pool_object_size{pool_name="app/Licences",state="borrowed"} 1'
 * ```
 *
 * @category metrics
 * @since 0.1.0
 */
export const PoolMetrics: {
  /** Shows the pool of a tag, as long as the layer lives. */
  readonly layer: {
    <Self, A, D, E, P, C extends string = never>(
      tag: Context.Key<Self, ObjectPool<A, D, E, P, C>>,
      options?: PoolMetricsOptions
    ): Layer.Layer<never, never, Self>
    <Self, K, A, D, E, P, C extends string = never>(
      tag: Context.Key<Self, KeyedPool<K, A, D, E, P, C>>,
      options?: PoolMetricsOptions
    ): Layer.Layer<never, never, Self>
  }
  /** Shows a pool until the scope closes. A pool that is closing is not shown. */
  readonly register: <K, A, D, E, P>(
    pool: ObjectPool<A, D, E, P> | KeyedPool<K, A, D, E, P>,
    options?: PoolMetricsOptions
  ) => Effect.Effect<void, never, Scope.Scope>
} = {
  layer: <Self>(tag: object, options?: PoolMetricsOptions) =>
    Layer.effectDiscard(Effect.flatMap(tag as Context.Key<Self, object>, (pool) => register(pool, options))),
  register: (pool, options) => register(pool, options)
}

const register = (pool: object, options: PoolMetricsOptions = {}): Effect.Effect<void, never, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const core = coreOf(pool)
    if (core === undefined) return Effect.void
    const vocabulary = checked(core.options.name, options)
    if (core.life._tag === "Open") {
      const series = new Series(core, vocabulary, options.describeKey ?? nameOfKey, fiber.context)
      show(core, series, vocabulary, Context.getUnsafe(fiber.context, Scope.Scope))
    }
    return Effect.void
  })

const checked = (pool: string, options: PoolMetricsOptions): Vocabulary => {
  const refuse = (option: string, value: string, allowed: string): never => {
    throw new InvalidPoolOptions({ pool, option, value, allowed })
  }
  for (const option of Object.keys(options)) {
    if (option !== "names" && option !== "describeKey") refuse(option, "given", "only names, describeKey")
  }
  const { describeKey, names = { prefix: "pool.object" } } = options
  if (describeKey !== undefined && typeof describeKey !== "function") {
    refuse("describeKey", "something else", "a function")
  }
  return vocabularyOf(names) ??
    refuse("names", "something else", "\"OpenTelemetry\", or a `prefix` of words with dots between")
}

/** Gauges of each object, of each key, or of each borrower, by their attributes as text. */
class Family {
  readonly values: ReadonlyArray<PartValue>
  readonly read: (core: Core<never, never>) => Readings
  readonly registrations = new Map<string, ReadonlyArray<Metric.Registration>>()
  /** As of when the first series of the pool was read. */
  readings: Readings = new Map()

  constructor(values: ReadonlyArray<PartValue>, read: (core: Core<never, never>) => Readings) {
    this.values = values
    this.read = read
  }
}

/** In one step: it is shown, and is sure to be hidden. */
const show = (
  core: Core<never, never>,
  series: Series,
  vocabulary: Vocabulary,
  scope: Scope.Scope
): void => {
  const timings = core.timings ?? new Timings(core)
  if (timings.users++ === 0) measure(core, timings)
  fill(series, vocabulary, timings, core)
  const hide = () => {
    if (series.remove() && --timings.users === 0) measure(core, undefined)
  }
  core.onClosed.add(hide)
  const end = Effect.sync(() => {
    hide()
    core.onClosed.delete(hide)
  })
  if (!Scopes.add(scope, series, () => end)) Effect.runSync(end)
}

const measure = (core: Core<never, never>, timings: Timings | undefined): void => {
  for (const part of parts(core)) part.timings = timings
}

/** What a series is read by is made elsewhere than where the pool is at hand: it would hold it. */
const fill = (series: Series, vocabulary: Vocabulary, timings: Timings, core: Core<never, never>): void => {
  for (const value of vocabulary.values) if (value.of?.(core) !== false) series.value(value)
  time(series, vocabulary, timings)
  series.follow(core)
}

const time = (series: Series, { histograms }: Vocabulary, timings: Timings): void => {
  for (const { description, name, read } of histograms) {
    const metric = Metric.histogram(name, { description, attributes: { unit: "s" }, boundaries })
    series.pull(metric, (core) => read(timings, core))
  }
}

/**
 * The series of one pool in one registry, which holds them. They hold the pool weakly, so that one that is dropped without
 * being closed goes; and then so do they.
 */
class Series {
  private readonly core: WeakRef<Core<never, never>>
  private readonly vocabulary: Vocabulary
  /** What a registration needs, made anew: all that the builder has may hold the pool. */
  private readonly context: Context.Context<never>
  private readonly registrations = new Set<Metric.Registration>()
  /** What comes and goes with objects, with keys, and with borrowers. */
  private readonly families: ReadonlyArray<Family>
  /** The counts of many keys, as of when the first of these series was read: a registry is read in its order. */
  private counts: PoolStats | undefined = undefined
  private bounded = false

  constructor(
    core: Core<never, never>,
    vocabulary: Vocabulary,
    describeKey: (key: unknown) => string | undefined,
    context: Context.Context<never>
  ) {
    this.families = [
      new Family(vocabulary.allowances, readAllowances),
      new Family(vocabulary.borrowers, readBorrowers),
      new Family(vocabulary.classes, readClasses),
      new Family(vocabulary.keys, (core) => readKeys(core, describeKey))
    ]
    this.core = new WeakRef(core)
    this.vocabulary = vocabulary
    this.context = Context.make(Metric.CurrentMetricAttributes, {
      ...Context.get(context, Metric.CurrentMetricAttributes),
      [vocabulary.pool]: core.options.name
    }).pipe(
      Context.add(Metric.MetricRegistry, Context.get(context, Metric.MetricRegistry))
    )
    dropped.register(core, this)
    this.bound(core)
  }

  value({ attributes = {}, description, kind, name, read, unit }: Value): void {
    const number = (core: Core<never, never> | undefined) =>
      core === undefined ? 0 : read(this.counts ?? stats(core), core)
    if (kind === "gauge") {
      const metric = Metric.gauge(name, { description, attributes: { unit } })
      this.pull(metric, (core) => ({ value: number(core) }), attributes)
      return
    }
    const incremental = kind === "counter"
    const metric = Metric.counter(name, { description, attributes: { unit }, incremental })
    this.pull(metric, (core) => ({ count: number(core), incremental }), attributes)
  }

  private part({ at, description, name, unit }: PartValue, family: Family, key: string, { attributes }: Reading) {
    const metric = Metric.gauge(name, { description, attributes: { unit } })
    // what has gone meanwhile has nothing
    return this.pull(
      metric,
      (core) => ({ value: core === undefined ? 0 : family.readings.get(key)?.values[at] ?? 0 }),
      attributes
    )
  }

  /**
   * A series whose value is asked for when it is read: without a pool, where that has been dropped and nobody has been told
   * yet. What effect calls unstable is used here, and nowhere else.
   */
  pull<State>(
    metric: Metric.Metric<never, State>,
    read: (core: Core<never, never> | undefined) => State,
    attributes: Metric.Metric.AttributeSet = {}
  ): Metric.Registration {
    const context = Context.add(this.context, Metric.CurrentMetricAttributes, {
      ...Context.get(this.context, Metric.CurrentMetricAttributes),
      ...attributes
    })
    const isFirst = this.registrations.size === 0
    const get = () => {
      const core = this.core.deref()
      if (core !== undefined) this.bound(core)
      if (core !== undefined && isFirst) this.follow(core)
      return read(core)
    }
    const registration = Metric.registerUnsafe(metric, context, { get, update: () => {}, modify: () => {} })
    this.registrations.add(registration)
    return registration
  }

  /** `false`: they have been removed before. */
  remove(): boolean {
    const some = this.registrations.size > 0
    for (const registration of this.registrations) registration.remove()
    this.registrations.clear()
    return some
  }

  /** What is new in the pool is shown from the next reading on; what has gone is not. */
  follow(core: Core<never, never>): void {
    this.counts = core.many === undefined ? undefined : wholeStats(core)
    for (const family of this.families) {
      const { registrations, values } = family
      if (values.length === 0) continue
      family.readings = family.read(core)
      for (const [key, some] of registrations) {
        if (family.readings.has(key)) continue
        registrations.delete(key)
        for (const registration of some) {
          registration.remove()
          this.registrations.delete(registration)
        }
      }
      for (const [key, reading] of family.readings) {
        if (registrations.has(key)) continue
        registrations.set(key, values.map((value) => this.part(value, family, key, reading)))
      }
    }
  }

  /** A pool without a maximum may get one, by `resize`. */
  private bound(core: Core<never, never>): void {
    if (this.bounded || core.size.max === Infinity) return
    this.bounded = true
    for (const value of this.vocabulary.bounds) this.value(value)
  }
}

const dropped = new FinalizationRegistry<Series>((series) => series.remove())
