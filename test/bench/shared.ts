/**
 * A pool in another process, over TCP on this machine: how long a borrow and a return take, and what its host takes for those
 * who hold and wait.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { SharedPool } from "../../src/cluster.ts"
import type { Row } from "./harness.ts"
import { Keys, type Taken } from "./sharedHost.ts"

/** A host of so many objects, until the scope closes. */
const host = (objects: number) =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(fileURLToPath(new URL("sharedHost.ts", import.meta.url)), [`${objects}`], {
          execArgv: ["--expose-gc", "--no-warnings"]
        })
      ),
      (child) =>
        Effect.callback<void>((resume) => {
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        })
    )
    const heard = <A>() =>
      Effect.callback<A>((resume) => void child.once("message", (said) => resume(Effect.succeed(said as A))))
    const port = yield* heard<number>()
    const taken = Effect.andThen(Effect.sync(() => child.send("taken")), heard<Taken>())
    return { layer: Layer.provide(Keys.layerRemote, SharedPool.layerSocket({ port })), taken }
  })

const cycle = Effect.scoped(Keys.borrow)

const times = (n: number, concurrency: number) =>
  Effect.forEach(Array.from({ length: n }), () => cycle, { concurrency, discard: true })

const clock = Effect.sync(() => performance.now())

const quantiles = (values: ReadonlyArray<number>) => {
  const sorted = values.toSorted((a, b) => a - b)
  return (q: number) => sorted[Math.floor(q * sorted.length)]!
}

const row = (name: string, value: number, quartiles: readonly [number, number], more: Row["more"] & {}): Row => ({
  name,
  role: "ours",
  value,
  quartiles,
  ratio: undefined,
  overFloor: undefined,
  more
})

/** How long it takes, one after another, and with 32 at a time. */
export const remote = (): Promise<ReadonlyArray<Row>> =>
  Effect.gen(function*() {
    const { layer } = yield* host(64)
    return yield* Effect.gen(function*() {
      yield* times(3000, 8)
      const each: Array<number> = []
      for (let n = 0; n < 5000; n++) {
        const began = yield* clock
        yield* cycle
        each.push((yield* clock) - began)
      }
      const of = quantiles(each)
      const crowds: Array<number> = []
      for (let round = 0; round < 5; round++) {
        const began = yield* clock
        yield* times(5000, 32)
        crowds.push(((yield* clock) - began) / 5000)
      }
      const crowded = quantiles(crowds)
      const second = (millis: number) => `${Math.round(1000 / millis)}`
      return [
        row("one after another", of(0.5), [of(0.25), of(0.75)], {
          p99: of(0.99).toFixed(2),
          "per second": second(of(0.5))
        }),
        row("32 at a time", crowded(0.5), [crowded(0.25), crowded(0.75)], {
          p99: "",
          "per second": second(crowded(0.5))
        })
      ]
    }).pipe(Effect.provide(layer))
  }).pipe(Effect.scoped, Effect.runPromise)

/** What a host takes for what one process holds, and how responsive it is beside those who wait. */
export const held = (leases: number, waiters: number) => (): Promise<ReadonlyArray<Row>> =>
  Effect.gen(function*() {
    const { layer, taken } = yield* host(leases)
    return yield* Effect.gen(function*() {
      yield* times(2 * leases, 64)
      const before = yield* taken
      yield* Effect.forEach(Array.from({ length: leases }), () => Keys.borrow, { concurrency: 64, discard: true })
      yield* Effect.sleep("1 second")
      const holding = yield* taken
      yield* Effect.sleep("10 seconds")
      const renewing = yield* taken
      const scope = yield* Scope.fork(yield* Effect.scope)
      yield* Effect.forkIn(
        Effect.forEach(Array.from({ length: waiters }), () => cycle, { concurrency: "unbounded", discard: true }),
        scope
      )
      yield* Effect.sleep("3 seconds")
      yield* taken
      yield* Effect.sleep("5 seconds")
      const waiting = yield* taken
      const bytes = (holding.heap - before.heap) / leases
      return [
        row(`${leases} leases`, bytes, [bytes, bytes], {
          "renewals, of a core": `${(renewing.cpu / 100).toFixed(1)} %`,
          [`p99 of the event loop's delay beside ${waiters} waiters`]: `${Math.max(0, waiting.delay).toFixed(1)} ms`
        })
      ]
    }).pipe(Effect.provide(layer))
  }).pipe(Effect.scoped, Effect.runPromise)
