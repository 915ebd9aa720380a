import { Effect } from "effect"
import type { Store } from "../../../src/internal/cluster/claims.ts"

/** A store that can be away. */
export const failing = (store: Store<never>) => {
  let away = false
  const ifThere = <A>(effect: Effect.Effect<A>): Effect.Effect<A, string> =>
    Effect.suspend(() => away ? Effect.fail("away") : effect)
  const there: Store<string> = {
    read: (pools) => ifThere(store.read(pools)),
    take: (next, seen) => ifThere(store.take(next, seen)),
    beat: (pool, token) => ifThere(store.beat(pool, token)),
    leave: (pool, token) => ifThere(store.leave(pool, token))
  }
  return { store: there, set: (now: "away" | "there") => void (away = now === "away") }
}
