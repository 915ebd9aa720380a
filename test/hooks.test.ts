/**
 * `onBorrow` and `onRelease`: when they run, what follows when they do not end well, and whom they never delay
 * (promises 2, 3, 6, 10, 16 and 22).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type Lease, type ObjectPool, type PooledObject, type PoolOptions, Selector } from "../src/index.ts"
import { hold, keep, make, named, serves, settle, start, state, use } from "./support/borrowers.ts"
import { logs } from "./support/observed.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

type Hook = (pooled: PooledObject<Thing>) => void | Effect.Effect<void, unknown>

type Options = Omit<
  PoolOptions<Thing, undefined, never, never, Lease<Thing>>,
  "pack" | "acquire" | "onBorrow" | "onRelease"
>

/** A pool of things whose hooks may be changed as it goes, and are noted. */
const hooked = (options: Options = {}) =>
  Effect.gen(function*() {
    const world = scripted()
    const log: Array<string> = []
    const hooks: { onBorrow: Hook; onRelease: Hook } = { onBorrow: () => {}, onRelease: () => {} }
    const noted = (name: keyof typeof hooks): Hook => (pooled) => {
      log.push(`${name} ${pooled.object.n}`)
      return hooks[name](pooled)
    }
    const pool: ObjectPool<Thing> = yield* make({
      ...options,
      acquire: Effect.orDie(world.acquire),
      onBorrow: noted("onBorrow"),
      onRelease: noted("onRelease")
    })
    return { pool, hooks, log, ...world }
  })

const oneSecond = () => Effect.sleep("1 second")

/** How a hook does not end well, and when. */
const bad: Record<string, readonly [hook: Hook, millis: number]> = {
  fails: [() => Effect.fail("broken"), 0],
  dies: [() => Effect.die("broken"), 0],
  "interrupts itself": [() => Effect.interrupt, 0],
  throws: [() => {
    throw new Error("broken")
  }, 0],
  "fails late": [() => Effect.andThen(Effect.sleep("1 second"), Effect.fail("broken")), 1000],
  "never ends": [() => Effect.never, 5000],
  "never ends, and cannot be interrupted": [() => Effect.uninterruptible(Effect.never), 5000]
}

