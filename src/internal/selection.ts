/**
 * The data structures behind the selectors: each holds what is lendable, and picks one of it without a walk.
 *
 * An entry knows its place (`slot`, `previous`, `next`), so that leaving costs no search. `pick` and `among` do not take
 * the entry out: the registry does when the entry's status moves.
 */
import type * as Random from "effect/Random"
import type { PooledObject } from "../PooledObject.ts"
import type { Policy } from "./policy.ts"
import type { Entry } from "./registry.ts"

export interface Selection<A, D> {
  add(entry: Entry<A, D>): void
  remove(entry: Entry<A, D>): void
  /** The choice among all that is listed. */
  pick(): Entry<A, D> | undefined
  /** The choice among some of what is listed. */
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined
  /** The entry has left the pool. */
  forget(entry: Entry<A, D>): void
}

type RandomService = (typeof Random.Random)["Service"]

export const make = <A, D>(policy: Policy, random: RandomService, sharing = 1): Selection<A, D> => {
  switch (policy.kind) {
    case "random":
      return sharing === 1 ? new RandomSelection(random) : new SpreadSelection(random)
    case "roundRobin":
      return new RingSelection()
    case "leastRecentlyUsed":
      return new RecencySelection(false)
    case "mostRecentlyUsed":
      return new RecencySelection(true)
    case "leastBorrowed":
      return new CountSelection()
    case "weighted":
      return new WeightSelection(random, policy.f as (pooled: PooledObject<A, D>) => number)
    case "custom":
      return new ListSelection()
  }
}

/** The best of a list: the first for which nothing is better. */
const best = <T>(candidates: ReadonlyArray<T>, better: (self: T, than: T) => boolean): T | undefined => {
  let found = candidates[0]
  for (let i = 1; i < candidates.length; i++) {
    const candidate = candidates[i]!
    if (better(candidate, found!)) found = candidate
  }
  return found
}

/** What is listed, in an array without order: the last fills the place of the one that leaves. */
class ListSelection<A, D> implements Selection<A, D> {
  protected readonly listed: Array<Entry<A, D>> = []
  add(entry: Entry<A, D>): void {
    entry.slot = this.listed.length
    this.listed.push(entry)
  }
  remove(entry: Entry<A, D>): void {
    const last = this.listed.pop()!
    if (last !== entry) {
      this.listed[entry.slot] = last
      last.slot = entry.slot
    }
    entry.slot = -1
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.listed[0]
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return candidates[0]
  }
}

class RandomSelection<A, D> extends ListSelection<A, D> {
  private readonly random: RandomService
  constructor(random: RandomService) {
    super()
    this.random = random
  }
  override pick(): Entry<A, D> | undefined {
    return this.among(this.listed)
  }
  override among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    const n = candidates.length
    return n < 2 ? candidates[0] : candidates[Math.min(n - 1, Math.floor(this.random.nextDoubleUnsafe() * n))]
  }
}

/** At random among those with the fewest open leases: a bucket for each number of them. */
class SpreadSelection<A, D> implements Selection<A, D> {
  private readonly random: RandomService
  private readonly buckets: Array<RandomSelection<A, D>> = []
  constructor(random: RandomService) {
    this.random = random
  }
  add(entry: Entry<A, D>): void {
    while (this.buckets.length <= entry.open) this.buckets.push(new RandomSelection(this.random))
    entry.place = entry.open
    this.buckets[entry.place]!.add(entry)
  }
  remove(entry: Entry<A, D>): void {
    this.buckets[entry.place]!.remove(entry)
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    for (const bucket of this.buckets) {
      const entry = bucket.pick()
      if (entry !== undefined) return entry
    }
    return undefined
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    const fewest = Math.min(...candidates.map((entry) => entry.open))
    return this.buckets[0]?.among(candidates.filter((entry) => entry.open === fewest))
  }
}

/**
 * A ring of places. Each object keeps its place from its first listing until it leaves the pool; a tree of bit sets, 32
 * to a word, tells which places are lendable, so that the next one after the last is found in a step for every power
 * of 32.
 */
