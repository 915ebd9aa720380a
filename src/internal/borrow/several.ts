/**
 * Borrowing several objects at once: all or nothing.
 *
 * The waiter keeps its place in the queue until all are set aside for it (`waiting/aside.ts`); the leases begin together, in
 * the step that resumes its fiber. What was lost until then has it wait on, in its place.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { LeaseExpired } from "../../PoolError.ts"
import { attach, handleOf } from "../lease/handle.ts"
import { type ActiveLease, end } from "../lease/lease.ts"
import { type Core, lends, mayCarry, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { closed, leaseExpired } from "../state/failures.ts"
import { askSelector, lent, lookAt, settled } from "../state/notes.ts"
import type { Request, Waiter } from "../state/waiters.ts"
import * as Scopes from "../structures/scope.ts"
import { goesOn, lacks, letGo, takeOut } from "../waiting/aside.ts"
import { Suspended } from "../waiting/outcome.ts"
import { queue } from "./desk.ts"
import { isOpenTo, lasting, lendOn, observe, take } from "./granting.ts"
import { Race } from "./interruption.ts"
import { packGranted } from "./packing.ts"

type Leases<A, D> = ReadonlyArray<ActiveLease<A, D>>

/** The leases of several that were lent together, where `pack` may have hidden them. */
const ofPacked = new WeakMap<object, ReadonlyArray<unknown>>()

export const leasesOfPacked = (borrowed: ReadonlyArray<unknown>): Leases<unknown, unknown> | undefined =>
  ofPacked.get(borrowed) as Leases<unknown, unknown> | undefined

class Gathering<A, D> extends Suspended<A, D> {
  /** The fiber has gone on. */
  delivered = false

  override deliver(resume: NonNullable<Waiter<A, D>["resume"]>): void {
    const { core, holder } = this
    if (this.failure === undefined && !stays(core)) {
      letGo(core, this)
      this.failure = closed(core, this)
    }
    const leases = this.failure === undefined ? takeAll(core, this) : undefined
    if (leases === undefined && this.failure === undefined) return waitOn(core, this)
    this.delivered = true
    this.forget()
    resume(leases === undefined ? this.failure! : tie(leases, holder as Scope.Scope))
    // a pool that closes has waited for this
    if (core.life._tag === "Closing") settled(core)
  }
}

const tie = <A, D>(leases: Leases<A, D>, scope: Scope.Scope): Effect.Effect<Leases<A, D>> => {
  for (const lease of leases) void attach(lease, scope)
  return Exit.succeed(leases)
}

/** Not all are there any more: the waiter has its place again. */
const waitOn = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  core.waiters.rejoin(waiter)
  core.place?.keeps(waiter)
  if (core.options.policy.kind === "custom" && !core.suspended) core.waiters.note(waiter, "choosing", true)
  const { timeout } = waiter.request
  if (timeout !== Infinity) core.deadlines.set(waiter, waiter.since + timeout)
  askSelector(core)
  lookAt(core, waiter)
}

/** Lends a waiter all that is set aside for it. Nothing where that is not all any more, or a function of its throws. */
const takeAll = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): Leases<A, D> | undefined => {
  const entries = [...waiter.aside!]
  let times: ReadonlyArray<number>
  try {
    times = entries.map((entry) => lasting(core, entry, waiter.request, waiter.context))
  } catch (defect) {
    letGo(core, waiter)
    waiter.failure = Effect.die(defect)
    return undefined
  }
  const now = core.clock.currentTimeMillisUnsafe()
  // a function of the user's may have used the pool
  if (!lends(core)) letGo(core, waiter)
  else loseUnfit(core, waiter)
  if (lacks(waiter) > 0) return undefined
  const leases: Array<ActiveLease<A, D>> = []
  for (const [i, entry] of entries.entries()) {
    const lease = begin(core, waiter, entry, times[i]!, now)
    if (lease !== undefined) leases.push(lease)
  }
  // a listener that was told of one of them has had another taken out, or back
  if (leases.length < entries.length || leases.some(({ over }) => over !== undefined)) {
    for (const lease of leases) end(lease, Exit.void, false)
    return undefined
  }
  for (const lease of leases) {
    observe(core, waiter, lease)
    lendOn(core, lease.entry)
  }
  core.overload?.served(core.deadlines.now() - waiter.since)
  lent(core)
  // what is shared may have room for others
  askSelector(core)
  return leases
}

/** What others have a lease of may have been told to rest, or to leave, since it was set aside: it is not lent now. */
const loseUnfit = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  for (const entry of [...waiter.aside ?? []]) {
    if (mayCarry(entry) && isOpenTo(entry, waiter.request)) continue
    takeOut(waiter, entry, false)
    goesOn(core, entry)
  }
}

