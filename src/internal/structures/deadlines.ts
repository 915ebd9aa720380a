/**
 * Many deadlines, one timer: a binary heap, and one fiber that sleeps until the earliest. Waiters, leases, rests and
 * detections all wait here. Without a deadline there is no fiber.
 *
 * Nearly every deadline is cancelled long before it is due. So that this costs no walk through the heap, it leaves its
 * place empty; when more than half of them are, all of them are cleared away at once. And mostly all have the same time
 * to wait: as long as each is due no earlier than the one before it, the heap is a queue, and nothing moves in it.
 *
 * The fiber holds the pool only while somebody depends on a deadline, or waits for the pool: see `hold.ts`.
 *
 * Invariants:
 * - `deadline.index` is its place in the heap, -1 outside; `dues` has the time of each place, that of an empty one too.
 * - While `sorted`, no place is due earlier than one before it; always, no parent is due later than its child.
 * - `empty` counts the empty places. Those before `head` are, and there are none of those unless `sorted`.
 * - While the heap is not empty, a fiber sleeps at most until its earliest deadline, or `fire` is running. What throws as it
 *   fires does not change that: it is told, and the others go on.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Held, Hold } from "./hold.ts"

/** Something that happens at a time. It may be embedded in the thing that waits. */
export interface Deadline {
  /** Monotonic milliseconds. */
  due: number
  /** The deadline's place in the heap; -1: not waiting. */
  index: number
  /** Upkeep of the pool's own, on which nobody outside depends: does not hold the pool. Changed only while not waiting. */
  upkeep?: boolean
  fire(): void
}

export const make = (fire: () => void, upkeep = false): Deadline => ({ due: Infinity, index: -1, upkeep, fire })

/** How many deadlines fire before other fibers get their turn. */
const batch = 512

/** For how many milliseconds what is due at once may go on before other fibers get their turn. */
export const slice = 2

/** What counts in milliseconds: that spares the numbers of arbitrary size. */
interface Quick {
  monotonicTimeMillisUnsafe(): number
}

// taken once, as effect's own clock takes its source: what a test runner replaces later moves neither
const { performance, process } = globalThis as {
  readonly performance?: { readonly now?: () => number }
  readonly process?: { readonly hrtime?: { readonly bigint?: () => bigint } }
}

/** What effect's own clock measures, in half of the time: `performance` goes as `hrtime` does, from another beginning. */
const measure = (): Quick | undefined => {
  const read = performance?.now
  if (typeof read !== "function") return undefined
  const hrtime = process?.hrtime
  const beginning = typeof hrtime?.bigint === "function" ? Number(hrtime.bigint()) / 1e6 - read.call(performance) : 0
  return { monotonicTimeMillisUnsafe: () => read.call(performance) + beginning }
}
const usual = measure()

const quickOf = (clock: Clock.Clock): Quick | undefined =>
  "monotonicTimeMillisUnsafe" in clock
    ? clock as Clock.Clock & Quick
    : clock === Context.get(Context.empty(), Clock.Clock)
    ? usual
    : undefined

export class Deadlines {
  protected readonly clock: Clock.Clock
  /** The clock, where that counts in milliseconds. */
  private readonly quick: Quick | undefined
  /** The longest that the timer sleeps before it looks at its clock again. */
  protected readonly longest: number = Infinity
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly threw: (defect: unknown) => void
  private readonly heap: Array<Deadline | undefined> = []
  private readonly dues: Array<number> = []
  private empty = 0
  private sorted = true
  private head = 0
  private sleeper: Fiber.Fiber<void> | undefined = undefined
  private sleepsUntil = Infinity
  private firing = false
  private ended = false
  private readonly hold: Hold
  private readonly held: Held<Deadlines>

  /** `threw` is told what a deadline has thrown as it fired. `hold` counts the deadlines on which somebody depends. */
  constructor(
    clock: Clock.Clock,
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    threw: (defect: unknown) => void,
    hold: Hold
  ) {
    this.clock = clock
    this.quick = quickOf(clock)
    this.fork = fork
    this.threw = threw
    this.hold = hold
    this.held = hold.of<Deadlines>(this)
  }

  /** Monotonic milliseconds. */
  now(): number {
    return this.quick === undefined
      ? Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
      : this.quick.monotonicTimeMillisUnsafe()
  }

  /** Sets, or moves, a deadline. `Infinity` is never. */
  set(deadline: Deadline, due: number): void {
    this.cancel(deadline)
    deadline.due = due
    if (due === Infinity || this.ended) return
    const at = this.heap.length
    if (this.sorted && at > this.head && due < this.dues[at - 1]!) {
      // a deadline that comes out of turn makes a heap of the queue, until that is empty
      this.clear()
      this.sorted = this.heap.length === 0
    }
    this.heap.push(deadline)
    this.dues.push(due)
    if (deadline.upkeep !== true) this.hold.begin()
    if (this.sorted) deadline.index = this.heap.length - 1
    else this.up(this.heap.length - 1)
    if (due < this.sleepsUntil) this.arm(due)
  }

  cancel(deadline: Deadline): void {
    if (deadline.index === -1) return
    this.heap[deadline.index] = undefined
    deadline.index = -1
    this.empty++
    if (deadline.upkeep !== true) this.hold.end()
    if (this.empty > 32 && 2 * this.empty > this.heap.length) this.clear()
  }

  /** Forgets everything, and whatever comes after; ends the timer. */
  end(): void {
    this.ended = true
    for (const deadline of this.heap) {
      if (deadline === undefined) continue
      deadline.index = -1
      if (deadline.upkeep !== true) this.hold.end()
    }
    this.heap.length = this.dues.length = 0
    this.empty = this.head = 0
    this.sleepsUntil = Infinity
    this.sleeper?.interruptUnsafe()
    this.sleeper = undefined
  }

