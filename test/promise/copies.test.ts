/** Two copies of the package in one process, as two dependencies of a program may bring. */
import { assert, describe, it, vi } from "@effect/vitest"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Predicate from "effect/Predicate"
import * as one from "../../src/index.ts"
import * as first from "../../src/promise.ts"
import { failure, idle } from "../support/promises.ts"

vi.resetModules()
const other = await import("../../src/index.ts")
const second = await import("../../src/promise.ts")

/** How each error comes about, in a pool of whichever copy. */
const failing = {
  BorrowTimeout: async ({ PromisePool }: typeof first) =>
    PromisePool.make({ objects: ["a"] }).borrow({ timeout: 0, where: () => false }),
  PoolExhausted: async ({ PromisePool }: typeof first) => PromisePool.make<string>({}).borrowSync(),
  PoolClosed: async ({ PromisePool }: typeof first) => {
    const pool = PromisePool.make<string>({})
    await pool.close()
    await pool.borrow()
  },
  PoolFull: async ({ PromisePool }: typeof first) => PromisePool.make({ objects: ["a"], size: { max: 1 } }).add("b"),
  DuplicateObject: async ({ PromisePool }: typeof first) => {
    const object = {}
    return PromisePool.make({ objects: [object] }).add(object)
  },
  LeaseExpired: async ({ PromisePool }: typeof first) => {
    const lease = PromisePool.make({ objects: ["a"] }).borrowSync()
    lease.releaseSync()
    lease.renew()
  },
  InvalidPoolOptions: async ({ PromisePool }: typeof first) => PromisePool.make({ objects: ["a"], size: { max: 0 } }),
  NotSynchronous: async ({ PromisePool }: typeof first) => PromisePool.make({ acquire: async () => "a" }).borrowSync()
}

describe("an error of another copy of the package", () => {
  for (const [name, fail] of Object.entries(failing)) {
    it(`is no instance of this one's ${name}, but has its _tag, and its message`, async () => {
      const kind = name as keyof typeof failing
      const Mine = { ...first }[kind]
      const own = await failure(fail(first))
      const error = await failure(fail(second as unknown as typeof first))

      assert.deepStrictEqual([own instanceof Mine, error instanceof Mine], [true, false])
      assert.isTrue(error instanceof second[kind])
      assert.isTrue(Predicate.isTagged(error, name))
      assert.strictEqual((error as Error).name, name)
      assert.match((error as Error).message, /^Pool "PromisePool"/)
    })
  }
})

describe("the pool of another copy, by its tag", () => {
  it("lends to promises of this one, in their turn, and gives its own errors", async () => {
    class Keys extends one.PoolService<Keys, string>()("copies/Keys") {}
    class Same extends other.PoolService<Same, string>()("copies/Keys") {}
    const runtime = ManagedRuntime.make(Keys.layer({ objects: ["a"] }))
    const pool = await second.PromisePool.fromRuntime(
      Same,
      runtime as unknown as ManagedRuntime.ManagedRuntime<Same, never>
    )

    const lease = await pool.borrow()
    const waiting = pool.with((object) => object)
    assert.deepStrictEqual([lease.object, lease.id, pool.stats().waiting], ["a", 1, 1])
    await lease.release()
    assert.strictEqual(await waiting, "a")

    const held = pool.borrowSync()
    const error = await failure(pool.borrow({ timeout: 1 }))
    assert.deepStrictEqual(
      [error instanceof second.BorrowTimeout, error instanceof first.BorrowTimeout],
      [false, true]
    )
    assert.isTrue(pool.revoke(held))
    assert.isTrue(held.signal.aborted)
    idle(pool)
    await runtime.dispose()
  })
})
