/**
 * Options as the pool uses them: every default filled in, durations in milliseconds, nonsense refused.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { InvalidPoolOptions } from "../../PoolError.ts"
import type { BorrowOptions, PoolOptions } from "../../PoolOptions.ts"
import { bears, toLimits } from "../object/allowances.ts"
import { toFacet } from "../object/facets.ts"
import { isPrimitive } from "../state/entry.ts"
import { Pooled } from "../state/pooled.ts"
import type { ClassLimits, Resolved } from "../state/settings.ts"
import { borrowKeys, checks, levels, optional, refuseEffect } from "../state/validation.ts"
import type { Request } from "../state/waiters.ts"
import { scoreOf } from "../structures/selection/affinity.ts"
import { toPolicy } from "../structures/selection/policy.ts"
import type { Site } from "../structures/site.ts"
import { isRecord } from "../structures/times.ts"

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
  unknown,
  string,
  string
>

type Checks = ReturnType<typeof checks>

/** The time of a hook in milliseconds; 5 seconds where none is given. */
export const toHookTimeout = (check: Checks, value: unknown): number => check.duration("hookTimeout", value, 5_000)

/** The name in the options of a pool, or the usual one. Throws `InvalidPoolOptions`, also where there are no options. */
export const toName = (options: { readonly name?: unknown } | undefined, usual: string): string => {
  const check = checks(usual)
  if (typeof options !== "object" || options === null) return check.refuse("options", options, "a record of options")
  return check.text("name", options.name, usual)
}

export const resolve = <A, D>(name: string, options: AnyOptions<A, D>): Resolved<A, D> => {
  const check = checks(name)
  // the name may be the id of a tag, from code without types
  if (typeof name !== "string") checks("PoolService").text("name", name, "")
  check.record("", options)
  const size = check.record("size", options.size)
  const detection = check.record("detection", options.detection)
  const closing = check.record("closing", options.closing)
  const creation = check.record("creation", options.creation)
  const lifetime = check.record("lifetime", options.lifetime)

  const acquire = options.acquire
  if (acquire !== undefined && !Effect.isEffect(acquire) && typeof acquire !== "function") {
    check.refuse("acquire", acquire, "an effect, or a function that answers with one")
  }
  const objects = toDistinct(check, options.objects)
  const bounds = toBounds(check, size, objects.length, acquire !== undefined)
  const sharing = toSharing<A, D>(check, options.sharing)
  const policy = toPolicy(options.select) ??
    check.refuse("select", options.select, "a selector, { weight }, { rank }, or a function", "text")
  const detectStatus = check.call("detectStatus", options.detectStatus)
  const leaseWarning = check.duration("leaseWarning", options.leaseWarning, Infinity)

  return {
    name,
    acquire,
    objects,
    data: toData(check, options.data),
    size: bounds,
    policy,
    allowance: toAllowance(check, options.allowance),
    remember: toRemember(check, options.remember),
    ...sharing,
    classes: toClasses(check, options.classes, bounds.max * sharing.sharing),
    maxWaiters: check.most("maxWaiters", options.maxWaiters, 0, Infinity),
    overload: toOverload(check, options.overload),
    waitsForResting: check.flag("waitsForResting", options.waitsForResting, false),
    borrowTimeout: check.duration("borrowTimeout", options.borrowTimeout, 30_000, "zero"),
    leaseTimeout: toLeaseTimeout(check, options.leaseTimeout),
    leaseWarning: leaseWarning === Infinity ? undefined : leaseWarning,
    capturesSite: check.flag("captureBorrowSite", options.captureBorrowSite, false),
    onLeaseExpired: whenExpired(options.onLeaseExpired, detectStatus !== undefined, check.refuse),
    pack: check.call("pack", options.pack),
    judge: check.call("judge", options.judge),
    detectStatus,
    detection: toDetection(check, detection),
    creation: toCreation(check, creation),
    asks: options.onBorrow !== undefined || policy.kind === "custom" || typeof options.leaseTimeout === "function",
    onBorrow: check.call("onBorrow", options.onBorrow),
    onRelease: check.call("onRelease", options.onRelease),
    lifetime: toLifetime(check, lifetime),
    hookTimeout: toHookTimeout(check, options.hookTimeout),
    closing: toClosing(check, closing)
  }
}

