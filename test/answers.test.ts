/**
 * A callback whose answer cannot even be looked at, such as a `Proxy` that was revoked: that is a failure of the callback
 * like any other, and nothing stays behind (promises 2, 16, 20 and 22).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { ObjectPool, type PooledObject, PoolService, type Status } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { hold, make, serves, settle, start } from "./support/borrowers.ts"
import { late, quietly } from "./support/observed.ts"
import { failure, idle, turn } from "./support/promises.ts"
import { balanced } from "./support/scripted.ts"

/** Throws when it is looked at in any way. */
const opaque = (): never => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy as never
}

/** How a callback gets hold of it. */
const ways: Record<string, () => never> = {
  "answers it": opaque,
  "answers an effect of it": () => Effect.succeed(opaque()) as never,
  "answers an effect of it, later": () => Effect.delay(Effect.sync(opaque), "1 second") as never,
  "answers an effect that goes on with it": () => Effect.suspend(opaque) as never,
  "fails with it": () => Effect.fail(opaque()) as never,
  "throws it": () => {
    throw opaque()
  }
}

/** Does the effect end well, with an answer that nobody looks at? */
const harmless = ["answers an effect of it", "answers an effect of it, later"]

/** Lets a pool go about what it has begun. */
const pass = TestClock.adjust("10 seconds")

describe("a callback that", () => {
  for (const [way, answer] of Object.entries(ways)) {
    const fails = !harmless.includes(way)

    for (const hook of ["onBorrow", "onRelease"] as const) {
      it.effect(`${way}: ${hook}${fails ? " has failed, and its object leaves" : " has ended well"}`, () =>
        late(Effect.gen(function*() {
          let bad = true
          let made = 0
          const pool = yield* quietly(make({
            acquire: Effect.sync(() => ++made),
            size: { max: 2 },
            [hook]: () => bad ? answer() : undefined
          }))
          const borrower = yield* start(pool.with(() => Effect.void))
          if (hook === "onBorrow") bad = way.endsWith("later")
          yield* pass
          bad = false
          yield* pass

          assert.isDefined(borrower.pollUnsafe())
          assert.strictEqual((yield* balanced(pool)).totals.destroyed > 0, fails)
          yield* serves(pool, 2)
        })))
    }

    it.effect(`${way}: a selector is a defect of its borrower, and is asked again for the next`, () =>
      Effect.gen(function*() {
        let bad = true
        const pool = yield* make({
          objects: ["a"],
          select: (available: ReadonlyArray<PooledObject<string>>) => bad ? answer() : available[0]
        })
        const [first, next] = [yield* start(hold(pool.borrow)), yield* start(pool.with(() => Effect.void))]
        yield* pass
        bad = false
        const exit = yield* Effect.exit(Fiber.join(first))
        yield* pass

        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.isDefined(next.pollUnsafe())
        yield* serves(pool, 1)
      }))

    it.effect(`${way}: a detector has failed, and its object is asked again`, () =>
      Effect.gen(function*() {
        let bad = true
        const pool = yield* make({
          objects: ["a"],
          detectStatus: () => bad ? answer() : "Available",
          detection: { onAdd: false, onBorrow: true, timeout: "2 seconds" }
        })
        const first = yield* start(pool.with(() => Effect.void, { timeout: "3 seconds" }))
        yield* TestClock.adjust("3 seconds")
        const { leases, pending, unknown, waiting } = yield* balanced(pool)
        assert.deepStrictEqual([leases, waiting, pending + unknown], [0, 0, 1])
        bad = false
        yield* TestClock.adjust("1 minute")

        assert.isDefined(first.pollUnsafe())
        yield* serves(pool, 1)
      }))

    it.effect(`${way}: \`release\` of an added object has failed, and its room is free`, () =>
      late(Effect.gen(function*() {
        const pool = yield* quietly(make<string>({ size: { max: 1 }, detection: { concurrency: 1 } }))
        for (let i = 0; i < 3; i++) {
          yield* pool.add("a", { release: answer })
          yield* pool.remove("a")
          yield* pass
          assert.deepInclude(yield* balanced(pool), { size: 0 })
        }
      })))

    // in its borrower's own fiber, which ends with what it cannot go on with
    if (way === "answers an effect that goes on with it") continue

    it.effect(`${way}: \`pack\` gives the object back`, () =>
      late(Effect.gen(function*() {
        let bad = true
        const pool = yield* ObjectPool.make({ objects: ["a"], pack: () => bad ? answer() : "packed" })
        for (const borrow of [Effect.scoped(pool.borrow), pool.with(() => Effect.void)]) {
          yield* start(Effect.exit(borrow))
          yield* pass
          assert.deepInclude(yield* balanced(pool), { leases: 0, available: 1, waiting: 0 })
        }
        bad = false
        yield* serves(pool, 1)
      })))
  }

  for (const what of ["where", "leaseTimeout", "weight", "data"] as const) {
    for (const way of ["answers it", "throws it"] as const) {
      const fails = what === "leaseTimeout" || what === "weight" || way === "throws it"
      it.effect(`${way}: ${what}${fails ? " is a defect of its borrower" : " has said something"}`, () =>
        late(Effect.gen(function*() {
          let bad = true
          const say = <B>(good: B) => (): B => bad ? ways[way]!() : good
          let made = 0
          const pool = yield* quietly(make<number>({
            acquire: Effect.sync(() => ++made),
            size: { max: 1 },
            ...what === "leaseTimeout" && { leaseTimeout: say("1 hour") },
            ...what === "weight" && { select: { weight: say(1) } },
            ...what === "data" && { data: say(undefined) }
          }))
          const options = what === "where" ? { where: say(true) } : {}
          for (const borrow of [Effect.scoped(pool.borrowWith(options)), pool.with(() => Effect.void, options)]) {
            // served at once, after a wait, and behind another
            const holder = yield* start(hold(pool.borrow))
            const alone = yield* start(Effect.exit(borrow))
            yield* settle
            if (holder.pollUnsafe()?._tag === "Success") yield* (yield* Fiber.join(holder)).release
            yield* pass
            assert.isDefined(alone.pollUnsafe())
            assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, pending: 0, making: 0 })
          }
          bad = false
          yield* pass
          yield* serves(pool, 1)
        })))
    }
  }

  it.effect("answers a rest that can be looked at once: a detector has answered that", () =>
    Effect.gen(function*() {
      let looks = 0
      const rest: Status.Rest = {
        _tag: "Rest",
        get until() {
          if (++looks > 1) throw new Error("looked at twice")
          return Duration.seconds(1)
        }
      }
      const pool = yield* make({ objects: ["a"], detectStatus: () => looks === 0 ? rest : "Available" })
      assert.deepInclude(yield* balanced(pool), { dormant: 1, pending: 0 })

      yield* TestClock.adjust("1 second")

      yield* serves(pool, 1)
    }))

  it.effect("an object that cannot be looked at is made, added, lent, found and destroyed like any other", () =>
    late(Effect.gen(function*() {
      const destroyed: Array<unknown> = []
      const pool = yield* make({
        acquire: Effect.acquireRelease(
          Effect.sync<object>(opaque),
          (object) => Effect.sync(() => destroyed.push(object))
        ),
        detectStatus: () => "Available",
        onBorrow: () => {},
        leaseTimeout: "1 minute"
      })
      const added: object = opaque()
      yield* pool.add(added)
      yield* serves(pool, 3)
      assert.isTrue(yield* pool.remove(added))
      yield* pool.with((lease) => lease.invalidate)
      yield* pass

      assert.strictEqual(destroyed.length, 1)
      assert.isFalse(yield* pool.remove(opaque()))
    })))
})

