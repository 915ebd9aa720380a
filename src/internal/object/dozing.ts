/**
 * Dozing objects, which are plainly "Dormant", without a time, while somebody waits for one.
 *
 * The detector is asked about each of them again at half of the time that is left to a waiter, whatever `dormantFor` says:
 * else the usual time-out of a borrow would be over just as the usual time of such a rest is. One deadline serves all
 * dozing objects; it is set as a waiter comes, and as an object is found "Dormant" again.
 *
 * Invariant, after each step: while there are dozing objects, and a waiter has more than {@link least} left, `next` waits
 * for half of that at most, or a dozing object is being detected.
 */
import type { Waiters } from "../state/waiters.ts"
import { type Deadline, type Deadlines, make } from "../structures/deadlines.ts"
import type { Rest } from "./rest.ts"

/** How long a dozing object is left alone at least, in milliseconds. */
export const least = 100

export class Dozing<A, D> {
  private readonly deadlines: Deadlines
  private readonly waiters: Waiters<A, D>
  private readonly next: Deadline
  /** No waiter has that much time left. A waiter that comes later calls `expect`. */
  private nobody = false
  /** The rests of dozing objects that are not being detected, mostly in the order in which they were last asked about. */
  readonly members = new Set<Rest<A, D>>()

  constructor(deadlines: Deadlines, waiters: Waiters<A, D>, ask: () => void) {
    this.deadlines = deadlines
    this.waiters = waiters
    this.next = make(ask, true)
  }

  add(rest: Rest<A, D>): void {
    this.members.add(rest)
    // the waiters have been looked at before: the deadline is set as they want it, or none has that much time left
    if (this.next.index !== -1 || this.waiters.size === 0 || this.nobody) return
    const now = this.deadlines.now()
    this.nobody = true
    this.waiters.each(({ due }) => this.expect(now, due))
  }

  delete(rest: Rest<A, D>): void {
    this.members.delete(rest)
  }

  /** A waiter waits until `due`. */
  expect(now: number, due: number): void {
    const left = due - now
    if (this.members.size === 0) this.nobody = false
    if (this.members.size === 0 || left <= least || left === Infinity) return
    this.by(now + Math.max(least, left / 2))
  }

  /** The detector is asked about the dozing objects by then. */
  by(at: number): void {
    this.nobody = false
    if (this.next.index === -1 || at < this.next.due) this.deadlines.set(this.next, at)
  }
}
