/** What keeps a process alive, and what does not. */
import { assert, describe, it } from "@effect/vitest"
import { index, run } from "../support/program.ts"

describe.concurrent("a process", () => {
  it("is not kept alive by a pool that nobody waits for, whatever its timers", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({
        acquire: async () => 1,
        detectStatus: () => "Available" as const,
        size: { min: 1 },
        leaseTimeout: "1 hour",
        detection: { every: "1 hour" },
        lifetime: { timeToLive: "1 hour", idleTimeToLive: "1 hour" }
      })
      await pool.ready()
      const lease = await pool.borrow()
      pool.rest(lease.pooled, "30 days")
      console.log("borrowed", lease.object)
    `)

    assert.deepStrictEqual([code, lines], [0, ["borrowed 1"]])
  })

  it("is kept alive while somebody waits, who is told in time", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({ objects: ["a"] })
      await pool.borrow()
      await pool.borrow({ timeout: 50 }).catch((error) => console.log(error.name))
      await pool.with(() => {}, { timeout: 50 }).catch((error) => console.log(error.name))
      const never = PromisePool.make({ acquire: () => new Promise<never>(() => {}), creation: { timeout: 50 } })
      await never.borrow().catch((error) => console.log(error.name))
    `)

    assert.deepStrictEqual([code, lines], [0, ["BorrowTimeout", "BorrowTimeout", "BorrowTimeout"]])
  })

  it("is not kept alive by what goes on after nobody waits any more", async () => {
    const { code, lines } = await run(`
      const never = new Promise<never>(() => {})
      const pool = PromisePool.make({ objects: ["a", "b", "c", "d"], pack: ({ object }) => object, unpack: () => never })
      pool.borrowSync().releaseSync()
      const signal = () => AbortSignal.timeout(20)
      await pool.with(() => never, { signal: signal() }).catch((error) => console.log(error.name))
      const packing = PromisePool.make({ objects: ["a"], pack: () => never })
      await packing.borrow({ signal: signal() }).catch((error) => console.log(error.name))
      const closing = PromisePool.make({ objects: ["a"], closing: { timeout: 0 }, log: () => {} })
      void closing.with(() => never)
      await closing.close()
      console.log("closed")
    `)

    assert.strictEqual(code, 0)
    assert.deepStrictEqual([...lines.slice(0, 2), lines.at(-1)], ["TimeoutError", "TimeoutError", "closed"])
  })

  it("is kept alive while a layer is built", async () => {
    const { code, lines } = await run(`
      import { Effect, Layer } from "effect"
      import { PoolService } from ${JSON.stringify(index)}
      class Names extends PoolService<Names, string>()("process/Names") {}
      const slow = Layer.effectDiscard(Effect.sleep(50))
      const pool = await PromisePool.fromLayer(Names, Layer.merge(Names.layer({ objects: ["a"] }), slow))
      console.log(await pool.with((object) => object))
    `)

    assert.deepStrictEqual([code, lines], [0, ["a"]])
  })

  it("is kept alive while a body runs under a lease that expires, or a pool closes", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({ objects: ["a"], leaseTimeout: 50, closing: { timeout: 50 }, log: () => {} })
      await pool.with(() => new Promise(() => {})).catch((error) => console.log(error.name))
      await pool.borrow({ leaseTimeout: "1 hour" })
      await pool.close()
      console.log("closed")
    `)

    assert.strictEqual(code, 0)
    assert.deepStrictEqual([lines[0], lines.at(-1)], ["LeaseExpired", "closed"])
  })
})
