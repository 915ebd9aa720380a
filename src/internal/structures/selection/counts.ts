import { Heap } from "../heap.ts"
import { best } from "./best.ts"
import type { Candidate, Selection } from "./selection.ts"

const lentLess = <E extends Candidate<E>>(a: E, b: E): boolean =>
  a.borrowCount < b.borrowCount || (a.borrowCount === b.borrowCount && a.id < b.id)

/** A heap by number of borrows. */
export class CountSelection<E extends Candidate<E>> extends Heap<E> implements Selection<E> {
  add(entry: E): void {
    this.push(entry)
  }
  remove(entry: E): void {
    this.removeAt(entry.slot)
    entry.slot = -1
  }
  forget(): void {}
  pick(): E | undefined {
    return this.first
  }
  among(candidates: ReadonlyArray<E>): E | undefined {
    return best(candidates, lentLess)
  }
  protected override before(one: E, other: E): boolean {
    return lentLess(one, other)
  }
  protected override placed(entry: E, at: number): void {
    entry.slot = at
  }
}
