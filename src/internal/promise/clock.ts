/**
 * The time of a pool that promises are made from.
 *
 * A pool that nobody waits for must not keep its process alive: its timers do not count for the event loop. Whoever waits
 * for the pool must be told in time all the same: {@link Alive} keeps the process alive meanwhile.
 *
 * A test runner replaces the timers of its process when it likes, and more or less of what tells the time. The clock
 * follows the global `setTimeout`: when that is another, what tells the time is looked for anew, and goes on from where
 * the time was; and whoever sleeps does so by the new timers. What else the runner replaces, such as `Date` alone, moves
 * no duration: a wall clock may jump.
 *
 * Invariants:
 * - The time never goes back, and is the same on both sides of a replacement.
 * - Under replaced timers, it is no earlier than the time of a timer that has fired.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

type Timer = (f: () => void, millis: number) => unknown
type Clear = (timer: unknown) => void

// what runtimes have, though no standard library of TypeScript's says so
const globals = globalThis as unknown as {
  readonly setTimeout: Timer
  readonly clearTimeout: Clear
  readonly setInterval: Timer
  readonly clearInterval: Clear
  readonly setImmediate?: (f: () => void) => unknown
  readonly clearImmediate?: Clear
  readonly Date: { readonly now: () => number }
  readonly performance?: { readonly now?: () => number }
  readonly process?: { readonly hrtime?: { readonly bigint?: () => bigint } }
  readonly Deno?: { readonly unrefTimer?: (timer: unknown) => void }
}

/** The longest time that a timer can wait. */
const longest = 2 ** 31 - 1

/** By so many milliseconds a timer may be early, since runtimes round. */
const rounding = 1

/** What measures time, as it is now. */
const measures = () => ({ hrtime: globals.process?.hrtime, performance: globals.performance })

/** Tells the time, in milliseconds. */
type Reading = () => number

/** Reads the wall clock that there is now, also when there is another. */
const wall = (): Reading => {
  const { Date } = globals
  return () => Date.now()
}

/** Reads the best there is: `performance` costs half of what `hrtime` does. */
const reading = ({ hrtime, performance }: ReturnType<typeof measures>): Reading => {
  const now = performance?.now
  if (typeof now === "function") return () => now.call(performance)
  const bigint = hrtime?.bigint
  return typeof bigint === "function" ? () => Number(bigint.call(hrtime)) / 1e6 : wall()
}

const own = measures()
const isReplaced = (): boolean =>
  !/^function Date\(\) \{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(globals.Date))
/** Those that tell the true time, as far as can be known: none where they were replaced before this module was loaded. */
const trueTimers = isReplaced() ? undefined : globals.setTimeout

/** What goes with the timers that there are now: what was replaced with them, or what there always was. */
const beside = (): Reading => {
  const { hrtime, performance } = measures()
  if (hrtime?.bigint !== own.hrtime?.bigint) return reading({ hrtime, performance: undefined })
  if (performance?.now !== own.performance?.now) return reading({ hrtime: undefined, performance })
  return isReplaced() ? wall() : reading(own)
}

/** A timer that its event loop does not wait for, where the runtime has such timers. */
const quietly = (f: () => void, millis: number): unknown => {
  const { Deno, setTimeout } = globals
  const timer = setTimeout(f, millis)
  const { unref } = Object(timer) as { readonly unref?: () => unknown }
  if (typeof unref === "function") unref.call(timer)
  else Deno?.unrefTimer?.(timer)
  return timer
}

class QuietClock implements Clock.Clock {
  private timers: Timer | undefined = trueTimers
  private source = reading(own)
  private offset = 0
  private last = 0
  private readonly sleepers = new Set<Sleeper>()

