/**
 * The way of a borrow: take what is lendable in one step, or wait.
 *
 * The fast path is {@link pickNow} and {@link lendNow}: pick, move, lease. Whatever else there is to do (detect what was
 * picked, have an object made, queue) is done for a waiter, by {@link serve} (what can be done for this waiter?) and
 * {@link handOut} (who gets this object?).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { PooledObject } from "../../PooledObject.ts"
import { attach, type Handle } from "../lease/handle.ts"
import type { ActiveLease } from "../lease/lease.ts"
import { have, wants } from "../making/making.ts"
import { bears } from "../object/allowances.ts"
import { vouchedFor } from "../object/answers.ts"
import type { Borrower } from "../state/borrower.ts"
import { type BorrowerClass, type Classes, isUnderway } from "../state/classes.ts"
import { catchUp, type Core, hasOwnRoom, hasRoom, lends, mayAllRest, population, soon } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { closed } from "../state/failures.ts"
import { admits, afterwards, lent, lookAt, Note, note, offer, workOffNow } from "../state/notes.ts"
import { nameOf } from "../state/owners.ts"
import type { Place } from "../state/room.ts"
import type { Request, Waiter, Waiters } from "../state/waiters.ts"
import { type AsyncContext, capture } from "../structures/asking.ts"
import { Slice } from "../structures/slice.ts"
import { goesOn, lacks, takeOut } from "../waiting/aside.ts"
import { fail, refuse, Suspended, timeOut } from "../waiting/outcome.ts"
import { backsOff, pauseOn } from "../waiting/patience.ts"
import { restsByFacet, restsFor } from "../waiting/rests.ts"
import { watch } from "../watching/overdue.ts"
import { servedAtOnce, type Trace, traced, traces } from "../watching/tracing.ts"
import * as Choosing from "./choosing.ts"
import {
  detectFor,
  favoured,
  fits,
  grant,
  holdsOff,
  instead,
  isDueToElder,
  isFree,
  isFresh,
  isLoose,
  isOpenTo,
  isUnprepared,
  lasting,
  lend,
  lendOn,
  needsHook,
  stale,
  take,
  waitsAWhile
} from "./granting.ts"

/** What the selector picks for a borrower that has just come; nothing where it is not his turn, or no lease may begin. */
export const pickNow = <A, D>(core: Core<A, D>, request: Request<A, D>): Entry<A, D> | undefined =>
  core.life._tag === "Open" && !core.suspended && mayBorrow(core, request)
    ? pick(core, asking(request), request)
    : undefined

/** Has the class of a borrower that has just come room for another lease? */
const mayBorrow = <A, D>({ classes }: Core<A, D>, request: Request<A, D>): boolean =>
  classes === undefined || classes.mayBegin(classes.of(request))

/**
 * Lends what was picked in this very step; or does nothing, where it has to be prepared first, or detected by more than a
 * plain answer: {@link wait} follows then.
 */
export const lendNow = <A, D>(
  core: Core<A, D>,
  picked: Entry<A, D>,
  request: Request<A, D>,
  borrower: Borrower
): ActiveLease<A, D> | undefined => {
  if (core.options.onBorrow !== undefined) return undefined
  if (mayBeOver(core, picked)) return undefined
  const asked = stale(core, picked)
  if (asked && !vouchedFor(core, picked)) return undefined
  const timeout = lasting(core, picked, request)
  // where the detector was asked in this step, that has read the clock
  const now = asked ? picked.detectedAtMillis! : core.clock.currentTimeMillisUnsafe()
  // a function of the user's may have used the pool, which has lent the object, or lends no more
  if (picked.slot === -1 || !lends(core) || !isOpenTo(picked, request) || !mayBorrow(core, request)) return undefined
  const lease = take(core, picked, timeout, nameOf(borrower), now, request)
  follow(core, picked, request)
  if (core.options.leaseWarning !== undefined) watch(lease, borrower, request.site)
  if (borrower.cache.tracer !== undefined) servedAtOnce(borrower, lease)
  return lease
}

