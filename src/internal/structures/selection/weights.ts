import { drawn, ListSelection, type RandomService } from "./list.ts"
import type { Candidate } from "./selection.ts"

/** How often a draw is repeated, where whatever is drawn weighs less than it did. */
const most = 8

/**
 * A sum tree: leaves are weights, inner nodes the sums of their two children, so that a draw goes down one path. Sums
 * are added anew on the way up, never corrected by differences: rounding does not pile up.
 *
 * A weight is read when its entry is listed, and again when that is drawn. The user's function may use the pool: what is
 * listed, and the tree, are looked at anew after each call of it. What it borrows itself is drawn by what is known.
 */
export class WeightSelection<E extends Candidate<E>> extends ListSelection<E> {
  private readonly random: RandomService
  private readonly weight: (pooled: unknown) => number
  private capacity = 1
  private sums: Array<number> = [0, 0]
  /** Objects whose weight made no sense when it was read: it is read again when the next object is picked. */
  private readonly faulty = new Set<E>()
  /** How many weights are being read: one within the other, where their functions use the pool. */
  private reading = 0

  constructor(random: RandomService, weight: (pooled: unknown) => number) {
    super()
    this.random = random
    this.weight = weight
  }
  override add(entry: E): void {
    super.add(entry)
    if (entry.slot === this.capacity) this.grow()
    try {
      this.readAgain(entry)
    } catch {
      if (entry.slot !== -1) this.faulty.add(entry)
    }
  }
  override remove(entry: E): void {
    const slot = entry.slot
    const end = this.listed.length - 1
    this.faulty.delete(entry)
    super.remove(entry)
    if (slot !== end) this.set(slot, this.sums[this.capacity + end]!)
    this.set(end, 0)
  }
  /**
   * What is drawn is asked again. Where that weighs less now, the draw stands if it has fallen into what is left of its
   * share; else it is repeated with the weight that is known now: so each has the chance that its weight says, as if all
   * that have been lowered so far had been known before.
   */
  override pick(): E | undefined {
    this.readFaulty()
    let everything = false
    // the draws have a bound, as the user's function may put in what weighs more, for ever
    for (let n = 0, left = most + this.listed.length; n < left; n++) {
      if (!(this.sums[1]! > 0)) {
        if (everything || this.reading > 0) break
        everything = true
        // all known weights are 0, but one may have been raised since it was read
        this.readAll()
      } else {
        const entry = this.draw(n >= most)
        if (entry !== undefined) return entry
      }
    }
    return this.any(this.listed)
  }
  /** One draw. `undefined`: what was drawn has left, or weighs so much less now that the draw does not stand. */
  private draw(lenient: boolean): E | undefined {
    let rest = this.random.nextDoubleUnsafe() * this.sums[1]!
    let node = 1
    while (node < this.capacity) {
      const share = this.sums[2 * node]!
      // rounding may leave a remainder that leads to a half in which nothing weighs: the draw never goes there
      if (rest < share || this.sums[2 * node + 1] === 0) node = 2 * node
      else {
        rest -= share
        node = 2 * node + 1
      }
    }
    const entry = this.listed[node - this.capacity]
    if (entry === undefined || this.reading > 0) return entry
    const before = this.sums[node]!
    const now = this.readAgain(entry)
    // the object may have been taken out by the function that says its weight
    if (entry.slot === -1) return undefined
    return now >= before || rest < now || (lenient && now > 0) ? entry : undefined
  }
  private readAll(): void {
    for (const entry of [...this.listed]) if (entry.slot !== -1) this.readAgain(entry)
  }
  private readFaulty(): void {
    for (const entry of this.faulty) {
      this.readAgain(entry)
      this.faulty.delete(entry)
    }
  }
  override among(candidates: ReadonlyArray<E>): E | undefined {
    const weights = candidates.map((entry) => this.readAgain(entry))
    let total = 0
    candidates.forEach(({ slot }, i) => {
      // the function that said the weight of a later candidate may have had this one taken out
      if (slot === -1) weights[i] = 0
      total += weights[i]!
    })
    if (!(total > 0)) return this.any(candidates.filter(({ slot }) => slot !== -1))
    let rest = this.random.nextDoubleUnsafe() * total
    let found: E | undefined
    for (let i = 0; i < candidates.length; i++) {
      if (weights[i] === 0) continue
      found = candidates[i]
      if (rest < weights[i]!) break
      rest -= weights[i]!
    }
    return found
  }
  private any(candidates: ReadonlyArray<E>): E | undefined {
    return drawn(this.random, candidates)
  }
  /** Reads the weight of what is listed, and notes it, unless it has had itself taken out. */
  private readAgain(entry: E): number {
    const weight = this.read(entry)
    if (entry.slot !== -1 && this.sums[this.capacity + entry.slot] !== weight) this.set(entry.slot, weight)
    return weight
  }
  /** Scaled down, so that no sum of finite weights is infinite; but what is above 0 stays so. */
  private read(entry: E): number {
    let weight: unknown
    this.reading++
    try {
      weight = this.weight(entry.pooled)
    } catch (cause) {
      throw new Error(`The weight of object ${entry.id} could not be read`, { cause })
    } finally {
      this.reading--
    }
    if (typeof weight !== "number" || !(weight >= 0) || weight === Infinity) {
      throw new Error(`The weight of object ${entry.id} is ${String(weight)}; allowed: a finite number, at least 0`)
    }
    return weight === 0 ? 0 : Math.max(weight * 2 ** -40, Number.MIN_VALUE)
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
