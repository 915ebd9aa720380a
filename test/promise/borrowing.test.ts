/** Borrowing without Effect: the leases, the typed rejections, and what an aborted signal does. */
import { assert, describe, it } from "@effect/vitest"
import {
  BorrowTimeout,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolExhausted,
  PoolFull,
  PromisePool
} from "../../src/promise.ts"
import { deferred, failure, idle, turn, unhandled, until } from "../support/promises.ts"

/** A pool of numbers, each of which is made when it is needed, and remembers what was destroyed. */
const numbers = (options: { readonly max?: number; readonly leaseTimeout?: number } = {}) => {
  const destroyed: Array<number> = []
  let n = 0
  const pool = PromisePool.make({
    acquire: async () => ++n,
    destroy: async (made: number) => void destroyed.push(made),
    size: { max: options.max ?? 1 },
    leaseTimeout: options.leaseTimeout
  })
  return { pool, destroyed }
}

describe("a lease", () => {
  it("is given back at the end of its block", async () => {
    const { pool } = numbers()
    {
      await using lease = await pool.borrow()

      assert.strictEqual(lease.object, 1)
      assert.strictEqual(pool.stats().borrowed, 1)
    }
    idle(pool)
  })

  it("is given back once, whatever it is asked, and is without effect then", async () => {
    const { pool } = numbers()
    const lease = await pool.borrow()
    await Promise.all([lease.release(), lease.release(), lease[Symbol.asyncDispose]()])
    lease.releaseSync()
    lease[Symbol.dispose]()

    const next = await pool.borrow()
    await lease.release()
    lease.invalidate()
    lease.rest("1 hour")

    assert.deepStrictEqual([next.object, pool.stats().leases, next.id > lease.id], [1, 1, true])
    assert.instanceOf(await failure(() => lease.renew()), LeaseExpired)
    assert.instanceOf(await failure(lease.detach()), LeaseExpired)
    next.releaseSync()
    idle(pool)
  })

  it("knows its object, its data and its times", async () => {
    const pool = PromisePool.make({ objects: ["a"], data: (object) => object.length, leaseTimeout: "1 hour" })

    await using lease = await pool.borrow()

    assert.deepStrictEqual([lease.object, lease.data, lease.pooled.status], ["a", 1, "Borrowed"])
    assert.strictEqual(Number(lease.expiresAt?.epochMilliseconds) - lease.borrowedAt.epochMilliseconds, 3_600_000)
    assert.deepStrictEqual(pool.leases().map(({ id, object }) => [id, object]), [[lease.id, "a"]])
  })

  it("invalidates its object, and has it rest", async () => {
    const { destroyed, pool } = numbers({ max: 2 })
    const [one, other] = [await pool.borrow(), await pool.borrow()]

    one.invalidate()
    other.rest("1 hour")
    await Promise.all([one.release(), other.release()])
    await until(() => destroyed.length > 0)

    assert.deepStrictEqual([destroyed, pool.stats().dormant], [[1], 1])
    assert.isTrue(pool.wake(2))
    assert.isTrue(pool.rest(2, "1 hour"))
  })

  it("detaches its object, which its holder destroys when he likes", async () => {
    const { destroyed, pool } = numbers()
    const lease = await pool.borrow()

    const detached = await lease.detach()

    assert.deepStrictEqual([detached.object, pool.stats().size, destroyed], [1, 0, []])
    await lease.release()
    await Promise.all([detached.destroy(), detached[Symbol.asyncDispose]()])
    assert.deepStrictEqual(destroyed, [1])
  })

  it("whose detached object cannot be destroyed says so in the log, once, and fails nobody", async () => {
    let asked = 0
    const pool = PromisePool.make({
      acquire: () => "a",
      destroy: () => {
        asked++
        throw new Error("refused")
      }
    })
    const detached = await (await pool.borrow()).detach()

    const unseen = await unhandled(() => Promise.all([detached.destroy(), detached.destroy()]).then(() => {}))

    assert.deepStrictEqual([unseen, asked], [[], 1])
  })

  it("is the same, whoever asks for it", async () => {
    const pool = PromisePool.make({ objects: ["a"] })

    await using lease = await pool.borrow()

    assert.strictEqual(pool.leases()[0], lease)
    assert.strictEqual(pool.leases()[0]?.signal, lease.signal)
  })

  it("tells by its signal when it expires, and why", async () => {
    const { destroyed, pool } = numbers({ leaseTimeout: 200 })
    const lease = await pool.borrow()
    const told = deferred()

    lease.signal.addEventListener("abort", () => told.resolve())
    await told.promise

    assert.instanceOf(lease.signal.reason, LeaseExpired)
    assert.strictEqual(lease.signal.reason.reason, "Expired")
    await until(() => destroyed.length > 0)
    await lease.release()
    idle(pool)
  })

  it("tells by its signal when it is revoked", async () => {
    const pool = PromisePool.make({ objects: ["a"], closing: { timeout: 0 } })
    const lease = await pool.borrow()
    const { signal } = lease

    await pool.close()

    assert.strictEqual(signal.reason.reason, "Closed")
  })

  it("tells by its signal what has happened before anybody asked", async () => {
    const pool = PromisePool.make({ objects: ["a"], closing: { timeout: 0 } })
    const [lease] = [await pool.borrow()]
    await pool.close()

    assert.isTrue(lease.signal.aborted)
    assert.instanceOf(await failure(() => lease.renew()), LeaseExpired)
  })

  it("that was given back never fires", async () => {
    const pool = PromisePool.make({ objects: ["a"], leaseTimeout: "1 hour" })
    const lease = await pool.borrow()
    lease.renew()
    const { signal } = lease
    await lease.release()
    await pool.close()

    assert.isFalse(signal.aborted)
  })
})

