/**
 * Making objects: each in a fiber of the pool, so that one that was begun for a borrower outlives it.
 *
 * Invariants:
 * - `making` counts the creations whose fiber has not ended. The room of a creation is free when its fiber has ended, and
 *   whatever it had acquired has been released; also when its time was over long before.
 * - `tardy` counts those of them whose time is over.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Deadline, Deadlines } from "./deadlines.ts"
import type { Waiter } from "./waiters.ts"

/** One object being made, and then detected for the first time. It is its own time limit. */
export class Creation<A, D> implements Deadline {
  readonly begunFor: Waiter<A, D> | undefined
  /** The waiter that it counts for now; what it makes serves whoever is the oldest. */
  owner: Waiter<A, D> | undefined
  phase: "Acquiring" | "Detecting" = "Acquiring"
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  interrupted = false
  /** Monotonic. */
  began = 0
  /** A closing pool has given it up. */
  abandoned = false
  /** Its time was over before it ended. */
  late = false
  /** `rotate` was called while it was under way. */
  old = false
  fire: () => void = () => {}

  due = Infinity
  index = -1

  constructor(waiter: Waiter<A, D> | undefined) {
    this.begunFor = waiter
    this.owner = waiter
  }
}

interface Made<A, D> {
  readonly object: A
  readonly data: D
}

export interface CreatorOptions<A, D> {
  readonly acquire: Effect.Effect<A, unknown, Scope.Scope>
  /** May throw, as the user's function does. */
  readonly data: (object: A) => D
  /** Milliseconds. */
  readonly timeout: number
  readonly made: (creation: Creation<A, D>, object: A, data: D, scope: Scope.Closeable) => void
  readonly failed: (creation: Creation<A, D>, cause: Cause.Cause<unknown>) => void
  /** Its time is over; it has been interrupted, and will end. */
  readonly late: (creation: Creation<A, D>) => void
  /** Milliseconds: how long destroying what was made too late may take. */
  readonly closeTimeout: number
  /** It took longer, or so did cleaning up after what has failed. */
  readonly gaveUp: () => void
  /** One that was late has ended. `made`: it made an object after all, which has been destroyed. */
  readonly lateEnded: (creation: Creation<A, D>, made: boolean) => void
}

export class Creator<A, D> {
  private readonly options: CreatorOptions<A, D>
  private readonly deadlines: Deadlines
  private readonly fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  private readonly acquire: Effect.Effect<Made<A, D>, unknown, Scope.Scope>
  private readonly running = new Set<Creation<A, D>>()
  private tardy = 0
  /** How many of those whose time is not over were begun before the last rotation. */
  private old = 0

  constructor(
    options: CreatorOptions<A, D>,
    deadlines: Deadlines,
    fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  ) {
    this.options = options
    this.deadlines = deadlines
    this.fork = fork
    this.acquire = Effect.map(options.acquire, (object) => ({ object, data: options.data(object) }))
  }

  get making(): number {
    return this.running.size
  }

  /** Starts to make an object. `made` or `failed` is called once, perhaps before this returns; or `late`. */
  begin(creation: Creation<A, D>): void {
    const scope = Scope.makeUnsafe()
    this.running.add(creation)
    creation.began = this.deadlines.now()
    let result: Made<A, D> | undefined
    let closed = false
    let failed = false
    const fiber = this.fork(
      Effect.onExitPrimitive(Scope.provide(this.acquire, scope), (exit) => {
        // kept here: an interruption in this instant turns the success of the fiber into a failure
        if (Exit.isSuccess(exit)) result = exit.value
        if (result !== undefined && !creation.late) return undefined
        closed = true
        this.bound(creation, () => {
          if (creation.late || !Exit.isFailure(exit)) return
          failed = true
          this.options.failed(creation, exit.cause)
        })
        return Scope.close(scope, Exit.asVoid(exit))
      })
    )
    creation.fiber = fiber
    // asked for in its own first step
    if (creation.interrupted) fiber.interruptUnsafe()
    fiber.addObserver((exit) => {
      this.deadlines.cancel(creation)
      if (creation.late) {
        const end = () => {
          this.deadlines.cancel(creation)
          if (!this.remove(creation)) return
          this.options.lateEnded(creation, result !== undefined)
        }
        // it was made in the very instant that its time was over
        if (closed) return end()
        this.bound(creation, () => {})
        this.fork(Scope.close(scope, Exit.void)).addObserver(end)
        return
      }
      this.remove(creation)
      if (result !== undefined) this.options.made(creation, result.object, result.data, scope)
      else if (Exit.isFailure(exit) && !failed) this.options.failed(creation, exit.cause)
    })
    // one that has failed already has its bound
    if (fiber.pollUnsafe() !== undefined || this.options.timeout === Infinity || creation.index !== -1) return
    creation.fire = () => {
      creation.late = true
      if (!creation.abandoned) this.tardy++
      if (!creation.abandoned && creation.old) this.old--
      this.options.late(creation)
      fiber.interruptUnsafe()
    }
    this.deadlines.set(creation, creation.began + this.options.timeout)
  }

  /** What it has acquired is being released: that is not waited for without end. */
  private bound(creation: Creation<A, D>, then: () => void): void {
    if (this.options.closeTimeout === Infinity) return
    creation.fire = () => {
      if (!this.remove(creation)) return
      then()
      this.options.gaveUp()
    }
    this.deadlines.set(creation, this.deadlines.now() + this.options.closeTimeout)
  }

  /** How many are under way that may still serve somebody. */
  get promising(): number {
    return this.running.size - this.tardy
  }

  private remove(creation: Creation<A, D>): boolean {
    if (!this.running.delete(creation)) return false
    if (creation.late) this.tardy--
    else if (creation.old) this.old--
    return true
  }

  /** What is under way belongs to the past. */
  age(): void {
    for (const creation of this.running) creation.old = true
    this.old = this.promising
  }

  get aging(): boolean {
    return this.old > 0
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
    this.tardy = this.old = 0
    return n
  }
}
