/**
 * What an object may tell its pool of itself, whoever has it at the moment.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/**
 * A plain function that is an effect as well: it does the same when it is called, and when it is run.
 *
 * @category models
 * @since 0.1.0
 */
export interface SelfCall extends Effect.Effect<void> {
  (): void
}

/**
 * What an object may tell its pool of itself: given to `acquire`, and to be had of the answer of `add`.
 *
 * **When to use**
 *
 * Use for what an object learns while nobody holds it: a session's `"error"` or `"end"` event, a page that has crashed, a
 * server that asks for patience. Whoever holds a lease says it with the lease.
 *
 * **Details**
 *
 * All of it may be called at any time, from anywhere, and as often as one likes. Before `acquire` has ended it is kept, and
 * carried out as the object joins. When the object has gone, or the pool has closed, it does nothing. Nothing here throws,
 * nor waits, but for what is no duration.
 *
 * The calls take no argument that a listener would be given, and need no receiver: `client.on("error", self.invalidate)`.
 *
 * **Gotchas**
 *
 * Whoever keeps a `self` does not keep the pool: one that was dropped without being closed is collected all the same.
 *
 * **Example** (A session that ends while it is idle)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ObjectPool } from "effect-object-pool"
 * import { EventEmitter } from "node:events"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* ObjectPool.make({
 *     acquire: (self) => Effect.sync(() => new EventEmitter().once("error", self.invalidate)),
 *     size: { max: 1 }
 *   })
 *   const first = yield* pool.with((lease) => Effect.succeed(lease.object))
 *   first.emit("error", new Error("terminated by the server"))
 *   return yield* pool.with((lease) => Effect.succeed(lease.object === first))
 * })
 *
 * await Effect.runPromise(Effect.scoped(program)) // => false
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Self {
  /**
   * Condemns the object: a free one leaves now, is destroyed, and is replaced where `size.min` or somebody who waits asks
   * for it; one that is lent, or in a hook, leaves as soon as it is free; one that is being detected, as soon as that has
   * been interrupted. One that is not there yet never becomes `Available`. Beats `rest`.
   */
  readonly invalidate: SelfCall
  /**
   * The object rests until this long from the call: a free one now, a busy one when it is free, unless the time has passed
   * by then; one that is shared takes no new leases meanwhile. Of two rests the later wins. Throws an `InvalidPoolOptions` on
   * what is no duration, or a negative one.
   *
   * A plain function, which acts as it is called: in effects `Effect.sync(() => self.rest("1 minute"))`.
   */
  readonly rest: (duration: Duration.Input) => void
  /**
   * Has the detector asked about the object: a free one now, and it is not lent until there is an answer; a busy one when it
   * is free; one that is shared and lent while its leases go on. One that is being detected is not asked about twice; one
   * that rests until a known time is asked about when that has come. Without a detector there is nothing to ask.
   */
  readonly detect: SelfCall
}

/**
 * The same, in the promise flavour: given to `acquire`, and to be had of the answer of `add`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromiseSelf {
  /**
   * Condemns the object: it leaves now, or as soon as it is free. One that is not there yet never becomes `Available`. Whoever
   * has it is not told: the signal of the lease stays quiet.
   */
  readonly invalidate: () => void
  /** The object rests until this long from the call. Throws an `InvalidPoolOptions` on what is no duration. */
  readonly rest: (duration: Duration.Input) => void
  /** Has the detector asked about the object: now, or as soon as it is free. */
  readonly detect: () => void
}
