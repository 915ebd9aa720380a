/**
 * What can be done for one waiter: grant it an object, by way of a detection or a hook where that is needed. Each function
 * is one synchronous step.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { hold } from "../lease/holding.ts"
import { ActiveLease } from "../lease/lease.ts"
import { bequeath } from "../making/making.ts"
import { reserve } from "../object/condition.ts"
import { Detection, isRefusal, type Outcome } from "../object/detector.ts"
import { cleanUp, hookFailed, prepared } from "../object/freeing.ts"
import { Hook } from "../object/hook.ts"
import { heed, retire } from "../object/replacing.ts"
import { resting } from "../object/rest.ts"
import { spend } from "../object/resting.ts"
import type { Classes } from "../state/classes.ts"
import { type Core, lendable, lends } from "../state/core.ts"
import { type Entry, isSpoilt } from "../state/entry.ts"
import { askSelector, changed, lent, lookAt, offer, onceOffered } from "../state/notes.ts"
import { isBefore, type Request, type Waiter } from "../state/waiters.ts"
import { type AsyncContext, callIn } from "../structures/asking.ts"
import { lacks, setAside } from "../waiting/aside.ts"
import { fail, resumeSoon, unqueue, waited } from "../waiting/outcome.ts"
import { backsOff, noteRefusal, refillFailed } from "../waiting/patience.ts"
import { ofClass, tell } from "../watching/events.ts"
import { watch } from "../watching/overdue.ts"

/** Is an object fresh: made, and never lent? */
export const isFresh = <A, D>(entry: Entry<A, D>): boolean => entry.scope !== undefined && entry.borrowCount === 0

/** Must an object be detected before it is lent? */
export const stale = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.detector !== undefined && core.options.detection.trustFor !== undefined &&
  // the detector is asked before each borrow, or has not been asked yet: no clock is read
  (core.options.detection.trustFor === 0 || entry.trustedUntil === undefined ||
    core.deadlines.now() >= entry.trustedUntil)

/** How long a lease would last, in milliseconds. A `leaseTimeout` of the user's may throw, or use the pool. */
export const lasting = <A, D>(
  { options: { leaseTimeout } }: Core<A, D>,
  entry: Entry<A, D>,
  request: Request<A, D>,
  context?: AsyncContext
): number =>
  request.leaseTimeout ?? entry.leaseTimeout ?? (leaseTimeout && callIn(context, leaseTimeout, entry)) ?? Infinity

/**
 * Grants a lease of a lendable object, perhaps to a waiter. `now`: the wall clock. A shared object may be lent on:
 * {@link lendOn} follows, or it is offered.
 */
export const take = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  timeout: number,
  owner: number,
  now: number,
  request: Request<A, D>,
  waiter?: Waiter<A, D>
): ActiveLease<A, D> => {
  const lease = new ActiveLease(core, entry, owner, timeout, now)
  // from here to the move nothing of the user's is called
  lease.ofClass = core.classes?.of(request)
  if (waiter !== undefined && request.many === undefined) {
    waiter.lease = lease
    lease.holder = waiter
  }
  entry.prepared = false
  entry.borrowedAtMillis = now
  entry.borrowCount++
  core.totals.borrowed++
  hold(core, lease)
  if (entry.allowances !== undefined) spend(core, lease, entry.allowances, request)
  // from here on, a function of the user's that is called may end the lease
  if (core.feed !== undefined) borrowed(core, lease, waiter)
  if (lease.expiry !== undefined) lease.begin(lease.expiry)
  if (entry.limits !== undefined && entry.borrowCount >= entry.limits.mostBorrows) retire(core, [entry], "MaxBorrows")
  return lease
}

/** A shared object that has room for another lease goes to the waiters, in their order, or is listed. */
export const lendOn = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (core.options.sharing === 1 || entry.slot !== -1 || entry.status !== "Borrowed" || !lendable(entry)) return
  // where the user's selector has chosen the object, the caller asks it for the next waiters
  if (core.waiters.size === 0 || core.options.policy.kind === "custom") core.registry.list(entry)
  else offer(core, entry, true)
}

