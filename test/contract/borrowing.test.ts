/** What a borrow is given, and when (promises 1 to 9). */
import { assert, describe, it } from "@effect/vitest"
import { contract, endOf, failure, type Made, maker, nameOf, never, only, watch } from "./kit.ts"

contract(({ make, pass, serves }) => {
  describe("1. an object", () => {
    it("is lent to one borrower at a time", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 3 } })
      const users = new Set<Made>()

      await Promise.all(Array.from({ length: 30 }, () =>
        pool.with(async (object) => {
          assert.isFalse(users.has(object), "it is lent twice")
          users.add(object)
          await Promise.resolve()
          users.delete(object)
        })))

      assert.lengthOf(made, 3)
      await serves(pool, 3)
    })

    it("is given back once, however often its lease is released", async () => {
      const pool = await make({ objects: ["a"] })
      const first = await pool.borrow()
      await first.release()
      const second = await pool.borrow()

      await first.release()

      assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")
      await second.release()
      await serves(pool, 1)
    })

    it("is in as many leases as it may be shared by", async () => {
      const pool = await make({ objects: ["a"], sharing: 2 })
      const first = await pool.borrow()
      await pool.borrow()
      const third = watch(pool.borrow())
      await pass()
      assert.strictEqual(third.state, "waits")

      await first.release()
      await pass()

      assert.strictEqual(third.state, "ok")
      assert.strictEqual((await pool.stats()).leases, 2)
    })
  })

  describe("2. a borrow that gets nothing loses nothing", () => {
    const ways: Record<
      string,
      { readonly end: (controller: AbortController) => Promise<void> | void; readonly state: string }
    > = {
      "as it is aborted": { end: (controller) => controller.abort(new Error("aborted")), state: "Error" },
      "as its time is over": { end: () => pass(5000), state: "BorrowTimeout" }
    }
    for (const [how, { end }] of Object.entries(ways)) {
      it(`${how}`, async () => {
        const pool = await make({ objects: ["a"] })
        const held = await pool.borrow()
        const controller = new AbortController()
        const waits = watch(pool.borrow({ signal: controller.signal, timeout: "5 seconds" }))
        await pass()
        assert.strictEqual(waits.state, "waits")

        await end(controller)
        await pass()

        assert.notInclude(["waits", "ok"], waits.state)
        await held.release()
        await serves(pool, 1)
      })
    }

    it("as making its object fails", async () => {
      const { options, script } = maker()
      script.acquire = () => Promise.reject(new Error("refused"))
      const pool = await make({ ...options, size: { max: 1 } })
      assert.strictEqual((await failure(pool.borrow()) as Error).message, "refused")

      script.acquire = () => {}
      await pass(60_000)
      await serves(pool, 1)
    })
  })

  it("3. a borrow that is aborted ends at once, and what is being made for it is kept", async () => {
    const { made, options, script } = maker()
    const { promise, resolve } = Promise.withResolvers<void>()
    script.acquire = () => promise
    const pool = await make({ ...options, size: { max: 1 } })
    const controller = new AbortController()
    const borrow = watch(pool.borrow({ signal: controller.signal }))
    await pass()

    controller.abort()
    await pass()
    assert.notInclude(["waits", "ok"], borrow.state)
    assert.strictEqual((await pool.stats()).making, 1)

    resolve()
    await pass()
    assert.strictEqual((await pool.borrow({ timeout: 0 })).object, made[0])
  })

  describe("4. those who wait", () => {
    /** Waiters for the one object that there is, and who has had it, in order. */
    const queue = async (asked: ReadonlyArray<{ readonly priority?: number; readonly where?: () => boolean }>) => {
      const pool = await make({ objects: ["a"], borrowTimeout: "Infinity" })
      const held = await pool.borrow()
      const served: Array<number> = []
      const controllers = asked.map((options, i) => {
        const controller = new AbortController()
        const body = () => void served.push(i)
        pool.with(body, { ...options, signal: controller.signal }).catch(() => {})
        return controller
      })
      await pass()
      return { held, pool, served, controllers }
    }

    it("are served in order of arrival, the higher priority first", async () => {
      const { held, served } = await queue([{}, { priority: 1 }, {}, { priority: 1 }, { priority: -1 }])

      await held.release()
      await pass()

      assert.deepStrictEqual(served, [1, 3, 0, 2, 4])
    })

    it("are not overtaken by a newcomer", async () => {
      const { held, pool, served } = await queue([{}])

      const [, newcomer] = await Promise.all([held.release(), endOf(pool.borrow({ timeout: 0, priority: 9 }))])
      await pass()

      assert.deepStrictEqual([newcomer, served], ["BorrowTimeout", [0]])
    })

    it("are passed over where they reject the object, and keep their turns", async () => {
      let fits = false
      const { held, pool, served } = await queue([{ where: () => fits }, {}])

      await held.release()
      await pass()
      assert.deepStrictEqual(served, [1])
      const again = await pool.borrow()
      fits = true
      const later = watch(pool.with(() => void served.push(9)))
      await again.release()
      await pass()

      assert.deepStrictEqual([later.state, served], ["ok", [1, 0, 9]])
    })

    it("give their turns to the next when they leave", async () => {
      const { controllers, held, served } = await queue([{}, {}, {}])
      controllers[0]!.abort()

      await held.release()
      await pass()

      assert.deepStrictEqual(served, [1, 2])
    })
  })

  describe("5. who waits", () => {
    it("takes what comes back first, while an object is still being made for it", async () => {
      const { options, script } = maker()
      const pool = await make({ ...options, size: { max: 2 } })
      const held = await pool.borrow()
      script.acquire = never
      const waits = watch(pool.borrow())
      await pass()
      assert.strictEqual((await pool.stats()).making, 1)

      await held.release()
      await pass()

      assert.strictEqual(waits.value?.object, held.object)
    })

    it("has one object made where its `where` rejects that, which goes to the others", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 3 } })
      const picky = watch(pool.borrow({ where: () => false }))
      await pass()
      assert.deepStrictEqual([picky.state, made.length], ["waits", 1])

      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, made[0])
      assert.lengthOf(made, 1)
    })

    it("counts in `stats.waiting`", async () => {
      const pool = await make({ objects: ["a"] })
      await pool.borrow()
      const controller = new AbortController()
      watch(pool.borrow({ signal: controller.signal }))
      watch(pool.with(() => {}, { signal: controller.signal }))
      await pass()
      assert.strictEqual((await pool.stats()).waiting, 2)

      controller.abort()
      await pass()
      assert.strictEqual((await pool.stats()).waiting, 0)
    })
  })

  describe("6. the deadline", () => {
    it("is that of the borrow, else that of the pool; the error says what was waited for", async () => {
      const pool = await make({ name: "few", objects: ["a"], borrowTimeout: "2 seconds" })
      await pool.borrow()
      const [own, usual] = [watch(pool.borrow({ timeout: 1000 })), watch(pool.with(() => {}))]
      await pass(999)
      assert.deepStrictEqual([own.state, usual.state], ["waits", "waits"])
      await pass(1)
      assert.deepStrictEqual([own.state, usual.state], ["BorrowTimeout", "waits"])
      await pass(1000)
      assert.strictEqual(usual.state, "BorrowTimeout")

      assert.deepInclude(own.error, { pool: "few", phase: "Waiting" })
    })

    it("covers making and detecting", async () => {
      const { options, script } = maker()
      const making = await make({ ...options })
      script.acquire = never
      const acquiring = watch(making.borrow({ timeout: 100 }))
      const detectingPool = await make({
        objects: ["a"],
        detectStatus: never,
        detection: { onAdd: false, onBorrow: true, timeout: "1 hour" }
      })
      const detecting = watch(detectingPool.borrow({ timeout: 100 }))
      await pass(100)

      assert.deepInclude(acquiring.error, { _tag: "BorrowTimeout", phase: "Acquiring" })
      assert.deepInclude(detecting.error, { _tag: "BorrowTimeout", phase: "Detecting" })
    })

    it("of zero lends what is lendable, and makes nothing", async () => {
      const { made, options } = maker()
      const pool = await make({ ...options, size: { max: 2 } })
      assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")
      assert.lengthOf(made, 0)

      await (await pool.borrow()).release()
      assert.strictEqual((await pool.borrow({ timeout: 0 })).object, made[0])
    })

    it("of one who does not queue is now", async () => {
      const pool = await make({ objects: ["a"] })
      const held = await pool.tryBorrow()

      assert.strictEqual(await endOf(pool.tryBorrow()), "PoolExhausted NoneAvailable")
      await held.release()
      assert.strictEqual((await pool.tryBorrow()).object, "a")
    })
  })

  describe("7. `with` gives its object back when its body", () => {
    const bodies: Record<string, readonly [body: () => unknown, end: string]> = {
      "answers": [() => 1, "ok"],
      "answers later": [() => Promise.resolve(1), "ok"],
      "fails": [() => Promise.reject(new RangeError("broken")), "RangeError"],
      "throws": [() => {
        throw new RangeError("broken")
      }, "RangeError"]
    }
    for (const [how, [body, end]] of Object.entries(bodies)) {
      it(`${how}`, async () => {
        const pool = await make({ objects: ["a"] })

        const watched = watch(pool.with(body))
        await pass()

        assert.deepStrictEqual([watched.state, watched.value], [end, end === "ok" ? 1 : undefined])
        await serves(pool, 1)
      })
    }
  })

  describe("8. maxWaiters", () => {
    it("refuses the newcomer, and those who wait keep their places", async () => {
      const pool = await make({ name: "few", objects: ["a"], maxWaiters: 1 })
      const held = await pool.borrow()
      const waits = watch(pool.borrow())
      await pass()

      const error = await failure(pool.borrow({ priority: 9 }))
      assert.strictEqual(nameOf(error), "PoolExhausted WaitersFull")
      assert.deepInclude(error, { pool: "few" })
      await held.release()
      await pass()
      assert.strictEqual(waits.state, "ok")
    })

    it("of 0 lends what is lendable or can be made", async () => {
      const { options } = maker()
      const pool = await make({ ...options, size: { max: 1 }, maxWaiters: 0 })
      const held = await pool.borrow()
      assert.strictEqual(await endOf(pool.borrow()), "PoolExhausted WaitersFull")
      assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")

      await held.release()
      await (await pool.borrow()).release()
    })
  })

  describe("9. objects", () => {
    it("may be falsy, given or made", async () => {
      const falsy = [0, "", null, undefined, false]
      const given = await make<unknown>({ objects: falsy })
      let next = 0
      const made = await make<unknown>({ acquire: () => falsy[next++], size: { max: falsy.length } })

      for (const object of falsy) assert.strictEqual((await given.borrow(only<unknown>(object))).object, object)
      for (const object of falsy) assert.strictEqual((await made.borrow()).object, object)
    })

    it("are added once, unless they are primitives", async () => {
      const object = {}
      const pool = await make<unknown>({ objects: [object, "a"] })

      assert.strictEqual(await endOf(pool.add(object)), "DuplicateObject")
      assert.strictEqual(await endOf(pool.addAll([{}, object])), "DuplicateObject")
      assert.strictEqual((await pool.stats()).size, 2)
      await pool.add("a")
      assert.strictEqual((await pool.stats()).size, 3)
    })

    it("are refused where there is no room", async () => {
      const pool = await make({ objects: ["a"], size: { max: 1 } })

      assert.strictEqual(await endOf(pool.add("b")), "PoolFull")
      assert.isTrue(await pool.remove("a"))
      assert.isFalse(await pool.remove("a"))
      await pass()
      await pool.add("b")
      assert.strictEqual((await pool.borrow()).object, "b")
    })
  })
})
