/** Functions of the user's: plain, promised, thrown, rejected, badly made, or never settled. */
import { assert, describe, it } from "@effect/vitest"
import { BorrowTimeout, InvalidPoolOptions, LeaseExpired, PromisePool, Status } from "../../src/promise.ts"
import { deferred, failure, idle, never, refused, turn, unhandled, until } from "../support/promises.ts"

const badly = {
  "throws when it is asked": {
    get then(): never {
      throw refused
    }
  },
  "throws when it is called": {
    then: () => {
      throw refused
    }
  },
  "rejects, and then resolves": {
    then: (resolve: (value: never) => void, reject: (reason: unknown) => void) => {
      reject(refused)
      resolve("resolved" as never)
    }
  }
} as unknown as Record<string, PromiseLike<never>>

describe("acquire", () => {
  it("may answer plainly: the borrower does not wait then", () => {
    const pool = PromisePool.make({ acquire: () => "a" })

    using lease = pool.borrowSync()

    assert.strictEqual(lease.object, "a")
  })

  for (const [how, thenable] of Object.entries(badly)) {
    it(`fails its borrower with what a thenable that ${how} has failed with`, async () => {
      const pool = PromisePool.make({ acquire: () => thenable })

      assert.strictEqual(await failure(pool.borrow()), refused)
      idle(pool)
    })
  }

  it("is told by its signal that its time is over, and its room is free when it has settled", async () => {
    let told: AbortSignal | undefined
    const work = deferred<string>()
    const destroyed: Array<string> = []
    const pool = PromisePool.make({
      acquire: (signal) => {
        told = signal
        return work.promise
      },
      destroy: (made) => void destroyed.push(made),
      size: { max: 1 },
      creation: { timeout: 5 }
    })

    const error = await failure(pool.borrow())
    assert.instanceOf(error, BorrowTimeout)
    assert.strictEqual(error.phase, "Acquiring")
    assert.deepStrictEqual([told?.aborted, pool.stats().making], [true, 1])

    work.resolve("late")
    await until(() => pool.stats().making === 0)
    assert.deepStrictEqual(destroyed, ["late"])
    idle(pool)
  })

  it("that never settles has its room no longer than `hookTimeout`, and what it makes after that is destroyed", async () => {
    const late = deferred<number>()
    let attempts = 0
    const destroyed: Array<number> = []
    const pool = PromisePool.make({
      acquire: () => ++attempts === 1 ? late.promise : 2,
      destroy: async (made) => void destroyed.push(made),
      size: { max: 1 },
      creation: { timeout: 5 },
      hookTimeout: 5
    })
    const unseen = await unhandled(async () => {
      assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
      await using lease = await pool.borrow({ timeout: "1 minute" })
      late.resolve(1)
      await until(() => destroyed.length === 1)
      assert.deepStrictEqual([lease.object, destroyed], [2, [1]])
    })

    assert.deepStrictEqual(unseen, [])
    idle(pool)
  })

  it("that is late and rejects is seen by nobody", async () => {
    const work = deferred<string>()
    const pool = PromisePool.make({ acquire: () => work.promise, creation: { timeout: 5 }, size: { max: 1 } })

    const unseen = await unhandled(async () => {
      assert.instanceOf(await failure(pool.borrow()), BorrowTimeout)
      work.reject(refused)
      await until(() => pool.stats().making === 0)
    })

    assert.deepStrictEqual(unseen, [])
  })

  it("is told by its signal that the pool closes", async () => {
    let told: AbortSignal | undefined
    const pool = PromisePool.make({
      acquire: (signal) =>
        new Promise<never>((_, reject) => {
          told = signal
          signal.addEventListener("abort", () => reject(refused))
        })
    })
    const borrower = failure(pool.borrow())

    await pool.close()

    assert.isTrue(told?.aborted)
    assert.strictEqual((await borrower as Error).name, "PoolClosed")
  })
})

