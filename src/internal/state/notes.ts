/**
 * What the whole pool has to react to: whoever causes it leaves a note, and calls nobody.
 *
 * The notes are worked off by the pool's turn, in one fixed order, until none is left: within the call that has left the
 * first; what is noted meanwhile only counts. So no reaction begins within another.
 */
import { type Core, lendable, soon } from "./core.ts"
import type { Entry } from "./entry.ts"

/** The kinds of notes, in the order in which they are worked off: see `pool/turn.ts`, which says what each leads to. */
export const Note = { room: 1, minimum: 2, old: 4, watched: 8, closing: 16 } as const

/** Leaves notes: what is put off until later stays there. */
export const note = <A, D>(core: Core<A, D>, kinds: number): void => {
  core.notes |= kinds & ~core.notesPutOff
  if (!core.turning) core.turn()
}

/** Room has become free, or an attempt to make an object may begin. */
export const roomFreed = <A, D>(core: Core<A, D>): void =>
  note(core, Note.room | Note.minimum | Note.old | Note.watched | Note.closing)

/** An object is leaving: another may have to take its place. */
export const leaving = <A, D>(core: Core<A, D>): void => note(core, Note.minimum | Note.old | Note.watched)

/** What is available, lent or old has changed. It is so at every return: nothing is noted where it is of no account. */
export const changed = <A, D>(core: Core<A, D>): void => {
  if (core.watchers.size > 0 || core.registry.retired > 0) note(core, Note.old | Note.watched)
}

/**
 * An object that is not listed may be lent, unless whoever was told of that has taken it out: it is listed, or goes to one
 * who waits. `fresh`: it has been detected just now, so that no borrower has it detected again.
 */
export const offer = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): void => {
  if (core.waiters.size > 0) core.handOut(entry, fresh)
  else if (lendable(core, entry)) core.registry.list(entry)
  changed(core)
}

/** Something has ended that a closing pool waits for. */
export const settled = <A, D>(core: Core<A, D>): void => note(core, Note.closing)

/** Goes on with one kind in a turn of its own, so that other fibers have theirs before. Notes of that kind wait for it. */
export const putOff = <A, D>(core: Core<A, D>, kind: number): void => {
  core.notesPutOff |= kind
  core.notes &= ~kind
  soon(core, () => {
    core.notesPutOff &= ~kind
    note(core, kind)
  })
}
