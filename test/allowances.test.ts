/** What an object may be lent for: promises 28 to 30. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, type ObjectPool, PoolExhausted } from "../src/index.ts"
import { hold, make, settle, start, state, statuses } from "./support/borrowers.ts"
import { skewed } from "./support/clocks.ts"

const perMinute = (limit: number, options: Partial<Allowance> = {}): Allowance =>
  ({
    limit,
    per: "1 minute",
    name: "requests",
    ...options
  }) as Allowance

/** Borrows as often as can be at once, and gives back. */
const drain = (pool: { readonly tryBorrow: Effect.Effect<unknown, unknown, Scope.Scope> }) =>
  Effect.gen(function*() {
    let served = 0
    while ((yield* Effect.exit(Effect.scoped(pool.tryBorrow)))._tag === "Success") served++
    return served
  })

describe("an allowance", () => {
  it.effect("lends an object so often and no more, until something is left again", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], allowance: perMinute(3) })
      assert.strictEqual(yield* drain(pool), 6)
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Dormant"])

      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* drain(pool), 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
      assert.strictEqual(yield* drain(pool), 6)
    }))

  it.effect("shows what is left, and when all of it is there again", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        allowance: [perMinute(3), { limit: 10, per: "1 hour", unit: "cost" }]
      })
      const [pooled] = yield* pool.objects
      assert.deepStrictEqual(pooled!.allowances, [
        { name: "requests", unit: "leases", limit: 3, left: 3, fullAt: undefined },
        { name: "cost per 1h", unit: "cost", limit: 10, left: 10, fullAt: undefined }
      ])

      yield* TestClock.adjust("1 second")
      yield* pool.with(() => Effect.void, { cost: 4 })
      assert.deepStrictEqual(
        pooled!.allowances.map(({ fullAt, left }) => [left, fullAt && DateTime.toEpochMillis(fullAt)]),
        [[2, 61_000], [6, 3_601_000]]
      )
    }))

  it.effect("that is spent wakes without a detection, and serves who waits then", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make({
        objects: ["a"],
        allowance: perMinute(1),
        detectStatus: () => {
          asked++
          return "Available" as const
        },
        detection: { onBorrow: false }
      })
      assert.strictEqual(asked, 1)
      yield* pool.with(() => Effect.void)
      const waiting = yield* start(pool.with((lease) => Effect.succeed(lease.object), { timeout: "2 minutes" }))
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual(state(waiting), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(waiting), "a")
      assert.strictEqual(asked, 1)
    }))

  it.effect("of a shared object that is spent takes no new leases while the others go on, and takes them again in time", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 5, allowance: perMinute(2) })
      const one = yield* hold(pool.borrow)
      yield* TestClock.adjust("10 seconds")
      const other = yield* hold(pool.borrow)
      assert.strictEqual(yield* drain(pool), 0)
      assert.deepStrictEqual(yield* statuses(pool), ["Borrowed"])
      assert.strictEqual(DateTime.toEpochMillis(one.lease.pooled.wakesAt!), 60_000)

      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* drain(pool), 1)
      yield* one.release
      yield* other.release
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
    }))

  it.effect("goes into debt by what is charged, and rests it off; what is given back is there at once", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: perMinute(100, { unit: "cost", name: "tokens" }) })
      const { lease, release } = yield* hold(pool.borrowWith({ cost: 10 }))
      yield* TestClock.adjust("10 seconds")
      yield* release
      const left = () => lease.pooled.allowances[0]!.left
      yield* lease.charge(140)
      assert.deepStrictEqual([lease.pooled.status, left()], ["Dormant", -50])
      // it is lent again when the charge has left the window, not the lease alone
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual([lease.pooled.status, left()], ["Dormant", -40])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([lease.pooled.status, left()], ["Available", 100])

      const next = yield* hold(pool.borrowWith({ cost: 100 }))
      yield* next.release
      assert.strictEqual(lease.pooled.status, "Dormant")
      yield* next.lease.charge(-1000)
      assert.deepStrictEqual([lease.pooled.status, left()], ["Available", 100])
    }))

  it.effect("believes what a server has said", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: perMinute(10) })
      const { lease, release } = yield* hold(pool.borrow)
      const now = yield* DateTime.now
      yield* lease.report({ remaining: 0, resetsAt: DateTime.add(now, { seconds: 7 }) })
      yield* release
      assert.strictEqual(lease.pooled.status, "Dormant")
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(lease.pooled.status, "Available")
      assert.strictEqual(yield* drain(pool), 10)
    }))

  it.effect("that is reset by the wall clock lends as much between two moments", () =>
    Effect.gen(function*() {
      const resets = Cron.parseUnsafe("0 0 * * *", "Europe/Berlin")
      yield* TestClock.setTime(Date.parse("2026-06-01T12:00:00Z"))
      const pool = yield* make({ objects: ["a"], allowance: { limit: 2, resets } })
      assert.strictEqual(yield* drain(pool), 2)
      yield* TestClock.setTime(Date.parse("2026-06-01T21:59:59Z"))
      assert.strictEqual(yield* drain(pool), 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* drain(pool), 2)
    }))
})

