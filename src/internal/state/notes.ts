/**
 * What the whole pool has to react to: whoever causes it leaves a note, and calls nobody.
 *
 * The notes are worked off by the pool's turn, in one fixed order, until none is left: within the call that has left the
 * first; a note that is left meanwhile is only written down. So no reaction begins within another.
 */
import { type Core, lendable, soon } from "./core.ts"
import type { Entry } from "./entry.ts"

/** The kinds of notes, in the order in which they are worked off: see `pool/turn.ts`, which says what each leads to. */
export const Note = { room: 1, minimum: 2, old: 4, watched: 8, closing: 16 } as const

/** Leaves notes of some kinds. A kind that is put off stays put off. */
export const note = <A, D>(core: Core<A, D>, kinds: number): void => {
  core.notes |= kinds & ~core.notesPutOff
  if (!core.turning) core.turn()
}

/** The room of an object has become free, or an attempt to make an object may begin. */
export const roomFreed = <A, D>(core: Core<A, D>): void =>
  note(core, Note.room | Note.minimum | Note.old | Note.watched | Note.closing)

/** An object is leaving: another may have to take its place. */
export const leaving = <A, D>(core: Core<A, D>): void => note(core, Note.minimum | Note.old | Note.watched)

/** An object has become available, lent or old. Many a return says so: no note is left where nobody would react. */
export const changed = <A, D>(core: Core<A, D>): void => {
  if (core.watchers.size > 0 || core.registry.retired > 0) note(core, Note.old | Note.watched)
}

/**
 * Offers an object that is not listed: it goes to a waiter, or is listed, unless a listener that was told of its last move
 * has taken it out. `fresh`: it has been detected just now, so that no borrower has it detected again.
 */
export const offer = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): void => {
  if (core.waiters.size > 0) core.handOut(entry, fresh)
  else if (lendable(core, entry)) core.registry.list(entry)
  changed(core)
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
