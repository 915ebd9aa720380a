/**
 * What goes over the wire to a page or a terminal: plain data, bounded in size whatever the pools hold.
 *
 * Times are wall-clock milliseconds, not ages: what has not changed is then equal to what was sent before, and is not sent
 * again.
 */
import type { PoolStats } from "../../PoolError.ts"

/** Up to so many objects are sent with all there is to say of each; of more, as one letter each. */
export const detailed = 1000
/** How many of a large pool are sent in detail all the same: those that are lent, the oldest lease first. */
export const exemplary = 200
/** How many objects of a pool are looked at; the rest is counted. Of its open leases as many. */
export const visible = 20_000
/** How many objects are looked at in all, where there are many pools: each has its part. */
export const visibleInAll = 100_000
/** How many characters all pools have together, of which each has its part; rows that do not fit are sent as letters. */
export const pictured = 1_000_000
/** How many leases of one object are sent, of those that have been open longest. */
export const leasesShown = 10
export const waitersShown = 100
/** Of a pool of many keys: those for which most wait, and then those that have most. */
export const keysShown = 20
/** How many of the classes of borrowers a terminal shows. */
export const classesShown = 20
/** How many allowances of one object, or of one pool, and how many facets at rest of one object. */
export const allowancesShown = 8
/** How many of the processes that borrow: those with most leases. */
export const borrowersShown = 20
/** How many of those objects that come back first. */
export const backShown = 10
/** How many of the last events are kept of each pool: so many of the everyday ones, and so many of the others. */
export const eventsKept = 200
/** How many seconds the sparklines go back. */
export const history = 300
export const poolsShown = 100
export const troublesShown = 100

/** The status of an object in one letter; `O`: borrowed, and overdue. */
export type Letter = "P" | "A" | "B" | "O" | "D" | "U" | "I"

/** `borrower`: a fiber, by its id; or another process, by its name. */
export type LeaseRow = readonly [
  id: number,
  borrower: number | string,
  borrowedAt: number,
  expiresAt: number,
  overdue: 0 | 1
]

/** `fullAt`: when all of it is there again; 0 where it is. */
export type AllowanceRow = readonly [name: string, left: number, limit: number, fullAt: number]

/** `until`: 0 is for ever. */
export type FacetRow = readonly [name: string, until: number, why: string]

/** What there is to say of an object beside what there is of all: nothing of most. */
export interface Limits {
  /** Why it rests. */
  readonly why?: string | undefined
  /** Failures in a row. */
  readonly failures?: number | undefined
  readonly allowances?: ReadonlyArray<AllowanceRow> | undefined
  /** Those that rest. */
  readonly facets?: ReadonlyArray<FacetRow> | undefined
  /** How many allowances and facets there are beside those. */
  readonly more?: number | undefined
}

/** An allowance of all objects that have it; of `objects` of them `spent` have nothing left. */
export type SumRow = readonly [name: string, left: number, limit: number, objects: number, spent: number]

/** An object that rests, when it is back, and why it rests. */
export type BackRow = readonly [object: number, at: number, why: string]

export type ObjectRow = readonly [
  id: number,
  status: Letter,
  addedAt: number,
  uses: number,
  leases: ReadonlyArray<LeaseRow>,
  /** 0: it does not rest, or for ever. One that is lent takes no new leases until then. */
  wakesAt: number,
  /** It leaves as soon as it is free. */
  leaving: 0 | 1,
  description: string,
  /** How many leases it has beside those in `leases`. */
  more: number,
  limits?: Limits
]

export type WaiterRow = readonly [
  borrower: number | string,
  since: number,
  /** 0: it waits without a deadline. */
  until: number,
  priority: number,
  doing: "Waiting" | "Acquiring" | "Detecting" | "Choosing" | "BackingOff" | "Suspended",
  /** Whose object it waits for, in a pool of many keys. */
  key?: string
]

