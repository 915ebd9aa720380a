/**
 * The hold of a lease on its object: the only writer of `open`, `lease` and `others` of an entry, of `core.leases`, and of the
 * `open` of a class.
 *
 * Invariants, at the end of each function:
 * - `open` counts the open leases of an object: `lease`, and `others` where there are more. The object is `Borrowed` while
 *   there is one.
 * - `core.leases` is the sum of all `open`; the owners, where they are counted, know of each.
 */
import { free } from "../object/freeing.ts"
import type { BorrowerClass } from "../state/classes.ts"
import { type Core, lendable } from "../state/core.ts"
import { type Entry, leasesOf } from "../state/entry.ts"
import { admits, changed, lookAt, offer } from "../state/notes.ts"
import { own } from "../state/owners.ts"
import { Queue } from "../structures/queue.ts"
import { released } from "../watching/events.ts"
import type { ActiveLease } from "./lease.ts"

/** A lease begins: its object, which is lendable, is `Borrowed`, and not listed. */
export const hold = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>): void => {
  const entry = lease.entry
  if (entry.lease === undefined) entry.lease = lease
  else (entry.others ??= new Queue()).add(lease)
  core.leases++
  if (lease.ofClass !== undefined) lease.ofClass.account.begins()
  if (core.owners !== undefined) own(core, lease, 1)
  if (entry.open++ === 0) core.registry.move(entry, "Borrowed")
  else core.registry.unlist(entry)
}

/** A lease has ended: what goes with that is stopped, counted and told. */
const leaseEnded = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, now: number): void => {
  if (lease.overdue !== undefined) core.deadlines.cancel(lease.overdue)
  if (core.timings !== undefined) core.timings.use.add(now - lease.borrowedAtMillis)
  if (core.feed !== undefined) released(core, lease, now)
}

/** The leases of an object end, though it does not come back. */
export const cutOff = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const now = core.clock.currentTimeMillisUnsafe()
  for (const lease of leasesOf(entry)) {
    leaseEnded(core, lease, now)
    if (lease.ofClass !== undefined) lease.ofClass.account.open--
    if (core.owners !== undefined) own(core, lease, -1)
  }
  core.leases -= entry.open
  entry.lease = entry.others = undefined
  entry.open = 0
}

/** A lease is over, and its borrower has nothing to do with what follows. */
export const giveBack = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>): void => {
  const entry = lease.entry
  // a closing pool has given the object up, or another lease has been detached with it
  if (entry.status !== "Borrowed") return
  letGo(core, lease)
  core.registry.unlist(entry)
  const now = core.clock.currentTimeMillisUnsafe()
  core.registry.used(entry, now)
  leaseEnded(core, lease, now)
  if (entry.limits?.idling !== undefined) entry.limits.idleSince = core.deadlines.now()
  if (entry.open === 0) free(core, entry)
  else if (lendable(entry)) offer(core, entry, false)
  else changed(core)
  if (lease.ofClass !== undefined) hasLess(core, lease.ofClass)
}

/** A class has one lease less: it may have room for another, or what is set aside for others may be of its reserve now. */
const hasLess = <A, D>(core: Core<A, D>, one: BorrowerClass<A, D>): void => {
  admits(core)
  const { account, queue: { lead } } = one
  if (account.owed > 0 && core.waiters.several.size > 0 && lead !== undefined) lookAt(core, lead)
}

const letGo = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>): void => {
  const entry = lease.entry
  entry.open--
  core.leases--
  if (lease.ofClass !== undefined) lease.ofClass.account.open--
  if (core.owners !== undefined) own(core, lease, -1)
  if (entry.lease !== lease) {
    entry.others!.delete(lease)
    return
  }
  entry.lease = entry.others?.take()
}
