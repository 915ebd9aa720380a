/**
 * Random programs of borrowers of objects with allowances, beside a log that is counted the long way: promises 28 to 30.
 * `ALLOWANCE_RUNS` says how many programs, `ALLOWANCE_SEED` where to begin.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Cron from "effect/Cron"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Allowance, type Lease, type ObjectPool, PoolExhausted } from "../src/index.ts"
import { make, settle, start } from "./support/borrowers.ts"

/** Random numbers that are the same each time. */
const random = (seed: number) => {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * n)
  }
  return { below, one: <T>(...all: ReadonlyArray<T>): T => all[below(all.length)]! }
}

type Random = ReturnType<typeof random>

interface Take {
  readonly at: number
  amount: number
}

const hour = 3_600_000
const tiny = 1e-6

/** What is left of one allowance, the long way: all of what was ever taken is counted anew each time. */
class Count {
  readonly takes: Array<Take> = []
  private readonly limit: number
  private readonly per: number
  readonly window: string

  constructor({ limit, per, window }: Allowance) {
    this.limit = limit
    this.per = per === undefined ? hour : Number(per)
    this.window = per === undefined ? "resets" : window ?? "sliding"
  }

  left(now: number): number {
    switch (this.window) {
      case "sliding":
        return this.limit - sumOf(this.takes.filter(({ at }) => at + this.per > now))
      case "bucket": {
        const level = this.level(now)
        return level < 1 - tiny ? Math.min(0, level) : level
      }
      default: {
        const end = this.end()
        return end <= now ? this.limit : this.limit - sumOf(this.takes.filter(({ at }) => at >= end - this.length()))
      }
    }
  }

  /** When something is left again, if nothing more is taken. */
  opensAt(now: number): number {
    if (this.left(now) > 0) return now
    if (this.window === "bucket") return now + (1 - this.level(now)) / (this.limit / this.per)
    if (this.window !== "sliding") return this.end()
    const ends = this.takes.map(({ at }) => at + this.per).filter((end) => end > now).toSorted((a, b) => a - b)
    return ends.find((end) => this.left(end) > 0)!
  }

  private level(now: number): number {
    let level = this.limit
    let since = 0
    const refill = (at: number) => {
      level = Math.min(this.limit, level + (at - since) * this.limit / this.per)
      since = at
    }
    for (const { amount, at } of this.takes) {
      refill(at)
      level -= amount
    }
    refill(now)
    return level
  }

  private began = -Infinity
  private length(): number {
    return this.window === "fixed" ? this.per : this.end() - this.began
  }

  /** The end of the last window that has begun. */
  private end(): number {
    let end = -Infinity
    for (const { at } of this.takes) {
      if (at < end) continue
      this.began = at
      end = this.window === "fixed" ? at + this.per : (Math.floor(at / hour) + 1) * hour
    }
    return end
  }
}

const sumOf = (takes: ReadonlyArray<Take>): number => takes.reduce((sum, { amount }) => sum + amount, 0)

interface Setup {
  readonly objects: number
  readonly sharing: number
  readonly allowances: ReadonlyArray<Allowance & { readonly name: string }>
  readonly waitsForResting: boolean
}

const draw = ({ below, one }: Random): Setup => ({
  objects: 1 + below(3),
  sharing: one(1, 1, 3),
  waitsForResting: one(true, false),
  allowances: Array.from({ length: 1 + below(3) }, (_, i) => {
    const usual = {
      limit: 1 + below(6),
      name: `${i}`,
      unit: one("leases" as const, "cost" as const),
      facet: one(false, false, true)
    }
    return one(true, true, true, false)
      ? {
        ...usual,
        per: one(1, 10, 100, 1000, 60_000),
        window: one("sliding" as const, "bucket" as const, "fixed" as const)
      }
      : { ...usual, resets: Cron.parseUnsafe("0 * * * *", "UTC") }
  })
})

interface Held {
  readonly lease: Lease<string>
  readonly scope: Scope.Closeable
  readonly cost: number
  readonly facet: string | undefined
  readonly at: number
  readonly parts: Map<Count, Array<Take>>
  over: boolean
}

interface Waits {
  readonly fiber: Fiber.Fiber<void, unknown>
  readonly cost: number
  readonly facet: string | undefined
  readonly due: number
  readonly ended: { readonly at: number }
}

/** The pool, and what the log knows of it. */
class World {
  readonly setup: Setup
  readonly pool: ObjectPool<string>
  readonly held: Array<Held> = []
  waiting: Array<Waits> = []
  suspended = false
  added = 0
  /** Objects that leave when they come back. */
  readonly removed = new Set<string>()
  readonly restsUntil = new Map<string, number>()
  /** By object and facet. */
  private readonly counts = new Map<string, Map<string, Count>>()
  /** A bucket in which something was given back is known to have no more than the log says. */
  gaveBack = false

  constructor(setup: Setup, pool: ObjectPool<string>) {
    this.setup = setup
    this.pool = pool
  }

