/** What is wrong with a pool, in plain words. */
import type { PoolStats } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import { called, promised } from "../state/borrower.ts"
import type { Core } from "../state/core.ts"
import { firstWaiters, parts } from "../state/whole.ts"
import { type Trouble, troublesShown } from "./frame.ts"
import type { Record } from "./record.ts"
import { type Found, type Viewer, visitLeases } from "./snapshot.ts"
import { clockTime, nameOfPool, plural, short, span } from "./words.ts"

/** How many waiters are asked how long they wait already. */
const asked = 1000

type Said = Omit<Trouble, "pool" | "name">

/** Each looks at one thing that may be wrong. */
type Check = (
  core: Core<never, never>,
  record: Record,
  found: Found,
  now: number,
  viewer: Pick<Viewer, "describeKey">
) => Said | undefined

const overdue: Check = (_, { warnings }, { leases, oldest, overdue, stats }, now) => {
  if (oldest === undefined) return undefined
  // of more leases than are looked at
  const least = leases < stats.leases ? "at least " : ""
  const many = `${least}${overdue} of ${plural(stats.leases, "lease")} ${overdue === 1 ? "is" : "are"} overdue`
  const age = span(now - oldest.borrowedAtMillis)
  return {
    kind: "overdue",
    severity: "bad",
    text: `${many}, ${overdue === 1 ? `lent for ${age}` : `oldest ${age}`}, ${
      borrowed(oldest, warnings.get(oldest.id))
    }`
  }
}

/** Where it was borrowed, if the pool has said that; else when. */
const borrowed = (
  lease: ActiveLease<never, never>,
  warning: { readonly borrower: string; readonly site?: string } | undefined
): string =>
  `borrowed at ${short(warning?.site ?? clockTime(lease.borrowedAtMillis))} by ${
    short(warning?.borrower ?? called(lease.owner))
  } (object ${lease.entry.id})`

const factory: Check = (core, { failure, failures }, { stats }, _, viewer) => {
  const ofKeys = core.many && factories(core, failure, stats.size, viewer)
  if (ofKeys !== undefined) return ofKeys
  if (failures === 0) return undefined
  const times = failures === 1 ? "has failed" : `has failed ${failures} times in a row`
  return {
    kind: "factory",
    severity: stats.size === 0 || failures > 2 ? "bad" : "warning",
    text: `the factory ${times}${failure === undefined ? "" : `: ${failure}`}`
  }
}

/** Of many keys what fails for one is no affair of the others. */
const factories = (
  core: Core<never, never>,
  failure: string | undefined,
  objects: number,
  { describeKey }: Pick<Viewer, "describeKey">
): Said | undefined => {
  const failing: Array<string> = []
  let more = 0
  for (const { place, retry } of parts(core)) {
    if (place === undefined || !retry.failing) continue
    if (failing.length === 3) more++
    else failing.push(describeKey(place.key, place.number))
  }
  if (failing.length === 0) return undefined
  const named = `${failing.join(", ")}${more > 0 ? ` and ${plural(more, "key")} more` : ""}`
  return {
    kind: "factory",
    severity: objects === 0 ? "bad" : "warning",
    text: `the factory has failed for ${named}${failure === undefined ? "" : `: ${failure}`}`
  }
}

const selfWaiting: Check = (core, _, { leases, lent, stats }) => {
  if (stats.waiting === 0 || stats.available > 0) return undefined
  const holds = new Map(firstWaiters(core, asked).map(({ owner }) => [owner, 0]))
  // of those who await promises, or are of another process, none is known to be the same as another
  for (const owner of holds.keys()) if (owner <= promised.id) holds.delete(owner)
  let left = leases
  for (const entry of lent) {
    visitLeases(entry, ({ owner }) => {
      const held = holds.get(owner)
      if (held !== undefined) holds.set(owner, held + 1)
      return --left > 0
    })
    if (left <= 0) break
  }
  const self = [...holds].find(([, held]) => held > 0)
  if (self === undefined) return undefined
  return {
    kind: "selfWaiting",
    severity: "warning",
    text: `${called(self[0])} waits for an object while it holds ${plural(self[1], "object")} ` +
      `of this pool itself: it may be waiting for itself`
  }
}

const unserved: Check = (core, _, { stats }) => {
  const size = stats.waiting
  if (core.suspended) {
    return {
      kind: "suspended",
      severity: size > 0 ? "warning" : "note",
      text: `suspended: nothing is lent${
        size > 0 ? `, and ${plural(size, "fiber")} ${size === 1 ? "waits" : "wait"}` : ""
      }`
    }
  }
  if (size === 0 || stats.size > 0 || core.creator !== undefined) return undefined
  return {
    kind: "empty",
    severity: "bad",
    text: `${plural(size, "fiber")} ${
      size === 1 ? "waits" : "wait"
    }, but there is no object, and nothing that makes one`
  }
}

