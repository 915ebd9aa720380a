/**
 * The queue of waiters: a doubly linked list for each priority, the highest first. Joining, leaving and the next take a
 * number of steps that does not depend on how many wait; where a priority gets its first waiter, or loses its last, it
 * is the logarithm of the number of priorities.
 *
 * Invariants:
 * - A waiter is linked exactly while `lane` is set.
 * - `size` counts the linked ones; `busy` those of them for whom something is being made, detected or chosen.
 * - What a {@link Search} has passed is not what it seeks, unless it was told to look at it again.
 */
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import type { PooledObject } from "../../PooledObject.ts"
import type { BorrowTimeout } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Creation } from "../making/creator.ts"
import type { Detection } from "../object/detector.ts"
import type { Hook } from "../object/hook.ts"
import type { AsyncContext } from "../structures/asking.ts"
import type { Deadline } from "../structures/deadlines.ts"
import { Heap } from "../structures/heap.ts"
import { type Rank, Ranks } from "../structures/ranks.ts"
import type { Site } from "../structures/site.ts"
import type { Trace } from "../watching/tracing.ts"
import type { Core } from "./core.ts"
import type { Entry } from "./entry.ts"
import type { Pace } from "./pace.ts"

/** How one borrow differs from another, with every default filled in. Times are milliseconds. */
export interface Request<A, D> {
  readonly timeout: number
  readonly where: ((pooled: PooledObject<A, D>) => boolean) | undefined
  readonly priority: number
  /** `undefined`: what `add` or the pool says. */
  readonly leaseTimeout: number | undefined
  /** A `tryBorrow` does not queue: it leaves as soon as nothing is under way for it. */
  readonly queues: boolean
  /** Where it was asked for, where the pool captures that. */
  readonly site?: Site | undefined
}

/** What has gone wrong for a waiter: few have any. */
export class Trouble {
  /** Fresh objects that were refused. */
  refused = 0
  /** `onBorrow` has failed for it. */
  spoilt = false
  /** Monotonic: nothing more is made for it before. */
  backsOffUntil = -Infinity
  backingOff: Deadline | undefined = undefined
  /** Its own course of `creation.retry`, where objects were refused. */
  pace: Pace | undefined = undefined
  lastFailure: unknown = undefined
}

const WaiterBase = function() {} as unknown as new() => Effect.Effect<void>

WaiterBase.prototype = Effectable.Prototype<Waiter<unknown, unknown>>({
  label: "Waiter",
  evaluate() {
    return this.leave()
  }
})

/**
 * A fiber in a borrow that could not be served at once. There may be many: it is itself its deadline, and the effect that
 * takes it from the queue when its fiber is interrupted.
 */
export abstract class Waiter<A, D> extends WaiterBase implements Deadline {
  readonly core: Core<A, D>
  readonly request: Request<A, D>
  readonly fiberId: number
  readonly since: number
  /** Ties the lease to its holder, what gives it back, in the step that resumes the fiber; that goes on with the answer. */
  readonly accept: (lease: ActiveLease<A, D>, holder: unknown) => Effect.Effect<unknown, unknown>
  readonly holder: unknown

  // its outcome: at most one of the two is set at a time
  lease: ActiveLease<A, D> | undefined = undefined
  failure: Effect.Effect<never, unknown> | undefined = undefined
  /** Resumes the fiber; absent until it is suspended, and once it has been interrupted. */
  resume: ((outcome: Effect.Effect<unknown, unknown>) => void) | undefined = undefined

  /** It has an outcome, and a task is on its way that resumes it. */
  awake = false

  // what is under way for it
  creation: Creation<A, D> | undefined = undefined
  detection: Detection<A, D> | Hook<A, D> | undefined = undefined
  /** The user's selector has yet to answer for it; or what is lendable has yet to be detected for it, in a later turn. */
  choosing = false
  /** Its fiber cannot be suspended: whatever can be done for it in one step is done in that. */
  hasty = false
  /** How many claims there had been when something began to be detected or prepared for it. */
  claimed = 0

  /** The asynchronous context of its borrower, where functions are asked for it. */
  context: AsyncContext | undefined = undefined
  /** Its span, where there is a tracer. */
  trace: Trace | undefined = undefined
  /** Its fiber, where a lease that is held too long names it. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  // what it has seen
  /** It has its place in the queue: `maxWaiters` does not refuse it any more. */
  admitted = false
  /** What was made for it. */
  made: Entry<A, D> | undefined = undefined
  /** Its own `where` has rejected that, or it does not queue and was not served by it: nothing more is made for it. */
  misfit = false
  /** What has gone wrong for it, if anything has. */
  trouble: Trouble | undefined = undefined
  /** The version of what was lendable when the selector last answered "none" to it. */
  declined = -1

  // as a deadline
  due = Infinity
  index = -1

