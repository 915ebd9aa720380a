/**
 * Leases for those who have no Effect.
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
    : Predicate.hasProperty(borrowed, "pooled") && Predicate.hasProperty(borrowed, "expired")
    ? borrowed as unknown as Lease<unknown, unknown>
    : undefined

/** What the borrower is after. */
export const objectIn = (borrowed: unknown): unknown => {
  if (borrowed instanceof Packed) return borrowed.object
  const lease = leaseIn(borrowed)
  return lease === undefined ? borrowed : lease.object
}

/** Aborts when the lease expires or is revoked. */
export const watch = (running: Running, lease: Lease<unknown, unknown>, controller: AbortController): void => {
  running.fork(lease.expired).addObserver((exit) => {
    if (Exit.isFailure(exit)) controller.abort(thrown(exit))
  })
}

/** A lease of whatever a pool has lent. */
export class HeldLease<P> implements PackedLease<P> {
  protected readonly running: Running
  readonly object: P
  private readonly end: Effect.Effect<void>
  private ending: Promise<void> | undefined = undefined

  /** `end` gives it back, once or more often. */
  constructor(running: Running, object: P, end: Effect.Effect<void>) {
    this.running = running
    this.object = object
    this.end = end
  }

  release = (): Promise<void> => this.ending ??= this.running.promise(this.end)
  releaseSync = (): void => void this.release();
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
      this.controller = new AbortController()
      watch(this.running, this.lease, this.controller)
    }
    return this.controller.signal
  }

  invalidate = (): void => this.running.now(this.lease.invalidate)
  rest = (duration: Duration.Input): void => this.running.now(this.lease.rest(duration))
  renew = (): void => this.running.now(this.lease.renew)
  detach = (): Promise<Detached<A>> => {
    const scope = Scope.makeUnsafe()
    const destroy = () => this.running.promise(Scope.close(scope, Exit.void))
    return this.running.ending(
      this.running.forkIn(
        Effect.map(this.lease.detach, (object) => ({ object, destroy, [Symbol.asyncDispose]: destroy })),
        scope
      )
    )
  }
}
