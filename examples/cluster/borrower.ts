/**
 * A process that works with the keys, two jobs at a time, until it is told to stop.
 *
 *   DATABASE_URL=postgres://user:password@host/database SERVER=http://127.0.0.1:8080 NAME="borrower 3" \
 *   node examples/cluster/borrower.ts
 *
 * It is never the host, and listens to nobody. On SIGTERM its jobs are interrupted, and their keys go back at once.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Effect, Layer, Random } from "effect"
import { FetchHttpClient } from "effect/http"
import { SharedPool } from "../../src/cluster.ts"
import { Keys } from "./keys.ts"
import { ask } from "./server.ts"
import { database, lockExpiration } from "./settings.ts"

/** Some requests, one after another, with one key. Once its lease is lost, no further request is sent. */
const job = Effect.gen(function*() {
  const parts = yield* Random.nextIntBetween(4, 10)
  yield* Keys.with((lease) => Effect.repeat(ask(lease), { times: parts - 1 }))
})

const worker = job.pipe(
  Effect.catch((error) => Effect.andThen(Effect.logWarning(error.message), Effect.sleep("200 millis"))),
  Effect.forever
)

const KeysOfCluster = Layer.unwrap(Effect.gen(function*() {
  const name = yield* Config.String("NAME")
  return Keys.layerClient.pipe(
    Layer.provide(SharedPool.layerClusterClient({ lockExpiration: yield* lockExpiration })),
    Layer.provide(SharedPool.layerPass({ name })),
    Layer.provide(database)
  )
}))

Effect.all([worker, worker], { concurrency: "unbounded" }).pipe(
  Effect.provide([KeysOfCluster, FetchHttpClient.layer]),
  NodeRuntime.runMain
)
