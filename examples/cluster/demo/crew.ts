/** All processes of the demonstration, by name: those that are gone are not in it. */
import { Context, Effect, Layer, Random, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { once } from "node:events"
import { createServer } from "node:net"
import { type Member, start } from "./member.ts"

export interface Host extends Member {
  /** Where it listens. */
  readonly address: string
}

export class Crew extends Context.Service<Crew, {
  readonly hosts: Map<string, Host>
  readonly borrowers: Map<string, Member>
  readonly addHost: Effect.Effect<Host>
  readonly addBorrower: Effect.Effect<Member>
}>()("cluster/Crew") {
  /** With what each of them is told by its environment. The processes end, at last, with the layer. */
  static readonly layer = (env: Readonly<Record<string, string>>) =>
    Layer.effect(
      Crew,
      Effect.gen(function*() {
        const context = yield* Effect.context<ChildProcessSpawner.ChildProcessSpawner | Scope.Scope>()
        const hosts = new Map<string, Host>()
        const borrowers = new Map<string, Member>()
        const number = { host: 0, borrower: 0 }
        const addHost = Effect.gen(function*() {
          const name = `host ${++number.host}`
          const port = yield* freePort
          const member = yield* start("host", name, { ...env, HOST: "127.0.0.1", PORT: String(port) })
          const host = { ...member, address: `127.0.0.1:${port}` }
          hosts.set(name, host)
          yield* host.speaks
          return host
        })
        const addBorrower = Effect.gen(function*() {
          const name = `borrower ${++number.borrower}`
          const member = yield* start("borrower", name, { ...env, NAME: name })
          borrowers.set(name, member)
          return member
        })
        return {
          hosts,
          borrowers,
          addHost: Effect.provideContext(Effect.orDie(addHost), context),
          addBorrower: Effect.provideContext(Effect.orDie(addBorrower), context)
        }
      })
    )
}

/** Below the range from which connections get theirs: none of those takes it before the host does. */
const freePort: Effect.Effect<number> = Effect.flatMap(
  Random.nextIntBetween(20_000, 32_000),
  (port) =>
    Effect.as(
      Effect.tryPromise(async () => {
        const server = createServer().listen(port, "127.0.0.1")
        await once(server, "listening")
        server.close()
        await once(server, "close")
      }),
      port
    )
).pipe(Effect.retry({ times: 100 }), Effect.orDie)
