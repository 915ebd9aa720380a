/**
 * Borrowing by a promise, straight from the desk: a fiber is begun for a failure alone, which is an effect.
 *
 * What is lendable is lent in the caller's step. Else there is a waiter, and the step that decides its outcome settles a
 * promise of its own: what follows is called in a later microtask, in the caller's asynchronous context. The outcome is
 * looked at there, and not before: the waiter of a lease that was taken back meanwhile is in the queue again.
 *
 * Invariants:
 * - From the grant to that microtask the waiter is the holder of the lease; then the borrowing is, while its body runs.
 * - The promise of a borrower is settled once: by his signal, by the end of his lease, or by the end of his body, whichever
 *   comes first. His lease ends with the body, or when it is over.
 * - The process is kept alive while anything but the body can settle that promise.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type { BorrowOptions } from "../../PoolOptions.ts"
import { lendNow, pickNow, queue } from "../borrow/desk.ts"
import { ActiveLease, end, type Work } from "../lease/lease.ts"
import { toRequest } from "../pool/options.ts"
import { promised } from "../state/borrower.ts"
import { type Core, soon } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { leaseExpired } from "../state/failures.ts"
import type { Request } from "../state/waiters.ts"
import * as Site from "../structures/site.ts"
import { Relay } from "../structures/slice.ts"
import { outcomeOf, Waiting } from "../waiting/outcome.ts"
import { FullLease } from "./lease.ts"
import { fail, type Running } from "./running.ts"
import { left } from "./settled.ts"
import { hasSignal, reasonOf, unlisten } from "./signals.ts"

/** The waiter of somebody who awaits a promise. */
class Awaiting<A, D> extends Waiting<A, D> {
  private readonly relay: Relay

  constructor(core: Core<A, D>, request: Request<A, D>, relay: Relay) {
    super(core, request, promised)
    this.relay = relay
  }
  /** One who is resumed may give back at once what the next waits for, and so on: others have their turn in between. */
  resumeSoon(): void {
    if (this.relay.over) soon(this.core, () => this.resume?.(Effect.void))
    else this.resume!(Effect.void)
  }
}

const { constructor, then } = Promise.prototype as { readonly constructor: unknown; readonly then: unknown }

/** Is it a promise that nobody has written on, nor made a kind of his own of? */
const isPlain = (answer: unknown): answer is Promise<unknown> => {
  try {
    return answer instanceof Promise && answer.constructor === constructor && (answer.then as unknown) === then
  } catch {
    return false
  }
}

const nothing = (): void => {}
let resolving: (value: unknown) => void = nothing
let rejecting: (reason: unknown) => void = nothing

/** Keeps what settles a promise that is being made, for whoever makes it: a function of his own would cost as much again. */
const keep = (resolve: (value: never) => void, reject: (reason: unknown) => void): void => {
  resolving = resolve as typeof resolving
  rejecting = reject
}

/** Lets go of them: they hold their promise, and what that is settled with. */
const letGo = (): void => {
  resolving = rejecting = nothing
}

/** The function that runs under a lease of `with`. */
type Body<A> = (object: A, signal: AbortSignal) => unknown

/**
 * One borrow, whose promise is settled with a lease; or, for `with`, with what a function answers that runs under it. A
 * promise cannot be stopped: the function is told by its signal, and keeps the object until it has settled, or its lease is
 * over.
 */
class Borrowing<A, D> implements Work {
  private readonly desk: PromiseDesk<A, D>
  private readonly request: Request<A, D>
  /** The caller's own. */
  private readonly signal: AbortSignal | undefined
  private readonly body: Body<A> | undefined
  /** What the borrower has: made as it is settled, which costs least, or before that, where that is later. */
  private made: Promise<unknown> | undefined = undefined
  private resolve: (answer: unknown) => void = nothing
  private reject: (reason: unknown) => void = nothing
  private waiter: Awaiting<A, D> | undefined = undefined
  private lease: ActiveLease<A, D> | undefined = undefined
  private aborting: (() => void) | undefined = undefined
  /** Tells the body; absent where that cannot see a signal, and one is dear. */
  private controller: AbortController | undefined = undefined
  /** The promise is settled, or about to be. */
  private settled = false
  /** The caller's step has ended. */
  private waited = false
  /** The process is kept alive. */
  private kept = false

  constructor(
    desk: PromiseDesk<A, D>,
    request: Request<A, D>,
    signal: AbortSignal | undefined,
    body: Body<A> | undefined
  ) {
    this.desk = desk
    this.request = request
    this.signal = signal
    this.body = body
    try {
      this.begin()
    } catch (error) {
      this.fail(error)
    }
  }

