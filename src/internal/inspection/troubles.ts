/** What is wrong with a pool, in plain words. */
import type { Core } from "../core.ts"
import type { ActiveLease } from "../lease.ts"
import type { Trouble } from "./frame.ts"
import type { Record } from "./record.ts"
import { type Found, waiters } from "./snapshot.ts"
import { clockTime, plural, short, span } from "./words.ts"

/** How many waiters are asked how long they wait already. */
const asked = 1000

type Said = Omit<Trouble, "pool" | "name">

/** Each looks at one thing that may be wrong. */
type Check = (record: Record, found: Found, now: number) => Said | undefined

const overdue: Check = ({ core, warnings }, { overdue }, now) => {
  if (overdue.length === 0) return undefined
  const oldest = overdue.reduce((a, b) => b.borrowedAtMillis < a.borrowedAtMillis ? b : a)
  const many = `${overdue.length} of ${plural(core.leases, "lease")} ${overdue.length === 1 ? "is" : "are"} overdue`
  const age = span(now - oldest.borrowedAtMillis)
  return {
    kind: "overdue",
    severity: "bad",
    text: `${many}, ${overdue.length === 1 ? `lent for ${age}` : `oldest ${age}`}, ${
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
    warning?.borrower ?? `fiber #${lease.owner}`
  } (object ${lease.entry.id})`

const factory: Check = ({ core, failure, failures }) => {
  if (failures === 0) return undefined
  const times = failures === 1 ? "has failed" : `has failed ${failures} times in a row`
  return {
    kind: "factory",
    severity: core.registry.size === 0 || failures > 2 ? "bad" : "warning",
    text: `the factory ${times}${failure === undefined ? "" : `: ${failure}`}`
  }
}

const selfWaiting: Check = ({ core }, { lent }) => {
  if (core.waiters.size === 0 || core.registry.counts.Available > 0) return undefined
  const holders = new Map<number, number>()
  for (const { lease, others } of lent) {
    for (const { owner } of [lease!, ...others ?? []]) holders.set(owner, (holders.get(owner) ?? 0) + 1)
  }
  const self = waiters(core, asked).find((waiter) => holders.has(waiter.fiberId))
  if (self === undefined) return undefined
  return {
    kind: "selfWaiting",
    severity: "warning",
    text: `fiber #${self.fiberId} waits for an object while it holds ${plural(holders.get(self.fiberId)!, "object")} ` +
      `of this pool itself: it may be waiting for itself`
  }
}

const unserved: Check = ({ core }) => {
  if (core.suspended) {
    const { size } = core.waiters
    return {
      kind: "suspended",
      severity: size > 0 ? "warning" : "note",
      text: `suspended: nothing is lent${
        size > 0 ? `, and ${plural(size, "fiber")} ${size === 1 ? "waits" : "wait"}` : ""
      }`
    }
  }
  const { size } = core.waiters
  if (size === 0 || core.registry.size > 0 || core.creator !== undefined) return undefined
  return {
    kind: "empty",
    severity: "bad",
    text: `${plural(size, "fiber")} ${
      size === 1 ? "waits" : "wait"
    }, but there is no object, and nothing that makes one`
  }
}

const queue: Check = ({ core }) => {
  const now = core.deadlines.now()
  let longest = 0
  for (const { since } of waiters(core, asked)) longest = Math.max(longest, now - since)
  if (longest < 1000) return undefined
  const { size } = core.waiters
  return {
    kind: "queue",
    severity: longest > 5000 ? "bad" : "warning",
    text: `${plural(size, "fiber")} ${size === 1 ? "waits" : "wait"}, the longest for ${span(longest)}; ${why(core)}`
  }
}

const why = (core: Core<never, never>): string => {
  const { counts, size } = core.registry
  if (size === 0) return "there is no object"
  const parts: Array<string> = []
  const say = (n: number, what: string) => n > 0 && parts.push(`${n} ${what}`)
  say(counts.Borrowed, "borrowed")
  say(counts.Dormant, "resting")
  say(counts.Unknown, "unknown")
  say(counts.Pending, "being checked")
  say(counts.Available, "available")
  return `of ${plural(size, "object")}, ${parts.join(", ") || "none is usable"}`
}

const timeouts: Check = ({ minute }) =>
  minute.timeouts === 0 ? undefined : {
    kind: "timeouts",
    severity: "bad",
    text: `${plural(minute.timeouts, "borrow")} timed out in the last minute`
  }

const refusals: Check = ({ minute }) =>
  minute.refusals === 0 ? undefined : {
    kind: "refusals",
    severity: "warning",
    text: `${plural(minute.refusals, "borrow")} ${minute.refusals === 1 ? "was" : "were"} refused in the last minute`
  }

const unknown: Check = ({ core, detectionFailure }) => {
  const { counts, size } = core.registry
  if (counts.Unknown === 0) return undefined
  return {
    kind: "unknown",
    severity: counts.Unknown === size ? "bad" : "warning",
    text: `the detector cannot say how ${counts.Unknown} of ${plural(size, "object")} ${
      counts.Unknown === 1 ? "is" : "are"
    }${detectionFailure === undefined ? "" : `: ${detectionFailure}`}`
  }
}

const resting: Check = ({ core }, { entries }, now) => {
  const { counts, size } = core.registry
  if (size === 0 || counts.Dormant < size) return undefined
  const wakes = Math.min(...entries.map((entry) => entry.wakesAtMillis ?? Infinity))
  return {
    kind: "resting",
    severity: "warning",
    text: `${size === 1 ? "the only object rests" : `all ${size} objects rest`}, ${
      wakes < 8.64e15 ? `the first wakes in ${span(wakes - now)}` : "for ever"
    }`
  }
}

const destroying: Check = ({ minute }) =>
  minute.destroyFailures === 0 ? undefined : {
    kind: "destroying",
    severity: "warning",
    text: `${plural(minute.destroyFailures, "object")} could not be destroyed in the last minute`
  }

const closing: Check = ({ core }) =>
  core.life._tag !== "Closing" ? undefined : {
    kind: "closing",
    severity: "note",
    text: `closing, ${plural(core.leases, "lease")} to come back`
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

export const troubles = (record: Record, found: Found, now: number): ReadonlyArray<Trouble> =>
  checks.flatMap((check) => {
    const said = check(record, found, now)
    return said === undefined ? [] : [{ pool: record.id, name: record.core.options.name, ...said }]
  })

const weight = { bad: 0, warning: 1, note: 2 }

/** The worst first; among equals the order of the pools. */
export const worstFirst = (all: ReadonlyArray<Trouble>): ReadonlyArray<Trouble> =>
  [...all].sort((a, b) => weight[a.severity] - weight[b.severity])
