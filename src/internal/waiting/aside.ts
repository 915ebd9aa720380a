/**
 * What is set aside for a borrower of several, until it has as many as it wants.
 *
 * An object that is set aside is no lease yet: it is as it was, but that nobody else is lent it. It is set aside no more as
 * it moves to another status, and comes back to the queue as any other then.
 *
 * Invariants:
 * - An object has a `keeper` exactly while it is in the `aside` of that waiter. It is not listed, nor on offer.
 * - `aside` has no more than `many` objects. The waiter is in the queue while it has fewer; once it has all it is not, until
 *   it is resumed.
 * - A waiter that is looked at, and lacks objects while nothing is under way for it, takes those that it may have from
 *   waiters that come after it. So of two that each keep what the other wants, the first is served.
 * - Where many keys share their room, what is set aside is idle for those of other keys that come before: see `state/room.ts`.
 */
import { cleanUp } from "../object/freeing.ts"
import { type Core, lendable } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { offer, settled } from "../state/notes.ts"
import type { Waiter } from "../state/waiters.ts"

/** How many objects a waiter lacks. */
export const lacks = <A, D>({ aside, request: { many = 1 } }: Waiter<A, D>): number => many - (aside?.size ?? 0)

export const setAside = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  core.registry.unlist(entry)
  if (core.classes !== undefined) core.classes.keep(waiter)
  entry.keeper = waiter
  waiter.aside ??= new Set()
  waiter.aside.add(entry)
  core.place?.keeps(waiter)
}

/** An object is set aside for a waiter no more: whoever calls this offers it, or lends it, perhaps to the waiter itself. */
export const takeOut = <A, D>(waiter: Waiter<A, D>, entry: Entry<A, D>, lent: boolean): void => {
  entry.keeper = undefined
  waiter.aside!.delete(entry)
  waiter.core.classes?.release(waiter, lent)
  waiter.core.place?.keeps(waiter)
}

/** A waiter has no use any more for what is set aside for it: that goes on to the next. */
export const letGo = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const { aside } = waiter
  if (aside === undefined) return
  waiter.aside = undefined
  core.place?.keeps(waiter)
  for (const entry of aside) {
    entry.keeper = undefined
    core.classes?.release(waiter, false)
  }
  for (const entry of aside) goesOn(core, entry)
  // a pool that closes has waited for one who had all
  if (core.life._tag === "Closing") settled(core)
}

/** An object that was set aside goes on to the next; one that was prepared is cleaned up before. */
export const goesOn = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  // a function of the user's, called for another, may have used it
  if (!lendable(entry) || entry.slot !== -1 || entry.offered !== "no") return
  if (entry.prepared && entry.status === "Available") cleanUp(core, entry)
  else offer(core, entry, false)
}
