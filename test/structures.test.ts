import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { ObjectPool } from "../src/index.ts"
import type { Core } from "../src/internal/state/core.ts"
import type { Entry } from "../src/internal/state/entry.ts"
import { Registry } from "../src/internal/state/registry.ts"
import { type Request, Waiter, Waiters } from "../src/internal/state/waiters.ts"
import { type Deadline, Deadlines, make as makeDeadline } from "../src/internal/structures/deadlines.ts"
import { Hold } from "../src/internal/structures/hold.ts"
import { Queue } from "../src/internal/structures/queue.ts"
import { type Rank, Ranks } from "../src/internal/structures/ranks.ts"
import { Bits } from "../src/internal/structures/selection/bits.ts"
import { RandomSelection, SpreadSelection } from "../src/internal/structures/selection/list.ts"
import { Policy } from "../src/internal/structures/selection/policy.ts"
import * as Selection from "../src/internal/structures/selection/selection.ts"
import { start } from "./support/borrowers.ts"
import { costly, unhurried } from "./support/clocks.ts"

/** One who waits, and whom nothing happens to. */
class Idle extends Waiter<string, undefined> {
  fire(): void {}
  leave(): Effect.Effect<void> {
    return Effect.void
  }
  resumeSoon(): void {}
}

const sorted = (numbers: Iterable<number>): Array<number> => [...numbers].sort((a, b) => a - b)

/** Nothing sleeps here that nobody else holds. */
const hold = new Hold(() => ({}))

/** Chance from a seed, for operations: independent of the chance of what is tested. */
const dice = (seed: number) => {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return {
    below: (n: number): number => Math.floor(next() * n),
    one: <T>(items: ReadonlyArray<T>): T => items[Math.floor(next() * items.length)]!
  }
}

type Item = Entry<number, undefined>

/** A registry, and what is listed in it by a list. */
const world = (kind: Policy["kind"], f: unknown, seed: number) =>
  Effect.map(Random.Random, (random) => {
    const selection = Selection.make<Item>(new Policy(kind, f), random)
    const registry = new Registry(selection)
    const free: Array<Item> = []
    const busy: Array<Item> = []
    const { below, one } = dice(seed)
    let now = 0
    const cut = (items: Array<Item>, item: Item) => {
      items[items.indexOf(item)] = items.at(-1)!
      items.pop()
    }
    const join = () => {
      const entry = registry.join(now, undefined, {}, ++now)
      registry.move(entry, "Available")
      registry.list(entry)
      free.push(entry)
    }
    const steps: ReadonlyArray<() => void> = [
      join,
      () => {
        if (free.length === 0) return
        const entry = one(free)
        registry.move(entry, "Borrowed")
        entry.borrowCount += below(4)
        cut(free, entry)
        busy.push(entry)
      },
      () => {
        if (busy.length === 0) return
        const entry = one(busy)
        // some come back from a lease, the others from a detection
        if (below(2) === 0) registry.used(entry, ++now)
        registry.move(entry, "Available")
        registry.list(entry)
        cut(busy, entry)
        free.push(entry)
      },
      () => {
        const items = below(2) === 0 ? free : busy
        if (items.length === 0) return
        const entry = one(items)
        registry.move(entry, "Invalid")
        registry.drop(entry)
        cut(items, entry)
      }
    ]
    return { selection, registry, free, busy, join, below, one, steps }
  })

type World = Effect.Success<ReturnType<typeof world>>

/**
 * Random steps, with the choice compared after each; `grow` objects first, so that the levels of a tree are used, of
 * which `keep` stay listed.
 */
const agree = (
  kind: Policy["kind"],
  expected: (candidates: ReadonlyArray<Item>, world: World) => Item | undefined,
  { grow = 0, keep = grow, seed = 1, steps = 3000 }: {
    readonly grow?: number
    readonly keep?: number
    readonly seed?: number
    readonly steps?: number
  } = {}
) =>
  Effect.gen(function*() {
    const it = yield* world(kind, undefined, 42 + grow + seed)
    for (let i = 0; i < grow; i++) it.join()
    while (it.free.length > keep) it.steps[1]!()
    for (let i = 0; i < steps; i++) {
      it.one(it.steps)()
      const some = i % 5 === 0
      const candidates = some ? it.free.filter((_, j) => j % 3 !== i % 3) : it.free
      const want = expected(candidates, it)
      const got = some ? it.selection.among(candidates) : it.selection.pick()
      assert.strictEqual(got?.id, want?.id, `${kind}, step ${i}`)
      assert.isTrue(it.free.every((entry) => entry.slot !== -1) && it.busy.every((entry) => entry.slot === -1))
    }
    while (it.free.length + it.busy.length > 0) it.steps[3]!()
    assert.isUndefined(it.selection.pick())
    assert.strictEqual(it.registry.size, 0)
  })

