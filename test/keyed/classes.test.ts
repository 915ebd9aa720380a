/**
 * Classes of borrowers over all keys: how much each may have of the whole, and how they take turns, whatever their keys.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type ClassOptions, InvalidPoolOptions, KeyedPool, type PooledObject, PoolMetrics } from "../../src/index.ts"
import { KeyedPromisePool } from "../../src/promise.ts"
import { hold, start, state } from "../support/borrowers.ts"
import { calm, type Thing, world } from "../support/keyed.ts"
import { sweepInPieces, type Window } from "../support/sweep.ts"

type Name = "interactive" | "batch"
type Both = { readonly [N in Name]: ClassOptions }

interface More {
  readonly sharing?: number
  readonly select?: (available: ReadonlyArray<PooledObject<Thing>>) => PooledObject<Thing> | undefined
}

const make = (max: number, classes: Both, more: More = {}, there = world(max)) =>
  Effect.map(
    KeyedPool.make({
      ...there.options,
      size: { max },
      classes,
      borrowTimeout: "Infinity",
      closing: { timeout: 0 },
      ...more
    }),
    (pool) => {
      const as = (name: Name | undefined, key: string, priority = 0) =>
        pool.borrowWith(key, { priority, ...name !== undefined && { class: name } })
      /** Waits, says as he is served who he is, and keeps his object until he is interrupted. */
      const keep = (name: Name | undefined, key: string, order: Array<string> = [], priority = 0) =>
        start(Effect.scoped(Effect.flatMap(as(name, key, priority), (lease) => {
          order.push(`${name} ${lease.object.key}`)
          return Effect.never
        })))
      const classes = Effect.map(pool.stats, (stats) => stats.classes!)
      return { as, classes, keep, pool, there }
    }
  )

/** It is the turn of the classes that decides, whatever chooses among the objects of a key. */
const choosers: ReadonlyArray<readonly [by: string, more: More]> = [
  ["a selector of the library", {}],
  ["one's own selector", { select: (available) => available[0] }]
]

