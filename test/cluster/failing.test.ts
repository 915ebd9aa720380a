/**
 * What becomes of leases and borrowers where a connection, a host or a borrower fails: on a wire in memory, by one clock that
 * both sides share.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Fence, type HostSettings, type SharedOptions, SharedPool } from "../../src/cluster.ts"
import { skewed, stopped } from "../support/clocks.ts"
import { arrive, makeWire, type Wire } from "../support/wire.ts"
import { type ApiKey, keyOf, Keys, type Refused, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })
const elapse = (duration: Parameters<typeof TestClock.adjust>[0]) => Effect.andThen(TestClock.adjust(duration), settle)
/** As much time in small steps, between which messages arrive. */
const pass = (seconds: number) => Effect.repeat(elapse("250 millis"), { times: seconds * 4 - 1 })

/** A host on a wire, until its scope is closed. */
const host = (
  wire: Wire,
  options: Partial<
    SharedOptions<ApiKey, { readonly weight: number }, Refused, { readonly region: string }, Scope.Scope> & HostSettings
  > = {}
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const server = Keys.layerServer({ ...usual, objects: [keyOf("a")], ...options }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
    yield* Layer.buildWithScope(server, scope)
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    return { stop: Scope.close(scope, Exit.void) }
  })

type End = Parameters<NonNullable<Parameters<Wire["layerClient"]>[0]>>[0]

/** A process that borrows, on its own connection. */
const borrower = (wire: Wire) =>
  Effect.gen(function*() {
    let now: End | undefined
    const layer = Layer.provide(Keys.layerRemote, wire.layerClient((end) => (now = end)))
    const context = yield* Layer.build(layer)
    const end = () => now!()
    return {
      keys: Context.get(context, Keys),
      cut: Effect.andThen(Effect.sync(() => wire.cut(end().connection)), settle),
      /** Nothing comes through, and nobody is told. */
      mute: Effect.sync(() => (end().end.mute = true)),
      /** What the host says comes later. */
      late: Effect.sync(() => (end().end.late = [])),
      arrive: Effect.andThen(
        Effect.sync(() => arrive(end().end)),
        settle
      )
    }
  })

/** A body that says when it has begun, and whether it has gone on. */
const body = Effect.gen(function*() {
  const begun = yield* Deferred.make<void>()
  const state = { steps: 0, interrupted: false }
  const run = Effect.andThen(
    Deferred.succeed(begun, undefined),
    Effect.forever(Effect.andThen(
      Effect.sync(() => state.steps++),
      Effect.sleep("1 second")
    ))
  ).pipe(Effect.onInterrupt(() => Effect.sync(() => (state.interrupted = true))))
  return { begun: Deferred.await(begun), run, state }
})

const lost = (exit: Exit.Exit<unknown, unknown>) => assert.include(String(exit), "have lost each other")

describe("while nothing comes through", () => {
  it.effect("a lease is over at its borrower before its object is lent to another", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "4 seconds" })
      const silent = yield* borrower(wire)
      const other = yield* borrower(wire)
      const { begun, run, state } = yield* body
      const first = yield* Effect.forkChild(silent.keys.with(() => run), { startImmediately: true })
      yield* begun
      const second = yield* Effect.forkChild(Effect.scoped(Effect.andThen(other.keys.borrow, Effect.never)), {
        startImmediately: true
      })
      yield* pass(6)
      assert.isFalse(state.interrupted)
      yield* silent.mute

      const seen: Array<"both" | "one" | "none"> = []
      for (let n = 0; n < 40; n++) {
        yield* elapse("125 millis")
        const { waiting } = yield* other.keys.stats
        const holders = (state.interrupted ? 0 : 1) + (waiting === 0 ? 1 : 0)
        seen.push(holders === 2 ? "both" : holders === 1 ? "one" : "none")
      }

      assert.notInclude(seen, "both")
      assert.include(seen, "none")
      assert.strictEqual(seen.at(-1), "one")
      assert.isTrue(state.interrupted)
      lost(yield* Fiber.await(first))
      yield* Fiber.interrupt(second)
    }))

  it.effect("a borrower counts from when it asked, however late it is answered", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "6 seconds" })
      const { arrive, keys, late, mute } = yield* borrower(wire)
      const { begun, run, state } = yield* body
      const fiber = yield* Effect.forkChild(keys.with(() => run), { startImmediately: true })
      yield* begun
      yield* late
      // asks after two seconds, and is answered a second later
      yield* pass(3)
      yield* arrive
      yield* mute

      yield* pass(4)
      assert.isFalse(state.interrupted)
      yield* pass(1.25)

      assert.isTrue(state.interrupted)
      lost(yield* Fiber.await(fiber))
    }))

  it.effect("what is heard keeps a lease as long as it is heard", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "2 seconds" })
      const { keys } = yield* borrower(wire)
      const { begun, run, state } = yield* body
      const fiber = yield* Effect.forkChild(keys.with(() => run), { startImmediately: true })
      yield* begun

      yield* pass(60)

      assert.isFalse(state.interrupted)
      assert.strictEqual((yield* keys.stats).leases, 1)
      yield* Fiber.interrupt(fiber)
      yield* settle
      assert.strictEqual((yield* keys.stats).leases, 0)
    }))
})