  of(object: string, facet: string | undefined): ReadonlyArray<readonly [string, Count, Allowance]> {
    return this.setup.allowances.flatMap((allowance) => {
      if (allowance.facet === true && facet === undefined) return []
      const key = allowance.facet === true ? `${object} ${facet}` : object
      const counts = this.counts.get(key) ?? new Map<string, Count>()
      this.counts.set(key, counts)
      const count = counts.get(allowance.name) ?? new Count(allowance)
      counts.set(allowance.name, count)
      return [[allowance.name, count, allowance] as const]
    })
  }

  bears(cost: number, facet: string | undefined): boolean {
    return this.setup.allowances.every(({ facet: each, limit, unit }) =>
      unit !== "cost" || cost <= limit || (each === true && facet === undefined)
    )
  }

  opensAt(object: string, facet: string | undefined, now: number): number {
    return Math.max(this.restsUntil.get(object) ?? 0, ...this.of(object, facet).map(([, count]) => count.opensAt(now)))
  }

  granted(held: Held): void {
    for (const [name, count, { unit }] of this.of(held.lease.object, held.facet)) {
      assert.isAbove(count.left(held.at), 0, `28 is lent for ${name} at ${held.at}`)
      const take = { at: held.at, amount: unit === "cost" ? held.cost : 1 }
      if (take.amount > 0) count.takes.push(take)
      held.parts.set(count, [take])
    }
    this.held.push(held)
  }

  charged(held: Held, change: number, named: string | undefined, now: number): void {
    for (const [name, count, { unit }] of this.of(held.lease.object, held.facet)) {
      if (named === undefined ? unit !== "cost" : name !== named) continue
      const parts = held.parts.get(count)!
      if (change > 0) {
        const take = { at: now, amount: change }
        count.takes.push(take)
        parts.push(take)
        continue
      }
      if (count.window === "bucket") this.gaveBack = true
      let back = -change
      for (const part of parts.toReversed()) {
        const amount = Math.min(back, part.amount)
        part.amount -= amount
        back -= amount
      }
    }
  }
}

const names = ["x", "y"]

const borrow = (world: World, { one }: Random) =>
  Effect.gen(function*() {
    const { pool } = world
    const cost = one(0, 1, 1, 2, 3, 0.5)
    const facet = one(undefined, undefined, ...names)
    const timeout = one(0, 5, 50, 500, 5000, 100_000, Infinity)
    const now = yield* Clock.currentTimeMillis
    const scope = yield* Scope.make()
    const leaseTimeout = one<"Infinity" | number>("Infinity", "Infinity", 30, 700)
    const options = { cost, timeout, leaseTimeout, ...facet !== undefined && { facet } }
    const borrowing = one(true, true, true, false) ? pool.borrowWith(options) : pool.tryBorrowWith(options)
    const ended = { at: now }
    const fiber = yield* start(
      Effect.gen(function*() {
        const lease = yield* Scope.provide(borrowing, scope)
        const at = yield* Clock.currentTimeMillis
        world.granted({ lease, scope, cost, facet, at, parts: new Map(), over: false })
      }).pipe(Effect.ensuring(Effect.map(Clock.currentTimeMillis, (at) => {
        ended.at = at
      })))
    )
    world.waiting.push({ fiber, cost, facet, due: now + timeout, ended })
  })

const kinds = [
  ...Array.from({ length: 6 }, () => "time" as const),
  ...Array.from({ length: 9 }, () => "borrow" as const),
  ...Array.from({ length: 6 }, () => "release" as const),
  ...Array.from({ length: 3 }, () => "charge" as const),
  "rest",
  "give up",
  "give up",
  "suspend",
  "add",
  "remove",
  "revoke"
] as const

const step = (world: World, chance: Random) =>
  Effect.gen(function*() {
    const { below, one } = chance
    const now = yield* Clock.currentTimeMillis
    const held = world.held[below(Math.max(1, world.held.length))]
    const { pool } = world
    switch (one(...kinds)) {
      case "suspend":
        world.suspended = !world.suspended
        return yield* world.suspended ? pool.suspend : pool.resume
      case "add":
        yield* pool.add(`o${world.setup.objects + world.added++}`)
        return
      case "remove": {
        const [first] = yield* pool.objects
        if (first === undefined) return
        world.removed.add(first.object)
        yield* pool.remove(first.object)
        return
      }
      case "revoke":
        if (held !== undefined) yield* pool.revoke(held.lease)
        return
      case "borrow":
        return yield* borrow(world, chance)
      case "release":
        if (held === undefined || held.over) return
        held.over = true
        return yield* Scope.close(held.scope, Exit.void)
      case "charge": {
        if (held === undefined) return
        const name = one(undefined, ...world.of(held.lease.object, held.facet).map(([name]) => name))
        const change = one(1, 2, 0.25, 7, -1, -2, -0.5, -100)
        world.charged(held, change, name, now)
        return yield* held.lease.charge(change, name)
      }
      case "rest": {
        if (below(3) > 0) return
        const object = `o${world.added + below(world.setup.objects)}`
        const millis = one(20, 3000)
        if (!(yield* pool.rest(object, millis))) return
        world.restsUntil.set(object, Math.max(world.restsUntil.get(object) ?? 0, now + millis))
        return
      }
      case "give up": {
        const waits = world.waiting[below(Math.max(1, world.waiting.length))]
        return waits === undefined ? undefined : yield* Fiber.interrupt(waits.fiber)
      }
      case "time":
        return yield* TestClock.adjust(
          one(1, 3, 10, 33, 100, 700, 5000, 61_000, 400_000, one(1, 1, 1, 1, 7 * 24) * hour)
        )
    }
  })

