/**
 * Many objects, many leases, many who wait: what each of them costs does not depend on how many there are, and others have
 * their turn in between.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ObjectPool, type PoolStats, Selector } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { costly } from "./support/clocks.ts"

const range = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)
const turns = (n: number) => Effect.repeat(Effect.yieldNow, { times: n })

/** Milliseconds of the processor that this thread has had: others that are busy on the machine do not count. */
const spent = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** What prepares something for so many, and answers with what is measured. */
type Scenario<E> = (n: number) => Effect.Effect<Effect.Effect<unknown, E, Scope.Scope>, E, Scope.Scope>

/** The time for each of so many; over and over, since the processor's time is counted in some milliseconds. */
const costOf = Effect.fnUntraced(function*<E>(scenario: Scenario<E>, n: number) {
  let total = 0
  let runs = 0
  while (total < 40) {
    total += yield* Effect.scoped(Effect.gen(function*() {
      const measured = yield* scenario(n)
      const start = spent()
      yield* measured
      return spent() - start
    }))
    runs++
  }
  return total / (runs * n)
})

/** For sixteen times as many it is not much more for each: a walk over all for each of them would make it sixteen times. */
const grows = <E>(scenario: Scenario<E>, few = 1000) =>
  Effect.gen(function*() {
    yield* costOf(scenario, few)
    const small = yield* costOf(scenario, few)
    const large = yield* costOf(scenario, 16 * few)
    return large / small
  })

const linear = <E>(title: string, scenario: Scenario<E>, few?: number): void => {
  it.effect(title, () =>
    Effect.map(grows(scenario, few), (factor) => {
      assert.isBelow(factor, 5)
    }))
}

/** By how much a count has grown at most from one turn to the next. */
const leap = <E, R>(
  stats: Effect.Effect<PoolStats>,
  count: (stats: PoolStats) => number,
  effect: Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    let most = 0
    let last = count(yield* stats)
    const watch = Effect.map(stats, (stats) => {
      most = Math.max(most, count(stats) - last)
      last = count(stats)
    })
    yield* Effect.race(effect, Effect.forever(Effect.andThen(watch, Effect.yieldNow)))
    yield* watch
    return most
  })

const acquire = Effect.sync(() => ({}))

describe("as many objects as a call has no arguments", () => {
  const many = 130_000

  it.effect("a borrow with a condition is served from shared ones", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: range(many), sharing: 2 })

      const lease = yield* pool.borrowWith({ where: ({ id }) => id > 1 })

      assert.isAbove(lease.object, 0)
    }))

  it.effect("the leases of one object are listed", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], sharing: many })
      yield* Effect.forEach(range(many), () => pool.borrow, { discard: true })

      const leases = yield* pool.leases

      assert.strictEqual(leases.length, many)
      assert.isTrue(leases.every(({ id }, i) => id === i + 1))
    }))
})

describe("the cost of one does not grow with how many there are", () => {
  linear(
    "of many leases of one object, taken and given back",
    (n) =>
      Effect.map(
        ObjectPool.make({ objects: ["a"], sharing: n }),
        (pool) => Effect.scoped(Effect.forEach(range(n), () => pool.borrow, { discard: true }))
      )
  )

  linear(
    "of many equal primitives that are removed at once",
    (n) => Effect.map(ObjectPool.make({ objects: range(n).map(() => "x") }), (pool) => pool.remove("x")),
    2000
  )

  linear(
    "of many equal primitives that leave one by one, the first first",
    (n) =>
      Effect.map(
        ObjectPool.make({ objects: range(n).map(() => "x") }),
        (pool) => Effect.andThen(pool.remove("y"), pool.close)
      ),
    2000
  )

  for (const min of [0, Infinity]) {
    const kept = min === 0 ? "none of which has to be kept" : "all of which have to be kept"
    const make = (n: number) => ObjectPool.make({ acquire, size: { min: Math.min(min, n), max: n } })

    linear(`of many lent objects that are rotated and come back, ${kept}`, (n) =>
      Effect.gen(function*() {
        const pool = yield* make(n)
        const leases = yield* Effect.forEach(range(n), () => pool.borrow)
        yield* pool.rotate
        return Effect.forEach(leases, (lease) => lease.release, { discard: true })
      }))

    linear(`of many idle objects that are rotated, ${kept}`, (n) =>
      Effect.gen(function*() {
        const pool = yield* make(n)
        yield* Effect.scoped(Effect.forEach(range(n), () => pool.borrow))
        return pool.rotate
      }), 500)
  }

  linear("of many lent objects whose time is over and that come back", (n) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ acquire, size: { max: n }, lifetime: { timeToLive: "1 minute" } })
      const leases = yield* Effect.forEach(range(n), () => pool.borrow)
      yield* TestClock.adjust("1 minute")
      return Effect.forEach(leases, (lease) => lease.release, { discard: true })
    }))

  linear("of many that were being made when there was room for them", (n) =>
    Effect.gen(function*() {
      const gate = yield* Latch.make()
      const pool = yield* ObjectPool.make({ acquire: Effect.as(gate.await, {}), size: { min: n, max: n } })
      while ((yield* pool.stats).making < n) yield* Effect.yieldNow
      yield* pool.resize({ min: 0, max: 1 })
      return Effect.andThen(gate.open, pool.rotate)
    }))
})

