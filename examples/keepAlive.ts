/**
 * How do I keep sessions of a server open, and never lend one that the server has closed meanwhile?
 *
 * A real TCP server that seats four, and closes whoever is silent for two seconds. Under load the pool opens sessions up
 * to its maximum; in silence it says `QUIT` to those that it does not need, well before the server would lose patience,
 * and keeps the others awake with `NOOP`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import { PoolService, Selector } from "../src/index.ts"
import { LineServer, serve } from "./keepAlive/server.ts"
import { open, type Session, type SessionBroken } from "./keepAlive/Session.ts"

class Sessions extends PoolService<Sessions, Session, { error: SessionBroken }>()("keepAlive/Sessions") {}

const SessionsLayer = Sessions.layer({
  acquire: open,
  // As many as the server seats: one that is leaving counts until it has left, so that none is ever refused.
  size: { min: 1, max: 4 },
  // Whoever was used last is used next: what is not needed falls idle, and goes.
  select: Selector.mostRecentlyUsed,
  // Half of the server's patience. It spares the last `min`: those are kept awake by `every`.
  lifetime: { idleTimeToLive: "1 second" },
  detectStatus: ({ object }) =>
    object.noop.pipe(
      Effect.as("Available" as const),
      Effect.orElseSucceed(() => "Invalid" as const)
    ),
  detection: {
    every: "500 millis",
    // Below the server's patience: whoever has answered within it is there. Under load that is one NOOP a second.
    onBorrow: { trustFor: "1 second" }
  }
})

const burst = Effect.fnUntraced(function*(title: string, commands: number) {
  yield* Effect.forEach(
    Array.from({ length: commands }, (_, index) => `${title} ${index}`),
    Effect.fnUntraced(function*(text) {
      const answer = yield* Sessions.with(({ object }) => object.upper(text))
      if (answer !== text.toUpperCase()) return yield* Effect.die(`"${text}" became "${answer}"`)
    }),
    { concurrency: 32, discard: true }
  )
  const { size, totals } = yield* Sessions.stats
  yield* Console.log(
    `${title}: ${commands} commands answered; ${size} sessions open, ${totals.made} opened since the start`
  )
})

const silence = Effect.gen(function*() {
  yield* Effect.sleep("3 seconds")
  const { size, totals } = yield* Sessions.stats
  yield* Console.log(`silence: ${size} session open, ${totals.destroyed} closed in time`)
})

const work = Effect.gen(function*() {
  yield* burst("morning", 400)
  yield* silence
  yield* burst("evening", 400)
})

const program = Effect.gen(function*() {
  yield* Effect.provide(work, SessionsLayer)

  // The pool has closed by now: what the server has seen is the whole story.
  const { counts } = yield* LineServer
  yield* Console.log(
    `the server: ${counts.commands} commands in ${counts.opened} sessions; ` +
      `${counts.saidQuit} said QUIT, ${counts.timedOut} timed out, ${counts.brokeOff} broke off; ${counts.refused} refused`
  )
  yield* Console.log(`asked with NOOP: ${counts.noops} times`)
})

program.pipe(Effect.provide(serve({ sessions: 4, idle: 2000 })), NodeRuntime.runMain)