describe("an allowance that makes no sense", () => {
  const bad: ReadonlyArray<readonly [allowance: unknown, says: string]> = [
    [{ limit: 0, per: 1000 }, "allowance.limit"],
    [{ limit: -1, per: 1000 }, "allowance.limit"],
    [{ limit: 1.5, per: 1000 }, "allowance.limit"],
    [{ limit: NaN, per: 1000 }, "allowance.limit"],
    [{ per: 1000 }, "allowance.limit"],
    [{ limit: 1 }, "allowance.per"],
    [{ limit: 1, per: 0 }, "allowance.per"],
    [{ limit: 1, per: "Infinity" }, "allowance.per"],
    [{ limit: 1, per: "soon" }, "allowance.per"],
    [{ limit: 1, per: 1000, window: "moving" }, "allowance.window"],
    [{ limit: 1, per: 1000, unit: "tokens" }, "allowance.unit"],
    [{ limit: 1, per: 1000, units: "cost" }, "allowance.units"],
    [{ limit: 1, resets: "0 0 * * *" }, "allowance.resets"],
    [{ limit: 1, per: 1000, resets: Cron.parseUnsafe("0 0 * * *") }, "allowance.resets"],
    [{ limit: 1, resets: Cron.parseUnsafe("0 0 30 2 *") }, "allowance.resets"],
    [[{ limit: 1, per: 1000 }, { limit: 2, per: 1000 }], "allowance.name"],
    [3, "allowance"],
    [[undefined], "allowance"]
  ]
  for (const [allowance, says] of bad) {
    it.effect(`is refused: ${JSON.stringify(allowance)}`, () =>
      Effect.gen(function*() {
        const refused = yield* Effect.exit(Effect.scoped(make({ objects: ["a"], allowance: allowance as Allowance })))
        assert.include(String(refused), `option \`${says}\``)

        // asked as the object joins: neither what is added, nor what is made, is in the pool
        const pool = yield* make<string>({
          acquire: Effect.succeed("made"),
          allowance: ({ object }) => (object === "good" ? perMinute(1) : allowance) as Allowance
        })
        assert.include(String(yield* Effect.exit(pool.add("added"))), says)
        assert.include(String(yield* Effect.exit(pool.with(() => Effect.void))), says)
        assert.deepStrictEqual(yield* statuses(pool), [])
        yield* pool.add("good")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      }))
  }

  it.effect("is a function that is asked once, about the object as it will be known", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const pool = yield* make<string, number>({
        objects: ["a"],
        data: (object) => object.length,
        allowance: ({ data, id, object, status }) => {
          asked.push([object, data, id, status])
          return perMinute(data)
        }
      })
      const pooled = yield* pool.add("bcd")
      assert.deepStrictEqual(asked, [["a", 1, 1, "Pending"], ["bcd", 3, 2, "Pending"]])
      assert.deepStrictEqual([pooled.id, pooled.allowances[0]!.limit], [2, 3])
    }))
})

