/** What outlives a pool: promises 35 and 36. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, DuplicateObject, InvalidPoolOptions, type Lease, ObjectPool, Verdict } from "../src/index.ts"
import { ending, hold, keep, settle, start, state, statuses } from "./support/borrowers.ts"
import { at, skewed } from "./support/clocks.ts"
import { broken, complaints, gate, memory } from "./support/stores.ts"
import { sweepInPieces } from "./support/sweep.ts"

type Store = ReturnType<typeof memory>

interface Options extends
  Omit<
    Parameters<typeof ObjectPool.make<string, undefined, string, never, Lease<string>, Scope.Scope>>[0],
    "remember" | "data" | "pack" | "detectStatus" | "onBorrow" | "onRelease" | "select"
  >
{
  readonly remember?: { readonly key: (object: string) => string }
  readonly detectStatus?: () => "Available"
}

const usual = {
  name: "keys",
  objects: ["a", "b"],
  borrowTimeout: 0,
  closing: { timeout: 0 },
  remember: { key: (object: string) => object }
} satisfies Options

const make = (store: Store, options: Options = {}) => store.within(ObjectPool.make({ ...usual, ...options }))

/** A pool that is closed before the test ends. */
const open = (store: Store, options: Options = {}) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const pool = yield* Scope.provide(make(store, options), scope)
    return { pool, close: Scope.close(scope, Exit.void) }
  })

/** What is in the store when a process is killed, whose pools may go on here. */
const survivor = (store: Store) => memory(new Map(store.entries))

const succeeds = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), ({ _tag }) => _tag === "Success")

/** How often an object is lent at once, by a pool or for a facet. */
const served = <E>(pool: ObjectPool<string, undefined, E>, facet?: string) =>
  Effect.gen(function*() {
    let n = 0
    while (yield* succeeds(pool.with(() => Effect.void, { facet }))) n++
    return n
  })

/** Lets the last second be written. */
const second = TestClock.adjust("1 second")

/** Lets everybody have many turns. */
const turns = Effect.repeat(Effect.yieldNow, { times: 500 })

/** Lets a few who have little to do come to an end. */
const someTurns = Effect.repeat(Effect.yieldNow, { times: 80 })

const lefts = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map(({ allowances }) => allowances.map(({ left }) => left)))

