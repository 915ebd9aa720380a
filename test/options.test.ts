import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import {
  type BorrowOptions,
  BorrowTimeout,
  InvalidPoolOptions,
  type Lease,
  ObjectPool,
  PoolExhausted,
  type PoolOptions,
  PoolService,
  type PoolSettings,
  Selector
} from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { balanced } from "./support/scripted.ts"

class Things extends PoolService<Things, unknown>()("app/Things") {}

type Options = PoolOptions<unknown, undefined, never, never, Lease<unknown>>
const acquire = Effect.succeed("thing")
const record = { name: "a" }
const detectStatus = () => "Available" as const

/** What is refused: the options, and what the refusal names, shows, and says is allowed. */
const nonsense: ReadonlyArray<readonly [options: object, option: string, value: string, allowed: string]> = [
  [{ acquire, size: { max: 0 } }, "size.max", "0", "a whole number, at least 1"],
  [{ acquire, size: { max: -1 } }, "size.max", "-1", "a whole number, at least 1"],
  [{ acquire, size: { max: -0 } }, "size.max", "-0", "a whole number, at least 1"],
  [{ acquire, size: { max: NaN } }, "size.max", "NaN", "a whole number, at least 1"],
  [{ acquire, size: { max: 1.5 } }, "size.max", "1.5", "a whole number, at least 1"],
  [{ acquire, size: { max: "4" } }, "size.max", "\"4\"", "a whole number, at least 1"],
  [{ acquire, size: { max: null } }, "size.max", "null", "a whole number, at least 1"],
  [{ objects: [1, 2, 3], size: { max: 2 } }, "size.max", "2", "at least the number of objects given, 3"],
  [{ acquire, size: { min: -1 } }, "size.min", "-1", "a whole number, at least 0"],
  [{ acquire, size: { min: NaN } }, "size.min", "NaN", "a whole number, at least 0"],
  [{ acquire, size: { min: 0.5 } }, "size.min", "0.5", "a whole number, at least 0"],
  [{ acquire, size: { min: 5, max: 4 } }, "size.min", "5", "at most size.max, 4"],
  [{ acquire, size: { min: 11 } }, "size.min", "11", "at most size.max, 10"],
  [{ objects: [], size: { min: 1 } }, "size.min", "1", "0 without acquire: nothing could be made"],
  [{ acquire, size: 4 }, "size", "4", "a record of options"],
  [{ acquire, size: null }, "size", "null", "a record of options"],
  [{ acquire, maxWaiters: -1 }, "maxWaiters", "-1", "a whole number, at least 0"],
  [{ acquire, maxWaiters: NaN }, "maxWaiters", "NaN", "a whole number, at least 0"],
  [{ acquire, maxWaiters: 0.5 }, "maxWaiters", "0.5", "a whole number, at least 0"],
  [{ acquire, overload: {} }, "overload.target", "null", "a duration longer than zero"],
  [{ acquire, overload: { target: 0 } }, "overload.target", "0", "a duration longer than zero"],
  [{ acquire, overload: { target: NaN } }, "overload.target", "NaN", "a duration longer than zero"],
  [{ acquire, overload: { target: "soon" } }, "overload.target", "\"soon\"", "a duration longer than zero"],
  [{ acquire, overload: { target: 9, interval: 0 } }, "overload.interval", "0", "a duration longer than zero"],
  [{ acquire, overload: "1 second" }, "overload", "a text", "a record of options"],
  [{ acquire, borrowTimeout: "-1 seconds" }, "borrowTimeout", "\"-1 seconds\"", "a duration, zero or longer"],
  [{ acquire, borrowTimeout: NaN }, "borrowTimeout", "NaN", "a duration, zero or longer"],
  [{ acquire, borrowTimeout: "soon" }, "borrowTimeout", "\"soon\"", "a duration, zero or longer"],
  [{ acquire, borrowTimeout: null }, "borrowTimeout", "null", "a duration, zero or longer"],
  [{ acquire, leaseTimeout: 0 }, "leaseTimeout", "0", "a duration longer than zero"],
  [{ acquire, leaseTimeout: "-1 seconds" }, "leaseTimeout", "\"-1 seconds\"", "a duration longer than zero"],
  [{ acquire, leaseTimeout: Duration.zero }, "leaseTimeout", "0", "a duration longer than zero"],
  [{ acquire, hookTimeout: 0 }, "hookTimeout", "0", "a duration longer than zero"],
  [{ acquire, hookTimeout: -5 }, "hookTimeout", "-5", "a duration longer than zero"],
  [{ acquire, closing: { timeout: -1 } }, "closing.timeout", "-1", "a duration, zero or longer"],
  [{ acquire, closing: { timeout: NaN } }, "closing.timeout", "NaN", "a duration, zero or longer"],
  [{ acquire, detectStatus, detection: { timeout: 0 } }, "detection.timeout", "0", "a duration longer than zero"],
  [{ acquire, detectStatus, detection: { dormantFor: 0 } }, "detection.dormantFor", "0", "a duration longer than zero"],
  [{ acquire, detection: { concurrency: 0 } }, "detection.concurrency", "0", "a whole number, at least 1"],
  [{ acquire, detection: { concurrency: 2.5 } }, "detection.concurrency", "2.5", "a whole number, at least 1"],
  [{ acquire, detection: { onAdd: "yes" } }, "detection.onAdd", "\"yes\"", "true or false"],
  [{ acquire, detection: { onRelease: 1 } }, "detection.onRelease", "1", "true or false"],
  [
    { acquire, detection: { onBorrow: { trustFor: -1 } } },
    "detection.onBorrow.trustFor",
    "-1",
    "a duration, zero or longer"
  ],
  [{ acquire, detection: { onBorrow: {} } }, "detection.onBorrow.trustFor", "undefined", "a duration, zero or longer"],
  [{ acquire, detection: { onBorrow: "1 second" } }, "detection.onBorrow", "a text", "a record of options"],
  [
    { acquire, onLeaseExpired: "detect" },
    "onLeaseExpired",
    "\"detect\"",
    "\"destroy\" or \"return\" without detectStatus"
  ],
  [{ acquire, onLeaseExpired: "keep" }, "onLeaseExpired", "\"keep\"", "\"destroy\", \"detect\" or \"return\""],
  [{ objects: [record, "b", record] }, "objects", "an object", "each object once"],
  [{ objects: null }, "objects", "null", "an iterable"],
  [{ objects: 5 }, "objects", "5", "an iterable"],
  [{ acquire: "thing" }, "acquire", "a text", "an effect, or a function that answers with one"],
  [{ acquire: null }, "acquire", "null", "an effect"],
  [{ acquire, select: "random" }, "select", "\"random\"", "a selector, { weight }, { rank }, or a function"],
  [{ acquire, select: {} }, "select", "an object", "a selector, { weight }, { rank }, or a function"],
  [{ acquire, detectStatus: true }, "detectStatus", "true", "a function"],
  [{ acquire, pack: {} }, "pack", "an object", "a function"],
  [{ acquire, sharing: 0 }, "sharing", "0", "a whole number, at least 1"],
  [{ acquire, sharing: NaN }, "sharing", "NaN", "a whole number, at least 1"],
  [{ acquire, sharing: 1.5 }, "sharing", "1.5", "a whole number, at least 1"],
  [{ acquire, sharing: -Infinity }, "sharing", "-Infinity", "a whole number, at least 1"],
  [{ acquire, creation: { concurrency: 0 } }, "creation.concurrency", "0", "a whole number, at least 1"],
  [{ acquire, creation: { concurrency: NaN } }, "creation.concurrency", "NaN", "a whole number, at least 1"],
  [{ acquire, creation: { concurrency: 0.5 } }, "creation.concurrency", "0.5", "a whole number, at least 1"],
  [{ acquire, creation: { timeout: 0 } }, "creation.timeout", "0", "a duration longer than zero"],
  [{ acquire, creation: { timeout: -1 } }, "creation.timeout", "-1", "a duration longer than zero"],
  [{ acquire, creation: { timeout: NaN } }, "creation.timeout", "NaN", "a duration longer than zero"],
  [{ acquire, creation: { timeout: "soon" } }, "creation.timeout", "\"soon\"", "a duration longer than zero"],
  [{ acquire, creation: { retry: 3 } }, "creation.retry", "3", "a schedule"],
  [{ acquire, creation: { retry: null } }, "creation.retry", "null", "a schedule"],
  [{ acquire, creation: 3 }, "creation", "3", "a record of options"],
  [{ acquire, lifetime: { timeToLive: 0 } }, "lifetime.timeToLive", "0", "a duration longer than zero"],
  [{ acquire, lifetime: { timeToLive: -1 } }, "lifetime.timeToLive", "-1", "a duration longer than zero"],
  [{ acquire, lifetime: { timeToLive: NaN } }, "lifetime.timeToLive", "NaN", "a duration longer than zero"],
  [{ acquire, lifetime: { idleTimeToLive: 0 } }, "lifetime.idleTimeToLive", "0", "a duration longer than zero"],
  [{ acquire, lifetime: { idleTimeToLive: -1 } }, "lifetime.idleTimeToLive", "-1", "a duration longer than zero"],
  [{ acquire, lifetime: { idleTimeToLive: NaN } }, "lifetime.idleTimeToLive", "NaN", "a duration longer than zero"],
  [{ acquire, lifetime: { maxBorrows: 0 } }, "lifetime.maxBorrows", "0", "a whole number, at least 1"],
  [{ acquire, lifetime: { maxBorrows: -1 } }, "lifetime.maxBorrows", "-1", "a whole number, at least 1"],
  [{ acquire, lifetime: { maxBorrows: NaN } }, "lifetime.maxBorrows", "NaN", "a whole number, at least 1"],
  [{ acquire, lifetime: { maxBorrows: 2.5 } }, "lifetime.maxBorrows", "2.5", "a whole number, at least 1"],
  [{ acquire, lifetime: { jitter: 1 } }, "lifetime.jitter", "1", "a number from 0 to below 1"],
  [{ acquire, lifetime: { jitter: -0.1 } }, "lifetime.jitter", "-0.1", "a number from 0 to below 1"],
  [{ acquire, lifetime: { jitter: NaN } }, "lifetime.jitter", "NaN", "a number from 0 to below 1"],
  [{ acquire, lifetime: { jitter: 2 } }, "lifetime.jitter", "2", "a number from 0 to below 1"],
  [{ acquire, lifetime: { jitter: "0.1" } }, "lifetime.jitter", "\"0.1\"", "a number from 0 to below 1"],
  [{ acquire, lifetime: "1 hour" }, "lifetime", "a text", "a record of options"],
  [{ acquire, detectStatus, detection: { every: 0 } }, "detection.every", "0", "a duration longer than zero"],
  [{ acquire, detectStatus, detection: { every: -1 } }, "detection.every", "-1", "a duration longer than zero"],
  [{ acquire, detectStatus, detection: { every: NaN } }, "detection.every", "NaN", "a duration longer than zero"],
  [{ acquire, detectStatus, detection: { retry: "often" } }, "detection.retry", "a text", "a schedule"],
  [{ acquire, closing: { waiters: "wait" } }, "closing.waiters", "\"wait\"", "\"fail\" or \"serve\""],
  [{ acquire, closing: { waiters: true } }, "closing.waiters", "true", "\"fail\" or \"serve\""],
  [{ acquire, onBorrow: true }, "onBorrow", "true", "a function"],
  [{ acquire, onRelease: Effect.void }, "onRelease", "an object", "a function"],
  // unknown keys, at each level
  [{ acquire, creation: { timeOut: 3 } }, "creation.timeOut", "not known", "only concurrency, timeout, retry"],
  [
    { acquire, lifetime: { ttl: 3 } },
    "lifetime.ttl",
    "not known",
    "only timeToLive, idleTimeToLive, maxBorrows, jitter"
  ],
  [
    { acquire, maxSize: 3 },
    "maxSize",
    "not known",
    "only name, acquire, objects, data, size, select, classes, maxWaiters, overload, waitsForResting, borrowTimeout, "
  ],
  [{ acquire, borowTimeout: "1 second" }, "borowTimeout", "not known", "borrowTimeout"],
  [{ acquire, size: { maximum: 3 } }, "size.maximum", "not known", "only min, max"],
  [{ acquire, detection: { timeOut: 3 } }, "detection.timeOut", "not known", "only onAdd, "],
  [{ acquire, detection: { onBorrow: { trust: 3 } } }, "detection.onBorrow.trust", "not known", "only trustFor"],
  [{ acquire, closing: { timeout: 1, force: true } }, "closing.force", "not known", "only waiters, timeout"],
  [{ acquire, size: { max: 3, unknown: undefined } }, "size.unknown", "not known", "only min, max"]
]