  /** A timer that is due later is replaced; one whose deadline has gone is left to end by itself. */
  private arm(due: number): void {
    this.sleeper?.interruptUnsafe()
    this.sleepsUntil = due
    // the sleep is of whole milliseconds, rounded up: a timer may not wake before its time
    const millis = Math.min(Math.max(0, Math.ceil(due - this.now())), this.longest)
    // a deadline never fires within the caller's step, even when it is due now
    const sleep = millis === 0 ? Effect.yieldNow : this.clock.sleep(Duration.millis(millis))
    this.sleeper = this.fork(Effect.flatMap(sleep, waking(this.held)))
  }

  /** What the timer's fiber does when it has slept. */
  readonly fire: Effect.Effect<void> = Effect.suspend(() => {
    // `sleepsUntil` is the past while deadlines fire, so that a new one does not start a second timer
    this.sleepsUntil = -Infinity
    if (this.fireUntil(this.now(), batch)) return Effect.andThen(Effect.yieldNow, this.fire)
    this.sleeper = undefined
    this.sleepsUntil = Infinity
    const next = this.earliest()
    if (next !== undefined) this.arm(next.due)
    return Effect.void
  })

  /** Fires what is due by then, the earliest first, but no more than others can wait for: `true` if more may be due. */
  private fireUntil(now: number, most: number): boolean {
    this.firing = true
    let fired = 0
    let more = false
    while (!more) {
      const deadline = this.earliest()
      if (deadline === undefined || deadline.due > now) break
      this.cancel(deadline)
      this.call(deadline)
      more = ++fired === most || (most !== Infinity && fired % 16 === 0 && this.now() - now > slice)
    }
    this.firing = false
    return more
  }

  private call(deadline: Deadline): void {
    try {
      deadline.fire()
    } catch (defect) {
      this.threw(defect)
    }
  }

  /** Is anything due that has not happened, since the timer has not had its turn? No clock is read where nothing waits. */
  get late(): boolean {
    const first = this.firing ? undefined : this.earliest()
    return first !== undefined && first.due <= this.now()
  }

  /**
   * What is due happens in the caller's step, as the timer would have it. Where very much is due, the rest is left to the
   * timer, so that others get their turn in between, unless the caller needs `all`. `now`: a reading of the clock, if there
   * is one. Answers whether anything has happened.
   *
   * Within a deadline that fires it does nothing: the timer is having its turn, and what is due follows.
   */
  catchUp(all: boolean, now?: number): boolean {
    // nothing waits: no clock is read
    if (this.firing || this.sleepsUntil === Infinity) return false
    const until = now ?? this.now()
    // the timer wakes no later than the earliest is due
    if (this.sleepsUntil > until) return false
    const first = this.earliest()
    if (first === undefined || first.due > until) return false
    this.fireUntil(until, all ? Infinity : batch)
    return true
  }

  /** Fires one deadline that is due, and has not fired, since the timer has not had its turn. */
  hasten(deadline: Deadline): void {
    if (deadline.index === -1 || deadline.due > this.now()) return
    this.cancel(deadline)
    this.call(deadline)
  }

  /** The first deadline that waits; empty places before it are cleared away, or passed for good. */
  private earliest(): Deadline | undefined {
    if (this.sorted) {
      while (this.head < this.heap.length && this.heap[this.head] === undefined) this.head++
      return this.heap[this.head]
    }
    while (this.heap.length > 0 && this.heap[0] === undefined) {
      this.empty--
      const last = this.heap.pop()
      const due = this.dues.pop()!
      if (this.heap.length === 0) {
        this.sorted = true
        return undefined
      }
      this.put(0, last, due)
      this.down(0)
    }
    return this.heap[0]
  }

  /** Clears all empty places away. */
  private clear(): void {
    let n = 0
    for (let at = this.head; at < this.heap.length; at++) {
      if (this.heap[at] !== undefined) this.put(n++, this.heap[at], this.dues[at]!)
    }
    this.heap.length = this.dues.length = n
    this.empty = this.head = 0
    this.sorted ||= n === 0
    // a sorted queue is a heap already
    if (this.sorted) return
    for (let at = (n >> 1) - 1; at >= 0; at--) this.down(at)
  }

  private up(at: number): void {
    const deadline = this.heap[at]
    const due = this.dues[at]!
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (due >= this.dues[parent]!) break
      this.put(at, this.heap[parent], this.dues[parent]!)
      at = parent
    }
    this.put(at, deadline, due)
  }

  private down(at: number): void {
    const deadline = this.heap[at]
    const due = this.dues[at]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.heap.length) break
      if (child + 1 < this.heap.length && this.dues[child + 1]! < this.dues[child]!) child++
      if (this.dues[child]! >= due) break
      this.put(at, this.heap[child], this.dues[child]!)
      at = child
    }
    this.put(at, deadline, due)
  }

  private put(at: number, deadline: Deadline | undefined, due: number): void {
    this.heap[at] = deadline
    this.dues[at] = due
    if (deadline !== undefined) deadline.index = at
  }
}

/** What follows the sleep of a timer: nothing, where the pool has been dropped, and nobody depended on what was due. */
const waking = (held: Held<Deadlines>) => (): Effect.Effect<void> => held.part.deref()?.fire ?? Effect.void

/**
 * Deadlines on the wall clock. That is set forward and back, and goes on while the machine sleeps, which no timer sees: it is
 * looked at every ten seconds, while something waits for it. Those who wait are served that much later at most, a third
 * of the usual `borrowTimeout`; and a day costs some thousand looks, however much waits.
 */
export class Moments extends Deadlines {
  protected override readonly longest = 10_000

  /** Milliseconds since 1970. */
  override now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }
}
