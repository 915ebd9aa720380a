/**
 * A pool put together from its parts.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { type Acquire, type Creation, Creator, type CreatorOptions } from "../making/creator.ts"
import * as Outcomes from "../making/outcomes.ts"
import * as Answers from "../object/answers.ts"
import { Destroyer, type DestroyerOptions } from "../object/destroyer.ts"
import { Detector } from "../object/detector.ts"
import { Dozing } from "../object/dozing.ts"
import { prepareMade } from "../object/joining.ts"
import * as Leaving from "../object/leaving.ts"
import { Memory, type Store } from "../object/memory.ts"
import * as Resting from "../object/resting.ts"
import { Link } from "../object/self.ts"
import { Accounts } from "../state/accounts.ts"
import { ClassedWaiters } from "../state/classedWaiters.ts"
import { Classes, wholeOf } from "../state/classes.ts"
import { type Core, forkWith, heldBy, soon, type Tallies } from "../state/core.ts"
import { Note, note } from "../state/notes.ts"
import { Pace } from "../state/pace.ts"
import { Registry } from "../state/registry.ts"
import type { Room } from "../state/room.ts"
import type { Resolved } from "../state/settings.ts"
import { Waiters } from "../state/waiters.ts"
import { type AsyncContext, bind, capture } from "../structures/asking.ts"
import * as Deadlines from "../structures/deadlines.ts"
import { Hold } from "../structures/hold.ts"
import { Policy, type Tiers } from "../structures/selection/policy.ts"
import * as Selection from "../structures/selection/selection.ts"
import { Trusted } from "../structures/trusted.ts"
import { Overload } from "../waiting/overload.ts"
import { report } from "../watching/log.ts"
import { Durations } from "../watching/timings.ts"
import { turn } from "./turn.ts"

/** The tag of effect's module, which is not loaded for it, with its drivers of databases and files: a tag is its name. */
export const store: Context.Key<KeyValueStore, KeyValueStore> = Context.Service<KeyValueStore>(
  "effect/persistence/KeyValueStore"
)

/** The store of a pool that has a host, in place of effect's: which the user's own functions may need. */
export const hostStore: Context.Key<Store, Store> = Context.Service<Store>("effect-object-pool/Store")

/** Binds the functions that are called for the pool, and for no borrower, to the asynchronous context of its builder. */
const atHome = <A, D>(options: Resolved<A, D>, home: AsyncContext | undefined): Resolved<A, D> => {
  if (home === undefined) return options
  const { allowance, capacity, data, detectStatus, judge, onRelease, policy, remember } = options
  return {
    ...options,
    allowance: allowance && { ...allowance, of: bind(home, allowance.of) },
    capacity: capacity && bind(home, capacity),
    data: dataAtHome(data, home),
    detectStatus: detectStatus && bind(home, detectStatus),
    judge: judge && judgeAtHome(judge, home),
    onRelease: onRelease && bind(home, onRelease),
    policy: policyAtHome(policy, home),
    remember: remember && bind(home, remember)
  }
}

const judgeAtHome = <A, D>(judge: NonNullable<Resolved<A, D>["judge"]>, home: AsyncContext): typeof judge => {
  const bound = bind(home, ([exit, pooled]: Parameters<typeof judge>) => judge(exit, pooled))
  return (exit, pooled) => bound([exit, pooled])
}

const dataAtHome = <A, D>(data: Resolved<A, D>["data"], home: AsyncContext): typeof data => {
  const bound = bind(home, ([object, key]: Parameters<typeof data>) => data(object, key))
  return (object, key) => bound([object, key])
}

const policyAtHome = (policy: Policy, home: AsyncContext): Policy => {
  if (policy.kind === "weighted") return new Policy("weighted", bind(home, policy.f as (pooled: unknown) => unknown))
  if (policy.kind !== "tiers") return policy
  const { rank, within } = policy.f as Tiers
  return new Policy("tiers", { rank: bind(home, rank), within: policyAtHome(within, home) })
}

/** What a pool lives in: the services of its builder, and the asynchronous context that it was built in. */
const surroundings = (services: Context.Context<never>) => {
  // neither the scope nor the span of the builder are those of what happens later
  const own = Context.omit(Scope.Scope, Tracer.ParentSpan)(services) as Context.Context<never>
  // nor is the scheduler of a `runSync`, which lets no other fiber have a turn
  const context = Context.get(own, Scheduler.Scheduler).executionMode === "sync"
    ? Context.omit(Scheduler.Scheduler)(own) as Context.Context<never>
    : own
  const home = capture()
  const run = forkWith(context)
  return {
    context,
    home,
    run,
    fork: home === undefined ? run : bind(home, run) as typeof run,
    clock: Context.get(context, Clock.Clock),
    random: Context.get(context, Random.Random),
    dispatcher: Context.get(context, Scheduler.Scheduler).makeDispatcher()
  }
}

/** What the machines of a pool are made with. They are made before its core is, and reach that by a function. */
interface Means<A, D> {
  readonly core: () => Core<A, D>
  readonly options: Resolved<A, D>
  readonly deadlines: Deadlines.Deadlines
  readonly fork: Core<A, D>["run"]
  readonly threw: (defect: unknown) => void
}

