/** The gateway is killed amid a load, and started again over the same files; and over files that are broken. */
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import OpenAI from "openai"
import { type Gateway, type GatewayKey, type Provider, startGateway, startProvider } from "../support/gateway.ts"
import { freePort } from "../support/postgres.ts"
import { sleep, until } from "../support/service.ts"

const tokens = 100_000
const keys: ReadonlyArray<Required<GatewayKey>> = [
  { name: "one", secret: "sk-1", tier: 0, requests: 10, tokens },
  { name: "two", secret: "sk-2", tier: 0, requests: 20, tokens },
  { name: "three", secret: "sk-3", tier: 1, requests: 15, tokens },
  // somebody else uses it, too
  { name: "shared", secret: "sk-4", tier: 1, requests: 20, tokens }
]

describe("a gateway that is killed amid a load", () => {
  let provider: Provider
  let folder = ""
  let port = 0
  let window = ""
  let over = false
  let callers: Promise<unknown> = Promise.resolve()
  let killings: Array<Gateway> = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "gateway-"))
    port = await freePort()
    over = false
  })
  afterEach(async () => {
    over = true
    for (const { ended, kill } of killings) {
      kill("SIGKILL")
      await ended
    }
    killings = []
    await callers
    await provider.close()
    rmSync(folder, { recursive: true })
  })

  const open = async (seconds: number) => {
    window = `${seconds} seconds`
    const allowed = keys.map(({ requests, secret, tokens }) => [secret, { requests, tokens }] as const)
    provider = await startProvider(Object.fromEntries(allowed), { window: `${seconds} seconds` })
    return start()
  }
  const start = async () => {
    const gateway = await startGateway(provider, keys, {
      PORT: String(port),
      GATEWAY_STORE: folder,
      GATEWAY_WINDOW: window,
      GATEWAY_PATIENCE: "1 second",
      // one request at a time with each key: none is under way that had been sent before a refusal
      GATEWAY_CONCURRENCY: "1"
    })
    killings.push(gateway)
    return gateway
  }

  /** Asks again and again, whatever comes: nobody may be there. */
  const call = (number: number): void => {
    callers = Promise.all(Array.from({ length: number }, async (_, i) => {
      const body = JSON.stringify({
        model: "small",
        messages: [{ role: "user", content: "How are you?" }],
        max_tokens: 10,
        user: `caller ${i}`
      })
      while (!over) {
        const answered = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body
        }).then(async (response) => (await response.text(), response.ok), () => false)
        if (!answered) await sleep(20 + Math.random() * 80)
      }
    }))
  }

  const seen = () => provider.accounts.flatMap(({ seen }) => seen)
  const now = () => Number(process.hrtime.bigint()) / 1e6
  const served = async (more: number) => {
    const before = seen().length
    await until("served", async () => seen().length - before, (n) => n >= more)
  }
  const fileOf = (name: string) => join(folder, encodeURIComponent(`llmGateway/Keys/${name}`))
  /** When what the next process will know of a key was written, by the wall clock. */
  const writtenAt = (name: string): number => {
    if (!existsSync(fileOf(name))) return -Infinity
    return (JSON.parse(readFileSync(fileOf(name), "utf8")) as { readonly at: number }).at
  }
  const limited = ["sk-1", "sk-2", "sk-3"]

  it("uses no key again before the time that it had been told, nor beyond its limits", async () => {
    const first = await open(10)
    const other = new OpenAI({ baseURL: provider.url, apiKey: "sk-4", maxRetries: 0 })
    const question = { model: "small", messages: [{ role: "user", content: "Who is there?" } as const], max_tokens: 10 }
    await Promise.all(Array.from({ length: 20 }, () => other.chat.completions.create(question)))
    call(30)
    // all that the keys allow is taken, and the shared one has been told when to come again
    await until("told", async () => provider.account("sk-4").count(429), (n) => n > 0)
    await until("at rest", async () => Math.max(...seen().map(({ at }) => at)), (last) => now() - last > 2000)
    first.kill("SIGKILL")
    await first.ended
    const before = provider.accounts.map(({ seen }) => seen.length)
    await start()
    await until(
      "used again",
      async () => provider.accounts.map(({ seen }, i) => seen.length - before[i]!),
      (more) => more.every((n) => n > 0)
    )

    // the shared key had been told, and was not used before
    for (const account of provider.accounts) assert.strictEqual(account.tooEarly, 0)
    for (const secret of limited) assert.strictEqual(provider.account(secret).count(429), 0)
  })

  it("has forgotten no more than it had not written yet", async () => {
    await open(4)
    call(30)
    for (let life = 0; life < 3; life++) {
      await served(20)
      await sleep(200 + 700 * life)
      const { ended, kill } = killings.at(-1)!
      kill("SIGKILL")
      await ended
      const wall = Date.now() - now()
      const refusedBefore = limited.map((secret) => provider.account(secret).count(429))
      const forgotten = limited.map((secret, i) => {
        // two clocks are read one after the other
        const since = writtenAt(keys[i]!.name) - 10
        return provider.account(secret).seen.filter(({ at }) => at + wall >= since).length
      })
      await start()
      await served(60)

      limited.forEach((secret, i) =>
        assert.isAtMost(provider.account(secret).count(429) - refusedBefore[i]!, forgotten[i]!, secret)
      )
    }
  })

  it("keeps no secret in its files", async () => {
    await open(4)
    call(5)
    await until(
      "written",
      async () => readdirSync(folder).filter((file) => !file.endsWith(".new")),
      (files) => files.length === 4
    )

    for (const file of readdirSync(folder)) {
      if (!file.endsWith(".new")) assert.notInclude(file + readFileSync(join(folder, file), "utf8"), "sk-")
    }
  })

  it("reports a store that is down, that says nothing, and that is full of nonsense, and answers", async () => {
    writeFileSync(fileOf("one"), "{\"version\":1,\"at\":\"yesterday\"")
    mkdirSync(fileOf("two"))
    execFileSync("mkfifo", [fileOf("three")])

    const gateway = await open(4)
    call(10)
    await until("used", async () => provider.accounts.map(({ seen }) => seen.length), (all) => all.every((n) => n > 0))

    await until(
      "reported",
      async () => gateway.stdout(),
      (said) =>
        said.includes("What is remembered of an object makes no sense: it joins as new") &&
        said.split("What is remembered of an object could not be read: it joins as new").length > 2 &&
        said.includes("What is remembered of an object could not be written")
    )
    const before = seen().length
    await until("still used", async () => seen().length - before, (n) => n > 50)
  })
})
