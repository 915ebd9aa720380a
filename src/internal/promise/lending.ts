/**
 * Borrowing by a fiber, for those who have none: where there is a `pack`, a tracer, or a double of a pool.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { PackedLease } from "../../PromiseLease.ts"
import { leasesOfPacked } from "../borrow/several.ts"
import { type End, FullLease, HeldLease, leaseIn, objectIn } from "./lease.ts"
import type { Running } from "./running.ts"

/** The lease of what has been lent; `giveBack` ends one that does not show. */
const held = (running: Running, borrowed: unknown, giveBack: End): PackedLease<unknown> => {
  const lease = leaseIn(borrowed)
  if (lease === undefined) return new HeldLease<unknown>(running, borrowed, giveBack)
  return lease === borrowed ? FullLease.of(running, lease) : new FullLease(running, objectIn(borrowed), giveBack, lease)
}

/** Borrows into a scope of its own, which the lease that is lent closes. */
export const lending = <P, E>(running: Running, borrow: Effect.Effect<P, E, Scope.Scope>) => {
  const scope = Scope.makeUnsafe()
  const giveBack = Scope.close(scope, Exit.void)
  return beginning(running, scope, Effect.map(borrow, (borrowed) => held(running, borrowed, giveBack)))
}

/**
 * Borrows several into a scope of their own. Each is given back by itself; but of a double of a pool, whose leases do not
 * show, the first to be given back closes the scope.
 */
export const lendingMany = <P, E>(running: Running, borrow: Effect.Effect<ReadonlyArray<P>, E, Scope.Scope>) => {
  const scope = Scope.makeUnsafe()
  const giveBack = Scope.close(scope, Exit.void)
  const lent = Effect.map(borrow, (all) => {
    const leases = leasesOfPacked(all)
    return all.map((borrowed, i) => held(running, borrowed, leaseIn(borrowed)?.release ?? leases?.[i] ?? giveBack))
  })
  return beginning(running, scope, lent)
}

const beginning = <B, E>(running: Running, scope: Scope.Closeable, lent: Effect.Effect<B, E, Scope.Scope>) => {
  const giveBack = Scope.close(scope, Exit.void)
  return {
    begin: () => running.forkIn(lent, scope),
    // an interruption may come too late: nobody gets what was lent
    undo: (fiber: Fiber.Fiber<unknown, unknown>) => void fiber.addObserver(() => running.fork(giveBack))
  }
}
