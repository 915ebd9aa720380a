/**
 * Functions that answer plainly or with a promise, as the pool wants them: plainly or with an effect.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { PromiseLease } from "../../PromiseLease.ts"
import type { Awaitable, PromisePoolOptions } from "../../PromiseOptions.ts"
import { Stray } from "../making/creator.ts"
import { type AnyOptions, toHookTimeout } from "../pool/options.ts"
import { checks, levels } from "../state/validation.ts"
import { afterLease, FullLease, Packed, reported, whenOver } from "./lease.ts"
import { withSchedule } from "./retrying.ts"
import type { Running } from "./running.ts"
import { toSettled } from "./settled.ts"
import { controlling } from "./signals.ts"

/** Tells what has been promised. A thenable may be badly made: a promise of it settles once, later, and never throws. */
const settling = <B>(promised: PromiseLike<B>, told: (exit: Exit.Exit<B, unknown>) => void): void => {
  new Promise<B>((resolve) => resolve(promised)).then(
    (value) => told(Exit.succeed(value)),
    (reason) => told(Exit.fail(reason))
  )
}

/**
 * What has been promised. Nobody waits for it once the fiber is interrupted; its rejection is nobody's then. It is listened
 * to from now on, since the fiber may be interrupted before it waits: a rejection that nobody hears ends the process.
 */
const promised = <B>(promise: PromiseLike<B>, controller?: AbortController): Effect.Effect<B, unknown> => {
  let outcome: Exit.Exit<B, unknown> | undefined
  let resume: ((exit: Exit.Exit<B, unknown>) => void) | undefined
  settling(promise, (exit) => {
    outcome = exit
    resume?.(exit)
  })
  return Effect.callback((told) => {
    if (outcome !== undefined) return told(outcome)
    resume = told
    return controller && Effect.sync(() => controller.abort())
  })
}

/** Calls a function of the user's, and tells it by `controller` to stop. One that answers plainly does not suspend. */
export const call = <B>(f: () => B, controller?: AbortController): Effect.Effect<Awaited<B>, unknown> =>
  Effect.suspend(() => {
    try {
      const answer = f()
      return (Predicate.isPromiseLike(answer) ? promised(answer, controller) : Exit.succeed(answer)) as Effect.Effect<
        Awaited<B>,
        unknown
      >
    } catch (error) {
      return Exit.fail(error)
    }
  })

