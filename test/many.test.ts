/**
 * Borrowing several at once, all or nothing: `borrowMany` and `withMany`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import type { Lease, PooledObject } from "../src/index.ts"
import { hold, make, only, serves, settle, start, state } from "./support/borrowers.ts"
import { balanced } from "./support/scripted.ts"
import { sweepInPieces } from "./support/sweep.ts"

type Many<A> = Effect.Effect<ReadonlyArray<Lease<A>>, unknown, Scope.Scope>

/** Borrows several under a scope that stays open. */
const keepAll = <A>(borrow: Many<A>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const leases = yield* Scope.provide(borrow, scope)
    return { objects: leases.map(({ object }) => object), leases, release: Scope.close(scope, Exit.void) }
  })

/** Lets one thing follow another for a while. */
const turns = (times: number) => Effect.repeat(settle, { times })

const letters = (n: number) => Array.from({ length: n }, (_, i) => "abcdefgh"[i]!)

describe("borrowMany", () => {
  it.effect("grants n at once, each of another object", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(3) })
      const { objects, release } = yield* keepAll(pool.borrowMany(3))
      assert.deepStrictEqual([...objects].sort(), ["a", "b", "c"])
      assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 3 })
      yield* release
      yield* serves(pool, 3)
    }))

  it.effect("makes what it lacks at the same time", () =>
    Effect.gen(function*() {
      let made = 0
      const acquire = Effect.delay(Effect.sync(() => ++made), "1 second")
      const pool = yield* make({ acquire, size: { max: 4 } })
      const all = yield* start(keepAll(pool.borrowMany(4)))
      assert.deepInclude(yield* pool.stats, { making: 4 })
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.strictEqual(state(all), "ok")
      assert.strictEqual(made, 4)
    }))

  it.effect("has what it waits for set aside for it, and those behind it wait", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      const first = yield* hold(pool.borrow)
      const all = yield* start(keepAll(pool.borrowMany(2)))
      const behind = yield* start(hold(pool.borrow))
      const never = yield* Effect.exit(hold(pool.borrowWith({ timeout: 0 })))
      yield* settle
      assert.isTrue(Exit.isFailure(never))
      // what is set aside is no lease yet
      assert.deepInclude(yield* balanced(pool), { leases: 1, available: 1, waiting: 2 })
      yield* first.release
      yield* settle

      assert.deepStrictEqual([state(all), state(behind)], ["ok", "waits"])
      yield* (yield* Fiber.join(all)).release
      yield* settle
      assert.strictEqual(state(behind), "ok")
    }))

  it.effect("lets those behind it have what it cannot use", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(3) })
      const held = yield* keepAll(pool.borrowMany(3))
      const all = yield* start(keepAll(pool.borrowMany(2, { where: ({ object }) => object !== "c" })))
      const behind = yield* start(hold(pool.borrow))
      yield* held.leases.find(({ object }) => object === "c")!.release
      yield* settle
      assert.deepStrictEqual([state(all), state(behind)], ["waits", "ok"])
    }))

  it.effect("has all of it go on to the next at its deadline", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      const first = yield* hold(pool.borrow)
      const all = yield* start(Effect.flip(keepAll(pool.borrowMany(2, { timeout: "1 second" }))))
      const behind = yield* start(hold(pool.borrow))
      yield* settle
      assert.strictEqual(state(behind), "waits")
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* Fiber.join(all), { _tag: "BorrowTimeout" })
      assert.strictEqual(state(behind), "ok")
      yield* first.release
      yield* (yield* Fiber.join(behind)).release
      yield* serves(pool, 2)
    }))

  it.effect("fails at once with no time, and gives back what it found", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      const first = yield* hold(pool.borrow)
      const failure = yield* Effect.flip(keepAll(pool.borrowMany(2, { timeout: 0 })))
      assert.deepInclude(failure, { _tag: "BorrowTimeout" })
      yield* first.release
      yield* serves(pool, 2)
    }))

  it.effect("never deadlocks with another, whichever has come first, and whatever each has", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const low = yield* start(keepAll(pool.borrowMany(2)))
      yield* one.release
      yield* settle
      // one object is set aside for the lower; the higher comes before it
      const high = yield* start(keepAll(pool.borrowMany(2, { priority: 1 })))
      yield* two.release
      yield* settle
      assert.deepStrictEqual([state(low), state(high)], ["waits", "ok"])
      yield* (yield* Fiber.join(high)).release
      yield* settle
      assert.strictEqual(state(low), "ok")
    }))

  it.effect("gives what is set aside to a single borrower of a higher priority, and no other", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      yield* hold(pool.borrow)
      const all = yield* start(keepAll(pool.borrowMany(2)))
      const high = yield* start(hold(pool.borrowWith({ priority: 1 })))
      yield* settle
      assert.deepStrictEqual([state(all), state(high)], ["waits", "ok"])
    }))

  it.effect("waits for another where one that is set aside rests, is removed, or is detected as invalid", () =>
    Effect.gen(function*() {
      const answers: Record<string, "Invalid" | "Available"> = {}
      const pool = yield* make({
        objects: letters(3),
        detectStatus: ({ object }) => answers[object] ?? "Available",
        detection: { onBorrow: false }
      })
      const busy = yield* hold(pool.borrowWith(only("c")))
      const all = yield* start(keepAll(pool.borrowMany(3)))
      yield* settle
      yield* pool.rest("a", "1 minute")
      yield* busy.release
      yield* settle
      assert.strictEqual(state(all), "waits")
      answers["b"] = "Invalid"
      yield* pool.detect
      yield* pool.add("d")
      yield* settle
      assert.strictEqual(state(all), "waits")
      yield* pool.wake("a")
      yield* settle
      assert.deepStrictEqual([...(yield* Fiber.join(all)).objects].sort(), ["a", "c", "d"])
    }))

  it.effect("prepares and detects each, and cleans up what was prepared for nobody", () =>
    Effect.gen(function*() {
      const told: Array<string> = []
      const pool = yield* make({
        objects: letters(2),
        detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
        detection: { onBorrow: true },
        onBorrow: ({ object }) => Effect.delay(Effect.sync(() => told.push(`+${object}`)), 10),
        onRelease: ({ object }) => {
          told.push(`-${object}`)
        }
      })
      const all = yield* start(keepAll(pool.borrowMany(2)))
      yield* TestClock.adjust(100)
      const { release } = yield* Fiber.join(all)
      assert.deepStrictEqual([...told].sort(), ["+a", "+b"])
      yield* release
      yield* settle
      const busy = yield* start(hold(pool.borrowWith(only("a"))))
      yield* TestClock.adjust(100)
      told.length = 0
      const gone = yield* start(keepAll(pool.borrowMany(2)))
      yield* TestClock.adjust(100)
      yield* Fiber.interrupt(gone)
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(told, ["+b", "-b"])
      yield* (yield* Fiber.join(busy)).release
      yield* TestClock.adjust(100)
      assert.deepInclude(yield* balanced(pool), { leases: 0, available: 2, waiting: 0 })
    }))

  for (const n of [0, -1, 1.5, NaN, Infinity, 4, "2", undefined, null]) {
    it.effect(`refuses ${String(n)} of 3 at once, with a typed failure`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ acquire: Effect.succeed("a"), size: { max: 3 } })
        const failure = yield* Effect.flip(Effect.scoped(pool.borrowMany(n as number)))
        assert.deepInclude(failure, { _tag: "InvalidPoolOptions", option: "n" })
        assert.include(failure.message, String(n))
        assert.deepInclude(
          yield* Effect.flip(pool.withMany(n as number, () => Effect.void)),
          { _tag: "InvalidPoolOptions", option: "n" }
        )
        assert.deepInclude(yield* pool.stats, { waiting: 0, size: 0 })
      }))
  }

  it.effect("is refused when a `resize` leaves fewer than it wants, and what was set aside goes on to those behind", () =>
    Effect.gen(function*() {
      const pool = yield* make({ acquire: Effect.succeed("a"), size: { max: 3 } })
      const first = yield* hold(pool.borrow)
      const all = yield* start(Effect.flip(keepAll(pool.borrowMany(3))))
      const behind = yield* start(hold(pool.borrow))
      yield* settle
      assert.deepStrictEqual([state(all), state(behind)], ["waits", "waits"])
      yield* pool.resize({ max: 2 })
      yield* settle
      assert.deepInclude(yield* Fiber.join(all), { _tag: "PoolExhausted", reason: "NoRoom" })
      assert.strictEqual(state(behind), "ok")
      yield* first.release
    }))

  it.effect("lends none where one cannot be packed", () =>
    Effect.gen(function*() {
      let packs = 0
      const pool = yield* make({
        objects: letters(2),
        pack: ({ object }): Effect.Effect<string, string> => ++packs === 2 ? Effect.fail("no") : Effect.succeed(object)
      })
      yield* Effect.scoped(Effect.gen(function*() {
        assert.strictEqual(yield* Effect.flip(pool.borrowMany(2)), "no")
        assert.deepInclude(yield* balanced(pool), { leases: 0, available: 2 })
        assert.lengthOf(yield* pool.borrowMany(2), 2)
      }))
      assert.deepInclude(yield* balanced(pool), { leases: 0, available: 2 })
    }))

  it.effect("fails with PoolClosed as the pool closes, and keeps nothing", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2) })
      const first = yield* hold(pool.borrow)
      const all = yield* start(Effect.flip(keepAll(pool.borrowMany(2))))
      yield* settle
      yield* start(pool.close)
      yield* first.release
      yield* settle
      assert.deepInclude(yield* Fiber.join(all), { _tag: "PoolClosed" })
      assert.deepInclude(yield* pool.stats, { size: 0, waiting: 0 })
    }))

  for (
    const [kind, options] of Object.entries({
      "are made": { acquire: Effect.as(Effect.yieldNow, "a"), size: { max: 3 } },
      "are prepared": { objects: letters(3), onBorrow: () => Effect.yieldNow, onRelease: () => Effect.yieldNow },
      "are detected": {
        objects: letters(3),
        detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
        detection: { onBorrow: true }
      }
    })
  ) {
    sweepInPieces(
      `loses nothing, interrupted in any window, where its objects ${kind}`,
      (window) =>
        Effect.scoped(Effect.gen(function*() {
          const pool = yield* make<string>(options)
          const busy = yield* start(pool.with(() => Effect.repeat(Effect.yieldNow, { times: 5 })))
          const all = yield* start(pool.withMany(3, () => Effect.yieldNow))
          const behind = yield* start(pool.withMany(2, () => Effect.yieldNow))
          yield* window.interrupt(all)
          yield* turns(20)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([state(busy), state(behind)], ["ok", "ok"], String(window))
          yield* pool.withMany(3, () => Effect.void)
          yield* turns(10)
          const { available, leases, size, waiting } = yield* balanced(pool)
          assert.deepStrictEqual([leases, waiting, available], [0, 0, size], String(window))
        }))
    )
  }

  it.effect("loses nothing when one of two is interrupted, whichever comes first", () =>
    Effect.gen(function*() {
      for (let n = 0; n < 30; n++) {
        const pool = yield* make({
          acquire: Effect.as(Effect.yieldNow, {}),
          size: { max: 3 },
          onBorrow: () => Effect.yieldNow,
          onRelease: () => Effect.yieldNow
        })
        const one = yield* start(hold(pool.borrow))
        const all = yield* start(keepAll(pool.borrowMany(3)))
        for (let i = 0; i < n % 10; i++) yield* Effect.yieldNow
        const other = yield* start(keepAll(pool.borrowMany(2, { priority: n % 2 })))
        for (let i = 0; i < n; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(n % 3 === 0 ? other : all)
        yield* settle
        yield* (yield* Fiber.join(one)).release
        yield* turns(20)
        let left = [all, other]
        while (left.length > 0) {
          const ended = left.filter((fiber) => fiber.pollUnsafe() !== undefined)
          assert.isNotEmpty(ended, `turn ${n}`)
          left = left.filter((fiber) => !ended.includes(fiber))
          for (const fiber of ended) {
            const exit = yield* Fiber.await(fiber)
            if (Exit.isSuccess(exit)) yield* exit.value.release
          }
          yield* turns(20)
        }
        const last = yield* start(keepAll(pool.borrowMany(3)))
        yield* turns(20)
        assert.strictEqual(state(last), "ok", `turn ${n}`)
        yield* (yield* Fiber.join(last)).release
        yield* turns(20)
        assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, size: 3 })
      }
    }))
})

