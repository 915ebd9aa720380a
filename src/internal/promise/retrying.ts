/**
 * Schedules, for those who have numbers.
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import type { checks } from "../state/validation.ts"
import { isRecord } from "../structures/times.ts"

type Checks = ReturnType<typeof checks>

const keys = ["times", "delay", "factor", "maxDelay"]

/** How long it is between attempts at most, in milliseconds, unless the first delay is longer. */
const usualMost = 30_000

const toSchedule = (check: Checks, option: string, given: object): Schedule.Schedule<unknown> => {
  const { delay: _delay, factor = 2, maxDelay, times } = check.known(option, given, keys)
  const bound = check.most(`${option}.times`, times, 0, NaN)
  if (Number.isNaN(bound)) return check.refuse(`${option}.times`, times, "a whole number, at least 0")
  const delay = check.duration(`${option}.delay`, _delay, 100)
  if (typeof factor !== "number" || !(factor >= 1 && factor < Infinity)) {
    return check.refuse(`${option}.factor`, factor, "a number, at least 1", "text")
  }
  const most = check.duration(`${option}.maxDelay`, maxDelay, Math.max(delay, usualMost))
  if (most < delay) return check.refuse(`${option}.maxDelay`, maxDelay, `at least ${option}.delay`, "text")
  const growing = Schedule.exponential(Duration.millis(delay), factor)
  const delays = most === Infinity ? growing : Schedule.min([growing, Schedule.spaced(Duration.millis(most))])
  return bound === Infinity ? delays : Schedule.upTo(delays, { times: bound })
}

/** The options of a group, whose `retry` is a schedule where it was numbers. */
export const withSchedule = <O>(check: Checks, group: string, options: O): O => {
  // the pool says what is wrong with a group that is none
  if (!isRecord(options) || !("retry" in options) || options.retry === undefined) return options
  const option = `${group}.retry`
  const { retry } = options
  if (Schedule.isSchedule(retry)) return options
  if (typeof retry === "number" || retry === "Infinity") {
    return { ...options, retry: toSchedule(check, option, { times: check.most(option, retry, 0, 0) }) }
  }
  if (!isRecord(retry)) return check.refuse(option, retry, "a number, a record with times, or a schedule", "text")
  return { ...options, retry: toSchedule(check, option, retry) }
}
