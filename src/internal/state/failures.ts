/**
 * What a borrow, or an operation on a lease, fails with: each error is made for the one that gets it, with the counts of
 * that moment.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { BorrowTimeout, LeaseExpired, PoolClosed, PoolExhausted } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import * as Site from "../structures/site.ts"
import { limitStacks } from "../structures/stacks.ts"
import { span } from "../structures/times.ts"
import { type Core, stats } from "./core.ts"
import { held } from "./owners.ts"
import type { Waiter } from "./waiters.ts"

/** A class of errors, and what its constructor is given. */
type Kind<E, Fields> = (new(fields: Fields) => E) & { readonly identifier: string }

/**
 * Fails with an error that is made as its class makes it, but for two things that would cost several times all the rest
 * of a time-out. The fields of the error are not checked by the schema, whose constructor would leave the rest to this
 * base as well: they are right by their types. And the stack of the error is the site of the borrow, where that is
 * captured; else the stack of this step, unless the borrower has waited: then the step is a task of the pool's own, whose
 * stack tells nothing.
 */
const failWith = <A, D, E extends Error, Fields extends object>(
  kind: Kind<E, Fields>,
  fields: Fields,
  waiter: Waiter<A, D> | undefined
): Effect.Effect<never, E> => {
  const limit = limitStacks(0)
  const error = Reflect.construct(Data.Error, [{ _tag: kind.identifier, ...fields }], kind) as unknown as E
  limitStacks(limit)
  const site = waiter?.request.site ?? (waiter?.resume === undefined ? Site.ofStep(failWith) : undefined)
  if (site !== undefined) Site.tellOf(error, site)
  return Effect.fail(error)
}

export const closed = <A, D>(core: Core<A, D>, waiter?: Waiter<A, D>): Effect.Effect<never, PoolClosed> =>
  Effect.suspend(() => failWith(PoolClosed, { pool: core.options.name, stats: stats(core) }, waiter))

export const exhausted = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  reason: PoolExhausted["reason"],
  retryAfter: number | undefined
): Effect.Effect<never, PoolExhausted> =>
  Effect.suspend(() => {
    const fields = {
      pool: core.options.name,
      stats: stats(core),
      reason,
      ...classOf(core, waiter),
      ...after(retryAfter)
    }
    return failWith(PoolExhausted, fields, waiter)
  })

/** The name of a borrower's class, where it has named one. */
export const classOf = <A, D>({ classes }: Core<A, D>, { request }: Waiter<A, D>) => {
  const name = classes?.of(request).account.name
  return name === undefined ? {} : { class: name }
}

const after = (millis: number | undefined) =>
  millis === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(millis)) }

export const timedOut = <A, D>(
  core: Core<A, D>,
  waiter: Waiter<A, D>,
  phase: BorrowTimeout["phase"],
  retryAfter: number | undefined
): Effect.Effect<never, BorrowTimeout> => {
  const waited = span(core.deadlines.now() - waiter.since)
  const lastFailure = waiter.trouble?.lastFailure ?? (core.retry.failing ? core.retry.failure : undefined)
  return Effect.withFiber((fiber) => {
    const fields = {
      pool: core.options.name,
      stats: stats(core),
      waited,
      phase,
      held: held(core, fiber),
      ...classOf(core, waiter),
      ...after(retryAfter)
    }
    return failWith(
      BorrowTimeout,
      lastFailure === undefined ? fields : { ...fields, lastFailure },
      waiter
    )
  })
}

export const leaseExpired = <A, D>(
  core: Core<A, D>,
  lease: ActiveLease<A, D>,
  reason: LeaseExpired["reason"]
): Effect.Effect<never, LeaseExpired> =>
  Effect.suspend(() =>
    failWith(LeaseExpired, {
      pool: core.options.name,
      stats: stats(core),
      leaseId: lease.id,
      objectId: lease.entry.id,
      reason
    }, undefined)
  )
