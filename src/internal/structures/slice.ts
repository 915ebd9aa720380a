/**
 * How long a step may go on with many things at once before other fibers get their turn.
 */
import { type Deadlines, slice } from "./deadlines.ts"

export class Slice {
  private readonly deadlines: Deadlines
  private done = 0
  private began = 0

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines
  }

  /** Another thing has been done: is it time for others? */
  get over(): boolean {
    this.done++
    // the clock is read after each fourth thing: a slice of fewer reads none
    if (this.done % 4 !== 0) return false
    const now = this.deadlines.now()
    if (this.done === 4) this.began = now
    return now - this.began >= slice
  }
}

/**
 * The same for things of which each leads to the next, though each comes in a step of its own: promises that are settled
 * already resume all who wait for them, and those who wait for what follows, before anything else has a turn. The slice
 * begins with the first of them, and anew when others have had their turn: until then it is over for all who ask, so that
 * those who are put off keep their order.
 */
export class Relay {
  private readonly deadlines: Deadlines
  /** Calls in a later turn. */
  private readonly soon: (then: () => void) => void
  private done = 0
  private began = 0
  private ended = false

  constructor(deadlines: Deadlines, soon: (then: () => void) => void) {
    this.deadlines = deadlines
    this.soon = soon
  }

  /** Another thing has been done: is it time for others? */
  get over(): boolean {
    if (this.ended) return true
    this.done++
    // no clock is read, nor is another turn asked for, where there are few
    if (this.done % 4 !== 0) return false
    const now = this.deadlines.now()
    if (this.done === 4) {
      this.began = now
      this.soon(this.anew)
    }
    return this.ended = now - this.began >= slice
  }

  private readonly anew = (): void => {
    this.ended = false
    this.done = 0
  }
}