describe("the cost of one who waits does not grow with how many wait", () => {
  const fork = Effect.forkChild({ startImmediately: true })

  /** So many wait, and as many are being made, each of which ends when it is told how. */
  const making = Effect.fnUntraced(function*(n: number) {
    const ends: Array<(how: Effect.Effect<{}, string>) => void> = []
    const acquire = Effect.callback<{}, string>((resume) => {
      ends.push(resume)
    })
    const pool = yield* ObjectPool.make({ acquire, size: { max: n }, borrowTimeout: "Infinity" })
    const waiters = yield* Effect.forEach(range(n), () => fork(pool.with(() => Effect.void)))
    return { ends, waiters }
  })

  for (const [how, end] of [["with an object", Effect.succeed({})], ["in failure", Effect.fail("no")]] as const) {
    linear(
      `for whom one is being made, and those end ${how}, the last first`,
      (n) =>
        Effect.map(making(n), ({ ends, waiters }) =>
          Effect.suspend(() => {
            for (const resume of ends.reverse()) resume(end)
            return Effect.forEach(waiters, Fiber.await)
          }))
    )
  }

  linear("for whom one is being made while one object serves them all", (n) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        acquire: Effect.never,
        objects: [{}],
        size: { max: n + 1 },
        creation: { timeout: "Infinity" },
        borrowTimeout: "Infinity"
      })
      const lease = yield* pool.borrow
      const waiters = yield* Effect.forEach(range(n), () => fork(pool.with(() => Effect.void)))
      return Effect.andThen(lease.release, Fiber.joinAll(waiters))
    }))

  linear("who is told how many leases he has, though leases come and go in between", (n) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: range(n), borrowTimeout: "Infinity" })
      const leases = yield* Effect.forEach(range(n), () => pool.borrow)
      yield* Effect.forEach(range(n), () => fork(pool.borrow))
      const asked = Effect.flip(pool.with(() => Effect.void, { timeout: 0, priority: -1 }))
      return Effect.forEach(leases, (lease) => Effect.andThen(asked, lease.release), { discard: true })
    }), 500)

  for (const how of ["detected", "prepared"] as const) {
    linear(`for each of whom what comes back is ${how} first`, (n) =>
      Effect.gen(function*() {
        const gate = yield* Latch.make(true)
        const options = how === "detected"
          ? { detectStatus: () => Effect.as(gate.await, "Available" as const), detection: { onBorrow: true } }
          : { onBorrow: () => gate.await }
        const pool = yield* ObjectPool.make({ objects: range(n), borrowTimeout: "Infinity", ...options })
        const leases = yield* Effect.forEach(range(n), () => pool.borrow)
        const waiters = yield* Effect.forEach(range(n), () => fork(pool.with(() => Effect.void)))
        yield* gate.close
        return Effect.gen(function*() {
          yield* Effect.forEach(leases, (lease) => lease.release, { discard: true })
          yield* gate.open
          yield* Fiber.joinAll(waiters)
        })
      }))
  }

  linear("without a deadline while as many objects doze", (n) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make<number>({ detectStatus: () => "Dormant", borrowTimeout: "Infinity" })
      yield* Effect.forEach(range(n), () => fork(pool.with(() => Effect.void)))
      return pool.addAll(range(n))
    }))

  linear("refused in an overload, as one is served", (n) =>
    Effect.gen(function*() {
      const overload = { target: "1 second", interval: "1 second" } as const
      const pool = yield* ObjectPool.make({ objects: ["a"], overload, borrowTimeout: "Infinity" })
      let lease = yield* pool.borrow
      const waiters = yield* Effect.forEach(range(n), () => fork(pool.with(() => Effect.void)))
      return Effect.gen(function*() {
        // the second interval is the first of an overload
        for (let i = 0; i < 3; i++) {
          yield* TestClock.adjust("2 seconds")
          const first = yield* fork(pool.borrowWith({ priority: 1 }))
          yield* lease.release
          lease = yield* Fiber.join(first)
        }
        yield* lease.release
        yield* Effect.forEach(waiters, Fiber.await)
      })
    }))

  linear("each with a priority of its own", (n) =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], borrowTimeout: "1 second" })
      yield* pool.borrow
      const waiters = yield* Effect.forEach(range(n), (i) =>
        fork(pool.with(() => Effect.void, { priority: (i * 7919) % n })))
      return Effect.andThen(TestClock.adjust("1 second"), Effect.forEach(waiters, Fiber.await))
    }))
})

