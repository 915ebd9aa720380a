/** The gateway of `examples/llmGateway` before a provider that answers what makes no sense. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Gateway, startGateway } from "../support/gateway.ts"
import { until } from "../support/service.ts"

const json = (response: ServerResponse, usage: number, headers: Readonly<Record<string, string>> = {}) =>
  void response.writeHead(200, { "content-type": "application/json", ...headers })
    .end(JSON.stringify({ choices: [], usage: { total_tokens: usage } }))

/** What the provider answers, by the model that it is asked for. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "a reset that is no duration": (response) =>
    json(response, 3, { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.2.x" }),
  "a reset beyond all times": (response) =>
    json(response, 3, { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "99999999999999999999d" }),
  "less than nothing that remains": (response) =>
    json(response, 3, { "x-ratelimit-remaining-requests": "-1e300", "x-ratelimit-reset-requests": "1s" }),
  "less than nothing that was used": (response) => json(response, -Number.MAX_SAFE_INTEGER),
  "more than anybody can have used": (response) => json(response, Number.MAX_SAFE_INTEGER)
}

describe("the gateway before a provider that answers nonsense", () => {
  let provider: Server
  let gateway: Gateway

  beforeAll(async () => {
    provider = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => body += chunk)
      request.on("end", () => {
        // it never answers that
        if (request.url!.endsWith("/models")) return
        const { model, stream } = JSON.parse(body) as { readonly model: string; readonly stream?: boolean }
        if (stream !== true) return answers[model]!(response)
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.end("retry: 5\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\ndata: [DONE]\n\n")
      })
    })
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
    const keys = Array.from(
      { length: 6 },
      (_, i) => ({ name: `key ${i}`, secret: `sk-${i}`, requests: 100, tokens: 1e6 })
    )
    gateway = await startGateway({ url }, keys, { GATEWAY_SILENCE: "2 seconds" })
  }, 60_000)

  afterAll(async () => {
    await gateway.stop()
    provider.closeAllConnections()
    provider.close()
  })

  it.each(Object.keys(answers))("passes on an answer that says %s, and holds it against no key", async (model) => {
    const { choices } = await gateway.client().chat.completions.create({ model, messages: [] })

    assert.deepStrictEqual(choices, [])
    const { keys } = await gateway.pool()
    assert.deepStrictEqual(keys.map(({ failures }) => failures), keys.map(() => 0))
  })

  it("streams on, though the provider says when to connect again", async () => {
    const words: Array<string | null | undefined> = []
    for await (
      const { choices } of await gateway.client().chat.completions.create({ model: "any", messages: [], stream: true })
    ) words.push(choices[0]?.delta.content)

    assert.deepStrictEqual(words, ["word"])
  })

  it("gives a provider up that does not say which models it has", async () => {
    const response = await fetch(`${gateway.address}/v1/models`)

    assert.strictEqual(response.status, 504)
    await until("idle", gateway.pool, ({ stats }) => stats.leases === 0)
  })
})