describe("a refusal by rest", () => {
  const resting = (options: { readonly waitsForResting?: boolean; readonly sharing?: number } = {}) =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a", "b"], borrowTimeout: "10 seconds", ...options })
      yield* pool.rest("a", "20 seconds")
      yield* pool.rest("b", "30 seconds")
      return pool
    })
  const refused = (effect: Effect.Effect<unknown, unknown, never>) =>
    Effect.map(Effect.flip(effect), (error) => {
      assert.instanceOf(error, PoolExhausted)
      return [error.reason, error.retryAfter && Duration.toMillis(error.retryAfter)]
    })

  it.effect("comes at once, and says when the first object wakes", () =>
    Effect.gen(function*() {
      const pool = yield* resting()
      yield* TestClock.adjust("1 second")
      const attempts = [
        pool.with(() => Effect.void),
        pool.with(() => Effect.void, { where: ({ object }) => object === "b" }),
        Effect.scoped(pool.tryBorrow)
      ]
      assert.deepStrictEqual(yield* Effect.forEach(attempts, refused), [
        ["Resting", 19_000],
        ["Resting", 29_000],
        ["NoneAvailable", 19_000]
      ])
      const message = (yield* Effect.flip(pool.with(() => Effect.void))) as PoolExhausted
      assert.include(message.message, "has only objects that rest, try again in 19s")
    }))

  it.effect("is true: who comes back then is served, and who may wait as long is", () =>
    Effect.gen(function*() {
      const pool = yield* resting()
      const patient = yield* start(pool.with(() => Effect.void, { timeout: "20 seconds" }))
      assert.deepStrictEqual(yield* refused(pool.with(() => Effect.void, { timeout: "19999 millis" })), [
        "Resting",
        20_000
      ])
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(state(patient), "ok")
      yield* pool.with(() => Effect.void)
    }))

  it.effect("comes to those who wait when the last object goes to rest for longer than they may wait", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], borrowTimeout: "10 seconds" })
      const { lease, release } = yield* hold(pool.borrow)
      const short = yield* start(refused(pool.with(() => Effect.void)))
      const long = yield* start(pool.with(() => Effect.void, { timeout: "1 minute" }))
      const first = yield* start(pool.with(() => Effect.void, { timeout: "Infinity" }))
      yield* lease.rest("30 seconds")
      assert.strictEqual(state(short), "waits")
      yield* release
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(short), ["Resting", 30_000])
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([state(long), state(first)], ["ok", "ok"])
    }))

  it.effect("of a shared object that rests while it is lent comes too", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], sharing: 2, borrowTimeout: "10 seconds" })
      const { lease, release } = yield* hold(pool.borrow)
      yield* lease.rest("30 seconds")
      assert.deepStrictEqual(yield* refused(pool.with(() => Effect.void)), ["Resting", 30_000])
      yield* release
    }))

  it.effect("does not come where one is lent, being made, or could be, or rests for no known time, or where it may be waited for", () =>
    Effect.gen(function*() {
      const lent = yield* make<string>({ objects: ["a", "b"], borrowTimeout: "10 seconds" })
      const { release } = yield* hold(lent.borrow)
      for (const { object, status } of yield* lent.objects) {
        if (status === "Available") yield* lent.rest(object, "1 hour")
      }
      const making = yield* make<string>({ acquire: Effect.never, size: { max: 2 }, borrowTimeout: "10 seconds" })
      yield* making.add("a")
      yield* making.rest("a", "1 hour")
      const dozing = yield* make<string>({
        objects: ["a"],
        detectStatus: () => "Dormant",
        borrowTimeout: "10 seconds"
      })
      const waiting = yield* resting({ waitsForResting: true })
      const pools = [lent, making, dozing, waiting]
      const fibers = yield* Effect.forEach(pools, (pool) => start(Effect.flip(pool.with(() => Effect.void))))
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(fibers.map(state), ["waits", "waits", "waits", "waits"])
      yield* TestClock.adjust("1 millis")
      const errors = yield* Effect.forEach(fibers, Fiber.join)
      const waits = errors.map((error) => error._tag === "BorrowTimeout" ? error.retryAfter : "another")
      assert.deepStrictEqual(waits, [undefined, undefined, undefined, Duration.seconds(10)])
      yield* release
    }))

  it.effect("of an object without allowance left is one, too", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: perMinute(1), borrowTimeout: "10 seconds" })
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual(yield* refused(pool.with(() => Effect.void)), ["Resting", 60_000])
    }))
})

