/** The example service, run as a user runs it: a process of its own, spoken to by HTTP. */
import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parsePrometheus } from "../observability/support.ts"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** What it has left behind in its folder for what is temporary. */
  readonly left: ReadonlyArray<string>
}

export interface Service {
  /** The address that it has printed; rejects when it ends without. */
  readonly address: Promise<string>
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
  /** Where it keeps what is temporary. */
  readonly folder: string
}

const main = fileURLToPath(new URL("../../examples/httpServer/main.ts", import.meta.url))

/** On a free port, and with a folder of its own for what is temporary. */
export const startService = (env: Readonly<Record<string, string>> = {}): Service => {
  const folder = mkdtempSync(join(tmpdir(), "service-"))
  // PostgreSQL runs as another user where this one is root
  chmodSync(folder, 0o755)
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env["PATH"], PORT: "0", TMPDIR: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text)
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => {
      const left = readdirSync(folder)
      rmSync(folder, { recursive: true })
      resolve({ code, stdout, stderr, left })
    })
  })
  const address = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", () => {
      const [url] = /http:\/\/[\d.:]+/.exec(stdout) ?? []
      if (url !== undefined) resolve(url)
    })
    child.on("close", () => reject(new Error(`ended without an address: ${stdout}${stderr}`)))
  })
  // nobody may wait for it
  address.catch(() => {})
  return {
    address,
    ended,
    folder,
    kill: (signal) => child.kill(signal),
    stderr: () => stderr,
    stdout: () => stdout
  }
}

export interface PoolStatus {
  readonly stats: {
    readonly available: number
    readonly borrowed: number
    readonly leases: number
    readonly waiting: number
    readonly totals: {
      readonly borrowed: number
      readonly destroyed: number
      readonly expired: number
      readonly timedOut: number
      readonly exhausted: number
    }
  }
  readonly sessions: ReadonlyArray<{ readonly pid: number; readonly status: string }>
}

export const poolStatus = async (address: string): Promise<PoolStatus> => {
  const response = await fetch(`${address}/pool`, { signal: AbortSignal.timeout(20_000) })
  return await response.json() as PoolStatus
}

/** The gauges and counters that the service shows to Prometheus, by name and state. */
export const metrics = async (address: string): Promise<Readonly<Record<string, number>>> => {
  const response = await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(20_000) })
  const values: Record<string, number> = {}
  for (const [name, { samples, type }] of parsePrometheus(await response.text())) {
    if (type === "histogram") continue
    for (const { labels, value } of samples) values[[name, labels["state"]].filter(Boolean).join(" ")] = value
  }
  return values
}

/** Asks until the answer is as it should be. It says what it was last if that takes too long, even for a busy machine. */
export const until = async <A>(
  what: string,
  ask: () => Promise<A>,
  is: (answer: A) => boolean,
  within = 30_000
): Promise<A> => {
  const giveUpAt = performance.now() + within
  for (;;) {
    const answer = await ask()
    if (is(answer)) return answer
    if (performance.now() > giveUpAt) throw new Error(`not ${what} in time: ${JSON.stringify(answer)}`)
    await sleep(20)
  }
}

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))
