/**
 * Making objects: each in a fiber of the pool, so that a creation that was begun for a borrower outlives its wait.
 *
 * Invariants:
 * - `making` counts the creations whose fiber has not ended. The room of a creation is free when its fiber has ended, and
 *   whatever it had acquired has been released; also when its time was over long before.
 * - `tardy` counts the creations among them whose time is over.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Self } from "../../Self.ts"
import type { Prepared } from "../object/joining.ts"
import type { Link } from "../object/self.ts"
import type { Waiter } from "../state/waiters.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"
import { Relay } from "../structures/slice.ts"

/**
 * An `acquire` that makes an object after its effect has ended without one calls this with the effect that destroys the
 * object. Absent where `acquire` runs for no pool.
 */
export const Stray = Context.Reference<((destroy: Effect.Effect<unknown>) => void) | undefined>(
  "effect-object-pool/Stray",
  { defaultValue: () => undefined }
)

/** One object being made, and then detected for the first time. The creation is itself the deadline of its time. */
export class Creation<A, D> implements Deadline {
  readonly begunFor: Waiter<A, D> | undefined
  /** The waiter that the creation counts for now. The object serves whichever waiter is the oldest. */
  owner: Waiter<A, D> | undefined
  phase: "Acquiring" | "Detecting" = "Acquiring"
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  interrupted = false
  /** Monotonic: when `acquire` began. */
  began = 0
  /** A closing pool has given the creation up. */
  abandoned = false
  /** The creation's time was over before it ended. */
  late = false
  /** The creation ended too late, or without an object, and had acquired one by then, or a part of one. */
  acquired = false
  /** How releasing what was acquired has ended, in that case. */
  released: Exit.Exit<unknown, unknown> = Exit.void
  /** Releasing what was acquired took too long: its end is awaited no more. */
  givenUp = false
  /** What the object tells of itself; absent where `acquire` does not ask for it. */
  link: Link<A, D> | undefined = undefined
  /** `rotate` was called while the creation was under way. */
  old = false
  fire: () => void = () => {}
  /** Where the creation stands among those that wait for room which many keys share; -1: it does not. */
  reservedAt = -1

  due = Infinity
  index = -1

  constructor(waiter: Waiter<A, D> | undefined) {
    this.begunFor = waiter
    this.owner = waiter
  }
}

interface Made<A, D> {
  readonly object: A
  readonly prepared: Prepared<D>
}

/** How an object is made. A function is given what the object may tell of itself. */
export type Acquire<A> =
  | Effect.Effect<A, unknown, Scope.Scope>
  | ((self: Self) => Effect.Effect<A, unknown, Scope.Scope>)

export interface CreatorOptions<A, D> {
  readonly acquire: Acquire<A>
  /** Makes what an `acquire` is given that is a function. */
  readonly link: () => Link<A, D>
  /** What a made object is to join with. Throws where a function of the user's does. */
  readonly prepare: (object: A) => Prepared<D>
  /** `acquire` has made an object after its effect had ended without one. */
  readonly stray: (destroy: Effect.Effect<unknown>) => void
  /** How long `acquire` may take, in milliseconds. */
  readonly timeout: number
  readonly made: (creation: Creation<A, D>, object: A, prepared: Prepared<D>, scope: Scope.Closeable) => void
  readonly failed: (creation: Creation<A, D>, cause: Cause.Cause<unknown>) => void
  /** The creation's time is over; it has been interrupted, and will end. */
  readonly late: (creation: Creation<A, D>) => void
  /** How long destroying what was made too late, or in part, may take, in milliseconds. */
  readonly closeTimeout: number
  /** Destroying what was made too late, or in part, took longer: its room is free, whatever becomes of it. */
  readonly gaveUp: (creation: Creation<A, D>) => void
  /** A creation that was late, or was given up, has ended. */
  readonly lateEnded: (creation: Creation<A, D>, exit: Exit.Exit<unknown, unknown>) => void
}

/** How each object is made: by one effect for all of them, or by one for each. A service is an effect and a function. */
const prepare = <A, D, B>(
  options: CreatorOptions<A, D>,
  making: (acquire: Effect.Effect<A, unknown, Scope.Scope>) => B
): (creation: Creation<A, D>) => B => {
  const { acquire } = options
  if (Effect.isEffect(acquire)) {
    const same = making(acquire)
    return () => same
  }
  return (creation) => {
    const { self } = creation.link = options.link()
    return making(Effect.suspend(() => {
      const answer: unknown = acquire(self)
      return Effect.isEffect(answer)
        ? answer as Effect.Effect<A, unknown, Scope.Scope>
        : Effect.die(new TypeError("`acquire` has answered with what is no effect"))
    }))
  }
}

