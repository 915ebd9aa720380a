/**
 * Scripted objects: what `acquire`, `detectStatus`, `release` and the hooks do is said beforehand, what happened is
 * counted.
 */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ObjectPool, PooledObject, PoolStats } from "../../src/index.ts"

/** How a step goes: at once, with a failure, after {@link slow}, or not at all. */
export type Gate = "ok" | "fail" | "slow" | "never"

export const gates: ReadonlyArray<Gate> = ["ok", "fail", "slow", "never"]

/** How long a slow step takes. */
export const slow = "1 second"

export class Failed extends Data.TaggedError("Failed")<{ readonly step: string }> {}

/** An object that knows what was done to it. */
export class Thing {
  readonly n: number
  destroyed = 0
  /** Open leases: counted by the test. */
  users = 0
  constructor(n: number) {
    this.n = n
  }
}

export interface Script {
  acquire?: Gate | ((n: number) => Gate)
  detect?: Gate | ((thing: Thing, n: number) => Gate)
  release?: Gate | ((thing: Thing) => Gate)
  onBorrow?: Gate | (() => Gate)
  onRelease?: Gate | (() => Gate)
}

const pass = (gate: Gate, step: string): Effect.Effect<void, Failed> => {
  switch (gate) {
    case "ok":
      return Effect.void
    case "fail":
      return Effect.fail(new Failed({ step }))
    case "slow":
      return Effect.sleep(slow)
    case "never":
      return Effect.never
  }
}

const gateOf = <Args extends ReadonlyArray<unknown>>(
  gate: Gate | ((...args: Args) => Gate) | undefined,
  ...args: Args
): Gate => gate === undefined ? "ok" : typeof gate === "function" ? gate(...args) : gate

/** What a pool is made from, following a script that may be changed as it goes. */
export const scripted = (script: Script = {}) => {
  const things: Array<Thing> = []
  const counts = { acquiring: 0, detected: 0, detecting: 0, mostDetecting: 0, destroying: 0 }
  return {
    /** May be changed as it goes. */
    script,
    /** Everything that was made, in order. */
    things,
    counts,
    acquire: Effect.suspend((): Effect.Effect<Thing, Failed, Scope.Scope> => {
      const n = ++counts.acquiring
      return Effect.acquireRelease(
        Effect.map(pass(gateOf(script.acquire, n), "acquire"), () => {
          const thing = new Thing(things.length + 1)
          things.push(thing)
          return thing
        }),
        (thing) => {
          counts.destroying++
          return Effect.andThen(
            Effect.orDie(pass(gateOf(script.release, thing), "release")),
            Effect.sync(() => {
              thing.destroyed++
            })
          )
        },
        { interruptible: true }
      )
    }),
    detectStatus: ({ object }: PooledObject<Thing, unknown>) =>
      Effect.suspend(() => {
        counts.detected++
        counts.detecting++
        counts.mostDetecting = Math.max(counts.mostDetecting, counts.detecting)
        return Effect.ensuring(
          Effect.as(pass(gateOf(script.detect, object, counts.detected), "detect"), "Available" as const),
          Effect.sync(() => {
            counts.detecting--
          })
        )
      }),
    onBorrow: () => Effect.suspend(() => pass(gateOf(script.onBorrow), "onBorrow")),
    onRelease: () => Effect.suspend(() => pass(gateOf(script.onRelease), "onRelease"))
  }
}

/** A scripted `acquire`, and the milliseconds at which each attempt was begun. */
export const timed = (script: Script = {}) =>
  Effect.map(Clock.currentTimeMillis, (begun) => {
    const made = scripted(script)
    const attempts: Array<number> = []
    const acquire = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      attempts.push(now - begun)
      return made.acquire
    })
    return { ...made, acquire, attempts }
  })

/** The numbers of the things that are in the pool, the oldest first. */
export const inside = <D, E, P>(pool: ObjectPool<Thing, D, E, P>) =>
  Effect.map(pool.objects, (objects) => objects.map(({ object }) => object.n))

/** The books balance: the statuses sum to the size, and the room is kept. */
export const balanced = <A, D, E, P>(pool: ObjectPool<A, D, E, P>): Effect.Effect<PoolStats> =>
  Effect.map(pool.stats, (stats) => {
    const { available, borrowed, dormant, invalid, pending, unknown } = stats
    assert.strictEqual(pending + available + borrowed + dormant + unknown + invalid, stats.size, "statuses sum to size")
    assert.isAtMost(stats.size + stats.making, stats.max ?? Infinity, "size + making is at most max")
    return stats
  })
