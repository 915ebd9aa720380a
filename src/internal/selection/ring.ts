import type { Entry } from "../registry.ts"
import { best } from "./best.ts"
import type { Selection } from "./selection.ts"

/**
 * A ring of places. Each object keeps its place from its first listing until it leaves the pool; a tree of bit sets, 32
 * to a word, tells which places are lendable, so that the next one after the last is found in a step for every power
 * of 32.
 */
export class RingSelection<A, D> implements Selection<A, D> {
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
