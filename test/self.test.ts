/**
 * What an object tells its pool of itself, whatever the object is doing, and whoever calls.
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Exit, Fiber, Logger, Random, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import { EventEmitter } from "node:events"
import { InvalidPoolOptions, type ObjectPool, type PoolOptions, type Self, type Status } from "../src/index.ts"
import { hold, keep, make, settle, start, state, statuses } from "./support/borrowers.ts"
import { balanced, type Failed, inside, type Script, scripted, slow, Thing } from "./support/scripted.ts"

type Options = Partial<PoolOptions<Thing, undefined, Failed, never, never>>

/** A pool of scripted things, each of which has its `self`. */
const pooled = (script: Script = {}, options: Options = {}) =>
  Effect.gen(function*() {
    const world = scripted(script)
    const selves: Array<Self> = []
    const pool: ObjectPool<Thing, undefined, Failed> = yield* make<Thing, undefined, Failed, never, never, Scope.Scope>(
      {
        acquire: (self) => {
          selves.push(self)
          return world.acquire
        },
        size: { max: 2 },
        ...options as {}
      }
    )
    return { ...world, pool, selves }
  })

/** A pool of one idle thing. */
const idle = (script: Script = {}, options: Options = {}) =>
  Effect.tap(pooled(script, options), ({ pool }) => Effect.andThen(Effect.scoped(pool.borrow), settle))

const noLog = Effect.provideService(Logger.CurrentLoggers, new Set<Logger.Logger<unknown, unknown>>())

