/** What an example says to the person who has started it. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, startBundle } from "../support/example.ts"

describe("checksums", () => {
  let cwd = ""

  beforeAll(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "told-")))
    mkdirSync(join(cwd, "files"))
    for (const name of ["a", "b", "c"]) writeFileSync(join(cwd, "files", name), name)
  })
  afterAll(() => rmSync(cwd, { recursive: true }))

  it("says which file it has written, and how much", async () => {
    const { code, stdout } = await run("checksums", { cwd, args: ["files", "--output", "sums"] })

    assert.strictEqual(code, 0)
    assert.include(stdout.split("\n"), `written  3 checksums to ${join(cwd, "sums")}`)
  })

  it("has the version of the package", async () => {
    const { stdout } = await run("checksums", { cwd, args: ["--version"] })

    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string }
    assert.strictEqual(stdout, `checksums v${version}\n`)
  })
})

describe("the inspector", () => {
  let other: Server

  beforeAll(async () => {
    other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
  })
  afterAll(() => other.close())

  it("says in one line that its port is none, or is taken, and ends", async () => {
    const taken = String((other.address() as AddressInfo).port)

    for (
      const [PORT, said] of [
        ["abc", "PORT: Expected a string representing a finite number"],
        ["70000", "PORT: Expected a value between 1 and 65535"],
        [taken, `listen EADDRINUSE: address already in use 127.0.0.1:${taken}`]
      ] as const
    ) {
      const { code, stderr, stdout } = await run("inspector", { env: { PATH: process.env["PATH"], PORT } })
      assert.deepStrictEqual([code, stderr, stdout], [1, `inspector: ${said}\n`, ""])
    }
  })
})

describe("the gateway", () => {
  it("says in one line what of its settings makes no sense, and ends", async () => {
    const url = "http://127.0.0.1:9/v1"
    const keys = JSON.stringify([{ name: "one", secret: "sk-1" }])
    for (
      const [env, said] of [
        [{ GATEWAY_URL: "here", GATEWAY_KEYS: keys }, "GATEWAY_URL: Expected a valid URL string"],
        [{ GATEWAY_URL: url }, "GATEWAY_KEYS: "],
        [{ GATEWAY_URL: url, GATEWAY_KEYS: "sk-1" }, "GATEWAY_KEYS: "],
        [{ GATEWAY_URL: url, GATEWAY_KEYS: "[]" }, "GATEWAY_KEYS: "],
        [{ GATEWAY_URL: url, GATEWAY_KEYS: `[{"name":"one"}]` }, "GATEWAY_KEYS: "],
        [
          { GATEWAY_URL: url, GATEWAY_KEYS: keys, GATEWAY_CONCURRENCY: "0" },
          "GATEWAY_CONCURRENCY: Expected a value greater than 0"
        ]
      ] as const
    ) {
      const running = startBundle("llmGateway", { env: { PATH: process.env["PATH"], ...env } })
      const { code, stderr, stdout } = await running.ended
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /^llmGateway: .*\n$/)
      assert.include(stderr, said)
      assert.notInclude(stderr, "sk-1")
    }
  })
})
