/**
 * Which names of this server are accepted.
 *
 * A page of another site can have its own name lead to this machine, once it has been loaded: to the browser it then asks
 * its own server, and no rule for other sites applies. What it cannot change is that name, which each request tells.
 */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as NetAddress from "effect/net/NetAddress"

const written = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i

/** A host as browsers write it, without its port; nothing where it is none. */
const hostOf = (text: string): string | undefined =>
  written.test(text) && URL.canParse(`http://${text}`) ? new URL(`http://${text}`).hostname : undefined

/** A host of the options: in any alphabet, with no scheme and no port. */
export const namedHost = (name: unknown): string | undefined => {
  if (typeof name !== "string") return undefined
  const bare = name.split(":").length > 2 && !name.startsWith("[")
  const text = bare ? `[${name}]` : name
  if (/[\s/?#@\\]|:\d*$/.test(text) || !URL.canParse(`http://${text}`)) return undefined
  return hostOf(new URL(`http://${text}`).hostname)
}

const local = ["localhost", "127.0.0.1", "[::1]"]

/** A server that listens at all addresses of its machine may be asked at any: an address is no name of somebody's. */
const isAddress = (host: string): boolean => host.startsWith("[") || /^[\d.]+$/.test(host)

/** Is a request asked of this server by a name that is its own? */
export const accepting = (
  hosts: ReadonlyArray<string>,
  address: NetAddress.SocketAddress | undefined
): (request: HttpServerRequest) => boolean => {
  const listening = address === undefined || address._tag === "UnixPathAddress"
    ? undefined
    : hostOf(NetAddress.formatUrlHost(address.address))
  const own = new Set([...local, ...hosts, listening])
  const everywhere = listening === "0.0.0.0" || listening === "[::]"
  const accepts = (name: string): boolean => {
    const host = hostOf(name)
    return host !== undefined && (own.has(host) || (everywhere && isAddress(host)))
  }
  return ({ headers, originalUrl }) => {
    const told = headers["host"]
    // where a proxy says which host was asked for, a page may say so as well: what it really asked for counts too
    const url = URL.canParse(originalUrl) ? new URL(originalUrl).host : undefined
    if (told === undefined) return url !== undefined && accepts(url)
    return accepts(told) && (url === undefined || accepts(url))
  }
}
