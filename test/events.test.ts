/** What happens is told, in order, to those who listen; and nothing is lost that is not said to be. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type ObjectPool, PoolEvent, PoolService, type Status } from "../src/index.ts"
import { hold, keep, make, settle, start } from "./support/borrowers.ts"
import { keptBooks } from "./support/ledger.ts"
import { late } from "./support/observed.ts"
import { scripted, slow } from "./support/scripted.ts"

/** Listens from now on. */
const listen = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.gen(function*() {
    const { fiber, ledger } = yield* keptBooks(pool)
    /** What has been told since this was asked last, without what all events have. */
    const told = Effect.map(settle, () =>
      ledger.events.splice(0).map((event) => {
        const { at: _at, pool: _pool, ...rest } = Schema.encodeSync(PoolEvent)(event)
        return rest as Readonly<Record<string, unknown>>
      }))
    const tags = Effect.map(told, (events) => events.map((event) => event["transition"] ?? event["_tag"]))
    return { fiber, ledger, told, tags }
  })

describe("the events of an object replay its life", () => {
  it.effect("one that is added, lent, and taken out", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({})
      const { told } = yield* listen(pool)

      yield* pool.add("a")
      yield* Effect.scoped(Effect.andThen(pool.borrow, Effect.sleep(0)))
      yield* pool.remove("a")

      assert.deepStrictEqual(yield* told, [
        { _tag: "Added", objectId: 1 },
        { _tag: "StatusChanged", objectId: 1, transition: "Pending -> Available" },
        { _tag: "StatusChanged", objectId: 1, transition: "Available -> Borrowed" },
        { _tag: "Borrowed", objectId: 1, leaseId: 1, waited: 0, phase: "AtOnce" },
        { _tag: "Released", objectId: 1, leaseId: 1, held: 0 },
        { _tag: "StatusChanged", objectId: 1, transition: "Borrowed -> Available" },
        { _tag: "Evicted", objectId: 1, reason: "Removed" },
        { _tag: "StatusChanged", objectId: 1, transition: "Available -> Invalid" },
        { _tag: "Left", objectId: 1 }
      ])
    }))

  it.effect("one that is made for a borrower, detected, and destroyed", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({ acquire, detectStatus })
      const { told } = yield* listen(pool)
      const borrower = yield* start(hold(pool.borrow))

      yield* TestClock.adjust(slow)
      yield* TestClock.adjust(slow)
      const { lease, release } = yield* Fiber.join(borrower)
      yield* TestClock.adjust("3 seconds")
      yield* lease.invalidate
      yield* release

      assert.deepStrictEqual(yield* told, [
        { _tag: "Acquired", objectId: 1, took: 1000 },
        { _tag: "Detected", objectId: 1, answer: "Available", took: 1000 },
        { _tag: "StatusChanged", objectId: 1, transition: "Pending -> Available" },
        { _tag: "StatusChanged", objectId: 1, transition: "Available -> Borrowed" },
        { _tag: "Borrowed", objectId: 1, leaseId: 1, waited: 2000, phase: "Acquiring" },
        { _tag: "Released", objectId: 1, leaseId: 1, held: 3000 },
        { _tag: "Evicted", objectId: 1, reason: "Invalidated" },
        { _tag: "StatusChanged", objectId: 1, transition: "Borrowed -> Invalid" },
        { _tag: "Destroyed", objectId: 1 }
      ])
    }))

  it.effect("one that rests, and wakes", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { told } = yield* listen(pool)

      yield* pool.rest("a", "1 minute")
      yield* TestClock.adjust("1 minute")

      assert.deepStrictEqual(yield* told, [
        { _tag: "StatusChanged", objectId: 1, transition: "Available -> Dormant" },
        { _tag: "Rested", objectId: 1, reason: "Asked", until: 60_000 },
        { _tag: "Woke", objectId: 1 },
        { _tag: "StatusChanged", objectId: 1, transition: "Dormant -> Available" }
      ])
      yield* pool.rest("a", "Infinity")
      assert.deepStrictEqual((yield* told)[1], { _tag: "Rested", objectId: 1, reason: "Asked" })
    }))

  it.effect("one whose lease expires, and that is detected then", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], detectStatus: () => "Available", leaseTimeout: "1 second" })
      const { tags } = yield* listen(pool)
      yield* keep(pool.borrow)

      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual(yield* tags, [
        "Available -> Borrowed",
        "Borrowed",
        "LeaseExpired",
        "Released",
        "Borrowed -> Pending",
        "Detected",
        "Pending -> Available"
      ])
    }))

  it.effect("one that is detached", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, sharing: 2, size: { max: 1 } })
      const one = yield* hold(pool.borrow)
      yield* hold(pool.borrow)
      const { ledger, tags } = yield* listen(pool)

      yield* one.lease.detach

      assert.deepStrictEqual((yield* tags).slice(-3), ["Released", "Borrowed -> Invalid", "Left"])
      assert.deepStrictEqual([ledger.books.size, ledger.books.leases], [0, 0])
    }))

  it.effect("one whose destroying fails, or is given up", () =>
    Effect.gen(function*() {
      const { acquire } = scripted({ release: (thing) => thing.n === 1 ? "fail" : "never" })
      const pool = yield* make({ acquire, size: { max: 2 } })
      const leases = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const { told } = yield* listen(pool)

      for (const { lease, release } of leases) yield* Effect.andThen(lease.invalidate, release)
      yield* TestClock.adjust("5 seconds")

      const failed = (yield* told).filter(({ _tag }) => _tag === "DestroyFailed")
      assert.deepStrictEqual(failed.map(({ objectId }) => objectId), [1, 2])
    }))
})

