/**
 * What both sides reckon with, and how failures travel.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import {
  BorrowTimeout,
  DuplicateObject,
  InvalidPoolOptions,
  LeaseExpired,
  PoolClosed,
  PoolExhausted,
  PoolFull
} from "../../PoolError.ts"
import type { checks } from "../state/validation.ts"
import type { Definition } from "./definition.ts"
import type { Failure } from "./protocol.ts"

/** The host waits a tenth longer than the borrower: so the borrower is over first, while clocks run equally fast. */
export const tenth = 1.1

/** The most characters of a name that travels. */
export const mostName = 256

/** A name that an operation was given. Throws `InvalidPoolOptions`. */
export const toName = (
  { refuse }: ReturnType<typeof checks>,
  option: string,
  value: unknown
): string | undefined =>
  value === undefined || (typeof value === "string" && value.length <= mostName)
    ? value
    : refuse(option, value, `a text of at most ${mostName} characters`)

/** Of milliseconds that have travelled; `null`: without end. */
export const toDuration = (millis: number | null | undefined): Duration.Input | undefined =>
  millis === null ? "Infinity" : millis

/** A lease time-out as the host keeps it. */
export const patiently = (millis: number | null | undefined): Duration.Input | undefined =>
  toDuration(typeof millis === "number" ? millis * tenth : millis)

/** The fields that there is something to say in. */
export const given = <T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

/** What travels of milliseconds. */
export const toEndless = (millis: number): number | null => millis === Infinity ? null : millis

const ours = [PoolExhausted, BorrowTimeout, PoolClosed, PoolFull, LeaseExpired, DuplicateObject, InvalidPoolOptions]

const isOurs = (error: unknown): error is Failure =>
  ours.some((kind) => error instanceof kind) ||
  (typeof error === "object" && error !== null && "_tag" in error && error._tag === "Refusal")

/**
 * What a borrower is told of a cause. An interruption is told as such: the borrower goes on to the next host. What a
 * defect says stays on the host, in its log.
 */
export const toFailure = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  cause: Cause.Cause<unknown>
): Effect.Effect<never, Failure> => {
  const reason = cause.reasons.find((reason) => !Cause.isInterruptReason(reason))
  if (reason === undefined) return Effect.interrupt
  const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
  if (isOurs(error)) return Effect.fail(error)
  const encoded = Cause.isFailReason(reason) ? definition.error?.encode(error as E) : undefined
  if (encoded !== undefined) return Effect.fail({ _tag: "Failed", error: encoded.json })
  const log = Effect.logError("A borrower was not served, by a defect", cause)
  return Effect.andThen(Effect.annotateLogs(log, { pool: definition.name }), Effect.fail<Failure>({ _tag: "Died" }))
}
