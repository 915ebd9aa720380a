import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { ObjectPool, type PooledObject, PoolService, Selector } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { balanced } from "./support/scripted.ts"

type Strings = ObjectPool<string>
type Weight = (pooled: PooledObject<string>) => number

const weighted = (objects: Iterable<string>, weight: Weight, more: { readonly sharing?: number } = {}) =>
  ObjectPool.make({ objects, select: { weight }, ...more })

/** Borrows, and gives back at once: what each turn got. */
const turns = (pool: Strings, n: number) =>
  Effect.map(
    Effect.replicateEffect(pool.with((lease) => Effect.succeed(lease.object)), n),
    (objects) => objects.join("")
  )

/** Does something in the middle of the next reading of a weight. */
const within = (weight: Weight) => {
  let then: ((pooled: PooledObject<string>) => void) | undefined
  return {
    next: (what: (pooled: PooledObject<string>) => void) => {
      then = what
    },
    weight: (pooled: PooledObject<string>) => {
      const now = then
      then = undefined
      now?.(pooled)
      return weight(pooled)
    }
  }
}

const fork = Effect.forkChild({ startImmediately: true })
const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? (Cause.squash(exit.cause) as Error).message : "no defect"

describe("a weight that is lowered while its object is idle", () => {
  it.effect("is found when it is picked: what weighs 0 now is not lent beside another, not once", () =>
    Effect.gen(function*() {
      const objects = Array.from({ length: 100 }, (_, i) => String.fromCodePoint(0x100 + i))
      let only: string | undefined = undefined as string | undefined
      const pool = yield* weighted(objects, ({ object }) => only === undefined || object === only ? 1 : 0)

      only = objects[70]
      const got = yield* turns(pool, 200)

      assert.strictEqual(got, only!.repeat(200))
    }).pipe(Random.withSeed("lowered")))

  it.effect("has the chance that it says now, also in the first borrow after that", () =>
    Effect.gen(function*() {
      let first = 0
      for (let i = 0; i < 4000; i++) {
        let a = 8
        const pool = yield* weighted("ab", ({ object }) => object === "a" ? a : 1)
        a = 1 / 3
        if ((yield* turns(pool, 1)) === "a") first++
      }

      assert.approximately(first / 4000, 1 / 4, 0.025)
    }).pipe(Random.withSeed("in proportion")))

  it.effect("with all others, every time they are asked, keeps nobody from being served", () =>
    Effect.gen(function*() {
      let weight = 1e300
      const pool = yield* weighted("abcdefghijkl", () => weight /= 10)

      const got = yield* turns(pool, 50)

      assert.strictEqual(got.length, 50)
    }).pipe(Random.withSeed("falling")))
})

describe("a weight that is raised while its object is idle", () => {
  it.effect("is found where all that is lendable weighs 0", () =>
    Effect.gen(function*() {
      let weight = 0
      const pool = yield* weighted("abc", ({ object }) => object === "b" ? weight : 0)

      assert.notStrictEqual(yield* turns(pool, 20), "b".repeat(20))
      weight = 100

      assert.strictEqual(yield* turns(pool, 1000), "b".repeat(1000))
    }).pipe(Random.withSeed("raised")))

  it.effect("is found where all others are lowered to 0 in the same moment", () =>
    Effect.gen(function*() {
      let best = "a"
      const pool = yield* weighted("abc", ({ object }) => object === best ? 1 : 0)

      assert.strictEqual(yield* turns(pool, 3), "aaa")
      best = "b"

      assert.strictEqual(yield* turns(pool, 3), "bbb")
    }))

  for (const by of ["object", "record"] as const) {
    it.effect(`counts from the next borrow on, when \`reconsider\` was called with the ${by}`, () =>
      Effect.gen(function*() {
        let weight = 0
        const pool = yield* weighted("ab", ({ object }) => object === "b" ? weight : 1)
        weight = 1e12
        const record = (yield* pool.objects)[1]!
        assert.strictEqual(yield* turns(pool, 3), "aaa")

        assert.isTrue(yield* pool.reconsider(by === "object" ? "b" : record))

        assert.strictEqual(yield* turns(pool, 3), "bbb")
        assert.deepInclude(yield* balanced(pool), { available: 2, waiting: 0 })
      }))
  }
})

