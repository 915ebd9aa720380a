import { assert, describe, it } from "@effect/vitest"
import { linesOf } from "./run.ts"

describe.concurrent("migrating", () => {
  for (const library of ["genericPool", "tarn", "lightningPool"]) {
    it(`from ${library}: the program does after what it did before`, async () => {
      const [before, after] = await Promise.all([
        linesOf(`migrating/${library}.before`),
        linesOf(`migrating/${library}.after`)
      ])

      assert.include(before, "refused")
      assert.deepStrictEqual(after, before)
    })
  }
})
