/** The routes: a page, what it is told, and what it may ask for. */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Action, perform } from "./actions.ts"
import { Client, type Hub } from "./hub.ts"
import { page } from "./page.ts"

/**
 * How long one stream of frames lasts; then the page comes again, and goes on where it was. A server that closes waits for
 * its open requests: for these no longer than so.
 */
const life = 4000
/** After how many milliseconds the page comes again. */
const pauses = 300
/** How many may look at once. */
const most = 32
/** No request for a change is longer than so. */
const longest = ByteSize.bytes(4096)

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** Nothing is kept, guessed at, or embedded elsewhere. */
const headers = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin"
}

const json = (body: unknown, status = 200): Response => HttpServerResponse.jsonUnsafe(body, { status, headers })
const refusal = (status: number, error: string): Response => json({ error }, status)

export interface Routes<R> {
  /** Without a slash at its end: nothing where it is the root. */
  readonly path: string
  readonly hub: Hub
  /** Absent: nothing can be changed. */
  readonly authorize: Effect.Effect<unknown, unknown, R> | undefined
}

export const routes = Effect.fnUntraced(function*<R>({ authorize, hub, path }: Routes<R>) {
  const router = yield* HttpRouter.HttpRouter
  // known to who can read the page: another site cannot
  const token = authorize === undefined ? undefined : SecureRandom.uuidV4Unsafe()
  const at = (rest: string): `/${string}` => `/${(path + rest).slice(1)}`
  const get = (rest: string, handler: (request: Request) => Effect.Effect<Response, never, Provided>) =>
    router.add("GET", at(rest), (request) => foreign(request) ? Effect.succeed(forbidden) : handler(request))

  yield* get("", () => Effect.sync(() => served(token)))
  yield* get(
    "/snapshot",
    () => Effect.sync(() => HttpServerResponse.text(hub.snapshot, { headers, contentType: "application/json" }))
  )
  yield* get("/events", streaming(hub))
  yield* get("/pools/:pool/objects/:object", () =>
    Effect.map(HttpRouter.params, ({ object, pool }) => {
      const core = hub.find(Number(pool))
      const row = core === undefined ? undefined : hub.row(core, Number(object))
      return row === undefined ? refusal(404, "there is no such object") : json(row)
    }))
  if (authorize === undefined || token === undefined) return
  yield* router.add("POST", at("/actions"), (request) => change(request, hub, token, authorize))
})

type Provided = HttpRouter.Provided

const served = (token: string | undefined): Response => {
  const nonce = SecureRandom.uuidV4Unsafe()
  return HttpServerResponse.text(page({ nonce, token }), {
    contentType: "text/html; charset=utf-8",
    headers: {
      ...headers,
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; ` +
        `img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "cross-origin-opener-policy": "same-origin"
    }
  })
}

// --------------------------------------------------------------------------------------------------------------- frames

const streaming = (hub: Hub) => {
  const key = SecureRandom.uuidV4Unsafe().slice(0, 8)
  let clients = 0
  const attend = Effect.acquireRelease(Effect.sync(() => clients++), () => Effect.sync(() => clients--))
  return (request: Request): Effect.Effect<Response, never, Provided> =>
    Effect.map(Clock.Clock, (clock) => {
      if (clients >= most) return refusal(503, `${most} are looking already`)
      const client = resumed(request.headers["last-event-id"], key)
      const ends = clock.currentTimeMillisUnsafe() + life
      // a client that has not taken the last frame does not ask: it misses those in between
      const next = Effect.suspend(() =>
        Effect.timeoutOption(hub.next(client), Math.max(1, ends - clock.currentTimeMillisUnsafe()))
      )
      const pull = Effect.flatMap(
        next,
        Option.match({
          onNone: () => Cause.done(),
          onSome: (frame) => Effect.succeed([message(frame, client, key)] as const)
        })
      )
      const body = Stream.unwrap(Effect.as(attend, Stream.fromPull(Effect.succeed(pull))))
      return HttpServerResponse.stream(Stream.encodeText(body), {
        contentType: "text/event-stream",
        // a proxy that buffers would turn frames into one late answer
        headers: { ...headers, "x-accel-buffering": "no" }
      })
    }).pipe(
      // one line in the log every few seconds, of each page that is open
      HttpMiddleware.withLoggerDisabled
    )
}

