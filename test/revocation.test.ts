/**
 * Revoked leases: by an operator, or since another lease has detached their object (promises 2, 4, 11, 12, 14).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type LeaseExpired, type ObjectPool, type PooledObject, Selector } from "../src/index.ts"
import { ending, hold, make, named, reason, settle, start, state, use } from "./support/borrowers.ts"
import { but } from "./support/clocks.ts"
import { balanced, scripted, type Thing } from "./support/scripted.ts"
import { sweep } from "./support/sweep.ts"

/** A test's first sleep can be interrupted wherever it is: this is the first. */
const begun = settle

/** The oldest lease is taken back. */
const revokeFirst = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.flatMap(pool.leases, ([lease]) => pool.revoke(lease!))

for (const leaseTimeout of ["Infinity", "1 hour"] as const) {
  describe(`a body ${leaseTimeout === "Infinity" ? "without" : "with"} a lease time-out whose lease is revoked`, () => {
    it.effect("is interrupted, its finalizers run, and `with` fails with LeaseExpired, `Revoked`", () =>
      Effect.gen(function*() {
        yield* begun
        const pool = yield* make({ objects: ["a"] })
        const seen: Array<string> = []
        const body = pool.with(() =>
          Effect.scoped(Effect.andThen(
            Effect.addFinalizer((exit) =>
              Effect.map(Effect.sleep("1 second"), () => {
                seen.push(Exit.hasInterrupts(exit) ? "interrupted" : "not interrupted")
              })
            ),
            Effect.never
          )), { leaseTimeout })
        const fiber = yield* start(body)
        assert.isTrue(yield* revokeFirst(pool))
        assert.deepStrictEqual([state(fiber), (yield* balanced(pool)).borrowed], ["waits", 1], "it has not ended")
        yield* TestClock.adjust("1 second")

        assert.strictEqual(state(fiber), "LeaseExpired Revoked")
        assert.deepStrictEqual(seen, ["interrupted"])
        assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
      }))

    it.effect("ends alone: its fiber goes on, waits, and can be interrupted as before", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        const steps: Array<string> = []
        const fiber = yield* start(Effect.gen(function*() {
          steps.push(
            yield* reason(pool.with(() => Effect.never, { leaseTimeout }) as Effect.Effect<never, LeaseExpired>)
          )
          yield* Effect.sleep("1 second")
          yield* Effect.uninterruptible(Effect.sleep("1 second"))
          yield* Effect.acquireUseRelease(Effect.void, () => Effect.sleep("1 second"), () => Effect.void)
          steps.push(yield* pool.with(({ object }) => Effect.as(Effect.sleep("1 second"), object), { leaseTimeout }))
          return yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => steps.push("interrupted")))
        }))
        yield* revokeFirst(pool)
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(steps, ["Revoked", "a"])
        yield* Fiber.interrupt(fiber)

        assert.deepStrictEqual([steps[2], state(fiber)], ["interrupted", "interrupted"])
      }))

    it.effect("has failed with a typed failure, and with nothing else", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        const fiber = yield* start(pool.with(() => Effect.never, { leaseTimeout }))
        yield* revokeFirst(pool)
        const exit = yield* Fiber.await(fiber)

        assert.isTrue(Exit.isFailure(exit))
        assert.deepStrictEqual(Exit.isFailure(exit) && exit.cause.reasons.map(({ _tag }) => _tag), ["Fail"])
      }))

    it.effect("may revoke it itself, and is interrupted at its next step", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        let after = false
        const body = pool.with((lease) =>
          Effect.map(pool.revoke(lease), () => {
            after = true
          }), { leaseTimeout })

        assert.strictEqual(yield* reason(body as Effect.Effect<never, LeaseExpired>), "Revoked")
        assert.isFalse(after)
      }))

    it.effect("that cannot be interrupted is waited for, and what it answers is dropped", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        for (const answer of [Effect.void, Effect.fail("its own failure")]) {
          const body = Effect.uninterruptible(Effect.andThen(Effect.sleep("1 second"), answer))
          const fiber = yield* start(pool.with(() => body, { leaseTimeout }))
          yield* revokeFirst(pool)
          yield* settle
          assert.deepStrictEqual([state(fiber), (yield* balanced(pool)).borrowed], ["waits", 1])
          yield* TestClock.adjust("1 second")

          assert.strictEqual(state(fiber), "LeaseExpired Revoked")
          assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
        }
      }))

    it.effect("where `with` is in an uninterruptible region leaves nothing that comes when that ends", () =>
      Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        const body = Effect.exit(pool.with(() => Effect.sleep("1 second"), { leaseTimeout }))
        const fiber = yield* start(Effect.andThen(Effect.uninterruptible(body), Effect.as(Effect.sleep(1), "went on")))
        yield* revokeFirst(pool)
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust(1)

        assert.strictEqual(yield* Fiber.join(fiber), "went on")
      }))

    it.effect("and whose fiber is interrupted by another is interrupted", () =>
      Effect.gen(function*() {
        yield* begun
        const pool = yield* make({ objects: ["a"] })
        for (const first of ["revoked", "interrupted"] as const) {
          const body = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second"))
          const fiber = yield* start(pool.with(() => body, { leaseTimeout }))
          if (first === "interrupted") fiber.interruptUnsafe()
          yield* revokeFirst(pool)
          if (first === "revoked") fiber.interruptUnsafe()
          yield* TestClock.adjust("1 second")

          assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)), first)
          assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
        }
      }))

    it.effect("within another: each is ended for its own lease alone", () =>
      Effect.gen(function*() {
        const [outer, inner] = [yield* make({ objects: ["a"] }), yield* make({ objects: ["b"] })]
        const seen: Array<string> = []
        const nested = outer.with(
          () =>
            Effect.andThen(
              Effect.match(inner.with(() => Effect.never, { leaseTimeout }), {
                onFailure: (failure) => seen.push(failure._tag),
                onSuccess: () => {}
              }),
              Effect.as(Effect.sleep("1 second"), "went on")
            ),
          { leaseTimeout }
        )
        const one = yield* start(nested)
        yield* revokeFirst(inner)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* Fiber.join(one), seen], ["went on", ["LeaseExpired"]])

        const two = yield* start(nested)
        yield* revokeFirst(outer)
        yield* settle
        assert.deepStrictEqual([state(two), seen.length], ["LeaseExpired Revoked", 1])

        const both = yield* start(nested)
        const leases = [...(yield* inner.leases), ...(yield* outer.leases)]
        yield* inner.revoke(leases[0]!)
        yield* outer.revoke(leases[1]!)
        yield* settle
        assert.strictEqual(state(both), "LeaseExpired Revoked")
        assert.deepStrictEqual([(yield* balanced(outer)).leases, (yield* balanced(inner)).leases], [0, 0])
      }))

    it.effect("interrupts a `pack` that is still at work, and closes what it has opened, as it ended", () =>
      Effect.gen(function*() {
        const closed: Array<string> = []
        const pool = yield* make({
          objects: ["a"],
          pack: () =>
            Effect.andThen(
              Effect.addFinalizer((exit) => Effect.sync(() => closed.push(exit._tag))),
              Effect.never
            )
        })
        const fiber = yield* start(pool.with(() => Effect.void, { leaseTimeout }))
        yield* revokeFirst(pool)
        yield* settle

        assert.strictEqual(state(fiber), "LeaseExpired Revoked")
        assert.deepStrictEqual(closed, ["Failure"])
        assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
      }))

    it.effect("that was waited for closes what `pack` made with how it ended", () =>
      Effect.gen(function*() {
        const closed: Array<string> = []
        const pool = yield* make({
          objects: ["a"],
          pack: (lease) => Effect.as(Effect.addFinalizer((exit) => Effect.sync(() => closed.push(exit._tag))), lease)
        })
        const holder = yield* hold(pool.borrow)
        const fiber = yield* start(pool.with(() => Effect.never, { leaseTimeout }))
        yield* holder.release
        yield* settle
        yield* revokeFirst(pool)
        yield* settle

        assert.strictEqual(state(fiber), "LeaseExpired Revoked")
        assert.deepStrictEqual(closed, ["Success", "Failure"])
      }))
  })
}

