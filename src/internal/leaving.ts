/**
 * How an object leaves: it is marked while it is busy, `Invalid` while it is destroyed, and then gone.
 *
 * Each function is one synchronous step.
 */
import type { PooledObject } from "../PooledObject.ts"
import { type Core, lendable } from "./core.ts"
import type { Entry } from "./registry.ts"

/** A lent object has been marked, or a mark taken from it: it is lent on, where it is shared, or not. */
export const marked = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.status !== "Borrowed") return
  if (!lendable(core, entry)) core.registry.unlist(entry)
  else if (entry.slot === -1) core.offer(entry, true)
}

/** Takes an object out: a free one now, a busy one when it is free. */
export const discard = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.status === "Invalid") return
  entry.condemned = true
  core.registry.condemned.add(entry)
  marked(core, entry)
  if (entry.detection !== undefined) core.detector!.drop(entry.detection)
  else if (entry.hook === undefined && entry.status !== "Borrowed") evict(core, entry)
}

/** Takes every object of a kind out: a free one now, a busy one when it is free. */
export const remove = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    discard(core, entry)
  }
  core.consider()
  return found
}

/** An object leaves: it is `Invalid` until it is destroyed. */
export const evict = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  invalidate(core, entry)
  core.destroyer.destroy(entry)
  core.leaving()
}

const invalidate = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.waking !== undefined) core.deadlines.cancel(entry.waking)
  if (entry.retrying !== undefined) core.deadlines.cancel(entry.retrying)
  if (entry.limits?.aging !== undefined) core.deadlines.cancel(entry.limits.aging)
  if (entry.limits?.idling !== undefined) core.deadlines.cancel(entry.limits.idling)
  core.registry.move(entry, "Invalid")
  core.registry.retired.delete(entry)
  core.registry.condemned.delete(entry)
}

/** An object is destroyed, or given up: its room is free. */
export const gone = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.scope !== undefined) core.totals.destroyed++
  core.registry.drop(entry)
  core.roomFreed()
}

/** A lent object leaves with its borrower: it is not destroyed. */
export const depart = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  // where it is shared, the other leases end without effect
  core.leases -= entry.open
  entry.lease = entry.others = undefined
  entry.open = 0
  invalidate(core, entry)
  core.registry.drop(entry)
  core.roomFreed()
}
