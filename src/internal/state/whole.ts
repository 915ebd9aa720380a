/**
 * A pool as those see it who look from outside: it alone; or the pools of many keys, as one.
 *
 * Of many keys the parts are what they have in common, and the pool of each key that is awake: whatever is counted is the
 * sum over those. What the keys have in common has counted what all others have done.
 */
import type { PoolStats } from "../../PoolError.ts"
import { type Core, stats } from "./core.ts"
import type { Entry } from "./entry.ts"
import type { Waiters } from "./waiters.ts"

type AnyCore = Core<never, never>

/** Those that are looked at as one. */
export const parts = <A, D>(core: Core<A, D>): Iterable<Core<A, D>> => core.many?.parts() ?? [core]

export const sum = <A, D>(core: Core<A, D>, count: (part: Core<A, D>) => number): number => {
  let all = 0
  for (const part of parts(core)) all += count(part)
  return all
}

export function* entriesOf<A, D>(core: Core<A, D>): Generator<Entry<A, D>> {
  for (const part of parts(core)) yield* part.registry.entries
}

export const totalsOf = <A, D>(core: Core<A, D>): PoolStats["totals"] => {
  if (core.many === undefined) return core.totals
  const totals = { borrowed: 0, added: 0, made: 0, destroyed: 0, timedOut: 0, exhausted: 0, expired: 0 }
  for (const part of parts(core)) addTotals(totals, part.totals, 1)
  return totals
}

export const addTotals = (all: AnyCore["totals"], some: PoolStats["totals"], sign: 1 | -1): void => {
  // spelled out: it is done whenever a key wakes, or falls asleep
  all.borrowed += sign * some.borrowed
  all.added += sign * some.added
  all.made += sign * some.made
  all.destroyed += sign * some.destroyed
  all.timedOut += sign * some.timedOut
  all.exhausted += sign * some.exhausted
  all.expired += sign * some.expired
}

export const wholeStats = <A, D>(core: Core<A, D>): PoolStats => {
  if (core.many === undefined) return stats(core)
  // classes are of all keys
  const { classes, max, totals: _nothing, ...all } = stats(core)
  for (const part of parts(core)) {
    if (part === core) continue
    const { classes: _classes, max: _max, totals: _totals, ...counts } = stats(part)
    for (const name of Object.keys(counts) as Array<keyof typeof counts>) all[name] += counts[name]
  }
  return { ...all, ...max !== undefined && { max }, ...classes && { classes }, totals: { ...totalsOf(core) } }
}

type Waiter = NonNullable<Waiters<never, never>["first"]>

/** Those at the head of the queue: of many keys the first of each, then the second of each, until there are so many. */
export const firstWaiters = (core: AnyCore, most: number): Array<Waiter> => {
  const found: Array<Waiter> = []
  let heads: Array<Waiter> = []
  for (const { waiters } of parts(core)) if (waiters.first !== undefined) heads.push(waiters.first)
  const many = heads.length > 1
  if (many) heads = heads.sort(longest).slice(0, most)
  while (heads.length > 0 && found.length < most) {
    found.push(...heads)
    heads = heads.map((waiter) => waiter.core.waiters.after(waiter)).filter((waiter) => waiter !== undefined)
  }
  return many ? found.sort(longest).slice(0, most) : found
}

const longest = (one: Waiter, other: Waiter): number => one.since - other.since
