/** What a lease takes of allowances beside its borrow, gives back, and what a server says of them: promises 28 and 29. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, InvalidPoolOptions, type PooledObject } from "../src/index.ts"
import { hold, make, settle, statuses } from "./support/borrowers.ts"

const requests = { limit: 10, per: "1 minute", name: "requests" } as const
const tokens = { limit: 1000, per: "1 minute", unit: "cost", name: "tokens" } as const
const dollars = { limit: 100, per: "1 hour", unit: "cost", name: "dollars" } as const

/** What is left of each allowance. */
const left = ({ allowances }: PooledObject<unknown>) => allowances.map((each) => each.left)

/** Borrows as often as can be at once, and gives back. */
const drain = (pool: { readonly tryBorrow: Effect.Effect<unknown, unknown, Scope.Scope> }) =>
  Effect.gen(function*() {
    let served = 0
    while ((yield* Effect.exit(Effect.scoped(pool.tryBorrow)))._tag === "Success") served++
    return served
  })

const windows = ["sliding", "bucket", "fixed"] as const

describe("what a lease gives back", () => {
  it.effect("of an allowance of leases is no more than the lease has taken of that, whatever its cost", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [requests, tokens] })
      yield* drain(pool)
      const [pooled] = yield* pool.objects
      assert.deepStrictEqual(left(pooled!), [0, 990])
      yield* TestClock.adjust("1 minute")
      for (let i = 0; i < 9; i++) yield* pool.with(() => Effect.void)
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 100 }))
      yield* release
      yield* lease.charge(-100, "requests")
      assert.deepStrictEqual(left(pooled!), [1, 891])
      assert.strictEqual(yield* drain(pool), 1)
    }))

  it.effect("of one allowance is no more than the lease has taken of that one", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [tokens, dollars] })
      const one = yield* hold(pool.borrowWith({ cost: 50 }))
      yield* one.release
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 10 }))
      yield* release
      yield* lease.charge(30, "dollars")
      assert.deepStrictEqual(left(lease.pooled), [940, 10])
      yield* lease.charge(-40)
      assert.deepStrictEqual(left(lease.pooled), [950, 50])
      yield* lease.charge(-40)
      assert.deepStrictEqual(left(lease.pooled), [950, 50])
    }))

  it.effect("that was borrowed at no cost may be its one unit of an allowance of leases", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [requests, tokens] })
      const { lease } = yield* hold(pool.borrowWith({ cost: 0 }))
      yield* lease.charge(-1, "requests")
      assert.deepStrictEqual(left(lease.pooled), [10, 1000])
      yield* lease.charge(-1, "requests")
      assert.deepStrictEqual(left(lease.pooled), [10, 1000])
    }))

  for (const window of windows) {
    it.effect(`was taken by itself: what a server has counted since is not given back by it, nor what others took: ${window}`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"], allowance: { ...tokens, window } })
        const { lease, release } = yield* hold(pool.borrowWith({ cost: 100 }))
        yield* release
        yield* TestClock.adjust("1 second")
        yield* lease.report({ remaining: 500 })
        yield* TestClock.adjust("1 second")
        const other = yield* hold(pool.borrowWith({ cost: 100 }))
        yield* other.release
        const before = left(lease.pooled)[0]!
        yield* lease.charge(-100)
        assert.deepStrictEqual(left(lease.pooled), [before])
        yield* other.lease.charge(-60)
        assert.strictEqual(left(lease.pooled)[0], before + 60)
      }))

    it.effect(`and was charged lately is there at once, though the borrow counts no more: ${window}`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"], sharing: 2, allowance: { ...tokens, window } })
        const { lease } = yield* hold(pool.borrowWith({ cost: 1000 }))
        yield* TestClock.adjust("70 seconds")
        yield* lease.charge(1500)
        assert.strictEqual(left(lease.pooled)[0], -500)
        yield* lease.charge(-1200)
        assert.strictEqual(left(lease.pooled)[0], 700)
        yield* lease.charge(-1300)
        assert.strictEqual(left(lease.pooled)[0], 1000)
      }))
  }

  it.effect("of a bucket that has been full since is nothing", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { ...tokens, window: "bucket" } })
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 1000 }))
      yield* release
      yield* TestClock.adjust("2 minutes")
      const other = yield* hold(pool.borrowWith({ cost: 1000 }))
      yield* other.release
      yield* lease.charge(-1000)
      assert.deepStrictEqual(left(lease.pooled), [0])
    }))

  it.effect("leaves an allowance full that it had taken of alone", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [tokens, { ...dollars, window: "fixed" }] })
      const { lease } = yield* hold(pool.borrowWith({ cost: 70 }))
      yield* lease.charge(-70)
      assert.deepStrictEqual(lease.pooled.allowances.map(({ fullAt, left }) => [left, fullAt]), [
        [1000, undefined],
        [100, undefined]
      ])
    }))
})

