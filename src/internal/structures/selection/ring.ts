import { best } from "./best.ts"
import { Bits } from "./bits.ts"
import type { Candidate, Selection } from "./selection.ts"

/** A ring of places. Each object keeps its place from its first listing until it leaves the pool. */
export class RingSelection<E extends Candidate<E>> implements Selection<E> {
  /** The places of what is listed. */
  private readonly listed = new Bits()
  private readonly places: Array<E | undefined> = []
  private readonly free: Array<number> = []
  private last = -1
  add(entry: E): void {
    if (entry.place === -1) {
      entry.place = this.free.pop() ?? this.places.push(undefined) - 1
      this.places[entry.place] = entry
    }
    entry.slot = entry.place
    this.listed.add(entry.place)
  }
  remove(entry: E): void {
    this.listed.delete(entry.slot)
    entry.slot = -1
  }
  forget(entry: E): void {
    if (entry.place === -1) return
    this.places[entry.place] = undefined
    this.free.push(entry.place)
    entry.place = -1
  }
  pick(): E | undefined {
    const place = this.listed.from(this.last + 1) ?? this.listed.from(0)
    if (place === undefined) return undefined
    this.last = place
    return this.places[place]
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    const steps = (entry: E) => {
      const ahead = entry.place - this.last
      return ahead > 0 ? ahead : ahead + this.places.length
    }
    const found = best(candidates, (self, than) => steps(self) < steps(than))
    if (found !== undefined) this.last = found.place
    return found
  }
}