const borrowed = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, waiter: Waiter<A, D> | undefined): void => {
  const { entry } = lease
  tell(core, {
    _tag: "Borrowed",
    objectId: entry.id,
    leaseId: lease.id,
    waited: waiter === undefined ? Duration.zero : waited(core, waiter),
    // a borrower of several is no waiter only where he was served at once
    phase: waiter === undefined || (waiter.request.many !== undefined && core.deadlines.now() === waiter.since)
      ? "AtOnce"
      : entry.scope !== undefined && entry.borrowCount === 1
      ? "Acquiring"
      : waiter.detection !== undefined
      ? "Detecting"
      : "Waiting",
    ...ofClass(lease)
  })
}

/** What an operator sees of a lease that was waited for. */
export const observe = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, lease: ActiveLease<A, D>): void => {
  if (core.options.leaseWarning !== undefined) watch(lease, waiter.borrower, waiter.request.site)
  if (core.timings === undefined && waiter.trace === undefined) return
  const millis = core.deadlines.now() - waiter.since
  core.timings?.wait.add(millis)
  waiter.trace?.served(lease, millis)
}

/**
 * May this waiter have the object? A waiter whose `where` rejects the object that was made for it is a misfit; one that is
 * not asked, since another was served before, is none. A `where` that throws is a defect of its borrower.
 */
export const fits = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.lane === undefined) return false
  const { where } = waiter.request
  try {
    if (where === undefined) return true
    // the `where` may have ended the wait
    if (callIn(waiter.context, where, entry.pooled)) return waiter.lane !== undefined
    if (waiter.made === entry) waiter.misfit = true
    return false
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
}

/** May an object be lent to a borrower's facet? It may have gone to rest since it was picked. */
export const isOpenTo = <A, D>({ facets }: Entry<A, D>, { facet }: Request<A, D>): boolean =>
  facet === undefined || facets === undefined || facets.isOpen(facet)

/** May a waiter be lent an object, after a function of the user's was called? */
const isStillFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  waiter.lane !== undefined && lends(core) && lendable(entry) && isOpenTo(entry, waiter.request) &&
  (core.classes === undefined || isPaid(waiter, entry) || core.classes.mayServe(waiter))

/**
 * Has an object been prepared for a waiter that counts for its class? Then the others were left their reserves as that began:
 * they might have less now only since theirs are being prepared as well, and two would wait for each other for ever.
 */
const isPaid = <A, D>({ paid }: Waiter<A, D>, { prepared }: Entry<A, D>): boolean => paid > 0 && prepared

/** Those that a borrower likes best, of some that fit. His functions may throw. */
export const favoured = <A, D>(
  fitting: ReadonlyArray<Entry<A, D>>,
  { favours }: Request<A, D>,
  context?: AsyncContext
): ReadonlyArray<Entry<A, D>> =>
  favours === undefined
    ? fitting
    : callIn<ReadonlyArray<Entry<A, D>>, ReadonlyArray<Entry<A, D>>>(context, favours, fitting)

/**
 * Serves a waiter. `false`: it waits no more, or the object cannot be lent any more. Where the object is shared,
 * {@link lendOn} follows, or it is offered.
 */
export const grant = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  // an object that was prepared in time is lent, though its time be over
  if (!entry.prepared && entry.limits !== undefined) heed(core, entry)
  if (waiter.lane === undefined || !lendable(entry)) return false
  let timeout: number
  try {
    timeout = lasting(core, entry, waiter.request, waiter.context)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return false
  }
  const now = core.clock.currentTimeMillisUnsafe()
  // a function of the user's may have used the pool, or ended the wait
  if (!isStillFor(core, waiter, entry)) return false
  if (needsHook(core, entry)) {
    prepareFor(core, waiter, entry)
    return true
  }
  if (waiter.request.many === undefined) return give(core, waiter, entry, timeout, now)
  gather(core, waiter, entry)
  return true
}

/** Lends a waiter an object. `false`: the user's code has had the lease taken back. */
const give = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  entry: Entry<A, D>,
  timeout: number,
  now: number
): boolean => {
  if (core.classes !== undefined) core.classes.pay(waiter)
  // the waiter leaves the queue before anything else may be offered, and has its lease before the user's code is called
  unqueue(core, waiter)
  const lease = take(core, entry, timeout, waiter.owner, now, waiter.request, waiter)
  // the user's code has had the lease taken back: the waiter waits again, and keeps what is under way for it
  if (waiter.lease !== lease) return false
  const creation = waiter.creation
  // a detection that was begun for it goes on: whoever comes next is glad of the answer
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) bequeath(core, creation)
  resumeSoon(waiter)
  core.overload?.served(core.deadlines.now() - waiter.since)
  observe(core, waiter, lease)
  lent(core)
  return true
}

