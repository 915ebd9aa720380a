/**
 * What others have to react to: whoever causes it leaves a note, and calls nobody.
 *
 * The notes are worked off by the pool's turn, in one fixed order, until none is left: within the call that has left the
 * first; a note that is left meanwhile is only written down. So no reaction begins within another.
 *
 * Invariants:
 * - An object is in `core.offers` exactly while `offered` is not "no". It is not listed as it gets there, and whoever takes
 *   it meanwhile need not ask: an object that cannot be lent any more when its offer is worked off is passed over.
 * - What {@link onceOffered} is given is called behind the offer of its object, when it is known who was given that; and
 *   before any note of a later kind is worked off: no waiter is looked at, and nothing is made for one, in between.
 */
import { type Core, lendable, soon } from "./core.ts"
import type { Entry } from "./entry.ts"
import type { Waiter } from "./waiters.ts"

/** The kinds of notes, in the order in which they are worked off: see `pool/turn.ts`, which says what each leads to. */
export const Note = {
  offer: 1,
  choice: 2,
  withheld: 4,
  waiter: 8,
  room: 16,
  minimum: 32,
  resting: 64,
  old: 128,
  watched: 256,
  closing: 512
} as const

/** Leaves notes of some kinds. A kind that is put off stays put off. */
export const note = <A, D>(core: Core<A, D>, kinds: number): void => {
  core.notes |= kinds & ~core.notesPutOff
  if (!core.turning) core.turn()
}

/** The room of an object has become free, or an attempt to make an object may begin. */
export const roomFreed = <A, D>(core: Core<A, D>): void =>
  note(core, Note.room | Note.minimum | Note.resting | Note.old | Note.watched | Note.closing | withheld(core))

/** A class of borrowers may have room by now: what was withheld from its waiters may be for them. */
export const admits = <A, D>(core: Core<A, D>): void =>
  core.classes?.accounts.withheld === true ? note(core, Note.withheld) : undefined

const withheld = <A, D>({ classes }: Core<A, D>): number => classes?.accounts.withheld === true ? Note.withheld : 0

/** An object is leaving: another may have to take its place. */
export const leaving = <A, D>(core: Core<A, D>): void =>
  note(core, Note.minimum | Note.resting | Note.old | Note.watched)

/** An object has become available, lent or old. Many a return says so: no note is left where nobody would react. */
export const changed = <A, D>(core: Core<A, D>): void => {
  if (core.size.spare > 0) note(core, Note.minimum | Note.old | Note.watched)
  else if (core.watchers.size > 0 || core.registry.retired > 0) note(core, Note.old | Note.watched)
}

/** An object has been lent: another may have to be ready in its place. */
export const lent = <A, D>(core: Core<A, D>): void => {
  if (core.size.spare > 0) note(core, Note.minimum)
  admits(core)
}

/**
 * Offers an object that is not listed: it goes to a waiter, or is listed, unless a listener that was told of its last move
 * has taken it out. `fresh`: it has been detected just now, so that no borrower has it detected again.
 */
export const offer = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): void => {
  if (core.waiters.size > 0) {
    if (entry.offered === "no") core.offers.push(entry)
    entry.offered = fresh ? "fresh" : "stale"
    note(core, Note.offer)
  } else if (lendable(entry)) {
    core.registry.list(entry)
    // a class may wait for it at another key
    admits(core)
  }
  changed(core)
}

/** Calls `then` when an object has been offered, that is: at once, unless the offer is still to be worked off. */
export const onceOffered = <A, D>(core: Core<A, D>, entry: Entry<A, D>, then: () => void): void => {
  if (entry.offered === "no") then()
  else core.offers.push(then)
}

/** Something may be done for a waiter now. */
export const lookAt = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.news.push(waiter)
  note(core, Note.waiter)
}

/** The user's selector, where the pool has one, is to be asked for the waiters. */
export const askSelector = <A, D>(core: Core<A, D>): void => {
  if (core.options.policy.kind === "custom") note(core, Note.choice)
}

/** Works the notes off within a turn: for who must not wait for the end of the call of the user's in which he comes. */
export const workOffNow = <A, D>(core: Core<A, D>): void => {
  if (core.notes !== 0) core.turn()
}

/** Something has ended that a closing pool waits for. */
export const settled = <A, D>(core: Core<A, D>): void => note(core, Note.closing)

/** Keeps the notes of one kind back until a step has ended, and leaves one then. */
export const afterwards = <A, D>(core: Core<A, D>, kind: number, step: () => void): void => {
  const free = kind & ~core.notesPutOff
  core.notesPutOff |= free
  try {
    step()
  } finally {
    core.notesPutOff &= ~free
  }
  note(core, kind)
}

/** Puts off the notes of one kind to a later task, so that other fibers have their turn before. */
export const putOff = <A, D>(core: Core<A, D>, kind: number): void => {
  core.notesPutOff |= kind
  core.notes &= ~kind
  soon(core, () => {
    core.notesPutOff &= ~kind
    note(core, kind)
  })
}
