/**
 * Classes of borrowers: how much each may have of a pool, and how they take turns.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type ClassOptions, InvalidPoolOptions, ObjectPool, type PooledObject } from "../src/index.ts"
import { sweepInPieces } from "./support/sweep.ts"

type Name = "interactive" | "batch"
type Both = { readonly [N in Name]: ClassOptions }

const objects = ["a", "b", "c", "d"]

const make = (classes: Both, more: { readonly sharing?: number } = {}) =>
  ObjectPool.make({ objects, classes, borrowTimeout: "Infinity", closing: { timeout: 0 }, ...more })

const begin = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Borrowers of classes, each of whom says as he is served who he is, and keeps his object for a millisecond. */
const load = (pool: Effect.Success<ReturnType<typeof make>>) => {
  const order: Array<string> = []
  const one = (name: Name | undefined, said: string = name ?? "none", priority = 0) =>
    pool.with(
      () => Effect.andThen(Effect.sync(() => order.push(said)), Effect.sleep(1)),
      name === undefined ? { priority } : { class: name, priority }
    )
  const several = (n: number, name: Name | undefined) =>
    Effect.forEach(Array.from({ length: n }), () => begin(one(name)), { discard: true })
  return { one, order, several }
}

describe("leases of a class never exceed `most`; as long as a class has fewer than `reserve`, the others leave it that many", () => {
  it.effect("a class that has as many as it may waits, though objects are free", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: {}, batch: { most: 2 } })
      const batch = pool.borrowWith({ class: "batch" })
      yield* batch
      const second = yield* batch

      const third = yield* begin(Effect.scoped(batch))
      yield* pool.borrowWith({ class: "interactive" })

      const stats = yield* pool.stats
      assert.deepInclude(stats.classes!["batch"], { leases: 2, waiting: 1, most: 2 })
      assert.deepInclude(stats.classes!["interactive"], { leases: 1, waiting: 0 })
      assert.strictEqual(stats.available, 1)
      yield* second.release
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(third)))
    })))

  it.effect("the others, and those who name no class, leave a class its reserve", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: { reserve: 2 }, batch: {} })
      yield* pool.borrowWith({ class: "batch" })
      yield* pool.borrow

      const refused = yield* Effect.flip(pool.tryBorrowWith({ class: "batch" }))
      const plain = yield* Effect.flip(pool.tryBorrow)

      assert.deepInclude(refused, { _tag: "PoolExhausted", reason: "NoneAvailable", class: "batch" })
      assert.include(refused.message, "class \"batch\": 1 lease, 0 waiting")
      assert.strictEqual(plain._tag, "PoolExhausted")
      assert.notProperty(plain, "class")
      yield* pool.borrowWith({ class: "interactive" })
      yield* pool.borrowWith({ class: "interactive" })
      assert.strictEqual((yield* pool.stats).leases, 4)
    })))

  it.effect("what comes back goes to who may have it", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: { reserve: 3 }, batch: {} })
      const held = [
        yield* pool.borrowWith({ class: "interactive" }),
        yield* pool.borrowWith({ class: "interactive" }),
        yield* pool.borrowWith({ class: "interactive" }),
        yield* pool.borrowWith({ class: "batch" })
      ]
      const waiting = yield* begin(Effect.scoped(pool.borrowWith({ class: "batch" })))

      for (const lease of held.slice(0, 3)) yield* lease.release
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* pool.stats, { available: 3, waiting: 1 })

      yield* held[3]!.release
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(waiting)))
    })))

  it.effect("nothing is made for a class that may not have it, nor in the room of the reserve of another", () =>
    Effect.scoped(Effect.gen(function*() {
      let made = 0
      const pool = yield* ObjectPool.make({
        acquire: Effect.andThen(Effect.sleep(10), Effect.sync(() => ++made)),
        size: { max: 5 },
        classes: { interactive: { reserve: 2 }, batch: {}, rare: { most: 1 } },
        closing: { timeout: 0 }
      })
      for (let i = 0; i < 3; i++) yield* begin(Effect.scoped(pool.borrowWith({ class: "rare" })))
      assert.strictEqual((yield* pool.stats).making, 1)
      for (let i = 0; i < 4; i++) yield* begin(pool.borrowWith({ class: "batch" }))
      assert.strictEqual((yield* pool.stats).making, 3)
      yield* begin(pool.borrowWith({ class: "interactive" }))
      assert.strictEqual((yield* pool.stats).making, 4)
    })))

  it.effect("what is idle in a reserve serves another class as room for that becomes free: none is made", () =>
    Effect.scoped(Effect.gen(function*() {
      let made = 0
      const end = yield* Deferred.make<void>()
      const pool = yield* ObjectPool.make({
        acquire: Effect.acquireRelease(Effect.sync(() => ++made), () => Deferred.await(end)),
        size: { max: 2 },
        classes: { interactive: { reserve: 1 }, batch: {} }
      })
      const interactive = yield* pool.borrowWith({ class: "interactive" })
      const batch = yield* pool.borrowWith({ class: "batch" })
      yield* interactive.release
      const waiting = yield* begin(pool.with(({ object }) => Effect.succeed(object), { class: "batch" }))
      yield* batch.invalidate
      yield* batch.release
      assert.isUndefined(waiting.pollUnsafe())

      yield* Deferred.succeed(end, undefined)

      assert.strictEqual(yield* Fiber.join(waiting), 1)
      assert.strictEqual(made, 2)
    })))

  it.effect("each lease of a shared object counts, and each of `borrowMany`", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        sharing: 3,
        classes: { interactive: { reserve: 2 }, batch: { most: 3 } }
      })
      yield* pool.borrowMany(2, { class: "batch" })
      yield* pool.borrowWith({ class: "batch" })
      assert.strictEqual((yield* Effect.flip(pool.tryBorrowWith({ class: "batch" })))._tag, "PoolExhausted")
      yield* pool.borrow
      assert.strictEqual((yield* Effect.flip(pool.tryBorrow))._tag, "PoolExhausted")
      yield* pool.borrowMany(2, { class: "interactive" })
      assert.strictEqual((yield* pool.stats).leases, 6)
    })))
})

