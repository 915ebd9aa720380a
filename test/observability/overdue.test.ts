/** A lease that is held too long is logged, and told, once: by whom it is held, and where it was borrowed. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Tracer from "effect/Tracer"
import {
  InvalidPoolOptions,
  type Lease,
  ObjectPool,
  type Operations,
  PoolService,
  type PoolSettings
} from "../../src/index.ts"
import { hold, make, settle, start } from "../support/borrowers.ts"
import { timers } from "../support/clocks.ts"
import { annotated, hear } from "../support/telemetry.ts"

class Keys extends PoolService<Keys, string>()("app/Keys") {}

const warned = "A lease is held longer than leaseWarning"

type Asked = "borrow" | "borrowWith" | "tryBorrow" | "tryBorrowWith" | "with"

/** Holds what it gets for ever. */
const held = <A, E, R>(borrow: Effect.Effect<A, E, R>) => Effect.scoped(Effect.andThen(borrow, Effect.never))

/** What borrowed: a fiber that goes on, and how a warning names it. */
const borrower = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(start(effect), (fiber) => ({ fiber, name: `fiber ${fiber.id}` }))

describe("a lease that is held longer than `leaseWarning`", () => {
  it.effect("is logged, with its pool, object, lease and borrower, and told: once", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ name: "keys", objects: ["a"], leaseWarning: "1 minute" })
      const heard = yield* hear(pool, "LeaseOverdue")
      yield* pool.with(() => Effect.void)
      const { name } = yield* borrower(hold(pool.borrow))

      yield* TestClock.adjust("59999 millis")
      assert.deepStrictEqual([lines.length, heard.length], [0, 0])

      yield* TestClock.adjust("1 hour")
      yield* settle
      assert.deepStrictEqual(lines, [{
        message: warned,
        annotations: { pool: "keys", object: 1, lease: 2, held: "1m", borrower: name }
      }])
      assert.deepStrictEqual(
        heard.map((
          { borrower, held, leaseId, objectId, site }
        ) => [objectId, leaseId, Duration.toMillis(held), borrower, site]),
        [[1, 2, 60_000, name, undefined]]
      )
    }))
  })

  it.effect("names the span of its borrower, and where that began", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c"], leaseWarning: "1 minute" })
      const span = yield* Effect.makeSpan("handleRequest")
      yield* start(Effect.withParentSpan(hold(pool.borrow), span, { captureStackTrace: false }))
      yield* start(Effect.withSpan(pool.with(() => Effect.never), "traced"))
      yield* start(Effect.withParentSpan(hold(pool.borrow), Tracer.externalSpan({ spanId: "1", traceId: "2" })))
      yield* TestClock.adjust("1 minute")

      const site = (name: string) =>
        lines.find(({ annotations }) => String(annotations["borrower"]).replace(/[0-9a-f]{32}/, "x") === name)!
          .annotations["site"]
      assert.isUndefined(site("span handleRequest of trace x"))
      assert.match(String(site("span traced of trace x")), /^.*overdue\.test\.ts:\d+:\d+\)?$/)
      assert.isUndefined(site("a span of trace 2"))
    }))
  })

  it.effect("that was waited for", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseWarning: "1 minute" })
      yield* start(pool.with(() => Effect.sleep("50 seconds")))
      const { name } = yield* borrower(pool.with(() => Effect.never, { timeout: "Infinity" }))

      yield* TestClock.adjust("109 seconds")
      assert.deepStrictEqual(lines, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations["borrower"]), [name])
    }))
  })

  it.effect("although it is renewed", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseWarning: "1 minute", leaseTimeout: "40 seconds" })
      const lease = yield* pool.borrow
      yield* TestClock.adjust("30 seconds")
      yield* lease.renew
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(lines.length, 1)

      yield* lease.renew
      yield* TestClock.adjust("39 seconds")
      assert.strictEqual(lines.length, 1)
    }))
  })

  it.effect("with each lease of a shared object", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 3, leaseWarning: "1 minute" })
      yield* start(hold(pool.borrow))
      yield* TestClock.adjust("10 seconds")
      yield* start(hold(pool.borrow))
      const { release } = yield* hold(pool.borrow)
      yield* release
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations["lease"]), [1])

      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(lines.map(({ annotations }) => annotations["lease"]), [1, 2])
    }))
  })

  it.effect("whose time is over, where its body does not end", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], leaseWarning: "1 minute", leaseTimeout: "30 seconds" })
      yield* start(Effect.exit(pool.with(() => Effect.uninterruptible(Effect.sleep("2 minutes")))))

      yield* TestClock.adjust("1 minute")
      assert.strictEqual(lines.length, 1)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(lines.length, 1)
    }))
  })

  it.effect("whose `pack` does not end", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({
        objects: ["a"],
        leaseWarning: "1 minute",
        pack: (lease) => Effect.acquireRelease(Effect.succeed(lease), () => Effect.sleep("2 minutes"))
      })
      yield* start(Effect.scoped(pool.borrow))

      yield* TestClock.adjust("1 minute")
      assert.strictEqual(lines.length, 1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(lines.length, 1)
    }))
  })
})