describe("a report", () => {
  const reported = (window: (typeof windows)[number]) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { ...requests, window } as Allowance })
      const { lease, release } = yield* hold(pool.borrow)
      yield* release
      return { pool, lease }
    })

  for (const window of windows) {
    it.effect(`that says nothing changes nothing: ${window}`, () =>
      Effect.gen(function*() {
        const { lease, pool } = yield* reported(window)
        for (let i = 0; i < 12; i++) {
          yield* TestClock.adjust("10 seconds")
          yield* lease.report({})
          yield* lease.report({ name: "requests", remaining: undefined, resetsAt: undefined })
        }
        assert.deepStrictEqual(lease.pooled.allowances[0]!.fullAt, undefined)
        assert.strictEqual(yield* drain(pool), 10)
      }))

    it.effect(`of less is believed though it is rounded to an earlier moment: ${window}`, () =>
      Effect.gen(function*() {
        const { lease, pool } = yield* reported(window)
        yield* lease.report({ remaining: 5, resetsAt: 7950 })
        yield* TestClock.adjust("100 millis")
        yield* lease.report({ remaining: 0, resetsAt: 7050 })
        assert.deepStrictEqual([yield* statuses(pool), left(lease.pooled)], [["Dormant"], [0]])
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      }))
  }

  it.effect("may leave out the name where there is one allowance, of each facet", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: { ...requests, facet: true } })
      const { lease, release } = yield* hold(pool.borrowWith({ facet: "x" }))
      yield* lease.report({ remaining: 0 })
      yield* release
      assert.deepStrictEqual(lease.pooled.facets.map(({ name }) => name), ["x"])
    }))

  it.effect("that is none, or says what is not known, is a defect that names it", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: requests })
      const { lease } = yield* hold(pool.borrow)
      const bad: ReadonlyArray<readonly [unknown, string]> = [
        [undefined, "report"],
        [null, "report"],
        [3, "report"],
        [{ left: 3 }, "report.left"],
        [{ remaining: "3" }, "report.remaining"],
        [{ remaining: NaN }, "report.remaining"],
        [{ resetsAt: "soon" }, "report.resetsAt"],
        [{ resetsAt: 1e16 }, "report.resetsAt"],
        [{ name: "tokens", remaining: 0 }, "allowance"]
      ]
      for (const [report, says] of bad) {
        assert.include(String(yield* Effect.exit(lease.report(report as never))), `option \`${says}\``)
      }
      yield* settle
      assert.deepStrictEqual(left(lease.pooled), [9])
    }))
})

describe("an allowance of each facet", () => {
  it.effect("is no limit of a borrow without one", () =>
    Effect.gen(function*() {
      const allowance = [{ ...tokens, facet: true, limit: 10 }, { ...dollars, limit: 500 }] as const
      for (const given of [allowance, () => allowance]) {
        const pool = yield* make({ objects: ["a"], allowance: given })
        yield* pool.with(() => Effect.void, { cost: 100 })
        for (const options of [{ cost: 100, facet: "x" }, { cost: 600 }, { cost: 600, facet: "x" }]) {
          const error = yield* Effect.flip(pool.with(() => Effect.void, options))
          assert.strictEqual(error._tag === "PoolExhausted" && error.reason, "CostTooHigh")
        }
        yield* pool.with(() => Effect.void, { cost: 10, facet: "x" })
      }
    }))

  it.effect("counts what is charged by a lease that is older than what was known of its facet", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 100, allowance: { ...requests, facet: true, limit: 2 } })
      const { lease } = yield* hold(pool.borrowWith({ facet: "x" }))
      yield* TestClock.adjust("2 minutes")
      // so many are kept, whatever they do
      for (let i = 0; i < 40; i++) yield* pool.with(() => Effect.void, { facet: `other ${i}` })
      yield* lease.charge(5, "requests")
      assert.strictEqual((yield* Effect.exit(Effect.scoped(pool.tryBorrowWith({ facet: "x" }))))._tag, "Failure")
    }))
})

describe("what a lease says of allowances", () => {
  it.effect("that its object does not have is a defect that says which there are, and a moment that is none another", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: [requests, tokens] })
      const { lease } = yield* hold(pool.borrow)
      const plain = yield* hold(Effect.flatMap(make({ objects: ["b"] }), (pool) => pool.borrow))
      const told = (effect: Effect.Effect<void>) =>
        Effect.map(Effect.catchDefect(effect, Effect.succeed), (defect) => {
          assert.instanceOf(defect, InvalidPoolOptions)
          return (defect as InvalidPoolOptions).message
        })

      const messages = yield* Effect.all([
        told(lease.charge(1, "dollars")),
        told(lease.report({ remaining: 1 })),
        told(plain.lease.charge(1, "dollars")),
        told(plain.lease.report({ remaining: 1 })),
        told(lease.report({ name: "tokens", resetsAt: NaN }))
      ])

      assert.include(messages[0], "\"requests\",\"tokens\"")
      assert.include(messages[1], "\"requests\",\"tokens\"")
      assert.include(messages[2], "none: the object has no allowance")
      assert.include(messages[3], "none: the object has no allowance")
      assert.include(messages[4], "resetsAt")
    }))
})
