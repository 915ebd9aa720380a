/**
 * The six statuses and the legal moves between them (promises 15 and 26).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { ObjectPool, Status } from "../src/index.ts"
import type { Entry } from "../src/internal/state/entry.ts"
import { Registry } from "../src/internal/state/registry.ts"
import { Policy } from "../src/internal/structures/selection/policy.ts"
import * as Selection from "../src/internal/structures/selection/selection.ts"
import { plain, start } from "./support/borrowers.ts"
import { balanced, scripted } from "./support/scripted.ts"

const all = ["Pending", "Available", "Borrowed", "Dormant", "Unknown", "Invalid"] as const

/** How an object comes to each status, from `Pending`. */
const way: Record<Status, ReadonlyArray<Status>> = {
  Pending: [],
  Available: ["Available"],
  Borrowed: ["Available", "Borrowed"],
  Dormant: ["Dormant"],
  Unknown: ["Unknown"],
  Invalid: ["Invalid"]
}

/** The legal moves, written down once more. */
const legal: Record<Status, ReadonlyArray<Status>> = {
  Pending: ["Available", "Dormant", "Unknown", "Invalid"],
  Available: ["Borrowed", "Pending", "Dormant", "Invalid"],
  Borrowed: ["Available", "Pending", "Dormant", "Invalid"],
  Dormant: ["Pending", "Available", "Dormant", "Invalid"],
  Unknown: ["Pending", "Dormant", "Invalid"],
  Invalid: []
}

const bring = (to: Status) =>
  Effect.map(Random.Random, (random) => {
    const registry = new Registry<string, undefined>(Selection.make(new Policy("random"), random))
    const entry = registry.join("a", undefined, {}, 0)
    for (const step of way[to]) registry.move(entry, step)
    return { registry, entry }
  })

const counted = (registry: Registry<string, undefined>, entry: Entry<string, undefined>) => {
  for (const status of all) assert.strictEqual(registry.counts[status], status === entry.status ? 1 : 0, status)
}

describe("the table of moves", () => {
  it("has the legal moves, and no others", () => {
    assert.deepStrictEqual(Status.transitions, legal as typeof Status.transitions)
  })

  it("cannot be changed", () => {
    assert.isFrozen(Status.transitions)
    for (const targets of Object.values(Status.transitions)) assert.isFrozen(targets)
  })

  for (const from of all) {
    for (const to of all) {
      const allowed = legal[from].includes(to)
      it.effect(`${from} -> ${to} ${allowed ? "moves and is counted" : "is a defect that says what would be legal"}`, () =>
        Effect.gen(function*() {
          const { entry, registry } = yield* bring(from)
          assert.strictEqual(entry.status, from)
          if (allowed) {
            registry.move(entry, to)
            assert.strictEqual(entry.status, to)
          } else {
            const targets = legal[from].join(", ") || "none"
            assert.throws(
              () => registry.move(entry, to),
              `Illegal move of object ${entry.id}: ${from} -> ${to}; legal from ${from}: ${targets}`
            )
            assert.strictEqual(entry.status, from)
          }
          counted(registry, entry)
        }))
    }
  }

  it.effect("an object that leaves `Available` is no candidate any more; an illegal move leaves it one", () =>
    Effect.gen(function*() {
      for (const to of all) {
        const { entry, registry } = yield* bring("Available")
        registry.list(entry)
        assert.deepStrictEqual(registry.listed(), [entry])
        if (legal.Available.includes(to)) registry.move(entry, to)
        else assert.throws(() => registry.move(entry, to))
        assert.deepStrictEqual(registry.listed(), legal.Available.includes(to) ? [] : [entry], to)
      }
    }))
})

/**
 * A pool with one object, and the ways to move it. The detector answers what `answer` says, after a second, so that the
 * object is seen `Pending`; `answer` may be a failure.
 */
const one = Effect.gen(function*() {
  const answers = { next: "Available" as Status.Answer | "fail" }
  const pool = yield* ObjectPool.make({
    objects: [] as Array<string>,
    detectStatus: () =>
      Effect.andThen(
        Effect.sleep("1 second"),
        Effect.suspend(() => answers.next === "fail" ? Effect.fail("broken") : Effect.succeed(answers.next))
      ),
    detection: { onBorrow: false, dormantFor: "1 minute" },
    onLeaseExpired: "detect"
  })
  yield* start(pool.add("a"))
  const [pooled] = yield* pool.objects
  const status = () => pooled!.status
  /** What a detection says, from the first or a later one. */
  const detected = (answer: Status.Answer | "fail") =>
    Effect.gen(function*() {
      answers.next = answer
      const detecting = yield* start(pool.detect)
      assert.strictEqual(status(), "Pending")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(detecting)
      yield* balanced(pool)
      return status()
    })
  return { pool, pooled: pooled!, answers, status, detected }
})

