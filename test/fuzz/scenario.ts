/**
 * How a pool is built, who uses it, and what its callbacks do to it: plain data, drawn from a seed. All times are
 * milliseconds. What is meant is named by a number that is taken modulo what there is then, so that a scenario stays one
 * when parts of it are removed.
 */
import { type Draws, draws, numbers } from "../support/random.ts"

/**
 * How a callback goes. `"effect"`: in a few turns; `"stubborn"`: slowly, whoever interrupts it; `"never"`: not before the
 * end of the scenario; `"mixed"`: differs.
 */
export type Temper = "plain" | "effect" | "slow" | "stubborn" | "fail" | "throw" | "never" | "mixed"

/** The callbacks; `"body"` is what runs under a lease. */
export type Site =
  | "acquire"
  | "destroy"
  | "data"
  | "weight"
  | "select"
  | "where"
  | "leaseTimeout"
  | "detect"
  | "onBorrow"
  | "onRelease"
  | "pack"
  | "unpack"
  | "judge"
  | "prefer"
  | "rank"
  | "body"

export type Told = "invalidate" | "rest" | "detect"
export type Act = "release" | "invalidate" | "rest" | "renew" | "detach" | "charge" | "facet"

/** What is done under a lease. */
export type Step =
  | { readonly _tag: "Lease"; readonly act: Act; readonly millis: number }
  | { readonly _tag: "Fail" | "Die" | "Never" }
  | Op

export type Borrow = {
  readonly _tag: "Borrow"
  readonly how: "borrow" | "with" | "try" | "sync"
  readonly timeout: number | undefined
  readonly kind: number | undefined
  readonly priority: number
  readonly leaseTimeout: number | undefined
  readonly facet?: string | undefined
  readonly cost?: number | undefined
  /** The kind of the objects that are preferred. */
  readonly prefer?: number | undefined
  readonly affinity?: string | undefined
  /** Of `with` alone. */
  readonly failover?: number | undefined
  /** Interrupted after so many turns. */
  readonly interrupt: number | undefined
  /** Whoever asks waits for its end; `"inline"`: it is no fiber of its own. */
  readonly awaited: "inline" | "yes" | "no"
  readonly steps: ReadonlyArray<Step>
}

/** What is done to a pool. */
export type Op =
  | Borrow
  | { readonly _tag: "Sleep"; readonly millis: number }
  | { readonly _tag: "Yield"; readonly turns: number }
  | {
    readonly _tag: "Add"
    readonly n: number
    readonly destroyed: boolean
    readonly leaseTimeout: number | undefined
    /** One that was added before. */
    readonly again: number | undefined
  }
  | { readonly _tag: "Remove" | "Wake" | "Reconsider"; readonly of: number }
  | { readonly _tag: "Rest"; readonly of: number; readonly millis: number }
  /** An object tells the pool of itself: one that is there, that has gone, or that is being made. */
  | { readonly _tag: "Tell"; readonly of: number; readonly what: Told; readonly millis: number }
  /** With the lease of somebody else. */
  | { readonly _tag: "Meddle"; readonly of: number; readonly act: Act; readonly millis: number }
  | { readonly _tag: "Interrupt"; readonly whom: "oldest" | "newest" | "waiting" | "holding" }
  | { readonly _tag: "Resize"; readonly min: number | undefined; readonly max: number | undefined }
  | { readonly _tag: "Detect" | "Ready" | "Rotate" | "Suspend" | "Resume" | "Drain" | "Close" }

/** An allowance of each object. */
interface Limit {
  readonly limit: number
  readonly per: number
  readonly unit: "leases" | "cost"
  readonly window: "sliding" | "bucket" | "fixed"
  readonly facet: boolean
}

/** What a callback does in its first step, when it is called for the nth time. */
interface Entrance {
  readonly site: Site
  readonly nth: number
  /** In its own fiber, where it has one. */
  readonly within: boolean
  readonly op: Op
}

