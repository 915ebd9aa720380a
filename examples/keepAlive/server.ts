/**
 * A server with a line protocol in the manner of SMTP and FTP: a greeting, `AUTH`, then `UPPER` and `NOOP`, and `QUIT`.
 * It has few seats, and no patience: one session too many is refused, and one that is silent for too long is closed.
 */
import { Context, Effect, Layer } from "effect"
import { createServer, type Server, type Socket } from "node:net"
import { createInterface } from "node:readline"

export interface Limits {
  readonly sessions: number
  /** Milliseconds. */
  readonly idle: number
}

/** What the server has seen. A session that it opened ends in one of three ways. */
export interface Counts {
  opened: number
  refused: number
  commands: number
  noops: number
  saidQuit: number
  timedOut: number
  brokeOff: number
}

export class LineServer extends Context.Service<LineServer, { readonly port: number; readonly counts: Counts }>()(
  "keepAlive/LineServer"
) {}

export const serve = (limits: Limits): Layer.Layer<LineServer> =>
  Layer.effect(
    LineServer,
    Effect.gen(function*() {
      const counts = { opened: 0, refused: 0, commands: 0, noops: 0, saidQuit: 0, timedOut: 0, brokeOff: 0 }
      const seats = { taken: 0 }
      const server = yield* Effect.acquireRelease(
        listen((socket) => {
          if (seats.taken < limits.sessions) return converse(socket, seats, counts, limits.idle)
          counts.refused++
          socket.end("421 too many sessions\r\n")
        }),
        (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      const address = server.address()
      return { port: typeof address === "object" && address !== null ? address.port : 0, counts }
    })
  )

const listen = (onSocket: (socket: Socket) => void) =>
  Effect.callback<Server>((resume) => {
    const server = createServer(onSocket).on("error", (error) => resume(Effect.die(error)))
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  })

const converse = (socket: Socket, seats: { taken: number }, counts: Counts, idle: number): void => {
  let open = true
  let known = false
  const end = (how: "saidQuit" | "timedOut" | "brokeOff", farewell: string) => {
    if (!open) return
    open = false
    seats.taken--
    counts[how]++
    socket.end(farewell)
  }
  const answer = (line: string): string => {
    const [verb, ...words] = line.split(" ")
    if (verb === "AUTH") known = words[0] === "secret"
    if (!known) return "530 who are you?"
    switch (verb) {
      case "AUTH":
        return "235 welcome"
      case "NOOP":
        counts.noops++
        return "250 still here"
      case "UPPER":
        counts.commands++
        return `250 ${words.join(" ").toUpperCase()}`
      default:
        return "500 what?"
    }
  }

  counts.opened++
  seats.taken++
  socket.setTimeout(idle, () => end("timedOut", "421 idle for too long\r\n"))
  socket.on("error", () => end("brokeOff", ""))
  socket.on("close", () => end("brokeOff", ""))
  createInterface({ input: socket }).on("line", (line) => {
    if (line === "QUIT") end("saidQuit", "221 bye\r\n")
    else if (open) socket.write(`${answer(line)}\r\n`)
  })
  socket.write("220 ready\r\n")
}
