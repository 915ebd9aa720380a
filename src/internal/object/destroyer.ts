/**
 * Destroying objects: in the pool's own fibers, off the path of whoever gave them back, a bounded number at a time, and
 * each given up after a time, so that one that hangs delays nobody.
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Entry } from "../state/entry.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"

/** A destruction that takes time. The record is itself the deadline of that time. */
class Destruction<A, D> implements Deadline {
  readonly entry: Entry<A, D>
  readonly fiber: Fiber.Fiber<unknown>
  private readonly gaveUp: (destruction: Destruction<A, D>) => void
  /** The destruction was given up: its exit does not count. */
  over = false
  due = Infinity
  index = -1

  constructor(entry: Entry<A, D>, fiber: Fiber.Fiber<unknown>, gaveUp: (destruction: Destruction<A, D>) => void) {
    this.entry = entry
    this.fiber = fiber
    this.gaveUp = gaveUp
  }
  fire(): void {
    this.gaveUp(this)
  }
}

export interface DestroyerOptions<A, D> {
  readonly concurrency: number
  /** How long a destruction may take before it is given up, in milliseconds. */
  readonly timeout: number
  /** The object is gone; or its destruction has failed, or was given up. */
  readonly gone: (entry: Entry<A, D>, failure: Cause.Cause<unknown> | undefined) => void
  /** A destruction that was given up has failed after all. */
  readonly failedLate: (entry: Entry<A, D>, failure: Cause.Cause<unknown>) => void
  /** Runs a task soon, outside the step of the caller. */
  readonly schedule: (task: () => void) => void
  /** What follows the end of an object has thrown: the next one gets its turn all the same. */
  readonly threw: (defect: unknown) => void
}

/** How many objects are destroyed before other fibers get their turn. */
const mostAtOnce = 256

export class Destroyer<A, D> {
  private readonly options: DestroyerOptions<A, D>
  private readonly deadlines: Deadlines
  private readonly fork: (effect: Effect.Effect<unknown>) => Fiber.Fiber<unknown>
  private queue: Array<Entry<A, D>> = []
  private taken = 0
  private running = 0
  private scheduled = false

  constructor(
    options: DestroyerOptions<A, D>,
    deadlines: Deadlines,
    fork: (effect: Effect.Effect<unknown>) => Fiber.Fiber<unknown>
  ) {
    this.options = options
    this.deadlines = deadlines
    this.fork = fork
  }

  /** Destroys an `Invalid` object. An object without a scope or a `release` is gone when this returns. */
  destroy(entry: Entry<A, D>): void {
    if (entry.scope === undefined && entry.release === undefined) return this.options.gone(entry, undefined)
    this.queue.push(entry)
    this.wake()
  }

  /** Begins the destructions that are queued at once, for a caller that waits for their end anyway. */
  flush(): void {
    if (this.scheduled) this.pump()
  }

  private wake(): void {
    if (this.scheduled || this.running >= this.options.concurrency || this.taken === this.queue.length) return
    this.scheduled = true
    this.options.schedule(this.pump)
  }

  /** `scheduled` stays set until the pump ends: a destruction that ends at once does not start another. */
  private readonly pump = (): void => {
    if (!this.scheduled) return
    for (let i = 0; i < mostAtOnce && this.running < this.options.concurrency && this.taken < this.queue.length; i++) {
      this.run(this.queue[this.taken++]!)
    }
    // entries that were taken are let go, though the queue may never be empty
    if (this.taken * 2 >= this.queue.length) {
      this.queue = this.queue.slice(this.taken)
      this.taken = 0
    }
    this.scheduled = false
    this.wake()
  }

  private run(entry: Entry<A, D>): void {
    this.running++
    const fiber = this.fork(entry.scope === undefined ? entry.release! : Scope.close(entry.scope, Exit.void))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.end(entry, exit)
    const destruction = new Destruction(entry, fiber, this.gaveUp)
    fiber.addObserver((exit) => {
      if (destruction.over) {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) this.options.failedLate(entry, exit.cause)
        return
      }
      this.deadlines.cancel(destruction)
      this.end(entry, exit)
    })
    if (this.options.timeout !== Infinity) {
      this.deadlines.set(destruction, this.deadlines.now() + this.options.timeout)
    }
  }

  private readonly gaveUp = (destruction: Destruction<A, D>): void => {
    const { entry, fiber } = destruction
    destruction.over = true
    const message = `Destroying object ${entry.id} took longer than hookTimeout, and was given up`
    this.end(entry, Exit.fail(new Cause.TimeoutError(message)))
    fiber.interruptUnsafe()
  }

  private end(entry: Entry<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    this.running--
    try {
      this.options.gone(entry, Exit.isFailure(exit) ? exit.cause : undefined)
    } catch (defect) {
      this.options.threw(defect)
    }
    this.wake()
  }
}
