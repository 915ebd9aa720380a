/**
 * What happens to very many at once, or beside very many: what case 9 measures.
 *
 * Each is set up, and then begun in a turn of the event loop; nothing that it needs for that is quadratic itself.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { ObjectPool, Selector, type Status } from "../../src/index.ts"
import { borrowAll } from "./loop.ts"
import { block, queueUp } from "./waiters.ts"

export interface Crisis {
  /** What the time is told for. */
  readonly each: "waiter" | "object" | "lease" | "borrow" | "call"
  /** How many; a tenth of it is what its time is compared with. */
  readonly n: number
  readonly setUp: (n: number) => Effect.Effect<Ready, unknown, Scope.Scope>
}

interface Ready {
  /** Absent where it begins by itself, since its time has come. */
  readonly begin?: () => void
  readonly isDone: () => boolean
  /** What its time is divided by, where that is not `n`. */
  readonly times?: number
}

/** Closing it is not measured, unless that is what is measured: nothing is waited for then. */
const make: typeof ObjectPool.make = (options) => ObjectPool.make({ closing: { timeout: 0 }, ...options })

/** Milliseconds: time enough to set everything up that is not set up in one step. */
const soon = 500

const many = (n: number): ReadonlyArray<object> => Array.from({ length: n }, () => ({}))

const run = (effect: Effect.Effect<unknown, unknown>): Fiber.Fiber<unknown, unknown> => Effect.runFork(effect)

/** Begins as a fiber; it is done when that has ended. */
const forked = (effect: Effect.Effect<unknown, unknown>): Ready => {
  let fiber: Fiber.Fiber<unknown, unknown> | undefined
  return {
    begin: () => {
      fiber = run(effect)
    },
    isDone: () => {
      const exit = fiber?.pollUnsafe()
      if (exit !== undefined && Exit.isFailure(exit)) throw new Error("it failed", { cause: exit.cause })
      return exit !== undefined
    }
  }
}

/** So many times the same, so many of them in each turn. */
const repeated = (
  times: number,
  inTurn: number,
  effect: Effect.Effect<unknown, unknown>
): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    let left = times
    return Effect.whileLoop({
      while: () => left-- > 0,
      body: () => left % inTurn === 0 ? Effect.andThen(Effect.yieldNow, effect) : effect,
      step: () => {}
    })
  })

const comeBack = (scopes: ReadonlyArray<Scope.Closeable>): Effect.Effect<void> =>
  Effect.forEach(scopes, (scope) => Scope.close(scope, Exit.void), { discard: true })

const allEnded = (fibers: ReadonlyArray<Fiber.Fiber<unknown, unknown>>): () => boolean => {
  let left = fibers.length
  for (const fiber of fibers) fiber.addObserver(() => left--)
  return () => left === 0
}

/** What is made at once, and counted when it is destroyed. */
const counted = () => {
  const counts = { made: 0, destroyed: 0 }
  const acquire = Effect.acquireRelease(
    Effect.sync(() => {
      counts.made++
      return {}
    }),
    () =>
      Effect.sync(() => {
        counts.destroyed++
      })
  )
  return { acquire, counts }
}

/** What is made when it is told to be. */
const awaited = () => {
  const begun: Array<(made: Effect.Effect<object>) => void> = []
  const acquire = Effect.callback<object>((resume) => {
    begun.push(resume)
  })
  return { acquire, begun }
}

// ------------------------------------------------------------------------------------------------------------ waiters

/** Nobody's time is over before all of them wait: that takes one step. */
const timeOut = (
  borrows: ReadonlyArray<Effect.Effect<unknown, unknown>>
): Effect.Effect<Ready> =>
  Effect.gen(function*() {
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    yield* Effect.sync(() => {
      for (const borrow of borrows) fibers.push(run(borrow))
    })
    const isDone = allEnded(fibers)
    block(soon + 10)
    return { isDone }
  })

/** Each number below `n` once, so that not all join at one end of the queue. */
const scattered = (i: number, n: number): number => (i * 7919) % n

const eachOfPriority: Crisis = {
  each: "waiter",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [{}], borrowTimeout: soon })
      yield* pool.borrow
      return yield* timeOut(
        Array.from({ length: n }, (_, i) => Effect.scoped(pool.borrowWith({ priority: scattered(i, n) })))
      )
    })
}

