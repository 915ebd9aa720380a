/**
 * Case 8: how long the event loop is held up while very much is due at once.
 *
 * A chain of `setImmediate` notes every turn of the loop: the longest, less the garbage collection in it and the time that
 * other processes had the core, bounds the longest synchronous step from above.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Pool from "effect/Pool"
import * as Scope from "effect/Scope"
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import { ObjectPool } from "../../src/index.ts"
import { collect, type Row, summarize } from "./harness.ts"
import { block, queueUp } from "./waiters.ts"

/** Milliseconds. */
export interface Delays {
  readonly longest: number
  /** Less the garbage collection in it, and what other processes took. */
  readonly step: number
  readonly p99: number
  readonly whole: number
  /** Of the whole, what this thread has computed. */
  readonly busy: number
}

interface Turn {
  readonly from: number
  readonly to: number
  readonly busy: number
}

/** Milliseconds by which a kernel may be behind in counting what a thread computes. */
const tick = 4

/** What this thread has computed so far, in milliseconds. */
export const computed = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Watches the loop from now on until all is done; what is to be watched begins in the first turn. */
export const watch = (isDone: () => boolean, begin: () => void = () => {}): Promise<Delays> =>
  new Promise((resolve) => {
    const pauses: Array<{ readonly startTime: number; readonly duration: number }> = []
    const observer = new PerformanceObserver((list) => {
      pauses.push(...list.getEntries())
    })
    observer.observe({ entryTypes: ["gc"] })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const start = performance.now()
    const computedBefore = computed()
    const turns: Array<Turn> = []
    let last = start
    let busy = computedBefore
    const end = async () => {
      // the pauses are told later
      await new Promise((told) => setTimeout(told, 50))
      delay.disable()
      observer.disconnect()
      const collecting = ({ from, to }: Turn) =>
        pauses.filter(({ startTime }) => startTime >= from && startTime < to)
          .reduce((sum, { duration }) => sum + duration, 0)
      resolve({
        longest: most(turns, ({ from, to }) => to - from),
        step: most(turns, (turn) => Math.min(turn.busy + tick, turn.to - turn.from - collecting(turn))),
        p99: delay.percentile(99) / 1e6,
        whole: last - start,
        busy: busy - computedBefore
      })
    }
    const step = () => {
      const at = performance.now()
      const now = computed()
      turns.push({ from: last, to: at, busy: now - busy })
      last = at
      busy = now
      if (isDone()) void end()
      else setImmediate(step)
    }
    setImmediate(step)
    setImmediate(begin)
  })

const most = (turns: ReadonlyArray<Turn>, f: (turn: Turn) => number): number =>
  turns.reduce((longest, turn) => Math.max(longest, f(turn)), 0)

/** Sets up what is due at once when this ends; answers how to see that it is over. */
type Crisis = (n: number) => Effect.Effect<() => boolean, unknown, Scope.Scope>

/** Milliseconds: time enough to set everything up that is not set up in one step. */
const soon = 500

/** A pool that can hold so many, and counts what it destroys. */
const counting = (max: number, options: { readonly idle?: number; readonly leaseTimeout?: number }) => {
  const counts = { destroyed: 0 }
  const acquire = Effect.acquireRelease(Effect.sync(() => ({})), () =>
    Effect.sync(() => {
      counts.destroyed++
    }))
  const pool = ObjectPool.make({
    acquire,
    size: { min: 0, max },
    leaseTimeout: options.leaseTimeout,
    ...options.idle === undefined ? {} : { lifetime: { idleTimeToLive: options.idle, jitter: 0 } }
  })
  return { counts, pool }
}

/** Borrows so many times, in as many scopes. */
export const borrowAll = <E>(n: number, borrow: Effect.Effect<unknown, E, Scope.Scope>) =>
  Effect.forEach(
    Array.from({ length: n }, () => Scope.makeUnsafe()),
    (scope) => Effect.as(Scope.provide(borrow, scope), scope)
  )

const evicted: Crisis = (n) =>
  Effect.gen(function*() {
    const { counts, pool } = counting(n, { idle: soon })
    const { borrow } = yield* pool
    for (const scope of yield* borrowAll(n, borrow)) yield* Scope.close(scope, Exit.void)
    block(soon + 10)
    return () => counts.destroyed === n
  })

const expired: Crisis = (n) =>
  Effect.gen(function*() {
    const { counts, pool } = counting(n, { leaseTimeout: soon })
    yield* borrowAll(n, (yield* pool).borrow)
    block(soon + 10)
    return () => counts.destroyed === n
  })

const allEnded = (fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>) => {
  let left = fibers.length
  for (const fiber of fibers) fiber.addObserver(() => left--)
  return () => left === 0
}

const bodiesInterrupted: Crisis = (n) =>
  Effect.gen(function*() {
    const { pool } = counting(n, { leaseTimeout: soon })
    const body = (yield* pool).with(() => Effect.never)
    const fibers = yield* queueUp(body, n)
    block(soon + 10)
    return allEnded(fibers)
  })

const timedOut: Crisis = (n) =>
  Effect.gen(function*() {
    const pool = yield* ObjectPool.make({ objects: [1], borrowTimeout: soon })
    yield* pool.borrow
    const fibers = yield* queueUp(Effect.scoped(pool.borrow), n)
    block(soon + 10)
    return allEnded(fibers)
  })

const effectsTimedOut: Crisis = (n) =>
  Effect.gen(function*() {
    const pool = yield* Pool.make({ acquire: Effect.succeed(1), size: 1 })
    yield* Pool.get(pool)
    const fibers = yield* queueUp(Effect.scoped(Effect.timeout(Pool.get(pool), soon)), n)
    block(soon + 10)
    return allEnded(fibers)
  })

const once = async (crisis: Crisis, n: number): Promise<Delays> => {
  const scope = Scope.makeUnsafe()
  const isDone = await Effect.runPromise(Scope.provide(crisis(n), scope))
  collect()
  const delays = await watch(isDone)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  return delays
}

const measure = async (crisis: Crisis, n: number): Promise<ReadonlyArray<Delays>> => {
  const all: Array<Delays> = []
  for (let warmUp = 0; warmUp < 3; warmUp++) await once(crisis, 2000)
  for (let round = 0; round < (n > 10_000 ? 3 : 5); round++) all.push(await once(crisis, n))
  return all
}

const parts = {
  longest: "the longest turn of the loop",
  step: "the same without garbage collection",
  p99: "event-loop delay, p99",
  whole: "until all is done"
} as const

const delays = (n: number, crises: Readonly<Record<string, Crisis>>) => async (): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (const [name, crisis] of Object.entries(crises)) {
    const all = await measure(crisis, n)
    const role = name.startsWith("effect") ? "peer" : "ours"
    for (const [part, label] of Object.entries(parts)) {
      const samples = all.map((each) => each[part as keyof Delays])
      rows.push(...summarize([{ name: `${name}: ${label}`, role, samples }]))
    }
  }
  return rows
}

export const evicting = delays(10_000, { "idle objects": evicted })
export const expiring = delays(10_000, { "`borrow`": expired, "`with`": bodiesInterrupted })
export const timingOut = delays(100_000, { "`borrow`": timedOut, "effect `Pool.get`": effectsTimedOut })
