/** A pool that processes share: what its schemas say is what its operations have. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import {
  Fence,
  type HeldLease,
  type PooledPicture,
  type PoolUnavailable,
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

const ApiKey = Schema.Struct({ key: Schema.String, since: Schema.DateTimeUtcFromMillis })
type ApiKey = typeof ApiKey.Type
const Weight = Schema.Struct({ weight: Schema.Finite })
type Weight = typeof Weight.Type
class Refused extends Schema.TaggedError<Refused>()("Refused", { code: Schema.Int }) {}
declare class Vault {
  readonly "~id": "Vault"
}
declare const open: Effect.Effect<ApiKey, Refused, Vault | Scope.Scope>

// Of its object alone: a lease of that, and what any borrow fails with.

class Plain extends SharedPool.Service<Plain>()("mail/Plain", { object: Schema.String }) {}

expectTypeOf(Plain.borrow).toEqualTypeOf<
  Effect.Effect<SharedLease<string>, BorrowError | PoolUnavailable, Plain | Scope.Scope>
>()
expectTypeOf(Plain.layerRemote).toEqualTypeOf<Layer.Layer<Plain, never, RpcClient.Protocol>>()
expectTypeOf(Plain.layer({ objects: ["a"] })).toEqualTypeOf<Layer.Layer<Plain>>()
expectTypeOf(Plain.layerServer({ objects: ["a"], timeToLive: "3 seconds" })).toEqualTypeOf<
  Layer.Layer<never, never, RpcServer.Protocol>
>()

// With all that travels: the type that a schema decodes to, not the one that it encodes to.

class Keys extends SharedPool.Service<Keys>()("mail/Keys", {
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

Keys.with((lease) => {
  expectTypeOf(lease.object).toEqualTypeOf<ApiKey>()
  expectTypeOf(lease.fence).toEqualTypeOf<Fence>()
  expectTypeOf(lease.pooled).toEqualTypeOf<PooledPicture<Weight>>()
  expectTypeOf(lease.detach).toEqualTypeOf<Effect.Effect<ApiKey, LeaseExpired, Scope.Scope>>()
  return Effect.void
})
expectTypeOf(Fence.compare({ epoch: 1, number: 1 }, { epoch: 1, number: 2 })).toEqualTypeOf<-1 | 0 | 1>()

// What must not compile.

// @ts-expect-error no `Self`
class _NoSelf extends SharedPool.Service()("mail/NoSelf", { object: Schema.String }) {}
// @ts-expect-error a schema that needs a service to decode
SharedPool.Service<Keys>()("mail/Keys", { object: ApiKey as unknown as Schema.Codec<ApiKey, string, Vault> })
// @ts-expect-error objects of another type
Plain.layer({ objects: [3] })
// @ts-expect-error an `acquire` that fails, where no schema says with what
Plain.layer({ acquire: Effect.fail("no") })
// @ts-expect-error a need that nobody answers
Keys.layer({ acquire: open, data: { weight: 1 } })
// @ts-expect-error data that nobody makes
Keys.layer({ acquire: open, meets: () => true })
// @ts-expect-error functions do not travel
Keys.borrowWith({ where: () => true })
// @ts-expect-error no such need
Keys.borrowWith({ need: "moon" })
// @ts-expect-error a shared pool has no `pack`
Plain.layer({ objects: ["a"], pack: () => 1 })
// @ts-expect-error a picture has no object
Effect.map(Keys.objects, (objects) => objects[0]?.object)
// @ts-expect-error a token that anybody could read
SharedPool.layerSocket({ port: 1, token: "0123456789abcdef" })
// @ts-expect-error a token that anybody could read in a log
SharedPool.layerSocketServer({ port: 1, token: Config.String("TOKEN") })
