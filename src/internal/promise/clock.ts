/**
 * The time of a pool that promises are made from.
 *
 * A pool that nobody waits for must not keep its process alive: its timers do not count for the event loop. Whoever waits
 * for the pool must be told in time all the same: {@link Alive} keeps the process alive meanwhile.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

// what every runtime has, though no standard library of TypeScript's says so
declare const setTimeout: (f: () => void, millis: number) => unknown
declare const clearTimeout: (timer: unknown) => void
declare const setInterval: (f: () => void, millis: number) => unknown
declare const clearInterval: (timer: unknown) => void

/** The longest time that a timer can wait. */
const longest = 2 ** 31 - 1

/** A timer that its event loop does not wait for, where the runtime has such timers. */
const quietly = (f: () => void, millis: number): unknown => {
  const timer = setTimeout(f, millis)
  const { unref } = Object(timer) as { readonly unref?: () => unknown }
  if (typeof unref === "function") unref.call(timer)
  else (globalThis as { readonly Deno?: { readonly unrefTimer?: (timer: unknown) => void } }).Deno?.unrefTimer?.(timer)
  return timer
}

const sleep = (millis: number): Effect.Effect<void> => {
  if (millis <= 0) return Effect.yieldNow
  if (millis === Infinity) return Effect.never
  return Effect.callback((resume) => {
    const timer = quietly(
      () => resume(millis > longest ? sleep(millis - longest) : Effect.void),
      Math.min(millis, longest)
    )
    return Effect.sync(() => clearTimeout(timer))
  })
}

/** The usual clock, with quiet timers. */
export const quiet: Clock.Clock = Object.assign(
  Object.create(Context.get(Context.empty(), Clock.Clock)) as { -readonly [K in keyof Clock.Clock]: Clock.Clock[K] },
  { sleep: (duration: Duration.Duration) => sleep(Duration.toMillis(duration)) }
)

/** Keeps the process alive while anybody waits. */
export class Alive {
  private waiting = 0
  private timer: unknown = undefined

  /** Somebody waits, until what is returned is called, once or more often. */
  begin(): () => void {
    let ended = false
    if (this.waiting++ === 0) this.timer = setInterval(() => {}, longest)
    return () => {
      if (ended) return
      ended = true
      if (--this.waiting === 0) clearInterval(this.timer)
    }
  }
}
