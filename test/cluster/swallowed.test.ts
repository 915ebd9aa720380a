/** Messages that are swallowed between a borrower and its host, or late, while the connection goes on. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { arrive, makeWire, type Wire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 100 })

/** A host of one object. */
const host = ({ layerServer }: Wire) =>
  Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a")], timeToLive: "3 seconds" }).pipe(
      Layer.provide([layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )

/** A host of one object, a borrower whose messages may be swallowed, and another. */
const served = Effect.gen(function*() {
  const wire = makeWire()
  yield* host(wire)
  let current = (): { readonly end: { mute: boolean } } => ({ end: { mute: false } })
  const borrower = (mine: typeof wire.layerClient) =>
    Effect.map(Layer.build(Layer.provide(Keys.layerRemote, mine())), Context.get(Keys))
  const pool = yield* borrower(() => wire.layerClient((end) => void (current = end)))
  const other = yield* borrower(wire.layerClient)
  yield* pool.stats
  return { pool, other, swallow: (swallows: boolean) => void (current().end.mute = swallows) }
})

describe("a borrower", () => {
  it.effect("keeps its lease where the host has taken nearly the time to live to welcome it", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      let welcome = () => {}
      const layer = wire.layerClient((current) => {
        const { end } = current()
        end.late = []
        welcome = () => arrive(end)
      })
      const pool = Context.get(yield* Layer.build(Layer.provide(Keys.layerRemote, layer)), Keys)
      yield* TestClock.adjust("2.5 seconds")
      yield* settle
      welcome()
      const lease = yield* pool.borrow
      const over = yield* Effect.forkChild(Effect.flip(lease.expired), { startImmediately: true })
      for (let passed = 0; passed < 60; passed++) {
        yield* TestClock.adjust("100 millis")
        yield* settle
      }

      assert.isUndefined(over.pollUnsafe())
    }))

  it.effect("keeps its lease where of two renewals of it one is swallowed", () =>
    Effect.gen(function*() {
      const { other, pool, swallow } = yield* served
      const lease = yield* pool.borrow
      const over = yield* Effect.forkChild(Effect.flip(lease.expired), { startImmediately: true })
      for (let second = 0; second < 12; second++) {
        swallow(second % 2 === 0)
        yield* TestClock.adjust("1 second")
        yield* settle
      }

      assert.strictEqual((yield* other.stats).leases, 1)
      assert.isUndefined(over.pollUnsafe())
    }))

  it.effect("says again what it has given back, where that was swallowed, as long as its session goes on", () =>
    Effect.gen(function*() {
      const { other, pool, swallow } = yield* served
      const scope = yield* Scope.make()
      yield* Scope.provide(pool.borrow, scope)
      yield* TestClock.adjust("100 millis")
      swallow(true)
      yield* Scope.close(scope, Exit.void)
      yield* settle
      swallow(false)
      assert.strictEqual((yield* other.stats).leases, 1)

      for (let second = 0; second < 4; second++) {
        yield* TestClock.adjust("1 second")
        yield* settle
      }

      assert.strictEqual((yield* other.stats).leases, 0)
      assert.strictEqual((yield* pool.stats).available, 1)
    }))
})
