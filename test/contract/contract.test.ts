/**
 * The contract: what a pool promises whether it is used by effects or by promises (the numbers are those of the promises).
 */
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { effects } from "./effects.ts"
import type { Lease, Options, Pool, World } from "./flavour.ts"
import { promises } from "./promises.ts"

/** How something stands that was begun: `"waits"`, `"ok"`, or the tag or the text of what it has failed with. */
const watch = <B>(begun: Promise<B>) => {
  const watched = { state: "waits", value: undefined as B | undefined, error: undefined as unknown }
  begun.then(
    (value) => Object.assign(watched, { state: "ok", value }),
    (error: unknown) => Object.assign(watched, { state: nameOf(error), error })
  )
  return watched
}

const nameOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const { _tag, name, reason } = error as { readonly _tag?: string; readonly name?: string; readonly reason?: string }
  return [_tag ?? name, typeof reason === "string" ? reason : undefined].filter(Boolean).join(" ")
}

/** What something fails with. */
const failure = (begun: Promise<unknown>): Promise<unknown> =>
  begun.then(() => assert.fail("it has not failed"), (error: unknown) => error)

const endOf = async (begun: Promise<unknown>): Promise<string> => nameOf(await failure(begun))

/** An object that knows whether it is still there. */
interface Made {
  readonly n: number
  destroyed: number
}

/** Makes numbered objects, and destroys them; both may be replaced as it goes. */
const maker = () => {
  const made: Array<Made> = []
  const script = {
    acquire: (): void | Promise<void> => {},
    destroy: (_object: Made): void | Promise<void> => {}
  }
  const options = {
    acquire: async (): Promise<Made> => {
      await script.acquire()
      const object = { n: made.length + 1, destroyed: 0 }
      made.push(object)
      return object
    },
    destroy: async (object: Made): Promise<void> => {
      await script.destroy(object)
      object.destroyed++
    }
  }
  return { made, options, script }
}

const never = (): Promise<never> => new Promise(() => {})

const only = <A>(object: A) => ({ where: (pooled: { readonly object: A }) => Object.is(pooled.object, object) })