describe("a borrower whose connection ends", () => {
  it.effect("has given everything back when it had time to hear of that, what it holds and what it waits for", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const dies = yield* borrower(wire)
      const stays = yield* borrower(wire)
      const holds = yield* Effect.forkChild(Effect.scoped(Effect.andThen(dies.keys.borrow, Effect.never)), {
        startImmediately: true
      })
      yield* settle
      const waits = yield* Effect.forkChild(Effect.scoped(Effect.andThen(stays.keys.borrow, Effect.never)), {
        startImmediately: true
      })
      yield* settle
      assert.strictEqual((yield* stays.keys.stats).waiting, 1)

      wire.isolate(true)
      yield* dies.cut

      wire.isolate(false)
      yield* elapse("50 millis")
      const { leases, waiting } = yield* stays.keys.stats
      assert.deepStrictEqual({ leases, waiting }, { leases: 1, waiting: 0 })
      yield* Fiber.interrupt(holds)
      yield* Fiber.interrupt(waits)
    }))
})

describe("a borrower that waits", () => {
  it.effect("goes on to the next host, and is served there within its deadline", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const first = yield* host(wire, { epoch: Effect.succeed(1) })
      const { keys } = yield* borrower(wire)
      const holder = yield* borrower(wire)
      const held = yield* Effect.forkChild(
        Effect.exit(holder.keys.with(() => Effect.never)),
        { startImmediately: true }
      )
      yield* settle
      const waiting = yield* Effect.forkChild(
        keys.with((lease) => Effect.succeed(lease.fence.epoch), { timeout: "10 seconds" }),
        { startImmediately: true }
      )
      yield* settle

      yield* first.stop
      yield* pass(2)
      yield* host(wire, { epoch: Effect.succeed(2) })
      yield* pass(1)

      assert.strictEqual(yield* Fiber.join(waiting), 2)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(held)))
    }))

  it.effect("keeps its deadline, over all hosts", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const first = yield* host(wire, { objects: [] })
      const { keys } = yield* borrower(wire)
      yield* settle
      const waiting = yield* Effect.forkChild(
        Effect.flip(Effect.scoped(keys.borrowWith({ timeout: "5 seconds" }))),
        { startImmediately: true }
      )
      yield* pass(2)
      yield* first.stop
      yield* host(wire, { objects: [] })
      yield* pass(2)
      assert.isUndefined(waiting.pollUnsafe())

      yield* pass(1)

      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag, "BorrowTimeout")
    }))
})

