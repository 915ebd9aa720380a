/** Leases that an operator takes back: who has them is told why. */
import { assert, describe, it } from "@effect/vitest"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { PoolService } from "../../src/index.ts"
import { LeaseExpired, PromisePool } from "../../src/promise.ts"
import { deferred, failure, idle, unhandled, until } from "../support/promises.ts"

const isRevoked = (error: unknown): void => {
  assert.instanceOf(error, LeaseExpired)
  assert.strictEqual(error.reason, "Revoked")
}

class Names extends PoolService<Names, string>()("revoking/Names") {}

const pools = {
  "a pool": async () => PromisePool.make({ objects: ["a"] }),
  "the pool of a runtime": () => PromisePool.fromRuntime(Names, ManagedRuntime.make(Names.layer({ objects: ["a"] })))
}

for (const [what, make] of Object.entries(pools)) {
  describe(`revoke of ${what}`, () => {
    for (const by of ["lease", "record"] as const) {
      it(`takes a lease back, by its ${by}: the signal fires, and says why`, async () => {
        const pool = await make()
        const lease = await pool.borrow()
        const { signal } = lease

        assert.isTrue(pool.revoke(by === "lease" ? lease : lease.pooled))

        isRevoked(signal.reason)
        idle(pool)
        isRevoked(await failure(() => lease.renew()))
        isRevoked(await failure(lease.detach()))
        await lease.release()
        lease.invalidate()
        assert.strictEqual(await pool.with((object) => object), "a")
      })
    }

    it("ends a body, which is told by its signal, and `with` rejects", async () => {
      const pool = await make()
      const work = deferred()
      let told: AbortSignal | undefined
      const unseen = await unhandled(async () => {
        const working = failure(pool.with((_, signal) => {
          told = signal
          return work.promise
        }))
        await until(() => told !== undefined)

        assert.isTrue(pool.revoke(pool.leases()[0]!))

        isRevoked(await working)
        isRevoked(told?.reason)
        await until(() => pool.stats().borrowed === 0)
        work.reject(new Error("too late"))
      })

      assert.deepStrictEqual(unseen, [])
      idle(pool)
    })

    it("answers that there was nothing to take back", async () => {
      const pool = await make()
      const other = PromisePool.make({ objects: ["a"] })
      const [lease, elsewhere] = [await pool.borrow(), await other.borrow()]

      assert.isFalse(pool.revoke(elsewhere))
      assert.isFalse(pool.revoke(elsewhere.pooled))
      await lease.release()
      assert.isFalse(pool.revoke(lease))
      assert.isFalse(pool.revoke(lease.pooled))

      assert.isTrue(other.revoke(elsewhere))
    })

    it("throws on anything but a lease or a record", async () => {
      const pool = await make()
      for (const garbage of [undefined, null, 5, "a", {}, () => {}, pool]) {
        assert.instanceOf(await failure(() => pool.revoke(garbage as never)), TypeError)
      }
    })
  })
}

describe("revoke", () => {
  it("takes all leases of a shared object back by its record, and one by itself", async () => {
    const pool = PromisePool.make({ objects: ["a"], sharing: 3 })
    const [one, two, three] = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
    const signals = [one.signal, two.signal, three.signal]

    assert.isTrue(pool.revoke(two))
    assert.deepStrictEqual(signals.map(({ aborted }) => aborted), [false, true, false])
    assert.isTrue(pool.revoke(one.pooled))

    for (const { reason } of signals) isRevoked(reason)
    idle(pool)
  })

  it("ends what pack is at, which rejects, and has what it makes after all ended", async () => {
    const work = deferred<string>()
    const ended: Array<string> = []
    const pool = PromisePool.make({
      objects: ["a"],
      pack: () => work.promise,
      unpack: (packed) => void ended.push(packed)
    })
    const borrowing = failure(pool.borrow())
    await until(() => pool.stats().borrowed === 1)

    assert.isTrue(pool.revoke(pool.objects()[0]!))

    isRevoked(await borrowing)
    await until(() => pool.stats().borrowed === 0)
    idle(pool)
    work.resolve("packed")
    await until(() => ended.length === 1)
  })

  it("ends what pack has made before the object is back", async () => {
    const ended: Array<string> = []
    const pool = PromisePool.make({
      objects: ["a"],
      pack: async ({ object }) => object.toUpperCase(),
      unpack: (packed) => void ended.push(packed)
    })
    const lease = await pool.borrow()

    assert.isTrue(pool.revoke(lease))
    await until(() => pool.stats().borrowed === 0)

    isRevoked(lease.signal.reason)
    assert.deepStrictEqual(ended, ["A"])
  })

  it("has what was made destroyed, as an expiry has", async () => {
    const destroyed: Array<number> = []
    let n = 0
    const pool = PromisePool.make({
      acquire: () => ++n,
      destroy: (made) => void destroyed.push(made),
      size: { max: 1 }
    })
    const lease = await pool.borrow()
    const next = pool.with((made) => made)

    pool.revoke(lease)

    assert.strictEqual(await next, 2)
    assert.deepStrictEqual(destroyed, [1])
  })
})
