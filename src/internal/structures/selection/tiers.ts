import type { Candidate, Selection } from "./selection.ts"

interface Tier<E extends Candidate<E>> {
  readonly rank: number
  readonly members: Selection<E>
  /** How many entries are listed in it, and how many are listed in it or were last. */
  size: number
  residents: number
}

/**
 * By rank: the lowest that has something listed comes first, and its own selection picks within it. A rank is read when
 * its entry is listed. One that made no sense is read again when the next object is picked.
 */
export class TierSelection<E extends Candidate<E>> implements Selection<E> {
  private readonly rank: (pooled: unknown) => number
  private readonly make: () => Selection<E>
  /** The lowest rank first: those that entries are listed in, or were last. There are few. */
  private readonly tiers: Array<Tier<E>> = []
  /** Where an entry is listed, or was last. */
  private readonly homes = new Map<E, Tier<E>>()
  private readonly faulty = new Set<E>()

  constructor(rank: (pooled: unknown) => number, make: () => Selection<E>) {
    this.rank = rank
    this.make = make
  }

  add(entry: E): void {
    // listed from here on: the user's function may have the entry taken out
    entry.slot = 0
    this.faulty.add(entry)
    try {
      this.settle(entry)
    } catch {
      // it stays among the faulty
    }
  }
  remove(entry: E): void {
    if (this.faulty.delete(entry)) entry.slot = -1
    else {
      const tier = this.homes.get(entry)!
      tier.members.remove(entry)
      tier.size--
    }
  }
  forget(entry: E): void {
    const home = this.homes.get(entry)
    if (home === undefined) return
    this.homes.delete(entry)
    home.members.forget(entry)
    if (--home.residents === 0) this.tiers.splice(this.tiers.indexOf(home), 1)
  }
  pick(): E | undefined {
    this.settleAll()
    return this.tiers.find(({ size }) => size > 0)?.members.pick()
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    this.settleAll()
    let first: Tier<E> | undefined
    for (const entry of candidates) {
      const tier = entry.slot === -1 ? undefined : this.homes.get(entry)
      if (tier !== undefined && (first === undefined || tier.rank < first.rank)) first = tier
    }
    return first?.members.among(candidates.filter((entry) => entry.slot !== -1 && this.homes.get(entry) === first))
  }

  private settleAll(): void {
    for (const entry of this.faulty) this.settle(entry)
  }
  /** Lists an entry in the tier of its rank. */
  private settle(entry: E): void {
    const rank = this.read(entry)
    // the function that said it has had the entry taken out, or listed
    if (!this.faulty.delete(entry)) return
    const home = this.homes.get(entry)
    if (home !== undefined && home.rank !== rank) this.forget(entry)
    const tier = this.homes.get(entry) ?? this.settleIn(entry, rank)
    tier.size++
    tier.members.add(entry)
  }
  private read(entry: E): number {
    let rank: unknown
    try {
      rank = this.rank(entry.pooled)
    } catch (cause) {
      throw new Error(`The rank of object ${entry.id} could not be read`, { cause })
    }
    if (typeof rank === "number" && !Number.isNaN(rank)) return rank
    throw new Error(
      `The rank of object ${entry.id} is ${typeof rank === "number" ? "NaN" : typeof rank}; allowed: a number`
    )
  }
  private settleIn(entry: E, rank: number): Tier<E> {
    const tier = this.tierOf(rank)
    tier.residents++
    this.homes.set(entry, tier)
    return tier
  }
  private tierOf(rank: number): Tier<E> {
    let at = 0
    while (at < this.tiers.length && this.tiers[at]!.rank < rank) at++
    const found = this.tiers[at]
    if (found !== undefined && found.rank === rank) return found
    const tier = { rank, members: this.make(), size: 0, residents: 0 }
    this.tiers.splice(at, 0, tier)
    return tier
  }
}
