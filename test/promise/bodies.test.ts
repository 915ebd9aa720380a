/** Functions that run under a lease: what they are given, and what comes of those that are badly made. */
import { assert, describe, it } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { PoolService } from "../../src/index.ts"
import { LeaseExpired, PromisePool } from "../../src/promise.ts"
import { deferred, failure, idle, refused, turn, unhandled, until } from "../support/promises.ts"

class Names extends PoolService<Names, string>()("bodies/Names") {}

/** Pools whose bodies run the same way: of its own, and of a layer. */
const pools = {
  "a pool": async () => PromisePool.make({ objects: ["a"] }),
  "the pool of a layer": async () => PromisePool.fromLayer(Names, Names.layer({ objects: ["a"] })),
  "the pool of a runtime": async () =>
    PromisePool.fromRuntime(Names, ManagedRuntime.make(Layer.fresh(Names.layer({ objects: ["a"] }))))
}

for (const [what, make] of Object.entries(pools)) {
  describe(`a body of ${what}`, () => {
    const badly: Readonly<Record<string, readonly [body: () => unknown, rejection: unknown]>> = {
      "throws": [() => {
        throw refused
      }, refused],
      "throws undefined": [() => {
        throw undefined
      }, undefined],
      "throws null": [() => {
        throw null
      }, null],
      "rejects": [() => Promise.reject(refused), refused],
      "rejects with undefined": [() => Promise.reject(undefined), undefined],
      "rejects with null": [() => Promise.reject(null), null],
      "rejects with a text": [() => Promise.reject("refused"), "refused"],
      "answers with what throws when it is asked for its `then`": [() => ({
        get then(): never {
          throw refused
        }
      }), refused],
      "answers with what throws when its `then` is called": [() => ({
        then: () => {
          throw refused
        }
      }), refused],
      "answers with what rejects, and then resolves": [() => ({
        then: (resolve: (value: string) => void, reject: (reason: unknown) => void) => {
          reject(refused)
          resolve("resolved")
        }
      }), refused],
      "answers with a promise that throws when it is waited for": [() => {
        const answer = Promise.resolve()
        return Object.defineProperty(answer, "constructor", {
          get: () => {
            throw refused
          }
        })
      }, refused],
      "answers with what resolves to what rejects": [() => ({
        then: (resolve: (value: unknown) => void) => resolve(Promise.reject(refused))
      }), refused]
    }
    for (const [how, [body, rejection]] of Object.entries(badly)) {
      it(`that ${how} gives its object back, and that is the rejection`, async () => {
        const pool = await make()

        const unseen = await unhandled(async () => assert.strictEqual(await failure(pool.with(body)), rejection))

        assert.deepStrictEqual(unseen, [])
        idle(pool)
      })
    }

    it("that answers with what resolves twice, or resolves and rejects, is what it was first", async () => {
      const pool = await make()
      const twice = {
        then: (resolve: (value: string) => void, reject: (reason: unknown) => void) => {
          resolve("first")
          resolve("second")
          reject(refused)
        }
      } as unknown as Promise<string>

      assert.strictEqual(await pool.with(() => twice), "first")
      idle(pool)
    })

    it("that never settles has its object until its lease is over, whoever was aborted meanwhile", async () => {
      const pool = await make()
      const never = { then: () => {} } as unknown as Promise<never>
      const controller = new AbortController()
      const aborted = failure(pool.with(() => never, { signal: controller.signal }))
      await until(() => pool.stats().borrowed === 1)

      controller.abort("enough")
      assert.strictEqual(await aborted, "enough")
      assert.strictEqual(pool.stats().borrowed, 1)
      assert.isTrue(pool.revoke(pool.leases()[0]!))
      await until(() => pool.stats().borrowed === 0)

      assert.instanceOf(await failure(pool.with(() => never, { leaseTimeout: 5 })), LeaseExpired)
      idle(pool)
    })

    it("that is no function is refused before anything is lent", async () => {
      const pool = await make()
      for (const body of [undefined, null, 5, "a", {}, [], Promise.resolve()]) {
        const error = await failure(pool.with(body as never))

        assert.instanceOf(error, TypeError)
        assert.strictEqual(error.message, "`with` was given no function")
      }
      assert.strictEqual(pool.stats().totals.borrowed, 0)
    })

    it("has a signal, unless nobody could tell", async () => {
      const pool = await make()
      const given: Record<string, ReadonlyArray<unknown>> = {}
      const bodies: Readonly<Record<string, (object: string, signal: AbortSignal) => void>> = {
        object: function(object) {
          given["object"] = [...arguments].filter((argument) => argument !== object)
        },
        none: function() {
          given["none"] = [...arguments].slice(1)
        },
        both: (_, signal) => {
          given["both"] = [signal]
        },
        rest: (...args) => {
          given["rest"] = args.slice(1)
        },
        "object and rest": (_, ...rest) => {
          given["object and rest"] = rest
        }
      }
      for (const body of Object.values(bodies)) await pool.with(body)

      for (const which of Object.keys(bodies)) assert.instanceOf(given[which]![0], AbortSignal, which)
    })

    it("with rest parameters hears of the end of its lease", async () => {
      const pool = await make()
      const work = deferred()
      let signal: AbortSignal | undefined

      const error = await failure(pool.with((...args) => {
        signal = args[1]
        return work.promise
      }, { leaseTimeout: 5 }))

      assert.instanceOf(error, LeaseExpired)
      assert.instanceOf(signal?.reason, LeaseExpired)
      work.resolve()
      await turn()
      idle(pool)
    })
  })
}

