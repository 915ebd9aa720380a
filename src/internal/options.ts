/**
 * Options as the pool uses them: every default filled in, durations in milliseconds, nonsense refused.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Lease } from "../Lease.ts"
import type { PooledObject } from "../PooledObject.ts"
import { InvalidPoolOptions } from "../PoolError.ts"
import type { AddOptions, BorrowOptions, PoolOptions } from "../PoolOptions.ts"
import { addKeys, borrowKeys, checks } from "./checks.ts"
import { type Policy, toPolicy } from "./policy.ts"
import { type Entry, isPrimitive } from "./registry.ts"
import type { Site } from "./site.ts"
import type { Request } from "./waiters.ts"

/** Any pool's options, where their types do not matter any more. */
export type AnyOptions<A, D> = PoolOptions<
  A,
  D,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown
>

export interface Resolved<A, D> {
  readonly name: string
  readonly acquire: Effect.Effect<A, unknown, unknown> | undefined
  readonly objects: ReadonlyArray<A>
  readonly data: (object: A) => D
  readonly min: number
  readonly max: number
  readonly policy: Policy
  readonly sharing: number
  readonly maxWaiters: number
  readonly borrowTimeout: number
  readonly leaseTimeout: ((entry: Entry<A, D>) => number) | undefined
  /** Milliseconds; absent: nobody is warned. */
  readonly leaseWarning: number | undefined
  readonly capturesSite: boolean
  readonly onLeaseExpired: (entry: Entry<A, D>) => "destroy" | "detect" | "return"
  readonly pack: ((lease: Lease<A, D>) => unknown) | undefined
  readonly detectStatus: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly onAdd: boolean
  /** How long a detection is trusted by a borrower; absent: none is made for a borrower. */
  readonly trustFor: number | undefined
  readonly onRelease: boolean
  readonly concurrency: number
  readonly detectionTimeout: number
  readonly dormantFor: number
  /** Milliseconds, or a schedule. */
  readonly every: number | Schedule.Schedule<unknown> | undefined
  readonly retryUnknown: (entry: Entry<A, D>) => Schedule.Schedule<unknown>
  readonly creation: {
    readonly concurrency: number
    readonly timeout: number
    readonly retry: Schedule.Schedule<unknown> | undefined
  }
  /** Is anything asked for one borrower that is not his own: a hook, a selector of the user's, a time-out? */
  readonly asks: boolean
  readonly onBorrow: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly onReleased: ((pooled: PooledObject<A, D>) => unknown) | undefined
  readonly lifetime: {
    readonly timeToLive: number
    readonly idleTimeToLive: number
    readonly maxBorrows: number
    readonly jitter: number
  }
  readonly hookTimeout: number
  readonly closingTimeout: number
  readonly servesOnClose: boolean
}

/** In milliseconds. */
export const toHookTimeout = (check: ReturnType<typeof checks>, value: unknown): number =>
  check.duration("hookTimeout", value, 5_000)

/** The name in the options of a pool, or the usual one. Throws `InvalidPoolOptions`, also where there are no options. */
export const toName = (options: { readonly name?: unknown } | undefined, usual: string): string => {
  const check = checks(usual)
  if (typeof options !== "object" || options === null) return check.refuse("options", options, "a record of options")
  return check.text("name", options.name, usual)
}

