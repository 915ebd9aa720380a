/**
 * Lines in the log.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ActiveLease } from "../lease/lease.ts"
import { type Core, fork } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"

/** What a line in the log is about, beside the pool. */
interface Detail<A, D> {
  readonly cause?: Cause.Cause<unknown>
  readonly entry?: Entry<A, D>
  readonly lease?: ActiveLease<A, D>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A line in the log: about one lease, one object, or the whole pool. */
export const report = <A, D>(core: Core<A, D>, message: string, detail: Detail<A, D> = {}): void => {
  const { annotations, cause, entry, lease } = detail
  fork(
    core,
    Effect.annotateLogs(cause === undefined ? Effect.logWarning(message) : Effect.logWarning(message, cause), {
      pool: core.options.name,
      ...(entry === undefined ? {} : { object: entry.id }),
      ...(lease === undefined ? {} : { lease: lease.id }),
      ...annotations
    })
  )
}
