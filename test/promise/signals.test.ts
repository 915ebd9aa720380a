/** The signals that the user's functions are given: who gets one, and when it fires. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { PoolService } from "../../src/index.ts"
import {
  LeaseExpired,
  type PooledObject,
  PromisePool,
  type PromisePoolOptions,
  type Status
} from "../../src/promise.ts"
import { deferred, failure, idle, never, turn, until } from "../support/promises.ts"

type Body = (object: string, signal?: AbortSignal) => unknown

const wrapped = (f: Body): Body =>
  function(_object) {
    return Reflect.apply(f, undefined, arguments)
  }

const none = AbortSignal.abort("none")

/** Ways to write a function that sees its second argument, all but the last with a `length` that does not say so. */
const forms: Readonly<Record<string, (f: Body) => Body>> = {
  "with rest parameters": (f) => (...args) => f(...args),
  "with a rest parameter after the object": (f) => (object, ...rest) => f(object, ...rest),
  "with a default for its signal": (f) => (object, signal = none) => f(object, signal),
  "that is async, with a default for its signal": (f) => async (object, signal = none) => f(object, signal),
  "that reads its arguments": wrapped,
  "that is bound to all its arguments": (f) =>
    ((...args: ReadonlyArray<unknown>) => Reflect.apply(f, undefined, args)).bind(null),
  "that is bound, and declares its object alone": (f) => wrapped(f).bind(null),
  "that is a proxy": (f) => new Proxy(wrapped(f), {}),
  "with two parameters": (f) => (object, signal) => f(object, signal)
}

class Packed extends PoolService<Packed, string, { pack: string }>()("signals/Packed") {}

const pools: Readonly<Record<string, () => Promise<PromisePool<string>>>> = {
  "a pool": async () => PromisePool.make({ objects: ["a"] }),
  "a pool that packs": async () => PromisePool.make({ objects: ["a"], pack: ({ object }) => object }),
  "the pool of a layer that packs": async () =>
    await PromisePool.fromLayer(
      Packed,
      Packed.layer({ objects: ["a"], pack: ({ object }) => object })
    ) as unknown as PromisePool<string>
}

describe("a body is told by its signal that nobody waits for it any more", () => {
  for (const [what, make] of Object.entries(pools)) {
    for (const [how, form] of Object.entries(forms)) {
      it(`in ${what}, one ${how}`, async () => {
        const pool = await make()
        const controller = new AbortController()
        const work = deferred()
        let signal: AbortSignal | undefined
        const body = form((_object, given) => {
          signal = given
          return work.promise
        })

        const rejected = failure(pool.with(body, { signal: controller.signal }))
        await until(() => signal !== undefined)
        assert.isFalse(signal!.aborted)
        controller.abort("enough")

        assert.deepStrictEqual([await rejected, signal!.reason], ["enough", "enough"])
        work.resolve()
        await until(() => pool.stats().borrowed === 0)
        idle(pool)
      })
    }
  }

  it("and an arrow function of its object alone is called with that", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    assert.strictEqual(await pool.with((object) => object), "a")
    assert.strictEqual(await pool.with(async (object) => object), "a")
    assert.strictEqual(await pool.with(() => "b"), "b")
    assert.strictEqual(await pool.with(async () => "b"), "b")
  })

  it("and one that cannot be looked at is called with it", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const hidden = new Proxy((_object: string, signal: AbortSignal) => signal, {
      get() {
        throw new Error("no")
      }
    })

    assert.instanceOf(await pool.with(hidden), AbortSignal)
    idle(pool)
  })
})

describe("a detector is given its signal", () => {
  for (const [how, form] of Object.entries(forms)) {
    it(`as a function ${how}`, async () => {
      const given: Array<unknown> = []
      const detectStatus = form((_pooled, signal) => {
        given.push(signal)
        return Promise.resolve("Available")
      }) as unknown as (pooled: PooledObject<string>) => Promise<Status.Answer>
      const pool = PromisePool.make({ objects: ["a"], detectStatus })

      assert.strictEqual(await pool.with((object) => object), "a")

      assert.instanceOf(given[0], AbortSignal)
    })
  }

  it("as a function that cannot be looked at", async () => {
    const given: Array<unknown> = []
    const detectStatus = new Proxy(
      async (_: PooledObject<string>, signal: AbortSignal): Promise<Status.Answer> => {
        given.push(signal)
        return "Available"
      },
      {
        get() {
          throw new Error("no")
        }
      }
    )
    const pool = PromisePool.make({ objects: ["a"], detectStatus })

    await pool.with(() => {})

    assert.instanceOf(given[0], AbortSignal)
  })
})