describe("leases of a class never exceed `most`, of all keys; as long as it has fewer than `reserve`, the others leave it that many of the whole", () => {
  it.effect("a class that has as many as it may waits at every key, though objects of that key are free", () =>
    Effect.gen(function*() {
      const { as, classes, keep, pool } = yield* make(4, { interactive: {}, batch: { most: 2 } })
      yield* pool.with("z", () => Effect.void)
      yield* as("batch", "x")
      const second = yield* hold(as("batch", "y"))
      const third = yield* keep("batch", "z")
      yield* calm

      assert.strictEqual(state(third), "waits")
      assert.deepInclude((yield* classes)["batch"], { leases: 2, waiting: 1, most: 2 })
      assert.deepInclude(yield* pool.statsOf("z"), { available: 1, waiting: 1 })
      yield* as("interactive", "z")
      yield* second.release
      yield* calm
      assert.deepInclude((yield* classes)["batch"], { leases: 2, waiting: 0 })
      assert.deepInclude((yield* classes)["interactive"], { leases: 1 })
    }))

  it.effect("the others, and those who name no class, leave a class its reserve of the whole, and it may be idle at another key", () =>
    Effect.gen(function*() {
      const { as, pool, there } = yield* make(4, { interactive: { reserve: 2 }, batch: {} })
      yield* as("batch", "x")
      yield* pool.borrow("y")
      yield* pool.with("z", () => Effect.void, { class: "interactive" })

      for (const key of ["x", "y", "z"]) {
        const refused = yield* Effect.flip(pool.tryBorrowWith(key, { class: "batch" }))
        assert.deepInclude(refused, { _tag: "PoolExhausted", reason: "NoneAvailable", class: "batch" })
      }
      assert.deepInclude(yield* Effect.flip(pool.tryBorrow("z")), { _tag: "PoolExhausted" })
      yield* as("interactive", "x")
      // the one that was idle at another key goes for it
      yield* as("interactive", "x")
      assert.deepStrictEqual(there.gone, ["z3"])
      assert.strictEqual((yield* pool.stats).leases, 4)
      assert.strictEqual(there.most, 4)
    }))

  it.effect("no object of another key goes for a class that may not have it, and it takes no room of a reserve", () =>
    Effect.gen(function*() {
      const { as, keep, pool, there } = yield* make(3, { interactive: { reserve: 1 }, batch: { most: 1 } })
      yield* pool.with("x", () => Effect.void)
      yield* as("batch", "y")
      const second = yield* keep("batch", "z")
      const plain = yield* start(Effect.scoped(Effect.andThen(pool.borrow("z"), Effect.never)))
      const another = yield* start(pool.borrow("z").pipe(Effect.scoped))
      yield* calm

      assert.deepStrictEqual([state(second), state(plain), state(another)], ["waits", "waits", "waits"])
      assert.deepStrictEqual(there.gone, [])
      assert.deepInclude(yield* pool.stats, { available: 1, borrowed: 2, waiting: 2 })
    }))

  it.effect("each lease of a shared object counts, of whatever key", () =>
    Effect.gen(function*() {
      const { as, classes, keep } = yield* make(2, { interactive: { reserve: 1 }, batch: { most: 3 } }, { sharing: 2 })
      yield* as("batch", "x")
      yield* as("batch", "y")
      yield* as("batch", "y")
      const waits = yield* keep("batch", "x")
      const others = yield* keep(undefined, "y")
      yield* calm

      assert.deepStrictEqual([state(waits), state(others)], ["waits", "waits"])
      assert.deepInclude((yield* classes)["batch"], { leases: 3, waiting: 1 })
      yield* as("interactive", "x")
    }))

  it.effect("a creation that is under way counts, whether it has room yet or not", () =>
    Effect.gen(function*() {
      const { as, keep, pool, there } = yield* make(2, { interactive: {}, batch: { most: 1 } })
      there.script.destroy = () => Effect.sleep(5)
      const first = yield* hold(as("interactive", "x"))
      yield* as("interactive", "x")
      yield* first.release
      // what is idle at `x` goes for it, and takes its time
      const order: Array<string> = []
      yield* keep("batch", "y", order)
      yield* keep("batch", "x", order)
      yield* calm
      assert.deepStrictEqual(order, [])
      assert.deepInclude(yield* pool.stats, { invalid: 1, waiting: 2 })
      yield* TestClock.adjust(5)
      yield* calm
      assert.deepStrictEqual(order, ["batch y"])
      there.script.destroy = () => Effect.void
    }))
})

