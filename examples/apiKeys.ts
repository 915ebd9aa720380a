/**
 * How do I share API keys that are rate-limited, each at its own pace?
 *
 * Four keys with different quotas against a real HTTP server. A key that is refused with 429 rests for as long as
 * `Retry-After` says, and comes back by itself; the others go on meanwhile. A key is chosen in proportion to its quota.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer, Schedule, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpServer } from "effect/http"
import { PoolService } from "../src/index.ts"
import { Counts, serve } from "./apiKeys/server.ts"

const quotas = { bronze: 100, silver: 200, gold: 400, platinum: 800 }
const requests = 2000

class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", { seconds: Schema.Int }) {}

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
    const seconds = Number(response.headers["retry-after"])
    lease.data.rests++
    yield* lease.rest(`${seconds} seconds`)
    return yield* new RateLimited({ seconds })
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
