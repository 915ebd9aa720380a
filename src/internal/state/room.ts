/**
 * The room that the pools of many keys share: how much there is, who waits for some, and what could make some.
 *
 * Room is what one object takes, from when the pool begins to make it until its destruction has ended. Who gets what is
 * decided in `pool/sharing.ts` alone; here it is counted, and found in steps that grow with the logarithm of the number of
 * keys.
 *
 * Invariants, at the end of every step in which nothing is shared out:
 * - `total` is the sum of all `counted`, and no place has more objects than are `counted`: what a pool begins to make, or is
 *   given, is counted before any function of the user's is called; what has gone is counted until its place is reckoned. So
 *   `total <= max`, but for what was there when `max` was lowered.
 * - Where there is room, nobody waits for some. Where there is none, nobody waits for it as long as another key has an idle
 *   object above its minimum: that has been sent away, and is one of the `victims` until it has ended.
 * - A waiter for whom an object was sent away has a creation that has not begun: it is in `reserved`, and counts as
 *   `awaiting` for its own pool, which so never plans for more than it may have. No victim is bound to one of them: room that
 *   becomes free goes to whoever has waited longest. Where there is no room, and nothing idle, there are no more of them
 *   than victims: whose room another has had lacks some again.
 * - A waiter of several has as many in `reserved` as objects were sent away for it: its own creation, and no more `further`
 *   ones than it lacks objects beyond that. So it keeps its rank until all that it lacks is under way.
 * - A waiter is one of the `keepers` exactly while it is in its queue and has something set aside. What is set aside is idle
 *   for those of other keys that come before its keeper by `rankOf`: where there is no room, nor any idle object, none of
 *   those waits for room beside it, but where it is of a minimum. That is one order of all waiters. In each step of an object
 *   that goes from one to another it goes to one that comes before, so the first has all that it lacks and may have.
 * - A place is in `lacking` exactly while its pool would make an object for a waiter if there were room, unless it was
 *   stirred since it was reckoned; its rank is the arrival of that waiter, which all keys count together. Where there are
 *   classes of borrowers, it is so for each class, whether that may have more or not: what waits for that alone is in no way.
 * - A place with an idle object above its minimum is in `idle`. Its rank there is a lower bound of when its oldest idle object
 *   was last used: objects are used again and again, and nothing is moved for it before somebody seeks the oldest.
 */
import type { Creation } from "../making/creator.ts"
import { Queue } from "../structures/queue.ts"
import { Relay } from "../structures/slice.ts"
import type { Accounts } from "./accounts.ts"
import { type BorrowerClass, leasesLeft, leasesOf } from "./classes.ts"
import { type Core, population, soon } from "./core.ts"
import type { Entry } from "./entry.ts"
import { Note, note } from "./notes.ts"
import { type AnyCreation, type AnyPlace, Idle, Lacking, Reserved, Want } from "./orders.ts"
import { isBefore, rankOf, type Waiter } from "./waiters.ts"

type AnyWaiter = Waiter<never, never>

/** The place of one key: what its pool has of the room, and wants of it. */
export class Place<K, A, D> {
  readonly room: Room
  readonly key: K
  /** How many keys were known before this one. */
  readonly number: number
  readonly core: Core<A, D>
  /** How many objects of the pool are counted in the room, those being made and destroyed included. */
  counted = 0
  /** How many of them no other key can have. */
  kept = 0
  /** How many of them are about to leave, whether anybody waits for their room or not. */
  leaving = 0
  /** How many creations of the pool wait for room. */
  awaiting = 0
  /** The waiters that would be served next if there were room: of each class one, where there are some. */
  readonly wants: ReadonlyArray<Want>
  /** No idle object of the pool was last used before this; and the place among those that have some. */
  usedSince = 0
  idleAt = -1
  /** The objects that were idle when they were last looked through, the oldest first; and what was used last by then. */
  private seen: Queue<Entry<A, D>> | undefined = undefined
  private seenUpTo = -1
  private isExact = true
  /** Something has changed: the place is to be reckoned before room is shared out. */
  isStirred = false
  /** The key is known no more. */
  gone = false
  /** In how many turns somebody may still come to the pool who has asked for it: see `pool/keyed.ts`. */
  asked = 0

