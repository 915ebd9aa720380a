/**
 * The host of a shared pool, in a process of its own, and beside it a server of empty requests: it says where they listen, and,
 * when it is asked, what it takes.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import * as Entity from "effect/cluster/Entity"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Rpc, RpcGroup, RpcServer } from "effect/rpc"
import * as Schema from "effect/Schema"
import { SocketServer } from "effect/socket"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { SharedPool } from "../../src/cluster.ts"

const ApiKey = Schema.Struct({ key: Schema.String, endpoint: Schema.String })

export class Keys extends SharedPool.Service<Keys>()("bench/Keys", { object: ApiKey }) {}

/** What a request costs that asks for nothing: whatever a pool does, over the same transport, costs more. */
export const Echo = RpcGroup.make(Rpc.make("Echo"))
export const EchoEntity = Entity.fromRpcGroup("bench/Echo", Echo)

/** Where the processes of a cluster find each other. */
export interface Cluster {
  readonly url: string
  readonly port: number
}

export const cluster = { prefix: "bench" }
export const database = (url: string) => PgClient.layer({ url: Redacted.make(url) })

export interface Ports {
  readonly pool: number
  readonly echo: number
}

/** What a host says of itself. */
export interface Taken {
  readonly heap: number
  /** Milliseconds of a core since it was asked last. */
  readonly cpu: number
  /** Milliseconds by which the event loop was held up since then, but for the worst hundredth. */
  readonly delay: number
}

const answers = { Echo: () => Effect.void }

const options = (objects: number) => ({
  objects: Array.from({ length: objects }, (_, n) => ({ key: `key ${n}`, endpoint: "https://api.invalid" })),
  timeToLive: "10 seconds" as const,
  perBorrower: { waiters: 20_000 },
  closing: { timeout: 0 }
})

/** What serves, at a port of its own, which it tells. */
const listening = <E>(served: Layer.Layer<never, E, RpcServer.Protocol>, told: (port: number) => void) =>
  Layer.effectDiscard(
    Effect.flatMap(
      SocketServer.SocketServer,
      ({ address }) => Effect.sync(() => told("port" in address ? address.port : 0))
    )
  ).pipe(Layer.merge(served), Layer.provide(SharedPool.layerSocketServer({ port: 0 })))

const remote = (objects: number) => {
  const ports = new Map<keyof Ports, number>()
  const told = (which: keyof Ports) => (port: number) => {
    ports.set(which, port)
    if (ports.size === 2) process.send!(Object.fromEntries(ports))
  }
  const echo = RpcServer.layer(Echo, { disableTracing: true, concurrency: "unbounded" }).pipe(
    Layer.provide(Echo.toLayer(answers))
  )
  return Layer.merge(listening(Keys.layerServer(options(objects)), told("pool")), listening(echo, told("echo")))
}

const runner = (objects: number, { port, url }: Cluster) =>
  Layer.effectDiscard(Effect.sync(() => process.send!({ pool: port, echo: port } satisfies Ports))).pipe(
    Layer.provideMerge(Layer.merge(
      Keys.layerHost(options(objects)),
      EchoEntity.toLayer(answers, { concurrency: "unbounded", mailboxCapacity: "unbounded", maxIdleTime: "Infinity" })
    )),
    Layer.provide(SharedPool.layerCluster({ ...cluster, address: { host: "127.0.0.1", port } })),
    Layer.provide(database(url))
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
  const objects = Number(process.argv[2])
  const within = process.argv[3] === undefined ? undefined : JSON.parse(process.argv[3]) as Cluster
  if (within === undefined) NodeRuntime.runMain(Layer.launch(remote(objects)))
  else NodeRuntime.runMain(Layer.launch(runner(objects, within)))
}