const least = (compare: (a: Item, b: Item) => number) => (candidates: ReadonlyArray<Item>): Item | undefined =>
  candidates.reduce<Item | undefined>((found, entry) => found && compare(found, entry) <= 0 ? found : entry, undefined)

describe("the selections choose what a walk would choose", () => {
  const recent = { grow: 40 }
  it.effect("leastRecentlyUsed", () => agree("leastRecentlyUsed", least((a, b) => a.order - b.order), recent))
  it.effect("mostRecentlyUsed", () => agree("mostRecentlyUsed", least((a, b) => b.order - a.order), recent))
  it.effect("leastBorrowed", () =>
    agree("leastBorrowed", least((a, b) => a.borrowCount - b.borrowCount || a.id - b.id), { grow: 200 }))
  it.effect("each in the order of use, from many starts", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 40; seed++) {
        yield* agree("leastRecentlyUsed", least((a, b) => a.order - b.order), { grow: 30, steps: 60, seed })
        yield* agree("mostRecentlyUsed", least((a, b) => b.order - a.order), { grow: 30, steps: 60, seed })
        yield* agree("leastBorrowed", least((a, b) => a.borrowCount - b.borrowCount || a.id - b.id), {
          grow: 60,
          keep: 20,
          steps: 100,
          seed
        })
      }
    }))

  const sizes = [[0, 0], [31, 31], [32, 5], [33, 2], [1023, 1023], [1025, 9], [2100, 3], [33_000, 4]] as const
  for (const [grow, keep] of sizes) {
    it.effect(`roundRobin, from ${grow} objects of which ${keep} are free`, () => {
      let last = -1
      let places = 0
      const next = (candidates: ReadonlyArray<Item>) => {
        for (const { place } of candidates) places = Math.max(places, place + 1)
        const steps = (entry: Item) => (entry.place - last - 1 + 2 * places) % places
        const found = least((a, b) => steps(a) - steps(b))(candidates)
        if (found !== undefined) last = found.place
        return found
      }
      return agree("roundRobin", (candidates, { free, busy }) => {
        for (const { place } of [...free, ...busy]) places = Math.max(places, place + 1)
        return next(candidates)
      }, { grow, keep, steps: grow > 2100 ? 100 : 600 })
    }, { tags: grow > 2100 ? "large" : [] })
  }

  it.effect("roundRobin visits each of many objects once in a round, though places were reused", () =>
    Effect.gen(function*() {
      const it = yield* world("roundRobin", undefined, 7)
      for (let i = 0; i < 40_000; i++) it.join()
      for (let i = 0; i < 20_000; i++) it.steps[3]!()
      for (let i = 0; i < 5000; i++) it.join()

      const round = Array.from({ length: it.free.length }, () => it.selection.pick()!)

      assert.strictEqual(new Set(round).size, it.free.length)
      assert.strictEqual(it.selection.pick(), round[0])
      assert.isTrue(round.every(({ place }) => place < 40_000))
    }))

  it.effect("random chooses among what is listed, each as likely", () =>
    Effect.gen(function*() {
      const it = yield* world("random", undefined, 3)
      for (let i = 0; i < 2000; i++) it.one(it.steps)()
      while (it.free.length < 10) it.join()
      while (it.free.length > 10) it.steps[1]!()

      const drawn = new Map<Item, number>()
      for (let i = 0; i < 10_000; i++) {
        const entry = it.selection.pick()!
        drawn.set(entry, (drawn.get(entry) ?? 0) + 1)
      }

      assert.deepStrictEqual(sorted([...drawn.keys()].map(({ id }) => id)), sorted(it.free.map(({ id }) => id)))
      for (const times of drawn.values()) assert.approximately(times, 1000, 150)
    }).pipe(Random.withSeed("random")))

  it.effect("random over shared objects looks at none but one of those with the fewest leases, however many are open", () =>
    Effect.gen(function*() {
      const selection = new SpreadSelection<Item>(yield* Random.Random)
      const registry = new Registry(selection)
      const [busy, busier] = [50_000, 60_000].map((open) => {
        const entry = registry.join(open, undefined, {}, 0)
        entry.open = open
        selection.add(entry)
        return entry
      })
      const looks = vi.spyOn(RandomSelection.prototype, "pick")

      assert.strictEqual(selection.pick(), busy)
      selection.remove(busy!)
      assert.strictEqual(selection.pick(), busier)
      selection.add(busy!)
      assert.strictEqual(selection.pick(), busy)

      assert.strictEqual(looks.mock.calls.length, 3)
      looks.mockRestore()
    }))

  it.effect("weighted draws by exact sums after 100 000 changes", () =>
    Effect.gen(function*() {
      const weight = (entry: Item) => entry.id % 4 === 0 ? 0 : entry.id % 3 === 0 ? 0.1 : entry.id
      const it = yield* world("weighted", weight, 11)
      for (let i = 0; i < 100_000; i++) it.one(it.steps)()
      while (it.free.length > 12) it.one([it.steps[1]!, it.steps[3]!])()
      while (it.free.length < 12) it.join()

      const total = it.free.reduce((sum, entry) => sum + weight(entry), 0)
      const drawn = new Map<Item, number>()
      for (let i = 0; i < 20_000; i++) {
        const entry = it.selection.pick()!
        drawn.set(entry, (drawn.get(entry) ?? 0) + 1)
      }

      for (const entry of it.free) {
        assert.approximately((drawn.get(entry) ?? 0) / 20_000, weight(entry) / total, 0.015)
        if (weight(entry) === 0) assert.isFalse(drawn.has(entry))
      }
    }).pipe(Random.withSeed("weighted")), { tags: "large" })

  it.effect("weighted never draws what weighs nothing, though the sums were rounded", () =>
    Effect.gen(function*() {
      const { one } = dice(1)
      const weights = [0, 0, 1, 3, 1e-16, 1.1e-16, 0.1, 1 / 3, 1e16]
      const highest: Random.Random = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 1 - 2 ** -53 }
      for (let i = 0; i < 3000; i++) {
        const weight = Array.from({ length: 8 }, () => one(weights))
        if (!weight.some((each) => each > 0)) continue
        const it = yield* Effect.provideService(
          world("weighted", ({ id }: Item) => weight[id - 1]!, i),
          Random.Random,
          highest
        )
        for (let j = 0; j < 8; j++) it.join()
        assert.isAbove(weight[it.selection.pick()!.id - 1]!, 0, weight.join())
        assert.isAbove(weight[it.selection.among(it.free)!.id - 1]!, 0, weight.join())
      }
    }))

  it.effect("weighted still draws the one that weighs anything after very different weights have gone", () =>
    Effect.gen(function*() {
      const it = yield* world("weighted", ({ id }: Item) => id === 1 ? 1e-9 : id % 2 === 0 ? 1e300 : 0, 5)
      for (let i = 0; i < 100; i++) it.join()
      for (const entry of it.free.slice(1).filter(({ id }) => id % 2 === 0)) it.registry.move(entry, "Borrowed")

      for (let i = 0; i < 100; i++) assert.strictEqual(it.selection.pick()?.id, 1)
    }))
})