describe("with", () => {
  it("tells its function when the lease expires, and does not wait for it", async () => {
    const { destroyed, pool } = numbers({ leaseTimeout: 200 })
    const late = deferred<number>()
    let reason: unknown

    const unseen = await unhandled(async () => {
      const error = await failure(pool.with((_, signal) => {
        signal.addEventListener("abort", () => reason = signal.reason)
        return late.promise
      }))
      assert.instanceOf(error, LeaseExpired)
      late.reject(new Error("too late"))
    })

    assert.instanceOf(reason, LeaseExpired)
    await until(() => destroyed.length > 0)
    assert.deepStrictEqual(unseen, [])
    idle(pool)
  })

  it("tells its function when the pool takes its object back, and answers what that answers", async () => {
    const pool = PromisePool.make({ objects: ["a"], closing: { timeout: 0 } })
    const work = deferred<string>()
    let told: AbortSignal | undefined
    const working = pool.with((_, signal) => {
      told = signal
      return work.promise
    })

    await pool.close()
    work.resolve("done")

    assert.strictEqual(await working, "done")
    assert.strictEqual(told?.reason.reason, "Closed")
  })

  it("rejects at once when it is aborted, and keeps the object until its function has settled", async () => {
    const { pool } = numbers()
    const work = deferred()
    const controller = new AbortController()
    let told: AbortSignal | undefined
    const working = pool.with((_, signal) => {
      told = signal
      return work.promise
    }, { signal: controller.signal })
    await until(() => told !== undefined)

    const unseen = await unhandled(async () => {
      controller.abort("no more")
      assert.strictEqual(await failure(working), "no more")
      assert.deepStrictEqual([told?.reason, pool.stats().borrowed], ["no more", 1])
      work.reject(new Error("aborted"))
      await turn()
    })

    assert.deepStrictEqual(unseen, [])
    idle(pool)
  })

  it("is not begun when it is aborted before", async () => {
    const { pool } = numbers()

    assert.strictEqual(await failure(pool.with(() => 1, { signal: AbortSignal.abort("never") })), "never")

    assert.strictEqual(pool.stats().totals.borrowed, 0)
  })

  it("hears of a signal that fires within its own function", async () => {
    const { pool } = numbers()
    const controller = new AbortController()
    let told: boolean | undefined

    const working = pool.with((_, signal) => {
      controller.abort("by itself")
      told = signal.aborted
    }, { signal: controller.signal })

    assert.strictEqual(await failure(working), "by itself")
    assert.isTrue(told)
    await until(() => pool.stats().available === 1)
  })

  for (const at of ["acquire", "detectStatus", "onBorrow", "pack", "where"] as const) {
    it(`does not run its function when its signal has fired in ${at}`, async () => {
      const controller = new AbortController()
      const fire = () => controller.abort("enough")
      const pool = PromisePool.make({
        acquire: () => {
          if (at === "acquire") fire()
          return "a"
        },
        detectStatus: () => {
          if (at === "detectStatus") fire()
          return "Available"
        },
        onBorrow: () => {
          if (at === "onBorrow") fire()
        },
        pack: (lease) => {
          if (at === "pack") fire()
          return lease.object
        }
      })
      let ran = false
      const where = () => {
        if (at === "where") fire()
        return true
      }
      if (at !== "acquire") await pool.add("b")

      const error = await failure(pool.with(() => ran = true, { signal: controller.signal, where }))

      assert.deepStrictEqual([error, ran], ["enough", false])
      await until(() => pool.stats().pending === 0)
      idle(pool)
    })
  }

  it("whose signal fires when its function has settled answers what that has answered", async () => {
    const unpacked = deferred()
    const controller = new AbortController()
    const pool = PromisePool.make({ objects: ["a"], pack: ({ object }) => object, unpack: () => unpacked.promise })
    const working = pool.with((object) => object, { signal: controller.signal })

    controller.abort("too late")
    unpacked.resolve()

    assert.strictEqual(await working, "a")
    idle(pool)
  })
})

