/** An outlier, and a judge, amid what else happens to the object: promises 31 and 32. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Judge, type Status, Verdict } from "../src/index.ts"
import { hold, make, only, statuses } from "./support/borrowers.ts"
import { late, logs } from "./support/observed.ts"

const failing = () => Effect.fail("broken" as const)

/** A pool whose objects are outliers by one failure. */
const outliers = (objects: ReadonlyArray<string>, judge: Judge<string, unknown> = Verdict.outlier({ after: 1 })) =>
  Effect.gen(function*() {
    const pool = yield* make<string>({ objects, judge, borrowTimeout: 0 })
    const fail = (object: string) => Effect.exit(pool.with(failing, only(object)))
    return { pool, fail }
  })

describe("an outlier", () => {
  it.effect("that has been woken rests again as it fails again", () =>
    Effect.gen(function*() {
      const { fail, pool } = yield* outliers(["a"])
      yield* fail("a")
      yield* pool.wake("a")
      yield* fail("a")
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
      // it counts as one that rests by a verdict, and a rest by another reason does not
      yield* pool.wake("a")
      yield* pool.with((lease) => lease.rest("1 second"))
      yield* pool.add("b")
      yield* fail("b")
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Dormant"])
    }))

  it.effect("is one of those that are there: what is being destroyed does not count", () =>
    late(Effect.gen(function*() {
      const { fail, pool } = yield* outliers([])
      for (const object of ["a", "b", "c", "d"]) yield* pool.add(object, { destroy: () => Effect.sleep("2 seconds") })
      yield* pool.remove("c")
      yield* pool.remove("d")
      yield* fail("a")
      yield* fail("b")
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Available", "Invalid", "Invalid"])
    })))

  it.effect("rests for as long as it is told to, though that is longer than five minutes", () =>
    Effect.gen(function*() {
      const { fail, pool } = yield* outliers(["a"], Verdict.outlier({ after: 1, rest: "1 hour" }))
      for (const _ of [1, 2]) {
        yield* fail("a")
        yield* TestClock.adjust("54 minutes")
        assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      }
    }))

  it.effect("is none, and on no trial, where its judge has answered otherwise, or its borrower has said what becomes of it", () =>
    Effect.gen(function*() {
      const outlier = Verdict.outlier({ after: 1 })
      const judge: Judge<string, unknown> = (exit, pooled) => {
        outlier(exit, pooled)
        return undefined
      }
      const pool = yield* make<string>({ objects: ["a"], sharing: 3, judge })
      yield* Effect.exit(pool.with(failing))
      yield* hold(pool.tryBorrow)
      yield* hold(pool.tryBorrow)

      const marked = yield* outliers(["a", "b"])
      yield* Effect.exit(
        marked.pool.with((lease) => Effect.andThen(lease.rest("1 second"), Effect.fail("broken")), only("a"))
      )
      yield* TestClock.adjust("1 second")
      yield* marked.fail("a")
      // it has not rested before: this is the first time, which is not doubled
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* statuses(marked.pool), ["Available", "Available"])
    }))

  it.effect("on trial is not acquitted by a lease that was older than its rest, nor condemned twice by such", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], sharing: 4, judge: Verdict.outlier({ after: 2 }) })
      const old = yield* hold(pool.borrow)
      const scope = yield* Scope.make()
      yield* Scope.provide(pool.borrow, scope)
      const other = yield* Scope.make()
      yield* Scope.provide(pool.borrow, other)
      yield* Effect.exit(pool.with(failing))
      yield* Scope.close(scope, Exit.fail("broken"))
      // what was under way goes on, and fails as well
      yield* Scope.close(other, Exit.fail("broken"))
      yield* old.release
      yield* TestClock.adjust("30 seconds")
      yield* hold(pool.borrow)
      assert.strictEqual((yield* Effect.exit(hold(pool.tryBorrow)))._tag, "Failure")
      // one failure is not two
      const again = yield* make<string>({ objects: ["a"], sharing: 3, judge: Verdict.outlier({ after: 2 }) })
      const scopes = yield* Effect.forEach([1, 2, 3], () => Scope.make())
      for (const scope of scopes) yield* Scope.provide(again.borrow, scope)
      for (const scope of scopes) yield* Scope.close(scope, Exit.fail("broken"))
      yield* TestClock.adjust("30 seconds")
      yield* Effect.exit(again.with(failing))
      assert.deepStrictEqual(yield* statuses(again), ["Available"])
    }))
})

describe("a judge", () => {
  it.effect("is heard of the object where its borrower has had but a facet rest", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: ["a"],
        judge: (exit) => Exit.isFailure(exit) ? "Invalid" : undefined
      })
      yield* Effect.exit(pool.with((lease) => Effect.andThen(lease.rest("1 hour", "large"), Effect.fail("revoked"))))
      assert.deepStrictEqual(yield* statuses(pool), [])
    }))

  it.effect("is not asked about a lease whose scope was closed before it came", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const pool = yield* make<string>({ objects: ["a"], judge: (exit) => void seen.push(exit._tag) })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      yield* Scope.provide(pool.borrow, scope)
      assert.deepStrictEqual(seen, [])
      assert.strictEqual((yield* pool.stats).leases, 0)
    }))

  it.effect("that answers with a promise that is rejected says nothing, and nothing is left unhandled", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const see = (reason: unknown) => void seen.push(reason)
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      const { lines, within } = logs()
      process.on("unhandledRejection", see)
      yield* within(Effect.gen(function*() {
        const judge = (() => Promise.reject(new Error("late"))) as never
        const pool = yield* make<string>({ objects: ["a"], judge })
        yield* pool.with(() => Effect.void)
        yield* turn
        yield* turn
      }))
      process.off("unhandledRejection", see)
      assert.deepStrictEqual(seen, [])
      assert.strictEqual(lines.filter((line) => line.includes("A judge says nothing")).length, 1)
    }))

  it.effect("that closes the pool interrupts nobody: the body that it judges has ended", () =>
    Effect.gen(function*() {
      let close: Effect.Effect<unknown> = Effect.void
      const pool = yield* make<string>({ objects: ["a"], judge: () => void Effect.runFork(close) })
      close = pool.close
      assert.strictEqual(yield* pool.with(() => Effect.succeed("done")), "done")
      assert.strictEqual((yield* pool.stats).size, 0)
    }))

  it.effect("of the other flavour is reported", () =>
    Effect.gen(function*() {
      const { lines, within } = logs()
      yield* within(Effect.gen(function*() {
        const outlier = Verdict.outlier({ after: 1 }) as (settled: unknown, pooled: never) => Status.Answer
        const judge = (_: unknown, pooled: unknown) => outlier({ status: "rejected" }, pooled as never)
        const pool = yield* make<string>({ objects: ["a"], judge })
        yield* pool.with(() => Effect.void)
      }))
      assert.include(lines.join(), "is no exit")
    }))
})