describe("nobody is warned of a lease that is over in time", () => {
  it.effect("released, expired, detached, revoked, or taken by nobody", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a", "b", "c", "d"], leaseWarning: "1 minute" })
      yield* start(pool.with(() => Effect.sleep("59 seconds")))
      yield* start(hold(pool.borrowWith({ leaseTimeout: "30 seconds" })))
      yield* (yield* pool.borrow).detach
      const { lease } = yield* hold(pool.borrow)
      yield* lease.release
      const holder = yield* start(hold(pool.borrow))
      yield* TestClock.adjust("59 seconds")
      yield* Fiber.join(holder)
      yield* pool.close
      yield* TestClock.adjust("1 hour")

      assert.deepStrictEqual(lines.map(({ message }) => message), ["Closing revoked 1 lease(s) that were still open"])
    }))
  })

  it.effect("detached, with those that shared its object", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], sharing: 2, leaseWarning: "1 minute" })
      yield* start(hold(pool.borrow))
      yield* (yield* pool.borrow).detach
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(lines, [])
    }))
  })

  it.effect("released by what runs as it is granted", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      let released = 0
      let pool: ObjectPool<string> | undefined = undefined
      pool = yield* make<string>({
        acquire: Effect.suspend(() =>
          Effect.as(
            pool === undefined ? Effect.void : Effect.flatMap(pool.leases, ([lease]) => {
              released++
              return lease!.release
            }),
            "a"
          )
        ),
        size: { min: 1, max: 2 },
        lifetime: { maxBorrows: 1, jitter: 0 },
        leaseWarning: "1 minute"
      })
      yield* pool.ready
      yield* pool.borrow
      assert.strictEqual(released, 1)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(lines, [])
    }))
  })

  it.effect("and no timer runs for it", () => {
    const { counts, within } = timers()
    return Effect.gen(function*() {
      const pool = yield* within(ObjectPool.make({ objects: ["a"] }))
      yield* Effect.scoped(pool.borrow)
      assert.strictEqual(counts.sleeps, 0)

      const warning = yield* within(ObjectPool.make({ objects: ["a"], leaseWarning: "Infinity" }))
      yield* Effect.scoped(warning.borrow)
      assert.strictEqual(counts.sleeps, 0)
    })
  })
})

