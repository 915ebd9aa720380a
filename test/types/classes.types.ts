/** Classes of borrowers: their names are a union in the type, and a wrong one does not compile. */
import * as Config from "effect/Config"
import type * as Effect from "effect/Effect"
import { expectTypeOf } from "vitest"
import { type Lease, ObjectPool, PoolMetrics, PoolService } from "../../src/index.ts"
import { type PromiseLease, PromisePool } from "../../src/promise.ts"

const made = ObjectPool.make({
  objects: ["a"],
  classes: { interactive: { reserve: 2, weight: 4 }, batch: { most: 6 } }
})
expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<
  ObjectPool<string, undefined, never, Lease<string>, "interactive" | "batch">
>()
declare const pool: Effect.Success<typeof made>
declare const plain: ObjectPool<string>
/** What is written there compiles, or does not: it is never run. */
const of = (_effect: unknown): void => {}
of(pool.borrowWith({ class: "batch" }))
of(pool.tryBorrowWith({ class: "interactive" }))
of(pool.with(({ object }) => pool.borrowWith({ class: object === "a" ? "batch" : "interactive" }), { class: "batch" }))
of(pool.borrowMany(2, { class: "batch", priority: 1 }))
of(pool.withMany(2, () => pool.stats, { class: "batch" }))
// a function that knows no classes takes a pool that has some
expectTypeOf(pool).toExtend<ObjectPool<string>>()

// @ts-expect-error a misspelt class
of(pool.borrowWith({ class: "bacth" }))
// @ts-expect-error a misspelt class
of(pool.with(() => pool.stats, { class: "bacth" }))
// @ts-expect-error a misspelt class
of(pool.borrowMany(2, { class: "bacth" }))
// @ts-expect-error the pool has no classes
of(plain.borrowWith({ class: "batch" }))
// @ts-expect-error the pool that is asked for has classes
expectTypeOf(plain).toExtend<typeof pool>()
// @ts-expect-error a misspelt limit
of(ObjectPool.make({ objects: ["a"], classes: { batch: { mots: 6 } } }))

class Inferred extends PoolService<Inferred>()("app/Inferred", {
  objects: ["a"],
  classes: { interactive: {}, batch: {} }
}) {}
of(Inferred.borrowWith({ class: "batch" }))
// @ts-expect-error a misspelt class
of(Inferred.borrowWith({ class: "bacth" }))

class Sessions extends PoolService<Sessions, string, { classes: "interactive" | "batch" }>()("app/Sessions") {}
of(Sessions.layer({ objects: ["a"], classes: { interactive: { reserve: 1 }, batch: {} } }))
of(Sessions.borrowWith({ class: "interactive" }))
// @ts-expect-error a misspelt class
of(Sessions.with(() => Sessions.stats, { class: "bacth" }))
// @ts-expect-error declared classes must be given
of(Sessions.layer({ objects: ["a"] }))
// @ts-expect-error all of them
of(Sessions.layer({ objects: ["a"], classes: { batch: {} } }))
// @ts-expect-error and no other
of(Sessions.layer({ objects: ["a"], classes: { interactive: {}, batch: {}, other: {} } }))

const declared = { objects: ["a"], classes: { interactive: {}, batch: {} } }
of(Sessions.layerConfig(declared, { classes: { batch: { most: Config.Int("BATCH_MOST") } } }))
of(Inferred.layerConfig({ classes: { interactive: { reserve: Config.Int("RESERVE") } } }))
// @ts-expect-error a class that was not declared
of(Sessions.layerConfig(declared, { classes: { other: { most: Config.Int("OTHER_MOST") } } }))
// @ts-expect-error the pool has no classes
of(Plain.layerConfig({ objects: ["a"] }, { classes: { batch: { most: Config.Int("BATCH_MOST") } } }))

class Plain extends PoolService<Plain, string>()("app/Plain") {}
// @ts-expect-error no classes were declared
of(Plain.borrowWith({ class: "batch" }))

const promised = PromisePool.make({ objects: ["a"], classes: { interactive: { reserve: 2 }, batch: { most: 6 } } })
expectTypeOf(promised).toEqualTypeOf<
  PromisePool<string, undefined, PromiseLease<string>, "interactive" | "batch">
>()
of(promised.borrow({ class: "batch" }))
of(promised.borrowSync({ class: "batch" }))
of(promised.with((object) => object, { class: "interactive" }))
of(promised.withMany(2, (objects) => objects, { class: "interactive" }))
// @ts-expect-error a misspelt class
of(promised.borrow({ class: "bacth" }))
// @ts-expect-error a misspelt class
of(promised.with((object) => object, { class: "bacth" }))
// @ts-expect-error the pool has no classes
of(PromisePool.make({ objects: ["a"] }).borrow({ class: "batch" }))
declare const sessions: PromisePool<string, undefined, PromiseLease<string>, "interactive" | "batch">
expectTypeOf(PromisePool.fromLayer(Inferred, Inferred.layer)).toEqualTypeOf<Promise<typeof sessions>>()
of(PoolMetrics.layer(Inferred))
