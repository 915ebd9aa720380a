/**
 * Interruption in every window: nothing is lost, lent twice or destroyed twice (promises 1 to 3, 7, 20, 24).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import type { Lease, ObjectPool, PooledObject } from "../src/index.ts"
import { ending, hold, make, named, start, state, use } from "./support/borrowers.ts"
import { balanced, Failed, scripted, Thing } from "./support/scripted.ts"
import { sweepInPieces } from "./support/sweep.ts"

type Pool = ObjectPool<Thing, undefined, Failed>
type World = ReturnType<typeof scripted>

const turns = (times: number) => Effect.repeat(Effect.yieldNow, { times })

/** The same, some turns later. */
const later = <A, E, R>(effect: Effect.Effect<A, E, R>, times = 4) => Effect.andThen(turns(times), effect)

/** Lets turns pass until something holds; what never does is left to the assertion that follows. */
const until = <E>(holds: Effect.Effect<boolean, E>) =>
  Effect.repeat(Effect.andThen(Effect.yieldNow, holds), { times: 500, until: (held) => held })

/** Waits for a fiber, suspended: the clock of the test goes on only while nothing else does. One that hangs is told apart. */
const ended = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.as(Effect.raceFirst(Fiber.await(fiber), TestClock.withLive(Effect.sleep("1 minute"))), fiber)

const quiet = (pool: Pool) =>
  until(
    Effect.map(pool.stats, ({ invalid, leases, making, pending, waiting }) =>
      invalid + leases + making + pending + waiting === 0)
  )

/** Nothing is lent, waits or is under way; as many as ever can be lent at once; all that was made is destroyed once. */
const sound = (pool: Pool, { things }: World, max: number) =>
  Effect.gen(function*() {
    yield* quiet(pool)
    const idle = yield* balanced(pool)
    assert.deepInclude(
      idle,
      { leases: 0, borrowed: 0, invalid: 0, pending: 0, waiting: 0, making: 0 },
      "nothing is under way"
    )
    assert.strictEqual(idle.totals.made, things.length)

    const held = yield* Effect.forEach(Array.from({ length: max }), () => hold(pool.tryBorrow))
    assert.strictEqual(new Set(held.map(({ lease }) => lease.object)).size, max, "each has an object of its own")
    assert.strictEqual((yield* balanced(pool)).leases, max)
    yield* Effect.forEach(held, ({ release }) => release)

    yield* quiet(pool)
    yield* pool.close
    assert.strictEqual((yield* balanced(pool)).size, 0)
    for (const thing of things) {
      assert.strictEqual(thing.destroyed, 1, `thing ${thing.n} is destroyed once`)
      assert.strictEqual(thing.users, 0, `thing ${thing.n} is in use`)
    }
  })

interface Scene {
  readonly max?: number
  readonly options?: (world: World) => object
  /** What is there before: done while nothing is interrupted. */
  readonly before?: (pool: Pool) => Effect.Effect<unknown, unknown, Scope.Scope>
  /** What is interrupted. */
  readonly victim: (pool: Pool, world: World) => Effect.Effect<unknown, unknown>
  /** What goes on beside it, and has to end. */
  readonly beside?: (pool: Pool, world: World) => Effect.Effect<unknown, unknown>
}

/** Plays a scene in every window. */
const scene = (title: string, { before, beside, max = 2, options, victim }: Scene) =>
  sweepInPieces(title, (window) =>
    Effect.scoped(Effect.gen(function*() {
      const world = scripted()
      const pool: Pool = yield* make({ acquire: world.acquire, size: { max }, ...options?.(world) })
      if (before !== undefined) yield* before(pool)
      const other = yield* start(beside?.(pool, world) ?? Effect.void)
      yield* window.interrupt(yield* start(victim(pool, world)))
      yield* ended(other)
      assert.strictEqual(state(other), "ok", "what goes on beside has ended")
      yield* sound(pool, world, max)
    })).pipe(named(window)))

/** Fills the pool: two objects are available. */
const filled = (pool: Pool) =>
  Effect.flatMap(
    Effect.all([hold(pool.borrow), hold(pool.borrow)]),
    (held) => Effect.forEach(held, ({ release }) => release)
  )

