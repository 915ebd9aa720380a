/**
 * The pools of many keys: each made when its key is first borrowed, all of them in one room.
 *
 * A key is awake while its pool is there: as long as that has an object, a lease, a waiter, or something to do, or somebody
 * has asked for it and may not have come to it yet. Then only what a borrow would miss is kept of it, and that is forgotten
 * after `idleKeys`.
 *
 * Invariants, at the end of every step:
 * - A key is known while it is in `keys`; it is awake exactly while its record has a place; else it is in `asleep`, in the
 *   order in which the keys fell asleep, and `forgetting` is set for the first.
 * - The totals of the root are the sum of the totals of all that is not awake.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { PooledObject } from "../../PooledObject.ts"
import { InvalidPoolOptions, PoolClosed, type PoolStats } from "../../PoolError.ts"
import type { Self } from "../../Self.ts"
import { attendAll } from "../borrow/desk.ts"
import { handleOf } from "../lease/handle.ts"
import { shrink } from "../object/replacing.ts"
import * as Sweeping from "../object/sweeping.ts"
import { catchUp, type Core, each, fork, type Many, population, soon, stats } from "../state/core.ts"
import { askSelector, changed, lookAt, Note, note, roomFreed } from "../state/notes.ts"
import { leases } from "../state/owners.ts"
import { Place, Room } from "../state/room.ts"
import { checks } from "../state/validation.ts"
import { addTotals, entriesOf, wholeStats } from "../state/whole.ts"
import * as Deadlines from "../structures/deadlines.ts"
import { Keys } from "../structures/keys.ts"
import { Queue } from "../structures/queue.ts"
import * as Events from "../watching/events.ts"
import { buildFor } from "./assemble.ts"
import * as Closing from "./closing.ts"
import * as Upkeep from "./operator.ts"
import { checkReserved } from "./options.ts"
import { shareOut } from "./sharing.ts"

type Totals = Core<never, never>["totals"]
type Retry = Core<never, never>["retry"]
interface Bounds {
  readonly min: number
  readonly max: number
}

/** The bounds of the whole, and of each key. */
interface Bound {
  readonly max: number
  readonly perKey: Bounds
}

/** What all keys are made from. */
export interface KeyedResolved<K, A> extends Bound {
  readonly acquire: ((key: K, self: Self) => Effect.Effect<A, unknown, Scope.Scope>) | undefined
  /** Milliseconds. */
  readonly idleKeys: number
}

/** What a borrow would miss of a key whose pool is not there. */
interface Kept {
  readonly totals: Totals
  readonly retry: (Omit<Retry, "next" | "attempt"> & { readonly due: number }) | undefined
}

/** One key that is known. */
class Known<K, A, D> {
  readonly key: K
  /** How many keys were known before. */
  readonly number: number
  place: Place<K, A, D> | undefined = undefined
  /** Where they are the key's own. */
  size: Bounds | undefined = undefined
  kept: Kept | undefined = undefined
  /** Monotonic: since when the key is asleep. */
  since = 0
  sweep: Fiber.Fiber<unknown> | undefined = undefined
  /** The operations of the key's pool, where somebody has asked for them: as effects, and for promises. */
  operations: unknown = undefined
  promised: unknown = undefined

  constructor(key: K, number: number) {
    this.key = key
    this.number = number
  }

  get core(): Core<A, D> | undefined {
    return this.place?.core
  }
}

/**
 * Between the step in which an operation asks for the pool of its key, and the one in which it joins the queue, or begins
 * something else, its fiber may yield: once in 2048 steps, and more often where it was told to. The pool is looked at once in
 * each turn meanwhile, and does not fall asleep.
 */
const mostYields = 12

const noTotals = (): Totals => ({ borrowed: 0, added: 0, made: 0, destroyed: 0, timedOut: 0, exhausted: 0, expired: 0 })

