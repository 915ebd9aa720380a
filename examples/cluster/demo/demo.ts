/** The order of events: all start, one after another is struck, all stop. */
import { PgClient } from "@effect/sql-pg"
import { Config, Console, Duration, Effect, Layer, Option, Redacted, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { SharedPool } from "../../../src/cluster.ts"
import { Database } from "../../httpServer/postgres.ts"
import { type Key, Keys } from "../keys.ts"
import { Crew } from "./crew.ts"
import { borrowerFrozen, borrowerKilled, hostKilled, hostStopped, type Incident } from "./incidents.ts"
import { stopped } from "./member.ts"
import { isKept, report } from "./report.ts"
import { RateLimited } from "./server.ts"
import { watch } from "./watch.ts"

const keys: ReadonlyArray<Key> = [1, 2, 3, 4, 5].map((n) => ({ name: `key ${n}`, secret: `sk-${randomUUID()}` }))

/** How long nothing happens between two incidents. */
const calm = Config.Duration("CLUSTER_CALM").pipe(Config.withDefault(Duration.seconds(2)))

const lockExpiration = "4 seconds"

/** The processes, and a member of their cluster that looks on from here. */
const Members = Layer.unwrap(Effect.gen(function*() {
  const [database, server] = [yield* Database, yield* RateLimited]
  const onlooker = Keys.layerClient.pipe(
    Layer.provide(SharedPool.layerClusterClient({ lockExpiration })),
    Layer.provideMerge(PgClient.layer({ url: Redacted.make(database.url.href) }))
  )
  const crew = Crew.layer({
    DATABASE_URL: database.url.href,
    SERVER: server.url,
    KEYS: JSON.stringify(keys),
    TIME_TO_LIVE: "2 seconds",
    LOCK_EXPIRATION: lockExpiration
  })
  return Layer.merge(onlooker, crew)
}))

/** All borrowers have used a key. */
const served = Effect.gen(function*() {
  const [{ borrowers }, { accounts }] = [yield* Crew, yield* RateLimited]
  const all = Effect.sync(() => {
    const users = new Set(accounts.flatMap(({ leases }) => leases.map(({ by }) => by)))
    return [...borrowers.keys()].every((name) => users.has(name))
  })
  yield* Effect.repeat(all, { until: (all) => all, schedule: Schedule.spaced("50 millis") })
})

/** How many leases the host has, once all borrowers have stopped. */
const leasesLeft = Effect.map(Keys.stats, ({ leases }) => leases).pipe(
  Effect.repeat({ until: (leases) => leases === 0, schedule: Schedule.spaced("50 millis") }),
  Effect.timeoutOption("10 seconds"),
  Effect.map(Option.getOrElse(() => NaN))
)

const run = Effect.gen(function*() {
  const [crew, { accounts }] = [yield* Crew, yield* RateLimited]
  yield* Console.log("Three hosts and six borrowers of five keys:")
  yield* Effect.all([crew.addHost, crew.addHost, crew.addHost], { concurrency: "unbounded" })
  yield* Effect.replicateEffect(crew.addBorrower, 6)
  yield* served

  const say = yield* watch(keys.map(({ name }) => name))
  const incidents: Array<Incident> = []
  for (const incident of [borrowerKilled, borrowerFrozen, hostKilled, hostStopped]) {
    yield* Effect.sleep(yield* calm)
    incidents.push(yield* incident(say))
  }
  yield* Effect.sleep(yield* calm)

  yield* say("all borrowers are told to stop, then all hosts")
  const borrowers = yield* Effect.forEach(crew.borrowers.values(), stopped, { concurrency: "unbounded" })
  const leases = yield* leasesLeft
  const hosts = yield* Effect.forEach(crew.hosts.values(), stopped, { concurrency: "unbounded" })
  const processes = [...borrowers, ...hosts].filter((has) => !has).length
  return { incidents, accounts, leases, processes }
}).pipe(Effect.scoped)

/** Answers whether everything was as it is promised. */
export const demo = Effect.gen(function*() {
  const outcome = yield* run.pipe(Effect.timeout("5 minutes"), Effect.provide(Members))
  yield* Console.log(`\n${report(outcome)}`)
  return isKept(outcome)
}).pipe(
  Effect.provide([RateLimited.layer(keys), Database.layer])
)
