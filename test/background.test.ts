/**
 * What the pool detects by itself: `detection.retry` from Unknown, and `detection.every` (promises 15 to 18 and 24).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { type ObjectPool, type PooledObject, type PoolOptions, Status } from "../src/index.ts"
import { hold, make, settle, start, state, statuses } from "./support/borrowers.ts"
import { timers } from "./support/clocks.ts"
import { balanced, scripted } from "./support/scripted.ts"

type Options = Omit<PoolOptions<string, undefined, never, never, never>, "pack" | "detectStatus">

/** A pool that notes when it asks about whom, and is answered as is said. */
const watched = (options: Options) =>
  Effect.gen(function*() {
    const times: Record<string, Array<number>> = {}
    const state = {
      times,
      answer: (_object: string): Status.Answer => "Available",
      takes: (_object: string): Duration.Input => 0,
      detecting: 0,
      most: 0,
      of: (object: string) => times[object] ?? []
    }
    const detectStatus = ({ object }: PooledObject<string>) =>
      Effect.gen(function*() {
        ;(times[object] ??= []).push(yield* Clock.currentTimeMillis)
        state.most = Math.max(state.most, ++state.detecting)
        const takes = Duration.fromInputUnsafe(state.takes(object))
        if (!Duration.isZero(takes)) yield* Effect.sleep(takes)
        return state.answer(object)
      }).pipe(Effect.ensuring(Effect.sync(() => state.detecting--)))
    const pool: ObjectPool<string> = yield* make({ ...options, detectStatus })
    return { pool, state }
  })

/** Lets time pass in small steps, so that one thing may follow another. */
const pass = (seconds: number) => Effect.repeat(TestClock.adjust("100 millis"), { times: seconds * 10 - 1 })

const gaps = (times: ReadonlyArray<number>) => times.slice(1).map((time, i) => time - times[i]!)

const named = (names: string): ReadonlyArray<string> => names.split("")

