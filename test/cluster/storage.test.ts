/** What becomes of leases and waiters while the database of a cluster is away, or a host is cut off from everybody. */
import { afterAll, afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import { freePort, type Postgres, startPostgres } from "../support/postgres.ts"
import { reap } from "./support/processes.ts"
import { makeProxy, makeWorld, mark, sleep, within } from "./support/world.ts"

let postgres: Postgres
beforeAll(async () => void (postgres = await startPostgres()))
afterAll(async () => {
  await reap()
  await postgres.remove()
})
afterEach(reap)

describe("a database", () => {
  it("that is away for 10 seconds, less than the lock's expiry, ends no lease, and keeps nobody from borrowing", async () => {
    const world = await makeWorld({ url: postgres.url, keys: ["k1", "k2"], timeToLive: 4000, lockExpiration: 20_000 })
    await world.host()
    const borrower = await world.borrower()
    const lease = await borrower.hold("a")

    await postgres.stop()
    await sleep(5000)
    const asked = mark()
    const other = await borrower.hold("b", 5000)
    within("borrowed while the database is away", asked, other.heard, 5000)
    await sleep(5000)
    await postgres.start()
    await sleep(2000)
    const [a, b] = [await borrower.end("a"), await borrower.end("b")]
    const after = await borrower.hold("c")

    assert.deepStrictEqual([a.error, b.error], [undefined, undefined])
    assert.deepStrictEqual([other.epoch, after.epoch], [lease.epoch, lease.epoch])
    const report = await world.guard.report()
    assert.deepStrictEqual([report.overlaps, report.refused], [[], 0])
    await borrower.end("c")
    await world.stop()
  })

  it("that is away for longer than the lock's expiry has the host grant nothing, and its borrowers told by their deadlines", async () => {
    const world = await makeWorld({ url: postgres.url, keys: ["k1"], timeToLive: 2000, lockExpiration: 4000 })
    await world.host()
    const [holder, waiter] = await Promise.all([world.borrower(), world.borrower()])
    const lease = await holder.hold("a")

    await postgres.stop()
    const stopped = mark()
    const lost = await holder.ended("a")
    within("storage gone: lease lost", stopped, lost.heard, 4500)
    const asked = mark()
    waiter.ask("b", 3000)
    const refused = await waiter.ended("b")
    within("storage gone: refused", asked, refused.heard, 4000)
    await postgres.start()
    const after = await waiter.hold("c", 60_000)

    assert.deepStrictEqual([lost.error, refused.error], ["LeaseExpired Lost", "PoolUnavailable Unreachable"])
    assert.isAtLeast(after.epoch, lease.epoch)
    const report = await world.guard.report()
    assert.deepStrictEqual([report.overlaps, report.refused], [[], 0])
    await waiter.end("c")
    await world.stop()
  })
})

describe("a host that is cut off from everybody", () => {
  it("ends its leases and grants nothing, on both sides of the cut, while another takes over, and when it is back", async () => {
    const listens = [await freePort(), await freePort()]
    const proxy = await makeProxy({
      first: listens[0]!,
      firstStorage: postgres.port,
      second: listens[1]!,
      secondStorage: postgres.port
    })
    const world = await makeWorld({ url: postgres.url, keys: ["k1"], timeToLive: 2000, lockExpiration: 4000 })
    const storage = (way: string) => postgres.url.replace(`:${postgres.port}/`, `:${proxy.ports[way]}/`)
    const [first, second] = await Promise.all(
      (["first", "second"] as const).map((way, at) =>
        world.host({ port: proxy.ports[way]!, listens: listens[at]!, url: storage(`${way}Storage`) })
      )
    )
    const [holder, waiter] = await Promise.all([world.borrower(), world.borrower()])
    const lease = await holder.hold("a")
    waiter.ask("b")
    await sleep(1000)

    const way = world.hosting() === first ? "first" : "second"
    assert.isTrue(world.hosting() === first || world.hosting() === second)
    const began = mark()
    await proxy.set("drop", way, `${way}Storage`)
    const lost = await holder.ended("a")
    within("cut off: lease lost", began, lost.heard, 2500)
    const granted = await waiter.granted("b")
    within("cut off: served by the other", began, granted.heard, 12_000)
    await proxy.set("pass", way, `${way}Storage`)
    holder.ask("c")
    await sleep(3000)
    await waiter.end("b")
    const next = await holder.granted("c")

    assert.strictEqual(lost.error, "LeaseExpired Lost")
    assert.isAbove(granted.epoch, lease.epoch)
    assert.strictEqual(next.epoch, granted.epoch)
    const report = await world.guard.report()
    assert.deepStrictEqual([report.overlaps, report.refused, report.backwards], [[], 0, 0])
    await holder.end("c")
    await world.stop()
    await proxy.stop()
  })
})
