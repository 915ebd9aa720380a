/**
 * How much is done at once before other fibers get their turn: so many things, or as many as so much time allows.
 */
import { type Deadlines, slice } from "./deadlines.ts"

const most = 256

export class Turn {
  private readonly deadlines: Deadlines
  private done = 0
  private began = 0

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines
  }

  /** Another thing has been done: is it time for others? */
  get over(): boolean {
    if (++this.done >= most) return true
    // no clock is read where there are few
    if (this.done % 16 !== 0) return false
    const now = this.deadlines.now()
    if (this.done === 16) this.began = now
    return now - this.began >= slice
  }
}