const secret = "postgres://user:password@host/database"
const misplaced: ReadonlyArray<readonly [options: object, option: string]> = [
  [{ acquire, connectionString: secret }, "connectionString"],
  [{ acquire, size: { [secret.slice(0, 8)]: secret } }, "size.postgres"],
  [{ acquire: secret }, "acquire"],
  [{ acquire, detectStatus: secret }, "detectStatus"],
  [{ acquire, pack: secret }, "pack"],
  [{ acquire, detection: secret }, "detection"],
  [{ acquire, creation: { retry: secret } }, "creation.retry"],
  [{ acquire, select: secret }, "select"],
  [{ acquire, borrowTimeout: secret }, "borrowTimeout"],
  [{ acquire, size: { max: secret } }, "size.max"],
  [{ acquire, closing: { waiters: secret } }, "closing.waiters"],
  [{ acquire, name: { secret } }, "name"]
]

const names = (options: object): string =>
  JSON.stringify(options, (key, value: unknown) =>
    key === "acquire"
      ? "…"
      : typeof value === "number" && !Number.isFinite(value)
      ? String(value)
      : Object.is(value, -0)
      ? "-0"
      : typeof value === "function"
      ? "function"
      : value)

const check = (error: unknown, pool: string, option: string, value: string, allowed: string): void => {
  assert.instanceOf(error, InvalidPoolOptions)
  assert.deepStrictEqual([error.pool, error.option, error.value], [pool, option, value])
  assert.include(error.allowed, allowed)
  for (const part of [pool, option, value, allowed]) assert.include(error.message, part)
}

