import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import {
  BorrowTimeout,
  type Lease,
  ObjectPool,
  type PooledObject,
  PoolExhausted,
  type PoolOptions,
  Selector
} from "../src/index.ts"
import { late } from "./support/observed.ts"
import { balanced, slow } from "./support/scripted.ts"

const fork = Effect.forkChild({ startImmediately: true })
const ended = (fiber: Fiber.Fiber<unknown, unknown>): boolean => fiber.pollUnsafe() !== undefined

type Strings = ObjectPool<string>
type Options = PoolOptions<string, undefined, never, never, Lease<string>>

const make = (objects: string, select: Options["select"], options: Partial<Options> = {}) =>
  ObjectPool.make({ ...options, objects: objects.split(""), select })

/** Borrows, and gives back at once: what each turn got. */
const turns = (pool: Strings, n: number, where?: (pooled: PooledObject<string>) => boolean) =>
  Effect.map(
    Effect.replicateEffect(pool.with((lease) => Effect.succeed(lease.object), { where }), n),
    (objects) => objects.join("")
  )

const take = (pool: Strings, ...objects: ReadonlyArray<string>) =>
  Effect.forEach(objects, (object) => pool.borrowWith({ where: (pooled) => pooled.object === object }))

const borrow = (pool: Strings, options: Parameters<Strings["borrowWith"]>[0] = {}) => fork(pool.borrowWith(options))

describe("a weight that makes no sense any more", () => {
  it.effect("is a defect of its borrower, which is gone then, also while something is being detected for it", () =>
    Effect.gen(function*() {
      let bad = false
      const pool = yield* make("ab", { weight: ({ object }) => bad ? NaN : object === "b" ? 1 : 0 }, {
        detectStatus: () => Effect.as(Effect.sleep("100 millis"), "Available" as const),
        detection: { onBorrow: { trustFor: "10 seconds" } }
      })
      yield* TestClock.adjust("11 seconds")
      yield* pool.rest("a", "2 seconds")
      const first = yield* fork(Effect.scoped(pool.borrow))
      yield* TestClock.adjust("11 seconds")
      assert.isTrue(ended(first))
      bad = true
      const exit = yield* Effect.exit(Effect.scoped(pool.borrow))
      bad = false
      yield* TestClock.adjust("1 second")

      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepInclude(yield* balanced(pool), { leases: 0, waiting: 0, available: 2 })
    }))
})