const queue: Check = (core, _, { stats }, __, { describeKey }) => {
  const [first] = firstWaiters(core, asked).sort((one, other) => one.since - other.since)
  if (first === undefined) return undefined
  const longest = core.deadlines.now() - first.since
  if (longest < 1000) return undefined
  const size = stats.waiting
  const { place } = first.core
  const key = place === undefined ? "" : `, for ${describeKey(place.key, place.number)}`
  return {
    kind: "queue",
    severity: longest > 5000 ? "bad" : "warning",
    text: `${plural(size, "fiber")} ${size === 1 ? "waits" : "wait"}, the longest for ${span(longest)}${key}; ${
      why(stats)
    }`
  }
}

const why = ({ available, borrowed, dormant, pending, size, unknown }: PoolStats): string => {
  if (size === 0) return "there is no object"
  const parts: Array<string> = []
  const say = (n: number, what: string) => n > 0 && parts.push(`${n} ${what}`)
  say(borrowed, "borrowed")
  say(dormant, "resting")
  say(unknown, "unknown")
  say(pending, "being checked")
  say(available, "available")
  return `of ${plural(size, "object")}, ${parts.join(", ") || "none is usable"}`
}

const timeouts: Check = (_, { minute }) =>
  minute.timeouts === 0 ? undefined : {
    kind: "timeouts",
    severity: "bad",
    text: `${plural(minute.timeouts, "borrow")} timed out in the last minute`
  }

const reasons = {
  Overloaded: "more come than can be served",
  Resting: "all rest for too long",
  CostTooHigh: "the cost is above every limit",
  WaitersFull: "too many wait",
  Suspended: "the pool is suspended",
  NoneAvailable: "nothing is there to be lent"
} as const

const refusals: Check = (_, { minute }) => {
  const all = Object.entries(reasons).map(([reason, text]) => ({
    n: minute.refusals[reason as keyof typeof reasons],
    text
  }))
    .filter(({ n }) => n > 0)
  const sum = all.reduce((sum, { n }) => sum + n, 0)
  if (sum === 0) return undefined
  const why = all.length === 1 ? all[0]!.text : all.map(({ n, text }) => `${n} since ${text}`).join(", ")
  return {
    kind: "refusals",
    severity: "warning",
    text: `${plural(sum, "borrow")} ${sum === 1 ? "was" : "were"} refused in the last minute: ${why}`
  }
}

const unknown: Check = (_, { detectionFailure }, { stats: { size, unknown } }) => {
  if (unknown === 0) return undefined
  return {
    kind: "unknown",
    severity: unknown === size ? "bad" : "warning",
    text: `the detector cannot say how ${unknown} of ${plural(size, "object")} ${unknown === 1 ? "is" : "are"}${
      detectionFailure === undefined ? "" : `: ${detectionFailure}`
    }`
  }
}

const resting: Check = (_, __, { back, stats: { dormant, size } }, now) => {
  if (size === 0 || dormant + back.benched < size) return undefined
  const [first] = back.rows
  return {
    kind: "resting",
    severity: "warning",
    text: `${size === 1 ? "the only object rests" : `all ${size} objects rest`}, ${
      first === undefined ? "for ever" : `the first wakes in ${span(first[1] - now)} (${first[2]})`
    }`
  }
}

const destroying: Check = (_, { minute }) =>
  minute.destroyFailures === 0 ? undefined : {
    kind: "destroying",
    severity: "warning",
    text: `${plural(minute.destroyFailures, "object")} could not be destroyed in the last minute`
  }

const closing: Check = (core, _, { stats }) =>
  core.life._tag !== "Closing" ? undefined : {
    kind: "closing",
    severity: "note",
    text: `closing, ${plural(stats.leases, "lease")} to come back`
  }

const checks = [
  overdue,
  factory,
  unserved,
  selfWaiting,
  timeouts,
  queue,
  unknown,
  resting,
  refusals,
  destroying,
  closing
]

export const troubles = (
  core: Core<never, never>,
  record: Record,
  found: Found,
  now: number,
  viewer: Pick<Viewer, "describeKey">
): ReadonlyArray<Trouble> => {
  const about = { pool: record.id, name: nameOfPool(core) }
  return checks.flatMap((check) => {
    const said = check(core, record, found, now, viewer)
    return said === undefined ? [] : [{ ...about, ...said }]
  })
}

/** A pool that cannot be looked at: it says so in a line of its own, and the others are seen. */
export const unreadable = (core: Core<never, never>, id: number, failure: string): Trouble => ({
  pool: id,
  name: nameOfPool(core),
  kind: "unreadable",
  severity: "bad",
  text: `cannot be shown: ${failure}`
})

const weight = { bad: 0, warning: 1, note: 2 }

/** The worst first; among equals the order of the pools. */
export const worstFirst = (all: ReadonlyArray<Trouble>): ReadonlyArray<Trouble> => {
  const sorted = [...all].sort((a, b) => weight[a.severity] - weight[b.severity])
  if (sorted.length <= troublesShown) return sorted
  const rest = sorted.splice(troublesShown)
  const text = `${plural(rest.length, "other thing")} ${rest.length === 1 ? "is" : "are"} wrong as well`
  return [...sorted, { pool: 0, name: "", kind: "more", severity: rest[0]!.severity, text }]
}
