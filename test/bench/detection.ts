/**
 * Case 7: detecting every object of a pool, and what the detection in the background costs while nothing is borrowed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { ObjectPool, type Status } from "../../src/index.ts"
import { compare, per, type Row, summarize, timed } from "./harness.ts"

const size = 10_000

const synchronous = (): Status.Answer => "Available"
const yielding = Effect.as(Effect.yieldNow, "Available" as const)
const asynchronous = (): Effect.Effect<Status.Answer> => yielding

export const detectors = { synchronous, asynchronous }

type Detect = (typeof detectors)[keyof typeof detectors]

const make = (detectStatus: Detect, concurrency: number, every = false) =>
  ObjectPool.make({
    objects: Array.from({ length: size }, () => ({})),
    detectStatus,
    detection: { onAdd: false, concurrency, ...every ? { every: "10 seconds" } : {} }
  })

/** All of them, so many at a time: beside one effect for each that asks the same detector. */
export const detecting = (detector: Detect, concurrency: number) => async (): Promise<ReadonlyArray<Row>> => {
  const scope = Scope.makeUnsafe()
  const pool = await Effect.runPromise(Scope.provide(make(detector, concurrency), scope))
  const ask = detector === synchronous ? Effect.sync(synchronous) : yielding
  const floor = Effect.forEach(Array.from({ length: size }), () => ask, { concurrency, discard: true })
  const rows = await compare([
    { name: "`detect`", role: "ours", run: () => timed(() => Effect.runPromise(pool.detect)) },
    { name: "floor: `Effect.forEach`", role: "floor", run: () => timed(() => Effect.runPromise(floor)) }
  ], { rounds: 11, sample: 0, times: 1 })
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return per(size * 1000, rows)
}

/** Percents of one core that the process takes in five seconds. */
const share = async (): Promise<number> => {
  const before = process.cpuUsage()
  const start = performance.now()
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const { system, user } = process.cpuUsage(before)
  return (user + system) / 10 / (performance.now() - start)
}

export const background = async (): Promise<ReadonlyArray<Row>> => {
  const idle = await share()
  const of = async (name: string, detector: Detect) => {
    const scope = Scope.makeUnsafe()
    await Effect.runPromise(Scope.provide(make(detector, 10, true), scope))
    const busy = await share()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    return { name: `\`every\`, ${name} detector`, role: "ours" as const, samples: [busy - idle] }
  }
  return [
    ...summarize([{ name: "the idle process itself, not counted below", role: "peer", samples: [idle] }]),
    ...summarize([await of("synchronous", synchronous), await of("asynchronous", asynchronous)])
  ]
}
