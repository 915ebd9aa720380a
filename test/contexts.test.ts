/**
 * Whose asynchronous context a callback runs in: what `AsyncLocalStorage` answers there.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { AsyncLocalStorage } from "node:async_hooks"
import { vi } from "vitest"
import { ObjectPool, Selector } from "../src/index.ts"
import { PromisePool } from "../src/promise.ts"
import { turn, until } from "./support/promises.ts"

const storage = new AsyncLocalStorage<number | "builder">()
const store = () => storage.getStore()

/** An object that knows for whom it was prepared, chosen, timed. */
class Thing {
  preparedFor: unknown
  chosenFor: unknown
  timedFor: unknown
}

const requests = Array.from({ length: 10 }, (_, n) => n)
const turns = Effect.repeat(Effect.yieldNow, { times: 3 })

/** What was asked in a context that was not the right one. */
class Wrong {
  readonly places: Array<string> = []
  asked = 0
  check(place: string, expected: unknown): void {
    this.asked++
    if (store() !== expected) this.places.push(`${place}: ${String(store())} instead of ${String(expected)}`)
  }
  readonly builder = (place: string): void => this.check(place, "builder")
}

/** Builds within the context of the builder. */
const built = <B>(build: () => B): B => storage.run("builder", build)

/** Each request, at once, in a context of its own. */
const each = (request: (n: number) => Promise<unknown>) =>
  Promise.all(requests.map((n) => storage.run(n, () => request(n))))

/** Runs with a pool that is built in the context of its builder. */
const using = async <P>(
  make: Effect.Effect<P, never, Scope.Scope>,
  use: (pool: P) => Promise<unknown>
): Promise<void> => {
  const scope = Scope.makeUnsafe()
  const pool = await built(() => Effect.runPromise(Scope.provide(make, scope)))
  await use(pool)
  await Effect.runPromise(Scope.close(scope, Exit.void))
}

/** Each request borrows again and again, and looks whose mark it finds on what it gets: it is to be its own. */
const borrowing = (
  pool: ObjectPool<Thing>,
  wrong: Wrong,
  mark: keyof Thing,
  pause: (n: number) => Effect.Effect<unknown>
): Promise<unknown> =>
  each(async (n) => {
    for (let i = 0; i < 20; i++) {
      await Effect.runPromise(pool.with(({ object }) =>
        Effect.andThen(
          pause(n),
          Effect.sync(() => {
            wrong.asked++
            if (object[mark] !== n) wrong.places.push(`${mark}: ${n} found ${String(object[mark])}`)
          })
        )
      ))
    }
  })

for (const slow of [false, true]) {
  const how = slow ? "with effects that take time" : "plainly"

  describe(`what is asked for one borrower, ${how}, runs in his context:`, () => {
    const asked = <B>(answer: () => B): B => (slow ? Effect.andThen(turns, Effect.sync(answer)) : answer()) as B

    it("onBorrow", async () => {
      const wrong = new Wrong()
      const make = ObjectPool.make({
        objects: [new Thing(), new Thing()],
        onBorrow: ({ object }) =>
          asked(() => {
            object.preparedFor = store()
          })
      })
      await using(make, (pool) => borrowing(pool, wrong, "preparedFor", (n) => n % 2 === 0 ? Effect.void : turns))

      assert.deepStrictEqual([wrong.asked, wrong.places], [200, []])
    })

    it("a selector", async () => {
      const wrong = new Wrong()
      const make = ObjectPool.make({
        objects: [new Thing(), new Thing()],
        select: Selector.make<Thing, undefined>((available) =>
          asked(() => {
            available[0]!.object.chosenFor = store()
            return available[0]
          })
        )
      })
      await using(make, (pool) => borrowing(pool, wrong, "chosenFor", () => turns))

      assert.deepStrictEqual([wrong.asked, wrong.places], [200, []])
    })

    it("onBorrow, though the one for whom an object was prepared has left", async () => {
      const prepared: Array<unknown> = []
      const make = ObjectPool.make({
        objects: [new Thing()],
        onBorrow: () => asked(() => void prepared.push(store()))
      })
      await using(make, async (pool) => {
        const holder = await Effect.runPromise(Scope.provide(pool.borrow, Scope.makeUnsafe()))
        const [leaver, next] = [1, 2].map((n) =>
          storage.run(n, () => Effect.runFork(pool.with(() => Effect.sync(() => prepared.push("lent")))))
        )
        await Effect.runPromise(holder.release)
        leaver!.interruptUnsafe()
        await Effect.runPromise(Fiber.join(next!))

        // where it takes no time the first is served before it leaves
        assert.deepStrictEqual(prepared.slice(-2), [2, "lent"])
      })
    })
  })

  describe(`what is the pool's own, ${how}, runs in the context of its builder:`, () => {
    const asked = <B>(wrong: Wrong, place: string, answer: B): B => {
      wrong.builder(place)
      return (slow
        ? Effect.andThen(turns, Effect.sync(() => (wrong.builder(`${place}, later`), answer)))
        : answer) as B
    }

    it("acquire, data, its destruction, detectStatus, onRelease, a weight, retries", async () => {
      const wrong = new Wrong()
      const seen = new Set<string>()
      const own = <B>(place: string, answer: B): B => {
        seen.add(place)
        return asked(wrong, place, answer)
      }
      let attempts = 0
      const acquire = Effect.suspend(() => {
        const thing = Effect.acquireRelease(
          Effect.suspend(() => {
            const made = own("acquire", new Thing())
            return slow ? made as unknown as Effect.Effect<Thing> : Effect.succeed(made)
          }),
          () => Effect.sync(() => own("destroy", undefined))
        )
        return ++attempts % 2 === 1 ? Effect.andThen(Effect.yieldNow, Effect.fail("not yet")) : thing
      })
      const make = ObjectPool.make({
        acquire,
        data: () => {
          wrong.builder("data")
          return undefined
        },
        size: { max: 2 },
        lifetime: { maxBorrows: 3 },
        creation: { retry: Schedule.map(Schedule.spaced(1), (n) => own("retry", n)) },
        select: Selector.weighted<Thing, undefined>(() => {
          wrong.builder("weight")
          return 1
        }),
        detectStatus: () => own("detectStatus", "Available" as const),
        detection: { onBorrow: true },
        onRelease: () => own("onRelease", undefined)
      })
      await using(make, (pool) =>
        each(async () => {
          for (let i = 0; i < 5; i++) await Effect.runPromise(pool.with(() => turns))
        }))

      assert.deepStrictEqual(wrong.places, [])
      assert.deepStrictEqual([...seen].toSorted(), ["acquire", "destroy", "detectStatus", "onRelease", "retry"])
    })

    it("what is done to an object that another has added", async () => {
      const wrong = new Wrong()
      const make = ObjectPool.make<Thing>({ detectStatus: () => asked(wrong, "detectStatus", "Available" as const) })
      await using(make, (pool) =>
        storage.run(1, async () => {
          const thing = new Thing()
          await Effect.runPromise(pool.add(thing, { release: () => Effect.sync(() => wrong.builder("release")) }))
          await Effect.runPromise(pool.remove(thing))
          await until(() => wrong.asked > (slow ? 2 : 1))
        }))

      assert.deepStrictEqual(wrong.places, [])
    })
  })
}