describe("after a restart", () => {
  it.effect("no object is lent before a moment that it had been told", () =>
    Effect.gen(function*() {
      const store = memory()
      const { close, pool } = yield* open(store)
      yield* pool.rest("a", "1 minute")
      yield* pool.with((lease) => lease.restUntil(90_000), { where: ({ object }) => object === "b" })
      yield* TestClock.adjust("10 seconds")
      yield* close
      yield* TestClock.adjust("10 seconds")

      const after = yield* make(store)
      assert.deepStrictEqual((yield* after.objects).map(({ wakesAt }) => at(wakesAt)), [60_000, 90_000])
      yield* TestClock.adjust("39999 millis")
      assert.deepStrictEqual(yield* statuses(after), ["Dormant", "Dormant"])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* statuses(after), ["Available", "Dormant"])
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* statuses(after), ["Available", "Available"])
    }))

  it.effect("an object that rests for ever does so", () =>
    Effect.gen(function*() {
      const store = memory()
      const { close, pool } = yield* open(store)
      yield* pool.rest("a", "Infinity")
      yield* close
      const after = yield* make(store)
      yield* TestClock.adjust("4000 weeks")
      assert.deepStrictEqual(yield* statuses(after), ["Dormant", "Available"])
    }))

  const windows: Readonly<Record<string, Allowance>> = {
    "a sliding window": { limit: 4, per: "1 minute" },
    "a bucket": { limit: 4, per: "1 minute", window: "bucket" },
    "a fixed window": { limit: 4, per: "1 minute", window: "fixed" },
    "a quota until each full minute": { limit: 4, resets: Cron.parseUnsafe("* * * * *") }
  }
  for (const [title, allowance] of Object.entries(windows)) {
    it.effect(`${title} goes on as if there had been none, at any moment of it`, () =>
      Effect.gen(function*() {
        // two pools, of which one lives through it
        const counts = (restart: number | undefined) =>
          Effect.gen(function*() {
            const store = memory()
            yield* TestClock.adjust(3_600_000 - (yield* Clock.currentTimeMillis) % 3_600_000)
            const began = yield* Clock.currentTimeMillis
            const served: Array<number> = []
            let { close, pool } = yield* open(store, { objects: ["a"], allowance })
            for (let step = 0; step < 24; step++) {
              if (step % 3 !== 1 && (yield* succeeds(pool.with(() => Effect.void)))) {
                served.push((yield* Clock.currentTimeMillis) - began)
              }
              if (step === restart) yield* close
              yield* TestClock.adjust("7 seconds")
              if (step === restart) ({ close, pool } = yield* open(store, { objects: ["a"], allowance }))
            }
            const [[left]] = (yield* lefts(pool)) as [[number]]
            yield* close
            return { served, left: Math.round(left * 1e9) / 1e9 }
          })
        const unbroken = yield* counts(undefined)
        for (let step = 0; step < 20; step++) assert.deepStrictEqual(yield* counts(step), unbroken, `at step ${step}`)
      }))
  }

  it.effect("what a server had said of an allowance stands", () =>
    Effect.gen(function*() {
      for (const allowance of Object.values(windows)) {
        const store = memory()
        const began = yield* Clock.currentTimeMillis
        const options = { objects: ["a"], allowance: { ...allowance, limit: 100 } as Allowance }
        const { close, pool } = yield* open(store, options)
        yield* pool.with((lease) => lease.report({ remaining: 0, resetsAt: began + 600_000 }))
        yield* TestClock.adjust("30 seconds")
        yield* close
        yield* TestClock.adjust("30 seconds")
        const after = yield* open(store, options)
        const known = (yield* after.pool.objects)[0]!
        const full = at(known.allowances[0]!.fullAt)
        assert.strictEqual(full, began + 600_000)
        // a bucket has been filling up since
        assert.strictEqual(known.allowances[0]!.left, allowance.window === "bucket" ? 10 : 0)
        yield* after.close
        yield* TestClock.adjust("1 hour")
      }
    }))

  it.effect("debts, facets at rest, and the allowances of facets go on", () =>
    Effect.gen(function*() {
      const store = memory()
      const options: Options = {
        objects: ["a"],
        allowance: [
          { limit: 10, per: "1 minute", unit: "cost", name: "tokens" },
          { limit: 2, per: "1 minute", facet: true, name: "of the model" }
        ]
      }
      const { close, pool } = yield* open(store, options)
      yield* pool.with((lease) => lease.rest("30 seconds", "large"), { facet: "large", cost: 1 })
      assert.strictEqual(yield* served(pool, "small"), 2)
      yield* pool.with((lease) => lease.charge(20), { cost: 0 })
      yield* TestClock.adjust("5 seconds")
      yield* close
      yield* TestClock.adjust("5 seconds")

      const after = yield* make(store, options)
      const [known] = yield* after.objects
      assert.deepStrictEqual(known!.allowances[0]!.left, -13)
      assert.deepStrictEqual(
        known!.facets.map(({ name, until }) => [name, at(until)]),
        [["large", 30_000], ["small", 60_000]]
      )
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual([yield* served(after, "large"), yield* served(after, "small")], [2, 2])
    }))

  it.effect("failures in a row are counted on, an outlier rests as long as it would have, and is on trial after", () =>
    Effect.gen(function*() {
      const store = memory()
      const options = (): Options => ({
        objects: ["a", "b"],
        sharing: 2,
        judge: Verdict.outlier({ after: 2, rest: "10 seconds" })
      })
      const fail = <E>(pool: ObjectPool<string, undefined, E>) =>
        Effect.exit(pool.with(() => Effect.fail("500"), { where: ({ object }) => object === "a" }))
      const first = yield* open(store, options())
      yield* fail(first.pool)
      yield* first.close
      const second = yield* open(store, options())
      yield* fail(second.pool)
      assert.deepStrictEqual(yield* statuses(second.pool), ["Dormant", "Available"])
      yield* second.close

      const third = yield* open(store, options())
      const [a] = yield* third.pool.objects
      assert.strictEqual(a!.failures, 1)
      assert.deepStrictEqual(yield* statuses(third.pool), ["Dormant", "Available"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* statuses(third.pool), ["Available", "Available"])
      const lent = yield* hold(third.pool.borrowWith({ where: ({ object }) => object === "a" }))
      assert.isFalse(yield* succeeds(third.pool.with(() => Effect.void, { where: ({ object }) => object === "a" })))
      // whoever fails twice under it
      yield* Scope.close(lent.scope, Exit.fail("500"))
      yield* fail(third.pool)
      // the second rest in a row
      assert.isAbove(at(a!.wakesAt)! - (yield* Clock.currentTimeMillis), 15_000)
      yield* third.close
    }))

  it.effect("at most the last second before a kill has not been known", () =>
    Effect.gen(function*() {
      const store = memory()
      const options: Options = { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } }
      const pool = yield* make(store, options)
      let lent = 0
      for (let step = 0; step < 100; step++) {
        yield* pool.with(() => Effect.void)
        lent++
        yield* TestClock.adjust(37)
        const after = yield* open(survivor(store), options)
        const [[left]] = (yield* lefts(after.pool)) as [[number]]
        assert.isAtMost(lent - (1000 - left), Math.ceil(1000 / 37), `after ${lent} leases`)
        yield* after.close
      }
      yield* second
      const after = yield* make(survivor(store), options)
      assert.deepStrictEqual(yield* lefts(after), [[900]])
    }))

  it.effect("time that the wall clock has lost has not passed; time that it has gained has", () =>
    Effect.gen(function*() {
      const store = memory()
      const { clock, skew } = yield* skewed
      const options: Options = { objects: ["a"], allowance: { limit: 1, per: "1 minute" } }
      const { close, pool } = yield* open(store, options)
      yield* pool.with(() => Effect.void)
      yield* TestClock.adjust("20 seconds")
      yield* close
      const wakes = (by: number) =>
        Effect.gen(function*() {
          skew.millis = by
          const { close, pool } = yield* open(survivor(store), options).pipe(
            Effect.provideService(Clock.Clock, clock)
          )
          const [a] = yield* pool.objects
          const left = (at(a!.wakesAt) ?? 0) - clock.currentTimeMillisUnsafe()
          yield* close
          return left
        })
      assert.strictEqual(yield* wakes(0), 40_000)
      assert.strictEqual(yield* wakes(10_000), 30_000)
      assert.strictEqual(yield* wakes(-10_000), 40_000)
      assert.strictEqual(yield* wakes(-3_600_000), 40_000)
    }))

  it.effect("an object that rests is detected as it wakes, as is one that was spent as it joined", () =>
    Effect.gen(function*() {
      const store = memory()
      let asked = 0
      const options: Options = {
        objects: ["a"],
        allowance: { limit: 1, per: "1 minute" },
        detection: { onBorrow: false },
        detectStatus: () => {
          asked++
          return "Available"
        }
      }
      const { close, pool } = yield* open(store, options)
      yield* pool.with(() => Effect.void)
      yield* close
      asked = 0
      const after = yield* make(store, options)
      assert.deepStrictEqual([yield* statuses(after), asked], [["Dormant"], 0])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* statuses(after), asked], [["Available"], 1])
    }))

  it.effect("a limit that is another now counts what was taken; one of another name begins anew", () =>
    Effect.gen(function*() {
      const store = memory()
      const within = (...allowance: Array<Allowance>) => open(store, { objects: ["a"], allowance })
      const { close, pool } = yield* within({ limit: 5, per: "1 minute", name: "requests" })
      assert.strictEqual(yield* served(pool), 5)
      yield* close
      const other = yield* within({ limit: 8, per: "2 minutes", name: "requests" })
      assert.deepStrictEqual(yield* lefts(other.pool), [[3]])
      yield* TestClock.adjust("90 seconds")
      assert.deepStrictEqual(yield* lefts(other.pool), [[3]])
      yield* other.close
      const named = yield* within({ limit: 8, per: "2 minutes", name: "calls" })
      assert.deepStrictEqual(yield* lefts(named.pool), [[8]])
      yield* named.close
    }))
})

