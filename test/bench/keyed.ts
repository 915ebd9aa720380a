/**
 * Pools of many keys: what one hot key costs beside a pool, what it costs to go round many keys, and what an idle key keeps.
 */
import * as Effect from "effect/Effect"
import { KeyedPool, ObjectPool } from "../../src/index.ts"
import { cycling, opened } from "./cycles.ts"
import { compare, summarize, turn } from "./harness.ts"

const acquire = Effect.acquireRelease(Effect.sync(() => ({})), () => Effect.void)
const acquireOf = (key: string | number) => Effect.acquireRelease(Effect.sync(() => ({ key })), () => Effect.void)
const nothing = () => Effect.void

/** Borrow and give back, of a pool, and of one key. */
export const hotKey = async () => {
  const plain = await opened(ObjectPool.make({ acquire, size: { max: 10 } }))
  const keyed = await opened(KeyedPool.make({ acquire: acquireOf, size: { max: 10 } }))
  return compare([
    cycling("`ObjectPool.with`", "base", Effect.suspend(() => plain.pool.with(nothing)), plain.close),
    cycling("`KeyedPool.with`", "ours", Effect.suspend(() => keyed.pool.with("hot", nothing)), keyed.close)
  ], { rounds: 11, sample: 20e6 })
}

/** A pool that makes an object for each borrow, and 10 000 keys in turn of which 1 000 may have one. */
export const roundRobin = async () => {
  const plain = await opened(ObjectPool.make({ acquire, size: { max: 1000 } }))
  const keyed = await opened(KeyedPool.make({ acquire: acquireOf, size: { max: 1000 } }))
  let key = 0
  const next = Effect.suspend(() => keyed.pool.with(key = (key + 1) % 10_000, nothing))
  return compare([
    cycling(
      "`ObjectPool`, whose objects are spent",
      "base",
      Effect.suspend(() => plain.pool.with((lease) => lease.invalidate)),
      plain.close
    ),
    cycling("`KeyedPool`, 10 000 keys", "ours", next, keyed.close)
  ], { rounds: 5, sample: 200e6 })
}

const used = async (): Promise<number> => {
  const { gc } = globalThis as { readonly gc?: () => void }
  for (let i = 0; i < 3; i++) {
    await turn()
    gc?.()
  }
  return process.memoryUsage().heapUsed
}

/** Bytes of a key that has nothing; and of one that was forgotten. */
export const idleKey = async () => {
  const n = 20_000
  const samples: Record<"known" | "forgotten", Array<number>> = { known: [], forgotten: [] }
  for (let round = 0; round < 3; round++) {
    const { close, pool } = await opened(
      KeyedPool.make({ acquire: acquireOf, size: { max: 10 }, idleKeys: "5 seconds" })
    )
    const before = await used()
    const touch = (key: number) => pool.with(key, (lease) => lease.invalidate)
    await Effect.runPromise(Effect.forEach(Array.from({ length: n }, (_, i) => i), touch, { discard: true }))
    await Effect.runPromise(Effect.sleep(100))
    samples.known.push((await used() - before) / n)
    await Effect.runPromise(Effect.sleep("7 seconds"))
    samples.forgotten.push((await used() - before) / n)
    await close()
  }
  return summarize([
    { name: "a key that has nothing", role: "ours", samples: samples.known },
    { name: "a key that was forgotten", role: "ours", samples: samples.forgotten }
  ])
}
