/** Callers who leave, and judges, verdicts and failover amid that, for those who have no Effect. */
import { assert, describe, it } from "@effect/vitest"
import { PromisePool, Selector, Verdict } from "../../src/promise.ts"
import { run } from "../support/program.ts"
import { failure, idle, turn, until } from "../support/promises.ts"

/** Ends as its signal says. */
const heeding = (_: unknown, signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("socket hang up"))))

describe("a caller that leaves", () => {
  it("is no failure of its object, however its function ends then", async () => {
    const seen: Array<unknown> = []
    const outlier = Verdict.outlier({ after: 1 })
    const pool = PromisePool.make({
      objects: ["a"],
      judge: (settled, pooled) => {
        seen.push(settled.status === "rejected" ? String(settled.reason) : settled.value)
        return outlier(settled, pooled)
      }
    })
    const controller = new AbortController()
    const left = failure(pool.with(heeding, { signal: controller.signal }))
    await turn()
    controller.abort("gone")
    assert.strictEqual(await left, "gone")
    await until(() => pool.stats().leases === 0)
    assert.deepStrictEqual([seen, pool.stats().available], [["Error: socket hang up"], 1])
    // while it waits for itself, a failure is one
    await failure(pool.with(() => Promise.reject(new Error("broken"))))
    assert.deepStrictEqual([seen[1], pool.stats().dormant], ["Error: broken", 1])
  })

  it("is no failure of what is being packed for it", async () => {
    const pool = PromisePool.make({
      objects: ["a"],
      pack: (lease, signal) => heeding(lease, signal),
      judge: Verdict.outlier({ after: 1 })
    })
    for (const borrow of [pool.borrow, (options: object) => pool.with(() => {}, options)]) {
      const controller = new AbortController()
      const left = failure(borrow({ signal: controller.signal }))
      await turn()
      controller.abort("gone")
      assert.strictEqual(await left, "gone")
      await until(() => pool.stats().leases === 0)
      assert.strictEqual(pool.stats().available, 1)
    }
    idle(pool)
  })

  it("has its function run on no other object, nor takes anything of it", async () => {
    const seen: Array<unknown> = []
    const pool = PromisePool.make({
      objects: ["a", "b", "c"],
      allowance: { limit: 1, per: "1 hour" },
      judge: (settled) => void seen.push(settled.status)
    })
    const controller = new AbortController()
    let ran = 0
    const left = failure(pool.with((object, signal) => {
      ran++
      return heeding(object, signal)
    }, { failover: 5, signal: controller.signal }))
    await turn()
    controller.abort("gone")
    assert.strictEqual(await left, "gone")
    await until(() => pool.stats().leases === 0)
    await turn()
    assert.deepStrictEqual([ran, seen.length, pool.stats().totals.borrowed, pool.stats().dormant], [1, 1, 1, 1])
  })

  it("before its function has begun is no failure either", async () => {
    const seen: Array<unknown> = []
    const outlier = Verdict.outlier({ after: 1 })
    const controller = new AbortController()
    const pool = PromisePool.make({
      objects: ["a", "b"],
      leaseTimeout: () => {
        controller.abort("gone")
        return "1 hour"
      },
      judge: (settled, pooled) => {
        seen.push(settled.status === "rejected" ? settled.reason : settled.value)
        return outlier(settled, pooled)
      }
    })
    assert.strictEqual(await failure(pool.with(() => {}, { failover: 2, signal: controller.signal })), "gone")
    await turn()
    assert.strictEqual(pool.stats().available, 2)
    assert.strictEqual(pool.stats().totals.borrowed <= 1, true)
  })
})

describe("failover", () => {
  const expiring = (lines: Array<string>) =>
    PromisePool.make({
      objects: ["a", "b"],
      leaseTimeout: 20,
      onLeaseExpired: "return",
      select: Selector.roundRobin,
      log: ({ annotations, message }) => void lines.push(`${message}: ${annotations.object}`)
    })
  const late = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

  it("has a function that fails in time say nothing in the log, after one that was late", async () => {
    const lines: Array<string> = []
    const pool = expiring(lines)
    const failed = await failure(
      pool.with((object) => object === "a" ? late(60) : Promise.reject(object), { failover: 1 })
    )
    assert.strictEqual(failed, "b")
    await late(60)
    assert.deepStrictEqual(lines, [])
  })

  it("has a function that fails too late say so in the log, though another call of it has succeeded", async () => {
    const lines: Array<string> = []
    const pool = expiring(lines)
    const fails = () => late(40).then(() => Promise.reject(new Error("late")))
    assert.strictEqual(await pool.with((object) => object === "a" ? fails() : object, { failover: 1 }), "b")
    await until(() => lines.length > 0)
    assert.deepStrictEqual(lines, ["A body failed when nobody waited for it any more: 1"])
  })

  it("has told the function that its time is over before it is called again", async () => {
    const pool = expiring([])
    let told: AbortSignal | undefined
    const aborted = await pool.with((object, signal) => {
      if (object === "b") return told?.aborted
      told = signal
      return late(60)
    }, { failover: 1 })
    assert.isTrue(aborted)
    assert.include(String(told?.reason), "LeaseExpired")
  })

  it("keeps the process alive while it waits for another object", async () => {
    const { code, lines } = await run(`
      const pool = PromisePool.make({ objects: ["a", "b"], select: (available) => available[0] })
      const other = await pool.borrow({ where: ({ object }) => object === "b" })
      other.rest(100)
      other.releaseSync()
      console.log(await pool.with((object) => object === "a" ? Promise.reject("broken") : "fine", { failover: 1 }))
    `)
    assert.deepStrictEqual([code, lines], [0, ["fine"]])
  })
})

describe("a judge", () => {
  it("that answers with a promise says nothing, and leaves none unhandled", async () => {
    const { code, lines } = await run(`
      const lines = []
      const judge = async () => { throw new Error("later") }
      const pool = PromisePool.make({ objects: ["a"], judge, log: ({ message }) => lines.push(message) })
      console.log(await pool.with((object) => object))
      await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(lines.join())
    `)
    assert.deepStrictEqual([code, lines], [0, ["a", "A judge says nothing of an object, since it has failed"]])
  })
})

describe("ranks", () => {
  it("are read of a record, as weights are", async () => {
    const pool = PromisePool.make({
      objects: ["a", "b"],
      select: { rank: ({ object }) => object === "b" ? 0 : 1, within: Selector.roundRobin }
    })
    assert.strictEqual(await pool.with((object) => object), "b")
  })
})
