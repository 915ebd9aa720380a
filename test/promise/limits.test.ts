/** Allowances, verdicts, failover and facets for those who have no Effect. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import { InvalidPoolOptions, PoolExhausted, PromisePool, Status, Verdict } from "../../src/promise.ts"
import { failure, idle } from "../support/promises.ts"

describe("a promise pool of objects with limits", () => {
  it("lends no more than allowances allow, and says when to come back", async () => {
    const pool = PromisePool.make({
      objects: ["key"],
      allowance: [{ limit: 2, per: "1 hour", name: "requests" }, { limit: 100, per: "1 hour", unit: "cost" }],
      borrowTimeout: "1 minute"
    })
    const lease = await pool.borrow({ cost: 30 })
    lease.charge(20)
    assert.deepStrictEqual(lease.pooled.allowances.map(({ left }) => left), [1, 50])
    lease.report({ name: "requests", remaining: 7 })
    assert.deepStrictEqual(lease.pooled.allowances.map(({ left }) => left), [7, 50])
    await lease.release()
    lease.charge(50)
    assert.strictEqual(lease.pooled.status, "Dormant")
    lease.recount()
    assert.deepStrictEqual(lease.pooled.allowances.map(({ left }) => left), [6, 0])

    const error = await failure(pool.with(() => {}))
    assert.instanceOf(error, PoolExhausted)
    assert.strictEqual(error.reason, "Resting")
    assert.isDefined(error.retryAfter)
    assert.instanceOf(await failure(pool.with(() => {}, { cost: 101 })), PoolExhausted)
    assert.throws(() => lease.charge(NaN), InvalidPoolOptions)
    idle(pool)
  })

  it("judges by how a body has settled, once for each lease, whatever way it was borrowed", async () => {
    const seen: Array<unknown> = []
    const pool = PromisePool.make({
      objects: ["key"],
      judge: (settled) => {
        seen.push(settled.status === "fulfilled" ? settled.value : settled.reason)
        return undefined
      }
    })
    await pool.with(() => "plain")
    await pool.with(async () => "promised")
    await failure(pool.with(() => Promise.reject("rejected")))
    await failure(pool.with(() => {
      throw new Error("thrown")
    }))
    await (await pool.borrow()).release()
    pool.borrowSync().releaseSync()
    assert.deepStrictEqual(seen.slice(0, 3), ["plain", "promised", "rejected"])
    assert.include(String(seen[3]), "thrown")
    assert.deepStrictEqual(seen.slice(4), [undefined, undefined])

    const packed = PromisePool.make({
      objects: ["key"],
      pack: ({ object }) => object.length,
      judge: (settled) => {
        seen.push(settled.status === "fulfilled" ? settled.value : settled.reason)
        return "Invalid"
      }
    })
    await failure(packed.with(() => Promise.reject("packed")))
    assert.strictEqual(seen.at(-1), "packed")
    assert.strictEqual(packed.stats().size, 0)
  })

  it("is not judged by a lease that its borrower never had", async () => {
    const seen: Array<unknown> = []
    const pool = PromisePool.make({ objects: ["key"], judge: (settled) => void seen.push(settled.status) })
    const lease = pool.borrowSync()
    const controller = new AbortController()
    const waiting = failure(pool.with(() => {}, { signal: controller.signal }))
    lease.releaseSync()
    controller.abort("gone")
    assert.strictEqual(await waiting, "gone")
    assert.deepStrictEqual(seen, ["fulfilled"])
    idle(pool)
  })

  it("has outliers rest", async () => {
    const pool = PromisePool.make({
      objects: ["a"],
      judge: Verdict.outlier({ after: 2, when: (reason) => reason === "bad" })
    })
    for (const reason of ["bad", "other", "bad"]) {
      assert.strictEqual(pool.stats().available, 1)
      await failure(pool.with(() => Promise.reject(reason)))
    }
    assert.strictEqual(pool.stats().dormant, 1)
    assert.throws(() => Verdict.outlier({ after: 0 }), /after/)
    assert.isFalse(Cause.isCause(Verdict))
  })

  it("fails over to another object, and leaves at once when its caller does", async () => {
    const pool = PromisePool.make({ objects: ["a", "b", "c"], select: (available) => available[0] })
    const ran: Array<string> = []
    const on = (broken: string) => (object: string) => {
      ran.push(object)
      return broken.includes(object) ? Promise.reject(object) : Promise.resolve(object)
    }
    assert.strictEqual(await pool.with(on("ab"), { failover: 2 }), "c")
    assert.strictEqual(await failure(pool.with(on("ab"), { failover: 1 })), "b")
    assert.strictEqual(await failure(pool.with(on("a"), { failover: 0 })), "a")
    assert.deepStrictEqual(ran, ["a", "b", "c", "a", "b", "a"])
    assert.instanceOf(await failure(pool.with(on(""), { failover: 0.5 })), InvalidPoolOptions)
    assert.instanceOf(await failure(pool.borrow({ failover: 1 } as never)), InvalidPoolOptions)

    // the first has failed, and the others are lent: it waits
    const others = [pool.borrowSync(), pool.borrowSync(), pool.borrowSync()]
    others[0]!.releaseSync()
    const controller = new AbortController()
    let failed = (): void => {}
    const first = new Promise<void>((resolve) => {
      failed = resolve
    })
    const waiting = failure(pool.with(() => {
      failed()
      return Promise.reject("first")
    }, { failover: 2, signal: controller.signal }))
    await first
    while (pool.stats().waiting === 0) await Promise.resolve()
    controller.abort("gone")
    assert.strictEqual(await waiting, "gone")
    for (const lease of others.slice(1)) lease.releaseSync()
    idle(pool)
  })

  it("has facets, preferences and affinity", async () => {
    const pool = PromisePool.make({ objects: ["a", "b"], borrowTimeout: 0 })
    const [one, other] = [pool.borrowSync(), pool.borrowSync()]
    for (const lease of [one, other]) lease.rest("1 hour", "large")
    one.releaseSync()
    other.releaseSync()
    assert.strictEqual((await failure(pool.with(() => {}, { facet: "large" })) as Error).name, "BorrowTimeout")
    assert.strictEqual(await pool.with((object) => object, { prefer: ({ object }) => object === "b" }), "b")
    const own = await pool.with((object) => object, { affinity: "x" })
    for (let i = 0; i < 5; i++) assert.strictEqual(await pool.with((object) => object, { affinity: "x" }), own)
    assert.strictEqual(Status.dormant("1 second", "large").facet, "large")
    idle(pool)
  })
})