describe("what is asked for one borrower runs in his context:", () => {
  it("his `where`, whoever's step it is asked in", async () => {
    const wrong = new Wrong()
    await using(ObjectPool.make({ objects: [new Thing(), new Thing()] }), (pool) =>
      each(async (n) => {
        const where = () => {
          wrong.check("where", n)
          return true
        }
        for (let i = 0; i < 20; i++) await Effect.runPromise(pool.with(() => turns, { where }))
      }))

    assert.isAbove(wrong.asked, 200)
    assert.deepStrictEqual(wrong.places, [])
  })

  it("leaseTimeout", async () => {
    const wrong = new Wrong()
    const make = ObjectPool.make({
      objects: [new Thing(), new Thing()],
      leaseTimeout: ({ object }) => {
        object.timedFor = store()
        return "1 minute"
      }
    })
    await using(make, (pool) =>
      each(async (n) => {
        for (let i = 0; i < 20; i++) {
          await Effect.runPromise(pool.with(({ object }) =>
            Effect.andThen(
              turns,
              Effect.sync(() => {
                wrong.asked++
                if (object.timedFor !== n) wrong.places.push(`${n} got the time of ${String(object.timedFor)}`)
              })
            )
          ))
        }
      }))

    assert.deepStrictEqual([wrong.asked, wrong.places], [200, []])
  })
})

describe("a promise pool", () => {
  it("asks for one borrower in his context", async () => {
    const wrong = new Wrong()
    const pool = built(() =>
      PromisePool.make({
        objects: [new Thing(), new Thing()],
        select: async (available) => {
          await turn()
          available[0]!.object.chosenFor = store()
          return available[0]
        },
        onBorrow: async ({ object }) => {
          await turn()
          object.preparedFor = store()
        },
        leaseTimeout: ({ object }) => {
          object.timedFor = store()
          return "1 minute"
        }
      })
    )
    await each(async (n) => {
      for (let i = 0; i < 5; i++) {
        const where = () => (wrong.check("where", n), true)
        await pool.with(async ({ chosenFor, preparedFor, timedFor }) => {
          wrong.check("the body", n)
          if (chosenFor !== n || preparedFor !== n || timedFor !== n) {
            wrong.places.push(`${n}: ${String(chosenFor)}, ${String(preparedFor)}, ${String(timedFor)}`)
          }
          await turn()
        }, { where })
      }
    })
    await pool.close()

    assert.deepStrictEqual(wrong.places, [])
  })

  it("asks what is its own in the context of its builder", async () => {
    const wrong = new Wrong()
    const pool = built(() =>
      PromisePool.make({
        acquire: async () => {
          wrong.builder("acquire")
          await turn()
          wrong.builder("acquire, later")
          return new Thing()
        },
        destroy: async () => wrong.builder("destroy"),
        data: () => wrong.builder("data") as undefined,
        size: { max: 2 },
        lifetime: { maxBorrows: 2 },
        detectStatus: async () => {
          await turn()
          wrong.builder("detectStatus")
          return "Available" as const
        },
        onRelease: () => wrong.builder("onRelease")
      })
    )
    await each(async () => {
      for (let i = 0; i < 5; i++) await pool.with(turn)
    })
    await storage.run(1, () => pool.close())

    assert.deepStrictEqual(wrong.places, [])
  })
})

describe("where the runtime has no such contexts", () => {
  it("callbacks are just called", async () => {
    vi.resetModules()
    const get = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never)
    try {
      const { PromisePool } = await import("../src/promise.ts")
      const seen: Array<string> = []
      await using(
        Effect.succeed(PromisePool.make({ objects: ["a"], onBorrow: async () => void seen.push("prepared") })),
        async (pool) => {
          await each(() => pool.with(turn, { where: () => true }))
          await pool.close()
        }
      )
      assert.strictEqual(seen.length, 10)
    } finally {
      get.mockRestore()
      vi.resetModules()
    }
  })
})
