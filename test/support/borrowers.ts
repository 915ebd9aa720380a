/**
 * Borrowers: fibers that borrow, hold and wait, and what has become of them.
 */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import {
  type BorrowOptions,
  BorrowTimeout,
  type Lease,
  type LeaseExpired,
  ObjectPool,
  type Status
} from "../../src/index.ts"
import { balanced, type Thing } from "./scripted.ts"

/** A pool that takes back at once what is lent when its test ends. */
export const make: typeof ObjectPool.make = (options) => ObjectPool.make({ closing: { timeout: 0 }, ...options })

/** A pool of one object, without a detector, and the status of that. */
export const plain = Effect.gen(function*() {
  const pool = yield* ObjectPool.make({ objects: ["a"] })
  const [pooled] = yield* pool.objects
  return { pool, pooled: pooled!, status: () => pooled!.status }
})

/** Borrows that object and no other. */
export const only = <A>(object: A): BorrowOptions<A> => ({ where: (pooled) => Object.is(pooled.object, object) })

/** The statuses of the objects, the oldest first. */
export const statuses = <A, D, E, P>(pool: ObjectPool<A, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map((pooled): Status => pooled.status))

/** What has ended a lease. */
export const reason = <A, R>(effect: Effect.Effect<A, LeaseExpired, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

/** `"ok"`, or the tag of a failure. */
export const tag = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: (error): string => error._tag, onSuccess: () => "ok" })

/** The time-out that a borrow has failed with. */
export const timedOut = <A, R>(effect: Effect.Effect<A, unknown, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, BorrowTimeout)
    return error
  })

/** How many finalizers an open scope has. */
export const finalizers = (scope: Scope.Scope): number =>
  scope.state._tag === "Open" ? (scope.state.finalizers?.size ?? 1) : 0

/** Goes on in a fiber of its own, from now. */
export const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Lets everything happen that is due now. */
export const settle = TestClock.adjust(0)

/** What a borrow got, in a scope of its own that `release` closes. */
export const hold = <P, E>(borrow: Effect.Effect<P, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const lease = yield* Scope.provide(borrow, scope)
    return { lease, scope, release: Scope.close(scope, Exit.void) }
  })

/** Borrows in a fiber of its own, and keeps what it gets until it is interrupted. */
export const keep = <A, D, E>(borrow: Effect.Effect<Lease<A, D>, E, Scope.Scope>, got: Array<A> = []) =>
  start(Effect.scoped(Effect.flatMap(borrow, (lease) => {
    got.push(lease.object)
    return Effect.never
  })))

/** How a fiber stands: `"waits"`, or how it has ended. */
export const state = <A, E>(fiber: Fiber.Fiber<A, E>): string => {
  const exit = fiber.pollUnsafe()
  return exit === undefined ? "waits" : ending(exit)
}

/** `"ok"`, `"interrupted"`, or the tag or the text of the failure or defect. */
export const ending = <A, E>(exit: Exit.Exit<A, E>): string => {
  if (Exit.isSuccess(exit)) return "ok"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const failure = Cause.squash(exit.cause)
  if (typeof failure === "string") return failure
  if (!(failure instanceof Error)) return "unknown"
  if (!("_tag" in failure)) return String(failure)
  return "reason" in failure ? `${String(failure._tag)} ${String(failure.reason)}` : String(failure._tag)
}

/** The pool lends `n` objects at once, and no more than that; its books balance before, at the peak, and after. */
export const serves = <A, D, E, P>(pool: ObjectPool<A, D, E, P>, n: number) =>
  Effect.gen(function*() {
    const idle = yield* balanced(pool)
    assert.deepStrictEqual([idle.leases, idle.borrowed, idle.waiting], [0, 0, 0], "nothing is lent, nobody waits")
    const borrowers = yield* Effect.forEach(Array.from({ length: n }), () => start(hold(pool.borrow)))
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(borrowers.map(state), Array.from({ length: n }, () => "ok"), `${n} are served at once`)
    const busy = yield* balanced(pool)
    assert.strictEqual(busy.leases, n)
    for (const borrower of borrowers) yield* (yield* Fiber.join(borrower)).release
    yield* TestClock.adjust("10 seconds")
    const after = yield* balanced(pool)
    assert.deepStrictEqual([after.leases, after.borrowed, after.waiting], [0, 0, 0], "everything is back")
  })

/** Uses what was borrowed for a few turns, and fails where another uses it as well. Safe to interrupt anywhere. */
export const use = (turns = 1) => ({ object }: Lease<Thing>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      assert.strictEqual(object.destroyed, 0, `thing ${object.n} was destroyed`)
      assert.strictEqual(object.users++, 0, `thing ${object.n} is lent twice`)
    }),
    () => Effect.repeat(Effect.yieldNow, { times: turns }),
    () => Effect.sync(() => object.users--)
  )

/** Says where it was that an assertion failed. */
export const named =
  (where: { readonly toString: () => string }) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, never, R> =>
    Effect.catchCause(effect, (cause) => {
      const failure = Cause.squash(cause)
      return Effect.die(new Error(`${where.toString()}: ${String(failure)}`, { cause: failure }))
    })