export const resolve = <A, D>(name: string, options: AnyOptions<A, D>): Resolved<A, D> => {
  const check = checks(name)
  // the id of a tag, from code without types
  if (typeof name !== "string") checks("PoolService").text("name", name, "")
  check.record("", options)
  const size = check.record("size", options.size)
  const detection = check.record("detection", options.detection)
  const closing = check.record("closing", options.closing)
  const creation = check.record("creation", options.creation)
  const lifetime = check.record("lifetime", options.lifetime)

  const acquire = options.acquire
  if (acquire !== undefined && !Effect.isEffect(acquire)) check.refuse("acquire", acquire, "an effect")
  const objects = iterate(options.objects) ?? check.refuse("objects", options.objects, "an iterable")
  const twice = duplicate(objects)
  if (twice !== undefined) check.refuse("objects", twice, "each object once")

  const max = check.most("size.max", size["max"], 1, acquire === undefined ? Infinity : 10)
  if (objects.length > max) check.refuse("size.max", max, `at least the number of objects given, ${objects.length}`)
  const min = check.whole("size.min", size["min"], 0, 0)
  if (min > max) check.refuse("size.min", min, `at most size.max, ${max}`)
  if (min > 0 && acquire === undefined) check.refuse("size.min", min, "0 without acquire: nothing could be made")

  const policy = toPolicy(options.select) ??
    check.refuse("select", options.select, "a selector, { weight }, or a function", "text")
  const detectStatus = check.call("detectStatus", options.detectStatus)
  const data = options.data
  const leaseTimeout = options.leaseTimeout
  const leaseWarning = check.duration("leaseWarning", options.leaseWarning, Infinity)

  return {
    name,
    acquire,
    objects,
    data: typeof data === "function" ? data as (object: A) => D : () => data as D,
    min,
    max,
    policy,
    sharing: check.most("sharing", options.sharing, 1, 1),
    maxWaiters: check.most("maxWaiters", options.maxWaiters, 0, Infinity),
    borrowTimeout: check.duration("borrowTimeout", options.borrowTimeout, 30_000, "zero"),
    leaseTimeout: typeof leaseTimeout === "function"
      ? (entry) => check.duration("leaseTimeout", leaseTimeout(entry.pooled), Infinity)
      : leaseTimeout === undefined
      ? undefined
      : always(check.duration("leaseTimeout", leaseTimeout, Infinity)),
    leaseWarning: leaseWarning === Infinity ? undefined : leaseWarning,
    capturesSite: check.flag("captureBorrowSite", options.captureBorrowSite, false),
    onLeaseExpired: whenExpired(options.onLeaseExpired, detectStatus !== undefined, check.refuse),
    pack: check.call("pack", options.pack),
    detectStatus,
    onAdd: check.flag("detection.onAdd", detection["onAdd"], true),
    trustFor: trust(detection["onBorrow"], check),
    onRelease: check.flag("detection.onRelease", detection["onRelease"], false),
    concurrency: check.most("detection.concurrency", detection["concurrency"], 1, 10),
    detectionTimeout: check.duration("detection.timeout", detection["timeout"], 5_000),
    dormantFor: check.duration("detection.dormantFor", detection["dormantFor"], 30_000),
    every: detection["every"] === undefined || Schedule.isSchedule(detection["every"])
      ? detection["every"] as Schedule.Schedule<unknown> | undefined
      : check.duration("detection.every", detection["every"], Infinity),
    retryUnknown: retryUnknown(check.schedule("detection.retry", detection["retry"])),
    creation: {
      concurrency: check.most("creation.concurrency", creation["concurrency"], 1, Infinity),
      timeout: check.duration("creation.timeout", creation["timeout"], 30_000),
      retry: check.schedule("creation.retry", creation["retry"])
    },
    asks: options.onBorrow !== undefined || policy.kind === "custom" || typeof leaseTimeout === "function",
    onBorrow: check.call("onBorrow", options.onBorrow),
    onReleased: check.call("onRelease", options.onRelease),
    lifetime: {
      timeToLive: check.duration("lifetime.timeToLive", lifetime["timeToLive"], Infinity),
      idleTimeToLive: check.duration("lifetime.idleTimeToLive", lifetime["idleTimeToLive"], Infinity),
      maxBorrows: check.most("lifetime.maxBorrows", lifetime["maxBorrows"], 1, Infinity),
      jitter: check.fraction("lifetime.jitter", lifetime["jitter"], 0.1)
    },
    hookTimeout: toHookTimeout(check, options.hookTimeout),
    closingTimeout: check.duration("closing.timeout", closing["timeout"], 30_000, "zero"),
    servesOnClose: check.one("closing.waiters", closing["waiters"], ["fail", "serve"]) === "serve"
  }
}

const always = (millis: number): (() => number) | undefined => millis === Infinity ? undefined : () => millis

/** What `addAll` was given. Throws `InvalidPoolOptions`. */
export const toObjects = <A>(name: string, objects: Iterable<A>): ReadonlyArray<A> =>
  (objects === undefined ? undefined : iterate(objects)) ?? checks(name).refuse("objects", objects, "an iterable")

const iterate = <A>(objects: Iterable<A> | undefined): ReadonlyArray<A> | undefined => {
  if (objects === undefined) return []
  return objects !== null && typeof objects[Symbol.iterator] === "function" ? [...objects] : undefined
}