describe("the built-in selectors", () => {
  it.effect("random lends each object about as often as any other", () =>
    Effect.gen(function*() {
      const pool = yield* make("abcd", Selector.random)

      const got = yield* turns(pool, 4000)

      for (const object of "abcd") assert.approximately(got.split(object).length - 1, 1000, 120)
    }).pipe(Random.withSeed("random")))

  it.effect("random with a condition lends each that fits about as often as any other", () =>
    Effect.gen(function*() {
      const pool = yield* make("abcd", Selector.random)

      const got = yield* turns(pool, 3000, ({ object }) => object !== "c")

      for (const object of "abd") assert.approximately(got.split(object).length - 1, 1000, 120)
    }).pipe(Random.withSeed("random")))

  it.effect("random is what a pool does by default", () =>
    Effect.gen(function*() {
      const named = yield* Random.withSeed(make("abcdefgh", Selector.random), "seed")
      const unnamed = yield* Random.withSeed(make("abcdefgh", undefined), "seed")

      assert.strictEqual(yield* turns(unnamed, 50), yield* turns(named, 50))
    }))

  it.effect("roundRobin goes round", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.roundRobin)

      assert.strictEqual(yield* turns(pool, 7), "abcabca")
    }))

  it.effect("roundRobin passes over what is lent, and takes in what joins", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.roundRobin)

      const [lease] = yield* take(pool, "b")
      assert.strictEqual(yield* turns(pool, 4), "caca")
      yield* lease!.release
      yield* pool.add("d")
      assert.strictEqual(yield* turns(pool, 5), "bcdab")
      yield* pool.remove("c")
      assert.strictEqual(yield* turns(pool, 4), "dabd")
    }))

  it.effect("roundRobin with a condition goes round those that fit, and then on from there", () =>
    Effect.gen(function*() {
      const pool = yield* make("abcde", Selector.roundRobin)

      assert.strictEqual(yield* turns(pool, 5, ({ object }) => "bde".includes(object)), "bdebd")
      assert.strictEqual(yield* turns(pool, 3), "eab")
    }))

  it.effect("leastRecentlyUsed lends what has been free for the longest", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.leastRecentlyUsed)
      const [a, b, c] = yield* take(pool, "a", "b", "c")

      yield* b!.release
      yield* c!.release
      yield* a!.release

      assert.strictEqual(yield* turns(pool, 5), "bcabc")
      assert.strictEqual(yield* turns(pool, 3, ({ object }) => object !== "a"), "bcb")
      assert.strictEqual(yield* turns(pool, 1), "a")
    }))

  it.effect("mostRecentlyUsed lends what came back last", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.mostRecentlyUsed)
      const [a, b, c] = yield* take(pool, "a", "b", "c")

      yield* b!.release
      yield* a!.release
      yield* c!.release

      assert.strictEqual(yield* turns(pool, 3), "ccc")
      assert.strictEqual(yield* turns(pool, 2, ({ object }) => object !== "c"), "aa")
      yield* pool.remove("a")
      yield* pool.remove("c")
      assert.strictEqual(yield* turns(pool, 1), "b")
    }))

  it.effect("an object that was only detected keeps its place in the order of use", () =>
    Effect.gen(function*() {
      for (
        const [select, expected] of [[Selector.leastRecentlyUsed, "abc"], [Selector.mostRecentlyUsed, "cba"]] as const
      ) {
        const pool = yield* make("abc", select, { detectStatus: () => "Available" })

        yield* TestClock.adjust("1 second")
        yield* pool.detect
        yield* pool.rest("b", "1 second")
        yield* TestClock.adjust("1 second")
        const leases = yield* Effect.replicateEffect(pool.borrow, 3)

        assert.strictEqual(leases.map(({ object }) => object).join(""), expected)
      }
    }))

  it.effect("leastBorrowed lends what was lent least, the oldest of equals first", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.leastBorrowed)

      yield* turns(pool, 3, ({ object }) => object === "a")
      yield* turns(pool, 1, ({ object }) => object === "b")

      assert.strictEqual(yield* turns(pool, 3), "cbc")
      assert.strictEqual(yield* turns(pool, 2, ({ object }) => object !== "b"), "ca")
    }))

  it.effect("an object that joins later is not left behind by leastBorrowed", () =>
    Effect.gen(function*() {
      const pool = yield* make("a", Selector.leastBorrowed)
      yield* turns(pool, 3)

      yield* pool.add("b")

      assert.strictEqual(yield* turns(pool, 4), "bbba")
    }))
})

