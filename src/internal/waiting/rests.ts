/**
 * Rests that last too long: what everybody knows who asks why he was not served.
 */
import { type Core, mayAllRest } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import type { Waiter } from "../state/waiters.ts"
import { callIn } from "../structures/asking.ts"

/**
 * In how many milliseconds the first object wakes that a waiter may have, where all that there is rests until a known time,
 * and nothing is being made, nor could be. Nothing where that is not so, or where one wakes within `soon`.
 */
export const restsFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, soon = 0): number | undefined => {
  const { facet } = waiter.request
  if (!mayAllRest(core, facet !== undefined)) return undefined
  let first = Infinity
  for (const entry of [...core.registry.entries]) {
    const left = leftOf(entry, facet)
    if (left >= first || entry.status === "Invalid" || !mayHave(waiter, entry)) continue
    if (left <= soon) return undefined
    first = left
  }
  return first === Infinity ? undefined : first
}

/** How many milliseconds an object rests until a known time, for borrowers of a facet perhaps; 0 for one that does not. */
const leftOf = <A, D>({ benched, facets, rest, status }: Entry<A, D>, facet: string | undefined): number =>
  Math.max(
    (status === "Dormant" || benched ? rest?.left : undefined) ?? 0,
    facet === undefined ? 0 : facets?.left(facet) ?? 0
  )

/** What throws is told to the waiter when it is asked for an object that can be lent. */
const mayHave = <A, D>({ context, request: { wants } }: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  try {
    return wants === undefined || callIn(context, wants, entry.pooled)
  } catch {
    return true
  }
}
