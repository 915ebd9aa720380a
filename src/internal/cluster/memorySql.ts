/**
 * The memories of `memory.ts` in SQL: a row for each entry, and one for each pool that says whose they are.
 *
 * Each write is one statement, which holds the row of its pool while it runs: so one that a later host does not see has not
 * been, and no process that is frozen amid it keeps that row from the later one.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { type Memories, Superseded } from "./memory.ts"

interface Columns {
  readonly name: string
  readonly value: string
}

/** What differs between dialects. */
const dialectOf = (sql: SqlClient.SqlClient) => ({
  /** The row is held until the statement has ended, in shared mode: writes do not wait for each other. */
  held: sql.onDialectOrElse({
    pg: () => sql`FOR SHARE`,
    mysql: () => sql`FOR SHARE`,
    orElse: () => sql``
  }),
  types: sql.onDialectOrElse({
    mysql: () => ({ name: sql`VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, value: sql`LONGTEXT` }),
    orElse: () => ({ name: sql`TEXT`, value: sql`TEXT` })
  }),
  replaced: sql.onDialectOrElse({
    mysql: () => sql`ON DUPLICATE KEY UPDATE value = VALUES(value)`,
    orElse: () => sql`ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value`
  })
})

/** The tables are made as a memory is opened: a cluster whose pools remember nothing has none. */
export const memoriesSql = (prefix: string): Effect.Effect<Memories, never, SqlClient.SqlClient> =>
  Effect.map(SqlClient.SqlClient, (client) => {
    const sql = client.withoutTransforms()
    const [entries, epochs] = [sql(`${prefix}_remembered`), sql(`${prefix}_remembering`)]
    const { held, replaced, types } = dialectOf(sql)
    const tables = Effect.andThen(
      sql`CREATE TABLE IF NOT EXISTS ${epochs} (pool VARCHAR(190) PRIMARY KEY, epoch BIGINT NOT NULL)`,
      sql`CREATE TABLE IF NOT EXISTS ${entries} (
        name ${types.name} PRIMARY KEY, pool VARCHAR(190) NOT NULL, value ${types.value} NOT NULL
      )`
    ).pipe(
      // several processes may try it at once, of which one succeeds
      Effect.retry({ times: 5, schedule: Schedule.jittered(Schedule.spaced("100 millis")) })
    )
    const epochOf = (pool: string) =>
      Effect.map(
        sql<{ readonly epoch: unknown }>`SELECT epoch FROM ${epochs} WHERE pool = ${pool}`,
        (rows) => rows[0] === undefined ? undefined : Number(rows[0].epoch)
      )
    /** A host of a pool. */
    return (pool, epoch) => {
      const mine = sql`SELECT pool FROM ${epochs} WHERE pool = ${pool} AND epoch = ${epoch} ${held}`
      // how many rows a statement has changed is not the same in all dialects: whose they are now, is
      const isMine = Effect.flatMap(
        epochOf(pool),
        (now) => now === epoch ? Effect.void : Effect.fail(new Superseded())
      )
      const follow = Effect.flatMap(epochOf(pool), (last) =>
        last === undefined
          ? sql`INSERT INTO ${epochs} (pool, epoch) VALUES (${pool}, ${epoch})`
          : sql`UPDATE ${epochs} SET epoch = ${epoch} WHERE pool = ${pool} AND epoch < ${epoch}`)
      const read = sql<Columns>`SELECT name, value FROM ${entries} WHERE pool = ${pool}`
      return {
        open: (beginning) =>
          Effect.gen(function*() {
            yield* tables
            yield* follow
            yield* isMine
            const known = new Map((yield* read).map(({ name, value }) => [name, value]))
            return { names: [...known.keys()].filter((name) => name.startsWith(beginning)), known }
          }),
        get: (name) =>
          Effect.map(sql<Columns>`SELECT value FROM ${entries} WHERE name = ${name}`, (rows) => rows[0]?.value),
        set: (name, value) =>
          Effect.andThen(
            sql`INSERT INTO ${entries} (name, pool, value) SELECT ${name}, mine.pool, ${value} FROM (${mine}) AS mine
              WHERE 1 = 1 ${replaced}`,
            isMine
          ),
        remove: (name) => Effect.andThen(sql`DELETE FROM ${entries} WHERE name = ${name} AND EXISTS (${mine})`, isMine)
      }
    }
  })
