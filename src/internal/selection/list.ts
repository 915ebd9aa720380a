/**
 * What is listed, in an array without order; at random, and at random among those with the fewest open leases.
 */
import type * as Random from "effect/Random"
import type { Entry } from "../registry.ts"
import type { Selection } from "./selection.ts"

export type RandomService = (typeof Random.Random)["Service"]

/** What is listed, in an array without order: the last fills the place of the one that leaves. */
export class ListSelection<A, D> implements Selection<A, D> {
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

export class RandomSelection<A, D> extends ListSelection<A, D> {
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
export class SpreadSelection<A, D> implements Selection<A, D> {
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
