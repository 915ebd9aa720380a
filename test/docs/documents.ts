/** The pages that a user reads, and where their links lead. */
import * as fs from "node:fs"
import * as path from "node:path"

/** The pages that a user reads. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "CHANGELOG.md",
  "examples/README.md",
  ...fs.globSync("docs/**/*.md").toSorted()
].filter((document) => fs.existsSync(document))

/** A page without its blocks of code. */
export const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "")

/** What a reader sees of a line: no targets of links, no marks. */
export const shown = (line: string): string =>
  line.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*_]/g, "")

/** What a heading is called in a link, as GitHub and npm have it. */
const slug = (heading: string): string =>
  shown(heading).toLowerCase().trim().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")

/** What a link to a heading of a page may say. */
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

/** Where the links of a page lead. */
export const linksOf = (text: string): ReadonlyArray<string> =>
  Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!)

/** Why a link of a page within `root` leads nowhere; `undefined`: it leads somewhere. */
export const broken = (root: string, page: string, link: string): string | undefined => {
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
