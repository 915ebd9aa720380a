/** What a client is told that gets no answer, and when it should come again. */
import { Duration, Effect } from "effect"
import type { BorrowError, PooledObject } from "../../src/index.ts"
import { Bookings } from "./bookings.ts"
import { Keys, type ProviderFailed, type Use } from "./keys.ts"
import { GatewaySettings, type Key, type Settings } from "./settings.ts"
import { Refused } from "./wire.ts"

/** `keeps`: room is to be kept for who is refused, until he comes. */
export const refuse = Effect.fnUntraced(function*(failure: BorrowError | ProviderFailed, keeps: boolean) {
  if (failure._tag === "PoolExhausted" && failure.reason === "CostTooHigh") {
    return new Refused({ ...tooLarge, why: "No key may be used for so many tokens at once" })
  }
  const { code, status, type, why } = told(failure)
  if (status < 500 && status !== 429) return new Refused({ status, type, code, why })
  const settings = yield* GatewaySettings
  const { book } = yield* Bookings
  const retryAfter = book(earliest(failure), rate(settings, yield* Keys.objects), keeps)
  return new Refused({ status, type, code, why, retryAfter })
})

export const tooLarge = { status: 400, type: "invalid_request_error", code: "context_length_exceeded" }
const busy = { status: 429, type: "requests", code: "rate_limit_exceeded" }
const broken = { type: "server_error", code: null }

const told = (failure: BorrowError | ProviderFailed) => {
  switch (failure._tag) {
    case "PoolExhausted":
      return failure.reason === "Resting"
        ? { ...busy, why: "All keys are at their limits" }
        : { ...broken, status: 503, why: "Too many wait for a key already" }
    case "BorrowTimeout":
      return failure.stats.size === 0
        ? { ...broken, status: 503, why: "There is no key left" }
        : { ...busy, why: "No key has had room in time" }
    case "PoolClosed":
    case "LeaseExpired":
      return { ...broken, status: 503, why: "The gateway is closing" }
    case "ProviderFailed":
      return ofProvider(failure)
  }
}

const ofProvider = ({ model, status, why }: ProviderFailed) => {
  if (status === 429) return { ...busy, why: "All keys are at their limits" }
  if (status === 404) {
    return { status, type: "invalid_request_error", code: "model_not_found", why: `No key has ${model}` }
  }
  // a key that is refused is the operator's to mend, and no fault of who has asked
  if (status < 500) return { ...broken, status: 503, why: "No key is let in" }
  return { ...broken, status: status === 504 ? 504 : 502, why: `The provider has failed: ${why}` }
}

/** In how many milliseconds a key has room, as far as that is known. */
const earliest = (failure: BorrowError | ProviderFailed): number => {
  if (failure._tag === "ProviderFailed") return failure.retryAfter ?? 1000
  return "retryAfter" in failure && failure.retryAfter !== undefined ? Duration.toMillis(failure.retryAfter) : 1000
}

/** The keys that do not rest but for their limits, with how many tokens a request has cost. */
const usable = (keys: ReadonlyArray<PooledObject<Key, Use>>) =>
  keys.filter(({ allowances, status }) => status !== "Dormant" || allowances.some(({ left }) => left <= 0))
    .map(({ allowances, data: { taken }, object }) => ({
      allowances,
      object,
      cost: Math.max(1, taken.tokens / Math.max(1, taken.requests))
    }))

/** How many requests the keys can answer in a millisecond, `Infinity` where nothing limits them. */
const rate = (settings: Settings, keys: ReadonlyArray<PooledObject<Key, Use>>): number => {
  let requests = 0
  for (const { cost, object } of usable(keys)) {
    requests += Math.min(object.requests ?? Infinity, (object.tokens ?? Infinity) / cost)
  }
  // where all of them rest for another reason, nobody knows
  return (requests || Infinity) / Duration.toMillis(settings.window)
}

/** For how many requests the keys have room now. */
const room = (keys: ReadonlyArray<PooledObject<Key, Use>>): number => {
  let requests = 0
  for (const { allowances, cost } of usable(keys)) {
    requests += Math.max(0, Math.min(...allowances.map(({ left, unit }) => unit === "cost" ? left / cost : left)))
  }
  return requests
}

/** Who comes for the first time does not take what is kept for those who have been told to come now. */
export const giveWay = Effect.gen(function*() {
  const { book, isBooked } = yield* Bookings
  const keys = yield* Keys.objects
  if (!isBooked(room(keys))) return
  const { code, status, type } = busy
  const retryAfter = book(0, rate(yield* GatewaySettings, keys), true)
  return yield* new Refused({ status, type, code, why: "All keys are at their limits", retryAfter })
})
