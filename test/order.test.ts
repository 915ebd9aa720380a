/**
 * Waiters are served in their order, whatever is prepared, detected or chosen for them, and whoever comes meanwhile; those
 * who were suspended as those who come (promises 4, 5 and 25).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type ObjectPool, type PooledObject, Selector } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { quietly } from "./support/observed.ts"
import { balanced } from "./support/scripted.ts"

/** The first, after a while. */
const slowly = Selector.make((available: ReadonlyArray<PooledObject<string>>) =>
  Effect.as(Effect.sleep("10 millis"), available[0])
)
const selectors = { "a built-in selector": Selector.random, "a selector that takes time": slowly }

/** What takes a second, and fails for one of the objects. */
const oneSecond = (bad: string) => ({ object }: PooledObject<string>) =>
  Effect.andThen(Effect.sleep("1 second"), object === bad ? Effect.fail("broken") : Effect.void)

/** What is done for a borrower before its lease, and goes wrong for object "a". */
const preparations = {
  onBorrow: { onBorrow: oneSecond("a") },
  "onBorrow, and onRelease after it": { onBorrow: oneSecond("a"), onRelease: () => Effect.sleep("1 second") },
  "a detection": {
    detectStatus: (pooled: PooledObject<string>) => Effect.as(oneSecond("a")(pooled), "Available" as const),
    detection: { onAdd: false, onBorrow: true }
  },
  "a detection, and onBorrow": {
    detectStatus: (pooled: PooledObject<string>) => Effect.as(oneSecond("a")(pooled), "Available" as const),
    detection: { onAdd: false, onBorrow: true },
    onBorrow: () => Effect.sleep("1 second")
  }
} as const

/** Runs with `onBorrow` and detections that go well at once, until it is told to begin. */
const lent = (options: object) =>
  Effect.gen(function*() {
    let begun = false
    const bad = <F extends (pooled: never) => unknown>(f: F | undefined, before: unknown) =>
      f && ((pooled: never) => begun ? f(pooled) : before)
    const { detectStatus, onBorrow, onRelease, ...rest } = options as Record<string, (pooled: never) => unknown>
    const given = {
      objects: ["a", "b"],
      ...rest,
      ...detectStatus && { detectStatus: bad(detectStatus, "Available") },
      ...onBorrow && { onBorrow: bad(onBorrow, undefined) },
      ...onRelease && { onRelease: bad(onRelease, undefined) }
    }
    const pool: ObjectPool<string> = yield* quietly(make<string>(given as never))
    const holders = yield* Effect.forEach(
      ["a", "b"],
      (name) => start(hold(pool.borrowWith({ where: ({ object }) => object === name })))
    )
    yield* TestClock.adjust("1 second")
    const [a, b] = yield* Effect.forEach(holders, Fiber.join)
    return { pool, a: a!, b: b!, begin: () => (begun = true) }
  })

/** Keeps each in order of its lease. */
const named = (pool: ObjectPool<string>, got: Array<string>) => (name: string, priority = 0) =>
  start(Effect.scoped(Effect.flatMap(pool.borrowWith({ priority, timeout: "1 hour" }), ({ object }) => {
    got.push(`${name}: ${object}`)
    return Effect.sleep("1 minute")
  })))

for (const [how, select] of Object.entries(selectors)) {
  describe(`with ${how}`, () => {
    for (const [what, preparation] of Object.entries(preparations)) {
      it.effect(`a newcomer does not overtake one for whom ${what} fails meanwhile`, () =>
        Effect.gen(function*() {
          const { a, b, begin, pool } = yield* lent({ select, ...preparation })
          const got: Array<string> = []
          const borrow = named(pool, got)
          yield* borrow("waiter")
          begin()
          yield* a.release
          yield* TestClock.adjust("100 millis")
          yield* b.release
          yield* TestClock.adjust("500 millis")

          yield* borrow("newcomer")
          yield* TestClock.adjust("30 seconds")
          assert.deepStrictEqual(got, ["waiter: b"])

          yield* TestClock.adjust("2 minutes")
          assert.deepStrictEqual(got.slice(0, 2), ["waiter: b", "newcomer: b"])
        }))

      it.effect(`one of a higher priority has what ${what} makes ready for another`, () =>
        Effect.gen(function*() {
          const { b, begin, pool } = yield* lent({ select, ...preparation })
          const got: Array<string> = []
          const borrow = named(pool, got)
          yield* borrow("low")
          begin()
          yield* b.release
          yield* TestClock.adjust("500 millis")
          yield* borrow("high", 1)
          yield* TestClock.adjust("30 seconds")

          assert.deepStrictEqual(got, ["high: b"])
        }))
    }

    it.effect("nothing is prepared twice where nobody has lost what was prepared for it", () =>
      Effect.gen(function*() {
        const prepared: Array<string> = []
        const pool = yield* make({
          objects: ["a", "b", "c"],
          select,
          onBorrow: ({ object }) => {
            prepared.push(object)
            return Effect.sleep(object === "a" ? "3 seconds" : "1 second")
          }
        })
        const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
        yield* TestClock.adjust("5 seconds")

        assert.deepStrictEqual(borrowers.map(state), ["ok", "ok", "ok"])
        assert.deepStrictEqual(prepared.toSorted(), ["a", "b", "c"])
      }))

    it.effect("one that declines what is due to it, or may not have it, does not keep it from another", () =>
      Effect.gen(function*() {
        const pool = yield* quietly(make({
          objects: ["a", "b"],
          onBorrow: oneSecond("a"),
          select: how.startsWith("a built-in") ?
            select :
            Selector.make<string, undefined>((available) =>
              Effect.succeed(available.find(({ object }) => object !== "b") ?? (asks++ > 3 ? available[0] : undefined))
            )
        }))
        let asks = 0
        const picky = yield* start(hold(pool.borrowWith({ where: ({ object }) => object === "a", timeout: "1 hour" })))
        yield* TestClock.adjust("500 millis")
        const other = yield* start(hold(pool.borrowWith({ timeout: "1 hour" })))
        yield* TestClock.adjust("10 seconds")
        if (state(other) === "waits") {
          // it was declined for the other as well: what has changed is asked about again
          for (let i = 0; i < 5; i++) yield* pool.add(`more ${i}`)
          yield* TestClock.adjust("10 seconds")
        }

        assert.deepStrictEqual([state(picky), state(other)], ["waits", "ok"])
      }))
  })
}

