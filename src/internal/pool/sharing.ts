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
 *
 * Where there are classes of borrowers, who has waited longest is found within each class, and the classes take turns, of all
 * keys: those that have no room are passed over. An object that comes back to a key whose waiters are of a class whose turn
 * it is not, or that may have one lease more, for which others of it wait at other keys, is listed, and shared out here: it
 * goes for the one whose turn it is, or serves its own key then. So is what was withheld from a class that has room by now.
 */
import { attendOne, fill } from "../borrow/desk.ts"
import { Creation } from "../making/creator.ts"
import { begin, firstShort, furtherFor, isShort, lacksOne, makeFurther, refill } from "../making/making.ts"
import { discard } from "../object/leaving.ts"
import type { Account, Accounts } from "../state/accounts.ts"
import type { BorrowerClass } from "../state/classes.ts"
import { hasOwnRoom, lends, mayAttempt, population, soon } from "../state/core.ts"
import { lookAt, Note, note } from "../state/notes.ts"
import type { AnyPlace, Lacking, Want } from "../state/orders.ts"
import type { Idler, Place, Room } from "../state/room.ts"
import { isBefore, rankOf, type Waiter } from "../state/waiters.ts"

type AnyWaiter = Waiter<never, never>
type AnyClass = BorrowerClass<never, never>

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
  const { core, room, wants } = place
  room.count(place)
  // what the pool makes is put off: it notes when it may
  const mayMake = !place.gone && (core.notesPutOff & Note.room) === 0 && lends(core) && hasOwnRoom(core)
  for (const want of wants) {
    room.lacking[want.classAt]!.rank(want, mayMake ? next(want)?.arrival ?? Infinity : Infinity)
  }
  if (mayMake && isShort(core)) room.short.add(place)
  else room.short.delete(place)
}

/**
 * The waiter that an object would be made for next: its own one, or another where it lacks several. Of a class, where there are
 * some, whether that has room or not.
 */
const next = ({ classAt, place: { core } }: Want): AnyWaiter | undefined => {
  const queue = core.classes?.all[classAt]!.queue ?? core.waiters
  const idle = queue.idle?.first((waiter) => lacksOwn(waiter))
  // where there are classes, nobody borrows several
  const short = core.classes === undefined ? firstShort(core) : undefined
  return idle === undefined || (short !== undefined && isBefore(short, idle)) ? short : idle
}

/** Is nothing under way for a waiter, who could use an object that is made for it? */
const lacksOwn = (waiter: AnyWaiter): boolean => !waiter.busy && lacksOne(waiter.core, waiter)