describe("a store", () => {
  it.effect("has an entry of each object, under the pool's name and its key, and nothing of the object", () =>
    Effect.gen(function*() {
      const store = memory()
      const pool = yield* make(store, {
        name: "app/Keys",
        objects: ["sk-secret/1"],
        remember: { key: () => "eu/100%" },
        allowance: { limit: 5, per: "1 minute", name: "requests" }
      })
      yield* pool.with((lease) => lease.rest("1 minute"))
      yield* second
      assert.deepStrictEqual([...store.entries.keys()], ["app/Keys/eu%2F100%25"])
      const [text] = store.entries.values()
      assert.notInclude(text, "secret")
      assert.deepStrictEqual(JSON.parse(text!), {
        version: 1,
        at: 0,
        rest: 60_000,
        counts: [{ name: "requests", taken: [[0, 1]] }]
      })
    }))

  it.effect("is written at once, then at most once a second for each object, and as the pool closes", () =>
    Effect.gen(function*() {
      const store = memory()
      const { close, pool } = yield* open(store, { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } })
      yield* pool.with(() => Effect.void)
      assert.strictEqual(store.sets, 0)
      yield* settle
      assert.strictEqual(store.sets, 1)
      for (let i = 0; i < 100; i++) {
        yield* pool.with(() => Effect.void)
        yield* TestClock.adjust(100)
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.sets, 11)
      yield* pool.with(() => Effect.void)
      yield* pool.with(() => Effect.void)
      yield* close
      assert.strictEqual(store.sets, 12)
      const after = yield* make(store, { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } })
      assert.deepStrictEqual(yield* lefts(after), [[1000 - 103]])
    }))

  it.effect("is not asked for what nothing is known of, nor written where nothing has changed", () =>
    Effect.gen(function*() {
      const store = memory()
      const { close, pool } = yield* open(store, { objects: ["a", "b"] })
      yield* pool.with(() => Effect.void)
      yield* second
      yield* close
      assert.deepStrictEqual([store.gets, store.sets, store.removes], [2, 0, 0])
    }))

  it.effect("keeps no entry of an object of which all that rests, and all that is counted, is over", () =>
    Effect.gen(function*() {
      const store = memory()
      const options: Options = { objects: ["a", "b"], allowance: { limit: 10, per: "1 minute" } }
      const { close, pool } = yield* open(store, options)
      yield* pool.with(() => Effect.void, { where: ({ object }) => object === "a" })
      yield* pool.rest("b", "2 minutes")
      yield* second
      assert.strictEqual(store.entries.size, 2)
      yield* pool.remove("a")
      yield* second
      assert.strictEqual(store.entries.size, 2, "one that has left may come back")
      yield* TestClock.adjust("59 seconds")
      yield* second
      assert.deepStrictEqual([...store.entries.keys()], ["keys/b"])
      yield* close
      yield* TestClock.adjust("1 hour")
      // what no pool was there to remove is removed when the object joins again
      const after = yield* open(store, options)
      yield* second
      assert.strictEqual(store.entries.size, 0)
      yield* after.close
    }))

  it.effect("of windows of many leases has a thousand, which last no shorter", () =>
    Effect.gen(function*() {
      const store = memory()
      const options: Options = { objects: ["a"], allowance: { limit: 6000, per: "1000 seconds", name: "requests" } }
      const { close, pool } = yield* open(store, options)
      for (let i = 0; i < 6000; i++) {
        yield* pool.with(() => Effect.void)
        if (i % 10 === 0) yield* TestClock.adjust(137)
      }
      yield* close
      const [text] = store.entries.values()
      assert.isBelow(text!.length, 20_000)
      const after = yield* make(store, options)
      assert.deepStrictEqual(yield* lefts(after), [[0]])
      const [a] = yield* after.objects
      // the first leases: to a thousandth of the window
      assert.isAtLeast(at(a!.wakesAt)!, 1_000_000)
      assert.isAtMost(at(a!.wakesAt)!, 1_001_000)
    }))
})

