/**
 * What an object may be lent for: so many leases, or so much of what they cost, in a time.
 *
 * @since 0.1.0
 */
import type * as Cron from "effect/Cron"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type { Status } from "./Status.ts"

/**
 * A limit of an object: a key's requests a minute, its tokens a minute, its quota of the day.
 *
 * **Details**
 *
 * A lease takes one unit, or what its borrow costs, in the step that grants it. An object whose every allowance has something
 * left may be lent, whatever the cost: it may go into debt, since true costs are known afterwards. One that has nothing left
 * is `Dormant` until it has, or, where it is shared and lent, takes no new leases; then it is lent again without a
 * detection. What was taken and not used stays taken.
 *
 * With `per`, a window of time, in milliseconds of the monotonic clock:
 *
 * - `"sliding"`, the default: in no stretch of time as long as the window more than `limit` is taken, debts aside. Of more
 *   than 10 000 leases in a window, those of a thousandth of it count as one that lasts as long as the last.
 * - `"bucket"`: `limit` deep, refilled evenly; it lends while there is a whole unit in it.
 * - `"fixed"`: windows that begin with the first lease after the last one's end.
 *
 * With `resets`, all of the limit is there again at each moment of the schedule, by the wall clock, in the schedule's zone.
 *
 * @category models
 * @since 0.1.0
 */
export type Allowance =
  & {
    /** A whole number, at least 1. */
    readonly limit: number
    /** For `charge` and `report`, and for who looks on. Default: what it counts, and in which time: `"leases per 1m"`. */
    readonly name?: string | undefined
    /** One count for each facet, of the leases that were borrowed with one. Default `false`: one for the object. */
    readonly facet?: boolean | undefined
    /** What is counted: leases (the default), or what they cost. */
    readonly unit?: "leases" | "cost" | undefined
  }
  & (
    | {
      readonly per: Duration.Input
      readonly window?: "sliding" | "bucket" | "fixed" | undefined
      readonly resets?: undefined
    }
    | { readonly resets: Cron.Cron; readonly per?: undefined; readonly window?: undefined }
  )

/**
 * What is left of an allowance of one object, at the moment at which it is read.
 *
 * @category models
 * @since 0.1.0
 */
export interface AllowanceState {
  readonly name: string
  readonly unit: "leases" | "cost"
  readonly limit: number
  /** Less than zero is a debt. */
  readonly left: number
  /** When all of it is there again, if nothing more is taken; absent where it is. */
  readonly fullAt: DateTime.Utc | undefined
}

/**
 * What a server has said of an allowance, as in its headers.
 *
 * @category models
 * @since 0.1.0
 */
export interface AllowanceReport {
  /** Which allowance. May be left out where the object has one. */
  readonly name?: string | undefined
  /** How much is left. What was lent since the server answered is the caller's to subtract. */
  readonly remaining?: number | undefined
  /** When all of it is there again. */
  readonly resetsAt?: Status.Moment | undefined
}
