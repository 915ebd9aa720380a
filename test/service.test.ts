import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import {
  type Lease,
  type ObjectPool,
  type Operations,
  PoolClosed,
  type PooledObject,
  PoolService,
  type PoolStats
} from "../src/index.ts"
import { start } from "./support/borrowers.ts"
import { scripted, type Thing } from "./support/scripted.ts"

const connect = (name: string) => Effect.succeed({ name })
interface Connection {
  readonly name: string
}

class Connections extends PoolService<Connections, Connection>()("app/Connections") {}
class Sessions extends PoolService<Sessions>()("app/Sessions", { objects: ["s1", "s2"], maxWaiters: 0 }) {}

class Names extends Context.Service<Names, { readonly next: Effect.Effect<string> }>()("test/Names") {}
class Prefix extends Context.Service<Prefix, string>()("test/Prefix") {}

const names = () => {
  let n = 0
  return Layer.succeed(Names, { next: Effect.sync(() => `name ${++n}`) })
}

describe("both forms", () => {
  it.effect("a tag declared by its interface gets its layer later", () =>
    Effect.gen(function*() {
      const layer = Connections.layer({ acquire: connect("a") })

      const name = yield* Effect.provide(Connections.with((lease) => Effect.succeed(lease.object.name)), layer)

      assert.strictEqual(name, "a")
    }))

  it.effect("a tag declared by its options has its layer", () =>
    Effect.gen(function*() {
      const both = Effect.scoped(Effect.all([Sessions.borrow, Sessions.borrow]))

      const leases = yield* Effect.provide(both, Sessions.layer)

      assert.deepStrictEqual(leases.map(({ object }) => object).sort(), ["s1", "s2"])
    }))

  it.effect("the tag is the pool, named by the tag's id", () =>
    Effect.gen(function*() {
      const pool = yield* Sessions
      const service = yield* Sessions.use((it) => Effect.succeed(it))

      assert.strictEqual(pool, service)
      assert.strictEqual(pool.name, "app/Sessions")
      assert.strictEqual((yield* Sessions.stats).size, 2)
    }).pipe(Effect.provide(Sessions.layer)))

  it.effect("errors carry the tag's id", () =>
    Effect.gen(function*() {
      yield* Sessions.close

      const failure = yield* Effect.flip(Sessions.with(() => Effect.void))

      assert.instanceOf(failure, PoolClosed)
      assert.strictEqual(failure.pool, "app/Sessions")
      assert.include(failure.message, "app/Sessions")
    }).pipe(Effect.provide(Sessions.layer)))

  it.effect("a subclass may have statics of its own", () =>
    Effect.gen(function*() {
      class Own extends PoolService<Own, Connection>()("app/Own") {
        static readonly live = this.layer({ acquire: connect("live") })
        static readonly first = this.with((lease) => Effect.succeed(lease.object.name))
      }

      assert.strictEqual(yield* Effect.provide(Own.first, Own.live), "live")
    }))

  it.effect("two tags stand side by side", () =>
    Effect.gen(function*() {
      const [connection] = yield* Effect.all([Connections.borrow, Sessions.borrow])

      assert.strictEqual(connection.object.name, "c")
      assert.deepInclude(yield* Connections.stats, { size: 1, borrowed: 1 })
      assert.deepInclude(yield* Sessions.stats, { size: 2, borrowed: 1, available: 1 })
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(Connections.layer({ acquire: connect("c") }), Sessions.layer))
    ))
})