/** What makes the data of an object. */
const toData = <A, D>(check: Checks, data: AnyOptions<A, D>["data"]): Resolved<A, D>["data"] => {
  refuseEffect(check, data)
  if (typeof data !== "function") return () => data as D
  const make = data as Resolved<A, D>["data"]
  return (object, key) => refuseEffect(check, make(object, key))
}

const toDistinct = <A>(check: Checks, given: Iterable<A> | undefined): ReadonlyArray<A> => {
  const objects = iterate(given) ?? check.refuse("objects", given, "an iterable")
  const twice = duplicate(objects)
  if (twice !== undefined) check.refuse("objects", twice, "each object once")
  return objects
}

const toBounds = (
  check: Checks,
  size: Record<string, unknown>,
  objects: number,
  makes: boolean
): Resolved<never, never>["size"] => {
  const max = check.most("size.max", size["max"], 1, makes ? 10 : Infinity)
  if (objects > max) check.refuse("size.max", max, `at least the number of objects given, ${objects}`)
  const min = check.whole("size.min", size["min"], 0, 0)
  const spare = check.whole("size.spare", size["spare"], 0, 0)
  checkKept(check, { min, max, spare }, makes)
  return { min, max, spare }
}

/** Refuses more objects to keep than there may be, or could be made. */
const checkKept = (check: Checks, size: Resolved<never, never>["size"], makes: boolean): void => {
  for (const key of ["min", "spare"] as const) {
    const kept = size[key]
    if (kept > size.max) check.refuse(`size.${key}`, kept, `at most size.max, ${size.max}`)
    if (kept > 0 && !makes) check.refuse(`size.${key}`, kept, "0 without acquire: nothing could be made")
  }
}

const toSharing = <A, D>(
  check: Checks,
  given: AnyOptions<A, D>["sharing"]
): Pick<Resolved<A, D>, "sharing" | "capacity"> =>
  typeof given === "function"
    ? { sharing: Infinity, capacity: (entry) => check.most("sharing", given(entry.pooled) ?? null, 1, 1) }
    : { sharing: check.most("sharing", given, 1, 1), capacity: undefined }

/** The classes, and that of those who name none. `places`: how many leases there may be at once. */
const toClasses = (check: Checks, given: unknown, places: number): Resolved<never, never>["classes"] => {
  if (given === undefined) return undefined
  const names = Object.keys(check.known("classes", given, isRecord(given) ? Object.keys(given) : []))
  if (names.length === 0) return undefined
  let left = places
  const classes: Array<ClassLimits> = names.map((name) => {
    const limits = toClass(check, name, (given as Record<string, unknown>)[name])
    if (limits.reserve > left) {
      const allowed = `at most ${left}, so that the reserves of all are no more than size.max`
      check.refuse(`classes.${name}.reserve`, limits.reserve, allowed)
    }
    left -= limits.reserve
    return limits
  })
  return [...classes, { name: undefined, reserve: 0, most: Infinity, weight: 1 }]
}

const toClass = (check: Checks, name: string, given: unknown): ClassLimits => {
  const path = `classes.${name}`
  const limits = check.known(path, given ?? null, levels.class)
  const reserve = check.whole(`${path}.reserve`, limits["reserve"], 0, 0)
  const most = check.most(`${path}.most`, limits["most"], 1, Infinity)
  if (most < reserve) check.refuse(`${path}.most`, most, `at least its reserve, ${reserve}`)
  const weight = limits["weight"] ?? 1
  return typeof weight === "number" && weight >= leastWeight && weight <= mostWeight
    ? { name, reserve, most, weight }
    : check.refuse(`${path}.weight`, weight, `a number from ${leastWeight} to ${mostWeight}`, "text")
}

/** Beyond these, turns would be lost in the digits of a number. */
const leastWeight = 0.001
const mostWeight = 1000

