/** What becomes of leases and waiters when processes die, freeze and stop: real processes, and a real PostgreSQL. */
import { PgClient } from "@effect/sql-pg"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Memories } from "../../src/internal/cluster/memory.ts"
import { memoriesSql } from "../../src/internal/cluster/memorySql.ts"
import { type Postgres, startPostgres } from "../support/postgres.ts"
import { isFenced, isHandedOn } from "./support/memories.ts"
import { now, reap } from "./support/processes.ts"
import { lastUse, makeWorld, mark, type Settings, sleep, within, type World } from "./support/world.ts"

const timeToLive = 2000
const lockExpiration = 4000

let postgres: Postgres
beforeAll(async () => void (postgres = await startPostgres()))
afterAll(async () => {
  await reap()
  await postgres.remove()
})

let world: World
const begin = async (settings: Partial<Settings> = {}) => {
  world = await makeWorld({ url: postgres.url, keys: ["k1"], timeToLive, lockExpiration, ...settings })
  return world
}
afterEach(reap)

/** No lease was ever used at the same time as another of its key, and nothing came with a fence that was over. */
const assertGuarded = async () => {
  const report = await world.guard.report()
  assert.deepStrictEqual([report.overlaps, report.refused, report.backwards], [[], 0, 0])
  return report
}

/** All that is left stops when it is told to, in time, and by itself. */
const assertStops = async (most: number, killed: ReadonlyArray<string> = []) => {
  const began = mark()
  const endings = await world.stop()
  within("all stop", began, now(), most)
  assert.deepStrictEqual(endings.filter((ending) => ending !== 0), [...killed])
}

describe("a memory in SQL", () => {
  const inSql = (test: (memories: Memories) => Effect.Effect<void, unknown>) =>
    Effect.runPromise(
      Effect.flatMap(memoriesSql(`sql_${process.pid}`), test).pipe(
        Effect.provide(PgClient.layer({ url: Redacted.make(postgres.url) }))
      )
    )

  it("is handed on from host to host", () => inSql(isHandedOn))
  it("takes nothing from a host that another has followed", () => inSql((memories) => isFenced(memories, 30)))
})

describe("a borrower", () => {
  it("that is killed has its key with the next waiter within 100 milliseconds", async () => {
    const { borrower, host } = await begin()
    await host()
    const [killed, next] = [await borrower(), await borrower()]
    await killed.hold("a")
    next.ask("b")
    await sleep(300)

    const began = mark()
    killed.program.signal("SIGKILL")
    const granted = await next.granted("b")

    within("borrower killed", began, granted.heard, 100)
    await assertGuarded()
    await assertStops(3000, ["SIGKILL"])
  })

  it("that is frozen loses its key after the time to live, and does nothing more with it when it wakes", async () => {
    const { borrower, host } = await begin()
    await host()
    const [frozen, next] = [await borrower(), await borrower()]
    const lease = await frozen.hold("a")
    next.ask("b")
    await sleep(300)

    const began = mark()
    frozen.program.signal("SIGSTOP")
    const granted = await next.granted("b")
    within("borrower frozen", began, granted.heard, timeToLive + 500)
    await sleep(500)
    frozen.program.signal("SIGCONT")
    const ended = await frozen.ended("a")
    await sleep(200)

    assert.strictEqual(ended.error, "LeaseExpired Lost")
    const report = await assertGuarded()
    // what it had sent before may have been read after
    within("last use before the freeze", began, lastUse(report, lease).to, 100)
    await next.end("b")
    await assertStops(3000)
  })
})

/** Two runners, of which one is the host, and two borrowers. */
const beginWithTwo = async (settings?: Partial<Settings>) => {
  const { borrower, host } = await begin(settings)
  await Promise.all([host(), host()])
  return Promise.all([borrower(), borrower()])
}