describe("an object is evicted", () => {
  const reason = (
    title: string,
    of: (PoolEvent & { readonly _tag: "Evicted" })["reason"],
    run: Effect.Effect<Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>>, unknown, Scope.Scope>
  ) =>
    it.effect(`${title}: ${of}`, () =>
      late(Effect.gen(function*() {
        const told = yield* run
        yield* settle

        const evicted = (yield* told).filter(({ _tag }) => _tag === "Evicted")

        assert.strictEqual(evicted[0]?.["reason"], of)
      })))

  reason(
    "as the detector says so",
    "Detected",
    Effect.gen(function*() {
      let answer: Status.Answer = "Available"
      const pool = yield* make({ objects: ["a"], detectStatus: () => answer })
      const { told } = yield* listen(pool)
      answer = "Invalid"
      yield* pool.detect
      return told
    })
  )
  reason(
    "as the detector does not answer",
    "Unknown",
    Effect.gen(function*() {
      let fails = false
      const pool = yield* make({
        objects: ["a"],
        detectStatus: () => fails ? Effect.fail("no") : "Available",
        detection: { retry: Schedule.recurs(1) }
      })
      const { told } = yield* listen(pool)
      fails = true
      yield* pool.detect
      yield* TestClock.adjust("1 minute")
      return told
    })
  )
  reason(
    "as its lease has expired",
    "Expired",
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, leaseTimeout: "1 second" })
      const { told } = yield* listen(pool)
      yield* keep(pool.borrow)
      yield* TestClock.adjust("1 second")
      return told
    })
  )
  reason(
    "as a hook has failed",
    "HookFailed",
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], onRelease: () => Effect.fail("no") })
      const { told } = yield* listen(pool)
      yield* pool.with(() => Effect.void)
      return told
    })
  )
  for (
    const [title, of, lifetime] of [
      ["as it is old", "TimeToLive", { timeToLive: "1 minute" }],
      ["as it is idle", "Idle", { idleTimeToLive: "1 minute" }],
      ["as it was lent often", "MaxBorrows", { maxBorrows: 1 }]
    ] as const
  ) {
    reason(
      title,
      of,
      Effect.gen(function*() {
        const { acquire } = scripted()
        const pool = yield* make({ acquire, lifetime })
        const { told } = yield* listen(pool)
        yield* pool.with(() => Effect.void)
        yield* TestClock.adjust("1 minute")
        return told
      })
    )
  }
  reason(
    "as there are too many",
    "Resized",
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, size: { min: 2 } })
      yield* pool.ready
      const { told } = yield* listen(pool)
      yield* pool.resize({ min: 1, max: 1 })
      return told
    })
  )
  reason(
    "as it is lent, and there are too many",
    "Resized",
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire })
      const lent = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])
      const { told } = yield* listen(pool)
      yield* pool.resize({ max: 1 })
      yield* lent[0].release
      return told
    })
  )
  reason(
    "as all are replaced",
    "Rotated",
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire, size: { min: 1 } })
      yield* pool.ready
      const { told } = yield* listen(pool)
      yield* pool.rotate
      return told
    })
  )
  reason(
    "as all are replaced while it is being made",
    "Rotated",
    Effect.gen(function*() {
      const { acquire } = scripted({ acquire: "slow" })
      const pool = yield* make({ acquire, size: { min: 1 } })
      const { told } = yield* listen(pool)
      yield* start(pool.rotate)
      yield* TestClock.adjust("3 seconds")
      return told
    })
  )
  reason(
    "as the pool closes",
    "Closed",
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { told } = yield* listen(pool)
      yield* pool.close
      return told
    })
  )
})