const toAllowance = <A, D>(check: Checks, given: AnyOptions<A, D>["allowance"]): Resolved<A, D>["allowance"] => {
  if (given === undefined) return undefined
  if (typeof given === "function") {
    return { of: (entry) => toLimits(check, given(entry.pooled)), same: undefined }
  }
  const limits = toLimits(check, given)
  return { of: () => limits, same: limits }
}

const toOverload = (check: Checks, given: unknown): Resolved<never, never>["overload"] => {
  if (given === undefined) return undefined
  const { interval, target } = check.record("overload", given)
  const millis = check.duration("overload.target", target ?? null, Infinity)
  return { target: millis, interval: check.duration("overload.interval", interval, 20 * millis) }
}

const toRemember = <A, D>(check: Checks, given: AnyOptions<A, D>["remember"]): Resolved<A, D>["remember"] => {
  if (given === undefined) return undefined
  const key: unknown = check.record("remember", given)["key"]
  return typeof key === "function"
    ? key as NonNullable<Resolved<A, D>["remember"]>
    : check.refuse("remember.key", key, "a function")
}

const toLeaseTimeout = <A, D>(
  check: Checks,
  leaseTimeout: AnyOptions<A, D>["leaseTimeout"]
): Resolved<A, D>["leaseTimeout"] => {
  if (typeof leaseTimeout === "function") {
    return (entry) => check.duration("leaseTimeout", leaseTimeout(entry.pooled), Infinity)
  }
  return leaseTimeout === undefined ? undefined : always(check.duration("leaseTimeout", leaseTimeout, Infinity))
}

const toDetection = <A, D>(check: Checks, detection: Record<string, unknown>): Resolved<A, D>["detection"] => ({
  onAdd: check.flag("detection.onAdd", detection["onAdd"], true),
  trustFor: toTrust(detection["onBorrow"], check),
  onRelease: check.flag("detection.onRelease", detection["onRelease"], false),
  concurrency: check.most("detection.concurrency", detection["concurrency"], 1, 10),
  timeout: check.duration("detection.timeout", detection["timeout"], 5_000),
  dormantFor: check.duration("detection.dormantFor", detection["dormantFor"], 30_000),
  every: detection["every"] === undefined || Schedule.isSchedule(detection["every"])
    ? detection["every"] as Schedule.Schedule<unknown> | undefined
    : check.duration("detection.every", detection["every"], Infinity),
  retry: retryUnknown(check.schedule("detection.retry", detection["retry"]))
})

const toCreation = (check: Checks, creation: Record<string, unknown>): Resolved<never, never>["creation"] => ({
  concurrency: check.most("creation.concurrency", creation["concurrency"], 1, Infinity),
  timeout: check.duration("creation.timeout", creation["timeout"], 30_000),
  retry: check.schedule("creation.retry", creation["retry"])
})

const toLifetime = (check: Checks, lifetime: Record<string, unknown>): Resolved<never, never>["lifetime"] => ({
  timeToLive: check.duration("lifetime.timeToLive", lifetime["timeToLive"], Infinity),
  idleTimeToLive: check.duration("lifetime.idleTimeToLive", lifetime["idleTimeToLive"], Infinity),
  maxBorrows: check.most("lifetime.maxBorrows", lifetime["maxBorrows"], 1, Infinity),
  jitter: check.fraction("lifetime.jitter", lifetime["jitter"], 0.1)
})

const toClosing = (check: Checks, closing: Record<string, unknown>): Resolved<never, never>["closing"] => ({
  timeout: check.duration("closing.timeout", closing["timeout"], 30_000, "zero"),
  waiters: check.one("closing.waiters", closing["waiters"], ["fail", "serve"]) ?? "fail"
})

const always = (millis: number): (() => number) | undefined => millis === Infinity ? undefined : () => millis

/** The objects that `addAll` was given. Throws `InvalidPoolOptions` where they are no iterable. */
export const toObjects = <A>(name: string, objects: Iterable<A>): ReadonlyArray<A> =>
  (objects === undefined ? undefined : iterate(objects)) ?? checks(name).refuse("objects", objects, "an iterable")