describe("a key", () => {
  it.effect("that comes back goes on with what was known of it, though that is not written yet", () =>
    Effect.gen(function*() {
      const store = memory()
      const slow = gate()
      const pool = yield* make(store, { objects: ["a"], allowance: { limit: 3, per: "1 minute" } })
      yield* pool.with((lease) => lease.rest("10 seconds"))
      store.before = (method) => method === "set" ? slow.wait : Effect.void
      yield* pool.remove("a")
      yield* pool.add("a")
      assert.deepStrictEqual([yield* statuses(pool), yield* lefts(pool), store.gets], [["Dormant"], [[2]], 1])
      yield* second
      yield* pool.remove("a")
      yield* second
      yield* pool.add("a")
      assert.deepStrictEqual([yield* statuses(pool), yield* lefts(pool), store.gets], [["Dormant"], [[2]], 1])
      yield* slow.open
      yield* second
      yield* pool.remove("a")
      yield* second
      yield* pool.add("a")
      assert.deepStrictEqual([yield* statuses(pool), yield* lefts(pool), store.gets], [["Dormant"], [[2]], 2])
    }))

  it.effect("of two objects is refused: as a duplicate, or by the options", () =>
    Effect.gen(function*() {
      const store = memory()
      const pool = yield* make(store, { remember: { key: (object) => object.toLowerCase() } })
      const failure = yield* Effect.flip(pool.add("A"))
      assert.instanceOf(failure, DuplicateObject)
      assert.strictEqual(failure.objectId, 1)
      assert.strictEqual(ending(yield* Effect.exit(pool.addAll(["c", "C"]))), "DuplicateObject")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
      yield* pool.remove("a")
      yield* pool.add("A")
      const exit = yield* Effect.exit(make(store, { remember: { key: () => "same" } }))
      assert.strictEqual(ending(exit), "InvalidPoolOptions")
    }))

  it.effect("of an object that was made, and is that of another, fails its creation, and the object is destroyed", () =>
    Effect.gen(function*() {
      const store = memory()
      let made = 0
      let destroyed = 0
      const pool = yield* make(store, {
        objects: [],
        size: { max: 3 },
        borrowTimeout: "1 second",
        acquire: Effect.acquireRelease(Effect.sync(() => `${++made}`), () => Effect.sync(() => destroyed++)),
        remember: { key: () => "one" }
      })
      const one = yield* hold(pool.borrow)
      const other = yield* Effect.exit(Effect.scoped(pool.borrow))
      assert.strictEqual(ending(other), "DuplicateObject")
      yield* settle
      assert.deepStrictEqual([made, destroyed, (yield* pool.stats).size], [2, 1, 1])
      // its successor has the key when it leaves
      yield* one.lease.invalidate
      yield* one.release
      yield* TestClock.adjust("10 seconds")
      yield* (yield* hold(pool.borrow)).release
    }))

  it.effect("goes over to what replaces its object, with all that is known of it", () =>
    Effect.gen(function*() {
      const store = memory()
      const pool = yield* make(store, {
        objects: [],
        size: { min: 1, max: 2 },
        acquire: Effect.succeed("account"),
        allowance: { limit: 5, per: "1 minute" },
        remember: { key: (object) => object }
      })
      yield* pool.with(() => Effect.void)
      yield* pool.rotate
      yield* settle
      assert.deepStrictEqual((yield* pool.objects).map(({ id }) => id), [2])
      assert.deepStrictEqual(yield* lefts(pool), [[4]])
    }))

  it.effect("that throws, or is no text, fails what the object joins by, and nothing is lost", () =>
    Effect.gen(function*() {
      const store = memory()
      let answer: () => unknown = () => "a"
      const pool = yield* make(store, { objects: ["a"], remember: { key: () => answer() as string } })
      answer = () => 5
      const exit = yield* Effect.exit(pool.add("b"))
      assert.strictEqual(ending(exit), "InvalidPoolOptions")
      answer = () => {
        throw new Error("no key")
      }
      assert.strictEqual(ending(yield* Effect.exit(pool.add("b"))), "Error: no key")
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      assert.deepStrictEqual([store.gets, store.sets], [1, 0])
    }))

  it.effect("is asked for as a function alone", () =>
    Effect.gen(function*() {
      const store = memory()
      for (const remember of [null, 5, {}, { key: "a" }, { key: () => "a", store: {} }]) {
        const exit = yield* Effect.exit(make(store, { remember: remember as never }))
        assert.strictEqual(ending(exit), "InvalidPoolOptions")
      }
      assert.isDefined(InvalidPoolOptions)
    }))
})

