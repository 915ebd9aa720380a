/**
 * Objects of many keys, whose making and destroying is scripted and counted: never more than there may be, at any instant.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type KeyedOptions, KeyedPool, type PoolStats } from "../../src/index.ts"

export interface Thing {
  readonly key: string
  readonly id: number
}

/** How long making and destroying takes, of all keys or by key; and how it ends. */
interface Script {
  acquire: (key: string) => Effect.Effect<void, string>
  destroy: (key: string) => Effect.Effect<void>
}

export const world = (max: number, perKey = Infinity) => {
  const script: Script = { acquire: () => Effect.void, destroy: () => Effect.void }
  const there = new Map<string, number>()
  const made: Array<string> = []
  const gone: Array<string> = []
  let all = 0
  let most = 0
  let lastId = 0
  const count = (key: string, change: 1 | -1) =>
    Effect.sync(() => {
      all += change
      const own = (there.get(key) ?? 0) + change
      there.set(key, own)
      most = Math.max(most, all)
      assert.isAtMost(all, max, "objects of all keys, those being made and destroyed included")
      assert.isAtMost(own, perKey, `objects of ${key}`)
    })
  const acquire = (key: string): Effect.Effect<Thing, string, never> =>
    Effect.gen(function*() {
      yield* script.acquire(key)
      const id = ++lastId
      made.push(`${key}${id}`)
      return { key, id }
    })
  return {
    script,
    made,
    gone,
    get all() {
      return all
    },
    /** How many there are of a key. */
    of: (key: string): number => there.get(key) ?? 0,
    get most() {
      return most
    },
    /** Options of a pool: the room of an object is counted from before it is made until it has been destroyed. */
    options: {
      acquire: (key: string) =>
        Effect.flatMap(
          Effect.acquireRelease(count(key, 1), () => count(key, -1)),
          () =>
            Effect.acquireRelease(
              acquire(key),
              (thing) =>
                Effect.andThen(
                  Effect.suspend(() => script.destroy(thing.key)),
                  Effect.sync(() => {
                    gone.push(`${thing.key}${thing.id}`)
                  })
                ),
              { interruptible: true }
            )
        ),
      size: { max, perKey: { max: perKey } }
    }
  }
}

export type World = ReturnType<typeof world>

export const make = (
  world: World,
  options: Partial<KeyedOptions<string, Thing, undefined, string, never, never>> = {}
) =>
  Effect.tap(
    KeyedPool.make({ closing: { timeout: 0 }, ...world.options, ...options as {} }),
    // time stands still as the test ends: what takes some has to end before
    () =>
      Effect.addFinalizer(() =>
        Effect.suspend(() => {
          world.script.destroy = () => Effect.void
          return TestClock.adjust("1 hour")
        })
      )
  )

export type Pool = Effect.Success<ReturnType<typeof make>>

/** Lets everything happen that is due now: an object that goes, and one that is made for it, take several turns. */
export const calm = Effect.repeat(TestClock.adjust(0), { times: 20 })

/** Borrows an object of a key in a fiber of its own, and keeps it until it is let go. */
export const keep = (pool: Pool, key: string, got: Array<string> = []) =>
  Effect.forkChild(
    Effect.scoped(Effect.flatMap(pool.borrow(key), (lease) => {
      got.push(`${lease.object.key}${lease.object.id}`)
      return Effect.never
    })),
    { startImmediately: true }
  )

export const letGo = <A, E>(fiber: Fiber.Fiber<A, E>) => Fiber.interrupt(fiber)

/** Borrows, and gives back at once: what is made for it stays idle. */
export const use = (pool: Pool, key: string) =>
  pool.with(key, (lease) => Effect.succeed(`${lease.object.key}${lease.object.id}`))

/** `"ok"`, or what it has failed with. */
export const outcome = <A, E extends string | { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, {
    onFailure: (error): string => typeof error === "string" ? error : error._tag,
    onSuccess: () => "ok"
  })

/** What the counts of the whole say, beside those of each key. */
export const agree = (stats: PoolStats, each: ReadonlyArray<PoolStats | undefined>) => {
  for (const count of ["size", "available", "borrowed", "making", "leases", "waiting", "invalid", "pending"] as const) {
    assert.strictEqual(stats[count], each.reduce((sum, stats) => sum + (stats?.[count] ?? 0), 0), count)
  }
}