/** Its id says where the client is, for when it comes again. */
const message = (frame: string, { second, seq }: Client, key: string): string =>
  `id: ${key}.${seq}.${second}\nretry: ${pauses}\ndata: ${frame}\n\n`

const resumed = (id: string | undefined, key: string): Client => {
  const client = new Client()
  const [itsKey, seq, second] = id?.split(".") ?? []
  if (itsKey !== key || !/^\d+$/.test(seq ?? "") || !/^\d+$/.test(second ?? "")) return client
  client.seq = Number(seq)
  client.second = Number(second)
  client.full = false
  return client
}

// -------------------------------------------------------------------------------------------------------------- changes

const forbidden = refusal(403, "this is asked from another site")

/** Is it asked by a page of another site? To follow a link to the page is no harm. */
const foreign = ({ headers }: Request): boolean =>
  ["cross-site", "same-site"].includes(headers["sec-fetch-site"] ?? "") && headers["sec-fetch-mode"] !== "navigate"

/** May this change something? The checks that cost nothing come before the one that the user makes. */
const change = <R>(
  request: Request,
  hub: Hub,
  token: string,
  authorize: Effect.Effect<unknown, unknown, R>
): Effect.Effect<Response, never, R | Request> => {
  const { headers } = request
  if (!ownOrigin(request)) return Effect.succeed(forbidden)
  if (!equal(headers["x-inspector-token"] ?? "", token)) {
    return Effect.succeed(
      refusal(403, "the token of the page is missing, or is that of an earlier start: reload the page")
    )
  }
  if (!headers["content-type"]?.startsWith("application/json")) return Effect.succeed(refusal(415, "JSON is expected"))
  return Effect.flatMap(Effect.exit(authorize), (exit) => {
    if (Exit.isSuccess(exit)) return act(hub)
    // the failure may be an answer itself, as one that asks for a password
    if (Cause.hasFails(exit.cause)) {
      return HttpServerRespondable.toResponseOrElse(Cause.squash(exit.cause), refusal(403, "you may not do this"))
    }
    return Effect.as(
      Effect.logError("The inspector's `authorize` has failed", exit.cause),
      refusal(500, "authorize failed")
    )
  })
}

/** What a browser says of who asks, it says itself: no script can make it up. Other programs say nothing. */
const ownOrigin = ({ headers }: Request): boolean => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin"
  const { origin } = headers
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === (headers["host"] ?? headers[":authority"])
}

/** Takes as long however much of it is right. */
const equal = (given: string, token: string): boolean => {
  let different = given.length ^ token.length
  for (let i = 0; i < token.length; i++) different |= given.charCodeAt(i % (given.length || 1)) ^ token.charCodeAt(i)
  return different === 0
}

const act = (hub: Hub): Effect.Effect<Response, never, Request> =>
  HttpServerRequest.schemaBodyJson(Action).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, longest),
    Effect.matchEffect({
      onFailure: () => Effect.succeed(refusal(400, "this is not an action")),
      onSuccess: (action) => {
        const core = hub.find(action.pool)
        if (core === undefined) return Effect.succeed(refusal(404, "there is no such pool"))
        const { _tag, pool: _, ...detail } = action
        return Effect.logInfo(`Inspector: ${_tag}`).pipe(
          Effect.annotateLogs({ pool: core.options.name, ...detail }),
          Effect.andThen(perform(core, action)),
          Effect.match({
            onSuccess: () => json({ done: _tag }, 202),
            onFailure: (error) =>
              error._tag === "InvalidPoolOptions"
                ? refusal(422, error.message)
                : error._tag === "PoolClosed"
                ? refusal(409, error.message)
                : refusal(404, `there is no object ${error.object}`)
          })
        )
      }
    })
  )