/** A hundred come in each turn. */
const come = (priority: (i: number, n: number) => number): Crisis => ({
  each: "waiter",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [{}], borrowTimeout: "Infinity" })
      yield* pool.borrow
      let come = 0
      const arrive = () => {
        for (let i = 0; i < 100; i++) run(Effect.scoped(pool.borrowWith({ priority: priority(come++, n) })))
        if (come < n) setImmediate(arrive)
      }
      return { begin: arrive, isDone: () => come >= n }
    })
})

const besideLent = (objects: (n: number) => number, sharing: (n: number) => number, n: number): Crisis => ({
  each: "waiter",
  n,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({
        objects: many(objects(n)),
        sharing: sharing(n),
        select: Selector.roundRobin,
        borrowTimeout: soon
      })
      yield* borrowAll(n, pool.borrow)
      return yield* timeOut(Array.from({ length: n }, () => Effect.scoped(pool.borrow)))
    })
})

/** One object serves all of them, one after another. */
const oneServes: Crisis = {
  each: "waiter",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire } = awaited()
      const pool = yield* make({ acquire, size: { max: n + 1 }, creation: { timeout: "Infinity" } })
      const isDone = allEnded(yield* queueUp(pool.with(() => Effect.void), n))
      return { begin: () => run(pool.add({})), isDone }
    })
}

/** What they wait for comes back, and is detected or prepared for each: by and by, when all have come back. */
const comeBackTo = (
  pool: (
    objects: ReadonlyArray<object>,
    ready: Effect.Effect<void>
  ) => Effect.Effect<ObjectPool<object>, never, Scope.Scope>
): Crisis => ({
  each: "waiter",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      let atOnce = true
      const begun: Array<(ready: Effect.Effect<void>) => void> = []
      const ready = Effect.callback<void>((resume) => {
        if (atOnce) resume(Effect.void)
        else begun.push(resume)
      })
      const { borrow, with: use } = yield* pool(many(n), ready)
      const scopes = yield* borrowAll(n, borrow)
      const ended = allEnded(yield* queueUp(use(() => Effect.void), n))
      atOnce = false
      const back = forked(comeBack(scopes))
      const isDone = () => {
        if (back.isDone()) { for (const resume of begun.splice(0, 100)) resume(Effect.void) }
        return ended()
      }
      return { begin: back.begin!, isDone }
    })
})

const besideDozing: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make<object>({ detectStatus: () => "Dormant" })
      yield* queueUp(pool.with(() => Effect.void), n)
      return forked(pool.addAll(many(n)))
    })
}

/** What they wait for is there, but is not lent. */
const resumedIdle: Crisis = {
  each: "waiter",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: many(n) })
      yield* pool.suspend
      const isDone = allEnded(yield* queueUp(Scope.provide(pool.borrow, Scope.makeUnsafe()), n))
      return { begin: () => run(pool.resume), isDone }
    })
}

// ------------------------------------------------------------------------------------------------------------- making

const resumed: Crisis = {
  each: "waiter",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, begun } = awaited()
      const pool = yield* make({ acquire, size: { max: n } })
      yield* pool.suspend
      yield* queueUp(pool.with(() => Effect.void), n)
      return { begin: () => run(pool.resume), isDone: () => begun.length === n }
    })
}

const filled: Crisis = {
  each: "object",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, begun } = awaited()
      const scope = yield* Scope.Scope
      const pool = Scope.provide(make({ acquire, size: { min: n, max: n } }), scope)
      return { begin: () => run(pool), isDone: () => begun.length === n }
    })
}

/** A hundred end in each turn. */
const lastEndsFirst: Crisis = {
  each: "object",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, begun } = awaited()
      const pool = yield* make({ acquire, size: { max: n } })
      const isDone = allEnded(yield* queueUp(Scope.provide(pool.borrow, Scope.makeUnsafe()), n))
      const end = () => {
        for (let i = 0; i < 100; i++) begun.pop()?.(Effect.succeed({}))
        if (begun.length > 0) setImmediate(end)
      }
      return { begin: end, isDone }
    })
}

// ------------------------------------------------------------------------------------------------------------ objects

const rotateLent: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, counts } = counted()
      const pool = yield* make({ acquire, size: { max: n } })
      const scopes = yield* borrowAll(n, pool.borrow)
      return {
        begin: () => run(Effect.andThen(pool.rotate, comeBack(scopes))),
        isDone: () => counts.destroyed === n
      }
    })
}

const removeLent: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const objects = many(n)
      const pool = yield* make({ objects })
      const scopes = yield* borrowAll(n, pool.borrow)
      const remove = Effect.forEach(objects, (object) => pool.remove(object), { discard: true })
      return forked(Effect.andThen(remove, comeBack(scopes)))
    })
}