describe("what a class may have more goes to who has waited longest of it, at whatever key", () => {
  for (const [by, more] of choosers) {
    it.effect(`whose object is idle there, where ${by} chooses`, () =>
      Effect.gen(function*() {
        const { as, keep, pool, there } = yield* make(3, { interactive: {}, batch: { most: 1 } }, more)
        yield* pool.with("y", () => Effect.void)
        yield* pool.with("z", () => Effect.void)
        const first = yield* hold(as("batch", "x"))
        const order: Array<string> = []
        const z = yield* keep("batch", "z", order)
        yield* keep("batch", "y", order)
        // its own key has somebody who has come later
        yield* keep("batch", "x", order)
        yield* first.release
        yield* calm

        assert.deepStrictEqual(order, ["batch z"])
        yield* Fiber.interrupt(z)
        yield* calm
        assert.deepStrictEqual(order, ["batch z", "batch y"])
        assert.deepStrictEqual(there.gone, [])
      }))
  }

  it.effect("for whom an object of another key goes, or one is made where there is room", () =>
    Effect.gen(function*() {
      const { as, keep, there } = yield* make(1, { interactive: {}, batch: { most: 1 } })
      const first = yield* hold(as("batch", "x"))
      const order: Array<string> = []
      const y = yield* keep("batch", "y", order)
      yield* keep("batch", "x", order)
      yield* first.release
      yield* calm
      assert.deepStrictEqual(order, ["batch y"])
      assert.deepStrictEqual(there.gone, ["x1"])
      yield* Fiber.interrupt(y)
      yield* calm
      assert.deepStrictEqual(order, ["batch y", "batch x"])

      const roomy = yield* make(2, { interactive: {}, batch: { most: 1 } })
      const other = yield* hold(roomy.as("batch", "x"))
      yield* roomy.keep("batch", "y", order)
      yield* roomy.keep("batch", "x", order)
      yield* other.release
      yield* calm
      assert.strictEqual(order[2], "batch y")
      assert.deepStrictEqual(roomy.there.gone, [])
    }))

  it.effect("and within a key by priority", () =>
    Effect.gen(function*() {
      const { as, keep } = yield* make(2, { interactive: {}, batch: { most: 1 } })
      const first = yield* hold(as("batch", "x"))
      const order: Array<string> = []
      const low = yield* keep("batch", "y", order)
      const high = yield* keep("batch", "y", order, 1)
      yield* first.release
      yield* calm
      assert.deepStrictEqual([state(low), state(high)], ["waits", "waits"])
      assert.strictEqual(order.length, 1)
      yield* Fiber.interrupt(high)
      yield* calm
      assert.strictEqual(order.length, 2)
    }))

  it.effect("who waits for his class alone is in nobody's way", () =>
    Effect.gen(function*() {
      const { as, keep } = yield* make(2, { interactive: {}, batch: { most: 1 } })
      yield* as("batch", "x")
      for (const key of ["x", "y", "z"]) yield* keep("batch", key)
      yield* calm
      // there is room for one, whom others have preceded
      const first = yield* hold(as("interactive", "z"))
      yield* first.release
      yield* as("interactive", "y")
    }))

  it.effect("one whose time is over leaves it to the next, and says how much his class has", () =>
    Effect.gen(function*() {
      const { as, keep, pool } = yield* make(3, { interactive: {}, batch: { most: 1 } })
      const first = yield* hold(as("batch", "x"))
      const late = yield* start(Effect.flip(Effect.scoped(pool.borrowWith("y", { class: "batch", timeout: 10 }))))
      const order: Array<string> = []
      yield* keep("batch", "z", order)
      yield* TestClock.adjust(10)
      const failure = yield* Fiber.join(late)
      assert.deepInclude(failure, { _tag: "BorrowTimeout", class: "batch" })
      assert.match(String(failure), /class "batch".*1 lease/)
      yield* first.release
      yield* calm
      assert.deepStrictEqual(order, ["batch z"])
    }))
})

describe("among classes that wait, leases granted tend to their weights over all keys, within one lease each", () => {
  for (const [by, more] of choosers) {
    it.effect(`an object that comes back goes for a class whose turn it is, though others wait for its key, where ${by} chooses`, () =>
      Effect.gen(function*() {
        const { as, pool, there } = yield* make(1, { interactive: { weight: 3 }, batch: { weight: 1 } }, more)
        const first = yield* hold(as("batch", "hot"))
        const order: Array<string> = []
        const one = (name: Name, key: string) =>
          start(
            pool.with(key, () => Effect.andThen(Effect.sync(() => order.push(name)), Effect.sleep(1)), { class: name })
          )
        // a key for which somebody always waits does not keep what it has
        for (let i = 0; i < 12; i++) {
          yield* one("batch", "hot")
          yield* one("interactive", "cold")
        }
        yield* first.release
        for (let i = 0; i < 12; i++) {
          yield* calm
          yield* TestClock.adjust(1)
        }
        assert.isAtLeast(order.length, 12)
        const batch = order.slice(0, 12).filter((name) => name === "batch").length
        assert.isTrue(batch >= 2 && batch <= 4, order.join())
        assert.strictEqual(there.most, 1)
        for (let i = 0; i < 14; i++) yield* Effect.andThen(calm, TestClock.adjust(1))
        assert.deepInclude(yield* pool.stats, {
          leases: 0,
          waiting: 0,
          totals: { ...(yield* pool.stats).totals, borrowed: 25 }
        })
      }))
  }

  it.effect("of two whose turn is as near, that goes first of which somebody has come first, be it to another key", () =>
    Effect.gen(function*() {
      const { keep, pool } = yield* make(1, { interactive: {}, batch: {} })
      const first = yield* hold(pool.borrow("x"))
      const order: Array<string> = []
      yield* keep("interactive", "y", order)
      yield* keep("batch", "y", order)
      yield* keep("batch", "x", order)
      yield* keep("interactive", "x", order)
      yield* first.release
      yield* calm
      assert.deepStrictEqual(order, ["interactive x"])
    }))

  it.effect("an object of a key's minimum stays, and serves its own", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        ...world(2).options,
        size: { max: 2, perKey: { min: 1 } },
        classes: { interactive: { weight: 9 }, batch: {} },
        borrowTimeout: "Infinity",
        closing: { timeout: 0 }
      })
      const first = yield* hold(pool.borrowWith("x", { class: "batch" }))
      yield* hold(pool.borrowWith("y", { class: "interactive" }))
      const cold = yield* start(Effect.scoped(pool.borrowWith("y", { class: "interactive" })))
      const own = yield* start(Effect.scoped(Effect.andThen(pool.borrowWith("x", { class: "batch" }), Effect.never)))
      yield* first.release
      yield* calm
      assert.strictEqual(state(cold), "waits")
      assert.deepInclude(yield* pool.statsOf("x"), { leases: 1, waiting: 0 })
      yield* Fiber.interrupt(own)
    }))

  it.effect("nobody whose class has room starves beside a key that is always waited for", () =>
    Effect.gen(function*() {
      const { keep, pool } = yield* make(2, { interactive: { weight: 1000 }, batch: { weight: 0.001 } })
      const busy = (n: number): Effect.Effect<void> =>
        n === 0 ? Effect.void : Effect.andThen(
          Effect.ignore(pool.with("hot", () => Effect.sleep(1), { class: "interactive" })),
          () => busy(n - 1)
        )
      yield* Effect.forEach(Array.from({ length: 6 }), () => start(busy(50)))
      const order: Array<string> = []
      yield* keep("batch", "cold", order)
      yield* TestClock.adjust(1000)
      yield* calm
      assert.deepStrictEqual(order, ["batch cold"])
    }))
})

