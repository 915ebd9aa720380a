/**
 * `sharing`: an object that carries several leases at once (promises 1, 5, 11 and 14).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Lease, type ObjectPool, type PooledObject, Selector } from "../src/index.ts"
import { hold, keep, make, named, only, settle, start, state } from "./support/borrowers.ts"
import { detector } from "./support/detectors.ts"
import { late } from "./support/observed.ts"
import { balanced, scripted } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

/** Lets one thing follow another for a while. */
const turns = Effect.repeat(settle, { times: 50 })

describe("an object that is shared by n", () => {
  it.effect("is in n leases, and the next borrower waits until one of them ends", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3 })
      const [first] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow), hold(pool.borrow)])
      const fourth = yield* start(hold(pool.borrow))
      const fifth = yield* start(hold(pool.borrow))
      yield* settle
      assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 1, available: 0, size: 1, waiting: 2 })
      yield* first.release

      yield* settle
      assert.deepStrictEqual([state(fourth), state(fifth)], ["ok", "waits"])
      assert.deepInclude(yield* balanced(pool), { leases: 3, waiting: 1 })
    }))

  it.effect("is Borrowed while any of its leases is open, and Available after", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const first = yield* hold(pool.borrow)
      const second = yield* hold(pool.borrow)
      const seen = [pooled!.status]
      for (const { release } of [first, second]) {
        yield* release
        seen.push(pooled!.status)
      }

      assert.deepStrictEqual(seen, ["Borrowed", "Borrowed", "Available"])
      assert.strictEqual(pooled!.borrowCount, 2)
    }))

  it.effect("shows every lease, the oldest first, with its own id", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3 })
      const held = yield* Effect.all([hold(pool.borrow), hold(pool.borrow), hold(pool.borrow)])
      const ids = held.map(({ lease }) => lease.id)
      assert.deepStrictEqual((yield* pool.leases).map(({ id }) => id), ids)
      yield* held[0]!.release
      assert.deepStrictEqual((yield* pool.leases).map(({ id }) => id), ids.slice(1))
      yield* held[2]!.release
      assert.deepStrictEqual((yield* pool.leases).map(({ id }) => id), [ids[1]])
      assert.strictEqual(new Set(ids).size, 3)
    }))

  it.effect("gives back once what is released twice", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [first] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      yield* first.lease.release
      yield* first.lease.release
      yield* first.release

      assert.deepInclude(yield* balanced(pool), { leases: 1, borrowed: 1 })
      yield* hold(pool.borrow)
      assert.strictEqual((yield* Effect.exit(hold(pool.tryBorrow)))._tag, "Failure")
    }))

  it.effect("is borrowed without suspending", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, detectStatus: () => "Available" })
      assert.strictEqual(Effect.runSync(pool.with(() => pool.with(({ object }) => Effect.succeed(object)))), "a")
    }))

  it.effect("is made only where no other has room for a lease", () =>
    Effect.gen(function*() {
      const { acquire, counts } = scripted()
      const pool = yield* make({ acquire, size: { max: 2 }, sharing: 2 })
      const made: Array<number> = []
      for (let i = 0; i < 4; i++) {
        yield* hold(pool.borrow)
        made.push(counts.acquiring)
      }
      assert.deepStrictEqual(made, [1, 1, 2, 2])
      assert.deepInclude(yield* balanced(pool), { leases: 4, borrowed: 2 })
    }))

  it.effect("serves several waiters at once when it has been made", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, size: { max: 1 }, sharing: 2 })
      const waiters = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok", "waits"])
    }))

  it.effect("serves several waiters when it has been added, or woken, or a suspension ends", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ sharing: 2, waitsForResting: true })
      const trial = (ready: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function*() {
          const waiters = yield* Effect.forEach([1, 2, 3], () => keep(pool.borrow))
          yield* Effect.orDie(ready)
          yield* settle
          assert.strictEqual((yield* balanced(pool)).leases, 2)
          yield* Fiber.interruptAll(waiters)
        })
      yield* trial(pool.add("a"))
      yield* pool.rest("a", "1 hour")
      yield* trial(pool.wake("a"))
      yield* pool.suspend
      yield* trial(pool.resume)
    }))
})

