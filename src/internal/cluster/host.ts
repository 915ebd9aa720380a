/**
 * The host of a pool: an ordinary pool, and the sessions of those who borrow from it.
 *
 * A session is one life of a connection of a borrower. It lasts as long as its `Join` stream is open and its borrower is
 * heard from; then all its leases are over at once. A new connection, or a borrower that has lost an answer, begins another.
 *
 * Invariants:
 * - A session that is in `sessions` has its deadline in `deadlines`, a time to live and a tenth after it was last heard, or
 *   earlier once it is cut off; one that is not in there holds no lease, waits for none, and is granted none.
 * - A session that is cut off waits for no lease, is granted none, and is not heard any more.
 * - `session.held` has an entry for each key that waits or holds, from the step in which the borrow begins to the step in
 *   which its object goes back, or its wait ends; `waiting` counts those without a lease.
 * - Nothing is granted once `stopping` is set: what a pool grants in that very step goes back before anybody is told.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Lease } from "../../Lease.ts"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { PooledObject } from "../../PooledObject.ts"
import { type BorrowError, type LeaseExpired, type PoolClosed, PoolExhausted } from "../../PoolError.ts"
import type { BorrowOptions } from "../../PoolOptions.ts"
import { Handle } from "../lease/handle.ts"
import type { Work } from "../lease/lease.ts"
import { forget, introduce } from "../state/borrower.ts"
import { standDown, standIn } from "../state/owners.ts"
import type { Remote, RemoteBorrower } from "../state/remote.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"
import type { Additions } from "./additions.ts"
import type { Definition } from "./definition.ts"
import { operate, targets } from "./operating.ts"
import { draw, type Who } from "./pictures.ts"
import {
  type Act,
  type Answer,
  type Ask,
  type Failure,
  type Granted,
  type Joining,
  type Notice,
  type Operation,
  type Outcome,
  refusal,
  type Returned,
  type Serving,
  version
} from "./protocol.ts"
import { given, patiently, tenth, toDuration, toFailure } from "./words.ts"

export interface Settings<A, D, E, N> {
  /** Milliseconds. */
  readonly timeToLive: number
  /** Milliseconds from the end of a connection until what its borrower holds goes back. */
  readonly afterCut: number
  /** The most leases, and the most waiters, of one session. */
  readonly mostLeases: number
  readonly mostWaiters: number
  /** The most characters of a message; `undefined`: nobody knows. */
  readonly mostText: number | undefined
  readonly epoch: number
  /** May this process grant and renew in this instant? Always, where no other could become the host. */
  readonly holds: () => boolean
  /** The pool's own `borrowTimeout` in milliseconds. */
  readonly borrowTimeout: number
  readonly meets: ((pooled: PooledObject<A, D>, need: N) => boolean) | undefined
  /** Absent: what is added goes with the host. */
  readonly additions?: Additions<A, D, E, N> | undefined
}

/** The means of a host: its timer, and how it runs what it does by itself. */
export interface Means {
  readonly deadlines: Deadlines
  readonly fork: (effect: Effect.Effect<void>) => void
  /** What it tells those who look. */
  readonly remote: Remote
}

/** The most sessions of one connection: it has one, and perhaps one that is ending. */
const mostSessions = 8

/** The most of what an operator asks for, and of streams of events, that one session has at once. */
const mostRequests = 1_000

/** What a borrower waits for, or holds: the work under its lease, as the pool sees it. Its deadline waits once that is over. */
class Holding<A, D> implements Deadline, Work {
  readonly key: number
  /** Gives the object back as it is closed; and what made it, once it is detached. */
  readonly scope = Scope.makeUnsafe()
  lease: Lease<A, D> | undefined = undefined
  /** The fiber that waits. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The borrower does not want it any more, though it may not have been granted yet. */
  returned = false
  /** It was granted as one too many for its session. */
  exceeds = false
  due = Infinity
  index = -1
  private readonly host: Ending<A, D>
  private readonly session: Session<A, D>

