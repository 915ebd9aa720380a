/** Several objects at once, without Effect. */
import { assert, describe, it } from "@effect/vitest"
import { InvalidPoolOptions, LeaseExpired, PromisePool } from "../../src/promise.ts"
import { deferred, failure, turn } from "../support/promises.ts"

const make = (options: { readonly pack?: boolean } = {}) =>
  PromisePool.make<string>({
    objects: ["a", "b", "c"],
    closing: { timeout: 0 },
    ...options.pack === true && { pack: (lease: { readonly object: string }) => lease.object }
  })

describe("several at once", () => {
  for (const pack of [false, true]) {
    it(`are lent all or none, and given back one by one${pack ? ", packed" : ""}`, async () => {
      await using pool = make({ pack })
      const [first, second] = await pool.borrowMany(2)
      assert.lengthOf(new Set([first!.object, second!.object]), 2)
      let served = false
      const all = pool.borrowMany(2).then((leases) => {
        served = true
        return leases
      })
      await turn()
      assert.isFalse(served)
      await first!.release()
      const leases = await all
      assert.strictEqual(pool.stats().leases, 3)
      for (const lease of [second!, ...leases]) await lease.release()
      assert.deepInclude(pool.stats(), { leases: 0, available: 3, waiting: 0 })
    })
  }

  it("go on to the next when the signal of the borrower fires", async () => {
    await using pool = make()
    const busy = await pool.borrow()
    const controller = new AbortController()
    const all = pool.borrowMany(3, { signal: controller.signal })
    await turn()
    controller.abort(new Error("enough"))
    assert.strictEqual((await failure(all) as Error).message, "enough")
    await turn()
    const rest = await pool.borrowMany(2, { timeout: 0 })
    for (const lease of [busy, ...rest]) lease.releaseSync()
    assert.deepInclude(pool.stats(), { leases: 0, available: 3, waiting: 0 })
  })

  it("are given to a function, and come back when that has settled", async () => {
    await using pool = make()
    const gate = deferred<void>()
    const used = pool.withMany(2, async (objects) => {
      await gate.promise
      return [...objects].sort().length
    })
    await turn()
    assert.strictEqual(pool.stats().leases, 2)
    gate.resolve()
    assert.strictEqual(await used, 2)
    assert.strictEqual(pool.stats().leases, 0)
    assert.strictEqual(
      (await failure(pool.withMany(3, () => Promise.reject(new Error("boom")))) as Error).message,
      "boom"
    )
    assert.deepInclude(pool.stats(), { leases: 0, available: 3 })
  })

  it("are over for the function when one of them is revoked, whose signal fires", async () => {
    await using pool = make()
    let told: unknown
    const used = pool.withMany(2, (_objects, signal) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          told = signal.reason
          resolve()
        })
      }))
    await turn()
    pool.revoke(pool.leases()[1]!)
    assert.instanceOf(await failure(used), LeaseExpired)
    await turn()
    assert.instanceOf(told, LeaseExpired)
    assert.deepInclude(pool.stats(), { leases: 0, available: 3 })
  })

  it("are refused at once where their number makes no sense", async () => {
    await using pool = PromisePool.make({ acquire: () => "a", size: { max: 3 } })
    for (const n of [0, -1, 1.5, NaN, 4, "2", null, undefined]) {
      assert.instanceOf(await failure(pool.borrowMany(n as number)), InvalidPoolOptions)
      assert.instanceOf(await failure(pool.withMany(n as number, () => {})), InvalidPoolOptions)
    }
    assert.instanceOf(await failure(pool.withMany(1, 5 as never)), TypeError)
  })
})
