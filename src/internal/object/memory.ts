/**
 * The memory of a pool: what it knows of its objects is written to a store, and read before an object that joins is lent.
 *
 * Whatever changes marks the slot of its object, and goes on: no lease waits for a store, or fails by it. The marked slots are
 * written together, in a later task: now, or a second after those before them. What a write writes is what is known as it begins.
 *
 * Invariants:
 * - A key has one slot, and that at most one object: the last one of the key that has joined, unless it has left. The `memory`
 *   of an object is the slot whose `entry` it is.
 * - Nothing is written for a slot that is `unread`: its object has not been told yet what is known of its key, which is
 *   `last`, or else in the store.
 * - A slot has at most one write under way: another begins when that has ended, however long it takes.
 * - A slot that is `dirty`, but neither `unread` nor being written, is in `marked`, or in `queue`. While there is a marked
 *   one, `flushing` waits; while one is queued, a write is under way, or `pump` is running or is to run.
 * - A slot without an object is kept while it is to be written, or while what is in the store of it is not over.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import { type Core, fork, soon, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { settled } from "../state/notes.ts"
import { type Deadline, make } from "../structures/deadlines.ts"
import { Queue } from "../structures/queue.ts"
import { Slice } from "../structures/slice.ts"
import { report } from "../watching/log.ts"
import { type Ended, Hook } from "./hook.ts"
import { know, type Known, read, recall, type Remembered, write } from "./remembered.ts"

/** What is used of effect's `KeyValueStore`. */
export interface Store {
  readonly get: (key: string) => Effect.Effect<string | undefined, unknown>
  readonly set: (key: string, value: string) => Effect.Effect<void, unknown>
  readonly remove: (key: string) => Effect.Effect<void, unknown>
  /** Only of a store that keeps objects as well: that of this key leaves, though the pool does not close. */
  readonly left?: ((key: string) => void) | undefined
}

/** The pool's name and the key, in which nothing looks like what stands between them. */
export const nameOf = (pool: string, key: string, mark = ""): string =>
  `${pool}/${mark}${key.replace(/[%/]/g, (c) => c === "%" ? "%25" : "%2F")}`

/** Each object is written at most once in so many milliseconds. */
const pause = 1000

/** In so many milliseconds it is logged at most once that a store does not take what is written. */
const silence = 60_000

/** How many entries are read at once, and how many are written. */
const atOnce = 32

/**
 * An object is told what the store has of it. While others are read before it, its time begins when the store has answered
 * last: so a store that hangs keeps nobody longer than `hookTimeout`, and one that is slow is not held to be by its queue.
 */
class Reading<A, D> extends Hook<A, D> {
  private readonly late: (since: number) => number
  private since: number
  private begun = false

  /** `late`: when it is too late, for one that has waited since then. */
  constructor(core: Core<A, D>, entry: Entry<A, D>, ended: Ended, late: (since: number) => number) {
    super(core, entry, ended)
    this.late = late
    this.since = core.deadlines.now()
  }

  /** The store is asked now. */
  begin(): void {
    const now = this.core.deadlines.now()
    // else it is about to end
    if (now >= this.late(this.since)) return
    this.begun = true
    this.since = now
  }
  override fire(): void {
    const { deadlines, options: { hookTimeout } } = this.core
    const due = this.begun ? this.since + hookTimeout : this.late(this.since)
    if (due > deadlines.now()) deadlines.set(this, due)
    else super.fire()
  }
}

/** What is known, and written, under one key. It is itself the deadline of the moment at which all of that is over. */
export class Slot<A, D> implements Deadline {
  readonly key: string
  private readonly memory: Memory<A, D>
  entry: Entry<A, D> | undefined = undefined
  /** What was known of the object as it left: until that has been written, or another has been told it. */
  last: Known | undefined = undefined
  unread = true
  isWriting = false
  dirty = false
  /** There may be something in the store. */
  isStored = false

  due = Infinity
  index = -1
  readonly upkeep = true

  constructor(key: string, memory: Memory<A, D>) {
    this.key = key
    this.memory = memory
  }

  /** Something has changed: it is to be written. */
  touch(): void {
    if (this.dirty) return
    this.dirty = true
    if (!this.unread && !this.isWriting) this.memory.mark(this)
  }
  /** What is in the store is over: it is removed, or written anew. */
  fire(): void {
    this.touch()
  }
  /** The object is about to leave. */
  left(): void {
    this.memory.left(this)
  }
}

