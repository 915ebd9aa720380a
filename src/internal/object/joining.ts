/**
 * How an object joins the pool: it has its room, is detected where `detection.onAdd` says so, and is offered.
 */
import { type Core, stays } from "../state/core.ts"
import { Entry, type Origin } from "../state/entry.ts"
import { offer } from "../state/notes.ts"
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
  /** The id of an object that the user's function was asked about before it joined. */
  readonly id: number | undefined
  readonly allowances: Allowances | undefined
}

/** What an object is to join with. Throws where a function of the user's does, or answers nonsense. */
export const prepare = <A, D>(core: Core<A, D>, object: A, data: D): Prepared<D> => {
  const { allowance } = core.options
  if (allowance === undefined) return { data, id: undefined, allowances: undefined }
  const id = core.registry.nextId()
  const entry = new Entry(object, data, id, {}, core.clock.currentTimeMillisUnsafe())
  return { data, id, allowances: new Allowances(core, allowance.of(entry)) }
}

/** Takes an object in, as `Pending`: it has its room, and nobody has it yet. {@link introduce} follows. */
export const join = <A, D>(core: Core<A, D>, object: A, prepared: Prepared<D>, origin: Origin): Entry<A, D> => {
  const { allowances, data, id } = prepared
  const entry = core.registry.join(object, data, origin, core.clock.currentTimeMillisUnsafe(), id)
  if (origin.scope !== undefined) drawLimits(core, entry)
  entry.allowances = allowances
  return entry
}

/** Has an object that has joined detected, or offered at once. */
export const introduce = <A, D>(core: Core<A, D>, entry: Entry<A, D>, joining: Joining<A, D>): void => {
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
