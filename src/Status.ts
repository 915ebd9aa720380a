/**
 * What the pool knows about an object: the six statuses, the legal moves between them, and what a detector may answer.
 *
 * The table of legal moves is data; the type {@link Status.Transition} is computed from it. Only the pool's registry
 * moves a status, and only along this table.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { aDuration, aMoment, toMillis, toMoment } from "./internal/structures/times.ts"

/**
 * The status of a pooled object.
 *
 * **Details**
 *
 * - `Pending`: the pool is busy with it: it is joining, being detected, or in a hook. Not lent meanwhile.
 * - `Available`: it can be lent.
 * - `Borrowed`: it is lent.
 * - `Dormant`: it is fine but rests, until a time or until it is woken.
 * - `Unknown`: its detector failed, or did not answer in time. Not lent until a detection says more.
 * - `Invalid`: it is leaving; it counts here until it has been destroyed.
 *
 * @category models
 * @since 0.1.0
 */
export type Status = "Pending" | "Available" | "Borrowed" | "Dormant" | "Unknown" | "Invalid"

const transitions = {
  Pending: ["Available", "Dormant", "Unknown", "Invalid"],
  Available: ["Borrowed", "Pending", "Dormant", "Invalid"],
  Borrowed: ["Available", "Pending", "Dormant", "Invalid"],
  Dormant: ["Pending", "Available", "Dormant", "Invalid"],
  Unknown: ["Pending", "Dormant", "Invalid"],
  Invalid: []
} as const satisfies Record<Status, ReadonlyArray<Status>>

for (const targets of Object.values(transitions)) Object.freeze(targets)

/**
 * @category models
 * @since 0.1.0
 */
export declare namespace Status {
  /**
   * Rest until a time: an answer of a detector. Made by `Status.dormant` and `Status.dormantUntil`.
   *
   * @category models
   * @since 0.1.0
   */
  export interface Rest {
    readonly _tag: "Rest"
    /** A duration counts from the answer, in time that goes by; a moment is one of the wall clock. */
    readonly until: Duration.Duration | DateTime.Utc
    /** For whose borrowers alone it rests: for others it is `"Available"`. */
    readonly facet?: string | undefined
  }

  /**
   * A moment of the wall clock: a `DateTime`, a `Date`, or milliseconds since 1970.
   *
   * @category models
   * @since 0.1.0
   */
  export type Moment = DateTime.DateTime | Date | number

  /**
   * What a detector may answer. A plain `"Dormant"` is detected again after `detection.dormantFor`, or at any earlier
   * detection; a {@link Rest} is left alone until its time. A rest whose time has passed already means `"Available"`.
   *
   * @category models
   * @since 0.1.0
   */
  export type Answer = "Available" | "Dormant" | "Invalid" | "Unknown" | Rest

  /**
   * The legal moves, as data.
   *
   * @category models
   * @since 0.1.0
   */
  export type Transitions = typeof transitions

  /**
   * Every legal move, for example `"Pending -> Available"`. An illegal one does not compile.
   *
   * @category models
   * @since 0.1.0
   */
  export type Transition = { [From in Status]: `${From} -> ${Transitions[From][number]}` }[Status]
}

/**
 * Constructors of answers, and the table of legal moves.
 *
 * **Example** (Letting an object rest)
 *
 * ```ts
 * import { Status } from "effect-object-pool"
 *
 * Status.dormant("30 seconds")._tag // => "Rest"
 * Status.transitions.Invalid // => []
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Status: {
  /**
   * `Dormant` for a while, counted from the answer in time that goes by, however the wall clock is set; `"Infinity"` rests
   * until `wake`. With a `facet`, for borrowers of that alone. Throws a `TypeError` on what is no duration, or a negative one.
   */
  readonly dormant: (duration: Duration.Input, facet?: string) => Status.Rest
  /**
   * `Dormant` until the wall clock says so: also after it was set, or after a night in which the machine slept. Throws a
   * `TypeError` on what is no moment.
   */
  readonly dormantUntil: (moment: Status.Moment, facet?: string) => Status.Rest
  /** The table of legal moves. */
  readonly transitions: Status.Transitions
} = {
  dormant: (duration, facet) => {
    const millis = toMillis(duration) ?? refuse("dormant", duration, aDuration)
    return { _tag: "Rest", until: Duration.millis(millis), ...facet === undefined ? {} : { facet } }
  },
  dormantUntil: (moment, facet) => {
    const millis = toMoment(moment) ?? refuse("dormantUntil", moment, aMoment)
    return { _tag: "Rest", until: DateTime.makeUnsafe(millis), ...facet === undefined ? {} : { facet } }
  },
  transitions: Object.freeze(transitions)
}

/** Never says more than a number of what it was given: nobody knows what it is. */
const refuse = (name: string, value: unknown, wanted: string): never => {
  const given = typeof value === "number" ? String(value) : `a value of type ${typeof value}`
  throw new TypeError(`Status.${name} was given ${given}; allowed: ${wanted}`)
}
