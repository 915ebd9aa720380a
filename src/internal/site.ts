/**
 * Where a borrow was asked for: the frames of the stack at the call of an operation, where a pool wants them.
 *
 * Such a stack ends at the operation. By the time that the effect runs, its caller is not on the stack any more.
 */

import { limitStacks } from "./stacks.ts"

/** Says where, when it is asked. */
export type Site = () => string | undefined

/** How many frames are taken, and how many of them are shown. */
const taken = 8
const shown = 3

/** A pool of this process wants to know: the tags do not know which pool they will reach. */
let wanted = false
/** What a tag hands to the operation that it calls. `undefined`: nothing, and the operation looks by itself. */
let handed: { readonly site: Site | undefined } | undefined

export const want = (): void => {
  wanted = true
}

/** The stack below `operation`, a function that is on it. */
const look = (operation: Function): Site | undefined => {
  // not every engine has these: then there is nothing to show
  const capture: unknown = Reflect.get(Error, "captureStackTrace")
  if (Reflect.get(Error, "stackTraceLimit") === undefined || typeof capture !== "function") return undefined
  const at: { readonly stack?: unknown } = {}
  const limit = limitStacks(taken)
  Reflect.apply(capture, Error, [at, operation])
  limitStacks(limit)
  // formatted when it is read, which most never are
  return () => typeof at.stack === "string" ? frames(at.stack) : undefined
}

const frames = (stack: string): string | undefined => {
  const own = stack.split("\n").map((line) => line.trim()).filter((line) => line.startsWith("at "))
    // what runs an effect says nothing about where it comes from
    .filter((line) => !/[\\/]node_modules[\\/]effect[\\/]|\(node:|at node:/.test(line))
  return own.length === 0 ? undefined : own.slice(0, shown).map((line) => line.slice(3)).join(" < ")
}

/** Where an operation of a pool that wants to know was called; or where the tag was, if that has called it. */
export const here = (operation: Function): Site | undefined => handed === undefined ? look(operation) : handed.site

/** Where an operation of a tag was called, if there is a pool that may want to know. */
export const ofTag = (operation: Function): Site | undefined => wanted ? look(operation) : undefined

/** Calls a pool for a tag: it is told where the tag was called, and does not look: it would see how an effect is run. */
export const handing = <Pool, B>(site: Site | undefined, call: (pool: Pool) => B) => (pool: Pool): B => {
  if (!wanted) return call(pool)
  const before = handed
  handed = { site }
  try {
    return call(pool)
  } finally {
    handed = before
  }
}

/** A property that is made anew each time it is read, so that it knows where. */
export const property = <B>(target: object, name: string, make: (get: () => B) => B): void => {
  const get = (): B => make(get)
  Object.defineProperty(target, name, { get, enumerable: true, configurable: true })
}
