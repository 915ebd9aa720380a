/** The gateway of `examples/llmGateway`, as OpenAI's own client finds it. */
import { afterAll, assert, beforeAll, beforeEach, describe, it, onTestFinished } from "@effect/vitest"
import { Duration } from "effect"
import OpenAI from "openai"
import {
  type Gateway,
  type GatewayKey,
  type PoolOfKeys,
  type Provider,
  startGateway,
  startProvider
} from "../support/gateway.ts"
import { until } from "../support/service.ts"

const question = {
  model: "small",
  messages: [{ role: "user", content: "How long is this?" } as const],
  max_tokens: 50
}
const long = { ...question, messages: [{ role: "user", content: "word ".repeat(150) } as const], max_tokens: 150 }
const answer = "You have asked: How long is this?"

const limits = { requests: 100, tokens: 100_000 }

describe("the gateway", () => {
  let provider: Provider
  let gateway: Gateway

  const begin = async (
    keys: ReadonlyArray<GatewayKey & { readonly models?: ReadonlyArray<string> }>,
    env: Readonly<Record<string, string>> = {},
    window = Duration.minutes(1)
  ) => {
    const allowed = keys.map(({ models, requests, secret, tokens }) =>
      [secret, { requests: requests ?? 0, tokens: tokens ?? 0, ...models && { models } }] as const
    )
    provider = await startProvider(Object.fromEntries(allowed), { window })
    gateway = await startGateway(provider, keys, {
      GATEWAY_WINDOW: `${Duration.toSeconds(window)} seconds`,
      ...env
    })
    return end(gateway, provider)
  }
  const end = (gateway: Gateway, provider: Provider) => async () => {
    await gateway.stop()
    await provider.close()
  }
  /** One of its own, until the test ends. */
  const own = async (...given: Parameters<typeof begin>) => {
    onTestFinished(await begin(...given))
    return gateway.client()
  }
  const two = [{ name: "one", secret: "sk-1", ...limits }, { name: "two", secret: "sk-2", ...limits, tier: 1 }]

  const failure = async (promise: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
    try {
      await promise
    } catch (error) {
      assert.instanceOf(error, OpenAI.APIError)
      return error
    }
    throw new Error("it has been answered")
  }
  const idle = () => until("idle", gateway.pool, ({ stats }) => stats.leases === 0)
  const keyOf = ({ keys }: PoolOfKeys, name: string) => keys.find((key) => key.name === name)!

  describe("that is used by all of these", () => {
    let close: () => Promise<void>

    beforeAll(async () => {
      // nothing of it is forgotten between two tests
      close = await begin(two, {}, Duration.hours(1))
    })
    beforeEach(() => {
      for (const account of provider.accounts) Object.assign(account, { aborted: 0, mode: "ok" }).seen.length = 0
    })
    afterAll(() => close())

    it("answers OpenAI's client as it is, with a key of the first tier", async () => {
      const client = gateway.client()

      const completion = await client.chat.completions.create(question)

      assert.strictEqual(completion.choices[0]!.message.content, answer)
      assert.deepInclude(completion.usage, { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 })
      assert.deepStrictEqual(provider.accounts.map(({ seen }) => seen.length), [1, 0])
      assert.deepStrictEqual((await client.models.list()).data.map(({ id }) => id), ["small", "large"])
    })

    it("streams, and shows the usage to those who have asked for it", async () => {
      const client = gateway.client()
      const read = async (options: { readonly stream_options?: { readonly include_usage: boolean } }) => {
        let text = ""
        const usages: Array<number> = []
        for await (const chunk of await client.chat.completions.create({ ...question, ...options, stream: true })) {
          text += chunk.choices[0]?.delta.content ?? ""
          if (chunk.usage) usages.push(chunk.usage.total_tokens)
        }
        return [text, usages]
      }

      assert.deepStrictEqual(await read({}), [answer, []])
      assert.deepStrictEqual(await read({ stream_options: { include_usage: true } }), [answer, [12]])
    })

    it("charges what an answer has cost, streamed or not", async () => {
      const client = gateway.client()

      const { allowances: before } = keyOf(await idle(), "one")

      await client.chat.completions.create(question)
      for await (const _ of await client.chat.completions.create({ ...question, stream: true }));

      const { allowances } = keyOf(await idle(), "one")
      assert.deepStrictEqual(
        allowances.map(({ left, name }, i) => [name, before[i]!.left - left]),
        [["requests", 2], ["tokens", 24]]
      )
    })

    it("ends the request to the provider, and the lease, of a client that goes away midway", async () => {
      const client = gateway.client()
      const stream = await client.chat.completions.create({ ...long, stream: true })
      let chunks = 0
      for await (const _ of stream) if (++chunks === 3) break

      await until("aborted", async () => provider.account("sk-1").aborted, (aborted) => aborted === 1)
      const pool = await idle()
      assert.strictEqual(provider.account("sk-1").inFlight, 0)
      assert.deepStrictEqual([keyOf(pool, "one").status, keyOf(pool, "one").failures], ["Available", 0])
    })

    it("does the same for a client that goes away before its answer begins", async () => {
      const client = gateway.client()
      provider.account("sk-1").mode = "hanging"
      const controller = new AbortController()
      const asked = client.chat.completions.create(question, { signal: controller.signal })
      await until("asked", async () => provider.account("sk-1").inFlight, (n) => n === 1)

      controller.abort()

      assert.instanceOf(await failure(asked), OpenAI.APIUserAbortError)
      await until("aborted", async () => provider.account("sk-1").aborted, (aborted) => aborted === 1)
      await idle()
      assert.strictEqual(provider.account("sk-2").seen.length, 0)
    })

    it("says what is wrong with a question, as OpenAI does, without a key", async () => {
      const client = gateway.client()

      const errors = await Promise.all([
        failure(client.chat.completions.create({ ...question, messages: "hello" as never })),
        failure(client.chat.completions.create({ ...question, max_tokens: 5000 })),
        failure(client.post("/chat/completions", { body: "no JSON" }))
      ])

      for (const error of errors) assert.instanceOf(error, OpenAI.BadRequestError)
      for (const { type } of errors) assert.strictEqual(type, "invalid_request_error")
      assert.strictEqual(errors[1]!.code, "context_length_exceeded")
      assert.deepStrictEqual(provider.accounts.map(({ seen }) => seen.length), [0, 0])
    })

    it("passes on what the provider says of a question, and does not ask with another key", async () => {
      const client = gateway.client()

      const { keys: before } = await idle()

      const error = await failure(
        client.chat.completions.create({ ...question, messages: [{ role: "user" } as never] })
      )

      assert.deepStrictEqual([error.status, error.type, error.message], [
        400,
        "invalid_request_error",
        "400 It is no question"
      ])
      const { keys } = await idle()
      assert.deepStrictEqual(keys.map(({ failures }) => failures), [0, 0])
      assert.deepStrictEqual(keys.map(({ borrowCount }, i) => borrowCount - before[i]!.borrowCount), [1, 0])
    })

    it("shows its pool, its metrics and an inspector, and no key", async () => {
      const client = gateway.client()
      await client.chat.completions.create(question)

      const pages = await Promise.all(
        ["pool", "metrics", "pools"].map(async (path) => (await fetch(`${gateway.address}/${path}`)).text())
      )

      assert.include(pages[0], "\"name\":\"one\"")
      assert.include(pages[1], "pool_object_size")
      assert.include(pages[2], "<html")
      for (const page of pages) assert.notInclude(page, "sk-")
      assert.strictEqual(gateway.stderr(), "")
    })
  })

  describe("whose keys are short, or broken", () => {
    it("refuses what the limits do not allow, and tells when to come again; the client comes then, and is served", async () => {
      // long enough for two questions, even on a machine that has much else to do
      const client = await own(
        [{ name: "one", secret: "sk-1", requests: 2, tokens: 1000 }],
        { GATEWAY_PATIENCE: "0 millis" },
        Duration.seconds(8)
      )
      await client.chat.completions.create(question)
      await client.chat.completions.create(question)

      const error = await failure(client.chat.completions.create(question))
      const statuses: Array<number> = []
      const patient = gateway.client({
        maxRetries: 1,
        fetch: async (input, init) => {
          const response = await fetch(input, init)
          statuses.push(response.status)
          return response
        }
      })
      const completion = await patient.chat.completions.create(question)

      assert.instanceOf(error, OpenAI.RateLimitError)
      assert.strictEqual(error.code, "rate_limit_exceeded")
      const seconds = Number(error.headers!.get("retry-after"))
      assert.isAbove(seconds, 0)
      assert.isAtMost(seconds, 8)
      assert.strictEqual(completion.choices[0]!.message.content, answer)
      assert.deepStrictEqual(statuses, [429, 200])
      assert.deepStrictEqual(provider.account("sk-1").seen.map(({ status }) => status), [200, 200, 200])
    })

    it("asks with another key where one is revoked, and with that never again", async () => {
      const client = await own(two)
      provider.account("sk-1").mode = "revoked"

      await client.chat.completions.create(question)
      await client.chat.completions.create(question)

      assert.deepStrictEqual(provider.account("sk-1").seen.map(({ status }) => status), [401])
      assert.deepStrictEqual((await gateway.pool()).keys.map(({ name }) => name), ["two"])
    })

    it("lets a key rest for a model that it has no access to, and for that alone", async () => {
      const client = await own([
        { name: "one", secret: "sk-1", ...limits, models: ["small"] },
        { name: "two", secret: "sk-2", ...limits, tier: 1 }
      ])

      await client.chat.completions.create({ ...question, model: "large" })
      await client.chat.completions.create({ ...question, model: "large" })
      await client.chat.completions.create(question)

      assert.deepStrictEqual(provider.account("sk-1").seen.map(({ status }) => status), [404, 200])
      assert.deepStrictEqual(provider.account("sk-2").seen.map(({ status }) => status), [200, 200])
      assert.deepStrictEqual(keyOf(await gateway.pool(), "one").facets.map(({ name }) => name), ["large"])
    })

    it("believes the provider where somebody else has used a key", async () => {
      const client = await own([{ name: "one", secret: "sk-1", requests: 4, tokens: 1000 }], {
        GATEWAY_PATIENCE: "0 millis"
      })
      const other = new OpenAI({ baseURL: provider.url, apiKey: "sk-1", maxRetries: 0 })
      await Promise.all([1, 2, 3].map(() => other.chat.completions.create(question)))

      await client.chat.completions.create(question)
      const error = await failure(client.chat.completions.create(question))

      assert.strictEqual(error.status, 429)
      assert.deepStrictEqual(provider.account("sk-1").seen.map(({ status }) => status), [200, 200, 200, 200])
    })

    it("tells the client of a stream that breaks off, and counts it against the key", async () => {
      const client = await own(two)
      provider.account("sk-1").mode = "breaking"
      let chunks = 0

      const error = await failure((async () => {
        for await (const _ of await client.chat.completions.create({ ...long, stream: true })) chunks++
      })())

      assert.isAbove(chunks, 0)
      assert.strictEqual(error.type, "server_error")
      await idle()
      // it was the client's already: no other key is asked
      assert.strictEqual(provider.account("sk-2").seen.length, 0)
    })

    it("gives a provider up that says nothing, and tells the client so when no key has an answer", async () => {
      const client = await own(two, { GATEWAY_SILENCE: "1 second" })
      for (const account of provider.accounts) account.mode = "hanging"

      const error = await failure(client.chat.completions.create(question))

      assert.deepStrictEqual([error.status, error.type], [504, "server_error"])
      assert.isTrue(error.headers!.has("retry-after"))
      await until(
        "given up",
        async () => provider.accounts.map(({ inFlight }) => inFlight),
        (n) => n.every((n) => n === 0)
      )
      assert.deepStrictEqual(provider.accounts.map(({ aborted }) => aborted), [1, 1])
    })
  })
})
