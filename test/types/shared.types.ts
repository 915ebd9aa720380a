/** A pool that processes share: what its schemas say is what its operations have. */
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import {
  type Claims,
  Fence,
  type HeldLease,
  type PooledPicture,
  type PoolUnavailable,
  type SharedBorrowOptions,
  type SharedLease,
  SharedPool
} from "../../src/cluster.ts"
import type {
  BorrowError,
  DuplicateObject,
  LeaseExpired,
  PoolClosed,
  PoolEvent,
  PoolFull,
  PoolStats
} from "../../src/index.ts"

export const ApiKey = Schema.Struct({ key: Schema.String, since: Schema.DateTimeUtcFromMillis })
type ApiKey = typeof ApiKey.Type
const Weight = Schema.Struct({ weight: Schema.Finite })
type Weight = typeof Weight.Type
export class Refused extends Schema.TaggedError<Refused>()("Refused", { code: Schema.Int }) {}
export declare class Vault {
  readonly "~id": "Vault"
}
export declare const open: Effect.Effect<ApiKey, Refused, Vault | Scope.Scope>

// Of its object alone: a lease of that, and what any borrow fails with.

export class Plain extends SharedPool.Service<Plain>()("mail/Plain", { object: Schema.String }) {}

expectTypeOf(Plain.borrow).toEqualTypeOf<
  Effect.Effect<SharedLease<string>, BorrowError | PoolUnavailable, Plain | Scope.Scope>
>()
expectTypeOf(Plain.layerRemote).toEqualTypeOf<Layer.Layer<Plain, never, RpcClient.Protocol>>()
expectTypeOf(Plain.layer({ objects: ["a"] })).toEqualTypeOf<Layer.Layer<Plain>>()
expectTypeOf(Plain.layerServer({ objects: ["a"], timeToLive: "3 seconds" })).toEqualTypeOf<
  Layer.Layer<never, never, RpcServer.Protocol>
>()

// What is remembered is in the store of the program, or in the cluster's own database.

const remembers = { objects: ["a"], remember: { key: (name: string) => name } }
expectTypeOf(Plain.layer(remembers)).toEqualTypeOf<Layer.Layer<Plain, never, KeyValueStore>>()
expectTypeOf(Plain.layerServer(remembers)).toEqualTypeOf<
  Layer.Layer<never, never, RpcServer.Protocol | KeyValueStore>
>()
expectTypeOf(Plain.layerHost(remembers)).toEqualTypeOf<Layer.Layer<never, never, Sharding | Claims>>()

// With all that travels: the type that a schema decodes to, not the one that it encodes to.

export class Keys extends SharedPool.Service<Keys>()("mail/Keys", {
  object: ApiKey,
  data: Weight,
  error: Refused,
  need: Schema.Literals(["eu", "us"])
}) {}

expectTypeOf(Keys.borrowWith({ need: "eu", timeout: "1 second", cost: 3 })).toEqualTypeOf<
  Effect.Effect<SharedLease<ApiKey, Weight>, Refused | BorrowError | PoolUnavailable, Keys | Scope.Scope>
>()
expectTypeOf(Keys.tryBorrow).toEqualTypeOf<typeof Keys.borrow>()
expectTypeOf(Keys.with((lease) => Effect.succeed(lease.data.weight))).toEqualTypeOf<
  Effect.Effect<number, Refused | BorrowError | LeaseExpired | PoolUnavailable, Keys>
>()
expectTypeOf(Keys.add).returns.toEqualTypeOf<
  Effect.Effect<PooledPicture<Weight>, DuplicateObject | PoolFull | PoolClosed | PoolUnavailable, Keys>
>()
expectTypeOf(Keys.stats).toEqualTypeOf<Effect.Effect<PoolStats, PoolUnavailable, Keys>>()
expectTypeOf(Keys.leases).toEqualTypeOf<Effect.Effect<ReadonlyArray<HeldLease>, PoolUnavailable, Keys>>()
expectTypeOf(Keys.events).toEqualTypeOf<Stream.Stream<PoolEvent, PoolUnavailable, Keys>>()
expectTypeOf(Keys.layerRemote).toEqualTypeOf<Layer.Layer<Keys, never, RpcClient.Protocol>>()

const options = { acquire: open, data: { weight: 1 }, meets: () => true }
expectTypeOf(Keys.layer(options)).toEqualTypeOf<Layer.Layer<Keys, never, Vault>>()
expectTypeOf(Keys.layerServer(options)).toEqualTypeOf<Layer.Layer<never, never, Vault | RpcServer.Protocol>>()

export const body = Keys.with((lease) => {
  expectTypeOf(lease.object).toEqualTypeOf<ApiKey>()
  expectTypeOf(lease.fence).toEqualTypeOf<Fence>()
  expectTypeOf(lease.pooled).toEqualTypeOf<PooledPicture<Weight>>()
  expectTypeOf(lease.detach).toEqualTypeOf<Effect.Effect<ApiKey, LeaseExpired, Scope.Scope>>()
  return Effect.void
})
expectTypeOf(Fence.compare({ epoch: 1, number: 1 }, { epoch: 1, number: 2 })).toEqualTypeOf<-1 | 0 | 1>()

// Classes of borrowers: the names are a union, which the tag has declared and every host limits.

export class Sessions extends SharedPool.Service<Sessions>()("mail/Sessions", {
  object: Schema.String,
  classes: ["interactive", "batch"]
}) {}

const limits = { objects: ["a"], classes: { interactive: { reserve: 1 }, batch: { most: 2 } } }
expectTypeOf(Sessions.layer(limits)).toEqualTypeOf<Layer.Layer<Sessions>>()
expectTypeOf(Sessions.layerServer(limits)).toEqualTypeOf<Layer.Layer<never, never, RpcServer.Protocol>>()
expectTypeOf(Sessions.layerHost(limits)).toEqualTypeOf<Layer.Layer<never, never, Sharding | Claims>>()
expectTypeOf(Sessions.borrowWith).parameter(0).toEqualTypeOf<SharedBorrowOptions<never, "interactive" | "batch">>()
expectTypeOf(Sessions.with(() => Effect.void, { class: "batch" })).toEqualTypeOf<
  Effect.Effect<void, BorrowError | LeaseExpired | PoolUnavailable, Sessions>
>()
// a function that knows no classes takes a pool that has some
expectTypeOf<Effect.Success<typeof Sessions>>().toExtend<SharedPool<string>>()
