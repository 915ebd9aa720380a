/** A server of its own for each test, on a free port, with the inspector at /pools. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpRouter, HttpServer } from "effect/http"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { TestClock } from "effect/testing"
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer, request } from "node:http"
import { program, screen } from "../../src/bin/command.ts"
import { ObjectPool } from "../../src/index.ts"
import { Inspector, type InspectorActions, type InspectorOptions } from "../../src/inspector.ts"
import type { Frame } from "../../src/internal/inspection/frame.ts"
import { pools } from "../../src/internal/state/pools.ts"
import { start } from "./borrowers.ts"
import { turn } from "./promises.ts"

/** It closes with the scope. */
export const serve = Effect.fnUntraced(function*(
  options: InspectorOptions & InspectorActions = {},
  { gracefulShutdownTimeout = "100 millis", host = "127.0.0.1" }: {
    readonly host?: string
    /** How long a server that closes waits for its connections. */
    readonly gracefulShutdownTimeout?: Duration.Input
  } = {}
) {
  const node = createServer()
  const listening = NodeHttpServer.layer(() => node, { port: 0, host, gracefulShutdownTimeout })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const context = yield* Layer.buildWithScope(
    HttpRouter.serve(Inspector.layerHttp(options), { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(listening)
    ),
    scope
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
  const { address } = Context.get(context, HttpServer.HttpServer)
  return {
    url: `${HttpServer.formatAddress(address).replace("0.0.0.0", "127.0.0.1")}/pools`,
    node,
    close: Scope.close(scope, Exit.void)
  }
})

/** Somebody who looks, on the clock of the test, and without a server between. */
export const looking = Effect.fnUntraced(function*(options: InspectorOptions = {}) {
  const { dispose, handler } = HttpRouter.toWebHandler(
    Layer.provideMerge(Inspector.layerHttp(options), Layer.succeed(Clock.Clock, yield* Clock.Clock)),
    { disableLogger: true }
  )
  yield* Effect.addFinalizer(() => Effect.promise(dispose))
  const text = Effect.promise(async () => (await handler(new Request("http://localhost/pools/snapshot"))).text())
  return { text, frame: Effect.map(text, (json) => JSON.parse(json) as Frame) }
})

/** The pool of that name, as the inspector has it. */
export const coreOf = (name: string) => [...pools].find((core) => core.options.name === name)!

/** A pool of that name that is not closed with the test, as what is spoiled within it may forbid that. */
export const spoiled = Effect.fnUntraced(function*(name: string) {
  yield* Scope.provide(ObjectPool.make({ name, objects: ["b"] }), Scope.makeUnsafe())
  const core = coreOf(name)
  yield* Effect.addFinalizer(() => Effect.sync(() => pools.delete(core)))
  return core
})

/** What the command prints, in a process of its own. */
export const command = (...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
    execFile(process.execPath, ["src/bin/main.ts", "inspect", ...args], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : 1
      resume(Effect.succeed({ code, stdout, stderr }))
    })
  })

export const snapshot = (url: string): Effect.Effect<Frame> =>
  Effect.promise(async () => await (await fetch(`${url}/snapshot`)).json() as Frame)

export const tokenOf = (url: string): Effect.Effect<string> =>
  Effect.promise(async () =>
    /name="inspector-token" content="([^"]+)"/.exec(await (await fetch(url)).text())?.[1] ?? ""
  )

/** The status of an answer to a request that is sent as it is given, where `fetch` would set it right. */
export const asked = (
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
  body = ""
): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const sent = request({ hostname, port, path, method, headers, agent: false }, (response) => {
      // a stream of frames does not end: its head is enough
      response.destroy()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })

interface Message {
  readonly id: string
  readonly frame: Frame
}

/** The messages of one stream, until it ends or so many have come. */
export const listen = (url: string, most = Infinity, headers: Record<string, string> = {}) =>
  Effect.promise(async (signal) => {
    const response = await fetch(`${url}/events`, { headers, signal })
    const messages: Array<Message> = []
    let text = ""
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n")
        text = text.slice(end + 2)
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ""
        // how soon to come again, before the first
        if (field("data") === "") continue
        messages.push({ id: field("id"), frame: JSON.parse(field("data")) as Frame })
      }
      if (messages.length >= most) break
    }
    return messages
  })

/** The command in this process, on a terminal that remembers what it was given. */
export const onScreen = Effect.fnUntraced(function*(url: string, size = { columns: 80, rows: 24 }) {
  const shown: Array<string> = []
  const terminal = Terminal.make({
    columns: Effect.succeed(size.columns),
    rows: Effect.succeed(size.rows),
    size: Effect.die("unused"),
    readInput: Effect.map(Queue.make<Terminal.UserInput, Cause.Done>(), (queue) => queue),
    readLine: Effect.die("unused"),
    display: (text) => Effect.sync(() => shown.push(text))
  })
  const fiber = yield* start(program.pipe(
    Effect.provide(Layer.mergeAll(
      NodeServices.layer,
      Layer.succeed(Terminal.Terminal, terminal),
      ConfigProvider.layer(ConfigProvider.fromUnknown({ NO_COLOR: "yes" })),
      Stdio.layerTest({ args: Effect.succeed(["inspect", url]), stdoutIsTerminal: Effect.succeed(true) })
    ))
  ))
  const until = (holds: () => boolean) =>
    Effect.repeat(Effect.andThen(TestClock.adjust(100), Effect.promise(turn)), { until: holds })
  /** What was drawn last. */
  const lines = () => {
    const last = shown.findLast((text) => text.startsWith("\x1b[H"))
    return last?.slice("\x1b[H".length, -"\x1b[K\x1b[J".length).split("\x1b[K\r\n") ?? []
  }
  return { fiber, lines, shown, until }
})

/** Whether there is what makes a terminal for another program. */
export const pty = spawnSync("script", ["--version"]).status === 0

/** The program on a terminal of its own, when it has taken the screen. */
export const onTerminal = Effect.fnUntraced(function*(url: string, ...flags: ReadonlyArray<string>) {
  const line = `echo "<$$>"; exec "${process.execPath}" ${flags.join(" ")} src/bin/main.ts inspect ${url}`
  const child: ChildProcess = spawn("script", ["-qefc", line, "/dev/null"], { stdio: ["pipe", "pipe", "pipe"] })
  yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")))
  const all = { text: "" }
  child.stdout!.on("data", (chunk) => all.text += String(chunk))
  const closed = once(child, "close")
  yield* Effect.repeat(Effect.promise(turn), { until: () => all.text.includes(screen.take) })
  return { all, closed, pid: Number(/<(\d+)>/.exec(all.text)![1]) }
})
