/**
 * Classes of borrowers, while other things go on: objects rest, are prepared and detected, or come late; more come than can be
 * served; the pool is suspended, gets another size, or closes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Lease, ObjectPool, type PooledObject, PoolService } from "../src/index.ts"
import { hold, make, only, settle, start, state } from "./support/borrowers.ts"

const oldest = (available: ReadonlyArray<PooledObject<string>>) => available[0]

describe("nobody waits for what he could have", () => {
  it.effect("where objects of two classes are detected and prepared at the same time", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["x", "y", "z"],
        classes: { people: { reserve: 2, most: 2 }, batch: { reserve: 1 } },
        detectStatus: () => Effect.as(Effect.sleep(10), "Available" as const),
        detection: { onAdd: false, onBorrow: true },
        onBorrow: () => Effect.sleep(10),
        onRelease: () => Effect.sleep(10)
      })
      const first = yield* start(hold(pool.borrowWith({ class: "people" })))
      yield* TestClock.adjust(20)
      // detected until 30, prepared until 40; as that ends, the other is being detected
      const batch = yield* start(hold(pool.borrowWith({ class: "batch" })))
      yield* TestClock.adjust(15)
      const second = yield* start(hold(pool.borrowWith({ class: "people" })))
      for (let i = 0; i < 20; i++) yield* TestClock.adjust(5)
      assert.deepStrictEqual([first, batch, second].map(state), ["ok", "ok", "ok"])
    }))

  for (const [by, select] of [["a selector of the library", undefined], ["one's own", oldest]] as const) {
    it.effect(`where an object leaves with the only lease that a class may have, and ${by} chooses`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a", "b"], classes: { batch: { most: 1 }, people: {} }, select })
        const busy = yield* hold(pool.borrowWith({ class: "batch" }))
        const next = yield* start(hold(pool.borrowWith({ class: "batch" })))
        yield* settle
        assert.strictEqual(state(next), "waits")
        yield* busy.lease.invalidate
        yield* busy.release
        yield* settle
        assert.strictEqual(state(next), "ok")
      }))
  }

  it.effect("where what was detected for the only one whom a class may have served rests", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        classes: { batch: { most: 1 }, people: {} },
        detectStatus: ({ object }) => Effect.as(Effect.sleep(10), object === "a" ? "Dormant" as const : "Available"),
        detection: { onAdd: false, onBorrow: true, dormantFor: "1 hour" },
        borrowTimeout: "1 day"
      })
      const choosy = yield* start(hold(pool.borrowWith({ ...only("a"), class: "batch" })))
      const next = yield* start(hold(pool.borrowWith({ class: "batch" })))
      yield* TestClock.adjust(5)
      assert.deepStrictEqual([choosy, next].map(state), ["waits", "waits"])
      yield* TestClock.adjust(5)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual([choosy, next].map(state), ["waits", "ok"])
    }))

  it.effect("where a borrower of several has set aside what is for one of several before, whose class has room again", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], classes: { batch: {}, people: { most: 2 } } })
      const busy = yield* hold(pool.borrowWith({ class: "people" }))
      const both = yield* start(Effect.scoped(pool.borrowMany(2, { class: "people", priority: 1 })))
      yield* start(Effect.scoped(pool.borrowMany(3, { class: "batch" })))
      yield* settle
      assert.strictEqual(state(both), "waits")
      // nothing comes back with the lease
      yield* busy.lease.invalidate
      yield* busy.release
      yield* settle
      assert.strictEqual(state(both), "ok")
    }))

  it.effect("where so many objects rest that there are not enough for the reserves of all", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        classes: { people: { reserve: 1 }, batch: { reserve: 1 }, rest: {} }
      })
      yield* pool.rest("a", "1 hour")
      const rest = yield* start(hold(pool.borrowWith({ class: "rest", timeout: "1 day" })))
      const people = yield* start(hold(pool.borrowWith({ class: "people" })))
      const batch = yield* start(hold(pool.borrowWith({ class: "batch" })))
      yield* settle
      // they take turns; nothing is left for a class without a reserve
      assert.deepStrictEqual([people, batch, rest].map(state), ["ok", "waits", "waits"])
      yield* (yield* Fiber.join(people)).release
      yield* settle
      assert.deepStrictEqual([batch, rest].map(state), ["ok", "waits"])
    }))

  it.effect("where what is shared, and was lent to one class, serves the first of another before its turn", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 2, classes: { people: {}, batch: {} } })
      yield* pool.suspend
      const waiting = []
      for (const name of ["people", "batch", "batch"] as const) {
        waiting.push(yield* start(hold(pool.borrowWith({ class: name }))))
      }
      yield* pool.resume
      yield* settle
      assert.deepStrictEqual(waiting.map(state), ["ok", "ok", "ok"])
    }))

  it.effect("and two borrowers of several do not take from each other what a selector has for one of them only", () =>
    Effect.gen(function*() {
      let calls = 0
      const count = () => {
        // an endless step would not end with the test
        if (++calls > 1000) throw new Error("no end")
      }
      const pool = yield* make({
        objects: ["a", "b"],
        classes: { people: {}, batch: { weight: 9 } },
        onBorrow: count,
        onRelease: count,
        select: oldest
      })
      const busy = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const waiting = []
      for (const name of ["people", "batch", "people", "batch"] as const) {
        waiting.push(yield* start(Effect.scoped(pool.borrowMany(2, { class: name }))))
      }
      for (const { release } of busy) yield* release
      for (let i = 0; i < 10; i++) yield* settle
      assert.deepStrictEqual(waiting.map(state), ["ok", "ok", "ok", "ok"])
      assert.isBelow(calls, 50)
    }))

  it.effect("and two borrowers of several, of two classes, for whom objects are prepared at the same time", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        classes: { people: {}, batch: {} },
        onBorrow: () => Effect.sleep(10)
      })
      const people = yield* start(Effect.scoped(pool.borrowMany(2, { class: "people" })))
      const batch = yield* start(Effect.scoped(pool.borrowMany(2, { class: "batch" })))
      for (let i = 0; i < 20; i++) yield* TestClock.adjust(5)
      assert.deepStrictEqual([people, batch].map(state), ["ok", "ok"])
    }))

  it.effect("and one who is owed its reserve has an object made, where there is room, and takes none from who borrows several", () =>
    Effect.gen(function*() {
      let calls = 0
      const count = () => {
        if (++calls > 1000) throw new Error("no end")
      }
      let made = 0
      const pool = yield* make({
        acquire: Effect.suspend(() => ++made === 3 ? Effect.as(Effect.sleep("1 hour"), "late") : Effect.succeed("a")),
        size: { max: 4 },
        classes: { people: { reserve: 1, weight: 0.1 } },
        onBorrow: count,
        onRelease: count
      })
      // their next turn is late
      yield* pool.with(() => Effect.void, { class: "people" })
      const several = yield* start(Effect.scoped(pool.borrowMany(3)))
      const people = yield* start(hold(pool.borrowWith({ class: "people" })))
      yield* settle
      assert.deepStrictEqual([state(several), state(people)], ["waits", "ok"])
      assert.deepStrictEqual([made, calls], [4, 5])
    }))

  it.effect("where a selector of the user's own chooses, and a class has as many as it may, as the pool is resumed", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: Effect.as(Effect.sleep(100), "a"),
        size: { max: 2 },
        classes: { batch: { most: 1 }, people: {} },
        select: oldest
      })
      yield* pool.suspend
      const batch = yield* start(hold(pool.borrowWith({ class: "batch" })))
      const people = yield* start(hold(pool.borrowWith({ class: "people" })))
      yield* pool.resume
      yield* TestClock.adjust(100)
      assert.deepStrictEqual([batch, people].map(state), ["ok", "ok"])
    }))
})

describe("who can never be served is refused", () => {
  it.effect("as the pool becomes smaller while it is suspended", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: Effect.succeed("a"),
        size: { max: 2 },
        classes: { people: { reserve: 1 }, batch: {} }
      })
      yield* pool.suspend
      const batch = yield* start(hold(pool.borrowWith({ class: "batch" })))
      yield* pool.resize({ max: 1 })
      yield* settle
      assert.strictEqual(state(batch), "PoolExhausted NoRoom")
      yield* pool.resume
      assert.deepInclude(yield* pool.stats, { waiting: 0 })
    }))

  it.effect("where what is made for a class is late, and its room is not free yet", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: Effect.uninterruptible(Effect.as(Effect.sleep("1 minute"), "a")),
        creation: { timeout: "1 second" },
        size: { max: 2 },
        classes: { people: { reserve: 1 }, batch: {} }
      })
      const batch = yield* start(Effect.flip(hold(pool.borrowWith({ class: "batch" }))))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(batch), { _tag: "BorrowTimeout", phase: "Acquiring", class: "batch" })
      yield* TestClock.adjust("1 minute")
    }))

  it.effect("where everything rests beyond his deadline, whatever his class has in reserve", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], classes: { people: { reserve: 1 }, batch: { most: 1 } } })
      const busy = yield* hold(pool.borrowWith({ ...only("b"), class: "batch" }))
      yield* pool.rest("a", "1 hour")
      const people = yield* start(Effect.flip(hold(pool.borrowWith({ class: "people" }))))
      const batch = yield* start(Effect.flip(hold(pool.borrowWith({ class: "batch" }))))
      yield* settle
      assert.deepStrictEqual([state(people), state(batch)], ["waits", "waits"])
      yield* busy.lease.rest("2 hours")
      yield* busy.release
      yield* settle
      for (const [fiber, name] of [[people, "people"], [batch, "batch"]] as const) {
        const refused = yield* Fiber.join(fiber)
        assert.deepInclude(refused, { _tag: "PoolExhausted", reason: "Resting", class: name })
        if (refused._tag === "PoolExhausted") assert.strictEqual(Duration.toHours(refused.retryAfter!), 1)
      }
      const { classes } = yield* pool.stats
      assert.strictEqual(classes?.["people"]?.totals.exhausted, 1)
      assert.strictEqual(classes?.["batch"]?.totals.exhausted, 1)
    }))
})

describe("a class has no more than it may", () => {
  it.effect("also where a function of the user's borrows for it, as it is asked for one who waits", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.Scope
      const within: Array<string> = []
      let asks = false
      const pool: ObjectPool<string, undefined, never, Lease<string>, "batch" | "people"> = yield* make({
        objects: ["a", "b"],
        classes: { batch: { most: 1 }, people: {} },
        leaseTimeout: () => {
          if (!asks) return "1 hour"
          asks = false
          const { object } = Effect.runSync(Scope.provide(pool.borrowWith({ class: "batch" }), scope))
          within.push(object)
          return "1 hour"
        }
      })
      const busy = yield* hold(pool.borrowWith({ ...only("a"), class: "people" }))
      const waiting = yield* start(hold(pool.borrowWith({ ...only("a"), class: "batch" })))
      asks = true
      yield* busy.release
      yield* settle
      assert.deepStrictEqual(within, ["b"])
      assert.strictEqual(state(waiting), "waits")
      assert.deepInclude((yield* pool.stats).classes?.["batch"], { leases: 1, waiting: 1 })
    }))
})

class Sessions extends PoolService<Sessions, string, { classes: "people" | "batch" }>()("app/Sessions") {}

describe("numbers of a class", () => {
  const options = {
    objects: ["a", "b", "c"],
    size: { max: 3 },
    classes: { people: { reserve: 1, weight: 2 }, batch: { most: 2 } }
  }
  const counts = (env: Record<string, unknown>) =>
    Effect.map(Sessions.stats, ({ classes }) => classes).pipe(
      Effect.provide(Sessions.layerConfig(options, {
        classes: { people: { reserve: Config.Int("RESERVE") }, batch: { most: Config.Int("MOST") } }
      })),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env))
    )

  it.effect("are read from the environment, and laid over those of the options", () =>
    Effect.gen(function*() {
      const classes = yield* counts({ RESERVE: 2, MOST: 1 })
      assert.deepInclude(classes?.["people"], { reserve: 2, weight: 2 })
      assert.deepInclude(classes?.["batch"], { most: 1, reserve: 0 })
      const refused = yield* Effect.flip(counts({ RESERVE: 4, MOST: 1 }))
      assert.deepInclude(refused, { _tag: "InvalidPoolOptions", option: "classes.people.reserve" })
    }))
})

describe("in an overload", () => {
  it.effect("the newest of each class is served first, in the turn of the classes, and the oldest of all are refused", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        classes: { people: { weight: 2 }, batch: {} },
        overload: { target: 100, interval: 1000 }
      })
      const busy = yield* hold(pool.borrow)
      let release = busy.release
      const order: Array<string> = []
      const wait = (name: "people" | "batch", said: string) =>
        start(Effect.tap(hold(pool.borrowWith({ class: name })), (held) =>
          Effect.sync(() => {
            order.push(said)
            release = held.release
          })))
      const next = Effect.suspend(() => Effect.andThen(release, settle))
      const early = []
      for (let i = 0; i < 6; i++) early.push(yield* wait(i % 2 === 0 ? "people" : "batch", `early ${i}`))
      // an interval in which the only one who is served has waited for long
      yield* TestClock.adjust(1100)
      yield* next
      yield* TestClock.adjust(1100)
      const late = []
      for (const said of ["1", "2", "3"]) {
        late.push(yield* wait("people", `people ${said}`))
        late.push(yield* wait("batch", `batch ${said}`))
      }
      order.length = 0
      for (let i = 0; i < 6; i++) yield* next
      assert.deepStrictEqual(order.filter((said) => said.startsWith("people")), ["people 3", "people 2", "people 1"])
      assert.deepStrictEqual(order.filter((said) => said.startsWith("batch")), ["batch 3", "batch 2", "batch 1"])
      // two of the class of weight 2 for each of the other, as long as both wait
      assert.strictEqual(order.slice(0, 3).filter((said) => said.startsWith("people")).length, 2)
      assert.deepStrictEqual(
        early.map(state).filter((each) => each !== "ok"),
        Array.from({ length: 5 }, () => "PoolExhausted Overloaded")
      )
      assert.deepStrictEqual(late.map(state), Array.from({ length: 6 }, () => "ok"))
      const { classes, totals } = yield* pool.stats
      assert.strictEqual(classes!["people"]!.totals.exhausted + classes!["batch"]!.totals.exhausted, totals.exhausted)
    }))
})

describe("a pool that closes, and serves who waits before", () => {
  it.effect("serves the classes in their turn, each within its maximum, and then closes", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a", "b", "c"],
        classes: { people: { weight: 3 }, batch: { most: 1 } },
        closing: { waiters: "serve", timeout: "1 minute" }
      })
      const busy = [yield* hold(pool.borrow), yield* hold(pool.borrow), yield* hold(pool.borrow)]
      let batch = 0
      let most = 0
      const one = (name: "people" | "batch") =>
        pool.with(() =>
          Effect.gen(function*() {
            if (name === "batch") most = Math.max(most, ++batch)
            yield* Effect.sleep(100)
            if (name === "batch") batch--
          }), { class: name })
      const waiting = []
      for (let i = 0; i < 12; i++) waiting.push(yield* start(one(i % 2 === 0 ? "people" : "batch")))
      const closing = yield* start(pool.close)
      const late = yield* Effect.exit(one("people"))
      assert.strictEqual(late._tag, "Failure")
      for (const { release } of busy) yield* release
      for (let i = 0; i < 20; i++) yield* TestClock.adjust(100)
      assert.deepStrictEqual(waiting.map(state), Array.from({ length: 12 }, () => "ok"))
      assert.strictEqual(most, 1)
      assert.strictEqual(state(closing), "ok")
      assert.deepInclude((yield* pool.stats).classes?.["batch"], { leases: 0, waiting: 0 })
    }))

  it.effect("fails at its deadline who could not be served by his class", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        classes: { people: {}, batch: { most: 1 } },
        closing: { waiters: "serve", timeout: "1 second" }
      })
      yield* hold(pool.borrowWith({ ...only("a"), class: "batch" }))
      const waiting = yield* start(hold(pool.borrowWith({ class: "batch" })))
      const closing = yield* start(pool.close)
      yield* settle
      assert.deepStrictEqual([state(waiting), state(closing)], ["waits", "waits"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(waiting), state(closing)], ["PoolClosed", "ok"])
    }))
})