/**
 * What was set aside for a waiter may be for one that comes before it, and could not have it then: it was of a class whose turn
 * was not, or had another prepared. {@link isDueToElder} has it given what that takes.
 */
const lookAtElders = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  for (const other of core.waiters.several) if (core.waiters.goesBefore(other, waiter)) lookAt(core, other)
}

/** Sets an object aside for a waiter of several, which waits no more when it has them all. */
const gather = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  setAside(core, waiter, entry)
  if (lacks(waiter) > 0) {
    // what is being prepared for one behind it may be for this one now
    core.waiters.claims++
    if (core.classes !== undefined) lookAtElders(core, waiter)
    return lookAt(core, waiter)
  }
  unqueue(core, waiter)
  const { creation } = waiter
  waiter.creation = waiter.detection = undefined
  if (creation !== undefined) bequeath(core, creation)
  resumeSoon(waiter)
}

/**
 * Has an object detected for a waiter. When the detection has ended without serving the waiter, something else is tried:
 * by this function, or by the caller if it ended within the call. `false`: the waiter waits no more, or the object cannot
 * be lent any more.
 */
export const detectFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (entry.limits !== undefined) heed(core, entry)
  if (waiter.lane === undefined || !lendable(entry)) return false
  let within = true
  const ended = (outcome: Outcome): void => {
    if (outcome._tag === "Failed") waiter.troubled.lastFailure = outcome.failure
    // without a pause another object would be made at once, for this waiter or for the minimum
    if (isSpoilt(entry) || (isFresh(entry) && isRefusal(outcome))) {
      noteRefusal(core, waiter)
      refillFailed(core)
    }
    if (waiter.detection === detection) {
      core.waiters.note(waiter, "detection", undefined)
      core.waiters.claims++
    }
    if (within) return
    askSelector(core)
    lookAt(core, waiter)
  }
  // who is served with the object is known once it has been offered
  const detection = reserve(
    core,
    entry,
    "Available",
    (outcome) => onceOffered(core, entry, () => ended(outcome))
  )
  core.waiters.note(waiter, "detection", detection)
  core.detector!.start(detection, true)
  within = false
  return true
}

/** Is an object still for the waiter that it was prepared for? Not if it is to rest by now, or to be detected. */
const isItsStill = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  lends(core) && !resting(entry) && entry.fate === "return" && !isDue(core, waiter, entry)

/** Runs `onBorrow` for a waiter, which is granted the object then, unless it has left. */
const prepareFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  let within = true
  core.registry.move(entry, "Pending")
  const hook = new Hook(core, entry, (failure) => {
    const own = waiter.detection === hook
    if (own) core.waiters.note(waiter, "detection", undefined)
    if (failure === undefined) givePrepared(core, waiter, entry, own)
    else {
      if (own) core.classes?.unbind(waiter)
      spoil(core, waiter, failure)
      if (entry.scope !== undefined) refillFailed(core)
      hookFailed(core, entry, failure)
    }
    if (within) return
    askSelector(core)
    lookAt(core, waiter)
  }, waiter.context)
  core.waiters.note(waiter, "detection", hook)
  if (core.classes !== undefined) core.classes.bind(waiter)
  hook.run(core.options.onBorrow!)
  within = false
}

/** `onBorrow` has failed for a waiter. */
const spoil = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, failure: Cause.Cause<unknown>): void => {
  core.waiters.claims++
  waiter.troubled.lastFailure = Cause.squash(failure)
  waiter.troubled.spoilt = true
  if (waiter.lane !== undefined) noteRefusal(core, waiter)
}

/** `onBorrow` has ended well. `own`: the waiter has waited for it. */
const givePrepared = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>, own: boolean): void => {
  const isReady = prepared(core, entry)
  if (isReady && isItsStill(core, waiter, entry) && grant(core, waiter, entry)) lendOn(core, entry)
  else {
    if (own) core.classes?.unbind(waiter)
    if (!isReady) return isSpoilt(entry) ? noteRefusal(core, waiter) : undefined
    core.waiters.claims++
    // for another waiter it is prepared anew
    cleanUp(core, entry)
  }
  changed(core)
}

