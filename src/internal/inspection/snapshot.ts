/** How a pool looks at an instant, as plain data. Nothing of an object is in it but what `describe` has said. */
import type { PoolStats } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import { processOf } from "../state/borrower.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import type { Waiter } from "../state/waiters.ts"
import { entriesOf, firstWaiters, wholeStats } from "../state/whole.ts"
import {
  type BorrowerRow,
  borrowersShown,
  detailed,
  exemplary,
  type LeaseRow,
  leasesShown,
  type Letter,
  type ObjectRow,
  pictured,
  type PoolPicture,
  visible,
  visibleInAll,
  type WaiterRow,
  waitersShown
} from "./frame.ts"
import { keysOf } from "./keys.ts"
import { Back, limitsOf, millis, Sums } from "./limits.ts"
import { nameOfPool, short } from "./words.ts"

type AnyCore = Core<never, never>
type AnyEntry = Entry<never, never>
type AnyLease = ActiveLease<never, never>

/** How much of one pool is looked at and sent: the part that it has of what all pools have. */
export interface Room {
  readonly characters: number
  readonly rows: number
  readonly visible: number
  readonly waiters: number
}

export const roomOf = (pools: number): Room => {
  const part = (whole: number) => Math.floor(whole / Math.max(1, pools))
  const characters = part(pictured)
  return {
    characters,
    // a row is seldom shorter than 50 characters, and seldom much longer
    rows: Math.min(detailed, Math.floor(characters / 100)),
    visible: Math.min(visible, part(visibleInAll)),
    waiters: Math.min(waitersShown, Math.floor(characters / 500))
  }
}

