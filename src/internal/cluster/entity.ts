/**
 * A pool as an entity of a cluster: `Sharding` says which runner is its host, and brings there what its borrowers ask.
 *
 * An entity whose shard is to move answers nothing new, not even that a lease comes back: only the end of a stream still
 * reaches it. So a runner that stops lets its leases end before its entities do (`layer`'s finalizer, which runs before
 * those of the registration). Where the shard moves though the runner stays, the borrowers are told, each ends its session
 * with its last lease, and what is left runs out: it cannot be renewed.
 *
 * Whatever `Sharding` believes, a host grants and renews under its claim alone. One that has lost it ends, and tries to
 * become the host again a while later, if the shard is its runner's then.
 */
import * as Entity from "effect/cluster/Entity"
import { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { PoolClosed } from "../../PoolError.ts"
import { checks } from "../state/validation.ts"
import { type Claim, Claims, outlasting } from "./claims.ts"
import { Protocol, type Refusal, refusal, type Rpcs, type Serving } from "./protocol.ts"

/** What the entity needs of the host of a pool. */
interface Hosting {
  readonly serving: Serving
  /** Grants nothing more, and tells those who wait. */
  stop(): void
  /** All sessions are over. */
  end(): void
  /** Nothing is lent. */
  readonly isIdle: boolean
  /** No borrower believes any more that it holds something. */
  readonly isLeft: boolean
  /** Nothing is lent until `goOn`, nor at first; those who wait keep their places. */
  readonly withhold: Effect.Effect<void, PoolClosed>
  readonly goOn: Effect.Effect<void, PoolClosed>
}

/** A host, and what its pool remembers. */
interface Term {
  readonly host: Hosting
  /** Ends when what the last host remembered is known, or could not be read in time. */
  readonly recalled: Effect.Effect<void>
  /** Ends when what the next host is to know is written, or could not be in time: nothing is lent by then. */
  readonly written: Effect.Effect<void>
}

export const entityOf = (pool: string) => Entity.fromRpcGroup(`SharedPool/${pool}`, Protocol)

/** How often a host looks whether its shard is to move, or its last lease has come back. */
const glance = Schedule.spaced("50 millis")

interface Settings<R> {
  readonly pool: string
  /** Milliseconds. */
  readonly timeToLive: number
  /** How long a runner that stops waits for the leases of its pool, in milliseconds. */
  readonly closing: number
  readonly build: (claim: Claim) => Effect.Effect<Term, never, R | Scope.Scope>
}

const noSession = refusal("NoSession", "the host knows no such session, or not any more")

/** This runner may be the host of a pool. */
export const layer = <R>(
  settings: Settings<R>
): Layer.Layer<never, never, Sharding | Claims | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { closing, pool, timeToLive } = settings
    const claims = yield* Claims
    const sharding = yield* Sharding
    // some time has to be left in which it can show that it is there
    if (outlasting(timeToLive) > claims.expiry * 0.8) {
      checks(pool).refuse(
        "timeToLive",
        timeToLive,
        `at most ${Math.floor(claims.expiry * 0.8 / 1.1)} milliseconds, by the \`lockExpiration\` of the cluster`,
        "text"
      )
    }
    yield* claims.watch(pool)
    const hosts = new Set<Hosting>()
    const entity = entityOf(pool)
    const behaviour = Effect.gen(function*() {
      const { shardId } = yield* Entity.CurrentAddress
      return yield* host(settings, claims, hosts, () => sharding.hasShardId(shardId))
    })
    yield* Layer.build(entity.toLayer(behaviour, {
      concurrency: "unbounded",
      maxIdleTime: "Infinity",
      mailboxCapacity: "unbounded",
      disableFatalDefects: true
    }))
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        for (const each of hosts) each.stop()
        const left = Effect.sync(() => [...hosts].every((each) => each.isIdle))
        return left.pipe(
          Effect.repeat({ until: (idle) => idle, schedule: glance }),
          Effect.timeoutOption(closing),
          Effect.andThen(Effect.sync(() => {
            for (const each of hosts) each.end()
          }))
        )
      })
    )
  })) as Layer.Layer<never, never, Sharding | Claims | Exclude<R, Scope.Scope>>

/** Is the host as long as the entity lives, and the claim can be had. */
const host = <R>(settings: Settings<R>, claims: Claims["Service"], hosts: Set<Hosting>, isHere: () => boolean) =>
  Effect.gen(function*() {
    const { pool, timeToLive } = settings
    let current: Hosting | undefined
    const there = yield* Latch.make(false)

    const term = Effect.gen(function*() {
      yield* Effect.repeat(Effect.sync(isHere), { until: (here) => here, schedule: glance })
      const claim = yield* claims.take(pool, timeToLive)
      const { host: hosting, recalled, written } = yield* settings.build(claim)
      yield* Effect.addFinalizer(() => {
        there.closeUnsafe()
        current = undefined
        hosts.delete(hosting)
        hosting.stop()
        hosting.end()
        return Effect.andThen(written, Effect.suspend(() => hosting.isLeft ? claim.leave : Effect.void))
      })
      hosts.add(hosting)
      current = hosting
      there.openUnsafe()
      yield* Effect.forkScoped(Effect.andThen(Effect.andThen(claim.inherited, recalled), granting(hosting, claim)))
      const moves = Effect.sync(isHere).pipe(Effect.repeat({ while: (here) => here, schedule: glance }))
      yield* Effect.forkScoped(Effect.andThen(moves, Effect.sync(() => hosting.stop())))
      yield* claim.lost
    }).pipe(Effect.scoped)
    // whoever has taken over is the host, unless the shard is found to be here all the same
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(term, Effect.sleep(outlasting(timeToLive)))))

    /** Whoever is the host later knows no session of today. */
    const ask = <B, E, S>(f: (serving: Serving) => Effect.Effect<B, E, S>): Effect.Effect<B, E | Refusal, S> =>
      Effect.suspend((): Effect.Effect<B, E | Refusal, S> =>
        current === undefined ? Effect.fail(noSession) : f(current.serving)
      )
    return protocolOf({
      // who joins waits for the host
      Join: ({ payload }) => Effect.andThen(there.await, ask((serving) => serving.Join(payload, undefined))),
      Renew: ({ payload }) => ask((serving) => serving.Renew(payload)),
      Borrow: ({ payload }) => ask((serving) => serving.Borrow(payload)),
      Return: ({ payload }) => ask((serving) => serving.Return(payload)),
      Act: ({ payload }) => ask((serving) => serving.Act(payload)),
      Operate: ({ payload }) => ask((serving) => serving.Operate(payload)),
      Watch: ({ payload }) =>
        Stream.suspend(() => current === undefined ? Stream.fail(noSession) : current.serving.Watch(payload))
    })
  })

/** Lends while the claim holds. Those who wait keep their places meanwhile. */
const granting = (hosting: Hosting, claim: Claim) => {
  let grants = false
  return Effect.suspend(() => {
    if (grants === claim.holds()) return Effect.void
    grants = !grants
    return grants ? hosting.goOn : hosting.withhold
  }).pipe(Effect.repeat(glance), Effect.ignore)
}

const protocolOf = (handlers: Entity.HandlersFrom<Rpcs>) => handlers
