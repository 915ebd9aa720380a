/**
 * Random borrowers of three keys under one ceiling, beside a naive account of who has what, and who is next.
 *
 * `MODEL_RUNS=2000` plays more of them; `MODEL_SEED=7` that one alone.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { make, type Pool, world } from "../support/keyed.ts"
import { drawing } from "../support/random.ts"
import { playSeeds } from "../support/seeds.ts"

const keys = ["a", "b", "c"]

interface Borrower {
  readonly key: string
  readonly arrival: number
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  state: "waits" | "holds" | "over"
}

/** What is known of a run without asking the pool. */
class Account {
  readonly borrowers: Array<Borrower> = []
  /** How many objects are being made for a key. */
  readonly making = new Map<string, number>()
  /** What went wrong where a failure would be the pool's affair. */
  readonly wrong: Array<string> = []

  waiting(key: string): ReadonlyArray<Borrower> {
    return this.borrowers.filter((each) => each.key === key && each.state === "waits")
  }

  /** The oldest borrower of a key for whom nothing is being made. */
  next(key: string, waiting: number): Borrower | undefined {
    const all = this.waiting(key)
    // some may have been served who have not been told yet
    return all[all.length - waiting + (this.making.get(key) ?? 0)]
  }
}

const add = (counts: Map<string, number>, key: string, change: number) =>
  counts.set(key, (counts.get(key) ?? 0) + change)

/** Lets everything happen that is due now. */
const settled = Effect.repeat(TestClock.adjust(0), { times: 20 })

interface Setup {
  readonly max: number
  readonly perKey: number
  /** Borrowers leave, and making fails: then it is not known from outside for whom something is made. */
  readonly leave: boolean
}

const play = (seed: number) =>
  Effect.gen(function*() {
    const draw = drawing(seed)
    const setup: Setup = { max: 1 + draw(4), perKey: 1 + draw(3), leave: draw(2) === 0 }
    const account = new Account()
    const there = world(setup.max, setup.perKey)
    const at = `seed ${seed}, ${JSON.stringify(setup)}`
    there.script.acquire = (key) =>
      Effect.suspend(() => {
        if (!setup.leave) assertNext(account, setup, { of: there.of, waiting: waitingNow }, key, at)
        add(account.making, key, 1)
        const made = draw(3) === 0 ? Effect.sleep(1 + draw(4)) : Effect.void
        const failed = setup.leave && draw(8) === 0 ? Effect.fail("down") : Effect.void
        return Effect.ensuring(
          Effect.andThen(made, failed),
          Effect.sync(() => add(account.making, key, -1))
        )
      })
    const waitingNow = (key: string) => Effect.runSync(pool.statsOf(key))?.waiting ?? 0
    there.script.destroy = () => draw(3) === 0 ? Effect.sleep(1 + draw(4)) : Effect.void
    const pool = yield* make(there, { borrowTimeout: "Infinity" })
    for (let step = 0; step < 40; step++) {
      yield* move(pool, account, draw, setup)
      yield* settled
      assert.deepStrictEqual(account.wrong, [], `${at}, step ${step}`)
      yield* check(pool, setup, `${at}, step ${step}`)
    }
    yield* TestClock.adjust("1 minute")
    yield* settled
    for (const { fiber } of account.borrowers) if (fiber!.pollUnsafe() === undefined) yield* Fiber.interrupt(fiber!)
    yield* settled
    const { invalid, leases, making, waiting } = yield* pool.stats
    assert.deepStrictEqual({ leases, making, waiting }, { leases: 0, making: 0, waiting: 0 }, at)
    yield* TestClock.adjust("1 minute")
    there.script.destroy = () => Effect.void
    yield* pool.close
    assert.strictEqual(there.all, 0, `${at}: nothing is left of ${invalid}`)
  })

/** What is made now is for the borrower who has waited longest, of all keys that may have one more. */
const assertNext = (
  account: Account,
  { max, perKey }: Setup,
  { of, waiting }: { readonly of: (key: string) => number; readonly waiting: (key: string) => number },
  key: string,
  at: string
): void => {
  const own = account.next(key, waiting(key))
  if (own === undefined) return
  for (const other of keys) {
    const next = account.next(other, waiting(other))
    if (other === key || next === undefined || next.arrival > own.arrival) continue
    // its key is at its own limit: what there is of it may be lent, or on its way
    const full = of(other) >= perKey
    if (full) continue
    account.wrong.push(`${at}: ${key} is made for ${own.arrival} though ${other} waits since ${next.arrival} of ${max}`)
  }
}

const move = (pool: Pool, account: Account, draw: (below: number) => number, { leave }: Setup) =>
  Effect.gen(function*() {
    const choice = draw(10)
    if (choice < 6) return yield* borrow(pool, account, draw)
    if (choice < 9 || !leave) return yield* TestClock.adjust(1 + draw(4))
    const waiting = account.borrowers.filter(({ state }) => state === "waits")
    const leaving = waiting[draw(Math.max(1, waiting.length))]
    if (leaving !== undefined) yield* Fiber.interrupt(leaving.fiber!)
  })

const borrow = (pool: Pool, account: Account, draw: (below: number) => number) =>
  Effect.gen(function*() {
    const borrower: Borrower = {
      key: keys[draw(keys.length)]!,
      arrival: account.borrowers.length,
      fiber: undefined,
      state: "waits"
    }
    account.borrowers.push(borrower)
    const holds = draw(6)
    const spoils = draw(6) === 0
    const use = pool.with(borrower.key, (lease) => {
      assert.strictEqual(lease.object.key, borrower.key)
      borrower.state = "holds"
      return Effect.andThen(holds === 0 ? Effect.void : Effect.sleep(holds), spoils ? lease.invalidate : Effect.void)
    })
    const over = Effect.sync(() => {
      borrower.state = "over"
    })
    borrower.fiber = yield* Effect.forkChild(Effect.ensuring(Effect.exit(use), over), { startImmediately: true })
  })

/** Nobody waits beside room that he could have, nor beside an idle object of another key. */
const check = (pool: Pool, { max, perKey, leave }: Setup, at: string) =>
  Effect.gen(function*() {
    const all = yield* pool.stats
    assert.isAtMost(all.size + all.making, max, at)
    for (const key of yield* pool.keys) {
      const own = (yield* pool.statsOf(key))!
      assert.isAtMost(own.size + own.making, perKey, at)
      // attempts that fail wait for each other
      const waits = own.waiting - own.making
      if (waits <= 0 || leave || own.size + own.making >= perKey) continue
      assert.strictEqual(all.size + all.making, max, `${at}: ${key} waits though there is room`)
      // what is on its way out makes room for one each
      if (all.invalid < 1) assert.strictEqual(all.available, own.available, `${at}: ${key} waits beside what is idle`)
    }
  })

describe("borrowers of three keys under one ceiling", () => {
  playSeeds("agree with a naive account", 60, play)
})