describe("weights", () => {
  const weights = (record: Record<string, number>) => ({ object }: PooledObject<string>) => record[object]!

  it.effect("weighted lends in proportion to the weights", () =>
    Effect.gen(function*() {
      const pool = yield* make("abcd", Selector.weighted(weights({ a: 1, b: 2, c: 0, d: 7 })))

      const got = yield* turns(pool, 5000)

      assert.approximately(got.split("a").length - 1, 500, 80)
      assert.approximately(got.split("b").length - 1, 1000, 110)
      assert.approximately(got.split("d").length - 1, 3500, 140)
      assert.notInclude(got, "c")
    }).pipe(Random.withSeed("weights")))

  it.effect("weighted with a condition lends in proportion among those that fit", () =>
    Effect.gen(function*() {
      const pool = yield* make("abcd", { weight: weights({ a: 1, b: 3, c: 0, d: 100 }) })

      const got = yield* turns(pool, 4000, ({ object }) => object !== "d")

      assert.approximately(got.split("a").length - 1, 1000, 110)
      assert.approximately(got.split("b").length - 1, 3000, 110)
      assert.notInclude(got, "c")
    }).pipe(Random.withSeed("weights")))

  it.effect("a weight of zero is lent when there is nothing else", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", Selector.weighted(weights({ a: 0, b: 1, c: 0 })))

      const first = yield* pool.borrow
      const others = yield* Effect.replicateEffect(pool.borrow, 2)
      yield* others[0]!.release
      const again = yield* pool.borrow

      assert.strictEqual(first.object, "b")
      assert.deepStrictEqual(others.map(({ object }) => object).sort(), ["a", "c"])
      assert.strictEqual(again.object, others[0]!.object)
    }))

  it.effect("a weight is read when the object becomes lendable, and when it is picked", () =>
    Effect.gen(function*() {
      let weight = 1
      const pool = yield* make("ab", Selector.weighted(({ object }) => object === "a" ? weight : 1e-12))

      assert.strictEqual(yield* turns(pool, 1), "a")
      weight = 0
      assert.strictEqual(yield* turns(pool, 3), "bbb")
    }).pipe(Random.withSeed("read")))

  it.effect("a weight that makes no sense is a defect of the borrower that names the object, and changes nothing", () =>
    Effect.gen(function*() {
      for (const nonsense of [-1, NaN, Infinity, "1" as unknown as number, undefined as unknown as number]) {
        let weight = nonsense
        const pool = yield* make("ab", Selector.weighted(({ object }) => object === "b" ? weight : 1))
        const before = yield* balanced(pool)

        for (const where of [undefined, () => true]) {
          const cause = yield* Effect.flip(Effect.sandbox(turns(pool, 1, where)))
          assert.isTrue(Cause.hasDies(cause))
          assert.match((Cause.squash(cause) as Error).message, /object 2 is/)
        }
        assert.deepStrictEqual(yield* balanced(pool), before)
        weight = 1e9
        assert.strictEqual(yield* turns(pool, 3), "bbb")
      }
    }).pipe(Random.withSeed("nonsense")))

  it.effect("a weight that throws is a defect of the borrower, with its cause", () =>
    Effect.gen(function*() {
      const thrown = new Error("no weight")
      const pool = yield* make(
        "a",
        Selector.weighted(() => {
          throw thrown
        })
      )

      const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))

      assert.strictEqual((Cause.squash(cause) as Error).cause, thrown)
      assert.include((Cause.squash(cause) as Error).message, "object 1")
      assert.deepInclude(yield* balanced(pool), { available: 1, waiting: 0 })
    }))

  it.effect("a weight that makes no sense is no defect of a borrower that does not choose", () =>
    Effect.gen(function*() {
      const pool = yield* make("a", Selector.weighted(({ borrowCount }) => borrowCount === 0 ? 1 : NaN))
      const lease = yield* pool.borrow
      const waiter = yield* borrow(pool)

      yield* lease.release

      assert.strictEqual((yield* Fiber.join(waiter)).object, "a")
    }))

  it.effect("an object whose weight makes no sense may leave", () =>
    Effect.gen(function*() {
      const pool = yield* make("ab", Selector.weighted(({ object }) => object === "b" ? NaN : 1))

      yield* pool.remove("b")

      assert.strictEqual(yield* turns(pool, 2), "aa")
    }))

  it.effect("the largest and the smallest weights are drawn from alike", () =>
    Effect.gen(function*() {
      const large = yield* make("ab", Selector.weighted(() => Number.MAX_VALUE))
      const small = yield* make("abc", Selector.weighted(({ object }) => object === "c" ? 0 : 1e-300))

      for (const pool of [large, small]) {
        const got = yield* turns(pool, 400)
        assert.approximately(got.split("a").length - 1, 200, 50)
        assert.approximately(got.split("b").length - 1, 200, 50)
      }
    }).pipe(Random.withSeed("extremes")))
})

