/**
 * What an operator of the host sees of borrowers in other processes.
 */
import { assert, describe, it } from "@effect/vitest"
import { TestRunner } from "effect/cluster"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { hostname } from "node:os"
import { Claims, type HostSettings, SharedPool } from "../../src/cluster.ts"
import { ObjectPool } from "../../src/index.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { looking } from "../support/inspector.ts"
import { makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

const hosting = Effect.fnUntraced(function*(settings: HostSettings) {
  const wire = makeWire()
  const ends = new Map<string, () => { readonly connection: number }>()
  yield* Layer.build(
    Keys.layerServer({ ...usual, objects: [keyOf("a")], leaseWarning: "5 seconds", ...settings }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )
  const named = (name: string) =>
    Effect.map(
      Layer.build(
        Keys.layerRemote.pipe(
          Layer.provide([wire.layerClient((end) => void ends.set(name, end)), SharedPool.layerPass({ name })]),
          Layer.orDie
        )
      ),
      Context.get(Keys)
    )
  return { named, cut: (name: string) => wire.cut(ends.get(name)!().connection) }
})

const host = hosting({})

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

      assert.strictEqual(pool.objects.rows[0]![4][0]![1], `worker one on ${hostname()}`)
      assert.strictEqual(pool.waiters[0]![0], `worker two on ${hostname()}`)
      const [lease] = yield* first.leases
      assert.deepStrictEqual([lease?.borrower, lease?.machine], ["worker one", hostname()])
      assert.notInclude(yield* text, "secret")
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("sees which processes borrow, what each has, and since when: those with most leases first", () =>
    Effect.gen(function*() {
      const { named } = yield* host
      const { frame } = yield* looking()
      yield* TestClock.adjust("1 hour")
      yield* settle
      const first = yield* named("worker one")
      yield* settle
      yield* TestClock.adjust("3 seconds")
      yield* settle
      const second = yield* named("worker two")
      yield* second.borrow
      yield* Effect.forkChild(Effect.exit(Effect.scoped(first.borrow)), { startImmediately: true })
      yield* settle

      const pool = (yield* frame).changed.find(({ name }) => name === "app/Keys")!

      const machine = hostname()
      assert.deepStrictEqual(pool.borrowers, [
        [`worker two on ${machine}`, 1, 0, 3_603_000],
        [`worker one on ${machine}`, 0, 1, 3_600_000]
      ])
    }))

  it.effect("sees no processes where none can borrow, and only so many of many", () =>
    Effect.gen(function*() {
      const { named } = yield* host
      const { frame } = yield* looking()
      yield* ObjectPool.make({ name: "alone", objects: ["a"] })
      for (let n = 0; n < 22; n++) yield* named(`worker ${n}`)
      yield* settle

      const { changed } = yield* frame

      const of = (pool: string) => changed.find(({ name }) => name === pool)!
      assert.isUndefined(of("alone").borrowers)
      assert.strictEqual(of("app/Keys").borrowers?.length, 20)
      assert.strictEqual(of("app/Keys").moreBorrowers, 2)
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

describe("the metrics of a host", () => {
  const read = (name: string) =>
    Effect.map(
      Metric.snapshot,
      (all) =>
        all.filter(({ id }) => id === `pool.object.${name}`).map(({ attributes, state }) =>
          [
            attributes?.["borrower"],
            "value" in state ? state.value : "count" in state ? state.count : undefined
          ] as const
        )
    )

  it.effect("count who is connected, the leases of each, those that were lost, and how often it has become the host", () =>
    Effect.gen(function*() {
      const { cut, named } = yield* hosting({ metrics: {} })
      const first = yield* named("worker one")
      yield* (yield* named("worker two")).borrow
      yield* settle

      const machine = hostname()
      assert.deepStrictEqual(yield* read("borrowers"), [[undefined, 2]])
      assert.sameDeepMembers(yield* read("borrower.leases"), [
        [`worker one on ${machine}`, 0],
        [`worker two on ${machine}`, 1]
      ])
      assert.deepStrictEqual(yield* read("lost_total"), [[undefined, 0]])
      assert.deepStrictEqual(yield* read("takeovers_total"), [[undefined, 1]])

      cut("worker two")
      yield* settle
      yield* TestClock.adjust("50 millis")
      yield* settle

      assert.deepStrictEqual(yield* read("lost_total"), [[undefined, 1]])
      yield* first.with(() => Effect.void)
      yield* settle
      assert.deepStrictEqual(yield* read("leases"), [[undefined, 0]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("are those of whoever is the host in a cluster", () =>
    Effect.gen(function*() {
      const cluster = Layer.merge(TestRunner.layer, Layer.effect(Claims, make(storeMemory(), { expiry: 15_000 })))
      const context = yield* Layer.build(
        Layer.merge(Keys.layerClient, Keys.layerHost({ ...usual, objects: [keyOf("a")], metrics: {} })).pipe(
          Layer.provide([cluster, SharedPool.layerPass({ name: "worker" })]),
          Layer.orDie
        )
      )
      const borrowed = yield* Effect.forkChild(Context.get(context, Keys).borrow, { startImmediately: true })
      yield* Effect.repeat(Effect.andThen(TestClock.adjust("100 millis"), settle), {
        until: () => borrowed.pollUnsafe() !== undefined
      })

      assert.deepStrictEqual(yield* read("takeovers_total"), [[undefined, 1]])
      // a borrower that is new is shown from the next reading on
      assert.deepStrictEqual(yield* read("borrower.leases"), [[`worker on ${hostname()}`, 1]])
      yield* Fiber.join(borrowed)
    }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("have the sum of many borrowers", () =>
    Effect.gen(function*() {
      const { named } = yield* hosting({ metrics: {} })
      yield* (yield* named("worker")).borrow
      for (let n = 0; n < 100; n++) yield* named(`worker ${n}`)
      yield* settle

      assert.deepStrictEqual(yield* read("borrowers"), [[undefined, 101]])
      assert.deepStrictEqual(yield* read("borrower.leases"), [[undefined, 1]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
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
