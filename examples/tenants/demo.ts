/** The same load without classes, and with them. */
import { Console, Effect, type Layer, Schedule } from "effect"
import { Archive, sessions, tenants } from "./database.ts"
import { load } from "./load.ts"
import { report } from "./report.ts"
import { Tenants } from "./tenants.ts"

/** One load, and the most sessions that there were meanwhile. */
const run = (seconds: number, pool: Layer.Layer<Tenants, never, Archive>) =>
  Effect.scoped(Effect.gen(function*() {
    const { count } = yield* Archive
    let most = 0
    const look = Effect.map(count, (sessions) => {
      most = Math.max(most, sessions)
    })
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("20 millis")))
    const tally = yield* Effect.provide(load(seconds), pool)
    return { ...tally, most }
  }))

export const demo = (seconds: number) =>
  Effect.gen(function*() {
    yield* Console.log(`${tenants} tenants share ${sessions} sessions, twice for ${seconds} seconds:\n`)
    const plain = yield* run(seconds, Tenants.plain)
    const classes = yield* run(seconds, Tenants.byClass)
    yield* Console.log(report(plain, classes))
    const { count } = yield* Archive
    yield* Console.log(
      `\nSessions, as the server counts them: at most ${Math.max(plain.most, classes.most)}, in the end ${yield* count}`
    )
  })
