/**
 * Failover: where the body of `with` fails on one object, it runs again on another.
 *
 * Invariants: the body runs under at most one lease at a time, never twice on one object, and at most once more than `times`
 * says.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ActiveLease } from "../lease/lease.ts"
import { type Core, population } from "../state/core.ts"
import type { Request } from "../state/waiters.ts"
import { bracket } from "./with.ts"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

export const failOver = <A, D, P>(
  core: Core<A, D>,
  request: () => Request<A, D>,
  f: (borrowed: P) => AnyEffect,
  times: number
): AnyEffect =>
  Effect.suspend(() => {
    const asked = request()
    const had = new Set<number>()
    const others: Request<A, D> = {
      ...asked,
      where: (pooled) => !had.has(pooled.id) && (asked.where === undefined || asked.where(pooled)),
      wants: (pooled) => !had.has(pooled.id) && (asked.wants === undefined || asked.wants(pooled))
    }
    const attempt = (last: Cause.Cause<unknown> | undefined): AnyEffect => {
      let lease: ActiveLease<A, D> | undefined
      const run = bracket(core, () => last === undefined ? asked : others, f, (held) => {
        lease = held
        if (last !== undefined) core.tallies.failovers++
      })
      return Effect.catchCause(run, (cause) => {
        // the last failure of the body stands where no other object is to be had
        if (lease === undefined) return Effect.failCause(isOver(cause) ? cause : last ?? cause)
        had.add(lease.entry.id)
        return isFailedOver(lease, cause) && had.size <= times && mayBeOthers(core, others.wants!)
          ? attempt(cause)
          : Effect.failCause(cause)
      })
    }
    return attempt(undefined)
  })

const isOver = (cause: Cause.Cause<unknown>): boolean => Cause.hasInterrupts(cause) || Cause.hasDies(cause)

/** Has the body failed on its object, rather than by itself? Or has its lease expired? */
const isFailedOver = <A, D>(lease: ActiveLease<A, D>, cause: Cause.Cause<unknown>): boolean =>
  !isOver(cause) &&
  (lease.over === "Expired" || (lease.over === "Released" && lease.verdict !== "Available"))

/** Is there an object that the call may have, whatever rests, and has not had, or could one be made? */
const mayBeOthers = <A, D>(core: Core<A, D>, wants: NonNullable<Request<A, D>["wants"]>): boolean => {
  if (core.creator !== undefined && (core.creator.making > 0 || population(core) < core.size.max)) return true
  return Array.from(core.registry.entries).some(({ condemned, pooled, status }) =>
    status !== "Invalid" && !condemned && wants(pooled)
  )
}