describe("others have their turn", () => {
  const n = 5000

  /** A pool for which time goes on as it does much. */
  const make = Effect.fnUntraced(
    function*(size: { readonly min?: number; readonly max: number }, acquire: Effect.Effect<{}>) {
      const { clock, toll } = yield* costly
      toll.millis = 0.1
      return yield* Effect.provideService(ObjectPool.make({ acquire, size }), Clock.Clock, clock)
    }
  )

  it.effect("while room is made for those who wait", () =>
    Effect.gen(function*() {
      const pool = yield* make({ max: 1 }, Effect.as(Effect.yieldNow, {}))
      const held = Effect.scoped(Effect.andThen(pool.borrow, Effect.never))
      yield* Effect.forEach(range(n), () => Effect.forkScoped(held, { startImmediately: true }))
      const all = Effect.gen(function*() {
        yield* pool.resize({ max: n })
        while ((yield* pool.stats).leases < n) yield* Effect.yieldNow
      })

      const most = yield* leap(pool.stats, ({ making, size }) => making + size, Effect.orDie(all))

      assert.strictEqual((yield* pool.stats).borrowed, n)
      assert.isBelow(most, n / 4)
    }))

  it.effect("while those who wait have one made each, when a suspension ends", () =>
    Effect.gen(function*() {
      const pool = yield* make({ max: n }, Effect.as(Effect.yieldNow, {}))
      yield* pool.suspend
      const held = Effect.scoped(Effect.andThen(pool.borrow, Effect.never))
      yield* Effect.forEach(range(n), () => Effect.forkScoped(held, { startImmediately: true }))
      const all = Effect.gen(function*() {
        yield* pool.resume
        while ((yield* pool.stats).leases < n) yield* Effect.yieldNow
      })

      const most = yield* leap(pool.stats, ({ making, size }) => making + size, all)

      assert.isBelow(most, n / 4)
    }))

  it.effect("while as many are made as have to be kept", () =>
    Effect.gen(function*() {
      const pool = yield* make({ min: n, max: n }, acquire)
      const begun = (yield* pool.stats).totals.made

      const most = yield* leap(pool.stats, ({ totals }) => totals.made, Effect.orDie(pool.ready))

      assert.strictEqual((yield* pool.stats).totals.made, n)
      assert.isBelow(Math.max(begun, most), n / 4)
    }))

  for (const max of [n, 2 * n]) {
    it.effect(`while ${n} of at most ${max} are rotated`, () =>
      Effect.gen(function*() {
        const pool = yield* make({ min: n, max }, acquire)
        yield* pool.ready

        const most = yield* leap(pool.stats, ({ totals }) =>
          totals.made, Effect.orDie(Effect.andThen(pool.rotate, pool.ready)))

        assert.strictEqual((yield* pool.stats).totals.made, 2 * n)
        assert.isBelow(most, n / 4)
      }))
  }

  it.effect("while those go that need not be replaced", () =>
    Effect.gen(function*() {
      const pool = yield* make({ max: n }, acquire)
      yield* Effect.scoped(Effect.forEach(range(n), () => pool.borrow))

      const most = yield* leap(pool.stats, ({ available }) => -available, Effect.orDie(pool.rotate))

      assert.strictEqual((yield* pool.stats).available, 0)
      assert.isBelow(most, n / 4)
    }))

  it.effect("while those go that are too many since a \"resize\"", () =>
    Effect.gen(function*() {
      const pool = yield* make({ max: n }, acquire)
      yield* Effect.scoped(Effect.forEach(range(n), () => pool.borrow))
      const all = Effect.gen(function*() {
        yield* pool.resize({ max: 7 })
        while ((yield* pool.stats).size > 7) yield* Effect.yieldNow
      })

      const most = yield* leap(pool.stats, ({ available }) => -available, Effect.orDie(all))

      assert.strictEqual((yield* pool.stats).available, 7)
      assert.isBelow(most, n / 4)
    }))

  it.effect("while those go that are too many, of which what is lent meanwhile goes at its return", () =>
    Effect.gen(function*() {
      const pool = yield* make({ max: n }, acquire)
      yield* Effect.scoped(Effect.forEach(range(n), () => pool.borrow))
      yield* pool.resize({ max: 7 })
      const leases = yield* Effect.forEach(range(100), () => pool.borrow)
      yield* turns(1000)
      assert.deepInclude(yield* pool.stats, { borrowed: 100, available: 0 })

      for (const lease of leases) yield* lease.release
      yield* turns(100)

      assert.deepInclude(yield* pool.stats, { size: 7, available: 7 })
    }))
})

