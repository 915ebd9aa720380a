/**
 * What a borrower says of the object that he holds, and how he says that its use has ended.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { LeaseExpired } from "../../PoolError.ts"
import type { Act, Outcome } from "./protocol.ts"
import { toDuration } from "./words.ts"

/** Does what a borrower says of the object that he holds. What is detached stays with `scope`. */
export const acted = <A, D>(scope: Scope.Scope, lease: Lease<A, D>, act: Act): Effect.Effect<unknown, LeaseExpired> => {
  switch (act._tag) {
    case "Invalidate":
      return lease.invalidate
    case "Rest":
      return Effect.suspend(() => lease.rest(toDuration(act.duration) ?? 0, act.facet))
    case "Charge":
      return lease.charge(act.cost, act.name)
    case "Report":
      return Effect.flatMap(
        Effect.clockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe())),
        (now) =>
          lease.report({
            name: act.name,
            remaining: act.remaining,
            resetsAt: act.resetsIn === undefined ? undefined : now + act.resetsIn
          })
      )
    case "Recount":
      return lease.recount
    case "Renew":
      return lease.renew
    case "Detach":
      return Scope.provide(lease.detach, scope)
  }
}

/** How a body has ended, as a judge is told of it. */
export const toExit = ({ ended, message, tag }: Outcome): Exit.Exit<unknown, unknown> => {
  switch (ended) {
    case "Success":
      return Exit.void
    case "Interrupt":
    case "Expired":
      return Exit.interrupt()
    case "Fail":
      return Exit.fail(told(tag, message))
    case "Die":
      return Exit.die(told(tag, message))
  }
}

/** What is left of an error that has come from another process. */
const told = (tag: string | undefined, message: string | undefined): Error =>
  Object.assign(new Error(message), tag === undefined ? {} : { _tag: tag })
