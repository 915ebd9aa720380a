import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { InvalidPoolOptions, type ObjectPool, PoolClosed, PoolFull } from "../src/index.ts"
import { hold, keep, make, serves, settle, start, state } from "./support/borrowers.ts"
import { late, quietly } from "./support/observed.ts"
import { balanced, type Gate, inside, scripted, slow, Thing } from "./support/scripted.ts"

/** Has so many objects in the pool, all idle. */
const fillUp = <A, D, E, P>(pool: ObjectPool<A, D, E, P>, n: number) =>
  Effect.gen(function*() {
    const held = yield* Effect.forEach(Array.from({ length: n }), () => hold(pool.borrow))
    for (const one of held) yield* one.release
  })

describe("rotate", () => {
  it.effect("once more, by whoever has waited for the last one, ends as well", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { min: 2, max: 2 } })
      const rotations = yield* start(Effect.andThen(pool.rotate, pool.rotate))
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state(rotations), "ok")
      assert.isAtLeast(things.filter(({ destroyed }) => destroyed === 1).length, 3)
    }))

  it.effect("replaces every idle object that was made, and ends when the old ones are gone", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 3, max: 6 } })

      yield* pool.rotate
      yield* settle

      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 0, 0, 0])
      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3, making: 0 })
    }))

  it.effect("never leaves fewer to lend than the minimum where there is room, and lasts until it is done", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { concurrency: 1 },
        size: { min: 2, max: 4 }
      })
      script.script.acquire = script.script.detect = "slow"
      const rotation = yield* start(pool.rotate)

      for (let i = 0; i < 29; i++) {
        assert.isAtLeast((yield* balanced(pool)).available, 2)
        assert.strictEqual(state(rotation), "waits")
        yield* TestClock.adjust("100 millis")
      }
      yield* TestClock.adjust("100 millis")

      assert.strictEqual(state(rotation), "ok")
      assert.deepStrictEqual(yield* inside(pool), [3, 4])
    }))

  it.effect("with room for one more replaces one after another", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 3 ? "ok" : "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 3, max: 4 } })
      const rotation = yield* start(pool.rotate)
      const seen: Array<number> = []

      for (let i = 0; i < 3; i++) {
        seen.push((yield* balanced(pool)).available)
        yield* TestClock.adjust(slow)
      }

      assert.deepStrictEqual(seen, [3, 3, 3])
      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
      assert.strictEqual(state(rotation), "ok")
    }))

  it.effect("where the minimum is the maximum, one at a time goes first", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 3 ? "ok" : "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 3, max: 3 } })
      const rotation = yield* start(pool.rotate)

      yield* settle
      for (let i = 0; i < 3; i++) {
        assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 1 })
        yield* TestClock.adjust(slow)
      }

      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
      assert.strictEqual(state(rotation), "ok")
    }))

  it.effect("a lent object goes at its return; the rotation does not wait for that", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire })
      const held = yield* hold(pool.borrow)

      yield* pool.rotate
      assert.deepInclude(yield* balanced(pool), { borrowed: 1, leases: 1 })
      assert.strictEqual(held.lease.object.destroyed, 0)
      yield* held.release
      yield* settle

      assert.strictEqual(held.lease.object.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  it.effect("a shared object that is lent is lent to nobody else", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, sharing: 4 })
      const held = yield* hold(pool.borrow)

      yield* pool.rotate
      const other = yield* hold(pool.borrow)

      assert.deepStrictEqual([held.lease.object.n, other.lease.object.n], [1, 2])
    }))

  it.effect("what is being made is old as well: it is replaced when it is there", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 1, max: 2 } })
      yield* TestClock.adjust("500 millis")
      const rotation = yield* start(pool.rotate)

      assert.strictEqual(state(rotation), "waits")
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(state(rotation), "waits")
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 1 })
      yield* TestClock.adjust(slow)

      assert.strictEqual(state(rotation), "ok")
      assert.deepStrictEqual(yield* inside(pool), [2])
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0])
    }))

  it.effect("what is being made for a waiter serves it, and goes when it comes back", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire })
      const borrower = yield* start(hold(pool.borrow))
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust(slow)
      assert.deepStrictEqual([state(borrower), state(rotation)], ["ok", "ok"])
      yield* (yield* Fiber.join(borrower)).release
      yield* settle

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1])
      assert.deepInclude(yield* balanced(pool), { size: 0 })
    }))

  for (const gate of ["fail", "never"] as const) {
    it.effect(`ends when what was being made ends without an object: acquire "${gate}"`, () =>
      Effect.gen(function*() {
        const script = scripted({ acquire: gate })
        const acquire = Effect.andThen(Effect.sleep(slow), script.acquire)
        const pool = yield* quietly(make({ acquire, creation: { timeout: "5 seconds" } }))
        const leaver = yield* keep(pool.borrow)
        yield* Fiber.interrupt(leaver)
        const rotation = yield* start(pool.rotate)
        assert.strictEqual(state(rotation), "waits")

        yield* TestClock.adjust("6 seconds")

        assert.strictEqual(state(rotation), "ok")
        assert.deepInclude(yield* balanced(pool), { making: 0, size: 0 })
      }))
  }

  it.effect("what was being made and is being detected is old still: the rotation lasts until it is gone", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        size: { min: 1, max: 3 }
      })
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(state(rotation), "waits")
      yield* TestClock.adjust("10 seconds")

      assert.strictEqual(state(rotation), "ok")
      assert.strictEqual(script.things[0]!.destroyed, 1)
      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0 })
    }))

  it.effect("while making fails keeps the old ones of the minimum, and goes on when it works again", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 2, max: 4 } }))
      yield* fillUp(pool, 4)
      script.script.acquire = "fail"
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(state(rotation), "waits")
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
      script.script.acquire = "ok"
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state(rotation), "ok")
      assert.deepStrictEqual(yield* inside(pool), [5, 6])
    }))

  it.effect("that is interrupted goes on, without its caller", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 3 ? "ok" : "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 3, max: 4 } })
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(rotation)
      yield* TestClock.adjust("1 minute")

      assert.strictEqual(state(rotation), "interrupted")
      assert.deepStrictEqual(yield* inside(pool), [4, 5, 6])
    }))

  it.effect("twice at once replaces twice what was made in between, and both end", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n <= 2 ? "ok" : "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 2, max: 4 } })
      const first = yield* start(pool.rotate)
      yield* TestClock.adjust("500 millis")
      const second = yield* start(pool.rotate)

      yield* TestClock.adjust("500 millis")
      assert.strictEqual(state(second), "waits")
      assert.deepInclude(yield* balanced(pool), { available: 2 })
      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual([first, second].map(state), ["ok", "ok"])
      assert.deepStrictEqual(yield* inside(pool), [5, 6])
    }))

  it.effect("leaves the objects that were added alone", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, objects: [new Thing(101)], size: { min: 2 } })
      yield* pool.add(new Thing(102))
      yield* pool.remove(script.things[0]!)
      yield* settle

      yield* pool.rotate
      yield* settle

      assert.deepStrictEqual(yield* inside(pool), [101, 102])
    }))

  it.effect("of a pool without acquire is over at once", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(101)] })

      Effect.runSync(pool.rotate)

      assert.deepStrictEqual(yield* inside(pool), [101])
    }))

  it.effect("replaces a resting object, and one that nobody knows the status of", () =>
    Effect.gen(function*() {
      const script = scripted({ detect: (thing, n): Gate => thing.n === 2 && n > 2 ? "fail" : "ok" })
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        size: { min: 2, max: 4 }
      })
      yield* pool.rest(script.things[0]!, "1 hour")
      yield* pool.detect
      assert.deepInclude(yield* balanced(pool), { dormant: 1, unknown: 1 })

      yield* pool.rotate
      yield* settle

      assert.deepStrictEqual(yield* inside(pool), [3, 4])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("leaves what is being prepared for a borrower to that borrower", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 2 }, onBorrow: () => Effect.sleep(slow) })
      const borrower = yield* start(hold(pool.borrow))
      const rotation = yield* start(pool.rotate)
      yield* TestClock.adjust(slow)

      const { lease, release } = yield* Fiber.join(borrower)
      assert.deepStrictEqual([lease.object.n, state(rotation)], [1, "ok"])
      yield* release
      yield* settle
      assert.strictEqual(lease.object.destroyed, 1)
    }))

  it.effect("while hooks run keeps to the minimum", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 2, max: 6 },
        onRelease: () => Effect.sleep(slow)
      })
      yield* fillUp(pool, 4)
      script.script.acquire = "slow"
      yield* TestClock.adjust("500 millis")
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust("10 seconds")

      assert.strictEqual(state(rotation), "ok")
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 1, 0, 0])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, making: 0 })
    }))

  it.effect("replaces those that were being detected when that has ended, where there is no room for others", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        detectStatus: script.detectStatus,
        detection: { onBorrow: false },
        size: { min: 2, max: 2 }
      })
      script.script.detect = "slow"
      yield* start(pool.detect)
      assert.deepInclude(yield* balanced(pool), { pending: 2 })
      const rotation = yield* start(pool.rotate)

      yield* TestClock.adjust("10 seconds")

      assert.deepStrictEqual(yield* inside(pool), [3, 4])
      assert.strictEqual(state(rotation), "ok")
    }))

  it.effect("fails with PoolClosed when the pool is closed, before or meanwhile", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: (n): Gate => n === 1 ? "ok" : "never" })
      const pool = yield* quietly(make({ acquire: script.acquire, size: { min: 1 } }))
      const rotation = yield* start(pool.rotate)

      yield* start(pool.close)
      yield* settle

      assert.strictEqual(state(rotation), "PoolClosed")
      assert.instanceOf(yield* Effect.flip(pool.rotate), PoolClosed)
      assert.strictEqual(script.things[0]!.destroyed, 1)
    })))

  it.effect("under load loses nothing, and interrupts nobody", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "slow", release: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { min: 2, max: 4 } })
      const work = pool.with((lease) =>
        Effect.suspend(() => {
          assert.deepStrictEqual([lease.object.destroyed, lease.object.users++], [0, 0])
          return Effect.andThen(Effect.sleep("300 millis"), Effect.sync(() => lease.object.users--))
        })
      )
      const workers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) =>
        start(Effect.repeat(Effect.andThen(work, Effect.sleep(n * 100)), { times: 50 })))

      for (let i = 0; i < 40; i++) {
        if (i % 8 === 0) {
          yield* start(pool.rotate)
        }
        yield* TestClock.adjust("1 second")
        yield* balanced(pool)
      }
      yield* TestClock.adjust("10 minutes")

      assert.isTrue(workers.every((worker) =>
        state(worker) === "ok"
      ))
      yield* serves(pool, 4)
    })))
})

