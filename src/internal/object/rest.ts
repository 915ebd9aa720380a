/**
 * How long an object rests.
 *
 * A duration runs on the monotonic clock. A moment is one of the wall clock, wherever that is set meanwhile, and whatever
 * the machine has slept. Of several rests the latest wins: an object rests until the last on either clock is over. A plain
 * "Dormant" has a time of the pool's own: the detector may be asked about the object before.
 *
 * Invariant: while an object is `Dormant`, or benched, `waking` waits on the monotonic clock or `alarm` on the wall clock.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Status } from "../../Status.ts"
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { checks } from "../state/validation.ts"
import { type Deadline, make } from "../structures/deadlines.ts"
import { aDuration, aMoment, toMillis, toMoment } from "../structures/times.ts"

/** When a rest ends, in milliseconds of one clock. */
export interface End {
  readonly clock: "monotonic" | "wall"
  readonly at: number
}

/** Why an object rests. */
export type RestReason = Extract<PoolEvent, { readonly _tag: "Rested" }>["reason"]

/** Who has asked for a rest. */
export type RestOrigin = Exclude<RestReason, "Spent">

/** By how much two readings of the two clocks may differ, in milliseconds: the time of waking is not told anew for less. */
const accuracy = 1000

/** The rests of one object that are not over. */
export class Rest<A, D> {
  private readonly core: Core<A, D>
  readonly entry: Entry<A, D>
  /** Monotonic: when the last rest that was given as a duration ends. */
  until = -Infinity
  /** On the wall clock: when the last rest that was given as a moment ends. */
  moment = -Infinity
  /** Monotonic: when the detector is asked again about an object that is plainly "Dormant". */
  doze = -Infinity
  /** When all allowances of the object have something left again, on either clock. */
  spentUntil = -Infinity
  spentMoment = -Infinity
  /** Is it for its allowances alone that the object rests? Then it is lent again without a detection. */
  isSpent = true
  /** The object is detected before it is lent again, whatever it rests for now: nobody knows whether it may be. */
  isUnsure = false
  /** Who has asked for the rest, and for its last prolongation. */
  origin: RestOrigin = "Asked"
  /** Monotonic: since when the object is plainly "Dormant". */
  dozesSince = -Infinity
  private readonly waking: Deadline
  private readonly alarm: Deadline
  private told = NaN

  constructor(core: Core<A, D>, entry: Entry<A, D>, over: () => void) {
    this.core = core
    this.entry = entry
    this.waking = make(over, true)
    this.alarm = make(over, true)
  }

  extend({ at, clock }: End, origin: RestOrigin): void {
    if (at > (clock === "wall" ? this.moment : this.until)) this.origin = origin
    if (clock === "wall") this.moment = Math.max(this.moment, at)
    else this.until = Math.max(this.until, at)
    this.entry.memory?.touch()
  }

  /** Why the object rests as long as it does: for that of its reasons which lasts longest. */
  get reason(): RestReason {
    const now = this.core.deadlines.now()
    const wall = this.core.moments.now()
    const spent = Math.max(this.spentUntil - now, this.spentMoment - wall)
    return spent > Math.max(this.until - now, this.doze - now, this.moment - wall) ? "Spent" : this.origin
  }

  /** Does the rest last until a known time that has not come? */
  get known(): boolean {
    const until = Math.max(this.until, this.spentUntil)
    const moment = Math.max(this.moment, this.spentMoment)
    return (until > -Infinity && until > this.core.deadlines.now()) ||
      (moment > -Infinity && moment > this.core.moments.now())
  }

  /**
   * How many milliseconds the rest lasts; 0 where it is over, or where the detector is asked before it is known. `now` and
   * `wall` are what the clocks say.
   */
  left(now: number, wall: number): number {
    const left = Math.max(Math.max(this.until, this.spentUntil) - now, Math.max(this.moment, this.spentMoment) - wall)
    return left > 0 && this.doze <= now ? left : 0
  }

  /** Does the rest last, until a known time or as a plain "Dormant"? */
  get lasts(): boolean {
    return this.known || (this.doze > -Infinity && this.doze > this.core.deadlines.now())
  }

  /** Waits for the end of the rest. A rest that is over already is told in a later step. */
  wait(): void {
    const { deadlines, moments } = this.core
    this.stop()
    this.told = NaN
    const now = deadlines.now()
    if (this.until > now || this.doze > now || this.moment > moments.now()) this.isSpent = false
    const moment = Math.max(this.moment, this.spentMoment)
    if (moment > moments.now()) moments.set(this.alarm, moment)
    const due = Math.max(this.until, this.spentUntil, this.doze)
    if (this.alarm.index === -1 || due > now) deadlines.set(this.waking, due)
    if (this.doze > -Infinity) this.core.dozing.add(this)
  }

  /** Waits for the end no more. */
  stop(): void {
    this.core.deadlines.cancel(this.waking)
    this.core.moments.cancel(this.alarm)
    this.core.dozing.delete(this)
  }

  /** Ends the rest, whatever the time; but for what the allowances of the object say. */
  forget(): void {
    this.stop()
    this.until = this.moment = this.doze = -Infinity
    this.isUnsure = this.known && !this.wakesUnasked
    this.isSpent = true
    this.entry.memory?.touch()
  }

  /** Is the object lent again, without a detection, when the rest is over? */
  get wakesUnasked(): boolean {
    return this.isSpent && !this.isUnsure
  }

  /** When the rest ends, as the wall clock stands now. */
  get wakesAtMillis(): number {
    const { deadlines, moments } = this.core
    const due = Math.max(this.until, this.spentUntil, this.doze)
    const at = Math.max(Math.round(moments.now() + (due - deadlines.now())), this.moment, this.spentMoment)
    // the difference is no more than that of two readings of two clocks
    if (Math.abs(at - this.told) < accuracy) return this.told
    return this.told = at
  }
}

/** Does an object rest until a known time? No clock is read for one that never was asked to rest. */
export const resting = <A, D>({ rest }: Entry<A, D>): boolean => rest !== undefined && rest.known

/** Does an object rest, until a known time, or until the detector is asked about it again? */
export const asleep = <A, D>({ rest }: Entry<A, D>): boolean => rest !== undefined && rest.lasts

/** The end of a rest that a detector has answered. */
export const endOf = <A, D>(core: Core<A, D>, rest: Status.Rest): End =>
  Duration.isDuration(rest.until)
    ? { clock: "monotonic", at: core.deadlines.now() + Duration.toMillis(rest.until) }
    : { clock: "wall", at: DateTime.toEpochMillis(rest.until) }

/** Is the end of a rest over already? */
export const isOver = <A, D>(core: Core<A, D>, { at, clock }: End): boolean =>
  at <= (clock === "wall" ? core.moments.now() : core.deadlines.now())

/** The end of a rest that begins now. Throws where `duration` is none. */
export const after = <A, D>(core: Core<A, D>, duration: unknown): End => {
  const millis = toMillis(duration) ?? checks(core.options.name).refuse("rest", duration, aDuration, "text")
  return { clock: "monotonic", at: core.deadlines.now() + millis }
}

/** The end of a rest until a moment. Throws where `moment` is none. */
export const at = <A, D>(core: Core<A, D>, moment: unknown): End => ({
  clock: "wall",
  at: toMoment(moment) ?? checks(core.options.name).refuse("restUntil", moment, aMoment, "text")
})