describe("among classes that wait, leases granted tend to their weights over any stretch in which all of them wait, within one lease each", () => {
  it.effect("whatever has come first, and in every stretch", () =>
    Effect.scoped(Effect.gen(function*() {
      const weights = { interactive: 5, batch: 2, none: 1 }
      const pool = yield* make({ interactive: { weight: 5 }, batch: { weight: 2 } })
      const { order, several } = load(pool)
      yield* several(60, "batch")
      yield* several(60, undefined)
      yield* several(120, "interactive")
      for (let i = 0; i < 60; i++) yield* TestClock.adjust(1)

      // the first were served as they came; after that all wait until the first of them has nobody left
      const all = order.slice(objects.length, order.lastIndexOf("interactive") + 1)
      for (let from = 0; from < all.length; from++) {
        const got = { interactive: 0, batch: 0, none: 0 }
        for (const name of all.slice(from)) {
          got[name as keyof typeof got]++
          for (const one of ["interactive", "batch", "none"] as const) {
            for (const other of ["interactive", "batch", "none"] as const) {
              const apart = got[one] / weights[one] - got[other] / weights[other]
              const most = 1 / weights[one] + 1 / weights[other] + 1e-9
              if (apart > most) assert.fail(`${one} is ${apart} before ${other}: ${all.slice(from).join(" ")}`)
            }
          }
        }
      }
    })))

  it.effect("a class that did not wait has saved up nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: {}, batch: {} })
      const { order, several } = load(pool)
      yield* several(100, "batch")
      for (let i = 0; i < 15; i++) yield* TestClock.adjust(1)
      yield* several(30, "interactive")
      const from = order.length
      for (let i = 0; i < 4; i++) yield* TestClock.adjust(1)
      const batch = order.slice(from).filter((name) => name === "batch")
      assert.strictEqual(order.length - from, 16)
      assert.closeTo(batch.length, 8, 1)
    })))
})

