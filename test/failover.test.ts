/** What another object is, to which a body fails over: promise 33. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { Selector } from "../src/index.ts"
import { make, only, start, state } from "./support/borrowers.ts"
import { late } from "./support/observed.ts"

describe("failover", () => {
  it.effect("waits for an object whose facet rests, as it does for one that rests", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"], select: Selector.roundRobin })
      yield* pool.with((lease) => lease.rest("1 second", "large"), only("b"))
      const ran: Array<string> = []
      const fiber = yield* start(pool.with(({ object }) => {
        ran.push(object)
        return object === "a" ? Effect.fail("broken") : Effect.succeed("fine")
      }, { failover: 1, facet: "large" }))
      assert.strictEqual(state(fiber), "waits")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "fine")
      assert.deepStrictEqual(ran, ["a", "b"])
    }))

  it.effect("does not wait for what is leaving", () =>
    late(Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"] })
      yield* pool.add("b", { destroy: () => Effect.sleep("2 seconds") })
      yield* pool.remove("b")
      const fiber = yield* start(Effect.flip(pool.with(() => Effect.fail("broken"), { failover: 1 })))
      assert.strictEqual(state(fiber), "ok")
      assert.strictEqual(yield* Fiber.join(fiber), "broken")
    })))
})
