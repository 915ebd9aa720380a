/**
 * Keys: which are the same, how they are made, forgotten and closed (promise 48), and what else a pool of many keys does.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { InvalidPoolOptions, type KeyedEvent, KeyedPool, type PoolStats, type Status } from "../../src/index.ts"
import { hold, start, state } from "../support/borrowers.ts"
import { agree, calm, keep, letGo, make, outcome, use, world } from "../support/keyed.ts"

/** What is wrong with it, as a defect says. */
const defect = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    assert.isTrue(Exit.isFailure(exit))
    const error = Cause.squash((exit as Exit.Failure<A, E>).cause)
    assert.instanceOf(error, InvalidPoolOptions)
    return `${error.option} is ${error.value}`
  })

describe("A key with no object, lease or waiter is forgotten after `idleKeys`; a borrow meanwhile finds it as it was", () => {
  it.effect("it is known for that long, with its totals, and then it is not", () =>
    Effect.gen(function*() {
      const there = world(5)
      const pool = yield* make(there, { idleKeys: "1 minute" })
      yield* pool.with("a", (lease) => lease.invalidate)
      yield* calm
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* pool.keys, ["a"])
      assert.strictEqual((yield* pool.statsOf("a"))?.totals.borrowed, 1)
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(yield* pool.keys, [])
      assert.strictEqual(yield* pool.statsOf("a"), undefined)
      assert.strictEqual((yield* pool.stats).totals.borrowed, 1)
    }))

  it.effect("as long as it has an object, a lease or a waiter, it is known", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there, { idleKeys: "1 minute", borrowTimeout: "1 hour" })
      yield* use(pool, "idle")
      yield* keep(pool, "lent")
      yield* pool.resize({ max: 1 })
      const waiter = yield* start(use(pool, "waits"))
      yield* calm
      yield* TestClock.adjust("30 minutes")
      assert.sameMembers([...yield* pool.keys], ["lent", "waits"])
      yield* Fiber.interrupt(waiter)
      yield* calm
      yield* TestClock.adjust("1 minute")

      assert.deepStrictEqual(yield* pool.keys, ["lent"])
    }))

  it.effect("a borrow meanwhile finds its totals, its ids and its size as they were", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5), { idleKeys: "1 minute" })
      yield* pool.resizeKey("a", { max: 1 })
      const before = yield* pool.with("a", (lease) => Effect.as(lease.invalidate, [lease.id, lease.pooled.id]))
      yield* calm
      yield* TestClock.adjust("30 seconds")
      const after = yield* pool.with("a", (lease) => Effect.succeed([lease.id, lease.pooled.id]))

      assert.deepStrictEqual([before, after], [[1, 1], [2, 2]])
      assert.strictEqual((yield* pool.statsOf("a"))?.totals.borrowed, 2)
      assert.strictEqual((yield* pool.statsOf("a"))?.max, 1)
    }))

  it.effect("ids of leases grow, though the key was forgotten meanwhile", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5), { idleKeys: "1 minute" })
      for (let i = 1; i <= 3; i++) {
        assert.strictEqual(yield* pool.with("a", (lease) => Effect.as(lease.invalidate, lease.id)), i)
        yield* calm
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* pool.keys, [])
      }
    }))

  it.effect("attempts that fail wait for each other as before", () =>
    Effect.gen(function*() {
      const there = world(5)
      let attempts = 0
      there.script.acquire = () =>
        Effect.suspend(() => {
          attempts++
          return Effect.fail("down")
        })
      const pool = yield* make(there)
      const borrow = Effect.flip(use(pool, "a"))
      assert.strictEqual(yield* borrow, "down")
      yield* calm
      assert.strictEqual((yield* pool.statsOf("a"))?.size, 0)
      const next = yield* start(borrow)
      yield* calm
      assert.strictEqual(attempts, 1)
      yield* TestClock.adjust(100)

      assert.strictEqual(yield* Fiber.join(next), "down")
      assert.strictEqual(attempts, 2)
    }))
})

