import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, type Gate, scripted, slow, type Thing } from "./support/scripted.ts"

/** A `release` that notes what it was run for, going as its gate says. */
const releases = (gate: (object: unknown, n: number) => Gate = () => "ok") => {
  const released: Array<unknown> = []
  const counts = { running: 0, most: 0 }
  return {
    released,
    counts,
    release: (object: unknown): Effect.Effect<void> =>
      Effect.suspend(() => {
        counts.most = Math.max(counts.most, ++counts.running)
        released.push(object)
        const step = { ok: Effect.void, fail: Effect.die("release"), slow: Effect.sleep(slow), never: Effect.never }
        return Effect.ensuring(step[gate(object, released.length)], Effect.sync(() => counts.running--))
      })
  }
}

describe("once", () => {
  it.effect("a made object is destroyed once, however often it is condemned", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { max: 1 } })

      const lease = yield* pool.borrow
      const thing = lease.object
      yield* lease.invalidate
      assert.isTrue(yield* pool.remove(thing))
      assert.isTrue(yield* pool.remove(lease.pooled))
      yield* lease.invalidate
      yield* lease.release
      yield* lease.release
      yield* pool.remove(thing)
      yield* TestClock.adjust(0)

      assert.isFalse(yield* pool.remove(thing))
      assert.isFalse(yield* pool.remove(lease.pooled))
      assert.strictEqual(thing.destroyed, 1)
      assert.deepInclude((yield* balanced(pool)).totals, { made: 1, destroyed: 1 })
    }))

  it.effect("a lent object that is removed is destroyed when it comes back, not before", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })

      const lease = yield* pool.borrow
      const removed = yield* pool.remove(lease.object)
      yield* TestClock.adjust("1 hour")
      const during = { destroyed: lease.object.destroyed, status: lease.pooled.status }
      yield* lease.release
      yield* TestClock.adjust(0)

      assert.isTrue(removed)
      assert.deepStrictEqual(during, { destroyed: 0, status: "Borrowed" })
      assert.strictEqual(lease.object.destroyed, 1)
      assert.strictEqual(lease.pooled.status, "Invalid")
    }))

  it.effect("every way out destroys an object once", () =>
    late(Effect.gen(function*() {
      const script = scripted()
      const answers = new Map<number, "Invalid">()
      const pool = yield* ObjectPool.make({
        acquire: script.acquire,
        detectStatus: ({ id }) => answers.get(id) ?? "Available",
        leaseTimeout: "1 minute",
        onLeaseExpired: "destroy",
        size: { min: 6, max: 6 }
      })
      const [a, b, c, d] = script.things as [Thing, Thing, Thing, Thing]

      yield* pool.remove(a)
      yield* pool.rest(b, "1 hour")
      yield* pool.remove(b)
      answers.set(3, "Invalid")
      yield* pool.detect
      yield* Effect.scoped(
        Effect.andThen(pool.borrowWith({ where: ({ object }) => object === d }), Effect.sleep("2 minutes"))
      ).pipe(start)
      yield* TestClock.adjust("2 minutes")
      yield* pool.with((lease) => lease.invalidate)
      yield* pool.close

      assert.deepStrictEqual([a, b, c, d].map((thing) => thing.destroyed), [1, 1, 1, 1])
      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
      assert.strictEqual(script.counts.destroying, script.things.length)
      const { totals } = yield* balanced(pool)
      assert.deepInclude(totals, { made: script.things.length, destroyed: script.things.length })
    })))

  it.effect("an object that was detached is closed with its new scope, not by the pool", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire })
      const scope = yield* Scope.make()

      const thing = yield* pool.with((lease) => Scope.provide(lease.detach, scope))
      yield* pool.close
      assert.strictEqual(thing.destroyed, 0)
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))

      assert.strictEqual(thing.destroyed, 1)
      assert.deepInclude((yield* balanced(pool)).totals, { made: 1, destroyed: 0 })
    }))

  it.effect("removing an object that is being detected interrupts the detector and drops its answer", () =>
    Effect.gen(function*() {
      const { release, released } = releases()
      const interrupted: Array<string> = []
      const pool = yield* ObjectPool.make({
        objects: [] as Array<string>,
        detectStatus: ({ object }) =>
          Effect.onInterrupt(
            Effect.as(Effect.sleep(slow), "Available" as const),
            () => Effect.sync(() => interrupted.push(object))
          )
      })

      const adding = yield* start(pool.add("a", { release }))
      assert.isTrue(yield* pool.remove("a"))
      yield* TestClock.adjust(0)
      const record = yield* Fiber.join(adding)

      assert.strictEqual(record.status, "Invalid")
      assert.deepStrictEqual(interrupted, ["a"])
      assert.deepStrictEqual(released, ["a"])
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))
})