export class Keyed<K, A, D> implements Many<A, D> {
  /** What all pools have in common. It has no objects of its own; whoever listens to all keys listens to it. */
  readonly root: Core<A, D>
  private readonly options: KeyedResolved<K, A>
  private readonly room: Room
  private readonly keys = new Keys<K, Known<K, A, D>>()
  private readonly ofCore = new WeakMap<Core<A, D>, Known<K, A, D>>()
  private readonly awake = new Set<Known<K, A, D>>()
  private readonly asleep = new Queue<Known<K, A, D>>()
  private readonly forgetting: Deadlines.Deadline
  private perKey: Bounds
  private lastNumber = 0
  /** The places that may be empty, to be looked at in a task of their own. */
  private empties: Array<Core<A, D>> = []

  constructor(root: Core<A, D>, options: KeyedResolved<K, A>) {
    this.root = root
    this.options = options
    this.perKey = options.perKey
    this.room = new Room(
      options.max,
      root as unknown as Core<never, never>,
      (place) => this.emptied(place.core as never)
    )
    this.forgetting = Deadlines.make(() => this.forgetIdle(), true)
    root.many = this
    root.size.max = options.max
    // whoever holds the root, as a timer may, holds all of it
    root.onClosed.add(() => this.asleep.clear())
  }

  // keys

  /** The pool of a key, which is made if it is not there. None where all of it is closed. Throws on what is no key. */
  of(key: K): Core<A, D> | undefined {
    this.check(key)
    const known = this.keys.get(key)
    if (known?.place !== undefined) {
      known.place.asked = mostYields
      return known.place.core
    }
    return this.root.life._tag === "Open" ? this.wake(known ?? this.learn(key)) : undefined
  }

  /** The pool of a key, if it is there. */
  find(key: K): Core<A, D> | undefined {
    this.check(key)
    return this.keys.get(key)?.place?.core
  }

  /** What is kept with the pool of a key, as long as that is there. */
  with<B>(core: Core<A, D>, name: "operations" | "promised", make: (core: Core<A, D>) => B): B {
    const known = this.ofCore.get(core)
    return (known === undefined ? make(core) : known[name] ??= make(core)) as B
  }

  private check(key: K): void {
    if (key === undefined || Number.isNaN(key)) {
      checks(this.root.options.name).refuse("key", key, "a value that is equal to itself, and not undefined")
    }
  }

  private learn(key: K): Known<K, A, D> {
    const known = new Known<K, A, D>(key, ++this.lastNumber)
    this.keys.set(key, known)
    return known
  }

  private wake(known: Known<K, A, D>): Core<A, D> {
    const { key, kept, number } = known
    const { room, root } = this
    this.asleep.delete(known)
    const { acquire } = this.options
    const core = buildFor(root, acquire && ((self: Self) => acquire(key, self)), room)
    const place = new Place<K, A, D>(room, key, number, core)
    known.place = place
    place.asked = mostYields
    this.ofCore.set(core, known)
    this.awake.add(known)
    core.place = core.registry.place = place as Place<unknown, A, D>
    core.registry.whole = room.classes
    Object.assign(core.size, known.size ?? this.perKey)
    core.onClosed.add(() => this.closed(known, core))
    if (root.feed !== undefined) Events.feedOne(core, root.feed)
    if (kept !== undefined) this.restore(core, kept)
    known.kept = undefined
    const { every } = core.options.detection
    if (every !== undefined && core.detector !== undefined) {
      core.background.add(known.sweep = fork(core, Sweeping.sweep(core, every)))
    }
    if (core.size.min > 0) note(core, Note.minimum)
    return core
  }

  private restore(core: Core<A, D>, { retry, totals }: Kept): void {
    addTotals(this.root.totals, totals, -1)
    Object.assign(core.totals, totals)
    if (retry === undefined) return
    const { due, ...rest } = retry
    Object.assign(core.retry, rest)
    if (rest.waits) core.deadlines.set(core.retry.next, due)
  }

  /** A pool has neither an object nor a waiter: when this step is over, it may have nothing to do. */
  private emptied(core: Core<A, D>): void {
    this.empties.push(core)
    if (this.empties.length === 1) soon(this.root, () => this.lookAtEmpties())
  }