/** All that holds when nothing is under way. */
const check = (world: World) =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const records = yield* world.pool.objects
    const leases = yield* world.pool.leases
    const { setup } = world
    for (const { allowances, object, status } of records) {
      const counts = world.of(object, undefined)
      counts.forEach(([name, count, { window }], i) => {
        const left = allowances[i]!.left
        if (window === "bucket" && world.gaveBack) assert.isAtMost(left, count.left(now) + tiny, `left of ${name}`)
        else assert.approximately(left, count.left(now), tiny, `left of ${name}`)
      })
      if (world.gaveBack) continue
      const opens = world.opensAt(object, undefined, now) > now + tiny
      if (opens) assert.notStrictEqual(status, "Available", `30 ${object} has nothing left`)
      else assert.notStrictEqual(status, "Dormant", `30 ${object} has something left`)
    }
    for (const waits of world.waiting.splice(0)) {
      const exit = waits.fiber.pollUnsafe()
      const serves = records.filter(({ object }) => !world.removed.has(object) && world.bears(waits.cost, waits.facet))
      if (exit === undefined) {
        world.waiting.push(waits)
        assert.isAbove(waits.due, now, "waits beyond its time")
        if (world.gaveBack || world.suspended) continue
        let allRest = serves.length > 0
        for (const { object, status } of serves) {
          const opens = world.opensAt(object, waits.facet, now)
          const open = leases.filter((each) => each.object === object).length
          if (opens <= now + tiny) {
            assert.isFalse(
              status === "Available" || (status === "Borrowed" && open < setup.sharing),
              `30 waits beside ${object}`
            )
          }
          const lent = status === "Borrowed" && setup.sharing === 1 && world.opensAt(object, undefined, now) > now
          if (opens <= waits.due + 1 || lent) allRest = false
        }
        if (!setup.waitsForResting) assert.isFalse(allRest, "30 waits though all rest for longer")
        continue
      }
      if (Exit.isSuccess(exit)) continue
      const failure = Cause.squash(exit.cause)
      if (!(failure instanceof PoolExhausted)) {
        if (failure instanceof Error && failure.name === "AssertionError") throw failure
        continue
      }
      if (failure.reason === "CostTooHigh") assert.isFalse(world.bears(waits.cost, waits.facet))
      if (failure.reason !== "Resting" || world.gaveBack) continue
      assert.isFalse(setup.waitsForResting || world.suspended)
      // at the end of a step in which time has passed, others may have been served since
      if (waits.ended.at < now) continue
      const opens = Math.min(...serves.map(({ object }) => world.opensAt(object, waits.facet, now)))
      assert.isAbove(opens, waits.due, "30 is refused though it could be served")
      assert.approximately(Duration.toMillis(failure.retryAfter!), Math.ceil(opens - now - tiny), 1, "30 retryAfter")
    }
  })

const run = (seed: number) =>
  Effect.gen(function*() {
    const chance = random(seed)
    const setup = draw(chance)
    const trail: Array<string> = []
    yield* Effect.gen(function*() {
      yield* TestClock.setTime(chance.one(0, 3_000_000))
      const pool = yield* make<string>({
        objects: Array.from({ length: setup.objects }, (_, i) => `o${i}`),
        sharing: setup.sharing,
        waitsForResting: setup.waitsForResting,
        allowance: chance.one(true, false) ? setup.allowances : () => setup.allowances
      })
      const world = new World(setup, pool)
      for (let i = 0; i < 80; i++) {
        yield* step(world, chance)
        yield* settle
        trail.push(`${i} at ${yield* Clock.currentTimeMillis}`)
        yield* check(world)
      }
    }).pipe(
      Effect.scoped,
      Effect.catchCause((cause) => {
        const failure = Cause.squash(cause)
        const what = JSON.stringify({ ...setup, at: trail.at(-1) })
        return Effect.die(new Error(`seed ${seed}: ${String(failure)}\n${what}`, { cause: failure }))
      })
    )
  })

const env = (name: string, unset: number): number => Number(process.env[name] ?? unset)
const from = env("ALLOWANCE_SEED", 0)
const runs = env("ALLOWANCE_RUNS", 120)

describe("borrowers of objects with allowances, at random", () => {
  for (let seed = from; seed < from + runs; seed += 20) {
    it.effect(`are lent what is left, wait beside nothing, and are refused truly: from ${seed} on`, () =>
      Effect.gen(function*() {
        for (let i = seed; i < Math.min(seed + 20, from + runs); i++) yield* run(i)
      }))
  }
})
