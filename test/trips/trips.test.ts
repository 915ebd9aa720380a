/**
 * Seven trips through the house, and the rooms that each enters: how much of it has to be read at once to follow one. The
 * numbers are bounds: whoever makes a way longer sees it here. Only what decides counts: `structures`, `state` and
 * `watching` do not, nor functions that are one expression, getters and constructors.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { hold, make, start } from "../support/borrowers.ts"

const entered: Array<string> = []
// what `rooms.ts` has each function call
Reflect.set(globalThis, "__enter", (room: string) => entered.push(room))

/** The rooms that were entered meanwhile, and how often the way went from one to another. */
const trip = <E, R>(walk: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    entered.length = 0
    yield* walk
    const way = entered.map((step) => step.split(":")[0]!)
    const moves = way.filter((room, i) => i > 0 && room !== way[i - 1]).length
    return { rooms: new Set(way).size, moves, way: entered.map((step) => step.replace(/^\w+\//, "")).join(" → ") }
  })

type Trip = Effect.Success<ReturnType<typeof trip>>

const print = (name: string, { moves, rooms, way }: Trip): void => {
  console.log(`${name.padEnd(34)} ${String(rooms).padStart(2)} rooms ${String(moves).padStart(3)} moves   ${way}`)
}

const trips: Record<string, readonly [rooms: number, moves: number, Effect.Effect<Trip, unknown, Scope.Scope>]> = {
  "take what is available": [
    4,
    4,
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      return yield* trip(pool.borrow)
    })
  ],
  "give back": [
    4,
    3,
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { release } = yield* hold(pool.borrow)
      return yield* trip(release)
    })
  ],
  "hand-off to a waiter": [
    9,
    13,
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { release } = yield* hold(pool.borrow)
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))
      return yield* trip(Effect.andThen(release, TestClock.adjust(0)))
    })
  ],
  // an object that was made is asked first whether it rests, as one may that is remembered
  "made, and served": [
    15,
    36,
    Effect.gen(function*() {
      const pool = yield* make({ acquire: Effect.as(Effect.sleep(10), "a") })
      return yield* trip(Effect.gen(function*() {
        yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))
        yield* TestClock.adjust(10)
      }))
    })
  ],
  "a lease expires under `with`": [
    8,
    12,
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseTimeout: 10 })
      yield* start(Effect.exit(pool.with(() => Effect.never)))
      return yield* trip(TestClock.adjust(10))
    })
  ],
  "release with hook and detector": [
    8,
    13,
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
        detection: { onAdd: false, onBorrow: false, onRelease: true },
        onRelease: () => Effect.yieldNow
      })
      const { release } = yield* hold(pool.borrow)
      return yield* trip(Effect.andThen(release, TestClock.adjust(0)))
    })
  ],
  // who is refused is told when the first object wakes, and what was set aside for him is free again
  "a borrow times out": [
    3,
    4,
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: 10 })
      yield* hold(pool.borrow)
      yield* start(Effect.exit(Effect.scoped(pool.borrow)))
      return yield* trip(TestClock.adjust(10))
    })
  ]
}

describe("the way through the house is as long as it was", () => {
  for (const [name, [rooms, moves, walk]] of Object.entries(trips)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const found = yield* walk
        print(name, found)
        assert.isAtMost(found.rooms, rooms)
        assert.isAtMost(found.moves, moves)
      }))
  }
})
