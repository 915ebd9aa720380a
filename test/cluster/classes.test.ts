/** Classes of borrowers where host and borrower do not agree on them, and what a host shows of them. */
import { assert, describe, it } from "@effect/vitest"
import { TestRunner } from "effect/cluster"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { RpcClient, type RpcServer } from "effect/rpc"
import * as Schema from "effect/Schema"
import { Claims, type HostSettings, type SharedOptions, SharedPool, type SharedPoolClass } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { Guarded, version } from "../../src/internal/cluster/protocol.ts"
import { makeWire } from "../support/wire.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })

const object = Schema.String
class Sessions extends SharedPool.Service<Sessions>()("app/Sessions", { object, classes: ["interactive", "batch"] }) {}
/** The same, as a program has it that is newer, or older. */
class Newer extends SharedPool.Service<Newer>()("app/Sessions", {
  object,
  classes: ["interactive", "batch", "nightly"]
}) {}
class Older extends SharedPool.Service<Older>()("app/Sessions", { object }) {}

const classes = { interactive: { reserve: 1 }, batch: { most: 1 } }
const usual = { objects: ["a", "b"], classes, closing: { timeout: 0 } }

/** A host, and borrowers at it. */
const served = Effect.fnUntraced(function*(server: Layer.Layer<never, never, RpcServer.Protocol>) {
  const wire = makeWire()
  yield* Layer.build(
    server.pipe(Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]), Layer.orDie)
  )
  return {
    wire,
    as: <Self, Id extends string, C extends string>(
      tag: SharedPoolClass<Self, Id, string, undefined, never, never, C>
    ) => Effect.map(Layer.build(Layer.orDie(Layer.provide(tag.layerRemote, wire.layerClient()))), Context.get(tag))
  }
})
describe("a borrower", () => {
  it.effect("who is newer than his host is told that it has no such class, and is served by those that it has", () =>
    Effect.gen(function*() {
      const { as } = yield* served(Sessions.layerServer(usual))
      const newer = yield* as(Newer)

      const error = yield* Effect.flip(Effect.scoped(newer.borrowWith({ class: "nightly" })))
      const seen = yield* newer.with(() => newer.stats, { class: "batch" })

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Incompatible")
      assert.include(error.message, "it has no class \"nightly\"")
      assert.strictEqual(seen.classes?.["batch"]?.leases, 1)
    }))

  it.effect("of a host that knows nothing of classes is told so, and never served as if he had named none", () =>
    Effect.gen(function*() {
      const { as, wire } = yield* served(Older.layerServer({ objects: ["a"], closing: { timeout: 0 } }))
      const newer = yield* as(Newer)

      const error = yield* Effect.flip(newer.with(() => Effect.void, { class: "batch" }))

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Incompatible")
      assert.isFalse(wire.carried.some((message) => message.includes("\"class\"")))
      yield* newer.with(() => Effect.void)
    }))

  it.effect("who is older than the classes of his host is served as one who names none", () =>
    Effect.gen(function*() {
      const { as } = yield* served(Sessions.layerServer(usual))
      const older = yield* as(Older)

      const { classes, leases } = yield* older.with(() => older.stats)

      assert.strictEqual(leases, 1)
      assert.deepStrictEqual(Object.values(classes ?? {}).map((each) => each.leases), [0, 0])
      // one is left to those of whom one has it in reserve
      yield* Effect.scoped(Effect.gen(function*() {
        yield* older.borrow
        const error = yield* Effect.flip(older.tryBorrow)
        assert.strictEqual(error._tag, "PoolExhausted")
      }))
    }))

  it.effect("who names a class that his host has not named is refused, and holds nothing", () =>
    Effect.gen(function*() {
      const { as, wire } = yield* served(Sessions.layerServer(usual))
      const honest = yield* as(Sessions)
      yield* honest.with(() => Effect.void)
      const fingerprint = /"fingerprint":"(\w+)"/.exec(wire.carried.join("\n"))![1]!
      const client = yield* Effect.provide(
        RpcClient.make(Guarded, { disableTracing: true }),
        yield* Layer.build(wire.layerClient())
      )
      const whose = { pool: "app/Sessions", session: "s" }
      yield* client.Join({ ...whose, version, fingerprint, borrower: "liar" }, { asQueue: true })
      yield* settle

      for (const name of ["nightly", "__proto__", "toString", "", "x".repeat(256)]) {
        const ask = { queues: true, class: name }
        const exit = yield* Effect.exit(client.Borrow({ ...whose, key: 1, ask }))
        assert.include(String(exit), "InvalidPoolOptions")
      }
      assert.strictEqual((yield* honest.stats).leases, 0)
      const granted = yield* client.Borrow({ ...whose, key: 1, ask: { queues: true, class: "batch" } })
      assert.isAbove(granted.leaseId, 0)
      assert.strictEqual((yield* honest.stats).classes?.["batch"]?.leases, 1)
    }))

  it.effect("who is one too many to wait is told his class", () =>
    Effect.gen(function*() {
      const { as } = yield* served(Sessions.layerServer({ ...usual, perBorrower: { waiters: 0 } }))
      const sessions = yield* as(Sessions)
      yield* sessions.borrowWith({ class: "batch" })

      const error = yield* Effect.flip(sessions.borrowWith({ class: "batch" }))

      assert.deepStrictEqual(error._tag === "PoolExhausted" && [error.reason, error.class], ["WaitersFull", "batch"])
    }))
})

