/**
 * The function that runs under a lease of `with`. A promise cannot be stopped: it is told by its signal, and keeps the
 * object until it has settled, or its lease is over.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type { Lease } from "../../Lease.ts"
import { call } from "./callbacks.ts"
import { leaseIn, objectIn, whenOver } from "./lease.ts"
import type { Aborting, Running } from "./running.ts"
import { reasonOf, sees } from "./signals.ts"

export class Body<B> implements Aborting<Awaited<B>, unknown> {
  private readonly running: Running
  private readonly f: (object: never, signal: AbortSignal) => B
  /** The caller's own. */
  readonly signal: AbortSignal | undefined
  /** Absent where the function cannot see its signal: here one takes a fiber, which waits for the end of the lease. */
  private controller: AbortController | undefined = undefined
  private begun = false
  private settled = false
  /** Nobody waits for the function any more: its lease is over. */
  private dropped = false
  /** Can anything but itself still end it? Then the process is kept alive. */
  private ends = true
  private endWait = (): void => {}
  /** Where the function fails, it may be called again with another object. */
  private readonly again: boolean

  constructor(
    running: Running,
    f: (object: never, signal: AbortSignal) => B,
    signal: AbortSignal | undefined,
    again = false
  ) {
    this.again = again
    this.running = running
    this.f = f
    this.signal = signal
  }

  run(borrowed: unknown): Effect.Effect<Awaited<B>, unknown> {
    // it has fired in a callback of the borrow
    if (this.signal?.aborted) return Effect.fail(this.signal.reason)
    this.begun = true
    const lease = leaseIn(borrowed)
    if (this.signal === undefined && lease !== undefined && lease.expiresAt === undefined) {
      this.ends = false
      this.endWait()
    }
    const controller = this.controller = sees(this.f, 1) ? new AbortController() : undefined
    if (controller !== undefined && lease !== undefined) {
      whenOver(this.running, lease, (reason) => controller.abort(reason))
    }
    return Effect.onExit(
      call(() => this.call(borrowed, lease)),
      (exit) =>
        Effect.sync(() => {
          this.settled = !Exit.hasInterrupts(exit)
          this.dropped = !this.settled
          // it may wait for another object now: then it is its fiber that is told to stop
          if (this.again && Exit.isFailure(exit)) this.begun = this.settled = false
          // interrupted: its lease is over, which says why itself where it can be seen
          if (!this.settled && lease === undefined) controller?.abort()
        })
    )
  }

  /** What the function answers. Whoever waits for a promise may go: its failure is nobody's then, but for the log. */
  private call(borrowed: unknown, lease: Lease<unknown, unknown> | undefined): B {
    const answer = this.f(objectIn(borrowed) as never, this.controller?.signal as AbortSignal)
    if (!Predicate.isPromiseLike(answer)) return answer
    const settling = new Promise<unknown>((resolve) => resolve(answer))
    settling.then(undefined, (reason) => {
      if (!this.dropped && this.signal?.aborted !== true) return
      const about = lease === undefined ? {} : { object: lease.pooled.id, lease: lease.id }
      this.running.unheard(reason, [this.controller?.signal, this.signal], about)
    })
    return settling as B
  }

  abort(fiber: Fiber.Fiber<Awaited<B>, unknown> | undefined): void {
    if (!this.begun) fiber?.interruptUnsafe()
    else this.controller?.abort(reasonOf(this.signal!))
  }
  done(): boolean {
    return this.settled
  }
  waiting(end: () => void): void {
    this.endWait = end
    if (!this.ends) end()
  }
}