/** Waits for something, even where nothing can be interrupted, but no longer than so many milliseconds. */
const within = <A, E>(effect: Effect.Effect<A, E>, millis: number, late: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  millis === Infinity
    ? effect
    : Effect.raceFirst(Effect.interruptible(effect), Effect.interruptible(Effect.delay(late, millis)))

/**
 * Destroys an object by a function of the user's, whose signal fires when its time is over. A timer of its own tells it:
 * what ends an object cannot be interrupted.
 */
export const destroying = <A>(
  running: Running,
  destroy: (object: A, signal: AbortSignal) => unknown,
  millis: number
): (object: A) => Effect.Effect<void> => {
  const controller = controlling(destroy, 1)
  return (object) =>
    Effect.suspend(() => {
      const aborting = controller()
      const destroyed = Effect.asVoid(Effect.orDie(call(() => destroy(object, aborting?.signal as AbortSignal))))
      if (aborting === undefined || millis === Infinity) return destroyed
      const timer = running.fork(Effect.delay(Effect.sync(() => aborting.abort()), millis))
      return Effect.ensuring(destroyed, Effect.sync(() => timer.interruptUnsafe()))
    })
}

const tooLate = (name: string) => Effect.fail(new Cause.TimeoutError(`${name} took longer than hookTimeout`))

/** Ends what `pack` has made. What goes wrong with it is reported. */
const unpacking = <P>(
  running: Running,
  unpack: (packed: P, signal: AbortSignal) => unknown,
  millis: number
): (packed: P) => Effect.Effect<void> => {
  const controller = controlling(unpack, 1)
  return (packed) => {
    const aborting = controller()
    const unpacked = call(() => unpack(packed, aborting?.signal as AbortSignal), aborting)
    return reported(running.name, afterLease, within(unpacked, millis, tooLate("unpack")))
  }
}

/** The same function; where it answers with a promise, it answers with an effect, and that is noted. */
const lifted = <I, B>(
  running: Running,
  name: string,
  f: ((input: I, signal: AbortSignal) => Awaitable<B>) | undefined
): ((input: I) => B | Effect.Effect<B, unknown>) | undefined => {
  if (f === undefined) return undefined
  const controller = controlling(f, 1)
  return (input) => {
    const aborting = controller()
    const answer = f(input, aborting?.signal as AbortSignal)
    if (!Predicate.isPromiseLike(answer)) return answer
    running.later = name
    return promised(answer, aborting)
  }
}

/** What `scoped` makes: how, and what becomes of it. */
interface Making<A> {
  readonly name: "acquire" | "pack"
  /** Tells `make` to stop; absent where that cannot be told. */
  readonly controller: () => AbortController | undefined
  readonly make: (signal: AbortSignal | undefined) => Awaitable<A>
  readonly undone: (made: A) => Effect.Effect<void>
  /** Undoes what nobody waits for any more. */
  readonly stray: (made: A) => Effect.Effect<void>
  /** Milliseconds. */
  readonly grace: number
  /** What is made for a lease fails when that is over. */
  readonly lease?: Lease<unknown, unknown>
}

/**
 * Makes something, and undoes it with the scope. Whether `make` stops when its signal tells it to is its own affair, so it
 * is waited for until it has settled, but no longer than `grace`: what it makes meanwhile is the scope's. What it makes
 * after that is a stray.
 */
const scoped = <A>(
  running: Running,
  { controller, grace, lease, make, name, stray, undone }: Making<A>
): Effect.Effect<A, unknown, Scope.Scope> => {
  const made = Effect.withFiber((fiber): Effect.Effect<A, unknown> => {
    const aborting = controller()
    let answer: Awaitable<A>
    try {
      answer = make(aborting?.signal)
      if (!Predicate.isPromiseLike(answer)) return Exit.succeed(answer)
    } catch (error) {
      return Exit.fail(error)
    }
    running.later = name
    let outcome: Exit.Exit<A, unknown> | undefined
    const hand = name === "acquire" ? fiber.getRef(Stray) : undefined
    const abandoned = (exit: Exit.Exit<A, unknown>): void => {
      if (Exit.isFailure(exit)) return
      if (hand === undefined) running.fork(stray(exit.value))
      else hand(stray(exit.value))
    }
    let take = abandoned
    let watching: Fiber.Fiber<unknown, unknown> | undefined
    settling(answer, (exit) => {
      watching?.interruptUnsafe()
      take(outcome = exit)
    })
    const settled = Effect.callback<A, unknown>((resume) => {
      take = resume
      watching ??= lease && whenOver(running, lease, (reason) => {
        const told = take
        take = abandoned
        told(Exit.fail(reason))
        aborting?.abort(reason)
      })
      return Effect.sync(() => {
        take = abandoned
      })
    })
    return Effect.catchCause(Effect.interruptible(settled), (cause): Effect.Effect<A, unknown> => {
      if (!Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      aborting?.abort()
      // it may have settled since
      if (outcome !== undefined) return outcome
      if (watching?.pollUnsafe() !== undefined) return Effect.failCause(cause)
      const late = within(settled, grace, Effect.failCause(cause))
      // a pack that fails as its borrower leaves says nothing of the object
      return lease === undefined ? late : Effect.catchCause(late, () => Effect.failCause(cause))
    })
  })
  return Effect.acquireRelease(made, undone)
}

/** Makes what a borrower gets, for each lease. */
const packing = <A, D, P>(
  running: Running,
  pack: (lease: PromiseLease<A, D>, signal: AbortSignal) => Awaitable<P>,
  unpacked: (packed: P) => Effect.Effect<void>,
  grace: number
) => {
  const controller = controlling(pack, 1)
  return (lease: Lease<A, D>): Effect.Effect<Packed<A, D, P>, unknown, Scope.Scope> => {
    const given = FullLease.of(running, lease)
    const packed = scoped(running, {
      name: "pack",
      controller,
      make: (signal) => pack(given, signal as AbortSignal),
      undone: unpacked,
      stray: unpacked,
      grace,
      lease
    })
    return Effect.map(packed, (object) => new Packed(lease, object))
  }
}

/** The keys of the options of a pool. */
export const keys = [...levels[""], "destroy", "unpack", "log"]

/** The same of a pool of many keys. */
export const keyedKeys = [
  ...keys.filter((key) => key !== "objects" && key !== "remember"),
  "idleKeys"
]

/** The options of a pool, from those whose callbacks are functions. Throws `InvalidPoolOptions`. */
export const toOptions = <A, D, P>(
  options: PromisePoolOptions<A, D, P>,
  running: Running,
  known: ReadonlyArray<string>
): AnyOptions<A, D> & { readonly name: string } => {
  const { name } = running
  const check = checks(name)
  check.known("", options, known)
  const acquire = check.call("acquire", options.acquire)
  const destroy = check.call("destroy", options.destroy)
  const judge = check.call("judge", options.judge)
  const pack = check.call("pack", options.pack)
  const unpack = check.call("unpack", options.unpack)
  if (destroy !== undefined && acquire === undefined) check.refuse("destroy", destroy, "only with acquire")
  if (unpack !== undefined && pack === undefined) check.refuse("unpack", unpack, "only with pack")
  const grace = toHookTimeout(check, options.hookTimeout)
  // the pool itself reports what fails here, and gives up what does not end
  const destroyed = destroy === undefined ? () => Effect.void : destroying(running, destroy, grace)
  const unpacked = unpack === undefined ? () => Effect.void : unpacking(running, unpack, grace)
  // of this the pool is told when it is there
  const stray = (object: A) =>
    Effect.andThen(
      Effect.annotateLogs(Effect.logWarning("acquire made an object after it had been given up: it is destroyed"), {
        pool: name
      }),
      within(destroyed(object), grace, Effect.orDie(tooLate("destroy")))
    )
  const { destroy: _destroy, log: _log, remember, select, unpack: _unpack, ...rest } = options
  return {
    ...rest,
    remember: remember && { key: remember.key },
    detection: withSchedule(check, "detection", options.detection) as AnyOptions<A, D>["detection"],
    creation: withSchedule(check, "creation", options.creation) as AnyOptions<A, D>["creation"],
    name,
    // where there are many keys, what is made is made for one
    acquire: acquire && ((...given: ReadonlyArray<unknown>) => {
      const [self, ...key] = [...given].reverse()
      return scoped(running, {
        name: "acquire",
        controller: controlling(acquire, key.length === 0 ? 0 : 1),
        make: (signal) => Reflect.apply(acquire, undefined, [...key, signal, self]) as Awaitable<A>,
        undone: destroyed,
        stray,
        grace
      })
    }),
    pack: pack && packing(running, pack, unpacked, grace),
    select: (typeof select === "function" ? lifted(running, "select", select) : select) as AnyOptions<A, D>["select"],
    judge: judge && ((exit, pooled) => judge(toSettled(exit), pooled)),
    detectStatus: lifted(running, "detectStatus", check.call("detectStatus", options.detectStatus)),
    onBorrow: lifted(running, "onBorrow", check.call("onBorrow", options.onBorrow)) as AnyOptions<A, D>["onBorrow"],
    onRelease: lifted(running, "onRelease", check.call("onRelease", options.onRelease)) as AnyOptions<A, D>["onRelease"]
  }
}
