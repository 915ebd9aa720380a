/** Time as a test runner tells it: a pool follows the timers that there are, whatever the runner replaces beside them. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mock } from "node:test"
import { PoolService } from "../../src/index.ts"
import { BorrowTimeout, LeaseExpired, PromisePool } from "../../src/promise.ts"
import { entry, run } from "../support/program.ts"
import { failure, idle } from "../support/promises.ts"

/** What a test runner can do with the time. */
interface Faking {
  readonly fake: () => void
  readonly tick: (millis: number) => void
  readonly restore: () => void
}

const vitest = (toFake?: Parameters<typeof vi.useFakeTimers>[0]): Faking => ({
  fake: () => void vi.useFakeTimers(toFake),
  tick: (millis) => void vi.advanceTimersByTime(millis),
  restore: () => void vi.useRealTimers()
})

const runners: Readonly<Record<string, Faking>> = {
  "all that Vitest replaces": vitest(),
  "what older ones replace: timers and `Date`": vitest({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate", "Date"]
  }),
  "timers and `performance`": vitest({ toFake: ["setTimeout", "clearTimeout", "performance"] }),
  "`setTimeout` alone": vitest({ toFake: ["setTimeout", "clearTimeout"] }),
  "all that Node replaces": {
    fake: () => mock.timers.enable(),
    tick: (millis) => mock.timers.tick(millis),
    restore: () => mock.timers.reset()
  }
}

const trueTurn = setImmediate
/** Lets promises settle, and the pool have its turns. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => trueTurn(resolve))
}

/** What a promise has come to; nothing waits for a tick. */
const outcome = async <B>(promise: Promise<B>): Promise<B | "pending"> => {
  const pending = settle().then(() => "pending" as const)
  return Promise.race([promise, pending])
}

afterEach(() => {
  vi.useRealTimers()
  mock.timers.reset()
})

for (const [what, { fake, restore, tick }] of Object.entries(runners)) {
  describe(`under ${what}`, () => {
    it("a borrow is rejected when its time has been ticked away, not before", async () => {
      fake()
      const pool = PromisePool.make({ objects: ["a"], borrowTimeout: 1_000 })
      const lease = await pool.borrow()
      const waiting = failure(pool.borrow())

      tick(999)
      assert.strictEqual(await outcome(waiting), "pending")
      tick(2_001)

      assert.instanceOf(await outcome(waiting), BorrowTimeout)
      await lease.release()
      idle(pool)
    })

    it("each borrow has its own time, whatever was ticked before it came", async () => {
      fake()
      const pool = PromisePool.make({ objects: ["a"], borrowTimeout: 1_000 })
      await pool.borrow()
      const first = failure(pool.borrow())
      tick(400)
      // nothing tells how much was ticked
      if (what === "`setTimeout` alone") return
      const second = failure(pool.borrow())

      tick(600)
      assert.instanceOf(await outcome(first), BorrowTimeout)
      assert.strictEqual(await outcome(second), "pending")
      tick(400)

      assert.instanceOf(await outcome(second), BorrowTimeout)
    })

    it("a lease expires, an object wakes, and a pool closes in time", async () => {
      fake()
      const pool = PromisePool.make({ objects: ["a"], leaseTimeout: "1 minute", closing: { timeout: "1 minute" } })
      const lease = await pool.borrow()
      tick(60_000)
      await settle()
      assert.instanceOf(lease.signal.reason, LeaseExpired)

      pool.rest("a", "1 hour")
      tick(3_600_000)
      await settle()
      assert.strictEqual(pool.stats().available, 1)

      await pool.borrow({ leaseTimeout: "1 day" })
      const closing = pool.close()
      assert.strictEqual(await outcome(closing), "pending")
      tick(60_000)
      assert.isUndefined(await outcome(closing))
    })

    it("a waiter is served without a tick", async () => {
      fake()
      const pool = PromisePool.make({ objects: ["a"] })
      const lease = await pool.borrow()
      const waiting = pool.with((object) => object)

      await lease.release()

      assert.strictEqual(await outcome(waiting), "a")
      idle(pool)
    })

    it("a pool from before goes on where it was, and afterwards too", async () => {
      const pool = PromisePool.make({ objects: ["a"], borrowTimeout: "1 hour" })
      const lease = await pool.borrow()
      const before = failure(pool.borrow())

      fake()
      const during = failure(pool.borrow())
      tick(3_590_000)
      assert.deepStrictEqual([await outcome(before), await outcome(during)], ["pending", "pending"])
      tick(20_000)
      assert.instanceOf(await outcome(before), BorrowTimeout)
      assert.instanceOf(await outcome(during), BorrowTimeout)
      // its timer is left behind
      const left = failure(pool.borrow({ timeout: 5 }))
      restore()

      assert.instanceOf(await failure(pool.borrow({ timeout: 10 })), BorrowTimeout)
      assert.instanceOf(await outcome(left), BorrowTimeout)
      await lease.release()
      idle(pool)
    })

    it("a pool of a layer follows as well", async () => {
      class Names extends PoolService<Names, string>()("faked/Names") {}
      const layer = Names.layer({ objects: ["a"], borrowTimeout: 1_000 })
      const pool = await PromisePool.fromLayer(Names, Layer.merge(layer, Layer.effectDiscard(Effect.void)))
      fake()
      const lease = await pool.borrow()
      const waiting = failure(pool.borrow())

      tick(3_000)

      assert.instanceOf(await outcome(waiting), BorrowTimeout)
      const next = pool.borrow()
      await lease.release()
      assert.strictEqual((await outcome(next) as { object: string }).object, "a")
    })
  })
}

