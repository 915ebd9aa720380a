/** Which process may be the host of a pool, over rows that all share. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import {
  type Claim,
  type ClaimsService,
  make,
  type Row,
  type Store,
  storeMemory
} from "../../src/internal/cluster/claims.ts"
import { failing } from "./support/stores.ts"

const expiry = 15_000
const timeToLive = 10_000
/** How long a host renews after it sent its last beat. */
const window = expiry - 11_000

interface Process {
  readonly claims: ClaimsService
  readonly scope: Scope.Closeable
  readonly take: Effect.Effect<Claim>
  /** Its timers run no more, and it writes nothing. */
  readonly die: Effect.Effect<void>
}

const startOn = (store: Store<unknown>): Effect.Effect<Process> =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const claims = yield* make(store, { expiry }).pipe(Scope.provide(scope))
    yield* claims.watch("p").pipe(Scope.provide(scope))
    return {
      claims,
      scope,
      take: claims.take("p", timeToLive).pipe(Scope.provide(scope)),
      die: Scope.close(scope, Exit.void)
    }
  })

const isDone = (fiber: Fiber.Fiber<unknown>): boolean => fiber.pollUnsafe() !== undefined

describe("a claim", () => {
  it.effect("of the first host holds at once, and nothing is left to wait for", () =>
    Effect.gen(function*() {
      const first = yield* startOn(storeMemory())
      const claim = yield* first.take

      yield* claim.inherited
      assert.deepStrictEqual([claim.epoch, claim.holds()], [1, true])
    }))

  it.effect("holds as long as its beats are written, and no longer than the rest of the expiry without one", () =>
    Effect.gen(function*() {
      const rows = failing(storeMemory())
      const first = yield* startOn(rows.store)
      const claim = yield* first.take

      yield* TestClock.adjust("1 hour")
      assert.isTrue(claim.holds())
      rows.set("away")
      yield* TestClock.adjust(window - window / 4 - 1)
      assert.isTrue(claim.holds())
      yield* TestClock.adjust(window / 4 + 1)
      assert.isFalse(claim.holds())
    }))

  it.effect("holds again when the storage is back, if nobody has taken over", () =>
    Effect.gen(function*() {
      const rows = failing(storeMemory())
      const first = yield* startOn(rows.store)
      const claim = yield* first.take

      rows.set("away")
      yield* TestClock.adjust("1 minute")
      rows.set("there")
      yield* TestClock.adjust(window)
      assert.deepStrictEqual([claim.epoch, claim.holds()], [1, true])
    }))

  it.effect("after a host that died waits until every lease of that host is over, counted from when its last beat was seen", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const first = yield* startOn(store)
      const next = yield* startOn(store)
      yield* first.take
      yield* TestClock.adjust("1 minute")
      yield* first.die
      // what it has written last is seen by the next look
      yield* TestClock.adjust(500)

      const claim = yield* next.take
      const inherited = yield* Effect.forkChild(claim.inherited, { startImmediately: true })
      yield* TestClock.adjust(expiry - 1000 - window / 4)
      assert.isFalse(isDone(inherited))
      yield* TestClock.adjust(1000 + window / 4)
      assert.isTrue(isDone(inherited))
      assert.strictEqual(claim.epoch, 2)
    }))

  it.effect("of a host that has seen nothing of the last waits the whole expiry", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const first = yield* startOn(store)
      yield* first.take
      yield* first.die
      yield* TestClock.adjust("1 hour")

      const next = yield* startOn(store)
      const claim = yield* next.take
      const inherited = yield* Effect.forkChild(claim.inherited, { startImmediately: true })
      yield* TestClock.adjust(expiry - 1)
      assert.isFalse(isDone(inherited))
      yield* TestClock.adjust(1)
      assert.isTrue(isDone(inherited))
    }))

  it.effect("after a host that left waits for nothing", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const first = yield* startOn(store)
      yield* (yield* first.take).leave
      yield* first.die

      const claim = yield* (yield* startOn(store)).take
      yield* claim.inherited
      assert.strictEqual(claim.epoch, 2)
    }))

  it.effect("after a host that left while the leases of another were not over waits for these", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const first = yield* startOn(store)
      yield* first.take
      yield* first.die
      const second = yield* startOn(store)
      yield* (yield* second.take).leave
      yield* second.die

      const claim = yield* (yield* startOn(store)).take
      const inherited = yield* Effect.forkChild(claim.inherited, { startImmediately: true })
      yield* TestClock.adjust(expiry - 1)
      assert.isFalse(isDone(inherited))
    }))

  it.effect("is lost at the next beat after another host has taken over, and never holds again", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const first = yield* startOn(store)
      const claim = yield* first.take
      const lost = yield* Effect.forkChild(claim.lost, { startImmediately: true })
      const next = yield* (yield* startOn(store)).take

      yield* TestClock.adjust(window / 4)
      assert.deepStrictEqual([isDone(lost), claim.holds(), next.holds()], [true, false, true])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([claim.holds(), next.holds()], [false, true])
    }))

  it.effect("is taken by one of several that try it at once", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const processes = yield* Effect.all(Array.from({ length: 5 }, () => startOn(store)))
      const claims = yield* Effect.forEach(processes, (process) => process.take, { concurrency: "unbounded" })
      yield* TestClock.adjust("1 minute")

      const epochs = claims.map((claim) => claim.epoch).sort((a, b) => a - b)
      assert.deepStrictEqual(epochs, [1, 2, 3, 4, 5])
      assert.deepStrictEqual(claims.filter((claim) => claim.holds()).map((claim) => claim.epoch), [5])
    }))

  it.effect("is not taken with a beat of the last host that was written meanwhile", () =>
    Effect.gen(function*() {
      const store = storeMemory()
      const row: Row = { pool: "p", epoch: 1, token: "a", beat: 0, clean: false, expiry }
      yield* store.take(row, undefined)
      yield* store.beat("p", "a")

      assert.isFalse(yield* store.take({ ...row, epoch: 2, token: "b" }, row))
      assert.isTrue(yield* store.take({ ...row, epoch: 2, token: "b" }, { ...row, beat: 1 }))
    }))

  it.effect("waits for the storage", () =>
    Effect.gen(function*() {
      const rows = failing(storeMemory())
      rows.set("away")
      const taking = yield* Effect.forkChild((yield* startOn(rows.store)).take, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.isFalse(isDone(taking))

      rows.set("there")
      yield* TestClock.adjust(1000)
      assert.isTrue(isDone(taking))
    }))
})
