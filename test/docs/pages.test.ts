/**
 * The pages as they are published: each link leads somewhere within the package, each option and operation has its place,
 * and nothing is wider than a screen.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parseAst } from "vitest/node"
import { run } from "../support/package.ts"
import { documents } from "./documents.ts"

/** The pages that people have written: those of docs/bench are printed by the benchmark. */
const written = documents.filter((document) => !document.startsWith("docs/bench/"))

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "")

/** What a reader sees of a line: no targets of links, no marks. */
const shown = (line: string): string => line.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*_]/g, "")

/** What a heading is called in a link, as GitHub and npm have it. */
const slug = (heading: string): string =>
  shown(heading).toLowerCase().trim().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")

const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading] of withoutCode(text).matchAll(/^#+ (.*)$/gm)) {
    const name = slug(heading!)
    let unique = name
    for (let i = 1; anchors.has(unique); i++) unique = `${name}-${i}`
    anchors.add(unique)
  }
  return anchors
}

const linksOf = (text: string): ReadonlyArray<string> =>
  Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!)

/** Why a link of a page within `root` leads nowhere; `undefined`: it leads somewhere. */
const broken = (root: string, page: string, link: string): string | undefined => {
  if (/^https?:/.test(link)) return undefined
  const [file = "", anchor] = link.split("#")
  const target = file === "" ? page : path.join(path.dirname(page), file)
  const found = path.join(root, target)
  if (target.startsWith("..") || !fs.existsSync(found)) return `${target} is not in the package`
  // what shows the pages beside the reference of the API copies files
  if (!fs.statSync(found).isFile()) return `${target} is no file`
  if (anchor === undefined || anchorsOf(fs.readFileSync(found, "utf8")).has(anchor)) return undefined
  return `${target} has no heading #${anchor}`
}

describe("the pages that are published", () => {
  let folder = ""
  let root = ""

  beforeAll(async () => {
    folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), "pages-"))
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder])
    const [tarball = ""] = fs.globSync("*.tgz", { cwd: folder })
    await run("tar", ["-xzf", path.join(folder, tarball), "-C", folder])
    root = path.join(folder, "package")
  })
  afterAll(() => fs.promises.rm(folder, { recursive: true }))

  for (const document of documents) {
    it(`lead where they say, within the package: ${document}`, () => {
      const text = fs.readFileSync(path.join(root, document), "utf8")
      const wrong = linksOf(text).flatMap((link) => broken(root, document, link) ?? [])

      assert.deepStrictEqual(wrong, [])
    })
  }

  it("are all found from the README", () => {
    const found = new Set(["README.md"])
    for (const page of found) {
      for (const link of linksOf(fs.readFileSync(path.join(root, page), "utf8"))) {
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
  readonly key?: { readonly name: string }
  readonly id?: { readonly name: string }
  readonly body?: { readonly body: ReadonlyArray<Node> } | ReadonlyArray<Node>
  readonly members?: ReadonlyArray<Node>
  readonly types?: ReadonlyArray<Node>
  readonly declaration?: Node
  readonly typeAnnotation?: Node
}

/** The members that an interface of a source file declares itself, as dotted paths. */
const membersOf = (file: string, name: string): ReadonlyArray<string> => {
  const membersIn = (members: ReadonlyArray<Node>): ReadonlyArray<string> =>
    members.filter(({ type }) => type === "TSPropertySignature").flatMap(({ key, typeAnnotation }) => {
      const union = typeAnnotation?.typeAnnotation
      const records = (union?.types ?? []).filter(({ type }) => type === "TSTypeLiteral")
      const groups = ["size", "detection", "creation", "lifetime", "closing"]
      return groups.includes(key!.name)
        ? records.flatMap(({ members = [] }) => membersIn(members)).map((member) => `${key!.name}.${member}`)
        : [key!.name]
    })
  const program = parseAst(fs.readFileSync(file, "utf8"), { lang: "ts" }) as unknown as { body: ReadonlyArray<Node> }
  const found = program.body.map(({ declaration }) => declaration).find((declaration) => declaration?.id?.name === name)
  assert.isDefined(found, `${file} has ${name}`)
  return membersIn((found.body as { readonly body: ReadonlyArray<Node> }).body)
}

const nested = (group: string, members: ReadonlyArray<string>) => members.map((member) => `${group}.${member}`)

const options = "src/PoolOptions.ts"

describe("the list of options", () => {
  const text = fs.readFileSync("docs/options.md", "utf8")
  const sections = text.split(/^### /m).slice(1).map((section) => {
    const [heading = "", ...lines] = section.split("\n")
    return { heading: heading.replaceAll("`", ""), said: lines.find((line) => line !== "") ?? "" }
  })
  const headings = sections.map(({ heading }) => heading)

  it("has every option of a pool, and no other", () => {
    const known = new Set([
      ...membersOf(options, "PoolSettings"),
      ...nested("detection", membersOf(options, "DetectionOptions")),
      ...nested("creation", membersOf(options, "CreationOptions")),
      ...membersOf(options, "PoolOptions"),
      "name"
    ])
    const ofCalls = [
      ...membersOf(options, "BorrowOptions").map((name) => known.has(name) ? `${name} of a borrow` : name),
      ...membersOf(options, "AddOptions").map((name) => known.has(name) ? `${name} of an object` : name)
    ]

    assert.sameMembers(headings, [...known, ...ofCalls].filter((name) => !["detection", "creation"].includes(name)))
  })

  for (const { heading, said } of sections) {
    it(`says the type and the default of ${heading}`, () => {
      assert.match(said, /^\*\*Type\*\* .+ · \*\*Default\*\* .+$/)
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