describe("nobody waits past his deadline", () => {
  it.effect("where there is no host", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const { keys } = yield* borrower(wire)
      const waiting = yield* Effect.forkChild(
        Effect.flip(Effect.scoped(keys.borrowWith({ timeout: "3 seconds" }))),
        { startImmediately: true }
      )
      yield* pass(2)
      assert.isUndefined(waiting.pollUnsafe())

      yield* pass(1)

      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Unreachable")
      assert.include(error.message, "app/Keys")
      // at once, where it is known that there is none
      assert.strictEqual((yield* Effect.flip(Effect.scoped(keys.tryBorrow)))._tag, "PoolUnavailable")
    }))

  it.effect("where the host is silent", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const { keys, mute } = yield* borrower(wire)
      yield* settle
      yield* mute
      const waiting = yield* Effect.forkChild(
        Effect.flip(keys.with(() => Effect.void, { timeout: "3 seconds" })),
        { startImmediately: true }
      )
      const stats = yield* Effect.forkChild(Effect.flip(keys.stats), { startImmediately: true })

      yield* pass(4)

      assert.strictEqual((yield* Fiber.join(waiting))._tag, "PoolUnavailable")
      yield* pass(30)
      assert.strictEqual((yield* Fiber.join(stats))._tag, "PoolUnavailable")
    }))
})

describe("a body whose connection is lost", () => {
  it.effect("is interrupted at once, and fails with `Lost`", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const { cut, keys } = yield* borrower(wire)
      const { begun, run, state } = yield* body
      const fiber = yield* Effect.forkChild(keys.with(() => run), { startImmediately: true })
      yield* begun

      yield* cut

      assert.isTrue(state.interrupted)
      lost(yield* Fiber.await(fiber))
      // and borrows again by the next connection
      yield* pass(1)
      assert.strictEqual(yield* keys.with((lease) => Effect.succeed(lease.object.key)), "secret-a")
    }))

  it.effect("does nothing more, though it was due before the timer of its lease", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "10 seconds" })
      const { clock, skew } = yield* stopped
      const { keys } = yield* Effect.provideService(borrower(wire), Clock.Clock, clock)
      const { begun, run, state } = yield* body
      const fiber = yield* Effect.forkChild(keys.with(() => run), { startImmediately: true })
      yield* begun
      const { steps } = state

      // as if the process had been frozen: its timers are due in their order, but both clocks are far ahead of them all
      skew.millis = 60_000
      yield* elapse("1 second")

      assert.strictEqual(state.steps, steps)
      lost(yield* Fiber.await(fiber))
    }))

  it.effect("under `borrow` is told by `expired`", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const { cut, keys } = yield* borrower(wire)
      const lease = yield* keys.borrow
      const over = yield* Effect.forkChild(Effect.flip(lease.expired), { startImmediately: true })

      yield* cut

      assert.strictEqual((yield* Fiber.join(over)).reason, "Lost")
      assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Lost")
      yield* lease.invalidate
      yield* lease.release
      yield* pass(1)
      assert.strictEqual((yield* keys.stats).size, 1)
    }))
})

describe("a guarded resource that keeps the highest fence", () => {
  it.effect("refuses what comes with an older one, over hosts", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      let highest: Fence | undefined
      const write = (fence: Fence) => {
        if (highest !== undefined && Fence.compare(fence, highest) < 0) return false
        highest = fence
        return true
      }
      const first = yield* host(wire)
      const { keys } = yield* borrower(wire)
      const stale = yield* keys.with((lease) => Effect.succeed(lease.fence))
      assert.isTrue(write(stale))
      assert.isTrue(write(yield* keys.with((lease) => Effect.succeed(lease.fence))))
      assert.isFalse(write(stale))

      yield* first.stop
      yield* elapse("1 second")
      yield* host(wire)
      yield* pass(1)

      assert.isTrue(write(yield* keys.with((lease) => Effect.succeed(lease.fence))))
      assert.isFalse(write(stale))
    }))
})