describe("hooks", () => {
  it.effect("are over when a lease begins: its times are of then, also where one borrower hands its object to the next", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ leaseTimeout: "10 seconds", size: { max: 1 } })
      hooks.onBorrow = hooks.onRelease = oneSecond
      const borrowers = yield* Effect.forEach([0, 1], () => start(hold(pool.borrow)))
      const times = (lease: Lease<Thing>) => [lease.borrowedAt, lease.expiresAt!].map(DateTime.toEpochMillis)
      yield* TestClock.adjust("1 second")
      const first = yield* Fiber.join(borrowers[0]!)
      assert.deepStrictEqual(times(first.lease), [1000, 11_000])

      yield* first.release
      yield* TestClock.adjust("2 seconds")
      const second = yield* Fiber.join(borrowers[1]!)
      assert.deepStrictEqual(times(second.lease), [3000, 13_000])
      assert.strictEqual(DateTime.toEpochMillis(second.lease.pooled.releasedAt!), 1000)
      yield* second.release
    }))

  it.effect("run at each lease and after it, with the object's record, in which it is Pending", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked()
      const seen: Array<string> = []
      hooks.onBorrow = hooks.onRelease = (pooled) => {
        seen.push(pooled.status)
      }
      yield* pool.with(() => Effect.sync(() => log.push("used")))
      yield* pool.with(() => Effect.sync(() => log.push("used")))
      assert.deepStrictEqual(log, ["onBorrow 1", "used", "onRelease 1", "onBorrow 1", "used", "onRelease 1"])
      assert.deepStrictEqual(seen, ["Pending", "Pending", "Pending", "Pending"])
    }))

  it.effect("that take their time do not make an object that was detected just before count as refused", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* hooked({
        size: { min: 3, max: 3 },
        select: Selector.leastRecentlyUsed,
        detectStatus: () => "Available",
        detection: { onBorrow: true }
      })
      hooks.onBorrow = oneSecond
      yield* Effect.exit(Effect.scoped(pool.borrowWith({ timeout: 0 })))
      assert.strictEqual(things.length, 3)

      yield* pool.remove(things[2]!)
      yield* settle

      assert.strictEqual(things.length, 4, "the minimum is refilled at once")
    }))

  it.effect("onBorrow without onRelease: what was prepared for one that left is lent on, or rests if it is to", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 }, onBorrow: () => Effect.sleep("1 second") })
      const leaves = Effect.andThen(start(hold(pool.borrow)), Fiber.interrupt)
      yield* leaves
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 0 })

      yield* leaves
      yield* pool.rest(things[0]!, "1 minute")
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { dormant: 1 })
      yield* TestClock.adjust("59 seconds")

      yield* serves(pool, 1)
    }))

  it.effect("onBorrow that has failed three times runs again after a while, with a selector of the user's own as well", () =>
    Effect.gen(function*() {
      let n = 0
      const pool = yield* logs().within(make({
        objects: ["a", "b", "c", "d"],
        select: (available) => available[0],
        onBorrow: () => ++n <= 3 ? Effect.fail("not yet") : Effect.void
      }))
      const borrower = yield* start(hold(pool.borrow))
      assert.strictEqual(state(borrower), "waits")

      yield* TestClock.adjust("100 millis")

      assert.strictEqual((yield* Fiber.join(borrower)).lease.object, "d")
    }))

  it.effect("that are plain do not suspend", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ detectStatus: () => "Available" })
      assert.strictEqual(Effect.runSync(pool.with(({ object }) => Effect.succeed(object.n))), 1)
      assert.strictEqual(Effect.runSync(Effect.scoped(pool.borrowWith({ timeout: 0 }))).object.n, 1)
      hooks.onBorrow = hooks.onRelease = () => Effect.void
      assert.strictEqual(Effect.runSync(Effect.scoped(pool.tryBorrow)).object.n, 1)
      assert.strictEqual(log.length, 6)
    }))

  it.effect("run in order: detection, onBorrow, the lease, its end, onRelease, detection", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const step = (name: string) => Effect.delay(Effect.sync(() => log.push(name)), "1 second")
      const pool = yield* make({
        objects: ["a"],
        detection: { onAdd: false, onBorrow: true, onRelease: true },
        detectStatus: () => Effect.as(step("detect"), "Available" as const),
        onBorrow: () => Effect.asVoid(step("onBorrow")),
        onRelease: () => Effect.asVoid(step("onRelease"))
      })
      yield* start(pool.with(() => step("used")))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(log, ["detect", "onBorrow", "used", "onRelease", "detect"])
      assert.strictEqual((yield* balanced(pool)).available, 1)
    }))

  it.effect("have the services of the pool's builder, and its clock", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const note = () => Effect.andThen(Clock.currentTimeMillis, (millis) => Effect.sync(() => void times.push(millis)))
      const pool = yield* make({ objects: ["a"], onBorrow: note, onRelease: note })
      yield* TestClock.adjust("1 second")
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual(times, [1000, 1000])
    }))

  it.effect("run once for a borrow, on one object, though it takes time and others are free", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const pool = yield* make({
        objects: ["a", "b", "c"],
        detectStatus: () => "Available",
        onBorrow: () => Effect.delay(Effect.sync(() => void log.push("onBorrow")), "1 second"),
        onRelease: () => {
          log.push("onRelease")
        }
      })
      const borrower = yield* start(pool.with(() => Effect.void))
      yield* settle
      assert.deepInclude(yield* balanced(pool), { pending: 1, available: 2 })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([state(borrower), ...log], ["ok", "onBorrow", "onRelease"])
    }))

  it.effect("an object that comes back is prepared for the one for whom nothing is", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 2 } })
      const { release } = yield* hold(pool.borrow)
      hooks.onBorrow = oneSecond
      const first = yield* start(hold(pool.borrow))
      const second = yield* start(hold(pool.borrow))
      yield* settle
      hooks.onBorrow = () => {}
      yield* release
      yield* settle
      assert.deepStrictEqual([state(first), state(second)], ["waits", "ok"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* balanced(pool)).leases, 2)
    }))
})

