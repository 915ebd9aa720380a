/**
 * A process that may be the host of the keys: one of those that run is, the others stand by.
 *
 *   DATABASE_URL=postgres://user:password@host/database HOST=10.0.0.7 PORT=7071 \
 *   KEYS='[{"name":"key 1","secret":"sk-…"}]' node examples/cluster/host.ts
 *
 * All of them have the same keys. On SIGTERM the host grants nothing more, waits until its leases have come back, and goes;
 * the next one grants at once.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Effect, Layer, Schema } from "effect"
import { SharedPool } from "../../src/cluster.ts"
import { Key, Keys } from "./keys.ts"
import { database, lockExpiration, timeToLive } from "./settings.ts"

const settings = Config.all({
  keys: Config.schema(Schema.fromJsonString(Schema.NonEmptyArray(Key)), "KEYS"),
  /** Where the other processes reach this one: in a network of their own. */
  address: Config.all({ host: Config.String("HOST"), port: Config.Port("PORT") }),
  lockExpiration,
  timeToLive
})

const Host = Layer.unwrap(Effect.gen(function*() {
  const { address, keys, lockExpiration, timeToLive } = yield* settings
  return Keys.layerHost({ objects: keys, data: ({ name }) => name, timeToLive }).pipe(
    Layer.provide(SharedPool.layerCluster({ address, lockExpiration })),
    Layer.provide(database)
  )
}))

NodeRuntime.runMain(Layer.launch(Host))