/** An object has been lent at once: it may be lent on, and another may have to be ready in its place. */
const follow = <A, D>(core: Core<A, D>, entry: Entry<A, D>, request: Request<A, D>): void => {
  core.overload?.served(0)
  if (core.classes !== undefined) core.classes.accounts.charge(core.classes.of(request).account)
  if (core.options.sharing > 1) lendOn(core, entry)
  lent(core)
}

/** May the time of an object, or of a lease of it, be over, though the timer has not had its turn? */
const mayBeOver = <A, D>(core: Core<A, D>, entry: Entry<A, D>): boolean =>
  (entry.limits !== undefined || entry.open > 0) && core.deadlines.late

/** Borrows: at once where that can be, or waits. `accept` ties the lease to its holder, which gives it back later. */
export const borrow = <A, D, H, B>(
  core: Core<A, D>,
  request: Request<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  accept: (lease: ActiveLease<A, D>, holder: H) => Effect.Effect<B, unknown>,
  holder: H
): Effect.Effect<B, unknown> => {
  const picked = pickNow(core, request)
  const lease = picked && lendNow(core, picked, request, fiber)
  return lease === undefined ? wait(core, request, fiber, picked, accept, holder) : accept(lease, holder)
}

/** Borrows under the borrower's scope, which gives it back. */
export const borrowScoped = <A, D>(
  core: Core<A, D>,
  request: Request<A, D>
): Effect.Effect<Handle<A, D>, unknown, Scope.Scope> =>
  Effect.withFiber((fiber) => borrow(core, request, fiber, attach<A, D>, Context.getUnsafe(fiber.context, Scope.Scope)))

/** What the selector picks. Nothing where it is the user's own function, which is asked in the order of the queue. */
const pick = <A, D>(
  core: Core<A, D>,
  may: ((entry: Entry<A, D>) => boolean) | undefined,
  request: Request<A, D>,
  context?: AsyncContext
): Entry<A, D> | undefined => {
  if (core.options.policy.kind === "custom") return undefined
  const { selection } = core.registry
  if (may === undefined && request.favours === undefined) return selection.pick()
  const listed = core.registry.listed()
  const fitting = may === undefined ? listed : listed.filter(may)
  // a function of the user's that was asked about one object may have had another taken out
  return selection.among(favoured(fitting, request, context).filter(({ slot }) => slot !== -1))
}

const asking = <A, D>({ where }: Request<A, D>): ((entry: Entry<A, D>) => boolean) | undefined =>
  where && ((entry) => where(entry.pooled))

/**
 * The slow path. The waiter joins the queue in the very step that suspends its fiber: no interruption comes between.
 *
 * `accept` is given the lease in the step that resumes the fiber, which goes on with the effect that `accept` answers. An
 * interruption between the grant and that step gives the lease back.
 */
export const wait = <A, D, H, B>(
  core: Core<A, D>,
  request: Request<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  picked: Entry<A, D> | undefined,
  accept: (lease: ActiveLease<A, D>, holder: H) => Effect.Effect<B, unknown>,
  holder: H
): Effect.Effect<B, unknown> =>
  traces(fiber)
    ? Effect.flatten(traced(core, fiber, (trace) => {
      // the span ends with the wait: what `accept` answers runs after it
      const served = (lease: ActiveLease<A, D>, holder: H) => Exit.succeed(accept(lease, holder))
      return queueUp(core, request, fiber, picked, served, holder, trace)
    }))
    : queueUp(core, request, fiber, picked, accept, holder, undefined)

const queueUp = <A, D, H, B>(
  core: Core<A, D>,
  request: Request<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  picked: Entry<A, D> | undefined,
  accept: (lease: ActiveLease<A, D>, holder: H) => Effect.Effect<B, unknown>,
  holder: H,
  trace: Trace | undefined
): Effect.Effect<B, unknown> =>
  Effect.callback((resume: NonNullable<Waiter<A, D>["resume"]>) => {
    // a waiter hands `holder` on unseen: only `accept`, which comes from the same caller, knows its type
    const waiter = new Suspended(core, request, fiber, accept as Suspended<A, D>["accept"], holder)
    waiter.trace = trace
    waiter.hasty = core.detector !== undefined && fiber.cache.scheduler.executionMode === "sync"
    queue(core, waiter, picked)
    if (waiter.lane === undefined) return waiter.deliver(resume)
    waiter.resume = resume
    return waiter
  }) as Effect.Effect<B, unknown>

