/** Pools without a tag, what is lent, the failures, and layers from the environment or from a test. */
import * as Config from "effect/Config"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as KeyValueStore from "effect/persistence/KeyValueStore"
import type * as Scope from "effect/Scope"
import { expectTypeOf } from "vitest"
import {
  type AddedObject,
  type DuplicateObject,
  type InvalidPoolOptions,
  type Lease,
  type LeaseExpired,
  ObjectPool,
  type PoolClosed,
  type PooledObject,
  type PoolFull,
  PoolMetrics,
  PoolService,
  type PoolStats,
  type Remember,
  Selector,
  Status
} from "../../src/index.ts"
import type { Account, Budget, Session, Vault, VaultSealed } from "./domain.ts"
import { leaseAccount, openSession } from "./domain.ts"

// `make` infers the object, its failures, its data and its pack, and needs a scope to close with.

expectTypeOf(ObjectPool.make({ name: "accounts", acquire: leaseAccount, select: Selector.random })).toEqualTypeOf<
  Effect.Effect<ObjectPool<Account, undefined, VaultSealed>, never, Scope.Scope | Vault>
>()
expectTypeOf(ObjectPool.make({ objects: ["a", "b"] })).toEqualTypeOf<
  Effect.Effect<ObjectPool<string>, never, Scope.Scope>
>()
expectTypeOf(ObjectPool.make({ acquire: Effect.succeed<null | undefined>(null) })).toEqualTypeOf<
  Effect.Effect<ObjectPool<null | undefined>, never, Scope.Scope>
>()

const withPack = ObjectPool.make({ objects: [1], data: "even", pack: (lease) => ({ n: lease.object, is: lease.data }) })
expectTypeOf<Effect.Success<typeof withPack>>().toEqualTypeOf<
  ObjectPool<number, string, never, { n: number; is: string }>
>()

// A built-in selector says nothing about the data; `weighted` reads it where its parameter is annotated.

for (const select of [Selector.roundRobin, Selector.leastBorrowed, Selector.leastRecentlyUsed]) {
  const pool = ObjectPool.make({ acquire: leaseAccount, data: ({ dailyQuota }) => ({ left: dailyQuota }), select })
  expectTypeOf<Effect.Success<typeof pool>>().toEqualTypeOf<ObjectPool<Account, { left: number }, VaultSealed>>()
}

const byBudget = Selector.weighted((pooled: PooledObject<Account, Budget>) => pooled.data.left)
const weighted = ObjectPool.make({ acquire: leaseAccount, data: { left: 1 }, select: byBudget })
expectTypeOf<Effect.Success<typeof weighted>>().toExtend<ObjectPool<Account, { left: number }, VaultSealed>>()

// What the pool knows of an object, and what its borrower holds, is read-only.

declare const pooled: PooledObject<Account, Budget>
expectTypeOf(pooled.object).toEqualTypeOf<Account>()
expectTypeOf(pooled.data).toEqualTypeOf<Budget>()
expectTypeOf(pooled.status).toEqualTypeOf<
  "Pending" | "Available" | "Borrowed" | "Dormant" | "Unknown" | "Invalid"
>()
expectTypeOf(pooled.wakesAt).toEqualTypeOf<DateTime.Utc | undefined>()

declare const lease: Lease<Account, Budget>
expectTypeOf(lease.pooled).toEqualTypeOf<PooledObject<Account, Budget>>()
expectTypeOf(lease.id).toEqualTypeOf<number>()
expectTypeOf(lease.expiresAt).toEqualTypeOf<DateTime.Utc | undefined>()
expectTypeOf(lease.release).toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf(lease.invalidate).toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf(lease.rest("1 minute")).toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf(lease.restUntil(new Date())).toEqualTypeOf<Effect.Effect<void>>()
expectTypeOf(lease.renew).toEqualTypeOf<Effect.Effect<void, LeaseExpired>>()
expectTypeOf(lease.detach).toEqualTypeOf<Effect.Effect<Account, LeaseExpired, Scope.Scope>>()
expectTypeOf(lease.expired).toEqualTypeOf<Effect.Effect<never, LeaseExpired>>()
expectTypeOf<LeaseExpired["reason"]>().toEqualTypeOf<"Expired" | "Released" | "Revoked" | "Closed" | "Lost">()

// The operations of a pool need nothing; the accessors of a tag need the tag.

declare const pool: ObjectPool<Account, Budget>
class Accounts extends PoolService<Accounts, Account, { data: Budget }>()("mail/Accounts") {}

const account: Account = { address: "a@example.com", dailyQuota: 5 }
type AddError = DuplicateObject | PoolFull | PoolClosed

expectTypeOf(pool.name).toEqualTypeOf<string>()
expectTypeOf(pool.add(account)).toEqualTypeOf<Effect.Effect<AddedObject<Account, Budget>, AddError>>()
expectTypeOf(Accounts.addAll([account])).toEqualTypeOf<
  Effect.Effect<ReadonlyArray<AddedObject<Account, Budget>>, AddError, Accounts>