  constructor(host: Ending<A, D>, session: Session<A, D>, key: number) {
    this.host = host
    this.session = session
    this.key = key
  }
  /** The lease is over, by the pool: the object comes back when the borrower says so, or can use it no more. */
  interrupt(): void {
    this.host.over(this.session, this)
  }
  /** The borrower has not said so in time. */
  fire(): void {
    this.host.takeIn(this.session, this, Exit.interrupt())
  }
}

/** Ends what a borrower holds. */
interface Ending<A, D> {
  over(session: Session<A, D>, holding: Holding<A, D>): void
  takeIn(session: Session<A, D>, holding: Holding<A, D>, exit: Exit.Exit<unknown, unknown>): void
}

export class Session<A, D> implements Deadline, RemoteBorrower {
  readonly id: string
  /** What the borrower calls itself, and its machine. */
  readonly borrower: string
  readonly machine: string | undefined
  readonly since: number
  /** In whose name its leases are. */
  readonly owner: number
  /** The connection it came by, if that is known. */
  readonly connection: number | undefined
  readonly notices: Queue.Queue<Notice, Failure | Cause.Done>
  readonly held = new Map<number, Holding<A, D>>()
  waiting = 0
  /** What was asked for, beside leases, and is not answered yet. */
  asking = 0
  /** Its connection has ended: its borrower, if it lives, is about to hear of that. */
  isCut = false
  due = Infinity
  index = -1
  private readonly silent: (session: Session<A, D>) => void

  constructor(
    { borrower, machine, session }: Joining,
    since: number,
    connection: number | undefined,
    notices: Session<A, D>["notices"],
    silent: (session: Session<A, D>) => void
  ) {
    this.id = session
    this.borrower = borrower
    this.machine = machine
    this.since = since
    this.owner = introduce(this.called)
    this.connection = connection
    this.notices = notices
    this.silent = silent
  }
  get called(): string {
    return this.machine === undefined ? this.borrower : `${this.borrower} on ${this.machine}`
  }
  get leases(): number {
    return this.held.size - this.waiting
  }
  /** The borrower was not heard from for too long. */
  fire(): void {
    this.silent(this)
  }
}

const unproven = refusal("Unproven", "the host cannot show at present that it is the host")

const noSession = refusal("NoSession", "the host knows no such session, or not any more")

export class Host<A, D, E, N> {
  readonly definition: Definition<A, D, E, N>
  readonly pool: ObjectPool<A, D, E>
  readonly settings: Settings<A, D, E, N>
  private readonly means: Means
  private readonly sessions = new Map<string, Session<A, D>>()
  private stopping = false
  /** Does the host lend, as far as it is concerned? And has an operator suspended the pool? It lends if neither says no. */
  private lends = true
  private isSuspended = false
  /** Until then somebody may believe that he holds something, though nothing here says so. */
  private looseUntil = -Infinity

  constructor(
    definition: Definition<A, D, E, N>,
    pool: ObjectPool<A, D, E>,
    settings: Settings<A, D, E, N>,
    means: Means
  ) {
    this.definition = definition
    this.pool = pool
    this.settings = settings
    this.means = means
    means.remote.borrowers = () => this.sessions.values()
  }

  /** What its borrowers may ask of it. */
  get serving(): Serving {
    return {
      Join: (joining, connection) => this.join(joining, connection),
      Renew: ({ over, session }) =>
        Effect.suspend(() => {
          // whoever leaves says it last of the session itself, whose connection may have ended meanwhile
          for (const id of over ?? []) this.left(id)
          return Effect.flatMap(this.hear(session), () => this.settings.holds() ? Effect.void : Effect.fail(unproven))
        }),
      Borrow: ({ ask, key, returned, session }) => this.borrow(session, key, ask, returned),
      Return: ({ returned, session }) => Effect.map(this.hear(session), (session) => this.giveBack(session, returned)),
      Act: ({ act, key, session }) => this.act(session, key, act),
      Operate: ({ operation, session }) =>
        Effect.scoped(Effect.andThen(this.asks(session), this.answered(this.operated(operation)))),
      Watch: ({ session }) => Stream.unwrap(Effect.as(this.asks(session), this.pool.events))
    }
  }

