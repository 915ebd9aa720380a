/**
 * What a sound value of each kind of option is, and the failure that says what is wrong with another.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { InvalidPoolOptions } from "../PoolError.ts"
import { isPrimitive } from "./registry.ts"

/** The keys that each level knows. Another is a mistake, not a wish. */
const known = {
  "": [
    "name",
    "acquire",
    "objects",
    "data",
    "size",
    "select",
    "maxWaiters",
    "borrowTimeout",
    "leaseTimeout",
    "leaseWarning",
    "captureBorrowSite",
    "onLeaseExpired",
    "pack",
    "detectStatus",
    "detection",
    "creation",
    "onBorrow",
    "onRelease",
    "hookTimeout",
    "lifetime",
    "sharing",
    "closing"
  ],
  size: ["min", "max"],
  detection: ["onAdd", "onBorrow", "onRelease", "concurrency", "timeout", "dormantFor", "every", "retry"],
  "detection.onBorrow": ["trustFor"],
  creation: ["concurrency", "timeout", "retry"],
  lifetime: ["timeToLive", "idleTimeToLive", "maxBorrows", "jitter"],
  closing: ["waiters", "timeout"]
} as const

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value === "function") return "a function"
  if (isPrimitive(value)) return Object.is(value, -0) ? "-0" : String(value)
  if (Duration.isDuration(value)) return Duration.format(value)
  return Array.isArray(value) ? "an array" : "an object"
}

/** Checks of one pool's options. Each throws the `InvalidPoolOptions` that says what is wrong. */
export const checks = (pool: string) => {
  const refuse = (option: string, value: unknown, allowed: string): never => {
    throw new InvalidPoolOptions({ pool, option, value: show(value), allowed })
  }
  return {
    refuse,
    record: (path: keyof typeof known, value: unknown): Record<string, unknown> => {
      if (value === undefined) return {}
      if (typeof value !== "object" || value === null) return refuse(path, value, "a record of options")
      const allowed: ReadonlyArray<string> = known[path]
      for (const key of Object.keys(value)) {
        if (!allowed.includes(key)) {
          refuse(
            path === "" ? key : `${path}.${key}`,
            (value as Record<string, unknown>)[key],
            `only ${allowed.join(", ")}`
          )
        }
      }
      return value as Record<string, unknown>
    },
    whole: (option: string, value: unknown, least: number, unset: number): number => {
      if (value === undefined) return unset
      if (!Number.isSafeInteger(value) || (value as number) < least) {
        return refuse(option, value, `a whole number, at least ${least}`)
      }
      return value as number
    },
    flag: (option: string, value: unknown, unset: boolean): boolean => {
      if (value === undefined) return unset
      return typeof value === "boolean" ? value : refuse(option, value, "true or false")
    },
    /** Milliseconds. */
    duration: (option: string, value: unknown, unset: number, zero: "zero" | "no zero" = "no zero"): number => {
      if (value === undefined) return unset
      // effect takes NaN for zero
      const millis = Number.isNaN(value) ? NaN : Option.match(Duration.fromInput(value as Duration.Input), {
        onNone: () => NaN,
        onSome: Duration.toMillis
      })
      if (millis > 0 || (millis === 0 && zero === "zero")) return millis
      return refuse(option, value, zero === "zero" ? "a duration, zero or longer" : "a duration longer than zero")
    },
    /** From 0 to below 1. */
    fraction: (option: string, value: unknown, unset: number): number => {
      if (value === undefined) return unset
      if (typeof value === "number" && value >= 0 && value < 1) return value
      return refuse(option, value, "a number from 0 to below 1")
    },
    one: <T extends string>(option: string, value: unknown, allowed: ReadonlyArray<T>): T | undefined => {
      if (value === undefined || allowed.includes(value as T)) return value as T | undefined
      return refuse(option, value, allowed.map((each) => JSON.stringify(each)).join(" or "))
    },
    schedule: (option: string, value: unknown): Schedule.Schedule<unknown> | undefined => {
      if (value === undefined || Schedule.isSchedule(value)) return value as Schedule.Schedule<unknown> | undefined
      return refuse(option, value, "a schedule")
    },
    call: <F>(option: string, value: F | undefined): F | undefined =>
      value === undefined || typeof value === "function" ? value : refuse(option, value, "a function")
  }
}
