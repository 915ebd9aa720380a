/** Errors say whose call has failed: its caller is in the stack, whether the call has waited or not. */
import { assert, describe, it } from "@effect/vitest"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { inspect } from "node:util"
import { PoolService } from "../../src/index.ts"
import { PromisePool } from "../../src/promise.ts"
import { failure } from "../support/promises.ts"

const object = {}
const make = () => PromisePool.make({ name: "keys", objects: [object], size: { max: 1 }, closing: { timeout: 0 } })
type Pool = ReturnType<typeof make>

class Names extends PoolService<Names, object>()("sites/Names") {}
const overRuntime = (): Promise<Pool> =>
  PromisePool.fromRuntime(Names, ManagedRuntime.make(Names.layer({ objects: [object], size: { max: 1 } })))

const closed = async (): Promise<Pool> => {
  const pool = make()
  await pool.close()
  return pool
}
const lent = async (): Promise<Pool> => {
  const pool = make()
  await pool.borrow()
  return pool
}
/** Time for those who wait to be told. */
const timeout = 5

/** Each `theCaller` is the function whose line is looked for. */
const failing: Readonly<Record<string, readonly [pool: () => Pool | Promise<Pool>, run: (pool: Pool) => unknown]>> = {
  "borrow, with nonsense": [make, async function theCaller(pool) {
    await pool.borrow({ timeout: -1 })
  }],
  "borrow, with an unknown option": [make, async function theCaller(pool) {
    await pool.borrow({ leaseTimout: 1 } as never)
  }],
  "borrow, at once": [lent, async function theCaller(pool) {
    await pool.borrow({ timeout: 0 })
  }],
  "borrow, in time": [lent, async function theCaller(pool) {
    await pool.borrow({ timeout })
  }],
  "borrow, in time, over a runtime": [overRuntime, async function theCaller(pool) {
    await pool.borrow()
    await pool.borrow({ timeout })
  }],
  "borrow, among others": [lent, async function theCaller(pool) {
    await Promise.all([pool.borrow({ timeout }), new Promise(() => {})])
  }],
  "borrow, as the pool closes": [lent, async function theCaller(pool) {
    const waiting = pool.borrow()
    setTimeout(() => void pool.close(), timeout)
    await waiting
  }],
  "borrow of a closed pool": [closed, async function theCaller(pool) {
    await pool.borrow()
  }],
  "borrow whose promise is passed on": [lent, async function theCaller(pool) {
    await pool.borrow({ timeout }).then((lease) => lease.object).finally(() => {})
  }],
  "borrowSync": [lent, function theCaller(pool) {
    pool.borrowSync()
  }],
  "borrowSync that would wait": [
    () => PromisePool.make({ acquire: async () => object }),
    function theCaller(pool) {
      pool.borrowSync()
    }
  ],
  "with, at once": [lent, async function theCaller(pool) {
    await pool.with(() => {}, { timeout: 0 })
  }],
  "with, in time": [lent, async function theCaller(pool) {
    await pool.with(() => {}, { timeout })
  }],
  "with, whose lease expires": [make, async function theCaller(pool) {
    await pool.with(() => new Promise(() => {}), { leaseTimeout: timeout })
  }],
  "add": [make, async function theCaller(pool) {
    await pool.add(object)
  }],
  "addAll": [make, async function theCaller(pool) {
    await pool.addAll([{}, {}])
  }],
  "addSync": [make, function theCaller(pool) {
    pool.addSync({})
  }],
  "resize": [make, function theCaller(pool) {
    pool.resize({ max: -1 })
  }],
  "suspend": [closed, function theCaller(pool) {
    pool.suspend()
  }],
  "detect": [closed, async function theCaller(pool) {
    await pool.detect()
  }],
  "drain": [closed, async function theCaller(pool) {
    await pool.drain()
  }],
  "make": [make, function theCaller() {
    PromisePool.make({ acquire: () => 1, size: { min: -1 } })
  }],
  "renew": [make, async function theCaller(pool) {
    const lease = await pool.borrow()
    await lease.release()
    lease.renew()
  }],
  "detach": [make, async function theCaller(pool) {
    const lease = await pool.borrow()
    await lease.release()
    await lease.detach()
  }]
}

describe("an error names its caller, and prints its message first", () => {
  for (const [what, [make, run]] of Object.entries(failing)) {
    it(`of ${what}`, async () => {
      const error = await failure(async () => run(await make()))

      assert.instanceOf(error, Error)
      const lines = String(error.stack).split("\n")
      assert.strictEqual(lines[0], String(error))
      assert.isTrue(lines.some((line) => /theCaller .*sites\.test\.ts/.test(line)), error.stack)
      assert.isTrue(inspect(error).startsWith(String(error)))
    })
  }

  it("of a call within a body, not of the body's own borrow", async () => {
    const pool = await lent()
    const other = PromisePool.make({ objects: ["a"] })
    const within = async () => {
      await pool.borrow({ timeout })
    }
    const around = async () => {
      await other.with(within)
    }

    const error = await failure(around())

    assert.include((error as Error).stack, "within")
    assert.strictEqual((error as Error).name, "BorrowTimeout")
  })

  it("of a promise that nobody awaits yet, where the pool remembers where each borrow has come from", async () => {
    const pool = PromisePool.make({ objects: [object], captureBorrowSite: true })
    await pool.borrow()
    const theCaller = () => pool.borrow({ timeout })

    const error = await theCaller().then(() => undefined, (error: unknown) => error)

    assert.match(String((error as Error).stack), /theCaller .*sites\.test\.ts/)
  })
})

describe("an error of the user's own", () => {
  it("is left as it is", async () => {
    const mine = new Error("mine")
    const { stack } = mine
    const pool = PromisePool.make({
      acquire: async () => {
        throw mine
      }
    })

    assert.strictEqual(await failure(pool.borrow()), mine)
    assert.strictEqual(await failure(make().with(async () => Promise.reject(mine))), mine)
    assert.strictEqual(mine.stack, stack)
  })
})
