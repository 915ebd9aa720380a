/**
 * The public API as `.ci/api.d.ts` has it: the declarations of all modules that are not internal, without their comments.
 * A change of it is seen in review: `npm run check:api -- --write` writes the file anew.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const kept = ".ci/api.d.ts"
const folder = mkdtempSync(join(tmpdir(), "api-"))

const declarations = () => {
  const options = ["--emitDeclarationOnly", "--declarationMap", "false", "--removeComments", "--outDir", folder]
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", ...options])
  return readdirSync(folder)
    .filter((file) => file.endsWith(".d.ts"))
    .sort()
    .map((file) => `// ${file}\n${readFileSync(join(folder, file), "utf8")}`)
    .join("\n")
}

try {
  const now = declarations()
  if (process.argv.includes("--write")) writeFileSync(kept, now)
  else if (!existsSync(kept) || readFileSync(kept, "utf8") !== now) {
    const built = join(folder, "api.d.ts")
    writeFileSync(built, now)
    try {
      execFileSync("git", ["--no-pager", "diff", "--no-index", "--stat", "-p", kept, built], { stdio: "inherit" })
    } catch {
      // that is how `git diff` says that there are differences
    }
    console.error(`The public API is not as ${kept} has it. If that is meant: npm run check:api -- --write`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