describe("a set of numbers", () => {
  it("finds the next member after a number, through additions and deletions in any order", () => {
    const { below } = dice(17)
    const bits = new Bits()
    const model = new Set<number>()
    for (let i = 0; i < 4000; i++) {
      const member = below([10, 40, 1100, 40_000][i % 4]!)
      if (below(2) === 0) {
        bits.add(member)
        model.add(member)
      } else {
        bits.delete(member)
        model.delete(member)
      }
      const least = below(1200)
      assert.strictEqual(bits.from(least), sorted(model).find((each) => each >= least))
    }
    for (const member of model) bits.delete(member)
    assert.isUndefined(bits.from(0))
  })
})

describe("a queue", () => {
  it("gives its members in the order in which they joined, whoever leaves, comes again, or joins meanwhile", () => {
    const { below } = dice(37)
    for (let round = 0; round < 200; round++) {
      const queue = new Queue<number | undefined>()
      let model: Array<number | undefined> = []
      for (let i = 0; i < 200; i++) {
        const member = below(30) === 0 ? undefined : below(40)
        switch (below(5)) {
          case 0:
          case 1:
            if (!model.includes(member)) model.push(member)
            queue.add(member)
            break
          case 2:
            assert.strictEqual(queue.delete(member), model.includes(member))
            model = model.filter((other) => other !== member)
            break
          case 3:
            assert.strictEqual(queue.take(), model.shift())
            break
          default:
            if (below(20) === 0) {
              queue.clear()
              model = []
            }
        }
        if (below(3) > 0) assert.strictEqual(queue.first, model[0])
        assert.strictEqual(queue.size, model.length)
      }
      assert.deepStrictEqual([...queue], model)
    }
  })
})