describe("an Unknown object", () => {
  it.effect("is asked again after 100 millis, doubling up to 30 seconds, jittered; for ever, where it was added", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ objects: ["a"] })
      yield* pool.detect
      yield* pool.remove("a")
      state.answer = () => "Unknown"
      state.times["b"] = []
      yield* pool.add("b")
      yield* TestClock.adjust("10 minutes")

      const waits = gaps(state.of("b"))
      assert.isAtLeast(waits.length, 20)
      waits.forEach((wait, i) => {
        const planned = 100 * 2 ** i
        assert.isAtMost(wait, Math.min(Math.ceil(planned * 1.2), 30_000), `retry ${i + 1}`)
        assert.isAtLeast(wait, Math.min(Math.floor(planned * 0.8), 30_000), `retry ${i + 1}`)
      })
      assert.isTrue(waits.some((wait, i) => wait !== 100 * 2 ** i && wait !== 30_000), "jittered")
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
    }))

  it.effect("is Invalid after five retries, where it was made; another takes its place in the minimum", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const asked: Array<number> = []
      const pool = yield* make({
        acquire,
        size: { min: 1, max: 1 },
        detectStatus: ({ object }) => {
          asked.push(object.n)
          return object.n === 1 ? Effect.fail("down") : "Available" as const
        }
      })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* balanced(pool)).unknown, 1)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(asked, [1, 1, 1, 1, 1, 1, 2])
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
      assert.deepInclude(yield* balanced(pool), { available: 1, size: 1 })
    }))

  it.effect("that is fine again serves who waits, and is asked no more", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ objects: ["a"], detection: { retry: Schedule.spaced("1 second") } })
      yield* pool.remove("a")
      state.answer = () => "Unknown"
      yield* pool.add("b")
      const waiter = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")
      state.answer = () => "Available"
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiter)).lease.object, "b")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(state.of("b"), [0, 1000, 2000, 3000])
    }))

  for (
    const [what, detect] of Object.entries({
      fails: () => Effect.fail("down"),
      dies: () => Effect.die("down"),
      throws: () => {
        throw new Error("down")
      },
      "answers nonsense": () => "fine" as never,
      "never ends": () => Effect.never
    })
  ) {
    it.effect(`is retried where its detector ${what}`, () =>
      Effect.gen(function*() {
        let asked = 0
        const pool = yield* make({
          objects: ["a"],
          detectStatus: () => ++asked === 2 ? "Available" as const : detect(),
          detection: { timeout: "1 second", retry: Schedule.spaced("1 minute") }
        })
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual([asked, ...yield* statuses(pool)], [1, "Unknown"])
        yield* TestClock.adjust("31 seconds")
        assert.deepStrictEqual([asked, ...yield* statuses(pool)], [2, "Available"])
      }))
  }

  it.effect("is retried under a schedule of its own: what was asked about others does not count", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { retry: Schedule.exponential("1 second") } })
      state.answer = () => "Unknown"
      yield* pool.add("a")
      yield* TestClock.adjust("3500 millis")
      yield* pool.add("b")
      yield* TestClock.adjust("8 seconds")
      assert.deepStrictEqual(state.of("a"), [0, 1000, 3000, 7000])
      assert.deepStrictEqual(state.of("b"), [3500, 4500, 6500, 10_500])
    }))

  it.effect("is Invalid when the schedule given is done, though it was added; its `release` is run", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({
        detection: { retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 2 }) }
      })
      state.answer = () => "Unknown"
      const released: Array<string> = []
      const [pooled] = yield* pool.addAll(["a"], { release: (object) => Effect.sync(() => released.push(object)) })
      yield* TestClock.adjust("1999 millis")
      assert.deepStrictEqual([pooled!.status, ...released], ["Unknown"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, ...released], ["Invalid", "a"])
      assert.deepStrictEqual([state.of("a").length, (yield* balanced(pool)).size], [3, 0])
    }))

  it.effect("with a schedule that never begins leaves at once", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { retry: Schedule.recurs(0) } })
      state.answer = () => "Unknown"
      assert.strictEqual((yield* pool.add("a")).status, "Invalid")
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  for (const answer of ["Available", "Dormant"] as const) {
    it.effect(`starts its schedule over after it was ${answer}`, () =>
      Effect.gen(function*() {
        const { pool, state } = yield* watched({
          detection: { retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 2 }), dormantFor: "1 hour" }
        })
        state.answer = () => "Unknown"
        yield* pool.add("a")
        yield* TestClock.adjust("1500 millis")
        state.answer = () => answer
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* statuses(pool), [answer])
        state.answer = () => "Unknown"
        yield* pool.detect
        yield* TestClock.adjust("1900 millis")
        assert.deepStrictEqual([state.of("a").length, ...yield* statuses(pool)], [5, "Unknown"])
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual((yield* balanced(pool)).size, 0)
      }))
  }

  it.effect("that was rested rests, and is retried no more until it is awake", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { retry: Schedule.spaced("1 second") } })
      state.answer = () => "Unknown"
      yield* pool.add("a")
      yield* pool.rest("a", "1 minute")
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual([state.of("a").length, ...yield* statuses(pool)], [1, "Dormant"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(state.of("a"), [0, 60_000, 61_000])
    }))

  it.effect("that leaves is asked about no more", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { retry: Schedule.spaced("1 second") } })
      state.answer = () => "Unknown"
      yield* pool.add("a")
      yield* TestClock.adjust("1 second")
      yield* pool.remove("a")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([state.of("a").length, (yield* balanced(pool)).size], [2, 0])
    }))

  it.effect("is as it was, and is retried when it was to be, when a detection of it is interrupted", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({
        detection: { retry: Schedule.upTo(Schedule.spaced("10 seconds"), { times: 2 }) }
      })
      state.answer = () => "Unknown"
      yield* pool.add("a")
      state.takes = () => "1 second"
      for (let i = 0; i < 5; i++) {
        const detecting = yield* start(pool.detect)
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(detecting)
      }
      yield* settle
      assert.deepStrictEqual(yield* statuses(pool), ["Unknown"])
      state.answer = () => "Available"
      yield* TestClock.adjust("10500 millis")
      assert.deepStrictEqual([state.of("a").at(-1), ...yield* statuses(pool)], [10_000, "Available"])
    }))

  it.effect("that was due during a detection which is interrupted is retried at once", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { retry: Schedule.spaced("1 second") } })
      state.answer = () => "Unknown"
      yield* pool.add("a")
      state.takes = () => "4 seconds"
      const detecting = yield* start(pool.detect)
      yield* TestClock.adjust("2 seconds")
      state.takes = () => 0
      yield* Fiber.interrupt(detecting)
      yield* TestClock.adjust("1 second")
      assert.isAtLeast(state.of("a").length, 3)
    }))

  it.effect("waits for its turn among the others, and lets borrowers go first", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({
        detection: { concurrency: 1, onBorrow: true, retry: Schedule.spaced("1 second") }
      })
      yield* pool.add("free")
      state.answer = (object) => object === "free" ? "Available" : "Unknown"
      yield* pool.addAll(["a", "b", "c"])
      state.takes = () => "1 second"
      yield* TestClock.adjust("1 second")
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(borrower)).lease.object, "free")
      assert.strictEqual(state.most, 1)
    }))

  it.effect("of a pool that closes is asked about no more, and no timer is left", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const { pool, state } = yield* within(watched({ detection: { retry: Schedule.spaced("1 second") } }))
      state.answer = () => "Unknown"
      yield* pool.add("a")
      yield* pool.close
      yield* settle
      assert.strictEqual(counts.sleeping, 0)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(state.of("a").length, 1)
    }))

  it.effect("is retried the same way with the same seed", () =>
    Effect.gen(function*() {
      const trial = Effect.gen(function*() {
        const begun = yield* Clock.currentTimeMillis
        const { pool, state } = yield* watched({})
        state.answer = () => "Unknown"
        yield* pool.add("a")
        yield* TestClock.adjust("10 seconds")
        return state.of("a").map((time) => time - begun)
      }).pipe(Effect.scoped)
      const seeded = (seed: string) => Random.withSeed(trial, seed)
      const one = yield* seeded("one")
      assert.deepStrictEqual(yield* seeded("one"), one)
      assert.notDeepEqual(yield* seeded("other"), one)
    }))
})

