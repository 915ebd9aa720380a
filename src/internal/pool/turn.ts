/**
 * The turn of a pool, which works off the notes. The order, and why:
 *
 * 1. `room`: the waiters may have objects made, the oldest first.
 * 2. `minimum`: objects that are missing of `size.min` are made in the room that the waiters leave.
 * 3. `old`: old objects go, as far as there are enough others.
 * 4. `watched`: those who wait for a state of the whole pool see what the first three have made of it.
 * 5. `closing`: the pool is closed when all of that has left nothing.
 *
 * After each step the notes are looked through from the first kind again: one that was left meanwhile may come before. This
 * is the only place where one reaction follows from another, and only `note` calls it.
 */
import { fill } from "../borrow/desk.ts"
import { refill } from "../making/making.ts"
import { replace } from "../object/replacing.ts"
import type { Core } from "../state/core.ts"
import { Note } from "../state/notes.ts"
import { settle } from "./closing.ts"

/** Works off all notes, those included that this leads to. */
export const turn = <A, D>(core: Core<A, D>): void => {
  core.turning = true
  try {
    while (core.notes !== 0) workOff(core)
  } finally {
    core.turning = false
  }
}

const workOff = <A, D>(core: Core<A, D>): void => {
  const kind = core.notes & -core.notes
  core.notes &= ~kind
  switch (kind) {
    case Note.room:
      return fill(core)
    case Note.minimum:
      return refill(core)
    case Note.old:
      return replace(core)
    case Note.watched:
      return look(core)
    default:
      return settle(core)
  }
}

const look = <A, D>(core: Core<A, D>): void => {
  for (const watcher of core.watchers) watcher.look()
}
