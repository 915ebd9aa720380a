/**
 * `with`: borrow, run, give back.
 *
 * The frame that gives the lease back is there before the borrow begins: nothing can come between. The run is itself the
 * effect that borrows, so that the whole costs one frame and one object beside the lease.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { handleOf } from "../lease/handle.ts"
import { type ActiveLease, end, type Work } from "../lease/lease.ts"
import type { Core } from "../state/core.ts"
import { leaseExpired } from "../state/failures.ts"
import type { Request } from "../state/waiters.ts"
import * as Desk from "./desk.ts"
import { interrupt, Race, resolve, within } from "./interruption.ts"
import { pack } from "./packing.ts"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** `held` is told of the lease before it ends. */
export const bracket = <A, D, P>(
  core: Core<A, D>,
  request: () => Request<A, D>,
  f: (borrowed: P) => AnyEffect,
  held?: (lease: ActiveLease<A, D>) => void
): AnyEffect => Effect.withFiber((fiber) => bracketIn(core, request(), f, fiber, held))

/** The same, in a fiber that runs already. */
export const bracketIn = <A, D, P>(
  core: Core<A, D>,
  request: Request<A, D>,
  f: (borrowed: P) => AnyEffect,
  fiber: Fiber.Fiber<unknown, unknown>,
  held?: (lease: ActiveLease<A, D>) => void
): AnyEffect => {
  const run = new Run(core, request, f, fiber)
  return Effect.onExitPrimitive(run, (exit) => {
    if (run.lease === undefined) return undefined
    held?.(run.lease)
    return run.end(run.lease, exit)
  })
}

const RunBase = function() {} as unknown as new() => AnyEffect

RunBase.prototype = Effectable.Prototype<Run<unknown, unknown, unknown>>({
  label: "ObjectPool.with",
  evaluate() {
    return this.start()
  }
})

/** As `Effect.isEffect`, which is called with so many kinds of values that V8 cannot inline it as it does this. */
const isEffect = (value: unknown): value is AnyEffect =>
  (typeof value === "object" ? value !== null : typeof value === "function") && Effect.TypeId in (value as object)

/** The wait has ended with a lease: the run goes on with its body. */
const hold = <A, D, P>(lease: ActiveLease<A, D>, run: Run<A, D, P>): Effect.Effect<unknown, unknown> => {
  run.lease = lease
  // the cast forgets the services that the body needs: the fiber that runs it has them
  return run as unknown as Effect.Effect<unknown, unknown>
}

class Run<A, D, P> extends RunBase implements Work {
  private readonly core: Core<A, D>
  private readonly request: Request<A, D>
  private readonly f: (borrowed: P) => AnyEffect
  lease: ActiveLease<A, D> | undefined = undefined
  /** The borrower's fiber. */
  private readonly above: Fiber.Fiber<unknown, unknown>

  constructor(
    core: Core<A, D>,
    request: Request<A, D>,
    f: (borrowed: P) => AnyEffect,
    above: Fiber.Fiber<unknown, unknown>
  ) {
    super()
    this.core = core
    this.request = request
    this.f = f
    this.above = above
  }

  start(): AnyEffect {
    // the run has waited for its lease
    if (this.lease !== undefined) return this.body()
    const { above, core, request } = this
    const picked = Desk.pickNow(core, request)
    this.lease = picked && Desk.lendNow(core, picked, request, above)
    if (this.lease !== undefined) return this.body()
    return Desk.wait(core, request, above, picked, hold<A, D, P>, this)
  }

  private body(): AnyEffect {
    const lease = this.lease!
    // the lease expired before this fiber was resumed with it, or a function of the user's has ended it in the grant
    if (lease.over !== undefined) return leaseExpired(this.core, lease, lease.over)
    if (lease.expiry === undefined) {
      lease.holder = this
      return this.use(lease)
    }
    const race = new Race(lease)
    const work = this.use(lease)
    // a body that has ended already needs no fiber, unless it has ended its lease
    return Exit.isExit(work) && !race.lost ? work : race.run(this.above, work)
  }

  private use(lease: ActiveLease<A, D>): AnyEffect {
    if (this.core.options.pack === undefined) return this.call(handleOf(lease) as P)
    const packing = pack(this.core, lease)
    return Effect.flatMap(lease.expiry === undefined ? within(this.above, lease, packing) : packing, (packed) => {
      // the pack of a lease that is over has been released
      if (lease.over !== undefined) return leaseExpired(this.core, lease, lease.over)
      if (lease.expiry === undefined) lease.holder = this
      return this.call(packed as P)
    })
  }

  private call(borrowed: P): AnyEffect {
    const body: unknown = this.f(borrowed)
    // a value that is no effect would end the fiber without running any frame, that of the lease included
    return isEffect(body) ? body : Effect.die(new TypeError("The body of `with` answered no effect"))
  }

  /** The lease has been revoked: the body is interrupted. Where the pool closes, it goes on: it has had its time. */
  interrupt(): void {
    const lease = this.lease!
    if (lease.over !== "Closed") interrupt(this.above, lease)
  }

  /** Called by the frame of the run: gives the lease back. */
  end(lease: ActiveLease<A, D>, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void, unknown> | undefined {
    const rest = end(lease, exit)
    return lease.over === "Released" ? rest : resolve(this.above, lease, exit, rest)
  }
}
