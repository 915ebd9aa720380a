/**
 * What a borrower gets instead of the lease: made under it, in a scope that ends with it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Core } from "./core.ts"
import { attach, handleOf } from "./handle.ts"
import { type ActiveLease, end } from "./lease.ts"
import * as Lending from "./lending.ts"
import type { Request } from "./waiters.ts"

/** Packs a lease. It runs in the borrower's fiber, with what the pool was built with. */
export const pack = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>): Effect.Effect<unknown, unknown> => {
  const packed = core.options.pack!(handleOf(lease))
  if (!Effect.isEffect(packed)) return Exit.succeed(packed)
  const scope = Scope.makeUnsafe()
  const scoped = Effect.updateContext(
    packed as Effect.Effect<unknown, unknown, Scope.Scope>,
    (context: Context.Context<never>) => Context.add(Context.merge(context, core.context), Scope.Scope, scope)
  )
  // the lease is over already: what is acquired under it is released at once
  if (lease.returned) return Effect.andThen(Scope.close(scope, Exit.void), scoped)
  lease.packScope = scope
  return scoped
}

/** Borrows and packs. A pack that fails, or is interrupted, ends the lease at once. */
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
        Effect.suspend(() => Lending.borrow(core, request, fiber, accept, undefined)),
        () => pack(core, lease!)
      ),
      (exit) => Exit.isFailure(exit) && lease !== undefined ? end(lease, exit) : undefined
    )
  })
