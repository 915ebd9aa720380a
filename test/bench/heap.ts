/**
 * Case 6: what stays on the heap for each idle object, each waiter and each open lease, and what a borrow leaves for the
 * garbage collector.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { GCProfiler } from "node:v8"
import {
  acquire,
  awaited,
  type EffectPool,
  effects,
  floors,
  looped,
  ours,
  type PromisePool,
  promises,
  type Setup
} from "./contenders.ts"
import { alone, aloneAwaited } from "./cycles.ts"
import { compare, type Contender, type Measured, type Row, summarize, turn } from "./harness.ts"
import { queueUp } from "./waiters.ts"

const n = 10_000
const rounds = 2

/** What is alive on the heap. */
const used = async (): Promise<number> => {
  const { gc } = globalThis as { readonly gc?: () => void }
  for (let i = 0; i < 3; i++) {
    await turn()
    gc?.()
  }
  return process.memoryUsage().heapUsed
}

interface Held {
  readonly name: string
  readonly role: Contender["role"]
  /** Prepares what does not count, and answers what is to be measured: it holds something so many times. */
  readonly prepare: (times: number) => Promise<{
    readonly hold: () => Promise<unknown>
    readonly end: () => Promise<unknown>
  }>
}

const bytes = async ({ prepare }: Held, times: number): Promise<number> => {
  const { end, hold } = await prepare(times)
  const before = await used()
  const held = [await hold()]
  const after = await used()
  // alive until here
  held.length = 0
  await end()
  return (after - before) / times
}

/** One after another: they do not run at the same time, and what is measured is no time. */
const measured = async (all: ReadonlyArray<Held>): Promise<ReadonlyArray<Measured>> => {
  const samples = all.map((): Array<number> => [])
  for (const each of all) await bytes(each, 1000)
  for (let round = 0; round < rounds; round++) {
    for (const [i, each] of all.entries()) samples[i]!.push(await bytes(each, n))
  }
  return all.map(({ name, role }, i) => ({ name, role, samples: samples[i]! }))
}

const inScope = async <A, E>(effect: Effect.Effect<A, E, Scope.Scope>, scope = Scope.makeUnsafe()) => ({
  value: await Effect.runPromise(Scope.provide(effect, scope)),
  end: () => Effect.runPromise(Scope.close(scope, Exit.void))
})

// ---------------------------------------------------------------------------------------------------------- idle objects

