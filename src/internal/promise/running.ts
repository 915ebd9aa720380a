/**
 * Runs effects for callers that have no Effect: as promises, or in this very step.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { Alive } from "./clock.ts"

/** What a failed effect failed with: the failure itself, and nothing around it. */
export const thrown = (exit: Exit.Failure<unknown, unknown>): unknown => Cause.squash(exit.cause)

export class Running {
  readonly context: Context.Context<never>
  private readonly alive = new Alive()

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  fork<B, E>(effect: Effect.Effect<B, E>): Fiber.Fiber<B, E> {
    return Effect.runForkWith(this.context)(effect)
  }

  forkIn<B, E>(effect: Effect.Effect<B, E, Scope.Scope>, scope: Scope.Scope): Fiber.Fiber<B, E> {
    return Effect.runForkWith(Context.add(this.context, Scope.Scope, scope))(effect)
  }

  /** Runs what never suspends. */
  now<B, E>(effect: Effect.Effect<B, E>): B {
    const exit = this.fork(effect).pollUnsafe()!
    if (Exit.isSuccess(exit)) return exit.value
    throw thrown(exit)
  }

  /**
   * What a fiber ends with; meanwhile the process is kept alive. Where the signal fires before, its reason is the
   * rejection, and `abort` has to see to the rest.
   */
  ending<B, E>(fiber: Fiber.Fiber<B, E>, signal?: AbortSignal, abort = () => fiber.interruptUnsafe()): Promise<B> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        // first, since an interruption may end the fiber at once
        reject(signal!.reason)
        abort()
      }
      const end = (exit: Exit.Exit<B, E>) => {
        signal?.removeEventListener("abort", aborted)
        if (Exit.isSuccess(exit)) resolve(exit.value)
        else reject(thrown(exit))
      }
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return end(exit)
      this.alive.begin()
      fiber.addObserver((exit) => {
        this.alive.end()
        end(exit)
      })
      if (signal?.aborted) aborted()
      else signal?.addEventListener("abort", aborted)
    })
  }

  promise<B, E>(effect: Effect.Effect<B, E>): Promise<B> {
    return this.ending(this.fork(effect))
  }
}