describe("a body in its borrower's own fiber", () => {
  it.effect("whose finalizer dies, as its lease is revoked, has that defect", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const fiber = yield* start(pool.with(() => Effect.onInterrupt(Effect.never, () => Effect.die("broken"))))
      yield* revokeFirst(pool)

      assert.strictEqual(state(fiber), "broken")
      assert.deepInclude(yield* balanced(pool), { available: 1, leases: 0 })
    }))

  it.effect("runs there still: no fiber is begun for it", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const fiber = yield* Effect.withFiber(Effect.succeed)
      yield* pool.with(() =>
        Effect.withFiber((body) => {
          assert.strictEqual(body, fiber)
          return Effect.void
        })
      )
    }))
})

describe("a lease of `borrow` that is revoked", () => {
  it.effect("is over at once: `expired` fails with `Revoked`, and so do `renew` and `detach`", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const { lease, release } = yield* hold(pool.borrow)
      const watching = yield* start(reason(lease.expired))
      assert.isTrue(yield* pool.revoke(lease))

      assert.strictEqual(yield* Fiber.join(watching), "Revoked")
      assert.strictEqual(yield* reason(lease.renew), "Revoked")
      assert.strictEqual(yield* reason(lease.detach as Effect.Effect<string, LeaseExpired>), "Revoked")
      const next = yield* hold(pool.borrow)
      yield* release
      assert.deepInclude(yield* balanced(pool), { borrowed: 1, leases: 1 }, "a stale one has no effect")
      yield* next.release
    }))

  it.effect("does not expire any more, and does not count as expired", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseTimeout: "1 second" })
      const { lease } = yield* hold(pool.borrow)
      yield* pool.revoke(lease)
      yield* TestClock.adjust("1 minute")

      assert.strictEqual((yield* balanced(pool)).totals.expired, 0)
    }))

  for (
    const [onLeaseExpired, status] of [["return", "Available"], ["destroy", undefined], ["detect", "Dormant"]] as const
  ) {
    it.effect(`leaves the object to \`onLeaseExpired: "${onLeaseExpired}"\``, () =>
      Effect.gen(function*() {
        const pool = yield* make({
          objects: ["a"],
          onLeaseExpired,
          detectStatus: ({ borrowCount }) => borrowCount === 0 ? "Available" : "Dormant"
        })
        const { lease } = yield* hold(pool.borrow)
        yield* pool.revoke(lease)
        yield* settle

        assert.deepStrictEqual(
          (yield* pool.objects).map((pooled) => pooled.status),
          status === undefined ? [] : [status]
        )
      }))
  }

  it.effect("interrupts the `pack` that is still at work, which ends before the object is lent on", () =>
    Effect.gen(function*() {
      yield* begun
      let packing = 0
      const pool = yield* make({
        objects: ["a"],
        pack: () =>
          Effect.onInterrupt(
            Effect.suspend(() => {
              packing++
              return packing === 1 ? Effect.never : Effect.succeed(packing)
            }),
            () => Effect.sleep("1 second")
          )
      })
      const fiber = yield* start(Effect.scoped(pool.borrow))
      const next = yield* start(hold(pool.borrow))
      yield* revokeFirst(pool)
      yield* settle
      assert.deepStrictEqual([state(fiber), packing], ["waits", 1])
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([state(fiber), state(next), packing], ["LeaseExpired Revoked", "ok", 2])
    }))
})