  private lookAtEmpties(): void {
    const { empties } = this
    this.empties = []
    for (const core of empties) {
      const known = this.ofCore.get(core)
      if (known?.place?.core !== core || !hasNothing(core)) continue
      // who has waited in vain is about to be told
      if (isAmid(core) || known.place.asked-- > 0) this.emptied(core)
      else if (isDone(core, known.sweep)) this.fallAsleep(known, core)
    }
  }

  private fallAsleep(known: Known<K, A, D>, core: Core<A, D>): void {
    this.leave(known, core)
    known.kept = { totals: core.totals, retry: retryOf(core) }
    known.since = core.deadlines.now()
    this.asleep.add(known)
    this.setForgetting()
  }

  /** The pool of a key is there no more. */
  private leave(known: Known<K, A, D>, core: Core<A, D>): void {
    const place = known.place!
    known.place = known.operations = known.promised = undefined
    this.awake.delete(known)
    known.sweep?.interruptUnsafe()
    known.sweep = undefined
    core.deadlines.cancel(core.refill.deadline)
    place.gone = true
    place.stir()
    addTotals(this.root.totals, core.totals, 1)
    // whoever has it still finds it closed
    core.life = { _tag: "Closed" }
    shareOut(this.room)
  }

  private setForgetting(): void {
    const { first } = this.asleep
    if (first === undefined || this.forgetting.index !== -1) return
    this.root.deadlines.set(this.forgetting, first.since + this.options.idleKeys)
  }

  private forgetIdle(): void {
    const before = this.root.deadlines.now() - this.options.idleKeys
    for (let known = this.asleep.first; known !== undefined && known.since <= before; known = this.asleep.first) {
      this.asleep.delete(known)
      this.keys.delete(known.key)
    }
    this.setForgetting()
  }

  /** A pool has been closed: that of a key that is forgotten, or, as all are closed, one of them. */
  private closed(known: Known<K, A, D>, core: Core<A, D>): void {
    if (known.place?.core !== core) return
    this.leave(known, core)
    this.keys.delete(known.key)
    if (this.root.life._tag === "Closing" && this.awake.size === 0) Closing.ended(this.root)
  }

  /** Closes the pool of one key, and forgets it. Answers whether it was known. */
  forget(key: K): Effect.Effect<boolean> {
    return Effect.withFiber((fiber) => {
      this.check(key)
      const known = this.keys.get(key)
      if (known === undefined) return Effect.succeed(false)
      const core = known.place?.core
      if (core !== undefined) {
        Closing.begin(core, fiber)
        return Effect.as(Closing.hasClosed(core), true)
      }
      this.asleep.delete(known)
      this.keys.delete(key)
      return Effect.succeed(true)
    })
  }

  // all of it

  *parts(): Generator<Core<A, D>> {
    yield this.root
    for (const { core } of this.awake) yield core!
  }

  get known(): Iterable<Known<K, A, D>> {
    return this.keys.values()
  }

  get size(): number {
    return this.keys.size
  }

  get cores(): Array<Core<A, D>> {
    return Array.from(this.awake, ({ core }) => core!)
  }

  get names(): Array<K> {
    return Array.from(this.keys.values(), ({ key }) => key)
  }

  stats(): PoolStats {
    catchUp(this.root, false)
    return wholeStats(this.root)
  }

  statsOf(key: K): PoolStats | undefined {
    this.check(key)
    const known = this.keys.get(key)
    const core = known?.place?.core
    if (core !== undefined) {
      catchUp(core, false)
      return stats(core)
    }
    if (known === undefined) return undefined
    const { max, min } = known.size ?? this.perKey
    const { max: _none, ...nothing } = stats(this.root)
    return { ...nothing, min, ...max !== Infinity && { max }, totals: { ...known.kept?.totals ?? noTotals() } }
  }

  get objects(): Array<PooledObject<A, D>> {
    catchUp(this.root, false)
    return Array.from(entriesOf(this.root), ({ pooled }) => pooled)
  }

