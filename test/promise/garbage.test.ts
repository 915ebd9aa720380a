/** What code without types hands over: whatever it is, a promise rejects, and nothing is lost. */
import { assert, describe, it } from "@effect/vitest"
import { InvalidPoolOptions, PromisePool } from "../../src/promise.ts"
import { failure, idle, refused, turn, unhandled, until } from "../support/promises.ts"

const refuse = (): never => {
  throw refused
}
const throwing = new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse })
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const getter = {
  get leaseTimeout(): never {
    throw refused
  }
}

/** Neither a record of options nor a function. */
const nonsense: Readonly<Record<string, unknown>> = {
  null: null,
  "a number": 5,
  NaN: Number.NaN,
  "a text": "30",
  "a symbol": Symbol("s"),
  "true": true,
  "a bigint": 1n,
  "what throws when it is looked at": throwing,
  "a revoked proxy": revoked(),
  "a record with an option that throws": getter,
  "a record with an unknown option": { tiemout: 1 }
}

/** What fails by being looked at. */
const looks = new Set<unknown>([throwing, getter, nonsense["a revoked proxy"]])

const make = () => PromisePool.make<string>({ name: "keys", objects: ["a", "b"], closing: { timeout: 0 } })
type Pool = ReturnType<typeof make>

/** Calls a function: what it throws is no rejection. */
const call = (pool: Pool, f: (pool: Pool, garbage: never) => Promise<unknown>, garbage: unknown): Promise<unknown> => {
  const promise = f(pool, garbage as never)
  assert.instanceOf(promise, Promise)
  return promise
}

describe("nonsense", () => {
  const operations: Readonly<Record<string, (pool: Pool, garbage: never) => Promise<unknown>>> = {
    borrow: (pool, garbage) => pool.borrow(garbage),
    "with, as a function": (pool, garbage) => pool.with(garbage),
    "with, as options": (pool, garbage) => pool.with(() => {}, garbage),
    "add, as options": (pool, garbage) => pool.add("c", garbage),
    "addAll, as objects": (pool, garbage) => pool.addAll(typeof garbage === "string" ? 5 as never : garbage),
    "addAll, as options": (pool, garbage) => pool.addAll(["c"], garbage),
    "borrow, as a condition": (pool, where) => pool.borrow({ where }),
    "borrow, as a signal": (pool, signal) => pool.borrow({ signal }),
    "with, as a signal": (pool, signal) => pool.with(() => {}, { signal }),
    "add, as a function": (pool, destroy) => pool.add("c", { destroy }),
    fromLayer: (_, garbage) => PromisePool.fromLayer(garbage, garbage),
    fromRuntime: (_, garbage) => PromisePool.fromRuntime(garbage, garbage)
  }

  for (const [operation, run] of Object.entries(operations)) {
    it(`is a rejection, never thrown, and nothing is lost: ${operation}`, async () => {
      const unseen = await unhandled(async () => {
        for (const [what, garbage] of Object.entries(nonsense)) {
          const pool = make()

          const error = await failure(call(pool, run, garbage))

          assert.isTrue(error instanceof Error, what)
          if (operation.endsWith("options") && !looks.has(garbage)) assert.instanceOf(error, InvalidPoolOptions, what)
          await turn()
          assert.strictEqual(pool.stats().size, 2)
          idle(pool)
        }
      })

      assert.deepStrictEqual(unseen, [])
    })
  }

  it("does not keep operations that take nothing from being what they are", async () => {
    const without = ["detect", "ready", "rotate", "drain"] as const
    for (const operation of without) {
      for (const garbage of Object.values(nonsense)) {
        await call(make(), (pool) => (pool[operation] as (x: unknown) => Promise<void>)(garbage), garbage)
      }
    }
    for (const garbage of Object.values(nonsense)) {
      const pool = make()
      const lease = await pool.borrow()
      await call(pool, () => (lease.release as (x: unknown) => Promise<void>)(garbage), garbage)
      await (await call(pool, async () => (await pool.borrow()).detach(), garbage) as AsyncDisposable)
        [Symbol.asyncDispose]()
      await call(pool, () => (pool.close as (x: unknown) => Promise<void>)(garbage), garbage)
      assert.strictEqual(pool.stats().size, 0)
    }
  })

  it("is thrown by what does not wait", async () => {
    for (const [what, garbage] of Object.entries(nonsense)) {
      const pool = make()
      for (
        const run of [
          () => pool.borrowSync(garbage as never),
          () => pool.addSync("c", garbage as never),
          () => pool.addAllSync(["c"], garbage as never),
          () => pool.resize(garbage as never)
        ]
      ) {
        assert.instanceOf(await failure(run), Error, what)
      }
      assert.strictEqual(pool.stats().size, 2)
      idle(pool)
    }
  })

  it("is no reason for a pool to be made", async () => {
    const { make } = PromisePool
    for (const [what, garbage] of [["nothing", undefined], ...Object.entries(nonsense)] as const) {
      const error = await failure(() => make(garbage as never))

      assert.isTrue(error instanceof Error, what)
      if (looks.has(garbage)) continue
      assert.instanceOf(error, InvalidPoolOptions, what)
    }
    const error = await failure(() => (make as () => unknown)())
    assert.strictEqual(
      (error as Error).message,
      "Pool \"PromisePool\": option `options` is undefined; allowed: a record of options"
    )
  })

  it("that an option's own getter throws is what the borrower is told", async () => {
    assert.strictEqual(await failure(make().borrow(getter)), refused)
    assert.strictEqual(await failure(make().with(() => {}, getter)), refused)
    assert.strictEqual(await failure(make().add("c", getter)), refused)
  })
})