describe("accessors", () => {
  it.effect("every operation of the pool is on the tag, and does what it does on the pool", () =>
    Effect.gen(function*() {
      const a = { name: "a" }
      const b = { name: "b" }
      const pool = yield* Connections
      const record = yield* Connections.add(a, { leaseTimeout: "1 minute" })
      const records = yield* Connections.addAll([b])
      assert.deepStrictEqual(yield* Connections.objects, [record, ...records])

      const lease = yield* Connections.borrowWith({ where: ({ object }) => object === a })
      const other = yield* Connections.borrow
      assert.deepStrictEqual([lease.object, other.object], [a, b])
      assert.deepStrictEqual(yield* Connections.leases, [lease, other])
      yield* other.release
      assert.strictEqual((yield* Connections.tryBorrow).object, b)
      assert.strictEqual(
        yield* Effect.flip(Connections.tryBorrowWith({})).pipe(Effect.map((failure) => failure._tag)),
        "PoolExhausted"
      )
      assert.strictEqual(
        yield* Effect.flip(Connections.with(() => Effect.void, { timeout: 0 })).pipe(
          Effect.map((failure) => failure._tag)
        ),
        "BorrowTimeout"
      )
      assert.isTrue(yield* Connections.rest(a, "1 hour"))
      yield* lease.release
      assert.strictEqual(record.status, "Dormant")
      assert.isTrue(yield* Connections.wake(record))
      yield* Connections.detect
      assert.isTrue(yield* Connections.remove(a))
      assert.deepStrictEqual(yield* Connections.stats, yield* pool.stats)
      yield* Connections.close
      assert.strictEqual((yield* Effect.flip(Connections.detect))._tag, "PoolClosed")
    }).pipe(Effect.scoped, Effect.provide(Connections.layer({ objects: [] }))))

  it.effect("no operation is missing on the tag", () =>
    Effect.gen(function*() {
      const pool = yield* Sessions

      const operations = Object.keys(pool).filter((key) => key !== "name")

      assert.isAtLeast(operations.length, 14)
      for (const operation of operations) assert.property(Sessions, operation)
    }).pipe(Effect.provide(Sessions.layer)))

  it.effect("accessors reach whichever pool is provided where they run", () =>
    Effect.gen(function*() {
      const name = Connections.with((lease) => Effect.succeed(lease.object.name))
      const outer = Connections.layer({ acquire: connect("outer") })
      const inner = Connections.layer({ acquire: connect("inner") })

      const both = yield* Effect.provide(Effect.all([name, Effect.provide(name, inner), name]), outer)

      assert.deepStrictEqual(both, ["outer", "inner", "outer"])
    }))

  it.effect("an accessor without its layer is a defect that names the tag", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Connections.stats as Effect.Effect<PoolStats>)

      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(Exit.isFailure(exit) ? exit.cause.reasons.map(String).join() : ""), "app/Connections")
    }))
})

describe("the layer", () => {
  it.effect("closing the layer's scope closes the pool", () =>
    Effect.gen(function*() {
      class Things extends PoolService<Things, Thing>()("app/Things") {}
      const script = scripted()
      const scope = yield* Scope.make()
      const acquire = Effect.orDie(script.acquire)
      const context = yield* Layer.buildWithScope(Things.layer({ acquire, size: { min: 2 } }), scope)
      const pool = Context.get(context, Things)

      yield* Scope.close(scope, Exit.void)

      assert.instanceOf(yield* Effect.flip(pool.borrow), PoolClosed)
      assert.deepStrictEqual(script.things.map((thing) => thing.destroyed), [1, 1])
    }).pipe(Effect.scoped))

  it.effect("one layer value is one pool, however often it is provided within", () =>
    Effect.gen(function*() {
      const layer = Connections.layer({ acquire: connect("a") })
      const pool = Effect.map(Connections, (it) => it)

      const [one, two] = yield* Effect.provide(Effect.all([pool, Effect.provide(pool, layer)]), layer)

      assert.strictEqual(one, two)
    }))

  it.effect("each call of layer is a pool of its own", () =>
    Effect.gen(function*() {
      const build = Effect.provide(
        Effect.map(Connections, (it) => it),
        Connections.layer({ acquire: connect("a") })
      )

      assert.notStrictEqual(yield* build, yield* build)
    }))

  it.effect("a double in tests needs only what the test uses", () =>
    Effect.gen(function*() {
      const fake = { object: { name: "fake" } } as Lease<Connection>
      const double = Layer.mock(Connections, { name: "double", borrow: Effect.succeed(fake) })

      const name = yield* Effect.map(Connections.borrow, (lease) => lease.object.name).pipe(
        Effect.scoped,
        Effect.provide(double)
      )
      const unimplemented = yield* Effect.exit(Effect.provide(Connections.stats, double))

      assert.strictEqual(name, "fake")
      assert.isTrue(Exit.isFailure(unimplemented))
    }))

  it.effect("a pool made by hand may stand in for the layer's", () =>
    Effect.gen(function*() {
      const other: ObjectPool<Connection> = yield* Effect.provide(
        Effect.map(Connections, (it) => it),
        Layer.succeed(
          Connections,
          yield* Layer.build(Connections.layer({ objects: [{ name: "x" }] })).pipe(
            Effect.map((context) => Context.get(context, Connections))
          )
        )
      )

      const name = yield* other.with((lease) => Effect.succeed(lease.object.name))

      assert.strictEqual(name, "x")
    }))
})