describe("what happens to borrowers", () => {
  it.effect("is told: how long they waited, and for what; that they were refused, or timed out", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], maxWaiters: 1, borrowTimeout: "3 seconds" })
      const lent = yield* hold(pool.borrow)
      const { told } = yield* listen(pool)

      const waiting = yield* start(hold(pool.borrow))
      yield* Effect.flip(hold(pool.borrow))
      yield* Effect.flip(hold(pool.tryBorrow))
      yield* TestClock.adjust("2 seconds")
      yield* lent.release
      yield* Fiber.join(waiting)
      const timingOut = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("3 seconds")
      yield* Effect.flip(Fiber.join(timingOut))

      const of = (yield* told).filter(({ _tag }) => /^(Borrowed|Waiter)/.test(String(_tag)))
      assert.deepStrictEqual(of, [
        { _tag: "WaiterRefused", reason: "WaitersFull" },
        { _tag: "WaiterRefused", reason: "NoneAvailable" },
        { _tag: "Borrowed", objectId: 1, leaseId: 2, waited: 2000, phase: "Waiting" },
        { _tag: "WaiterTimedOut", waited: 3000, phase: "Waiting" }
      ])
    }))

  it.effect("is told: what could not be made, and how a detection has failed", () =>
    Effect.gen(function*() {
      const { acquire, detectStatus, script } = scripted({ acquire: "fail" })
      const pool = yield* make({ acquire, detectStatus, creation: { timeout: "3 seconds" } })
      const { told } = yield* listen(pool)

      yield* Effect.exit(hold(pool.borrow))
      script.acquire = "never"
      const timingOut = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("3100 millis")
      yield* Effect.flip(Fiber.join(timingOut))
      script.acquire = "ok"
      script.detect = "fail"
      yield* keep(pool.borrow)

      const events = yield* told
      const failed = events.filter(({ _tag }) => _tag === "AcquireFailed").map(({ took }) => took)
      assert.deepStrictEqual(failed, [0, 3000])
      assert.include(events.map(({ _tag }) => _tag), "DetectionFailed")
      assert.include(events.map(({ _tag }) => _tag), "WaiterTimedOut")
    }))

  it.effect("a detector that waits until it is asked tells its answer, and that it took no time", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], detectStatus: () => "Available", detection: { onBorrow: true } })
      const { tags } = yield* listen(pool)

      yield* pool.with(() => Effect.void)

      assert.deepStrictEqual((yield* tags).slice(0, 3), [
        "Available -> Pending",
        "Detected",
        "Pending -> Available"
      ])
    }))
})

