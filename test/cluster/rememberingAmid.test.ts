/**
 * What is added to a shared pool and taken out of it at once, beside a store that fails, hangs, or does late what it was asked
 * for: what is remembered is what is in the pool.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type SharedOptions, SharedPool } from "../../src/cluster.ts"
import { drawing } from "../support/random.ts"
import { broken, complaints, gate, memory } from "../support/stores.ts"
import { makeWire } from "../support/wire.ts"

const Key = Schema.Struct({ name: Schema.String, edition: Schema.Int })
type Key = typeof Key.Type

class Keys extends SharedPool.Service<Keys>()("amid/Keys", { object: Key }) {}

type Options = SharedOptions<Key, undefined, never, never, never, never, never, never, never, string>

const keyOf = (name: string, edition = 1): Key => ({ name, edition })

const settle = Effect.repeat(Effect.yieldNow, { times: 100 })

const prefix = "amid/Keys/%added-"

/** A pool of this process, and its store, whose entries of added objects may be hindered. */
const started = Effect.fnUntraced(function*(options: Partial<Options> = {}, entries = new Map<string, string>()) {
  const store = memory(entries)
  const scope = yield* Scope.make()
  const layer = Keys.layer({
    remember: { key: ({ name }: Key) => name },
    hookTimeout: "1 second",
    closing: { timeout: 0 },
    ...options
  })
  const pool = Context.get(yield* Layer.build(layer).pipe(Scope.provide(scope), store.within), Keys)
  const remembered = () =>
    [...store.entries].flatMap(([name, text]) =>
      name.startsWith(prefix) ? [(JSON.parse(text) as { readonly object: Key }).object] : []
    )
  /** The names of what is in the pool; and the editions of it, where it lends. */
  return {
    pool,
    entries,
    remembered,
    /** What is done before an added object is written, or its entry is removed. */
    hinder: (before: (method: "set" | "remove") => Effect.Effect<unknown, typeof broken>) => {
      store.before = (method, key) => key.startsWith(prefix) && method !== "get" ? before(method) : Effect.void
    },
    stop: Scope.close(scope, Exit.void)
  }
})

/** What there is in a pool: each is borrowed once. */
const there = (pool: Effect.Success<ReturnType<typeof started>>["pool"]) =>
  Effect.scoped(Effect.gen(function*() {
    const { size } = yield* pool.stats
    const leases = yield* Effect.forEach(Array.from({ length: size }), () => pool.borrow)
    return leases.map(({ object }) => object)
  }))

const byName = (keys: ReadonlyArray<Key>) => keys.toSorted((a, b) => a.name < b.name ? -1 : 1)

/** Does something the first time. */
const once = <B, E>(effect: Effect.Effect<B, E>) => {
  let asked = 0
  return (): Effect.Effect<B | void, E> => asked++ === 0 ? effect : Effect.void
}

