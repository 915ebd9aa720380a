/** OpenAI's shapes, as far as the gateway looks into them. */
import { Effect, Schema } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

const Tokens = Schema.Int.check(Schema.isGreaterThan(0))

/** What the gateway goes by; the rest of a body is the provider's to read. */
const Asked = Schema.Struct({
  model: Schema.String.check(Schema.isMaxLength(200)),
  messages: Schema.Array(Schema.Unknown),
  stream: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  stream_options: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ include_usage: Schema.optionalKey(Schema.Boolean) }))
  ),
  max_tokens: Schema.optionalKey(Schema.NullOr(Tokens)),
  max_completion_tokens: Schema.optionalKey(Schema.NullOr(Tokens)),
  user: Schema.optionalKey(Schema.NullOr(Schema.String)),
  prompt_cache_key: Schema.optionalKey(Schema.NullOr(Schema.String))
})

export interface Chat {
  readonly model: string
  readonly streams: boolean
  /** Has the client itself asked for the usage in the last event of a stream? */
  readonly showsUsage: boolean
  /** At most so many tokens, question and answer. */
  readonly estimate: number
  /** Whose next request should come to the same key, which may remember how it begins. */
  readonly affinity: string
  /** As it goes to the provider. */
  readonly body: Readonly<Record<string, unknown>>
}

/** The answer to a question that does not say how long it may be. */
const usualAnswer = 256

/** Reads the body of a request. Nothing is borrowed yet. */
export const readChat: Effect.Effect<Chat, Refused, HttpServerRequest.HttpServerRequest> = Effect.gen(function*() {
  const body = yield* HttpServerRequest.schemaBodyJson(Schema.Record(Schema.String, Schema.Unknown))
  const asked = yield* Schema.decodeUnknownEffect(Asked)(body)
  const question = JSON.stringify(asked.messages)
  const streams = asked.stream === true
  return {
    model: asked.model,
    streams,
    showsUsage: asked.stream_options?.include_usage === true,
    // four characters are a token, more or less
    estimate: Math.ceil(question.length / 4) + (asked.max_completion_tokens ?? asked.max_tokens ?? usualAnswer),
    affinity: asked.prompt_cache_key ?? asked.user ?? question.slice(0, 500),
    // what a stream has used is known only where it is asked for
    body: streams ? { ...body, stream_options: { ...asked.stream_options, include_usage: true } } : body
  }
}).pipe(
  Effect.mapError((error) =>
    new Refused({ status: 400, type: "invalid_request_error", code: null, why: error.message })
  )
)

/** How many tokens an answer has cost, in all. */
const Used = Schema.Struct({
  usage: Schema.Struct({ total_tokens: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) })
})
const isUsed = Schema.is(Used)

export const tokensOf = (answer: unknown): number | undefined => isUsed(answer) ? answer.usage.total_tokens : undefined

const Bare = Schema.Struct({ choices: Schema.Array(Schema.Unknown).check(Schema.isMaxLength(0)) })

/** The event of a stream that has its usage, and nothing else. */
export const isBare = Schema.is(Bare)

/** What a client is told that gets no answer. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  status: Schema.Int,
  type: Schema.String,
  code: Schema.NullOr(Schema.String),
  why: Schema.String,
  /** In how many milliseconds the client should come again. */
  retryAfter: Schema.optionalKey(Schema.Finite)
}) {
  override get message(): string {
    return this.why
  }
  get error() {
    const { code, type, why } = this
    return { error: { message: why, type, param: null, code } }
  }
  get response(): HttpServerResponse.HttpServerResponse {
    const { retryAfter, status } = this
    return HttpServerResponse.jsonUnsafe(this.error, {
      status,
      headers: retryAfter === undefined
        ? {}
        : { "retry-after": String(Math.ceil(retryAfter / 1000)), "retry-after-ms": String(Math.ceil(retryAfter)) }
    })
  }
}
