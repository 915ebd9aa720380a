/** The flavour of effects, on a test clock. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { type Lease as EffectLease, ObjectPool, type PooledObject } from "../../src/index.ts"
import { turn } from "../support/promises.ts"
import type { Asked, Flavour, Lease, Options, Pool } from "./flavour.ts"

/** What a callback answers, throws or rejects with. */
const called = <A>(call: () => A | Promise<A>): Effect.Effect<A, unknown> =>
  Effect.suspend(() => {
    try {
      const answer = call()
      if (!(answer instanceof Promise)) return Effect.succeed(answer)
      return Effect.callback<A, unknown>((resume) => {
        answer.then((value) => resume(Effect.succeed(value)), (error: unknown) => resume(Effect.fail(error)))
      })
    } catch (error) {
      return Effect.fail(error)
    }
  })

const hook = <A>(f: ((pooled: PooledObject<A>) => void | Promise<void>) | undefined) =>
  f && ((pooled: PooledObject<A>) => called(() => f(pooled)))

type Made<A> = ObjectPool<A, undefined, unknown, EffectLease<A>, string>

const build = <A>({ acquire, destroy, detectStatus, onBorrow, onRelease, ...options }: Options<A>) => {
  const all = {
    ...options,
    acquire: acquire && Effect.acquireRelease(
      called(acquire),
      (object) => Effect.orDie(called(() => destroy?.(object)))
    ),
    detectStatus: detectStatus && ((pooled: PooledObject<A>) => called(() => detectStatus(pooled))),
    onBorrow: hook(onBorrow),
    onRelease: hook(onRelease)
  }
  // without a `data` there is none
  return ObjectPool.make(all as never) as unknown as Effect.Effect<Made<A>, never, Scope.Scope>
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn()
}

export const effects: Flavour = {
  name: "effects",
  begin: async () => {
    const runtime = ManagedRuntime.make(TestClock.layer())
    const life = Scope.makeUnsafe()
    const run = <A, E>(effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
      runtime.runPromise(effect, signal && { signal })

    const leaseOf = <A>(lease: EffectLease<A>, scope: Scope.Closeable): Lease<A> => {
      // it is interrupted with the world
      const ended = run(Effect.flip(lease.expired)).catch(() => new Promise<never>(() => {}))
      return {
        object: lease.object,
        id: lease.id,
        pooled: lease.pooled,
        ended,
        release: () => run(Scope.close(scope, Exit.void)),
        invalidate: () => run(lease.invalidate),
        rest: (duration) => run(lease.rest(duration)),
        renew: () => run(lease.renew),
        detach: async () => {
          const own = Scope.makeUnsafe()
          await run(Scope.provide(lease.detach, own))
          return () => run(Scope.close(own, Exit.void))
        }
      }
    }
    /** In a scope of its own, which is closed where the borrow gets nothing. */
    const borrowed = <A>(borrow: Effect.Effect<EffectLease<A>, unknown, Scope.Scope>, signal?: AbortSignal) => {
      const scope = Scope.makeUnsafe()
      return run(
        Effect.onExit(
          Scope.provide(borrow, scope),
          (exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
        ),
        signal
      ).then((lease) => leaseOf(lease, scope))
    }
    const split = <A>({ signal, ...options }: Asked<A> = {}) => ({ signal, options })

    const poolOf = <A>(pool: Made<A>): Pool<A> => ({
      borrow: (asked) => {
        const { options, signal } = split(asked)
        return borrowed(asked === undefined ? pool.borrow : pool.borrowWith(options), signal)
      },
      tryBorrow: () => borrowed(pool.tryBorrow),
      with: (body, asked) => {
        const { options, signal } = split(asked)
        return run(
          pool.with(
            (lease) =>
              Effect.suspend(() => {
                const over = new AbortController()
                return Effect.onInterrupt(
                  called(() => body(lease.object, over.signal)),
                  () => Effect.sync(() => over.abort())
                )
              }),
            options
          ),
          signal
        )
      },
      add: (object, { destroy } = {}) =>
        run(pool.add(object, { release: destroy && ((each: A) => Effect.sync(() => destroy(each))) })),
      addAll: (objects) => run(pool.addAll(objects)),
      remove: (object) => run(pool.remove(object)),
      rest: (object, duration) => run(pool.rest(object, duration)),
      wake: (object) => run(pool.wake(object)),
      revoke: (pooled) => run(pool.revoke(pooled)),
      detect: () => run(pool.detect),
      ready: () => run(pool.ready),
      resize: (size) => run(pool.resize(size)),
      rotate: () => run(pool.rotate),
      suspend: () => run(pool.suspend),
      resume: () => run(pool.resume),
      drain: () => run(pool.drain),
      close: () => run(pool.close),
      stats: () => run(pool.stats),
      objects: () => run(pool.objects)
    })

    return {
      make: async <A>(options: Options<A>) => poolOf(await run(Scope.provide(build(options), life))),
      // in steps: what follows may be promised, and take turns
      pass: async (millis) => {
        const step = Math.ceil(millis / 20)
        let left = millis
        await turns()
        do {
          await run(TestClock.adjust(Math.min(left, step)))
          await turns()
          left -= step
        } while (left > 0)
      },
      end: async () => {
        const closing = await run(Effect.forkDetach(Scope.close(life, Exit.void), { startImmediately: true }))
        await run(TestClock.adjust("10 minutes"))
        await run(Fiber.join(closing))
        await runtime.dispose()
      }
    }
  }
}