describe("destroy", () => {
  for (
    const [how, destroy] of [["throws", () => {
      throw refused
    }], ["rejects", () => Promise.reject(refused)]] as const
  ) {
    it(`that ${how} delays nobody`, async () => {
      const pool = PromisePool.make({ acquire: async () => "a", destroy, size: { max: 1 } })
      const unseen = await unhandled(async () => {
        await pool.with(() => {})
        pool.remove("a")
        await pool.with(() => {})
        await pool.close()
      })

      assert.deepStrictEqual([unseen, pool.stats().size], [[], 0])
    })
  }

  it("that never settles is given up", async () => {
    const pool = PromisePool.make({ acquire: () => "a", destroy: () => never, size: { max: 1 }, hookTimeout: 5 })
    await pool.with(() => {})

    await pool.close()

    assert.strictEqual(pool.stats().size, 0)
  })

  it("of an added object is a function", async () => {
    const pool = PromisePool.make<string>({})

    assert.instanceOf(await failure(pool.add("a", { destroy: 5 as never })), InvalidPoolOptions)
    assert.strictEqual(pool.stats().size, 0)
  })

  it("of an added object runs when that leaves", async () => {
    const destroyed: Array<string> = []
    const pool = PromisePool.make<string>({})
    await pool.add("a", { destroy: async (object) => void destroyed.push(object) })
    pool.addSync("b", { destroy: (object) => void destroyed.push(object) })

    assert.isTrue(pool.remove("a"))
    assert.isFalse(pool.remove("c"))
    await pool.close()

    assert.deepStrictEqual(destroyed, ["a", "b"])
  })
})

describe("detectStatus", () => {
  it("answers plainly or later, and the object is what it says", async () => {
    const pool = PromisePool.make({
      objects: ["fine", "rests", "gone", "throws", "rejects", "nonsense"],
      detectStatus: ({ object }): Status.Answer | Promise<Status.Answer> => {
        switch (object) {
          case "fine":
            return Promise.resolve("Available")
          case "rests":
            return Status.dormant("1 hour")
          case "gone":
            return Promise.resolve("Invalid")
          case "throws":
            throw refused
          case "rejects":
            return Promise.reject(refused)
          default:
            return Promise.resolve("perhaps" as never)
        }
      }
    })

    await until(() => pool.stats().pending === 0)

    assert.deepStrictEqual(
      pool.objects().map(({ object, status }) => [object, status]),
      [["fine", "Available"], ["rests", "Dormant"], ["throws", "Unknown"], ["rejects", "Unknown"], [
        "nonsense",
        "Unknown"
      ]]
    )
    await pool.detect()
    assert.strictEqual(pool.stats().available, 1)
  })
})

describe("select", () => {
  it("chooses, plainly or later", async () => {
    for (const later of [false, true]) {
      const pool = PromisePool.make({
        objects: ["a", "b", "c"],
        select: (available) => later ? Promise.resolve(available.at(-1)) : available.at(-1)
      })

      assert.strictEqual(await pool.with((object) => object), "c")
      assert.strictEqual(await pool.with((object) => object, { where: ({ object }) => object !== "c" }), "b")
    }
  })

  it("may be weights", async () => {
    const pool = PromisePool.make({ objects: ["a", "b"], select: { weight: ({ object }) => object === "a" ? 0 : 1 } })

    assert.strictEqual(await pool.with((object) => object), "b")
  })

  it("that throws or rejects fails its borrower", async () => {
    for (
      const select of [() => {
        throw refused
      }, () => Promise.reject(refused)]
    ) {
      const pool = PromisePool.make({ objects: ["a"], select })

      assert.strictEqual(await failure(pool.borrow()), refused)
      idle(pool)
    }
  })
})