describe("nonsense is refused when the pool is built", () => {
  for (const [options, option, value, allowed] of nonsense) {
    it.effect(`${option} may not be ${value}, in ${names(options)}`, () =>
      Effect.gen(function*() {
        const made = yield* Effect.flip(Effect.sandbox(ObjectPool.make({ ...(options as Options), name: "Here" })))
        const layer = yield* Effect.flip(Effect.sandbox(Effect.scoped(Layer.build(Things.layer(options as Options)))))
        const config = yield* Effect.flip(Effect.scoped(Layer.build(Things.layerConfig(options as Options, {}))))

        assert.deepStrictEqual([made, layer].map(Cause.hasDies), [true, true])
        check(Cause.squash(made), "Here", option, value, allowed)
        check(Cause.squash(layer), "app/Things", option, value, allowed)
        check(config, "app/Things", option, value, allowed)
      }))
  }

  it.effect("callbacks are not run by a pool that is refused", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const pool = ObjectPool.make({
        objects: ["a"],
        acquire: Effect.sync(() => {
          ran.push("acquire")
          return "b"
        }),
        data: () => ran.push("data"),
        detectStatus: () => {
          ran.push("detect")
          return "Available"
        },
        size: { min: 1 },
        hookTimeout: 0
      })

      yield* Effect.flip(Effect.sandbox(pool))

      assert.deepStrictEqual(ran, [])
    }))
})

