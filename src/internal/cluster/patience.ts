/**
 * Shard locks for pools, which bear with a storage that does not answer for a while.
 *
 * `Sharding` takes each failure to refresh its locks for their loss, and ends the entities: a restart of the storage would
 * end every lease. Whether a host may grant is not for the locks to say but for its claim (`claims.ts`). So the locks count
 * as held until they may really be another's; and those that the storage has forgotten, as it does when its sessions end,
 * are taken anew where nobody else has them.
 */
import * as Clock from "effect/Clock"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { ShardId } from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

export interface PatienceOptions {
  /** After so many milliseconds without an answer the locks may be another's. */
  readonly expiry: number
  /** How often `Sharding` refreshes its locks, in milliseconds: it must have its answer before the next. */
  readonly interval: number
}

export const patient = <E, R>(
  storage: Layer.Layer<RunnerStorage, E, R>,
  { expiry, interval }: PatienceOptions
): Layer.Layer<RunnerStorage, E, R> =>
  Layer.effect(
    RunnerStorage,
    Effect.gen(function*() {
      const inner = yield* RunnerStorage
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      let answered = now()

      const refresh: typeof inner.refresh = (address, shardIds) => {
        const wanted = [...shardIds]
        if (wanted.length === 0) return inner.refresh(address, wanted)
        return Effect.suspend(() => {
          const sent = now()
          return inner.refresh(address, wanted).pipe(
            Effect.flatMap((held) => {
              const names = new Set(held.map(String))
              const missing = wanted.filter((shard) => !names.has(String(shard)))
              if (missing.length === 0) return Effect.succeed(held)
              return Effect.map(inner.acquire(address, missing), (again): Array<ShardId> => [...held, ...again])
            }),
            Effect.tap(() => Effect.sync(() => answered = sent)),
            Effect.timeoutOption(interval * 0.6),
            Effect.map(Option.getOrUndefined),
            Effect.catch((error) => now() - answered < expiry ? Effect.succeed(undefined) : Effect.fail(error)),
            Effect.flatMap((held) =>
              held !== undefined || now() - answered < expiry
                ? Effect.succeed(held ?? wanted)
                : Effect.never
            )
          )
        })
      }
      return RunnerStorage.of({ ...inner, refresh })
    })
  ).pipe(Layer.provide(storage))
