/** What an operator sees in metrics of a pool of many keys: one pool, and of few keys each. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type KeyedOptions, KeyedPool, PoolMetrics } from "../../src/index.ts"
import { calm, keep, letGo, make, use, type World, world } from "../support/keyed.ts"
import { histogram, ownRegistry, series } from "../support/telemetry.ts"

const shown = (names: ReadonlyArray<string>) =>
  Effect.map(series, (all) =>
    Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name.replace("pool.object.", ""), value] as const)
        .filter(([name]) => names.some((wanted) => name === wanted || name.startsWith(`${wanted} `)))
    ))

const pooled = (there: World, options: Partial<KeyedOptions<string, never, undefined, string, never, never>> = {}) =>
  make(there, { name: "tenants", ...options } as {})

describe("the metrics of a pool of many keys", () => {
  it.effect("count all keys as one pool, those that are asleep or forgotten included, and never fall", () =>
    ownRegistry(Effect.gen(function*() {
      const there = world(3, 2)
      const pool = yield* pooled(there, { idleKeys: "1 minute", borrowTimeout: "5 seconds", maxWaiters: 1 })
      yield* use(pool, "early")
      yield* PoolMetrics.register(pool)
      const a = yield* keep(pool, "a")
      const b = [yield* keep(pool, "b"), yield* keep(pool, "b")]
      const c = yield* keep(pool, "c")
      yield* calm
      const wanted = ["max", "size", "leases", "pending_requests", "made_total", "timeouts_total", "wait_time"]
      assert.deepInclude(yield* shown(wanted), {
        max: 3,
        "size borrowed": 3,
        "size available": 0,
        leases: 3,
        pending_requests: 1,
        made_total: 4,
        timeouts_total: 0
      })

      yield* TestClock.adjust("5 seconds")
      yield* Effect.forEach([a, ...b, c], letGo)
      yield* calm
      yield* Effect.forEach(["x", "y", "z"], (key) => use(pool, key))
      yield* TestClock.adjust("2 minutes")
      yield* calm
      assert.sameMembers([...yield* pool.keys], ["x", "y", "z"])
      assert.deepInclude(yield* shown(wanted), { leases: 0, pending_requests: 0, made_total: 7, timeouts_total: 1 })
      assert.strictEqual((yield* pool.stats).totals.made, 7)
    })))

  it.effect("refusals, times of waits and overdue leases are those of all keys", () =>
    ownRegistry(Effect.gen(function*() {
      const there = world(1)
      const pool = yield* pooled(there, { leaseWarning: "1 second", maxWaiters: 0 })
      yield* PoolMetrics.register(pool)
      const held = yield* keep(pool, "a")
      yield* calm
      yield* Effect.exit(pool.tryBorrow("b"))
      yield* TestClock.adjust("3 seconds")
      assert.deepInclude(yield* shown(["overdue", "refusals_total"]), {
        overdue: 1,
        "refusals_total NoneAvailable": 1
      })
      yield* letGo(held)
      yield* calm
      yield* use(pool, "b")
      assert.deepInclude(yield* histogram("pool.object.use_time"), { count: 2, sum: 3 })
      assert.deepInclude(yield* histogram("pool.object.wait_time"), { count: 2, sum: 0 })
    })))

  it.effect("are shown by key as well, of up to 100 keys that are known", () =>
    ownRegistry(Effect.gen(function*() {
      const there = world(200)
      const pool = yield* pooled(there)
      yield* PoolMetrics.register(pool)
      yield* keep(pool, "acme")
      yield* keep(pool, "acme")
      yield* keep(pool, "globex")
      yield* keep(pool, "postgres://user:secret@host")
      yield* calm
      yield* series
      assert.deepStrictEqual(yield* shown(["key.leases"]), {
        "key.leases acme": 2,
        "key.leases globex": 1,
        "key.leases other": 1
      })

      yield* Effect.forEach(Array.from({ length: 98 }, (_, i) => `k${i}`), (key) => use(pool, key))
      yield* series
      assert.deepStrictEqual(yield* shown(["key.leases"]), {})
      assert.deepInclude(yield* shown(["leases", "size"]), { leases: 4, "size available": 98 })
    })))

  it.effect("have the names that `describeKey` says: keys of one name are added up", () =>
    ownRegistry(Effect.gen(function*() {
      const pool = yield* pooled(world(9))
      yield* PoolMetrics.register(pool, {
        describeKey: (key) => {
          if (key === "bad") throw new Error("no name")
          return String(key).slice(0, 1)
        }
      })
      for (const key of ["a1", "a2", "b1", "bad"]) yield* keep(pool, key)
      yield* calm
      yield* series
      assert.deepStrictEqual(yield* shown(["key.size"]), { "key.size a": 2, "key.size b": 1, "key.size other": 1 })
      const wrong = yield* Effect.exit(PoolMetrics.register(pool, { describeKey: "text" as never }))
      assert.isTrue(Exit.hasDies(wrong))
    })))

  it.effect("are those of a tag, vanish with the pool, and count from then on again where they are asked for again", () =>
    ownRegistry(Effect.gen(function*() {
      class Tenants extends KeyedPool.Service<Tenants, string, number>()("app/Tenants") {}
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(
        PoolMetrics.layer(Tenants).pipe(Layer.provideMerge(Tenants.layer({ acquire: () => Effect.succeed(1) }))),
        scope
      )
      assert.deepInclude(yield* shown(["max"]), { max: 10 })
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* series, {})
    })))
})
