/** What is shown of a pool to a registry of metrics, by which names. */
import type { HistogramState } from "effect/Metric"
import { PoolExhausted, type PoolStats } from "../../PoolError.ts"
import type { PoolMetricsOptions } from "../../PoolMetrics.ts"
import type { Core, Tallies } from "../state/core.ts"
import type { Remote } from "../state/remote.ts"
import { entriesOf, sum } from "../state/whole.ts"
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
  /** Absent: of every pool. */
  readonly of?: (core: AnyCore) => boolean
}

/** A gauge of each object, or each key: which of the values that are read. */
export interface PartValue {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly at: number
}

/** What is read of an object, a key, or of several together. */
export interface Reading {
  readonly attributes: Readonly<Record<string, string>>
  readonly values: Array<number>
}

/** By their attributes, as text. */
export type Readings = ReadonlyMap<string, Reading>

interface Histogram {
  readonly name: string
  readonly description: string
  readonly read: (timings: Timings, core: AnyCore | undefined) => HistogramState
}

export interface Vocabulary {
  /** The attribute that says which pool it is. */
  readonly pool: string
  readonly values: ReadonlyArray<Value>
  /** Of a pool that has a maximum. */
  readonly bounds: ReadonlyArray<Value>
  /** Of a pool whose objects have allowances: see {@link readAllowances}. */
  readonly allowances: ReadonlyArray<PartValue>
  /** Of a pool of many keys: see {@link readKeys}. */
  readonly keys: ReadonlyArray<PartValue>
  /** Of a pool that other processes borrow from: see {@link readBorrowers}. */
  readonly borrowers: ReadonlyArray<PartValue>
  /** Of a pool with classes of borrowers: see {@link readClasses}. */
  readonly classes: ReadonlyArray<PartValue>
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
    read: (timings, core) => timings.waited(core)
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
const refusals = PoolExhausted.fields.reason.literals
const verdicts = ["Dormant", "Unknown", "Invalid"] as const

const own = (prefix: string): Vocabulary => {
  const gauge = (name: string, unit: string, description: string, read: Value["read"]): Value => ({
    name: `${prefix}.${name}`,
    kind: "gauge",
    unit,
    description,
    read
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
      gauge("overdue", "{lease}", "The number of open leases that are overdue", (_, core) => sum(core, overdueLeases)),
      gauge("pending_requests", "{request}", "The number of fibers that wait in a borrow", ({ waiting }) => waiting),
      gauge("suspended", "{pool}", "The number of pools that lend nothing at present", (_, core) => +core.suspended),
      ...totals(prefix),
      ...tallies(prefix),
      ...shared(prefix)
    ],
    bounds: [gauge("max", "{object}", "The most objects that there may be", ({ max }) => max!)],
    allowances: [
      part(`${prefix}.allowance.left`, "{unit}", "The part of an allowance that is left", 0),
      part(`${prefix}.allowance.limit`, "{unit}", "The limit of an allowance", 1)
    ],
    keys: [
      part(`${prefix}.key.size`, "{object}", "The number of objects of a key", 0),
      part(`${prefix}.key.leases`, "{lease}", "The number of open leases of a key", 1),
      part(`${prefix}.key.pending_requests`, "{request}", "The number of fibers that wait for a key", 2)
    ],
    borrowers: [part(`${prefix}.borrower.leases`, "{lease}", "The number of open leases of a process", 0)],
    classes: [
      part(`${prefix}.class.leases`, "{lease}", "The number of open leases of a class of borrowers", 0),
      part(`${prefix}.class.pending_requests`, "{request}", "The number of fibers of a class that wait in a borrow", 1)
    ],
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

const part = (name: string, unit: string, description: string, at: number): PartValue => ({
  name,
  unit,
  description,
  at
})

/** What users are shown of the totals. */
const totals = (prefix: string): ReadonlyArray<Value> => {
  const counter = (name: string, unit: string, description: string, total: keyof PoolStats["totals"]): Value => ({
    name: `${prefix}.${name}_total`,
    kind: "counter",
    unit,
    description,
    read: ({ totals }) => totals[total]
  })
  return [
    counter("timeouts", "{timeout}", "The number of borrows that took too long", "timedOut"),
    counter("expirations", "{lease}", "The number of leases that have expired", "expired"),
    counter("made", "{object}", "The number of objects that the pool has made", "made"),
    counter("destroyed", "{object}", "The number of objects that the pool has made and destroyed", "destroyed")
  ]
}

/** Of a pool that other processes borrow from. */
const shared = (prefix: string): ReadonlyArray<Value> => {
  const of = ({ remote }: AnyCore) => remote !== undefined
  const counter = (name: string, unit: string, description: string, read: (remote: Remote) => number): Value => ({
    name: `${prefix}.${name}_total`,
    kind: "counter",
    unit,
    description,
    read: (_, { remote }) => remote === undefined ? 0 : read(remote),
    of
  })
  return [
    {
      name: `${prefix}.borrowers`,
      kind: "gauge",
      unit: "{process}",
      description: "The number of processes that are connected",
      read: (_, { remote }) => remote === undefined ? 0 : [...remote.borrowers()].length,
      of
    },
    counter("lost", "{lease}", "The number of leases that were lost with their borrower", ({ lost }) => lost),
    counter("takeovers", "{term}", "How often this process has become the host", ({ terms }) => terms)
  ]
}

const tallies = (prefix: string): ReadonlyArray<Value> => {
  const counter = (name: string, unit: string, description: string, read: (tallies: Tallies) => number): Value => ({
    name: `${prefix}.${name}_total`,
    kind: "counter",
    unit,
    description,
    read: (_, { tallies }) => read(tallies)
  })
  return [
    ...refusals.map((reason): Value => ({
      ...counter(
        "refusals",
        "{request}",
        "The number of borrows that were refused",
        ({ refusals }) => refusals[reason]
      ),
      attributes: { reason }
    })),
    ...verdicts.map((verdict): Value => ({
      ...counter(
        "verdicts",
        "{verdict}",
        "The number of verdicts against an object",
        ({ verdicts }) => verdicts[verdict]
      ),
      attributes: { verdict },
      of: ({ options }) => options.judge !== undefined
    })),
    counter(
      "failovers",
      "{request}",
      "The number of bodies that were run again on another object",
      ({ failovers }) => failovers
    )
  ]
}

// ---------------------------------------------------------------------------------------------------- objects, and keys

/** A pool of more objects is shown by sums. */
const mostObjects = 100
/** So many series, by objects and names, or by names. */
const mostSeries = 1000
/** Of a pool of more keys only the whole is shown. */
const mostKeys = 100

const add = (
  readings: Map<string, Reading>,
  attributes: Reading["attributes"],
  values: ReadonlyArray<number>
): void => {
  const key = JSON.stringify(attributes)
  const known = readings.get(key)
  if (known !== undefined) values.forEach((value, at) => known.values[at]! += value)
  else if (readings.size < mostSeries) readings.set(key, { attributes, values: [...values] })
}

/**
 * What is left of each allowance, and its limit: for each object, by its number; of a pool of many objects, of all together.
 * So the sum of what is shown is the same in both.
 */
export const readAllowances = (core: AnyCore): Readings => {
  const readings = new Map<string, Reading>()
  if (core.options.allowance === undefined) return readings
  const size = sum(core, ({ registry }) => registry.size)
  for (const { allowances, id, status } of entriesOf(core)) {
    // what is being destroyed lends nothing
    if (allowances === undefined || status === "Invalid") continue
    for (const { left, limit, name } of allowances.readings) {
      add(readings, { allowance: name, ...size <= mostObjects && { object: String(id) } }, [left, limit])
    }
  }
  return readings
}

/** The objects, leases and waiters of each key, by what the keys are called: `other`, where that is nothing. */
export const readKeys = (core: AnyCore, describe: (key: unknown) => string | undefined): Readings => {
  const readings = new Map<string, Reading>()
  const { many } = core
  if (many === undefined || many.size > mostKeys) return readings
  for (const { core, key } of many.known) {
    const values = core === undefined ? [0, 0, 0] : [core.registry.size, core.leases, core.waiters.size]
    add(readings, { key: called(key, describe) }, values)
  }
  return readings
}

/** Of more borrowers their leases are shown in sum. */
const mostBorrowers = 100

/** How many leases each process has, by what it is called; of many processes, all together. */
export const readBorrowers = ({ remote }: AnyCore): Readings => {
  const readings = new Map<string, Reading>()
  const borrowers = [...remote?.borrowers() ?? []]
  const many = borrowers.length > mostBorrowers
  for (const { called, leases } of borrowers) add(readings, many ? {} : { borrower: called }, [leases])
  return readings
}

/** Open leases, and who waits, of each class that was declared. */
export const readClasses = ({ classes }: AnyCore): Readings => {
  const readings = new Map<string, Reading>()
  for (const [name, { leases, waiting }] of Object.entries(classes?.accounts.stats() ?? {})) {
    add(readings, { class: name }, [leases, waiting])
  }
  return readings
}

/** What throws, or is no text, is no name. */
const called = (key: unknown, describe: (key: unknown) => string | undefined): string => {
  try {
    const name: unknown = describe(key)
    return typeof name === "string" ? name.slice(0, 60) : "other"
  } catch {
    return "other"
  }
}

// ------------------------------------------------------------------------------- the semantic conventions of OpenTelemetry

const conventional = "db.client.connection"

const summed = (
  name: string,
  unit: string,
  description: string,
  read: Value["read"],
  state?: "used" | "idle"
): Value => ({
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
    summed("count", "{connection}", "The number of objects", ({ borrowed }) => borrowed, "used"),
    summed(
      "count",
      "{connection}",
      "The number of objects",
      ({ borrowed, invalid, size }) => size - borrowed - invalid,
      "idle"
    ),
    summed("idle.min", "{connection}", "The number of objects to keep", ({ min }) => min),
    summed("pending_requests", "{request}", "The number of fibers that wait in a borrow", ({ waiting }) => waiting),
    {
      ...summed("timeouts", "{timeout}", "The number of borrows that took too long", ({ totals }) => totals.timedOut),
      kind: "counter"
    }
  ],
  bounds: ["max", "idle.max"].map((name) =>
    summed(name, "{connection}", "The most objects that there may be", ({ max }) => max!)
  ),
  allowances: [],
  keys: [],
  borrowers: [],
  classes: [],
  histograms: histograms(conventional)
}
