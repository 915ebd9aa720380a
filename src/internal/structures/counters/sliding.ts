/** A sliding window. */
import {
  ago,
  type Count,
  type Counter,
  isOlder,
  type Report,
  rounded,
  rounding,
  saysNothing,
  seenFrom
} from "./counter.ts"

/** From so many takes on, those of a thousandth of a window are told as one. */
const mostTold = 1000

/** From so many takes in a window on, those of a thousandth of the window count as one, which lasts as long as the last. */
const mostExact = 10_000

/**
 * A sliding window: in no stretch of time as long as the window is more than the limit taken, debts aside. A take counts
 * from its time on, up to the moment a window later, and no more at that.
 *
 * Invariant, after each call: of `count` takes from `head` on in the rings, each ends no earlier than the one before it,
 * and `sum` is what they and `said` come to.
 */
export class Sliding implements Counter {
  readonly clock = "monotonic"
  readonly limit: number
  private readonly per: number
  private ends = new Float64Array(4)
  /** Half as wide as long as that says each amount exactly, as of whole numbers to some millions. */
  private amounts: Float32Array | Float64Array = new Float32Array(4)
  private head = 0
  private count = 0
  private sum = 0
  private coarse = false
  /** What a server has said was taken, and until when that counts. */
  private said: { readonly end: number; readonly amount: number } | undefined = undefined
  /** When it has said that: nothing of what was taken before counts. */
  private saidAt = -Infinity

  constructor(limit: number, per: number) {
    this.limit = limit
    this.per = per
  }

  left(now: number): number {
    this.forget(now)
    return rounded(this.limit - this.sum)
  }

  take(amount: number, now: number): number {
    if (amount === 0) return this.left(now)
    this.forget(now)
    this.sum += amount
    const end = now + this.per
    const last = this.at(this.count - 1)
    if (
      this.count > 0 && (this.ends[last] === end || (this.coarse && this.grain(this.ends[last]!) === this.grain(end)))
    ) {
      this.ends[last] = end
      this.put(last, this.amounts[last]! + amount)
      return rounded(this.limit - this.sum)
    }
    if (this.count === mostExact) this.coarsen()
    if (this.count === this.ends.length) this.grow()
    const next = this.at(this.count++)
    this.ends[next] = end
    this.put(next, amount)
    return rounded(this.limit - this.sum)
  }

  giveBack(amount: number, takenAt: number, now: number): void {
    this.forget(now)
    const end = takenAt + this.per
    // what has been taken so long ago counts no more
    if (end <= now || takenAt <= this.saidAt) return
    const i = this.firstFrom(end)
    const at = this.at(i)
    // it counts with what was taken just after, where that counts as one
    if (i === this.count || (this.ends[at] !== end && !this.coarse)) return
    const back = Math.min(amount, this.amounts[at]!)
    this.put(at, this.amounts[at]! - back)
    this.sum -= back
  }

  opensAt(now: number): number {
    this.forget(now)
    const { said } = this
    let { sum } = this
    let at = now
    let isSaid = said === undefined
    for (let i = 0; sum > this.limit - rounding && (i < this.count || !isSaid);) {
      const next = i < this.count ? this.ends[this.at(i)]! : Infinity
      if (!isSaid && said!.end <= next) {
        isSaid = true
        at = said!.end
        sum -= said!.amount
      } else {
        at = next
        sum -= this.amounts[this.at(i++)]!
      }
    }
    return at
  }

  fullAt(now: number): number {
    this.forget(now)
    if (this.sum < rounding) return now
    let last = this.count - 1
    // what has been given back
    while (last >= 0 && this.amounts[this.at(last)]! < rounding) last--
    return Math.max(last < 0 ? now : this.ends[this.at(last)]!, this.said?.end ?? now)
  }

