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
    // no clock is read where there are few
    if (this.done % 4 !== 0) return false
    const now = this.deadlines.now()
    if (this.done === 4) this.began = now
    return now - this.began >= slice
  }
}