describe("resize", () => {
  it.effect("that grows serves those who wait at once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 1 } })
      const got: Array<Thing> = []
      for (let i = 0; i < 4; i++) yield* keep(pool.borrow, got)
      assert.deepInclude(yield* balanced(pool), { waiting: 3, max: 1 })

      yield* pool.resize({ max: 3 })
      yield* settle

      assert.deepStrictEqual(got.map((thing) => thing.n), [1, 2, 3])
      assert.deepInclude(yield* balanced(pool), { waiting: 1, borrowed: 3, max: 3 })
    }))

  it.effect("that shrinks destroys idle objects now, the oldest first", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 5 } })
      yield* fillUp(pool, 5)

      yield* pool.resize({ max: 2 })
      yield* settle

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 1, 0, 0])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2, max: 2 })
      assert.deepStrictEqual(yield* inside(pool), [4, 5])
    }))

  it.effect("that shrinks drops a detection, but not a hook that runs for a borrower", () =>
    Effect.gen(function*() {
      const script = scripted()
      let asks = false
      const pool = yield* make({
        acquire: script.acquire,
        size: { max: 3 },
        detectStatus: ({ object }) => asks && object.n === 2 ? Effect.never : "Available",
        onBorrow: ({ object }) => object.n === 1 ? Effect.sleep(slow) : Effect.void
      })
      yield* TestClock.adjust(slow)
      const held = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust(slow)
      for (const one of held) yield* (yield* Fiber.join(one)).release
      asks = true
      const preparing = yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 1 })))
      yield* start(pool.detect)
      yield* start(hold(pool.borrowWith({ where: ({ object }) => object.n === 3 })))
      assert.deepInclude(yield* balanced(pool), { size: 3, pending: 2, borrowed: 1 })

      yield* pool.resize({ max: 2 })
      yield* settle
      assert.deepStrictEqual(script.things.map(({ destroyed }) => destroyed), [0, 1, 0])
      yield* TestClock.adjust(slow)

      assert.strictEqual(state(preparing), "ok")
    }))

  it.effect("that shrinks has lent ones leave as they come back, and interrupts nobody", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 4 } })
      const held = yield* Effect.forEach(Array.from({ length: 4 }), () => hold(pool.borrow))

      yield* pool.resize({ max: 2 })
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* pool.stats, { size: 4, borrowed: 4, leases: 4, max: 2 })
      for (const one of held) yield* one.release
      yield* settle

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1, 0, 0])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("that shrinks counts what is lent: as few idle ones stay as there is room for", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 4 } })
      const held = yield* Effect.forEach(Array.from({ length: 4 }), () => hold(pool.borrow))
      yield* held[2]!.release
      yield* held[3]!.release

      yield* pool.resize({ max: 2 })
      yield* settle

      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [0, 0, 1, 1])
      assert.deepInclude(yield* balanced(pool), { size: 2, borrowed: 2 })
    }))

  it.effect("a waiter gets what comes back only where there is room for that", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { max: 2 } })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const waiter = yield* start(hold(pool.borrow))
      yield* pool.resize({ max: 1 })

      yield* one.release
      yield* settle
      assert.strictEqual(state(waiter), "waits")
      yield* two.release
      yield* settle

      assert.strictEqual(state(waiter), "ok")
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0])
    }))

  it.effect("what is being made when the pool shrinks leaves if it is one too many", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { max: 3 } })
      const leavers = yield* Effect.forEach([1, 2, 3], () => keep(pool.borrow))
      for (const leaver of leavers) yield* Fiber.interrupt(leaver)

      yield* pool.resize({ max: 1 })
      assert.deepInclude(yield* pool.stats, { making: 3, max: 1 })
      yield* TestClock.adjust(slow)

      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, making: 0 })
      assert.deepStrictEqual(script.things.filter((thing) => thing.destroyed === 1).length, 2)
    }))

  for (const [what, busy] of [["a detection", { detect: "slow" }], ["a hook", { hook: true }]] as const) {
    it.effect(`no more leave than have to where ${what} of one that leaves takes its time`, () =>
      late(Effect.gen(function*() {
        const script = scripted()
        const pool = yield* make({
          acquire: script.acquire,
          size: { max: 4 },
          ...("hook" in busy
            ? { onRelease: () => Effect.sleep(slow) }
            : {
              detectStatus: () => Effect.uninterruptible(Effect.as(Effect.sleep(slow), "Available" as const)),
              detection: { onAdd: false, onBorrow: false }
            })
        })
        yield* fillUp(pool, 4)
        if (what === "a detection") yield* start(pool.detect)
        yield* TestClock.adjust("500 millis")
        assert.deepInclude(yield* balanced(pool), { pending: 4 })

        yield* pool.resize({ max: 3 })
        yield* TestClock.adjust("5 seconds")

        assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 0, 0, 0])
        assert.deepInclude(yield* balanced(pool), { size: 3, available: 3 })
      })))
  }

  it.effect("the minimum alone: a larger one is made at once, a smaller one keeps what is there", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 1, max: 5 } })

      yield* pool.resize({ min: 4 })
      assert.deepInclude(yield* balanced(pool), { size: 4, available: 4, min: 4, max: 5 })
      yield* pool.resize({ min: 0 })
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 4, min: 0, max: 5 })
      assert.strictEqual(script.counts.acquiring, 4)
    }))

  it.effect("a smaller minimum lets idle ones go, where there is an idle limit", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({
        acquire: script.acquire,
        size: { min: 4, max: 5 },
        lifetime: { idleTimeToLive: "10 seconds", jitter: 0 }
      })
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* balanced(pool), { size: 4 })

      yield* pool.resize({ min: 1 })
      yield* TestClock.adjust("10 seconds")

      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1 })
    }))

  it.effect("both at once", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, size: { min: 1, max: 2 } })

      yield* pool.resize({ min: 6, max: 8 })
      assert.deepInclude(yield* balanced(pool), { size: 6, min: 6, max: 8 })
      yield* pool.resize({ min: 0, max: 1 })
      yield* settle

      assert.deepInclude(yield* balanced(pool), { size: 1, min: 0, max: 1 })
    }))

  const nonsense: ReadonlyArray<readonly [object, string, string]> = [
    [{ max: 0 }, "size.max", "0"],
    [{ max: NaN }, "size.max", "NaN"],
    [{ max: 2.5 }, "size.max", "2.5"],
    [{ min: -1 }, "size.min", "-1"],
    [{ min: 0.5 }, "size.min", "0.5"],
    [{ min: 6 }, "size.min", "6"],
    [{ min: 3, max: 2 }, "size.min", "3"],
    [{ maximum: 7 }, "size.maximum", "not known"]
  ]
  for (const [size, option, value] of nonsense) {
    it.effect(`to ${option} ${value} fails and changes nothing, in ${Object.keys(size).join(", ")}`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ acquire: scripted().acquire, size: { min: 1, max: 5 }, name: "Here" })

        const failure = yield* Effect.flip(pool.resize(size))

        assert.instanceOf(failure, InvalidPoolOptions)
        assert.deepInclude(failure, { option, value, pool: "Here" })
        assert.deepInclude(yield* balanced(pool), { min: 1, max: 5, size: 1 })
      }))
  }

  it.effect("below the number of added objects fails; a minimum without acquire as well", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, objects: [new Thing(101), new Thing(102)] })
      const given = yield* make({ objects: [new Thing(101), new Thing(102)] })

      const below = yield* Effect.flip(pool.resize({ max: 1 }))
      const minimum = yield* Effect.flip(given.resize({ min: 1 }))

      assert.deepInclude(below, { _tag: "InvalidPoolOptions", option: "size.max" })
      assert.deepInclude(minimum, { _tag: "InvalidPoolOptions", option: "size.min" })
      assert.deepInclude(yield* balanced(pool), { size: 2, max: 10 })
    }))

  it.effect("made objects go, added ones stay, whichever are older", () =>
    Effect.gen(function*() {
      const script = scripted()
      const pool = yield* make({ acquire: script.acquire, objects: [new Thing(101)] })
      yield* fillUp(pool, 3)
      yield* pool.add(new Thing(102))

      yield* pool.resize({ max: 2 })
      yield* settle

      assert.deepStrictEqual(yield* inside(pool), [101, 102])
    }))

  it.effect("counts for what is added from then on", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [new Thing(101)], size: { max: 2 } })
      yield* pool.resize({ max: 1 })

      const full = yield* Effect.flip(pool.add(new Thing(102)))
      yield* pool.resize({ max: 3 })
      yield* pool.addAll([new Thing(103), new Thing(104)])

      assert.instanceOf(full, PoolFull)
      assert.deepStrictEqual(yield* inside(pool), [101, 103, 104])
    }))

  it.effect("a pool that makes fewer fails with PoolClosed when it is closed", () =>
    Effect.gen(function*() {
      const pool = yield* make({ acquire: scripted().acquire })
      yield* pool.close

      assert.instanceOf(yield* Effect.flip(pool.resize({ max: 2 })), PoolClosed)
    }))

  it.effect("up and down and up again keeps the books, and lets all that there is room for be lent", () =>
    late(Effect.gen(function*() {
      const script = scripted({ acquire: "slow", release: "slow" })
      const pool = yield* make({ acquire: script.acquire, size: { max: 3 } })
      const work = pool.with((lease) =>
        Effect.suspend(() => {
          assert.deepStrictEqual([lease.object.destroyed, lease.object.users++], [0, 0])
          return Effect.andThen(Effect.sleep("300 millis"), Effect.sync(() => lease.object.users--))
        })
      )
      const workers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => start(Effect.repeat(work, { times: 30 })))

      for (const max of [1, 6, 2, 5, 1, 4]) {
        yield* pool.resize({ max, min: Math.min(max, 2) })
        yield* TestClock.adjust("2500 millis")
        assert.isAtMost((yield* balanced(pool)).size, max)
      }
      yield* TestClock.adjust("5 minutes")

      assert.isTrue(workers.every((worker) => state(worker) === "ok"))
      yield* serves(pool, 4)
    })))
})