describe("what is allowed", () => {
  const sensible: ReadonlyArray<object> = [
    {},
    { objects: [] },
    { objects: new Set(["a", "b"]) },
    { objects: "abc" },
    { objects: ["a", "a", NaN, NaN, undefined, undefined] },
    { objects: [1, 2], size: { max: 2 } },
    { acquire, size: { min: 0, max: 1 } },
    { acquire, size: { min: 10 } },
    { acquire, size: undefined, closing: undefined, detection: undefined, select: undefined, objects: undefined },
    { acquire, size: { min: undefined, max: undefined } },
    { acquire, maxWaiters: 0, borrowTimeout: 0, closing: { timeout: 0 }, detection: { onBorrow: { trustFor: 0 } } },
    { acquire, maxWaiters: Infinity },
    {
      acquire,
      borrowTimeout: "Infinity",
      leaseTimeout: "Infinity",
      hookTimeout: "Infinity",
      closing: { timeout: "Infinity" }
    },
    { acquire, borrowTimeout: Infinity, leaseTimeout: 0.5, hookTimeout: Duration.nanos(1n) },
    { acquire, detectStatus, detection: { timeout: "Infinity", dormantFor: "Infinity", onBorrow: true } },
    { acquire, detectStatus, onLeaseExpired: "detect" },
    { acquire, select: { weight: () => 1 } },
    { acquire, sharing: 3, creation: { concurrency: 1, timeout: "Infinity", retry: Schedule.forever } },
    { acquire, creation: {}, lifetime: {}, onBorrow: undefined, onRelease: undefined },
    { acquire, lifetime: { timeToLive: "Infinity", idleTimeToLive: "1 day", maxBorrows: 1, jitter: 0 } },
    { acquire, closing: { waiters: "serve" } },
    { acquire, detectStatus, detection: { every: "1 minute", retry: Schedule.recurs(1) } },
    { acquire, detectStatus, detection: { every: Schedule.spaced("1 minute") } },
    { acquire, select: Selector.roundRobin },
    { acquire: Things, objects: [] }
  ]
  for (const options of sensible) {
    it.effect(`a pool may be built with ${names(options)}`, () =>
      Effect.gen(function*() {
        const pool = yield* Effect.provide(ObjectPool.make(options as Options), Things.layer({ objects: [] }))

        yield* balanced(pool)
        yield* pool.close
      }))
  }

  it.effect("the maximum is 10 with acquire, and absent without", () =>
    Effect.gen(function*() {
      const made = yield* ObjectPool.make({ acquire })
      const added = yield* ObjectPool.make({ objects: Array.from({ length: 11 }, (_, i) => i) })

      assert.strictEqual((yield* made.stats).max, 10)
      assert.notProperty(yield* added.stats, "max")
      assert.strictEqual((yield* added.stats).size, 11)
    }))

  it.effect("an iterable of objects is read once", () =>
    Effect.gen(function*() {
      let reads = 0
      const objects = {
        *[Symbol.iterator]() {
          reads++
          yield "a"
          yield "b"
        }
      }
      const pool = yield* ObjectPool.make({ objects })

      assert.strictEqual(reads, 1)
      assert.strictEqual((yield* pool.stats).size, 2)
    }))
})

