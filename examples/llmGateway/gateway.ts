/** What is served, and to whom. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { DateTime, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { createServer } from "node:http"
import { PoolMetrics } from "../../src/index.ts"
import { Inspector } from "../../src/inspector.ts"
import { Bookings } from "./bookings.ts"
import { complete } from "./completions.ts"
import { Keys, ProviderFailed, tierOf } from "./keys.ts"
import { silent } from "./provider.ts"
import { refuse } from "./refusals.ts"
import { GatewaySettings } from "./settings.ts"
import { Store } from "./store.ts"

const models = Keys.with(({ object }) =>
  Effect.gen(function*() {
    const { silence, url } = yield* GatewaySettings
    const asked = HttpClient.get(`${url}/models`, { headers: { authorization: `Bearer ${object.secret}` } })
    return yield* Effect.flatMap(asked, (response) =>
      Effect.map(response.json, (body) => HttpServerResponse.jsonUnsafe(body, { status: response.status }))).pipe(
        Effect.mapError(({ message }) =>
          new ProviderFailed({ status: 502, why: message, model: "any" })
        ),
        Effect.timeoutOrElse({ duration: silence, orElse: () => Effect.fail(silent("any")) })
      )
  }), { cost: 0 }).pipe(
    Effect.catchTag(
      ["PoolExhausted", "BorrowTimeout", "PoolClosed", "LeaseExpired", "ProviderFailed"],
      (failure) => Effect.map(refuse(failure, false), ({ response }) => response)
    )
  )

/** A key is shown by its name: what it is, is a secret. */
const pool = Effect.gen(function*() {
  const keys = yield* Keys.objects
  return HttpServerResponse.jsonUnsafe({
    stats: yield* Keys.stats,
    keys: keys.map(({ allowances, borrowCount, data, facets, failures, object, status, wakesAt }) => ({
      name: object.name,
      tier: tierOf(object),
      status,
      borrowCount,
      failures,
      allowances,
      facets,
      wakesAt: wakesAt && DateTime.formatIso(wakesAt),
      // until the provider begins to answer
      meanMillis: data.waited / Math.max(1, data.answers)
    }))
  })
})

/** What an operator looks at is shown to whoever reaches this server: it listens on this machine alone. */
const Operating = Layer.mergeAll(
  PrometheusMetrics.layerHttp({ path: "/metrics" }),
  Inspector.layerHttp({ path: "/pools", describe: ({ object }) => (object as { readonly name: string }).name })
).pipe(Layer.provide(PoolMetrics.layer(Keys)))

const Routes = Layer.mergeAll(
  HttpRouter.add("POST", "/v1/chat/completions", complete),
  HttpRouter.add("GET", "/v1/models", models),
  HttpRouter.add("GET", "/pool", pool),
  Operating
)

const Listening = Layer.unwrap(
  Effect.map(GatewaySettings, ({ port }) => NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port }))
)

export const Gateway = HttpRouter.serve(Routes, { disableLogger: true }).pipe(
  Layer.provideMerge(Listening),
  Layer.provide(Bookings.layer),
  Layer.provide(Keys.live),
  Layer.provide(Store),
  Layer.provide(FetchHttpClient.layer)
)
