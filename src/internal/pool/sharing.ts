/**
 * Sharing out the room of many keys: who makes an object next, and which idle one goes for it.
 *
 * One place decides, for all keys: the turn of a pool that notes that there may be room, or that somebody waits for some,
 * comes here. One thing is done in each step, and what has changed is reckoned before the next: a function of the user's
 * that is called meanwhile may use any of the pools, and only stirs their places.
 *
 * 1. Where there is more than there may be, since there is less room, an idle object goes.
 * 2. Where there is room, it goes to the waiter that has waited longest and may use it; without one, to a key's minimum.
 * 3. Where there is none, an idle object of another key goes for a waiter. What is made for that takes the first room that
 *    becomes free when nobody has waited longer.
 * 4. Where nothing is idle, what is set aside for a borrower of several goes for one of another key that comes before it: the
 *    last of them loses it first. So of two that each keep what the other lacks, the first is served.
 */
import { fill } from "../borrow/desk.ts"
import { Creation } from "../making/creator.ts"
import { begin, firstShort, furtherFor, isShort, makeFurther, refill, wants } from "../making/making.ts"
import { discard } from "../object/leaving.ts"
import { hasOwnRoom, lends, mayAttempt, population, soon } from "../state/core.ts"
import { lookAt, Note, note } from "../state/notes.ts"
import type { Idler, Place, Room } from "../state/room.ts"
import { isBefore, rankOf, type Waiter } from "../state/waiters.ts"

type AnyPlace = Place<unknown, never, never>
type AnyWaiter = Waiter<never, never>

/** Something of a place has changed: room is shared out anew. Within another call for the same room, that goes on. */
export const share = <A, D>(place: Place<unknown, A, D>): void => {
  place.stir()
  shareOut(place.room)
}

export const shareOut = (room: Room): void => {
  if (room.sharing) return
  room.sharing = true
  try {
    while (reckonStirred(room)) if (!step(room)) break
  } finally {
    room.sharing = false
  }
}

/** `false`: it is still to be found whom something serves that is on offer. The turn of that pool comes back when it is. */
const reckonStirred = (room: Room): boolean => {
  for (let place = room.stirred.pop(); place !== undefined; place = room.stirred.pop()) {
    place.isStirred = false
    const { core } = place
    if (core.offers.length === 0) reckon(place)
    else {
      place.stir()
      note(core, Note.room)
      if (core.offers.length > 0) return false
    }
  }
  return true
}

/** Counts what a place has, and finds what it would do with more. */
const reckon = (place: AnyPlace): void => {
  const { core, room } = place
  room.count(place)
  // what the pool makes is put off: it notes when it may
  const mayMake = !place.gone && (core.notesPutOff & Note.room) === 0 && lends(core) && hasOwnRoom(core)
  room.lacking.rank(place, mayMake ? next(place)?.arrival ?? Infinity : Infinity)
  if (mayMake && isShort(core)) room.short.add(place)
  else room.short.delete(place)
}

/** The waiter that an object would be made for next: its own one, or another where it lacks several. */
const next = ({ core }: AnyPlace): AnyWaiter | undefined => {
  const idle = core.waiters.idle?.first((waiter) => lacksOwn(waiter))
  const short = firstShort(core)
  return idle === undefined || (short !== undefined && isBefore(short, idle)) ? short : idle
}

/** Is nothing under way for a waiter, who could use an object that is made for it? */
const lacksOwn = (waiter: AnyWaiter): boolean => !waiter.busy && wants(waiter.core, waiter)

/** Does one thing. `false`: there is nothing to do. */
const step = (room: Room): boolean => {
  const done = room.excess > 0
    ? shed(room)
    : room.total < room.max
    ? give(room)
    : makeRoom(room)
  if (!done || !room.relay.over) return done
  soon(room.root, () => shareOut(room))
  return false
}

/** An object goes, since there are too many: rather one that is above the minimum of its key. */
const shed = (room: Room): boolean => {
  const idler = room.oldestIdle(undefined, true) ?? room.oldestIdle(undefined, false)
  if (idler === undefined) return false
  evict(idler, "Resized")
  return true
}

/** Room is free: whoever has waited longest makes an object. */
const give = (room: Room): boolean => {
  const { lacking, reserved } = room
  const first = lacking.first
  if (first !== undefined && hasMoved(first)) return true
  const creation = reserved.first
  if (creation !== undefined && (first === undefined || creation.begunFor!.arrival < first.arrival)) {
    beginReserved(room, creation)
    return true
  }
  const place = first ?? room.short.values().next().value
  if (place === undefined) return false
  if (!take(room, place)) leaveOut(room, place)
  return true
}

/** The waiter of the first place may have left, or been served, since: is another the first by now, perhaps of another key? */
const hasMoved = (first: AnyPlace): boolean => {
  const { arrival } = first
  reckon(first)
  return first.arrival !== arrival
}

/** The minimums of others leave the waiter of a place no room any more: it is refused when its pool looks at it. */
const isClosed = (room: Room, place: AnyPlace): boolean => {
  const { core } = place
  const waiter = next(place)
  if (waiter === undefined || !place.isClosedTo(waiter)) return false
  leaveOut(room, place)
  lookAt(core, waiter)
  // then the next of that key has its turn
  soon(core, () => note(core, Note.room))
  return true
}

