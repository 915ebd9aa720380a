/**
 * Connections that end under leases, of which the host may hear before the borrower does: on a wire in memory, by one clock
 * that both sides share.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { numbers } from "../support/random.ts"
import { makeWire, type Wire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 200 })
const elapse = (millis: number) => Effect.andThen(TestClock.adjust(millis), settle)

/** As much time in small steps, between which messages arrive. */
const pass = (millis: number) =>
  Effect.gen(function*() {
    for (let left = millis; left > 0; left -= 5) {
      yield* TestClock.adjust(Math.min(5, left))
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
    }
  })

const host = (wire: Wire, objects: ReadonlyArray<string>, afterCut?: Duration.Input) =>
  Layer.build(
    Keys.layerServer({ ...usual, objects: objects.map((name) => keyOf(name)), timeToLive: "2 seconds", afterCut }).pipe(
      Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]),
      Layer.orDie
    )
  )

/** A process that borrows, and the number of the connection that it has. */
const borrower = (wire: Wire) =>
  Effect.gen(function*() {
    let connection: (() => number) | undefined
    const layer = Layer.provide(Keys.layerRemote, wire.layerClient((end) => (connection = () => end().connection)))
    const keys = Context.get(yield* Layer.build(layer), Keys)
    return { keys, connection: () => connection!() }
  })

/** Who uses what, as a body sees it that runs; how often another did. */
const makeUses = () => {
  const users = new Map<string, number>()
  const seen = { uses: 0, overlaps: 0 }
  const use = (object: string, millis: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const before = users.get(object) ?? 0
        users.set(object, before + 1)
        seen.uses++
        if (before > 0) seen.overlaps++
      }),
      () => Effect.sleep(millis),
      () => Effect.sync(() => users.set(object, users.get(object)! - 1))
    )
  return { seen, use, users }
}

/** One uses the only object, of a host that waits after a cut, and another waits for it. */
const rivals = Effect.gen(function*() {
  const wire = makeWire()
  yield* host(wire, ["a"], "Infinity")
  const { seen, use, users } = makeUses()
  const [first, second] = [yield* borrower(wire), yield* borrower(wire)]
  const uses = Effect.fnUntraced(function*({ keys }: typeof first) {
    const body = keys.with(() => use("a", 60_000))
    const fiber = yield* Effect.forkChild(Effect.flip(body), { startImmediately: true })
    yield* settle
    return fiber
  })
  return { first, seen, users, wire, using: yield* uses(first), next: yield* uses(second) }
})

describe("a connection that ends", () => {
  it.effect("of which the host hears first, is over at its borrower before its object is lent on", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, ["a"])
      const { seen, use } = makeUses()
      const [first, second] = [yield* borrower(wire), yield* borrower(wire)]
      const using = yield* Effect.forkChild(Effect.flip(first.keys.with(() => use("a", 1000))), {
        startImmediately: true
      })
      yield* settle
      const next = yield* Effect.forkChild(second.keys.with(() => use("a", 1000)), { startImmediately: true })
      yield* settle

      const told = wire.part(first.connection())
      told.server()
      yield* elapse(40)
      assert.deepStrictEqual(seen, { uses: 1, overlaps: 0 })
      told.borrower()
      yield* settle
      assert.strictEqual((yield* Fiber.join(using))._tag, "LeaseExpired")
      yield* elapse(20)

      assert.deepStrictEqual(seen, { uses: 2, overlaps: 0 })
      yield* elapse(1000)
      yield* Fiber.join(next)
    }))

  it.effect("never has an object used by two, in thousands of borrows amid hundreds of ends", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, ["a", "b", "c", "d"])
      const random = numbers(18)
      const { seen, use, users } = makeUses()
      const borrowers = yield* Effect.forEach(Array.from({ length: 6 }), () => borrower(wire))
      for (const { keys } of [...borrowers, ...borrowers]) {
        const round = Effect.ignore(keys.with((lease) => use(lease.object.key, 1 + random() * 10)))
        yield* Effect.forkScoped(Effect.forever(round), { startImmediately: true })
      }
      let cuts = 0

      while (seen.uses < 2000) {
        const told = wire.part(borrowers[Math.floor(random() * borrowers.length)]!.connection())
        told.server()
        cuts++
        yield* pass(random() * 45)
        told.borrower()
        yield* pass(random() * 50)
      }

      assert.strictEqual(seen.overlaps, 0)
      assert.isAbove(cuts, 30)
      assert.isAtMost(Math.max(...users.values()), 1)
    }))

  it.effect("has what was held by it with the next within 100 milliseconds, where the process was killed", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, ["a"])
      const [killed, other] = [yield* borrower(wire), yield* borrower(wire)]
      const held = yield* Effect.forkChild(Effect.exit(killed.keys.with(() => Effect.never)), {
        startImmediately: true
      })
      yield* settle
      const next = yield* Effect.forkChild(Effect.scoped(other.keys.borrow), { startImmediately: true })
      yield* settle

      wire.part(killed.connection()).server()
      yield* elapse(90)

      assert.isDefined(next.pollUnsafe())
      yield* Fiber.interrupt(held)
    }))

  it.effect("of which the borrower never hears, is over there before its object is lent on, where the host waits for that", () =>
    Effect.gen(function*() {
      const { first, next, seen, users, using, wire } = yield* rivals

      wire.part(first.connection()).server()
      yield* elapse(1900)
      assert.deepStrictEqual([users.get("a"), seen.uses], [1, 1])
      yield* elapse(150)
      assert.deepStrictEqual([users.get("a"), seen.uses], [0, 1])
      assert.strictEqual((yield* Fiber.join(using))._tag, "LeaseExpired")
      yield* elapse(250)

      assert.deepStrictEqual([users.get("a"), seen], [1, { uses: 2, overlaps: 0 }])
      yield* Fiber.interrupt(next)
    }))

  it.effect("has its objects with the next as soon as its borrower is back, who says that nothing of it is used", () =>
    Effect.gen(function*() {
      for (const who of ["both", "borrower"] as const) {
        const { first, next, seen, using, wire } = yield* rivals

        const told = wire.part(first.connection())
        if (who === "both") told.server()
        told.borrower()
        yield* settle
        assert.strictEqual(seen.uses, 1)
        for (let n = 0; n < 3; n++) yield* elapse(50)

        assert.deepStrictEqual(seen, { uses: 2, overlaps: 0 }, who)
        assert.strictEqual((yield* Fiber.join(using))._tag, "LeaseExpired")
        yield* Fiber.interrupt(next)
      }
    }))

  it.effect("does not have them with the next while what its body has to finish goes on", () =>
    Effect.gen(function*() {
      const wire = makeWire()
      yield* host(wire, ["a"], "Infinity")
      const { seen, use } = makeUses()
      const [first, second] = [yield* borrower(wire), yield* borrower(wire)]
      const using = yield* Effect.forkChild(
        Effect.flip(first.keys.with(() => Effect.uninterruptible(use("a", 1000)))),
        { startImmediately: true }
      )
      yield* settle
      const next = yield* Effect.forkChild(Effect.flip(second.keys.with(() => use("a", 60_000))), {
        startImmediately: true
      })
      yield* settle

      wire.part(first.connection()).borrower()
      for (let n = 0; n < 18; n++) yield* elapse(50)
      assert.deepStrictEqual(seen, { uses: 1, overlaps: 0 })
      for (let n = 0; n < 30; n++) yield* elapse(50)

      assert.deepStrictEqual(seen, { uses: 2, overlaps: 0 })
      yield* Fiber.join(using)
      yield* Fiber.interrupt(next)
    }))
})
