import { assert, describe, it } from "@effect/vitest"
import { linesOf } from "../support/example.ts"

describe.concurrent("the example", () => {
  it("quickStart lends only the keys that have quota, and waits when none has", async () => {
    const lines = await linesOf("quickStart")

    assert.strictEqual(lines[0], "2 keys: 2 available, 0 borrowed, 0 dormant")
    assert.include(lines[3], "1 borrowed")
    assert.deepStrictEqual(lines.filter((line) => line.includes("translated")).map((line) => line.split(" ")[0]), [
      "\"one\"",
      "\"two\"",
      "\"three\"",
      "\"four\""
    ])
    assert.include(lines, "2 keys: 0 available, 0 borrowed, 2 dormant")
  })

  it("selectors shows how each selector distributes, the same each time", async () => {
    const [lines, again] = await Promise.all([linesOf("selectors"), linesOf("selectors")])
    const counts = new Map(
      lines.map((line) => [line.slice(0, 18).trim(), Array.from(line.slice(18).matchAll(/\d+/g), Number)])
    )

    assert.deepStrictEqual(again, lines)
    assert.deepStrictEqual([...counts.keys()], ["random", "round robin", "weighted", "custom", "custom, async"])
    for (const [, [small = 0, medium = 0, large = 0]] of counts) assert.strictEqual(small + medium + large, 1000)
    for (const count of counts.get("random") ?? []) assert.approximately(count, 333, 60)
    assert.sameMembers(counts.get("round robin") ?? [], [334, 333, 333])
    const [small = 0, medium = 0, large = 0] = counts.get("weighted") ?? []
    assert.approximately(small, 100, 40)
    assert.approximately(medium, 300, 60)
    assert.approximately(large, 600, 60)
    assert.deepStrictEqual(counts.get("custom"), [100, 300, 600])
    const [least = 0, , most = 0] = counts.get("custom, async") ?? []
    assert.isBelow(least, most)
  })

  it("customLease commits what succeeds, and rolls back what fails", async () => {
    assert.deepStrictEqual(await linesOf("customLease"), [
      "berlin-1: BEGIN",
      "berlin-1: UPDATE accounts_eu SET balance = balance - 70",
      "berlin-1: COMMIT",
      "transferred 70",
      "berlin-1: BEGIN",
      "berlin-1: UPDATE accounts_eu SET balance = balance - 700",
      "berlin-1: ROLLBACK",
      "refused, and rolled back",
      "berlin-1: BEGIN",
      "berlin-1: SELECT 1",
      "berlin-1: COMMIT"
    ])
  })

  it("leaseTimeout tells the holder that its time is over, unless it renews", async () => {
    assert.deepStrictEqual(await linesOf("leaseTimeout"), [
      "with: interrupted, cleaning up",
      "with: LeaseExpired, Expired",
      "borrow: interrupted, cleaning up",
      "borrow: LeaseExpired, Expired",
      "renew: done, after 2 seconds under leases of 1",
      "the page is still there",
      "1 available, 4 borrows, 2 expired"
    ])
  })

  it("apiKeys lets a refused key rest as long as the server says, and sends nothing with it meanwhile", async () => {
    const lines = await linesOf("apiKeys")
    const keys = lines.slice(0, 4).map((line) => Array.from(line.matchAll(/\d+/g), Number))

    assert.strictEqual(lines.at(-1), "2000 requests answered, 0 sent on a resting key")
    // on a busy machine there may be less than a quota allows, and none is refused
    for (const [, , refused, rests, wakes] of keys) assert.deepStrictEqual([rests, wakes], [refused, refused])
  })
})