/** An object, not a primitive, that is there twice. */
const duplicate = (objects: ReadonlyArray<unknown>): unknown => {
  const seen = new Set<unknown>()
  return objects.find((object) => !isPrimitive(object) && seen.size === seen.add(object).size)
}

const trust = (value: unknown, check: ReturnType<typeof checks>): number | undefined => {
  if (value === undefined) return 500
  if (typeof value === "boolean") return value ? 0 : undefined
  const { trustFor } = check.record("detection.onBorrow", value)
  if (trustFor === undefined) return check.refuse("detection.onBorrow.trustFor", trustFor, "a duration, zero or longer")
  return check.duration("detection.onBorrow.trustFor", trustFor, 0, "zero")
}

/** Exponential from 100 millis, jittered, capped at 30 seconds. */
const backOff = Schedule.min([Schedule.jittered(Schedule.exponential("100 millis")), Schedule.spaced("30 seconds")])

const retryUnknown = <A, D>(given: Schedule.Schedule<unknown> | undefined): Resolved<A, D>["retryUnknown"] => {
  if (given !== undefined) return () => given
  const fiveTimes = Schedule.upTo(backOff, { times: 5 })
  return (entry) => entry.scope === undefined ? backOff : fiveTimes
}

const whenExpired = <A, D>(
  value: unknown,
  detects: boolean,
  refuse: ReturnType<typeof checks>["refuse"]
): Resolved<A, D>["onLeaseExpired"] => {
  switch (value) {
    case undefined:
      return (entry) => detects ? "detect" : entry.scope !== undefined ? "destroy" : "return"
    case "detect":
      return detects
        ? () => value
        : refuse("onLeaseExpired", value, "\"destroy\" or \"return\" without detectStatus", "text")
    case "destroy":
    case "return":
      return () => value
    default:
      return refuse("onLeaseExpired", value, "\"destroy\", \"detect\" or \"return\"", "text")
  }
}

/** What `resize` asks for; the failure that says why it makes no sense. */
export const toSize = <A, D>(
  options: Resolved<A, D>,
  size: { readonly min?: number | undefined; readonly max?: number | "Infinity" | undefined },
  now: { readonly min: number; readonly max: number },
  added: number
): { readonly min: number; readonly max: number } | Effect.Effect<never, InvalidPoolOptions> => {
  const check = checks(options.name)
  try {
    const given = check.record("size", size)
    const max = check.most("size.max", given["max"], 1, now.max)
    if (added > max) check.refuse("size.max", max, `at least the number of added objects, ${added}`)
    const min = check.whole("size.min", given["min"], 0, Math.min(now.min, max))
    if (min > max) check.refuse("size.min", min, `at most size.max, ${max}`)
    if (min > 0 && options.acquire === undefined) {
      check.refuse("size.min", min, "0 without acquire: nothing could be made")
    }
    return { min, max }
  } catch (error) {
    if (error instanceof InvalidPoolOptions) return Effect.fail(error)
    throw error
  }
}

/** The request of one borrow. Nonsense throws an `InvalidPoolOptions`: a defect of the borrower. */
export const toRequest = <A, D>(
  options: Resolved<A, D>,
  borrow: BorrowOptions<A, D> | undefined,
  queues: boolean,
  site?: Site
): Request<A, D> => {
  if (borrow === undefined) {
    return { timeout: options.borrowTimeout, where: undefined, priority: 0, leaseTimeout: undefined, queues, site }
  }
  const check = checks(options.name)
  check.known("", borrow, borrowKeys)
  const priority = borrow.priority ?? 0
  if (typeof priority !== "number" || Number.isNaN(priority)) check.refuse("priority", priority, "a number", "text")
  return {
    timeout: check.duration("timeout", borrow.timeout, options.borrowTimeout, "zero"),
    where: check.call("where", borrow.where),
    priority,
    leaseTimeout: optional(borrow.leaseTimeout, check),
    queues,
    site
  }
}

/** The lease time-out of one added object. Nonsense throws an `InvalidPoolOptions`: a defect of the caller. */
export const toLeaseTimeout = <A, D, R>(name: string, options: AddOptions<A, D, R> | undefined): number | undefined => {
  const check = checks(name)
  check.known("", options, addKeys)
  check.call("release", options?.release)
  return optional(options?.leaseTimeout, check)
}

const optional = (value: Duration.Input | undefined, check: ReturnType<typeof checks>): number | undefined =>
  value === undefined ? undefined : check.duration("leaseTimeout", value, Infinity)
