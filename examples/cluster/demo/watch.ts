/** Who holds what, as any member of the cluster can see it: shown every second. */
import { Console, Effect, Option, Schedule } from "effect"
import { Keys } from "../keys.ts"
import { millis } from "./server.ts"

const width = 14

const line = (time: string, cells: ReadonlyArray<string>) =>
  Console.log(`${time.padStart(7)}    ${cells.map((cell) => cell.padEnd(width)).join("").trimEnd()}`)

const holders = Effect.gen(function*() {
  const [objects, leases] = yield* Effect.all([Keys.objects, Keys.leases], { concurrency: "unbounded" })
  const holder = new Map(leases.map(({ borrower, objectId }) => [objectId, borrower]))
  const inOrder = objects.toSorted((a, b) => a.data.localeCompare(b.data))
  return inOrder.map(({ id }) => holder.get(id) ?? "–")
})

/** A clock of the demonstration, and what it says beside what happens. */
export const watch = (keys: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const began = yield* millis
    const elapsed = Effect.map(millis, (now) => `${((now - began) / 1000).toFixed(1)} s`)
    const look = Effect.gen(function*() {
      const seen = yield* Effect.timeoutOption(Effect.orElseSucceed(holders, () => []), "500 millis")
      const cells = Option.getOrElse(seen, () => [])
      yield* line(yield* elapsed, cells.length > 0 ? cells : keys.map(() => "?"))
    })
    yield* Console.log("")
    yield* line("", keys)
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("1 second")))
    return (what: string) => Effect.flatMap(elapsed, (time) => Console.log(`${time.padStart(7)} ── ${what}`))
  })
