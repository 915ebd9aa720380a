/** The program of `objectPoolAsync.after.ts` with Effect, and the same names, one after another. */
import { Console, Effect, Fiber, type Scope } from "effect"
import { ObjectPool, PoolService, Selector, Status } from "../../src/index.ts"

class Key {
  alive = true
  asked = 0
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  readonly ask = (question: string) => Effect.succeed(`${question}: answered`)
  readonly ping = Effect.sync(() => {
    this.asked++
    return this.alive
  })
}
const keys = (names: string) => names.split("").map((name) => new Key(name))

class Keys extends PoolService<Keys, Key>()("app/Keys") {}

const KeysLayer = Keys.layer({
  detectStatus: ({ object }) => Effect.map(object.ping, (alive) => alive ? "Available" : "Invalid"),
  detection: { concurrency: 4 }
})

const program = Effect.gen(function*() {
  for (const key of keys("abc")) yield* Keys.add(key)
  yield* Effect.scoped(Effect.gen(function*() {
    const lease = yield* Keys.borrowWith({ leaseTimeout: "3 seconds" })
    yield* Console.log(yield* lease.object.ask("one"))
  }))
  yield* Keys.detect
  yield* Console.log((yield* Keys.stats).size, "keys")
})

/** The tag of a failure. */
const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onSuccess: () => "none", onFailure: ({ _tag }) => _tag })

/** The status of an object; none where it is not in the pool. */
const statusOf = (pool: ObjectPool<Key>, key: Key) => Effect.map(pool.get(key), (pooled) => pooled?.status)

const nameOf = (pool: ObjectPool<Key>) => pool.with(({ object }) => Effect.succeed(object.name))

