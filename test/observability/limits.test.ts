/** What an operator sees of limits in metrics: what is left, who is refused and why, verdicts and failovers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { TestClock } from "effect/testing"
import { PoolMetrics, Selector, Status, Verdict } from "../../src/index.ts"
import { make, settle } from "../support/borrowers.ts"
import { logs } from "../support/observed.ts"
import { complaints, ownRegistry, parsePrometheus, series } from "../support/telemetry.ts"

/** The gauges of allowances alone. */
const allowances = Effect.map(series, (all) =>
  Object.fromEntries(
    Object.entries(all).filter(([name]) => name.includes("allowance"))
      .map(([name, value]) => [name.slice("pool.object.allowance.".length), value])
  ))

describe("the gauges of allowances", () => {
  it.effect("say what is left of each object, and its limit, by the name of the allowance; a debt is less than 0", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({
        objects: ["small", "large"],
        allowance: ({ object }) => [
          { limit: object === "large" ? 10 : 2, per: "1 minute", name: "requests" },
          { limit: 100, per: "1 minute", unit: "cost", name: "tokens" }
        ]
      })
      yield* PoolMetrics.register(pool)
      const limits = {
        "limit requests 1": 2,
        "limit requests 2": 10,
        "limit tokens 1": 100,
        "limit tokens 2": 100
      }
      const full = { "left requests 1": 2, "left requests 2": 10, "left tokens 1": 100, "left tokens 2": 100 }
      assert.deepStrictEqual(yield* allowances, { ...limits, ...full })

      yield* pool.with((lease) => lease.charge(150), { where: ({ object }) => object === "small", cost: 10 })
      assert.deepStrictEqual(yield* allowances, { ...limits, ...full, "left requests 1": 1, "left tokens 1": -60 })

      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* allowances, { ...limits, ...full })
    })))

  it.effect("come and go with their objects, from the next reading on", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make<string>({ allowance: { limit: 3, per: "1 minute", name: "requests" } })
      yield* PoolMetrics.register(pool)
      assert.deepStrictEqual(yield* allowances, {})

      yield* pool.add("a")
      yield* series
      assert.deepStrictEqual(yield* allowances, { "left requests 1": 3, "limit requests 1": 3 })

      yield* pool.remove("a")
      yield* pool.add("b")
      yield* series
      assert.deepStrictEqual(yield* allowances, { "left requests 2": 3, "limit requests 2": 3 })
      yield* pool.close
      assert.deepStrictEqual(yield* series, {})
    })))

  it.effect("are the sums of all objects where there are more than 100, and what they add up to is the same", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({
        objects: Array.from({ length: 100 }, (_, i) => i),
        allowance: { limit: 3, per: "1 minute", name: "requests" }
      })
      yield* PoolMetrics.register(pool)
      yield* pool.with(() => Effect.void)
      const sums = Effect.map(allowances, (all) => {
        const sum = (of: string) =>
          Object.entries(all).filter(([name]) => name.startsWith(of)).reduce((n, [, value]) => n + Number(value), 0)
        return { series: Object.keys(all).length, left: sum("left"), limit: sum("limit") }
      })
      assert.deepStrictEqual(yield* sums, { series: 200, left: 299, limit: 300 })

      yield* pool.add(100)
      yield* series
      assert.deepStrictEqual(yield* allowances, { "left requests": 302, "limit requests": 303 })
    })))

  it.effect("have an end, whatever allowances are called", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({
        objects: Array.from({ length: 2000 }, (_, i) => i),
        allowance: ({ object }) => ({ limit: 3, per: "1 minute", name: `"of"\n${object}` })
      })
      yield* PoolMetrics.register(pool)

      const text = yield* PrometheusMetrics.format()

      assert.deepStrictEqual(complaints(text), [])
      const samples = parsePrometheus(text).get("pool_object_allowance_left")!.samples
      assert.lengthOf(samples, 1000)
      assert.strictEqual(samples[7]!.labels["allowance"], "\"of\"\n7")
    })))

  it.effect("are not there where the pool knows no allowances, nor by the names of OpenTelemetry", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      yield* PoolMetrics.register(pool)
      const limited = yield* make({ objects: ["a"], allowance: { limit: 1, per: "1 minute" } })
      yield* PoolMetrics.register(limited, { names: "OpenTelemetry" })
      yield* series

      assert.deepStrictEqual((yield* Metric.snapshot).filter(({ id }) => id.includes("allowance")), [])
    })))
})

describe("counters", () => {
  it.effect("say for which reason borrows were refused", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        allowance: { limit: 10, per: "1 minute", unit: "cost" },
        borrowTimeout: "1 second"
      })
      yield* PoolMetrics.register(pool)
      yield* Effect.exit(pool.with(() => Effect.void, { cost: 11 }))
      yield* pool.with(() => Effect.void, { cost: 10 })
      yield* Effect.exit(pool.with(() => Effect.void))
      yield* Effect.exit(pool.with(() => Effect.void))

      const all = yield* series
      assert.strictEqual(all["pool.object.refusals_total CostTooHigh"], 1)
      assert.strictEqual(all["pool.object.refusals_total Resting"], 2)
      assert.strictEqual((yield* pool.stats).totals.exhausted, 3)
    })))

  it.effect("say how often a judge has spoken against an object, and how often a body ran again on another", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({
        objects: ["revoked", "limited", "slow", "good"],
        select: Selector.roundRobin,
        judge: (exit, { object }) =>
          exit._tag === "Success"
            ? "Available"
            : object === "revoked"
            ? "Invalid"
            : object === "limited"
            ? Status.dormant("1 minute")
            : "Unknown"
      })
      yield* PoolMetrics.register(pool)
      const served = yield* pool.with(
        ({ object }) => object === "good" ? Effect.succeed(object) : Effect.fail(object),
        {
          failover: 3
        }
      )
      yield* pool.with(() => Effect.void)

      assert.strictEqual(served, "good")
      const { verdicts, ...others } = yield* Effect.map(series, (all) => ({
        verdicts: ["Dormant", "Unknown", "Invalid"].map((verdict) => all[`pool.object.verdicts_total ${verdict}`]),
        failovers: all["pool.object.failovers_total"]
      }))
      assert.deepStrictEqual(verdicts, [1, 1, 1])
      assert.deepStrictEqual(others, { failovers: 3 })
    })))

  it.effect("of verdicts are not there where nobody judges, and a pool that is suspended says so", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      yield* PoolMetrics.register(pool)
      assert.notProperty(yield* series, "pool.object.verdicts_total Dormant")
      assert.strictEqual((yield* series)["pool.object.suspended"], 0)
      yield* pool.suspend
      assert.strictEqual((yield* series)["pool.object.suspended"], 1)
    })))
})

describe("the log", () => {
  it.effect("tells of an outlier when it rests, and once that it is spared", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(make({
        name: "keys",
        objects: ["a", "b"],
        judge: Verdict.outlier({ after: 2, rest: "1 minute", most: 0.5 })
      }))
      const fail = (key: string) =>
        Effect.exit(pool.with(() => Effect.fail("no"), { where: ({ object }) => object === key }))
      for (let i = 0; i < 2; i++) yield* fail("a")
      for (let i = 0; i < 20; i++) yield* fail("b")
      yield* settle

      const told = lines.filter((line) => line.includes("outlier"))
      assert.deepStrictEqual(told, ["An outlier rests", "An outlier is lent on, since as many rest as may"])
    }))
})
