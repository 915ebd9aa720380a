import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Scope } from "effect"
import { ObjectPool } from "../src/index.ts"
import { pools } from "../src/internal/state/pools.ts"
import { PromisePool } from "../src/promise.ts"
import { collect } from "./support/garbage.ts"

/** Collects garbage, and gives what watches it its turns, until it is so. */
const until = async (so: () => boolean) => {
  while (!so()) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
}

const named = (prefix: string) => [...pools].filter((core) => core.options.name.startsWith(prefix)).length

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
    let asked = 0
    const pool = PromisePool.make({
      name,
      objects: [{}, {}],
      detectStatus: () => {
        asked++
        return "Available"
      },
      detection: { every: "200 millis" }
    })
    await pool.with(() => undefined)
    while (asked < 4) await new Promise((resolve) => setTimeout(resolve, 10))
  },
  "that is detected by a schedule, which takes time": async (name) => {
    let asked = 0
    const detectStatus = Effect.suspend(() => {
      asked++
      return Effect.as(Effect.yieldNow, "Available" as const)
    })
    const pool = Effect.runSync(
      Effect.provideService(
        ObjectPool.make({
          name,
          objects: [{}, {}],
          detectStatus: () => detectStatus,
          detection: { every: Schedule.spaced("200 millis") }
        }),
        Scope.Scope,
        Scope.makeUnsafe()
      )
    )
    await Effect.runPromise(pool.with(() => Effect.void))
    while (asked < 4) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe("a pool that is dropped without being closed", () => {
  for (const [what, use] of Object.entries(uses)) {
    it(`${what} goes with whatever held it`, async () => {
      await Promise.all(Array.from({ length: 5 }, (_, i) => use(`dropped ${what} ${i}`)))

      await until(() => named(`dropped ${what}`) === 0)

      assert.strictEqual(named(`dropped ${what}`), 0)
    })
  }

  it("is shown as long as somebody holds it, and until it is closed", async () => {
    const pool = PromisePool.make({ name: "held", objects: [1] })
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    collect()

    assert.strictEqual(named("held"), 1)
    await pool.close()
    assert.strictEqual(named("held"), 0)
  })
})
