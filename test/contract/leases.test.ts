/** Leases: how they end, and what they may do before that (promises 11, 12 and 14). */
import { assert, describe, it } from "@effect/vitest"
import { contract, endOf, maker, nameOf, never, watch } from "./kit.ts"

contract(({ make, pass }) => {
  describe("11. a lease that expires", () => {
    it("interrupts its body, which fails with LeaseExpired when it has ended", async () => {
      const pool = await make({ objects: ["a"], leaseTimeout: "10 seconds" })
      let told = false
      const body = watch(pool.with((_, signal) => {
        signal.addEventListener("abort", () => told = true)
        return never()
      }))
      await pass(9999)
      assert.deepStrictEqual([body.state, told], ["waits", false])

      await pass(1)

      assert.deepStrictEqual([body.state, told], ["LeaseExpired Expired", true])
      assert.strictEqual((await pool.stats()).totals.expired, 1)
    })

    it("is over for whoever has borrowed it, from its grant on", async () => {
      const pool = await make({ objects: ["a"] })
      const held = await pool.borrow()
      const waiting = watch(pool.borrow({ leaseTimeout: "10 seconds", timeout: "Infinity" }))
      await pass(60_000)
      await held.release()
      await pass()
      const ended = watch(waiting.value!.ended)
      await pass(9999)
      assert.strictEqual(ended.state, "waits")

      await pass(1)

      assert.strictEqual(nameOf(ended.value), "LeaseExpired Expired")
    })

    it("is saved by renewing it in time", async () => {
      const pool = await make({ objects: ["a"], leaseTimeout: "10 seconds" })
      const lease = await pool.borrow()
      const ended = watch(lease.ended)
      await pass(9999)
      await lease.renew()
      await pass(9999)
      assert.strictEqual(ended.state, "waits")

      await pass(1)

      assert.strictEqual(nameOf(ended.value), "LeaseExpired Expired")
      assert.strictEqual(await endOf(lease.renew()), "LeaseExpired Expired")
    })

    it("has its object destroyed, or lent on, as the pool says", async () => {
      for (const [onLeaseExpired, left] of [["destroy", 0], ["return", 1]] as const) {
        const pool = await make({ objects: ["a"], leaseTimeout: "1 second", onLeaseExpired })
        await pool.borrow()
        await pass(1000)

        assert.strictEqual((await pool.stats()).available, left)
      }
    })
  })

  describe("12. what a lease does after its end", () => {
    it("has no effect on its object, nor on the next lease", async () => {
      const pool = await make({ objects: ["a"] })
      const stale = await pool.borrow()
      await stale.release()
      const next = await pool.borrow()

      await stale.release()
      await stale.invalidate()
      await stale.rest("1 hour")
      assert.strictEqual(await endOf(stale.renew()), "LeaseExpired Released")
      assert.strictEqual(await endOf(stale.detach()), "LeaseExpired Released")

      assert.isAbove(next.id, stale.id)
      await next.release()
      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "a")
    })

    it("is not what it does before: an invalid object leaves when it ends, one at rest rests", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 } })
      const first = await pool.borrow()
      await first.invalidate()
      assert.strictEqual(made[0]!.destroyed, 0)
      await first.release()
      await pass()
      assert.strictEqual(made[0]!.destroyed, 1)

      const second = await pool.borrow()
      await second.rest("1 minute")
      await second.release()
      assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")
      await pass(60_000)
      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, made[1])
    })
  })

  describe("14. a shared object", () => {
    it("that one of its borrowers finds invalid is lent no more, and leaves when the last one ends", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 }, sharing: 3 })
      const [first, second] = [await pool.borrow(), await pool.borrow()]
      await first.invalidate()
      const waits = watch(pool.borrow())
      await first.release()
      await pass()
      assert.deepStrictEqual([waits.state, made[0]!.destroyed], ["waits", 0])

      await second.release()
      await pass()

      assert.deepStrictEqual([waits.value?.object, made[0]!.destroyed], [made[1], 1])
    })
  })
})
