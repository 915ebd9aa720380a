/**
 * Many deadlines, one timer: a binary heap, and one fiber that sleeps until the earliest. Waiters, leases, rests and
 * detections all wait here. Without a deadline there is no fiber.
 *
 * Invariants:
 * - `deadline.index` is its place in the heap, -1 outside.
 * - While the heap is not empty, a fiber sleeps at most until its earliest deadline, or `fire` is running.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Something that happens at a time. It may be embedded in the thing that waits. */
export interface Deadline {
  /** Monotonic milliseconds. */
  due: number
  /** Its place in the heap; -1: not waiting. */
  index: number
  fire(): void
}

export const make = (fire: () => void): Deadline => ({ due: Infinity, index: -1, fire })

/** How many deadlines fire before other fibers get their turn. */
const batch = 512

export class Deadlines {
  private readonly clock: Clock.Clock
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly heap: Array<Deadline> = []
  private sleeper: Fiber.Fiber<void> | undefined = undefined
  private sleepsUntil = Infinity
  private ended = false

  constructor(clock: Clock.Clock, fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>) {
    this.clock = clock
    this.fork = fork
  }

  /** Monotonic milliseconds. */
  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** Sets, or moves, a deadline. `Infinity` is never. */
  set(deadline: Deadline, due: number): void {
    this.cancel(deadline)
    deadline.due = due
    if (due === Infinity || this.ended) return
    deadline.index = this.heap.length
    this.heap.push(deadline)
    this.up(deadline)
    if (due < this.sleepsUntil) this.arm(due)
  }

  cancel(deadline: Deadline): void {
    if (deadline.index === -1) return
    const last = this.heap.pop()!
    if (last !== deadline) {
      last.index = deadline.index
      this.heap[last.index] = last
      this.up(last)
      this.down(last)
    }
    deadline.index = -1
  }

  /** Forgets everything, and whatever comes after; ends the timer. */
  end(): void {
    this.ended = true
    for (const deadline of this.heap) deadline.index = -1
    this.heap.length = 0
    this.sleepsUntil = Infinity
    this.sleeper?.interruptUnsafe()
    this.sleeper = undefined
  }

  /** A timer that is due later is replaced; one whose deadline has gone is left to end by itself. */
  private arm(due: number): void {
    this.sleeper?.interruptUnsafe()
    this.sleepsUntil = due
    // whole milliseconds, rounded up: a timer may not wake before its time
    const millis = Math.max(0, Math.ceil(due - this.now()))
    // never within the caller's step, even when it is due now
    const sleep = millis === 0 ? Effect.yieldNow : this.clock.sleep(Duration.millis(millis))
    this.sleeper = this.fork(Effect.flatMap(sleep, () => this.fire))
  }

  private readonly fire: Effect.Effect<void> = Effect.suspend(() => {
    // stays set while deadlines fire, so that a new one does not start a second timer
    this.sleepsUntil = -Infinity
    const now = this.now()
    for (let fired = 0; fired < batch; fired++) {
      const deadline = this.heap[0]
      if (deadline === undefined || deadline.due > now) {
        this.sleeper = undefined
        this.sleepsUntil = Infinity
        if (deadline !== undefined) this.arm(deadline.due)
        return Effect.void
      }
      this.cancel(deadline)
      deadline.fire()
    }
    return Effect.andThen(Effect.yieldNow, this.fire)
  })

  private up(deadline: Deadline): void {
    while (deadline.index > 0) {
      const parent = this.heap[(deadline.index - 1) >> 1]!
      if (deadline.due >= parent.due) return
      this.swap(deadline, parent)
    }
  }

  private down(deadline: Deadline): void {
    for (;;) {
      const left = this.heap[2 * deadline.index + 1]
      if (left === undefined) return
      const right = this.heap[2 * deadline.index + 2]
      const child = right !== undefined && right.due < left.due ? right : left
      if (child.due >= deadline.due) return
      this.swap(deadline, child)
    }
  }

  private swap(a: Deadline, b: Deadline): void {
    const index = a.index
    a.index = b.index
    b.index = index
    this.heap[a.index] = a
    this.heap[b.index] = b
  }
}