describe("keys", () => {
  it.effect("are compared as `Equal` compares", () =>
    Effect.gen(function*() {
      class Tenant extends Data.Class<{ readonly id: number }> {}
      const pool = yield* KeyedPool.make({ acquire: (key: unknown) => Effect.succeed({ key }), size: { max: 50 } })
      const same: ReadonlyArray<readonly [unknown, unknown]> = [
        [1, 1],
        [0, -0],
        ["a", "a"],
        [null, null],
        [true, true],
        [10n, 10n],
        [new Tenant({ id: 1 }), new Tenant({ id: 1 })],
        [{ id: 2 }, { id: 2 }],
        [["a", 1], ["a", 1]]
      ]
      for (const [one, other] of same) {
        const got = yield* pool.with(one, (lease) => Effect.succeed(lease.object))
        assert.strictEqual(yield* pool.with(other, (lease) => Effect.succeed(lease.object)), got)
      }
      const f = () => {}
      yield* pool.with(f, () => Effect.void)
      yield* pool.with(() => {}, () => Effect.void)

      assert.strictEqual((yield* pool.keys).length, same.length + 2)
    }))

  it.effect("`undefined` and `NaN` are refused, by each operation", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({ acquire: (key: unknown) => Effect.succeed({ key }) })
      for (const [key, shown] of [[undefined, "undefined"], [NaN, "NaN"]] as const) {
        const operations: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          Effect.scoped(pool.borrow(key)),
          Effect.scoped(pool.borrowWith(key, {})),
          Effect.scoped(pool.tryBorrow(key)),
          pool.with(key, () => Effect.void),
          pool.with(key, () => Effect.void, { timeout: "1 second" }),
          pool.add(key, { key }),
          pool.has(key, { key }),
          pool.ready(key),
          pool.resizeKey(key, { max: 1 }),
          pool.statsOf(key),
          pool.forget(key)
        ]
        for (const operation of operations) assert.strictEqual(yield* defect(operation), `key is ${shown}`)
      }
      assert.deepStrictEqual(yield* pool.keys, [])
    }))

  it.effect("an `acquire` that throws for one key is not noticed by others", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        acquire: (key: string) => {
          if (key === "bad") throw new Error("no such tenant")
          return Effect.succeed(key)
        }
      })
      const bad = yield* Effect.exit(pool.with("bad", () => Effect.void))
      assert.match(String(bad), /no such tenant/)

      assert.strictEqual(yield* pool.with("good", (lease) => Effect.succeed(lease.object)), "good")
    }))

  it.effect("are given to every function of the options", () =>
    Effect.gen(function*() {
      const seen: Record<string, string> = {}
      const see = (name: string, { key }: { readonly key: string }) => {
        seen[name] = key
      }
      const pool = yield* KeyedPool.make({
        acquire: (key: string) => Effect.succeed({ of: key }),
        data: (object, key) => `${object.of} of ${key}`,
        detectStatus: (pooled): Status.Answer => {
          see("detectStatus", pooled)
          return "Available"
        },
        allowance: (pooled) => {
          see("allowance", pooled)
          return { limit: 5, per: "1 minute" }
        },
        leaseTimeout: (pooled) => {
          see("leaseTimeout", pooled)
          return "1 minute"
        },
        judge: (_, pooled) => {
          see("judge", pooled)
          return undefined
        },
        onBorrow: (pooled) => see("onBorrow", pooled),
        onRelease: (pooled) => see("onRelease", pooled),
        pack: (lease) => `${lease.pooled.key}: ${lease.data}`
      })
      assert.strictEqual(yield* pool.with("a", Effect.succeed), "a: a of a")
      const added = yield* pool.add("b", { of: "b" })

      assert.strictEqual((yield* pool.get("b", added))?.key, "b")
      yield* pool.with("a", Effect.succeed)
      assert.deepStrictEqual(seen, {
        allowance: "b",
        detectStatus: "b",
        onBorrow: "a",
        leaseTimeout: "a",
        judge: "a",
        onRelease: "a"
      })
    }))
})

