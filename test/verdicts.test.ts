/** What is concluded of an object from how the work under its lease has ended: promises 31 to 33. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Judge, type Lease, Selector, Status, Verdict } from "../src/index.ts"
import { hold, make, start, state, statuses } from "./support/borrowers.ts"
import { collect } from "./support/garbage.ts"
import { logs } from "./support/observed.ts"

/** A judge that answers what it is told to, and notes what it has seen. */
const scripted = (answer: unknown) => {
  const script = { answer, seen: [] as Array<string> }
  const judge: Judge<string, unknown> = (exit, { id, status }) => {
    script.seen.push(`${id} ${status} ${exit._tag}`)
    return script.answer as Status.Answer
  }
  return { script, judge }
}

const failing = () => Effect.fail("broken" as const)

describe("a judge", () => {
  it.effect("is asked once for each lease, in the step in which it ends, with how its work has ended", () =>
    Effect.gen(function*() {
      const { judge, script } = scripted(undefined)
      const pool = yield* make({ objects: ["a"], judge })
      yield* pool.with(() => Effect.void)
      yield* Effect.exit(pool.with(failing))
      yield* Effect.exit(Effect.scoped(Effect.andThen(pool.borrow, Effect.fail("broken"))))
      yield* Effect.scoped(Effect.andThen(pool.borrow, Effect.void))
      const { lease, scope } = yield* hold(pool.borrow)
      yield* lease.release
      yield* Scope.close(scope, Exit.fail("too late"))
      assert.deepStrictEqual(script.seen, [
        "1 Borrowed Success",
        "1 Borrowed Failure",
        "1 Borrowed Failure",
        "1 Borrowed Success",
        "1 Borrowed Success"
      ])
    }))

  it.effect("is not asked about a lease that expires, is revoked, or never came to its borrower", () =>
    Effect.gen(function*() {
      const { judge, script } = scripted("Invalid")
      const pool = yield* make({ objects: ["a"], judge, leaseTimeout: "1 second", onLeaseExpired: "return" })
      const expires = yield* start(Effect.exit(pool.with(() => Effect.never)))
      const waiting = yield* start(Effect.exit(pool.with(() => Effect.never)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state(expires), "ok")
      assert.strictEqual(state(waiting), "waits")
      for (const lease of yield* pool.leases) yield* pool.revoke(lease)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(script.seen, [])
      assert.deepStrictEqual(yield* statuses(pool), ["Available"])
    }))

  const answers: Record<string, readonly [answer: Status.Answer, status: string | undefined]> = {
    "Available": ["Available", "Available"],
    "Invalid": ["Invalid", undefined],
    "a rest": [Status.dormant("1 hour"), "Dormant"],
    "plainly Dormant": ["Dormant", "Dormant"],
    "Unknown": ["Unknown", "Available"]
  }
  for (const [name, [answer, status]] of Object.entries(answers)) {
    it.effect(`is obeyed as a detector is: ${name}`, () =>
      Effect.gen(function*() {
        const { judge, script } = scripted(answer)
        const pool = yield* make<string>({ objects: ["a"], judge })
        const [pooled] = yield* pool.objects
        yield* pool.with(() => Effect.void)
        assert.deepStrictEqual(yield* statuses(pool), status === undefined ? [] : [status as Status])
        assert.strictEqual(pooled!.failures, answer === "Available" ? 0 : 1)
        if (answer !== "Dormant") return
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        script.answer = "Available"
        yield* pool.with(() => Effect.void)
        assert.strictEqual(pooled!.failures, 0)
      }))
  }

  it.effect("that doubts has the detector asked, whose answer ends the row of failures", () =>
    Effect.gen(function*() {
      const { judge } = scripted("Unknown")
      const pool = yield* make<string>({
        objects: ["a"],
        judge,
        detectStatus: () => "Available",
        detection: { onBorrow: false }
      })
      const [pooled] = yield* pool.objects
      yield* pool.with(() => Effect.void)
      assert.deepStrictEqual([pooled!.status, pooled!.failures], ["Unknown", 1])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([pooled!.status, pooled!.failures], ["Available", 0])
    }))

  it.effect("comes after what the borrower has said itself", () =>
    Effect.gen(function*() {
      const { judge } = scripted("Invalid")
      const pool = yield* make<string>({ objects: ["a"], judge })
      yield* pool.with((lease) => lease.rest("1 minute"))
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant"])
    }))

  for (const bad of ["broken", 3, Effect.succeed("Invalid"), () => "Invalid"]) {
    it.effect(`that answers ${typeof bad === "object" ? "an effect" : String(bad)} says nothing, and is reported`, () =>
      Effect.gen(function*() {
        const { lines, within } = logs()
        const { judge } = scripted(bad)
        yield* within(Effect.gen(function*() {
          const pool = yield* make<string>({ objects: ["a"], judge })
          yield* pool.with(() => Effect.void)
          assert.deepStrictEqual(yield* statuses(pool), ["Available"])
        }))
        assert.strictEqual(lines.filter((line) => line.includes("A judge says nothing")).length, 1)
      }))
  }

  it.effect("of a shared object has it take no new leases, while the others go on", () =>
    Effect.gen(function*() {
      const { judge } = scripted(Status.dormant("1 minute"))
      const pool = yield* make<string>({ objects: ["a"], sharing: 3, judge })
      const other = yield* hold(pool.borrow)
      yield* pool.with(() => Effect.void)
      assert.strictEqual((yield* Effect.exit(Effect.scoped(pool.tryBorrow)))._tag, "Failure")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.exit(Effect.scoped(pool.tryBorrow)))._tag, "Success")
      yield* other.release
    }))
})

