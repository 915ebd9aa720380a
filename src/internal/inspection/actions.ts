/** What may be asked of a pool from outside: each is begun, and not waited for. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { InvalidPoolOptions, PoolClosed } from "../../PoolError.ts"
import { remove } from "../object/leaving.ts"
import { detectAll } from "../object/sweeping.ts"
import * as Upkeep from "../pool/operator.ts"
import { type Core, fork } from "../state/core.ts"
import { closed } from "../state/failures.ts"

const pool = Schema.Int

/** A request to change something. */
export const Action = Schema.TaggedUnion({
  rotate: { pool },
  resize: { pool, min: Schema.optionalKey(Schema.Int), max: Schema.optionalKey(Schema.Int) },
  suspend: { pool },
  resume: { pool },
  detect: { pool },
  destroy: { pool, object: Schema.Int }
})
export type Action = typeof Action.Type

/** There is no such object, or no more. */
export class NoSuchObject extends Schema.TaggedError<NoSuchObject>()("NoSuchObject", { object: Schema.Int }) {}

export const perform = (
  core: Core<never, never>,
  action: Action
): Effect.Effect<void, PoolClosed | InvalidPoolOptions | NoSuchObject> => {
  switch (action._tag) {
    case "rotate":
      return begin(core, Upkeep.rotate(core))
    case "detect":
      return begin(core, detectAll(core))
    case "suspend":
      return Upkeep.suspend(core)
    case "resume":
      return Upkeep.resume(core)
    case "resize": {
      const { max, min } = action
      return Upkeep.resize(core, { ...min !== undefined && { min }, ...max !== undefined && { max } })
    }
    case "destroy":
      return Effect.suspend(() => {
        const entry = [...core.registry.entries].find(({ id }) => id === action.object)
        return entry !== undefined && remove<never, never>(core, entry.pooled)
          ? Effect.void
          : Effect.fail(new NoSuchObject({ object: action.object }))
      })
  }
}

/** Goes on in a fiber of the pool, whatever becomes of the request. A pool that closes meanwhile ends it. */
const begin = (core: Core<never, never>, effect: Effect.Effect<void, PoolClosed>): Effect.Effect<void, PoolClosed> =>
  Effect.suspend(() => {
    if (core.life._tag !== "Open") return closed(core)
    fork(core, effect)
    return Effect.void
  })