describe("pack", () => {
  it("makes what the borrower gets, and unpack ends it before the object is back", async () => {
    const log: Array<string> = []
    const pool = PromisePool.make({
      objects: ["a"],
      data: 7,
      pack: async (lease) => ({ text: `${lease.object}${lease.data}`, lease }),
      unpack: async ({ text }) => {
        await turn()
        log.push(`${text} ${pool.stats().borrowed}`)
      }
    })

    const lease = await pool.borrow()
    assert.deepStrictEqual([lease.object.text, lease.object.lease.id, lease.data], ["a7", lease.id, 7])
    await lease.release()
    assert.deepStrictEqual([log, pool.stats().borrowed], [["a7 1"], 0])

    assert.strictEqual(await pool.with(({ text }) => text), "a7")
    assert.lengthOf(log, 2)
  })

  it("may be plain, and then nobody waits for it", () => {
    const pool = PromisePool.make({ objects: ["a"], pack: ({ object }) => object.toUpperCase() })

    using lease = pool.borrowSync()

    assert.strictEqual(lease.object, "A")
  })

  it("gives the lease back when its borrower gets it, and releases it early", async () => {
    const pool = PromisePool.make({ objects: ["a"], pack: (lease) => lease })

    const lease = await pool.borrow()
    await lease.object.release()

    idle(pool)
    await lease.release()
    idle(pool)
  })

  it("that throws or rejects gives the object back, and fails its borrower", async () => {
    for (
      const pack of [() => {
        throw refused
      }, () => Promise.reject(refused)]
    ) {
      const pool = PromisePool.make({ objects: ["a"], pack })

      assert.strictEqual(await failure(pool.borrow()), refused)
      assert.strictEqual(await failure(pool.with(() => {})), refused)
      idle(pool)
    }
  })

  it("whose borrower is aborted has what it makes ended, once, and the object back", async () => {
    const work = deferred<string>()
    const ended: Array<string> = []
    const controller = new AbortController()
    const pool = PromisePool.make({
      objects: ["a"],
      pack: () => work.promise,
      unpack: (packed) => void ended.push(packed)
    })
    const aborted = failure(pool.borrow({ signal: controller.signal }))

    controller.abort("enough")
    assert.strictEqual(await aborted, "enough")
    assert.strictEqual(pool.stats().borrowed, 1)
    work.resolve("packed")
    await until(() => pool.stats().borrowed === 0)

    assert.deepStrictEqual(ended, ["packed"])
  })
})

describe("unpack", () => {
  const broken = {
    throws: () => {
      throw refused
    },
    rejects: () => Promise.reject(refused)
  }
  for (const [how, unpack] of Object.entries(broken)) {
    it(`that ${how} fails nobody: the object is back, and the log says what has happened`, async () => {
      const pool = PromisePool.make({ objects: ["a"], pack: ({ object }) => object, unpack })

      const unseen = await unhandled(async () => {
        await (await pool.borrow()).release()
        assert.strictEqual(await pool.with((object) => object), "a")
        pool.borrowSync().releaseSync()
      })

      assert.deepStrictEqual(unseen, [])
      idle(pool)
    })
  }

  it("that never settles is given up after `hookTimeout`", async () => {
    const pool = PromisePool.make({ objects: ["a"], pack: ({ object }) => object, unpack: () => never, hookTimeout: 5 })

    await (await pool.borrow()).release()

    idle(pool)
  })

  it("that fails does not keep an object from being detached, and destroyed", async () => {
    const destroyed: Array<string> = []
    const pool = PromisePool.make({
      acquire: () => "a",
      destroy: (made) => void destroyed.push(made),
      pack: ({ object }) => object,
      unpack: broken.throws
    })

    const { destroy, object } = await (await pool.borrow()).detach()
    await destroy()

    assert.deepStrictEqual([object, destroyed], ["a", ["a"]])
  })

  it("may condemn the object that it finds broken", async () => {
    let n = 0
    const pool = PromisePool.make({
      acquire: () => ++n,
      pack: (lease) => lease,
      unpack: (lease) => lease.invalidate()
    })

    assert.strictEqual(await pool.with((lease) => lease.object), 1)
    assert.strictEqual(await pool.with((lease) => lease.object), 2)
  })
})

describe("a pack that is still at work", () => {
  it("fails its borrower when its lease expires, and is undone when it settles after all", async () => {
    const work = deferred<string>()
    const ended: Array<string> = []
    const pool = PromisePool.make({
      objects: ["a"],
      pack: () => work.promise,
      unpack: (packed) => void ended.push(packed),
      leaseTimeout: 5
    })

    assert.instanceOf(await failure(pool.borrow()), LeaseExpired)
    assert.instanceOf(await failure(pool.with(() => {})), LeaseExpired)
    idle(pool)
    work.resolve("packed")
    await until(() => ended.length === 2)

    assert.deepStrictEqual(ended, ["packed", "packed"])
  })

  it("fails its borrower when the pool closes", async () => {
    const pool = PromisePool.make({ objects: ["a"], pack: () => never, closing: { timeout: 5 }, hookTimeout: 5 })
    const borrowing = failure(pool.borrow())

    await pool.close()

    assert.strictEqual((await borrowing as LeaseExpired).reason, "Closed")
  })
})
