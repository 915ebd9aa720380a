/**
 * Stands in for a provider: a server with the manners of real ones. It counts requests and tokens for each key in windows of
 * its own, refuses with 429, `Retry-After` and `x-ratelimit-*`, refuses a revoked key with 401, and streams its answers, with
 * the usage in the last event.
 *
 *   curl -X PUT 127.0.0.1:4000/keys/sk-1 --json '{"mode":"revoked"}'      # or "failing", "hanging", "ok"
 *   curl 127.0.0.1:4000/keys
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Cause, Clock, Context, Duration, Effect, Exit, Layer, Schema, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Account, type Limits } from "./standIn/account.ts"
import { completion, errorOf, events, tokensIn, wordsOf } from "./standIn/answers.ts"

export interface StandInOptions {
  readonly keys: Readonly<Record<string, Limits>>
  readonly window: Duration.Input
  /** How long it takes until an answer begins, and from one word to the next. */
  readonly pace: Duration.Input
  readonly port?: number | undefined
}

/** The keys that the stand-in knows, and all that it has seen of them. */
export class Accounts extends Context.Service<Accounts, ReadonlyMap<string, Account>>()("llmGateway/Accounts") {}

const Question = Schema.Struct({
  model: Schema.String,
  messages: Schema.Array(Schema.Struct({ content: Schema.String })),
  stream: Schema.optionalKey(Schema.Boolean),
  stream_options: Schema.optionalKey(Schema.Struct({ include_usage: Schema.optionalKey(Schema.Boolean) })),
  max_tokens: Schema.optionalKey(Schema.Int)
})

const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const accountOf = Effect.gen(function*() {
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  const accounts = yield* Accounts
  return accounts.get((headers["authorization"] ?? "").replace("Bearer ", ""))
})

const refusal = (status: number, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe(errorOf(status), { status, headers })

let answered = 0

const completions = (pace: Duration.Input) =>
  Effect.gen(function*() {
    const account = yield* accountOf
    const { max_tokens = 256, messages, model, stream = false, stream_options } = yield* HttpServerRequest
      .schemaBodyJson(
        Question
      )
    if (account === undefined) return refusal(401)
    const prompt = tokensIn(messages)
    const words = wordsOf(messages, max_tokens)
    const now = yield* millis
    const seen = account.admit(now, prompt + max_tokens, model)
    // ends with the answer, or with the connection
    account.inFlight++
    yield* Effect.addFinalizer(() => Effect.sync(() => account.inFlight--))
    if (account.mode === "hanging") return yield* aborts(account, Effect.never)
    if (seen.status === 429) {
      return refusal(429, { "retry-after": String(account.retryAfter(now)), ...account.headers(now) })
    }
    if (seen.status !== 200) {
      return refusal(seen.status)
    }

    // what was counted for more than it has come to is given back, before the client knows
    const settled = Effect.sync(() => {
      seen.tokens = prompt + words.length
    })
    const headers = account.headers(now)
    const id = ++answered
    if (!stream) {
      yield* aborts(account, Effect.sleep(pace))
      yield* settled
      return HttpServerResponse.jsonUnsafe(completion(id, model, prompt, words), { headers })
    }
    const said = events(id, model, prompt, words, stream_options?.include_usage === true)
    const breaks = account.mode === "breaking"
    return HttpServerResponse.stream(
      Stream.fromIterable(said).pipe(
        Stream.rechunk(1),
        Stream.tap((event) => event === said.at(-1) ? settled : Effect.sleep(pace)),
        Stream.mapEffect((event, i) => breaks && i === 2 ? Effect.interrupt : Effect.succeed(event)),
        Stream.encodeText,
        Stream.onExit((exit) => aborts(account, exit))
      ),
      { contentType: "text/event-stream", headers }
    )
  }).pipe(
    Effect.catchTag(["SchemaError", "HttpServerError"], () => Effect.succeed(refusal(400)))
  )

/** Counts who does not wait for the end. */
const aborts = <A, E, R>(account: Account, effect: Effect.Effect<A, E, R>) =>
  Effect.onExit(effect, (exit) =>
    Effect.sync(() => {
      if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) account.aborted++
    }))

const models = Effect.gen(function*() {
  const account = yield* accountOf
  if (account === undefined || account.mode === "revoked") return refusal(401)
  const data = (account.limits.models ?? ["small", "large"]).map((id) => ({
    id,
    object: "model",
    created: 0,
    owned_by: "x"
  }))
  return HttpServerResponse.jsonUnsafe({ object: "list", data })
})

const Control = Schema.Struct({ mode: Schema.Literals(["ok", "revoked", "failing", "hanging", "breaking"]) })

const control = Effect.gen(function*() {
  const { key } = yield* HttpRouter.schemaPathParams(Schema.Struct({ key: Schema.String }))
  const { mode } = yield* HttpServerRequest.schemaBodyJson(Control)
  const account = (yield* Accounts).get(key)
  if (account === undefined) return HttpServerResponse.empty({ status: 404 })
  account.mode = mode
  return HttpServerResponse.empty()
})

const keys = Effect.gen(function*() {
  const accounts = yield* Accounts
  return HttpServerResponse.jsonUnsafe(Array.from(accounts, ([key, account]) => {
    const { aborted, inFlight, mode, seen, tooEarly } = account
    const count = (status: number) => account.count(status)
    return { key, mode, seen: seen.length, ok: count(200), refused: count(429), inFlight, aborted, tooEarly }
  }))
})

/** Its accounts, which are new each time, are the caller's to look into as well. */
export const StandIn = ({ keys: limits, pace, port = 0, window }: StandInOptions) => {
  const millis = Duration.toMillis(window)
  const NewAccounts = Layer.sync(
    Accounts,
    () => new Map(Object.entries(limits).map(([key, limits]) => [key, new Account(limits, millis)]))
  )
  return HttpRouter.serve(
    Layer.mergeAll(
      HttpRouter.add("POST", "/v1/chat/completions", completions(pace)),
      HttpRouter.add("GET", "/v1/models", models),
      HttpRouter.add("PUT", "/keys/:key", control),
      HttpRouter.add("GET", "/keys", keys)
    ),
    { disableLogger: true }
  ).pipe(
    Layer.provideMerge(NewAccounts),
    Layer.provideMerge(Layer.orDie(NodeHttpServer.layer(() => createServer(), { port, host: "127.0.0.1" })))
  )
}
