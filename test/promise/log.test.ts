/** The lines of the log of a promise pool: where they go, and what is one. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { PoolService } from "../../src/index.ts"
import { InvalidPoolOptions, LeaseExpired, type PoolLogEntry, PromisePool } from "../../src/promise.ts"
import { deferred, failure, idle, never, refused, turn, unhandled, until } from "../support/promises.ts"

afterEach(() => void vi.restoreAllMocks())

/** What a pool that cannot destroy its object has to say. */
const destroying = async (options: { readonly log?: (entry: PoolLogEntry) => unknown } = {}) => {
  const pool = PromisePool.make({ name: "keys", acquire: () => 1, destroy: () => Promise.reject(refused), ...options })
  await pool.with(() => {})
  await pool.close()
}

/** The warnings of the process while something runs. */
const warnings = async (run: () => Promise<void>) => {
  const seen: Array<Error & { code?: string; detail?: string }> = []
  const see = (warning: Error) => void (warning.name === "PoolWarning" && seen.push(warning))
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true)
  process.on("warning", see)
  try {
    await run()
    await turn()
  } finally {
    process.off("warning", see)
    write.mockRestore()
  }
  return seen
}

describe("the log of a promise pool", () => {
  it("is told what has gone wrong, why, and with what", async () => {
    const entries: Array<PoolLogEntry> = []

    await destroying({ log: (entry) => void entries.push(entry) })

    assert.lengthOf(entries, 1)
    const { date, ...entry } = entries[0]!
    assert.deepStrictEqual(entry, {
      level: "warn",
      message: "Destroying an object failed",
      cause: refused,
      annotations: { pool: "keys", object: 1 }
    })
    assert.instanceOf(date, Date)
  })

  it("is by default a warning of the process, and never the console", async () => {
    const consoles = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name))

    const [warning, ...others] = await warnings(destroying)

    assert.deepStrictEqual(others, [])
    assert.strictEqual(warning?.message, "Pool \"keys\": Destroying an object failed (object 1): Error: refused")
    assert.deepStrictEqual([warning?.code, warning?.detail], ["EFFECT_OBJECT_POOL", refused.stack])
    for (const spy of consoles) assert.strictEqual(spy.mock.calls.length, 0)
  })

  it("is silent where the runtime has no warnings", async () => {
    const own = Object.getOwnPropertyDescriptor(process, "emitWarning")!
    const stdout = vi.spyOn(process.stdout, "write")
    Reflect.deleteProperty(process, "emitWarning")
    try {
      await destroying()
    } finally {
      Object.defineProperty(process, "emitWarning", own)
    }

    assert.strictEqual(stdout.mock.calls.length, 0)
  })

  it("hears of a cause that cannot be looked at", async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const run = async () => {
      const pool = PromisePool.make({ acquire: () => 1, destroy: () => Promise.reject(proxy) })
      await pool.with(() => {})
      await pool.close()
    }

    const [warning] = await warnings(run)

    assert.include(warning?.message, "what cannot be looked at")
  })

  it("that throws, or rejects, disturbs nobody", async () => {
    for (
      const log of [() => {
        throw refused
      }, () => Promise.reject(refused)]
    ) {
      const unseen = await unhandled(() => destroying({ log }))

      assert.deepStrictEqual(unseen, [])
    }
  })

  it("is a function", () => {
    assert.throws(() => PromisePool.make({ objects: [1], log: console as never }), InvalidPoolOptions, "log")
  })

  it("hears of a lease that is held too long", async () => {
    const entries: Array<PoolLogEntry> = []
    const pool = PromisePool.make({ objects: [1], leaseWarning: 5, log: (entry) => void entries.push(entry) })

    await using lease = await pool.borrow()
    await until(() => entries.length > 0)

    const { annotations: { borrower, lease: id, object }, message } = entries[0]!
    assert.deepStrictEqual([borrower, id, object], ["a promise", lease.id, lease.pooled.id])
    assert.strictEqual(message, "A lease is held longer than leaseWarning")
    assert.notProperty(entries[0], "cause")
  })

  it("of a layer is the logger that is there", async () => {
    class Ones extends PoolService<Ones, number>()("log/Ones") {}
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(message))
    const layer = Ones.layer({ objects: [1], leaseWarning: 5 }).pipe(Layer.provideMerge(Logger.layer([logger])))
    const pool = await PromisePool.fromLayer(Ones, layer)

    const lease = await pool.borrow()
    await until(() => lines.length > 0)
    await lease.release()
    await pool.close()

    assert.deepStrictEqual(lines, [["A lease is held longer than leaseWarning"]])
  })
})