describe("options of a pool of many keys", () => {
  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ["size.max is 0", { size: { max: 0 } }],
    ["size.perKey.max is 0", { size: { perKey: { max: 0 } } }],
    ["size.perKey.min is 3", { size: { perKey: { min: 3, max: 2 } } }],
    ["size.perKey.min is 11", { size: { perKey: { min: 11 } } }],
    ["size.perKey.min is 0.5", { size: { perKey: { min: 0.5 } } }],
    ["size.min is not known", { size: { min: 1 } }],
    ["size.perKey.most is not known", { size: { perKey: { most: 1 } } }],
    ["objects is not known", { objects: [] }],
    ["acquire is an object", { acquire: Effect.succeed(1) }],
    ["idleKeys is 0", { idleKeys: 0 }],
    ["borrowTimeout is a text", { borrowTimeout: "soon, perhaps" }],
    ["options is an array", []]
  ]
  for (const [says, options] of wrong) {
    it.effect(`that make no sense are refused: ${says}`, () =>
      Effect.gen(function*() {
        const given = Array.isArray(options) ? options : { acquire: () => Effect.succeed(1), ...options as {} }
        assert.strictEqual(yield* defect(KeyedPool.make(given as never)), says)
      }))
  }
})

describe("settings from the environment, of a pool of many keys", () => {
  class Tenants extends KeyedPool.Service<Tenants, string, { readonly role: string }>()("app/Tenants") {}
  const options = {
    acquire: (key: string) => Effect.succeed({ role: key }),
    size: { max: 9, perKey: { min: 1, max: 4 } }
  }
  const layer = Tenants.layerConfig(options, {
    size: { perKey: { max: Config.Int("PER_TENANT") } },
    idleKeys: Config.Duration("IDLE").pipe(Config.withDefault("1 minute"))
  })
  const read = (env: unknown) =>
    Effect.gen(function*() {
      yield* Tenants.ready("acme")
      const { max } = yield* Tenants.stats
      const { max: most, min: least } = (yield* Tenants.statsOf("acme"))!
      return [max, least, most]
    }).pipe(
      Effect.provide(layer),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    )

  it.effect("a setting replaces only its own key", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* read({ PER_TENANT: "2" }), [9, 1, 2])
      assert.deepStrictEqual(options.size, { max: 9, perKey: { min: 1, max: 4 } })
    }))

  it.effect("a setting that makes no sense is a typed failure", () =>
    Effect.gen(function*() {
      const says = (env: unknown) => Effect.map(Effect.flip(read(env)), ({ message }) => message)

      assert.match(yield* says({ PER_TENANT: "0" }), /`size.perKey.max` is 0/)
      assert.match(yield* says({ PER_TENANT: "2", IDLE: "0 seconds" }), /`idleKeys` is 0/)
      assert.match(yield* says({ PER_TENANT: "two" }), /PER_TENANT/)
    }))
})