describe("ranks", () => {
  class Mark implements Rank<Mark> {
    static looks = 0
    readonly next: Array<Mark | undefined> = []
    private readonly value: number
    constructor(value: number) {
      this.value = value
    }
    get key(): number {
      Mark.looks++
      return this.value
    }
  }
  const all = (ranks: Ranks<Mark>) => {
    const keys: Array<number> = []
    for (let mark = ranks.first; mark !== undefined; mark = mark.next[0]) keys.push(mark.key)
    return keys
  }

  it("are in order, each once, through additions and removals in any order", () => {
    const { below, one } = dice(29)
    const ranks = new Ranks<Mark>()
    const model = new Map<number, Mark>()
    for (let i = 0; i < 5000; i++) {
      const key = below(10) === 0 ? one([Infinity, -Infinity, 0, 0.5]) : below(300) - 100
      const mark = model.get(key)
      assert.strictEqual(ranks.find(key), mark)
      if (mark === undefined) {
        model.set(key, new Mark(key))
        ranks.add(model.get(key)!)
      } else {
        ranks.remove(mark)
        model.delete(key)
        assert.strictEqual(mark.next.length, 0)
      }
      if (i % 10 === 0) assert.deepStrictEqual(all(ranks), sorted(model.keys()))
    }
  })

  it(
    "are found, added and removed in few steps, however many there are and in whatever order",
    { tags: "large" },
    () => {
      const { below } = dice(31)
      const n = 20_000
      const orders = [(i: number) => i, (i: number) => n - i, (i: number) => (i * 7919) % n, () => below(1e9)]
      for (const order of orders) {
        const ranks = new Ranks<Mark>()
        const marks = new Map<number, Mark>()
        Mark.looks = 0
        for (let i = 0; i < n; i++) {
          const key = order(i)
          if (ranks.find(key) !== undefined) continue
          const mark = new Mark(key)
          ranks.add(mark)
          marks.set(key, mark)
        }
        for (const mark of marks.values()) ranks.remove(mark)

        assert.isUndefined(ranks.first)
        assert.isBelow(Mark.looks / n, 200)
      }
    }
  )
})

describe("the registry", () => {
  it("finds every entry of an object, the oldest first, through joins and drops in any order", () => {
    const { below, one } = dice(23)
    const registry = new Registry<unknown, undefined>(
      Selection.make(new Policy("leastRecentlyUsed"), Effect.runSync(Random.Random))
    )
    const shared = {}
    const objects = [0, -0, NaN, "a", "", null, undefined, shared, false]
    const model: Array<Entry<unknown, undefined>> = []
    for (let i = 0; i < 3000; i++) {
      if (model.length === 0 || below(100) < 52) model.push(registry.join(one(objects), undefined, {}, i))
      else {
        const [entry] = model.splice(below(model.length), 1)
        registry.move(entry!, "Invalid")
        registry.drop(entry!)
        registry.drop(entry!)
        assert.deepStrictEqual(registry.find(entry!.pooled as unknown), [])
      }
      const object = one(objects)
      assert.deepStrictEqual(
        registry.find(object).map(({ id }) => id),
        model.filter((entry) => Object.is(entry.object, object)).map(({ id }) => id)
      )
      assert.strictEqual(registry.size, model.length)
      assert.strictEqual(registry.duplicate(shared) !== undefined, model.some((entry) => entry.object === shared))
      assert.isUndefined(registry.duplicate("a"))
    }
    for (const entry of model) assert.deepStrictEqual(registry.find(entry.pooled as unknown), [entry])
  })

  it("refuses an illegal move, naming the object, both statuses and the legal ones", () => {
    const registry = new Registry<string, undefined>(
      Selection.make(new Policy("random"), Effect.runSync(Random.Random))
    )
    const entry = registry.join("a", undefined, {}, 0)

    assert.throws(() => registry.move(entry, "Borrowed"), /object 1: Pending -> Borrowed; legal .*Available.*Invalid/)
    registry.move(entry, "Invalid")
    assert.throws(() => registry.move(entry, "Available"), /Invalid -> Available; legal from Invalid: none/)
    assert.strictEqual(entry.status, "Invalid")
    assert.deepInclude(registry.counts, { Invalid: 1, Pending: 0 })
  })
})

