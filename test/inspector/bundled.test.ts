/** The page that is served is made of what is in `page/`. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { promisify } from "node:util"

const run = promisify(execFile)
const read = (file: string) => readFileSync(`page/${file}`, "utf8")

describe("the page", () => {
  it("is served as its sources are", async () => {
    await run(process.execPath, [".ci/page.mjs"])
  })

  it("has no style for what it does not have", () => {
    const sources = readdirSync("page").filter((file) => /\.(ts|html)$/.test(file)).map(read).join("\n")
    const used = new Set(sources.match(/[\w-]+/g))
    const named = read("page.css").replace(/\{[^}]*\}/g, "{}").matchAll(/[.#]([a-z][\w-]*)/gi)

    assert.deepStrictEqual([...new Set(Array.from(named, ([, name]) => name!))].filter((name) => !used.has(name)), [])
  })

  it("asks nothing of another host, neither in its sources nor as it is served", () => {
    const files = [...readdirSync("page").map(read), readFileSync("src/internal/inspection/page.generated.ts", "utf8")]
    for (const text of files) {
      assert.notMatch(text.replaceAll("http://www.w3.org/2000/svg", ""), /\bhttps?:|@import|\burl\(/)
    }
  })
})