/** Does one thing. `false`: there is nothing to do. */
const step = (room: Room): boolean => {
  const done = room.excess > 0
    ? shed(room)
    : room.classes !== undefined
    ? serveInTurn(room, room.classes)
    : room.total < room.max
    ? give(room, room.lacking[0]!)
    : makeRoom(room, room.lacking[0]!)
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
const give = (room: Room, lacking: Lacking): boolean => {
  const first = lacking.first
  if (first !== undefined && hasMoved(first)) return true
  const creation = room.reserved.first
  if (creation !== undefined && (first === undefined || creation.begunFor!.arrival < first.arrival)) {
    beginReserved(room, creation)
    return true
  }
  return first === undefined ? giveToShort(room) : giveTo(room, first)
}

/** The first waiter of a place may have left, or been served, since: is another the first by now, perhaps of another key? */
const hasMoved = (first: Want): boolean => {
  const { arrival } = first
  reckon(first.place)
  return first.arrival !== arrival
}

/** The minimums of others leave the waiter of a place no room any more: it is refused when its pool looks at it. */
const isClosed = (want: Want): boolean => {
  const { place, place: { core } } = want
  const waiter = next(want)
  if (waiter === undefined || !place.isClosedTo(waiter)) return false
  leaveOut(place)
  lookAt(core, waiter)
  // then the next of that key has its turn
  soon(core, () => note(core, Note.room))
  return true
}

const giveTo = (room: Room, want: Want): boolean => {
  if (!take(room, want.place, want)) leaveOut(want.place)
  return true
}

const giveToShort = (room: Room): boolean => {
  const [place] = room.short
  if (place === undefined) return false
  if (!take(room, place, undefined)) leaveOut(place)
  return true
}

/** A place takes what is free: for a waiter, or for its minimum. `false`: it does not. */
const take = (room: Room, place: AnyPlace, want: Want | undefined): boolean => {
  const { core } = place
  room.turn = place
  try {
    place.stir()
    if (want === undefined) return refill(core)
    const waiter = next(want)
    if (waiter !== undefined && !lacksOwn(waiter)) return makeFurther(core, waiter)
    return fill(core, core.classes?.all[want.classAt]!.queue)
  } catch (defect) {
    core.threw(defect)
    return false
  } finally {
    room.turn = undefined
  }
}

/** A place is not asked again before something of it has changed. */
const leaveOut = (place: AnyPlace): void => {
  const { room } = place
  for (const want of place.wants) room.lacking[want.classAt]!.rank(want, Infinity)
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
const makeRoom = (room: Room, lacking: Lacking): boolean => {
  if (room.coming < 0) return makeUp(room)
  return lacking.first === undefined ? makeRoomForMinimum(room) : makeRoomFor(room, lacking, lacking.first)
}

const makeRoomFor = (room: Room, lacking: Lacking, first: Want): boolean => {
  if (hasMoved(first) || isClosed(first)) return true
  return room.coming > 0
    ? reserve(first)
    : sendAwayFor(room, first) || sendAwayForSecond(room, lacking) || takeAside(room, lacking)
}

/** More creations wait for room than objects are on their way out. */
const makeUp = (room: Room): boolean => sendAway(room, undefined) || leaveUnreserved(room)

/** No waiter lacks room. */
const makeRoomForMinimum = (room: Room): boolean => {
  const [short] = room.short
  return short !== undefined && room.coming === 0 && sendAway(room, short)
}

/** More creations wait for room than objects are on their way out: what the last of them is for lacks room again. */
const leaveUnreserved = (room: Room): boolean => {
  const creation = room.reserved.last!
  room.forgo(creation, creation.begunFor!.core.place!)
  disownReserved(creation)
  return true
}

/** The only idle objects may be those of the very key whose waiter lacks one: they serve the next key. */
const sendAwayForSecond = (room: Room, { second }: Lacking): boolean => {
  if (second === undefined) return false
  reckon(second.place)
  return second.at !== -1 && sendAwayFor(room, second)
}

/**
 * Nothing is idle: what is set aside for a borrower of several goes for the first of those that lack room. All that goes for
 * that one may be of its own key: it serves the second, as far as it is kept for one that comes after that.
 */
const takeAside = (room: Room, lacking: Lacking): boolean => {
  const { first } = lacking
  // nobody comes before the first to arrive
  if (first === undefined || room.lastAside(undefined, first.arrival) === undefined) return false
  return firstInRank(lacking).some((want) => sendAwayFor(room, want, room.lastAside(want.place, rankAt(want))))
}

/** The first two places of those that lack room, by rank: by arrival, but where priorities differ within a key. */
const firstInRank = ({ all, first, second }: Lacking): ReadonlyArray<Want> => {
  const two = [first, second].filter((want) => want !== undefined)
  if (two.every((want) => rankAt(want) === want.arrival)) return two
  return [...all].sort((one, other) => rankAt(one) - rankAt(other)).slice(0, 2)
}

const rankAt = (want: Want): number => {
  const waiter = next(want)
  return waiter === undefined ? Infinity : rankOf(waiter)
}

/** Where there are classes of borrowers: what was begun for one has had its turn, and others take turns. */
const serveInTurn = (room: Room, classes: Accounts): boolean => {
  const creation = room.reserved.first
  if (room.total >= room.max) {
    if (room.coming < 0) return makeUp(room)
  } else if (creation !== undefined) {
    beginReserved(room, creation)
    return true
  }
  const answer = serveNext(room, classes)
  if (answer !== "none") return answer === "served"
  return room.total < room.max ? giveToShort(room) : makeRoomForMinimum(room)
}

/** Does one thing for one waiter, of the class whose turn it is of those that may have more. Are there some who lack room? */
const serveNext = (room: Room, classes: Accounts): "served" | "lacking" | "none" => {
  classes.withheld = false
  let isLacking = false
  for (const one of classes.inTurn(({ at }) => room.lacking[at]!.first?.arrival ?? Infinity)) {
    const { first } = room.lacking[one.at]!
    const held = oldestHeld(one)
    if ((first === undefined && held === undefined) || !classes.mayBegin(one)) continue
    if (serveClass(room, one, first, held)) return "served"
    isLacking ||= first !== undefined
  }
  return isLacking ? "lacking" : "none"
}

/** Serves one waiter of a class: who has waited longest, of those that lack room, and those whose objects are listed. */
const serveClass = (room: Room, one: Account, first: Want | undefined, held: AnyClass | undefined): boolean => {
  if (first !== undefined && hasMoved(first)) return true
  if (held !== undefined && (first === undefined || comesBefore(held, first))) return attend(one, held)
  const served = first !== undefined &&
    (room.total < room.max ? giveTo(room, first) : makeRoomFor(room, room.lacking[one.at]!, first))
  return served || (held !== undefined && attend(one, held))
}

/** Is a key that has objects listed that of who lacks one, or that of who has waited longer? */
const comesBefore = (held: AnyClass, first: Want): boolean =>
  held.core().place === first.place || held.queue.lead!.arrival < first.arrival

/** Of the keys that have objects listed while waiters of a class were withheld from them, that of the oldest waiter. */
const oldestHeld = ({ held }: Account): AnyClass | undefined => {
  let oldest: AnyClass | undefined
  for (const one of held) {
    const core = one.core()
    const { lead } = one.queue
    // what is listed later is withheld then
    if (lead === undefined || core.registry.listing === 0 || !lends(core)) held.delete(one)
    else if (oldest === undefined || lead.arrival < oldest.queue.lead!.arrival) oldest = one
  }
  return oldest
}

/** Serves one waiter of a class at one key; where none can be, the key is not asked again before something is withheld. */
const attend = ({ held }: Account, one: AnyClass): boolean => {
  const core = one.core()
  held.delete(one)
  core.place!.stir()
  try {
    if (attendOne(core, core.classes!, one)) held.add(one)
  } catch (defect) {
    core.threw(defect)
  }
  return true
}

const sendAwayFor = (room: Room, want: Want, idler = room.oldestIdle(want.place, true)): boolean => {
  if (idler === undefined) return false
  room.victims.add(idler.entry)
  reserve(want)
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
const reserve = (want: Want): boolean => {
  const { place } = want
  const waiter = next(want)
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
