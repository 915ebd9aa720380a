/**
 * What the borrowers of a session give back, on the way to the host.
 *
 * What is given back goes with the next borrow, where that comes in the same turn of the event loop, as it does where a process
 * borrows again and again; else in a message of its own, at the turn's end. The host hears of it before it hears of what is
 * asked next.
 *
 * Invariant: what was added is sent at least once, in the order of its coming. Whoever takes it along, and cannot tell whether
 * the host has heard of it, adds it again: to the host a key that it knows no more is nothing.
 */
import type { Returned } from "./protocol.ts"

/** With more than that a borrow is not burdened: the messages of a borrower are of a bounded size. */
const most = 32

export class Returns {
  private pending: Array<Returned> = []
  private readonly send: (returned: ReadonlyArray<Returned>) => void

  private readonly soon: (task: () => void) => void

  constructor(send: (returned: ReadonlyArray<Returned>) => void, soon: (task: () => void) => void) {
    this.send = send
    this.soon = soon
  }

  add(returned: Returned): void {
    this.pending.push(returned)
    // what a failure has said may be long
    if (this.pending.length >= most || returned.outcome.message !== undefined) this.flush()
    else if (this.pending.length === 1) this.soon(() => this.flush())
  }

  /** What a borrow takes along. */
  take(): ReadonlyArray<Returned> {
    const { pending } = this
    if (pending.length > 0) this.pending = []
    return pending
  }

  /** Sends what nobody has taken along. */
  flush(): void {
    if (this.pending.length > 0) this.send(this.take())
  }
}
