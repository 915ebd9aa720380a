/**
 * Ending the work that goes on under a lease that is over: a body, or a pack.
 *
 * Work in a child fiber is raced. Work in the borrower's own fiber is interrupted, and that fiber goes on afterwards.
 * Effect has no other way to end what a fiber is at, and means an interruption to be for good: so the frame that gives the
 * lease back takes that interruption from the fiber, and no other; one that comes from elsewhere stands. What a fiber keeps
 * of its interruptions, and of what is to follow, is no part of effect's interface: only this module looks at it.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { handleOf } from "../lease/handle.ts"
import type { ActiveLease, Work } from "../lease/lease.ts"
import { each } from "../state/core.ts"
import { leaseExpired } from "../state/failures.ts"
import { standDown, standIn } from "../state/owners.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

interface Insides {
  _interruptedCause: Cause.Cause<never> | undefined
  readonly interruptible: boolean
  readonly _stack: Array<unknown>
}

const insides = (fiber: AnyFiber): Insides => fiber as unknown as Insides

/** Says of an interruption which lease it is for. */
class Mark extends Context.Service<Mark, object>()("effect-object-pool/Mark") {}

const isMarked = <A, D>(reason: Cause.Reason<unknown>, lease: ActiveLease<A, D>): boolean =>
  lease.handle !== undefined && reason.annotations.get(Mark.key) === lease.handle

const hasMarked = <A, D>(cause: Cause.Cause<unknown>, lease: ActiveLease<A, D>): boolean =>
  cause.reasons.some((reason) => isMarked(reason, lease))

/** Interrupts the work under a lease in this fiber: {@link resolve} follows. */
export const interrupt = <A, D>(fiber: AnyFiber, lease: ActiveLease<A, D>): void => {
  const before = insides(fiber)._interruptedCause
  if (before !== undefined && hasMarked(before, lease)) return
  // the fiber runs on within that call
  each(lease.core, [() => fiber.interruptUnsafe(undefined, Context.make(Mark, handleOf(lease)))])
}

/** Takes the interruption by {@link interrupt} from a fiber. `false`: there is none, or there are others as well. */
const undo = <A, D>(fiber: AnyFiber, lease: ActiveLease<A, D>): boolean => {
  const inside = insides(fiber)
  const reasons = inside._interruptedCause?.reasons ?? []
  const others = reasons.filter((reason) => !isMarked(reason, lease))
  if (others.length === reasons.length) return false
  inside._interruptedCause = others.length === 0 ? undefined : Cause.fromReasons(others)
  return others.length === 0
}

/**
 * What a frame has to do that has given back a lease which was over before, beside `rest`: where the work has ended because
 * the lease was over, the frame ends with `LeaseExpired`. A defect stands.
 */
export const resolve = <A, D>(
  fiber: AnyFiber,
  lease: ActiveLease<A, D>,
  exit: Exit.Exit<unknown, unknown>,
  rest: Effect.Effect<void> | undefined
): Effect.Effect<void, unknown> | undefined => {
  const cut = undo(fiber, lease) || (Exit.isFailure(exit) && hasMarked(exit.cause, lease))
  // the work's answer is dropped, as the lease was over; but not where the pool closes
  if (!cut && (Exit.isFailure(exit) || lease.over === "Closed")) return rest
  const over = leaseExpired(lease.core, lease, lease.over!)
  if (Exit.isSuccess(exit)) return rest === undefined ? over : Effect.andThen(rest, over)
  // a frame passes the failure on, whatever it answers: to the next one, which is this
  insides(fiber)._stack.push(Effect.catchCause(Effect.void, (cause) => {
    const defects = cause.reasons.filter(Cause.isDieReason)
    return defects.length === 0 ? over : Effect.failCause(Cause.fromReasons(defects))
  }))
  return rest
}

/** Work in the borrower's own fiber, which ends whatever the reason is that the lease is over. */
class Own<A, D> implements Work {
  private readonly fiber: AnyFiber
  private readonly lease: ActiveLease<A, D>

  constructor(fiber: AnyFiber, lease: ActiveLease<A, D>) {
    this.fiber = fiber
    this.lease = lease
  }
  interrupt(): void {
    interrupt(this.fiber, this.lease)
  }
}

/**
 * Work in a child fiber, which is interrupted and awaited when the lease is over. The child borrows in the borrower's name,
 * and resumes the borrower as it ends.
 */
export class Race<A, D> implements Work {
  /** The lease that the work goes on under: of several the one that was over first. */
  private lease: ActiveLease<A, D>
  private child: AnyFiber | undefined = undefined
  /** The lease was over before the work has ended. */
  lost = false

  constructor(lease: ActiveLease<A, D>) {
    this.lease = lease
    lease.holder = this
  }
  interrupt(): void {
    this.lost = true
    if (this.child !== undefined) interrupt(this.child, this.lease)
  }
  /** One of several leases is over. */
  lose(lease: ActiveLease<A, D>): void {
    if (this.lost) return
    this.lease = lease
    this.interrupt()
  }
  /** Does some work until it has ended, or is interrupted since the lease is over. */
  run<B, E, R>(fiber: AnyFiber, work: Effect.Effect<B, E, R>): Effect.Effect<B, unknown, R> {
    // whoever has made the effect has ended the lease
    if (this.lost) return this.over()
    const named = Effect.withFiber((child): Effect.Effect<B, E, R> => {
      this.child = child
      standIn(child, fiber)
      return work
    })
    return Effect.callback<B, unknown, R>((resume) => {
      // the services that the work needs are those of the fiber
      const child = Effect.runForkWith(fiber.context as Context.Context<R>)(named)
      child.addObserver((exit) => {
        standDown(child)
        resume(this.lost ? this.over(exit) : exit)
      })
      return child.pollUnsafe() === undefined ? Fiber.interrupt(child) : undefined
    })
  }
  /** The race is lost, whatever the work has answered; but a defect stands. */
  private over(exit?: Exit.Exit<unknown, unknown>): Effect.Effect<never, unknown> {
    const defects = exit !== undefined && Exit.isFailure(exit) ? exit.cause.reasons.filter(Cause.isDieReason) : []
    return defects.length > 0
      ? Effect.failCause(Cause.fromReasons(defects))
      : leaseExpired(this.lease.core, this.lease, this.lease.over!)
  }
}

/** Does some work under a lease, in the borrower's own fiber where that can be interrupted. */
export const within = <A, D, B, E, R>(
  fiber: AnyFiber,
  lease: ActiveLease<A, D>,
  work: Effect.Effect<B, E, R>
): Effect.Effect<B, unknown, R> => {
  if (insides(fiber).interruptible) {
    lease.holder = new Own(fiber, lease)
    return work
  }
  return new Race(lease).run(fiber, work)
}
