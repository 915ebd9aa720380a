import { Heap } from "../heap.ts"
import { best } from "./best.ts"
import type { Candidate, Selection } from "./selection.ts"

const earlier = <E extends Candidate<E>>(one: E, other: E): boolean => one.order < other.order

const later = <E extends Candidate<E>>(one: E, other: E): boolean => one.order > other.order

/** Objects that came back otherwise than in the order of their use. */
class Stragglers<E extends Candidate<E>> extends Heap<E> {
  private readonly precedes: (one: E, other: E) => boolean
  constructor(precedes: (one: E, other: E) => boolean) {
    super()
    this.precedes = precedes
  }
  protected override before(one: E, other: E): boolean {
    return this.precedes(one, other)
  }
  protected override placed(entry: E, at: number): void {
    entry.slot = at
  }
}

/**
 * In order of use. An object that returns is the latest, and goes to the end of a list at once; one that was only detected
 * would have to be put back into its old place there, and goes into a heap instead. The next one is the first of either.
 */
export class RecencySelection<E extends Candidate<E>> implements Selection<E> {
  private readonly precedes: (one: E, other: E) => boolean
  private readonly latestFirst: boolean
  private earliest: E | undefined = undefined
  private latest: E | undefined = undefined
  private readonly stragglers: Stragglers<E>
  constructor(latestFirst: boolean) {
    this.latestFirst = latestFirst
    this.precedes = latestFirst ? later : earlier
    this.stragglers = new Stragglers(this.precedes)
  }
  add(entry: E): void {
    const { latest } = this
    if (latest !== undefined && latest.order > entry.order) {
      entry.place = 1
      return this.stragglers.push(entry)
    }
    entry.place = entry.slot = 0
    entry.previous = latest
    if (latest === undefined) this.earliest = entry
    else latest.next = entry
    this.latest = entry
  }
  remove(entry: E): void {
    if (entry.place === 1) {
      this.stragglers.removeAt(entry.slot)
    } else {
      if (entry.previous === undefined) this.earliest = entry.next
      else entry.previous.next = entry.next
      if (entry.next === undefined) this.latest = entry.previous
      else entry.next.previous = entry.previous
      entry.previous = entry.next = undefined
    }
    entry.slot = -1
  }
  forget(): void {}
  pick(): E | undefined {
    const listed = this.latestFirst ? this.latest : this.earliest
    const straggler = this.stragglers.first
    return straggler === undefined || (listed !== undefined && this.precedes(listed, straggler)) ? listed : straggler
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    return best(candidates, this.precedes)
  }
}
