/** The gateway before the stand-in, under a load of three times what the keys allow; and what becomes of that without it. */
import { Console, Context, Duration, Effect, Layer, References } from "effect"
import { HttpServer } from "effect/http"
import { Gateway } from "./gateway.ts"
import { load, type Tally } from "./load.ts"
import { GatewaySettings, type Key } from "./settings.ts"
import { Accounts, StandIn } from "./standIn.ts"
import type { Account } from "./standIn/account.ts"
import { table } from "./table.ts"

/** What a window lasts, in seconds. That of a real provider is a minute. */
const window = 2
const tokens = 4000

/** Two tiers: what is in the second costs more. In a window, all of them answer 60 requests. */
const keys: ReadonlyArray<Key> = [
  { name: "own-a", secret: "sk-own-a", tier: 0, requests: 6, tokens },
  { name: "own-b", secret: "sk-own-b", tier: 0, requests: 8, tokens },
  { name: "own-c", secret: "sk-own-c", tier: 0, requests: 10, tokens },
  { name: "own-d", secret: "sk-own-d", tier: 0, requests: 12, tokens },
  { name: "paid-a", secret: "sk-paid-a", tier: 1, requests: 10, tokens },
  { name: "paid-b", secret: "sk-paid-b", tier: 1, requests: 14, tokens }
]
const perWindow = keys.reduce((sum, { requests = 0 }) => sum + requests, 0)

const callers = 100
/** Callers that were answered at once would ask three times as often as the keys allow. */
const thinks = 1000 * callers * window / (3 * perWindow)

const standIn = StandIn({
  keys: Object.fromEntries(keys.map(({ requests = 0, secret }) => [secret, { requests, tokens }])),
  window: Duration.seconds(window),
  pace: "5 millis"
})

const settings = (url: string, keys: ReadonlyArray<Key>) =>
  Layer.succeed(GatewaySettings, {
    port: 0,
    url,
    keys,
    window: Duration.seconds(window),
    largest: 100,
    concurrency: 32,
    patience: Duration.seconds(1),
    silence: Duration.seconds(10),
    failures: 3,
    rest: Duration.seconds(1),
    store: ""
  })

/** Has a server run as long as the scope, and answers where. */
const start = <A, E>(server: Layer.Layer<A | HttpServer.HttpServer, E>) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(server)
    const url = yield* Effect.provideContext(HttpServer.addressFormattedWith(Effect.succeed), context)
    return { context, url: `${url}/v1` }
  })

/** Where the callers turn to, and with which keys. */
interface Target {
  readonly url: string
  readonly key: () => string
}

const gateway = (keys: ReadonlyArray<Key>) => (provider: string) =>
  Effect.map(
    start(Layer.provide(Gateway, settings(provider, keys))),
    ({ url }): Target => ({ url, key: () => "a key of the gateway's own" })
  )

const roundRobin = (provider: string) => {
  let next = 0
  return Effect.succeed<Target>({ url: provider, key: () => keys[next++ % keys.length]!.secret })
}

interface Outcome {
  readonly tally: Tally
  readonly accounts: ReadonlyMap<string, Account>
  readonly seconds: number
}

/** One run, with a stand-in of its own. */
const run = <E, R>(seconds: number, target: (provider: string) => Effect.Effect<Target, E, R>) =>
  Effect.scoped(Effect.gen(function*() {
    const { context, url } = yield* start(standIn)
    const at = yield* target(url)
    const tally = yield* Effect.promise(() => load({ ...at, callers, thinks, seconds, maxTokens: 32 }))
    return { tally, accounts: Context.get(context, Accounts), seconds } satisfies Outcome
  }))

const sum = (accounts: ReadonlyMap<string, Account>, status: number) =>
  Array.from(accounts.values()).reduce((sum, account) => sum + account.count(status), 0)

const percent = (part: number, whole: number) => whole === 0 ? "–" : `${(100 * part / whole).toFixed(1)} %`

const row = (name: string, { accounts, seconds, tally }: Outcome) => [
  name,
  String(sum(accounts, 200)),
  percent(sum(accounts, 200), perWindow * seconds / window),
  String(sum(accounts, 429)),
  String(tally.requests - (tally.statuses.get(200) ?? 0)),
  percent(tally.served, tally.returned),
  `${(tally.slowest / 1000).toFixed(1)} s`
]

export const demo = (seconds: number) =>
  Effect.gen(function*() {
    yield* Console.log(
      `${callers} callers, three times the load that ${keys.length} keys allow, ${seconds} seconds each:\n`
    )
    const pooled = yield* run(seconds, gateway(keys))
    const judged = yield* run(seconds, gateway(keys.map(({ name, secret, tier = 0 }) => ({ name, secret, tier }))))
    const turns = yield* run(seconds, roundRobin)
    yield* Console.log(table([
      ["", "answered", "of the limits", "429 by provider", "told to come again", "served then", "slowest"],
      row("allowances", pooled),
      row("judge alone", judged),
      row("round robin", turns)
    ]))
    yield* Console.log(`\nWith allowances, by key:\n`)
    yield* Console.log(table([
      ["", "tier", "answered", "of its limit", "429"],
      ...keys.map(({ name, requests = 0, secret, tier }) => {
        const account = pooled.accounts.get(secret)!
        const answered = account.count(200)
        const limit = percent(answered, requests * seconds / window)
        return [name, String(tier), String(answered), limit, String(account.count(429))]
      })
    ]))
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Warn"))
