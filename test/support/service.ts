/** The example service, run as a user runs it: a process of its own, spoken to by HTTP. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Ending, type Running, start, startBundle } from "./example.ts"
import { parsePrometheus } from "./telemetry.ts"

interface Ended extends Ending {
  /** What it has left behind in its folder for what is temporary. */
  readonly left: ReadonlyArray<string>
}

export interface Service extends Omit<Running, "ended"> {
  /** The address that it has printed; rejects when it ends without. */
  readonly address: Promise<string>
  readonly ended: Promise<Ended>
  /** Where it keeps what is temporary. */
  readonly folder: string
}

/** On a free port, and with a folder of its own for what is temporary; its bundle, or its sources as a user runs them. */
export const startService = (env: Readonly<Record<string, string>> = {}, what?: "sources"): Service => {
  const folder = mkdtempSync(join(tmpdir(), "service-"))
  // PostgreSQL runs as another user where this one is root
  chmodSync(folder, 0o755)
  const options = { env: { PATH: process.env["PATH"], PORT: "0", TMPDIR: folder, ...env } }
  const running = what === "sources" ? start("httpServer/main", options) : startBundle("httpServer", options)
  const ended = running.ended.then((end): Ended => {
    const left = readdirSync(folder)
    rmSync(folder, { recursive: true })
    return { ...end, left }
  })
  // it is printed in one piece, or more comes until it is
  const address = running.printed(/http:\/\/[\d.]+:\d+\D/).then(() => /http:\/\/[\d.:]+/.exec(running.stdout())![0])
  // nobody may wait for it
  address.catch(() => {})
  return { ...running, address, ended, folder }
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
  const response = await fetch(`${address}/pool`, { signal: AbortSignal.timeout(250_000) })
  return await response.json() as PoolStatus
}

/** What the service shows to Prometheus. */
export const exposition = async (address: string): Promise<string> =>
  (await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(250_000) })).text()

/** The gauges and counters of it, by name and state; a sum over whatever else tells their samples apart. */
export const metrics = async (address: string): Promise<Readonly<Record<string, number>>> => {
  const values: Record<string, number> = {}
  for (const [name, { samples, type }] of parsePrometheus(await exposition(address))) {
    if (type === "histogram") continue
    for (const { labels, value } of samples) {
      const key = [name, labels["state"]].filter(Boolean).join(" ")
      values[key] = (values[key] ?? 0) + value
    }
  }
  return values
}

/** Asks until the answer is as it should be. It says what it was last if that takes too long, even for a busy machine. */
export const until = async <A>(
  what: string,
  ask: () => Promise<A>,
  is: (answer: A) => boolean,
  within = 250_000
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
