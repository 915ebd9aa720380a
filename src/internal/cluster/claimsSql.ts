/** The rows of `claims.ts` in SQL: one for each pool. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Row, Store } from "./claims.ts"

interface Columns {
  readonly pool: string
  readonly epoch: unknown
  readonly token: string
  readonly beat: unknown
  readonly clean: unknown
  readonly expiry: unknown
}

const toRow = ({ beat, clean, epoch, expiry, pool, token }: Columns): Row => ({
  pool,
  token,
  epoch: Number(epoch),
  beat: Number(beat),
  clean: Number(clean) === 1,
  expiry: Number(expiry)
})

/** Makes the table where there is none. */
export const storeSql = (name: string): Effect.Effect<Store<SqlError>, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const table = sql(name)
    const mine = (pool: string, token: string) =>
      Effect.map(
        sql<{ readonly token: string }>`SELECT token FROM ${table} WHERE pool = ${pool}`,
        (rows) => rows[0]?.token === token
      )
    // several processes may try it at once, of which one succeeds
    yield* sql`CREATE TABLE IF NOT EXISTS ${table} (
      pool VARCHAR(190) PRIMARY KEY, epoch BIGINT NOT NULL, token VARCHAR(64) NOT NULL, beat BIGINT NOT NULL,
      clean SMALLINT NOT NULL, expiry BIGINT NOT NULL
    )`.pipe(Effect.retry({ times: 5, schedule: Schedule.jittered(Schedule.spaced("100 millis")) }))

    const insert = ({ epoch, expiry, pool, token }: Row) =>
      sql`INSERT INTO ${table} (pool, epoch, token, beat, clean, expiry)
        VALUES (${pool}, ${epoch}, ${token}, 0, 0, ${expiry})`
    const update = ({ epoch, expiry, pool, token }: Row, seen: Row) =>
      sql`UPDATE ${table} SET epoch = ${epoch}, token = ${token}, beat = 0, clean = 0, expiry = ${expiry}
        WHERE pool = ${pool} AND epoch = ${seen.epoch} AND token = ${seen.token} AND beat = ${seen.beat}`

    return {
      read: (pools) =>
        Effect.map(sql<Columns>`SELECT * FROM ${table} WHERE ${sql.in("pool", pools)}`, (rows) => rows.map(toRow)),
      // how many rows a statement has changed is not the same in all dialects: whose the row is now, is
      take: (next, seen) =>
        Effect.andThen(
          seen === undefined ? insert(next) : update(next, seen),
          mine(next.pool, next.token)
        ),
      beat: (pool, token) =>
        Effect.andThen(
          sql`UPDATE ${table} SET beat = beat + 1 WHERE pool = ${pool} AND token = ${token}`,
          mine(pool, token)
        ),
      leave: (pool, token) =>
        Effect.asVoid(sql`UPDATE ${table} SET clean = 1 WHERE pool = ${pool} AND token = ${token}`)
    }
  })
