/**
 * Who borrows from a pool of this process by a connection: what its host knows, for those who look at the pool.
 */

/** One process that borrows. */
export interface RemoteBorrower {
  /** What it calls itself, and where it says that it is. */
  readonly called: string
  /** Since when it is connected, by the monotonic clock. */
  readonly since: number
  readonly leases: number
  readonly waiting: number
}

export class Remote {
  /** How many leases have ended with the connection of their borrower, or by its silence. */
  lost = 0
  /** How often this process has become the host of the pool. */
  readonly terms: number
  borrowers: () => Iterable<RemoteBorrower> = () => []

  constructor(terms: number) {
    this.terms = terms
  }
}