describe("a key of classes comes and goes", () => {
  it.effect("leases of a key that is being forgotten count for their class until they are over", () =>
    Effect.gen(function*() {
      const { as, classes, keep, pool } = yield* make(3, { interactive: {}, batch: { most: 1 } })
      const order: Array<string> = []
      yield* hold(as("batch", "x"))
      yield* keep("batch", "y", order)
      const lost = yield* start(Effect.flip(Effect.scoped(as("batch", "x"))))
      assert.isTrue(yield* pool.forget("x"))
      yield* calm
      assert.deepInclude(yield* Fiber.join(lost), { _tag: "PoolClosed" })
      assert.deepStrictEqual(order, ["batch y"])
      assert.deepInclude((yield* classes)["batch"], { leases: 1, waiting: 0 })
    }))

  it.effect("totals of a class are those of all keys, also of those that were forgotten", () =>
    Effect.gen(function*() {
      const { classes, pool } = yield* make(1, { interactive: {}, batch: {} })
      for (const key of ["x", "y", "z"]) yield* pool.with(key, () => Effect.void, { class: "batch" })
      yield* pool.forget("x")
      yield* TestClock.adjust("1 hour")
      assert.deepInclude((yield* classes)["batch"], { leases: 0, totals: { borrowed: 3, timedOut: 0, exhausted: 0 } })
    }))

  it.effect("nothing is lent while it is suspended; then each class has its turn", () =>
    Effect.gen(function*() {
      const { classes, keep, pool } = yield* make(2, { interactive: { reserve: 1 }, batch: { most: 1 } })
      yield* pool.suspend
      const order: Array<string> = []
      for (const key of ["x", "y"]) for (const name of ["batch", "interactive"] as const) yield* keep(name, key, order)
      yield* calm
      assert.deepStrictEqual(order, [])
      yield* pool.resume
      yield* calm
      assert.deepStrictEqual([...order].sort(), ["batch x", "interactive x"])
      assert.deepInclude((yield* classes)["batch"], { leases: 1, waiting: 1 })
    }))

  it.effect("when all is closed whoever waits fails, of whatever class and key", () =>
    Effect.gen(function*() {
      const { as, pool } = yield* make(1, { interactive: {}, batch: { most: 1 } })
      yield* hold(as("batch", "x"))
      const waiting = yield* Effect.forEach(["x", "y"], (key) => start(Effect.flip(Effect.scoped(as("batch", key)))))
      yield* start(pool.close)
      yield* calm
      for (const fiber of waiting) assert.deepInclude(yield* Fiber.join(fiber), { _tag: "PoolClosed" })
    }))
})

