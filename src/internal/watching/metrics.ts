/** What is shown of a pool to a registry of metrics, by which names. */
import type { HistogramState } from "effect/Metric"
import type { PoolStats } from "../../PoolError.ts"
import type { PoolMetricsOptions } from "../../PoolMetrics.ts"
import type { Core } from "../state/core.ts"
import { overdueLeases } from "./overdue.ts"
import type { Timings } from "./timings.ts"

type AnyCore = Core<never, never>

export interface Value {
  readonly name: string
  /** `sum`: a counter that may fall. */
  readonly kind: "gauge" | "counter" | "sum"
  readonly unit: string
  readonly description: string
  readonly read: (stats: PoolStats, core: AnyCore) => number
  readonly attributes?: Readonly<Record<string, string>>
}

interface Histogram {
  readonly name: string
  readonly description: string
  readonly read: (timings: Timings) => HistogramState
}

export interface Vocabulary {
  /** The attribute that says which pool it is. */
  readonly pool: string
  readonly values: ReadonlyArray<Value>
  /** Of a pool that has a maximum. */
  readonly bounds: ReadonlyArray<Value>
  readonly histograms: ReadonlyArray<Histogram>
}

/** Nothing where there are no such names. */
export const vocabularyOf = (names: PoolMetricsOptions["names"]): Vocabulary | undefined => {
  if (names === "OpenTelemetry") return openTelemetry
  const prefix: unknown = names?.prefix
  return typeof prefix === "string" && /^[a-z_]\w*(\.\w+)*$/i.test(prefix) ? own(prefix) : undefined
}

const histograms = (prefix: string): ReadonlyArray<Histogram> => [
  {
    name: `${prefix}.wait_time`,
    description: "The time from a borrow to its lease",
    read: (timings) => timings.waited
  },
  {
    name: `${prefix}.use_time`,
    description: "The time from a lease to its end",
    read: (timings) => timings.use.state()
  },
  {
    name: `${prefix}.create_time`,
    description: "The time it took to make an object",
    read: (timings) => timings.create.state()
  }
]

// ------------------------------------------------------------------------------------------------------ names of our own

const states = ["pending", "available", "borrowed", "dormant", "unknown", "invalid"] as const

const own = (prefix: string): Vocabulary => {
  const gauge = (name: string, unit: string, description: string, read: Value["read"]): Value => ({
    name: `${prefix}.${name}`,
    kind: "gauge",
    unit,
    description,
    read
  })
  const counter = (name: string, unit: string, description: string, total: keyof PoolStats["totals"]): Value => ({
    name: `${prefix}.${name}_total`,
    kind: "counter",
    unit,
    description,
    read: ({ totals }) => totals[total]
  })
  return {
    pool: "pool.name",
    values: [
      ...states.map((state): Value => ({
        ...gauge("size", "{object}", "The number of objects", (stats) => stats[state]),
        attributes: { state }
      })),
      gauge("min", "{object}", "The number of objects to keep", ({ min }) => min),
      gauge("making", "{object}", "The number of objects that are being made", ({ making }) => making),
      gauge("leases", "{lease}", "The number of open leases", ({ leases }) => leases),
      gauge("overdue", "{lease}", "The number of open leases that are overdue", (_, core) => overdueLeases(core)),
      gauge("pending_requests", "{request}", "The number of fibers that wait in a borrow", ({ waiting }) => waiting),
      counter("timeouts", "{timeout}", "The number of borrows that took too long", "timedOut"),
      counter("refusals", "{request}", "The number of borrows that were refused", "exhausted"),
      counter("expirations", "{lease}", "The number of leases that have expired", "expired"),
      counter("made", "{object}", "The number of objects that the pool has made", "made"),
      counter("destroyed", "{object}", "The number of objects that the pool has made and destroyed", "destroyed")
    ],
    bounds: [gauge("max", "{object}", "The most objects that there may be", ({ max }) => max!)],
    histograms: [
      ...histograms(prefix),
      {
        name: `${prefix}.detect_time`,
        description: "The time it took to detect an object",
        read: (timings) => timings.detect.state()
      }
    ]
  }
}

// ------------------------------------------------------------------------------- the semantic conventions of OpenTelemetry

const conventional = "db.client.connection"

const sum = (name: string, unit: string, description: string, read: Value["read"], state?: "used" | "idle"): Value => ({
  name: `${conventional}.${name}`,
  kind: "sum",
  unit,
  description,
  read,
  ...state !== undefined && { attributes: { [`${conventional}.state`]: state } }
})

const openTelemetry: Vocabulary = {
  pool: `${conventional}.pool.name`,
  values: [
    sum("count", "{connection}", "The number of objects", ({ borrowed }) => borrowed, "used"),
    sum(
      "count",
      "{connection}",
      "The number of objects",
      ({ borrowed, invalid, size }) => size - borrowed - invalid,
      "idle"
    ),
    sum("idle.min", "{connection}", "The number of objects to keep", ({ min }) => min),
    sum("pending_requests", "{request}", "The number of fibers that wait in a borrow", ({ waiting }) => waiting),
    {
      ...sum("timeouts", "{timeout}", "The number of borrows that took too long", ({ totals }) => totals.timedOut),
      kind: "counter"
    }
  ],
  bounds: ["max", "idle.max"].map((name) =>
    sum(name, "{connection}", "The most objects that there may be", ({ max }) => max!)
  ),
  histograms: histograms(conventional)
}
