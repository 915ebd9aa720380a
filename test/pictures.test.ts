import { assert, describe, it } from "@effect/vitest"
import { Effect, Formatter, Inspectable, Logger } from "effect"
import { format, inspect } from "node:util"
import { ObjectPool } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"

const secrets = Array.from({ length: 200 }, (_, i) => ({ key: `secret-${i}` }))

/** What each printer makes of a value. */
const printed = Effect.fnUntraced(function*(value: unknown) {
  const logged: Array<string> = []
  const note = (line: unknown) => {
    logged.push(typeof line === "string" ? line : JSON.stringify(line))
  }
  const loggers = [Logger.formatSimple, Logger.formatLogFmt, Logger.formatStructured, Logger.formatJson]
  const into = loggers.map((logger) => Logger.map(logger as Logger.Logger<unknown, unknown>, note))
  const line = Effect.annotateLogs(Effect.log("lent", value), { value })
  yield* Effect.provide(line, Logger.layer(into))
  return [
    ...logged,
    Formatter.format(value),
    Formatter.formatJson(value),
    JSON.stringify(value),
    JSON.stringify(Inspectable.toJson(value)),
    inspect(value, { depth: 20, showHidden: true }),
    format("%s %o %j", value, value, value),
    String(value)
  ]
})

const shown = {
  "a lease": "\"Lease\"",
  "the record of an object": "\"PooledObject\"",
  "a pool": "\"ObjectPool\""
}

describe("pictures", () => {
  for (const [what, tag] of Object.entries(shown)) {
    it.effect(`every printer shows a small picture of ${what}, and no object`, () =>
      Effect.scoped(Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ name: "keys", objects: secrets, data: (object) => ({ of: object.key }) })
        const lease = yield* pool.borrow
        const values: Record<string, unknown> = {
          "a lease": lease,
          "the record of an object": lease.pooled,
          "a pool": pool
        }

        const texts = yield* printed(values[what])

        for (const text of texts) {
          assert.notInclude(text, "secret")
          assert.isBelow(text.length, 6000)
        }
        assert.include(texts[2]! + texts[4]!, tag)
      })))
  }

  it.effect("every printer says that a pool is suspended", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: secrets })
      yield* pool.suspend
      const promises = PromisePool.make({ objects: ["a"] })
      yield* Effect.addFinalizer(() => Effect.promise(() => promises.close()))
      promises.suspend()

      for (const value of [pool, promises]) {
        assert.match(JSON.stringify(value), /"suspended":true/)
        assert.match(inspect(value), /suspended: true/)
      }
    })))

  it.effect("a clone of a lease, or of a record, has nothing of the pool", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: secrets })
      const lease = yield* pool.borrow

      assert.deepStrictEqual(structuredClone(lease) as unknown, {})
      assert.deepStrictEqual(structuredClone(lease.pooled) as unknown, {})
    })))

  it.effect("what a record and a lease say cannot be written", () =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow

      for (const target of [lease, lease.pooled]) {
        const names = new Set([
          ...Object.keys(target),
          ...Object.getOwnPropertyNames(Object.getPrototypeOf(target))
        ])
        const getters = [...names].filter((name) =>
          Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), name)?.get !== undefined
        )
        assert.includeMembers(getters, ["object", "data", "id"])
        for (const name of getters) {
          assert.throws(() => Object.assign(target, { [name]: "Available" }), TypeError)
        }
        assert.deepStrictEqual(Object.keys(target), [])
      }
    })))
})
