/**
 * Serves the pools of a process over one RPC server: each request says which pool it is for.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { InvalidPoolOptions } from "../../PoolError.ts"
import { type Access, admits } from "./access.ts"
import { Authentication, type Failure, Guarded, refusal, type Serving } from "./protocol.ts"

/** The pools that one server serves, by their names. */
interface Desk {
  readonly pools: Map<string, Serving>
  readonly access: Access
  readonly scope: Scope.Closeable
}

/** One server for each transport: whoever came first has begun it, whoever goes last ends it. */
const desks = new WeakMap<RpcServer.Protocol["Service"], Desk>()

const unserved = (pool: string) => Effect.fail(refusal("Unserved", `it has no pool "${pool.slice(0, 100)}"`))

/** Passes each request on to whoever serves the pool that it names. */
const dispatch = (pools: ReadonlyMap<string, Serving>) => {
  const to = <B, R>(
    pool: string,
    f: (serving: Serving) => Effect.Effect<B, Failure, R>
  ): Effect.Effect<B, Failure, R> => {
    const serving = pools.get(pool)
    return serving === undefined ? unserved(pool) : f(serving)
  }
  return Guarded.of({
    Join: (asked, { client }) => to(asked.pool, (serving) => serving.Join(asked, client.id)),
    Renew: (asked) => to(asked.pool, (serving) => serving.Renew(asked)),
    Borrow: (asked) => to(asked.pool, (serving) => serving.Borrow(asked)),
    Return: (asked) => to(asked.pool, (serving) => serving.Return(asked)),
    Act: (asked) => to(asked.pool, (serving) => serving.Act(asked)),
    Operate: (asked) => to(asked.pool, (serving) => serving.Operate(asked)),
    Watch: (asked) => pools.get(asked.pool)?.Watch(asked) ?? Stream.unwrap(unserved(asked.pool))
  })
}

/** A defect ends the request that it came with, and no other of its connection; and nothing of a request is traced. */
const settings = { disableTracing: true, disableFatalDefects: true, concurrency: "unbounded" } as const

const begin = (protocol: RpcServer.Protocol["Service"], access: Access): Effect.Effect<Desk> =>
  Effect.gen(function*() {
    const pools = new Map<string, Serving>()
    const scope = yield* Scope.make()
    const desk: Desk = { pools, access, scope }
    desks.set(protocol, desk)
    const server = RpcServer.make(Guarded, settings).pipe(
      Effect.provide(Guarded.toLayer(dispatch(pools))),
      Effect.provideService(Authentication, (request, { headers }) =>
        admits(access, headers) ? request : Effect.fail(refusal("Unauthorized", "the host knows no such token"))),
      Effect.provideService(RpcServer.Protocol, protocol)
    )
    // what is missing in the type of the handlers is missing in that of the group: they need nothing
    yield* Effect.forkIn(server as Effect.Effect<never>, scope, { startImmediately: true })
    return desk
  })

/** Serves a pool until the scope closes. Two of one name are refused. */
export const serve = (
  name: string,
  serving: Serving,
  access: Access
): Effect.Effect<void, never, Scope.Scope | RpcServer.Protocol> =>
  Effect.acquireRelease(
    Effect.gen(function*() {
      const protocol = yield* RpcServer.Protocol
      const desk = desks.get(protocol) ?? (yield* begin(protocol, access))
      if (desk.pools.has(name)) {
        return yield* Effect.die(
          new InvalidPoolOptions({
            pool: name,
            option: "name",
            value: "the name of two pools",
            allowed: "one pool of each name at one server"
          })
        )
      }
      desk.pools.set(name, serving)
      return { protocol, desk }
    }),
    ({ desk, protocol }) =>
      Effect.suspend(() => {
        desk.pools.delete(name)
        if (desk.pools.size > 0) return Effect.void
        desks.delete(protocol)
        return Scope.close(desk.scope, Exit.void)
      })
  )
