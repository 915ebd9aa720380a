/**
 * A pool in another process, over TCP on this machine: how long a borrow and a return take, and what its host takes for those
 * who hold and wait.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RpcClient } from "effect/rpc"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { SharedPool } from "../../src/cluster.ts"
import { freePort, startPostgres } from "../support/postgres.ts"
import type { Row } from "./harness.ts"
import { redis } from "./redis.ts"
import { type Cluster, cluster, database, Echo, EchoEntity, Keys, type Ports, type Taken } from "./sharedHost.ts"

/** A host of so many objects, until the scope closes; in a cluster, or by itself. */
const host = (objects: number, within?: Cluster) =>
  Effect.gen(function*() {
    const more = within === undefined ? [] : [JSON.stringify(within)]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(fileURLToPath(new URL("sharedHost.ts", import.meta.url)), [`${objects}`, ...more], {
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
    const ports = yield* heard<Ports>()
    const taken = Effect.andThen(Effect.sync(() => child.send("taken")), heard<Taken>())
    const layer = Layer.provide(Keys.layerRemote, SharedPool.layerSocket({ port: ports.pool }))
    return { layer, ports, taken }
  })

const cycle = Effect.scoped(Keys.borrow)

const times = <E, R>(n: number, concurrency: number, once: Effect.Effect<unknown, E, R>) =>
  Effect.forEach(Array.from({ length: n }), () => once, { concurrency, discard: true })

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

const second = (millis: number) => `${Math.round(1000 / millis)}`

/** How long each takes where one follows the other, in milliseconds. */
const singly = <E, R>(n: number, once: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    const each: Array<number> = []
    for (let i = 0; i < n; i++) {
      const began = yield* clock
      yield* once
      each.push((yield* clock) - began)
    }
    return each
  })

/** How long each takes where 32 are under way, in milliseconds. */
const crowded = <E, R>(n: number, once: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function*() {
    const began = yield* clock
    yield* times(n, 32, once)
    return ((yield* clock) - began) / n
  })

/**
 * Requests that ask for nothing, borrows, and those of a peer, in rounds that take turns: what counts is their ratio, and the
 * best of each.
 */
const beside = <E, R>(
  many: number,
  echo: Effect.Effect<unknown, E, R>,
  ...peers: ReadonlyArray<readonly [string, Effect.Effect<unknown>]>
) =>
  Effect.gen(function*() {
    const all: ReadonlyArray<readonly [string, Effect.Effect<unknown, E | Effect.Error<typeof cycle>, R | Keys>]> = [
      ["an empty request", echo],
      ["borrow and give back", cycle],
      ...peers
    ]
    const alone = all.map((): Array<number> => [])
    const together = all.map((): Array<number> => [])
    for (const [, once] of all) yield* times(many, 8, once)
    for (let round = 0; round < 8; round++) {
      for (const [i, [, once]] of all.entries()) {
        alone[i]!.push(...yield* singly(many / 4, once))
        together[i]!.push(yield* crowded(many, once))
      }
    }
    const rows = (name: string, taken: ReadonlyArray<ReadonlyArray<number>>, more: (of: number) => Row["more"] & {}) =>
      taken.map((values, i): Row => {
        const of = quantiles(values)
        return {
          ...row(`${all[i]![0]}, ${name}`, of(0.5), [of(0.25), of(0.75)], more(i)),
          overFloor: i === 0 ? undefined : of(0.5) / quantiles(taken[0]!)(0.5),
          role: (["floor", "ours"] as const)[i] ?? "peer"
        }
      })
    return [
      ...rows("one after another", alone, (i) => ({
        p99: quantiles(alone[i]!)(0.99).toFixed(2),
        "per second": second(quantiles(alone[i]!)(0.5)),
        "in the best round": ""
      })),
      ...rows("32 at a time", together, (i) => ({
        p99: "",
        "per second": second(quantiles(together[i]!)(0.5)),
        "in the best round": second(Math.min(...together[i]!))
      }))
    ]
  })

/** From a host that is reached by TCP; beside it a Redis, where there is one. */
export const remote = (): Promise<ReadonlyArray<Row>> =>
  Effect.gen(function*() {
    const { layer, ports } = yield* host(64)
    // the server of empty requests lets anybody in, and has nothing of a pool
    const client = yield* RpcClient.make(Echo, { disableTracing: true }).pipe(
      Effect.provide(yield* Layer.build(SharedPool.layerSocket({ port: ports.echo })))
    )
    const peer = yield* redis
    if (peer === undefined) return yield* Effect.provide(beside(4000, client.Echo()), layer)
    yield* peer.fill(64)
    return yield* Effect.provide(beside(4000, client.Echo(), ["the same by scripts in Redis", peer.cycle]), layer)
  }).pipe(Effect.scoped, Effect.runPromise)

/** From a runner of effect's cluster, whose processes know each other by a PostgreSQL. */
export const clustered = async (): Promise<ReadonlyArray<Row>> => {
  const postgres = await startPostgres()
  return Effect.gen(function*() {
    const within = { url: postgres.url, port: yield* Effect.promise(freePort) }
    yield* host(64, within)
    const member = SharedPool.layerClusterClient(cluster).pipe(Layer.provide(database(postgres.url)))
    return yield* Effect.gen(function*() {
      const echo = (yield* EchoEntity.client)("one")
      // until the host has its shards
      yield* Effect.retry(echo.Echo(), Schedule.spaced("100 millis"))
      yield* Effect.scoped(Keys.borrow)
      return yield* beside(2000, echo.Echo())
    }).pipe(Effect.provide(Layer.provideMerge(Keys.layerClient, member)))
  }).pipe(
    Effect.scoped,
    Effect.ensuring(Effect.promise(() => postgres.remove())),
    Effect.runPromise
  )
}

/** What a host takes for what one process holds, and how responsive it is beside those who wait. */
export const held = (leases: number, waiters: number) => (): Promise<ReadonlyArray<Row>> =>
  Effect.gen(function*() {
    const { layer, taken } = yield* host(leases)
    return yield* Effect.gen(function*() {
      yield* times(2 * leases, 64, cycle)
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
