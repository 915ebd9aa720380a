/**
 * Facets: what of an object rests for some of its borrowers only, and is counted for them.
 *
 * Invariant: a facet that is known here rests, or has taken something of its allowances. All others are forgotten as more
 * come.
 */
import type { Core } from "../state/core.ts"
import type { Entry } from "../state/entry.ts"
import { Note, note, offer } from "../state/notes.ts"
import { moment } from "../state/pooled.ts"
import { checks } from "../state/validation.ts"
import { rested, tell } from "../watching/events.ts"
import { Allowances } from "./allowances.ts"
import { type End, isOver, Rest, type RestOrigin } from "./rest.ts"

interface Facet<A, D> {
  readonly rest: Rest<A, D>
  readonly allowances: Allowances
}

/** So many facets are kept, whatever they do. */
const least = 32

export class Facets<A, D> {
  private readonly core: Core<A, D>
  private readonly entry: Entry<A, D>
  private readonly all = new Map<string, Facet<A, D>>()
  private most = least

  constructor(core: Core<A, D>, entry: Entry<A, D>) {
    this.core = core
    this.entry = entry
  }

  /** May the object be lent to borrowers of the facet? */
  isOpen(name: string): boolean {
    return this.all.get(name)?.rest.known !== true
  }
  /** How many milliseconds a facet rests. `now` and `wall` are what the clocks say. */
  left(name: string, now: number, wall: number): number {
    return this.all.get(name)?.rest.left(now, wall) ?? 0
  }
  /** Those that rest. */
  get states() {
    return Array.from(this.all).filter(([, { rest }]) => rest.known)
      .map(([name, { allowances, rest }]) => ({ name, allowances, rest }))
  }
  /** Those that rest, and until when; for ever where there is no time. */
  get resting() {
    return this.states.map(({ name, rest }) => ({ name, until: moment(rest.wakesAtMillis) }))
  }
  get known(): Iterable<readonly [name: string, facet: Facet<A, D>]> {
    return this.all
  }
  of(name: string): Facet<A, D> {
    let facet = this.all.get(name)
    if (facet === undefined) {
      if (this.all.size >= this.most) this.forgetIdle()
      facet = {
        rest: new Rest(this.core, this.entry, () => this.over(name)),
        allowances: new Allowances(this.core, this.entry.allowances?.perFacet ?? [], true)
      }
      this.all.set(name, facet)
    }
    return facet
  }
  /** A facet rests, or does no more; the object is offered to those who wait for it. */
  changed(name: string): void {
    const { allowances, rest } = this.of(name)
    if (!rest.known) return this.wake(name, rest)
    rest.wait()
    const { core } = this
    if (core.feed !== undefined) rested(core, rest, allowances, name)
    if (core.waiters.size > 0 && !core.options.waitsForResting) note(core, Note.resting)
  }
  /** Ends the rests of all facets, but for what their allowances say. Answers whether there was one. */
  wakeAll(): boolean {
    let found = false
    for (const [name, { rest }] of [...this.all]) {
      if (!rest.known || rest.isSpent) continue
      found = true
      rest.forget()
      if (rest.known) rest.wait()
      else this.wake(name, rest)
    }
    return found
  }
  /** The object leaves. */
  end(): void {
    for (const { rest } of this.all.values()) rest.forget()
    this.all.clear()
  }

  private over(name: string): void {
    const { rest } = this.of(name)
    // the rest lasts by the other clock, or the wall clock has been set back
    if (rest.known) rest.wait()
    else this.wake(name, rest)
  }
  private wake(name: string, rest: Rest<A, D>): void {
    const { core, entry } = this
    rest.forget()
    if (core.feed !== undefined) tell(core, { _tag: "Woke", objectId: entry.id, facet: name })
    if (entry.slot === -1) return
    core.registry.unlist(entry)
    offer(core, entry, false)
  }
  private forgetIdle(): void {
    for (const [name, { allowances, rest }] of this.all) {
      if (!rest.known && allowances.states.every(({ fullAt }) => fullAt === undefined)) this.all.delete(name)
    }
    this.most = Math.max(least, 2 * this.all.size)
  }
}

/** The name of a facet that an operation was given. Throws `InvalidPoolOptions`. */
export const toFacet = (pool: string, facet: unknown): string | undefined =>
  facet === undefined || typeof facet === "string" ? facet : checks(pool).refuse("facet", facet, "a text")

export const facetsOf = <A, D>(core: Core<A, D>, entry: Entry<A, D>): Facets<A, D> =>
  entry.facets ??= new Facets(core, entry)

/** Has an object rest for borrowers of a facet, from now on. */
export const restFacet = <A, D>(
  core: Core<A, D>,
  entry: Entry<A, D>,
  name: string,
  end: End,
  origin: RestOrigin
): void => {
  if (isOver(core, end) || entry.status === "Invalid") return
  const facets = facetsOf(core, entry)
  facets.of(name).rest.extend(end, origin)
  facets.changed(name)
}

/** What is left of the allowances of a facet has changed: it rests until all have something left, or no more. */
export const reckonFacet = <A, D>(core: Core<A, D>, entry: Entry<A, D>, name: string): void => {
  if (entry.status === "Invalid") return
  const facets = facetsOf(core, entry)
  const { allowances, rest } = facets.of(name)
  const rested = rest.known
  const { monotonic, wall } = allowances.opensAt
  rest.spentUntil = monotonic
  rest.spentMoment = wall
  entry.memory?.touch()
  if (rested || rest.known) facets.changed(name)
}