describe("added objects", () => {
  it.effect("an added object is left to its owner unless it came with a release", () =>
    Effect.gen(function*() {
      const { release, released } = releases()
      const pool = yield* ObjectPool.make({ objects: ["given"] })
      yield* pool.add("mine")
      yield* pool.add("theirs", { release })

      yield* pool.remove("mine")
      yield* pool.remove("theirs")
      yield* pool.remove("given")
      yield* TestClock.adjust(0)

      assert.deepStrictEqual(released, ["theirs"])
      assert.deepInclude(yield* balanced(pool), { size: 0 })
      assert.deepInclude((yield* pool.stats).totals, { added: 3, destroyed: 0 })
    }))

  it.effect("a release that throws before it returns an effect is reported, and the object is gone", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(ObjectPool.make({ objects: [] as Array<string> }))
      const release = (): Effect.Effect<void> => {
        throw new Error("thrown")
      }
      yield* pool.add("a", { release })

      yield* pool.remove("a")
      yield* TestClock.adjust(0)

      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], "thrown")
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("a rejected add leaves the object with its owner", () =>
    Effect.gen(function*() {
      const { release, released } = releases()
      const object = { name: "a" }
      const pool = yield* ObjectPool.make({ objects: [object], size: { max: 2 } })

      const duplicate = yield* Effect.flip(pool.add(object, { release }))
      const full = yield* Effect.flip(pool.addAll([{ name: "b" }, { name: "c" }], { release }))
      yield* pool.close
      const closed = yield* Effect.flip(pool.add({ name: "d" }, { release }))

      assert.deepStrictEqual([duplicate._tag, full._tag, closed._tag], ["DuplicateObject", "PoolFull", "PoolClosed"])
      assert.deepStrictEqual(released, [])
    }))

  it.effect("remove takes every entry of equal primitives, or the one whose record is given", () =>
    Effect.gen(function*() {
      const { release, released } = releases()
      const pool = yield* ObjectPool.make({ objects: [] as Array<number> })
      const records = yield* pool.addAll([7, 7, 7, 8], { release })

      assert.isTrue(yield* pool.remove(records[1]!))
      const one = yield* balanced(pool)
      assert.isFalse(yield* pool.remove(records[1]!))
      assert.isTrue(yield* pool.remove(7))
      yield* TestClock.adjust(0)

      assert.strictEqual(one.size - one.invalid, 3)
      assert.deepStrictEqual(released, [7, 7, 7])
      assert.deepStrictEqual((yield* pool.objects).map(({ object }) => object), [8])
    }))

  it.effect("0 and -0 are two objects, NaN is one", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [0, -0, NaN, NaN, undefined, null, ""] as Array<unknown> })
      const left = Effect.map(pool.objects, (records) => records.map(({ object }) => object))

      assert.isTrue(yield* pool.remove(-0))
      assert.deepStrictEqual(yield* left, [0, NaN, NaN, undefined, null, ""])
      assert.isFalse(yield* pool.remove(-0))
      assert.isTrue(yield* pool.remove(NaN))
      assert.isTrue(yield* pool.remove(undefined))
      assert.deepStrictEqual(yield* left, [0, null, ""])
      assert.isTrue(yield* pool.remove(0))
      assert.isTrue(yield* pool.remove(null))
      assert.isTrue(yield* pool.remove(""))

      assert.deepStrictEqual(yield* left, [])
    }))

  it.effect("an object that has left may be added again", () =>
    Effect.gen(function*() {
      const object = { name: "a" }
      const pool = yield* ObjectPool.make({ objects: [object] })

      yield* pool.remove(object)
      const again = yield* pool.add(object)

      assert.strictEqual(again.id, 2)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
    }))

  it.effect("the record of another pool removes nothing", () =>
    Effect.gen(function*() {
      const one = yield* ObjectPool.make({ objects: ["a"] })
      const other = yield* ObjectPool.make({ objects: ["a"] })
      const [record] = yield* one.objects

      assert.isFalse(yield* other.remove(record!))
      assert.deepInclude(yield* balanced(other), { size: 1 })
    }))
})

