/**
 * How an object leaves: it is marked while it is busy, `Invalid` while it is destroyed, and then gone.
 *
 * Each function is one synchronous step.
 */
import * as Cause from "effect/Cause"
import type { PooledObject } from "../../PooledObject.ts"
import { type Core, lendable } from "../state/core.ts"
import type { Entry, Eviction } from "../state/entry.ts"
import { askSelector, leaving, Note, note, offer, roomFreed } from "../state/notes.ts"
import { tell } from "../watching/events.ts"
import { report } from "../watching/log.ts"

/**
 * A lent object has been marked, or a mark taken from it: a shared one takes new leases now, or none any more. `fresh`:
 * the object has been detected just now.
 */
export const marked = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh = false): void => {
  if (entry.status !== "Borrowed") return
  if (!lendable(entry)) core.registry.unlist(entry)
  else if (entry.slot === -1) offer(core, entry, fresh)
}

/** Takes an object out of the pool: a free one now, a busy one when it is free. */
export const discard = <A, D>(core: Core<A, D>, entry: Entry<A, D>, why: Eviction): void => {
  if (entry.status === "Invalid") return
  entry.why ??= why
  core.registry.condemn(entry)
  marked(core, entry)
  // a lent one serves nobody any more
  if (entry.status === "Borrowed" && core.waiters.size > 0) note(core, Note.resting)
  if (entry.detection !== undefined) core.detector!.drop(entry.detection)
  else if (entry.hook === undefined && entry.status !== "Borrowed") evict(core, entry, why)
}

/** Takes all objects that are `target` out of the pool: a free one now, a busy one when it is free. */
export const remove = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    if (entry.status === "Invalid") continue
    found = true
    discard(core, entry, "Removed")
  }
  askSelector(core)
  return found
}

/** An object leaves: it is `Invalid` until it is destroyed. The reason is that of its mark, or else `why`. */
export const evict = <A, D>(core: Core<A, D>, entry: Entry<A, D>, why: Eviction): void => {
  if (core.feed !== undefined && !hasLeft(entry)) {
    tell(core, { _tag: "Evicted", objectId: entry.id, reason: entry.why ?? why })
  }
  // a listener that was told of an event may have taken the object out
  if (hasLeft(entry)) return
  invalidate(core, entry)
  core.destroyer.destroy(entry)
  leaving(core)
}

const hasLeft = <A, D>(entry: Entry<A, D>): boolean => entry.status === "Invalid"

export const invalidate = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  // what rests, and is counted, is known until here
  entry.memory?.left()
  entry.rest?.forget()
  entry.facets?.end()
  entry.benched = false
  if (entry.retrying !== undefined) core.deadlines.cancel(entry.retrying)
  if (entry.limits?.aging !== undefined) core.deadlines.cancel(entry.limits.aging)
  if (entry.limits?.idling !== undefined) core.deadlines.cancel(entry.limits.idling)
  core.registry.move(entry, "Invalid")
}

/** An object is destroyed, left to its owner, or given up: its room is free. */
export const gone = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: Cause.Cause<unknown> | undefined): void => {
  if (entry.scope !== undefined) core.totals.destroyed++
  core.registry.drop(entry)
  core.place?.room.victims.delete(entry as never)
  if (failure !== undefined) report(core, "Destroying an object failed", { cause: failure, entry })
  if (core.feed !== undefined) {
    const objectId = entry.id
    if (failure !== undefined) tell(core, { _tag: "DestroyFailed", objectId, failure: Cause.squash(failure) })
    else tell(core, { _tag: entry.scope === undefined && entry.release === undefined ? "Left" : "Destroyed", objectId })
  }
  roomFreed(core)
}
