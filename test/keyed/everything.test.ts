/**
 * Random borrowers of one and of several objects of three keys under one ceiling, amid all else that may be asked of their pools: never more than there
 * may be, at any instant; nobody is left behind; and in the end nothing is left.
 *
 * `MODEL_RUNS=2000` plays more of them; `MODEL_SEED=7` that one alone.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type KeyedLease, KeyedPool, type Status } from "../../src/index.ts"
import { agree, calm } from "../support/keyed.ts"
import { drawing } from "../support/random.ts"
import { playSeeds } from "../support/seeds.ts"

const keys = ["a", "b", "c"]

interface Thing {
  readonly key: string
}

const play = (seed: number) =>
  Effect.gen(function*() {
    const draw = drawing(seed)
    const at = `seed ${seed}`
    let calmNow = false
    let max = 1 + draw(4)
    let all = 0
    const wrong: Array<string> = []
    const sometimes = (n: number) => !calmNow && draw(n) === 0
    const pause = () => sometimes(3) ? Effect.sleep(1 + draw(4)) : Effect.void
    const acquire = (key: string): Effect.Effect<Thing, string, never> =>
      Effect.acquireRelease(
        Effect.sync(() => {
          if (all >= max) wrong.push(`${at}: one more of ${key} though there are ${all} of ${max}`)
          all++
        }),
        () => Effect.andThen(pause(), Effect.sync(() => all--))
      ).pipe(
        Effect.andThen(Effect.suspend(pause)),
        Effect.andThen(Effect.suspend(() => sometimes(8) ? Effect.fail("down") : Effect.succeed({ key })))
      ) as never
    const answers: ReadonlyArray<Status.Answer> = ["Available", "Available", "Unknown", "Invalid"]
    const pool = yield* KeyedPool.make({
      acquire,
      size: { max, perKey: { max: 1 + draw(3), min: draw(4) === 0 ? 1 : 0 } },
      ...draw(2) === 0 && {
        detectStatus: () => {
          const answer = calmNow ? "Available" as const : answers[draw(answers.length)]!
          return draw(2) === 0 ? answer : Effect.as(pause(), answer)
        },
        detection: { onBorrow: true, dormantFor: 3 }
      },
      idleKeys: "20 millis",
      borrowTimeout: "Infinity",
      closing: { timeout: 5 }
    })
    // time stands still as the test ends: what takes some has to end before
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        calmNow = true
        return TestClock.adjust("1 minute")
      })
    )
    const borrowers: Array<Fiber.Fiber<unknown, unknown>> = []
    const anyKey = () => keys[draw(keys.length)]!
    const fork = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.forkChild(Effect.exit(effect), { startImmediately: true })
    const use = (lease: KeyedLease<string, Thing>) =>
      Effect.andThen(
        pause(),
        sometimes(6) ? lease.invalidate : sometimes(6) ? lease.rest(1 + draw(5)) : Effect.void
      )
    const borrow = Effect.suspend(() =>
      Effect.map(
        fork(
          draw(3) === 0
            ? pool.withMany(anyKey(), 1 + draw(3), (leases) => Effect.forEach(leases, use))
            : pool.with(anyKey(), use)
        ),
        (fiber) => borrowers.push(fiber)
      )
    )
    const object = Effect.map(pool.objects, (objects) => objects[draw(Math.max(1, objects.length))])
    const withObject = (f: (key: string, of: NonNullable<Effect.Success<typeof object>>) => Effect.Effect<unknown>) =>
      Effect.flatMap(object, (found) => found === undefined ? Effect.void : f(found.key, found))
    const moves: ReadonlyArray<() => Effect.Effect<unknown, unknown>> = [
      () => borrow,
      () => borrow,
      () => borrow,
      () => borrow,
      () => TestClock.adjust(1 + draw(4)),
      () => TestClock.adjust(1 + draw(30)),
      () => borrowers.length === 0 ? Effect.void : Fiber.interrupt(borrowers[draw(borrowers.length)]!),
      () => withObject((key, of) => pool.rest(key, of, 1 + draw(9))),
      () => withObject((key, of) => pool.wake(key, of)),
      () => withObject((key, of) => pool.remove(key, of)),
      () => withObject((key, of) => pool.revoke(key, of)),
      () => fork(pool.forget(anyKey())),
      () => fork(pool.rotate),
      () => fork(pool.detect),
      () => fork(draw(2) === 0 ? pool.suspend : pool.drain),
      () => pool.resume,
      () =>
        Effect.suspend(() => {
          max = 1 + draw(4)
          return pool.resize({ max, perKey: { min: 0 } })
        }),
      () => pool.resizeKey(anyKey(), { min: 0, max: 1 + draw(3) })
    ]
    for (let step = 0; step < 50; step++) {
      yield* Effect.exit(moves[draw(moves.length)]!())
      yield* calm
      assert.deepStrictEqual(wrong, [])
      agree(yield* pool.stats, yield* Effect.forEach(yield* pool.keys, pool.statsOf))
    }

    calmNow = true
    yield* pool.resume
    yield* pool.resize({ max, perKey: { min: 0, max: "Infinity" } })
    for (const key of keys) yield* fork(pool.forget(key))
    for (let i = 0; i < 4; i++) yield* Effect.andThen(TestClock.adjust("1 minute"), calm)
    assert.deepStrictEqual(wrong, [])
    assert.deepStrictEqual(
      borrowers.filter((fiber) => fiber.pollUnsafe() === undefined).length,
      0,
      `${at}: all are served`
    )
    const held = yield* Effect.forEach(Array.from({ length: max }), () =>
      Effect.forkChild(Effect.scoped(Effect.andThen(pool.borrow(anyKey()), Effect.never)), { startImmediately: true }))
    yield* calm
    yield* TestClock.adjust("1 minute")
    yield* calm
    assert.strictEqual((yield* pool.stats).leases, max, `${at}: as many as there is room for are lent at once`)
    yield* Effect.forEach(held, Fiber.interrupt)
    yield* fork(pool.close)
    yield* Effect.andThen(TestClock.adjust("1 minute"), calm)
    assert.strictEqual(all, 0, `${at}: nothing is left`)
  })

describe("three keys under one ceiling, amid all else that may be asked of a pool", () => {
  playSeeds("have never more than there may be, and leave nobody behind", 60, play)
})
