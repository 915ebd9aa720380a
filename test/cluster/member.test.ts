/** A pool whose host is an entity of a cluster: in one process, under a clock that the tests set. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import { Claims, SharedPool } from "../../src/cluster.ts"
import { make, type Row, type Store, storeMemory } from "../../src/internal/cluster/claims.ts"
import { failing } from "./support/stores.ts"

class Keys extends SharedPool.Service<Keys>()("member/Keys", { object: Schema.String }) {}

interface Settings {
  readonly timeToLive?: number
  readonly expiry?: number
}

const members = (store: Store<unknown>, { expiry = 15_000, timeToLive = 10_000 }: Settings = {}) =>
  Layer.merge(Keys.layerClient, Keys.layerHost({ objects: ["a"], timeToLive })).pipe(
    Layer.provide(Layer.merge(TestRunner.layer, Layer.effect(Claims, make(store, { expiry }))))
  )

/** Time passes, and what follows has its turn. */
const elapse = (millis: number) => Effect.repeat(TestClock.adjust(millis / 20), { times: 19 })

describe("a host in a cluster", () => {
  it.effect("grants to who waits once the leases of the host before are over, and not before", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const row: Row = { pool: "member/Keys", epoch: 6, token: "of another", beat: 3, clean: false, expiry: 15_000 }
      yield* store.take(row, undefined)

      yield* Effect.gen(function*() {
        yield* elapse(10_000)
        const borrowed = yield* Effect.forkChild(
          Keys.with((lease) => Effect.succeed([lease.object, lease.fence.epoch])),
          { startImmediately: true }
        )
        yield* elapse(4_000)
        assert.isUndefined(borrowed.pollUnsafe())
        yield* elapse(3_000)
        assert.deepStrictEqual(yield* Fiber.join(borrowed), ["a", 7])
      }).pipe(Effect.provide(members(store)))
    }))

  it.effect("that answers only after a time to live is asked again, and who waits for it goes on waiting", () =>
    Effect.gen(function*() {
      const rows = failing(storeMemory())
      rows.set("away")

      yield* Effect.gen(function*() {
        const borrowed = yield* Effect.forkChild(
          Keys.with((lease) => Effect.succeed(lease.object)),
          { startImmediately: true }
        )
        yield* elapse(3_000)
        rows.set("there")
        yield* elapse(2_000)
        assert.strictEqual(yield* Fiber.join(borrowed), "a")
      }).pipe(Effect.provide(members(rows.store, { timeToLive: 2000, expiry: 4000 })))
    }))
})
