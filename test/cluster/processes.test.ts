/**
 * Borrowers that are killed, and frozen: processes of their own, over TCP.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawn } from "node:child_process"
import { SharedPool } from "../../src/cluster.ts"
import { programFile } from "../support/programs.ts"
import { Licences } from "./child.ts"

const child = programFile("child")

/** A process of a role, until the scope closes. */
const start = (...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [child, ...args], { stdio: ["ignore", "pipe", "inherit"] })),
      (process) =>
        Effect.callback<void>((resume) => {
          if (process.exitCode !== null || process.signalCode !== null) return resume(Effect.void)
          process.once("close", () => resume(Effect.void))
          process.kill("SIGKILL")
        })
    ),
    (process) => {
      let text = ""
      process.stdout.setEncoding("utf8").on("data", (more: string) => text += more)
      return {
        kill: (signal: NodeJS.Signals) => Effect.sync(() => process.kill(signal)),
        text: () => text,
        /** Waits until it has said that, and answers what; dies when it ends without. */
        says: (what: RegExp) =>
          Effect.callback<string>((resume) => {
            const look = () => {
              const found = what.exec(text)
              if (found !== null) resume(Effect.succeed(found[1] ?? found[0]))
            }
            const gone = () => resume(Effect.die(new Error(`It has ended without ${what}: ${text}`)))
            process.stdout.on("data", look)
            process.once("close", gone)
            look()
            return Effect.sync(() => {
              process.stdout.off("data", look)
              process.off("close", gone)
            })
          })
      }
    }
  )

const host = (timeToLive: string) =>
  Effect.flatMap(start("host", "0", timeToLive), (host) => host.says(/listens at .*:(\d+)\n/))

const from = (port: string) => Layer.provide(Licences.layerRemote, SharedPool.layerSocket({ port: Number(port) }))

describe("a borrower's process that is killed", () => {
  it.live("has given its object to the next waiter, long before its time to live is over", () =>
    Effect.gen(function*() {
      const port = yield* host("1 hour")
      const dies = yield* start("borrower", port)
      const first = Number(yield* dies.says(/holds licence-0 (\d+)\n/))
      const next = yield* start("borrower", port)

      yield* dies.kill("SIGKILL")

      assert.isAbove(Number(yield* next.says(/holds licence-0 (\d+)\n/)), first)
    }).pipe(Effect.scoped))
})

describe("a borrower's process that is frozen", () => {
  it.live("has lost its object to the next when its time to live is over, and does nothing more with it as it wakes", () =>
    Effect.gen(function*() {
      const port = yield* host("2 seconds")
      const freezes = yield* start("borrower", port)
      const first = Number(yield* freezes.says(/holds licence-0 (\d+)\n/))
      yield* freezes.says(/step\nstep\n/)
      const next = yield* start("borrower", port)

      yield* freezes.kill("SIGSTOP")
      assert.isAbove(Number(yield* next.says(/holds licence-0 (\d+)\n/)), first)
      const before = freezes.text()
      yield* freezes.kill("SIGCONT")
      yield* freezes.says(/failed (\w+)\n/)

      assert.strictEqual(freezes.text().slice(before.length), "ended\nfailed Lost\n")
    }).pipe(Effect.scoped))
})

describe("the host's process that is killed", () => {
  it.live("has its borrowers know at once", () =>
    Effect.gen(function*() {
      const hosting = yield* start("host", "0", "1 hour")
      const port = yield* hosting.says(/listens at .*:(\d+)\n/)
      const holds = yield* start("borrower", port)
      yield* holds.says(/holds/)

      yield* hosting.kill("SIGKILL")

      assert.strictEqual(yield* holds.says(/failed (\w+)\n/), "Lost")
      const error = yield* Effect.flip(Effect.scoped(Licences.borrowWith({ timeout: "100 millis" }))).pipe(
        Effect.provide(from(port))
      )
      assert.strictEqual(error._tag, "PoolUnavailable")
    }).pipe(Effect.scoped))
})