/** Pools, and what is told of them. */
const pools: Readonly<Record<string, () => Promise<{ pool: PromisePool<string>; told: ReadonlyArray<PoolLogEntry> }>>> =
  {
    "a pool": async () => {
      const told: Array<PoolLogEntry> = []
      return { pool: PromisePool.make({ name: "keys", objects: ["a"], log: (entry) => void told.push(entry) }), told }
    },
    "a pool that packs": async () => {
      const told: Array<PoolLogEntry> = []
      const log = (entry: PoolLogEntry) => void told.push(entry)
      return { pool: PromisePool.make({ name: "keys", objects: ["a"], pack: ({ object }) => object, log }), told }
    }
  }

describe("a body that fails when nobody waits for it any more", () => {
  const endings: Readonly<Record<string, (pool: PromisePool<string>, body: () => unknown) => Promise<unknown>>> = {
    "its lease was revoked": async (pool, body) => {
      const rejected = failure(pool.with(body))
      await until(() => pool.stats().borrowed === 1)
      pool.revoke(pool.leases()[0]!)
      assert.instanceOf(await rejected, LeaseExpired)
    },
    "its lease has expired": async (pool, body) => {
      assert.instanceOf(await failure(pool.with(body, { leaseTimeout: 5 })), LeaseExpired)
    },
    "its borrower's signal has fired": async (pool, body) => {
      const controller = new AbortController()
      const rejected = failure(pool.with(body, { signal: controller.signal }))
      await until(() => pool.stats().borrowed === 1)
      controller.abort("enough")
      assert.strictEqual(await rejected, "enough")
    }
  }
  for (const [what, make] of Object.entries(pools)) {
    for (const [why, end] of Object.entries(endings)) {
      it(`of ${what}, since ${why}, is a line in the log`, async () => {
        const { pool, told } = await make()
        const work = deferred()

        const unseen = await unhandled(async () => {
          await end(pool, () => work.promise)
          assert.lengthOf(told, 0)
          work.reject(refused)
          await turn()
        })

        assert.deepStrictEqual(unseen, [])
        assert.deepStrictEqual(told.map(({ annotations, cause, message }) => ({ annotations, cause, message })), [{
          annotations: { pool: "keys", object: 1, lease: 1 },
          cause: refused,
          message: "A body failed when nobody waited for it any more"
        }])
        idle(pool)
      })

      it(`of ${what}, since ${why}, is none where that is all that it says`, async () => {
        const { pool, told } = await make()
        const answers: ReadonlyArray<(signal: AbortSignal) => unknown> = [
          (signal) => signal.reason,
          () => new DOMException("This operation was aborted", "AbortError"),
          (signal) => new Error("stopped", { cause: signal.reason })
        ]
        for (const answer of answers) {
          let over = false
          await end(
            pool,
            ((_object: string, signal: AbortSignal) =>
              new Promise((_, reject) => {
                signal.addEventListener("abort", () => {
                  over = true
                  reject(answer(signal))
                })
              })) as () => unknown
          )
          await until(() => over)
          await turn()
        }

        assert.deepStrictEqual(told, [])
      })
    }

    it(`of ${what} is none where it answers, or is waited for`, async () => {
      const { pool, told } = await make()
      const work = deferred()
      await endings["its lease was revoked"]!(pool, () => work.promise)
      work.resolve()

      assert.strictEqual(await failure(pool.with(() => Promise.reject(refused))), refused)
      await turn()

      assert.deepStrictEqual(told, [])
    })
  }

  it("having ended its own lease, and thrown, is a line in the log", async () => {
    const { pool, told } = await pools["a pool"]!()

    const error = await failure(pool.with(() => {
      pool.revoke(pool.leases()[0]!)
      throw refused
    }))

    assert.instanceOf(error, LeaseExpired)
    assert.deepStrictEqual(told.map(({ cause }) => cause), [refused])
    assert.strictEqual(await pool.with((object) => object), "a")
  })

  it("is none where it says that its lease is over", async () => {
    const told: Array<PoolLogEntry> = []
    const pool = PromisePool.make({ objects: ["a"], pack: (lease) => lease, log: (entry) => void told.push(entry) })
    const gate = deferred()
    const rejected = failure(pool.with(async (lease) => {
      await gate.promise
      lease.renew()
      return never
    }))
    await until(() => pool.stats().borrowed === 1)

    pool.revoke(pool.leases()[0]!)
    await rejected
    gate.resolve()
    await turn()

    assert.deepStrictEqual(told, [])
  })
})
