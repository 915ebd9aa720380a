/**
 * The pooled object, a live worker thread that hashes files, and the pool of them.
 */
import { Deferred, Effect, Schema } from "effect"
import type { Scope } from "effect"
import { Worker } from "node:worker_threads"
import { PoolService } from "../../src/index.ts"
import { CannotRead } from "./files.ts"
import type { Answer, Numbered, Request, Sabotage } from "./worker.ts"

/** One worker thread. A request fails with `WorkerCrashed` when the thread ends before it has answered. */
export interface HashWorker {
  readonly ping: Effect.Effect<void, WorkerCrashed>
  readonly hash: (path: string, sabotage?: Sabotage) => Effect.Effect<Digest, WorkerCrashed | CannotRead>
}

export interface Digest {
  readonly sha256: string
  readonly bytes: number
}

export class WorkerCrashed extends Schema.TaggedError<WorkerCrashed>()("WorkerCrashed", { reason: Schema.String }) {
  override get message(): string {
    return `the worker crashed (${this.reason})`
  }
}

/** The pool, as a service. `acquire` may fail with `WorkerCrashed`, and so may a borrow. */
export class Workers extends PoolService<Workers, HashWorker, { error: WorkerCrashed }>()("checksums/Workers") {
  /** At most `max` workers, each started when it is first needed, and terminated when the layer's scope closes. */
  static readonly upTo = (max: number) =>
    this.layer({
      acquire: start,
      size: { max },
      // A file waits for its turn as long as it takes: what ends the wait is the end of the files before it.
      borrowTimeout: "Infinity",
      detectStatus: ({ object }) =>
        object.ping.pipe(
          Effect.as("Available" as const),
          Effect.timeout("1 second"),
          Effect.orElseSucceed(() => "Invalid" as const)
        ),
      // Asked at each return, a worker that crashed in its job is found out before anyone borrows it again.
      detection: { onRelease: true, timeout: "2 seconds" }
    })
}

/** Starts a thread; it is terminated when the scope closes, that is when the pool destroys the object. */
const start: Effect.Effect<HashWorker, WorkerCrashed, Scope.Scope> = Effect.gen(function*() {
  const thread = yield* Effect.acquireRelease(
    Effect.sync(() => new Worker(new URL("worker.ts", import.meta.url))),
    (thread) => Effect.promise(() => thread.terminate())
  )
  const ask = makeAsk(thread)
  const ping = Effect.asVoid(ask({ _tag: "Ping" }))
  const hash = Effect.fnUntraced(function*(path: string, sabotage?: Sabotage) {
    const answer = yield* ask({ _tag: "Hash", path, sabotage })
    if (answer._tag === "Digest") return answer
    return yield* new CannotRead({ path, reason: answer._tag === "Unreadable" ? answer.reason : "no answer" })
  })
  // A worker that cannot start fails here, not in its first job.
  yield* ping
  return { ping, hash }
})

/** Requests and their answers, matched by number; when the thread ends, whatever is open fails, and so does all that follows. */
const makeAsk = (thread: Worker) => {
  const open = new Map<number, Deferred.Deferred<Answer>>()
  const crash = Deferred.makeUnsafe<never, WorkerCrashed>()
  const crashed = (reason: string) => Deferred.doneUnsafe(crash, new WorkerCrashed({ reason }))
  thread.on("error", (error) => crashed(error.message))
  thread.on("exit", (code) => crashed(`exit code ${code}`))
  thread.on("message", ({ id, ...answer }: Numbered<Answer>) => {
    const asked = open.get(id)
    if (asked !== undefined) Deferred.doneUnsafe(asked, Effect.succeed(answer))
  })
  let lastId = 0

  return Effect.fnUntraced(function*(request: Request) {
    const id = ++lastId
    const answer = Deferred.makeUnsafe<Answer>()
    open.set(id, answer)
    thread.postMessage({ ...request, id })
    return yield* Deferred.await(answer).pipe(
      Effect.raceFirst(Deferred.await(crash)),
      Effect.ensuring(Effect.sync(() => open.delete(id)))
    )
  })
}
