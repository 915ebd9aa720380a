/** What the functions of a pool tell of its objects, where nothing else does; and what an object tells of itself. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { expectTypeOf } from "vitest"
import { type AddedObject, type Lease, ObjectPool, type PooledObject, PoolService, type Self } from "../../src/index.ts"
import { type PromiseAddedObject, type PromiseLease, PromisePool, type PromiseSelf } from "../../src/promise.ts"
import type { Account, Session, Vault, VaultSealed } from "./domain.ts"
import { leaseAccount, openSession } from "./domain.ts"

type PoolOf<T> = Effect.Success<T>

// In a pool of objects that are added, an annotated function says what they are.

const byData = ObjectPool.make({ data: (key: string) => ({ quota: key.length }) })
expectTypeOf<PoolOf<typeof byData>>().toEqualTypeOf<ObjectPool<string, { quota: number }>>()
const byDetector = ObjectPool.make({
  detectStatus: ({ object }: PooledObject<string>) => object ? "Available" : "Invalid"
})
expectTypeOf<PoolOf<typeof byDetector>>().toEqualTypeOf<ObjectPool<string>>()
const byHook = ObjectPool.make({ onRelease: ({ object }: PooledObject<Session>) => Effect.asVoid(object.send("")) })
expectTypeOf<PoolOf<typeof byHook>>().toEqualTypeOf<ObjectPool<Session>>()
const byPack = ObjectPool.make({ pack: (lease: Lease<string>) => lease.object.length })
expectTypeOf<PoolOf<typeof byPack>>().toEqualTypeOf<ObjectPool<string, undefined, never, number>>()
const both = ObjectPool.make({
  data: (key: string) => ({ quota: key.length }),
  detectStatus: ({ data, object }) => object.length > data.quota ? "Available" : "Invalid"
})
expectTypeOf<PoolOf<typeof both>>().toEqualTypeOf<ObjectPool<string, { quota: number }>>()
class ByData extends PoolService<ByData>()("mail/ByData", { data: (key: string) => key.length }) {}
expectTypeOf<ByData["Service"]>().toEqualTypeOf<ObjectPool<string, number>>()

expectTypeOf(PromisePool.make({ data: (key: string) => ({ quota: key.length }) })).toEqualTypeOf<
  PromisePool<string, { quota: number }>
>()
expectTypeOf(PromisePool.make({ detectStatus: ({ object }: PooledObject<string>) => object ? "Available" : "Invalid" }))
  .toEqualTypeOf<PromisePool<string>>()

// Where the objects are given, they say it: a function may know less of them.

const narrow = ObjectPool.make({
  acquire: Effect.succeed<1 | 2>(1),
  detectStatus: ({ object }: PooledObject<number>) => object > 0 ? "Available" : "Invalid"
})
expectTypeOf<PoolOf<typeof narrow>>().toEqualTypeOf<ObjectPool<1 | 2>>()

// `unpack` may be annotated, and `pack` not; it may need less than that makes.

interface Query {
  readonly run: () => number
}
const packing = { objects: ["a"], data: "eu" }
const unpacked = PromisePool.make({
  ...packing,
  pack: async (lease) => ({ run: () => lease.object.length, region: lease.data }),
  unpack: (query: Query) => query.run()
})
expectTypeOf(unpacked.with(({ region }) => region)).toEqualTypeOf<Promise<string>>()
expectTypeOf(unpacked).toEqualTypeOf<
  PromisePool<string, string, PromiseLease<string, string, { run: () => number; region: string }>>
>()
// `acquire` may be a function: beside a detector that is annotated, or not, with what it fails with, and needs.

declare const detectStatus: (pooled: PooledObject<Account, unknown>) => Effect.Effect<"Available", VaultSealed>
const knowing = ObjectPool.make({
  acquire: (self) => {
    expectTypeOf(self).toEqualTypeOf<Self>()
    return Effect.tap(leaseAccount, () => self.detect)
  },
  data: ({ dailyQuota }) => ({ left: dailyQuota }),
  detectStatus,
  onBorrow: ({ data }) => Effect.logDebug(data.left)
})
expectTypeOf(knowing).toEqualTypeOf<
  Effect.Effect<ObjectPool<Account, { left: number }, VaultSealed>, never, Scope.Scope | Vault>
>()
class Knowing extends PoolService<Knowing>()("mail/Knowing", {
  acquire: Effect.fnUntraced(function*(self: Self) {
    self.rest("1 second")
    return yield* leaseAccount
  })
}) {}
expectTypeOf<Knowing["Service"]>().toEqualTypeOf<ObjectPool<Account, undefined, VaultSealed>>()
class Declared extends PoolService<Declared, Session>()("mail/Declared") {}
Declared.layer({ acquire: (self) => Effect.tap(openSession, self.invalidate) })

declare const self: Self
declare const emitter: { on: (event: string, listener: (error: Error) => void) => void }
emitter.on("error", self.invalidate)
expectTypeOf(self.invalidate).toExtend<Effect.Effect<void>>()
expectTypeOf(self.invalidate()).toEqualTypeOf<void>()
expectTypeOf(self.rest("1 second")).toEqualTypeOf<void>()
expectTypeOf<Self>().toExtend<PromiseSelf>()

declare const pool: ObjectPool<string, { quota: number; region: string }>
declare const promises: PromisePool<string, { quota: number; region: string }>
expectTypeOf(Effect.map(pool.add("a"), ({ detect }) => detect)).toExtend<Effect.Effect<Effect.Effect<void>, unknown>>()
expectTypeOf(pool.get("a")).toEqualTypeOf<
  Effect.Effect<PooledObject<string, { quota: number; region: string }> | undefined>
>()
expectTypeOf(promises.get("a")).toEqualTypeOf<PooledObject<string, { quota: number; region: string }> | undefined>()
expectTypeOf(promises.add("a")).toEqualTypeOf<Promise<PromiseAddedObject<string, { quota: number; region: string }>>>()
expectTypeOf<AddedObject<string>>().toExtend<PooledObject<string> & Self>()

// The data of an added object may be a part, where it is a record.

expectTypeOf(pool.add("a", { data: { quota: 3 }, destroy: () => Effect.void })).toExtend<
  Effect.Effect<AddedObject<string, { quota: number; region: string }>, unknown>
>()
promises.addSync("a", { data: { region: "eu" } })
