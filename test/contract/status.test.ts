/** Objects that are detected, and objects that rest (promises 15 to 17). */
import { assert, describe, it } from "@effect/vitest"
import { contract, endOf, maker, never, watch } from "./kit.ts"

contract(({ make, pass }) => {
  describe("15. an object that is being detected", () => {
    it("is not lent; another one is, at once", async () => {
      const answer = Promise.withResolvers<"Available">()
      const pool = await make({
        objects: ["a"],
        detectStatus: ({ object }) => object === "slow" ? answer.promise : "Available"
      })
      const adding = watch(pool.add("slow"))
      await pass()
      assert.deepStrictEqual([adding.state, (await pool.stats()).pending], ["waits", 1])
      const lease = await pool.borrow({ timeout: 0 })
      assert.strictEqual(lease.object, "a")
      assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")

      answer.resolve("Available")
      await pass()

      assert.strictEqual(adding.state, "ok")
      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "slow")
    })
  })

  describe("16. a detector", () => {
    const failing: Record<string, () => never> = {
      "that fails": () => Promise.reject(new Error("broken")) as never,
      "that throws": () => {
        throw new Error("broken")
      },
      "that answers nonsense": () => "Nonsense" as never,
      "that never answers": () => never() as never
    }
    for (const [what, answers] of Object.entries(failing)) {
      it(`${what} leaves its object Unknown, and is asked again`, async () => {
        let fails = true
        const pool = await make({
          objects: ["a"],
          detectStatus: () => fails ? answers() : "Available",
          detection: { timeout: "1 second" }
        })
        await pass(1000)
        assert.strictEqual((await pool.stats()).unknown, 1)
        const waits = watch(pool.borrow({ timeout: "10 minutes" }))

        fails = false
        await pass(60_000)

        assert.strictEqual(waits.state, "ok")
      })
    }

    it("has what it finds invalid taken out, and refuses at most 3 new objects for one borrow in a row", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 1 }, detectStatus: () => "Invalid" })
      watch(pool.borrow({ timeout: "Infinity" }))
      await pass(50)
      assert.lengthOf(made, 3)
      await pass(100)

      assert.lengthOf(made, 4)
      assert.isTrue(made.every(({ destroyed }) => destroyed === 1))
    })
  })

  describe("17. an object that rests", () => {
    it("comes back at its time; of two times the later one counts", async () => {
      const pool = await make({ objects: ["a"] })
      assert.isTrue(await pool.rest("a", "1 minute"))
      assert.isTrue(await pool.rest("a", "1 second"))
      assert.strictEqual((await pool.stats()).dormant, 1)
      const waits = watch(pool.borrow({ timeout: "10 minutes" }))
      await pass(59_999)
      assert.strictEqual(waits.state, "waits")

      await pass(1)

      assert.strictEqual(waits.state, "ok")
    })

    it("is woken when somebody says so", async () => {
      const pool = await make({ objects: ["a"] })
      await pool.rest("a", "1 hour")
      assert.isTrue(await pool.wake("a"))
      assert.isFalse(await pool.wake("a"))
      assert.isFalse(await pool.rest("b", "1 hour"))

      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "a")
    })

    it("since its detector says so is asked about again after `dormantFor`", async () => {
      let answer: "Available" | "Dormant" = "Dormant"
      const pool = await make({
        objects: ["a"],
        detectStatus: () => answer,
        detection: { dormantFor: "1 minute", onBorrow: false }
      })
      assert.strictEqual((await pool.stats()).dormant, 1)
      answer = "Available"
      await pass(59_999)
      assert.strictEqual((await pool.stats()).dormant, 1)

      await pass(1)

      assert.strictEqual((await pool.stats()).available, 1)
    })
  })
})
