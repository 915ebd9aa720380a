/**
 * A lease from another process, as its borrower has it.
 *
 * Invariants:
 * - `reason` is set once, and says why it is over; from then on the borrower has no rights.
 * - A lease that is not over is held by its session, which has not ended, and has its deadline where it has a time-out.
 * - The host is told exactly once that the object is used no more, by `Return`, unless the lease is lost: when a body has
 *   ended, whatever has ended its lease; where there is no body, as soon as the lease is over.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { InvalidPoolOptions, LeaseExpired } from "../../PoolError.ts"
import type { PooledPicture } from "../../SharedLease.ts"
import type { Deadline } from "../structures/deadlines.ts"
import * as Scopes from "../structures/scope.ts"
import type { Connection } from "./connection.ts"
import type { Act, Granted, Outcome } from "./protocol.ts"
import type { Moment, Session, Told, Unanswered } from "./session.ts"

/** What goes on under a lease. */
export interface Body {
  /** The lease is over: it is to end. */
  interrupt(): void
}

/** What a lease is made of. */
export interface Grant<A, D> {
  readonly key: number
  readonly granted: Granted
  readonly object: A
  readonly pooled: PooledPicture<D>
  /** When the borrower asked for it. */
  readonly sent: Moment
}

export class RemoteLease<A, D> implements Deadline, Told {
  readonly connection: Connection
  readonly session: Session
  readonly grant: Grant<A, D>
  readonly borrowedAt: number
  expiresAt: number | undefined = undefined
  reason: LeaseExpired["reason"] | undefined = undefined
  body: Body | undefined = undefined
  /** What gives the lease back; absent under `with`. */
  scope: Scope.Scope | undefined = undefined
  due = Infinity
  index = -1
  private isReturned = false
  private isHeld = false
  private readonly watchers = new Set<() => void>()

  constructor(connection: Connection, session: Session, grant: Grant<A, D>) {
    this.connection = connection
    this.session = session
    this.grant = grant
    const { sent } = grant
    this.borrowedAt = sent.shown + grant.granted.waited
    // the grant was no earlier than the request's arrival and the wait there; the request was sent before that
    this.renewed({ running: sent.running + grant.granted.waited, shown: this.borrowedAt })
    if (this.reason !== undefined) return
    this.isHeld = session.hold(grant.key, this)
    if (!this.isHeld) this.end("Lost")
  }

  /** Is the lease over? It is, too, when its time has passed before a timer had its turn. */
  get isOver(): boolean {
    if (this.reason !== undefined) return true
    if (this.due <= this.connection.means.deadlines.now()) this.fire()
    // a session that is over has ended its leases
    return this.session.isOver || this.reason !== undefined
  }

  /** Starts the time-out anew, where there is one. */
  renewed(from: Moment): void {
    const { lasts } = this.grant.granted
    if (lasts === undefined || this.reason !== undefined) return
    this.expiresAt = from.shown + lasts
    this.connection.means.deadlines.set(this, from.running + lasts)
  }

  fire(): void {
    this.end("Expired")
  }
  lose(): void {
    this.end("Lost")
  }
  over(reason: "Expired" | "Revoked" | "Closed"): void {
    this.end(reason)
  }

  private end(reason: LeaseExpired["reason"]): void {
    if (!this.finish(reason)) return
    const watchers = [...this.watchers]
    this.watchers.clear()
    if (this.body === undefined) this.returned({ ended: "Expired" })
    else this.body.interrupt()
    for (const watcher of watchers) watcher()
  }

  /** From now on the lease is over. `false`: it was already. */
  private finish(reason: LeaseExpired["reason"]): boolean {
    if (this.reason !== undefined) return false
    this.reason = reason
    this.connection.means.deadlines.cancel(this)
    this.session.letGo(this.grant.key, this)
    if (this.scope !== undefined) Scopes.remove(this.scope, this)
    return true
  }

  /** Gives the object back. Nobody waits for that: the host hears of it before it hears of what its borrower asks next. */
  giveBack(exit: Exit.Exit<unknown, unknown>): void {
    const ended = this.isOver
    if (!ended) this.finish("Released")
    this.returned(ended ? { ended: "Expired" } : toOutcome(exit))
  }

  private returned(outcome: Outcome): void {
    if (this.isReturned) return
    this.isReturned = true
    if (this.isHeld) this.session.unused()
    giveBack(this.session, this.grant.key, outcome)
  }

