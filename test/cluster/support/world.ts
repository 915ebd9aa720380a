/** Processes that share keys: hosts and borrowers of one cluster, and the guarded resource that the keys are for. */
import { readFileSync } from "node:fs"
import { availableParallelism, loadavg } from "node:os"
import { freePort } from "../../support/postgres.ts"
import type { BorrowerCommand, BorrowerConfig, BorrowerEvent, Done, Ended, Granted } from "./borrower.ts"
import type { GuardCommand, GuardEvent, Interval, Report } from "./guard.ts"
import type { HostConfig, HostEvent } from "./host.ts"
import { now, type Program, start, type Told } from "./processes.ts"
import type { ProxyCommand, ProxyEvent } from "./proxy.ts"

export interface Settings {
  readonly url: string
  readonly keys: ReadonlyArray<string>
  readonly timeToLive: number
  readonly lockExpiration: number
  readonly closing?: number
  readonly limit?: number
}

const isReady = (event: { readonly type: string }): event is never => event.type === "ready"

/** A process that borrows. */
interface Borrower {
  readonly program: Program<BorrowerCommand, BorrowerEvent>
  /** Asks for a key; it has it when this resolves. */
  readonly hold: (id: string, timeout?: number) => Promise<Told<Granted>>
  /** Asks for a key, and does not wait for it. */
  readonly ask: (id: string, timeout?: number) => void
  readonly granted: (id: string) => Promise<Told<Granted>>
  readonly ended: (id: string) => Promise<Told<Ended>>
  /** Gives a key back. */
  readonly end: (id: string) => Promise<Told<Ended>>
  /** Adds, takes out, or rests keys; what it failed with. */
  readonly operate: (
    command: Extract<BorrowerCommand, { type: "add" | "remove" | "rest" }>
  ) => Promise<string | undefined>
}

export interface World {
  /** Begins the names of its tables. */
  readonly prefix: string
  readonly guard: { readonly report: () => Promise<Report>; readonly port: number }
  /** Starts a runner. */
  readonly host: (options?: Partial<HostConfig>) => Promise<Host>
  /** Which of the runners has become the host last. */
  readonly hosting: () => Host
  readonly borrower: (options?: Partial<BorrowerConfig>) => Promise<Borrower>
  /** Sends a signal to all that are left, and waits until they have ended; answers how each did. */
  readonly stop: () => Promise<ReadonlyArray<number | string>>
}

interface Host {
  readonly program: Program<unknown, HostEvent>
  readonly port: number
}

let clusters = 0

