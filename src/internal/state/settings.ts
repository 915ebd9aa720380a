/**
 * The options of a pool, with every default filled in, nested as users write them. Times are milliseconds.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Schedule from "effect/Schedule"
import type { Lease } from "../../Lease.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { Self } from "../../Self.ts"
import type { Limit } from "../object/allowances.ts"
import type { Policy } from "../structures/selection/policy.ts"
import type { Entry } from "./entry.ts"

/** How much a class of borrowers may have; without a name, that of those who name none. */
export interface ClassLimits {
  readonly name: string | undefined
  readonly reserve: number
  readonly most: number
  readonly weight: number
}

export interface Resolved<A, D> {
  readonly name: string
  readonly acquire:
    | Effect.Effect<A, unknown, unknown>
    | ((self: Self) => Effect.Effect<A, unknown, unknown>)
    | undefined
  readonly objects: ReadonlyArray<A>
  /** Given the key of the object, in a pool of many. */
  readonly data: (object: A, key?: unknown) => D
  readonly size: { readonly min: number; readonly max: number; readonly spare: number }
  readonly policy: Policy
  /** How many leases one object may carry; `Infinity` where `capacity` says it of each. */
  readonly sharing: number
  /** How many leases an object that joins may carry; absent where all may carry as many. Throws `InvalidPoolOptions`. */
  readonly capacity: ((entry: Entry<A, D>) => number) | undefined
  /** The allowances of an object that joins; absent where the pool knows none. Throws `InvalidPoolOptions`. */
  readonly allowance: {
    readonly of: (entry: Entry<A, D>) => ReadonlyArray<Limit>
    /** The limits of all objects; absent where each object has limits of its own. */
    readonly same: ReadonlyArray<Limit> | undefined
  } | undefined
  /** What an object is remembered under; absent where the pool remembers nothing. */
  readonly remember: ((object: A) => unknown) | undefined
  /** The last is that of those who name none; absent where the pool has no classes. */
  readonly classes: ReadonlyArray<ClassLimits> | undefined
  readonly maxWaiters: number
  /** Milliseconds; absent: no overload is looked for. */
  readonly overload: { readonly target: number; readonly interval: number } | undefined
  readonly waitsForResting: boolean
  readonly borrowTimeout: number
  readonly leaseTimeout: ((entry: Entry<A, D>) => number) | undefined
  /** Milliseconds; absent: nobody is warned. */
  readonly leaseWarning: number | undefined
  readonly capturesSite: boolean
  readonly onLeaseExpired: (entry: Entry<A, D>) => "destroy" | "detect" | "return"
  readonly pack: ((lease: Lease<A, D>) => unknown) | undefined
  /** Judges an object as a lease of it ends. */
  readonly judge: ((exit: Exit.Exit<unknown, unknown>, pooled: PooledObject<A, D>) => unknown) | undefined
  readonly detectStatus: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly detection: {
    readonly onAdd: boolean
    /** How long a detection is trusted by a borrower; absent: none is made for a borrower. */
    readonly trustFor: number | undefined
    readonly onRelease: boolean
    readonly concurrency: number
    readonly timeout: number
    readonly dormantFor: number
    /** Milliseconds, or a schedule. */
    readonly every: number | Schedule.Schedule<unknown> | undefined
    /** The schedule of one `Unknown` object. */
    readonly retry: (entry: Entry<A, D>) => Schedule.Schedule<unknown>
  }
  readonly creation: {
    readonly concurrency: number
    readonly timeout: number
    readonly retry: Schedule.Schedule<unknown> | undefined
  }
  /** Is a function of the pool's options called for one borrower: `onBorrow`, a selector, or `leaseTimeout`? */
  readonly asks: boolean
  readonly onBorrow: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly onRelease: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly lifetime: {
    readonly timeToLive: number
    readonly idleTimeToLive: number
    readonly maxBorrows: number
    readonly jitter: number
  }
  readonly hookTimeout: number
  readonly closing: { readonly timeout: number; readonly waiters: "fail" | "serve" }
}
