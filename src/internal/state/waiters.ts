/**
 * The queue of waiters: a doubly linked list for each priority, the highest first. Joining, leaving and the next take a
 * number of steps that does not depend on how many wait; where a priority gets its first waiter, or loses its last, it
 * is the logarithm of the number of priorities.
 *
 * Invariants:
 * - A waiter is linked exactly while `lane` is set.
 * - `size` counts the linked waiters; `busy` those of them for whom an object is being made, detected or chosen;
 *   `expecting` those for whom one is being made.
 * - `ages`, where it is kept, has the linked waiters, in the order in which they were linked.
 * - No waiter that a {@link Search} has passed is what it seeks, unless the search was told to look at that waiter again.
 */
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type { PooledObject } from "../../PooledObject.ts"
import type { BorrowTimeout } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Creation } from "../making/creator.ts"
import type { Detection } from "../object/detector.ts"
import type { Hook } from "../object/hook.ts"
import type { AsyncContext } from "../structures/asking.ts"
import type { Deadline } from "../structures/deadlines.ts"
import { Heap } from "../structures/heap.ts"
import type { Hold } from "../structures/hold.ts"
import { Queue } from "../structures/queue.ts"
import { type Rank, Ranks } from "../structures/ranks.ts"
import type { Site } from "../structures/site.ts"
import type { Trace } from "../watching/tracing.ts"
import type { Borrower } from "./borrower.ts"
import { type Core, soon } from "./core.ts"
import type { Entry } from "./entry.ts"
import { lookAt } from "./notes.ts"
import { nameOf } from "./owners.ts"
import type { Pace } from "./pace.ts"

/** How one borrow differs from another, with every default filled in. Times are milliseconds. */
export interface Request<A, D> {
  readonly timeout: number
  readonly where: ((pooled: PooledObject<A, D>) => boolean) | undefined
  /** Which of those that fit come first; nobody waits for one. */
  readonly favours: ((fitting: ReadonlyArray<Entry<A, D>>) => ReadonlyArray<Entry<A, D>>) | undefined
  readonly priority: number
  /** `undefined`: the lease time-out is that of `add`, or of the pool. */
  readonly leaseTimeout: number | undefined
  /** As `where`, whatever facets rest. */
  readonly wants: ((pooled: PooledObject<A, D>) => boolean) | undefined
  readonly facet: string | undefined
  /** What the borrow takes of each allowance that counts costs. */
  readonly cost: number
  /** A `tryBorrow` does not queue: it fails as soon as no object is being made, detected or chosen for it. */
  readonly queues: boolean
  /** How many objects the borrower wants, all at once; absent for one of one. */
  readonly many?: number | undefined
  /** The site of the borrow, where the pool captures it. */
  readonly site?: Site | undefined
  /** The place of the borrower's class among those of the pool; absent where that has none. */
  readonly classAt?: number | undefined
}

/** What has gone wrong for a waiter. Made only for those for whom something has: they are few. */
export class Trouble {
  /** How many fresh objects the detector has refused. */
  refused = 0
  /** `onBorrow` has failed for the waiter. */
  spoilt = false
  /** Monotonic: no other object is made or prepared for the waiter before. */
  backsOffUntil = -Infinity
  backingOff: Deadline | undefined = undefined
  /** The waiter's own course of `creation.retry`, where objects were refused. */
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
 * A borrower who could not be served at once. There may be many, so each is a single object: the waiter is
 * itself its deadline, and the effect that takes it from the queue when its fiber is interrupted.
 */
export abstract class Waiter<A, D> extends WaiterBase implements Deadline {
  readonly core: Core<A, D>
  readonly request: Request<A, D>
  readonly borrower: Borrower
  readonly since: number

  // the outcome of the wait: at most one of the two is set at a time
  lease: ActiveLease<A, D> | undefined = undefined
  failure: Effect.Effect<never, unknown> | undefined = undefined
  /** Resumes the borrower; absent until he is suspended, and once he has given up. */
  resume: ((outcome: Effect.Effect<unknown, unknown>) => void) | undefined = undefined

