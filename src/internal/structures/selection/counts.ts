import type { Entry } from "../../state/entry.ts"
import { Heap } from "../heap.ts"
import { best } from "./best.ts"
import type { Selection } from "./selection.ts"

const lentLess = <A, D>(a: Entry<A, D>, b: Entry<A, D>): boolean =>
  a.borrowCount < b.borrowCount || (a.borrowCount === b.borrowCount && a.id < b.id)

/** A heap by number of borrows. */
export class CountSelection<A, D> extends Heap<Entry<A, D>> implements Selection<A, D> {
  add(entry: Entry<A, D>): void {
    this.push(entry)
  }
  remove(entry: Entry<A, D>): void {
    this.removeAt(entry.slot)
    entry.slot = -1
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.first
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, lentLess)
  }
  protected override before(one: Entry<A, D>, other: Entry<A, D>): boolean {
    return lentLess(one, other)
  }
  protected override placed(entry: Entry<A, D>, at: number): void {
    entry.slot = at
  }
}
