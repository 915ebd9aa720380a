/**
 * The callbacks of a pool: each goes as the scenario says, and does to the pool what it says, in its first step.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { Selector, type Self, Status, Verdict } from "../../src/index.ts"
import { type PromiseSelf, Verdict as PromiseVerdict } from "../../src/promise.ts"
import { numbers } from "../support/random.ts"
import { Boom, Failed, type Judge } from "./judge.ts"
import type { Pooled, Thing } from "./port.ts"
import type { Op, Scenario, Setup, Site, Temper } from "./scenario.ts"

const turns = Effect.repeat(Effect.yieldNow, { times: 2 })

/** How often a mixed temper is which. */
const mixture: ReadonlyArray<readonly [number, Exclude<Temper, "mixed">]> = [
  [0.3, "plain"],
  [0.55, "effect"],
  [0.72, "slow"],
  [0.77, "stubborn"],
  [0.86, "fail"],
  [0.93, "throw"],
  [1, "never"]
]

/** Something that throws when it is looked at. */
const nonsense = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** What `pack` is given, in either flavour. */
type Packable =
  & { readonly id: number }
  & ({ readonly signal: AbortSignal } | {
    readonly expired: Effect.Effect<never, unknown>
  })

export class Callbacks {
  private readonly scenario: Scenario
  private readonly setup: Setup
  private readonly judge: Judge
  private readonly start: (effect: Effect.Effect<unknown, unknown>) => void
  private readonly perform: (op: Op) => Effect.Effect<unknown, unknown>
  private readonly next: () => number
  private readonly calls = new Map<Site, number>()
  private isCalm = false
  private readonly waiting = new Set<() => void>()

  constructor(
    scenario: Scenario,
    judge: Judge,
    start: (effect: Effect.Effect<unknown, unknown>) => void,
    perform: (op: Op) => Effect.Effect<unknown, unknown>
  ) {
    this.scenario = scenario
    this.setup = scenario.setup
    this.judge = judge
    this.start = start
    this.perform = perform
    this.next = numbers(scenario.seed + 1)
  }

  /** From now on everything goes well, and nothing is done to the pool. */
  calm(): void {
    this.isCalm = true
    for (const each of this.waiting) each()
    this.waiting.clear()
  }

