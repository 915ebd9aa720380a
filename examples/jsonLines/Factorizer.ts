/** The pooled object: a child process that is asked one thing at a time, each request and its answer in one line of JSON. */
import { Effect, Queue, Schema, Stream } from "effect"
import type { Scope } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"

export interface Factorizer {
  readonly pid: number
  readonly ping: Effect.Effect<void, ChildEnded | Garbage>
  readonly factor: (number: number) => Effect.Effect<Factors, ChildEnded | Garbage>
}

/** Each prime with its exponent. */
export type Factors = ReadonlyArray<readonly [prime: number, exponent: number]>

export class ChildEnded extends Schema.TaggedError<ChildEnded>()("ChildEnded", { reason: Schema.String }) {
  override get message(): string {
    return `the child has ended (${this.reason})`
  }
}

export class Garbage extends Schema.TaggedError<Garbage>()("Garbage", { line: Schema.String }) {
  override get message(): string {
    return `the child answered ${JSON.stringify(this.line)}`
  }
}

const Answer = Schema.fromJsonString(Schema.Struct({
  id: Schema.Int,
  factors: Schema.optionalKey(Schema.Array(Schema.Tuple([Schema.Finite, Schema.Int])))
}))
const decode = Schema.decodeUnknownEffect(Answer)

const command = ChildProcess.make(process.execPath, [fileURLToPath(new URL("child.ts", import.meta.url))], {
  // Nobody reads it: a child that wrote enough to a pipe that is not read would stop.
  stderr: "ignore",
  // It has nothing to put away first.
  killSignal: "SIGKILL"
})

/** Starts a child; it is killed when the scope closes, that is when the pool destroys the object. */
export const start: Effect.Effect<
  Factorizer,
  ChildEnded | Garbage,
  ChildProcessSpawner.ChildProcessSpawner | Scope.Scope
> = Effect.gen(function*() {
  const child = yield* Effect.mapError(command, ({ message }) => new ChildEnded({ reason: message }))
  const requests = yield* Queue.unbounded<string>()
  const lines = yield* Stream.toQueue(Stream.splitLines(Stream.decodeText(child.stdout)), { capacity: 16 })
  // A child that has ended does not read: that it has ended is found out by who waits for its answer.
  yield* Stream.fromQueue(requests).pipe(
    Stream.encodeText,
    Stream.run(child.stdin),
    Effect.ignore,
    Effect.forkScoped
  )

  const ended = child.exitCode.pipe(
    Effect.match({ onFailure: ({ message }) => message, onSuccess: (code) => `exit code ${code}` }),
    Effect.flatMap((reason) => new ChildEnded({ reason }))
  )
  let lastId = 0

  const ask = Effect.fnUntraced(function*(number?: number) {
    const id = ++lastId
    yield* Queue.offer(requests, `${JSON.stringify({ id, number })}\n`)
    const line = yield* Queue.take(lines).pipe(Effect.catch(() => ended))
    const answer = yield* Effect.mapError(decode(line), () => new Garbage({ line }))
    // An answer to what somebody else has asked is as bad as none.
    if (answer.id !== id) return yield* new Garbage({ line })
    return answer.factors ?? []
  })
  const ping = Effect.asVoid(ask())
  // A child that cannot start fails here, not in its first job.
  yield* ping
  return { pid: child.pid, ping, factor: ask }
})
