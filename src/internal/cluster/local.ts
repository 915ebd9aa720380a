/**
 * A shared pool in its own process: the pool as it is, with the leases that a borrower from elsewhere would have.
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AllowanceReport } from "../../Allowance.ts"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { LeaseExpired } from "../../PoolError.ts"
import type { BorrowOptions } from "../../PoolOptions.ts"
import type { Fence, PooledPicture, SharedBorrowOptions, SharedLease } from "../../SharedLease.ts"
import type { Status } from "../../Status.ts"
import { shows } from "../structures/picture.ts"
import { picture, printed } from "./pictures.ts"

export class LocalLease<A, D> implements SharedLease<A, D> {
  readonly #lease: Lease<A, D>
  readonly #epoch: number

  constructor(lease: Lease<A, D>, epoch: number) {
    this.#lease = lease
    this.#epoch = epoch
  }

  get object(): A {
    return this.#lease.object
  }
  get data(): D {
    return this.#lease.data
  }
  get pooled(): PooledPicture<D> {
    return picture(this.#lease.pooled)
  }
  get id(): number {
    return this.#lease.id
  }
  get fence(): Fence {
    return { epoch: this.#epoch, number: this.id }
  }
  get borrowedAt(): DateTime.Utc {
    return this.#lease.borrowedAt
  }
  get expiresAt(): DateTime.Utc | undefined {
    return this.#lease.expiresAt
  }
  get release(): Effect.Effect<void> {
    return this.#lease.release
  }
  get invalidate(): Effect.Effect<void> {
    return this.#lease.invalidate
  }
  rest(duration: Duration.Input, facet?: string): Effect.Effect<void> {
    return this.#lease.rest(duration, facet)
  }
  restUntil(moment: Status.Moment, facet?: string): Effect.Effect<void> {
    return this.#lease.restUntil(moment, facet)
  }
  charge(cost: number, name?: string): Effect.Effect<void> {
    return this.#lease.charge(cost, name)
  }
  get recount(): Effect.Effect<void> {
    return this.#lease.recount
  }
  report(report: AllowanceReport): Effect.Effect<void> {
    return this.#lease.report(report)
  }
  get renew(): Effect.Effect<void, LeaseExpired> {
    return this.#lease.renew
  }
  get detach(): Effect.Effect<A, LeaseExpired, Scope.Scope> {
    return this.#lease.detach
  }
  get expired(): Effect.Effect<never, LeaseExpired> {
    return this.#lease.expired
  }
}

shows(LocalLease.prototype, printed)

/** What a borrow in this process asks of the pool, which says whether it has such a class. */
export const toBorrow = <A, D, N>(
  { need, ...options }: SharedBorrowOptions<N, string>,
  meets: ((pooled: PooledObject<A, D>, need: N) => boolean) | undefined
): BorrowOptions<A, D> => {
  const borrow = options as SharedBorrowOptions
  return need === undefined || meets === undefined ? borrow : { ...borrow, where: (pooled) => meets(pooled, need) }
}
