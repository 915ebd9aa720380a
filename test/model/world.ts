/**
 * Drives a real pool through a scenario, and shows the model what happens: step by step, and from one moment at which
 * something is due to the next.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import {
  type BorrowError,
  type BorrowOptions,
  type Lease,
  type LeaseExpired,
  ObjectPool,
  type PoolOptions,
  PoolService,
  type PoolStats,
  Selector,
  Status
} from "../../src/index.ts"
import { type PromiseLease, PromisePool } from "../../src/promise.ts"
import { ending } from "../support/borrowers.ts"
import { but } from "../support/clocks.ts"
import { Ledger } from "../support/ledger.ts"
import { Failed } from "../support/scripted.ts"
import type { Act, Answer, Command, Gate, Scenario, Setup } from "./commands.ts"
import { type Borrower, Broken, type Held, Model, must, type Pooled, Thing } from "./model.ts"

type Options = PoolOptions<Thing, undefined, Failed, never, Lease<Thing>, Scope.Scope>
type Pool = ObjectPool<Thing, undefined, Failed>

class Things extends PoolService<Things, Thing>()("model/Things") {}

/** What a promise of the pool is rejected with. */
const rejection = (reason: unknown) => reason as BorrowError | LeaseExpired | Failed

/** The pool for those who have no Effect. */
const promising = (pool: Pool) =>
  Effect.promise(() => PromisePool.fromRuntime(Things, ManagedRuntime.make(Layer.succeed(Things, pool as never))))

const second = 1000
const hookTimeout = 5 * second
const borrowTimeout = 30 * second

/** A clock that knows when the next sleep is over, and how many go on. */
const watched = (clock: Clock.Clock, dues: Array<number>): Clock.Clock =>
  but(clock, {
    sleep: (duration: Parameters<Clock.Clock["sleep"]>[0]) =>
      Effect.suspend(() => {
        const due = clock.currentTimeMillisUnsafe() + Duration.toMillis(duration)
        dues.push(due)
        return Effect.ensuring(clock.sleep(duration), Effect.sync(() => dues.splice(dues.indexOf(due), 1)))
      })
  })

/** Lets everything happen that is due now. */
const settle = Effect.repeat(Effect.yieldNow, { times: 16 })

/** Goes on in a fiber of its own: nobody waits for it when a scenario breaks off. */
const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkDetach(effect, { startImmediately: true })

const pick = <T>(from: ReadonlyArray<T>, of: number): T | undefined => from[of % from.length]

class World {
  readonly setup: Setup
  readonly model: Model
  readonly poolDues: Array<number> = []
  readonly otherDues: Array<number> = []
  readonly clock: Clock.Clock
  readonly script: { acquire: Gate; destroy: Gate; answer: Answer; readonly of: Map<Thing, Answer> } = {
    acquire: "ok",
    destroy: "ok",
    answer: "Available",
    of: new Map()
  }
  acquired = 0
  /** How often making was begun at this instant. */
  lately = { at: -1, times: 0 }
  choosing = 0
  /** Of the user's own. */
  readonly mine: Array<Thing> = []
  readonly fibers = new Map<Borrower, Fiber.Fiber<unknown, unknown>>()
  readonly told = new Map<Borrower, Deferred.Deferred<void>>()
  readonly live = new Map<Held, Lease<Thing> | PromiseLease<Thing>>()
  closedAt = Infinity
  closing: Fiber.Fiber<void> | undefined = undefined
  /** What went wrong in the step of a callback. */
  broken: unknown = undefined
  pool!: Pool
  /** The same pool, for those who have no Effect. */
  promises!: PromisePool<Thing>
  /** Where somebody listens: the books as the events tell them. */
  ledger: Ledger | undefined = undefined

  constructor(setup: Setup, clock: Clock.Clock) {
    this.setup = setup
    this.clock = clock
    this.model = new Model(setup)
  }

  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** Runs what may find a promise broken where a failure would be taken for the user's. */
  note<T>(f: () => T): T | undefined {
    try {
      return f()
    } catch (broken) {
      this.broken ??= broken
      return undefined
    }
  }

  // ----------------------------------------------------------------------------------------------- what a pool is given

