/** Programs in processes of their own, which the tests tell what to do, and which tell what happened, by messages. */
import { type ChildProcess, fork } from "node:child_process"
import { programFile, type ProgramName } from "../../support/programs.ts"

/** The monotonic clock of this machine, in milliseconds: the same in all processes. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** What a program tells, with when the test heard of it. */
export type Told<T> = T & { readonly heard: number }

export interface Program<Command, Event> {
  readonly pid: number
  readonly tell: (command: Command) => void
  /** The first event from now on, or of those that nobody has taken yet, for which this answers true. */
  readonly next: <E extends Event>(which: (event: Event) => event is E) => Promise<Told<E>>
  readonly all: ReadonlyArray<Told<Event>>
  /** What it printed. */
  readonly output: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | string>
}

const children = new Set<ChildProcess>()
const endAll = () => {
  for (const child of children) child.kill("SIGKILL")
}
process.on("exit", endAll)

/** Ends what a test has left. */
export const reap = async (): Promise<void> => {
  const left = [...children]
  endAll()
  await Promise.all(left.map((child) => new Promise((resolve) => child.once("close", resolve))))
}

interface Taker {
  readonly which: (event: never) => boolean
  readonly resolve: (event: never) => void
  readonly reject: (error: Error) => void
}

/** Starts a program of this folder. Its first argument is the JSON of `config`. */
export const start = <Command, Event>(name: ProgramName, config: unknown = {}): Program<Command, Event> => {
  const child = fork(programFile(name), [JSON.stringify(config)], { stdio: ["ignore", "pipe", "pipe", "ipc"] })
  children.add(child)
  let output = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => output += text)
  child.stderr?.setEncoding("utf8").on("data", (text: string) => output += text)
  const all: Array<Told<Event>> = []
  const untaken: Array<Told<Event>> = []
  const takers = new Set<Taker>()
  child.on("message", (event: Event & object) => {
    const told: Told<Event> = { ...event, heard: now() }
    all.push(told)
    for (const taker of takers) {
      if (taker.which(told as never)) {
        takers.delete(taker)
        taker.resolve(told as never)
        return
      }
    }
    untaken.push(told)
  })
  const ended = new Promise<number | string>((resolve) => {
    child.once("close", (code, signal) => {
      children.delete(child)
      resolve(code ?? signal ?? "lost")
      for (const { reject } of takers) reject(new Error(`${name} has ended (${code ?? signal}): ${output}`))
    })
  })
  return {
    pid: child.pid ?? 0,
    ended,
    all,
    output: () => output,
    tell: (command) => void child.send(command as object),
    signal: (signal) => void child.kill(signal),
    next: (which) => {
      const at = untaken.findIndex(which)
      if (at >= 0) return Promise.resolve(untaken.splice(at, 1)[0] as never)
      if (child.exitCode !== null || child.signalCode !== null) {
        return Promise.reject(new Error(`${name} has ended: ${output}`))
      }
      return new Promise((resolve, reject) => takers.add({ which, resolve, reject } as unknown as Taker))
    }
  }
}

/** In a program: what it was started with. */
export const config = <T>(): T => JSON.parse(process.argv[2] ?? "{}") as T

/** In a program: tells the test. One whose test is gone ends. */
export const tell = (event: object): void => void process.send?.(event)

/** In a program: what the test tells. */
export const told = <Command>(listen: (command: Command) => void): void => {
  process.on("message", listen)
  process.on("disconnect", () => process.exit(1))
}
