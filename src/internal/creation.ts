/**
 * Making objects: each in a fiber of the pool, so that one that was begun for a borrower outlives it.
 *
 * Invariant: `making` counts the creations whose fiber has not ended. The room of a creation is free when its fiber has
 * ended, and whatever it had acquired has been released.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Waiter } from "./waiters.ts"

/** One object being made, and then detected for the first time. */
export class Creation<A, D> {
  readonly begunFor: Waiter<A, D> | undefined
  /** The waiter that it counts for now; what it makes serves whoever is the oldest. */
  owner: Waiter<A, D> | undefined
  phase: "Acquiring" | "Detecting" = "Acquiring"
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  interrupted = false
  abandoned = false

  constructor(waiter: Waiter<A, D> | undefined) {
    this.begunFor = waiter
    this.owner = waiter
  }
}

export interface CreatorOptions<A, D> {
  readonly acquire: Effect.Effect<A, unknown, Scope.Scope>
  /** May throw, as the user's function does. */
  readonly data: (object: A) => D
  readonly made: (creation: Creation<A, D>, object: A, data: D, scope: Scope.Closeable) => void
  readonly failed: (creation: Creation<A, D>, cause: Cause.Cause<unknown>) => void
}

export class Creator<A, D> {
  private readonly options: CreatorOptions<A, D>
  private readonly fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  private readonly running = new Set<Creation<A, D>>()

  constructor(
    options: CreatorOptions<A, D>,
    fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  ) {
    this.options = options
    this.fork = fork
  }

  get making(): number {
    return this.running.size
  }

  /** Starts to make an object. `made` or `failed` is called once, perhaps before this returns. */
  begin(creation: Creation<A, D>): void {
    const scope = Scope.makeUnsafe()
    this.running.add(creation)
    const made = Effect.map(Scope.provide(this.options.acquire, scope), (object) => ({
      object,
      data: this.options.data(object)
    }))
    let result: { readonly object: A; readonly data: D } | undefined
    const fiber = this.fork(
      Effect.onExitPrimitive(made, (exit) => {
        if (Exit.isFailure(exit)) return Scope.close(scope, exit)
        // kept here: an interruption in this instant turns the success of the fiber into a failure
        result = exit.value
        return undefined
      })
    )
    creation.fiber = fiber
    // asked for in its own first step
    if (creation.interrupted) fiber.interruptUnsafe()
    fiber.addObserver((exit) => {
      this.running.delete(creation)
      if (result !== undefined) this.options.made(creation, result.object, result.data, scope)
      else if (Exit.isFailure(exit)) this.options.failed(creation, exit.cause)
    })
  }

  interruptAll(): void {
    for (const creation of [...this.running]) {
      creation.interrupted = true
      creation.fiber?.interruptUnsafe()
    }
  }

  /** Stops counting what does not end; whatever it makes after all is destroyed. */
  abandonAll(): number {
    const n = this.running.size
    for (const creation of this.running) creation.abandoned = true
    this.running.clear()
    return n
  }
}
