/** `effect-object-pool-inspect URL`: the frames of an inspector, drawn in a terminal. */
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import type { Frame } from "./frame.ts"
import { Story, type View } from "./terminal.ts"

/** There is no inspector at that address, or not any more. */
class CannotInspect extends Schema.TaggedError<CannotInspect>()("CannotInspect", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `No inspector at ${this.url}: ${this.reason}`
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

export const inspect = Command.make(
  "effect-object-pool-inspect",
  { url, once, json },
  ({ json, once, url }) =>
    Effect.gen(function*() {
      if (json) return yield* Effect.flatMap(snapshot(url), ({ text }) => Console.log(text))
      const terminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
      if (once || !terminal) return yield* print(url, terminal)
      yield* Effect.raceFirst(show(url), quit)
    }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
).pipe(
  Command.withDescription("Shows the object pools of a running program"),
  Command.run({ version: "0.1.0" })
)

const get = (url: string, headers: Record<string, string> = {}) =>
  HttpClient.execute(HttpClientRequest.get(url, { headers })).pipe(
    Effect.catchTag("HttpClientError", (error) => Effect.fail(new CannotInspect({ url, reason: reasonOf(error) }))),
    Effect.filterOrFail(
      ({ status }) => status === 200,
      ({ status }) => new CannotInspect({ url, reason: `the server answers ${status}` })
    )
  )

/** `fetch` hides what has happened behind what it says. */
const reasonOf = (error: unknown): string => {
  let last = String(error)
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth++) {
    const { cause, code, message, reason } = at as Record<string, unknown>
    if (typeof message === "string" && message !== "") last = message
    if (typeof code === "string") return code
    at = cause ?? reason
  }
  return last
}

const snapshot = (url: string) =>
  Effect.flatMap(get(`${url}/snapshot`), ({ text }) => text).pipe(
    Effect.flatMap((text) => Effect.map(decode(url, text), (frame) => ({ text, frame }))),
    Effect.catchTag("HttpClientError", (error) => Effect.fail(new CannotInspect({ url, reason: reasonOf(error) })))
  )

const decode = (url: string, text: string): Effect.Effect<Frame, CannotInspect> =>
  Effect.try({
    try: () => {
      const frame = JSON.parse(text) as Frame
      if (!Array.isArray(frame.changed) || !Array.isArray(frame.troubles)) throw new Error("no frame")
      return frame
    },
    catch: () => new CannotInspect({ url, reason: "what it answers is not of an inspector" })
  })

/** As of NO_COLOR.org: set to anything. */
const colour = Config.String("NO_COLOR").pipe(Config.withDefault(""), Config.map((text) => text === ""))

const print = Effect.fnUntraced(function*(url: string, terminal: boolean) {
  const { frame } = yield* snapshot(url)
  const story = new Story()
  story.take(frame)
  const columns = terminal ? yield* (yield* Terminal.Terminal).columns : 120
  const view = { url, columns, rows: Infinity, colour: terminal && (yield* Effect.orDie(colour)), note: "" }
  yield* Console.log(story.lines(view).join("\n"))
})

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
  yield* Effect.acquireRelease(
    Effect.orDie(terminal.display("\x1b[?1049h\x1b[?25l")),
    () => Effect.ignore(terminal.display("\x1b[?25h\x1b[?1049l"))
  )
  const stream = Effect.flatMap(
    get(`${url}/events`, lastId === "" ? {} : { "last-event-id": lastId }),
    ({ stream }) =>
      stream.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.runForEach((line) => {
          if (line.startsWith("id: ")) lastId = line.slice(4)
          if (!line.startsWith("data: ")) return Effect.void
          return Effect.flatMap(decode(url, line.slice(6)), (frame) => {
            story.take(frame)
            note = ""
            return draw
          })
        })
      )
  )
  yield* Effect.suspend(() => stream).pipe(
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
