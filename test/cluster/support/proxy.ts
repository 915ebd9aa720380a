/**
 * A process between others: what connects to one of its ports goes on to that port's target, as long as it passes. Where it
 * drops, nothing goes through in either direction, and nobody is told, as if the cable were out; where it cuts, connections
 * are reset.
 */
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { config, tell, told } from "./processes.ts"

interface ProxyConfig {
  /** The names of the ways, each with the port that it leads to. */
  readonly ways: Record<string, number>
}
export interface ProxyCommand {
  readonly type: "pass" | "drop" | "cut"
  readonly ways: ReadonlyArray<string>
}
export type ProxyEvent =
  | { readonly type: "ready"; readonly ports: Record<string, number> }
  | { readonly type: "done" }

if (process.argv[1] === import.meta.filename) {
  const modes = new Map<string, ProxyCommand["type"]>()
  const pairs = new Map<string, Set<readonly [Socket, Socket]>>()
  const ports: Record<string, number> = {}
  for (const [way, target] of Object.entries(config<ProxyConfig>().ways)) {
    modes.set(way, "pass")
    const open = new Set<readonly [Socket, Socket]>()
    pairs.set(way, open)
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (from) => {
      if (modes.get(way) === "cut") {
        from.resetAndDestroy()
        return
      }
      const to = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true })
      const pair = [from, to] as const
      open.add(pair)
      for (const [one, other] of [pair, [to, from] as const]) {
        one.on("data", (data) => other.write(data))
        one.on("end", () => other.end())
        one.on("error", () => {})
        one.on("close", () => {
          open.delete(pair)
          // who is cut off is not told that the other has gone
          if (modes.get(way) !== "drop") other.destroy()
        })
      }
      if (modes.get(way) === "drop") pause(pair)
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    ports[way] = (server.address() as { readonly port: number }).port
  }
  const pause = ([from, to]: readonly [Socket, Socket]) => {
    from.pause()
    to.pause()
  }
  told<ProxyCommand>(({ type, ways }) => {
    for (const way of ways) {
      modes.set(way, type)
      for (const pair of pairs.get(way) ?? []) {
        if (type === "drop") pause(pair)
        else if (type === "cut") { for (const socket of pair) socket.resetAndDestroy() }
        else for (const socket of pair) socket.resume()
      }
    }
    tell({ type: "done" } satisfies ProxyEvent)
  })
  tell({ type: "ready", ports } satisfies ProxyEvent)
}