describe("zero", () => {
  it.effect("a borrowTimeout of zero lends what is lendable, else fails at once", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], borrowTimeout: 0 })

      const lease = Effect.runSync(
        Effect.provide(Effect.scoped(Effect.map(pool.borrow, (it) => it.object)), Layer.empty)
      )
      yield* pool.borrow
      const failure = Effect.runSync(Effect.flip(Effect.scoped(pool.borrow)))

      assert.strictEqual(lease, "a")
      assert.instanceOf(failure, BorrowTimeout)
    }))

  it.effect("maxWaiters of zero lets nobody wait in the queue", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], maxWaiters: 0 })
      yield* pool.borrow

      const failure = yield* Effect.flip(Effect.scoped(pool.borrow))

      assert.instanceOf(failure, PoolExhausted)
      assert.strictEqual(failure.reason, "WaitersFull")
    }))

  it.effect("a trustFor of zero has every borrow detected, false has none", () =>
    Effect.gen(function*() {
      const count = (onBorrow: boolean | { readonly trustFor: Duration.Input } | undefined) =>
        Effect.gen(function*() {
          let detected = 0
          const pool = yield* ObjectPool.make({
            objects: ["a"],
            detectStatus: () => {
              detected++
              return "Available"
            },
            detection: { onAdd: false, onBorrow }
          })
          for (let i = 0; i < 3; i++) yield* pool.with(() => Effect.void)
          return detected
        })

      assert.strictEqual(yield* count({ trustFor: 0 }), 3)
      assert.strictEqual(yield* count(true), 3)
      assert.strictEqual(yield* count(undefined), 1)
      assert.strictEqual(yield* count({ trustFor: "Infinity" }), 1)
      assert.strictEqual(yield* count(false), 0)
    }))
})

