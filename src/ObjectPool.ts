/**
 * A pool of objects that fibers borrow under leases.
 *
 * **When to use**
 *
 * Use for what is scarce and shared by one borrower at a time: sessions, workers, pages, licences; and above all for what
 * is sometimes not usable although it is fine: API keys, accounts and proxies that must cool down. Where all objects are
 * made by one effect and always usable, effect's own `Pool` is enough; for one shared object for each key, `RcMap`.
 *
 * **Details**
 *
 * The pool knows at every moment what each object is doing: see `Status`. It holds objects that were *added* and objects
 * that it *made* with `acquire`, side by side.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { addInitial } from "./internal/object/adding.ts"
import * as Sweeping from "./internal/object/sweeping.ts"
import { build } from "./internal/pool/assemble.ts"
import * as Closing from "./internal/pool/closing.ts"
import { operations } from "./internal/pool/operations.ts"
import { type AnyOptions, resolve, toName } from "./internal/pool/options.ts"
import { fork } from "./internal/state/core.ts"
import { Note, note } from "./internal/state/notes.ts"
import { list } from "./internal/state/pools.ts"
import * as Scopes from "./internal/structures/scope.ts"
import type { Lease } from "./Lease.ts"
import type { AddedObject, PooledObject } from "./PooledObject.ts"
import type {
  BorrowError,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolFull,
  PoolStats
} from "./PoolError.ts"
import type { PoolEvent } from "./PoolEvent.ts"
import type { AddOptions, BorrowOptions, DataRequired, PoolOptions, RememberedIn, WithOptions } from "./PoolOptions.ts"

/**
 * Every operation of a pool. `S` is what reaching the pool needs: nothing on the pool itself, the tag on the tag. `C` are the
 * names of its classes of borrowers.
 *
 * **Details**
 *
 * In a closed pool `has`, `remove`, `rest`, `wake`, `reconsider` and `revoke` answer `false`, and `get` `undefined`: there is
 * nothing in it. `stats`, `objects` and `leases` show what is left, `events` has ended, and so has `close`. All others fail
 * with `PoolClosed`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operations<out S, in out A, in out D, out E, out P, in C extends string = never> {
  /**
   * Takes a lease; it is given back when the scope closes.
   *
   * **Details**
   *
   * When an object is lendable, and nothing configured is asynchronous, this does not suspend. Else the fiber waits in
   * the order of arrival, while an object is made for it if there is room. The whole is bounded by `borrowTimeout`. A
   * fiber that is interrupted leaves at once, and nothing is lost: what was being made for it goes to the next.
   *
   * What `pack` does comes after the borrow: it is bounded by the lease, not by `borrowTimeout`. When the lease ends first,
   * `pack` is interrupted, its finalizers run, and this fails with `LeaseExpired`.
   */
  readonly borrow: Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** `borrow`, with a time-out, a condition, a priority or a lease time-out of its own. */
  readonly borrowWith: (options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /**
   * Takes a lease without queueing behind other borrowers: what is lendable, or what can be made or has to be detected
   * for this borrow alone; else it fails with `PoolExhausted`.
   */
  readonly tryBorrow: Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /** `tryBorrow`, with a condition or times of its own; its `timeout` bounds making and detecting. */
  readonly tryBorrowWith: (options: BorrowOptions<A, D, C>) => Effect.Effect<P, E | BorrowError, S | Scope.Scope>
  /**
   * Borrows, runs, gives back: when `f` succeeds, fails, dies, is interrupted, or throws before it returns an effect.
   *
   * **Details**
   *
   * Cheaper than `borrow` in a scope of its own. Where the lease has a time-out, and only there, `f` runs in a child
   * fiber. When the lease expires, or is revoked, the body is interrupted, its finalizers run, and the effect fails with
   * `LeaseExpired`.
   *
   * The object comes back when the body has ended, also by interruption. Where its client may still be busy then, as with
   * `Effect.promise`, have it replaced: `Effect.onInterrupt(() => lease.invalidate)`.
   */
  readonly with: <B, E1, R1>(
    f: (borrowed: P) => Effect.Effect<B, E1, R1>,
    options?: WithOptions<A, D, C>
  ) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired, S | R1>
  /**
   * Takes `n` leases at once, all or nothing, each of another object; they are given back when the scope closes, or one by
   * one by `lease.release`.
   *
   * **Details**
   *
   * The borrower waits in its turn. What it may have, and comes free, is set aside for it and for nobody else, up to its
   * deadline: an object that is not lent yet, so that it still rests, or leaves, as it has to, and the borrower waits for
   * another. Those behind wait, but those who can be served by what it cannot use. Who comes before it, by a higher priority,
   * has first what was set aside for it. At its deadline, and when it is interrupted, all of that goes on to the next. Two
   * borrowers of several never wait for each other. The leases begin together.
   *
   * `n` is a whole number from 1 to `size.max`: another is refused at once, with `InvalidPoolOptions`; so is one above the
   * `most` of the borrower's class, or above what the reserves of other classes leave it. Where a `pack` fails,
   * none is lent.
   */
  readonly borrowMany: (
    n: number,
    options?: BorrowOptions<A, D, C>
  ) => Effect.Effect<ReadonlyArray<P>, E | BorrowError | InvalidPoolOptions, S | Scope.Scope>
  /**
   * `borrowMany`, runs, and gives all of them back. `f` runs in a child fiber. When one of the leases expires, or is revoked,
   * the body is interrupted, its finalizers run, and the effect fails with `LeaseExpired`.
   */
  readonly withMany: <B, E1, R1>(
    n: number,
    f: (borrowed: ReadonlyArray<P>) => Effect.Effect<B, E1, R1>,
    options?: BorrowOptions<A, D, C>
  ) => Effect.Effect<B, E1 | E | BorrowError | LeaseExpired | InvalidPoolOptions, S | R1>
  /**
   * Puts an object in. Ends when its first detection has ended; the record's `status` says how (`Invalid`: it is gone
   * again). An interruption ends the wait, not the membership. After a failure the object is its owner's, as before; but a
   * pool that closes meanwhile, and gives up a detection that does not end, has taken it out as it takes out all others.
   *
   * The answer is the object's record, by which the object may tell the pool what it learns of itself: see `Self`.
   */
  readonly add: <R = never>(
    object: A,
    options?: AddOptions<A, D, R>
  ) => Effect.Effect<AddedObject<A, D>, DuplicateObject | PoolFull | PoolClosed, S | R>
  /** Puts objects in, all or none; their detections are bounded by `detection.concurrency`. */
  readonly addAll: <R = never>(
    objects: Iterable<A>,
    options?: AddOptions<A, D, R>
  ) => Effect.Effect<ReadonlyArray<AddedObject<A, D>>, DuplicateObject | PoolFull | PoolClosed, S | R>
  /**
   * Takes an object out: every entry of it, or the one entry whose record is given. A lent one leaves when it comes back; a
   * detection under way is interrupted. Answers whether it was in the pool.
   */
  readonly remove: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /**
   * Is an object in the pool? One that is being destroyed is not any more. No walk over the objects, however many there are.
   */
  readonly has: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /**
   * The record of an object that is in the pool, `undefined` for any other: as `objects` has it, without a walk. Of several
   * that are equal, the one that joined last.
   */
  readonly get: (object: A | PooledObject<A, D>) => Effect.Effect<PooledObject<A, D> | undefined, never, S>
  /**
   * Detects every object that is not lent, or is shared, and does not rest until a known time, and takes out the invalid
   * ones, those that are lent when their last lease ends. Without a detector there is nothing to ask. One that is being
   * detected already is not asked about twice: that detection goes on as long as anybody wants its answer. An interruption
   * leaves as they were those not answered yet, and wanted by nobody else.
   */
  readonly detect: Effect.Effect<void, PoolClosed, S>
  /**
   * Benches an object from outside a lease; one that is lent or being detected, when it is free; one that is shared and
   * lent takes no new leases meanwhile. Of two rests the later wins. Answers whether it is in the pool. What is no
   * duration, or a negative one, is a defect, an `InvalidPoolOptions`.
   */
  readonly rest: (object: A | PooledObject<A, D>, duration: Duration.Input) => Effect.Effect<boolean, never, S>
  /**
   * Ends the rest of a `Dormant` object now: it is detected, or available at once; one that is being detected is not asked
   * about twice. Answers whether there was a rest to end.
   */
  readonly wake: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /**
   * Says that what a weight, a selector of your own or a `where` goes by has changed for an object. Where it can be lent,
   * its weight is read now, and it is offered anew to those who wait; else that happens as soon as it can be lent. Needed
   * where a weight has been raised: a lowered one is found when its object is picked. Calling it twice does no harm.
   * Answers whether the object is in the pool: `false` for anything else, and in a closed pool.
   *
   * **Gotchas**
   *
   * A weight that makes no sense is the defect of the next borrower, not of this.
   */
  readonly reconsider: (object: A | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /**
   * Takes a lease back before its time, or all those of an object: an operator's way to end what holds on to it.
   *
   * **Details**
   *
   * What follows is what follows an expiry. Under `with` the body is interrupted, its finalizers run, and the effect fails
   * with `LeaseExpired`, whose `reason` is `"Revoked"`; under `borrow` nothing is interrupted but a `pack` that is still at
   * work, and `expired` fails. `onLeaseExpired` says what becomes of the object, when a body or a `pack` has ended, else
   * at once. A borrower that has not been resumed with its lease yet goes on waiting, in its place.
   *
   * Answers whether there was a lease to take back: `false` for one that is over, or of another pool, and for an object
   * that is not lent, or not in the pool. Anything but a lease or a record is a defect.
   */
  readonly revoke: (target: Lease<A, D> | PooledObject<A, D>) => Effect.Effect<boolean, never, S>
  /**
   * Waits until `size.min` objects can be lent, or are; fails with what making one failed with, as soon as no attempt is
   * under way, whatever is tried later. For failing fast at start (`Effect.retry` it for a start that may take its time),
   * and for waiting until what was lost has been replaced.
   */
  readonly ready: Effect.Effect<void, E | PoolClosed, S>
  /**
   * Another `size.min`, `size.max` or `size.spare`. Growing serves waiters at once; shrinking destroys idle made objects now, and lent
   * ones as they come back. Nobody is interrupted. Nonsense is a typed failure, and changes nothing; so is a `max` below what the
   * classes have in reserve.
   */
  readonly resize: (
    size: {
      readonly min?: number | undefined
      readonly max?: number | "Infinity" | undefined
      readonly spare?: number | undefined
    }
  ) => Effect.Effect<void, InvalidPoolOptions | PoolClosed, S>
  /**
   * Replaces every made object, those being made included: idle ones as soon as others have taken their place, where
   * there is room for these; lent ones at their return. Ends when no old one is idle. An interruption ends the wait, not
   * the rotation.
   */
  readonly rotate: Effect.Effect<void, PoolClosed, S>
  /** No new leases: borrowers wait under their deadlines, `tryBorrow` fails. Everything else goes on. */
  readonly suspend: Effect.Effect<void, PoolClosed, S>
  /** Ends a suspension: those who wait are served. */
  readonly resume: Effect.Effect<void, PoolClosed, S>
  /**
   * Suspends, and waits until every lease is back but those of the calling fiber, or of the borrower whose body it runs.
   * `resume` ends it: the suspension, and the wait of those who drain. An interruption ends the wait, not the suspension.
   */
  readonly drain: Effect.Effect<void, PoolClosed, S>
  /** The counts at this instant. */
  readonly stats: Effect.Effect<PoolStats, never, S>
  /**
   * The live records of the objects, the oldest first; those that are being destroyed included. Each time a list of them all:
   * `stats` counts them at no such cost.
   */
  readonly objects: Effect.Effect<ReadonlyArray<PooledObject<A, D>>, never, S>
  /**
   * The open leases, the oldest first. Each time a walk over all objects, and a list: with 100 000 leases a tenth of a second in
   * the event loop. `stats.leases` counts them at no such cost.
   */
  readonly leases: Effect.Effect<ReadonlyArray<Lease<A, D>>, never, S>
  /**
   * What happens from now on, in order, until the pool is closed. Whoever is too slow loses the oldest events, and is told
   * how many. Nothing is paid for it while nobody listens.
   */
  readonly events: Stream.Stream<PoolEvent, never, S>
  /**
   * What closing the pool's scope does: waiters fail with `PoolClosed`, free objects are destroyed, open leases have
   * `closing.timeout` and are then revoked. Ends when nothing is left. Idempotent; an interrupted caller stops waiting,
   * the pool goes on closing. Leases of the calling fiber, or of the borrower whose body it runs, are revoked at once,
   * not waited for.
   */
  readonly close: Effect.Effect<void, never, S>
}

/**
 * A pool. It has no brand: `Layer.mock(Connections, { name, borrow })` makes a double of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectPool<
  in out A,
  in out D = undefined,
  out E = never,
  out P = Lease<A, D>,
  in C extends string = never
> extends Operations<never, A, D, E, P, C> {
  readonly name: string
}

/**
 * Makes pools without a tag.
 *
 * **Example** (Borrowing)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ObjectPool } from "effect-object-pool"
 *
 * const program = Effect.scoped(
 *   Effect.gen(function*() {
 *     const pool = yield* ObjectPool.make({ objects: ["a licence"] })
 *     return yield* pool.with((lease) => Effect.succeed(lease.object.length))
 *   })
 * )
 *
 * await Effect.runPromise(program) // => 9
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const ObjectPool: {
  /**
   * A pool that closes with the scope. It takes `Clock`, `Random` and what the callbacks need from the fiber that builds
   * it. Options that make no sense are a defect, an `InvalidPoolOptions`.
   *
   * **Gotchas**
   *
   * A pool that is dropped without being closed destroys nothing. It is collected when nobody waits for it, in a borrow or
   * for a state or an event of it, and no lease of it has a time-out to come: what it would do by itself, such as waking,
   * detecting again, or making what is missing of `size.min`, does not keep it. Only the time limits of objects do, where
   * `size.min` is 0: then it is collected when they have been destroyed.
   */
  readonly make: <
    A,
    D = undefined,
    EA = never,
    EP = never,
    P = Lease<A, D>,
    RA = never,
    RP = never,
    RS = never,
    RD = never,
    RB = never,
    RR = never,
    K extends string = never,
    C extends string = never
  >(
    options:
      & PoolOptions<A, D, EA, EP, P, RA, RP, RS, RD, RB, RR, K, C>
      & { readonly name?: string | undefined }
      & DataRequired<NoInfer<D>>
  ) => Effect.Effect<
    ObjectPool<A, D, EA | EP, P, C>,
    never,
    Scope.Scope | RA | RP | RS | RD | RB | RR | RememberedIn<K>
  >
} = {
  make: <A, D, E, P, R, C extends string>(options: {
    readonly name?: string | undefined
  }): Effect.Effect<ObjectPool<A, D, E, P, C>, never, Scope.Scope | R> =>
    Effect.withFiber((fiber) =>
      Effect.succeed(assemble<A, D, E, P, C>(toName(options, "ObjectPool"), options as AnyOptions<A, D>, fiber))
    )
}

/**
 * Builds a pool in one step, in the scope of the fiber. Throws `InvalidPoolOptions`.
 *
 * @internal
 */
export const assemble = <A, D, E, P, C extends string = never>(
  name: string,
  options: AnyOptions<A, D>,
  fiber: Fiber.Fiber<unknown, unknown>
): ObjectPool<A, D, E, P, C> => {
  const core = build(resolve<A, D>(name, options), fiber.context)
  const scope = Context.getUnsafe(fiber.context, Scope.Scope)
  const open = Scopes.add(scope, core, () => Closing.close(core))
  list(core)
  addInitial(core, fiber)
  note(core, Note.minimum)
  const { every } = core.options.detection
  if (every !== undefined && core.detector !== undefined) {
    core.background.add(fork(core, Sweeping.sweep(core, every)))
  }
  if (!open) fork(core, Closing.close(core))
  // inside, what a pool's callbacks fail with and need is unknown; the options' types have said what it is
  return operations(core) as unknown as ObjectPool<A, D, E, P, C>
}
