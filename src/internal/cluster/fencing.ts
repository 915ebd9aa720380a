/**
 * Runs a body under a lease from another process: when that is over, the body does nothing more.
 *
 * A timer alone would not do. A process that was frozen, or whose event loop was held up, goes on with what was due first:
 * that may be the body, before the timer of its lease has had its turn. So the lease is looked at whenever a fiber of the
 * body runs, before each of its steps: its scheduler is asked there whether it should yield, and no other code of effect's
 * or of the user's comes between. That costs a reading of both clocks for each step, under `with` alone.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type { LeaseExpired } from "../../PoolError.ts"
import { standDown, standIn } from "../state/owners.ts"
import type { Body, RemoteLease } from "./lease.ts"

/** The scheduler of a body: the usual one, and a guard at each step. */
class Guard implements Scheduler.Scheduler {
  readonly executionMode: "sync" | "async"
  private readonly usual: Scheduler.Scheduler
  private readonly lease: { readonly isOver: boolean }
  /** It has yielded since the lease is over: finalizers are not held up by it. */
  private hasYielded = false

  constructor(usual: Scheduler.Scheduler, lease: { readonly isOver: boolean }) {
    this.usual = usual
    this.lease = lease
    this.executionMode = usual.executionMode
  }
  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.hasYielded || !this.lease.isOver) return this.usual.shouldYield(fiber)
    // the body is interrupted as its lease is found to be over, and what its fiber was about to do is not done
    this.hasYielded = true
    return true
  }
  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this.usual.makeDispatcher()
  }
}

/** Runs a body in a child fiber, which is interrupted and awaited when the lease is over. */
export const fenced = <A, D, B, E, R>(
  lease: RemoteLease<A, D>,
  body: Effect.Effect<B, E, R>
): Effect.Effect<B, E | LeaseExpired, R> =>
  Effect.withFiber((fiber) => {
    if (lease.isOver) return Effect.fail(lease.failure())
    const services = fiber.context as Context.Context<R>
    const guard = new Guard(Context.get(services, Scheduler.Scheduler), lease)
    const named = Effect.withFiber((child): Effect.Effect<B, E, R> => {
      standIn(child, fiber)
      lease.body = interrupting(child)
      return body
    })
    return Effect.callback<B, E | LeaseExpired, R>((resume) => {
      const child = Effect.runForkWith(Context.add(services, Scheduler.Scheduler, guard))(named)
      child.addObserver((exit) => {
        standDown(child)
        resume(lease.isOver ? over(lease, exit) : exit)
      })
      return child.pollUnsafe() === undefined ? Fiber.interrupt(child) : undefined
    })
  })

const interrupting = (child: Fiber.Fiber<unknown, unknown>): Body => ({ interrupt: () => child.interruptUnsafe() })

/** A body whose lease was over has lost, whatever it has answered; but a defect stands. */
const over = <A, D, E>(
  lease: RemoteLease<A, D>,
  exit: Exit.Exit<unknown, E>
): Exit.Exit<never, LeaseExpired> => {
  const defects = Exit.isFailure(exit) ? exit.cause.reasons.filter(Cause.isDieReason) : []
  if (defects.length > 0) return Exit.failCause(Cause.fromReasons(defects))
  return Exit.fail(lease.failure())
}