describe("an object that tells its pool of itself", () => {
  it.effect("never becomes Available, if it was invalidated before acquire had ended", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      let calls = 0
      const pool = yield* make({
        acquire: (self) =>
          Effect.sync(() => {
            if (++calls === 1) self.invalidate()
            return calls
          }),
        detectStatus: ({ object }) => {
          seen.push(`detected ${object}`)
          return "Available"
        }
      })
      const { lease } = yield* hold(pool.borrow)
      yield* settle

      assert.strictEqual(lease.object, 2)
      assert.deepStrictEqual(seen, ["detected 2"])
      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1, waiting: 0 })
      assert.deepInclude((yield* pool.stats).totals, { made: 2, destroyed: 1, borrowed: 1 })
    }))

  it.effect("rests from its first moment, if it was told to before acquire had ended, and is detected as it wakes", () =>
    Effect.gen(function*() {
      const { counts, pool, things } = yield* pooled({}, {})
      const world = scripted()
      const rested = yield* make({
        acquire: (self) => {
          self.rest("3 seconds")
          return Effect.andThen(Effect.sleep("1 second"), world.acquire)
        },
        detectStatus: world.detectStatus,
        size: { max: 1 }
      })
      const borrower = yield* start(hold(rested.borrow))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* statuses(rested), ["Dormant"])
      assert.strictEqual(world.counts.detected, 0)

      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(state(borrower), "waits")
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([state(borrower), world.counts.detected], ["ok", 1])
      assert.deepStrictEqual([counts.acquiring, things.length, (yield* pool.stats).size], [0, 0, 0])
    }))

  it.effect("does not rest, if the time has passed by then", () =>
    Effect.gen(function*() {
      const pool = yield* make({
        acquire: (self) => {
          self.rest("1 second")
          return Effect.as(Effect.sleep("2 seconds"), "a")
        }
      })
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("2 seconds")

      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("is detected as it joins, if it asked before acquire had ended, though `onAdd` says no", () =>
    Effect.gen(function*() {
      for (const asks of [false, true]) {
        const world = scripted()
        const pool = yield* make({
          acquire: (self) => {
            if (asks) self.detect()
            return world.acquire
          },
          detectStatus: world.detectStatus,
          detection: { onAdd: false, onBorrow: false },
          size: { min: 1 }
        })
        yield* pool.ready

        assert.strictEqual(world.counts.detected, asks ? 1 : 0)
      }
    }))

  it.effect("leaves at once when it is invalidated while it is idle: the minimum is refilled, a waiter gets another", () =>
    Effect.gen(function*() {
      const { pool, selves, things } = yield* pooled({}, { size: { min: 1, max: 1 } })
      yield* pool.ready
      selves[0]!.invalidate()
      assert.deepStrictEqual(yield* statuses(pool), ["Invalid"])
      const borrower = yield* start(hold(pool.borrow))
      yield* settle

      assert.strictEqual(state(borrower), "ok")
      assert.deepStrictEqual(yield* inside(pool), [2])
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 0])
    }))

  it.effect("leaves when its lease ends, if it is invalidated while it is lent", () =>
    Effect.gen(function*() {
      const { pool, selves, things } = yield* pooled()
      const { lease, release } = yield* hold(pool.borrow)
      selves[0]!.invalidate()
      yield* settle
      assert.deepStrictEqual([lease.pooled.status, things[0]!.destroyed], ["Borrowed", 0])

      yield* release
      yield* settle
      assert.deepStrictEqual([yield* inside(pool), things[0]!.destroyed], [[], 1])
    }))

  it.effect("rests at once while it is idle, and after its lease while it is lent; of two rests the later wins", () =>
    Effect.gen(function*() {
      const { pool, selves } = yield* idle()
      const [object] = yield* pool.objects
      selves[0]!.rest("3 seconds")
      selves[0]!.rest("1 second")
      assert.strictEqual(object!.status, "Dormant")
      assert.strictEqual(DateTime.toEpochMillis(object!.wakesAt!), 3000)
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(object!.status, "Available")

      const { release } = yield* hold(pool.borrow)
      selves[0]!.rest(Duration.seconds(2))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(object!.status, "Borrowed")
      yield* release
      assert.strictEqual(object!.status, "Dormant")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(object!.status, "Available")
    }))

  it.effect("is not lent before it has been detected, if it asks for that while it is idle", () =>
    Effect.gen(function*() {
      const { counts, detectStatus, script } = scripted()
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed(new Thing(1))
        },
        detectStatus,
        size: { max: 1 }
      })
      yield* Effect.scoped(pool.borrow)
      script.detect = "slow"
      self!.detect()
      assert.deepStrictEqual([yield* statuses(pool), counts.detected], [["Pending"], 2])
      const borrower = yield* start(hold(pool.borrow))
      self!.detect()
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual([state(borrower), counts.detected], ["ok", 2])
    }))

  for (const busy of ["lent", "in onBorrow", "in onRelease"] as const) {
    it.effect(`is detected when it is free, if it asks for that while it is ${busy}, and not lent on before`, () =>
      Effect.gen(function*() {
        const { counts, detectStatus } = scripted()
        const calls: Array<string> = []
        let self: Self | undefined
        const hook = (name: string, here: boolean) => () => {
          calls.push(name)
          if (here && calls.filter((call) => call === name).length === 1) self!.detect()
        }
        const pool = yield* make({
          acquire: (given) => {
            self = given
            return Effect.succeed(new Thing(1))
          },
          detectStatus: (pooled) => {
            calls.push("detect")
            return detectStatus(pooled)
          },
          detection: { onAdd: false, onBorrow: false },
          onBorrow: hook("onBorrow", busy === "in onBorrow"),
          onRelease: hook("onRelease", busy === "in onRelease"),
          size: { max: 1 }
        })
        const { release } = yield* hold(pool.borrow)
        if (busy === "lent") self!.detect()
        yield* release
        yield* settle
        yield* Effect.scoped(pool.borrow)

        const prepared = ["onBorrow", "onRelease"]
        assert.deepStrictEqual(calls, [...prepared, "detect", ...prepared, ...busy === "in onBorrow" ? prepared : []])
        assert.strictEqual(counts.detected, 1)
      }))
  }

  it.effect("is detected while its leases go on, if it is shared, and takes no new ones meanwhile", () =>
    Effect.gen(function*() {
      let answer: Status.Answer = "Available"
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed("a")
        },
        detectStatus: () => Effect.as(Effect.sleep("1 second"), answer),
        detection: { onAdd: false, onBorrow: false },
        sharing: 2,
        size: { max: 1 }
      })
      const { lease } = yield* hold(pool.borrow)
      answer = "Invalid"
      self!.detect()
      const other = yield* start(hold(pool.borrow))
      assert.deepStrictEqual([lease.pooled.status, state(other)], ["Borrowed", "waits"])

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([lease.pooled.status, state(other)], ["Borrowed", "waits"])
      yield* lease.release
      yield* settle
      assert.strictEqual(state(other), "ok")
      assert.strictEqual((yield* pool.stats).totals.made, 2)
    }))

  it.effect("is left alone until a known time has come, if it asks to be detected while it rests", () =>
    Effect.gen(function*() {
      const { counts, detectStatus } = scripted()
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed(new Thing(1))
        },
        detectStatus,
        size: { min: 1 }
      })
      yield* pool.ready
      self!.rest("2 seconds")
      self!.detect()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(counts.detected, 1)

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* statuses(pool), counts.detected], [["Available"], 2])
      yield* Effect.scoped(pool.borrow)
      assert.deepStrictEqual([yield* statuses(pool), counts.detected], [["Available"], 2])
    }))

  it.effect("is asked about at once while it is plainly Dormant, or Unknown", () =>
    Effect.gen(function*() {
      for (const first of ["Dormant", "Unknown"] as const) {
        let answer: Status.Answer = first
        let self: Self | undefined
        const pool = yield* make({
          acquire: (given) => {
            self = given
            return Effect.succeed("a")
          },
          detectStatus: () => answer,
          detection: { dormantFor: "1 hour", retry: Schedule.spaced("1 hour") },
          size: { min: 1, max: 1 }
        })
        yield* settle
        assert.deepStrictEqual(yield* statuses(pool), [first])
        answer = "Available"
        self!.detect()

        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        yield* TestClock.adjust("2 hours")
        assert.deepInclude(yield* balanced(pool), { available: 1, size: 1 })
      }
    }))

  it.effect("is content with the answer that is being given, if it asks for one within the call of the detector", () =>
    Effect.gen(function*() {
      let asked = 0
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed("a")
        },
        detectStatus: () => {
          asked++
          self!.detect()
          return "Available"
        },
        detection: { onBorrow: true },
        sharing: 3,
        size: { max: 1 }
      })
      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* settle
      assert.deepStrictEqual(borrowers.map(state), ["ok", "ok", "ok"])
      for (const lease of yield* pool.leases) yield* lease.release
      assert.deepStrictEqual([yield* statuses(pool), asked], [["Available"], 3])

      const again = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* settle
      assert.deepStrictEqual(again.map(state), ["ok", "ok", "ok"])
      for (const lease of yield* pool.leases) yield* lease.release
      assert.deepStrictEqual([yield* statuses(pool), asked], [["Available"], 6])
    }))

  it.effect("is detected, if it asks for that while a detection is being given up that nobody wants any more", () =>
    Effect.gen(function*() {
      let asked = 0
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed("a")
        },
        detectStatus: () => {
          asked++
          return Effect.as(Effect.uninterruptible(Effect.sleep("1 second")), "Available" as const)
        },
        detection: { onAdd: false, onBorrow: true },
        size: { min: 1, max: 1 }
      })
      yield* pool.ready
      const borrower = yield* start(hold(pool.borrow))
      yield* Fiber.interrupt(borrower)
      self!.detect()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* statuses(pool), asked], [["Pending"], 2])

      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* statuses(pool), asked], [["Available"], 2])
    }))

  it.effect("leaves nobody behind who waits for it, if it is taken out in the very step in which it joins", () =>
    Effect.gen(function*() {
      let thing: object | undefined
      let left = 1
      const random = {
        nextIntUnsafe: () => 0,
        nextDoubleUnsafe: () => {
          if (left-- === 1) assert.isTrue(Effect.runSync(pool.remove(thing!)))
          return 0
        }
      }
      const pool: ObjectPool<object> = yield* Effect.provideService(
        make({
          acquire: Effect.sync((): object => thing = {}),
          lifetime: { timeToLive: "1 hour" },
          size: { max: 1 }
        }),
        Random.Random,
        random
      )
      const borrower = yield* start(hold(pool.borrow))
      yield* settle

      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("has its detection interrupted, if it is invalidated while it is detected", () =>
    Effect.gen(function*() {
      const { counts, detectStatus, script } = scripted()
      script.detect = (_, n) => n === 1 ? "never" : "ok"
      const selves: Array<Self> = []
      const pool = yield* make({
        acquire: (self) => Effect.sync(() => new Thing(selves.push(self))),
        detectStatus,
        size: { max: 1 }
      })
      const { lease } = yield* Effect.tap(
        Effect.map(start(hold(pool.borrow)), (fiber) => ({ lease: fiber })),
        () => settle
      )
      assert.deepStrictEqual([yield* statuses(pool), counts.detecting], [["Pending"], 1])
      selves[0]!.invalidate()
      yield* settle

      assert.deepStrictEqual([state(lease), selves.length, counts.detecting], ["ok", 2, 0])
    }))

  it.effect("is taken at its word by the borrowers: after three in a row that turn out useless they wait a while", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* make({
        acquire: (self) => {
          made++
          self.invalidate()
          return Effect.succeed({})
        },
        borrowTimeout: "1 second"
      })
      const borrower = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("99 millis")
      assert.strictEqual(made, 3)
      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(borrower), "BorrowTimeout")
      assert.isBelow(made, 8)
    }))

  it.effect("is replaced at once, but not without end where each goes as soon as it is there", () =>
    Effect.gen(function*() {
      let made = 0
      let dies = true
      const pool = yield* make({
        acquire: (self) =>
          Effect.sync(() => {
            made++
            if (dies) queueMicrotask(() => self.invalidate())
            return { made }
          }),
        size: { min: 1 }
      })
      for (let i = 0; i < 50; i++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.strictEqual(made, 4)
      yield* TestClock.adjust("1 second")
      assert.isAtMost(made, 16)

      dies = false
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { available: 1, size: 1 })
    }))

  it.effect("says nothing any more when it has gone, has been detached, or its pool is closed", () =>
    Effect.gen(function*() {
      const { pool, selves, things } = yield* pooled()
      const detached = yield* Scope.make()
      yield* pool.with((lease) => Scope.provide(lease.detach, detached))
      const { lease, release } = yield* hold(pool.borrow)
      yield* pool.remove(lease.object)
      yield* release
      yield* settle
      yield* hold(pool.borrow)
      const before = yield* pool.stats
      for (const self of selves.slice(0, 2)) {
        self.invalidate()
        self.detect()
        self.rest("1 second")
      }
      assert.deepStrictEqual(yield* pool.stats, before)
      yield* pool.close
      for (const self of selves) {
        self.rest("1 second")
        self.detect()
        self.invalidate()
      }
      yield* settle

      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [0, 1, 1])
      yield* Scope.close(detached, Exit.void)
      assert.deepStrictEqual(things.map(({ destroyed }) => destroyed), [1, 1, 1])
    }))

  it.effect("may be called as a listener, taken off, and run as an effect", () =>
    Effect.gen(function*() {
      const { pool, selves } = yield* pooled({}, { size: { min: 1 } })
      const emitter = new EventEmitter()
      for (let i = 0; i < 3; i++) {
        yield* pool.ready
        const { detect, invalidate, rest } = selves[i]!
        assert.strictEqual(invalidate, selves[i]!.invalidate)
        assert.deepStrictEqual([detect(), rest("1 milli")], [undefined, undefined])
        assert.isTrue(Effect.isEffect(invalidate))
        if (i === 0) emitter.once("error", invalidate).emit("error", new Error("gone"))
        if (i === 1) yield* invalidate
        if (i === 2) yield* Effect.andThen(Effect.void, invalidate)
        assert.strictEqual((yield* pool.stats).totals.destroyed + (yield* pool.stats).invalid, i + 1)
        yield* settle
      }
    }))

  it.effect("does nothing as an effect before that is run", () =>
    Effect.gen(function*() {
      const { pool, selves } = yield* idle()
      const later = Effect.delay(selves[0]!.invalidate, "1 second")
      const fiber = yield* start(later)
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
      yield* TestClock.adjust("1 second")

      assert.strictEqual(state(fiber), "ok")
      assert.deepStrictEqual(yield* inside(pool), [])
    }))

  it.effect("is told which call was given what is no duration", () =>
    Effect.gen(function*() {
      const { pool, selves } = yield* idle()
      const added = yield* pool.add(new Thing(9))
      for (const { rest } of [selves[0]!, added]) {
        for (const nonsense of [NaN, -1, "1 fortnight", {}, undefined, null, [], "soon"]) {
          const thrown = yield* Effect.flip(
            Effect.try({ try: () => rest(nonsense as never), catch: (error) => error as InvalidPoolOptions })
          )
          assert.instanceOf(thrown, InvalidPoolOptions)
          assert.strictEqual(thrown.option, "rest")
          assert.match(thrown.message, /option `rest` is .*a duration, zero or longer/)
        }
      }
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Available"])
    }))

  it.effect("throws nothing that its call leads to at whoever calls", () =>
    Effect.gen(function*() {
      let throws = false
      let self: Self | undefined
      const pool = yield* make({
        acquire: (given) => {
          self = given
          return Effect.succeed("a")
        },
        select: (available) => {
          if (throws) throw new Error("thrown by the selector")
          return available[0]
        },
        detectStatus: () => {
          if (throws) throw new Error("thrown by the detector")
          return "Available"
        },
        size: { min: 1, max: 2 }
      })
      yield* pool.ready
      yield* keep(pool.borrow)
      throws = true
      for (const call of [self!.detect, self!.invalidate]) call()
      yield* settle

      yield* balanced(pool)
    }).pipe(noLog))

  it.effect("may tell it within each of the pool's callbacks, and in the midst of another's call", () =>
    Effect.gen(function*() {
      for (const call of ["invalidate", "detect", "rest"] as const) {
        for (const site of ["data", "detect", "onBorrow", "onRelease", "leaseTimeout", "where", "pack"] as const) {
          const selves = new Map<Thing, Self>()
          let left = 2
          const tells = (at: typeof site, thing: Thing) => {
            if (at !== site || left-- <= 0) return
            const self = selves.get(thing)!
            if (call === "rest") self.rest("1 second")
            else self[call]()
          }
          const things: Array<Thing> = []
          const pool = yield* make({
            acquire: (self) =>
              Effect.acquireRelease(
                Effect.sync(() => {
                  const thing = new Thing(things.length + 1)
                  things.push(thing)
                  selves.set(thing, self)
                  return thing
                }),
                (thing) => Effect.sync(() => thing.destroyed++)
              ),
            data: (thing) => {
              tells("data", thing)
              return 1
            },
            detectStatus: ({ object }) => {
              tells("detect", object)
              return "Available"
            },
            leaseTimeout: ({ object }) => {
              tells("leaseTimeout", object)
              return "1 hour"
            },
            onBorrow: ({ object }) => tells("onBorrow", object),
            onRelease: ({ object }) => tells("onRelease", object),
            pack: (lease) => {
              tells("pack", lease.object)
              return lease
            },
            size: { max: 2 }
          })
          const where = ({ object }: { readonly object: Thing }) => {
            tells("where", object)
            return true
          }
          for (let i = 0; i < 6; i++) {
            const borrowers = [1, 2, 3].map(() => start(Effect.scoped(pool.borrowWith({ where }))))
            const fibers = yield* Effect.all(borrowers)
            yield* TestClock.adjust("2 seconds")
            assert.deepStrictEqual(fibers.map(state), ["ok", "ok", "ok"], `${call} in ${site}`)
            assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, pending: 0, dormant: 0 })
          }
          yield* pool.close
          assert.isTrue(things.every(({ destroyed }) => destroyed === 1), `${call} in ${site}`)
        }
      }
    }))

  it.effect("tells it by the answer of `add` as well", () =>
    Effect.gen(function*() {
      const { counts, detectStatus } = scripted()
      const pool = yield* make<Thing>({ detectStatus })
      const things = [1, 2, 3].map((n) => new Thing(n))
      const release = (thing: Thing) => Effect.sync(() => thing.destroyed++).pipe(Effect.asVoid)
      const [one, two, three] = yield* pool.addAll(things, { release })
      assert.strictEqual((yield* pool.objects)[0], one)

      one!.invalidate()
      two!.rest("1 second")
      three!.detect()
      assert.deepStrictEqual([one, two, three].map((each) => each!.status), ["Invalid", "Dormant", "Available"])
      assert.strictEqual(counts.detected, 4)
      yield* settle
      assert.deepStrictEqual([yield* inside(pool), things[0]!.destroyed], [[2, 3], 1])

      // the object may join anew: its old record has nothing to say of that
      const again = yield* pool.add(things[0]!)
      one!.invalidate()
      assert.strictEqual(again.status, "Available")
    }))

  it.effect("is a defect that says so, where acquire answers with what is no effect", () =>
    Effect.gen(function*() {
      const pool = yield* make({ acquire: (() => "a") as never })
      const exit = yield* Effect.exit(Effect.scoped(pool.borrow))

      assert.match(String(exit), /acquire.*no effect/)
    }))
})