describe("settings from the environment", () => {
  const pool = (options: Options, settings: Config.Wrap<PoolSettings>, env: unknown) =>
    Effect.map(Layer.build(Things.layerConfig(options, settings)), (context) => context).pipe(
      Effect.flatMap((context) => Effect.provide(Things.stats, context)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    )

  it.effect("a setting replaces only its own key", () =>
    Effect.gen(function*() {
      const stats = yield* pool(
        { acquire, size: { min: 2, max: 3 } },
        { size: { max: Config.Int("MAX") } },
        { MAX: 7 }
      )

      assert.deepInclude(stats, { min: 2, max: 7 })
    }))

  it.effect("a setting that is undefined leaves the option as it is", () =>
    Effect.gen(function*() {
      const absent = Config.succeed(undefined)
      const stats = yield* pool({ acquire, size: { min: 2, max: 3 } }, { size: { max: absent, min: absent } }, {})

      assert.deepInclude(stats, { min: 2, max: 3 })
    }))

  it.effect("a setting for what the options did not name is laid over the default", () =>
    Effect.gen(function*() {
      const settings = { size: { min: Config.Int("MIN") }, borrowTimeout: Config.Duration("WAIT") }

      assert.deepInclude(yield* pool({ acquire }, settings, { MIN: "4", WAIT: "3 seconds" }), { min: 4, max: 10 })
    }))

  it.effect("a setting may be a whole group, and replaces only the keys that it has", () =>
    Effect.gen(function*() {
      const size = Config.all({ max: Config.Int("MAX") })
      const stats = yield* pool({ acquire, size: { min: 2, max: 3 } }, { size }, { MAX: 7 })

      assert.deepInclude(stats, { min: 2, max: 7 })
    }))

  it.effect("trustFor read from the environment replaces a plain onBorrow", () =>
    Effect.gen(function*() {
      let detected = 0
      const layer = Things.layerConfig({
        objects: ["a"],
        detectStatus: () => {
          detected++
          return "Available"
        },
        detection: { onAdd: false, onBorrow: true }
      }, { detection: { onBorrow: Config.all({ trustFor: Config.Duration("TRUST") }) } })
      const twice = Effect.andThen(Things.with(() => Effect.void), Things.with(() => Effect.void))

      yield* Effect.provide(twice, layer).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ TRUST: "1 minute" }))
      )

      assert.strictEqual(detected, 1)
    }))

  it.effect("the options themselves are not changed by settings", () =>
    Effect.gen(function*() {
      const options = { acquire, size: { min: 2, max: 3 } }
      yield* pool(options, { size: { max: Config.Int("MAX") }, maxWaiters: Config.Int("MAX") }, { MAX: 7 })

      assert.deepStrictEqual(options, { acquire, size: { min: 2, max: 3 } })
    }))

  it.effect("a setting that makes no sense is a typed failure", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(
        pool({ acquire, size: { min: 2 } }, { size: { max: Config.Int("MAX") } }, { MAX: 1 })
      )

      check(failure, "app/Things", "size.min", "2", "at most size.max, 1")
    }))

  it.effect("a setting that cannot be read is a ConfigError", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.flip(pool({ acquire }, { maxWaiters: Config.Int("WAITERS") }, {}))
      const wrong = yield* Effect.flip(pool({ acquire }, { maxWaiters: Config.Int("WAITERS") }, { WAITERS: "many" }))

      assert.deepStrictEqual([missing._tag, wrong._tag], ["ConfigError", "ConfigError"])
    }))

  it.effect("a callback that throws when the pool is built is a defect, not a failure", () =>
    Effect.gen(function*() {
      const options: Options = {
        objects: {
          [Symbol.iterator]: () => {
            throw new Error("no objects")
          }
        }
      }

      const cause = yield* Effect.flip(Effect.sandbox(pool(options, {}, {})))

      assert.isTrue(Cause.hasDies(cause))
      assert.strictEqual((Cause.squash(cause) as Error).message, "no objects")
    }))
})

