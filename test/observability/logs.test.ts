/** What an operator reads in the log. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { ObjectPool } from "../../src/index.ts"
import { start } from "../support/borrowers.ts"
import { annotated } from "../support/telemetry.ts"

describe("closing", () => {
  for (const [leases, ids] of [[2, "1, 2"], [12, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"]] as const) {
    it.effect(`names the leases that it has revoked: ${leases}`, () =>
      Effect.gen(function*() {
        const { lines, within } = annotated()
        const objects = Array.from({ length: leases }, (_, i) => i)
        const pool = yield* within(ObjectPool.make({ name: "keys", objects, closing: { timeout: 0 } }))
        const scope = yield* Scope.make()
        yield* start(Effect.forEach(objects, () => Scope.provide(pool.borrow, scope)))

        yield* pool.close

        assert.deepStrictEqual(lines, [{
          message: `Closing revoked ${leases} lease(s) that were still open`,
          annotations: { pool: "keys", leases: ids }
        }])
      }))
  }
})