export const makeWorld = async (settings: Settings): Promise<World> => {
  const { closing, keys, limit, lockExpiration, timeToLive, url } = settings
  const prefix = `test_${process.pid}_${++clusters}`
  const cluster = { url, lockExpiration, prefix }
  const guard = start<GuardCommand, GuardEvent>("guard")
  const { port: guardPort } = await guard.next((event): event is Extract<GuardEvent, { type: "ready" }> =>
    event.type === "ready"
  )
  const programs: Array<Program<never, never>> = []
  const hosts: Array<Host> = []
  return {
    prefix,
    guard: {
      port: guardPort,
      report: () => {
        guard.tell({ type: "report" })
        return guard.next((event): event is Report => event.type === "report")
      }
    },
    host: async (options = {}) => {
      const port = options.port ?? await freePort()
      const program = start<unknown, HostEvent>(
        "host",
        {
          ...cluster,
          keys,
          timeToLive,
          port,
          ...(closing === undefined ? {} : { closing }),
          ...(limit === undefined ? {} : { limit }),
          ...options
        } satisfies HostConfig
      )
      programs.push(program as never)
      await program.next(isReady)
      const host = { program, port }
      hosts.push(host)
      return host
    },
    hosting: () => {
      const since = ({ program }: Host) =>
        Math.max(...program.all.map((event) => event.type === "hosting" ? event.heard : 0))
      const last = hosts.toSorted((a, b) => since(b) - since(a))[0]
      if (last === undefined || since(last) === 0) throw new Error("nobody is the host")
      return last
    },
    borrower: async (options = {}) => {
      const config: BorrowerConfig = {
        guard: guardPort,
        ...(options.remote === undefined ? { cluster } : {}),
        ...options
      }
      const program = start<BorrowerCommand, BorrowerEvent>("borrower", config)
      programs.push(program as never)
      await program.next(isReady)
      const granted = async (id: string): Promise<Told<Granted>> => {
        const event = await program.next((event): event is Granted | Ended =>
          (event.type === "granted" || event.type === "ended" && event.error !== undefined) && event.id === id
        )
        if (event.type === "granted") return event as Told<Granted>
        throw new Error(`${id} was not granted: ${(event as Told<Ended>).error}`)
      }
      const ended = (id: string) => program.next((event): event is Ended => event.type === "ended" && event.id === id)
      const ask = (id: string, timeout?: number) =>
        program.tell({ type: "hold", id, ...(timeout === undefined ? {} : { timeout }) })
      return {
        program,
        ask,
        granted,
        ended,
        hold: (id, timeout) => {
          ask(id, timeout)
          return granted(id)
        },
        end: (id) => {
          program.tell({ type: "end", id })
          return ended(id)
        },
        operate: async (command) => {
          program.tell(command)
          return (await program.next((event): event is Done => event.type === "done")).error
        }
      }
    },
    stop: async () => {
      for (const program of programs) {
        program.signal("SIGCONT")
        program.signal("SIGTERM")
      }
      const endings = await Promise.all(programs.map((program) => program.ended))
      guard.signal("SIGKILL")
      await guard.ended
      return endings
    }
  }
}

interface Proxy {
  readonly ports: Record<string, number>
  readonly set: (type: ProxyCommand["type"], ...ways: ReadonlyArray<string>) => Promise<void>
  readonly stop: () => Promise<void>
}

export const makeProxy = async (ways: Record<string, number>): Promise<Proxy> => {
  const program = start<ProxyCommand, ProxyEvent>("proxy", { ways })
  const { ports } = await program.next((event): event is Extract<ProxyEvent, { type: "ready" }> =>
    event.type === "ready"
  )
  return {
    ports,
    set: async (type, ...ways) => {
      program.tell({ type, ways })
      await program.next((event): event is Extract<ProxyEvent, { type: "done" }> => event.type === "done")
    },
    stop: async () => {
      program.signal("SIGKILL")
      await program.ended
    }
  }
}

/** When a lease was last seen at the guarded resource. */
export const lastUse = (report: Report, { epoch, number, object }: Granted): Interval => {
  const interval = report.intervals.find((each) =>
    each.object === object && each.epoch === epoch && each.number === number
  )
  if (interval === undefined) throw new Error("the lease was never used")
  return interval
}

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** For how long, in milliseconds, anything on this machine has had to wait for a core; `NaN` where nobody counts that. */
const waitedForCores = (): number => {
  try {
    return Number(/^some .*total=(\d+)/.exec(readFileSync("/proc/pressure/cpu", "utf8"))?.[1]) / 1000
  } catch {
    return NaN
  }
}

/** From when on a time is measured. */
export const mark = () => ({ at: now(), waited: waitedForCores() })

/**
 * A time that was measured until now, and what it was promised to be at most on a machine with a core to spare: the time in
 * which something has waited for a core does not count. It is logged.
 */
export const within = (what: string, { at, waited }: ReturnType<typeof mark>, ended: number, most: number): void => {
  const took = ended - at
  const counted = waitedForCores() - waited
  const busy = Number.isNaN(counted) ? loadavg()[0]! > availableParallelism() ? 9 * most : 0 : counted
  console.log(`${what}: ${took.toFixed(0)} ms, cores were waited for for ${busy.toFixed(0)} ms (at most ${most} ms)`)
  if (took > most + busy) throw new Error(`${what}: took ${took.toFixed(0)} ms, at most ${most} ms were promised`)
}
