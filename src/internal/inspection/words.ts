/** How what is seen is said. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { PoolEvent } from "../../PoolEvent.ts"

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** A time as a person says it: two figures are enough. */
export const span = (millis: number): string => {
  if (millis < 999.5) return `${Math.max(0, Math.round(millis))} ms`
  const seconds = millis / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 119.5) return `${Math.round(seconds)} s`
  const minutes = seconds / 60
  if (minutes < 119.5) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  return hours < 47.5 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} d`
}

/** The time of day. */
export const clockTime = (millis: number): string =>
  `${DateTime.formatIso(DateTime.makeUnsafe(millis)).slice(11, 19)} UTC`

/** No longer than so, and no character cut in two; a text of a user may be anything. */
export const short = (text: string, most = 200): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`

/** What would move the cursor of a terminal, change its colours, or turn its text around. */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** What joins or parts the signs beside it, as in many a picture and in several alphabets. */
const joiners =
  /(?<=[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d](?=[\p{L}\p{Extended_Pictographic}])/u

/** A text for a terminal: what it would obey instead of showing it is taken out. */
export const plain = (text: string): string =>
  text.replace(new RegExp(`(${joiners.source})|${unprintable.source}`, "gu"), (_, joiner?: string) => joiner ?? "�")

/**
 * What a program calls a failure by: an identifier as the constants of Node, a word, or a code of SQL. A value that is
 * none of these may be anything, a key or an address with its password as well.
 */
const identifier = /^(?:[A-Z][A-Z0-9_]{0,39}|[A-Za-z][A-Za-z_]{0,39}|[A-Z0-9]{5})$/
/** As an identifier, with the path of what it belongs to. */
const tagged = /^[A-Za-z_][\w./-]{0,59}$/

const isTag = (value: unknown): value is string => typeof value === "string" && tagged.test(value)

const codeOf = (code: unknown): string | undefined => {
  if (typeof code === "string") return identifier.test(code) ? code : undefined
  return typeof code === "number" && Number.isSafeInteger(code) ? `code ${code}` : undefined
}

/**
 * The name of a failure, without its message: that of a failed connection may well hold its password. What has a code is
 * named by it, wherever it is in the chain of causes; then comes the tag, then the name.
 */
export const nameOfFailure = (failure: unknown): string => {
  let tag: string | undefined
  try {
    for (let at = failure, depth = 0; typeof at === "object" && at !== null && depth < 5; depth++) {
      const { _tag, cause, code, name, reason } = at as Record<string, unknown>
      const named = codeOf(code)
      if (named !== undefined) return named
      tag ??= [_tag, name].find(isTag)
      at = cause ?? reason
    }
  } catch {
    // it throws when it is looked at: what is known of it will do
  }
  return tag ?? (failure === null ? "null" : typeof failure === "object" ? "an object" : typeof failure)
}

/** The name of a pool, which is only a text where somebody has seen to that. */
export const nameOfPool = (core: { readonly options: { readonly name: unknown } }): string => {
  try {
    const { name } = core.options
    return typeof name === "string" ? short(name) : `(a ${typeof name}, no name)`
  } catch {
    return "(no name)"
  }
}

type Rested = Extract<PoolEvent, { readonly _tag: "Rested" }>

/** What keys are called, by what a user has said of them: nothing where that is nothing, or throws. */
export const namingKeys =
  (describeKey: (key: unknown, pool: string) => string | undefined) =>
  (key: unknown, pool: string): string | undefined => {
    try {
      const name: unknown = describeKey(key, pool)
      return typeof name === "string" ? shortName(name) : undefined
    } catch {
      return undefined
    }
  }

/** No name that a user has given is longer than so where several stand together. */
export const shortName = (name: string): string => short(name, 60)

/** Why an object rests. */
export const because = (reason: Rested["reason"], allowance: string | undefined): string => {
  switch (reason) {
    case "Asked":
      return "asked to"
    case "Detected":
      return "detected"
    case "Judged":
      return "judged"
    case "Spent":
      return allowance === undefined ? "nothing left" : `nothing left of ${shortName(allowance)}`
  }
}

const ofFacet = (facet: string | undefined): string => facet === undefined ? "" : `facet ${shortName(facet)}`

/** An amount of an allowance. */
export const amount = (n: number): string =>
  (Math.abs(n) < 10 ? Math.round(n * 100) / 100 : Math.round(n)).toLocaleString("en")

/** What an event says beside its name, its object and its lease. */
export const textOf = (event: PoolEvent, failure: (failure: unknown) => string): string => {
  switch (event._tag) {
    case "Acquired":
      return `in ${ofDuration(event.took)}`
    case "AcquireFailed":
    case "DetectionFailed":
      return `${failure(event.failure)}, after ${ofDuration(event.took)}`
    case "StatusChanged":
      return event.transition.replace("->", "→")
    case "Borrowed":
      return event.phase === "AtOnce" ? "at once" : `waited ${ofDuration(event.waited)} (${event.phase})`
    case "Released":
      return `held ${ofDuration(event.held)}`
    case "LeaseOverdue":
      return short(
        `held ${ofDuration(event.held)} by ${event.borrower}${
          event.site === undefined ? "" : `, borrowed at ${event.site}`
        }`
      )
    case "Rested":
      return restedOf(event)
    case "Woke":
      return ofFacet(event.facet)
    case "Detected":
      return `${event.answer}, in ${ofDuration(event.took)}`
    case "Evicted":
      return event.reason
    case "DestroyFailed":
      return failure(event.failure)
    case "WaiterTimedOut":
      return `after ${ofDuration(event.waited)} (${event.phase})`
    case "WaiterRefused":
      return event.reason
    case "Resized":
      return `${event.min} to ${event.max ?? "any number"}`
    case "Missed":
      return `${plural(event.events, "event")} too many to be seen`
    default:
      return ""
  }
}

const restedOf = ({ allowance, facet, reason, until }: Rested): string =>
  [
    ...(facet === undefined ? [] : [ofFacet(facet)]),
    until === undefined ? "for ever" : `until ${clockTime(DateTime.toEpochMillis(until))}`,
    because(reason, allowance)
  ].join(", ")

const ofDuration = (duration: Duration.Duration): string => span(Duration.toMillis(duration))