  // as a member of the queue
  /** The how manieth it is that has joined. */
  arrival = 0
  lane: Lane<A, D> | undefined = undefined
  previous: Waiter<A, D> | undefined = undefined
  next: Waiter<A, D> | undefined = undefined

  constructor(
    core: Core<A, D>,
    request: Request<A, D>,
    fiberId: number,
    accept: (lease: ActiveLease<A, D>, holder: unknown) => Effect.Effect<unknown, unknown>,
    holder: unknown
  ) {
    super()
    this.core = core
    this.request = request
    this.fiberId = fiberId
    this.since = core.deadlines.now()
    this.accept = accept
    this.holder = holder
  }
  /** Its deadline has passed. */
  abstract fire(): void
  /** Its fiber is interrupted. What is left to do is the effect that this answers. */
  abstract leave(): Effect.Effect<void>
  /** Notes that something has gone wrong. */
  get troubled(): Trouble {
    return this.trouble ??= new Trouble()
  }
  get spoilt(): boolean {
    return this.trouble?.spoilt === true
  }
  /** Nothing is asked for it any more. */
  forget(): void {
    this.context?.emitDestroy()
    this.context = undefined
  }
  /** What it waits for. */
  get phase(): BorrowTimeout["phase"] {
    return this.detection !== undefined ? "Detecting" : this.creation !== undefined ? this.creation.phase : "Waiting"
  }
  get busy(): boolean {
    return this.creation !== undefined || this.detection !== undefined || this.choosing
  }
}

/** The waiters of one priority. */
class Lane<A, D> implements Rank<Lane<A, D>> {
  /** The highest priority is the first. */
  readonly key: number
  readonly next: Array<Lane<A, D> | undefined> = []
  first: Waiter<A, D> | undefined = undefined
  last: Waiter<A, D> | undefined = undefined

  constructor(key: number) {
    this.key = key
  }
}

/** In the order of the queue. */
export const isBefore = <A, D>(one: Waiter<A, D>, other: Waiter<A, D>): boolean =>
  one.request.priority === other.request.priority
    ? one.arrival < other.arrival
    : one.request.priority > other.request.priority

/** Waiters in the order of the queue. */
class Again<A, D> extends Heap<Waiter<A, D>> {
  protected override before(one: Waiter<A, D>, other: Waiter<A, D>): boolean {
    return isBefore(one, other)
  }
  /** Forgets those that have left, where they are most of them. */
  trim(most: number): void {
    if (this.items.length <= most) return
    const left = new Set(this.items.splice(0))
    for (const waiter of left) if (waiter.lane !== undefined) this.push(waiter)
  }
}

/**
 * The first waiter of whom something holds, without a walk past all the others each time: each is looked at in its turn,
 * and again when it is said that it may have come to hold.
 */
export class Search<A, D> {
  private readonly queue: Waiters<A, D>
  /** The first that has not been looked at; nor have those after it. */
  private from: Waiter<A, D> | undefined = undefined
  /** Those before it that are to be looked at. */
  private readonly again = new Again<A, D>()

  constructor(queue: Waiters<A, D>) {
    this.queue = queue
  }

  first(holds: (waiter: Waiter<A, D>) => boolean): Waiter<A, D> | undefined {
    for (;;) {
      const { again: { first }, from } = this
      const waiter = first !== undefined && (from === undefined || isBefore(first, from)) ? first : from
      if (waiter === undefined || (waiter.lane !== undefined && holds(waiter))) return waiter
      // asking may have changed what is the first
      if (waiter === this.again.first) this.again.removeAt(0)
      else if (waiter === this.from) this.from = this.queue.after(waiter)
    }
  }

  /** It may hold of this one now. */
  look(waiter: Waiter<A, D>): void {
    if (waiter.lane === undefined || (this.from !== undefined && !isBefore(waiter, this.from))) return
    if (this.from === undefined && this.queue.after(waiter) === undefined) {
      this.from = waiter
      return
    }
    this.again.trim(2 * this.queue.size + 32)
    this.again.push(waiter)
  }

  /** One is about to leave the queue. */
  leaves(waiter: Waiter<A, D>): void {
    if (this.from === waiter) this.from = this.queue.after(waiter)
  }
}

export class Waiters<A, D> {
  /** By falling priority. None is empty, but for the last one: the next waiter mostly has its priority. */
  private readonly lanes = new Ranks<Lane<A, D>>()
  size = 0
  busy = 0
  /** How many have ever joined. */
  arrivals = 0
  /** Grows when one that others stand behind may want what is prepared for those: it has come, or has lost its own. */
  claims = 0
  /** Those for whom nothing is under way; nothing is being made; and who are no misfits. Only where objects are made. */
  readonly idle: Search<A, D> | undefined
  readonly heirs: Search<A, D> | undefined
  readonly fitting: Search<A, D> | undefined
  /** Those for whom nothing is being detected or prepared; and nothing is being prepared. Only where that may be. */
  readonly free: Search<A, D> | undefined
  readonly unprepared: Search<A, D> | undefined