describe("which object is shared", () => {
  it.effect("by default one with the fewest open leases", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], sharing: 3 })
      const got: Array<string> = []
      for (let i = 0; i < 9; i++) got.push((yield* hold(pool.borrow)).lease.object)
      for (const round of [got.slice(0, 3), got.slice(3, 6), got.slice(6)]) {
        assert.deepStrictEqual(round.sort(), ["a", "b", "c"])
      }
    }))

  it.effect("and that is so again when leases have ended, and where there is a `where`", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 4 })
      const held = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => hold(pool.borrow))
      for (const { lease, release } of held) if (lease.object === "b") yield* release
      const got = yield* Effect.forEach([1, 2, 3], () => hold(pool.borrow))
      assert.deepStrictEqual(got.map(({ lease }) => lease.object), ["b", "b", "b"])
      yield* got[0]!.release
      assert.strictEqual((yield* hold(pool.borrowWith({ where: () => true }))).lease.object, "b")
    }))

  const selectors = {
    random: Selector.random,
    roundRobin: Selector.roundRobin,
    leastRecentlyUsed: Selector.leastRecentlyUsed,
    mostRecentlyUsed: Selector.mostRecentlyUsed,
    leastBorrowed: Selector.leastBorrowed,
    weighted: Selector.weighted(() => 1),
    make: Selector.make((available: ReadonlyArray<PooledObject<string>>) => Effect.as(Effect.yieldNow, available[0])),
    function: (available: ReadonlyArray<PooledObject<string>>) => available.at(-1)
  }
  for (const [name, select] of Object.entries(selectors)) {
    it.effect(`${name}: lends all there is, no more, and serves who waits`, () =>
      Effect.gen(function*() {
        const pool = yield* make<string>({ objects: ["a", "b", "c"], sharing: 2, select })
        const users: Record<string, number> = {}
        const most: Record<string, number> = {}
        const borrower = pool.with(({ object }) => {
          users[object] = (users[object] ?? 0) + 1
          most[object] = Math.max(most[object] ?? 0, users[object]!)
          return Effect.ensuring(Effect.sleep("1 second"), Effect.sync(() => users[object]!--))
        })
        const borrowers = yield* Effect.forEach(Array.from({ length: 20 }), () => start(borrower))
        yield* turns
        assert.deepInclude(yield* balanced(pool), { leases: 6, waiting: 14, borrowed: 3 })
        yield* Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), turns), { times: 4 })

        assert.isTrue(borrowers.every((fiber) => state(fiber) === "ok"))
        assert.deepStrictEqual(most, { a: 2, b: 2, c: 2 })
        assert.deepInclude(yield* balanced(pool), { leases: 0, available: 3, waiting: 0 })
      }))
  }

  it.effect("roundRobin goes round", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], sharing: 2, select: Selector.roundRobin })
      const got = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => hold(pool.borrow))
      assert.strictEqual(got.map(({ lease }) => lease.object).join(""), "abcabc")
    }))

  it.effect("leastBorrowed spreads what is lent", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 3, select: Selector.leastBorrowed })
      const got = yield* Effect.forEach([1, 2, 3, 4], () => hold(pool.borrow))
      assert.strictEqual(got.map(({ lease }) => lease.object).sort().join(""), "aabb")
    }))

  it.effect("is for a selector of the user's own to say: what is lent and has room is offered to it", () =>
    Effect.gen(function*() {
      const offered: Array<string> = []
      const pool = yield* make({
        objects: ["a", "b"],
        sharing: 2,
        select: (available: ReadonlyArray<PooledObject<string>>) => {
          offered.push(available.map((pooled) => `${pooled.object} ${pooled.status}`).join())
          return available[0]
        }
      })
      const got = yield* Effect.forEach([1, 2, 3], () => hold(pool.borrow))
      assert.deepStrictEqual(got.map(({ lease }) => lease.object), ["a", "a", "b"])
      assert.deepStrictEqual(offered, ["a Available,b Available", "a Borrowed,b Available", "b Available"])
    }))
})

