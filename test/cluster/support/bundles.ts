/**
 * What the tests start again and again is bundled once, before all of them: a process then begins in a third of the time, and
 * leaves the cores to what is tried.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { folderOfBundles, programFile, type ProgramName, programs } from "./programs.ts"

export default async () => {
  const folder = mkdtempSync(join(tmpdir(), "programs-"))
  const names = Object.keys(programs) as Array<ProgramName>
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, programFile(name)])),
    platform: "node",
    // `pg` looks for it, and does without
    external: ["pg-native"],
    logLevel: "silent"
  })
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" })
  await bundle.close()
  process.env[folderOfBundles] = folder
  return () => rmSync(folder, { recursive: true })
}