describe("a slow onBorrow", () => {
  it.effect("delays its own borrower, and nobody else", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 2 } })
      hooks.onBorrow = ({ object }) => object.n === 1 ? Effect.sleep("1 second") : undefined
      const first = yield* start(hold(pool.borrow))
      const second = yield* start(hold(pool.borrow))
      yield* settle
      assert.deepStrictEqual([state(first), state(second)], ["waits", "ok"])
      assert.deepInclude(yield* balanced(pool), { pending: 1, borrowed: 1, waiting: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(first), "ok")
    }))

  it.effect("has no more made than there are borrowers", () =>
    Effect.gen(function*() {
      const { counts, hooks, log, pool } = yield* hooked({ size: { max: 10 } })
      hooks.onBorrow = oneSecond
      const borrowers = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok"])
      assert.deepStrictEqual([counts.acquiring, log.length], [2, 2])
    }))

  it.effect("does not count as waiting for `maxWaiters`, and serves a `tryBorrow`", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 1 }, maxWaiters: 0 })
      hooks.onBorrow = oneSecond
      const borrower = yield* start(hold(pool.tryBorrow))
      yield* TestClock.adjust("1 second")
      yield* (yield* Fiber.join(borrower)).release
      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(next), "ok")
    }))

  it.effect("is within the borrower's deadline; the object is cleaned up, and lent again", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = () => Effect.sleep("2 seconds")
      const borrower = yield* start(Effect.flip(pool.borrowWith({ timeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      const failure = yield* Fiber.join(borrower)
      assert.isTrue(failure._tag === "BorrowTimeout" && failure.phase === "Detecting")
      assert.deepStrictEqual(log, ["onBorrow 1"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(log, ["onBorrow 1", "onRelease 1"])
      assert.deepInclude(yield* balanced(pool), { available: 1, size: 1 })

      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([state(next), log.length], ["ok", 3])
    }))

  it.effect("whose borrower is interrupted goes on; the object is cleaned up, and prepared anew for the next waiter", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = oneSecond
      const first = yield* start(hold(pool.borrow))
      const second = yield* start(hold(pool.borrow))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(500)
      assert.strictEqual(state(second), "waits")
      assert.deepStrictEqual(log, ["onBorrow 1", "onRelease 1", "onBorrow 1"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(second), log.length], ["ok", 3])
    }))

  it.effect("whose borrower is interrupted passes over the waiter whose `where` rejects the object", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = oneSecond
      const first = yield* start(hold(pool.borrow))
      const picky = yield* keep(pool.borrowWith({ where: () => false }))
      const third = yield* start(hold(pool.borrow))
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([state(picky), state(third)], ["waits", "ok"])
      assert.deepStrictEqual(log, ["onBorrow 1", "onRelease 1", "onBorrow 1"])
    }))

  it.effect("whose borrower is interrupted, with nobody waiting, is followed by onRelease alone", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = hooks.onRelease = oneSecond
      const first = yield* start(hold(pool.borrow))
      yield* Fiber.interrupt(first)
      assert.isDefined(first.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { pending: 1, borrowed: 0, leases: 0 })
      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(log, ["onBorrow 1", "onRelease 1", "onBorrow 1"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(next), "ok")
    }))

  it.effect("does not keep its borrower from an object that comes back prepared sooner", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 2 } })
      const { lease, release } = yield* hold(pool.borrow)
      hooks.onBorrow = ({ object }) => object === lease.object ? undefined : Effect.sleep("4 seconds")
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      yield* release
      yield* settle
      assert.include(["ok", "waits"], state(borrower))
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(state(borrower), "ok")
      assert.deepInclude(yield* balanced(pool), { leases: 1, available: 1, pending: 0 })
    }))

  it.effect("an object that is removed or rested meanwhile leaves or rests when it has ended, and is not lent", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = oneSecond
      const [first, next] = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      const [pooled] = yield* pool.objects
      assert.isTrue(yield* pool.remove(pooled!))
      hooks.onBorrow = () => {}
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pooled!.status, "Invalid")
      assert.deepStrictEqual([state(first), state(next)], ["ok", "waits"])
      assert.strictEqual((yield* Fiber.join(first)).lease.object.n, 2)
    }))

  it.effect("an object that is rested meanwhile is not lent until it is awake", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = oneSecond
      const borrower = yield* start(hold(pool.borrow))
      const [pooled] = yield* pool.objects
      yield* pool.rest(pooled!, "10 seconds")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, state(borrower)], ["Dormant", "waits"])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("is given no lease in a suspended pool; its object is prepared for whoever waits at its resumption", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onBorrow = oneSecond
      const borrower = yield* start(hold(pool.borrow))
      yield* pool.suspend
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(borrower), (yield* balanced(pool)).leases], ["waits", 0])
      yield* pool.resume
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("that fails for an object that was to leave is no news", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      const pool = yield* within(make({
        objects: ["a"],
        onRelease: () => Effect.andThen(Effect.sleep("1 second"), Effect.fail("gone"))
      }))
      yield* pool.with(() => Effect.void)
      yield* pool.remove("a")

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([lines, (yield* pool.stats).size], [[], 0])
    }))
})

