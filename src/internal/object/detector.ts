/**
 * Asking the user's detector: so many at once, each for a limited time, and each end told by a plain function call.
 *
 * Every detection of a pool goes through here, so that at most `concurrency` run at once, whoever asked; those that a
 * borrower waits for go first. A plain answer, and an effect that ends without suspending, cost neither a timer nor a
 * suspension.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { PooledObject } from "../../PooledObject.ts"
import type { Status } from "../../Status.ts"
import type { Entry } from "../state/entry.ts"
import { type Answer, ask } from "../structures/asking.ts"
import type { Deadline, Deadlines } from "../structures/deadlines.ts"
import { Queue } from "../structures/queue.ts"
import { Relay, Slice } from "../structures/slice.ts"

/** How a detection ended. */
export type Outcome =
  | { readonly _tag: "Answered"; readonly answer: Status.Answer }
  /** The detector failed, died, interrupted itself, answered nonsense, or exceeded its time. */
  | { readonly _tag: "Failed"; readonly failure: unknown }
  /** The detection ended without an answer: nobody wants one any more, or there was nothing to ask. */
  | { readonly _tag: "Dropped" }

/** Did a detection not find its object fit to be lent? */
export const isRefusal = (outcome: Outcome | undefined): boolean =>
  outcome?._tag === "Failed" || (outcome?._tag === "Answered" && outcome.answer !== "Available")

/** The status that an object has again when its detection is dropped; `Borrowed`: a shared one, which stayed lent. */
export type Before = "Available" | "Borrowed" | "Dormant" | "Unknown"

const dropped: Outcome = { _tag: "Dropped" }

const asFailed = (failure: unknown): Outcome => ({ _tag: "Failed", failure })

/** One detection, from the request until its end. The detection is itself the deadline of its time. */
export class Detection<A, D> implements Deadline {
  readonly detector: Detector<A, D>
  readonly entry: Entry<A, D>
  /** Called when the turn of the detection comes; `false`: there is nothing to ask any more. */
  readonly begins: () => boolean
  readonly ended: (outcome: Outcome) => void
  /** The object's status before it was seized for this detection; absent until then. */
  before: Before | undefined = undefined
  /** The object's rest has been ended meanwhile: if the detection is dropped, the object does not go back to its rest. */
  woken = false
  /** Those who want the answer beside the one who had the detection made. */
  private readonly followers = new Set<(outcome: Outcome) => void>()
  /** The one who had the detection made does not want the answer any more. */
  private left = false
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** What the user's effect has ended with, while the detection waits for its own end. */
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  state: "New" | "Queued" | "Running" | "Dropping" | "Late" | "Ended" = "New"
  /** Monotonic: when the detector was asked. */
  began = 0

  due = Infinity
  index = -1

  constructor(
    detector: Detector<A, D>,
    entry: Entry<A, D>,
    begins: () => boolean,
    ended: (outcome: Outcome) => void
  ) {
    this.detector = detector
    this.entry = entry
    this.begins = begins
    this.ended = ended
  }
  /** The one who had the detection made does not want the answer any more. It goes on while another does. */
  drop(): void {
    this.left = true
    if (this.followers.size === 0) this.detector.drop(this)
  }
  /** Another wants the answer as well. The function returned is called when that one does not any more. */
  follow(told: (outcome: Outcome) => void): () => void {
    this.followers.add(told)
    return () => {
      if (this.followers.delete(told) && this.left) this.drop()
    }
  }
  /** Tells everybody the outcome. Only the detector calls this, once. */
  end(outcome: Outcome): void {
    this.ended(outcome)
    for (const told of this.followers) told(outcome)
  }
  fire(): void {
    const late = asFailed(new Cause.TimeoutError(`detectStatus of object ${this.entry.id} took too long`))
    const outcome = this.state === "Dropping" ? dropped : late
    // before `end`, which starts the next detection; whatever the fiber ends with now is not the answer
    this.state = "Late"
    this.fiber?.interruptUnsafe()
    this.detector.end(this, outcome)
  }
}

export interface DetectorOptions<A, D> {
  readonly detectStatus: (pooled: PooledObject<A, D>) => unknown
  readonly concurrency: number
  /** How long a detection may take, in milliseconds. */
  readonly timeout: number
  /** Carries out what a detection has said of the object that was seized for it. */
  readonly concluded: (detection: Detection<A, D>, outcome: Outcome) => void
}

