/**
 * The record of one object, inside. Each mutable field names its only writer.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { PooledObject } from "../../PooledObject.ts"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { Status } from "../../Status.ts"
import type { ActiveLease } from "../lease/lease.ts"
import type { Allowances } from "../object/allowances.ts"
import type { Detection } from "../object/detector.ts"
import type { Facets } from "../object/facets.ts"
import type { Hook } from "../object/hook.ts"
import type { Slot } from "../object/memory.ts"
import type { Outlying } from "../object/outliers.ts"
import type { Rest } from "../object/rest.ts"
import type { Answer } from "../structures/asking.ts"
import type { Deadline } from "../structures/deadlines.ts"
import type { Queue } from "../structures/queue.ts"
import type { Pace } from "./pace.ts"
import { never, Pooled } from "./pooled.ts"
import type { Waiter } from "./waiters.ts"

/** Why an object leaves. */
export type Eviction = Extract<PoolEvent, { readonly _tag: "Evicted" }>["reason"]

/** The limits of a made object. */
export interface Limits {
  /** How often it may be lent. */
  readonly mostBorrows: number
  aging: Deadline | undefined
  idling: Deadline | undefined
  /** Monotonic: since when the object has not been lent. */
  idleSince: number
}

/** How an object came into the pool, and what its end takes. */
export interface Origin {
  /** The scope that a made object was acquired in: closed to destroy it. Absent for an added object. */
  readonly scope?: Scope.Closeable | undefined
  /** Destroys an added object; where it is absent, the object is left to its owner. */
  readonly release?: Effect.Effect<unknown> | undefined
  /** The lease time-out of an added object in milliseconds, from `add`. */
  readonly leaseTimeout?: number | undefined
}

/** The record of one object. Users see its {@link Pooled}. */
export class Entry<A, D> {
  // what each borrow and each return looks at stands together, in few lines of the processor's cache

  readonly scope: Scope.Closeable | undefined
  readonly leaseTimeout: number | undefined
  /** Written by the registry alone. */
  status: Status = "Pending"
  /** Where the object stands in the selection; -1: not listed. */
  slot = -1
  /** The order of use among all objects: set anew, to the highest, at each return. */
  order = 0
  borrowCount = 0
  /** How many leases the object may carry. Written as it joins, before it is offered. */
  capacity = 1
  /** Open leases: the first, and the others where it is shared. */
  open = 0
  lease: ActiveLease<A, D> | undefined = undefined
  others: Queue<ActiveLease<A, D>> | undefined = undefined
  /** Times whose names end in `AtMillis` are what users are shown: milliseconds of the wall clock. */
  borrowedAtMillis = never
  releasedAtMillis = never
  /** The object is condemned: it leaves as soon as it is free. */
  condemned = false
  /** The object is old: another is to take its place, and it leaves as soon as that costs no object of the minimum. */
  retired = false
  /** A shared object was told to rest while it was lent: it takes no new leases until its rest is over. */
  benched = false
  /** The detector was asked about a shared object while it was lent: no new leases until the detector has answered. */
  asked = false
  /** The detector could not tell the status of a shared object while it was lent: no new leases until it can. */
  doubted = false
  /** `onBorrow` has prepared the object, and nobody has taken it yet. */
  prepared = false
  /** What rests, or is counted, for some borrowers only; absent where nothing was. */
  facets: Facets<A, D> | undefined = undefined
  /** Verdicts other than "Available" in a row. */
  failures = 0
  /**
   * The id of the lease that was the last as the object began to rest as an outlier: one lease at a time, until one that came
   * later is a success. 0: it is not on trial.
   */
  onTrial = 0
  /** The waiter of several that the object is set aside for: nobody else is lent it. Written by `waiting/aside.ts`. */
  keeper: Waiter<A, D> | undefined = undefined
  /** The object is on offer: the turn has yet to find who gets it. `fresh`: it was detected just before. */
  offered: "no" | "stale" | "fresh" = "no"
  /**
   * What is done with the object when its last lease ends, where one of its leases has expired; or when it is free, where
   * the object has asked to be detected while it was busy.
   */
  fate: "return" | "detect" | "destroy" = "return"
  /** Monotonic: until when the last detection may be trusted. */
  trustedUntil: number | undefined = undefined
  /** The rest that a user or the detector has asked for. It begins when the object is free. */
  rest: Rest<A, D> | undefined = undefined
  limits: Limits | undefined = undefined
  /** What the object may be lent for; absent where the pool knows no allowances. */
  allowances: Allowances | undefined = undefined
  /** What of the object is written to a store; absent where nothing is, and once the object has left. */
  memory: Slot<A, D> | undefined = undefined
  /** Why the object is to leave, where it is condemned or old. */
  why: Eviction | undefined = undefined

  // as a member of a selection: its place in a ring, or its bucket, -1 for none yet; its neighbours in a list

  place = -1
  /** The object's place among the trusted ones; -1: it is none of them. */
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
  /** Has the detector asked again about an `Unknown` object. */
  retrying: Deadline | undefined = undefined
  /** The schedule of an `Unknown` object, which says when it is detected again. */
  pace: Pace | undefined = undefined
  detection: Detection<A, D> | undefined = undefined
  /** An answer that the detector has given already, for the object's next detection. */
  told: Answer | undefined = undefined
  hook: Hook<A, D> | undefined = undefined
  /** What the outliers of the judge know of the object; absent where none has judged it. */
  outlying: Outlying | undefined = undefined
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
  /** When the object wakes, as the wall clock stands now; absent where it does not rest. */
  get wakesAtMillis(): number | undefined {
    return this.status === "Dormant" || (this.benched && !this.asked) ? this.rest?.wakesAtMillis : undefined
  }
  /** The record that users see of the object; made when the first of them looks. */
  get pooled(): PooledObject<A, D> {
    return this.view ??= new Pooled(this)
  }
  /** Before anybody looks: the record that users will see of the object. */
  set pooled(view: Pooled<A, D>) {
    this.view = view
  }
}

/** The open leases of an object. */
export const leasesOf = <A, D>(entry: Entry<A, D>): ReadonlyArray<ActiveLease<A, D>> =>
  entry.lease === undefined ? [] : entry.others === undefined ? [entry.lease] : [entry.lease, ...entry.others]

/** Has an object that was made, and never lent, said of itself that it is of no use? */
export const isSpoilt = <A, D>({ borrowCount, scope, why }: Entry<A, D>): boolean =>
  scope !== undefined && borrowCount === 0 && why === "Invalidated"

export const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== "object" && typeof value !== "function")