describe("a store never delays or fails a lease", () => {
  it.effect("while it takes long to write, when it fails, or dies", () =>
    Effect.gen(function*() {
      const befores: Array<Store["before"]> = [
        () => Effect.never,
        () => Effect.uninterruptible(Effect.never),
        () => Effect.fail(broken),
        () => Effect.die("dead"),
        () => {
          throw new Error("thrown")
        }
      ]
      for (const before of befores) {
        const store = memory()
        const { close, pool } = yield* open(store, { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } })
        store.before = (method) => method === "get" ? Effect.void : before(method, "")
        for (let i = 0; i < 100; i++) {
          yield* pool.with(() => Effect.void)
          yield* TestClock.adjust(100)
        }
        assert.isAtMost(store.most, 1)
        assert.deepStrictEqual(yield* lefts(pool), [[900]])
        const closing = yield* start(close)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(state(closing), "ok")
      }
    }))

  it.effect("one write of an object is under way at a time, and the next has the latest", () =>
    Effect.gen(function*() {
      const store = memory()
      const pool = yield* make(store, { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } })
      store.before = (method) => method === "set" ? Effect.sleep("3500 millis") : Effect.void
      for (let i = 0; i < 100; i++) {
        yield* pool.with(() => Effect.void)
        yield* TestClock.adjust(100)
      }
      assert.deepStrictEqual([store.most, store.sets], [1, 3])
      yield* TestClock.adjust("10 seconds")
      store.before = () => Effect.void
      const after = yield* make(survivor(store), { objects: ["a"], allowance: { limit: 1000, per: "1 hour" } })
      assert.deepStrictEqual(yield* lefts(after), [[900]])
    }))

  it.effect("what could not be written is written when it can be, and told once a minute", () =>
    Effect.gen(function*() {
      const store = memory()
      const log = complaints()
      const { close, pool } = yield* open(store, { objects: ["a", "b"] }).pipe(log.within)
      store.before = () => Effect.fail(broken)
      yield* pool.rest("a", "1 hour")
      yield* pool.rest("b", "1 hour")
      yield* TestClock.adjust("90 seconds")
      assert.deepStrictEqual(
        log.messages,
        Array.from({ length: 2 }, () => "What is remembered of an object could not be written")
      )
      store.before = () => Effect.void
      yield* second
      yield* second
      assert.strictEqual(store.entries.size, 2)
      const { sets } = store
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.sets, sets)
      yield* close
    }))

  it.effect("an object that joins is pending while its entry is read, and those who wait are served then", () =>
    Effect.gen(function*() {
      const store = memory()
      const slow = gate()
      store.before = () => slow.wait
      const pool = yield* make(store, { objects: ["a"], borrowTimeout: "10 seconds" })
      assert.deepStrictEqual(yield* statuses(pool), ["Pending"])
      const adding = yield* start(pool.add("b"))
      const waiting = yield* start(pool.with((lease) => Effect.succeed(lease.object), { timeout: "1 second" }))
      const patient = yield* start(pool.with((lease) => Effect.succeed(lease.object)))
      assert.isFalse(yield* succeeds(Effect.scoped(pool.tryBorrow)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(waiting), state(patient), state(adding)], ["BorrowTimeout", "waits", "waits"])
      yield* slow.open
      yield* settle
      assert.deepStrictEqual([state(patient), state(adding)], ["ok", "ok"])
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("what is told of an object while its entry is read counts with what is read", () =>
    Effect.gen(function*() {
      const store = memory()
      const before = yield* open(store)
      yield* before.pool.rest("a", "1 minute")
      yield* before.close
      const slow = gate()
      store.before = (method) => method === "get" ? slow.wait : Effect.void
      const pool = yield* make(store)
      yield* pool.rest("a", "10 seconds")
      yield* pool.rest("b", "10 seconds")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(store.sets, 1, "nothing is written over what has not been read")
      yield* slow.open
      yield* second
      assert.deepStrictEqual((yield* pool.objects).map(({ wakesAt }) => at(wakesAt)), [60_000, 10_000])
      assert.deepStrictEqual([...store.entries.keys()], ["keys/a", "keys/b"])
    }))

  it.effect("an object that is taken out while its entry is read leaves, and what is in the store stays", () =>
    Effect.gen(function*() {
      const store = memory()
      const before = yield* open(store)
      yield* before.pool.rest("a", "1 minute")
      yield* before.close
      const slow = gate()
      store.before = (method) => method === "get" ? slow.wait : Effect.void
      const { close, pool } = yield* open(store)
      yield* pool.remove("a")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* pool.stats).size, 1)
      yield* close
      assert.deepStrictEqual([...store.entries.keys()], ["keys/a"])
    }))

  const failures: Readonly<Record<string, Store["before"]>> = {
    "takes longer than hookTimeout": () => Effect.never,
    "takes longer, and cannot be interrupted": () => Effect.uninterruptible(Effect.never),
    "fails": () => Effect.fail(broken),
    "dies": () => Effect.die("dead"),
    "throws": () => {
      throw new Error("thrown")
    }
  }
  for (const [title, before] of Object.entries(failures)) {
    it.effect(`an object whose store ${title} joins as new, and that is told`, () =>
      Effect.gen(function*() {
        const store = memory()
        store.before = before
        const log = complaints()
        const { close, pool } = yield* open(store, { hookTimeout: "3 seconds", borrowTimeout: "4 seconds" }).pipe(
          log.within
        )
        const waiting = yield* start(pool.with(() => Effect.void))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(state(waiting), "ok")
        assert.deepStrictEqual(
          log.messages,
          Array.from({ length: 2 }, () => "What is remembered of an object could not be read: it joins as new")
        )
        assert.deepStrictEqual(log.annotations.map(({ key, pool }) => [pool, key]), [["keys", "a"], ["keys", "b"]])
        yield* close
      }))
  }

  const counts = (taken: unknown, said?: unknown) => ({
    version: 1,
    at: 0,
    counts: [{ name: "requests", taken, ...said !== undefined && { said } }]
  })
  const nonsense: Readonly<Record<string, unknown>> = {
    "no JSON": "{",
    "a text": "\"rest\"",
    "null": "null",
    "a list": "[]",
    "of another version": { version: 2, at: 0 },
    "without a version": { at: 0, rest: 5 },
    "without a moment": { version: 1 },
    "of a moment that no date can say": { version: 1, at: 1e308 },
    "of a moment before all": { version: 1, at: -1 },
    "a rest that is a text": { version: 1, at: 0, rest: "1 hour" },
    "a rest of no number": "{\"version\":1,\"at\":0,\"rest\":1e999}",
    "a negative rest": { version: 1, at: 0, rest: -5 },
    "a rest in the far future": { version: 1, at: 0, rest: 1e15 },
    "a moment in the far future": { version: 1, at: 0, moment: 8e15 },
    "failures that are a fraction": { version: 1, at: 0, failures: 0.5 },
    "failures that are negative": { version: 1, at: 0, failures: -1 },
    "an outlier of huge numbers": { version: 1, at: 0, outlier: { failures: 1e308, rests: 0, rest: 0 } },
    "takes that are no list": counts({}),
    "takes that are no pairs": counts([[0]]),
    "a take in the future": counts([[1, 1]]),
    "a negative take": counts([[0, -1e9]]),
    "a huge take": counts([[0, 1e308]]),
    "very many takes": counts(Array.from({ length: 3000 }, () => [0, 1])),
    "a server that has said nothing": counts([], [0, null, 5]),
    "a server that speaks of the far future": counts([], [0, 1, 1e14]),
    "facets without names": { version: 1, at: 0, facets: [{ rest: 5 }] },
    "facets that are no list": { version: 1, at: 0, facets: { __proto__: 5 } }
  }
  for (const [title, entry] of Object.entries(nonsense)) {
    it.effect(`an object whose entry is nonsense, ${title}, joins as new, and that is told`, () =>
      Effect.gen(function*() {
        const store = memory(new Map([["keys/a", typeof entry === "string" ? entry : JSON.stringify(entry)]]))
        const log = complaints()
        const options: Options = { allowance: { limit: 5, per: "1 minute", name: "requests" } }
        const { close, pool } = yield* open(store, options).pipe(log.within)
        assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
        assert.deepStrictEqual(yield* lefts(pool), [[5], [5]])
        assert.deepStrictEqual(log.messages, ["What is remembered of an object makes no sense: it joins as new"])
        assert.deepStrictEqual(log.annotations[0]!["key"], "a")
        yield* close
      }))
  }

  it.effect("what is hostile, and makes sense, harms no other object", () =>
    Effect.gen(function*() {
      const entry = {
        version: 1,
        at: 8.64e15,
        counts: [
          { name: "__proto__", taken: [[0, 1]] },
          { name: "requests", taken: [[-1, Number.MAX_SAFE_INTEGER], [0, Number.MAX_SAFE_INTEGER]] }
        ],
        facets: [{ name: "__proto__", rest: 5000 }],
        failures: Number.MAX_SAFE_INTEGER
      }
      const store = memory(new Map([["keys/a", JSON.stringify(entry)]]))
      const { close, pool } = yield* open(store, { allowance: { limit: 5, per: "1 minute", name: "requests" } })
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Available"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* lefts(pool), [[5], [5]])
      yield* close
    }))

  it.effect("closing waits for what is being written, and writes what has changed since", () =>
    Effect.gen(function*() {
      const store = memory()
      const { close, pool } = yield* open(store, { objects: ["a"], allowance: { limit: 10, per: "1 hour" } })
      store.before = () => Effect.sleep("2 seconds")
      yield* pool.with(() => Effect.void)
      yield* settle
      yield* pool.with(() => Effect.void)
      const closing = yield* start(close)
      yield* TestClock.adjust("3999 millis")
      assert.strictEqual(state(closing), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(closing), "ok")
      store.before = () => Effect.void
      const after = yield* make(store, { objects: ["a"], allowance: { limit: 10, per: "1 hour" } })
      assert.deepStrictEqual(yield* lefts(after), [[8]])
    }))

  it.effect("closing waits for no store longer than hookTimeout, and tells what it gave up", () =>
    Effect.gen(function*() {
      const store = memory()
      const log = complaints()
      const { close, pool } = yield* open(store).pipe(log.within)
      store.before = () => Effect.uninterruptible(Effect.never)
      yield* pool.rest("a", "1 minute")
      yield* pool.rest("b", "1 minute")
      const closing = yield* start(close)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(state(closing), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(state(closing), "ok")
      assert.include(log.messages, "Closing gave up writing what is remembered of 2 object(s)")
    }))

  it.effect("very many objects are read, and written, a few at a time", () =>
    Effect.gen(function*() {
      const store = memory()
      store.before = () => Effect.yieldNow
      const objects = Array.from({ length: 1000 }, (_, i) => `${i}`)
      const { close, pool } = yield* open(store, { objects, allowance: { limit: 10, per: "1 hour" } })
      yield* turns
      assert.strictEqual((yield* pool.stats).available, 1000)
      for (let i = 0; i < 1000; i++) yield* Effect.scoped(Effect.asVoid(pool.borrow))
      yield* second
      yield* close
      assert.isAtMost(store.most, 32)
      const after = yield* make(store, { objects, allowance: { limit: 10, per: "1 hour" } })
      yield* turns
      const left = (yield* lefts(after)).reduce((sum, [left]) => sum + left!, 0)
      assert.strictEqual(left, 10_000 - 1000)
    }))
})