  currentTimeMillisUnsafe(): number {
    return usual.currentTimeMillisUnsafe()
  }
  readonly currentTimeMillis = usual.currentTimeMillis
  currentTimeNanosUnsafe(): bigint {
    return usual.currentTimeNanosUnsafe()
  }
  readonly currentTimeNanos = usual.currentTimeNanos
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.monotonicTimeMillisUnsafe() * 1e6))
  }
  /** What the deadlines of a pool ask for, which count in milliseconds: twice as fast. */
  monotonicTimeMillisUnsafe(): number {
    if (globals.setTimeout !== this.timers) this.follow()
    return this.read()
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (millis === Infinity) return Effect.never
    return Effect.callback((resume) => {
      const sleeper = new Sleeper(this, this.monotonicTimeMillisUnsafe() + millis, () => {
        this.sleepers.delete(sleeper)
        resume(Effect.void)
      })
      this.sleepers.add(sleeper)
      sleeper.start()
      return Effect.sync(() => {
        this.sleepers.delete(sleeper)
        sleeper.stop()
      })
    })
  }

  /** A timer has fired: it is no earlier than this. Answers the time. */
  atLeast(time: number): number {
    const behind = time - this.read()
    // those of a runner that replaces nothing beside them are all that tells the time
    if (behind > rounding && this.timers !== trueTimers) this.offset += behind
    return this.read()
  }

  private read(): number {
    const time = this.source() + this.offset
    if (time >= this.last) return this.last = time
    // replaced clocks begin anew
    this.offset += this.last - time
    return this.last
  }

  private follow(): void {
    const time = this.read()
    this.timers = globals.setTimeout
    this.source = this.timers === trueTimers ? reading(own) : beside()
    // whole milliseconds, as those that a runner ticks: what is due after a number of them is due at their tick
    this.offset = Math.ceil(time) - this.source()
    // timers that were replaced may never fire
    for (const sleeper of this.sleepers) sleeper.start()
  }
}

/** Somebody who sleeps until a time of the clock. */
class Sleeper {
  private readonly clock: QuietClock
  private readonly due: number
  private readonly done: () => void

  constructor(clock: QuietClock, due: number, done: () => void) {
    this.clock = clock
    this.due = due
    this.done = done
  }

  /** Sets its timer; another one, where it has one. */
  start(): void {
    const now = this.clock.monotonicTimeMillisUnsafe()
    this.stop()
    const millis = Math.max(0, Math.min(Math.ceil(this.due - now), longest))
    const { clearTimeout, setTimeout } = globals
    const timer = quietly(() => {
      if (this.stop !== stop) return
      if (this.due - this.clock.atLeast(now + millis) > rounding) this.start()
      else this.done()
    }, millis)
    const stop = this.stop = () => {
      // one of a runner that has restored the timers is no more: Node's would take another for it
      if (setTimeout === trueTimers || setTimeout === globals.setTimeout) clearTimeout(timer)
    }
  }
  stop = (): void => {}
}

const usual = Context.get(Context.empty(), Clock.Clock)

// The turns of a pool, and what keeps its process alive, are no affair of time, and are taken once, if they can be: with a
// runner's they would stand still until it ticks, and be lost where it restores the timers.
const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = globals
const lasting = trueTimers === undefined
  ? globals
  : { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout }
const usually = new Scheduler.MixedScheduler()

/** Has a turn of the event loop soon. */
const soon = (f: () => void): () => void => {
  const { clearImmediate, clearTimeout, setImmediate, setTimeout } = lasting
  try {
    const turn = setImmediate === undefined ? setTimeout(f, 0) : setImmediate(f)
    return () => (setImmediate === undefined ? clearTimeout : clearImmediate)?.(turn)
  } catch {
    // some runtimes have none while a module is loaded, and effect has something else
    return usually.setImmediate(f)
  }
}

/** What the fibers of a pool have: the usual clock, with quiet timers, and the usual scheduler. */
export const services = Context.make(Clock.Clock, new QuietClock()).pipe(
  Context.add(Scheduler.Scheduler, new Scheduler.MixedScheduler("async", soon))
)

/** Keeps the process alive while anybody waits: by a timer, which keeps the context of the first who waits no longer. */
export class Alive {
  private waiting = 0
  private timer: unknown = undefined

  /** Somebody waits: 1; or waits no more: -1. */
  count(change: 1 | -1): void {
    this.waiting += change
    const { clearInterval, setInterval } = lasting
    if (this.waiting === 0) clearInterval(this.timer)
    else if (change === 1 && this.waiting === 1) this.timer = setInterval(() => {}, longest)
  }
}
