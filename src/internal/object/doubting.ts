/**
 * Doubt: nobody knows whether an object may be lent. The object is `Unknown` until the detector says, or takes no new
 * leases where it is lent; its own schedule says when the detector is asked again.
 */
import { type Core, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { changed } from "../state/notes.ts"
import { Pace } from "../state/pace.ts"
import { make as makeDeadline } from "../structures/deadlines.ts"
import { detectable, reserve } from "./condition.ts"
import { discard, evict } from "./leaving.ts"
import { rests } from "./resting.ts"

/** Makes an object `Unknown`: it is detected again when its schedule says so, or leaves when the schedule is done. */
export const doubt = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  if (rests(core, entry, true)) return
  core.registry.move(entry, "Unknown")
  changed(core)
  askLater(core, entry, failure)
}

/** As {@link doubt}, for a shared object that is lent: it takes no new leases until the detector knows. */
export const doubtInUse = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  entry.doubted = true
  askLater(core, entry, failure)
}

/** An object that was doubted while it was lent has come back: it is `Unknown`, and its schedule goes on. */
export const staysUnknown = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.doubted = false
  if (entry.status !== "Pending") core.registry.move(entry, "Pending")
  core.registry.move(entry, "Unknown")
  resumeSchedule(core, entry)
  changed(core)
}

/**
 * The detector is asked again about an object when its schedule said so before: not in a pool that closes, which asks
 * nothing any more. There a time that has passed would come again at once, and drop what it begins, without end.
 */
export const resumeSchedule = <A, D>(core: Core<A, D>, { retrying }: Entry<A, D>): void => {
  if (retrying !== undefined && stays(core)) core.deadlines.set(retrying, retrying.due)
}

const askLater = <A, D>(core: Core<A, D>, entry: Entry<A, D>, failure: unknown): void => {
  const pace = entry.pace ??= new Pace(core.options.detection.retry(entry))
  pace.next(core, failure, (delay) => {
    if (entry.pace !== pace) return
    if (delay === undefined && entry.status === "Unknown") return evict(core, entry, "Unknown")
    if (delay === undefined && entry.doubted) return discard(core, entry, "Unknown")
    entry.retrying ??= makeDeadline(() => askAgain(core, entry), true)
    const due = core.deadlines.now() + (delay ?? 0)
    if (entry.status === "Unknown" || entry.doubted) return core.deadlines.set(entry.retrying, due)
    // the time is kept while the object is being detected, in case that is dropped; the deadline before may still wait
    core.deadlines.cancel(entry.retrying)
    entry.retrying.due = due
  })
}

const askAgain = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const inUse = entry.doubted && detectable(core, entry) === "Borrowed"
  if (entry.status !== "Unknown" && !inUse) return
  core.detector!.start(reserve(core, entry, "Unknown", () => {}), false)
}