describe("pack", () => {
  it("that throws or rejects with nothing gives the object back, and that is the rejection", async () => {
    for (const reason of [undefined, null]) {
      for (
        const pack of [() => {
          throw reason
        }, () => Promise.reject(reason)]
      ) {
        const pool = PromisePool.make({ objects: ["a"], pack })

        assert.strictEqual(await failure(pool.borrow()), reason)
        assert.strictEqual(await failure(pool.with(() => {})), reason)
        idle(pool)
      }
    }
  })

  it("whose answer settles twice, or never, is what it was first", async () => {
    const twice = { then: (resolve: (value: string) => void) => [resolve("first"), resolve("second")] }
    const pool = PromisePool.make({ objects: ["a"], pack: () => twice as unknown as Promise<string> })
    assert.strictEqual(await pool.with((packed) => packed), "first")
    idle(pool)

    const never = { then: () => {} } as unknown as Promise<string>
    const stuck = PromisePool.make({ objects: ["a"], pack: () => never, hookTimeout: 5 })
    const aborted = stuck.borrow({ signal: AbortSignal.timeout(5) })
    assert.strictEqual((await failure(aborted) as Error).name, "TimeoutError")
    await until(() => stuck.stats().borrowed === 0)
    idle(stuck)
  })
})

describe("what a function rejects with that has ended what it runs for", () => {
  it("is unhandled nowhere: a body that has its own lease taken back", async () => {
    const seen = await unhandled(async () => {
      const pool = PromisePool.make({ acquire: () => ({}), pack: async () => 1, closing: { timeout: 0 } })
      const body = async () => {
        void pool.close()
        throw new Error("the body")
      }

      const reason = await failure(pool.with(body, { leaseTimeout: "1 hour" }))

      assert.instanceOf(reason, Error)
      await pool.close()
    })

    assert.deepStrictEqual(seen, [])
  })

  it("is unhandled nowhere: a detector and a hook that close their pool", async () => {
    const seen = await unhandled(async () => {
      for (const callback of ["detectStatus", "onBorrow"] as const) {
        const pool: PromisePool<string> = PromisePool.make({
          objects: ["a"],
          closing: { timeout: 0 },
          [callback]: async () => {
            void pool.close()
            throw new Error(callback)
          }
        })
        await failure(pool.borrow())
        await pool.close()
      }
    })

    assert.deepStrictEqual(seen, [])
  })
})
