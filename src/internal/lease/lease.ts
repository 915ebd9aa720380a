/**
 * A lease, from its grant to its end.
 *
 * Invariants:
 * - `over` is set once, and says why; from then on the borrower has no rights.
 * - `returned` is set once, when the pool takes the object back: later than `over` where something goes on under the lease
 *   that has to end first: a body, a pack, or the closing of the pack's scope.
 * - The deadline of a lease with a time-out waits exactly until the lease is over.
 * - From the grant to the step that resumes the borrower, `holder` is the waiter; from the step that begins a body or a
 *   pack, `holder` is that.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { LeaseExpired } from "../../PoolError.ts"
import type { Status } from "../../Status.ts"
import type { Taken } from "../object/allowances.ts"
import { decideFate } from "../object/freeing.ts"
import { judge } from "../object/judging.ts"
import { discard, invalidate } from "../object/leaving.ts"
import type { BorrowerClass } from "../state/classes.ts"
import { type Core, fork, stays } from "../state/core.ts"
import { type Entry, leasesOf } from "../state/entry.ts"
import { closed, leaseExpired } from "../state/failures.ts"
import { askSelector, lookAt, roomFreed } from "../state/notes.ts"
import { Waiter } from "../state/waiters.ts"
import type { Deadline } from "../structures/deadlines.ts"
import * as Scopes from "../structures/scope.ts"
import { tell } from "../watching/events.ts"
import { report } from "../watching/log.ts"
import type { Overdue } from "../watching/overdue.ts"
import type { Handle } from "./handle.ts"
import { cutOff, giveBack } from "./holding.ts"

/**
 * A lease is taken back before its waiter has been resumed with it: the waiter waits again, in its old place and under its
 * old deadline. {@link lookAt} follows, when the bookkeeping is done. In a closing pool the waiter has waited in vain.
 */
const requeue = <A, D>(core: Core<A, D>, waiter: Waiter<A, D>): void => {
  waiter.lease = undefined
  if (!stays(core)) {
    waiter.failure = closed(core, waiter)
    return
  }
  core.waiters.rejoin(waiter)
  if (core.options.policy.kind === "custom" && !core.suspended) core.waiters.note(waiter, "choosing", true)
  const { timeout } = waiter.request
  if (timeout !== Infinity) core.deadlines.set(waiter, waiter.since + timeout)
}

/** A lent object leaves the pool with its borrower, and is not destroyed. */
const depart = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  // the other leases of a shared object end without effect
  cutOff(core, entry)
  invalidate(core, entry)
  core.registry.drop(entry)
  if (core.feed !== undefined) tell(core, { _tag: "Left", objectId: entry.id })
  roomFreed(core)
}

/** The time-out of a lease: a deadline of the pool. */
class Expiry<A, D> implements Deadline {
  private readonly lease: ActiveLease<A, D>
  readonly timeout: number
  expiresAtMillis: number
  due = Infinity
  index = -1

  constructor(lease: ActiveLease<A, D>, timeout: number, now: number) {
    this.lease = lease
    this.timeout = timeout
    this.expiresAtMillis = now + timeout
  }
  fire(): void {
    this.lease.expire()
  }
}

/** What goes on under a lease in the fiber of its borrower: the object comes back when that has ended. */
export interface Work {
  /** The lease is over, and says why: has the work end as soon as it can, or lets it go on. */
  readonly interrupt: () => void
}

/** A lease as the pool sees it. The record is kept small: one is made for each borrow. */
export class ActiveLease<A, D> {
  readonly core: Core<A, D>
  readonly entry: Entry<A, D>
  readonly id: number
  /** In whose name the object was borrowed: the id of a fiber. */
  readonly owner: number
  readonly borrowedAtMillis: number
  /** The time-out; absent where the lease has none. */
  readonly expiry: Expiry<A, D> | undefined

