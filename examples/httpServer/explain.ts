/** What keeps a server from its start, in one line for the person who has started it. */
import type { Config } from "effect"
import type { ServeError } from "effect/http/HttpServerError"

export const explain = (error: Config.ConfigError | ServeError): string => {
  if (error._tag === "ServeError") return error.cause instanceof Error ? error.cause.message : String(error.cause)
  const [what = "", where = ""] = error.cause.message.split("\n")
  return `${/"(\w+)"/.exec(where)?.[1] ?? "settings"}: ${what}`
}
