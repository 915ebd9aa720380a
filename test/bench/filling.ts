/**
 * Case 5: filling a pool, and closing it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pool from "effect/Pool"
import * as Scope from "effect/Scope"
import * as GenericPool from "generic-pool"
import * as LightningPool from "lightning-pool"
import * as Tarn from "tarn"
import { ObjectPool } from "../../src/index.ts"
import { collect, compare, type Contender, per, timed, turn } from "./harness.ts"

/** What is filled: objects that are there at once; destroying one takes a moment or a timer of 1 ms. */
export interface Filling {
  readonly size: number
  readonly destroy: "at once" | "in 1 ms"
}

interface Fillable {
  readonly name: string
  readonly role: Contender["role"]
  /** Ends when every object can be lent; answers what closes it. */
  readonly open: (filling: Filling) => Promise<() => Promise<unknown>>
}

const release = ({ destroy }: Filling) => destroy === "at once" ? Effect.void : Effect.sleep(1)
const acquire = (filling: Filling) => {
  const released = release(filling)
  return Effect.acquireRelease(Effect.sync(() => ({})), () => released)
}
const destroyLater = ({ destroy }: Filling) => (): Promise<void> =>
  destroy === "at once" ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, 1))

const scoped =
  (fill: (filling: Filling) => Effect.Effect<unknown, unknown, Scope.Scope>) => async (filling: Filling) => {
    const scope = Scope.makeUnsafe()
    await Effect.runPromise(Scope.provide(fill(filling), scope))
    return () => Effect.runPromise(Scope.close(scope, Exit.void))
  }

const effects: Fillable = {
  name: "effect `Pool`",
  role: "base",
  open: scoped((filling) =>
    Effect.gen(function*() {
      const pool = yield* Pool.make({ acquire: acquire(filling), size: filling.size })
      while (pool.state.items.size < filling.size) yield* Effect.yieldNow
    })
  )
}

const ours = (concurrency?: number): Fillable => ({
  name: concurrency === undefined ? "`ObjectPool`" : `\`ObjectPool\`, ${concurrency} at a time`,
  role: "ours",
  open: scoped((filling) =>
    Effect.flatMap(
      ObjectPool.make({
        acquire: acquire(filling),
        size: { min: filling.size, max: filling.size },
        detection: { concurrency }
      }),
      (pool) => pool.ready
    )
  )
})

const generic: Fillable = {
  name: "generic-pool",
  role: "peer",
  open: async (filling) => {
    const pool = GenericPool.createPool(
      { create: async () => ({}), destroy: destroyLater(filling) },
      { min: filling.size, max: filling.size }
    )
    // `ready` looks only every 100 ms
    while (pool.available < filling.size) await turn()
    return async () => {
      await pool.drain()
      await pool.clear()
    }
  }
}

/** It fills itself only when asked for objects: that costs it more than others, and is left out. */
const tarn: Fillable = {
  name: "tarn",
  role: "peer",
  open: async (filling) => {
    const pool = new Tarn.Pool<object>({
      create: async () => ({}),
      destroy: destroyLater(filling),
      min: filling.size,
      max: filling.size,
      idleTimeoutMillis: 1e9
    })
    const all = await Promise.all(Array.from({ length: filling.size }, () => pool.acquire().promise))
    for (const object of all) pool.release(object)
    return () => pool.destroy()
  }
}

const lightning: Fillable = {
  name: "lightning-pool",
  role: "peer",
  open: async (filling) => {
    const pool = LightningPool.createPool<object>(
      { create: async () => ({}), destroy: destroyLater(filling) },
      { min: filling.size, minIdle: filling.size, max: filling.size, idleTimeoutMillis: 1e9 }
    )
    pool.start()
    while (pool.available < filling.size) await turn()
    return () => pool.closeAsync(0)
  }
}

const oneScope: Fillable = {
  name: "floor: all acquired into one scope",
  role: "floor",
  open: scoped((filling) => {
    const one = acquire(filling)
    return Effect.forEach(Array.from({ length: filling.size }), () => one, { discard: true })
  })
}

const destroysAlone = (concurrency: number): Fillable => ({
  name: `floor: the destroys alone, ${concurrency === 1 ? "one" : concurrency} at a time`,
  role: "floor",
  open: async (filling) => {
    const one = Effect.suspend(() => release(filling))
    const all = Effect.forEach(Array.from({ length: filling.size }), () => one, { concurrency, discard: true })
    return () => Effect.runPromise(all)
  }
})

const measured = (filling: Filling, what: "filling" | "closing") => ({ name, open, role }: Fillable): Contender => ({
  name,
  role,
  run: async () => {
    let close: (() => Promise<unknown>) | undefined
    const filled = await timed(async () => {
      close = await open(filling)
    })
    collect()
    const closed = await timed(close!)
    return what === "filling" ? filled : closed
  }
})

const size = 10_000
const plan = { rounds: 7, sample: 0, times: 1, warmUp: [1, 1, 1] }

const millis = async (filling: Filling, what: "filling" | "closing", all: ReadonlyArray<Fillable>) =>
  per(1e6, await compare(all.map(measured(filling, what)), plan))

export const filling = () =>
  millis({ size, destroy: "at once" }, "filling", [effects, ours(), oneScope, generic, lightning])

export const closing = () =>
  millis({ size, destroy: "at once" }, "closing", [effects, ours(), destroysAlone(1), generic, tarn, lightning])

export const closingSlowly = () =>
  millis({ size: 300, destroy: "in 1 ms" }, "closing", [
    effects,
    ours(),
    ours(64),
    destroysAlone(64),
    generic,
    tarn,
    lightning
  ])