export class Detector<A, D> {
  private readonly options: DetectorOptions<A, D>
  private readonly deadlines: Deadlines
  private readonly fork: (effect: Effect.Effect<unknown, unknown>) => Fiber.Fiber<unknown, unknown>
  private readonly threw: (defect: unknown) => void
  private readonly soon: (then: () => void) => void
  private running = 0
  private advancing = false
  /** The next detections start in a later turn of the event loop: one that is asked for by then does not overtake them. */
  private pausing = false
  private stopped = false
  /** The user's detector answered without an effect when it was asked last. */
  private plain = false
  /** Detections that wait for their turn: those that borrowers wait for, and the others. */
  private readonly urgent = new Queue<Detection<A, D>>()
  private readonly patient = new Queue<Detection<A, D>>()
  /** What has been answered, since others last had their turn: each answer may lead to the next detection. */
  private readonly relay: Relay
  /** Detections that have been answered, and are concluded in a later turn: in this one there have been very many. */
  private readonly answered = new Queue<Detection<A, D>>()

  /**
   * `threw` is told what has been thrown as a detection ended: the next one gets its turn all the same. `soon` calls in a
   * later turn.
   */
  constructor(
    options: DetectorOptions<A, D>,
    deadlines: Deadlines,
    fork: (effect: Effect.Effect<unknown, unknown>) => Fiber.Fiber<unknown, unknown>,
    threw: (defect: unknown) => void,
    soon: (then: () => void) => void
  ) {
    this.options = options
    this.deadlines = deadlines
    this.fork = fork
    this.threw = threw
    this.soon = soon
    this.relay = new Relay(deadlines, soon)
  }

  /** Carries out what a detection has said of its object. */
  concluded(detection: Detection<A, D>, outcome: Outcome): void {
    this.options.concluded(detection, outcome)
  }

  /** Would the user's detector be asked at once, and presumably answer in the same step? */
  get answersNow(): boolean {
    return this.plain && !this.stopped && !this.advancing && this.running < this.options.concurrency
  }

  /**
   * Asks the user's detector in this step, without the bookkeeping of a detection that may last: `true` if the object is
   * available. Any other answer is kept for the object's next detection.
   */
  saysAvailable(entry: Entry<A, D>): boolean {
    this.running++
    const told = this.ask(entry)
    this.running--
    if (told._tag === "Plain" && told.value === "Available") return true
    entry.told = told
    return false
  }

  /** Starts a detection, or has it wait for its turn. Its `ended` is called once, perhaps before this returns. */
  start(detection: Detection<A, D>, urgent: boolean): void {
    if (this.stopped) return this.finish(detection, dropped)
    // a detection that is asked for from within the end of another does not overtake those that wait
    const overtakes = (this.advancing || this.pausing) && this.urgent.size + this.patient.size > 0
    if (!overtakes && this.running < this.options.concurrency) return this.run(detection)
    detection.state = "Queued"
    const queue = urgent ? this.urgent : this.patient
    queue.add(detection)
  }

  /** The detector is asked no more: detections that wait for their turn are dropped. */
  stop(): void {
    this.stopped = true
    for (const queue of [this.urgent, this.patient]) {
      const dropping = [...queue]
      queue.clear()
      for (const detection of dropping) this.finish(detection, dropped)
    }
  }

  /** Nobody wants a detection's answer: it ends as `Dropped` once the user's effect has ended, or its time has. */
  drop(detection: Detection<A, D>): void {
    if (detection.state === "Queued") {
      this.urgent.delete(detection)
      this.patient.delete(detection)
      this.finish(detection, dropped)
    } else if (detection.state === "Running") {
      detection.state = "Dropping"
      detection.fiber?.interruptUnsafe()
    }
  }

  /** Ends a detection that runs, and starts the next ones. */
  end(detection: Detection<A, D>, outcome: Outcome): void {
    if (detection.state === "Ended") return
    this.running--
    // called from within `advance`, by a detection that has ended at once: the loop there starts the next one
    if (this.advancing) return this.finish(detection, outcome)
    this.advancing = true
    this.finish(detection, outcome)
    this.advancing = false
    this.advance()
  }

  /** Starts the next detections: as many as one time slice allows, the others in a later task. */
  advance(): void {
    if (this.advancing || this.pausing || this.urgent.size + this.patient.size === 0) return
    this.advancing = true
    const turn = new Slice(this.deadlines)
    while (this.running < this.options.concurrency) {
      const queue = this.urgent.size > 0 ? this.urgent : this.patient
      const next = queue.take()
      if (next === undefined) break
      this.run(next)
      if (!turn.over) continue
      this.pausing = true
      this.soon(() => {
        this.pausing = false
        this.advance()
      })
      break
    }
    this.advancing = false
  }

