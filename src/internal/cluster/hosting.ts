/**
 * A pool in this process, and its host.
 */
import * as Clock from "effect/Clock"
import type { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { KeyValueStore } from "effect/persistence/KeyValueStore"
import type * as RpcServer from "effect/rpc/RpcServer"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { PooledObject } from "../../PooledObject.ts"
import type { PoolMetricsOptions } from "../../PoolMetrics.ts"
import type { PoolOptions } from "../../PoolOptions.ts"
import { hostStore, store } from "../pool/assemble.ts"
import { toHookTimeout } from "../pool/options.ts"
import { Remote } from "../state/remote.ts"
import { checks } from "../state/validation.ts"
import { Deadlines } from "../structures/deadlines.ts"
import { Hold } from "../structures/hold.ts"
import { toMillis } from "../structures/times.ts"
import { Gate } from "./access.ts"
import { Additions } from "./additions.ts"
import { Claims } from "./claims.ts"
import type { Definition } from "./definition.ts"
import * as Entity from "./entity.ts"
import { gateway } from "./gateway.ts"
import { Host, type Settings } from "./host.ts"
import { type Memory, ofStore } from "./memory.ts"
import { serve } from "./server.ts"
import { mostName, tenth } from "./words.ts"

/** The options of a pool in this process, where the types of its callbacks' needs do not matter any more. */
type Usual<A, D, E> = PoolOptions<A, D, E, never, Lease<A, D>, never, never, never, never, never, never>

/** What is of the host alone. */
interface HostOnly<A, D, N> {
  readonly meets?: ((pooled: PooledObject<A, D>, need: N) => boolean) | undefined
  readonly timeToLive?: Duration.Input | undefined
  readonly afterCut?: Duration.Input | undefined
  readonly perBorrower?: { readonly leases?: number | undefined; readonly waiters?: number | undefined } | undefined
  readonly epoch?: Effect.Effect<number> | undefined
  readonly metrics?: PoolMetricsOptions | undefined
}

export type HostOptions<A, D, E, N> = Usual<A, D, E> & HostOnly<A, D, N>

/** Makes a pool; with `shown`, one that others borrow from. */
export type Make<A, D, E> = (
  options: Usual<A, D, E>,
  shown?: { readonly remote: Remote; readonly metrics: PoolMetricsOptions | undefined }
) => Effect.Effect<ObjectPool<A, D, E>, never, Scope.Scope>

/** How a fiber runs what it does by itself, in the scope that it is in. */
export const means = Effect.gen(function*() {
  const context = yield* Effect.context<Scope.Scope>()
  const clock = yield* Clock.Clock
  const scope = yield* Scope.Scope
  const run = Effect.runForkWith(context as Context.Context<never>)
  const track = Fiber.runIn(scope)
  const fork = <B, F>(effect: Effect.Effect<B, F>): Fiber.Fiber<B, F> => track(run(effect))
  const threw = (defect: unknown) => void run(Effect.logError("A deadline has thrown", defect))
  const deadlines: Deadlines = new Deadlines(clock, fork, threw, new Hold((): Deadlines => deadlines))
  yield* Effect.addFinalizer(() => Effect.sync(() => deadlines.end()))
  return { clock, deadlines, fork, run }
})

/** The least time to live, in milliseconds: below, renewals and timers of a busy process come too late. */
const least = 100

/** As long as a process that lives takes to hear that its connection has ended, in milliseconds, and less than a waiter minds. */
const usually = 50

const toSettings = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  mostText: number | undefined
): Omit<Settings<A, D, E, N>, "epoch" | "holds" | "additions"> => {
  agreeOnClasses(definition, options)
  const check = checks(definition.name)
  const timeToLive = check.duration("timeToLive", options.timeToLive, 10_000)
  if (timeToLive < least || timeToLive === Infinity) {
    check.refuse("timeToLive", options.timeToLive, `a duration from ${least} milliseconds, with an end`, "text")
  }
  const perBorrower = check.known("perBorrower", options.perBorrower, ["leases", "waiters"])
  return {
    timeToLive,
    afterCut: check.duration("afterCut", options.afterCut, usually, "zero"),
    mostLeases: check.whole("perBorrower.leases", perBorrower["leases"], 1, 10_000),
    mostWaiters: check.whole("perBorrower.waiters", perBorrower["waiters"], 0, 10_000),
    mostText,
    borrowTimeout: check.duration("borrowTimeout", options.borrowTimeout, 30_000, "zero"),
    meets: check.call("meets", options.meets)
  }
}

