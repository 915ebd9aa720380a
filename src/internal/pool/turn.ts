/**
 * The turn of a pool, which works off the notes. The order, and why:
 *
 * 1. `offer`: an object that may be lent goes to a waiter, or is listed, before anything is sought, or made, for another.
 * 2. `choice`: the user's selector is asked for the waiters, before they have to do with less.
 * 3. `withheld`: what was withheld from a class of borrowers goes to its waiters, where that has room now: they have had
 *    their places before those of whom there is news.
 * 4. `waiter`: what can be done for a waiter of whom there is news, the first in the queue first.
 * 5. `room`: the waiters may have objects made, the oldest first.
 * 6. `minimum`: objects that are missing of `size.min` are made in the room that the waiters leave.
 * 7. `resting`: waiters are refused whom nothing can serve in time, since everything rests for longer.
 * 8. `old`: old objects go, as far as there are enough others.
 * 9. `watched`: those who wait for a state of the whole pool see what the others have made of it.
 * 10. `closing`: the pool is closed when all of that has left nothing.
 *
 * Where many keys share their room, 3, 5 and 6 are not for one of their pools to decide: see `sharing.ts`.
 *
 * After each step, which concerns one object or one waiter, the notes are looked through from the first kind again: one that
 * was left meanwhile may come before. This is the only place where one reaction follows from another, and only `notes.ts`
 * calls it.
 */
import { consider } from "../borrow/choosing.ts"
import { attend, attendWithheld, fill, handOut, refuseResting } from "../borrow/desk.ts"
import { refill } from "../making/making.ts"
import { replace } from "../object/replacing.ts"
import type { Core } from "../state/core.ts"
import { Note, note, putOff } from "../state/notes.ts"
import { settle } from "./closing.ts"
import { share } from "./sharing.ts"

/** Works off all notes, those included that this leads to; also where a function of the user's throws. */
export const turn = <A, D>(core: Core<A, D>): void => {
  const within = core.turning
  core.turning = true
  try {
    while (core.notes !== 0) {
      const kind = core.notes & -core.notes
      core.notes &= ~kind
      if (!react(core, kind)) continue
      // there may be more to do; only made objects are let go for others, so there is a creator
      note(core, kind)
      if (core.creator!.relay.over) putOff(core, kind === Note.old ? Note.old | Note.watched : kind)
    }
  } finally {
    core.turning = within
    if (core.notes !== 0) turn(core)
  }
}

/** Works one note off. `true`: one thing has been made, or let go, for it, and it stays. */
const react = <A, D>(core: Core<A, D>, kind: number): boolean => {
  switch (kind) {
    case Note.room:
    case Note.minimum:
      if (core.place !== undefined) share(core.place)
      else return kind === Note.room ? fill(core) : refill(core)
      break
    case Note.old:
      return replace(core)
    case Note.offer:
      offerNext(core)
      break
    case Note.choice:
      consider(core)
      break
    case Note.withheld:
      if (core.place === undefined) attendWithheld(core)
      else share(core.place)
      break
    case Note.waiter:
      attendNext(core)
      break
    case Note.resting:
      refuseResting(core)
      break
    case Note.watched:
      look(core)
      break
    default:
      settle(core)
  }
  return false
}

const offerNext = <A, D>(core: Core<A, D>): void => {
  // mostly there is one: to take the last is several times faster
  const next = core.offers.length === 1 ? core.offers.pop() : core.offers.shift()
  if (core.offers.length > 0) note(core, Note.offer)
  if (typeof next === "function") return next()
  if (next === undefined) return
  const fresh = next.offered === "fresh"
  next.offered = "no"
  handOut(core, next, fresh)
}

const attendNext = <A, D>(core: Core<A, D>): void => {
  const waiter = core.waiters.news.take()
  if (core.waiters.news.first !== undefined) note(core, Note.waiter)
  if (waiter !== undefined) attend(core, waiter)
}

const look = <A, D>(core: Core<A, D>): void => {
  for (const watcher of core.watchers) watcher.look()
}
