/**
 * Detecting all objects: when it is asked for, and once in a while.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as Scheduler from "effect/Scheduler"
import type { PoolClosed } from "../../PoolError.ts"
import { callback, catchUp, type Core, soon, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { closed } from "../state/failures.ts"
import { Pace } from "../state/pace.ts"
import type { Held } from "../structures/hold.ts"
import { Relay } from "../structures/slice.ts"
import { detectable, whenFree } from "./condition.ts"
import type { Outcome } from "./detector.ts"

/** Detects every object that is not lent and does not rest until a known time. Each waits for its turn. */
export const detectAll = <A, D>(core: Core<A, D>): Effect.Effect<void, PoolClosed> =>
  Effect.withFiber((fiber) => {
    if (core.life._tag !== "Open") return closed(core)
    catchUp(core, true)
    const { concurrency } = core.options.detection
    // a caller that cannot wait has all that answer at once detected in one step
    const hasty = fiber.getRef(Scheduler.PreventSchedulerYield)
    const relay = new Relay(core.deadlines, (then) => soon(core, then))
    const next = (entry: Entry<A, D>) => {
      const detected = detectOne(core, entry)
      return !hasty && relay.over ? Effect.andThen(Effect.yieldNow, detected) : detected
    }
    const all = Effect.forEach([...core.registry.entries], next, { concurrency, discard: true })
    return Effect.flatMap(all, () => core.life._tag === "Open" ? Effect.void : closed(core))
  })

const detectOne = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Effect.Effect<void> =>
  callback(core, (resume) => {
    let ended = false
    const end = () => {
      ended = true
      core.onClosed.delete(end)
      resume(Effect.void)
    }
    const giveUp = seeTo(core, entry, end)
    if (ended) return
    // a closing pool gives up a detector that does not end
    core.onClosed.add(end)
    return Effect.sync(() => {
      core.onClosed.delete(end)
      giveUp()
    })
  })

/**
 * Has an object detected, or waits for the detection that is under way; `ended` is called at once where there is nothing
 * to ask. A detection that is dropped has answered nobody: then another follows. The function returned is called when
 * nobody wants the answer any more.
 *
 * This comes to an end: a detection that is dropped although it is wanted is that of an object that leaves, or has been
 * lent, or of a pool that does not keep its objects.
 */
const seeTo = <A, D>(core: Core<A, D>, entry: Entry<A, D>, ended: () => void): () => void => {
  let unwanted = false
  let giveUp: () => void
  const told = (outcome: Outcome): void => {
    if (unwanted) return
    if (outcome._tag === "Dropped") ask()
    else ended()
  }
  const ask = (): void => {
    const { detector } = core
    if (detector === undefined || !stays(core)) return ended()
    if (entry.detection !== undefined) {
      giveUp = entry.detection.follow(told)
      return
    }
    if (detectable(core, entry) === undefined) return ended()
    const detection = whenFree(core, entry, told)
    giveUp = () => detection.drop()
    detector.start(detection, false)
  }
  ask()
  return () => {
    unwanted = true
    giveUp()
  }
}

/**
 * Detects every free object once in a while, spread over the time that a pass takes. The fiber that sleeps in between holds
 * the pool only while somebody waits for what is found: see `hold.ts`.
 */
export const sweep = <A, D>(core: Core<A, D>, every: number | Schedule.Schedule<unknown>): Effect.Effect<void> => {
  const sweeper = new Sweeper(core, every)
  core.sweeper = sweeper
  return goOn(core.clock, core.hold.of(sweeper))
}

const goOn = <A, D>(clock: Clock.Clock, sweeper: Held<Sweeper<A, D>>): Effect.Effect<void> => {
  const step = (): Effect.Effect<void> => {
    sweeper.part.deref()?.step()
    return next
  }
  const sleep = (millis: number | undefined): Effect.Effect<void> =>
    millis === undefined ? Effect.void : Effect.flatMap(clock.sleep(Duration.millis(millis)), step)
  const next: Effect.Effect<void> = Effect.callback((resume) => {
    const then = (millis: number | undefined) => resume(sleep(millis))
    const there = sweeper.part.deref()
    if (there === undefined) then(undefined)
    else there.rest(then)
  })
  return next
}

/** In how many steps a pass is spread. */
const most = 100

/** Passes over the objects of a pool. */
class Sweeper<A, D> {
  private readonly core: Core<A, D>
  private readonly every: number | Pace
  /** The objects whose detection is asked for: one that has not had its turn since the last pass is not asked for twice. */
  private readonly asked = new Set<Entry<A, D>>()
  private entries: ReadonlyArray<Entry<A, D>> = []
  /** How many steps the present pass takes, and has taken. */
  private steps = 0
  private taken = 0
  /** How long the sweeper rests before each step, in milliseconds. */
  private millis = 0

  constructor(core: Core<A, D>, every: number | Schedule.Schedule<unknown>) {
    this.core = core
    this.every = typeof every === "number" ? every : new Pace(every)
  }

  /** Calls back with the rest before the next step, which may be that of another pass; `undefined`: there is none. */
  rest(then: (millis: number | undefined) => void): void {
    if (this.taken < this.steps) return then(this.millis)
    if (typeof this.every === "number") return then(this.begin(this.every))
    this.every.next(this.core, undefined, (delay) => then(delay === undefined ? undefined : this.begin(delay)))
  }

  private begin(millis: number): number {
    this.entries = [...this.core.registry.entries]
    this.steps = Math.max(1, Math.min(this.entries.length, most))
    this.taken = 0
    return this.millis = millis / this.steps
  }

  step(): void {
    const { entries, steps } = this
    const from = Math.floor(this.taken * entries.length / steps)
    const to = Math.floor(++this.taken * entries.length / steps)
    for (let i = from; i < to; i++) this.ask(entries[i]!)
  }

  private ask(entry: Entry<A, D>): void {
    if (this.asked.has(entry)) return
    this.asked.add(entry)
    seeTo(this.core, entry, () => this.asked.delete(entry))
  }
}
