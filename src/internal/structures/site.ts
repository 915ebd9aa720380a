/**
 * Where a borrow was asked for: the frames of the stack at the call of an operation, where a pool wants them.
 *
 * Such a stack ends at the operation. By the time that the effect runs, its caller is not on the stack any more.
 */
import { limitStacks } from "./stacks.ts"

/** Says where, when it is asked: the nearest frame first. */
export type Site = () => ReadonlyArray<string>

/** How many frames are taken: of a call, those below it; of a step, those that run it, and those below them. */
const taken = 8

const takenOfStep = 25

/** A pool of this process wants to know: the tags do not know which pool they will reach. */
let wanted = false

/** What a tag hands to the operation that it calls. `undefined`: nothing, and the operation looks by itself. */
let handed: { readonly site: Site | undefined } | undefined

export const want = (): void => {
  wanted = true
}

/** The stack below `operation`, a function that is on it. */
const look = (operation: Function, most = taken): Site | undefined => {
  // an engine that cannot capture stacks, or has no limit for them, shows no sites
  const capture: unknown = Reflect.get(Error, "captureStackTrace")
  if (Reflect.get(Error, "stackTraceLimit") === undefined || typeof capture !== "function") return undefined
  const at: { readonly stack?: unknown } = {}
  const limit = limitStacks(most)
  Reflect.apply(capture, Error, [at, operation])
  limitStacks(limit)
  // engines format a stack when it is read first, which most sites never are
  return () => typeof at.stack === "string" ? frames(at.stack) : []
}

/** What runs an effect says nothing about where it comes from. */
const foreign = /[\\/]node_modules[\\/]effect(-object-pool)?[\\/]|\(node:|at node:/

const frames = (stack: string): ReadonlyArray<string> =>
  stack.split("\n").map((line) => line.trim()).filter((line) => line.startsWith("at ") && !foreign.test(line))
    .map((line) => line.slice(3))

/** A site in one line: its nearest few frames. */
export const short = (site: Site | undefined): string | undefined => {
  const found = site?.() ?? []
  return found.length === 0 ? undefined : found.slice(0, 3).join(" < ")
}

/**
 * Who runs the present step, which `made` is in: whoever runs an effect that does not suspend is still on the stack. None
 * where no stacks are wanted.
 */
export const ofStep = (made: Function): Site | undefined =>
  Reflect.get(Error, "stackTraceLimit") === 0 ? undefined : look(made, takenOfStep)

/** The errors whose stacks are what sites say. */
const told = new WeakMap<object, Site>()

export const isTold = (error: Error): boolean => told.has(error)

const become = (error: object, value: unknown): void =>
  void Object.defineProperty(error, "stack", { value, writable: true, enumerable: false, configurable: true })

/** The same for all errors, which so keep one shape: an accessor of its own would cost each a shape of its own. */
const telling = {
  get(this: Error): string | undefined {
    const site = told.get(this)
    if (site === undefined) return undefined
    const stack = [String(this), ...site().map((frame) => `    at ${frame}`)].join("\n")
    become(this, stack)
    return stack
  },
  set(this: Error, value: unknown): void {
    become(this, value)
  },
  enumerable: false,
  configurable: true
}

/** The stack of an error is what a site says; it is formatted when it is read. */
export const tellOf = (error: Error, site: Site): void => {
  told.set(error, site)
  // what is frozen keeps the stack that it has
  Reflect.defineProperty(error, "stack", telling)
}

/** Where an operation of a pool that wants to know was called; or where the tag was, if that has called it. */
export const here = (operation: Function): Site | undefined => handed === undefined ? look(operation) : handed.site

/** Where an operation of a tag was called, if there is a pool that may want to know. */
export const ofTag = (operation: Function): Site | undefined => wanted ? look(operation) : undefined

/** Calls a pool for a tag, and tells it where the tag was called: a pool that looked would see how an effect is run. */
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

/** A property that is made anew each time it is read, so that its value knows where that was. */
export const property = <B>(target: object, name: string, make: (get: () => B) => B): void => {
  const get = (): B => make(get)
  Object.defineProperty(target, name, { get, enumerable: true, configurable: true })
}
