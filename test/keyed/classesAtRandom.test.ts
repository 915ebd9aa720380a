/**
 * Classes of borrowers over all keys in random programs, beside an oracle that knows who may have what: at no instant has a class
 * more than it may, or is there more than may be; each is left its reserve; as things have settled, nobody waits for what he could
 * have; and of classes that wait, each has its share to within one lease, whatever the keys.
 *
 * `KEYED_CLASSES_RUNS=2000` plays more of them, `KEYED_CLASSES_FROM` others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type KeyedLease, KeyedPool, Selector, type Status } from "../../src/index.ts"
import { calm, type Thing, world } from "../support/keyed.ts"
import { drawing } from "../support/random.ts"

type Name = "a" | "b" | "c"
const declared: ReadonlyArray<Name> = ["a", "b", "c"]
const names: ReadonlyArray<Name | undefined> = [...declared, undefined]
const keys = ["x", "y", "z"]

interface Borrower {
  readonly name: Name | undefined
  readonly key: string
  readonly scope: Scope.Closeable
  /** 0 of one that borrows no several. */
  readonly many: number
  readonly fiber: Fiber.Fiber<ReadonlyArray<KeyedLease<string, Thing>>, unknown>
}

interface Setting {
  readonly slow: boolean
  readonly detects: boolean
  readonly hooks: boolean
  readonly sharing: number
  readonly chooses: boolean
  readonly keeps: boolean
  readonly fails: boolean
}

const usual: Setting = {
  slow: false,
  detects: false,
  hooks: false,
  sharing: 1,
  chooses: false,
  keeps: false,
  fails: false
}