describe("weights near the limits of numbers", () => {
  it.effect("the least number above 0 is above 0", () =>
    Effect.gen(function*() {
      const pool = yield* weighted("abcdef", ({ object }) => object === "d" ? 5e-324 : 0)

      const got = yield* turns(pool, 200)

      assert.strictEqual(got, "d".repeat(200))
      assert.strictEqual(
        yield* pool.with(({ object }) => Effect.succeed(object), { where: ({ object }) => object > "b" }),
        "d"
      )
    }).pipe(Random.withSeed("least")))

  it.effect("the greatest are lent in proportion, as many as there are", () =>
    Effect.gen(function*() {
      const pool = yield* weighted("abcdefgh", ({ object }) => object < "e" ? Number.MAX_VALUE : Number.MAX_VALUE / 3)

      const got = yield* turns(pool, 4000)

      for (const object of "abcd") assert.approximately(got.split(object).length - 1, 750, 80)
      for (const object of "efgh") assert.approximately(got.split(object).length - 1, 250, 50)
    }).pipe(Random.withSeed("greatest")))
})

describe("a weight that makes no sense when it is asked for again", () => {
  for (
    const [what, answer, message] of [
      ["is no weight", () => -1, /weight of object 1 is -1/],
      [
        "throws",
        () => {
          throw new Error("gone")
        },
        /weight of object 1 could not be read/
      ]
    ] as const
  ) {
    it.effect(`${what}: it is a defect of that borrower, which changes nothing`, () =>
      Effect.gen(function*() {
        let sound = true
        const pool = yield* weighted("ab", ({ object }) => object === "b" ? 1e-12 : sound ? 1 : answer())
        const before = yield* balanced(pool)

        sound = false
        const exit = yield* Effect.exit(turns(pool, 1))
        assert.match(messageOf(exit), message)
        assert.deepStrictEqual(yield* balanced(pool), before)
        sound = true

        assert.strictEqual(yield* turns(pool, 5), "aaaaa")
      }))
  }

  it.effect("says so to a borrower where all that is lendable weighs 0", () =>
    Effect.gen(function*() {
      let weight = 0
      const pool = yield* weighted("ab", ({ object }) => object === "b" ? weight : 0)

      weight = NaN
      const exit = yield* Effect.exit(turns(pool, 1))
      weight = 1

      assert.match(messageOf(exit), /weight of object 2 is NaN/)
      assert.strictEqual(yield* turns(pool, 3), "bbb")
    }))
})

