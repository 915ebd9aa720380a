/** What follows where one borrower hands an object to the next. */
import { assert, describe, it } from "@effect/vitest"
import { PromisePool } from "../../src/promise.ts"
import { failure, idle, turn, until } from "../support/promises.ts"

describe("those who hand an object to each other", () => {
  it("let others have their turn, though they never wait for anything else", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    let turned = false
    setImmediate(() => {
      turned = true
    })
    let borrows = 0
    const client = async () => {
      while (!turned && borrows < 1_000_000) {
        borrows++
        await pool.with(async (object) => object)
      }
    }
    await Promise.all([client(), client(), client()])

    assert.isTrue(turned)
    assert.isBelow(borrows, 1_000_000)
    idle(pool)
  })

  it("keep their order, where some of them are put off until others have had their turn", async () => {
    const pool = PromisePool.make({ objects: ["a", "b", "c"] })
    const borrowers = Array.from({ length: 60 }, (_, i) => i)
    const begun: Array<number> = []
    await Promise.all(borrowers.map((borrower) =>
      pool.with(async () => {
        begun.push(borrower)
        const start = performance.now()
        while (performance.now() - start < 0.5);
      })
    ))

    assert.deepStrictEqual(begun, borrowers)
    idle(pool)
  })

  it("keep it until a promise with a `then` of its own has settled", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    let settle: (value: string) => void = () => {}
    const own = Promise.resolve("at once")
    const heard = (told: (value: string) => void) => {
      settle = told
    }
    void Reflect.set(own, `${"th"}en`, heard)
    const used = pool.with((_object) => own)
    await turn()
    assert.strictEqual(pool.stats().borrowed, 1)
    settle("later")

    assert.strictEqual(await used, "later")
    idle(pool)
  })

  it("reject with a frozen error as it is", async () => {
    const pool = PromisePool.make({ objects: ["a"], borrowTimeout: 0 })
    const lease = pool.borrowSync()
    const frozen = Object.freeze(await failure(pool.borrow()))
    await lease.release()

    assert.strictEqual(await failure(pool.with(() => Promise.reject(frozen))), frozen)
    idle(pool)
  })

  it("leave no timer behind when the pool is closed", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const before = timers()
    const pools = Array.from({ length: 20 }, () => PromisePool.make({ objects: ["a"] }))
    for (const pool of pools) {
      const lease = pool.borrowSync()
      const waiting = pool.borrow()
      lease.releaseSync()
      await (await waiting).release()
      await pool.close()
    }
    await until(() => timers() <= before)

    assert.isAtMost(timers(), before)
  })

  it("and are aborted by one signal, cost no search among all of them", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const lease = pool.borrowSync()
    const controller = new AbortController()
    let removed = 0
    const { signal } = controller
    const remove = signal.removeEventListener.bind(signal)
    Object.assign(signal, {
      removeEventListener: (...given: Parameters<typeof remove>) => {
        removed++
        remove(...given)
      }
    })
    const waiting = Array.from({ length: 100 }, () => failure(pool.borrow({ signal })))
    controller.abort()
    await Promise.all(waiting)

    assert.strictEqual(removed, 0)
    await lease.release()
    idle(pool)
  })
})
