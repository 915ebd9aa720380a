/**
 * How do I serve HTTP from a database that allows only so many sessions?
 *
 * A service over a pool of PostgreSQL sessions. It starts a PostgreSQL of its own, or uses the one that is named:
 *
 *   npm run example:server
 *   DATABASE_URL=postgres://user:password@host/database POOL_MAX=20 PORT=8080 npm run example:server
 *
 *   curl -X PUT 127.0.0.1:3000/notes/1 --json '{"text":"hello"}'
 *   curl 127.0.0.1:3000/notes/1
 *   curl 127.0.0.1:3000/slow?seconds=2
 *   curl 127.0.0.1:3000/pool
 *   curl 127.0.0.1:3000/metrics
 *   open http://127.0.0.1:3000/pools
 *
 * The way of a request: `routes.ts` reads it, borrows a transaction from the pool in `sessions.ts`, and queries through
 * the session in `session.ts`. On SIGTERM the layers close in the reverse order of their building: the server, when the
 * requests in flight are answered; then the sessions; then PostgreSQL, if it is ours.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Config, Console, Effect, Exit, Layer, Schedule } from "effect"
import { explain } from "./explain.ts"
import { Database } from "./postgres.ts"
import { HttpService } from "./server.ts"
import { Sessions } from "./sessions.ts"

/** Either no service without its database, or one that answers 503 until the database is there. */
const Ready = Layer.effectDiscard(Effect.gen(function*() {
  if (yield* Config.Boolean("WAIT_FOR_DATABASE").pipe(Config.withDefault(true))) return yield* Sessions.ready
  yield* Sessions.ready.pipe(
    Effect.tapError((error) => Effect.logWarning(error.message)),
    Effect.retry(Schedule.spaced("5 seconds")),
    Effect.andThen(Effect.log("The database is there")),
    Effect.forkScoped
  )
}))

const Service = HttpService.pipe(
  Layer.provide(Ready),
  Layer.provide(Sessions.live),
  Layer.provide(Database.layer)
)

Layer.launch(Service).pipe(
  Effect.tapError((error) =>
    Console.error(
      `httpServer: ${error._tag === "ConfigError" || error._tag === "ServeError" ? explain(error) : error.message}`
    )
  ),
  Effect.tapDefect((defect) => Effect.logError(Cause.die(defect))),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    // who stops as told has not failed
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)
  })
)