  get leases() {
    return this.cores.flatMap((core) => leases(core).map(handleOf))
  }

  get closedFailure(): Effect.Effect<never, PoolClosed> {
    return Effect.suspend(() => Effect.fail(new PoolClosed({ pool: this.root.options.name, stats: this.stats() })))
  }

  private open<B, E>(step: () => Effect.Effect<B, E>): Effect.Effect<B, E | PoolClosed> {
    return Effect.suspend((): Effect.Effect<B, E | PoolClosed> =>
      this.root.life._tag === "Open" ? step() : this.closedFailure
    )
  }

  /** Does something with each pool that is there. One that is closed meanwhile is passed over. */
  private eachCore(
    f: (core: Core<A, D>) => Effect.Effect<void, PoolClosed>,
    concurrency: number | "unbounded"
  ): Effect.Effect<void, PoolClosed> {
    return this.open(() => {
      const passedOver = () => this.root.life._tag === "Open" ? Effect.void : this.closedFailure
      const one = (core: Core<A, D>) => Effect.catchTag(f(core), "PoolClosed", passedOver)
      return Effect.forEach(this.cores, one, { concurrency, discard: true })
    })
  }

  readonly detect = this.eachCore(Sweeping.detectAll, "unbounded")
  readonly rotate = this.eachCore(Upkeep.rotate, "unbounded")

  readonly suspend = this.open(() => {
    this.root.suspended = true
    if (this.root.feed !== undefined) Events.tell(this.root, { _tag: "Suspended" })
    for (const core of this.cores) {
      core.suspended = true
      askSelector(core)
    }
    return Effect.void
  })

  readonly resume = this.open(() => {
    this.root.suspended = false
    if (this.root.feed !== undefined) Events.tell(this.root, { _tag: "Resumed" })
    for (const core of this.cores) {
      core.suspended = false
      attendAll(core)
      changed(core)
    }
    return Effect.void
  })

  readonly drain = Effect.withFiber((fiber) =>
    // one after another, in the fiber that asks: what it holds itself is not waited for
    Effect.andThen(this.suspend, this.eachCore((core) => Upkeep.drained(core, fiber), 1))
  )

  /** Another size: of the whole, and of each key that has none of its own. */
  resize(size: unknown): Effect.Effect<void, InvalidPoolOptions | PoolClosed> {
    return this.open((): Effect.Effect<void, InvalidPoolOptions> => {
      let checked: Bound = { max: this.room.max, perKey: this.perKey }
      const refused = this.refusal(() => {
        const check = checks(this.root.options.name)
        checked = toBounds(check, size, checked, this.options.acquire !== undefined)
        checkReserved(check, this.root.options, checked.max)
      })
      if (refused !== undefined) return refused
      this.room.max = this.root.size.max = checked.max
      this.perKey = checked.perKey
      const { root } = this
      if (root.feed !== undefined) {
        const { max, perKey: { min } } = checked
        Events.tell(root, { _tag: "Resized", min, ...max !== Infinity && { max } })
      }
      for (const { place, size } of this.awake) {
        if (size === undefined) Object.assign(place!.core.size, checked.perKey)
        place!.stir()
      }
      this.fit()
      return Effect.void
    })
  }

  /** The failure that says why a size makes no sense; none where it does. */
  private refusal(look: () => unknown): Effect.Effect<never, InvalidPoolOptions> | undefined {
    try {
      look()
      return undefined
    } catch (error) {
      if (error instanceof InvalidPoolOptions) return Effect.fail(error)
      throw error
    }
  }

  /** Has all objects fit into the room, and serves whoever waits for some. */
  private fit(): void {
    shareOut(this.room)
    for (const core of this.cores) {
      shrink(core)
      // the reserves may leave nothing any more for some who wait
      if (core.classes !== undefined) core.waiters.each((waiter) => lookAt(core, waiter))
      else for (const waiter of core.waiters.several) lookAt(core, waiter)
      roomFreed(core)
    }
  }

