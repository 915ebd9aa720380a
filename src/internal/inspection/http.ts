/** The routes: a page, what it is told, and what it may ask for. */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Exit from "effect/Exit"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import { ClientAbort } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Action, perform } from "./actions.ts"
import { accepting } from "./hosts.ts"
import { Client, type Hub, type Told } from "./hub.ts"
import { page } from "./page.ts"
import { nameOfPool } from "./words.ts"

/**
 * How long one stream of frames lasts; then the page comes again, and goes on where it was. A server that closes waits for
 * its open requests: for these no longer than so, where it does not say that it closes.
 */
const life = 4000
/** How often those who wait for a client look whether the server closes. */
const glance = 250
/** How long a client may take for an answer. One that does not read holds up a server that closes, and the next client. */
const patience = 10_000
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
  /** By which the server may be asked, beside its address and the names of this machine. */
  readonly hosts: ReadonlyArray<string>
  readonly hub: Hub
  /** Absent: nothing can be changed. */
  readonly authorize: Effect.Effect<unknown, unknown, R> | undefined
}

export const routes = Effect.fnUntraced(function*<R>({ authorize, hosts, hub, path }: Routes<R>) {
  const router = yield* HttpRouter.HttpRouter
  const server = yield* Effect.serviceOption(HttpServer.HttpServer)
  const accepts = accepting(hosts, Option.getOrUndefined(server)?.address)
  // known to who can read the page: another site cannot
  const token = authorize === undefined ? undefined : SecureRandom.uuidV4Unsafe()
  const add = <R1>(
    method: "GET" | "POST",
    rest: string,
    handler: (request: Request) => Effect.Effect<Response, never, Provided | R1>
  ) => {
    const isAsked = literally(path + rest)
    return router.add(
      method,
      `/${(path + rest).slice(1)}`,
      (request) =>
        Effect.flatMap(HttpRouter.RouteContext, ({ route }) => {
          if (!isAsked(request, Option.getOrElse(route.prefix, () => ""))) return Effect.succeed(missing)
          return accepts(request)
            ? Effect.map(handler(request), parting(connectionOf(request)))
            : Effect.succeed(misdirected)
        })
    )
  }
  const get = (rest: string, handler: (request: Request) => Effect.Effect<Response, never, Provided>) =>
    add("GET", rest, (request) => foreign(request) ? Effect.succeed(forbidden) : handler(request))

  yield* get("", () => Effect.sync(() => served(token)))
  yield* get("/snapshot", snapshots(hub))
  yield* get("/events", streaming(hub))
  yield* get("/pools/:pool/objects/:object", () =>
    Effect.map(HttpRouter.params, ({ object, pool }) => {
      const core = hub.find(Number(pool))
      const row = core === undefined ? undefined : hub.row(core, Number(object))
      return row === undefined ? refusal(404, "there is no such object") : json(row)
    }))
  if (authorize === undefined || token === undefined) return
  yield* add("POST", "/actions", (request) => change(request, hub, token, authorize))
})

const missing = refusal(404, "there is nothing here")
const misdirected = refusal(403, "this server is asked by a name that is not its own: `hosts` says which others it has")

/**
 * Is a path asked for as it is written? The router also takes it with another case, doubled slashes and percent signs, as a
 * middleware does not that guards what begins with it.
 */
