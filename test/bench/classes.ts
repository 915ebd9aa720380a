/**
 * Classes of borrowers: what they cost a borrow that finds an object free.
 */
import * as Effect from "effect/Effect"
import { ObjectPool } from "../../src/index.ts"
import { cycling, opened } from "./cycles.ts"
import { compare } from "./harness.ts"

const nothing = () => Effect.void
const objects = Array.from({ length: 10 }, (_, n) => ({ n }))
const classes = { interactive: { reserve: 2, weight: 4 }, batch: { most: 6 }, rare: { reserve: 1 } }

/** A pool without classes; one that has some, without naming one; naming one. Options of a borrow cost as much without classes. */
export const classed = async () => {
  const plain = await opened(ObjectPool.make({ objects }))
  const some = await opened(ObjectPool.make({ objects, classes }))
  const options = { priority: 0 }
  const named = { class: "batch" } as const
  const none = () => Promise.resolve()
  return compare([
    cycling("no classes", "base", Effect.suspend(() => plain.pool.with(nothing)), plain.close),
    cycling("classes, and none named", "ours", Effect.suspend(() => some.pool.with(nothing)), some.close),
    cycling("no classes, with options", "peer", Effect.suspend(() => plain.pool.with(nothing, options)), none),
    cycling("classes, and one named", "ours", Effect.suspend(() => some.pool.with(nothing, named)), none)
  ], { rounds: 11, sample: 20e6 })
}