describe("`captureBorrowSite`", () => {
  const settings = { leaseWarning: "1 minute", captureBorrowSite: true } satisfies PoolSettings
  const sites = (lines: ReadonlyArray<{ readonly annotations: Readonly<Record<string, unknown>> }>) =>
    lines.map(({ annotations }) => String(annotations["site"]).split(" < ")[0]!)

  /** Each borrows in its own way, and holds for ever; they are named as the function that has asked. */
  const holders = <S>(operations: Pick<Operations<S, string, undefined, never, Lease<string>>, Asked>) => {
    const askBorrow = () => operations.borrow
    const askBorrowWith = () => operations.borrowWith({})
    const askTryBorrow = () => operations.tryBorrow
    const askTryBorrowWith = () => operations.tryBorrowWith({})
    const askWith = () => operations.with(() => Effect.never)
    return Effect.forEach(
      [askBorrow, askBorrowWith, askTryBorrow, askTryBorrowWith, askWith],
      (ask) => start(held<unknown, unknown, S | Scope.Scope>(ask()))
    )
  }
  const five = { objects: ["a", "b", "c", "d", "e"], closing: { timeout: 0 }, ...settings }
  const names = ["askBorrow", "askBorrowWith", "askTryBorrow", "askTryBorrowWith", "askWith"]

  it.effect("says where the pool was asked", () => {
    const { lines, within } = annotated()
    return within(Effect.gen(function*() {
      yield* holders(yield* ObjectPool.make(five))
      yield* TestClock.adjust("1 minute")

      const found = sites(lines).sort()
      assert.deepStrictEqual(found.map((site) => site.split(" ")[0]), names)
      for (const site of found) assert.match(site, /^\w+ \(.*overdue\.test\.ts:\d+:\d+\)$/)
    }))
  })

  it.effect("says where the tag was asked", () => {
    const { lines, within } = annotated()
    return within(
      Effect.gen(function*() {
        yield* holders(Keys)
        yield* TestClock.adjust("1 minute")

        const found = sites(lines).sort()
        assert.deepStrictEqual(found.map((site) => site.split(" ")[0]), names)
        for (const site of found) assert.match(site, /^\w+ \(.*overdue\.test\.ts:\d+:\d+\)$/)
      }).pipe(Effect.provide(Keys.layer(five)))
    )
  })

  it.effect("says where the pool was asked that a tag has given", () => {
    const { lines, within } = annotated()
    return within(
      Effect.gen(function*() {
        yield* Keys.with(() => Effect.void)
        const pool = yield* Keys
        const askBorrow = () => pool.borrow
        yield* start(held(askBorrow()))
        yield* TestClock.adjust("1 minute")

        assert.match(sites(lines)[0]!, /^askBorrow /)
      }).pipe(Effect.provide(Keys.layer(five)))
    )
  })

  it.effect(
    "does not know where the tag was asked before there was such a pool: then it is where the span began",
    () => {
      const { lines, within } = annotated()
      return within(
        Effect.gen(function*() {
          yield* start(held(Effect.withSpan(early, "early")))
          yield* start(held(early))
          yield* TestClock.adjust("1 minute")

          assert.match(sites(lines)[0]!, /overdue\.test\.ts/)
          assert.strictEqual(lines[1]!.annotations["site"], undefined)
        }).pipe(Effect.provide(Keys.layer({ objects: ["a", "b"], closing: { timeout: 0 }, ...settings })))
      )
    },
    { tags: "alone" }
  )

  it.effect("leaves the stack of errors as long as it was", () =>
    Effect.gen(function*() {
      const usual = Error.stackTraceLimit
      const limit = Error.stackTraceLimit = 23
      const pool = yield* ObjectPool.make({ objects: ["a"], ...settings })
      yield* pool.with(() => Effect.void)
      assert.strictEqual(Error.stackTraceLimit, limit)
      Error.stackTraceLimit = usual
    }))

  it.effect("is looked for where nobody is warned as well, since errors tell it", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], captureBorrowSite: true })
      assert.notStrictEqual(pool.borrow, pool.borrow)
    }))
})

/** Read before any pool wanted to know. */
const early = Keys.borrow

describe("the settings", () => {
  it.effect("can be read from the environment", () => {
    const { lines, within } = annotated()
    return within(
      Effect.gen(function*() {
        yield* start(held(Keys.borrow))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(lines.length, 1)
      }).pipe(
        Effect.provide(Keys.layerConfig({ objects: ["a"], closing: { timeout: 0 } }, {
          leaseWarning: Config.Duration("KEYS_WARNING"),
          captureBorrowSite: Config.Boolean("KEYS_SITE")
        })),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ KEYS_WARNING: "1 minute", KEYS_SITE: "false" })
        )
      )
    )
  })

  const nonsense: ReadonlyArray<readonly [options: object, option: string, value: string, allowed: string]> = [
    [{ leaseWarning: 0 }, "leaseWarning", "0", "a duration longer than zero"],
    [{ leaseWarning: "-1 seconds" }, "leaseWarning", "\"-1 seconds\"", "a duration longer than zero"],
    [{ leaseWarning: "soon" }, "leaseWarning", "\"soon\"", "a duration longer than zero"],
    [{ leaseWarning: NaN }, "leaseWarning", "NaN", "a duration longer than zero"],
    [{ captureBorrowSite: "yes" }, "captureBorrowSite", "\"yes\"", "true or false"]
  ]
  for (const [options, option, value, allowed] of nonsense) {
    it.effect(`are refused where they make no sense: ${option} ${value}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.sandbox(ObjectPool.make({ objects: ["a"], ...options })))
        const refusal = Cause.squash(error)
        assert.instanceOf(refusal, InvalidPoolOptions)
        assert.deepInclude(refusal, { option, value, allowed })
      }))
  }
})