/** A waiter joins the queue, unless it has its outcome in this very step. */
export const queue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, picked: Entry<A, D> | undefined): void => {
  const { request } = waiter
  // a borrower that does not wait needs all deadlines that are due now; another sees the rest in the next turns
  const caughtUp = catchUp(core, request.timeout === 0 || !request.queues, waiter.since)
  if (core.life._tag !== "Open") {
    waiter.failure = closed(core)
    return
  }
  if (core.options.asks || request.where !== undefined || request.favours !== undefined) waiter.context = capture()
  arrive(core, waiter, caughtUp ? undefined : picked)
}

const arrive = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, picked: Entry<A, D> | undefined): void => {
  core.waiters.join(waiter)
  if (picked === undefined && mayOnlyWait(core, waiter)) {
    waiter.admitted = true
    waiter.trace?.enter("Waiting")
  } else {
    comes(core, waiter, picked)
    // a borrow from within a call of the turn may have no time to wait for the end of that, or no fiber that can
    if (waiter.lane !== undefined) workOffNow(core)
    if (waiter.lane === undefined) return
  }
  const { timeout } = waiter.request
  if (timeout === 0) return timeOut(core, waiter)
  if (timeout !== Infinity) core.deadlines.set(waiter, waiter.since + timeout)
  core.dozing.expect(waiter.since, waiter.due)
}

/** Is nothing listed, on offer, or to be made for a waiter that has just come? Most that wait in a crowd come so. */
const mayOnlyWait = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, { request } = waiter): boolean =>
  core.registry.listing === 0 && request.cost <= 1 && core.notes === 0 && lends(core) &&
  (core.creator === undefined || !hasOwnRoom(core)) && queuesPlainly(core, waiter) &&
  (core.options.waitsForResting || !mayAllRest(core, request.facet !== undefined))

/** Is a waiter let into the queue by nothing but that it queues, and served by nothing but what comes back? */
const queuesPlainly = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  core.waiters.several.size === 0 && core.options.policy.kind !== "custom" && core.options.maxWaiters === Infinity &&
  waiter.request.queues && !isLeftOut(core, waiter)

/** What can be done for a waiter that has just come. */
const comes = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, picked: Entry<A, D> | undefined): void => {
  if (refusesForGood(core, waiter)) return
  if (core.options.policy.kind === "custom" && !core.suspended) {
    core.waiters.note(waiter, "choosing", true)
    Choosing.consider(core)
  } else {
    // the object that was picked may have been lent since
    serve(core, waiter, picked?.slot === -1 ? undefined : picked)
  }
}

/** What can be done for a waiter now, that may have its place in the queue again since its lease was taken back. */
export const attend = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (waiter.lane === undefined) return
  if (backsOff(core, waiter)) pauseOn(core, waiter)
  serve(core, waiter)
  // what was under way for the waiter counted for its class
  admits(core)
}

/** What can be done for one waiter now: lend, detect, make; else it waits, or may not wait. */
const serve = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, picked?: Entry<A, D>): void => {
  // a closing pool is about to fail the waiter
  if (core.life._tag !== "Open" && !lends(core)) return
  if (refusesForGood(core, waiter)) return
  if (core.suspended) return admit(core, waiter, "Suspended")
  // the selector, or a later task, is about to come to this waiter
  if (waiter.choosing) return
  if (!lendListed(core, waiter, picked)) return serveLater(core, waiter)
  serveOtherwise(core, waiter)
}

/** Nothing that is listed serves a waiter: it has an object made, or waits. */
const serveOtherwise = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (core.waiters.several.size > 0) takeFromBehind(core, waiter)
  if (idles(waiter) && core.offers.length === 0) provide(core, waiter)
  // what is on offer, or has been made at once, may be for this waiter
  if (idles(waiter) && core.offers.length > 0) return lookAt(core, waiter)
  admit(core, waiter, "NoneAvailable")
  // the phase of the wait may have ended with what was under way
  if (waiter.trace !== undefined && waiter.lane !== undefined) waiter.trace.enter(waiter.phase)
}