describe("onBorrow", () => {
  for (const [how, [hook, millis]] of Object.entries(bad)) {
    it.effect(`that ${how}: what was made is destroyed, and the borrower gets another`, () =>
      Effect.gen(function*() {
        const { lines, within } = logs()
        const { hooks, pool, things } = yield* within(hooked({ size: { max: 1 } }))
        hooks.onBorrow = (pooled) => pooled.object.n === 1 ? hook(pooled) : undefined
        const borrower = yield* start(hold(pool.borrow))
        yield* TestClock.adjust(millis)

        assert.strictEqual((yield* Fiber.join(borrower)).lease.object.n, 2)
        assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "A hook failed")
        assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1, waiting: 0 })
      }))

    it.effect(`that ${how}: what was added leaves, by its \`release\``, () =>
      Effect.gen(function*() {
        const released: Array<string> = []
        let broken = true
        const pool = yield* logs().within(make<string>({
          onBorrow: (() => broken ? hook({} as never) : undefined) as () => Effect.Effect<void>
        }))
        const [pooled] = yield* pool.addAll(["a"], { release: (object) => Effect.sync(() => released.push(object)) })
        const borrower = yield* keep(pool.borrow)
        yield* TestClock.adjust(millis)
        assert.deepStrictEqual([pooled!.status, ...released, state(borrower)], ["Invalid", "a", "waits"])
        broken = false
        yield* pool.add("b")
        yield* settle
        assert.deepInclude(yield* balanced(pool), { leases: 1, size: 1 })
      }))
  }

  it.effect("that fails is told by the BorrowTimeout of its borrower", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* logs().within(hooked({ size: { max: 1 } }))
      hooks.onBorrow = () => Effect.fail("broken")
      const borrower = yield* start(Effect.flip(pool.borrow))
      yield* TestClock.adjust("30 seconds")
      const failure = yield* Fiber.join(borrower)
      assert.isTrue(failure._tag === "BorrowTimeout" && failure.lastFailure === "broken")
    }))

  for (const slow of [false, true]) {
    it.effect(`that ${slow ? "fails late" : "fails"} does so for three objects at most; then after 100 millis, doubling`, () =>
      Effect.gen(function*() {
        const times: Array<number> = []
        const { hooks, pool } = yield* logs().within(hooked({ size: { max: 10 } }))
        hooks.onBorrow = () =>
          Effect.gen(function*() {
            times.push(yield* Clock.currentTimeMillis)
            if (slow) yield* Effect.sleep(1)
            return yield* Effect.fail("broken")
          })
        const borrower = yield* keep(pool.borrow)
        yield* TestClock.adjust(slow ? 706 : 700)
        assert.deepStrictEqual(times, slow ? [0, 1, 2, 103, 304, 705] : [0, 0, 0, 100, 300, 700])
        hooks.onBorrow = () => {}
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* balanced(pool)).leases, 1)
        yield* Fiber.interrupt(borrower)
      }))

    it.effect(`that ${slow ? "fails late" : "fails"} does not spin where a minimum is refilled`, () =>
      Effect.gen(function*() {
        const { counts, hooks, log, pool } = yield* logs().within(hooked({ size: { min: 1, max: 2 } }))
        hooks.onBorrow = () => slow ? Effect.andThen(Effect.sleep(1), Effect.fail("broken")) : Effect.fail("broken")
        yield* keep(pool.borrow)
        yield* TestClock.adjust("3 seconds")
        assert.isAtMost(counts.acquiring, 20)
        assert.isAtMost(log.length, 20)
        yield* balanced(pool)
      }))
  }

  it.effect("that fails for a borrower which has left: its object leaves, and the next is served", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* logs().within(hooked({ size: { max: 1 } }))
      hooks.onBorrow = ({ object }) =>
        object.n === 1 ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("broken")) : undefined
      const [first, second] = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(second), "ok")
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
    }))

  it.effect("that fails on what is free has the borrower take the next that is free, before it makes one", () =>
    Effect.gen(function*() {
      const { counts, hooks, pool } = yield* logs().within(hooked({ size: { min: 2, max: 2 } }))
      let failed = 0
      hooks.onBorrow = () => failed++ === 0 ? Effect.fail("broken") : undefined
      const { release } = yield* hold(pool.borrow)
      assert.strictEqual(counts.acquiring, 2)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { size: 2, borrowed: 1, available: 1 })
      yield* release
    }))

  it.effect("in a pool of added objects runs out of them: the waiter waits for what is added", () =>
    Effect.gen(function*() {
      let broken = true
      const pool = yield* logs().within(
        make({ objects: ["a", "b"], onBorrow: () => broken ? Effect.fail("broken") : undefined })
      )
      const borrower = yield* start(hold(pool.borrow))
      yield* settle
      assert.deepStrictEqual([state(borrower), (yield* balanced(pool)).size], ["waits", 0])
      broken = false
      yield* pool.add("c")
      assert.strictEqual((yield* Fiber.join(borrower)).lease.object, "c")
    }))

  it.effect("that throws for a `tryBorrow` has it fail when nothing else is there", () =>
    Effect.gen(function*() {
      const pool = yield* logs().within(make({ objects: ["a"], onBorrow: () => Effect.fail("broken") }))
      const failure = yield* Effect.flip(hold(pool.tryBorrow))
      assert.deepInclude(failure, { _tag: "PoolExhausted", reason: "NoneAvailable" })
    }))
})

