/**
 * The data structures behind the selectors: each holds what is lendable, and picks one of it without a walk.
 *
 * An entry knows its place (`slot`, `previous`, `next`), so that leaving costs no search. `pick` and `among` do not take
 * the entry out: the registry does when the entry's status moves.
 */
import type { PooledObject } from "../../../PooledObject.ts"
import type { Entry } from "../../state/entry.ts"
import { CountSelection } from "./counts.ts"
import { ListSelection, RandomSelection, type RandomService, SpreadSelection } from "./list.ts"
import type { Policy } from "./policy.ts"
import { RecencySelection } from "./recency.ts"
import { RingSelection } from "./ring.ts"
import { WeightSelection } from "./weights.ts"

export interface Selection<A, D> {
  add(entry: Entry<A, D>): void
  remove(entry: Entry<A, D>): void
  /** The choice among all that is listed. */
  pick(): Entry<A, D> | undefined
  /** The choice among some of what is listed. */
  among(candidates: ReadonlyArray<Entry<A, D>>): Entry<A, D> | undefined
  /** The entry has left the pool. */
  forget(entry: Entry<A, D>): void
}

export const make = <A, D>(policy: Policy, random: RandomService, sharing = 1): Selection<A, D> => {
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
      return new WeightSelection(random, policy.f as (pooled: PooledObject<A, D>) => number)
    case "custom":
      return new ListSelection()
  }
}