describe("borrowers of several, and of one, in random order", () => {
  const draw = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const kinds = {
    "added objects": { objects: letters(4) },
    "made objects, prepared and cleaned up": {
      acquire: Effect.as(Effect.yieldNow, "a"),
      size: { max: 4 },
      onBorrow: () => Effect.yieldNow,
      onRelease: () => Effect.yieldNow
    },
    "objects that are detected before each borrow": {
      objects: letters(4),
      detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
      detection: { onBorrow: true }
    },
    "objects chosen by a selector of the user's own": {
      objects: letters(4),
      select: (available: ReadonlyArray<PooledObject<string>>) => available[0]
    }
  }

  for (const [kind, options] of Object.entries(kinds)) {
    it.effect(`never have an object at the same time, nor wait for each other: ${kind}`, () =>
      Effect.gen(function*() {
        for (let seed = 1; seed <= 40; seed++) {
          const random = draw(seed)
          const below = (n: number) => Math.floor(random() * n)
          const pool = yield* make<string>({ ...options, borrowTimeout: "1 hour" })
          const lent = new Set<number>()
          const use = (leases: ReadonlyArray<Lease<string>>) =>
            Effect.gen(function*() {
              for (const { pooled } of leases) {
                assert.isFalse(lent.has(pooled.id), `object ${pooled.id} is lent twice`)
                lent.add(pooled.id)
              }
              for (let i = below(4); i > 0; i--) yield* Effect.yieldNow
            }).pipe(Effect.ensuring(Effect.sync(() => {
              for (const { pooled } of leases) lent.delete(pooled.id)
            })))
          const fibers = []
          for (let i = 0; i < 25; i++) {
            const n = below(4) + 1
            const priority = below(2)
            const where = "objects" in options && below(4) === 0
              ? ({ id }: { readonly id: number }) => id > 2 || n > 2
              : undefined
            fibers.push(
              yield* start(
                n === 1
                  ? pool.with((lease) => use([lease]), { priority, where })
                  : pool.withMany(n, use, { priority, where })
              )
            )
            if (below(5) === 0) yield* Effect.forkChild(Fiber.interrupt(fibers[below(fibers.length)]!))
            if (below(3) === 0) yield* Effect.yieldNow
          }
          yield* turns(400)
          assert.deepStrictEqual(fibers.filter((fiber) => fiber.pollUnsafe() === undefined).length, 0, `seed ${seed}`)
          for (const fiber of fibers) {
            const exit = yield* Fiber.await(fiber)
            if (Exit.isFailure(exit)) assert.isTrue(Cause.hasInterruptsOnly(exit.cause), `seed ${seed}`)
          }
          const { leases, waiting, available, size } = yield* balanced(pool)
          assert.deepStrictEqual([leases, waiting, available], [0, 0, size], `seed ${seed}`)
        }
      }))
  }
})