describe("onRelease", () => {
  it.effect("that is slow delays neither its borrower nor another for whom there is an object", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ size: { max: 2 } })
      hooks.onRelease = oneSecond
      assert.strictEqual(yield* pool.with(() => Effect.succeed("done")), "done")
      assert.deepInclude(yield* balanced(pool), { pending: 1, leases: 0 })
      const next = yield* hold(pool.borrow)
      assert.strictEqual(next.lease.object.n, 2)
      const third = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(third), "ok")
    }))

  for (const [how, [hook, millis]] of Object.entries(bad)) {
    it.effect(`that ${how} does not alter what the borrower gets; the object leaves`, () =>
      Effect.gen(function*() {
        const { hooks, pool, things } = yield* logs().within(hooked({ size: { max: 1 } }))
        hooks.onRelease = hook
        assert.strictEqual(yield* pool.with(() => Effect.succeed("done")), "done")
        const waiter = yield* start(hold(pool.borrow))
        yield* TestClock.adjust(millis)

        assert.strictEqual((yield* Fiber.join(waiter)).lease.object.n, 2)
        assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
        yield* balanced(pool)
      }))
  }

  it.effect("that fails: an added object leaves, by its `release`", () =>
    Effect.gen(function*() {
      const released: Array<string> = []
      const pool = yield* logs().within(make<string>({ onRelease: () => Effect.fail("broken") }))
      const pooled = yield* pool.add("a", { release: (object) => Effect.sync(() => released.push(object)) })
      yield* pool.with(() => Effect.void)
      yield* settle
      assert.deepStrictEqual([pooled.status, ...released], ["Invalid", "a"])
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  it.effect("runs when a lease expires, when its borrower fails, dies, or is interrupted", () =>
    Effect.gen(function*() {
      const { log, pool } = yield* hooked({ onLeaseExpired: "return" })
      const bodies = [Effect.fail("a"), Effect.die("b"), Effect.interrupt]
      for (const body of bodies) yield* Effect.exit(pool.with(() => body))
      yield* start(Effect.exit(pool.with(() => Effect.never, { leaseTimeout: "1 second" })))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(log.filter((line) => line.startsWith("onRelease")), Array(4).fill("onRelease 1"))
    }))

  it.effect("comes before a rest that was asked for, and a detection after an expiry", () =>
    Effect.gen(function*() {
      let asked = 0
      const { hooks, pool } = yield* hooked({
        detection: { onAdd: false, onBorrow: false },
        detectStatus: () => {
          asked++
          return "Available"
        }
      })
      hooks.onRelease = oneSecond
      yield* start(pool.with((lease) => lease.rest("10 seconds")))
      const [pooled] = yield* pool.objects
      assert.strictEqual(pooled!.status, "Pending")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual([pooled!.status, asked], ["Available", 1])
      yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, asked], ["Pending", 1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, asked], ["Available", 2])
    }))

  it.effect("an object that is removed meanwhile leaves when it has ended", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* hooked()
      hooks.onRelease = oneSecond
      yield* pool.with(() => Effect.void)
      const [pooled] = yield* pool.objects
      assert.isTrue(yield* pool.remove(pooled!))
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, things[0]!.destroyed], ["Invalid", 1])
    }))

  it.effect("serves the oldest waiter when it has ended", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({ size: { max: 1 } })
      hooks.onRelease = oneSecond
      const { release } = yield* hold(pool.borrow)
      const waiters = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      yield* release
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(waiters.map(state), ["waits", "waits"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(waiters.map(state), ["ok", "waits"])
      assert.deepStrictEqual(log, ["onBorrow 1", "onRelease 1", "onBorrow 1"])
    }))

  it.effect("is not run for an object that leaves anyway", () =>
    Effect.gen(function*() {
      const { log, pool } = yield* hooked()
      yield* pool.with((lease) => lease.invalidate)
      yield* Effect.scoped(Effect.andThen(pool.borrow, (lease) => lease.detach))
      assert.deepStrictEqual(log, ["onBorrow 1", "onBorrow 2"])
    }))
})

