/**
 * What the tests start again and again is bundled once, before all of them: a process then begins in a fraction of the time,
 * and leaves the cores to what is tried.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { folderOfBundles, type ProgramName, programs, sourceOf } from "./programs.ts"

export default async () => {
  // each project of the tests asks for it
  if (process.env[folderOfBundles] !== undefined) return
  // below the packages that are not bundled
  const folder = mkdtempSync(join(import.meta.dirname, ".program-"))
  const names = Object.keys(programs) as Array<ProgramName>
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, sourceOf(name)])),
    platform: "node",
    external: /^(?!effect\b|@effect\/|\.|\/)/,
    logLevel: "silent"
  })
  await bundle.write({
    dir: folder,
    format: "esm",
    keepNames: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs"
  })
  await bundle.close()
  process.env[folderOfBundles] = folder
  return () => rmSync(folder, { recursive: true })
}