describe("others have their turn in a pool with a detector", () => {
  it.effect("while those that have waited to be detected are, each at once", () =>
    Effect.gen(function*() {
      const n = 5000
      const { clock, toll } = yield* costly
      const gate = yield* Latch.make()
      const detectStatus = ({ id }: { readonly id: number }) =>
        id <= 10 ? Effect.as(gate.await, "Available" as const) : "Available"
      const pool = yield* Effect.provideService(
        ObjectPool.make({ objects: range(n), detectStatus }),
        Clock.Clock,
        clock
      )
      toll.millis = 0.1
      const all = Effect.gen(function*() {
        yield* gate.open
        while ((yield* pool.stats).available < n) yield* Effect.yieldNow
      })

      const most = yield* leap(pool.stats, ({ available }) => available, all)

      assert.isBelow(most, n / 4)
    }))
})

describe("a borrow that meets many that are detected in vain", () => {
  const n = 5000

  /** All but the last one are unknown. Each reading of the clock takes a while. */
  const make = Effect.fnUntraced(function*() {
    const { clock, toll } = yield* costly
    toll.millis = 0.1
    const detectStatus = ({ object }: { readonly object: number }) => object < n - 1 ? "Unknown" : "Available"
    const pool = ObjectPool.make({
      objects: range(n),
      detectStatus,
      select: Selector.roundRobin,
      detection: { onAdd: false, retry: Schedule.spaced("1 hour") },
      maxWaiters: 0
    })
    return yield* Effect.provideService(pool, Clock.Clock, clock)
  })

  for (const kind of ["borrow", "tryBorrow"] as const) {
    it.effect(`lets others have their turn, and goes on: ${kind}`, () =>
      Effect.gen(function*() {
        const pool = yield* make()

        const most = yield* leap(pool.stats, ({ unknown }) => unknown, Effect.orDie(Effect.asVoid(pool[kind])))

        assert.deepInclude(yield* pool.stats, { unknown: n - 1, borrowed: 1, waiting: 0 })
        assert.isBelow(most, n / 4)
      }))
  }

  it.effect("counts as one for whom something is done, until it is known that nothing can be", () =>
    Effect.gen(function*() {
      const pool = yield* make()
      const other = yield* Effect.forkChild(pool.borrowWith({ where: ({ object }) => object === n - 1 }), {
        startImmediately: true
      })
      assert.isDefined(other.pollUnsafe())

      const late = yield* Effect.flip(pool.borrow)

      assert.strictEqual(late._tag, "PoolExhausted")
      assert.deepInclude(yield* pool.stats, { unknown: n - 1, borrowed: 1, waiting: 0 })
    }))

  it.effect("needs no other turn where its fiber cannot be suspended, or has no time", () =>
    Effect.gen(function*() {
      for (const options of [{}, { timeout: 0 }]) {
        const pool = yield* make()

        const object = Effect.runSync(pool.with(({ object }) => Effect.succeed(object), options))

        assert.strictEqual(object, n - 1)
      }
      const pool = yield* make()
      const late = yield* Effect.forkChild(pool.with(() => Effect.void, { timeout: 0 }), { startImmediately: true })
      assert.isDefined(late.pollUnsafe())
    }))

  it.effect("is left by one who is interrupted in between", () =>
    Effect.gen(function*() {
      const pool = yield* make()
      const borrower = yield* Effect.forkChild(pool.with(() => Effect.void), { startImmediately: true })
      yield* Fiber.interrupt(borrower)
      yield* turns(100)

      assert.deepInclude(yield* pool.stats, { pending: 0, borrowed: 0, waiting: 0 })
      assert.isAbove((yield* pool.stats).available, n / 2)
    }))
})

