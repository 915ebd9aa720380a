/** What all processes are told by the environment: where they meet, and how long they believe each other. */
import { PgClient } from "@effect/sql-pg"
import { Config, Duration } from "effect"

/** Hosts and borrowers find each other by its tables, which are made where they are missing. */
export const database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })

/** How long after a host was last heard of another may grant. */
export const lockExpiration = Config.Duration("LOCK_EXPIRATION").pipe(Config.withDefault(Duration.seconds(15)))

/** How long a borrower believes in its lease without hearing from the host: at most 0.72 of the other. */
export const timeToLive = Config.Duration("TIME_TO_LIVE").pipe(Config.withDefault(Duration.seconds(10)))
