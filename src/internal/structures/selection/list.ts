/**
 * What is listed, in an array without order; at random, and at random among those with the fewest open leases.
 */
import type * as Random from "effect/Random"
import { Bits } from "./bits.ts"
import type { Candidate, Selection } from "./selection.ts"

export type RandomService = (typeof Random.Random)["Service"]

/** Listed objects, in an array without order: the last fills the place of the one that leaves. */
export class ListSelection<E extends Candidate<E>> implements Selection<E> {
  protected readonly listed: Array<E> = []
  get size(): number {
    return this.listed.length
  }
  add(entry: E): void {
    entry.slot = this.listed.length
    this.listed.push(entry)
  }
  remove(entry: E): void {
    const last = this.listed.pop()!
    if (last !== entry) {
      this.listed[entry.slot] = last
      last.slot = entry.slot
    }
    entry.slot = -1
  }
  forget(): void {}
  pick(): E | undefined {
    return this.listed[0]
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    return candidates[0]
  }
}

export class RandomSelection<E extends Candidate<E>> extends ListSelection<E> {
  private readonly random: RandomService
  constructor(random: RandomService) {
    super()
    this.random = random
  }
  override pick(): E | undefined {
    return drawn(this.random, this.listed)
  }
  override among(candidates: ReadonlyArray<E>): E | undefined {
    return drawn(this.random, candidates)
  }
}

/** At random among those with the fewest open leases: a bucket for each number of leases that some of them have. */
export class SpreadSelection<E extends Candidate<E>> implements Selection<E> {
  private readonly random: RandomService
  private readonly buckets: Array<RandomSelection<E> | undefined> = []
  /** The numbers of those that are not empty: the others are absent. */
  private readonly filled = new Bits()
  /** The one that was emptied last: mostly the next that is filled is filled with what was in it. */
  private spare: RandomSelection<E> | undefined = undefined
  constructor(random: RandomService) {
    this.random = random
  }
  add(entry: E): void {
    const place = entry.open
    entry.place = place
    while (this.buckets.length <= place) this.buckets.push(undefined)
    let bucket = this.buckets[place]
    if (bucket === undefined) {
      bucket = this.spare ?? new RandomSelection(this.random)
      this.spare = undefined
      this.buckets[place] = bucket
      this.filled.add(place)
    }
    bucket.add(entry)
  }
  remove(entry: E): void {
    const place = entry.place
    const bucket = this.buckets[place]!
    bucket.remove(entry)
    if (bucket.size > 0) return
    this.buckets[place] = undefined
    this.filled.delete(place)
    this.spare = bucket
  }
  forget(): void {}
  pick(): E | undefined {
    const fewest = this.filled.from(0)
    return fewest === undefined ? undefined : this.buckets[fewest]!.pick()
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    let fewest = Infinity
    for (const { open } of candidates) if (open < fewest) fewest = open
    return drawn(this.random, candidates.filter(({ open }) => open === fewest))
  }
}

/** One of the candidates, each with the same chance. */
export const drawn = <T>(random: RandomService, candidates: ReadonlyArray<T>): T | undefined => {
  if (candidates.length < 2) return candidates[0]
  const at = random.nextDoubleUnsafe()
  // a random source of the user's may have used the pool, and so shortened the list
  return candidates[Math.min(candidates.length - 1, Math.floor(at * candidates.length))]
}
