/**
 * The contract of a shared pool, against each of its layers.
 */
import { describe, it } from "@effect/vitest"
import { TestRunner } from "effect/cluster"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SocketServer } from "effect/socket"
import { TestClock } from "effect/testing"
import { Claims, SharedPool } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { makeWire } from "../support/wire.ts"
import { contract } from "./contract.ts"

/** Lets fibers that are not waiting for time go on until they do. */
const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

const inMemory = {
  elapse: (duration: Parameters<typeof TestClock.adjust>[0]) => Effect.andThen(TestClock.adjust(duration), settle),
  settle,
  test: it.effect
}

/** Messages take their time, which the tests may spend beside each other. */
const live = { elapse: Effect.sleep, settle: Effect.sleep("30 millis"), test: it.live }

describe("`layer`", () => {
  contract({ name: "in one process", layer: (pool, options) => pool.layer(options), ...inMemory })
})

describe("`layerRemote`, from `layerServer`", () => {
  contract({
    name: "over a wire",
    layer: (pool, options) => {
      const wire = makeWire()
      const server = pool.layerServer(options).pipe(
        Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")])
      )
      return Layer.provide(pool.layerRemote, wire.layerClient()).pipe(Layer.provide(server), Layer.orDie)
    },
    ...inMemory
  })

  contract({
    name: "over TCP",
    layer: (pool, options) =>
      Layer.unwrap(Effect.gen(function*() {
        const transport = yield* Layer.build(SharedPool.layerSocketServer({ port: 0 }))
        const { address } = Context.get(transport, SocketServer.SocketServer)
        const port = "port" in address ? address.port : 0
        const server = pool.layerServer(options).pipe(Layer.provide(Layer.succeedContext(transport)))
        return Layer.provide(pool.layerRemote, SharedPool.layerSocket({ port })).pipe(Layer.provide(server))
      })).pipe(Layer.orDie),
    ...live
  })
})

/** A cluster that is this process. */
const cluster = Layer.suspend(() =>
  Layer.merge(TestRunner.layer, Layer.effect(Claims, make(storeMemory(), { expiry: 15_000 })))
)

describe.concurrent("`layerClient`, from `layerHost`", () => {
  contract({
    name: "within a cluster",
    layer: (pool, options) =>
      Layer.provideMerge(pool.layerClient, pool.layerHost(options)).pipe(Layer.provide(cluster)),
    ...live
  })
})

describe.concurrent("`layerRemote`, from a gateway", () => {
  contract({
    name: "from outside of a cluster",
    layer: (pool, options) => {
      const wire = makeWire()
      const gateway = Layer.provideMerge(pool.layerServer(), pool.layerHost(options)).pipe(
        Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
        Layer.provide(cluster)
      )
      return Layer.provide(pool.layerRemote, wire.layerClient()).pipe(Layer.provide(gateway), Layer.orDie)
    },
    ...live
  })
})
