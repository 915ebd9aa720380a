/**
 * The sessions of a host: who is connected, and what each waits for and holds, from its beginning to its end.
 *
 * Invariants:
 * - A session that is in `all` has its deadline in `deadlines`, a time to live and a tenth after it was last heard, or
 *   earlier once it is cut off; one that is not in there holds no lease, waits for none, and is granted none.
 * - A session that is cut off waits for no lease, is granted none, and is not heard any more.
 * - `session.held` has an entry for each key that waits or holds, from the step in which the borrow begins to the step in
 *   which its object goes back, or its wait ends; `waiting` counts those without a lease.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { Lease } from "../../Lease.ts"
import type { ObjectPool } from "../../ObjectPool.ts"
import { Handle } from "../lease/handle.ts"
import type { Work } from "../lease/lease.ts"
import { forget, introduce } from "../state/borrower.ts"
import { standDown, standIn } from "../state/owners.ts"
import type { Remote, RemoteBorrower } from "../state/remote.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"
import { toExit } from "./acting.ts"
import type { Who } from "./pictures.ts"
import { type Failure, type Joining, type Notice, refusal, type Returned } from "./protocol.ts"
import { tenth } from "./words.ts"

/** The means of a host: its timer, and how it runs what it does by itself. */
export interface Means {
  readonly deadlines: Deadlines
  readonly fork: (effect: Effect.Effect<void>) => void
  /** What it tells those who look. */
  readonly remote: Remote
}

/** How long sessions last, in milliseconds. */
interface Lasting {
  readonly timeToLive: number
  /** From the end of a connection until what its borrower holds goes back. */
  readonly afterCut: number
}

/** The most sessions of one connection: it has one, and perhaps one that is ending. */
const mostSessions = 8

/** The most of what an operator asks for, and of streams of events, that one session has at once. */
const mostRequests = 1_000

export const noSession = refusal("NoSession", "the host knows no such session, or not any more")

/** What a borrower waits for, or holds: the work under its lease, as the pool sees it. Its deadline waits once that is over. */
export class Holding<A, D> implements Deadline, Work {
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

export class Sessions<A, D> {
  private readonly pool: Pick<ObjectPool<A, D, unknown>, "revoke" | "stats">
  private readonly lasting: Lasting
  private readonly means: Means
  private readonly all = new Map<string, Session<A, D>>()
  /** Until then somebody may believe that he holds something, though nothing here says so. */
  private looseUntil = -Infinity

  constructor(pool: Pick<ObjectPool<A, D, unknown>, "revoke" | "stats">, lasting: Lasting, means: Means) {
    this.pool = pool
    this.lasting = lasting
    this.means = means
    means.remote.borrowers = () => this.all.values()
  }

  /** Why a session may not begin; `undefined`: it may. */
  refuses({ session }: Joining, connection: number | undefined): Failure | undefined {
    const before = this.all.get(session)
    if (before !== undefined) return before.isCut ? noSession : refusal("Malformed", "the session is not new")
    if (connection === undefined) return undefined
    let sessions = 0
    for (const session of this.all.values()) if (session.connection === connection) sessions++
    return sessions < mostSessions ? undefined : refusal("Malformed", "too many sessions on one connection")
  }

