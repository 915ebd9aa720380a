/**
 * While what the selector has picked is being detected, a borrower gets another object that is still trusted: found without
 * a look at all that there are.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import type { Entry } from "../src/internal/state/entry.ts"
import { Registry } from "../src/internal/state/registry.ts"
import { Policy } from "../src/internal/structures/selection/policy.ts"
import * as Selection from "../src/internal/structures/selection/selection.ts"
import { Trusted } from "../src/internal/structures/trusted.ts"

const range = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

/** The first of so many objects are stale, and weigh most; the others are trusted. What is looked at is counted. */
const firstAreStale = Effect.fnUntraced(function*(stale: number, n: number) {
  const looks = { weights: 0 }
  const pool = yield* ObjectPool.make({
    objects: range(n),
    select: {
      weight: ({ object }) => {
        looks.weights++
        return object < stale ? 1e12 : 1
      }
    },
    detectStatus: () => Effect.as(Effect.sleep(1), "Available" as const),
    detection: { concurrency: n }
  })
  yield* TestClock.adjust(1)
  yield* Effect.scoped(Effect.gen(function*() {
    const leases = yield* Effect.forEach(range(stale), () => pool.borrow)
    assert.isTrue(leases.every(({ object }) => object < stale))
    yield* Effect.forkScoped(pool.detect, { startImmediately: true })
    yield* TestClock.adjust(400)
  }))
  yield* TestClock.adjust(100)
  looks.weights = 0
  return { looks, pool }
})

describe("while what was picked is being detected", () => {
  it.effect("the cost of another that is trusted does not grow with how many there are", () =>
    Effect.gen(function*() {
      const { looks, pool } = yield* firstAreStale(1, 2000)

      const { object } = yield* pool.borrow

      assert.isAbove(object, 0)
      assert.isAtMost(looks.weights, 40)
    }))

  it.effect("a borrower with a condition gets whichever of the trusted ones fits", () =>
    Effect.gen(function*() {
      const { pool } = yield* firstAreStale(1, 200)

      const { object } = yield* pool.borrowWith({ where: ({ object }) => object === 0 || object === 199 })

      assert.strictEqual(object, 199)
    }))

  it.effect("each of the trusted ones is lent, though none comes back", () =>
    Effect.gen(function*() {
      const { pool } = yield* firstAreStale(100, 200)

      const objects = yield* Effect.forEach(range(100), () => Effect.map(pool.borrow, ({ object }) => object))

      assert.deepStrictEqual(objects.toSorted((a, b) => a - b), range(200).slice(100))
      assert.strictEqual((yield* pool.stats).pending, 100)
    }))

  it.effect("one that is trusted no more is not lent, nor one that has left", () =>
    Effect.gen(function*() {
      const { pool } = yield* firstAreStale(1, 3)
      yield* pool.remove(1)
      const late = yield* Effect.forkScoped(pool.borrow, { startImmediately: true })
      yield* TestClock.adjust(1)
      assert.strictEqual(late.pollUnsafe()?._tag, "Success")
      yield* TestClock.adjust(600)

      const last = yield* Effect.forkScoped(pool.borrow, { startImmediately: true })

      assert.isUndefined(last.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual(last.pollUnsafe()?._tag, "Success")
    }))
})

describe("what is listed and trusted", () => {
  it.effect("is found through all that may happen to it, each once; nothing else is", () =>
    Effect.gen(function*() {
      const random = yield* Random.Random
      const trusted = new Trusted<Entry<number, undefined>>()
      const registry = new Registry<number, undefined>(
        Selection.make(new Policy("random"), random),
        trusted
      )
      const entries: Array<Entry<number, undefined>> = []
      const one = (): Entry<number, undefined> | undefined =>
        entries[Math.floor(random.nextDoubleUnsafe() * entries.length)]
      for (let now = 0; now < 6000; now++) {
        const entry = one()
        const chance = random.nextDoubleUnsafe()
        if (entry === undefined || chance < 0.2) {
          const joined = registry.join(now, undefined, {}, now)
          registry.move(joined, "Available")
          registry.list(joined)
          entries.push(joined)
        } else if (chance < 0.3) {
          registry.move(entry, "Invalid")
          registry.drop(entry)
          entries.splice(entries.indexOf(entry), 1)
        } else if (chance < 0.6) {
          registry.unlist(entry)
        } else if (chance < 0.9) {
          // it has been detected, and is listed then
          if (entry.slot === -1) {
            if (chance < 0.75) entry.trustedUntil = now + 200
            registry.list(entry)
          }
        } else {
          const expected = entries.filter((entry) => entry.slot !== -1 && (entry.trustedUntil ?? 0) > now)
          const most = chance < 0.95 ? Infinity : 8
          const found = trusted.some(most, random, now)
          assert.strictEqual(new Set(found).size, found.length)
          assert.strictEqual(found.length, Math.min(most, expected.length))
          assert.isTrue(found.every((entry) => expected.includes(entry)))
        }
      }
    }))
})
