/**
 * Leases for those who have no Effect.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { Detached, PackedLease, PromiseLease } from "../../PromiseLease.ts"
import { Handle, handleOf } from "../lease/handle.ts"
import { ActiveLease, end } from "../lease/lease.ts"
import { date } from "../state/pooled.ts"
import { shows } from "../structures/picture.ts"
import { type Running, thrown } from "./running.ts"

/** What `pack` has made, and the lease that it was made under. */
export class Packed<A, D, P> {
  readonly lease: Lease<A, D>
  readonly object: P

  constructor(lease: Lease<A, D>, object: P) {
    this.lease = lease
    this.object = object
  }
}

/** The lease in what a pool has lent; absent where a tag's `pack` has hidden it, also in what cannot be looked at. */
export const leaseIn = (borrowed: unknown): Lease<unknown, unknown> | undefined => {
  try {
    if (borrowed instanceof Packed) return borrowed.lease
    return Predicate.hasProperty(borrowed, "pooled") && Predicate.hasProperty(borrowed, "expired") &&
        Effect.isEffect(borrowed.expired)
      ? borrowed as unknown as Lease<unknown, unknown>
      : undefined
  } catch {
    return undefined
  }
}

/** What the borrower is after. */
export const objectIn = (borrowed: unknown): unknown => {
  const lease = leaseIn(borrowed)
  if (lease === undefined) return borrowed
  return lease === borrowed ? lease.object : (borrowed as Packed<unknown, unknown, unknown>).object
}

/** Calls a function when a lease expires or is revoked; at once where it has been. Interrupt the fiber to stop that. */
export const whenOver = (
  running: Running,
  lease: Lease<unknown, unknown>,
  told: (reason: unknown) => void
): Fiber.Fiber<unknown, unknown> => {
  const fiber = running.fork(lease.expired)
  fiber.addObserver((exit) => {
    // not where it was this fiber that was interrupted
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) told(thrown(exit))
  })
  return fiber
}

export const afterLease = "What follows a lease has failed"

/** Giving back does not fail: what goes wrong is a line in the log. */
export const reported = (
  pool: string,
  message: string,
  effect: Effect.Effect<unknown, unknown>
): Effect.Effect<void> =>
  Effect.catchCause(
    Effect.asVoid(effect),
    (cause) => Effect.annotateLogs(Effect.logWarning(message, cause), { pool })
  )

/** What ends a lease, once or more often: the core, of a lease of its own; or an effect. */
export type End = ActiveLease<unknown, unknown> | Effect.Effect<void>

const done = Promise.resolve()

/**
 * A lease of whatever a pool has lent.
 *
 * Whoever prints or clones it sees its picture, and nothing that it reaches. Its members may be taken off it and called
 * bare: each is made when it is first asked for, so that none is where nobody asks.
 */
export class HeldLease<P> implements PackedLease<P> {
  readonly #running: Running
  readonly #object: P
  readonly #end: End
  /** What is left to do after the end of the lease, and has begun; absent where nothing is. */
  #ending: Fiber.Fiber<void> | undefined = undefined
  #release: (() => Promise<void>) | undefined = undefined
  #releaseSync: (() => void) | undefined = undefined

  constructor(running: Running, object: P, end: End) {
    this.#running = running
    this.#object = object
    this.#end = end
  }

  #giveBack(): Fiber.Fiber<void> | undefined {
    if (this.#ending !== undefined) return this.#ending
    const rest = this.#end instanceof ActiveLease
      ? this.#end.over === undefined ? end(this.#end, Exit.void) : undefined
      : this.#end
    if (rest === undefined) return undefined
    return this.#ending = this.#running.fork(reported(this.#running.name, afterLease, rest))
  }

  get object(): P {
    return this.#object
  }
  get release(): () => Promise<void> {
    return this.#release ??= () => this[Symbol.asyncDispose]()
  }
  get releaseSync(): () => void {
    return this.#releaseSync ??= () => this[Symbol.dispose]()
  }
  [Symbol.asyncDispose](): Promise<void> {
    const ending = this.#giveBack()
    return ending === undefined ? done : this.#running.ending(() => ending)
  }
  [Symbol.dispose](): void {
    this.#giveBack()
  }

  static {
    shows(this.prototype, (self) => ({
      _id: "PackedLease",
      pool: self.#running.name,
      givenBack: self.#end instanceof ActiveLease ? self.#end.over !== undefined : self.#ending !== undefined
    }))
  }
}

/** The rights of a lease that few ask for. */
interface Rights<A> {
  invalidate?: () => void
  rest?: PromiseLease<A>["rest"]
  restUntil?: PromiseLease<A>["restUntil"]
  charge?: PromiseLease<A>["charge"]
  recount?: () => void
  report?: PromiseLease<A>["report"]
  renew?: () => void
  detach?: () => Promise<Detached<A>>
}

/** A lease with all its rights: one of a pool that was made here, or of a double. */
export class FullLease<A, D, P> extends HeldLease<P> implements PromiseLease<A, D, P> {
  readonly #running: Running
  readonly #of: ActiveLease<A, D> | Lease<A, D>
  #controller: AbortController | undefined = undefined
  #rights: Rights<A> | undefined = undefined

