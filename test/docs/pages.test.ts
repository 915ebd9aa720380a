/** The pages: each option and operation has its place, and nothing is wider than a screen. Where links lead: `test/package.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseAst } from "vitest/node"
import { documents, linksOf, shown, withoutCode } from "./documents.ts"

/** The pages that people have written: those of docs/bench are printed by the benchmark. */
const written = documents.filter((document) => !document.startsWith("docs/bench/"))

describe("the pages", () => {
  it("are all found from the README", () => {
    const found = new Set(["README.md"])
    for (const page of found) {
      for (const link of linksOf(fs.readFileSync(page, "utf8"))) {
        const target = path.join(path.dirname(page), link.split("#")[0]!)
        if (target.endsWith(".md") && documents.includes(target)) found.add(target)
      }
    }

    assert.sameMembers([...found], documents as Array<string>)
  })
})

describe("the README", () => {
  const text = fs.readFileSync("README.md", "utf8")

  it("is at most 10 kB", () => {
    assert.isAtMost(Buffer.byteLength(text), 10_000)
  })

  it("names the two commands", () => {
    for (const command of ["npm ci && npm start", "npm ci && npm test"]) assert.include(text, command)
  })

  it("says what is promised in as many points as there are", () => {
    const [, number] = /(\d+) promises/.exec(text)!
    const promises = fs.readFileSync("docs/promises.md", "utf8").match(/^### \d+\. /gm)

    assert.strictEqual(promises?.length, Number(number))
  })
})

describe("a page", () => {
  for (const document of written) {
    it(`has no table that is wider than a screen: ${document}`, () => {
      const tables = withoutCode(fs.readFileSync(document, "utf8")).match(/(?:^\|.*\n)+/gm) ?? []
      for (const table of tables) {
        const rows = table.trim().split("\n").filter((row) => !/^\|[\s|:-]+$/.test(row)).map((row) =>
          // a bar within code is no border
          row.replaceAll("\\|", "¦").split("|").slice(1, -1).map((cell) => shown(cell).trim().length)
        )
        const width = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at] ?? 0)) + 3).reduce((a, b) => a + b)

        assert.isAtMost(width, 100, table.split("\n")[0])
      }
    })
  }
})

interface Node {
  readonly type: string
  readonly start: number
  readonly key?: { readonly name: string }
  readonly id?: { readonly name: string }
  readonly body?: { readonly body: ReadonlyArray<Node> } | ReadonlyArray<Node>
  readonly members?: ReadonlyArray<Node>
  readonly types?: ReadonlyArray<Node>
  readonly declaration?: Node
  readonly typeAnnotation?: Node
}

interface Member {
  readonly path: string
  /** What its doc block says is the default. */
  readonly standard: string | undefined
}

const groups = ["size", "perKey", "detection", "creation", "lifetime", "closing"]

/** The members that an interface of a source file declares itself, as dotted paths. */
const declaredIn = (file: string, name: string): ReadonlyArray<Member> => {
  const source = fs.readFileSync(file, "utf8")
  const docBefore = (start: number): string =>
    /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(source.slice(0, start))?.[0] ?? ""
  const membersIn = (members: ReadonlyArray<Node>): ReadonlyArray<Member> =>
    members.filter(({ type }) => type === "TSPropertySignature").flatMap(({ key, start, typeAnnotation }) => {
      const records = (typeAnnotation?.typeAnnotation?.types ?? []).filter(({ type }) => type === "TSTypeLiteral")
      if (!groups.includes(key!.name)) {
        return [{ path: key!.name, standard: /@default (.+)/.exec(docBefore(start))?.[1] }]
      }
      const inner = records.flatMap(({ members = [] }) => membersIn(members))
      return inner.map((member) => ({ ...member, path: `${key!.name}.${member.path}` }))
    })
  const program = parseAst(source, { lang: "ts" }) as unknown as { body: ReadonlyArray<Node> }
  const found = program.body.map(({ declaration }) => declaration).find((declaration) => declaration?.id?.name === name)
  assert.isDefined(found, `${file} has ${name}`)
  return membersIn((found.body as { readonly body: ReadonlyArray<Node> }).body)
}

