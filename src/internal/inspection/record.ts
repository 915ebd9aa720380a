/**
 * What has happened in one pool since somebody looks: a bucket for each second, and the last events.
 *
 * What the pool counts anyhow is exact: borrows, time-outs, refusals. Waits and holds come from its events; of a pool that
 * has more of them than can be read, they are a sample.
 */
import * as Duration from "effect/Duration"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Core } from "../state/core.ts"
import { sum, totalsOf } from "../state/whole.ts"
import { Histogram } from "../structures/histogram.ts"
import { type EventRow, eventsKept, history, type Minute, type Seconds } from "./frame.ts"
import { short, textOf } from "./words.ts"

type Refusals = Core<never, never>["tallies"]["refusals"]

const noRefusals: Refusals = {
  NoneAvailable: 0,
  WaitersFull: 0,
  Suspended: 0,
  Resting: 0,
  CostTooHigh: 0,
  Overloaded: 0,
  NoRoom: 0
}

/** Of each reason what `f` makes of two counts. */
const both = (a: Refusals, b: Refusals, f: (a: number, b: number) => number): Refusals => ({
  NoneAvailable: f(a.NoneAvailable, b.NoneAvailable),
  WaitersFull: f(a.WaitersFull, b.WaitersFull),
  Suspended: f(a.Suspended, b.Suspended),
  Resting: f(a.Resting, b.Resting),
  CostTooHigh: f(a.CostTooHigh, b.CostTooHigh),
  Overloaded: f(a.Overloaded, b.Overloaded),
  NoRoom: f(a.NoRoom, b.NoRoom)
})

class Bucket {
  readonly second: number
  readonly waits = new Histogram()
  readonly holds = new Histogram()
  borrows = 0
  timeouts = 0
  refusals: Refusals = noRefusals
  destroyFailures = 0
  private quantiles: readonly [p50: number, p99: number] | undefined = undefined

  constructor(second: number) {
    this.second = second
  }

  /** Asked for when its second is over, by each who comes: nothing of it changes any more. */
  get waited(): readonly [p50: number, p99: number] {
    return this.quantiles ??= [this.waits.quantile(0.5), this.waits.quantile(0.99)]
  }
}

/** An end that was missed would leave its warning here for ever. */
const mostWarnings = 1000

interface LastMinute extends Minute {
  readonly refusals: Refusals
  readonly destroyFailures: number
}

/** Those of every borrow and return. The others are kept apart, so that they are not washed away. */
const everyday: ReadonlySet<PoolEvent["_tag"]> = new Set(["Borrowed", "Released", "StatusChanged", "Detected"])

export const isEveryday = (event: PoolEvent): boolean => everyday.has(event._tag)

export interface Heard {
  readonly seq: number
  readonly event: PoolEvent
  /** As it is sent; absent until somebody is told. */
  row?: EventRow
}

/** The last of a kind, the oldest first. */
class Ring {
  private readonly kept: Array<Heard> = []
  private next = 0

  add(heard: Heard): void {
    this.kept[this.next] = heard
    this.next = (this.next + 1) % eventsKept
  }

  between(after: number, last: number): Array<Heard> {
    return this.kept.filter(({ seq }) => seq > after && seq <= last)
  }
}

/** It does not hold its pool: one that is dropped without being closed is to go, whoever looks. */
export class Record {
  readonly id: number
  private readonly buckets: Array<Bucket> = []
  private now: Bucket
  private readonly everyday = new Ring()
  private readonly notable = new Ring()
  /** Of the pool, when the bucket of this second began. */
  private totals: Core<never, never>["totals"]
  private refusals: Refusals
  /** Failures of the factory in a row, and what the last one was. */
  failures = 0
  failure: string | undefined = undefined
  /** What the last detection that failed has failed with. */
  detectionFailure: string | undefined = undefined
  /** What the pool has said of leases that are held too long. */
  readonly warnings = new Map<number, Extract<PoolEvent, { readonly _tag: "LeaseOverdue" }>>()
  /** As of the end of the last second. */
  minute: LastMinute
  /** How long a lease is held, as a rule; -1 where too few are known. */
  medianHold = -1
  private readonly name: (failure: unknown) => string

  private readonly nameKey: (key: unknown) => string | undefined

  constructor(
    core: Core<never, never>,
    id: number,
    second: number,
    describeFailure: (failure: unknown) => string,
    nameKey: (key: unknown) => string | undefined
  ) {
    this.id = id
    this.nameKey = nameKey
    this.now = new Bucket(second)
    this.totals = { ...totalsOf(core) }
    this.refusals = { ...core.tallies.refusals }
    this.name = (failure) => {
      try {
        return short(String(describeFailure(failure)))
      } catch {
        return "(describeFailure failed)"
      }
    }
    this.minute = this.sumMinute()
    // how often it failed before somebody looked, as far as the pool knows
    this.failures = Math.max(core.refill.failures, sum(core, ({ retry }) => retry.failing ? 1 : 0))
  }