describe("a function of a promise pool that answers what cannot be looked at", () => {
  const ways = {
    plainly: opaque,
    "by a promise": async () => opaque(),
    "by a rejection": () => Promise.reject(opaque() as unknown) as never
  }
  for (const [way, answer] of Object.entries(ways)) {
    for (const what of ["onBorrow", "onRelease", "detectStatus", "select", "pack", "acquire"] as const) {
      it(`${what}, ${way}: nothing stays behind`, async () => {
        let bad = true
        await using pool = PromisePool.make<object>({
          acquire: () => bad && what === "acquire" ? answer() : {},
          size: { max: 2 },
          ...what === "onBorrow" && { onBorrow: () => bad ? answer() : undefined },
          ...what === "onRelease" && { onRelease: () => bad ? answer() : undefined },
          ...what === "detectStatus" && { detectStatus: () => bad ? answer() : "Available" as const },
          ...what === "select" && { select: (available: ReadonlyArray<unknown>) => bad ? answer() : available[0] },
          ...what === "pack" && { pack: () => bad ? answer() : {} }
        } as never)
        await Promise.allSettled([
          pool.with(() => {}, { timeout: "50 millis" }),
          pool.borrow({ timeout: "50 millis" }).then((lease) => lease.release())
        ])
        await turn()
        bad = false

        for (let i = 0; i < 2; i++) await pool.with(() => {})
        await turn()
        idle(pool)
      })
    }
  }

  it("a tag's `pack`: it is what the borrower gets", async () => {
    class Opaque extends PoolService<Opaque, string, { pack: object }>()("answers/Opaque") {}
    await using pool = await PromisePool.fromLayer(
      Opaque,
      Opaque.layer({ objects: ["a"], pack: () => Effect.succeed<object>(opaque()) })
    )

    await using lease = await pool.borrow()
    assert.strictEqual(typeof lease.object, "object")
    await lease.release()

    assert.strictEqual(await pool.with((object) => typeof object), "object")
    assert.instanceOf(await failure(pool.with((object) => Object.keys(object))), TypeError)
    idle(pool)
  })
})
