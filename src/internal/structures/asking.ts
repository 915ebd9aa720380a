/**
 * Calling the user's functions, in the asynchronous context that is theirs, and looking at what they answer.
 *
 * What `AsyncLocalStorage` answers depends on who has called. A function that is asked for one borrower is called in the
 * context of that borrower, and one of the pool in that of its builder, whoever's step it is in; so are the effects begun
 * that they answer with. There is no standard for this yet. Where the runtime has Node's `AsyncResource` that is used, as
 * effect does for its fibers; elsewhere they are just called.
 *
 * The user's functions answer plainly or with an effect. To ask which may throw: an answer may be a `Proxy` that has been
 * revoked. So it is asked in one place, where that is as if the function had thrown.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** The asynchronous context of whoever captured it. */
export interface AsyncContext {
  runInAsyncScope<I, B>(f: (input: I) => B, self: undefined, input: I): B
  /** Tells those who watch such resources that it is not needed any more. */
  emitDestroy(): void
}

interface Runtime {
  readonly process?: {
    readonly getBuiltinModule?: (name: string) => { readonly AsyncResource?: new(type: string) => AsyncContext }
  }
}

const Resource = (() => {
  try {
    // an import of the module would fail in runtimes that do not have it, and where the library runs as well
    const { process: runtime } = globalThis as Runtime
    return runtime?.getBuiltinModule?.("node:async_hooks")?.AsyncResource
  } catch {
    return undefined
  }
})()

/** The context of this step; absent where the runtime has none. */
export const capture = (): AsyncContext | undefined => Resource && new Resource("effect-object-pool")

/** Calls a function in a context; without one, where it is. */
export const callIn = <I, B>(context: AsyncContext | undefined, f: (input: I) => B, input: I): B =>
  context === undefined ? f(input) : context.runInAsyncScope(f, undefined, input)

/** A function that calls `f` in a context, wherever it is called itself. */
export const bind = <I, B>(context: AsyncContext | undefined, f: (input: I) => B): (input: I) => B =>
  context === undefined ? f : (input) => context.runInAsyncScope(f, undefined, input)

/** What a function has answered. */
export type Answer =
  | { readonly _tag: "Plain"; readonly value: unknown }
  | { readonly _tag: "Effect"; readonly effect: Effect.Effect<unknown, unknown> }
  /** The function has thrown, or its answer cannot be looked at. */
  | { readonly _tag: "Threw"; readonly defect: unknown }

export const ask = <I>(f: (input: I) => unknown, input: I, context?: AsyncContext): Answer => {
  try {
    const value = callIn(context, f, input)
    return Effect.isEffect(value)
      ? { _tag: "Effect", effect: value as Effect.Effect<unknown, unknown> }
      : { _tag: "Plain", value }
  } catch (defect) {
    return { _tag: "Threw", defect }
  }
}

/** Runs an effect by `run`; one that cannot even be begun has died. */
export const start = <B, E>(
  run: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>,
  effect: Effect.Effect<B, E>
): Fiber.Fiber<B, E> => {
  try {
    return run(effect)
  } catch (defect) {
    return run(Effect.die(defect))
  }
}