/** A place takes what is free. `false`: it does not. */
const take = (room: Room, place: AnyPlace): boolean => {
  const { core } = place
  room.turn = place
  try {
    if (place.lackingAt === -1 && !room.short.has(place)) return true
    place.stir()
    if (place.lackingAt === -1) return refill(core)
    const waiter = next(place)
    return waiter !== undefined && !lacksOwn(waiter) ? makeFurther(core, waiter) : fill(core)
  } catch (defect) {
    core.threw(defect)
    return false
  } finally {
    room.turn = undefined
  }
}

/** A place is not asked again before something of it has changed. */
const leaveOut = (room: Room, place: AnyPlace): void => {
  room.lacking.rank(place, Infinity)
  room.short.delete(place)
}

/** A creation that has waited for room begins, unless its pool may not make it any more: then its waiter waits on. */
const beginReserved = (room: Room, creation: Creation<never, never>): void => {
  const waiter = creation.begunFor!
  const { core } = waiter
  const place = core.place!
  room.forgo(creation, place)
  if (lends(core) && mayAttempt(core) && population(core) < core.size.max) return begin(core, creation)
  disownReserved(creation)
}

/** A creation that has waited for room counts for its waiter no more. */
const disownReserved = (creation: Creation<never, never>): void => {
  const { owner } = creation
  if (owner === undefined) return
  creation.owner = undefined
  owner.core.waiters.note(owner, "creation", undefined)
  lookAt(owner.core, owner)
}

/** There is no room: an idle object of another key goes for a waiter that lacks it, or for a minimum. */
const makeRoom = (room: Room): boolean => {
  const { coming, lacking } = room
  if (coming < 0) return sendAway(room, undefined) || leaveUnreserved(room)
  const place = lacking.first
  if (place !== undefined) {
    if (hasMoved(place) || isClosed(room, place)) return true
    return coming > 0 ? reserve(place) : sendAwayFor(room, place) || sendAwayForSecond(room) || takeAside(room)
  }
  const [short] = room.short
  return short !== undefined && coming === 0 && sendAway(room, short)
}

/** More creations wait for room than objects are on their way out: what the last of them is for lacks room again. */
const leaveUnreserved = (room: Room): boolean => {
  const creation = room.reserved.last!
  room.forgo(creation, creation.begunFor!.core.place!)
  disownReserved(creation)
  return true
}

/** The only idle objects may be those of the very key whose waiter lacks one: they serve the next key. */
const sendAwayForSecond = (room: Room): boolean => {
  const { second } = room.lacking
  if (second === undefined) return false
  reckon(second)
  return second.lackingAt !== -1 && sendAwayFor(room, second)
}

/**
 * Nothing is idle: what is set aside for a borrower of several goes for the first of those that lack room. All that goes for
 * that one may be of its own key: it serves the second, as far as it is kept for one that comes after that.
 */
const takeAside = (room: Room): boolean => {
  const { first } = room.lacking
  // nobody comes before the first to arrive
  if (first === undefined || room.lastAside(undefined, first.arrival) === undefined) return false
  return firstInRank(room).some((place) => sendAwayFor(room, place, room.lastAside(place, rankAt(place))))
}

/** The first two places of those that lack room, by rank: by arrival, but where priorities differ within a key. */
const firstInRank = (room: Room): ReadonlyArray<AnyPlace> => {
  const { all, first, second } = room.lacking
  const two = [first, second].filter((place) => place !== undefined)
  if (two.every((place) => rankAt(place) === place.arrival)) return two
  return [...all].sort((one, other) => rankAt(one) - rankAt(other)).slice(0, 2)
}

const rankAt = (place: AnyPlace): number => {
  const waiter = next(place)
  return waiter === undefined ? Infinity : rankOf(waiter)
}

const sendAwayFor = (room: Room, place: AnyPlace, idler = room.oldestIdle(place, true)): boolean => {
  if (idler === undefined) return false
  room.victims.add(idler.entry)
  reserve(place)
  evict(idler, "Room")
  return true
}

const sendAway = (room: Room, except: AnyPlace | undefined): boolean => {
  const idler = room.oldestIdle(except, true)
  if (idler === undefined) return false
  room.victims.add(idler.entry)
  evict(idler, "Room")
  return true
}

/** The waiter of a place that lacks room has it coming: what is made for it begins when that is there. */
const reserve = (place: AnyPlace): boolean => {
  const waiter = next(place)
  if (waiter === undefined) {
    place.stir()
    return true
  }
  const own = lacksOwn(waiter)
  const creation = own ? new Creation(waiter) : furtherFor(waiter)
  place.awaiting++
  place.room.reserved.push(creation)
  place.stir()
  if (own) place.core.waiters.note(waiter, "creation", creation)
  else (waiter.further ??= new Set()).add(creation)
  return true
}

const evict = ({ entry, place }: Idler, why: "Resized" | "Room"): void => {
  place.stir()
  discard(place.core, entry, why)
}
