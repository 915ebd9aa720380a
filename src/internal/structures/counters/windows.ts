/** Windows that end all at once. */
import {
  ago,
  type ClockOf,
  type Count,
  type Counter,
  isOlder,
  type Report,
  rounded,
  rounding,
  saysNothing,
  seenFrom
} from "./counter.ts"

/**
 * Windows of a fixed length, or up to fixed moments: all of the limit is there again at the end of each. One that was seen to
 * be over is, whatever the clock says later.
 */
abstract class Windows implements Counter {
  abstract readonly clock: ClockOf
  readonly limit: number
  private taken = 0
  private lasts = false
  /** Until when a server has spoken of, and when it did. */
  private said = -Infinity
  private saidAt = -Infinity
  /** When the window began that lasts; and when it ends, or the one before it has ended. */
  private began = -Infinity
  private end = -Infinity

  constructor(limit: number) {
    this.limit = limit
  }

  /** When a window ends that begins at a time. */
  protected abstract endFrom(began: number): number

  left(now: number): number {
    this.look(now)
    return rounded(this.limit - this.taken)
  }

  take(amount: number, now: number): number {
    if (amount === 0) return this.left(now)
    this.begin(now)
    this.taken += amount
    return rounded(this.limit - this.taken)
  }

  giveBack(amount: number, takenAt: number, now: number): void {
    this.look(now)
    if (this.lasts && takenAt >= this.began && takenAt > this.saidAt) this.taken -= amount
  }

  opensAt(now: number): number {
    return this.left(now) > 0 ? now : this.end
  }

  fullAt(now: number): number {
    this.look(now)
    return this.taken < rounding ? now : this.end
  }

  report(report: Report, now: number): boolean {
    const { left, until } = report
    if (saysNothing(report) || (until !== undefined && until <= now)) return false
    if (isOlder(report, this.said, this.left(now))) return false
    this.begin(now)
    if (left !== undefined) this.taken = this.limit - left
    if (until !== undefined) this.end = this.said = until
    this.saidAt = now
    return true
  }

  counted(now: number): Count | undefined {
    this.look(now)
    if (this.taken < rounding) return undefined
    const began = ago(now, this.began)
    // a window that begins anew then ends when this one does: unless a server has said its end, or the clock was set back
    return this.said !== this.end && this.endFrom(now + began) >= this.end
      ? { taken: [[began, this.taken]] }
      : { taken: [], said: [began, this.taken, seenFrom(now, this.end)] }
  }

  private look(now: number): void {
    if (!this.lasts || this.end > now) return
    this.lasts = false
    this.taken = 0
  }

  private begin(now: number): void {
    this.look(now)
    if (this.lasts) return
    this.lasts = true
    this.began = now
    this.end = this.endFrom(Math.max(now, this.end))
  }
}

/** Windows of a fixed length: each begins with the first take after the end of the last. */
export class Fixed extends Windows {
  readonly clock = "monotonic"
  private readonly per: number

  constructor(limit: number, per: number) {
    super(limit)
    this.per = per
  }

  protected override endFrom(began: number): number {
    return began + this.per
  }
}

/** Windows up to moments of the wall clock, which `next` tells. One that has begun lasts, though the clock be set back. */
export class Reset extends Windows {
  readonly clock = "wall"
  private readonly next: (after: number) => number

  constructor(limit: number, next: (after: number) => number) {
    super(limit)
    this.next = next
  }

  protected override endFrom(began: number): number {
    return this.next(began)
  }
}
