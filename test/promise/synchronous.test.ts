/** The methods that never wait: what cannot be had at once is refused, and nothing is left running or lost. */
import { assert, describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scheduler from "effect/Scheduler"
import { PoolService } from "../../src/index.ts"
import {
  DuplicateObject,
  LeaseExpired,
  NotSynchronous,
  PoolClosed,
  PoolExhausted,
  PromisePool
} from "../../src/promise.ts"
import { deferred, failure, idle, turn, until } from "../support/promises.ts"

const refusal = async (attempt: () => unknown): Promise<readonly [operation: string, callback: string]> => {
  const error = await failure(attempt)
  assert.instanceOf(error, NotSynchronous)
  return [error.operation, error.callback]
}

describe("borrowSync", () => {
  it("lends what is lendable, and gives it back at the end of its block", () => {
    const pool = PromisePool.make({ objects: ["a", "b"], detectStatus: () => "Available" })
    {
      using lease = pool.borrowSync({ where: ({ object }) => object === "b", leaseTimeout: "1 hour" })

      assert.strictEqual(lease.object, "b")
      assert.isDefined(lease.expiresAt)
      assert.strictEqual(pool.stats().borrowed, 1)
    }
    idle(pool)
  })

  it("makes an object where that is done at once", () => {
    let n = 0
    const pool = PromisePool.make({ acquire: () => ++n, size: { max: 2 } })

    using one = pool.borrowSync()
    using other = pool.borrowSync()

    assert.deepStrictEqual([one.object, other.object], [1, 2])
  })

  it("throws PoolExhausted when there is nothing to lend, and does not queue", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const lease = pool.borrowSync()

    assert.instanceOf(await failure(() => pool.borrowSync()), PoolExhausted)
    const waiting = pool.borrow()
    lease.releaseSync()
    // it goes to the one that waits
    assert.instanceOf(await failure(() => pool.borrowSync()), PoolExhausted)

    await (await waiting).release()
    assert.strictEqual(pool.stats().waiting, 0)
    idle(pool)
  })

  it("throws PoolExhausted while the pool is suspended, PoolClosed when it is closed", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    pool.suspend()
    const suspended = await failure(() => pool.borrowSync())
    pool.resume()
    await pool.close()

    assert.strictEqual((suspended as PoolExhausted).reason, "Suspended")
    assert.instanceOf(await failure(() => pool.borrowSync()), PoolClosed)
  })

  it("refuses an acquire that takes time, and leaves what that makes to the next", async () => {
    const pool = PromisePool.make({ acquire: async () => "a" })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "acquire"])
    await until(() => pool.stats().available === 1)

    pool.borrowSync().releaseSync()
    idle(pool)
  })

  it("refuses a detector that takes time, and drops what it was asked", async () => {
    const pool = PromisePool.make({
      objects: ["a"],
      detectStatus: async () => "Available" as const,
      detection: { onAdd: false, onBorrow: true }
    })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "detectStatus"])

    assert.deepStrictEqual([pool.stats().available, pool.stats().waiting], [1, 0])
    await pool.with(() => {})
    idle(pool)
  })

  it("refuses an onBorrow that takes time, and keeps the object", async () => {
    const pool = PromisePool.make({ objects: ["a"], onBorrow: async () => {} })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "onBorrow"])
    await until(() => pool.stats().available === 1)

    idle(pool)
  })

  it("refuses a pack that takes time, ends what it makes, and gives the object back", async () => {
    const ended: Array<string> = []
    const work = deferred<string>()
    const pool = PromisePool.make({
      objects: ["a"],
      pack: () => work.promise,
      unpack: (packed) => void ended.push(packed)
    })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "pack"])
    work.resolve("packed")
    await until(() => pool.stats().borrowed === 0)

    assert.deepStrictEqual(ended, ["packed"])
    idle(pool)
  })

  it("refuses a selector that takes time", async () => {
    const pool = PromisePool.make({ objects: ["a"], select: async (available) => available[0] })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "select"])

    await pool.with(() => {})
    idle(pool)
  })

  it("says what to use instead", async () => {
    const pool = PromisePool.make({ name: "slow", acquire: async () => 1 })

    assert.strictEqual(
      (await failure(() => pool.borrowSync()) as Error).message,
      "Pool \"slow\": `borrowSync` does not wait, but `acquire` takes time: use `borrow`"
    )
  })

  it("names the callback that took time, not what came of it", async () => {
    const pool = PromisePool.make({
      acquire: () => "a",
      pack: () => Promise.resolve("packed"),
      lifetime: { maxBorrows: 1 },
      size: { min: 1 }
    })

    assert.deepStrictEqual(await refusal(() => pool.borrowSync()), ["borrowSync", "pack"])
  })

  it("makes an object although nobody may wait", () => {
    const pool = PromisePool.make({ acquire: () => "a", borrowTimeout: 0 })

    assert.strictEqual(pool.borrowSync().object, "a")
  })

  it("works in a runtime that yields after each operation", async () => {
    class Names extends PoolService<Names, string>()("synchronous/Names") {}
    const runtime = ManagedRuntime.make(Layer.merge(
      Names.layer({ objects: ["a"] }),
      Layer.succeed(Scheduler.MaxOpsBeforeYield, 1)
    ))
    const pool = await PromisePool.fromRuntime(Names, runtime)

    assert.strictEqual(pool.borrowSync().object, "a")
    assert.strictEqual(pool.stats().borrowed, 1)
  })

  it("does not wait for what pack has to end", async () => {
    const ended = deferred()
    const pool = PromisePool.make({ objects: ["a"], pack: ({ object }) => object, unpack: () => ended.promise })
    const lease = pool.borrowSync()

    lease.releaseSync()
    assert.strictEqual(pool.stats().borrowed, 1)
    ended.resolve()
    await lease.release()

    idle(pool)
  })

  it("has leases that expire like any other", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const lease = pool.borrowSync({ leaseTimeout: 1 })

    await until(() => pool.stats().borrowed === 0)

    assert.instanceOf(await failure(() => lease.renew()), LeaseExpired)
  })
})

