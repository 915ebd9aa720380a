import type { Entry } from "../registry.ts"
import { best } from "./best.ts"
import type { Selection } from "./selection.ts"

/**
 * A list in order of use. An object that returns is the latest, and goes to the end at once; one that was only
 * detected goes back to its old place, which is sought from the nearer end.
 */
export class RecencySelection<A, D> implements Selection<A, D> {
  private readonly latestFirst: boolean
  private earliest: Entry<A, D> | undefined = undefined
  private latest: Entry<A, D> | undefined = undefined
  constructor(latestFirst: boolean) {
    this.latestFirst = latestFirst
  }
  add(entry: Entry<A, D>): void {
    const order = entry.order
    let after = this.latest
    if (after !== undefined && after.order > order) {
      if (this.earliest!.order > order) {
        after = undefined
      } else if (after.order - order <= order - this.earliest!.order) {
        while (after!.order > order) after = after!.previous
      } else {
        after = this.earliest
        while (after!.next!.order < order) after = after!.next
      }
    }
    const before: Entry<A, D> | undefined = after === undefined ? this.earliest : after.next
    entry.slot = 0
    entry.previous = after
    entry.next = before
    if (after === undefined) this.earliest = entry
    else after.next = entry
    if (before === undefined) this.latest = entry
    else before.previous = entry
  }
  remove(entry: Entry<A, D>): void {
    if (entry.previous === undefined) this.earliest = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.latest = entry.previous
    else entry.next.previous = entry.previous
    entry.slot = -1
    entry.previous = entry.next = undefined
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.latestFirst ? this.latest : this.earliest
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, this.latestFirst ? (a, b) => a.order > b.order : (a, b) => a.order < b.order)
  }
}