  /** What may be done for them. */
  constructor({ detects, makes, prepares }: {
    readonly makes: boolean
    readonly detects: boolean
    readonly prepares: boolean
  }) {
    this.idle = makes ? new Search(this) : undefined
    this.heirs = makes ? new Search(this) : undefined
    this.fitting = makes ? new Search(this) : undefined
    this.free = detects || prepares ? new Search(this) : undefined
    this.unprepared = prepares ? new Search(this) : undefined
  }

  /** Notes what is under way for a waiter. */
  note<K extends "creation" | "detection" | "choosing">(waiter: Waiter<A, D>, key: K, value: Waiter<A, D>[K]): void {
    const before = waiter.busy
    waiter[key] = value
    if (waiter.lane !== undefined && waiter.busy !== before) this.countBusy(waiter, before)
    if (value === undefined) this.lookBereft(waiter, key)
    else if (key === "detection") waiter.claimed = this.claims
    // where it has ended, what follows is known when the step ends
    if (waiter.trace !== undefined && value !== undefined) waiter.trace.enter(waiter.phase)
  }

  private countBusy(waiter: Waiter<A, D>, before: boolean): void {
    this.busy += before ? -1 : 1
    if (before) this.idle?.look(waiter)
  }

  /** Its creation, or its detection, is its own no more: another may be meant for it. */
  private lookBereft(waiter: Waiter<A, D>, lost: "creation" | "detection" | "choosing"): void {
    if (lost === "creation") this.heirs?.look(waiter)
    else if (lost === "detection") this.lookFree(waiter)
  }

  join(waiter: Waiter<A, D>): void {
    waiter.arrival = ++this.arrivals
    const lane = this.lane(-waiter.request.priority)
    this.link(waiter, lane, lane.last)
  }

  /** Joins again, in the place that it had: `maxWaiters` does not refuse it. */
  rejoin(waiter: Waiter<A, D>): void {
    const lane = this.lane(-waiter.request.priority)
    let before: Waiter<A, D> | undefined
    // those before it are few: they were passed over when it was served
    for (let next = lane.first; next !== undefined && next.arrival < waiter.arrival; next = next.next) before = next
    waiter.admitted = true
    waiter.declined = -1
    this.link(waiter, lane, before)
  }

  private link(waiter: Waiter<A, D>, lane: Lane<A, D>, before: Waiter<A, D> | undefined): void {
    const after = before === undefined ? lane.first : before.next
    if (after !== undefined || lane.next[0] !== undefined) this.claims++
    waiter.lane = lane
    waiter.previous = before
    waiter.next = after
    if (before === undefined) lane.first = waiter
    else before.next = waiter
    if (after === undefined) lane.last = waiter
    else after.previous = waiter
    this.size++
    if (waiter.busy) this.busy++
    this.lookAgain(waiter)
    this.fitting?.look(waiter)
    this.lookFree(waiter)
  }

  /** Something may be made for this one now. */
  lookAgain(waiter: Waiter<A, D>): void {
    this.idle?.look(waiter)
    this.heirs?.look(waiter)
  }

  private lookFree(waiter: Waiter<A, D>): void {
    this.free?.look(waiter)
    this.unprepared?.look(waiter)
  }

  leave(waiter: Waiter<A, D>): void {
    const lane = waiter.lane
    if (lane === undefined) return
    this.idle?.leaves(waiter)
    this.heirs?.leaves(waiter)
    this.fitting?.leaves(waiter)
    this.free?.leaves(waiter)
    this.unprepared?.leaves(waiter)
    if (waiter.previous === undefined) lane.first = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === undefined) lane.last = waiter.previous
    else waiter.next.previous = waiter.previous
    waiter.lane = waiter.previous = waiter.next = undefined
    if (lane.first === undefined && this.size > 1) this.lanes.remove(lane)
    this.size--
    if (waiter.busy) this.busy--
  }

  /** The oldest of the highest priority. */
  get first(): Waiter<A, D> | undefined {
    return this.lanes.first?.first
  }

  after(waiter: Waiter<A, D>): Waiter<A, D> | undefined {
    return waiter.next ?? waiter.lane?.next[0]?.first
  }

  /** Where a walk goes on: at what was next, or from the first again where that has left meanwhile. */
  onward(next: Waiter<A, D> | undefined): Waiter<A, D> | undefined {
    return next !== undefined && next.lane === undefined ? this.first : next
  }

  private lane(key: number): Lane<A, D> {
    const { first } = this.lanes
    if (first?.key === key) return first
    if (this.size === 0 && first !== undefined) this.lanes.remove(first)
    let lane = this.lanes.find(key)
    if (lane === undefined) {
      lane = new Lane(key)
      this.lanes.add(lane)
    }
    return lane
  }
}
