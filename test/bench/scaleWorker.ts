/**
 * The thread in which one crisis is measured. It is a program as well, so that it can be profiled:
 * `node --expose-gc --cpu-prof test/bench/scaleWorker.ts walks "…" 20000`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { parentPort, workerData } from "node:worker_threads"
import { crises, type Crisis } from "./crises.ts"
import { collect } from "./harness.ts"
import { computed, watch } from "./loop.ts"

export interface Task {
  readonly group: keyof typeof crises
  readonly name: string
  readonly n: number
}

export interface Measured {
  /** Microseconds for each of them: the mean of the rounds. */
  readonly each: number
  /** Milliseconds of the longest hold of each round. */
  readonly holds: ReadonlyArray<number>
  /** It was not waited for. */
  readonly cutOff: boolean
}

/** Milliseconds that a round may compute. */
const limit = 15_000
/** Milliseconds after which there is no further round. */
const enough = 4000
/** Milliseconds that have to be computed for what a kernel counts in ticks to be right. */
const least = 200

interface Round {
  readonly busy: number
  readonly times: number
  readonly hold: number
  readonly cutOff: boolean
}

const once = async ({ setUp }: Crisis, n: number): Promise<Round> => {
  const scope = Scope.makeUnsafe()
  const { begin, isDone, times = n } = await Effect.runPromise(
    Effect.provideService(Scope.provide(setUp(n), scope), References.MinimumLogLevel, "None")
  )
  collect()
  const start = computed()
  let cutOff = false
  const { busy, step } = await watch(() => {
    if (isDone()) return true
    cutOff = computed() - start > limit
    return cutOff
  }, begin)
  // what was cut off may take very long to close
  if (!cutOff) await Effect.runPromise(Scope.close(scope, Exit.void))
  return { busy, times, hold: step, cutOff }
}

/** Three rounds, or as many more as it takes to have computed long enough. */
const rounds = async (crisis: Crisis, n: number): Promise<ReadonlyArray<Round>> => {
  const all: Array<Round> = []
  const start = performance.now()
  let busy = 0
  while (all.length < 3 || busy < least) {
    if (all.length > 0 && performance.now() - start > enough) break
    const round = await once(crisis, n)
    busy += round.busy
    all.push(round)
  }
  return all
}

const sum = (all: ReadonlyArray<Round>, key: "busy" | "times") => all.reduce((sum, round) => sum + round[key], 0)

const measure = async (crisis: Crisis, n: number): Promise<Measured> => {
  // to warm up
  await rounds(crisis, crisis.n / 10)
  const all = await rounds(crisis, n)
  return {
    each: 1000 * sum(all, "busy") / sum(all, "times"),
    holds: all.map(({ hold }) => hold),
    cutOff: all.some(({ cutOff }) => cutOff)
  }
}

const [, , group, name, n] = process.argv
const task = (parentPort === null ? { group, name, n: Number(n) } : workerData) as Task
const crisis = (crises as Readonly<Record<string, Readonly<Record<string, Crisis>>>>)[task.group]![task.name]!
const result = await measure(crisis, task.n)
if (parentPort === null) console.log(result)
else parentPort.postMessage(result)
process.exit(0)
