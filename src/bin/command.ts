/**
 * `effect-object-pool inspect URL`: the frames of an inspector, drawn in a terminal. What the server sends may be anything.
 *
 * The program is called as the package: whoever asks for it where it is not installed is given this package, not another.
 */
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as FileSystem from "effect/FileSystem"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { Story, type View } from "../internal/inspection/terminal.ts"
import { type Drawn, isDrawn } from "../internal/inspection/wire.ts"
import { nameOfFailure, plain, short, unprintable } from "../internal/inspection/words.ts"

/** No frame is longer; an inspector of this version sends none of more than a third of it. */
const longest = 8_000_000
/** How long an answer, or the next part of a stream, may take. */
const patience = "10 seconds"
/** How often it is drawn at most: who sends faster is slowed down. */
const pause = "100 millis"
/** How often a server may send on to another address of its own. */
const redirects = 3

/** There is no inspector at that address, or not any more. */
class CannotInspect extends Schema.TaggedError<CannotInspect>()("CannotInspect", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `No inspector at ${plain(this.url)}: ${this.reason}`
  }
}

const url = Argument.String("url").pipe(
  Argument.withDescription("Where the page of the inspector is, as in http://127.0.0.1:3000/pools"),
  Argument.mapTryCatch(
    (text) => new URL(/^https?:/.test(text) ? text : `http://${text}`).href.replace(/\/+$/, ""),
    () => "Expected the address of a page"
  )
)
const once = Flag.Boolean("once").pipe(Flag.withDescription("Print one picture, and end"), Flag.withDefault(false))
const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one frame as JSON, and end"),
  Flag.withDefault(false)
)

const inspect = Command.make(
  "inspect",
  { url, once, json },
  ({ json, once, url }) =>
    Effect.gen(function*() {
      if (json) return yield* Effect.flatMap(snapshot(url), (frame) => Console.log(escaped(frame)))
      const terminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
      if (once || !terminal) return yield* print(url, terminal)
      yield* Effect.raceFirst(show(url), quit)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(
        FetchHttpClient.layer,
        // it is for us to say where a redirect may lead
        Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" })
      ))
    )
).pipe(
  Command.withDescription("Shows the object pools of a running program, as its inspector has them")
)

const command = Command.make("effect-object-pool").pipe(
  Command.withDescription("Looks after object pools from outside"),
  Command.withSubcommands([inspect])
)

/** Beside `src` and `dist`. */
const manifest = new URL("../../package.json", import.meta.url)

const version = Effect.gen(function*() {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* (yield* Path.Path).fromFileUrl(manifest)
  return (yield* decodeManifest(yield* fileSystem.readFileString(path))).version
})

const decodeManifest = Schema.decodeEffect(Schema.fromJsonString(Schema.Struct({ version: Schema.String })))

export const program = Effect.flatMap(version, (version) => Command.run(command, { version }))

const get = (
  url: string,
  headers: Record<string, string> = {},
  left = redirects
): Effect.Effect<HttpClientResponse.HttpClientResponse, CannotInspect, HttpClient.HttpClient> =>
  HttpClient.execute(HttpClientRequest.get(url, { headers })).pipe(
    Effect.catchTag("HttpClientError", (error) => cannot(url, reasonOf(error))),
    Effect.timeoutOrElse({ duration: patience, orElse: () => cannot(url, "it does not answer") }),
    Effect.flatMap((response) => {
      const { headers: { location }, status } = response
      if (status === 200) return Effect.succeed(response)
      if (status < 300 || status > 399 || location === undefined) return cannot(url, `the server answers ${status}`)
      const to = URL.canParse(location, url) ? new URL(location, url) : undefined
      if (to?.origin !== new URL(url).origin) return cannot(url, "it sends on to another server")
      return left > 0 ? get(to.href, headers, left - 1) : cannot(url, "it sends on and on")
    })
  )

const cannot = (url: string, reason: string): Effect.Effect<never, CannotInspect> =>
  Effect.fail(new CannotInspect({ url, reason }))

const tooLong = (url: string): Effect.Effect<never, CannotInspect> =>
  cannot(url, `it sends more than ${longest / 1e6} MB`)

/** `fetch` hides what has happened behind what it says. */
const reasonOf = (error: unknown): string => {
  if (error instanceof CannotInspect) return error.reason
  let last = nameOfFailure(error)
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth++) {
    const { cause, code, message, reason } = at as Record<string, unknown>
    if (typeof message === "string" && message !== "") last = message
    if (typeof code === "string") last = code
    if (typeof code === "string") break
    at = cause ?? reason
  }
  return plain(short(last))
}

/** The parts of an answer, as text. */
const read = (url: string, { stream }: HttpClientResponse.HttpClientResponse): Stream.Stream<string, CannotInspect> =>
  stream.pipe(
    Stream.decodeText,
    Stream.catch((error) => Stream.fromEffect(cannot(url, reasonOf(error)))),
    Stream.timeoutOrElse({ duration: patience, orElse: () => Stream.fromEffect(cannot(url, "it does not go on")) })
  )

