/**
 * What a sound value of each kind of option is, and the failure that says what is wrong with another.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { InvalidPoolOptions } from "../../PoolError.ts"
import type { AddOptions } from "../../PoolOptions.ts"
import { aDuration, isRecord, toMillis } from "../structures/times.ts"
import { isPrimitive } from "./entry.ts"

/** The lease time-out of one added object. Nonsense throws an `InvalidPoolOptions`: a defect of the caller. */
export const toLeaseTimeout = <A, D, R>(name: string, options: AddOptions<A, D, R> | undefined): number | undefined => {
  const check = checks(name)
  check.known("", options, addKeys)
  if (check.call("destroy", options?.destroy) !== undefined && options?.release !== undefined) {
    check.refuse("release", options.release, "left out where `destroy` is given, which is its new name")
  }
  check.call("release", options?.release)
  refuseEffect(check, options?.data)
  return optional(options?.leaseTimeout, check)
}

/** Data is kept as it is: an effect would be as well, and never run. */
export const refuseEffect = <D>(check: ReturnType<typeof checks>, data: D): D =>
  Effect.isEffect(data)
    ? check.refuse("data", data, "a value, or a function that makes one, and no effect")
    : data

export const optional = (value: Duration.Input | undefined, check: ReturnType<typeof checks>): number | undefined =>
  value === undefined ? undefined : check.duration("leaseTimeout", value, Infinity)

/** The keys that each level knows. Another is a mistake, not a wish. */
export const levels = {
  "": [
    "name",
    "acquire",
    "objects",
    "data",
    "size",
    "select",
    "classes",
    "maxWaiters",
    "overload",
    "waitsForResting",
    "borrowTimeout",
    "leaseTimeout",
    "leaseWarning",
    "captureBorrowSite",
    "onLeaseExpired",
    "pack",
    "judge",
    "detectStatus",
    "detection",
    "creation",
    "onBorrow",
    "onRelease",
    "hookTimeout",
    "lifetime",
    "sharing",
    "allowance",
    "remember",
    "closing"
  ],
  size: ["min", "max", "spare"],
  detection: ["onAdd", "onBorrow", "onRelease", "concurrency", "timeout", "dormantFor", "every", "retry"],
  "detection.onBorrow": ["trustFor"],
  creation: ["concurrency", "timeout", "retry"],
  lifetime: ["timeToLive", "idleTimeToLive", "maxBorrows", "jitter"],
  overload: ["target", "interval"],
  class: ["reserve", "most", "weight"],
  remember: ["key"],
  closing: ["waiters", "timeout"]
} as const

/** The keys of the options that an operation is given. */
export const borrowKeys = [
  "timeout",
  "where",
  "priority",
  "leaseTimeout",
  "cost",
  "prefer",
  "affinity",
  "facet",
  "class"
] as const

export const withKeys = [...borrowKeys, "failover"] as const

const addKeys = ["data", "leaseTimeout", "destroy", "release"] as const

/** A text of a few words, as in durations, numbers and names of choices: no secret or address looks like that. */
const plain = /^[\w .+-]{0,16}$/

/** A value for a message. A text is quoted only where it may stand, and is plain: it may be a secret that was misplaced. */
const show = (value: unknown, text: "text" | "no text"): string => {
  if (typeof value === "string") return text === "text" && plain.test(value) ? JSON.stringify(value) : "a text"
  if (typeof value === "function") return "a function"
  if (typeof value === "symbol") return "a symbol"
  if (isPrimitive(value)) return Object.is(value, -0) ? "-0" : typeof value === "bigint" ? `${value}n` : String(value)
  try {
    return kindOf(value)
  } catch {
    return "what cannot be looked at"
  }
}

const kindOf = (value: unknown): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  if (Predicate.isDate(value) && Number.isNaN(value.getTime())) return "an invalid date"
  return Array.isArray(value) ? "an array" : "an object"
}

const refuseUnknown = (pool: string, path: string, value: object, keys: ReadonlyArray<string>): void => {
  const key = Object.keys(value).find((key) => !keys.includes(key))
  if (key === undefined) return
  // never the value of an unknown option: nobody knows what it is
  const option = path === "" ? key : `${path}.${key}`
  throw new InvalidPoolOptions({ pool, option, value: "not known", allowed: `only ${keys.join(", ")}` })
}

/** Checks of one pool's options. Each throws the `InvalidPoolOptions` that says what is wrong. */
export const checks = (pool: string) => {
  const refuse = (option: string, value: unknown, allowed: string, text: "text" | "no text" = "no text"): never => {
    throw new InvalidPoolOptions({ pool, option, value: show(value, text), allowed })
  }
  const known = (path: string, value: unknown, keys: ReadonlyArray<string>): Record<string, unknown> => {
    if (value === undefined) return {}
    if (!isRecord(value)) return refuse(path || "options", value, "a record of options")
    refuseUnknown(pool, path, value, keys)
    return value as Record<string, unknown>
  }
  /** Without `unset`, the number has to be given. */
  const whole = (option: string, value: unknown, least: number, unset?: number): number => {
    if (value === undefined && unset !== undefined) return unset
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number
    const allowed = `a whole number, at least ${least}`
    const huge = typeof value === "number" && value > Number.MAX_SAFE_INTEGER
    return refuse(option, value, huge ? `${allowed} and at most ${Number.MAX_SAFE_INTEGER}` : allowed, "text")
  }
  return {
    refuse,
    known,
    record: (path: keyof typeof levels, value: unknown): Record<string, unknown> => known(path, value, levels[path]),
    whole,
    /** An upper bound on a number; `Infinity`, or "Infinity": no bound. */
    most: (option: string, value: unknown, least: number, unset: number): number =>
      value === Infinity || value === "Infinity" ? Infinity : whole(option, value, least, unset),
    text: (option: string, value: unknown, unset: string): string => {
      if (value === undefined) return unset
      return typeof value === "string" ? value : refuse(option, value, "a text")
    },
    flag: (option: string, value: unknown, unset: boolean): boolean => {
      if (value === undefined) return unset
      return typeof value === "boolean" ? value : refuse(option, value, "true or false", "text")
    },
    /** A duration, in milliseconds. */
    duration: (option: string, value: unknown, unset: number, zero: "zero" | "no zero" = "no zero"): number => {
      if (value === undefined) return unset
      const millis = toMillis(value)
      if (millis !== undefined && (millis > 0 || zero === "zero")) return millis
      return refuse(
        option,
        value,
        zero === "zero" ? aDuration : "a duration longer than zero",
        "text"
      )
    },
    /** A number from 0 to below 1. */
    fraction: (option: string, value: unknown, unset: number): number => {
      if (value === undefined) return unset
      if (typeof value === "number" && value >= 0 && value < 1) return value
      return refuse(option, value, "a number from 0 to below 1", "text")
    },
    one: <T extends string>(option: string, value: unknown, allowed: ReadonlyArray<T>): T | undefined => {
      if (value === undefined || allowed.includes(value as T)) return value as T | undefined
      return refuse(option, value, allowed.map((each) => JSON.stringify(each)).join(" or "), "text")
    },
    schedule: (option: string, value: unknown): Schedule.Schedule<unknown> | undefined => {
      if (value === undefined || Schedule.isSchedule(value)) return value as Schedule.Schedule<unknown> | undefined
      return refuse(option, value, "a schedule")
    },
    call: <F>(option: string, value: F | undefined): F | undefined =>
      value === undefined || typeof value === "function" ? value : refuse(option, value, "a function")
  }
}