const run = (seed: number, { chooses, detects, fails, hooks, keeps, sharing, slow }: Setting) =>
  Effect.scoped(Effect.gen(function*() {
    const draw = drawing(seed)
    let max = 2 + draw(5)
    const perKey = draw(2) === 0 ? 1 + draw(3) : Infinity
    const ofKey = Math.min(perKey, max)
    let left = max
    const limits = () => {
      const reserve = draw(3) === 0 ? Math.min(left, draw(3)) : 0
      left -= reserve
      return { reserve, most: draw(2) === 0 ? 1000 : Math.max(reserve, 1 + draw(4)), weight: 1 + draw(4) }
    }
    const classes = { a: limits(), b: limits(), c: limits() }
    const reserved = max - left
    const there = world(7, perKey)
    let paused = slow
    const pause = Effect.suspend(() => paused ? Effect.sleep(draw(20)) : Effect.void)
    there.script.acquire = () => Effect.andThen(pause, () => fails && draw(6) === 0 ? Effect.fail("down") : Effect.void)
    there.script.destroy = () => pause
    const pool = yield* KeyedPool.make({
      ...there.options,
      size: {
        max,
        perKey: { max: perKey === Infinity ? "Infinity" : perKey, ...keeps && max > 3 && { min: draw(2) } }
      },
      classes,
      sharing,
      borrowTimeout: "Infinity",
      closing: { timeout: 0 },
      idleKeys: 30,
      ...detects && {
        detectStatus: () => Effect.as(pause, "Available" as Status.Answer),
        detection: { onBorrow: true, onRelease: draw(2) === 0 }
      },
      ...hooks && { onBorrow: () => pause, onRelease: () => pause },
      select: chooses ? (available) => available[draw(available.length)] : Selector.random
    })
    // time stands still as the test ends: what takes some has to end before
    yield* Effect.addFinalizer(() => {
      paused = false
      return TestClock.adjust("1 hour")
    })
    const borrowers = new Set<Borrower>()
    const log: Array<string> = []
    const said = () => `seed ${seed} ${JSON.stringify({ max, perKey, sharing, classes })}\n${log.slice(-14).join("\n")}`
    const reserve = (name: Name | undefined) => name === undefined ? 0 : classes[name].reserve
    const most = (name: Name | undefined) => name === undefined ? Infinity : classes[name].most
    const leasesOf = ({ fiber }: Borrower) => {
      const exit = fiber.pollUnsafe()
      return exit !== undefined && Exit.isSuccess(exit) ? exit.value : []
    }
    const hasOne = (one: Borrower) => leasesOf(one).length > 0
    const lentTo = (some: (one: Borrower) => boolean) =>
      [...borrowers].filter(some).reduce((sum, one) => sum + leasesOf(one).length, 0)
    const begin = (name: Name | undefined, key: string, priority: number, many: number) =>
      Effect.gen(function*() {
        const scope = Scope.makeUnsafe()
        const options = { ...name !== undefined && { class: name }, priority }
        const borrow = many === 0
          ? Effect.map(pool.borrowWith(key, options), (lease) => [lease])
          : pool.borrowMany(key, many, options)
        const fiber = yield* Effect.forkChild(Scope.provide(borrow, scope), { startImmediately: true })
        borrowers.add({ name, key, many, scope, fiber })
      })
    const end = (borrower: Borrower) => {
      borrowers.delete(borrower)
      return Effect.andThen(Fiber.interrupt(borrower.fiber), Scope.close(borrower.scope, Exit.void))
    }
    const owed = (leases: (name: Name) => number, but?: Name): number => {
      let sum = 0
      for (const name of declared) if (name !== but) sum += Math.max(0, reserve(name) - leases(name))
      return sum
    }

    const check = (settled: boolean) =>
      Effect.gen(function*() {
        // who has failed has neither an object nor waits
        for (const one of borrowers) {
          const exit = one.fiber.pollUnsafe()
          if (exit !== undefined && Exit.isFailure(exit)) borrowers.delete(one)
        }
        const stats = yield* pool.stats
        const leases = (name: Name) => stats.classes![name]!.leases
        assert.isAtMost(there.all, max, said())
        for (const name of declared) assert.isAtMost(leases(name), most(name), said())
        if (sharing === 1) assert.isAtLeast(max - stats.leases, owed(leases), said())
        if (!settled) return
        for (const name of declared) {
          const own = [...borrowers].filter((one) => one.name === name)
          const seen = { leases: lentTo((one) => one.name === name), waiting: own.filter((one) => !hasOne(one)).length }
          assert.deepInclude(stats.classes![name], seen, said())
        }
        if (sharing > 1 || keeps || fails || [...borrowers].some((one) => one.many > 0 && !hasOne(one))) return
        for (const one of borrowers) {
          if (hasOne(one)) continue
          const lent = lentTo((other) => other.key === one.key)
          const has = lentTo((other) => other.name === one.name)
          const could = has < most(one.name) && max - stats.leases - 1 >= owed(leases, one.name) && lent < ofKey
          assert.isFalse(could, `one of ${one.name} waits at ${one.key}: ${said()} ${JSON.stringify(stats)}`)
        }
      })
    const settle = TestClock.adjust(400).pipe(Effect.andThen(calm))

    for (let step = 0; step < 60; step++) {
      const name = names[draw(4)]
      const key = keys[draw(3)]!
      switch (draw(8)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          // those who borrow several are refused; of one it is the same
          const many = draw(10) === 0 ? 1 : 0
          log.push(`borrow ${name} at ${key} ${many}`)
          yield* begin(name, key, draw(3) === 0 ? draw(3) : 0, many)
          break
        }
        case 4:
        case 5: {
          const some = [...borrowers]
          const one = some[draw(Math.max(1, some.length))]
          if (one === undefined) break
          log.push(`end ${one.name} at ${one.key} ${hasOne(one) ? "has" : "waits"}`)
          yield* end(one)
          break
        }
        case 6:
          yield* TestClock.adjust(draw(15))
          break
        default: {
          // minimums that fill the whole leave a key nothing
          if (!keeps && draw(3) === 0) {
            max = Math.max(reserved, max + draw(2), 1)
            max = Math.min(max, 7)
            log.push(`resize ${max}`)
            yield* pool.resize({ max })
            break
          }
          const [one] = [...borrowers].filter(hasOne)
          if (one === undefined) break
          log.push(`invalidate at ${one.key}`)
          yield* leasesOf(one)[0]!.invalidate
        }
      }
      yield* check(false)
      if (draw(4) !== 0) continue
      yield* settle
      yield* check(true)
    }
    // everything comes back, and whoever waits is served
    for (let round = 0; borrowers.size > 0 && round < 200; round++) {
      yield* TestClock.adjust(2000)
      yield* settle
      yield* check(true)
      if (borrowers.size === 0) break
      const holder = [...borrowers].find(hasOne)
      if (holder === undefined && fails) continue
      assert.isDefined(holder, `nobody is served: ${said()} ${JSON.stringify(yield* pool.stats)}`)
      log.push(`end ${holder?.name} at ${holder?.key}`)
      if (holder !== undefined) yield* end(holder)
    }
    paused = false
    yield* TestClock.adjust("1 minute")
    assert.deepInclude(yield* pool.stats, { leases: 0, waiting: 0, borrowed: 0, making: 0 }, said())
    yield* pool.close
    assert.strictEqual(there.all, 0, said())
  }))