describe("a host", () => {
  it("that is killed is followed by another within 6 seconds, which serves the waiters, and no lease outlives it", async () => {
    const [holder, waiter] = await beginWithTwo()
    const lease = await holder.hold("a")
    const first = world.hosting()
    waiter.ask("b")
    await sleep(1000)

    const began = mark()
    first.program.signal("SIGKILL")
    const granted = await waiter.granted("b")

    within("host killed", began, granted.heard, 6000)
    assert.strictEqual((await holder.ended("a")).error, "LeaseExpired Lost")
    assert.isAbove(granted.epoch, lease.epoch)
    await assertGuarded()
    await waiter.end("b")
    await assertStops(3000, ["SIGKILL"])
  })

  it("that stops gently is followed by another within a second after its last lease has come back", async () => {
    const [holder, waiter] = await beginWithTwo()
    await holder.hold("a")
    const first = world.hosting()
    waiter.ask("b")
    await sleep(1000)

    first.program.signal("SIGTERM")
    await sleep(200)
    const began = mark()
    const ended = await holder.end("a")
    const granted = await waiter.granted("b")

    within("host stopped gently", began, granted.heard, 1000)
    assert.isUndefined(ended.error)
    await assertGuarded()
    await waiter.end("b")
    await assertStops(3000)
  })

  it("that is killed leaves to the next what was added, each rest until its time, and what is left of each allowance", async () => {
    const [borrower] = await beginWithTwo({ limit: 2 })
    const use = async (id: string) => {
      const granted = await borrower.hold(id)
      await borrower.end(id)
      return granted
    }
    // the pool may move to the second host as that comes, and take a connection with it: then nobody knows what was done
    let unknown = await borrower.operate({ type: "add", keys: ["k2", "k3", "gone"] })
    while (unknown === "PoolUnavailable Unreachable") {
      unknown = await borrower.operate({ type: "add", keys: ["k2", "k3", "gone"] })
    }
    assert.include([undefined, "DuplicateObject"], unknown)
    const rested = now()
    assert.isUndefined(await borrower.operate({ type: "rest", key: "k3", millis: 8000 }))
    assert.isUndefined(await borrower.operate({ type: "remove", key: "gone" }))
    const before = [await use("1"), await use("2")]
    const first = world.hosting()
    for (;;) {
      const rows = await postgres.query(`SELECT value FROM ${world.prefix}_remembered`)
      const taken = JSON.stringify(rows).match(/\[-?[\d.]+,1\]/g) ?? []
      if (taken.length === 2 && rows.some(({ value }) => String(value).includes(`"rest":`))) break
      await sleep(50)
    }

    first.program.signal("SIGKILL")
    const after = [await use("3"), await use("4"), await use("5"), await use("6")]
    borrower.ask("7")
    const refused = await borrower.ended("7")

    assert.isAbove(after[0]!.epoch, before[0]!.epoch)
    assert.deepStrictEqual([...before, ...after].map(({ object }) => object).sort(), [
      "k1",
      "k1",
      "k2",
      "k2",
      "k3",
      "k3"
    ])
    for (const { at, object } of after) if (object === "k3") assert.isAtLeast(at - rested, 7990)
    assert.strictEqual(refused.error, "PoolExhausted Resting")
    const { intervals } = await assertGuarded()
    assert.strictEqual(intervals.length, 6)
    await assertStops(3000, ["SIGKILL"])
  })

  it("that is frozen, and woken after another has taken over, grants nothing", async () => {
    const [holder, waiter] = await beginWithTwo()
    const lease = await holder.hold("a")
    const first = world.hosting()
    waiter.ask("b")
    await sleep(1000)

    const began = mark()
    first.program.signal("SIGSTOP")
    const granted = await waiter.granted("b")
    within("host frozen", began, granted.heard, 20_000)
    assert.strictEqual((await holder.ended("a")).error, "LeaseExpired Lost")
    holder.ask("c")
    first.program.signal("SIGCONT")
    await sleep(2000)
    await waiter.end("b")
    const next = await holder.granted("c")

    assert.isAbove(granted.epoch, lease.epoch)
    assert.strictEqual(next.epoch, granted.epoch, "the one that was frozen takes nothing back")
    await assertGuarded()
    await holder.end("c")
    await assertStops(5000)
  })
})
