/**
 * Finalizers of a scope, put in and taken out within one synchronous step.
 *
 * `Scope.addFinalizer` is an effect: between taking an object and registering its return the fiber could be
 * interrupted, unless the whole is masked, which costs more than the borrow. A scope's state is public and mutable, and
 * these two follow what effect's own `Pool` does with it. Taking the finalizer out matters for a scope that outlives
 * many early releases.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

type Finalizer = (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<unknown>

/** Registers a finalizer under a key; `false` when the scope is closed. */
export const add = (scope: Scope.Scope, key: {}, finalizer: Finalizer): boolean => {
  const state = scope.state
  switch (state._tag) {
    case "Empty":
      scope.state = { _tag: "Open", finalizerKey: key, finalizer, finalizers: undefined }
      return true
    case "Open":
      if (state.finalizers === undefined) {
        state.finalizers = new Map([[state.finalizerKey!, state.finalizer!]])
        state.finalizerKey = state.finalizer = undefined
      }
      state.finalizers.set(key, finalizer)
      return true
    case "Closed":
      return false
  }
}

/** Takes a finalizer out; a closed scope runs it, or has. */
export const remove = (scope: Scope.Scope, key: {}): void => {
  const state = scope.state
  if (state._tag !== "Open") return
  if (state.finalizerKey === key) scope.state = { _tag: "Empty" }
  else if (state.finalizers?.delete(key) && state.finalizers.size === 0) scope.state = { _tag: "Empty" }
}
