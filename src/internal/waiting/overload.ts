/**
 * Overload: more come than can be served, and all who are served have waited for long.
 *
 * A queue that is never empty for long helps nobody: it makes each who is served wait, and lets no more be served. So the
 * shortest wait of an interval is what tells a burst from an overload: that is CoDel (K. Nichols and V. Jacobson,
 * "Controlling Queue Delay", ACM Queue 10(5), 2012), as db_connection of Elixir's Ecto has it for pools. While it lasts,
 * the newest is served first, who has the most of its patience left: adaptive LIFO (B. Maurer, "Fail at Scale", ACM Queue
 * 13(8), 2015).
 *
 * Invariants:
 * - `shortest` is the shortest wait of those who were served since the interval began, those who were served at once included.
 * - The queue has not been empty since `newestFirst` was set.
 */
import type { Core } from "../state/core.ts"
import type { Waiters } from "../state/waiters.ts"
import type { Deadlines } from "../structures/deadlines.ts"
import { Slice } from "../structures/slice.ts"
import { refuse } from "./outcome.ts"

export class Overload<A, D> {
  private readonly target: number
  private readonly interval: number
  private readonly deadlines: Deadlines
  private readonly waiters: Waiters<A, D>
  private shortest = Infinity
  /** Monotonic: when the interval ends. */
  private ends = -Infinity
  /** How often the queue had become empty as the interval began. */
  private drains = -1

  /** Times are milliseconds. */
  constructor(
    { interval, target }: { readonly target: number; readonly interval: number },
    deadlines: Deadlines,
    waiters: Waiters<A, D>
  ) {
    this.target = target
    this.interval = interval
    this.deadlines = deadlines
    this.waiters = waiters
  }

  /** A borrower is served that has waited, in milliseconds. */
  served(waited: number): void {
    if (waited < this.shortest) this.shortest = waited
  }

  /** Somebody is about to be served: is the pool overloaded? Then those who have waited for too long are refused before. */
  relieve(core: Core<A, D>): void {
    const now = this.deadlines.now()
    this.judge(now)
    const { waiters } = this
    if (!waiters.newestFirst) return
    const turn = new Slice(this.deadlines)
    for (let oldest = waiters.ages!.first; oldest !== undefined; oldest = waiters.ages!.first) {
      // who is served next may have waited for as long as the others
      if (now - oldest.since <= this.target || oldest === waiters.lead) return
      refuse(core, oldest, "Overloaded")
      // the others are refused as more are served
      if (turn.over) return
    }
  }

  private judge(now: number): void {
    const { waiters } = this
    const drained = this.drains !== waiters.drains
    if (!drained && now < this.ends) return
    // nobody served: nothing is known
    if (drained) waiters.serveNewestFirst(false)
    else if (this.shortest > this.target && this.shortest < Infinity) waiters.serveNewestFirst(true)
    this.drains = waiters.drains
    this.shortest = Infinity
    this.ends = now + this.interval
  }
}
