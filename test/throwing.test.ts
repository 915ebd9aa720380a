/**
 * What throws where the pool calls it, or resumes it, is reported, and stops nothing of what the pool does for others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Selector } from "../src/index.ts"
import { hold, make, settle, start, state } from "./support/borrowers.ts"
import { but } from "./support/clocks.ts"
import { late, logs } from "./support/observed.ts"
import { balanced, scripted } from "./support/scripted.ts"

const thrown = new Error("thrown by whoever watches")

/** A fiber whose end is watched by a function that throws. */
const watched = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.map(start(effect), (fiber: Fiber.Fiber<A, E>) => {
    assert.strictEqual(state(fiber), "waits")
    fiber.addObserver(() => {
      throw thrown
    })
    return fiber
  })

/** How often it was reported. */
const reports = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes(thrown.message)).length

/** The clock of the test, which throws as often as it is told to when it is asked what time it is. */
const breaking = Effect.map(Clock.Clock, (clock) => {
  const script = { throws: 0 }
  const broken = but(clock, {
    currentTimeMillisUnsafe: () => {
      if (script.throws-- > 0) throw thrown
      return clock.currentTimeMillisUnsafe()
    }
  })
  return { broken, script }
})

describe("what throws as it is due", () => {
  it.effect("is reported, and what is due after it happens in time", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const { broken, script } = yield* breaking
      const pool = yield* make({ objects: ["a", "b"], leaseWarning: "1 second", leaseTimeout: "2 seconds" })
        .pipe(Effect.provideService(Clock.Clock, broken))
      const first = yield* hold(pool.borrow)
      const other = yield* start(Effect.flip(pool.with(() => Effect.never)))
      const waiter = yield* start(Effect.flip(hold(pool.borrowWith({ timeout: "1500 millis" }))))

      // the warning about the first lease reads the clock
      script.throws = 1
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([reports(lines), lines.length], [1, 2])
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(state(waiter), "ok")
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(state(other), "ok")
      assert.deepInclude((yield* pool.stats).totals, { timedOut: 1, expired: 2 })
      yield* first.release
    }))
  })
})

describe("whoever watches a borrower and throws as that ends", () => {
  it.effect("keeps none of the others from being resumed", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const first = yield* hold(pool.borrow)
      const watcher = yield* watched(pool.with(() => Effect.void))
      const others = yield* Effect.forEach([1, 2, 3], () => start(pool.with(() => Effect.void)))
      yield* first.release
      yield* settle

      assert.deepStrictEqual([watcher, ...others].map(state), ["ok", "ok", "ok", "ok"])
      yield* pool.with(() => Effect.void)
      assert.strictEqual(reports(lines), 1)
    }))
  })

  it.effect("keeps none of the others from timing out", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      yield* hold(pool.borrow)
      const watcher = yield* watched(Effect.flip(hold(pool.borrow)))
      const others = yield* Effect.forEach([1, 2, 3], () => start(Effect.flip(hold(pool.borrow))))
      yield* TestClock.adjust("30 seconds")

      assert.deepStrictEqual([watcher, ...others].map(state), ["ok", "ok", "ok", "ok"])
      assert.strictEqual(reports(lines), 1)
    }))
  })
})