describe("a cost", () => {
  const refused = (pool: { readonly with: ObjectPool<string>["with"] }, cost: number) =>
    Effect.map(
      Effect.flip(pool.with(() => Effect.void, { cost })),
      (error) => error._tag === "PoolExhausted" ? error.reason : error._tag
    )

  it.effect("above the limit of every object fails at once, also where one could be made", () =>
    Effect.gen(function*() {
      const tokens = { limit: 10, per: "1 minute", unit: "cost" } as const
      const added = yield* make({ objects: ["a"], allowance: tokens })
      const made = yield* make({ acquire: Effect.succeed("a"), allowance: [tokens, perMinute(1000)] })
      const each = yield* make({ objects: ["a", "b"], allowance: () => tokens })
      for (const pool of [added, made, each]) {
        yield* pool.with(() => Effect.void, { cost: 10 })
        assert.strictEqual(yield* refused(pool, 10.1), "CostTooHigh")
      }
    }))

  it.effect("is not borne by an object whose limit is lower: another serves it", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["small", "large"],
        allowance: ({ object }) => ({ limit: object === "small" ? 5 : 50, per: "1 minute", unit: "cost" })
      })
      for (let i = 0; i < 5; i++) {
        assert.strictEqual(yield* pool.with(({ object }) => Effect.succeed(object), { cost: 9 }), "large")
      }
      assert.strictEqual(yield* refused(pool, 51), "CostTooHigh")
    }))

  it.effect("that is nonsense is a defect that names it", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], allowance: perMinute(1) })
      for (const cost of [-1, NaN, Infinity, "3" as never, null as never]) {
        const exit = yield* Effect.exit(pool.with(() => Effect.void, { cost }))
        assert.include(String(exit), "cost")
      }
      const { lease } = yield* hold(pool.borrow)
      for (const cost of [NaN, -Infinity, "3" as never, undefined as never]) {
        assert.include(String(yield* Effect.exit(lease.charge(cost))), "charge")
      }
      assert.include(String(yield* Effect.exit(lease.charge(1, "tokens"))), `allowed: "requests"`)
    }))
})

describe("two days of a key with limits of a minute and of a day", () => {
  const resets = Cron.parseUnsafe("0 0 * * *", "Europe/Berlin")
  const hour = 3_600_000
  /** The last day of winter time, at noon in Berlin. */
  const begin = Date.parse("2026-03-28T11:00:00Z")
  const midnights = [Date.parse("2026-03-28T23:00:00Z"), Date.parse("2026-03-29T22:00:00Z")]

  /** Borrows as often as can be, for 48 hours; each jump of the wall clock is at an hour, by so many hours. */
  const served = (jumps: Readonly<Record<number, number>>) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(begin)
      const { clock, skew } = yield* skewed
      const times: Array<number> = []
      const pool = yield* Effect.provideService(
        make({
          objects: ["key"],
          allowance: [perMinute(8), { limit: 500, resets, name: "of the day" }],
          waitsForResting: true
        }),
        Clock.Clock,
        clock
      )
      const now = Effect.map(Clock.currentTimeMillis, (millis) => times.push(millis))
      const client = yield* start(Effect.forever(pool.with(() => now, { timeout: "Infinity" })))
      for (let at = 0; at < 48; at++) {
        skew.millis = (jumps[at] ?? skew.millis / hour) * hour
        // so often a wall clock is looked at
        for (let seconds = 0; seconds < 3600; seconds += 10) yield* TestClock.adjust("10 seconds")
      }
      yield* Fiber.interrupt(client)
      return times
    })

  const mostInAMinute = (times: ReadonlyArray<number>): number =>
    times.reduce((most, at, i) => {
      let n = 1
      while (times[i + n]! < at + 60_000) n++
      return Math.max(most, n)
    }, 0)

  it.effect("lends 8 in any minute and 500 from midnight to midnight, though a day has 23 hours and the clock is set", () =>
    Effect.gen(function*() {
      // an hour forth at two, back at five; an hour back on the next day, and right again three hours later
      const times = yield* served({ 2: 1, 5: 0, 26: -1, 29: 0 })
      const days = [-Infinity, ...midnights].map((from, i) =>
        times.filter((at) => at >= from && at < (midnights[i] ?? Infinity)).length
      )
      assert.deepStrictEqual(days, [500, 500, 500])
      assert.strictEqual(mostInAMinute(times), 8)
      // as fast as may be: 500 in an hour and 2.5 minutes
      const first = times.slice(0, 500)
      assert.isAtMost(first.at(-1)! - first[0]!, 63 * 60_000)
    }))

  it.effect("resets once at each midnight, though the clock is set over it and back", () =>
    Effect.gen(function*() {
      // half an hour before midnight the clock says it is half past; then it is set back
      const times = yield* served({ 11: 1, 12: 0, 35: -1, 37: 0 })
      assert.strictEqual(times.length, 1500)
      assert.strictEqual(mostInAMinute(times), 8)
    }))
})