sweepInPieces(
  "a borrower of what is read, interrupted anywhere, leaves nothing behind",
  (window) =>
    Effect.gen(function*() {
      const store = memory()
      store.before = () => Effect.repeat(Effect.yieldNow, { times: 6 })
      const { close, pool } = yield* open(store, {
        objects: [],
        size: { max: 2 },
        borrowTimeout: "1 second",
        acquire: Effect.sync(() => "made"),
        allowance: { limit: 100, per: "1 hour" }
      })
      const borrower = yield* keep(pool.borrow)
      const adding = yield* start(pool.add("added"))
      yield* window.interrupt(borrower)
      yield* window.interrupt(adding)
      yield* TestClock.adjust("2 seconds")
      yield* someTurns
      const { available, size } = yield* pool.stats
      assert.strictEqual(available, size, window.toString())
      yield* Fiber.join(yield* start(pool.with(() => Effect.void)))
      yield* close
      assert.isAtLeast(store.entries.size, 1, window.toString())
    })
)

sweepInPieces(
  "two objects of one key that are made at once, interrupted anywhere, are never there both",
  (window) =>
    Effect.gen(function*() {
      const store = memory()
      let [made, destroyed] = [0, 0]
      const { close, pool } = yield* open(store, {
        objects: [],
        size: { max: 2 },
        borrowTimeout: "1 second",
        acquire: Effect.acquireRelease(Effect.sync(() => `${++made}`), () => Effect.sync(() => destroyed++)),
        remember: { key: () => "one" }
      })
      const borrowers = yield* Effect.forEach([0, 1], () => keep(pool.borrow))
      yield* window.interrupt(borrowers[0]!)
      yield* someTurns
      assert.isAtMost(made - destroyed, 1, window.toString())
      assert.strictEqual((yield* pool.stats).size, made - destroyed, window.toString())
      yield* Effect.forEach(borrowers, Fiber.interrupt)
      yield* close
      assert.strictEqual(made, destroyed, window.toString())
    }).pipe(complaints().within)
)

it("the store is that of effect", () => {
  assert.strictEqual(KeyValueStore.KeyValueStore.key, "effect/persistence/KeyValueStore")
})
