/**
 * How long borrowers wait, objects are held, made and detected: counted in buckets, while somebody measures the pool.
 *
 * Where nobody does, `core.timings` is absent, and each place that has something to count costs one comparison. A borrow
 * at once counts nothing: who was lent an object, and did not wait, is the difference of two totals.
 */
import type { HistogramState } from "effect/Metric"
import type { Core } from "../state/core.ts"

/** Upper bounds of the buckets, in milliseconds. */
const bounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000]

/** The same in seconds. */
export const boundaries: ReadonlyArray<number> = bounds.map((millis) => millis / 1000)

/** Durations in milliseconds, by bucket. */
class Durations {
  /** One for each bound, and one for what is beyond the last. */
  private readonly counts: Array<number> = new Array<number>(bounds.length + 1).fill(0)
  /** Those that took no time that a clock has seen: most, on the path of each return. */
  private none = 0
  private longer = 0
  private sum = 0
  private min = Infinity
  private max = 0

  add(millis: number): void {
    // clocks that are shown may be set back
    if (!(millis > 0)) {
      this.none++
      return
    }
    let bucket = 0
    while (bucket < bounds.length && millis > bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.longer++
    this.sum += millis
    if (millis < this.min) this.min = millis
    if (millis > this.max) this.max = millis
  }

  get count(): number {
    return this.none + this.longer
  }

  /** As a metric has it, in seconds. `others`: how many more took no time, and were not added. */
  state(others = 0): HistogramState {
    const none = this.none + others
    const count = this.count + others
    let below = none
    return {
      buckets: boundaries.map((bound, i) => [bound, below += this.counts[i]!]),
      count,
      sum: this.sum / 1000,
      min: none > 0 || count === 0 ? 0 : this.min / 1000,
      max: this.max / 1000
    }
  }
}

export class Timings {
  /** Of those who had to wait, from the beginning of a borrow to its lease. */
  readonly wait = new Durations()
  /** From a lease to its end. */
  readonly use = new Durations()
  /** What could be made. */
  readonly create = new Durations()
  /** What the detector has answered, and what it has failed to answer. */
  readonly detect = new Durations()
  /** How many measure. */
  users = 0
  private readonly totals: Core<never, never>["totals"]
  private readonly before: number

  constructor(totals: Core<never, never>["totals"]) {
    this.totals = totals
    this.before = totals.borrowed
  }

  /** Those who were served at once included. */
  get waited(): HistogramState {
    return this.wait.state(this.totals.borrowed - this.before - this.wait.count)
  }
}