  pass(gate: Gate, step: string): Effect.Effect<void, Failed> {
    switch (gate) {
      case "fail":
        return Effect.fail(new Failed({ step }))
      case "slow":
        return Effect.sleep(second)
      case "never":
        return Effect.never
      default:
        return Effect.void
    }
  }

  readonly acquire: Effect.Effect<Thing, Failed, Scope.Scope> = Effect.suspend(() => {
    const { script } = this
    const generation = this.model.rotations
    if (this.lately.at !== this.now) this.lately = { at: this.now, times: 0 }
    // three for each borrower, and the minimum, which its hooks and detections may have taken from it again
    const most = 50 + 3 * this.model.borrowers.length
    if (++this.lately.times > most) {
      this.note(() => must(false, "16 nothing spins", () => `more than ${most} are made at ${this.now}`))
      return Effect.never
    }
    let gate = script.acquire
    if (gate === "recovers") {
      this.acquired++
      if (this.acquired % 3 === 0) script.acquire = "ok"
      else gate = "fail"
    }
    if (gate === "fail" || gate === "never") this.model.failures++
    return Effect.acquireRelease(
      Effect.map(this.pass(gate, "acquire"), () => {
        const thing = new Thing(this.model.things.length + 1, true, this.now, generation)
        this.model.things.push(thing)
        return thing
      }),
      (thing) => this.destroy(thing),
      { interruptible: true }
    )
  })

