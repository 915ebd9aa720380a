/** What outlives a pool of those who have no Effect: promises 35 and 36. */
import { assert, describe, it } from "@effect/vitest"
import {
  DuplicateObject,
  InvalidPoolOptions,
  NotSynchronous,
  type PoolLogEntry,
  PromisePool,
  type PromiseStore
} from "../../src/promise.ts"
import { deferred, failure, idle, never, refused, turn, until } from "../support/promises.ts"

const key = (object: string) => object
const allowance = { limit: 10, per: "1 hour", name: "requests" } as const

const open = (store: PromiseStore, options: { readonly log?: (entry: PoolLogEntry) => void } = {}) =>
  PromisePool.make({ name: "keys", objects: ["a"], allowance, remember: { key, store }, ...options })

const left = (pool: ReturnType<typeof open>) => pool.get("a")!.allowances[0]!.left

describe("a promise pool that remembers", () => {
  it("goes on with what was known, in a Map, or where functions answer with promises, with or without delete", async () => {
    const entries = new Map<string, string>()
    const stores: Readonly<Record<string, PromiseStore>> = {
      "a Map": new Map<string, string>(),
      "with promises": {
        get: async (key) => entries.get(key) ?? null,
        set: async (key, text) => entries.set(key, text),
        delete: async (key) => entries.delete(key)
      },
      "without delete": {
        get: (key) => Promise.resolve(entries.get(`other ${key}`)),
        set: (key, text) => Promise.resolve(entries.set(`other ${key}`, text))
      }
    }
    for (const store of Object.values(stores)) {
      const before = open(store)
      await before.with(() => {})
      await before.with((_, signal) => signal.aborted)
      await before.close()
      assert.isDefined(await store.get("keys/a"))

      const after = open(store)
      await until(() => after.stats().pending === 0)
      assert.strictEqual(left(after), 8)
      after.rest("a", "1 hour")
      await after.close()

      const last = open(store)
      await until(() => last.stats().pending === 0)
      assert.strictEqual(last.get("a")!.status, "Dormant")
      last.wake("a")
      await last.close()
      assert.notInclude(await store.get("keys/a"), "rest")
    }
  })

  it("removes what is over, or makes it an empty text", async () => {
    for (const bare of [false, true]) {
      const entries = new Map<string, string>()
      const store: PromiseStore = bare
        ? { get: (key) => entries.get(key), set: (key, text) => entries.set(key, text) }
        : entries
      const pool = PromisePool.make({ name: "keys", objects: ["a"], remember: { key, store } })
      pool.rest("a", "1 hour")
      await pool.close()
      assert.deepStrictEqual([...entries.keys()], ["keys/a"])
      const after = PromisePool.make({ name: "keys", objects: ["a"], remember: { key, store } })
      after.wake("a")
      await after.close()
      assert.deepStrictEqual([...entries.values()], bare ? [""] : [])
      const last = PromisePool.make({
        name: "keys",
        objects: ["a"],
        remember: { key, store },
        log: () => assert.fail("an empty text is no nonsense")
      })
      assert.strictEqual(last.get("a")!.status, "Available")
      await last.close()
    }
  })

  it("has no object by a promise within a step, and waits for it", async () => {
    const got = deferred<string | undefined>()
    const pool = open({ get: () => got.promise, set: () => {} })
    assert.strictEqual(pool.stats().pending, 1)
    assert.throws(() => pool.borrowSync())
    assert.throws(() => pool.addSync("b"), NotSynchronous, "remember")
    const borrowed = pool.with((object) => object)
    got.resolve(undefined)
    assert.strictEqual(await borrowed, "a")
    idle(pool)
    await pool.close()
  })

  it("never delays or fails a lease by a store that throws, rejects, or never answers, and tells of it", async () => {
    const sets: ReadonlyArray<PromiseStore["set"]> = [
      () => {
        throw refused
      },
      () => Promise.reject(refused),
      () => never
    ]
    for (const set of sets) {
      const log: Array<PoolLogEntry> = []
      const pool = PromisePool.make({
        name: "keys",
        objects: ["a"],
        allowance,
        hookTimeout: 20,
        remember: { key, store: { get: () => undefined, set } },
        log: (entry) => void log.push(entry)
      })
      await pool.with(() => {})
      await pool.with(() => {})
      await turn()
      await pool.close()
      assert.isAtLeast(log.length, 1)
      assert.strictEqual(log[0]!.message, "What is remembered of an object could not be written")
      assert.strictEqual(log[0]!.annotations["key"], "a")
    }
  })

  it("has an object join as new whose store throws, rejects, or answers nonsense", async () => {
    const gets: ReadonlyArray<PromiseStore["get"]> = [
      () => {
        throw refused
      },
      () => Promise.reject(refused),
      () => never,
      () => 5 as never,
      () => Promise.resolve("{")
    ]
    for (const get of gets) {
      const log: Array<PoolLogEntry> = []
      const pool = PromisePool.make({
        name: "keys",
        objects: ["a"],
        hookTimeout: 20,
        remember: { key, store: { get, set: () => {} } },
        log: (entry) => void log.push(entry)
      })
      assert.strictEqual(await pool.with((object) => object), "a")
      assert.strictEqual(log.length, 1)
      await pool.close()
    }
  })

  it("refuses two objects of one key, and nonsense by name", async () => {
    const store = new Map<string, string>()
    const pool = PromisePool.make({ objects: ["a"], remember: { key: () => "same", store } })
    assert.instanceOf(await failure(pool.add("b")), DuplicateObject)
    assert.throws(() => pool.addSync("b"), DuplicateObject)
    for (
      const remember of [
        null,
        5,
        {},
        { key },
        { store },
        { key: 5, store },
        { key, store: 5 },
        { key, store: [] },
        { key, store: {} },
        { key, store: { get: 5, set: () => {} } },
        { key, store: { get: () => undefined } },
        { key, store: { get: () => undefined, set: () => {}, delete: 5 } },
        { key, store, tll: 5 }
      ]
    ) {
      const error = await failure(() => PromisePool.make({ objects: ["a"], remember: remember as never }))
      assert.instanceOf(error, InvalidPoolOptions)
      assert.match(error.option, /^remember/)
    }
    await pool.close()
  })
})