describe("the wall clock", () => {
  it("that a test sets, and its timers stay as they are, moves no duration", async () => {
    const pool = PromisePool.make({ objects: ["a"], borrowTimeout: "1 hour", leaseTimeout: "1 hour" })
    const lease = await pool.borrow()
    const waiting = pool.borrow()

    vi.setSystemTime(new Date(Date.now() + 365 * 86_400_000))
    assert.strictEqual(await outcome(waiting), "pending")
    assert.instanceOf(await failure(pool.borrow({ timeout: 5 })), BorrowTimeout)

    assert.isFalse(lease.signal.aborted)
    await lease.release()
    await (await waiting).release()
  })

  it("that is set under replaced timers does not either, where the runner measures time too", async () => {
    vi.useFakeTimers()
    const pool = PromisePool.make({ objects: ["a"], borrowTimeout: "1 hour" })
    await pool.borrow()
    const waiting = failure(pool.borrow())

    vi.setSystemTime(new Date(Date.now() + 365 * 86_400_000))
    vi.advanceTimersByTime(1)
    assert.strictEqual(await outcome(waiting), "pending")
    vi.advanceTimersByTime(3_600_000)

    assert.instanceOf(await outcome(waiting), BorrowTimeout)
  })
})

describe("a process whose timers are replaced", () => {
  it("has pools that are loaded after that, and use the true ones when they are back", async () => {
    const { code, lines } = await run(
      `
      const alive = setInterval(() => {}, 60_000)
      mock.timers.enable()
      const { PromisePool } = await import(${JSON.stringify(entry)})
      const pool = PromisePool.make({ objects: ["a"], borrowTimeout: 1_000 })
      await pool.borrow()
      const told = (error: Error) => console.log(error.name)
      const first = pool.borrow().catch(told)
      mock.timers.tick(400)
      const second = pool.borrow().catch(told)
      mock.timers.tick(600)
      mock.timers.tick(1)
      await first
      console.log("first")
      mock.timers.tick(400)
      mock.timers.tick(1)
      await second
      mock.timers.reset()
      clearInterval(alive)
      await pool.borrow({ timeout: 20 }).catch(told)
    `,
      `import { mock } from "node:test"`
    )

    assert.deepStrictEqual([code, lines], [0, ["BorrowTimeout", "first", "BorrowTimeout", "BorrowTimeout"]])
  })

  it("ends by itself, whenever those who wait began to", async () => {
    const { code, lines } = await run(`
      import { mock } from "node:test"
      const pool = PromisePool.make({ objects: ["a"] })
      const lease = await pool.borrow()
      const waiting = pool.borrow()
      mock.timers.enable()
      await lease.release()
      console.log((await waiting).object)
    `)

    assert.deepStrictEqual([code, lines], [0, ["a"]])
  })
})
