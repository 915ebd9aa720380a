/** Where there is a tracer, a borrow that waits has a span, and one that does not says so on the span of its caller. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import * as Tracer from "effect/Tracer"
import { ObjectPool, PoolService, Selector } from "../../src/index.ts"
import { ending, make, settle, start } from "../support/borrowers.ts"
import { scripted } from "../support/scripted.ts"
import { sweep } from "../support/sweep.ts"
import { tracer } from "../support/telemetry.ts"

class Keys extends PoolService<Keys, string>()("app/Keys") {}

/** What a span says. */
const said = (span: Tracer.NativeSpan | undefined) => ({
  attributes: Object.fromEntries(span!.attributes),
  events: span!.events.map(([name, at]) => `${name} at ${(at - span!.startTime) / 1_000_000n}`),
  took: span!.status._tag === "Ended" ? (span!.status.endTime - span!.startTime) / 1_000_000n : undefined,
  how: span!.status._tag === "Ended" ? ending(span!.status.exit) : "goes on"
})

describe("a borrow that waits has a span", () => {
  it.effect("below that of its caller, with what it got and how long that took", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"] })
      yield* start(pool.with(() => Effect.sleep("2 seconds")))
      const borrower = yield* start(Effect.withSpan(pool.with(() => Effect.void), "caller"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(borrower)

      const [span] = named("objectpool.borrow")
      assert.deepStrictEqual(said(span), {
        attributes: { "pool.name": "keys", "pool.object": 1, "pool.lease": 2, "pool.wait_ms": 2000 },
        events: ["waiting at 0"],
        took: 2000n,
        how: "ok"
      })
      assert.strictEqual(Option.getOrThrow(span!.parent), named("caller")[0])
      assert.deepStrictEqual(said(named("caller")[0]).attributes, {})
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("also by `borrow`, and with a `pack`, and by the tag", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], pack: (lease) => lease.object })
      yield* start(pool.with(() => Effect.sleep("2 seconds")))
      const borrower = yield* start(Effect.scoped(pool.borrow))
      const layer = Keys.layer({ objects: ["a"] })
      const other = yield* start(Effect.provide(
        Effect.all([Keys.with(() => Effect.sleep("2 seconds")), Effect.scoped(Keys.borrow)], {
          concurrency: "unbounded"
        }),
        layer
      ))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(borrower)
      yield* Fiber.join(other)

      assert.deepStrictEqual(named("objectpool.borrow").map((span) => said(span).took), [2000n, 2000n])
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("with an event for each thing that it waits for", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ acquire: "slow", detect: "slow" })
      const pool = yield* make({ acquire, detectStatus, size: { max: 1 } })
      const first = yield* start(pool.with(() => Effect.sleep("5 seconds")))
      yield* TestClock.adjust("3 seconds")
      const second = yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("10 seconds")
      yield* Effect.all([Fiber.join(first), Fiber.join(second)])

      assert.deepStrictEqual(named("objectpool.borrow").map((span) => said(span).events), [
        ["acquiring at 0", "detecting at 1000"],
        ["waiting at 0", "detecting at 4000"]
      ])
      assert.deepStrictEqual(named("objectpool.borrow").map((span) => said(span).took), [2000n, 5000n])
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("which says that what was made has failed, and it waits on", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const { acquire, detectStatus } = scripted({ detect: (_, n) => n < 3 ? "slow" : "ok" })
      const pool = yield* ObjectPool.make({
        acquire,
        detectStatus: (pooled) =>
          Effect.map(Effect.orDie(detectStatus(pooled)), () => pooled.id < 4 ? "Invalid" : "Available")
      })
      const borrower = yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(borrower)

      assert.deepStrictEqual(said(named("objectpool.borrow")[0]).events, [
        "acquiring at 0",
        "detecting at 0",
        "acquiring at 1000",
        "detecting at 1000",
        "acquiring at 2000",
        "waiting at 2000",
        "acquiring at 2100"
      ])
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("although it is served in the step that it begins in", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ acquire: Effect.succeed("a") })
      yield* pool.with(() => Effect.void)

      assert.deepStrictEqual(said(named("objectpool.borrow")[0]), {
        attributes: { "pool.name": "ObjectPool", "pool.object": 1, "pool.lease": 1, "pool.wait_ms": 0 },
        events: ["acquiring at 0"],
        took: 0n,
        how: "ok"
      })
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("where a selector of the user's own has to answer", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        select: Selector.make((available) => Effect.as(Effect.sleep("1 second"), available[0]))
      })
      const borrower = yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(borrower)

      assert.deepInclude(said(named("objectpool.borrow")[0]), { events: ["waiting at 0"], took: 1000n })
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("that ends as the borrow does: refused, too late, interrupted, closed", () => {
    const { named, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], maxWaiters: 2 })
      yield* start(Effect.scoped(Effect.andThen(pool.borrow, Effect.never)))
      yield* start(Effect.exit(Effect.scoped(pool.borrowWith({ timeout: "1 second" }))))
      const interrupted = yield* start(Effect.scoped(pool.borrow))
      yield* start(Effect.exit(Effect.scoped(pool.borrow)))
      yield* start(Effect.exit(Effect.scoped(pool.tryBorrow)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(interrupted)
      yield* start(Effect.exit(Effect.scoped(pool.borrow)))
      yield* pool.close
      yield* settle
      yield* Effect.exit(Effect.scoped(pool.borrow))

      assert.deepStrictEqual(named("objectpool.borrow").map((span) => said(span).how), [
        "BorrowTimeout",
        "interrupted",
        "PoolExhausted WaitersFull",
        "PoolExhausted NoneAvailable",
        "PoolClosed",
        "PoolClosed"
      ])
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("and loses nothing when it is interrupted at any instant", () => {
    const { spans, tracer: installed } = tracer()
    return sweep((window) =>
      Effect.scoped(Effect.gen(function*() {
        const pool = yield* make({ objects: ["a"] })
        const holder = yield* start(pool.with(() => Effect.repeat(Effect.yieldNow, { times: 8 })))
        const borrower = yield* start(pool.with(() => Effect.repeat(Effect.yieldNow, { times: 8 })))
        yield* window.interrupt(borrower)
        yield* Fiber.join(holder)
        yield* settle

        assert.deepInclude(yield* pool.stats, { leases: 0, available: 1, waiting: 0 }, window.toString())
        assert.isTrue(spans.every((span) => span.status._tag === "Ended"), window.toString())
      }))
    ).pipe(Effect.withTracer(installed))
  })
})

describe("a tracer that throws", () => {
  it.effect("costs neither a lease nor a waiter", () => {
    const broken = Tracer.make({
      span: (options) =>
        Object.assign(new Tracer.NativeSpan(options), {
          attribute: () => {
            throw new Error("attribute")
          },
          event: () => {
            throw new Error("event")
          }
        })
    })
    return Effect.withTracer(
      Effect.gen(function*() {
        const pool = yield* ObjectPool.make({ objects: ["a"] })
        const holder = yield* start(Effect.withSpan(pool.with(() => Effect.sleep("1 second")), "caller"))
        const waiter = yield* start(pool.with(() => Effect.void))
        yield* TestClock.adjust("1 second")
        yield* Effect.all([Fiber.join(holder), Fiber.join(waiter)])

        assert.deepInclude(yield* pool.stats, { leases: 0, available: 1, waiting: 0 })
      }),
      broken
    )
  })
})

describe("a borrow at once", () => {
  it.effect("says so on the span of its caller", () => {
    const { spans, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ name: "keys", objects: ["a"] })
      yield* Effect.withSpan(pool.with(() => Effect.void), "with")
      yield* Effect.withSpan(Effect.scoped(pool.borrow), "borrow")

      assert.deepStrictEqual(spans.map((span) => [span.name, said(span).attributes]), [
        ["with", { "pool.name": "keys", "pool.object": 1, "pool.lease": 1, "pool.wait_ms": 0 }],
        ["borrow", { "pool.name": "keys", "pool.object": 1, "pool.lease": 2, "pool.wait_ms": 0 }]
      ])
    }).pipe(Effect.withTracer(installed))
  })

  it.effect("has none to say it on where the span is another process's, has ended, or is not there", () => {
    const { spans, tardy, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* pool.with(() => Effect.void)
      yield* Effect.withParentSpan(pool.with(() => Effect.void), external)
      const span = yield* Effect.makeSpan("ended")
      span.end(0n, Exit.void)
      yield* Effect.withParentSpan(pool.with(() => Effect.void), span)

      assert.deepStrictEqual(spans.map((span) => [span.name, said(span).attributes]), [["ended", {}]])
      assert.deepStrictEqual(tardy, [])
      assert.strictEqual((yield* pool.stats).totals.borrowed, 3)
    }).pipe(Effect.withTracer(installed))
  })
})