/** A waiter that nothing listed serves takes what is set aside for those who come after it. */
const takeFromBehind = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (waiter.request.many !== undefined) note(core, Note.minimum)
  for (const other of core.waiters.several) {
    if (other.aside === undefined || !mayTakeFrom(core, waiter, other)) continue
    for (const entry of [...other.aside]) if (idles(waiter)) takeFrom(core, waiter, other, entry)
  }
}

/**
 * May a waiter take what is set aside for another? From one that comes after it: of its own class, or of any if it wants
 * several itself, so that two never wait for each other. And what its class has coming of its reserve, where that serves it,
 * and nothing else is left for that: else the other would be given again what has to be prepared anew.
 */
const mayTakeFrom = <A, D>({ classes, waiters }: Core<A, D>, waiter: Waiter<A, D>, other: Waiter<A, D>): boolean => {
  if (classes === undefined) return waiters.goesBefore(waiter, other)
  const one = classes.of(waiter.request)
  const another = classes.of(other.request)
  if (one === another) return waiters.goesBefore(waiter, other)
  const goesBefore = waiter.request.many !== undefined && waiters.goesBefore(waiter, other)
  return (goesBefore || (classes.accounts.isShort(one.account) && lacks(waiter) === 1)) &&
    classes.mayTakeOver(waiter, another)
}

const takeFrom = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  other: Waiter<A, D>,
  entry: Entry<A, D>
): void => {
  if (entry.keeper !== other || waitsAWhile(core, waiter) || !fits(core, waiter, entry)) return
  // the `where` may have used the pool, or what was taken before was all that the class may have
  if (entry.keeper !== other || !mayTakeFrom(core, waiter, other)) return
  takeOut(other, entry, false)
  if (!entry.prepared) lend(core, waiter, entry)
  goesOn(core, entry)
  core.waiters.lookAgain(other)
  lookAt(core, other)
}

/** Refuses a waiter that nothing which there is, or could be, may serve. */
const refusesForGood = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean => {
  if (isTooHigh(core, waiter)) refuse(core, waiter, "CostTooHigh")
  else if (isTooMany(core, waiter) || isLeftOut(core, waiter)) refuse(core, waiter, "NoRoom")
  else return false
  return true
}

/** Do the reserves of other classes never leave a borrower as many objects as it wants? */
const isLeftOut = <A, D>({ classes }: Core<A, D>, { request }: Waiter<A, D>): boolean =>
  classes !== undefined && (request.many ?? 1) > classes.accounts.ceiling(classes.of(request).account)

/** May there never be as many objects as a borrower wants, since a `resize`, or for the minimums of other keys? */
const isTooMany = <A, D>({ place, size }: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  (waiter.request.many ?? 1) > size.max || place?.isClosedTo(waiter) === true

/** Is the cost of a borrow above the limits of all objects that there are, or could be? */
const isTooHigh = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean => {
  const { allowance } = core.options
  const { cost, facet } = waiter.request
  // every object can bear one unit
  if (cost <= 1 || allowance === undefined) return false
  if (allowance.same !== undefined) return !bears(allowance.same, cost, facet)
  const { entries, size } = core.registry
  if (size === 0 || Array.from(entries).some(({ allowances }) => allowances?.fits(cost, facet) === true)) return false
  // what is made, or could be, may bear it
  return waiter.misfit || core.creator === undefined || (population(core) === size && size >= core.size.max)
}

/**
 * Lends a waiter what is listed, or has it detected: first what was picked. A detection that ends at once comes back for
 * the next candidate. `false`: there are more, and others have their turn before.
 */
const lendListed = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, picked: Entry<A, D> | undefined): boolean => {
  lendWhatCameMeanwhile(core, waiter)
  let entry = picked
  let turn: Slice | undefined
  while (isNext(core, waiter)) {
    entry ??= pickFor(core, waiter)
    // nothing is listed, or the waiter's own `where` has had it lent
    if (entry === undefined || entry.slot === -1) return true
    lend(core, waiter, entry)
    instead(core, waiter)
    // a `where` that has changed its mind
    if (entry.slot !== -1) return true
    entry = undefined
    if (!asksOn(waiter) || waiter.hasty || waiter.request.timeout === 0) continue
    turn ??= new Slice(core.deadlines)
    if (turn.over) return false
  }
  return true
}

