/**
 * The data structures behind the selectors: each holds what is lendable, and picks one of it without a walk.
 *
 * An entry knows its place (`slot`, `previous`, `next`), so that leaving costs no search. `pick` and `among` do not take
 * the entry out: the registry does when the entry's status moves.
 */
import { CountSelection } from "./counts.ts"
import { ListSelection, RandomSelection, type RandomService, SpreadSelection } from "./list.ts"
import type { Policy, Tiers } from "./policy.ts"
import { RecencySelection } from "./recency.ts"
import { RingSelection } from "./ring.ts"
import { ShareSelection } from "./shares.ts"
import { TierSelection } from "./tiers.ts"
import { WeightSelection } from "./weights.ts"

/** What a selection knows of an object. `E`: the record of which that is a part. */
export interface Candidate<E> {
  readonly id: number
  /** Where the object stands in the selection; -1: not listed. */
  slot: number
  /** The object's place in a ring, or its bucket; -1 for none yet. */
  place: number
  /** The object's neighbours in a list. */
  previous: E | undefined
  next: E | undefined
  /** The order of use among all objects: set anew, to the highest, at each return. */
  readonly order: number
  /** How often the object has been lent, and how often it is now. */
  readonly borrowCount: number
  readonly open: number
  /** What a weight of the user's is asked about. */
  readonly pooled: unknown
}

export interface Selection<E extends Candidate<E>> {
  add(entry: E): void
  remove(entry: E): void
  /** The choice among all that is listed. */
  pick(): E | undefined
  /** The choice among some of what is listed. */
  among(candidates: ReadonlyArray<E>): E | undefined
  /** The entry has left the pool. */
  forget(entry: E): void
}

export const make = <E extends Candidate<E>>(policy: Policy, random: RandomService, sharing = 1): Selection<E> => {
  switch (policy.kind) {
    case "random":
      return sharing === 1 ? new RandomSelection(random) : new SpreadSelection(random)
    case "roundRobin":
      return new RingSelection()
    case "leastRecentlyUsed":
      return new RecencySelection(false)
    case "mostRecentlyUsed":
      return new RecencySelection(true)
    case "leastBorrowed":
      return new CountSelection()
    case "weighted":
      return new WeightSelection(random, policy.f as (pooled: unknown) => number)
    case "mostAllowance":
      return new ShareSelection(random)
    case "tiers": {
      const { rank, within } = policy.f as Tiers
      return new TierSelection(rank, () => make(within, random, sharing))
    }
    case "custom":
      return new ListSelection()
  }
}