describe("whoever does not show the token", () => {
  it.effect("borrows nothing, sees nothing, changes nothing", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const access = SharedPool.layerAccess(Redacted.make("0123456789abcdef"))
      yield* Layer.build(
        Keys.layerServer({ ...usual, objects: [keyOf("a")] }).pipe(
          Layer.provide([wire.layerServer, access]),
          Layer.orDie
        )
      )
      const shows = (token: string | undefined) =>
        Effect.map(
          Layer.build(Keys.layerRemote.pipe(
            Layer.provide([
              wire.layerClient(),
              SharedPool.layerPass({ token: token === undefined ? undefined : Redacted.make(token) })
            ]),
            Layer.orDie
          )),
          Context.get(Keys)
        )
      const good = yield* shows("0123456789abcdef")
      yield* good.stats

      for (const token of [undefined, "", "0123456789abcdeF", "0123456789abcdef0", "x".repeat(5000)]) {
        const bad = yield* shows(token)
        const attempts = [Effect.scoped(bad.borrow), bad.stats, bad.remove(keyOf("a")), bad.add(keyOf("b")), bad.drain]
        for (const attempt of attempts) {
          assert.include(String(yield* Effect.exit<unknown, unknown, never>(attempt)), "no such token")
        }
      }

      assert.strictEqual((yield* good.stats).size, 1)
      assert.notInclude(
        yield* Effect.map(good.leases, (leases) => JSON.stringify(leases)),
        "0123456789abcdef"
      )
    }))

  it.effect("cannot be kept out by a server that has not been told whom to let in", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(Keys.layerServer({ ...usual, objects: [] }).pipe(Layer.provide(wire.layerServer))))
      )

      assert.include(String(exit), "token")
    }))
})

describe("a host that stops gently", () => {
  it.effect("grants nothing more, lets leases end, and takes what comes back", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const destroyed: Array<string> = []
      const acquire = Effect.acquireRelease(Effect.succeed(keyOf("a")), () => Effect.sync(() => destroyed.push("a")))
      const first = yield* host(wire, { objects: [], acquire, size: { max: 1 }, closing: { timeout: "30 seconds" } })
      const { keys } = yield* borrower(wire)
      const holding = yield* Scope.make()
      const lease = yield* Scope.provide(keys.borrow, holding)
      const waiting = yield* Effect.forkChild(Effect.exit(keys.with(() => Effect.void)), { startImmediately: true })
      yield* settle

      const stopping = yield* Effect.forkChild(first.stop, { startImmediately: true })
      yield* pass(12)

      assert.isUndefined(stopping.pollUnsafe())
      assert.isUndefined(waiting.pollUnsafe())
      assert.deepStrictEqual(destroyed, [])
      // it is still renewed
      yield* lease.renew
      yield* Scope.close(holding, Exit.void)
      yield* settle
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(destroyed, ["a"])
      yield* Fiber.interrupt(waiting)
    }))
})

describe("a borrower that does not fit its host", () => {
  const other = <A>(wire: Wire, object: Schema.Codec<A, unknown>, name = "app/Keys") => {
    class Others extends SharedPool.Service<Others>()(name, { object }) {}
    return Effect.map(Layer.build(Layer.provide(Others.layerRemote, wire.layerClient())), Context.get(Others))
  }

  it.effect("is told at once that its schemas are other ones", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const pool = yield* other(wire, Schema.String)

      const error = yield* Effect.flip(Effect.scoped(pool.borrow))

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Incompatible")
      assert.include(error.message, "schemas")
    }))

  it.effect("is told that there is no such pool", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire)
      const pool = yield* other(wire, Schema.String, "app/Nothing")
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "2 seconds" }))), {
        startImmediately: true
      })

      yield* pass(2)

      assert.include((yield* Fiber.join(fiber)).message, "no pool \"app/Nothing\"")
    }))
})

describe("an object that its schema does not encode", () => {
  it.effect("is not lent, and nothing of it is told", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const wire = makeWire()
      yield* host(wire, { objects: [{ key: 3, region: "secret" } as never] })
      const { keys } = yield* borrower(wire)

      const error = yield* Effect.flip(keys.with(() => Effect.void))

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Malformed")
      assert.notInclude(error.message + lines.join() + wire.carried.join(), "secret")
      assert.strictEqual((yield* keys.stats).leases, 0)
    }))

  it.effect("by a schema that throws neither", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      class Odd extends SharedPool.Service<Odd>()("app/Odd", {
        object: Schema.String.check(Schema.makeFilter(() => {
          throw new Error("secret")
        }))
      }) {}
      yield* Layer.build(
        Odd.layerServer({ objects: ["a"] }).pipe(
          Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
          Layer.orDie
        )
      )
      const odd = Context.get(yield* Layer.build(Layer.provide(Odd.layerRemote, wire.layerClient())), Odd)

      const error = yield* Effect.flip(odd.with(() => Effect.void))

      assert.strictEqual(error._tag === "PoolUnavailable" && error.reason, "Malformed")
      assert.notInclude(error.message, "secret")
    }))
})