/** Takes the parts of a text, as long as it is not too long. */
class Parts {
  private readonly url: string
  private parts: Array<string> = []
  private length = 0

  constructor(url: string) {
    this.url = url
  }

  add(part: string): Effect.Effect<void, CannotInspect> {
    this.length += part.length
    if (this.length > longest) return tooLong(this.url)
    this.parts.push(part)
    return Effect.void
  }

  take(): string {
    const text = this.parts.join("")
    this.parts = []
    this.length = 0
    return text
  }
}

const snapshot = Effect.fnUntraced(function*(url: string) {
  const response = yield* get(`${url}/snapshot`)
  const parts = new Parts(url)
  yield* Effect.timeoutOrElse(Stream.runForEach(read(url, response), (part) => parts.add(part)), {
    duration: patience,
    orElse: () => cannot(url, "it does not come to an end")
  })
  return yield* decode(url, parts.take())
})

const decode = (url: string, text: string): Effect.Effect<Drawn, CannotInspect> =>
  Effect.try({
    try: () => {
      const frame: unknown = JSON.parse(text)
      if (!isDrawn(frame)) throw new Error("no frame")
      return frame
    },
    catch: () => new CannotInspect({ url, reason: "what it answers is not of an inspector" })
  })

/** As JSON of what a terminal shows: what it would obey is written by its number. */
const escaped = (frame: Drawn): string =>
  JSON.stringify(frame).replace(
    new RegExp(unprintable, "gu"),
    (character) =>
      Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
        .join("")
  )

/** As of NO_COLOR.org: set to anything. */
const colour = Config.String("NO_COLOR").pipe(Config.withDefault(""), Config.map((text) => text === ""))

const print = Effect.fnUntraced(function*(url: string, terminal: boolean) {
  const story = new Story()
  story.take(yield* snapshot(url))
  const columns = terminal ? yield* (yield* Terminal.Terminal).columns : 120
  const view = { url, columns, rows: Infinity, colour: terminal && (yield* Effect.orDie(colour)), note: "" }
  yield* Console.log(story.lines(view).join("\n"))
})

/** The other screen of the terminal, which is given back whatever ends the program. */
export const screen = { taken: false, take: "\x1b[?1049h\x1b[?25l", restore: "\x1b[?25h\x1b[?1049l" }

const takeScreen = (terminal: Terminal.Terminal) =>
  Effect.acquireRelease(
    Effect.andThen(
      Effect.sync(() => {
        screen.taken = true
      }),
      Effect.ignore(terminal.display(screen.take))
    ),
    () =>
      Effect.andThen(
        Effect.ignore(terminal.display(screen.restore)),
        Effect.sync(() => {
          screen.taken = false
        })
      )
  )

/** Draws frame after frame, as long as it runs. A stream that ends, or breaks, is followed by the next. */
const show = Effect.fnUntraced(function*(url: string) {
  // an address that is wrong is told at once
  yield* snapshot(url)
  const terminal = yield* Terminal.Terminal
  const coloured = yield* Effect.orDie(colour)
  const story = new Story()
  let lastId = ""
  let note = ""
  const draw = Effect.gen(function*() {
    const view: View = {
      url,
      columns: yield* terminal.columns,
      rows: yield* terminal.rows,
      colour: coloured,
      note: note === "" ? "q: quit" : note
    }
    yield* terminal.display(`\x1b[H${story.lines(view).map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`)
  })
  yield* takeScreen(terminal)
  const hear = ({ data, id = "" }: Sse.Event): Effect.Effect<void, CannotInspect | PlatformError> =>
    Effect.flatMap(decode(url, data), (frame) => {
      // it goes back to the server as a header
      if (/^[\w.-]{1,100}$/.test(id)) lastId = id
      story.take(frame)
      note = ""
      return Effect.andThen(draw, Effect.sleep(pause))
    })
  const stream = Effect.fnUntraced(function*() {
    const response = yield* get(`${url}/events`, lastId === "" ? {} : { "last-event-id": lastId })
    let heard: Array<Sse.Event> = []
    const parser = Sse.makeParser((event) => event._tag === "Event" && heard.push(event), { maxEventSize: longest })
    yield* Stream.runForEach(read(url, response), (part) => {
      const error = parser.feed(part)
      const events = heard
      heard = []
      return Effect.andThen(
        Effect.forEach(events, hear, { discard: true }),
        error === undefined ? Effect.void : tooLong(url)
      )
    })
  })
  yield* Effect.suspend(stream).pipe(
    Effect.catch((error) => {
      note = `no connection (${reasonOf(error)}), trying again`
      return Effect.andThen(draw, Effect.sleep("1 second"))
    }),
    Effect.repeat(Schedule.spaced("200 millis"))
  )
})

/** Ends with `q`, Escape or Ctrl-C. */
const quit = Effect.gen(function*() {
  const keys = yield* (yield* Terminal.Terminal).readInput
  while (true) {
    const { key } = yield* Queue.take(keys)
    if (key.name === "q" || key.name === "escape" || (key.ctrl && key.name === "c")) return
  }
}).pipe(Effect.catchIf(Cause.isDone, () => Effect.void))