describe("requirements", () => {
  class Keys extends PoolService<Keys, string, { pack: string }>()("app/Keys") {}

  it.effect("acquire, detectStatus, pack and select use the services of the layer", () =>
    Effect.gen(function*() {
      const used: Array<string> = []
      const note = (what: string) => Effect.map(Prefix, (prefix) => used.push(`${prefix} ${what}`))
      const layer = Keys.layer({
        acquire: Effect.tap(Effect.flatMap(Names, ({ next }) => next), () => note("acquire")),
        detectStatus: () => Effect.as(note("detect"), "Available" as const),
        select: ([first]: ReadonlyArray<PooledObject<string>>) => Effect.as(note("select"), first),
        pack: (lease) => Effect.as(note("pack"), lease.object)
      })
      const program = Effect.scoped(Effect.andThen(Keys.borrow, Keys.with((key) => Effect.succeed(key))))

      const key = yield* program.pipe(
        Effect.provideService(Prefix, "borrower's"),
        Effect.provide(Layer.provide(layer, [names(), Layer.succeed(Prefix, "layer's")]))
      )

      assert.include(key, "name")
      assert.isTrue(used.every((line) => line.startsWith("layer's")), used.join(", "))
      for (const what of ["acquire", "detect", "pack"]) assert.include(used, `layer's ${what}`)
    }))

  it.effect("a pack sees the services of its borrower where the pool has none of the kind", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const layer = Keys.layer({
        objects: ["a"],
        pack: (lease) =>
          Effect.withFiber((fiber) => {
            seen.push(Context.getOrElse(fiber.context as Context.Context<Prefix>, Prefix, () => "none"))
            return Effect.succeed(lease.object)
          })
      })

      yield* Effect.provideService(Keys.with(() => Effect.void), Prefix, "borrower's").pipe(Effect.provide(layer))

      assert.deepStrictEqual(seen, ["borrower's"])
    }))

  it.effect("the release of an added object runs with the services of who added it", () =>
    Effect.gen(function*() {
      const released: Array<string> = []
      const release = (object: string) => Effect.map(Prefix, (prefix) => void released.push(`${prefix} ${object}`))

      yield* Effect.gen(function*() {
        yield* Effect.provideService(Sessions.add("one", { release }), Prefix, "first")
        yield* Effect.provideService(Sessions.add("two", { release }), Prefix, "second")
        yield* Effect.provideService(Sessions.remove("one"), Prefix, "remover")
        yield* TestClock.adjust(0)
      }).pipe(Effect.provide(Sessions.layer))

      assert.deepStrictEqual(released.sort(), ["first one", "second two"])
    }))

  it.effect("what acquire adds to its scope is closed when the object is destroyed, in reverse order", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const part = (name: string) =>
        Effect.acquireRelease(
          Effect.sync(() => events.push(`open ${name}`)),
          () => Effect.sync(() => events.push(`close ${name}`))
        )
      const layer = Connections.layer({
        acquire: Effect.as(Effect.andThen(part("socket"), part("session")), { name: "a" })
      })

      yield* Effect.provide(Connections.with((lease) => lease.invalidate), layer)

      assert.deepStrictEqual(events, ["open socket", "open session", "close session", "close socket"])
    }))

  it.effect("a pool outlives the fiber that built it, and the scope of the borrower that had an object made", () =>
    Effect.gen(function*() {
      const script = scripted()
      class Things extends PoolService<Things, Thing>()("app/Things") {}
      const context = yield* Layer.build(Things.layer({ acquire: Effect.orDie(script.acquire) }))
      const pool = Context.get(context, Things)

      yield* start(pool.with(() => Effect.void))
      yield* TestClock.adjust("1 hour")

      assert.strictEqual(script.things[0]!.destroyed, 0)
      assert.deepInclude(yield* pool.stats, { size: 1, available: 1 })
    }))

  it("the accessors have the types of the operations", () => {
    const accessors: Operations<Sessions, string, undefined, never, Lease<string>> = Sessions

    assert.isDefined(accessors.borrow)
  })
})
