/**
 * Leases for those who have no Effect.
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { Detached, PackedLease, PromiseLease } from "../../PromiseLease.ts"
import { type Running, thrown } from "./running.ts"

/** What `pack` has made, and the lease that it was made under. */
export class Packed<A, D, P> {
  readonly lease: Lease<A, D>
  readonly object: P

  constructor(lease: Lease<A, D>, object: P) {
    this.lease = lease
    this.object = object
  }
}

/** The lease in what a pool has lent; absent where a tag's `pack` has hidden it. */
export const leaseIn = (borrowed: unknown): Lease<unknown, unknown> | undefined =>
  borrowed instanceof Packed
    ? borrowed.lease
    : Predicate.hasProperty(borrowed, "pooled") && Predicate.hasProperty(borrowed, "expired") &&
        Effect.isEffect(borrowed.expired)
    ? borrowed as unknown as Lease<unknown, unknown>
    : undefined

/** What the borrower is after. */
export const objectIn = (borrowed: unknown): unknown => {
  if (borrowed instanceof Packed) return borrowed.object
  const lease = leaseIn(borrowed)
  return lease === undefined ? borrowed : lease.object
}

/** Calls a function when a lease expires or is revoked; at once where it has been. Interrupt the fiber to stop that. */
export const whenOver = (
  running: Running,
  lease: Lease<unknown, unknown>,
  told: (reason: unknown) => void
): Fiber.Fiber<unknown, unknown> => {
  const fiber = running.fork(lease.expired)
  fiber.addObserver((exit) => {
    // not where it was this fiber that was interrupted
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) told(thrown(exit))
  })
  return fiber
}

/** Giving back does not fail: what goes wrong is a line in the log. */
export const reported = (pool: string, effect: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.catchCause(
    Effect.asVoid(effect),
    (cause) => Effect.annotateLogs(Effect.logWarning("What follows a lease has failed", cause), { pool })
  )

/** A lease of whatever a pool has lent. */
export class HeldLease<P> implements PackedLease<P> {
  protected readonly running: Running
  readonly object: P
  private readonly end: Effect.Effect<void>
  private ending: Fiber.Fiber<void> | undefined = undefined

  /** `end` gives it back, once or more often. */
  constructor(running: Running, object: P, end: Effect.Effect<void>) {
    this.running = running
    this.object = object
    this.end = end
  }

  private giveBack(): Fiber.Fiber<void> {
    return this.ending ??= this.running.fork(reported(this.running.name, this.end))
  }

  release = (): Promise<void> => this.running.ending(() => this.giveBack())
  releaseSync = (): void => {
    this.giveBack()
  };
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
  [Symbol.dispose](): void {
    this.releaseSync()
  }
}

/** A lease with all its rights. */
export class FullLease<A, D, P> extends HeldLease<P> implements PromiseLease<A, D, P> {
  private readonly lease: Lease<A, D>
  private controller: AbortController | undefined = undefined

  constructor(running: Running, object: P, end: Effect.Effect<void>, lease: Lease<A, D>) {
    super(running, object, end)
    this.lease = lease
  }

  /** The one of a lease: whoever asks again gets the same. */
  static of<A, D>(running: Running, lease: Lease<A, D>): FullLease<A, D, A> {
    let held = running.leases.get(lease) as FullLease<A, D, A> | undefined
    if (held === undefined) {
      held = new FullLease(running, lease.object, lease.release, lease)
      running.leases.set(lease, held)
    }
    return held
  }

  get data(): D {
    return this.lease.data
  }
  get pooled(): PooledObject<A, D> {
    return this.lease.pooled
  }
  get id(): number {
    return this.lease.id
  }
  get borrowedAt(): DateTime.Utc {
    return this.lease.borrowedAt
  }
  get expiresAt(): DateTime.Utc | undefined {
    return this.lease.expiresAt
  }
  // made for those who ask: few do
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      const controller = this.controller = new AbortController()
      whenOver(this.running, this.lease, (reason) => controller.abort(reason))
    }
    return this.controller.signal
  }

  invalidate = (): void => this.running.now(this.lease.invalidate)
  rest = (duration: Duration.Input): void => this.running.now(this.lease.rest(duration))
  renew = (): void => this.running.now(this.lease.renew)
  detach = (): Promise<Detached<A>> => {
    const { running } = this
    const scope = Scope.makeUnsafe()
    const close = reported(running.name, Scope.close(scope, Exit.void))
    let closing: Fiber.Fiber<void> | undefined
    const destroy = () => running.ending(() => closing ??= running.fork(close))
    const detached = Effect.onError(
      Effect.map(this.lease.detach, (object) => ({ object, destroy, [Symbol.asyncDispose]: destroy })),
      // it has left the pool, and nobody else would destroy it
      () => close
    )
    return running.ending(() => running.forkIn(detached, scope))
  }
}
