/**
 * Keeps a borrower connected: joins a host, renews the session as long as it lasts, and joins again.
 *
 * Invariant: `session` is one that grants, or absent; while it is absent an attempt to join is under way, or the next one is
 * waited for. A session whose host stops goes on for the leases that it has, beside the attempts to join another.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type { RpcClientError } from "effect/rpc/RpcClientError"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { PoolUnavailable } from "../../SharedLease.ts"
import type { Deadline } from "../structures/deadlines.ts"
import { type Failure, mostOver, type Notice, type Returned, version } from "./protocol.ts"
import { type Client, type Means, Session, Unanswered } from "./session.ts"

export interface Link {
  readonly pool: string
  readonly client: Client
  readonly headers: Readonly<Record<string, string>>
  readonly fingerprint: string
  /** What the borrower calls itself, and its machine. */
  readonly name: string
  readonly machine: string
  /** Where the host is, in words. */
  readonly where: string
}

/** Why there is no session. */
interface Trouble {
  readonly reason: PoolUnavailable["reason"]
  readonly detail: string
  /** Trying again soon does not help: whoever waits is told at once. */
  readonly lasting: boolean
}

/** Somebody who waits for a session, until his deadline. */
class Waiting implements Deadline {
  due = Infinity
  index = -1
  readonly fire: () => void
  constructor(fire: () => void) {
    this.fire = fire
  }
}

/** How long an attempt to join may take, and how long the next one waits. */
const patience = 5_000
const [shortest, longest] = [20, 500]

/** When something that was not answered is told again. */
const soon = Schedule.spaced(100)

/** How long a borrower waits at least while the first attempt is under way. */
const first = 1_000

/** How long after it was welcomed a borrower says what is over of before: by then its bodies have ended. In milliseconds. */
const settled = 50

type Notices = Queue.Dequeue<Notice, Failure | RpcClientError | Cause.Done>

export class Connection {
  readonly link: Link
  readonly means: Means
  /** What is usual, as the last host has said. */
  borrowTimeout = 30_000
  private session: Session | undefined = undefined
  private trouble: Trouble | undefined = undefined
  /** Since when there is no session, by the wall clock. */
  private since: number
  private readonly waiting = new Set<Waiting>()
  /** All of which their hosts may not know that they are over. */
  private readonly sessions = new Set<Session>()

  constructor(link: Link, means: Means) {
    this.link = link
    this.means = means
    this.since = means.now().shown
  }

  /** A session that grants, by the deadline at last. */
  joined(due: number): Effect.Effect<Session, PoolUnavailable> {
    return Effect.suspend(() => {
      const session = this.current
      if (session !== undefined) return Effect.succeed(session)
      const { deadlines } = this.means
      const until = this.trouble === undefined ? Math.max(due, deadlines.now() + first) : due
      if (this.trouble?.lasting === true || until <= deadlines.now()) return Effect.fail(this.unavailable())
      return this.waited(until)
    })
  }

  /** What is told to who cannot reach the host. */
  unavailable(why?: string, reason?: PoolUnavailable["reason"]): PoolUnavailable {
    const { pool, where } = this.link
    return new PoolUnavailable({
      pool,
      reason: reason ?? this.trouble?.reason ?? "Unreachable",
      detail: `${where}: ${why ?? this.trouble?.detail ?? "it has not answered yet"}`,
      since: DateTime.makeUnsafe(this.session === undefined ? this.since : this.means.now().shown)
    })
  }

  /** Joins a host, again and again. */
  get run(): Effect.Effect<never> {
    return Effect.gen({ self: this }, function*() {
      let pause = shortest
      for (;;) {
        const joined = yield* Effect.exit(this.attempt)
        if (Exit.isSuccess(joined)) {
          pause = shortest
          yield* this.leaving(joined.value)
          this.left(joined.value)
        } else {
          this.note(joined.cause)
          yield* Effect.sleep(pause)
          pause = Math.min(2 * pause, longest)
        }
      }
    })
  }

