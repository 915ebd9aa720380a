/**
 * What is left of a limit: so many units in a time. Each kind counts in its own way, and on one clock, in milliseconds.
 *
 * What was taken may be more than was left: that is a debt, and nothing is left until it is over. Time never goes back
 * between two calls, but for the wall clock, which `Reset` goes by.
 */

/** The clock that a counter goes by. */
type ClockOf = "monotonic" | "wall"

/** What a server has said: `left` units, and that all of them are there again at a time. */
export interface Report {
  readonly left: number | undefined
  readonly until: number | undefined
}

/**
 * What a counter has counted, to be counted anew by another: what was taken, and when; and what a server has said, when, and
 * until when. Times are milliseconds from the moment of asking, rounded up: nothing counts for less long than it did.
 */
export interface Count {
  readonly taken: ReadonlyArray<readonly [at: number, amount: number]>
  readonly said?: readonly [at: number, amount: number, until: number]
}

export interface Counter {
  readonly limit: number
  readonly clock: ClockOf
  /** How much is left: less than zero is a debt. */
  left(now: number): number
  /** Answers how much is left then. */
  take(amount: number, now: number): number
  /**
   * Takes back what was taken at a time, as far as that still counts: what a server has counted since does not. `amount` is no
   * more than was taken then.
   */
  giveBack(amount: number, takenAt: number, now: number): void
  /** When there is something left again, if nothing more is taken; now, where there is. */
  opensAt(now: number): number
  /** When all of it is there again, if nothing more is taken. */
  fullAt(now: number): number
  /**
   * What the server says replaces what was counted. `false`: it says nothing, or speaks of a time that is over, or is older
   * than what it has said: more was left then, until an earlier moment.
   */
  report(report: Report, now: number): boolean
  /** What still counts; nothing where all of the limit is there. */
  counted(now: number): Count | undefined
}

/** So little is nothing: what fractions leave behind that were added up. */
const rounding = 1e-9

/** What is left, but for what was rounded away. */
const rounded = (left: number): number => (left < rounding && left > -rounding ? 0 : left)

/** Is a report older than what was said until `end`? All is there again no earlier than before, whatever is taken. */
const isOlder = ({ left, until }: Report, end: number, counted: number): boolean =>
  until !== undefined && until < end && (left === undefined || left > counted)

const saysNothing = ({ left, until }: Report): boolean => left === undefined && until === undefined

/** Has a new counter count what another has. `since`: the moment at which the other was asked. */
export const countAnew = (counter: Counter, { said, taken }: Count, since: number): void => {
  if (said !== undefined) counter.report({ left: counter.limit - said[1], until: since + said[2] }, since + said[0])
  for (const [at, amount] of [...taken].sort(([one], [other]) => one - other)) counter.take(amount, since + at)
}

/** When something will be, as seen from now. */
const seenFrom = (now: number, at: number): number => Math.ceil(at - now)

/** When something was, as seen from now: not later, though sums be rounded, and the wall clock have been set back. */
const ago = (now: number, at: number): number => Math.min(0, seenFrom(now, at))

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
