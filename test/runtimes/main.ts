/** Runs the smoke test of the built package under each runtime that is supported, each from its npm package. */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { compile, emptyProject, run } from "../support/package.ts"

const runtimes = {
  "node@20": ["node"],
  "node@22": ["node"],
  "node@24": ["node"],
  "deno@2": ["deno", "run", "--allow-all"],
  "bun@1": ["bun"]
}

const project = await emptyProject()
try {
  await Fs.copyFile(Path.join(import.meta.dirname, "smoke.ts"), Path.join(project, "smoke.ts"))
  await compile(project, "smoke.ts")
  for (const [name, command] of Object.entries(runtimes)) {
    const executable = ["exec", "--yes", `--package=${name}`, "--", ...command]
    const { stdout: version } = await run("npm", [...executable.slice(0, 5), "--version"], { cwd: project })
    const { stdout } = await run("npm", [...executable, "smoke.js"], { cwd: project, timeout: 60_000 })
    if (stdout.trim() !== "ok") throw new Error(`${name}: ${stdout}`)
    console.log(`${name}: ok (${version.trim().split("\n")[0]})`)
  }
} finally {
  await Fs.rm(project, { recursive: true })
}
