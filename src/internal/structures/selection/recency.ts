import type { Entry } from "../../state/entry.ts"
import { Heap } from "../heap.ts"
import { best } from "./best.ts"
import type { Selection } from "./selection.ts"

const earlier = <A, D>(one: Entry<A, D>, other: Entry<A, D>): boolean => one.order < other.order

const later = <A, D>(one: Entry<A, D>, other: Entry<A, D>): boolean => one.order > other.order

/** Those that came back otherwise than in the order of their use. */
class Stragglers<A, D> extends Heap<Entry<A, D>> {
  private readonly precedes: (one: Entry<A, D>, other: Entry<A, D>) => boolean
  constructor(precedes: (one: Entry<A, D>, other: Entry<A, D>) => boolean) {
    super()
    this.precedes = precedes
  }
  protected override before(one: Entry<A, D>, other: Entry<A, D>): boolean {
    return this.precedes(one, other)
  }
  protected override placed(entry: Entry<A, D>, at: number): void {
    entry.slot = at
  }
}

/**
 * In order of use. An object that returns is the latest, and goes to the end of a list at once; one that was only detected
 * would have to be put back into its old place there, and goes into a heap instead. The next one is the first of either.
 */
export class RecencySelection<A, D> implements Selection<A, D> {
  private readonly precedes: (one: Entry<A, D>, other: Entry<A, D>) => boolean
  private readonly latestFirst: boolean
  private earliest: Entry<A, D> | undefined = undefined
  private latest: Entry<A, D> | undefined = undefined
  private readonly stragglers: Stragglers<A, D>
  constructor(latestFirst: boolean) {
    this.latestFirst = latestFirst
    this.precedes = latestFirst ? later : earlier
    this.stragglers = new Stragglers(this.precedes)
  }
  add(entry: Entry<A, D>): void {
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
  remove(entry: Entry<A, D>): void {
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
  pick(): Entry<A, D> | undefined {
    const listed = this.latestFirst ? this.latest : this.earliest
    const straggler = this.stragglers.first
    return straggler === undefined || (listed !== undefined && this.precedes(listed, straggler)) ? listed : straggler
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, this.precedes)
  }
}