const lentTooLong: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, counts } = counted()
      const pool = yield* make({
        acquire,
        size: { max: n },
        lifetime: { timeToLive: soon, jitter: 0 }
      })
      const scopes = yield* borrowAll(n, pool.borrow)
      // its time is over when that of all the objects is
      const last = (yield* queueUp(Effect.scoped(pool.borrowWith({ timeout: soon })), 1))[0]!
      block(soon + 10)
      return {
        begin: () => run(Effect.andThen(Fiber.await(last), comeBack(scopes))),
        isDone: () => counts.destroyed === n
      }
    })
}

const rotateIdle: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire } = counted()
      const pool = yield* make({ acquire, size: { min: n, max: n } })
      yield* pool.ready
      return forked(pool.rotate)
    })
}

const shrink: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, counts } = counted()
      const pool = yield* make({ acquire, size: { min: n, max: n } })
      yield* pool.ready
      return { begin: () => run(pool.resize({ min: 0, max: 1 })), isDone: () => counts.destroyed === n - 1 }
    })
}

/** The limit is longer than replacing them all should take. */
const tooOld: Crisis = {
  each: "object",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const { acquire, counts } = counted()
      const limit = 3000
      const pool = yield* make({
        acquire,
        size: { min: n, max: n },
        lifetime: { timeToLive: limit, jitter: 0 }
      })
      yield* pool.ready
      block(limit + 10)
      return { isDone: () => counts.destroyed >= n && counts.made >= 2 * n }
    })
}

const removeEqual: Crisis = {
  each: "object",
  n: 40_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: Array.from({ length: n }, () => "a key") })
      return forked(pool.remove("a key"))
    })
}

const closeEqual: Crisis = {
  each: "object",
  n: 40_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: Array.from({ length: n }, () => "a key") })
      // as somebody has who looks one up
      yield* pool.wake("another")
      return forked(pool.close)
    })
}

const closeBusy: Crisis = {
  each: "object",
  n: 100_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: many(n), borrowTimeout: "Infinity" })
      yield* borrowAll(n, pool.borrow)
      const fibers = yield* queueUp(Effect.scoped(pool.borrow), n)
      const ended = allEnded(fibers)
      const { begin, isDone } = forked(pool.close)
      return { begin: begin!, isDone: () => isDone() && ended() }
    })
}

const unknown = (
  answer: Status.Answer | Effect.Effect<Status.Answer>,
  meet = (pool: ObjectPool<object>): Effect.Effect<unknown, unknown> => Effect.scoped(pool.borrow)
): Crisis => ({
  each: "object",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const asked = new Set<object>()
      const pool = yield* make({
        objects: many(n),
        detectStatus: ({ object }) => {
          asked.add(object)
          return answer
        },
        // not in the time that is measured
        detection: { onAdd: false, retry: Schedule.spaced("1 minute") }
      })
      return { begin: () => run(meet(pool)), isDone: () => asked.size === n }
    })
})

// ------------------------------------------------------------------------------------------------------------- leases

const drain: Crisis = {
  each: "lease",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: many(n) })
      const scopes = yield* borrowAll(n, pool.borrow)
      return forked(Effect.all([pool.drain, comeBack(scopes)], { concurrency: "unbounded" }))
    })
}

const oldestFirst: Crisis = {
  each: "lease",
  n: 10_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [{}], sharing: n })
      return forked(comeBack(yield* borrowAll(n, pool.borrow)))
    })
}

// ------------------------------------------------------------------------------------------------------------ borrows

/** Nothing that is picked is trusted, and few that are listed are; or nothing is. */
const mostlyStale = (onBorrow?: boolean): Crisis => ({
  each: "borrow",
  n: 40_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const available = Effect.as(Effect.sleep(1), "Available" as const)
      const pool = yield* make({
        objects: many(n),
        detectStatus: () => available,
        detection: { onAdd: false, ...onBorrow !== undefined && { onBorrow } }
      })
      const one = repeated(40, 1, pool.with(() => Effect.yieldNow))
      const borrowers = 50
      const all = Effect.forEach(many(borrowers), () => one, { concurrency: "unbounded", discard: true })
      return { ...forked(all), times: borrowers * 40 }
    })
})

const besideLeases: Crisis = {
  each: "borrow",
  n: 50_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: [{}], sharing: 1e9, select: Selector.random })
      yield* borrowAll(n, pool.borrow)
      return { ...forked(repeated(1000, 10, pool.with(() => Effect.void))), times: 1000 }
    })
}

