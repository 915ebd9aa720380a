/** Who asks when: people come as they like, and exporters begin the next archive when they have the last one. */
import { Clock, Duration, Effect, Random } from "effect"
import { tenants } from "./database.ts"
import { exportArchive, readPage } from "./requests.ts"

/** How many people come in a second, on average. */
const people = 20
const exporters = 30

/** Milliseconds, until the sessions are those that the load asks for. What begins before is not counted. */
const warmUp = 1000

/** What was asked for, and how long it took, in milliseconds. */
export interface Answered {
  readonly tenant: number
  readonly millis: number
}

export interface Tally {
  readonly pages: Array<Answered>
  readonly archives: Array<Answered>
  /** How many pieces of archives were read. */
  pieces: number
}

/** The `n`th tenant is asked for `n` times less often than the first. */
const shares = Array.from({ length: tenants }, (_, i) => 1 / (i + 1))
const whole = shares.reduce((sum, share) => sum + share)

const someTenant = Effect.map(Random.next, (random) => {
  let left = random * whole
  return 1 + Math.max(0, shares.findIndex((share) => (left -= share) < 0))
})

/** When people come, in milliseconds from the beginning; how long ago the last one came says nothing of the next. */
const visits = (millis: number) =>
  Effect.gen(function*() {
    const visits: Array<{ readonly at: number; readonly tenant: number }> = []
    for (let at = 0; at < millis;) {
      visits.push({ at, tenant: yield* someTenant })
      at -= Math.log(1 - (yield* Random.next)) * 1000 / people
    }
    return visits
  })

/** The same load each time, as far as its own answers let it. Ends when the last one is there. */
export const load = (seconds: number) =>
  Effect.gen(function*() {
    const tally: Tally = { pages: [], archives: [], pieces: 0 }
    const length = warmUp + seconds * 1000
    const began = yield* Clock.currentTimeMillis
    const passed = Effect.map(Clock.currentTimeMillis, (now) => now - began)
    const counts = Effect.map(passed, (millis) => warmUp <= millis && millis < length)

    const noted = <E, R>(answers: Array<Answered>, tenant: number, request: Effect.Effect<unknown, E, R>) =>
      Effect.gen(function*() {
        const isNoted = yield* counts
        const [took] = yield* Effect.timed(request)
        if (isNoted) answers.push({ tenant, millis: Duration.toMillis(took) })
      })
    const onPiece = Effect.map(counts, (isCounted) => {
      if (isCounted) tally.pieces++
    })
    const exporting = Effect.gen(function*() {
      while ((yield* passed) < length) {
        const tenant = yield* someTenant
        yield* noted(tally.archives, tenant, exportArchive(tenant, onPiece))
      }
    })
    const visiting = Effect.forEach(
      yield* visits(length),
      ({ at, tenant }) => Effect.delay(noted(tally.pages, tenant, readPage(tenant)), at),
      { concurrency: "unbounded", discard: true }
    )

    yield* Effect.all([visiting, ...Array.from({ length: exporters }, () => exporting)], {
      concurrency: "unbounded",
      discard: true
    })
    return tally
  }).pipe(Random.withSeed("tenants"))