describe("`resize`", () => {
  it.effect("a larger whole serves those who wait for room", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(9), { size: { max: 1 } })
      yield* start(pool.with("a", () => Effect.never))
      const waiters = yield* Effect.forEach(["b", "c", "d"], (key) => start(pool.with(key, () => Effect.never)))
      yield* calm
      yield* pool.resize({ max: 3 })
      yield* calm
      assert.strictEqual((yield* pool.stats).leases, 3)
      assert.strictEqual((yield* pool.stats).waiting, 1)
      yield* pool.resize({ max: "Infinity" })
      yield* calm

      assert.strictEqual((yield* pool.stats).leases, 4)
      assert.strictEqual((yield* pool.stats).max, undefined)
      for (const waiter of waiters) yield* Fiber.interrupt(waiter)
    }))

  it.effect("a smaller whole has idle objects go, the one idle longest first, and lent ones as they come back", () =>
    Effect.gen(function*() {
      const there = world(5)
      const pool = yield* make(there)
      const lent = yield* Effect.forEach(["a", "b"], (key) => keep(pool, key))
      for (const key of ["c", "d", "e"]) yield* use(pool, key)
      yield* use(pool, "c")
      yield* pool.resize({ max: 1 })
      yield* calm
      assert.deepStrictEqual(there.gone, ["d4", "e5", "c3"])
      yield* letGo(lent[0]!)
      yield* calm
      assert.strictEqual((yield* pool.stats).size, 1)
      yield* letGo(lent[1]!)
      yield* calm

      assert.deepStrictEqual(there.gone, ["d4", "e5", "c3", "a1"])
      assert.strictEqual((yield* pool.stats).size, 1)
    }))

  it.effect("of one key is its own, and stands when that of all keys changes", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(9))
      yield* pool.resizeKey("a", { min: 2, max: 3 })
      yield* use(pool, "b")
      yield* calm
      assert.strictEqual((yield* pool.statsOf("a"))?.size, 2)
      yield* pool.resize({ perKey: { max: 1 } })

      assert.deepStrictEqual([(yield* pool.statsOf("a"))?.max, (yield* pool.statsOf("b"))?.max], [3, 1])
    }))

  it.effect("nonsense is a typed failure, and changes nothing", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(9))
      const before = yield* pool.stats
      for (
        const size of [{ max: 0 }, { max: NaN }, { perKey: { min: 10 } }, { perKey: { min: 3, max: 2 } }, { min: 1 }]
      ) {
        assert.strictEqual(yield* outcome(pool.resize(size as {})), "InvalidPoolOptions")
      }
      assert.strictEqual(yield* outcome(pool.resizeKey("a", { min: 2, max: 1 })), "InvalidPoolOptions")
      assert.deepStrictEqual(yield* pool.stats, before)
    }))
})

describe("`forget`", () => {
  it.effect("closes the pool of a key while it is waited for, and a borrow after that begins anew", () =>
    Effect.gen(function*() {
      const there = world(2, 1)
      const pool = yield* make(there, { closing: { timeout: "10 seconds" } })
      const lease = yield* hold(pool.borrow("a"))
      const waiter = yield* start(outcome(use(pool, "a")))
      yield* use(pool, "b")
      const forgotten = yield* start(pool.forget("a"))
      yield* calm
      assert.strictEqual(yield* Fiber.join(waiter), "PoolClosed")
      assert.strictEqual(yield* outcome(use(pool, "a")), "PoolClosed")
      assert.strictEqual(yield* use(pool, "b"), "b2")
      assert.strictEqual(state(forgotten), "waits")
      yield* lease.release
      assert.isTrue(yield* Fiber.join(forgotten))

      assert.deepStrictEqual(yield* pool.keys, ["b"])
      assert.strictEqual(yield* use(pool, "a"), "a3")
      assert.isFalse(yield* pool.forget("never seen"))
    }))

  it.effect("of a key that has nothing does so at once", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(2))
      yield* pool.with("a", (lease) => lease.invalidate)
      yield* calm

      assert.isTrue(yield* pool.forget("a"))
      assert.deepStrictEqual(yield* pool.keys, [])
    }))
})