const makeDetector = <A, D>(means: Means<A, D>): Detector<A, D> | undefined => {
  const { core, deadlines, fork, options, threw } = means
  const { detectStatus, detection } = options
  if (detectStatus === undefined) return undefined
  return new Detector(
    {
      detectStatus,
      concurrency: detection.concurrency,
      timeout: detection.timeout,
      concluded: (detection, outcome) => Answers.conclude(core(), detection, outcome)
    },
    deadlines,
    fork,
    threw,
    (then) => soon(core(), then)
  )
}

/** What a creator is given: a record that is made for each key, and has its functions once for all of them. */
class Making<A, D> implements CreatorOptions<A, D> {
  readonly acquire: Acquire<A>
  readonly timeout: number
  readonly closeTimeout: number
  private readonly core: () => Core<A, D>

  constructor({ core, options }: Means<A, D>, acquire: Acquire<A>) {
    this.core = core
    this.acquire = acquire
    this.timeout = options.creation.timeout
    this.closeTimeout = options.hookTimeout
  }
  link(): Link<A, D> {
    const core = this.core()
    return new Link(core.options.name, heldBy(core))
  }
  prepare(object: A) {
    return prepareMade(this.core(), object)
  }
  // called by itself
  readonly stray: CreatorOptions<A, D>["stray"] = (destroy) => Outcomes.destroyStray(this.core(), destroy)
  made(...[creation, object, prepared, scope]: Parameters<CreatorOptions<A, D>["made"]>): void {
    Outcomes.made(this.core(), creation, object, prepared, scope)
  }
  failed(...[creation, cause]: Parameters<CreatorOptions<A, D>["failed"]>): void {
    Outcomes.failed(this.core(), creation, cause)
  }
  late(creation: Creation<A, D>): void {
    Outcomes.late(this.core(), creation)
  }
  lateEnded(...[creation, exit]: Parameters<CreatorOptions<A, D>["lateEnded"]>): void {
    Outcomes.lateEnded(this.core(), creation, exit)
  }
  gaveUp(creation: Creation<A, D>): void {
    Outcomes.gaveUp(this.core(), creation)
  }
}

const makeCreator = <A, D>(means: Means<A, D>, acquire: Acquire<A> | undefined): Creator<A, D> | undefined =>
  acquire === undefined
    ? undefined
    : new Creator(new Making(means, acquire), means.deadlines, means.fork, (then) => soon(means.core(), then))

/** What a destroyer is given: as for a creator. */
class Destroying<A, D> implements DestroyerOptions<A, D> {
  readonly concurrency: number
  readonly timeout: number
  private readonly means: Means<A, D>
  private readonly dispatcher: Scheduler.SchedulerDispatcher

  constructor(means: Means<A, D>, dispatcher: Scheduler.SchedulerDispatcher) {
    this.means = means
    this.dispatcher = dispatcher
    this.concurrency = means.options.detection.concurrency
    this.timeout = means.options.hookTimeout
  }
  gone(...[entry, failure]: Parameters<DestroyerOptions<A, D>["gone"]>): void {
    Leaving.gone(this.means.core(), entry, failure)
  }
  failedLate(...[entry, cause]: Parameters<DestroyerOptions<A, D>["failedLate"]>): void {
    report(this.means.core(), "Destroying an object failed after it had been given up", { cause, entry })
  }
  schedule(task: () => void): void {
    this.dispatcher.scheduleTask(task, 0)
  }
  threw(defect: unknown): void {
    this.means.threw(defect)
  }
}

const makeMemory = <A, D>(
  { core, options }: Means<A, D>,
  context: Context.Context<never>
): Memory<A, D> | undefined =>
  options.remember === undefined
    ? undefined
    : new Memory(
      core,
      Context.getOrElse(context, hostStore, () => Context.get(context as Context.Context<KeyValueStore>, store))
    )

const makeRegistry = <A, D>(
  { detectStatus, detection, policy, sharing }: Resolved<A, D>,
  random: Core<A, D>["random"],
  room: Room | undefined
): Registry<A, D> =>
  new Registry(
    Selection.make(policy, random, sharing),
    detectStatus !== undefined && detection.trustFor ? new Trusted() : undefined,
    room
  )

const makeWaiters = <A, D>(
  { acquire, classes, detectStatus, onBorrow, overload }: Resolved<A, D>,
  core: () => Core<A, D>,
  hold: Hold,
  room: Room | undefined
): Pick<Core<A, D>, "classes" | "waiters"> => {
  const means = { makes: acquire !== undefined, detects: detectStatus !== undefined, prepares: onBorrow !== undefined }
  const ages = overload !== undefined
  if (classes === undefined) {
    return { classes: undefined, waiters: new Waiters({ ...means, ages }, hold, room?.arrivals) }
  }
  const order = room?.arrivals ?? { last: 0 }
  const accounts = room?.classes ?? new Accounts(classes, wholeOf(core))
  const all = new Classes(core, accounts, () => new Waiters(means, hold, order))
  return { classes: all, waiters: new ClassedWaiters(all, { ...means, ages }, hold) }
}

