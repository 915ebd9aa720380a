/** What an object tells its pool of itself, where there is no Effect. */
import { assert, describe, it } from "@effect/vitest"
import { EventEmitter } from "node:events"
import { PromisePool } from "../../src/promise.ts"

describe("an object of a promise pool that tells it of itself", () => {
  it("is replaced when it ends while nobody holds it", async () => {
    const destroyed: Array<EventEmitter> = []
    await using pool = PromisePool.make({
      acquire: async (_, self) => new EventEmitter().on("error", self.invalidate),
      destroy: (session) => destroyed.push(session),
      size: { min: 1, max: 1 }
    })
    await pool.ready()
    const first = await pool.with((session) => session)
    first.emit("error", new Error("terminated by the server"))
    assert.deepStrictEqual(pool.stats().invalid, 1)
    const second = await pool.with((session) => session)

    assert.deepStrictEqual(destroyed, [first])
    assert.notStrictEqual(second, first)
  })

  it("never becomes available when it ends before `acquire` has resolved", async () => {
    let opened = 0
    await using pool = PromisePool.make({
      acquire: async (_, self) => {
        const session = { n: ++opened }
        if (session.n === 1) self.invalidate()
        await Promise.resolve()
        return session
      }
    })

    assert.deepStrictEqual(await pool.with(({ n }) => n), 2)
    assert.deepInclude(pool.stats().totals, { made: 2, borrowed: 1 })
  })

  it("rests, and is detected, by the answer of `add` as by its `self`", async () => {
    let asked = 0
    await using pool = PromisePool.make<object>({
      detectStatus: () => {
        asked++
        return "Available"
      }
    })
    const one = await pool.add({})
    const two = pool.addSync({})
    const [three] = await pool.addAll([{}])
    one.rest("1 hour")
    two.detect()
    three!.invalidate()

    assert.deepStrictEqual([one, two, three!].map(({ status }) => status), ["Dormant", "Available", "Invalid"])
    assert.strictEqual(asked, 4)
    assert.throws(() => one.rest(NaN), /option `rest` is NaN/)
  })
})
