/** What an operator asks for while its host goes, or its connection does: in one process, under a clock that the test sets. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

/** Time passes, and what follows has its turn. */
const elapse = (millis: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust(millis / 20), Effect.repeat(Effect.yieldNow, { times: 20 })), {
    times: 19
  })

/** A server, which another may follow, and an operator whose connection can be cut. */
const served = Effect.gen(function*() {
  const wire = makeWire()
  const serve = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const server = Keys.layerServer({ ...usual, objects: [keyOf("a")], closing: { timeout: 5000 } }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
    yield* Layer.buildWithScope(server, scope)
    return scope
  })
  const first = yield* serve
  let connection: () => number = () => 0
  const client = wire.layerClient((current) => void (connection = () => current().connection))
  const keys = Context.get(yield* Layer.build(Layer.provide(Keys.layerRemote, client)), Keys)
  // it is known by then
  yield* keys.stats
  return { first, keys, serve, wire, cut: () => wire.cut(connection()) }
})

describe("what an operator asks for", () => {
  it.effect("while its host stops is done by the next", () =>
    Effect.gen(function*() {
      const { first, keys, serve } = yield* served
      const holding = yield* Scope.make()
      yield* Scope.provide(keys.borrow, holding)
      const stopping = yield* Effect.forkChild(Scope.close(first, Exit.void), { startImmediately: true })
      yield* elapse(100)

      const added = yield* Effect.forkChild(keys.add(keyOf("b")), { startImmediately: true })
      yield* elapse(1000)
      assert.isUndefined(added.pollUnsafe())
      yield* Scope.close(holding, Exit.void)
      yield* elapse(1000)
      yield* Fiber.join(stopping)
      yield* serve
      yield* elapse(2000)

      yield* Fiber.join(added)
      assert.strictEqual((yield* keys.stats).size, 2)
    }))

  it.effect("fails after half a minute in which no host has done it", () =>
    Effect.gen(function*() {
      const { first, keys } = yield* served
      yield* Effect.forkChild(Scope.close(first, Exit.void), { startImmediately: true })
      const asked = yield* Effect.forkChild(Effect.flip(keys.rotate), { startImmediately: true })

      yield* elapse(29_000)
      assert.isUndefined(asked.pollUnsafe())
      yield* elapse(2000)

      assert.include(yield* Fiber.join(asked), { _tag: "PoolUnavailable", reason: "Unreachable" })
    }))

  it.effect("when its connection is lost is asked again, but for what would be done twice: that fails at once", () =>
    Effect.gen(function*() {
      const { cut, keys } = yield* served
      const asked = yield* Effect.forkChild(keys.stats, { startImmediately: true })
      const added = yield* Effect.forkChild(Effect.flip(keys.add(keyOf("b"))), { startImmediately: true })
      const removed = yield* Effect.forkChild(Effect.flip(keys.remove(keyOf("a"))), { startImmediately: true })

      cut()
      yield* elapse(2000)

      assert.strictEqual((yield* Fiber.join(asked)).size, 1)
      for (const { _tag } of [yield* Fiber.join(added), yield* Fiber.join(removed)]) {
        assert.strictEqual(_tag, "PoolUnavailable")
      }
    }))
})
