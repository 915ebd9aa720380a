/**
 * Plays a scenario: builds its pool, has its clients and callbacks do what they do, calms everything down, and has the
 * pool serve and close.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { ObjectPool, PoolService } from "../../src/index.ts"
import { PromisePool } from "../../src/promise.ts"
import { Ledger } from "../support/ledger.ts"
import { numbers } from "../support/random.ts"
import { Callbacks } from "./callbacks.ts"
import { type Attempt, Boom, Broken, Failed, type Hand, Judge } from "./judge.ts"
import { Loop } from "./loop.ts"
import { effectPort, type Grip, type Port, promisePort, type Thing } from "./port.ts"
import type { Act, Borrow, Op, Scenario, Step } from "./scenario.ts"

const pick = <T>(from: ReadonlyArray<T>, of: number): T | undefined => from[of % from.length]

const turns = (n: number) => Effect.repeat(Effect.yieldNow, { times: n })

const failed = (cause: Cause.Cause<unknown>): boolean => !Cause.hasInterruptsOnly(cause)

class Fuzzed extends PoolService<Fuzzed, Thing, { error: unknown; data: number }>()("fuzz") {}

const tracer = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })

class World {
  readonly scenario: Scenario
  readonly loop: Loop
  readonly judge: Judge
  readonly callbacks: Callbacks
  /** What the fibers of the clients, and of the pool, run with. */
  readonly context: Context.Context<never>
  readonly mine: Array<Thing> = []
  /** Operations that have not ended. */
  private running = 0
  private ledger: Ledger | undefined = undefined
  port!: Port

  constructor(scenario: Scenario, loop: Loop) {
    this.scenario = scenario
    this.loop = loop
    this.judge = new Judge(scenario.setup, loop)
    const { budget, traced } = scenario.setup
    const context = Context.make(Scheduler.MaxOpsBeforeYield, budget)
    this.context = traced ? Context.add(context, Tracer.Tracer, tracer) : context
    this.callbacks = new Callbacks(scenario, this.judge, (effect) => this.start(effect), this.perform)
  }

  start<A>(effect: Effect.Effect<A, unknown>): Fiber.Fiber<A, unknown> {
    this.running++
    const fiber = Effect.runForkWith(this.context)(effect)
    fiber.addObserver(() => this.running--)
    return fiber
  }

  // ------------------------------------------------------------------------------------------------------- operations

  readonly perform = (op: Op): Effect.Effect<void, unknown> =>
    Effect.catchCauseIf(
      op._tag === "Borrow" ? this.borrow(op) : this.operate(op),
      failed,
      (cause) => Effect.sync(() => this.judge.failed(op._tag, cause))
    ) as Effect.Effect<void, unknown>

  private operate(op: Exclude<Op, Borrow>): Effect.Effect<unknown, unknown> {
    const { judge, loop, port } = this
    const about = (of: number, f: (target: Thing) => unknown) =>
      Effect.sync(() => {
        const pooled = pick(port.objects(), of)
        // by its record, or by itself
        if (pooled !== undefined) f(of % 2 === 0 ? pooled as never : pooled.object)
      })
    const awhile = (effect: Effect.Effect<void, unknown>) => {
      const key = `${op._tag} ${loop.turns}`
      const asked = Effect.suspend(() => {
        judge.operations.add(key)
        return effect
      })
      return Effect.timeoutOption(Effect.onExit(asked, () => Effect.sync(() => judge.operations.delete(key))), 150)
    }
    switch (op._tag) {
      case "Sleep":
        return Effect.sleep(op.millis)
      case "Yield":
        return turns(op.turns)
      case "Add":
        return awhile(this.add(op))
      case "Remove":
        return about(op.of, port.remove)
      case "Wake":
        return about(op.of, port.wake)
      case "Reconsider":
        return about(op.of, port.reconsider)
      case "Rest":
        return about(op.of, (target) => port.rest(target, op.millis))
      case "Tell":
        return Effect.sync(() => judge.tell(op.of, op.what, op.millis))
      case "Meddle":
        return Effect.suspend(() => {
          const grip = pick(port.leases(), op.of)
          return grip === undefined ? Effect.void : Effect.scoped(this.act(grip, op.act, op.millis))
        })
      case "Interrupt":
        return Effect.sync(() => this.interruptSome(op.whom))
      case "Resize":
        return Effect.suspend(() => {
          judge.resizes()
          return port.resize({ min: op.min, max: op.max })
        })
      case "Suspend":
        return this.suspending(Effect.andThen(port.suspend, Effect.sync(() => this.suspended())))
      case "Resume":
        return Effect.suspend(() => {
          judge.lentBefore = undefined
          // a suspension under way may come before or after
          const { suspending, suspensions } = judge
          return Effect.andThen(
            port.resume,
            Effect.sync(() => {
              if (suspending === 0 && judge.suspending === 0) judge.resumed = suspensions
            })
          )
        })
      case "Drain":
        return this.suspending(awhile(port.drain))
      case "Close":
        return this.close
      case "Detect":
        return awhile(port.detect)
      case "Ready":
        return awhile(port.ready)
      case "Rotate":
        return awhile(port.rotate)
    }
  }

  private suspending(effect: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> {
    return Effect.suspend(() => {
      const { judge } = this
      judge.suspensions++
      judge.suspending++
      return Effect.andThen(effect, Effect.sync(() => judge.suspending--))
    })
  }

  /** Nothing is lent from now on, unless it was resumed before this fiber went on. */
  private suspended(): void {
    const { judge, port } = this
    const probe = this.scenario.setup.budget === 2048 && this.scenario.setup.lag === 0
    if (probe && !judge.closing) judge.lentBefore = port.stats().totals.borrowed
  }

  private add({ again, destroyed, leaseTimeout, n }: Extract<Op, { _tag: "Add" }>): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const { callbacks, judge, mine, port } = this
      const old = again === undefined ? undefined : pick(mine, again)
      const things = old !== undefined ? [old] : Array.from({ length: n }, () => judge.thing(false))
      const destroy = destroyed ? (thing: Thing) => callbacks.destroy(thing) : undefined
      for (const thing of things) {
        thing.added++
        thing.destroyable ||= destroyed
        if (old === undefined) mine.push(thing)
      }
      return port.add(things, { leaseTimeout, destroy, told: (selves) => judge.selves.push(...selves) })
    })
  }

  readonly close: Effect.Effect<void, unknown> = Effect.suspend(() => {
    const { judge, loop, port } = this
    if (!judge.closing) judge.closedAt = loop.now
    judge.lentBefore = undefined
    const closed = Effect.andThen(
      port.close,
      Effect.sync(() => {
        judge.closed = true
        judge.lentBefore = port.stats().totals.borrowed
      })
    )
    // it goes on closing when who has asked for it is interrupted
    return Effect.onInterrupt(closed, () => Effect.sync(() => this.start(closed)))
  })

  /** One that is no fiber of its own is left alone. */
  private interrupt(attempt: Attempt): void {
    if (attempt.op.awaited === "inline" || attempt.state === "ended") return
    attempt.interrupted = true
    attempt.fiber?.interruptUnsafe()
  }

  private interruptSome(whom: Extract<Op, { _tag: "Interrupt" }>["whom"]): void {
    const { attempts } = this.judge
    const of = (state: Attempt["state"]) => attempts.filter((each) => each.state === state && !each.interrupted)
    const waiting = of("waits")
    const found = whom === "oldest"
      ? waiting.slice(0, 1)
      : whom === "newest"
      ? waiting.slice(-1)
      : whom === "waiting"
      ? waiting
      : of("holds").slice(0, 1)
    for (const attempt of found) this.interrupt(attempt)
  }

  private borrow(op: Borrow): Effect.Effect<unknown, unknown> {
    return Effect.suspend(() => {
      const { judge, loop, port } = this
      const { kind, leaseTimeout, priority, timeout } = op
      const attempt: Attempt = {
        n: judge.attempts.length + 1,
        op,
        until: loop.now + (timeout ?? this.scenario.setup.borrowTimeout),
        state: "waits",
        interrupted: false,
        ran: new Set(),
        interruptAt: op.interrupt === undefined ? Infinity : loop.turns + op.interrupt,
        fiber: undefined,
        hand: undefined
      }
      const where = this.callbacks.where(kind)
      const prefer = this.callbacks.prefers(op.prefer)
      const { affinity, cost, facet, failover } = op
      const limits = { affinity, cost, facet, ...prefer && { prefer }, ...failover !== undefined && { failover } }
      const options = { timeout, priority, leaseTimeout, ...where && { where }, ...limits }
      const body = (grip: Grip) => this.hold(attempt, grip, op.steps)
      const lend = { borrow: port.borrow, with: port.with, try: port.tryBorrow, sync: port.borrowSync }[op.how]
      const borrowing = Effect.suspend(() => {
        judge.attempts.push(attempt)
        return lend(body, options)
      })
      if (op.awaited === "inline") {
        return Effect.exit(Effect.onExit(borrowing, (exit) => Effect.sync(() => judge.ended(attempt, exit))))
      }
      const fiber = attempt.fiber = this.start(borrowing)
      // asked for in its first step, there was no fiber yet
      if (attempt.interrupted || op.interrupt === 0) this.interrupt(attempt)
      fiber.addObserver((exit) => judge.ended(attempt, exit))
      return op.awaited === "yes" ? Fiber.await(fiber) : Effect.void
    })
  }

  /** The body of a borrow. */
  private hold(attempt: Attempt, grip: Grip, steps: ReadonlyArray<Step>): Effect.Effect<void, unknown> {
    let hand: Hand | undefined
    const using = Effect.suspend(() => {
      const taken = hand = this.judge.take(attempt, grip)
      return Effect.andThen(
        this.callbacks.enter("body", true),
        Effect.forEach(steps, (step) => this.step(taken, step), { discard: true })
      )
    })
    // the frame is there before anything is taken: an interruption comes at any yield
    return Effect.onExit(Effect.scoped(using), () =>
      Effect.sync(() => {
        if (hand === undefined) return
        this.judge.give(hand)
        if (hand === attempt.hand) this.again(attempt)
      }))
  }

  /** A body has ended, which may be called again with another object. */
  private again(attempt: Attempt): void {
    const { failover = 0, timeout } = attempt.op
    if (attempt.state !== "holds" || attempt.ran.size > failover) return
    attempt.state = "waits"
    attempt.until = this.loop.now + (timeout ?? this.scenario.setup.borrowTimeout)
  }

  private step(hand: Hand, step: Step): Effect.Effect<unknown, unknown, Scope.Scope> {
    switch (step._tag) {
      case "Lease":
        return Effect.catchCauseIf(
          this.act(hand.grip, step.act, step.millis),
          failed,
          (cause) => Effect.sync(() => this.judge.failed(step.act, cause))
        )
      case "Fail":
        return Effect.fail(new Failed("body"))
      case "Die":
        return Effect.die(new Boom("body"))
      case "Never":
        return this.callbacks.calmed
      default:
        return this.perform(step)
    }
  }

  /** What somebody does with a lease. */
  private act(grip: Grip, act: Act, millis: number): Effect.Effect<void, unknown, Scope.Scope> {
    return Effect.suspend(() => {
      const { detaching, hands, released } = this.judge
      if (grip.id === undefined) return Effect.void
      const { id, thing } = grip
      if (act === "detach") detaching.add(thing)
      if (act === "release") {
        released.add(id).add(thing)
        for (const hand of hands) {
          // whoever has the object alone may have had it under this lease
          if (hand.grip.id === id || (hand.grip.id === undefined && hand.grip.thing === thing)) hand.over = true
        }
      }
      return grip.act(act, millis)
    })
  }

  // ------------------------------------------------------------------------------------------------------------- play

  /** Goes on until something holds, or so much time has passed. */
  private async run(holds: () => boolean, millis: number): Promise<void> {
    const { judge, loop } = this
    const most = loop.turns + 50_000
    await loop.run(
      () => holds() || judge.broken !== undefined,
      () => {
        judge.check("between turns")
        for (const attempt of judge.attempts) {
          if (attempt.interruptAt <= loop.turns && !attempt.interrupted) this.interrupt(attempt)
        }
      },
      () => {
        if (loop.idle && !loop.overdue) judge.idle()
        judge.must(loop.turns < most, "16 nothing spins", () => `${loop.turns} turns`)
        if (this.ledger !== undefined) {
          const { mistakes } = this.ledger
          judge.must(mistakes.length === 0, "each event follows from those before", () => mistakes.join())
        }
      },
      millis
    )
    if (judge.broken !== undefined) throw judge.broken
  }

  private async build(): Promise<void> {
    const { callbacks, judge, mine, scenario: { setup } } = this
    for (let i = 0; i < setup.objects; i++) mine.push(judge.thing(false))
    for (const thing of mine) thing.added++
    if (setup.flavour === "promise") {
      this.port = promisePort(PromisePool.make(callbacks.promiseOptions([...mine])) as never)
    } else if (setup.flavour === "runtime") {
      const layer = Fuzzed.layer(callbacks.effectOptions([...mine]) as never)
      const runtime = ManagedRuntime.make(Layer.provideMerge(layer, Layer.succeedContext(this.context)))
      this.port = promisePort(await this.made(Effect.promise(() => PromisePool.fromRuntime(Fuzzed, runtime))) as never)
    } else {
      const pool = ObjectPool.make(callbacks.effectOptions([...mine]))
      this.port = effectPort(await this.made(Scope.provide(pool, Scope.makeUnsafe())) as never)
    }
    judge.port = this.port
    const { events } = this.port
    if (setup.listens && events !== undefined) {
      const ledger = this.ledger = new Ledger(this.port.objects())
      Effect.runFork(Stream.runForEach(events, (event) => Effect.sync(() => ledger.hear(event))))
    }
  }

  private async made<B>(effect: Effect.Effect<B>): Promise<B> {
    const fiber = this.start(effect)
    await this.run(() => fiber.pollUnsafe() !== undefined, 1000)
    const exit = fiber.pollUnsafe()!
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    return exit.value
  }

  async play(): Promise<void> {
    const { callbacks, judge, loop, scenario: { clients, setup } } = this
    await this.build()
    for (const ops of clients) this.start(Effect.forEach(ops, this.perform, { discard: true }))
    await this.run(() => this.running === 0, 400)
    callbacks.calm()
    loop.lag = 0
    if (!judge.closing) this.start(this.perform({ _tag: "Resume" }))
    await this.run(() => this.running === 0, 5000)
    // what a promise does cannot be stopped: it may borrow
    await this.run(() => loop.dead, 200 + setup.borrowTimeout)
    judge.quiet()
    if (!judge.closing) await this.serves()
    const closing = this.start(this.close)
    await this.run(() => this.running === 0, 5000)
    judge.must(closing.pollUnsafe() !== undefined, "24 close ends", () => JSON.stringify(this.port.stats()))
    await this.run(() => loop.dead, 5000)
    judge.quiet()
    judge.over()
    await this.refuses()
    if (judge.broken !== undefined) throw judge.broken
  }

  /** Everything that there is room for can be lent. */
  private async serves(): Promise<void> {
    const { judge, scenario: { setup } } = this
    const { port } = this
    // whoever was late may have suspended it
    this.start(this.perform({ _tag: "Resume" }))
    if (setup.acquire === undefined && port.stats().size === 0) {
      this.start(this.add({ _tag: "Add", n: 1, destroyed: false, leaseTimeout: undefined, again: undefined }))
    }
    for (const pooled of port.objects()) port.wake(pooled)
    this.start(Effect.exit(port.detect))
    await this.run(() => false, 300)
    judge.quiet()
    if (this.ledger !== undefined) {
      // what looking at the pool makes happen is told in the next turns
      port.stats()
      await this.run(() => this.loop.idle, 0)
      const [told, counted] = [this.ledger.books, Ledger.books(port.stats())]
      judge.must(
        JSON.stringify(told) === JSON.stringify(counted),
        "events rebuild the books",
        () => `${JSON.stringify(told)}, not ${JSON.stringify(counted)}`
      )
    }
    const room = setup.acquire === undefined ? port.objects().length : port.stats().max!
    const told: Array<() => void> = []
    for (let i = 0; i < room; i++) {
      let served = false
      const body = () =>
        Effect.callback<void>((resume) => {
          served = true
          told.push(() => resume(Effect.void))
        })
      // where nobody may wait, one may come while what is old leaves, or while making an object backs off
      for (let left = setup.maxWaiters === undefined ? 1 : 10; left > 0 && !served; left--) {
        // one that is being made for nobody counts for nobody
        await this.run(() => port.stats().making + port.stats().pending + port.stats().invalid === 0, 1000)
        const probe = this.start(this.port.borrow(body, { timeout: 10_000, leaseTimeout: Infinity }))
        await this.run(() => served || probe.pollUnsafe() !== undefined, 11_000)
        if (!served && left > 1) await this.run(() => false, 500)
      }
      judge.must(
        served,
        "2 nothing is lost: all that there is room for can be lent",
        () => `${i} of ${room} are served: ${JSON.stringify(port.stats())}`
      )
    }
    for (const each of told) each()
    await this.run(() => this.running === 0, 1000)
    judge.quiet()
    if (judge.broken !== undefined) throw judge.broken
  }

  /** A closed pool says so. */
  private async refuses(): Promise<void> {
    const { judge, port } = this
    const thing = judge.thing(false)
    const attempts = {
      borrow: port.borrow(() => Effect.void, {}),
      with: port.with(() => Effect.void, {}),
      tryBorrow: port.tryBorrow(() => Effect.void, {}),
      add: port.add([thing], { leaseTimeout: undefined, destroy: undefined }),
      detect: port.detect,
      resume: port.resume
    }
    for (const [name, effect] of Object.entries(attempts)) {
      const fiber = this.start(Effect.flip(effect))
      await this.run(() => fiber.pollUnsafe() !== undefined, 0)
      const exit = fiber.pollUnsafe()
      const failure = exit !== undefined && Exit.isSuccess(exit) ? exit.value : exit
      const tag = (failure as { readonly _tag?: string })._tag
      judge.must(tag === "PoolClosed", "24 a closed pool says so", () => `${name}: ${String(failure)}`)
    }
  }
}

/** Plays a scenario: what was broken, if anything was. */
export const play = async (scenario: Scenario): Promise<Broken | undefined> => {
  const loop = new Loop(numbers(scenario.seed), scenario.setup.lag, scenario.setup.flavour !== "effect")
  const world = new World(scenario, loop)
  const { judge } = world
  const rejected = (reason: unknown) => judge.must(false, "no rejection is left unhandled", () => String(reason))
  const { console: before } = globalThis
  const log = (...parts: ReadonlyArray<unknown>) => judge.log(parts.map(String).join(" "))
  globalThis.console = Object.assign(Object.create(before) as Console, {
    log,
    info: log,
    warn: log,
    error: log,
    debug: log,
    group: log,
    groupEnd: () => {}
  })
  const restore = loop.install()
  process.on("unhandledRejection", rejected)
  try {
    await world.play()
    return undefined
  } catch (error) {
    if (error instanceof Broken) return error
    return new Broken("an unexpected failure", error instanceof Error ? error.stack ?? error.message : String(error))
  } finally {
    process.off("unhandledRejection", rejected)
    restore()
    globalThis.console = before
  }
}