  // what is under way for the waiter; written by {@link Waiters.note} while it is in the queue
  creation: Creation<A, D> | undefined = undefined
  detection: Detection<A, D> | Hook<A, D> | undefined = undefined
  /** The user's selector has yet to answer for the waiter; or more objects are detected for it in a later task. */
  choosing = false
  /** The borrower cannot wait, as in `runSync`: whatever can be done in one step is done in that. */
  hasty = false
  /** The count of {@link Waiters.claims} when an object began to be detected or prepared for the waiter. */
  claimed = 0

  /** The asynchronous context of the borrower, where functions of the user's are called for it. */
  context: AsyncContext | undefined = undefined
  /** The span of the wait, where there is a tracer. */
  trace: Trace | undefined = undefined

  // what the waiter has gone through
  /** The waiter has its place in the queue: `maxWaiters` does not refuse it any more. */
  admitted = false
  /** The object that was made for the waiter. */
  made: Entry<A, D> | undefined = undefined
  /** The waiter's `where` has rejected `made`, or `made` has not served one that does not queue: no more is made for it. */
  misfit = false
  /** What is set aside for a waiter of several: see `waiting/aside.ts`. */
  aside: Set<Entry<A, D>> | undefined = undefined
  /** The creations that wait for room, for what a waiter of several lacks beyond its own one: see `state/room.ts`. */
  further: Set<Creation<A, D>> | undefined = undefined
  /** How many objects are being prepared for the waiter that count for its class: written by `state/classes.ts`. */
  paid = 0
  /** What has gone wrong for the waiter, if anything has. */
  trouble: Trouble | undefined = undefined
  /** The version of the registry when the user's selector last answered "none" for the waiter. */
  declined = -1

  // as a deadline
  due = Infinity
  index = -1

  // as a member of the queue
  /** A number that grows with each waiter that joins: the order of arrival. */
  arrival = 0
  lane: Lane<A, D> | undefined = undefined
  previous: Waiter<A, D> | undefined = undefined
  next: Waiter<A, D> | undefined = undefined

