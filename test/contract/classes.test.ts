/** Classes of borrowers: `classes`, and who is refused, interrupted, or served as the pool closes or is suspended. */
import { assert, it } from "@effect/vitest"
import { contract, endOf, watch } from "./kit.ts"

const objects = ["a", "b", "c"]

contract(({ make, pass, serves }) => {
  it("never lets a class have more leases than its most, and gives what it leaves to others", async () => {
    const pool = await make({ objects, classes: { people: {}, batch: { most: 1 } } })
    const batch = await pool.borrow({ class: "batch" })
    const second = watch(pool.borrow({ class: "batch" }))
    const person = watch(pool.borrow({ class: "people" }))
    await pass()

    assert.deepStrictEqual([second.state, person.state], ["waits", "ok"])
    await batch.release()
    await pass()
    assert.strictEqual(second.state, "ok")
    await second.value!.release()
    await person.value!.release()
    await serves(pool, 3)
  })

  it("leaves a class its reserve, also what those who name no class might have", async () => {
    const pool = await make({ objects, classes: { people: { reserve: 2 }, batch: {} } })
    const batch = await pool.borrow({ class: "batch" })
    const waiting = [watch(pool.borrow({ class: "batch" })), watch(pool.borrow())]
    await pass()
    const people = [await pool.borrow({ class: "people" }), await pool.borrow({ class: "people" })]

    assert.deepStrictEqual(waiting.map(({ state }) => state), ["waits", "waits"])
    for (const lease of people) await lease.release()
    await pass()
    assert.deepStrictEqual(waiting.map(({ state }) => state), ["waits", "waits"])
    await batch.release()
    await pass()
    assert.deepStrictEqual(waiting.map(({ state }) => state), ["ok", "waits"])
    await waiting[0]!.value!.release()
    await pass()
    await waiting[1]!.value!.release()
    // the reserve is left by those who name no class
    await serves(pool, 1)
  })

  it("has a borrower who gives up, or is late, leave nothing behind with his class", async () => {
    const pool = await make({ objects, classes: { batch: { most: 1 } } })
    const batch = await pool.borrow({ class: "batch" })
    const stop = new AbortController()
    const stopped = watch(pool.borrow({ class: "batch", signal: stop.signal }))
    const late = watch(pool.borrow({ class: "batch", timeout: 10 }))
    const next = watch(pool.borrow({ class: "batch" }))
    await pass(10)
    stop.abort("no more")
    await pass()

    assert.strictEqual(late.state, "BorrowTimeout")
    assert.notStrictEqual(stopped.state, "waits")
    assert.deepInclude(late.error, { class: "batch" })
    assert.deepInclude((await pool.stats()).classes!["batch"], { leases: 1, waiting: 1 })
    await batch.release()
    await pass()
    assert.strictEqual(next.state, "ok")
    await next.value!.release()
    assert.deepInclude((await pool.stats()).classes!["batch"], { leases: 0, waiting: 0 })
    await serves(pool, 3)
  })

  it("lets a class that was declared be named, and no other", async () => {
    const pool = await make({ objects, classes: { batch: {} } })
    assert.include(await endOf(pool.borrow({ class: "people" })), "InvalidPoolOptions")
    assert.include(await endOf(make({ objects, classes: { batch: { most: 1, reserve: 2 } } })), "InvalidPoolOptions")
    await serves(pool, 3)
  })
})