describe("whoever watches one who waits for the pool and throws as that ends", () => {
  for (const what of ["ready", "rotate", "drain", "close"] as const) {
    it.effect(`(\`${what}\`) keeps none of the others from being told, nor the pool from going on`, () => {
      const { lines, within } = logs()
      return within(late(Effect.gen(function*() {
        const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow", release: "slow" })
        const pool = yield* make({ acquire, detectStatus, detection: { onBorrow: false }, size: { min: 1, max: 2 } })
        if (what !== "ready") yield* TestClock.adjust("2 seconds")
        const lease = what === "drain" ? yield* hold(pool.borrow) : undefined
        // what is idle and old leaves only when another has been made
        if (what === "rotate") assert.strictEqual((yield* pool.stats).available, 1)
        const watcher = yield* watched(pool[what])
        const others = yield* Effect.forEach([1, 2], () => start(pool[what]))
        if (lease !== undefined) yield* start(lease.release)
        yield* TestClock.adjust("10 seconds")

        assert.deepStrictEqual([watcher, ...others].map((each) => state(each)), ["ok", "ok", "ok"])
        assert.strictEqual(reports(lines), 1)
        if (what === "close") return assert.strictEqual((yield* balanced(pool)).size, 0)
        yield* pool.resume
        yield* pool.with(() => Effect.void)
      })))
    })
  }

  it.effect("does not keep a pool from closing", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const { acquire, things } = scripted({ acquire: (n) => n > 1 ? "never" : "ok" })
      const pool = yield* make({ acquire, size: { min: 2, max: 2 } })
      const watchers = yield* Effect.forEach([1, 2], () => watched(Effect.flip(pool.ready)))
      const closing = yield* start(pool.close)
      yield* settle

      assert.deepStrictEqual([...watchers, closing].map((each) => state<unknown, unknown>(each)), ["ok", "ok", "ok"])
      assert.deepStrictEqual([things[0]!.destroyed, reports(lines)], [1, 2])
    }))
  })

  it.effect("(`expired`) has all the others told that their lease is over, and the object is lent on", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseTimeout: "1 second" })
      const { lease } = yield* hold(pool.borrow)
      const watcher = yield* watched(Effect.flip(lease.expired))
      const other = yield* start(Effect.flip(lease.expired))
      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([watcher, other, next].map((each) => state<unknown, unknown>(each)), ["ok", "ok", "ok"])
      assert.strictEqual(reports(lines), 1)
    }))
  })

  it.effect("(`add`) lets the detections that wait for their turn go on", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const { detectStatus } = scripted({ detect: "slow" })
      const [a, b] = [1, 2].map((n) => ({ n, destroyed: 0, users: 0 }))
      const pool = yield* make<typeof a & {}>({ detectStatus, detection: { concurrency: 1 } })
      const watcher = yield* watched(pool.add(a!))
      const other = yield* start(pool.add(b!))
      yield* TestClock.adjust("2 seconds")

      assert.deepStrictEqual([watcher, other].map(state), ["ok", "ok"])
      assert.deepInclude(yield* balanced(pool), { available: 2 })
      assert.strictEqual(reports(lines), 1)
    }))
  })
})

describe("whoever listens to the events and throws", () => {
  it.effect("keeps none of the others from hearing them", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const first = yield* watched(Stream.runDrain(Stream.take(pool.events, 1)))
      const heard: Array<string> = []
      yield* start(Stream.runForEach(pool.events, ({ _tag }) => Effect.sync(() => heard.push(_tag))))
      yield* settle
      yield* pool.with(() => Effect.void)
      yield* settle

      assert.strictEqual(state(first), "ok")
      assert.deepStrictEqual(heard.filter((tag) => tag !== "StatusChanged"), ["Borrowed", "Released"])
      assert.strictEqual(reports(lines), 1)
    }))
  })
})

describe("a clock that throws", () => {
  it.effect("as something is told does not break what it tells of, nor what follows", () => {
    const { lines, within } = logs()
    return within(Effect.gen(function*() {
      const { broken, script } = yield* breaking
      const { acquire, things } = scripted()
      const pool = yield* make({
        acquire,
        size: { max: 3 },
        select: Selector.roundRobin,
        detection: { concurrency: 1 }
      })
        .pipe(Effect.provideService(Clock.Clock, broken))
      yield* start(Stream.runDrain(pool.events))
      const held = yield* Effect.forEach([1, 2, 3], () => hold(pool.borrow))
      yield* Effect.forEach(held, ({ release }) => release)
      for (const { lease } of held) {
        script.throws = 1
        yield* pool.remove(lease.pooled)
      }
      yield* settle

      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 1, 1])
      assert.deepInclude(yield* balanced(pool), { size: 0 })
      yield* hold(pool.borrow)
      assert.isAtLeast(reports(lines), 1)
    }))
  })
})
