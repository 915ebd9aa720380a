/**
 * The host of a pool: an ordinary pool, and what those ask of it who borrow from it, each in a session of his.
 *
 * A session is one life of a connection of a borrower. It lasts as long as its `Join` stream is open and its borrower is
 * heard from; then all its leases are over at once. A new connection, or a borrower that has lost an answer, begins another.
 *
 * Nothing is granted once `stopping` is set: what a pool grants in that very step goes back before anybody is told.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Lease } from "../../Lease.ts"
import type { ObjectPool } from "../../ObjectPool.ts"
import type { PooledObject } from "../../PooledObject.ts"
import { type BorrowError, type PoolClosed, PoolExhausted } from "../../PoolError.ts"
import type { BorrowOptions } from "../../PoolOptions.ts"
import { Handle } from "../lease/handle.ts"
import { acted } from "./acting.ts"
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
  refusal,
  type Returned,
  type Serving,
  version
} from "./protocol.ts"
import { type Holding, type Means, noSession, type Session, Sessions } from "./sessions.ts"
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

const unproven = refusal("Unproven", "the host cannot show at present that it is the host")

export class Host<A, D, E, N> {
  readonly definition: Definition<A, D, E, N>
  readonly pool: ObjectPool<A, D, E>
  readonly settings: Settings<A, D, E, N>
  private readonly means: Means
  private readonly sessions: Sessions<A, D>
  private stopping = false
  /** Does the host lend, as far as it is concerned? And has an operator suspended the pool? It lends if neither says no. */
  private lends = true
  private isSuspended = false

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
    this.sessions = new Sessions(pool, settings, means)
  }

  /** What its borrowers may ask of it. */
  get serving(): Serving {
    return {
      Join: (joining, connection) => this.join(joining, connection),
      Renew: ({ over, session }) =>
        Effect.suspend(() => {
          // whoever leaves says it last of the session itself, whose connection may have ended meanwhile
          for (const id of over ?? []) this.sessions.left(id)
          return Effect.flatMap(this.sessions.hear(session), () =>
            this.settings.holds() ? Effect.void : Effect.fail(unproven))
        }),
      Borrow: ({ ask, key, returned, session }) => this.borrow(session, key, ask, returned),
      Return: ({ returned, session }) =>
        Effect.map(this.sessions.hear(session), (session) => this.sessions.giveBack(session, returned)),
      Act: ({ act, key, session }) => this.act(session, key, act),
      Operate: ({ operation, session }) =>
        Effect.scoped(Effect.andThen(this.sessions.asks(session), this.answered(this.operated(operation)))),
      Watch: ({ session }) => Stream.unwrap(Effect.as(this.sessions.asks(session), this.pool.events))
    }
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
    this.sessions.stop()
  }

  /** All sessions are over: the pool is closed. */
  end(): void {
    this.sessions.end()
  }

  get isIdle(): boolean {
    return this.sessions.isIdle
  }
  get isLeft(): boolean {
    return this.sessions.isLeft
  }
  borrowers(): ReadonlyMap<number, Who> {
    return this.sessions.borrowers()
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
      yield* this.sessions.begin(joining, connection, notices)
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
    return this.sessions.refuses(joining, connection)
  }

  private borrow(
    id: string,
    key: number,
    ask: Ask,
    returned: ReadonlyArray<Returned> = []
  ): Effect.Effect<Granted, Failure> {
    return Effect.flatMap(this.sessions.hear(id), (session) =>
      Effect.withFiber((fiber) => {
        this.sessions.giveBack(session, returned)
        const refused = this.refusesBorrow(session, key)
        if (refused !== undefined) return refused
        const options = this.toOptions(ask)
        if ("_tag" in options) return Effect.fail(options)
        const began = this.means.deadlines.now()
        const holding = this.sessions.hold(session, key, fiber)
        return Effect.suspend(() => this.lend(session, ask, options)).pipe(
          Scope.provide(holding.scope),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              this.sessions.waited(session, holding, exit)
              // others that waited beside it may have been granted meanwhile
              holding.exceeds = session.leases > this.settings.mostLeases
            })
          ),
          (borrowed) => this.answered(borrowed),
          Effect.flatMap((lease) => this.grant(session, holding, lease, began))
        )
      }))
  }

  private refusesBorrow(session: Session<A, D>, key: number): Effect.Effect<never, Failure> | undefined {
    if (this.stopping) return Effect.fail(refusal("Stopping", "the host stops"))
    if (session.held.has(key)) return Effect.fail(refusal("Malformed", "the key is not new"))
    return session.leases >= this.settings.mostLeases ? Effect.fail(this.leasesFull) : undefined
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
      this.sessions.takeIn(session, holding, Exit.void)
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

  private act(id: string, key: number, act: Act): Effect.Effect<void, Failure> {
    return Effect.flatMap(this.sessions.hear(id), (session) => {
      const holding = session.held.get(key)
      if (holding?.lease === undefined) return Effect.void
      return this.answered(Effect.asVoid(acted(holding.scope, holding.lease, act)))
    })
  }

  /** What a borrower is told of how something has ended. */
  private answered<B>(effect: Effect.Effect<B, unknown>): Effect.Effect<B, Failure> {
    return Effect.catchCause(effect, (cause) => toFailure(this.definition, cause))
  }
}
