/** What an operator says of a pool whose host may not grant for a while, as its record does not answer. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import { Claims, type SharedOptions, SharedPool } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { makeWire } from "../support/wire.ts"
import { failing } from "./support/stores.ts"

class Keys extends SharedPool.Service<Keys>()("operators/Keys", { object: Schema.String }) {}

class Licences extends SharedPool.Service<Licences>()("operators/Licences", { object: Schema.String }) {}

type Options = SharedOptions<string, undefined, never, never>

/** Time passes, and what follows has its turn. */
const elapse = (millis: number) => Effect.repeat(TestClock.adjust(millis / 20), { times: 19 })

/** A pool, and the record of its hosts, which can be away. */
const member = () => {
  const rows = failing(storeMemory())
  const layer = Layer.merge(Keys.layerClient, Keys.layerHost({ objects: ["a"], timeToLive: 2000 })).pipe(
    Layer.provide(Layer.merge(TestRunner.layer, Layer.effect(Claims, make(rows.store, { expiry: 4000 }))))
  )
  const away = Effect.sync(() => rows.set("away")).pipe(Effect.andThen(elapse(4000)))
  const there = Effect.sync(() => rows.set("there")).pipe(Effect.andThen(elapse(2000)))
  return { layer, away, there }
}

/** Borrows, and says whether that was granted by now. */
const asks = Effect.gen(function*() {
  const fiber = yield* Effect.forkChild(Keys.with((lease) => Effect.succeed(lease.object)), { startImmediately: true })
  yield* elapse(500)
  return { fiber, isGranted: () => fiber.pollUnsafe() !== undefined }
})

describe("an operator", () => {
  it.effect("has a pool suspended until he says otherwise, though its host may not grant for a while meanwhile", () => {
    const { away, layer, there } = member()
    return Effect.gen(function*() {
      yield* Fiber.join((yield* asks).fiber)
      yield* Keys.suspend

      yield* away
      yield* there
      const waiting = yield* asks

      assert.isFalse(waiting.isGranted())
      yield* Keys.resume
      yield* elapse(500)
      assert.strictEqual(yield* Fiber.join(waiting.fiber), "a")
    }).pipe(Effect.provide(layer))
  })

  it.effect("may end a suspension while nothing may be granted, and what waits is served when it may", () => {
    const { away, layer, there } = member()
    return Effect.gen(function*() {
      yield* Fiber.join((yield* asks).fiber)
      yield* Keys.drain
      const waiting = yield* asks
      yield* away

      const resumed = yield* Effect.forkChild(Effect.exit(Keys.resume), { startImmediately: true })
      yield* elapse(500)
      assert.isFalse(waiting.isGranted())
      yield* there
      yield* Fiber.join(resumed)
      yield* Keys.resume
      yield* elapse(500)

      assert.strictEqual(yield* Fiber.join(waiting.fiber), "a")
    }).pipe(Effect.provide(layer))
  })

  const layers = {
    "in the pool's process": (options: Options) => Licences.layer(options),
    "in another": (options: Options) => {
      const wire = makeWire()
      const server = Licences.layerServer(options).pipe(
        Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")])
      )
      return Layer.provide(Licences.layerRemote, wire.layerClient()).pipe(Layer.provide(server), Layer.orDie)
    }
  }
  for (const [where, layer] of Object.entries(layers)) {
    it.effect(`has another number kept to spare, and is told what makes no sense, ${where}`, () =>
      Effect.gen(function*() {
        yield* Licences.resize({ spare: 2 })
        yield* Effect.repeat(Licences.stats, { until: ({ available }) => available === 2 })

        const nonsense = [{ max: -1 }, { spare: 1.5 }, { spares: 1 } as never, null as never]
        for (const size of nonsense) {
          assert.strictEqual((yield* Effect.flip(Licences.resize(size)))._tag, "InvalidPoolOptions")
        }
        assert.include(String(yield* Effect.exit(Licences.addAll(5 as never))), "an iterable")
      }).pipe(Effect.provide(layer({ acquire: Effect.succeed("a"), size: { max: 4 } }))))
  }
})
