/** The flavour of promises, on the timers of the test runner. */
import { vi } from "vitest"
import { type PromiseLease, PromisePool } from "../../src/promise.ts"
import { turn } from "../support/promises.ts"
import type { Flavour, Lease, Options, Pool } from "./flavour.ts"

const leaseOf = <A>(lease: PromiseLease<A>): Lease<A> => {
  const ended = new Promise<unknown>((resolve) => {
    const tell = () => resolve(lease.signal.reason)
    if (lease.signal.aborted) tell()
    else lease.signal.addEventListener("abort", tell)
  })
  return {
    object: lease.object,
    id: lease.id,
    pooled: lease.pooled,
    ended,
    release: () => lease.release(),
    invalidate: async () => lease.invalidate(),
    rest: async (duration) => lease.rest(duration),
    renew: async () => lease.renew(),
    detach: async () => {
      const { destroy } = await lease.detach()
      return destroy
    }
  }
}

const poolOf = <A>(pool: PromisePool<A, undefined, PromiseLease<A>, string>): Pool<A> => ({
  borrow: async (options) => leaseOf(await pool.borrow(options)),
  tryBorrow: async () => leaseOf(pool.borrowSync()),
  with: (body, options) => pool.with(body, options) as Promise<never>,
  add: (object, options) => pool.add(object, options),
  addAll: (objects) => pool.addAll(objects),
  remove: async (object) => pool.remove(object),
  rest: async (object, duration) => pool.rest(object, duration),
  wake: async (object) => pool.wake(object),
  revoke: async (pooled) => pool.revoke(pooled),
  detect: () => pool.detect(),
  ready: () => pool.ready(),
  resize: async (size) => pool.resize(size),
  rotate: () => pool.rotate(),
  suspend: async () => pool.suspend(),
  resume: async () => pool.resume(),
  drain: () => pool.drain(),
  close: () => pool.close(),
  stats: async () => pool.stats(),
  objects: async () => pool.objects()
})

export const promises: Flavour = {
  name: "promises",
  begin: async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"] })
    const made: Array<PromisePool<never, undefined, PromiseLease<never>, string>> = []
    const pass = async (millis: number) => {
      for (let i = 0; i < 5; i++) await turn()
      await vi.advanceTimersByTimeAsync(millis)
      for (let i = 0; i < 5; i++) await turn()
    }
    return {
      make: async <A>(options: Options<A>) => {
        const pool = PromisePool.make(options as never) as PromisePool<A, undefined, PromiseLease<A>, string>
        made.push(pool as never)
        return poolOf(pool)
      },
      pass,
      end: async () => {
        const closing = made.map((pool) => pool.close())
        await pass(600_000)
        await Promise.all(closing)
        vi.useRealTimers()
      }
    }
  }
}
