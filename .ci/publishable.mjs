/** What must be true before the package is published, which is not yet true in a fresh copy of the repository. */
import { readFileSync } from "node:fs"

const { repository, version } = JSON.parse(readFileSync("package.json", "utf8"))
const wrong = []
if (new URL(repository.url.replace(/^git\+/, "")).hostname.endsWith(".invalid")) {
  wrong.push("package.json: `repository` is a placeholder; write where the repository is")
}
if (!readFileSync("CHANGELOG.md", "utf8").includes(`\n## ${version}\n`)) {
  wrong.push(`CHANGELOG.md has nothing about ${version}`)
}
if (wrong.length > 0) {
  console.error(wrong.join("\n"))
  process.exit(1)
}
