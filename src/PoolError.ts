/**
 * The typed failures of a pool: tagged, serialisable `Schema` errors, each with the pool's name, a snapshot of its counts,
 * and a message that a person can act on.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/**
 * The counts of one class of borrowers: see the `classes` option.
 *
 * @category models
 * @since 0.1.0
 */
export const ClassStats = Schema.Struct({
  /** Open leases. */
  leases: Schema.Int,
  /** Fibers suspended in a borrow, whatever they wait for. */
  waiting: Schema.Int,
  reserve: Schema.Int,
  /** Absent: no maximum. */
  most: Schema.optionalKey(Schema.Int),
  weight: Schema.Finite,
  /** Totals since the pool was built. */
  totals: Schema.Struct({
    /** Leases granted. */
    borrowed: Schema.Int,
    /** Borrows that failed with `BorrowTimeout`. */
    timedOut: Schema.Int,
    /** Borrows that failed with `PoolExhausted`. */
    exhausted: Schema.Int
  })
})

/**
 * @category models
 * @since 0.1.0
 */
export interface ClassStats extends Schema.Schema.Type<typeof ClassStats> {}

/**
 * The counts of a pool at one instant. `size` is the sum of the six statuses; objects being made are not in it.
 *
 * @category models
 * @since 0.1.0
 */
export const PoolStats = Schema.Struct({
  size: Schema.Int,
  min: Schema.Int,
  /** Absent: no maximum. */
  max: Schema.optionalKey(Schema.Int),
  pending: Schema.Int,
  available: Schema.Int,
  borrowed: Schema.Int,
  dormant: Schema.Int,
  unknown: Schema.Int,
  invalid: Schema.Int,
  /** Objects being made: not yet in `size`; `size + making <= max`. */
  making: Schema.Int,
  /** Open leases. */
  leases: Schema.Int,
  /** Fibers suspended in a borrow, whatever they wait for. */
  waiting: Schema.Int,
  /** By class, where the pool has classes: who names none is in none of them. */
  classes: Schema.optionalKey(Schema.Record(Schema.String, ClassStats)),
  /** Totals since the pool was built. */
  totals: Schema.Struct({
    /** Leases granted. */
    borrowed: Schema.Int,
    /** Objects that users put in: by `add`, `addAll` and the `objects` option. */
    added: Schema.Int,
    made: Schema.Int,
    /** Made objects that are gone. */
    destroyed: Schema.Int,
    /** Borrows that failed with `BorrowTimeout`. */
    timedOut: Schema.Int,
    /** Borrows that failed with `PoolExhausted`. */
    exhausted: Schema.Int,
    /** Leases whose time was over. */
    expired: Schema.Int
  })
})

/**
 * @category models
 * @since 0.1.0
 */
export interface PoolStats extends Schema.Schema.Type<typeof PoolStats> {}

const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** What a reader of a log wants first: how full the pool is, and why. */
const picture = (stats: PoolStats): string => {
  const parts = [`${stats.borrowed} of ${plural(stats.size, "object")} borrowed`]
  if (stats.available > 0) parts.push(`${stats.available} available`)
  if (stats.pending > 0) parts.push(`${stats.pending} being checked`)
  if (stats.dormant > 0) parts.push(`${stats.dormant} resting`)
  if (stats.unknown > 0) parts.push(`${stats.unknown} unknown`)
  if (stats.invalid > 0) parts.push(`${stats.invalid} being destroyed`)
  if (stats.making > 0) parts.push(`${stats.making} being made`)
  if (stats.max !== undefined) parts.push(`at most ${stats.max}`)
  parts.push(`${plural(stats.waiting, "borrower")} waiting`)
  return parts.join(", ")
}

/** What a reader wants to know of the class of a borrower that was not served. */
const pictureOf = (name: string | undefined, { classes }: PoolStats): string => {
  const counts = name === undefined ? undefined : classes?.[name]
  if (counts === undefined) return ""
  const { leases, most, reserve, waiting } = counts
  const limits = `${most === undefined ? "" : `, at most ${most}`}${reserve === 0 ? "" : `, ${reserve} in reserve`}`
  return `class ${JSON.stringify(name)}: ${plural(leases, "lease")}${limits}, ${waiting} waiting; `
}

