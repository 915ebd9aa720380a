/**
 * Functions that answer plainly or with a promise, as the pool wants them: plainly or with an effect.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Awaitable, PromisePoolOptions } from "../../PromiseOptions.ts"
import { checks } from "../checks.ts"
import type { AnyOptions } from "../options.ts"
import { FullLease, Packed } from "./lease.ts"
import type { Running } from "./running.ts"

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === "object" || typeof value === "function") && value !== null &&
  typeof (value as { readonly then?: unknown }).then === "function"

/** What has been promised. Nobody waits for it once the fiber is interrupted; its rejection is nobody's then. */
const promised = <B>(promise: PromiseLike<B>): Effect.Effect<B, unknown> =>
  Effect.callback((resume) => {
    // a thenable may be badly made: a promise of it settles once, and later
    Promise.resolve(promise).then((value) => resume(Exit.succeed(value)), (reason) => resume(Exit.fail(reason)))
  })

/** An answer as an effect: one that was plain does not suspend. */
const lift = <B>(answer: Awaitable<B>): Effect.Effect<B, unknown> =>
  isThenable(answer) ? promised(answer) : Exit.succeed(answer)

/** Calls a function of the user's. */
export const call = <B>(f: () => Awaitable<B>): Effect.Effect<B, unknown> =>
  Effect.suspend(() => {
    try {
      return lift(f())
    } catch (error) {
      return Exit.fail(error)
    }
  })

/** The same function; where it answers with a promise, it answers with an effect. */
const lifted = <I, B>(
  f: ((input: I) => Awaitable<B>) | undefined
): ((input: I) => B | Effect.Effect<B, unknown>) | undefined =>
  f === undefined ? undefined : (input) => {
    const answer = f(input)
    return isThenable(answer) ? promised(answer) : answer
  }

/**
 * Makes something, and undoes it with the scope. Its signal tells `make` to stop; whether it does is its own affair, so
 * it is waited for until it has settled, but no longer than `grace`, in milliseconds. What it makes after all is undone.
 */
const scoped = <A>(
  make: (signal: AbortSignal) => Awaitable<A>,
  undo: ((made: A) => Awaitable<void>) | undefined,
  grace: number
): Effect.Effect<A, unknown, Scope.Scope> => {
  const undone = (made: A) => undo === undefined ? Effect.void : Effect.orDie(call(() => undo(made)))
  const made = Effect.callback<A, unknown>((resume, signal) => {
    let answer: Awaitable<A>
    try {
      answer = make(signal)
    } catch (error) {
      return resume(Exit.fail(error))
    }
    if (!isThenable(answer)) return resume(Exit.succeed(answer))
    let outcome: Exit.Exit<A, unknown> | undefined
    let take: (outcome: Exit.Exit<A, unknown>) => void = resume
    const settle = (exit: Exit.Exit<A, unknown>) => take(outcome = exit)
    Promise.resolve(answer).then((object) => settle(Exit.succeed(object)), (reason) => settle(Exit.fail(reason)))

    // interrupted
    const late = (exit: Exit.Exit<A, unknown>) => Exit.isSuccess(exit) ? undone(exit.value) : Effect.void
    const settled = Effect.callback<void>((end) => {
      // since then already
      if (outcome !== undefined) return end(late(outcome))
      take = (exit) => end(late(exit))
      return Effect.sync(() => {
        take = (exit) => Effect.runFork(late(exit))
      })
    })
    return grace === Infinity
      ? settled
      : Effect.raceFirst(Effect.interruptible(settled), Effect.interruptible(Effect.sleep(grace)))
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
  const grace = check.duration("hookTimeout", options.hookTimeout, 5_000)
  const { destroy: _destroy, select, unpack: _unpack, ...rest } = options
  return {
    ...rest,
    name,
    acquire: acquire && scoped(acquire, destroy, grace),
    pack: pack && ((lease) => {
      const given = new FullLease(running, lease.object, lease.release, lease)
      const packed = scoped(() => pack(given), unpack, grace)
      return Effect.map(packed, (object) => new Packed(lease, object))
    }),
    select: (typeof select === "function" ? lifted(select) : select) as AnyOptions<A, D>["select"],
    detectStatus: lifted(check.call("detectStatus", options.detectStatus)),
    onBorrow: lifted(check.call("onBorrow", options.onBorrow)),
    onRelease: lifted(check.call("onRelease", options.onRelease))
  }
}
