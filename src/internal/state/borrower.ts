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

/** What other processes that borrow from pools of this one are called, by their ids: those are below the others. */
const processes = new Map<number, string>()
let lastProcess = promised.id

/** A process begins to borrow: its id. Whoever borrows for it {@link forget}s it. */
export const introduce = (name: string): number => {
  processes.set(--lastProcess, name)
  return lastProcess
}

export const forget = (id: number): void => void processes.delete(id)

/** What a process is called; `undefined` for whoever is of this one. */
export const processOf = (owner: number): string | undefined => processes.get(owner)

/** What a borrower is called where somebody looks at the pool. */
export const called = (owner: number): string =>
  owner === promised.id ? "a promise" : processOf(owner) ?? `fiber #${owner}`