describe("the queue of waiters", () => {
  /** As far as the queue looks at one. */
  const fiber = (id: number) => ({ id }) as unknown as Fiber.Fiber<unknown, unknown>
  const request = (priority: number): Request<string, undefined> => ({
    timeout: Infinity,
    where: undefined,
    priority,
    leaseTimeout: undefined,
    cost: 1,
    favours: undefined,
    wants: undefined,
    facet: undefined,
    queues: true
  })
  const order = (waiters: Waiters<string, undefined>) => {
    const seen: Array<number> = []
    for (let waiter = waiters.first; waiter !== undefined; waiter = waiters.after(waiter)) seen.push(waiter.owner)
    return seen
  }

  it("is in order of priority, then of arrival, through joins and leaves in any order", () => {
    const { below, one } = dice(5)
    const core = { deadlines: { now: () => 0 } } as unknown as Core<string, undefined>
    const waiters = new Waiters<string, undefined>({ makes: true, detects: true, prepares: true }, hold)
    let model: Array<Waiter<string, undefined>> = []
    const priorities = [0, -0, 1, -1, 0.5, Infinity, -Infinity, 1e9]
    for (let i = 0; i < 4000; i++) {
      const dice = below(100)
      if (model.length === 0 || dice < 45) {
        const waiter = new Idle(core, request(one(priorities)), fiber(i))
        if (below(2) === 0) waiter.choosing = true
        waiters.join(waiter)
        const at = model.findIndex((other) => other.request.priority < waiter.request.priority)
        model.splice(at === -1 ? model.length : at, 0, waiter)
      } else if (dice < 80) {
        const waiter = one(model)
        waiters.leave(waiter)
        waiters.leave(waiter)
        model = model.filter((other) => other !== waiter)
        assert.isUndefined(waiters.after(waiter))
      } else {
        const waiter = one(model)
        waiters.note(waiter, "choosing", below(2) === 0)
        waiters.note(waiter, "detection", below(2) === 0 ? undefined : {} as NonNullable<typeof waiter.detection>)
      }
      assert.strictEqual(waiters.size, model.length)
      assert.strictEqual(waiters.busy, model.filter((waiter) => waiter.busy).length)
      if (i % 10 === 0) assert.deepStrictEqual(order(waiters), model.map(({ owner }) => owner))
    }
    for (const waiter of model) waiters.leave(waiter)
    assert.deepInclude(waiters, { size: 0, busy: 0 })
    assert.isUndefined(waiters.first)
  })

  it("is walked past none that stays, whoever joins and leaves meanwhile", () => {
    const { below, one } = dice(17)
    const core = { deadlines: { now: () => 0 } } as unknown as Core<string, undefined>
    for (let round = 0; round < 300; round++) {
      const waiters = new Waiters<string, undefined>({ makes: true, detects: true, prepares: true }, hold)
      const join = (id: number) => {
        const waiter = new Idle(core, request(one([0, 0, 1])), fiber(id))
        waiters.join(waiter)
        return waiter
      }
      const stay = new Set<Waiter<string, undefined>>(Array.from({ length: 12 }, (_, i) => join(i)))
      const visited = new Set<Waiter<string, undefined>>()
      let steps = 0

      waiters.each((waiter) => {
        visited.add(waiter)
        steps++
        // the one that is visited leaves, and with it those behind it, or before it; and others join
        if (below(3) > 0) return
        const leaving = below(2) === 0 ? [waiter, waiters.after(waiter)] : [waiters.after(waiter), one([...stay])]
        for (const other of leaving) {
          if (other === undefined) continue
          waiters.leave(other)
          stay.delete(other)
        }
        if (below(4) === 0) void join(100 + steps)
      })

      for (const waiter of stay) assert.isTrue(visited.has(waiter))
    }
  })

  it("finds the first of whom something holds as a walk would, through all that may change that", () => {
    const { below, one } = dice(41)
    const core = { deadlines: { now: () => 0 } } as unknown as Core<string, undefined>
    for (let round = 0; round < 40; round++) {
      const waiters = new Waiters<string, undefined>({ makes: true, detects: true, prepares: true }, hold)
      const model: Array<Waiter<string, undefined>> = []
      const walk = (holds: (waiter: Waiter<string, undefined>) => boolean) => {
        for (let waiter = waiters.first; waiter !== undefined; waiter = waiters.after(waiter)) {
          if (holds(waiter)) return waiter
        }
        return undefined
      }
      const priorities = round % 2 === 0 ? [0] : [0, 1, 2, -1]
      for (let i = 0; i < 300; i++) {
        const waiter = one(model)
        switch (model.length === 0 ? 0 : below(7)) {
          case 0:
          case 1:
            model.push(new Idle(core, request(one(priorities)), fiber(i)))
            waiters.join(model.at(-1)!)
            break
          case 2:
            waiters.leave(model.splice(below(model.length), 1)[0]!)
            break
          case 3:
            waiters.note(waiter, "detection", below(2) === 0 ? undefined : {} as NonNullable<typeof waiter.detection>)
            break
          case 4:
            waiters.note(waiter, "creation", below(2) === 0 ? undefined : {} as NonNullable<typeof waiter.creation>)
            break
          case 5:
            if (below(4) === 0) waiter.misfit = true
            break
          default: {
            const idle = ({ busy, misfit }: Waiter<string, undefined>) => !busy && !misfit
            const heir = ({ creation, misfit }: Waiter<string, undefined>) => creation === undefined && !misfit
            const free = ({ detection }: Waiter<string, undefined>) => detection === undefined
            const fitting = ({ misfit }: Waiter<string, undefined>) => !misfit
            assert.strictEqual(waiters.idle!.first(idle), walk(idle))
            assert.strictEqual(waiters.heirs!.first(heir), walk(heir))
            assert.strictEqual(waiters.fitting!.first(fitting), walk(fitting))
            assert.strictEqual(waiters.free!.first(free), walk(free))
            assert.strictEqual(waiters.unprepared!.first(free), walk(free))
          }
        }
      }
    }
  })

  for (const priorities of [1, 5000]) {
    it(`looks at few to find one of 5000 for whom nothing is made, with ${priorities} priorities`, () => {
      const core = { deadlines: { now: () => 0 } } as unknown as Core<string, undefined>
      const waiters = new Waiters<string, undefined>({ makes: true, detects: true, prepares: true }, hold)
      const n = 5000
      const all = Array.from({ length: n }, (_, i) => {
        const waiter = new Idle(core, request((i * 7919) % priorities), fiber(i))
        waiters.join(waiter)
        waiters.note(waiter, "creation", {} as NonNullable<typeof waiter.creation>)
        return waiter
      })
      let looks = 0
      const heir = ({ creation }: Waiter<string, undefined>) => {
        looks++
        return creation === undefined
      }

      assert.isUndefined(waiters.heirs!.first(heir))
      for (const waiter of all.reverse()) {
        waiters.note(waiter, "creation", undefined)
        assert.strictEqual(waiters.heirs!.first(heir), waiter)
        waiters.note(waiter, "creation", {} as NonNullable<typeof waiter.creation>)
        assert.isUndefined(waiters.heirs!.first(heir))
      }

      assert.isBelow(looks / n, 10)
    })
  }

  it("compares few priorities for each waiter, though each has one of its own", () => {
    const core = { deadlines: { now: () => 0 } } as unknown as Core<string, undefined>
    const waiters = new Waiters<string, undefined>({ makes: true, detects: true, prepares: true }, hold)
    const n = 5000
    let looks = 0
    const looked = (priority: number) => ({
      valueOf: () => {
        looks++
        return priority
      }
    })
    const all = Array.from({ length: n }, (_, i) => {
      const priority = looked((i * 7919) % n) as unknown as number
      return new Idle(core, request(priority), fiber((i * 7919) % n))
    })

    for (const waiter of all) waiters.join(waiter)
    assert.strictEqual(waiters.idle!.first(() => true), waiters.first)
    const served = order(waiters)
    for (const waiter of all) waiters.leave(waiter)

    assert.deepStrictEqual(served, Array.from({ length: n }, (_, i) => n - 1 - i))
    assert.isBelow(looks / n, 100)
  })

  it.effect("100 000 waiters are served in order by one object, without deep stacks", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"] })
      const lease = yield* pool.borrow
      const served: Array<number> = []
      const work = (i: number) => pool.with(() => Effect.sync(() => served.push(i)))
      const fibers = yield* Effect.forEach(Array.from({ length: 100_000 }, (_, i) => i), (i) => start(work(i)))

      yield* lease.release
      yield* Fiber.joinAll(fibers)

      assert.strictEqual(served.length, 100_000)
      assert.isTrue(served.every((n, i) => n === i))
    }), { tags: "large" })

  it.effect("100 000 waiters time out together, without deep stacks", () =>
    Effect.gen(function*() {
      const pool = yield* ObjectPool.make({ objects: ["a"], borrowTimeout: "1 second" })
      yield* pool.borrow
      const waiters = yield* Effect.forEach(Array.from({ length: 100_000 }), () =>
        start(Effect.exit(Effect.scoped(pool.borrow))))

      yield* TestClock.adjust("1 second")

      yield* Fiber.joinAll(waiters)
      assert.deepInclude(yield* pool.stats, { waiting: 0 })
      assert.strictEqual((yield* pool.stats).totals.timedOut, 100_000)
    }), { tags: "large" })
})