const iterate = <A>(objects: Iterable<A> | undefined): ReadonlyArray<A> | undefined => {
  if (objects === undefined) return []
  return objects !== null && typeof objects[Symbol.iterator] === "function" ? [...objects] : undefined
}

/** An object, not a primitive, that is in a list twice. */
const duplicate = (objects: ReadonlyArray<unknown>): unknown => {
  const seen = new Set<unknown>()
  return objects.find((object) => !isPrimitive(object) && seen.size === seen.add(object).size)
}

const toTrust = (value: unknown, check: Checks): number | undefined => {
  if (value === undefined) return 500
  if (typeof value === "boolean") return value ? 0 : undefined
  const { trustFor } = check.record("detection.onBorrow", value)
  if (trustFor === undefined) return check.refuse("detection.onBorrow.trustFor", trustFor, "a duration, zero or longer")
  return check.duration("detection.onBorrow.trustFor", trustFor, 0, "zero")
}

/** The usual `detection.retry`: exponential from 100 millis, jittered, capped at 30 seconds. */
const usualRetry = Schedule.min([Schedule.jittered(Schedule.exponential("100 millis")), Schedule.spaced("30 seconds")])

const retryUnknown = <A, D>(
  given: Schedule.Schedule<unknown> | undefined
): Resolved<A, D>["detection"]["retry"] => {
  if (given !== undefined) return () => given
  const fiveTimes = Schedule.upTo(usualRetry, { times: 5 })
  return (entry) => entry.scope === undefined ? usualRetry : fiveTimes
}

