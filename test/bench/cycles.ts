/**
 * Cases 1 to 3: borrow and give back, alone and with many who do the same, and what a time-out, a lease time-out and a
 * detector cost where they never have anything to do.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Selector } from "../../src/index.ts"
import { awaited, crowded, effects, floors, least, looped, ours, promises, remote, type Setup } from "./contenders.ts"
import { compare, type Contender, per, type Plan, timed } from "./harness.ts"

const plan: Plan = { rounds: 11, sample: 20e6 }

/** One fiber, which does nothing else. */
export const alone = (cycle: (body: Effect.Effect<void>) => Effect.Effect<unknown, unknown>) => {
  const once = cycle(Effect.void)
  return (times: number) => {
    let left = times
    return Effect.whileLoop({ while: () => left-- > 0, body: () => once, step: () => {} })
  }
}

/** A pool, and what closes it. */
export const opened = async <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => {
  const scope = Scope.makeUnsafe()
  const pool = await Effect.runPromise(Scope.provide(effect, scope))
  return { pool, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

/** One fiber that goes through the same cycle again and again. */
export const cycling = (
  name: string,
  role: Contender["role"],
  cycle: Effect.Effect<unknown, unknown>,
  close: () => Promise<void>
): Contender => {
  const run = alone(() => cycle)
  return { name, role, run: (times) => timed(() => Effect.runPromise(run(times))), close }
}

export const aloneAwaited = (use: (body: () => undefined) => Promise<void>) => async (times: number) => {
  for (let left = times; left > 0; left--) await use(() => undefined)
}

/** So many fibers, each of which holds what it gets for a turn, 200 times. */
const crowd = (fibers: number) => (cycle: (body: Effect.Effect<void>) => Effect.Effect<unknown, unknown>) => {
  const one = Effect.suspend(() => {
    let left = 200
    return Effect.whileLoop({ while: () => left-- > 0, body: () => cycle(Effect.yieldNow), step: () => {} })
  })
  return () => Effect.forEach(Array.from({ length: fibers }), () => one, { concurrency: "unbounded", discard: true })
}

export const crowdAwaited = (fibers: number) => (use: (body: () => Promise<void>) => Promise<void>) => () =>
  Promise.all(Array.from({ length: fibers }, async () => {
    for (let left = 200; left > 0; left--) await use(() => Promise.resolve())
  }))

const cyclesOf = async (setup: Setup, fibers: number): Promise<ReadonlyArray<Contender>> => {
  const contenders: Array<Contender> = []
  for (const each of [...effects, ...ours, ...floors, ...fibers === 1 ? [least] : crowded]) {
    contenders.push(await looped(each, setup, fibers === 1 ? alone : crowd(fibers)))
  }
  for (const each of promises) {
    contenders.push(await awaited(each, setup, fibers === 1 ? aloneAwaited : crowdAwaited(fibers)))
  }
  return contenders
}

const size = 10

export const uncontended = async () => compare(await cyclesOf({ size }, 1), plan)

export const contended = (fibers: number) => async () =>
  per(fibers * 200, await compare(await cyclesOf({ size }, fibers), { ...plan, rounds: 5, times: 1 }))

/** What never happens: it costs what it is compared with beside the same cycle without. */
export const guards: Readonly<Record<string, Omit<Setup, "size">>> = {
  "a borrow time-out of 5 s": { borrowTimeout: 5000 },
  "a lease time-out of 5 s": { leaseTimeout: 5000 },
  "a detector within its trust window": { trust: 3_600_000 },
  "a plain detector before each borrow": { trust: 0 },
  "all three": { borrowTimeout: 5000, leaseTimeout: 5000, trust: 3_600_000 }
}

export const guarded = (guard: Omit<Setup, "size">, fibers: number) => async () => {
  const rows = await compare(await cyclesOf({ size, ...guard }, fibers), {
    ...plan,
    rounds: 5,
    ...fibers === 1 ? {} : { times: 1 }
  })
  return fibers === 1 ? rows : per(fibers * 200, rows)
}

/** Metrics that nobody reads, beside the same without. */
export const observed = async () => {
  const contenders: Array<Contender> = []
  for (const each of ours) {
    for (const metrics of [false, true]) {
      const contender = await looped(each, { size, metrics }, alone)
      const name = metrics ? `${each.name}, with metrics` : each.name
      contenders.push({ ...contender, name, role: contenders.length === 0 ? "base" : metrics ? "ours" : "peer" })
    }
  }
  return compare(contenders, plan)
}

export const selectors = {
  random: Selector.random,
  roundRobin: Selector.roundRobin,
  leastRecentlyUsed: Selector.leastRecentlyUsed,
  mostRecentlyUsed: Selector.mostRecentlyUsed,
  leastBorrowed: Selector.leastBorrowed,
  weighted: { weight: () => 1 }
}

/** `borrow` from pools of different sizes: does its cost grow? The smallest is the base. */
export const sizes = (select: NonNullable<Setup["select"]>) => async () => {
  const contenders: Array<Contender> = []
  for (const size of [10, 100, 1000, 10_000, 100_000]) {
    const contender = await looped(ours[0]!, { size, select }, alone)
    contenders.push({ ...contender, name: `${size} objects`, role: size === 10 ? "base" : "ours" })
  }
  if (select === Selector.random) {
    for (const size of [10, 100_000]) {
      const contender = await looped(remote, { size }, alone)
      contenders.push({ ...contender, name: `${contender.name}, of ${size}` })
    }
  }
  return compare(contenders, { ...plan, rounds: 7 })
}
