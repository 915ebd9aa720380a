/**
 * How long borrowers wait, objects are held, made and detected: counted in buckets, while somebody measures the pool.
 *
 * Where nobody does, `core.timings` is absent, and each place that has something to count costs one comparison. A borrow
 * at once counts nothing: who was lent an object, and did not wait, is the difference of two totals. Creations alone are
 * always counted: the first are over before anybody can ask for them, and none is on the way of a borrow at once.
 */
import type { HistogramState } from "effect/Metric"
import type { Core } from "../state/core.ts"
import { totalsOf } from "../state/whole.ts"

/** Upper bounds of the buckets, in milliseconds. */
const bounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000]

/** The upper bounds of the buckets, in seconds. */
export const boundaries: ReadonlyArray<number> = bounds.map((millis) => millis / 1000)

/** Durations in milliseconds, by bucket. */
export class Durations {
  /** How many durations fell into the bucket of each bound, and how many lie beyond the last. */
  private readonly counts: Array<number> = new Array<number>(bounds.length + 1).fill(0)
  /** How many durations took no time that a clock has seen: most, on the path of each return. */
  private none = 0
  private longer = 0
  private sum = 0
  private min = Infinity
  private max = 0

  add(millis: number): void {
    // a duration may be negative: a clock that is shown may be set back
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

  /** The durations as a metric has them, in seconds. `others`: how many more took no time, and were not added. */
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
  /** Borrows that had to wait, from their beginning to their lease. */
  readonly wait = new Durations()
  /** Leases, from their grant to their end. */
  readonly use = new Durations()
  /** Creations that have succeeded, since the pool was built. */
  readonly create: Durations
  /** Detections, those that failed included. */
  readonly detect = new Durations()
  /** How many metrics read these timings. */
  users = 0
  private readonly before: number
  private borrowed: number

  constructor(core: Core<never, never>) {
    this.create = core.creations
    this.before = this.borrowed = totalsOf(core).borrowed
  }

  /** The waits of all borrows, those that were served at once included; of a pool that has been dropped, as it was last. */
  waited(core: Core<never, never> | undefined): HistogramState {
    if (core !== undefined) this.borrowed = totalsOf(core).borrowed
    return this.wait.state(this.borrowed - this.before - this.wait.count)
  }
}