const membersOf = (file: string, name: string): ReadonlyArray<string> => declaredIn(file, name).map(({ path }) => path)

const nested = (group: string, members: ReadonlyArray<Member>) =>
  members.map((member) => ({ ...member, path: `${group}.${member.path}` }))

const options = "src/PoolOptions.ts"

/** Every option that there is, under the heading that it has. */
const everyOption = (): ReadonlyArray<Member> => {
  const ofPools = [
    ...declaredIn(options, "PoolSettings"),
    ...nested("detection", declaredIn(options, "DetectionOptions")),
    ...nested("creation", declaredIn(options, "CreationOptions")),
    ...declaredIn(options, "PoolOptions"),
    { path: "name", standard: undefined }
  ]
  const ofCalls = (name: string, of: string) =>
    declaredIn(options, name).map((member) =>
      ofPools.some(({ path }) => path === member.path) ? { ...member, path: `${member.path} ${of}` } : member
    )
  const ofKeys = [
    ...nested("size", declaredIn("src/KeyedPool.ts", "KeyedSize")),
    ...declaredIn("src/KeyedPool.ts", "KeyedSettings")
  ].map((member) => member.path === "size.max" ? { ...member, path: "size.max of all keys" } : member)
  return [
    ...ofPools,
    ...ofKeys,
    ...ofCalls("BorrowOptions", "of a borrow"),
    ...ofCalls("WithOptions", "of a body"),
    ...ofCalls("AddOptions", "of an object")
  ]
}

describe("the list of options", () => {
  const text = fs.readFileSync("docs/options.md", "utf8")
  const sections = text.split(/^### /m).slice(1).map((section) => {
    const [heading = "", ...lines] = section.split("\n")
    return { heading: heading.replaceAll("`", ""), said: lines.find((line) => line !== "") ?? "" }
  })
  const headings = sections.map(({ heading }) => heading)

  it("has every option, and no other", () => {
    assert.sameMembers(headings, [...new Set(everyOption().map(({ path }) => path))])
  })

  for (const { heading, said } of sections) {
    it(`says the type of ${heading}, and the default that its doc block says`, () => {
      const [, standard] = /^\*\*Type\*\* .+ · \*\*Default\*\* (.+)$/.exec(said) ?? []
      const declared = everyOption().flatMap(({ path, standard }) => path === heading ? standard ?? [] : [])

      assert.isDefined(standard)
      for (const each of declared) assert.strictEqual(each, standard)
      if (declared.length === 0) {
        assert.oneOf(standard, ["none", "any object", "`\"ObjectPool\"`, or `\"PromisePool\"`"])
      }
    })
  }
})

it("the page for those without Effect has every option that is only theirs", () => {
  const text = fs.readFileSync("docs/without-effect.md", "utf8")
  const theirs = ["PromisePoolOptions", "PromiseBorrowOptions", "PromiseAddOptions"]
    .flatMap((name) => membersOf("src/PromiseOptions.ts", name))
  const all = ["PoolSettings", "PoolOptions", "BorrowOptions"].flatMap((name) => membersOf(options, name))
  const own = theirs.filter((name) => !all.includes(name) && name !== "name")

  assert.includeMembers(own, ["destroy", "unpack", "signal"])
  for (const name of own) assert.match(text, new RegExp(`^### ${name}\\b`, "m"), name)
})

it("the page of operations has every operation, and every part of a lease and a record", () => {
  const text = fs.readFileSync("docs/operations.md", "utf8")
  const members = [
    ...membersOf("src/ObjectPool.ts", "Operations"),
    ...membersOf("src/Lease.ts", "Lease"),
    ...membersOf("src/PooledObject.ts", "PooledObject")
  ]

  assert.deepStrictEqual(members.filter((member) => !new RegExp(`\`(?:lease\\.)?${member}\\b`).test(text)), [])
})
