/**
 * The contenders: effect's own pool, the pools of the promise world, ours, and what the same cycle costs with no pool.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pool from "effect/Pool"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as GenericPool from "generic-pool"
import * as LightningPool from "lightning-pool"
import * as Tarn from "tarn"
import { type AnySelector, ObjectPool, PoolMetrics } from "../../src/index.ts"
import { Queue } from "../../src/internal/structures/queue.ts"
import { PromisePool as OurPromisePool } from "../../src/promise.ts"
import { type Contender, timed } from "./harness.ts"

/** How the pools of one comparison are built. */
export interface Setup {
  readonly size: number
  readonly select?: AnySelector | { readonly weight: () => number } | undefined
  /** Milliseconds, longer than anything takes. */
  readonly borrowTimeout?: number
  readonly leaseTimeout?: number
  /** A check before each borrow; ours trusts it for this long, in milliseconds. */
  readonly trust?: number
  /** Ours has metrics, which nobody reads. */
  readonly metrics?: boolean
}

type Cycle = Effect.Effect<unknown, unknown, Scope.Scope>

/** Something that borrows, does what it is given, and gives back. */
export interface EffectPool {
  readonly name: string
  readonly role: Contender["role"]
  readonly make: (
    setup: Setup
  ) => Effect.Effect<(body: Effect.Effect<void>) => Effect.Effect<unknown, unknown>, never, Scope.Scope>
}

export interface PromisePool {
  readonly name: string
  readonly role: Contender["role"]
  readonly make: (setup: Setup) => Promise<{
    readonly use: (body: () => Promise<void> | undefined) => Promise<void>
    readonly close: () => Promise<unknown>
  }>
}

/** What a pool is filled with: it has something to be released, as what is worth pooling has. */
export const acquire = Effect.acquireRelease(Effect.sync(() => ({})), () => Effect.void)
const check = (object: unknown): boolean => object !== undefined
const afterwards = (body: Effect.Effect<void>) => (borrow: Cycle): Effect.Effect<unknown, unknown> =>
  body === Effect.void ? Effect.scoped(borrow) : Effect.scoped(Effect.andThen(borrow, body))

const limited = <A, E, R>({ borrowTimeout }: Setup, effect: Effect.Effect<A, E, R>): Effect.Effect<A, unknown, R> =>
  borrowTimeout === undefined ? effect : Effect.timeout(effect, borrowTimeout)

const checked = ({ trust }: Setup, pool: Pool.Pool<object>) =>
  trust === undefined
    ? Pool.get(pool)
    : Effect.flatMap(Pool.get(pool), (object) =>
      check(object) ? Effect.succeed(object) : Effect.andThen(Pool.invalidate(pool, object), Effect.die("not reached")))

/** Our pool, full. */
const makeOurs = ({ borrowTimeout, leaseTimeout, metrics, select, size, trust }: Setup) =>
  Effect.tap(
    ObjectPool.make({
      acquire,
      size: { min: size, max: size },
      select,
      ...borrowTimeout === undefined ? {} : { borrowTimeout },
      leaseTimeout,
      ...trust === undefined ? {} : {
        detectStatus: ({ object }) => check(object) ? "Available" : "Invalid",
        detection: { onBorrow: { trustFor: trust } }
      }
    }),
    (pool) => Effect.andThen(Effect.orDie(pool.ready), metrics === true ? PoolMetrics.register(pool) : Effect.void)
  )

export const ours: ReadonlyArray<EffectPool> = [
  {
    name: "`borrow`",
    role: "ours",
    make: (setup) => Effect.map(makeOurs(setup), (pool) => (body) => afterwards(body)(pool.borrow))
  },
  {
    name: "`with`",
    role: "ours",
    make: (setup) => Effect.map(makeOurs(setup), (pool) => (body) => pool.with(() => body))
  }
]

const makeEffects = ({ size }: Setup) => Pool.make({ acquire, size })

