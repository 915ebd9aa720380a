/**
 * Classes of borrowers: what they cost a borrow that finds an object free.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { ObjectPool } from "../../src/index.ts"
import { alone } from "./cycles.ts"
import { compare, type Contender, timed } from "./harness.ts"

const nothing = () => Effect.void
const objects = Array.from({ length: 10 }, (_, n) => ({ n }))
const classes = { interactive: { reserve: 2, weight: 4 }, batch: { most: 6 }, rare: { reserve: 1 } }

const opened = async <A>(effect: Effect.Effect<A, never, Scope.Scope>) => {
  const scope = Scope.makeUnsafe()
  const pool = await Effect.runPromise(Scope.provide(effect, scope))
  return { pool, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const contender = (
  name: string,
  role: Contender["role"],
  cycle: Effect.Effect<unknown, unknown>,
  close: () => Promise<void>
): Contender => {
  const run = alone(() => cycle)
  return { name, role, run: (times) => timed(() => Effect.runPromise(run(times))), close }
}

/** A pool without classes; one that has some, without naming one; naming one. Options of a borrow cost as much without classes. */
export const classed = async () => {
  const plain = await opened(ObjectPool.make({ objects }))
  const some = await opened(ObjectPool.make({ objects, classes }))
  const options = { priority: 0 }
  const named = { class: "batch" } as const
  const none = () => Promise.resolve()
  return compare([
    contender("no classes", "base", Effect.suspend(() => plain.pool.with(nothing)), plain.close),
    contender("classes, and none named", "ours", Effect.suspend(() => some.pool.with(nothing)), some.close),
    contender("no classes, with options", "peer", Effect.suspend(() => plain.pool.with(nothing, options)), none),
    contender("classes, and one named", "ours", Effect.suspend(() => some.pool.with(nothing, named)), none)
  ], { rounds: 11, sample: 20e6 })
}