  constructor(room: Room, key: K, number: number, core: Core<A, D>) {
    this.room = room
    this.key = key
    this.number = number
    this.core = core
    this.wants = room.lacking.map((_, classAt) => new Want(this as unknown as AnyPlace, classAt))
  }

  /** May the pool begin to make an object, as far as the room goes? Not ahead of others who wait for some. */
  get admits(): boolean {
    const { room } = this
    return room.total < room.max && (room.turn === this as unknown || !room.isAwaited)
  }

  /** Is there no room for so many more, ahead of whoever waits for some? */
  lacks(objects: number): boolean {
    const { room } = this
    return room.total + objects > room.max || room.isAwaited
  }

  /** The pool begins to make an object, or is given some. */
  take(objects = 1): void {
    this.counted += objects
    this.room.total += objects
  }

  /** A creation gives up its claim to room: `false`, if it has none. Others of the key may make one for it. */
  forgo(creation: Creation<A, D>): boolean {
    if (!this.room.forgo(creation as unknown as AnyCreation, this as unknown as AnyPlace)) return false
    soon(this.core, () => note(this.core, Note.room))
    return true
  }

  /** A waiter has left: the key may be idle now. One of several has no use for room any more, and those behind it may come first. */
  left(waiter?: Waiter<A, D>): void {
    if (waiter !== undefined) this.asked = 0
    if (waiter?.request.many !== undefined) this.keeps(waiter)
    if (this.core.waiters.size === 0 && population(this.core) === 0) this.room.emptied(this as unknown as AnyPlace)
  }

  /** What is set aside for a waiter of several has changed, or its place in the queue. */
  keeps(waiter: Waiter<A, D>): void {
    const { room } = this
    const { aside, further, lane, request: { many = 1 } } = waiter
    const kept = aside === undefined ? 0 : aside.size
    if (lane !== undefined && kept > 0) room.keepers.add(waiter as unknown as AnyWaiter)
    else room.keepers.delete(waiter as unknown as AnyWaiter)
    const most = lane === undefined ? 0 : many - kept - 1
    for (const creation of further ?? []) {
      if (further!.size > most) room.forgo(creation as unknown as AnyCreation, this as unknown as AnyPlace)
    }
    this.stir()
    // the caller is in the midst of a step
    if (room.isWanted) soon(this.core, () => note(this.core, Note.room))
  }

  /** Can no object ever be made for the key, since the minimums of others fill the whole, and it has none? */
  get isShutOut(): boolean {
    const { core, room } = this
    return core.creator !== undefined && room.kept >= room.max && population(core) === 0
  }

  /** Can nobody ever be lent what a waiter wants: since the key is shut out, or the minimums of others leave it fewer? */
  isClosedTo({ request: { many } }: Waiter<A, D>): boolean {
    return this.isShutOut ||
      (many !== undefined && this.core.creator !== undefined && this.room.kept - this.kept + many > this.room.max)
  }

  // whose turn it is, where there are classes of borrowers

  /**
   * Is it the turn of another key to have an object that has come back, once the waiters of a class have had theirs here? That
   * can be where it may go for a waiter of that class.
   */
  isForAnother({ account }: BorrowerClass<A, D>, { scope, status }: Entry<A, D>): boolean {
    const { first, second } = this.room.lacking[account.at]!
    if (first === undefined || (first.place === this as unknown && second === undefined)) return false
    return scope !== undefined && status === "Available" && this.spares && this.room.classes!.mayBegin(account)
  }

  /**
   * Do waiters of a class wait here, and at other keys, for the only lease that it may have more, or for one that is under way
   * there? It goes to the oldest.
   */
  isContested({ account, queue, underway }: BorrowerClass<A, D>): boolean {
    return queue.size > 0 && underway === 0 && account.waiting > queue.size && this.room.classes!.hasLast(account)
  }

  /** Something has changed that the room does not know of yet. */
  stir(): void {
    if (this.isStirred) return
    this.isStirred = true
    this.room.stirred.push(this as unknown as AnyPlace)
  }