describe("an outlier", () => {
  const outlier = (n: number, options?: Parameters<typeof Verdict.outlier>[0]) =>
    Effect.gen(function*() {
      const pool = yield* make<string>({
        objects: Array.from({ length: n }, (_, i) => `${i}`),
        judge: Verdict.outlier(options),
        borrowTimeout: 0
      })
      const fail = (object: string, times = 1) =>
        Effect.repeat(
          Effect.exit(pool.with(failing, { where: (pooled) => pooled.object === object })),
          { times: times - 1 }
        )
      const succeed = (object: string) => pool.with(() => Effect.void, { where: (pooled) => pooled.object === object })
      const status = (object: number) => Effect.map(statuses(pool), (all) => all[object])
      return { pool, fail, succeed, status }
    })

  it.effect("rests after so many failures in a row, longer each time in a row, and is on trial without end of it by itself", () =>
    Effect.gen(function*() {
      const { fail, status, succeed } = yield* outlier(2)
      yield* fail("0", 4)
      yield* succeed("0")
      yield* fail("0", 4)
      assert.strictEqual(yield* status(0), "Available")
      for (const seconds of [30, 60, 120, 240, 300, 300]) {
        yield* fail("0", seconds === 30 ? 1 : 5)
        assert.strictEqual(yield* status(0), "Dormant")
        // a tenth less at the most
        yield* TestClock.adjust(seconds * 900 - 1)
        assert.strictEqual(yield* status(0), "Dormant")
        yield* TestClock.adjust(seconds * 100 + 1)
        assert.strictEqual(yield* status(0), "Available")
      }
      yield* succeed("0")
      yield* fail("0", 5)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* status(0), "Available")
    }))

  it.effect("is spared while `most` of them rest, and rests when there is room", () =>
    Effect.gen(function*() {
      const { fail, pool } = yield* outlier(4, { after: 1 })
      for (const object of ["0", "1", "2", "3"]) yield* fail(object)
      assert.deepStrictEqual(yield* statuses(pool), ["Dormant", "Dormant", "Available", "Available"])
      yield* pool.wake("0")
      yield* fail("2")
      assert.deepStrictEqual(yield* statuses(pool), ["Available", "Dormant", "Dormant", "Available"])
    }))

  it.effect("may be the only one, and is by a failure that `when` accepts, or by none that is an interruption", () =>
    Effect.gen(function*() {
      const { fail, status } = yield* outlier(1, { after: 1, when: () => false })
      yield* fail("0", 3)
      assert.strictEqual(yield* status(0), "Available")
      const other = yield* outlier(1, { after: 1, rest: "1 second" })
      yield* Effect.exit(other.pool.with(() => Effect.interrupt))
      assert.strictEqual(yield* other.status(0), "Available")
      yield* other.fail("0")
      assert.strictEqual(yield* other.status(0), "Dormant")
    }))

  it.effect("that is shared is on trial when it comes back: one lease at a time, until a success", () =>
    Effect.gen(function*() {
      const pool = yield* make<string>({ objects: ["a"], sharing: 3, judge: Verdict.outlier({ after: 1 }) })
      const tries = () => Effect.map(Effect.exit(hold(pool.tryBorrow)), Exit.isSuccess)
      yield* Effect.exit(pool.with(failing))
      yield* TestClock.adjust("30 seconds")
      const trial = yield* hold(pool.borrow)
      assert.isFalse(yield* tries())
      yield* trial.release
      assert.deepStrictEqual([yield* tries(), yield* tries()], [true, true])
    }))

  it.effect("keeps nothing of an object that has left", () =>
    Effect.gen(function*() {
      const judge = Verdict.outlier()
      const pool = yield* make({
        acquire: Effect.sync(() => ({})),
        lifetime: { maxBorrows: 1 },
        judge
      })
      const left = yield* Effect.forEach(
        [1, 2, 3],
        () => pool.with(({ object }) => Effect.succeed(new WeakRef(object)))
      )
      yield* TestClock.adjust(0)
      // what is weakly held stays until the end of a task
      for (let turns = 0; turns < 100 && left.some((ref) => ref.deref() !== undefined); turns++) {
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        collect()
      }
      assert.deepStrictEqual(left.map((ref) => ref.deref()), [undefined, undefined, undefined])
      assert.strictEqual((yield* pool.stats).totals.destroyed, 3)
      assert.isFunction(judge)
    }))

  it.effect("refuses options that make no sense by a message", () =>
    Effect.sync(() => {
      for (
        const options of [{ after: 0 }, { after: 1.5 }, { most: 0 }, { most: 2 }, { rest: -1 }, { when: 3 as never }, {
          x: 1
        }]
      ) {
        assert.throws(() => Verdict.outlier(options), /Verdict.outlier/)
      }
    }))
})