const bracket = (pool: Pool) => pool.with(use())
const scoped = (pool: Pool) => Effect.scoped(Effect.flatMap(pool.borrow, use()))
const either: ReadonlyArray<[string, (pool: Pool) => Effect.Effect<unknown, unknown>]> = [
  ["borrow", scoped],
  ["with", bracket],
  ["tryBorrow", (pool) => Effect.scoped(Effect.flatMap(pool.tryBorrow, use()))]
]

/** Packs in turns: the thing is in use from then on, until what was packed has been released, in turns again. */
const packing = () => ({
  pack: (lease: Lease<Thing>) =>
    Effect.as(
      Effect.acquireRelease(
        later(Effect.sync(() => assert.strictEqual(lease.object.users++, 0, "is lent twice")), 2),
        () => later(Effect.sync(() => lease.object.users--), 2),
        { interruptible: true }
      ),
      lease
    )
})

/** Detects before each borrow, in turns. */
const detecting = ({ detectStatus }: World) => ({
  detectStatus: (pooled: PooledObject<Thing>) => later(detectStatus(pooled), 2),
  detection: { onBorrow: true, onRelease: true }
})

describe("an interruption in any window loses nothing:", () => {
  for (const [name, victim] of either) {
    scene(`${name} of what is available`, { before: filled, victim })

    scene(`${name} that makes`, { victim, beside: bracket })

    scene(`${name} that makes, while that takes turns`, {
      options: ({ acquire }) => ({ acquire: later(acquire) }),
      victim,
      beside: bracket
    })

    scene(`${name} that detects at once`, {
      options: ({ detectStatus }) => ({ detectStatus, detection: { onBorrow: true } }),
      before: filled,
      victim
    })

    scene(`${name} that detects, while that takes turns`, {
      options: detecting,
      before: filled,
      victim,
      beside: bracket
    })

    scene(`${name} whose selector takes turns`, {
      options: () => ({
        select: (available: ReadonlyArray<PooledObject<Thing>>) => later(Effect.sync(() => available.at(-1)), 2)
      }),
      before: filled,
      victim,
      beside: (pool) => Effect.all([bracket(pool), scoped(pool), bracket(pool)], { concurrency: "unbounded" })
    })

    scene(`${name} with a pack that takes turns`, {
      options: packing,
      before: filled,
      victim: name === "with" ? (pool) => pool.with(() => turns(2)) : (pool) => Effect.scoped(later(pool.borrow, 0)),
      beside: (pool) => pool.with(() => turns(1))
    })
  }

  for (const [name, victim] of either.slice(0, 2)) {
    scene(`${name} that is handed what another gives back, with others behind it`, {
      max: 1,
      victim,
      before: (pool) => Effect.asVoid(hold(pool.borrow)),
      beside: (pool) =>
        Effect.gen(function*() {
          const [lease] = yield* pool.leases
          const behind = yield* start(Effect.all([bracket(pool), scoped(pool)], { concurrency: "unbounded" }))
          yield* turns(6)
          yield* lease!.release
          yield* Fiber.join(behind)
        })
    })

    scene(`${name} that waits for a creation that fails`, {
      max: 1,
      options: ({ acquire }) => {
        let first = true
        return {
          acquire: Effect.suspend((): typeof acquire => {
            if (!first) return acquire
            first = false
            return later(Effect.fail(new Failed({ step: "acquire" })), 8)
          })
        }
      },
      victim,
      // the next attempt has its turn when it has failed
      beside: (pool) =>
        Effect.all([later(Effect.exit(bracket(pool)), 2), later(TestClock.adjust("1 second"), 200)], {
          concurrency: "unbounded"
        })
    })

    scene(`${name} whose object is invalidated as it is given back`, {
      victim: (pool) => pool.with((lease) => Effect.andThen(lease.invalidate, use()(lease))),
      beside: (pool) => Effect.andThen(victim(pool), bracket(pool))
    })
  }

  scene("a release by the end of the scope, where a pack takes turns to end", {
    options: packing,
    before: filled,
    victim: (pool) => Effect.scoped(Effect.andThen(pool.borrow, turns(1))),
    beside: (pool) => later(Effect.scoped(pool.borrow), 2)
  })

  scene("`lease.release`, where a pack takes turns to end", {
    options: packing,
    before: filled,
    victim: (pool) =>
      Effect.scoped(Effect.flatMap(pool.borrow, (lease) => Effect.andThen(lease.release, lease.release))),
    beside: (pool) => pool.with((lease) => lease.release)
  })

  scene("`lease.release` at once, twice, and then by the scope", {
    before: filled,
    victim: (pool) =>
      Effect.scoped(Effect.flatMap(pool.borrow, (lease) => Effect.andThen(use()(lease), lease.release))),
    beside: bracket
  })

  scene("`lease.rest`", {
    before: filled,
    victim: (pool) => pool.with((lease) => Effect.andThen(lease.rest("1 milli"), use()(lease))),
    beside: (pool) => Effect.andThen(bracket(pool), Effect.repeat(TestClock.adjust("1 milli"), { times: 20 }))
  })

  const detach = (pool: Pool) => Effect.flatMap(pool.borrow, (lease) => lease.detach)
  scene("`lease.detach`: what made the object is closed with the scope of the caller", {
    before: filled,
    victim: (pool) => Effect.scoped(detach(pool)),
    beside: (pool) => Effect.scoped(detach(pool))
  })

  scene("the expiry of a lease under `with`", {
    options: () => ({ leaseTimeout: "1 second", onLeaseExpired: "return" }),
    before: filled,
    victim: (pool) => pool.with((lease) => Effect.ensuring(use(100)(lease), turns(2))),
    beside: (pool) => Effect.andThen(later(TestClock.adjust("1 second")), Effect.all([bracket(pool), bracket(pool)]))
  })

  scene("the expiry of a lease under `borrow`", {
    options: () => ({ leaseTimeout: "1 second", onLeaseExpired: "return" }),
    before: filled,
    victim: (pool) =>
      Effect.scoped(Effect.flatMap(pool.borrow, (lease) => Effect.raceFirst(lease.expired, Effect.never))),
    beside: (pool) => Effect.andThen(later(TestClock.adjust("1 second")), Effect.all([bracket(pool), bracket(pool)]))
  })

  scene("a time-out", {
    before: (pool) => Effect.all([hold(pool.borrow), hold(pool.borrow)]),
    victim: (pool) => pool.with(use(), { timeout: "1 second" }),
    beside: (pool) =>
      Effect.gen(function*() {
        yield* turns(3)
        yield* TestClock.adjust("1 second")
        for (const lease of yield* pool.leases) yield* lease.release
        yield* bracket(pool)
      })
  })

  scene("`add` while its detection takes turns", {
    options: (world) => ({ ...detecting(world), size: { max: 4 } }),
    before: filled,
    victim: (pool) => pool.addAll([new Thing(-1), new Thing(-2)]),
    beside: (pool) =>
      Effect.andThen(Effect.all([bracket(pool), bracket(pool)]), Effect.all([bracket(pool), bracket(pool)]))
  })

  scene("`detect` while that takes turns", {
    options: detecting,
    before: filled,
    victim: (pool) => pool.detect,
    beside: (pool) => Effect.all([bracket(pool), scoped(pool), pool.detect], { concurrency: "unbounded" })
  })
})