const begin = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  entry: Entry<A, D>,
  timeout: number,
  now: number
): ActiveLease<A, D> | undefined => {
  if (entry.keeper !== waiter) return undefined
  takeOut(waiter, entry, true)
  return take(core, entry, timeout, waiter.owner, now, waiter.request, waiter)
}

const gather = <A, D>(
  core: Core<A, D>,
  request: Request<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  scope: Scope.Scope
): Effect.Effect<Leases<A, D>, unknown> =>
  Effect.callback((resume: NonNullable<Waiter<A, D>["resume"]>) => {
    const waiter = new Gathering(core, request, fiber, Exit.succeed, scope)
    waiter.hasty = core.detector !== undefined && fiber.cache.scheduler.executionMode === "sync"
    queue(core, waiter, undefined)
    waiter.resume = resume
    if (waiter.lane === undefined) waiter.deliver(resume)
    return waiter.delivered ? undefined : waiter
  }) as Effect.Effect<Leases<A, D>, unknown>

/** Borrows several under the fiber's scope. Where one of them cannot be packed, none is lent. */
export const borrowSeveral = <A, D, B>(
  core: Core<A, D>,
  request: Request<A, D>,
  then: (borrowed: ReadonlyArray<unknown>, leases: Leases<A, D>) => Effect.Effect<B, unknown, unknown>
): Effect.Effect<B, unknown, unknown> =>
  Effect.withFiber((fiber) => {
    const scope = Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope)
    const own = Scope.makeUnsafe()
    let lent: Leases<A, D> = []
    let handed = false
    const isOpen = Scopes.add(scope, own, (exit) => Scope.close(own, exit))
    return Effect.onExitPrimitive(
      Effect.flatMap(
        Effect.suspend(() => gather(core, request, fiber, own)),
        (leases) => {
          lent = leases
          return Effect.flatMap(packed(core, fiber, leases), (borrowed) => {
            handed = true
            return then(borrowed, leases)
          })
        }
      ),
      (exit) => {
        if (isOpen && Exit.isSuccess(exit)) return undefined
        Scopes.remove(scope, own)
        return Scope.close(own, handed && !isOfOne(exit, lent) ? exit : cut)
      }
    )
  })

/** What the leases end with that have ended for the sake of another: it says nothing of their objects. */
const cut = Exit.interrupt()

/** Has it ended since one of the leases was over? */
const isOfOne = <A, D>(exit: Exit.Exit<unknown, unknown>, leases: Leases<A, D>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const failure = Cause.squash(exit.cause)
  return failure instanceof LeaseExpired && leases.some(({ id, over }) => over !== undefined && id === failure.leaseId)
}

const packed = <A, D>(
  core: Core<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  leases: Leases<A, D>
): Effect.Effect<ReadonlyArray<unknown>, unknown> =>
  core.options.pack === undefined
    ? Exit.succeed(leases.map(handleOf))
    : Effect.flatMap(Effect.forEach(leases, (lease) => packGranted(core, fiber, lease)), (all) => {
      ofPacked.set(all, leases)
      // one may be over by the time that the last is packed
      const over = leases.find((lease) => lease.over !== undefined)
      return over === undefined ? Exit.succeed(all) : leaseExpired(core, over, over.over!)
    })

/** Borrows several, runs, and gives all of them back. A lease that is over before ends the body. */
export const withSeveral = <A, D>(
  core: Core<A, D>,
  request: () => Request<A, D>,
  f: (borrowed: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown, unknown>
): Effect.Effect<unknown, unknown, unknown> =>
  Effect.withFiber((fiber) =>
    Effect.scoped(Effect.suspend(() =>
      borrowSeveral(core, request(), (borrowed, leases) => {
        const body = Effect.suspend(() => {
          const answer: unknown = f(borrowed)
          return Effect.isEffect(answer)
            ? answer as Effect.Effect<unknown, unknown, unknown>
            : Effect.die(new TypeError("The body of `withMany` answered no effect"))
        })
        return under(core, fiber, leases, body)
      })
    ))
  )

/** Runs a body under several leases, in a child fiber: one that is over interrupts it, and is taken back when it has ended. */
const under = <A, D>(
  core: Core<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  leases: Leases<A, D>,
  body: Effect.Effect<unknown, unknown, unknown>
): Effect.Effect<unknown, unknown, unknown> => {
  for (const lease of leases) if (lease.over !== undefined) return leaseExpired(core, lease, lease.over)
  const race = new Race(leases[0]!)
  for (const lease of leases) {
    // where the pool closes, a body whose lease has no time-out goes on: it has had its time
    const interrupt = () => lease.over === "Closed" && lease.expiry === undefined ? undefined : race.lose(lease)
    lease.holder = { interrupt }
  }
  return race.run(fiber, body)
}
