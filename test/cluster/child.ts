/**
 * A process of its own that hosts a pool, or borrows from one, for tests: it says on its output what it does.
 */
import { NodeRuntime } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SocketServer } from "effect/socket"
import { writeSync } from "node:fs"
import { SharedPool } from "../../src/cluster.ts"

export class Licences extends SharedPool.Service<Licences>()("app/Licences", { object: Schema.String }) {}

/** At once, and not when the event loop is free again. */
const say = (line: string) => Effect.sync(() => void writeSync(1, `${line}\n`))

const [role, port = "0", timeToLive = "10 seconds", objects = "1"] = process.argv.slice(2)

const host = Layer.effectDiscard(
  Effect.flatMap(SocketServer.SocketServer, ({ address }) => say(`listens at ${String(address)}`))
).pipe(
  Layer.merge(Licences.layerServer({
    objects: Array.from({ length: Number(objects) }, (_, n) => `licence-${n}`),
    timeToLive: timeToLive as "10 seconds",
    closing: { timeout: 0 }
  })),
  Layer.provide(SharedPool.layerSocketServer({ port: 0 }))
)

/** Holds an object, and goes on with it in small steps until it may not. */
const holder = Licences.with((lease) =>
  Effect.andThen(
    say(`holds ${lease.object} ${lease.fence.number}`),
    Effect.forever(Effect.andThen(say("step"), Effect.sleep("5 millis")))
  ).pipe(Effect.ensuring(say("ended")))
).pipe(
  Effect.catch((error) => say(`failed ${"reason" in error ? error.reason : error._tag}`)),
  Effect.provide(
    Layer.provide(Licences.layerRemote, SharedPool.layerSocket({ port: Number(port), name: `process ${process.pid}` }))
  )
)

if (role === "host") NodeRuntime.runMain(Layer.launch(host))
if (role === "borrower") NodeRuntime.runMain(holder)
