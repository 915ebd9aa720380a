/**
 * Who borrows: a fiber, or somebody who awaits a promise.
 *
 * Of a borrower the pool needs to know in whose name the lease is, for `held`, `drain` and `close`; and what it shows of
 * him to those who trace, or who look for a lease that is held too long. How he is resumed is his waiter's affair, and
 * what his lease is tied to is the affair of whoever borrows for him.
 */
import type * as Fiber from "effect/Fiber"

/** A fiber is one. */
export interface Borrower {
  readonly id: number
  readonly cache: Pick<Fiber.Fiber.Cache, "tracer" | "tracerEnabled" | "span" | "stackFrame">
}

/** Whoever awaits a promise: the pool does not know one from another. The ids of fibers begin after this one's. */
export const promised: Borrower = {
  id: 0,
  cache: { tracer: undefined, tracerEnabled: false, span: undefined, stackFrame: undefined }
}

/** What a borrower is called where somebody looks at the pool. */
export const called = (owner: number): string => owner === promised.id ? "a promise" : `fiber #${owner}`
