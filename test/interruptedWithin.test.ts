/**
 * A waiting borrow that is interrupted, or aborted, by a function of the user's which the pool calls in the very step that
 * serves it: it loses nothing, nor does the pool (promises 1 to 3). Whichever call it is.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { type BorrowOptions, type Lease, type ObjectPool, type PoolOptions, Selector } from "../src/index.ts"
import { PromisePool, type PromisePoolOptions } from "../src/promise.ts"
import { hold, make, named, serves, settle, start } from "./support/borrowers.ts"
import { but } from "./support/clocks.ts"
import { failure, idle, turn } from "./support/promises.ts"

/** Functions of the user's: one of the next calls, whichever function it is, does something. */
class Calls {
  private left = -1
  private act = () => {}
  done = false

  readonly note = (): void => {
    if (this.left-- !== 0) return
    this.done = true
    this.act()
  }
  arm(calls: number, act: () => void): void {
    this.left = calls
    this.act = act
    this.done = false
  }
}

interface Shared {
  readonly objects: ReadonlyArray<string>
  readonly sharing?: number
  readonly select?: Selector<string>
  readonly leaseTimeout?: () => "1 hour"
  readonly onBorrow?: () => void
  readonly onRelease?: () => void
  readonly detectStatus?: () => "Available"
  readonly detection?: { readonly onBorrow: true; readonly onRelease?: true }
}

type Asking = (note: () => void) => BorrowOptions<string>

interface Scene {
  /** How many leases the objects carry in all. */
  readonly room: number
  /** What serves the one who waits: a lease that comes back, or an object that is added. */
  readonly by?: "release" | "add"
  readonly borrow?: Asking
}

/** Options that the two flavours share, with functions that take note of their calls. */
const scenes: Record<string, Scene & { readonly options: (note: () => void) => Shared }> = {
  "the weight of a shared object": {
    room: 2,
    by: "add",
    options: (note) => ({ objects: ["a"], sharing: 2, select: Selector.weighted(() => (note(), 1)) })
  },
  leaseTimeout: { room: 1, options: (note) => ({ objects: ["a"], leaseTimeout: () => (note(), "1 hour") }) },
  "its own where": {
    room: 1,
    options: () => ({ objects: ["a"] }),
    borrow: (note) => ({ where: () => (note(), true) })
  },
  "its own where, of what is shared": {
    room: 2,
    options: () => ({ objects: ["a"], sharing: 2 }),
    borrow: (note) => ({ where: () => (note(), true) })
  },
  "a plain hook": { room: 1, options: (note) => ({ objects: ["a"], onBorrow: note, onRelease: note }) },
  "a plain hook of what is shared": {
    room: 2,
    by: "add",
    options: (note) => ({ objects: ["a"], sharing: 2, onBorrow: note, onRelease: note })
  },
  "a plain detector": {
    room: 1,
    options: (note) => ({
      objects: ["a"],
      detectStatus: () => (note(), "Available" as const),
      detection: { onBorrow: true, onRelease: true }
    })
  },
  "the user's own selector": {
    room: 1,
    options: (note) => ({ objects: ["a"], select: Selector.make((available) => (note(), available[0])) })
  },
  "the user's own selector, of what is shared": {
    room: 2,
    by: "add",
    options: (note) => ({ objects: ["a"], sharing: 2, select: Selector.make((available) => (note(), available[0])) })
  }
}

/**
 * What is lent for the second time is replaced at once, where there is room. The one who waits wants just that: what was
 * made for it is taken out again.
 */
const replaced = { lifetime: { maxBorrows: 2, jitter: 0.1 }, size: { min: 2, max: 3 } } as const
const theFirst: Asking = () => ({ where: ({ object }) => object === "1" })
const misfit = "3"

const nothing: Asking = () => ({})

/** More calls than there are in any step. */
const most = 100

type Options = PoolOptions<string, undefined, never, never, Lease<string>>

/** A pool that is lent out, and one that waits: for each call that serving it makes, it is interrupted by that call. */
const interrupted = (
  title: string,
  { borrow = nothing, by = "release", room }: Scene,
  build: (calls: Calls) => Effect.Effect<ObjectPool<string>, never, Scope.Scope>,
  around: (calls: Calls) => <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E> = () => (effect) => effect
) => {
  for (const how of ["with", "borrow"] as const) {
    it.effect(`${title}: ${how}`, () =>
      Effect.gen(function*() {
        let call = -1
        let more = true
        while (more && ++call < most) {
          const scene = Effect.gen(function*() {
            const calls = new Calls()
            const pool = yield* build(calls)
            const options = borrow(calls.note)
            const held = yield* Effect.forEach(Array.from({ length: room }), () => hold(pool.borrowWith(options)))
            const waits = how === "with"
              ? pool.with(() => Effect.never, options)
              : Effect.scoped(Effect.andThen(pool.borrowWith(options), Effect.never))
            const waiter = yield* start(around(calls)(waits))
            yield* pool.remove(misfit)
            yield* settle
            assert.strictEqual((yield* pool.stats).waiting, 1)

            calls.arm(call, () => waiter.interruptUnsafe())
            yield* by === "add" ? pool.add("added") : held[0]!.release
            yield* settle
            more = calls.done
            if (!more) yield* Fiber.interrupt(waiter)
            calls.arm(-1, () => {})

            assert.isDefined(waiter.pollUnsafe())
            for (const { release } of held) yield* release
            yield* settle
            yield* serves(pool, by === "add" ? 2 * room : room)
          })
          yield* named(`call ${call}`)(Effect.scoped(scene))
        }
        assert.isAbove(call, 0, "nothing was called")
        assert.isBelow(call, most, "there are more calls")
      }))
  }
}

