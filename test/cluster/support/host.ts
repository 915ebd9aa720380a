/** A runner of a cluster that may be the host of the keys, and perhaps a gateway to them. */
import { PgClient } from "@effect/sql-pg"
import { Layer, ManagedRuntime, Redacted } from "effect"
import { SharedPool } from "../../../src/cluster.ts"
import { type ClusterConfig, Keys } from "./keys.ts"
import { config, tell, told } from "./processes.ts"

export interface HostConfig extends ClusterConfig {
  /** Where others reach it, and where it listens. */
  readonly port: number
  readonly listens?: number
  readonly keys: ReadonlyArray<string>
  /** Milliseconds. */
  readonly timeToLive: number
  readonly closing?: number
  /** It remembers, and lends each key so often in an hour. */
  readonly limit?: number
}
export type HostEvent =
  | { readonly type: "ready" }
  /** It has become the host: its pool looks at its objects. */
  | { readonly type: "hosting" }

if (process.argv[1] === import.meta.filename) {
  const { closing, keys, limit, listens, lockExpiration, port, prefix, timeToLive, url } = config<HostConfig>()
  const host = "127.0.0.1"
  const runtime = ManagedRuntime.make(
    Keys.layerHost({
      objects: keys.map((key) => ({ key })),
      timeToLive,
      detectStatus: () => {
        tell({ type: "hosting" } satisfies HostEvent)
        return "Available"
      },
      detection: { onBorrow: false },
      ...(limit === undefined
        ? {}
        : { remember: { key: ({ key }: { readonly key: string }) => key }, allowance: { limit, per: "1 hour" } }),
      ...(closing === undefined ? {} : { closing: { timeout: closing } })
    }).pipe(
      Layer.provide(SharedPool.layerCluster({
        address: { host, port },
        lockExpiration,
        prefix,
        ...(listens === undefined ? {} : { listenAddress: { host, port: listens } })
      })),
      Layer.provide(PgClient.layer({ url: Redacted.make(url), connectTimeout: "2 seconds" }))
    )
  )
  process.on("SIGTERM", () => void runtime.dispose().then(() => process.exit(0)))
  told(() => {})
  await runtime.context()
  tell({ type: "ready" } satisfies HostEvent)
}