describe("revoke", () => {
  it.effect("of an object takes back all its leases, and the object is free when all that held it has ended", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], sharing: 3, select: Selector.mostRecentlyUsed })
      const [pooled] = yield* pool.objects
      const borrowers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => start(pool.with(() => Effect.never)))
      assert.isTrue(yield* pool.revoke(pooled!))
      yield* settle

      assert.deepStrictEqual(borrowers.map(state).sort(), [
        "LeaseExpired Revoked",
        "LeaseExpired Revoked",
        "LeaseExpired Revoked",
        "waits",
        "waits",
        "waits"
      ])
      assert.deepInclude(yield* balanced(pool), { available: 1, borrowed: 1, leases: 3 })
    }))

  it.effect("of one lease of a shared object leaves the others alone", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [one, other] = yield* Effect.all([
        start(pool.with(() => Effect.never)),
        start(pool.with(() => Effect.never))
      ])
      yield* revokeFirst(pool)
      yield* settle

      assert.deepStrictEqual([state(one), state(other)], ["LeaseExpired Revoked", "waits"])
      assert.deepInclude(yield* balanced(pool), { borrowed: 1, leases: 1 })
    }))

  it.effect("answers `false` where there is nothing to take back", () =>
    Effect.gen(function*() {
      const [pool, another] = [yield* make({ objects: ["a"] }), yield* make({ objects: ["a"] })]
      const [pooled] = yield* pool.objects
      assert.isFalse(yield* pool.revoke(pooled!), "an object that is not lent")
      const { lease, release } = yield* hold(pool.borrow)
      assert.isFalse(yield* another.revoke(lease), "a lease of another pool")
      assert.isFalse(yield* another.revoke(pooled!), "an object of another pool")
      yield* release
      assert.isFalse(yield* pool.revoke(lease), "a lease that was released")
      const held = yield* hold(pool.borrow)
      assert.isTrue(yield* pool.revoke(held.lease))
      assert.isFalse(yield* pool.revoke(held.lease), "a lease that was revoked")
      yield* pool.remove(pooled!)
      assert.isFalse(yield* pool.revoke(pooled!), "an object that has left")
      yield* pool.close
      assert.isFalse(yield* pool.revoke(held.lease), "a pool that is closed")
    }))

  it.effect("of anything else is a defect that says so", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      for (const nonsense of ["a", undefined, null, 1, {}, pool]) {
        const exit = yield* Effect.exit(pool.revoke(nonsense as unknown as PooledObject<string>))
        assert.match(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", /neither a lease nor the record/)
      }
    }))

  it.effect("tells it by `LeaseRevoked`, before the lease is `Released`", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"] })
      const told: Array<string> = []
      yield* Effect.forkScoped(Stream.runForEach(pool.events, ({ _tag }) => Effect.sync(() => told.push(_tag))), {
        startImmediately: true
      })
      const fiber = yield* start(pool.with(() => Effect.never))
      yield* revokeFirst(pool)
      yield* Fiber.await(fiber)
      yield* settle

      assert.deepStrictEqual(told, ["StatusChanged", "Borrowed", "LeaseRevoked", "Released", "StatusChanged"])
    }))

  it.effect("of a lease that its borrower has not been resumed with: that one goes on waiting, before the others", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b"], onLeaseExpired: "destroy", select: Selector.leastRecentlyUsed })
      const [a, b] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const got: Array<string> = []
      const waiters = yield* Effect.forEach(["first", "second"], (who) =>
        start(pool.with(({ object }) => {
          got.push(`${who} ${object}`)
          return Effect.never
        })))
      // the object goes to the first, and is taken from it, in one step
      yield* Effect.andThen(a.release, Effect.flatMap(pool.leases, (leases) => pool.revoke(leases[1]!)))
      assert.deepInclude(yield* pool.stats, { waiting: 2, leases: 1 })
      yield* settle
      assert.deepStrictEqual(got, [])
      yield* b.release
      yield* settle

      assert.deepStrictEqual(got, ["first b"])
      assert.deepStrictEqual(waiters.map(state), ["waits", "waits"])
    }))

  it.effect("of such a lease keeps the deadline of the wait, and its interruption loses nothing", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], onLeaseExpired: "destroy", borrowTimeout: "10 seconds" })
      for (const end of ["interrupted", "BorrowTimeout"]) {
        yield* pool.add(end)
        const holder = yield* hold(pool.borrowWith({ where: ({ object }) => object === end }))
        const waiter = yield* start(pool.with(() => Effect.void, { where: ({ object }) => object === end }))
        yield* TestClock.adjust("9 seconds")
        yield* Effect.andThen(holder.release, Effect.flatMap(pool.leases, ([lease]) => pool.revoke(lease!)))
        if (end === "interrupted") yield* Fiber.interrupt(waiter)
        yield* TestClock.adjust("999 millis")
        if (end === "BorrowTimeout") assert.strictEqual(state(waiter), "waits")
        yield* TestClock.adjust("1 millis")

        assert.strictEqual(state(waiter), end)
        assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0 })
      }
    }))

  it.effect(
    "of a lease, in any window, loses no lease and no object",
    () =>
      sweep((window) =>
        Effect.scoped(Effect.gen(function*() {
          const { acquire } = scripted()
          const pool = yield* make({ acquire, size: { max: 2 }, onLeaseExpired: "return" })
          const go = yield* Deferred.make<void>()
          const borrowers = yield* Effect.forEach([1, 2, 3, 4], (n) => {
            const work = use(3)
            return start(
              Effect.exit(
                Effect.andThen(
                  Deferred.await(go),
                  () => n % 2 === 0 ? pool.with(work) : pool.with(work, { leaseTimeout: "1 hour" })
                )
              )
            )
          })
          yield* Deferred.succeed(go, undefined)
          yield* Effect.repeat(Effect.yieldNow, { times: window.yields })
          for (const lease of yield* pool.leases) {
            yield* pool.revoke(lease)
          }
          const endings = (yield* Effect.forEach(borrowers, Fiber.join)).map((exit) =>
            Exit.isSuccess(exit) ? "ok" : String((Cause.squash(exit.cause) as LeaseExpired).reason)
          )

          assert.isTrue(endings.every((each) => each === "ok" || each === "Revoked"), endings.join())
          assert.deepInclude(yield* balanced(pool), { leases: 0, borrowed: 0, waiting: 0 })
        })).pipe(named(window))
      )
  )
})

