/**
 * Random programs of borrowers whose connections end, of which one side hears later, and whose messages are swallowed or late:
 * no object has two holders, and nothing is left in the end.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { SharedPool } from "../../src/cluster.ts"
import { drawing } from "../support/random.ts"
import { arrive, makeWire } from "../support/wire.ts"
import { keyOf, Keys, usual } from "./contract.ts"

const settle = Effect.repeat(Effect.yieldNow, { times: 60 })

type Below = (n: number) => number
type Pool = Effect.Success<typeof Keys>

/** Who has which object, and what has happened. */
const makeLedger = () => {
  const holders = new Map<string, Set<number>>()
  const happened: Array<string> = []
  let lent = 0
  return {
    happened,
    /** Holds an object for a while. */
    hold: (key: string, while_: Effect.Effect<void>) =>
      Effect.suspend(() => {
        const me = ++lent
        const all = holders.get(key) ?? new Set()
        holders.set(key, all.add(me))
        happened.push(`${me} has ${key}`)
        if (all.size > 1) happened.push(`two holders: ${[...all].join(" and ")}`)
        return Effect.ensuring(
          while_,
          Effect.sync(() => {
            all.delete(me)
            happened.push(`${me} has ${key} no more`)
          })
        )
      }),
    assertSingle: (when: string) => {
      const twice = happened.find((line) => line.startsWith("two"))
      if (twice !== undefined) assert.fail(`${when}: ${twice}\n${happened.slice(-30).join("\n")}`)
    }
  }
}

/** Three borrowers of three objects, and what may be done to their connections. */
const makeWorld = Effect.fnUntraced(function*(below: Below, swallows: boolean) {
  const wire = makeWire()
  yield* Layer.build(
    Keys.layerServer({
      ...usual,
      objects: ["a", "b", "c"].map((name) => keyOf(name)),
      timeToLive: "1 second",
      borrowTimeout: "2 seconds"
    }).pipe(Layer.provide([wire.layerServer, SharedPool.layerAccess("anybody")]), Layer.orDie)
  )
  type End = Parameters<NonNullable<Parameters<typeof wire.layerClient>[0]>>[0]
  const ends: Array<End> = []
  const borrower = Effect.map(
    Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient((end) => void ends.push(end)))),
    Context.get(Keys)
  )
  const pools = [yield* borrower, yield* borrower, yield* borrower]
  yield* settle
  const ledger = makeLedger()
  const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
  /** What is still to happen, by when, in milliseconds. */
  let later: Array<{ readonly at: number; readonly act: () => void }> = []

  const hold = (pool: Pool) => {
    const options = [{}, {}, { need: { region: "eu" } }, { leaseTimeout: 50 + below(100) }][below(4)]!
    return pool.with((lease) => ledger.hold(lease.object.key, Effect.sleep(below(200))), options)
  }
  const cut = (end: ReturnType<End>, now: number) => {
    const told = wire.part(end.connection)
    const [first, second] = below(2) === 0 ? [told.server, told.borrower] : [told.borrower, told.server]
    ledger.happened.push(`connection ${end.connection} ends`)
    first()
    // a borrower hears within 50 milliseconds of what the host has heard; a host may hear at any time
    later.push({ at: now + below(first === told.server ? 25 : 300), act: second })
  }
  const swallow = ({ end }: ReturnType<End>, now: number) => {
    end.mute = true
    later.push({ at: now + below(300), act: () => void (end.mute = false) })
  }
  const delay = ({ end }: ReturnType<End>, now: number) => {
    end.late ??= []
    later.push({ at: now + below(60), act: () => arrive(end) })
  }
  /** One thing that happens. */
  const happen = (now: number): Effect.Effect<void, never, Scope.Scope> => {
    const at = below(3)
    const pool = pools[at]!
    const start = (effect: Effect.Effect<unknown, unknown>) =>
      Effect.map(
        Effect.forkScoped(Effect.exit(effect), { startImmediately: below(2) === 0 }),
        (fiber) => void fibers.push(fiber)
      )
    const acts: ReadonlyArray<() => Effect.Effect<void, never, Scope.Scope>> = [
      () => start(hold(pool)),
      () => start(hold(pool)),
      () => start(hold(pool)),
      () => start(hold(pool)),
      () => fibers.length === 0 ? Effect.void : start(Fiber.interrupt(fibers[below(fibers.length)]!)),
      () => fibers.length === 0 ? Effect.void : start(Fiber.interrupt(fibers[below(fibers.length)]!)),
      // what an operator asks for has no deadline
      () => swallows ? Effect.void : start(pool.stats),
      () => start(Effect.scoped(pool.tryBorrow)),
      () => Effect.sync(() => below(2) === 0 ? cut(ends[at]!(), now) : undefined),
      () => Effect.repeat(Effect.yieldNow, { times: below(6) }),
      () => Effect.sync(() => swallows ? swallow(ends[at]!(), now) : undefined),
      () => Effect.sync(() => swallows ? delay(ends[at]!(), now) : undefined)
    ]
    return acts[below(acts.length)]!()
  }
  return {
    wire,
    ledger,
    happen,
    /** What was to happen by now. */
    catchUp: (now: number) => {
      const due = later.filter(({ at }) => at <= now)
      later = later.filter(({ at }) => at > now)
      for (const { act } of due) act()
    },
    pending: () => fibers.filter((fiber) => fiber.pollUnsafe() === undefined).length
  }
})

const program = (seed: number, swallows: boolean) =>
  Effect.gen(function*() {
    const below = drawing(seed)
    const { catchUp, happen, ledger, pending, wire } = yield* makeWorld(below, swallows)
    for (let now = 0; now < 1500; now += 10) {
      for (let acts = below(4); acts > 0; acts--) yield* happen(now)
      yield* TestClock.adjust("10 millis")
      catchUp(now)
      ledger.assertSingle(`seed ${seed}`)
    }
    catchUp(Infinity)
    for (let n = 0; n < 60; n++) yield* TestClock.adjust("100 millis")
    ledger.assertSingle(`seed ${seed}`)
    const fresh = Context.get(yield* Layer.build(Layer.provide(Keys.layerRemote, wire.layerClient())), Keys)
    const { available, leases, waiting } = yield* fresh.stats
    assert.deepStrictEqual(
      { available, leases, waiting, pending: pending() },
      { available: 3, leases: 0, waiting: 0, pending: 0 },
      `seed ${seed}`
    )
  }).pipe(Effect.scoped)

/** Others each time: what fails says which it was. */
const first = Math.floor(Math.random() * 1e9)
const seeds = Array.from({ length: 10 }, (_, n) => first + n)

describe("in any program", () => {
  it.effect("of connections that end, no object has two holders, and nothing is left", () =>
    Effect.forEach(seeds, (seed) => program(seed, false), { discard: true }))

  it.effect("of connections that end, and swallow what they carry, or are late, it is the same", () =>
    Effect.forEach(seeds, (seed) => program(seed, true), { discard: true }))
})