describe("`hookTimeout`", () => {
  it.effect("is how long a hook may take, to the millisecond; a shorter one is not cut", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* logs().within(hooked({ hookTimeout: "2 seconds", size: { max: 1 } }))
      hooks.onBorrow = () => Effect.sleep(1999)
      const first = yield* start(hold(pool.borrow))
      yield* TestClock.adjust(1999)
      assert.strictEqual(state(first), "ok")
      let interrupted = 0
      hooks.onRelease = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      yield* (yield* Fiber.join(first)).release
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual([interrupted, things[0]!.destroyed], [0, 0])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([interrupted, things[0]!.destroyed], [1, 1])
    }))

  it.effect("\"Infinity\" waits", () =>
    Effect.gen(function*() {
      const { hooks, pool } = yield* hooked({ hookTimeout: "Infinity" })
      hooks.onBorrow = () => Effect.sleep("1 day")
      const borrower = yield* start(hold(pool.borrowWith({ timeout: "Infinity" })))
      yield* TestClock.adjust("1 day")
      assert.strictEqual(state(borrower), "ok")
    }))
})

describe("closing", () => {
  for (const name of ["onBorrow", "onRelease"] as const) {
    it.effect(`interrupts a running ${name}, destroys its object, and fails who waits`, () =>
      Effect.gen(function*() {
        const { hooks, pool, things } = yield* hooked({ size: { max: 1 } })
        let interrupted = 0
        hooks[name] = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        const borrower = yield* start(pool.with(() => Effect.void))
        const waiter = yield* start(pool.borrow)
        yield* settle
        const closing = yield* start(pool.close)
        yield* settle

        assert.deepStrictEqual([state(closing), interrupted, things[0]!.destroyed], ["ok", 1, 1])
        assert.deepStrictEqual([state(borrower), state(waiter)], [
          name === "onBorrow" ? "PoolClosed" : "ok",
          "PoolClosed"
        ])
        assert.deepInclude(yield* balanced(pool), { size: 0, waiting: 0, leases: 0 })
      }))

    it.effect(`gives up an ${name} that cannot be interrupted after \`hookTimeout\``, () =>
      Effect.gen(function*() {
        const { hooks, pool, things } = yield* logs().within(
          hooked({ size: { max: 1 }, closing: { timeout: "1 hour" } })
        )
        hooks[name] = () => Effect.uninterruptible(Effect.never)
        yield* start(Effect.exit(pool.with(() => Effect.void)))
        yield* settle
        const closing = yield* start(pool.close)
        yield* TestClock.adjust(4999)
        assert.strictEqual(state(closing), "waits")
        yield* TestClock.adjust(2)
        assert.deepStrictEqual([state(closing), things[0]!.destroyed], ["ok", 1])
        assert.strictEqual((yield* balanced(pool)).size, 0)
      }))
  }

  it.effect("an onBorrow that closes the pool itself ends with it", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* logs().within(hooked({ size: { max: 1 } }))
      hooks.onBorrow = () => pool.close
      const borrower = yield* start(pool.borrow)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([state(borrower), things[0]!.destroyed], ["PoolClosed", 1])
      assert.strictEqual((yield* balanced(pool)).size, 0)
    }))

  it.effect("that serves those who wait runs their hooks", () =>
    Effect.gen(function*() {
      const { hooks, log, pool } = yield* hooked({
        size: { max: 1 },
        closing: { waiters: "serve", timeout: "1 minute" }
      })
      hooks.onBorrow = hooks.onRelease = oneSecond
      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(pool.with(() => Effect.void)))
      yield* settle
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([...borrowers, closing].map(state), ["ok", "ok", "ok", "ok"])
      assert.isAtLeast(log.length, 5)
    }))

  it.effect("a lease that is revoked is followed by no hook", () =>
    Effect.gen(function*() {
      const { log, pool, things } = yield* logs().within(hooked({ closing: { timeout: "1 second" } }))
      yield* hold(pool.borrow)
      const closing = yield* start(pool.close)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(closing), things[0]!.destroyed, ...log], ["ok", 1, "onBorrow 1"])
    }))
})

