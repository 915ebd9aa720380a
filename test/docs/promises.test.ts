/** The promises, as `docs/promises.md` lists them: each has tests, each test that it names is there, each number is known. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { parseAst } from "vitest/node"

const document = "docs/promises.md"
const sections = fs.readFileSync(document, "utf8").split(/^### /m).slice(1).map((section) => {
  const [title = "", ...lines] = section.split(/^## /m)[0]!.split("\n")
  const links = lines.filter((line) => line.startsWith("- ")).map((line) => {
    const [, file = ""] = /^- `(.*?)`/.exec(line) ?? []
    return {
      file,
      titles: Array.from(line.matchAll(/“(.*?)”/g), ([, quoted]) => quoted!)
    }
  })
  return { number: Number.parseInt(title), title, links }
})

/** The texts that are the first argument of a call, such as the titles of tests. */
const titlesIn = (file: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (typeof node !== "object" || node === null) return
    if ("type" in node && node.type === "CallExpression") {
      const [first] = (node as unknown as { readonly arguments: ReadonlyArray<{ readonly value?: unknown }> }).arguments
      if (typeof first?.value === "string") found.add(first.value)
    }
    Object.values(node).forEach(visit)
  }
  visit(parseAst(fs.readFileSync(file, "utf8"), { lang: "ts" }))
  return found
}

/** The numbers of "promise 4", "promises 1 to 3, 7 and 20", and of a title such as "4. the queue". */
const citedIn = (text: string): ReadonlyArray<number> => {
  const numbers = /\(?\bpromises? (\d+(?:(?:,| and|, and| to) \d+)*)/g
  const lists = Array.from(text.matchAll(numbers), ([, list]) => list!.match(/\d+/g)!)
  const titles = Array.from(text.matchAll(/describe\("(\d+)\. /g), ([, number]) => number!)
  return [...lists.flat(), ...titles].map(Number)
}

describe("the list of promises", () => {
  it("numbers them in order", () => {
    assert.deepStrictEqual(sections.map(({ number }) => number), sections.map((_, i) => i + 1))
  })

  for (const { links, number, title } of sections) {
    it(`names tests that there are: ${title}`, () => {
      assert.isNotEmpty(links, `promise ${number} has a test`)
      for (const { file, titles } of links) {
        assert.isTrue(fs.existsSync(file), `${file} is there`)
        const known = titlesIn(file)
        for (const quoted of titles) assert.isTrue(known.has(quoted), `${file} has “${quoted}”`)
      }
    })
  }

  it("has every number that a test cites", () => {
    for (const file of fs.globSync("test/**/*.ts", { exclude: ["test/docs/.generated/**"] })) {
      for (const cited of citedIn(fs.readFileSync(file, "utf8"))) {
        assert.isTrue(cited >= 1 && cited <= sections.length, `${file} cites promise ${cited}`)
      }
    }
  })
})
