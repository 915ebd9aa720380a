/**
 * How an object joins the pool: it has its room, is told what is known of it, where the pool remembers that, is detected
 * where `detection.onAdd` says so, and is offered.
 */
import * as Cause from "effect/Cause"
import { DuplicateObject } from "../../PoolError.ts"
import { type Core, stats, stays } from "../state/core.ts"
import { Entry, type Origin } from "../state/entry.ts"
import { offer } from "../state/notes.ts"
import { sayKey } from "../state/pooled.ts"
import { checks } from "../state/validation.ts"
import { report } from "../watching/log.ts"
import { Allowances } from "./allowances.ts"
import { reserve } from "./condition.ts"
import type { Outcome } from "./detector.ts"
import { evict } from "./leaving.ts"
import { drawLimits } from "./replacing.ts"
import { resting } from "./rest.ts"
import { rests, sleep } from "./resting.ts"

/** What follows the first detection of an object, or its joining if there is none: perhaps before `introduce` returns. */
export interface Joining<A, D> {
  /** A borrower waits for the object. */
  readonly urgent: boolean
  /** Called when the object is about to be offered, or to leave. */
  readonly settling?: () => void
  readonly ended: (entry: Entry<A, D>, outcome: Outcome | undefined) => void
}

/** What an object joins with. */
export interface Prepared<D> {
  readonly data: D
  /** What the object is remembered under; absent where the pool remembers nothing. */
  readonly key: string | undefined
  /** The id of an object that the user's function was asked about before it joined. */
  readonly id: number | undefined
  readonly allowances: Allowances | undefined
  /** How many leases the object may carry. */
  readonly capacity: number
}

/** What an object is to join with. Throws where a function of the user's does, or answers nonsense. */
export const prepare = <A, D>(core: Core<A, D>, object: A, data: D): Prepared<D> => {
  const { allowance, capacity, remember, sharing } = core.options
  const key = remember === undefined ? undefined : toKey(core, remember(object))
  if (allowance === undefined && capacity === undefined) {
    return { data, key, id: undefined, allowances: undefined, capacity: sharing }
  }
  const id = core.registry.nextId()
  const entry = new Entry(object, data, id, {}, core.clock.currentTimeMillisUnsafe())
  if (core.place !== undefined) sayKey(core, entry.pooled)
  const allowances = allowance && new Allowances(core, allowance.of(entry))
  return { data, key, id, allowances, capacity: capacity?.(entry) ?? sharing }
}

/** The same for an object that was made. Throws `DuplicateObject` where another is remembered under its key. */
export const prepareMade = <A, D>(core: Core<A, D>, object: A): Prepared<D> => {
  const prepared = prepare(core, object, core.options.data(object, core.place?.key))
  const twin = twinOf(core, prepared)
  if (twin !== undefined) throw twice(core, twin.id)
  return prepared
}

/** The key is not shown: it may be a secret that was misplaced. */
const toKey = <A, D>({ options }: Core<A, D>, key: unknown): string =>
  typeof key === "string" ? key : checks(options.name).refuse("remember.key", key, "a function that answers a text")

/** The object that is remembered under the key of one that is to join. */
export const twinOf = <A, D>({ memory }: Core<A, D>, { key }: Prepared<D>): Entry<A, D> | undefined =>
  key === undefined ? undefined : memory!.holder(key)

export const twice = <A, D>(core: Core<A, D>, objectId: number): DuplicateObject =>
  new DuplicateObject({ pool: core.options.name, stats: stats(core), objectId })

/** Takes an object in, as `Pending`: it has its room, and nobody has it yet. {@link introduce} follows. */
export const join = <A, D>(core: Core<A, D>, object: A, prepared: Prepared<D>, origin: Origin): Entry<A, D> => {
  const { allowances, capacity, data, id, key } = prepared
  const twin = twinOf(core, prepared)
  const entry = core.registry.join(object, data, origin, core.clock.currentTimeMillisUnsafe(), id)
  if (core.place !== undefined) sayKey(core, entry.pooled)
  if (origin.scope !== undefined) drawLimits(core, entry)
  entry.capacity = capacity
  entry.allowances = allowances
  if (key === undefined) return entry
  if (twin === undefined) core.memory!.open(key, entry)
  else {
    // two creations that have ended at once
    entry.why = "Invalidated"
    core.registry.condemn(entry)
    report(core, "An object was made that another is remembered as, and leaves", {
      cause: Cause.fail(twice(core, twin.id)),
      entry
    })
  }
  return entry
}

/** Has an object that has joined told what is known of it, and detected, or offered at once. */
export const introduce = <A, D>(core: Core<A, D>, entry: Entry<A, D>, joining: Joining<A, D>): void => {
  const { memory } = entry
  if (memory?.unread === true && entry.status === "Pending" && !entry.condemned && stays(core)) {
    return core.memory!.tell(entry, memory, () => present(core, entry, joining))
  }
  present(core, entry, joining)
}

const present = <A, D>(core: Core<A, D>, entry: Entry<A, D>, joining: Joining<A, D>): void => {
  const { ended, settling, urgent } = joining
  const asks = core.options.detection.onAdd || entry.fate === "detect"
  entry.fate = "return"
  // a function of the user's has had the object taken out, or the object has told the pool of itself before it was there
  if (entry.status !== "Pending" || entry.condemned || resting(entry)) {
    settling?.()
    return ended(entry, asTold(core, entry))
  }
  if (core.detector !== undefined && asks && stays(core)) {
    const detection = reserve(core, entry, "Available", (outcome) => ended(entry, outcome), settling)
    return core.detector.start(detection, urgent)
  }
  settling?.()
  if (!stays(core)) evict(core, entry, "Closed")
  else if (!rests(core, entry)) {
    core.registry.move(entry, "Available")
    offer(core, entry, false)
  }
  ended(entry, undefined)
}

/** An object that leaves, or rests, by what it has told of itself: as if the detector had answered that. */
const asTold = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Outcome | undefined => {
  // it has been taken out
  if (entry.status !== "Pending") return undefined
  if (entry.condemned) evict(core, entry, "Invalidated")
  else if (!stays(core)) evict(core, entry, "Closed")
  else {
    sleep(core, entry)
    return { _tag: "Answered", answer: "Dormant" }
  }
  return undefined
}