describe("a function for weights that uses the pool", () => {
  it.effect("may take out the object that it is asked about, and put in others: what is there can all be lent", () =>
    Effect.gen(function*() {
      const { next, weight } = within(() => 1)
      const pool = yield* weighted("abc", weight)
      const others: Array<string> = []
      next(({ object }) => {
        Effect.runSync(pool.remove(object))
        for (const other of ["d", "e", "f"]) others.push(Effect.runSync(pool.add(other)).object)
      })

      const got = yield* turns(pool, 1)
      const leases = yield* Effect.replicateEffect(pool.borrowWith({ timeout: 0 }), 5)

      assert.deepStrictEqual(others, ["d", "e", "f"])
      assert.strictEqual(new Set(leases.map(({ object }) => object)).size, 5)
      assert.include(leases.map(({ object }) => object), got)
    }).pipe(Random.withSeed("takes out")))

  it.effect("may take out the object whose weight made no sense before: what is there can all be lent", () =>
    Effect.gen(function*() {
      let sound = false
      const pool = yield* weighted("abcde", ({ object }) => {
        if (sound && object === "e") Effect.runSync(pool.remove(object))
        return sound ? 1 : NaN
      })
      sound = true

      const leases = yield* Effect.replicateEffect(pool.borrowWith({ timeout: 0 }), 4)

      assert.deepStrictEqual(leases.map(({ object }) => object).sort(), ["a", "b", "c", "d"])
    }).pipe(Random.withSeed("made no sense")))

  it.effect("and throws when it has taken out the object that it is asked about, is forgotten with that", () =>
    Effect.gen(function*() {
      const pool = yield* weighted("a", ({ object }) => {
        if (object === "a") return 1
        Effect.runSync(pool.remove(object))
        throw new Error("gone")
      })

      yield* pool.add("b")

      assert.strictEqual(yield* turns(pool, 3), "aaa")
    }))

  for (
    const [what, use] of [
      ["take it out", (pool, object) => pool.remove(object)],
      ["rest it", (pool, object) => pool.rest(object, "1 minute")],
      ["borrow it", (pool, object) => pool.borrowWith({ where: (pooled) => pooled.object === object })]
    ] as ReadonlyArray<
      readonly [string, (pool: Strings, object: string) => Effect.Effect<unknown, unknown, Scope.Scope>]
    >
  ) {
    it.effect(`may ${what} when it is asked for a borrower, who gets another`, () =>
      Effect.gen(function*() {
        const { next, weight } = within(() => 1)
        const pool = yield* weighted("ab", weight)
        const scope = yield* Scope.Scope
        let taken: string | undefined
        next(({ object }) => {
          taken = object
          Effect.runSync(Scope.provide(use(pool, object), scope))
        })

        const { object } = yield* pool.borrowWith({ timeout: 0 })

        assert.isDefined(taken)
        assert.notStrictEqual(object, taken)
        yield* balanced(pool)
      }))
  }

  it.effect("may take out one that a condition has let pass: the borrower gets another that fits", () =>
    Effect.gen(function*() {
      const { next, weight } = within(({ object }) => object === "c" ? 1e-12 : 1)
      const pool = yield* weighted("abc", weight)
      next(() => {
        next(() => Effect.runSync(pool.remove("a")))
      })

      const { object } = yield* pool.borrowWith({ where: ({ object }) => object !== "b", timeout: 0 })

      assert.strictEqual(object, "c")
    }))

  it.effect("may borrow whenever it is asked", () =>
    Effect.gen(function*() {
      let served = 0
      let eager = false
      const pool = yield* weighted("abc", () => {
        // each of these borrows is asked for weights as well, and so would follow another for ever
        if (eager && served < 50) Effect.runFork(pool.with(() => Effect.sync(() => served++)))
        return 1
      })
      eager = true

      const { object } = yield* pool.borrow
      eager = false

      assert.isAbove(served, 0)
      assert.include("abc", object)
      assert.deepInclude(yield* balanced(pool), { leases: 1, waiting: 0 })
    }))
})

describe("a condition that takes out what it has let pass", () => {
  it.effect("leaves its borrower what else fits", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: "abc" })
      const where = ({ object }: PooledObject<string>): boolean => {
        if (object === "b") Effect.runSync(pool.remove("a"))
        return true
      }

      for (let i = 0; i < 20; i++) {
        yield* pool.with(() => Effect.void, { where, timeout: 0 })
        yield* pool.remove("b")
        yield* pool.remove("c")
        for (const object of "abc") yield* pool.add(object)
      }
      yield* balanced(pool)
    }).pipe(Random.withSeed("conditions")))
})