describe("failover", () => {
  const failOn = (broken: string, ran: Array<string>) => ({ object }: { readonly object: string }) => {
    ran.push(object)
    return broken.includes(object) ? Effect.fail(object) : Effect.succeed(object)
  }
  const pool = (objects: string, options: object = {}) =>
    make<string>({ objects: objects.split(""), select: Selector.roundRobin, borrowTimeout: "10 seconds", ...options })

  it.effect("runs the body again on others, under one lease at a time, never twice on one object, so often and no more", () =>
    Effect.gen(function*() {
      const keys = yield* pool("abcdef")
      let open = 0
      const ran: Array<string> = []
      const body = (lease: Lease<string>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => assert.strictEqual(open++, 0)),
          () => Effect.andThen(Effect.yieldNow, failOn("abcde", ran)(lease)),
          () => Effect.sync(() => open--)
        )
      assert.strictEqual(yield* Effect.flip(keys.with(body, { failover: 3 })), "d")
      assert.deepStrictEqual(ran, ["a", "b", "c", "d"])
      assert.strictEqual(yield* keys.with(body, { failover: 3 }), "f")
      assert.deepStrictEqual(ran.slice(4), ["e", "f"])
      ran.length = 0
      assert.strictEqual(yield* Effect.flip(keys.with(body, { failover: 0 })), "a")
      assert.strictEqual(ran.length, 1)
    }))

  it.effect("ends where there is no other object, with the last failure of the body", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const keys = yield* pool("abc")
      assert.strictEqual(yield* Effect.flip(keys.with(failOn("abc", ran), { failover: 9 })), "c")
      assert.deepStrictEqual(ran, ["a", "b", "c"])
      // the other is lent: it is waited for as long as a borrow may wait
      const two = yield* pool("ab")
      const other = yield* hold(two.borrowWith({ where: ({ object }) => object === "b" }))
      const waiting = yield* start(Effect.flip(two.with(failOn("ab", ran), { failover: 9, where: () => true })))
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(state(waiting), "waits")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(waiting), "a")
      yield* other.release
    }))

  it.effect("follows an expired lease, and no success by the verdict, no defect, and no interruption", () =>
    Effect.gen(function*() {
      const late = yield* pool("ab", { leaseTimeout: "1 second", onLeaseExpired: "return" })
      const ran: Array<string> = []
      const fiber = yield* start(late.with(({ object }) => {
        ran.push(object)
        return object === "a" ? Effect.never : Effect.succeed(object)
      }, { failover: 1 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "b")

      const judged = yield* pool("ab", { judge: () => "Available" })
      ran.length = 0
      assert.strictEqual(yield* Effect.flip(judged.with(failOn("ab", ran), { failover: 1 })), "a")
      const plain = yield* pool("ab")
      assert.include(String(yield* Effect.exit(plain.with(() => Effect.die("bug"), { failover: 1 }))), "bug")
      yield* Effect.exit(plain.with(({ object }) => {
        ran.push(object)
        return Effect.interrupt
      }, { failover: 1 }))
      assert.deepStrictEqual(ran, ["a", "b"])
    }))

  it.effect("goes on where a verdict says so, and obeys the `where` of the caller", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const keys = yield* pool("abc", { judge: () => Status.dormant("1 hour") })
      const exit = yield* Effect.flip(
        keys.with(failOn("abc", ran), { failover: 5, where: ({ object }) => object !== "b" })
      )
      assert.deepStrictEqual([exit, ran], ["c", ["a", "c"]])
      assert.deepStrictEqual(yield* statuses(keys), ["Dormant", "Available", "Dormant"])
    }))

  it.effect("that is no whole number is a defect that names it", () =>
    Effect.gen(function*() {
      const keys = yield* pool("a")
      for (const failover of [-1, 0.5, NaN, Infinity, "1" as never]) {
        assert.include(String(yield* Effect.exit(keys.with(() => Effect.void, { failover }))), "failover")
      }
    }))
})