/** What a failure says for people to read, on one line: never what is in it beside that, which may be a secret. */
const explain = (failure: unknown): string => {
  const text = typeof failure === "string"
    ? failure
    : failure instanceof Error
    ? failure.message || failure.name
    : Predicate.hasProperty(failure, "_tag")
    ? String(failure._tag)
    : typeof failure
  const line = text.replace(/\s+/g, " ").trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

/** Says when to come back, where that is known. */
const again = (after: Duration.Duration | undefined): string =>
  after === undefined ? "" : `, try again in ${Duration.format(after)}`

/**
 * Nothing to lend, and the borrower may not wait.
 *
 * **Details**
 *
 * `NoneAvailable`: `tryBorrow` found nothing to lend, and nothing that could be made. `WaitersFull`: `maxWaiters`
 * fibers wait already. `Suspended`: the pool lends nothing at present. `Resting`: everything that the borrower may have rests
 * until known times beyond its deadline, and nothing is being made, nor could be. `CostTooHigh`: the cost of the borrow is
 * above a limit of every object. `Overloaded`: the borrower has waited longer than `overload.target`, while more come than
 * can be served. `NoRoom`: the minimums of other keys fill a `KeyedPool`, or the reserves of other classes the pool; or there
 * may be fewer objects than a borrower of several wants, since a `resize`. `class`: that of the borrower, where the pool has classes and it has named one. `retryAfter`: in how long the first object wakes
 * that the borrower may have, where everything rests until known times; so it is in a `BorrowTimeout`.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolExhausted extends Schema.TaggedError<PoolExhausted>()("PoolExhausted", {
  pool: Schema.String,
  stats: PoolStats,
  reason: Schema.Literals([
    "NoneAvailable",
    "WaitersFull",
    "Suspended",
    "Resting",
    "CostTooHigh",
    "Overloaded",
    "NoRoom"
  ]),
  /** The class of the borrower. */
  class: Schema.optionalKey(Schema.String),
  /** In how long the borrower could be served, where that is known. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
}) {
  override get message(): string {
    const why = {
      NoneAvailable: "has no object to lend now",
      WaitersFull: "lets no more borrowers wait",
      Suspended: "is suspended",
      Resting: "has only objects that rest",
      CostTooHigh: "has no object that may cost so much",
      Overloaded: "is overloaded",
      NoRoom: this.stats.classes === undefined
        ? "has no room for this borrower: the minimums of others fill it, or there may be fewer objects than it wants"
        : "has no room for this borrower: the reserves of other classes fill it, or there may be fewer objects than it wants"
    }[this.reason]
    const picked = `${pictureOf(this.class, this.stats)}${picture(this.stats)}`
    return `Pool "${this.pool}" ${why}${again(this.retryAfter)} (${picked})`
  }
}

/**
 * The deadline of a borrow, or of the creation made for it, has passed.
 *
 * **Details**
 *
 * `phase` is what the borrow was doing at its deadline. `held` is the number of leases of this pool that the waiting fiber
 * itself holds: above 0, it may have been waiting for itself. `class` is that of the borrower, where the pool has classes and
 * it has named one. It is 0 for who borrows by a promise. `lastFailure` is the
 * last that failed for this borrow: an `acquire`, a detection, or an `onBorrow`; else, while nothing can be made, what the
 * last attempt has failed with. The message says of it what an error's `message` says, or its `_tag`.
 *
 * @category errors
 * @since 0.1.0
 */
export class BorrowTimeout extends Schema.TaggedError<BorrowTimeout>()("BorrowTimeout", {
  pool: Schema.String,
  stats: PoolStats,
  waited: Schema.DurationFromMillis,
  phase: Schema.Literals(["Waiting", "Acquiring", "Detecting"]),
  /** Leases that the waiting fiber itself holds. */
  held: Schema.Int,
  /** The class of the borrower. */
  class: Schema.optionalKey(Schema.String),
  /** In how long the borrower could be served, where that is known. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  /** The last failure seen by this borrow. */
  lastFailure: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const doing = {
      Waiting: "waiting for an object",
      Acquiring: "an object was being made",
      Detecting: "an object was being checked"
    }[this.phase]
    const held = this.held === 0
      ? ""
      : `; the waiting fiber holds ${plural(this.held, "lease")} of this pool itself, and may be waiting for itself`
    const failure = this.lastFailure === undefined ? "" : `; last failure: ${explain(this.lastFailure)}`
    return `Pool "${this.pool}": no object within ${Duration.format(this.waited)}${again(this.retryAfter)} (${doing}; ${
      pictureOf(this.class, this.stats)
    }${picture(this.stats)}${held}${failure})`
  }
}

/**
 * The pool is closing or closed.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolClosed extends Schema.TaggedError<PoolClosed>()("PoolClosed", {
  pool: Schema.String,
  stats: PoolStats
}) {
  override get message(): string {
    return `Pool "${this.pool}" is closed`
  }
}

/**
 * `add` or `addAll` found no room: `size + making` would exceed `max`.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolFull extends Schema.TaggedError<PoolFull>()("PoolFull", {
  pool: Schema.String,
  stats: PoolStats
}) {
  override get message(): string {
    return `Pool "${this.pool}" is full (${picture(this.stats)})`
  }
}

/**
 * The lease is over: its time has passed, it was released, it was revoked (by `revoke`, or since another lease of its object
 * has detached that), the pool took it back as it closed, or, where the pool is in another process, it was lost: its borrower
 * has not heard from that for too long, or is not connected with it any more.
 *
 * @category errors
 * @since 0.1.0
 */
export class LeaseExpired extends Schema.TaggedError<LeaseExpired>()("LeaseExpired", {
  pool: Schema.String,
  stats: PoolStats,
  leaseId: Schema.Int,
  objectId: Schema.Int,
  reason: Schema.Literals(["Expired", "Released", "Revoked", "Closed", "Lost"])
}) {
  override get message(): string {
    const why = {
      Expired: "its time is over",
      Released: "it was released",
      Revoked: "it was revoked",
      Closed: "the pool was closed",
      Lost: "its borrower and the host of the pool have lost each other"
    }[this.reason]
    return `Pool "${this.pool}": lease ${this.leaseId} of object ${this.objectId} has ended: ${why}`
  }
}

/**
 * `add` was given an object (by `Object.is`) that is in the pool already, or one whose `remember.key` is that of another.
 * Primitives are never duplicates but by that key. An object that was made, and whose key is that of another, fails its creation
 * with it, as a defect.
 *
 * @category errors
 * @since 0.1.0
 */
export class DuplicateObject extends Schema.TaggedError<DuplicateObject>()("DuplicateObject", {
  pool: Schema.String,
  stats: PoolStats,
  /** The id of the one that is there; 0: the same object was given twice in one call. */
  objectId: Schema.Int
}) {
  override get message(): string {
    return this.objectId === 0
      ? `Pool "${this.pool}" was given this object twice in one call`
      : `Pool "${this.pool}" holds this object already, as object ${this.objectId}`
  }
}

/**
 * An option that makes no sense: which, what it was, what is allowed. `option` is the dotted path, as in `size.max`.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidPoolOptions extends Schema.TaggedError<InvalidPoolOptions>()("InvalidPoolOptions", {
  pool: Schema.String,
  option: Schema.String,
  value: Schema.String,
  allowed: Schema.String
}) {
  override get message(): string {
    return `Pool "${this.pool}": option \`${this.option}\` is ${this.value}; allowed: ${this.allowed}`
  }
}

/**
 * What a borrow may fail with, beside the user's own `E`. `LeaseExpired` only where the lease is over before its `pack` has
 * ended.
 *
 * @category errors
 * @since 0.1.0
 */
export type BorrowError = PoolExhausted | BorrowTimeout | PoolClosed | LeaseExpired

/** An error prints as any other: its stack, which begins with its message, and what it was caused by. */
function inspected(
  this: Error & { readonly lastFailure?: unknown },
  _depth: number,
  options: object,
  inspect?: (value: unknown, options: object) => string
): string {
  const text = this.stack ?? String(this)
  if (this.lastFailure === undefined || inspect === undefined) return text
  return `${text} {\n  lastFailure: ${inspect(this.lastFailure, options).replaceAll("\n", "\n  ")}\n}`
}

function toJSON(this: Error): unknown {
  return Object.assign({}, this, { message: this.message })
}

/** @internal */
export const print = ({ prototype }: { readonly prototype: Error }): void => {
  Object.defineProperties(prototype, {
    [Symbol.for("nodejs.util.inspect.custom")]: { value: inspected, writable: true, configurable: true },
    toJSON: { value: toJSON, writable: true, configurable: true }
  })
}
const kinds = [PoolExhausted, BorrowTimeout, PoolClosed, PoolFull, LeaseExpired, DuplicateObject, InvalidPoolOptions]
kinds.forEach(print)
