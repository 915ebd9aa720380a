/** A selector of the user's own, where classes of borrowers wait for keys, and share the answer of a detector. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { KeyedPool, type Status } from "../../src/index.ts"
import { world } from "../support/keyed.ts"

describe("An object that was detected for one who may not have it any more for his class", () => {
  it.effect("goes to the next, where a selector chooses, and is not detected over and over", () =>
    Effect.gen(function*() {
      let slow = false
      let detected = 0
      const pool = yield* KeyedPool.make({
        ...world(3).options,
        classes: { others: {}, people: { reserve: 2 } },
        closing: { timeout: 0 },
        borrowTimeout: "Infinity",
        detectStatus: (): Status.Answer | Effect.Effect<Status.Answer> => {
          if (++detected > 100) throw new Error("detected over and over")
          return slow ? Effect.as(Effect.sleep(10), "Available" as Status.Answer) : "Available"
        },
        detection: { onBorrow: true },
        select: (available) => available[0]
      })
      yield* pool.with("a", () => Effect.void, { class: "others" })
      const scope = Scope.makeUnsafe()
      const leases = [
        yield* Scope.provide(pool.borrowWith("b", { class: "people" }), scope),
        yield* Scope.provide(pool.borrowWith("c", { class: "people" }), scope)
      ]
      slow = true
      const got: Array<string> = []
      const one = (name: "others" | "people") =>
        Effect.forkChild(pool.with("a", () => Effect.sync(() => got.push(name)), { class: name }), {
          startImmediately: true
        })
      const other = yield* one("others")
      yield* TestClock.adjust(5)
      slow = false
      // now what is left is in reserve
      for (const lease of leases) yield* lease.rest("1 hour")
      yield* Scope.close(scope, Exit.void)
      const person = yield* one("people")
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(got, ["people"])
      yield* Fiber.join(person)
      yield* TestClock.adjust("2 hours")
      yield* Fiber.join(other)
      assert.isBelow(detected, 20)
    }))
})