export class Memory<A, D> {
  private readonly core: () => Core<A, D>
  private readonly store: Store
  private readonly slots = new Map<string, Slot<A, D>>()
  private readonly marked = new Set<Slot<A, D>>()
  private readonly queue = new Queue<Slot<A, D>>()
  private writing = 0
  /** How many of those that are under way have had their time: others do not wait for them. */
  private hung = 0
  private pumping = false
  private readonly reading = Semaphore.makeUnsafe(atOnce)
  /** Monotonic: when the store has answered last what was read. */
  private heardAt = -Infinity
  /** Monotonic: when those before were written; and when it was last told that some could not be, and how many since. */
  private flushedAt = -Infinity
  private toldAt = -Infinity
  private failed = 0
  private readonly flushing = make(() => this.flush(), true)
  /** A closing pool has given its objects `hookTimeout` to be written. */
  private ending: Deadline | undefined = undefined
  private ended = false

  /** The core is made later, and reached by a function. */
  constructor(core: () => Core<A, D>, store: Store) {
    this.core = core
    this.store = store
  }

  /** The object whose key it is, unless it is about to leave. */
  holder(key: string): Entry<A, D> | undefined {
    const entry = this.slots.get(key)?.entry
    return entry === undefined || entry.status === "Invalid" || entry.condemned || entry.retired ? undefined : entry
  }

  /** An object joins. What is known of its key, where another has left, or is about to leave, is known of it. */
  open(key: string, entry: Entry<A, D>): void {
    let slot = this.slots.get(key)
    if (slot === undefined) this.slots.set(key, slot = new Slot(key, this))
    const elder = slot.entry
    if (elder !== undefined) {
      if (!slot.unread) slot.last = know(this.core(), elder, false)
      elder.memory = undefined
    }
    slot.unread = true
    slot.entry = entry
    entry.memory = slot
  }

  /** Tells an object that has joined what is known of it. `then` is called once, perhaps before this returns. */
  tell(entry: Entry<A, D>, slot: Slot<A, D>, then: () => void): void {
    const { last } = slot
    if (last === undefined) return this.read(entry, slot, then)
    slot.last = undefined
    this.told(entry, slot, last.record)
    slot.touch()
    then()
  }

  private read(entry: Entry<A, D>, slot: Slot<A, D>, then: () => void): void {
    let text: unknown
    const { deadlines, options: { hookTimeout } } = this.core()
    const ended = (failure: Cause.Cause<unknown> | undefined) => {
      // it has left, or another has taken its key over
      if (slot.entry === entry) this.wasRead(entry, slot, text, failure)
      then()
    }
    const reading = new Reading(this.core(), entry, ended, (since) => Math.max(since, this.heardAt) + hookTimeout)
    const get = Effect.suspend(() => {
      reading.begin()
      return this.store.get(this.toKey(slot))
    })
    reading.run(() =>
      this.reading.withPermit(Effect.map(get, (got) => {
        this.heardAt = deadlines.now()
        text = got
      }))
    )
  }

  private wasRead(
    entry: Entry<A, D>,
    slot: Slot<A, D>,
    text: unknown,
    failure: Cause.Cause<unknown> | undefined
  ): void {
    const core = this.core()
    const annotations = { key: slot.key }
    if (failure !== undefined && stays(core)) {
      const message = "What is remembered of an object could not be read: it joins as new"
      report(core, message, { cause: failure, entry, annotations })
    }
    slot.isStored = failure === undefined && text !== undefined && text !== ""
    const record = slot.isStored ? read(text) : undefined
    if (slot.isStored && record === undefined) {
      report(core, "What is remembered of an object makes no sense: it joins as new", { entry, annotations })
    }
    this.told(entry, slot, record)
    if (record === undefined) return
    const known = know(core, entry, false)
    if (known.isEmpty) slot.touch()
    else this.expect(slot, known)
  }

  private told(entry: Entry<A, D>, slot: Slot<A, D>, record: Remembered | undefined): void {
    // what has changed meanwhile has not been written; what is known has
    const { dirty } = slot
    if (record !== undefined) recall(this.core(), entry, record)
    slot.unread = slot.dirty = false
    if (dirty) slot.touch()
  }

  /** An object is about to leave: what is known of it now is to be written. */
  left(slot: Slot<A, D>): void {
    const entry = slot.entry!
    slot.entry = entry.memory = undefined
    const isForGood = this.core().life._tag === "Open" || (entry.why !== undefined && entry.why !== "Closed")
    if (isForGood) this.store.left?.(slot.key)
    if (!slot.unread) slot.last = know(this.core(), entry, this.core().life._tag === "Open")
    else if (slot.last === undefined && !slot.isWriting) {
      this.slots.delete(slot.key)
      return
    }
    slot.unread = false
    if (slot.dirty && !slot.isWriting) this.mark(slot)
    else slot.touch()
  }

  /** A slot is to be written soon. */
  mark(slot: Slot<A, D>): void {
    if (this.ended || slot.unread) return
    const { deadlines, life } = this.core()
    if (!this.queue.has(slot)) this.marked.add(slot)
    const now = deadlines.now()
    // nobody waits for the objects of a pool that is closing
    const due = life._tag === "Closing" && slot.entry === undefined ? now : Math.max(now, this.flushedAt + pause)
    if (this.flushing.index === -1 || due < this.flushing.due) deadlines.set(this.flushing, due)
  }