const rows: Record<string, () => Effect.Effect<unknown, unknown, Scope.Scope>> = {
  "Status": () => Effect.succeed(Object.keys(Status.transitions)),

  "detect_status": Effect.fnUntraced(function*() {
    const [a, b, c] = keys("abc") as [Key, Key, Key]
    b.alive = false
    const pool = yield* ObjectPool.make<Key>({
      objects: [a, b, c],
      // plainly or with an effect; it may also say how long an object rests
      detectStatus: ({ object }) => object === c ? Status.dormant("1 minute") : object.alive ? "Available" : "Invalid"
    })
    return yield* Effect.forEach([a, b, c], (key) => statusOf(pool, key))
  }),

  // only the one that is picked; and not where it was asked a moment ago: by default, half a second
  "detect_status at a borrow": Effect.fnUntraced(function*() {
    const objects = keys("ab")
    const pool = yield* ObjectPool.make<Key>({
      objects,
      detectStatus: ({ object }) => Effect.map(object.ping, (alive) => alive ? "Available" : "Invalid"),
      select: Selector.roundRobin,
      detection: { onAdd: false, onBorrow: { trustFor: "1 minute" } }
    })
    for (let i = 0; i < 3; i++) yield* nameOf(pool)
    return objects.map(({ asked }) => asked)
  }),

  "select_object": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make<Key>({
      objects: keys("ab"),
      select: (available) => Effect.succeed(available.at(-1))
    })
    return yield* nameOf(pool)
  }),

  "round robin, weighted": Effect.fnUntraced(function*() {
    const ring = yield* ObjectPool.make({ objects: keys("ab"), select: Selector.roundRobin })
    const weighted = yield* ObjectPool.make({
      objects: keys("ab"),
      select: { weight: ({ object }) => object.name === "b" ? 1 : 0 }
    })
    return yield* Effect.forEach([ring, ring, ring, ring, weighted, weighted], nameOf)
  }),

  "wrapper": Effect.fnUntraced(function*() {
    class Wrapper {
      readonly label: string
      constructor({ name }: Key) {
        this.label = name.toUpperCase()
      }
    }
    const pool = yield* ObjectPool.make({ objects: keys("a"), data: (key) => new Wrapper(key) })
    return (yield* pool.objects)[0]?.data.label
  }),

  // the data of `add` is laid over the pool's
  "wrapping_data": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make<Key, { used?: number; note?: string }>({ data: { used: 0 } })
    const [a, b] = keys("ab") as [Key, Key]
    return JSON.stringify([
      (yield* pool.add(a)).data,
      (yield* pool.add(b, { data: { note: "its own" } })).data
    ])
  }),

  "packer": Effect.fnUntraced(function*() {
    const ends: Array<string> = []
    const pool = yield* ObjectPool.make({
      objects: keys("a"),
      pack: ({ object }) =>
        Effect.acquireRelease(
          Effect.succeed(`packed ${object.name}`),
          (packed) => Effect.sync(() => ends.push(`un${packed}`))
        )
    })
    return [yield* pool.with((packed) => Effect.succeed(packed)), ...ends]
  }),

  "object_factory": Effect.fnUntraced(function*() {
    const ended: Array<string> = []
    const pool = yield* ObjectPool.make({
      acquire: Effect.acquireRelease(
        Effect.sync(() => new Key("made")),
        ({ name }) => Effect.sync(() => ended.push(name))
      )
    })
    const name = yield* nameOf(pool)
    yield* pool.close
    return [name, ...ended]
  }),

  "async_concurrency": Effect.fnUntraced(function*() {
    let running = 0
    let most = 0
    const pool = yield* ObjectPool.make<Key>({
      detectStatus: Effect.fnUntraced(function*() {
        most = Math.max(most, ++running)
        yield* Effect.sleep(1)
        running--
        return "Available" as const
      }),
      detection: { concurrency: 2 }
    })
    yield* pool.addAll(keys("abcdef"))
    return most
  }),

  // what is in the pool is not overwritten; but equal primitives are objects of their own
  "add": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make<Key | string>({})
    const key = new Key("a")
    yield* pool.add(key)
    const twice = yield* failure(pool.add(key))
    yield* pool.addAll(["b", "b"])
    return [twice, (yield* pool.stats).size]
  }),

  // a lent one leaves when it comes back
  "remove, discard": Effect.fnUntraced(function*() {
    const [a, b] = keys("ab") as [Key, Key]
    const pool = yield* ObjectPool.make({ objects: [a, b] })
    const lease = yield* pool.borrowWith({ where: ({ object }) => object === b })
    const answers = [
      yield* pool.remove(a),
      yield* statusOf(pool, a),
      yield* pool.remove(b),
      yield* statusOf(pool, b)
    ]
    yield* lease.release
    return [...answers, yield* statusOf(pool, b)].map(String)
  }),

  // a pool goes on, empty; `close` is its end
  "clear": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("ab") })
    for (const pooled of yield* pool.objects) yield* pool.remove(pooled)
    yield* pool.add(new Key("c"))
    const { size } = yield* pool.stats
    yield* pool.close
    return [size, yield* failure(pool.add(new Key("d")))]
  }),

  "update_status": Effect.fnUntraced(function*() {
    const [a, b] = keys("ab") as [Key, Key]
    const pool = yield* ObjectPool.make({
      objects: [a, b],
      detectStatus: ({ object }) => object.alive ? "Available" : "Invalid"
    })
    const sizes: Array<number> = []
    for (const key of [a, b]) {
      key.alive = false
      yield* pool.detect
      sizes.push((yield* pool.stats).size)
    }
    return sizes
  }),

  "get_status, len, in": Effect.fnUntraced(function*() {
    const [a, b] = keys("ab") as [Key, Key]
    const pool = yield* ObjectPool.make({ objects: [a] })
    return [yield* statusOf(pool, a), (yield* pool.stats).size, yield* pool.has(b)]
  }),

  // a number is a number of milliseconds, not of seconds
  "borrow(timeout=3)": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("a") })
    const taken: Array<boolean> = []
    for (const leaseTimeout of [3, "3 seconds"] as const) {
      const lease = yield* pool.borrowWith({ leaseTimeout })
      const told = yield* Effect.timeoutOption(Effect.flip(lease.expired), 100)
      taken.push(told._tag === "Some")
      yield* lease.release
    }
    return taken
  }),

  "borrow() is None": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("a") })
    const lease = yield* pool.borrow
    const reason = yield* pool.tryBorrow.pipe(
      Effect.as("lent"),
      Effect.catchTag("PoolExhausted", ({ reason }) => Effect.succeed(reason))
    )
    const waits = yield* Effect.forkChild(nameOf(pool), { startImmediately: true })
    yield* lease.release
    return [reason, yield* Fiber.join(waits)]
  }),

  "keywords of borrow": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("ab") })
    const where = ({ object }: { readonly object: Key }) => object.name === "b"
    const lease = yield* pool.borrowWith({ where })
    const served: Array<string> = []
    const borrow = (name: string, priority: number) =>
      pool.with(() => Effect.sync(() => served.push(name)), { where, priority })
    const waiting = yield* Effect.forEach(
      [borrow("later", 0), borrow("first", 1)],
      (each) => Effect.forkChild(each, { startImmediately: true })
    )
    yield* lease.release
    yield* Fiber.joinAll(waiting)
    return [lease.object.name, ...served]
  }),

  "pack.close()": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("a") })
    const available: Array<number> = []
    const note = Effect.map(pool.stats, (stats) => available.push(stats.available))
    yield* Effect.flatMap(pool.borrow, (lease) => lease.release)
    yield* note
    yield* Effect.scoped(pool.borrow)
    yield* note
    yield* pool.with(() => note)
    yield* note
    return available
  }),

  "pack.close(**feedback)": Effect.fnUntraced(function*() {
    const [a, b] = keys("ab") as [Key, Key]
    const pool = yield* ObjectPool.make<Key, { errors: number }>({ objects: [a, b], data: () => ({ errors: 0 }) })
    const limited = yield* pool.borrowWith({ where: ({ object }) => object === a })
    limited.data.errors++
    yield* limited.rest("1 minute")
    yield* limited.release
    const broken = yield* pool.borrowWith({ where: ({ object }) => object === b })
    yield* broken.invalidate
    yield* broken.release
    return (yield* pool.objects).map(({ data, object, status }) => `${object.name} ${status} ${data.errors}`)
  }),

  "ObjectNotFoundError": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make<Key>({})
    return yield* pool.remove(new Key("unknown"))
  }),

  "coroutine safety": Effect.fnUntraced(function*() {
    const pool = yield* ObjectPool.make({ objects: keys("abc") })
    const held = new Set<Key>()
    let shared = false
    const one = pool.with(Effect.fnUntraced(function*({ object }) {
      shared ||= held.has(object)
      held.add(object)
      yield* Effect.yieldNow
      held.delete(object)
    }))
    yield* Effect.all(Array.from({ length: 300 }, () => one), { concurrency: "unbounded" })
    return shared
  })
}

const all = Effect.forEach(
  Object.entries(rows),
  ([name, row]) => Effect.flatMap(Effect.scoped(row()), (answer) => Console.log(`${name}: ${String(answer)}`))
)

await Effect.runPromise(Effect.andThen(Effect.provide(program, KeysLayer), all))
