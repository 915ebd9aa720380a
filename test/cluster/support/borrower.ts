/** A process that borrows keys, and uses each, under its lease, at a guarded resource again and again. */
import { PgClient } from "@effect/sql-pg"
import { Cause, Deferred, Effect, Exit, Layer, ManagedRuntime, Redacted } from "effect"
import { connect } from "node:net"
import { createInterface } from "node:readline"
import { SharedPool } from "../../../src/cluster.ts"
import type { Use } from "./guard.ts"
import { type ClusterConfig, Keys } from "./keys.ts"
import { config, now, tell, told } from "./processes.ts"

export interface BorrowerConfig {
  readonly name?: string
  /** The port of the guarded resource. */
  readonly guard: number
  /** Borrows within the cluster. */
  readonly cluster?: ClusterConfig
  /** Borrows from a host or a gateway. */
  readonly remote?: { readonly port: number }
}
export type BorrowerCommand =
  | { readonly type: "hold"; readonly id: string; readonly timeout?: number }
  | { readonly type: "end"; readonly id: string }
  /** Borrows for so long each, again and again, until it is told to stop. */
  | { readonly type: "churn"; readonly hold: number; readonly fibers: number }
  | { readonly type: "stop" }
  | { readonly type: "stats" }
  | { readonly type: "add"; readonly keys: ReadonlyArray<string> }
  | { readonly type: "remove"; readonly key: string }
  | { readonly type: "rest"; readonly key: string; readonly millis: number }
export interface Granted {
  readonly type: "granted"
  readonly id: string
  readonly object: string
  readonly epoch: number
  readonly number: number
  readonly at: number
}
export interface Ended {
  readonly type: "ended"
  readonly id: string
  /** `undefined`: well. */
  readonly error?: string
  readonly refused: number
  readonly at: number
}
export interface Stats {
  readonly type: "stats"
  readonly leases: number
  readonly waiting: number
}
export interface Churned {
  readonly type: "churned"
  readonly borrowed: number
  readonly errors: Record<string, number>
}
/** An operation has ended. */
export interface Done {
  readonly type: "done"
  readonly error?: string
}
export type BorrowerEvent = { readonly type: "ready" } | Done | Granted | Ended | Churned | Stats

if (process.argv[1] === import.meta.filename) {
  const { cluster, guard, remote } = config<BorrowerConfig>()
  const socket = connect({ port: guard, host: "127.0.0.1", noDelay: true })
  const answers: Array<(accepted: boolean) => void> = []
  createInterface({ input: socket }).on("line", (line) => answers.shift()?.(line === "accepted"))
  const use = (use: Use) =>
    Effect.callback<boolean>((resume) => {
      let isAnswered = false
      let waiter: (() => void) | undefined
      answers.push((accepted) => {
        isAnswered = true
        resume(Effect.succeed(accepted))
        waiter?.()
      })
      socket.write(`${JSON.stringify(use)}\n`)
      // a body that ends waits for its last answer: else the guard might read the first use of the next lease before that use
      return Effect.callback<void>((resume) => {
        waiter = () => resume(Effect.void)
        if (isAnswered) waiter()
      })
    })

  const clustered = ({ lockExpiration, prefix, url }: ClusterConfig) =>
    Keys.layerClient.pipe(
      Layer.provide(SharedPool.layerClusterClient({ lockExpiration, prefix })),
      Layer.provide(PgClient.layer({ url: Redacted.make(url), connectTimeout: "2 seconds" }))
    )
  const layer: Layer.Layer<Keys, unknown> = cluster === undefined
    ? Keys.layerRemote.pipe(Layer.provide(SharedPool.layerSocket({ port: remote?.port ?? 0 })))
    : clustered(cluster)
  const runtime = ManagedRuntime.make(layer)
  const ends = new Map<string, Deferred.Deferred<void>>()

  const errorOf = (exit: Exit.Exit<unknown, { readonly _tag: string; readonly reason?: string }>) => {
    if (Exit.isSuccess(exit)) return undefined
    const error = exit.cause.reasons.find(Cause.isFailReason)?.error
    if (error === undefined) return Cause.hasInterruptsOnly(exit.cause) ? "Interrupt" : Cause.pretty(exit.cause)
    return error.reason === undefined ? error._tag : `${error._tag} ${error.reason}`
  }

  const hold = (id: string, timeout: number | undefined, until: Effect.Effect<void>, tells: boolean) =>
    Effect.gen(function*() {
      let refused = 0
      const exit = yield* Effect.exit(Keys.with((lease) => {
        const { epoch, number } = lease.fence
        const using: Use = { object: lease.object.key, epoch, number }
        if (tells) tell({ type: "granted", id, at: now(), ...using } satisfies Granted)
        const uses = Effect.forever(Effect.andThen(
          Effect.map(use(using), (accepted) => {
            if (!accepted) refused++
          }),
          Effect.sleep(10)
        ))
        return Effect.raceFirst(uses, until)
      }, timeout === undefined ? {} : { timeout }))
      const error = errorOf(exit)
      if (tells) {
        const at = now()
        tell({ type: "ended", id, refused, at, ...(error === undefined ? {} : { error }) } satisfies Ended)
      }
      return error
    })

  let churning = true
  told<BorrowerCommand>((command) => {
    if (command.type === "hold") {
      const end = Deferred.makeUnsafe<void>()
      ends.set(command.id, end)
      runtime.runFork(hold(command.id, command.timeout, Deferred.await(end), true))
    } else if (command.type === "end") {
      const end = ends.get(command.id)
      if (end !== undefined) Deferred.doneUnsafe(end, Effect.void)
    } else if (command.type === "stats") {
      runtime.runFork(Effect.matchCause(Keys.stats, {
        onSuccess: ({ leases, waiting }) => tell({ type: "stats", leases, waiting } satisfies Stats),
        onFailure: (cause) => console.error(Cause.pretty(cause))
      }))
    } else if (command.type === "add" || command.type === "remove" || command.type === "rest") {
      const operation: Effect.Effect<unknown, { readonly _tag: string; readonly reason?: string }, Keys> =
        command.type === "add"
          ? Keys.addAll(command.keys.map((key) => ({ key })))
          : command.type === "remove"
          ? Keys.remove({ key: command.key })
          : Keys.rest({ key: command.key }, command.millis)
      runtime.runFork(Effect.map(Effect.exit(operation), (exit) => {
        const error = errorOf(exit)
        tell({ type: "done", ...(error === undefined ? {} : { error }) } satisfies Done)
      }))
    } else if (command.type === "stop") {
      churning = false
    } else {
      const errors: Record<string, number> = {}
      let borrowed = 0
      const one = Effect.suspend(() => hold("", 20_000, Effect.sleep(command.hold), false)).pipe(
        Effect.map((error) => {
          if (error === undefined) borrowed++
          else errors[error] = (errors[error] ?? 0) + 1
        }),
        Effect.repeat({ while: () => churning })
      )
      const all = Effect.all(Array.from({ length: command.fibers }, () => one), { concurrency: "unbounded" })
      runtime.runFork(
        Effect.andThen(all, Effect.sync(() => tell({ type: "churned", borrowed, errors } satisfies Churned)))
      )
    }
  })
  process.on("SIGTERM", () => void runtime.dispose().then(() => process.exit(0)))
  await runtime.context()
  tell({ type: "ready" } satisfies BorrowerEvent)
}
