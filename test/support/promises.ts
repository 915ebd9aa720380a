/** What the tests of the promise pool share. */
import { assert } from "@effect/vitest"
import type { PromisePool } from "../../src/promise.ts"

/** A promise, and what settles it. */
export const deferred = <B = void>() => {
  let resolve!: (value: B) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<B>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

export const never = new Promise<never>(() => {})

/** What is rejected, or thrown, on purpose. */
export const refused = new Error("refused")

/** What a promise was rejected with, or a function threw. */
export const failure = async (attempt: Promise<unknown> | (() => unknown)): Promise<unknown> => {
  try {
    await (typeof attempt === "function" ? attempt() : attempt)
  } catch (error) {
    return error
  }
  return assert.fail("it has not failed")
}

/** Lets everything run that is ready to. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Turns, until something holds. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await turn()
}

/** Nobody holds anything, nobody waits, and the counts add up. */
export const idle = (pool: Pick<PromisePool<never>, "stats">): void => {
  const { available, borrowed, dormant, invalid, leases, making, pending, size, unknown, waiting } = pool.stats()
  assert.deepStrictEqual({ borrowed, invalid, leases, making, pending, waiting }, {
    borrowed: 0,
    invalid: 0,
    leases: 0,
    making: 0,
    pending: 0,
    waiting: 0
  })
  assert.strictEqual(size, available + dormant + unknown)
}

/** What was rejected with nobody to see it, while something ran. */
export const unhandled = async (run: () => Promise<void>): Promise<ReadonlyArray<unknown>> => {
  const seen: Array<unknown> = []
  const see = (reason: unknown) => void seen.push(reason)
  process.on("unhandledRejection", see)
  try {
    await run()
    // they are told at the end of a turn
    await turn()
    await turn()
  } finally {
    process.off("unhandledRejection", see)
  }
  return seen
}
