/**
 * The objects of a pool and their statuses. {@link Registry.move} is the only writer of a status.
 *
 * Invariants, at the end of every synchronous step:
 * - `size` is the number of entries, and the sum of `counts`.
 * - An entry is `Borrowed` exactly while it has an open lease; `open` counts them.
 * - An entry that is listed (a candidate of the selection) is `Available`, or it is `Borrowed`, shared and not marked, with
 *   room for another lease. Nothing is under way for it.
 * - An entry that has left is in no structure, and its last status is `Invalid`.
 * - `added`, `condemned`, `retired` and `going` count entries of which that is so; the latter three none that is `Invalid`.
 */
import type { PooledObject } from "../../PooledObject.ts"
import { Status } from "../../Status.ts"
import { Queue } from "../structures/queue.ts"
import type { Selection } from "../structures/selection/selection.ts"
import type { Trusted } from "../structures/trusted.ts"
import { Entry, isPrimitive, type Origin } from "./entry.ts"
import { Pooled } from "./pooled.ts"
import type { Place } from "./room.ts"

/** Bits of the statuses that each status may move to. */
const bit: Record<Status, number> = { Pending: 1, Available: 2, Borrowed: 4, Dormant: 8, Unknown: 16, Invalid: 32 }

const legal = Object.fromEntries(
  Object.entries(Status.transitions).map(([from, targets]) => [from, targets.reduce((bits, to) => bits | bit[to], 0)])
) as Record<Status, number>

interface Counters {
  readonly ids: { last: number }
  readonly uses: { last: number }
}

export class Registry<A, D> {
  readonly selection: Selection<Entry<A, D>>
  /** The listed objects that were detected lately; absent where no answer is ever trusted. */
  readonly trusted: Trusted<Entry<A, D>> | undefined
  readonly entries = new Set<Entry<A, D>>()
  /** How many entries are of objects that the user has added. */
  added = 0
  /** How many condemned objects have not left yet; and how many of those are lent. */
  condemned = 0
  condemnedLent = 0
  /** How many old objects have not left yet; and how many of those are lent. */
  retired = 0
  retiredLent = 0
  /** How many objects are condemned, or old, or both. */
  going = 0
  /** The old objects that are not lent: the free ones, and those that are being detected or are in a hook. */
  readonly retiredFree = new Queue<Entry<A, D>>()
  readonly retiredPending = new Queue<Entry<A, D>>()
  readonly counts: Record<Status, number> = {
    Pending: 0,
    Available: 0,
    Borrowed: 0,
    Dormant: 0,
    Unknown: 0,
    Invalid: 0
  }
  /** The newest entry of each object; `elder` leads on to those of equal ones. Absent until somebody looks. */
  private byObject: Map<A, Entry<A, D>> | undefined = undefined
  /** Grows whenever an object is listed, or is listed no more. */
  version = 0
  /** How many objects are listed. */
  listing = 0
  /** Called after each move, while somebody listens. */
  moved: ((entry: Entry<A, D>, from: Status) => void) | undefined = undefined
  /** The id of the newest entry; and the number of the last use of an object. Where there are many keys, of all of them. */
  readonly ids: { last: number }
  private readonly uses: { last: number }
  /** Where the pool is one of many that share their room. */
  place: Place<unknown, A, D> | undefined = undefined
  /** Where those have classes of borrowers: what is counted for them of all keys. */
  whole: { available: number } | undefined = undefined

  constructor(
    selection: Selection<Entry<A, D>>,
    trusted?: Trusted<Entry<A, D>>,
    { ids, uses }: Counters = { ids: { last: 0 }, uses: { last: 0 } }
  ) {
    this.selection = selection
    this.trusted = trusted
    this.ids = ids
    this.uses = uses
  }

  get size(): number {
    return this.entries.size
  }

  /** An id that no object has had. */
  nextId(): number {
    return ++this.ids.last
  }

  /** Takes an object in, as `Pending`. */
  join(object: A, data: D, origin: Origin, now: number, id = this.nextId()): Entry<A, D> {
    const entry = new Entry(object, data, id, origin, now)
    entry.order = ++this.uses.last
    this.entries.add(entry)
    if (origin.scope === undefined) this.added++
    if (this.byObject !== undefined) link(this.byObject, entry)
    this.counts.Pending++
    return entry
  }

  /** Moves one object to another status, along the table. */
  move(entry: Entry<A, D>, to: Status): void {
    const { counts } = this
    const from = entry.status
    // the moves of each borrow and of each detection, spelled out: several times faster than to look them up
    if (from === "Available" && to === "Borrowed") {
      counts.Available--
      counts.Borrowed++
    } else if (from === "Borrowed" && to === "Available") {
      counts.Borrowed--
      counts.Available++
    } else if (from === "Available" && to === "Pending") {
      counts.Available--
      counts.Pending++
    } else if (from === "Pending" && to === "Available") {
      counts.Pending--
      counts.Available++
    } else this.countByTable(entry, to)
    this.leave(entry, to)
    entry.status = to
    if (entry.condemned || entry.retired) this.recount(entry, from, to)
    if (this.moved !== undefined) this.moved(entry, from)
  }

  /** An object that moves is not listed any more, nor set aside for anybody. */
  private leave(entry: Entry<A, D>, to: Status): void {
    if (this.whole !== undefined) {
      this.whole.available += Number(to === "Available") - Number(entry.status === "Available")
    }
    this.unlist(entry)
    if (entry.keeper !== undefined) entry.keeper.lose(entry)
  }

