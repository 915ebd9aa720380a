/**
 * Objects that are plainly "Dormant", without a time, while somebody waits.
 *
 * Each of them is asked about again at half of what is left until the deadline of one who waits, whatever `dormantFor` says:
 * else the usual time-out of a borrow would be over just as the usual time of such a rest is. One deadline serves them all;
 * it is set as one comes to wait, and as one says again that it is "Dormant".
 *
 * Invariant, after each step: while there are such objects, and one who waits has more than {@link least} left, `next` waits
 * for half of that at most, or such an object is being asked about.
 */
import type { Waiters } from "../state/waiters.ts"
import { type Deadline, type Deadlines, make } from "../structures/deadlines.ts"
import type { Rest } from "./rest.ts"

/** None of them is asked about more often, in milliseconds. */
export const least = 100

export class Dozing<A, D> {
  private readonly deadlines: Deadlines
  private readonly waiters: Waiters<A, D>
  private readonly next: Deadline
  /** None of those who wait has that much left; who comes says what he has. */
  private nobody = false
  /** Those that are not being asked about just now, mostly the one first that was asked first. */
  readonly members = new Set<Rest<A, D>>()

  constructor(deadlines: Deadlines, waiters: Waiters<A, D>, ask: () => void) {
    this.deadlines = deadlines
    this.waiters = waiters
    this.next = make(ask)
  }

  add(rest: Rest<A, D>): void {
    this.members.add(rest)
    // those who wait have said so already
    if (this.next.index !== -1 || this.waiters.size === 0 || this.nobody) return
    const now = this.deadlines.now()
    this.nobody = true
    for (let waiter = this.waiters.first; waiter !== undefined; waiter = this.waiters.after(waiter)) {
      this.expect(now, waiter.due)
    }
  }

  delete(rest: Rest<A, D>): void {
    this.members.delete(rest)
  }

  /** One who waits has until then. */
  expect(now: number, due: number): void {
    const left = due - now
    if (this.members.size === 0) this.nobody = false
    if (this.members.size === 0 || left <= least || left === Infinity) return
    this.by(now + Math.max(least, left / 2))
  }

  /** They are asked about by then. */
  by(at: number): void {
    this.nobody = false
    if (this.next.index === -1 || at < this.next.due) this.deadlines.set(this.next, at)
  }
}
