/** Pools that close or are suspended, and their books (promises 24 to 26). */
import { assert, describe, it } from "@effect/vitest"
import type { Lease } from "./flavour.ts"
import { contract, endOf, maker, nameOf, never, watch } from "./kit.ts"

contract(({ make, pass }) => {
  describe("24. close", () => {
    it("fails every operation with PoolClosed, or leaves it nothing to do", async () => {
      const pool = await make({ objects: ["a"] })
      await pool.close()
      await pool.close()

      const failing: Record<string, () => Promise<unknown>> = {
        borrow: () => pool.borrow(),
        tryBorrow: () => pool.tryBorrow(),
        with: () => pool.with(() => {}),
        add: () => pool.add("b"),
        addAll: () => pool.addAll(["b"]),
        detect: () => pool.detect(),
        ready: () => pool.ready(),
        resize: () => pool.resize({ max: 1 }),
        rotate: () => pool.rotate(),
        suspend: () => pool.suspend(),
        resume: () => pool.resume(),
        drain: () => pool.drain()
      }
      for (const [what, operation] of Object.entries(failing)) {
        assert.strictEqual(await endOf(operation()), "PoolClosed", what)
      }
      assert.deepStrictEqual([await pool.remove("a"), await pool.rest("a", 1), await pool.wake("a")], [
        false,
        false,
        false
      ])
      assert.deepInclude(await pool.stats(), { size: 0, leases: 0, waiting: 0 })
    })

    it("fails those who wait, and revokes what is lent when its time is over", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 }, closing: { timeout: "10 seconds" } })
      const lease = await pool.borrow()
      const ended = watch(lease.ended)
      const waits = watch(pool.borrow({ timeout: "Infinity" }))
      await pass()
      const closing = watch(pool.close())
      await pass(9999)
      assert.deepStrictEqual([waits.state, closing.state, ended.state], ["PoolClosed", "waits", "waits"])

      await pass(1)

      assert.deepStrictEqual([closing.state, nameOf(ended.value)], ["ok", "LeaseExpired Closed"])
      assert.strictEqual(made[0]!.destroyed, 1)
    })

    it("is over as soon as what is lent has come back", async () => {
      const pool = await make({ objects: ["a"], closing: { timeout: "10 seconds" } })
      const lease = await pool.borrow()
      const closing = watch(pool.close())
      await pass(1000)
      assert.strictEqual(closing.state, "waits")

      await lease.release()
      await pass()

      assert.strictEqual(closing.state, "ok")
    })

    it("serves those who wait first, where the pool says so", async () => {
      const pool = await make({ objects: ["a"], closing: { timeout: "1 minute", waiters: "serve" } })
      const lease = await pool.borrow()
      const waits = watch(pool.with((object) => object))
      await pass()
      const closing = watch(pool.close())
      await pass()
      await lease.release()
      await pass()

      assert.deepStrictEqual([waits.value, closing.state], ["a", "ok"])
    })
  })

  describe("25. while it is suspended", () => {
    it("borrowers wait, who does not queue is refused, and `resume` serves them in order", async () => {
      const pool = await make({ objects: ["a"] })
      await pool.suspend()
      const served: Array<number> = []
      const waits = [1, 2].map((n) => watch(pool.with(() => void served.push(n))))
      await pass()
      assert.strictEqual(await endOf(pool.tryBorrow()), "PoolExhausted Suspended")
      assert.deepStrictEqual(served, [])

      await pool.resume()
      await pass()

      assert.deepStrictEqual([served, waits.map(({ state }) => state)], [[1, 2], ["ok", "ok"]])
    })

    it("`drain` waits until everything is back, or `resume` is called", async () => {
      const pool = await make({ objects: ["a", "b"] })
      const lease = await pool.borrow()
      const drained = watch(pool.drain())
      await pass()
      assert.strictEqual(drained.state, "waits")
      await lease.release()
      await pass()
      assert.strictEqual(drained.state, "ok")

      await pool.resume()
      await pool.borrow()
      const again = watch(pool.drain())
      await pass()
      await pool.resume()
      await pass()
      assert.strictEqual(again.state, "ok")
    })
  })

  describe("26. the books", () => {
    it("balance", async () => {
      const { options, script } = maker()
      const pool = await make({ ...options, name: "books", size: { max: 5 }, borrowTimeout: 10, maxWaiters: 1 })
      const [lent, resting, invalid] = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
      await resting.rest("1 hour")
      await invalid.invalidate()
      script.destroy = never
      for (const lease of [resting, invalid, await pool.borrow()]) await lease.release()
      await pass()

      const { available, borrowed, dormant, invalid: leaving, leases, pending, size, totals, unknown } = await pool
        .stats()
      assert.deepStrictEqual(
        { available, borrowed, dormant, leaving, leases, pending, size, unknown },
        { available: 1, borrowed: 1, dormant: 1, leaving: 1, leases: 1, pending: 0, size: 4, unknown: 0 }
      )
      assert.deepInclude(totals, { borrowed: 4, made: 4, added: 0, destroyed: 0 })
      await lent.release()
    })

    it("tell of every lease that is taken back", async () => {
      const pool = await make({ objects: ["a"] })
      const lease: Lease<string> = await pool.borrow()
      const ended = watch(lease.ended)

      assert.isTrue(await pool.revoke(lease.pooled))
      await pass()
      assert.isFalse(await pool.revoke(lease.pooled))

      assert.strictEqual(nameOf(ended.value), "LeaseExpired Revoked")
      assert.strictEqual(lease.pooled.status, "Available")
    })
  })
})