  private finish(detection: Detection<A, D>, outcome: Outcome): void {
    detection.state = "Ended"
    if (detection.entry.detection === detection) detection.entry.detection = undefined
    this.deadlines.cancel(detection)
    try {
      detection.end(outcome)
    } catch (defect) {
      this.threw(defect)
    }
  }

  private run(detection: Detection<A, D>): void {
    if (!detection.begins()) return this.finish(detection, dropped)
    this.running++
    detection.entry.detection = detection
    detection.state = "Running"
    detection.began = this.deadlines.now()
    const told = detection.entry.told ?? this.ask(detection.entry)
    detection.entry.told = undefined
    if (told._tag === "Threw") return this.end(detection, asFailed(told.defect))
    if (told._tag === "Plain") {
      return this.end(detection, this.wanted(detection) ? parse(told.value, detection.entry) : dropped)
    }
    const fiber = this.fork(told.effect)
    detection.fiber = fiber
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.conclude(detection, exit)
    fiber.addObserver((exit) => this.exited(detection, exit))
    if (this.options.timeout !== Infinity) {
      this.deadlines.set(detection, this.deadlines.now() + this.options.timeout)
    }
    // the user's detector has had the detection dropped before there was a fiber to interrupt
    if (!this.wanted(detection)) fiber.interruptUnsafe()
  }

  /** The user's effect has ended, in a step of its own. */
  private exited(detection: Detection<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    // the time of the detection was over before
    if (detection.state === "Late" || detection.state === "Ended") return
    this.deadlines.cancel(detection)
    if (this.answered.size === 0 && !this.relay.over) return this.conclude(detection, exit)
    detection.exit = exit
    this.answered.add(detection)
    if (this.answered.size === 1) this.soon(this.concludeNext)
  }

  /** Concludes what has been answered: a slice of it, then more in a later turn. */
  private readonly concludeNext = (): void => {
    for (let next = this.answered.take(); next !== undefined; next = this.answered.take()) {
      try {
        this.conclude(next, next.exit!)
      } catch (defect) {
        this.threw(defect)
      }
      if (this.answered.size > 0 && this.relay.over) return this.soon(this.concludeNext)
    }
  }

  private conclude(detection: Detection<A, D>, exit: Exit.Exit<unknown, unknown>): void {
    if (!this.wanted(detection)) return this.end(detection, dropped)
    const { entry } = detection
    this.end(detection, Exit.isSuccess(exit) ? parse(exit.value, entry) : asFailed(Cause.squash(exit.cause)))
  }

  private ask(entry: Entry<A, D>): Answer {
    const answer = ask(this.options.detectStatus, entry.pooled)
    if (answer._tag !== "Threw") this.plain = answer._tag === "Plain"
    return answer
  }

  private wanted(detection: Detection<A, D>): boolean {
    return detection.state !== "Dropping"
  }
}

const parse = <A, D>(told: unknown, entry: Entry<A, D>): Outcome => {
  try {
    const answer = toAnswer(told)
    if (answer !== undefined) return { _tag: "Answered", answer }
  } catch {
    // the answer throws when it is looked at: it is no status
  }
  const what = typeof told === "string" ? "a text" : typeof told
  return asFailed(new TypeError(`detectStatus of object ${entry.id} answered ${what}, which is no status`))
}

/** The status that was told, if it is one. A rest is copied, once and for all: it may be anything that looks like one. */
export const toAnswer = (told: unknown): Status.Answer | undefined => {
  if (told === "Available" || told === "Dormant" || told === "Invalid" || told === "Unknown") return told
  if (typeof told !== "object" || told === null) return undefined
  const { _tag, facet, until } = told as { readonly [K in keyof Status.Rest]?: unknown }
  if (_tag !== "Rest" || (facet !== undefined && typeof facet !== "string")) return undefined
  const copy = copyOf(until)
  return copy === undefined ? undefined : { _tag, until: copy, facet }
}

const copyOf = (until: unknown): Status.Rest["until"] | undefined => {
  if (Duration.isDuration(until)) return Duration.millis(Duration.toMillis(until))
  return DateTime.isDateTime(until) ? DateTime.makeUnsafe(DateTime.toEpochMillis(until)) : undefined
}
