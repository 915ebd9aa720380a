import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { format, inspect, types } from "node:util"
import {
  BorrowTimeout,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  ObjectPool,
  PoolClosed,
  PoolExhausted,
  PoolFull,
  PoolStats
} from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { Failed, scripted } from "./support/scripted.ts"

const counts: PoolStats = {
  size: 5,
  min: 1,
  max: 8,
  pending: 1,
  available: 0,
  borrowed: 1,
  dormant: 1,
  unknown: 1,
  invalid: 1,
  making: 2,
  leases: 1,
  waiting: 3,
  totals: { borrowed: 9, added: 2, made: 7, destroyed: 3, timedOut: 1, exhausted: 1, expired: 1 }
}
const { max: _, ...unbounded } = counts

const pool = "app/Sessions"
const waited = Duration.millis(1500)
const timeout = { pool, stats: counts, waited, phase: "Waiting", held: 0 } as const

const errors = [
  new PoolExhausted({ pool, stats: counts, reason: "NoneAvailable" }),
  new PoolExhausted({ pool, stats: counts, reason: "WaitersFull" }),
  new PoolExhausted({ pool, stats: unbounded, reason: "Suspended" }),
  new BorrowTimeout(timeout),
  new BorrowTimeout({ ...timeout, phase: "Acquiring", held: 1, waited: Duration.zero }),
  new BorrowTimeout({ ...timeout, phase: "Detecting", held: 2, lastFailure: "unreachable" }),
  new PoolClosed({ pool, stats: counts }),
  new PoolFull({ pool, stats: counts }),
  new LeaseExpired({ pool, stats: counts, leaseId: 7, objectId: 3, reason: "Expired" }),
  new LeaseExpired({ pool, stats: counts, leaseId: 7, objectId: 3, reason: "Released" }),
  new LeaseExpired({ pool, stats: counts, leaseId: 7, objectId: 3, reason: "Closed" }),
  new DuplicateObject({ pool, stats: counts, objectId: 3 }),
  new InvalidPoolOptions({ pool, option: "size.max", value: "0", allowed: "a whole number, at least 1" })
]

const classes = {
  PoolExhausted,
  BorrowTimeout,
  PoolClosed,
  PoolFull,
  LeaseExpired,
  DuplicateObject,
  InvalidPoolOptions
}

/** How a borrow fails whose objects a detector refuses. */
const refused = Effect.gen(function*() {
  const { acquire, detectStatus } = scripted({ detect: "fail" })
  const pool = yield* ObjectPool.make({ acquire, detectStatus, size: { max: 1 }, borrowTimeout: "1 second" })
  const borrower = yield* start(Effect.flip(Effect.scoped(pool.borrow)))
  yield* TestClock.adjust("1 second")
  return yield* Fiber.join(borrower)
})

/** Over the wire and back. */
const sent = (error: (typeof errors)[number]): unknown => {
  const codec = Schema.toCodecJson(classes[error._tag] as unknown as Schema.Codec<unknown, unknown>)
  return Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(error))))
}

describe("every error", () => {
  for (const error of errors) {
    const title = `${error._tag} ${"reason" in error ? error.reason : "phase" in error ? error.phase : ""}`.trim()

    it(`${title} arrives as itself when it is sent as JSON`, () => {
      const received = sent(error)

      assert.isTrue(received instanceof classes[error._tag])
      assert.strictEqual((received as Error).message, error.message)
      assert.isTrue(Equal.equals(received, error))
    })

    it(`${title} names its pool, and its message is one line`, () => {
      assert.strictEqual(error.pool, pool)
      assert.include(error.message, `"${pool}"`)
      assert.notInclude(error.message, "\n")
      assert.notMatch(error.message, /undefined|NaN|\[object/)
      assert.include(String(error), error._tag)
      assert.include(Cause.pretty(Cause.fail(error)), error.message)
    })
  }

  it("stats are a schema of their own", () => {
    const codec = Schema.toCodecJson(PoolStats)

    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(Schema.encodeSync(codec)(counts)), counts)
    assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(Schema.encodeSync(codec)(unbounded)), unbounded)
  })

  it("with a failure inside still says the same after it was sent", () => {
    const failure = new BorrowTimeout({ ...timeout, phase: "Detecting", lastFailure: new Error("unreachable") })
    const received = sent(failure)

    assert.instanceOf(received, BorrowTimeout)
    assert.instanceOf(received.lastFailure, Error)
    assert.strictEqual(received.message, failure.message)
  })
})

