import { assert, describe, it } from "@effect/vitest"
import { HttpRouter } from "effect/http"
import { Inspector } from "../../src/inspector.ts"
import { PromisePool } from "../../src/promise.ts"
import { idle, turn } from "../support/promises.ts"

describe("those who borrow by promises", () => {
  it("are no trouble where one awaits an object and another holds one: they are not known to be the same", async () => {
    const pool = PromisePool.make({ name: "not the same", objects: ["a"] })
    const lease = await pool.borrow()
    const waiting = pool.borrow()
    await turn()
    const { dispose, handler } = HttpRouter.toWebHandler(Inspector.layerHttp(), { disableLogger: true })
    // a snapshot is shared for a quarter of a second
    let shown = ""
    while (!shown.includes("not the same")) {
      await turn()
      shown = await (await handler(new Request("http://localhost/pools/snapshot"))).text()
    }
    await dispose()

    assert.notInclude(shown, "waits for an object while it holds")
    await lease.release()
    await (await waiting).release()
    idle(pool)
  })
})
