/** Durations in few buckets: exact up to 16 ms, within an eighth above. Histograms of many seconds are added up. */

const exact = 16
const ratio = 1.125

const bucketOf = (millis: number): number => {
  if (millis < exact) return Math.max(0, Math.floor(millis))
  return exact + Math.floor(Math.log(millis / exact) / Math.log(ratio))
}

/** A week, and all that is longer. */
const last = bucketOf(7 * 24 * 3_600_000)

/** What a bucket stands for. */
const valueOf = (bucket: number): number =>
  bucket < exact ? bucket : Math.round(exact * ratio ** (bucket - exact + 0.5))

export class Histogram {
  /** How often each bucket was hit: sparse, since most seconds see few. */
  private readonly hits = new Map<number, number>()
  count = 0

  add(millis: number, times = 1): void {
    const bucket = Math.min(last, bucketOf(millis))
    this.hits.set(bucket, (this.hits.get(bucket) ?? 0) + times)
    this.count += times
  }

  addAll(other: Histogram): void {
    for (const [bucket, times] of other.hits) this.hits.set(bucket, (this.hits.get(bucket) ?? 0) + times)
    this.count += other.count
  }

  /** Milliseconds; -1 where there is nothing. */
  quantile(q: number): number {
    if (this.count === 0) return -1
    let left = Math.ceil(q * this.count)
    for (const bucket of [...this.hits.keys()].sort((a, b) => a - b)) {
      left -= this.hits.get(bucket)!
      if (left <= 0) return valueOf(bucket)
    }
    return -1
  }
}
