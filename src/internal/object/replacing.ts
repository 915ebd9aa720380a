/**
 * The limits of a made object, and what has to go to make room for another: by age, by idle time, by number of borrows, by
 * `rotate`, by `resize`. Added objects have no limits.
 */
import { type Core, population, soon, stays } from "../state/core.ts"
import type { Entry, Eviction, Limits } from "../state/entry.ts"
import { leaving } from "../state/notes.ts"
import * as Deadlines from "../structures/deadlines.ts"
import type { Queue } from "../structures/queue.ts"
import { Slice } from "../structures/slice.ts"
import { discard, evict, marked } from "./leaving.ts"

/** Must an object leave, now that it is free? */
export const leaves = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  entry.condemned || (core.crowded && entry.scope !== undefined && excess(core) > 0) || !stays(core)

/** A free object that must leave leaves now. */
export const dismiss = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void =>
  evict(core, entry, stays(core) ? "Resized" : "Closed")

/**
 * Draws the limits of a made object: each shortened by the same factor from (1 - jitter, 1].
 *
 * In a pool that keeps a minimum they are upkeep, which goes on without end. Else they end with the objects: a pool that is
 * dropped without being closed stays until its objects have been destroyed.
 */
export const drawLimits = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { idleTimeToLive, jitter, maxBorrows, timeToLive } = core.options.lifetime
  if (timeToLive === Infinity && idleTimeToLive === Infinity && maxBorrows === Infinity) return
  const factor = 1 - jitter * core.random.nextDoubleUnsafe()
  const now = core.deadlines.now()
  const limits: Limits = {
    mostBorrows: Math.max(1, Math.ceil(maxBorrows * factor)),
    aging: undefined,
    idling: undefined,
    idleSince: now
  }
  entry.limits = limits
  if (timeToLive !== Infinity) {
    limits.aging = Deadlines.make(() => retire(core, [entry], "TimeToLive"), keeps(core))
    core.deadlines.set(limits.aging, now + timeToLive * factor)
  }
  if (idleTimeToLive !== Infinity) {
    const drawLimits = idleTimeToLive * factor
    const idling = Deadlines.make(() => idled(core, entry, limits, idling, drawLimits), keeps(core))
    limits.idling = idling
    core.deadlines.set(idling, now + drawLimits)
  }
}

/** Does the pool keep objects that nobody has asked for? */
const keeps = <A, D>({ size: { min, spare } }: Core<A, D>): boolean => min > 0 || spare > 0

/** May one of the idle objects go, where some are to be ready? */
const isSpared = <A, D>({ registry: { counts }, size: { spare } }: Core<A, D>): boolean =>
  spare === 0 || counts.Available > spare

/** The idle limit of an object may have passed: one deadline serves, however often the object was lent meanwhile. */
const idled = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  { idleSince }: Limits,
  idling: Deadlines.Deadline,
  limit: number
): void => {
  const now = core.deadlines.now()
  idling.upkeep = keeps(core)
  // `Pending`: a hook or a detection runs, perhaps for a borrower
  const busy = entry.status === "Borrowed" || entry.status === "Pending" || entry.keeper !== undefined
  if (busy || idleSince + limit > now) return core.deadlines.set(idling, busy ? now + limit : idleSince + limit)
  if (staying(core) > core.size.min && (entry.status !== "Available" || isSpared(core))) discard(core, entry, "Idle")
  // an object of the minimum, or a spare one, stays, idle or not; later there may be more of them
  else core.deadlines.set(idling, now + limit)
}

/**
 * The time of an object that is about to be lent may be over, though its deadlines have not had their turn: then it goes
 * now, where the pool can do without it.
 */
export const heed = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { limits } = entry
  if (limits?.aging !== undefined) core.deadlines.hasten(limits.aging)
  if (limits?.idling !== undefined) core.deadlines.hasten(limits.idling)
  if (entry.retired && entry.status === "Available" && spares(core, remaining(core))) discard(core, entry, entry.why!)
}

/** How many objects there are that are not to leave. */
const staying = <A, D>({ registry }: Core<A, D>): number => registry.size - registry.counts.Invalid - registry.going

