/**
 * The return of an object: the end of a lease, the hooks on either side of one, and where the object goes then.
 *
 * Each function is one synchronous step. A function that frees an object ends with `offer`, after the bookkeeping.
 */
import type * as Cause from "effect/Cause"
import type { PooledObject } from "../../PooledObject.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { changed, offer } from "../state/notes.ts"
import { report } from "../watching/log.ts"
import { reserve } from "./condition.ts"
import { staysUnknown } from "./doubting.ts"
import { Hook } from "./hook.ts"
import { evict, marked } from "./leaving.ts"
import { dismiss, leaves } from "./replacing.ts"
import { rests } from "./resting.ts"

/** One of the leases of an object has expired: `onLeaseExpired` says what becomes of the object when it comes back. */
export const decideFate = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.fate = harder(entry.fate, core.options.onLeaseExpired(entry))
  marked(core, entry)
}

type Fate = Entry<unknown, unknown>["fate"]

const harder = (one: Fate, other: Fate): Fate =>
  one === "destroy" || other === "destroy" ? "destroy" : one === "detect" || other === "detect" ? "detect" : "return"

/** Takes the fate of an object from it: it is about to be carried out. */
const fateOf = <A, D>(entry: Entry<A, D>): Fate => {
  const { fate } = entry
  entry.fate = "return"
  return fate
}

/** The last lease of an object is over. Whichever way the object goes, `changed` is called: fewer leases are open. */
export const free = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (!entry.asked) return cameBack(core, entry)
  // an object about which the detector is being asked comes back when that has answered: nothing else is done meanwhile
  core.registry.move(entry, "Pending")
  const { detection } = entry
  const goes = entry.fate === "destroy" || entry.retired || leaves(core, entry)
  if (detection !== undefined && goes) core.detector!.drop(detection)
  changed(core)
}

/** An object has come back, and goes where its last lease sends it: by way of `onRelease` where there is one. */
export const cameBack = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const fate = fateOf(entry)
  entry.benched = false
  if (fate === "destroy") return evict(core, entry, "Expired")
  if (entry.retired || leaves(core, entry)) return dismiss(core, entry)
  if (core.options.onRelease === undefined) return settle(core, entry, fate)
  tidy(core, entry, core.options.onRelease, fate)
  changed(core)
}

/** Runs `onRelease` for an object, which goes on where its last lease sends it if that succeeds. */
const tidy = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  onRelease: (pooled: PooledObject<A, D>) => unknown,
  fate: Fate
): void => {
  if (entry.status !== "Pending") core.registry.move(entry, "Pending")
  const hook = new Hook(core, entry, (failure) => {
    if (failure !== undefined) return hookFailed(core, entry, failure)
    if (entry.status !== "Pending") return
    // the object's time may have ended while the hook ran
    if (entry.retired || leaves(core, entry)) return dismiss(core, entry)
    settle(core, entry, harder(fate, fateOf(entry)))
  })
  hook.run(onRelease)
}

/** `onBorrow` has ended well: the object may be lent. `false`: it is leaving. */
export const prepared = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean => {
  if (entry.status !== "Pending") return false
  if (leaves(core, entry)) {
    dismiss(core, entry)
    return false
  }
  core.registry.move(entry, "Available")
  entry.prepared = true
  return true
}

/** Nobody is lent what `onBorrow` has prepared: it is cleaned up as after a lease, and detected if it has asked for that. */
export const cleanUp = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  entry.prepared = false
  // a function of the user's, called for another borrower, may have had the object lent, offered, or taken out
  if (entry.status !== "Available" || entry.slot !== -1 || entry.offered !== "no") return
  const fate = fateOf(entry)
  if (core.options.onRelease !== undefined) tidy(core, entry, core.options.onRelease, fate)
  else if (rests(core, entry, fate === "detect")) return
  else if (fate === "return") offer(core, entry, true)
  else core.detector!.start(reserve(core, entry, "Available", () => {}), false)
}

/** A hook has failed, or was late: nobody knows the state of its object. That is no news where it was to leave anyway. */
export const hookFailed = <A, D>(core: Core<A, D>, entry: Entry<A, D>, cause: Cause.Cause<unknown>): void => {
  if (entry.status !== "Pending") return
  const news = core.life._tag === "Open" && !entry.condemned
  evict(core, entry, "HookFailed")
  // last, since a logger of the user's may use the pool
  if (news) report(core, "A hook failed, and its object leaves", { cause, entry })
}

/** A free object goes where its last lease, or a rest that was asked for, sends it. */
const settle = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fate: Fate): void => {
  const asks = core.detector !== undefined && (fate === "detect" || core.options.detection.onRelease)
  if (rests(core, entry, asks)) return
  if (asks) {
    const detection = reserve(core, entry, entry.doubted ? "Unknown" : "Available", () => {})
    core.detector!.start(detection, false)
    return changed(core)
  }
  if (entry.doubted) return staysUnknown(core, entry)
  core.registry.move(entry, "Available")
  offer(core, entry, false)
}