  /** By its lease who is no borrower of this process. A walk over what is held. */
  borrowers(): Map<number, Who> {
    const who = new Map<number, Who>()
    for (const session of this.sessions.values()) {
      for (const { lease } of session.held.values()) if (lease !== undefined) who.set(lease.id, session)
    }
    return who
  }

  /** Lends nothing until `goOn`: those who wait keep their places. */
  get withhold(): Effect.Effect<void, PoolClosed> {
    return Effect.suspend(() => {
      this.lends = false
      return this.pool.suspend
    })
  }

  /** Lends, unless an operator has suspended the pool. */
  get goOn(): Effect.Effect<void, PoolClosed> {
    return Effect.suspend(() => {
      this.lends = true
      return this.isSuspended ? Effect.void : this.pool.resume
    })
  }

  /** What an operator asks for. */
  private operated(operation: Operation): Effect.Effect<Answer, unknown> {
    return Effect.suspend(() => {
      const { _tag } = operation
      if (_tag === "Suspend" || _tag === "Drain") this.isSuspended = true
      if (_tag === "Resume") this.isSuspended = false
      return _tag === "Resume" && !this.lends ? Effect.succeed(null) : operate(this, targets(this), operation)
    })
  }

  /** Grants nothing more: those who wait are to go on to the next host. */
  stop(): void {
    if (this.stopping) return
    this.stopping = true
    for (const session of this.sessions.values()) {
      Queue.offerUnsafe(session.notices, { _tag: "Stopping" })
      for (const holding of session.held.values()) {
        if (holding.lease === undefined) this.turnAway(holding)
      }
    }
  }

  /** Nothing is lent to anybody who is connected. */
  get isIdle(): boolean {
    for (const { held, waiting } of this.sessions.values()) if (held.size > waiting) return false
    return true
  }

  /** No borrower believes that he holds something: each lease was given back, or its borrower was silent for long enough. */
  get isLeft(): boolean {
    return this.isIdle && this.means.deadlines.now() >= this.looseUntil
  }

  /** All sessions are over: the pool is closed. */
  end(): void {
    for (const session of this.sessions.values()) this.endSession(session, Exit.void)
  }