describe("a mark on one of several leases", () => {
  const marks: Record<
    string,
    (held: { readonly pool: ObjectPool<string>; readonly lease: Lease<string> }) => Effect.Effect<unknown>
  > = {
    invalidate: ({ lease }) => lease.invalidate,
    rest: ({ lease }) => lease.rest("1 hour"),
    "the pool's rest": ({ pool }) => pool.rest("a", "1 hour"),
    remove: ({ pool }) => pool.remove("a")
  }
  for (const [name, mark] of Object.entries(marks)) {
    it.effect(`${name}: it is lent no more at once, and carried out when the last one ends`, () =>
      Effect.gen(function*() {
        const pool = yield* make<string>({ objects: ["a"], sharing: 3, waitsForResting: true })
        const [pooled] = yield* pool.objects
        const [first, second] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
        const fate = name.includes("rest") ? "Dormant" : "Invalid"
        yield* mark({ pool, lease: first.lease })
        const waiter = yield* start(Effect.exit(hold(pool.borrow)))
        yield* settle
        assert.strictEqual(state(waiter), "waits")
        yield* first.release
        yield* settle
        assert.deepStrictEqual([pooled!.status, state(waiter)], ["Borrowed", "waits"])
        yield* second.release

        assert.strictEqual(pooled!.status, fate)
        yield* settle
        assert.strictEqual(state(waiter), "waits")
        yield* Fiber.interrupt(waiter)
      }))
  }

  it.effect("invalidate beats rest, whichever lease asked for which", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 2 })
      const objects = yield* pool.objects
      for (const object of ["a", "b"]) {
        const [one, other] = yield* Effect.all([
          hold(pool.borrowWith(only(object))),
          hold(pool.borrowWith(only(object)))
        ])
        yield* object === "a" ? one.lease.invalidate : one.lease.rest("1 hour")
        yield* object === "a" ? other.lease.rest("1 hour") : other.lease.invalidate
        yield* one.release
        yield* other.release
      }
      assert.deepStrictEqual(objects.map(({ status }) => status), ["Invalid", "Invalid"])
    }))

  it.effect("of two rests the later moment wins, counted from each call", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [pooled] = yield* pool.objects
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      yield* one.lease.rest("10 seconds")
      yield* TestClock.adjust("4 seconds")
      yield* other.lease.rest("2 seconds")
      yield* one.release
      yield* other.release
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust(5999)
      assert.strictEqual(pooled!.status, "Dormant")
      yield* TestClock.adjust(1)
      assert.strictEqual(pooled!.status, "Available")
    }))

  it.effect("that was carried out is not left behind: woken, the object is shared again", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      yield* one.lease.rest("1 second")
      yield* one.release
      yield* other.release
      yield* TestClock.adjust("1 second")
      yield* hold(pool.borrow)
      yield* hold(pool.tryBorrow)
      assert.strictEqual((yield* balanced(pool)).leases, 2)
    }))

  it.effect("an object that was rested from outside while it was free is shared again when it is awake", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      yield* pool.rest("a", "1 second")
      yield* TestClock.adjust("1 second")
      yield* hold(pool.borrow)
      const second = yield* start(hold(pool.borrow))
      yield* settle
      assert.strictEqual(state(second), "ok")
    }))

  it.effect("`wake` ends a rest before it has begun: the object is lent on at once, to those who wait", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, waitsForResting: true })
      const { lease } = yield* hold(pool.borrow)
      yield* lease.rest("1 hour")
      const waiter = yield* start(hold(pool.borrow))
      assert.isTrue(yield* pool.wake("a"))
      yield* settle
      assert.strictEqual(state(waiter), "ok")
    }))

  it.effect("a rest whose time has passed when the last lease ends has no effect", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      yield* one.lease.rest("1 second")
      yield* TestClock.adjust("2 seconds")
      yield* one.release
      yield* other.release
      assert.deepInclude(yield* balanced(pool), { available: 1, dormant: 0 })
    }))
})