describe("what is remembered", () => {
  it.effect("is what `add` has answered for, though another of its key could not be written beside it", () =>
    Effect.gen(function*() {
      const { hinder, pool, remembered } = yield* started()
      hinder(once(Effect.andThen(settle, Effect.fail(broken))))

      const exits = yield* Effect.all([Effect.exit(pool.add(keyOf("a"))), Effect.exit(pool.add(keyOf("a")))], {
        concurrency: "unbounded"
      })
      yield* settle

      assert.deepStrictEqual(exits.map(({ _tag }) => _tag), ["Failure", "Success"])
      assert.deepStrictEqual(remembered(), [keyOf("a")])
    }))

  it.effect("is what is in the pool, however many of its key the pool refuses at once", () =>
    Effect.gen(function*() {
      const { hinder, pool, remembered } = yield* started()
      yield* pool.add(keyOf("a"))
      hinder(() => settle)

      const errors = yield* Effect.forEach([2, 3, 4], (edition) => Effect.flip(pool.add(keyOf("a", edition))), {
        concurrency: "unbounded"
      })
      yield* settle

      assert.deepStrictEqual(errors.map(({ _tag }) => _tag), ["DuplicateObject", "DuplicateObject", "DuplicateObject"])
      assert.deepStrictEqual(remembered(), [keyOf("a")])
    }))

  it.effect("is not what was not added, though the store writes it after its time", () =>
    Effect.gen(function*() {
      const { hinder, pool, remembered } = yield* started()
      const { open, wait } = gate()
      hinder(once(wait))
      const adding = yield* Effect.forkChild(Effect.flip(pool.add(keyOf("a"))), { startImmediately: true })
      yield* settle
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(adding))._tag, "PoolUnavailable")

      yield* open
      yield* settle

      assert.deepStrictEqual(remembered(), [])
      yield* pool.add(keyOf("a"))
      assert.deepStrictEqual(remembered(), [keyOf("a")])
    }))

  it.effect("is not what was not added, though the store cannot take that back at once", () =>
    Effect.gen(function*() {
      const log = complaints()
      const { hinder, pool, remembered } = yield* started({ size: { max: 1 } })
      yield* pool.add(keyOf("a"))
      hinder((method) => method === "remove" ? Effect.fail(broken) : Effect.void)
      const error = yield* Effect.flip(pool.add(keyOf("b"))).pipe(log.within)
      assert.strictEqual(error._tag, "PoolFull")
      assert.deepStrictEqual(byName(remembered()), [keyOf("a"), keyOf("b")])
      assert.isNotEmpty(log.messages)

      hinder(() => Effect.void)
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(remembered(), [keyOf("a")])
    }))

  for (
    const [how, leave] of [
      ["was taken out", (pool) => pool.remove(keyOf("a"))],
      ["has left by itself", (pool) => pool.with((lease) => lease.invalidate)]
    ] as ReadonlyArray<readonly [string, (pool: SharedPool<Key>) => Effect.Effect<unknown, unknown>]>
  ) {
    it.effect(`is what is added again, though the entry of what ${how} is removed after its time`, () =>
      Effect.gen(function*() {
        const { hinder, pool, remembered } = yield* started()
        yield* pool.add(keyOf("a"))
        const { open, wait } = gate()
        hinder((method) => method === "remove" ? wait : Effect.void)
        yield* Effect.forkChild(Effect.exit(leave(pool)), { startImmediately: true })
        yield* settle
        yield* TestClock.adjust("1 second")

        const adding = yield* Effect.forkChild(Effect.exit(pool.add(keyOf("a", 2))), { startImmediately: true })
        yield* settle
        yield* TestClock.adjust("1 second")
        yield* open
        yield* TestClock.adjust("2 seconds")

        yield* Fiber.join(adding)
        assert.deepStrictEqual(remembered(), yield* there(pool))
        yield* Effect.exit(pool.add(keyOf("a", 3)))
        assert.lengthOf(remembered(), 1)
        assert.deepStrictEqual(remembered(), yield* there(pool))
      }))
  }

  it.effect("is not what a pool refuses that is being closed, or is closed", () =>
    Effect.gen(function*() {
      const { pool, remembered, stop } = yield* started({ closing: { timeout: "10 seconds" } })
      yield* pool.add(keyOf("a"))
      const scope = yield* Scope.make()
      yield* Scope.provide(pool.borrow, scope)
      const stopping = yield* Effect.forkChild(stop, { startImmediately: true })
      yield* settle

      const amid = yield* Effect.flip(pool.add(keyOf("b")))
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(stopping)
      const after = yield* Effect.flip(pool.add(keyOf("c")))

      assert.deepStrictEqual([amid._tag, after._tag], ["PoolClosed", "PoolClosed"])
      assert.deepStrictEqual(remembered(), [keyOf("a")])
    }))
})

describe("who adds and leaves", () => {
  it.effect("does not wait for the store, and leaves nothing that is remembered and not in the pool", () =>
    Effect.gen(function*() {
      const { hinder, pool, remembered } = yield* started()
      for (let step = 0; step < 20; step++) {
        const { open, wait } = gate()
        hinder((method) => method === "set" ? wait : Effect.void)
        const adding = yield* Effect.forkChild(pool.add(keyOf("a")), { startImmediately: true })
        yield* Effect.repeat(Effect.yieldNow, { times: step })
        if (step % 2 === 0) yield* open
        yield* Effect.repeat(Effect.yieldNow, { times: step % 5 })
        yield* Fiber.interrupt(adding)
        yield* open
        yield* settle

        assert.deepStrictEqual(remembered(), yield* there(pool), `step ${step}`)
        hinder(() => Effect.void)
        yield* pool.remove(keyOf("a"))
        assert.deepStrictEqual(remembered(), [])
      }
    }))
})

