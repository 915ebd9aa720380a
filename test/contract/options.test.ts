/** What makes no sense is refused by name. */
import { assert, describe, it } from "@effect/vitest"
import { contract, failure, nameOf } from "./kit.ts"

contract(({ make, serves }) => {
  describe("what makes no sense is refused by name", () => {
    const acquire = () => "made"
    const options: ReadonlyArray<readonly [options: object, option: string]> = [
      [{ acquire, size: { min: -1 } }, "size.min"],
      [{ acquire, size: { min: 2, max: 1 } }, "size.min"],
      [{ acquire, borrowTimeout: -1 }, "borrowTimeout"],
      [{ acquire, sharing: 0 }, "sharing"],
      [{ acquire, maxWaiters: 1.5 }, "maxWaiters"],
      [{ acquire, closing: { waiters: "perhaps" } }, "closing.waiters"],
      [{ acquire, borowTimeout: 1 }, "borowTimeout"],
      [{ size: { min: 1 } }, "size.min"]
    ]
    it("by the options of a pool", async () => {
      for (const [given, option] of options) {
        const error = await failure(make(given))
        assert.strictEqual(nameOf(error), "InvalidPoolOptions", option)
        assert.deepInclude(error, { option })
      }
    })

    it("by those of a borrow", async () => {
      const pool = await make({ objects: ["a"] })
      for (
        const [given, option] of [[{ timeout: -1 }, "timeout"], [{ priority: Number.NaN }, "priority"], [{
          timout: 1
        }, "timout"]] as const
      ) {
        const error = await failure(pool.borrow(given as object))
        assert.strictEqual(nameOf(error), "InvalidPoolOptions", option)
        assert.deepInclude(error, { option })
      }
      await serves(pool, 1)
    })
  })
})