  /** An object was listed: whoever waits for room may want it to go. */
  listed(entry: Entry<A, D>): void {
    if (entry.scope === undefined || entry.status !== "Available") return
    // it was not idle when those were looked through, and may be older than they are
    if (entry.order <= this.seenUpTo && this.seen?.has(entry) !== true) this.isExact = false
    if (this.idleAt === -1) this.room.idles(this as unknown as AnyPlace, 0)
    if (this.room.isWanted) note(this.core, Note.room)
  }

  /**
   * The object of the pool that has been idle longest, of those that it has made. A walk over all of them, and then none as
   * long as one is left that was idle then, and has not been used since: those are older than all others.
   */
  get oldest(): Entry<A, D> | undefined {
    const seen = this.seen ??= new Queue()
    for (let entry = seen.first; entry !== undefined && this.isExact; entry = seen.first) {
      if (isIdle(entry) && entry.order <= this.seenUpTo) return entry
      seen.delete(entry)
    }
    seen.clear()
    this.isExact = true
    this.seenUpTo = this.room.uses.last
    const idle = [...this.core.registry.entries].filter(isIdle).sort((one, other) => one.order - other.order)
    for (const entry of idle) seen.add(entry)
    return seen.first
  }

  /** An object has left. */
  dropped(entry: Entry<A, D>): void {
    this.seen?.delete(entry)
  }

  /** Has the pool more objects than it is to keep? */
  get spares(): boolean {
    const { registry, size } = this.core
    return registry.size - registry.counts.Invalid - registry.going > size.min
  }
}

const isIdle = <A, D>({ scope, slot, status }: Entry<A, D>): boolean =>
  slot !== -1 && status === "Available" && scope !== undefined

/** The object that was last used before all others that are set aside for a waiter, of those that its pool has made. */
const oldestAside = ({ aside }: AnyWaiter): Entry<never, never> | undefined => {
  let oldest: Entry<never, never> | undefined
  for (const entry of aside!) {
    if (entry.status !== "Available" || entry.scope === undefined) continue
    if (oldest === undefined || entry.order < oldest.order) oldest = entry
  }
  return oldest
}

/** An object that may go for another key, and its place. */
export interface Idler {
  readonly place: AnyPlace
  readonly entry: Entry<never, never>
}

export class Room {
  max: number
  total = 0
  leaving = 0
  /** How many objects are of the minimum of their key, so that no other can have them. */
  kept = 0
  /** Of each class, where there are some. */
  readonly lacking: ReadonlyArray<Lacking>
  /** What the classes of borrowers have, where there are some. */
  readonly classes: Accounts | undefined
  readonly reserved = new Reserved()
  readonly idle = new Idle()
  /** The objects that were sent away for the waiters of other keys, until they have ended. */
  readonly victims = new Set<Entry<never, never>>()
  /** The waiters of several for which something is set aside: as many as there are objects, at most. */
  readonly keepers = new Set<AnyWaiter>()
  /** The places whose pools would make an object for their minimum if there were room. */
  readonly short = new Set<AnyPlace>()
  readonly stirred: Array<AnyPlace> = []
  /** The place whose turn it is to take what is free. */
  turn: AnyPlace | undefined = undefined
  /** Room is being shared out: whoever changes something meanwhile stirs his place. */
  sharing = false
  /** What is shared out since others last had their turn. */
  readonly relay: Relay
  /** What all keys count together, so that one can be told from another: arrivals of waiters, uses of objects, objects, leases. */
  readonly arrivals = { last: 0 }
  readonly uses = { last: 0 }
  readonly ids = { last: 0 }
  readonly leaseIds = { last: 0 }

  /** Whose room it is: what all keys have in common. */
  readonly root: Core<never, never>
  /** A place has neither an object nor a waiter. */
  readonly emptied: (place: AnyPlace) => void

  constructor(max: number, root: Core<never, never>, emptied: (place: AnyPlace) => void) {
    this.max = max
    this.root = root
    this.emptied = emptied
    this.classes = root.classes?.accounts
    this.lacking = Array.from({ length: this.classes?.all.length ?? 1 }, () => new Lacking())
    if (this.classes !== undefined) {
      this.classes.whole = this
      this.classes.isOfKeys = true
    }
    this.relay = new Relay(root.deadlines, (then) => soon(root, then))
  }