describe("an unknown option", () => {
  const secret = "hunter2 at db.example"
  const calls: ReadonlyArray<
    readonly [method: string, option: string, allowed: string, run: (pool: Pool, options: never) => unknown]
  > = [
    [
      "borrow",
      "leaseTimout",
      "timeout, where, priority, leaseTimeout, cost, prefer, affinity, facet, class, signal",
      (pool, o) => pool.borrow(o)
    ],
    [
      "with",
      "leaseTimout",
      "timeout, where, priority, leaseTimeout, cost, prefer, affinity, facet, class, failover, signal",
      (pool, o) => pool.with(() => {}, o)
    ],
    [
      "borrowSync",
      "timeout",
      "where, priority, leaseTimeout, cost, prefer, affinity, facet, class",
      (pool, o) => pool.borrowSync(o)
    ],
    [
      "borrowSync",
      "signal",
      "where, priority, leaseTimeout, cost, prefer, affinity, facet, class",
      (pool, o) => pool.borrowSync(o)
    ],
    ["add", "weight", "data, leaseTimeout, destroy", (pool, o) => pool.add("c", o)],
    ["add", "release", "data, leaseTimeout, destroy", (pool, o) => pool.add("c", o)],
    ["addAll", "weight", "data, leaseTimeout, destroy", (pool, o) => pool.addAll(["c"], o)],
    ["addSync", "weight", "data, leaseTimeout, destroy", (pool, o) => pool.addSync("c", o)],
    ["addAllSync", "weight", "data, leaseTimeout, destroy", (pool, o) => pool.addAllSync(["c"], o)]
  ]
  for (const [method, option, allowed, run] of calls) {
    it(`is named, with what is allowed, and its value is not: ${option} of ${method}`, async () => {
      const pool = make()

      const error = await failure(async () => run(pool, { [option]: secret } as never))

      assert.instanceOf(error, InvalidPoolOptions)
      assert.strictEqual(
        error.message,
        `Pool "keys": option \`${option}\` is not known; allowed: only ${allowed}`
      )
      idle(pool)
      assert.strictEqual(pool.stats().size, 2)
    })
  }

  it("of a pool is named among those of promise pools", async () => {
    const error = await failure(() => PromisePool.make({ connectionString: secret } as never))

    assert.instanceOf(error, InvalidPoolOptions)
    assert.strictEqual(error.option, "connectionString")
    assert.notInclude(error.message, secret)
    for (const known of ["destroy", "unpack", "acquire", "closing"]) assert.include(error.allowed, known)
  })
})

describe("a duration that is none, and a moment", () => {
  const durations = { NaN: Number.NaN, "below zero": -5, "30": "30", "6m12s": "6m12s", "{}": {}, null: null, throwing }
  const moments = { NaN: Number.NaN, "a text": "2030-01-01", "{}": {}, "no date": new Date(Number.NaN), throwing }

  it("is refused by name, by whoever takes one, and changes nothing", async () => {
    const pool = make()
    const lease = await pool.borrow()
    const { object } = lease
    const refusals = async (run: () => unknown, option: string) => {
      const error = await failure(run)
      assert.instanceOf(error, InvalidPoolOptions)
      assert.strictEqual(error.option, option)
      assert.strictEqual(error.pool, "keys")
    }

    for (const nonsense of Object.values(durations).map((value) => value as never)) {
      await refusals(() => lease.rest(nonsense), "rest")
      await refusals(() => pool.rest(object, nonsense), "rest")
      await refusals(() => pool.borrow({ timeout: nonsense }), "timeout")
      await refusals(() => pool.borrow({ leaseTimeout: nonsense }), "leaseTimeout")
      await refusals(() => pool.with(() => {}, { timeout: nonsense }), "timeout")
      await refusals(() => pool.add("c", { leaseTimeout: nonsense }), "leaseTimeout")
    }
    for (const nonsense of Object.values(moments).map((value) => value as never)) {
      await refusals(() => lease.restUntil(nonsense), "restUntil")
    }
    await lease.release()

    assert.strictEqual(pool.stats().available, 2)
  })
})

describe("an answer that throws when it is looked at", () => {
  it("is a failure of the callback that gave it", async () => {
    for (const answer of [throwing, revoked()]) {
      const pool = PromisePool.make({ acquire: () => answer, size: { max: 1 } })
      assert.instanceOf(await failure(pool.borrow()), Error)
      idle(pool)

      const plain = PromisePool.make({ objects: ["a"] })
      assert.instanceOf(await failure(plain.with(() => answer)), Error)
      idle(plain)

      const packing = PromisePool.make({ objects: ["a"], pack: () => answer })
      assert.instanceOf(await failure(packing.borrow()), Error)
      assert.instanceOf(await failure(packing.with(() => {})), Error)
      idle(packing)

      const detecting = PromisePool.make({ objects: ["a"], detectStatus: () => answer as never })
      await until(() => detecting.stats().pending === 0)
      assert.strictEqual(detecting.stats().unknown, 1)
    }
  })
})
