/** What is asked of the server: a page for a person, or the whole archive of a tenant. */
import { Effect } from "effect"
import type { Session } from "../httpServer/session.ts"
import { Tenants } from "./tenants.ts"

/** Seconds, that stand for what a real database has to do. */
const perPage = 0.01
const perPiece = 0.08

const documents = 100
const perQuery = 10

const read = (session: Session, from: number, seconds: number) =>
  session.query(
    `SELECT id, text FROM documents, pg_sleep($1) WHERE id > $2 ORDER BY id LIMIT ${perQuery}`,
    [seconds, from]
  )

/** One page, that a person waits for. */
export const readPage = (tenant: number) =>
  Effect.flatMap(Tenants, (pool) => pool.with("people", tenant, (session) => read(session, 0, perPage)))

/** The whole archive, piece by piece. */
export const exportArchive = (tenant: number, onPiece: Effect.Effect<void>) =>
  Effect.flatMap(Tenants, (pool) =>
    pool.with("exports", tenant, (session) =>
      Effect.gen(function*() {
        for (let from = 0; from < documents; from += perQuery) {
          yield* read(session, from, perPiece)
          yield* onPiece
        }
      })))