/** The classes of a host are those of its tag, by which its borrowers name them. */
export const agreeOnClasses = <A, D, E, N>(
  { classes, name }: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>
): void => {
  const check = checks(name)
  if (!Array.isArray(classes) || !classes.every((each) => typeof each === "string" && each.length <= mostName)) {
    check.refuse("classes", classes, `declared by the tag as texts of at most ${mostName} characters`)
  }
  if (classes.length === 0 && options.classes !== undefined) {
    check.refuse("classes", options.classes, "left out: the tag has declared none")
  }
  const given = Object.keys(check.known("classes", options.classes, classes))
  const missing = classes.find((each) => !given.includes(each))
  if (missing !== undefined) {
    check.refuse(`classes.${missing}`, undefined, "given, since the tag has declared the class")
  }
}

/** A lease time-out as the host keeps it: a tenth longer than its borrower. What is no duration is refused by the pool. */
const patient = (timeout: Duration.Input): Duration.Input => {
  const millis = toMillis(timeout)
  return millis === undefined ? timeout : millis === Infinity ? "Infinity" : millis * tenth
}

const lenient = <A, D>(
  timeout: Duration.Input | ((pooled: PooledObject<A, D>) => Duration.Input) | undefined
): Duration.Input | ((pooled: PooledObject<A, D>) => Duration.Input) | undefined =>
  timeout === undefined
    ? undefined
    : typeof timeout === "function"
    ? (pooled) => patient(timeout(pooled))
    : patient(timeout)

/** The epoch of a host: a whole number, as it travels. */
export const toEpoch = (name: string, given: Effect.Effect<number> | undefined): Effect.Effect<number> =>
  given === undefined
    ? Effect.clockWith((clock) => Effect.sync(() => Math.round(clock.currentTimeMillisUnsafe())))
    : Effect.map(given, (epoch) => checks(name).whole("epoch", epoch, 0, 0))

/** The options of the pool alone. */
export const ofPool = <A, D, E, N>(options: HostOptions<A, D, E, N>): Usual<A, D, E> => {
  const {
    afterCut: _afterCut,
    epoch: _epoch,
    meets: _meets,
    metrics: _metrics,
    perBorrower: _perBorrower,
    timeToLive: _timeToLive,
    ...rest
  } = options
  return rest
}

/** What says whether a process may be the host. */
interface Right {
  readonly epoch: number
  /** How often this process has become the host. */
  readonly terms: number
  readonly holds: () => boolean
}

/** A pool, and what was added to it, where it remembers that. */
export const remembering = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  { hookTimeout, remember }: HostOptions<A, D, E, N>,
  making: ReturnType<Make<A, D, E>>,
  memory: (context: Context.Context<never>) => Memory
) =>
  Effect.gen(function*() {
    const { fork } = yield* means
    if (remember === undefined) return { pool: yield* making, additions: undefined }
    const timeout = toHookTimeout(checks(definition.name), hookTimeout)
    const key = (object: A) => remember.key(object)
    const additions = new Additions(definition, memory(yield* Effect.context<never>()), { fork, key, timeout })
    const pool = yield* Effect.provideService(making, hostStore, additions.store)
    additions.begin(pool)
    yield* Effect.addFinalizer(() => additions.settled)
    return { pool, additions }
  })

