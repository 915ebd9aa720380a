/** Runs an example as a user does: in a process of its own, by the same Node that runs the tests. */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { programFile, type ProgramName } from "./programs.ts"

export interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves once the output so far contains the text; rejects when the process ends without it. */
  readonly printed: (text: string | RegExp) => Promise<void>
  readonly ended: Promise<Ending>
}

export interface RunOptions {
  readonly args?: ReadonlyArray<string>
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

// what a test has left behind that took too long
const children = new Set<ChildProcess>()
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")))

export const start = (example: string, options?: RunOptions): Running =>
  startFile(fileURLToPath(new URL(`../../examples/${example}.ts`, import.meta.url)), options)

/** Starts the bundle of an example that many a test starts. */
export const startBundle = (example: ProgramName, options?: RunOptions): Running =>
  startFile(programFile(example), options)

const startFile = (
  file: string,
  { args = [], cwd = process.cwd(), env = process.env }: RunOptions = {}
): Running => {
  const child = spawn(process.execPath, [file, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
  children.add(child)
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text)
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text)
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => {
      children.delete(child)
      resolve({ code, stdout, stderr })
    })
  })
  return {
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => child.kill(signal),
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (typeof text === "string" ? stdout.includes(text) : text.test(stdout)) resolve()
        }
        child.stdout.on("data", look)
        child.on("close", () => reject(new Error(`ended without ${text}: ${stdout}${stderr}`)))
        look()
      })
  }
}

export const run = (example: string, options?: RunOptions): Promise<Ending> => start(example, options).ended

/** Runs an example that has to end well, and by itself, and answers its lines. */
export const linesOf = async (example: string, options?: RunOptions): Promise<ReadonlyArray<string>> => {
  const { code, stderr, stdout } = await run(example, options)
  if (code !== 0 || stderr !== "") throw new Error(`${example} ended with ${code}: ${stderr}`)
  return stdout.trimEnd().split("\n")
}