describe("rotation", () => {
  for (const leaves of [false, true]) {
    it.effect(`lets the old object go when its successor is prepared for a borrower${leaves ? " which left" : ""}`, () =>
      Effect.gen(function*() {
        const { hooks, pool, script, things } = yield* hooked({ size: { min: 1, max: 2 } })
        script.acquire = "slow"
        hooks.onBorrow = oneSecond
        const rotating = yield* start(pool.rotate)
        const borrower = yield* keep(pool.borrowWith({ where: ({ object }) => object.n === 2 }))
        yield* TestClock.adjust("1500 millis")
        assert.deepStrictEqual([state(rotating), things.length, things[0]!.destroyed], ["waits", 2, 0])
        if (leaves) yield* Fiber.interrupt(borrower)
        yield* TestClock.adjust("500 millis")

        assert.deepStrictEqual([state(rotating), things[0]!.destroyed], ["ok", 1])
        assert.deepInclude(yield* balanced(pool), { size: 1, leases: leaves ? 0 : 1 })
      }))
  }
})

describe("hooks that call the pool", () => {
  it.effect("may read it, borrow another object, and remove their own", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* hooked({ size: { max: 2 } })
      hooks.onBorrow = (pooled) =>
        pooled.object.n === 1
          ? Effect.asVoid(Effect.all([pool.stats, pool.with(() => Effect.void), pool.remove(pooled)]))
          : undefined
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(borrower)).lease.object.n, 2)
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
    }))

  it.effect("that remove their object in a plain step have it leave", () =>
    Effect.gen(function*() {
      const { hooks, pool, things } = yield* hooked({ size: { max: 2 } })
      hooks.onBorrow = (pooled) => {
        if (pooled.object.n === 1) Effect.runSync(pool.remove(pooled))
      }
      const { lease } = yield* hold(pool.borrow)
      yield* settle
      assert.deepStrictEqual([lease.object.n, things[0]!.destroyed], [2, 1])
    }))
})

describe("interruption", () => {
  it.effect("in any window loses nothing, and each onBorrow that ends well is followed by one onRelease", () =>
    sweep((window) =>
      Effect.gen(function*() {
        const { hooks, log, pool, things } = yield* hooked({ size: { max: 1 }, detectStatus: () => "Available" })
        const prepared = new Set<number>()
        hooks.onBorrow = ({ object }) => {
          assert.isFalse(prepared.has(object.n), "prepared twice")
          prepared.add(object.n)
          return Effect.yieldNow
        }
        hooks.onRelease = ({ object }) => {
          assert.isTrue(prepared.delete(object.n), "cleaned up without being prepared")
          return Effect.yieldNow
        }
        const victim = yield* Effect.forkChild(pool.with(use()))
        const others = yield* Effect.forEach([1, 2], () => Effect.forkChild(pool.with(use())))
        yield* window.interrupt(victim)
        yield* Effect.repeat(Effect.yieldNow, { times: 400 })

        assert.deepStrictEqual(others.map(state), ["ok", "ok"])
        assert.deepInclude(yield* balanced(pool), { available: 1, size: 1, leases: 0, waiting: 0, pending: 0 })
        assert.strictEqual(log.length % 2, 0)
        assert.deepStrictEqual([prepared.size, things.length], [0, 1])
      }).pipe(Effect.scoped, named(window))
    ))
})
