/**
 * The contract of a shared pool: what holds wherever its host is. Each test runs against each of the layers.
 */
import { assert, type it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Fence, type HostSettings, type SharedOptions, SharedPool, type SharedPoolClass } from "../../src/cluster.ts"

export const ApiKey = Schema.Struct({ key: Schema.String, region: Schema.String })
export type ApiKey = typeof ApiKey.Type

export class Refused extends Schema.TaggedError<Refused>()("Refused", { code: Schema.Int }) {}

const Weight = Schema.Struct({ weight: Schema.Finite })
const Region = Schema.Struct({ region: Schema.String })

export class Keys extends SharedPool.Service<Keys>()("app/Keys", {
  object: ApiKey,
  data: Weight,
  error: Refused,
  need: Region
}) {}

export type Options = SharedOptions<ApiKey, typeof Weight.Type, Refused, typeof Region.Type>

/** A pool whose borrowers are of classes. */
class Sessions extends SharedPool.Service<Sessions>()("app/Sessions", {
  object: Schema.String,
  classes: ["interactive", "batch"]
}) {}

/** Options of a pool whose callbacks need nothing. */
type Given<A, D, E, N, C extends string> =
  & SharedOptions<A, D, E, N, never, never, never, never, never, never, C>
  & HostSettings

/** What a flavour gives for any pool. */
type Layered = <Self, Id extends string, A, D, E, N, C extends string>(
  pool: SharedPoolClass<Self, Id, A, D, E, N, C>,
  options: Given<A, D, E, N, C>
) => Layer.Layer<Self>

export const usual = {
  data: { weight: 1 },
  meets: (pooled: { readonly object: ApiKey }, need: typeof Region.Type) => pooled.object.region === need.region,
  closing: { timeout: 0 }
}

export const keyOf = (name: string, region = "eu"): ApiKey => ({ key: `secret-${name}`, region })

export interface Flavour {
  readonly name: string
  /** A pool with those options, and whoever borrows from it. */
  readonly layer: Layered
  /** Lets time pass. */
  readonly elapse: (duration: Duration.Input) => Effect.Effect<void>
  /** Lets messages arrive. */
  readonly settle: Effect.Effect<void>
  readonly test: typeof it.effect
}

/** A borrower that holds what it has until it is told. */
const hold = <B, E, R>(borrow: Effect.Effect<B, E, R | Scope.Scope>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const lease = yield* Scope.provide(borrow, scope)
    return { lease, release: Scope.close(scope, Exit.void) }
  })

/** Lets time pass until so many wait. */
const waitsIn =
  <E, R>(stats: Effect.Effect<{ readonly waiting: number }, E, R>) => (many: number, settle: Effect.Effect<void>) =>
    Effect.repeat(Effect.andThen(settle, stats), { until: ({ waiting }) => waiting === many })
const waits = waitsIn(Keys.stats)

/** What a borrow fails with. On a machine that is held up, a host may answer too late: then it is asked again. */
const refusalOf = <A, E extends { readonly _tag: string }, R>(borrow: Effect.Effect<A, E, R>) =>
  Effect.repeat(Effect.flip(borrow), { until: ({ _tag }) => _tag !== "PoolUnavailable" })

const tagOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

