/**
 * Signals: those that the user's functions are given, and those that the user gives.
 *
 * Every function is given a signal but those that cannot see one: how many parameters it declares does not say whether it
 * has a use for one. Neither a rest parameter nor one with a default counts as such, `arguments` is no parameter, and what
 * wraps a function has a `length` of its own. So a signal is spared only where nobody could notice: for an arrow function,
 * which has no `arguments`, that in its own source has but plain parameters, and too few. What is bound, or is a proxy, has
 * no source.
 *
 * A body is another function each time, as a rule, and to look at its source costs a tenth of a microsecond. To make a
 * signal costs no more in Node since 22, and in Deno: there every body is given one. It costs half a microsecond in Bun,
 * and several in Node 20.
 */

const runtime = globalThis as unknown as {
  readonly process?: { readonly versions?: { readonly node?: unknown; readonly bun?: unknown } }
}

const { bun, node } = runtime.process?.versions ?? {}

/** Does it cost no more to make a signal than to find out whether it is needed? Deno says which Node it is like. */
const cheap = bun === undefined && Number.parseInt(String(node), 10) >= 22

const { toString } = Function.prototype as { readonly toString: (this: Function) => string }

/** The source of an arrow function that has no parameter; or one at most, a plain one. */
const sparing = [/^(?:async\s*)?\(\s*\)\s*=>/, /^(?:async\s*)?(?:\(\s*[\w$]*\s*\)|[\w$]+)\s*=>/] as const

/** May a function see what it is given after `before` other arguments, none or one? */
export const sees = (f: Function, before: 0 | 1): boolean => {
  try {
    return f.length > before || !sparing[before].test(toString.call(f))
  } catch {
    // a proxy that does not let itself be looked at
    return true
  }
}

/** Is a body, which is called but once, given a signal? */
export const hasSignal = (body: Function): boolean => cheap || sees(body, 1)

/** Makes what tells a function to stop, for each call; nothing where that cannot see its signal. */
export const controlling = (f: Function, before: 0 | 1): () => AbortController | undefined =>
  sees(f, before) ? () => new AbortController() : () => undefined

/** Has a signal of the user's forget a listener. It may be badly made, and nobody is there to be told. */
export const unlisten = (signal: AbortSignal, listener: () => void): void => {
  try {
    signal.removeEventListener("abort", listener)
  } catch {
    // whoever listens still does nothing any more
  }
}

/** Why a signal of the user's has fired; where it cannot be asked, what it throws. */
export const reasonOf = (signal: AbortSignal): unknown => {
  try {
    return signal.reason
  } catch (error) {
    return error
  }
}

/**
 * Is a failure but the answer to a signal that has fired? Most functions that heed one fail with its reason, or with an
 * `AbortError`.
 */
export const isAnswerTo = (failure: unknown, signal: AbortSignal | undefined): boolean => {
  try {
    if (signal?.aborted !== true) return false
    if (failure === signal.reason) return true
    return failure instanceof Error && (failure.name === "AbortError" || failure.cause === signal.reason)
  } catch {
    return false
  }
}
