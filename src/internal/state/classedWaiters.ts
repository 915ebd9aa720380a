/**
 * The waiters of a pool with classes: a queue for each class, which together are seen as one.
 *
 * Within a class the order is that of its queue. Among the classes it is their turn, which moves on with each lease: so
 * whoever goes along the whole queue, and has somebody served meanwhile, begins anew.
 *
 * Invariants:
 * - Each waiter is in the queue of its class. `size`, `busy`, `expecting`, `choosy` are the sums of those of the queues;
 *   `several`, `ages` have the waiters of all.
 * - `underway` of a class counts its waiters for which an object is being made, detected or prepared; `detecting` those of all
 *   for which one is being detected or prepared.
 */
import type { Hold } from "../structures/hold.ts"
import { type BorrowerClass, type Classes, isUnderway } from "./classes.ts"
import { Again, type Along, type Means, Search, type Waiter, Waiters } from "./waiters.ts"

/** The first waiter for whom a condition holds, of the class whose turn it is, and that has room. */
class SearchInTurn<A, D> extends Search<A, D> {
  private readonly all: ClassedWaiters<A, D>
  private readonly name: "heirs" | "fitting" | "idle" | "free" | "unprepared"

  constructor(all: ClassedWaiters<A, D>, name: SearchInTurn<A, D>["name"]) {
    super(all)
    this.all = all
    this.name = name
  }
  override first(holds: (waiter: Waiter<A, D>) => boolean): Waiter<A, D> | undefined {
    const { classes } = this.all
    for (const one of classes.inTurn(true)) {
      // a class without room is not searched: its waiters would have to be looked at again as it gets some
      const found = classes.mayBegin(one) ? one.queue[this.name]!.first(holds) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** The waiters that are to be looked at again, those of the class first whose turn it is. */
class NewsInTurn<A, D> extends Again<A, D> {
  private readonly classes: Classes<A, D>

  constructor(classes: Classes<A, D>) {
    super()
    this.classes = classes
  }
  override get first(): Waiter<A, D> | undefined {
    return this.next?.queue.news.first
  }
  override push(waiter: Waiter<A, D>): void {
    this.classes.of(waiter.request).queue.news.push(waiter)
  }
  override take(): Waiter<A, D> | undefined {
    return this.next?.queue.news.take()
  }
  private get next(): BorrowerClass<A, D> | undefined {
    const { classes } = this
    return classes.inTurn(true).find(({ queue }) => queue.news.first !== undefined) ??
      // those that have left are no waiters of a class any more
      classes.all.find(({ queue }) => queue.news.first !== undefined)
  }
}

const leadOf = <A, D>(some: ReadonlyArray<BorrowerClass<A, D>>): Waiter<A, D> | undefined =>
  some.find(({ queue }) => queue.size > 0)?.queue.lead

export class ClassedWaiters<A, D> extends Waiters<A, D> {
  readonly classes: Classes<A, D>
  override readonly news: Again<A, D>

  constructor(classes: Classes<A, D>, means: Means, hold: Hold) {
    super(means, hold)
    this.classes = classes
    this.news = new NewsInTurn(classes)
  }

  protected override search(name: SearchInTurn<A, D>["name"]): Search<A, D> {
    return new SearchInTurn(this, name)
  }

  override queueOf({ request }: Waiter<A, D>): Waiters<A, D> {
    return this.classes.of(request).queue
  }

  override note<K extends "creation" | "detection" | "choosing">(
    waiter: Waiter<A, D>,
    key: K,
    value: Waiter<A, D>[K]
  ): void {
    const one = this.classes.of(waiter.request)
    const before = isUnderway(waiter)
    const detected = waiter.detection !== undefined
    this.follow(one, (queue) => queue.note(waiter, key, value))
    if (key === "detection" && value !== undefined) waiter.claimed = this.claims
    if (waiter.lane === undefined) return
    this.countUnderway(one, Number(isUnderway(waiter)) - Number(before))
    this.detecting += Number(waiter.detection !== undefined) - Number(detected)
  }

  override join(waiter: Waiter<A, D>): void {
    this.enter(waiter, (queue) => queue.join(waiter))
    this.arrivals = waiter.arrival
  }
  override rejoin(waiter: Waiter<A, D>): void {
    this.enter(waiter, (queue) => queue.rejoin(waiter))
  }
  override leave(waiter: Waiter<A, D>): void {
    if (waiter.lane === undefined) return
    const one = this.classes.of(waiter.request)
    if (isUnderway(waiter)) this.countUnderway(one, -1)
    if (waiter.detection !== undefined) this.detecting--
    this.follow(one, (queue) => queue.leave(waiter))
    this.several.delete(waiter)
    this.ages?.delete(waiter)
    if (this.size === 0) this.drains++
  }

  private enter(waiter: Waiter<A, D>, step: (queue: Waiters<A, D>) => void): void {
    const one = this.classes.of(waiter.request)
    this.follow(one, step)
    if (isUnderway(waiter)) this.countUnderway(one, 1)
    if (waiter.detection !== undefined) this.detecting++
    if (waiter.request.many !== undefined) this.several.add(waiter)
    this.ages?.add(waiter)
  }

  private countUnderway(one: BorrowerClass<A, D>, by: number): void {
    if (by === 0) return
    one.underway += by
    this.classes.accounts.follow(one.account, 0, by)
  }

  /** Does something to the queue of a class, and counts what that has changed. */
  private follow({ account, queue }: BorrowerClass<A, D>, step: (queue: Waiters<A, D>) => void): void {
    const { busy, choosy, claims, expecting, size } = queue
    step(queue)
    this.busy += queue.busy - busy
    this.choosy += queue.choosy - choosy
    this.claims += queue.claims - claims
    this.expecting += queue.expecting - expecting
    this.size += queue.size - size
    account.expecting += queue.expecting - expecting
    if (queue.size !== size) this.classes.accounts.follow(account, queue.size - size, 0)
  }

  override lookAgain(waiter: Waiter<A, D>): void {
    this.queueOf(waiter).lookAgain(waiter)
  }

  override serveNewestFirst(newestFirst: boolean): void {
    super.serveNewestFirst(newestFirst)
    for (const { queue } of this.classes.all) queue.serveNewestFirst(newestFirst)
  }

  // along the whole queue, class by class

  override get first(): Waiter<A, D> | undefined {
    return this.classes.all.find(({ queue }) => queue.size > 0)?.queue.first
  }
  override after(waiter: Waiter<A, D>): Waiter<A, D> | undefined {
    const { all } = this.classes
    const one = this.classes.of(waiter.request)
    return one.queue.after(waiter) ?? all.find(({ queue }, at) => queue.size > 0 && at > all.indexOf(one))?.queue.first
  }

  // in their turn

  override get lead(): Waiter<A, D> | undefined {
    return leadOf(this.ordered())
  }
  override follower(waiter: Waiter<A, D>): Waiter<A, D> | undefined {
    return this.along().follower(waiter)
  }
  override along(): Along<A, D> {
    const ordered = this.ordered()
    return {
      lead: leadOf(ordered),
      follower: (waiter) => {
        const one = this.classes.of(waiter.request)
        return one.queue.follower(waiter) ?? leadOf(ordered.slice(ordered.indexOf(one) + 1))
      }
    }
  }
  /** The classes in their turn, those that have no room last. */
  private ordered(): ReadonlyArray<BorrowerClass<A, D>> {
    const ordered = this.classes.inTurn(false)
    const open = ordered.filter((one) => this.classes.mayBegin(one))
    return [...open, ...ordered.filter((one) => !open.includes(one))]
  }
}