  /** Does somebody lack room who may have some? */
  private get isLacking(): boolean {
    const { classes, lacking } = this
    if (classes === undefined) return lacking[0]!.first !== undefined
    // whoever was the first to lack room may have given up since, and nobody of that class waits
    return classes.all.some((one) => one.waiting > 0 && lacking[one.at]!.first !== undefined && classes.mayBegin(one))
  }

  /** Does somebody wait for room? */
  get isAwaited(): boolean {
    return this.isLacking || this.reserved.first !== undefined
  }

  /** Would it serve somebody if an idle object went? */
  get isWanted(): boolean {
    return this.isLacking || this.short.size > 0 || this.excess > 0 || this.coming < 0
  }

  /** How many more objects are on their way out than creations wait for room: fewer, where another has taken that. */
  get coming(): number {
    return this.victims.size - this.reserved.size
  }

  // what there is for the classes of borrowers

  /** How many leases could begin, of what can be lent now or made, of all keys: no more than `enough` are counted. */
  places(enough: number): number {
    const { classes, max, reserved, root, total } = this
    const room = root.creator === undefined ? 0 : Math.max(0, max - total - reserved.size)
    if (root.options.sharing === 1) return classes!.available - classes!.aside + room
    let places = leasesOf(root, room)
    for (const core of root.many!.parts()) {
      if (places >= enough) break
      places += leasesLeft(core, enough - places)
    }
    return places
  }

  /** How many leases there may ever be at once. */
  most(): number {
    return this.max * this.root.options.sharing
  }

  /** How many more objects there are than there is room for, since there is less; those that are leaving do not count. */
  get excess(): number {
    return this.total - this.leaving - this.max
  }

  /** A place has an idle object; `since`: none of them was last used before that. */
  idles(place: AnyPlace, since: number): void {
    place.usedSince = since
    this.idle.push(place)
  }

  /** Counts what a place has now. */
  count(place: AnyPlace): void {
    const { core } = place
    const objects = place.gone ? 0 : population(core)
    const leaving = place.gone ? 0 : core.registry.counts.Invalid + core.registry.condemned
    this.total += objects - place.counted
    this.leaving += leaving - place.leaving
    const kept = Math.min(objects, core.size.min)
    this.kept += kept - place.kept
    place.kept = kept
    place.counted = objects
    place.leaving = leaving
    if (place.gone) return this.idle.leave(place)
    if (objects > 0) place.asked = 0
    else place.left()
    if (place.idleAt === -1 && core.registry.listing > 0 && place.spares) this.idles(place, 0)
  }

  /** A creation gives up its claim to room, if it has one: `false`, if it has not. */
  forgo(creation: AnyCreation, place: AnyPlace): boolean {
    if (!this.reserved.leave(creation)) return false
    place.awaiting--
    creation.begunFor!.further?.delete(creation)
    place.stir()
    return true
  }

  /** The object that has been idle longest, of all keys but one; where `min` is kept, none of a key's minimum. */
  oldestIdle(except: AnyPlace | undefined, keepsMinimum: boolean): Idler | undefined {
    let passed: AnyPlace | undefined
    let found: Idler | undefined
    for (let place = this.idle.first; place !== undefined && found === undefined; place = this.idle.first) {
      const entry = keepsMinimum && !place.spares ? undefined : place.oldest
      if (entry === undefined || place === except || entry.order > place.usedSince) this.idle.leave(place)
      if (entry === undefined) continue
      if (place === except) passed = place
      else if (entry.order > place.usedSince) this.idles(place, entry.order)
      else found = { place, entry }
    }
    if (passed !== undefined) this.idles(passed, passed.usedSince)
    return found
  }

  /** What is set aside for the last of those that come after a rank, but at one place: none of a key's minimum. */
  lastAside(except: AnyPlace | undefined, after: number): Idler | undefined {
    let last: AnyWaiter | undefined
    let lastRank = after
    let found: Idler | undefined
    for (const waiter of this.keepers) {
      const place = waiter.core.place!
      const rank = rankOf(waiter)
      const comesLast = rank > lastRank || (rank === lastRank && last !== undefined && isBefore(last, waiter))
      if (place === except || !comesLast || !place.spares) continue
      const entry = oldestAside(waiter)
      if (entry === undefined) continue
      found = { place, entry }
      last = waiter
      lastRank = rank
    }
    return found
  }
}