describe("reconsider", () => {
  class Keys extends PoolService<Keys, string>()("test/Keys") {}

  it.effect("answers whether the object is in the pool, lent, resting or free", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a", "b", "c"] })
      const [record] = yield* pool.objects
      const lease = yield* pool.borrowWith({ where: ({ object }) => object === "a" })
      yield* pool.rest("b", "1 minute")

      for (const there of ["a", "b", "c", record!]) assert.isTrue(yield* pool.reconsider(there))
      for (const absent of ["d", 1, null, undefined, {}, lease]) {
        assert.isFalse(yield* pool.reconsider(absent as never))
      }
      assert.deepInclude(yield* balanced(pool), { borrowed: 1, dormant: 1, available: 1 })
      yield* pool.remove("c")
      assert.isFalse(yield* pool.reconsider("c"))
      yield* lease.release
      yield* pool.close
      assert.isFalse(yield* pool.reconsider("a"))
      assert.isFalse(yield* pool.reconsider(record!))
    }))

  it.effect("serves a waiter whose `where` lets the object pass now, and no other", () =>
    Effect.gen(function*() {
      let model = "small"
      const pool = yield* ObjectPool.make({ objects: ["a", "b"] })
      const waiter = yield* fork(pool.borrowWith({ where: ({ object }) => object === "b" && model === "large" }))
      const other = yield* fork(pool.borrowWith({ where: () => false }))

      model = "large"
      yield* pool.reconsider("a")
      assert.isUndefined(waiter.pollUnsafe())
      yield* pool.reconsider("b")
      yield* Effect.yieldNow

      const exit = waiter.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && exit.value.object === "b")
      assert.isUndefined(other.pollUnsafe())
      assert.deepInclude(yield* balanced(pool), { leases: 1, waiting: 1, available: 1 })
    }))

  it.effect("has a selector of the user's own asked again, which had chosen none", () =>
    Effect.gen(function*() {
      let open = false
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        select: (available) => open ? available[0] : undefined
      })
      const waiter = yield* fork(pool.borrow)

      open = true
      yield* pool.reconsider("b")
      yield* Effect.yieldNow

      const exit = waiter.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && exit.value.object === "b")
    }))

  it.effect("counts where an object is shared, with room for another lease", () =>
    Effect.gen(function*() {
      let weight = 0
      const pool = yield* weighted("ab", ({ object }) => object === "b" ? weight : 1, { sharing: 8 })
      yield* pool.borrowWith({ where: ({ object }) => object === "b" })
      weight = 1e12

      yield* pool.reconsider("b")

      assert.strictEqual((yield* pool.borrow).object, "b")
      assert.strictEqual((yield* pool.borrow).object, "b")
      assert.deepInclude(yield* balanced(pool), { leases: 3, borrowed: 1, available: 1 })
    }))

  it.effect("while the pool is suspended counts when it lends again", () =>
    Effect.gen(function*() {
      let weight = 0
      const pool = yield* weighted("ab", ({ object }) => object === "b" ? weight : 1)
      yield* pool.suspend
      weight = 1e12
      const waiter = yield* fork(pool.borrow)

      assert.isTrue(yield* pool.reconsider("b"))
      assert.isUndefined(waiter.pollUnsafe())
      yield* pool.resume
      yield* Effect.yieldNow

      const exit = waiter.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isSuccess(exit) && exit.value.object === "b")
    }))

  it.effect("leaves a weight that makes no sense to the next borrower, and does not fail", () =>
    Effect.gen(function*() {
      let weight = 1
      const pool = yield* weighted("ab", ({ object }) => object === "b" ? weight : 1)
      weight = NaN

      assert.isTrue(yield* pool.reconsider("b"))
      const exit = yield* Effect.exit(turns(pool, 1))
      weight = 1e12

      assert.match(messageOf(exit), /weight of object 2 is NaN/)
      assert.strictEqual(yield* turns(pool, 3), "bbb")
    }))

  it.effect("is an accessor of the tag", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* Keys.reconsider("a"))
      assert.isFalse(yield* Keys.reconsider("b"))
    }).pipe(Effect.provide(Keys.layer({ objects: ["a"], select: Selector.weighted(() => 1) }))))

  it("is a method of a pool for promises, that may be taken off it", async () => {
    let weight = 0
    const pool = PromisePool.make({
      objects: ["a", "b"],
      select: { weight: ({ object }) => object === "b" ? weight : 1 },
      closing: { timeout: 0 }
    })
    const { reconsider, borrowSync } = pool
    weight = 1e12

    assert.strictEqual(borrowSync().object, "a")
    assert.isTrue(reconsider("a"))
    assert.isTrue(reconsider(pool.objects()[1]!))
    assert.isFalse(reconsider("c"))

    assert.strictEqual(borrowSync().object, "b")
    await pool.close()
    assert.isFalse(reconsider("a"))
  })
})
