/**
 * The function that runs under a lease of `with`. A promise cannot be stopped: it is told by its signal, and keeps the
 * object until it has settled, or its lease is over.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type { Lease } from "../../Lease.ts"
import { call } from "./callbacks.ts"
import { leaseIn, objectIn, whenOver } from "./lease.ts"
import type { Aborting, Running } from "./running.ts"
import { left } from "./settled.ts"
import { reasonOf, sees } from "./signals.ts"

/** One call of the function. */
interface Run {
  readonly controller: AbortController | undefined
  readonly leases: ReadonlyArray<Lease<unknown, unknown>>
  /** Nobody waits for it any more: its lease is over. */
  dropped: boolean
}

export class Body<B> implements Aborting<Awaited<B>, unknown> {
  private readonly running: Running
  private readonly f: (object: never, signal: AbortSignal) => B
  /** The caller's own. */
  readonly signal: AbortSignal | undefined
  /** Absent where the function cannot see its signal: here one takes a fiber, which waits for the end of the lease. */
  private controller: AbortController | undefined = undefined
  private begun = false
  private settled = false
  /** Can anything but itself still end it? Then the process is kept alive. */
  private ends = true
  private endWait = (): void => {}
  /** Where the function fails, it may be called again with another object. */
  private readonly again: boolean
  /** It is given the objects of several leases. */
  private readonly several: boolean

  constructor(
    running: Running,
    f: (object: never, signal: AbortSignal) => B,
    signal: AbortSignal | undefined,
    again = false,
    several = false
  ) {
    this.several = several
    this.again = again
    this.running = running
    this.f = f
    this.signal = signal
  }

  run(borrowed: unknown): Effect.Effect<Awaited<B>, unknown> {
    // it has fired in a callback of the borrow
    if (this.signal?.aborted === true) return left(reasonOf(this.signal))
    this.begun = true
    const all = this.all(borrowed)
    const leases = all.map(leaseIn).filter((lease) => lease !== undefined)
    const isEndless = leases.length === all.length && leases.every(({ expiresAt }) => expiresAt === undefined)
    // where the function may be called again, another object may have to be waited for
    if (!this.again && this.signal === undefined && isEndless) {
      this.ends = false
      this.endWait()
    }
    const controller = this.controller = sees(this.f, 1) ? new AbortController() : undefined
    const tells = () => {
      if (controller === undefined) return
      for (const lease of leases) whenOver(this.running, lease, (reason) => controller.abort(reason))
    }
    tells()
    const run: Run = { controller, leases, dropped: false }
    return Effect.onExit(
      Effect.catchCause(
        call(() => this.call(borrowed, run)),
        (cause) => this.signal?.aborted === true ? left(Cause.squash(cause)) : Exit.failCause(cause)
      ),
      (exit) =>
        Effect.sync(() => {
          this.settled = !Exit.hasInterrupts(exit)
          run.dropped = !this.settled
          // it may wait for another object now: then it is its fiber that is told to stop
          if (this.again && Exit.isFailure(exit)) this.begun = this.settled = false
          if (!run.dropped) return
          // its lease is over, which says why itself where it can be seen: now, before the function is called again
          if (leases.length === 0) controller?.abort()
          else tells()
        })
    )
  }

  private all(borrowed: unknown): ReadonlyArray<unknown> {
    return this.several ? borrowed as ReadonlyArray<unknown> : [borrowed]
  }

  /** What the function answers. Whoever waits for a promise may go: its failure is nobody's then, but for the log. */
  private call(borrowed: unknown, run: Run): B {
    const given = this.several ? this.all(borrowed).map(objectIn) : objectIn(borrowed)
    let answer: B
    try {
      answer = this.f(given as never, run.controller?.signal as AbortSignal)
    } catch (reason) {
      this.failed(reason, run)
      throw reason
    }
    if (!Predicate.isPromiseLike(answer)) return answer
    const settling = new Promise<unknown>((resolve) => resolve(answer))
    settling.then(undefined, (reason) => this.failed(reason, run))
    return settling as B
  }

  /** A call has failed: a line in the log, where nobody waits for it any more. */
  private failed(reason: unknown, { controller, dropped, leases }: Run): void {
    if (!dropped && this.signal?.aborted !== true) return
    const about = leases.map(({ id, pooled }) => ({ object: pooled.id, lease: id }))
    this.running.unheard(reason, [controller?.signal, this.signal], about)
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