  private join(
    joining: Joining,
    connection: number | undefined
  ): Effect.Effect<Queue.Dequeue<Notice, Failure | Cause.Done>, Failure, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const refused = this.refuses(joining, connection)
      if (refused !== undefined) return yield* Effect.fail(refused)
      const stats = yield* this.pool.stats
      const notices = yield* Queue.unbounded<Notice, Failure | Cause.Done>()
      const { classes } = this.definition
      const { borrowTimeout, epoch, mostText, timeToLive } = this.settings
      Queue.offerUnsafe(notices, {
        _tag: "Welcome",
        epoch,
        timeToLive,
        borrowTimeout: borrowTimeout === Infinity ? null : borrowTimeout,
        ...given({ mostText, classes: classes.length === 0 ? undefined : classes }),
        stats
      })
      const session = new Session<A, D>(
        joining,
        this.means.deadlines.now(),
        connection,
        notices,
        (session) => this.silent(session)
      )
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          this.sessions.set(session.id, session)
          this.heard(session)
        }),
        () => Effect.sync(() => this.cut(session))
      )
      return notices
    })
  }

  /** Why a borrower may not join; `undefined`: it may. */
  private refuses(joining: Joining, connection: number | undefined): Failure | undefined {
    const { fingerprint, name } = this.definition
    if (this.stopping) return refusal("Stopping", "the host stops")
    if (!this.settings.holds()) return unproven
    if (joining.version !== version) {
      return refusal("Incompatible", `the host speaks version ${version} of the protocol, the borrower another`)
    }
    if (joining.fingerprint !== fingerprint) {
      return refusal("Incompatible", `the host has other schemas for "${name}" than the borrower`)
    }
    const before = this.sessions.get(joining.session)
    if (before !== undefined) return before.isCut ? noSession : refusal("Malformed", "the session is not new")
    if (connection === undefined) return undefined
    let sessions = 0
    for (const session of this.sessions.values()) if (session.connection === connection) sessions++
    return sessions < mostSessions ? undefined : refusal("Malformed", "too many sessions on one connection")
  }

  private heard(session: Session<A, D>): void {
    const { deadlines } = this.means
    deadlines.set(session, deadlines.now() + this.settings.timeToLive * tenth)
  }

  private hear(id: string): Effect.Effect<Session<A, D>, Failure> {
    return Effect.suspend(() => {
      const session = this.sessions.get(id)
      if (session === undefined || session.isCut) return Effect.fail(noSession)
      this.heard(session)
      return Effect.succeed(session)
    })
  }

  /** Counts a request, until it is answered whole. */
  private asks(id: string): Effect.Effect<void, Failure, Scope.Scope> {
    return Effect.flatMap(this.hear(id), (session) => {
      if (session.asking >= mostRequests) {
        return Effect.fail(refusal("RequestsFull", `it has ${mostRequests} unanswered`))
      }
      return Effect.acquireRelease(
        Effect.sync(() => void session.asking++),
        () => Effect.sync(() => void session.asking--)
      )
    })
  }

  private borrow(
    id: string,
    key: number,
    ask: Ask,
    returned: ReadonlyArray<Returned> = []
  ): Effect.Effect<Granted, Failure> {
    return Effect.flatMap(this.hear(id), (session) =>
      Effect.withFiber((fiber) => {
        this.giveBack(session, returned)
        const refused = this.refusesBorrow(session, key)
        if (refused !== undefined) return refused
        const options = this.toOptions(ask)
        if ("_tag" in options) return Effect.fail(options)
        const began = this.means.deadlines.now()
        const holding = new Holding<A, D>(this, session, key)
        holding.fiber = fiber
        standIn(fiber, { id: session.owner })
        session.held.set(key, holding)
        session.waiting++
        return Effect.suspend(() => this.lend(session, ask, options)).pipe(
          Scope.provide(holding.scope),
          Effect.onExit((exit) => Effect.sync(() => this.waited(session, holding, exit))),
          (borrowed) => this.answered(borrowed),
          Effect.flatMap((lease) => this.grant(session, holding, lease, began))
        )
      }))
  }

  private refusesBorrow(session: Session<A, D>, key: number): Effect.Effect<never, Failure> | undefined {
    if (this.stopping) return Effect.fail(refusal("Stopping", "the host stops"))
    if (session.held.has(key)) return Effect.fail(refusal("Malformed", "the key is not new"))
    return session.held.size - session.waiting >= this.settings.mostLeases ? Effect.fail(this.leasesFull) : undefined
  }

  private get leasesFull(): Failure {
    return refusal("LeasesFull", `it has ${this.settings.mostLeases} leases`)
  }

  /** Lends an object; where the session has as many waiters as it may have, only one that nobody has to wait for. */
  private lend(
    session: Session<A, D>,
    ask: Ask,
    options: BorrowOptions<A, D>
  ): Effect.Effect<Lease<A, D>, E | BorrowError, Scope.Scope> {
    const { pool, definition: { name } } = this
    if (!ask.queues) return pool.tryBorrowWith(options)
    // the borrow itself is among those that wait
    if (session.waiting <= this.settings.mostWaiters) return pool.borrowWith(options)
    return Effect.catchIf(
      pool.tryBorrowWith(options),
      (error): error is PoolExhausted => error instanceof PoolExhausted,
      ({ class: ofClass, stats }) =>
        Effect.fail(new PoolExhausted({ pool: name, stats, reason: "WaitersFull", ...given({ class: ofClass }) }))
    )
  }

  private toOptions(ask: Ask): BorrowOptions<A, D> | Failure {
    const { affinity, class: ofClass, cost, facet, priority } = ask
    const { meets } = this.settings
    const options = {
      timeout: toDuration(ask.timeout),
      leaseTimeout: patiently(ask.leaseTimeout),
      priority,
      cost,
      affinity,
      facet,
      // that there is such a class, the pool says
      class: ofClass as undefined
    }
    if (ask.need === undefined) return options
    const need = this.definition.need?.decode(ask.need)
    if (need === undefined || meets === undefined) {
      return refusal("Malformed", "the host does not understand the `need`")
    }
    return { ...options, where: (pooled) => meets(pooled, need.value) }
  }

  /** A wait has ended. */
  private waited(session: Session<A, D>, holding: Holding<A, D>, exit: Exit.Exit<Lease<A, D>, unknown>): void {
    session.waiting--
    if (holding.fiber !== undefined) standDown(holding.fiber)
    holding.fiber = undefined
    if (Exit.isFailure(exit)) return void session.held.delete(holding.key)
    holding.lease = exit.value
    // others that waited beside it may have been granted meanwhile
    holding.exceeds = session.held.size - session.waiting > this.settings.mostLeases
  }

  private grant(
    session: Session<A, D>,
    holding: Holding<A, D>,
    lease: Lease<A, D>,
    began: number
  ): Effect.Effect<Granted, Failure> {
    const object = this.definition.object.encode(lease.object)
    const why = object === undefined
      ? refusal("Malformed", "the host cannot encode the object: it is not what the schema `object` says")
      : holding.returned
      ? noSession
      : holding.exceeds
      ? this.leasesFull
      : this.stopping
      ? refusal("Stopping", "the host stops")
      : this.settings.holds()
      ? undefined
      : unproven
    if (why !== undefined) {
      this.takeIn(session, holding, Exit.void)
      return Effect.fail(why)
    }
    const active = Handle.leaseOf<A, D>(lease)
    if (active !== undefined) active.holder = holding
    const lasts = active?.expiry?.timeout
    return Effect.succeed({
      object: object!.json,
      leaseId: lease.id,
      pooled: draw(lease.pooled, this.definition.data),
      waited: Math.max(0, this.means.deadlines.now() - began),
      ...(lasts === undefined ? {} : { lasts: lasts / tenth })
    })
  }

  /** The pool has ended a lease by itself: its borrower is told, and has as long as it would have if it did not hear that. */
  over(session: Session<A, D>, holding: Holding<A, D>): void {
    const reason = Handle.leaseOf<A, D>(holding.lease)?.over
    if (session.held.get(holding.key) !== holding || reason === undefined) return
    if (reason === "Released" || reason === "Lost") return
    const { deadlines } = this.means
    deadlines.set(holding, deadlines.now() + this.settings.timeToLive * tenth)
    const told = Effect.map(
      this.pool.stats,
      (stats) => Queue.offerUnsafe(session.notices, { _tag: "Over", key: holding.key, reason, stats })
    )
    this.means.fork(Effect.asVoid(told))
  }

  private giveBack(session: Session<A, D>, returned: ReadonlyArray<Returned>): void {
    for (const { key, outcome } of returned) {
      const holding = session.held.get(key)
      if (holding === undefined) continue
      if (holding.lease === undefined) this.turnAway(holding)
      else {
        if (outcome.ended === "Expired") this.expire(holding.lease)
        this.takeIn(session, holding, toExit(outcome))
      }
    }
  }

  /** The time of a lease is over at its borrower, and has a tenth to go here. */
  private expire(lease: Lease<A, D>): void {
    const active = Handle.leaseOf<A, D>(lease)
    if (active?.expiry === undefined || active.over !== undefined) return
    // the borrower has stopped, and is told nothing
    active.holder = { interrupt: () => {} }
    active.core.deadlines.cancel(active.expiry)
    active.expire()
  }

  /** Ends a wait. */
  private turnAway(holding: Holding<A, D>): void {
    holding.returned = true
    holding.fiber?.interruptUnsafe()
  }

  /** The borrower uses its object no more. */
  takeIn(session: Session<A, D>, holding: Holding<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    session.held.delete(holding.key)
    this.means.deadlines.cancel(holding)
    const rest = Scope.closeUnsafe(holding.scope, exit)
    if (rest !== undefined) this.means.fork(rest)
  }

  private act(id: string, key: number, act: Act): Effect.Effect<void, Failure> {
    return Effect.flatMap(this.hear(id), (session) => {
      const holding = session.held.get(key)
      if (holding?.lease === undefined) return Effect.void
      return this.answered(Effect.asVoid(this.acted(holding, holding.lease, act)))
    })
  }

  private acted(holding: Holding<A, D>, lease: Lease<A, D>, act: Act): Effect.Effect<unknown, LeaseExpired> {
    switch (act._tag) {
      case "Invalidate":
        return lease.invalidate
      case "Rest":
        return Effect.suspend(() => lease.rest(toDuration(act.duration) ?? 0, act.facet))
      case "Charge":
        return lease.charge(act.cost, act.name)
      case "Report":
        return Effect.flatMap(
          Effect.clockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe())),
          (now) =>
            lease.report({
              name: act.name,
              remaining: act.remaining,
              resetsAt: act.resetsIn === undefined ? undefined : now + act.resetsIn
            })
        )
      case "Recount":
        return lease.recount
      case "Renew":
        return lease.renew
      case "Detach":
        return Scope.provide(lease.detach, holding.scope)
    }
  }

  /** What a borrower is told of how something has ended. */
  private answered<B>(effect: Effect.Effect<B, unknown>): Effect.Effect<B, Failure> {
    return Effect.catchCause(effect, (cause) => toFailure(this.definition, cause))
  }

  /** The borrower was not heard from for too long: its leases end as those do whose time is over. */
  private silent(session: Session<A, D>): void {
    if (session.isCut) return this.endSession(session, Exit.interrupt())
    const leases = [...session.held.values()].flatMap(({ lease }) => lease ?? [])
    Queue.failCauseUnsafe(session.notices, Cause.fail<Failure>(noSession))
    const revoking = Effect.forEach(leases, (lease) => this.pool.revoke(lease), { discard: true })
    this.means.fork(Effect.andThen(revoking, Effect.sync(() => this.endSession(session, Exit.interrupt()))))
  }

  /**
   * A connection has ended. Whoever waits leaves the queue. What is held goes back a little later: a borrower that is alive may
   * hear of the end after its host, and uses what it holds until then.
   */
  private cut(session: Session<A, D>): void {
    if (this.sessions.get(session.id) !== session) return
    for (const holding of session.held.values()) if (holding.lease === undefined) this.turnAway(holding)
    const { deadlines } = this.means
    const due = deadlines.now() + this.settings.afterCut
    if (session.held.size === session.waiting || due <= deadlines.now()) {
      return this.endSession(session, Exit.interrupt())
    }
    this.looseUntil = Math.max(this.looseUntil, session.due)
    session.isCut = true
    if (due < session.due) deadlines.set(session, due)
  }

  /** Its borrower says that a session is over, who is back by another connection. */
  private left(id: string): void {
    const session = this.sessions.get(id)
    if (session !== undefined) this.endSession(session, Exit.interrupt())
  }

  /** A session is over, and all that its borrower holds goes back. */
  private endSession(session: Session<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    if (this.sessions.get(session.id) !== session) return
    this.sessions.delete(session.id)
    if (session.held.size > session.waiting) this.looseUntil = Math.max(this.looseUntil, session.due)
    this.means.deadlines.cancel(session)
    for (const holding of [...session.held.values()]) {
      if (holding.lease === undefined) this.turnAway(holding)
      else {
        if (Exit.isFailure(exit)) this.means.remote.lost++
        this.takeIn(session, holding, exit)
      }
    }
    forget(session.owner)
    Queue.endUnsafe(session.notices)
  }
}

/** How a body has ended, as a judge is told of it. */
const toExit = ({ ended, message, tag }: Outcome): Exit.Exit<unknown, unknown> => {
  switch (ended) {
    case "Success":
      return Exit.void
    case "Interrupt":
    case "Expired":
      return Exit.interrupt()
    case "Fail":
      return Exit.fail(told(tag, message))
    case "Die":
      return Exit.die(told(tag, message))
  }
}

/** What is left of an error that has come from another process. */
const told = (tag: string | undefined, message: string | undefined): Error =>
  Object.assign(new Error(message), tag === undefined ? {} : { _tag: tag })