  private countByTable(entry: Entry<A, D>, to: Status): void {
    if ((legal[entry.status] & bit[to]) === 0) throw illegal(entry, to)
    this.counts[entry.status]--
    this.counts[to]++
  }

  /** Marks an object that is to leave as soon as it is free. */
  condemn(entry: Entry<A, D>): void {
    if (entry.condemned || entry.status === "Invalid") return
    entry.condemned = true
    this.condemned++
    if (entry.status === "Borrowed") this.condemnedLent++
    if (!entry.retired) this.going++
    else this.file(entry)
  }

  /** Marks an old object, which is to leave as soon as another can take its place. */
  retire(entry: Entry<A, D>): void {
    if (entry.retired || entry.status === "Invalid") return
    entry.retired = true
    this.retired++
    if (entry.status === "Borrowed") this.retiredLent++
    if (!entry.condemned) this.going++
    this.file(entry)
  }

  /** Counts the move of an object that is condemned or old. */
  private recount(entry: Entry<A, D>, from: Status, to: Status): void {
    const lent = (to === "Borrowed" ? 1 : 0) - (from === "Borrowed" ? 1 : 0)
    if (entry.condemned) this.condemnedLent += lent
    if (entry.retired) this.retiredLent += lent
    if (to === "Invalid") {
      this.going--
      if (entry.condemned) this.condemned--
      if (entry.retired) this.retired--
    }
    if (entry.retired) this.file(entry)
  }

  /** Queues an old object, to be found when the pool can do without it. A lent one is queued when it comes back. */
  private file(entry: Entry<A, D>): void {
    const { condemned, status } = entry
    if (status === "Pending" && !condemned) this.retiredPending.add(entry)
    else this.retiredPending.delete(entry)
    if (status !== "Pending" && status !== "Borrowed" && status !== "Invalid" && !condemned) this.retiredFree.add(entry)
    else this.retiredFree.delete(entry)
  }

  /** Lists an `Available` object that nobody took as a candidate for the next borrower. */
  list(entry: Entry<A, D>): void {
    if (entry.slot !== -1) return
    this.version++
    this.listing++
    // before the selection, which may call a weight of the user's
    if (this.trusted !== undefined && entry.trustedUntil !== undefined) this.trusted.add(entry)
    this.selection.add(entry)
    if (this.place !== undefined) this.place.listed(entry)
  }

  /** The listed objects, the oldest first: a walk, for a borrow with `where` and for a selector of the user's own. */
  listed(): Array<Entry<A, D>> {
    return [...this.entries].filter((entry) => entry.slot !== -1)
  }

  /** Takes an object from the list of candidates. */
  unlist(entry: Entry<A, D>): void {
    if (entry.slot === -1) return
    this.version++
    this.listing--
    this.selection.remove(entry)
  }

  /** Stamps the end of a lease. */
  used(entry: Entry<A, D>, now: number): void {
    entry.order = ++this.uses.last
    entry.releasedAtMillis = now
  }

  /** Lets an `Invalid` object go: its room is free. */
  drop(entry: Entry<A, D>): void {
    if (!this.entries.delete(entry)) return
    this.counts.Invalid--
    if (entry.scope === undefined) this.added--
    this.selection.forget(entry)
    this.trusted?.delete(entry)
    this.place?.dropped(entry)
    if (this.byObject === undefined) return
    const { elder, younger } = entry
    if (elder !== undefined) elder.younger = younger
    if (younger !== undefined) younger.elder = elder
    else if (elder !== undefined) this.byObject.set(entry.object, elder)
    else this.byObject.delete(entry.object)
    entry.elder = entry.younger = undefined
  }

  /** The entries of an object, by `Object.is`; or the one entry, where its record is given. */
  find(target: A | PooledObject<A, D>): ReadonlyArray<Entry<A, D>> {
    const entry = Pooled.entryOf<A, D>(target)
    if (entry !== undefined && this.entries.has(entry)) return [entry]
    const found: Array<Entry<A, D>> = []
    // a Map takes 0 and -0 for one key
    for (let entry = this.look(target as A); entry !== undefined; entry = entry.elder) {
      if (Object.is(entry.object, target)) found.push(entry)
    }
    return found.reverse()
  }

  /** The newest entry of an object that is not leaving; or the one entry, where its record is given. */
  get(target: A | PooledObject<A, D>): Entry<A, D> | undefined {
    const entry = Pooled.entryOf<A, D>(target)
    if (entry !== undefined && this.entries.has(entry)) return entry.status === "Invalid" ? undefined : entry
    let found = this.look(target as A)
    while (found !== undefined && (found.status === "Invalid" || !Object.is(found.object, target))) found = found.elder
    return found
  }

  /** The entry that makes `object` a duplicate. */
  duplicate(object: A): Entry<A, D> | undefined {
    return isPrimitive(object) ? undefined : this.look(object)
  }

  private look(object: A): Entry<A, D> | undefined {
    if (this.byObject === undefined) {
      this.byObject = new Map()
      for (const entry of this.entries) link(this.byObject, entry)
    }
    return this.byObject.get(object)
  }
}

const link = <A, D>(byObject: Map<A, Entry<A, D>>, entry: Entry<A, D>): void => {
  const elder = byObject.get(entry.object)
  if (elder !== undefined) elder.younger = entry
  entry.elder = elder
  byObject.set(entry.object, entry)
}

const illegal = <A, D>(entry: Entry<A, D>, to: Status): Error =>
  new Error(
    `Illegal move of object ${entry.id}: ${entry.status} -> ${to}; legal from ${entry.status}: ${
      Status.transitions[entry.status].join(", ") || "none"
    }`
  )
