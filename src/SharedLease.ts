/**
 * What a borrower of a shared pool holds, asks for, and may fail with.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Ordering from "effect/Ordering"
import * as Schema from "effect/Schema"
import type { Lease } from "./Lease.ts"
import type { PooledObject } from "./PooledObject.ts"
import { print } from "./PoolError.ts"

/**
 * A token that always grows, over all hosts of a pool and all their restarts: hand it to the guarded system with what is
 * written under the lease, and have that refuse whatever comes with an older one than the highest it has seen.
 *
 * **Example** (Comparing)
 *
 * ```ts
 * import { Fence } from "effect-object-pool/cluster"
 *
 * Fence.compare({ epoch: 1, number: 70 }, { epoch: 2, number: 1 }) // => -1
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Fence {
  /** Of the host: a host that takes over has a higher one. */
  readonly epoch: number
  /** Of the lease, within the epoch. */
  readonly number: number
}

/**
 * @category models
 * @since 0.1.0
 */
export const Fence: {
  readonly schema: Schema.Codec<Fence>
  /** -1: the first is older; 0: the same lease; 1: the first is newer. */
  readonly compare: (first: Fence, second: Fence) => Ordering.Ordering
} = {
  schema: Schema.Struct({ epoch: Schema.Int, number: Schema.Int }),
  compare: (first, second) => {
    const order = Math.sign(first.epoch - second.epoch || first.number - second.number)
    return order as Ordering.Ordering
  }
}

/**
 * What the host's record of an object said when it was asked: plain data, without the object itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface PooledPicture<out D = undefined> extends Omit<PooledObject<never, D>, "object" | "dates"> {}

/**
 * An open lease, as the host shows it: who has it, since when. Never the object.
 *
 * @category models
 * @since 0.1.0
 */
export interface HeldLease {
  readonly id: number
  readonly objectId: number
  readonly fence: Fence
  /** What the borrower's process calls itself; `undefined` for one in the process of the pool. */
  readonly borrower: string | undefined
  /** The name of its machine, as it says itself. */
  readonly machine: string | undefined
  /** The class of the borrower, where he has named one. */
  readonly class: string | undefined
  readonly borrowedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc | undefined
}

/**
 * The right to use one object of a shared pool for a while. What a `Lease` has, it has, too; but for what follows.
 *
 * **Details**
 *
 * It is over, beside what ends any lease, when the borrower has not heard from the host for the time to live: then it is
 * *lost*, `LeaseExpired` with `reason: "Lost"`. The borrower counts that time from when it sent what the host has
 * last acknowledged, and the host waits a tenth longer, so that the borrower is over first.
 *
 * Where it comes from another process, `object` is a copy that this borrower alone has, and `pooled` a picture from the
 * moment of the grant. What is told to the host, as by `rest`, has no effect where the lease is lost meanwhile.
 *
 * @category models
 * @since 0.1.0
 */
export interface SharedLease<out A, out D = undefined> extends Omit<Lease<A, D>, "pooled"> {
  readonly pooled: PooledPicture<D>
  /** Always growing, over all hosts of the pool: hand it to the guarded system. */
  readonly fence: Fence
}

/**
 * How one borrow of a shared pool differs from the pool's rule. Functions do not travel: what a `where` would say is a
 * `need`, which the host answers by its `meets`.
 *
 * @category options
 * @since 0.1.0
 */
export interface SharedBorrowOptions<out N = never, out C extends string = never> {
  /**
   * How long this borrow may take, whatever is down.
   *
   * @default `borrowTimeout` of the pool; `"30 seconds"` until its host was reached for the first time
   */
  readonly timeout?: Duration.Input | undefined
  /** Only an object for which `meets` says so on the host. */
  readonly need?: N | undefined
  /**
   * Higher first; waiting does not raise it.
   *
   * @default `0`
   */
  readonly priority?: number | undefined
  /**
   * How long this lease lasts.
   *
   * @default what `add` or the pool says
   */
  readonly leaseTimeout?: Duration.Input | undefined
  /**
   * How much the lease takes of each allowance whose `unit` is `"cost"`.
   *
   * @default `1`
   */
  readonly cost?: number | undefined
  /**
   * Of what may be lent now, the object that this text gives itself to. At most 256 characters.
   *
   * @default none
   */
  readonly affinity?: string | undefined
  /**
   * What of an object the borrower is about to use. At most 256 characters.
   *
   * @default none
   */
  readonly facet?: string | undefined
  /**
   * The class of the borrower, one of the `classes` that the tag has declared. Who names none has no reserve and no maximum.
   *
   * @default none of them
   */
  readonly class?: C | undefined
}

/**
 * How objects that are added to a shared pool differ from the pool's rule.
 *
 * @category options
 * @since 0.1.0
 */
export interface SharedAddOptions<out D = undefined> {
  /**
   * The data of these objects.
   *
   * @default what the `data` option makes
   */
  readonly data?: D | undefined
  /**
   * How long a lease of these objects lasts.
   *
   * @default `leaseTimeout` of the pool
   */
  readonly leaseTimeout?: Duration.Input | undefined
}

/**
 * The host of a shared pool could not be reached, or does not answer as it should.
 *
 * **Details**
 *
 * `Unreachable`: there is no connection, or nobody who hosts the pool, since `since`. `Unauthorized`: the host knows no
 * such token. `Incompatible`: host and borrower have not the same version of the protocol, not the same schemas, or not the
 * class that the borrower has named.
 * `Malformed`: something could not be encoded, or decoded, by the schemas of the pool. `LeasesFull`: this process has as
 * many leases as the host lets it have; `RequestsFull`: as many operations and streams of events, a thousand. `TooLarge`:
 * what was to be sent is larger than the host takes. `detail` says what it was; never what is in an object.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolUnavailable extends Schema.TaggedError<PoolUnavailable>()("PoolUnavailable", {
  pool: Schema.String,
  reason: Schema.Literals([
    "Unreachable",
    "Unauthorized",
    "Incompatible",
    "Malformed",
    "LeasesFull",
    "RequestsFull",
    "TooLarge"
  ]),
  detail: Schema.String,
  /** Since when, by the clock of the borrower. */
  since: Schema.DateTimeUtcFromMillis
}) {
  override get message(): string {
    const why = {
      Unreachable: "cannot be reached",
      Unauthorized: "does not let this borrower in",
      Incompatible: "is not compatible with this borrower",
      Malformed: "and its borrower do not understand each other",
      LeasesFull: "lends no more to this process",
      RequestsFull: "has been asked for too much at once by this process",
      TooLarge: "takes no message of that size"
    }[this.reason]
    return `The host of pool "${this.pool}" ${why}: ${this.detail}`
  }
}
print(PoolUnavailable)
