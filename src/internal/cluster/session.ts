/**
 * A session, as its borrower sees it: one life of a connection with a host, and the leases that were granted in it.
 *
 * Invariants:
 * - `over` is set once. From then on all its leases are over, nothing is pending in it, and it is not renewed.
 * - Its deadline is a time to live after the moment at which the borrower *sent* what the host has last answered. The host
 *   has heard that later, and waits longer: so the session is over here first, as long as both clocks run equally fast.
 * - That moment is reckoned by the monotonic clock and by the wall clock, and the session is over when either says so: the
 *   first stands still while the machine sleeps, the second may be set back.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import type { RpcClient } from "effect/rpc/RpcClient"
import type { RpcClientError } from "effect/rpc/RpcClientError"
import type { PoolStats } from "../../PoolError.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"
import type { Failure, Notice, Returned, Rpcs } from "./protocol.ts"
import { Returns } from "./returns.ts"

/** How a borrower reaches whoever serves its pool. */
export type Client = RpcClient<Rpcs, RpcClientError>

/** Both clocks at one moment, in milliseconds. */
export interface Moment {
  readonly running: number
  readonly shown: number
}

/** The means of a borrower: its timer, its clocks, and how it runs what it does by itself, now or at the end of the turn. */
export interface Means {
  readonly deadlines: Deadlines
  readonly now: () => Moment
  readonly fork: <B, E>(effect: Effect.Effect<B, E>) => Fiber.Fiber<B, E>
  readonly soon: (task: () => void) => void
}

/** What is refused so is to be asked again, in another session perhaps. */
const again: ReadonlyArray<string> = ["NoSession", "Stopping", "Unproven"]

/** How long a host that stops may take to hear that the last lease is back, in milliseconds. */
const farewell = 100

/** Why something was not answered: whoever asked is to try again in the next session. */
export class Unanswered {
  readonly why: string
  /** The host has said that it does nothing of it. */
  readonly isUndone: boolean
  constructor(why: string, isUndone = false) {
    this.why = why
    this.isUndone = isUndone
  }
}

const lost = new Unanswered("the connection was lost")

/** An answer that could not be understood. */
export class Garbled {}

/** What ends with its session. */
interface Bound {
  lose(): void
}

type Answered<B> = Exit.Exit<B, Failure | Unanswered | Garbled>

/** A request that waits for its answer, for its deadline, or for the end of its session. */
class Pending<B> implements Deadline, Bound {
  /** Asks; absent until it has begun to. */
  fiber: Fiber.Fiber<B, Failure | RpcClientError> | undefined = undefined
  due = Infinity
  index = -1
  private readonly end: (pending: Pending<B>, exit: Answered<B>) => void

  constructor(end: (pending: Pending<B>, exit: Answered<B>) => void) {
    this.end = end
  }
  answered(exit: Answered<B>): void {
    this.fiber?.interruptUnsafe()
    this.end(this, exit)
  }
  fire(): void {
    this.answered(Exit.fail(new Unanswered("its host does not answer")))
  }
  lose(): void {
    this.answered(Exit.fail(lost))
  }
}

/** A lease of a session, which its host may end. */
export interface Told extends Bound {
  over(reason: "Expired" | "Revoked" | "Closed"): void
}

export type Welcome = Extract<Notice, { readonly _tag: "Welcome" }>

const known: ReadonlySet<string> = new Set<Failure["_tag"]>([
  "PoolExhausted",
  "BorrowTimeout",
  "PoolClosed",
  "PoolFull",
  "LeaseExpired",
  "DuplicateObject",
  "InvalidPoolOptions",
  "Failed",
  "Died"
])

/** Could a request not be written? That is a defect of the transport's. */
const isLost = (reason: Cause.Reason<unknown>): boolean =>
  Cause.isDieReason(reason) && Predicate.isTagged(reason.defect, "SocketError")

/** Is a failure the host's? What is between may have failures of its own. */
const isKnown = (error: Failure): boolean => known.has(error._tag)

export class Session implements Deadline {
  readonly id: string
  readonly welcome: Welcome
  readonly returns: Returns
  /** How long an answer took; a deadline leaves the host that much, and more, to say itself what is wrong. */
  trip: number
  stats: PoolStats
  over = false
  due = Infinity
  index = -1
  private lastKey = 0
  private lastSent: Moment
  private readonly means: Means
  private readonly bound = new Set<Bound>()
  /** By their keys. */
  private readonly leases = new Map<number, Told>()
  /** How many leases were granted whose objects may still be used, whether they are over or not. */
  private used = 0
  /** The host grants nothing more. */
  private stops = false
  private readonly leaving = new Set<() => void>()

  constructor(
    id: string,
    welcome: Welcome,
    sent: Moment,
    means: Means,
    giveBack: (session: Session, returned: ReadonlyArray<Returned>) => void
  ) {
    this.id = id
    this.returns = new Returns((returned) => giveBack(this, returned), means.soon)
    this.welcome = welcome
    this.stats = welcome.stats
    this.means = means
    this.lastSent = sent
    this.trip = means.now().running - sent.running
    this.renewed(sent)
  }

