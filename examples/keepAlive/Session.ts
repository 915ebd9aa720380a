/** The client's side of one session of the line protocol: opened with the greeting and `AUTH`, closed with `QUIT`. */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { Socket } from "effect/socket"
import { LineServer } from "./server.ts"

/** One command at a time: an answer belongs to the command before it. */
export interface Session {
  readonly noop: Effect.Effect<void, SessionBroken>
  readonly upper: (text: string) => Effect.Effect<string, SessionBroken>
}

/** The server has hung up, or says what was not asked for: this session is of no use any more. */
export class SessionBroken extends Schema.TaggedError<SessionBroken>()("SessionBroken", { reason: Schema.String }) {
  override get message(): string {
    return `the session is broken (${this.reason})`
  }
}

const broken = (error: { readonly message: string }) => new SessionBroken({ reason: error.message })

/** Opens a session; it says `QUIT` and hangs up when the scope closes. */
export const open: Effect.Effect<Session, SessionBroken, LineServer | Scope.Scope> = Effect.gen(function*() {
  const { port } = yield* LineServer
  const socket = yield* NodeSocket.makeNet({ host: "127.0.0.1", port, openTimeout: "2 seconds" })
  const pull = yield* Effect.mapError(Socket.readerString(socket), broken)
  const { write } = yield* socket.writer
  let received = ""

  const readLine = Effect.gen(function*() {
    while (!received.includes("\n")) received += (yield* pull).join("")
    const end = received.indexOf("\n")
    const line = received.slice(0, end).trimEnd()
    received = received.slice(end + 1)
    return line
  })
  const expect = Effect.fnUntraced(function*(code: string) {
    const line = yield* Effect.mapError(readLine, broken)
    if (!line.startsWith(`${code} `)) return yield* new SessionBroken({ reason: line })
    return line.slice(4)
  })
  // After a wrong answer, or when somebody has left without waiting for one, nobody knows what the next line answers.
  let inStep = true
  const ask = Effect.fnUntraced(function*(command: string, code: string) {
    if (!inStep) return yield* new SessionBroken({ reason: "out of step" })
    inStep = false
    yield* Effect.mapError(write(`${command}\r\n`), broken)
    const answer = yield* expect(code)
    inStep = true
    return answer
  })

  yield* expect("220")
  // It runs before the socket is closed, whose finalizer is older; also if `AUTH` fails.
  yield* Effect.addFinalizer(() => Effect.ignore(ask("QUIT", "221")))
  yield* ask("AUTH secret", "235")
  return {
    noop: Effect.asVoid(ask("NOOP", "250")),
    upper: (text) => ask(`UPPER ${text}`, "250")
  }
})
