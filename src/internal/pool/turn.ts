/**
 * The turn of a pool: it works off what has been noted. The order, and why:
 *
 * 1. `room`: those who wait may have objects made, the oldest first.
 * 2. `minimum`: what is missing of it is made in the room that they leave.
 * 3. `old`: old objects go, as far as there are enough others.
 * 4. `watched`: those who wait for a state of the whole pool see what the former have made of it.
 * 5. `closing`: the pool is closed when all of that has left nothing.
 *
 * Each is looked for from the first again after each step: what is noted meanwhile may come before. This is the only place
 * where one reaction follows from another, and only `note` calls it.
 */
import { fill } from "../borrow/desk.ts"
import { refill } from "../making/making.ts"
import { replace } from "../object/replacing.ts"
import type { Core } from "../state/core.ts"
import { Note } from "../state/notes.ts"
import { settle } from "./closing.ts"

/** Works off what has been noted, and what that leads to. */
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
  for (const watcher of core.watchers) if (watcher.look()) core.watchers.delete(watcher)
}
