/**
 * What an object tells its pool of itself: from a listener, say, while nobody holds it.
 *
 * The calls come from anywhere, at any time, perhaps from within a call of the pool. So each is a step like any other, and
 * nothing that the step leads to is thrown at the caller, who may be an emitter of events that has nobody to catch it.
 *
 * Whoever keeps a `self`, as the listener of an open socket does, holds neither the pool nor the object's entry: what he
 * calls does nothing when they are gone.
 */
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type { AddedObject } from "../../PooledObject.ts"
import type { Self, SelfCall } from "../../Self.ts"
import { type Core, each, heldBy, stays } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { askSelector } from "../state/notes.ts"
import { Pooled } from "../state/pooled.ts"
import { checks } from "../state/validation.ts"
import type { Held } from "../structures/hold.ts"
import { aDuration, toMillis } from "../structures/times.ts"
import { detectable, reserve } from "./condition.ts"
import type { Outcome } from "./detector.ts"
import { discard } from "./leaving.ts"
import { resting } from "./rest.ts"
import { restNow, restOf } from "./resting.ts"

/** Functions that are effects as well. */
const callProto: object = Object.assign(
  Object.create(Function.prototype) as object,
  Effectable.Prototype<SelfCall>({
    label: "Self",
    evaluate() {
      this()
      return Exit.void
    }
  })
)

const callable = (act: () => void): SelfCall => Object.setPrototypeOf(() => act(), callProto) as SelfCall

/** The pool's side of one `self`: what was called before its object was there, and then its object. */
export class Link<A, D> {
  readonly self: Self
  private readonly pool: Held<object>
  private entry: WeakRef<Entry<A, D>> | undefined = undefined
  private invalid = false
  private asked = false
  /** Monotonic: when the last rest ends that was asked for before the object was there. */
  private until = -Infinity

  constructor(name: string, pool: Held<object>, entry?: Entry<A, D>) {
    this.pool = pool
    if (entry !== undefined) this.entry = new WeakRef(entry)
    this.self = {
      invalidate: callable(() =>
        this.tell(invalidate, () => {
          this.invalid = true
        })
      ),
      detect: callable(() =>
        this.tell(detectSoon, () => {
          this.asked = true
        })
      ),
      rest: (duration) => {
        const millis = toMillis(duration) ?? checks(name).refuse("rest", duration, aDuration, "text")
        const until = (core: Core<A, D>) => core.deadlines.now() + millis
        this.tell(
          (core, entry) => restNow(core, entry, { clock: "monotonic", at: until(core) }),
          (core) => {
            this.until = Math.max(this.until, until(core))
          }
        )
      }
    }
  }

  /** The object has joined, and is not offered yet: what was called before is carried out as it is introduced. */
  join(core: Core<A, D>, entry: Entry<A, D>): void {
    this.entry = new WeakRef(entry)
    if (this.invalid) {
      entry.why = "Invalidated"
      core.registry.condemn(entry)
    }
    if (this.asked) entry.fate = "detect"
    if (this.until > -Infinity) restOf(core, entry).extend({ clock: "monotonic", at: this.until }, "Asked")
  }

  private tell(act: (core: Core<A, D>, entry: Entry<A, D>) => void, keep: (core: Core<A, D>) => void): void {
    const core = this.pool.part.deref() as Core<A, D> | undefined
    if (core === undefined) return
    each(core, [() => {
      if (this.entry === undefined) return keep(core)
      const entry = this.entry.deref()
      if (entry === undefined || entry.status === "Invalid") return
      act(core, entry)
      askSelector(core)
    }])
  }
}

/** How many objects may go in a row before anybody has had them, each made after the last, until the next is put off. */
const most = 3

/** Within how many milliseconds that counts as in a row. */
const inARow = 1000

/** For how many milliseconds the next one is put off. */
const pause = 100

const invalidate = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  if (entry.scope !== undefined && entry.borrowCount === 0 && !entry.condemned) lost(core, entry)
  discard(core, entry, "Invalidated")
}

/** An object goes that nobody has had: a server that takes each session and ends it is not asked for another at once. */
const lost = <A, D>({ deadlines, refill, registry }: Core<A, D>, entry: Entry<A, D>): void => {
  // it was there before the last one went: they go by the same blow
  if (entry.id <= refill.lostBefore) return
  const now = deadlines.now()
  refill.lost = now - refill.lostAt > inARow ? 1 : refill.lost + 1
  refill.lostAt = now
  refill.lostBefore = registry.ids.last
  if (refill.lost > most && refill.deadline.index === -1) deadlines.set(refill.deadline, now + pause)
}

/** Has an object detected: a free one, or a shared one, now, and it takes no new leases meanwhile; a busy one when it is free. */
const detectSoon = <A, D>(core: Core<A, D>, entry: Entry<A, D>): void => {
  const { detector } = core
  // the detector is asked about it in this very step, or when its time to rest is over
  if (detector === undefined || !stays(core) || entry.asked && entry.detection === undefined || resting(entry)) return
  // that one has an answer, though whoever had it made may leave; unless he has left already
  const again = (outcome: Outcome): void => {
    if (outcome._tag === "Dropped" && entry.status !== "Invalid") detectSoon(core, entry)
  }
  if (entry.detection !== undefined) return void entry.detection.follow(again)
  const before = detectable(core, entry)
  if (before === undefined) {
    if (entry.fate === "return") entry.fate = "detect"
    return
  }
  // a plain "Dormant" would be asked again later
  if (entry.status === "Dormant" || entry.benched) entry.rest!.stop()
  detector.start(reserve(core, entry, before, () => {}), false)
}

/** The record of an added object: its owner tells with it what the object learns of itself. */
export class Added<A, D> extends Pooled<A, D> implements AddedObject<A, D> {
  readonly #name: string
  readonly #pool: Held<object>
  #link: Link<A, D> | undefined = undefined

  constructor(core: Core<A, D>, entry: Entry<A, D>) {
    super(entry)
    this.#name = core.options.name
    this.#pool = heldBy(core)
  }

  get #self(): Self {
    return (this.#link ??= new Link(this.#name, this.#pool, Pooled.entryOf<A, D>(this))).self
  }
  // to be taken off the record, each of them: a listener has no receiver

  get invalidate(): SelfCall {
    return this.#self.invalidate
  }
  get rest(): Self["rest"] {
    return this.#self.rest
  }
  get detect(): SelfCall {
    return this.#self.detect
  }
}
