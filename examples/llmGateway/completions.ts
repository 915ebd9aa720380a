/**
 * The way of one question: to a key, to the provider, and back.
 *
 * The lease lasts as long as the answer is under way. The body of `with` runs in a fiber that ends with the request: where the
 * client goes away it is interrupted, and with it what is under way to the provider. Until the head of an answer has come,
 * another key is tried; after that, a failure is the client's to see.
 */
import { type Cause, Deferred, Effect, Queue, Stream } from "effect"
import { Sse } from "effect/encoding"
import { type HttpClientResponse, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Lease } from "../../src/index.ts"
import { Bookings } from "./bookings.ts"
import { Keys, ProviderFailed, tierOf, type Use } from "./keys.ts"
import { ask, silent } from "./provider.ts"
import { giveWay, refuse, tooLarge } from "./refusals.ts"
import { GatewaySettings, type Key } from "./settings.ts"
import { type Chat, isBare, readChat, Refused, tokensOf } from "./wire.ts"

/** What the client gets: the head, and the events of an answer that is streamed. */
interface Answer {
  readonly head: Deferred.Deferred<HttpServerResponse.HttpServerResponse, Refused>
  readonly events: Queue.Queue<string, Cause.Done>
}

export const complete = Effect.gen(function*() {
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  const { keys, largest } = yield* GatewaySettings
  const chat = yield* readChat
  if (chat.estimate > largest) {
    return yield* new Refused({ ...tooLarge, why: `About ${chat.estimate} tokens, and ${largest} are allowed` })
  }
  const answer: Answer = {
    head: yield* Deferred.make<HttpServerResponse.HttpServerResponse, Refused>(),
    events: yield* Queue.bounded<string, Cause.Done>(16)
  }
  // clients of OpenAI say how often they have come back
  const retries = headers["x-stainless-retry-count"]
  const isBack = Number(retries ?? 0) > 0
  if (retries !== undefined && !isBack) yield* giveWay
  const seated = isBack ? (yield* Bookings).comeBack() : () => {}
  const cheapest = Math.min(...keys.map(tierOf))

  yield* Keys.with((lease) => Effect.andThen(Effect.sync(seated), relay(lease, chat, answer)), {
    cost: chat.estimate,
    facet: chat.model,
    affinity: chat.affinity,
    // the same text goes to the same key of the first tier
    prefer: ({ object }) => tierOf(object) === cheapest,
    // who has come back when he was told goes before those who come for the first time
    priority: isBack ? 1 : 0,
    failover: 3
  }).pipe(
    Effect.ensuring(Effect.sync(seated)),
    // what is not streamed is answered when the lease is over
    Effect.flatMap((response) => Deferred.succeed(answer.head, response)),
    Effect.catch((failure) =>
      Effect.flatMap(refuse(failure, retries !== undefined), (refused) => Deferred.fail(answer.head, refused))
    ),
    // nobody listens to this where the head has been sent
    Effect.catchCause((cause) => Deferred.failCause(answer.head, cause)),
    // the client sees the end when the lease is over
    Effect.ensuring(Queue.end(answer.events)),
    Effect.forkScoped
  )
  return yield* Deferred.await(answer.head)
}).pipe(Effect.catchTag("Refused", ({ response }) => Effect.succeed(response)))

const relay = Effect.fnUntraced(function*(lease: Lease<Key, Use>, chat: Chat, answer: Answer) {
  const response = yield* Effect.tapError(ask(lease, chat), () => lease.charge(-chat.estimate))
  const { answered, used } = chat.streams && response.status < 400
    ? yield* stream(response, chat, answer)
    : yield* whole(response, chat)
  if (used !== undefined) yield* lease.charge(used - chat.estimate)
  return answered
})

const whole = Effect.fnUntraced(function*(response: HttpClientResponse.HttpClientResponse, chat: Chat) {
  const { silence } = yield* GatewaySettings
  const body = yield* response.json.pipe(
    Effect.mapError((error) => new ProviderFailed({ status: 502, why: error.message, model: chat.model })),
    Effect.timeoutOrElse({ duration: silence, orElse: () => Effect.fail(silent(chat.model)) })
  )
  return {
    answered: HttpServerResponse.jsonUnsafe(body, { status: response.status }),
    used: response.status < 400 ? tokensOf(body) : 0
  }
})

const stream = Effect.fnUntraced(
  function*(response: HttpClientResponse.HttpClientResponse, chat: Chat, answer: Answer) {
    const { silence } = yield* GatewaySettings
    const { events, head } = answer
    const answered = HttpServerResponse.stream(Stream.encodeText(Stream.fromQueue(events)), {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-cache" }
    })
    let used: number | undefined = undefined
    yield* Deferred.succeed(head, answered)
    yield* response.stream.pipe(
      Stream.decodeText,
      Stream.mapEffect(reader()),
      Stream.flattenIterable,
      Stream.timeoutOrElse({ duration: silence, orElse: () => Stream.fail(silent(chat.model)) }),
      Stream.runForEach(({ data }) => {
        const event = parse(data)
        used = tokensOf(event) ?? used
        return isBare(event) && !chat.showsUsage ? Effect.void : Queue.offer(events, `data: ${data}\n\n`)
      }),
      Effect.catch((error) => {
        const { error: said } = new Refused({ status: 502, type: "server_error", code: null, why: error.message })
        // a failure would be tried with another key, and this is the client's already; the judge sees the defect, too
        return Effect.andThen(Queue.offer(events, `data: ${JSON.stringify(said)}\n\n`), Effect.die(error))
      })
    )
    return { answered, used }
  }
)

/** Reads the events of one stream. When to come again, which one may say between them, is not for who is being answered. */
const reader = () => {
  let read: Array<Sse.Event> = []
  const parser = Sse.makeParser((event) => void (event._tag === "Event" && read.push(event)))
  return (text: string): Effect.Effect<ReadonlyArray<Sse.Event>, Sse.SseError> =>
    Effect.suspend(() => {
      read = []
      const error = parser.feed(text)
      return error === undefined ? Effect.succeed(read) : Effect.fail(error)
    })
}

const parse = (data: string): unknown => {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}