export const effects: ReadonlyArray<EffectPool> = [
  {
    name: "effect `Pool.get`",
    role: "base",
    make: (setup) =>
      Effect.map(makeEffects(setup), (pool) => (body) => afterwards(body)(limited(setup, checked(setup, pool))))
  },
  {
    name: "effect `Pool.use`",
    role: "peer",
    // with a time-out of the whole: that of the borrow alone has no place
    make: (setup) => Effect.map(makeEffects(setup), (pool) => (body) => limited(setup, Pool.use(pool, () => body)))
  }
]

/** What a lease is made of, and the two times that each borrow is stamped with. */
class Stamped {
  readonly clock: Clock.Clock
  readonly id: number
  readonly owner: number
  readonly scope: unknown
  readonly borrowed: number
  released = 0
  over = false
  constructor(clock: Clock.Clock, id: number, owner: number, scope: unknown) {
    this.clock = clock
    this.id = id
    this.owner = owner
    this.scope = scope
    this.borrowed = clock.currentTimeMillisUnsafe()
  }
  end(): void {
    this.over = true
    this.released = this.clock.currentTimeMillisUnsafe()
  }
}

const put = (scope: Scope.Scope, finalizer: () => Effect.Effect<void>): void => {
  scope.state = { _tag: "Open", finalizerKey: finalizer, finalizer, finalizers: undefined }
}

/**
 * What the same cycle costs with no pool: one scope and one finalizer that is put in by hand, as `Pool.get` and `borrow`
 * do; one bracket. And these two with what any pool has to add whose leases are objects of their own that know when
 * they were granted and ended.
 */
export const floors: ReadonlyArray<EffectPool> = [
  {
    name: "floor: a scope and a finalizer",
    role: "floor",
    make: () =>
      Effect.sync(() => {
        const finalizer = () => Effect.void
        const borrow: Cycle = Effect.withFiber((fiber) => {
          put(Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope), finalizer)
          return Effect.void
        })
        return (body) => afterwards(body)(borrow)
      })
  },
  {
    name: "floor: a scope, a finalizer, a lease",
    role: "peer",
    make: () =>
      Effect.withFiber((builder) => {
        const clock = Context.get(builder.context, Clock.Clock)
        let lease: Stamped
        let id = 0
        const finalizer = () => {
          lease.end()
          return Effect.void
        }
        const borrow: Cycle = Effect.withFiber((fiber) => {
          const scope = Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope)
          lease = new Stamped(clock, ++id, fiber.id, scope)
          put(scope, finalizer)
          return Exit.succeed(lease)
        })
        return Effect.succeed((body) => afterwards(body)(borrow))
      })
  },
  {
    name: "floor: a bracket",
    role: "peer",
    make: () => Effect.succeed((body) => Effect.suspend(() => Effect.onExitPrimitive(body, () => undefined)))
  },
  {
    name: "floor: a bracket, a lease",
    role: "peer",
    make: () =>
      Effect.withFiber((builder) => {
        const clock = Context.get(builder.context, Clock.Clock)
        let id = 0
        return Effect.succeed((body) =>
          Effect.withFiber((fiber) => {
            const lease = new Stamped(clock, ++id, fiber.id, undefined)
            return Effect.onExitPrimitive(body, () => {
              lease.end()
              return undefined
            })
          })
        )
      })
  }
]

/** The least that a pool does which gives such leases, and never has to wait: one at random of an array, out and in again. */
export const least: EffectPool = {
  name: "floor: the same, one at random of an array",
  role: "peer",
  make: ({ size }) =>
    Effect.withFiber((builder) => {
      const clock = Context.get(builder.context, Clock.Clock)
      const random = Context.get(builder.context, Random.Random)
      const free = Array.from({ length: size }, () => ({ lease: undefined as Stamped | undefined }))
      let id = 0
      return Effect.succeed((body) =>
        Effect.withFiber((fiber) => {
          let object: (typeof free)[number] | undefined
          // taken under the frame that puts it back: no interruption comes between
          const take = Effect.suspend(() => {
            const at = Math.floor(random.nextDoubleUnsafe() * free.length)
            object = free[at]!
            const last = free.pop()!
            if (last !== object) free[at] = last
            object.lease = new Stamped(clock, ++id, fiber.id, undefined)
            return body
          })
          return Effect.onExitPrimitive(take, () => {
            if (object === undefined) return undefined
            object.lease?.end()
            object.lease = undefined
            free.push(object)
            return undefined
          })
        })
      )
    })
}

