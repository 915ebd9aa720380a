/**
 * An event loop with a time of its own, in place of the real one: immediates, timers and clocks. Time passes when there is
 * nothing to do, and, where the loop lags, also while there is: timers are late, and several are due at once. The same
 * seed gives the same turns.
 */
import type { Next } from "../support/random.ts"

interface Task {
  readonly f: () => void
  readonly due: number
  readonly unref: () => Task
  /** What it is taken out of. */
  readonly from: Set<Task>
}

const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = globalThis
const { random } = Math
const wall = Date.now.bind(Date)
const monotonic = process.hrtime.bigint.bind(process.hrtime)
/** The real time, in milliseconds. */
export const realTime = performance.now.bind(performance)

/** The loop that stands in place of the real one. */
let current: Loop | undefined
/** When the next loop starts: time never goes back. */
let start = 0

const takeOut = (task: unknown, clear: (task: never) => void): void => {
  const { from } = Object(task) as Partial<Task>
  if (from instanceof Set) from.delete(task as Task)
  else clear(task as never)
}

// once and for all, before the pool is loaded: it keeps some of them, and looks whether the others have been replaced
Object.assign(globalThis, {
  setImmediate: (f: () => void) => current?.task(current.immediates, f, 0) ?? setImmediate(f),
  setTimeout: (f: () => void, millis: number) => current?.task(current.timers, f, millis) ?? setTimeout(f, millis),
  setInterval: (f: () => void, millis: number) => current?.task(current.intervals, f, millis) ?? setInterval(f, millis),
  clearImmediate: (task: unknown) => takeOut(task, clearImmediate),
  clearTimeout: (task: unknown) => takeOut(task, clearTimeout),
  clearInterval: (task: unknown) => takeOut(task, clearInterval)
})
Date.now = () => current?.wall ?? wall()
Math.random = () => current?.next() ?? random()
performance.now = () => current?.now ?? realTime()
process.hrtime.bigint = () => current === undefined ? monotonic() : BigInt(Math.round(current.now * 1e6))

const standIn = (loop: Loop | undefined): void => {
  current = loop
}

export class Loop {
  /** Milliseconds. */
  now = start
  readonly began = start
  turns = 0
  readonly timers = new Set<Task>()
  readonly immediates = new Set<Task>()
  readonly intervals = new Set<Task>()
  readonly next: Next
  /** How late it may be. */
  lag: number
  /** Promises settle between two tasks of the real loop. */
  private readonly promises: boolean

  constructor(next: Next, lag: number, promises: boolean) {
    this.next = next
    this.lag = lag
    this.promises = promises
  }

  get wall(): number {
    return 1_700_000_000_000 + Math.floor(this.now)
  }
  /** Nothing is left to do before time passes. */
  get idle(): boolean {
    return this.immediates.size === 0
  }
  /** A timer is late. */
  get overdue(): boolean {
    return (this.earliest()?.due ?? Infinity) <= this.now
  }
  /** Nothing is left at all. */
  get dead(): boolean {
    return this.idle && this.timers.size === 0 && this.intervals.size === 0
  }

  task(from: Set<Task>, f: () => void, millis: number): Task {
    const task: Task = { f, due: this.now + Math.max(1, millis), unref: () => task, from }
    from.add(task)
    return task
  }

  /** Puts the loop in place of the real one, until what is returned is called. What is left in it then never happens. */
  install(): () => void {
    standIn(this)
    return () => {
      standIn(undefined)
      start = Math.ceil(this.now / 1000) * 1000 + 1000
    }
  }

  /**
   * Turns until something holds, nothing is left, or so much time has passed. `between` is called after each turn, and `after`
   * when the promises are settled that follow from that: who looks at a pool, or leaves it, has it do something.
   */
  async run(holds: () => boolean, between: () => void, after: () => void, millis: number): Promise<void> {
    const until = this.now + millis
    await this.settle()
    while (!holds()) {
      const task = this.take(until)
      if (task === undefined) break
      this.turns++
      task.f()
      await this.settle()
      between()
      await this.settle()
      after()
    }
  }

  private async settle(): Promise<void> {
    if (this.promises) await new Promise<void>((resolve) => setImmediate(() => resolve()))
  }

  /** The next task; nothing where none is due before a time, which it is then. */
  private take(until: number): Task | undefined {
    if (this.lag > 0 && this.next() < 0.3) this.now += this.next() * this.lag
    const timer = this.earliest()
    const due = timer !== undefined && timer.due <= this.now && (this.idle || this.lag === 0 || this.next() < 0.5)
    if (!due && !this.idle) {
      const [first] = this.immediates
      this.immediates.delete(first!)
      return first
    }
    if (timer === undefined || timer.due > until) {
      this.now = Math.max(this.now, until)
      return undefined
    }
    this.timers.delete(timer)
    this.now = Math.max(this.now, timer.due)
    // now and then the whole process has stood still
    if (this.lag > 0) this.now += this.next() < 0.02 ? 40 * this.next() * this.lag : 0.2 * this.next() * this.lag
    return timer
  }

  private earliest(): Task | undefined {
    let first: Task | undefined
    for (const timer of this.timers) if (first === undefined || timer.due < first.due) first = timer
    return first
  }
}