/** Something is being detected for a waiter already, and something else was listed while the pool was suspended. */
const lendWhatCameMeanwhile = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (waiter.detection !== undefined && core.options.policy.kind !== "custom") instead(core, waiter)
}

/** Does a waiter still wait, with nothing being detected or prepared for it? */
const asksOn = <A, D>(waiter: Waiter<A, D>): boolean => waiter.lane !== undefined && waiter.detection === undefined

/** May the waiter be lent what is listed, or have it detected? */
const isNext = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  asksOn(waiter) && !waitsAWhile(core, waiter) && mayBegin(core, waiter)

/** Has the class of a waiter room for what is begun for it? */
const mayBegin = <A, D>({ classes }: Core<A, D>, waiter: Waiter<A, D>): boolean =>
  classes === undefined || classes.mayBeginFor(waiter)

/** Does a waiter still wait, with nothing under way for it? */
const idles = <A, D>(waiter: Waiter<A, D>): boolean => waiter.lane !== undefined && !waiter.busy

/** What the selector picks for a waiter. A `where`, or a weight, that throws is a defect of the borrower. */
const pickFor = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): Entry<A, D> | undefined => {
  try {
    const { request } = waiter
    return pick(core, request.where && ((entry) => fits(core, waiter, entry)), request, waiter.context)
  } catch (defect) {
    fail(core, waiter, Effect.die(defect))
    return undefined
  }
}

/** Many objects have been detected for a waiter in this step: other fibers have their turn before that goes on. */
const serveLater = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.note(waiter, "choosing", true)
  soon(core, () => {
    core.waiters.note(waiter, "choosing", false)
    lookAt(core, waiter)
  })
}

/** Has an object made for a waiter, unless the user's selector is about to be asked for it about what is listed. */
const provide = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  if (core.options.policy.kind !== "custom" || !Choosing.comesNext(core, waiter)) have(core, waiter)
  else core.waiters.note(waiter, "choosing", true)
}

/**
 * The pool lends again: does what can be done for each waiter, in their order, as when it came. No object is made for a
 * waiter before those ahead of it have had their turn.
 */
export const attendAll = <A, D>(core: Core<A, D>): void =>
  afterwards(core, Note.room | Note.resting, () => attendEach(core))

const attendEach = <A, D>(core: Core<A, D>): void => {
  if (core.options.policy.kind === "custom") {
    core.waiters.each((waiter) => {
      if (waiter.detection === undefined) core.waiters.note(waiter, "choosing", true)
    })
    Choosing.consider(core)
  }
  if (core.classes !== undefined) return attendInTurn(core, core.classes, core.classes.all)
  // where nothing is listed, all that can be done for a waiter is to have an object made
  core.waiters.find(core.waiters.first, (waiter) => {
    if (core.registry.listing === 0) return true
    serve(core, waiter)
    return false
  })
}

/** Some classes have room: does what can be done for their waiters with what is listed, one of each class in its turn. */
const attendInTurn = <A, D>(
  core: Core<A, D>,
  classes: Classes<A, D>,
  some: ReadonlyArray<BorrowerClass<A, D>>
): void => {
  const next = new Map(some.map((one) => [one, one.queue.lead]))
  while (core.registry.listing > 0 && lends(core)) {
    const one = classes.inTurn(true).find((one) => next.get(one) !== undefined && classes.mayBegin(one))
    if (one === undefined) return
    const { queue } = one
    const last = next.get(one)!
    // what was lent to one of another class, and is shared, may have served this one as well
    const waiter = last.lane === undefined ? queue.lead : last
    if (waiter === undefined) {
      next.delete(one)
      continue
    }
    const follower = queue.follower(waiter)
    serve(core, waiter)
    // a waiter that has left leads nowhere
    if (follower === undefined || follower.lane !== undefined) next.set(one, follower)
    else next.set(one, waiter.lane === undefined ? queue.lead : queue.follower(waiter))
  }
}

/**
 * Many keys share their room, and it is the turn of a class: does what can be done for one of its waiters at one key with what
 * is listed there. `false`: nothing can be done for any.
 */
