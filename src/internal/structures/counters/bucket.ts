/** A bucket that is refilled. */
import { type Count, type Counter, isOlder, type Report, rounding, saysNothing, seenFrom } from "./counter.ts"

/** How many of the levels that a bucket had are kept. */
const mostPeaks = 64

/** A bucket that is refilled evenly: it lends while there is a whole unit in it. */
export class Bucket implements Counter {
  readonly clock = "monotonic"
  readonly limit: number
  private readonly rate: number
  private level: number
  private since = -Infinity
  /**
   * The levels before takes, each lower than the one before it, and when they were: what a take had before it was lower, or
   * was as high lately, is not kept.
   */
  private readonly peaks: Array<number> = []
  private readonly peakTimes: Array<number> = []
  private saidAt = -Infinity
  /** The rate at which the bucket is full when a server has said, until then. */
  private said: { readonly end: number; readonly rate: number } | undefined = undefined

  constructor(limit: number, per: number) {
    this.limit = this.level = limit
    this.rate = limit / per
  }

  left(now: number): number {
    this.refill(now)
    return this.level < 1 - rounding ? Math.min(0, this.level) : this.level
  }

  take(amount: number, now: number): number {
    this.refill(now)
    if (amount > 0) this.notePeak(now)
    this.level -= amount
    return this.level < 1 - rounding ? Math.min(0, this.level) : this.level
  }

  giveBack(amount: number, takenAt: number, now: number): void {
    this.refill(now)
    if (takenAt <= this.saidAt) return
    // had it not been taken, what would have been above the limit since would have been lost
    const room = Math.max(0, this.limit - Math.max(this.level, this.peakSince(takenAt)))
    this.level += Math.min(amount, room)
  }

  opensAt(now: number): number {
    this.refill(now)
    return this.level >= 1 - rounding ? now : this.reaches(1, now)
  }

  fullAt(now: number): number {
    this.refill(now)
    return this.reaches(this.limit, now)
  }

  report(report: Report, now: number): boolean {
    this.refill(now)
    const { left, until } = report
    if (saysNothing(report) || (until !== undefined && until <= now)) return false
    if (this.said !== undefined && isOlder(report, this.said.end, this.level)) return false
    if (left !== undefined) this.level = left
    this.saidAt = now
    this.said = until === undefined || this.level >= this.limit
      ? undefined
      : { end: until, rate: (this.limit - this.level) / (until - now) }
    return true
  }

  counted(now: number): Count | undefined {
    this.refill(now)
    const amount = this.limit - this.level
    if (amount < rounding) return undefined
    const { said } = this
    if (said === undefined) return { taken: [[0, amount]] }
    // what was taken since the server has spoken is refilled after its moment
    const refilled = Math.min(amount, said.rate * (said.end - now))
    const since = amount - refilled
    return { taken: since < rounding ? [] : [[0, since]], said: [0, refilled, seenFrom(now, said.end)] }
  }

  private notePeak(now: number): void {
    const { peaks, peakTimes } = this
    while (peaks.length > 0 && peaks.at(-1)! <= this.level) {
      peaks.pop()
      peakTimes.pop()
    }
    // of the oldest two the higher stands for both
    if (peaks.length === mostPeaks) {
      peaks.splice(1, 1)
      peakTimes.shift()
    }
    peaks.push(this.level)
    peakTimes.push(now)
  }

  /** The highest level that a take found after a time. */
  private peakSince(at: number): number {
    return this.peaks[this.peakTimes.findIndex((time) => time > at)] ?? -Infinity
  }

  private reaches(level: number, now: number): number {
    const { said } = this
    if (this.level >= level) return now
    const then = said === undefined ? Infinity : now + (level - this.level) / said.rate
    if (said !== undefined && then <= said.end) return then
    const from = said === undefined ? now : said.end
    const had = said === undefined ? this.level : this.level + (said.end - now) * said.rate
    return from + Math.max(0, level - had) / this.rate
  }

  private refill(now: number): void {
    const { said } = this
    if (said !== undefined && said.end <= now) {
      this.add((said.end - this.since) * said.rate)
      this.since = said.end
      this.said = undefined
    }
    if (this.since > -Infinity) this.add((now - this.since) * (this.said?.rate ?? this.rate))
    this.since = now
  }

  private add(amount: number): void {
    // a server may have said that there is more than the limit
    if (this.level < this.limit) this.level = Math.min(this.limit, this.level + amount)
  }
}
