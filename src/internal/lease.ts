/**
 * A lease, from its grant to its end.
 *
 * Invariants:
 * - `over` is set once, and says why; from then on the borrower has no rights.
 * - `returned` is set once, when the pool takes the object back. It is later than `over` where a body or a pack's scope
 *   has to end first.
 * - Its deadline waits exactly while it has a time-out and is not over.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Lease } from "../Lease.ts"
import type { LeaseExpired } from "../PoolError.ts"
import { type Core, fork, leaseExpired } from "./core.ts"
import type { Deadline } from "./deadlines.ts"
import { tell } from "./events.ts"
import { depart, discard } from "./leaving.ts"
import { restLater, restUntil } from "./lifecycle.ts"
import type { Overdue } from "./overdue.ts"
import { type Entry, leasesOf, moment } from "./registry.ts"
import { expired, giveBack } from "./returning.ts"
import * as Scopes from "./scope.ts"

/** The time-out of a lease; it is a deadline of the pool. */
class Expiry<A, D> implements Deadline {
  private readonly lease: ActiveLease<A, D>
  readonly timeout: number
  expiresAtMillis = 0
  due = Infinity
  index = -1
  /** Under `with` the body has to end before the pool takes the object back. */
  hasBody = false
  /** Interrupts the body, once it can be interrupted. */
  interrupt: (() => void) | undefined = undefined
  /** The body is to be interrupted, perhaps as soon as it can be. */
  interrupted = false

  constructor(lease: ActiveLease<A, D>, timeout: number) {
    this.lease = lease
    this.timeout = timeout
  }
  fire(): void {
    this.lease.expire()
  }
}

/** Kept small: one is made for each borrow. */
export class ActiveLease<A, D> implements Lease<A, D> {
  readonly core: Core<A, D>
  readonly pooled: Entry<A, D>
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

  /** `timeout` in milliseconds; `Infinity`: none. */
  constructor(core: Core<A, D>, pooled: Entry<A, D>, owner: number, timeout: number, now: number) {
    this.core = core
    this.pooled = pooled
    this.id = ++core.lastLeaseId
    this.owner = owner
    this.borrowedAtMillis = now
    this.expiry = timeout === Infinity ? undefined : new Expiry(this, timeout)
    if (this.expiry !== undefined) this.start(this.expiry, now)
  }

  get object(): A {
    return this.pooled.object
  }
  get data(): D {
    return this.pooled.data
  }
  get borrowedAt(): DateTime.Utc {
    return DateTime.makeUnsafe(this.borrowedAtMillis)
  }
  get expiresAt(): DateTime.Utc | undefined {
    return this.expiry === undefined ? undefined : moment(this.expiry.expiresAtMillis)
  }

  get release(): Effect.Effect<void> {
    // masked, since closing a pack's scope may suspend
    return Effect.uninterruptible(Effect.suspend(() => {
      // that of a body that expired is not its own to give back any more, though it has not ended yet
      const rest = this.over === undefined ? end(this, Exit.void) : undefined
      return rest ?? Effect.void
    }))
  }
  get invalidate(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.marks) discard(this.core, this.pooled, "Invalidated")
    })
  }
  rest(duration: Duration.Input): Effect.Effect<void> {
    return Effect.sync(() => {
      const until = restUntil(this.core, duration)
      if (this.marks) restLater(this.core, this.pooled, until)
    })
  }
  get renew(): Effect.Effect<void, LeaseExpired> {
    return Effect.suspend(() => {
      if (this.over !== undefined) return leaseExpired(this.core, this, this.over)
      if (this.expiry !== undefined) this.start(this.expiry, this.core.clock.currentTimeMillisUnsafe())
      return Effect.void
    })
  }
  get detach(): Effect.Effect<A, LeaseExpired, Scope.Scope> {
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => detach(this, Context.getUnsafe(fiber.context, Scope.Scope)))
    )
  }
  get expired(): Effect.Effect<never, LeaseExpired> {
    return Effect.callback((resume) => {
      const tell = () => {
        if (this.over !== undefined && this.over !== "Released") resume(leaseExpired(this.core, this, this.over))
      }
      if (this.over !== undefined) return tell()
      this.watchers ??= new Set()
      this.watchers.add(tell)
      return Effect.sync(() => this.watchers?.delete(tell))
    })
  }

  /** May its borrower still say what becomes of the object? What a `pack` has to end may, until the object is back. */
  private get marks(): boolean {
    return this.over === undefined || (this.over === "Released" && leasesOf(this.pooled).includes(this))
  }

  /** Its time is over. The pool takes the object back now, or when the body has ended. */
  expire(): void {
    this.over = "Expired"
    this.core.totals.expired++
    if (this.core.feed !== undefined) {
      tell(this.core, { _tag: "LeaseExpired", objectId: this.pooled.id, leaseId: this.id })
    }
    expired(this.core, this.pooled)
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

  private interruptBody(expiry: Expiry<A, D>): void {
    expiry.interrupted = true
    expiry.interrupt?.()
  }
  private start(expiry: Expiry<A, D>, now: number): void {
    this.core.deadlines.set(expiry, this.core.deadlines.now() + expiry.timeout)
    expiry.expiresAtMillis = now + expiry.timeout
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
  toJSON(): unknown {
    const { borrowedAt, expiresAt, id, pooled } = this
    return { _id: "Lease", id, pooled: pooled.toJSON(), borrowedAt, expiresAt }
  }
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return this.toJSON()
  }
}

/** Ties a lease to the scope that gives it back, and answers it. A closed scope gives it back at once, as for any finalizer. */
export const attach = <A, D>(lease: ActiveLease<A, D>, scope: Scope.Scope): Effect.Effect<ActiveLease<A, D>> => {
  // it expired before its fiber was resumed
  if (lease.returned) return Exit.succeed(lease)
  lease.scope = scope
  if (!Scopes.add(scope, lease, (exit) => takeIn(lease, exit) ?? Effect.void)) end(lease, Exit.void)
  return Exit.succeed(lease)
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

const takeIn = <A, D>(
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

const detach = <A, D>(lease: ActiveLease<A, D>, scope: Scope.Scope): Effect.Effect<A, LeaseExpired> => {
  if (lease.over !== undefined) return leaseExpired(lease.core, lease, lease.over)
  const { core, packScope, pooled } = lease
  finish(lease)
  lease.returned = true
  if (lease.scope !== undefined) Scopes.remove(lease.scope, lease)
  // where it is shared, nobody else goes on with it
  discard(core, pooled, "Removed")
  for (const other of leasesOf(pooled)) if (other !== lease) other.revoke(false)
  const made = pooled.scope
  const adopted = made === undefined || Scopes.add(scope, made, (exit) => Scope.close(made, exit))
  depart(core, pooled)
  let rest: Effect.Effect<unknown> = Effect.void
  if (!adopted) rest = Scope.close(made, Exit.void)
  if (packScope !== undefined) rest = Effect.andThen(Scope.close(packScope, Exit.void), rest)
  return Effect.as(rest, pooled.object)
}
