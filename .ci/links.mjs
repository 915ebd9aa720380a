/**
 * Each link within the site that `npm run docs` has built leads to a page, or a file, that is there, and to a place that is
 * on it.
 */
import { globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const site = "site"
const files = new Set(globSync(`${site}/**/*.*`).map(normalize))
const pages = new Map(
  [...files].filter((file) => file.endsWith(".html")).map((file) => [file, readFileSync(file, "utf8")])
)
const places = new Map(
  [...pages].map(([file, html]) => [file, new Set([...html.matchAll(/\s(?:id|name)="([^"]*)"/g)].map(([, id]) => id))])
)

const wrong = [...pages].flatMap(([file, html]) =>
  [...html.matchAll(/\s(?:href|src)="([^"]+)"/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path, place] = decodeURIComponent(link.replaceAll("&amp;", "&")).split("#")
    const target = path === "" ? file : normalize(join(dirname(file), path))
    if (!files.has(target)) return [`${file}: ${link} leads nowhere`]
    return place === undefined || place === "" || !places.has(target) || places.get(target).has(place)
      ? []
      : [`${file}: nothing on ${target} is called ${place}`]
  })
)

if (pages.size === 0) wrong.push("there is no site: `npm run docs` builds it")
if (wrong.length > 0) {
  console.error(wrong.join("\n"))
  process.exit(1)
}
console.log(`${pages.size} pages, every link leads somewhere`)
