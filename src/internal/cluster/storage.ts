/**
 * What `Sharding` is told of the runners, and of its locks, where its entities are pools.
 *
 * One runner, the *primary*, has all shards, and the others stand by: so a runner that joins, or comes back, moves nothing,
 * and ends no lease. Which one it is says a row of the database; a runner takes it over when the last primary is not there,
 * or not healthy, any more.
 *
 * `Sharding` takes each failure to refresh its locks for their loss, and ends the entities: a restart of the database would
 * end every lease. Whether a host may grant is not for the locks to say but for its claim (`claims.ts`). So the locks count
 * as held until they may really be another's; and those that the database has forgotten, as it does when its sessions end,
 * are taken anew where nobody else has them.
 */
import * as Clock from "effect/Clock"
import { PersistenceError } from "effect/cluster/ClusterError"
import type { Runner } from "effect/cluster/Runner"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { ShardId } from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

interface StorageOptions {
  /** After so many milliseconds without an answer the locks may be another's. */
  readonly expiry: number
  /** How often `Sharding` refreshes its locks, in milliseconds: it must have its answer before the next. */
  readonly interval: number
  /** The table that says which runner is the primary. */
  readonly table: string
  /** Absent: this process is no runner. */
  readonly self: RunnerAddress | undefined
}

type Storage = RunnerStorage["Service"]
type Runners = Array<[runner: Runner, healthy: boolean]>

export const layer = <E, R>(
  storage: Layer.Layer<RunnerStorage, E, R>,
  options: StorageOptions
): Layer.Layer<RunnerStorage, E | SqlError, R | SqlClient.SqlClient> =>
  Layer.effect(
    RunnerStorage,
    Effect.gen(function*() {
      const inner = yield* RunnerStorage
      const [refresh, runners] = [yield* patient(inner, options), yield* oneOf(inner, options)]
      return RunnerStorage.of({ ...inner, ...runners, refresh })
    })
  ).pipe(Layer.provide(storage))

const toText = ({ host, port }: RunnerAddress): string => `${host}:${port}`

/** Shows the primary as the one runner that is healthy. */
const oneOf = (inner: Storage, { self, table: name }: StorageOptions) =>
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const table = sql(name)
    // several processes may try it at once, of which one succeeds
    yield* sql`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, address VARCHAR(255) NOT NULL)`.pipe(
      Effect.retry({ times: 5, schedule: Schedule.jittered(Schedule.spaced("100 millis")) })
    )
    const read = Effect.map(
      sql<{ readonly address: string }>`SELECT address FROM ${table} WHERE id = 1`,
      (rows) => rows[0]?.address
    )
    const replace = (last: string | undefined, next: string) =>
      last === undefined
        ? sql`INSERT INTO ${table} (id, address) VALUES (1, ${next})`
        : sql`UPDATE ${table} SET address = ${next} WHERE id = 1 AND address = ${last}`
    /** Whether each runner is healthy, whatever is shown. */
    let healthy = new Map<string, boolean>()

    const primary = Effect.gen(function*() {
      const last = yield* read
      if (last !== undefined && healthy.get(last) === true) return last
      if (self === undefined || healthy.get(toText(self)) !== true) return undefined
      // whoever is first is it
      yield* Effect.ignore(replace(last, toText(self)))
      return yield* read
    })
    const getRunners = Effect.gen(function*() {
      const runners = yield* inner.getRunners
      healthy = new Map(runners.map(([{ address }, healthy]) => [toText(address), healthy]))
      const shown = yield* PersistenceError.refail(primary)
      return runners.map(([runner, healthy]): Runners[number] => [runner, healthy && toText(runner.address) === shown])
    })
    const setRunnerHealth: Storage["setRunnerHealth"] = (address, now) =>
      Effect.suspend(() => healthy.get(toText(address)) === now ? Effect.void : inner.setRunnerHealth(address, now))
    return { getRunners, setRunnerHealth }
  })

/** Refreshes locks, and bears with a database that does not answer for a while. */
const patient = (inner: Storage, { expiry, interval }: StorageOptions) =>
  Effect.map(Clock.Clock, (clock): Storage["refresh"] => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let answered = now()

    const refresh = (address: RunnerAddress, wanted: ReadonlyArray<ShardId>) =>
      Effect.suspend(() => {
        const sent = now()
        return inner.refresh(address, wanted).pipe(
          Effect.flatMap((held) => {
            const missing = wanted.filter((shard) => !held.some((each) => Equal.equals(each, shard)))
            if (missing.length === 0) return Effect.succeed(held)
            return Effect.map(inner.acquire(address, missing), (again) => [...held, ...again])
          }),
          Effect.tap(() => Effect.sync(() => answered = sent))
        )
      })
    const isOver = () => now() - answered >= expiry

    return (address, shardIds) => {
      const wanted = [...shardIds]
      if (wanted.length === 0) return inner.refresh(address, wanted)
      return refresh(address, wanted).pipe(
        Effect.timeoutOption(interval * 0.6),
        Effect.map(Option.getOrUndefined),
        Effect.catch((error) => isOver() ? Effect.fail(error) : Effect.succeed(undefined)),
        // `Sharding` does not wait for longer than its interval
        Effect.flatMap((held) => held === undefined && isOver() ? Effect.never : Effect.succeed(held ?? wanted))
      )
    }
  })
