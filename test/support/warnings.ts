/** What pools warn of is told where a test has failed: it is what many a test is about, and has happen. */
import { afterEach } from "vitest"

/** One process runs many test files, of which each has its own copy of this. */
const heard = globalThis as { poolWarnings?: Array<string> }

if (heard.poolWarnings === undefined) {
  const warnings: Array<string> = heard.poolWarnings = []
  process.on("warning", ({ message, name }) => {
    if (name === "PoolWarning") warnings.push(`${name}: ${message}\n`)
  })
}
const warnings = heard.poolWarnings
// a test may have replaced it
const turn = setImmediate

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    await new Promise((resolve) => turn(resolve))
    process.stderr.write(warnings.join(""))
  }
  warnings.length = 0
})
