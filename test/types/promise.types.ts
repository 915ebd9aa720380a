/** Promise pools: what is inferred, what a borrower gets, and what must not compile. */
import type * as Layer from "effect/Layer"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import { expectTypeOf } from "vitest"
import { PoolService } from "../../src/index.ts"
import { type Detached, type PackedLease, type PromiseLease, PromisePool, Selector, Status } from "../../src/promise.ts"

interface Session {
  readonly ping: () => Promise<boolean>
  readonly end: () => Promise<void>
}
declare const open: (signal: AbortSignal) => Promise<Session>

// `make` infers the object from `acquire` or `objects`, and its data; a borrower gets the object.

const sessions = PromisePool.make({
  acquire: open,
  destroy: (session) => session.end(),
  detectStatus: async ({ object }) => await object.ping() ? "Available" : Status.dormant("1 minute"),
  onRelease: ({ object }) => void object,
  select: Selector.leastRecentlyUsed,
  size: { max: 4 }
})
expectTypeOf(sessions).toEqualTypeOf<PromisePool<Session>>()
expectTypeOf(sessions.borrow).returns.toEqualTypeOf<Promise<PromiseLease<Session>>>()
expectTypeOf(sessions.borrowSync).returns.toEqualTypeOf<PromiseLease<Session>>()
expectTypeOf(sessions.with(async (session, signal) => [await session.ping(), signal.aborted] as const)).toEqualTypeOf<
  Promise<readonly [boolean, boolean]>
>()
expectTypeOf(sessions.with((session) => session.ping())).toEqualTypeOf<Promise<boolean>>()
expectTypeOf(sessions.with((...args) => args)).toEqualTypeOf<Promise<[Session, AbortSignal]>>()
expectTypeOf<PromiseLease<Session>["object"]>().toEqualTypeOf<Session>()
expectTypeOf<ReturnType<PromiseLease<Session>["detach"]>>().toEqualTypeOf<Promise<Detached<Session>>>()

// What may take time is told by a signal, its last parameter, and declares it or not.

PromisePool.make({
  acquire: (signal) => open(signal),
  destroy: (session, signal) =>
    expectTypeOf([session, signal] as const).toEqualTypeOf<readonly [Session, AbortSignal]>(),
  detectStatus: async ({ object }, signal) => signal.aborted || await object.ping() ? "Available" : "Invalid",
  onBorrow: (_, signal) => expectTypeOf(signal).toEqualTypeOf<AbortSignal>(),
  onRelease: (_, signal) => expectTypeOf(signal).toEqualTypeOf<AbortSignal>(),
  select: (available, signal) => signal.aborted ? undefined : available[0],
  pack: ({ object }, signal) => ({ object, signal }),
  unpack: ({ object }, signal) =>
    expectTypeOf([object, signal] as const).toEqualTypeOf<readonly [Session, AbortSignal]>()
})

// What has failed is tried again by numbers, or by a schedule.

for (
  const retry of [
    3,
    "Infinity",
    { times: 3 },
    { times: "Infinity", delay: "1 second", factor: 1.5, maxDelay: 5000 },
    Schedule.recurs(3)
  ] as const
) {
  PromisePool.make({ acquire: open, creation: { retry }, detection: { retry } })
}

sessions.addSync({ ping: async () => true, end: async () => {} }, { destroy: (_, signal) => void signal.aborted })

expectTypeOf(PromisePool.make({ acquire: () => 1 })).toEqualTypeOf<PromisePool<number>>()
expectTypeOf(PromisePool.make({ objects: ["a"] })).toEqualTypeOf<PromisePool<string>>()
expectTypeOf(PromisePool.make<string>({})).toEqualTypeOf<PromisePool<string>>()

const keys = PromisePool.make({
  objects: ["a", "b"],
  data: (key) => ({ quota: key.length }),
  select: { weight: ({ data }) => data.quota },
  leaseTimeout: ({ data }) => data.quota * 1000
})
expectTypeOf(keys).toEqualTypeOf<PromisePool<string, { quota: number }>>()
keys.borrow({ where: ({ data }) => data.quota > 1, timeout: "3 seconds", signal: AbortSignal.timeout(10) })
  .catch(() => {})
keys.addSync("c", { data: { quota: 3 }, leaseTimeout: "1 minute", destroy: (key) => void key.length })

// A `pack` decides what a borrower gets.

const packed = PromisePool.make({
  acquire: open,
  data: "eu",
  pack: async (lease) => ({ region: lease.data, query: () => lease.object.ping() }),
  unpack: ({ query }) => void query
})
type Query = { region: string; query: () => Promise<boolean> }
expectTypeOf(packed).toEqualTypeOf<PromisePool<Session, string, PromiseLease<Session, string, Query>>>()
expectTypeOf(packed.with(({ region }) => region)).toEqualTypeOf<Promise<string>>()

// A lease is disposed of by `using`, or `await using`.

expectTypeOf<PromiseLease<Session>>().toExtend<AsyncDisposable & Disposable>()
expectTypeOf<PromisePool<Session>>().toExtend<AsyncDisposable>()

// Over a tag: all of a lease, or what its `pack` makes.

class Sessions extends PoolService<Sessions, Session, { data: number }>()("types/Sessions") {}
class Queries extends PoolService<Queries, Session, { pack: Query }>()("types/Queries") {}
declare const layer: Layer.Layer<Sessions | Queries, Error>
declare const runtime: ManagedRuntime.ManagedRuntime<Sessions | Queries, Error>

expectTypeOf(PromisePool.fromLayer(Sessions, layer)).toEqualTypeOf<Promise<PromisePool<Session, number>>>()
expectTypeOf(PromisePool.fromRuntime(Sessions, runtime)).toEqualTypeOf<Promise<PromisePool<Session, number>>>()
expectTypeOf(PromisePool.fromLayer(Queries, layer)).toEqualTypeOf<
  Promise<PromisePool<Session, undefined, PackedLease<Query>>>
>()
expectTypeOf(PromisePool.fromRuntime(Queries, runtime)).toEqualTypeOf<
  Promise<PromisePool<Session, undefined, PackedLease<Query>>>
>()

// What a promise pool remembers is written to anything that has `get` and `set`.

expectTypeOf(
  PromisePool.make({
    objects: ["a"],
    remember: { key: (object) => object.toLowerCase(), store: new Map<string, string>() }
  })
).toEqualTypeOf<PromisePool<string>>()
PromisePool.make({
  objects: ["a"],
  remember: {
    key: (object) => object,
    store: { get: async () => null, set: async (key: string, text: string) => key + text }
  }
})