export interface Setup {
  /** \`"runtime"\`: a pool for promises, made from one for Effect. */
  readonly flavour: "effect" | "promise" | "runtime"
  /** Operations before a fiber yields. */
  readonly budget: number
  /** How late the event loop may be. */
  readonly lag: number
  /** Somebody listens to the events. */
  readonly listens: boolean
  readonly traced: boolean
  readonly leaseWarning: number | undefined
  /** Callbacks may answer with something that cannot be looked at. */
  readonly nonsense: boolean
  readonly acquire: Temper | undefined
  readonly destroy: Temper
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
    | "mostAllowance"
    | "tiers"
    /** The user's own: the last; of an even number only. */
    | "last"
    | "picky"
  /** How the user's own selector goes. */
  readonly selecting: Temper
  /** How the callbacks that answer plainly go. */
  readonly asking: "plain" | "mixed"
  readonly sharing: number
  readonly maxWaiters: number | undefined
  readonly borrowTimeout: number
  readonly leaseTimeout: number | "function" | undefined
  readonly onLeaseExpired: "destroy" | "return" | "detect" | undefined
  readonly pack: Temper | undefined
  readonly unpack: Temper
  readonly detect: Temper | undefined
  readonly answers: "Available" | "mixed"
  readonly trust: number | boolean
  readonly onAdd: boolean
  readonly detectOnRelease: boolean
  readonly every: number | undefined
  readonly concurrency: number
  readonly detectionTimeout: number
  readonly dormantFor: number
  readonly onBorrow: Temper | undefined
  readonly onRelease: Temper | undefined
  readonly hookTimeout: number
  readonly timeToLive: number | undefined
  readonly idleTimeToLive: number | undefined
  readonly maxBorrows: number | undefined
  readonly creationTimeout: number
  readonly creationConcurrency: number | undefined
  /** How often making is tried again. */
  readonly retry: number | undefined
  readonly waiters: "fail" | "serve"
  readonly closingTimeout: number
  readonly allowance: Limit | undefined
  /** `"mixed"`: answers this and that, and throws. */
  readonly judge: "outlier" | "mixed" | undefined
  /** Of an outlier. */
  readonly after: number
  readonly most: number
}

/** Nothing special: where a failing setup is simplified to. */
export const plain: Setup = {
  flavour: "effect",
  budget: 2048,
  lag: 0,
  listens: false,
  traced: false,
  leaseWarning: undefined,
  nonsense: false,
  acquire: "plain",
  destroy: "plain",
  objects: 0,
  min: 0,
  max: 2,
  select: "leastRecentlyUsed",
  selecting: "plain",
  asking: "plain",
  sharing: 1,
  maxWaiters: undefined,
  borrowTimeout: 200,
  leaseTimeout: undefined,
  onLeaseExpired: undefined,
  pack: undefined,
  unpack: "plain",
  detect: undefined,
  answers: "Available",
  trust: false,
  onAdd: true,
  detectOnRelease: false,
  every: undefined,
  concurrency: 10,
  detectionTimeout: 40,
  dormantFor: 30,
  onBorrow: undefined,
  onRelease: undefined,
  hookTimeout: 40,
  timeToLive: undefined,
  idleTimeToLive: undefined,
  maxBorrows: undefined,
  creationTimeout: 60,
  creationConcurrency: undefined,
  retry: undefined,
  waiters: "fail",
  closingTimeout: 50,
  allowance: undefined,
  judge: undefined,
  after: 1,
  most: 0.5
}

/** `calls`: clients and time; `reenters`: callbacks that use the pool; `limits`: both, of objects that have limits. */
export type Kind = "calls" | "reenters" | "limits"

export interface Scenario {
  readonly seed: number
  readonly setup: Setup
  readonly clients: ReadonlyArray<ReadonlyArray<Op>>
  readonly entrances: ReadonlyArray<Entrance>
}

const setupOf = ({ below, maybe, one }: Draws, kind: Kind): Setup => {
  const max = 1 + below(4)
  const makes = one(true, true, true, false)
  // what re-enters is more telling where it answers at once
  const temper = (): Temper =>
    kind === "calls"
      ? one("plain", "effect", "slow", "mixed", "mixed", "fail", "never")
      : one("plain", "plain", "effect", "slow", "mixed", "mixed")
  const detect = maybe(0.5, temper)
  return {
    flavour: one("effect", "effect", "effect", "promise", "promise", "runtime"),
    budget: one(3, 4, 5, 7, 10, 16, 32, 64, 2048, 2048),
    lag: kind === "calls" ? one(0, 0.5, 1, 3) : one(0, 0, 0, 1),
    listens: one(false, false, true),
    traced: below(8) === 0,
    leaseWarning: maybe(0.1, () => one(5, 30)),
    nonsense: below(30) === 0,
    acquire: makes ? one<Temper>("plain", "plain", "effect", temper()) : undefined,
    destroy: one("plain", temper()),
    objects: makes ? Math.min(max, one(0, 0, 1, 2)) : 1 + below(max),
    min: makes ? one(0, 0, 1, max) : 0,
    max,
    select: one(
      "random",
      "roundRobin",
      "leastRecentlyUsed",
      "mostRecentlyUsed",
      "leastBorrowed",
      "weighted",
      "weighted",
      "last",
      "last",
      "picky"
    ),
    selecting: one("plain", temper()),
    asking: one("plain", "plain", "plain", "mixed"),
    sharing: one(1, 1, 2, 3),
    maxWaiters: one(undefined, undefined, undefined, 0, 1, 2),
    borrowTimeout: one(30, 100, 200, 400),
    leaseTimeout: one<Setup["leaseTimeout"]>(undefined, undefined, 10, 50, "function"),
    onLeaseExpired: one(undefined, undefined, "destroy", "return", detect === undefined ? undefined : "detect"),
    pack: maybe(0.25, temper),
    unpack: one("plain", temper()),
    detect,
    answers: one("Available", "mixed"),
    trust: one<number | boolean>(true, false, 0, 10, 100),
    onAdd: one(true, true, false),
    detectOnRelease: one(false, true),
    every: maybe(0.2, () => one(20, 60)),
    concurrency: one(10, 10, 1, 2),
    detectionTimeout: one(20, 40),
    dormantFor: one(5, 30),
    onBorrow: maybe(0.3, temper),
    onRelease: maybe(0.4, temper),
    hookTimeout: one(15, 40),
    timeToLive: maybe(0.2, () => one(15, 60)),
    idleTimeToLive: maybe(0.2, () => one(10, 40)),
    maxBorrows: maybe(0.3, () => 1 + below(3)),
    creationTimeout: one(20, 60, 60),
    creationConcurrency: one(undefined, undefined, 1, 2),
    retry: maybe(0.3, () => one(1, 3, 50)),
    waiters: one("fail", "serve"),
    closingTimeout: one(0, 20, 60),
    allowance: undefined,
    judge: undefined,
    after: 1,
    most: 0.5
  }
}

