/**
 * Functions that answer plainly or with a promise, as the pool wants them: plainly or with an effect.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { Awaitable, PromisePoolOptions } from "../../PromiseOptions.ts"
import { checks } from "../checks.ts"
import { type AnyOptions, toHookTimeout } from "../options.ts"
import { FullLease, Packed, reported, whenOver } from "./lease.ts"
import type { Running } from "./running.ts"

/** What has been promised. Nobody waits for it once the fiber is interrupted; its rejection is nobody's then. */
const promised = <B>(promise: PromiseLike<B>): Effect.Effect<B, unknown> =>
  Effect.callback((resume) => {
    // a thenable may be badly made: a promise of it settles once, and later
    Promise.resolve(promise).then((value) => resume(Exit.succeed(value)), (reason) => resume(Exit.fail(reason)))
  })

/** Calls a function of the user's. One that answers plainly does not suspend. */
export const call = <B>(f: () => B): Effect.Effect<Awaited<B>, unknown> =>
  Effect.suspend(() => {
    try {
      const answer = f()
      return (Predicate.isPromiseLike(answer) ? promised(answer) : Exit.succeed(answer)) as Effect.Effect<
        Awaited<B>,
        unknown
      >
    } catch (error) {
      return Exit.fail(error)
    }
  })

/** Waits for something, even where nothing can be interrupted, but no longer than so many milliseconds. */
const within = <E>(effect: Effect.Effect<unknown, E>, millis: number, late: Effect.Effect<void, E>) =>
  millis === Infinity
    ? effect
    : Effect.raceFirst(Effect.interruptible(effect), Effect.interruptible(Effect.delay(late, millis)))

/** The same function; where it answers with a promise, it answers with an effect, and that is noted. */
const lifted = <I, B>(
  running: Running,
  name: string,
  f: ((input: I) => Awaitable<B>) | undefined
): ((input: I) => B | Effect.Effect<B, unknown>) | undefined =>
  f === undefined ? undefined : (input) => {
    const answer = f(input)
    if (!Predicate.isPromiseLike(answer)) return answer
    running.later = name
    return promised(answer)
  }

/**
 * Makes something, and undoes it with the scope. Its signal tells `make` to stop; whether it does is its own affair, so
 * it is waited for until it has settled, but no longer than `grace`, in milliseconds. What it makes after all is undone.
 * What is made for a lease fails when that is over.
 */
const scoped = <A>(
  running: Running,
  name: string,
  make: (signal: AbortSignal) => Awaitable<A>,
  undone: (made: A) => Effect.Effect<void>,
  grace: number,
  lease?: Lease<unknown, unknown>
): Effect.Effect<A, unknown, Scope.Scope> => {
  const made = Effect.callback<A, unknown>((resume, signal) => {
    let answer: Awaitable<A>
    try {
      answer = make(signal)
      if (!Predicate.isPromiseLike(answer)) return resume(Exit.succeed(answer))
    } catch (error) {
      return resume(Exit.fail(error))
    }
    running.later = name
    const late = (exit: Exit.Exit<A, unknown>) => Exit.isSuccess(exit) ? undone(exit.value) : Effect.void
    const abandon = () => {
      take = (exit) => running.fork(late(exit))
    }
    let outcome: Exit.Exit<A, unknown> | undefined
    let take: (exit: Exit.Exit<A, unknown>) => void = resume
    const watching = lease && whenOver(running, lease, (reason) => {
      abandon()
      resume(Exit.fail(reason))
    })
    const settle = (exit: Exit.Exit<A, unknown>) => {
      watching?.interruptUnsafe()
      take(outcome = exit)
    }
    Promise.resolve(answer).then((object) => settle(Exit.succeed(object)), (reason) => settle(Exit.fail(reason)))

    // interrupted: it may have settled since
    return Effect.suspend(() => {
      if (outcome !== undefined) return late(outcome)
      const settled = Effect.callback<void>((end) => {
        take = (exit) => end(late(exit))
        return Effect.sync(abandon)
      })
      if (watching?.pollUnsafe() === undefined) return within(settled, grace, Effect.void)
      abandon()
      return Effect.void
    })
  })
  return Effect.acquireRelease(made, undone, { interruptible: true })
}

/** The options of a pool, from those whose callbacks are functions. Throws `InvalidPoolOptions`. */
export const toOptions = <A, D, P>(
  options: PromisePoolOptions<A, D, P>,
  running: Running
): AnyOptions<A, D> & { readonly name: string } => {
  const name = options.name ?? "PromisePool"
  const check = checks(name)
  const acquire = check.call("acquire", options.acquire)
  const destroy = check.call("destroy", options.destroy)
  const pack = check.call("pack", options.pack)
  const unpack = check.call("unpack", options.unpack)
  if (destroy !== undefined && acquire === undefined) check.refuse("destroy", destroy, "only with acquire")
  if (unpack !== undefined && pack === undefined) check.refuse("unpack", unpack, "only with pack")
  const grace = toHookTimeout(check, options.hookTimeout)
  const tooLate = Effect.fail(new Cause.TimeoutError("unpack took longer than hookTimeout"))
  // the pool itself reports what fails here, and gives up what does not end
  const destroyed = (object: A) => destroy === undefined ? Effect.void : Effect.orDie(call(() => destroy(object)))
  const unpacked = (packed: P) =>
    unpack === undefined ? Effect.void : reported(name, within(call(() => unpack(packed)), grace, tooLate))
  const { destroy: _destroy, select, unpack: _unpack, ...rest } = options
  return {
    ...rest,
    name,
    acquire: acquire && scoped(running, "acquire", acquire, destroyed, grace),
    pack: pack && ((lease) => {
      const given = FullLease.of(running, lease)
      const packed = scoped(running, "pack", () => pack(given), unpacked, grace, lease)
      return Effect.map(packed, (object) => new Packed(lease, object))
    }),
    select: (typeof select === "function" ? lifted(running, "select", select) : select) as AnyOptions<A, D>["select"],
    detectStatus: lifted(running, "detectStatus", check.call("detectStatus", options.detectStatus)),
    onBorrow: lifted(running, "onBorrow", check.call("onBorrow", options.onBorrow)) as AnyOptions<A, D>["onBorrow"],
    onRelease: lifted(running, "onRelease", check.call("onRelease", options.onRelease)) as AnyOptions<A, D>["onRelease"]
  }
}