describe("what is refused", () => {
  for (const [options, option] of misplaced) {
    it.effect(`is named, not quoted, where it may be a secret: ${option}`, () =>
      Effect.gen(function*() {
        const cause = yield* Effect.flip(
          Effect.sandbox(ObjectPool.make(options as { readonly acquire: typeof acquire }))
        )

        const error = Cause.squash(cause)

        assert.instanceOf(error, InvalidPoolOptions)
        assert.strictEqual(error.option.replace("://user:", ""), option)
        for (const text of [error.message, JSON.stringify(error), String(error.stack)]) {
          assert.notInclude(text, "password")
        }
      }))
  }

  it.effect("is a name that is no text, also for those who make pools without options", () =>
    Effect.gen(function*() {
      for (const options of [{ objects: [1], name: 42n }, { objects: [1], name: null }, undefined, null, 5]) {
        const cause = yield* Effect.flip(
          Effect.sandbox(ObjectPool.make(options as { readonly objects: Array<number> }))
        )
        assert.instanceOf(Cause.squash(cause), InvalidPoolOptions)
      }
    }))

  it.effect("is a tag whose id is no text", () =>
    Effect.gen(function*() {
      const tag = PoolService<never, unknown>()(42n as unknown as "id") as unknown as typeof Things
      const cause = yield* Effect.flip(Effect.sandbox(Layer.build(tag.layer({ objects: [1] }))))
      assert.instanceOf(Cause.squash(cause), InvalidPoolOptions)
    }))

  it.effect("is no `Infinity` where it means that there is no bound, in options as in `resize`", () =>
    Effect.scoped(Effect.gen(function*() {
      for (const none of [Infinity, "Infinity" as const]) {
        const pool = yield* ObjectPool.make({
          acquire,
          size: { max: none },
          maxWaiters: none,
          sharing: none,
          creation: { concurrency: none },
          detection: { concurrency: none },
          lifetime: { maxBorrows: none }
        })
        assert.isUndefined((yield* pool.stats).max)
        yield* pool.resize({ max: 3 })
        assert.strictEqual((yield* pool.stats).max, 3)
        yield* pool.resize({ max: none })
        assert.isUndefined((yield* pool.stats).max)
        yield* Effect.scoped(Effect.andThen(pool.borrow, pool.borrow))
      }
    })))
})