describe("many whose time is over at once", () => {
  for (const max of [2000, 2500, 4000]) {
    it.effect(`are each replaced once, 2000 of at most ${max}`, () =>
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({
          acquire: Effect.as(Effect.yieldNow, {}),
          size: { min: 2000, max },
          lifetime: { timeToLive: "1 minute", jitter: 0 }
        })
        yield* pool.ready

        yield* TestClock.adjust("1 minute")
        while ((yield* pool.stats).totals.destroyed < 2000) yield* Effect.yieldNow
        yield* TestClock.adjust("59 seconds")
        yield* turns(100)

        assert.deepInclude(yield* pool.stats, { size: 2000, available: 2000, making: 0 })
        assert.deepInclude((yield* pool.stats).totals, { made: 4000, destroyed: 2000 })
      }))
  }
})

describe("others have their turn, though what is awaited is settled already", () => {
  const n = 5000
  const settled = <const B>(answer: B) => Effect.promise(async () => answer)
  const held = (pool: ObjectPool<object>) => Effect.scoped(Effect.andThen(pool.borrow, Effect.never))

  /** All but the last one are unknown. Each reading of the clock takes a while. */
  const unknown = Effect.fnUntraced(function*(plain: boolean) {
    const { clock, toll } = yield* costly
    toll.millis = 0.1
    const detectStatus = ({ object }: { readonly object: number }) => {
      const answer = object < n - 1 ? "Unknown" : "Available"
      return plain ? answer : settled(answer)
    }
    const pool = ObjectPool.make({
      objects: range(n),
      detectStatus,
      select: Selector.roundRobin,
      detection: { onAdd: false, retry: Schedule.spaced("1 hour") }
    })
    return yield* Effect.provideService(pool, Clock.Clock, clock)
  })

  for (const [how, plain] of [["plainly", true], ["with promises", false]] as const) {
    it.effect(`while all are detected, by a detector that answers ${how}`, () =>
      Effect.gen(function*() {
        const pool = yield* unknown(plain)

        const most = yield* leap(pool.stats, ({ unknown }) => unknown, Effect.orDie(pool.detect))

        assert.deepInclude(yield* pool.stats, { unknown: n - 1, available: 1 })
        assert.isBelow(most, n / 4)
      }))
  }

  it.effect("while one borrow meets many that are detected in vain", () =>
    Effect.gen(function*() {
      const pool = yield* unknown(false)

      const most = yield* leap(pool.stats, ({ unknown }) => unknown, Effect.orDie(Effect.asVoid(pool.borrow)))

      assert.deepInclude(yield* pool.stats, { unknown: n - 1, borrowed: 1 })
      assert.isBelow(most, n / 4)
    }))

  const few = Effect.fnUntraced(function*(min: number) {
    const { clock, toll } = yield* costly
    toll.millis = 0.1
    const pool = ObjectPool.make({
      acquire: settled({}),
      size: { min, max: n },
      creation: { concurrency: 4 },
      borrowTimeout: "Infinity"
    })
    return yield* Effect.provideService(pool, Clock.Clock, clock)
  })

  it.effect("while as many are made as have to be kept, a few at a time", () =>
    Effect.gen(function*() {
      const pool = yield* few(n)

      const most = yield* leap(pool.stats, ({ totals }) => totals.made, Effect.orDie(pool.ready))

      assert.strictEqual((yield* pool.stats).totals.made, n)
      assert.isBelow(most, n / 4)
    }))

  it.effect("while those who wait have one made each, a few at a time", () =>
    Effect.gen(function*() {
      const pool = yield* few(0)
      yield* pool.suspend
      yield* Effect.forEach(range(n), () => Effect.forkScoped(held(pool), { startImmediately: true }))
      const all = Effect.gen(function*() {
        yield* Effect.orDie(pool.resume)
        while ((yield* pool.stats).leases < n) yield* Effect.yieldNow
      })

      const most = yield* leap(pool.stats, ({ totals }) => totals.made, all)

      assert.strictEqual((yield* pool.stats).totals.made, n)
      assert.isBelow(most, n / 4)
    }))

  it("where they can: a call that does not wait detects all in its step", () => {
    const pool = PromisePool.make({
      objects: range(20_000),
      detectStatus: () => "Dormant",
      detection: { onAdd: false }
    })

    pool.detectSync()

    assert.strictEqual(pool.stats().dormant, 20_000)
  })
})