const whenExpired = <A, D>(
  value: unknown,
  detects: boolean,
  refuse: Checks["refuse"]
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

/** Refuses a size that has no room for what the classes have in reserve. */
export const checkReserved = <A, D>(
  check: Checks,
  { classes = [], sharing }: Pick<Resolved<A, D>, "classes" | "sharing">,
  max: number
): void => {
  const reserved = classes.reduce((sum, { reserve }) => sum + reserve, 0)
  if (reserved > max * sharing) {
    check.refuse("size.max", max, `at least as many as the classes have in reserve, ${reserved}`)
  }
}

/** What `resize` is given. */
export type Bounds = Pick<NonNullable<AnyOptions<unknown, unknown>["size"]>, "min" | "max" | "spare">

/**
 * The bounds that `resize` asks for, or the failure that says why they make no sense. `isWhole`: the classes of borrowers are of
 * this pool alone, and not of many keys.
 */
export const toSize = <A, D>(
  options: Resolved<A, D>,
  size: Bounds,
  now: Resolved<A, D>["size"],
  added: number,
  isWhole: boolean
): Resolved<A, D>["size"] | Effect.Effect<never, InvalidPoolOptions> => {
  const check = checks(options.name)
  try {
    const given = check.record("size", size)
    const max = check.most("size.max", given["max"], 1, now.max)
    if (added > max) check.refuse("size.max", max, `at least the number of added objects, ${added}`)
    const min = check.whole("size.min", given["min"], 0, Math.min(now.min, max))
    if (isWhole) checkReserved(check, options, max)
    const spare = check.whole("size.spare", given["spare"], 0, Math.min(now.spare, max))
    checkKept(check, { min, max, spare }, options.acquire !== undefined)
    return { min, max, spare }
  } catch (error) {
    if (error instanceof InvalidPoolOptions) return Effect.fail(error)
    throw error
  }
}

/**
 * How many objects a borrower wants at once, or the failure that says why that makes no sense. `max`: how many there may be;
 * `most`: how many his class may have, and the reserves of others leave it.
 */
export const toMany = (
  name: string,
  n: unknown,
  { called, max }: { readonly max: number; readonly called: string },
  most = Infinity
): number | Effect.Effect<never, InvalidPoolOptions> => {
  const check = checks(name)
  try {
    const many = check.whole("n", n, 1)
    if (many > max) check.refuse("n", many, `at most ${called}, ${max}`)
    return many > most ? check.refuse("n", many, `at most what the classes leave the borrower, ${most}`) : many
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
    return {
      timeout: options.borrowTimeout,
      where: undefined,
      wants: undefined,
      facet: undefined,
      favours: undefined,
      priority: 0,
      leaseTimeout: undefined,
      cost: 1,
      queues,
      site,
      classAt: options.classes && options.classes.length - 1
    }
  }
  const check = checks(options.name)
  check.known("", borrow, borrowKeys)
  const priority = borrow.priority ?? 0
  const cost = toCost(check, borrow.cost)
  const facet = toFacet(options.name, borrow.facet)
  const wants = affordable(options, cost, facet, check.call("where", borrow.where))
  if (typeof priority !== "number" || Number.isNaN(priority)) check.refuse("priority", priority, "a number", "text")
  return {
    timeout: check.duration("timeout", borrow.timeout, options.borrowTimeout, "zero"),
    favours: toFavours(check, borrow),
    where: isOpen(facet, wants),
    wants,
    facet,
    priority,
    leaseTimeout: optional(borrow.leaseTimeout, check),
    cost,
    queues,
    site,
    classAt: toClassAt(check, options.classes, borrow.class)
  }
}

/** The place of a class among those of the pool: the last for who names none. */
const toClassAt = (check: Checks, classes: Resolved<never, never>["classes"], name: unknown): number | undefined => {
  if (name === undefined) return classes && classes.length - 1
  const at = classes?.findIndex((each) => each.name === name) ?? -1
  return at === -1 ? refuseClass(check, name, (classes ?? []).flatMap((each) => each.name ?? [])) : at
}

/** Refuses what is none of the classes of a pool. */
export const refuseClass = (check: Checks, name: unknown, classes: ReadonlyArray<string>): never => {
  const allowed = classes.map((each) => JSON.stringify(each)).join(" or ")
  return check.refuse("class", name, allowed || "left out: the pool has no classes", "text")
}

const toCost = (check: Checks, cost: unknown): number => {
  if (cost === undefined) return 1
  return typeof cost === "number" && cost >= 0 && cost < Infinity
    ? cost
    : check.refuse("cost", cost, "a number, zero or more", "text")
}

/** Adds to a `where` that an object can bear the cost. Every object can bear one unit. */
const affordable = <A, D>(
  { allowance }: Resolved<A, D>,
  cost: number,
  facet: string | undefined,
  where: Request<A, D>["where"]
): Request<A, D>["where"] => {
  if (allowance === undefined || cost <= 1) return where
  if (allowance.same !== undefined && bears(allowance.same, cost, facet)) return where
  return (pooled) =>
    Pooled.entryOf<A, D>(pooled)?.allowances?.fits(cost, facet) !== false && (where === undefined || where(pooled))
}

/** What a borrower prefers; of that, what its affinity gives to it. */
const toFavours = <A, D>(check: Checks, borrow: BorrowOptions<A, D>): Request<A, D>["favours"] => {
  const prefer = check.call("prefer", borrow.prefer)
  const { affinity } = borrow
  if (affinity !== undefined && typeof affinity !== "string") check.refuse("affinity", affinity, "a text")
  if (prefer === undefined && affinity === undefined) return undefined
  const score = affinity === undefined ? undefined : scoreOf(affinity)
  return (fitting) => {
    const preferred = prefer === undefined ? [] : fitting.filter(({ pooled }) => prefer(pooled))
    const all = preferred.length > 0 ? preferred : fitting
    if (score === undefined || all.length < 2) return all
    return [all.reduce((best, entry) => score(entry.id) > score(best.id) ? entry : best)]
  }
}

/** Adds to a `where` that an object does not rest for borrowers of a facet. */
const isOpen = <A, D>(facet: string | undefined, wants: Request<A, D>["where"]): Request<A, D>["where"] =>
  facet === undefined
    ? wants
    : (pooled) =>
      Pooled.entryOf<A, D>(pooled)?.facets?.isOpen(facet) !== false && (wants === undefined || wants(pooled))