export const contract = ({ elapse, layer, name, settle, test }: Flavour) => {
  const promise = <A, E>(
    title: string,
    options: Options & HostSettings,
    body: Effect.Effect<A, E, Keys | Scope.Scope>
  ) => test(`${name}: ${title}`, () => Effect.scoped(Effect.provide(body, layer(Keys, options))))

  const one = { ...usual, objects: [keyOf("a")] }

  promise(
    "a body has the object, its data, and a picture of its record without it",
    one,
    Effect.gen(function*() {
      const seen = yield* Keys.with((lease) =>
        Effect.succeed({ ...lease.pooled, object: lease.object, more: lease.data })
      )

      assert.deepStrictEqual(seen.object, keyOf("a"))
      assert.deepStrictEqual(seen.data, { weight: 1 })
      assert.deepStrictEqual(seen.more, { weight: 1 })
      assert.strictEqual(seen.status, "Borrowed")
      assert.strictEqual(seen.borrowCount, 1)
    })
  )

  promise(
    "an object has one holder, and whoever waits is served in order of arrival",
    one,
    Effect.gen(function*() {
      const order: Array<number> = []
      let holders = 0
      const borrower = (n: number) =>
        Keys.with(() =>
          Effect.gen(function*() {
            assert.strictEqual(++holders, 1)
            order.push(n)
            yield* settle
            holders--
          })
        )

      yield* Effect.forEach([1, 2, 3, 4, 5], borrower, { concurrency: "unbounded", discard: true })

      assert.deepStrictEqual(order, [1, 2, 3, 4, 5])
    })
  )

  promise(
    "a lease in a scope goes back as the scope closes, or before, and once",
    one,
    Effect.gen(function*() {
      const first = yield* hold(Keys.borrow)
      assert.strictEqual((yield* Keys.stats).leases, 1)
      yield* first.lease.release
      const second = yield* hold(Keys.borrow)

      yield* first.lease.release
      yield* first.release

      assert.strictEqual((yield* Keys.stats).leases, 1)
      yield* second.release
      assert.strictEqual((yield* Keys.stats).leases, 0)
    })
  )

  promise(
    "fences grow",
    { ...usual, objects: [keyOf("a"), keyOf("b")] },
    Effect.gen(function*() {
      const fences = yield* Effect.forEach([1, 2, 3, 4], () => Keys.with((lease) => Effect.succeed(lease.fence)))

      for (const [n, fence] of fences.entries()) {
        if (n > 0) assert.strictEqual(Fence.compare(fences[n - 1]!, fence), -1)
      }
    })
  )

  promise(
    "whoever does not queue is told at once that nothing is free",
    one,
    Effect.gen(function*() {
      yield* Keys.borrow

      const error = yield* Effect.flip(Keys.tryBorrow)

      assert.strictEqual(error._tag === "PoolExhausted" && error.reason, "NoneAvailable")
    })
  )

  promise(
    "nobody waits longer than his deadline",
    one,
    Effect.gen(function*() {
      yield* Keys.borrow
      const waiting = yield* Effect.forkChild(refusalOf(Keys.borrowWith({ timeout: "200 millis" })), {
        startImmediately: true
      })
      yield* settle

      yield* elapse("200 millis")

      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag, "BorrowTimeout")
      assert.isAtLeast(error._tag === "BorrowTimeout" ? Duration.toMillis(error.waited) : 0, 195)
      assert.strictEqual((yield* Keys.stats).waiting, 0)
    })
  )

  promise(
    "what `acquire` fails with is the borrower's, as it is",
    { ...usual, acquire: Effect.fail(new Refused({ code: 403 })) },
    Effect.gen(function*() {
      const error = yield* Effect.flip(Keys.with(() => Effect.void))

      assert.isTrue(error instanceof Refused)
      assert.strictEqual(error._tag === "Refused" && error.code, 403)
    })
  )

  promise(
    "an `acquire` that dies is a defect of the borrower",
    { ...usual, acquire: Effect.die(new Error("no vault")) },
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Keys.with(() => Effect.void))

      assert.isTrue(Exit.hasDies(exit))
    })
  )

  promise(
    "a need is met by an object that the host says meets it",
    { ...usual, objects: [keyOf("a"), keyOf("b", "us"), keyOf("c")] },
    Effect.gen(function*() {
      const us = yield* hold(Keys.borrowWith({ need: { region: "us" } }))
      assert.strictEqual(us.lease.object.key, "secret-b")
      const waiting = yield* Effect.forkChild(
        Effect.scoped(Keys.borrowWith({ need: { region: "us" } })),
        { startImmediately: true }
      )
      yield* waits(1, settle)

      yield* us.release

      assert.strictEqual((yield* Fiber.join(waiting)).object.key, "secret-b")
    })
  )

  promise(
    "a higher priority goes first",
    one,
    Effect.gen(function*() {
      const first = yield* hold(Keys.borrow)
      const order: Array<string> = []
      const wait = (priority: number) =>
        Effect.forkChild(
          Effect.scoped(Effect.tap(Keys.borrowWith({ priority }), () => Effect.sync(() => order.push(`${priority}`)))),
          { startImmediately: true }
        )
      const low = yield* wait(0)
      yield* waits(1, settle)
      const high = yield* wait(5)
      yield* waits(2, settle)

      yield* first.release
      yield* Fiber.join(low)
      yield* Fiber.join(high)

      assert.deepStrictEqual(order, ["5", "0"])
    })
  )

  promise(
    "a waiter that is interrupted gives its turn to the next",
    one,
    Effect.gen(function*() {
      const first = yield* hold(Keys.borrow)
      const leaves = yield* Effect.forkChild(Effect.scoped(Keys.borrow), { startImmediately: true })
      yield* waits(1, settle)
      const stays = yield* Effect.forkChild(Effect.scoped(Keys.borrow), { startImmediately: true })
      yield* waits(2, settle)

      yield* Fiber.interrupt(leaves)
      yield* first.release
      yield* Fiber.join(stays)

      assert.strictEqual((yield* Keys.stats).leases, 0)
      assert.strictEqual((yield* Keys.stats).waiting, 0)
    })
  )

  promise(
    "an object that its borrower condemns leaves the pool",
    one,
    Effect.gen(function*() {
      yield* Keys.with((lease) => lease.invalidate)

      assert.strictEqual((yield* Keys.stats).size, 0)
    })
  )

  promise(
    "an object rests as its borrower says, and is woken",
    one,
    Effect.gen(function*() {
      yield* Keys.with((lease) => lease.rest("1 hour"))
      assert.strictEqual((yield* Keys.stats).dormant, 1)
      const [picture] = yield* Keys.objects
      assert.isDefined(picture!.wakesAt)

      assert.isTrue(yield* Keys.wake(picture!))

      assert.strictEqual((yield* Keys.stats).available, 1)
      assert.isTrue(yield* Keys.rest(keyOf("a"), "1 minute"))
      assert.isFalse(yield* Keys.rest(keyOf("x"), "1 minute"))
      assert.strictEqual((yield* Keys.stats).dormant, 1)
    })
  )

  promise(
    "a body whose lease expires is interrupted, and the next has the object",
    one,
    Effect.gen(function*() {
      const ended = yield* Deferred.make<void>()
      let hasBegun = false
      const late = Keys.with(() => {
        hasBegun = true
        return Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined))
      }, { leaseTimeout: "200 millis" })
      const fiber = yield* Effect.forkChild(Effect.flip(late), { startImmediately: true })
      yield* settle
      const next = yield* Effect.forkChild(Keys.with((lease) => Effect.succeed(lease.object)), {
        startImmediately: true
      })
      yield* settle

      yield* elapse("250 millis")

      const error = yield* Fiber.join(fiber)
      assert.strictEqual(error._tag === "LeaseExpired" && error.reason, "Expired")
      // on a machine that is held up, the lease may be over before its body begins
      if (hasBegun) yield* Deferred.await(ended)
      assert.deepStrictEqual(yield* Fiber.join(next), keyOf("a"))
    })
  )

  promise(
    "a lease that is renewed lasts anew",
    one,
    Effect.gen(function*() {
      const { lease } = yield* hold(Keys.borrowWith({ leaseTimeout: "3 seconds" }))
      const ends = () => DateTime.toEpochMillis(lease.expiresAt!)
      const first = ends()
      yield* elapse("200 millis")

      yield* lease.renew

      assert.isAtLeast(ends() - first, 195)
      assert.strictEqual((yield* Keys.stats).leases, 1)
      const over = yield* Effect.forkChild(Effect.flip(lease.expired), { startImmediately: true })
      yield* elapse("3 seconds")
      assert.strictEqual((yield* Fiber.join(over)).reason, "Expired")
      assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Expired")
    })
  )

  promise(
    "a detached object is its borrower's, and its room is free",
    { ...usual, acquire: Effect.succeed(keyOf("a")), size: { max: 1 } },
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const lease = yield* Keys.borrow
        assert.deepStrictEqual(yield* lease.detach, keyOf("a"))
        assert.strictEqual((yield* Effect.flip(lease.renew)).reason, "Released")

        yield* Keys.with(() => Effect.void)
        assert.strictEqual((yield* Keys.stats).size, 1)
      }))
    })
  )

  promise(
    "objects are added, found by what they are, and taken out",
    { ...usual, objects: [] },
    Effect.gen(function*() {
      const added = yield* Keys.add(keyOf("a"), { data: { weight: 7 } })
      assert.strictEqual(added.status, "Available")
      assert.deepStrictEqual(added.data, { weight: 7 })
      assert.strictEqual(yield* tagOf(Keys.add(keyOf("a"))), "DuplicateObject")
      assert.strictEqual(yield* tagOf(Keys.addAll([keyOf("b"), keyOf("b")])), "DuplicateObject")
      assert.strictEqual((yield* Keys.addAll([keyOf("b"), keyOf("c")])).length, 2)

      assert.isTrue(yield* Keys.remove(keyOf("b")))
      assert.isFalse(yield* Keys.remove(keyOf("b")))
      assert.isTrue(yield* Keys.remove(added))

      assert.deepStrictEqual(yield* Keys.with((lease) => Effect.succeed(lease.object)), keyOf("c"))
      assert.strictEqual((yield* Keys.objects).length, 1)
    })
  )

  promise(
    "whoever looks on sees who holds what, and no object",
    one,
    Effect.gen(function*() {
      const { lease } = yield* hold(Keys.borrow)

      const [held] = yield* Keys.leases
      const objects = yield* Keys.objects

      assert.strictEqual(held!.id, lease.id)
      assert.strictEqual(held!.objectId, lease.pooled.id)
      assert.deepStrictEqual(held!.fence, lease.fence)
      assert.deepStrictEqual([objects[0]!.status, objects[0]!.leases], ["Borrowed", 1])
      assert.notInclude(JSON.stringify([held, objects]), "secret")
    })
  )

  promise(
    "what happens is told in its order, without objects",
    one,
    Effect.gen(function*() {
      const events: Array<string> = []
      const watching = yield* Effect.forkChild(
        Stream.runForEach(Keys.events, (event) =>
          Effect.sync(() => {
            assert.notInclude(JSON.stringify(event), "secret")
            events.push(event._tag)
          })),
        { startImmediately: true }
      )
      yield* settle

      // whoever asks to be told hears of what comes after that has arrived
      yield* Effect.repeat(Effect.andThen(Keys.with(() => Effect.void), settle), {
        until: () => events.lastIndexOf("Released") > events.indexOf("Borrowed") && events.includes("Borrowed")
      })
      const lent = events.filter((tag) => tag === "Borrowed" || tag === "Released")
      for (const [i, tag] of lent.entries()) assert.notStrictEqual(tag, lent[i - 1], "one ends before the next begins")
      yield* Fiber.interrupt(watching)
    })
  )

  promise(
    "a suspended pool lends nothing until it resumes, and a drained one has everything back",
    one,
    Effect.gen(function*() {
      const { release } = yield* hold(Keys.borrow)
      const drained = yield* Effect.forkChild(Keys.drain, { startImmediately: true })
      yield* settle
      assert.strictEqual(yield* tagOf(Keys.tryBorrow), "PoolExhausted")
      yield* release
      yield* Fiber.join(drained)
      const waiting = yield* Effect.forkChild(Keys.with(() => Effect.void), { startImmediately: true })
      yield* waits(1, settle)

      yield* Keys.resume

      yield* Fiber.join(waiting)
    })
  )

  promise(
    "a pool is resized, rotated and detected",
    { ...usual, acquire: Effect.succeed(keyOf("a")), size: { max: 1 } },
    Effect.gen(function*() {
      yield* Keys.with(() => Effect.void)
      yield* Keys.resize({ max: 3, min: 2 })
      yield* settle
      assert.strictEqual((yield* Keys.stats).max, 3)
      assert.strictEqual(yield* tagOf(Keys.resize({ min: 9 })), "InvalidPoolOptions")
      yield* Keys.rotate
      yield* Keys.detect

      assert.isAbove((yield* Keys.stats).totals.destroyed, 0)
    })
  )

  promise(
    "a lease takes of its object's allowances, and may be charged more",
    { ...usual, objects: [keyOf("a")], allowance: { limit: 100, per: "1 hour", unit: "cost" } },
    Effect.gen(function*() {
      const { lease, release } = yield* hold(Keys.borrowWith({ cost: 10 }))
      yield* lease.charge(5)
      assert.strictEqual((yield* Keys.objects)[0]!.allowances[0]!.left, 85)
      yield* lease.report({ remaining: 3 })
      yield* release

      assert.strictEqual((yield* Keys.objects)[0]!.allowances[0]!.left, 3)
    })
  )

  promise(
    "nonsense is a defect of its caller, and names what is wrong",
    one,
    Effect.gen(function*() {
      for (
        const options of [{ timeout: -1 }, { priority: NaN }, { cost: -2 }, { affinity: 3 as never }, {
          leaseTimeout: 0
        }]
      ) {
        const exit = yield* Effect.exit(Effect.scoped(Keys.borrowWith(options)))
        assert.include(String(exit), Object.keys(options)[0]!)
      }
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Keys.rest(keyOf("a"), NaN))))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(Keys.with((lease) => lease.rest(-1)))))

      yield* Keys.with(() => Effect.void)
    })
  )

  const classed = <A, E>(
    title: string,
    options: Given<string, undefined, never, never, "interactive" | "batch">,
    body: Effect.Effect<A, E, Sessions | Scope.Scope>
  ) =>
    test(`${name}: ${title}`, () =>
      Effect.scoped(Effect.provide(body, layer(Sessions, { closing: { timeout: 0 }, ...options }))))

  classed(
    "a class has no more leases than its `most`; others are served beside it, and its own when one has come back",
    { objects: ["a", "b", "c"], classes: { interactive: {}, batch: { most: 1 } } },
    Effect.gen(function*() {
      const first = yield* hold(Sessions.borrowWith({ class: "batch" }))
      const waiting = yield* Effect.forkChild(hold(Sessions.borrowWith({ class: "batch" })), {
        startImmediately: true
      })
      yield* waitsIn(Sessions.stats)(1, settle)

      yield* Sessions.with(() => Effect.void, { class: "interactive" })
      yield* Sessions.with(() => Effect.void)
      const { classes } = yield* Sessions.stats
      assert.deepInclude(classes?.["batch"], { leases: 1, waiting: 1, most: 1 })
      assert.strictEqual(classes?.["interactive"]?.totals.borrowed, 1)

      yield* first.release
      const second = yield* Fiber.join(waiting)
      assert.deepInclude((yield* Sessions.stats).classes?.["batch"], { leases: 1, waiting: 0 })
      yield* second.release
    })
  )

  classed(
    "a class finds what it has in reserve, and who waits for that long enough is told his class",
    { objects: ["a", "b"], classes: { interactive: { reserve: 1 }, batch: {} } },
    Effect.gen(function*() {
      yield* Sessions.borrowWith({ class: "batch" })
      const late = yield* Effect.forkChild(
        refusalOf(Effect.scoped(Sessions.borrowWith({ class: "batch", timeout: "200 millis" }))),
        { startImmediately: true }
      )
      yield* settle

      yield* elapse("200 millis")

      const error = yield* Fiber.join(late)
      assert.strictEqual(error._tag === "BorrowTimeout" && error.class, "batch")
      assert.include(error.message, "class \"batch\": 1 lease")
      yield* Sessions.borrowWith({ class: "interactive" })
      const held = yield* Sessions.leases
      assert.deepStrictEqual(held.map((lease) => lease.class), ["batch", "interactive"])
    })
  )

  classed(
    "whom the reserves of other classes leave nothing is refused at once, and told his class",
    { objects: ["a", "b"], size: { max: 2 }, classes: { interactive: { reserve: 2 }, batch: {} } },
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(Sessions.borrowWith({ class: "batch" })))

      assert.deepStrictEqual(error._tag === "PoolExhausted" && [error.reason, error.class], ["NoRoom", "batch"])
      yield* Effect.scoped(Sessions.borrowWith({ class: "interactive" }))
    })
  )

  classed(
    "a class that was not declared is a defect of its caller, and says which there are",
    { objects: ["a"], classes: { interactive: {}, batch: {} } },
    Effect.gen(function*() {
      for (const name of ["bacth", "", 3]) {
        const exit = yield* Effect.exit(Effect.scoped(Sessions.borrowWith({ class: name as "batch" })))
        assert.isTrue(Exit.hasDies(exit))
        assert.include(String(exit), "class")
        assert.include(String(exit), "\"interactive\" or \"batch\"")
      }
      assert.strictEqual((yield* Sessions.stats).leases, 0)
      yield* Sessions.with(() => Effect.void, { class: "batch" })
    })
  )

  promise(
    "a class is a defect of its caller where the pool has none",
    one,
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.scoped(Keys.borrowWith({ class: "batch" as never })))

      assert.isTrue(Exit.hasDies(exit))
      assert.include(String(exit), "the pool has no classes")
      yield* Keys.with(() => Effect.void)
    })
  )
}
