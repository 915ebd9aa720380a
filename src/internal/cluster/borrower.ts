/**
 * A shared pool whose host is another process, as its borrowers use it.
 *
 * A borrow asks the host of the session that there is. Where that is lost before it has answered, nothing was granted that
 * anybody has: the borrow goes on to the next session, under its own deadline, with a new place in the queue there. Only an
 * answer that came makes a lease; what was asked for and is not wanted any more is given back by its key, whether it was
 * granted or not.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type BorrowError, BorrowTimeout, type LeaseExpired } from "../../PoolError.ts"
import type { PoolEvent } from "../../PoolEvent.ts"
import { PoolUnavailable, type SharedBorrowOptions, type SharedLease } from "../../SharedLease.ts"
import { refuseClass } from "../pool/options.ts"
import { checks, optional } from "../state/validation.ts"
import * as Scopes from "../structures/scope.ts"
import { span } from "../structures/times.ts"
import type { Connection } from "./connection.ts"
import type { Definition } from "./definition.ts"
import { fenced } from "./fencing.ts"
import { RemoteHandle } from "./handle.ts"
import { giveBack, RemoteLease } from "./lease.ts"
import { shown } from "./pictures.ts"
import type { Answer, Ask, Failure, Granted, Operation, Refusal } from "./protocol.ts"
import { Garbled, type Moment, type Session, Unanswered } from "./session.ts"
import { given, toEndless, toName } from "./words.ts"

/** What a borrow asks for. */
interface Wish {
  readonly ask: Ask
  /** Milliseconds; `undefined`: what is usual on the host. */
  readonly timeout: number | undefined
}

export type BorrowFailure<E> = E | BorrowError | PoolUnavailable

type Restore = <B, F, R>(effect: Effect.Effect<B, F, R>) => Effect.Effect<B, F, R>

const borrowKeys = ["timeout", "need", "priority", "leaseTimeout", "cost", "affinity", "facet", "class"] as const

/** How long a host may take beyond a deadline to say itself what was wrong, beside four times what an answer takes. */
const grace = 100

/** How long an operation waits for a host. */
const reach = 30_000

/** Done once more by the next host, these would answer something else. */
const countsTwice: ReadonlyArray<Operation["_tag"]> = ["Add", "Remove"]

/** After a host that grants nothing more, though the session with it is not over. */
const pause = 20

export class Borrower<A, D, E, N> {
  private readonly connection: Connection
  private readonly definition: Definition<A, D, E, N>

  constructor(connection: Connection, definition: Definition<A, D, E, N>) {
    this.connection = connection
    this.definition = definition
  }

