/**
 * What a duration is, and what a moment: whatever is given at run time is looked at before it is believed.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

const units = ["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"]

/** Milliseconds, zero or more; `undefined` for what is no duration. */
export const toMillis = (value: unknown): number | undefined => {
  try {
    // NaN, and a record without units, are no durations, though effect takes both for zero
    if (Number.isNaN(value) || (isRecord(value) && !hasUnits(value))) return undefined
    const duration = Option.getOrUndefined(Duration.fromInput(value as Duration.Input))
    const millis = duration === undefined ? NaN : Duration.toMillis(duration)
    return millis >= 0 ? millis : undefined
  } catch {
    return undefined
  }
}

/** A record: neither an array nor a duration. */
export const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !Duration.isDuration(value)

const hasUnits = (value: object): boolean => {
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => units.includes(key))
}

/** Milliseconds since 1970; `undefined` for what is no moment, or none that a date can say. */
export const toMoment = (value: unknown): number | undefined => {
  try {
    const millis = DateTime.isDateTime(value)
      ? DateTime.toEpochMillis(value)
      : Predicate.isDate(value)
      ? value.getTime()
      : typeof value === "number"
      ? value
      : NaN
    return Math.abs(millis) <= 8.64e15 ? millis : undefined
  } catch {
    return undefined
  }
}

/** What a duration is to be, said to who has given another value. */
export const aDuration = "a duration, zero or longer"

export const aMoment = "a DateTime, a Date, or milliseconds"

/** A time that has passed; clocks that are shown may be set back. */
export const span = (millis: number): Duration.Duration => Duration.millis(Math.max(0, Math.round(millis)))