>()
expectTypeOf(pool.remove(account)).toEqualTypeOf<Effect.Effect<boolean>>()
expectTypeOf(Accounts.remove(pooled)).toEqualTypeOf<Effect.Effect<boolean, never, Accounts>>()
expectTypeOf(pool.rest(account, "1 hour")).toEqualTypeOf<Effect.Effect<boolean>>()
expectTypeOf(Accounts.wake(pooled)).toEqualTypeOf<Effect.Effect<boolean, never, Accounts>>()
expectTypeOf(pool.reconsider(account)).toEqualTypeOf<Effect.Effect<boolean>>()
expectTypeOf(Accounts.reconsider(pooled)).toEqualTypeOf<Effect.Effect<boolean, never, Accounts>>()
expectTypeOf(pool.detect).toEqualTypeOf<Effect.Effect<void, PoolClosed>>()
expectTypeOf(Accounts.stats).toEqualTypeOf<Effect.Effect<PoolStats, never, Accounts>>()
expectTypeOf(pool.close).toEqualTypeOf<Effect.Effect<void>>()

// The answers of a detector, and the legal moves.

expectTypeOf(Status.dormant("3 seconds")).toExtend<Status.Answer>()
expectTypeOf<Exclude<Status.Answer, Status.Rest>>().toEqualTypeOf<"Available" | "Dormant" | "Invalid" | "Unknown">()
expectTypeOf<"Pending -> Available" | "Borrowed -> Dormant" | "Unknown -> Invalid">().toExtend<Status.Transition>()
expectTypeOf<Extract<Status.Transition, `Invalid -> ${string}`>>().toBeNever()

// Settings are read from the environment and laid over the options.

const FromEnvironment = Accounts.layerConfig({ objects: [account], data: { left: 1 } }, {
  size: { max: Config.Int("POOL_MAX") },
  borrowTimeout: Config.Duration("BORROW_TIMEOUT"),
  detection: { concurrency: Config.Int("DETECTIONS").pipe(Config.withDefault(10)) }
})
expectTypeOf(FromEnvironment).toEqualTypeOf<Layer.Layer<Accounts, Config.ConfigError | InvalidPoolOptions>>()

// Metrics are shown by a layer above that of the pool, or in a scope.

expectTypeOf(PoolMetrics.layer(Accounts)).toEqualTypeOf<Layer.Layer<never, never, Accounts>>()
expectTypeOf(PoolMetrics.register(pool)).toEqualTypeOf<Effect.Effect<void, never, Scope.Scope>>()
declare const packed: Effect.Success<typeof withPack>
expectTypeOf(PoolMetrics.register(packed)).toEqualTypeOf<Effect.Effect<void, never, Scope.Scope>>()
expectTypeOf(
  Accounts.layerConfig({ objects: [account], data: { left: 1 } }, {
    leaseWarning: Config.Duration("WARNING"),
    captureBorrowSite: Config.Boolean("SITE")
  })
).toEqualTypeOf<Layer.Layer<Accounts, Config.ConfigError | InvalidPoolOptions>>()

// A test may put a double in the pool's place.

class Sessions extends PoolService<Sessions, Session>()("mail/Sessions") {}

declare const double: Lease<Session>
expectTypeOf(Layer.mock(Sessions, { name: "double", borrow: Effect.succeed(double) })).toEqualTypeOf<
  Layer.Layer<Sessions>
>()
expectTypeOf(Layer.effect(Sessions, ObjectPool.make({ acquire: openSession }))).toEqualTypeOf<Layer.Layer<Sessions>>()

// A pool that remembers needs a store; one that does not needs none.

const key = (account: Account) => account.address
expectTypeOf(ObjectPool.make({ acquire: leaseAccount, remember: { key } })).toEqualTypeOf<
  Effect.Effect<ObjectPool<Account, undefined, VaultSealed>, never, Scope.Scope | Vault | KeyValueStore.KeyValueStore>
>()
expectTypeOf(ObjectPool.make({ objects: ["a"], remember: { key: (object) => object.toLowerCase() } })).toEqualTypeOf<
  Effect.Effect<ObjectPool<string>, never, Scope.Scope | KeyValueStore.KeyValueStore>
>()
expectTypeOf(ObjectPool.make({ objects: ["a"], remember: undefined })).toEqualTypeOf<
  Effect.Effect<ObjectPool<string>, never, Scope.Scope>
>()
declare const maybe: Remember<string> | undefined
expectTypeOf(ObjectPool.make({ objects: ["a"], remember: maybe })).toEqualTypeOf<
  Effect.Effect<ObjectPool<string>, never, Scope.Scope | KeyValueStore.KeyValueStore>
>()

class Remembered extends PoolService<Remembered, Account, { error: VaultSealed }>()("types/Remembered") {}
expectTypeOf(Remembered.layer({ acquire: leaseAccount, remember: { key: ({ address }) => address } })).toEqualTypeOf<
  Layer.Layer<Remembered, never, Vault | KeyValueStore.KeyValueStore>
>()
expectTypeOf(Remembered.layer({ acquire: leaseAccount })).toEqualTypeOf<Layer.Layer<Remembered, never, Vault>>()
expectTypeOf(
  Remembered.layerConfig({ acquire: leaseAccount, remember: { key } }, { maxWaiters: Config.Int("MAX") })
).toEqualTypeOf<
  Layer.Layer<Remembered, Config.ConfigError | InvalidPoolOptions, Vault | KeyValueStore.KeyValueStore>
>()

class Inferred extends PoolService<Inferred>()("types/Inferred", {
  acquire: leaseAccount,
  remember: { key: (account: Account) => account.address }
}) {}
expectTypeOf(Inferred.layer).toEqualTypeOf<Layer.Layer<Inferred, never, Vault | KeyValueStore.KeyValueStore>>()
