/** What is concluded of several objects that were borrowed at once. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { hold, make, settle, start, state } from "./support/borrowers.ts"

/** What a judge has been told: the object, and how its lease has ended. */
const judging = () => {
  const told: Array<string> = []
  const judge = (exit: Exit.Exit<unknown, unknown>, { id }: { readonly id: number }) => {
    const how = Exit.isSuccess(exit)
      ? "ok"
      : Cause.hasInterruptsOnly(exit.cause)
      ? "cut"
      : String(Cause.squash(exit.cause))
    told.push(`${id} ${how}`)
    return undefined
  }
  return { told, judge }
}

describe("a judge of several that were borrowed at once", () => {
  it.effect("is told no failure of an object where it was another whose lease was over", () =>
    Effect.gen(function*() {
      const { judge, told } = judging()
      const pool = yield* make({ objects: ["a", "b", "c"], judge, onLeaseExpired: "return" })
      const body = yield* start(pool.withMany(3, () => Effect.never))
      const [first] = yield* pool.leases
      yield* pool.revoke(first!)
      yield* settle
      assert.strictEqual(state(body), "LeaseExpired Revoked")
      const others = [1, 2, 3].filter((id) => id !== first!.pooled.id).map((id) => `${id} cut`)
      assert.deepStrictEqual(told.sort(), others)
    }))

  it.effect("is told how the body has failed, of each", () =>
    Effect.gen(function*() {
      const { judge, told } = judging()
      const pool = yield* make({ objects: ["a", "b"], judge })
      yield* Effect.flip(pool.withMany(2, () => Effect.fail("boom")))
      assert.deepStrictEqual(told.sort(), ["1 boom", "2 boom"])
    }))

  it.effect("is told of a lease of another pool that was over as of any failure, though that has the same id", () =>
    Effect.gen(function*() {
      const { judge, told } = judging()
      const other = yield* make({ objects: ["z"] })
      const { lease } = yield* hold(other.borrow)
      yield* other.revoke(lease)
      const pool = yield* make({ objects: ["a", "b"], judge })
      const failure = yield* Effect.flip(pool.withMany(2, (leases) => {
        assert.include(leases.map(({ id }) => id), lease.id)
        return lease.expired
      }))
      assert.deepInclude(failure, { _tag: "LeaseExpired", reason: "Revoked" })
      assert.deepStrictEqual(told.sort(), [`1 ${String(failure)}`, `2 ${String(failure)}`])
    }))

  it.effect("is told that one could not be packed, of that one alone", () =>
    Effect.gen(function*() {
      const { judge, told } = judging()
      let packs = 0
      const pool = yield* make({
        objects: ["a", "b", "c"],
        judge,
        pack: ({ object }) => ++packs === 2 ? Effect.fail("unpacked") : Effect.succeed(object)
      })
      yield* Effect.flip(pool.withMany(3, () => Effect.void))
      assert.strictEqual(packs, 2)
      assert.deepStrictEqual(told.map((line) => line.slice(2)).sort(), ["cut", "cut", "unpacked"])
    }))
})
