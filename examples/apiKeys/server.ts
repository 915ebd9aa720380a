/** A service that limits each key to so many requests a second, and says with 429 and `Retry-After` when to come back. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Context, Effect, Layer } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"

/** What the service has counted, by key. */
export interface Count {
  answered: number
  refused: number
  /** Requests that came although the key had been told to stay away. */
  tooEarly: number
}

/** What became of each key, as the service saw it. */
export class Counts extends Context.Service<Counts, ReadonlyMap<string, Count>>()("apiKeys/Counts") {}

interface Window {
  readonly quota: number
  left: number
  ends: number
  closedUntil: number
}

const second = 1000

export const serve = (quotas: Readonly<Record<string, number>>): Layer.Layer<Counts | HttpServer.HttpServer> => {
  const counts = new Map(Object.keys(quotas).map((key) => [key, { answered: 0, refused: 0, tooEarly: 0 }]))
  const windows = new Map(
    Object.entries(quotas).map(([key, quota]): [string, Window] => [key, { quota, left: 0, ends: 0, closedUntil: 0 }])
  )

  const answer = Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const now = yield* Clock.currentTimeMillis
    const key = headers["x-api-key"] ?? ""
    const window = windows.get(key)
    const count = counts.get(key)
    if (window === undefined || count === undefined) return HttpServerResponse.empty({ status: 401 })

    if (now < window.closedUntil) count.tooEarly++
    if (now >= window.ends) {
      window.ends = now + second
      window.left = window.quota
    }
    if (window.left === 0) {
      count.refused++
      window.closedUntil = now + second
      return HttpServerResponse.empty({ status: 429, headers: { "retry-after": "1" } })
    }
    window.left--
    count.answered++
    return HttpServerResponse.text("translated")
  })

  return Layer.effectDiscard(HttpServer.serveEffect(answer)).pipe(
    Layer.provideMerge(Layer.orDie(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }))),
    Layer.merge(Layer.succeed(Counts, counts))
  )
}