describe("what fails is the typed error itself", () => {
  it("BorrowTimeout, PoolExhausted and PoolClosed", async () => {
    const pool = PromisePool.make({ name: "few", objects: ["a"], maxWaiters: 1, borrowTimeout: "1 hour" })
    await pool.borrow()
    const controller = new AbortController()
    const waiting = failure(pool.borrow({ signal: controller.signal }))

    assert.instanceOf(await failure(pool.borrow()), PoolExhausted)
    controller.abort()
    await waiting
    const timedOut = await failure(pool.borrow({ timeout: 5 }))
    assert.instanceOf(timedOut, BorrowTimeout)
    assert.include(String(timedOut), "Pool \"few\"")

    const closed = failure(pool.borrow())
    void pool.close()
    assert.instanceOf(await closed, PoolClosed)
    assert.instanceOf(await failure(pool.with(() => {})), PoolClosed)
    assert.instanceOf(await failure(pool.add("b")), PoolClosed)
    assert.instanceOf(await failure(() => pool.suspend()), PoolClosed)
  })

  it("DuplicateObject and PoolFull", async () => {
    const object = {}
    const pool = PromisePool.make({ objects: [object], size: { max: 1 } })

    assert.instanceOf(await failure(pool.add(object)), DuplicateObject)
    assert.instanceOf(await failure(pool.addAll([{}])), PoolFull)
    assert.instanceOf(await failure(() => pool.addSync({})), PoolFull)
  })

  it("InvalidPoolOptions, when the pool is made, for what is misspelt, nonsense or without use", async () => {
    const acquire = () => 1
    const cases: ReadonlyArray<readonly [options: object, option: string]> = [
      [{ acquire, size: { max: 0 } }, "size.max"],
      [{ acquire, borowTimeout: 1 }, "borowTimeout"],
      [{ acquire: 1 }, "acquire"],
      [{ acquire, destroy: "no" }, "destroy"],
      [{ objects: [], destroy: () => {} }, "destroy"],
      [{ acquire, pack: 1 }, "pack"],
      [{ acquire, unpack: () => {} }, "unpack"],
      [{ acquire, pack: () => 1, unpack: 1 }, "unpack"],
      [{ acquire, detectStatus: 1 }, "detectStatus"],
      [{ acquire, onBorrow: 1 }, "onBorrow"],
      [{ acquire, onRelease: 1 }, "onRelease"],
      [{ acquire, select: 1 }, "select"],
      [{ acquire, hookTimeout: -1 }, "hookTimeout"]
    ]
    for (const [options, option] of cases) {
      const error = await failure(() => PromisePool.make(options as never))

      assert.instanceOf(error, InvalidPoolOptions)
      assert.strictEqual(error.option, option)
      assert.strictEqual(error.pool, "PromisePool")
    }
    const pool = PromisePool.make({ acquire })
    assert.instanceOf(await failure(() => pool.resize({ max: -1 })), InvalidPoolOptions)
    assert.instanceOf(await failure(pool.borrow({ timeout: -1 })), InvalidPoolOptions)
  })

  it("what `acquire` was rejected with, or threw", async () => {
    const refused = new Error("refused")
    const rejects = PromisePool.make({ acquire: () => Promise.reject(refused) })
    const throws = () =>
      PromisePool.make({
        acquire: () => {
          throw refused
        }
      })

    assert.strictEqual(await failure(rejects.borrow()), refused)
    assert.strictEqual(await failure(throws().borrow()), refused)
    assert.strictEqual(await failure(() => throws().borrowSync()), refused)
  })

  it("what `where` has thrown", async () => {
    const pool = PromisePool.make({ objects: ["a"] })
    const mine = new Error("mine")
    const where = () => {
      throw mine
    }

    assert.strictEqual(await failure(pool.borrow({ where })), mine)
    idle(pool)
  })
})