describe("a host", () => {
  const cluster = Layer.suspend(() =>
    Layer.merge(TestRunner.layer, Layer.effect(Claims, make(storeMemory(), { expiry: 15_000 })))
  )
  const anybody = Layer.suspend(() => Layer.merge(makeWire().layerServer, SharedPool.layerAccess("anybody")))
  type Options = SharedOptions<string, undefined, never, never> & HostSettings
  const wrong: ReadonlyArray<readonly [string, unknown, string]> = [
    ["has no limits for a class of its tag", { interactive: {} }, "classes.batch"],
    [
      "has limits for a class that its tag does not have",
      { interactive: {}, batch: {}, nightly: {} },
      "classes.nightly"
    ],
    ["has no limits for any", undefined, "classes.interactive"]
  ]
  for (const [what, classes, option] of wrong) {
    it.live(`that ${what} is not built`, () =>
      Effect.gen(function*() {
        const options = { objects: ["a"], ...(classes === undefined ? {} : { classes }) } as Options
        const tag = Sessions as never as typeof Older
        const layers: ReadonlyArray<Layer.Layer<never, unknown>> = [
          tag.layer(options),
          Layer.provide(tag.layerServer(options), anybody),
          Layer.provide(tag.layerHost(options), cluster)
        ]
        for (const layer of layers) {
          const exit = yield* Effect.exit(Layer.build(layer))
          assert.isTrue(Exit.hasDies(exit))
          assert.include(String(exit), option)
        }
      }).pipe(Effect.scoped))
  }

  it.effect("whose tag has declared no classes has none", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Layer.build(Older.layer({ objects: ["a"], classes } as never)))

      assert.isTrue(Exit.hasDies(exit))
      assert.include(String(exit), "the tag has declared none")
    }))

  it.effect("shows in its metrics what each class has", () =>
    Effect.gen(function*() {
      const { as } = yield* served(Sessions.layerServer({ ...usual, metrics: {} }))
      const sessions = yield* as(Sessions)
      yield* sessions.borrowWith({ class: "batch" })

      const shown = (yield* Metric.snapshot).filter(({ id }) => id === "pool.object.class.leases")

      const counts = shown.map(({ attributes, state }) => [attributes?.["class"], (state as { value: unknown }).value])
      assert.sameDeepMembers(counts, [["batch", 1], ["interactive", 0]])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))
})
