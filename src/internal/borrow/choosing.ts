/**
 * Choosing by the user's own selector: for one waiter at a time, in their order, since an answer may take time.
 *
 * Invariants:
 * - While `core.choosing` is set, that waiter's answer is awaited, and nobody else is asked.
 * - A waiter that was answered "none" is asked again when `registry.version` has grown: when what is lendable changed.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { PooledObject } from "../../PooledObject.ts"
import { type Core, fork, lends } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { askSelector, lookAt, settled } from "../state/notes.ts"
import type { Waiter } from "../state/waiters.ts"
import { ask } from "../structures/asking.ts"
import { fail } from "../waiting/outcome.ts"
import { backsOff } from "../waiting/patience.ts"
import { favoured, fits, grant, isDue, isDueToElder, isFresh, isLoose, lend, lendOn, stale } from "./granting.ts"

/** An `Available` object is offered to the oldest waiter, alone; then to all, with whatever else is lendable. */
export const offerByChoice = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): void => {
  if (fresh) {
    // an object that was chosen, and detected since, is lent without asking the selector again
    // one whose class may not have it any more is told when it is known who has it
    const chosen = core.waiters.find(
      core.waiters.first,
      (waiter) => waiter.detection?.entry === entry && (core.classes === undefined || core.classes.mayServe(waiter))
    )
    // an older waiter may claim the object: then the selector is asked, in the order of the queue
    if (chosen !== undefined && !isDue(core, chosen, entry) && grant(core, chosen, entry)) return lendOn(core, entry)
  }
  // a function of the user's has had the object taken out, or rest, or offered
  if (!isLoose(entry)) return
  core.registry.list(entry)
  if (core.waiters.size === 0) return
  core.returned = entry
  consider(core)
}

/** Asks the selector for each waiter that has not been answered yet, until nothing changes any more. */
export const consider = <A, D>(core: Core<A, D>): void => {
  if (!lends(core)) return core.suspended ? letWait(core) : undefined
  let order = core.waiters.along()
  for (let waiter = order.lead; waiter !== undefined && core.choosing === undefined && lends(core);) {
    const version = core.registry.version
    const offered = offerTo(core, waiter)
    if (offered.length > 0) choose(core, waiter, offered)
    else if (waiter.choosing) waitsOn(core, waiter)
    if (version === core.registry.version && waiter.lane !== undefined) {
      if (offered.length === 0) waiter = order.follower(waiter)
    } else {
      // where what is listed has changed, it may be for an older waiter
      order = core.waiters.along()
      waiter = order.lead
    }
  }
  if (core.choosing === undefined) core.returned = undefined
}

/** While the selector's answer for another waiter is awaited: will it be asked for this one, about what is listed? */
export const comesNext = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  core.choosing !== undefined && core.choosing !== waiter && waiter.lane !== undefined && isOpen(core, waiter) &&
  candidatesFor(core, waiter).length > 0

/** The selector is not asked while the pool is suspended: each waiter waits like any other, or may not. */
const letWait = <A, D>(core: Core<A, D>): void =>
  core.waiters.each((waiter) => {
    if (waiter.choosing && core.choosing !== waiter) waitsOn(core, waiter)
  })

/** What the selector may choose from for a waiter: the object that came back alone, or all; nothing once it was asked. */
const offerTo = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): ReadonlyArray<Entry<A, D>> => {
  if (!isOpen(core, waiter)) return []
  const candidates = candidatesFor(core, waiter)
  const returned = candidates.find((entry) => entry === core.returned)
  if (returned === undefined) return candidates
  core.returned = undefined
  return [returned]
}

/** May the selector be asked for a waiter? No object is being detected or prepared for it, nor has it declined these. */
const isOpen = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.detection === undefined && waiter.declined !== core.registry.version &&
  !(waiter.spoilt && backsOff(core, waiter)) && (core.classes === undefined || core.classes.mayBeginFor(waiter))

const fittingFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): ReadonlyArray<Entry<A, D>> =>
  core.registry.listed().filter((entry) => mayChoose(core, waiter, entry))

const candidatesFor = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  fitting = fittingFor(core, waiter)
): ReadonlyArray<Entry<A, D>> => {
  try {
    return favoured(fitting, waiter.request, waiter.context)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return []
  }
}