for (const flavour of [effects, promises]) {
  describe(`a pool of ${flavour.name}`, () => {
    let world: World

    beforeEach(async () => {
      world = await flavour.begin()
    })
    afterEach(() => world.end())

    const make = <A>(options: Options<A>): Promise<Pool<A>> => world.make({ closing: { timeout: 0 }, ...options })
    const pass = (millis = 0) => world.pass(millis)

    /** Nobody holds anything or waits; so many can be lent at once, and no more. */
    const serves = async <A>(pool: Pool<A>, n: number) => {
      await pass()
      const { borrowed, leases, waiting } = await pool.stats()
      assert.deepStrictEqual([borrowed, leases, waiting], [0, 0, 0], "nothing is lent, nobody waits")
      const borrowers = Array.from({ length: n + 1 }, () => {
        const controller = new AbortController()
        return { controller, watched: watch(pool.borrow({ signal: controller.signal, timeout: "Infinity" })) }
      })
      await pass()
      const states = borrowers.map(({ watched }) => watched.state)
      assert.deepStrictEqual(states, [...Array.from({ length: n }, () => "ok"), "waits"], `${n} are served`)
      borrowers[n]!.controller.abort()
      await pass()
      for (const { watched } of borrowers.slice(0, n)) await watched.value!.release()
      await pass()
    }

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

    describe("11. a lease that expires", () => {
      it("interrupts its body, which fails with LeaseExpired when it has ended", async () => {
        const pool = await make({ objects: ["a"], leaseTimeout: "10 seconds" })
        let told = false
        const body = watch(pool.with((_, signal) => {
          signal.addEventListener("abort", () => told = true)
          return never()
        }))
        await pass(9999)
        assert.deepStrictEqual([body.state, told], ["waits", false])

        await pass(1)

        assert.deepStrictEqual([body.state, told], ["LeaseExpired Expired", true])
        assert.strictEqual((await pool.stats()).totals.expired, 1)
      })

      it("is over for whoever has borrowed it, from its grant on", async () => {
        const pool = await make({ objects: ["a"] })
        const held = await pool.borrow()
        const waiting = watch(pool.borrow({ leaseTimeout: "10 seconds", timeout: "Infinity" }))
        await pass(60_000)
        await held.release()
        await pass()
        const ended = watch(waiting.value!.ended)
        await pass(9999)
        assert.strictEqual(ended.state, "waits")

        await pass(1)

        assert.strictEqual(nameOf(ended.value), "LeaseExpired Expired")
      })

      it("is saved by renewing it in time", async () => {
        const pool = await make({ objects: ["a"], leaseTimeout: "10 seconds" })
        const lease = await pool.borrow()
        const ended = watch(lease.ended)
        await pass(9999)
        await lease.renew()
        await pass(9999)
        assert.strictEqual(ended.state, "waits")

        await pass(1)

        assert.strictEqual(nameOf(ended.value), "LeaseExpired Expired")
        assert.strictEqual(await endOf(lease.renew()), "LeaseExpired Expired")
      })

      it("has its object destroyed, or lent on, as the pool says", async () => {
        for (const [onLeaseExpired, left] of [["destroy", 0], ["return", 1]] as const) {
          const pool = await make({ objects: ["a"], leaseTimeout: "1 second", onLeaseExpired })
          await pool.borrow()
          await pass(1000)

          assert.strictEqual((await pool.stats()).available, left)
        }
      })
    })

    describe("12. what a lease does after its end", () => {
      it("has no effect on its object, nor on the next lease", async () => {
        const pool = await make({ objects: ["a"] })
        const stale = await pool.borrow()
        await stale.release()
        const next = await pool.borrow()

        await stale.release()
        await stale.invalidate()
        await stale.rest("1 hour")
        assert.strictEqual(await endOf(stale.renew()), "LeaseExpired Released")
        assert.strictEqual(await endOf(stale.detach()), "LeaseExpired Released")

        assert.isAbove(next.id, stale.id)
        await next.release()
        assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "a")
      })

      it("is not what it does before: an invalid object leaves when it ends, one at rest rests", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 } })
        const first = await pool.borrow()
        await first.invalidate()
        assert.strictEqual(made[0]!.destroyed, 0)
        await first.release()
        await pass()
        assert.strictEqual(made[0]!.destroyed, 1)

        const second = await pool.borrow()
        await second.rest("1 minute")
        await second.release()
        assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")
        await pass(60_000)
        assert.strictEqual((await pool.borrow({ timeout: 0 })).object, made[1])
      })
    })

    describe("14. a shared object", () => {
      it("that one of its borrowers finds invalid is lent no more, and leaves when the last one ends", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 }, sharing: 3 })
        const [first, second] = [await pool.borrow(), await pool.borrow()]
        await first.invalidate()
        const waits = watch(pool.borrow())
        await first.release()
        await pass()
        assert.deepStrictEqual([waits.state, made[0]!.destroyed], ["waits", 0])

        await second.release()
        await pass()

        assert.deepStrictEqual([waits.value?.object, made[0]!.destroyed], [made[1], 1])
      })
    })

    describe("15. an object that is being detected", () => {
      it("is not lent; another one is, at once", async () => {
        const answer = Promise.withResolvers<"Available">()
        const pool = await make({
          objects: ["a"],
          detectStatus: ({ object }) => object === "slow" ? answer.promise : "Available"
        })
        const adding = watch(pool.add("slow"))
        await pass()
        assert.deepStrictEqual([adding.state, (await pool.stats()).pending], ["waits", 1])
        const lease = await pool.borrow({ timeout: 0 })
        assert.strictEqual(lease.object, "a")
        assert.strictEqual(await endOf(pool.borrow({ timeout: 0 })), "BorrowTimeout")

        answer.resolve("Available")
        await pass()

        assert.strictEqual(adding.state, "ok")
        assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "slow")
      })
    })

    describe("16. a detector", () => {
      const failing: Record<string, () => never> = {
        "that fails": () => Promise.reject(new Error("broken")) as never,
        "that throws": () => {
          throw new Error("broken")
        },
        "that answers nonsense": () => "Nonsense" as never,
        "that never answers": () => never() as never
      }
      for (const [what, answers] of Object.entries(failing)) {
        it(`${what} leaves its object Unknown, and is asked again`, async () => {
          let fails = true
          const pool = await make({
            objects: ["a"],
            detectStatus: () => fails ? answers() : "Available",
            detection: { timeout: "1 second" }
          })
          await pass(1000)
          assert.strictEqual((await pool.stats()).unknown, 1)
          const waits = watch(pool.borrow({ timeout: "10 minutes" }))

          fails = false
          await pass(60_000)

          assert.strictEqual(waits.state, "ok")
        })
      }

      it("has what it finds invalid taken out, and refuses at most 3 new objects for one borrow in a row", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 }, detectStatus: () => "Invalid" })
        watch(pool.borrow({ timeout: "Infinity" }))
        await pass(50)
        assert.lengthOf(made, 3)
        await pass(100)

        assert.lengthOf(made, 4)
        assert.isTrue(made.every(({ destroyed }) => destroyed === 1))
      })
    })

    describe("17. an object that rests", () => {
      it("comes back at its time; of two times the later one counts", async () => {
        const pool = await make({ objects: ["a"] })
        assert.isTrue(await pool.rest("a", "1 minute"))
        assert.isTrue(await pool.rest("a", "1 second"))
        assert.strictEqual((await pool.stats()).dormant, 1)
        const waits = watch(pool.borrow({ timeout: "10 minutes" }))
        await pass(59_999)
        assert.strictEqual(waits.state, "waits")

        await pass(1)

        assert.strictEqual(waits.state, "ok")
      })

      it("is woken when somebody says so", async () => {
        const pool = await make({ objects: ["a"] })
        await pool.rest("a", "1 hour")
        assert.isTrue(await pool.wake("a"))
        assert.isFalse(await pool.wake("a"))
        assert.isFalse(await pool.rest("b", "1 hour"))

        assert.strictEqual((await pool.borrow({ timeout: 0 })).object, "a")
      })

      it("since its detector says so is asked about again after `dormantFor`", async () => {
        let answer: "Available" | "Dormant" = "Dormant"
        const pool = await make({
          objects: ["a"],
          detectStatus: () => answer,
          detection: { dormantFor: "1 minute", onBorrow: false }
        })
        assert.strictEqual((await pool.stats()).dormant, 1)
        answer = "Available"
        await pass(59_999)
        assert.strictEqual((await pool.stats()).dormant, 1)

        await pass(1)

        assert.strictEqual((await pool.stats()).available, 1)
      })
    })

    describe("19. making", () => {
      it("never exceeds the maximum, with what is being destroyed", async () => {
        const { made, options, script } = maker()
        const destroyed = Promise.withResolvers<void>()
        const pool = await make({ ...options, size: { max: 2 } })
        const [one, two] = [await pool.borrow(), await pool.borrow()]
        script.destroy = () => destroyed.promise
        const waits = watch(pool.borrow({ timeout: "Infinity" }))
        await one.invalidate()
        await one.release()
        await pass()
        assert.deepStrictEqual([waits.state, made.length], ["waits", 2])
        assert.deepInclude(await pool.stats(), { size: 2, making: 0, invalid: 1 })

        destroyed.resolve()
        await pass()

        assert.deepStrictEqual([waits.state, made.length], ["ok", 3])
        await two.release()
      })

      it("keeps the minimum, from the start and when one leaves", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { min: 2, max: 2 } })
        await pool.ready()
        assert.deepInclude(await pool.stats(), { size: 2, available: 2 })

        await pool.remove(made[0]!)
        await pass()

        assert.deepStrictEqual((await pool.objects()).map(({ object }) => object.n), [2, 3])
      })
    })

    describe("20. an object", () => {
      it("that was made is destroyed once, when it is not lent any more", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 } })
        const lease = await pool.borrow()
        assert.isTrue(await pool.remove(lease.object))
        await pass()
        assert.strictEqual(made[0]!.destroyed, 0)

        await lease.invalidate()
        await lease.release()
        await lease.release()
        await pass()
        await pool.close()

        assert.strictEqual(made[0]!.destroyed, 1)
      })

      it("that was added is left to its owner, unless what destroys it was given", async () => {
        const { options } = maker()
        const pool = await make(options)
        const [own, given] = [{ n: 0, destroyed: 0 }, { n: 0, destroyed: 0 }]
        await pool.add(own)
        await pool.add(given, { destroy: (object) => void object.destroyed++ })

        await pool.close()

        assert.deepStrictEqual([own.destroyed, given.destroyed], [0, 1])
      })

      it("that is detached is its borrower's, and its room is free", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 } })
        const destroy = await (await pool.borrow()).detach()
        assert.strictEqual((await pool.borrow()).object, made[1])
        await pool.close()
        assert.deepStrictEqual(made.map(({ destroyed }) => destroyed), [0, 1])

        await destroy()

        assert.strictEqual(made[0]!.destroyed, 1)
      })
    })

    describe("21. a creation that fails", () => {
      it("fails the oldest who waits with its failure, and the next one has the next attempt", async () => {
        const { options, script } = maker()
        let attempts = 0
        script.acquire = async () => {
          if (++attempts === 1) throw new RangeError("refused")
        }
        const pool = await make({ ...options, size: { max: 1 }, borrowTimeout: "Infinity" })
        const [first, second] = [watch(pool.borrow()), watch(pool.borrow())]
        await pass(1000)

        assert.deepStrictEqual([first.state, second.state, attempts], ["RangeError", "ok", 2])
      })

      it("fails `ready`", async () => {
        const { options, script } = maker()
        script.acquire = () => Promise.reject(new RangeError("refused"))
        const pool = await make({ ...options, size: { min: 1 } })

        const ready = watch(pool.ready())
        await pass(1000)

        assert.strictEqual(ready.state, "RangeError")
      })
    })

    describe("22. what follows a release", () => {
      it("is not waited for: a hook, or a destroy that never ends", async () => {
        const { made, options, script } = maker()
        script.destroy = never
        const pool = await make({ ...options, size: { max: 2 }, onRelease: never })
        const first = await pool.borrow()
        await first.invalidate()

        await first.release()

        assert.strictEqual((await pool.borrow()).object, made[1])
      })

      it("a hook that fails has a made object destroyed, and an added one leave", async () => {
        const { made, options } = maker()
        const fails = { onRelease: () => Promise.reject(new Error("broken")) }
        const pools = [
          await make({ ...options, ...fails }),
          await make({ objects: [{ n: 0, destroyed: 0 }], ...fails })
        ]
        for (const pool of pools) {
          await (await pool.borrow()).release()
          await pass()
          assert.strictEqual((await pool.stats()).size, 0)
        }

        assert.strictEqual(made[0]!.destroyed, 1)
      })

      it("a hook runs before each lease as well, and one that fails has another object lent", async () => {
        const log: Array<string> = []
        const { options } = maker()
        const pool = await make({
          ...options,
          onBorrow: async ({ object }) => {
            log.push(`borrow ${object.n}`)
            if (object.n === 1) throw new Error("broken")
          },
          onRelease: ({ object }) => void log.push(`release ${object.n}`)
        })

        const lease = await pool.borrow()
        await lease.release()
        await pass()

        assert.deepStrictEqual(log, ["borrow 1", "borrow 2", "release 2"])
      })
    })

    describe("23. what is replaced", () => {
      it("by a rotation is every object that was made; a lent one goes when it comes back", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { min: 2, max: 3 } })
        await pool.ready()
        const lent = await pool.borrow()
        const idle = made.find((each) => each !== lent.object)!

        const rotating = watch(pool.rotate())
        await pass()
        assert.deepStrictEqual([rotating.state, idle.destroyed, lent.object.destroyed], ["ok", 1, 0])
        await lent.release()
        await pass()

        assert.strictEqual(lent.object.destroyed, 1)
        assert.strictEqual((await pool.stats()).available, 2)
      })

      it("is an object that was lent as often as it may be", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 }, lifetime: { maxBorrows: 2, jitter: 0 } })
        for (let i = 0; i < 3; i++) {
          await (await pool.borrow()).release()
          await pass()
        }

        assert.deepStrictEqual(made.map(({ destroyed }) => destroyed), [1, 0])
      })

      it("is not what is idle for too long, above the minimum: that goes", async () => {
        const { options } = maker()
        const pool = await make({
          ...options,
          size: { min: 1, max: 3 },
          lifetime: { idleTimeToLive: "1 minute", jitter: 0 }
        })
        const leases = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
        for (const lease of leases) await lease.release()
        await pass(59_999)
        assert.strictEqual((await pool.stats()).size, 3)

        await pass(1)

        assert.strictEqual((await pool.stats()).size, 1)
      })

      it("is not what a smaller size has no room for: idle ones go now, lent ones when they come back", async () => {
        const { options } = maker()
        const pool = await make({ ...options, size: { max: 3 } })
        const [one, two] = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
        await one!.release()
        await pool.resize({ max: 1 })
        await pass()
        assert.deepInclude(await pool.stats(), { max: 1, size: 2, borrowed: 2 })

        await two!.release()
        await pass()

        assert.strictEqual((await pool.stats()).size, 1)
        assert.strictEqual(await endOf(pool.resize({ max: -1 })), "InvalidPoolOptions")
      })
    })

    describe("24. close", () => {
      it("fails every operation with PoolClosed, or leaves it nothing to do", async () => {
        const pool = await make({ objects: ["a"] })
        await pool.close()
        await pool.close()

        const failing: Record<string, () => Promise<unknown>> = {
          borrow: () => pool.borrow(),
          tryBorrow: () => pool.tryBorrow(),
          with: () => pool.with(() => {}),
          add: () => pool.add("b"),
          addAll: () => pool.addAll(["b"]),
          detect: () => pool.detect(),
          ready: () => pool.ready(),
          resize: () => pool.resize({ max: 1 }),
          rotate: () => pool.rotate(),
          suspend: () => pool.suspend(),
          resume: () => pool.resume(),
          drain: () => pool.drain()
        }
        for (const [what, operation] of Object.entries(failing)) {
          assert.strictEqual(await endOf(operation()), "PoolClosed", what)
        }
        assert.deepStrictEqual([await pool.remove("a"), await pool.rest("a", 1), await pool.wake("a")], [
          false,
          false,
          false
        ])
        assert.deepInclude(await pool.stats(), { size: 0, leases: 0, waiting: 0 })
      })

      it("fails those who wait, and revokes what is lent when its time is over", async () => {
        const { made, options } = maker()
        const pool = await make({ ...options, size: { max: 1 }, closing: { timeout: "10 seconds" } })
        const lease = await pool.borrow()
        const ended = watch(lease.ended)
        const waits = watch(pool.borrow({ timeout: "Infinity" }))
        await pass()
        const closing = watch(pool.close())
        await pass(9999)
        assert.deepStrictEqual([waits.state, closing.state, ended.state], ["PoolClosed", "waits", "waits"])

        await pass(1)

        assert.deepStrictEqual([closing.state, nameOf(ended.value)], ["ok", "LeaseExpired Closed"])
        assert.strictEqual(made[0]!.destroyed, 1)
      })

      it("is over as soon as what is lent has come back", async () => {
        const pool = await make({ objects: ["a"], closing: { timeout: "10 seconds" } })
        const lease = await pool.borrow()
        const closing = watch(pool.close())
        await pass(1000)
        assert.strictEqual(closing.state, "waits")

        await lease.release()
        await pass()

        assert.strictEqual(closing.state, "ok")
      })

      it("serves those who wait first, where the pool says so", async () => {
        const pool = await make({ objects: ["a"], closing: { timeout: "1 minute", waiters: "serve" } })
        const lease = await pool.borrow()
        const waits = watch(pool.with((object) => object))
        await pass()
        const closing = watch(pool.close())
        await pass()
        await lease.release()
        await pass()

        assert.deepStrictEqual([waits.value, closing.state], ["a", "ok"])
      })
    })

    describe("25. while it is suspended", () => {
      it("borrowers wait, who does not queue is refused, and `resume` serves them in order", async () => {
        const pool = await make({ objects: ["a"] })
        await pool.suspend()
        const served: Array<number> = []
        const waits = [1, 2].map((n) => watch(pool.with(() => void served.push(n))))
        await pass()
        assert.strictEqual(await endOf(pool.tryBorrow()), "PoolExhausted Suspended")
        assert.deepStrictEqual(served, [])

        await pool.resume()
        await pass()

        assert.deepStrictEqual([served, waits.map(({ state }) => state)], [[1, 2], ["ok", "ok"]])
      })

      it("`drain` waits until everything is back, or `resume` is called", async () => {
        const pool = await make({ objects: ["a", "b"] })
        const lease = await pool.borrow()
        const drained = watch(pool.drain())
        await pass()
        assert.strictEqual(drained.state, "waits")
        await lease.release()
        await pass()
        assert.strictEqual(drained.state, "ok")

        await pool.resume()
        await pool.borrow()
        const again = watch(pool.drain())
        await pass()
        await pool.resume()
        await pass()
        assert.strictEqual(again.state, "ok")
      })
    })

    describe("26. the books", () => {
      it("balance", async () => {
        const { options, script } = maker()
        const pool = await make({ ...options, name: "books", size: { max: 5 }, borrowTimeout: 10, maxWaiters: 1 })
        const [lent, resting, invalid] = [await pool.borrow(), await pool.borrow(), await pool.borrow()]
        await resting.rest("1 hour")
        await invalid.invalidate()
        script.destroy = never
        for (const lease of [resting, invalid, await pool.borrow()]) await lease.release()
        await pass()

        const { available, borrowed, dormant, invalid: leaving, leases, pending, size, totals, unknown } = await pool
          .stats()
        assert.deepStrictEqual(
          { available, borrowed, dormant, leaving, leases, pending, size, unknown },
          { available: 1, borrowed: 1, dormant: 1, leaving: 1, leases: 1, pending: 0, size: 4, unknown: 0 }
        )
        assert.deepInclude(totals, { borrowed: 4, made: 4, added: 0, destroyed: 0 })
        await lent.release()
      })

      it("tell of every lease that is taken back", async () => {
        const pool = await make({ objects: ["a"] })
        const lease: Lease<string> = await pool.borrow()
        const ended = watch(lease.ended)

        assert.isTrue(await pool.revoke(lease.pooled))
        await pass()
        assert.isFalse(await pool.revoke(lease.pooled))

        assert.strictEqual(nameOf(ended.value), "LeaseExpired Revoked")
        assert.strictEqual(lease.pooled.status, "Available")
      })
    })

    describe("what makes no sense is refused by name", () => {
      const acquire = () => "made"
      const options: ReadonlyArray<readonly [options: object, option: string]> = [
        [{ acquire, size: { min: -1 } }, "size.min"],
        [{ acquire, size: { min: 2, max: 1 } }, "size.min"],
        [{ acquire, borrowTimeout: -1 }, "borrowTimeout"],
        [{ acquire, sharing: 0 }, "sharing"],
        [{ acquire, maxWaiters: 1.5 }, "maxWaiters"],
        [{ acquire, closing: { waiters: "perhaps" } }, "closing.waiters"],
        [{ acquire, borowTimeout: 1 }, "borowTimeout"],
        [{ size: { min: 1 } }, "size.min"]
      ]
      it("by the options of a pool", async () => {
        for (const [given, option] of options) {
          const error = await failure(make(given))
          assert.strictEqual(nameOf(error), "InvalidPoolOptions", option)
          assert.deepInclude(error, { option })
        }
      })

      it("by those of a borrow", async () => {
        const pool = await make({ objects: ["a"] })
        for (
          const [given, option] of [[{ timeout: -1 }, "timeout"], [{ priority: Number.NaN }, "priority"], [{
            timout: 1
          }, "timout"]] as const
        ) {
          const error = await failure(pool.borrow(given as object))
          assert.strictEqual(nameOf(error), "InvalidPoolOptions", option)
          assert.deepInclude(error, { option })
        }
        await serves(pool, 1)
      })
    })
  })
}