  get promise(): Promise<unknown> {
    return this.made!
  }

  private begin(): void {
    const { desk: { core, relay }, request, signal } = this
    if (signal !== undefined) {
      if (signal.aborted) return this.fail(signal.reason)
      // before anything else: a function of the user's may abort it
      signal.addEventListener("abort", this.aborting = () => this.abort(), { once: true })
    }
    const picked = pickNow(core, request)
    const lease = picked && lendNow(core, picked, request, promised)
    if (lease !== undefined) return this.served(lease)
    const waiter = this.waiter = new Awaiting(core, request, relay)
    queue(core, waiter, picked)
    if (this.settled) void waiter.leave()
    else if (waiter.lane === undefined) this.goOn(waiter)
    else this.wait(waiter)
  }

  /** The promise will be settled after the caller's step. */
  private later(): void {
    this.waited = true
    if (this.made !== undefined) return
    this.made = new Promise(keep)
    this.resolve = resolving
    this.reject = rejecting
    letGo()
  }

  private wait(waiter: Awaiting<A, D>): void {
    this.later()
    this.keepAlive(true)
    const woken = new Promise<unknown>(keep)
    waiter.resume = resolving
    letGo()
    void woken.then(() => this.goOn(waiter))
  }

  private goOn(waiter: Awaiting<A, D>): void {
    // the borrower has left
    if (this.settled) return
    // the lease was taken back before its borrower could be told
    if (waiter.lane !== undefined) return this.wait(waiter)
    this.waiter = undefined
    const outcome = outcomeOf(waiter)
    if (outcome instanceof ActiveLease) this.served(outcome)
    else this.failBy(outcome)
  }

  /** A lease has been granted, perhaps for nothing: its borrower may have gone, and it may be over. */
  private served(lease: ActiveLease<A, D>): void {
    if (this.settled) return void end(lease, Exit.void, false)
    if (this.body === undefined) return this.succeed(FullLease.given(this.desk.running, lease))
    if (lease.over !== undefined) return this.failBy(leaseExpired(lease.core, lease, lease.over))
    this.lease = lease
    lease.holder = this
    this.run(lease, this.body)
  }

  private run(lease: ActiveLease<A, D>, body: Body<A>): void {
    try {
      if (hasSignal(body)) this.controller = new AbortController()
      const answer = body(lease.entry.object, this.controller?.signal as AbortSignal)
      const plain = isPlain(answer)
      if (!plain && !Predicate.isPromiseLike(answer)) return this.ended(answer, undefined)
      this.later()
      if (!this.settled) this.keepAlive(this.signal !== undefined || lease.expiry !== undefined)
      // a thenable may be badly made: a promise of it settles once, later, and never throws
      const settling = plain ? answer : new Promise((resolve) => resolve(answer))
      void settling.then(
        (value) => this.ended(value, undefined),
        (reason) => this.ended(undefined, { reason })
      )
    } catch (reason) {
      this.ended(undefined, { reason })
    }
  }

  /** The body has ended: where the promise is settled, its answer is dropped, and a failure is a line in the log. */
  private ended(answer: unknown, failure: { readonly reason: unknown } | undefined): void {
    const lease = this.lease!
    // how the body has ended is for the judge alone
    end(lease, lease.core.options.judge === undefined ? Exit.void : this.exitOf(answer, failure))
    if (this.settled) return failure === undefined ? undefined : this.unheard(failure.reason)
    if (failure === undefined) this.succeed(answer)
    else this.fail(failure.reason)
  }

  private exitOf(answer: unknown, failure: { readonly reason: unknown } | undefined): Exit.Exit<unknown, unknown> {
    if (failure === undefined) return Exit.succeed(answer)
    return this.settled ? left(failure.reason) : Exit.fail(failure.reason)
  }

  private unheard(reason: unknown): void {
    const { entry, id } = this.lease!
    this.desk.running.unheard(reason, [this.controller?.signal, this.signal], [{ object: entry.id, lease: id }])
  }

  /**
   * The lease is over before the body has ended. Where the pool closes, a body whose lease has no time-out goes on: it has
   * had its time. Its signal fires all the same, when the object has been taken back, as for all who watch the lease.
   */
  interrupt(): void {
    const lease = this.lease!
    const { controller } = this
    if (controller !== undefined) {
      lease.watchers ??= new Set()
      lease.watchers.add(() => controller.abort(this.expired(lease)))
    }
    if (lease.over === "Closed" && lease.expiry === undefined) return
    end(lease, Exit.void)
    if (!this.settled) this.fail(this.expired(lease))
  }

