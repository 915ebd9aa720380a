/**
 * Detectors: what they answer is said beforehand, whom they were asked about is noted.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { ObjectPool, type PooledObject, type PoolOptions, type Status } from "../../src/index.ts"

/** What is Unknown stays so until somebody asks. */
export const retry = Schedule.spaced("Infinity")

/** Those of a pool but for its detector. */
export type Options<A> = Omit<PoolOptions<A, undefined, never, never, never>, "pack" | "detectStatus">

/** A detector that answers what it is told to, after `takes`, and notes whom it was asked about. */
export const detector = <A>(answer: (object: A) => Status.Answer = () => "Available") => {
  const state = { answer, takes: 0 as Duration.Input, asked: [] as Array<A>, detecting: 0, most: 0, interrupted: 0 }
  const detectStatus = ({ object }: PooledObject<A, unknown>) =>
    Effect.suspend(() => {
      state.asked.push(object)
      state.most = Math.max(state.most, ++state.detecting)
      return Effect.sleep(state.takes).pipe(
        Effect.map(() => state.answer(object)),
        Effect.onInterrupt(() => Effect.sync(() => state.interrupted++)),
        Effect.ensuring(Effect.sync(() => state.detecting--))
      )
    })
  return { state, detectStatus }
}

/** A pool whose detector does what `ask` does. */
export const asking = <A>(ask: (pooled: PooledObject<A>) => unknown, options: Options<A>) =>
  ObjectPool.make({ ...options, detectStatus: ask as (pooled: PooledObject<A>) => Status.Answer })