/** Borrowers of all classes wait at random keys, from the first to the last lease. */
const queue = (seed: number, slow: boolean) =>
  Effect.scoped(Effect.gen(function*() {
    const draw = drawing(seed)
    const max = 1 + draw(4)
    const weights = { a: 1 + draw(4), b: 1 + draw(4), c: 1 + draw(4) }
    const detects = draw(3) === 0
    const hooks = draw(3) === 0
    const pause = slow ? Effect.sleep(1) : Effect.void
    const there = world(max)
    if (slow) {
      there.script.acquire = () => Effect.sleep(1 + draw(3))
      there.script.destroy = () => Effect.sleep(draw(3))
    }
    const pool = yield* KeyedPool.make({
      ...there.options,
      size: { max },
      classes: { a: { weight: weights.a }, b: { weight: weights.b }, c: { weight: weights.c } },
      borrowTimeout: "Infinity",
      closing: { timeout: 0 },
      ...detects && {
        detectStatus: () => Effect.as(pause, "Available" as Status.Answer),
        detection: { onBorrow: draw(2) === 0, onRelease: draw(2) === 0 }
      },
      ...hooks && { onBorrow: () => pause, onRelease: () => pause }
    })
    yield* Effect.addFinalizer(() => {
      there.script.destroy = () => Effect.void
      return TestClock.adjust("1 hour")
    })
    const order: Array<Name> = []
    const waiting = { a: 0, b: 0, c: 0 }
    const one = (name: Name, key: string) =>
      pool.with(key, () =>
        Effect.suspend(() => {
          waiting[name]--
          order.push(name)
          return Effect.sleep(1 + draw(4))
        }), { class: name })
    // whoever holds all of it as they come
    const holders = yield* Effect.forEach(
      Array.from({ length: max }),
      (_, i) => Effect.forkChild(pool.with(keys[i % 3]!, () => Effect.sleep(50)), { startImmediately: true })
    )
    yield* TestClock.adjust(10)
    // a class may have all its borrowers at one key, where the others have none
    const own = { a: draw(4), b: draw(4), c: draw(4) }
    for (let i = 0; i < 30; i++) {
      for (const name of declared) {
        waiting[name]++
        yield* Effect.forkChild(one(name, keys[own[name] === 3 ? draw(3) : own[name]]!), { startImmediately: true })
      }
    }
    const at = `seed ${seed} ${JSON.stringify({ max, weights, own })}`
    for (let turn = 0; turn < 2000 && declared.every((name) => waiting[name] > max); turn++) {
      yield* TestClock.adjust(1)
      yield* calm
    }
    for (const holder of holders) yield* Fiber.join(holder)
    // in any stretch; those for whom something is made, detected or prepared at once are not served in their turns
    const apart = slow || detects || hooks ? max + 2 : 1
    for (const [name, other] of [["a", "b"], ["b", "c"], ["c", "a"]] as const) {
      let highest = 0
      let lowest = 0
      let lag = 0
      for (const each of order) {
        if (each === name) lag += 1 / weights[name]
        if (each === other) lag -= 1 / weights[other]
        highest = Math.max(highest, lag)
        lowest = Math.min(lowest, lag)
      }
      const within = apart * (1 / weights[name] + 1 / weights[other]) + 1e-9
      assert.isAtMost(highest - lowest, within, `${name} beside ${other}, ${at}: ${order.join("")}`)
    }
  }))

const settings: ReadonlyArray<readonly [string, Setting]> = [
  ["objects that are there at once", usual],
  ["objects that take time to come and to go", { ...usual, slow: true }],
  ["a detector", { ...usual, detects: true }],
  ["hooks", { ...usual, hooks: true, slow: true }],
  ["everything that takes time", { ...usual, detects: true, hooks: true, slow: true }],
  ["shared objects", { ...usual, sharing: 2, slow: true }],
  ["a selector of the user's own", { ...usual, chooses: true }],
  ["a minimum of each key", { ...usual, keeps: true, slow: true }],
  ["failures", { ...usual, fails: true, slow: true }]
]

const runs = Number(process.env["KEYED_CLASSES_RUNS"] ?? 12)
const from = Number(process.env["KEYED_CLASSES_FROM"] ?? 0)

describe("in any program of many keys", () => {
  for (const [title, setting] of settings) {
    it.effect(`no class has more than it may, nor less than its reserve, and nobody waits in vain: with ${title}`, () =>
      Effect.gen(function*() {
        for (let seed = from; seed < from + runs; seed++) yield* run(seed, setting)
      }))
  }

  for (const slow of [false, true]) {
    const title = slow ? "that take time to come and to go" : "that are there at once"
    it.effect(`classes that wait have their shares of all keys, to within one lease: of objects ${title}`, () =>
      Effect.gen(function*() {
        for (let seed = from; seed < from + runs; seed++) yield* queue(seed, slow)
      }))
  }
})