  /** The host has answered what was sent at that moment. */
  renewed(sent: Moment): void {
    // an answer may come behind a later one
    if (this.isOver || sent.running < this.lastSent.running) return
    this.lastSent = sent
    this.trip = this.means.now().running - sent.running
    this.means.deadlines.set(this, sent.running + this.welcome.timeToLive)
  }

  /** Is the session over? It is, too, when its time has passed before the timer had its turn. */
  get isOver(): boolean {
    if (this.over) return true
    const { running, shown } = this.means.now()
    const { timeToLive } = this.welcome
    if (running - this.lastSent.running < timeToLive && shown - this.lastSent.shown < timeToLive) return false
    this.lose()
    return true
  }

  fire(): void {
    this.lose()
  }

  /** The session is over: what it holds is lost, and what is pending in it is to be asked anew. */
  lose(): void {
    if (this.over) return
    this.over = true
    this.means.deadlines.cancel(this)
    const bound = [...this.bound]
    this.bound.clear()
    for (const each of bound) each.lose()
  }

  key(): number {
    return ++this.lastKey
  }

  /** Ties something to the session. `false`: that is over. */
  tie(bound: Bound): boolean {
    if (this.isOver) return false
    this.bound.add(bound)
    return true
  }

  untie(bound: Bound): void {
    this.bound.delete(bound)
  }

  /** Ties a lease to the session. `false`: that is over. */
  hold(key: number, lease: Told): boolean {
    if (!this.tie(lease)) return false
    this.leases.set(key, lease)
    this.used++
    return true
  }

  /** Of a lease that was tied the object is used no more. */
  unused(): void {
    this.used--
  }

  /** May an object be used that was granted in it? */
  get isUsed(): boolean {
    return this.used > 0
  }

  /** Is it over, and nothing of it used any more? */
  get isLeft(): boolean {
    return this.over && !this.isUsed
  }

  letGo(key: number, lease: Told): void {
    this.untie(lease)
    this.leases.delete(key)
    this.leaveStopping()
  }

  /** With a host that grants nothing more there is nothing to do without a lease; it hears first that the last is back. */
  private leaveStopping(): void {
    if (!this.stops || this.leases.size > 0 || this.over) return
    this.means.fork(Effect.andThen(Effect.sleep(farewell), Effect.sync(() => this.lose())))
  }

  /** What the host tells by itself. */
  told(notice: Notice): void {
    switch (notice._tag) {
      case "Over":
        this.stats = notice.stats
        return this.leases.get(notice.key)?.over(notice.reason)
      case "Stopping":
        this.stops = true
        this.leaveStopping()
        for (const leave of [...this.leaving]) leave()
        return
      case "Welcome":
        // another host has taken over, and knows nothing of this session's leases
        return this.lose()
    }
  }

  /** Ends when the host grants nothing more. */
  get stopping(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const leave = () => resume(Effect.void)
      if (this.stops) return leave()
      this.leaving.add(leave)
      return Effect.sync(() => this.leaving.delete(leave))
    })
  }

  /** Ends with the session. */
  get ended(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const bound = { lose: () => resume(Effect.void) }
      if (!this.tie(bound)) return resume(Effect.void)
      return Effect.sync(() => this.untie(bound))
    })
  }

  /**
   * Asks the host, until the session is over, or `due`. The request runs in a fiber of its own: so an interruption that comes
   * with the answer is never taken for one of whoever asks.
   */
  ask<B>(
    request: Effect.Effect<B, Failure | RpcClientError>,
    due = Infinity
  ): Effect.Effect<B, Failure | Unanswered | Garbled> {
    return Effect.callback((resume) => {
      const pending = new Pending<B>((pending, exit) => {
        this.forget(pending)
        resume(exit)
      })
      if (!this.tie(pending)) return resume(Exit.fail(lost))
      this.returns.flush()
      const fiber = this.means.fork(request)
      pending.fiber = fiber
      fiber.addObserver((exit) => pending.answered(Exit.isSuccess(exit) ? exit : this.understood(exit.cause)))
      if (fiber.pollUnsafe() !== undefined) return
      if (due < Infinity) this.means.deadlines.set(pending, due)
      return Effect.suspend(() => {
        this.forget(pending)
        return Effect.asVoid(Fiber.interrupt(fiber))
      })
    })
  }

  private forget(pending: Deadline & Bound): void {
    this.means.deadlines.cancel(pending)
    this.untie(pending)
  }

  private understood(cause: Cause.Cause<Failure | RpcClientError>): Answered<never> {
    const error = cause.reasons.find(Cause.isFailReason)?.error
    // a host that stops, or a gateway, interrupts what it is asked; before that nothing was granted
    if (error?._tag === "RpcClientError" || cause.reasons.some(isLost)) {
      this.lose()
      return Exit.fail(lost)
    }
    if (error === undefined) {
      return Exit.fail(Cause.hasDies(cause) ? new Garbled() : new Unanswered("its host has stopped"))
    }
    if (error._tag !== "Refusal") {
      return isKnown(error)
        ? Exit.fail(error)
        : Exit.fail(new Unanswered("its host was not reached"))
    }
    if (error.reason === "NoSession") this.lose()
    return Exit.fail(again.includes(error.reason) ? new Unanswered(error.detail, true) : error)
  }
}