describe("messages say what a person needs", () => {
  const parts: ReadonlyArray<readonly [Error, ReadonlyArray<string>]> = [
    [errors[0]!, [
      "no object to lend",
      "1 of 5 objects borrowed",
      "1 resting",
      "1 unknown",
      "2 being made",
      "at most 8"
    ]],
    [errors[1]!, ["lets no more borrowers wait", "3 borrowers waiting"]],
    [errors[2]!, ["suspended"]],
    [errors[3]!, ["1s 500ms", "waiting for an object"]],
    [errors[4]!, ["being made", "holds 1 lease of this pool itself", "waiting for itself"]],
    [errors[5]!, ["being checked", "holds 2 leases", "last failure: unreachable"]],
    [errors[6]!, ["is closed"]],
    [errors[7]!, ["is full", "at most 8"]],
    [errors[8]!, ["lease 7", "object 3", "its time is over"]],
    [errors[9]!, ["it was released"]],
    [errors[10]!, ["the pool was closed"]],
    [errors[11]!, ["object 3"]],
    [errors[12]!, ["`size.max`", "0", "a whole number, at least 1"]]
  ]
  for (const [error, expected] of parts) {
    it(`${error.message.slice(0, 60)}…`, () => {
      for (const part of expected) assert.include(error.message, part)
      if (error !== errors[4] && error !== errors[5]) assert.notInclude(error.message, "itself")
    })
  }

  it.effect("a borrow that waits for itself is told so", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b"], borrowTimeout: "1 second" })

      const borrower = yield* start(Effect.flip(Effect.scoped(Effect.replicateEffect(pool.borrow, 3))))
      yield* TestClock.adjust("1 second")
      const failure = yield* Fiber.join(borrower)

      assert.instanceOf(failure, BorrowTimeout)
      assert.strictEqual(failure.held, 2)
      assert.strictEqual(Duration.toMillis(failure.waited), 1000)
      assert.deepInclude(failure.stats, { size: 2, borrowed: 2 })
    }))

  it.effect("a borrow that a detector refused is told why", () =>
    Effect.gen(function*() {
      const failure = yield* refused

      assert.instanceOf(failure, BorrowTimeout)
      assert.instanceOf(failure.lastFailure, Failed)
      assert.include(failure.message, "last failure")
    }))

  it.effect("a duplicate within one call is told apart from one in the pool", () =>
    Effect.gen(function*() {
      const object = { name: "a" }
      const pool = yield* ObjectPool.make({ objects: [] as Array<typeof object> })

      const twice = yield* Effect.flip(pool.addAll([object, object]))
      yield* pool.add(object)
      const there = yield* Effect.flip(pool.add(object))

      assert.instanceOf(twice, DuplicateObject)
      assert.instanceOf(there, DuplicateObject)
      assert.strictEqual(there.objectId, 1)
      assert.notInclude(twice.message, "object 0")
    }))

  it.effect("an error holds the counts as they are when it is raised", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], name: "One" })
      yield* pool.borrow

      const failure = yield* Effect.flip(Effect.scoped(pool.tryBorrow))

      assert.instanceOf(failure, PoolExhausted)
      assert.deepStrictEqual([failure.pool, failure.reason], ["One", "NoneAvailable"])
      assert.deepStrictEqual(failure.stats, yield* pool.stats)
    }))

  it.effect("what a pool raises is what the constructor of its class makes", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const raised = [
        yield* refused,
        yield* Effect.flip(Effect.scoped(pool.borrowWith({ timeout: 0 }))),
        yield* Effect.flip(Effect.scoped(pool.tryBorrow)),
        yield* Effect.andThen(lease.release, Effect.flip(lease.renew)),
        yield* Effect.andThen(pool.close, Effect.flip(Effect.scoped(pool.borrow)))
      ]
      const tags = ["BorrowTimeout", "BorrowTimeout", "PoolExhausted", "LeaseExpired", "PoolClosed"] as const

      for (const [i, error] of raised.entries()) {
        const Class = classes[tags[i]!] as unknown as new(fields: {}) => (typeof errors)[number]
        const made = new Class(Object.fromEntries(Object.entries(error)))
        assert.instanceOf(error, Class)
        assert.isTrue(types.isNativeError(error))
        assert.deepStrictEqual(Object.entries(error), Object.entries(made))
        assert.deepStrictEqual(JSON.stringify(error), JSON.stringify(made))
        assert.deepStrictEqual(String(error), String(made))
        assert.deepStrictEqual(Reflect.ownKeys(error), Reflect.ownKeys(made))
        assert.isTrue(Equal.equals(error, made))
        assert.isTrue(Equal.equals(sent(error as typeof made), sent(made)))
      }
    }))
})