  destroy(thing: Thing): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.note(() => this.model.destroy(thing, this.now))
      // what was detached is its borrower's to close
      return thing.made && thing.detached > 0 ? Effect.void : Effect.orDie(this.pass(this.script.destroy, "destroy"))
    })
  }

  /** Asks, and has the model know what is asked and answered about an object, which may be lent meanwhile. */
  detectStatus(pooled: Pooled): Status.Answer | Effect.Effect<Status.Answer, Failed> {
    const entry = this.model.entry(pooled)
    const told = this.answer(pooled)
    if (!Effect.isEffect(told)) {
      entry.verdict = told === "Available" ? "fine" : "not fine"
      this.condemn(pooled, told)
      return told
    }
    return Effect.suspend(() => {
      entry.asking++
      return Effect.onExit(told, (exit) =>
        Effect.sync(() => {
          entry.asking--
          if (Exit.isSuccess(exit)) this.condemn(pooled, exit.value)
          entry.verdict = Exit.isSuccess(exit)
            ? exit.value === "Available" ? "fine" : "not fine"
            // its time was over, or nobody wanted the answer
            : Cause.hasInterruptsOnly(exit.cause)
            ? "unclear"
            : "not fine"
        }))
    })
  }

  /** One that is lent when it is found to be no good leaves when it comes back. */
  condemn(pooled: Pooled, told: Status.Answer): void {
    if (told !== "Invalid" || pooled.status !== "Borrowed") return
    const entry = this.model.entry(pooled)
    entry.leaving = true
    entry.condemnedAt = this.now
  }

  /** What it answers at once, it answers plainly for every other object. */
  answer({ object }: Pooled): Status.Answer | Effect.Effect<Status.Answer, Failed> {
    const gate = this.script.of.get(object) ?? this.script.answer
    const answer = gate === "Rest" ? Status.dormant("3 seconds") : gate
    if (answer === "slow") return Effect.as(Effect.sleep(second), "Available" as const)
    if (answer === "fail" || answer === "never") {
      return Effect.suspend(() => {
        this.model.failures++
        return Effect.andThen(this.pass(answer, "detect"), Effect.never)
      })
    }
    if (answer !== "Available") this.model.failures++
    return object.n % 2 === 0 ? answer : Effect.succeed(answer)
  }

  hook(gate: Gate | undefined) {
    return gate === undefined ? undefined : () => {
      if (gate === "fail" || gate === "never") this.model.failures++
      return this.pass(gate, "hook")
    }
  }

  select(): Options["select"] {
    const last = (available: ReadonlyArray<Pooled>) => available[available.length - 1]
    switch (this.setup.select) {
      case "weighted":
        return { weight: ({ object }) => object.kind }
      case "last":
        return last
      case "picky":
        return (available) => last(available.filter(({ object }) => object.n % 2 === 0))
      case "slow":
        return (available) =>
          Effect.suspend(() => {
            this.choosing++
            return Effect.ensuring(
              Effect.as(Effect.sleep(second), last(available)),
              Effect.sync(() => {
                this.choosing--
              })
            )
          })
      default:
        return Selector[this.setup.select]
    }
  }

  options(): Options & { readonly name: string } {
    const { setup } = this
    const detects = setup.trust !== "no detector"
    return {
      name: "model",
      acquire: setup.acquire ? this.acquire : undefined,
      objects: Array.from({ length: setup.objects }, () => this.own()),
      size: { min: setup.min, max: setup.max },
      select: this.select(),
      sharing: setup.sharing,
      maxWaiters: setup.maxWaiters,
      allowance: setup.allowance,
      waitsForResting: setup.waitsForResting,
      leaseTimeout: setup.leaseTimeout,
      onLeaseExpired: setup.onLeaseExpired,
      detectStatus: detects ? (pooled) => this.detectStatus(pooled) : undefined,
      detection: {
        onAdd: setup.onAdd,
        onBorrow: typeof setup.trust === "number" ? { trustFor: setup.trust } : false,
        onRelease: setup.detectOnRelease,
        every: setup.every,
        concurrency: setup.concurrency
      },
      creation: {
        timeout: setup.creationTimeout,
        retry: setup.retry === undefined
          ? undefined
          : Schedule.upTo(Schedule.spaced("1 second"), { times: setup.retry })
      },
      onBorrow: this.hook(setup.onBorrow),
      onRelease: this.hook(setup.onRelease),
      lifetime: {
        timeToLive: setup.timeToLive,
        idleTimeToLive: setup.idleTimeToLive,
        maxBorrows: setup.maxBorrows,
        jitter: 0
      },
      closing: { waiters: setup.waiters, timeout: setup.closingTimeout }
    }
  }

  own(): Thing {
    const thing = new Thing(this.model.things.length + 1, false, this.now)
    this.model.things.push(thing)
    this.mine.push(thing)
    return thing
  }

  // -------------------------------------------------------------------------------------------------------- one command

  readonly run = (command: Command): Effect.Effect<void> => {
    switch (command._tag) {
      case "Borrow":
        return this.borrow(command)
      case "Add":
        return this.add(this.own(), command.release, command.leaseTimeout)
      case "AddAgain": {
        const thing = pick(this.mine, command.of)
        return thing === undefined ? Effect.void : this.add(thing, thing.destroyable, undefined)
      }
      case "Remove":
        return this.about(
          command.of,
          (pooled) =>
            this.answers("remove", this.pool.remove(pooled), pooled.status !== "Invalid", (found) => {
              if (found) this.model.entry(pooled).leaving = true
            })
        )
      case "Rest":
        return this.about(
          command.of,
          (pooled) =>
            this.answers("rest", this.pool.rest(pooled, command.millis), pooled.status !== "Invalid", (found) => {
              if (found) this.rests(pooled, command.millis)
            })
        )
      case "Wake":
        return this.about(command.of, (pooled) => {
          const entry = this.model.entry(pooled)
          return Effect.map(this.pool.wake(pooled), () => {
            entry.restsUntil = -Infinity
          })
        })
      case "End":
        return Effect.suspend(() => {
          const held = pick(this.model.held.filter(({ borrower }) => borrower.state === "holds"), command.of)
          return held === undefined ? Effect.void : Deferred.succeed(this.told.get(held.borrower)!, undefined)
        })
      case "Lease":
        return Effect.suspend(() => {
          const held = pick(this.model.open, command.of)
          return held === undefined ? Effect.void : this.act(held, command.act)
        })
      case "Stale":
        return Effect.suspend(() => {
          const held = pick(this.model.stale, command.of)
          return held === undefined ? Effect.void : this.actStale(held, command.act)
        })
      case "Interrupt":
        return Effect.suspend(() => {
          const state = command.waiting ? "waits" : "holds"
          const borrower = pick(this.model.borrowers.filter((each) => each.state === state), command.of)
          if (borrower !== undefined) this.fibers.get(borrower)!.interruptUnsafe()
          return Effect.void
        })
      case "Revoke":
        return command.all
          ? this.about(command.of, (pooled) => this.revoke(pooled, (held) => held.pooled === pooled))
          : Effect.suspend(() => {
            const held = pick(this.model.held, command.of)
            return held === undefined ? Effect.void : this.revoke(this.live.get(held)!, (each) => each === held)
          })
      case "Advance":
        return this.advance(command.millis)
      case "Acquire":
        this.script.acquire = command.gate
        return Effect.void
      case "Destroy":
        this.script.destroy = command.gate
        return Effect.void
      case "Answer": {
        const thing = command.of === undefined ? undefined : pick(this.model.things, command.of)
        if (thing === undefined) this.script.answer = command.answer
        else this.script.of.set(thing, command.answer)
        return Effect.void
      }
      case "Resize":
        return Effect.suspend(() => {
          const { max, min } = command
          const added = [...this.objects()].filter(({ object }) => !object.made).length
          const to = { min: min ?? Math.min(this.model.min, max ?? this.model.max), max: max ?? this.model.max }
          const makesSense = added <= to.max && to.min <= to.max && (to.min === 0 || this.setup.acquire)
          return this.ends("resize", this.pool.resize({ min, max }), makesSense ? "ok" : "InvalidPoolOptions", () => {
            if (makesSense) Object.assign(this.model, to)
          })
        })
      case "Suspend":
      case "Drain":
        if (this.model.life === "open") this.model.suspended = true
        return Effect.asVoid(start(Effect.exit(command._tag === "Drain" ? this.pool.drain : this.pool.suspend)))
      case "Resume":
        if (this.model.life === "open") this.model.suspended = false
        return this.ends("resume", this.pool.resume, "ok")
      case "Detect":
        return Effect.asVoid(start(Effect.exit(this.pool.detect)))
      case "Rotate":
        if (this.model.life === "open") this.model.rotations++
        return Effect.asVoid(start(Effect.exit(this.pool.rotate)))
      case "Close":
        return this.close
    }
  }

  revoke(target: Lease<Thing> | PromiseLease<Thing> | Pooled, concerns: (held: Held) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const leases = this.model.open.filter(concerns)
      for (const held of leases) this.model.cut(held, this.now)
      const revoked = "signal" in target
        ? Effect.sync(() => this.promises.revoke(target))
        : this.pool.revoke(target)
      return Effect.map(revoked, (found) => {
        must(
          found === leases.length > 0,
          "revoke answers whether it was lent",
          () => `${found}, ${leases.length} leases`
        )
      })
    })
  }

  objects(): ReadonlyArray<Pooled> {
    return Effect.runSync(this.pool.objects)
  }

  about(of: number, f: (pooled: Pooled) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const pooled = pick(this.objects(), of)
      return pooled === undefined ? Effect.void : f(pooled)
    })
  }

  answers(
    what: string,
    effect: Effect.Effect<boolean>,
    expected: boolean,
    then: (found: boolean) => void
  ): Effect.Effect<void> {
    return Effect.map(effect, (found) => {
      must(found === expected, `${what} answers whether it is in the pool`, () => `${found}, expected ${expected}`)
      then(found)
    })
  }

  ends<A, E>(what: string, effect: Effect.Effect<A, E>, expected: string, then = () => {}): Effect.Effect<void> {
    const wanted = this.model.life === "open" ? expected : "PoolClosed"
    return Effect.map(Effect.exit(effect), (exit) => {
      must(ending(exit) === wanted, `${what} ends as it must`, () => `${ending(exit)}, expected ${wanted}`)
      if (wanted === expected) then()
    })
  }

  /** It rests so long, and is lent to nobody else meanwhile. */
  rests(pooled: Pooled, millis: number): void {
    const entry = this.model.entry(pooled)
    entry.restsUntil = Math.max(entry.restsUntil, this.now + millis)
  }

  add(thing: Thing, destroyed: boolean, leaseTimeout: number | undefined): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { making, size } = yield* this.pool.stats
      const present = this.objects().some(({ object }) => object === thing)
      if (!present) thing.destroyable ||= destroyed
      const open = this.model.life === "open"
      const expected = !open
        ? "PoolClosed"
        : present
        ? "DuplicateObject"
        : size + making >= this.model.max
        ? "PoolFull"
        : "ok"
      if (expected === "ok") {
        this.model.added++
        thing.added++
        if (leaseTimeout !== undefined) this.leaseTimeouts.set(thing, leaseTimeout)
        else this.leaseTimeouts.delete(thing)
      }
      const fiber = yield* start(
        this.pool.add(thing, { leaseTimeout, ...(destroyed ? { release: (object) => this.destroy(object) } : {}) })
      )
      const exit = fiber.pollUnsafe()
      const ended = exit === undefined ? "ok" : ending(exit)
      must(ended === expected, "add ends as it must", () => `${ended}, expected ${expected}`)
    })
  }

  readonly leaseTimeouts = new Map<Thing, number>()

  borrow(
    { how: way, kind, leaseTimeout, priority, timeout }: Extract<Command, { _tag: "Borrow" }>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { model, pool } = this
      // a body is given no lease: which of those of a shared object is its own cannot be told
      const how = way === "promised with" && this.setup.sharing > 1 ? "promise" : way
      const tries = how === "try"
      const body = how === "with" || how === "stubborn" || how === "promised with"
      const options: BorrowOptions<Thing> = {
        timeout,
        priority,
        leaseTimeout,
        where: kind === undefined ? undefined : ({ object }) => object.kind === kind
      }
      const borrower: Borrower = {
        n: model.borrowers.length + 1,
        since: this.now,
        until: this.now + (tries ? borrowTimeout : timeout ?? borrowTimeout),
        priority: tries ? 0 : priority,
        kind: tries ? undefined : kind,
        queues: !tries,
        body,
        state: "waits",
        held: undefined,
        ending: ""
      }
      model.borrowers.push(borrower)
      const told = Deferred.makeUnsafe<void>()
      this.told.set(borrower, told)
      const hold = (lease: Lease<Thing> | PromiseLease<Thing>) => {
        this.note(() => {
          const lasts = (tries ? undefined : leaseTimeout) ?? this.leaseTimeouts.get(lease.object) ??
            this.setup.leaseTimeout ?? Infinity
          model.pass(this.now)
          this.live.set(model.grant(borrower, lease as never, lasts, this.now), lease)
        })
        return Deferred.await(told)
      }
      // never at the very moment at which something else is due, which might come before it or after it
      const late = how === "stubborn" ? Effect.onInterrupt(() => Effect.sleep(second + 37)) : undefined
      const borrowing: Effect.Effect<unknown, unknown> = how === "promise"
        ? Effect.scoped(Effect.flatMap(this.promise(options), hold))
        : how === "promised with"
        ? this.promisedWith(options, hold, told)
        : body
        ? pool.with((lease) => late === undefined ? hold(lease) : late(hold(lease)), options)
        : Effect.scoped(Effect.flatMap(tries ? pool.tryBorrow : pool.borrowWith(options), hold))
      return Effect.map(start(borrowing), (fiber) => {
        this.fibers.set(borrower, fiber)
        fiber.addObserver((exit) => this.note(() => this.ended(borrower, exit)))
      })
    })
  }

  /** Borrows by a promise. */
  promise(options: BorrowOptions<Thing>): Effect.Effect<PromiseLease<Thing>, unknown, Scope.Scope> {
    const borrow = Effect.tryPromise({
      try: (signal) => this.promises.borrow({ ...options, signal }),
      catch: rejection
    })
    const release = (lease: PromiseLease<Thing>) => {
      this.givesBack(lease)
      return Effect.promise(() => lease.release())
    }
    return Effect.acquireRelease(borrow, release, { interruptible: true })
  }

  /** Whoever waits by a promise may have the object before the fiber that has given it back has ended. */
  givesBack(lease: PromiseLease<Thing>): void {
    this.note(() => this.model.pass(this.now))
    for (const [held, live] of this.live) if (live === lease && !held.returned) this.model.giveBack(held)
  }

  /** `with`, by a promise: its own lease is the one of its object that nobody knows yet. */
  promisedWith(
    options: BorrowOptions<Thing>,
    hold: (lease: PromiseLease<Thing>) => Effect.Effect<void>,
    told: Deferred.Deferred<void>
  ): Effect.Effect<unknown, unknown> {
    const body = (object: Thing, signal: AbortSignal) => {
      const known = new Set([...this.live.values()].map(({ id }) => id))
      const own = this.promises.leases().find((lease) => lease.object === object && !known.has(lease.id))!
      signal.addEventListener("abort", () => {
        this.note(() => this.model.pass(this.now))
        Deferred.doneUnsafe(told, Effect.void)
      })
      return Effect.runPromise(Effect.map(hold(own), () => this.givesBack(own)))
    }
    return Effect.tryPromise({
      try: (signal) => this.promises.with(body, { ...options, signal }),
      catch: rejection
    })
  }

  ended(borrower: Borrower, exit: Exit.Exit<unknown, unknown>): void {
    const { model } = this
    const how = ending(exit)
    const what = () => `borrower ${borrower.n} ended with ${how} at ${this.now}`
    const { held } = borrower
    const died = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) && Cause.hasDies(exit.cause)
    must(!died, "a borrower does not die", () => Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
    if (held === undefined) {
      must(how !== "ok" && !how.startsWith("LeaseExpired"), "a borrow ends as it must", what)
      must(how !== "Failed" || model.failures > 0, "21 a borrow fails with what making failed with", what)
      must(how !== "PoolClosed" || model.life !== "open", "24 PoolClosed is for a closed pool", what)
      const early = how === "BorrowTimeout" && this.now < borrower.until
      must(!early || this.setup.creationTimeout < borrowTimeout || this.setup.acquire, "6 no time-out too early", what)
      must(!how.startsWith("PoolExhausted W") || this.setup.maxWaiters !== undefined, "8 only maxWaiters refuses", what)
      must(!how.startsWith("PoolExhausted R") || !this.setup.waitsForResting, "34 who may wait is not refused", what)
      must(!how.startsWith("PoolExhausted N") || !borrower.queues, "8 only a `tryBorrow` finds none available", what)
    } else if (how.startsWith("LeaseExpired")) {
      must(
        borrower.body && held.over || held.expiresAt <= this.now || model.life !== "open",
        "11 a lease expires",
        what
      )
    } else {
      must(how === "ok" || how === "interrupted", "a borrow ends as it must", what)
    }
    if (held !== undefined && !held.returned) {
      model.pass(this.now)
    }
    model.end(borrower, how)
  }

  // ------------------------------------------------------------------------------------------------- what a lease does

  perform(lease: Lease<Thing> | PromiseLease<Thing>, act: Act): Effect.Effect<unknown, unknown, Scope.Scope> {
    if (!("signal" in lease)) return act === "rest" ? lease.rest("3 seconds") : lease[act]
    return Effect.tryPromise({
      try: async () =>
        act === "detach" ? (await lease.detach()).destroy() : act === "rest" ? lease.rest(3000) : lease[act](),
      catch: rejection
    })
  }

  act(held: Held, act: Act): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { model } = this
      const { pooled } = held
      const lease = this.live.get(held)!
      const entry = model.entry(pooled)
      // what is detached is closed with a scope of its own, at once
      const thing = pooled.object
      if (act === "detach") {
        thing.detached++
        // the leases of others are over as well
        for (const other of model.held) if (other.pooled === pooled) model.giveBack(other)
      }
      if (act === "release") model.giveBack(held)
      const exit = yield* Effect.exit(Effect.scoped(this.perform(lease, act)))
      must(Exit.isSuccess(exit), "12 an open lease does what it is asked", () => `${act}: ${ending(exit)}`)
      switch (act) {
        case "release":
          return
        case "invalidate":
          entry.leaving = true
          return
        case "rest":
          return this.rests(pooled, 3 * second)
        case "renew":
          held.expiresAt = this.now + held.timeout
          return
        case "detach":
          entry.leaving = true
      }
    })
  }

  /** Nothing that a stale lease does changes anything. */
  actStale(held: Held, act: Act): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const look = () =>
        JSON.stringify([
          Effect.runSync(this.pool.stats),
          this.objects().map(({ borrowCount, id, status, wakesAt }) => [id, status, borrowCount, wakesAt])
        ])
      const before = look()
      const exit = yield* Effect.exit(Effect.scoped(this.perform(this.live.get(held)!, act)))
      yield* settle
      const after = look()
      must(before === after, "6 a stale lease changes nothing", () => `${act}: ${before} -> ${after}`)
      const fails = act === "renew" || act === "detach"
      must(
        ending(exit).startsWith(fails ? "LeaseExpired" : "ok"),
        "6 a stale lease says so",
        () => `${act}: ${ending(exit)}`
      )
    })
  }

  // --------------------------------------------------------------------------------------------------------------- time

  /** Goes from one moment at which something is due to the next; all is checked at each. */
  advance(millis: number): Effect.Effect<void> {
    const until = this.now + millis
    return Effect.gen({ self: this }, function*() {
      while (this.now < until) {
        const dues = [...this.poolDues, ...this.otherDues].filter((due) => due > this.now)
        yield* TestClock.setTime(Math.min(until, ...dues))
        yield* this.check
      }
    })
  }

  readonly check: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    yield* settle
    const { model, pool } = this
    this.note(() => model.pass(this.now))
    if (this.broken !== undefined) throw this.broken
    const stats = yield* pool.stats
    if (this.closing !== undefined) this.checkClosing(stats.size)
    const leases = (yield* pool.leases).map(({ id }) => id)
    model.check({ now: this.now, stats, objects: yield* pool.objects, leases, choosing: this.choosing })
    if (this.ledger !== undefined) this.checkLedger(this.ledger, stats)
  })

  checkLedger(ledger: Ledger, stats: PoolStats): void {
    must(ledger.mistakes.length === 0, "each event follows from those before", () => ledger.mistakes.join())
    const [told, counted] = [JSON.stringify(ledger.books), JSON.stringify(Ledger.books(stats))]
    must(told === counted, "events rebuild the books", () => `${told}, not ${counted}`)
  }

  // ------------------------------------------------------------------------------------------------------------ closing

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    if (this.closing !== undefined) return Effect.void
    this.closedAt = this.now
    const serves = this.setup.waiters === "serve" && this.setup.closingTimeout > 0 && !this.model.suspended &&
      this.model.waiting.length > 0
    this.serving = serves
    this.model.life = "closing"
    return Effect.map(start(this.pool.close), (fiber) => {
      this.closing = fiber
    })
  })

  serving = false

  /** The longest that closing may take. */
  get bound(): number {
    const rounds = Math.ceil(Math.max(this.model.things.length, 1) / this.setup.concurrency)
    return this.setup.closingTimeout + hookTimeout * (1 + Math.min(rounds, 5))
  }

  checkClosing(size: number): void {
    const { model } = this
    const late = this.now >= this.closedAt + this.setup.closingTimeout
    if (late) model.revoke()
    if (model.life === "closed") return
    const waiting = model.waiting
    must(waiting.length === 0 || (this.serving && !late), "7 no waiter after close", () => `${waiting.length} wait`)
    if (waiting.length === 0) this.serving = false
    if (this.closing?.pollUnsafe() === undefined) {
      return must(this.now <= this.closedAt + this.bound + 1, "7 close ends in time", () => `size ${size}`)
    }
    model.life = "closed"
    must(size === 0, "7 nothing is left after close", () => `size ${size}`)
    must(this.poolDues.length === 0, "7 no timer is left after close", () => `due at ${this.poolDues.join()}`)
    for (const thing of model.things) {
      const ends = thing.made ? 1 : thing.destroyable ? thing.added : 0
      must(
        thing.destroyed + thing.detached >= ends,
        "5 every made object is destroyed",
        () => `thing ${thing.n} ${thing.destroyed} times`
      )
    }
  }

  /** Afterwards all goes well: is everything that the pool had still there to be lent? */
  readonly recover: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    const { model, setup } = this
    this.script.acquire = this.script.destroy = "ok"
    this.script.answer = "Available"
    this.script.of.clear()
    for (const [borrower, told] of this.told) if (borrower.state === "holds") Deferred.doneUnsafe(told, Effect.void)
    yield* this.run({ _tag: "Resume" })
    // whoever is served by this begins his lease now, not when time has passed
    yield* this.check
    for (let i = 0; i < 7; i++) {
      yield* this.advance(10 * second)
      for (const [borrower, told] of this.told) if (borrower.state === "holds") Deferred.doneUnsafe(told, Effect.void)
      yield* this.check
    }
    const simple = setup.select !== "picky" && setup.select !== "slow" &&
      ![setup.onBorrow, setup.onRelease].some((each) => each === "fail" || each === "never") &&
      setup.leaseTimeout === undefined && setup.allowance === undefined
    if (!simple) return
    must(model.waiting.length === 0, "2 nobody waits for ever", () => `${model.waiting.length} wait`)
    const first = model.borrowers.length
    const room = setup.acquire ? model.max : this.objects().length
    const each = setup.maxBorrows === undefined ? setup.sharing : 1
    for (let i = 0; i < room * each; i++) {
      yield* this.run({
        _tag: "Borrow",
        how: "borrow",
        timeout: undefined,
        kind: undefined,
        priority: 0,
        leaseTimeout: Infinity
      })
      yield* this.check
      yield* this.advance(2 * second)
    }
    const served = model.borrowers.slice(first).filter((each) => each.state === "holds").length
    must(
      served === room * each,
      "2 nothing is lost: all that there is room for can be lent",
      () => `${served} of ${room * each} are served: ${JSON.stringify(Effect.runSync(this.pool.stats))}`
    )
  })

  readonly finish: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    if (this.model.life === "open" && this.setup.timeToLive === undefined) yield* this.recover
    yield* this.close
    yield* this.check
    yield* this.advance(this.bound + 2)
    for (const told of this.told.values()) Deferred.doneUnsafe(told, Effect.void)
    yield* this.advance(10 * second)
    must(this.model.life === "closed", "7 close ends", () => "it has not")
    const left = this.model.borrowers.filter((each) => each.state !== "ended").length
    must(left === 0, "7 every borrower has ended", () => `${left} have not`)
    yield* this.ends("add", this.pool.add(new Thing(0, false, 0)), "PoolClosed")
  })
}

