/** What a shared pool remembers over its hosts: in one process, over stores that the tests look into. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Schedule, Schema, Scope } from "effect"
import { MessageStorage, RunnerHealth, Runners, RunnerStorage, Sharding, ShardingConfig } from "effect/cluster"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import { Claims, type HostSettings, type SharedOptions, SharedPool } from "../../src/cluster.ts"
import { make, storeMemory } from "../../src/internal/cluster/claims.ts"
import { inProcess, type Memories } from "../../src/internal/cluster/memory.ts"
import { complaints } from "../support/stores.ts"
import { makeWire } from "../support/wire.ts"
import { isFenced, isHandedOn } from "./support/memories.ts"

const Key = Schema.Struct({ name: Schema.String, secret: Schema.String })
type Key = typeof Key.Type
const Tier = Schema.Struct({ tier: Schema.Int })

class Keys extends SharedPool.Service<Keys>()("memory/Keys", { object: Key, data: Tier }) {}

type Options = SharedOptions<Key, typeof Tier.Type, never, never, never, never, never, never, never, string>

const keyOf = (name: string): Key => ({ name, secret: `secret of ${name}` })

const usual: Options & HostSettings = {
  data: { tier: 1 },
  remember: { key: ({ name }: Key) => name },
  closing: { timeout: 0 }
}

/** A cluster that is this process, and ends quickly. */
const cluster = Sharding.layer.pipe(
  Layer.provide(Runners.layerNoop),
  Layer.provide([MessageStorage.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(ShardingConfig.layer({ shardsPerGroup: 1, refreshAssignmentsInterval: "20 millis" }))
)

const prefix = "memory/Keys/%added-"

/** A database: what was written, and by which host it may be; and how it fails. */
const database = (entries = new Map<string, string>()) => {
  const rows = storeMemory()
  const inner = inProcess(entries)
  const state = { before: (_method: string): Effect.Effect<unknown, unknown> => Effect.void }
  const memories: Memories = (pool, epoch) => {
    const { get, open, remove, set, setAll } = inner(pool, epoch)
    const after = <B>(method: string, act: Effect.Effect<B, unknown>) =>
      Effect.andThen(Effect.suspend(() => state.before(method)), act)
    return {
      open: (beginning) => after("open", open(beginning)),
      get: (name) => after("get", get(name)),
      set: (name, value) => after("set", set(name, value)),
      setAll: (entries) => after("set", setAll(entries)),
      remove: (name) => after("remove", remove(name))
    }
  }
  const base = Layer.merge(cluster, Layer.effect(Claims, make(rows, { expiry: 15_000, memories })))
  const host = (options: Partial<Options>) =>
    Effect.gen(function*() {
      const [scope, inner] = [yield* Scope.make(), yield* Scope.make()]
      const context = yield* Layer.build(Layer.fresh(base)).pipe(Scope.provide(scope))
      yield* Layer.build(Keys.layerHost({ ...usual, ...options })).pipe(Scope.provide(scope), Effect.provide(context))
      const pool = Context.get(
        yield* Layer.build(Layer.fresh(Keys.layerClient)).pipe(Scope.provide(inner), Effect.provide(context)),
        Keys
      )
      // effect's client of an entity takes seconds to end, for which nobody waits here
      const leaving = Effect.forkDetach(Scope.close(inner, Exit.void), { startImmediately: true })
      return { pool, stop: Effect.andThen(leaving, Scope.close(scope, Exit.void)) }
    })
  return Object.assign(state, {
    entries,
    /** The names of what was added. */
    added: () =>
      [...entries.keys()].filter((name) => name.startsWith(prefix)).map((n) => n.slice(prefix.length)).sort(),
    memories,
    host: (options: Partial<Options> = {}) => host(options)
  })
}

/** A pool that is there until it is told to stop. */
const started = <E>(layer: Layer.Layer<Keys, E>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const pool = Context.get(yield* Layer.build(layer).pipe(Scope.provide(scope)), Keys)
    return { pool, stop: Scope.close(scope, Exit.void) }
  })

/** Waits until it is so. */
const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isSo: (value: A) => boolean) =>
  Effect.repeat(effect, { until: isSo, schedule: Schedule.spaced("10 millis") })