describe("a pool of many keys", () => {
  it.effect("counts all of them", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5))
      yield* keep(pool, "a")
      yield* use(pool, "b")
      yield* use(pool, "b")
      const each = yield* Effect.forEach(yield* pool.keys, pool.statsOf)
      const all: PoolStats = yield* pool.stats

      agree(all, each)
      assert.strictEqual(all.totals.borrowed, 3)
      assert.strictEqual(all.max, 5)
      assert.deepStrictEqual((yield* pool.objects).map(({ key, object }) => [key, object.id]), [["a", 1], ["b", 2]])
      assert.deepStrictEqual((yield* pool.leases).map(({ pooled }) => pooled.key), ["a"])
    }))

  it.effect("tells what happens, and to which key", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* make(there)
      yield* use(pool, "a")
      const told: Array<KeyedEvent<string>> = []
      yield* start(Stream.runForEach(pool.events, (event) => Effect.sync(() => told.push(event))))
      yield* use(pool, "b")
      yield* pool.suspend
      yield* pool.resume
      yield* pool.forget("b")
      yield* pool.close
      yield* calm

      const short = told.map((event) =>
        `${event._tag}${"reason" in event ? ` ${event.reason}` : ""} ${event.key ?? "-"}`
      )
      assert.deepStrictEqual(short.filter((each) => !each.startsWith("StatusChanged")), [
        "Evicted Room a",
        "Destroyed a",
        "Acquired b",
        "Borrowed b",
        "Released b",
        "Suspended -",
        "Resumed -",
        "Closing b",
        "Evicted Closed b",
        "Destroyed b",
        "Closed b",
        "Closing -",
        "Closed -"
      ])
    }))

  it.effect("is suspended, drained and resumed as a whole, keys that are new meanwhile included", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5))
      const lease = yield* hold(pool.borrow("a"))
      const drained = yield* start(pool.drain)
      const waiter = yield* start(use(pool, "new"))
      yield* calm
      assert.deepStrictEqual([state(drained), state(waiter)], ["waits", "waits"])
      yield* lease.release
      yield* calm
      assert.deepStrictEqual([state(drained), state(waiter)], ["ok", "waits"])
      yield* pool.resume
      yield* calm

      assert.strictEqual(state(waiter), "ok")
    }))

  it.effect("does not wait, as it drains, for the lease of who asks", () =>
    Effect.gen(function*() {
      const pool = yield* make(world(5))
      yield* pool.with("a", () => pool.with("b", () => pool.drain))
      yield* pool.resume
    }))

  it.effect("is rotated, and detected, as a whole", () =>
    Effect.gen(function*() {
      const there = world(5)
      let asked = 0
      const pool = yield* make(there, {
        detectStatus: (): Status.Answer => {
          asked++
          return "Available"
        }
      })
      yield* use(pool, "a")
      yield* use(pool, "b")
      asked = 0
      yield* pool.detect
      assert.strictEqual(asked, 2)
      yield* pool.rotate
      yield* calm

      assert.sameMembers(there.gone, ["a1", "b2"])
    }))

  it.effect("closes with its scope: who waits fails, what is lent has its time, and nothing is left", () =>
    Effect.gen(function*() {
      const there = world(2)
      const pool = yield* make(there, { closing: { timeout: "10 seconds" } })
      const lease = yield* hold(pool.borrow("a"))
      yield* use(pool, "b")
      yield* keep(pool, "b")
      const waits = yield* start(outcome(pool.with("c", () => Effect.never)))
      yield* calm
      const closed = yield* start(pool.close)
      yield* calm
      assert.strictEqual(state(closed), "waits")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(state(closed), "ok")

      assert.strictEqual(there.all, 0)
      assert.strictEqual(yield* outcome(use(pool, "d")), "PoolClosed")
      assert.strictEqual(yield* outcome(pool.resize({ max: 3 })), "PoolClosed")
      assert.isFalse(yield* pool.has("a", { key: "a", id: 1 }))
      assert.strictEqual(yield* Fiber.join(waits), "PoolClosed")
      yield* lease.release
    }))

  it.effect("a tag has every operation", () =>
    Effect.gen(function*() {
      class Tenants extends KeyedPool.Service<Tenants, string, { readonly role: string }>()("app/Tenants") {}
      const layer = Tenants.layer({
        acquire: (key) => Effect.succeed({ role: `role of ${key}` }),
        size: { max: 3, perKey: { max: 2 } },
        idleKeys: "1 minute"
      })
      const program = Effect.gen(function*() {
        const role = yield* Tenants.with("acme", (lease) => Effect.succeed(lease.object.role))
        const lent = yield* Effect.scoped(Effect.map(Tenants.borrow("acme"), (lease) => lease.pooled.key))
        const pool = yield* Tenants
        const missing = Object.keys(pool).filter((name) => !(name in Tenants))
        return { role, lent, missing, keys: yield* Tenants.keys, name: pool.name }
      })

      assert.deepStrictEqual(yield* Effect.provide(program, layer), {
        role: "role of acme",
        lent: "acme",
        missing: [],
        keys: ["acme"],
        name: "app/Tenants"
      })
    }))
})