export const attendOne = <A, D>(core: Core<A, D>, classes: Classes<A, D>, one: BorrowerClass<A, D>): boolean => {
  if (core.options.policy.kind === "custom") {
    Choosing.consider(core)
    return false
  }
  const served = one.queue.seek(one.queue.lead, (waiter) => {
    if (core.registry.listing === 0 || !lends(core) || !classes.mayBegin(one)) return true
    const before = isUnderway(waiter)
    serve(core, waiter)
    return waiter.lane === undefined || (!before && isUnderway(waiter))
  })
  return served !== undefined
}

/** What was withheld from a class of borrowers is for its waiters, where that has room by now. */
export const attendWithheld = <A, D>(core: Core<A, D>): void => {
  if (core.classes === undefined || !lends(core)) return
  const released = core.classes.released()
  if (released.length === 0) return
  if (core.options.policy.kind === "custom") Choosing.consider(core)
  else attendInTurn(core, core.classes, released)
  // what is set aside for others may be for those that have waited for their class
  for (const waiter of core.waiters.several) {
    if (released.includes(core.classes.of(waiter.request))) lookAt(core, waiter)
  }
  note(core, Note.room)
}

/** A waiter has its place in the queue now; unless nothing is under way for it, and it may not wait: then it is refused. */
const admit = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, why: "NoneAvailable" | "Suspended"): void => {
  if (waiter.lane === undefined) return
  if (!waiter.busy && waiter.request.timeout !== 0) {
    if (!waiter.request.queues) return refuse(core, waiter, why, restsFor(core, waiter))
    if (why === "NoneAvailable" && rests(core, waiter)) return
    const waiting = core.waiters.size - core.waiters.busy
    if (!waiter.admitted && waiting > core.options.maxWaiters) return refuse(core, waiter, "WaitersFull")
  }
  if (!waiter.choosing) waiter.admitted = true
}

/** Refuses a waiter where everything that it may have rests beyond its deadline. `true`: it waits no more. */
const rests = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): boolean => {
  const { timeout } = waiter.request
  if (timeout === Infinity || core.options.waitsForResting) return false
  const first = restsFor(core, waiter, waiter.since + timeout - core.deadlines.now())
  if (first !== undefined && waiter.lane !== undefined) refuse(core, waiter, "Resting", first)
  return waiter.lane === undefined
}

/** Another object rests, or has left: refuses the waiters whom nothing can serve in time. */
export const refuseResting = <A, D>(core: Core<A, D>): void => {
  const { waiters } = core
  if (waiters.size === 0 || core.options.waitsForResting || core.suspended || core.life._tag !== "Open") return
  if (!mayAllRest(core, waiters.choosy > 0)) return
  const now = core.deadlines.now()
  const byFacet = restsByFacet(core)
  waiters.each((waiter) => {
    if (waiter.busy || waiter.request.timeout === Infinity) return
    if (waiter.request.wants !== undefined) return void rests(core, waiter)
    const first = byFacet(waiter)
    if (first !== undefined && first > waiter.since + waiter.request.timeout - now) {
      refuse(core, waiter, "Resting", first)
    }
  })
}

/** Gives an object that may be lent to the oldest waiter that may have it; without one it is listed: see `offer`. */
export const handOut = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): void => {
  // a listener that was told of the object's last move may have taken it out, or it was listed when nobody waited
  if (!isLoose(entry)) return
  if (!lends(core)) return core.registry.list(entry)
  if (core.overload !== undefined && core.waiters.size > 0) {
    core.overload.relieve(core)
    // a listener that was told of a refusal may have used the pool
    if (!isLoose(entry)) return
  }
  if (core.options.policy.kind === "custom") {
    if (core.classes === undefined || !isLeft(core, core.classes, entry, fresh)) {
      return Choosing.offerByChoice(core, entry, fresh)
    }
    core.registry.list(entry)
    return admits(core)
  }
  const { arrivals } = core.waiters
  if (isTaken(core, entry, fresh)) return
  core.registry.list(entry)
  if (core.waiters.arrivals !== arrivals) welcome(core, arrivals)
  // there is more than before to be left for other classes
  admits(core)
}