describe("a returned object", () => {
  it.effect("is offered to the oldest waiter alone, before anything else that is lendable", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      const pool = yield* make("abc", (available) => {
        offers.push(available.map(({ object }) => object).join(""))
        return available.find(({ object }) => object === "c")
      })
      const lease = yield* pool.borrow
      const first = yield* borrow(pool)
      const second = yield* borrow(pool)
      offers.length = 0

      yield* lease.release
      yield* TestClock.adjust(0)

      assert.strictEqual(offers[0], "c")
      assert.isTrue(ended(first))
      assert.isFalse(ended(second))
    }))

  it.effect("that the oldest waiter is not given goes to the next with everything else", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      let picky = true
      const pool = yield* make("ab", (available) => {
        offers.push(available.map(({ object }) => object).join(""))
        return picky ? undefined : available.at(-1)
      })
      const waiter = yield* borrow(pool)
      assert.deepStrictEqual(offers, ["ab"])
      yield* pool.remove("a")
      yield* pool.add("c")
      picky = false
      yield* pool.add("d")

      assert.strictEqual(offers.at(-1), "d")
      assert.strictEqual((yield* Fiber.join(waiter)).object, "d")
    }))

  it.effect("that the selector declines alone is offered once more among the others", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      let none = true
      const pool = yield* make("abc", (available) => {
        offers.push(available.map(({ object }) => object).join(""))
        return none || available.length === 1 ? undefined : available[1]
      })
      none = false
      const lease = yield* pool.borrow
      none = true
      const waiter = yield* borrow(pool)
      offers.length = 0
      none = false
      yield* lease.release

      assert.deepStrictEqual(offers, ["b", "abc"])
      assert.strictEqual((yield* Fiber.join(waiter)).object, "b")
    }))

  it.effect("that the oldest waiter cannot use is offered alone to the oldest that can", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      const pool = yield* make("abc", (available) => {
        offers.push(available.map(({ object }) => object).join(""))
        return available.find(({ object }) => object === "c")
      })
      const lease = yield* pool.borrow
      yield* borrow(pool, { where: () => false })
      const second = yield* borrow(pool)
      offers.length = 0

      yield* lease.release
      yield* TestClock.adjust(0)

      assert.strictEqual(offers[0], "c")
      assert.strictEqual((yield* Fiber.join(second)).object, "c")
    }))
})

