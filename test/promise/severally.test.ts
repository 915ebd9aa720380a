/** Leases of several objects, each by itself: those of layers, those of pools that close, and what goes wrong with them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { PoolService } from "../../src/index.ts"
import { InvalidPoolOptions, KeyedPromisePool, LeaseExpired, PoolClosed, PromisePool } from "../../src/promise.ts"
import { deferred, failure, turn, until } from "../support/promises.ts"

class Packed extends PoolService<Packed, string, { pack: { readonly of: string } }>()("severally/Packed") {}

describe("several of a layer that packs", () => {
  it("are given back one by one: none is another's before its borrower has given it back", async () => {
    const ended: Array<string> = []
    const pack = (lease: { readonly object: string }) =>
      Effect.acquireRelease(
        Effect.succeed({ of: lease.object }),
        () => Effect.sync(() => void ended.push(lease.object))
      )
    await using pool = await PromisePool.fromLayer(Packed, Packed.layer({ objects: ["a", "b", "c"], pack }))
    const [first, second, third] = await pool.borrowMany(3)
    await first!.release()
    assert.strictEqual(pool.stats().leases, 2)
    assert.deepStrictEqual(ended, [first!.object.of])

    // the only one that is free
    const next = await pool.borrow()
    assert.strictEqual(next.object.of, first!.object.of)
    await first!.release()
    assert.strictEqual(pool.stats().leases, 3)

    second!.releaseSync()
    {
      await using _third = third!
    }
    await next.release()
    assert.deepInclude(pool.stats(), { leases: 0, available: 3 })
    assert.lengthOf(ended, 4)
  })
})

describe("several that are packed", () => {
  it("are all given back where one of them is over before the last is packed: the borrow rejects with that", async () => {
    const gates = [deferred(), deferred()]
    const unpacked: Array<string> = []
    let packs = 0
    await using pool = PromisePool.make({
      objects: ["a", "b"],
      closing: { timeout: 0 },
      pack: async ({ object }) => {
        await gates[packs++]!.promise
        return object
      },
      unpack: (object) => void unpacked.push(object)
    })
    const lent = pool.borrowMany(2)
    await turn()
    gates[0]!.resolve()
    await until(() => packs === 2)
    const [first] = pool.leases()
    pool.revoke(first!)
    gates[1]!.resolve()
    const error = await failure(lent)
    assert.instanceOf(error, LeaseExpired)
    assert.deepInclude(error, { leaseId: first!.id, reason: "Revoked" })
    await until(() => pool.stats().leases === 0)
    assert.deepStrictEqual(unpacked.sort(), ["a", "b"])
    assert.deepInclude(pool.stats(), { leases: 0, borrowed: 0 })
  })
})

describe("several of a pool that closes, and serves who waits before", () => {
  for (const pack of [false, true]) {
    it(`are lent to who waits for them${pack ? ", packed" : ""}`, async () => {
      const pool = PromisePool.make({
        objects: ["a", "b", "c"],
        closing: { waiters: "serve", timeout: "1 minute" },
        ...pack && { pack: ({ object }: { readonly object: string }) => object }
      })
      const busy = await pool.borrowMany(3)
      const lent = pool.borrowMany(2)
      const used = pool.withMany(3, (objects) => objects.length)
      await turn()
      const closing = pool.close()
      assert.instanceOf(await failure(pool.borrowMany(2)), PoolClosed)
      for (const lease of busy) await lease.release()
      const leases = await lent
      assert.lengthOf(leases, 2)
      for (const lease of leases) lease.releaseSync()
      assert.strictEqual(await used, 3)
      await closing
    })
  }
})

describe("what becomes of a body of `withMany` that nobody waits for any more", () => {
  const make = () => {
    const lines: Array<string> = []
    const pool = PromisePool.make({
      objects: ["a", "b"],
      pack: (lease) => lease,
      log: ({ cause, message }) => void lines.push(`${message}: ${String(cause)}`)
    })
    return { lines, pool }
  }

  it("is a line in the log where it throws, as where it rejects", async () => {
    const { lines, pool } = make()
    for (const asynchronously of [false, true]) {
      const controller = new AbortController()
      const used = pool.withMany(2, () => {
        controller.abort("enough")
        if (asynchronously) return Promise.reject(new Error("unheard"))
        throw new Error("unheard")
      }, { signal: controller.signal })
      assert.strictEqual(await failure(used), "enough")
    }
    await turn()
    const line = "A body failed when nobody waited for it any more: Error: unheard"
    assert.deepStrictEqual(lines, [line, line])
    await pool.close()
  })

  it("is none where it has but heard from any of its leases that nobody does", async () => {
    const { lines, pool } = make()
    const ended: Array<unknown> = []
    for (const i of [0, 1]) {
      const used = pool.withMany(2, async (leases) => {
        await turn()
        pool.revoke(leases[1]!)
        await turn()
        try {
          leases[i]!.renew()
        } catch (error) {
          ended.push(error)
          throw error
        }
      })
      await failure(used)
      await turn()
      await turn()
    }
    assert.lengthOf(ended, 2)
    assert.deepStrictEqual(lines, [])
    await pool.close()
  })
})

describe("the stack of an error of a pool by key", () => {
  const make = () =>
    KeyedPromisePool.make({
      acquire: (key: string) => ({ key }),
      size: { max: 2 },
      classes: { people: {} },
      closing: { timeout: 0 }
    })
  type Pool = ReturnType<typeof make>

  const ways: Readonly<Record<string, (pool: Pool) => Promise<unknown>>> = {
    "borrow": async function theCaller(pool) {
      return await pool.borrow("a", { class: "nobody" as never })
    },
    "with": async function theCaller(pool) {
      return await pool.with("a", () => {}, { class: "nobody" as never })
    },
    "borrowMany": async function theCaller(pool) {
      return await pool.borrowMany("a", 1, { class: "nobody" as never })
    },
    "withMany": async function theCaller(pool) {
      return await pool.withMany("a", 1, () => {}, { class: "nobody" as never })
    }
  }
  for (const [how, ask] of Object.entries(ways)) {
    it(`has the caller of \`${how}\`, where a class is not known, and where the pool is closed`, async () => {
      const pool = make()
      const unknown = await failure(ask(pool))
      assert.instanceOf(unknown, InvalidPoolOptions)
      assert.match(unknown.stack!, /theCaller/)
      await pool.close()
      const closed = await failure(ask(pool))
      assert.instanceOf(closed, PoolClosed)
      assert.match(closed.stack!, /theCaller/)
    })
  }
})

describe("`captureBorrowSite` of pools by key", () => {
  const make = () =>
    KeyedPromisePool.make({
      acquire: (key: string) => ({ key }),
      captureBorrowSite: true,
      size: { max: 2, perKey: { max: 2 } },
      closing: { timeout: 0 }
    })
  type Pool = ReturnType<typeof make>

  it("has errors of several name their caller, also where he awaits nothing", async () => {
    const pool = make()
    await pool.borrow("a")
    const ways = [
      function theCaller(pool: Pool) {
        return pool.borrowMany("a", 2, { timeout: 0 })
      },
      function theCaller(pool: Pool) {
        return pool.withMany("a", 2, () => {}, { timeout: 0 })
      }
    ]
    for (const ask of ways) {
      const error = await failure(ask(pool))
      assert.match((error as Error).stack!, /\n {4}at (Array\.)?theCaller/)
    }
    await pool.close()
  })
})

it("a class of any name has its counts", async () => {
  await using pool = PromisePool.make({ objects: ["a"], classes: { ["__proto__"]: { most: 1 }, "": {} } })
  using _lease = pool.borrowSync({ class: "__proto__" as never })
  const counts = Object.entries(pool.stats().classes!).map(([name, { leases }]) => [name, leases])
  assert.deepStrictEqual(counts, [["__proto__", 1], ["", 0]])
})