/** What an object is doing as it tells its pool of itself. */
const scenes = {
  "being made": { script: { acquire: "slow" } },
  "being detected as it joins": { script: { detect: "slow" } },
  "detected for a borrower": { script: { detect: (_, n) => n === 1 ? "ok" : "slow" }, onBorrow: true },
  "in onBorrow": { script: { onBorrow: "slow" } },
  "lent": { script: {} },
  "lent and shared": { script: {}, sharing: 2 },
  "lent, and detected": { script: { detect: (_, n) => n === 1 ? "ok" : "slow" }, sharing: 2, asked: true },
  "in onRelease": { script: { onRelease: "slow" }, returned: true },
  "idle": { script: {}, returned: true },
  "resting": { script: {}, returned: true, rests: true },
  "unknown": { script: { detect: (_, n) => n === 1 ? "fail" : "ok" } },
  "being destroyed": { script: { release: "slow" }, returned: true, removed: true },
  "gone": { script: {}, returned: true, removed: true },
  "in a pool that closes": { script: {}, closing: true },
  "in a pool that is closed": { script: {}, returned: true, closing: true }
} satisfies Record<string, {
  readonly script: Script
  readonly sharing?: number
  readonly onBorrow?: boolean
  readonly returned?: boolean
  readonly asked?: boolean
  readonly rests?: boolean
  readonly removed?: boolean
  readonly closing?: boolean
}>