describe("when one of several leases expires", () => {
  const expiring = (onLeaseExpired: "destroy" | "detect" | "return") =>
    Effect.gen(function*() {
      const seen = { asked: 0 }
      const pool = yield* make({
        objects: ["a"],
        sharing: 3,
        onLeaseExpired,
        detection: { onAdd: false, onBorrow: false },
        detectStatus: () => {
          seen.asked++
          return "Available" as const
        }
      })
      const short = yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
      const long = yield* hold(pool.borrow)
      const [pooled] = yield* pool.objects
      yield* TestClock.adjust("1 second")
      const next = yield* start(Effect.exit(hold(pool.borrow)))
      yield* settle
      return { seen, pool, short, long, pooled: pooled!, next }
    })

  it.effect("\"return\" lends it on at once, unchecked", () =>
    Effect.gen(function*() {
      const { long, next, pool, pooled, seen } = yield* expiring("return")
      assert.strictEqual(state(next), "ok")
      assert.strictEqual((yield* balanced(pool)).leases, 2)
      yield* long.release
      assert.deepStrictEqual([pooled.status, seen.asked], ["Borrowed", 0])
    }))

  it.effect("\"detect\" lends it no more, and detects it when the last one ends", () =>
    Effect.gen(function*() {
      const { long, next, pool, pooled, seen } = yield* expiring("detect")
      assert.deepStrictEqual([state(next), pooled.status, seen.asked], ["waits", "Borrowed", 0])
      assert.strictEqual((yield* balanced(pool)).leases, 1)
      yield* long.release
      yield* settle
      assert.deepStrictEqual([state(next), seen.asked], ["ok", 1])
    }))

  it.effect("\"destroy\" lends it no more, and takes it out when the last one ends", () =>
    Effect.gen(function*() {
      const { long, next, pool, pooled, seen } = yield* expiring("destroy")
      assert.deepStrictEqual([state(next), pooled.status], ["waits", "Borrowed"])
      yield* long.release
      yield* settle
      assert.deepStrictEqual([pooled.status, seen.asked, (yield* balanced(pool)).size], ["Invalid", 0, 0])
    }))

  it.effect("the other leases are not over, and a stale one has no rights", () =>
    Effect.gen(function*() {
      const { long, pooled, short } = yield* expiring("return")
      yield* short.lease.invalidate
      yield* short.lease.rest("1 hour")
      yield* short.lease.release
      yield* long.lease.renew
      assert.strictEqual(pooled.status, "Borrowed")
      yield* long.release
      assert.strictEqual(pooled.status, "Borrowed", "the third one is open")
    }))

  it.effect("under `with` the body is interrupted, and the object is lent on only when it has ended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, onLeaseExpired: "return" })
      yield* hold(pool.borrow)
      const body = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
      const borrower = yield* start(Effect.flip(pool.with(() => body, { leaseTimeout: "1 second" })))
      const next = yield* start(hold(pool.borrow))
      yield* TestClock.adjust(1999)
      assert.strictEqual(state(next), "waits")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([state(next), (yield* Fiber.join(borrower))._tag], ["ok", "LeaseExpired"])
    }))

  it.effect("it is lent no more, though it has room, while a body that was interrupted still ends", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3, onLeaseExpired: "destroy" })
      const body = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
      yield* start(Effect.flip(pool.with(() => body, { leaseTimeout: "1 second" })))
      yield* hold(pool.borrow)

      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(yield* start(hold(pool.tryBorrow))), "PoolExhausted NoneAvailable")
      yield* TestClock.adjust("1 second")
    }))
})

