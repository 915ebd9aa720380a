/** One request to the provider, with one key. */
import { Clock, Effect } from "effect"
import { type Headers, HttpBody, HttpClient } from "effect/http"
import type { Lease } from "../../src/index.ts"
import { patience } from "../apiKeys/patience.ts"
import { type Limited, ProviderFailed, type Use } from "./keys.ts"
import { GatewaySettings, type Key } from "./settings.ts"
import type { Chat } from "./wire.ts"

type KeyLease = Lease<Key, Use>

/** Asks, and answers as soon as the provider does. What another key may do better is a failure. */
export const ask = Effect.fnUntraced(function*(lease: KeyLease, { body, estimate, model }: Chat) {
  const { silence, url } = yield* GatewaySettings
  const watch = begin(lease, estimate)
  const response = yield* HttpClient.post(`${url}/chat/completions`, {
    headers: { authorization: `Bearer ${lease.object.secret}` },
    body: HttpBody.jsonUnsafe(body)
  }).pipe(
    Effect.mapError((error) => new ProviderFailed({ status: 502, why: error.message, model })),
    Effect.timeoutOrElse({ duration: silence, orElse: () => Effect.fail(silent(model)) }),
    Effect.ensuring(watch.counted)
  )
  const now = yield* Clock.currentTimeMillis
  yield* watch.heed(response.headers, now)
  if (!isForOthers(response.status)) return response
  const why = yield* Effect.orElseSucceed(response.text, () => "")
  return yield* new ProviderFailed({
    status: response.status,
    why: why.slice(0, 500),
    model,
    ...(response.status === 429 && { retryAfter: patience(response.headers["retry-after"], now) })
  })
})

/** May another key have a better answer? What is wrong with the question, none has. */
const isForOthers = (status: number) => status >= 500 || [401, 403, 404, 408, 429].includes(status)

export const silent = (model: string) =>
  new ProviderFailed({ status: 504, why: "it has said nothing for too long", model })

const begin = (lease: KeyLease, estimate: number) => {
  const { data, object, pooled } = lease
  const began = performance.now()
  const costs = { requests: 1, tokens: estimate }
  const before = pooled.allowances.map(({ left, limit, name: text }) => {
    const name = text as Limited
    data.taken[name] += costs[name]
    data.underWay[name] += costs[name]
    return { name, left: left + data.taken[name], heldBack: object[name]! - limit }
  })

  /** The provider has counted the request at some time between the grant and now. */
  const counted = Effect.suspend(() => {
    data.answers++
    data.waited += performance.now() - began
    for (const { name } of before) data.underWay[name] -= costs[name]
    return lease.recount
  })

  /**
   * Believes the provider where it says that less is left than the pool has ever counted since the grant: then somebody else
   * uses the key. What is still under way may not be in what it says.
   */
  const heed = (headers: Headers.Headers, now: number) =>
    Effect.forEach(before, ({ heldBack, left, name }) => {
      const said = Number(headers[`x-ratelimit-remaining-${name}`] ?? Infinity)
      const resetsIn = toMillis(headers[`x-ratelimit-reset-${name}`] ?? "")
      const remaining = said - heldBack
      if (!(said >= 0 && resetsIn <= longest && remaining < left - data.taken[name])) return Effect.void
      return lease.report({ name, remaining: remaining - data.underWay[name], resetsAt: now + resetsIn })
    }, { discard: true })

  return { counted, heed }
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** A year: what is said to last longer makes no sense, and is not believed. */
const longest = 365 * 86_400_000

/** As providers write a duration: `6m0s`, `1.25s`, `20ms`. */
const toMillis = (text: string): number => {
  let millis = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) millis += Number(count) * units[unit!]!
  return millis
}
