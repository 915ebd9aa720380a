/**
 * Ranks in their order, each at most once: a skip list. Finding, adding and removing one takes as many steps as the
 * logarithm of their number, the first and the next one step.
 *
 * Invariants:
 * - A rank stands in as many levels as `next` is long; `next[i]` is the one after it in level `i`, and level 0 has all.
 * - In each level the keys rise.
 */
export interface Rank<R> {
  readonly key: number
  /** The ranks after this one, level by level; of no length where this one is in no list. */
  readonly next: Array<R | undefined>
}

export class Ranks<R extends Rank<R>> {
  private readonly heads: Array<R | undefined> = []
  /** How high the next rank stands: a generator of its own, whose course depends on nothing but how many were added. */
  private dice = 1

  get first(): R | undefined {
    return this.heads[0]
  }

  find(key: number): R | undefined {
    let next = this.heads
    for (let level = this.heads.length - 1; level >= 0; level--) {
      for (let rank = next[level]; rank !== undefined && rank.key <= key; rank = next[level]) {
        if (rank.key === key) return rank
        next = rank.next
      }
    }
    return undefined
  }

  /** Adds a rank whose key no other has. */
  add(rank: R): void {
    const height = this.height()
    while (this.heads.length < height) this.heads.push(undefined)
    while (rank.next.length < height) rank.next.push(undefined)
    let next = this.heads
    for (let level = this.heads.length - 1; level >= 0; level--) {
      next = before(next, level, rank.key)
      if (level >= height) continue
      rank.next[level] = next[level]
      next[level] = rank
    }
  }

  remove(rank: R): void {
    let next = this.heads
    for (let level = this.heads.length - 1; level >= 0; level--) {
      next = before(next, level, rank.key)
      if (next[level] === rank) next[level] = rank.next[level]
    }
    rank.next.length = 0
  }

  /** The height of a new rank: 1 for three of four, 2 for three of four of the others, and so on. */
  private height(): number {
    this.dice = (Math.imul(this.dice, 1664525) + 1013904223) >>> 0
    return 1 + (Math.clz32(this.dice) >> 1)
  }
}

/** The links of the last rank before a key, in one level. */
const before = <R extends Rank<R>>(from: Array<R | undefined>, level: number, key: number): Array<R | undefined> => {
  let next = from
  for (let rank = next[level]; rank !== undefined && rank.key < key; rank = next[level]) next = rank.next
  return next
}