describe("withMany", () => {
  it.effect("runs its body with all of them, and gives them back when it ends", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(3) })
      const latch = yield* Latch.make()
      const body = yield* start(
        pool.withMany(2, (leases) => Effect.as(latch.await, leases.map(({ object }) => object).length))
      )
      yield* settle
      assert.deepInclude(yield* pool.stats, { leases: 2 })
      yield* latch.open
      assert.strictEqual(yield* Fiber.join(body), 2)
      const died = yield* Effect.exit(pool.withMany(3, (): Effect.Effect<void> => {
        throw new Error("boom")
      }))
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      yield* serves(pool, 3)
    }))

  it.effect("ends its body with LeaseExpired when one of the leases expires, or is revoked", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: letters(2), onLeaseExpired: "return" })
      const late = yield* start(Effect.flip(pool.withMany(2, () => Effect.never, { leaseTimeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* Fiber.join(late), { _tag: "LeaseExpired", reason: "Expired" })
      const taken = yield* start(Effect.flip(pool.withMany(2, () => Effect.never)))
      yield* settle
      const [lease] = yield* pool.leases
      yield* pool.revoke(lease!)
      assert.deepInclude(yield* Fiber.join(taken), { _tag: "LeaseExpired", reason: "Revoked" })
      yield* serves(pool, 2)
    }))
})