/** A key that has something, in a pool of many. */
export type KeyRow = readonly [
  key: string,
  objects: number,
  leases: number,
  available: number,
  waiting: number,
  /** Since when the first of those waits; 0: nobody does. */
  since: number,
  /** The last attempt to make an object has failed. */
  failing: 0 | 1
]

/** The keys of a pool of many. */
export interface KeysPicture {
  readonly rows: ReadonlyArray<KeyRow>
  /** What those have together that are awake, and are not in `rows`. */
  readonly rest: { readonly keys: number; readonly objects: number; readonly leases: number; readonly waiting: number }
  /** How many are known that have nothing. */
  readonly asleep: number
}

/** A process that borrows, `since` when it is connected. */
export type BorrowerRow = readonly [name: string, leases: number, waiting: number, since: number]

/** One pool at an instant. */
export interface PoolPicture {
  readonly id: number
  readonly name: string
  readonly life: "Open" | "Closing" | "Closed"
  readonly suspended: boolean
  readonly sharing: number
  /** What could be asked of it. */
  readonly makes: boolean
  readonly detects: boolean
  readonly stats: PoolStats
  /** How many of its leases are overdue. */
  readonly overdue: number
  readonly objects: {
    /** Absent where `rows` are all of them: ids as runs of `start, length`, and a letter for each. */
    readonly cells?: { readonly runs: ReadonlyArray<number>; readonly letters: string }
    readonly rows: ReadonlyArray<ObjectRow>
    /** How many are neither in `cells` nor in `rows`. */
    readonly beyond: number
  }
  readonly waiters: ReadonlyArray<WaiterRow>
  /** Absent where there are no keys. */
  readonly keys?: KeysPicture
  /** Do its objects have allowances? */
  readonly limited: boolean
  readonly allowances: ReadonlyArray<SumRow>
  /** How many allowances there are beside those. */
  readonly moreAllowances: number
  /** Those objects that are back first, the first of them first. */
  readonly back: ReadonlyArray<BackRow>
  /** Absent: no other process can borrow from it. */
  readonly borrowers?: ReadonlyArray<BorrowerRow>
  /** How many processes there are beside those. */
  readonly moreBorrowers?: number
}

/** What has happened in the seconds from `from` on, one number for each second. */
export interface Seconds {
  readonly pool: number
  readonly from: number
  readonly borrows: ReadonlyArray<number>
  /** Milliseconds; -1: nobody borrowed. */
  readonly p50: ReadonlyArray<number>
  readonly p99: ReadonlyArray<number>
  readonly timeouts: ReadonlyArray<number>
  /** Of the last minute. */
  readonly minute: Minute
}

export interface Minute {
  /** How many seconds of it are known. */
  readonly seconds: number
  readonly borrows: number
  readonly p50: number
  readonly p99: number
  readonly timeouts: number
}

export type EventRow = readonly [
  seq: number,
  pool: number,
  at: number,
  tag: string,
  /** 0: none. */
  object: number,
  lease: number,
  text: string
]

/** Something that is wrong, in plain words. */
export interface Trouble {
  readonly pool: number
  readonly name: string
  /** What it is, whatever its numbers are: who listens is told again only when this changes. */
  readonly kind: string
  readonly severity: "bad" | "warning" | "note"
  readonly text: string
}

/** What one client gets at once. */
export interface Frame {
  readonly at: number
  /** Forget what was sent before. */
  readonly full: boolean
  readonly actions: boolean
  /** The pools that there are, in the order in which they were built. */
  readonly pools: ReadonlyArray<number>
  /** How many more there are, that are not shown. */
  readonly more: number
  readonly troubles: ReadonlyArray<Trouble>
  /** Those pools that look otherwise than in the last frame. */
  readonly changed: ReadonlyArray<PoolPicture>
  readonly seconds: ReadonlyArray<Seconds>
  readonly events: ReadonlyArray<EventRow>
}
