/**
 * What must hold of any pool, seen from outside: by those who hold its objects, and by what its public operations say.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { PoolExhausted, type PoolStats } from "../../src/index.ts"
import type { PromiseSelf } from "../../src/promise.ts"
import type { Loop } from "./loop.ts"
import { type Grip, type Pooled, type Port, Thing } from "./port.ts"
import type { Borrow, Setup, Temper, Told } from "./scenario.ts"

/** A promise that was not kept. */
export class Broken extends Error {
  readonly rule: string
  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`)
    this.rule = rule
  }
}

/** What a callback or a body fails with on purpose. */
export class Failed extends Error {
  override readonly name = "Failed"
}
/** What it dies of on purpose. */
export class Boom extends Error {
  override readonly name = "Boom"
}

export interface Attempt {
  readonly n: number
  readonly op: Borrow
  until: number
  /** The objects that it has had. */
  readonly ran: Set<string>
  state: "waits" | "holds" | "ended"
  interrupted: boolean
  /** After so many turns of the loop it is to be interrupted. */
  readonly interruptAt: number
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** What it has had last. */
  hand: Hand | undefined
}

/** An object in the hands of a borrower. */
export interface Hand {
  readonly attempt: Attempt
  readonly grip: Grip
  /** As far as he knows. */
  over: boolean
}

/** The lines that a pool may log. */
const lines = [
  "A hook failed, and its object leaves",
  "Making an object failed, and nobody was waiting for it",
  "acquire made an object after it had been given up",
  "Destroying an object failed",
  "Destroying what was made too late, or in part",
  "Closing revoked",
  "Closing gave up",
  "What follows a lease has failed",
  "Closing what pack made has failed",
  "A lease is held longer than leaseWarning",
  "A judge says nothing of an object",
  "An outlier rests",
  "An outlier is lent on"
]

/** It never fails, nor takes any time. */
const easy = (temper: Temper): boolean => temper === "plain" || temper === "effect"

const tagOf = (failure: unknown): string => {
  if (!(failure instanceof Error)) return String(failure)
  // one that says which weight it was that could not be read
  if (failure.cause instanceof Boom) return tagOf(failure.cause)
  if (!("_tag" in failure)) return failure.name
  return "reason" in failure ? `${String(failure._tag)} ${String(failure.reason)}` : String(failure._tag)
}

export class Judge {
  readonly setup: Setup
  readonly loop: Loop
  readonly attempts: Array<Attempt> = []
  readonly things: Array<Thing> = []
  readonly hands = new Set<Hand>()
  /** Leaving the pool with a borrower, perhaps. */
  readonly detaching = new Set<Thing>()
  /** Leases, by their ids, and objects that somebody else may have released. */
  readonly released = new Set<number | Thing>()
  /** Runs of `pack`, and of what ends it: each says whether its lease is over. */
  readonly packing = new Set<() => boolean>()
  /** A `pack` closes the pool itself: it goes on, as a body does that closes the pool. */
  closedByPack = false
  /** Answers of the selector that are awaited. */
  choosing = 0
  /** Answers of the detector that are awaited. */
  detecting = 0
  /** Leases that were over before `pack` had ended. */
  readonly overdue = new Set<number>()
  /** Operations but for borrows. */
  readonly operations = new Set<string>()
  /** Closing has given up something, which is not counted any more. */
  gaveUp = false
  /** When closing began. */
  closedAt = Infinity
  closed = false
  /** How often the pool was to be suspended; how often it had been when it was last resumed; how many are at it. */
  suspensions = 0
  resumed = 0
  suspending = 0
  /** How often something was lent before the pool was suspended. */
  lentBefore: number | undefined = undefined
  port: Port | undefined = undefined
  /** The first that was found: where it was may not be where it can be thrown. */
  broken: Broken | undefined = undefined
  /** Since a `resize` there may be too many, but no more than there were. */
  /** By what the objects tell the pool of themselves, as they came. */
  readonly selves: Array<PromiseSelf> = []
  private verdicts = 0
  private crowd = 0
  private max = 0

  constructor(setup: Setup, loop: Loop) {
    this.setup = setup
    this.loop = loop
  }

  /** Since the scenario began. */
  get time(): number {
    return this.loop.now - this.loop.began
  }
  get closing(): boolean {
    return this.closedAt !== Infinity
  }

  must(holds: boolean, rule: string, detail: () => string): void {
    if (!holds) this.broken ??= new Broken(rule, `${detail()} (at ${this.time.toFixed(3)})`)
  }

  // ---------------------------------------------------------------------------------------------------- what was seen

  thing(made: boolean): Thing {
    const thing = new Thing(this.things.length + 1, made)
    this.things.push(thing)
    return thing
  }

  /** One of the newest objects tells the pool of itself, wherever it is. That never throws. */
  tell(of: number, what: Told, millis: number): void {
    const self = this.selves.at(-1 - of % 6)
    if (what === "rest") self?.rest(millis)
    else self?.[what]()
  }

  /** A borrower has an object from now on. */
  take(attempt: Attempt, grip: Grip): Hand {
    const { thing } = grip
    const hand: Hand = { attempt, grip, over: this.released.has(grip.id ?? thing) }
    const what = () => `thing ${thing.n}, lease ${grip.id}, borrower ${attempt.n}`
    // a promise cannot be stopped: what runs under a lease that is over goes on
    const open = [...this.hands].some((other) => other.attempt === attempt && this.live(other))
    this.must(
      attempt.state === "waits" || (attempt.op.failover !== undefined && attempt.state === "holds" && !open),
      "33 a borrow is served once, and under one lease at a time",
      what
    )
    const { kind } = attempt.op
    this.must(kind === undefined || kind === thing.kind, "`where` holds", what)
    const { id } = grip
    this.must(
      id === undefined || !this.overdue.has(id),
      "11 what is packed for a lease that is over is not given",
      what
    )
    const which = `${thing.n}, added ${thing.added} times`
    this.must(!attempt.ran.has(which), "33 never twice on one object", what)
    attempt.ran.add(which)
    const { failover = 0 } = attempt.op
    this.must(attempt.ran.size <= failover + 1, "33 at most n + 1 times", what)
    attempt.state = "holds"
    attempt.hand = hand
    grip.whenOver(() => {
      hand.over = true
    })
    this.hands.add(hand)
    // it may have been taken back on the way
    if (this.live(hand)) {
      this.must(
        !thing.made || thing.destroyed === 0 || this.closing || this.detaching.has(thing),
        "20 what is destroyed is not lent",
        what
      )
    }
    this.check("as a body begins")
    return hand
  }

  /** \`max\` is about to change. */
  resizes(): void {
    const { making, max, size } = this.port!.stats()
    this.crowd = Math.max(this.crowd, max ?? size + making)
  }

  give(hand: Hand): void {
    hand.over = true
    this.hands.delete(hand)
  }

  destroys(thing: Thing): void {
    thing.destroyed++
    const what = () => `thing ${thing.n}`
    this.must(thing.destroyable, "20 what was added without `release` is left to its owner", what)
    this.must(thing.destroyed <= (thing.made ? 1 : thing.added), "20 an object is destroyed once", what)
    const lent = [...this.hands].some((hand) => hand.grip.thing === thing && this.live(hand))
    this.must(
      !lent || this.closing || this.detaching.has(thing),
      "20 an object is not destroyed while it is lent",
      what
    )
  }

  /** May its holder still use it, as far as he can know? */
  private live(hand: Hand): boolean {
    return !hand.over && hand.grip.expiresAt() > this.loop.wall + 1
  }

  ended(attempt: Attempt, exit: Exit.Exit<unknown, unknown>): void {
    const held = attempt.state === "holds"
    attempt.state = "ended"
    if (Exit.isSuccess(exit)) return
    const failure = Cause.squash(exit.cause)
    const how = Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : tagOf(failure)
    const what = () => `borrower ${attempt.n} ends with ${how}: ${Cause.pretty(exit.cause).slice(0, 500)}`
    const truly = how !== "PoolExhausted Resting" || this.restsFor(failure) >= attempt.until - this.loop.now - 1
    this.must(truly && this.mayEnd(attempt, how, held), `a borrow does not end so: ${how}`, what)
  }

  /** For how long everything rests, as a refusal says. */
  private restsFor(failure: unknown): number {
    return failure instanceof PoolExhausted && failure.retryAfter !== undefined
      ? Duration.toMillis(failure.retryAfter)
      : -Infinity
  }

  private mayEnd({ interrupted, op, until }: Attempt, how: string, held: boolean): boolean {
    const { setup } = this
    switch (how) {
      case "interrupted":
        return interrupted || op.awaited === "inline"
      // on purpose
      case "Failed":
      case "Boom":
      case "NotSynchronous":
        return how !== "NotSynchronous" || op.how === "sync" || op.how === "try"
      // of a creation, or its own
      case "BorrowTimeout":
        return this.loop.now >= until - 1 || setup.acquire !== undefined && this.time > setup.creationTimeout - 1
      case "PoolClosed":
        return this.closing && !held
      case "PoolExhausted NoneAvailable":
      case "PoolExhausted Suspended":
        return op.how === "try" || op.how === "sync"
      case "PoolExhausted CostTooHigh":
        return setup.allowance?.unit === "cost" && (op.cost ?? 1) > setup.allowance.limit
      case "PoolExhausted WaitersFull":
        return setup.maxWaiters !== undefined
      case "PoolExhausted Resting":
        return true
      case "LeaseExpired Closed":
        return this.closing
      case "LeaseExpired Released":
      case "LeaseExpired Expired":
      case "LeaseExpired Revoked":
        return true
      case "TypeError":
        return setup.nonsense
      default:
        return interrupted && how === "Error" && setup.flavour !== "effect"
    }
  }

  /** What an operation other than a borrow has failed with. */
  failed(operation: string, cause: Cause.Cause<unknown>): void {
    if (Cause.hasInterruptsOnly(cause)) return
    const failure = Cause.squash(cause)
    const how = tagOf(failure)
    const may = how === "Failed" || how === "Boom" || how === "PoolFull" || how === "DuplicateObject" ||
      how === "InvalidPoolOptions" || (how === "TypeError" && this.setup.nonsense) ||
      (how === "PoolClosed" && this.closing) ||
      (how === "TimeoutError" && operation === "Ready") ||
      (how.startsWith("LeaseExpired") && (how !== "LeaseExpired Closed" || this.closing))
    this.must(may, `an operation does not fail so: ${how}`, () => `${operation}: ${Cause.pretty(cause).slice(0, 500)}`)
  }

  log(line: string): void {
    if (line.includes("Closing gave up")) this.gaveUp = true
    this.must(lines.some((each) => line.includes(each)), "only what is known is logged", () => line.slice(0, 500))
  }

  // ------------------------------------------------------------------------------------------------------- the checks

  /** At any instant, also within a step of the pool. */
  check(where: string): void {
    const { hands, port } = this
    if (port === undefined || this.broken !== undefined) return
    const stats = port.stats()
    const { available, borrowed, dormant, invalid, making, max = Infinity, pending, size, unknown } = stats
    const what = () => `${where}: ${JSON.stringify(stats)}`
    this.must(pending + available + borrowed + dormant + unknown + invalid === size, "26 statuses sum to size", what)
    const population = size + making
    if (max < this.max) this.crowd = Math.max(this.crowd, this.max)
    this.max = max
    this.must(population <= Math.max(max, this.crowd), "19 size + making is at most max", what)
    this.crowd = Math.min(this.crowd, Math.max(max, population))
    const leases = port.leases()
    this.must(stats.leases === leases.length, "26 `leases` is what is open", what)
    this.must(
      this.lentBefore === undefined || stats.totals.borrowed === this.lentBefore,
      "25 suspended or closed, it does not lend",
      what
    )
    const ids = new Set(leases.map(({ id }) => id))
    const users = new Map<Thing, number>()
    for (const hand of hands) {
      const { id, thing } = hand.grip
      if (!this.live(hand)) continue
      if (id === undefined && where !== "between turns") continue
      const n = (users.get(thing) ?? 0) + 1
      users.set(thing, n)
      this.must(
        n <= this.setup.sharing || this.closing || this.detaching.has(thing),
        "1 an object is in at most `sharing` hands",
        () => `thing ${thing.n}, ${what()}`
      )
      this.must(
        id === undefined || ids.has(id) || this.closing || this.detaching.has(thing),
        "1 a lease that somebody holds is open",
        () => `lease ${id} of thing ${thing.n}, borrower ${hand.attempt.n}, ${what()}`
      )
    }
    for (const pooled of port.objects()) {
      const n = leases.filter((lease) => lease.thing === pooled.object).length
      this.must(n <= this.setup.sharing, "1 at most `sharing` leases", what)
      this.must(
        n > 0 === (pooled.status === "Borrowed") || pooled.status === "Invalid",
        "26 what has an open lease is borrowed",
        () => `object ${pooled.id} is ${pooled.status} with ${n} lease(s), ${what()}`
      )
    }
  }

  /** Nothing is left to do before time passes. */
  idle(): void {
    const { loop, port, setup } = this
    if (port === undefined || this.broken !== undefined) return
    const stats = port.stats()
    const what = () => JSON.stringify(stats)
    const waiting = this.attempts.filter(({ state }) => state === "waits")
    for (const attempt of waiting) {
      if (this.packing.size > 0) continue
      const who = () => `borrower ${attempt.n}, ${what()}`
      // it may have begun late, or the loop has stood still
      // what fails over may have had a lease that was over before its body began
      const again = (attempt.op.failover ?? 0) * ((attempt.op.timeout ?? setup.borrowTimeout) + 60)
      this.must(loop.now <= attempt.until + again + 5 + 80 * setup.lag, "6 a borrow ends at its deadline", who)
      this.must(!attempt.interrupted, "3 an interruption is prompt", who)
    }
    if (this.closing && !this.closed) {
      const most = setup.closingTimeout + setup.hookTimeout * (3 + Math.ceil(12 / setup.concurrency)) +
        5 + 80 * setup.lag
      this.must(loop.now <= this.closedAt + most, "24 close ends in time", what)
    }
    if (this.closed) {
      const left = [...this.operations, ...waiting.map(({ n }) => `borrower ${n}`)]
      this.must(
        left.length === 0 || this.packing.size > 0,
        "24 whatever is asked of a pool ends with it",
        () => left.join()
      )
    }
    if (setup.flavour === "effect" && setup.pack !== "stubborn" && setup.pack !== "mixed" && !this.closedByPack) {
      this.must(![...this.packing].some((over) => over()), "11 `pack` ends with its lease", what)
    }
    this.due(what)
    if (!this.closing && this.suspensions === this.resumed) this.lends(stats, what)
  }

  /** What is due has happened. */
  private due(what: () => string): void {
    const { loop, port, setup } = this
    const late = loop.wall - 5 - 80 * setup.lag
    for (const pooled of port!.objects()) {
      const { wakesAt } = pooled
      const woken = wakesAt === undefined || wakesAt.epochMilliseconds > late || this.closing
      this.must(woken, "17 what rests comes back at its time", () => `object ${pooled.id}, ${what()}`)
    }
    // what follows a body may take its time
    if (this.packing.size > 0 || this.detaching.size > 0) return
    for (const lease of port!.leases()) {
      this.must(lease.expiresAt() > late, "11 a lease expires at its time", () => `lease ${lease.id}, ${what()}`)
    }
  }

  /** Who waits has reason to. */
  private lends(stats: PoolStats, what: () => string): void {
    const { setup } = this
    const choosy = setup.select === "picky" || this.choosing > 0 || setup.nonsense
    // one that has failed, or was late, three times has the borrower wait a while
    const hooked = setup.onBorrow !== undefined && (!easy(setup.onBorrow) || setup.lag > 0)
    // what is shared is detected while it is lent
    if (choosy || hooked || stats.pending > 0 || this.detecting > 0 || this.packing.size > 0) return
    const patient = this.attempts.filter(({ interrupted, op, state }) =>
      state === "waits" && op.kind === undefined && !interrupted && op.facet === undefined &&
      op.failover === undefined && (op.cost ?? 1) <= 1
    )
    this.opens()
    if (patient.length === 0 || stats.waiting === 0) return
    this.must(stats.available === 0, "5 nobody waits while an object is lendable", what)
    const { making, max = Infinity, size } = stats
    const makes = setup.acquire !== undefined && easy(setup.acquire) && setup.creationConcurrency === undefined &&
      setup.detect === undefined && setup.asking === "plain"
    const queues = patient.some(({ op }) => op.how === "borrow" || op.how === "with")
    if (makes && queues && size + making < max) {
      this.must(making > 0, "5 nobody waits while there is room to make one", what)
    }
  }

  /** Nobody waits for a facet that is open of an object that can be lent. */
  private opens(): void {
    const { attempts, port } = this
    const free = port!.objects().filter(({ status }) => status === "Available")
    for (const { interrupted, n, op, state } of attempts) {
      const { cost = 1, facet, failover, kind } = op
      if (state !== "waits" || interrupted || facet === undefined || failover !== undefined || kind !== undefined) {
        continue
      }
      if (cost > 1) continue
      const open = free.find(({ facets }) => !facets.some(({ name }) => name === facet))
      this.must(
        open === undefined,
        "34 nobody waits while a facet of his is open",
        () => `borrower ${n}, object ${open!.id}: ${JSON.stringify(port!.stats())}`
      )
    }
  }

  /** An outlier is about to rest. */
  rests(pooled: Pooled): void {
    const { loop, port, setup } = this
    if (port === undefined) return
    const there = port.objects().filter(({ status }) => status !== "Invalid")
    // all other rests are shorter, but for those of debts
    const resting = there.filter(({ allowances, wakesAt }) =>
      wakesAt !== undefined && wakesAt.epochMilliseconds > loop.wall + 100 && allowances.every(({ left }) => left > 0)
    )
    this.must(
      resting.length < Math.max(1, Math.ceil(setup.most * there.length)),
      "32 no more than `most` rest",
      () => `object ${pooled.id}: ${resting.map(({ id }) => id).join()} of ${there.length}`
    )
  }

  /** A judge is asked. */
  judged(pooled: Pooled): void {
    this.verdicts++
    const { borrowed, expired } = this.port!.stats().totals
    this.must(this.verdicts <= borrowed - expired, "31 a lease is judged once", () => `object ${pooled.id}`)
  }

  /** Everybody has gone. */
  quiet(): void {
    const { port } = this
    const left = this.attempts.filter(({ state }) => state !== "ended")
    this.must(left.length === 0, "every borrower ends", () => left.map(({ n, state }) => `${n} ${state}`).join())
    this.must(this.hands.size === 0, "every body ends", () => `${this.hands.size}`)
    const stats = port!.stats()
    const ids = port!.leases().map(({ id }) => id)
    this.must(stats.leases === 0, "2 no lease is left open", () => `${ids.join()}, ${JSON.stringify(stats)}`)
    this.must(stats.waiting === 0, "2 nobody is left waiting", () => JSON.stringify(stats))
  }

  /** The pool has closed, and everybody has gone. */
  over(): void {
    const stats = this.port!.stats()
    this.must(this.closed, "24 close ends", () => JSON.stringify(stats))
    this.must(stats.size + stats.making === 0, "24 nothing is left after close", () => JSON.stringify(stats))
    const made = this.things.filter(({ made }) => made)
    const { destroyed, made: counted } = stats.totals
    const detached = made.filter((thing) => this.detaching.has(thing)).length
    this.must(
      // an effect may be interrupted when it has made one, and has yet to say so
      this.gaveUp || ((counted === made.length || (counted < made.length && this.setup.flavour !== "promise")) &&
        destroyed <= counted && destroyed >= counted - detached),
      "26 what was made and destroyed is counted",
      () => `${made.length} made, ${detached} detached: ${JSON.stringify(stats)}`
    )
    for (const thing of made) {
      this.must(
        thing.destroyed === 1,
        "20 every made object is destroyed once",
        () => `thing ${thing.n}: ${thing.destroyed} times`
      )
    }
    this.must(this.loop.dead, "24 no timer is left after close", () => `${this.loop.timers.size} timer(s)`)
  }
}
