/**
 * How do many tenants share the few sessions of one database, when some of them export?
 *
 * A server for 200 tenants, each with a role of its own in PostgreSQL, which lets in 12 sessions: a session of one tenant is
 * of no use to another, so an idle one goes when another tenant needs its room. Some tenants are asked for much more often
 * than others. People ask for pages, which take a moment, and exporters read whole archives, as many as they are let. The
 * example runs the same load twice, without classes of borrowers and with them, prints how long each has taken, and ends:
 *
 *   npm run example:tenants
 *   DATABASE_URL=postgres://postgres:password@host/database npm run example:tenants
 *
 * It starts a PostgreSQL of its own, or makes a database, and the roles, in the one that is named, and drops them in the
 * end. `TENANTS_SECONDS` says how long each of the two loads lasts: 10, unless it is said.
 *
 * The way of a request: `load.ts` says who asks when; `requests.ts` borrows a session of the tenant, as one of its class, from
 * the pool in `tenants.ts`, and reads; `database.ts` has what is read, and whose it is; `report.ts` prints what it took.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Config, Console, Effect, Layer } from "effect"
import { explain } from "../httpServer/explain.ts"
import { Database } from "../httpServer/postgres.ts"
import { Archive } from "./database.ts"
import { demo } from "./demo.ts"

/** How long each of the two loads lasts. */
const seconds = Config.Number("TENANTS_SECONDS").pipe(Config.withDefault(10))

Effect.flatMap(seconds, demo).pipe(
  Effect.provide(Archive.layer.pipe(Layer.provide(Database.layer))),
  Effect.tapError((error) =>
    Console.error(`tenants: ${error._tag === "ConfigError" ? explain(error) : error.message}`)
  ),
  Effect.tapDefect((defect) => Effect.logError(Cause.die(defect))),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