describe("none that has room by its `most` starves; within a class the order is priority, then arrival", () => {
  it.effect("a class of little weight is served in its turn", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: { weight: 100 }, batch: {} })
      const { one, order, several } = load(pool)
      yield* several(204, "interactive")
      yield* begin(one("batch"))
      for (let i = 0; i < 60; i++) yield* TestClock.adjust(1)
      assert.isAtMost(order.indexOf("batch"), 4 + 101)
    })))

  it.effect("a higher priority comes first among its own, and not before another class", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        classes: { interactive: {}, batch: {} },
        borrowTimeout: "Infinity",
        closing: { timeout: 0 }
      })
      const { one, order } = load(pool)
      yield* begin(one("batch", "first"))
      yield* begin(one("interactive", "i1"))
      yield* begin(one("batch", "b1"))
      yield* begin(one("batch", "b2", 9))
      yield* begin(one("batch", "b3", 9))
      yield* begin(one("interactive", "i2"))
      for (let i = 0; i < 8; i++) yield* TestClock.adjust(1)
      assert.deepStrictEqual(order.filter((said) => said.startsWith("b")), ["b2", "b3", "b1"])
      assert.deepStrictEqual(order.filter((said) => said.startsWith("i")), ["i1", "i2"])
      assert.isBelow(order.indexOf("i1"), order.indexOf("b3"))
    })))
})

describe("what makes no sense is refused", () => {
  const refusal = (classes: unknown, max = 4) =>
    Effect.map(
      Effect.exit(
        Effect.scoped(ObjectPool.make({ acquire: Effect.succeed(1), size: { max }, classes: classes as {} }))
      ),
      (exit) => Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Die" ? exit.cause.reasons[0].defect : undefined
    )

  for (
    const [classes, option] of [
      [{ a: { reserve: 3 }, b: { reserve: 2 } }, "classes.b.reserve"],
      [{ a: { reserve: 3, most: 2 } }, "classes.a.most"],
      [{ a: { reserve: -1 } }, "classes.a.reserve"],
      [{ a: { reserve: 0.5 } }, "classes.a.reserve"],
      [{ a: { reserve: NaN } }, "classes.a.reserve"],
      [{ a: { most: 0 } }, "classes.a.most"],
      [{ a: { most: 1.5 } }, "classes.a.most"],
      [{ a: { weight: 0 } }, "classes.a.weight"],
      [{ a: { weight: -2 } }, "classes.a.weight"],
      [{ a: { weight: NaN } }, "classes.a.weight"],
      [{ a: { weight: Infinity } }, "classes.a.weight"],
      [{ a: { wieght: 1 } }, "classes.a.wieght"],
      [{ a: undefined }, "classes.a"],
      [{ a: 3 }, "classes.a"],
      [["a"], "classes"],
      ["a", "classes"]
    ] as const
  ) {
    it.effect(`${option}, in ${JSON.stringify(classes)}`, () =>
      Effect.gen(function*() {
        const defect = yield* refusal(classes)
        assert.instanceOf(defect, InvalidPoolOptions)
        assert.strictEqual((defect as InvalidPoolOptions).option, option)
      }))
  }

  it.effect("a class that was not declared, and any class of a pool that has none, are defects of the borrower", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: {}, batch: {} })
      const plain = yield* ObjectPool.make({ objects })
      for (
        const [borrow, allowed] of [
          [pool.borrowWith({ class: "bacth" as never }), "\"interactive\" or \"batch\""],
          [pool.borrowWith({ class: 1 as never }), "\"interactive\" or \"batch\""],
          [plain.borrowWith({ class: "batch" as never }), "left out: the pool has no classes"]
        ] as const
      ) {
        const exit = yield* Effect.exit(borrow)
        const reason = Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
        assert.deepInclude(reason?._tag === "Die" ? reason.defect : undefined, { option: "class", allowed })
      }
    })))

  it.effect("a `resize` below the reserves, and more at once than a class may ever have, are typed failures", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        acquire: Effect.succeed(1),
        size: { max: 6 },
        classes: { interactive: { reserve: 3 }, batch: { most: 2 } }
      })
      assert.deepInclude(yield* Effect.flip(pool.resize({ max: 2 })), { option: "size.max", value: "2" })
      assert.deepInclude(yield* Effect.flip(pool.borrowMany(3, { class: "batch" })), { option: "n", value: "3" })
      assert.deepInclude(yield* Effect.flip(pool.borrowMany(4)), { option: "n", value: "4" })
      assert.lengthOf(yield* pool.borrowMany(3), 3)
    })))

  it.effect("a borrower to whom the reserves of others leave nothing is refused at once, also as the pool shrinks", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        acquire: Effect.succeed(1),
        size: { max: 4 },
        classes: { interactive: { reserve: 3 } },
        closing: { timeout: 0 }
      })
      yield* pool.borrow
      const waiting = yield* begin(Effect.flip(pool.borrow))
      yield* pool.resize({ max: 3 })
      const refused = yield* Fiber.join(waiting)
      assert.deepInclude(refused, { _tag: "PoolExhausted", reason: "NoRoom" })
      assert.deepInclude(yield* Effect.flip(pool.borrow), { _tag: "PoolExhausted", reason: "NoRoom" })
    })))
})

