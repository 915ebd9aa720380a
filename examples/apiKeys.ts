/**
 * How do I share API keys that are rate-limited, each at its own pace?
 *
 * Four keys with different quotas against a real HTTP server. A key that is refused with 429 rests for as long as
 * `Retry-After` says, and comes back by itself; the others go on meanwhile. Among the keys that are free, one is chosen in
 * proportion to its quota; while all are busy, each is lent as often as it comes back.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Console, Effect, Layer, Schedule, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpServer } from "effect/http"
import { PoolService } from "../src/index.ts"
import { patience } from "./apiKeys/patience.ts"
import { Counts, serve } from "./apiKeys/server.ts"

const quotas = { bronze: 100, silver: 200, gold: 400, platinum: 800 }
const requests = 2000

class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {}) {}

class Keys extends PoolService<Keys, string, { data: { readonly quota: number; rests: number } }>()("apiKeys/Keys") {}

const KeysLayer = Keys.layer({
  objects: Object.keys(quotas),
  data: (key) => ({ quota: quotas[key as keyof typeof quotas], rests: 0 }),
  select: { weight: ({ data }) => data.quota }
})

/** One request, with whatever key the pool gives. A refusal benches the key, and the request is tried with another. */
const translate = (url: string) =>
  Keys.with(Effect.fnUntraced(function*(lease) {
    const response = yield* HttpClient.get(url, { headers: { "x-api-key": lease.object } })
    yield* response.text
    if (response.status !== 429) return
    lease.data.rests++
    yield* lease.rest(patience(response.headers["retry-after"], yield* Clock.currentTimeMillis))
    return yield* new RateLimited()
  })).pipe(
    Effect.retry({ schedule: Schedule.forever, while: (error) => error._tag === "RateLimited" })
  )

const program = Effect.gen(function*() {
  yield* HttpServer.addressFormattedWith((url) =>
    Effect.forEach(Array.from({ length: requests }), () => translate(url), { concurrency: 16, discard: true })
  )

  // until the last key has woken
  yield* Keys.stats.pipe(
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), until: (stats) => stats.dormant === 0 })
  )
  const counts = yield* Counts
  let answered = 0
  let tooEarly = 0
  for (const { data, object, status } of yield* Keys.objects) {
    const count = counts.get(object)!
    answered += count.answered
    tooEarly += count.tooEarly
    yield* Console.log(
      `${object.padEnd(9)} quota ${String(data.quota).padStart(3)}/s  answered ${
        String(count.answered).padStart(4)
      }  ` +
        `refused ${count.refused}  rests ${data.rests}  wakes ${status === "Dormant" ? data.rests - 1 : data.rests}`
    )
  }
  yield* Console.log(`${answered} requests answered, ${tooEarly} sent on a resting key`)
})

program.pipe(
  Effect.provide(Layer.mergeAll(KeysLayer, serve(quotas), FetchHttpClient.layer)),
  NodeRuntime.runMain
)
