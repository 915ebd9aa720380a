/** A process of the demonstration: it runs `host.ts` or `borrower.ts`, as anybody would start it. */
import { Console, Deferred, Effect, Option, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"

export interface Member {
  readonly name: string
  /** How many of its leases it has said to be lost. */
  readonly lost: () => number
  /** It has said something: it is up. */
  readonly speaks: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Tells it to stop. What it says as it stops is not shown. */
  readonly stop: Effect.Effect<void>
  readonly ended: Effect.Effect<void>
}

/** Starts one. It is killed when the scope closes, if it still runs then, and even if it is frozen. */
export const start = Effect.fnUntraced(function*(
  program: "host" | "borrower",
  name: string,
  env: Readonly<Record<string, string>>
) {
  const file = fileURLToPath(new URL(`../${program}.ts`, import.meta.url))
  const child = yield* ChildProcess.make(process.execPath, [file], {
    env,
    extendEnv: true,
    stdin: "ignore",
    killSignal: "SIGKILL"
  })
  yield* Console.log(`           ${name} is process ${child.pid}`)
  const speaks = yield* Deferred.make<void>()
  let [lost, stops] = [0, false]
  yield* Stream.splitLines(Stream.decodeText(child.all)).pipe(
    Stream.runForEach((line) => {
      if (line.includes("have lost each other")) lost++
      Deferred.doneUnsafe(speaks, Effect.void)
      return stops ? Effect.void : Console.log(`           ${name} says: ${line.replace(/^\[[^\]]*\] /, "")}`)
    }),
    Effect.ignore,
    Effect.forkScoped
  )
  // killed by a signal, it has no exit code
  const ended = Effect.ignore(child.exitCode)
  const signal = (signal: NodeJS.Signals) => Effect.sync(() => process.kill(child.pid, signal))
  const member: Member = {
    name,
    lost: () => lost,
    // one that has ended never will
    speaks: Effect.raceFirst(Deferred.await(speaks), ended),
    signal,
    stop: Effect.suspend(() => {
      stops = true
      return signal("SIGTERM")
    }),
    ended
  }
  return member
})

/** Has one stop, and waits. Has it? */
export const stopped = ({ ended, stop }: Member): Effect.Effect<boolean> =>
  Effect.andThen(stop, Effect.map(Effect.timeoutOption(ended, "30 seconds"), Option.isSome))
