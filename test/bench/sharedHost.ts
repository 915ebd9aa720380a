/**
 * The host of a shared pool, in a process of its own: it says where it listens, and, when it is asked, what it takes.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SocketServer } from "effect/socket"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { SharedPool } from "../../src/cluster.ts"

const ApiKey = Schema.Struct({ key: Schema.String, endpoint: Schema.String })

export class Keys extends SharedPool.Service<Keys>()("bench/Keys", { object: ApiKey }) {}

/** What a host says of itself. */
export interface Taken {
  readonly heap: number
  /** Milliseconds of a core since it was asked last. */
  readonly cpu: number
  /** Milliseconds by which the event loop was held up since then, but for the worst hundredth. */
  readonly delay: number
}

const host = (objects: number) =>
  Layer.effectDiscard(
    Effect.flatMap(SocketServer.SocketServer, ({ address }) =>
      Effect.sync(() => process.send!("port" in address ? address.port : 0)))
  ).pipe(
    Layer.merge(Keys.layerServer({
      objects: Array.from({ length: objects }, (_, n) => ({ key: `key ${n}`, endpoint: "https://api.invalid" })),
      timeToLive: "10 seconds",
      closing: { timeout: 0 }
    })),
    Layer.provide(SharedPool.layerSocketServer({ port: 0 }))
  )

if (process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let cpu = process.cpuUsage()
  process.on("message", () => {
    const { gc } = globalThis as { readonly gc?: () => void }
    gc?.()
    const { system, user } = process.cpuUsage(cpu)
    const taken: Taken = {
      heap: process.memoryUsage().heapUsed,
      cpu: (system + user) / 1000,
      delay: delay.percentile(99) / 1e6 - 1
    }
    process.send!(taken)
    delay.reset()
    cpu = process.cpuUsage()
  })
  process.on("disconnect", () => process.exit())
  NodeRuntime.runMain(Layer.launch(host(Number(process.argv[2]))))
}
