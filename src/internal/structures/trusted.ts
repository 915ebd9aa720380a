/**
 * Listed objects that have been detected lately: while the object that the selector has picked is being detected, a
 * borrower may get one of these instead.
 *
 * Invariant: each listed entry that is trusted is a member. Others may be as well: such a one is dropped when it is met, or
 * leaves the pool. So none is looked at more often than it has been listed, but for those that are found.
 */
import type { RandomService } from "./selection/list.ts"

/** What is known here of an object. */
export interface Detected {
  /** Where the object stands in the selection; -1: not listed. */
  readonly slot: number
  /** Monotonic: until when the last detection may be trusted. */
  readonly trustedUntil: number | undefined
  /** The object's place among the trusted ones; -1: it is none of them. */
  trust: number
}

export class Trusted<E extends Detected> {
  private readonly members: Array<E> = []

  add(entry: E): void {
    if (entry.trust === -1) entry.trust = this.members.push(entry) - 1
  }

  delete(entry: E): void {
    const { trust } = entry
    if (trust === -1) return
    entry.trust = -1
    const last = this.members.pop()!
    if (last === entry) return
    this.members[trust] = last
    last.trust = trust
  }

  /** At most `most` of the objects that are trusted at that moment: some at random, where there are more. */
  some(most: number, random: RandomService, now: number): Array<E> {
    const found: Array<E> = []
    const { members } = this
    const start = members.length <= most ? 0 : Math.floor(random.nextDoubleUnsafe() * members.length)
    const meet = (entry: E): void => {
      if (entry.slot !== -1 && entry.trustedUntil! > now) found.push(entry)
      else this.delete(entry)
    }
    // the last takes the place of one that is dropped: of those that have not been met on the way up, of those that have on
    // the way down
    for (let at = start; at < members.length && found.length < most;) {
      const entry = members[at]!
      meet(entry)
      if (members[at] === entry) at++
    }
    for (let at = start - 1; at >= 0 && found.length < most; at--) meet(members[at]!)
    return found
  }
}
