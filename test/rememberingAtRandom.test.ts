/**
 * Random programs of a pool that is closed, or killed when a second has gone by, and opened again, and again, beside one that
 * lives through it: both answer the same.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, type Lease, ObjectPool } from "../src/index.ts"
import { at } from "./support/clocks.ts"
import { memory } from "./support/stores.ts"

/** Random numbers that are the same each time. */
const random = (seed: number) => (below: number): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor(seed / 2 ** 32 * below)
}

const facets = ["x", "__proto__"]

const allowance: ReadonlyArray<Allowance> = [
  { limit: 6, per: "10 seconds", name: "sliding" },
  { limit: 40, per: "30 seconds", unit: "cost", name: "bucket", window: "bucket" },
  { limit: 60, per: "20 seconds", unit: "cost", name: "fixed", window: "fixed" },
  { limit: 30, resets: Cron.parseUnsafe("* * * * *", "UTC"), name: "quota" },
  { limit: 3, per: "15 seconds", name: "of facets", facet: true }
]

const open = (store: ReturnType<typeof memory>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const pool = yield* Scope.provide(
      store.within(ObjectPool.make({
        name: "keys",
        objects: ["a"],
        borrowTimeout: 0,
        closing: { timeout: 0 },
        allowance,
        judge: (exit) => Exit.isSuccess(exit) ? "Available" : "Unknown",
        remember: { key: (object: string) => object }
      })),
      scope
    )
    return { pool, close: Scope.close(scope, Exit.void) }
  })

type Opened = Effect.Success<ReturnType<typeof open>>
type Op = (pool: Opened["pool"]) => Effect.Effect<unknown, unknown>

/** One thing that happens to a pool. */
const draw = (below: (n: number) => number, now: number): Op => {
  const facet = [undefined, undefined, ...facets][below(4)]
  const cost = 1 + below(6)
  const uses: ReadonlyArray<(lease: Lease<string>) => Effect.Effect<unknown, unknown>> = [
    () => Effect.void,
    () => Effect.void,
    () => Effect.void,
    () => Effect.fail("500"),
    (lease) => lease.charge(below(30), ["bucket", "fixed"][below(2)]!),
    (lease) => lease.charge(-below(4) / 4, "fixed"),
    (lease) => lease.recount,
    (lease) => lease.rest(1000 * below(8)),
    (lease) => lease.rest(1000 * below(8), facets[below(2)]),
    (lease) => lease.restUntil(now + 1000 * below(8)),
    (lease) =>
      lease.report({
        name: ["sliding", "bucket", "fixed", "quota"][below(4)]!,
        remaining: below(5),
        ...below(2) === 0 && { resetsAt: now + 1000 * below(20) }
      })
  ]
  const use = uses[below(uses.length)]!
  const borrow: Op = (pool) => pool.with(use, { cost, facet })
  const ops: ReadonlyArray<Op> = [
    borrow,
    borrow,
    borrow,
    borrow,
    borrow,
    (pool) => pool.rest("a", 1000 * below(5)),
    (pool) => below(3) === 0 ? pool.wake("a") : Effect.void,
    (pool) => Effect.andThen(pool.remove("a"), Effect.andThen(Effect.yieldNow, pool.add("a")))
  ]
  return ops[below(ops.length)]!
}

/** What is seen of the object: what is the same, and numbers with how much they may differ by, as times are told and rounded. */
const seen = (pool: Opened["pool"]) =>
  Effect.map(pool.objects, ([a]) => {
    const resting = (a?.facets ?? []).toSorted((one, other) => one.name < other.name ? -1 : 1)
    return {
      same: [a?.status, ...resting.map(({ name }) => name)],
      near: [
        ...[a?.wakesAt, ...resting.map(({ until }) => until)].map((moment) => [at(moment) ?? 0, 1000] as const),
        ...(a?.allowances ?? []).flatMap(({ fullAt, left }) => [[left, 0.01], [at(fullAt) ?? 0, 10]] as const)
      ]
    }
  })

const compare = (one: Opened["pool"], other: Opened["pool"], when: string) =>
  Effect.gen(function*() {
    const [expected, actual] = [yield* seen(one), yield* seen(other)]
    assert.deepStrictEqual(actual.same, expected.same, when)
    actual.near.forEach(([value, by], i) => {
      if (Math.abs(value - expected.near[i]![0]) <= by) return
      assert.deepStrictEqual(actual.near, expected.near, when)
    })
  })

const seeds = 60

describe("a pool that is closed, or killed, and opened again", () => {
  it.effect("answers as one that lives through it, whatever has happened, and whenever", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < seeds; seed++) {
        yield* TestClock.adjust(60_000 - (yield* Clock.currentTimeMillis) % 60_000)
        const below = random(seed * 7919 + 1)
        let store = memory()
        const killed: Array<Effect.Effect<void>> = []
        const lives = yield* open(memory())
        let other = yield* open(store)
        for (let step = 0; step < 40; step++) {
          const now = yield* Clock.currentTimeMillis
          const of = below(2 ** 30)
          // each draws the same, whatever the other draws while it is used
          const one = yield* Effect.exit(draw(random(of), now)(lives.pool))
          const two = yield* Effect.exit(draw(random(of), now)(other.pool))
          assert.strictEqual(two._tag, one._tag, `seed ${seed}, step ${step}`)
          yield* compare(lives.pool, other.pool, `seed ${seed}, step ${step}`)
          const restarts = below(4) === 0
          if (restarts && below(2) === 0) {
            // all but the last second is in the store, which the next process finds as it is
            yield* TestClock.adjust("1 second")
            store = memory(new Map(store.entries))
            killed.push(other.close)
          } else if (restarts) yield* other.close
          // a report and a lease of one moment are told apart by the pool that was there
          yield* TestClock.adjust([1, 2, 1 + below(1500), 1 + below(9000)][below(4)]!)
          if (restarts) other = yield* open(store)
          yield* compare(lives.pool, other.pool, `seed ${seed}, after step ${step}`)
        }
        yield* Effect.all([other.close, lives.close, ...killed])
      }
    }))
})