const quiet = Logger.make<unknown, void>(() => {})

/** Plays a scenario: what was broken, and after how many commands; `undefined`: nothing. */
export const play = ({ commands, seed, setup }: Scenario): Effect.Effect<Broken | undefined> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const world = new World(setup, clock)
    const scope = yield* Scope.make()
    world.pool = yield* ObjectPool.make(world.options()).pipe(
      Effect.provideService(Clock.Clock, watched(clock, world.poolDues)),
      Effect.provideService(Scope.Scope, scope)
    )
    world.promises = yield* promising(world.pool)
    // every other one has somebody who listens
    if (seed % 2 === 0) {
      const ledger = world.ledger = new Ledger(yield* world.pool.objects)
      yield* start(Stream.runForEach(world.pool.events, (event) => Effect.sync(() => ledger.hear(event))))
    }
    const steps = Effect.gen(function*() {
      world.model.added = setup.objects
      for (const thing of world.mine) thing.added = 1
      yield* world.check
      for (const command of commands) {
        yield* world.run(command)
        yield* world.check
      }
      yield* world.finish
    })
    const exit = yield* Effect.exit(Effect.provideService(steps, Clock.Clock, watched(clock, world.otherDues)))
    for (const fiber of world.fibers.values()) fiber.interruptUnsafe()
    if (Exit.isSuccess(exit)) return undefined
    const failure = Cause.squash(exit.cause)
    return failure instanceof Broken ? failure : new Broken("an unexpected failure", Cause.pretty(exit.cause))
  }).pipe(
    // a setup that was simplified into nonsense
    Effect.catchCause((cause) => Effect.succeed(new Broken("an unexpected failure", Cause.pretty(cause)))),
    Effect.provideService(Logger.CurrentLoggers, new Set([quiet])),
    Random.withSeed(seed),
    Effect.provide(TestClock.layer()),
    Effect.scoped
  )
