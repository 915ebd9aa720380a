/** What is served. A request borrows late and gives back early: its body is read before, its response is sent after. */
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { PoolMetrics } from "../../src/index.ts"
import { Inspector } from "../../src/inspector.ts"
import type { QueryError } from "./session.ts"
import { Sessions, type Transaction } from "./sessions.ts"

const Count = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 }))
const Path = Schema.Struct({ id: Count })
const Note = Schema.Struct({
  // the one character that PostgreSQL cannot keep
  text: Schema.String.check(Schema.isMaxLength(1000), Schema.makeFilter((text) => !text.includes("\0")))
})
const Pace = Schema.Struct({
  seconds: Schema.FiniteFromString.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  times: Schema.optionalKey(Count)
})

/**
 * Answers from a transaction, which is committed before the answer is sent.
 *
 * 503 says "try again": there was no session in time, or it was lost on the way. The one that was lost may have committed;
 * to repeat the request does no harm, since every route is idempotent. 504 says "it took too long", and was rolled back.
 */
const answer = (body: (transaction: Transaction) => Effect.Effect<HttpServerResponse.HttpServerResponse, QueryError>) =>
  Sessions.transaction(body).pipe(
    Effect.catchTag(
      ["PoolExhausted", "BorrowTimeout", "PoolClosed", "CannotConnect", "SessionLost"],
      ({ _tag }) => HttpServerResponse.json({ error: _tag }, { status: 503, headers: { "retry-after": "1" } })
    ),
    Effect.catchTag(
      ["LeaseExpired", "StatementTimeout"],
      ({ _tag }) => HttpServerResponse.json({ error: _tag }, { status: 504 })
    ),
    // a mistake of ours
    Effect.catchTag(
      "QueryFailed",
      ({ message }) => Effect.as(Effect.logError(message), HttpServerResponse.empty({ status: 500 }))
    )
  )

const writeNote = Effect.gen(function*() {
  const { id } = yield* HttpRouter.schemaPathParams(Path)
  const { text } = yield* HttpServerRequest.schemaBodyJson(Note)
  return yield* answer(({ query }) =>
    query("INSERT INTO notes VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET text = excluded.text", [id, text]).pipe(
      Effect.as(HttpServerResponse.empty())
    )
  )
})

const readNote = Effect.gen(function*() {
  const { id } = yield* HttpRouter.schemaPathParams(Path)
  return yield* answer(({ query }) =>
    Effect.map(
      query("SELECT text FROM notes WHERE id = $1", [id]),
      ([note]) => note === undefined ? HttpServerResponse.empty({ status: 404 }) : HttpServerResponse.jsonUnsafe(note)
    )
  )
})

/** Sleeps in the database: in one statement, or in several, one after the other. */
const slowQuery = Effect.gen(function*() {
  const { seconds, times = 1 } = yield* HttpServerRequest.schemaSearchParams(Pace)
  return yield* answer(({ query }) =>
    Effect.as(Effect.repeat(query("SELECT pg_sleep($1)", [seconds]), { times: times - 1 }), HttpServerResponse.empty())
  )
})

const poolStatus = Effect.gen(function*() {
  const stats = yield* Sessions.stats
  const sessions = yield* Sessions.objects
  return HttpServerResponse.jsonUnsafe({
    stats,
    sessions: sessions.map(({ borrowCount, object, status }) => ({ pid: object.pid, status, borrowCount }))
  })
})

/** What an operator looks at is shown to whoever reaches this server: it listens on this machine alone. */
const Operating = Layer.mergeAll(
  PrometheusMetrics.layerHttp({ path: "/metrics" }),
  Inspector.layerHttp({ path: "/pools" })
).pipe(Layer.provide(PoolMetrics.layer(Sessions)))

export const Routes = Layer.mergeAll(
  Operating,
  HttpRouter.add("PUT", "/notes/:id", writeNote),
  HttpRouter.add("GET", "/notes/:id", readNote),
  HttpRouter.add("GET", "/slow", slowQuery),
  HttpRouter.add("GET", "/pool", poolStatus)
)
