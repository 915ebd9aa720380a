/** Preferences amid detection and selectors of one's own; tiers whose ranks change. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { AsyncLocalStorage } from "node:async_hooks"
import { Policy } from "../src/internal/structures/selection/policy.ts"
import { type Candidate, make as makeSelection } from "../src/internal/structures/selection/selection.ts"
import { TierSelection } from "../src/internal/structures/selection/tiers.ts"
import { PromisePool } from "../src/promise.ts"
import { hold, keep, make, only, settle, start, state } from "./support/borrowers.ts"
import { collect } from "./support/garbage.ts"

const objectOf = ({ object }: { readonly object: string }) => Effect.succeed(object)

/** A pool of "a", "b" and "c", whose selector has lent the last, and declines whatever it is offered from then on. */
const declining = (declines = () => {}) =>
  Effect.gen(function*() {
    const offered: Array<string> = []
    const pool = yield* make<string>({
      objects: ["a", "b", "c"],
      select: (available) => {
        if (offered.push(available.map(({ object }) => object).join("")) === 1) return available.at(-1)
        declines()
        return undefined
      }
    })
    return { held: yield* hold(pool.borrow), offered, pool }
  })

describe("a preference", () => {
  it.effect("goes to what is trusted while what was picked is being detected", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 20; i++) {
        const pool = yield* make<string>({
          objects: ["a", "b", "c"],
          detectStatus: () => Effect.as(Effect.sleep("10 millis"), "Available" as const),
          detection: { onBorrow: { trustFor: "1 second" } }
        })
        yield* TestClock.adjust("2 seconds")
        for (const object of ["a", "b"]) {
          yield* start(pool.with(() => Effect.void, only(object)))
          yield* TestClock.adjust("10 millis")
        }
        // of those that are liked, one is trusted, and one is not
        const got = yield* start(Effect.tap(
          pool.with(objectOf, { prefer: ({ object }) => object !== "b" }),
          (object) => Effect.sync(() => assert.strictEqual(object, "a"))
        ))
        yield* TestClock.adjust("10 millis")
        assert.strictEqual(state(got), "ok")
      }
    }))

  it.effect("is waited for by nobody, though a selector of one's own declines it", () =>
    Effect.gen(function*() {
      const offered: Array<string> = []
      const pool = yield* make<string>({
        objects: ["a", "b", "c"],
        select: (available) => {
          offered.push(available.map(({ object }) => object).join(""))
          return available.find(({ object }) => object === "b")
        },
        borrowTimeout: "1 second"
      })
      assert.strictEqual(yield* pool.with(objectOf, { prefer: ({ object }) => object !== "b" }), "b")
      assert.deepStrictEqual(offered, ["ac", "abc"])
      for (let i = 0; i < 10; i++) assert.strictEqual(yield* pool.with(objectOf, { affinity: `text ${i}` }), "b")
      const later = yield* make<string>({
        objects: ["a", "b"],
        select: (available) => Effect.as(Effect.yieldNow, available.find(({ object }) => object === "b")),
        borrowTimeout: "1 second"
      })
      assert.strictEqual(yield* later.with(objectOf, { prefer: ({ object }) => object === "a" }), "b")
    }))

  it.effect("comes behind what came back, alone, and before everything, for a selector that declines them all", () =>
    Effect.gen(function*() {
      const { held, offered, pool } = yield* declining()
      const waiter = yield* keep(pool.borrowWith({ prefer: ({ object }) => object !== "b" }))
      yield* held.release
      assert.deepStrictEqual(offered, ["abc", "a", "ab", "c", "ac", "abc"])
      assert.strictEqual(state(waiter), "waits")
    }))

  it.effect("that throws, once a selector has declined what it was offered, ends the wait, and the selector is asked no more", () =>
    Effect.gen(function*() {
      let breaks = false
      let broken = false
      const { held, offered, pool } = yield* declining(() => broken = breaks)
      const prefer = ({ object }: { readonly object: string }) => {
        if (broken) throw new Error("broken")
        return object !== "b"
      }
      const waiter = yield* keep(pool.borrowWith({ prefer }))
      breaks = true
      yield* held.release
      yield* settle
      assert.deepStrictEqual(offered, ["abc", "a", "ab", "c"])
      assert.include(state(waiter), "broken")
    }))

  it("is asked in the context of its borrower, and a judge in that of the pool's builder", async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: Array<string> = []
    const see = (what: string) => void seen.push(`${what} in that of the ${storage.getStore()}`)
    const pool = storage.run("builder", () => PromisePool.make({ objects: ["a", "b"], judge: () => see("a judge") }))
    const prefer = () => {
      see("a preference")
      return true
    }
    pool.suspend()
    const borrowing = storage.run("borrower", () => pool.with(() => {}, { prefer }))
    storage.run("operator", () => pool.resume())
    await borrowing
    assert.deepStrictEqual([...new Set(seen)], [
      "a preference in that of the borrower",
      "a judge in that of the builder"
    ])
  })
})

describe("tiers", () => {
  it("of ranks that nobody has any more are forgotten", () => {
    interface Listed extends Candidate<Listed> {
      rank: number
    }
    const entry = (id: number): Listed => ({
      id,
      slot: -1,
      place: -1,
      previous: undefined,
      next: undefined,
      order: id,
      borrowCount: 0,
      open: 0,
      get pooled() {
        return this
      },
      rank: id
    })
    const made: Array<WeakRef<object>> = []
    const within = () => {
      const ring = makeSelection<Listed>(new Policy("roundRobin"), {
        nextIntUnsafe: () => 0,
        nextDoubleUnsafe: () => 0
      })
      made.push(new WeakRef(ring))
      return ring
    }
    const tiers = new TierSelection<Listed>((listed) => (listed as Listed).rank, within)
    const entries = [entry(1), entry(2), entry(3)]
    for (const each of entries) tiers.add(each)
    for (let i = 0; i < 1000; i++) {
      const picked = tiers.pick()!
      assert.strictEqual(picked, entries.reduce((least, each) => each.rank < least.rank ? each : least))
      tiers.remove(picked)
      picked.rank = i % 2 === 0 ? 1000 + i : -i
      tiers.add(picked)
    }
    for (const each of entries) {
      tiers.remove(each)
      tiers.forget(each)
    }
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      collect()
      assert.isAtMost(made.filter((ref) => ref.deref() !== undefined).length, 3)
      assert.isUndefined(tiers.pick())
    })
  })
})
