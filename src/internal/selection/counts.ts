import type { Entry } from "../registry.ts"
import { best } from "./best.ts"
import type { Selection } from "./selection.ts"

const lentLess = <A, D>(a: Entry<A, D>, b: Entry<A, D>): boolean =>
  a.borrowCount < b.borrowCount || (a.borrowCount === b.borrowCount && a.id < b.id)

/** A binary heap by number of borrows. */
export class CountSelection<A, D> implements Selection<A, D> {
  private readonly heap: Array<Entry<A, D>> = []
  add(entry: Entry<A, D>): void {
    entry.slot = this.heap.length
    this.heap.push(entry)
    this.up(entry)
  }
  remove(entry: Entry<A, D>): void {
    const last = this.heap.pop()!
    if (last !== entry) {
      last.slot = entry.slot
      this.heap[last.slot] = last
      this.up(last)
      this.down(last)
    }
    entry.slot = -1
  }
  forget(): void {}
  pick(): Entry<A, D> | undefined {
    return this.heap[0]
  }
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined {
    return best(candidates, lentLess)
  }
  private up(entry: Entry<A, D>): void {
    while (entry.slot > 0) {
      const parent = this.heap[(entry.slot - 1) >> 1]!
      if (!lentLess(entry, parent)) return
      this.swap(entry, parent)
    }
  }
  private down(entry: Entry<A, D>): void {
    for (;;) {
      const left = this.heap[2 * entry.slot + 1]
      if (left === undefined) return
      const right = this.heap[2 * entry.slot + 2]
      const child = right !== undefined && lentLess(right, left) ? right : left
      if (!lentLess(child, entry)) return
      this.swap(entry, child)
    }
  }
  private swap(a: Entry<A, D>, b: Entry<A, D>): void {
    const slot = a.slot
    a.slot = b.slot
    b.slot = slot
    this.heap[a.slot] = a
    this.heap[b.slot] = b
  }
}