  over: LeaseExpired["reason"] | undefined = undefined
  returned = false
  /** The scope that gives the lease back; absent under `with`. */
  scope: Scope.Scope | undefined = undefined
  /** The waiter, until it is resumed with the lease; then the work that goes on under the lease. */
  holder: Waiter<A, D> | Work | undefined = undefined
  /** The borrower has said what becomes of the object. */
  isMarked = false
  /** What the judge has concluded of the object as the lease ended. */
  verdict: Status.Answer | undefined = undefined
  /** Warns of a lease that is held too long; absent where the pool does not warn. */
  overdue: Overdue<A, D> | undefined = undefined
  /** What the lease has taken of the allowances of its object; absent where that has none. */
  taken: Taken | undefined = undefined
  /** The class of its borrower; absent where the pool has none. */
  ofClass: BorrowerClass<A, D> | undefined = undefined
  /** The scope in which `pack` made what the borrower has. */
  packScope: Scope.Closeable | undefined = undefined
  /** Resume those who wait in `expired`. */
  watchers: Set<() => void> | undefined = undefined
  /** The handle that the borrower has; absent until somebody is given it. */
  handle: Handle<A, D> | undefined = undefined
  /** The lease that somebody has in hand who has no Effect: written by the promise flavour. */
  promised: object | undefined = undefined

  /** `timeout` in milliseconds; `Infinity`: none. */
  constructor(core: Core<A, D>, entry: Entry<A, D>, owner: number, timeout: number, now: number) {
    this.core = core
    this.entry = entry
    this.id = ++core.leaseIds.last
    this.owner = owner
    this.borrowedAtMillis = now
    this.expiry = timeout === Infinity ? undefined : new Expiry(this, timeout, now)
  }

  /** Begins the time-out, in the step of the grant, after the lease has become its borrower's. */
  begin(expiry: Expiry<A, D>): void {
    const due = this.core.deadlines.now() + expiry.timeout
    // a clock of the user's may have ended the lease
    if (this.over === undefined) this.core.deadlines.set(expiry, due)
  }

  /** May the borrower still say what becomes of the object? The finalizers of a pack may until the object is back. */
  get marks(): boolean {
    return this.over === undefined || (this.over === "Released" && this.isOpen)
  }
  /** Does the pool still have to take the object back? */
  get isOpen(): boolean {
    return this.entry.lease === this || this.entry.others?.has(this) === true
  }

  /** Is the lease over? It is, too, when its time has passed before the timer had its turn; in its last moment it is not. */
  get isOver(): boolean {
    const { expiry } = this
    if (this.over === undefined && expiry !== undefined && expiry.due < this.core.deadlines.now()) {
      this.core.deadlines.hasten(expiry)
    }
    return this.over !== undefined
  }

  /** The lease's time is over. The pool takes the object back now, or when the work under the lease has ended. */
  expire(): void {
    this.over = "Expired"
    this.core.totals.expired++
    if (this.core.feed !== undefined) this.told("LeaseExpired")
    decideFate(this.core, this.entry)
    this.cut()
  }

  /** The pool takes the lease back before its time: from now on it is over. */
  revoke(): void {
    this.over = "Revoked"
    if (this.expiry !== undefined) this.core.deadlines.cancel(this.expiry)
    if (this.core.feed !== undefined) this.told("LeaseRevoked")
  }

  /** Takes the object of a lease that is over back: now, or when the work under the lease has ended. */
  cut(): void {
    if (!this.interrupt()) this.takeBack()
    this.tell()
  }

  /** The pool is closing: the object is taken back at once, whatever the borrower does. `inside`: the borrower closes it. */
  close(inside: boolean): void {
    if (this.over === undefined) this.over = "Closed"
    if (this.expiry !== undefined) this.core.deadlines.cancel(this.expiry)
    if (!inside) this.interrupt()
    this.takeBack()
    this.tell()
  }

  /** Starts the lease's time anew, where it has a time-out. */
  renew(): void {
    const { expiry } = this
    if (expiry === undefined) return
    expiry.expiresAtMillis = this.core.clock.currentTimeMillisUnsafe() + expiry.timeout
    this.begin(expiry)
  }

  private told(tag: "LeaseExpired" | "LeaseRevoked"): void {
    tell(this.core, { _tag: tag, objectId: this.entry.id, leaseId: this.id })
  }
  /** Has the work under the lease end. `false`: there is none. */
  private interrupt(): boolean {
    const { holder } = this
    // the fiber that has given the lease back is at something else, or its work has ended, and a judge is being asked
    if (this.returned || this.over === "Released" || holder === undefined || holder instanceof Waiter) return false
    holder.interrupt()
    return true
  }
  private takeBack(): void {
    const exit = this.packScope === undefined
      ? Exit.void
      : Effect.runSyncExit(leaseExpired(this.core, this, this.over!))
    const closing = end(this, exit)
    if (closing === undefined) return
    const reported = (cause: Cause.Cause<unknown>) =>
      Effect.sync(() =>
        report(this.core, "Closing what pack made has failed", { cause, entry: this.entry, lease: this })
      )
    fork(this.core, Effect.catchCause(closing, reported))
  }
  private tell(): void {
    const watchers = this.watchers
    this.watchers = undefined
    if (watchers !== undefined) { for (const watcher of watchers) watcher() }
  }
}

