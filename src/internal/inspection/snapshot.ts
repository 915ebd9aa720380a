/** How a pool looks at an instant, as plain data. Nothing of an object is in it but what `describe` has said. */
import { type Core, stats } from "../core.ts"
import type { ActiveLease } from "../lease.ts"
import { type Entry, leasesOf } from "../registry.ts"
import type { Waiter } from "../waiters.ts"
import {
  detailed,
  exemplary,
  type LeaseRow,
  type Letter,
  type ObjectRow,
  type PoolPicture,
  visible,
  type WaiterRow,
  waitersShown
} from "./frame.ts"

type AnyEntry = Entry<never, never>
type AnyLease = ActiveLease<never, never>

/** When a lease is overdue, and what is said of an object. */
export interface Viewer {
  readonly overdue: (lease: AnyLease) => boolean
  readonly describe: (entry: AnyEntry) => string
}

/**
 * Is a lease overdue? It is when its time is over and its object not back, or when the pool's `leaseWarning` has been given.
 * Where the pool has neither, its own habit says: ten times as long as the median of the last 5 minutes, and never less
 * than a second; as long as too few leases have been seen, a minute.
 */
export const isOverdue = (medianHold: number, now: number) => (lease: AnyLease): boolean => {
  const { expiry, overdue } = lease
  if (overdue !== undefined && overdue.due <= lease.core.deadlines.now()) return true
  // the timer of a busy process may be a little late
  if (expiry !== undefined) return lease.over === "Expired" || now > expiry.expiresAtMillis + 50
  if (overdue !== undefined) return false
  const limit = medianHold < 0 ? 60_000 : Math.max(1000, 10 * medianHold)
  return now - lease.borrowedAtMillis > limit
}

const letters = { Pending: "P", Available: "A", Borrowed: "B", Dormant: "D", Unknown: "U", Invalid: "I" } as const

const letterOf = (entry: AnyEntry, viewer: Viewer): Letter =>
  entry.lease !== undefined && leasesOf(entry).some(viewer.overdue) ? "O" : letters[entry.status]

/** A time that JSON has a number for. */
const millis = (time: number | undefined): number =>
  time === undefined || time < 0 || time > 8.64e15 ? 0 : Math.round(time)

const leaseRow = (lease: AnyLease, viewer: Viewer): LeaseRow => [
  lease.id,
  lease.owner,
  millis(lease.borrowedAtMillis),
  millis(lease.expiry?.expiresAtMillis),
  viewer.overdue(lease) ? 1 : 0
]

export const objectRow = (entry: AnyEntry, viewer: Viewer): ObjectRow => [
  entry.id,
  letterOf(entry, viewer),
  millis(entry.addedAtMillis),
  entry.borrowCount,
  leasesOf(entry).map((lease) => leaseRow(lease, viewer)),
  entry.status === "Dormant" ? millis(entry.wakesAtMillis) : 0,
  entry.condemned || entry.retired ? 1 : 0,
  viewer.describe(entry)
]

/** What a walk over the objects has found. */
export interface Found {
  readonly entries: ReadonlyArray<AnyEntry>
  readonly lent: ReadonlyArray<AnyEntry>
  readonly overdue: ReadonlyArray<AnyLease>
}

/** One walk over the objects, no longer than `visible`. */
export const look = (core: Core<never, never>, overdue: Viewer["overdue"]): Found => {
  const entries: Array<AnyEntry> = []
  const lent: Array<AnyEntry> = []
  const late: Array<AnyLease> = []
  for (const entry of core.registry.entries) {
    if (entries.length === visible) break
    entries.push(entry)
    if (entry.lease === undefined) continue
    lent.push(entry)
    for (const lease of leasesOf(entry)) if (overdue(lease)) late.push(lease)
  }
  return { entries, lent, overdue: late }
}

export const picture = (
  core: Core<never, never>,
  id: number,
  found: Found,
  viewer: Viewer,
  sinceEpoch: number
): PoolPicture => ({
  id,
  name: core.options.name,
  life: core.life._tag,
  suspended: core.suspended,
  sharing: core.options.sharing,
  makes: core.creator !== undefined,
  detects: core.detector !== undefined,
  stats: stats(core),
  overdue: found.overdue.length,
  objects: objects(core, found, viewer),
  waiters: waiters(core, waitersShown).map((waiter) => waiterRow(core, waiter, sinceEpoch))
})

const objects = (core: Core<never, never>, { entries, lent }: Found, viewer: Viewer): PoolPicture["objects"] => {
  const beyond = core.registry.size - entries.length
  if (entries.length <= detailed) return { rows: entries.map((entry) => objectRow(entry, viewer)), beyond }
  const runs: Array<number> = []
  let text = ""
  for (const { id } of entries) {
    if (runs.length > 0 && id === runs[runs.length - 2]! + runs[runs.length - 1]!) runs[runs.length - 1]!++
    else runs.push(id, 1)
  }
  for (const entry of entries) text += letterOf(entry, viewer)
  const rows = [...lent]
    .sort((a, b) => a.lease!.borrowedAtMillis - b.lease!.borrowedAtMillis)
    .slice(0, exemplary)
    .map((entry) => objectRow(entry, viewer))
  return { cells: { runs, letters: text }, rows, beyond }
}

/** Those at the head of the queue. */
export const waiters = (core: Core<never, never>, most: number): Array<Waiter<never, never>> => {
  const found: Array<Waiter<never, never>> = []
  for (let waiter = core.waiters.first; waiter !== undefined && found.length < most;) {
    found.push(waiter)
    waiter = core.waiters.after(waiter)
  }
  return found
}

const waiterRow = (core: Core<never, never>, waiter: Waiter<never, never>, sinceEpoch: number): WaiterRow => [
  waiter.fiberId,
  millis(waiter.since + sinceEpoch),
  waiter.due === Infinity ? 0 : millis(waiter.due + sinceEpoch),
  // JSON has no infinity
  Number.isFinite(waiter.request.priority) ? waiter.request.priority : Math.sign(waiter.request.priority) * 1e9,
  doing(core, waiter)
]

const doing = (core: Core<never, never>, waiter: Waiter<never, never>): WaiterRow[4] => {
  if (waiter.creation !== undefined) return waiter.creation.phase
  if (waiter.detection !== undefined) return "Detecting"
  if (waiter.choosing) return "Choosing"
  if (core.suspended) return "Suspended"
  return waiter.trouble !== undefined && waiter.trouble.backsOffUntil > core.deadlines.now() ? "BackingOff" : "Waiting"
}