const literally = (path: string) => {
  const pattern = new RegExp(`^${
    new URL(`http://localhost${path}`).pathname.replace(/\/$/, "")
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replace(/:\w+/g, "\\d{1,15}")
  }/?$`)
  const pathOf = (url: string) => url.replace(/^https?:\/\/[^/?#]*/i, "").replace(/\?.*$/s, "")
  return ({ originalUrl, url }: Request, prefix: string): boolean =>
    pattern.test(pathOf(url)) && (prefix === "" || pathOf(originalUrl) === prefix + pathOf(url))
}

type Provided = HttpRouter.Provided

// ---------------------------------------------------------------------------------------------------------- connections

/** What is known of the connection that a request has come by. */
interface Connection {
  /** Whether a header says what becomes of it, as in HTTP/1. */
  readonly one: boolean
  /** Has its server been told to close? It then waits for its open connections. */
  readonly isClosing: () => boolean
}

/** As Node tells of it; of another server it is not known whether it closes. */
const connectionOf = ({ source }: Request): Connection => {
  const { httpVersionMajor, socket } = source as {
    readonly httpVersionMajor?: unknown
    readonly socket?: { readonly server?: { readonly listening?: unknown } | null } | null
  }
  const server = socket?.server
  return { one: httpVersionMajor === 1, isClosing: () => server?.listening === false }
}

/** A connection that a closing server waits for is not kept for another request. */
const parting = ({ isClosing, one }: Connection) => (response: Response): Response =>
  one && isClosing() ? HttpServerResponse.setHeader(response, "connection", "close") : response

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

/** Answers that may be large are given to so many clients at once, and to each as long as it is patient with. */
const limited = () => {
  let clients = 0
  const attend = Effect.fnUntraced(function*(connection: Connection) {
    yield* Effect.acquireRelease(Effect.sync(() => clients++), () => Effect.sync(() => clients--))
    // the fiber that reads the stream: it may wait for the client for ever
    yield* Effect.withFiber((fiber) =>
      Effect.forkScoped(
        Effect.andThen(
          waitFor(connection),
          Effect.sync(() => fiber.interruptUnsafe(undefined, ClientAbort.annotation))
        ),
        { startImmediately: true }
      )
    )
  })
  return (body: Stream.Stream<Uint8Array>, connection: Connection, options: HttpServerResponse.Options): Response =>
    clients >= most
      ? refusal(503, `${most} are looking already`)
      : HttpServerResponse.stream(Stream.unwrap(Effect.as(attend(connection), body)), options)
}

/** As long as somebody is waited for who does not read: where the server closes, a moment more. */
const waitFor = Effect.fnUntraced(function*({ isClosing }: Connection) {
  for (let waited = 0; waited < patience && !isClosing(); waited += glance) yield* Effect.sleep(glance)
  // meanwhile a stream that is read comes to its own end
  if (isClosing()) yield* Effect.sleep(glance)
})

const encoder = new TextEncoder()

/** One snapshot is encoded once, whoever takes it. */
const snapshots = (hub: Hub) => {
  const answer = limited()
  const encoded = new WeakMap<Told, Uint8Array>()
  return (request: Request): Effect.Effect<Response> =>
    Effect.sync(() => {
      const { whole } = hub
      const bytes = encoded.get(whole) ?? encoder.encode(whole.text)
      encoded.set(whole, bytes)
      return answer(Stream.succeed(bytes), connectionOf(request), {
        headers,
        contentType: "application/json",
        contentLength: bytes.length
      })
    })
}

const streaming = (hub: Hub) => {
  const key = SecureRandom.uuidV4Unsafe().slice(0, 8)
  const answer = limited()
  const encoded = new WeakMap<Told, Uint8Array>()
  const message = (told: Told): Uint8Array => {
    const bytes = encoded.get(told) ?? encoder.encode(toMessage(told, key))
    encoded.set(told, bytes)
    return bytes
  }
  return (request: Request): Effect.Effect<Response, never, Provided> =>
    Effect.map(Clock.Clock, (clock) => {
      const connection = connectionOf(request)
      const client = resumed(request.headers["last-event-id"], key, connection.isClosing)
      const ends = clock.currentTimeMillisUnsafe() + life
      // a client that has not taken the last frame does not ask: it misses those in between
      const next = Effect.suspend(() =>
        Effect.timeoutOption(hub.next(client), Math.max(1, ends - clock.currentTimeMillisUnsafe()))
      )
      const pull = Effect.flatMap(
        Effect.map(next, Option.flatten),
        Option.match({
          onNone: () => Cause.done(),
          onSome: (told) => Effect.succeed([message(told)] as const)
        })
      )
      return answer(Stream.concat(beginning, Stream.fromPull(Effect.succeed(pull))), connection, {
        contentType: "text/event-stream",
        headers: {
          ...headers,
          // a proxy that buffers would turn frames into one late answer
          "x-accel-buffering": "no",
          // who comes again comes by a new connection: a server that closes has none of those
          ...connection.one && { connection: "close" }
        }
      })
    }).pipe(
      // one line in the log every few seconds, of each page that is open
      HttpMiddleware.withLoggerDisabled
    )
}

/** Its id says where the client is, for when it comes again. */
const toMessage = ({ second, seq, text }: Told, key: string): string =>
  Sse.encoder.write({ _tag: "Event", event: "message", id: `${key}.${seq}.${second}`, data: text })

/** What a stream begins with. */
const beginning = Stream.succeed(
  encoder.encode(Sse.encoder.write(new Sse.Retry({ duration: Duration.millis(pauses), lastEventId: undefined })))
)

const resumed = (id: string | undefined, key: string, isOver: () => boolean): Client => {
  const [itsKey, seq, second] = id?.split(".") ?? []
  if (itsKey !== key || !isCount(seq) || !isCount(second)) return new Client(isOver)
  return new Client(isOver, { seq: Number(seq), second: Number(second) })
}

const isCount = (text: string | undefined): boolean => text !== undefined && /^\d{1,15}$/.test(text)

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
  if (!Mac.timingSafeEqual(encoder.encode(headers["x-inspector-token"] ?? ""), encoder.encode(token))) {
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

const act = (hub: Hub): Effect.Effect<Response, never, Request> =>
  HttpServerRequest.schemaBodyJson(Action).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, longest),
    Effect.timeout(patience),
    Effect.matchEffect({
      onFailure: () => Effect.succeed(refusal(400, "this is not an action")),
      onSuccess: (action) => {
        const core = hub.find(action.pool)
        if (core === undefined) return Effect.succeed(refusal(404, "there is no such pool"))
        const { _tag, pool: _, ...detail } = action
        return Effect.logInfo(`Inspector: ${_tag}`).pipe(
          Effect.annotateLogs({ pool: nameOfPool(core), ...detail }),
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