  report(report: Report, now: number): boolean {
    this.forget(now)
    const { left, until } = report
    const end = until ?? now + this.per
    if (saysNothing(report) || end <= now) return false
    if (this.said !== undefined && isOlder(report, this.said.end, this.limit - this.sum)) return false
    const amount = left === undefined ? this.sum : this.limit - left
    this.head = this.count = 0
    this.said = { end, amount }
    this.saidAt = now
    this.sum = amount
    return true
  }

  counted(now: number): Count | undefined {
    this.forget(now)
    const taken: Array<[at: number, amount: number]> = []
    let last = NaN
    for (let i = 0; i < this.count; i++) {
      const end = this.ends[this.at(i)]!
      const amount = this.amounts[this.at(i)]!
      const at = ago(now, end - this.per)
      const grain = this.count > mostTold ? this.grain(end) : at
      if (grain === last) taken[taken.length - 1] = [at, taken.at(-1)![1] + amount]
      else if (amount > rounding) taken.push([at, amount])
      if (amount > rounding) last = grain
    }
    const { said } = this
    if (said === undefined || said.amount <= 0) return taken.length === 0 ? undefined : { taken }
    return { taken, said: [0, said.amount, seenFrom(now, said.end)] }
  }

  private put(at: number, amount: number): void {
    if (Math.fround(amount) !== amount && this.amounts instanceof Float32Array) {
      this.amounts = new Float64Array(this.amounts)
    }
    this.amounts[at] = amount
  }

  private at(index: number): number {
    const at = this.head + index
    return at < this.ends.length ? at : at - this.ends.length
  }

  private grain(end: number): number {
    return Math.floor(end * 1000 / this.per)
  }

  /** Forgets what counts no more. */
  private forget(now: number): void {
    const before = this.count
    while (this.count > 0 && this.ends[this.head]! <= now) {
      this.sum -= this.amounts[this.head]!
      this.head = this.at(1)
      this.count--
    }
    if (this.count < before) this.shrink()
    if (this.said !== undefined && this.said.end <= now) {
      this.sum -= this.said.amount
      this.said = undefined
    }
    if (this.count > 0) return
    this.coarse = false
    // what rounding has left behind is no debt
    this.sum = this.said?.amount ?? 0
  }

  /** Gives half of the room back that was needed once: the next burst may be as large. */
  private shrink(): void {
    if (this.ends.length > 64 && 4 * this.count < this.ends.length) this.resize(this.ends.length >> 1)
  }

  /** The first of the takes that end at a time, or later. */
  private firstFrom(end: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.ends[this.at(middle)]! < end) low = middle + 1
      else high = middle
    }
    return low
  }

  private grow(): void {
    // a quarter more: with that, and 12 bytes each, a window takes less than 16 bytes for each of many takes
    this.resize(this.count + Math.max(4, this.count >> 2))
  }

  private resize(size: number): void {
    const ends = new Float64Array(size)
    const amounts = this.amounts instanceof Float32Array ? new Float32Array(size) : new Float64Array(size)
    // from the head to the end of the rings, and what is left from their beginning
    const after = Math.min(this.count, this.ends.length - this.head)
    ends.set(this.ends.subarray(this.head, this.head + after))
    ends.set(this.ends.subarray(0, this.count - after), after)
    amounts.set(this.amounts.subarray(this.head, this.head + after))
    amounts.set(this.amounts.subarray(0, this.count - after), after)
    this.ends = ends
    this.amounts = amounts
    this.head = 0
  }

  /** Has all takes of a thousandth of the window count as one. */
  private coarsen(): void {
    this.coarse = true
    this.resize(this.ends.length)
    let last = 0
    for (let i = 1; i < this.count; i++) {
      const amount = this.amounts[i]!
      if (this.grain(this.ends[i]!) === this.grain(this.ends[last]!)) this.put(last, this.amounts[last]! + amount)
      else this.put(++last, amount)
      this.ends[last] = this.ends[i]!
    }
    this.count = last + 1
    this.resize(Math.max(2048, this.count))
  }
}