describe("detection.every", () => {
  it.effect("asks about each free object once in each interval, spread over it", () =>
    Effect.gen(function*() {
      const { state } = yield* watched({
        objects: named("abcde"),
        detection: { every: "10 seconds", onAdd: false }
      })
      yield* pass(40)
      const all = named("abcde").flatMap((object) => state.of(object)).sort((a, b) => a - b)
      for (const object of named("abcde")) {
        assert.strictEqual(state.of(object).length, 4, object)
        assert.deepStrictEqual(gaps(state.of(object)), [10_000, 10_000, 10_000], object)
      }
      assert.deepStrictEqual(all.slice(0, 5), [2000, 4000, 6000, 8000, 10_000])
    }))

  it.effect("asks about more than a hundred as well, a few at a time", () =>
    Effect.gen(function*() {
      const objects = Array.from({ length: 250 }, (_, i) => `${i}`)
      const { state } = yield* watched({ objects, detection: { every: "10 seconds", onAdd: false, concurrency: 3 } })
      yield* pass(20)
      assert.isTrue(objects.every((object) => state.of(object).length === 2))
      const perTime = new Map<number, number>()
      for (const object of objects) for (const time of state.of(object)) perTime.set(time, (perTime.get(time) ?? 0) + 1)
      assert.isAtMost(Math.max(...perTime.values()), 3)
    }))

  it.effect("takes a schedule, which says when each pass is over; done, it ends", () =>
    Effect.gen(function*() {
      const { state } = yield* watched({
        objects: named("ab"),
        detection: { every: Schedule.upTo(Schedule.exponential("2 seconds"), { times: 3 }), onAdd: false }
      })
      yield* pass(60)
      assert.deepStrictEqual(state.of("b"), [2000, 6000, 14_000])
      assert.deepStrictEqual(state.of("a"), [1000, 4000, 10_000])
    }))

  it.effect("\"Infinity\" is never", () =>
    Effect.gen(function*() {
      const { state } = yield* watched({ objects: ["a"], detection: { every: "Infinity", onAdd: false } })
      yield* TestClock.adjust("1000 days")
      assert.deepStrictEqual(state.of("a"), [])
    }))

  it.effect("does nothing in an empty pool, and asks about what joins later", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ detection: { every: "1 second", onAdd: false } })
      yield* pass(5)
      yield* pool.add("a")
      yield* pass(3)
      assert.isAtLeast(state.of("a").length, 2)
      yield* pool.remove("a")
      const before = state.of("a").length
      yield* pass(3)
      assert.strictEqual(state.of("a").length, before)
    }))

  it.effect("does nothing without a detector", () =>
    Effect.gen(function*() {
      const { counts, within } = timers()
      const pool = yield* within(make({ objects: ["a"], detection: { every: "1 second" } }))
      yield* pass(3)
      assert.strictEqual(counts.sleeping, 0)
      assert.strictEqual((yield* balanced(pool)).available, 1)
    }))

  it.effect("passes over what is lent, and what rests until a known time; asks about plain Dormant and Unknown", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = {
        rests: Status.dormant("1 hour"),
        plain: "Dormant",
        lost: "Unknown"
      }
      const { pool, state } = yield* watched({
        detection: { every: "4 seconds", dormantFor: "1 hour", retry: Schedule.spaced("1 hour") }
      })
      state.answer = (object) => answers[object] ?? "Available"
      yield* pool.addAll(["lent", "benched", "rests", "plain", "lost", "free"])
      yield* hold(pool.borrowWith({ where: (pooled) => pooled.object === "lent" }))
      yield* pool.rest("benched", "1 hour")
      yield* pass(14)
      const counts = ["lent", "benched", "rests", "plain", "lost", "free"].map((object) => state.of(object).length)
      assert.deepStrictEqual(counts.slice(0, 3), [1, 1, 1])
      assert.isTrue(counts.slice(3).every((n) => n >= 3), counts.join())
    }))

  it.effect("takes out what is Invalid, benches what is Dormant, brings back what is fine again", () =>
    Effect.gen(function*() {
      const answers: Record<string, Status.Answer> = { c: "Unknown" }
      const { pool, state } = yield* watched({
        objects: named("abcd"),
        detection: { every: "4 seconds", onAdd: false, retry: Schedule.spaced("1 hour") }
      })
      state.answer = (object) => answers[object] ?? "Available"
      yield* pass(4)
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available", "Unknown", "Available"])
      Object.assign(answers, { a: "Invalid", b: "Dormant", c: "Available" })
      yield* pass(4)
      assert.deepStrictEqual((yield* pool.objects).map(({ object }) => object), named("bcd"))
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Available", "Available"])
    }))

  it.effect("replaces what it took out, up to the minimum", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const bad = new Set<number>()
      const pool = yield* make({
        acquire,
        size: { min: 2 },
        detectStatus: ({ object }) => bad.has(object.n) ? "Invalid" as const : "Available" as const,
        detection: { every: "1 second" }
      })
      bad.add(1)
      yield* pass(3)
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0, 0])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 2 })
    }))

  it.effect("asks at most `concurrency` at once, and about none twice at once", () =>
    Effect.gen(function*() {
      const { state } = yield* watched({
        objects: named("abcdef"),
        detection: { every: "1 second", onAdd: false, concurrency: 2, timeout: "Infinity" }
      })
      state.takes = () => "3 seconds"
      yield* pass(60)
      assert.strictEqual(state.most, 2)
      for (const object of named("abcdef")) {
        assert.isAtLeast(state.of(object).length, 5, object)
        assert.isTrue(gaps(state.of(object)).every((gap) => gap >= 3000), object)
      }
    }))

  it.effect("does not stop for a detector that never ends", () =>
    Effect.gen(function*() {
      const { state } = yield* watched({
        objects: named("ab"),
        detection: { every: "2 seconds", onAdd: false, timeout: "Infinity" }
      })
      state.takes = (object) => object === "a" ? "Infinity" : 0
      yield* pass(20)
      assert.deepStrictEqual([state.of("a").length, state.of("b").length], [1, 10])
    }))

  it.effect("never has a borrower wait while another object is available", () =>
    Effect.gen(function*() {
      const { pool, state: watch } = yield* watched({
        objects: named("ab"),
        detection: { every: "2 seconds", onAdd: false, onBorrow: false }
      })
      watch.takes = () => "900 millis"
      for (let i = 0; i < 100; i++) {
        const borrower = yield* start(hold(pool.borrow))
        yield* settle
        assert.strictEqual(state(borrower), "ok", `at ${i} tenths of a second`)
        yield* (yield* Fiber.join(borrower)).release
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtLeast(watch.of("a").length, 3)
      assert.strictEqual((yield* balanced(pool)).totals.borrowed, 100)
    }))

  it.effect("lets what a borrower waits for go first", () =>
    Effect.gen(function*() {
      const { pool, state: watch } = yield* watched({
        objects: named("abcdef"),
        detection: { every: "1 second", onAdd: false, onBorrow: true, concurrency: 1 }
      })
      watch.takes = () => "2 seconds"
      yield* pass(3)
      const borrower = yield* start(hold(pool.borrow))
      yield* pass(4)
      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("goes on while the pool is suspended", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({ objects: ["a"], detection: { every: "1 second", onAdd: false } })
      yield* pool.suspend
      yield* pass(3)
      assert.strictEqual(state.of("a").length, 3)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  it.effect("ends when the pool closes: no timer and no detection is left", () =>
    Effect.gen(function*() {
      for (const every of ["1 second", Schedule.spaced("1 second")] as const) {
        const { counts, within } = timers()
        const { pool, state } = yield* within(watched({ objects: named("abc"), detection: { every } }))
        state.takes = () => "500 millis"
        yield* pass(2)
        yield* pool.close
        yield* settle
        assert.deepStrictEqual([counts.sleeping, state.detecting, (yield* balanced(pool)).size], [0, 0, 0])
        const before = state.of("a").length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(state.of("a").length, before)
      }
    }))

  it.effect("has nothing to do with `onAdd`, `onBorrow` and `onRelease`", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({
        objects: ["a"],
        detection: { every: "1 second", onAdd: false, onBorrow: false, onRelease: false }
      })
      yield* pool.with(() => Effect.sleep(0))
      assert.deepStrictEqual(state.of("a"), [])
      yield* pass(1)
      assert.deepStrictEqual(state.of("a"), [1000])
    }))

  it.effect("a borrower trusts what it answered", () =>
    Effect.gen(function*() {
      const { pool, state } = yield* watched({
        objects: ["a"],
        detection: { every: "1 second", onAdd: false, onBorrow: { trustFor: "2 seconds" } }
      })
      yield* pass(2)
      yield* hold(pool.borrow)
      assert.deepStrictEqual(state.of("a"), [1000, 2000])
    }))
})