describe("catching", () => {
  it.effect("catchTag takes one kind, and leaves the others", () =>
    Effect.gen(function*() {
      const script = scripted({ acquire: "fail" })
      const pool = yield* ObjectPool.make({ acquire: script.acquire })
      const full = yield* ObjectPool.make({ objects: ["a"], maxWaiters: 0 })
      yield* full.borrow

      const caught = yield* full.with(() => Effect.void).pipe(
        Effect.catchTag("PoolExhausted", (error) => Effect.succeed(error.reason))
      )
      const left = yield* Effect.flip(
        pool.with(() => Effect.void).pipe(
          Effect.catchTag(["PoolExhausted", "BorrowTimeout", "PoolClosed", "LeaseExpired"], () => Effect.void)
        )
      )

      assert.strictEqual(caught, "WaitersFull")
      assert.instanceOf(left, Failed)
    }))

  it.effect("catchTags takes each kind by its own handler", () =>
    Effect.gen(function*() {
      const handlers = {
        PoolExhausted: (error: PoolExhausted) => Effect.succeed(error.reason as string),
        BorrowTimeout: (error: BorrowTimeout) => Effect.succeed(error.phase as string),
        PoolClosed: (error: PoolClosed) => Effect.succeed(error._tag as string),
        LeaseExpired: (error: LeaseExpired) => Effect.succeed(error.reason as string)
      }
      const pool = yield* ObjectPool.make({ objects: ["a"], leaseTimeout: "1 second" })
      const work = start(pool.with(() => Effect.as(Effect.never, "")).pipe(Effect.catchTags(handlers)))

      const expired = yield* work
      yield* TestClock.adjust("1 second")
      const held = yield* pool.borrow
      const timedOut = yield* pool.with(() => Effect.succeed(""), { timeout: 0 }).pipe(Effect.catchTags(handlers))
      yield* held.release
      yield* pool.close
      const closed = yield* pool.with(() => Effect.succeed("")).pipe(Effect.catchTags(handlers))

      assert.deepStrictEqual([yield* Fiber.join(expired), timedOut, closed], ["Expired", "Waiting", "PoolClosed"])
    }))

  it.effect("each run of a borrow that fails has an error of its own", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<string>, borrowTimeout: "1 second" })
      const waiters = yield* Effect.forEach([1, 2], () => start(Effect.flip(Effect.scoped(pool.borrow))))
      yield* TestClock.adjust("1 second")
      const [one, two] = yield* Fiber.joinAll(waiters)

      assert.notStrictEqual(one, two)
      assert.strictEqual(one!._tag, "BorrowTimeout")
    }))

  it.effect("runPromise rejects with the error itself", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.close

      const rejected = yield* Effect.promise(() =>
        Effect.runPromise(pool.with(() => Effect.void)).then(() => undefined, (error: unknown) => error)
      )

      assert.instanceOf(rejected, PoolClosed)
    }))

  it.effect("the counts of an error are its own: later ones do not change them", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const exit = yield* Effect.exit(Effect.scoped(pool.tryBorrow))

      yield* lease.release
      yield* pool.remove("a")

      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, PoolExhausted)
      assert.deepInclude(error.stats, { size: 1, borrowed: 1 })
    }))
})

