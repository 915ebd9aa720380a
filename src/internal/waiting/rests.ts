/**
 * Rests that last too long: what everybody knows who asks why he was not served.
 */
import { type Core, mayAllRest } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import type { Request, Waiter } from "../state/waiters.ts"
import { callIn } from "../structures/asking.ts"

/**
 * In how many milliseconds the first object wakes that a waiter may have, or goes, and leaves its room to another, where all
 * that he could have rests until a known time, and nothing is being made, nor could be. Nothing where that is not so, or
 * where one wakes within `soon`; nor while the pool is suspended, since nobody knows when it is resumed.
 */
export const restsFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, soon = 0): number | undefined => {
  const { request } = waiter
  if (core.suspended || !mayAllRest(core, isChoosy(core, request))) return undefined
  const now = core.deadlines.now()
  const wall = core.moments.now()
  let first = Infinity
  // a function of the user's may have objects come and go
  for (const entry of request.wants === undefined ? core.registry.entries : [...core.registry.entries]) {
    const left = leftOf(core, entry, request.facet, now, wall)
    if (left >= first || !mayServe(entry, request)) continue
    // a `where` may change its mind of an object that does not rest
    if (left === 0) return undefined
    if (!mayHave(waiter, entry)) continue
    if (left <= soon) return undefined
    first = left
  }
  return first === Infinity ? undefined : first
}

/** {@link restsFor} for borrowers of each facet that may have any object; each is asked about once. */
export const restsByFacet = <A, D>(core: Core<A, D>) => {
  const known = new Map<string | undefined, number | undefined>()
  return (waiter: Waiter<A, D>): number | undefined => {
    const { facet } = waiter.request
    if (!known.has(facet)) known.set(facet, restsFor(core, waiter))
    return known.get(facet)
  }
}

/** Is it certain of some objects, whether they rest or not, that they cannot serve a borrower now? */
const isChoosy = <A, D>({ options: { allowance } }: Core<A, D>, { cost, facet }: Request<A, D>): boolean =>
  facet !== undefined || (cost > 1 && allowance !== undefined && allowance.same === undefined)

/** How many milliseconds an object rests until a known time, for borrowers of a facet perhaps; 0 for one that does not. */
const leftOf = <A, D>(
  core: Core<A, D>,
  { benched, facets, limits, rest, status }: Entry<A, D>,
  facet: string | undefined,
  now: number,
  wall: number
): number => {
  const rests = status === "Dormant" || benched ? rest?.left(now, wall) ?? 0 : 0
  const left = facet === undefined || facets === undefined ? rests : Math.max(rests, facets.left(facet, now, wall))
  if (limits === undefined || left === 0) return left
  const ages = limits.aging === undefined ? Infinity : limits.aging.due
  const idles = limits.idling === undefined || core.registry.size <= core.size.min ? Infinity : limits.idling.due
  return Math.min(left, Math.max(0, Math.min(ages, idles) - now))
}

/** May an object ever serve a borrow? Not if it is leaving, or cannot bear the cost. */
const mayServe = <A, D>({ allowances, condemned, status }: Entry<A, D>, { cost, facet }: Request<A, D>): boolean =>
  status !== "Invalid" && !condemned && (cost <= 1 || allowances?.fits(cost, facet) !== false)

/** What throws is told to the waiter when it is asked for an object that can be lent. */
const mayHave = <A, D>({ context, request: { wants } }: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  try {
    return wants === undefined || callIn(context, wants, entry.pooled)
  } catch {
    return true
  }
}