describe("what is seen of classes", () => {
  it.effect("events say the class of who has borrowed, given back, timed out, or was refused", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: {}, batch: { most: 1 } })
      const heard: Array<readonly [string, unknown]> = []
      yield* begin(Stream.runForEach(pool.events, (event) =>
        Effect.sync(() => {
          if (event._tag === "Borrowed" || event._tag === "Released" || event._tag.startsWith("Waiter")) {
            heard.push([event._tag, "class" in event ? event.class : undefined])
          }
        })))
      yield* TestClock.adjust(1)
      yield* pool.with(() =>
        Effect.gen(function*() {
          const late = yield* begin(Effect.flip(pool.with(() => Effect.void, { class: "batch", timeout: 10 })))
          yield* TestClock.adjust(10)
          assert.deepInclude(yield* Fiber.join(late), { _tag: "BorrowTimeout", class: "batch" })
          yield* Effect.flip(pool.tryBorrowWith({ class: "batch" }))
        }), { class: "batch" })
      yield* pool.with(() => Effect.void)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(heard, [
        ["Borrowed", "batch"],
        ["WaiterTimedOut", "batch"],
        ["WaiterRefused", "batch"],
        ["Released", "batch"],
        ["Borrowed", undefined],
        ["Released", undefined]
      ])
      assert.deepInclude((yield* pool.stats).classes!["batch"]!.totals, { borrowed: 1, timedOut: 1, exhausted: 1 })
    })))
})

describe("a pool with classes that is suspended, or closed", () => {
  it.effect("lends nothing meanwhile, and serves the classes in their turn as it goes on", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: { weight: 3 }, batch: { most: 3 } })
      yield* pool.suspend
      const { order, several } = load(pool)
      yield* several(8, "batch")
      yield* several(8, "interactive")
      yield* TestClock.adjust(1)
      assert.lengthOf(order, 0)
      yield* pool.resume
      for (let i = 0; i < 8; i++) yield* TestClock.adjust(1)
      assert.deepStrictEqual(order.slice(0, 4).sort(), ["batch", "interactive", "interactive", "interactive"])
      assert.lengthOf(order, 16)
    })))

  it.effect("fails who waits, of whatever class", () =>
    Effect.gen(function*() {
      const ends = yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* make({ interactive: { reserve: 4 }, batch: { most: 1 } })
        yield* Effect.forEach([1, 2, 3, 4], () => pool.borrowWith({ class: "interactive" }))
        const waiting = yield* Effect.forEach(["interactive", "interactive"] as const, (name) =>
          begin(Effect.flip(pool.borrowWith({ class: name }))))
        yield* pool.close
        return yield* Effect.forEach(waiting, (fiber) =>
          Fiber.join(fiber))
      }))
      assert.deepStrictEqual(ends.map(({ _tag }) => _tag), ["PoolClosed", "PoolClosed"])
    }))
})

