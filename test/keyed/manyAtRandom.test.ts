/**
 * Random borrowers of one and of several objects of three keys under one ceiling, beside a naive account of who may have
 * what: the first to come has all that it can use, and the next what is left.
 *
 * `MODEL_RUNS=2000` plays more of them; `MODEL_SEED=7` that one alone.
 */
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { KeyedLease, KeyedOptions } from "../../src/index.ts"
import { calm, make, type Pool, type Thing, world } from "../support/keyed.ts"
import { drawing } from "../support/random.ts"
import { playSeeds } from "../support/seeds.ts"

const keys = ["a", "b", "c"]

interface Borrower {
  readonly key: string
  readonly n: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  state: "waits" | "holds" | "over"
}

interface Setup {
  readonly max: number
  readonly perKey: number
  /** Some come before others, though they arrive later: nobody says in which order they are served. */
  readonly priorities: boolean
  /** Making fails, pools are resized, forgotten and suspended. */
  readonly amid: boolean
  readonly hooks: boolean
  readonly detects: boolean
  /** What else there is to a pool: only that everybody is served in the end is said of those. */
  readonly besides: typeof besides[number] | undefined
}

const besides = ["sharing", "select", "overload", "min", "where", "one at a time", "lifetime"] as const

type Draw = (below: number) => number
type Leases = ReadonlyArray<KeyedLease<string, Thing>>

/** Who holds what, by what the bodies of the borrowers have seen. */
class Account {
  readonly borrowers: Array<Borrower> = []
  readonly wrong: Array<string> = []
  private readonly lent = new Set<number>()
  private readonly shares: boolean

  constructor(shares: boolean) {
    this.shares = shares
  }

  begins(borrower: Borrower, leases: Leases): void {
    borrower.state = "holds"
    if (leases.length !== borrower.n) this.wrong.push(`${leases.length} of ${borrower.n}`)
    for (const { object } of leases) {
      if (object.key !== borrower.key) this.wrong.push(`${object.key} is lent for ${borrower.key}`)
      if (!this.shares && this.lent.has(object.id)) this.wrong.push(`${object.key}${object.id} is lent twice`)
      this.lent.add(object.id)
    }
  }

  ends(leases: Leases): void {
    for (const { object } of leases) this.lent.delete(object.id)
  }

  held(key?: string): number {
    return this.borrowers.reduce(
      (sum, each) => sum + (each.state === "holds" && (key === undefined || each.key === key) ? each.n : 0),
      0
    )
  }

  /** A borrower that waits though those who have come before it leave enough to it. */
  leftBehind({ max, perKey }: Setup): Borrower | undefined {
    let left = max - this.held()
    const leftOf = new Map(keys.map((key) => [key, perKey - this.held(key)]))
    return this.borrowers.find(({ key, n, state }) => {
      if (state !== "waits") return false
      const has = Math.max(0, Math.min(left, leftOf.get(key)!, n))
      left -= has
      leftOf.set(key, leftOf.get(key)! - has)
      return has === n
    })
  }
}

const setupOf = (draw: Draw): Setup => {
  const max = 2 + draw(5)
  return {
    max,
    perKey: draw(2) === 0 ? max : 1 + draw(max),
    priorities: draw(3) === 0,
    amid: draw(3) === 0,
    hooks: draw(3) === 0,
    detects: draw(3) === 0,
    besides: draw(2) === 0 ? besides[draw(besides.length)] : undefined
  }
}

const more = (
  { besides, max, perKey }: Setup
): Partial<KeyedOptions<string, Thing, undefined, string, never, never>> => {
  switch (besides) {
    case "sharing":
      return { sharing: 2 }
    case "select":
      return { select: (all) => all[all.length - 1] }
    case "overload":
      return { overload: { target: 3, interval: 5 } }
    case "min":
      return { size: { max, perKey: { min: 1, max: perKey } } }
    case "one at a time":
      return { creation: { concurrency: 1 } }
    case "lifetime":
      return { lifetime: { maxBorrows: 2, idleTimeToLive: 10 } }
    default:
      return {}
  }
}

const play = (seed: number) =>
  Effect.gen(function*() {
    const draw = drawing(seed)
    const setup = setupOf(draw)
    const { amid, besides, detects, hooks, max, perKey, priorities } = setup
    const account = new Account(setup.besides === "sharing")
    const there = world(max, perKey)
    const at = `seed ${seed}, ${JSON.stringify(setup)}`
    let quiet = false
    const pause = () => !quiet && draw(3) === 0 ? Effect.sleep(1 + draw(4)) : Effect.void
    there.script.acquire = () =>
      Effect.andThen(pause(), () => amid && !quiet && draw(8) === 0 ? Effect.fail("down") : Effect.void)
    there.script.destroy = pause
    const pool = yield* make(there, {
      borrowTimeout: "Infinity",
      ...more(setup),
      ...hooks && { onBorrow: pause, onRelease: pause },
      ...detects && {
        detectStatus: () => Effect.as(pause(), !quiet && draw(9) === 0 ? "Invalid" as const : "Available" as const),
        detection: { onBorrow: true }
      }
    })
    for (let step = 0; step < 40; step++) {
      // a key that is being forgotten is not resized
      yield* Effect.exit(move(pool, account, draw, setup))
      yield* calm
      assert.deepStrictEqual(account.wrong, [], `${at}, step ${step}`)
      if (!priorities && !amid && besides === undefined) yield* check(pool, account, setup, `${at}, step ${step}`)
    }
    quiet = true
    yield* pool.resume
    if (amid) yield* pool.resize({ max, perKey: { max: perKey } })
    if (amid) { for (const key of keys) yield* Effect.exit(pool.resizeKey(key, { max: perKey })) }
    for (let i = 0; i < 6; i++) yield* Effect.andThen(TestClock.adjust("1 minute"), calm)
    const left = account.borrowers.filter(({ fiber }) => fiber.pollUnsafe() === undefined)
    assert.deepStrictEqual(left.map(({ key, n }) => `${n} of ${key}`), [], `${at}: all are served`)
    yield* end(pool, setup, at)
    yield* pool.close
    assert.strictEqual(there.all, 0, `${at}: nothing is left`)
    assert.deepStrictEqual(account.wrong, [], at)
  })