  /** Tells the host something of the object, and waits until it has heard. Without effect on a lease that is over. */
  act(act: Act): Effect.Effect<void, LeaseExpired | Unanswered> {
    return Effect.suspend(() => this.isOver ? Effect.fail(this.failure()) : this.asked(act))
  }

  private asked(act: Act): Effect.Effect<void, LeaseExpired | Unanswered> {
    const { client, headers, pool } = this.connection.link
    const { session } = this
    return session.ask(client.Act({ pool, session: session.id, key: this.grant.key, act }, { headers })).pipe(
      Effect.catch((error): Effect.Effect<never, LeaseExpired | Unanswered> => {
        if (error instanceof LeaseExpired) return Effect.fail(error)
        // nonsense is a defect of the borrower's, wherever it is found
        return error instanceof InvalidPoolOptions ? Effect.die(error) : Effect.fail(error as Unanswered)
      })
    )
  }

  get renew(): Effect.Effect<void, LeaseExpired> {
    return Effect.suspend(() => {
      const sent = this.connection.means.now()
      return Effect.matchEffect(this.act({ _tag: "Renew" }), {
        onSuccess: () => Effect.sync(() => this.renewed(sent)),
        onFailure: (error) => this.orLost(error)
      })
    })
  }

  /** The object is the borrower's, until the scope closes; then the host closes what made it. */
  detach(scope: Scope.Scope): Effect.Effect<A, LeaseExpired> {
    return Effect.matchEffect(this.act({ _tag: "Detach" }), {
      onFailure: (error) => this.orLost(error),
      onSuccess: () =>
        Effect.sync(() => {
          this.finish("Released")
          const close = () => Effect.sync(() => this.returned({ ended: "Success" }))
          if (!Scopes.add(scope, this, close)) this.returned({ ended: "Success" })
          return this.grant.object
        })
    })
  }

  /** What was not answered is lost, as the session is over, or else soon will be. */
  private orLost(error: LeaseExpired | Unanswered): Effect.Effect<never, LeaseExpired> {
    if (error instanceof LeaseExpired) return Effect.fail(error)
    this.end("Lost")
    return Effect.fail(this.failure())
  }

  get expired(): Effect.Effect<never, LeaseExpired> {
    return Effect.callback((resume) => {
      const tell = () => {
        if (this.reason !== "Released") resume(Effect.fail(this.failure()))
      }
      if (this.isOver) return tell()
      this.watchers.add(tell)
      return Effect.sync(() => this.watchers.delete(tell))
    })
  }

  /** Why the lease is over. */
  failure(): LeaseExpired {
    const { granted } = this.grant
    return new LeaseExpired({
      pool: this.connection.link.pool,
      stats: this.session.stats,
      leaseId: granted.leaseId,
      objectId: granted.pooled.id,
      reason: this.reason ?? "Lost"
    })
  }

  get moments(): { readonly borrowedAt: DateTime.Utc; readonly expiresAt: DateTime.Utc | undefined } {
    return {
      borrowedAt: DateTime.makeUnsafe(this.borrowedAt),
      expiresAt: this.expiresAt === undefined ? undefined : DateTime.makeUnsafe(this.expiresAt)
    }
  }
}

/** Tells the host that a lease, or a wait, is over. */
export const giveBack = (session: Session, key: number, outcome: Outcome): void => {
  if (!session.isOver) session.returns.add({ key, outcome })
}

/** What a judge on the host is told of how a body has ended. */
const toOutcome = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return { ended: "Success" }
  const failed = exit.cause.reasons.find((reason) => !Cause.isInterruptReason(reason))
  if (failed === undefined) return { ended: "Interrupt" }
  return Cause.isFailReason(failed)
    ? { ended: "Fail", ...said(failed.error) }
    : { ended: "Die", ...said(Cause.isDieReason(failed) ? failed.defect : undefined) }
}

/** The tag, or the name, and the message of an error; nothing else of it travels. */
const said = (error: unknown): Pick<Outcome, "tag" | "message"> => {
  if (typeof error !== "object" || error === null) return {}
  const tag = "_tag" in error ? error._tag : undefined
  const message = "message" in error ? error.message : undefined
  return {
    ...(typeof tag === "string" ? { tag: tag.slice(0, 256) } : {}),
    ...(typeof message === "string" ? { message: message.slice(0, 1024) } : {})
  }
}
