/**
 * Runs effects for callers that have no Effect: as promises, or in this very step.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import {
  BorrowTimeout,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolExhausted,
  PoolFull
} from "../../PoolError.ts"
import { checks } from "../state/validation.ts"
import * as Site from "../structures/site.ts"
import { traces } from "../watching/tracing.ts"
import { Alive } from "./clock.ts"
import { isAnswerTo, reasonOf, unlisten } from "./signals.ts"

/** What a failed effect failed with: the failure itself, and nothing around it. */
export const thrown = (exit: Exit.Failure<unknown, unknown>): unknown => Cause.squash(exit.cause)

const kinds = [BorrowTimeout, DuplicateObject, InvalidPoolOptions, LeaseExpired, PoolClosed, PoolExhausted, PoolFull]

/** Those that say whose call here has failed. */
const found = new WeakSet<Error>()

/** Is it an error of a pool that does not say yet whose call has failed? What cannot be looked at is none. */
const isLost = (error: unknown): error is Error => {
  try {
    return error instanceof Error && kinds.some((kind) => error instanceof kind) && !found.has(error) &&
      // one that says so by itself; but that of a lease may know only the step in which its time was over
      (!Site.isTold(error) || error instanceof LeaseExpired)
  } catch {
    return false
  }
}

/** Such an error says what this step knows. */
const locate = (error: Error): void => {
  found.add(error)
  const site = Site.ofStep(locate)
  if (site !== undefined) Site.tellOf(error, site)
}

/** An error of a pool says whose call it is that fails with it in this step. */
export const located = (error: unknown): unknown => {
  if (isLost(error)) locate(error)
  return error
}

const turn = Promise.resolve()

/** A function that does something the first time that it is called. */
const once = (f: () => void): () => void => {
  let called = false
  return () => {
    if (called) return
    called = true
    f()
  }
}

/**
 * The rejection of somebody who has waited. When it comes, the promise that is resolved with this one waits for it, and so
 * do those who wait for that: a runtime with asynchronous stacks finds them there.
 */
const rejection = async (error: Error): Promise<never> => {
  await turn
  await turn
  locate(error)
  throw error
}

/** Settles a promise with an error, which says where: as far as this step knows, or whoever awaits the promise. */
export const fail = (
  error: unknown,
  waited: boolean,
  resolve: (rejection: Promise<never>) => void,
  reject: (error: unknown) => void
): void => {
  if (!isLost(error)) return reject(error)
  if (waited) return resolve(rejection(error))
  locate(error)
  reject(error)
}

/** Is it what one of these leases answers that is over? Of any, where they do not show. */
const isOver = (error: unknown, about: ReadonlyArray<{ readonly lease: number }>): boolean => {
  try {
    return error instanceof LeaseExpired && (about.length === 0 || about.some(({ lease }) => error.leaseId === lease))
  } catch {
    return false
  }
}

/** What a promise that may be aborted has to do with its fiber. */
export interface Aborting<B, E> {
  readonly signal: AbortSignal | undefined
  /** The signal has fired: sees to what has begun. Perhaps before there is a fiber, and then again. */
  readonly abort: (fiber: Fiber.Fiber<B, E> | undefined) => void
  /** It is too late to abort anything. */
  readonly done?: () => boolean
  /** Is given what ends the wait for the pool, which keeps the process alive, before the fiber has ended. */
  readonly waiting?: (end: () => void) => void
}

export class Running {
  /** The name of the pool. */
  readonly name: string
  /** Are its callbacks functions, which note what takes time? */
  readonly notes: boolean
  readonly context: Context.Context<never>
  /** Looks at what the calls of the pool are given. */
  readonly check: ReturnType<typeof checks>
  readonly alive = new Alive()
  /** What the borrower of a lease has in hand. */
  readonly leases = new WeakMap<Lease<unknown, unknown>, unknown>()
  /** The callback that answered with a promise last. */
  later: string | undefined = undefined

  /** Is there a tracer, which sees borrows as spans of their fibers? */
  get traced(): boolean {
    return this.now(Effect.withFiber((fiber) => Effect.succeed(traces(fiber))))
  }

  constructor(name: string, context: Context.Context<never>, notes: boolean) {
    this.name = name
    this.check = checks(name)
    // what does not suspend ends in its step
    this.context = Context.add(context, Scheduler.PreventSchedulerYield, true)
    this.notes = notes
  }

  fork<B, E>(effect: Effect.Effect<B, E>): Fiber.Fiber<B, E> {
    return Effect.runForkWith(this.context)(effect)
  }

  forkIn<B, E>(effect: Effect.Effect<B, E, Scope.Scope>, scope: Scope.Scope): Fiber.Fiber<B, E> {
    return Effect.runForkWith(Context.add(this.context, Scope.Scope, scope))(effect)
  }

  /**
   * A body has failed when nobody waited for it any more: a line in the log, about the object and the lease of these ids,
   * the first of several.
   * Not where it has but heard, by its signal or its borrower's, or by its lease, that nobody does.
   */
  unheard(
    failure: unknown,
    signals: ReadonlyArray<AbortSignal | undefined>,
    about: ReadonlyArray<{ readonly object: number; readonly lease: number }>
  ): void {
    if (signals.some((signal) => isAnswerTo(failure, signal)) || isOver(failure, about)) return
    const line = Effect.logWarning("A body failed when nobody waited for it any more", Cause.fail(failure))
    this.fork(Effect.annotateLogs(line, { pool: this.name, ...about[0] }))
  }

  /** Runs what never suspends. */
  now<B, E>(effect: Effect.Effect<B, E>): B {
    const exit = this.fork(effect).pollUnsafe()!
    if (Exit.isSuccess(exit)) return exit.value
    throw this.failure(exit)
  }

  /** What a fiber has failed with that has not waited. */
  failure(exit: Exit.Failure<unknown, unknown>): unknown {
    return located(thrown(exit))
  }

  /** What an effect fails with that never suspends, and never succeeds. */
  failureOf(failure: Effect.Effect<never, unknown>): unknown {
    return thrown(this.fork(failure).pollUnsafe() as Exit.Failure<never, unknown>)
  }

  promise<B, E>(effect: Effect.Effect<B, E>): Promise<B> {
    return this.ending(() => this.fork(effect))
  }

  /**
   * What a fiber ends with; meanwhile the process is kept alive. Where the signal fires before, its reason is the
   * rejection.
   */
  ending<B, E>(begin: () => Fiber.Fiber<B, E>, aborting?: Aborting<B, E>): Promise<B> {
    return new Promise((resolve, reject) => {
      const signal = aborting?.signal
      if (signal?.aborted) return reject(signal.reason)
      let fiber: Fiber.Fiber<B, E> | undefined = undefined
      let over = false
      let waited = false
      let stop = () => {}
      const aborted = () => {
        if (aborting!.done?.() === true) return
        over = true
        // first, since an interruption may end the fiber at once
        reject(reasonOf(signal!))
        stop()
        aborting!.abort(fiber)
      }
      // before it begins: a function of the user's may abort it
      signal?.addEventListener("abort", aborted, { once: true })
      fiber = begin()
      if (over) aborting!.abort(fiber)
      else if (fiber.pollUnsafe() === undefined) {
        waited = true
        this.alive.count(1)
        stop = once(() => this.alive.count(-1))
        aborting?.waiting?.(stop)
      }
      fiber.addObserver((exit) => {
        if (signal !== undefined) unlisten(signal, aborted)
        stop()
        if (over) return
        if (Exit.isSuccess(exit)) return resolve(exit.value)
        fail(thrown(exit), waited, resolve, reject)
      })
    })
  }
}