describe("a borrower's process", () => {
  it.effect("has no more leases, and no more waiters, than the host lets it", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { objects: [keyOf("a"), keyOf("b"), keyOf("c")], perBorrower: { leases: 2, waiters: 1 } })
      const { keys } = yield* borrower(wire)
      const free = yield* borrower(wire)
      yield* keys.borrow
      yield* keys.borrow

      const full = yield* Effect.flip(Effect.scoped(keys.borrow))

      assert.strictEqual(full._tag === "PoolUnavailable" && full.reason, "LeasesFull")
      yield* free.keys.borrow
      yield* Effect.forkChild(Effect.exit(Effect.scoped(free.keys.borrow)), { startImmediately: true })
      yield* settle
      const crowded = yield* Effect.flip(Effect.scoped(free.keys.borrow))
      assert.strictEqual(crowded._tag === "PoolExhausted" && crowded.reason, "WaitersFull")
    }))

  it.effect("that may not wait is lent what is free", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { perBorrower: { waiters: 0 } })
      const { keys } = yield* borrower(wire)

      const lease = yield* keys.borrow
      const crowded = yield* Effect.flip(Effect.scoped(keys.borrow))

      assert.strictEqual(lease.object.key, "secret-a")
      assert.strictEqual(crowded._tag === "PoolExhausted" && crowded.reason, "WaitersFull")
    }))

  it.effect("that waits for more leases than it may have is lent no more than that, and the rest goes to others", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { objects: [keyOf("a"), keyOf("b")], perBorrower: { leases: 1 } })
      const greedy = yield* borrower(wire)
      const [one, two] = [yield* borrower(wire), yield* borrower(wire)]
      const scope = yield* Scope.make()
      yield* Scope.provide(one.keys.borrow, scope)
      yield* Scope.provide(two.keys.borrow, scope)
      const asked = yield* Effect.forEach(
        [1, 2],
        () => Effect.forkChild(Effect.exit(greedy.keys.borrow), { startImmediately: true })
      )
      yield* settle

      yield* Scope.close(scope, Exit.void)
      yield* settle

      assert.strictEqual((yield* greedy.keys.leases).length, 1)
      const [first, second] = yield* Effect.forEach(asked, Fiber.join)
      assert.isTrue(Exit.isSuccess(first!))
      assert.include(String(second), "lends no more to this process")
      yield* one.keys.borrow
    }))

  it.effect("hears of a defect of its host that there was one, and not what it says", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { objects: [], acquire: Effect.die(new Error("the password is 1234")) })
      const { keys } = yield* borrower(wire)

      const exit = yield* Effect.exit(keys.with(() => Effect.void)).pipe(
        Effect.provide(Logger.layer([]))
      )

      assert.isTrue(Exit.hasDies(exit))
      assert.notInclude(String(exit) + wire.carried.join(), "1234")
    }))

  it.effect("tells a judge on the host how its body has ended", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const judged: Array<string> = []
      yield* host(wire, {
        judge: (exit) => {
          judged.push(Exit.isSuccess(exit) ? "success" : String(exit))
          return undefined
        }
      })
      const { keys } = yield* borrower(wire)

      yield* keys.with(() => Effect.void)
      yield* Effect.exit(keys.with(() => Effect.fail(new RateLimited())))
      yield* settle

      assert.strictEqual(judged[0], "success")
      assert.include(judged[1]!, "slow down")
    }))
})

class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {}) {
  override get message(): string {
    return "slow down"
  }
}

describe("a host whose epoch is no whole number", () => {
  it.effect("says so as it starts", () =>
    Effect.gen(function*() {
      for (const epoch of [Number.NaN, 1.5, -1]) {
        const exit = yield* Effect.exit(Effect.scoped(host(makeWire(), { epoch: Effect.succeed(epoch) })))

        assert.isTrue(Exit.hasDies(exit))
        assert.include(String(exit), "epoch")
      }
    }))
})