describe("closing, interrupted in any window, ends:", () => {
  /** The pool is closed, and everything that was made is destroyed once. */
  const closed = (pool: Pool, { things }: World) =>
    Effect.gen(function*() {
      yield* until(Effect.map(pool.stats, ({ making, size }) => size + making === 0))
      yield* TestClock.adjust("1 minute")
      yield* pool.close
      assert.deepInclude(yield* balanced(pool), { size: 0, making: 0, leases: 0, waiting: 0 })
      assert.strictEqual(ending(yield* Effect.exit(hold(pool.borrow))), "PoolClosed")
      const { destroyed, made } = (yield* pool.stats).totals
      assert.strictEqual(destroyed, made)
      for (const thing of things) assert.strictEqual(thing.destroyed, 1, `thing ${thing.n} is destroyed once`)
    })

  const closings: ReadonlyArray<
    [string, (pool: Pool) => Effect.Effect<unknown, unknown>, (pool: Pool) => Effect.Effect<unknown, unknown>]
  > = [
    ["`close` itself", (pool) => pool.close, bracket],
    ["a borrower beside it", scoped, (pool) => later(pool.close, 3)],
    ["a bracket beside it", bracket, (pool) => later(pool.close, 3)],
    [
      "a waiter that waits for what another holds",
      (pool) => pool.with(() => Effect.andThen(bracket(pool), bracket(pool))),
      (pool) => later(pool.close, 3)
    ],
    ["a body that closes its own pool", (pool) => pool.with(() => pool.close), scoped]
  ]
  for (const [title, victim, beside] of closings) {
    for (const slowly of [false, true]) {
      sweepInPieces(
        `${title}${slowly ? ", where everything takes turns" : ""}`,
        (window) =>
          Effect.scoped(Effect.gen(function*() {
            const world = scripted()
            const pool: Pool = yield* make({
              acquire: slowly ? later(world.acquire, 2) : world.acquire,
              size: { max: 1 },
              ...slowly ? { ...detecting(world), ...packing() } : {}
            })
            const other = yield* start(Effect.exit(beside(pool)))
            yield* window.interrupt(yield* start(victim(pool)))
            yield* start(pool.close)
            yield* ended(other)
            assert.strictEqual(state(other), "ok", "what goes on beside has ended")
            yield* closed(pool, world)
          })).pipe(named(window))
      )
    }
  }
})

