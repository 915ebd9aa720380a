#!/usr/bin/env node
/** Shows in a terminal what an inspector shows on its page. */
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { nameOfFailure } from "../internal/inspection/words.ts"
import { program, screen } from "./command.ts"

/** What is used of Node, whose types are not known here. */
interface Node {
  exitCode: number
  readonly stdout: { readonly write: (text: string) => void }
  readonly stderr: { readonly write: (text: string) => void }
  readonly on: (event: string, listener: (detail: unknown) => void) => void
  readonly emit: (event: string) => void
  readonly exit: (code: number) => never
}
const node = Reflect.get(globalThis, "process") as Node

/** The one part that is not of effect itself: who only mounts the page does not need it. */
const platform = Effect.tryPromise(() =>
  Promise.all([import("@effect/platform-node/NodeRuntime"), import("@effect/platform-node/NodeServices")])
)

const failed = (message: string) =>
  Effect.andThen(
    Console.error(message),
    Effect.sync(() => {
      node.exitCode = 1
    })
  )

const restore = (): void => {
  if (!screen.taken) return
  screen.taken = false
  node.stdout.write(screen.restore)
}

// as from effect's own runner, of the signals that a terminal sends
for (const signal of ["SIGHUP", "SIGQUIT"]) node.on(signal, () => node.emit("SIGTERM"))
// whatever no fiber has caught
node.on("exit", restore)
node.on("uncaughtException", (error) => {
  restore()
  // nobody reads any more
  if (error instanceof Error && "code" in error && error.code === "EPIPE") node.exit(0)
  node.stderr.write(`effect-object-pool has failed: ${nameOfFailure(error)}\n`)
  node.exit(1)
})

Effect.runFork(Effect.matchEffect(platform, {
  onFailure: () =>
    failed(
      "effect-object-pool needs @effect/platform-node, which is not installed here:\n\n" +
        "  npm install @effect/platform-node\n"
    ),
  onSuccess: ([NodeRuntime, NodeServices]) =>
    Effect.sync(() =>
      NodeRuntime.runMain(
        program.pipe(
          Effect.provide(Layer.fresh(NodeServices.layer)),
          Effect.catchCause((cause) => {
            if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
            const error = Cause.squash(cause)
            // the parser of the arguments has said itself what is wrong
            if (CliError.isCliError(error)) return Effect.fail(error)
            return failed(
              error instanceof Error && nameOfFailure(error) === "CannotInspect"
                ? error.message
                : `effect-object-pool has failed: ${nameOfFailure(error)}`
            )
          })
        ),
        { disableErrorReporting: true }
      )
    )
}))