const makeRetry = <A, D>({ core, options: { creation } }: Means<A, D>): Core<A, D>["retry"] => ({
  pace: creation.retry === undefined ? undefined : new Pace(creation.retry),
  failing: false,
  waits: false,
  next: Deadlines.make(() => Outcomes.retry(core()), true),
  attempt: undefined,
  turns: 0,
  failure: undefined
})

const makeRefill = <A, D>(core: () => Core<A, D>): Core<A, D>["refill"] => ({
  failures: 0,
  deadline: Deadlines.make(() => note(core(), Note.minimum), true),
  lost: 0,
  lostAt: -Infinity,
  lostBefore: 0
})

const reporting = <A, D>(core: () => Core<A, D>) => (defect: unknown): void =>
  report(core(), "What the pool has called or resumed has thrown", { cause: Cause.die(defect) })

export const build = <A, D>(given: Resolved<A, D>, services: Context.Context<never>): Core<A, D> => {
  const { clock, context, dispatcher, fork, home, random, run } = surroundings(services)
  const threw = reporting(() => core)
  const hold = new Hold(() => core)
  const deadlines = new Deadlines.Deadlines(clock, fork, threw, hold)
  const moments = new Deadlines.Moments(clock, fork, threw, hold)
  const surrounding = { clock, context, dispatcher, home, random, run, hold, deadlines, moments }
  const core: Core<A, D> = putTogether(atHome(given, home), surrounding, given.acquire as Acquire<A> | undefined)
  return core
}

/** The pool of one key: it has its options, its surroundings and its timers from the root of them all. */
export const buildFor = <A, D>(root: Core<A, D>, acquire: Acquire<A> | undefined, room: Room): Core<A, D> =>
  putTogether(root.options, root, acquire, room)

/** What the pools of many keys have in common: those of their counts, too, that nobody is shown by key. */
type Surroundings<A, D> =
  & Pick<
    Core<A, D>,
    "clock" | "context" | "dispatcher" | "home" | "random" | "run" | "hold" | "deadlines" | "moments"
  >
  & Partial<Pick<Core<A, D>, "timings" | "creations" | "tallies" | "suspended">>

const toMeans = <A, D>(
  core: () => Core<A, D>,
  options: Resolved<A, D>,
  { deadlines, home, run }: Surroundings<A, D>
): Means<A, D> => ({
  core,
  options,
  deadlines,
  fork: home === undefined ? run : bind(home, run) as typeof run,
  threw: reporting(core)
})

type Ingredients<A, D> = readonly [
  options: Resolved<A, D>,
  around: Surroundings<A, D>,
  acquire: Acquire<A> | undefined,
  room?: Room
]

const putTogether = <A, D>(...[options, around, acquire, room]: Ingredients<A, D>): Core<A, D> => {
  const { classes, waiters } = makeWaiters(options, () => core, around.hold, room)
  const means = toMeans(() => core, options, around)
  const core: Core<A, D> = {
    options,
    context: around.context,
    home: around.home,
    run: around.run,
    clock: around.clock,
    random: around.random,
    dispatcher: around.dispatcher,
    hold: around.hold,
    held: undefined,
    deadlines: around.deadlines,
    moments: around.moments,
    place: undefined,
    many: undefined,
    dozing: new Dozing(around.deadlines, waiters, () => Resting.askDozing(core)),
    registry: makeRegistry(options, around.random, room),
    waiters,
    classes,
    overload: options.overload && new Overload(options.overload, around.deadlines, waiters),
    detector: makeDetector(means),
    creator: makeCreator(means, acquire),
    destroyer: new Destroyer(new Destroying(means, around.dispatcher), around.deadlines, means.fork),
    memory: makeMemory(means, around.context),
    life: { _tag: "Open" },
    suspended: around.suspended ?? false,
    size: { ...options.size },
    crowded: false,
    retry: makeRetry(means),
    onClosed: new Set(),
    watchers: new Set(),
    background: new Set(),
    sweeper: undefined,
    leases: 0,
    owners: undefined,
    leaseIds: room?.leaseIds ?? { last: 0 },
    feed: undefined,
    timings: around.timings,
    creations: around.creations ?? new Durations(),
    tallies: around.tallies ?? noTallies(),
    totals: { borrowed: 0, added: 0, made: 0, destroyed: 0, timedOut: 0, exhausted: 0, expired: 0 },
    awake: [],
    waking: false,
    trustedUntil: -Infinity,
    choosing: undefined,
    chooser: undefined,
    choosers: new Set(),
    returned: undefined,
    offers: [],
    notes: 0,
    notesPutOff: 0,
    turning: false,
    turn: () => turn(core),
    threw: means.threw,
    refill: makeRefill(() => core)
  }
  return core
}

const noTallies = (): Tallies => ({
  refusals: { NoneAvailable: 0, WaitersFull: 0, Suspended: 0, Resting: 0, CostTooHigh: 0, Overloaded: 0, NoRoom: 0 },
  verdicts: { Dormant: 0, Unknown: 0, Invalid: 0 },
  failovers: 0
})
