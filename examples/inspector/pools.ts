/** Three pools that are unlike: one under pressure, one whose objects have to rest, and one whose factory breaks. */
import { Cause, Clock, Duration, Effect, Exit, Random, Schedule, Schema } from "effect"
import { PoolService, Selector, Status } from "../../src/index.ts"

/** Something that takes a while, more or less. */
const work = (millis: number) => Effect.flatMap(Random.nextBetween(0.5, 1.5), (factor) => Effect.sleep(millis * factor))

// ---------------------------------------------------------------------------------------------------------- connections

/** Few connections, and at times more borrowers than they can serve. */
export class Connections extends PoolService<Connections, { readonly id: number }>()("Connections") {
  static readonly live = Effect.suspend(() => {
    let opened = 0
    return Effect.as(work(300), { id: ++opened })
  }).pipe((acquire) =>
    Connections.layer({
      acquire,
      size: { min: 4, max: 24 },
      maxWaiters: 60,
      borrowTimeout: "4 seconds",
      lifetime: { timeToLive: "3 minutes", idleTimeToLive: "20 seconds" },
      select: Selector.mostRecentlyUsed
    })
  )

  static readonly query = Connections.with(() => work(180))
  /** Somebody who forgot to give it back, and remembers. */
  static readonly forget = Connections.with(() => work(25_000))
}

// ------------------------------------------------------------------------------------------------------------- API keys

/** The service has had enough of this key. */
class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", { retryAfter: Schema.Int }) {}

/** Keys with limits of their own, and a service that refuses one now and then all the same: it rests until it may. */
export class ApiKeys extends PoolService<ApiKeys, string>()("ApiKeys") {
  static readonly live = ApiKeys.layer({
    objects: Array.from({ length: 12 }, (_, i) => `key-${String(i + 1).padStart(2, "0")}-5ec2e7-${i}`),
    sharing: 2,
    allowance: ({ id }) => [
      { limit: id % 4 === 0 ? 20 : 40, per: "15 seconds", name: "requests" },
      { limit: id % 3 === 0 ? 20_000 : 60_000, per: "1 minute", unit: "cost", name: "tokens" }
    ],
    judge: (exit) => {
      if (Exit.isSuccess(exit)) return "Available"
      const failure = Cause.squash(exit.cause)
      return failure instanceof RateLimited ? Status.dormant(Duration.seconds(failure.retryAfter)) : undefined
    },
    select: Selector.leastRecentlyUsed,
    borrowTimeout: "3 seconds"
  })

  static readonly ask = ApiKeys.with((lease) =>
    Effect.gen(function*() {
      yield* work(250)
      yield* lease.charge(yield* Random.nextIntBetween(50, 250))
      if ((yield* Random.next) > 0.01) return
      return yield* new RateLimited({ retryAfter: yield* Random.nextIntBetween(4, 14) })
    }), { cost: 150 })
}

// ------------------------------------------------------------------------------------------------------------ renderers

/** Its host is away for a while now and then. */
const outage = Effect.map(Clock.currentTimeMillis, (now) => now / 1000 % 75 > 50)

const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:9222"), { code: "ECONNREFUSED" })

/** Renderers on another host: they crash, hang, and cannot be started while the host is away. */
export class Renderers extends PoolService<Renderers, { readonly port: number }, { error: Error }>()("Renderers") {
  static readonly live = Renderers.layer({
    acquire: Effect.andThen(
      work(500),
      Effect.flatMap(outage, (away) => away ? Effect.fail(refused) : Effect.succeed({ port: 9222 }))
    ),
    size: { min: 2, max: 8 },
    creation: { retry: Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("1500 millis")]) },
    lifetime: { maxBorrows: 40 },
    leaseTimeout: "3 seconds",
    borrowTimeout: "8 seconds",
    detectStatus: () =>
      Effect.gen(function*() {
        yield* work(40)
        return (yield* outage) ? yield* Effect.fail(refused) : "Available" as const
      }),
    detection: { every: "6 seconds" }
  })

  static readonly render = Renderers.with(() =>
    Effect.flatMap(Random.next, (luck) => luck < 0.03 ? Effect.never : work(700))
  )
}