  constructor(
    core: Core<A, D>,
    request: Request<A, D>,
    borrower: Borrower
  ) {
    super()
    this.core = core
    this.request = request
    this.borrower = borrower
    this.since = core.deadlines.now()
  }
  /** In whose name the lease will be. */
  get owner(): number {
    return nameOf(this.borrower)
  }
  /** The waiter's deadline has passed. */
  abstract fire(): void
  /** The borrower gives up. What is left to do is the effect that this answers. */
  abstract leave(): Effect.Effect<void>
  /** The waiter has an outcome: has `resume` called, but not within this step. */
  abstract resumeSoon(): void
  /** An object that was set aside for the waiter is not to be lent any more. */
  lose(entry: Entry<A, D>): void {
    entry.keeper = undefined
    // whoever is lent it next has it prepared anew
    entry.prepared = false
    if (this.aside?.delete(entry) === true) {
      this.core.classes?.release(this, false)
      this.core.place?.keeps(this)
    }
    soon(this.core, () => {
      if (this.lane === undefined) return
      this.core.waiters.lookAgain(this)
      lookAt(this.core, this)
    })
  }
  /** The record of what has gone wrong; made when it is first asked for. */
  get troubled(): Trouble {
    return this.trouble ??= new Trouble()
  }
  get spoilt(): boolean {
    return this.trouble?.spoilt === true
  }
  /** The wait is over: no function is called in the borrower's context any more. */
  forget(): void {
    this.context?.emitDestroy()
    this.context = undefined
  }
  /** What the waiter waits for. */
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

const isChoosy = <A, D>({ request: { cost, facet } }: Waiter<A, D>): boolean => facet !== undefined || cost > 1

/** Does one waiter come before another in the order of the queue? */
export const isBefore = <A, D>(one: Waiter<A, D>, other: Waiter<A, D>): boolean =>
  one.request.priority === other.request.priority
    ? one.arrival < other.arrival
    : one.request.priority > other.request.priority

/**
 * The rank of a waiter among those of all keys that share their room, as far as it is about what is set aside: the latest
 * arrival of it and of the borrowers of several before it in its queue, who have what is made for it first. So it grows
 * along each queue, whatever the priorities, and no two keys have the same: of any waiters one is the first.
 */
export const rankOf = <A, D>(waiter: Waiter<A, D>): number => {
  let rank = waiter.arrival
  for (const other of waiter.core.waiters.several) {
    if (other.arrival > rank && isBefore(other, waiter)) rank = other.arrival
  }
  return rank
}

/** Waiters that are to be looked at again, in the order of the queue. */
export class Again<A, D> extends Heap<Waiter<A, D>> {
  protected override before(one: Waiter<A, D>, other: Waiter<A, D>): boolean {
    return isBefore(one, other)
  }
  take(): Waiter<A, D> | undefined {
    const { first } = this
    if (first !== undefined) this.removeAt(0)
    return first
  }
  /** Forgets the waiters that have left the queue, where there are more than `most` in all. */
  trim(most: number): void {
    if (this.items.length <= most) return
    const left = new Set(this.items.splice(0))
    for (const waiter of left) if (waiter.lane !== undefined) this.push(waiter)
  }
}

/**
 * The first waiter for whom a condition holds, found without a walk past all the others each time: each waiter is looked
 * at in its turn, and again when the search is told that the condition may have come to hold for it.
 */
export class Search<A, D> {
  private readonly queue: Waiters<A, D>
  /** The first waiter that has not been looked at; nor have those after it. */
  private from: Waiter<A, D> | undefined = undefined
  /** The waiters before `from` that are to be looked at again. */
  private readonly again = new Again<A, D>()

  constructor(queue: Waiters<A, D>) {
    this.queue = queue
  }

  first(holds: (waiter: Waiter<A, D>) => boolean): Waiter<A, D> | undefined {
    for (;;) {
      const { again: { first }, from } = this
      const waiter = first !== undefined && (from === undefined || isBefore(first, from)) ? first : from
      if (waiter === undefined || (waiter.lane !== undefined && holds(waiter))) return waiter
      // the condition may have changed the queue, and so which waiter is the first
      if (waiter === this.again.first) this.again.removeAt(0)
      else if (waiter === this.from) this.from = this.queue.after(waiter)
    }
  }

  /** The condition may hold for this waiter now. */
  look(waiter: Waiter<A, D>): void {
    if (waiter.lane === undefined || (this.from !== undefined && !isBefore(waiter, this.from))) return
    if (this.from === undefined && this.queue.after(waiter) === undefined) {
      this.from = waiter
      return
    }
    this.again.trim(2 * this.queue.size + 32)
    this.again.push(waiter)
  }

