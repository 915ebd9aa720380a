/**
 * What is done to a pool, and how that pool is built: plain data, drawn from a seed.
 *
 * A command names what it is about by a number that is taken modulo what there is then. So a sequence stays one when
 * commands are removed from it.
 */
import { type Draws, draws, numbers } from "../support/random.ts"

/** How a step of the user's code goes. `"recovers"`: it fails twice, then all goes well. */
export type Gate = "ok" | "fail" | "slow" | "never" | "recovers"
export type Answer = "Available" | "Dormant" | "Rest" | "Invalid" | "Unknown" | "fail" | "slow" | "never"
export type Act = "release" | "invalidate" | "rest" | "renew" | "detach"
/**
 * `"stubborn"`: a `with` whose body takes about a second to end when it is interrupted. `"promise"`, `"promised with"`: by a
 * promise, in the same pool.
 */
type How = "borrow" | "try" | "with" | "stubborn" | "promise" | "promised with"

export type Command =
  | { readonly _tag: "Add"; readonly release: boolean; readonly leaseTimeout: number | undefined }
  | { readonly _tag: "AddAgain"; readonly of: number }
  | { readonly _tag: "Remove"; readonly of: number }
  | { readonly _tag: "Rest"; readonly of: number; readonly millis: number }
  | { readonly _tag: "Wake"; readonly of: number }
  | {
    readonly _tag: "Borrow"
    readonly how: How
    readonly timeout: number | undefined
    readonly kind: number | undefined
    readonly priority: number
    readonly leaseTimeout: number | undefined
  }
  /** What holds a lease ends: the scope closes, the body is done. */
  | { readonly _tag: "End"; readonly of: number }
  | { readonly _tag: "Lease"; readonly of: number; readonly act: Act }
  | { readonly _tag: "Stale"; readonly of: number; readonly act: Act }
  | { readonly _tag: "Interrupt"; readonly of: number; readonly waiting: boolean }
  /** One of its leases is taken back; or all of an object. */
  | { readonly _tag: "Revoke"; readonly of: number; readonly all: boolean }
  | { readonly _tag: "Advance"; readonly millis: number }
  | { readonly _tag: "Acquire"; readonly gate: Gate }
  | { readonly _tag: "Destroy"; readonly gate: Gate }
  | { readonly _tag: "Answer"; readonly answer: Answer; readonly of: number | undefined }
  | { readonly _tag: "Resize"; readonly min: number | undefined; readonly max: number | undefined }
  | { readonly _tag: "Detect" | "Rotate" | "Suspend" | "Resume" | "Drain" | "Close" }

/** How a pool is built. */
export interface Setup {
  readonly acquire: boolean
  readonly objects: number
  readonly min: number
  readonly max: number
  readonly select:
    | "random"
    | "roundRobin"
    | "leastRecentlyUsed"
    | "mostRecentlyUsed"
    | "leastBorrowed"
    | "weighted"
    /** The user's own: the last; the last, after a while; the last of an even number. */
    | "last"
    | "slow"
    | "picky"
  readonly sharing: number
  readonly maxWaiters: number | undefined
  /** What each object may be lent for. */
  readonly allowance:
    | { readonly limit: number; readonly per: number; readonly window: "sliding" | "bucket" | "fixed" }
    | undefined
  readonly waitsForResting: boolean
  /** The trust window; `"no detector"`; `"never"`: no borrower has anything detected. */
  readonly trust: number | "never" | "no detector"
  readonly onAdd: boolean
  readonly detectOnRelease: boolean
  readonly every: number | undefined
  readonly concurrency: number
  readonly onBorrow: Gate | undefined
  readonly onRelease: Gate | undefined
  readonly onLeaseExpired: "destroy" | "return" | undefined
  readonly leaseTimeout: number | undefined
  readonly timeToLive: number | undefined
  readonly idleTimeToLive: number | undefined
  readonly maxBorrows: number | undefined
  /** How often, after a second each, making is tried again. */
  readonly retry: number | undefined
  readonly creationTimeout: number
  readonly waiters: "fail" | "serve"
  readonly closingTimeout: number
}

/** The setup without anything special: where a failing one is simplified to. */
export const plain: Setup = {
  acquire: true,
  objects: 0,
  min: 0,
  max: 2,
  select: "leastRecentlyUsed",
  sharing: 1,
  maxWaiters: undefined,
  allowance: undefined,
  waitsForResting: true,
  trust: "no detector",
  onAdd: true,
  detectOnRelease: false,
  every: undefined,
  concurrency: 10,
  onBorrow: undefined,
  onRelease: undefined,
  onLeaseExpired: undefined,
  leaseTimeout: undefined,
  timeToLive: undefined,
  idleTimeToLive: undefined,
  maxBorrows: undefined,
  retry: undefined,
  creationTimeout: 30_000,
  waiters: "fail",
  closingTimeout: 0
}

