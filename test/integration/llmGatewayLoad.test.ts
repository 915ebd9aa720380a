/**
 * The gateway under three times the load that its keys allow, by 100 callers: with allowances, with the judge alone, and the
 * same load without a pool. How much is served on a machine that has much else to do is compared with how slow that is; the
 * figures are printed. `GATEWAY_SECONDS` says for how long; those of the documents are of 30.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { load, type Tally } from "../../examples/llmGateway/load.ts"
import { type Gateway, type GatewayKey, type Provider, startGateway, startProvider } from "../support/gateway.ts"

const long = process.env["GATEWAY_SECONDS"]
const seconds = Number(long ?? 8)
/** What is only compared with needs less. */
const compared = Number(long ?? 4)
const window = 2
const callers = 100
const tokens = 4000

const keys: ReadonlyArray<Required<GatewayKey>> = [
  { name: "own-a", secret: "sk-own-a", tier: 0, requests: 6, tokens },
  { name: "own-b", secret: "sk-own-b", tier: 0, requests: 8, tokens },
  { name: "own-c", secret: "sk-own-c", tier: 0, requests: 10, tokens },
  { name: "own-d", secret: "sk-own-d", tier: 0, requests: 12, tokens },
  { name: "paid-a", secret: "sk-paid-a", tier: 1, requests: 10, tokens },
  { name: "paid-b", secret: "sk-paid-b", tier: 1, requests: 14, tokens }
]
const perWindow = keys.reduce((sum, { requests }) => sum + requests, 0)

describe("a gateway under three times the load that its keys allow", () => {
  let provider: Provider
  let gateway: Gateway | undefined = undefined

  const begin = async () => {
    provider = await startProvider(
      Object.fromEntries(keys.map(({ requests, secret, tokens }) => [secret, { requests, tokens }])),
      { window: `${window} seconds` }
    )
  }
  afterEach(async () => {
    await gateway?.stop()
    gateway = undefined
    await provider.close()
  })

  const apply = async (url: string, key: () => string, seconds: number) => {
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    const tally = await load({
      url,
      key,
      callers,
      thinks: 1000 * callers * window / (3 * perWindow),
      seconds,
      maxTokens: 32
    })
    delay.disable()
    return { tally, lateness: delay.mean / 1e6 - 10 }
  }
  const count = (status: number) => provider.accounts.reduce((sum, account) => sum + account.count(status), 0)
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const report = (
    name: string,
    seconds: number,
    { returned, served, slowest }: Tally,
    ...more: ReadonlyArray<string>
  ) => {
    const share = count(200) / (perWindow * seconds / window)
    console.log([
      `${name}: ${count(200)} answered, ${percent(share)} of what the limits allow in ${seconds} s`,
      `${count(429)} times 429 from the provider`,
      `${percent(served / Math.max(1, returned))} served when they came again`,
      `slowest ${(slowest / 1000).toFixed(1)} s`,
      ...more
    ].join("; "))
    return share
  }
  const startWith = async (keys: ReadonlyArray<GatewayKey>) => {
    gateway = await startGateway(provider, keys, {
      GATEWAY_WINDOW: `${window} seconds`,
      GATEWAY_LARGEST: "100",
      GATEWAY_PATIENCE: "1 second"
    })
    return gateway
  }

  it("is never refused by the provider, serves what the limits allow, and tells the others rightly when to come", async () => {
    await begin()
    const gateway = await startWith(keys)

    const { lateness, tally } = await apply(`${gateway.address}/v1`, () => "none", seconds)

    const pool = await gateway.pool()
    const requests = pool.keys.reduce((sum, { borrowCount }) => sum + borrowCount, 0)
    const began = pool.keys.reduce((sum, { borrowCount, meanMillis }) => sum + borrowCount * meanMillis, 0) / requests
    const share = report(
      "allowances",
      seconds,
      tally,
      `answers began after ${began.toFixed(0)} ms, timers were ${lateness.toFixed(0)} ms late`
    )
    // a key is lent anew by as much later as its answers take to begin, and timers take to fire, in either process
    const slowness = (began + 2 * lateness) / 1000
    const possible = window / (window + slowness)
    assert.strictEqual(tally.untold, 0)
    assert.includeMembers([200, 429, 503], [...tally.statuses.keys()])
    assert.isAbove(tally.returned, 0)
    // on a machine that has other things to do, requests are late by parts of a window of 2 seconds, as by none of a minute
    const isPunctual = lateness < 2 && began < 100
    assert.isAtMost(count(429), isPunctual ? 0 : 0.1 * count(200))
    assert.isAtLeast(share, (isPunctual ? 0.95 : 0.5) * possible)
    assert.isAtLeast(tally.served / tally.returned, isPunctual ? 0.95 : 0.75)
  })

  it("serves, without allowances, what the provider does not refuse: the judge has the keys rest", async () => {
    await begin()
    const gateway = await startWith(keys.map(({ name, secret, tier }) => ({ name, secret, tier })))

    const { tally } = await apply(`${gateway.address}/v1`, () => "none", compared)

    report("the judge alone", compared, tally)
    assert.isAbove(count(200), 0)
  })

  it("is not there: callers take the keys in turns, and are refused themselves", async () => {
    await begin()
    let turn = 0

    const { tally } = await apply(provider.url, () => keys[turn++ % keys.length]!.secret, compared)

    report("round robin", compared, tally)
    assert.isAbove(count(200), 0)
    assert.includeMembers([200, 429], [...tally.statuses.keys()])
  })
})
