/**
 * Running the user's `onBorrow` and `onRelease`: for a limited time, and with their end told by a plain function call. A
 * plain function, and an effect that ends without suspending, cost neither a timer nor a suspension.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { PooledObject } from "../../PooledObject.ts"
import { type Core, fork } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { ask, type AsyncContext } from "../structures/asking.ts"
import type { Deadline } from "../structures/deadlines.ts"

export type Ended = (failure: Cause.Cause<unknown> | undefined) => void

/** One run of a hook. The run is itself the deadline of its time. */
export class Hook<A, D> implements Deadline {
  protected readonly core: Core<A, D>
  readonly entry: Entry<A, D>
  /** The asynchronous context in which the hook runs; absent: that in which the pool was built. */
  private readonly context: AsyncContext | undefined
  private readonly ended: Ended
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private over = false

  due = Infinity
  index = -1

  constructor(
    core: Core<A, D>,
    entry: Entry<A, D>,
    ended: Ended,
    context?: AsyncContext
  ) {
    this.core = core
    this.entry = entry
    this.ended = ended
    this.context = context
  }

  /** Runs the hook; `ended` is called once, perhaps before this returns. */
  run(f: (pooled: PooledObject<A, D>) => unknown): void {
    this.entry.hook = this
    const answer = ask(f, this.entry.pooled, this.context)
    if (answer._tag !== "Effect") return this.end(answer._tag === "Threw" ? Cause.die(answer.defect) : undefined)
    const fiber = fork(this.core, answer.effect, this.context)
    this.fiber = fiber
    fiber.addObserver((exit) => this.end(Exit.isFailure(exit) ? exit.cause : undefined))
    if (this.over) return
    const { hookTimeout } = this.core.options
    if (hookTimeout !== Infinity) this.core.deadlines.set(this, this.core.deadlines.now() + hookTimeout)
  }

  /** A closing pool does not give the hook its time. */
  interrupt(): void {
    this.fiber?.interruptUnsafe()
  }

  /** The borrower has left: the hook goes on all the same, since an object half prepared is of no use to anybody. */
  drop(): void {}

  fire(): void {
    const message = `A hook of object ${this.entry.id} took longer than hookTimeout`
    this.end(Cause.fail(new Cause.TimeoutError(message)))
    this.fiber?.interruptUnsafe()
  }

  private end(failure: Cause.Cause<unknown> | undefined): void {
    if (this.over) return
    this.over = true
    this.core.deadlines.cancel(this)
    if (this.entry.hook === this) this.entry.hook = undefined
    this.ended(failure)
  }
}