const setupOf = ({ below, maybe, one }: Draws): Setup => {
  const acquire = one(true, true, true, false)
  const max = 1 + below(4)
  return {
    acquire,
    objects: acquire ? Math.min(max, one(0, 0, 1, 2)) : 1 + below(max),
    min: acquire ? one(0, 0, 1, max) : 0,
    max,
    select: one(
      "random",
      "roundRobin",
      "leastRecentlyUsed",
      "mostRecentlyUsed",
      "leastBorrowed",
      "weighted",
      "last",
      "slow",
      "picky"
    ),
    sharing: one(1, 1, 1, 2, 3),
    maxWaiters: one(undefined, undefined, undefined, 0, 1, 2),
    allowance: maybe(0.25, () => ({
      limit: one(1, 2, 3, 8),
      per: one(1000, 3000, 10_000),
      window: one("sliding", "sliding", "bucket", "fixed")
    })),
    waitsForResting: one(true, false),
    trust: one<Setup["trust"]>("no detector", "no detector", "never", 0, 500, 500, 5000),
    onAdd: one(true, true, false),
    detectOnRelease: one(false, false, true),
    // spread over as many steps as there are objects: whole milliseconds each
    every: maybe(0.2, () => one(6000, 12_000)),
    concurrency: one(10, 10, 1, 2),
    onBorrow: maybe(0.15, () => one<Gate>("ok", "slow", "fail", "never")),
    onRelease: maybe(0.3, () => one<Gate>("ok", "slow", "slow", "fail", "never")),
    onLeaseExpired: one(undefined, undefined, "destroy", "return"),
    leaseTimeout: maybe(0.3, () => one(1500, 8000)),
    timeToLive: maybe(0.15, () => one(3000, 20_000)),
    idleTimeToLive: maybe(0.15, () => one(2000, 10_000)),
    maxBorrows: maybe(0.15, () => 1 + below(3)),
    retry: maybe(0.3, () => one(1, 3, 1000)),
    creationTimeout: one(30_000, 30_000, 3000),
    waiters: one("fail", "serve"),
    closingTimeout: one(0, 2000, 30_000)
  }
}

const commandOf = ({ below, maybe, one }: Draws, closes: boolean): Command => {
  const of = below(12)
  const at = below(100)
  if (at < 26) {
    return {
      _tag: "Borrow",
      how: one<How>("borrow", "borrow", "try", "with", "with", "stubborn", "promise", "promised with"),
      timeout: maybe(0.3, () => one(0, 500, 3000, 60_000)),
      kind: maybe(0.2, () => below(3)),
      priority: one(0, 0, 0, 0, 1, -1),
      leaseTimeout: maybe(0.15, () => one(500, 4000))
    }
  }
  if (at < 37) return { _tag: "End", of }
  if (at < 47) {
    return { _tag: "Lease", of, act: one<Act>("release", "release", "invalidate", "rest", "renew", "detach") }
  }
  if (at < 50) return { _tag: "Stale", of, act: one<Act>("release", "invalidate", "rest", "renew", "detach") }
  if (at < 55) return { _tag: "Interrupt", of, waiting: one(true, true, false) }
  if (at < 57) return { _tag: "Revoke", of, all: one(true, false) }
  if (at < 71) return { _tag: "Advance", millis: one(0, 1, 100, 500, 1000, 1000, 3000, 5000, 10_000, 40_000) }
  if (at < 74) return { _tag: "Acquire", gate: one<Gate>("ok", "ok", "fail", "slow", "never", "recovers") }
  if (at < 76) return { _tag: "Destroy", gate: one<Gate>("ok", "ok", "slow", "fail", "never") }
  if (at < 83) {
    return {
      _tag: "Answer",
      answer: one<Answer>(
        "Available",
        "Available",
        "Available",
        "Dormant",
        "Rest",
        "Invalid",
        "Unknown",
        "fail",
        "slow",
        "slow",
        "never"
      ),
      of: maybe(0.3, () => of)
    }
  }
  if (at < 87) return { _tag: "Add", release: one(true, false), leaseTimeout: maybe(0.2, () => 1000) }
  if (at < 88) return { _tag: "AddAgain", of }
  if (at < 90) return { _tag: "Remove", of }
  if (at < 92) return { _tag: "Rest", of, millis: one(500, 3000, 10_000) }
  if (at < 94) return { _tag: "Wake", of }
  if (at < 95) return { _tag: "Detect" }
  if (at < 97) return { _tag: "Resize", min: maybe(0.5, () => below(3)), max: maybe(0.7, () => 1 + below(5)) }
  if (at < 98) return one<Command>({ _tag: "Rotate" }, { _tag: "Drain" })
  if (at < 99) return { _tag: "Suspend" }
  return closes && below(4) === 0 ? { _tag: "Close" } : { _tag: "Resume" }
}

export interface Scenario {
  readonly seed: number
  readonly setup: Setup
  readonly commands: ReadonlyArray<Command>
}

/** A pool and what is done to it: the same for the same seed. */
export const scenario = (seed: number, length: number): Scenario => {
  const draw = draws(numbers(seed))
  const setup = setupOf(draw)
  const closes = draw.below(3) === 0
  return { seed, setup, commands: Array.from({ length }, () => commandOf(draw, closes)) }
}

const text = (record: object): string =>
  Object.entries(record)
    .filter(([key, value]) => key !== "_tag" && value !== undefined)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join(", ")

/** What differs from the plain setup, then one command on each line. */
export const print = ({ commands, seed, setup }: Scenario): string => {
  const special = Object.fromEntries(
    Object.entries(setup).filter(([key, value]) => plain[key as keyof Setup] !== value)
  )
  return [`seed ${seed}, { ${text(special)} }`, ...commands.map((each) => `  ${each._tag} { ${text(each)} }`)].join(
    "\n"
  )
}
