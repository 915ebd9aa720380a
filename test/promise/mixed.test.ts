/** Fibers and promises that borrow from one pool. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { PoolService } from "../../src/index.ts"
import { PromisePool } from "../../src/promise.ts"
import { idle, turn, until } from "../support/promises.ts"

class Names extends PoolService<Names, string>()("mixed/Names") {}

const both = async (layer: Layer.Layer<Names>) => {
  const runtime = ManagedRuntime.make(layer)
  const promises = await PromisePool.fromRuntime(Names, runtime)
  return { runtime, promises, end: () => runtime.dispose() }
}

describe("fibers and promises that borrow from one pool", () => {
  it("are served in the order in which they came, by their priorities", async () => {
    const { end, promises, runtime } = await both(Names.layer({ objects: ["a"] }))
    const order: Array<number> = []
    const first = promises.borrowSync()
    const waits = (n: number, priority: number) =>
      n % 3 === 0
        ? runtime.runPromise(Names.with(() => Effect.sync(() => order.push(n)), { priority }))
        : n % 3 === 1
        ? promises.with((_object) => order.push(n), { priority })
        : promises.borrow({ priority }).then((lease) => {
          order.push(n)
          return lease.release()
        })
    const all = Array.from({ length: 30 }, (_, n) => waits(n, n % 10 === 9 ? 1 : 0))
    await turn()
    assert.strictEqual(promises.stats().waiting, 30)

    first.releaseSync()
    await Promise.all(all)

    const urgent = [9, 19, 29]
    const others = Array.from({ length: 30 }, (_, n) => n).filter((n) => !urgent.includes(n))
    assert.deepStrictEqual(order, [...urgent, ...others])
    idle(promises)
    await end()
  })

  it("are told apart where somebody looks at what is held too long", async () => {
    const { end, promises, runtime } = await both(Names.layer({ objects: ["a", "b"], leaseWarning: 20 }))
    const told: Array<string> = []
    const heard = (async () => {
      for await (const event of promises.events()) if (event._tag === "LeaseOverdue") told.push(event.borrower)
    })()
    await turn()
    const lease = await promises.borrow()
    const done = Promise.withResolvers<void>()
    const held = runtime.runPromise(Names.with(() => Effect.promise(() => done.promise)))
    await until(() => told.length === 2)
    done.resolve()
    await held
    await lease.release()

    const [one, other] = told.sort()
    assert.strictEqual(one, "a promise")
    assert.match(other!, /^fiber \d+$/)
    await end()
    await heard
  })

  it("close it for each other: the leases of promises are not those of the fiber that closes", async () => {
    const { end, promises, runtime } = await both(Names.layer({ objects: ["a"], closing: { timeout: "1 hour" } }))
    const lease = await promises.borrow()
    let closed = false
    const closing = runtime.runPromise(Names.close).then(() => {
      closed = true
    })
    await turn()
    await turn()
    assert.isFalse(closed)
    assert.isFalse(lease.signal.aborted)

    await lease.release()
    await closing
    assert.isTrue(closed)
    await end()
  })
})
