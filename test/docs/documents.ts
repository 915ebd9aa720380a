import * as fs from "node:fs"

/** The pages that a user reads. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "CHANGELOG.md",
  "examples/README.md",
  ...fs.globSync("docs/**/*.md").toSorted()
].filter((document) => fs.existsSync(document))