/** When a lease is overdue, what is said of an object, and how far the wall clock is ahead of the monotonic one. */
export interface Viewer {
  readonly sinceEpoch: number
  readonly overdue: (lease: AnyLease) => boolean
  readonly describe: (entry: AnyEntry) => string
  /** What a key is called. */
  readonly describeKey: (key: unknown, number: number) => string
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

/** The open leases of an object, the first of them first, as long as `look` wants more: one object may have many. */
export const visitLeases = ({ lease, others }: AnyEntry, look: (lease: AnyLease) => boolean): void => {
  if (lease === undefined || !look(lease) || others === undefined) return
  for (const other of others) if (!look(other)) return
}

const letters = { Pending: "P", Available: "A", Borrowed: "B", Dormant: "D", Unknown: "U", Invalid: "I" } as const

const leaseRow = (lease: AnyLease, viewer: Viewer): LeaseRow => [
  lease.id,
  processOf(lease.owner) ?? lease.owner,
  millis(lease.borrowedAtMillis),
  millis(lease.expiry?.expiresAtMillis),
  viewer.overdue(lease) ? 1 : 0
]

const objectRow = (entry: AnyEntry, letter: Letter, viewer: Viewer): ObjectRow => {
  const leases: Array<LeaseRow> = []
  visitLeases(entry, (lease) => leases.push(leaseRow(lease, viewer)) < leasesShown)
  const limits = limitsOf(entry, viewer.sinceEpoch)
  const row: ObjectRow = [
    entry.id,
    letter,
    millis(entry.addedAtMillis),
    entry.borrowCount,
    leases,
    millis(entry.wakesAtMillis),
    entry.condemned || entry.retired ? 1 : 0,
    viewer.describe(entry),
    entry.open - leases.length
  ]
  return limits === undefined ? row : [...row, limits] as unknown as ObjectRow
}

/** One object, with all that there is to say of it. */
export const rowOf = (entry: AnyEntry, viewer: Viewer): ObjectRow =>
  objectRow(entry, lookAt(entry, viewer, visible), viewer)

const lookAt = (entry: AnyEntry, viewer: Viewer, most: number): Letter => {
  let overdue = false
  let seen = 0
  visitLeases(entry, (lease) => {
    overdue ||= viewer.overdue(lease)
    return !overdue && ++seen < most
  })
  return overdue ? "O" : letters[entry.status]
}

/** What a walk over the objects has found. */
export interface Found {
  readonly stats: PoolStats
  readonly entries: ReadonlyArray<AnyEntry>
  /** One for each entry. */
  readonly letters: string
  readonly lent: ReadonlyArray<AnyEntry>
  /** How many leases are overdue, and which of them is the oldest. */
  readonly overdue: number
  readonly oldest: AnyLease | undefined
  /** Of how many leases that is known. */
  readonly leases: number
  readonly sums: Sums
  readonly back: Back
}

/** One walk over the objects and their leases, over no more of either than `most`. */
export const look = (core: AnyCore, viewer: Viewer, most: number): Found => {
  const entries: Array<AnyEntry> = []
  const lent: Array<AnyEntry> = []
  let text = ""
  let overdue = 0
  let oldest: AnyLease | undefined
  let leases = 0
  let late = false
  const sums = new Sums()
  const back = new Back()
  const visit = (lease: AnyLease): boolean => {
    if (leases === most) return false
    leases++
    if (!viewer.overdue(lease)) return true
    late = true
    overdue++
    if (oldest === undefined || lease.borrowedAtMillis < oldest.borrowedAtMillis) oldest = lease
    return true
  }
  for (const entry of entriesOf(core)) {
    if (entries.length === most) break
    entries.push(entry)
  }
  // an object stays in its place, whatever becomes of the others of its key
  if (core.many !== undefined) entries.sort((one, other) => one.id - other.id)
  for (const entry of entries) {
    if (entry.allowances !== undefined && entry.status !== "Invalid") sums.add(entry.allowances)
    if (entry.rest !== undefined) back.add(entry)
    if (entry.lease !== undefined) {
      lent.push(entry)
      late = false
      visitLeases(entry, visit)
      text += late ? "O" : letters[entry.status]
    } else text += letters[entry.status]
  }
  return { stats: wholeStats(core), entries, letters: text, lent, overdue, oldest, leases, sums, back }
}

/** As much of a pool as there is room for, as JSON. */
export const picture = (
  core: AnyCore,
  id: number,
  found: Found,
  viewer: Viewer,
  room: Room
): string => {
  const whole = {
    id,
    name: nameOfPool(core),
    life: core.life._tag,
    suspended: core.suspended,
    sharing: core.options.sharing,
    makes: core.creator !== undefined,
    detects: core.detector !== undefined,
    stats: found.stats,
    overdue: found.overdue,
    waiters: firstWaiters(core, room.waiters).map((waiter) => waiterRow(waiter, viewer)),
    ...core.many !== undefined && { keys: keysOf(core.many, viewer) },
    limited: core.options.allowance !== undefined,
    allowances: found.sums.rows,
    moreAllowances: found.sums.more,
    back: found.back.rows,
    ...borrowers(core, viewer)
  }
  let { rows, visible } = room
  while (true) {
    const text = JSON.stringify(
      { ...whole, objects: objects(found, viewer, rows, visible) } satisfies PoolPicture
    )
    if (text.length <= room.characters || visible === 0) return text
    // descriptions and ids may be of any length: less is tried until it fits
    if (rows > 0) rows >>= 2
    else visible >>= 2
  }
}

/** The processes that borrow: those with most leases first, then those that have come first. */
const borrowers = ({ remote }: AnyCore, { sinceEpoch }: Viewer): Pick<PoolPicture, "borrowers" | "moreBorrowers"> => {
  if (remote === undefined) return {}
  const all = [...remote.borrowers()].sort((a, b) => b.leases - a.leases || a.since - b.since)
  return {
    borrowers: all.slice(0, borrowersShown).map(({ called, leases, since, waiting }): BorrowerRow => [
      short(called),
      leases,
      waiting,
      millis(since + sinceEpoch)
    ]),
    moreBorrowers: Math.max(0, all.length - borrowersShown)
  }
}

const objects = (
  found: Found,
  viewer: Viewer,
  rows: number,
  visible: number
): PoolPicture["objects"] => {
  const entries = found.entries.length > visible ? found.entries.slice(0, visible) : found.entries
  const beyond = found.stats.size - entries.length
  if (entries.length <= rows) {
    return { rows: entries.map((entry, i) => objectRow(entry, found.letters[i] as Letter, viewer)), beyond }
  }
  const runs: Array<number> = []
  for (const { id } of entries) {
    if (runs.length > 0 && id === runs[runs.length - 2]! + runs[runs.length - 1]!) runs[runs.length - 1]!++
    else runs.push(id, 1)
  }
  return {
    cells: { runs, letters: found.letters.slice(0, entries.length) },
    rows: longestHeld(found.lent, Math.min(exemplary, rows)).map((entry) =>
      objectRow(entry, lookAt(entry, viewer, leasesShown), viewer)
    ),
    beyond
  }
}

/** The first of them in the order of their oldest leases: to sort all of them would take several times as long. */
const longestHeld = (lent: ReadonlyArray<AnyEntry>, most: number): ReadonlyArray<AnyEntry> => {
  const first: Array<AnyEntry> = []
  const since = ({ lease }: AnyEntry): number => lease!.borrowedAtMillis
  for (const entry of lent) {
    if (first.length === most && (most === 0 || since(entry) >= since(first[most - 1]!))) continue
    let at = first.length
    while (at > 0 && since(first[at - 1]!) > since(entry)) at--
    first.splice(at, 0, entry)
    if (first.length > most) first.pop()
  }
  return first
}

const waiterRow = (waiter: Waiter<never, never>, { describeKey, sinceEpoch }: Viewer): WaiterRow => {
  const { core } = waiter
  const row = [
    processOf(waiter.owner) ?? waiter.owner,
    millis(waiter.since + sinceEpoch),
    waiter.due === Infinity ? 0 : millis(waiter.due + sinceEpoch),
    // JSON has no infinity
    Number.isFinite(waiter.request.priority) ? waiter.request.priority : Math.sign(waiter.request.priority) * 1e9,
    doing(waiter)
  ] as const
  return core.place === undefined ? row : [...row, describeKey(core.place.key, core.place.number)]
}

const doing = (waiter: Waiter<never, never>): WaiterRow[4] => {
  const { core } = waiter
  if (waiter.creation !== undefined) return waiter.creation.phase
  if (waiter.detection !== undefined) return "Detecting"
  if (waiter.choosing) return "Choosing"
  if (core.suspended) return "Suspended"
  return waiter.trouble !== undefined && waiter.trouble.backsOffUntil > core.deadlines.now() ? "BackingOff" : "Waiting"
}