/** The same, of objects that have limits. */
const limited = ({ below, maybe, one }: Draws, setup: Setup): Setup => ({
  ...setup,
  sharing: one(1, 1, 2, 4),
  select: one(setup.select, "tiers", "mostAllowance", "last"),
  allowance: maybe(0.6, () => ({
    limit: 1 + below(4),
    per: one(10, 60),
    unit: one("leases", "leases", "cost"),
    window: one("sliding", "sliding", "bucket", "fixed"),
    facet: one(false, true)
  })),
  judge: one("outlier", "outlier", "mixed", undefined),
  after: 1 + below(2),
  most: one(0.1, 0.5, 1)
})

const facetOf = ({ maybe, one }: Draws) => maybe(0.4, () => one("x", "y", "__proto__"))

/** What is done to a pool, by those who know of limits. */
const limitedOp = (draw: Draws, op: Borrow): Borrow => {
  const { below, maybe, one } = draw
  const steps = op.steps.map((step): Step => {
    if (step._tag === "Lease" && below(3) === 0) return { ...step, act: one("charge", "facet") }
    if (step._tag === "Sleep" && below(3) === 0) return { _tag: "Fail" }
    return step._tag === "Borrow" ? limitedOp(draw, step) : step
  })
  return {
    ...op,
    steps,
    facet: facetOf(draw),
    cost: maybe(0.3, () => one(0, 0.5, 2, 6)),
    prefer: maybe(0.2, () => below(3)),
    affinity: maybe(0.2, () => one("", "a text", "\ud800")),
    failover: op.how === "with" ? maybe(0.5, () => below(4)) : undefined
  }
}

const acts = ["release", "release", "invalidate", "rest", "renew", "detach"] as const

const millis = ({ one }: Draws): number => one(0, 1, 3, 8, 20, 60)

const borrowOf = (draw: Draws, depth: number): Borrow => {
  const { below, maybe, one } = draw
  return {
    _tag: "Borrow",
    how: one("borrow", "borrow", "with", "with", "with", "try", "sync"),
    timeout: maybe(0.3, () => one(0, 5, 30, 300)),
    kind: maybe(0.3, () => below(3)),
    priority: one(0, 0, 0, 1, -1),
    leaseTimeout: maybe(0.2, () => one(5, 25)),
    interrupt: maybe(0.4, () => below(40)),
    awaited: one("yes", "yes", "no", "inline"),
    steps: draw.many(depth > 1 ? 1 : below(4), () => stepOf(draw, depth))
  }
}

const stepOf = (draw: Draws, depth: number): Step => {
  const { below, one } = draw
  const at = below(10)
  if (at < 3) return { _tag: "Sleep", millis: millis(draw) }
  if (at < 4) return { _tag: "Yield", turns: 1 + below(8) }
  if (at < 7) return { _tag: "Lease", act: one(...acts), millis: millis(draw) }
  if (at < 8) return one<Step>({ _tag: "Fail" }, { _tag: "Die" }, { _tag: "Never" })
  return opOf(draw, depth + 1, false)
}

