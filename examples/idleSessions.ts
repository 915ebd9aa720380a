/**
 * What becomes of a session that its server ends while nobody has it?
 *
 * Node ends the process when a `pg` client emits `"error"` and nobody listens. Here the client itself tells its pool, which
 * has another in its place before the next borrower comes. The program starts a PostgreSQL of its own, or uses the one of
 * `DATABASE_URL`, and has it end two sessions.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer } from "effect"
import pg from "pg"
import { PoolService, type Self } from "../src/index.ts"
import { Database } from "./httpServer/postgres.ts"

class Sessions extends PoolService<Sessions, pg.Client>()("idleSessions/Sessions") {
  static readonly live = Layer.unwrap(Effect.map(Database, ({ url }) =>
    Sessions.layer({
      acquire: (self) => connect(url, self),
      size: { min: 2, max: 4 }
    })))
}

const connect = (url: URL, self: Self) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new pg.Client(url.href)
      client.on("error", self.invalidate)
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  )

/** The processes of the server that serve the sessions which are free. */
const free = Effect.scoped(Effect.gen(function*() {
  const leases = yield* Effect.forEach([1, 2], () => Sessions.borrow)
  return yield* Effect.forEach(
    leases,
    ({ object }) =>
      Effect.promise(async () => (await object.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid)
  )
}))

const program = Effect.gen(function*() {
  yield* Sessions.ready
  const before = yield* free
  const ended = (yield* Sessions.objects).map(({ object }) => new Promise((resolve) => object.once("end", resolve)))
  const { url } = yield* Database
  yield* Effect.promise(async () => {
    const admin = await new pg.Client(url.href).connect()
    await admin.query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", [before])
    await admin.end()
    await Promise.all(ended)
  })
  yield* Sessions.ready
  const after = yield* free
  const { totals } = yield* Sessions.stats
  yield* Console.log(`${before.length} sessions were ended by the server, while nobody had them`)
  yield* Console.log(`${after.filter((pid) => !before.includes(pid)).length} have taken their place`)
  yield* Console.log(`${totals.made} made, ${totals.destroyed} destroyed; the process goes on`)
})

program.pipe(
  Effect.provide(Sessions.live.pipe(Layer.provideMerge(Database.layer))),
  NodeRuntime.runMain
)
