/**
 * Spans of borrows, where the borrower's fiber has a tracer of its own. A borrow that waits has a span, with an event for
 * each thing that it waits for; one that is served at once says so on the span of its caller.
 *
 * A fiber keeps the tracer that was installed, and its span, beside its context: without a tracer a borrow costs one
 * comparison, and no lookup.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type { BorrowTimeout } from "../../PoolError.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Borrower } from "../state/borrower.ts"
import type { Core } from "../state/core.ts"

/** Has a tracer been installed? Effect's own, which is there without one, records for nobody. */
export const traces = ({ cache }: Borrower): boolean => cache.tracer !== undefined && cache.tracerEnabled

/** Writes on a span. A tracer that throws is no reason to lose a lease, or to fail who gives one back. */
const write = (on: () => void): void => {
  try {
    on()
  } catch {
    // a borrow goes on untraced where its tracer throws
  }
}

/** The span of a borrow that waits. */
export class Trace {
  private readonly span: Tracer.Span
  private readonly clock: Clock.Clock
  private phase: BorrowTimeout["phase"] | undefined = undefined

  constructor(span: Tracer.Span, clock: Clock.Clock) {
    this.span = span
    this.clock = clock
  }

  /** The borrow waits for something else from now on: an event of the span says so. */
  enter(phase: BorrowTimeout["phase"]): void {
    if (phase === this.phase) return
    this.phase = phase
    write(() => this.span.event(phase.toLowerCase(), this.clock.currentTimeNanosUnsafe()))
  }

  /** The borrow has its lease: the span describes it. */
  served<A, D>(lease: ActiveLease<A, D>, millis: number): void {
    write(() => describe(this.span, lease, millis))
  }
}

/** A borrow that waits, within a span of its own, which ends as it does. */
export const traced = <A, D, B, E>(
  core: Core<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>,
  wait: (trace: Trace) => Effect.Effect<B, E>
): Effect.Effect<B, E> =>
  Effect.useSpan("objectpool.borrow", (span) => {
    write(() => span.attribute("pool.name", core.options.name))
    return wait(new Trace(span, fiber.getRef(Clock.Clock)))
  })

/** The caller's span says that its borrow was served at once. */
export const servedAtOnce = <A, D>(borrower: Borrower, lease: ActiveLease<A, D>): void => {
  const { span } = borrower.cache
  if (span?._tag !== "Span" || span.status._tag === "Ended" || !traces(borrower)) return
  write(() => {
    span.attribute("pool.name", lease.core.options.name)
    describe(span, lease, 0)
  })
}

const describe = <A, D>(span: Tracer.Span, lease: ActiveLease<A, D>, millis: number): void => {
  span.attribute("pool.object", lease.entry.id)
  span.attribute("pool.lease", lease.id)
  span.attribute("pool.wait_ms", Math.max(0, Math.round(millis)))
}