const opOf = (draw: Draws, depth: number, closes: boolean): Op => {
  const { below, maybe, one } = draw
  const of = below(8)
  const at = below(100)
  if (at < 40) return borrowOf(draw, depth)
  if (at < 52) return { _tag: "Sleep", millis: millis(draw) }
  if (at < 57) return { _tag: "Yield", turns: 1 + below(8) }
  if (at < 64) {
    return {
      _tag: "Add",
      n: one(1, 1, 2),
      destroyed: one(true, false),
      leaseTimeout: maybe(0.2, () => 20),
      again: maybe(0.2, () => of)
    }
  }
  if (at < 66) return { _tag: "Remove", of }
  if (at < 69) return { _tag: "Tell", of, what: one("invalidate", "detect", "rest"), millis: millis(draw) }
  if (at < 73) return { _tag: "Rest", of, millis: millis(draw) }
  if (at < 75) return { _tag: "Wake", of }
  if (at < 76) return { _tag: "Reconsider", of }
  if (at < 81) return { _tag: "Meddle", of, act: one(...acts), millis: millis(draw) }
  if (at < 86) return { _tag: "Interrupt", whom: one("oldest", "newest", "waiting", "holding") }
  if (at < 90) return { _tag: "Resize", min: maybe(0.5, () => below(3)), max: maybe(0.7, () => 1 + below(5)) }
  if (at < 91) return { _tag: "Ready" }
  if (at < 93) return { _tag: "Detect" }
  if (at < 95) return { _tag: "Rotate" }
  if (at < 96) return { _tag: "Drain" }
  if (at < 97) return { _tag: "Suspend" }
  return closes && below(3) === 0 ? { _tag: "Close" } : { _tag: "Resume" }
}

const entering = (draw: Draws): Op => {
  const at = draw.below(10)
  if (at < 3) return { _tag: "Interrupt", whom: draw.one("oldest", "oldest", "waiting", "newest", "holding") }
  return at < 4 ? { _tag: "Close" } : opOf(draw, 1, false)
}

const entranceOf = (draw: Draws, sites: ReadonlyArray<Site>): Entrance => ({
  site: draw.one(...sites),
  nth: 1 + draw.below(6),
  within: draw.below(3) === 0,
  op: entering(draw)
})

/** The callbacks that a pool of this setup calls. */
const sitesOf = (setup: Setup): ReadonlyArray<Site> => {
  const there: Partial<Record<Site, boolean>> = {
    acquire: setup.acquire !== undefined,
    destroy: true,
    data: true,
    weight: setup.select === "weighted",
    rank: setup.select === "tiers",
    judge: setup.judge !== undefined,
    prefer: setup.judge !== undefined,
    select: setup.select === "last" || setup.select === "picky",
    where: true,
    leaseTimeout: setup.leaseTimeout === "function",
    detect: setup.detect !== undefined,
    onBorrow: setup.onBorrow !== undefined,
    onRelease: setup.onRelease !== undefined,
    pack: setup.pack !== undefined,
    unpack: setup.pack !== undefined,
    body: true
  }
  return (Object.keys(there) as Array<Site>).filter((site) => there[site])
}

/** The same for the same seed. */
export const scenario = (kind: Kind, seed: number): Scenario => {
  const draw = draws(numbers(seed))
  const base = setupOf(draw, kind === "limits" ? draw.one("calls", "reenters") : kind)
  const limits = kind === "limits"
  const setup = limits ? limited(draw, base) : base
  const closes = draw.below(limits ? 8 : 3) === 0
  const op = () => {
    const op = opOf(draw, 0, closes)
    return limits && op._tag === "Borrow" ? limitedOp(draw, op) : op
  }
  const client = () => draw.many(2 + draw.below(limits ? 8 : 5), op)
  const enters = kind === "reenters" || (limits && draw.below(2) === 0)
  return {
    seed,
    setup,
    clients: draw.many(kind === "reenters" ? 2 + draw.below(3) : 2 + draw.below(5), client),
    entrances: enters ? draw.many(1 + draw.below(6), () => entranceOf(draw, sitesOf(setup))) : []
  }
}

const text = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(text).join(", ")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{ ${fields.map(([key, each]) => `${key}: ${text(each)}`).join(", ")} }`
}

/** What differs from the plain setup; then what each client and each callback does. */
export const print = ({ clients, entrances, seed, setup }: Scenario): string => {
  const special = Object.entries(setup).filter(([key, value]) => plain[key as keyof Setup] !== value)
  return [
    `seed ${seed}, { ${special.map(([key, value]) => `${key}: ${text(value)}`).join(", ")} }`,
    ...clients.flatMap((ops, i) => [`client ${i + 1}`, ...ops.map((op) => `  ${text(op)}`)]),
    ...entrances.map(({ nth, op, site, within }) => `in ${site}, call ${nth}${within ? ", within" : ""}: ${text(op)}`)
  ].join("\n")
}
