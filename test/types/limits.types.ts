/** Objects with limits: what is inferred, and what must not compile, in both flavours. */
import * as Cron from "effect/Cron"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { expectTypeOf } from "vitest"
import {
  type Judge,
  type Lease,
  ObjectPool,
  type PooledObject,
  PoolService,
  Selector,
  Status,
  Verdict
} from "../../src/index.ts"
import { type PromiseJudge, PromisePool, Verdict as PromiseVerdict } from "../../src/promise.ts"

interface Key {
  readonly secret: string
  readonly perMinute: number
}
declare const keys: ReadonlyArray<Key>
declare const effects: ObjectPool<Key, { tier: number }>
declare const promises: PromisePool<Key, { tier: number }>

// Every function sees the object and its data.

const made = ObjectPool.make({
  objects: keys,
  data: { tier: 1 },
  allowance: ({ data, object }) => [
    { limit: object.perMinute, per: "1 minute", name: "requests" },
    { limit: data.tier, resets: Cron.parseUnsafe("0 0 * * *"), unit: "cost", facet: true }
  ],
  select: { rank: ({ data }) => data.tier, within: Selector.mostAllowance },
  judge: (exit, { data, object }) =>
    Exit.isFailure(exit) && data.tier > 1 ? Status.dormant(object.perMinute, "large") : undefined
})
expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<ObjectPool<Key, { tier: number }>>()

class Keys extends PoolService<Keys>()("Keys", {
  objects: keys,
  select: Selector.tiers(({ object }: PooledObject<Key>) => object.perMinute, Selector.roundRobin),
  judge: Verdict.outlier({ when: () => true })
}) {}
expectTypeOf<Keys["Service"]>().toEqualTypeOf<ObjectPool<Key>>()

const promised = PromisePool.make({
  objects: keys,
  data: { tier: 1 },
  allowance: ({ object }) => ({ limit: object.perMinute, per: "1 minute" }),
  select: { rank: ({ data }) => data.tier, within: Selector.mostAllowance },
  judge: (settled, { data, object }) =>
    settled.status === "rejected" && data.tier > 1 ? Status.dormant(object.perMinute) : undefined
})
expectTypeOf(promised).toEqualTypeOf<PromisePool<Key, { tier: number }>>()

// A judge of any object is one of these, and a body's answer is its own, however often it runs.

expectTypeOf(Verdict.outlier()).toExtend<Judge<Key, number>>()
expectTypeOf(PromiseVerdict.outlier()).toExtend<PromiseJudge<Key, number>>()
expectTypeOf(promises.with(async () => 1, { failover: 2, facet: "a", prefer: ({ data }) => data.tier > 1 }))
  .toEqualTypeOf<Promise<number>>()
expectTypeOf(effects.with((lease: Lease<Key, { tier: number }>) => lease.charge(1, "requests"), { failover: 2 }))
  .toExtend<Effect.Effect<void, unknown>>()

// ----------------------------------------------------------------------------------------------- what must not compile

// @ts-expect-error a verdict is no promise
PromisePool.make({ objects: keys, judge: async () => "Available" as const })
// @ts-expect-error nor an effect
void ObjectPool.make({ objects: keys, judge: () => Effect.succeed("Available" as const) })
// @ts-expect-error nor another text
void ObjectPool.make({ objects: keys, judge: () => "Busy" })
// @ts-expect-error a judge of exits is asked about none here
PromisePool.make({ objects: keys, judge: Verdict.outlier() })
// @ts-expect-error nor the other way round
void ObjectPool.make({ objects: keys, judge: PromiseVerdict.outlier() })
// @ts-expect-error `when` answers plainly
PromiseVerdict.outlier({ when: async () => true })
// @ts-expect-error a judge of other objects
void ObjectPool.make({ objects: ["a"], judge: (() => undefined) as Judge<Key, unknown> })
// @ts-expect-error a rank is a number
PromisePool.make({ objects: keys, select: { rank: ({ object }) => object.secret } })
// @ts-expect-error a limit has a time
void ObjectPool.make({ objects: keys, allowance: { limit: 1 } })
// @ts-expect-error and one only
void ObjectPool.make({ objects: keys, allowance: { limit: 1, per: "1 minute", resets: Cron.parseUnsafe("0 0 * * *") } })
// @ts-expect-error what a borrow fails over to is `with`'s affair
void effects.borrowWith({ failover: 1 })
// @ts-expect-error as it is here
promises.borrowSync({ failover: 1 })
// @ts-expect-error a facet is a text
void promises.borrow({ facet: 1 })
// @ts-expect-error an affinity is
void promises.borrow({ affinity: keys[0]! })
// @ts-expect-error a cost is a number
void effects.with(() => Effect.void, { cost: "1" })
// @ts-expect-error nobody prefers by a promise
void promises.borrow({ prefer: async () => true })