describe("at its end", () => {
  it.effect("a borrower's process leaves no lease and no session, and a host nothing at all", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const { stop } = yield* host(wire)
      const scope = yield* Scope.make()
      const { keys } = yield* Scope.provide(borrower(wire), scope)
      const watching = yield* borrower(wire)
      const fiber = yield* Effect.forkChild(Effect.exit(keys.with(() => Effect.never)), { startImmediately: true })
      yield* settle
      assert.strictEqual((yield* watching.keys.stats).leases, 1)

      yield* Scope.close(scope, Exit.void)
      yield* settle

      assert.strictEqual((yield* watching.keys.stats).leases, 0)
      lost(yield* Fiber.join(fiber))
      yield* stop
    }))
})

describe("one server", () => {
  class Others extends SharedPool.Service<Others>()("app/Others", { object: Schema.String }) {}
  const open = SharedPool.layerAccess("anybody")

  it.effect("serves several pools, each to its own borrowers, as long as any is there", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const transport = yield* Layer.build(Layer.merge(wire.layerServer, Layer.orDie(open)))
      const served = Layer.succeedContext(transport)
      const first = yield* Scope.make()
      yield* Layer.buildWithScope(
        Layer.provide(Keys.layerServer({ ...usual, objects: [keyOf("a")] }), served),
        first
      )
      yield* Layer.build(Layer.provide(Others.layerServer({ objects: ["b"] }), served))
      const { keys } = yield* borrower(wire)
      const others = Context.get(yield* Layer.build(Layer.provide(Others.layerRemote, wire.layerClient())), Others)

      assert.strictEqual(yield* keys.with((lease) => Effect.succeed(lease.object.key)), "secret-a")
      assert.strictEqual(yield* others.with((lease) => Effect.succeed(lease.object)), "b")
      yield* Scope.close(first, Exit.void)
      assert.strictEqual(yield* others.with((lease) => Effect.succeed(lease.object)), "b")
    }))

  it.effect("has one pool of each name", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      const served = Layer.succeedContext(yield* Layer.build(Layer.merge(wire.layerServer, Layer.orDie(open))))
      yield* Layer.build(Layer.provide(Others.layerServer({ objects: ["b"] }), served))

      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(Layer.provide(Others.layerServer({ objects: ["c"] }), served)))
      )

      assert.include(String(exit), "one pool of each name")
      const others = Context.get(yield* Layer.build(Layer.provide(Others.layerRemote, wire.layerClient())), Others)
      assert.strictEqual(yield* others.with((lease) => Effect.succeed(lease.object)), "b")
    }))
})

describe("clocks that show other times than the host's", () => {
  it.effect("change nothing: leases last, expire and rest as long as they should", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "2 seconds" })
      const { clock, skew } = yield* skewed
      skew.millis = -3_600_000
      const { keys } = yield* Effect.provideService(borrower(wire), Clock.Clock, clock)
      const lease = yield* keys.borrowWith({ leaseTimeout: "30 seconds" })
      yield* pass(20)
      yield* lease.renew
      yield* lease.restUntil(clock.currentTimeMillisUnsafe() + 5000)
      const over = yield* Effect.forkChild(Effect.flip(lease.expired), { startImmediately: true })
      yield* pass(29)
      assert.isUndefined(over.pollUnsafe())

      yield* pass(1)

      assert.strictEqual((yield* Fiber.join(over)).reason, "Expired")
      yield* Effect.scoped(Effect.flatMap(keys.borrow, (next) => next.rest("5 seconds")))
      yield* pass(4.5)
      assert.strictEqual((yield* keys.stats).dormant, 1)
      yield* pass(0.5)
      assert.strictEqual((yield* keys.stats).available, 1)
    }))

  it.effect("but one that is set ahead by the time to live loses its leases, as a machine that has slept does", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, { timeToLive: "2 seconds" })
      const { clock, skew } = yield* skewed
      const { keys } = yield* Effect.provideService(borrower(wire), Clock.Clock, clock)
      const { begun, run, state } = yield* body
      const fiber = yield* Effect.forkChild(keys.with(() => run), { startImmediately: true })
      yield* begun

      skew.millis = 3_600_000
      yield* elapse("1 second")

      assert.isTrue(state.interrupted)
      lost(yield* Fiber.await(fiber))
    }))
})