class RingSelection<A, D> implements Selection<A, D> {
  /** `levels[0]` has a bit for each place, `levels[n + 1]` one for each word of `levels[n]`; the last has one word. */
  private readonly levels: Array<Array<number>> = [[0]]
  private readonly places: Array<Entry<A, D> | undefined> = []
  private readonly free: Array<number> = []
  private last = -1
  add(entry: Entry<A, D>): void {
    if (entry.place === -1) {
      entry.place = this.free.pop() ?? this.places.push(undefined) - 1
      this.places[entry.place] = entry
    }
    entry.slot = entry.place
    let index = entry.place
    for (let level = 0; level < this.levels.length; level++) {
      const words = this.levels[level]!
      const word = index >>> 5
      while (words.length <= word) words.push(0)
      words[word]! |= 1 << (index & 31)
      if (words.length > 1 && level + 1 === this.levels.length) this.levels.push([words[0] === 0 ? 0 : 1])
      index = word
    }
  }
  remove(entry: Entry<A, D>): void {
    let index = entry.slot
    entry.slot = -1
    for (const words of this.levels) {
      const word = index >>> 5
      words[word]! &= ~(1 << (index & 31))
      if (words[word] !== 0) return
      index = word
    }
  }
  forget(entry: Entry<A, D>): void {
    if (entry.place === -1) return
    this.places[entry.place] = undefined
    this.free.push(entry.place)
    entry.place = -1
  }
  pick(): Entry<A, D> | undefined {
    const place = this.from(this.last + 1) ?? this.from(0)
    if (place === undefined) return undefined
    this.last = place
    return this.places[place]
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    const steps = (entry: Entry<A, D>) => {
      const ahead = entry.place - this.last
      return ahead > 0 ? ahead : ahead + this.places.length
    }
    const found = best(candidates, (self, than) => steps(self) < steps(than))
    if (found !== undefined) this.last = found.place
    return found
  }
  /** The first lendable place at or after `index`: up to a level that has one, then down to it. */
  private from(index: number): number | undefined {
    let level = 0
    for (;;) {
      const words = this.levels[level]
      if (words === undefined) return undefined
      const bits = (words[index >>> 5] ?? 0) & (-1 << (index & 31))
      if (bits !== 0) {
        index = (index & ~31) | lowest(bits)
        break
      }
      index = (index >>> 5) + 1
      level++
    }
    while (level > 0) {
      level--
      index = (index << 5) | lowest(this.levels[level]![index]!)
    }
    return index
  }
}

const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)

/**
 * A list in order of use. An object that returns is the latest, and goes to the end at once; one that was only
 * detected goes back to its old place, which is sought from the nearer end.
 */
class RecencySelection<A, D> implements Selection<A, D> {
  private readonly latestFirst: boolean
  private earliest: Entry<A, D> | undefined = undefined
  private latest: Entry<A, D> | undefined = undefined
  constructor(latestFirst: boolean) {
    this.latestFirst = latestFirst
  }
  add(entry: Entry<A, D>): void {
    const order = entry.order
    let after = this.latest
    if (after !== undefined && after.order > order) {
      if (this.earliest!.order > order) {
        after = undefined
      } else if (after.order - order <= order - this.earliest!.order) {
        while (after!.order > order) after = after!.previous
      } else {
        after = this.earliest
        while (after!.next!.order < order) after = after!.next
      }
    }
    const before: Entry<A, D> | undefined = after === undefined ? this.earliest : after.next
    entry.slot = 0
    entry.previous = after
    entry.next = before
    if (after === undefined) this.earliest = entry
    else after.next = entry
    if (before === undefined) this.latest = entry
    else before.previous = entry
  }
  remove(entry: Entry<A, D>): void {
    if (entry.previous === undefined) this.earliest = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.latest = entry.previous
    else entry.next.previous = entry.previous
    entry.slot = -1
    entry.previous = entry.next = undefined
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.latestFirst ? this.latest : this.earliest
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, this.latestFirst ? (a, b) => a.order > b.order : (a, b) => a.order < b.order)
  }
}

const lentLess = <A, D>(a: Entry<A, D>, b: Entry<A, D>): boolean =>
  a.borrowCount < b.borrowCount || (a.borrowCount === b.borrowCount && a.id < b.id)