describe("hooks of a shared object", () => {
  it.effect("run at its first lease and after its last", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const pool = yield* make({
        objects: ["a"],
        sharing: 3,
        onBorrow: () => {
          log.push("onBorrow")
        },
        onRelease: () => {
          log.push("onRelease")
        }
      })
      const first = yield* hold(pool.borrow)
      const second = yield* hold(pool.borrow)
      yield* first.release
      const third = yield* hold(pool.borrow)
      yield* second.release
      assert.deepStrictEqual(log, ["onBorrow"])
      yield* third.release
      assert.deepStrictEqual(log, ["onBorrow", "onRelease"])
      yield* hold(pool.borrow)
      assert.strictEqual(log.length, 3)
    }))

  it.effect("a slow `onBorrow` serves all who wait for the object, once", () =>
    Effect.gen(function*() {
      let ran = 0
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        onBorrow: () => {
          ran++
          return Effect.sleep("1 second")
        }
      })
      const waiters = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([ran, ...waiters.map(state)], [1, "ok", "ok", "waits"])
    }))

  it.effect("`onBorrow` whose borrower leaves serves all the others who wait", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, onBorrow: () => Effect.sleep("1 second") })
      const waiters = yield* Effect.forEach([1, 2, 3, 4], () => start(hold(pool.borrow)))
      yield* Fiber.interrupt(waiters[0]!)
      // it was prepared for that one
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.slice(1).map(state), ["waits", "waits", "waits"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.slice(1).map(state), ["ok", "ok", "waits"])
    }))

  it.effect("a slow `onBorrow` serves all who wait where the user selects", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        select: (available: ReadonlyArray<PooledObject<string>>) => available[0],
        onBorrow: () => Effect.sleep("1 second")
      })
      const waiters = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok", "waits"])
    }))
})

describe("detection of a shared object", () => {
  const slowly = (...objects: ReadonlyArray<string>) => {
    const { detectStatus, state } = detector<string>()
    state.takes = "1 second"
    const options = { objects, sharing: 2, detection: { onAdd: false, onBorrow: true }, detectStatus }
    return Effect.map(make(options), (pool) => ({ asked: state.asked, pool }))
  }

  it.effect("a slow one serves as many as may share it when it ends", () =>
    Effect.gen(function*() {
      const { asked, pool } = yield* slowly("a")
      const waiters = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok", "waits"])
      assert.deepStrictEqual(asked, ["a"])
    }))

  it.effect("a slow one for a borrower of several serves the next as well", () =>
    Effect.gen(function*() {
      const { asked, pool } = yield* slowly("a", "b")
      const all = yield* start(Effect.scoped(Effect.andThen(pool.borrowMany(2), Effect.never)))
      const next = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
      for (let i = 0; i < 4; i++) yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([state(all), ...next.map(state)], ["waits", "ok", "ok"])
      assert.deepInclude(yield* balanced(pool), { leases: 4, waiting: 0 })
      assert.deepStrictEqual([...asked].sort(), ["a", "b"])
    }))

  it.effect("`onRelease` leaves it alone until its last lease has ended", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        detection: { onAdd: false, onBorrow: false, onRelease: true },
        detectStatus: () => {
          asked++
          return "Available" as const
        }
      })
      const [first, second] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      yield* first.release
      assert.strictEqual(asked, 0)
      yield* second.release
      assert.strictEqual(asked, 1)
    }))
})