/**
 * Ends a lease; without effect on a lease whose object is back. What is left to do, if anything, is the effect that is
 * returned, which must run where it cannot be interrupted. `used`: its borrower has had it in hand.
 */
export const end = <A, D>(
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>,
  used = true
): Effect.Effect<void> | undefined => {
  if (!lease.returned && lease.scope !== undefined) Scopes.remove(lease.scope, lease)
  return takeIn(lease, exit, used)
}

/** Ends a lease whose scope has let go of it. */
export const takeIn = <A, D>(
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>,
  used = true
): Effect.Effect<void> | undefined => {
  if (lease.over === undefined) {
    finish(lease)
    if (lease.core.options.judge !== undefined && used) judge(lease, lease.core.options.judge, exit)
  }
  if (lease.returned) return undefined
  lease.returned = true
  const packScope = lease.packScope
  if (packScope === undefined) {
    giveBack(lease.core, lease)
    return undefined
  }
  lease.packScope = undefined
  return Effect.onExitPrimitive(Scope.close(packScope, exit), () => {
    giveBack(lease.core, lease)
    return undefined
  })
}

const finish = <A, D>(lease: ActiveLease<A, D>): void => {
  lease.over = "Released"
  lease.watchers = undefined
  if (lease.expiry !== undefined) lease.core.deadlines.cancel(lease.expiry)
}

/** Some leases of an object are over before their time, in one step; their borrowers are told in the next. */
class Revocation<A, D> {
  private readonly leases: ReadonlyArray<ActiveLease<A, D>>
  /** Waiters that had not been resumed with their leases yet: they have their places in the queue again. */
  private readonly waiting: Array<Waiter<A, D>> = []

  constructor(core: Core<A, D>, leases: ReadonlyArray<ActiveLease<A, D>>) {
    this.leases = leases.filter((lease) => lease.over === undefined)
    for (const lease of this.leases) {
      lease.revoke()
      if (!(lease.holder instanceof Waiter)) continue
      this.waiting.push(lease.holder)
      requeue(core, lease.holder)
    }
  }
  get any(): boolean {
    return this.leases.length > 0
  }
  carryOut(core: Core<A, D>): void {
    for (const lease of this.leases) lease.cut()
    if (this.waiting.length > 0) askSelector(core)
    for (const waiter of this.waiting) lookAt(core, waiter)
  }
}

/** Takes leases of an object back before their time, as if it were over. Answers whether any was open. */
export const revokeLeases = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  leases: ReadonlyArray<ActiveLease<A, D>>
): boolean => {
  const revocation = new Revocation(core, leases)
  if (!revocation.any) return false
  decideFate(core, entry)
  revocation.carryOut(core)
  return true
}

/** The object leaves the pool with its borrower, whose scope closes what made it. */
export const detach = <A, D>(lease: ActiveLease<A, D>, scope: Scope.Scope): Effect.Effect<A, LeaseExpired> => {
  if (lease.isOver) return leaseExpired(lease.core, lease, lease.over!)
  const { core, entry, packScope } = lease
  finish(lease)
  lease.returned = true
  if (lease.scope !== undefined) Scopes.remove(lease.scope, lease)
  // nobody else goes on with a shared object
  discard(core, entry, "Removed")
  const revocation = new Revocation(core, leasesOf(entry))
  const made = entry.scope
  const adopted = made === undefined || Scopes.add(scope, made, (exit) => Scope.close(made, exit))
  depart(core, entry)
  revocation.carryOut(core)
  let rest: Effect.Effect<unknown> = Effect.void
  if (!adopted) rest = Scope.close(made, Exit.void)
  if (packScope !== undefined) rest = Effect.andThen(Scope.close(packScope, Exit.void), rest)
  return Effect.as(rest, entry.object)
}