/** Nothing is lent, nor set aside: as many as there may be are lent at once, of each key. */
const end = (pool: Pool, { besides, max, perKey }: Setup, at: string) =>
  Effect.gen(function*() {
    const { leases, making, waiting } = yield* pool.stats
    assert.deepStrictEqual({ leases, making, waiting }, { leases: 0, making: 0, waiting: 0 }, at)
    for (const key of keys) {
      const n = Math.min(max, perKey)
      // the minimums of other keys are theirs
      if (besides === "min") { for (const other of keys) yield* pool.forget(other) }
      const fiber = yield* Effect.forkChild(pool.withMany(key, n, (all) => Effect.succeed(all.length)))
      yield* Effect.andThen(TestClock.adjust("10 seconds"), calm)
      assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed(n), `${at}: ${n} of ${key}`)
    }
  })

const move = (pool: Pool, account: Account, draw: Draw, setup: Setup): Effect.Effect<unknown, unknown> => {
  const choice = draw(setup.amid ? 14 : 11)
  if (choice < 6) return borrow(pool, account, draw, setup)
  if (choice < 9) return TestClock.adjust(1 + draw(4))
  if (choice < 11) {
    const waiting = account.borrowers.filter(({ state }) => state === "waits")
    const leaving = waiting[draw(Math.max(1, waiting.length))]
    return leaving === undefined ? Effect.void : Fiber.interrupt(leaving.fiber)
  }
  const key = keys[draw(keys.length)]!
  if (choice === 11) return pool.resize({ max: 1 + draw(setup.max), perKey: { max: setup.perKey } })
  if (choice === 12) return pool.resizeKey(key, { max: 1 + draw(setup.perKey) })
  return draw(3) === 0
    ? Effect.forkChild(pool.forget(key), { startImmediately: true })
    : draw(2) === 0
    ? pool.suspend
    : pool.resume
}

const borrow = (pool: Pool, account: Account, draw: Draw, { besides, max, perKey, priorities }: Setup) =>
  Effect.gen(function*() {
    const key = keys[draw(keys.length)]!
    const n = 1 + draw(Math.min(max, perKey))
    const holds = draw(6)
    const spoils = draw(6) === 0
    const options = {
      priority: priorities ? draw(3) : 0,
      ...draw(4) === 0 && { timeout: draw(12) },
      // nothing more is made for one that has rejected what was made for it
      ...besides === "where" && draw(2) === 0 &&
        { where: ({ id }: { readonly id: number }) => id % 3 > 0, timeout: 1 + draw(12) }
    }
    const use = (leases: Leases) =>
      Effect.suspend(() => {
        account.begins(borrower, leases)
        return Effect.andThen(Effect.sleep(holds), spoils ? leases[0]!.invalidate : Effect.void)
      }).pipe(Effect.ensuring(Effect.sync(() => {
        borrower.state = "over"
        account.ends(leases)
      })))
    const one = n === 1 && draw(2) === 0
    const run = one ? pool.with(key, (lease) => use([lease]), options) : pool.withMany(key, n, use, options)
    const over = Effect.onExit(run as Effect.Effect<unknown, unknown>, (exit) =>
      Effect.sync(() => {
        borrower.state = "over"
        if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) account.wrong.push(Cause.pretty(exit.cause))
      }))
    const borrower: Borrower = { key, n, state: "waits", fiber: undefined as never }
    account.borrowers.push(borrower)
    Object.assign(borrower, {
      fiber: yield* Effect.forkChild(Effect.exit(over), { startImmediately: true })
    })
  })

/** Where nothing is under way, nobody waits for whom those who have come before leave enough. */
const check = (pool: Pool, account: Account, setup: Setup, at: string) =>
  Effect.gen(function*() {
    const { invalid, leases, making, pending, size } = yield* pool.stats
    assert.isAtMost(size + making, setup.max, at)
    if (invalid > 0 || making > 0 || pending > 0) return
    assert.strictEqual(leases, account.held(), at)
    const left = account.leftBehind(setup)
    assert.isUndefined(left, `${at}: ${left?.n} of ${left?.key} wait, though they could be lent`)
  })

describe("borrowers of several, and of one, of three keys under one ceiling", () => {
  playSeeds("agree with a naive account", 80, play)
})