describe("off the borrower's path", () => {
  it.effect("the borrower does not wait until its object is destroyed, nor is altered by it", () =>
    late(Effect.gen(function*() {
      const gates: Array<Gate> = ["slow", "fail", "never"]
      const { lines, within } = logs()
      const script = scripted({ release: (thing): Gate => gates[thing.n - 1]! })
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { max: 3 } }))

      const answers = yield* Effect.forEach(gates, (gate) => pool.with((lease) => Effect.as(lease.invalidate, gate)))
      assert.deepStrictEqual(answers, gates)
      assert.deepInclude(yield* balanced(pool), { invalid: 3 })
      yield* TestClock.adjust(slow)

      assert.deepInclude(yield* balanced(pool), { invalid: 1 })
      assert.strictEqual(lines.length, 1)
    })))

  it.effect("a destroy that hangs is given up after hookTimeout: its room is freed, and it is logged", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      const script = scripted({ release: (thing): Gate => thing.n === 1 ? "never" : "ok" })
      const pool = yield* within(
        ObjectPool.make({ acquire: script.acquire, size: { max: 1 }, hookTimeout: "2 seconds" })
      )

      yield* pool.with((lease) => lease.invalidate)
      const next = yield* start(pool.with((lease) => Effect.succeed(lease.object.n)))
      yield* TestClock.adjust("1999 millis")
      assert.deepInclude(yield* balanced(pool), { invalid: 1, making: 0, waiting: 1 })
      assert.deepStrictEqual(lines, [])
      yield* TestClock.adjust("1 millis")

      assert.strictEqual(yield* Fiber.join(next), 2)
      assert.strictEqual(lines.length, 1)
      assert.deepInclude((yield* balanced(pool)).totals, { made: 2, destroyed: 1 })
    })))

  it.effect("a destroy that ends after it was given up changes nothing more", () =>
    late(Effect.gen(function*() {
      const script = scripted({ release: (thing): Gate => thing.n === 1 ? "slow" : "ok" })
      const { within } = logs()
      const pool = yield* within(
        ObjectPool.make({ acquire: script.acquire, size: { min: 1, max: 1 }, hookTimeout: "300 millis" })
      )

      yield* pool.with((lease) => lease.invalidate)
      yield* TestClock.adjust("300 millis")
      const before = yield* balanced(pool)
      yield* TestClock.adjust("1 hour")

      assert.deepInclude(before, { size: 1, available: 1 })
      assert.deepStrictEqual(yield* balanced(pool), before)
    })))

  it.effect("a destroy that is given up is interrupted, after its room was freed", () =>
    Effect.gen(function*() {
      const { within } = logs()
      const pool = yield* within(ObjectPool.make({ objects: [] as Array<string>, hookTimeout: "1 second" }))
      const sizes: Array<number> = []
      const release = () =>
        Effect.onInterrupt(Effect.never, () => Effect.map(pool.stats, ({ size }) => void sizes.push(size)))
      yield* pool.add("a", { release })

      yield* pool.remove("a")
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(sizes, [0])
    }))

  it.effect("a destroy that dies frees the room, and is logged", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const script = scripted({ release: (thing): Gate => thing.n === 1 ? "fail" : "ok" })
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { max: 1 } }))

      yield* pool.with((lease) => lease.invalidate)
      const n = yield* pool.with((lease) => Effect.succeed(lease.object.n))

      assert.strictEqual(n, 2)
      assert.strictEqual(lines.length, 1)
      assert.deepInclude((yield* balanced(pool)).totals, { destroyed: 1 })
    }))

  it.effect("destroys that hang delay no other destroy beyond their bound", () =>
    late(Effect.gen(function*() {
      const { within } = logs()
      const { release, released } = releases((_, n) => n <= 2 ? "never" : "ok")
      const pool = yield* within(ObjectPool.make({ objects: [] as Array<number>, detection: { concurrency: 3 } }))
      yield* pool.addAll(Array.from({ length: 50 }, (_, i) => i), { release })

      yield* Effect.forEach(Array.from({ length: 50 }, (_, i) => i), (i) => pool.remove(i))
      yield* TestClock.adjust(0)

      assert.strictEqual(released.length, 50)
      assert.deepInclude(yield* balanced(pool), { size: 2, invalid: 2 })
    })))

  it.effect("at most detection.concurrency objects are destroyed at once", () =>
    late(Effect.gen(function*() {
      const { counts, release, released } = releases(() => "slow")
      const pool = yield* ObjectPool.make({ objects: [] as Array<number>, detection: { concurrency: 4 } })
      yield* pool.addAll(Array.from({ length: 10 }, () => 0), { release })

      yield* pool.remove(0)
      yield* TestClock.adjust("999 millis")
      const first = released.length
      yield* TestClock.adjust("2001 millis")

      assert.strictEqual(first, 4)
      assert.strictEqual(counts.most, 4)
      assert.strictEqual(released.length, 10)
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    })))

  it.effect("a destroy that was given up leaves its turn to the next", () =>
    late(Effect.gen(function*() {
      const { lines, within } = logs()
      const { release, released } = releases(() => "never")
      const pool = yield* within(
        ObjectPool.make({ objects: [] as Array<number>, detection: { concurrency: 2 }, hookTimeout: "1 second" })
      )
      yield* pool.addAll(Array.from({ length: 6 }, () => 0), { release })

      yield* pool.remove(0)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(released.length, 6)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(lines.length, 6)
      assert.deepInclude(yield* balanced(pool), { size: 0, invalid: 0 })
    })))

  it.effect("a destroy that uses the pool itself is served", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["b"] })
      const seen: Array<string> = []
      const release = () =>
        Effect.orDie(pool.with((lease) => Effect.sync(() => seen.push(lease.object)))).pipe(
          Effect.andThen(pool.remove("b"))
        )
      yield* pool.add("a", { release })

      yield* pool.remove("a")
      yield* TestClock.adjust(0)

      assert.deepStrictEqual(seen, ["b"])
      assert.deepInclude(yield* balanced(pool), { size: 0, waiting: 0 })
    }))

  it.effect("a borrower that comes while an object is being destroyed is served by another", () =>
    late(Effect.gen(function*() {
      const script = scripted({ release: "never" })
      const { within } = logs()
      const pool = yield* within(ObjectPool.make({ acquire: script.acquire, size: { max: 2 } }))

      yield* pool.with((lease) => lease.invalidate)
      const n = Effect.runSync(pool.with((lease) => Effect.succeed(lease.object.n)))

      assert.strictEqual(n, 2)
    })))
})