/** What a `borrow` costs at the least that looks at one record of many, at random: none of it stays in the processor's caches. */
export const remote: EffectPool = {
  name: "floor: a scope, a finalizer, a lease, and one record read",
  role: "peer",
  make: Effect.fnUntraced(function*(setup: Setup) {
    const pool = yield* makeOurs(setup)
    const records = yield* pool.objects
    const random = yield* Random.Random
    const cycle = yield* floors[1]!.make(setup)
    let read = 0
    return (body: Effect.Effect<void>) =>
      Effect.suspend(() => {
        read += records[Math.floor(random.nextDoubleUnsafe() * records.length)]!.borrowCount
        return read < 0 ? Effect.die("never") : cycle(body)
      })
  })
}

/** The same for a crowd, where each waits its turn, and then holds what it has for another: two suspensions. */
export const crowded: ReadonlyArray<EffectPool> = [
  {
    name: "floor: two suspensions",
    role: "peer",
    make: () => Effect.succeed((body) => Effect.andThen(Effect.yieldNow, body))
  },
  ...[floors[1]!, floors[3]!].map(({ make, name }): EffectPool => ({
    name: `${name}, two suspensions`,
    role: "peer",
    make: (setup) => Effect.map(make(setup), (cycle) => (body) => Effect.andThen(Effect.yieldNow, cycle(body)))
  }))
]

const makePromises = async ({ borrowTimeout, leaseTimeout, size, trust }: Setup) => {
  const pool = OurPromisePool.make({
    acquire: async () => ({}),
    destroy: async () => {},
    size: { min: size, max: size },
    ...borrowTimeout === undefined ? {} : { borrowTimeout },
    leaseTimeout,
    ...trust === undefined ? {} : {
      detectStatus: ({ object }) => check(object) ? "Available" : "Invalid",
      detection: { onBorrow: { trustFor: trust } }
    }
  })
  await pool.ready()
  return pool
}

const ourPromises = (
  name: string,
  use: (pool: Awaited<ReturnType<typeof makePromises>>) => Awaited<ReturnType<PromisePool["make"]>>["use"]
): PromisePool => ({
  name,
  role: "ours",
  make: async (setup) => {
    const pool = await makePromises(setup)
    return { use: use(pool), close: pool.close }
  }
})

/** The ways to borrow by a promise. The function that `with` calls takes its object alone: in Node 20 and Bun it costs no signal then. */
export const ourWays: ReadonlyArray<PromisePool> = [
  ourPromises("`PromisePool.with`", (pool) => (body) => pool.with((_object) => body()) as Promise<void>),
  ourPromises("`borrow`, `release`", (pool) => async (body) => {
    const lease = await pool.borrow()
    try {
      await body()
    } finally {
      await lease.release()
    }
  }),
  ourPromises("`await using` of `borrow`", (pool) => async (body) => {
    await using _lease = await pool.borrow()
    await body()
  })
]

/** Borrows and gives back so many times without any promise. */
export const synchronously = async (setup: Setup): Promise<Contender> => {
  const pool = await makePromises(setup)
  return {
    name: "`borrowSync`, `releaseSync`",
    role: "ours",
    run: (times) =>
      timed(async () => {
        for (let left = times; left > 0; left--) {
          const lease = pool.borrowSync()
          try {
            awaitedOnce.n++
          } finally {
            lease.releaseSync()
          }
        }
      }),
    close: pool.close
  }
}

/** The least that a crowd pays: the promises of a borrower, of his turn and of his body, and objects that are but counted. */
export const handedOn: PromisePool = {
  name: "floor: a count that is handed on",
  role: "floor",
  make: async ({ size }) => {
    const waiting = new Queue<() => void>()
    let free = size
    const giveBack = () => {
      const next = waiting.take()
      if (next === undefined) free++
      else next()
    }
    return {
      use: (body) =>
        new Promise((resolve) => {
          const run = () => {
            void body()!.then(() => {
              giveBack()
              resolve()
            })
          }
          if (free === 0) return void new Promise<void>((granted) => waiting.add(granted)).then(run)
          free--
          run()
        }),
      close: async () => {}
    }
  }
}