  /** Ends when everything is calm. */
  readonly calmed: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.isCalm) return resume(Effect.void)
    const told = () => resume(Effect.void)
    this.waiting.add(told)
    return Effect.sync(() => this.waiting.delete(told))
  })

  /** A callback is called: it does what it does to the pool. What it does in its own fiber is answered, where it has one. */
  enter(site: Site, waits: boolean): Effect.Effect<unknown, unknown> {
    this.judge.check(`in ${site}`)
    let within: Effect.Effect<unknown, unknown> = Effect.void
    if (this.isCalm || this.judge.port === undefined) return within
    const nth = (this.calls.get(site) ?? 0) + 1
    this.calls.set(site, nth)
    for (const each of this.scenario.entrances) {
      if (each.site !== site || each.nth !== nth) continue
      if (waits && each.within) {
        within = Effect.andThen(within, this.perform(each.op))
        if (site === "pack" && each.op._tag === "Close") this.judge.closedByPack = true
      } else this.start(this.perform(each.op))
    }
    return within
  }

  /** How a callback goes this time. */
  private temper(temper: Temper): Exclude<Temper, "mixed"> {
    if (this.isCalm) return temper === "plain" || temper === "effect" ? temper : this.next() < 0.5 ? "plain" : "effect"
    if (temper !== "mixed") return temper
    const at = this.next()
    const [, drawn] = mixture.find(([below]) => at < below)!
    return drawn
  }

  /** What a callback answers, plainly or with an effect. */
  private answer<B>(site: Site, temper: Temper, value: () => B): B | Effect.Effect<B, Failed> {
    const how = this.temper(temper)
    const within = Effect.ignore(this.enter(site, how !== "plain" && how !== "throw"))
    const later = (wait: Effect.Effect<unknown>) => Effect.map(Effect.andThen(within, wait), value)
    const odd = this.setup.nonsense &&
      (site === "select" || site === "detect" || site === "onBorrow" || site === "onRelease")
    if (odd && !this.isCalm && this.next() < 0.2) return nonsense() as B
    switch (how) {
      case "plain":
        return value()
      case "effect":
        return later(turns)
      case "slow":
        return later(Effect.sleep(1 + Math.floor(20 * this.next())))
      case "stubborn":
        return later(Effect.uninterruptible(Effect.sleep(1 + Math.floor(80 * this.next()))))
      case "fail":
        return Effect.andThen(within, Effect.fail(new Failed(site)))
      case "throw":
        throw new Boom(site)
      case "never":
        return later(this.calmed)
    }
  }

  /** The same, always with an effect. */
  private answers<B>(site: Site, temper: Temper, value: () => B): Effect.Effect<B, Failed> {
    return Effect.suspend(() => {
      const answer = this.answer(site, temper, value)
      return Effect.isEffect(answer) ? answer as Effect.Effect<B, Failed> : Effect.succeed(answer)
    })
  }

  /** One that has to answer plainly: it may throw. */
  private plainly<B>(site: Site, value: () => B): B {
    void this.enter(site, false)
    if (!this.isCalm && this.setup.asking === "mixed" && this.next() < 0.1) throw new Boom(site)
    return value()
  }

  where(kind: number | undefined): ((pooled: Pooled) => boolean) | undefined {
    return kind === undefined ? undefined : ({ object }) => this.plainly("where", () => object.kind === kind)
  }

  prefers(kind: number | undefined): ((pooled: Pooled) => boolean) | undefined {
    return kind === undefined ? undefined : ({ object }) => this.plainly("prefer", () => object.kind === kind)
  }

  /** What a judge answers that does not go by how its lease has ended. */
  private verdict(): Status.Answer | undefined {
    const at = this.isCalm ? 1 : this.next()
    if (at < 0.05) return nonsense() as Status.Answer
    if (at < 0.1) throw new Boom("judge")
    if (at < 0.15) return "Invalid"
    if (at < 0.2) return "Unknown"
    if (at < 0.25) return "Dormant"
    if (at < 0.4) return Status.dormant(Math.floor(30 * this.next()))
    if (at < 0.5) return Status.dormant(Math.floor(30 * this.next()), "x")
    return at < 0.8 ? "Available" : undefined
  }

  /** The judge of a pool, where it has one; \`outlier\` is of its flavour. */
  private judging<O>(
    outlier: (ended: O, pooled: Pooled) => Status.Answer | undefined
  ): ((ended: O, pooled: Pooled) => Status.Answer | undefined) | undefined {
    const { judge, setup } = this
    if (setup.judge === undefined) return undefined
    return (ended, pooled) => {
      void this.enter("judge", false)
      judge.judged(pooled)
      if (setup.judge === "mixed") return this.verdict()
      const answer = outlier(ended, pooled)
      if (typeof answer === "object") judge.rests(pooled)
      return answer
    }
  }

  private get outlying() {
    const { after, most } = this.setup
    return { after, most, rest: 150 }
  }

  /** What destroys an object. */
  destroy(thing: Thing): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.judge.destroys(thing)
      return Effect.orDie(this.answers("destroy", this.setup.destroy, () => {}))
    })
  }

  private detect(): Status.Answer | Effect.Effect<Status.Answer, Failed> {
    const answer = this.answer("detect", this.setup.detect!, (): Status.Answer => {
      const at = this.isCalm || this.setup.answers === "Available" ? 1 : this.next()
      return at < 0.1
        ? "Dormant"
        : at < 0.25
        ? Status.dormant(Math.floor(30 * this.next()))
        : at < 0.35
        ? "Invalid"
        : at < 0.45
        ? "Unknown"
        : "Available"
    })
    return this.counted("detecting", answer)
  }

  private choose(available: ReadonlyArray<Pooled>) {
    const picky = this.setup.select === "picky" && !this.isCalm
    const last = () => available.filter(({ object }) => !picky || object.n % 2 === 0).at(-1)
    return this.counted("choosing", this.answer("select", this.setup.selecting, last))
  }

  /** Has the judge know how many answers are awaited. */
  private counted<B>(what: "choosing" | "detecting", answer: B | Effect.Effect<B, Failed>) {
    if (!isEffect(answer)) return answer
    const { judge } = this
    let begun = false
    const counted = Effect.suspend(() => {
      begun = true
      judge[what]++
      return answer as Effect.Effect<B, Failed>
    })
    return Effect.onExit(counted, () =>
      Effect.sync(() => {
        if (begun) judge[what]--
      }))
  }

  /** What is the same in both flavours. */
  private options(objects: ReadonlyArray<Thing>) {
    const { setup } = this
    const hook = (site: "onBorrow" | "onRelease") => {
      const temper = setup[site]
      return temper === undefined ? undefined : () => this.answer(site, temper, () => {})
    }
    return {
      name: "fuzz",
      objects,
      data: (): number => {
        void this.enter("data", false)
        return 1
      },
      size: { min: setup.min, max: setup.max },
      sharing: setup.sharing,
      maxWaiters: setup.maxWaiters,
      borrowTimeout: setup.borrowTimeout,
      leaseTimeout: setup.leaseTimeout === "function"
        ? ({ object }: Pooled) => this.plainly("leaseTimeout", () => object.n % 2 === 0 ? 20 : Infinity)
        : setup.leaseTimeout,
      onLeaseExpired: setup.onLeaseExpired,
      detectStatus: setup.detect === undefined ? undefined : () => this.detect(),
      detection: {
        onAdd: setup.onAdd,
        onBorrow: typeof setup.trust === "number" ? { trustFor: setup.trust } : setup.trust,
        onRelease: setup.detectOnRelease,
        every: setup.every,
        concurrency: setup.concurrency,
        timeout: setup.detectionTimeout,
        dormantFor: setup.dormantFor
      },
      creation: {
        timeout: setup.creationTimeout,
        concurrency: setup.creationConcurrency,
        retry: setup.retry === undefined ? undefined : Schedule.upTo(Schedule.spaced(10), { times: setup.retry })
      },
      onBorrow: hook("onBorrow"),
      onRelease: hook("onRelease"),
      hookTimeout: setup.hookTimeout,
      leaseWarning: setup.leaseWarning,
      allowance: setup.allowance,
      captureBorrowSite: setup.leaseWarning !== undefined,
      lifetime: {
        timeToLive: setup.timeToLive,
        idleTimeToLive: setup.idleTimeToLive,
        maxBorrows: setup.maxBorrows
      },
      closing: { waiters: setup.waiters, timeout: setup.closingTimeout }
    } as const
  }

  private get selector() {
    const { select } = this.setup
    switch (select) {
      case "weighted":
        return { weight: ({ object }: Pooled) => this.plainly("weight", () => this.weigh(object)) }
      case "tiers":
        return {
          rank: ({ object }: Pooled) => this.plainly("rank", () => this.weigh(object)),
          within: Selector.leastRecentlyUsed
        }
      case "last":
      case "picky":
        return undefined
      default:
        return Selector[select]
    }
  }

  /** Weights differ from call to call, where what answers plainly is not plain. */
  private weigh({ kind }: Thing): number {
    return this.isCalm || this.setup.asking === "plain" ? kind : Math.floor(3 * this.next())
  }

  /** Packs, or ends what was packed, for as long as it does. */
  private packs<B>(effect: Effect.Effect<B, Failed>, over: () => boolean): Effect.Effect<B, Failed> {
    const { packing } = this.judge
    const counted = Effect.suspend(() => {
      packing.add(over)
      return effect
    })
    return Effect.onExit(counted, () => Effect.sync(() => packing.delete(over)))
  }
  /** Asks whether a lease is over, in either flavour; its time may be over before anybody is told. */
  private pack<P extends Packable>(temper: Temper, lease: P): Effect.Effect<P, Failed> {
    const over = () =>
      "signal" in lease ? lease.signal.aborted : Effect.runFork(lease.expired).pollUnsafe() !== undefined
    const done = Effect.map(this.answers("pack", temper, () => {}), () => {
      if (over()) this.judge.overdue.add(lease.id)
      return lease
    })
    return this.packs(done, over)
  }
  private get unpack(): Effect.Effect<void> {
    return Effect.orDie(this.packs(this.answers("unpack", this.setup.unpack, () => {}), () => false))
  }

  effectOptions(objects: ReadonlyArray<Thing>) {
    const { acquire, pack } = this.setup
    return {
      ...this.options(objects),
      judge: this.judging(Verdict.outlier(this.outlying)),
      ...acquire !== undefined && {
        acquire: (self: Self) => {
          this.judge.selves.push(self)
          return Effect.acquireRelease(
            // it is there only when there is what destroys it
            Effect.map(Effect.interruptible(this.answers("acquire", acquire, () => {})), () => this.judge.thing(true)),
            (thing) => this.destroy(thing)
          )
        }
      },
      select: this.selector ?? ((available: ReadonlyArray<Pooled>) => this.choose(available) as never),
      ...pack !== undefined && {
        pack: <P extends Packable>(lease: P) =>
          Effect.acquireRelease(this.pack(pack, lease), () => this.unpack, { interruptible: true })
      }
    }
  }

  promiseOptions(objects: ReadonlyArray<Thing>) {
    const { acquire, pack } = this.setup
    const { detectStatus, onBorrow, onRelease, ...rest } = this.options(objects)
    return {
      ...rest,
      judge: this.judging(PromiseVerdict.outlier(this.outlying)),
      detectStatus: detectStatus && (() => promised(detectStatus())),
      onBorrow: onBorrow && (() => promised(onBorrow())),
      onRelease: onRelease && (() => promised(onRelease())),
      ...acquire !== undefined && {
        acquire: (_: AbortSignal, self: PromiseSelf) => {
          this.judge.selves.push(self)
          return promised(this.answer("acquire", acquire, () => this.judge.thing(true)))
        },
        destroy: (thing: Thing) => Effect.runPromise(this.destroy(thing))
      },
      select: this.selector ?? ((available: ReadonlyArray<Pooled>) => promised(this.choose(available))),
      ...pack !== undefined && {
        pack: <P extends Packable>(lease: P) => Effect.runPromise(this.pack(pack, lease)),
        unpack: () => Effect.runPromise(this.unpack)
      }
    }
  }
}

/** Is it one? It may be something that throws when it is looked at. */
const isEffect = (answer: unknown): boolean => {
  try {
    return Effect.isEffect(answer)
  } catch {
    return false
  }
}

/** What a function for promises answers. */
const promised = <B>(answer: B | Effect.Effect<B, Failed>): B | Promise<B> =>
  isEffect(answer) ? Effect.runPromise(answer as Effect.Effect<B, Failed>) : answer as B
