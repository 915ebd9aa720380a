/** Keys of the gateway that are revoked, that fail, and that all fail, while it is used. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import OpenAI from "openai"
import type { Account, Seen } from "../../examples/llmGateway/standIn/account.ts"
import { type Gateway, type Provider, startGateway, startProvider } from "../support/gateway.ts"
import { sleep, until } from "../support/service.ts"

const question = {
  model: "small",
  messages: [{ role: "user", content: "How are you?" } as const],
  max_tokens: 20
}

describe("while a gateway is used, a key", () => {
  let provider: Provider
  let gateway: Gateway

  const begin = async (keys: number, env: Readonly<Record<string, string>>) => {
    const names = Array.from({ length: keys }, (_, i) => `sk-${i}`)
    const limits = { requests: 1_000_000, tokens: 1_000_000_000 }
    provider = await startProvider(Object.fromEntries(names.map((secret) => [secret, limits])), { window: "1 minute" })
    gateway = await startGateway(provider, names.map((secret, i) => ({ name: `key ${i}`, secret })), {
      GATEWAY_PATIENCE: "1 minute",
      ...env
    })
  }
  afterEach(async () => {
    await gateway.stop()
    await provider.close()
  })

  /** Callers that ask again and again, until the work is done; answers what they were told, by status. */
  const use = async (callers: number, work: () => Promise<unknown>) => {
    const told = new Map<number, number>()
    let over = false
    const caller = async (i: number) => {
      const client = gateway.client()
      while (!over) {
        const status = await client.chat.completions.create({ ...question, user: `caller ${i}` }).then(
          () => 200,
          (error) => {
            assert.instanceOf(error, OpenAI.APIError)
            return error.status as number
          }
        )
        told.set(status, (told.get(status) ?? 0) + 1)
      }
    }
    const all = Promise.all(Array.from({ length: callers }, (_, i) => caller(i)))
    await work()
    over = true
    await all
    return told
  }
  const seen = (account: Account, least: number, since = 0) =>
    until("seen", async () => account.seen.length - since, (n) => n >= least)

  it("that is revoked is seen so by those alone who were using it then, and by no client", async () => {
    const concurrency = 5
    await begin(4, { GATEWAY_CONCURRENCY: String(concurrency) })
    const account = provider.account("sk-1")

    const told = await use(40, async () => {
      await seen(account, 50)
      account.mode = "revoked"
      await until("revoked", async () => account.count(401), (n) => n > 0)
      await until("gone", gateway.pool, ({ stats }) => stats.size === 3)
      const before = provider.accounts.reduce((sum, { seen }) => sum + seen.length, 0)
      await until(
        "used without it",
        async () => provider.accounts.reduce((sum, { seen }) => sum + seen.length, 0) - before,
        (n) => n > 100
      )
    })

    assert.deepStrictEqual([...told.keys()], [200])
    assert.isAtMost(account.count(401), concurrency)
    assert.isAtLeast(account.count(401), 1)
  })

  it("that fails is out after so many failures in a row, comes back by itself, and is out for twice as long", async () => {
    const [failures, rest] = [3, 500]
    await begin(3, {
      GATEWAY_CONCURRENCY: "1",
      GATEWAY_FAILURES: String(failures),
      GATEWAY_REST: `${rest} millis`
    })
    const account = provider.account("sk-1")
    const failed = () => account.seen.filter(({ status }) => status === 500)

    const told = await use(6, async () => {
      await seen(account, 10)
      account.mode = "failing"
      await until("out for the third time", async () => failed().length, (n) => n >= 3 * failures)
      account.mode = "ok"
      const before = account.seen.length
      await seen(account, 10, before)
    })

    assert.deepStrictEqual([...told.keys()], [200])
    const after = account.seen.slice(account.seen.indexOf(failed()[0]!))
    const gap = (i: number) => after[i]!.at - (after[i - 1] as Seen).at
    // a tenth of a rest is jitter
    for (const [time, i] of [1, 2, 3].entries()) assert.isAtLeast(gap(i * failures), 0.9 * rest * 2 ** time)
    assert.isAtLeast(after.findIndex(({ status }) => status === 200), 3 * failures)
  })

  it("is not out with more than half of all others, though all fail", async () => {
    await begin(5, { GATEWAY_CONCURRENCY: "2", GATEWAY_FAILURES: "2", GATEWAY_REST: "300 millis" })
    let most = 0

    const told = await use(10, async () => {
      await seen(provider.account("sk-0"), 5)
      for (const account of provider.accounts) account.mode = "failing"
      for (let i = 0; i < 100 || most < 3; i++) {
        const { keys } = await gateway.pool()
        // one whose rest is over is out no more, though it be woken in a later step
        const now = Date.now()
        most = Math.max(most, keys.filter(({ wakesAt }) => wakesAt !== undefined && Date.parse(wakesAt) > now).length)
        await sleep(10)
      }
      for (const account of provider.accounts) account.mode = "ok"
      await until(
        "served again",
        async () => gateway.pool(),
        ({ keys }) => keys.every(({ failures }) => failures === 0)
      )
    })

    assert.strictEqual(most, 3)
    for (const status of told.keys()) assert.include([200, 502], status)
    assert.isAbove(told.get(502) ?? 0, 0)
  })
})