describe("many", { tags: "large" }, () => {
  it.effect("10 000 destroys that end at once neither overflow the stack nor starve the others", () =>
    Effect.gen(function*() {
      const { release, released } = releases()
      const pool = yield* ObjectPool.make({ objects: [] as Array<number> })
      yield* pool.addAll(Array.from({ length: 10_000 }, (_, i) => i), { release })
      let ticks = 0
      const ticking = yield* start(Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => ticks++))))

      for (let i = 0; i < 10_000; i++) yield* pool.remove(i)
      while (released.length < 10_000) yield* Effect.yieldNow
      yield* Fiber.interrupt(ticking)

      assert.deepStrictEqual(released, Array.from({ length: 10_000 }, (_, i) => i))
      assert.isAbove(ticks, 10)
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("10 000 objects that were made are destroyed by one close", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* ObjectPool.make({ acquire: script.acquire, size: { min: 10_000, max: 10_000 } })
      yield* pool.ready

      yield* pool.close

      assert.isTrue(script.things.every((thing) => thing.destroyed === 1))
      assert.deepInclude(yield* balanced(pool), { size: 0 })
      assert.deepInclude((yield* pool.stats).totals, { made: 10_000, destroyed: 10_000 })
    }))

  it.effect("removing 10 000 equal objects takes them all", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: Array.from({ length: 10_000 }, () => "same") })

      yield* pool.remove("same")

      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("10 000 equal objects leave one by one", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: Array.from({ length: 10_000 }, () => "same") })
      const records = yield* pool.objects

      for (const record of records) assert.isTrue(yield* pool.remove(record))

      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))
})