/** The same without Effect: it is aborted by that call. */
const aborted = (
  title: string,
  { borrow = nothing, by = "release", room }: Scene,
  build: (note: () => void) => PromisePoolOptions<string>
) => {
  for (const how of ["with", "borrow"] as const) {
    it(`${title}: ${how}`, async () => {
      let call = -1
      let more = true
      while (more && ++call < most) {
        const calls = new Calls()
        const pool = PromisePool.make(build(calls.note))
        const options = borrow(calls.note)
        const held = await Promise.all(Array.from({ length: room }, () => pool.borrow(options)))
        const controller = new AbortController()
        const given = { ...options, signal: controller.signal }
        const waiter = how === "with" ? pool.with(() => new Promise(() => {}), given) : pool.borrow(given)
        const ended = failure(waiter)
        pool.remove(misfit)
        await turn()
        assert.strictEqual(pool.stats().waiting, 1)

        calls.arm(call, () => controller.abort("aborted"))
        if (by === "add") pool.addSync("added")
        else held[0]!.releaseSync()
        more = calls.done
        if (!more) controller.abort("aborted")
        calls.arm(-1, () => {})

        assert.strictEqual(await ended, "aborted", `call ${call}`)
        for (const lease of held) lease.releaseSync()
        await turn()
        idle(pool)
        const again = await Promise.all(
          Array.from({ length: by === "add" ? 2 * room : room }, () => pool.borrow({ timeout: 0 }))
        )
        for (const lease of again) lease.releaseSync()
        await pool.close()
      }
      assert.isAbove(call, 0, "nothing was called")
      assert.isBelow(call, most, "there are more calls")
    })
  }
}

describe("a waiting borrow is interrupted from within the step that serves it, by", () => {
  for (const [name, { options, ...scene }] of Object.entries(scenes)) {
    interrupted(name, scene, (calls) => make<string>(options(calls.note)))
  }

  for (const by of ["acquire", "data", "the random source"] as const) {
    const scene: Scene = { room: 1, borrow: theFirst }
    interrupted(`${by}, for what takes an object's place`, scene, (calls) =>
      Effect.flatMap(Random.Random, (random) => {
        const note = (where: typeof by) => where === by ? calls.note() : undefined
        let made = 0
        const pool = make({
          ...replaced,
          acquire: Effect.sync(() => {
            note("acquire")
            return String(++made)
          }),
          data: () => note("data") as undefined
        })
        return Effect.provideService(pool, Random.Random, {
          nextIntUnsafe: () => random.nextIntUnsafe(),
          nextDoubleUnsafe: () => {
            note("the random source")
            return random.nextDoubleUnsafe()
          }
        })
      }))
  }

  const clocked = (calls: Calls, options: Options) =>
    Clock.clockWith((clock) =>
      Effect.provideService(
        make(options),
        Clock.Clock,
        but(clock, {
          currentTimeMillisUnsafe: () => (calls.note(), clock.currentTimeMillisUnsafe()),
          monotonicTimeNanosUnsafe: () => (calls.note(), clock.monotonicTimeNanosUnsafe()),
          sleep: (duration: Duration.Duration) => Effect.suspend(() => (calls.note(), clock.sleep(duration)))
        })
      )
    )
  interrupted(
    "the clock, with a lease time-out",
    { room: 1 },
    (calls) => clocked(calls, { objects: ["a"], leaseTimeout: "1 hour" })
  )
  interrupted("the clock, where the pool warns, and somebody listens", { room: 2, by: "add" }, (calls) =>
    Effect.tap(
      clocked(calls, {
        objects: ["a"],
        sharing: 2,
        leaseTimeout: "1 hour",
        leaseWarning: "1 minute",
        onBorrow: () => {}
      }),
      (pool) => start(Stream.runDrain(pool.events))
    ))

  interrupted(
    "the tracer",
    { room: 1 },
    () => make({ objects: ["a"], detectStatus: () => "Available", detection: { onBorrow: true }, onBorrow: () => {} }),
    (calls) =>
      Effect.withTracer(Tracer.make({
        span: (options) =>
          Object.assign(new Tracer.NativeSpan(options), { event: () => calls.note(), attribute: () => calls.note() })
      }))
  )
})

describe("a waiting borrow is aborted from within the step that serves it, by", () => {
  for (const [name, { options, ...scene }] of Object.entries(scenes)) aborted(name, scene, options)

  for (const by of ["acquire", "data"] as const) {
    aborted(`${by}, for what takes an object's place`, { room: 1, borrow: theFirst }, (note) => {
      let made = 0
      return {
        ...replaced,
        acquire: () => {
          if (by === "acquire") note()
          return String(++made)
        },
        data: () => by === "data" ? note() as undefined : undefined
      }
    })
  }
})
