/** What is made too late: it is destroyed, and what goes wrong with that is a line in the log. */
import { assert, describe, it } from "@effect/vitest"
import { format } from "node:util"
import { BorrowTimeout, type PoolLogEntry, PromisePool } from "../../src/promise.ts"
import { deferred, failure, idle, never, refused, unhandled, until } from "../support/promises.ts"

/** A log, and what is written to it. */
const writing = () => {
  const lines: Array<string> = []
  return { log: (entry: PoolLogEntry) => void lines.push(format(entry)), text: () => lines.join("\n") }
}

/** A pool whose first object takes until it is resolved: longer than `creation.timeout`, and perhaps than `hookTimeout`. */
const slow = (destroy: (made: number) => unknown, hookTimeout: number, log = writing().log) => {
  const attempts: Array<ReturnType<typeof deferred<number>>> = []
  const pool = PromisePool.make({
    name: "late",
    acquire: () => {
      const attempt = deferred<number>()
      attempts.push(attempt)
      return attempt.promise
    },
    destroy,
    size: { max: 1 },
    creation: { timeout: 5 },
    hookTimeout,
    log
  })
  return { pool, attempts }
}

const ways: Readonly<Record<string, readonly [destroy: () => unknown, seen: string]>> = {
  throws: [() => {
    throw refused
  }, "refused"],
  rejects: [() => Promise.reject(refused), "refused"],
  "never ends": [() => never, "longer than hookTimeout"]
}

describe("an object that is made too late", () => {
  for (const [how, [destroy, seen]] of Object.entries(ways)) {
    it(`but while it is waited for, and whose destroy ${how}, is in the log`, async () => {
      const { log, text } = writing()
      const { attempts, pool } = slow(destroy, 50, log)

      const unseen = await unhandled(async () => {
        assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
        attempts[0]!.resolve(1)
        await until(() => pool.stats().making === 0)
        await until(() => text().includes(seen))
      })

      assert.deepStrictEqual(unseen, [])
      assert.deepStrictEqual([pool.stats().totals.made, pool.stats().totals.destroyed], [1, 1])
      idle(pool)
    })

    it(`and was given up, and whose destroy ${how}, is in the log`, async () => {
      const { log, text } = writing()
      const { attempts, pool } = slow(destroy, 5, log)
      const told: Array<string> = []
      const listening = (async () => {
        for await (const { _tag } of pool.events()) told.push(_tag)
      })()

      const unseen = await unhandled(async () => {
        assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
        await until(() => pool.stats().making === 0)
        attempts[0]!.resolve(1)
        await until(() => text().includes(seen) && told.includes("DestroyFailed"))
      })
      const { destroyed, made } = pool.stats().totals
      assert.deepStrictEqual([made, destroyed], [1, 1])

      assert.deepStrictEqual(unseen, [])
      assert.include(text(), "acquire made an object after it had been given up: it is destroyed")
      assert.include(text(), "late")
      idle(pool)
      await pool.close()
      await listening
    })
  }

  it("while it is waited for is destroyed once, and one that is given up too", async () => {
    const destroyed: Array<number> = []
    const { attempts, pool } = slow((made) => void destroyed.push(made), 50)

    assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
    attempts[0]!.resolve(1)
    await until(() => destroyed.length === 1)
    assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
    await until(() => pool.stats().making === 0)
    attempts[1]!.resolve(2)
    await until(() => destroyed.length === 2)

    assert.deepStrictEqual(destroyed, [1, 2])
    idle(pool)
  })

  it("is destroyed when its pool has closed meanwhile", async () => {
    const destroyed: Array<number> = []
    const { attempts, pool } = slow((made) => void destroyed.push(made), 5)
    const waiting = failure(pool.borrow({ timeout: "1 minute" }))

    await pool.close()
    attempts[0]!.resolve(1)
    await until(() => destroyed.length === 1)

    assert.strictEqual((await waiting as Error).name, "PoolClosed")
  })

  it("that fails after it was given up is no line in the log", async () => {
    const { log, text } = writing()
    const { attempts, pool } = slow(() => {}, 5, log)

    const unseen = await unhandled(async () => {
      await failure(pool.borrow())
      await until(() => pool.stats().making === 0)
      attempts[0]!.reject(refused)
    })

    assert.deepStrictEqual([unseen, text().includes("refused")], [[], false])
  })
})

describe("what pack has made too late", () => {
  for (const [how, [unpack, seen]] of Object.entries(ways)) {
    it(`and whose unpack ${how}, is in the log`, async () => {
      const { log, text } = writing()
      const work = deferred<string>()
      const pool = PromisePool.make({
        objects: ["a"],
        pack: () => work.promise,
        unpack,
        hookTimeout: 5,
        leaseTimeout: 5,
        log
      })

      await failure(pool.borrow())
      work.resolve("packed")
      await until(() => text().includes(seen))

      idle(pool)
    })
  }
})