const calls = {
  invalidate: (self: Self) => self.invalidate(),
  rest: (self: Self) => self.rest("5 seconds"),
  detect: (self: Self) => self.detect()
}
type Call = keyof typeof calls
const names = Object.keys(calls) as ReadonlyArray<Call>
const sequences = names.flatMap((
  one
) => [[one], ...names.flatMap((two) => [[one, two], ...names.map((last) => [one, two, last])])])

describe("nothing is lost, lent in vain or destroyed twice, whatever an object tells of itself while it is", () => {
  for (const [title, scene] of Object.entries(scenes)) {
    it.effect(title, () =>
      Effect.forEach(sequences, (sequence) =>
        Effect.gen(function*() {
          const { asked, closing, onBorrow, removed, rests, returned, script, sharing }: {
            script: Script
            sharing?: number
            onBorrow?: boolean
            returned?: boolean
            asked?: boolean
            rests?: boolean
            removed?: boolean
            closing?: boolean
          } = scene
          const world = scripted({ ...script })
          const selves: Array<Self> = []
          const lent: Array<Thing> = []
          const max = 2
          const pool = yield* make({
            acquire: (self) => {
              selves.push(self)
              return world.acquire
            },
            detectStatus: world.detectStatus,
            detection: { onBorrow: onBorrow ?? false, retry: Schedule.spaced("1 second") },
            onBorrow: world.onBorrow,
            onRelease: world.onRelease,
            sharing: sharing ?? 1,
            size: { max },
            closing: { timeout: "1 minute" }
          })
          const first = yield* start(hold(pool.borrow))
          yield* settle
          if (returned) {
            yield* (yield* Fiber.join(first)).release
            yield* settle
          }
          if (asked) yield* start(pool.detect)
          if (rests) yield* pool.rest(world.things[0]!, "2 seconds")
          if (removed) yield* pool.remove(world.things[0]!)
          if (removed && title === "gone") yield* settle
          const closed = closing ? yield* start(pool.close) : undefined
          yield* settle
          const ended = removed || (closing && returned)

          for (const name of sequence) {
            calls[name](selves[0]!)
            yield* balanced(pool)
          }
          const invalid = sequence.includes("invalidate")
          const waits = yield* start(Effect.scoped(Effect.tap(pool.borrow, ({ object }) =>
            Effect.sync(() => {
              lent.push(object)
            }))))
          for (let i = 0; i < 4; i++) {
            yield* TestClock.adjust("1 second")
            yield* balanced(pool)
          }
          if (first.pollUnsafe() !== undefined && !returned) yield* (yield* Fiber.join(first)).release
          yield* TestClock.adjust("10 seconds")
          const stats = yield* balanced(pool)
          assert.deepInclude(stats, {
            leases: 0,
            waiting: 0,
            pending: 0,
            dormant: 0,
            unknown: 0,
            invalid: 0,
            making: 0
          })
          if (closed !== undefined) {
            assert.strictEqual(state(closed), "ok")
            assert.strictEqual(state(waits), "PoolClosed")
          } else {
            assert.strictEqual(state(first), "ok")
            assert.strictEqual(state(waits), "ok")
            if (invalid || ended) assert.strictEqual(world.things[0]!.destroyed, 1)
            else assert.strictEqual(world.things[0]!.destroyed, 0)
            // `max` can be lent at once, and are
            const all = yield* Effect.forEach([1, 2], () => start(hold(pool.borrow)))
            yield* TestClock.adjust("5 seconds")
            assert.deepStrictEqual(all.map(state), ["ok", "ok"])
            for (const fiber of all) yield* (yield* Fiber.join(fiber)).release
            yield* TestClock.adjust("5 seconds")
            const end = yield* start(pool.close)
            yield* TestClock.adjust("5 seconds")
            assert.strictEqual(state(end), "ok")
          }
          for (const self of selves) for (const name of names) calls[name](self)
          const { destroyed, made } = (yield* balanced(pool)).totals
          assert.deepStrictEqual([made, destroyed], [world.things.length, world.things.length])
          assert.isTrue(world.things.every((thing) => thing.destroyed === 1))
          assert.strictEqual(world.counts.destroying, world.things.length)
        }).pipe(
          Effect.scoped,
          Effect.catchDefect((defect) =>
            Effect.die(new Error(`${sequence.join(", ")}: ${String(defect)}`, { cause: defect }))
          )
        ), { discard: true }).pipe(noLog))
  }
})