const away = () => Effect.fail("away")
const there = () => Effect.void

describe("the next host", () => {
  it.live("has what was added, with its data, and no more what was taken out", () =>
    Effect.gen(function*() {
      const { added, entries, host } = database()
      const first = yield* host()
      yield* first.pool.addAll(["a", "b", "c"].map(keyOf), { data: { tier: 7 }, leaseTimeout: "1 minute" })
      assert.deepStrictEqual(added(), ["a", "b", "c"])
      assert.include(entries.get(`${prefix}c`), "secret of c")
      assert.isTrue(yield* first.pool.remove(keyOf("a")))
      const [b] = yield* first.pool.objects
      assert.isTrue(yield* first.pool.remove(b!))
      assert.deepStrictEqual(added(), ["c"])
      yield* first.stop

      const next = yield* host()
      const [object, data, lasts] = yield* next.pool.with((lease) =>
        Effect.succeed([
          lease.object,
          lease.data,
          +lease.expiresAt!.epochMilliseconds - +lease.borrowedAt.epochMilliseconds
        ])
      )
      assert.deepStrictEqual([object, data], [keyOf("c"), { tier: 7 }])
      assert.approximately(lasts as number, 60_000, 2000)
      assert.isFalse(yield* next.pool.remove(keyOf("a")))
      assert.strictEqual((yield* next.pool.objects).length, 1)
      yield* next.stop
    }))

  it.live("keeps rests and allowances, also those of the last moment before its predecessor stopped", () =>
    Effect.gen(function*() {
      const { host } = database()
      const options = { allowance: { limit: 3, per: "1 hour" } } as const
      const first = yield* host(options)
      yield* first.pool.addAll(["a", "b"].map(keyOf))
      yield* first.pool.with(() => Effect.void)
      yield* first.pool.rest(keyOf("b"), "1 hour")
      yield* first.pool.with(() => Effect.void)
      yield* first.stop

      const next = yield* host(options)
      const objects = yield* next.pool.objects
      assert.deepStrictEqual(objects.map(({ status }) => status).sort(), ["Available", "Dormant"])
      const left = objects.map(({ allowances }) => allowances[0]!.left)
      assert.strictEqual(left.reduce((sum, each) => sum + each), 4)
      yield* next.stop
    }))

  it.live("has no object that has left by itself, and each that its predecessor had as it closed", () =>
    Effect.gen(function*() {
      const { added, host } = database()
      const first = yield* host()
      yield* first.pool.addAll(["a", "b", "c"].map(keyOf))
      const gone = yield* first.pool.with((lease) => Effect.as(lease.invalidate, lease.object.name))
      const taken = (yield* Effect.flatMap(first.pool.borrow, (lease) => lease.detach)).name
      yield* until(Effect.sync(added), (names) => names.length === 1)
      assert.notInclude(added(), gone)
      assert.notInclude(added(), taken)
      yield* first.pool.borrow
      yield* first.stop

      assert.strictEqual(added().length, 1)
      const next = yield* host()
      assert.strictEqual((yield* next.pool.objects).length, 1)
      yield* next.stop
    }).pipe(Effect.scoped))

  it.live("has an object once that is among its options as well", () =>
    Effect.gen(function*() {
      const { added, host } = database()
      const first = yield* host()
      yield* first.pool.add(keyOf("a"))
      yield* first.stop

      const next = yield* host({ objects: [keyOf("a")] })
      assert.strictEqual((yield* next.pool.objects).length, 1)
      assert.isTrue(yield* next.pool.remove(keyOf("a")))
      assert.deepStrictEqual(added(), [])
      yield* next.stop
    }))

  it.live("leaves an entry alone that makes no sense to it, says so, and has all others", () =>
    Effect.gen(function*() {
      const { added, entries, host } = database()
      const first = yield* host()
      yield* first.pool.addAll(["a", "b", "c", "d"].map(keyOf))
      yield* first.stop
      const text = entries.get(`${prefix}a`)!
      const changed = {
        a: text.slice(1),
        b: text.replace(`"version":1`, `"version":2`),
        c: text.replace("name", "nom")
      }
      for (const [name, text] of Object.entries(changed)) entries.set(prefix + name, text)

      const log = complaints()
      const next = yield* host().pipe(log.within)
      yield* until(Effect.sync(() => log.messages), (messages) => messages.length >= 3)
      assert.strictEqual(new Set(log.messages).size, 1)
      assert.deepStrictEqual(log.annotations.map(({ key }) => String(key)).sort(), ["a", "b", "c"])
      assert.notInclude(JSON.stringify([log.messages, log.annotations]), "secret")
      assert.strictEqual((yield* next.pool.objects).length, 1)
      assert.deepStrictEqual(added(), ["a", "b", "c", "d"])
      yield* next.pool.add(keyOf("a"))
      assert.isTrue(yield* next.pool.remove(keyOf("b")))
      yield* next.stop
      assert.deepStrictEqual(added(), ["a", "c", "d"])
      assert.strictEqual(entries.get(`${prefix}a`), text.replace(/,"data.*/, "}"))
    }))
})

describe("a memory of a process", () => {
  it.effect("is handed on from host to host", () => isHandedOn(inProcess()))
  it.effect("takes nothing from a host that another has followed", () => isFenced(inProcess(), 5))
})

describe("what is added", () => {
  it.live("is remembered before that is answered; what is refused is not, and changes nothing that is", () =>
    Effect.gen(function*() {
      const { added, entries, host } = database()
      const first = yield* host({ size: { max: 2 } })
      yield* first.pool.add(keyOf("a"), { data: { tier: 2 } })
      const before = new Map(entries)

      const full = yield* Effect.flip(first.pool.addAll(["b", "c"].map(keyOf)))
      assert.strictEqual(full._tag, "PoolFull")
      const twice = yield* Effect.flip(first.pool.add({ ...keyOf("a"), secret: "another" }, { data: { tier: 3 } }))
      assert.strictEqual(twice._tag, "DuplicateObject")
      assert.deepStrictEqual(entries, before)
      assert.deepStrictEqual(added(), ["a"])
      yield* first.stop
    }))

  it.live("is not added while the store does not answer, and what is taken out then leaves the store when it does", () =>
    Effect.gen(function*() {
      const base = database()
      const first = yield* base.host({ hookTimeout: "300 millis" })
      yield* first.pool.addAll(["a", "b"].map(keyOf))

      base.before = (method) => method === "set" ? Effect.never : Effect.void
      const hangs = yield* Effect.flip(first.pool.add(keyOf("c")))
      base.before = away
      const fails = yield* Effect.flip(first.pool.addAll(["d", "e"].map(keyOf)))
      const stays = yield* Effect.flip(first.pool.remove(keyOf("a")))
      assert.deepStrictEqual(
        [hangs, fails, stays].map((error) => "reason" in error ? error.reason : error._tag),
        ["Unreachable", "Unreachable", "Unreachable"]
      )
      assert.strictEqual((yield* first.pool.objects).length, 1)
      base.before = there
      yield* until(Effect.sync(base.added), (names) => names.length === 1)
      assert.deepStrictEqual(base.added(), ["b"])
      yield* first.stop
    }))

  it.live("is not written, nor taken out, nor any rest, by a host that another has followed", () =>
    Effect.gen(function*() {
      const { entries, host, memories } = database()
      const first = yield* host({ objects: [keyOf("z")] })
      yield* first.pool.add(keyOf("a"))
      yield* memories("memory/Keys", 99).open("")
      const before = new Map(entries)

      const log = complaints()
      const add = yield* Effect.flip(first.pool.add(keyOf("b")))
      assert.strictEqual(add._tag, "PoolUnavailable")
      assert.strictEqual((yield* Effect.flip(first.pool.remove(keyOf("a"))))._tag, "PoolUnavailable")
      yield* first.pool.rest(keyOf("z"), "1 hour")
      yield* first.stop.pipe(log.within)
      assert.deepStrictEqual(entries, before)
      assert.deepStrictEqual(log.messages, [])
    }))
})

describe("a host whose store does not answer as it begins", () => {
  it.live("lends what it has by itself after `hookTimeout`, says so, and puts in what was added when it does", () =>
    Effect.gen(function*() {
      const base = database()
      const first = yield* base.host()
      yield* first.pool.addAll(["a", "b"].map(keyOf))
      yield* first.stop

      base.before = () => Effect.never
      const log = complaints()
      const next = yield* base.host({ objects: [keyOf("z")], hookTimeout: "300 millis" }).pipe(log.within)
      assert.strictEqual(yield* next.pool.with((lease) => Effect.succeed(lease.object.name)), "z")
      assert.isTrue(log.messages.some((message) => message.startsWith("What is remembered was not read in time")))
      assert.strictEqual((yield* Effect.flip(next.pool.add(keyOf("c"))))._tag, "PoolUnavailable")
      base.before = there
      yield* until(next.pool.objects, (objects) => objects.length === 3)
      yield* next.pool.add(keyOf("c"))
      assert.deepStrictEqual(base.added(), ["a", "b", "c"])
      yield* next.stop
    }))
})

describe("a pool with a store of its own", () => {
  const open = (layer: (store: Layer.Layer<KeyValueStore.KeyValueStore>) => Layer.Layer<Keys, unknown>) =>
    Effect.gen(function*() {
      const entries = new Map<string, string>()
      const state = { away: false }
      const operation = <B>(act: () => B) =>
        Effect.suspend(() =>
          state.away
            ? Effect.fail(new KeyValueStore.KeyValueStoreError({ method: "any", message: "the store is down" }))
            : Effect.succeed(act())
        )
      const store = Layer.succeed(
        KeyValueStore.KeyValueStore,
        KeyValueStore.makeStringOnly({
          get: (key) => operation(() => entries.get(key)),
          set: (key, value) => operation(() => void entries.set(key, value)),
          remove: (key) => operation(() => void entries.delete(key)),
          clear: Effect.void,
          size: Effect.succeed(0),
          keys: operation(() => [...entries.keys()])
        })
      )
      const first = yield* started(layer(store))
      yield* first.pool.addAll(["a", "b", "c"].map(keyOf), { data: { tier: 7 } })
      yield* first.pool.remove(keyOf("a"))
      yield* first.pool.rest(keyOf("b"), "1 hour")
      state.away = true
      const error = yield* Effect.flip(first.pool.add(keyOf("d")))
      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Unreachable")
      state.away = false
      yield* first.stop

      const next = yield* started(layer(store))
      assert.deepStrictEqual((yield* next.pool.objects).map(({ status }) => status).sort(), ["Available", "Dormant"])
      assert.deepStrictEqual(yield* next.pool.with((lease) => Effect.succeed(lease.data)), { tier: 7 })
      yield* next.stop
    })

  it.live("in this process alone has what was added before it was built anew", () =>
    open((store) => Layer.fresh(Keys.layer(usual)).pipe(Layer.provide(store))))

  it.live("at a server has what was added before that was restarted", () =>
    open((store) => {
      const wire = makeWire()
      const server = Keys.layerServer(usual).pipe(
        Layer.provide([store, wire.layerServer, SharedPool.layerAccess("anybody")])
      )
      return Layer.fresh(Layer.provide(Keys.layerRemote, wire.layerClient()).pipe(Layer.provide(server)))
    }))
})
