/**
 * Pools by key: what is inferred, and what does not compile.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import {
  type BorrowError,
  type InvalidPoolOptions,
  type KeyedEvent,
  type KeyedLease,
  type KeyedObject,
  KeyedPool,
  type LeaseExpired,
  type PoolStats
} from "../../src/index.ts"
import { KeyedPromisePool } from "../../src/promise.ts"

class Vault extends Context.Service<Vault, { readonly secret: string }>()("Vault") {}

interface Session {
  readonly role: string
}

// by its interface

class Tenants extends KeyedPool.Service<Tenants, number, Session, { error: "no role"; data: Date }>()("app/Tenants") {}

const layer = Tenants.layer({
  acquire: (tenant) => {
    expectTypeOf(tenant).toEqualTypeOf<number>()
    return Effect.map(Vault, ({ secret }): Session => ({ role: secret }))
  },
  data: () => new Date(0),
  size: { max: 50, perKey: { min: 1, max: "Infinity" } },
  detectStatus: ({ data, key, object }) => {
    expectTypeOf(key).toEqualTypeOf<number>()
    expectTypeOf(object).toEqualTypeOf<Session>()
    expectTypeOf(data).toEqualTypeOf<Date>()
    return "Available"
  }
})
expectTypeOf(layer).toEqualTypeOf<Layer.Layer<Tenants, never, Vault>>()

const FromEnvironment = Tenants.layerConfig({
  acquire: () => Effect.map(Vault, ({ secret }): Session => ({ role: secret })),
  data: new Date(0)
}, {
  size: { max: Config.Int("MAX"), perKey: { max: Config.Int("PER_TENANT") } },
  idleKeys: Config.Duration("IDLE"),
  borrowTimeout: Config.Duration("TIMEOUT")
})
expectTypeOf(FromEnvironment).toEqualTypeOf<Layer.Layer<Tenants, Config.ConfigError | InvalidPoolOptions, Vault>>()
// @ts-expect-error a minimum is one of each key
void Tenants.layerConfig({ data: new Date(0) }, { size: { min: Config.Int("MIN") } })

expectTypeOf(Tenants.borrow(1)).toEqualTypeOf<
  Effect.Effect<KeyedLease<number, Session, Date>, "no role" | BorrowError, Tenants | Scope.Scope>
>()
expectTypeOf(Tenants.with(1, (lease) => Effect.succeed(lease.pooled.key))).toEqualTypeOf<
  Effect.Effect<number, "no role" | BorrowError | LeaseExpired, Tenants>
>()
expectTypeOf(Tenants.borrowMany(1, 2)).toEqualTypeOf<
  Effect.Effect<
    ReadonlyArray<KeyedLease<number, Session, Date>>,
    "no role" | BorrowError | InvalidPoolOptions,
    Tenants | Scope.Scope
  >
>()
expectTypeOf(Tenants.withMany(1, 2, (leases) => Effect.succeed(leases[0]!.pooled.key), { priority: 1 })).toEqualTypeOf<
  Effect.Effect<number, "no role" | BorrowError | LeaseExpired | InvalidPoolOptions, Tenants>
>()
// @ts-expect-error how many comes after the key
void Tenants.withMany(1, () => Effect.void)
expectTypeOf(Tenants.statsOf(1)).toEqualTypeOf<Effect.Effect<PoolStats | undefined, never, Tenants>>()
expectTypeOf(Tenants.keys).toEqualTypeOf<Effect.Effect<ReadonlyArray<number>, never, Tenants>>()
expectTypeOf(Tenants.objects).toEqualTypeOf<
  Effect.Effect<ReadonlyArray<KeyedObject<number, Session, Date>>, never, Tenants>
>()
expectTypeOf(Tenants.events).toEqualTypeOf<Stream.Stream<KeyedEvent<number>, never, Tenants>>()

// @ts-expect-error a key of another type
void Tenants.borrow("acme")
// @ts-expect-error data was declared
void Tenants.layer({ acquire: () => Effect.succeed({ role: "" }) })
// @ts-expect-error there are no objects that are there from the start: of which key would they be?
void Tenants.layer({ acquire: () => Effect.succeed({ role: "" }), data: new Date(0), objects: [] })
// @ts-expect-error a minimum is one of each key
void Tenants.layer({ acquire: () => Effect.succeed({ role: "" }), data: new Date(0), size: { min: 1 } })

// without a tag

const made = KeyedPool.make({
  acquire: (key: "a" | "b") => key === "a" ? Effect.succeed(1) : Effect.fail("none" as const),
  pack: (lease) => `${lease.pooled.key}${lease.object}`
})
expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<KeyedPool<"a" | "b", number, undefined, "none", string>>()

const promised = KeyedPromisePool.make({ acquire: async (key: string) => key.length })
expectTypeOf(promised).toEqualTypeOf<KeyedPromisePool<string, number>>()
expectTypeOf(promised.with("a", (n) => `${n}`)).toEqualTypeOf<Promise<string>>()
