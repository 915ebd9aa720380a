/**
 * What becomes of a session that its server ends while nobody has it?
 *
 * Node ends the process when a `pg` client emits `"error"` and nobody listens. Here the client itself tells its pool, which
 * has another in its place before the next borrower comes. The program starts a PostgreSQL of its own, or uses the one of
 * `DATABASE_URL`, and has it end two sessions.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer, Schema } from "effect"
import pg from "pg"
import { PoolService, type Self } from "../src/index.ts"
import { Database } from "./httpServer/postgres.ts"

class CannotConnect extends Schema.TaggedError<CannotConnect>()("CannotConnect", { reason: Schema.String }) {}

class Sessions extends PoolService<Sessions, pg.Client, { error: CannotConnect }>()("idleSessions/Sessions") {
  static readonly live = Layer.unwrap(Effect.map(Database, ({ url }) =>
    Sessions.layer({
      acquire: (self) => connect(url, self),
      size: { min: 2, max: 4 }
    })))
}

const connect = Effect.fnUntraced(function*(url: URL, self: Self) {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5000 })),
    (client) => Effect.promise(() => client.end())
  )
  client.on("error", (error) => {
    self.invalidate()
    run(Effect.logWarning(`A session is lost: ${error.message}`)) // nobody else would tell
  })
  // after the finalizer: here it can be interrupted, and the client of a connect that hangs is closed
  yield* Effect.tryPromise({
    try: () => client.connect(),
    catch: (error) => new CannotConnect({ reason: String(error) })
  })
  return client
})

/** The processes of the server that serve the sessions which are free. */
const free = Effect.scoped(Effect.gen(function*() {
  const leases = yield* Effect.forEach([1, 2], () => Sessions.borrow)
  return yield* Effect.forEach(
    leases,
    ({ invalidate, object }) =>
      Effect.tryPromise(async () =>
        (await object.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]!.pid
      ).pipe(
        // else a session that is still busy would be lent on
        Effect.onInterrupt(() => invalidate)
      )
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
