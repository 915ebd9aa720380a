/** A promise pool over the pool of a layer, or of a runtime. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { TestClock } from "effect/testing"
import { PoolService } from "../../src/index.ts"
import { BorrowTimeout, LeaseExpired, NotSynchronous, PoolClosed, PromisePool } from "../../src/promise.ts"
import { failure, idle, turn, until } from "../support/promises.ts"

class Names extends PoolService<Names, string>()("tags/Names") {}
class Loud extends PoolService<Loud, string, { pack: string }>()("tags/Loud") {}

const loud = (log: Array<string>) =>
  Loud.layer({
    objects: ["a"],
    pack: ({ object }) =>
      Effect.acquireRelease(Effect.succeed(object.toUpperCase()), (packed) => Effect.sync(() => log.push(packed)))
  })

describe("fromLayer", () => {
  it("builds the layer, and closes all of it", async () => {
    const log: Array<string> = []
    const layer = Layer.merge(
      Names.layer({ objects: ["a"] }),
      Layer.effectDiscard(Effect.acquireRelease(Effect.void, () => Effect.sync(() => log.push("closed"))))
    )
    {
      await using pool = await PromisePool.fromLayer(Names, layer)

      assert.strictEqual(pool.name, "tags/Names")
      assert.strictEqual(await pool.with((object) => object), "a")
      assert.deepStrictEqual(log, [])
    }
    assert.deepStrictEqual(log, ["closed"])
  })

  it("rejects with what the layer fails with", async () => {
    const mine = new Error("mine")
    const layer = Layer.merge(Names.layer({ objects: ["a"] }), Layer.effectDiscard(Effect.fail(mine)))

    assert.strictEqual(await failure(PromisePool.fromLayer(Names, layer)), mine)
  })

  it("lends what the tag's pack makes, and ends it with the lease", async () => {
    const log: Array<string> = []
    await using pool = await PromisePool.fromLayer(Loud, loud(log))

    const lease = await pool.borrow()
    assert.deepStrictEqual([lease.object, log], ["A", []])
    await lease.release()
    await lease.release()
    assert.deepStrictEqual(log, ["A"])

    pool.borrowSync().releaseSync()
    assert.strictEqual(await pool.with((object) => object), "A")
    assert.deepStrictEqual(log, ["A", "A", "A"])
    idle(pool)
  })

  it("tells a body over a packed object that its lease is over", async () => {
    await using pool = await PromisePool.fromLayer(Loud, loud([]))
    let told: AbortSignal | undefined

    const error = await failure(pool.with((_, signal) => {
      told = signal
      return new Promise(() => {})
    }, { leaseTimeout: 200 }))

    assert.instanceOf(error, LeaseExpired)
    assert.isTrue(told?.aborted)
  })

  it("names what takes time although it is an effect, and leaves nothing running", async () => {
    class Slow extends PoolService<Slow, string>()("tags/Slow") {}
    await using pool = await PromisePool.fromLayer(
      Slow,
      Slow.layer({ acquire: Effect.as(Effect.yieldNow, "slow"), size: { max: 1 } })
    )

    const error = await failure(() => pool.borrowSync())
    assert.instanceOf(error, NotSynchronous)
    assert.strictEqual(error.callback, "acquire")
    await until(() => pool.stats().available === 1)

    using lease = pool.borrowSync()
    assert.deepStrictEqual([lease.object, pool.stats().waiting], ["slow", 0])
  })

  it("passes a falsy object through a pack that answers with it", async () => {
    class Falsy extends PoolService<Falsy, string, { pack: undefined }>()("tags/Falsy") {}
    await using pool = await PromisePool.fromLayer(Falsy, Falsy.layer({ objects: ["a"], pack: () => undefined }))

    using lease = await pool.borrow()

    assert.isUndefined(lease.object)
  })
})

describe("fromRuntime", () => {
  const layer = Names.layer({ objects: ["a"], leaseTimeout: "1 minute", borrowTimeout: "10 seconds" })
  const timed = () => ManagedRuntime.make(Layer.provideMerge(layer, TestClock.layer()))

  it("shares the pool with the programs of the runtime", async () => {
    const runtime = ManagedRuntime.make(layer)
    const pool = await PromisePool.fromRuntime(Names, runtime)

    const lease = await pool.borrow()
    assert.strictEqual((await runtime.runPromise(Names.stats)).borrowed, 1)

    await lease.release()
    assert.strictEqual(await runtime.runPromise(Names.with(({ object }) => Effect.succeed(object))), "a")
    await runtime.dispose()
    assert.instanceOf(await failure(pool.borrow()), PoolClosed)
  })

  it("leaves the pool to its runtime at the end of a block; `close` closes it for everybody", async () => {
    const runtime = ManagedRuntime.make(layer)
    {
      await using pool = await PromisePool.fromRuntime(Names, runtime)
      assert.strictEqual(await pool.with((object) => object), "a")
    }
    assert.strictEqual((await runtime.runPromise(Names.stats)).size, 1)

    await (await PromisePool.fromRuntime(Names, runtime)).close()
    assert.strictEqual((await runtime.runPromise(Names.stats)).size, 0)
    await runtime.dispose()
  })

  it("goes by the clock of the runtime: leases expire, and borrows time out, by that", async () => {
    const runtime = timed()
    const adjust = (seconds: number) => runtime.runPromise(TestClock.adjust(seconds * 1000))
    const pool = await PromisePool.fromRuntime(Names, runtime)
    const lease = await pool.borrow()
    const { signal } = lease
    const waiting = failure(pool.borrow())

    await adjust(10)
    assert.instanceOf(await waiting, BorrowTimeout)
    await adjust(49)
    lease.renew()
    await adjust(59)
    assert.isFalse(signal.aborted)
    await adjust(1)

    assert.instanceOf(signal.reason, LeaseExpired)
    idle(pool)
    await runtime.dispose()
  })

  it("goes on with the rest: ready, rotate, drain, suspend and resize", async () => {
    class Made extends PoolService<Made, number>()("tags/Made") {}
    let n = 0
    const runtime = ManagedRuntime.make(Made.layer({ acquire: Effect.sync(() => ++n), size: { min: 2, max: 4 } }))
    const pool = await PromisePool.fromRuntime(Made, runtime)

    await pool.ready()
    assert.deepStrictEqual(pool.objects().map(({ object }) => object), [1, 2])
    await pool.rotate()
    await turn()
    assert.deepStrictEqual(pool.objects().map(({ object }) => object), [3, 4])
    pool.resize({ min: 0, max: 1 })
    await turn()
    assert.strictEqual(pool.stats().size, 1)

    const lease = await pool.borrow()
    const drained = pool.drain()
    const waiting = pool.borrow()
    await lease.release()
    await drained
    assert.strictEqual(pool.stats().waiting, 1)
    pool.resume()
    await (await waiting).release()
    await runtime.dispose()
  })
})

describe("events", () => {
  it("are told to whoever listens, until the pool is closed", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const tags: Array<string> = []
    const listening = (async () => {
      for await (const { _tag } of pool.events()) tags.push(_tag)
    })()
    await turn()

    await pool.with(() => {})
    await pool.close()
    await listening

    assert.deepStrictEqual(tags.filter((tag) => tag !== "StatusChanged"), [
      "Borrowed",
      "Released",
      "Closing",
      "Evicted",
      "Left",
      "Closed"
    ])
  })
})