/** How an object is offered. `last`: who is to have it detected if nobody else wants it. */
interface Offered<A, D> {
  ready: boolean
  last: Waiter<A, D> | undefined
}

/** Offers an object to the waiters, in their order. `true`: one has it, or it cannot be lent any more. */
const isTaken = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): boolean => {
  const ready = fresh || !stale(core, entry)
  if (core.classes !== undefined) {
    const offered = { ready, last: undefined }
    return core.place === undefined || isMeant(core, entry, fresh)
      ? isTakenInTurn(core, core.classes, entry, offered)
      : isTakenAmidOthers(core, core.classes, core.place, entry, offered)
  }
  const { lead } = core.waiters
  // nothing keeps the first from having it: most that wait in a crowd are served so
  if (ready && lead !== undefined && lead.request.where === undefined && core.options.onBorrow === undefined) {
    if (goesTo(core, lead, entry, true)) return true
  }
  const offered: Offered<A, D> = { ready, last: undefined }
  return isTakenIn(core, core.waiters, entry, offered) || !isLoose(entry) || goesToLast(core, offered.last, entry)
}

/** The same, where each class of borrowers has a queue. */
const isTakenInTurn = <A, D>(
  core: Core<A, D>,
  classes: Classes<A, D>,
  entry: Entry<A, D>,
  offered: Offered<A, D>
): boolean => {
  // a shared object that one has may serve the next as well, whose class has its turn then
  // at another key, what is under way for a class is not for this one
  const tentative = !offered.ready || core.place !== undefined
  while (classes.inTurn(tentative).some((one) => isTakenBy(core, classes, one, entry, offered))) {
    if (!isLoose(entry)) return true
  }
  return !isLoose(entry) || goesToLast(core, offered.last, entry)
}

/** Was an object made, or detected, for one who waits for its key? */
const isMeant = <A, D>(core: Core<A, D>, entry: Entry<A, D>, fresh: boolean): boolean =>
  isFresh(entry) || (fresh && core.waiters.detecting > 0)

/** The same where many keys share their room: an object is left to others, and listed, where it is their turn. */
const isTakenAmidOthers = <A, D>(
  core: Core<A, D>,
  classes: Classes<A, D>,
  place: Place<unknown, A, D>,
  entry: Entry<A, D>,
  offered: Offered<A, D>
): boolean => {
  let left = false
  const goes = (one: BorrowerClass<A, D>): boolean => {
    if (left) return false
    if (place.isContested(one)) {
      // one that has no room is passed over
      left = classes.mayBegin(one)
      return false
    }
    if (one.queue.size > 0 && isTakenBy(core, classes, one, entry, offered)) return true
    left = isLoose(entry) && place.isForAnother(one, entry)
    return false
  }
  while (inTurnOfAll(classes, place).some(goes)) if (!isLoose(entry)) return true
  if (!left) return !isLoose(entry) || goesToLast(core, offered.last, entry)
  classes.hold()
  return !isLoose(entry)
}

/** The classes in their turn, of all keys. */
const inTurnOfAll = <A, D>(classes: Classes<A, D>, { room }: Place<unknown, A, D>): Array<BorrowerClass<A, D>> =>
  classes.accounts.inTurn(({ at }) =>
    Math.min(classes.all[at]!.queue.lead?.arrival ?? Infinity, room.lacking[at]!.first?.arrival ?? Infinity)
  ).map(({ at }) => classes.all[at]!)

/** Where the user's selector chooses: is an object left to others? The selector is asked about it when they have had their turn. */
const isLeft = <A, D>(core: Core<A, D>, classes: Classes<A, D>, entry: Entry<A, D>, fresh: boolean): boolean => {
  const { place } = core
  if (place === undefined || core.waiters.size === 0 || isMeant(core, entry, fresh)) return false
  for (const one of inTurnOfAll(classes, place)) {
    if (!classes.mayBegin(one)) continue
    const left = place.isContested(one) || (one.queue.size === 0 && place.isForAnother(one, entry))
    if (left) classes.hold()
    if (left || one.queue.size > 0) return left
  }
  return false
}

