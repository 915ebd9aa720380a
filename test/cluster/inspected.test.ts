/**
 * What an operator of the host sees of borrowers in other processes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { looking } from "../support/inspector.ts"
import { makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

const host = Effect.gen(function*() {
  const wire = makeWire()
  yield* Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a")], leaseWarning: "5 seconds" }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )
  const named = (name: string) =>
    Effect.map(
      Layer.build(
        Keys.layerRemote.pipe(
          Layer.provide([wire.layerClient(), SharedPool.layerPass({ name })]),
          Layer.orDie
        )
      ),
      Context.get(Keys)
    )
  return { named }
})

describe("whoever looks at the host", () => {
  it.effect("sees which process holds what, and which waits", () =>
    Effect.gen(function*() {
      const { named } = yield* host
      const { frame, text } = yield* looking()
      const first = yield* named("worker one")
      const second = yield* named("worker two")
      const scope = yield* Scope.make()
      yield* Scope.provide(first.borrow, scope)
      yield* Effect.forkChild(Effect.exit(Effect.scoped(second.borrow)), { startImmediately: true })
      yield* settle

      const pool = (yield* frame).changed.find(({ name }) => name === "app/Keys")!

      assert.strictEqual(pool.objects.rows[0]![4][0]![1], "worker one")
      assert.strictEqual(pool.waiters[0]![0], "worker two")
      assert.strictEqual((yield* first.leases)[0]!.borrower, "worker one")
      assert.notInclude(yield* text, "secret")
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("is told which process holds an object for too long", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ fiber }) => void lines.push(fiber.getRef(References.CurrentLogAnnotations)))
      const { named } = yield* Effect.provide(host, Logger.layer([logger]))
      const worker = yield* named("worker one")
      yield* worker.borrow

      yield* TestClock.adjust("5 seconds")
      yield* settle

      assert.include(JSON.stringify(lines), "worker one")
    }))
})

describe("a borrow that was too late", () => {
  it.effect("counts no leases of its process as those of its fiber", () =>
    Effect.gen(function*() {
      const { named } = yield* host
      const worker = yield* named("worker one")
      yield* worker.borrow

      const error = yield* Effect.flip(Effect.scoped(worker.borrowWith({ timeout: 0 })))

      assert.strictEqual(error._tag === "BorrowTimeout" && error.held, 0)
    }))
})
