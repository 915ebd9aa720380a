/** What may be asked of a pool from outside: each is begun, and not waited for. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { InvalidPoolOptions, PoolClosed } from "../../PoolError.ts"
import { remove } from "../object/leaving.ts"
import { detectAll } from "../object/sweeping.ts"
import * as Upkeep from "../pool/operator.ts"
import { type Core, fork } from "../state/core.ts"
import { closed } from "../state/failures.ts"
import { parts } from "../state/whole.ts"

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
      return begin(core, core.many?.rotate ?? Upkeep.rotate(core))
    case "detect":
      return begin(core, core.many?.detect ?? detectAll(core))
    case "suspend":
      return core.many?.suspend ?? Upkeep.suspend(core)
    case "resume":
      return core.many?.resume ?? Upkeep.resume(core)
    case "resize":
      return resize(core, action)
    case "destroy":
      return Effect.suspend(() => destroy(core, action.object))
  }
}

/** Of many keys a minimum is one of each. */
const resize = (
  core: Core<never, never>,
  { max, min }: Extract<Action, { readonly _tag: "resize" }>
): Effect.Effect<void, PoolClosed | InvalidPoolOptions> => {
  const least = min !== undefined && { min }
  const most = max !== undefined && { max }
  return core.many === undefined
    ? Upkeep.resize(core, { ...least, ...most })
    : core.many.resize({ ...most, perKey: { ...least } })
}

const destroy = (core: Core<never, never>, object: number): Effect.Effect<void, NoSuchObject> => {
  for (const part of parts(core)) {
    const entry = [...part.registry.entries].find(({ id }) => id === object)
    if (entry !== undefined && remove<never, never>(part, entry.pooled)) return Effect.void
  }
  return Effect.fail(new NoSuchObject({ object }))
}

/** Goes on in a fiber of the pool, whatever becomes of the request. A pool that closes meanwhile ends it. */
const begin = (core: Core<never, never>, effect: Effect.Effect<void, PoolClosed>): Effect.Effect<void, PoolClosed> =>
  Effect.suspend(() => {
    if (core.life._tag !== "Open") return closed(core)
    fork(core, effect)
    return Effect.void
  })
