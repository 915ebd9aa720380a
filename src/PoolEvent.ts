/**
 * What happens in a pool, as data: serialisable, in the order in which it happened.
 *
 * **Details**
 *
 * The events of one object replay its life: it begins with `Added` or `Acquired`, as `Pending`; each move is a
 * `StatusChanged`; it ends with `Destroyed`, `DestroyFailed` or `Left`. Those of a lease are `Borrowed` and `Released`, with
 * `LeaseExpired` in between where its time was over.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { PoolExhausted } from "./PoolError.ts"
import { Status } from "./Status.ts"

const transitions = Object.entries(Status.transitions).flatMap(([from, targets]) =>
  targets.map((to) => `${from} -> ${to}` as Status.Transition)
)

/** What every event has: the pool's name, and the time. */
const ofPool = { pool: Schema.String, at: Schema.DateTimeUtcFromMillis }
const ofObject = { ...ofPool, objectId: Schema.Int }
const ofLease = { ...ofObject, leaseId: Schema.Int }
/** The class of the borrower, where the pool has classes and he has named one. */
const ofClass = { class: Schema.optionalKey(Schema.String) }
const failure = Schema.Defect()

/**
 * Something that has happened.
 *
 * **Details**
 *
 * - `Added`: an object was put in by a user. `Acquired`: one was made, in the time that it `took`. `AcquireFailed`: one
 *   could not be made, or not in time.
 * - `StatusChanged`: an object has moved along the table of `Status.transitions`.
 * - `Borrowed`: a lease was granted. `waited` is how long its borrower was suspended, `phase` what it last waited for.
 *   `Released`: a lease has ended, however it did; `held` is how long the object was held. `class`: that of the borrower, where
 *   the pool has classes and he has named one; so it is where a borrow has failed.
 * - `LeaseExpired`: the time of a lease is over. `LeaseRevoked`: it was taken back before that, by `revoke`, or since another
 *   lease of its object has detached that. `Released` follows, when the object is taken back.
 * - `LeaseOverdue`: a lease has been held for longer than `leaseWarning`: by which span, or fiber, or by `"a promise"`, and
 *   where it was borrowed, if that is known. Once for each lease.
 * - `Rested`, `Woke`: an object rests until a time (absent: for ever), perhaps for borrowers of a `facet` only; its rest is
 *   over. `reason` is what lasts longest: `Asked`, by a borrower, a user or the object itself; `Detected`, `Judged`: so the
 *   detector or the judge has answered; `Spent`: the `allowance` of that name has nothing left.
 * - `Detected`, `DetectionFailed`: a detector has answered, or has not.
 * - `Evicted`: an object is leaving, and why. `Late`: it was made after its `creation.timeout`, and is lent to nobody. `Destroyed`, `DestroyFailed`: it is gone. `Left`: it is gone, and was left to
 *   its owner, or to who has detached it.
 * - `WaiterTimedOut`, `WaiterRefused`: a borrow failed with `BorrowTimeout`, or with `PoolExhausted`.
 * - `Resized`, `Suspended`, `Resumed`, `Rotated` (the rotation has begun), `Closing`, `Closed`: what was asked of the pool.
 * - `Missed`: whoever reads has been too slow, and has lost so many events, the oldest.
 *
 * @category models
 * @since 0.1.0
 */
export const PoolEvent = Schema.TaggedUnion({
  Added: ofObject,
  Acquired: { ...ofObject, took: Schema.DurationFromMillis },
  AcquireFailed: { ...ofPool, took: Schema.DurationFromMillis, failure },
  StatusChanged: { ...ofObject, transition: Schema.Literals(transitions) },
  Borrowed: {
    ...ofLease,
    waited: Schema.DurationFromMillis,
    phase: Schema.Literals(["AtOnce", "Waiting", "Acquiring", "Detecting"]),
    ...ofClass
  },
  Released: { ...ofLease, held: Schema.DurationFromMillis, ...ofClass },
  LeaseExpired: ofLease,
  LeaseRevoked: ofLease,
  LeaseOverdue: {
    ...ofLease,
    held: Schema.DurationFromMillis,
    borrower: Schema.String,
    site: Schema.optionalKey(Schema.String)
  },
  Rested: {
    ...ofObject,
    reason: Schema.Literals(["Asked", "Detected", "Judged", "Spent"]),
    allowance: Schema.optionalKey(Schema.String),
    facet: Schema.optionalKey(Schema.String),
    until: Schema.optionalKey(Schema.DateTimeUtcFromMillis)
  },
  Woke: { ...ofObject, facet: Schema.optionalKey(Schema.String) },
  Detected: {
    ...ofObject,
    answer: Schema.Literals(["Available", "Dormant", "Invalid", "Unknown"]),
    took: Schema.DurationFromMillis
  },
  DetectionFailed: { ...ofObject, took: Schema.DurationFromMillis, failure },
  Evicted: {
    ...ofObject,
    reason: Schema.Literals([
      "Detected",
      "Judged",
      "Unknown",
      "Invalidated",
      "Removed",
      "Expired",
      "HookFailed",
      "Late",
      "TimeToLive",
      "Idle",
      "MaxBorrows",
      "Resized",
      "Room",
      "Rotated",
      "Closed"
    ])
  },
  Destroyed: ofObject,
  DestroyFailed: { ...ofObject, failure },
  Left: ofObject,
  WaiterTimedOut: {
    ...ofPool,
    waited: Schema.DurationFromMillis,
    phase: Schema.Literals(["Waiting", "Acquiring", "Detecting"]),
    ...ofClass
  },
  WaiterRefused: {
    ...ofPool,
    reason: PoolExhausted.fields.reason,
    ...ofClass
  },
  Resized: {
    ...ofPool,
    min: Schema.Int,
    max: Schema.optionalKey(Schema.Int),
    spare: Schema.optionalKey(Schema.Int)
  },
  Suspended: ofPool,
  Resumed: ofPool,
  Rotated: ofPool,
  Closing: ofPool,
  Closed: ofPool,
  Missed: { ...ofPool, events: Schema.Int }
})

/**
 * @category models
 * @since 0.1.0
 */
export type PoolEvent = typeof PoolEvent.Type
