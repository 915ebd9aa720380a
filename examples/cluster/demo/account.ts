/** What the server knows of one key: who has used it under which lease, and what was wrong with that. */
import { Fence } from "../../../src/cluster.ts"

/** A lease, as the server has seen it. */
export interface Seen {
  readonly by: string
  readonly fence: Fence
  /** When its first request came. */
  readonly since: number
}

/** The window of the limit, in milliseconds. */
const window = 1000

export class Account {
  readonly name: string
  /** Requests in a second. */
  readonly limit: number
  /** The leases, the newest last. */
  readonly leases: Array<Seen> = []
  answered = 0
  /** Requests that were answered while another holder's was under way. */
  shared = 0
  /** Requests that came with an older fence than the highest, and were refused. */
  stale = 0
  tooMany = 0
  private recent: Array<number> = []

  constructor(name: string, limit: number) {
    this.name = name
    this.limit = limit
  }

  get newest(): Seen | undefined {
    return this.leases.at(-1)
  }

  /** A request has come: what it is refused with, or 200. */
  admit(by: string, fence: Fence, now: number): 200 | 409 | 429 {
    const { newest } = this
    const order = newest === undefined ? 1 : Fence.compare(fence, newest.fence)
    if (order < 0) {
      this.stale++
      return 409
    }
    if (order > 0) this.leases.push({ by, fence, since: now })
    this.recent = this.recent.filter((at) => now - at < window)
    if (this.recent.length >= this.limit) {
      this.tooMany++
      return 429
    }
    this.recent.push(now)
    return 200
  }

  /** A request is answered. For a caller that has gone meanwhile nothing is done, and nothing counts. */
  answer(fence: Fence): void {
    this.answered++
    if (this.newest !== undefined && Fence.compare(fence, this.newest.fence) < 0) this.shared++
  }
}