describe("what follows a revocation, and ends another lease that is revoked with it,", () => {
  it.effect("does not have that one's borrower interrupted at what it does then", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const go = yield* Deferred.make<void>()
      yield* start(pool.with(() => Effect.onInterrupt(Effect.never, () => Deferred.succeed(go, undefined))))
      const body = Effect.uninterruptible(Deferred.await(go))
      const second = yield* start(
        Effect.andThen(Effect.exit(pool.with(() => body)), Effect.as(Effect.sleep(1), "went on"))
      )
      yield* pool.revoke((yield* pool.objects)[0]!)
      yield* TestClock.adjust(1)

      assert.strictEqual(yield* Fiber.join(second), "went on")
    }))
})

describe("a lease that is revoked by what its own grant calls", () => {
  it.effect("leaves its borrower waiting: it is served again, and runs once", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let called = (): void => {}
      const calling = but(clock, {
        monotonicTimeNanosUnsafe: () => {
          called()
          return clock.monotonicTimeNanosUnsafe()
        }
      })
      const { acquire } = scripted({ acquire: (n) => n === 1 ? "ok" : "slow" })
      const pool = yield* Effect.provideService(
        make({ acquire, size: { max: 1 }, leaseTimeout: "1 hour", onLeaseExpired: "destroy", maxWaiters: 1 }),
        Clock.Clock,
        calling
      )
      const holder = yield* hold(pool.borrow)
      const ids: Array<number> = []
      const waiter = yield* start(pool.with(({ id }) => Effect.sync(() => ids.push(id))))
      const revoked: Array<boolean> = []
      called = () => {
        const lease = Effect.runSync(pool.leases).find(({ id }) => id === 2)
        if (lease === undefined || revoked.length > 0) return
        revoked.push(true)
        revoked.push(Effect.runSync(pool.revoke(lease)))
      }
      yield* holder.release
      yield* settle
      assert.deepStrictEqual([revoked, state(waiter)], [[true, true], "waits"])
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([ids, state(waiter)], [[3], "ok"])
      assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, available: 1 })
      // nothing is under way for anybody: one more than may wait is refused
      const last = yield* hold(pool.borrow)
      yield* start(pool.with(() => Effect.void))
      assert.strictEqual(ending(yield* Effect.exit(hold(pool.borrow))), "PoolExhausted WaitersFull")
      yield* last.release
    }))
})