  constructor(running: Running, object: P, end: End, of: ActiveLease<A, D> | Lease<A, D>) {
    super(running, object, end)
    this.#running = running
    this.#of = of
  }

  /** The one of a lease that the core knows: whoever asks again gets the same. */
  static given<A, D>(running: Running, lease: ActiveLease<A, D>): FullLease<A, D, A> {
    lease.promised ??= new FullLease(running, lease.entry.object, lease as ActiveLease<unknown, unknown>, lease)
    return lease.promised as FullLease<A, D, A>
  }

  /** The one of any lease. */
  static of<A, D>(running: Running, lease: Lease<A, D>): FullLease<A, D, A> {
    const active = Handle.leaseOf<A, D>(lease)
    if (active !== undefined) return FullLease.given(running, active)
    let held = running.leases.get(lease) as FullLease<A, D, A> | undefined
    if (held === undefined) {
      held = new FullLease(running, lease.object, lease.release, lease)
      running.leases.set(lease, held)
    }
    return held
  }

  /** The lease that one of these is of; none of anything else. */
  static leaseOf<A, D>(target: PromiseLease<A, D, unknown> | PooledObject<A, D>): Lease<A, D> | undefined {
    return typeof target === "object" && target !== null && #of in target
      ? (target as unknown as FullLease<A, D, unknown>).#lease
      : undefined
  }

  get #lease(): Lease<A, D> {
    return this.#of instanceof ActiveLease ? handleOf(this.#of) : this.#of
  }
  get #members(): Rights<A> {
    return this.#rights ??= {}
  }
  get data(): D {
    return this.#lease.data
  }
  get pooled(): PooledObject<A, D> {
    return this.#lease.pooled
  }
  get id(): number {
    return this.#of.id
  }
  get borrowedAt(): DateTime.Utc {
    return this.#lease.borrowedAt
  }
  get expiresAt(): DateTime.Utc | undefined {
    return this.#lease.expiresAt
  }
  get dates(): PromiseLease<A>["dates"] {
    return { borrowedAt: DateTime.toDate(this.borrowedAt), expiresAt: date(this.expiresAt) }
  }
  // made for those who ask: few do
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController()
      whenOver(this.#running, this.#lease, (reason) => controller.abort(reason))
    }
    return this.#controller.signal
  }

  get invalidate(): () => void {
    return this.#members.invalidate ??= () => this.#running.now(this.#lease.invalidate)
  }
  get rest(): PromiseLease<A>["rest"] {
    return this.#members.rest ??= (duration, facet) => this.#running.now(this.#lease.rest(duration, facet))
  }
  get restUntil(): PromiseLease<A>["restUntil"] {
    return this.#members.restUntil ??= (moment, facet) => this.#running.now(this.#lease.restUntil(moment, facet))
  }
  get charge(): PromiseLease<A>["charge"] {
    return this.#members.charge ??= (cost, name) => this.#running.now(this.#lease.charge(cost, name))
  }
  get recount(): () => void {
    return this.#members.recount ??= () => this.#running.now(this.#lease.recount)
  }
  get report(): PromiseLease<A>["report"] {
    return this.#members.report ??= (said) => this.#running.now(this.#lease.report(said))
  }
  get renew(): () => void {
    return this.#members.renew ??= () => this.#running.now(this.#lease.renew)
  }
  get detach(): () => Promise<Detached<A>> {
    return this.#members.detach ??= () => {
      const scope = Scope.makeUnsafe()
      const close = reported(this.#running.name, afterLease, Scope.close(scope, Exit.void))
      const detached = Effect.onError(
        Effect.map(this.#lease.detach, (object) => new DetachedObject(this.#running, object, this.pooled.id, close)),
        // it has left the pool, and nobody else would destroy it
        () => close
      )
      return this.#running.ending(() => this.#running.forkIn(detached, scope))
    }
  }

  static {
    shows(this.prototype, ({ borrowedAt, expiresAt, id, pooled }) => ({
      _id: "PromiseLease",
      id,
      objectId: pooled.id,
      status: pooled.status,
      borrowedAt,
      expiresAt
    }))
  }
}

/** What has left a pool with its borrower. */
class DetachedObject<A> implements Detached<A> {
  readonly #running: Running
  readonly #object: A
  readonly #close: Effect.Effect<void>
  readonly #objectId: number
  #closing: Fiber.Fiber<void> | undefined = undefined
  #destroy: (() => Promise<void>) | undefined = undefined

  /** `close` destroys it. */
  constructor(running: Running, object: A, objectId: number, close: Effect.Effect<void>) {
    this.#running = running
    this.#object = object
    this.#objectId = objectId
    this.#close = close
  }

  get object(): A {
    return this.#object
  }
  get destroy(): () => Promise<void> {
    return this.#destroy ??= () => this[Symbol.asyncDispose]()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#running.ending(() => this.#closing ??= this.#running.fork(this.#close))
  }

  static {
    shows(this.prototype, (self) => ({ _id: "Detached", objectId: self.#objectId }))
  }
}