  private expired(lease: ActiveLease<A, D>): unknown {
    return this.desk.running.failureOf(leaseExpired(lease.core, lease, lease.over!))
  }

  /** The caller's signal has fired. */
  private abort(): void {
    const reason = reasonOf(this.signal!)
    // it listens once: to be taken off as the others are being told costs a search among them
    this.aborting = undefined
    this.settle()
    if (this.made === undefined) this.made = Promise.reject(reason)
    else this.reject(reason)
    void this.waiter?.leave()
    this.controller?.abort(reason)
  }

  private succeed(answer: unknown): void {
    this.settle()
    if (this.made === undefined) this.made = Promise.resolve(answer)
    else this.resolve(answer)
  }
  private fail(error: unknown): void {
    this.settle()
    if (this.made !== undefined) return fail(error, this.waited, this.resolve, this.reject)
    fail(error, false, nothing, (error) => {
      this.made = Promise.reject(error)
    })
  }
  private failBy(failure: Effect.Effect<never, unknown>): void {
    this.fail(this.desk.running.failureOf(failure))
  }

  private settle(): void {
    this.settled = true
    this.keepAlive(false)
    if (this.aborting !== undefined) unlisten(this.signal!, this.aborting)
  }
  private keepAlive(keep: boolean): void {
    if (keep === this.kept) return
    this.kept = keep
    this.desk.running.alive.count(keep ? 1 : -1)
  }
}

/** What has begun, and has ended or may be taken back. */
export interface Begun<B> {
  readonly pollUnsafe: () => Exit.Exit<B, unknown> | undefined
  readonly interruptUnsafe: () => void
}

/** The desk of a pool, for those who have no fiber. */
export class PromiseDesk<A, D> {
  readonly running: Running
  readonly core: Core<A, D>
  /** Those who are resumed, since others last had their turn. */
  readonly relay: Relay
  private readonly usual: Request<A, D>
  private readonly usualNow: Request<A, D>

  constructor(running: Running, core: Core<A, D>) {
    this.running = running
    this.core = core
    this.relay = new Relay(core.deadlines, (then) => soon(core, then))
    this.usual = toRequest<A, D>(core.options, undefined, true)
    // one who does not wait has no limit to his time
    this.usualNow = toRequest<A, D>(core.options, { timeout: Infinity }, false)
  }

  /** What `operation`, which is on the stack, asks for. Throws `InvalidPoolOptions`. */
  private request(options: BorrowOptions<A, D> | undefined, queues: boolean, operation: Function): Request<A, D> {
    const { capturesSite } = this.core.options
    if (options === undefined && !capturesSite) return queues ? this.usual : this.usualNow
    const asked = queues ? options : { ...options, timeout: Infinity }
    return toRequest(this.core.options, asked, queues, capturesSite ? Site.here(operation) : undefined)
  }

  borrow(
    operation: Function,
    options: BorrowOptions<A, D> | undefined,
    signal: AbortSignal | undefined
  ): Promise<FullLease<A, D, A>> {
    const request = this.request(options, true, operation)
    return new Borrowing(this, request, signal, undefined).promise as Promise<FullLease<A, D, A>>
  }

  with<B>(
    operation: Function,
    f: (object: A, signal: AbortSignal) => B,
    options: BorrowOptions<A, D> | undefined,
    signal: AbortSignal | undefined
  ): Promise<Awaited<B>> {
    const request = this.request(options, true, operation)
    return new Borrowing(this, request, signal, f).promise as Promise<Awaited<B>>
  }

  /** A lease that is there at once; or what has begun in order to get one. */
  borrowNow(
    operation: Function,
    options: BorrowOptions<A, D> | undefined
  ): FullLease<A, D, A> | (() => Begun<FullLease<A, D, A>>) {
    const { core, running } = this
    const request = this.request(options, false, operation)
    const picked = pickNow(core, request)
    const lease = picked && lendNow(core, picked, request, promised)
    return lease === undefined ? () => this.attempt(request, picked) : FullLease.given(running, lease)
  }

  private attempt(request: Request<A, D>, picked: Entry<A, D> | undefined): Begun<FullLease<A, D, A>> {
    const { core, running } = this
    const waiter = new Awaiting(core, request, this.relay)
    waiter.hasty = core.detector !== undefined
    queue(core, waiter, picked)
    return {
      pollUnsafe: () => {
        if (waiter.lane !== undefined) return undefined
        const outcome = outcomeOf(waiter)
        return outcome instanceof ActiveLease
          ? Exit.succeed(FullLease.given(running, outcome))
          : running.fork(outcome).pollUnsafe()
      },
      interruptUnsafe: () => void waiter.leave()
    }
  }
}
