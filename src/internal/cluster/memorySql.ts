/**
 * The memories of `memory.ts` in SQL: a row for each entry, and one for each pool that says whose they are.
 *
 * Each write is one statement, which holds the row of its pool while it runs: so one that a later host does not see has not
 * been, and no process that is frozen amid it keeps that row from the later one.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { Identifier } from "effect/sql/Statement"
import { type Memories, type Memory, type Named, Superseded } from "./memory.ts"

/** How many entries one statement writes: it has two parameters for each. */
const atOnce = 500

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
  /** Of a parameter alone, PostgreSQL does not know the type. */
  asText: sql.onDialectOrElse({
    mysql: () => (text: string) => sql`CONVERT(${text} USING utf8mb4)`,
    orElse: () => (text: string) => sql`CAST(${text} AS TEXT)`
  }),
  replaced: sql.onDialectOrElse({
    mysql: () => sql`ON DUPLICATE KEY UPDATE value = VALUES(value)`,
    orElse: () => sql`ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value`
  })
})

interface Tables {
  readonly entries: Identifier
  readonly epochs: Identifier
}

/** Makes the tables where there are none. */
const makeTables = (sql: SqlClient.SqlClient, { entries, epochs }: Tables) => {
  const { types } = dialectOf(sql)
  return Effect.andThen(
    sql`CREATE TABLE IF NOT EXISTS ${epochs} (pool VARCHAR(190) PRIMARY KEY, epoch BIGINT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS ${entries} (
      name ${types.name} PRIMARY KEY, pool VARCHAR(190) NOT NULL, value ${types.value} NOT NULL
    )`
  ).pipe(
    // several processes may try it at once, of which one succeeds
    Effect.retry({ times: 5, schedule: Schedule.jittered(Schedule.spaced("100 millis")) })
  )
}

/** What says whose the entries of a pool are. */
const fence = (sql: SqlClient.SqlClient, { epochs }: Tables, pool: string, epoch: number) => {
  const { held } = dialectOf(sql)
  const last = Effect.map(
    sql<{ readonly epoch: unknown }>`SELECT epoch FROM ${epochs} WHERE pool = ${pool}`,
    (rows) => rows[0] === undefined ? undefined : Number(rows[0].epoch)
  )
  return {
    mine: sql`SELECT pool FROM ${epochs} WHERE pool = ${pool} AND epoch = ${epoch} ${held}`,
    // how many rows a statement has changed is not the same in all dialects: whose they are now, is
    isMine: Effect.flatMap(last, (now) => now === epoch ? Effect.void : Effect.fail(new Superseded())),
    follow: Effect.flatMap(last, (last) =>
      last === undefined
        ? sql`INSERT INTO ${epochs} (pool, epoch) VALUES (${pool}, ${epoch})`
        : sql`UPDATE ${epochs} SET epoch = ${epoch} WHERE pool = ${pool} AND epoch < ${epoch}`)
  }
}

/** The memory of a host: it knows the names of all entries, since nobody else writes any. */
const memoryOf = (sql: SqlClient.SqlClient, tables: Tables, pool: string, epoch: number): Memory => {
  let names = new Set<string>()
  const { entries } = tables
  const { asText, replaced } = dialectOf(sql)
  const { follow, isMine, mine } = fence(sql, tables, pool, epoch)
  const write = (all: ReadonlyArray<Named>) =>
    Effect.suspend(() => {
      // it may be there, though nobody is told so
      for (const { name } of all) names.add(name)
      const rows = sql.join(" UNION ALL ", false)(
        all.map(({ name, text }) => sql`SELECT ${asText(name)} AS name, ${asText(text)} AS value`)
      )
      return Effect.andThen(
        sql`INSERT INTO ${entries} (name, pool, value)
          SELECT given.name, mine.pool, given.value FROM (${mine}) AS mine CROSS JOIN (${rows}) AS given
          WHERE 1 = 1 ${replaced}`,
        isMine
      )
    })
  return {
    open: (beginning) =>
      Effect.gen(function*() {
        yield* makeTables(sql, tables)
        yield* follow
        yield* isMine
        const rows = yield* sql<Columns>`SELECT name, value FROM ${entries} WHERE pool = ${pool}`
        names = new Set(rows.map(({ name }) => name))
        return {
          names: [...names].filter((name) => name.startsWith(beginning)),
          known: new Map(rows.map(({ name, value }) => [name, value]))
        }
      }),
    get: (name) =>
      Effect.suspend(() =>
        names.has(name)
          ? Effect.map(sql<Columns>`SELECT value FROM ${entries} WHERE name = ${name}`, (rows) => rows[0]?.value)
          : Effect.undefined
      ),
    set: (name, text) => write([{ name, text }]),
    setAll: (all) => {
      const parts = Array.from({ length: Math.ceil(all.length / atOnce) }, (_, n) => n * atOnce)
      return Effect.forEach(parts, (at) => write(all.slice(at, at + atOnce)), { discard: true })
    },
    remove: (name) =>
      Effect.map(
        Effect.andThen(sql`DELETE FROM ${entries} WHERE name = ${name} AND EXISTS (${mine})`, isMine),
        () => void names.delete(name)
      )
  }
}

/** The tables are made as a memory is opened: a cluster whose pools remember nothing has none. */
export const memoriesSql = (prefix: string): Effect.Effect<Memories, never, SqlClient.SqlClient> =>
  Effect.map(SqlClient.SqlClient, (client) => {
    const sql = client.withoutTransforms()
    const tables = { entries: sql(`${prefix}_remembered`), epochs: sql(`${prefix}_remembering`) }
    return (pool, epoch) => memoryOf(sql, tables, pool, epoch)
  })