/**
 * Is an object that was detected or prepared for one waiter due to another, which comes before it, may have the object, and
 * has no other detected or prepared for it? No walk is needed where no waiter has come, or lost its own, since.
 */
export const isDue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (waiter.claimed === core.waiters.claims || waiter.lane === undefined || core.waiters.newestFirst) return false
  // one whose class has no room would only have the object prepared over and over for those behind
  const claims = (other: Waiter<A, D>) =>
    isFree(other) && !holdsOff(core, other, entry) && (core.classes === undefined || core.classes.mayServe(other)) &&
    fits(core, other, entry)
  const queue = core.waiters.queueOf(waiter)
  const first = queue.find(
    queue.free!.first(isFree),
    (other) => !isBefore(other, waiter) || claims(other)
  )
  return first !== undefined && isBefore(first, waiter)
}

/**
 * Is an object due to a borrower of several of another class, who comes before this one? They have one order, whatever the
 * turn of their classes: else each might be given what the other takes from it again.
 */
export const isDueToElder = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  entry: Entry<A, D>,
  ready: boolean
): boolean => {
  const { classes, waiters } = core
  if (classes === undefined || waiter.request.many === undefined || waiters.several.size === 1) return false
  const one = classes.of(waiter.request)
  for (const other of waiters.several) {
    if (classes.of(other.request) === one || !waiters.goesBefore(other, waiter)) continue
    if (mayClaim(core, classes, other, ready) && !holdsOff(core, other, entry) && fits(core, other, entry)) return true
  }
  return false
}

/** May a waiter be given another object, which is `ready` or has to be detected? Not where the user's selector has none for it. */
const mayClaim = <A, D>(core: Core<A, D>, classes: Classes<A, D>, waiter: Waiter<A, D>, ready: boolean): boolean =>
  waiter.declined !== core.registry.version &&
  (ready ? classes.mayServe(waiter) : isFree(waiter) && classes.mayBeginFor(waiter))

/** Is it still to be found who gets an object that may be lent, by whoever is just looking for that? */
export const isLoose = <A, D>(entry: Entry<A, D>): boolean =>
  lendable(entry) && entry.slot === -1 && entry.offered === "no"

/** Is no object being detected or prepared for a waiter? */
export const isFree = <A, D>({ detection }: Waiter<A, D>): boolean => detection === undefined

/** Is no object being prepared for a waiter? */
export const isUnprepared = <A, D>({ detection }: Waiter<A, D>): boolean => !(detection instanceof Hook)

/** Does `onBorrow` run before an object is lent? Not where another has a lease of it, or its waiter has had it prepared. */
export const needsHook = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  core.options.onBorrow !== undefined && entry.open === 0 && !entry.prepared

/** Has `onBorrow` failed for a waiter so often that it waits a while? */
export const waitsAWhile = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  waiter.spoilt && backsOff(core, waiter)

/** Would `onBorrow` run for a waiter that has another object prepared for it, or waits a while after three failures? */
export const holdsOff = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  needsHook(core, entry) && (waiter.detection instanceof Hook || waitsAWhile(core, waiter))

/** Lends an object to a waiter, by way of a detection where it has to be detected first. */
export const lend = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): void => {
  if (stale(core, entry)) return void detectFor(core, waiter, entry)
  grant(core, waiter, entry)
  lendOn(core, entry)
}

/** How many trusted objects the selector chooses from at most. Where the borrower has a `where`: all of them. */
const mostTrusted = 32

/** While the object that was picked is being detected, the waiter gets one that needs no detection, if there is one. */
export const instead = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  const { selection, trusted } = core.registry
  // what is on offer since its detection has ended may be for this waiter
  if (trusted === undefined || !(waiter.detection instanceof Detection) || waiter.detection.state === "Ended") return
  const now = core.deadlines.now()
  // no object is trusted any more
  if (now >= core.trustedUntil) return
  const { favours, where } = waiter.request
  const most = where === undefined && favours === undefined ? mostTrusted : Infinity
  const ready = trusted.some(most, core.random, now).filter((entry) => fits(core, waiter, entry))
  let entry: Entry<A, D> | undefined
  try {
    entry = selection.among(favoured(ready, waiter.request, waiter.context).filter(({ slot }) => slot !== -1))
  } catch (defect) {
    return fail(core, waiter, Effect.die(defect))
  }
  if (entry === undefined) return
  grant(core, waiter, entry)
  lendOn(core, entry)
}
