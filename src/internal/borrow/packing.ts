/**
 * What a borrower gets instead of the lease: made by `pack` under the lease, in a scope that ends with it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { attach, handleOf } from "../lease/handle.ts"
import { type ActiveLease, end } from "../lease/lease.ts"
import type { Core } from "../state/core.ts"
import { leaseExpired } from "../state/failures.ts"
import type { Request } from "../state/waiters.ts"
import * as Desk from "./desk.ts"
import { resolve, within } from "./interruption.ts"

/** Packs a lease. `pack` runs in the borrower's fiber, with the services that the pool was built with. */
export const pack = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>): Effect.Effect<unknown, unknown> => {
  const packed = core.options.pack!(handleOf(lease))
  // `pack` itself may have ended the lease
  if (lease.over !== undefined) return leaseExpired(core, lease, lease.over)
  if (!Effect.isEffect(packed)) return Exit.succeed(packed)
  const scope = lease.packScope = Scope.makeUnsafe()
  return Effect.updateContext(
    packed as Effect.Effect<unknown, unknown, Scope.Scope>,
    (context: Context.Context<never>) => Context.add(Context.merge(context, core.context), Scope.Scope, scope)
  )
}

/** Borrows and packs. A pack that fails, or is interrupted, ends the lease at once; a lease that is over ends the pack. */
export const borrowPacked = <A, D>(
  core: Core<A, D>,
  request: Request<A, D>
): Effect.Effect<unknown, unknown, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const scope = Context.getUnsafe(fiber.context, Scope.Scope)
    let lease: ActiveLease<A, D> | undefined
    const accept = (granted: ActiveLease<A, D>) => {
      lease = granted
      return attach(granted, scope)
    }
    return Effect.onExitPrimitive(
      Effect.flatMap(
        Effect.suspend(() => Desk.borrow(core, request, fiber, accept, undefined)),
        () =>
          lease!.over === undefined
            ? within(fiber, lease!, pack(core, lease!))
            : leaseExpired(core, lease!, lease!.over)
      ),
      (exit) => lease === undefined ? undefined : packed(fiber, lease, exit)
    )
  })

/** Packs a lease that its borrower's fiber has been granted. */
export const packGranted = <A, D>(
  core: Core<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  lease: ActiveLease<A, D>
): Effect.Effect<unknown, unknown> =>
  Effect.onExitPrimitive(
    Effect.suspend(() =>
      lease.over === undefined ? within(fiber, lease, pack(core, lease)) : leaseExpired(core, lease, lease.over)
    ),
    (exit) => packed(fiber, lease, exit)
  )

/** A pack has ended: its lease is the borrower's, unless it is over. */
const packed = <A, D>(
  fiber: Fiber.Fiber<unknown, unknown>,
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void, unknown> | undefined => {
  lease.holder = undefined
  if (lease.over === undefined && Exit.isSuccess(exit)) return undefined
  const rest = end(lease, exit)
  const resolved = resolve(fiber, lease, exit, rest)
  if (Exit.isFailure(exit) || resolved !== rest) return resolved
  // what `pack` made has been released with the lease: it is not handed out
  return Effect.andThen(rest ?? Effect.void, leaseExpired(lease.core, lease, lease.over!))
}
