/**
 * Every way in which making an object of one key may go, beside every way in which the destruction of the other's may, and
 * an interruption in between; and an interruption in every window while room moves from one key to another.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { start, state } from "../support/borrowers.ts"
import { calm, keep, letGo, make, outcome, type Pool, use, type World, world } from "../support/keyed.ts"
import { type Gate, gates, slow } from "../support/scripted.ts"
import { sweepInPieces } from "../support/sweep.ts"

const pass = (gate: Gate): Effect.Effect<void, string> => {
  switch (gate) {
    case "ok":
      return Effect.void
    case "fail":
      return Effect.fail("failed")
    case "slow":
      return Effect.sleep(slow)
    case "never":
      return Effect.never
  }
}

/** Who is interrupted: nobody, at once, or when the other's object is on its way out. */
const interruptions = ["not", "at once", "later"] as const

/** Afterwards each key is served again, as many as there is room for, and in the end nothing is left. */
const sound = (pool: Pool, there: World, max: number, about: string) =>
  Effect.gen(function*() {
    there.script.acquire = there.script.destroy = () => Effect.void
    yield* TestClock.adjust("1 minute")
    yield* calm
    const { invalid, leases, making, waiting } = yield* pool.stats
    assert.deepStrictEqual(
      { invalid, leases, making, waiting },
      { invalid: 0, leases: 0, making: 0, waiting: 0 },
      about
    )
    const held = yield* Effect.forEach(Array.from({ length: max }, (_, i) => `key ${i}`), (key) => keep(pool, key))
    yield* calm
    assert.strictEqual((yield* pool.stats).leases, max, `${about}: as many as there is room for are lent at once`)
    yield* Effect.forEach(held, letGo)
    yield* calm
    yield* pool.close
    assert.strictEqual((yield* pool.stats).size, 0, about)
  })

describe("an object of one key is made when that of another has gone", () => {
  for (const destroy of gates) {
    for (const acquire of gates) {
      it.effect(`acquire ${acquire}, destroy ${destroy}, with and without an interruption`, () =>
        Effect.forEach(interruptions, (interruption) =>
          Effect.scoped(Effect.gen(function*() {
            const about = `acquire ${acquire}, destroy ${destroy}, interrupted ${interruption}`
            // what is given up is still there, as far as this test counts
            const there = world(destroy === "never" ? 2 : 1)
            const pool = yield* make(there, {
              size: { max: 1 },
              creation: { timeout: "5 seconds" },
              hookTimeout: "5 seconds",
              borrowTimeout: "10 seconds"
            })
            yield* use(pool, "a")
            there.script.destroy = (key) => key === "a" ? Effect.orDie(pass(destroy)) : Effect.void
            there.script.acquire = (key) => key === "b" ? pass(acquire) : Effect.void
            const b = yield* start(outcome(use(pool, "b")))
            const c = yield* start(outcome(use(pool, "c")))
            if (interruption === "later") yield* TestClock.adjust("500 millis")
            if (interruption !== "not") yield* Fiber.interrupt(b)
            // a destruction begins in a task of its own
            yield* calm
            yield* Effect.repeat(Effect.andThen(TestClock.adjust(slow), calm), { times: 20 })

            if (interruption === "not") {
              const expected = acquire === "fail" ? "failed" : acquire === "never" ? "BorrowTimeout" : "ok"
              assert.strictEqual(yield* Fiber.join(b), expected, about)
            }
            // an object that is made for nobody any more may take long as well
            assert.include(["ok", "BorrowTimeout"], yield* Fiber.join(c), about)
            if (acquire === "ok" || acquire === "fail") assert.strictEqual(yield* Fiber.join(c), "ok", about)
            yield* sound(pool, there, 1, about)
          })), { discard: true }))
    }
  }
})

describe("an interruption in every window", () => {
  sweepInPieces(
    "of a borrower for whom an object of another key goes, loses no room and no turn",
    (window) =>
      Effect.scoped(Effect.gen(function*() {
        const there = world(2)
        there.script.acquire = there.script.destroy = () => Effect.repeat(Effect.yieldNow, { times: 3 })
        const pool = yield* make(there)
        yield* use(pool, "a")
        yield* use(pool, "b")
        const interrupted = yield* start(use(pool, "c"))
        const other = yield* start(use(pool, "d"))
        yield* window.interrupt(interrupted)
        yield* calm

        assert.strictEqual(state(other), "ok", window.toString())
        yield* sound(pool, there, 2, window.toString())
      }))
  )

  sweepInPieces(
    "of one who waits while everything is lent, loses no room and no turn",
    (window) =>
      Effect.scoped(Effect.gen(function*() {
        const there = world(1)
        there.script.acquire = there.script.destroy = () => Effect.repeat(Effect.yieldNow, { times: 2 })
        const pool = yield* make(there)
        const first = yield* keep(pool, "a")
        yield* calm
        const interrupted = yield* start(use(pool, "b"))
        const other = yield* start(use(pool, "c"))
        const gives = yield* start(letGo(first))
        yield* window.interrupt(interrupted)
        yield* calm

        assert.deepStrictEqual([state(gives), state(other)], ["ok", "ok"], window.toString())
        yield* sound(pool, there, 1, window.toString())
      }))
  )
})