  private flush(): void {
    this.flushedAt = this.core().deadlines.now()
    for (const slot of this.marked) this.queue.add(slot)
    this.marked.clear()
    this.pump()
  }

  /** Begins the writes that are queued: a slice of them now, no more than so many at once. */
  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    const core = this.core()
    const turn = new Slice(core.deadlines)
    while (!this.ended && this.writing - this.hung < atOnce && this.queue.size > 0) {
      this.write(this.queue.take()!)
      if (!turn.over) continue
      return soon(core, () => {
        this.pumping = false
        this.pump()
      })
    }
    this.pumping = false
    if (core.life._tag === "Closing") settled(core)
  }

  private write(slot: Slot<A, D>): void {
    const core = this.core()
    const { entry } = slot
    if (slot.unread) return
    const known = entry === undefined ? slot.last : know(core, entry, false)
    slot.dirty = false
    if (!slot.isStored && known?.isEmpty !== false) return this.expect(slot, known)
    slot.isWriting = slot.isStored = true
    this.writing++
    const fiber = fork(core, Effect.suspend(() => this.put(slot, known)))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.wrote(slot, known, exit)
    const { deadlines, options: { hookTimeout } } = core
    let hangs = false
    const late = make(() => {
      this.tellFailure(slot, Cause.fail(new Cause.TimeoutError("The store took longer than hookTimeout")))
      hangs = true
      this.hung++
      fiber.interruptUnsafe()
      this.pump()
    }, true)
    deadlines.set(late, deadlines.now() + hookTimeout)
    fiber.addObserver((exit) => {
      deadlines.cancel(late)
      if (hangs) this.hung--
      this.wrote(slot, known, exit)
      this.pump()
    })
  }

  private put(slot: Slot<A, D>, known: Known | undefined): Effect.Effect<void, unknown> {
    const key = this.toKey(slot)
    return known?.isEmpty === false ? this.store.set(key, write(known)) : this.store.remove(key)
  }

  private wrote(slot: Slot<A, D>, known: Known | undefined, exit: Exit.Exit<unknown, unknown>): void {
    slot.isWriting = false
    this.writing--
    if (this.ended) return
    if (Exit.isFailure(exit)) {
      if (!Cause.hasInterruptsOnly(exit.cause)) this.tellFailure(slot, exit.cause)
      slot.dirty ||= this.core().life._tag === "Open" && !this.isOver(slot, known)
    } else if (known?.isEmpty !== false) slot.isStored = false
    if (slot.dirty) return this.mark(slot)
    this.expect(slot, known)
  }

  /** What is in the store, or was to be, is removed when it is over. */
  private expect(slot: Slot<A, D>, known: Known | undefined): void {
    const { deadlines, moments } = this.core()
    const left = (known?.until ?? -Infinity) - moments.now()
    const lasts = slot.isStored && left > 0 && left < Infinity
    if (lasts && slot.index === -1) deadlines.set(slot, deadlines.now() + left)
    if (slot.entry !== undefined) return
    slot.last = undefined
    if (lasts) return
    deadlines.cancel(slot)
    this.slots.delete(slot.key)
  }

  /** Does nothing of an object that has left last? */
  private isOver(slot: Slot<A, D>, known: Known | undefined): boolean {
    return slot.entry === undefined && (known === undefined || known.until <= this.core().moments.now())
  }

  private tellFailure(slot: Slot<A, D>, cause: Cause.Cause<unknown>): void {
    const core = this.core()
    const now = core.deadlines.now()
    this.failed++
    if (now - this.toldAt < silence) return
    const annotations = { key: slot.key, failed: `${this.failed}` }
    this.failed = 0
    this.toldAt = now
    report(core, "What is remembered of an object could not be written", {
      cause,
      annotations,
      ...slot.entry && { entry: slot.entry }
    })
  }

  /** Does a closing pool, whose objects have left, wait for what is still to be written? No longer than `hookTimeout`. */
  get lasts(): boolean {
    const { deadlines, options: { hookTimeout } } = this.core()
    const n = this.marked.size + this.queue.size + this.writing
    if (this.ended || n === 0) return false
    if (this.ending === undefined) {
      this.ending = make(() => this.giveUp())
      deadlines.set(this.ending, deadlines.now() + hookTimeout)
    }
    return true
  }

  private giveUp(): void {
    const core = this.core()
    const n = this.marked.size + this.queue.size + this.writing
    this.ended = true
    report(core, `Closing gave up writing what is remembered of ${n} object(s)`)
    settled(core)
  }

  private toKey({ key }: Slot<A, D>): string {
    return nameOf(this.core().options.name, key)
  }
}