describe("an aborted borrow", () => {
  it("is not begun when it is aborted before, and rejects with the reason", async () => {
    const { pool } = numbers()

    assert.strictEqual(await failure(pool.borrow({ signal: AbortSignal.abort("never") })), "never")

    assert.strictEqual(pool.stats().making, 0)
  })

  it("leaves what is being made for it to the next", async () => {
    const { pool } = numbers()
    const controller = new AbortController()
    const aborted = failure(pool.borrow({ signal: controller.signal }))
    controller.abort("enough")

    assert.strictEqual(await aborted, "enough")
    await until(() => pool.stats().available === 1)
    assert.strictEqual(pool.stats().totals.made, 1)
  })

  it("is none any more once it has its lease, and listens no longer", async () => {
    const { pool } = numbers()
    const controller = new AbortController()
    const lease = await pool.borrow({ signal: controller.signal })

    controller.abort("too late")

    assert.isFalse(lease.signal.aborted)
    await lease.release()
    idle(pool)
  })

  for (const way of ["borrow", "with"] as const) {
    for (const makes of ["plainly", "later", "never"] as const) {
      it(`loses nothing, whenever it is aborted, and leaves no rejection unseen: ${way}, made ${makes}`, async () => {
        const unseen = await unhandled(async () => {
          for (let after = 0; after < 30; after++) {
            const held = deferred()
            const pool = PromisePool.make({
              acquire: (signal) =>
                makes === "plainly" ? 1 : makes === "later" ? Promise.resolve(1) : new Promise<number>((_, reject) => {
                  signal.addEventListener("abort", () => reject(signal.reason))
                }),
              detectStatus: async () => "Available" as const,
              size: { max: 1 }
            })
            const controller = new AbortController()
            const { signal } = controller
            const first = way === "borrow"
              ? pool.borrow({ signal }).then((lease) => held.promise.then(lease.release))
              : pool.with(() => held.promise, { signal })
            const second = pool.borrow({ signal }).then((lease) => lease.release())
            const settled = Promise.allSettled([first, second])

            for (let k = 0; k < after; k++) await Promise.resolve()
            controller.abort("aborted")
            held.resolve()
            for (const result of await settled) {
              assert.isTrue(result.status === "fulfilled" || result.reason === "aborted")
            }

            if (makes !== "never") {
              await pool.with((n) => assert.strictEqual(n, 1))
              await until(() => pool.stats().pending === 0)
              idle(pool)
            }
            await pool.close()
          }
        })

        assert.deepStrictEqual(unseen, [])
      })
    }
  }
})
