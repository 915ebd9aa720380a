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
 */
import { fill } from "../borrow/desk.ts"
import { Creation } from "../making/creator.ts"
import { begin, isShort, refill, wants } from "../making/making.ts"
import { discard } from "../object/leaving.ts"
import { hasOwnRoom, lends, mayAttempt, population, soon } from "../state/core.ts"
import { lookAt, Note } from "../state/notes.ts"
import type { Idler, Place, Room } from "../state/room.ts"
import type { Waiter } from "../state/waiters.ts"

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
    do reckonStirred(room)
    while (step(room))
  } finally {
    room.sharing = false
  }
}

const reckonStirred = (room: Room): void => {
  for (let place = room.stirred.pop(); place !== undefined; place = room.stirred.pop()) {
    place.isStirred = false
    reckon(place)
  }
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

/** The waiter that an object would be made for next. */
const next = ({ core }: AnyPlace): AnyWaiter | undefined =>
  core.waiters.idle?.first((waiter) => !waiter.busy && wants(core, waiter))

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

/** A place takes what is free. `false`: it does not. */
const take = (room: Room, place: AnyPlace): boolean => {
  const { core } = place
  room.turn = place
  try {
    if (place.lackingAt === -1 && !room.short.has(place)) return true
    place.stir()
    return place.lackingAt === -1 ? refill(core) : fill(core)
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
  creation.owner = undefined
  core.waiters.note(waiter, "creation", undefined)
  lookAt(core, waiter)
}

/** There is no room: an idle object of another key goes for a waiter that lacks it, or for a minimum. */
const makeRoom = (room: Room): boolean => {
  const { coming, lacking } = room
  const place = lacking.first
  if (place !== undefined) {
    if (hasMoved(place)) return true
    return coming > 0 ? reserve(place) : sendAwayFor(room, place) || sendAwayForSecond(room)
  }
  if (coming < 0) return sendAway(room, undefined)
  const [short] = room.short
  return short !== undefined && coming === 0 && sendAway(room, short)
}

/** The only idle objects may be those of the very key whose waiter lacks one: they serve the next key. */
const sendAwayForSecond = (room: Room): boolean => {
  const { second } = room.lacking
  if (second === undefined) return false
  reckon(second)
  return second.lackingAt !== -1 && sendAwayFor(room, second)
}

const sendAwayFor = (room: Room, place: AnyPlace): boolean => {
  const idler = room.oldestIdle(place, true)
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
  const creation = new Creation(waiter)
  place.awaiting++
  place.room.reserved.push(creation)
  place.stir()
  place.core.waiters.note(waiter, "creation", creation)
  return true
}

const evict = ({ entry, place }: Idler, why: "Resized" | "Room"): void => {
  place.stir()
  discard(place.core, entry, why)
}
