/** More come than can be served: `overload`. */
import { assert, it } from "@effect/vitest"
import type { Asked, Lease } from "./flavour.ts"
import { contract, watch } from "./kit.ts"

contract(({ make, pass, serves }) => {
  /** A pool of one object that is overloaded: its shortest wait was longer than 100 millis for as long as that is looked at. */
  const overloaded = async (options: Parameters<typeof make<string>>[0] = {}) => {
    const pool = await make({ objects: ["a"], overload: { target: 100, interval: 1000 }, ...options })
    let lease = await pool.borrow()
    const wait = (asked: Asked<string> = {}) => watch(pool.borrow(asked))
    /** Gives back, and has who is served hold the object. */
    const next = async (waiting: ReadonlyArray<{ readonly value: Lease<string> | undefined }>) => {
      await lease.release()
      await pass()
      const served = waiting.findIndex(({ value }) => value !== undefined && value.id > lease.id)
      if (served !== -1) lease = waiting[served]!.value!
      return served
    }
    const early = [wait(), wait(), wait(), wait(), wait(), wait()]
    for (let i = 0; i < 3; i++) {
      await pass(400)
      assert.strictEqual(await next(early), i)
    }
    await pass(400)
    return { pool, early: early.slice(3), next, wait, release: () => lease.release() }
  }

  it("refuses those who have waited longer than the target as others are served, the newest first, in an overload", async () => {
    const { early, next, pool, wait } = await overloaded()
    await pass(50)
    const late = [wait(), wait(), wait()]
    await pass(60)

    assert.strictEqual(await next(late), 2)

    assert.deepStrictEqual(early.map(({ state }) => state), Array.from({ length: 3 }, () => "PoolExhausted Overloaded"))
    assert.deepStrictEqual(late.map(({ state }) => state), ["waits", "waits", "ok"])
    assert.deepInclude((await pool.stats()).totals, { exhausted: 3, timedOut: 0 })
    assert.match(String((early[0]!.error as Error).message), /is overloaded/)
  })

  it("serves a higher priority first, and in each the newest, in an overload", async () => {
    const { next, wait } = await overloaded()
    const waiting = [wait(), wait({ priority: 1 }), wait({ priority: 1 }), wait()]
    const served = []
    for (let i = 0; i < waiting.length; i++) served.push(await next(waiting))
    assert.deepStrictEqual(served, [2, 1, 3, 0])
  })

  it("gives an object to the newest that may have it, in an overload", async () => {
    const { next, wait } = await overloaded()
    const waiting = [wait(), wait(), wait({ where: () => false })]
    assert.strictEqual(await next(waiting), 1)
  })

  it("serves the last who waits, however long that was, and nobody beside it is refused", async () => {
    const { early, next } = await overloaded()
    await pass(5000)

    assert.strictEqual(await next(early), 2)

    const refused = "PoolExhausted Overloaded"
    assert.deepStrictEqual(early.map(({ state }) => state), [refused, refused, "ok"])
  })

  it("is over when nobody waits any more: then the oldest is served first, and none is refused", async () => {
    const { early, next, pool, release, wait } = await overloaded()
    await next(early)
    assert.strictEqual((await pool.stats()).waiting, 0)
    const waiting = [wait(), wait(), wait()]
    const served = []
    for (let i = 0; i < 3; i++) {
      await pass(150)
      served.push(await next(waiting))
    }
    assert.deepStrictEqual(served, [0, 1, 2])
    await release()
    await serves(pool, 1)
  })

  it("is no overload where somebody was served in time in each interval", async () => {
    const pool = await make({ objects: ["a", "b"], overload: { target: 100, interval: 1000 } })
    const busy = await pool.borrow({ where: ({ object }) => object === "a" })
    const waiting = Array.from({ length: 4 }, () => watch(pool.borrow({ where: ({ object }) => object === "a" })))
    let lease = busy
    for (const each of waiting) {
      await pass(900)
      await (await pool.borrow()).release()
      await lease.release()
      await pass()
      assert.strictEqual(each.state, "ok")
      lease = each.value!
    }
  })

  it("has a selector of the user's own asked for the newest first, in an overload", async () => {
    const { next, wait } = await overloaded({ select: (available) => available[0] })
    const waiting = [wait(), wait(), wait()]
    assert.deepStrictEqual([await next(waiting), await next(waiting)], [2, 1])
  })

  it("refuses nobody without the option", async () => {
    const { early, next, wait } = await overloaded({ overload: undefined })
    const waiting = [...early, wait(), wait()]
    const served = []
    for (let i = 0; i < waiting.length; i++) {
      await pass(500)
      served.push(await next(waiting))
    }
    assert.deepStrictEqual(served, [0, 1, 2, 3, 4])
  })
})