describe("what is asked of the pool", () => {
  it.effect("is told, and the stream ends when the pool has closed", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire })
      const { fiber, told } = yield* listen(pool)

      yield* pool.suspend
      yield* pool.resume
      yield* pool.resize({ max: 3 })
      yield* pool.rotate
      yield* pool.close

      assert.deepStrictEqual(yield* told, [
        { _tag: "Suspended" },
        { _tag: "Resumed" },
        { _tag: "Resized", min: 0, max: 3 },
        { _tag: "Rotated" },
        { _tag: "Closing" },
        { _tag: "Closed" }
      ])
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* Stream.runCollect(pool.events), [])
    }))
})

describe("those who listen", () => {
  it.effect("are told what happens from then on, each all of it, until they leave", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const one = yield* listen(pool)
      yield* pool.with(() => Effect.void)
      const other = yield* listen(pool)
      yield* pool.with(() => Effect.void)
      yield* settle
      yield* Fiber.interrupt(one.fiber)
      yield* pool.with(() => Effect.void)
      yield* settle

      assert.deepStrictEqual([one.ledger.events.length, other.ledger.events.length], [8, 8])
      yield* Fiber.interrupt(other.fiber)
      yield* pool.with(() => Effect.void)
      yield* settle
      assert.strictEqual(other.ledger.events.length, 8)
    }))

  it.effect("are not resumed within the step that they are told of: they may use the pool", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], size: { max: 3 } })
      const seen: Array<string> = []
      yield* start(
        Stream.runForEach(pool.events, ({ _tag }) =>
          Effect.gen(function*() {
            const { borrowed } = yield* pool.stats
            seen.push(`${_tag} ${borrowed}`)
            if (_tag === "Borrowed" && seen.length < 5) {
              yield* pool.with(() => Effect.void, { timeout: 0 }).pipe(Effect.ignore)
            }
          }))
      )

      yield* pool.with(() => Effect.void)
      yield* settle

      assert.deepStrictEqual(seen.slice(0, 2), ["StatusChanged 0", "Borrowed 0"])
    }))

  it.effect("lose the oldest when they are slow, and are told how many", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const seen: Array<PoolEvent> = []
      yield* start(Stream.runForEach(pool.events, (event) => {
        seen.push(event)
        return seen.length === 1 ? Effect.sleep("1 second") : Effect.void
      }))
      yield* pool.rest("a", "1 hour")
      yield* settle

      for (let i = 0; i < 20_000; i++) yield* pool.rest("a", `${i + 2} hours`)
      yield* TestClock.adjust("1 second")

      const missed = seen.filter((event) => event._tag === "Missed")
      const lost = missed.reduce((sum, { events }) => sum + events, 0)
      assert.isAbove(lost, 10_000)
      assert.strictEqual(seen.length - missed.length + lost, 40_002)
    }), { tags: "large" })

  it.effect("are there on the tag as well", () => {
    class Names extends PoolService<Names, string>()("events/Names") {}
    return Effect.gen(function*() {
      const first = yield* start(Stream.runCollect(Stream.take(Names.events, 1)))
      yield* Names.suspend

      assert.deepStrictEqual((yield* Fiber.join(first)).map(({ _tag, pool }) => [_tag, pool]), [[
        "Suspended",
        "events/Names"
      ]])
    }).pipe(Effect.provide(Names.layer({ objects: ["a"] })))
  })
})

describe("an event", () => {
  it.effect("is plain data, which can be sent and read again", () =>
    Effect.gen(function*() {
      const { acquire } = scripted()
      const pool = yield* make({ acquire })
      const { ledger } = yield* listen(pool)
      yield* pool.with(() => Effect.sleep(0), { leaseTimeout: "1 minute" })
      yield* pool.resize({ max: 2 })
      yield* settle

      const sent = ledger.events.map((event) => JSON.stringify(Schema.encodeSync(PoolEvent)(event)))

      assert.isAbove(sent.length, 5)
      assert.deepStrictEqual(
        sent.map((event) => Schema.decodeSync(PoolEvent)(JSON.parse(event) as never)),
        ledger.events
      )
    }))
})