describe("those who wait for a shared object", () => {
  it.effect("are served in order of priority, then of arrival", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const held = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const got: Array<number> = []
      const borrowers = [[1, 0], [2, 5], [3, 0], [4, 5]] as const
      yield* Effect.forEach(borrowers, ([n, priority]) =>
        start(Effect.scoped(Effect.andThen(pool.borrowWith({ priority }), () =>
          Effect.sync(() => got.push(n))))))
      yield* held[0].release
      yield* turns
      assert.deepStrictEqual(got, [2, 4, 1, 3])
    }))

  it.effect("one whose `where` rejects it is passed over and keeps its turn", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      yield* hold(pool.borrow)
      const picky = yield* start(hold(pool.borrowWith(only("b"))))
      const second = yield* start(hold(pool.borrow))
      const third = yield* start(hold(pool.borrow))
      yield* settle
      assert.deepStrictEqual([picky, second, third].map(state), ["waits", "ok", "waits"])
      yield* pool.add("b")
      yield* settle
      assert.deepStrictEqual((yield* pool.leases).map(({ object }) => object), ["a", "a", "b", "b"])
      assert.strictEqual((yield* Fiber.join(picky)).lease.id, 3)
    }))

  it.effect("`tryBorrow` takes what has room, and fails where nothing has", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      yield* hold(pool.tryBorrow)
      yield* hold(pool.tryBorrow)
      const failure = yield* Effect.flip(hold(pool.tryBorrow))
      assert.deepInclude(failure, { _tag: "PoolExhausted", reason: "NoneAvailable" })
      const late = yield* Effect.flip(hold(pool.borrowWith({ timeout: 0 })))
      assert.strictEqual(late._tag, "BorrowTimeout")
    }))
})

describe("leaving a shared object", () => {
  it.effect("by `detach` takes it out of the pool at once; the other leases end without effect", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 }, sharing: 2 })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const mine = yield* Scope.make()
      yield* Scope.provide(one.lease.detach, mine)
      yield* other.lease.invalidate
      yield* other.lease.rest("1 hour")
      yield* one.release
      yield* other.release
      assert.deepStrictEqual([things[0]!.destroyed, (yield* balanced(pool)).size], [0, 0])

      const next = yield* hold(pool.borrow)
      assert.strictEqual(next.lease.object.n, 2)
      yield* Scope.close(mine, Exit.void)
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
    }))

  it.effect("by `detach` of two leases hands it over once; the other fails", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, sharing: 2 })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const mine = yield* Scope.make()
      yield* Scope.provide(one.lease.detach, mine)
      const failure = yield* Effect.flip(Scope.provide(other.lease.detach, mine))

      assert.strictEqual(failure._tag, "LeaseExpired")
      assert.strictEqual((yield* balanced(pool)).size, 0)
      yield* Scope.close(mine, Exit.void)
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("by `detach` ends the time-out of the other leases, and a drain", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, sharing: 2, leaseTimeout: "1 hour" })
      const one = yield* hold(pool.borrow)
      const other = yield* hold(pool.borrowWith({ leaseTimeout: "1 second" }))
      const draining = yield* start(pool.drain)
      yield* Effect.scoped(one.lease.detach)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(draining), "ok")
      assert.strictEqual((yield* pool.stats).totals.expired, 0)
      yield* other.release
    }))

  it.effect("by `close` revokes every lease when the time is over, and tells each", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 }, sharing: 3, closing: { timeout: "1 second" } })
      const held = yield* Effect.forEach([1, 2, 3], () => hold(pool.borrow))
      const told = yield* Effect.forEach(held, ({ lease }) => start(Effect.flip(lease.expired)))
      const closing = yield* start(pool.close)
      yield* held[0]!.release
      yield* TestClock.adjust(999)
      assert.deepStrictEqual([state(closing), things[0]!.destroyed], ["waits", 0])
      yield* TestClock.adjust(1)

      assert.deepStrictEqual([state(closing), things[0]!.destroyed], ["ok", 1])
      assert.deepStrictEqual(told.map(state), ["waits", "ok", "ok"])
      assert.strictEqual((yield* Fiber.join(told[1]!)).reason, "Closed")
      assert.deepInclude(yield* balanced(pool), { leases: 0, size: 0 })
    }))

  it.effect("by `close` from within one lease waits for the others, not for that one", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, closing: { timeout: "1 minute" } })
      const other = yield* start(pool.with(() => Effect.sleep("10 seconds")))
      const inside = yield* start(pool.with(() => pool.close))
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual([state(inside), state(other)], ["waits", "waits"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([state(inside), state(other)], ["ok", "ok"])
    }))

  it.effect("in a pool that closes evicts it after its last lease", () =>
    late(Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 1 }, sharing: 2, closing: { timeout: "1 minute" } })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const closing = yield* start(pool.close)
      yield* one.release
      yield* settle
      assert.deepStrictEqual([things[0]!.destroyed, state(closing)], [0, "waits"])
      yield* other.release
      yield* settle
      assert.deepStrictEqual([things[0]!.destroyed, state(closing)], [1, "ok"])
    })))

  it.effect("when it is old: it is lent no more, and leaves after its last lease", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({
        acquire,
        size: { max: 2 },
        sharing: 4,
        lifetime: { maxBorrows: 2, jitter: 0 }
      })
      const [one, other] = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const third = yield* hold(pool.borrow)
      assert.deepStrictEqual([one, other, third].map(({ lease }) => lease.object.n), [1, 1, 2])
      yield* one.release
      yield* settle
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* other.release
      yield* settle
      assert.strictEqual(things[0]!.destroyed, 1)
    }))

  it.effect("by `rotate`: lent no more, and destroyed after its last lease", () =>
    Effect.gen(function*() {
      const { acquire, things } = scripted()
      const pool = yield* make({ acquire, size: { max: 2 }, sharing: 2 })
      const one = yield* hold(pool.borrow)
      yield* pool.rotate
      const next = yield* hold(pool.borrow)
      assert.deepStrictEqual([one, next].map(({ lease }) => lease.object.n), [1, 2])
      assert.strictEqual(things[0]!.destroyed, 0)
      yield* one.release
      yield* settle
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
    }))
})