  /** Begins a session, until the scope closes or its borrower is silent. */
  begin(
    joining: Joining,
    connection: number | undefined,
    notices: Session<A, D>["notices"]
  ): Effect.Effect<unknown, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const silent = (session: Session<A, D>) => this.silent(session)
        const session = new Session<A, D>(joining, this.means.deadlines.now(), connection, notices, silent)
        this.all.set(session.id, session)
        this.heard(session)
        return session
      }),
      (session) => Effect.sync(() => this.cut(session))
    )
  }

  /** A borrow begins to wait. */
  hold(session: Session<A, D>, key: number, fiber: Fiber.Fiber<unknown, unknown>): Holding<A, D> {
    const holding = new Holding<A, D>(this, session, key)
    holding.fiber = fiber
    standIn(fiber, { id: session.owner })
    session.held.set(key, holding)
    session.waiting++
    return holding
  }

  /** A wait has ended. */
  waited(session: Session<A, D>, holding: Holding<A, D>, exit: Exit.Exit<Lease<A, D>, unknown>): void {
    session.waiting--
    if (holding.fiber !== undefined) standDown(holding.fiber)
    holding.fiber = undefined
    if (Exit.isFailure(exit)) session.held.delete(holding.key)
    else holding.lease = exit.value
  }

  /** By its lease who is no borrower of this process. A walk over what is held. */
  borrowers(): Map<number, Who> {
    const who = new Map<number, Who>()
    for (const session of this.all.values()) {
      for (const { lease } of session.held.values()) if (lease !== undefined) who.set(lease.id, session)
    }
    return who
  }

  /** Nothing is lent to anybody who is connected. */
  get isIdle(): boolean {
    for (const { held, waiting } of this.all.values()) if (held.size > waiting) return false
    return true
  }

  /** No borrower believes that he holds something: each lease was given back, or its borrower was silent for long enough. */
  get isLeft(): boolean {
    return this.isIdle && this.means.deadlines.now() >= this.looseUntil
  }

  /** Tells all that the host grants nothing more: those who wait are to go on to the next. */
  stop(): void {
    for (const session of this.all.values()) {
      Queue.offerUnsafe(session.notices, { _tag: "Stopping" })
      for (const holding of session.held.values()) {
        if (holding.lease === undefined) this.turnAway(holding)
      }
    }
  }

  /** All sessions are over: the pool is closed. */
  end(): void {
    for (const session of this.all.values()) this.endSession(session, Exit.void)
  }

  private heard(session: Session<A, D>): void {
    const { deadlines } = this.means
    deadlines.set(session, deadlines.now() + this.lasting.timeToLive * tenth)
  }

  /** A session that is asked in, by which its borrower is heard. */
  hear(id: string): Effect.Effect<Session<A, D>, Failure> {
    return Effect.suspend(() => {
      const session = this.all.get(id)
      if (session === undefined || session.isCut) return Effect.fail(noSession)
      this.heard(session)
      return Effect.succeed(session)
    })
  }

  /** Counts a request, until it is answered whole. */
  asks(id: string): Effect.Effect<void, Failure, Scope.Scope> {
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

  /** The pool has ended a lease by itself: its borrower is told, and has as long as it would have if it did not hear that. */
  over(session: Session<A, D>, holding: Holding<A, D>): void {
    const reason = Handle.leaseOf<A, D>(holding.lease)?.over
    if (session.held.get(holding.key) !== holding || reason === undefined) return
    if (reason === "Released" || reason === "Lost") return
    const { deadlines } = this.means
    deadlines.set(holding, deadlines.now() + this.lasting.timeToLive * tenth)
    const told = Effect.map(
      this.pool.stats,
      (stats) => Queue.offerUnsafe(session.notices, { _tag: "Over", key: holding.key, reason, stats })
    )
    this.means.fork(Effect.asVoid(told))
  }

  /** What a borrower says that he uses, or waits for, no more. */
  giveBack(session: Session<A, D>, returned: ReadonlyArray<Returned>): void {
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
    if (this.all.get(session.id) !== session) return
    for (const holding of session.held.values()) if (holding.lease === undefined) this.turnAway(holding)
    const { deadlines } = this.means
    const due = deadlines.now() + this.lasting.afterCut
    if (session.held.size === session.waiting || due <= deadlines.now()) {
      return this.endSession(session, Exit.interrupt())
    }
    this.looseUntil = Math.max(this.looseUntil, session.due)
    session.isCut = true
    if (due < session.due) deadlines.set(session, due)
  }

  /** Its borrower says that a session is over, who is back by another connection. */
  left(id: string): void {
    const session = this.all.get(id)
    if (session !== undefined) this.endSession(session, Exit.interrupt())
  }

  /** A session is over, and all that its borrower holds goes back. */
  private endSession(session: Session<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    if (this.all.get(session.id) !== session) return
    this.all.delete(session.id)
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