describe("addSync", () => {
  it("puts an object in, with data of its own", () => {
    const pool = PromisePool.make({ objects: ["a"], data: 1 })

    const pooled = pool.addSync("b", { data: 2 })

    assert.deepStrictEqual([pooled.object, pooled.data, pooled.status], ["b", 2, "Available"])
    assert.deepStrictEqual(pool.addAllSync(["c", "d"]).map(({ data }) => data), [1, 1])
    assert.strictEqual(pool.stats().size, 4)
  })

  it("throws what `add` rejects with", async () => {
    const object = {}
    const pool = PromisePool.make({ objects: [object] })

    assert.instanceOf(await failure(() => pool.addSync(object)), DuplicateObject)
    assert.instanceOf(await failure(() => pool.addAllSync([{}, object])), DuplicateObject)
    assert.strictEqual(pool.stats().size, 1)
  })

  it("refuses a detector that takes time: the objects are out again, and their owner's", async () => {
    const destroyed: Array<string> = []
    const pool = PromisePool.make<string>({
      objects: ["a"],
      detectStatus: ({ object }) => object === "plain" ? "Available" : Promise.resolve("Available")
    })
    await until(() => pool.stats().available === 1)
    const destroy = (object: string) => void destroyed.push(object)

    assert.deepStrictEqual(await refusal(() => pool.addSync("a", { destroy })), ["addSync", "detectStatus"])
    assert.strictEqual((await refusal(() => pool.addAllSync(["plain", "a", "b"], { destroy })))[0], "addAllSync")
    await turn()

    assert.deepStrictEqual([pool.objects().map(({ object }) => object), destroyed], [["a"], []])
    idle(pool)
    pool.addSync("plain", { destroy })
    pool.remove("plain")
    await until(() => destroyed.length === 1)
  })
})

describe("detectSync", () => {
  it("asks a detector that answers plainly", () => {
    const pool = PromisePool.make({ objects: ["a", "b"], detectStatus: () => "Available" })
    pool.rest("a", "1 millis")

    pool.detectSync()

    assert.isDefined(pool.objects()[1]?.detectedAt)
  })

  it("says so when it is not its turn yet", async () => {
    const pool = PromisePool.make({
      objects: ["a", "b"],
      detectStatus: () => new Promise<never>(() => {}),
      detection: { concurrency: 1, onAdd: false }
    })
    const detecting = failure(pool.borrow({ timeout: 200 }))

    assert.deepStrictEqual(await refusal(() => pool.detectSync()), ["detectSync", "detectStatus"])
    assert.instanceOf(await failure(() => pool.borrowSync()), PoolExhausted)
    await detecting
  })

  it("refuses one that takes time: the objects are as they were", async () => {
    let asked = 0
    const pool = PromisePool.make({
      objects: ["a"],
      detectStatus: async () => {
        asked++
        return "Invalid" as const
      },
      detection: { onAdd: false, onBorrow: false }
    })

    assert.deepStrictEqual(await refusal(() => pool.detectSync()), ["detectSync", "detectStatus"])
    await turn()

    assert.deepStrictEqual([asked, pool.stats().available], [1, 1])
  })
})

describe("a pool whose functions are all plain", () => {
  it("has closed when `close` returns", () => {
    const destroyed: Array<string> = []
    const pool = PromisePool.make({ acquire: () => "made", destroy: (made) => void destroyed.push(made) })
    pool.borrowSync().releaseSync()

    void pool.close()

    assert.deepStrictEqual([pool.stats().size, destroyed], [0, ["made"]])
  })
})