const external = Tracer.externalSpan({ spanId: "1", traceId: "2" })

describe("without a tracer of the program's own", () => {
  it.effect("no span is made, and none is written on", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      yield* start(pool.with(() => Effect.sleep("1 second")))
      const span = yield* Effect.makeSpan("caller") as Effect.Effect<Tracer.NativeSpan>
      yield* Effect.all([Effect.withParentSpan(pool.with(() => Effect.void), span), TestClock.adjust("2 seconds")], {
        concurrency: "unbounded"
      })
      yield* Effect.withParentSpan(pool.with(() => Effect.void), span)

      assert.deepStrictEqual(said(span), { attributes: {}, events: [], took: undefined, how: "goes on" })
    }))

  it.effect("nor where tracing is off", () => {
    const { spans, tracer: installed } = tracer()
    return Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ acquire: Effect.succeed("a"), size: { max: 1 } })
      const span = yield* Effect.makeSpan("caller")
      const twice = Effect.andThen(pool.with(() => Effect.void), pool.with(() => Effect.void))
      yield* Effect.withTracerEnabled(Effect.withParentSpan(twice, span), false)

      assert.deepStrictEqual(spans.map((span) => [span.name, said(span).attributes]), [["caller", {}]])
    }).pipe(Effect.withTracer(installed))
  })
})