describe("a shared object that another lease detaches", () => {
  const shared = Effect.gen(function*() {
    const { acquire, things } = scripted()
    const pool = yield* make({ acquire, size: { max: 1 }, sharing: 3 })
    return { pool, things, holder: yield* hold(pool.borrow) }
  })

  it.effect("tells those who hold the others that their leases are `Revoked`, and interrupts their bodies", () =>
    Effect.gen(function*() {
      const { holder, pool } = yield* shared
      const other = yield* hold(pool.borrow)
      const watching = yield* start(reason(other.lease.expired))
      const body = yield* start(pool.with(() => Effect.never))
      yield* Effect.scoped(holder.lease.detach)
      yield* settle

      assert.strictEqual(yield* Fiber.join(watching), "Revoked")
      assert.strictEqual(yield* reason(other.lease.renew), "Revoked")
      assert.strictEqual(state(body), "LeaseExpired Revoked")
    }))

  it.effect("one who was granted it in that step, and not resumed, goes on waiting and gets another", () =>
    Effect.gen(function*() {
      for (const how of ["borrow", "with"] as const) {
        const { holder, pool, things } = yield* shared
        const [second, third] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
        const got: Array<number> = []
        const keep = ({ object }: { readonly object: Thing }) => {
          got.push(object.n)
          return Effect.never
        }
        const waiter = yield* start(
          how === "with" ? pool.with(keep) : Effect.scoped(Effect.flatMap(pool.borrow, keep))
        )
        const mine = yield* Scope.make()
        yield* Effect.andThen(third.release, Scope.provide(holder.lease.detach, mine))
        yield* settle

        assert.deepStrictEqual([state(waiter), got], ["waits", [2]], how)
        assert.deepInclude(yield* balanced(pool), { leases: 1, waiting: 0 })
        assert.strictEqual(things[0]!.destroyed, 0, "it is its new owner's")
        yield* second.release
      }
    }))

  it.effect("one who was granted it in that step keeps its place before those who came later", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2 })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const got: Array<string> = []
      const borrow = (name: string, where?: (pooled: PooledObject<string>) => boolean) =>
        start(pool.with(({ object }) => {
          got.push(`${name} ${object}`)
          return Effect.never
        }, { where }))
      yield* borrow("picky", ({ object }) => object === "c")
      yield* borrow("first")
      yield* borrow("second")
      yield* Effect.andThen(two.release, Effect.scoped(one.lease.detach))
      yield* borrow("third")
      yield* pool.add("b")
      yield* settle
      yield* pool.add("c")
      yield* settle

      assert.deepStrictEqual(got, ["first b", "second b", "picky c", "third c"])
    }))

  it.effect("one who was granted it as the pool closes fails with PoolClosed", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, closing: { timeout: "1 second" } })
      const [one, two] = [yield* hold(pool.borrow), yield* hold(pool.borrow)]
      const waiter = yield* start(pool.with(() => Effect.never))
      const closing = start(pool.close)
      yield* Effect.andThen(two.release, Effect.andThen(closing, Effect.scoped(one.lease.detach)))
      yield* settle

      assert.strictEqual(state(waiter), "PoolClosed")
    }))

  it.effect("one that does not queue, and was granted it in that step, is refused", () =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<PooledObject<string>>()
      let slow = false
      const pool = yield* make({
        objects: ["a"],
        sharing: 2,
        select: (available) => slow ? Deferred.await(answer) : available[0]
      })
      const { lease } = yield* hold(pool.borrow)
      slow = true
      const trying = yield* start(hold(pool.tryBorrow))
      yield* Effect.andThen(Deferred.succeed(answer, lease.pooled), Effect.scoped(lease.detach))
      yield* settle

      assert.strictEqual(state(trying), "PoolExhausted NoneAvailable")
      assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, size: 0 })
    }))
})