/**
 * The time of these objects is over: each leaves when another has taken its place, where there is room for one; a lent
 * one at its return.
 */
export const retire = <A, D>(core: Core<A, D>, entries: ReadonlyArray<Entry<A, D>>, why: Eviction): void => {
  for (const entry of entries) {
    if (entry.retired || entry.status === "Invalid") continue
    entry.why ??= why
    core.registry.retire(entry)
    marked(core, entry)
  }
  leaving(core)
}

/** Lets one old object go, where that costs no object of the minimum. `false`: there is none. */
export const replace = <A, D>(core: Core<A, D>): boolean => {
  const entry = core.registry.retired === 0 ? undefined : superfluous(core)
  if (entry === undefined) return false
  discard(core, entry, entry.why!)
  return true
}

/** The first old object that the pool can do without now. */
const superfluous = <A, D>(core: Core<A, D>): Entry<A, D> | undefined => {
  const { retiredFree, retiredPending } = core.registry
  const staying = remaining(core)
  const free = spares(core, staying) ? retiredFree.first : undefined
  // an old object that is being detected is not counted in `staying`: that it leaves takes nothing from those
  const pending = spares(core, staying + 1) ? detecting(retiredPending) : undefined
  return free === undefined || (pending !== undefined && pending.id < free.id) ? pending : free
}

/** How many objects there would be if nothing more came of those that are being detected, or are in a hook. */
const remaining = <A, D>({ registry: { condemnedLent, counts } }: Core<A, D>): number =>
  counts.Available + counts.Borrowed + counts.Dormant + counts.Unknown - condemnedLent

/** May one of `staying` objects go? */
const spares = <A, D>(core: Core<A, D>, staying: number): boolean => {
  if (staying > core.size.min && isSpared(core)) return true
  // without room for a successor an old object goes first, one at a time: unless a successor is being made
  const spare = excess(core)
  return staying >= core.size.min && spare >= 0 && staying >= core.size.max + spare
}

/** The first old object being detected. One whose hook runs is as good as lent: it is queued again when it moves. */
const detecting = <A, D>(pending: Queue<Entry<A, D>>): Entry<A, D> | undefined => {
  while (pending.first?.hook !== undefined) pending.take()
  return pending.first
}

/** How many objects there are more than `size.max`, since `resize`; those that are leaving do not count. */
const excess = <A, D>(core: Core<A, D>): number =>
  Math.max(
    population(core) - core.registry.counts.Invalid - core.registry.condemned - core.size.max,
    core.place === undefined ? -Infinity : core.place.room.excess
  )

/** Lets free objects go, the oldest first, until there are no more than `size.max`: a slice of them now, then more. */
export const shrink = <A, D>(core: Core<A, D>): void => {
  core.crowded = excess(core) > 0
  if (core.crowded) letGo(core, free(core).values(), new Slice(core.deadlines))
}

const letGo = <A, D>(core: Core<A, D>, entries: Iterator<Entry<A, D>>, turn: Slice): void => {
  for (let next = entries.next(); next.done !== true && excess(core) > 0; next = entries.next()) {
    // an object that has been lent since leaves when it comes back
    if (isFree(next.value)) discard(core, next.value, "Resized")
    if (turn.over) return soon(core, () => letGo(core, entries, new Slice(core.deadlines)))
  }
}

const isFree = <A, D>({ condemned, detection, status }: Entry<A, D>): boolean =>
  !condemned && status !== "Borrowed" && status !== "Invalid" && (status !== "Pending" || detection !== undefined)

/** Made objects that are idle, then those being detected. One that is prepared, or lent, leaves when it comes back. */
const free = <A, D>(core: Core<A, D>): ReadonlyArray<Entry<A, D>> => {
  const made = [...core.registry.entries].filter((entry) => entry.scope !== undefined && isFree(entry))
  return [...made.filter(({ status }) => status !== "Pending"), ...made.filter(({ status }) => status === "Pending")]
}

/** An object that has just arrived may be one too many, since `resize`: whatever else is free has left before. */
export const fitIn = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (!core.crowded) return
  core.crowded = excess(core) > 0
  if (core.crowded && entry.status !== "Borrowed" && entry.status !== "Pending") discard(core, entry, "Resized")
}