const isTakenBy = <A, D>(
  core: Core<A, D>,
  classes: Classes<A, D>,
  one: BorrowerClass<A, D>,
  entry: Entry<A, D>,
  offered: Offered<A, D>
): boolean =>
  (offered.ready ? classes.mayHave(one) : classes.mayBegin(one)) && isTakenIn(core, one.queue, entry, offered)

/** Offers an object to the waiters of one queue. */
const isTakenIn = <A, D>(
  core: Core<A, D>,
  queue: Waiters<A, D>,
  entry: Entry<A, D>,
  offered: Offered<A, D>
): boolean =>
  queue.seek(firstFor(core, queue, entry, offered.ready), (waiter) => {
    if (!mayTake(core, waiter, entry, offered.ready)) return false
    // the `where` may have had the object taken out, lent, or offered anew
    if (!isLoose(entry)) return true
    // or it may have had the object detected
    offered.ready ||= !stale(core, entry)
    if (offered.ready || !comesLast(core, waiter, entry)) return goesTo(core, waiter, entry, offered.ready)
    offered.last ??= waiter
    return false
  }) !== undefined

/** A waiter for which an object is being detected already does not have a second one detected. */
const mayTake = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>, ready: boolean): boolean =>
  (ready || waiter.detection === undefined) && !holdsOff(core, waiter, entry) && fits(core, waiter, entry) &&
  !isDueToElder(core, waiter, entry, ready)

/** After three refusals, a waiter that waits a while gets a fresh object to be detected only if nobody else wants it. */
const comesLast = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean =>
  isFresh(entry) && backsOff(core, waiter)

/** Gives an object to one waiter, or has it detected for it. A shared object may serve the next waiter as well. */
const goesTo = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>, ready: boolean): boolean =>
  ready
    ? grant(core, waiter, entry) && (core.classes !== undefined || !isLoose(entry))
    : detectNow(core, waiter, entry) || !isLoose(entry)

/** Nobody else wants an object: it is detected for the waiter that comes last, if that still waits. */
const goesToLast = <A, D>(core: Core<A, D>, last: Waiter<A, D> | undefined, entry: Entry<A, D>): boolean =>
  last?.lane !== undefined && mayBegin(core, last) && goesTo(core, last, entry, false)

/**
 * What a weight, a selector or a `where` goes by has changed: the object, and its equals, are offered anew, and listed by
 * what those say now, where they are listed; others are offered when they can be lent. Answers whether the object is there.
 */
export const reconsider = <A, D>(core: Core<A, D>, target: A | PooledObject<A, D>): boolean => {
  let found = false
  for (const entry of core.registry.find(target)) {
    // a function of the user's that was asked about another may have taken this object out
    if (entry.status === "Invalid") continue
    found = true
    if (entry.slot === -1) continue
    core.registry.unlist(entry)
    offer(core, entry, false)
  }
  return found
}

/** The first waiter that could take an object: for those before, another is being detected or prepared already. */
const firstFor = <A, D>(
  core: Core<A, D>,
  queue: Waiters<A, D>,
  entry: Entry<A, D>,
  ready: boolean
): Waiter<A, D> | undefined => {
  if (queue.newestFirst) return queue.lead
  if (!ready) return queue.free!.first(isFree)
  return needsHook(core, entry) ? queue.unprepared!.first(isUnprepared) : queue.first
}

/** Serves waiters that have come while the `where` of others was asked about an object which was not listed yet. */
const welcome = <A, D>(core: Core<A, D>, since: number): void =>
  core.waiters.each((waiter) => {
    if (waiter.arrival > since) lookAt(core, waiter)
  })

const detectNow = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>, entry: Entry<A, D>): boolean => {
  if (!detectFor(core, waiter, entry)) return false
  if (waiter.detection === undefined) lookAt(core, waiter)
  return true
}

/**
 * Room is free: the oldest waiter that is not busy may have an object made; of one class, where that is said. `false`: there
 * is none, or no room.
 */
export const fill = <A, D>(core: Core<A, D>, { idle }: Waiters<A, D> = core.waiters): boolean => {
  if (idle === undefined || !lends(core) || !hasRoom(core)) return false
  const waiter = idle.first((waiter) => !waiter.busy && wants(core, waiter))
  if (waiter === undefined) return false
  provide(core, waiter)
  return true
}