/** The store that a program has for what its pools remember. */
export const inStore = (context: Context.Context<never>): Memory =>
  ofStore(Context.get(context as Context.Context<KeyValueStore>, store))

/** The pool, and its host. */
const opened = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  make: Make<A, D, E>,
  mostText: number | undefined,
  { terms, ...right }: Right,
  memory: (context: Context.Context<never>) => Memory
): Effect.Effect<Host<A, D, E, N>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const settings = toSettings(definition, options, mostText)
    const { deadlines, fork } = yield* means
    const remote = new Remote(terms)
    const usual = { ...ofPool(options), leaseTimeout: lenient(options.leaseTimeout) }
    const making = make(usual, { remote, metrics: options.metrics })
    const { additions, pool } = yield* remembering(definition, options, making, memory)
    return new Host(definition, pool, { ...settings, ...right, additions }, { deadlines, fork, remote })
  })

const recalled = <A, D, E, N>({ settings: { additions } }: Host<A, D, E, N>): Effect.Effect<void> =>
  additions === undefined ? Effect.void : additions.recalled

/** Nothing is lent by then: what the pool knows is written as it closes. */
const written = <A, D, E, N>({ pool, settings: { additions } }: Host<A, D, E, N>): Effect.Effect<void> =>
  additions === undefined ? Effect.void : Effect.andThen(pool.close, additions.settled)

/**
 * Serves a pool of this process until the scope closes: then nothing more is granted, leases have `closing.timeout` to come
 * back, and their borrowers are heard meanwhile.
 */
export const hosted = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  make: Make<A, D, E>
): Effect.Effect<void, never, Scope.Scope | RpcServer.Protocol> =>
  Effect.gen(function*() {
    const { access, mostText } = yield* gate(definition.name)
    const epoch = yield* toEpoch(definition.name, options.epoch)
    const right = { epoch, terms: 1, holds: () => true }
    const host = yield* opened(definition, options, make, mostText, right, inStore)
    yield* recalled(host)
    yield* serve(definition.name, host.serving, access)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.sync(() => host.stop()),
        Effect.andThen(Effect.andThen(host.pool.close, written(host)), Effect.sync(() => host.end()))
      )
    )
  })

/** What the transport says of who may reach it. One that says nothing lets nobody in. */
const gate = (name: string) =>
  Effect.map(Gate, (gate) => {
    if (gate.access._tag !== "Nobody") return gate
    return checks(name).refuse(
      "token",
      undefined,
      "given to the server's transport, or that without one: see `SharedPool.layerSocketServer`"
    )
  })

/** Passes on to the cluster's host what is asked of this process. */
export const gatewayed = (name: string): Effect.Effect<void, never, Scope.Scope | RpcServer.Protocol | Sharding> =>
  Effect.gen(function*() {
    const { access, mostText } = yield* gate(name)
    yield* serve(name, yield* gateway(name, mostText), access)
  })

/** This runner may be the host. */
export const clustered = <A, D, E, N>(
  definition: Definition<A, D, E, N>,
  options: HostOptions<A, D, E, N>,
  make: Make<A, D, E>
): Layer.Layer<never, never, Sharding | Claims> =>
  Layer.unwrap(Effect.map(Claims, ({ memories }) => {
    const { name } = definition
    const { timeToLive } = toSettings(definition, options, undefined)
    let terms = 0
    return Entity.layer({
      pool: name,
      timeToLive,
      closing: checks(name).duration("closing.timeout", options.closing?.timeout, 30_000, "zero"),
      build: ({ epoch, holds }) =>
        Effect.gen(function*() {
          const right = { epoch, terms: ++terms, holds }
          const host = yield* opened(definition, options, make, undefined, right, () => memories(name, epoch))
          yield* Effect.orDie(host.withhold)
          return { host, recalled: recalled(host), written: written(host) }
        })
    })
  }))
