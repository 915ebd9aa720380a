/**
 * Every `ts` block of the documentation and of the doc comments in src/ is type-checked, and run: those of a document in one
 * process, each when the one before has ended.
 *
 * - `expression // => value` asserts that the expression, a statement at the top level of its block, has that value.
 * - A block whose fence says `ts vitest` is a test file: those run together, by the test runner.
 *
 * A block stands at the same lines in its generated file as in its document, so that an error points to both.
 */
import { describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseAst } from "vitest/node"
import { node, typeCheck } from "../support/node.ts"
import { documents } from "./documents.ts"

interface Block {
  readonly document: string
  readonly file: string
  readonly runner: "node" | "vitest"
}

const generated = path.join(import.meta.dirname, ".generated")

const helpers = `import * as __assert from "node:assert/strict"; ` +
  `const __equal: (actual: unknown, expected: unknown) => void = __assert.deepStrictEqual;`

/** Rewrites each `expression // => value` into an assertion. */
const withAssertions = (title: string, code: string): string => {
  let rewritten = code
  let left = code.split("// =>").length - 1
  for (const statement of parseAst(code, { lang: "ts" }).body.toReversed()) {
    if (statement.type !== "ExpressionStatement") {
      continue
    }
    const { end, start } = statement.expression
    const answer = /^[ \t]*\n?[ \t]*\/\/ => (.+)/.exec(code.slice(end))
    if (answer !== null) {
      rewritten = `${rewritten.slice(0, start)}__equal(${code.slice(start, end)}, ${answer[1]})${rewritten.slice(end)}`
      left--
    }
  }
  if (left > 0) {
    throw new Error(`${title}: a "// =>" that follows no expression statement at the top level of the block`)
  }
  return rewritten
}

const writeBlocks = (document: string): ReadonlyArray<Block> => {
  const text = fs.readFileSync(document, "utf8")
  const fences = text.matchAll(/^([ \t]*(?:\* )?)```ts(?: (.*))?\n([\s\S]*?)^\1```$/gm)
  return Array.from(fences, ({ 1: prefix = "", 2: info = "", 3: body = "", index }) => {
    const fence = text.slice(0, index).split("\n").length
    const title = `${document}:${fence}`
    const runner = info === "vitest" ? "vitest" : "node"
    if (info !== "" && info !== runner) throw new Error(`${title}: nobody knows how to run "ts ${info}"`)
    const file = path.join(
      generated,
      `${document.replaceAll("/", ".")}.${fence}${runner === "node" ? "" : ".vitest"}.ts`
    )
    const code = body.split("\n").map((line) => line.slice(prefix.length)).join("\n")
      .replaceAll(`"effect-object-pool"`, `"../../../src/index.ts"`)
      .replaceAll(`"effect-object-pool/cluster"`, `"../../../src/cluster.ts"`)
      .replaceAll(`"effect-object-pool/promise"`, `"../../../src/promise.ts"`)
      .replaceAll(`"effect-object-pool/inspector"`, `"../../../src/inspector.ts"`)
    fs.writeFileSync(file, helpers + "\n".repeat(fence) + withAssertions(title, code))
    return { document, file, runner }
  })
}

fs.rmSync(generated, { recursive: true, force: true })
fs.mkdirSync(generated)
const blocks = [...documents, ...fs.globSync("src/**/*.ts").toSorted()].flatMap(writeBlocks)

describe.concurrent("the documentation", () => {
  it("compiles", async ({ signal }) => {
    await typeCheck("test/docs", signal)
  })

  it("has test files that pass", ({ signal }) =>
    node(["node_modules/vitest/vitest.mjs", "run", "--config", "test/docs/vitest.config.ts"], signal))

  const programs = Map.groupBy(
    blocks.filter(({ runner }) => runner === "node"),
    ({ document }) => document.startsWith("src/") ? "the doc comments" : document
  )
  for (const [of, blocks] of programs) {
    it(`each block of ${of} runs and ends`, ({ signal }) =>
      node(["test/docs/inTurn.ts", ...blocks.map(({ file }) => file)], signal))
  }
})