describe("through the pool", () => {
  for (
    const [answer, to] of [
      ["Available", "Available"],
      ["Dormant", "Dormant"],
      [Status.dormant("1 hour"), "Dormant"],
      ["Unknown", "Unknown"],
      ["fail", "Unknown"],
      ["Invalid", "Invalid"]
    ] as ReadonlyArray<[Status.Answer | "fail", Status]>
  ) {
    it.effect(`an object that joins is Pending, and ${to} when its detector says ${JSON.stringify(answer)}`, () =>
      Effect.gen(function*() {
        const { answers, pool, status } = yield* one
        assert.strictEqual(status(), "Pending")
        answers.next = answer
        yield* TestClock.adjust("1 second")

        assert.strictEqual(status(), to)
        assert.strictEqual((yield* balanced(pool)).size, to === "Invalid" ? 0 : 1)
      }))
  }

  it.effect("Available -> Borrowed -> Available: lent, and given back", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* plain
      const lease = yield* pool.borrow
      assert.strictEqual(status(), "Borrowed")
      yield* lease.release
      assert.strictEqual(status(), "Available")
      yield* balanced(pool)
    }))

  it.effect("Available -> Pending -> Available: detected", () =>
    Effect.gen(function*() {
      const { detected, status } = yield* one
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Available")
      assert.strictEqual(yield* detected("Available"), "Available")
    }))

  it.effect("Available -> Dormant -> Dormant -> Available: rested from outside, for longer, and its time is over", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* plain
      yield* pool.rest("a", "10 seconds")
      assert.strictEqual(status(), "Dormant")
      yield* pool.rest("a", "20 seconds")
      yield* TestClock.adjust(19_999)
      assert.strictEqual(status(), "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(status(), "Available")
      yield* balanced(pool)
    }))

  it.effect("Borrowed -> Pending: its lease has expired", () =>
    Effect.gen(function*() {
      const { pool, status } = yield* one
      yield* TestClock.adjust("1 second")
      yield* pool.borrowWith({ leaseTimeout: "1 second" })
      assert.strictEqual(status(), "Borrowed")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Pending")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Available")
      yield* balanced(pool)
    }))

  it.effect("Borrowed -> Dormant: rested by its lease, or from outside while lent", () =>
    Effect.gen(function*() {
      const { pool, pooled, status } = yield* plain
      const first = yield* pool.borrow
      yield* first.rest("10 seconds")
      yield* first.release
      assert.strictEqual(status(), "Dormant")
      yield* pool.wake("a")
      const second = yield* pool.borrow
      yield* pool.rest(pooled, "10 seconds")
      assert.strictEqual(status(), "Borrowed")
      yield* second.release
      assert.strictEqual(status(), "Dormant")
      yield* balanced(pool)
    }))

  it.effect("Dormant -> Pending: its time is over, and there is a detector; or `detect`, where no time is known", () =>
    Effect.gen(function*() {
      const { answers, detected, status } = yield* one
      answers.next = "Dormant"
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* detected("Dormant"), "Dormant")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(status(), "Pending")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Dormant")
    }))

  it.effect("Unknown -> Pending -> Unknown: detected again", () =>
    Effect.gen(function*() {
      const { answers, detected, status } = yield* one
      answers.next = "fail"
      yield* TestClock.adjust("1 second")
      assert.strictEqual(status(), "Unknown")
      assert.strictEqual(yield* detected("Unknown"), "Unknown")
      assert.strictEqual(yield* detected("Available"), "Available")
    }))

  it.effect("Unknown -> Dormant: rested from outside", () =>
    Effect.gen(function*() {
      const { answers, pool, status } = yield* one
      answers.next = "Unknown"
      yield* TestClock.adjust("1 second")
      yield* pool.rest("a", "10 seconds")
      assert.strictEqual(status(), "Dormant")
      yield* balanced(pool)
    }))

  for (const from of ["Pending", "Available", "Borrowed", "Dormant", "Unknown"] as const) {
    it.effect(`${from} -> Invalid: removed`, () =>
      Effect.gen(function*() {
        const { answers, pool, status } = yield* one
        answers.next = from === "Dormant" || from === "Unknown" ? from : "Available"
        if (from !== "Pending") yield* TestClock.adjust("1 second")
        const lease = from === "Borrowed" ? yield* pool.borrow : undefined
        assert.strictEqual(status(), from)
        assert.isTrue(yield* pool.remove("a"))
        if (lease !== undefined) {
          assert.strictEqual(status(), "Borrowed")
          yield* lease.release
        }
        yield* Effect.yieldNow

        assert.strictEqual(status(), "Invalid")
        assert.strictEqual((yield* balanced(pool)).size, 0)
        assert.isFalse(yield* pool.remove("a"))
      }))
  }

  it.effect("an object is Invalid, and counted, until it has been destroyed", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted({ release: "slow" })
      const pool = yield* ObjectPool.make({ acquire, size: { max: 1 } })
      const lease = yield* pool.borrow
      yield* lease.invalidate
      yield* lease.release
      yield* Effect.yieldNow

      assert.strictEqual(lease.pooled.status, "Invalid")
      const { invalid, size } = yield* balanced(pool)
      assert.deepStrictEqual([size, invalid], [1, 1])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(things[0]!.destroyed, 1)
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  it.effect("what is Invalid is beyond `rest`, `wake`, `detect` and `remove`", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ release: "slow" })
      const pool = yield* ObjectPool.make({ acquire, detectStatus: () => "Available" })
      const lease = yield* pool.borrow
      yield* lease.invalidate
      yield* lease.release

      assert.isFalse(yield* pool.rest(lease.pooled, "1 hour"))
      assert.isFalse(yield* pool.wake(lease.pooled))
      assert.isFalse(yield* pool.remove(lease.pooled))
      yield* pool.detect
      assert.strictEqual(lease.pooled.status, "Invalid")
      yield* TestClock.adjust("1 second")
    }))
})
