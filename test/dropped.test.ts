import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Schedule, Scope } from "effect"
import { HttpRouter } from "effect/http"
import { ObjectPool, PoolMetrics, PoolService } from "../src/index.ts"
import { Inspector } from "../src/inspector.ts"
import { PromisePool } from "../src/promise.ts"
import { collect } from "./support/garbage.ts"

/** Collects garbage, and gives what watches it its turns, until it is so. */
const until = async (so: () => boolean | Promise<boolean>) => {
  while (!(await so())) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}

/** How many pools whose names begin so are shown to who looks now, and no longer. */
const named = async (prefix: string): Promise<number> => {
  const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
  const response = await handler(new Request("http://localhost/pools/snapshot"))
  const { changed } = await response.json() as { readonly changed: ReadonlyArray<{ readonly name: string }> }
  await dispose()
  return changed.filter(({ name }) => name.startsWith(prefix)).length
}

const uses: Record<string, (name: string) => Promise<unknown>> = {
  "that is idle": async (name) => {
    const pool = Effect.runSync(
      Effect.provideService(
        ObjectPool.make({ name, acquire: Effect.succeed({}), size: { min: 2 } }),
        Scope.Scope,
        Scope.makeUnsafe()
      )
    )
    await Effect.runPromise(pool.with(() => Effect.void))
  },
  "of promises": async (name) => {
    const pool = PromisePool.make({ name, acquire: () => ({}), detectStatus: () => "Available" })
    await pool.with(() => undefined)
  },
  "that is detected once in a while": async (name) => {
    const pool = PromisePool.make({
      name,
      objects: [{}, {}],
      detectStatus: () => "Available",
      detection: { every: "1 hour" }
    })
    await pool.with(() => undefined)
  },
  "that is detected by a schedule, which takes time": async (name) => {
    const pool = Effect.runSync(
      Effect.provideService(
        ObjectPool.make({
          name,
          objects: [{}, {}],
          detectStatus: () => Effect.as(Effect.yieldNow, "Available" as const),
          detection: { every: Schedule.spaced("1 hour"), timeout: "1 hour" }
        }),
        Scope.Scope,
        Scope.makeUnsafe()
      )
    )
    await Effect.runPromise(pool.with(() => Effect.void))
  },
  "that has been detected once in a while": async (name) => {
    let asked = 0
    const pool = PromisePool.make({
      name,
      objects: [{}],
      detectStatus: async () => {
        asked++
        return "Available" as const
      },
      detection: {
        every: Schedule.concat(Schedule.upTo(Schedule.spaced("5 millis"), { times: 8 }), Schedule.spaced("1 hour")),
        timeout: "1 hour"
      }
    })
    await pool.with(() => undefined)
    while (asked < 4) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Its pool is shown in a registry that outlives it. */
const registry: Metric.MetricRegistry = new Map()
const shown = (pool: ObjectPool<object>, scope: Scope.Scope) =>
  Effect.runSync(
    PoolMetrics.register(pool).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.provideService(Shown, pool),
      Effect.provideService(Metric.MetricRegistry, registry)
    )
  )

class Shown extends PoolService<Shown, object>()("test/Shown") {}

describe("a pool that is dropped without being closed", () => {
  for (const [what, use] of Object.entries(uses)) {
    it(`${what} goes with whatever held it`, async () => {
      await Promise.all(Array.from({ length: 5 }, (_, i) => use(`dropped ${what} ${i}`)))

      await until(async () => await named(`dropped ${what}`) === 0)
    })
  }

  const watched = (name: string) => {
    const detectStatus = () => "Available" as const
    return ObjectPool.make({ name, objects: [{}], detectStatus, detection: { every: "500 millis" } }).pipe(
      Effect.provideService(Scope.Scope, Scope.makeUnsafe()),
      Effect.runSync
    )
  }
  const later = async (so: () => boolean) => {
    const turns = (n: number) => until(() => n-- === 0)
    await turns(3)
    // only what goes on by itself can be so
    while (!so()) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await turns(1)
    }
  }

  it("stays while somebody waits for what it finds, whatever else holds his fiber", async () => {
    let fits = false
    let served = false
    const wait = () => {
      const body = () => Effect.sync(() => served = true)
      void Effect.runFork(watched("waited for").with(body, { timeout: "Infinity", where: () => fits }))
    }
    wait()

    await later(() => true)
    fits = true
    await later(() => served)

    assert.isTrue(served)
  })

  it("stays while somebody listens to it", async () => {
    let heard = 0
    const listen = async () => {
      const pool = PromisePool.make({
        name: "listened to",
        objects: [{}],
        detectStatus: () => "Available",
        detection: { every: "500 millis" }
      })
      for await (const _ of pool.events()) if (++heard === 9) break
    }
    void listen()

    await later(() => heard === 9)

    assert.strictEqual(heard, 9)
  })

  it("that has metrics goes, and so do they", async () => {
    const use = async (name: string) => {
      const scope = Scope.makeUnsafe()
      const pool = Effect.runSync(
        Effect.provideService(ObjectPool.make({ name, objects: [{}], size: { max: 3 } }), Scope.Scope, scope)
      )
      shown(pool, scope)
      await Effect.runPromise(pool.with(() => Effect.void))
    }
    await use("dropped with metrics")
    const series = registry.size

    await until(async () => await named("dropped with metrics") === 0)
    await until(() => registry.size === 0)

    assert.isAbove(series, 10)
    assert.strictEqual(registry.size, 0)
  })

  it("is shown as long as somebody holds it, and until it is closed", async () => {
    const pool = PromisePool.make({ name: "held", objects: [1] })
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    collect()

    assert.strictEqual(await named("held"), 1)
    await pool.close()
    assert.strictEqual(await named("held"), 0)
  })
})