  /** A waiter is about to leave the queue. */
  leaves(waiter: Waiter<A, D>): void {
    if (this.from === waiter) this.from = this.queue.after(waiter)
  }
}

/** What a pool may do for its waiters: make, detect, prepare objects. */
export interface Means {
  readonly makes: boolean
  readonly detects: boolean
  readonly prepares: boolean
  /** Are the waiters kept by age as well? */
  readonly ages?: boolean
}

/** An order of the waiters. */
export interface Along<A, D> {
  readonly lead: Waiter<A, D> | undefined
  readonly follower: (waiter: Waiter<A, D>) => Waiter<A, D> | undefined
}

export class Waiters<A, D> {
  /** The lanes, by falling priority. None is empty, but for the last one: the next waiter mostly has its priority. */
  private readonly lanes = new Ranks<Lane<A, D>>()
  size = 0
  busy = 0
  /** How many waiters an object is being made for. */
  expecting = 0
  /** The waiters of several. */
  readonly several = new Set<Waiter<A, D>>()
  /** How many waiters are of a facet, or of a cost that not every object may bear. */
  choosy = 0
  /** The arrival of the last waiter that has joined: a number that grows. */
  arrivals = 0
  /** Grows when a waiter may claim an object that is prepared for one behind it: it has joined, or has lost its own. */
  claims = 0
  /** With classes of borrowers, how many waiters an object is being detected or prepared for. */
  detecting = 0
  /** How often the last waiter has left the queue. */
  drains = 0
  /** The newest of a priority is served first: see `waiting/overload.ts`, which writes this. */
  newestFirst = false
  /** The waiters by age; absent where no overload is looked for. */
  readonly ages: Queue<Waiter<A, D>> | undefined
  /** The waiters for whom something may be done now, in the order of the queue; some of them may have left it. */
  readonly news: Again<A, D> = new Again()
  /** The waiters that are not busy; for whom no object is being made; that are no misfits. */
  readonly idle: Search<A, D> | undefined
  readonly heirs: Search<A, D> | undefined
  readonly fitting: Search<A, D> | undefined
  /** The waiters for whom no object is being detected or prepared; for whom none is being prepared. */
  readonly free: Search<A, D> | undefined
  readonly unprepared: Search<A, D> | undefined
  private readonly hold: Hold
  /** Counts the arrivals: those at all keys, where there are many. */
  private readonly order: { last: number }

  /** `hold`: it is held while anybody waits. */
  constructor({ ages = false, detects, makes, prepares }: Means, hold: Hold, order = { last: 0 }) {
    this.hold = hold
    this.order = order
    this.ages = ages ? new Queue() : undefined
    this.idle = makes ? this.search("idle") : undefined
    this.heirs = makes ? this.search("heirs") : undefined
    this.fitting = makes ? this.search("fitting") : undefined
    this.free = detects || prepares ? this.search("free") : undefined
    this.unprepared = prepares ? this.search("unprepared") : undefined
  }

  protected search(_name: "idle" | "heirs" | "fitting" | "free" | "unprepared"): Search<A, D> {
    return new Search(this)
  }

  /** The queue that a waiter is in, where those of each class have one. */
  queueOf(_waiter: Waiter<A, D>): Waiters<A, D> {
    return this
  }

  /** Whether the newest of a priority is served first. */
  serveNewestFirst(newestFirst: boolean): void {
    this.newestFirst = newestFirst
  }

  /** Writes what is under way for a waiter: its creation, its detection, or a choice. */
  note<K extends "creation" | "detection" | "choosing">(waiter: Waiter<A, D>, key: K, value: Waiter<A, D>[K]): void {
    const before = waiter.busy
    if (key === "creation" && waiter.lane !== undefined) this.countExpecting(waiter, value)
    waiter[key] = value
    if (waiter.lane !== undefined && waiter.busy !== before) this.countBusy(waiter, before)
    if (value === undefined) this.lookBereft(waiter, key)
    else if (key === "detection") waiter.claimed = this.claims
    // where the creation or detection has ended, the phase that follows is known when the step ends
    if (waiter.trace !== undefined && value !== undefined) waiter.trace.enter(waiter.phase)
  }

  private countExpecting({ creation }: Waiter<A, D>, value: unknown): void {
    this.expecting += (value === undefined ? 0 : 1) - (creation === undefined ? 0 : 1)
  }

  private countBusy(waiter: Waiter<A, D>, before: boolean): void {
    this.busy += before ? -1 : 1
    if (before) this.idle?.look(waiter)
  }

  /** A waiter has lost its creation, or its detection: another may be meant for it. */
  private lookBereft(waiter: Waiter<A, D>, lost: "creation" | "detection" | "choosing"): void {
    if (lost === "creation") this.heirs?.look(waiter)
    else if (lost === "detection") this.lookFree(waiter)
  }

  join(waiter: Waiter<A, D>): void {
    waiter.arrival = this.arrivals = ++this.order.last
    const lane = this.lane(-waiter.request.priority)
    this.link(waiter, lane, lane.last)
  }