/** A binary heap by number of borrows. */
class CountSelection<A, D> implements Selection<A, D> {
  private readonly heap: Array<Entry<A, D>> = []
  add(entry: Entry<A, D>): void {
    entry.slot = this.heap.length
    this.heap.push(entry)
    this.up(entry)
  }
  remove(entry: Entry<A, D>): void {
    const last = this.heap.pop()!
    if (last !== entry) {
      last.slot = entry.slot
      this.heap[last.slot] = last
      this.up(last)
      this.down(last)
    }
    entry.slot = -1
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.heap[0]
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, lentLess)
  }
  private up(entry: Entry<A, D>): void {
    while (entry.slot > 0) {
      const parent = this.heap[(entry.slot - 1) >> 1]!
      if (!lentLess(entry, parent)) return
      this.swap(entry, parent)
    }
  }
  private down(entry: Entry<A, D>): void {
    for (;;) {
      const left = this.heap[2 * entry.slot + 1]
      if (left === undefined) return
      const right = this.heap[2 * entry.slot + 2]
      const child = right !== undefined && lentLess(right, left) ? right : left
      if (!lentLess(child, entry)) return
      this.swap(entry, child)
    }
  }
  private swap(a: Entry<A, D>, b: Entry<A, D>): void {
    const slot = a.slot
    a.slot = b.slot
    b.slot = slot
    this.heap[a.slot] = a
    this.heap[b.slot] = b
  }
}

/**
 * A sum tree: leaves are weights, inner nodes the sums of their two children, so that a draw goes down one path. Sums
 * are added anew on the way up, never corrected by differences: rounding does not pile up.
 */
class WeightSelection<A, D> extends ListSelection<A, D> {
  private readonly random: RandomService
  private readonly weight: (pooled: PooledObject<A, D>) => number
  private capacity = 1
  private sums: Array<number> = [0, 0]
  /** Those whose weight made no sense when it was read: it is read again when the next one is picked. */
  private readonly faulty = new Set<Entry<A, D>>()

  constructor(random: RandomService, weight: (pooled: PooledObject<A, D>) => number) {
    super()
    this.random = random
    this.weight = weight
  }
  override add(entry: Entry<A, D>): void {
    super.add(entry)
    if (entry.slot === this.capacity) this.grow()
    let weight = 0
    try {
      weight = this.read(entry)
    } catch {
      this.faulty.add(entry)
    }
    this.set(entry.slot, weight)
  }
  override remove(entry: Entry<A, D>): void {
    const slot = entry.slot
    const end = this.listed.length - 1
    this.faulty.delete(entry)
    super.remove(entry)
    if (slot !== end) this.set(slot, this.sums[this.capacity + end]!)
    this.set(end, 0)
  }
  override pick(): Entry<A, D> | undefined {
    for (const entry of this.faulty) {
      this.set(entry.slot, this.read(entry))
      this.faulty.delete(entry)
    }
    const total = this.sums[1]!
    if (!(total > 0)) return this.any(this.listed)
    let rest = this.random.nextDoubleUnsafe() * total
    let node = 1
    while (node < this.capacity) {
      const left = this.sums[2 * node]!
      // rounding may leave a remainder where nothing weighs any more: never go there
      if (rest < left || this.sums[2 * node + 1] === 0) node = 2 * node
      else {
        rest -= left
        node = 2 * node + 1
      }
    }
    return this.listed[node - this.capacity]
  }
  override among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    const weights = candidates.map((entry) => this.read(entry))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    if (!(total > 0)) return this.any(candidates)
    let rest = this.random.nextDoubleUnsafe() * total
    let found: Entry<A, D> | undefined
    for (let i = 0; i < candidates.length; i++) {
      if (weights[i] === 0) continue
      found = candidates[i]
      if (rest < weights[i]!) break
      rest -= weights[i]!
    }
    return found
  }
  private any(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    const n = candidates.length
    return candidates[Math.min(n - 1, Math.floor(this.random.nextDoubleUnsafe() * n))]
  }
  /** Scaled down, so that no sum of finite weights is infinite. */
  private read(entry: Entry<A, D>): number {
    let weight: unknown
    try {
      weight = this.weight(entry)
    } catch (cause) {
      throw new Error(`The weight of object ${entry.id} could not be read`, { cause })
    }
    if (typeof weight !== "number" || !(weight >= 0) || weight === Infinity) {
      throw new Error(`The weight of object ${entry.id} is ${String(weight)}; allowed: a finite number, at least 0`)
    }
    return weight * 2 ** -40
  }
  private set(slot: number, weight: number): void {
    let node = this.capacity + slot
    this.sums[node] = weight
    while (node > 1) {
      node >>= 1
      this.sums[node] = this.sums[2 * node]! + this.sums[2 * node + 1]!
    }
  }
  private grow(): void {
    const leaves = this.sums.slice(this.capacity)
    this.capacity *= 2
    this.sums = new Array<number>(2 * this.capacity).fill(0)
    leaves.forEach((weight, slot) => this.set(slot, weight))
  }
}
