/**
 * Where the lines of a promise pool go: to its `log`; without one, to the warnings of the process, which its operator sees,
 * and may turn off. Never to the console, which is the program's.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import type { PoolLogEntry } from "../../PromiseOptions.ts"

type Log = (entry: PoolLogEntry) => unknown

interface Warning {
  readonly type: string
  readonly code: string
  readonly detail?: string
}

const levels: Readonly<Record<string, PoolLogEntry["level"]>> = {
  Fatal: "error",
  Error: "error",
  Warn: "warn",
  Info: "info"
}

/** What is wrong, in a few words. It may be anything, and throw when it is looked at. */
const told = (cause: unknown): string => {
  try {
    return String(cause)
  } catch {
    return "what cannot be looked at"
  }
}

const stackOf = (cause: unknown): { readonly detail?: string } => {
  try {
    return cause instanceof Error && typeof cause.stack === "string" ? { detail: cause.stack } : {}
  } catch {
    return {}
  }
}

/** One line to those who look after the process; where the runtime has no warnings, it is silent. */
const warn: Log = ({ annotations: { lease, object, pool }, level, message, ...rest }) => {
  if (level !== "warn" && level !== "error") return
  const { process } = globalThis as unknown as {
    readonly process?: { readonly emitWarning?: (text: string, warning: Warning) => void }
  }
  const where = lease !== undefined
    ? ` (object ${object}, lease ${lease})`
    : object !== undefined
    ? ` (object ${object})`
    : ""
  const why = "cause" in rest ? `: ${told(rest.cause)}` : ""
  process?.emitWarning?.(`Pool ${JSON.stringify(pool)}: ${message}${where}${why}`, {
    type: "PoolWarning",
    code: "EFFECT_OBJECT_POOL",
    ...stackOf(rest.cause)
  })
}

/** Tells somebody's function, who may not be able to hear: nobody is there to be told of that. */
const tell = (log: Log, entry: PoolLogEntry): void => {
  try {
    const answer = log(entry)
    if (Predicate.isPromiseLike(answer)) answer.then(undefined, () => {})
  } catch {
    // what has gone wrong has been said as well as could be
  }
}

/** The lines of a pool go to `log`. */
export const logging = (log: Log = warn): Context.Context<never> =>
  Context.make(
    Logger.CurrentLoggers,
    new Set([
      Logger.make(({ cause, date, fiber, logLevel, message }) =>
        tell(log, {
          level: levels[logLevel] ?? "debug",
          message: Array.isArray(message) ? message.join(" ") : String(message),
          date,
          ...cause.reasons.length > 0 && { cause: Cause.squash(cause) },
          annotations: { ...fiber.getRef(References.CurrentLogAnnotations) } as PoolLogEntry["annotations"]
        })
      )
    ])
  ) as Context.Context<never>
