/**
 * Who is told, or asked for the time, in the middle of a step may use the pool: whatever it does there, the books are right
 * and nothing is lost (promises 1, 2 and 26).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { type Lease, type ObjectPool, type PoolOptions, Selector } from "../src/index.ts"
import { hold, make, named, settle, start } from "./support/borrowers.ts"
import { but } from "./support/clocks.ts"
import { balanced } from "./support/scripted.ts"

type Pool = ObjectPool<string>
type Options = PoolOptions<string, undefined, never, never, Lease<string>>

const run = <A, E>(effect: Effect.Effect<A, E>): unknown => Effect.runSync(Effect.exit(effect))

/** What is done to the pool within the call. */
const acts: Record<string, (pool: Pool) => unknown> = {
  "takes the object out": (pool) => run(pool.remove("a")),
  "has it rest and wakes it": (pool) => run(Effect.andThen(pool.rest("a", "1 second"), pool.wake("a"))),
  "suspends and resumes": (pool) => run(Effect.andThen(pool.suspend, pool.resume)),
  borrows: (pool) => Effect.runFork(Effect.ignore(pool.with(() => Effect.yieldNow))),
  adds: (pool) => run(pool.add("added"))
}

const kinds: Record<string, Options> = {
  "plain objects": { objects: ["a"], leaseTimeout: "1 hour", leaseWarning: "1 minute" },
  "shared objects": { objects: ["a"], sharing: 2, select: Selector.weighted(() => 1) },
  "objects with hooks": { objects: ["a"], onBorrow: () => {}, onRelease: () => Effect.yieldNow },
  "objects that are detected": {
    objects: ["a"],
    detectStatus: () => "Available",
    detection: { onBorrow: true, onRelease: true }
  }
}

/** More calls than there are. */
const most = 400

for (const [kind, options] of Object.entries(kinds)) {
  describe(`a clock of ${kind}, with somebody who listens,`, () => {
    for (const [what, act] of Object.entries(acts)) {
      it.effect(`${what} within any of its calls`, () =>
        Effect.gen(function*() {
          let call = -1
          let more = true
          while (more && ++call < most) {
            const scene = Effect.gen(function*() {
              let left = -1
              let acting = (): unknown => undefined
              const note = () => {
                if (left-- === 0) acting()
              }
              const clock = yield* Clock.Clock
              const noting = but(clock, {
                currentTimeMillisUnsafe: () => (note(), clock.currentTimeMillisUnsafe()),
                monotonicTimeNanosUnsafe: () => (note(), clock.monotonicTimeNanosUnsafe()),
                sleep: (duration: Duration.Duration) => Effect.suspend(() => (note(), clock.sleep(duration)))
              })
              const defects: Array<string> = []
              const logger = Logger.make<unknown, void>(({ cause, message }) => {
                defects.push(`${String(message)} ${cause.reasons.map(String).join()}`)
              })
              const pool: Pool = yield* Effect.provideService(
                Effect.provideService(make<string>(options), Clock.Clock, noting),
                Logger.CurrentLoggers,
                new Set([logger])
              )
              yield* start(Stream.runDrain(pool.events))
              const held = yield* hold(pool.borrow)
              const waiters = yield* Effect.forEach([1, 2], () => start(pool.with(() => Effect.yieldNow)))

              acting = () => act(pool)
              left = call
              yield* held.release
              yield* settle
              more = left < 0
              left = -1
              yield* pool.add("b")
              yield* TestClock.adjust("2 seconds")
              yield* Effect.repeat(Effect.yieldNow, { times: 20 })

              for (const waiter of waiters) assert.isTrue((yield* Fiber.await(waiter))._tag === "Success")
              const { available, leases, pending, size, waiting } = yield* balanced(pool)
              assert.deepStrictEqual({ leases, pending, waiting, idle: available }, {
                leases: 0,
                pending: 0,
                waiting: 0,
                idle: size
              })
              const all = yield* Effect.forEach(Array.from({ length: size }), () =>
                hold(pool.borrowWith({ timeout: "1 second" })))
              for (const { release } of all) {
                yield* release
              }
              assert.deepStrictEqual(defects, [])
            })
            yield* named(`call ${call}`)(Effect.scoped(scene))
          }
          assert.isAbove(call, 0)
          assert.isBelow(call, most)
        }))
    }
  })
}

describe("a logger", () => {
  it.effect("takes out the object whose hook has failed: it leaves once, and its borrower hears nothing of it", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>(({ message }) => {
        lines.push(String(message))
        run(pool.remove("a"))
      })
      const pool: Pool = yield* Effect.provideService(
        make<string>({
          objects: ["a", "b"],
          onRelease: ({ object }) => object === "a" ? Effect.fail("broken") : undefined
        }),
        Logger.CurrentLoggers,
        new Set([logger])
      )
      yield* pool.with(() => Effect.void, { where: ({ object }) => object === "a" })

      assert.deepInclude(yield* balanced(pool), { size: 1, available: 1, pending: 0 })
      assert.strictEqual(lines.length, 1)
      yield* pool.with(() => Effect.void)
    }))
})