/** Counts what the floor does, so that none of it is left out. */
const awaitedOnce = { n: 0 }

export const promises: ReadonlyArray<PromisePool> = [
  ourWays[0]!,
  {
    name: "generic-pool",
    role: "peer",
    make: async ({ borrowTimeout, size, trust }) => {
      const pool = GenericPool.createPool({
        create: async () => ({}),
        destroy: async () => {},
        validate: async (object) => check(object)
      }, {
        min: size,
        max: size,
        testOnBorrow: trust !== undefined,
        ...borrowTimeout === undefined ? {} : { acquireTimeoutMillis: borrowTimeout }
      })
      await pool.ready()
      return {
        use: async (body) => {
          const object = await pool.acquire()
          try {
            await body()
          } finally {
            await pool.release(object)
          }
        },
        close: async () => {
          await pool.drain()
          await pool.clear()
        }
      }
    }
  },
  {
    name: "tarn",
    role: "peer",
    make: async ({ borrowTimeout, size }) => {
      const pool = new Tarn.Pool<object>({
        create: async () => ({}),
        destroy: () => {},
        validate: check,
        min: size,
        max: size,
        idleTimeoutMillis: 1e9,
        ...borrowTimeout === undefined ? {} : { acquireTimeoutMillis: borrowTimeout }
      })
      const all = await Promise.all(Array.from({ length: size }, () => pool.acquire().promise))
      for (const object of all) pool.release(object)
      return {
        use: async (body) => {
          const object = await pool.acquire().promise
          try {
            await body()
          } finally {
            pool.release(object)
          }
        },
        close: () => pool.destroy()
      }
    }
  },
  {
    name: "lightning-pool",
    role: "peer",
    make: async ({ borrowTimeout, size, trust }) => {
      const pool = LightningPool.createPool<object>({
        create: async () => ({}),
        destroy: async () => {},
        ...trust === undefined ? {} : { validate: async (object: object) => check(object) }
      }, {
        min: size,
        minIdle: size,
        max: size,
        maxQueue: 1_000_000,
        idleTimeoutMillis: 1e9,
        acquireTimeoutMillis: borrowTimeout ?? 0
      })
      const all = await Promise.all(Array.from({ length: size }, () => pool.acquire()))
      for (const object of all) pool.release(object)
      return {
        use: async (body) => {
          const object = await pool.acquire()
          try {
            await body()
          } finally {
            pool.release(object)
          }
        },
        close: () => pool.closeAsync(0)
      }
    }
  },
  {
    name: "floor: one await, `try`, `finally`",
    role: "peer",
    make: async () => ({
      use: async (body) => {
        try {
          await body()
        } finally {
          awaitedOnce.n++
        }
      },
      close: async () => {}
    })
  }
]

/** A pool in a scope of its own, and a loop over its cycle inside one effect. */
export const looped = async (
  { make, name, role }: EffectPool,
  setup: Setup,
  drive: (
    cycle: (body: Effect.Effect<void>) => Effect.Effect<unknown, unknown>
  ) => (times: number) => Effect.Effect<unknown, unknown>
): Promise<Contender> => {
  const scope = Scope.makeUnsafe()
  const driver = drive(await Effect.runPromise(Scope.provide(make(setup), scope)))
  return {
    name,
    role,
    run: (times) => timed(() => Effect.runPromise(driver(times))),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** The same for one of promises. */
export const awaited = async (
  { make, name, role }: PromisePool,
  setup: Setup,
  drive: (use: (body: () => Promise<void> | undefined) => Promise<void>) => (times: number) => Promise<unknown>
): Promise<Contender> => {
  const { close, use } = await make(setup)
  const driver = drive(use)
  return {
    name,
    role,
    run: (times) => timed(() => driver(times)),
    close: async () => {
      await close()
    }
  }
}