  private get current(): Session | undefined {
    const { session } = this
    if (session === undefined || !session.isOver) return session
    this.left(session)
    return undefined
  }

  private waited(until: number): Effect.Effect<Session, PoolUnavailable> {
    return Effect.callback((resume) => {
      const waiting = new Waiting(() => {
        this.waiting.delete(waiting)
        this.means.deadlines.cancel(waiting)
        const { current } = this
        resume(current === undefined ? Effect.fail(this.unavailable()) : Effect.succeed(current))
      })
      this.waiting.add(waiting)
      if (until < Infinity) this.means.deadlines.set(waiting, until)
      return Effect.sync(() => {
        this.waiting.delete(waiting)
        this.means.deadlines.cancel(waiting)
      })
    })
  }

  /** Whoever waits looks again, if there is something to be seen: a session may be over by the time it was welcomed. */
  private wake(): void {
    if (this.current === undefined && this.trouble?.lasting !== true) return
    // whoever is woken may wait again
    for (const waiting of [...this.waiting]) waiting.fire()
  }

  /** A session that does not grant any more. */
  private left(session: Session): void {
    if (this.session !== session) return
    this.session = undefined
    this.since = this.means.now().shown
    this.trouble = { reason: "Unreachable", detail: "the connection was lost", lasting: false }
  }

  private note(cause: Cause.Cause<Failure | RpcClientError | Cause.Done>): void {
    this.trouble = toTrouble(cause)
    if (this.trouble.lasting) this.wake()
  }

