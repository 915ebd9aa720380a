/**
 * Telling those who listen what has happened.
 *
 * Where nobody listens, `core.feed` is absent, and each place that has something to tell costs one comparison. Each tells
 * when its bookkeeping is done, within the step; who listens is resumed in a task of its own.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Status } from "../../Status.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Allowances } from "../object/allowances.ts"
import type { Rest } from "../object/rest.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { moment } from "../state/pooled.ts"
import { parts } from "../state/whole.ts"
import { span } from "../structures/times.ts"

type Told = PoolEvent extends infer E ? E extends unknown ? Omit<E, "pool" | "at"> : never : never

/** Tells what has happened. Only where there is a feed. */
export const tell = <A, D>(core: Core<A, D>, event: Told): void => {
  try {
    const now = at(core.clock.currentTimeMillisUnsafe())
    const told = (core.place === undefined
      ? { ...event, pool: core.options.name, at: now }
      : { ...event, pool: core.options.name, at: now, key: core.place.key }) as PoolEvent
    for (const listener of core.feed!.listeners) listener.hear(told)
  } catch (defect) {
    // the step that the event tells of goes on, whatever a listener does
    core.threw(defect)
  }
}

const at = DateTime.makeUnsafe<number>

/** How many events may wait for one who is slow. */
const capacity = 4096

/** Somebody who listens to a pool. */
export class Listener {
  private readonly core: Core<never, never>
  /** Does the pool stay for this listener, though it be dropped? */
  readonly holds: boolean
  private heard: Array<PoolEvent> = []
  private missed = 0
  private resume: ((effect: Effect.Effect<[PoolEvent, ...Array<PoolEvent>], Cause.Done>) => void) | undefined
  private over = false

  constructor(core: Core<never, never>, holds: boolean) {
    this.core = core
    this.holds = holds
  }

  hear(event: PoolEvent): void {
    this.heard.push(event)
    // of many pools one may close
    if (event._tag === "Closed" && !("key" in event)) this.over = true
    // the older half is dropped at once: so no event is moved more often than once
    if (this.heard.length >= 2 * capacity) {
      this.heard = this.heard.slice(capacity)
      this.missed += capacity
    }
    if (this.resume === undefined) return
    const { resume } = this
    this.resume = undefined
    // a listener is resumed in a task of its own: what it does is not within the step that the event tells of
    this.core.dispatcher.scheduleTask(() => {
      try {
        resume(Effect.suspend(() => this.take()))
      } catch (defect) {
        this.core.threw(defect)
      }
    }, 0)
  }

  readonly pull: Effect.Effect<[PoolEvent, ...Array<PoolEvent>], Cause.Done> = Effect.callback((resume) => {
    if (this.heard.length > 0 || this.over) return resume(this.take())
    this.resume = resume
    return Effect.sync(() => {
      this.resume = undefined
    })
  })

  private take(): Effect.Effect<[PoolEvent, ...Array<PoolEvent>], Cause.Done> {
    const heard = this.takeUnsafe()
    if (heard.length > 0) return Effect.succeed(heard as [PoolEvent, ...Array<PoolEvent>])
    // what this was resumed for may have been taken meanwhile
    return this.over ? Cause.done() : this.pull
  }

  /** What has been heard, and is not taken yet: for one who takes from several listeners in the order of the events. */
  takeUnsafe(): Array<PoolEvent> {
    const { heard, missed } = this
    if (heard.length === 0) return heard
    this.heard = []
    this.missed = 0
    if (missed > 0) {
      const { at, pool } = heard[0]!
      heard.unshift({ _tag: "Missed", pool, at, events: missed })
    }
    return heard
  }
}

/** The listeners of a pool: at least one. */
export interface Feed {
  readonly listeners: Set<Listener>
}

/** Somebody begins to listen; nobody does to a pool that has closed. */
export const listen = <A, D>(core: Core<A, D>, holds: boolean): Listener | undefined => {
  if (core.life._tag === "Closed") return undefined
  const listener = new Listener(core as unknown as Core<never, never>, holds)
  core.feed ??= { listeners: new Set() }
  feed(core, core.feed)
  core.feed.listeners.add(listener)
  if (holds) core.hold.begin()
  return listener
}

/** The pool tells those who listen to a feed; or nobody. Of many keys all do. */
const feed = <A, D>(core: Core<A, D>, to: Feed | undefined): void => {
  for (const part of parts(core)) feedOne(part, to)
}

/** The same, of one pool. */
export const feedOne = <A, D>(core: Core<A, D>, to: Feed | undefined): void => {
  core.feed = to
  core.registry.moved = to && ((entry, from) => moved(core, entry, from))
}

export const unlisten = <A, D>(core: Core<A, D>, listener: Listener): void => {
  if (!core.feed?.listeners.delete(listener)) return
  if (listener.holds) core.hold.end()
  if (core.feed.listeners.size === 0) feed(core, undefined)
}

/** The events of a pool from now on, until it is closed. */
export const events = <A, D>(core: Core<A, D>): Stream.Stream<PoolEvent> =>
  Stream.unwrap(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => listen(core, true)),
      (listener) => Effect.sync(() => listener && unlisten(core, listener))
    ),
    (listener) => listener === undefined ? Stream.empty : Stream.fromPull(Effect.succeed(listener.pull))
  ))

/** The class in which an object was borrowed, where the borrower has named one. */
export const ofClass = <A, D>({ ofClass }: ActiveLease<A, D>) =>
  ofClass?.account.name === undefined ? {} : { class: ofClass.account.name }

/** A lease has ended. Only where there is a feed. */
export const released = <A, D>(core: Core<A, D>, lease: ActiveLease<A, D>, now: number): void =>
  tell(core, {
    _tag: "Released",
    objectId: lease.entry.id,
    leaseId: lease.id,
    held: span(now - lease.borrowedAtMillis),
    ...ofClass(lease)
  })

/** An object rests, or one of its facets does. Only where there is a feed. */
export const rested = <A, D>(
  core: Core<A, D>,
  rest: Rest<A, D>,
  allowances: Allowances | undefined,
  facet?: string
): void => {
  const until = moment(rest.wakesAtMillis)
  const { reason } = rest
  const allowance = reason === "Spent" ? allowances?.spent : undefined
  tell(core, {
    _tag: "Rested",
    objectId: rest.entry.id,
    reason,
    ...allowance !== undefined && { allowance },
    ...facet !== undefined && { facet },
    ...until && { until }
  })
}

const moved = <A, D>(core: Core<A, D>, entry: Entry<A, D>, from: Status): void =>
  tell(core, {
    _tag: "StatusChanged",
    objectId: entry.id,
    transition: `${from} -> ${entry.status}` as Status.Transition
  })