describe("what makes no sense of classes over all keys is refused", () => {
  const optionOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.map(Effect.exit(effect), (exit) => {
      const refused = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(refused, InvalidPoolOptions)
      return refused.option
    })

  it.effect("reserves above the whole, a class that was not declared, and any class where there are none", () =>
    Effect.gen(function*() {
      const acquire = (key: string) => Effect.succeed({ key })
      const many = { acquire, size: { max: 3 }, classes: { a: { reserve: 2 }, b: { reserve: 2 } } }
      assert.strictEqual(yield* optionOf(KeyedPool.make(many)), "classes.b.reserve")
      const pool = yield* KeyedPool.make({ ...many, size: { max: 4, perKey: { max: 1 } } })
      assert.strictEqual(yield* optionOf(Effect.scoped(pool.borrowWith("x", { class: "c" as "a" }))), "class")
      const plain = yield* KeyedPool.make({ acquire })
      assert.strictEqual(yield* optionOf(Effect.scoped(plain.borrowWith("x", { class: "a" as never }))), "class")
    }))

  it.effect("a whole below the reserves is a typed failure of `resize`; a key may be smaller than they are", () =>
    Effect.gen(function*() {
      const { as, pool } = yield* make(4, { interactive: { reserve: 3 }, batch: {} })
      const refused = yield* Effect.flip(pool.resize({ max: 2 }))
      assert.deepInclude(refused, { _tag: "InvalidPoolOptions", option: "size.max" })
      yield* pool.resizeKey("x", { max: 1 })
      yield* pool.resize({ max: 3 })
      // the reserve leaves nothing to the others
      const none = yield* Effect.flip(as("batch", "x"))
      assert.deepInclude(none, { _tag: "PoolExhausted", reason: "NoRoom", class: "batch" })
      yield* as("interactive", "x")
    }))

  it.effect("several at once of a key are a typed failure where there are classes", () =>
    Effect.gen(function*() {
      const { pool } = yield* make(4, { interactive: {}, batch: {} })
      for (const n of [2, 3]) {
        const refused = yield* Effect.flip(Effect.scoped(pool.borrowMany("x", n, { class: "batch" })))
        assert.deepInclude(refused, { _tag: "InvalidPoolOptions", option: "n" })
      }
      const [one] = yield* pool.borrowMany("x", 1, { class: "batch" })
      assert.strictEqual(one?.object.key, "x")
    }))

  it.effect("who waits is refused as the reserves leave nothing any more", () =>
    Effect.gen(function*() {
      const { as, pool } = yield* make(4, { interactive: { reserve: 3 }, batch: {} })
      yield* as("batch", "x")
      const waits = yield* start(Effect.flip(Effect.scoped(as("batch", "y"))))
      yield* pool.resize({ max: 3 })
      yield* calm
      assert.deepInclude(yield* Fiber.join(waits), { _tag: "PoolExhausted", reason: "NoRoom" })
    }))
})

describe("what is seen of classes over all keys", () => {
  it.effect("the counts of a key have those of all keys; events and metrics say the class", () =>
    Effect.gen(function*() {
      const { as, keep, pool } = yield* make(2, { interactive: {}, batch: { most: 1 } })
      yield* PoolMetrics.register(pool)
      const told: Array<string> = []
      yield* start(Stream.runForEach(pool.events, (event) =>
        Effect.sync(() => {
          if ("class" in event) told.push(`${event._tag} ${event.key} ${event.class}`)
        })))
      yield* Effect.yieldNow
      const first = yield* hold(as("batch", "x"))
      yield* keep("batch", "y")
      assert.deepInclude((yield* pool.statsOf("y"))!.classes!["batch"], { leases: 1, waiting: 1 })
      assert.deepStrictEqual((yield* pool.statsOf("y"))!.classes, (yield* pool.stats).classes)
      const shown = (yield* Metric.snapshot).filter(({ id }) => id.startsWith("pool.object.class."))
      assert.deepStrictEqual(
        new Map(shown.map(({ attributes, id, state }) => [
          `${id.slice("pool.object.class.".length)} ${attributes?.["class"]}`,
          (state as { readonly value?: unknown }).value
        ])),
        new Map([
          ["leases interactive", 0],
          ["leases batch", 1],
          ["pending_requests interactive", 0],
          ["pending_requests batch", 1]
        ])
      )
      yield* first.release
      yield* calm
      assert.deepStrictEqual(told, ["Borrowed x batch", "Released x batch", "Borrowed y batch"])
    }))

  it("with promises it is the same", async () => {
    await using pool = KeyedPromisePool.make({
      acquire: async (key: string): Promise<Thing> => ({ key, id: 1 }),
      size: { max: 3 },
      classes: { interactive: { reserve: 1 }, batch: { most: 1 } }
    })
    const first = await pool.borrow("x", { class: "batch" })
    const second = pool.borrow("y", { class: "batch" })
    await pool.with("y", ({ key }) => assert.strictEqual(key, "y"), { class: "interactive" })
    assert.deepInclude(pool.stats().classes!["batch"], { leases: 1, waiting: 1 })
    assert.throws(() => pool.borrowSync("y", { class: "batch" }))
    await first.release()
    const lease = await second
    assert.strictEqual(lease.object.key, "y")
    await lease.release()
    let refused: unknown
    await pool.borrow("x", { class: "none" as "batch" }).catch((error: unknown) => {
      refused = error
    })
    assert.instanceOf(refused, InvalidPoolOptions)
  })
})

