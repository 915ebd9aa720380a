#!/usr/bin/env node
/** Shows in a terminal what an inspector shows on its page. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { inspect } from "../internal/inspection/command.ts"

/** The one part that is not of effect itself: who only mounts the page does not need it. */
const platform = Effect.tryPromise(() =>
  Promise.all([import("@effect/platform-node/NodeRuntime"), import("@effect/platform-node/NodeServices")])
)

const failed = (message: string) =>
  Effect.andThen(
    Console.error(message),
    // the types of Node are not known here
    Effect.sync(() => Reflect.set(Reflect.get(globalThis, "process") as object, "exitCode", 1))
  )

Effect.runFork(Effect.matchEffect(platform, {
  onFailure: () =>
    failed(
      "effect-object-pool-inspect needs @effect/platform-node, which is not installed here:\n\n" +
        "  npm install @effect/platform-node\n"
    ),
  onSuccess: ([NodeRuntime, NodeServices]) =>
    Effect.sync(() =>
      NodeRuntime.runMain(
        inspect.pipe(
          Effect.provide(Layer.fresh(NodeServices.layer)),
          Effect.catchTag("CannotInspect", (error) => failed(error.message))
        ),
        { disableErrorReporting: true }
      )
    )
}))
