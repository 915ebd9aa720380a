/** Why an object rests is told with its rest. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { type ObjectPool, Status } from "../src/index.ts"
import { make, settle } from "./support/borrowers.ts"
import { keptBooks } from "./support/ledger.ts"

describe("an event of a rest says for which reason", () => {
  const reasons = Effect.fnUntraced(function*<A, D, E, P>(pool: ObjectPool<A, D, E, P>) {
    const { ledger } = yield* keptBooks(pool)
    return Effect.map(settle, () =>
      ledger.events.splice(0).flatMap((event) =>
        event._tag === "Rested"
          ? [
            [event.objectId, event.reason, event.allowance, event.facet].filter((part) => part !== undefined).join(" ")
          ]
          : []
      ))
  })

  it.effect("its borrower or a user has asked for it", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"] })
      const told = yield* reasons(pool)
      yield* pool.with((lease) => lease.rest("1 minute"), { where: ({ object }) => object === "a" })
      yield* pool.rest("b", "1 minute")
      assert.deepStrictEqual(yield* told, ["1 Asked", "2 Asked"])
    }))

  it.effect("the detector or the judge has said so, plainly or with a time", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a", "b"],
        detectStatus: ({ object }) => object === "a" ? "Dormant" : Status.dormant("1 minute"),
        detection: { onAdd: false }
      })
      const told = yield* reasons(pool)
      yield* pool.detect
      assert.deepStrictEqual(yield* told, ["1 Detected", "2 Detected"])

      const judged = yield* make({
        objects: ["a", "b"],
        judge: (_, { object }) => object === "a" ? "Dormant" : Status.dormant("1 minute")
      })
      const heard = yield* reasons(judged)
      yield* judged.with(() => Effect.void)
      yield* judged.with(() => Effect.void)
      assert.deepStrictEqual((yield* heard).toSorted(), ["1 Judged", "2 Judged"])
    }))

  it.effect("an allowance has nothing left, and which: of several the one that lasts longest", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        allowance: [{ limit: 1, per: "1 second", name: "burst" }, { limit: 2, per: "1 minute", name: "requests" }]
      })
      const told = yield* reasons(pool)
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual(yield* told, ["1 Spent burst"])
      yield* TestClock.adjust("1 second")
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual(yield* told, ["1 Spent requests"])
    }))

  it.effect("a server has reported that nothing is left", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { limit: 9, per: "1 minute", name: "requests" } })
      const told = yield* reasons(pool)
      yield* pool.with((lease) => lease.report({ remaining: 0, resetsAt: 30_000 }))
      assert.deepStrictEqual(yield* told, ["1 Spent requests"])
    }))

  it.effect("of two reasons the one that lasts longer", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { limit: 1, per: "1 minute", name: "requests" } })
      const told = yield* reasons(pool)
      yield* pool.with((lease) => lease.rest("10 seconds"))
      assert.deepStrictEqual(yield* told, ["1 Spent requests"])
      yield* pool.rest("a", "1 hour")
      assert.deepStrictEqual(yield* told, ["1 Asked"])
    }))

  it.effect("also where a facet rests alone", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        allowance: { limit: 1, per: "1 minute", name: "requests", facet: true },
        judge: (exit) => exit._tag === "Failure" ? { ...Status.dormant("1 minute"), facet: "huge" } : undefined
      })
      const told = yield* reasons(pool)
      yield* pool.with(() => Effect.void, { facet: "large" })
      yield* pool.with((lease) => lease.rest("1 minute", "small"), { facet: "small-talk" })
      yield* Effect.exit(pool.with(() => Effect.fail("no")))
      const all = yield* told
      assert.includeMembers(all, ["1 Spent requests large", "1 Asked small"])
      assert.include(all.join(), "1 Judged huge")
    }))
})
