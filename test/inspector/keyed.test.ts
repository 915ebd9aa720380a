/** What there is to see of a pool of many keys: one pool, with its keys; on the page, in a terminal, in a frame. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { type KeyedOptions, KeyedPool } from "../../src/index.ts"
import type { Frame } from "../../src/internal/inspection/frame.ts"
import { Story } from "../../src/internal/inspection/terminal.ts"
import { start } from "../support/borrowers.ts"
import { looking, serve, tokenOf } from "../support/inspector.ts"
import { calm, keep, letGo, make, use, type World, world } from "../support/keyed.ts"
import { onPage, pageUntil } from "../support/page.ts"

const pooled = (there: World, options: Partial<KeyedOptions<string, never, undefined, string, never, never>> = {}) =>
  make(there, { name: "tenants", ...options } as {})

const pictureOf = ({ changed }: Frame) => changed.find(({ name }) => name === "tenants")!

const lines = (frame: Frame, columns = 160) => {
  const story = new Story()
  story.take(frame)
  return story.lines({ url: "", columns, rows: 60, colour: false, note: "" })
}

describe("a frame of a pool of many keys", () => {
  it.effect("has one pool, with the counts of all keys, and its keys by who waits and who has most", () =>
    Effect.gen(function*() {
      const pool = yield* pooled(world(4, 2), { maxWaiters: 9 })
      yield* use(pool, "early")
      yield* keep(pool, "a")
      yield* keep(pool, "b")
      yield* keep(pool, "b")
      yield* calm
      const { frame } = yield* looking()
      yield* frame
      yield* TestClock.adjust("1 second")
      yield* keep(pool, "b")
      yield* TestClock.adjust("2 seconds")

      const shown = yield* frame
      assert.lengthOf(shown.pools, 1)
      const { keys, objects, stats, waiters } = pictureOf(shown)
      assert.deepInclude(stats, { size: 4, max: 4, leases: 3, waiting: 1, borrowed: 3, available: 1 })
      assert.deepStrictEqual(stats.totals, (yield* pool.stats).totals)
      assert.deepStrictEqual(keys, {
        rows: [["b", 2, 2, 0, 1, 1000, 0], ["a", 1, 1, 0, 0, 0, 0], ["early", 1, 0, 1, 0, 0, 0]],
        rest: { keys: 0, objects: 0, leases: 0, waiting: 0 },
        asleep: 0
      })
      assert.deepStrictEqual(waiters.map((row) => row[5]), ["b"])
      assert.deepStrictEqual(objects.rows.map((row) => [row[0], row[1], row[7]]), [
        [1, "A", "early"],
        [2, "B", "a"],
        [3, "B", "b"],
        [4, "B", "b"]
      ])
      assert.include(
        shown.troubles.map(({ text }) => text),
        "1 fiber waits, the longest for 2.0 s, for b; of 4 objects, 3 borrowed, 1 available"
      )
    }))

  it.effect("is bounded: of 3 000 keys 20 are named, and the rest is summed up", () =>
    Effect.gen(function*() {
      const pool = yield* pooled(world(3000))
      for (let i = 0; i < 3000; i++) yield* use(pool, `k${i}`)
      yield* keep(pool, "k7")
      yield* calm
      const { text } = yield* looking()
      const json = yield* text
      const { keys } = pictureOf(JSON.parse(json) as Frame)
      assert.deepStrictEqual(keys!.rows[0], ["k7", 1, 1, 0, 0, 0, 0])
      assert.lengthOf(keys!.rows, 20)
      assert.deepStrictEqual(keys!.rest, { keys: 2980, objects: 2980, leases: 0, waiting: 0 })
      assert.isBelow(json.length, 1_000_000)
    }))

  it.effect("counts the keys that have nothing, and tells events with their key", () =>
    Effect.gen(function*() {
      const there = world(1)
      const pool = yield* pooled(there)
      const { frame } = yield* looking()
      yield* frame
      yield* use(pool, "a")
      yield* use(pool, "b")
      yield* calm
      yield* TestClock.adjust("1 second")

      const { events } = yield* frame
      assert.strictEqual(pictureOf(yield* frame).keys!.asleep, 1)
      assert.isTrue(events.some((row) => row[3] === "Evicted" && row[6] === "a: Room"))
      assert.isTrue(events.some((row) => row[3] === "Acquired" && row[6].startsWith("b: in ")))
    }))

  it.effect("names no key that may be a secret, but what `describeKey` says; keys that fail are told", () =>
    Effect.gen(function*() {
      const there = world(9)
      there.script.acquire = (key) => key.startsWith("post") ? Effect.fail("down") : Effect.void
      const pool = yield* pooled(there, { creation: { retry: Schedule.spaced("1 minute") } })
      const { frame, text } = yield* looking()
      yield* frame
      yield* use(pool, "acme")
      const waits = yield* start(Effect.exit(use(pool, "postgres://user:secret@host")))
      yield* TestClock.adjust("1 second")

      assert.notInclude(yield* text, "secret")
      const texts = (yield* frame).troubles.map(({ text }) => text)
      assert.isTrue(texts.some((text) => text.startsWith("the factory has failed for key 2")), texts.join("\n"))
      yield* letGo(waits)

      const { text: described } = yield* looking({
        describeKey: (key, pool) => {
          if (key === "acme") throw new Error("no name")
          return `${pool} ${String(key).slice(0, 4)}`
        }
      })
      yield* keep(pool, "acme")
      yield* keep(pool, "globex")
      yield* calm
      const { keys } = pictureOf(JSON.parse(yield* described) as Frame)
      assert.sameMembers(keys!.rows.map(([key]) => key), ["key 1", "tenants glob"])
    }))

  it.effect("goes on while keys come and go, and ends with the pool", () =>
    Effect.gen(function*() {
      const pool = yield* pooled(world(2), { idleKeys: "1 second" })
      const { frame } = yield* looking()
      for (let i = 0; i < 20; i++) {
        yield* use(pool, `k${i}`)
        yield* calm
        yield* TestClock.adjust("300 millis")
        const { keys, stats } = pictureOf(yield* frame)
        assert.strictEqual(keys!.rows.reduce((sum, row) => sum + row[1], 0), stats.size)
        assert.strictEqual(stats.totals.borrowed, i + 1)
      }
      yield* pool.close
      assert.lengthOf((yield* frame).pools, 0)
    }))
})

describe("a terminal", () => {
  it.effect("draws five keys of a pool of many, and what the others have", () =>
    Effect.gen(function*() {
      const there = world(12)
      const pool = yield* pooled(there)
      for (let i = 0; i < 8; i++) yield* keep(pool, `k${i}`)
      yield* keep(pool, "k3")
      yield* calm
      const { frame } = yield* looking()
      const drawn = lines(yield* frame)
      assert.include(drawn, "  k3  2 objects, 2 lent, 0 idle")
      assert.include(drawn, "  3 keys more with 3 objects, 3 lent, 0 waiting")
    }))
})

describe("actions", () => {
  it.live("are of all keys; an object is destroyed by its number, whatever its key", () =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        name: "tenants",
        acquire: (key: string) => Effect.acquireRelease(Effect.succeed({ key }), () => Effect.void),
        size: { max: 5 }
      })
      for (const key of ["a", "b", "c"]) yield* pool.with(key, () => Effect.void)
      const { url } = yield* serve({ actions: true, authorize: Effect.void })
      const token = yield* tokenOf(url)
      const { pools } = yield* Effect.promise(async () => await (await fetch(`${url}/snapshot`)).json() as Frame)
      const act = (action: object) =>
        Effect.promise(async () =>
          (await fetch(`${url}/actions`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-inspector-token": token, origin: new URL(url).origin },
            body: JSON.stringify({ pool: pools[0], ...action })
          })).status
        )

      assert.strictEqual(yield* act({ _tag: "destroy", object: 2 }), 202)
      assert.strictEqual(yield* act({ _tag: "destroy", object: 99 }), 404)
      assert.deepStrictEqual((yield* pool.objects).map(({ key }) => key), ["a", "c"])
      assert.strictEqual(yield* act({ _tag: "resize", max: 7 }), 202)
      assert.strictEqual((yield* pool.stats).max, 7)
      assert.strictEqual(yield* act({ _tag: "suspend" }), 202)
      assert.strictEqual((yield* Effect.flip(pool.tryBorrow("d")))._tag, "PoolExhausted")
      assert.strictEqual(yield* act({ _tag: "resume" }), 202)
      yield* pool.with("d", () => Effect.void)
      assert.strictEqual(yield* act({ _tag: "rotate" }), 202)
    }))
})

describe("the page", () => {
  it.live("has a table of the keys, and says for which key somebody waits", ({ skip }) =>
    Effect.gen(function*() {
      const pool = yield* KeyedPool.make({
        name: "tenants",
        acquire: (key: string) => Effect.acquireRelease(Effect.succeed({ key }), () => Effect.void),
        size: { max: 2 }
      })
      yield* pool.borrow("acme")
      yield* pool.borrow("globex")
      const waits = yield* start(pool.with("initech", () => Effect.void))
      const { page, said } = yield* onPage(skip)
      yield* pageUntil(page, `document.querySelectorAll(".keys tbody tr").length === 3`)
      const cells = yield* Effect.promise(() =>
        page.evaluate(
          `[...document.querySelectorAll(".keys tbody tr")].map((row) => [...row.cells].slice(0, 5).map((cell) => cell.textContent))`
        )
      )
      assert.deepStrictEqual(cells, [
        ["initech", "0", "0", "0", "1"],
        ["acme", "1", "1", "0", "0"],
        ["globex", "1", "1", "0", "0"]
      ])
      assert.match(String(yield* Effect.promise(() => page.textContent(".queue"))), /for initech/)
      assert.strictEqual(
        yield* Effect.promise(() => page.textContent(".keys h3")),
        "3 keys with objects or borrowers; 0 with nothing"
      )
      assert.deepStrictEqual(said, [])
      yield* letGo(waits)
    }))
})