  /** A waiter joins again, in the place that it had: `maxWaiters` does not refuse it. */
  rejoin(waiter: Waiter<A, D>): void {
    const lane = this.lane(-waiter.request.priority)
    let before: Waiter<A, D> | undefined
    // the waiters before it are few: they were passed over when it was served
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
    this.count(waiter, 1)
    this.hold.begin()
    this.lookAgain(waiter)
    this.fitting?.look(waiter)
    this.lookFree(waiter)
  }

  /** An object may be made for this waiter now. */
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
    this.count(waiter, -1)
    this.hold.end()
  }

  /** A waiter joins, or leaves. */
  private count(waiter: Waiter<A, D>, by: 1 | -1): void {
    this.size += by
    if (waiter.busy) this.busy += by
    if (waiter.creation !== undefined) this.expecting += by
    if (isChoosy(waiter)) this.choosy += by
    if (waiter.request.many !== undefined) this.countSeveral(waiter, by)
    if (this.size === 0) this.drains++
    if (this.ages === undefined) return
    if (by === 1) this.ages.add(waiter)
    else this.ages.delete(waiter)
  }

  private countSeveral(waiter: Waiter<A, D>, by: 1 | -1): void {
    if (by === 1) this.several.add(waiter)
    else this.several.delete(waiter)
  }

  /** The oldest waiter of the highest priority. */
  get first(): Waiter<A, D> | undefined {
    return this.lanes.first?.first
  }

  after(waiter: Waiter<A, D>): Waiter<A, D> | undefined {
    return waiter.next ?? waiter.lane?.next[0]?.first
  }

  /** Who is to be served first: the oldest of the highest priority, or the newest. */
  get lead(): Waiter<A, D> | undefined {
    return this.newestFirst ? this.lanes.first?.last : this.first
  }

  /** Who is to be served after a waiter. */
  follower(waiter: Waiter<A, D>): Waiter<A, D> | undefined {
    return this.newestFirst ? waiter.previous ?? waiter.lane?.next[0]?.last : this.after(waiter)
  }

  /** The waiters as they are to be served now, for who goes along all of them: whatever becomes of whose turn it is meanwhile. */
  along(): Along<A, D> {
    return this
  }

  /** Is one waiter to be served before another, as far as their classes do not say otherwise? */
  goesBefore(one: Waiter<A, D>, other: Waiter<A, D>): boolean {
    return one.request.priority === other.request.priority && this.newestFirst
      ? one.arrival > other.arrival
      : isBefore(one, other)
  }

  /** {@link Waiters.find} in the order in which the waiters are to be served, from a waiter on. */
  seek(from: Waiter<A, D> | undefined, found: (waiter: Waiter<A, D>) => boolean): Waiter<A, D> | undefined {
    for (let waiter = from; waiter !== undefined;) {
      const next = this.follower(waiter)
      if (found(waiter)) return waiter
      // a waiter that has left leads nowhere
      if (next === undefined || next.lane !== undefined) waiter = next
      else waiter = waiter.lane === undefined ? this.lead : this.follower(waiter)
    }
    return undefined
  }

  /**
   * The first waiter for which `found` answers `true`, from one on. Waiters may join and leave meanwhile: where both the one
   * that is asked about and the next have left, the walk begins anew.
   */
  find(from: Waiter<A, D> | undefined, found: (waiter: Waiter<A, D>) => boolean): Waiter<A, D> | undefined {
    for (let waiter = from; waiter !== undefined;) {
      const next = this.after(waiter)
      if (found(waiter)) return waiter
      // a waiter that has left leads nowhere
      if (next === undefined || next.lane !== undefined) waiter = next
      else waiter = waiter.lane === undefined ? this.first : this.after(waiter)
    }
    return undefined
  }

  /** Calls a function for each waiter: see {@link Waiters.find}. */
  each(visit: (waiter: Waiter<A, D>) => void): void {
    this.find(this.first, (waiter) => {
      visit(waiter)
      return false
    })
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