describe("the stack of an error", () => {
  it("has the line of who has run a borrow that did not wait, whichever way it failed", () => {
    const make = ObjectPool.make({ objects: [] as Array<string>, name: "One" })
    const pool = Effect.runSync(Effect.scoped(Effect.tap(make, (pool) => pool.add("a"))))
    const open = Effect.runSync(Effect.provideService(make, Scope.Scope, Scope.makeUnsafe()))

    const failed = [
      Effect.runSync(Effect.flip(Effect.scoped(pool.borrow))),
      Effect.runSync(Effect.flip(pool.with(() => Effect.void))),
      Effect.runSync(Effect.flip(Effect.scoped(open.tryBorrow))),
      Effect.runSync(Effect.flip(open.with(() => Effect.void, { timeout: 0 })))
    ]

    assert.deepStrictEqual(failed.map(({ _tag }) => _tag), [
      "PoolClosed",
      "PoolClosed",
      "PoolExhausted",
      "BorrowTimeout"
    ])
    for (const error of failed) {
      const [header, ...frames] = error.stack!.split("\n")
      assert.strictEqual(header, String(error))
      assert.match(frames.join("\n"), /errors\.test\.ts:\d+/)
      assert.notMatch(frames.join("\n"), /node_modules.effect/)
    }
  })

  it.effect("has the place of a borrow that waited, where the pool captures it", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: [] as Array<string>,
        borrowTimeout: "1 second",
        captureBorrowSite: true
      })
      const borrows = [
        pool.borrow,
        pool.borrowWith({ priority: 1 }),
        pool.with(() => Effect.void)
      ]
      const waiting = yield* Effect.forEach(borrows, (borrow) => start(Effect.flip(Effect.scoped(borrow))))
      yield* TestClock.adjust("1 second")

      for (const error of yield* Fiber.joinAll(waiting)) {
        assert.match((error as Error).stack!, /errors\.test\.ts:\d+/)
      }
    }))

  it.effect("may be written, and is its own, as that of any error", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: [] as Array<string> })
      const one = yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      const other = yield* Effect.flip(Effect.scoped(pool.tryBorrow))

      one.stack = "mine"

      assert.strictEqual(one.stack, "mine")
      assert.notStrictEqual(other.stack, "mine")
      assert.isFalse(Object.keys(other).includes("stack"))
    }))
})

describe("an error that is printed", () => {
  const failure = new Error("unreachable", { cause: { secret: "hunter2" } })
  const printed = [...errors, new BorrowTimeout({ ...timeout, lastFailure: failure })]
  for (const error of printed) {
    it(`begins with its message: ${error.message.slice(0, 50)}…`, () => {
      assert.isTrue(inspect(error).startsWith(String(error)))
      assert.include(format("%s", error), error.message)
      assert.include(JSON.stringify(error), JSON.stringify(error.message).slice(1, -1))
      assert.include(Formatter.format(error), error.message)
    })
  }

  it("shows what it was caused by, as an error is shown", () => {
    assert.include(inspect(printed.at(-1)), "lastFailure: Error: unreachable")
  })

  it("says in its message what a failure says, and nothing else of it", () => {
    const secrets: ReadonlyArray<unknown> = [
      { password: "hunter2" },
      { _tag: "QueryError", query: "hunter2" },
      Object.assign(new Error("refused"), { config: "hunter2" }),
      ["hunter2"],
      Symbol("hunter2")
    ]
    const messages = secrets.map((lastFailure) => new BorrowTimeout({ ...timeout, lastFailure }).message)

    for (const message of messages) assert.notInclude(message, "hunter2")
    assert.include(messages[1], "QueryError")
    assert.include(messages[2], "refused")
    assert.notInclude(new BorrowTimeout({ ...timeout, lastFailure: new Error("a\nb".repeat(300)) }).message, "\n")
  })
})