describe("a store that hangs", () => {
  it.effect("keeps nobody who adds or takes out for longer than `hookTimeout`, however many do", () =>
    Effect.gen(function*() {
      const { hinder, pool } = yield* started()
      const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
      yield* pool.addAll(names.map((name) => keyOf(name)))
      hinder(() => Effect.never)
      const asked = [
        ...names.map((name) => pool.add(keyOf(`${name} more`))),
        ...names.map((name) => pool.remove(keyOf(name)))
      ]
      const told = yield* Effect.forEach(
        asked,
        (ask) => Effect.forkChild(Effect.flip(ask as Effect.Effect<unknown, { readonly _tag: string }>)),
        { concurrency: 1 }
      )
      yield* settle

      yield* TestClock.adjust("1 second")

      assert.isTrue(told.every((fiber) => fiber.pollUnsafe() !== undefined))
      assert.strictEqual((yield* pool.stats).size, 0)
    }))

  it.effect("is not asked again for who adds from another process, and is told", () =>
    Effect.gen(function*() {
      const store = memory()
      let written = 0
      store.before = (method) => {
        if (method === "set") written++
        return method === "get" ? Effect.void : Effect.fail(broken)
      }
      const wire = makeWire()
      const server = Keys.layerServer({ remember: { key: ({ name }: Key) => name }, closing: { timeout: 0 } })
      yield* Layer.build(
        server.pipe(Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]), Layer.orDie)
      ).pipe(store.within)
      const pool = Context.get(yield* Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())), Keys)
      yield* pool.stats

      const error = yield* Effect.flip(pool.add(keyOf("a")))
      yield* settle
      yield* TestClock.adjust("10 seconds")

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Unreachable")
      assert.strictEqual((yield* pool.stats).size, 0)
      assert.strictEqual(written, 1)
    }))

  it.effect("under one name does not keep another from being remembered", () =>
    Effect.gen(function*() {
      const { hinder, pool, remembered } = yield* started()
      hinder(once(Effect.never))
      yield* Effect.forkChild(Effect.exit(pool.add(keyOf("a"))), { startImmediately: true })
      yield* settle

      yield* pool.add(keyOf("b"))
      yield* pool.remove(keyOf("b"))
      yield* pool.add(keyOf("c"))

      assert.deepStrictEqual(remembered(), [keyOf("c")])
    }))
})

describe("whatever is added and taken out at once, beside a store that does as it likes", () => {
  type Pool = SharedPool<Key>

  /** One thing that somebody does. */
  const act = (pool: Pool, below: (n: number) => number): Effect.Effect<unknown, unknown> => {
    const key = () => keyOf(["a", "b", "c"][below(3)]!, below(3))
    const acts: ReadonlyArray<() => Effect.Effect<unknown, unknown>> = [
      () => pool.add(key()),
      () => pool.add(key()),
      () => pool.addAll([key(), key()]),
      () => pool.remove(key()),
      () =>
        Effect.flatMap(pool.objects, (all) => all.length === 0 ? Effect.void : pool.remove(all[below(all.length)]!)),
      () => pool.with((lease) => Effect.andThen(lease.invalidate, Effect.sleep(below(1500)))),
      () => Effect.timeoutOption(pool.add(key()), below(1500)),
      () => Effect.sleep(below(1500))
    ]
    return Effect.exit(acts[below(acts.length)]!())
  }

  /** Others each time: what fails says which it was. */
  const first = Math.floor(Math.random() * 1e9)

  it.effect("what is remembered in the end is what is in the pool, and what the next one has", () =>
    Effect.gen(function*() {
      for (let seed = first; seed < first + 40; seed++) {
        const below = drawing(seed)
        const { entries, hinder, pool, remembered, stop } = yield* started({ borrowTimeout: "1 second" })
        hinder(() => {
          const how = below(6)
          return how === 0 ? Effect.fail(broken) : how < 3 ? Effect.sleep(below(4000)) : Effect.void
        })
        const fibers = yield* Effect.forEach(
          [1, 2, 3, 4],
          () => Effect.forkChild(Effect.repeat(Effect.suspend(() => act(pool, below)), { times: 6 }))
        )
        for (let second = 0; second < 60; second++) yield* TestClock.adjust("1 second")
        hinder(() => Effect.void)
        yield* Fiber.joinAll(fibers)
        for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")

        const inPool = byName(yield* there(pool))
        assert.deepStrictEqual(byName(remembered()), inPool, `seed ${seed}`)
        yield* stop
        const next = yield* started({}, entries)
        assert.deepStrictEqual(byName(yield* there(next.pool)), inPool, `seed ${seed}, the next`)
        yield* next.stop
      }
    }))
})
