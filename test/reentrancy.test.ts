/**
 * The user's functions may use the pool that calls them: in the middle of its steps (promises 1, 2, 5, 16, 25 and 26).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type ObjectPool, type PooledObject } from "../src/index.ts"
import { ending, hold, keep, make, only, serves, settle, start, state } from "./support/borrowers.ts"
import { balanced } from "./support/scripted.ts"

type Pool = ObjectPool<string>

/** The first of what is offered; it throws where it is asked without end. */
const first = () => {
  let asked = 0
  return (available: ReadonlyArray<PooledObject<string>>) => {
    if (++asked > 1000) throw new Error("it spins")
    return available[0]
  }
}

describe("a function of the user's that uses its pool", () => {
  it.effect("acquire suspends it: the selector is not asked until it resumes", () =>
    Effect.gen(function*() {
      let suspends = true
      const pool: Pool = yield* make({
        acquire: Effect.suspend(() => {
          if (suspends) Effect.runSync(pool.suspend)
          suspends = false
          return Effect.succeed("a")
        }),
        select: first()
      })
      const borrower = yield* start(hold(pool.borrow))
      assert.strictEqual(state(borrower), "waits")

      yield* pool.resume
      yield* settle

      assert.strictEqual(state(borrower), "ok")
    }))

  it.effect("`where` takes out what onBorrow has prepared", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make({
        objects: ["a", "b"],
        onRelease: () => {},
        onBorrow: ({ object }) => object === "a" ? Effect.sleep("1 second") : undefined
      })
      yield* hold(pool.borrowWith({ where: ({ object }) => object === "b" }))
      const leaves = yield* keep(pool.borrow)
      yield* keep(pool.borrowWith({
        where: (pooled) => {
          if (pooled.object === "a") Effect.runSync(pool.remove(pooled))
          return false
        }
      }))
      yield* Fiber.interrupt(leaves)
      yield* TestClock.adjust("1 second")

      assert.deepInclude(yield* balanced(pool), { size: 1, borrowed: 1 })
    }))

  it.effect("leaseTimeout rests and wakes what onBorrow has prepared: it is lent to as many as share it", () =>
    Effect.gen(function*() {
      let calls = 0
      const pool: Pool = yield* make({
        objects: ["a"],
        sharing: 2,
        onBorrow: () => Effect.sleep("1 second"),
        onRelease: () => {},
        leaseTimeout: (pooled) => {
          if (pooled.status === "Available" && calls++ === 1) {
            Effect.runSync(Effect.andThen(pool.rest(pooled, "1 second"), pool.wake(pooled)))
          }
          return "1 hour"
        }
      })
      const borrowers = yield* Effect.forEach([1, 2, 3], () => start(hold(pool.borrow)))
      yield* TestClock.adjust("5 seconds")

      const { borrowed, leases } = yield* balanced(pool)
      assert.isAtMost(leases, 2)
      assert.strictEqual(borrowed, 1)
      assert.strictEqual(borrowers.filter((each) => state(each) === "ok").length, leases)
    }))

  for (const how of ["rest", "remove"] as const) {
    it.effect(`leaseTimeout has what was chosen and detected leave the list: ${how}`, () =>
      Effect.gen(function*() {
        let armed = false
        const pool: Pool = yield* make({
          acquire: Effect.succeed("a"),
          size: { max: 1 },
          select: first(),
          detectStatus: () => Effect.as(Effect.sleep("10 millis"), "Available" as const),
          detection: { onBorrow: true },
          leaseTimeout: (pooled) => {
            if (armed) Effect.runSync(how === "rest" ? pool.rest(pooled, "1 second") : pool.remove(pooled))
            armed = false
            return "1 hour"
          }
        })
        const holder = yield* start(hold(pool.borrow))
        yield* TestClock.adjust("1 second")
        const waiters = [yield* start(hold(pool.borrow)), yield* start(hold(pool.borrow))]
        armed = true
        yield* (yield* Fiber.join(holder)).release
        yield* TestClock.adjust("5 seconds")

        assert.strictEqual(state(waiters[0]!), "ok")
        assert.strictEqual((yield* balanced(pool)).leases, 1)
      }))
  }

  for (const by of ["where", "leaseTimeout"] as const) {
    it.effect(`${by} suspends it: the borrower waits until it resumes`, () =>
      Effect.gen(function*() {
        let suspends = true
        const suspend = () => {
          if (suspends) Effect.runSync(pool.suspend)
          suspends = false
        }
        const pool: Pool = yield* make({
          objects: ["a"],
          leaseTimeout: () => {
            if (by === "leaseTimeout") suspend()
            return "Infinity"
          }
        })
        const borrower = yield* start(hold(pool.borrowWith({
          where: () => {
            if (by === "where") suspend()
            return true
          }
        })))
        assert.strictEqual(state(borrower), "waits")

        yield* pool.resume
        yield* settle

        assert.strictEqual(state(borrower), "ok")
      }))
  }

  it.effect("a weight takes out its own object: the others are lent as before", () =>
    Effect.gen(function*() {
      let armed = false
      const pool: Pool = yield* make({
        objects: ["a", "b", "c", "d", "e"],
        select: {
          weight: (pooled) => {
            if (armed) {
              armed = false
              Effect.runSync(pool.remove(pooled))
            }
            return 1
          }
        }
      })
      const { release } = yield* hold(pool.borrow)
      armed = true
      yield* release

      for (let i = 0; i < 200; i++) yield* pool.with(() => Effect.void, { timeout: 0 })
      yield* serves(pool, 4)
    }))

  it.effect("`where` adds another while several are added: there are never more than size.max", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make<string>({ size: { max: 3 } })
      const added: Array<string> = []
      yield* keep(pool.borrowWith({
        where: () => {
          added.push(ending(Effect.runSync(Effect.exit(pool.add("x")))))
          return false
        }
      }))
      yield* pool.addAll(["a", "b", "c"])

      assert.deepStrictEqual(added, ["PoolFull", "PoolFull", "PoolFull"])
      assert.deepInclude(yield* balanced(pool), { size: 3, available: 3 })
    }))

  it.effect("`where` takes out one, and rests another, of those that are being added", () =>
    Effect.gen(function*() {
      const pool: Pool = yield* make<string>({})
      yield* keep(pool.borrowWith({
        where: ({ object }) => {
          if (object === "a") Effect.runSync(Effect.andThen(pool.remove("b"), pool.rest("c", "1 second")))
          return false
        }
      }))
      yield* pool.addAll(["a", "b", "c"])

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, dormant: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* balanced(pool), { available: 2, dormant: 0 })
    }))

  for (const what of ["removes its object", "rests its object", "suspends the pool", "borrows another"] as const) {
    it.effect(`a detector that answers plainly ${what}`, () =>
      Effect.gen(function*() {
        let armed = false
        let other: Fiber.Fiber<unknown, unknown> | undefined
        const pool: Pool = yield* make({
          objects: ["a"],
          detection: { onBorrow: true },
          detectStatus: (pooled) => {
            if (armed) {
              armed = false
              if (what === "removes its object") Effect.runSync(pool.remove(pooled))
              else if (what === "rests its object") Effect.runSync(pool.rest(pooled, "1 second"))
              else if (what === "suspends the pool") Effect.runSync(pool.suspend)
              else other = Effect.runFork(Effect.scoped(pool.borrow))
            }
            return "Available"
          }
        })
        yield* pool.with(() => Effect.void)
        armed = true
        const borrower = yield* start(hold(pool.borrow))
        yield* settle

        assert.strictEqual(state(other ?? borrower), what === "borrows another" ? "ok" : "waits")
        yield* balanced(pool)
        if (what === "removes its object") yield* pool.add("b")
        if (what === "rests its object") yield* TestClock.adjust("1 second")
        if (what === "suspends the pool") yield* pool.resume
        if (other !== undefined) yield* Fiber.interrupt(other)
        yield* (yield* Fiber.join(borrower)).release
        yield* serves(pool, 1)
      }))
  }
})

