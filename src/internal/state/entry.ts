/**
 * The record of one object, inside. Each mutable field names its only writer.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { PooledObject } from "../../PooledObject.ts"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Status } from "../../Status.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Detection } from "../object/detector.ts"
import type { Hook } from "../object/hook.ts"
import type { Rest } from "../object/rest.ts"
import type { Answer } from "../structures/asking.ts"
import type { Deadline } from "../structures/deadlines.ts"
import type { Queue } from "../structures/queue.ts"
import type { Pace } from "./pace.ts"
import { never, Pooled } from "./pooled.ts"

/** Why an object leaves. */
export type Eviction = Extract<PoolEvent, { readonly _tag: "Evicted" }>["reason"]

/** The limits of a made object. */
export interface Limits {
  /** How often it may be lent. */
  readonly mostBorrows: number
  aging: Deadline | undefined
  idling: Deadline | undefined
  /** Monotonic: since when it has not been lent. */
  idleSince: number
}

/** How an object came into the pool, and what its end takes. */
export interface Origin {
  /** What made it: closed when it is destroyed. Absent for an added object. */
  readonly scope?: Scope.Closeable | undefined
  /** Destroys an added object; without it, it is left to its owner. */
  readonly release?: Effect.Effect<unknown> | undefined
  /** Its own lease time-out in milliseconds, from `add`. */
  readonly leaseTimeout?: number | undefined
}

/** The record of one object. Users see its {@link Pooled}. */
export class Entry<A, D> {
  // what each borrow and each return looks at stands together, in few lines of the processor's cache

  readonly scope: Scope.Closeable | undefined
  readonly leaseTimeout: number | undefined
  /** Written by the registry alone. */
  status: Status = "Pending"
  /** Where it stands in the selection; -1: not listed. */
  slot = -1
  /** Grows with each return: the order of use. */
  order = 0
  borrowCount = 0
  /** Open leases: the first, and the others where it is shared. */
  open = 0
  lease: ActiveLease<A, D> | undefined = undefined
  others: Queue<ActiveLease<A, D>> | undefined = undefined
  /** Shown, in wall-clock milliseconds, as other times of that name. */
  borrowedAtMillis = never
  releasedAtMillis = never
  /** It leaves as soon as it is free. */
  condemned = false
  /** Its place is to be taken by another: it leaves as soon as that costs no object of the minimum. */
  retired = false
  /** While it was lent, and shared, it was told to rest: it is lent to nobody else until that is over. */
  benched = false
  /** It was lent, and shared, when the detector was asked about it: it is lent to nobody else until that has answered. */
  asked = false
  /** The detector has not known what to say of it while it was lent, and shared: it is lent to nobody else until it does. */
  doubted = false
  /** `onBorrow` has prepared it, and nobody has taken it yet. */
  prepared = false
  /** What its last lease leaves to be done, where one of them has expired. */
  fate: "return" | "detect" | "destroy" = "return"
  /** Monotonic: until when the last detection may be trusted. */
  trustedUntil: number | undefined = undefined
  /** What it has been asked to rest, by whomever. Carried out when the object is free. */
  rest: Rest<A, D> | undefined = undefined
  limits: Limits | undefined = undefined
  /** Why it is to leave. */
  why: Eviction | undefined = undefined

  // as a member of a selection: its place in a ring, or its bucket, -1 for none yet; its neighbours in a list

  place = -1
  /** Its place among those that are trusted. */
  trust = -1
  previous: Entry<A, D> | undefined = undefined
  next: Entry<A, D> | undefined = undefined

  // the rest

  readonly object: A
  readonly data: D
  readonly id: number
  readonly release: Effect.Effect<unknown> | undefined
  addedAtMillis: number
  detectedAtMillis: number | undefined = undefined
  /** Asks again, while it is `Unknown`. */
  retrying: Deadline | undefined = undefined
  /** When an `Unknown` object is detected again. */
  pace: Pace | undefined = undefined
  detection: Detection<A, D> | undefined = undefined
  /** What the detector has said already to its next detection. */
  told: Answer | undefined = undefined
  hook: Hook<A, D> | undefined = undefined
  /** The next older and the next newer entry of an equal object. */
  elder: Entry<A, D> | undefined = undefined
  younger: Entry<A, D> | undefined = undefined
  private view: Pooled<A, D> | undefined = undefined

  constructor(object: A, data: D, id: number, origin: Origin, now: number) {
    this.object = object
    this.data = data
    this.id = id
    this.scope = origin.scope
    this.release = origin.release
    this.leaseTimeout = origin.leaseTimeout
    this.order = id
    this.addedAtMillis = now
  }
  /** When it wakes, as the wall clock stands now. Shown where it rests. */
  get wakesAtMillis(): number | undefined {
    return this.status === "Dormant" || this.benched ? this.rest?.wakesAtMillis : undefined
  }
  /** What users see of it; made for the first of them. */
  get pooled(): PooledObject<A, D> {
    return this.view ??= new Pooled(this)
  }
}

/** The open leases of an object. */
export const leasesOf = <A, D>(entry: Entry<A, D>): ReadonlyArray<ActiveLease<A, D>> =>
  entry.lease === undefined ? [] : entry.others === undefined ? [entry.lease] : [entry.lease, ...entry.others]

export const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== "object" && typeof value !== "function")