  /** One attempt to join. The session, and what it needs, goes on in a fiber of its own. */
  private get attempt(): Effect.Effect<Session, Failure | RpcClientError | Cause.Done> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        const { client, fingerprint, headers, machine, name, pool } = this.link
        const scope = yield* Scope.make()
        const id = crypto.randomUUID()
        const sent = this.means.now()
        const joining = Effect.gen(function*() {
          const payload = { pool, session: id, version, fingerprint, borrower: name, machine }
          const notices: Notices = yield* client.Join(payload, { asQueue: true, headers })
          const welcome = yield* Queue.take(notices)
          if (welcome._tag !== "Welcome") return yield* Effect.die("not welcomed")
          return { notices, welcome }
        })
        const exit = yield* Effect.exit(restore(Effect.timeoutOrElse(Scope.provide(joining, scope), {
          duration: patience,
          orElse: () => Effect.die("not in time")
        })))
        if (Exit.isFailure(exit)) {
          yield* Scope.close(scope, exit)
          return yield* Effect.failCause(exit.cause)
        }
        const session = new Session(id, exit.value.welcome, sent, this.means, (session, returned) =>
          this.giveBack(session, returned))
        this.begin(session)
        this.means.fork(this.keeping(session, exit.value.notices, scope))
        return session
      })
    )
  }

  /**
   * All sessions are over, and what was given back is on its way: it is written at the end of the turn. What is lost by that is
   * with the next as soon as the host has heard of it, which it does where the bodies end at once that are interrupted.
   */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const open = [...this.sessions].filter(({ over }) => !over)
      for (const { returns } of open) returns.flush()
      const lose = Effect.sync(() => {
        const used = open.filter(({ isUsed }) => isUsed)
        for (const session of open) session.lose()
        return used
      })
      return Effect.andThen(Effect.yieldNow, Effect.flatMap(lose, (used) => this.farewell(used)))
    })
  }

  private farewell(used: ReadonlyArray<Session>): Effect.Effect<void> {
    if (used.length === 0) return Effect.void
    const { client, headers, pool } = this.link
    const left = Effect.repeat(Effect.yieldNow, { until: () => used.every(({ isLeft }) => isLeft), times: 20 })
    const tell = Effect.suspend(() =>
      Effect.forEach(
        used.filter(({ isLeft }) => isLeft),
        ({ id }) => Effect.ignoreCause(client.Renew({ pool, session: id, over: [id] }, { headers })),
        { discard: true }
      )
    )
    return Effect.andThen(left, Effect.asVoid(Effect.interruptible(Effect.timeoutOption(tell, settled))))
  }

  /**
   * Tells the host what is used no more, until it has answered, or the session is over: one that goes on would keep what the
   * host has not heard of. Nobody waits for that.
   */
  private giveBack(session: Session, returned: ReadonlyArray<Returned>): void {
    const { client, headers, pool } = this.link
    const told = Effect.suspend(() => {
      const request = client.Return({ pool, session: session.id, returned }, { headers })
      return session.ask(request, this.means.deadlines.now() + session.welcome.timeToLive)
    })
    const unheard = (error: unknown) => error instanceof Unanswered && !session.isOver
    this.means.fork(Effect.ignoreCause(Effect.retry(told, { while: unheard, schedule: soon })))
  }

  private begin(session: Session): void {
    const { borrowTimeout } = session.welcome
    for (const each of this.sessions) {
      if (this.sessions.size < mostOver) break
      if (each.over) this.sessions.delete(each)
    }
    this.sessions.add(session)
    this.borrowTimeout = borrowTimeout ?? Infinity
    this.session = session
    this.trouble = undefined
    this.wake()
  }

  /** Ends when a session does not grant any more. */
  private leaving(session: Session): Effect.Effect<void> {
    return Effect.raceFirst(session.ended, session.stopping)
  }

  /** Renews a session, and reads what the host tells, until it is over. */
  private keeping(session: Session, notices: Notices, scope: Scope.Closeable): Effect.Effect<void> {
    const { headers, pool } = this.link
    const renew = Effect.suspend(() => {
      const left = [...this.sessions].filter(({ isLeft }) => isLeft).slice(0, mostOver)
      const over = left.length === 0 ? {} : { over: left.map(({ id }) => id) }
      const sent = this.means.now()
      const request = this.link.client.Renew({ pool, session: session.id, ...over }, { headers })
      return Effect.map(session.ask(request, sent.running + session.welcome.timeToLive), () => {
        session.renewed(sent)
        for (const each of left) this.sessions.delete(each)
      })
    })
    const renewing = Effect.gen({ self: this }, function*() {
      const usually = session.welcome.timeToLive / 3
      // the session counts from when it was asked for: a host that was long in answering has left little of it
      let pause = Math.max(0, usually - session.trip)
      if (this.sessions.size > 1) pause = Math.min(settled, pause)
      for (;;) {
        yield* Effect.sleep(pause)
        pause = usually
        // one that is not answered, or not now, does not hold up the next: until one is, the session runs out
        yield* Effect.forkChild(Effect.exit(renew), { startImmediately: true })
      }
    })
    const reading = Effect.forever(
      Effect.flatMap(Queue.take(notices), (notice) => Effect.sync(() => session.told(notice)))
    )
    return Effect.raceFirst(Effect.raceFirst(Effect.exit(renewing), Effect.exit(reading)), session.ended).pipe(
      Effect.ensuring(Effect.suspend(() => {
        session.lose()
        return Scope.close(scope, Exit.void)
      })),
      Effect.asVoid
    )
  }
}

const toTrouble = (cause: Cause.Cause<Failure | RpcClientError | Cause.Done>): Trouble => {
  const error = cause.reasons.find(Cause.isFailReason)?.error
  const unreachable = (detail: string): Trouble => ({ reason: "Unreachable", detail, lasting: false })
  if (error === undefined) {
    // whoever is there speaks another protocol, or none
    return unreachable(Cause.hasDies(cause) ? "it does not answer as the host of a pool does" : "it has stopped")
  }
  if (error._tag === "RpcClientError") return unreachable("there is no connection")
  if (error._tag !== "Refusal") return unreachable("it has ended the connection")
  const { detail, reason } = error
  return reason === "Unauthorized" || reason === "Incompatible" || reason === "Malformed"
    ? { reason, detail, lasting: true }
    : unreachable(detail)
}