  /** Another size of one key, which it keeps until it is forgotten. */
  resizeKey(key: K, size: Parameters<typeof Upkeep.resize>[1]): Effect.Effect<void, InvalidPoolOptions | PoolClosed> {
    return this.open((): Effect.Effect<void, InvalidPoolOptions | PoolClosed> => {
      const refused = this.refusal(() => checks(this.root.options.name).known("size", size, ["min", "max"]))
      if (refused !== undefined) return refused
      const core = this.of(key)!
      return Effect.map(Upkeep.resize(core, size), () => {
        const known = this.ofCore.get(core)
        if (known !== undefined) known.size = { ...core.size }
        core.place!.left()
      })
    })
  }

  readonly close: Effect.Effect<void> = Effect.withFiber((fiber) => {
    const { root } = this
    if (root.life._tag === "Open") {
      // it ends with the last of its pools: as long as there is one, it has something to do
      root.life = { _tag: "Closing", serving: false, givingUp: false, jobs: [[][Symbol.iterator]()] }
      if (root.feed !== undefined) Events.tell(root, { _tag: "Closing" })
      root.deadlines.cancel(this.forgetting)
      for (const { key } of this.asleep) this.keys.delete(key)
      this.asleep.clear()
    }
    each(root, this.cores.map((core) => () => Closing.begin(core, fiber)))
    if (root.life._tag === "Closing" && this.awake.size === 0) Closing.ended(root)
    return Closing.hasClosed(root)
  })
}

/** Has a pool neither an object nor a waiter, and is it to have none? */
const hasNothing = <A, D>(core: Core<A, D>): boolean =>
  core.life._tag === "Open" && population(core) === 0 && core.waiters.size === 0 &&
  (core.size.min === 0 || core.place!.isShutOut) && core.place!.awaiting === 0

/** Is there something that the pool does in a task that is scheduled, or in the present one? */
const isAmid = <A, D>({ awake, notes, turning }: Core<A, D>): boolean => awake.length > 0 || notes !== 0 || turning

/** Is nothing under way in a pool but what detects all objects once in a while? Whatever ends says so: see `Place.left`. */
const isDone = <A, D>(core: Core<A, D>, sweep: Fiber.Fiber<unknown> | undefined): boolean => {
  const { background, choosers, watchers } = core
  const others = background.size - (sweep !== undefined && background.has(sweep) ? 1 : 0)
  return watchers.size === 0 && choosers.size === 0 && others === 0
}

/** How attempts to make an object wait for each other, where some have failed. */
const retryOf = <A, D>({ deadlines, retry }: Core<A, D>): Kept["retry"] => {
  const { failing, failure, next, pace, turns, waits } = retry
  deadlines.cancel(next)
  return failing || waits || pace !== undefined ? { failing, failure, pace, turns, waits, due: next.due } : undefined
}

/** The bounds of the whole, and of each key. Throws `InvalidPoolOptions`. */
export const toBounds = (
  check: ReturnType<typeof checks>,
  given: unknown,
  usual: { readonly max: number; readonly perKey: Bounds | undefined },
  makes: boolean
): Bound => {
  const size = check.known("size", given, ["max", "perKey"])
  const perKey = check.known("size.perKey", size["perKey"], ["min", "max"])
  const max = check.most("size.max", size["max"], 1, usual.max)
  const most = check.most("size.perKey.max", perKey["max"], 1, usual.perKey?.max ?? Infinity)
  const min = check.whole("size.perKey.min", perKey["min"], 0, Math.min(usual.perKey?.min ?? 0, most, max))
  if (min > 0 && !makes) check.refuse("size.perKey.min", min, "0 without acquire: nothing could be made")
  if (min > most) check.refuse("size.perKey.min", min, `at most size.perKey.max, ${most}`)
  if (min > max) check.refuse("size.perKey.min", min, `at most size.max, ${max}: no key could ever have so many`)
  return { max, perKey: { min, max: most } }
}
