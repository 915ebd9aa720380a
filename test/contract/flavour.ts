/**
 * What both flavours of a pool can do, in one form: the cases of the contract are written for it. Their callbacks are plain
 * or promised, their results promises, and the time is that of the test.
 */
import type * as Duration from "effect/Duration"
import type { BorrowOptions, ClassOptions, DetectionOptions, PooledObject, PoolStats, Status } from "../../src/index.ts"

type Awaitable<A> = A | Promise<A>

export interface Options<A> {
  readonly name?: string
  readonly acquire?: () => Awaitable<A>
  readonly destroy?: (object: A) => Awaitable<void>
  readonly objects?: Iterable<A>
  readonly size?: { readonly min?: number; readonly max?: number }
  readonly sharing?: number
  readonly detectStatus?: (pooled: PooledObject<A>) => Awaitable<Status.Answer>
  readonly detection?: DetectionOptions
  readonly onBorrow?: (pooled: PooledObject<A>) => Awaitable<void>
  readonly onRelease?: (pooled: PooledObject<A>) => Awaitable<void>
  readonly borrowTimeout?: Duration.Input
  readonly leaseTimeout?: Duration.Input
  readonly onLeaseExpired?: "return" | "detect" | "destroy"
  readonly classes?: Readonly<Record<string, ClassOptions>>
  readonly maxWaiters?: number
  readonly overload?: { readonly target: Duration.Input; readonly interval?: Duration.Input } | undefined
  readonly select?: (available: ReadonlyArray<PooledObject<A>>) => PooledObject<A> | undefined
  readonly lifetime?: {
    readonly maxBorrows?: number
    readonly idleTimeToLive?: Duration.Input
    readonly jitter?: number
  }
  readonly closing?: { readonly timeout?: Duration.Input; readonly waiters?: "fail" | "serve" }
}

export interface Asked<A> extends BorrowOptions<A, undefined, string> {
  readonly signal?: AbortSignal
}

export interface Lease<A> {
  readonly object: A
  readonly id: number
  readonly pooled: PooledObject<A>
  readonly release: () => Promise<void>
  readonly invalidate: () => Promise<void>
  readonly rest: (duration: Duration.Input) => Promise<void>
  readonly renew: () => Promise<void>
  /** Answers what destroys the object, which is the caller's from now on. */
  readonly detach: () => Promise<() => Promise<void>>
  /** What has ended the lease; it never comes for one that is released. */
  readonly ended: Promise<unknown>
}

export interface Pool<A> {
  readonly borrow: (options?: Asked<A>) => Promise<Lease<A>>
  /** Borrows what can be had without waiting. */
  readonly tryBorrow: () => Promise<Lease<A>>
  /** The body is told by its signal that its lease is over. */
  readonly with: <B>(body: (object: A, signal: AbortSignal) => Awaitable<B>, options?: Asked<A>) => Promise<B>
  readonly add: (object: A, options?: { readonly destroy?: (object: A) => void }) => Promise<PooledObject<A>>
  readonly addAll: (objects: Iterable<A>) => Promise<ReadonlyArray<PooledObject<A>>>
  readonly remove: (object: A) => Promise<boolean>
  readonly rest: (object: A, duration: Duration.Input) => Promise<boolean>
  readonly wake: (object: A) => Promise<boolean>
  readonly revoke: (pooled: PooledObject<A>) => Promise<boolean>
  readonly detect: () => Promise<void>
  readonly ready: () => Promise<void>
  readonly resize: (size: { readonly min?: number; readonly max?: number }) => Promise<void>
  readonly rotate: () => Promise<void>
  readonly suspend: () => Promise<void>
  readonly resume: () => Promise<void>
  readonly drain: () => Promise<void>
  readonly close: () => Promise<void>
  readonly stats: () => Promise<PoolStats>
  readonly objects: () => Promise<ReadonlyArray<PooledObject<A>>>
}

/** A time, and what makes pools that run on it. */
export interface World {
  readonly make: <A>(options: Options<A>) => Promise<Pool<A>>
  /** Lets so much time pass, and everything happen that is due by then. */
  readonly pass: (millis: number) => Promise<void>
  /** Closes the pools that were made, and ends what has told the time. */
  readonly end: () => Promise<void>
}

export interface Flavour {
  readonly name: string
  readonly begin: () => Promise<World>
}
