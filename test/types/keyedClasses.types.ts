/** Classes of borrowers over all keys: their names are a union in the type, and a wrong one does not compile. */
import * as Effect from "effect/Effect"
import { expectTypeOf } from "vitest"
import { type KeyedLease, KeyedPool, PoolMetrics } from "../../src/index.ts"
import { type KeyedPromiseLease, KeyedPromisePool } from "../../src/promise.ts"

const made = KeyedPool.make({
  acquire: (key: string) => Effect.succeed({ key }),
  classes: { interactive: { reserve: 2, weight: 4 }, batch: { most: 6 } }
})
interface Thing {
  readonly key: string
}
expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<
  KeyedPool<string, { key: string }, undefined, never, KeyedLease<string, { key: string }>, "interactive" | "batch">
>()
declare const pool: Effect.Success<typeof made>
declare const plain: KeyedPool<string, Thing>
/** What is written there compiles, or does not: it is never run. */
const of = (_effect: unknown): void => {}
of(pool.borrowWith("x", { class: "batch" }))
of(pool.tryBorrowWith("x", { class: "interactive" }))
of(pool.with("x", () => pool.stats, { class: "batch" }))
// a function that knows no classes takes pools that have some
expectTypeOf(pool).toExtend<KeyedPool<string, { key: string }>>()

// @ts-expect-error a misspelt class
of(pool.borrowWith("x", { class: "bacth" }))
// @ts-expect-error a misspelt class
of(pool.with("x", () => pool.stats, { class: "bacth" }))
// @ts-expect-error the pools have no classes
of(plain.borrowWith("x", { class: "batch" }))
// @ts-expect-error a misspelt limit
of(KeyedPool.make({ acquire: (key: string) => Effect.succeed(key), classes: { batch: { mots: 6 } } }))

class Tenants
  extends KeyedPool.Service<Tenants, string, Thing, { classes: "interactive" | "batch" }>()("app/Tenants")
{}
const acquire = (key: string) => Effect.succeed({ key })
of(Tenants.layer({ acquire, classes: { interactive: { reserve: 1 }, batch: {} } }))
of(Tenants.borrowWith("x", { class: "interactive" }))
of(PoolMetrics.layer(Tenants))
// @ts-expect-error a misspelt class
of(Tenants.with("x", () => Tenants.stats, { class: "bacth" }))
// @ts-expect-error declared classes must be given
of(Tenants.layer({ acquire }))
// @ts-expect-error all of them
of(Tenants.layer({ acquire, classes: { batch: {} } }))

const promised = KeyedPromisePool.make({
  acquire: async (key: string) => ({ key }),
  classes: { a: {}, b: { most: 6 } }
})
expectTypeOf(promised).toEqualTypeOf<
  KeyedPromisePool<string, { key: string }, undefined, KeyedPromiseLease<string, { key: string }>, "a" | "b">
>()
of(promised.borrow("x", { class: "a" }))
of(promised.with("x", () => 1, { class: "b" }))
// @ts-expect-error a misspelt class
of(promised.borrowSync("x", { class: "c" }))