type Options = PromisePoolOptions<number, undefined, unknown>
type Callback = "acquire" | "detectStatus" | "onBorrow" | "onRelease" | "destroy" | "pack" | "unpack" | "select"

/** A pool whose callback of that name never answers, and the signals that it was given. */
const stuck = (name: Callback, options: Options = {}) => {
  const signals: Array<AbortSignal> = []
  const callback = (...args: ReadonlyArray<unknown>) => {
    signals.push(args.find((arg) => arg instanceof AbortSignal)!)
    return never
  }
  const pool = PromisePool.make<number, undefined, unknown>({
    acquire: () => 1,
    ...name === "unpack" ? { pack: ({ object }) => object } : {},
    hookTimeout: "1 minute",
    closing: { timeout: 0 },
    ...options,
    [name]: callback
  })
  return { pool, signals }
}

/** What has the callback called. */
const borrowing = (pool: PromisePool<number, undefined, never>, signal?: AbortSignal) =>
  pool.with(() => {}, { ...signal !== undefined && { signal } }).then(() => {}, () => {})

const removing = async (pool: PromisePool<number, undefined, never>) => {
  await borrowing(pool)
  pool.remove(1)
}

const brief = 5

/** How the time of each callback is limited, and what has it called. */
const limited: ReadonlyArray<
  readonly [Callback, Options, call: (pool: PromisePool<number, undefined, never>) => unknown]
> = [
  ["acquire", { creation: { timeout: brief } }, borrowing],
  ["detectStatus", { detection: { timeout: brief } }, borrowing],
  ["onBorrow", { hookTimeout: brief }, borrowing],
  ["onRelease", { hookTimeout: brief }, borrowing],
  ["destroy", { hookTimeout: brief }, removing],
  ["pack", { leaseTimeout: brief }, borrowing],
  ["unpack", { hookTimeout: brief }, borrowing],
  ["select", { borrowTimeout: brief, objects: [2] }, borrowing]
]

describe("a callback is told by its signal that its time is over", () => {
  for (const [name, options, call] of limited) {
    it(`${name}`, async () => {
      const { pool, signals } = stuck(name, options)
      void call(pool as never)
      await until(() => signals.length > 0)
      const [signal] = signals
      assert.instanceOf(signal, AbortSignal)
      assert.isFalse(signal.aborted)

      await until(() => signal.aborted)
    })
  }

  it("destroy of an added object", async () => {
    const pool = PromisePool.make<string>({ hookTimeout: brief })
    let told: AbortSignal | undefined
    await pool.add("a", {
      destroy: (_object, signal) => {
        told = signal
        return never
      }
    })

    pool.remove("a")
    await until(() => told !== undefined)
    assert.isFalse(told!.aborted)
    await until(() => told!.aborted)
    await until(() => pool.stats().size === 0)
  })

  it("destroy of what was made too late", async () => {
    const late = deferred<number>()
    let told: AbortSignal | undefined
    let aborted: boolean | undefined
    const pool = PromisePool.make({
      acquire: () => late.promise,
      destroy: (_object, signal) => {
        told = signal
        aborted = signal.aborted
        return never
      },
      creation: { timeout: brief },
      hookTimeout: 20
    })
    await failure(pool.borrow())
    late.resolve(1)

    await until(() => told?.aborted === true)

    assert.isFalse(aborted)
  })
})

describe("a callback is told by its signal that its pool closes", () => {
  for (const name of ["acquire", "detectStatus", "onBorrow", "onRelease", "pack", "select"] as const) {
    it(`${name}`, async () => {
      const { pool, signals } = stuck(name, { hookTimeout: brief })
      void borrowing(pool as never)
      await until(() => signals.length > 0)

      void pool.close()

      await until(() => signals[0]!.aborted)
    })
  }
})

