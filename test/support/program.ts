/** Programs in processes of their own. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const source = (name: string): string => pathToFileURL(join(import.meta.dirname, "../../src", name)).href

/** What a program imports. */
export const index = source("index.ts")
export const entry = source("promise.ts")

/**
 * Runs a module body that has a `PromisePool`, or has imports of its own, and answers what it printed; it has less than
 * the time of a test to end by itself.
 */
export const run = (
  body: string,
  imports = `import { PromisePool } from ${JSON.stringify(entry)}`
): Promise<{ readonly code: number | string | null; readonly lines: ReadonlyArray<string> }> => {
  // beside what it imports
  const folder = mkdtempSync(join(import.meta.dirname, ".program-"))
  const file = join(folder, "program.ts")
  writeFileSync(file, `${imports}\n${body}`)
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { timeout: 280_000 }, (error, stdout, stderr) => {
      rmSync(folder, { recursive: true })
      const ended = error === null ? 0 : error.killed ? "killed" : error.code ?? null
      resolve({ code: ended, lines: `${stdout}${stderr}`.trim().split("\n") })
    })
  })
}