describe("what is listed for a class that has room again", () => {
  it.effect("is detected for one of its waiters alone", () =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<"Available">()
      let slow = false
      let asked = 0
      const pool = yield* KeyedPool.make({
        ...world(2).options,
        size: { max: 2 },
        classes: { interactive: {}, batch: { most: 1 } },
        detectStatus: () => {
          asked++
          return slow ? Deferred.await(answer) : "Available"
        },
        detection: { onBorrow: true },
        closing: { timeout: 0 }
      })
      const batch = (key: string) =>
        start(Effect.scoped(Effect.andThen(pool.borrowWith(key, { class: "batch" }), Effect.never)))
      yield* pool.with("y", () => Effect.void)
      const first = yield* hold(pool.borrowWith("x", { class: "batch" }))
      yield* batch("y")
      yield* batch("y")
      yield* calm
      slow = true
      asked = 0

      yield* first.release
      yield* calm

      assert.strictEqual(asked, 1)
      assert.deepInclude((yield* pool.stats).classes!["batch"], { leases: 0, waiting: 2 })
      yield* Deferred.succeed(answer, "Available")
      yield* calm
      assert.strictEqual(asked, 1)
      assert.deepInclude((yield* pool.stats).classes!["batch"], { leases: 1, waiting: 1 })
    }))
})

describe("a grant of a class that crosses keys is interrupted", () => {
  const cross = (window: Window, max: number, classes: Both) =>
    Effect.scoped(Effect.gen(function*() {
      const { as, keep, pool, there } = yield* make(max, classes)
      const first = yield* hold(as("batch", "x"))
      const own = yield* keep("batch", "x")
      const leaving = yield* start(pool.with("y", () => Effect.void, { class: "interactive" }))
      const order: Array<string> = []
      const next = yield* keep("interactive", "z", order)
      yield* start(first.release)
      yield* window.interrupt(leaving)
      yield* calm
      assert.deepStrictEqual(order.concat(), ["interactive z"], window.toString())
      yield* Fiber.interrupt(next)
      yield* calm
      yield* Fiber.interrupt(own)
      yield* calm
      const stats = yield* pool.stats
      assert.deepInclude(stats, { leases: 0, waiting: 0, making: 0, invalid: 0 }, window.toString())
      for (const { leases, waiting } of Object.values(stats.classes!)) assert.deepStrictEqual([leases, waiting], [0, 0])
      assert.isAtMost(there.most, max)
      // nothing of a class is lost
      const free = max - (classes.interactive.reserve ?? 0)
      yield* Effect.scoped(Effect.forEach(Array.from({ length: free }), (_, i) => pool.borrow(`k${i}`)))
    }))

  sweepInPieces(
    "what was to go for it goes for the next whose turn it is",
    (window) => cross(window, 1, { interactive: { weight: 1000 }, batch: { weight: 0.001 } })
  )
  sweepInPieces(
    "what its class may have goes to the next of that",
    (window) => cross(window, 3, { interactive: { most: 1, reserve: 1, weight: 1000 }, batch: { most: 1 } })
  )
})