/**
 * May an object be offered to this waiter? A fresh object that needs a detection goes to a waiter that waits a while after
 * three refusals only if nobody else wants it: else that waiter would be refused over and over, and others have more made.
 */
const mayChoose = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (!fits(core, waiter, entry) || isDueToElder(core, waiter, entry, !stale(core, entry))) return false
  if (!backsOff(core, waiter) || !isFresh(entry) || !stale(core, entry)) return true
  const wants = (other: Waiter<A, D>) => !backsOff(core, other) && isOpen(core, other) && fits(core, other, entry)
  return core.waiters.find(core.waiters.first, wants) === undefined
}

const choose = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, offered: ReadonlyArray<Entry<A, D>>): void => {
  const selector = core.options.policy.f as (available: ReadonlyArray<PooledObject<A, D>>) => unknown
  const version = core.registry.version
  core.choosing = waiter
  const answer = ask(selector, offered.map((entry) => entry.pooled), waiter.context)
  if (answer._tag === "Threw") {
    core.choosing = undefined
    return fail(core, waiter, Effect.die(answer.defect))
  }
  if (answer._tag === "Plain") return apply(core, waiter, offered, version, answer.value)
  const fiber = fork(core, answer.effect, waiter.context)
  if (waiter.lane === undefined) {
    // the waiter left in the first step of the choice
    core.choosing = undefined
    return fiber.interruptUnsafe()
  }
  core.chooser = fiber
  // the waiter is busy for as long as the answer takes
  core.waiters.note(waiter, "choosing", true)
  core.choosers.add(fiber)
  let within = true
  fiber.addObserver((exit) => {
    core.choosers.delete(fiber)
    settled(core)
    core.place?.left()
    // the waiter has left
    if (core.choosing !== waiter) return
    core.chooser = undefined
    if (Exit.isSuccess(exit)) apply(core, waiter, offered, version, exit.value)
    else {
      core.choosing = undefined
      fail(core, waiter, Effect.die(Cause.squash(exit.cause)))
    }
    if (!within) consider(core)
  })
  within = false
}

/** Does the pool lend, and has the class of a waiter room? */
const lendsTo = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  lends(core) && (core.classes === undefined || core.classes.mayBeginFor(waiter))

const apply = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  offered: ReadonlyArray<Entry<A, D>>,
  version: number,
  answer: unknown
): void => {
  core.choosing = undefined
  if (waiter.lane === undefined) return
  // the pool was suspended meanwhile, or others of the class were served: the selector is asked anew when it is resumed
  if (!lendsTo(core, waiter)) return waitsOn(core, waiter)
  if (answer === undefined) return declines(core, waiter, offered, version)
  const entry = offered.find((candidate) => candidate.pooled === answer)
  if (entry === undefined) {
    return fail(core, waiter, Effect.die(new Error("The selector chose what it was not offered")))
  }
  // the chosen object was lent meanwhile: the selector is asked anew
  if (entry.slot === -1) return
  lend(core, waiter, entry)
  // where a detection has ended at once without serving the waiter, the selector is asked anew
  if (waiter.lane !== undefined && waiter.detection === undefined) return
  core.waiters.note(waiter, "choosing", false)
  waiter.admitted = true
}

/** The selector has nothing for a waiter of what it was offered. */
const declines = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  offered: ReadonlyArray<Entry<A, D>>,
  version: number
): void => {
  const fitting = fittingFor(core, waiter)
  // an object that was declined alone is offered once more among the others
  if (candidatesFor(core, waiter, fitting).some((entry) => !offered.includes(entry))) return
  // nobody waits for what he prefers
  if (waiter.lane !== undefined && fitting.some((entry) => !offered.includes(entry))) {
    return choose(core, waiter, fitting)
  }
  waiter.declined = version
  // what was due to this one may be for another of several
  if (core.classes !== undefined && core.waiters.several.size > 1) askSelector(core)
  waitsOn(core, waiter)
}

/** The selector has nothing for this waiter: now it waits like any other. */
const waitsOn = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  // the chosen object is being detected; if that ends within this step, the selector is asked anew
  if (waiter.detection !== undefined) return
  core.waiters.note(waiter, "choosing", false)
  // it has its place before those who have yet to be told, and do not count
  if (core.waiters.size - core.waiters.busy <= core.options.maxWaiters) waiter.admitted = true
  lookAt(core, waiter)
}