describe("one that comes in the middle of a step", () => {
  it.effect("from within a weight does not overtake those who wait for what is shared", () =>
    Effect.gen(function*() {
      const got: Array<readonly [lease: number, name: string]> = []
      let comes = false
      const pool: ObjectPool<string> = yield* make<string>({
        objects: ["a"],
        sharing: 3,
        select: Selector.weighted(() => {
          if (comes) {
            comes = false
            Effect.runFork(borrow("newcomer"))
          }
          return 1
        })
      })
      const borrow = (name: string) =>
        pool.with(({ id }) => Effect.andThen(Effect.sync(() => got.push([id, name])), Effect.never))
      for (let i = 0; i < 3; i++) yield* hold(pool.borrow)
      yield* start(borrow("first"))
      yield* start(borrow("second"))

      comes = true
      yield* pool.add("b")
      yield* settle

      const inOrder = got.toSorted(([one], [other]) => one - other)
      assert.deepStrictEqual(inOrder.map(([, name]) => name), ["first", "second", "newcomer"])
    }))

  it.effect("from within the `where` of one that waits does not overtake the next", () =>
    Effect.gen(function*() {
      const got: Array<string> = []
      let comes = false
      const pool = yield* make<string>({ objects: ["a"] })
      const borrow = (name: string, where = () => true) =>
        pool.with(({ object }) => Effect.as(Effect.never, got.push(`${name}: ${object}`)), { where })
      const held = yield* hold(pool.borrow)
      yield* start(borrow("picky", () => {
        if (comes) {
          comes = false
          Effect.runFork(borrow("newcomer"))
        }
        return false
      }))
      yield* start(borrow("second"))

      comes = true
      yield* held.release
      yield* settle

      assert.deepStrictEqual(got, ["second: a"])
      assert.deepInclude(yield* balanced(pool), { waiting: 2 })
    }))
})

describe("resume", () => {
  for (const [how, select] of Object.entries(selectors)) {
    it.effect(`serves those who wait, in order, from what is free, and has nothing made: ${how}`, () =>
      Effect.gen(function*() {
        let made = 0
        const pool = yield* make<string>({
          acquire: Effect.delay(Effect.sync(() => `made ${++made}`), "1 second"),
          objects: ["a", "b", "c"],
          select
        })
        yield* pool.suspend
        const got: Array<string> = []
        const borrow = named(pool, got)
        for (const name of ["first", "second", "third"]) yield* borrow(name)
        yield* borrow("high", 1)

        yield* pool.resume
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual(got.map((each) => each.split(":")[0]), ["high", "first", "second"])
        assert.deepInclude(yield* balanced(pool), { making: 1, waiting: 1 })
        yield* TestClock.adjust("10 seconds")

        assert.deepStrictEqual([got.length, made], [4, 1])
      }))

    it.effect(`has nothing made, though room becomes free meanwhile: ${how}`, () =>
      Effect.gen(function*() {
        let made = 0
        const pool = yield* make<string>({
          acquire: Effect.sync(() => `made ${++made}`),
          objects: ["a", "b", "c", "d"],
          select
        })
        yield* pool.suspend
        let removed = false
        const where = ({ object }: PooledObject<string>) => {
          if (!removed) {
            removed = true
            Effect.runSync(pool.remove("d"))
          }
          return object !== "d"
        }
        const borrowers = [
          yield* start(hold(pool.borrowWith({ where }))),
          yield* start(hold(pool.borrow)),
          yield* start(hold(pool.borrow))
        ]

        yield* pool.resume
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual([borrowers.map(state), made], [["ok", "ok", "ok"], 0])
      }))
  }
})

describe("a selector that takes time", () => {
  it.effect("has no more made than there are borrowers", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make({
        acquire: Effect.delay(Effect.sync(() => `made ${++made}`), "1 second"),
        select: slowly
      })
      const borrowers = yield* Effect.forEach([1, 2, 3, 4], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual([borrowers.map(state), made], [["ok", "ok", "ok", "ok"], 4])
      assert.strictEqual((yield* Effect.forEach(borrowers, Fiber.join)).length, 4)
    }))
})
