/**
 * Pools by key for those who have no Effect (promises of a room that many keys share, in the other flavour).
 */
import { assert, describe, it } from "@effect/vitest"
import { InvalidPoolOptions, KeyedPromisePool, NotSynchronous, PoolClosed, PoolExhausted } from "../../src/promise.ts"
import { turn } from "../support/promises.ts"

/** What a promise rejects with, or a call throws. */
const failure = async (f: () => unknown): Promise<unknown> => {
  try {
    await f()
  } catch (error) {
    return error
  }
  return undefined
}

describe("pools by key, with promises", () => {
  it("objects of all keys never exceed the whole: the one idle longest goes", async () => {
    const gone: Array<string> = []
    let there = 0
    let most = 0
    const pool = KeyedPromisePool.make({
      acquire: async (key: string, signal) => {
        assert.isFalse(signal.aborted)
        most = Math.max(most, ++there)
        await Promise.resolve()
        return { key }
      },
      destroy: async ({ key }) => {
        await Promise.resolve()
        there--
        gone.push(key)
      },
      size: { max: 2 }
    })
    for (const key of ["a", "b", "a", "c", "d", "a"]) {
      assert.strictEqual(await pool.with(key, (object) => object.key), key)
    }
    assert.deepStrictEqual(gone, ["b", "a", "c"])
    assert.strictEqual(most, 2)
    await pool.close()
    assert.strictEqual(there, 0)
  })

  it("who waits longest is served first, of whatever key", async () => {
    const pool = KeyedPromisePool.make({ acquire: (key: string) => ({ key }), size: { max: 1 } })
    const lease = await pool.borrow("a")
    const order: Array<string> = []
    const served = ["b", "c", "d"].map((key) => pool.with(key, ({ key }) => order.push(key)))
    assert.strictEqual(pool.stats().waiting, 3)
    await lease.release()
    await Promise.all(served)

    assert.deepStrictEqual(order, ["b", "c", "d"])
    await pool.close()
  })

  it("one who leaves by his signal leaves nothing behind", async () => {
    const pool = KeyedPromisePool.make({ acquire: (key: string) => ({ key }), size: { max: 1 } })
    const lease = await pool.borrow("a")
    const controller = new AbortController()
    const aborted = failure(() => pool.borrow("b", { signal: controller.signal }))
    controller.abort(new Error("enough"))
    assert.strictEqual(String(await aborted), "Error: enough")
    await lease.release()

    assert.strictEqual(pool.stats().waiting, 0)
    assert.strictEqual(await pool.with("a", (object) => object), lease.object)
    await pool.close()
  })

  it("has every operation, by key or for all", async () => {
    const pool = KeyedPromisePool.make({
      acquire: (key: string) => ({ key }),
      data: (_, key) => key.length,
      size: { max: 5, perKey: { max: 3 } },
      pack: (lease) => `${lease.pooled.key} ${lease.data}`
    })
    assert.strictEqual(await pool.with("tenant", (text) => text), "tenant 6")
    const mine = { key: "mine" }
    const added = await pool.add("tenant", mine)
    assert.deepStrictEqual([pool.has("tenant", mine), pool.has("other", mine)], [true, false])
    assert.strictEqual(pool.get("tenant", added)?.key, "tenant")
    assert.isTrue(pool.rest("tenant", mine, "1 minute"))
    assert.isTrue(pool.wake("tenant", mine))
    assert.isTrue(pool.reconsider("tenant", mine))
    assert.isTrue(pool.remove("tenant", mine))
    pool.resizeKey("other", { min: 1 })
    await pool.ready("other")
    pool.resize({ max: 4 })
    await pool.detect()
    await pool.rotate()
    pool.suspend()
    pool.resume()
    await pool.drain()
    pool.resume()

    assert.sameMembers([...pool.keys()], ["tenant", "other"])
    assert.strictEqual(pool.statsOf("tenant")?.totals.borrowed, 1)
    assert.strictEqual(pool.statsOf("never"), undefined)
    assert.strictEqual(pool.stats().max, 4)
    assert.sameMembers([...new Set(pool.objects().map(({ key }) => key))], ["tenant", "other"])
    assert.deepStrictEqual(pool.leases(), [])
    assert.isTrue(await pool.forget("tenant"))
    assert.isFalse(await pool.forget("tenant"))
    await pool.close()
    assert.instanceOf(await failure(() => pool.borrow("tenant")), PoolClosed)
    assert.instanceOf(await failure(() => pool.borrowSync("tenant")), PoolClosed)
  })

  it("several of one key are lent at once, all or nothing, and given to a function", async () => {
    const pool = KeyedPromisePool.make({ acquire: (key: string) => ({ key }), size: { max: 3, perKey: { max: 2 } } })
    const [first, second] = await pool.borrowMany("a", 2)
    assert.notStrictEqual(first!.object, second!.object)
    let served = false
    const all = pool.withMany("b", 2, (objects, signal) => {
      served = true
      return [objects.map(({ key }) => key).join(), signal.aborted]
    })
    await turn()
    assert.isFalse(served)
    await first!.release()
    assert.deepStrictEqual(await all, ["b,b", false])
    await second!.release()
    for (const n of [0, 1.5, 3, "2", undefined]) {
      assert.instanceOf(await failure(() => pool.borrowMany("a", n as number)), InvalidPoolOptions)
    }
    assert.instanceOf(await failure(() => pool.borrowMany(NaN as never, 1)), InvalidPoolOptions)
    await pool.close()
    assert.instanceOf(await failure(() => pool.withMany("a", 1, () => {})), PoolClosed)
  })

  it("`borrowSync` takes what is there, and has nothing go for it", async () => {
    const pool = KeyedPromisePool.make({ acquire: (key: string) => ({ key }), size: { max: 1 } })
    const lease = pool.borrowSync("a")
    assert.instanceOf(await failure(() => pool.borrowSync("b")), PoolExhausted)
    lease.releaseSync()
    const error = await failure(() => pool.borrowSync("b"))

    assert.isTrue(error instanceof NotSynchronous || error instanceof PoolExhausted)
    await pool.close()
  })

  it("what is no key, and options that make no sense, are `InvalidPoolOptions`", async () => {
    const pool = KeyedPromisePool.make({ acquire: (key: unknown) => ({ key }) })
    for (const key of [undefined, NaN]) {
      assert.instanceOf(await failure(() => pool.borrow(key)), InvalidPoolOptions)
      assert.instanceOf(await failure(() => pool.with(key, () => 1)), InvalidPoolOptions)
      assert.instanceOf(await failure(() => pool.borrowSync(key)), InvalidPoolOptions)
      assert.instanceOf(await failure(() => pool.has(key, { key })), InvalidPoolOptions)
    }
    await pool.close()
    for (const options of [undefined, { objects: [] }, { size: { min: 1 } }, { idleKeys: "later" }]) {
      assert.instanceOf(await failure(() => KeyedPromisePool.make(options as never)), InvalidPoolOptions)
    }
  })

  it("an `acquire` that throws for one key is that key's own", async () => {
    const pool = KeyedPromisePool.make({
      acquire: (key: string) => {
        if (key === "bad") throw new Error("no such tenant")
        return { key }
      }
    })
    assert.strictEqual(String(await failure(() => pool.borrow("bad"))), "Error: no such tenant")
    assert.strictEqual(await pool.with("good", ({ key }) => key), "good")
    await pool.close()
  })
})