describe("re-entrancy:", () => {
  it.effect("callbacks may use the pool that calls them", () =>
    Effect.gen(function*() {
      const calls: Record<string, number> = {}
      let quiet = false
      const use = (name: string): boolean => {
        if (quiet) return true
        calls[name] = (calls[name] ?? 0) + 1
        Effect.runSync(balanced(pool))
        Effect.runSync(pool.add(name))
        Effect.runSync(pool.with(() => pool.stats, { ...only(name), timeout: 0 }))
        return Effect.runSync(pool.remove(name))
      }
      const pool: ObjectPool<string> = yield* make<string>({
        acquire: Effect.sync(() => use("acquire") ? "made" : ""),
        size: { max: 4 },
        data: (object) => {
          if (object === "made") use("data")
          return undefined
        },
        detectStatus: ({ object }) => {
          if (object === "made") use("detectStatus")
          return "Available"
        },
        detection: { onBorrow: true, onRelease: true },
        leaseTimeout: ({ object }) => {
          if (object === "made") use("leaseTimeout")
          return "Infinity"
        },
        pack: (lease) => {
          if (lease.object === "made") use("pack")
          return lease
        }
      })
      const where = ({ object }: PooledObject<string>) => object === "made" && use("where")

      yield* (yield* hold(pool.borrowWith(only("made")))).release
      yield* pool.with(() => Effect.void, { where })

      assert.sameMembers(Object.keys(calls), ["acquire", "data", "detectStatus", "leaseTimeout", "pack", "where"])
      quiet = true
      yield* serves(pool, 4)
    }))

  it.effect("a selector may look at the pool that asks it, and rest or remove what it does not choose", () =>
    Effect.gen(function*() {
      const pool: ObjectPool<string> = yield* make({
        objects: ["a", "b", "c"],
        select: (available) => {
          Effect.runSync(balanced(pool))
          if (available.length === 3) {
            Effect.runSync(pool.rest("b", "1 second"))
            Effect.runSync(pool.remove("c"))
          }
          return available[0]
        }
      })

      assert.strictEqual(yield* pool.with((lease) => Effect.succeed(lease.object)), "a")

      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, dormant: 1 })
    }))

  it.effect("what makes an object may borrow another one", () =>
    Effect.gen(function*() {
      const pool: ObjectPool<string> = yield* make<string>({
        objects: ["template"],
        acquire: Effect.suspend(() => pool.with((lease) => Effect.succeed(`${lease.object}'`), only("template")))
          .pipe(
            Effect.orDie
          ),
        size: { max: 3 }
      })

      const lease = yield* pool.borrowWith({ where: ({ object }) => object !== "template" })

      assert.strictEqual(lease.object, "template'")
    }))

  it.effect("what destroys an object may borrow another one", () =>
    Effect.gen(function*() {
      let made = 0
      const used: Array<number> = []
      const pool: ObjectPool<number> = yield* make({
        acquire: Effect.acquireRelease(
          Effect.sync(() => ++made),
          () => Effect.ignore(pool.with((lease) => Effect.sync(() => used.push(lease.object)), { timeout: "1 second" }))
        ),
        size: { max: 2 }
      })
      const lent = yield* Effect.all([hold(pool.borrow), hold(pool.borrow)])

      yield* lent[0].lease.invalidate
      yield* lent[0].release
      yield* lent[1].release
      yield* settle

      assert.deepStrictEqual(used, [2])
      yield* serves(pool, 2)
    }))

  it.effect("a finalizer that runs as a lease ends may borrow", () =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: ["a"], borrowTimeout: "1 second" })
      const got: Array<string> = []
      const borrow = pool.with((lease) => Effect.sync(() => got.push(lease.object)))

      yield* Effect.scoped(Effect.andThen(Effect.addFinalizer(() => Effect.orDie(borrow)), pool.borrow))
      yield* Effect.ensuring(pool.with(() => Effect.void), Effect.orDie(borrow))

      assert.deepStrictEqual(got, ["a", "a"])
    }))
})