describe("options of one call", () => {
  const bad: ReadonlyArray<readonly [object, string, string]> = [
    [{ timeout: "-1 seconds" }, "timeout", "\"-1 seconds\""],
    [{ timeout: NaN }, "timeout", "NaN"],
    [{ timeout: "soon" }, "timeout", "\"soon\""],
    [{ priority: NaN }, "priority", "NaN"],
    [{ priority: "high" }, "priority", "\"high\""],
    [{ leaseTimeout: 0 }, "leaseTimeout", "0"],
    [{ leaseTimeout: "-1 seconds" }, "leaseTimeout", "\"-1 seconds\""],
    [{ where: "name = 1" }, "where", "a text"],
    [{ leaseTimout: 3 }, "leaseTimout", "not known"],
    [{ timeout: 3, weight: 3 }, "weight", "not known"],
    [[], "options", "an array"]
  ]
  for (const [options, option, value] of bad) {
    it.effect(`a borrow with ${names(options)} is a defect, and changes nothing`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"] })
        const before = yield* balanced(pool)

        const borrow = yield* Effect.flip(
          Effect.sandbox(Effect.scoped(pool.borrowWith(options as BorrowOptions<string>)))
        )
        const bracket = yield* Effect.flip(
          Effect.sandbox(pool.with(() => Effect.die("ran"), options as BorrowOptions<string>))
        )

        for (const cause of [borrow, bracket]) {
          assert.isTrue(Cause.hasDies(cause))
          check(Cause.squash(cause), "ObjectPool", option, value, "")
        }
        assert.deepStrictEqual(yield* balanced(pool), before)
      }))
  }

  it.effect("an add with a lease time-out that makes no sense is a defect, and changes nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const before = yield* balanced(pool)

      for (const leaseTimeout of [0, -1, NaN, "soon" as "1 second"]) {
        const cause = yield* Effect.flip(Effect.sandbox(pool.addAll(["b", "c"], { leaseTimeout })))
        const value = JSON.stringify(leaseTimeout).replace("null", "NaN")
        check(Cause.squash(cause), "ObjectPool", "leaseTimeout", value, "a duration longer than zero")
      }

      assert.deepStrictEqual(yield* balanced(pool), before)
      assert.strictEqual((yield* pool.objects).length, 1)
    }))

  const badAdds: ReadonlyArray<readonly [object | null, string, string, string]> = [
    [{ weight: 3 }, "weight", "not known", "only data, leaseTimeout, destroy, release"],
    [{ release: 3 }, "release", "3", "a function"],
    [null, "options", "null", "a record of options"]
  ]
  for (const [options, option, value, allowed] of badAdds) {
    it.effect(`an add with ${JSON.stringify(options)} is a defect, and changes nothing`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"] })
        const before = yield* balanced(pool)

        const cause = yield* Effect.flip(Effect.sandbox(pool.add("b", options as {})))

        check(Cause.squash(cause), "ObjectPool", option, value, allowed)
        assert.deepStrictEqual(yield* balanced(pool), before)
      }))
  }

  it.effect("an `addAll` of what is no iterable, and a `with` without a function, are defects, and change nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const before = yield* balanced(pool)

      for (const objects of [5, null, {}]) {
        const cause = yield* Effect.flip(Effect.sandbox(pool.addAll(objects as unknown as Iterable<string>)))
        check(
          Cause.squash(cause),
          "ObjectPool",
          "objects",
          objects === null ? "null" : objects === 5 ? "5" : "an object",
          ""
        )
      }
      const cause = yield* Effect.flip(Effect.sandbox(pool.with(undefined as unknown as () => Effect.Effect<void>)))

      assert.instanceOf(Cause.squash(cause), TypeError)
      assert.deepStrictEqual(yield* balanced(pool), before)
    }))

  it.effect("a data function that throws is a defect of the add, and changes nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: [] as Array<string>,
        data: (object) => {
          if (object === "b") throw new Error("no data")
          return object
        }
      })
      const before = yield* balanced(pool)

      const cause = yield* Effect.flip(Effect.sandbox(pool.addAll(["a", "b"])))

      assert.strictEqual((Cause.squash(cause) as Error).message, "no data")
      assert.deepStrictEqual(yield* balanced(pool), before)
    }))

  it.effect("a data function that adds to its own pool never has it hold more than the maximum", () =>
    Effect.gen(function*() {
      let again: Effect.Effect<unknown, unknown> = Effect.void
      const pool = yield* ObjectPool.make({
        objects: [] as Array<string>,
        data: (object) => {
          if (object === "a") Effect.runSyncExit(again)
          return object
        },
        size: { max: 1 }
      })
      again = pool.add("b")

      yield* Effect.exit(pool.add("a"))

      yield* balanced(pool)
    }))

  it.effect("a lease time-out that makes no sense is a defect of the borrower, and changes nothing", () =>
    Effect.gen(function*() {
      let answer: Duration.Input | (() => never) = "1 minute"
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        leaseTimeout: () => typeof answer === "function" ? answer() : answer
      })

      for (
        const nonsense of [0, "-1 seconds" as const, NaN, () => {
          throw new Error("thrown")
        }]
      ) {
        answer = nonsense
        assert.isTrue(Cause.hasDies(yield* Effect.flip(Effect.sandbox(pool.with(() => Effect.void)))))
        assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0, waiting: 0 })
      }
      answer = "1 minute"
      assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a")
    }))

  it.effect("a lease time-out that makes no sense is a defect of the waiter, and the next one is served", () =>
    Effect.gen(function*() {
      let n = 0
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: () => ++n === 2 ? NaN : "1 minute" })
      const lease = yield* pool.borrow
      const first = yield* start(Effect.sandbox(Effect.scoped(pool.borrow)))
      const second = yield* start(pool.with(({ object }) => Effect.succeed(object)))

      yield* lease.release

      assert.isTrue(Cause.hasDies(yield* Effect.flip(Fiber.join(first))))
      assert.strictEqual(yield* Fiber.join(second), "a")
    }))

  it.effect("a rest for what is no duration is a defect, and changes nothing", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })

      const outside = yield* Effect.flip(Effect.sandbox(pool.rest("a", "soon" as "1 second")))
      const inside = yield* Effect.flip(Effect.sandbox(pool.with((lease) => lease.rest("soon" as "1 second"))))

      assert.isTrue(Cause.hasDies(outside) && Cause.hasDies(inside))
      assert.deepInclude(yield* balanced(pool), { available: 1 })
    }))

  it.effect("a rest that is zero is over already", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })

      assert.isTrue(yield* pool.rest("a", 0))
      yield* TestClock.adjust(0)

      assert.deepInclude(yield* balanced(pool), { available: 1, dormant: 0 })
    }))
})
