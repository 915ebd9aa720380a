/** What is seen of a pool and its leases by whoever prints, logs or clones them. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Console, Effect, Formatter, Inspectable, Layer, Logger, ManagedRuntime } from "effect"
import { format, inspect } from "node:util"
import { PoolService } from "../../src/index.ts"
import { NotSynchronous, PromisePool } from "../../src/promise.ts"
import { failure } from "../support/promises.ts"

const secrets = Array.from({ length: 200 }, (_, i) => ({ key: `secret-${i}` }))

/** What is printed into effect's console. */
const console = (note: (...args: ReadonlyArray<unknown>) => void): Console.Console =>
  new Proxy({}, { get: () => note }) as Console.Console

/** What each of effect's loggers makes of a value, in the message and in an annotation. */
const logged = (value: unknown): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const note = (...args: ReadonlyArray<unknown>) => void lines.push(format(...args))
  const loggers = [
    ...[Logger.formatSimple, Logger.formatLogFmt, Logger.formatStructured, Logger.formatJson].map((logger) =>
      Logger.map(logger as Logger.Logger<unknown, unknown>, note)
    ),
    Logger.consolePretty(),
    Logger.consoleJson,
    Logger.consoleLogFmt,
    Logger.consoleStructured
  ]
  const line = Effect.annotateLogs(Effect.log("lent", value), { value })
  Effect.runSync(line.pipe(
    Effect.provide(Logger.layer(loggers)),
    Effect.provideService(Console.Console, console(note))
  ))
  assert.isAtLeast(lines.length, loggers.length)
  return lines
}

const printed = (value: unknown): ReadonlyArray<string> => {
  let compared = ""
  try {
    expect(value).toEqual("another")
  } catch (error) {
    compared = String(error)
  }
  return [
    ...logged(value),
    compared,
    JSON.stringify(value),
    JSON.stringify(Inspectable.toJson(value)),
    Formatter.format(value),
    Formatter.formatJson(value),
    format("%s %o %j %O", value, value, value, value),
    inspect(value, { depth: 20, showHidden: true }),
    inspect(value, { depth: 20, showHidden: true, customInspect: false }),
    String(value)
  ]
}

class Packs extends PoolService<Packs, { key: string }, { pack: { key: string } }>()("pictures/Packs") {}

/** Something to look at, and what is to be seen of it. */
const subjects: Readonly<Record<string, () => Promise<readonly [value: object, seen: object]>>> = {
  "a pool": async () => {
    const pool = PromisePool.make({ name: "keys", objects: secrets })
    return [pool, { _id: "PromisePool", name: "keys", suspended: false, stats: pool.stats() }]
  },
  "a pool over a runtime": async () => {
    const layer = Packs.layer({ objects: secrets, pack: (lease) => lease.object })
    const pool = await PromisePool.fromRuntime(Packs, ManagedRuntime.make(layer))
    return [pool, { _id: "PromisePool", name: "pictures/Packs", suspended: false, stats: pool.stats() }]
  },
  "a double of a pool": async () => {
    const double = Layer.mock(Packs, { name: "double" })
    return [await PromisePool.fromLayer(Packs, double), { _id: "PromisePool", name: "double" }]
  },
  "a lease": async () => {
    const pool = PromisePool.make({ objects: secrets, data: ({ key }) => ({ of: key }), leaseTimeout: "1 hour" })
    const lease = await pool.borrow()
    const { borrowedAt, expiresAt, id } = lease
    return [lease, { _id: "PromiseLease", id, objectId: lease.pooled.id, status: "Borrowed", borrowedAt, expiresAt }]
  },
  "a lease of what was packed": async () => {
    const pool = PromisePool.make({ objects: secrets, pack: async ({ object }) => ({ secret: object.key }) })
    const lease = await pool.borrow()
    const { borrowedAt, expiresAt, id } = lease
    return [lease, { _id: "PromiseLease", id, objectId: lease.pooled.id, status: "Borrowed", borrowedAt, expiresAt }]
  },
  "a lease of what a tag has packed": async () => {
    const layer = Packs.layer({ objects: secrets, pack: (lease) => lease.object })
    const lease = await (await PromisePool.fromLayer(Packs, layer)).borrow()
    return [lease, { _id: "PackedLease", pool: "pictures/Packs", givenBack: false }]
  },
  "what was detached": async () => {
    const lease = await PromisePool.make({ objects: secrets }).borrow()
    return [await lease.detach(), { _id: "Detached", objectId: lease.pooled.id }]
  }
}

describe("every printer shows a small picture, and no object", () => {
  for (const [what, make] of Object.entries(subjects)) {
    it(`of ${what}`, async () => {
      const [value, seen] = await make()

      for (const text of printed(value)) {
        assert.notInclude(text, "secret")
        assert.isBelow(text.length, 8_000)
      }
      assert.deepStrictEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(seen)))
      assert.strictEqual(inspect(value), inspect(seen))
    })

    it(`of a clone of ${what} there is nothing to see`, async () => {
      const [value] = await make()

      assert.deepStrictEqual(structuredClone(value), {})
    })
  }
})

describe("members", () => {
  it("of a pool and of a lease may be taken off and called bare, and are the same each time", async () => {
    const { borrow, stats } = PromisePool.make({ objects: ["a"] })
    const lease = await borrow()
    const { detach, invalidate, release, releaseSync, renew, rest } = lease

    for (const member of ["detach", "invalidate", "release", "releaseSync", "renew", "rest"] as const) {
      assert.strictEqual(lease[member], lease[member])
    }
    renew()
    rest("1 hour")
    invalidate()
    releaseSync()
    await release()

    assert.strictEqual(stats().size, 0)
    assert.strictEqual((await failure(detach()) as Error).name, "LeaseExpired")
  })
})

describe("an error of a method that does not wait", () => {
  it("prints as errors do", async () => {
    const pool = PromisePool.make({ name: "slow", acquire: async () => 1 })

    const error = await failure(() => pool.borrowSync())

    assert.instanceOf(error, NotSynchronous)
    const text = inspect(error)
    assert.strictEqual(text, error.stack)
    assert.isTrue(text.startsWith("NotSynchronous: Pool \"slow\": `borrowSync` does not wait"), text)
    assert.include(JSON.stringify(error), "does not wait")
  })
})