  /** Borrows in the scope of the fiber. `queues: false`: it does not wait behind others. */
  borrow(
    options: SharedBorrowOptions<N, string> | undefined,
    queues: boolean
  ): Effect.Effect<SharedLease<A, D>, BorrowFailure<E>, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((fiber) => {
        const scope = Context.getUnsafe(fiber.context, Scope.Scope)
        return Effect.map(this.acquire(this.toWish(options, queues), restore), (lease) => {
          lease.scope = scope
          if (!Scopes.add(scope, lease, (exit) => Effect.sync(() => lease.giveBack(exit)))) lease.giveBack(Exit.void)
          return new RemoteHandle(lease)
        })
      })
    )
  }

  /** Borrows, runs, gives back; what runs does nothing more once its lease is over. */
  with<B, E1, R1>(
    f: (borrowed: SharedLease<A, D>) => Effect.Effect<B, E1, R1>,
    options: SharedBorrowOptions<N, string> | undefined
  ): Effect.Effect<B, E1 | BorrowFailure<E> | LeaseExpired, R1> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() =>
        Effect.flatMap(this.acquire(this.toWish(options, true), restore), (lease) => {
          const body = Effect.suspend(() => f(new RemoteHandle(lease)))
          return Effect.onExitPrimitive(restore(fenced(lease, body)), (exit) => {
            lease.giveBack(exit)
            return undefined
          })
        })
      )
    )
  }

  /** What an operator asks for, in the session that there is, or comes within half a minute. */
  operate(operation: Operation): Effect.Effect<Answer, Failure | PoolUnavailable> {
    return Effect.suspend(() => {
      const { connection } = this
      const { deadlines } = connection.means
      const due = deadlines.now() + reach
      const attempt = (): Effect.Effect<Answer, Failure | PoolUnavailable> =>
        this.ask(operation, due).pipe(
          Effect.catch((error) => {
            if (!(error instanceof Unanswered)) return Effect.fail(error)
            // nobody knows whether what a connection was lost with has been done
            const mayBeAsked = error.isUndone || !countsTwice.includes(operation._tag)
            const left = due - deadlines.now()
            if (!mayBeAsked || left <= 0) return Effect.fail(connection.unavailable(error.why, "Unreachable"))
            return Effect.flatMap(Effect.sleep(Math.min(pause, left)), attempt)
          })
        )
      return attempt()
    })
  }

  /** Asks the host of the session that there is, or comes in time. */
  private ask(operation: Operation, due: number): Effect.Effect<Answer, Failure | PoolUnavailable | Unanswered> {
    const { connection } = this
    const { client, headers, pool } = connection.link
    return Effect.flatMap(connection.joined(due), (session) => {
      if (isTooLarge(operation, connection.link, session)) return Effect.fail(this.tooLarge())
      const request = client.Operate({ pool, session: session.id, operation }, { headers })
      return session.ask(request).pipe(
        Effect.catch((error): Effect.Effect<never, Failure | PoolUnavailable | Unanswered> => {
          if (error instanceof Garbled) return Effect.fail(this.garbled())
          if (error instanceof Unanswered) return Effect.fail(error)
          // of `resize` alone nonsense is no defect: it may have been asked for by somebody at a keyboard
          if (operation._tag === "Resize" && error._tag === "InvalidPoolOptions") return Effect.fail(error)
          return this.failed(error) as Effect.Effect<never, Failure | PoolUnavailable>
        })
      )
    })
  }

  /** What happens in the pool, until the session is over. */
  get events(): Stream.Stream<PoolEvent, PoolUnavailable> {
    const { connection } = this
    const { client, headers, pool } = connection.link
    const watched = Effect.suspend(() =>
      Effect.map(
        connection.joined(connection.means.deadlines.now() + reach),
        (session) => client.Watch({ pool, session: session.id }, { headers })
      )
    )
    return Stream.catchCause(Stream.unwrap(watched), (cause) => {
      const error = cause.reasons.find(Cause.isFailReason)?.error
      if (error instanceof PoolUnavailable) return Stream.fail(error)
      return Stream.fail(
        error?._tag === "Refusal"
          ? connection.unavailable(error.detail, toReason(error.reason))
          : connection.unavailable("the connection was lost", "Unreachable")
      )
    })
  }

  private tooLarge(): PoolUnavailable {
    return this.connection.unavailable("what is to be sent is too much for one message", "TooLarge")
  }

  private garbled(): PoolUnavailable {
    return this.connection.unavailable("its answer is not what the schemas say", "Malformed")
  }

  private toWish(options: SharedBorrowOptions<N, string> | undefined, queues: boolean): Wish {
    if (options === undefined) return { ask: { queues }, timeout: undefined }
    const check = checks(this.definition.name)
    check.known("", options, borrowKeys)
    const { affinity, class: ofClass, cost, facet, need, priority, timeout } = options
    const leaseTimeout = optional(options.leaseTimeout, check)
    const number = (option: string, value: number | undefined, least: number, allowed: string) =>
      value === undefined || (Number.isFinite(value) && value >= least)
        ? value
        : check.refuse(option, value, allowed, "text")
    return {
      timeout: timeout === undefined ? undefined : check.duration("timeout", timeout, 0, "zero"),
      ask: {
        queues,
        ...given({
          leaseTimeout: leaseTimeout === undefined ? undefined : toEndless(leaseTimeout),
          priority: number("priority", priority, -Infinity, "a finite number"),
          cost: number("cost", cost, 0, "a number, zero or more"),
          affinity: toName(check, "affinity", affinity),
          facet: toName(check, "facet", facet),
          class: this.toClass(ofClass, check),
          need: need === undefined ? undefined : this.toNeed(need, check)
        })
      }
    }
  }

  private toClass(name: string | undefined, check: ReturnType<typeof checks>): string | undefined {
    const { classes } = this.definition
    return name === undefined || classes.includes(name)
      ? toName(check, "class", name)
      : refuseClass(check, name, classes)
  }

  private toNeed(need: N, check: ReturnType<typeof checks>): Schema.Json {
    const encoded = this.definition.need?.encode(need)
    return encoded === undefined ? check.refuse("need", need, "what the schema `need` encodes") : encoded.json
  }

  /** A lease, by the deadline. It is called where nothing interrupts, and waits where the borrower can be interrupted. */
  private acquire(wish: Wish, restore: Restore): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E>> {
    const began = this.connection.means.deadlines.now()
    const attempt = (): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E>> => {
      // whoever does not queue does not wait for a host that is known to be gone
      const due = wish.ask.queues ? began + (wish.timeout ?? this.connection.borrowTimeout) : began
      return Effect.flatMap(
        restore(this.connection.joined(due)),
        (session) =>
          this.askFor(wish, session, began, restore).pipe(
            Effect.catch((error) => error instanceof Unanswered ? goOn(error) : Effect.fail(error))
          )
      )
    }
    const goOn = (error: Unanswered): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E>> => {
      const { deadlines } = this.connection.means
      const left = began + (wish.timeout ?? this.connection.borrowTimeout) - deadlines.now()
      if (left <= 0) return Effect.fail(this.connection.unavailable(error.why, "Unreachable"))
      return Effect.flatMap(restore(Effect.sleep(Math.min(pause, left))), attempt)
    }
    return attempt()
  }

  /** Asks the host of one session for a lease. */
  private askFor(
    wish: Wish,
    session: Session,
    began: number,
    restore: Restore
  ): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E> | Unanswered> {
    const { link: { client, headers, pool }, means } = this.connection
    const { class: ofClass, need } = wish.ask
    if (ofClass !== undefined && session.welcome.classes?.includes(ofClass) !== true) {
      const why = `it has no class ${JSON.stringify(ofClass)}, which this borrower has named`
      return Effect.fail(this.connection.unavailable(why, "Incompatible"))
    }
    // only a need may be of any size
    if (need !== undefined && isTooLarge(wish.ask, this.connection.link, session)) {
      return Effect.fail(this.tooLarge())
    }
    const sent = means.now()
    const due = began + (wish.timeout ?? this.connection.borrowTimeout)
    const left = Math.max(0, due - sent.running)
    const key = session.key()
    const ask = { ...wish.ask, timeout: toEndless(left) }
    // a need may take all the room that there is in a message
    const returned = need === undefined ? session.returns.take() : []
    const borrow = { pool, session: session.id, key, ask, ...(returned.length === 0 ? {} : { returned }) }
    const request = client.Borrow(borrow, { headers })
    const asked = session.ask(request, sent.running + left + grace + 4 * session.trip)
    return Effect.flatMap(
      Effect.exit(restore(asked)),
      (exit): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E> | Unanswered> => {
        if (Exit.isSuccess(exit)) return this.granted(session, key, exit.value, sent)
        const error = exit.cause.reasons.find(Cause.isFailReason)?.error
        // nobody knows whether it was granted, or heard of
        if (error === undefined || error instanceof Unanswered || error instanceof Garbled) {
          for (const each of returned) giveBack(session, each.key, each.outcome)
          giveBack(session, key, { ended: "Interrupt" })
        }
        if (error === undefined) return Effect.failCause(exit.cause as Cause.Cause<never>)
        if (error instanceof Unanswered) return Effect.fail(error)
        if (error instanceof Garbled) return Effect.fail(this.garbled())
        return this.failed(error instanceof BorrowTimeout ? waitedSince(error, means.deadlines.now() - began) : error)
      }
    )
  }

  private granted(
    session: Session,
    key: number,
    granted: Granted,
    sent: Moment
  ): Effect.Effect<RemoteLease<A, D>, BorrowFailure<E>> {
    const { data, object } = this.definition
    const decoded = object.decode(granted.object)
    if (decoded === undefined) {
      giveBack(session, key, { ended: "Success" })
      return Effect.fail(this.garbled())
    }
    const pooled = shown<D>(granted.pooled, data)
    const lease = new RemoteLease(this.connection, session, { key, granted, object: decoded.value, pooled, sent })
    return lease.isOver && lease.reason === "Lost" ? Effect.fail(lease.failure()) : Effect.succeed(lease)
  }

  /** What the host has failed with, as its borrower sees it. */
  private failed(error: Failure): Effect.Effect<never, BorrowFailure<E>> {
    switch (error._tag) {
      case "Failed": {
        const decoded = this.definition.error?.decode(error.error)
        return Effect.fail(decoded === undefined ? this.garbled() : decoded.value)
      }
      case "Died":
        return Effect.die(
          new Error(`The host of pool "${this.definition.name}" has failed by a defect, which its log says`)
        )
      case "Refusal": {
        const { detail, reason } = error
        return Effect.fail(this.connection.unavailable(detail, toReason(reason)))
      }
      case "InvalidPoolOptions":
        return Effect.die(error)
      default:
        return Effect.fail(error as BorrowFailure<E>)
    }
  }
}

/** A borrow that has been to several hosts has waited for longer than the last one knows. */
const waitedSince = (error: BorrowTimeout, waited: number): BorrowTimeout => {
  const { class: ofClass, held, lastFailure, phase, pool, retryAfter, stats } = error
  return new BorrowTimeout({
    pool,
    stats,
    waited: span(waited),
    phase,
    held,
    ...given({ class: ofClass, retryAfter, lastFailure })
  })
}

export const toReason = (reason: Refusal["reason"]): PoolUnavailable["reason"] =>
  reason === "NoSession" || reason === "Stopping" || reason === "Unproven" || reason === "Unserved"
    ? "Unreachable"
    : reason

/** What is in a message beside what is asked, for which pool, and what is shown. */
const envelope = 1_000

/** Would a message end the connection, and every lease with it? */
const isTooLarge = (asked: Ask | Operation, { headers, pool }: Connection["link"], session: Session): boolean => {
  const most = session.welcome.mostText
  return most !== undefined && JSON.stringify([asked, headers, pool]).length + envelope > most
}