export class Creator<A, D> {
  private readonly options: CreatorOptions<A, D>
  private readonly deadlines: Deadlines
  private readonly fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  private readonly acquire: (creation: Creation<A, D>) => Effect.Effect<Made<A, D>, unknown, Scope.Scope>
  private readonly running = new Set<Creation<A, D>>()
  private tardy = 0
  /** How many creations whose time is not over were begun before the last rotation. */
  private old = 0
  /** What is made, or let go, since others last had their turn: the end of each may begin the next. */
  readonly relay: Relay

  /** `soon` calls in a later turn. */
  constructor(
    options: CreatorOptions<A, D>,
    deadlines: Deadlines,
    fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>,
    soon: (then: () => void) => void
  ) {
    this.options = options
    this.deadlines = deadlines
    this.fork = fork
    this.relay = new Relay(deadlines, soon)
    const making = (acquire: Effect.Effect<A, unknown, Scope.Scope>) =>
      Effect.provideService(
        Effect.map(acquire, (object) => ({ object, prepared: options.prepare(object) })),
        Stray,
        options.stray
      )
    this.acquire = prepare(options, making)
  }

  get making(): number {
    return this.running.size
  }

  /** Starts to make an object. Either `made`, `failed` or `late` is called once, perhaps before this returns. */
  begin(creation: Creation<A, D>): void {
    const scope = Scope.makeUnsafe()
    this.running.add(creation)
    creation.began = this.deadlines.now()
    let result: Made<A, D> | undefined
    let closed = false
    const fiber = this.fork(
      Effect.onExitPrimitive(Scope.provide(this.acquire(creation), scope), (exit) => {
        // the object is kept here: an interruption in this instant turns the success of the fiber into a failure
        if (Exit.isSuccess(exit)) result = exit.value
        if (result !== undefined && !creation.late) return undefined
        closed = true
        creation.acquired = result !== undefined || scope.state._tag === "Open"
        this.bound(creation, () => {
          if (!creation.late && Exit.isFailure(exit)) this.options.failed(creation, exit.cause)
        })
        return Effect.onExitPrimitive(Scope.close(scope, Exit.asVoid(exit)), (released) => {
          creation.released = released
          return undefined
        })
      })
    )
    creation.fiber = fiber
    // `acquire` may have closed the pool in its first step, before there was a fiber to interrupt
    if (creation.interrupted) fiber.interruptUnsafe()
    fiber.addObserver((exit) => {
      this.deadlines.cancel(creation)
      if (creation.late || creation.givenUp) {
        const end = (exit: Exit.Exit<unknown, unknown>) => {
          this.deadlines.cancel(creation)
          this.remove(creation)
          this.options.lateEnded(creation, exit)
        }
        if (closed) return end(exit)
        // the object was made in the very instant that the creation's time was over
        creation.acquired = true
        this.bound(creation, () => {})
        this.fork(Scope.close(scope, Exit.void)).addObserver((released) => {
          creation.released = released
          end(released)
        })
        return
      }
      this.remove(creation)
      if (result !== undefined) this.options.made(creation, result.object, result.prepared, scope)
      else if (Exit.isFailure(exit)) this.options.failed(creation, exit.cause)
    })
    // a creation that has failed already has a deadline for its release
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

  /** Bounds the time in which what a creation has acquired is released; `then` is called when it is given up. */
  private bound(creation: Creation<A, D>, then: () => void): void {
    if (this.options.closeTimeout === Infinity) return
    creation.fire = () => {
      if (!this.remove(creation)) return
      creation.givenUp = true
      then()
      this.options.gaveUp(creation)
    }
    this.deadlines.set(creation, this.deadlines.now() + this.options.closeTimeout)
  }

  /** How many creations are under way that may still serve somebody. */
  get promising(): number {
    return this.running.size - this.tardy
  }

  private remove(creation: Creation<A, D>): boolean {
    if (!this.running.delete(creation)) return false
    if (creation.late) this.tardy--
    else if (creation.old) this.old--
    return true
  }

  /** Marks all creations that are under way as begun before a rotation. */
  age(): void {
    for (const creation of this.running) creation.old = true
    this.old = this.promising
  }

  get aging(): boolean {
    return this.old > 0
  }

  /** Interrupts all creations, each by a step of its own. */
  *interruptAll(): Generator<() => void> {
    for (const creation of [...this.running]) {
      creation.interrupted = true
      yield () => creation.fiber?.interruptUnsafe()
    }
  }

  /** Stops counting creations that do not end; whatever they make after all is destroyed. */
  abandonAll(): number {
    const n = this.running.size
    for (const creation of this.running) creation.abandoned = true
    this.running.clear()
    this.tardy = this.old = 0
    return n
  }
}
