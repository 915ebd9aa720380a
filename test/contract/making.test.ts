/** Objects that are made, destroyed and replaced (promises 19 to 23). */
import { assert, describe, it } from "@effect/vitest"
import { contract, endOf, maker, never, watch } from "./kit.ts"

contract(({ make, pass }) => {
  describe("19. making", () => {
    it("never exceeds the maximum, with what is being destroyed", async () => {
      const { made, options, script } = maker()
      const destroyed = Promise.withResolvers<void>()
      const pool = await make({ ...options, size: { max: 2 } })
      const [one, two] = [await pool.borrow(), await pool.borrow()]
      script.destroy = () => destroyed.promise
      const waits = watch(pool.borrow({ timeout: "Infinity" }))
      await one.invalidate()
      await one.release()
      await pass()
      assert.deepStrictEqual([waits.state, made.length], ["waits", 2])
      assert.deepInclude(await pool.stats(), { size: 2, making: 0, invalid: 1 })

      destroyed.resolve()
      await pass()

      assert.deepStrictEqual([waits.state, made.length], ["ok", 3])
      await two.release()
    })

    it("keeps the minimum, from the start and when one leaves", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { min: 2, max: 2 } })
      await pool.ready()
      assert.deepInclude(await pool.stats(), { size: 2, available: 2 })

      await pool.remove(made[0]!)
      await pass()

      assert.deepStrictEqual((await pool.objects()).map(({ object }) => object.n), [2, 3])
    })
  })

  describe("20. an object", () => {
    it("that was made is destroyed once, when it is not lent any more", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 } })
      const lease = await pool.borrow()
      assert.isTrue(await pool.remove(lease.object))
      await pass()
      assert.strictEqual(made[0]!.destroyed, 0)

      await lease.invalidate()
      await lease.release()
      await lease.release()
      await pass()
      await pool.close()

      assert.strictEqual(made[0]!.destroyed, 1)
    })

    it("that was added is left to its owner, unless what destroys it was given", async () => {
      const { options } = maker()
      const pool = await make(options)
      const [own, given] = [{ n: 0, destroyed: 0 }, { n: 0, destroyed: 0 }]
      await pool.add(own)
      await pool.add(given, { destroy: (object) => void object.destroyed++ })

      await pool.close()

      assert.deepStrictEqual([own.destroyed, given.destroyed], [0, 1])
    })

    it("that is detached is its borrower's, and its room is free", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 } })
      const destroy = await (await pool.borrow()).detach()
      assert.strictEqual((await pool.borrow()).object, made[1])
      await pool.close()
      assert.deepStrictEqual(made.map(({ destroyed }) => destroyed), [0, 1])

      await destroy()

      assert.strictEqual(made[0]!.destroyed, 1)
    })
  })

  describe("21. a creation that fails", () => {
    it("fails the oldest who waits with its failure, and the next one has the next attempt", async () => {
      const { options, script } = maker()
      let attempts = 0
      script.acquire = async () => {
        if (++attempts === 1) throw new RangeError("refused")
      }
      const pool = await make({ ...options, size: { max: 1 }, borrowTimeout: "Infinity" })
      const [first, second] = [watch(pool.borrow()), watch(pool.borrow())]
      await pass(1000)

      assert.deepStrictEqual([first.state, second.state, attempts], ["RangeError", "ok", 2])
    })

    it("fails `ready`", async () => {
      const { options, script } = maker()
      script.acquire = () => Promise.reject(new RangeError("refused"))
      const pool = await make({ ...options, size: { min: 1 } })

      const ready = watch(pool.ready())
      await pass(1000)

      assert.strictEqual(ready.state, "RangeError")
    })
  })

  describe("22. what follows a release", () => {
    it("is not waited for: a hook, or a destroy that never ends", async () => {
      const { made, options, script } = maker()
      script.destroy = never
      const pool = await make({ ...options, size: { max: 2 }, onRelease: never })
      const first = await pool.borrow()
      await first.invalidate()

      await first.release()

      assert.strictEqual((await pool.borrow()).object, made[1])
    })

    it("a hook that fails has a made object destroyed, and an added one leave", async () => {
      const { made, options } = maker()
      const fails = { onRelease: () => Promise.reject(new Error("broken")) }
      const pools = [
        await make({ ...options, ...fails }),
        await make({ objects: [{ n: 0, destroyed: 0 }], ...fails })
      ]
      for (const pool of pools) {
        await (await pool.borrow()).release()
        await pass()
        assert.strictEqual((await pool.stats()).size, 0)
      }

      assert.strictEqual(made[0]!.destroyed, 1)
    })

    it("a hook runs before each lease as well, and one that fails has another object lent", async () => {
      const log: Array<string> = []
      const { options } = maker()
      const pool = await make({
        ...options,
        onBorrow: async ({ object }) => {
          log.push(`borrow ${object.n}`)
          if (object.n === 1) throw new Error("broken")
        },
        onRelease: ({ object }) => void log.push(`release ${object.n}`)
      })

      const lease = await pool.borrow()
      await lease.release()
      await pass()

      assert.deepStrictEqual(log, ["borrow 1", "borrow 2", "release 2"])
    })
  })

  describe("23. what is replaced", () => {
    it("by a rotation is every object that was made; a lent one goes when it comes back", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { min: 2, max: 3 } })
      await pool.ready()
      const lent = await pool.borrow()
      const idle = made.find((each) => each !== lent.object)!

      const rotating = watch(pool.rotate())
      await pass()
      assert.deepStrictEqual([rotating.state, idle.destroyed, lent.object.destroyed], ["ok", 1, 0])
      await lent.release()
      await pass()

      assert.strictEqual(lent.object.destroyed, 1)
      assert.strictEqual((await pool.stats()).available, 2)
    })

    it("is an object that was lent as often as it may be", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 }, lifetime: { maxBorrows: 2, jitter: 0 } })
      for (let i = 0; i < 3; i++) {
        await (await pool.borrow()).release()
        await pass()
      }

      assert.deepStrictEqual(made.map(({ destroyed }) => destroyed), [1, 0])
    })

    it("is not what is idle for too long, above the minimum: that goes", async () => {
      const { options } = maker()
      const pool = await make({
        ...options,
        size: { min: 1, max: 3 },
        lifetime: { idleTimeToLive: "1 minute", jitter: 0 }
      })
      const leases = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
      for (const lease of leases) await lease.release()
      await pass(59_999)
      assert.strictEqual((await pool.stats()).size, 3)

      await pass(1)

      assert.strictEqual((await pool.stats()).size, 1)
    })

    it("is not what a smaller size has no room for: idle ones go now, lent ones when they come back", async () => {
      const { options } = maker()
      const pool = await make({ ...options, size: { max: 3 } })
      const [one, two] = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
      await one!.release()
      await pool.resize({ max: 1 })
      await pass()
      assert.deepInclude(await pool.stats(), { max: 1, size: 2, borrowed: 2 })

      await two!.release()
      await pass()

      assert.strictEqual((await pool.stats()).size, 1)
      assert.strictEqual(await endOf(pool.resize({ max: -1 })), "InvalidPoolOptions")
    })
  })
})