describe("under stress", () => {
  /** Three objects, twenty fibers, one seed: any of them may be interrupted at any time. */
  const storm = (seed: number, maxOps: number) =>
    Effect.gen(function*() {
      const world = scripted()
      const pool: Pool = yield* make({
        acquire: later(world.acquire, 2),
        size: { max: 3 },
        ...detecting(world)
      })
      const random = yield* Random.Random
      const below = (n: number) => Math.floor(random.nextDoubleUnsafe() * n)
      const ways: ReadonlyArray<() => Effect.Effect<unknown, unknown>> = [
        () => bracket(pool),
        () => scoped(pool),
        () => Effect.scoped(Effect.flatMap(pool.tryBorrow, use(below(3)))),
        () => pool.with((lease) => Effect.andThen(use(below(4))(lease), lease.invalidate), { priority: below(3) }),
        () => pool.with(use(below(4)), { where: ({ id }) => id % 2 === 0, timeout: "1 second" }),
        () => pool.with(use(below(4)), { leaseTimeout: "1 hour" }),
        () => pool.detect
      ]
      const borrower = Effect.repeat(
        Effect.suspend(() => Effect.exit(ways[below(ways.length)]!())),
        { times: 10 }
      )
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => start(borrower))
      for (const fiber of fibers) {
        yield* turns(below(8))
        if (below(3) > 0) yield* Fiber.interrupt(fiber)
      }
      // the picky ones may have to wait until their time is over
      const clock = yield* start(Effect.forever(Effect.andThen(turns(50), TestClock.adjust("1 second"))))
      yield* Fiber.awaitAll(fibers)
      yield* Fiber.interrupt(clock)
      for (const fiber of fibers) assert.include(["ok", "interrupted"], state(fiber))
      yield* sound(pool, world, 3)
    }).pipe(
      Effect.scoped,
      Random.withSeed(seed),
      Effect.provideService(Scheduler.MaxOpsBeforeYield, maxOps),
      named(`seed ${seed}, ops ${maxOps}`)
    )

  it.effect(
    "3 objects serve 20 fibers that are interrupted at random, and none is lost",
    () =>
      Effect.forEach(
        [3, 4, 5, 6, 7, 8, 9, 10, 11],
        (maxOps) => Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) => storm(seed, maxOps))
      )
  )
})