// -------------------------------------------------------------------------------------------------------------- walks

const walk = (
  n: number,
  borrow: (pool: ObjectPool<object>, last: object) => Effect.Effect<unknown, unknown>,
  options: { readonly last?: boolean; readonly lent?: boolean } = {}
): Crisis => ({
  each: "object",
  n,
  setUp: (n) =>
    Effect.gen(function*() {
      const objects = many(n)
      const pool = yield* make({
        objects,
        select: options.last === true ? (available) => available.at(-1) : Selector.random
      })
      if (options.lent === true) yield* borrowAll(n, pool.borrow)
      const times = 20
      return { ...forked(repeated(times, 1, borrow(pool, objects.at(-1)!))), times: times * n }
    })
})

const counts: Crisis = {
  each: "call",
  n: 20_000,
  setUp: (n) =>
    Effect.gen(function*() {
      const pool = yield* make({ objects: many(n) })
      yield* borrowAll(n, pool.borrow)
      return { ...forked(repeated(10_000, 100, pool.stats)), times: 10_000 }
    })
}

export const crises = {
  waiters: {
    "come to wait, all of one priority": come(() => 1),
    "come to wait, each of a priority of its own": come(scattered),
    "who wait, each of a priority of its own, time out at once": eachOfPriority,
    "who wait beside as many lent objects time out at once": besideLent((n) => n, () => 1, 20_000),
    "who wait beside as many leases of one object time out at once": besideLent(() => 1, (n) => n, 10_000),
    "for each of whom one is being made are served by one object": oneServes,
    "who wait get what comes back, each detected first": comeBackTo((objects, ready) =>
      make({ objects, detectStatus: () => Effect.as(ready, "Available" as const), detection: { onBorrow: true } })
    ),
    "who wait get what comes back, each prepared first": comeBackTo((objects, ready) =>
      make({ objects, onBorrow: () => ready })
    ),
    "who wait are served by as many idle ones, when a suspension ends": resumedIdle,
    "doze beside as many who wait without a deadline": besideDozing
  },
  making: {
    "who wait have one made each, when a suspension ends": resumed,
    "are begun at once for `size.min`": filled,
    "that are being made end, the last first, and are kept": lastEndsFirst
  },
  objects: {
    "lent ones are rotated, and come back": rotateLent,
    "lent ones are removed, and come back": removeLent,
    "lent ones, whose `timeToLive` is over, come back": lentTooLong,
    "idle ones are rotated, `min` = `max`": rotateIdle,
    "idle ones are too many since a `resize`": shrink,
    "idle ones, whose `timeToLive` is over, are replaced, `min` = `max`": tooOld,
    "equal primitives are removed by value": removeEqual,
    "equal primitives: `close`": closeEqual,
    "are lent, and as many wait: `close`": closeBusy,
    "are `Unknown` to one borrow": unknown("Unknown"),
    "are `Unknown` to one borrow, a turn later each": unknown(Effect.as(Effect.yieldNow, "Unknown")),
    "are `Unknown` to one borrow, each by a settled promise": unknown(Effect.promise(async () => "Unknown" as const)),
    "are detected by one `detect`": unknown("Unknown", (pool) => pool.detect),
    "are detected by one `detect`, each by a settled promise": unknown(
      Effect.promise(async () => "Unknown" as const),
      (pool) => pool.detect
    )
  },
  leases: {
    "come back while somebody drains": drain,
    "of one object come back, the oldest first": oldestFirst
  },
  borrows: {
    "stale objects, an asynchronous detector, 50 borrowers": mostlyStale(),
    "objects, the same, each detected at each borrow": mostlyStale(true),
    "open leases of the one object, `Selector.random`": besideLeases
  },
  walks: {
    "`borrow` with a `where` that fits the last of so many": walk(
      100_000,
      (pool, last) => Effect.scoped(pool.borrowWith({ where: ({ object }) => object === last }))
    ),
    "`borrow` with a selector of one's own over so many": walk(
      20_000,
      (pool) => Effect.scoped(pool.borrow),
      { last: true }
    ),
    "`leases` of so many": walk(100_000, (pool) => pool.leases, { lent: true }),
    "`objects` of so many": walk(100_000, (pool) => pool.objects),
    "`stats` of so many": counts
  }
} satisfies Readonly<Record<string, Readonly<Record<string, Crisis>>>>
