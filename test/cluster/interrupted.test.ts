/** Whatever a borrower asks for may be interrupted at any step: nothing of it is left, on either side. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type SharedLease, SharedPool } from "../../src/cluster.ts"
import { makeWire } from "../support/wire.ts"
import { type ApiKey, keyOf, Keys, usual } from "./contract.ts"

const turns = (times: number) => Effect.repeat(Effect.yieldNow, { times })

type Lease = SharedLease<ApiKey, { readonly weight: number }>

const served = Effect.gen(function*() {
  const wire = makeWire()
  yield* Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a"), keyOf("b")] }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )
  const borrower = Effect.map(Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())), Context.get(Keys))
  return [yield* borrower, yield* borrower] as const
})

type Pool = Effect.Success<typeof served>[0]

/** With two objects free: what is interrupted, and whether it is in the midst of a lease. */
const asked: Readonly<Record<string, (pool: Pool) => Effect.Effect<unknown, unknown, Scope.Scope>>> = {
  borrow: (pool) => pool.borrow,
  tryBorrow: (pool) => pool.tryBorrow,
  "with": (pool) => pool.with(() => Effect.yieldNow),
  "with, whose body goes on": (pool) => pool.with(() => Effect.never),
  detach: (pool) => Effect.flatMap(pool.borrow, (lease: Lease) => lease.detach),
  renew: (pool) => Effect.flatMap(pool.borrow, (lease: Lease) => lease.renew),
  rest: (pool) => Effect.flatMap(pool.borrow, (lease: Lease) => lease.rest(0)),
  release: (pool) => Effect.flatMap(pool.borrow, (lease: Lease) => lease.release),
  stats: (pool) => pool.stats,
  objects: (pool) => pool.objects,
  leases: (pool) => pool.leases,
  detect: (pool) => pool.detect,
  events: (pool) => Stream.runDrain(pool.events),
  drain: (pool) => Effect.andThen(pool.drain, pool.resume)
}

describe("what a borrower asks for and is interrupted in at any step", () => {
  for (const [name, ask] of Object.entries(asked)) {
    it.effect(`leaves nothing: ${name}`, () =>
      Effect.gen(function*() {
        const [pool, other] = yield* served
        yield* pool.stats
        for (let step = 0; step < 30; step++) {
          const fiber = yield* Effect.forkChild(Effect.scoped(ask(pool)), { startImmediately: true })
          yield* turns(step)
          yield* Fiber.interrupt(fiber)
          yield* turns(20)
          yield* other.resume
          const { available, borrowed, leases, size, waiting } = yield* other.stats
          const expected = { available: size, borrowed: 0, leases: 0, waiting: 0 }
          assert.deepStrictEqual({ available, borrowed, leases, waiting }, expected, `step ${step}`)
          // what was detached has left
          if (size < 2) yield* other.addAll([keyOf(`c${step}`), keyOf(`d${step}`)].slice(size))
        }
      }))
  }

  it.effect("leaves nothing where it waits: borrow, and with", () =>
    Effect.gen(function*() {
      const [pool, other] = yield* served
      yield* other.borrow
      yield* other.borrow
      for (const ask of [Effect.scoped(pool.borrow), pool.with(() => Effect.never)]) {
        for (let step = 0; step < 30; step++) {
          const fiber = yield* Effect.forkChild(ask, { startImmediately: true })
          yield* turns(step)
          yield* Fiber.interrupt(fiber)
          yield* turns(20)
          const { leases, waiting } = yield* other.stats
          assert.deepStrictEqual({ leases, waiting }, { leases: 2, waiting: 0 }, `step ${step}`)
        }
      }
    }))
})