describe("the deadlines", () => {
  const make = Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const context = yield* Effect.context<never>()
    const forks = { n: 0 }
    const deadlines = new Deadlines(
      clock,
      (effect) => {
        forks.n++
        return Effect.runForkWith(context)(effect)
      },
      () => assert.fail("none of these throws"),
      hold
    )
    const fired: Array<readonly [name: number, at: number]> = []
    const named = (name: number): Deadline => makeDeadline(() => fired.push([name, deadlines.now()]))
    return { deadlines, fired, forks, named }
  })

  it.live("go by the monotonic time that effect's own clock tells", () =>
    Effect.gen(function*() {
      const { deadlines } = yield* make
      const told = Effect.clockWith((clock) => Effect.sync(() => Number(clock.monotonicTimeNanosUnsafe()) / 1e6))
      const before = yield* told
      const now = deadlines.now()

      assert.isAtLeast(now, before - 1)
      assert.isAtMost(now, (yield* told) + 1)
    }))

  it.effect("fire in the order of their times, each at its time", () =>
    Effect.gen(function*() {
      const { deadlines, fired, named } = yield* make
      const { below } = dice(77)
      const due = Array.from({ length: 500 }, () => 1 + below(1000))
      for (const [i, at] of due.entries()) deadlines.set(named(i), at)

      for (let now = 0; now < 1000; now += 10) yield* TestClock.adjust(10)

      assert.strictEqual(fired.length, 500)
      for (const [name, at] of fired) {
        assert.isAtLeast(at, due[name]!)
        assert.isAtMost(at, due[name]!)
      }
      assert.deepStrictEqual(fired.map(([, at]) => at), fired.map(([, at]) => at).sort((a, b) => a - b))
    }))

  for (const [what, few] of [["of any length", false], ["that are mostly of one length", true]] as const) {
    it.effect(`agree with a list through random settings, moves and cancellations, ${what}`, () =>
      Effect.gen(function*() {
        const { deadlines, fired, named } = yield* make
        const { below, one } = dice(99)
        const all = Array.from({ length: 60 }, (_, i) => named(i))
        const model = new Map<number, number>()
        const expected: Array<number> = []
        let now = 0
        for (let i = 0; i < 3000; i++) {
          const name = below(all.length)
          switch (below(4)) {
            case 0:
            case 1: {
              const due = few && below(100) > 0 ? now + 60 : one([now + below(50), now + below(2000), Infinity])
              deadlines.set(all[name]!, due)
              if (due === Infinity) model.delete(name)
              else model.set(name, due)
              break
            }
            case 2:
              deadlines.cancel(all[name]!)
              model.delete(name)
              break
            default: {
              const step = below(30)
              yield* TestClock.adjust(step)
              now += step
              for (const [other, due] of [...model]) {
                if (due > now) continue
                model.delete(other)
                expected.push(other)
              }
            }
          }
          assert.isTrue(all.every((deadline, j) => (deadline.index !== -1) === model.has(j) || model.get(j) === now))
        }
        yield* TestClock.adjust(5000)
        expected.push(...model.keys())

        assert.strictEqual(fired.length, expected.length)
        assert.deepStrictEqual(sorted(fired.map(([name]) => name)), sorted(expected))
      }))
  }

  it.effect("that take long to fire let other fibers run in between", () =>
    Effect.gen(function*() {
      const { clock, toll } = yield* costly
      const deadlines = new Deadlines(clock, Effect.runForkWith(yield* Effect.context<never>()), () =>
        assert.fail(), hold)
      let fired = 0
      for (let i = 0; i < 200; i++) {
        deadlines.set(
          makeDeadline(() =>
            fired++
          ),
          100
        )
      }
      toll.millis = 1
      const seen = new Set<number>()
      yield* start(Effect.forever(Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() =>
          seen.add(fired)
        )
      )))

      yield* TestClock.adjust(100)
      yield* Effect.repeat(Effect.yieldNow, { times: 50 })

      assert.strictEqual(fired, 200)
      assert.isAtLeast(seen.size, 4)
    }))

  it.effect("more than one batch that is due at once all fire, and let other fibers run in between", () =>
    Effect.gen(function*() {
      const { deadlines, fired, named } = yield* make
      for (let i = 0; i < 5000; i++) deadlines.set(named(i), 100)
      let turns = 0
      yield* start(
        Effect.forever(Effect.andThen(Effect.yieldNow, Effect.sync(() => fired.length % 5000 > 0 && turns++)))
      )

      yield* TestClock.adjust(99)
      assert.strictEqual(fired.length, 0)
      yield* TestClock.adjust(1)

      assert.strictEqual(fired.length, 5000)
      assert.isTrue(fired.every(([, at]) => at === 100))
      assert.isAtLeast(turns, 4)
    }).pipe(unhurried))

  it.effect("share one timer, that is replaced only by an earlier one", () =>
    Effect.gen(function*() {
      const { deadlines, fired, forks, named } = yield* make

      for (let i = 0; i < 100; i++) deadlines.set(named(i), 1000 + i)
      assert.strictEqual(forks.n, 1)
      deadlines.set(named(100), 500)
      assert.strictEqual(forks.n, 2)
      yield* TestClock.adjust(2000)

      assert.strictEqual(fired.length, 101)
      assert.strictEqual(fired[0]![0], 100)
    }))

  it.effect("that are set, moved or cancelled by one that fires are heeded", () =>
    Effect.gen(function*() {
      const { deadlines, fired, named } = yield* make
      const victim = named(1)
      const moved = named(2)
      deadlines.set(
        makeDeadline(() => {
          deadlines.cancel(victim)
          deadlines.set(moved, 300)
          deadlines.set(named(3), 0)
          deadlines.set(named(4), 150)
        }),
        100
      )
      deadlines.set(victim, 100)
      deadlines.set(moved, 120)

      yield* TestClock.adjust(1000)

      assert.deepStrictEqual(fired, [[3, 100], [4, 150], [2, 300]])
    }))

  it.effect("one that is due already never fires within the step that sets it", () =>
    Effect.gen(function*() {
      const { deadlines, fired, named } = yield* make
      yield* TestClock.adjust(100)

      deadlines.set(named(0), 50)
      deadlines.set(named(1), -Infinity)
      assert.deepStrictEqual(fired, [])
      yield* TestClock.adjust(0)

      assert.deepStrictEqual(sorted(fired.map(([name]) => name)), [0, 1])
    }))

  it.effect("that are ended never fire, nor do those that are set later", () =>
    Effect.gen(function*() {
      const { deadlines, fired, forks, named } = yield* make
      deadlines.set(named(0), 50)
      deadlines.end()
      deadlines.set(named(1), 60)

      yield* TestClock.adjust(1000)

      assert.deepStrictEqual(fired, [])
      assert.strictEqual(forks.n, 1)
    }))
})
