/**
 * The page of the inspector as it is served: what is in `page/`, in one module of texts, which is part of the sources so
 * that nothing has to be built before they run. Asks whether it is what is there; `npm run check:page -- --write` writes it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { rolldown } from "rolldown"

const kept = "src/internal/inspection/page.generated.ts"

const read = (file) => readFileSync(`page/${file}`, "utf8")

const script = async () => {
  const bundle = await rolldown({ input: "page/main.ts", platform: "browser", tsconfig: "page/tsconfig.json" })
  const { output: [{ code }] } = await bundle.generate({ format: "iife", minify: true })
  return code.trim().replaceAll("</script", "<\\/script")
}

const style = () =>
  read("page.css").replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1").trim()

const between = (html, tag) => new RegExp(`<${tag}>\\n?([^]*?)\\n?</${tag}>`).exec(html)[1]

const html = read("page.html")
const icon = `data:image/svg+xml,${encodeURIComponent(read("icon.svg").trim())}`
const parts = {
  head: `${between(html, "head")}\n<link rel="icon" href="${icon}">`,
  body: between(html, "body"),
  style: style(),
  script: await script()
}
const now = "/** Made of what is in `page/`, by `npm run check:page -- --write`. */\n" +
  Object.entries(parts).map(([name, text]) => `export const ${name} = ${JSON.stringify(text)}\n`).join("")

if (process.argv.includes("--write")) writeFileSync(kept, now)
else if (readFileSync(kept, "utf8") !== now) {
  console.error(`${kept} is not what is in page/: npm run check:page -- --write`)
  process.exitCode = 1
}
