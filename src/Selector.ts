/**
 * Which of the lendable objects a borrower gets.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import { Policy, toPolicy } from "./internal/structures/selection/policy.ts"
import type { PooledObject } from "./PooledObject.ts"

declare const SelectorTypeId: unique symbol
declare const AnySelectorTypeId: unique symbol

/**
 * What a selector answers: one of the lendable objects or none, plainly or with an effect.
 *
 * @category models
 * @since 0.1.0
 */
export type Choice<A, D, R> =
  | PooledObject<A, D>
  | undefined
  | Effect.Effect<PooledObject<A, D> | undefined, never, R>

/**
 * A policy that chooses among the lendable objects. Opaque: the built-in ones do not walk the list.
 *
 * @category models
 * @since 0.1.0
 */
export interface Selector<in A, in D = unknown, out R = never> {
  /**
   * Tells the types apart.
   *
   * @internal
   */
  readonly [SelectorTypeId]: { readonly _A: (_: A) => void; readonly _D: (_: D) => void; readonly _R: () => R }
}

/**
 * A selector for any object; a type of its own, so that it says nothing about the object and its data where these are
 * inferred.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnySelector {
  /** Tells the types apart. */
  readonly [AnySelectorTypeId]: typeof AnySelectorTypeId
}

/**
 * What the `select` option takes: a selector, `{ weight }` for `Selector.weighted`, `{ rank }` for `Selector.tiers`, or a plain function for
 * `Selector.make`.
 *
 * **Gotchas**
 *
 * A `Selector.weighted((pooled) => …)` written inside options whose object is still being inferred sees `unknown`:
 * `{ weight: (pooled) => … }` and a plain function infer everywhere.
 *
 * @category models
 * @since 0.1.0
 */
export type Select<A, D, R> =
  | AnySelector
  | Selector<A, D, R>
  | {
    /** How much of the chance an object has: see `Selector.weighted`. */
    readonly weight: (pooled: PooledObject<A, D>) => number
  }
  | {
    /** The lowest comes first: see `Selector.tiers`. */
    readonly rank: (pooled: PooledObject<A, D>) => number
    readonly within?: AnySelector | Selector<A, D> | undefined
  }
  | ((available: ReadonlyArray<PooledObject<A, D>>) => Choice<A, D, R>)

const anyObject = (policy: Policy): AnySelector => policy as unknown as AnySelector

/**
 * The selectors.
 *
 * **Details**
 *
 * A returned object is offered to the oldest waiter through the selector, alone. The cost of a built-in selector does
 * not grow with the pool, that of `weighted` and `leastBorrowed` with its logarithm; a borrow with `where` looks at
 * every lendable object, whatever the selector: about a millisecond in the event loop for each 10 000 of them. A selector of
 * your own is given a list of them all, for each borrower that it is asked for: that costs about as much. While what a built-in
 * one has picked is being detected, the borrower gets what it picks from at most 32, at random, of those that
 * `detection.onBorrow` still trusts; with a `where`, from all of them that fit.
 *
 * - `random` (the default): each with the same chance. Draws from the `Random` of the fiber that built the pool.
 * - `roundRobin`: in a ring, in the order in which the objects joined.
 * - `leastRecentlyUsed`: the one whose last lease ended first (for one that was never lent: that joined first).
 * - `mostRecentlyUsed`: the one whose last lease ended last: keeps a small set busy, so that the others can idle.
 * - `leastBorrowed`: the one lent least often, of equals the oldest.
 * - `weighted(weight)`: with a chance in proportion to its weight, among those that are free; while all are busy, each
 *   is lent as often as it comes back. A weight is finite and at least 0; one of weight 0 is lent only if there is
 *   nothing else. Any other weight, or a throw, is a defect of the borrower that names the object. A weight is read
 *   when the object becomes lendable, again when it is picked, so that a lowered one is found, and when `reconsider`
 *   says that it has been raised; all are read where whatever is lendable weighs 0.
 * - `mostAllowance`: the one with the largest share left of that of its allowances of which the least is left; of equals,
 *   at random. It looks at every lendable object.
 * - `tiers(rank, within)`: the lowest rank that has something lendable, and within it what another selector picks (default
 *   `random`; any but one of your own). A rank is read when the object becomes lendable, and when `reconsider` says that it
 *   has changed. One that is no number, or throws, is a defect of the borrower that names the object.
 * - `make(choose)`: your own. "None" is asked again when what is lendable changes. Throwing, or answering what was not
 *   offered, is a defect of that borrower and changes nothing. It may answer with an effect, which then runs in the
 *   pool, for one borrower at a time, in their order; what it chose is checked again, and asked for anew if it was lent
 *   meanwhile.
 *
 * @category selectors
 * @since 0.1.0
 */
export const Selector: {
  readonly random: AnySelector
  readonly roundRobin: AnySelector
  readonly leastRecentlyUsed: AnySelector
  readonly mostRecentlyUsed: AnySelector
  readonly leastBorrowed: AnySelector
  readonly mostAllowance: AnySelector
  /** With a chance in proportion to `weight`. */
  readonly weighted: <A, D>(weight: (pooled: PooledObject<A, D>) => number) => Selector<A, D>
  /** The lowest `rank` first; `within` it, another selector. */
  readonly tiers: <A, D>(
    rank: (pooled: PooledObject<A, D>) => number,
    within?: AnySelector | Selector<A, D>
  ) => Selector<A, D>
  /** As `choose` says, of those that may be lent. */
  readonly make: <A, D, R = never>(
    choose: (available: ReadonlyArray<PooledObject<A, D>>) => Choice<A, D, R>
  ) => Selector<A, D, R>
} = {
  random: anyObject(new Policy("random")),
  roundRobin: anyObject(new Policy("roundRobin")),
  leastRecentlyUsed: anyObject(new Policy("leastRecentlyUsed")),
  mostRecentlyUsed: anyObject(new Policy("mostRecentlyUsed")),
  leastBorrowed: anyObject(new Policy("leastBorrowed")),
  mostAllowance: anyObject(new Policy("mostAllowance")),
  weighted: <A, D>(weight: (pooled: PooledObject<A, D>) => number) =>
    new Policy("weighted", weight) as unknown as Selector<A, D>,
  tiers: <A, D>(rank: (pooled: PooledObject<A, D>) => number, within?: AnySelector | Selector<A, D>) => {
    const policy = toPolicy({ rank, within })
    if (policy !== undefined) return policy as unknown as Selector<A, D>
    throw new TypeError("`tiers` takes a function that says a rank, and a selector, but none of your own")
  },
  make: <A, D, R = never>(choose: (available: ReadonlyArray<PooledObject<A, D>>) => Choice<A, D, R>) =>
    new Policy("custom", choose) as unknown as Selector<A, D, R>
}
