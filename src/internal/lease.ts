/**
 * A lease, from its grant to its end.
 *
 * Invariants:
 * - `over` is set once, and says why; from then on the borrower has no rights.
 * - `returned` is set once, when the pool takes the object back. It is later than `over` where a body or a pack's scope
 *   has to end first.
 * - Its deadline waits exactly while it has a time-out and is not over.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { LeaseExpired } from "../PoolError.ts"
import { type Core, fork, leaseExpired } from "./core.ts"
import type { Deadline } from "./deadlines.ts"
import { tell } from "./events.ts"
import type { Handle } from "./handle.ts"
import { depart, discard } from "./leaving.ts"
import type { Overdue } from "./overdue.ts"
import { type Entry, leasesOf } from "./registry.ts"
import { expired, giveBack } from "./returning.ts"
import * as Scopes from "./scope.ts"

/** The time-out of a lease; it is a deadline of the pool. */
class Expiry<A, D> implements Deadline {
  private readonly lease: ActiveLease<A, D>
  readonly timeout: number
  expiresAtMillis: number
  due = Infinity
  index = -1
  /** Under `with` the body has to end before the pool takes the object back. */
  hasBody = false
  /** Interrupts the body, once it can be interrupted. */
  interrupt: (() => void) | undefined = undefined
  /** The body is to be interrupted, perhaps as soon as it can be. */
  interrupted = false

  constructor(lease: ActiveLease<A, D>, timeout: number, now: number) {
    this.lease = lease
    this.timeout = timeout
    this.expiresAtMillis = now + timeout
  }
  fire(): void {
    this.lease.expire()
  }
}

/** Kept small: one is made for each borrow. */
export class ActiveLease<A, D> {
  readonly core: Core<A, D>
  readonly entry: Entry<A, D>
  readonly id: number
  /** The fiber that holds it: the borrower's, or the child in which a body runs under a time-out. */
  owner: number
  readonly borrowedAtMillis: number
  /** Absent without a time-out. */
  readonly expiry: Expiry<A, D> | undefined

  over: LeaseExpired["reason"] | undefined = undefined
  returned = false
  /** The scope that gives it back; absent under `with`. */
  scope: Scope.Scope | undefined = undefined
  /** Warns of it, where the pool does. */
  overdue: Overdue<A, D> | undefined = undefined
  /** The scope of what `pack` made. */
  packScope: Scope.Closeable | undefined = undefined
  /** Those who wait in `expired`. */
  watchers: Set<() => void> | undefined = undefined
  /** What the borrower has in hand; absent until somebody is given it. */
  handle: Handle<A, D> | undefined = undefined

  /** `timeout` in milliseconds; `Infinity`: none. */
  constructor(core: Core<A, D>, entry: Entry<A, D>, owner: number, timeout: number, now: number) {
    this.core = core
    this.entry = entry
    this.id = ++core.lastLeaseId
    this.owner = owner
    this.borrowedAtMillis = now
    this.expiry = timeout === Infinity ? undefined : new Expiry(this, timeout, now)
  }

  /** Its time-out begins, in the step that grants it, when its borrower has it. */
  begin(expiry: Expiry<A, D>): void {
    const due = this.core.deadlines.now() + expiry.timeout
    // unless whoever's clock that is has ended it
    if (this.over === undefined) this.core.deadlines.set(expiry, due)
  }

  /** May its borrower still say what becomes of the object? What a `pack` has to end may, until the object is back. */
  get marks(): boolean {
    return this.over === undefined || (this.over === "Released" && leasesOf(this.entry).includes(this))
  }

  /** Its time is over. The pool takes the object back now, or when the body has ended. */
  expire(): void {
    this.over = "Expired"
    this.core.totals.expired++
    if (this.core.feed !== undefined) {
      tell(this.core, { _tag: "LeaseExpired", objectId: this.entry.id, leaseId: this.id })
    }
    expired(this.core, this.entry)
    if (this.expiry!.hasBody) this.interruptBody(this.expiry!)
    else this.takeBack()
    this.tell()
  }

  /** The pool is closing: the object is taken back at once, whatever the borrower does. `inside`: the borrower closes it. */
  revoke(inside: boolean): void {
    if (this.over === undefined) this.over = "Closed"
    if (this.expiry !== undefined) {
      this.core.deadlines.cancel(this.expiry)
      if (!inside) this.interruptBody(this.expiry)
    }
    this.takeBack()
    this.tell()
  }

  /** Its time, where it has one, starts anew. */
  renew(): void {
    const { expiry } = this
    if (expiry === undefined) return
    expiry.expiresAtMillis = this.core.clock.currentTimeMillisUnsafe() + expiry.timeout
    this.begin(expiry)
  }

  private interruptBody(expiry: Expiry<A, D>): void {
    expiry.interrupted = true
    expiry.interrupt?.()
  }
  private takeBack(): void {
    const exit = this.packScope === undefined
      ? Exit.void
      : Effect.runSyncExit(leaseExpired(this.core, this, this.over!))
    const closing = end(this, exit)
    if (closing !== undefined) fork(this.core, closing)
  }
  private tell(): void {
    const watchers = this.watchers
    this.watchers = undefined
    if (watchers !== undefined) { for (const watcher of watchers) watcher() }
  }
}

/**
 * Ends a lease; without effect on one whose object is back. What is left to do, if anything, is the effect that is
 * returned: run it where it cannot be interrupted.
 */
export const end = <A, D>(
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> | undefined => {
  if (!lease.returned && lease.scope !== undefined) Scopes.remove(lease.scope, lease)
  return takeIn(lease, exit)
}

/** Ends a lease whose scope has let go of it. */
export const takeIn = <A, D>(
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> | undefined => {
  if (lease.over === undefined) finish(lease)
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

/** The object leaves the pool with its borrower, whose scope closes what made it. */
export const detach = <A, D>(lease: ActiveLease<A, D>, scope: Scope.Scope): Effect.Effect<A, LeaseExpired> => {
  if (lease.over !== undefined) return leaseExpired(lease.core, lease, lease.over)
  const { core, entry, packScope } = lease
  finish(lease)
  lease.returned = true
  if (lease.scope !== undefined) Scopes.remove(lease.scope, lease)
  // where it is shared, nobody else goes on with it
  discard(core, entry, "Removed")
  for (const other of leasesOf(entry)) if (other !== lease) other.revoke(false)
  const made = entry.scope
  const adopted = made === undefined || Scopes.add(scope, made, (exit) => Scope.close(made, exit))
  depart(core, entry)
  let rest: Effect.Effect<unknown> = Effect.void
  if (!adopted) rest = Scope.close(made, Exit.void)
  if (packScope !== undefined) rest = Effect.andThen(Scope.close(packScope, Exit.void), rest)
  return Effect.as(rest, entry.object)
}