describe("a borrower of several", () => {
  it.effect("never waits for one of another class that waits for him", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* make({ interactive: { weight: 5 }, batch: {} })
      const held = yield* pool.borrowMany(4)
      const several = (name: Name) => begin(Effect.scoped(pool.borrowMany(3, { class: name })))
      const waiting = [yield* several("batch"), yield* several("interactive"), yield* several("batch")]
      for (const lease of held) yield* lease.release
      yield* TestClock.adjust(1)
      for (const fiber of waiting) assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      assert.deepInclude(yield* pool.stats, { available: 4, leases: 0, waiting: 0 })
    })))
})

describe("a borrower for whom three objects were made in vain", () => {
  const select = (available: ReadonlyArray<PooledObject<number>>) => available[0]
  const kinds = [
    ["without classes", {}],
    ["with classes", { classes: { interactive: {}, batch: {} } }],
    ["with a selector of one's own", { select }]
  ] as const
  for (const [how, options] of kinds) {
    it.effect(`has one detected that nobody else wants, without a pause, ${how}`, () =>
      Effect.scoped(Effect.gen(function*() {
        let made = 0
        const pool = yield* ObjectPool.make({
          acquire: Effect.andThen(Effect.sleep(10), Effect.sync(() => ++made)),
          size: { max: 10 },
          detectStatus: ({ object }: { readonly object: number }) => object <= 3 ? "Unknown" : "Available",
          detection: { onBorrow: true },
          ...options
        })
        const borrow = (name: Name) => "classes" in options ? pool.borrowWith({ class: name as never }) : pool.borrow
        const waiting = yield* begin(Effect.scoped(borrow("interactive")))
        yield* TestClock.adjust(30)
        assert.deepInclude(yield* pool.stats, { unknown: 3, making: 0, waiting: 1 })
        const leaving = yield* begin(Effect.scoped(borrow("batch")))
        yield* TestClock.adjust(5)
        yield* Fiber.interrupt(leaving)

        yield* TestClock.adjust(5)

        assert.strictEqual((yield* Fiber.join(waiting)).object, 4)
      })))
  }
})

describe("a waiter of a class that is interrupted", () => {
  sweepInPieces(
    "at any step leaves nothing behind with its class, and the next is served",
    (window) =>
      Effect.scoped(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({
          acquire: Effect.as(Effect.yieldNow, {}),
          size: { max: 2 },
          classes: { people: { reserve: 1 }, batch: { most: 1 } },
          detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
          detection: { onBorrow: true },
          onBorrow: () => Effect.yieldNow,
          borrowTimeout: "Infinity",
          closing: { timeout: 0 }
        })
        const batch = pool.with(() => Effect.yieldNow, { class: "batch" })
        const first = yield* begin(batch)
        const second = yield* begin(batch)
        const people = yield* begin(pool.with(() => Effect.yieldNow, { class: "people" }))
        yield* window.interrupt(first)
        yield* Fiber.join(second)
        yield* Fiber.join(people)
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow
        const { classes, leases, waiting } = yield* pool.stats
        assert.deepStrictEqual([leases, waiting], [0, 0], String(window))
        for (const counts of Object.values(classes!)) {
          assert.deepInclude(counts, { leases: 0, waiting: 0 }, String(window))
        }
        // neither does anything count that was under way
        yield* pool.with(() => Effect.void, { class: "batch" })
        yield* pool.withMany(1, () => Effect.void, { class: "people" })
      }))
  )
})