describe("a selector of one's own", () => {
  it.effect("is given the lendable records, the oldest first, and its answer is lent", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      const pool = yield* make(
        "abc",
        Selector.make<string, undefined>((available) => {
          offers.push(available.map(({ object, status }) => `${object}${status[0]}`).join(" "))
          return available[1]
        })
      )

      const one = Effect.runSync(pool.with((lease) => Effect.succeed(lease.object)))
      yield* pool.rest("a", "1 hour")
      const two = yield* turns(pool, 1)
      const three = yield* turns(pool, 1, ({ object }) => object !== "c").pipe(
        Effect.timeout("1 second"),
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 second")

      assert.deepStrictEqual([one, two], ["b", "c"])
      assert.strictEqual((yield* Fiber.join(three))._tag, "TimeoutError")
      assert.deepStrictEqual(offers.slice(0, 3), ["aA bA cA", "bA cA", "bA"])
    }))

  it.effect("may be asynchronous", () =>
    Effect.gen(function*() {
      const pool = yield* make("abc", (available) => Effect.as(Effect.sleep(slow), available.at(-1)))

      const waiter = yield* borrow(pool)
      assert.deepInclude(yield* balanced(pool), { available: 3, waiting: 1 })
      yield* TestClock.adjust(slow)

      assert.strictEqual((yield* Fiber.join(waiter)).object, "c")
    }))

  it.effect("that answers none is asked again when what is lendable changes, and not before", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make("ab", (available) => {
        asked++
        return available.find(({ object }) => object === "c")
      })
      const waiter = yield* borrow(pool)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(asked, 1)
      yield* pool.remove("a")
      yield* TestClock.adjust("1 second")
      const before = asked

      yield* pool.add("c")

      assert.isAtMost(before, 2)
      assert.strictEqual((yield* Fiber.join(waiter)).object, "c")
    }))

  it.effect("that answers none is asked again when an object leaves what is lendable", () =>
    Effect.gen(function*() {
      const pool = yield* make("ab", (available) => available.length === 1 ? available[0] : undefined)
      const waiter = yield* borrow(pool)
      assert.isFalse(ended(waiter))

      yield* pool.rest("a", "1 hour")
      yield* TestClock.adjust(0)

      assert.isTrue(ended(waiter))
      assert.strictEqual((yield* Fiber.join(waiter)).object, "b")
    }))

  it.effect("that answers none for one waiter is asked for the next", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make("a", (available) => ++asked === 1 ? undefined : available[0])

      const first = yield* borrow(pool)
      const second = yield* borrow(pool)

      assert.isFalse(ended(first))
      assert.strictEqual((yield* Fiber.join(second)).object, "a")
      yield* (yield* Fiber.join(second)).release
      assert.strictEqual((yield* Fiber.join(first)).object, "a")
    }))

  it.effect("that answers none has an object made for the borrower, where there is room", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        objects: ["a"],
        acquire: Effect.succeed("made"),
        select: (available) => available.find(({ object }) => object === "made")
      })

      const lease = yield* pool.borrow

      assert.strictEqual(lease.object, "made")
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, borrowed: 1, waiting: 0 })
    }))

  it.effect("that always answers none has one object made, not as many as there is room for", () =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* ObjectPool.make({ acquire: Effect.sync(() => ++made), select: () => undefined })

      yield* fork(Effect.scoped(Effect.ignore(pool.borrow)))
      yield* TestClock.adjust("10 seconds")

      assert.isAtMost(made, 10)
      yield* balanced(pool)
    }))

  it.effect("that throws is a defect of its borrower, and changes nothing", () =>
    Effect.gen(function*() {
      let broken = true
      const pool = yield* make("ab", (available) => {
        if (broken) throw new Error("broken")
        return available[0]
      })
      const before = yield* balanced(pool)

      const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))
      assert.strictEqual((Cause.squash(cause) as Error).message, "broken")
      assert.deepStrictEqual(yield* balanced(pool), before)
      broken = false

      assert.strictEqual(yield* turns(pool, 1), "a")
    }))

  it.effect("that dies, or interrupts itself, is a defect of its borrower alone", () =>
    Effect.gen(function*() {
      const answers = [Effect.die("died"), Effect.interrupt]
      const pool = yield* make("a", ([first]) => answers.shift() ?? Effect.succeed(first))

      const died = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))
      const interrupted = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))

      assert.strictEqual(Cause.squash(died), "died")
      assert.isTrue(Cause.hasDies(interrupted) && !Cause.hasInterrupts(interrupted))
      assert.strictEqual(yield* turns(pool, 1), "a")
    }))

  it.effect("that answers what it was not offered is a defect of its borrower, and changes nothing", () =>
    Effect.gen(function*() {
      const other = yield* make("x", undefined)
      const [foreign] = yield* other.objects
      const answers: Array<unknown> = [foreign, null, "a", 0, {}, Promise.resolve(undefined)]
      const pool = yield* make(
        "ab",
        (available) => (answers.length > 0 ? answers.shift() as typeof foreign : available[0])
      )
      const before = yield* balanced(pool)

      while (answers.length > 0) {
        const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))
        assert.isTrue(Cause.hasDies(cause))
        assert.deepStrictEqual(yield* balanced(pool), before)
      }

      assert.strictEqual(yield* turns(pool, 1), "a")
    }))

  it.effect("that answers what is lent and was not offered is a defect of its borrower", () =>
    Effect.gen(function*() {
      const lent: Array<PooledObject<string>> = []
      const pool = yield* make("ab", (available) => lent[0] ?? available[0])
      const lease = yield* pool.borrow
      lent.push(lease.pooled)

      const cause = yield* Effect.flip(Effect.sandbox(Effect.scoped(pool.borrow)))

      assert.isTrue(Cause.hasDies(cause))
      assert.deepInclude(yield* balanced(pool), { available: 1, borrowed: 1 })
    }))

  it.effect("that answers what was lent meanwhile is asked anew", () =>
    Effect.gen(function*() {
      const offers: Array<string> = []
      const pool = yield* make("ab", (available) => {
        offers.push(available.map(({ object }) => object).join(""))
        return Effect.as(Effect.sleep(slow), available[0])
      })

      const waiter = yield* borrow(pool)
      yield* TestClock.adjust("500 millis")
      yield* pool.rest("a", "1 hour")
      yield* TestClock.adjust("500 millis")
      assert.isFalse(ended(waiter))
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(offers, ["ab", "b"])
      assert.strictEqual((yield* Fiber.join(waiter)).object, "b")
    }))

  it.effect("that answers what rests meanwhile does not have it detected", () =>
    Effect.gen(function*() {
      const detected: Array<string> = []
      const pool = yield* make("ab", ([first]) => Effect.as(Effect.sleep(slow), first), {
        detection: { onAdd: false, onBorrow: true },
        detectStatus: ({ object }) => {
          detected.push(object)
          return "Available"
        }
      })

      const waiter = yield* borrow(pool)
      yield* pool.rest("a", "1 hour")
      yield* TestClock.adjust("2 seconds")

      assert.strictEqual((yield* Fiber.join(waiter)).object, "b")
      assert.deepStrictEqual(detected, ["b"])
      assert.deepInclude(yield* balanced(pool), { dormant: 1, borrowed: 1 })
    }))

  it.effect("that is asynchronous is asked for several borrowers in their order, one after the other", () =>
    Effect.gen(function*() {
      let running = 0
      const pool = yield* make("abc", (available) =>
        Effect.suspend(() => {
          assert.strictEqual(++running, 1)
          return Effect.ensuring(Effect.as(Effect.sleep(slow), available.at(-1)), Effect.sync(() => running--))
        }))
      const order: Array<string> = []
      const named = (name: string, priority: number) =>
        fork(
          Effect.tap(pool.borrowWith({ priority }), (lease) => Effect.sync(() => order.push(`${name} ${lease.object}`)))
        )

      yield* named("first", 0)
      yield* named("second", 0)
      yield* named("urgent", 1)
      yield* TestClock.adjust("3 seconds")

      assert.deepStrictEqual(order, ["first c", "urgent b", "second a"])
    }))

  it.effect("that is asynchronous does not miss what came back while it was asked", () =>
    Effect.gen(function*() {
      const pool = yield* make("ab", (available) =>
        Effect.as(Effect.sleep(slow), available.find(({ object }) => object === "b")))
      const [b] = yield* Effect.all([borrow(pool)])
      yield* TestClock.adjust(slow)
      const lease = yield* Fiber.join(b)
      const waiter = yield* borrow(pool)
      yield* TestClock.adjust("500 millis")
      yield* lease.release
      yield* TestClock.adjust("10 seconds")

      assert.isTrue(ended(waiter))
      assert.strictEqual((yield* Fiber.join(waiter)).object, "b")
    }))

  it.effect("is interrupted with its borrower, and asked for the next", () =>
    Effect.gen(function*() {
      const interrupted: Array<number> = []
      let asked = 0
      const pool = yield* make("a", ([first]) => {
        const n = ++asked
        return Effect.onInterrupt(Effect.as(Effect.sleep(slow), first), () => Effect.sync(() => interrupted.push(n)))
      })
      const first = yield* borrow(pool)
      const second = yield* borrow(pool)

      yield* Fiber.interrupt(first)
      yield* TestClock.adjust(slow)

      assert.deepStrictEqual(interrupted, [1])
      assert.strictEqual((yield* Fiber.join(second)).object, "a")
      assert.deepInclude(yield* balanced(pool), { waiting: 0, borrowed: 1 })
    }))

  it.effect("that hangs holds up nobody beyond the deadline of its borrower", () =>
    Effect.gen(function*() {
      let asked = 0
      const pool = yield* make("a", ([first]) => ++asked === 1 ? Effect.never : first)
      const hung = yield* fork(Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "1 second" }))))
      const short = yield* fork(Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "500 millis" }))))
      const patient = yield* borrow(pool, { timeout: "1 minute" })

      yield* TestClock.adjust("500 millis")
      assert.instanceOf(yield* Fiber.join(short), BorrowTimeout)
      assert.isFalse(ended(hung))
      yield* TestClock.adjust("500 millis")

      assert.instanceOf(yield* Fiber.join(hung), BorrowTimeout)
      assert.strictEqual((yield* Fiber.join(patient)).object, "a")
    }))

  it.effect("that hangs and cannot be interrupted holds up nobody beyond the deadline of its borrower", () =>
    late(Effect.gen(function*() {
      let asked = 0
      const pool = yield* make("a", ([first]) => ++asked === 1 ? Effect.uninterruptible(Effect.never) : first)
      const hung = yield* fork(Effect.flip(Effect.scoped(pool.borrowWith({ timeout: "1 second" }))))
      const patient = yield* borrow(pool)

      yield* TestClock.adjust("1 second")

      assert.instanceOf(yield* Fiber.join(hung), BorrowTimeout)
      assert.strictEqual((yield* Fiber.join(patient)).object, "a")
    })))

  it.effect("chooses before the detector is asked, and again when that says no", () =>
    Effect.gen(function*() {
      const detected: Array<string> = []
      const pool = yield* make("abc", (available) => available.at(-1), {
        detection: { onAdd: false, onBorrow: true },
        detectStatus: ({ object }) => {
          detected.push(object)
          return object === "a" ? "Available" : object === "b" ? "Dormant" : "Invalid"
        }
      })

      const object = Effect.runSync(pool.with((lease) => Effect.succeed(lease.object)))

      assert.strictEqual(object, "a")
      assert.deepStrictEqual(detected, ["c", "b", "a"])
      assert.deepInclude(yield* balanced(pool), { size: 2, available: 1, dormant: 1, waiting: 0 })
    }))

  it.effect("is asked for the next borrower while the choice for another is being detected", () =>
    late(Effect.gen(function*() {
      const pool = yield* make("ab", ([first]) => first, {
        detection: { onAdd: false, onBorrow: true },
        detectStatus: ({ object }) => object === "a" ? Effect.as(Effect.sleep(slow), "Available" as const) : "Available"
      })

      const first = yield* borrow(pool)
      const second = yield* borrow(pool)
      yield* TestClock.adjust(0)

      assert.isFalse(ended(first))
      assert.strictEqual((yield* Fiber.join(second)).object, "b")
      yield* TestClock.adjust(slow)
      assert.strictEqual((yield* Fiber.join(first)).object, "a")
    })))

  it.effect("with maxWaiters of zero still lends what is lendable, and refuses the others at once", () =>
    Effect.gen(function*() {
      const pool = yield* make("ab", ([first]) => first, { maxWaiters: 0 })

      yield* pool.borrow
      yield* pool.borrow
      const failure = yield* Effect.flip(Effect.scoped(pool.borrow))

      assert.instanceOf(failure, PoolExhausted)
      assert.strictEqual(failure.reason, "WaitersFull")
    }))

  it.effect("a tryBorrow fails at once where what was chosen is refused, and what is made in its place is another's", () =>
    Effect.gen(function*() {
      let n = 0
      const pool = yield* ObjectPool.make({
        acquire: Effect.sync(() => `made ${++n}`),
        objects: ["added"],
        size: { min: 2, max: 2 },
        select: (available) => available[0],
        detectStatus: ({ object }) => object === "added" ? "Invalid" : "Available",
        detection: { onAdd: false }
      })
      const made = (which: string) => ({ where: ({ object }: PooledObject<string>) => object === which })
      yield* pool.borrowWith(made("made 1"))
      const waiter = yield* fork(pool.borrowWith(made("made 2")))

      const failure = yield* Effect.flip(pool.tryBorrow)

      assert.instanceOf(failure, PoolExhausted)
      assert.strictEqual((yield* Fiber.join(waiter)).object, "made 2")
    }))

  it.effect("that is asynchronous and answers none again does not cost one who waits its place", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({
        acquire: Effect.as(Effect.sleep(slow), "made"),
        objects: ["added"],
        size: { max: 2 },
        maxWaiters: 0,
        select: () => Effect.as(Effect.yieldNow, undefined)
      })
      const waiter = yield* fork(pool.borrowWith({ where: () => true, timeout: "10 seconds" }))
      yield* TestClock.adjust("2 seconds")

      assert.isFalse(ended(waiter))
    }))

  it.effect("that is asynchronous and answers none is refused by maxWaiters only then", () =>
    Effect.gen(function*() {
      const pool = yield* make("a", () => Effect.as(Effect.sleep(slow), undefined), { maxWaiters: 1 })

      const first = yield* borrow(pool)
      const second = yield* fork(Effect.flip(Effect.scoped(pool.borrow)))
      yield* TestClock.adjust("1500 millis")
      assert.isFalse(ended(first) || ended(second))
      yield* TestClock.adjust("500 millis")

      assert.isFalse(ended(first))
      assert.instanceOf(yield* Fiber.join(second), PoolExhausted)
    }))

  it.effect("that was answered none keeps its place, though others come", () =>
    Effect.gen(function*() {
      let none = true
      const pool = yield* ObjectPool.make({
        objects: ["a", "b"],
        maxWaiters: 1,
        select: ([first]: ReadonlyArray<PooledObject<string>>) =>
          Effect.as(Effect.sleep(slow), none ? undefined : first)
      })
      const first = yield* borrow(pool)
      yield* TestClock.adjust(slow)
      const others = yield* Effect.forEach([1, 2, 3], () => fork(Effect.exit(Effect.scoped(pool.borrow))))
      yield* TestClock.adjust("5 seconds")
      assert.isFalse(ended(first))
      assert.isTrue(others.every(ended))
      none = false
      yield* pool.add("c")
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual((yield* Fiber.join(first)).object, "c")
    }))

  it.effect("answers tryBorrow as well: none is PoolExhausted", () =>
    Effect.gen(function*() {
      let none = true
      const pool = yield* make("a", ([first]) => none ? undefined : first)

      const failure = yield* Effect.flip(Effect.scoped(pool.tryBorrow))
      none = false
      const lease = yield* pool.tryBorrow

      assert.instanceOf(failure, PoolExhausted)
      assert.strictEqual(lease.object, "a")
      assert.deepInclude(yield* balanced(pool), { waiting: 0 })
    }))

  it.effect("that uses its own pool does not lend an object twice", () =>
    Effect.gen(function*() {
      let nested: Effect.Effect<unknown, unknown> = Effect.void
      let depth = 0
      const pool = yield* make("ab", (available) => {
        if (depth++ === 0) Effect.runSyncExit(nested)
        return available[0]
      })
      const scope = yield* Effect.scope
      nested = Scope.provide(pool.tryBorrow, scope)

      const exit = yield* Effect.exit(Effect.scoped(Effect.map(pool.borrow, (lease) => lease.pooled.status)))

      assert.isTrue(Exit.isFailure(exit) || exit.value === "Borrowed")
      const leases = yield* pool.leases
      assert.strictEqual(new Set(leases.map(({ object }) => object)).size, leases.length)
      yield* balanced(pool)
    }))

  it.effect("that is asynchronous serves a thousand borrowers, each once", () =>
    Effect.gen(function*() {
      const objects = Array.from({ length: 50 }, (_, i) => String(i))
      const pool = yield* ObjectPool.make({ objects, select: ([first]) => Effect.as(Effect.yieldNow, first) })
      let most = 0
      let running = 0
      const work = pool.with(() =>
        Effect.suspend(() => {
          most = Math.max(most, ++running)
          return Effect.andThen(Effect.yieldNow, Effect.sync(() => running--))
        })
      )

      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), () => fork(work))
      yield* Fiber.joinAll(fibers)

      assert.isAtMost(most, 50)
      assert.deepInclude((yield* balanced(pool)).totals, { borrowed: 1000 })
    }))
})
