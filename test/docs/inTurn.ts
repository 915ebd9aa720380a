/**
 * A program that runs modules, one after the other, in one process: each is loaded when nothing is left to do of the one
 * before. It says which, and ends as the first does that goes wrong.
 */
import { writeSync } from "node:fs"
import { pathToFileURL } from "node:url"

const left = process.argv.slice(2)
let isLoaded = true

const next = (): void => {
  if (!isLoaded) return fail("waits for what never comes")
  if (process.exitCode) return fail("has gone wrong")
  const file = left.shift()
  if (file === undefined) return void process.off("exit", early)
  writeSync(2, `${file}\n`)
  isLoaded = false
  // something is left to do, at least: the process would end otherwise
  setImmediate(() => void import(pathToFileURL(file).href).then(() => isLoaded = true, fail))
}
const fail = (why: unknown): void => {
  process.off("exit", early)
  console.error(why)
  process.exit(1)
}
const early = (code: number) => {
  writeSync(2, "ends the process, others have not run\n")
  process.exitCode = code === 0 ? 1 : code
}
process.on("exit", early)
process.on("beforeExit", next)