  hear(event: PoolEvent, seq: number): void {
    const ring = isEveryday(event) ? this.everyday : this.notable
    ring.add({ seq, event })
    switch (event._tag) {
      case "Borrowed":
        return this.now.waits.add(Duration.toMillis(event.waited))
      case "Released":
        this.warnings.delete(event.leaseId)
        return this.now.holds.add(Duration.toMillis(event.held))
      case "LeaseOverdue":
        if (this.warnings.size < mostWarnings) this.warnings.set(event.leaseId, event)
        return
      case "Acquired":
        this.failures = 0
        this.failure = undefined
        return
      case "AcquireFailed":
        this.failures++
        this.failure = this.name(event.failure)
        return
      case "DetectionFailed":
        this.detectionFailure = this.name(event.failure)
        return
      case "DestroyFailed":
        this.now.destroyFailures++
        return
      default:
        return
    }
  }

  /** The time goes on: the buckets of the seconds that are over are closed. */
  advance(core: Core<never, never>, second: number): void {
    // a clock that is set back ends nothing
    if (second <= this.now.second) return
    const { tallies } = core
    const totals = totalsOf(core)
    const { borrowed, timedOut } = totals
    this.now.borrows = borrowed - this.totals.borrowed
    this.now.timeouts = timedOut - this.totals.timedOut
    this.now.refusals = both(tallies.refusals, this.refusals, (now, before) => now - before)
    this.totals = { ...totals }
    this.refusals = { ...tallies.refusals }
    this.buckets.push(this.now)
    // seconds in which nobody came to close a bucket had none of their own
    for (let empty = Math.max(this.now.second + 1, second - history); empty < second; empty++) {
      this.buckets.push(new Bucket(empty))
    }
    this.now = new Bucket(second)
    if (this.buckets.length > history) this.buckets.splice(0, this.buckets.length - history)
    this.minute = this.sumMinute()
    this.medianHold = this.findMedianHold()
  }

  /** The last second that is over. */
  get last(): number {
    return this.buckets.at(-1)?.second ?? -Infinity
  }

  /** The seconds after one of them, up to another; none where there is no new one. */
  between(after: number, last: number): Seconds | undefined {
    const fresh = this.buckets.filter(({ second }) => second > after && second <= last)
    if (fresh.length === 0) return undefined
    return {
      pool: this.id,
      from: fresh[0]!.second,
      borrows: fresh.map((bucket) => bucket.borrows),
      p50: fresh.map(({ waited }) => waited[0]),
      p99: fresh.map(({ waited }) => waited[1]),
      timeouts: fresh.map((bucket) => bucket.timeouts),
      minute: minute(this.minute)
    }
  }

  private sumMinute(): LastMinute {
    const waits = new Histogram()
    const last = this.buckets.slice(-60)
    const sum = { borrows: 0, timeouts: 0, refusals: noRefusals, destroyFailures: 0 }
    for (const bucket of last) {
      waits.addAll(bucket.waits)
      sum.borrows += bucket.borrows
      sum.timeouts += bucket.timeouts
      sum.refusals = both(sum.refusals, bucket.refusals, (a, b) => a + b)
      sum.destroyFailures += bucket.destroyFailures
    }
    return { seconds: last.length, p50: waits.quantile(0.5), p99: waits.quantile(0.99), ...sum }
  }

  private findMedianHold(): number {
    const holds = new Histogram()
    for (const bucket of this.buckets) holds.addAll(bucket.holds)
    return holds.count < 20 ? -1 : holds.quantile(0.5)
  }

  /** The events after one of them, up to another, the oldest first. */
  eventsBetween(after: number, last: number): Array<Heard> {
    return [...this.everyday.between(after, last), ...this.notable.between(after, last)].sort((a, b) => a.seq - b.seq)
  }

  row(heard: Heard): EventRow {
    return heard.row ??= this.toRow(heard)
  }

  private toRow({ event, seq }: Heard): EventRow {
    const text = textOf(event, this.name)
    const key = "key" in event ? this.nameKey(event.key) : undefined
    return [
      seq,
      this.id,
      event.at.epochMilliseconds,
      event._tag,
      "objectId" in event ? event.objectId : 0,
      "leaseId" in event ? event.leaseId : 0,
      key === undefined ? text : text === "" ? key : `${key}: ${text}`
    ]
  }
}

const minute = ({ borrows, p50, p99, seconds, timeouts }: LastMinute): Minute => ({
  seconds,
  borrows,
  p50,
  p99,
  timeouts
})