const idleEffect = ({ make, name, role }: EffectPool): Held => ({
  name,
  role,
  prepare: async (size) => {
    const scope = Scope.makeUnsafe()
    return {
      hold: async () => {
        const { value } = await inScope(make({ size }), scope)
        // they are made in the background, in the order of the queue
        await Effect.runPromise(value(Effect.void))
        for (let i = 0; i < 100; i++) await turn()
        return value
      },
      end: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
})

const idlePromise = ({ make, name, role }: PromisePool): Held => ({
  name,
  role,
  prepare: async (size) => {
    let close: () => Promise<unknown> = async () => {}
    return {
      hold: async () => {
        const pool = await make({ size })
        close = pool.close
        return pool
      },
      end: () => close()
    }
  }
})

const ownScopes: Held = {
  name: "floor: an object in a scope of its own",
  role: "floor",
  prepare: async (size) => ({
    hold: () =>
      Effect.runPromise(
        Effect.forEach(Array.from({ length: size }), () =>
          Effect.suspend(() => {
            const scope = Scope.makeUnsafe()
            return Effect.as(Scope.provide(acquire, scope), scope)
          }))
      ),
    end: async () => {}
  })
}

const pools = promises.filter(({ name }) => !name.startsWith("floor"))

export const idle = async (): Promise<ReadonlyArray<Row>> =>
  summarize(
    await measured([
      { ...idleEffect(effects[0]!), name: "effect `Pool`" },
      { ...idleEffect(ours[0]!), name: "`ObjectPool`" },
      ownScopes,
      ...pools.map(idlePromise)
    ])
  )

// --------------------------------------------------------------------------------------------------------------- waiters

/** Fibers that wait for ever, or in the queue of a pool of one. */
const waitingFibers = (
  { make, name, role }: EffectPool,
  setup: (times: number) => Setup,
  holders: number
): Held => ({
  name,
  role,
  prepare: async (times) => {
    const { end, value } = await inScope(make(setup(times)))
    const waiter = value(Effect.never)
    const first = await Effect.runPromise(queueUp(waiter, holders))
    let fibers: typeof first = []
    return {
      hold: async () => {
        fibers = await Effect.runPromise(queueUp(waiter, times))
        return fibers
      },
      end: async () => {
        for (const fiber of [...fibers, ...first]) fiber.interruptUnsafe()
        fibers = []
        await turn()
        await end()
      }
    }
  }
})

/** Calls that hold what a pool has, or wait for it, until all of them end. */
const heldPromises = (
  { make, name, role }: PromisePool,
  setup: (times: number) => Setup,
  holders: number
): Held => ({
  name,
  role,
  prepare: async (times) => {
    const { close, use } = await make(setup(times))
    let open = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const hold = (calls: number) => Array.from({ length: calls }, () => use(() => opened))
    const first = hold(holders)
    await turn()
    let all: ReadonlyArray<Promise<void>> = []
    return {
      hold: async () => {
        all = hold(times)
      },
      end: async () => {
        open()
        await Promise.all([...first, ...all])
        await close()
      }
    }
  }
})

const bareFiber: EffectPool = {
  name: "a fiber in `scoped(never)`",
  role: "floor",
  make: () => Effect.succeed((body) => Effect.scoped(body))
}

const bareFiberUnscoped: EffectPool = {
  name: "a fiber in `never`",
  role: "floor",
  make: () => Effect.succeed((body) => body)
}

const bareFunction: PromisePool = {
  name: "an async function that awaits",
  role: "floor",
  make: async () => {
    let first: Promise<void> | undefined
    return {
      // the first holds it; the others wait for that
      use: async (body) => {
        if (first === undefined) await (first = Promise.resolve(body()))
        else await first
      },
      close: async () => {}
    }
  }
}

/** Without what the fiber or the function would take that waits for nothing. */
const beyond = (floor: Measured, all: ReadonlyArray<Measured>): ReadonlyArray<Measured> =>
  all.map((each) => ({ ...each, samples: each.samples.map((sample, round) => sample - floor.samples[round]!) }))

const uncounted = (floors: ReadonlyArray<Measured>): ReadonlyArray<Row> =>
  summarize(floors.map((floor) => ({ ...floor, name: `${floor.name}: not counted below`, role: "peer" })))

const one = () => ({ size: 1 })

export const waiting = async (): Promise<ReadonlyArray<Row>> => {
  const [fiber, ...fibers] = await measured([bareFiber, ...effects, ...ours].map((each) => waitingFibers(each, one, 1)))
  const [call, ...calls] = await measured([bareFunction, ...pools].map((each) => heldPromises(each, one, 1)))
  return [...uncounted([fiber!, call!]), ...summarize([...beyond(fiber!, fibers), ...beyond(call!, calls)])]
}

// ---------------------------------------------------------------------------------------------------------------- leases

/** In the scope that is to give them back, or in the fiber that runs the body. */
const leasedFibers = (pool: EffectPool, leaseTimeout?: number): Held => ({
  ...waitingFibers(pool, (size) => ({ size, ...leaseTimeout === undefined ? {} : { leaseTimeout } }), 0),
  name: leaseTimeout === undefined ? pool.name : `${pool.name}, with a lease time-out`
})

const hour = 3_600_000

const isScoped = ({ name }: EffectPool): boolean => name.includes("get") || name.includes("borrow")

export const leased = async (): Promise<ReadonlyArray<Row>> => {
  const inFibers = (floor: EffectPool, which: (pool: EffectPool) => boolean) =>
    measured([
      ...[floor, ...effects.filter(which), ...ours.filter(which)].map((pool) => leasedFibers(pool)),
      ...ours.filter(which).map((pool) => leasedFibers(pool, hour))
    ])
  const [scope, ...scoped] = await inFibers(bareFiber, isScoped)
  // nothing else needs a scope
  const [fiber, ...fibers] = await inFibers(bareFiberUnscoped, (pool) => !isScoped(pool))
  const [call, ...calls] = await measured(
    [bareFunction, ...pools].map((each) => heldPromises(each, (size) => ({ size }), 0))
  )
  const leases = [...beyond(scope!, scoped), ...beyond(fiber!, fibers), ...beyond(call!, calls)]
  return [...uncounted([scope!, fiber!, call!]), ...summarize(leases)]
}

// --------------------------------------------------------------------------------------------------------------- garbage

/** Everything that is allocated, collected meanwhile or not. */
const allocated = (contender: Contender): Contender => ({
  ...contender,
  run: async (times) => {
    const profiler = new GCProfiler()
    const before = process.memoryUsage().heapUsed
    profiler.start()
    await contender.run(times)
    const after = process.memoryUsage().heapUsed
    const collected = profiler.stop()?.statistics.reduce(
      (sum, { afterGC, beforeGC }) => sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
      0
    )
    return after - before + (collected ?? 0)
  }
})

const size = 10

export const garbage = async (): Promise<ReadonlyArray<Row>> => {
  const contenders: Array<Contender> = []
  for (const each of [...effects, ...ours, ...floors]) contenders.push(await looped(each, { size }, alone))
  for (const each of ours) {
    const limited = { ...each, name: `${each.name}, with a lease time-out` }
    contenders.push(await looped(limited, { size, leaseTimeout: hour }, alone))
  }
  for (const each of promises) contenders.push(await awaited(each, { size }, aloneAwaited))
  return compare(contenders.map(allocated), { rounds: 5, sample: 0, times: 50_000 })
}
