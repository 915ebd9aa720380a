import type { PooledObject } from "../../PooledObject.ts"
import type { Entry } from "../registry.ts"
import { ListSelection, type RandomService } from "./list.ts"

/**
 * A sum tree: leaves are weights, inner nodes the sums of their two children, so that a draw goes down one path. Sums
 * are added anew on the way up, never corrected by differences: rounding does not pile up.
 */
export class WeightSelection<A, D> extends ListSelection<A, D> {
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
    if (entry.slot !== -1) this.set(entry.slot, weight)
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
      const weight = this.read(entry)
      // the user's function may have used the pool
      if (entry.slot !== -1) this.set(entry.slot, weight)
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
      weight = this.weight(entry.pooled)
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