describe("a callback is told by its signal that its borrower has left", () => {
  for (const name of ["detectStatus", "pack", "select"] as const) {
    it(`${name}`, async () => {
      const { pool, signals } = stuck(name, { acquire: undefined, objects: [1], detection: { onAdd: false } })
      const controller = new AbortController()
      void borrowing(pool as never, controller.signal)
      await until(() => signals.length > 0)

      controller.abort()

      await until(() => signals[0]!.aborted)
    })
  }
})

describe("the signal of a callback that has answered", () => {
  afterEach(() => void vi.useRealTimers())

  it("never fires", async () => {
    vi.useFakeTimers()
    const signals: Record<string, AbortSignal> = {}
    const pool = PromisePool.make({
      acquire: async (signal) => {
        signals["acquire"] = signal
        return 1
      },
      destroy: async (_, signal) => void (signals["destroy"] = signal),
      pack: async ({ object }, signal) => {
        signals["pack"] = signal
        return object
      },
      unpack: async (_, signal) => void (signals["unpack"] = signal),
      detectStatus: async (_, signal): Promise<Status.Answer> => {
        signals["detectStatus"] = signal
        return "Available"
      },
      onBorrow: async (_, signal) => void (signals["onBorrow"] = signal),
      onRelease: async (_, signal) => void (signals["onRelease"] = signal),
      select: async ([first], signal) => {
        signals["select"] = signal
        return first
      },
      leaseTimeout: "1 second"
    })
    for (let i = 0; i < 2; i++) {
      await pool.with(() => {})
      await vi.advanceTimersByTimeAsync(120_000)
    }
    await pool.close()
    await vi.advanceTimersByTimeAsync(120_000)

    const names = ["acquire", "destroy", "detectStatus", "onBorrow", "onRelease", "pack", "select", "unpack"]
    assert.deepStrictEqual(names.map((name) => [name, signals[name]?.aborted]), names.map((name) => [name, false]))
  })
})

describe("detections that are given up", () => {
  it("leave no more checks open than may run at once", async () => {
    let open = 0
    let most = 0
    let begun = 0
    const pool = PromisePool.make({
      objects: Array.from({ length: 24 }, (_, i) => i),
      // as a socket would, that nobody answers
      detectStatus: (_, signal) => {
        begun++
        most = Math.max(most, ++open)
        return new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => {
            open--
            reject(signal.reason)
          })
        })
      },
      detection: { concurrency: 2, timeout: 2 }
    })

    await until(() => begun >= 24)

    assert.strictEqual(most, 2)
    await pool.close()
    assert.strictEqual(open, 0)
  })
})

describe("a signal of the caller's that is badly made", () => {
  const bad = (): { signal: AbortSignal; fire: () => void } => {
    let fire = () => {}
    const signal = {
      aborted: false,
      get reason(): never {
        throw new Error("no reason")
      },
      addEventListener: (_: string, listener: () => void) => {
        fire = listener
      },
      removeEventListener: () => {
        throw new Error("cannot forget")
      }
    } as unknown as AbortSignal
    return { signal, fire: () => fire() }
  }

  for (const [what, make] of Object.entries(pools)) {
    it(`loses nothing in ${what}`, async () => {
      const pool = await make()

      assert.strictEqual(await pool.with((object) => object, { signal: bad().signal }), "a")
      await (await pool.borrow({ signal: bad().signal })).release()
      const lease = await pool.borrow()
      const { fire, signal } = bad()
      const rejected = failure(pool.borrow({ signal }))
      await turn()
      fire()

      assert.strictEqual((await rejected as Error).message, "no reason")
      await lease.release()
      idle(pool)
    })
  }
})

describe("the signal of a body whose lease was revoked", () => {
  it("says why", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    let told: AbortSignal | undefined
    const rejected = failure(pool.with((_object, ...[signal]) => {
      told = signal
      return never
    }))

    pool.revoke(pool.leases()[0]!)

    assert.instanceOf(await rejected, LeaseExpired)
    assert.strictEqual((told!.reason as LeaseExpired).reason, "Revoked")
  })
})
