/**
 * Who may reach the pools of a server.
 */
import * as Context from "effect/Context"
import type * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"

/**
 * `Token`: whoever shows it. `Anybody`: whoever reaches the server, which the program has said, or the server listens to this
 * machine alone. `Nobody`: the program has said nothing.
 */
export type Access =
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted }
  | { readonly _tag: "Anybody" }
  | { readonly _tag: "Nobody" }

/** What the transport of a server says of who may reach it, and how much it takes. */
export interface Gate {
  readonly access: Access
  /** How many characters of a message it takes. */
  readonly mostText: number | undefined
}

export const Gate = Context.Reference<Gate>("effect-object-pool/cluster/Gate", {
  defaultValue: () => ({ access: { _tag: "Nobody" }, mostText: undefined })
})

/** What a borrower shows, and calls itself. */
export interface Pass {
  readonly token: Redacted.Redacted | undefined
  readonly name: string | undefined
  /** Where the host is, in words. */
  readonly where: string
}

export const Pass = Context.Reference<Pass>("effect-object-pool/cluster/Pass", {
  defaultValue: () => ({ token: undefined, name: undefined, where: "its server" })
})

const header = "authorization"

/** The headers of a borrower's requests. */
export const toHeaders = ({ token }: Pass): Readonly<Record<string, string>> =>
  token === undefined ? {} : { [header]: `Bearer ${Redacted.value(token)}` }

/** Does a request show what it has to? */
export const admits = (access: Access, headers: Headers.Headers): boolean => {
  if (access._tag !== "Token") return access._tag === "Anybody"
  return equal(`Bearer ${Redacted.value(access.token)}`, headers[header] ?? "")
}

const bytes = new TextEncoder()

/** In a time that depends on what was shown alone, and says nothing of the token but, perhaps, how long it is. */
const equal = (token: string, shown: string): boolean => {
  const expected = bytes.encode(token)
  const given = bytes.encode(shown)
  let difference = expected.length ^ given.length
  for (let at = 0; at < given.length; at++) difference |= given[at]! ^ expected[at % expected.length]!
  return difference === 0
}
