/** A gateway whose pool has another host by and by: in one process, under a clock that the test sets. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import { Claims, SharedPool } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { makeWire } from "../support/wire.ts"

class Keys extends SharedPool.Service<Keys>()("gateway/Keys", { object: Schema.String }) {}

const timeToLive = 2000
const expiry = 4000

/** Time passes, and what follows has its turn. */
const elapse = (millis: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust(millis / 40), Effect.repeat(Effect.yieldNow, { times: 20 })), {
    times: 39
  })

describe("a borrower by a gateway", () => {
  it.effect("loses what it holds when another is the host, and who waits there is served by the next, with a higher fence", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const cluster = Layer.merge(TestRunner.layer, Layer.effect(Claims, make(store, { expiry })))
      const wire = makeWire()
      yield* Layer.build(
        Layer.merge(Keys.layerServer(), Keys.layerHost({ objects: ["a"], timeToLive })).pipe(
          Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
          Layer.provide(cluster),
          Layer.orDie
        )
      )
      const borrower = Effect.map(Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())), Context.get(Keys))
      const [holder, waiter] = [yield* borrower, yield* borrower]
      const granted = yield* Deferred.make<number>()
      const held = yield* Effect.forkChild(
        Effect.flip(holder.with((lease) => Effect.andThen(Deferred.succeed(granted, lease.fence.epoch), Effect.never))),
        { startImmediately: true }
      )
      yield* elapse(1000)
      const first = yield* Deferred.await(granted)
      const next = yield* Effect.forkChild(
        waiter.with((lease) => Effect.succeed(lease.fence.epoch), { timeout: "1 minute" }),
        { startImmediately: true }
      )
      yield* elapse(1000)

      const [row] = yield* store.read(["gateway/Keys"])
      assert.isTrue(yield* store.take({ ...row!, epoch: row!.epoch + 1, token: "of another", beat: 0 }, row))
      yield* elapse(2000)
      const lost = yield* Fiber.join(held)
      assert.strictEqual(lost._tag === "LeaseExpired" && lost.reason, "Lost")
      assert.isUndefined(next.pollUnsafe())
      yield* elapse(10_000)

      assert.strictEqual(yield* Fiber.join(next), first + 2)
      const stats = yield* waiter.stats
      assert.deepStrictEqual([stats.leases, stats.waiting], [0, 0])
    }))
})