describe("interruption", () => {
  it.effect("in any window loses no lease, no room and no turn", () =>
    sweep((window) =>
      Effect.gen(function*() {
        const { acquire } = scripted()
        const pool = yield* make({
          acquire: Effect.andThen(Effect.yieldNow, acquire),
          size: { max: 1 },
          sharing: 2,
          onBorrow: () => Effect.yieldNow,
          onRelease: () => Effect.yieldNow
        })
        const users = { now: 0, most: 0 }
        const borrow = pool.with(() => {
          users.most = Math.max(users.most, ++users.now)
          return Effect.ensuring(Effect.yieldNow, Effect.sync(() => users.now--))
        })
        const victim = yield* Effect.forkChild(borrow)
        const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(borrow))
        yield* window.interrupt(victim)
        yield* Effect.repeat(Effect.yieldNow, { times: 400 })

        assert.deepStrictEqual(others.map(state), ["ok", "ok", "ok"])
        assert.isAtMost(users.most, 2)
        assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, available: 1, size: 1, pending: 0 })
        yield* hold(pool.borrow)
        yield* hold(pool.borrow)
        assert.strictEqual((yield* balanced(pool)).leases, 2)
      }).pipe(Effect.scoped, named(window))
    ))

  it.effect("of a holder while others wait serves the next, however the object is selected", () =>
    Effect.forEach(
      [Selector.random, Selector.roundRobin, (all: ReadonlyArray<PooledObject<string>>) => all[0]],
      (select) =>
        Effect.gen(function*() {
          const pool = yield* make<string>({ objects: ["a"], sharing: 2, select })
          const holders = yield* Effect.forEach([1, 2, 3], () => keep(pool.borrow))
          yield* Fiber.interrupt(holders[1]!)
          yield* settle
          assert.deepInclude(yield* balanced(pool), { leases: 2, waiting: 0 })
          yield* Fiber.interruptAll(holders)
        })
    ))
})

describe("what is not lent", () => {
  it.effect("a shared object that is Unknown is retried, and then serves several", () =>
    Effect.gen(function*() {
      let well = false
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        detection: { retry: Schedule.spaced("1 second") },
        detectStatus: () => well ? "Available" as const : "Unknown" as const
      })
      const waiters = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))
      well = true
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(waiters.map(state), ["ok", "ok"])
    }))
})
